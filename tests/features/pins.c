/* The list of pins, and the figures that are kept of a row or column however its cells arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/pins.h"
#include "test_features.h"

static void test_pins_are_found_and_let_go(void **state) {
    (void)state;
    static Pins pins;
    pins = (Pins){0};
    for (int i = 0; i < PINS_MAX; i++) {
        assert_true(pins_add(&pins, i % 2, i, 2 * i));
        assert_int_equal(pins.focus, i);
    }
    assert_false(pins_add(&pins, 0, 100, 100));
    assert_int_equal(pins_find(&pins, 1, 3, 6), 3);
    assert_int_equal(pins_find(&pins, 0, 3, 6), -1);
    assert_int_equal(pins_find(&pins, 1, 3, 5), -1);
    pins_remove(&pins, PINS_MAX - 1); /* in focus and last */
    assert_int_equal(pins.focus, PINS_MAX - 2);
    pins_remove(&pins, 0); /* the same pin stays in focus */
    assert_int_equal(pins.focus, PINS_MAX - 3);
    assert_int_equal(pins_find(&pins, 1, 3, 6), 2);
    pins_keep_inside(&pins, 1, 4, 1000);
    assert_int_equal(pins_find(&pins, 1, 3, 6) >= 0, true);
    assert_int_equal(pins_find(&pins, 1, 5, 10), -1);
    assert_int_equal(pins_find(&pins, 0, 6, 12) >= 0, true); /* another set is not concerned */
    while (pins.count > 0)
        pins_remove(&pins, pins.count - 1);
    assert_int_equal(pins.focus, 0);
}

static float cell(int64_t i) {
    const uint64_t hash = hash_u64((uint64_t)i + 11);
    if (hash % 13 == 0) return CELL_MASKED;
    if (hash % 17 == 0) return NAN;
    return (float)(hash % 101) / 100.0f * (hash % 2 ? 1 : -1); /* many equal magnitudes */
}

/* Strips in any order give what one pass gives; the strongest are those of a plain search. */
static void test_lines_do_not_depend_on_the_order_of_strips(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 3, PIN_BINS, PIN_BINS + 1, 5000};
    for (size_t c = 0; c < BASE_COUNT(counts); c++) {
        const int64_t count = counts[c], strip = count / 7 + 1;
        float *cells = malloc((size_t)count * sizeof *cells);
        static PinLine whole, backward;
        assert_non_null(cells);
        for (int64_t i = 0; i < count; i++)
            cells[i] = cell(i);
        pins_line_begin(&whole, count);
        pins_line_take(&whole, 0, cells, count);
        pins_line_begin(&backward, count);
        for (int64_t at = (count - 1) / strip * strip; at >= 0; at -= strip)
            pins_line_take(&backward, at, cells + at, i64_min(strip, count - at));
        assert_memory_equal(&whole, &backward, sizeof whole);
        assert_int_equal(whole.done, count);
        int64_t before = -1;
        float limit = INFINITY;
        for (int rank = 0; rank < whole.top_count; rank++) {
            int64_t best = -1;
            for (int64_t i = 0; i < count; i++) {
                const float m = fabsf(cells[i]);
                if (!isfinite(cells[i]) || m > limit || (m == limit && i <= before)) continue;
                if (best < 0 || m > fabsf(cells[best])) best = i;
            }
            assert_int_equal(whole.top[rank], best);
            assert_true(whole.top_values[rank] == cells[best]);
            limit = fabsf(cells[best]);
            before = best;
        }
        if (whole.top_count > 0) assert_true(whole.most == fabsf(whole.top_values[0]));
        free(cells);
    }
}

static void test_masked_lines_have_nothing_strong(void **state) {
    (void)state;
    static PinLine line;
    const float cells[3] = {CELL_MASKED, NAN, CELL_MASKED};
    pins_line_begin(&line, 3);
    pins_line_take(&line, 0, cells, 3);
    assert_int_equal(line.top_count, 0);
    assert_true(line.most == 0 && line.bins[1] < 0);
}

int test_pins_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pins_are_found_and_let_go),
        cmocka_unit_test(test_lines_do_not_depend_on_the_order_of_strips),
        cmocka_unit_test(test_masked_lines_have_nothing_strong),
    };
    return cmocka_run_group_tests_name("app/pins", tests, NULL, NULL);
}
