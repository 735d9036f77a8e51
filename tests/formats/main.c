#include "test_formats.h"

int main(void) {
    int failed = 0;
    failed += test_bytes_group();
    failed += test_formats_group();
    failed += test_names_group();
    failed += test_token_text_group();
    failed += test_npy_group();
    failed += test_npz_group();
    failed += test_safetensors_group();
    return failed ? 1 : 0;
}
