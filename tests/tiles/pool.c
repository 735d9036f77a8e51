/* Pooling against the plain double loop, over shapes, levels, head sets and kinds of data. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const head_sets[] = {
    "1", "mean", "mean:0,2", "max", "min", "diff:2,0", "w:0*0.5,1*0.3,2*0.2", "w:0*0.5,2*-0.25", "w:1*2", "max:0,1"};

/* `scale` is the size of the terms of a sum that may cancel: their rounding counts, not that of the result alone. */
static double tolerance(double expected, double relative, double scale) {
    return relative * fabs(expected) + 1e-7 * scale;
}

/* Everything the request covers and one texel row and column more, which must be masked. */
static void check(const Fixture *f, const PoolRequest *request, PoolScratch *scratch, double scale) {
    Error err = {0};
    size_t count = (size_t)request->height * (size_t)request->width;
    bool is_signed = request->heads->result_signed || request->values == VALUES_SCORES;
    bool factored = f->kind == FIXTURE_FACTORED || f->kind == FIXTURE_FACTORED_CAUSAL;
    float *rg = malloc(2 * count * sizeof *rg);
    assert_non_null(rg);
    scale = is_signed && scale < 1.0 ? 1.0 : scale;
    double relative = factored ? 1e-5 : 1e-6; /* Q K^T is f32 */
    if (tiles_pool(request, rg, scratch, NULL, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t y = request->y0 + (int64_t)i / request->width, x = request->x0 + (int64_t)i % request->width;
        double mean, g;
        fixture_texel(f, request, y, x, &mean, &g);
        float r = rg[2 * i], got = rg[2 * i + 1];
        if (factored && is_signed && (got < 0.0f) != (g < 0.0)) {
            g = -g; /* a tie but for the rounding of Q K^T; pool_special.c is strict about signs */
        }
        bool sentinel = tiles_is_masked((float)g, is_signed) || tiles_is_nonfinite((float)g, is_signed);
        if (fabs((double)r - mean) > tolerance(mean, relative, scale) ||
            (sentinel ? got != (float)g : fabs((double)got - g) > tolerance(g, relative, scale))) {
            fail_msg("level %d,%d texel %lld,%lld: mean %.9g for %.9g, g %.9g for %.9g", request->level.q,
                     request->level.k, (long long)y, (long long)x, (double)r, mean, (double)got, g);
        }
    }
    free(rg);
}

static void check_levels(const Fixture *f, const char *heads_text, PoolScratch *scratch, double scale) {
    static const Level levels[] = {{0, 0}, {1, 0}, {0, 3}, {1, 1}, {2, 2}, {3, 1}, {5, 4}, {9, 11}, {39, 39}};
    ResolvedHeads heads = fixture_heads(f, heads_text);
    for (size_t i = 0; i < BASE_COUNT(levels); i++) {
        int64_t rows = tiles_texels(f->queries, levels[i].q), columns = tiles_texels(f->keys, levels[i].k);
        PoolRequest all = fixture_request(f, &heads, levels[i], 0, 0, (int)rows + 1, (int)columns + 1);
        check(f, &all, scratch, scale);
        PoolRequest inner = fixture_request(f, &heads, levels[i], rows / 3, columns / 2, 3, 5);
        check(f, &inner, scratch, scale);
        PoolRequest outside = fixture_request(f, &heads, levels[i], rows + 7, 0, 2, 2);
        check(f, &outside, scratch, scale);
    }
}

static void check_kind(FixtureKind kind, int64_t queries, int64_t keys, double scale) {
    Fixture *f = fixture_new(kind, 1, 3, queries, keys, (uint64_t)(queries * 1000 + keys));
    PoolScratch *scratch = tiles_pool_scratch_new();
    assert_non_null(scratch);
    for (size_t i = 0; i < BASE_COUNT(head_sets); i++) {
        check_levels(f, head_sets[i], scratch, scale);
    }
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

static void bidirectional_weights(void **state) {
    (void)state;
    check_kind(FIXTURE_WEIGHTS, 1, 1, 0.0);
    check_kind(FIXTURE_WEIGHTS, 1, 7, 0.0);
    check_kind(FIXTURE_WEIGHTS, 5, 1, 0.0);
    check_kind(FIXTURE_WEIGHTS, 29, 150, 0.0);
    check_kind(FIXTURE_WEIGHTS, 77, 33, 0.0);
}

static void causal_weights(void **state) {
    (void)state;
    check_kind(FIXTURE_CAUSAL, 2, 2, 0.0);
    check_kind(FIXTURE_CAUSAL, 67, 67, 0.0);
}

static void signed_attributions(void **state) {
    (void)state;
    check_kind(FIXTURE_ATTRIBUTION, 41, 37, 6.0);
}

static void scores_before_softmax(void **state) {
    (void)state;
    check_kind(FIXTURE_SCORES, 30, 43, 6.0);
}

static void weights_from_q_and_k(void **state) {
    (void)state;
    check_kind(FIXTURE_FACTORED, 23, 50, 0.0);
    check_kind(FIXTURE_FACTORED_CAUSAL, 70, 70, 0.0);
    check_kind(FIXTURE_FACTORED_CAUSAL, 20, 45, 0.0); /* queries are the last 20 of 45 positions */
}

/* The real sizes of a base tile of Whisper's cross attention. */
static void whisper_shaped(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 29, 1500, 5);
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "mean");
    PoolRequest request = fixture_request(f, &heads, (Level){0, 3}, 0, 0, 29, 188);
    check(f, &request, scratch, 0.0);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

/* Wider than a chunk, taller than a strip, a texel row of several strips: nothing is lost between them. */
static void larger_than_a_strip(void **state) {
    (void)state;
    static const Level levels[] = {{0, 0}, {0, 13}, {6, 5}, {7, 14}, {3, 3}, {7, 15}};
    static const FixtureKind kinds[] = {FIXTURE_WEIGHTS, FIXTURE_CAUSAL, FIXTURE_FACTORED_CAUSAL};
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        int64_t keys = kinds[k] == FIXTURE_FACTORED_CAUSAL ? 33000 : 17000;
        Fixture *f = fixture_new(kinds[k], 1, 2, 70, keys, 9);
        PoolScratch *scratch = tiles_pool_scratch_new();
        for (size_t i = 0; i < BASE_COUNT(levels); i++) {
            ResolvedHeads heads = fixture_heads(f, i % 2 == 0 ? "1" : "mean");
            int64_t columns = tiles_texels(keys, levels[i].k);
            PoolRequest request = fixture_request(f, &heads, levels[i], 0, i64_max(0, columns - 300),
                                                  (int)tiles_texels(70, levels[i].q), 301);
            check(f, &request, scratch, 0.0);
            request.x0 = 0;
            check(f, &request, scratch, 0.0);
        }
        tiles_pool_scratch_drop(scratch);
        fixture_drop(f);
    }
}

