/* How tokens are shown, whatever the file has. */
#include "test_formats.h"

/* Any bytes become valid UTF-8 without control characters. */
static void test_hostile_tokens(void **state) {
    uint64_t random = 7;
    Arena arena = {0};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        Token token;
        size_t length = (size_t)(hash_u64(random++) % sizeof(bytes));
        for (size_t j = 0; j < length; j++)
            bytes[j] = (char)hash_u64(random++);
        for (int encoding = TOKENS_AS_IS; encoding <= TOKENS_WORDPIECE; encoding++) {
            assert_true(token_text_make(&arena, bytes, length, (TokenEncoding)encoding, &token));
            assert_true(utf8_valid(token.raw, strlen(token.raw)));
            assert_true(utf8_valid(token.display, strlen(token.display)));
            for (const char *c = token.display; *c; c++)
                assert_true((unsigned char)*c >= 0x20);
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
}

int test_token_text_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_tokens),
    };
    return cmocka_run_group_tests_name("formats: token texts", tests, NULL, NULL);
}
