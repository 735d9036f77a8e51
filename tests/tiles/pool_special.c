/* Pooling: sentinels, masks that differ between heads, bad requests, cancelling, memory that runs out. */
#include "test_tiles.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Pools one texel over everything, or all cells, of a 4 x 4 fixture. */
static void pool_all(const Fixture *f, const char *heads_text, int level, float *rg) {
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, heads_text);
    int side = (int)tiles_texels(f->queries, level);
    PoolRequest request = fixture_request(f, &heads, (Level){level, level}, 0, 0, side, side);
    Error err = {0};
    if (tiles_pool(&request, rg, scratch, NULL, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    tiles_pool_scratch_drop(scratch);
}

static void a_broken_cell_breaks_its_texel_only(void **state) {
    (void)state;
    static const float broken[] = {NAN, INFINITY};
    float rg[8];
    for (size_t i = 0; i < BASE_COUNT(broken); i++) {
        Fixture *f = fixture_make(FIXTURE_WEIGHTS, 1, 2, 4, 4, 1);
        *fixture_cell(f, 0, 1, 2, 3) = broken[i];
        fixture_open(f);
        pool_all(f, "1", 1, rg);
        assert_true(rg[6] == 0.0f && rg[7] == TILE_NONFINITE);
        assert_true(rg[1] > 0.0f && rg[3] > 0.0f && rg[5] > 0.0f);
        pool_all(f, "mean", 1, rg);
        assert_true(rg[6] == 0.0f && rg[7] == TILE_NONFINITE && rg[1] > 0.0f);
        pool_all(f, "w:0*1,1*0", 1, rg); /* a weight of 0 does not mend it */
        assert_true(rg[7] == TILE_NONFINITE);
        pool_all(f, "max", 1, rg);
        assert_true(rg[7] == TILE_NONFINITE && rg[5] > 0.0f);
        pool_all(f, "min", 1, rg);
        assert_true(rg[7] == TILE_NONFINITE && rg[5] > 0.0f);
        pool_all(f, "diff:0,1", 1, rg);
        assert_true(rg[6] == 0.0f && rg[7] == TILE_SIGNED_NONFINITE);
        pool_all(f, "0", 1, rg);
        assert_true(rg[7] > 0.0f);
        fixture_drop(f);
    }
}

static void nothing_visible_is_masked(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_SCORES, 1, 2, 4, 4, 1);
    for (int i = 0; i < 2 * 4 * 4; i++) {
        f->cells[i] = i == 31 ? 0.25f : CELL_MASKED;
    }
    fixture_open(f);
    float rg[32];
    pool_all(f, "0", 2, rg);
    assert_true(rg[0] == 0.0f && rg[1] == TILE_SIGNED_MASKED);
    pool_all(f, "0", 0, rg);
    assert_true(rg[30] == 0.0f && rg[31] == TILE_SIGNED_MASKED);
    pool_all(f, "1", 2, rg); /* one cell in sixteen: masked cells count in the mean */
    assert_true(rg[0] == 0.25f / 16.0f && rg[1] == 0.25f);
    fixture_drop(f);
}

static void a_causal_corner_is_masked(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_CAUSAL, 1, 2, 40, 40, 1);
    float rg[2 * 100];
    pool_all(f, "mean", 2, rg);
    assert_true(rg[2 * 9 + 1] == TILE_MASKED && rg[2 * 9] == 0.0f); /* block 0, 9 */
    assert_true(rg[2 * 99 + 1] > 0.0f && rg[1] == 1.0f &&
                fabsf(rg[0] - 0.25f) < 1e-6f); /* 4 rows that sum to 1, over 16 cells */
    fixture_drop(f);
}

/* Rows were sampled to tell that the pattern is causal; a weight above the diagonal of another row still shows. */
static void a_spike_above_the_diagonal_does_not_vanish(void **state) {
    (void)state;
    enum { SIDE = 700 };
    bool causal = false;
    for (int row = 300; row < 340 && !causal; row++) { /* until the row is one that was not sampled */
        Fixture *f = fixture_make(FIXTURE_CAUSAL, 1, 1, SIDE, SIDE, 1);
        *fixture_cell(f, 0, 0, row, SIDE - 1) = 0.75f;
        fixture_open(f);
        float rg[2 * 9];
        pool_all(f, "0", 8, rg);
        assert_true(rg[2 * 5 + 1] == 0.75f);
        causal = capture_set(f->capture, 0)->causal;
        fixture_drop(f);
    }
    assert_true(causal);
}

