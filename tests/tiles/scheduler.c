/* The scheduler without threads: take runs the next job, so every order and count is fixed. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIAL = 7 };

static TileWant want_tile(const Fixture *f, int layer, int head, int level, int64_t y, int64_t x) {
    TileWant want = {.kind = JOB_TILE, .capture = f->capture};
    want.key = (TileKey){.serial = SERIAL, .layer = layer, .head = head, .lq = level, .lk = level, .y = y, .x = x};
    want.key.values = f->kind == FIXTURE_SCORES ? VALUES_SCORES : VALUES_WEIGHTS;
    return want;
}

static TileWant want_base(const Fixture *f, int layer, int head) {
    TileWant want = want_tile(f, layer, head, 0, 0, 0);
    want.kind = JOB_BASE;
    return want;
}

static TileWant want_set(const Fixture *f, JobKind kind, const char *heads, int level) {
    TileWant want = want_tile(f, 0, -1, level, 0, 0);
    want.kind = kind;
    assert_int_equal(tiles_headset_parse(heads, &want.heads, NULL), STATUS_OK);
    want.key.headset = tiles_headset_hash(&want.heads);
    return want;
}

static Scheduler *new_inline(size_t ram_budget, int base_side) {
    Scheduler *s = NULL;
    Error err = {0};
    SchedulerParams params = {.workers = -1, .ram_budget = ram_budget, .base_side = base_side};
    if (tiles_scheduler_new(&params, &s, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return s;
}

static void want(Scheduler *s, const TileWant *wants, size_t count) {
    Error err = {0};
    assert_int_equal(tiles_scheduler_want(s, wants, count, &err), STATUS_OK);
}

static TileData *take_one(Scheduler *s, const TileWant *expected) {
    TileData *data = tiles_scheduler_take(s);
    assert_non_null(data);
    assert_int_equal(data->kind, expected->kind);
    assert_true(tiles_key_equal(&data->key, &expected->key));
    return data;
}

/* Decodes mip m of a finished tile; the caller frees. */
static float *mip_floats(const TileData *data, int mip, int *width, int *height) {
    *width = tiles_mip_side(data->width, mip);
    *height = tiles_mip_side(data->height, mip);
    size_t count = (size_t)*width * (size_t)*height;
    float *rg = malloc(2 * count * sizeof *rg);
    const char *bytes = (const char *)data->texels + data->mip_offset[mip];
    assert_non_null(rg);
    if (data->format == TILE_RG16F) {
        tiles_decode_f16((const uint16_t *)(const void *)bytes, rg, count);
    } else {
        memcpy(rg, bytes, 2 * count * sizeof *rg);
    }
    return rg;
}

static void check_mip(const Fixture *f, const TileData *data, const ResolvedHeads *heads, Level level, int mip) {
    int width, height;
    float *rg = mip_floats(data, mip, &width, &height);
    double relative = data->format == TILE_RG16F ? 1.0 / 2048.0 : 2e-6;
    PoolRequest request = fixture_request(f, heads, level, data->key.y * TILE_SIDE, data->key.x * TILE_SIDE, 0, 0);
    request.layer = data->key.layer;
    for (int i = 0; i < width * height; i++) {
        double mean, g;
        fixture_texel(f, &request, request.y0 + i / width, request.x0 + i % width, &mean, &g);
        double scale = data->is_signed ? 1e-6 : 1e-9;
        assert_true(fabs((double)rg[2 * i] - mean) <= relative * fabs(mean) + scale);
        assert_true(fabs((double)rg[2 * i + 1] - g) <= relative * fabs(g) + scale);
    }
    free(rg);
}

