/* The compose shader's CPU twin: against the exact cells at level 0, bounds above it, sentinels, factors. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>

static const char *const head_sets[] = {
    "1", "mean", "mean:0,2", "max", "min", "diff:2,0", "w:0*0.5,1*0.3,2*0.2", "w:0*0.5,2*-0.25", "w:1*2", "w:1*-2"};

/* One pooled image a head of the set, the composite of them, and the exact one from the source. */
typedef struct Images {
    float *heads[3], *composite, *exact;
    int height, width;
} Images;

static float *pool_image(const Fixture *f, const ResolvedHeads *heads, Level level, Images *images,
                         PoolScratch *scratch) {
    images->height = (int)tiles_texels(f->queries, level.q);
    images->width = (int)tiles_texels(f->keys, level.k);
    float *rg = malloc(2 * (size_t)images->height * (size_t)images->width * sizeof *rg);
    PoolRequest request = fixture_request(f, heads, level, 0, 0, images->height, images->width);
    assert_non_null(rg);
    assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
    return rg;
}

static Images make_images(const Fixture *f, const ResolvedHeads *heads, Level level) {
    Images images = {0};
    PoolScratch *scratch = tiles_pool_scratch_new();
    bool data_signed = f->kind == FIXTURE_ATTRIBUTION || f->kind == FIXTURE_SCORES;
    for (int h = 0; h < heads->count; h++) {
        ResolvedHeads one = {.op = HEADS_MEAN, .count = 1, .weight = {1.0f}, .result_signed = data_signed};
        one.index[0] = heads->index[h];
        images.heads[h] = pool_image(f, &one, level, &images, scratch);
    }
    images.exact = pool_image(f, heads, level, &images, scratch);
    images.composite = malloc(2 * (size_t)images.height * (size_t)images.width * sizeof(float));
    assert_non_null(images.composite);
    tiles_compose(heads, (const float *const *)images.heads, images.width, images.height, data_signed, NULL, NULL,
                  images.composite);
    tiles_pool_scratch_drop(scratch);
    return images;
}

static void drop_images(Images *images) {
    for (int h = 0; h < 3; h++) {
        free(images->heads[h]);
    }
    free(images->composite);
    free(images->exact);
}

static bool close_to(float a, float b) {
    return fabsf(a - b) <= 1e-6f * (fabsf(a) + fabsf(b)) + 1e-6f;
}

/* Does the composite stand to the exact value as it says of itself? */
static bool keeps(Exactness exactness, float composite, float exact) {
    switch (exactness) {
    case EXACT:
        return close_to(composite, exact);
    case BOUND_UPPER:
        return composite >= exact - 1e-6f;
    case BOUND_LOWER:
        return composite <= exact + 1e-6f;
    default:
        return isfinite(composite);
    }
}

static void check_set(const Fixture *f, const char *text, Level level) {
    ResolvedHeads heads = fixture_heads(f, text);
    Images images = make_images(f, &heads, level);
    bool is_signed = heads.result_signed || f->kind == FIXTURE_SCORES;
    if (f->kind == FIXTURE_SCORES) {
        heads.result_signed = true; /* as a caller who shows scores says */
    }
    Exactness of_mean = tiles_headset_exactness(&heads, level, CHANNEL_MEAN);
    Exactness of_max = tiles_headset_exactness(&heads, level, CHANNEL_MAX);
    for (int i = 0; i < images.height * images.width; i++) {
        float r = images.composite[2 * i], g = images.composite[2 * i + 1];
        float exact_r = images.exact[2 * i], exact_g = images.exact[2 * i + 1];
        bool sentinel = tiles_is_masked(exact_g, is_signed) || tiles_is_nonfinite(exact_g, is_signed);
        if (sentinel ? g != exact_g || r != 0.0f : !keeps(of_mean, r, exact_r) || !keeps(of_max, g, exact_g)) {
            fail_msg("%s at %d,%d texel %d: %.9g %.9g for %.9g %.9g", text, level.q, level.k, i, (double)r, (double)g,
                     (double)exact_r, (double)exact_g);
        }
    }
    drop_images(&images);
}

static void composites_are_what_they_say(void **state) {
    (void)state;
    static const FixtureKind kinds[] = {FIXTURE_WEIGHTS, FIXTURE_CAUSAL, FIXTURE_ATTRIBUTION, FIXTURE_SCORES};
    static const Level levels[] = {{0, 0}, {0, 2}, {1, 1}, {3, 4}, {6, 6}};
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        Fixture *f = fixture_make(kinds[k], 1, 3, 37, 37, 31);
        *fixture_cell(f, 0, 2, 30, 5) = NAN;
        fixture_open(f);
        for (size_t s = 0; s < BASE_COUNT(head_sets); s++) {
            for (size_t l = 0; l < BASE_COUNT(levels); l++) {
                /* Extremes of signed means bound nothing in the mean of extremes with masked heads; not promised. */
                check_set(f, head_sets[s], levels[l]);
            }
        }
        fixture_drop(f);
    }
}

