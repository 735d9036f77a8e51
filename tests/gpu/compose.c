/* The compose shader against its CPU twin, tiles_compose. */
#include "test_gpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 37
#define HEIGHT 29
#define TEXELS (WIDTH * HEIGHT)

typedef struct Case {
    HeadOp op;
    int count;
    bool data_signed, negative; /* negative: some weights are */
    bool rows, columns;         /* factors */
    int formats;                /* 0: RG16F, 1: RG32F, 2: by turns */
} Case;

static ResolvedHeads make_heads(const Case *c) {
    ResolvedHeads heads = {.op = c->op, .count = c->count, .result_signed = c->data_signed || c->negative};
    for (int i = 0; i < c->count; i++) {
        heads.index[i] = (i * 7 + 3) % HEADSET_MAX; /* not in the order of uploading */
        heads.weight[i] = c->op == HEADS_MEAN ? 1 / (float)c->count : c->op == HEADS_WEIGHTED ? random_unit() : 1;
    }
    if (c->op == HEADS_DIFF) {
        heads.weight[1] = -1;
        heads.result_signed = true;
    } else if (c->negative) {
        heads.weight[c->count / 2] *= -1;
    }
    return heads;
}

static float **alloc_rows(int count, size_t floats) {
    float **rows = calloc((size_t)count, sizeof *rows);
    assert_non_null(rows);
    for (int i = 0; i < count; i++) {
        rows[i] = malloc(floats * sizeof **rows);
        assert_non_null(rows[i]);
    }
    return rows;
}

static void free_rows(float **rows, int count) {
    for (int i = 0; i < count; i++) {
        free(rows[i]);
    }
    free(rows);
}

static float **make_factors(bool wanted, int count, bool hides) {
    if (!wanted) {
        return NULL;
    }
    float **factors = alloc_rows(count, TILE_SIDE);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < TILE_SIDE; j++) {
            factors[i][j] = random_u32() % 5 == 0 ? 0 : 2 * random_unit();
            factors[i][j] = hides && random_u32() % 6 == 0 ? FACTOR_HIDDEN : factors[i][j];
        }
    }
    return factors;
}

/* Sentinels bit for bit; values to the rounding of sums taken in another order. */
static void assert_same(const float *gpu, const float *cpu, int count, double magnitude) {
    for (int i = 0; i < 2 * count; i++) {
        bool sentinel = cpu[i | 1] == TILE_SIGNED_MASKED || cpu[i | 1] == TILE_SIGNED_NONFINITE;
        double allowed = sentinel ? 0 : 4e-7 * magnitude;
        if (!(fabs((double)gpu[i] - (double)cpu[i]) <= allowed)) {
            print_error("texel %d %c: %.9g on the GPU, %.9g\n", i / 2, i % 2 ? 'G' : 'R', (double)gpu[i],
                        (double)cpu[i]);
            fail();
        }
    }
}

static double sum_of_weights(const ResolvedHeads *heads) {
    double sum = 1;
    for (int i = 0; i < heads->count; i++) {
        sum += fabs((double)heads->weight[i]);
    }
    return 4 * sum; /* factors reach 2 each way */
}

static void check_case(Gpu *gpu, const Case *c) {
    Error err = {0};
    ResolvedHeads heads = make_heads(c);
    float **tiles = alloc_rows(c->count, 2 * TEXELS);
    float **rows = make_factors(c->rows, c->count, false), **columns = make_factors(c->columns, c->count, true);
    static float expected[2 * TEXELS], got[2 * TEXELS];
    gpu_frame_advance(gpu);
    for (int i = 0; i < c->count; i++) {
        TileKey key = test_key(heads.index[i], 0);
        TileFormat format = c->data_signed || c->formats == 1 || (c->formats == 2 && i % 3 == 0) ? TILE_RG32F
                                                                                                 : TILE_RG16F;
        random_texels(tiles[i], TEXELS, c->data_signed);
        if (c->count > 30) { /* or some head is nonfinite nearly everywhere */
            for (int t = 0; t < TEXELS; t++) {
                bool broken = tiles_is_nonfinite(tiles[i][2 * t + 1], c->data_signed);
                tiles[i][2 * t + 1] = broken && t % 50 ? 0.5f : tiles[i][2 * t + 1];
            }
        }
        check_ok(put_tile(gpu, &key, JOB_TILE, format, c->data_signed, tiles[i], WIDTH, HEIGHT, &err), &err);
    }
    ComposeRequest request = {.key = test_key(-1, 0),
                              .heads = &heads,
                              .data_signed = c->data_signed,
                              .row_factors = (const float *const *)rows,
                              .col_factors = (const float *const *)columns};
    request.key.headset = 77;
    check_ok(gpu_compose(gpu, &request, &err), &err);
    int w, h;
    GpuTileInfo info;
    check_ok(gpu_tile_read(gpu, &request.key, 0, got, BASE_COUNT(got), &w, &h, &err), &err);
    assert_true(w == WIDTH && h == HEIGHT && gpu_tile_find(gpu, &request.key, &info));
    assert_true(info.is_signed == (c->data_signed || heads.result_signed) && info.exactness_mean == EXACT);
    tiles_compose(&heads, (const float *const *)tiles, WIDTH, HEIGHT, c->data_signed, (const float *const *)rows,
                  (const float *const *)columns, expected);
    assert_same(got, expected, TEXELS, sum_of_weights(&heads));
    free_rows(tiles, c->count);
    if (rows) {
        free_rows(rows, c->count);
    }
    if (columns) {
        free_rows(columns, c->count);
    }
}

