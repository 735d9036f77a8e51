/* The grid in the program, off screen: what is asked for first, how much a frame costs, and bad luck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenes/grid/grid.h"
#include "scenes/scenes.h"
#include "session/app.h"
#include "session/rooms.h"
#include "test_scenes.h"

enum { WIDTH = 900, HEIGHT = 600, LAYERS = 12, HEADS = 16 };
#define SETTLE_NS UINT64_C(60000000000)

typedef struct GridTest {
    App app;
    FrameParams params;
    GpuTarget *target;
    char path[64];
} GridTest;

/* `workers` -1: results come only when they are taken. */
static GridTest *open_scene(int64_t tokens, int workers) {
    GridTest *scene = calloc(1, sizeof *scene);
    Error err = {0};
    assert_non_null(scene);
    snprintf(scene->path, sizeof scene->path, "/tmp/attnscope-grid-%ld.safetensors", (long)getpid());
    test_write_dense(scene->path, tokens, LAYERS, HEADS);
    const AppParams params = {
        .mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .no_vsync = true, .workers = workers};
    const char *paths[] = {scene->path};
    Status status = program_open(&scene->app, ROOM, &params, &err);
    if (status == STATUS_OK) status = captures_open(&scene->app, paths, 1, &err);
    if (status == STATUS_OK) status = gpu_target_new(scene->app.machine.gpu, WIDTH, HEIGHT, &scene->target, &err);
    if (status != STATUS_OK) fail_msg("%s", err.message);
    scene->params = frame_window_params(&scene->app);
    scene->params.chrome = true;
    return scene;
}

static void close_scene(GridTest *scene) {
    gpu_target_drop(scene->app.machine.gpu, scene->target);
    program_close(&scene->app);
    unlink(scene->path);
    free(scene);
}

static void run(GridTest *scene, const char *line) {
    Error err = {0};
    if (commands_run(&scene->app, line, &err) != STATUS_OK) fail_msg("%s: %s", line, err.message);
}

