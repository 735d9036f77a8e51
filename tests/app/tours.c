/* Every tour over a small capture, dense and factored: what is on screen once the hand rests must be what the CPU
 * computes from the source, image for image. And frames in which nothing new arrives allocate nothing. */
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
#include "cli/tour.h"
#include "test_app.h"

enum { WIDTH = 800, HEIGHT = 500, FRAMES = 48, STEADY_FRAMES = 100 };
#define SETTLE_NS UINT64_C(120000000000)
#define UPLOAD_NS UINT64_C(2000000)
#define IMAGE_FLOATS ((size_t)TILE_SIDE * TILE_SIDE * 2)

typedef struct TourPlay {
    App app;
    GpuTarget *target;
    FrameParams params;
    char path[64];
} TourPlay;

static void write_capture(TourPlay *play, bool dense) {
    snprintf(play->path, sizeof play->path, "/tmp/attnscope-tours-%ld.safetensors", (long)getpid());
    char *argv[] = {"--tokens", "700", "--layers", "3", "--heads", "4", "-o", play->path, "--dense"};
    assert_int_equal(cli_synth(dense ? 9 : 8, argv), 0);
}

static TourPlay *open_play(bool dense) {
    TourPlay *play = calloc(1, sizeof *play);
    Error err = {0};
    assert_non_null(play);
    write_capture(play, dense);
    const AppParams params = {
        .mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .no_vsync = true, .workers = 2};
    const char *paths[] = {play->path};
    Status status = program_open(&play->app, &CATALOG, &params, &err);
    if (status == STATUS_OK) status = captures_open(&play->app, paths, 1, &err);
    play->params = frame_window_params(&play->app);
    play->params.chrome = true;
    if (status == STATUS_OK)
        status = gpu_target_new(play->app.machine.gpu, play->params.width, play->params.height, &play->target, &err);
    if (status != STATUS_OK) fail_msg("%s", err.message);
    return play;
}

static void close_play(TourPlay *play) {
    gpu_target_drop(play->app.machine.gpu, play->target);
    program_close(&play->app);
    unlink(play->path);
    free(play);
}

