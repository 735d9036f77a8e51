/* Properties: what a row alone makes of a line, and what it tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/property.h"
#include "session/rooms.h"
#include "test_session.h"

static void told(const char *name, const char *value) {
    char out[256] = "";
    const Property *property = commands_find(bare(), name, strlen(name))->property;
    assert_non_null(property);
    assert_true(property_value(bare(), property, out, sizeof out));
    assert_string_equal(out, value);
}

static Status run(const char *line) {
    Error err = {0};
    return commands_run(bare(), line, &err);
}

static bool every_choice(void *user, const Property *property, const Scene *scene) {
    char out[256], line[300];
    int *seen = user;
    (void)scene;
    if (property->kind != PROPERTY_CHOICE || property->set || property->where & PROPERTY_SILENT) return true;
    for (int i = 0; property_choice(property, i); i++) {
        snprintf(line, sizeof line, "%s %s", property->command.name, property_choice(property, i));
        assert_int_equal(run(line), STATUS_OK);
        assert_true(property_value(bare(), property, out, sizeof out));
        assert_string_equal(out, property_choice(property, i));
        ++*seen;
    }
    return true;
}

static void test_every_choice_is_told_as_it_was_set(void **state) {
    (void)state;
    int seen = 0;
    assert_true(property_each(ROOM, every_choice, &seen));
    assert_true(seen > 10);
}

static void test_choices_turn(void **state) {
    (void)state;
    assert_int_equal(run("transform linear"), STATUS_OK);
    assert_int_equal(run("transform previous"), STATUS_OK);
    told("transform", "log");
    assert_int_equal(run("transform next"), STATUS_OK);
    told("transform", "linear");
    Error err = {0};
    assert_int_equal(commands_run(bare(), "transform cubic", &err), STATUS_USAGE);
    assert_string_equal(err.message, "'transform' takes linear, sqrt, log or next, not 'cubic'");
    told("transform", "linear");
}

static void test_numbers_stay_within_their_limits(void **state) {
    (void)state;
    assert_int_equal(run("gamma 2"), STATUS_OK);
    told("gamma", "2");
    assert_int_equal(run("gamma 1000"), STATUS_OK);
    told("gamma", "8");
    assert_int_equal(run("gamma up"), STATUS_OK);
    told("gamma", "8");
    const char *const bad[] = {"gamma", "gamma 0", "gamma -1", "gamma nan", "gamma 2x", "gamma upwards"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        assert_int_equal(run(bad[i]), STATUS_USAGE);
    assert_int_equal(run("gamma 0.01"), STATUS_OK);
    told("gamma", "0.125");
}

static void test_switches_go_the_other_way_round(void **state) {
    (void)state;
    assert_int_equal(run("labels off"), STATUS_OK);
    told("labels", "off");
    assert_int_equal(run("labels"), STATUS_OK);
    told("labels", "on");
    assert_int_equal(run("labels perhaps"), STATUS_USAGE);
    told("labels", "on");
}

static void test_a_range_is_typed_or_a_percentile(void **state) {
    (void)state;
    assert_int_equal(run("range 0.25:0.5"), STATUS_OK);
    told("range", "0.25:0.5");
    assert_int_equal(run("range p99"), STATUS_OK);
    told("range", "p99");
    assert_int_equal(run("range 0.5:0.25"), STATUS_USAGE);
    assert_int_equal(run("range p101"), STATUS_USAGE);
    told("range", "p99");
}

int test_properties_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_choice_is_told_as_it_was_set),
        cmocka_unit_test(test_choices_turn),
        cmocka_unit_test(test_numbers_stay_within_their_limits),
        cmocka_unit_test(test_switches_go_the_other_way_round),
        cmocka_unit_test(test_a_range_is_typed_or_a_percentile),
    };
    return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