/* Cell by cell: head 0 masked, head 1 masked, both, none. */
static void a_masked_head_counts_as_zero(void **state) {
    (void)state;
    static const struct {
        const char *heads;
        float expected[4];
    } cases[] = {
        {"mean", {-1.0f, 1.5f, TILE_SIGNED_MASKED, 0.5f}},      {"max", {0.0f, 3.0f, TILE_SIGNED_MASKED, 3.0f}},
        {"min", {-2.0f, 0.0f, TILE_SIGNED_MASKED, -2.0f}},      {"diff:0,1", {2.0f, 3.0f, TILE_SIGNED_MASKED, 5.0f}},
        {"w:0*2,1*-1", {2.0f, 6.0f, TILE_SIGNED_MASKED, 8.0f}},
    };
    Fixture *f = fixture_make(FIXTURE_SCORES, 1, 2, 1, 4, 1);
    static const float stored[8] = {-INFINITY, 3.0f, -INFINITY, 3.0f, -2.0f, -INFINITY, -INFINITY, -2.0f};
    for (int i = 0; i < 8; i++) {
        f->cells[i] = stored[i];
    }
    fixture_open(f);
    PoolScratch *scratch = tiles_pool_scratch_new();
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        float rg[8];
        ResolvedHeads heads = fixture_heads(f, cases[i].heads);
        PoolRequest request = fixture_request(f, &heads, (Level){0, 0}, 0, 0, 1, 4);
        assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
        for (int c = 0; c < 4; c++) {
            assert_true(rg[2 * c + 1] == cases[i].expected[c]);
            assert_true(rg[2 * c] == (c == 2 ? 0.0f : cases[i].expected[c]));
        }
    }
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

static void largest_magnitude_keeps_its_sign(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_ATTRIBUTION, 1, 1, 4, 4, 1);
    static const float stored[16] = {0.5f, -0.75f, 2.0f,  -2.0f, 0.1f, 0.2f, 0.0f, 1.0f,
                                     0.0f, 0.0f,   -0.1f, -0.2f, 0.0f, 0.0f, 0.3f, -3.0f};
    for (int i = 0; i < 16; i++) {
        f->cells[i] = stored[i];
    }
    fixture_open(f);
    float rg[8];
    pool_all(f, "0", 1, rg);
    assert_true(rg[1] == -0.75f && rg[3] == 2.0f /* a tie: the positive one */ && rg[5] == 0.0f && rg[7] == -3.0f);
    assert_true(fabsf(rg[0] - 0.0125f) < 1e-8f);
    pool_all(f, "0", 2, rg);
    assert_true(rg[1] == -3.0f);
    fixture_drop(f);
}

/* Weights that are none: a value that equals a sentinel is still seen as a value. */
static void values_do_not_pass_for_sentinels(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_ATTRIBUTION, 1, 1, 2, 2, 1);
    f->cells[0] = TILE_SIGNED_MASKED;
    f->cells[1] = TILE_SIGNED_NONFINITE;
    f->cells[2] = -1.0f;
    f->cells[3] = FLT_MAX;
    fixture_open(f);
    float rg[8];
    pool_all(f, "0", 0, rg);
    assert_true(rg[1] < -0.9e38f && rg[1] > TILE_SIGNED_MASKED);
    assert_true(rg[3] < -1.9e38f && rg[3] > TILE_SIGNED_NONFINITE);
    assert_true(rg[0] == TILE_SIGNED_MASKED && rg[5] == -1.0f && rg[7] == FLT_MAX);
    fixture_drop(f);
}

static void sums_that_overflow_f32_are_still_means(void **state) {
    (void)state;
    Fixture *f = fixture_make(FIXTURE_ATTRIBUTION, 1, 2, 64, 64, 1);
    for (int i = 0; i < 2 * 64 * 64; i++) {
        f->cells[i] = i < 64 * 64 ? 3e38f : -3e38f;
    }
    fixture_open(f);
    float rg[2];
    pool_all(f, "0", 6, rg);
    assert_true(rg[0] == 3e38f && rg[1] == 3e38f);
    pool_all(f, "mean", 6, rg);
    assert_true(rg[0] == 0.0f && rg[1] == 0.0f);
    pool_all(f, "diff:0,1", 6, rg); /* 6e38 is no float */
    assert_true(rg[0] == 0.0f && rg[1] == TILE_SIGNED_NONFINITE);
    fixture_drop(f);
}

