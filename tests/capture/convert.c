/* Every fixture, converted and opened again: the same sets, layers, heads, tokens and, to the last bit, numbers. */
#include "test_capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char OUT[] = ATTNSCOPE_BINARY_DIR "/capture-converted.safetensors";

static void check_tokens(const Capture *a, int set_a, const Capture *b, int set_b, int item, const char *file) {
    for (int axis = 0; axis < 2; axis++) {
        const TokenList *x = capture_tokens(a, set_a, item, (Axis)axis),
                        *y = capture_tokens(b, set_b, item, (Axis)axis);
        if ((x == NULL) != (y == NULL)) fail_msg("%s: tokens of axis %d are %s", file, axis, y ? "new" : "lost");
        for (int64_t i = 0; x && i < x->count; i++) {
            assert_string_equal(x->tokens[i].raw, y->tokens[i].raw);
            assert_string_equal(x->tokens[i].display, y->tokens[i].display);
        }
    }
}

static void check_pattern(const Capture *a, PatternRef ref_a, const Capture *b, PatternRef ref_b,
                          SourceScratch *scratch, const char *file) {
    int64_t queries, keys, more_queries, more_keys;
    Error err = {0};
    assert_int_equal(capture_pattern_size(a, ref_a, &queries, &keys, &err), STATUS_OK);
    assert_int_equal(capture_pattern_size(b, ref_b, &more_queries, &more_keys, &err), STATUS_OK);
    assert_true(queries == more_queries && keys == more_keys);
    size_t count = (size_t)(queries * keys);
    float *x = mem_alloc_zeroed(count, sizeof(float)), *y = mem_alloc_zeroed(count, sizeof(float));
    assert_true(x && y);
    assert_int_equal(
        capture_source_rows(a, ref_a, VALUES_WEIGHTS, (Block){0, queries, 0, keys}, x, scratch, NULL, &err), STATUS_OK);
    assert_int_equal(
        capture_source_rows(b, ref_b, VALUES_WEIGHTS, (Block){0, queries, 0, keys}, y, scratch, NULL, &err), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        if (x[i] != y[i] && !(isnan(x[i]) && isnan(y[i])))
            fail_msg("%s: layer %d head %d cell %zu was %.9g and became %.9g", file, ref_a.layer, ref_a.head, i,
                     (double)x[i], (double)y[i]);
    mem_free(x);
    mem_free(y);
}

static void check_set(const Capture *a, int set_a, const Capture *b, const char *file) {
    const SetInfo *x = capture_set(a, set_a);
    int set_b = capture_set_by_name(b, x->name);
    if (set_b < 0) fail_msg("%s: set %s is lost", file, x->name);
    const SetInfo *y = capture_set(b, set_b);
    SourceScratch *scratch = capture_scratch_new();
    assert_int_equal(x->layer_count, y->layer_count);
    assert_int_equal(x->factored, y->factored);
    assert_int_equal(x->kind, y->kind);
    if (x->causal != y->causal) fail_msg("%s: causal was %d", file, x->causal);
    for (int layer = 0; layer < x->layer_count; layer++) {
        const LayerInfo *p = &x->layers[layer], *q = &y->layers[layer];
        assert_true(p->number == q->number && p->head_count == q->head_count && p->kv_heads == q->kv_heads);
        assert_memory_equal(p->head_numbers, q->head_numbers, (size_t)p->head_count * sizeof(int));
        assert_int_equal(p->dtype, q->dtype);
        assert_int_equal(p->item_count, q->item_count);
        for (int item = 0; item < p->item_count; item++)
            for (int head = 0; head < p->head_count; head++)
                check_pattern(a, (PatternRef){.set = set_a, .layer = layer, .head = head, .item = item}, b,
                              (PatternRef){.set = set_b, .layer = layer, .head = head, .item = item}, scratch, file);
    }
    for (int item = 0; item < x->item_count; item++)
        check_tokens(a, set_a, b, set_b, item, file);
    capture_scratch_drop(scratch);
}

static void check_file(const char *file) {
    Error err = {0};
    Capture *a = open_fixtures(file);
    if (capture_convert(a, OUT, NULL, &err) != STATUS_OK) fail_msg("%s: %s", file, err.message);
    Capture *b = open_path(OUT);
    assert_int_equal(capture_set_count(a), capture_set_count(b));
    assert_string_equal(capture_model(a), capture_model(b));
    for (int set = 0; set < capture_set_count(a); set++)
        check_set(a, set, b, file);
    capture_close(b);
    capture_close(a);
    unlink(OUT);
}

static void test_every_fixture(void **state) {
    char line[512], last[160] = "", file[160];
    int files = 0;
    (void)state;
    FILE *manifest = fopen(fixture("manifest.txt"), "r");
    assert_non_null(manifest);
    while (fgets(line, sizeof(line), manifest)) {
        assert_int_equal(sscanf(line, "%159s", file), 1);
        if (!strcmp(file, last)) continue;
        check_file(file);
        snprintf(last, sizeof(last), "%s", file);
        files++;
    }
    fclose(manifest);
    assert_true(files > 100);
}

static bool stop(void *user, const char *what, double fraction) {
    (void)what;
    (void)fraction;
    return --*(int *)user > 0;
}

static void test_nothing_is_left_behind(void **state) {
    struct stat info;
    int calls = 2;
    Error err = {0};
    Progress progress = {stop, &calls};
    (void)state;
    Capture *capture = open_fixture("generate.pt");
    assert_int_equal(capture_convert(capture, OUT, &progress, &err), STATUS_CANCELLED);
    assert_int_not_equal(stat(OUT, &info), 0);
    assert_int_equal(capture_convert(capture, "/nowhere/x.safetensors", NULL, &err), STATUS_IO);
    capture_close(capture);
}

static void test_memory_runs_out(void **state) {
    static const char *const FILES[] = {"tokens-batch.safetensors", "qk-lse.safetensors"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        Capture *capture = open_fixture(FILES[i]);
        for (uint64_t n = 1;; n++) {
            Error err = {0};
            mem_fail_after(n, true);
            Status status = capture_convert(capture, OUT, NULL, &err);
            mem_fail_after(0, false);
            if (status == STATUS_OK) break;
            assert_int_equal(status, STATUS_MEMORY);
        }
        capture_close(capture);
        unlink(OUT);
    }
}

int test_convert_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fixture),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("capture: convert", tests, NULL, NULL);
}
