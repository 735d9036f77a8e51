/* Percentiles against a sorted array and numbers that numpy.percentile gave. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double sorted_percentile(float *values, size_t count, double p) {
    qsort(values, count, sizeof *values, ascending);
    double at = p / 100.0 * (double)(count - 1);
    size_t below = (size_t)at;
    double low = (double)values[below], high = (double)values[below + 1 < count ? below + 1 : below];
    return low + (high - low) * (at - (double)below);
}

enum { HEIGHT = 37, WIDTH = 53 };

/* Zeros, ties, tiny and negative numbers, sentinels in between. */
static void fill(float *rg, bool is_signed, uint64_t seed) {
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        double u = fixture_random(&seed), pick = fixture_random(&seed);
        float v = (float)(is_signed ? 4.0 * u - 2.0 : u * u * u * u);
        rg[2 * i] = pick < 0.1 ? 0.0f : (pick < 0.2 ? 0.25f : (pick < 0.3 ? v * 1e-20f : v));
        rg[2 * i + 1] = rg[2 * i] * 1.5f;
        if (pick > 0.9) {
            rg[2 * i] = 0.0f;
            rg[2 * i + 1] = pick > 0.95 ? (is_signed ? TILE_SIGNED_MASKED : TILE_MASKED)
                                        : (is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE);
        }
    }
}

static void it_is_that_of_the_sorted_values(void **state) {
    (void)state;
    static const double percents[] = {0.0, 0.01, 1.0, 33.3, 50.0, 99.0, 99.5, 99.99, 100.0};
    enum { LEVEL_K = 2, X0 = 3, KEYS = (X0 + WIDTH) * 4 - 3 }; /* the last texel is one cell wide */
    float rg[2 * HEIGHT * WIDTH], values[HEIGHT * WIDTH];
    for (int round = 0; round < 12; round++) {
        bool is_signed = round % 2 == 1;
        Channel channel = (Channel)(round / 2 % 3);
        int64_t ignored = round < 6 ? -1 : (X0 + 7) * 4 + 1;
        fill(rg, is_signed, (uint64_t)round);
        size_t count = 0;
        for (int i = 0; i < HEIGHT * WIDTH; i++) {
            int x = i % WIDTH;
            float g = rg[2 * i + 1];
            float cells = x == WIDTH - 1 ? 1.0f : 4.0f;
            float v = channel == CHANNEL_MAX ? g : (channel == CHANNEL_MASS ? rg[2 * i] * cells : rg[2 * i]);
            bool hidden = ignored >= 0 && x == 7;
            if (!hidden && !tiles_is_masked(g, is_signed) && !tiles_is_nonfinite(g, is_signed)) {
                values[count++] = is_signed ? fabsf(v) : v;
            }
        }
        for (size_t p = 0; p < BASE_COUNT(percents); p++) {
            float got = tiles_percentile(&(PooledImage){rg, HEIGHT, WIDTH, KEYS, LEVEL_K, X0, is_signed}, channel,
                                         percents[p], ignored);
            double expected = sorted_percentile(values, count, percents[p]);
            assert_true(fabs((double)got - expected) <= 1e-7 * fabs(expected));
        }
    }
}

/* numpy.percentile([0, 0.1, 0.4, 0.9], p), NumPy 2.4 */
static void numpy_agrees(void **state) {
    (void)state;
    static const struct {
        double p;
        float expected;
    } cases[] = {{0, 0.0f}, {10, 0.03f}, {50, 0.25f}, {75, 0.525f}, {99.5, 0.8925f}, {100, 0.9f}, {150, 0.9f}, {-5, 0}};
    const float rg[8] = {0.4f, 1, 0.0f, 1, 0.9f, 1, 0.1f, 1};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        float got = tiles_percentile(&(PooledImage){rg, 2, 2, 2, 0, 0, false}, CHANNEL_MEAN, cases[i].p, -1);
        assert_true(fabsf(got - cases[i].expected) <= 1e-7f);
    }
}

