/* Real captures, where they are at hand: how each is read, and the reference values of one. */
#include "test_capture.h"

#include <jansson.h>

static const char *real(const char *name) {
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", ATTNSCOPE_CAPTURES_DIR, name);
    return path;
}

static void need(const char *name) {
    if (file_exists(real(name))) return;
    print_message("SKIPPED: %s is not there\n", real(name));
    skip();
}

static void test_how_they_are_read(void **state) {
    static const struct {
        const char *file, *set;
        bool factored, causal, tokens;
        int layers, first, heads;
        int64_t queries, keys;
        DType dtype;
    } CASES[] = {
        {"minilm-alice512.qk.safetensors", "encoder", true, false, true, 6, 0, 12, 512, 512, DTYPE_F32},
        {"minilm-alice512.layer3.npy", "encoder", false, false, true, 1, 3, 12, 512, 512, DTYPE_F16},
        {"stories15M.npz", "decoder", false, true, true, 6, 0, 6, 188, 188, DTYPE_F32},
        {"stories15M.stored.npz", "decoder", false, true, true, 6, 0, 6, 188, 188, DTYPE_F16},
        {"stories15M.qk.safetensors", "decoder", true, true, true, 6, 0, 6, 188, 188, DTYPE_F32},
        {"stories15M.attentions.pt", "decoder", false, true, false, 6, 0, 6, 188, 188, DTYPE_F16},
        {"whisper-tiny-cross.npy", "cross", false, false, true, 4, 0, 6, 29, 1500, DTYPE_F32},
        {"t2t-broken.npy", "encoder", false, false, false, 6, 0, 8, 40, 40, DTYPE_F32},
    };
    (void)state;
    need(CASES[0].file);
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Capture *capture = open_path(real(CASES[i].file));
        assert_int_equal(capture_set_count(capture), 1);
        const SetInfo *set = capture_set(capture, 0);
        const LayerInfo *layer = &set->layers[0];
        assert_string_equal(set->name, CASES[i].set);
        assert_int_equal(set->factored, CASES[i].factored);
        assert_int_equal(set->causal, CASES[i].causal);
        assert_int_equal(set->layer_count, CASES[i].layers);
        assert_int_equal(layer->number, CASES[i].first);
        assert_int_equal(layer->head_count, CASES[i].heads);
        assert_int_equal(layer->queries, CASES[i].queries);
        assert_int_equal(layer->keys, CASES[i].keys);
        assert_int_equal(layer->dtype, CASES[i].dtype);
        assert_int_equal(capture_tokens(capture, 0, 0, AXIS_QUERY) != NULL, CASES[i].tokens);
        capture_close(capture);
    }
}

static void test_a_broken_capture_opens_with_warnings(void **state) {
    (void)state;
    need("t2t-broken.npy");
    Capture *capture = open_path(real("t2t-broken.npy"));
    assert_true(has_note(capture, "do not sum to 1") && has_note(capture, "NaN"));
    assert_true(capture_note_is_warning(capture, 0) && capture_note_is_warning(capture, 1));
    assert_int_equal(capture_set(capture, 0)->kind, SET_WEIGHTS);
    capture_close(capture);
}

static void test_reference_values(void **state) {
    json_error_t json_error;
    size_t i;
    json_t *probe;
    Error err = {0};
    (void)state;
    need("minilm-alice512.qk.safetensors");
    json_t *root = json_load_file(real("minilm-alice512.reference.json"), 0, &json_error);
    assert_non_null(root);
    Capture *capture = open_path(real("minilm-alice512.qk.safetensors"));
    SourceScratch *scratch = capture_scratch_new();
    json_array_foreach(json_object_get(root, "probes"), i, probe) {
        int64_t number[4];
        for (size_t j = 0; j < 4; j++)
            number[j] = json_integer_value(json_array_get(probe, j));
        double right = json_number_value(json_array_get(probe, 4));
        float cell = 0.0f;
        Probed probed = {.masked = true};
        PatternRef ref = {.layer = (int)number[0], .head = (int)number[1]};
        assert_int_equal(capture_probe(capture, ref, VALUES_WEIGHTS, number[2], number[3], &probed, scratch, &err),
                         STATUS_OK);
        assert_false(probed.masked);
        assert_true(fabs(probed.value - right) <= 1e-9 * right);
        assert_int_equal(capture_source_rows(capture, ref, VALUES_WEIGHTS,
                                             (Block){number[2], number[2] + 1, number[3], number[3] + 1}, &cell,
                                             scratch, NULL, &err),
                         STATUS_OK);
        assert_true(fabs((double)cell - right) <= 1e-5 * right);
    }
    assert_true(i > 400);
    capture_scratch_drop(scratch);
    capture_close(capture);
    json_decref(root);
}

