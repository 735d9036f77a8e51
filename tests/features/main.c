#include "test_features.h"

int main(void) {
    int failed = 0;
    failed += test_pins_group();
    failed += test_parts_group();
    failed += test_record_group();
    failed += test_tours_group();
    return failed ? 1 : 0;
}
