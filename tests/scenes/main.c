#include "test_scenes.h"

int main(void) {
    int failed = 0;
    failed += test_grid_group();
    failed += test_scenes_group();
    failed += test_matrix_group();
    return failed ? 1 : 0;
}
