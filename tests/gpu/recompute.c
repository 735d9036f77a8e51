/* The compute shader against its CPU twin, and whole tiles against those that the processor pools. */
#include "test_gpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Relative, of f32 math: sums and dot products in another order, and exp2 to 2.5e-7; scores of hundreds cost digits. */
#define TOLERANCE 1e-5

static bool has_compute(Gpu *gpu) {
    Error err = {0};
    double rate;
    Status status = gpu_recompute_measure(gpu, 16, &rate, &err);
    if (status == STATUS_UNSUPPORTED) {
        print_message("%s\n", err.message);
        skip();
    }
    check_ok(status, &err);
    assert_true(rate > 0);
    return true;
}

static PoolDevice *open_device(Gpu *gpu) {
    Error err = {0};
    PoolDevice *device = tiles_device_new();
    assert_non_null(device);
    check_ok(gpu_recompute_open(gpu, device, &(DeviceParams){0}, &err), &err);
    assert_true(gpu_recompute_is_open(gpu));
    return device;
}

/* ---- whole tiles ----------------------------------------------------------------------------- */

typedef struct Made {
    const char *metadata;
    int heads, key_heads, dim;
    int64_t queries, keys;
    float size;
} Made;

static char *make_file(const Made *m, size_t *size) {
    size_t q = (size_t)(m->queries * m->heads * m->dim), k = (size_t)(m->keys * m->key_heads * m->dim);
    char header[1024];
    int length = snprintf(
        header, sizeof header,
        "{\"__metadata__\":{%s},\"blocks.0.attn.hook_q\":{\"dtype\":\"F32\",\"shape\":[%lld,%d,%d],"
        "\"data_offsets\":[0,%zu]},\"blocks.0.attn.hook_k\":{\"dtype\":\"F32\",\"shape\":[%lld,%d,%d],"
        "\"data_offsets\":[%zu,%zu]}}",
        m->metadata, (long long)m->queries, m->heads, m->dim, 4 * q, (long long)m->keys, m->key_heads, m->dim, 4 * q,
        4 * (q + k));
    *size = 8 + (size_t)length + 4 * (q + k);
    char *file = malloc(*size);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) {
        file[i] = (char)((uint64_t)length >> (8 * i) & 0xff);
    }
    memcpy(file + 8, header, (size_t)length);
    for (size_t i = 0; i < q + k; i++) {
        float v = m->size * (2 * random_unit() - 1);
        memcpy(file + 8 + length + 4 * i, &v, 4);
    }
    return file;
}

static Capture *open_made(const char *file, size_t size) {
    Capture *capture = NULL;
    Error err = {0};
    CaptureOpenParams params = {.memory = file, .memory_size = size, .memory_name = "made.safetensors"};
    check_ok(capture_open(&params, &capture, &err), &err);
    return capture;
}

typedef struct Work {
    PoolRequest request;
    PoolScratch *scratch;
    CancelFlag cancel;
    float *rg;
    Status status;
    Error err;
    atomic_bool done;
} Work;

static void pool_in_thread(void *user) {
    Work *work = user;
    work->status = tiles_pool(&work->request, work->rg, work->scratch, &work->cancel, &work->err);
    atomic_store(&work->done, true);
}

static float *pool_tile(Gpu *gpu, PoolDevice *device, const PoolRequest *request) {
    Work work = {.request = *request, .scratch = tiles_pool_scratch_new()};
    size_t floats = 2 * (size_t)request->height * (size_t)request->width;
    Thread *thread = NULL;
    work.rg = malloc(floats * sizeof *work.rg);
    assert_true(work.scratch != NULL && work.rg != NULL);
    atomic_init(&work.done, false);
    tiles_pool_use_device(work.scratch, device);
    check_ok(thread_start(&thread, pool_in_thread, &work, "pool", false, &work.err), &work.err);
    while (!atomic_load(&work.done)) {
        bool busy = false;
        if (gpu && gpu_recompute_is_open(gpu)) {
            Error err = {0};
            Status status = gpu_recompute_step(gpu, device, 3000000, &busy, &err);
            assert_true(status == STATUS_OK || !gpu_recompute_is_open(gpu));
        }
        if (!busy) {
            clock_sleep_ns(100000);
        }
    }
    thread_join(thread);
    check_ok(work.status, &work.err);
    tiles_pool_scratch_drop(work.scratch);
    return work.rg;
}

