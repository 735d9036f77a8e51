/* Columns of panels: bars of a row of numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "session/rooms.h"
#include "test_ui.h"
#include "ui/ui.h"

static const Rect BOX = {10, 20, 100, 50};

typedef struct Column {
    Frame frame;
    Panel panel;
    float least, most;
} Column;

/* The bars that were drawn, without the line at 0. */
static size_t profile(Column *column, const float *values, int64_t count, int64_t marked) {
    App *app = bare();
    draw_list_reset(&app->picture.list, NULL);
    column->frame = (Frame){.scale = 1, .theme = views_theme(false)};
    column->panel = (Panel){.pen = ui_pen(app), .app = app, .frame = &column->frame};
    column_profile(&column->panel, BOX, values, count, marked, &column->least, &column->most);
    return app->picture.list.count - 1;
}

static const DrawOp *bar(size_t i) {
    return &bare()->picture.list.ops[i + 1];
}

static bool is_marked(const DrawOp *op) {
    const Color accent = views_theme(false)->accent;
    return op->color.r == accent.r && op->color.g == accent.g && op->color.b == accent.b;
}

static void test_bars_stand_on_zero(void **state) {
    (void)state;
    const float values[4] = {1, 0, 0.5f, 2};
    Column column;
    assert_int_equal(profile(&column, values, 4, 2), 3); /* 0 has none */
    assert_true(column.least == 0 && column.most == 2);
    for (size_t i = 0; i < 3; i++)
        assert_true(bar(i)->rect.y + bar(i)->rect.h == BOX.y + BOX.h);
    assert_true(bar(0)->rect.h == 25 && bar(2)->rect.h == 50);
    assert_true(!is_marked(bar(0)) && is_marked(bar(1)) && !is_marked(bar(2)));
}

static void test_negative_bars_hang_from_it(void **state) {
    (void)state;
    const float values[2] = {3, -1};
    Column column;
    assert_int_equal(profile(&column, values, 2, -1), 2);
    assert_true(column.least == -1 && column.most == 3);
    assert_true(bar(0)->rect.y + bar(0)->rect.h == bar(1)->rect.y);
    assert_true(fabsf(bar(0)->rect.h - 3 * bar(1)->rect.h) < 3);
}

/* Of more values than pixels each column shows its extreme; what is no number is left out. */
static void test_extremes_survive(void **state) {
    (void)state;
    static float values[10000];
    Column column;
    for (int i = 0; i < 10000; i++)
        values[i] = i % 7 ? 0.001f : NAN;
    values[4321] = 8;
    values[17] = -INFINITY;
    assert_int_equal(profile(&column, values, 10000, 4321), 100);
    assert_true(column.least == 0 && column.most == 8);
    for (size_t i = 0; i < 100; i++) {
        assert_true((bar(i)->rect.h == 50) == (i == 43));
        assert_true(is_marked(bar(i)) == (i == 43));
        assert_true(bar(i)->rect.x >= BOX.x && bar(i)->rect.x + bar(i)->rect.w <= BOX.x + BOX.w);
    }
}

static void test_nothing_to_show(void **state) {
    (void)state;
    const float masked[3] = {CELL_MASKED, CELL_MASKED, NAN};
    Column column;
    assert_int_equal(profile(&column, masked, 3, 0), 0);
    assert_true(column.least == 0 && column.most == 0);
    assert_int_equal(profile(&column, masked, 0, -1), 0);
}

int test_column_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars_stand_on_zero),
        cmocka_unit_test(test_negative_bars_hang_from_it),
        cmocka_unit_test(test_extremes_survive),
        cmocka_unit_test(test_nothing_to_show),
    };
    return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}
