/* Marks along an axis: where they lie, and what many of them cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "test_views.h"
#include "views/views.h"

static const Color INK = {1, 2, 3, 255};

static void test_marks_lie_on_their_tokens(void **state) {
    (void)state;
    DrawList list = {0};
    draw_list_reset(&list, NULL);
    const TokenSpan spans[] = {{0, 1}, {4, 6}, {9, 10}};
    MarkAxis axis = {.start = 100, .length = 200, .origin = 100, .cell = 20, .across = 90, .thick = 4, .least = 2};
    views_marks(&list, &axis, spans, 3, INK);
    assert_int_equal(list.count, 3);
    const Rect expected[] = {{100, 90, 20, 4}, {180, 90, 40, 4}, {280, 90, 20, 4}};
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(&list.ops[i].rect, &expected[i], sizeof(Rect));
    axis.vertical = true;
    draw_list_reset(&list, NULL);
    views_marks(&list, &axis, spans, 3, INK);
    assert_memory_equal(&list.ops[1].rect, (&(Rect){90, 180, 4, 40}), sizeof(Rect));
    draw_list_free(&list);
}

static void test_only_what_is_in_view_is_drawn_and_cut_at_its_edge(void **state) {
    (void)state;
    DrawList list = {0};
    draw_list_reset(&list, NULL);
    const TokenSpan spans[] = {{0, 2}, {9, 11}, {15, 16}, {29, 31}, {40, 41}};
    const MarkAxis axis = {.start = 100, .length = 200, .origin = 0, .cell = 10, .across = 0, .thick = 4, .least = 2};
    views_marks(&list, &axis, spans, 5, INK); /* tokens 10 to 30 */
    assert_int_equal(list.count, 3);
    assert_true(list.ops[0].rect.x == 100 && list.ops[0].rect.w == 10);
    assert_true(list.ops[2].rect.x == 290 && list.ops[2].rect.w == 10);
    draw_list_free(&list);
}

static void test_many_tokens_cost_pixels(void **state) {
    (void)state;
    enum { TOKENS = 131072, PIXELS = 500 };
    DrawList list = {0};
    TokenSpan *spans = mem_alloc(TOKENS / 2 * sizeof *spans);
    assert_non_null(spans);
    for (int64_t i = 0; i < TOKENS / 2; i++)
        spans[i] = (TokenSpan){2 * i, 2 * i + 1};
    const MarkAxis axis = {.length = PIXELS, .cell = (double)PIXELS / TOKENS, .thick = 4, .least = 2};
    draw_list_reset(&list, NULL);
    views_marks(&list, &axis, spans, TOKENS / 2, INK);
    assert_true(list.count > 0 && list.count <= PIXELS);
    float end = 0; /* no gap and no overlap, from edge to edge */
    for (size_t i = 0; i < list.count; i++) {
        assert_true(list.ops[i].rect.x == end && list.ops[i].rect.w >= 1);
        end = list.ops[i].rect.x + list.ops[i].rect.w;
    }
    assert_true(end == PIXELS);
    /* One far from the others is never lost. */
    const TokenSpan lone[] = {{10, 11}, {70000, 70001}};
    draw_list_reset(&list, NULL);
    views_marks(&list, &axis, lone, 2, INK);
    assert_int_equal(list.count, 2);
    assert_true(list.ops[1].rect.w == 2);
    mem_free(spans);
    draw_list_free(&list);
}

int test_marks_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_lie_on_their_tokens),
        cmocka_unit_test(test_only_what_is_in_view_is_drawn_and_cut_at_its_edge),
        cmocka_unit_test(test_many_tokens_cost_pixels),
    };
    return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
