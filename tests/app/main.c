#include "test_app.h"

int main(void) {
    int failed = 0;
    failed += test_commands_group();
    failed += test_record_group();
    failed += test_grid_group();
    failed += test_tours_group();
    failed += test_trouble_group();
    failed += test_field_group();
    failed += test_files_group();
    failed += test_find_group();
    failed += test_settings_group();
    failed += test_pins_group();
    failed += test_variants_group();
    failed += test_guest_group();
    failed += test_watch_group();
    return failed ? 1 : 0;
}