static void compare_tiles(const float *got, const float *expected, const PoolRequest *r, bool is_signed,
                          const char *what) {
    const double tolerance = TOLERANCE;
    is_signed = is_signed || r->values == VALUES_SCORES;
    for (int i = 0; i < r->height * r->width; i++) {
        const float *g = got + 2 * i, *e = expected + 2 * i;
        bool masked = tiles_is_masked(e[1], is_signed);
        double floor = is_signed ? tolerance : 1e-12;
        double most = is_signed ? fabs((double)g[1]) - fabs((double)e[1]) : (double)g[1] - (double)e[1];
        if (masked != tiles_is_masked(g[1], is_signed) ||
            !(fabs((double)g[0] - (double)e[0]) <= tolerance * fabs((double)e[0]) + floor) ||
            !(masked || fabs(most) <= tolerance * fabs((double)e[1]) + floor)) {
            fail_msg("%s, level %d,%d, texel %d of %d x %d: %.9g %.9g for %.9g %.9g", what, r->level.q, r->level.k, i,
                     r->height, r->width, (double)g[0], (double)g[1], (double)e[0], (double)e[1]);
        }
    }
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

#define CAUSAL "\"attn.causal\":\"true\""
#define OPEN_BOTH "\"attn.causal\":\"false\""

static void test_tiles(void **state) {
    static const Made cases[] = {
        {CAUSAL, 2, 2, 17, 131, 131, 1.0f},
        {CAUSAL, 4, 2, 64, 700, 700, 1.0f},
        {OPEN_BOTH, 2, 1, 33, 70, 333, 2.0f},
        {CAUSAL, 2, 2, 8, 40, 170, 1.0f},
        {CAUSAL, 2, 2, 8, 170, 40, 1.0f}, /* the first queries see nothing */
        {CAUSAL ",\"attn.window\":\"37\"", 2, 2, 12, 300, 300, 1.0f},
        {OPEN_BOTH ",\"attn.window\":\"21\"", 2, 2, 12, 150, 150, 1.0f},
        {CAUSAL ",\"attn.softcap\":\"5\"", 2, 2, 40, 140, 140, 3.0f},
        {CAUSAL ",\"attn.scale\":\"0.7\"", 2, 2, 48, 140, 140, 1.5f},
        {OPEN_BOTH, 1, 1, 1, 1, 1, 1.0f},
    };
    static const Level levels[] = {{0, 0}, {1, 0}, {0, 1}, {2, 3}, {6, 2}, {3, 7}, {7, 6}, {9, 9}, {0, 5}};
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    has_compute(gpu);
    PoolDevice *device = open_device(gpu);
    random_seed(11);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        size_t size;
        char *file = make_file(&cases[i], &size);
        for (size_t l = 0; l < BASE_COUNT(levels); l++) {
            for (int scores = 0; scores < 2; scores++) {
                if (l % 3 != i % 3 && cases[i].queries != 700) {
                    continue;
                }
                /* two captures: each has normalisers of its own */
                Capture *a = open_made(file, size), *b = open_made(file, size);
                ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
                heads.index[0] = cases[i].heads - 1;
                PoolRequest on_gpu = whole(a, &heads, scores ? VALUES_SCORES : VALUES_WEIGHTS, levels[l]),
                            on_cpu = on_gpu;
                on_cpu.capture = b;
                uint64_t before = gpu_recompute_stats(gpu).tasks;
                float *got = pool_tile(gpu, device, &on_gpu), *again = pool_tile(gpu, device, &on_gpu);
                float *expected = pool_tile(NULL, NULL, &on_cpu);
                assert_true(gpu_recompute_stats(gpu).tasks >= before + 2);
                compare_tiles(got, expected, &on_gpu, false, cases[i].metadata);
                compare_tiles(again, got, &on_gpu, false, "again");
                free(got);
                free(again);
                free(expected);
                capture_close(a);
                capture_close(b);
            }
        }
        free(file);
    }
    assert_int_equal(tiles_device_stats(device).done, gpu_recompute_stats(gpu).tasks);
    gpu_recompute_close(gpu, device);
    gpu_close(gpu);
    tiles_device_drop(device);
}

/* Heads combined cell by cell. */
static void test_head_sets(void **state) {
    static const Made cases[] = {
        {CAUSAL, 6, 3, 40, 300, 300, 1.0f},
        {OPEN_BOTH, 4, 1, 17, 90, 210, 1.5f},
        {CAUSAL ",\"attn.window\":\"50\",\"attn.softcap\":\"4\"", 4, 4, 16, 200, 200, 2.0f},
    };
    static const char *const sets[] = {"mean", "max:1,3", "min:0,2,3", "diff:3,0", "w:1*0.5,2*-0.25"};
    static const Level levels[] = {{0, 0}, {3, 2}, {7, 6}, {1, 5}};
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    has_compute(gpu);
    PoolDevice *device = open_device(gpu);
    random_seed(12);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        size_t size;
        char *file = make_file(&cases[i], &size);
        for (size_t s = 0; s < 2 * BASE_COUNT(sets); s++) {
            HeadSet set;
            ResolvedHeads heads;
            Error err = {0};
            Capture *a = open_made(file, size), *b = open_made(file, size);
            const SetInfo *info = capture_set(a, 0);
            check_ok(tiles_headset_parse(sets[s / 2], &set, &err), &err);
            check_ok(tiles_headset_resolve(&set, info, &info->layers[0], &heads, &err), &err);
            PoolRequest on_gpu = whole(a, &heads, s % 2 ? VALUES_SCORES : VALUES_WEIGHTS,
                                       levels[(s + i) % BASE_COUNT(levels)]),
                        on_cpu = on_gpu;
            on_cpu.capture = b;
            uint64_t before = gpu_recompute_stats(gpu).tasks;
            float *got = pool_tile(gpu, device, &on_gpu), *expected = pool_tile(NULL, NULL, &on_cpu);
            assert_true(gpu_recompute_stats(gpu).tasks > before);
            compare_tiles(got, expected, &on_gpu, heads.result_signed, sets[s / 2]);
            free(got);
            free(expected);
            capture_close(a);
            capture_close(b);
        }
        free(file);
    }
    gpu_recompute_close(gpu, device);
    gpu_close(gpu);
    tiles_device_drop(device);
}

