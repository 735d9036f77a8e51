/* Colormaps: matplotlib's end points, monotone lightness, the symmetry of the diverging map, the steps between
 * entries. */
#include "test_draw.h"

#include <math.h>
#include <stdlib.h>

static double linear_of(uint8_t v) {
    double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}

/* Oklab (B. Ottosson, 2020). */
static void oklab_of(const uint8_t rgb[3], double lab[3]) {
    double r = linear_of(rgb[0]), g = linear_of(rgb[1]), b = linear_of(rgb[2]);
    double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    lab[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
    lab[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    lab[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

static void test_names(void **state) {
    (void)state;
    static const char *const names[] = {"viridis", "magma", "inferno", "plasma",
                                        "cividis", "turbo", "grey",    "diverging"};
    assert_int_equal(BASE_COUNT(names), CMAP_COUNT);
    for (int i = 0; i < CMAP_COUNT; i++) {
        ColormapId id;
        assert_string_equal(draw_colormap_name((ColormapId)i), names[i]);
        assert_true(draw_colormap_parse(names[i], &id));
        assert_int_equal(id, i);
    }
    ColormapId id = CMAP_TURBO;
    assert_true(draw_colormap_parse("gray", &id));
    assert_int_equal(id, CMAP_GREY);
    assert_true(draw_colormap_parse("Viridis", &id));
    assert_false(draw_colormap_parse("jet", &id));
    assert_false(draw_colormap_parse("", &id));
    assert_int_equal(id, CMAP_VIRIDIS);
}

static void test_ends(void **state) {
    (void)state;
    /* matplotlib 3: colormaps[name]([0, 255]) * 255, rounded. */
    static const uint8_t ends[][2][3] = {
        [CMAP_VIRIDIS] = {{68, 1, 84}, {253, 231, 37}}, [CMAP_MAGMA] = {{0, 0, 4}, {252, 253, 191}},
        [CMAP_INFERNO] = {{0, 0, 4}, {252, 255, 164}},  [CMAP_PLASMA] = {{13, 8, 135}, {240, 249, 33}},
        [CMAP_CIVIDIS] = {{0, 34, 78}, {254, 232, 56}}, [CMAP_TURBO] = {{48, 18, 59}, {122, 4, 3}},
        [CMAP_GREY] = {{0, 0, 0}, {255, 255, 255}},
    };
    for (int i = 0; i < CMAP_DIVERGING; i++) {
        const uint8_t(*table)[3] = draw_colormap_table((ColormapId)i);
        assert_memory_equal(table[0], ends[i][0], 3);
        assert_memory_equal(table[COLORMAP_SIZE - 1], ends[i][1], 3);
    }
}

static void test_sequential_maps_get_lighter(void **state) {
    (void)state;
    for (int i = 0; i < CMAP_DIVERGING; i++) {
        if (i == CMAP_TURBO) {
            continue; /* a rainbow: lightest in the middle */
        }
        double before = -1;
        for (int entry = 0; entry < COLORMAP_SIZE; entry++) {
            double lab[3];
            oklab_of(draw_colormap_table((ColormapId)i)[entry], lab);
            assert_true(lab[0] > before - 0.002); /* rounding to 8 bits */
            before = lab[0];
        }
    }
}

static void test_diverging_is_symmetric(void **state) {
    (void)state;
    const uint8_t(*table)[3] = draw_colormap_table(CMAP_DIVERGING);
    double before = 2;
    for (int i = 0; i < COLORMAP_SIZE / 2; i++) {
        double low[3], high[3];
        oklab_of(table[i], low);
        oklab_of(table[COLORMAP_SIZE - 1 - i], high);
        assert_true(fabs(low[0] - high[0]) < 0.006);
        assert_true(fabs(hypot(low[1], low[2]) - hypot(high[1], high[2])) < 0.012);
        assert_true(low[0] < before + 0.002);
        before = low[0];
        if (i < 110) { /* away from the neutral centre the sign is readable from blue against red */
            assert_true(table[i][2] > table[i][0] + 20);
            assert_true(table[COLORMAP_SIZE - 1 - i][0] > table[COLORMAP_SIZE - 1 - i][2] + 20);
        }
    }
    double centre[3];
    oklab_of(table[COLORMAP_SIZE / 2], centre);
    assert_true(hypot(centre[1], centre[2]) < 0.01);
}

static void test_fine_positions(void **state) {
    (void)state;
    for (int map = 0; map < CMAP_COUNT; map++) {
        const uint8_t(*table)[3] = draw_colormap_table((ColormapId)map);
        Color before = draw_colormap_color((ColormapId)map, 0);
        for (int position = 0; position < COLORMAP_POSITIONS; position++) {
            Color c = draw_colormap_color((ColormapId)map, position);
            assert_int_equal(c.a, 255);
            assert_true(abs(c.r - before.r) <= 1 && abs(c.g - before.g) <= 1 && abs(c.b - before.b) <= 1);
            before = c;
            if (position % COLORMAP_FINE == 0) {
                assert_memory_equal(((uint8_t[]){c.r, c.g, c.b}), table[position / COLORMAP_FINE], 3);
            }
        }
    }
    assert_int_equal(draw_colormap_position(0), 0);
    assert_int_equal(draw_colormap_position(1), COLORMAP_POSITIONS - 1);
    assert_int_equal(draw_colormap_position(0.5f), (COLORMAP_POSITIONS - 1) / 2);
    assert_int_equal(draw_colormap_position(-3), 0);
    assert_int_equal(draw_colormap_position(INFINITY), COLORMAP_POSITIONS - 1);
    assert_int_equal(draw_colormap_position(NAN), 0);
}

int test_colormap_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_sequential_maps_get_lighter),
        cmocka_unit_test(test_diverging_is_symmetric),
        cmocka_unit_test(test_fine_positions),
    };
    return cmocka_run_group_tests_name("draw/colormap", tests, NULL, NULL);
}