static void frame(GridTest *scene) {
    Error err = {0};
    frame_build(&scene->app, &scene->params);
    if (gpu_paint(scene->app.machine.gpu, scene->target, WIDTH, HEIGHT, (Color){0, 0, 0, 255}, &scene->app.picture.list,
                  &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
}

static void settle(GridTest *scene) {
    Error err = {0};
    if (work_settle(&scene->app, &scene->params, SETTLE_NS, &err) != STATUS_OK) fail_msg("%s", err.message);
}

static void frames_until_quiet(GridTest *scene) {
    test_frames_until_quiet(&scene->app, &scene->params, 5000);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static void test_visible_heads_are_wanted_first_nearest_to_the_focus(void **state) {
    (void)state;
    GridTest *scene = open_scene(40, 1);
    App *app = &scene->app;
    run(scene, "layer 7");
    run(scene, "head 9");
    run(scene, "view grid");
    frame(scene);
    run(scene, "zoom 4"); /* a part of the grid only */
    run(scene, "layer 6");
    run(scene, "layer 7"); /* brings the focus into view */
    frame(scene);
    const GridLayout *l = &grid_of(app)->layout;
    const int visible = (l->row1 - l->row0) * (l->column1 - l->column0);
    assert_true(visible > 4 && visible < LAYERS * HEADS / 2);
    assert_true(app->work.wants.count >= (size_t)visible);
    assert_int_equal(app->work.wants.items[0].key.layer, 7);
    assert_int_equal(app->work.wants.items[0].key.head, 9);
    for (int i = 0; i < visible; i++) {
        const TileWant *want = &app->work.wants.items[i];
        assert_int_equal(want->kind, JOB_BASE);
        assert_true(want->key.layer >= l->row0 && want->key.layer < l->row1);
        assert_true(want->key.head >= l->column0 && want->key.head < l->column1);
    }
    assert_true(app->picture.result.missing && app->picture.result.pending);
    /* With one range for all, those out of sight matter, too: they come after. */
    run(scene, "grid-range common");
    frame(scene);
    assert_true(app->work.wants.count > (size_t)visible);
    frames_until_quiet(scene);
    assert_false(app->picture.result.missing || app->picture.result.pending);
    assert_int_equal(app->picture.result.tiles_drawn, visible);
    close_scene(scene);
}

/* ---- cost of a frame ------------------------------------------------------------------------- */

static uint64_t draw_calls(GridTest *scene) {
    const uint64_t before = gpu_stats(scene->app.machine.gpu).draw_calls;
    frame(scene);
    return gpu_stats(scene->app.machine.gpu).draw_calls - before;
}

static void test_a_frame_of_many_heads_is_a_few_draw_calls(void **state) {
    (void)state;
    GridTest *scene = open_scene(40, 0);
    run(scene, "view grid");
    settle(scene);
    scene->params.chrome = false; /* the figure: cells, labels, colour bar */
    frame(scene);
    assert_int_equal(scene->app.picture.result.tiles_drawn, LAYERS * HEADS);
    run(scene, "grid-range head");
    const uint64_t own = draw_calls(scene);
    run(scene, "grid-range common");
    settle(scene);
    const uint64_t common = draw_calls(scene);
    assert_true(own < 40 && common < 40);
    close_scene(scene);
}

static void test_steady_frames_allocate_nothing(void **state) {
    (void)state;
    GridTest *scene = open_scene(40, 0);
    run(scene, "view grid");
    settle(scene);
    for (int warm = 0; warm < 2; warm++) {
        const uint64_t before = mem_allocation_count();
        for (int i = 0; i < 30; i++) {
            static const char *const MOVES[] = {"zoom 1.3", "pan 20,30", "layer +1",
                                                "head +1",  "zoom 0.8",  "pan -20,-10"};
            run(scene, MOVES[i % 6]);
            frame(scene);
        }
        if (warm == 1) assert_int_equal(mem_allocation_count() - before, 0);
        run(scene, "fit");
        run(scene, "layer first");
    }
    close_scene(scene);
}

/* ---- bad luck -------------------------------------------------------------------------------- */

static void test_what_a_truncated_file_lost_is_marked_and_the_rest_is_shown(void **state) {
    (void)state;
    GridTest *scene = open_scene(64, 2);
    assert_int_equal(truncate(scene->path, 600000), 0); /* of 1.5 MB */
    run(scene, "view grid");
    frames_until_quiet(scene);
    App *app = &scene->app;
    assert_non_null(strstr(app->message.text, "shorter"));
    assert_true(app->work.failed.count > 0);
    assert_int_equal(app->picture.result.tiles_drawn + app->work.failed.count, LAYERS * HEADS);
    assert_true(app->picture.result.tiles_drawn > LAYERS * HEADS / 5);
    assert_false(app->picture.result.missing);
    /* A picture for a file is refused, with the same sentence. */
    Error err = {0};
    assert_int_equal(work_settle(app, &scene->params, SETTLE_NS, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "shorter"));
    close_scene(scene);
}

static void test_no_memory_in_a_frame_is_no_crash(void **state) {
    (void)state;
    GridTest *scene = open_scene(40, 0);
    run(scene, "view grid");
    settle(scene);
    for (uint64_t n = 1; n < 40; n++) {
        run(scene, "view matrix");
        run(scene, "view grid");
        draw_list_free(&scene->app.picture.list);
        mem_fail_after(n, true);
        frame_build(&scene->app, &scene->params);
        (void)gpu_paint(scene->app.machine.gpu, scene->target, WIDTH, HEIGHT, (Color){0, 0, 0, 255},
                        &scene->app.picture.list, NULL);
        mem_fail_after(0, false);
    }
    settle(scene);
    frame(scene);
    assert_int_equal(scene->app.picture.result.tiles_drawn, LAYERS * HEADS);
    close_scene(scene);
}

/* ---- looking around changes nothing else ----------------------------------------------------- */

static void test_the_matrix_is_as_it_was_unless_a_head_is_opened(void **state) {
    (void)state;
    GridTest *scene = open_scene(40, 0);
    App *app = &scene->app;
    run(scene, "layer 3");
    run(scene, "heads max:1,4,5");
    run(scene, "view grid");
    frame(scene);
    assert_int_equal(grid_of(app)->state.selected_count, 3);
    run(scene, "layer +4");
    run(scene, "head +2");
    assert_int_equal(grid_of(app)->state.focus.layer, 7);
    assert_int_equal(app->look.subject.layer, 3);
    assert_true(GRID.escape(app)); /* the selection first */
    assert_string_equal(app->shown.scene->name, "grid");
    assert_true(GRID.escape(app));
    assert_string_equal(app->shown.scene->name, "matrix");
    assert_int_equal(app->look.subject.layer, 3);
    assert_int_equal(app->look.subject.heads.op, HEADS_MAX);
    run(scene, "view grid");
    run(scene, "select none");
    run(scene, "layer 9");
    run(scene, "open-head");
    assert_string_equal(app->shown.scene->name, "matrix");
    assert_int_equal(app->look.subject.layer, 9);
    assert_true(tiles_headset_single(&app->look.subject.heads));
    assert_ptr_equal(app->shown.came_from, &GRID); /* where Esc goes back to */
    scene_show(app, app->shown.came_from);
    assert_int_equal(grid_of(app)->state.focus.layer, 9);
    close_scene(scene);
}

int test_grid_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visible_heads_are_wanted_first_nearest_to_the_focus),
        cmocka_unit_test(test_a_frame_of_many_heads_is_a_few_draw_calls),
        cmocka_unit_test(test_steady_frames_allocate_nothing),
        cmocka_unit_test(test_what_a_truncated_file_lost_is_marked_and_the_rest_is_shown),
        cmocka_unit_test(test_no_memory_in_a_frame_is_no_crash),
        cmocka_unit_test(test_the_matrix_is_as_it_was_unless_a_head_is_opened),
    };
    return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
