#include "test_app.h"

int main(void) {
    int failed = 0;
    failed += test_commands_group();
    failed += test_record_group();
    failed += test_tours_group();
    failed += test_trouble_group();
    failed += test_variants_group();
    failed += test_guest_group();
    return failed ? 1 : 0;
}
