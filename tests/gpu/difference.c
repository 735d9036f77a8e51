/* Differences of two captures: composed on the GPU from an image of each, against the CPU twin. */
#include "test_gpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 61, HEIGHT = 40, TEXELS = WIDTH * HEIGHT, HEADS = 3 };

static TileKey key_of(int capture, int head) {
    TileKey key = test_key(head, 0);
    key.capture = capture;
    key.serial = 100 + (uint32_t)capture;
    return key;
}

/* The image of one capture: a tile, or a mean of HEADS tiles; its texels as they should be in `rg`. */
static TileKey make_image(Gpu *gpu, int capture, bool single, bool base, bool is_signed, float *rg) {
    Error err = {0};
    static float tiles[HEADS][2 * TEXELS];
    const float *inputs[HEADS] = {tiles[0], tiles[1], tiles[2]};
    const int count = single ? 1 : HEADS;
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = count, .result_signed = is_signed};
    for (int i = 0; i < count; i++) {
        const TileKey key = key_of(capture, i);
        float *mips[] = {tiles[i]};
        heads.index[i] = i;
        heads.weight[i] = 1 / (float)count;
        random_texels(tiles[i], TEXELS, is_signed);
        const TileFormat format = is_signed || i == 1 ? TILE_RG32F : TILE_RG16F;
        check_ok(base ? put_base(gpu, &key, format, is_signed, mips, 1, WIDTH, HEIGHT, &err)
                      : put_tile(gpu, &key, JOB_TILE, format, is_signed, tiles[i], WIDTH, HEIGHT, &err),
                 &err);
    }
    tiles_compose(&heads, inputs, WIDTH, HEIGHT, is_signed, NULL, NULL, rg);
    if (single) return key_of(capture, 0);
    const ComposeRequest request = {
        .key = key_of(capture, -1), .heads = &heads, .base = base, .data_signed = is_signed};
    check_ok(gpu_compose(gpu, &request, &err), &err);
    return request.key;
}

static void check_difference(Gpu *gpu, bool first_single, bool second_single, bool base, bool is_signed) {
    static float images[2][2 * TEXELS], expected[2 * TEXELS], got[2 * TEXELS];
    Error err = {0};
    gpu_frame_advance(gpu);
    const TileKey sources[2] = {make_image(gpu, 0, first_single, base, is_signed, images[0]),
                                make_image(gpu, 1, second_single, base, is_signed, images[1])};
    const ResolvedHeads both = {.op = HEADS_DIFF, .count = 2, .weight = {1, -1}, .result_signed = true};
    const ComposeRequest request = {
        .key = key_of(2, -1), .heads = &both, .sources = sources, .base = base, .data_signed = is_signed};
    check_ok(gpu_compose(gpu, &request, &err), &err);
    const float *inputs[2] = {images[0], images[1]};
    tiles_compose(&both, inputs, WIDTH, HEIGHT, is_signed, NULL, NULL, expected);
    int w, h;
    GpuTileInfo info;
    check_ok(gpu_tile_read(gpu, &request.key, 0, got, BASE_COUNT(got), &w, &h, &err), &err);
    assert_true(w == WIDTH && h == HEIGHT && gpu_tile_find(gpu, &request.key, &info));
    assert_true(info.is_signed && info.is_base == base);
    assert_int_equal(info.exactness_mean, EXACT);
    assert_int_equal(info.exactness_max, EXACT); /* it is R */
    for (int i = 0; i < 2 * TEXELS; i++) {
        const bool sentinel = expected[i | 1] == TILE_SIGNED_MASKED || expected[i | 1] == TILE_SIGNED_NONFINITE;
        assert_true(fabs((double)got[i] - (double)expected[i]) <= (sentinel ? 0 : 2e-6));
        if (i % 2 && !sentinel) assert_true(got[i] == got[i - 1]);
    }
}

static void test_differences(void **state) {
    (void)state;
    random_seed(21);
    for (int base = 0; base < 2; base++) {
        Gpu *gpu = open_gpu(0, 64); /* detail would be found instead of a base image of the same key */
        for (int flags = 0; flags < 8; flags++)
            check_difference(gpu, flags & 1, flags & 2, base, flags & 4);
        gpu_close(gpu);
    }
}

/* Neither image alone gives a difference, and images of other sizes give none at all. */
static void test_what_is_missing(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    float rg[4] = {0.5f, 0.5f, 0.25f, 0.25f};
    const TileKey sources[2] = {key_of(0, 0), key_of(1, 0)};
    const ResolvedHeads both = {.op = HEADS_DIFF, .count = 2, .weight = {1, -1}, .result_signed = true};
    const ComposeRequest request = {.key = key_of(2, -1), .heads = &both, .sources = sources};
    check_ok(put_tile(gpu, &sources[0], JOB_TILE, TILE_RG32F, false, rg, 2, 1, &err), &err);
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_NOT_FOUND);
    check_ok(put_tile(gpu, &sources[1], JOB_TILE, TILE_RG32F, false, rg, 1, 1, &err), &err);
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_RANGE);
    gpu_tile_forget(gpu, 100 + 1);
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_NOT_FOUND);
    gpu_close(gpu);
}

static void test_how_exact_a_difference_is(void **state) {
    (void)state;
    static const struct {
        Exactness minuend, subtrahend, result;
    } CASES[] = {{EXACT, EXACT, EXACT},
                 {BOUND_LOWER, EXACT, BOUND_LOWER},
                 {EXACT, BOUND_LOWER, BOUND_UPPER},
                 {EXACT, BOUND_UPPER, BOUND_LOWER},
                 {BOUND_UPPER, BOUND_LOWER, BOUND_UPPER},
                 {BOUND_LOWER, BOUND_LOWER, APPROXIMATE},
                 {ESTIMATE, EXACT, ESTIMATE},
                 {BOUND_UPPER, ESTIMATE, ESTIMATE},
                 {EXACT, APPROXIMATE, APPROXIMATE}};
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        assert_int_equal(gpu_difference_exactness(CASES[i].minuend, CASES[i].subtrahend), CASES[i].result);
}

int test_difference_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_how_exact_a_difference_is),
    };
    return cmocka_run_group_tests_name("gpu/difference", tests, NULL, NULL);
}
