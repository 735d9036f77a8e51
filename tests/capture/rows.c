/* The seam: what it refuses, cancellation, threads, memory, the softmax. */
#include "test_capture.h"

static void test_outside_of_the_capture(void **state) {
    static const PatternRef WRONG[] = {{.set = -1},  {.set = 1},   {.item = 1},   {.item = -1}, {.step = 1},
                                       {.step = -1}, {.layer = 2}, {.layer = -1}, {.head = 3},  {.head = -1}};
    static const int64_t RECTS[][4] = {{-1, 1, 0, 1}, {0, 12, 0, 1}, {0, 1, 0, 12},
                                       {5, 4, 0, 1},  {0, 1, 5, 4},  {0, 1, -1, 1}};
    float cells[256];
    Error err = {0};
    int64_t queries, keys;
    Probed probed;
    (void)state;
    Capture *capture = open_fixture("v1.npy");
    SourceScratch *scratch = capture_scratch_new();
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++) {
        assert_int_equal(capture_pattern_size(capture, WRONG[i], &queries, &keys, &err), STATUS_RANGE);
        assert_int_equal(
            capture_source_rows(capture, WRONG[i], VALUES_WEIGHTS, (Block){0, 1, 0, 1}, cells, scratch, NULL, &err),
            STATUS_RANGE);
    }
    for (size_t i = 0; i < BASE_COUNT(RECTS); i++)
        assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS,
                                             (Block){RECTS[i][0], RECTS[i][1], RECTS[i][2], RECTS[i][3]}, cells,
                                             scratch, NULL, &err),
                         STATUS_RANGE);
    assert_int_equal(capture_probe(capture, (PatternRef){0}, VALUES_WEIGHTS, 11, 0, &probed, scratch, &err),
                     STATUS_RANGE);
    assert_int_equal(capture_probe(capture, (PatternRef){0}, VALUES_WEIGHTS, INT64_MAX, 0, &probed, scratch, &err),
                     STATUS_RANGE);
    assert_int_equal(
        capture_source_rows(capture, (PatternRef){0}, VALUES_SCORES, (Block){0, 1, 0, 1}, cells, scratch, NULL, &err),
        STATUS_UNSUPPORTED);
    assert_int_equal(
        capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){3, 3, 0, 11}, NULL, scratch, NULL, &err),
        STATUS_OK);
    capture_scratch_drop(scratch);
    capture_close(capture);
}

static void test_cancelling(void **state) {
    static const char *const FILES[] = {"v1.npy", "fortran.npy", "scores-full-f4.safetensors",
                                        "qk-causal-f4.safetensors"};
    static float cells[70 * 70];
    CancelFlag flag = {true};
    Error err = {0};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        Capture *capture = open_fixture(FILES[i]);
        SourceScratch *scratch = capture_scratch_new();
        assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){0, 11, 0, 11}, cells,
                                             scratch, &flag, &err),
                         STATUS_CANCELLED);
        assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){0, 11, 0, 11}, cells,
                                             scratch, NULL, &err),
                         STATUS_OK);
        capture_scratch_drop(scratch);
        capture_close(capture);
    }
}

/* Reading the same tiles again allocates nothing. */
static void test_steady_reading_allocates_nothing(void **state) {
    static const char *const FILES[] = {"v1.npy", "fortran.npy", "scores-full-f4.safetensors",
                                        "qk-causal-f4.safetensors"};
    static float cells[11 * 11];
    Error err = {0};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        Capture *capture = open_fixture(FILES[i]);
        SourceScratch *scratch = capture_scratch_new();
        uint64_t before = 0;
        for (int round = 0; round < 3; round++) {
            if (round == 1) before = mem_allocation_count();
            for (int head = 0; head < 2; head++)
                assert_int_equal(capture_source_rows(capture, (PatternRef){.head = head}, VALUES_WEIGHTS,
                                                     (Block){0, 11, 0, 11}, cells, scratch, NULL, &err),
                                 STATUS_OK);
        }
        assert_int_equal(mem_allocation_count(), before);
        capture_scratch_drop(scratch);
        capture_close(capture);
    }
}

/* Without memory for the cache of row sums the numbers are the same. */
static void test_reading_while_memory_runs_out(void **state) {
    float right[70], cells[70];
    Error err = {0};
    (void)state;
    Capture *capture = open_fixture("scores-full-f4.safetensors");
    for (uint64_t n = 1; n < 12; n++) {
        SourceScratch *scratch = capture_scratch_new();
        mem_fail_after(n, true);
        Status status = capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){5, 6, 0, 70}, cells,
                                            scratch, NULL, &err);
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || status == STATUS_MEMORY);
        assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){5, 6, 0, 70}, right,
                                             scratch, NULL, &err),
                         STATUS_OK);
        if (status == STATUS_OK) assert_memory_equal(cells, right, sizeof(cells));
        capture_scratch_drop(scratch);
    }
    capture_close(capture);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 40, SIDE = 150 };