static void a_base_tile_comes_with_its_mips(void **state) {
    (void)state;
    static const FixtureKind kinds[] = {FIXTURE_WEIGHTS, FIXTURE_ATTRIBUTION};
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        Fixture *f = fixture_new(kinds[k], 2, 2, 29, 300, 2);
        Scheduler *s = new_inline(0, 32);
        TileWant base = want_base(f, 1, 1);
        want(s, &base, 1);
        TileData *data = take_one(s, &base);
        assert_int_equal(data->status, STATUS_OK);
        assert_true(data->width == 19 && data->height == 29); /* level 0, 4 */
        assert_int_equal(data->mip_count, 6);
        assert_int_equal(data->format, k == 0 ? TILE_RG16F : TILE_RG32F);
        assert_true(data->is_signed == (k == 1));
        ResolvedHeads heads = fixture_heads(f, "1");
        for (int mip = 0; mip < data->mip_count; mip++) {
            check_mip(f, data, &heads, (Level){mip, 4 + mip}, mip);
        }
        size_t texel = data->format == TILE_RG16F ? 4 : 8;
        assert_int_equal(data->size, texel * (29 * 19 + 15 * 10 + 8 * 5 + 4 * 3 + 2 * 2 + 1));
        tiles_data_drop(data);
        tiles_scheduler_drop(s);
        fixture_drop(f);
    }
}

/* An overview that is wanted with finer tiles leaves them in the cache: no other job runs for them, and they, like the
 * overview, are what they would be by themselves. */
static void finer_tiles_come_with_an_overview(void **state) {
    (void)state;
    static const FixtureKind kinds[] = {FIXTURE_WEIGHTS, FIXTURE_ATTRIBUTION, FIXTURE_FACTORED_CAUSAL};
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        Fixture *f = fixture_new(kinds[k], 1, 2, 300, 520, 2);
        for (int finer = 1; finer <= 2; finer++) {
            Scheduler *s = new_inline(0, 64); /* overviews of 38 x 33 texels: level 3, 4 */
            TileWant base = want_base(f, 0, 1), tiles[6];
            ResolvedHeads heads = fixture_heads(f, "1");
            base.finer = finer;
            want(s, &base, 1);
            TileData *data = take_one(s, &base);
            assert_int_equal(data->status, STATUS_OK);
            assert_true(data->width == 33 && data->height == 38 && data->mip_count == 7);
            for (int mip = 0; mip < data->mip_count; mip++) {
                check_mip(f, data, &heads, (Level){3 + mip, 4 + mip}, mip);
            }
            tiles_data_drop(data);
            int count = 0;
            const Level level = {3 - finer, 4 - finer};
            for (int64_t y = 0; y < tiles_count_along(300, level.q); y++) {
                for (int64_t x = 0; x < tiles_count_along(520, level.k); x++) {
                    tiles[count] = want_tile(f, 0, 1, level.k, y, x);
                    tiles[count++].key.lq = level.q;
                }
            }
            const uint64_t done = tiles_scheduler_stats(s).jobs_done;
            want(s, tiles, (size_t)count);
            for (int i = 0; i < count; i++) {
                data = take_one(s, &tiles[i]);
                check_mip(f, data, &heads, level, 0);
                tiles_data_drop(data);
            }
            assert_int_equal(tiles_scheduler_stats(s).jobs_done, done);
            tiles_scheduler_drop(s);
        }
        fixture_drop(f);
    }
}