static void test_every_op(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    static const HeadOp ops[] = {HEADS_MEAN, HEADS_MAX, HEADS_MIN, HEADS_WEIGHTED, HEADS_DIFF};
    static const int counts[] = {1, 2, 5};
    random_seed(3);
    for (size_t o = 0; o < BASE_COUNT(ops); o++) {
        for (size_t n = 0; n < BASE_COUNT(counts); n++) {
            for (int flags = 0; flags < 16; flags++) {
                Case c = {.op = ops[o],
                          .count = ops[o] == HEADS_DIFF ? 2 : counts[n],
                          .data_signed = flags & 1,
                          .negative = ops[o] == HEADS_WEIGHTED && flags & 2,
                          .rows = flags & 4,
                          .columns = flags & 8,
                          .formats = flags % 3};
                check_case(gpu, &c);
            }
        }
    }
    gpu_close(gpu);
}

/* More heads than a page holds: 256 tiles lie on five pages of two formats, which take several passes. */
static void test_many_heads(void **state) {
    (void)state;
    static const HeadOp ops[] = {HEADS_MEAN, HEADS_MAX, HEADS_MIN, HEADS_WEIGHTED};
    random_seed(4);
    for (int formats = 0; formats < 3; formats++) {
        Gpu *gpu = open_gpu(0, 0);
        for (size_t o = 0; o < BASE_COUNT(ops); o++) {
            check_case(gpu, &(Case){.op = ops[o], .count = 72, .formats = formats});
            check_case(gpu,
                       &(Case){.op = ops[o], .count = HEADSET_MAX, .formats = formats, .rows = true, .columns = o & 1});
        }
        check_case(gpu, &(Case){.op = HEADS_MEAN, .count = HEADSET_MAX, .data_signed = true});
        gpu_close(gpu);
    }
}

/* A pattern with its mips: random cells, halved as the workers halve them. */
static int make_chain(float **mips, int width, int height, bool is_signed) {
    int count = 0;
    for (;; count++) {
        int w = tiles_mip_side(width, count), h = tiles_mip_side(height, count);
        mips[count] = malloc(8 * (size_t)w * (size_t)h);
        assert_non_null(mips[count]);
        if (count == 0) {
            random_texels(mips[0], w * h, is_signed);
        } else {
            Level level = {count - 1, count - 1};
            tiles_pool_halve(mips[count - 1], tiles_mip_side(height, count - 1), tiles_mip_side(width, count - 1),
                             height, width, level, is_signed, mips[count]);
        }
        if (w == 1 && h == 1) {
            return count + 1;
        }
    }
}

/* Means over the texels of mip 0 that a texel of this mip stands for. */
static void mean_factors(const float *factors, int size, int mip, float *out) {
    for (int i = 0; i < tiles_mip_side(size, mip); i++) {
        double sum = 0;
        int n = 0;
        for (int j = i << mip; j < size && j < (i + 1) << mip; j++, n++) {
            sum += (double)factors[j];
        }
        out[i] = (float)(sum / n);
    }
}

enum { BASE_HEADS = 6 };

