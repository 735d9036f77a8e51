/* What is on screen between a change of the variant and its tiles: nearly it, and marked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "session/app.h"
#include "test_app.h"

enum { WIDTH = 900, HEIGHT = 600, FRAMES_MAX = 4000, TOKENS = 600 };
#define SETTLE_NS UINT64_C(60000000000)

typedef struct Stage {
    App app;
    FrameParams params;
    char path[64];
} Stage;

/* Results come one by one, when they are taken. */
static Stage *open_scene(void) {
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    assert_non_null(scene);
    snprintf(scene->path, sizeof scene->path, "/tmp/attnscope-variants-%ld.safetensors", (long)getpid());
    char *argv[] = {"--tokens", "600", "--layers", "2", "--heads", "4", "--dense", "-o", scene->path};
    assert_int_equal(cli_synth(9, argv), 0);
    const AppParams params = {
        .mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .no_vsync = true, .workers = -1};
    const char *paths[] = {scene->path};
    Status status = program_open(&scene->app, &CATALOG, &params, &err);
    if (status == STATUS_OK) status = captures_open(&scene->app, paths, 1, &err);
    if (status != STATUS_OK) fail_msg("%s", err.message);
    scene->params = frame_window_params(&scene->app);
    return scene;
}

static void close_scene(Stage *scene) {
    program_close(&scene->app);
    unlink(scene->path);
    free(scene);
}

static void run(Stage *scene, const char *line) {
    Error err = {0};
    if (commands_run(&scene->app, line, &err) != STATUS_OK) fail_msg("%s: %s", line, err.message);
}

/* The overview's composite, which is made whole in one frame: of tiles of the variant, or of factors. */
static TileKey composite_key(Stage *scene, bool factors) {
    const App *app = &scene->app;
    const Frame frame = {.capture = app_capture(app), .serial = app->opened.captures[0].serial};
    const int level = tiles_base_level(TOKENS, app->machine.base_side);
    TileKey key = views_key(&frame, &app->look, app->look.subject.layer, -1,
                            tiles_headset_hash(&app->look.subject.heads), (TilePlace){.level = {level, level}});
    key.variant = views_variant_id(&app->look);
    return factors ? views_factor_key(&app->look, &key) : key;
}

static float *read_means(Stage *scene, const TileKey *key, int *width, int *count) {
    int height;
    const size_t room = (size_t)TILE_SIDE * TILE_SIDE * 2;
    float *rg = malloc(room * sizeof *rg);
    assert_non_null(rg);
    assert_int_equal(gpu_tile_read(scene->app.machine.gpu, key, 0, rg, room, width, &height, NULL), STATUS_OK);
    *count = *width * height;
    return rg;
}

static bool is_exact(const App *app) {
    return !app->picture.result.pending && !strcmp(words_badge(app), "exact");
}

/* Without the variant, then nearly with it, both marked approximate; exact in the end, and not far from what was shown
 * before. */
static void a_pooled_variant_is_approximate_until_it_is_exact(void **state) {
    (void)state;
    Stage *scene = open_scene();
    App *app = &scene->app;
    Error err = {0};
    assert_int_equal(work_settle(app, &scene->params, SETTLE_NS, &err), STATUS_OK);
    run(scene, "hide first");
    run(scene, "row-scale sum");
    bool any, nearly = false;
    int frames = 0;
    float *near_by = NULL;
    int near_count = 0, width = 0;
    for (; frames < FRAMES_MAX; frames++) {
        frame_build(app, &scene->params);
        assert_true(app->picture.result.level.q > 0 && app->picture.result.level.k > 0);
        if (is_exact(app)) break;
        assert_false(app->picture.result.missing);
        assert_true(strcmp(words_badge(app), "exact") != 0);
        if (frames == 0) assert_string_equal(words_badge(app), "approximate");
        const TileKey key = composite_key(scene, true);
        GpuTileInfo info;
        if (!nearly && gpu_tile_find(app->machine.gpu, &key, &info)) {
            nearly = true;
            assert_int_equal(info.exactness_mean, APPROXIMATE);
            near_by = read_means(scene, &key, &width, &near_count);
        }
        work_submit_wants(app, false);
        work_take_results(app, 0, &any);
    }
    assert_true(frames < FRAMES_MAX && nearly);
    const TileKey exact = composite_key(scene, false);
    int count;
    float *rg = read_means(scene, &exact, &width, &count);
    double difference = 0, sum = 0;
    assert_int_equal(count, near_count);
    for (int i = 0; i < count; i++) {
        if (i % width == 0) continue; /* the sink is hidden there, but its block is not */
        difference += fabs((double)(rg[2 * i] - near_by[2 * i]));
        sum += fabs((double)rg[2 * i]);
    }
    assert_true(sum > 0 && difference < 0.2 * sum);
    free(rg);
    free(near_by);
    close_scene(scene);
}

/* At level 0 no tile is made again: factors are all that workers are asked for. */
static void level_0_needs_factors_only(void **state) {
    (void)state;
    Stage *scene = open_scene();
    App *app = &scene->app;
    Error err = {0};
    bool any;
    run(scene, "rect 100:130,60:90");
    frame_build(app, &scene->params);
    run(scene, "rect 100:400,60:360");
    assert_int_equal(work_settle(app, &scene->params, SETTLE_NS, &err), STATUS_OK);
    assert_true(app->picture.result.level.q == 0 && app->picture.result.level.k == 0);
    const uint64_t uploads = gpu_stats(app->machine.gpu).uploads;
    run(scene, "hide 70-80");
    for (int i = 0; i < FRAMES_MAX; i++) {
        frame_build(app, &scene->params);
        if (is_exact(app)) break;
        for (size_t w = 0; w < app->work.wants.count; w++) { /* besides overviews */
            const TileWant *want = &app->work.wants.items[w];
            assert_true(want->kind == JOB_BASE || want->kind == JOB_COLUMN_FACTORS || want->kind == JOB_CELLS);
            if (want->kind == JOB_BASE) app->work.wants.items[w--] = app->work.wants.items[--app->work.wants.count];
        }
        work_submit_wants(app, false);
        work_take_results(app, 0, &any);
        if (app->picture.result.pending && app->work.wants.count == 0) break; /* only the overview is to come */
    }
    assert_false(app->picture.result.coarse || app->picture.result.missing);
    assert_int_equal(gpu_stats(app->machine.gpu).uploads, uploads);
    assert_int_equal(work_settle(app, &scene->params, SETTLE_NS, &err), STATUS_OK);
    assert_true(is_exact(app));
    close_scene(scene);
}

int test_variants_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pooled_variant_is_approximate_until_it_is_exact),
        cmocka_unit_test(level_0_needs_factors_only),
    };
    return cmocka_run_group_tests_name("app/variants", tests, NULL, NULL);
}