static void tiles_end_where_the_pattern_ends(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 40, 300, 2);
    Scheduler *s = new_inline(0, 0);
    const TileWant wants[] = {want_tile(f, 0, 1, 0, 0, 1), want_tile(f, 0, 0, 1, 0, 0),
                              want_set(f, JOB_COMPOSITE, "max", 2)};
    want(s, wants, BASE_COUNT(wants));
    ResolvedHeads one = fixture_heads(f, "1"), zero = fixture_heads(f, "0"), max = fixture_heads(f, "max");
    TileData *data = take_one(s, &wants[0]);
    assert_true(data->width == 44 && data->height == 40 && data->mip_count == 1 && data->format == TILE_RG16F);
    check_mip(f, data, &one, (Level){0, 0}, 0);
    float largest = 0.0f;
    for (int i = 0; i < 40 * 44; i++) {
        largest = fmaxf(largest, *fixture_cell(f, 0, 1, i / 44, 256 + i % 44));
    }
    assert_true(data->max_value == largest);
    tiles_data_drop(data);
    data = take_one(s, &wants[1]);
    assert_true(data->width == 150 && data->height == 20);
    check_mip(f, data, &zero, (Level){1, 1}, 0);
    tiles_data_drop(data);
    data = take_one(s, &wants[2]);
    assert_true(data->width == 75 && data->height == 10 && data->format == TILE_RG32F && !data->is_signed);
    check_mip(f, data, &max, (Level){2, 2}, 0);
    tiles_data_drop(data);
    assert_null(tiles_scheduler_take(s));
    assert_true(tiles_scheduler_idle(s));
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static TileFormat format_with(float value) {
    Fixture *f = fixture_make(FIXTURE_WEIGHTS, 1, 1, 8, 8, 2);
    *fixture_cell(f, 0, 0, 7, 7) = value;
    fixture_open(f);
    Scheduler *s = new_inline(0, 0);
    TileWant tile = want_tile(f, 0, 0, 0, 0, 0);
    want(s, &tile, 1);
    TileData *data = take_one(s, &tile);
    assert_int_equal(data->status, STATUS_OK);
    TileFormat format = data->format;
    int width, height;
    float *rg = mip_floats(data, 0, &width, &height);
    if (isfinite(value)) {
        assert_true(fabsf(rg[2 * 63 + 1] - value) <= fabsf(value) / 2000.0f);
    }
    free(rg);
    tiles_data_drop(data);
    tiles_scheduler_drop(s);
    fixture_drop(f);
    return format;
}

static void weights_that_are_none_go_f32(void **state) {
    (void)state;
    assert_int_equal(format_with(1.0f), TILE_RG16F);
    assert_int_equal(format_with(nextafterf(1.0f, 2.0f)), TILE_RG16F); /* softmax in f32 may round up */
    assert_int_equal(format_with(1.25f), TILE_RG32F);
    assert_int_equal(format_with(1e6f), TILE_RG32F);
    assert_int_equal(format_with(-1.0f / 32768.0f), TILE_RG32F); /* scaled it would be a sentinel */
    assert_int_equal(format_with(NAN), TILE_RG16F);
}

static void cells_are_plain_floats(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_CAUSAL, 1, 2, 30, 30, 2);
    Scheduler *s = new_inline(0, 0);
    TileWant cells = want_set(f, JOB_CELLS, "mean", 0);
    cells.key.y = 5;
    cells.key.x = 4;
    cells.key.rows = 3;
    cells.key.columns = 11;
    ResolvedHeads heads = fixture_heads(f, "mean");
    PoolRequest request = fixture_request(f, &heads, (Level){0, 0}, 0, 0, 0, 0);
    for (int round = 0; round < 2; round++) { /* never from the cache */
        want(s, &cells, 1);
        TileData *data = take_one(s, &cells);
        assert_true(data->format == TILE_R32F && data->width == 11 && data->height == 3 && data->size == 33 * 4);
        for (int i = 0; i < 33; i++) {
            double expected = fixture_combined(f, &request, 5 + i / 11, 4 + i % 11);
            double got = (double)((const float *)data->texels)[i];
            assert_true(got == expected || fabs(got - expected) <= 1e-6 * expected);
        }
        tiles_data_drop(data);
    }
    SchedulerStats stats = tiles_scheduler_stats(s);
    assert_true(stats.cache_bytes == 0 && stats.cache_hits == 0 && stats.jobs_done == 2);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void wants_are_done_in_order_and_once(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 3, 2, 20, 20, 2);
    Scheduler *s = new_inline(0, 0);
    const TileWant a = want_tile(f, 0, 0, 0, 0, 0), b = want_tile(f, 1, 0, 0, 0, 0), c = want_tile(f, 2, 1, 0, 0, 0);
    const TileWant base = want_base(f, 0, 0); /* same key as a, another kind */
    const TileWant first[] = {c, a, c, a, a, base}, second[] = {b, c, a};
    want(s, first, BASE_COUNT(first));
    assert_int_equal(tiles_scheduler_stats(s).queued, 3);
    tiles_data_drop(take_one(s, &c));
    tiles_data_drop(take_one(s, &a));
    want(s, second, BASE_COUNT(second)); /* base is dropped; c and a come from the cache at once */
    assert_int_equal(tiles_scheduler_stats(s).queued, 1);
    want(s, second, BASE_COUNT(second)); /* c and a wait to be taken: not twice */
    tiles_data_drop(take_one(s, &c));
    tiles_data_drop(take_one(s, &a));
    tiles_data_drop(take_one(s, &b));
    assert_null(tiles_scheduler_take(s));
    SchedulerStats stats = tiles_scheduler_stats(s);
    assert_true(stats.jobs_done == 3 && stats.cache_hits == 2 && stats.cache_misses == 3 && stats.jobs_failed == 0);
    want(s, NULL, 0);
    assert_true(tiles_scheduler_idle(s));
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

