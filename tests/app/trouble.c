/* Bad luck while a capture is open: each gives a message, and the program goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tour.h"
#include "test_app.h"

enum { WIDTH = 800, HEIGHT = 500 };
#define SETTLE_NS UINT64_C(60000000000)

typedef struct Stage {
    App app;
    FrameParams params;
    char path[64];
} Stage;

static void write_capture(const char *path, const char *tokens) {
    char *argv[] = {"--tokens", (char *)(uintptr_t)tokens, "--layers", "2", "--heads", "4", "--dense",
                    "-o",       (char *)(uintptr_t)path};
    assert_int_equal(cli_synth(9, argv), 0);
}

static Stage *open_scene(size_t gpu_budget, size_t ram_budget) {
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    assert_non_null(scene);
    snprintf(scene->path, sizeof scene->path, "/tmp/attnscope-trouble-%ld.safetensors", (long)getpid());
    write_capture(scene->path, "900");
    const AppParams params = {.mode = PLATFORM_OFFSCREEN,
                              .width = WIDTH,
                              .height = HEIGHT,
                              .no_vsync = true,
                              .workers = 2,
                              .gpu_budget = gpu_budget,
                              .ram_budget = ram_budget};
    const char *paths[] = {scene->path};
    Status status = program_open(&scene->app, &CATALOG, &params, &err);
    if (status == STATUS_OK) status = captures_open(&scene->app, paths, 1, &err);
    if (status != STATUS_OK) fail_msg("%s", err.message);
    scene->params = frame_window_params(&scene->app);
    scene->params.chrome = true;
    return scene;
}

static void close_scene(Stage *scene) {
    program_close(&scene->app);
    unlink(scene->path);
    free(scene);
}

static void frames_until_quiet(Stage *scene) {
    test_frames_until_quiet(&scene->app, &scene->params, 2000);
}

static void assert_works(Stage *scene) {
    Error err = {0};
    if (work_settle(&scene->app, &scene->params, SETTLE_NS, &err) != STATUS_OK) fail_msg("%s", err.message);
    assert_false(scene->app.picture.result.missing);
}

static void run(Stage *scene, const char *line) {
    Error err = {0};
    if (commands_run(&scene->app, line, &err) != STATUS_OK) fail_msg("%s: %s", line, err.message);
}

static void test_file_removed(void **state) {
    (void)state;
    Stage *scene = open_scene(0, 0);
    unlink(scene->path); /* the open descriptor still reads it */
    run(scene, "layer last");
    run(scene, "one-to-one");
    assert_works(scene);
    close_scene(scene);
}

static void test_file_truncated(void **state) {
    (void)state;
    Stage *scene = open_scene(0, 0);
    assert_works(scene);
    assert_int_equal(truncate(scene->path, 20000), 0);
    run(scene, "layer last");
    run(scene, "one-to-one");
    frames_until_quiet(scene);
    assert_true(scene->app.work.failed.count > 0);
    assert_non_null(strstr(scene->app.message.text, "shorter"));
    /* Back where everything was read before: the picture is still there. */
    run(scene, "layer first");
    run(scene, "fit");
    scene->app.pace.last_layer_ns = 0;
    frames_until_quiet(scene);
    assert_false(scene->app.picture.result.missing);
    /* And a whole file again. */
    write_capture(scene->path, "500");
    run(scene, "reload");
    assert_works(scene);
    close_scene(scene);
}

static void test_budget_too_small_for_one_screen(void **state) {
    (void)state;
    Stage *scene = open_scene((size_t)2 << 20, 0);
    run(scene, "one-to-one");
    frames_until_quiet(scene);
    assert_non_null(strstr(scene->app.message.text, "GPU budget"));
    assert_true(gpu_stats(scene->app.machine.gpu).tile_bytes <= (size_t)2 << 20);
    close_scene(scene);
}

/* After more room was made by moving on, what did not fit is asked for again. */
static void test_what_did_not_fit_is_not_given_up(void **state) {
    (void)state;
    Stage *scene = open_scene((size_t)6 << 20, 0);
    run(scene, "one-to-one");
    frames_until_quiet(scene);
    run(scene, "head 0");
    run(scene, "fit");
    assert_works(scene);
    close_scene(scene);
}

static void test_driver_out_of_memory(void **state) {
    (void)state;
    Stage *scene = open_scene(0, 0);
    assert_works(scene);
    const size_t before = gpu_info(scene->app.machine.gpu)->tile_budget;
    gpu_debug_fail_uploads(scene->app.machine.gpu, 2);
    run(scene, "layer last");
    run(scene, "one-to-one");
    frames_until_quiet(scene);
    assert_true(gpu_info(scene->app.machine.gpu)->tile_budget < before);
    assert_non_null(strstr(scene->app.message.text, "GPU"));
    run(scene, "fit");
    scene->app.pace.last_layer_ns = 0;
    frames_until_quiet(scene);
    assert_false(scene->app.picture.result.missing);
    close_scene(scene);
}

static void test_memory_stays_within_the_budgets(void **state) {
    (void)state;
    const size_t budget = (size_t)8 << 20;
    Stage *scene = open_scene(4 * budget, budget);
    for (int i = 0; i < tour_count(); i++) {
        TourState tour = {.app = &scene->app, .params = scene->params};
        for (int frame = 0; frame < 40; frame++) {
            bool any;
            tour_at(i)->play(&tour, frame / 40.0);
            work_take_results(&scene->app, UINT64_MAX, &any);
            frame_build(&scene->app, &scene->params);
            work_submit_wants(&scene->app, true);
            assert_true(gpu_stats(scene->app.machine.gpu).tile_bytes <= 4 * budget);
            assert_true(tiles_scheduler_stats(scene->app.machine.scheduler).cache_bytes <= budget);
            clock_sleep_ns(500000);
        }
    }
    close_scene(scene);
}

/* Memory runs out in a worker, wherever that is: a message, and the next try finds everything. */
static void test_workers_that_fail(void **state) {
    (void)state;
    Stage *scene = open_scene(0, 0);
    assert_works(scene);
    int failed = 0;
    for (uint64_t n = 1; n < 12 || (failed == 0 && n < 200); n++) {
        App *app = &scene->app;
        run(scene, n % 2 ? "layer last" : "layer first");
        run(scene, "one-to-one");
        frame_build(app, &scene->params);
        app->message.text[0] = 0;
        mem_fail_after(n, true); /* before workers begin: they may be quick */
        work_submit_wants(app, false);
        for (int ms = 0; ms < 500 && tiles_scheduler_waiting(app->machine.scheduler) == 0; ms++)
            clock_sleep_ns(1000000);
        mem_fail_after(0, false);
        frames_until_quiet(scene);
        if (app->work.failed.count > 0) {
            failed++;
            assert_true(app->message.text[0] != 0);
        }
        run(scene, "reload"); /* asks for everything again */
        run(scene, "fit");
        assert_works(scene);
    }
    assert_true(failed > 0);
    close_scene(scene);
}

int test_trouble_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_removed),
        cmocka_unit_test(test_file_truncated),
        cmocka_unit_test(test_budget_too_small_for_one_screen),
        cmocka_unit_test(test_what_did_not_fit_is_not_given_up),
        cmocka_unit_test(test_driver_out_of_memory),
        cmocka_unit_test(test_workers_that_fail),
        cmocka_unit_test(test_memory_stays_within_the_budgets),
    };
    return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
