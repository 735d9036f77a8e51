/* Tiles that another thread computes for a worker, with the CPU twin in the place of a GPU. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Owner {
    PoolDevice *device;
    Thread *thread;
    atomic_bool stop, hold; /* hold: a task that was taken is not worked on */
    atomic_int taken;
    int forget_keys, resident;
    uint64_t keys[8]; /* ids of what came before */
    float *kept[8];
} Owner;

/* The owner of a GPU keeps the keys that it was sent; this one has room for a few, and forgets them now and then. */
static void serve(Owner *owner, DeviceTask *task) {
    int at = 0;
    while (at < owner->resident && owner->keys[at] != task->keys_id) {
        at++;
    }
    if (owner->forget_keys > 0 && atomic_load(&owner->taken) % owner->forget_keys == 0) {
        at = owner->resident = 0;
    }
    size_t floats = (size_t)task->key_heads * (size_t)i64_ceil_div(task->columns, DEVICE_BLOCK) * DEVICE_BLOCK *
                    (size_t)task->depth;
    if (at == owner->resident) {
        if (task->keys == NULL) {
            task->keys_gone = true;
            tiles_device_finish(owner->device, task, STATUS_NOT_FOUND);
            return;
        }
        at = owner->resident = owner->resident < 8 ? owner->resident : 0;
        owner->resident++;
        owner->keys[at] = task->keys_id;
        owner->kept[at] = realloc(owner->kept[at], floats * sizeof(float));
        assert_non_null(owner->kept[at]);
        memcpy(owner->kept[at], task->keys, floats * sizeof(float));
    }
    DeviceTask whole = *task;
    whole.keys = owner->kept[at];
    tiles_device_twin(&whole, task->out);
    tiles_device_finish(owner->device, task, STATUS_OK);
}

static void own(void *user) {
    Owner *owner = user;
    while (!atomic_load(&owner->stop)) {
        DeviceTask *task = tiles_device_take(owner->device);
        if (task == NULL) {
            clock_sleep_ns(50000);
            continue;
        }
        atomic_fetch_add(&owner->taken, 1);
        while (atomic_load(&owner->hold) && !atomic_load(&owner->stop)) {
            clock_sleep_ns(100000);
        }
        serve(owner, task);
    }
}

static void start(Owner *owner, size_t operand_bytes, double least) {
    Error err = {0};
    DeviceParams params = {.operand_bytes = operand_bytes, .least_operations = least};
    owner->device = tiles_device_new();
    assert_non_null(owner->device);
    tiles_device_open(owner->device, &params);
    assert_int_equal(thread_start(&owner->thread, own, owner, "owner", false, &err), STATUS_OK);
}

static void stop(Owner *owner) {
    atomic_store(&owner->stop, true);
    thread_join(owner->thread);
    tiles_device_drop(owner->device);
    for (int i = 0; i < 8; i++) {
        free(owner->kept[i]);
    }
}

/* Four heads of some tokens, with two key heads. */
enum { HEADS = 4, KEY_HEADS = 2 };
static Capture *open_made(int64_t tokens, int dim, const char *metadata, char **bytes) {
    char header[512];
    size_t q = (size_t)(tokens * dim * HEADS), k = (size_t)(tokens * dim * KEY_HEADS);
    uint64_t seed = 4;
    int length = snprintf(
        header, sizeof header,
        "{\"__metadata__\":{%s},\"blocks.0.attn.hook_q\":{\"dtype\":\"F32\",\"shape\":[%lld,%d,%d],"
        "\"data_offsets\":[0,%zu]},\"blocks.0.attn.hook_k\":{\"dtype\":\"F32\",\"shape\":[%lld,%d,%d],"
        "\"data_offsets\":[%zu,%zu]}}",
        metadata, (long long)tokens, HEADS, dim, 4 * q, (long long)tokens, KEY_HEADS, dim, 4 * q, 4 * (q + k));
    size_t size = 8 + (size_t)length + 4 * (q + k);
    *bytes = malloc(size);
    assert_non_null(*bytes);
    for (int i = 0; i < 8; i++) {
        (*bytes)[i] = (char)((uint64_t)length >> (8 * i) & 0xff);
    }
    memcpy(*bytes + 8, header, (size_t)length);
    for (size_t i = 0; i < q + k; i++) {
        float v = (float)(2.0 * fixture_random(&seed) - 1.0);
        memcpy(*bytes + 8 + length + 4 * i, &v, 4);
    }
    Capture *capture = NULL;
    Error err = {0};
    CaptureOpenParams params = {.memory = *bytes, .memory_size = size, .memory_name = "made.safetensors"};
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_OK);
    return capture;
}

