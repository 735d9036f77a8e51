/* Real captures against what NumPy made of them (expected.txt, from make_expectations.py). */
#include "test_tiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED ATTNSCOPE_SOURCE_DIR "/tests/tiles/expected.txt"

typedef struct Line {
    char kind[16], file[64], heads[64];
    int layer;
    Level level;
    double numbers[4];
} Line;

typedef struct Opened {
    char file[64];
    Capture *capture;
    PoolScratch *scratch;
    int compared;
} Opened;

static void open_capture(Opened *opened, const char *file) {
    char path[512];
    const char *paths[1] = {path};
    Error err = {0};
    if (opened->capture != NULL && strcmp(opened->file, file) == 0) {
        return;
    }
    if (opened->capture != NULL) {
        capture_close(opened->capture);
    }
    snprintf(opened->file, sizeof opened->file, "%s", file);
    snprintf(path, sizeof path, "%s/%s", ATTNSCOPE_CAPTURES_DIR, file);
    CaptureOpenParams params = {.paths = paths, .path_count = 1};
    if (capture_open(&params, &opened->capture, &err) != STATUS_OK) {
        fail_msg("%s: %s", path, err.message);
    }
}

/* f32 weights recomputed from Q and K carry the error of f32 products through exp. */
static double tolerance(const Line *line, double expected) {
    bool factored = strstr(line->file, ".qk.") != NULL;
    return (factored ? 2e-5 : 2e-6) * fabs(expected) + (factored ? 1e-7 : 1e-8);
}

static PoolRequest request_of(const Line *line, const Opened *opened, ResolvedHeads *heads) {
    HeadSet set;
    Error err = {0};
    const SetInfo *info = capture_set(opened->capture, 0);
    assert_true(line->layer < info->layer_count);
    if (tiles_headset_parse(line->heads, &set, &err) != STATUS_OK ||
        tiles_headset_resolve(&set, info, &info->layers[line->layer], heads, &err) != STATUS_OK) {
        fail_msg("%s: %s", line->heads, err.message);
    }
    return (PoolRequest){.capture = opened->capture,
                         .layer = line->layer,
                         .heads = heads,
                         .level = line->level,
                         .height = 1,
                         .width = 1};
}

static void check_texel(const Line *line, const Opened *opened) {
    ResolvedHeads heads;
    Error err = {0};
    PoolRequest request = request_of(line, opened, &heads);
    float rg[2];
    request.y0 = (int64_t)line->numbers[0];
    request.x0 = (int64_t)line->numbers[1];
    double mean = line->numbers[2], g = line->numbers[3];
    if (heads.result_signed && (g == -1.0 || g == -2.0)) {
        g = (double)(g == -1.0 ? TILE_SIGNED_MASKED : TILE_SIGNED_NONFINITE);
    }
    if (tiles_pool(&request, rg, opened->scratch, NULL, &err) != STATUS_OK) {
        fail_msg("%s: %s", line->file, err.message);
    }
    bool good = fabs((double)rg[0] - mean) <= tolerance(line, mean) && fabs((double)rg[1] - g) <= tolerance(line, g);
    if (!good) {
        fail_msg("%s layer %d %s level %d,%d texel %d,%d: %.9g %.9g for %.9g %.9g", line->file, line->layer,
                 line->heads, line->level.q, line->level.k, (int)request.y0, (int)request.x0, (double)rg[0],
                 (double)rg[1], mean, g);
    }
}

static void check_percentile(const Line *line, const Opened *opened) {
    ResolvedHeads heads;
    PoolRequest request = request_of(line, opened, &heads);
    const LayerInfo *layer = &capture_set(opened->capture, 0)->layers[line->layer];
    request.height = (int)tiles_texels(layer->queries, line->level.q);
    request.width = (int)tiles_texels(layer->keys, line->level.k);
    float *rg = malloc(2 * (size_t)request.height * (size_t)request.width * sizeof *rg);
    assert_non_null(rg);
    assert_int_equal(tiles_pool(&request, rg, opened->scratch, NULL, NULL), STATUS_OK);
    float got = tiles_percentile(
        &(PooledImage){rg, request.height, request.width, layer->keys, line->level.k, 0, false}, CHANNEL_MEAN,
        line->numbers[0], -1);
    free(rg);
    if (!(fabs((double)got - line->numbers[1]) <= tolerance(line, line->numbers[1]))) {
        fail_msg("%s layer %d %s level %d,%d: percentile %g is %.9g for %.9g", line->file, line->layer, line->heads,
                 line->level.q, line->level.k, line->numbers[0], (double)got, line->numbers[1]);
    }
}

static void numpy_agrees(void **state) {
    (void)state;
    char text[512];
    Opened opened = {.scratch = tiles_pool_scratch_new()};
    if (!file_exists(ATTNSCOPE_CAPTURES_DIR)) {
        tiles_pool_scratch_drop(opened.scratch);
        skip();
    }
    FILE *file = fopen(EXPECTED, "r");
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL) {
        Line line = {0};
        int read = sscanf(text, "%15s %63s %d %63s %d %d %lf %lf %lf %lf", line.kind, line.file, &line.layer,
                          line.heads, &line.level.q, &line.level.k, &line.numbers[0], &line.numbers[1],
                          &line.numbers[2], &line.numbers[3]);
        bool texel = strcmp(line.kind, "texel") == 0;
        assert_int_equal(read, texel ? 10 : 8);
        open_capture(&opened, line.file);
        (texel ? check_texel : check_percentile)(&line, &opened);
        opened.compared++;
    }
    assert_true(opened.compared > 900);
    fclose(file);
    capture_close(opened.capture);
    tiles_pool_scratch_drop(opened.scratch);
}

int test_captures_group(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numpy_agrees)};
    return cmocka_run_group_tests_name("real captures", tests, NULL, NULL);
}
