#include "test_base.h"

#include <string.h>

static void test_counting_and_overflow(void **state) {
    (void)state;
    uint64_t before = mem_allocation_count();
    void *empty = mem_alloc(0);
    assert_non_null(empty);
    unsigned char *zeroed = mem_alloc_zeroed(100, 3);
    assert_non_null(zeroed);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    assert_true(mem_allocation_count() == before + 2);
    assert_null(mem_alloc_zeroed(SIZE_MAX / 2, 3));
    assert_null(mem_alloc(SIZE_MAX));
    assert_null(mem_realloc(zeroed, SIZE_MAX - 10));
    assert_true(mem_allocation_count() == before + 2);
    mem_free(empty);
    mem_free(zeroed);
    mem_free(NULL);
}

static void test_injection_once(void **state) {
    (void)state;
    mem_fail_after(2, false);
    void *first = mem_alloc(1);
    void *second = mem_alloc(1);
    void *third = mem_alloc(1);
    mem_fail_after(0, false);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    mem_free(first);
    mem_free(third);
}

static void test_injection_sticky(void **state) {
    (void)state;
    mem_fail_after(2, true);
    void *first = mem_alloc_zeroed(1, 1);
    void *second = mem_realloc(NULL, 5);
    char *third = mem_strdup("x");
    Arena arena = {0};
    void *fourth = arena_alloc(&arena, 1);
    mem_fail_after(0, false);
    void *fifth = mem_alloc(1);
    assert_non_null(first);
    assert_null(second);
    assert_null(third);
    assert_null(fourth);
    assert_non_null(fifth);
    mem_free(first);
    mem_free(fifth);
    arena_free(&arena);
}

static void test_grow(void **state) {
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    uint64_t before = mem_allocation_count();
    for (int i = 0; i < 10000; i++) {
        assert_true(mem_grow((void **)&items, &capacity, (size_t)i + 1, sizeof(*items)));
        items[i] = i;
    }
    assert_true(mem_allocation_count() - before < 16); /* doubling, not one by one */
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(items[i], i);
    }
    int *kept = items;
    size_t kept_capacity = capacity;
    assert_false(mem_grow((void **)&items, &capacity, SIZE_MAX / 2, sizeof(*items)));
    mem_fail_after(1, false);
    assert_false(mem_grow((void **)&items, &capacity, capacity + 1, sizeof(*items)));
    mem_fail_after(0, false);
    assert_ptr_equal(items, kept);
    assert_int_equal(capacity, kept_capacity);
    mem_free(items);
}

static void test_arena(void **state) {
    (void)state;
    Arena arena = {0};
    unsigned char *pieces[500];
    for (size_t i = 0; i < BASE_COUNT(pieces); i++) {
        size_t size = i * 7 % 400;
        pieces[i] = arena_alloc(&arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(pieces[i][k], 0);
        }
        memset(pieces[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < BASE_COUNT(pieces); i++) {
        for (size_t k = 0; k < i * 7 % 400; k++) {
            assert_int_equal(pieces[i][k], i & 0xff);
        }
    }
    void *large = arena_alloc(&arena, 1 << 20);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_string_equal(arena_copy_text(&arena, "attention", 6), "attent");
    assert_string_equal(arena_copy_text(&arena, NULL, 0), "");
    assert_string_equal(arena_format(&arena, "%d/%s", 5, "x"), "5/x");
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 64));
    assert_true(arena.used_total >= (1 << 20));
    arena_free(&arena);
    assert_null(arena.head);
    assert_int_equal(arena.used_total, 0);
}

static void frame_of_allocations(Arena *arena) {
    for (int i = 0; i < 300; i++) {
        unsigned char *p = arena_alloc(arena, 1000);
        assert_non_null(p);
        assert_int_equal(p[999], 0);
        memset(p, 0xee, 1000);
    }
}

static void test_frame_arena_stops_allocating(void **state) {
    (void)state;
    Arena arena = {0};
    for (int frame = 0; frame < 3; frame++) {
        frame_of_allocations(&arena);
        arena_reset(&arena);
        assert_int_equal(arena.used_total, 0);
    }
    uint64_t before = mem_allocation_count();
    for (int frame = 0; frame < 10; frame++) {
        frame_of_allocations(&arena);
        arena_reset(&arena);
    }
    assert_true(mem_allocation_count() == before);
    arena_free(&arena);
}

static void test_arena_survives_failure(void **state) {
    (void)state;
    Arena arena = {0};
    char *text = arena_copy_text(&arena, "kept", 4);
    mem_fail_after(1, true);
    assert_null(arena_alloc(&arena, 1 << 20));
    assert_non_null(arena_alloc(&arena, 16)); /* still room in the first block */
    mem_fail_after(0, false);
    assert_non_null(arena_alloc(&arena, 1 << 20));
    assert_string_equal(text, "kept");
    arena_free(&arena);
}

int test_memory_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting_and_overflow),
        cmocka_unit_test(test_injection_once),
        cmocka_unit_test(test_injection_sticky),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_frame_arena_stops_allocating),
        cmocka_unit_test(test_arena_survives_failure),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
