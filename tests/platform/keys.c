#include "test_platform.h"

#include <string.h>

static void check_parse(const char *name, int wanted_key, int wanted_mods) {
    int key = -1, mods = -1;
    if (!platform_key_parse(name, &key, &mods) || key != wanted_key || mods != wanted_mods) {
        print_error("%s: key %d mods %d, wanted %d and %d\n", name, key, mods, wanted_key, wanted_mods);
        fail();
    }
}

static void check_format(int key, int mods, const char *wanted) {
    char out[64];
    platform_key_format(key, mods, out, sizeof(out));
    assert_string_equal(out, wanted);
}

static void test_parse(void **state) {
    (void)state;
    check_parse("Ctrl+Shift+C", 'c', MOD_CTRL | MOD_SHIFT);
    check_parse("c", 'c', 0);
    check_parse("C", 'c', 0);
    check_parse("ctrl+up", KEY_UP, MOD_CTRL);
    check_parse("SHIFT+TAB", KEY_TAB, MOD_SHIFT);
    check_parse("PgUp", KEY_PAGE_UP, 0);
    check_parse("pagedown", KEY_PAGE_DOWN, 0);
    check_parse("escape", KEY_ESCAPE, 0);
    check_parse("F12", KEY_F12, 0);
    check_parse("Alt+Shift+Left", KEY_LEFT, MOD_ALT | MOD_SHIFT);
    check_parse("Cmd+Control+0", '0', MOD_SUPER | MOD_CTRL);
    check_parse("/", '/', 0);
    check_parse("?", '/', MOD_SHIFT);
    check_parse("+", '=', MOD_SHIFT);
    check_parse("Plus", '=', MOD_SHIFT);
    check_parse("Ctrl++", '=', MOD_CTRL | MOD_SHIFT);
    check_parse("-", '-', 0);
    check_parse("Ctrl+minus", '-', MOD_CTRL);
    check_parse("space", ' ', 0);
    check_parse("[", '[', 0);
    check_parse("\xc3\xb6", 0xf6, 0);
}

static void test_parse_refuses(void **state) {
    (void)state;
    static const char *const wrong[] = {"",       "Ctrl+",     "Ctrl", "Hyper+C", "F13", "F0",   "cc",  " ",
                                        "c+Ctrl", "Ctrl+Ctrl", "++c",  "\x7f",    "\n",  "\xff", "\xc3"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        int key = 77, mods = 78;
        if (platform_key_parse(wrong[i], &key, &mods)) {
            fail_msg("\"%s\" was taken as key %d", wrong[i], key);
        }
        assert_int_equal(key, 77);
        assert_int_equal(mods, 78);
    }
}

static void test_format(void **state) {
    (void)state;
    check_format('c', MOD_CTRL | MOD_SHIFT, "Ctrl+Shift+C");
    check_format('c', 0, "c");
    check_format(KEY_UP, MOD_CTRL, "Ctrl+Up");
    check_format(KEY_LEFT, MOD_ALT | MOD_SHIFT, "Alt+Shift+Left");
    check_format(KEY_F9, MOD_SHIFT, "Shift+F9");
    check_format('/', MOD_SHIFT, "?");
    check_format('=', MOD_SHIFT | MOD_CTRL, "Ctrl++");
    check_format('-', 0, "-");
    check_format(' ', 0, "Space");
    check_format('1', MOD_SHIFT, "Shift+1");
    check_format(KEY_PAGE_UP, 0, "PgUp");
    char small[5];
    platform_key_format('c', MOD_CTRL, small, sizeof(small));
    assert_string_equal(small, "Ctrl");
}

static void test_round_trips(void **state) {
    (void)state;
    int keys[512];
    size_t count = 0;
    for (int key = ' '; key < 0x7f; key++) {
        bool reported_as_base = strchr("?+:\"<>{}|_~", key) != NULL;
        if (!(key >= 'A' && key <= 'Z') && !reported_as_base) {
            keys[count++] = key;
        }
    }
    for (int key = KEY_ESCAPE; key <= KEY_F12; key++) {
        keys[count++] = key;
    }
    keys[count++] = 0xf6;
    keys[count++] = 0x20ac;
    for (size_t i = 0; i < count; i++) {
        for (int mods = 0; mods < 16; mods++) {
            char name[64];
            platform_key_format(keys[i], mods, name, sizeof(name));
            check_parse(name, keys[i], mods);
        }
    }
}

int test_keys_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trips),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
