/* The built-in statistics of patterns whose numbers are known. */
#include "test_analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENTROPY, DISTANCE, PREVIOUS, BUILT_IN };
#define CLOSE 1e-6

static void run(const FixtureParams *params, double *out) {
    Fixture fixture = {0};
    Error err = {0};
    fixture_open(&fixture, params);
    const AnalysisParams analysis = {.capture = fixture.capture};
    if (analysis_run(&analysis, out, &err) != STATUS_OK) fail_msg("%s", err.message);
    fixture_drop(&fixture);
}

static void run_cells(int64_t queries, int64_t keys, const float *cells, double *out) {
    run(&(FixtureParams){.heads = 1, .queries = queries, .keys = keys, .cells = cells}, out);
}

static void expect(const double *found, double entropy, double distance, double previous) {
    const double expected[BUILT_IN] = {entropy, distance, previous};
    for (int i = 0; i < BUILT_IN; i++) {
        if (isnan(expected[i]) ? !isnan(found[i]) : !(fabs(found[i] - expected[i]) <= CLOSE))
            fail_msg("%s is %.9g, not %.9g", ANALYSIS_STATISTICS[i]->name, found[i], expected[i]);
    }
}

static void all_are_named(void **state) {
    (void)state;
    assert_int_equal(analysis_statistic_count(NULL), BUILT_IN);
    assert_int_equal(analysis_statistic_count(ANALYSIS_STATISTICS + 1), BUILT_IN - 1);
    assert_string_equal(ANALYSIS_STATISTICS[ENTROPY]->name, "entropy");
    assert_string_equal(ANALYSIS_STATISTICS[DISTANCE]->name, "distance");
    assert_string_equal(ANALYSIS_STATISTICS[PREVIOUS]->name, "previous");
    for (int i = 0; i < BUILT_IN; i++)
        assert_true(ANALYSIS_STATISTICS[i]->unit && ANALYSIS_STATISTICS[i]->help[0]);
}

static void a_uniform_pattern(void **state) {
    (void)state;
    enum { N = 8 };
    float cells[N * N];
    double found[BUILT_IN], distance = 0;
    for (int i = 0; i < N * N; i++) {
        cells[i] = 1.0f / N;
        distance += fabs((double)(i / N - i % N)) / N / N;
    }
    run_cells(N, N, cells, found);
    expect(found, log(N), distance, 1.0 / N);
}

