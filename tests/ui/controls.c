/* What the mouse can hit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "session/rooms.h"
#include "test_ui.h"
#include "ui/ui.h"
#include <cmocka.h>

static int begin(void **state) {
    (void)state;
    bare()->ui.hits.count = 0;
    return 0;
}

static void test_who_is_drawn_last_is_hit_first(void **state) {
    (void)state;
    App *app = bare();
    const Pen pen = ui_pen(app);
    ui_hit(&pen, (Rect){0, 0, 100, 100}, "below", CURSOR_HAND, "layer %d", 3);
    ui_hit(&pen, (Rect){50, 50, 100, 100}, "above", CURSOR_HAND, "%s", "fit");
    assert_string_equal(ui_hit_at(app, 60, 60)->command, "fit");
    assert_string_equal(ui_hit_at(app, 10, 10)->command, "layer 3");
    assert_string_equal(ui_hit_at(app, 140, 140)->hint, "above");
    assert_null(ui_hit_at(app, 10, 140));
}

static void test_the_control_registered_last_turns(void **state) {
    (void)state;
    App *app = bare();
    const Pen pen = ui_pen(app);
    ui_hit_turns(&pen, "less", "more"); /* there is none: nothing happens */
    ui_hit(&pen, (Rect){0, 0, 10, 10}, "", CURSOR_HAND, "a");
    ui_hit(&pen, (Rect){20, 0, 10, 10}, "", CURSOR_HAND, "b");
    ui_hit_turns(&pen, "less", "more");
    assert_null(ui_hit_at(app, 5, 5)->less);
    assert_string_equal(ui_hit_at(app, 25, 5)->less, "less");
    assert_string_equal(ui_hit_at(app, 25, 5)->more, "more");
}

static void test_more_than_there_is_room_for(void **state) {
    (void)state;
    App *app = bare();
    const Pen pen = ui_pen(app);
    for (int i = 0; i < APP_HITS_MAX + 10; i++)
        ui_hit(&pen, (Rect){(float)i, 0, 1, 1}, "", CURSOR_HAND, "layer %d", i);
    assert_int_equal(app->ui.hits.count, APP_HITS_MAX);
    assert_string_equal(ui_hit_at(app, APP_HITS_MAX - 0.5f, 0.5f)->command, "layer 1023");
    assert_null(ui_hit_at(app, APP_HITS_MAX + 5.5f, 0.5f));
}

static void test_nothing_hovers_while_something_is_dragged(void **state) {
    (void)state;
    App *app = bare();
    const Pen pen = ui_pen(app);
    const Rect rect = {10, 10, 20, 20};
    app->pointer = (Pointer){.x = 15, .y = 15, .inside = true};
    assert_true(ui_hovered(&pen, rect));
    app->pointer.drag = DRAG_PAN;
    assert_false(ui_hovered(&pen, rect));
    app->pointer = (Pointer){.x = 15, .y = 15, .inside = false};
    assert_false(ui_hovered(&pen, rect));
    app->pointer = (Pointer){.x = 31, .y = 15, .inside = true};
    assert_false(ui_hovered(&pen, rect));
}

int test_controls_group(void) {
#define CLEAN(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        CLEAN(test_who_is_drawn_last_is_hit_first),
        CLEAN(test_the_control_registered_last_turns),
        CLEAN(test_more_than_there_is_room_for),
        CLEAN(test_nothing_hovers_while_something_is_dragged),
    };
    return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
