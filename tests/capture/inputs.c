/* Captures in several files; their numbers are checked against NumPy in fixtures.c. */
#include "test_capture.h"

static void test_bad_indexes(void **state) {
    static const struct {
        const char *name, *word;
    } CASES[] = {
        {"up", "'../shards"},
        {"root", "'/etc/passwd'"},
        {"inner", "'x/../../s"},
        {"gone", "no such file"},
        {"empty", "files beside"},
        {"number", "no text"},
        {"zip", "expected a safetensors file"},
        {"drive", "'c:s.safetensors'"},
        {"missing", "'blocks.1.attn.hook_pattern' in 's.safetensors'"},
        {"no-map", "found none"},
        {"list", "found none"},
        {"not-json", "not valid JSON"},
        {"twice", "duplicate"},
        {"deep", "not valid JSON"},
    };
    char path[128];
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        snprintf(path, sizeof(path), "indexes/%s.safetensors.index.json", CASES[i].name);
        refuse_path(fixture(path), CASES[i].word, &err);
    }
}

static void test_bad_folders(void **state) {
    Error err;
    (void)state;
    refuse_path(fixture("nothing"), "found none", &err);
    refuse_path(fixture("twice"), "--ref", &err);
    assert_non_null(strstr(err.message, "one-layer0.npy"));
    assert_non_null(strstr(err.message, "two-layer0.npy"));
    refuse_path(fixture("damaged"), "bytes of data", &err);
    assert_non_null(strstr(err.file, "layer1.npy"));
    refuse_path(fixture("vllm-alone/x.npz"), "qk.json with head_dim", &err);
    refuse_path(fixture("vllm-wrong/x.npz"), "3 key heads of 8", &err);
    refuse_path(fixture("layers/*.xyz"), "no file matches", &err);
    refuse_path(fixture("layers/[.npy"), "no file matches", &err);
}

static void test_what_is_left_out_is_said(void **state) {
    (void)state;
    Capture *capture = open_fixture("mixed");
    assert_true(has_note(capture, "other.npz"));
    assert_non_null(capture_tokens(capture, 0, 0, AXIS_QUERY));
    assert_string_equal(capture_name(capture), "mixed");
    capture_close(capture);
}

static void test_tokens_beside_several_files(void **state) {
    static const char *const FILES[] = {"layers", "layers/layer[02].npy", "shards", "shards/m.safetensors.index.json"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        Capture *capture = open_fixture(FILES[i]);
        if (!capture_tokens(capture, 0, 0, AXIS_KEY)) fail_msg("%s has no tokens", FILES[i]);
        capture_close(capture);
    }
    Capture *capture = open_fixture("shards");
    assert_string_equal(capture_model(capture), "sharded");
    capture_close(capture);
}

static void test_a_slash_at_the_end(void **state) {
    (void)state;
    Capture *capture = open_fixture("layers//");
    assert_string_equal(capture_name(capture), "layers");
    assert_int_equal(capture_set(capture, 0)->layer_count, 3);
    capture_close(capture);
}

/* A format that the program does not know: four f32 after a word. */
static bool looks_like_guest(const FormatHead *head) {
    return head->size >= 8 && !memcmp(head->bytes, "GUEST...", 8);
}

static Status open_guest(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    Tensor *tensor = container_add(container);
    if (!tensor) return error_set(err, STATUS_MEMORY, "not enough memory for a guest");
    *tensor = (Tensor){.name = "attn.3", .dtype = DTYPE_F32, .item_size = 4, .ndim = 2, .shape = {2, 2}, .member = -1};
    tensor->source = container->source;
    tensor->offset = 8;
    return tensor_strides(tensor, false) ? STATUS_OK : STATUS_FORMAT;
}

static void test_a_format_from_outside(void **state) {
    static const Format GUEST = {
        .name = "guest", .endings = {".guest"}, .looks_like = looks_like_guest, .open = open_guest};
    const Format *const formats[] = {&GUEST, NULL};
    Bytes file = {0};
    Error err = {0};
    Capture *capture = NULL;
    (void)state;
    bytes_text(&file, "GUEST...");
    for (int i = 0; i < 4; i++)
        bytes_le(&file, f32_bits(0.5f), 4);
    CaptureOpenParams params = {.memory = file.data, .memory_size = file.size, .memory_name = "a.guest"};
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_UNSUPPORTED);
    params.formats = formats;
    if (capture_open(&params, &capture, &err) != STATUS_OK) fail_msg("%s", err.message);
    assert_int_equal(capture_set(capture, 0)->layers[0].number, 3);
    look_around(capture);
    capture_close(capture);
    bytes_free(&file);
}

static void test_memory_runs_out(void **state) {
    static const char *const FILES[] = {"mixed", "shards", "hooks", "archives"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        open_without_memory(fixture(FILES[i]));
    }
}

int test_inputs_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_indexes),
        cmocka_unit_test(test_bad_folders),
        cmocka_unit_test(test_what_is_left_out_is_said),
        cmocka_unit_test(test_tokens_beside_several_files),
        cmocka_unit_test(test_a_slash_at_the_end),
        cmocka_unit_test(test_a_format_from_outside),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("capture: several files", tests, NULL, NULL);
}