/* Beside the composite that is made of tiles stands the exact one, under a key of its own. */
static void the_exact_composite_has_its_own_key(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 3, 40, 40, 2);
    Scheduler *s = new_inline(0, 0);
    TileWant wants[] = {want_set(f, JOB_COMPOSITE, "min", 2), want_set(f, JOB_COMPOSITE, "min", 2)};
    wants[1].key.variant = TILE_VARIANT_EXACT;
    ResolvedHeads heads = fixture_heads(f, "min");
    want(s, wants, 2);
    for (int i = 0; i < 2; i++) {
        TileData *data = take_one(s, &wants[i]);
        assert_int_equal(data->status, STATUS_OK);
        check_mip(f, data, &heads, (Level){2, 2}, 0);
        tiles_data_drop(data);
    }
    assert_int_equal(tiles_scheduler_stats(s).jobs_done, 2);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void an_empty_queue_forgets_what_was_wanted(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 1, 20, 20, 2);
    Scheduler *s = new_inline(0, 0);
    const TileWant a = want_tile(f, 0, 0, 0, 0, 0);
    want(s, &a, 1);
    assert_false(tiles_scheduler_idle(s));
    want(s, NULL, 0);
    assert_true(tiles_scheduler_idle(s));
    assert_null(tiles_scheduler_take(s));
    assert_int_equal(tiles_scheduler_stats(s).jobs_done, 0);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void the_cache_keeps_its_budget_and_drops_the_oldest(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 8, 1, 64, 64, 2);
    size_t tile = 64 * 64 * 4, budget = 3 * (tile + 2048);
    Scheduler *s = new_inline(budget, 0);
    for (int layer = 0; layer < 8; layer++) {
        const TileWant wants[] = {want_tile(f, 0, 0, 0, 0, 0), want_tile(f, layer, 0, 0, 0, 0)};
        want(s, wants, BASE_COUNT(wants)); /* layer 0 is used all the time, so it stays */
        for (TileData *data; (data = tiles_scheduler_take(s)) != NULL;) {
            assert_int_equal(data->status, STATUS_OK);
            tiles_data_drop(data);
        }
        assert_true(tiles_scheduler_stats(s).cache_bytes <= budget);
    }
    SchedulerStats stats = tiles_scheduler_stats(s);
    assert_true(stats.jobs_done == 8 && stats.cache_hits == 7 && stats.cache_evictions == 5);
    assert_true(stats.cache_bytes >= 3 * tile);
    const TileWant old[] = {want_tile(f, 7, 0, 0, 0, 0), want_tile(f, 1, 0, 0, 0, 0)};
    want(s, old, 2);
    assert_int_equal(tiles_scheduler_stats(s).cache_hits, 8);
    assert_int_equal(tiles_scheduler_stats(s).queued, 1);
    tiles_scheduler_drop(s);
    s = new_inline(100, 0); /* smaller than a tile: nothing is kept, everything works */
    want(s, old, 1);
    tiles_data_drop(take_one(s, &old[0]));
    assert_int_equal(tiles_scheduler_stats(s).cache_bytes, 0);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void failed_jobs_say_why(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 20, 20, 2);
    Scheduler *s = new_inline(0, 0);
    TileWant bad[10];
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        bad[i] = want_tile(f, 0, 0, 0, 0, 0);
    }
    bad[0].key.layer = 1;
    bad[1].key.head = 2;
    bad[2].key.set = -1;
    bad[3].key.y = 1;
    bad[4].key.lk = TILE_LEVELS;
    bad[5].key.values = VALUES_SCORES;
    bad[6].key.variant = 3;
    bad[7] = want_set(f, JOB_COMPOSITE, "mean:0,5", 0);
    bad[8] = want_set(f, JOB_CELLS, "mean", 0); /* of no size */
    bad[9].key.item = 4;
    for (int round = 0; round < 2; round++) { /* wanted anew after having been taken: again */
        want(s, bad, BASE_COUNT(bad));
        for (size_t i = 0; i < BASE_COUNT(bad); i++) {
            TileData *data = take_one(s, &bad[i]);
            assert_int_not_equal(data->status, STATUS_OK);
            assert_true(data->error.message[0] != '\0' && data->texels == NULL && data->size == 0);
            tiles_data_drop(data);
        }
        assert_null(tiles_scheduler_take(s));
    }
    assert_int_equal(tiles_scheduler_stats(s).jobs_failed, 20);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void forgetting_takes_one_capture_only(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 2, 1, 20, 20, 2), *g = fixture_new(FIXTURE_WEIGHTS, 2, 1, 20, 20, 3);
    Scheduler *s = new_inline(0, 0);
    TileWant mine = want_tile(f, 0, 0, 0, 0, 0), other = want_tile(g, 0, 0, 0, 0, 0);
    other.key.serial = SERIAL + 1;
    const TileWant both[] = {mine, other}, more[] = {mine, other, want_tile(f, 1, 0, 0, 0, 0)};
    want(s, both, 2);
    tiles_data_drop(take_one(s, &mine));
    tiles_data_drop(take_one(s, &other));
    want(s, more, 3); /* both wait again, from the cache; one is queued */
    tiles_scheduler_forget(s, SERIAL);
    fixture_drop(f);
    tiles_data_drop(take_one(s, &other));
    assert_null(tiles_scheduler_take(s));
    assert_true(tiles_scheduler_idle(s));
    want(s, &other, 1);
    assert_int_equal(tiles_scheduler_stats(s).cache_hits, 3);
    tiles_scheduler_forget(s, SERIAL + 1);
    assert_int_equal(tiles_scheduler_stats(s).cache_bytes, 0);
    assert_null(tiles_scheduler_take(s));
    tiles_scheduler_drop(s);
    fixture_drop(g);
}

