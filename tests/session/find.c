/* Text among tokens: within one, across several, whatever the tokeniser did with spaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/find_text.h"
#include "test_session.h"

#define TOKENS_MAX 64

/* Tokens whose text begins with '_' have a space before that is not in their text, as WordPiece's have. */
static TokenList list_of(Token *storage, const char *const *texts) {
    int64_t count = 0;
    for (; texts[count]; count++) {
        const char *text = texts[count];
        storage[count] = (Token){.raw = text, .display = text, .space_before = text[0] == ' '};
        if (text[0] == '_') storage[count] = (Token){.raw = text, .display = text + 1, .space_before = true};
    }
    return (TokenList){count, storage};
}

/* `spans`: "22-24 30-31" */
static void expect(const char *const *texts, const char *query, const char *spans) {
    Token storage[TOKENS_MAX];
    const TokenList list = list_of(storage, texts);
    FindText text;
    FindHits hits = {0};
    TextBuffer found = {0};
    assert_true(find_text_build(&list, &text));
    assert_true(find_text_search(&text, query, &hits));
    for (size_t i = 0; i < hits.count; i++)
        text_appendf(&found, "%s%lld-%lld", i ? " " : "", (long long)hits.items[i].first, (long long)hits.items[i].end);
    if (strcmp(found.text ? found.text : "", spans)) fail_msg("'%s': '%s', not '%s'", query, found.text, spans);
    text_buffer_free(&found);
    find_hits_free(&hits);
    find_text_free(&text);
}

static const char *const BPE[] = {"Twas", " bri", "llig", ",", " and", " the", " s", "lith", "y", " to", "ves", NULL};
static const char *const WORDPIECE[] = {"_twas", "_bri", "llig", "_,", "_and", "_the", "_slithy", NULL};
static const char *const WORDS[] = {"Twas", "brillig", "and", "the", "slithy", "toves", NULL};

static void test_within_and_across_tokens(void **state) {
    (void)state;
    expect(BPE, "brillig", "1-3");
    expect(BPE, "rill", "1-3");
    expect(BPE, "th", "5-6 7-8");
    expect(BPE, "slithy toves", "6-11");
    expect(BPE, "the slithy", "5-9");
    expect(BPE, "s", "0-1 6-7 10-11");
    expect(BPE, "xyz", "");
    expect(BPE, "brillig,", "1-4");
}

static void test_spaces_are_found_however_tokens_keep_them(void **state) {
    (void)state;
    expect(WORDPIECE, "twas brillig", "0-3");
    expect(WORDPIECE, "the slithy", "5-7");
    expect(WORDS, "twas brillig", "0-2");
    expect(WORDS, "the  slithy", "3-5");
    expect(WORDS, "the slithy ", "3-5"); /* the next word is on its way */
    expect(WORDS, "twasbrillig", "0-2");
    expect(WORDS, "br illig", "");
    expect(WORDS, " the", "3-4");
    expect(BPE, " th", "5-6"); /* only where a word begins */
    expect(BPE, " ", "");
    expect(BPE, "", "");
}

static void test_case_is_folded(void **state) {
    (void)state;
    const char *const texts[] = {"\xC3\x89t\xC3\xA9", " \xCE\xA3\xCE\x91\xCE\xA3", " \xD0\x96\xD1\x83\xD0\xBA",
                                 " \xC4\xB0", NULL};
    expect(texts, "\xC3\xA9T\xC3\x89", "0-1");        /* ete with accents */
    expect(texts, "\xCF\x83\xCE\xB1\xCF\x82", "1-2"); /* sigma, alpha, final sigma */
    expect(texts, "\xD0\xB6\xD0\xA3\xD0\x9A", "2-3"); /* Cyrillic */
    expect(WORDS, "TWAS", "0-1");
    assert_int_equal(find_fold(0xD7), 0xD7); /* the multiplication sign is no letter */
    assert_int_equal(find_fold('['), '[');
    for (uint32_t c = 0; c < 0x3000; c++)
        assert_int_equal(find_fold(find_fold(c)), find_fold(c));
}

static void test_line_breaks_count_as_spaces(void **state) {
    (void)state;
    const char *const texts[] = {"end", "\xE2\x86\xB5", "\xE2\x86\xB5", "next", NULL};
    expect(texts, "end next", "0-4");
}

static void test_places_that_meet_are_one(void **state) {
    (void)state;
    const char *const texts[] = {"banana", "na", " na", NULL};
    expect(texts, "na", "0-1 1-2 2-3");
    expect(texts, "ana", "0-2"); /* the second one begins in the token in which the first one ends */
    const char *const runs[] = {"aa", "aa", "aa", NULL};
    expect(runs, "aaa", "0-3");
}

static void test_empty_tokens_and_none(void **state) {
    (void)state;
    const char *const texts[] = {"", "a", "", "", "b", "", NULL}, *const none[] = {NULL};
    expect(texts, "ab", "1-5");
    expect(texts, "a b", "1-5");
    expect(none, "a", "");
    FindText text = {0};
    FindHits hits = {0};
    assert_true(find_text_search(&text, "a", &hits)); /* an axis without tokens */
    assert_int_equal(hits.count, 0);
}

static void test_without_memory(void **state) {
    (void)state;
    Token storage[TOKENS_MAX];
    const TokenList list = list_of(storage, BPE);
    for (uint64_t n = 1; n < 8; n++) {
        FindText text = {0};
        FindHits hits = {0};
        mem_fail_after(n, true);
        const bool ok = find_text_build(&list, &text) && find_text_search(&text, "th", &hits);
        mem_fail_after(0, false);
        if (ok) assert_int_equal(hits.count, 2);
        find_hits_free(&hits);
        find_text_free(&text);
    }
}

int test_find_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within_and_across_tokens),
        cmocka_unit_test(test_spaces_are_found_however_tokens_keep_them),
        cmocka_unit_test(test_case_is_folded),
        cmocka_unit_test(test_line_breaks_count_as_spaces),
        cmocka_unit_test(test_places_that_meet_are_one),
        cmocka_unit_test(test_empty_tokens_and_none),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
