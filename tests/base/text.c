#include "test_base.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_utf8_round_trips(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        size_t length = utf8_encode(code, bytes);
        size_t at = 0;
        uint32_t wanted = code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code;
        assert_true(utf8_decode(bytes, length, &at) == wanted);
        assert_int_equal(at, length);
        assert_true(utf8_valid(bytes, length));
        if (length > 1) {
            assert_false(utf8_valid(bytes, length - 1));
        }
    }
    char bytes[4];
    assert_int_equal(utf8_encode(0x110000, bytes), 3);
    assert_memory_equal(bytes, "\xef\xbf\xbd", 3);
}

static void test_utf8_invalid(void **state) {
    (void)state;
    static const char *const broken[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xff",         "\xc3",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc3(",
        "\xe2\x82(",
    };
    for (size_t i = 0; i < BASE_COUNT(broken); i++) {
        size_t length = strlen(broken[i]);
        assert_false(utf8_valid(broken[i], length));
        size_t at = 0;
        assert_true(utf8_decode(broken[i], length, &at) == 0xFFFD);
        assert_int_equal(at, 1);
        while (at < length) { /* always advances, never runs past the end */
            size_t before = at;
            utf8_decode(broken[i], length, &at);
            assert_true(at > before && at <= length);
        }
    }
    size_t at = 3;
    assert_int_equal(utf8_decode("abc", 3, &at), 0);
    assert_int_equal(at, 3);
}

static void test_comparisons(void **state) {
    (void)state;
    assert_true(text_equal_nocase("Ctrl+UP", "ctrl+up"));
    assert_false(text_equal_nocase("ctrl", "ctrl+"));
    assert_false(text_equal_nocase("@", "`"));
    assert_true(text_ends_with("a.npz", ".npz") && text_ends_with("x", ""));
    assert_false(text_ends_with("npz", ".npz"));
    assert_true(text_starts_with("layer 3", "layer") && !text_starts_with("la", "layer"));
}

static void test_parse_i64(void **state) {
    (void)state;
    int64_t v = 0;
    assert_true(text_parse_i64("0", &v) && v == 0);
    assert_true(text_parse_i64("-17", &v) && v == -17);
    assert_true(text_parse_i64("+17", &v) && v == 17);
    assert_true(text_parse_i64("9223372036854775807", &v) && v == INT64_MAX);
    assert_true(text_parse_i64("-9223372036854775808", &v) && v == INT64_MIN);
    v = 5;
    static const char *const wrong[] = {"",
                                        "-",
                                        "+",
                                        " 1",
                                        "1 ",
                                        "1x",
                                        "0x10",
                                        "1.0",
                                        "--1",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999999"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        assert_false(text_parse_i64(wrong[i], &v));
    }
    assert_true(v == 5);
}

static void test_parse_f64(void **state) {
    (void)state;
    double v = 0;
    assert_true(text_parse_f64("0.02", &v) && v == 0.02);
    assert_true(text_parse_f64("-.5", &v) && v == -0.5);
    assert_true(text_parse_f64("5.", &v) && v == 5);
    assert_true(text_parse_f64("+1e-3", &v) && v == 1e-3);
    assert_true(text_parse_f64("2E2", &v) && v == 200);
    assert_true(text_parse_f64("1e-400", &v) && v == 0);
    v = 5;
    static const char *const wrong[] = {"",   ".",   "-",     "e5",  "1e",  "1e+",   " 1",
                                        "1 ", "1,5", "0x1p3", "inf", "nan", "1e999", "1.2.3"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        assert_false(text_parse_f64(wrong[i], &v));
    }
    assert_true(v == 5);
}

static void check_count(int64_t value, const char *wanted) {
    char out[32];
    text_format_count(value, out, sizeof(out));
    assert_string_equal(out, wanted);
}

static void check_bytes(uint64_t value, const char *wanted) {
    char out[32];
    text_format_bytes(value, out, sizeof(out));
    assert_string_equal(out, wanted);
}

static void test_formats(void **state) {
    (void)state;
    check_count(0, "0");
    check_count(999, "999");
    check_count(1000, "1,000");
    check_count(131072, "131,072");
    check_count(-1234567, "-1,234,567");
    check_count(INT64_MIN, "-9,223,372,036,854,775,808");
    char small[4];
    text_format_count(123456, small, sizeof(small));
    assert_string_equal(small, "123");
    check_bytes(0, "0 B");
    check_bytes(999, "999 B");
    check_bytes(1000, "1.0 kB");
    check_bytes(2684354560u, "2.7 GB");
    check_bytes(137438953472u, "137 GB");
    check_bytes(999999, "1.0 MB");
    check_bytes(99949, "99.9 kB");
    check_bytes(99951, "100 kB");
    check_bytes(UINT64_MAX, "18.4 EB");
}