/* The same run, stored as weights and as Q and K. */
static void test_weights_and_factors_agree(void **state) {
    static float dense[188 * 188], factored[188 * 188];
    Error err = {0};
    (void)state;
    need("stories15M.npz");
    Capture *a = open_path(real("stories15M.npz")), *b = open_path(real("stories15M.qk.safetensors"));
    SourceScratch *scratch = capture_scratch_new();
    for (int layer = 0; layer < 6; layer++) {
        for (int head = 0; head < 6; head++) {
            PatternRef ref = {.layer = layer, .head = head};
            assert_int_equal(
                capture_source_rows(a, ref, VALUES_WEIGHTS, (Block){0, 188, 0, 188}, dense, scratch, NULL, &err),
                STATUS_OK);
            assert_int_equal(
                capture_source_rows(b, ref, VALUES_WEIGHTS, (Block){0, 188, 0, 188}, factored, scratch, NULL, &err),
                STATUS_OK);
            for (int i = 0; i < 188 * 188; i++)
                if (dense[i] != factored[i] && !(fabsf(dense[i] - factored[i]) < 2e-5f))
                    fail_msg("layer %d head %d cell %d: %.9g and %.9g", layer, head, i, (double)dense[i],
                             (double)factored[i]);
        }
    }
    capture_scratch_drop(scratch);
    capture_close(a);
    capture_close(b);
}

/* Sets as the file names them, each with tokens of its own. */
static void test_bertviz(void **state) {
    static const struct {
        const char *file, *set, *query, *key; /* the last token of each axis */
        int layers, heads;
        int64_t queries, keys;
        bool causal;
    } CASES[] = {
        {"bertviz-bert.json", "all", "[SEP]", "[SEP]", 12, 12, 11, 11, false},
        {"bertviz-bert.json", "aa", "[SEP]", "[SEP]", 12, 12, 6, 6, false},
        {"bertviz-bert.json", "bb", "[SEP]", "[SEP]", 12, 12, 5, 5, false},
        {"bertviz-bert.json", "ab", "[SEP]", "[SEP]", 12, 12, 6, 5, false},
        {"bertviz-bert.json", "ba", "[SEP]", "[SEP]", 12, 12, 5, 6, false},
        {"bertviz-gpt2.json", "decoder", ".", ".", 12, 12, 10, 10, true},
        {"bertviz-opus-mt-en-de.json", "encoder", "</s>", "</s>", 6, 8, 7, 7, false},
        {"bertviz-opus-mt-en-de.json", "decoder", ".", ".", 6, 8, 13, 13, true},
        {"bertviz-opus-mt-en-de.json", "cross", ".", "</s>", 6, 8, 13, 7, false},
    };
    (void)state;
    need("bertviz-bert.json");
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Capture *capture = open_path(real(CASES[i].file));
        int index = capture_set_by_name(capture, CASES[i].set);
        assert_true(index >= 0);
        const SetInfo *set = capture_set(capture, index);
        const TokenList *queries = capture_tokens(capture, index, 0, AXIS_QUERY),
                        *keys = capture_tokens(capture, index, 0, AXIS_KEY);
        assert_int_equal(set->layer_count, CASES[i].layers);
        assert_int_equal(set->max_heads, CASES[i].heads);
        assert_int_equal(set->max_queries, CASES[i].queries);
        assert_int_equal(set->max_keys, CASES[i].keys);
        assert_int_equal(set->causal, CASES[i].causal);
        assert_true(queries && keys && queries->count == CASES[i].queries && keys->count == CASES[i].keys);
        assert_string_equal(queries->tokens[queries->count - 1].raw, CASES[i].query);
        assert_string_equal(keys->tokens[keys->count - 1].raw, CASES[i].key);
        bool block = CASES[i].set[1] != '\0' && CASES[i].set[2] == '\0';
        if (!block) assert_true(fabs(set->row_sum_min - 1.0) < 1e-5 && fabs(set->row_sum_max - 1.0) < 1e-5);
        if (block) assert_true(set->row_sum_min < 0.5 && set->kind == SET_WEIGHTS);
        for (int note = 0; note < capture_note_count(capture); note++)
            assert_false(capture_note_is_warning(capture, note));
        capture_close(capture);
    }
    Capture *capture = open_path(real("bertviz-bert.json"));
    assert_string_equal(capture_set(capture, 0)->name, "all");
    capture_close(capture);
}

int test_captures_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_they_are_read), cmocka_unit_test(test_a_broken_capture_opens_with_warnings),
        cmocka_unit_test(test_reference_values),  cmocka_unit_test(test_weights_and_factors_agree),
        cmocka_unit_test(test_bertviz),
    };
    return cmocka_run_group_tests_name("capture: real captures", tests, NULL, NULL);
}
