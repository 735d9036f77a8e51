/* Pooling from Q and K against pooling of rows (which goes another way: BLAS, one row after the other), for masks,
 * caps, shared keys, storage types and sizes that are multiples of nothing; and what must hold of any attention. */
#include "test_tiles.h"
#include "tiles/internal.h"
#include "tiles/kernel.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Made {
    const char *metadata; /* "\"attn.window\":\"5\"", or "" */
    const char *dtype;
    int heads, key_heads, dim;
    int64_t queries, keys;
    int64_t spoil; /* an element, queries first, that is `odd`; -1: none */
    double size;   /* of the numbers */
} Made;
static float odd = NAN;

typedef struct Open {
    char *bytes;
    Capture *capture;
} Open;

static void put(char *out, const char *dtype, size_t i, float v) {
    uint16_t half = strcmp(dtype, "F16") == 0 ? f16_from_f32(v) : bf16_from_f32(v);
    if (strcmp(dtype, "F32") == 0) {
        memcpy(out + 4 * i, &v, 4);
    } else {
        memcpy(out + 2 * i, &half, 2);
    }
}

static Open make(const Made *m, uint64_t seed) {
    size_t item = strcmp(m->dtype, "F32") == 0 ? 4 : 2;
    size_t q_count = (size_t)(m->queries * m->heads * m->dim), k_count = (size_t)(m->keys * m->key_heads * m->dim);
    char header[1024];
    int length = snprintf(header, sizeof header,
                          "{\"__metadata__\":{%s},\"blocks.0.attn.hook_q\":{\"dtype\":\"%s\",\"shape\":[%lld,%d,%d],"
                          "\"data_offsets\":[0,%zu]},\"blocks.0.attn.hook_k\":{\"dtype\":\"%s\",\"shape\":[%lld,%d,%d],"
                          "\"data_offsets\":[%zu,%zu]}}",
                          m->metadata, m->dtype, (long long)m->queries, m->heads, m->dim, q_count * item, m->dtype,
                          (long long)m->keys, m->key_heads, m->dim, q_count * item, (q_count + k_count) * item);
    size_t size = 8 + (size_t)length + (q_count + k_count) * item;
    Open open = {.bytes = malloc(size)};
    assert_non_null(open.bytes);
    for (int i = 0; i < 8; i++) {
        open.bytes[i] = (char)((uint64_t)length >> (8 * i) & 0xff);
    }
    memcpy(open.bytes + 8, header, (size_t)length);
    for (size_t i = 0; i < q_count + k_count; i++) {
        float v = (float)(m->size * (2.0 * fixture_random(&seed) - 1.0));
        put(open.bytes + 8 + length, m->dtype, i, m->spoil >= 0 && (int64_t)i == m->spoil ? odd : v);
    }
    Error err = {0};
    CaptureOpenParams params = {.memory = open.bytes, .memory_size = size, .memory_name = "made.safetensors"};
    if (capture_open(&params, &open.capture, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return open;
}

static void drop(Open *open) {
    capture_close(open->capture);
    free(open->bytes);
}

static PoolRequest whole(const Capture *capture, const ResolvedHeads *heads, Values values, Level level) {
    const LayerInfo *layer = &capture_set(capture, 0)->layers[0];
    return (PoolRequest){.capture = capture,
                         .values = values,
                         .heads = heads,
                         .level = level,
                         .height = (int)tiles_texels(layer->queries, level.q),
                         .width = (int)tiles_texels(layer->keys, level.k)};
}

static float *pool(const PoolRequest *request) {
    Error err = {0};
    PoolScratch *scratch = tiles_pool_scratch_new();
    float *rg = malloc(2 * sizeof *rg * (size_t)request->height * (size_t)request->width);
    assert_true(scratch != NULL && rg != NULL);
    if (tiles_pool(request, rg, scratch, NULL, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    tiles_pool_scratch_drop(scratch);
    return rg;
}

/* A variant of nothing changes nothing, but rows are read. */
static const Variant no_factors;

static void compare(const Made *m, const char *heads_text, Values values, Level level, uint64_t seed) {
    Open a = make(m, seed), b = make(m, seed); /* two captures: row normalisers are kept, and must not be shared */
    ResolvedHeads heads = fixture_capture_heads(a.capture, heads_text);
    PoolRequest fused = whole(a.capture, &heads, values, level), rows = whole(b.capture, &heads, values, level);
    rows.variant = &no_factors;
    bool is_signed = heads.result_signed || values == VALUES_SCORES;
    float *got = pool(&fused), *again = pool(&fused), *expected = pool(&rows);
    double scale = is_signed ? 1.0 : 0.0;
    /* A score of hundreds has 5 digits behind the point in f32, and a weight is off by as much; how the BLAS rounds
     * depends on the processor. Dot products of such numbers are of this size, times four at the most, and two are compared. */
    double score = strstr(m->metadata, "attn.scale") != NULL ? sqrt(m->dim) * m->size * m->size / 3.0 : 0.0;
    score = isfinite(odd) ? fabs((double)odd) * m->size / sqrt(m->dim) / 4.0 : score;
    double tolerance = 2e-5 + 8.0 * score * FLT_EPSILON;
    for (size_t i = 0; i < 2 * (size_t)fused.height * (size_t)fused.width; i++) {
        bool sentinel = i % 2 == 1 &&
                        (tiles_is_masked(expected[i], is_signed) || tiles_is_nonfinite(expected[i], is_signed));
        double e = (double)expected[i], allowed = sentinel ? 0.0 : tolerance * (fabs(e) + scale) + 1e-12;
        /* of two extremes of the same size either sign will do */
        double g = is_signed && !sentinel && i % 2 == 1 ? fabs((double)got[i]) : (double)got[i];
        e = is_signed && !sentinel && i % 2 == 1 ? fabs(e) : e;
        if (!(fabs(g - e) <= allowed) || !(fabs((double)again[i] - (double)got[i]) <= 2.0 * allowed)) {
            fail_msg("%s %s %s, level %d,%d, float %zu: %.9g, again %.9g, for %.9g", m->dtype, m->metadata, heads_text,
                     level.q, level.k, i, (double)got[i], (double)again[i], (double)expected[i]);
        }
    }
    free(got);
    free(again);
    free(expected);
    drop(&a);
    drop(&b);
}

#define CAUSAL "\"attn.causal\":\"true\""
#define OPEN_BOTH "\"attn.causal\":\"false\""

static void test_against_rows(void **state) {
    static const Made cases[] = {
        {CAUSAL, "F32", 3, 3, 17, 131, 131, -1, 1.0},
        {CAUSAL, "F16", 4, 2, 33, 200, 200, -1, 1.0},
        {CAUSAL, "BF16", 4, 1, 31, 97, 97, -1, 1.0},
        {OPEN_BOTH, "F32", 3, 3, 8, 70, 333, -1, 2.0}, /* cross attention */
        {CAUSAL, "F32", 3, 3, 8, 40, 170, -1, 1.0},    /* queries are the last of the keys */
        {CAUSAL, "F32", 3, 3, 8, 170, 40, -1, 1.0},    /* the first queries see nothing */
        {CAUSAL ",\"attn.window\":\"37\"", "F32", 3, 3, 12, 300, 300, -1, 1.0},
        {OPEN_BOTH ",\"attn.window\":\"21\"", "F32", 3, 3, 12, 150, 150, -1, 1.0},
        {CAUSAL ",\"attn.window\":\"3\"", "F32", 3, 3, 5, 90, 90, -1, 1.0},
        {CAUSAL ",\"attn.softcap\":\"5\"", "F32", 3, 3, 40, 140, 140, -1, 3.0},
        {CAUSAL ",\"attn.scale\":\"1\"", "F32", 3, 3, 64, 140, 140, -1, 6.0}, /* scores of hundreds */
        {CAUSAL, "F32", 3, 3, 9, 80, 80, 9 * 3 * 44 + 2, 1.0},                /* a NaN in one query */
        {OPEN_BOTH, "F32", 3, 3, 1, 1, 1, -1, 1.0},
        {CAUSAL, "F32", 3, 3, 7, 1100, 1100, -1, 1.0},                            /* more than a band */
        {CAUSAL ",\"attn.window\":\"130\"", "F16", 3, 3, 7, 2100, 2100, -1, 1.0}, /* and more than a chunk */
        {OPEN_BOTH, "BF16", 3, 1, 10, 1090, 2077, -1, 1.0},
        {CAUSAL, "F32", 3, 3, 9, 1080, 1080, 9 * 3 * 744 + 2, 1.0}, /* a NaN in the middle of a strip */
    };
    static const char *const sets[] = {"1", "mean", "max:0,2", "min:0,1", "diff:0,2", "w:0*0.5,1*-0.25", "w:2*3"};
    static const Level levels[] = {{0, 0}, {1, 2}, {3, 1}, {4, 4}, {7, 8}, {0, 6}};
    static const Level long_levels[] = {{3, 2}, {5, 5}, {2, 7}, {4, 4}, {7, 11}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        for (size_t s = 0; s < BASE_COUNT(sets); s++) {
            Level level = cases[i].keys > 1000 ? long_levels[(i + s) % BASE_COUNT(long_levels)]
                                               : levels[(i + s) % BASE_COUNT(levels)];
            compare(&cases[i], sets[s], VALUES_WEIGHTS, level, 100 * i + s);
        }
        compare(&cases[i], "0", VALUES_SCORES, levels[i % BASE_COUNT(levels)], i);
        compare(&cases[i], "mean", VALUES_SCORES, levels[(i + 1) % BASE_COUNT(levels)], i);
    }
}

/* A product beyond f32 on either side spoils its row, as a NaN does; others are as they were. */
static void test_overflow(void **state) {
    static const Made big = {OPEN_BOTH, "F32", 3, 3, 3, 60, 60, -1, 3e19};
    (void)state;
    compare(&big, "1", VALUES_WEIGHTS, (Level){0, 0}, 3);
    compare(&big, "1", VALUES_WEIGHTS, (Level){2, 2}, 4);
    /* A number of one key in the middle, and one query: once its score is -Inf, which is no small number. */
    static const Made far = {OPEN_BOTH, "F32", 3, 3, 2, 1, 400, 1 * 3 * 2 + (200 * 3 + 1) * 2, 4.0};
    for (int level = 0; level < 14; level++) {
        odd = level % 2 ? INFINITY : -INFINITY;
        compare(&far, "1", VALUES_WEIGHTS, (Level){0, level / 2}, 5);
    }
    odd = NAN;
}

/* One score far above those of the panel that bounds exponents, like an attention sink: more than any float holds. */
static void test_sinks(void **state) {
    static const Made one = {OPEN_BOTH, "F32", 3, 3, 2, 1, 400, 1 * 3 * 2 + (30 * 3 + 1) * 2, 4.0};
    static const Made many = {CAUSAL, "F32", 3, 3, 2, 400, 400, 400 * 3 * 2 + (30 * 3 + 1) * 2, 4.0};
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < 14 * count; i++) {
        const int level = i / count;
        setenv("ATTNSCOPE_KERNEL", kernels[i % count]->name, 1);
        odd = level % 2 ? 500.0f : -500.0f;
        compare(&one, "1", VALUES_WEIGHTS, (Level){0, level / 2}, 5);
        compare(&many, "1", VALUES_WEIGHTS, (Level){level / 4, level / 2}, 6);
    }
    unsetenv("ATTNSCOPE_KERNEL");
    odd = NAN;
}

static void test_odd_sizes(void **state) {
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    uint64_t seed = 77;
    (void)state;
    for (int i = 0; i < 60; i++) {
        Made m = {fixture_random(&seed) < 0.6 ? CAUSAL : OPEN_BOTH,
                  dtypes[i % 3],
                  4,
                  i % 2 ? 2 : 4,
                  1 + (int)(fixture_random(&seed) * 70),
                  1 + (int64_t)(fixture_random(&seed) * 260),
                  1 + (int64_t)(fixture_random(&seed) * 260),
                  -1,
                  1.5};
        Level level = {(int)(fixture_random(&seed) * 7), (int)(fixture_random(&seed) * 9)};
        compare(&m, i % 4 == 0 ? "mean" : i % 4 == 1 ? "max:0,1,3" : "2", VALUES_WEIGHTS, level, (uint64_t)i);
    }
}

/* Rows sum to 1 at every level of the key axis, and halves of an image are the image of the next level. */
static void test_properties(void **state) {
    static const Made m = {CAUSAL, "F32", 2, 1, 24, 515, 515, -1, 2.0};
    (void)state;
    Open open = make(&m, 8);
    ResolvedHeads heads = fixture_capture_heads(open.capture, "1");
    for (int k = 0; k <= 10; k++) {
        PoolRequest request = whole(open.capture, &heads, VALUES_WEIGHTS, (Level){0, k});
        float *rg = pool(&request);
        for (int y = 0; y < request.height; y++) {
            double sum = 0.0;
            for (int x = 0; x < request.width; x++) {
                sum += (double)rg[2 * (y * request.width + x)] * (double)tiles_cells_in_texel(515, k, x);
            }
            assert_true(fabs(sum - 1.0) < 1e-5);
        }
        free(rg);
    }
    for (int level = 0; level < 9; level++) {
        PoolRequest fine = whole(open.capture, &heads, VALUES_WEIGHTS, (Level){level, level});
        PoolRequest coarse = whole(open.capture, &heads, VALUES_WEIGHTS, (Level){level + 1, level + 1});
        float *a = pool(&fine), *b = pool(&coarse),
              *halved = malloc(2 * sizeof *halved * (size_t)(coarse.height * coarse.width));
        assert_non_null(halved);
        tiles_pool_halve(a, fine.height, fine.width, 515, 515, fine.level, false, halved);
        for (int i = 0; i < 2 * coarse.height * coarse.width; i++) {
            assert_true(fabs((double)halved[i] - (double)b[i]) <= 1e-5 * fabs((double)b[i]) + 1e-9);
        }
        free(a);
        free(b);
        free(halved);
    }
    drop(&open);
}

/* An estimate is masked where the truth is, never above its maximum, and all rows of a sample are the truth. */
static void test_samples(void **state) {
    static const Made m = {CAUSAL, "F32", 2, 2, 16, 1000, 1000, -1, 1.0};
    (void)state;
    Open open = make(&m, 21);
    ResolvedHeads heads = fixture_capture_heads(open.capture, "0");
    PoolRequest exact = whole(open.capture, &heads, VALUES_WEIGHTS, (Level){6, 6}), sampled = exact;
    float *truth = pool(&exact);
    double error[2] = {0};
    for (int pass = 0; pass < 2; pass++) {
        sampled.sample = pass == 0 ? 2 : 32;
        float *got = pool(&sampled);
        for (int i = 0; i < exact.height * exact.width; i++) {
            double r = (double)truth[2 * i], g = (double)truth[2 * i + 1];
            assert_true(tiles_is_masked(got[2 * i + 1], false) == tiles_is_masked(truth[2 * i + 1], false));
            assert_true(g < 0.0 || (double)got[2 * i + 1] <= g * 1.00002);
            error[pass] += fabs((double)got[2 * i] - r);
        }
        free(got);
    }
    double total = 0.0;
    for (int i = 0; i < exact.height * exact.width; i++) {
        total += (double)truth[2 * i];
    }
    assert_true(error[0] < 0.35 * total && error[1] < 0.5 * error[0]);
    sampled.sample = 64;
    float *all = pool(&sampled);
    for (int i = 0; i < exact.width * (exact.height - 1); i++) { /* the last texel row has fewer rows than that */
        assert_true(fabs((double)all[2 * i] - (double)truth[2 * i]) <= 1e-5 * (double)truth[2 * i]);
    }
    free(all);
    free(truth);
    drop(&open);
}

static TileData *run_one(Scheduler *scheduler, TileWant *want, int better_than) {
    Error err = {0};
    want->better_than = better_than;
    assert_int_equal(tiles_scheduler_want(scheduler, want, 1, &err), STATUS_OK);
    TileData *data = tiles_scheduler_take(scheduler);
    assert_non_null(data);
    assert_int_equal(data->status, STATUS_OK);
    return data;
}

/* What takes more than a second comes as an estimate first, and is exact when that is asked for. */
static void test_estimate_first(void **state) {
    static const Made m = {CAUSAL, "F32", 1, 1, 25, 32768, 32768, -1, 1.0};
    (void)state;
    Open open = make(&m, 31);
    Scheduler *scheduler = NULL;
    Error err = {0};
    SchedulerParams params = {.workers = -1};
    assert_int_equal(tiles_scheduler_new(&params, &scheduler, &err), STATUS_OK);
    TileWant want = {.kind = JOB_BASE, .capture = open.capture, .key = {.serial = 5}};
    TileData *estimate = run_one(scheduler, &want, 0);
    assert_true(estimate->estimate > 0 && estimate->estimate < 128);
    TileData *same = run_one(scheduler, &want, 0);
    assert_ptr_equal(same, estimate); /* from the cache */
    TileData *exact = run_one(scheduler, &want, estimate->estimate);
    assert_int_equal(exact->estimate, 0);
    TileData *kept = run_one(scheduler, &want, 0);
    assert_ptr_equal(kept, exact); /* has taken the place of the estimate */
    assert_true(estimate->max_value <= exact->max_value);
    TileWant fine = {.kind = JOB_TILE, .capture = open.capture, .key = {.serial = 5, .lq = 4, .lk = 4, .y = 7, .x = 7}};
    TileData *tile = run_one(scheduler, &fine, 0);
    assert_int_equal(tile->estimate, 0);
    tiles_data_drop(estimate);
    tiles_data_drop(same);
    tiles_data_drop(exact);
    tiles_data_drop(kept);
    tiles_data_drop(tile);
    tiles_scheduler_drop(scheduler);
    drop(&open);
}

/* An overview that is exact soon by itself is estimated where a picture needs many of it, and exact when it is asked for
 * better; alone, and with too few others, it is exact at once. */
static void test_estimates_in_company(void **state) {
    static const Made m = {CAUSAL, "F32", 2, 1, 16, 4096, 4096, -1, 1.0};
    (void)state;
    Open open = make(&m, 33);
    Scheduler *scheduler = NULL;
    Error err = {0};
    SchedulerParams params = {.workers = -1, .base_side = 64};
    assert_int_equal(tiles_scheduler_new(&params, &scheduler, &err), STATUS_OK);
    const SetInfo *set = capture_set(open.capture, 0);
    assert_true(tiles_exact_at_once(set, &set->layers[0], (Level){6, 6}));
    TileWant want = {.kind = JOB_BASE, .capture = open.capture, .key = {.serial = 5}, .company = 10000};
    TileData *estimate = run_one(scheduler, &want, 0);
    assert_true(estimate->estimate > 0 && estimate->estimate < 64);
    TileData *exact = run_one(scheduler, &want, estimate->estimate);
    assert_int_equal(exact->estimate, 0);
    want.key.head = 1;
    want.company = 2;
    TileData *soon = run_one(scheduler, &want, 0);
    assert_int_equal(soon->estimate, 0);
    tiles_data_drop(estimate);
    tiles_data_drop(exact);
    tiles_data_drop(soon);
    tiles_scheduler_drop(scheduler);
    drop(&open);
}

static void test_cancelled(void **state) {
    static const Made m = {CAUSAL, "F32", 2, 2, 16, 300, 300, -1, 1.0};
    (void)state;
    Open open = make(&m, 2);
    ResolvedHeads heads = fixture_capture_heads(open.capture, "mean");
    PoolRequest request = whole(open.capture, &heads, VALUES_WEIGHTS, (Level){2, 2});
    CancelFlag cancel = {true};
    Error err = {0};
    float *rg = malloc(2 * sizeof *rg * (size_t)(request.height * request.width));
    PoolScratch *scratch = tiles_pool_scratch_new();
    assert_true(rg != NULL && scratch != NULL);
    assert_int_equal(tiles_pool(&request, rg, scratch, &cancel, &err), STATUS_CANCELLED);
    for (uint64_t n = 1; n < 400; n++) { /* whatever allocation fails: an error, and the next call succeeds */
        mem_fail_after(n, false);
        PoolScratch *fresh = tiles_pool_scratch_new();
        Status status = fresh != NULL ? tiles_pool(&request, rg, fresh, NULL, &err) : STATUS_MEMORY;
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || status == STATUS_MEMORY);
        tiles_pool_scratch_drop(fresh);
        if (fresh != NULL && status == STATUS_OK && n > 60) {
            break;
        }
    }
    tiles_pool_scratch_drop(scratch);
    free(rg);
    drop(&open);
}

/* Two workers: each goes on with the heads that share its keys; what is not an overview keeps its place. */
static void test_workers_keep_their_keys(void **state) {
    static const Made m = {CAUSAL, "F32", 8, 2, 4, 40, 40, -1, 1.0};
    static const int expected[] = {0, 4, 1, 5, 2, 6, 3, 7};
    (void)state;
    Open open = make(&m, 4);
    Queue queue = {0};
    KeyHead held[2] = {{0}, {0}};
    TileWant wants[9] = {0}, got = {0};
    for (int i = 0; i < 8; i++) {
        wants[i] = (TileWant){.kind = JOB_BASE, .key = {.serial = 7, .head = i}, .capture = open.capture};
    }
    wants[8] = (TileWant){.kind = JOB_TILE, .key = {.serial = 7, .head = 3}, .capture = open.capture};
    assert_true(tiles_queue_reserve(&queue, wants, BASE_COUNT(wants)));
    for (size_t i = 0; i < BASE_COUNT(wants); i++) {
        tiles_queue_add(&queue, &wants[i]);
    }
    for (int i = 0; i < 8; i++) {
        assert_true(tiles_queue_pop(&queue, held, 2, i % 2, &got));
        assert_true(got.kind == JOB_BASE && got.key.head == expected[i]);
    }
    assert_true(tiles_queue_pop(&queue, held, 2, 0, &got));
    assert_true(got.kind == JOB_TILE && held[0].key_head == -1);
    assert_false(tiles_queue_pop(&queue, held, 2, 1, &got));
    wants[0].key.head = 6; /* looked at: nothing that is only made ahead goes before it */
    wants[0].company = 1;
    wants[1].key.head = 0;
    held[0] = (KeyHead){7, 0, 0, 0, 0};
    held[1] = (KeyHead){7, 0, 0, 0, 1};
    assert_true(tiles_queue_reserve(&queue, wants, 4));
    for (size_t i = 0; i < 4; i++) {
        tiles_queue_add(&queue, &wants[i]);
    }
    assert_true(tiles_queue_pop(&queue, held, 2, 0, &got));
    assert_int_equal(got.key.head, 6);
    wants[0].key.set = 5; /* refused by the job, not here */
    assert_true(tiles_queue_reserve(&queue, wants, 1));
    tiles_queue_add(&queue, &wants[0]);
    assert_true(tiles_queue_pop(&queue, held, 2, 0, &got));
    tiles_queue_free(&queue);
    drop(&open);
}

int test_fused_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sinks),          cmocka_unit_test(test_workers_keep_their_keys),
        cmocka_unit_test(test_against_rows),   cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_odd_sizes),      cmocka_unit_test(test_properties),
        cmocka_unit_test(test_samples),        cmocka_unit_test(test_estimates_in_company),
        cmocka_unit_test(test_estimate_first), cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests_name("fused", tests, NULL, NULL);
}