static void check_base(Gpu *gpu, HeadOp op, bool data_signed, bool factors, int width, int height) {
    Error err = {0};
    float *chains[BASE_HEADS][16], **rows = make_factors(factors, BASE_HEADS, false);
    int mips = 0;
    ResolvedHeads heads = make_heads(
        &(Case){.op = op, .count = op == HEADS_DIFF ? 2 : BASE_HEADS, .data_signed = data_signed});
    for (int i = 0; i < heads.count; i++) {
        TileKey key = test_key(heads.index[i], 0);
        mips = make_chain(chains[i], width, height, data_signed);
        TileFormat format = data_signed || i == 4 ? TILE_RG32F : TILE_RG16F;
        check_ok(put_base(gpu, &key, format, data_signed, chains[i], mips, width, height, &err), &err);
    }
    ComposeRequest request = {.key = test_key(-1, 0),
                              .heads = &heads,
                              .base = true,
                              .data_signed = data_signed,
                              .row_factors = (const float *const *)rows};
    check_ok(gpu_compose(gpu, &request, &err), &err);
    for (int m = 0; m < mips; m++) {
        int w = tiles_mip_side(width, m), h = tiles_mip_side(height, m), gw, gh;
        const float *tiles[BASE_HEADS];
        float **means = alloc_rows(BASE_HEADS, TILE_SIDE), *got = malloc(8 * (size_t)(w * h)),
              *expected = malloc(8 * (size_t)(w * h));
        for (int i = 0; i < heads.count; i++) {
            tiles[i] = chains[i][m];
            if (factors) {
                mean_factors(rows[i], height, m, means[i]);
            }
        }
        check_ok(gpu_tile_read(gpu, &request.key, m, got, 2 * (size_t)(w * h), &gw, &gh, &err), &err);
        assert_true(gw == w && gh == h);
        tiles_compose(&heads, tiles, w, h, data_signed, factors ? (const float *const *)means : NULL, NULL, expected);
        assert_same(got, expected, w * h, sum_of_weights(&heads));
        free(got);
        free(expected);
        free_rows(means, BASE_HEADS);
    }
    for (int i = 0; i < heads.count; i++) {
        for (int m = 0; m < mips; m++) {
            free(chains[i][m]);
        }
    }
    if (rows) {
        free_rows(rows, BASE_HEADS);
    }
}

static void test_base_composites(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 64);
    random_seed(5);
    for (int op = HEADS_MEAN; op <= HEADS_DIFF; op++) {
        for (int flags = 0; flags < 4; flags++) {
            check_base(gpu, (HeadOp)op, flags & 1, flags & 2, 64, 23);
            check_base(gpu, (HeadOp)op, flags & 1, flags & 2, 3, 50);
        }
    }
    GpuTileInfo info;
    TileKey key = test_key(-1, 0);
    assert_true(gpu_tile_find(gpu, &key, &info) && info.is_base && info.mip_count == 7);
    gpu_close(gpu);
}

/* A budget too small for the whole draws bands; the composite appears with the last, and is the same. */
static void test_bands(void **state) {
    (void)state;
    enum { SIDE = 200, HEADS = 5 };
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    float **tiles = alloc_rows(HEADS, 2 * SIDE * SIDE), *got = malloc(8 * SIDE * SIDE),
          *expected = malloc(8 * SIDE * SIDE);
    ResolvedHeads heads = make_heads(&(Case){.op = HEADS_MEAN, .count = HEADS});
    random_seed(6);
    for (int i = 0; i < HEADS; i++) {
        TileKey key = test_key(heads.index[i], 0);
        random_texels(tiles[i], SIDE * SIDE, false);
        check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG16F, false, tiles[i], SIDE, SIDE, &err), &err);
    }
    ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads, .budget_ns = 1};
    int calls = 0, w, h;
    while (!gpu_tile_find(gpu, &request.key, NULL)) {
        assert_true(calls++ < SIDE);
        check_ok(gpu_compose(gpu, &request, &err), &err);
        gpu_frame_advance(gpu);
    }
    assert_true(calls > 1 || !gpu_info(gpu)->software);
    assert_int_equal(gpu_stats(gpu).composes, 1);
    check_ok(gpu_tile_read(gpu, &request.key, 0, got, 2 * SIDE * SIDE, &w, &h, &err), &err);
    tiles_compose(&heads, (const float *const *)tiles, SIDE, SIDE, false, NULL, NULL, expected);
    assert_same(got, expected, SIDE * SIDE, 4);
    free(got);
    free(expected);
    free_rows(tiles, HEADS);
    gpu_close(gpu);
}

