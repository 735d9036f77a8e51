#include "test_session.h"

int main(void) {
    int failed = 0;
    failed += test_options_group();
    failed += test_commands_group();
    failed += test_properties_group();
    failed += test_field_group();
    failed += test_files_group();
    failed += test_settings_group();
    failed += test_find_group();
    failed += test_watch_group();
    return failed ? 1 : 0;
}
