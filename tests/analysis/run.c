/* What feeds statistics: strips, statistics of one's own, cancelling, memory that runs out. */
#include "test_analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUILT_IN = 3, Q = 37, K = 37, HEADS = 2 };

static Fixture *open_noise(int64_t queries, int64_t keys) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    float *cells = fixture_noise(HEADS, queries, keys, 3);
    fixture_open(fixture, &(FixtureParams){.heads = HEADS, .queries = queries, .keys = keys, .cells = cells});
    free(cells);
    return fixture;
}

static void close_noise(Fixture *fixture) {
    fixture_drop(fixture);
    free(fixture);
}

/* ---- statistics of this file ----------------------------------------------------------------- */

typedef struct Seen {
    int64_t next, strips, keys;
    double sum;
    bool in_order;
    CancelFlag *stop;
    int64_t stop_after;
} Seen;

static CancelFlag *stop_flag; /* for begin(), which gets the pattern only */

static void seen_begin(void *state, const StatisticPattern *pattern) {
    *(Seen *)state = (Seen){
        .in_order = pattern->queries > 0, .keys = pattern->keys, .stop = stop_flag, .stop_after = 2};
}

static void seen_take(void *state, const StatisticRows *rows) {
    Seen *seen = state;
    seen->in_order &= rows->first == seen->next && rows->count > 0 && rows->keys == seen->keys && !rows->other;
    seen->next = rows->first + rows->count;
    seen->strips++;
    for (int64_t i = 0; i < rows->count * rows->keys; i++)
        seen->sum += (double)rows->cells[i];
    if (seen->stop && seen->strips == seen->stop_after) atomic_store(&seen->stop->set, true);
}

/* Rows that were seen, or -1 if they came in another order. */
static double seen_finish(const void *state) {
    const Seen *seen = state;
    return seen->in_order && fabs(seen->sum - (double)seen->next) < 1e-3 ? (double)seen->next : -1;
}

static double seen_strips(const void *state) {
    return (double)((const Seen *)state)->strips;
}

static const Statistic SEEN = {"seen",     "rows",    "rows", STATISTIC_ROWS, sizeof(Seen),
                               seen_begin, seen_take, NULL,   seen_finish};
static const Statistic STRIPS = {"strips",   "",        "strips", STATISTIC_ROWS, sizeof(Seen),
                                 seen_begin, seen_take, NULL,     seen_strips};

static void apart_take(void *state, const StatisticRows *rows) {
    double *most = state;
    for (int64_t i = 0; i < rows->count * rows->keys; i++)
        *most = fmax(*most, (double)fabsf(rows->cells[i] - rows->other[i]));
}

static double number_finish(const void *state) {
    return *(const double *)state;
}

static const Statistic APART = {"apart",    "",   "largest difference", STATISTIC_TWO_HEADS, sizeof(double), NULL,
                                apart_take, NULL, number_finish};

static void tile_take(void *state, const StatisticTile *tile) {
    double *mean = state;
    for (int i = 0; i < tile->height * tile->width; i++)
        *mean += (double)tile->rg[2 * i] / (tile->height * tile->width);
}

static const Statistic TILE_MEAN = {
    "mean", "", "mean of the base tile", STATISTIC_BASE_TILE, sizeof(double), NULL, NULL, tile_take, number_finish};

/* ---- tests ----------------------------------------------------------------------------------- */

static void strips_make_no_difference(void **state) {
    (void)state;
    Fixture *fixture = open_noise(Q, K);
    AnalysisParams params = {.capture = fixture->capture, .ref = {.head = 1}};
    double whole[BUILT_IN], found[BUILT_IN];
    assert_int_equal(analysis_run(&params, whole, NULL), STATUS_OK);
    for (int64_t rows = 1; rows <= Q + 1; rows += 5) {
        params.strip_cells = rows * K;
        assert_int_equal(analysis_run(&params, found, NULL), STATUS_OK);
        assert_memory_equal(found, whole, sizeof whole);
    }
    params.strip_cells = 1; /* a row is read in any case */
    assert_int_equal(analysis_run(&params, found, NULL), STATUS_OK);
    assert_memory_equal(found, whole, sizeof whole);
    close_noise(fixture);
}

static void heads_are_told_apart(void **state) {
    (void)state;
    Fixture *fixture = open_noise(Q, K);
    AnalysisParams params = {.capture = fixture->capture, .scratch = capture_scratch_new()};
    double one[BUILT_IN], two[BUILT_IN];
    assert_int_equal(analysis_run(&params, one, NULL), STATUS_OK);
    params.ref.head = 1;
    assert_int_equal(analysis_run(&params, two, NULL), STATUS_OK);
    for (int i = 0; i < BUILT_IN; i++)
        assert_true(one[i] != two[i]);
    capture_scratch_drop(params.scratch);
    close_noise(fixture);
}

