/* Variants: their text, their factors, and pooling with them, against the definition in f64. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ------------------------------------------------------------------------------------ */

static void hidden_keys_have_one_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"none", "none"},           {"first", "first"},
        {"special", "special"},     {"0", "first"},
        {"7,5,6", "5-7"},           {"3-9,5-12,20", "3-12,20"},
        {"special,4", "special,4"}, {"4,special,0", "special,first,4"},
        {"first,1", "0-1"},         {"5-5", "5"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        Variant variant = {.row_scale = ROWS_MAX}, again = variant;
        char text[VARIANT_TEXT_SIZE];
        assert_int_equal(tiles_variant_parse_hide(cases[i].text, &variant, NULL), STATUS_OK);
        tiles_variant_format_hide(&variant, text, sizeof text);
        assert_string_equal(text, cases[i].canonical);
        assert_int_equal(tiles_variant_parse_hide(text, &again, NULL), STATUS_OK);
        assert_int_equal(tiles_variant_id(&variant), tiles_variant_id(&again));
        assert_int_equal(variant.row_scale, ROWS_MAX);
    }
}

static void wrong_text_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "frist",
                                        "5-3",
                                        "-1",
                                        "3-",
                                        "1,,2",
                                        "none,3",
                                        "1,2,",
                                        "4-x",
                                        "1 2",
                                        "9999999999999999999",
                                        "0-99999999999999999",
                                        "1-2-3"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        Variant variant = {.hide_special = true};
        Error err = {0};
        assert_int_equal(tiles_variant_parse_hide(wrong[i], &variant, &err), STATUS_USAGE);
        assert_true(err.message[0] != '\0' && variant.hide_special && variant.range_count == 0);
    }
    TextBuffer many = {0};
    for (int i = 0; i <= VARIANT_RANGES_MAX; i++) {
        text_appendf(&many, i > 0 ? ",%d" : "%d", 2 * i);
    }
    Variant variant = {0};
    assert_int_equal(tiles_variant_parse_hide(many.text, &variant, NULL), STATUS_USAGE);
    text_buffer_free(&many);
    RowScale scale = ROWS_SUM;
    assert_int_equal(tiles_row_scale_parse("mean", &scale, NULL), STATUS_USAGE);
    for (RowScale s = ROWS_AS_STORED; s <= ROWS_UNIFORM; s++) {
        assert_int_equal(tiles_row_scale_parse(tiles_row_scale_name(s), &scale, NULL), STATUS_OK);
        assert_int_equal(scale, s);
    }
}

/* Every choice has an identity of its own, clear of the bits that keys use, and none is 0. */
static void identities_differ(void **state) {
    (void)state;
    static const char *const hides[] = {"none", "first", "special", "1", "0-1", "5,7", "5-7", "special,0"};
    uint32_t ids[BASE_COUNT(hides) * 8];
    int count = 0;
    for (size_t i = 0; i < BASE_COUNT(hides) * 8; i++) {
        Variant variant = {.row_scale = (RowScale)(i % 4), .value_weighted = i / 4 % 2 == 1};
        assert_int_equal(tiles_variant_parse_hide(hides[i / 8], &variant, NULL), STATUS_OK);
        uint32_t id = tiles_variant_id(&variant);
        assert_int_equal(id & (TILE_VARIANT_EXACT | TILE_VARIANT_FACTORS), 0);
        assert_true((id == 0) == (i == 0));
        for (int j = 0; j < count; j++) {
            assert_int_not_equal(ids[j], id);
        }
        ids[count++] = id;
    }
}

/* ---- pooling --------------------------------------------------------------------------------- */