static Status put_constant(Gpu *gpu, const TileKey *key, JobKind kind, float value, Error *err) {
    float rg[2] = {value, value};
    return put_tile(gpu, key, kind, TILE_RG32F, false, rg, 1, 1, err);
}

static float value_at(Gpu *gpu, const TileKey *key) {
    float rg[2] = {NAN, NAN};
    int w, h;
    assert_int_equal(gpu_tile_read(gpu, key, 0, rg, 2, &w, &h, NULL), STATUS_OK);
    return rg[0];
}

static void test_what_is_missing(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 2, .index = {0, 1}, .weight = {0.5f, 0.5f}};
    ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads};
    TileKey first = test_key(0, 0), second = test_key(1, 0);
    check_ok(put_constant(gpu, &first, JOB_TILE, 0.5f, &err), &err);
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_NOT_FOUND);
    assert_false(gpu_tile_find(gpu, &request.key, NULL));
    float rg[4] = {1, 1, 1, 1};
    check_ok(put_tile(gpu, &second, JOB_TILE, TILE_RG32F, false, rg, 2, 1, &err), &err);
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_RANGE); /* sizes differ */
    check_ok(put_constant(gpu, &second, JOB_TILE, 0.25f, &err), &err);
    request.base = true;
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_NOT_FOUND); /* not as base tiles */
    request.base = false;
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_float_equal(value_at(gpu, &request.key), 0.375f, 0);
    gpu_close(gpu);
}

/* A base tile stands in for the detail tile of its own level: the same texels. */
static void test_base_serves_detail(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    float rg[2] = {0.5f, 0.5f}, *mips[] = {rg};
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .index = {4}, .weight = {1}};
    ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads};
    TileKey key = test_key(4, 0);
    check_ok(put_base(gpu, &key, TILE_RG16F, false, mips, 1, 1, 1, &err), &err);
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_float_equal(value_at(gpu, &request.key), 0.5f, 0);
    gpu_close(gpu);
}

static void test_exact_is_not_replaced_by_a_bound(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    GpuTileInfo info;
    ResolvedHeads heads = {.op = HEADS_MAX, .count = 2, .index = {0, 1}, .weight = {1, 1}};
    ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads};
    request.key.lq = request.key.lk = 2;
    for (int head = 0; head < 2; head++) {
        TileKey key = test_key(head, 0);
        key.lq = key.lk = 2;
        check_ok(put_constant(gpu, &key, JOB_TILE, 0.5f, &err), &err);
    }
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_true(gpu_tile_find(gpu, &request.key, &info));
    assert_int_equal(info.exactness_mean, BOUND_LOWER);
    assert_int_equal(info.exactness_max, EXACT);
    check_ok(put_constant(gpu, &request.key, JOB_COMPOSITE, 0.75f, &err), &err);
    assert_true(gpu_tile_find(gpu, &request.key, &info));
    assert_int_equal(info.exactness_mean, EXACT);
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_float_equal(value_at(gpu, &request.key), 0.75f, 0);
    assert_int_equal(gpu_stats(gpu).composites, 1);
    /* Factors at a pooled level only approximate. */
    float factor[TILE_SIDE] = {0.5f};
    const float *factors[2] = {factor, factor};
    request.key.variant = 9 | TILE_VARIANT_FACTORS;
    request.row_factors = factors;
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_true(gpu_tile_find(gpu, &request.key, &info));
    assert_int_equal(info.exactness_mean, APPROXIMATE);
    assert_float_equal(value_at(gpu, &request.key), 0.25f, 0);
    /* Without them the heads' tiles are those of the variant. */
    request.key.variant = 9;
    request.row_factors = NULL;
    assert_int_equal(gpu_compose(gpu, &request, &err), STATUS_NOT_FOUND);
    for (int head = 0; head < 2; head++) {
        TileKey key = test_key(head, 0);
        key.lq = key.lk = 2;
        key.variant = 9;
        check_ok(put_constant(gpu, &key, JOB_TILE, 0.125f, &err), &err);
    }
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_float_equal(value_at(gpu, &request.key), 0.125f, 0);
    gpu_close(gpu);
}

