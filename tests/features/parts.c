/* All parts together, without a machine: they begin, hear of things, end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "session/rooms.h"
#include "test_features.h"
#include <cmocka.h>

static void test_no_memory_to_begin(void **state) {
    (void)state;
    static App app;
    bool worked = false;
    for (uint64_t n = 1; n < 200 && !worked; n++) {
        Error err = {0};
        mem_fail_after(n, true);
        const Status status = program_begin(&app, ROOM, &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && err.message[0]));
    }
    assert_true(worked);
    program_close(&app);
}

/* "name":value, of each part are members of one object. */
static void test_state_is_members(void **state) {
    (void)state;
    for (const Part *const *part = ROOM->parts; *part; part++) {
        TextBuffer out = {0};
        if ((*part)->json) (*part)->json(bare(), &out);
        if (out.length) {
            int open = 0;
            assert_int_equal(out.text[0], '"');
            assert_int_equal(out.text[out.length - 1], ',');
            for (size_t i = 0; i < out.length; i++)
                open += (out.text[i] == '{' || out.text[i] == '[') - (out.text[i] == '}' || out.text[i] == ']');
            assert_int_equal(open, 0);
        }
        text_buffer_free(&out);
    }
}

static void test_nothing_is_closed_where_nothing_is_open(void **state) {
    (void)state;
    for (const Part *const *part = ROOM->parts; *part; part++) {
        char what[200];
        double fraction;
        assert_non_null((*part)->name);
        for (const Part *const *other = ROOM->parts; *other != *part; other++)
            assert_string_not_equal((*other)->name, (*part)->name);
        if ((*part)->escape) assert_false((*part)->escape(bare()));
        if ((*part)->let_go) assert_false((*part)->let_go(bare()));
        if ((*part)->asks_to_stay) assert_false((*part)->asks_to_stay(bare()));
        if ((*part)->busy) assert_false((*part)->busy(bare(), what, sizeof what, &fraction));
    }
}

static void test_commands_without_a_capture_say_so(void **state) {
    (void)state;
    static const char *const NEED[] = {"back", "play", "zoom-selection", "find-next"};
    for (size_t i = 0; i < BASE_COUNT(NEED); i++) {
        Error err = {0};
        if (commands_run(bare(), NEED[i], &err) != STATUS_NOT_FOUND) fail_msg("%s: %s", NEED[i], err.message);
        assert_true(err.message[0]);
    }
}

int test_parts_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_to_begin),
        cmocka_unit_test(test_state_is_members),
        cmocka_unit_test(test_nothing_is_closed_where_nothing_is_open),
        cmocka_unit_test(test_commands_without_a_capture_say_so),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