static const Variant VARIANTS[] = {
    {.range_count = 1, .ranges = {{0, 1}}},
    {.range_count = 2, .ranges = {{0, 1}, {16, 20}}, .row_scale = ROWS_SUM},
    {.range_count = 1, .ranges = {{3, 900}}, .row_scale = ROWS_MAX}, /* beyond the last key, too */
    {.row_scale = ROWS_UNIFORM},
    {.value_weighted = true},
    {.range_count = 1, .ranges = {{0, 2}}, .row_scale = ROWS_SUM, .value_weighted = true},
    {.hide_special = true, .row_scale = ROWS_MAX, .value_weighted = true},
};

/* Every texel of every level, head set and variant. */
static void check_fixture(Fixture *f, const bool *special, FactorStore *store) {
    static const char *const texts[] = {"1", "mean", "max:0,2", "w:0*0.5,3*-0.25"};
    int64_t side = i64_max(f->queries, f->keys);
    float *rg = malloc((size_t)(2 * side * side) * sizeof *rg);
    PoolScratch *scratch = tiles_pool_scratch_new();
    bool factored = f->kind == FIXTURE_FACTORED || f->kind == FIXTURE_FACTORED_CAUSAL;
    double precision = factored ? 1e-5 : 2e-6; /* recomputed weights are products and exponentials in f32 */
    assert_true(rg != NULL && scratch != NULL);
    for (size_t v = 0; v < BASE_COUNT(VARIANTS); v++) {
        fixture_vary(f, &VARIANTS[v], special);
        /* What is left where cells cancel: their rounding. UNIFORM makes them as large as there are keys, norms 8. */
        double largest = f->kind == FIXTURE_ATTRIBUTION ? 3.5 * 8.0 : factored ? 10.0 : 1.0;
        double tiny = 1e-7 * largest * (VARIANTS[v].row_scale == ROWS_UNIFORM ? (double)f->keys : 1.0);
        for (size_t t = 0; t < BASE_COUNT(texts) * 4; t++) {
            static const Level levels[] = {{0, 0}, {2, 2}, {1, 3}, {6, 6}};
            ResolvedHeads heads = fixture_heads(f, texts[t % BASE_COUNT(texts)]);
            Level level = levels[t / BASE_COUNT(texts)];
            int height = (int)tiles_texels(f->queries, level.q), width = (int)tiles_texels(f->keys, level.k);
            PoolRequest request = fixture_request(f, &heads, level, 0, 0, height, width);
            request.variant = &VARIANTS[v];
            request.factors = store;
            assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
            for (int i = 0; i < height * width; i++) {
                double mean, g;
                fixture_texel(f, &request, i / width, i % width, &mean, &g);
                if (fabs((double)rg[2 * i + 1] + g) <= tiny) {
                    g = -g; /* signed data: as large either way, to rounding */
                }
                if (!(fabs((double)rg[2 * i] - mean) <= precision * fabs(mean) + tiny &&
                      fabs((double)rg[2 * i + 1] - g) <= precision * fabs(g) + tiny)) {
                    fail_msg("kind %d variant %zu, heads %s, level %d,%d, texel %d,%d: %.9g %.9g, expected %.9g %.9g",
                             (int)f->kind, v, texts[t % BASE_COUNT(texts)], level.q, level.k, i / width, i % width,
                             (double)rg[2 * i], (double)rg[2 * i + 1], mean, g);
                }
            }
        }
    }
    tiles_pool_scratch_drop(scratch);
    free(rg);
}

/* Sizes that are no powers of two, rows under a causal mask, more queries than keys, signed data, heads that share
 * their values; with and without what was computed before. */
