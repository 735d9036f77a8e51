#include "test_gpu.h"

int main(void) {
    if (context_open() != 0) {
        return 1;
    }
    int failed = 0;
    failed += test_device_group();
    failed += test_atlas_group();
    failed += test_compose_group();
    failed += test_difference_group();
    failed += test_toggle_group();
    failed += test_display_group();
    failed += test_paint_group();
    failed += test_text_group();
    failed += test_recompute_group();
    context_close();
    return failed ? 1 : 0;
}
