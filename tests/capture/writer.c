/* The writer; what it wrote is read back with the reader, which other tests hold against NumPy. */
#include "test_capture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/attnscope-writer-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state) {
    (void)state;
    return rmdir(folder); /* fails where a test leaves a file behind */
}

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void test_round_trip(void **state) {
    static const int64_t SHAPE[] = {1, 1, 2, 2};
    static const float WEIGHTS[] = {1.0f, 0.0f, 0.25f, 0.75f};
    SafetensorsWriter *writer = NULL;
    Error err = {0};
    float cells[4];
    (void)state;
    assert_int_equal(capture_writer_open(path_of("x.safetensors"), &writer, &err), STATUS_OK);
    assert_int_equal(capture_writer_metadata(writer, "model", "a \"model\" \xe4\xbd\xa0", &err), STATUS_OK);
    assert_int_equal(capture_writer_metadata(writer, "tokens", "[\"a\", \"b\"]", &err), STATUS_OK);
    assert_int_equal(capture_writer_declare(writer, "blocks.4.attn.hook_pattern", DTYPE_F32, 4, SHAPE, &err),
                     STATUS_OK);
    assert_int_equal(capture_writer_declare(writer, "blocks.9.attn.hook_pattern", DTYPE_F32, 4, SHAPE, &err),
                     STATUS_OK);
    assert_false(file_exists(path_of("x.safetensors"))); /* nobody sees half of it */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(capture_writer_write(writer, WEIGHTS, 5, &err), STATUS_OK);
        assert_int_equal(capture_writer_write(writer, (const char *)WEIGHTS + 5, sizeof(WEIGHTS) - 5, &err), STATUS_OK);
    }
    assert_int_equal(capture_writer_commit(writer, &err), STATUS_OK);
    Capture *capture = open_path(path_of("x.safetensors"));
    SourceScratch *scratch = capture_scratch_new();
    assert_string_equal(capture_model(capture), "a \"model\" \xe4\xbd\xa0");
    assert_int_equal(capture_layer_index(capture_set(capture, 0), 9), 1);
    assert_string_equal(capture_tokens(capture, 0, 0, AXIS_KEY)->tokens[1].raw, "b");
    assert_int_equal(capture_source_rows(capture, (PatternRef){.layer = 1}, VALUES_WEIGHTS, (Block){0, 2, 0, 2}, cells,
                                         scratch, NULL, &err),
                     STATUS_OK);
    assert_true(cells[0] == 1.0f && cells[1] == CELL_MASKED && cells[2] == 0.25f && cells[3] == 0.75f);
    capture_scratch_drop(scratch);
    capture_close(capture);
    unlink(path_of("x.safetensors"));
}

static void test_wrong_amounts_leave_nothing(void **state) {
    static const int64_t SHAPE[] = {2, 2};
    static const float DATA[5];
    SafetensorsWriter *writer = NULL;
    Error err = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(capture_writer_open(path_of("x.safetensors"), &writer, &err), STATUS_OK);
        assert_int_equal(capture_writer_declare(writer, "attn.0", DTYPE_F32, 2, SHAPE, &err), STATUS_OK);
        if (i == 0) {
            assert_int_equal(capture_writer_write(writer, DATA, sizeof(DATA), &err), STATUS_RANGE);
            capture_writer_abort(writer);
        } else if (i == 1) {
            assert_int_equal(capture_writer_write(writer, DATA, 8, &err), STATUS_OK);
            assert_int_equal(capture_writer_commit(writer, &err), STATUS_RANGE);
        } else {
            capture_writer_abort(writer);
        }
        assert_false(file_exists(path_of("x.safetensors")));
    }
}

static void test_refusals(void **state) {
    static const int64_t HUGE[] = {INT64_MAX, INT64_MAX};
    SafetensorsWriter *writer = NULL;
    Error err = {0};
    (void)state;
    assert_int_equal(capture_writer_open(path_of("none/x.safetensors"), &writer, &err), STATUS_IO);
    assert_null(writer);
    assert_int_equal(capture_writer_open(path_of("x.safetensors"), &writer, &err), STATUS_OK);
    assert_int_equal(capture_writer_declare(writer, "a", DTYPE_F32, 2, HUGE, &err), STATUS_RANGE);
    assert_int_equal(capture_writer_declare(writer, "a", DTYPE_UNICODE, 0, NULL, &err), STATUS_UNSUPPORTED);
    capture_writer_abort(writer);
    capture_writer_abort(NULL);
}

/* The disk takes no more: a limit on file sizes stands for it. */
static void test_a_full_disk(void **state) {
    static const int64_t SHAPE[] = {1 << 20};
    SafetensorsWriter *writer = NULL;
    Error err = {0};
    struct rlimit old, small;
    (void)state;
    void *data = mem_alloc_zeroed(1 << 22, 1);
    assert_int_equal(capture_writer_open(path_of("x.safetensors"), &writer, &err), STATUS_OK);
    assert_int_equal(capture_writer_declare(writer, "a", DTYPE_F32, 1, SHAPE, &err), STATUS_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 1 << 16;
    setrlimit(RLIMIT_FSIZE, &small);
    Status status = capture_writer_write(writer, data, 1 << 22, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, STATUS_IO);
    assert_non_null(strstr(err.message, "could not be written"));
    capture_writer_abort(writer);
    assert_false(file_exists(path_of("x.safetensors")));
    mem_free(data);
}

static void test_memory_runs_out(void **state) {
    static const int64_t SHAPE[] = {1};
    Error err = {0};
    uint64_t n = 1;
    (void)state;
    for (bool done = false; !done; n++) {
        SafetensorsWriter *writer = NULL;
        mem_fail_after(n, true);
        Status status = capture_writer_open(path_of("x.safetensors"), &writer, &err);
        if (status == STATUS_OK) status = capture_writer_metadata(writer, "a", "b", &err);
        if (status == STATUS_OK) status = capture_writer_declare(writer, "t", DTYPE_F32, 1, SHAPE, &err);
        if (status == STATUS_OK) status = capture_writer_write(writer, "abcd", 4, &err);
        if (status == STATUS_OK) {
            status = capture_writer_commit(writer, &err);
            done = status == STATUS_OK;
        } else {
            capture_writer_abort(writer);
        }
        mem_fail_after(0, false);
        assert_true(done || status == STATUS_MEMORY);
    }
    assert_true(n > 4);
    unlink(path_of("x.safetensors"));
}

int test_writer_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_wrong_amounts_leave_nothing),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("capture: writer", tests, make_folder, drop_folder);
}