static void pooled_variants_are_exact(void **state) {
    (void)state;
    static const struct {
        FixtureKind kind;
        int64_t queries, keys;
        int value_heads;
    } cases[] = {
        {FIXTURE_CAUSAL, 45, 45, 4},          {FIXTURE_WEIGHTS, 21, 70, 2},  {FIXTURE_ATTRIBUTION, 37, 30, 1},
        {FIXTURE_FACTORED_CAUSAL, 77, 77, 2}, {FIXTURE_FACTORED, 33, 61, 4}, {FIXTURE_SCORES, 19, 19, 1},
        {FIXTURE_FACTORED, 40, 530, 2},
    };
    for (size_t i = 0; i < 2 * BASE_COUNT(cases); i++) {
        FactorStore *store = i % 2 == 0 ? tiles_factors_new(1 << 20) : NULL;
        bool special[1024] = {[0] = true, [5] = true};
        Fixture *f = fixture_make(cases[i / 2].kind, 1, 4, cases[i / 2].queries, cases[i / 2].keys, 4 + i);
        TextBuffer tokens = {0};
        for (int64_t k = 0; k < f->keys; k++) {
            text_appendf(&tokens, "%s\\\"%s\\\"", k == 0 ? "[" : ",", k == 0 ? "<s>" : k == 5 ? "[SEP]" : "a");
        }
        text_append(&tokens, "]");
        f->tokens = tokens.text;
        fixture_values(f, cases[i / 2].value_heads, i);
        fixture_open(f);
        assert_non_null(capture_tokens(f->capture, 0, 0, AXIS_KEY));
        if (f->kind == FIXTURE_SCORES) { /* scores are hidden only */
            const Variant hidden = tiles_variant_for(&VARIANTS[5], VALUES_SCORES);
            assert_true(hidden.row_scale == ROWS_AS_STORED && !hidden.value_weighted && hidden.range_count == 1);
        } else {
            check_fixture(f, special, store);
        }
        fixture_drop(f);
        text_buffer_free(&tokens);
        tiles_factors_drop(store);
    }
}

/* A row that sees hidden keys only is 0 or masked, whatever it is divided by; NaN stays where it is. */
static void nothing_visible_and_broken_cells(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_CAUSAL, 1, 1, 6, 6, 3);
    *fixture_cell(f, 0, 0, 4, 2) = NAN;
    *fixture_cell(f, 0, 0, 3, 0) = NAN; /* in the hidden column */
    fixture_open(f);
    const Variant variant = {.range_count = 1, .ranges = {{0, 1}}, .row_scale = ROWS_SUM};
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "0");
    PoolRequest request = fixture_request(f, &heads, (Level){0, 0}, 0, 0, 6, 6);
    request.variant = &variant;
    float rg[72], factors[6];
    assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
    for (int q = 0; q < 6; q++) {
        double sum = 0.0;
        assert_true(rg[2 * 6 * q] == 0.0f && rg[2 * 6 * q + 1] == TILE_MASKED);
        for (int k = 1; k < 6; k++) {
            sum += (double)rg[2 * (6 * q + k)];
        }
        assert_true(fabs(sum - (q == 0 ? 0.0 : 1.0)) < 1e-6); /* row 4: of what is a number */
    }
    assert_true(rg[2 * (6 * 4 + 2) + 1] == TILE_NONFINITE);
    const FactorRequest of = {.capture = f->capture, .variant = &variant};
    assert_int_equal(tiles_row_factors(&of, 0, 6, factors, scratch, NULL, NULL), STATUS_OK);
    assert_true(factors[0] == 0.0f);
    assert_int_equal(tiles_row_factors(&of, 0, 7, factors, scratch, NULL, NULL), STATUS_RANGE);
    assert_int_equal(tiles_column_factors(&of, -1, 2, factors, scratch, NULL, NULL), STATUS_RANGE);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

static void values_are_needed_for_weighting(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 9, 9, 3);
    const Variant variant = {.value_weighted = true};
    const FactorRequest of = {.capture = f->capture, .variant = &variant};
    PoolScratch *scratch = tiles_pool_scratch_new();
    float factors[9];
    Error err = {0};
    assert_int_equal(tiles_column_factors(&of, 0, 9, factors, scratch, NULL, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "hook_v"));
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