static float *pool(PoolDevice *device, const Capture *capture, const char *heads_text, Level level, Values values,
                   const CancelFlag *cancel, Status *status) {
    const LayerInfo *layer = &capture_set(capture, 0)->layers[0];
    const ResolvedHeads heads = fixture_capture_heads(capture, heads_text);
    PoolRequest request = {.capture = capture,
                           .values = values,
                           .heads = &heads,
                           .level = level,
                           .height = (int)tiles_texels(layer->queries, level.q),
                           .width = (int)tiles_texels(layer->keys, level.k)};
    Error err = {0};
    PoolScratch *scratch = tiles_pool_scratch_new();
    float *rg = calloc((size_t)(request.height * request.width), 2 * sizeof *rg);
    assert_true(scratch != NULL && rg != NULL);
    tiles_pool_use_device(scratch, device);
    *status = tiles_pool(&request, rg, scratch, cancel, &err);
    tiles_pool_scratch_drop(scratch);
    return rg;
}

static void compare(Owner *owner, const char *metadata, const char *heads, Level level, Values values) {
    char *bytes[2];
    Capture *a = open_made(389, 19, metadata, &bytes[0]), *b = open_made(389, 19, metadata, &bytes[1]);
    Status status;
    int before = atomic_load(&owner->taken);
    float *got = pool(owner->device, a, heads, level, values, NULL, &status);
    assert_int_equal(status, STATUS_OK);
    assert_true(atomic_load(&owner->taken) > before);
    float *expected = pool(NULL, b, heads, level, values, NULL, &status);
    assert_int_equal(status, STATUS_OK);
    const bool is_signed = values == VALUES_SCORES || fixture_capture_heads(b, heads).result_signed;
    size_t texels = (size_t)(tiles_texels(389, level.q) * tiles_texels(389, level.k));
    for (size_t i = 0; i < 2 * texels; i++) {
        double scale = is_signed ? 1.0 : 0.0, e = fabs((double)expected[i]), g = fabs((double)got[i]);
        double difference = is_signed && i % 2 == 1 ? fabs(g - e) : fabs((double)got[i] - (double)expected[i]);
        if (!(difference <= 1e-5 * (e + scale) + 1e-12)) {
            fail_msg("%s, %s, level %d,%d, float %zu: %.9g for %.9g", metadata, heads, level.q, level.k, i,
                     (double)got[i], (double)expected[i]);
        }
    }
    free(got);
    free(expected);
    capture_close(a);
    capture_close(b);
    free(bytes[0]);
    free(bytes[1]);
}

/* Operands of 32 x 64 floats: three chunks of keys, three bands of queries. */
static void test_bands_and_chunks(void **state) {
    static const char *const kinds[] = {
        "\"attn.causal\":\"true\"", "\"attn.causal\":\"false\"", "\"attn.causal\":\"true\",\"attn.window\":\"50\"",
        "\"attn.causal\":\"false\",\"attn.window\":\"30\"", "\"attn.causal\":\"true\",\"attn.softcap\":\"1.5\""};
    static const Level levels[] = {{0, 0}, {3, 2}, {1, 7}, {7, 0}, {6, 6}};
    (void)state;
    for (int forget = 0; forget < 3; forget++) {
        Owner owner = {.forget_keys = forget};
        start(&owner, 128 * 32 * sizeof(float), 0.0);
        for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
            compare(&owner, kinds[k], "3", levels[(k + (size_t)forget) % BASE_COUNT(levels)], VALUES_WEIGHTS);
            compare(&owner, kinds[k], "0", levels[(k + (size_t)forget + 2) % BASE_COUNT(levels)], VALUES_SCORES);
        }
        stop(&owner);
    }
}

/* Heads combined cell by cell, with keys that some of them share; operands of so many rows that there are several bands
 * of queries and chunks of keys. */