static void nothing_visible_is_nan(void **state) {
    (void)state;
    const float rg[4] = {0, TILE_MASKED, 0, TILE_NONFINITE};
    assert_true(isnan(tiles_percentile(&(PooledImage){rg, 1, 2, 2, 0, 0, false}, CHANNEL_MEAN, 50, -1)));
    assert_true(isnan(tiles_percentile(&(PooledImage){rg, 0, 0, 2, 0, 0, false}, CHANNEL_MEAN, 50, -1)));
    const float one[4] = {0.5f, 0.5f, 0.25f, 0.25f};
    assert_true(tiles_percentile(&(PooledImage){one, 1, 2, 2, 0, 0, false}, CHANNEL_MAX, 99.5, 0) == 0.25f);
    assert_true(isnan(tiles_percentile(&(PooledImage){one, 1, 1, 1, 0, 0, false}, CHANNEL_MAX, 99.5, 0)));
    assert_true(isnan(tiles_percentile(&(PooledImage){one, 1, 2, 2, 0, 0, false}, CHANNEL_MAX, (double)NAN, -1)));
}

/* More values that begin alike than are kept aside, just as many, and ties at the end of them. */
static void large_images_too(void **state) {
    (void)state;
    enum { SIDE = 200, COUNT = SIDE * SIDE };
    static const double percents[] = {0.0, 0.3, 40.96, 50.0, 97.5, 99.5, 99.9999, 100.0};
    float *rg = malloc(2 * COUNT * sizeof *rg), *values = malloc(COUNT * sizeof *values);
    uint64_t seed = 3;
    assert_true(rg != NULL && values != NULL);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < COUNT; i++) {
            double u = fixture_random(&seed);
            static const int alike[] = {COUNT, 16384, 16385, 300, 1, 0};
            float v = i < alike[round] ? (float)(1.0 + 0.2 * u) : (float)(u * u);
            v = round == 2 && i % 3 == 0 ? 1.125f : v;
            rg[2 * i] = rg[2 * i + 1] = values[i] = v;
        }
        for (size_t p = 0; p < BASE_COUNT(percents); p++) {
            float got = tiles_percentile(&(PooledImage){rg, SIDE, SIDE, SIDE, 0, 0, false}, CHANNEL_MEAN, percents[p],
                                         -1);
            double expected = sorted_percentile(values, COUNT, percents[p]);
            assert_true(fabs((double)got - expected) <= 1e-7 * fabs(expected));
        }
    }
    free(rg);
    free(values);
}

static void it_allocates_nothing(void **state) {
    (void)state;
    float rg[2 * HEIGHT * WIDTH];
    fill(rg, false, 5);
    uint64_t before = mem_allocation_count();
    tiles_percentile(&(PooledImage){rg, HEIGHT, WIDTH, WIDTH, 0, 0, false}, CHANNEL_MEAN, 99.5, -1);
    assert_int_equal(mem_allocation_count(), before);
}

static void the_automatic_range_of_few_values_holds_all_of_them(void **state) {
    (void)state;
    float rg[2 * 200];
    for (int i = 0; i < 200; i++)
        rg[2 * i] = rg[2 * i + 1] = (float)i / 200;
    assert_true(tiles_upper_range(&(PooledImage){rg, 1, 199, 199, 0, 0, false}, CHANNEL_MEAN, TILE_AUTO_PERCENTILE) ==
                198.0f / 200);
    assert_true(tiles_upper_range(&(PooledImage){rg, 1, 200, 200, 0, 0, false}, CHANNEL_MEAN, TILE_AUTO_PERCENTILE) <
                199.0f / 200);
    rg[3] = TILE_MASKED; /* what is masked does not count */
    assert_true(tiles_upper_range(&(PooledImage){rg, 1, 200, 200, 0, 0, false}, CHANNEL_MEAN, TILE_AUTO_PERCENTILE) ==
                199.0f / 200);
    assert_true(tiles_upper_range(&(PooledImage){rg, 1, 4, 4, 0, 0, false}, CHANNEL_MEAN, 50) ==
                2.0f / 200); /* 0, 2, 3 remain */
    rg[2] = rg[3] = TILE_MASKED;
    assert_true(
        isnan(tiles_upper_range(&(PooledImage){rg + 2, 1, 1, 1, 0, 0, false}, CHANNEL_MEAN, TILE_AUTO_PERCENTILE)));
}

int test_stats_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_that_of_the_sorted_values),
        cmocka_unit_test(numpy_agrees),
        cmocka_unit_test(nothing_visible_is_nan),
        cmocka_unit_test(large_images_too),
        cmocka_unit_test(it_allocates_nothing),
        cmocka_unit_test(the_automatic_range_of_few_values_holds_all_of_them),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