/* One texel over a million weights of 1e-9 .. 1 stays within 1e-6 of the sum in long double. */
static void a_large_block_stays_precise(void **state) {
    (void)state;
    enum { SIDE = 1024 };
    Fixture *f = fixture_make(FIXTURE_WEIGHTS, 1, 1, SIDE, SIDE, 3);
    uint64_t seed = 77;
    long double sum = 0.0L;
    for (int i = 0; i < SIDE * SIDE; i++) {
        f->cells[i] = (float)pow(10.0, -9.0 * fixture_random(&seed));
        sum += (long double)f->cells[i];
    }
    fixture_open(f);
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "0");
    PoolRequest request = fixture_request(f, &heads, (Level){10, 10}, 0, 0, 1, 1);
    float rg[2];
    assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
    double mean = (double)(sum / (SIDE * SIDE));
    assert_true(fabs((double)rg[0] - mean) <= 1e-6 * mean);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

/* A level from the source and the halved level below it: means agree, maxima are the same numbers. */
static void check_halving(const Fixture *f, const char *heads_text, PoolScratch *scratch) {
    ResolvedHeads heads = fixture_heads(f, heads_text);
    bool is_signed = heads.result_signed || f->kind == FIXTURE_SCORES;
    for (Level level = {0, 1}; level.k < 9; level.q++, level.k++) {
        int height = (int)tiles_texels(f->queries, level.q), width = (int)tiles_texels(f->keys, level.k);
        int half_height = tiles_mip_side(height, 1), half_width = tiles_mip_side(width, 1);
        size_t count = (size_t)half_height * (size_t)half_width;
        float *fine = malloc(2 * (size_t)height * (size_t)width * sizeof *fine);
        float *halved = malloc(2 * count * sizeof *halved), *coarse = malloc(2 * count * sizeof *coarse);
        PoolRequest request = fixture_request(f, &heads, level, 0, 0, height, width);
        assert_int_equal(tiles_pool(&request, fine, scratch, NULL, NULL), STATUS_OK);
        tiles_pool_halve(fine, height, width, f->queries, f->keys, level, is_signed, halved);
        request = fixture_request(f, &heads, (Level){level.q + 1, level.k + 1}, 0, 0, half_height, half_width);
        assert_int_equal(tiles_pool(&request, coarse, scratch, NULL, NULL), STATUS_OK);
        for (size_t i = 0; i < count; i++) {
            double error = fabs((double)halved[2 * i] - (double)coarse[2 * i]);
            assert_true(error <= 1e-6 * fabs((double)coarse[2 * i]) + (is_signed ? 1e-6 : 0.0));
            assert_true(halved[2 * i + 1] == coarse[2 * i + 1]);
        }
        free(fine);
        free(halved);
        free(coarse);
    }
}