static void one_frame(TourPlay *play) {
    App *app = &play->app;
    bool any;
    Error err = {0};
    app->pace.last_input_ns = clock_now_ns(&app->machine.clock);
    work_take_results(app, UPLOAD_NS, &any);
    frame_build(app, &play->params);
    if (gpu_paint(app->machine.gpu, play->target, play->params.width, play->params.height, COLOR_HEX(0),
                  &app->picture.list, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    work_submit_wants(app, true);
}

static void settle(TourPlay *play) {
    Error err = {0};
    if (work_settle(&play->app, &play->params, SETTLE_NS, &err) != STATUS_OK) fail_msg("%s", err.message);
}

/* ---- the CPU's picture ----------------------------------------------------------------------- */

static void pool_heads(const App *app, const TileKey *key, const ResolvedHeads *heads, Level level, int width,
                       int height, float *out) {
    PoolScratch *scratch = tiles_pool_scratch_new();
    const PoolRequest request = {.capture = app_capture(app),
                                 .set = key->set,
                                 .item = key->item,
                                 .step = key->step,
                                 .layer = key->layer,
                                 .values = (Values)key->values,
                                 .heads = heads,
                                 .level = level,
                                 .y0 = key->y * TILE_SIDE,
                                 .x0 = key->x * TILE_SIDE,
                                 .height = height,
                                 .width = width};
    Error err = {0};
    assert_non_null(scratch);
    if (tiles_pool(&request, out, scratch, NULL, &err) != STATUS_OK) fail_msg("%s", err.message);
    tiles_pool_scratch_drop(scratch);
}

static ResolvedHeads one_head(int index) {
    ResolvedHeads one = {.op = HEADS_MEAN, .count = 1};
    one.index[0] = index;
    one.weight[0] = 1;
    return one;
}

/* What the image under `key` must hold at this mip, from the source. */
static void expected_image(const App *app, const TileKey *key, int mip, int width, int height, float *out,
                           bool *is_signed) {
    const Level level = {key->lq + mip, key->lk + mip};
    *is_signed = false;
    if (key->head >= 0) {
        const ResolvedHeads one = one_head(key->head);
        pool_heads(app, key, &one, level, width, height, out);
        return;
    }
    ResolvedHeads heads;
    const SetInfo *set = capture_set(app_capture(app), key->set);
    assert_int_equal(key->headset, tiles_headset_hash(&app->look.subject.heads));
    assert_int_equal(tiles_headset_resolve(&app->look.subject.heads, set, &set->layers[key->layer], &heads, NULL),
                     STATUS_OK);
    *is_signed = heads.result_signed;
    if (key->variant & TILE_VARIANT_EXACT) {
        pool_heads(app, key, &heads, level, width, height, out);
        return;
    }
    float *images = malloc((size_t)heads.count * IMAGE_FLOATS * sizeof *images);
    const float *each[HEADSET_MAX];
    assert_non_null(images);
    for (int i = 0; i < heads.count; i++) {
        const ResolvedHeads one = one_head(heads.index[i]);
        pool_heads(app, key, &one, level, width, height, images + (size_t)i * IMAGE_FLOATS);
        each[i] = images + (size_t)i * IMAGE_FLOATS;
    }
    tiles_compose(&heads, each, width, height, false, NULL, NULL, out);
    free(images);
}

/* Tiles are f16 with 11 bits; a difference of two is off by what both are. */
static void compare(const TileKey *key, int mip, const float *found, const float *wanted, int width, int height,
                    bool is_signed) {
    for (int i = 0; i < width * height; i++) {
        const float *f = found + 2 * i, *w = wanted + 2 * i;
        const bool masked = tiles_is_masked(w[1], is_signed);
        const float room = 2e-6f + (is_signed ? 1e-3f : 0.0f);
        const bool same = tiles_is_masked(f[1], is_signed) == masked &&
                          (masked || (fabsf(f[0] - w[0]) <= fabsf(w[0]) / 1000 + room &&
                                      fabsf(f[1] - w[1]) <= fabsf(w[1]) / 1000 + room));
        if (!same) {
            fail_msg("layer %d head %d level %d,%d mip %d tile %lld,%lld texel %d of %d x %d: %g %g, not %g %g",
                     key->layer, key->head, key->lq, key->lk, mip, (long long)key->y, (long long)key->x, i, width,
                     height, (double)f[0], (double)f[1], (double)w[0], (double)w[1]);
        }
    }
}

/* Returns how many images were compared. */
static int check_screen(TourPlay *play) {
    static float found[IMAGE_FLOATS], wanted[IMAGE_FLOATS];
    int checked = 0;
    const App *app = &play->app;
    assert_false(app->picture.result.missing);
    assert_false(app->picture.result.coarse);
    assert_false(app->picture.result.pending);
    for (size_t i = 0; i < app->picture.list.count; i++) {
        const DrawOp *op = &app->picture.list.ops[i];
        if (op->kind != DRAW_HEATMAP) continue;
        const DrawHeatmap *image = &op->heatmap;
        int width, height;
        bool is_signed;
        Error err = {0};
        if (gpu_tile_read(app->machine.gpu, &image->key, image->mip, found, IMAGE_FLOATS, &width, &height, &err) !=
            STATUS_OK)
            fail_msg("%s", err.message);
        expected_image(app, &image->key, image->mip, width, height, wanted, &is_signed);
        compare(&image->key, image->mip, found, wanted, width, height, is_signed);
        checked++;
    }
    return checked;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void play_all(bool dense) {
    static const double STOPS[] = {0.13, 0.55, 1.0};
    for (int i = 0; i < tour_count(); i++) {
        TourPlay *play = open_play(dense);
        TourState state = {.app = &play->app, .params = play->params};
        int frame = 0, checked = 0;
        for (size_t stop = 0; stop < BASE_COUNT(STOPS); stop++) {
            for (; frame < (int)(STOPS[stop] * FRAMES); frame++) {
                tour_at(i)->play(&state, (double)frame / FRAMES);
                one_frame(play);
            }
            settle(play);
            checked += check_screen(play);
        }
        if (checked < 6) fail_msg("tour %s: only %d images on three screens", tour_at(i)->name, checked);
        close_play(play);
    }
}

static void test_tours_over_a_dense_capture(void **state) {
    (void)state;
    play_all(true);
}

static void test_tours_over_a_factored_capture(void **state) {
    (void)state;
    play_all(false);
}

static void pan_once(TourPlay *play) {
    TourState state = {.app = &play->app, .params = play->params};
    const Tour *pan = tour_find("pan");
    assert_non_null(pan);
    for (int i = 0; i < STEADY_FRAMES; i++) {
        pan->play(&state, (double)i / STEADY_FRAMES);
        one_frame(play);
    }
}

static void settled_frames(TourPlay *play) {
    for (int i = 0; i < STEADY_FRAMES; i++)
        one_frame(play);
}

/* Allocations of a round of frames once nothing new comes any more: the first rounds bring the tiles, and what
 * workers fetch ahead depends on how fast the machine draws, so a slow one needs more rounds until one is steady. */
static uint64_t allocations_once_steady(TourPlay *play, void (*round)(TourPlay *)) {
    uint64_t allocated = 1;
    for (int i = 0; i < 20 && allocated > 0; i++) {
        const uint64_t before = mem_allocation_count();
        round(play);
        allocated = mem_allocation_count() - before;
    }
    return allocated;
}

static void test_steady_frames_allocate_nothing(void **state) {
    (void)state;
    TourPlay *play = open_play(true);
    Error err = {0};
    if (work_settle_all(&play->app, &play->params, SETTLE_NS, &err) != STATUS_OK) fail_msg("%s", err.message);
    /* What may be looked at next is fetched, too; frames are steady once that has come. */
    for (int i = 0; i < 2000 && (i < 3 || !tiles_scheduler_idle(play->app.machine.scheduler)); i++) {
        one_frame(play);
        clock_sleep_ns(500000);
    }
    assert_int_equal(allocations_once_steady(play, settled_frames), 0);
    assert_int_equal(allocations_once_steady(play, pan_once), 0);
    close_play(play);
}

int test_tours_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tours_over_a_dense_capture),
        cmocka_unit_test(test_tours_over_a_factored_capture),
        cmocka_unit_test(test_steady_frames_allocate_nothing),
    };
    return cmocka_run_group_tests_name("tours", tests, NULL, NULL);
}