/* A store too small for one head, for some, for all: the same numbers. */
static void the_store_keeps_its_budget(void **state) {
    (void)state;
    static const size_t budgets[] = {0, 64, 700, 3000, 1 << 20};
    const Variant variant = {.range_count = 1, .ranges = {{1, 2}}, .row_scale = ROWS_SUM, .value_weighted = true};
    Fixture *f = fixture_make(FIXTURE_FACTORED_CAUSAL, 1, 4, 100, 100, 3);
    fixture_values(f, 2, 8);
    fixture_open(f);
    fixture_vary(f, &variant, NULL);
    PoolScratch *scratch = tiles_pool_scratch_new();
    for (size_t b = 0; b < BASE_COUNT(budgets); b++) {
        FactorStore *store = tiles_factors_new(budgets[b]);
        uint64_t seed = 5;
        assert_non_null(store);
        for (int i = 0; i < 200; i++) {
            int head = (int)(fixture_random(&seed) * 4.0);
            int64_t q0 = (int64_t)(fixture_random(&seed) * 99.0), q1 = q0 + 1 + (int64_t)(fixture_random(&seed) * 30.0);
            float factors[100];
            const FactorRequest of = {
                .capture = f->capture, .ref = {.head = head}, .variant = &variant, .store = store};
            q1 = i64_min(q1, 100);
            assert_int_equal(tiles_row_factors(&of, q0, q1, factors, scratch, NULL, NULL), STATUS_OK);
            for (int64_t q = q0; q < q1; q++) {
                double expected = f->row[(int64_t)head * 100 + q];
                assert_true(fabs((double)factors[q - q0] - expected) <= 1e-6 * expected);
            }
            if (i == 150) {
                tiles_factors_clear(store);
            }
        }
        const FactorStats stats = tiles_factors_stats(store);
        assert_true(stats.bytes <= budgets[b]);
        assert_true(budgets[b] > 0 ? stats.hits + stats.misses > 0 : stats.hits == 0 && stats.misses > 0);
        tiles_factors_drop(store);
    }
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static TileData *run_one(Scheduler *s, const TileWant *want) {
    assert_int_equal(tiles_scheduler_want(s, want, 1, NULL), STATUS_OK);
    TileData *data = tiles_scheduler_take(s);
    assert_non_null(data);
    assert_true(tiles_key_equal(&data->key, &want->key) && data->kind == want->kind);
    return data;
}

static Scheduler *new_inline(void) {
    Scheduler *s = NULL;
    const SchedulerParams params = {.workers = -1};
    assert_int_equal(tiles_scheduler_new(&params, &s, NULL), STATUS_OK);
    return s;
}

/* Tiles, base tiles and composites of a variant are unscaled floats of the varied weights; cells, too. */
static void jobs_make_tiles_of_variants(void **state) {
    (void)state;
    static const JobKind kinds[] = {JOB_TILE, JOB_BASE, JOB_COMPOSITE, JOB_CELLS};
    Fixture *f = fixture_new(FIXTURE_CAUSAL, 2, 3, 300, 300, 3);
    Scheduler *s = new_inline();
    const Variant *variant = &VARIANTS[1];
    fixture_vary(f, variant, NULL);
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        bool cells = kinds[i] == JOB_CELLS, set = kinds[i] == JOB_COMPOSITE || cells;
        ResolvedHeads heads = fixture_heads(f, set ? "mean" : "1");
        TileWant want = {.kind = kinds[i], .capture = f->capture, .variant = *variant};
        want.key = (TileKey){.serial = 1, .layer = 1, .head = set ? -1 : 1, .lq = 1, .lk = 1};
        want.key.headset = set ? 7 : 0;
        want.key.variant = tiles_variant_id(variant);
        if (cells) {
            want.key.lq = want.key.lk = 0;
            want.key.rows = want.key.columns = 300;
        }
        TileData *data = run_one(s, &want);
        assert_int_equal(data->status, STATUS_OK);
        assert_int_equal(data->format, cells ? TILE_R32F : TILE_RG32F);
        Level level = cells ? (Level){0, 0} : (Level){1, 1};
        PoolRequest request = fixture_request(f, &heads, level, 0, 0, data->height, data->width);
        request.layer = 1;
        request.variant = variant;
        for (int at = 0; at < data->width * data->height; at += 7) {
            double mean, g;
            fixture_texel(f, &request, at / data->width, at % data->width, &mean, &g);
            float got = ((const float *)data->texels)[cells ? at : 2 * at];
            got = got == CELL_MASKED ? 0.0f : got;
            assert_true(fabs((double)got - mean) <= 2e-6 * fabs(mean) + 1e-9);
        }
        tiles_data_drop(data);
    }
    TileWant liar = {.kind = JOB_TILE, .capture = f->capture, .variant = VARIANTS[2]};
    liar.key.variant = tiles_variant_id(variant);
    TileData *data = run_one(s, &liar);
    assert_int_equal(data->status, STATUS_RANGE);
    tiles_data_drop(data);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

/* At level 0 each factor; above, the mean of the keys and of at most four rows. */
static void jobs_make_factors(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_CAUSAL, 1, 2, 600, 600, 3);
    const Variant variant = {.range_count = 1, .ranges = {{512, 520}}, .row_scale = ROWS_SUM, .value_weighted = true};
    fixture_values(f, 1, 5);
    fixture_open(f);
    fixture_vary(f, &variant, NULL);
    Scheduler *s = new_inline();
    for (int level = 0; level <= 3; level += level == 0 ? 2 : 1) {
        for (int tile = 0; tile < (int)tiles_count_along(600, level); tile++) {
            for (int axis = 0; axis < 2; axis++) {
                TileWant want = {.capture = f->capture, .variant = variant};
                want.kind = axis == 0 ? JOB_ROW_FACTORS : JOB_COLUMN_FACTORS;
                want.key = (TileKey){.head = 1, .variant = tiles_variant_id(&variant)};
                *(axis == 0 ? &want.key.lq : &want.key.lk) = level;
                *(axis == 0 ? &want.key.y : &want.key.x) = tile;
                TileData *data = run_one(s, &want);
                assert_int_equal(data->status, STATUS_OK);
                assert_true(data->height == 1 && data->format == TILE_R32F);
                assert_int_equal(data->width, i64_min(256, tiles_texels(600, level) - 256 * tile));
                for (int i = 0; i < data->width; i++) {
                    int64_t first = (int64_t)(256 * tile + i) << level, count = i64_min(1 << level, 600 - first);
                    int64_t looked_at = axis == 0 ? i64_min(4, count) : count;
                    double sum = 0.0;
                    int hidden = 0;
                    for (int64_t n = 0; n < looked_at; n++) {
                        int64_t at = first + (axis == 0 ? (2 * n + 1) * count / (2 * looked_at) : n);
                        double factor = axis == 0 ? f->row[600 + at] : f->column[600 + at];
                        hidden += isnan(factor);
                        sum += isnan(factor) ? 0.0 : factor;
                    }
                    double expected = hidden == looked_at ? (double)FACTOR_HIDDEN : sum / (double)looked_at;
                    double got = (double)((const float *)data->texels)[i];
                    assert_true(fabs(got - expected) <= 2e-6 * fabs(expected));
                }
                tiles_data_drop(data);
            }
        }
    }
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

int test_variant_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_keys_have_one_text),
        cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(identities_differ),
        cmocka_unit_test(pooled_variants_are_exact),
        cmocka_unit_test(nothing_visible_and_broken_cells),
        cmocka_unit_test(values_are_needed_for_weighting),
        cmocka_unit_test(the_store_keeps_its_budget),
        cmocka_unit_test(jobs_make_tiles_of_variants),
        cmocka_unit_test(jobs_make_factors),
    };
    return cmocka_run_group_tests_name("tiles/variant", tests, NULL, NULL);
}