static void test_head_sets(void **state) {
    static const char *const sets[] = {"mean",  "max:1,2", "min:0,1,3", "diff:0,2", "w:3*0.5,0*-0.25",
                                       "w:2*3", "mean:0,1"};
    static const Level levels[] = {{0, 0}, {2, 3}, {6, 5}, {0, 7}};
    (void)state;
    Owner owner = {.forget_keys = 5};
    start(&owner, 4 * 128 * 32 * sizeof(float), 0.0);
    for (size_t s = 0; s < BASE_COUNT(sets); s++) {
        compare(&owner, "\"attn.causal\":\"true\"", sets[s], levels[s % BASE_COUNT(levels)], VALUES_WEIGHTS);
        compare(&owner, "\"attn.causal\":\"false\",\"attn.window\":\"90\"", sets[s],
                levels[(s + 1) % BASE_COUNT(levels)], s % 2 ? VALUES_SCORES : VALUES_WEIGHTS);
    }
    stop(&owner);
}

typedef struct Waiting {
    PoolDevice *device;
    const Capture *capture;
    CancelFlag cancel;
    Status status;
} Waiting;

static void wait_for_tile(void *user) {
    Waiting *waiting = user;
    free(pool(waiting->device, waiting->capture, "0", (Level){2, 2}, VALUES_WEIGHTS, &waiting->cancel,
              &waiting->status));
}

/* A worker whose job was cancelled goes although the owner still works for it; afterwards there is room again. */
static void test_cancelled_while_taken(void **state) {
    char *bytes;
    Capture *capture = open_made(389, 19, "\"attn.causal\":\"true\"", &bytes);
    (void)state;
    Owner owner = {0};
    atomic_store(&owner.hold, true);
    start(&owner, (size_t)1 << 20, 0.0);
    for (int i = 0; i < 6; i++) { /* more than there are places */
        Waiting waiting = {.device = owner.device, .capture = capture};
        Thread *thread = NULL;
        Error err = {0};
        int before = atomic_load(&owner.taken);
        assert_int_equal(thread_start(&thread, wait_for_tile, &waiting, "worker", false, &err), STATUS_OK);
        while (atomic_load(&owner.taken) == before) {
            clock_sleep_ns(100000);
        }
        atomic_store(&waiting.cancel.set, true);
        thread_join(thread);
        assert_int_equal(waiting.status, STATUS_CANCELLED);
        atomic_store(&owner.hold, false);
        while (tiles_device_stats(owner.device).done + tiles_device_stats(owner.device).refused < (uint64_t)(i + 1)) {
            clock_sleep_ns(100000);
        }
        atomic_store(&owner.hold, true);
    }
    atomic_store(&owner.hold, false);
    Status status;
    free(pool(owner.device, capture, "0", (Level){2, 2}, VALUES_WEIGHTS, NULL, &status));
    assert_int_equal(status, STATUS_OK);
    stop(&owner);
    capture_close(capture);
    free(bytes);
}

/* Nobody there, nobody who takes anything, or not worth it: the worker does it. */
static void test_nobody_takes(void **state) {
    char *bytes;
    Capture *capture = open_made(389, 19, "\"attn.causal\":\"true\"", &bytes);
    (void)state;
    Status status;
    Owner owner = {0};
    start(&owner, (size_t)1 << 20, 1e12);
    free(pool(owner.device, capture, "0", (Level){2, 2}, VALUES_WEIGHTS, NULL, &status));
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(atomic_load(&owner.taken), 0);
    stop(&owner);
    PoolDevice *device = tiles_device_new();
    assert_non_null(device);
    DeviceParams params = {.operand_bytes = (size_t)1 << 20};
    for (int open = 0; open < 2; open++) {
        tiles_device_open(device, open ? &params : NULL);
        free(pool(device, capture, "0", (Level){2, 2}, VALUES_WEIGHTS, NULL, &status));
        assert_int_equal(status, STATUS_OK);
    }
    assert_null(tiles_device_take(device)); /* it was withdrawn */
    tiles_device_drop(device);
    capture_close(capture);
    free(bytes);
}

int test_device_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bands_and_chunks),
        cmocka_unit_test(test_head_sets),
        cmocka_unit_test(test_cancelled_while_taken),
        cmocka_unit_test(test_nobody_takes),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
