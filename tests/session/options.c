/* Options of verbs, and the demos that are built in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/app.h"
#include "session/demo.h"
#include "session/options.h"
#include "test_session.h"

typedef struct Parsed {
    const char *size, *out;
    bool json;
} Parsed;

static Status parse(Parsed *p, int argc, char **argv, const char **rest, size_t *count, Error *err) {
    const Option table[] = {{"size", 0, "WxH", "", &p->size, NULL},
                            {"output", 'o', "OUT", "", &p->out, NULL},
                            {"json", 0, NULL, "", NULL, &p->json}};
    return options_parse(table, 3, argc, argv, rest, 2, count, err);
}

static void test_options(void **state) {
    (void)state;
    Parsed p = {0};
    const char *rest[2];
    size_t count;
    Error err = {0};
    char *good[] = {"file", "--size=3x4", "-o", "x.png", "--json", "--", "--odd"};
    assert_int_equal(parse(&p, 7, good, rest, &count, &err), STATUS_OK);
    assert_string_equal(p.size, "3x4");
    assert_string_equal(p.out, "x.png");
    assert_true(p.json);
    assert_int_equal(count, 2);
    assert_string_equal(rest[1], "--odd");
    char *attached[] = {"-ox.png", "--size", "1x1", "-"};
    assert_int_equal(parse(&p, 4, attached, rest, &count, &err), STATUS_OK);
    assert_string_equal(rest[0], "-");
    char *unknown[] = {"--sizes=3"}, *missing[] = {"--size"}, *valued[] = {"--json=1"}, *many[] = {"a", "b", "c"};
    assert_int_equal(parse(&p, 1, unknown, rest, &count, &err), STATUS_USAGE);
    assert_int_equal(parse(&p, 1, missing, rest, &count, &err), STATUS_USAGE);
    assert_int_equal(parse(&p, 1, valued, rest, &count, &err), STATUS_USAGE);
    assert_int_equal(parse(&p, 3, many, rest, &count, &err), STATUS_USAGE);
}

static void test_sizes_and_bytes(void **state) {
    (void)state;
    int w, h;
    size_t bytes;
    Error err = {0};
    assert_int_equal(options_size("size", "1280x720", &w, &h, &err), STATUS_OK);
    assert_true(w == 1280 && h == 720);
    const char *bad[] = {"", "x", "0x5", "5x0", "12", "1x99999999999999999999", "-1x3", "1280x720x"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_int_equal(options_size("size", bad[i], &w, &h, &err), STATUS_USAGE);
    assert_int_equal(options_bytes("b", "512M", &bytes, &err), STATUS_OK);
    assert_true(bytes == 512u << 20);
    assert_int_equal(options_bytes("b", "1.5GiB", &bytes, &err), STATUS_OK);
    assert_true(bytes == (size_t)3 << 29);
    const char *bad_bytes[] = {"", "M", "-1", "nan", "1X", "1e30G", "0"};
    for (size_t i = 0; i < BASE_COUNT(bad_bytes); i++)
        assert_int_equal(options_bytes("b", bad_bytes[i], &bytes, &err), STATUS_USAGE);
}

static void test_demos_are_built_in(void **state) {
    (void)state;
    assert_true(demo_count() >= 1);
    Capture *capture = NULL;
    Error err = {0};
    for (int i = 0; i < demo_count(); i++) {
        if (demo_open(demo_at(i), &capture, &err) != STATUS_OK) fail_msg("%s", err.message);
        assert_true(capture_set(capture, 0)->layer_count >= 1);
        capture_close(capture);
    }
    assert_null(demo_find("no such demo"));
}

int test_options_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_sizes_and_bytes),
        cmocka_unit_test(test_demos_are_built_in),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
