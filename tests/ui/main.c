#include "test_ui.h"

int main(void) {
    int failed = 0;
    failed += test_layout_group();
    failed += test_controls_group();
    failed += test_column_group();
    return failed ? 1 : 0;
}