static void an_identity(void **state) {
    (void)state;
    const float cells[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    double found[BUILT_IN];
    run_cells(3, 3, cells, found);
    expect(found, 0, 0, 0);
}

static void a_previous_token_head(void **state) {
    (void)state;
    const float cells[16] = {1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    double found[BUILT_IN];
    run_cells(4, 4, cells, found);
    expect(found, 0, 0.75, 1);
}

/* Scores, so that what is masked is: minus infinity. */
static void masked_cells_contribute_nothing(void **state) {
    (void)state;
    const float none = -INFINITY;
    const float cells[9] = {0, none, none, 0, 0, none, 0, 0, 0};
    double found[BUILT_IN];
    run(
        &(FixtureParams){
            .tensor = "blocks.0.attn.hook_attn_scores", .heads = 1, .queries = 3, .keys = 3, .cells = cells},
        found);
    expect(found, (log(2) + log(3)) / 3, (0.5 + (2.0 + 1.0) / 3) / 3, (0.5 + 1.0 / 3) / 2);
}

/* The second row sees nothing at all. */
static void rows_that_are_all_masked_are_left_out(void **state) {
    (void)state;
    const float none = -INFINITY;
    const float cells[9] = {0, none, none, none, none, none, 0, 0, none};
    double found[BUILT_IN];
    run(
        &(FixtureParams){
            .tensor = "blocks.0.attn.hook_attn_scores", .heads = 1, .queries = 3, .keys = 3, .cells = cells},
        found);
    expect(found, log(2) / 2, 1.5 / 2, 0.5);
}

static void rows_with_nan_are_left_out(void **state) {
    (void)state;
    const float cells[9] = {1, 0, 0, 0.25f, NAN, 0.75f, 0.5f, 0.5f, 0};
    double found[BUILT_IN];
    run_cells(3, 3, cells, found);
    expect(found, log(2) / 2, 1.5 / 2, 0.5);
}

static void nothing_but_nan_is_undefined(void **state) {
    (void)state;
    const float cells[4] = {NAN, NAN, NAN, NAN};
    double found[BUILT_IN];
    run_cells(2, 2, cells, found);
    expect(found, NAN, NAN, NAN);
}

static void rows_are_taken_as_they_are(void **state) {
    (void)state;
    const float cells[4] = {0.5f, 0, 0.25f, 0.25f};
    double found[BUILT_IN];
    run_cells(2, 2, cells, found);
    expect(found, (0.5 * log(2) + 2 * 0.25 * log(4)) / 2, 0.25, 0.25);
}

static void one_token(void **state) {
    (void)state;
    const float cells[1] = {1};
    double found[BUILT_IN];
    run_cells(1, 1, cells, found);
    expect(found, 0, 0, NAN);
}

static void cross_attention_has_no_distances(void **state) {
    (void)state;
    const float cells[6] = {0.5f, 0.5f, 0, 1, 0, 0};
    double found[BUILT_IN];
    run(
        &(FixtureParams){
            .tensor = "decoder.0.cross_attn.hook_pattern", .heads = 1, .queries = 2, .keys = 3, .cells = cells},
        found);
    expect(found, log(2) / 2, NAN, NAN);
    run(
        &(FixtureParams){
            .tensor = "decoder.0.cross_attn.hook_pattern", .heads = 1, .queries = 2, .keys = 2, .cells = cells},
        found);
    assert_true(isnan(found[DISTANCE]) && isnan(found[PREVIOUS]));
}

/* As in BertViz' sub-blocks: as many queries as keys, of two sentences. */
static void two_texts_have_no_distances(void **state) {
    (void)state;
    const float cells[4] = {1, 0, 0.5f, 0.5f};
    double found[BUILT_IN];
    FixtureParams params = {.heads = 1, .queries = 2, .keys = 2, .cells = cells};
    params.metadata = ",\"q_tokens\":\"[\\\"a\\\",\\\"b\\\"]\",\"k_tokens\":\"[\\\"a\\\",\\\"c\\\"]\"";
    run(&params, found);
    expect(found, log(2) / 2, NAN, NAN);
    params.metadata = ",\"q_tokens\":\"[\\\"a\\\",\\\"b\\\"]\",\"k_tokens\":\"[\\\"a\\\",\\\"b\\\"]\"";
    run(&params, found);
    expect(found, log(2) / 2, 0.5 / 2, 0.5);
}

/* Two queries after two keys that were kept: they stand at positions 2 and 3. */
static void keys_of_a_cache_come_before(void **state) {
    (void)state;
    double found[BUILT_IN], entropy = 0, far = 0, previous = 0;
    Fixture fixture = {0};
    Error err = {0};
    enum { Q = 2, K = 4 };
    float cells[Q * K];
    fixture_open(&fixture, &(FixtureParams){.heads = 1, .queries = Q, .keys = K});
    const PatternRef ref = {0};
    SourceScratch *scratch = capture_scratch_new();
    assert_int_equal(
        capture_source_rows(fixture.capture, ref, VALUES_WEIGHTS, (Block){0, Q, 0, K}, cells, scratch, NULL, &err),
        STATUS_OK);
    capture_scratch_drop(scratch);
    for (int i = 0; i < Q * K; i++) {
        const double w = cells[i] == CELL_MASKED ? 0 : (double)cells[i];
        const int own = i / K + K - Q;
        entropy -= w > 0 ? w * log(w) / Q : 0;
        far += w * abs(own - i % K) / Q;
        previous += i % K == own - 1 ? w / Q : 0;
    }
    const AnalysisParams params = {.capture = fixture.capture};
    assert_int_equal(analysis_run(&params, found, &err), STATUS_OK);
    expect(found, entropy, far, previous);
    fixture_drop(&fixture);
}

static void signed_numbers_are_no_probabilities(void **state) {
    (void)state;
    const float cells[4] = {1, -0.25f, -0.5f, 0.5f};
    double found[BUILT_IN];
    run(
        &(FixtureParams){
            .metadata = ",\"attn.kind\":\"attribution\"", .heads = 1, .queries = 2, .keys = 2, .cells = cells},
        found);
    expect(found, NAN, NAN, -0.5);
}

int test_statistics_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_named),
        cmocka_unit_test(a_uniform_pattern),
        cmocka_unit_test(an_identity),
        cmocka_unit_test(a_previous_token_head),
        cmocka_unit_test(masked_cells_contribute_nothing),
        cmocka_unit_test(rows_that_are_all_masked_are_left_out),
        cmocka_unit_test(rows_with_nan_are_left_out),
        cmocka_unit_test(nothing_but_nan_is_undefined),
        cmocka_unit_test(rows_are_taken_as_they_are),
        cmocka_unit_test(one_token),
        cmocka_unit_test(cross_attention_has_no_distances),
        cmocka_unit_test(two_texts_have_no_distances),
        cmocka_unit_test(keys_of_a_cache_come_before),
        cmocka_unit_test(signed_numbers_are_no_probabilities),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