static void a_taken_tile_outlives_the_scheduler(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 1, 20, 20, 2);
    Scheduler *s = new_inline(0, 0);
    const TileWant a = want_tile(f, 0, 0, 0, 0, 0);
    want(s, &a, 1);
    TileData *data = take_one(s, &a);
    tiles_data_hold(data);
    tiles_scheduler_drop(s);
    ResolvedHeads heads = fixture_heads(f, "0");
    check_mip(f, data, &heads, (Level){0, 0}, 0);
    tiles_data_drop(data);
    tiles_data_drop(data);
    tiles_data_drop(NULL);
    fixture_drop(f);
}

/* Results pile up to a bound; nothing is lost when they are taken at last. */
static void many_results_are_all_delivered(void **state) {
    (void)state;
    enum { LAYERS = 100, HEADS = 4 };
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, LAYERS, HEADS, 4, 4, 2);
    Scheduler *s = new_inline(0, 0);
    TileWant *wants = malloc(LAYERS * HEADS * sizeof *wants);
    for (int i = 0; i < LAYERS * HEADS; i++) {
        wants[i] = want_base(f, i / HEADS, i % HEADS);
    }
    for (int round = 0; round < 2; round++) {
        want(s, wants, LAYERS * HEADS);
        for (int i = 0; i < LAYERS * HEADS; i++) {
            tiles_data_drop(take_one(s, &wants[i]));
        }
        assert_null(tiles_scheduler_take(s));
    }
    assert_int_equal(tiles_scheduler_stats(s).cache_hits, LAYERS * HEADS);
    free(wants);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static int run_all(Scheduler *s, const TileWant *wants, size_t count, int *failed) {
    int taken = 0;
    if (tiles_scheduler_want(s, wants, count, NULL) != STATUS_OK) {
        return -1;
    }
    for (TileData *data; (data = tiles_scheduler_take(s)) != NULL; taken++) {
        assert_true(data->status == STATUS_OK || data->status == STATUS_MEMORY);
        assert_true((data->status == STATUS_OK) == (data->texels != NULL));
        *failed += data->status == STATUS_MEMORY ? 1 : 0;
        tiles_data_drop(data);
    }
    return taken;
}