static void a_statistic_of_ones_own(void **state) {
    (void)state;
    Fixture *fixture = open_noise(Q, K);
    const Statistic *const statistics[] = {&SEEN, ANALYSIS_STATISTICS[0], &STRIPS, NULL};
    AnalysisParams params = {.capture = fixture->capture, .statistics = statistics, .strip_cells = 10 * K};
    double found[3], built_in[BUILT_IN];
    stop_flag = NULL;
    assert_int_equal(analysis_run(&params, found, NULL), STATUS_OK);
    assert_true(found[0] == Q && found[2] == 4);
    params.statistics = NULL;
    assert_int_equal(analysis_run(&params, built_in, NULL), STATUS_OK);
    assert_true(found[1] == built_in[0]);
    close_noise(fixture);
}

static void two_heads(void **state) {
    (void)state;
    Fixture *fixture = open_noise(Q, K);
    const Statistic *const statistics[] = {&APART, NULL};
    PatternRef other = {.head = 1};
    AnalysisParams params = {.capture = fixture->capture, .statistics = statistics, .strip_cells = 10 * K};
    double found;
    assert_int_equal(analysis_run(&params, &found, NULL), STATUS_OK);
    assert_true(isnan(found)); /* there is one only */
    params.other = &other;
    assert_int_equal(analysis_run(&params, &found, NULL), STATUS_OK);
    assert_true(found > 0.01);
    other.head = 0;
    assert_int_equal(analysis_run(&params, &found, NULL), STATUS_OK);
    assert_true(found == 0);
    other.head = HEADS;
    assert_int_equal(analysis_run(&params, &found, NULL), STATUS_RANGE);
    close_noise(fixture);
}

static void the_base_tile(void **state) {
    (void)state;
    Fixture *fixture = open_noise(3, 600);
    const Statistic *const statistics[] = {&TILE_MEAN, NULL};
    const AnalysisParams params = {.capture = fixture->capture, .statistics = statistics};
    double found;
    assert_int_equal(analysis_run(&params, &found, NULL), STATUS_OK);
    assert_true(fabs(found - 1.0 / 600) < 1e-6);
    close_noise(fixture);
}

static void what_is_not_there_is_refused(void **state) {
    (void)state;
    Fixture *fixture = open_noise(Q, K);
    AnalysisParams params = {.capture = fixture->capture, .ref = {.head = HEADS}};
    double found[BUILT_IN];
    Error err = {0};
    assert_int_equal(analysis_run(&params, found, &err), STATUS_RANGE);
    assert_true(err.message[0] != '\0');
    close_noise(fixture);
}

static void cancelling(void **state) {
    (void)state;
    Fixture *fixture = open_noise(300, 300); /* one strip, three slices */
    const Statistic *const statistics[] = {&STRIPS, NULL};
    CancelFlag flag = {true};
    AnalysisParams params = {.capture = fixture->capture, .statistics = statistics, .cancel = &flag};
    double found = 5;
    Error err = {0};
    stop_flag = NULL;
    assert_int_equal(analysis_run(&params, &found, &err), STATUS_CANCELLED);
    assert_true(found == 5);
    for (int step = 0; step < 2; step++) {
        atomic_store(&flag.set, false);
        stop_flag = NULL;
        assert_int_equal(analysis_run(&params, &found, &err), STATUS_OK);
        assert_true(found == (step == 0 ? 3 : 150));
        stop_flag = &flag; /* in the middle: between slices, between strips */
        assert_int_equal(analysis_run(&params, &found, &err), STATUS_CANCELLED);
        params.strip_cells = 600;
    }
    stop_flag = NULL;
    close_noise(fixture);
}

static void check_out_of_memory(const Fixture *fixture) {
    const Statistic *const statistics[] = {ANALYSIS_STATISTICS[0], &APART, &TILE_MEAN, NULL};
    const PatternRef other = {.head = 1};
    const AnalysisParams params = {.capture = fixture->capture, .statistics = statistics, .other = &other};
    Status status = STATUS_MEMORY;
    int failures = 0;
    for (uint64_t n = 1; status != STATUS_OK; n++) {
        double found[3];
        Error err = {0};
        assert_true(n < 200);
        mem_fail_after(n, true);
        status = analysis_run(&params, found, &err);
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || (status == STATUS_MEMORY && err.message[0] != '\0'));
        failures += status != STATUS_OK;
    }
    assert_true(failures >= 4);
}

static void memory_that_runs_out_is_reported(void **state) {
    (void)state;
    Fixture *dense = open_noise(Q, K), factored = {0};
    check_out_of_memory(dense);
    close_noise(dense);
    fixture_open(&factored, &(FixtureParams){.heads = HEADS, .queries = 40, .keys = 40});
    check_out_of_memory(&factored);
    fixture_drop(&factored);
}

int test_run_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_make_no_difference),
        cmocka_unit_test(heads_are_told_apart),
        cmocka_unit_test(a_statistic_of_ones_own),
        cmocka_unit_test(two_heads),
        cmocka_unit_test(the_base_tile),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(memory_that_runs_out_is_reported),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
