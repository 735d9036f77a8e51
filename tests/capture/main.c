#include "test_capture.h"

int main(void) {
    int failed = 0;
    failed += test_refused_group();
    failed += test_writer_group();
    failed += test_captures_group();
    failed += test_hdf5_group();
    failed += test_strip_group();
    if (make_fixtures()) {
        failed += test_fixtures_group();
        failed += test_tokens_group();
        failed += test_rows_group();
        failed += test_torch_group();
        failed += test_json_group();
        failed += test_inputs_group();
        failed += test_convert_group();
        failed += test_check_group();
    }
    return failed ? 1 : 0;
}