static void means_compose_from_level_to_level(void **state) {
    (void)state;
    static const FixtureKind kinds[] = {FIXTURE_WEIGHTS, FIXTURE_CAUSAL, FIXTURE_ATTRIBUTION, FIXTURE_SCORES};
    PoolScratch *scratch = tiles_pool_scratch_new();
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        int64_t keys = kinds[i] == FIXTURE_CAUSAL ? 61 : 149;
        Fixture *f = fixture_make(kinds[i], 1, 3, 61, keys, 21);
        *fixture_cell(f, 0, 1, 50, 13) = NAN;
        fixture_open(f);
        for (size_t j = 0; j < BASE_COUNT(head_sets); j++) {
            check_halving(f, head_sets[j], scratch);
        }
        fixture_drop(f);
    }
    tiles_pool_scratch_drop(scratch);
}

static void cells_are_the_heads_combined(void **state) {
    (void)state;
    static const FixtureKind kinds[] = {FIXTURE_CAUSAL, FIXTURE_SCORES, FIXTURE_ATTRIBUTION};
    PoolScratch *scratch = tiles_pool_scratch_new();
    float out[12 * 21];
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        Fixture *f = fixture_make(kinds[i], 1, 3, 40, 40, 8);
        *fixture_cell(f, 0, 0, 11, 5) = NAN;
        fixture_open(f);
        for (size_t j = 0; j < BASE_COUNT(head_sets); j++) {
            ResolvedHeads heads = fixture_heads(f, head_sets[j]);
            PoolRequest request = fixture_request(f, &heads, (Level){0, 0}, 0, 0, 0, 0);
            assert_int_equal(tiles_cells(&request, (Block){10, 22, 3, 24}, out, scratch, NULL, NULL), STATUS_OK);
            for (int c = 0; c < 12 * 21; c++) {
                double expected = fixture_combined(f, &request, 10 + c / 21, 3 + c % 21);
                double got = (double)out[c];
                bool same = isnan(expected) ? isnan(got) : got == expected;
                assert_true(same || fabs(got - expected) <= tolerance(expected, 1e-6, 6.0));
            }
            Error err = {0};
            assert_int_equal(tiles_cells(&request, (Block){0, 41, 0, 1}, out, scratch, NULL, &err), STATUS_RANGE);
            assert_int_equal(tiles_cells(&request, (Block){-1, 1, 0, 1}, out, scratch, NULL, &err), STATUS_RANGE);
            assert_int_equal(tiles_cells(&request, (Block){3, 3, 5, 5}, out, scratch, NULL, &err), STATUS_OK);
        }
        fixture_drop(f);
    }
    tiles_pool_scratch_drop(scratch);
}

int test_pool_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bidirectional_weights),
        cmocka_unit_test(causal_weights),
        cmocka_unit_test(signed_attributions),
        cmocka_unit_test(scores_before_softmax),
        cmocka_unit_test(weights_from_q_and_k),
        cmocka_unit_test(whisper_shaped),
        cmocka_unit_test(larger_than_a_strip),
        cmocka_unit_test(a_large_block_stays_precise),
        cmocka_unit_test(means_compose_from_level_to_level),
        cmocka_unit_test(cells_are_the_heads_combined),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
