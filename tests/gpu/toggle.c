/* One head more or less in a mean, made of the mean before and that head, against the mean of all heads. */
#include "test_gpu.h"

#include <math.h>

enum { WIDTH = 50, HEIGHT = 33, TEXELS = WIDTH * HEIGHT, HEADS = 8 };

static ResolvedHeads mean_of(int count) {
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = count};
    for (int i = 0; i < count; i++) {
        heads.index[i] = i;
        heads.weight[i] = 1 / (float)count;
    }
    return heads;
}

static TileKey mean_key(int count) {
    TileKey key = test_key(-1, 0);
    key.headset = (uint32_t)count;
    return key;
}

static void put_heads(Gpu *gpu, float tiles[HEADS][2 * TEXELS], bool base) {
    Error err = {0};
    for (int i = 0; i < HEADS; i++) {
        const TileKey key = test_key(i, 0);
        float *mips[] = {tiles[i]};
        const TileFormat format = i == 3 ? TILE_RG32F : TILE_RG16F;
        random_texels(tiles[i], TEXELS, false);
        check_ok(base ? put_base(gpu, &key, format, false, mips, 1, WIDTH, HEIGHT, &err)
                      : put_tile(gpu, &key, JOB_TILE, format, false, tiles[i], WIDTH, HEIGHT, &err),
                 &err);
    }
}

/* The mean of `to` heads from that of to +- 1. */
static void step(Gpu *gpu, int from, int to, bool base) {
    Error err = {0};
    const TileKey sources[2] = {mean_key(from), test_key(to > from ? to - 1 : from - 1, 0)};
    const ResolvedHeads heads = {
        .op = HEADS_WEIGHTED, .count = 2, .weight = {(float)from / (float)to, (to > from ? 1 : -1) / (float)to}};
    const ComposeRequest request = {.key = mean_key(to), .heads = &heads, .sources = sources, .base = base};
    check_ok(gpu_compose(gpu, &request, &err), &err);
}

/* Visible in every mean: some head of the fewest is, and none of the most is not a number. */
static bool comparable(float tiles[HEADS][2 * TEXELS], int texel, int fewest, int most) {
    bool visible = false;
    for (int i = 0; i < most; i++) {
        const float g = tiles[i][2 * texel + 1];
        if (g == TILE_NONFINITE) return false;
        visible |= i < fewest && g != TILE_MASKED;
    }
    return visible;
}

static void check(Gpu *gpu, float tiles[HEADS][2 * TEXELS], int count, bool stepped) {
    static float expected[2 * TEXELS], got[2 * TEXELS];
    const float *inputs[HEADS];
    const ResolvedHeads heads = mean_of(count);
    const TileKey key = mean_key(count);
    GpuTileInfo info;
    Error err = {0};
    int w, h, compared = 0;
    for (int i = 0; i < HEADS; i++)
        inputs[i] = tiles[i];
    tiles_compose(&heads, inputs, WIDTH, HEIGHT, false, NULL, NULL, expected);
    check_ok(gpu_tile_read(gpu, &key, 0, got, BASE_COUNT(got), &w, &h, &err), &err);
    assert_true(gpu_tile_find(gpu, &key, &info));
    assert_true(info.stepped == stepped);
    if (stepped) assert_true(info.exactness_mean == APPROXIMATE && info.exactness_max == APPROXIMATE);
    for (int i = 0; i < TEXELS; i++) {
        if (!comparable(tiles, i, 4, 7)) continue;
        compared++;
        assert_true(fabs((double)got[2 * i] - (double)expected[2 * i]) <= 1e-6);
        assert_true(fabs((double)got[2 * i + 1] - (double)expected[2 * i + 1]) <= 1e-6);
    }
    assert_true(compared > TEXELS / 2);
}

static void test_steps(void **state) {
    (void)state;
    static float tiles[HEADS][2 * TEXELS];
    random_seed(5);
    for (int base = 0; base < 2; base++) {
        Gpu *gpu = open_gpu(0, 64);
        Error err = {0};
        const ResolvedHeads six = mean_of(6), five = mean_of(5);
        const ComposeRequest all = {.key = mean_key(6), .heads = &six, .base = base};
        const ComposeRequest anew = {.key = mean_key(5), .heads = &five, .base = base};
        gpu_frame_advance(gpu);
        put_heads(gpu, tiles, base);
        check_ok(gpu_compose(gpu, &all, &err), &err);
        check(gpu, tiles, 6, false);
        step(gpu, 6, 7, base);
        check(gpu, tiles, 7, true);
        step(gpu, 6, 5, base);
        check(gpu, tiles, 5, true);
        step(gpu, 5, 4, base); /* from one that was stepped itself */
        check(gpu, tiles, 4, true);
        check_ok(gpu_compose(gpu, &anew, &err), &err);
        check(gpu, tiles, 5, false);
        gpu_close(gpu);
    }
}

int test_toggle_group(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps)};
    return cmocka_run_group_tests_name("gpu/toggle", tests, NULL, NULL);
}
