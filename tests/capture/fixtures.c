/* Every pattern of every fixture against NumPy: whole, in random blocks, and cell by cell. */
#include "test_capture.h"

#include <stdlib.h>

typedef struct Line {
    char file[128], set[32], values[16], expected[64];
    int item, layer, head;
    long queries, keys;
    double tolerance;
} Line;

static uint64_t random_state = 1;

static int64_t random_below(int64_t limit) {
    random_state = hash_u64(random_state + 1);
    return (int64_t)(random_state % (uint64_t)limit);
}

static bool agrees(double got, double expected, const Line *line) {
    if (isnan(expected) || isnan(got)) return isnan(expected) && isnan(got);
    if (got == expected) return true;
    double floor = !strcmp(line->values, "scores") ? 2e-5 : 1e-12;
    return isfinite(expected) && line->tolerance > 0.0 &&
           fabs(got - expected) <= line->tolerance * fabs(expected) + floor;
}

static void check_block(const Capture *capture, const Line *line, PatternRef ref, Values values, const float *expected,
                        int64_t q0, int64_t q1, int64_t k0, int64_t k1, SourceScratch *scratch) {
    Error err = {0};
    int64_t columns = k1 - k0;
    float *cells = mem_alloc((size_t)((q1 - q0) * columns) * sizeof(float) + 1);
    assert_non_null(cells);
    if (capture_source_rows(capture, ref, values, (Block){q0, q1, k0, k1}, cells, scratch, NULL, &err) != STATUS_OK)
        fail_msg("%s: %s", line->file, err.message);
    for (int64_t q = q0; q < q1; q++) {
        for (int64_t k = k0; k < k1; k++) {
            float got = cells[(q - q0) * columns + k - k0], right = expected[q * line->keys + k];
            if (!agrees((double)got, (double)right, line))
                fail_msg("%s %s %s layer %d head %d [%lld, %lld] of block %lld:%lld,%lld:%lld: expected %.9g, got %.9g",
                         line->file, line->set, line->values, line->layer, line->head, (long long)q, (long long)k,
                         (long long)q0, (long long)q1, (long long)k0, (long long)k1, (double)right, (double)got);
        }
    }
    mem_free(cells);
}

static void check_cell(const Capture *capture, const Line *line, PatternRef ref, Values values, const float *expected,
                       SourceScratch *scratch) {
    Error err = {0};
    int64_t q = random_below(line->queries), k = random_below(line->keys);
    double right = (double)expected[q * line->keys + k];
    Probed probed = {0};
    assert_int_equal(capture_probe(capture, ref, values, q, k, &probed, scratch, &err), STATUS_OK);
    assert_int_equal(probed.masked, right == (double)CELL_MASKED);
    if (probed.masked)
        assert_true(probed.value == 0.0);
    else if (isnan(right))
        assert_true(isnan(probed.value));
    else if (fabs(probed.value - right) > 1e-6 * fabs(right) + 1e-12) /* f64, against an f32 of NumPy's f64 */
        fail_msg("%s: probe [%lld, %lld] expected %.9g, got %.9g", line->file, (long long)q, (long long)k, right,
                 probed.value);
}

static void check_line(const Capture *capture, const Line *line) {
    Error err = {0};
    char *bytes = NULL;
    size_t size = 0;
    Values values = strcmp(line->values, "scores") ? VALUES_WEIGHTS : VALUES_SCORES;
    PatternRef ref = {.set = capture_set_by_name(capture, line->set), .item = line->item};
    if (ref.set < 0) fail_msg("%s has no set %s", line->file, line->set);
    const SetInfo *set = capture_set(capture, ref.set);
    ref.layer = capture_layer_index(set, line->layer);
    if (ref.layer < 0) fail_msg("%s has no layer %d", line->file, line->layer);
    ref.head = capture_head_index(&set->layers[ref.layer], line->head);
    assert_true(ref.head >= 0);
    assert_int_equal(set->layers[ref.layer].queries, line->queries);
    assert_int_equal(set->layers[ref.layer].keys, line->keys);
    assert_int_equal(file_read_all(fixture(line->expected), (size_t)1 << 30, &bytes, &size, &err), STATUS_OK);
    assert_int_equal(size, (size_t)(line->queries * line->keys) * sizeof(float));
    const float *expected = (const float *)(const void *)bytes;
    SourceScratch *scratch = capture_scratch_new();
    for (int i = 0; i < 3; i++) { /* blocks first: each must be right by itself */
        int64_t q0 = random_below(line->queries), k0 = random_below(line->keys);
        int64_t q1 = q0 + 1 + random_below(line->queries - q0), k1 = k0 + 1 + random_below(line->keys - k0);
        check_block(capture, line, ref, values, expected, q0, q1, k0, k1, scratch);
    }
    check_block(capture, line, ref, values, expected, 0, line->queries, 0, line->keys, scratch);
    for (int i = 0; i < 8; i++)
        check_cell(capture, line, ref, values, expected, scratch);
    capture_scratch_drop(scratch);
    mem_free(bytes);
}