/* With buffers so small that a tile takes many bands and chunks; the budget counts them. */
static void test_pieces(void **state) {
    static const Made made = {CAUSAL, 1, 1, 100, 2300, 2300, 1.0f};
    (void)state;
    Gpu *gpu = open_gpu((size_t)16 << 20, 32);
    has_compute(gpu);
    PoolDevice *device = open_device(gpu);
    assert_int_equal(gpu_recompute_stats(gpu).bytes, (size_t)2 << 20);
    random_seed(5);
    size_t size;
    char *file = make_file(&made, &size);
    Capture *a = open_made(file, size), *b = open_made(file, size);
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
    static const Level levels[] = {{4, 4}, {2, 8}};
    for (size_t i = 0; i < BASE_COUNT(levels); i++) {
        PoolRequest on_gpu = whole(a, &heads, VALUES_WEIGHTS, levels[i]), on_cpu = on_gpu;
        on_cpu.capture = b;
        float *got = pool_tile(gpu, device, &on_gpu), *expected = pool_tile(NULL, NULL, &on_cpu);
        compare_tiles(got, expected, &on_gpu, false, "pieces");
        free(got);
        free(expected);
    }
    assert_true(gpu_recompute_stats(gpu).tasks >= 10);
    capture_close(a);
    capture_close(b);
    free(file);
    gpu_recompute_close(gpu, device);
    gpu_close(gpu);
    tiles_device_drop(device);
}

/* ---- trouble --------------------------------------------------------------------------------- */

/* Numbers that are none are the processor's work; so is everything once the driver has no memory. */
static void test_falls_back(void **state) {
    static const Made made = {CAUSAL, 1, 1, 16, 200, 200, 1.0f};
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    has_compute(gpu);
    PoolDevice *device = open_device(gpu);
    size_t size;
    char *file = make_file(&made, &size);
    float nan = NAN;
    memcpy(file + size - 4, &nan, 4); /* in the last key */
    Capture *a = open_made(file, size), *b = open_made(file, size);
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
    PoolRequest request = whole(a, &heads, VALUES_WEIGHTS, (Level){2, 2}), twin = request;
    twin.capture = b;
    float *expected = pool_tile(NULL, NULL, &twin), *strange = pool_tile(gpu, device, &request);
    assert_memory_equal(strange, expected, (size_t)(request.height * request.width) * 2 * sizeof *strange);
    assert_true(gpu_recompute_is_open(gpu));
    free(strange);
    free(expected);
    capture_close(a);
    capture_close(b);
    memset(file + size - 4, 0, 4);
    a = open_made(file, size);
    b = open_made(file, size);
    request.capture = a;
    twin.capture = b;
    gpu_debug_fail_uploads(gpu, 1000);
    expected = pool_tile(NULL, NULL, &twin);
    float *got = pool_tile(gpu, device, &request); /* allocation fails: closed, and done by the processor */
    assert_false(gpu_recompute_is_open(gpu));
    assert_memory_equal(got, expected, (size_t)(request.height * request.width) * 2 * sizeof *got);
    free(got);
    free(expected);
    gpu_debug_fail_uploads(gpu, 0);
    Error err = {0};
    check_ok(gpu_recompute_open(gpu, device, &(DeviceParams){0}, &err), &err);
    gpu_recompute_close(gpu, device);
    capture_close(a);
    capture_close(b);
    free(file);
    gpu_close(gpu);
    tiles_device_drop(device);
}

static void test_a_budget_too_small(void **state) {
    (void)state;
    Gpu *gpu = open_gpu((size_t)8 << 20, 32);
    has_compute(gpu);
    PoolDevice *device = tiles_device_new();
    Error err = {0};
    assert_non_null(device);
    assert_int_equal(gpu_recompute_open(gpu, device, &(DeviceParams){0}, &err), STATUS_MEMORY);
    assert_non_null(strstr(err.message, "budget"));
    gpu_close(gpu);
    tiles_device_drop(device);
}

int test_recompute_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),      cmocka_unit_test(test_head_sets),          cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_falls_back), cmocka_unit_test(test_a_budget_too_small),
    };
    return cmocka_run_group_tests_name("gpu/recompute", tests, NULL, NULL);
}