static void compose_one(HeadOp op, int count, const float *texels, const float *weights, bool data_signed,
                        bool result_signed, float out[2]) {
    ResolvedHeads heads = {.op = op, .count = count, .result_signed = result_signed};
    const float *tiles[4];
    for (int i = 0; i < count; i++) {
        tiles[i] = texels + 2 * i;
        heads.weight[i] = weights[i];
    }
    tiles_compose(&heads, tiles, 1, 1, data_signed, NULL, NULL, out);
}

static void sentinels_win_in_order(void **state) {
    (void)state;
    static const float third[3] = {1.0f / 3, 1.0f / 3, 1.0f / 3}, ones[3] = {1.0f, 1.0f, 1.0f};
    static const float minus[2] = {1.0f, -1.0f};
    const float mixed[6] = {0.3f, 0.6f, 0.0f, TILE_MASKED, 0.0f, TILE_NONFINITE};
    const float masked[6] = {0.0f, TILE_MASKED, 0.0f, TILE_MASKED, 0.0f, TILE_MASKED};
    const float partly[6] = {0.3f, 0.6f, 0.0f, TILE_MASKED, 0.6f, 0.9f};
    float out[2];
    compose_one(HEADS_MEAN, 3, mixed, third, false, false, out);
    assert_true(out[0] == 0.0f && out[1] == TILE_NONFINITE);
    compose_one(HEADS_MAX, 3, masked, ones, false, false, out);
    assert_true(out[0] == 0.0f && out[1] == TILE_MASKED);
    compose_one(HEADS_DIFF, 2, masked, minus, false, true, out); /* read unsigned, written signed */
    assert_true(out[0] == 0.0f && out[1] == TILE_SIGNED_MASKED);
    compose_one(HEADS_MEAN, 3, partly, third, false, false, out);
    assert_true(fabsf(out[0] - 0.3f) < 1e-7f && fabsf(out[1] - 0.5f) < 1e-7f);
    compose_one(HEADS_MAX, 3, partly, ones, false, false, out);
    assert_true(out[0] == 0.6f && out[1] == 0.9f);
    compose_one(HEADS_MIN, 3, partly, ones, false, false, out);
    assert_true(out[0] == 0.0f && out[1] == 0.0f);
    compose_one(HEADS_DIFF, 2, partly, minus, false, true, out);
    assert_true(out[0] == 0.3f && out[1] == 0.3f); /* G = R */
    const float below[2] = {-1.5f, -1.0f};         /* signed data: -1 is a number */
    compose_one(HEADS_MEAN, 1, below, ones, true, true, out);
    assert_true(out[0] == -1.5f && out[1] == -1.0f);
    compose_one(HEADS_WEIGHTED, 1, below, minus + 1, true, true, out);
    assert_true(out[0] == 1.5f && out[1] == 1.0f);
}

/* At level 0 a composite with factors is the variant of the source. */
static void factors_make_the_variant(void **state) {
    (void)state;
    static const char *const texts[] = {"1", "mean", "max:0,2", "w:0*0.5,1*-0.25"};
    static const Variant variants[] = {
        {.range_count = 2, .ranges = {{0, 1}, {7, 9}}, .row_scale = ROWS_SUM},
        {.range_count = 1, .ranges = {{3, 4}}, .row_scale = ROWS_MAX, .value_weighted = true},
        {.row_scale = ROWS_UNIFORM},
    };
    Fixture *f = fixture_make(FIXTURE_CAUSAL, 1, 3, 20, 20, 6);
    fixture_values(f, 1, 9);
    fixture_open(f);
    PoolScratch *scratch = tiles_pool_scratch_new();
    float rows[3][TILE_SIDE], columns[3][TILE_SIDE], exact[800], composite[800];
    for (size_t t = 0; t < BASE_COUNT(texts) * BASE_COUNT(variants); t++) {
        const Variant *variant = &variants[t / BASE_COUNT(texts)];
        ResolvedHeads heads = fixture_heads(f, texts[t % BASE_COUNT(texts)]);
        const float *row[3] = {rows[0], rows[1], rows[2]};
        const float *column[3] = {columns[0], columns[1], columns[2]};
        for (int h = 0; h < heads.count; h++) {
            const FactorRequest of = {.capture = f->capture, .ref = {.head = heads.index[h]}, .variant = variant};
            assert_int_equal(tiles_row_factors(&of, 0, 20, rows[h], scratch, NULL, NULL), STATUS_OK);
            assert_int_equal(tiles_column_factors(&of, 0, 20, columns[h], scratch, NULL, NULL), STATUS_OK);
        }
        Images images = make_images(f, &heads, (Level){0, 0});
        PoolRequest request = fixture_request(f, &heads, (Level){0, 0}, 0, 0, 20, 20);
        request.variant = variant;
        assert_int_equal(tiles_pool(&request, exact, scratch, NULL, NULL), STATUS_OK);
        tiles_compose(&heads, (const float *const *)images.heads, 20, 20, false, row, column, composite);
        for (int i = 0; i < 800; i++) {
            assert_true(close_to(composite[i], exact[i]));
        }
        drop_images(&images);
    }
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

int test_compose_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composites_are_what_they_say),
        cmocka_unit_test(sentinels_win_in_order),
        cmocka_unit_test(factors_make_the_variant),
    };
    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