static void test_every_pattern(void **state) {
    char current[128] = "";
    Line line;
    Capture *capture = NULL;
    int lines = 0;
    (void)state;
    FILE *manifest = fopen(fixture("manifest.txt"), "r");
    assert_non_null(manifest);
    while (fscanf(manifest, "%127s %31s %d %d %d %15s %ld %ld %lf %63s", line.file, line.set, &line.item, &line.layer,
                  &line.head, line.values, &line.queries, &line.keys, &line.tolerance, line.expected) == 10) {
        if (strcmp(line.file, current) != 0) {
            capture_close(capture);
            capture = open_fixtures(line.file);
            snprintf(current, sizeof(current), "%s", line.file);
        }
        check_line(capture, &line);
        lines++;
    }
    fclose(manifest);
    capture_close(capture);
    assert_true(lines > 300);
}

/* ---- what was found out about them ----------------------------------------------------------- */

static void test_causal_and_padding(void **state) {
    static const struct {
        const char *file;
        bool causal;
        int64_t visible;
    } CASES[] = {{"causal.npy", true, 12}, {"cached.npy", true, 12},
                 {"padded.npy", false, 9}, {"v1.npy", false, 11},
                 {"stray.npy", true, 200}, {"one.npy", false, 1},
                 {"cross.npy", false, 37}, {"scores-causal-f2.safetensors", true, 70}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Capture *capture = open_fixture(CASES[i].file);
        const SetInfo *set = capture_set(capture, 0);
        if (set->causal != CASES[i].causal || set->layers[0].visible_keys != CASES[i].visible)
            fail_msg("%s: causal %d, visible keys %lld", CASES[i].file, set->causal,
                     (long long)set->layers[0].visible_keys);
        capture_close(capture);
    }
}

static void test_kinds(void **state) {
    static const struct {
        const char *file;
        SetKind kind;
    } CASES[] = {{"v1.npy", SET_WEIGHTS},
                 {"scores-full-f4.safetensors", SET_SCORES},
                 {"scores-nan.npy", SET_SCORES},
                 {"attribution.safetensors", SET_ATTRIBUTION},
                 {"sums.npy", SET_WEIGHTS}};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Capture *capture = open_fixture(CASES[i].file);
        const SetInfo *set = capture_set(capture, 0);
        assert_int_equal(set->kind, CASES[i].kind);
        assert_int_equal(set->signed_values, CASES[i].kind == SET_ATTRIBUTION);
        capture_close(capture);
    }
}

static void test_unusual_weights_are_noted(void **state) {
    (void)state;
    Capture *capture = open_fixture("sums.npy");
    assert_true(has_note(capture, "do not sum to 1"));
    assert_true(capture_note_is_warning(capture, 0));
    assert_true(fabs(capture_set(capture, 0)->row_sum_max - 3.0) < 1e-5);
    capture_close(capture);
    capture = open_fixture("special.npy");
    assert_true(has_note(capture, "NaN"));
    assert_int_equal(capture_set(capture, 0)->nonfinite_sampled, 2);
    capture_close(capture);
    capture = open_fixture("v1.npy");
    for (int i = 0; i < capture_note_count(capture); i++)
        assert_false(capture_note_is_warning(capture, i));
    capture_close(capture);
}

static void test_scan_counts(void **state) {
    SetScan scan;
    Error err = {0};
    (void)state;
    Capture *capture = open_fixture("causal.npy"); /* 2 layers x 2 heads x 66 cells above the diagonal */
    assert_int_equal(capture_scan_set(capture, 0, NULL, &scan, &err), STATUS_OK);
    assert_int_equal(scan.masked, 4 * 66);
    assert_int_equal(scan.nonfinite, 0);
    assert_true(fabs(scan.row_sum_min - 1.0) < 1e-6 && fabs(scan.row_sum_max - 1.0) < 1e-6);
    capture_close(capture);
    capture = open_fixture("special.npy");
    assert_int_equal(capture_scan_set(capture, 0, NULL, &scan, &err), STATUS_OK);
    assert_int_equal(scan.nonfinite, 2);
    capture_close(capture);
}

static bool stop(void *user, const char *what, double fraction) {
    (void)what;
    (void)fraction;
    return --*(int *)user > 0;
}