typedef struct Worker {
    const Capture *capture;
    const float *right;
    uint64_t random;
    int wrong;
} Worker;

static void work(void *user) {
    Worker *worker = user;
    Error err = {0};
    float *cells = mem_alloc(SIDE * SIDE * sizeof(float));
    SourceScratch *scratch = capture_scratch_new();
    for (int round = 0; round < ROUNDS && cells && scratch; round++) {
        worker->random = hash_u64(worker->random);
        int64_t q0 = (int64_t)(worker->random % SIDE), k0 = (int64_t)(worker->random / SIDE % SIDE);
        int64_t q1 = i64_min(SIDE, q0 + 40), k1 = i64_min(SIDE, k0 + 40);
        worker->wrong += capture_source_rows(worker->capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){q0, q1, k0, k1},
                                             cells, scratch, NULL, &err) != STATUS_OK;
        for (int64_t q = q0; q < q1; q++) {
            for (int64_t k = k0; k < k1; k++) {
                float got = cells[(q - q0) * (k1 - k0) + k - k0], right = worker->right[q * SIDE + k];
                worker->wrong += got != right && !(fabsf(got - right) <= 1e-5f * right);
            }
        }
    }
    capture_scratch_drop(scratch);
    mem_free(cells);
}

static void test_threads_share_a_capture(void **state) {
    Worker workers[THREADS];
    Thread *threads[THREADS];
    Error err = {0};
    (void)state;
    float *right = mem_alloc(SIDE * SIDE * sizeof(float));
    SourceScratch *scratch = capture_scratch_new();
    Capture *other = open_fixture("qk-causal-f4.safetensors"), *capture = open_fixture("qk-causal-f4.safetensors");
    assert_int_equal(capture_source_rows(other, (PatternRef){0}, VALUES_WEIGHTS, (Block){0, SIDE, 0, SIDE}, right,
                                         scratch, NULL, &err),
                     STATUS_OK);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){capture, right, (uint64_t)i + 1, 0};
        assert_int_equal(thread_start(&threads[i], work, &workers[i], "test", false, &err), STATUS_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
        assert_int_equal(workers[i].wrong, 0);
    }
    capture_close(capture);
    capture_close(other);
    capture_scratch_drop(scratch);
    mem_free(right);
}

/* One scratch serves captures in turn: it must not mistake one's keys for another's. */
static void test_a_scratch_serves_many_captures(void **state) {
    static const char *const FILES[] = {"qk-plain-f4.safetensors", "qk-plain-f2.safetensors"};
    float first[90], cells[90];
    Error err = {0};
    (void)state;
    SourceScratch *scratch = capture_scratch_new();
    for (int round = 0; round < 4; round++) {
        Capture *capture = open_fixture(FILES[round % 2]);
        SourceScratch *fresh = capture_scratch_new();
        for (int head = 0; head < 4; head++) {
            PatternRef ref = {.head = head};
            assert_int_equal(
                capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){1, 2, 0, 90}, cells, scratch, NULL, &err),
                STATUS_OK);
            assert_int_equal(
                capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){1, 2, 0, 90}, first, fresh, NULL, &err),
                STATUS_OK);
            assert_memory_equal(cells, first, sizeof(cells));
        }
        capture_scratch_drop(fresh);
        capture_close(capture);
    }
    capture_scratch_drop(scratch);
}

/* ---- softmax --------------------------------------------------------------------------------- */

static void test_softmax_against_libm(void **state) {
    enum { COUNT = 5000 };
    static float scores[COUNT], cells[COUNT], spare[CAPTURE_LSE_SPARE];
    (void)state;
    for (int spread = 1; spread <= 1000; spread *= 10) {
        double max = -(double)INFINITY, sum = 0.0;
        LseRun run = LSE_RUN_EMPTY;
        for (int i = 0; i < COUNT; i++) {
            double unit = (double)(hash_u64((uint64_t)(i + spread)) >> 11) * 0x1p-53;
            scores[i] = i % 7 == 3 ? CELL_MASKED : (float)((unit - 0.5) * spread);
            max = fmax(max, (double)scores[i]);
        }
        for (int i = 0; i < COUNT; i++)
            sum += exp((double)scores[i] - max);
        capture_lse_add(&run, scores, 1234, spare); /* in pieces, as blocks of keys come */
        capture_lse_add(&run, scores + 1234, COUNT - 1234, spare);
        double lse = capture_lse_result(&run);
        assert_true(fabs(lse - (max + log(sum))) < 2e-6);
        memcpy(cells, scores, sizeof(cells));
        capture_lse_apply(cells, COUNT, lse);
        for (int i = 0; i < COUNT; i++) {
            double right = exp((double)scores[i] - (max + log(sum)));
            if (scores[i] == CELL_MASKED)
                assert_true(cells[i] == CELL_MASKED);
            else if (fabs((double)cells[i] - right) > 4e-6 * right + 1e-37)
                fail_msg("spread %d: expected %.9g, got %.9g", spread, right, (double)cells[i]);
        }
    }
}

