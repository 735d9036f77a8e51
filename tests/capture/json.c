/* Hostile JSON; what the tools write is checked against NumPy in fixtures.c. */
#include "test_capture.h"

static void refuse_json(const char *text, const char *word) {
    Error err;
    refuse_memory(text, strlen(text), "x.json", word, &err);
}

static void test_damaged_json(void **state) {
    static const struct {
        const char *text, *word;
    } CASES[] = {
        {"{", "not valid JSON"},
        {"[", "not valid JSON"},
        {"[[0.5,0.5],[0.5,0.5]", "not valid JSON"},
        {"[[0.5,0.5],[0.5,0.5]]]", "not valid JSON"},
        {"{\"attention\": [[1,0],[0,1]]} {}", "not valid JSON"},
        {"{\"attention\": [[1,,0]]}", "not valid JSON"},
        {"{\"attention\": [[1,0],[Nan,1]]}", "not valid JSON"},
        {"{\"attention\": [[1,0],[-,1]]}", "not valid JSON"},
        {"{\"attention\": \"\xff\xfe\"}", "not valid JSON"},
        {"{}", "found none"},
        {"[]", "found none"},
        {"[[]]", "found none"},
        {"[1, 2, 3]", "found none"},
        {"{\"tokens\": [\"a\"]}", "found none"},
        {"{\"attention\": [[1,0],[1]]}", "2 and then 1 elements in dimension 2"},
        {"{\"attention\": [[[1,0],[0,1]],[[1,0]]]}", "2 and then 1 elements in dimension 2"},
        {"{\"attention\": [[1,0],0.5]}", "a number beside something else"},
        {"{\"attention\": [0.5,[1,0]]}", "a number beside something else"},
        {"{\"attention\": [[1,0],[]]}", "2 and then 0 elements"},
        {"{\"attention\": [[],[1,0]]}", "0 and then 2 elements"},
        {"{\"attention\": [[1,0],\"a\"]}", "a text beside numbers"},
        {"{\"attention\": [[1,0],{}]}", "an object beside numbers"},
        {"{\"attention\": [[1,\"0\"]]}", "a text beside numbers"},
        {"[[1,0],[1]]", "2 and then 1 elements"},
        {"{\"attention\": [[[[[[[[[[1]]]]]]]]]]}", "eight lists deep"},
        {"{\"attention\": [[[[[[1]]]]]]}", "2 to 5 dimensions"},
        {"{\"attention\": {\"all\": {\"attn\": [[[[0.5, 0.5], [1]]]]}}}", "'attention.all.attn'"},
        {"{\"attention\": [{\"attn\": [[[[1]]]]}, {\"attn\": [[[[1]]]]}]}", "expected one array a layer"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_json(CASES[i].text, CASES[i].word);
}

static void test_200000_levels(void **state) {
    enum { LEVELS = 200000 };
    Bytes text = {0};
    Error err;
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        text.size = 0;
        for (int i = 0; i < LEVELS; i++)
            bytes_text(&text, kind ? "{\"a\":" : "[");
        refuse_memory(text.data, text.size, "x.json", "64 levels", &err);
        for (int i = 0; i < LEVELS; i++)
            bytes_text(&text, kind ? "}" : "]");
        refuse_memory(text.data, text.size, "x.json", "64 levels", &err);
    }
    bytes_free(&text);
}

/* The parser would collect all of a token. */
static void test_endless_tokens(void **state) {
    Bytes text = {0};
    Error err;
    (void)state;
    bytes_text(&text, "{\"a\": \"");
    for (int i = 0; i < 9000; i++)
        bytes_text(&text,
                   "a thousand and one nights, and then one thousand and two, and so on and on and on, which makes a "
                   "rather long text, longer than any token has a right to be, when all is said and done .........");
    refuse_memory(text.data, text.size, "x.json", "texts of at most", &err);
    text.size = 0;
    bytes_text(&text, "{\"a\": 1");
    for (int i = 0; i < 600; i++)
        bytes_text(&text, "0");
    refuse_memory(text.data, text.size, "x.json", "numbers of at most", &err);
    bytes_free(&text);
}

static void test_many_small_things(void **state) {
    Bytes text = {0};
    Error err;
    (void)state;
    bytes_text(&text, "[");
    for (int i = 0; i < 70000; i++)
        bytes_text(&text, "{\"x\":[[1]]},");
    bytes_text(&text, "{}]");
    refuse_memory(text.data, text.size, "x.json", "lists of numbers", &err);
    text.size = 0;
    bytes_text(&text, "{\"attention\": [[1,0],[0,1]]"); /* metadata beyond what is kept is passed over */
    for (int i = 0; i < 10000; i++)
        bytes_text(&text, ",\"k\":1,\"s\":[\"t\"],\"n\":[1,2,3]");
    bytes_text(&text, "}");
    Capture *capture = open_memory(text.data, text.size, "x.json", &err);
    assert_non_null(capture);
    assert_int_equal(capture_set(capture, 0)->max_keys, 2);
    capture_close(capture);
    bytes_free(&text);
}

/* Numbers go to a file: memory does not grow with their number. */
static void test_memory_is_bounded(void **state) {
    Bytes text = {0};
    Error err;
    uint64_t before[2], count[2];
    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        int rows = pass ? 2000 : 20;
        text.size = 0;
        bytes_text(&text, "{\"attention\": [");
        for (int r = 0; r < rows; r++) {
            bytes_text(&text, r ? ",[" : "[");
            for (int c = 0; c < 100; c++)
                bytes_text(&text, c ? ",0.01" : "0.01");
            bytes_text(&text, "]");
        }
        bytes_text(&text, "]}");
        before[pass] = mem_allocation_count();
        Capture *capture = open_memory(text.data, text.size, "x.json", &err);
        count[pass] = mem_allocation_count() - before[pass];
        assert_non_null(capture);
        capture_close(capture);
    }
    assert_true(count[1] <= count[0] + 8);
    bytes_free(&text);
}

