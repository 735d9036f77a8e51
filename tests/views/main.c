#include "test_views.h"

int main(void) {
    int failed = 0;
    failed += test_camera_group();
    failed += test_grid_group();
    failed += test_text_group();
    failed += test_compare_group();
    failed += test_marks_group();
    return failed ? 1 : 0;
}
