/* Lines become commands, keys become lines, and parts hear of it: with a catalog of two scenes and a part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/notes.h"
#include "session/rooms.h"
#include "test_session.h"

static const Notes *notes(void) {
    return app_state(bare(), &NOTES_STATE);
}

static Status run(const char *line, Error *err) {
    *err = (Error){0};
    return commands_run(bare(), line, err);
}

static void expect_key(const Scene *scene, int key, int mods, const char *line) {
    bare()->shown.scene = scene;
    const Binding *binding = keys_find(bare(), key, mods);
    if (!line) {
        assert_null(binding);
        return;
    }
    assert_non_null(binding);
    assert_string_equal(binding->line, line);
    bare()->shown.scene = &PIXELS;
}

static void test_rows_are_gathered_by_group(void **state) {
    (void)state;
    const Commands *commands = &bare()->commands;
    const char *const *group = ROOM->groups;
    for (int i = 0; i < commands->count; i++) {
        const char *of = commands->items[i].row->group;
        while (*group && (!of || strcmp(*group, of)))
            group++;
        if (of && !*group) fail_msg("%s comes too late", commands->items[i].row->name);
        assert_ptr_equal(commands_find(bare(), commands->items[i].row->name, strlen(commands->items[i].row->name)),
                         &commands->items[i]);
    }
    assert_ptr_equal(commands_find(bare(), "select", 6)->scene, &LIST);
    assert_non_null(commands_find(bare(), "cmap", 4)->property);
    assert_non_null(commands_find(bare(), "reload", 6));  /* of a part */
    assert_null(commands_find(bare(), "gpu-budget", 10)); /* silent */
    assert_null(commands_find(bare(), "sel", 3));
}

static void test_a_key_means_what_its_scene_makes_of_it(void **state) {
    (void)state;
    expect_key(&PIXELS, ' ', 0, "play");
    expect_key(&LIST, ' ', 0, "select toggle");
    expect_key(&LIST, 'f', 0, "fit");
    expect_key(&PIXELS, 'c', MOD_SHIFT, "cmap previous");
    expect_key(&PIXELS, 'c', MOD_ALT, NULL);
    expect_key(&PIXELS, KEY_F5, 0, "reload");
}

static void test_lines(void **state) {
    (void)state;
    Error err;
    assert_int_equal(run("  zoom   2  ", &err), STATUS_OK);
    assert_string_equal(notes()->run, "zoom 2");
    assert_int_equal(run("frobnicate 3", &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "'frobnicate'"));
    assert_int_equal(run("select toggle", &err), STATUS_NOT_FOUND);
    assert_string_equal(err.message, "'select' is for the list");
    char line[8000];
    memset(line, 'x', sizeof line);
    memcpy(line, "zoom ", 5);
    line[sizeof line - 1] = 0;
    assert_int_equal(run(line, &err), STATUS_USAGE);
    assert_string_equal(notes()->run, "zoom 2"); /* what failed is not told */
}

static void test_a_script_ends_at_what_fails(void **state) {
    (void)state;
    Error err = {0};
    const int before = notes()->runs;
    assert_int_equal(commands_run_script(bare(), " ;fit;\n zoom 3 \n;", &err), STATUS_OK);
    assert_int_equal(notes()->runs, before + 2);
    assert_int_equal(commands_run_script(bare(), "fit; far 9; fit", &err), STATUS_RANGE);
    assert_string_equal(err.message, "9 is too far");
    assert_int_equal(notes()->runs, before + 3);
    commands_run_line(bare(), "far 10");
    assert_string_equal(bare()->message.text, "10 is too far");
    assert_int_equal(bare()->message.severity, SAY_ERROR);
}

static void test_scenes_are_shown_by_name(void **state) {
    (void)state;
    Error err;
    assert_ptr_equal(scene_named(bare(), "dots"), &PIXELS); /* its name of before */
    assert_null(scene_named(bare(), "lis"));
    assert_int_equal(run("view list", &err), STATUS_NOT_FOUND); /* nothing is open */
    assert_int_equal(run("view cube", &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "pixels, list, next or previous"));
    const int before = notes()->scenes;
    scene_show(bare(), &LIST);
    assert_int_equal(notes()->scenes, before + 1);
    assert_true(scene_has(bare(), SCENE_PATTERNS) && !scene_has(bare(), SCENE_PATTERNS | SCENE_CELLS));
    scene_show(bare(), &PIXELS);
    assert_null(app_state(bare(), &(const StateKey){.size = 1})); /* of a stranger */
}

static void test_no_memory_to_begin(void **state) {
    (void)state;
    static App app;
    bool worked = false;
    for (uint64_t n = 1; n < 10 && !worked; n++) {
        Error err = {0};
        mem_fail_after(n, true);
        const Status status = program_begin(&app, ROOM, &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && err.message[0]));
    }
    assert_true(worked);
    program_close(&app);
}

int test_commands_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_gathered_by_group),
        cmocka_unit_test(test_a_key_means_what_its_scene_makes_of_it),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_script_ends_at_what_fails),
        cmocka_unit_test(test_scenes_are_shown_by_name),
        cmocka_unit_test(test_no_memory_to_begin),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