/* Lists that mean nothing to us may hold what they like. */
static void test_other_lists_may_be_ragged(void **state) {
    static const char TEXT[] = "{\"x\": [null, {\"y\": 1}, {}, 3], \"u\": [1, \"v\", {\"w\": {\"s\": 1}}, 2], "
                               "\"attention\": [[1, 0], [0.5, 0.5]], \"t\": [[1], {\"s\": 1}, 2]}";
    Error err;
    (void)state;
    Capture *capture = open_memory(TEXT, sizeof(TEXT) - 1, "x.json", &err);
    if (!capture) fail_msg("%s", err.message);
    assert_int_equal(capture_set_count(capture), 1);
    assert_int_equal(capture_set(capture, 0)->max_keys, 2);
    capture_close(capture);
}

static void test_every_truncation_and_change(void **state) {
    static const char TEXT[] = "{\"attention\": [{\"name\": \"Cross\", \"attn\": [[[[0.5, 0.5], [NaN, 1e0], [0, 1]]]], "
                               "\"left_text\": [\"a\", \"\\u00e9\", \"c\"], \"right_text\": [\"x\", \"y\"]}], "
                               "\"include_layers\": [7], \"heads\": null, \"f\": [true, -1.5e-3]}";
    static const uint8_t VALUES[] = {0, '"', '\\', '[', ']', '{', '}', ',', ':', '0', '-', 'e', 'N', 'I', 0xff};
    char copy[sizeof(TEXT)];
    Error err;
    (void)state;
    for (size_t size = 0; size < sizeof(TEXT) - 1; size++) {
        memcpy(copy, TEXT, size);
        Capture *capture = open_memory(copy, size, "x.json", &err);
        if (capture) fail_msg("opened after %zu bytes", size);
    }
    for (size_t at = 0; at < sizeof(TEXT) - 1; at++) {
        for (size_t i = 0; i < BASE_COUNT(VALUES); i++) {
            memcpy(copy, TEXT, sizeof(TEXT));
            copy[at] = (char)VALUES[i];
            Capture *capture = open_memory(copy, sizeof(TEXT) - 1, "x.json", &err);
            if (capture) look_around(capture);
            capture_close(capture);
        }
    }
    Capture *capture = open_memory(TEXT, sizeof(TEXT) - 1, "x.json", &err);
    assert_non_null(capture);
    assert_string_equal(capture_set(capture, 0)->name, "cross");
    assert_int_equal(capture_set(capture, 0)->layers[0].number, 7);
    assert_string_equal(capture_tokens(capture, 0, 0, AXIS_QUERY)->tokens[1].raw, "\xc3\xa9");
    capture_close(capture);
}

static void test_memory_runs_out(void **state) {
    static const char TEXT[] =
        "{\"attention\": {\"all\": {\"attn\": [[[[0.5, 0.5], [0, 1]]]], \"left_text\": [\"a\", \"b\"],"
        "\"right_text\": [\"a\", \"b\"]}, \"ab\": {\"attn\": [[[[0.5]]]]}}, \"include_layers\": [7]}";
    Error err;
    (void)state;
    for (uint64_t n = 1;; n++) {
        mem_fail_after(n, true);
        Capture *capture = open_memory(TEXT, sizeof(TEXT) - 1, "x.json", &err);
        mem_fail_after(0, false);
        bool opened = capture != NULL;
        capture_close(capture);
        if (opened) break;
        assert_int_equal(err.status, STATUS_MEMORY);
    }
}

static void check_last(const Capture *capture, const char *set, Axis axis, const char *raw) {
    const TokenList *list = capture_tokens(capture, capture_set_by_name(capture, set), 0, axis);
    assert_non_null(list);
    assert_string_equal(list->tokens[list->count - 1].raw, raw);
}

static void test_tokens_of_each_set(void **state) {
    (void)state;
    Capture *capture = open_fixture("bertviz-pair.json");
    check_last(capture, "all", AXIS_QUERY, "f");
    check_last(capture, "all", AXIS_KEY, "z");
    check_last(capture, "aa", AXIS_KEY, "x");
    check_last(capture, "ab", AXIS_QUERY, "d");
    check_last(capture, "ab", AXIS_KEY, "v");
    check_last(capture, "ba", AXIS_QUERY, "b");
    capture_close(capture);
    capture = open_fixture("circuitsvis.json");
    check_last(capture, "encoder", AXIS_KEY, "f");
    capture_close(capture);
    capture = open_fixture("nan.json");
    check_last(capture, "encoder", AXIS_KEY, "19");
    capture_close(capture);
}

int test_json_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_json),
        cmocka_unit_test(test_200000_levels),
        cmocka_unit_test(test_endless_tokens),
        cmocka_unit_test(test_many_small_things),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_other_lists_may_be_ragged),
        cmocka_unit_test(test_every_truncation_and_change),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_tokens_of_each_set),
    };
    return cmocka_run_group_tests_name("capture: JSON", tests, NULL, NULL);
}
