/* Editing a line of text, and how what was typed fits names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/field.h"
#include "test_session.h"

static bool press(Field *field, int key, int mods) {
    bool changed;
    const InputEvent event = {.type = EVENT_KEY_DOWN, .key = key, .mods = mods};
    (void)field_event(field, &event, &changed);
    return changed;
}

static void type(Field *field, const char *text) {
    bool changed;
    InputEvent event = {.type = EVENT_TEXT};
    snprintf(event.text, sizeof event.text, "%s", text);
    assert_true(field_event(field, &event, &changed));
}

static void expect(const Field *field, const char *text, size_t caret) {
    assert_string_equal(field->text, text);
    assert_int_equal(field->length, strlen(text));
    assert_int_equal(field->caret, caret);
    assert_true(utf8_valid(field->text, field->length));
}

static void test_code_points_are_never_cut(void **state) {
    (void)state;
    Field field = {0};
    type(&field, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x88"); /* a, e acute, euro, cat */
    expect(&field, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x88", 10);
    press(&field, KEY_LEFT, 0);
    assert_int_equal(field.caret, 6);
    press(&field, KEY_LEFT, 0);
    assert_int_equal(field.caret, 3);
    assert_true(press(&field, KEY_DELETE, 0));
    expect(&field, "a\xC3\xA9\xF0\x9F\x90\x88", 3);
    assert_true(press(&field, KEY_BACKSPACE, 0));
    expect(&field, "a\xF0\x9F\x90\x88", 1);
    press(&field, KEY_RIGHT, 0);
    assert_int_equal(field.caret, 5);
    press(&field, KEY_HOME, 0);
    assert_false(press(&field, KEY_BACKSPACE, 0));
    press(&field, KEY_END, 0);
    assert_false(press(&field, KEY_DELETE, 0));
    expect(&field, "a\xF0\x9F\x90\x88", 5);
}

static void test_words(void **state) {
    (void)state;
    Field field = {0};
    type(&field, "open /data/runs/x.npz");
    press(&field, KEY_LEFT, MOD_CTRL);
    assert_int_equal(field.caret, strlen("open /data/runs/"));
    press(&field, KEY_LEFT, MOD_CTRL);
    assert_int_equal(field.caret, strlen("open /data/"));
    press(&field, KEY_END, 0);
    assert_true(press(&field, KEY_BACKSPACE, MOD_CTRL));
    expect(&field, "open /data/runs/", strlen("open /data/runs/"));
    assert_true(press(&field, 'w', MOD_CTRL));
    expect(&field, "open /data/", strlen("open /data/"));
    assert_true(press(&field, 'u', MOD_CTRL));
    expect(&field, "", 0);
}

static void test_what_is_no_text_is_left_out(void **state) {
    (void)state;
    Field field = {0};
    field_set(&field, "a\nb\t\xFF"
                      "c\x7F");
    expect(&field, "abc", 3);
    field_replace(&field, 1, 2, "\xC3\xA9");
    expect(&field,
           "a\xC3\xA9"
           "c",
           3);
    /* Full: a code point that does not fit whole is left out. */
    char most[FIELD_SIZE];
    memset(most, 'x', sizeof most);
    most[sizeof most - 2] = 0;
    field_set(&field, most);
    type(&field, "\xC3\xA9");
    assert_int_equal(field.length, sizeof most - 2);
    type(&field, "y");
    assert_int_equal(field.length, sizeof most - 1);
    type(&field, "z");
    assert_int_equal(field.length, sizeof most - 1);
}

static void test_keys_of_others_are_left_alone(void **state) {
    (void)state;
    Field field = {0};
    bool changed;
    const int keys[] = {KEY_UP, KEY_DOWN, KEY_ENTER, KEY_ESCAPE, KEY_TAB, KEY_F3, 'a'};
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        const InputEvent event = {.type = EVENT_KEY_DOWN, .key = keys[i]};
        assert_false(field_event(&field, &event, &changed));
    }
    const InputEvent alt = {.type = EVENT_KEY_DOWN, .key = KEY_LEFT, .mods = MOD_ALT};
    assert_false(field_event(&field, &alt, &changed));
}

/* ---- fuzzy ----------------------------------------------------------------------------------- */

static int score(const char *query, const char *text) {
    FuzzyMatch match;
    assert_true(fuzzy_match(query, text, &match));
    return match.score;
}

static void matched(const char *query, const char *text, const char *marks) {
    FuzzyMatch match;
    if (!fuzzy_match(query, text, &match)) fail_msg("'%s' does not match '%s'", query, text);
    for (size_t i = 0; text[i]; i++) {
        if (fuzzy_byte_matched(&match, i) != (marks[i] == '^')) fail_msg("'%s' in '%s': byte %zu", query, text, i);
    }
}

static void test_letters_are_matched_where_words_begin(void **state) {
    (void)state;
    matched("sc", "select-cells", "^      ^    ");
    matched("copy", "copy-command", "^^^^        ");
    matched("ZS", "zoom-selection", "^    ^        ");
    matched("wabe", "the wabe", "    ^^^^");
    matched("two one", "one two", "^^^ ^^^");
}

static void test_no_subsequence_no_match(void **state) {
    (void)state;
    FuzzyMatch match;
    assert_false(fuzzy_match("tes", "set", &match));
    assert_false(fuzzy_match("layers", "layer", &match));
    assert_false(fuzzy_match("lay xx", "layer", &match));
    assert_true(fuzzy_match("", "layer", &match));
    assert_int_equal(match.score, 0);
    assert_true(fuzzy_match("   ", "", &match));
    assert_false(fuzzy_match("a", "", &match));
}

static void test_better_matches_score_higher(void **state) {
    (void)state;
    assert_true(score("set", "set") > score("set", "reset"));
    assert_true(score("set", "set") > score("set", "settings"));
    assert_true(score("sc", "scale") > score("sc", "fullscreen"));
    assert_true(score("sc", "select-cells") > score("sc", "escape"));
    assert_true(score("s", "set") > score("s", "solo-head"));
    assert_true(score("lab", "labels") > score("lab", "lock-range-below"));
    assert_true(score("gr", "grid-range") > score("gr", "tiger"));
}

static void test_long_texts_and_words(void **state) {
    (void)state;
    char text[1000], word[200];
    FuzzyMatch match;
    memset(text, 'a', sizeof text - 1);
    text[0] = 'x';
    text[250] = 'y';
    text[999] = 0;
    assert_true(fuzzy_match("xy", text, &match)); /* a wide gap costs, but matches */
    assert_true(fuzzy_byte_matched(&match, 0) && fuzzy_byte_matched(&match, 250));
    text[250] = 'a';
    text[600] = 'y';
    assert_false(fuzzy_match("xy", text, &match)); /* only the beginning is looked at */
    memset(word, 'a', sizeof word - 1);
    word[199] = 0;
    assert_false(fuzzy_match(word, text, &match));
    assert_false(fuzzy_byte_matched(&match, 100000));
}

int test_field_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_points_are_never_cut),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_what_is_no_text_is_left_out),
        cmocka_unit_test(test_keys_of_others_are_left_alone),
        cmocka_unit_test(test_letters_are_matched_where_words_begin),
        cmocka_unit_test(test_no_subsequence_no_match),
        cmocka_unit_test(test_better_matches_score_higher),
        cmocka_unit_test(test_long_texts_and_words),
    };
    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
