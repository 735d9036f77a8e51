/* The regions of the window: none lies over another, together they are the window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "session/notes.h"
#include "session/rooms.h"
#include "test_ui.h"
#include "ui/ui.h"
#include <cmocka.h>

static double area(Rect rect) {
    return (double)rect.w * (double)rect.h;
}

static bool apart(Rect a, Rect b) {
    return area(a) <= 0 || area(b) <= 0 || a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
}

static void expect_tiled(const Layout *layout) {
    const Rect all[] = {layout->top, layout->left, layout->right, layout->bottom, layout->view, layout->beside};
    double sum = 0;
    for (size_t i = 0; i < BASE_COUNT(all); i++) {
        sum += area(all[i]);
        for (size_t j = 0; j < i; j++)
            assert_true(apart(all[i], all[j]));
    }
    assert_true(sum == area(layout->window));
}

static void test_regions_tile_the_window(void **state) {
    (void)state;
    static const int SIZES[][2] = {{1600, 1000}, {1000, 700}, {800, 600}, {500, 400}, {400, 200}};
    static const float SCALES[] = {1, 1.5f, 2};
    App *app = bare();
    for (size_t i = 0; i < BASE_COUNT(SIZES); i++) {
        for (size_t j = 0; j < BASE_COUNT(SCALES); j++) {
            const FrameParams params = {
                .width = SIZES[i][0], .height = SIZES[i][1], .scale = SCALES[j], .chrome = true};
            const Layout layout = ui_layout(app, &params);
            expect_tiled(&layout);
        }
    }
}

static void test_panels_fold_away(void **state) {
    (void)state;
    App *app = bare();
    FrameParams params = {.width = 1000, .height = 700, .scale = 1, .chrome = true};
    Layout layout = ui_layout(app, &params);
    assert_true(layout.left.w > 0 && layout.right.w > 0 && layout.bottom.h > 0);
    assert_true(layout.beside.w == 0); /* no part has a panel of its own */
    params.width = 800;                /* the right one first */
    layout = ui_layout(app, &params);
    assert_true(layout.left.w > 0 && layout.right.w == 0);
    params.width = 600;
    params.height = 280;
    layout = ui_layout(app, &params);
    assert_true(layout.left.w == 0 && layout.bottom.h == 0);
    params.width = 1000;
    app->ui.panels = false;
    layout = ui_layout(app, &params);
    assert_true(layout.left.w == 0 && layout.right.w == 0);
    app->ui.panels = true;
    app->shown.scene = &LIST; /* not of heads of a layer: they would have nothing to choose */
    layout = ui_layout(app, &params);
    assert_true(layout.left.w == 0 && layout.right.w > 0);
    app->shown.scene = &PIXELS;
}

static void test_pictures_have_no_panels(void **state) {
    (void)state;
    FrameParams params = {.width = 1000, .height = 700, .scale = 1, .bare = true};
    Layout layout = ui_layout(bare(), &params);
    assert_true(layout.view.w == 1000 && layout.view.h == 700);
    params.bare = false; /* a title and a colour bar */
    layout = ui_layout(bare(), &params);
    assert_true(layout.top.h == 0 && layout.view.h < 700 && layout.view.h > 500);
    params.bare = true;
    params.caption = 20;
    layout = ui_layout(bare(), &params);
    assert_true(layout.view.h == 680);
}

int test_layout_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_tile_the_window),
        cmocka_unit_test(test_panels_fold_away),
        cmocka_unit_test(test_pictures_have_no_panels),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