static void bad_requests_are_refused(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 4, 4, 1);
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "mean");
    const PoolRequest good = fixture_request(f, &heads, (Level){1, 1}, 0, 0, 2, 2);
    float rg[8];
    PoolRequest bad[9];
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        bad[i] = good;
    }
    bad[0].level.q = -1;
    bad[1].level.k = TILE_LEVELS;
    bad[2].y0 = -1;
    bad[3].x0 = INT64_MIN;
    bad[4].height = -2;
    bad[5].width = INT32_MAX;
    bad[5].height = INT32_MAX;
    bad[6].layer = 1;
    bad[7].set = 5;
    bad[8].values = VALUES_SCORES; /* the capture stores weights only */
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        Error err = {0};
        assert_int_not_equal(tiles_pool(&bad[i], rg, scratch, NULL, &err), STATUS_OK);
        assert_true(err.message[0] != '\0');
    }
    PoolRequest far_away = good;
    far_away.y0 = INT64_MAX;
    assert_int_equal(tiles_pool(&far_away, rg, scratch, NULL, NULL), STATUS_OK);
    assert_true(rg[1] == TILE_MASKED && rg[7] == TILE_MASKED);
    ResolvedHeads none = heads;
    none.count = 0;
    PoolRequest no_heads = good;
    no_heads.heads = &none;
    assert_int_equal(tiles_pool(&no_heads, rg, scratch, NULL, NULL), STATUS_USAGE);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

typedef struct Pauses {
    int count, cancel_at;
    CancelFlag flag;
} Pauses;

static void count_pause(void *user) {
    Pauses *pauses = user;
    pauses->count++;
    if (pauses->count == pauses->cancel_at) {
        atomic_store(&pauses->flag.set, true);
    }
}

static void it_pauses_and_stops_between_strips(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 300, 3000, 1);
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "mean");
    PoolRequest request = fixture_request(f, &heads, (Level){9, 12}, 0, 0, 1, 1);
    Pauses pauses = {0};
    request.pause = count_pause;
    request.pause_user = &pauses;
    float rg[2];
    assert_int_equal(tiles_pool(&request, rg, scratch, &pauses.flag, NULL), STATUS_OK);
    assert_true(pauses.count > 4);
    pauses = (Pauses){.cancel_at = 3};
    Error err = {0};
    assert_int_equal(tiles_pool(&request, rg, scratch, &pauses.flag, &err), STATUS_CANCELLED);
    assert_int_equal(pauses.count, 3);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

static void check_out_of_memory(FixtureKind kind) {
    Fixture *f = fixture_new(kind, 1, 2, 30, 30, 1);
    ResolvedHeads heads = fixture_heads(f, "mean");
    PoolRequest request = fixture_request(f, &heads, (Level){1, 1}, 0, 0, 15, 15);
    float rg[2 * 225];
    int failures = 0;
    Status status = STATUS_MEMORY;
    for (uint64_t n = 1; status != STATUS_OK; n++) {
        assert_true(n < 200);
        mem_fail_after(n, true);
        PoolScratch *scratch = tiles_pool_scratch_new();
        status = STATUS_MEMORY;
        if (scratch != NULL) {
            Error err = {0};
            status = tiles_pool(&request, rg, scratch, NULL, &err);
            assert_true(status == STATUS_OK || (status == STATUS_MEMORY && err.message[0] != '\0'));
        }
        mem_fail_after(0, false);
        tiles_pool_scratch_drop(scratch);
        failures += status != STATUS_OK ? 1 : 0;
    }
    assert_true(failures >= 6);
    fixture_drop(f);
}

static void memory_that_runs_out_is_reported(void **state) {
    (void)state;
    check_out_of_memory(FIXTURE_WEIGHTS);
    check_out_of_memory(FIXTURE_FACTORED_CAUSAL);
}

static void steady_pooling_allocates_nothing(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 2, 60, 60, 1);
    PoolScratch *scratch = tiles_pool_scratch_new();
    ResolvedHeads heads = fixture_heads(f, "mean");
    PoolRequest request = fixture_request(f, &heads, (Level){2, 1}, 0, 0, 15, 30);
    float rg[2 * 450];
    assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
    uint64_t before = mem_allocation_count();
    assert_int_equal(tiles_pool(&request, rg, scratch, NULL, NULL), STATUS_OK);
    assert_int_equal(mem_allocation_count(), before);
    tiles_pool_scratch_drop(scratch);
    fixture_drop(f);
}

int test_pool_special_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_cell_breaks_its_texel_only),
        cmocka_unit_test(nothing_visible_is_masked),
        cmocka_unit_test(a_causal_corner_is_masked),
        cmocka_unit_test(a_spike_above_the_diagonal_does_not_vanish),
        cmocka_unit_test(a_masked_head_counts_as_zero),
        cmocka_unit_test(largest_magnitude_keeps_its_sign),
        cmocka_unit_test(values_do_not_pass_for_sentinels),
        cmocka_unit_test(sums_that_overflow_f32_are_still_means),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(it_pauses_and_stops_between_strips),
        cmocka_unit_test(memory_that_runs_out_is_reported),
        cmocka_unit_test(steady_pooling_allocates_nothing),
    };
    return cmocka_run_group_tests_name("pool, special cases", tests, NULL, NULL);
}