/* Each allocation in turn fails: there is a result that says so, and everything works afterwards. */
static void failing_allocations_are_survived(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 20, 20, 2);
    TileWant wants[] = {want_tile(f, 0, 0, 0, 0, 0), want_base(f, 0, 1), want_set(f, JOB_COMPOSITE, "mean", 1),
                        want_set(f, JOB_CELLS, "max", 0)};
    wants[3].key.rows = wants[3].key.columns = 20;
    int refused = 0, failed = 0, starved = 0;
    for (int sticky = 0; sticky < 2; sticky++) {
        for (uint64_t n = 1; n < 60; n++) {
            Scheduler *s = new_inline(0, 0);
            mem_fail_after(n, sticky == 1);
            int taken = run_all(s, wants, BASE_COUNT(wants), &failed);
            mem_fail_after(0, false);
            refused += taken < 0 ? 1 : 0;
            starved += taken >= 0 && taken < 4 ? 1 : 0;
            int failed_again = 0;
            assert_int_equal(run_all(s, wants, BASE_COUNT(wants), &failed_again), 4);
            assert_int_equal(failed_again, 0);
            tiles_scheduler_drop(s);
        }
    }
    assert_true(refused >= 2 && failed >= 10 && starved >= 1);
    for (uint64_t n = 1; n < 40; n++) { /* and while it is made */
        Scheduler *s = NULL;
        SchedulerParams params = {.workers = n % 2 == 0 ? -1 : 2};
        mem_fail_after(n, true);
        Status status = tiles_scheduler_new(&params, &s, NULL);
        mem_fail_after(0, false);
        assert_true((status == STATUS_OK) == (s != NULL));
        tiles_scheduler_drop(s);
    }
    fixture_drop(f);
}

static void repeated_wants_allocate_nothing(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 30, 2, 20, 20, 2);
    Scheduler *s = new_inline(0, 0);
    TileWant wants[60];
    for (int i = 0; i < 60; i++) {
        wants[i] = want_base(f, i / 2, i % 2);
    }
    want(s, wants, 60);
    want(s, wants, 60);
    uint64_t before = mem_allocation_count();
    for (int frame = 0; frame < 20; frame++) {
        want(s, wants + frame, 30);
        assert_int_equal(tiles_scheduler_stats(s).queued, 30);
    }
    assert_int_equal(mem_allocation_count(), before);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

int test_scheduler_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_tile_comes_with_its_mips),
        cmocka_unit_test(finer_tiles_come_with_an_overview),
        cmocka_unit_test(tiles_end_where_the_pattern_ends),
        cmocka_unit_test(weights_that_are_none_go_f32),
        cmocka_unit_test(cells_are_plain_floats),
        cmocka_unit_test(wants_are_done_in_order_and_once),
        cmocka_unit_test(the_exact_composite_has_its_own_key),
        cmocka_unit_test(an_empty_queue_forgets_what_was_wanted),
        cmocka_unit_test(the_cache_keeps_its_budget_and_drops_the_oldest),
        cmocka_unit_test(failed_jobs_say_why),
        cmocka_unit_test(forgetting_takes_one_capture_only),
        cmocka_unit_test(a_taken_tile_outlives_the_scheduler),
        cmocka_unit_test(many_results_are_all_delivered),
        cmocka_unit_test(failing_allocations_are_survived),
        cmocka_unit_test(repeated_wants_allocate_nothing),
    };
    return cmocka_run_group_tests_name("scheduler, inline", tests, NULL, NULL);
}
