/* The hand in the matrix: wheel, drag, keys of the camera. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "scenes/scenes.h"
#include "session/rooms.h"
#include "test_scenes.h"

typedef struct MatrixTest {
    App app;
    ManualClock clock;
    FrameParams params;
} MatrixTest;

static MatrixTest *open_scene(void) {
    MatrixTest *scene = calloc(1, sizeof *scene);
    const char *paths[] = {"demo:jabberwocky"};
    Error err = {0};
    const AppParams params = {.mode = PLATFORM_OFFSCREEN, .width = 1000, .height = 700, .no_vsync = true};
    Status status = program_open(&scene->app, ROOM, &params, &err);
    if (status == STATUS_OK) status = captures_open(&scene->app, paths, 1, &err);
    if (status != STATUS_OK) fail_msg("%s", err.message);
    scene->clock.now_ns = UINT64_C(5000000000);
    scene->app.machine.clock = clock_manual(&scene->clock);
    scene_show(&scene->app, &MATRIX);
    scene->params = frame_window_params(&scene->app);
    scene->params.chrome = true;
    frame_build(&scene->app, &scene->params);
    return scene;
}

static void close_scene(MatrixTest *scene) {
    program_close(&scene->app);
    free(scene);
}

static void pointer_at(MatrixTest *scene, float across, float down) {
    const Rect plot = scene->app.picture.result.plot;
    scene->app.pointer.x = plot.x + plot.w * across;
    scene->app.pointer.y = plot.y + plot.h * down;
    scene->app.pointer.inside = true;
}

/* Query and key under the mouse, with their parts. */
static void under(MatrixTest *scene, double *query, double *key) {
    const ViewResult *r = &scene->app.picture.result;
    frame_build(&scene->app, &scene->params);
    *query = ((double)scene->app.pointer.y - r->origin_y) / r->cell_h;
    *key = ((double)scene->app.pointer.x - r->origin_x) / r->cell_w;
}

/* To a pixel: pictures begin on whole ones. */
static void expect_under(MatrixTest *scene, double query, double key) {
    const ViewResult *r = &scene->app.picture.result;
    double query_now, key_now;
    under(scene, &query_now, &key_now);
    assert_true(fabs(query - query_now) * r->cell_h <= 1 && fabs(key - key_now) * r->cell_w <= 1);
}

static void test_the_wheel_keeps_what_is_under_the_mouse(void **state) {
    (void)state;
    MatrixTest *scene = open_scene();
    double query, key;
    pointer_at(scene, 0.6f, 0.55f);
    under(scene, &query, &key);
    const double cell = scene->app.picture.result.cell_h;
    for (int i = 0; i < 4; i++) {
        MATRIX.mouse.wheel(&scene->app, &(const InputEvent){.type = EVENT_WHEEL, .wheel_y = 1});
        expect_under(scene, query, key);
    }
    assert_true(scene->app.picture.result.cell_h > 1.2 * cell);
    assert_false(scene->app.look.matrix.fitted);
    MATRIX.camera.fit(&scene->app);
    under(scene, &query, &key);
    assert_true(fabs(scene->app.picture.result.cell_h - cell) < 1e-6);
    close_scene(scene);
}

static void test_dragging_moves_the_token_with_the_hand(void **state) {
    (void)state;
    MatrixTest *scene = open_scene();
    App *app = &scene->app;
    double query, key;
    Error err = {0};
    assert_int_equal(commands_run(app, "zoom 4", &err), STATUS_OK);
    pointer_at(scene, 0.5f, 0.5f);
    under(scene, &query, &key);
    const Camera before = app->look.matrix.camera;
    scene->clock.now_ns += UINT64_C(2000000000); /* another gesture */
    const InputEvent press = {.type = EVENT_MOUSE_DOWN, .button = BUTTON_LEFT};
    MATRIX.mouse.press(app, &press);
    assert_int_equal(app->pointer.drag, DRAG_PAN);
    app->pointer.camera = app->look.matrix.camera;
    app->pointer.drag_x = app->pointer.x;
    app->pointer.drag_y = app->pointer.y;
    app->pointer.x += 40;
    app->pointer.y -= 30;
    MATRIX.mouse.drag(app);
    expect_under(scene, query, key);
    app->pointer.drag = DRAG_NONE;
    assert_int_equal(commands_run(app, "back", &err), STATUS_OK);
    assert_memory_equal(&app->look.matrix.camera, &before, sizeof before);
    close_scene(scene);
}

static void test_layers_turn_under_the_same_camera(void **state) {
    (void)state;
    MatrixTest *scene = open_scene();
    App *app = &scene->app;
    Error err = {0};
    assert_int_equal(commands_run(app, "camera 8:24,4:20", &err), STATUS_OK);
    const Camera camera = app->look.matrix.camera;
    assert_int_equal(commands_run(app, "layer +1", &err), STATUS_OK);
    frame_build(app, &scene->params);
    assert_memory_equal(&app->look.matrix.camera, &camera, sizeof camera);
    assert_int_equal(scene_layer(app), app->look.subject.layer);
    close_scene(scene);
}

int test_matrix_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_wheel_keeps_what_is_under_the_mouse),
        cmocka_unit_test(test_dragging_moves_the_token_with_the_hand),
        cmocka_unit_test(test_layers_turn_under_the_same_camera),
    };
    return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
