/* Token lists from all places, and how they are shown. */
#include "test_capture.h"

static void check_tokens(const char *file, int item, const char *const *raw, const char *const *display, int count) {
    Capture *capture = open_fixture(file);
    const TokenList *list = capture_tokens(capture, 0, item, AXIS_QUERY);
    if (!list) fail_msg("%s has no tokens", file);
    assert_int_equal(list->count, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(list->tokens[i].raw, raw[i]);
        assert_string_equal(list->tokens[i].display, display[i]);
    }
    capture_close(capture);
}

static void test_display_forms(void **state) {
    (void)state;
    check_tokens("tokens-gpt2.safetensors", 0, (const char *const[]){"<|endoftext|>", "Ġthe", "Ċ", "Ã©", "ä½ł"},
                 (const char *const[]){"<|endoftext|>", " the", "↵", "é", "你"}, 5);
    check_tokens("tokens-sentencepiece.npy", 0,
                 (const char *const[]){"<s>", "▁Once", "</w>x</w>", "a\tb\n", "\\x00\x1b"},
                 (const char *const[]){"<s>", " Once", "</w>x", "a⇥b↵", "\\x00\\x1b"}, 5);
    check_tokens("tokens-bert.npz", 0, (const char *const[]){"[CLS]", "play", "##ing", "[SEP]", "[PAD]"},
                 (const char *const[]){"[CLS]", "play", "ing", "[SEP]", "[PAD]"}, 5);
    check_tokens("tokens-bytes.npz", 0, (const char *const[]){"a", "\\xff\\xfe", "c", "d", "e"},
                 (const char *const[]){"a", "\\xff\\xfe", "c", "d", "e"}, 5);
}

static void test_flags(void **state) {
    (void)state;
    Capture *capture = open_fixture("tokens-bert.npz");
    const TokenList *list = capture_tokens(capture, 0, 0, AXIS_KEY);
    const bool special[] = {true, false, false, true, true}, space[] = {true, true, false, true, true};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(list->tokens[i].special, special[i]);
        assert_int_equal(list->tokens[i].space_before, space[i]);
    }
    capture_close(capture);
    capture = open_fixture("tokens-gpt2.safetensors");
    list = capture_tokens(capture, 0, 0, AXIS_KEY);
    assert_true(list->tokens[0].special && !list->tokens[1].special);
    assert_true(list->tokens[1].space_before && !list->tokens[3].space_before);
    capture_close(capture);
}

static void test_places(void **state) {
    const char *const letters[] = {"a", "b", "c", "d", "e"}, *const ids[] = {"101", "7", "-3", "102", "0"},
                      *const last[] = {"v", "w", "x", "y", "z"};
    (void)state;
    check_tokens("tokens-u8.safetensors", 0, letters, letters, 5);
    check_tokens("tokens-ids.npz", 0, ids, ids, 5);
    check_tokens("folder/x.npy", 0, last, last, 5);
    check_tokens("tokens-batch.safetensors", 0, letters, letters, 3);
    const char *const second[] = {"d", "e", "f"};
    check_tokens("tokens-batch.safetensors", 1, second, second, 3);
}

static void test_axes_of_sets(void **state) {
    static const struct {
        const char *set;
        Axis axis;
        const char *first;
    } CASES[] = {{"encoder", AXIS_QUERY, "a"}, {"encoder", AXIS_KEY, "a"}, {"decoder", AXIS_QUERY, "v"},
                 {"decoder", AXIS_KEY, "v"},   {"cross", AXIS_QUERY, "v"}, {"cross", AXIS_KEY, "a"}};
    (void)state;
    Capture *capture = open_fixture("seq2seq.npz");
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        const TokenList *list = capture_tokens(capture, capture_set_by_name(capture, CASES[i].set), 0, CASES[i].axis);
        assert_non_null(list);
        assert_string_equal(list->tokens[0].raw, CASES[i].first);
    }
    assert_null(capture_tokens(capture, 99, 0, AXIS_QUERY));
    assert_null(capture_tokens(capture, 0, -1, AXIS_QUERY));
    capture_close(capture);
}

static void test_unusable_tokens_are_noted(void **state) {
    (void)state;
    Capture *capture = open_fixture("tokens-short.npy");
    assert_null(capture_tokens(capture, 0, 0, AXIS_QUERY));
    assert_true(has_note(capture, "expected 5 tokens") && has_note(capture, "found 2"));
    capture_close(capture);
    capture = open_fixture("tokens-bad.npy");
    assert_null(capture_tokens(capture, 0, 0, AXIS_QUERY));
    assert_true(has_note(capture, "tokens-bad.tokens.json"));
    capture_close(capture);
}

int test_tokens_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_display_forms),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_axes_of_sets),
        cmocka_unit_test(test_unusable_tokens_are_noted),
    };
    return cmocka_run_group_tests_name("capture: tokens", tests, NULL, NULL);
}