static void test_softmax_of_nothing_and_of_nan(void **state) {
    float masked[3] = {CELL_MASKED, CELL_MASKED, CELL_MASKED}, poisoned[3] = {1.0f, NAN, CELL_MASKED},
          spare[CAPTURE_LSE_SPARE];
    (void)state;
    LseRun run = LSE_RUN_EMPTY;
    capture_lse_add(&run, masked, 3, spare);
    assert_true(capture_lse_result(&run) == -(double)INFINITY);
    capture_lse_apply(masked, 3, capture_lse_result(&run));
    for (int i = 0; i < 3; i++)
        assert_true(masked[i] == CELL_MASKED);
    run = LSE_RUN_EMPTY;
    capture_lse_add(&run, poisoned, 3, spare);
    assert_true(isnan(capture_lse_result(&run)));
    capture_lse_apply(poisoned, 3, capture_lse_result(&run));
    assert_true(isnan(poisoned[0]) && isnan(poisoned[1]) && poisoned[2] == CELL_MASKED);
}

static void test_the_cache_keeps_to_its_budget(void **state) {
    LseBudget budget = {0};
    double value = 0.0;
    (void)state;
    LseTable *table = capture_lse_new(4, 1000, &budget);
    assert_non_null(table);
    assert_false(capture_lse_get(table, 3, 999, &value));
    capture_lse_put(table, 3, 999, 1.5);
    capture_lse_put(table, 3, 0, -(double)INFINITY);
    capture_lse_put(table, 0, 0, (double)NAN);
    assert_true(capture_lse_get(table, 3, 999, &value) && value == 1.5);
    assert_true(capture_lse_get(table, 3, 0, &value) && value == -(double)INFINITY);
    assert_true(capture_lse_get(table, 0, 0, &value) && isnan(value));
    assert_false(capture_lse_get(table, 3, 998, &value));
    size_t used = atomic_load(&budget.used);
    assert_true(used > 0);
    atomic_store(&budget.used, CAPTURE_LSE_CACHE_BYTES);
    capture_lse_put(table, 2, 500, 1.0); /* no room: forgotten, not an error */
    assert_false(capture_lse_get(table, 2, 500, &value));
    assert_int_equal(atomic_load(&budget.used), CAPTURE_LSE_CACHE_BYTES);
    capture_lse_drop(table);
}

/* ---- files that change under us -------------------------------------------------------------- */

static void test_a_file_that_shrinks(void **state) {
    char path[512];
    float cells[121];
    Error err = {0};
    char *bytes = NULL;
    size_t size = 0;
    (void)state;
    snprintf(path, sizeof(path), "%s", fixture("shrinks.npy"));
    assert_int_equal(file_read_all(fixture("v1.npy"), 1 << 20, &bytes, &size, &err), STATUS_OK);
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    mem_free(bytes);
    Capture *capture = open_path(path);
    SourceScratch *scratch = capture_scratch_new();
    file = fopen(path, "wb"); /* truncates */
    fclose(file);
    assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){0, 11, 0, 11}, cells,
                                         scratch, NULL, &err),
                     STATUS_IO);
    assert_non_null(strstr(err.message, "short"));
    capture_scratch_drop(scratch);
    capture_close(capture);
}

int test_rows_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside_of_the_capture),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_steady_reading_allocates_nothing),
        cmocka_unit_test(test_reading_while_memory_runs_out),
        cmocka_unit_test(test_threads_share_a_capture),
        cmocka_unit_test(test_a_scratch_serves_many_captures),
        cmocka_unit_test(test_softmax_against_libm),
        cmocka_unit_test(test_softmax_of_nothing_and_of_nan),
        cmocka_unit_test(test_the_cache_keeps_to_its_budget),
        cmocka_unit_test(test_a_file_that_shrinks),
    };
    return cmocka_run_group_tests_name("capture: rows", tests, NULL, NULL);
}