static void test_failed_allocations(void **state) {
    (void)state;
    bool whole = false;
    for (uint64_t n = 1; n < 10 && !whole; n++) {
        Gpu *gpu = open_gpu(0, 0);
        Error err = {0};
        float factor[TILE_SIDE] = {0.5f};
        const float *factors[1] = {factor};
        ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
        ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads, .row_factors = factors};
        TileKey key = test_key(0, 0);
        check_ok(put_constant(gpu, &key, JOB_TILE, 0.5f, &err), &err);
        for (int64_t x = 0; x < 4; x++) { /* the first page of composites is full */
            TileKey other = test_key(-1, 100 + x);
            check_ok(put_constant(gpu, &other, JOB_COMPOSITE, 0.5f, &err), &err);
        }
        mem_fail_after(n, false);
        Status status = gpu_compose(gpu, &request, &err);
        mem_fail_after(0, false);
        whole = status == STATUS_OK;
        assert_true(whole || status == STATUS_MEMORY);
        assert_int_equal(gpu_tile_find(gpu, &request.key, NULL), whole);
        check_ok(gpu_compose(gpu, &request, &err), &err);
        assert_float_equal(value_at(gpu, &request.key), 0.25f, 0);
        gpu_close(gpu);
    }
    assert_true(whole);
}

/* A head's tile that is an estimate, with a maximum that is too small; `rows` of each texel row were looked at. */
static void put_estimate(Gpu *gpu, int head, int rows) {
    Error err = {0};
    float rg[2] = {0.25f, 0.5f};
    TileKey key = test_key(head, 0);
    TileData data = {.kind = JOB_TILE,
                     .key = key,
                     .format = TILE_RG32F,
                     .width = 1,
                     .height = 1,
                     .mip_count = 1,
                     .texels = rg,
                     .size = sizeof rg,
                     .estimate = rows};
    data.key.lq = data.key.lk = 5;
    check_ok(gpu_tile_put(gpu, &data, &err), &err);
}

static GpuTileInfo compose_estimates(Gpu *gpu, HeadOp op, uint32_t headset) {
    Error err = {0};
    ResolvedHeads heads = {.op = op, .count = 2, .index = {0, 1}, .weight = {0.5f, 0.5f}};
    ComposeRequest request = {.key = test_key(-1, 0), .heads = &heads};
    request.key.headset = headset;
    request.key.lq = request.key.lk = 5;
    GpuTileInfo info = {0};
    check_ok(gpu_compose(gpu, &request, &err), &err);
    assert_true(gpu_tile_find(gpu, &request.key, &info));
    return info;
}

/* The worst head decides, and a better tile of it takes the estimate's place. */
static void test_estimates(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    GpuTileInfo info = {0};
    TileKey key = test_key(0, 0);
    key.lq = key.lk = 5;
    put_estimate(gpu, 0, 3);
    put_estimate(gpu, 1, 48);
    assert_true(gpu_tile_find(gpu, &key, &info));
    assert_true(info.estimate == 3 && info.exactness_mean == ESTIMATE && info.exactness_max == BOUND_LOWER);
    info = compose_estimates(gpu, HEADS_MEAN, 1);
    assert_true(info.estimate == 3 && info.exactness_mean == ESTIMATE && info.exactness_max == ESTIMATE);
    info = compose_estimates(gpu, HEADS_MAX, 2);
    assert_true(info.estimate == 3 && info.exactness_mean == ESTIMATE && info.exactness_max == BOUND_LOWER);
    put_estimate(gpu, 0, 0);
    assert_true(gpu_tile_find(gpu, &key, &info));
    assert_true(info.estimate == 0 && info.exactness_mean == EXACT && info.exactness_max == EXACT);
    assert_int_equal(compose_estimates(gpu, HEADS_MEAN, 1).estimate, 48);
    put_estimate(gpu, 1, 0);
    info = compose_estimates(gpu, HEADS_MEAN, 1);
    assert_true(info.estimate == 0 && info.exactness_mean == EXACT && info.exactness_max == BOUND_UPPER);
    gpu_close(gpu);
}

int test_compose_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op),
        cmocka_unit_test(test_many_heads),
        cmocka_unit_test(test_base_composites),
        cmocka_unit_test(test_bands),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_base_serves_detail),
        cmocka_unit_test(test_exact_is_not_replaced_by_a_bound),
        cmocka_unit_test(test_estimates),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests_name("gpu/compose", tests, NULL, NULL);
}