static void test_buffer(void **state) {
    (void)state;
    TextBuffer buffer = {0};
    text_append(&buffer, "");
    assert_string_equal(buffer.text, "");
    text_append(&buffer, "head ");
    text_appendf(&buffer, "%d of %s", 3, "12");
    text_append_bytes(&buffer, "!?", 1);
    assert_string_equal(buffer.text, "head 3 of 12!");
    assert_int_equal(buffer.length, strlen(buffer.text));
    for (int i = 0; i < 1000; i++) {
        text_appendf(&buffer, "%d,", i);
    }
    assert_int_equal(buffer.length, strlen(buffer.text));
    assert_false(buffer.failed);
    text_buffer_free(&buffer);
    assert_null(buffer.text);
}

static void test_buffer_failure_sticks(void **state) {
    (void)state;
    TextBuffer buffer = {0};
    text_append(&buffer, "kept");
    mem_fail_after(1, false);
    for (int i = 0; i < 100; i++) {
        text_append(&buffer, "lost");
    }
    mem_fail_after(0, false);
    assert_true(buffer.failed);
    size_t length = buffer.length;
    text_append(&buffer, "lost too");
    text_appendf(&buffer, "%d", 1);
    text_append_json(&buffer, "x");
    assert_int_equal(buffer.length, length);
    assert_int_equal(strlen(buffer.text), length);
    text_buffer_free(&buffer);
}

static void check_json(const char *text, const char *wanted) {
    TextBuffer buffer = {0};
    text_append_json(&buffer, text);
    assert_string_equal(buffer.text, wanted);
    text_buffer_free(&buffer);
}

static void test_json_text(void **state) {
    (void)state;
    check_json(NULL, "null");
    check_json("", "\"\"");
    check_json("a\"b\\c\n\t\r\b\f", "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\"");
    check_json("\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"");
    check_json("\xc4\xa0 caf\xc3\xa9 \xf0\x9f\x98\x80", "\"\xc4\xa0 caf\xc3\xa9 \xf0\x9f\x98\x80\"");
    check_json("a\xff\xe2\x82z", "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void check_f32(float value, const char *wanted) {
    TextBuffer buffer = {0};
    text_append_json_f32(&buffer, value);
    assert_string_equal(buffer.text, wanted);
    text_buffer_free(&buffer);
}

static void check_f64(double value, const char *wanted) {
    TextBuffer buffer = {0};
    text_append_json_f64(&buffer, value);
    assert_string_equal(buffer.text, wanted);
    text_buffer_free(&buffer);
}

static void test_json_numbers(void **state) {
    (void)state;
    check_f32(0.1f, "0.1");
    check_f32(0, "0");
    check_f32(-0.0f, "-0");
    check_f32(16777216, "16777216");
    check_f32(1.0f / 3.0f, "0.33333334");
    check_f32(0x1p-149f, "1e-45");
    check_f32(NAN, "null");
    check_f32(-INFINITY, "null");
    check_f64(0.1, "0.1");
    check_f64(0.1 + 0.2, "0.30000000000000004");
    check_f64(5e-324, "5e-324");
    check_f64(HUGE_VAL, "null");
    TextBuffer buffer = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t bits64 = hash_u64(i);
        uint32_t bits32 = (uint32_t)bits64;
        float f;
        double d;
        memcpy(&f, &bits32, sizeof(f));
        memcpy(&d, &bits64, sizeof(d));
        buffer.length = 0;
        text_append_json_f32(&buffer, f);
        assert_true(isfinite(f) ? strtof(buffer.text, NULL) == f : strcmp(buffer.text, "null") == 0);
        buffer.length = 0;
        text_append_json_f64(&buffer, d);
        assert_true(isfinite(d) ? strtod(buffer.text, NULL) == d : strcmp(buffer.text, "null") == 0);
    }
    text_buffer_free(&buffer);
}

int test_text_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_round_trips), cmocka_unit_test(test_utf8_invalid),
        cmocka_unit_test(test_comparisons),      cmocka_unit_test(test_parse_i64),
        cmocka_unit_test(test_parse_f64),        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_buffer),           cmocka_unit_test(test_buffer_failure_sticks),
        cmocka_unit_test(test_json_text),        cmocka_unit_test(test_json_numbers),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