static void test_scan_can_be_cancelled(void **state) {
    SetScan scan;
    Error err = {0};
    int calls = 2;
    Progress progress = {stop, &calls};
    (void)state;
    Capture *capture = open_fixture("v1.npy");
    assert_int_equal(capture_scan_set(capture, 0, &progress, &scan, &err), STATUS_CANCELLED);
    capture_close(capture);
}

static void test_opening_can_be_cancelled(void **state) {
    const char *path = fixture("large.npz");
    Error err = {0};
    int calls = 2;
    CaptureOpenParams params = {.paths = &path, .path_count = 1, .progress = {stop, &calls}};
    Capture *capture = NULL;
    (void)state;
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_CANCELLED);
    assert_null(capture);
}

static void test_axes(void **state) {
    const char *path = fixture("dims3.layer7.npy");
    Error err = {0};
    Capture *capture = NULL;
    CaptureOpenParams params = {.paths = &path, .path_count = 1, .axes = "lqk"};
    (void)state;
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_OK);
    assert_int_equal(capture_set(capture, 0)->layer_count, 3);
    assert_int_equal(capture_set(capture, 0)->max_heads, 1);
    capture_close(capture);
    params.axes = "bkq";
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_OK);
    assert_int_equal(capture_set(capture, 0)->item_count, 3);
    capture_close(capture);
    static const char *const WRONG[] = {"qq", "xqk", "", "lhk", "lhqk"};
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++) {
        params.axes = WRONG[i];
        assert_int_not_equal(capture_open(&params, &capture, &err), STATUS_OK);
        assert_null(capture);
        assert_non_null(strstr(err.message, "axes"));
    }
}

static void test_refused_files(void **state) {
    static const struct {
        const char *file, *word;
    } CASES[] = {
        {"refused-object.npy", "pickled"},
        {"refused-struct.npy", "structured"},
        {"refused-int.npy", "<i8"},
        {"refused-dims.npy", "(144,)"},
        {"refused-empty.npy", "at least one query"},
        {"refused-complex.npy", "<c8"},
        {"refused-scalar.npy", "2 to 5 dimensions"},
        {"refused-six.npy", "2 to 5 dimensions"},
        {"refused-model.safetensors", "parameters of a model"},
        {"refused-no-keys.safetensors", "expected keys"},
        {"refused-gqa.safetensors", "multiple"},
        {"refused-dim.safetensors", "dimensions a head"},
        {"refused-dtype.safetensors", "U32"},
        {"refused-nothing.safetensors", "none"},
        {"refused-other.safetensors", "foo"},
        {"refused-twice.safetensors", "attention_0"},
        {"refused-dims.npz", "foo"},
        {"objects.npz", "pickled"},
        {"missing.npy", "no such file"},
        {"manifest.txt", "no format known"},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_path(fixture(CASES[i].file), CASES[i].word, &err);
    refuse_path(fixture("nothing"), "directory", &err);
}

static void test_two_files_of_one_layer_are_refused(void **state) {
    const char *paths[] = {fixture("part1.safetensors"), fixture("part1.safetensors")};
    CaptureOpenParams params = {.paths = paths, .path_count = 2};
    Capture *capture = NULL;
    Error err = {0};
    (void)state;
    assert_int_equal(capture_open(&params, &capture, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "--ref"));
}

static void test_guesses_are_noted(void **state) {
    (void)state;
    Capture *capture = open_fixture("qk.npz");
    const SetInfo *set = capture_set(capture, 0);
    assert_true(set->factored && set->scale_assumed && set->causal);
    assert_true(fabs(set->scale - 0.5) < 1e-12);
    assert_true(has_note(capture, "attn.scale") && has_note(capture, "attn.causal"));
    capture_close(capture);
    capture = open_fixture("qk-lying-lse.safetensors");
    assert_true(has_note(capture, "log-sum-exp"));
    capture_close(capture);
    capture = open_fixture("qk-lse.safetensors");
    assert_false(has_note(capture, "log-sum-exp"));
    assert_non_null(capture->data[0].layers[0].stored_lse.source);
    capture_close(capture);
}

int test_fixtures_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pattern),
        cmocka_unit_test(test_causal_and_padding),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_unusual_weights_are_noted),
        cmocka_unit_test(test_scan_counts),
        cmocka_unit_test(test_scan_can_be_cancelled),
        cmocka_unit_test(test_opening_can_be_cancelled),
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_two_files_of_one_layer_are_refused),
        cmocka_unit_test(test_guesses_are_noted),
    };
    return cmocka_run_group_tests_name("capture: fixtures from NumPy", tests, NULL, NULL);
}
