/* The commands of the whole program, without a window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "session/app.h"
#include "test_app.h"

static const char *line_of(const Scene *scene, int key, int mods) {
    bare()->shown.scene = scene;
    const Binding *binding = keys_find(bare(), key, mods);
    return binding ? binding->line : NULL;
}

static const char *line_in(const char *scene, int key, int mods) {
    return line_of(scene_named(bare(), scene), key, mods);
}

static void test_every_default_key_parses_and_is_bound_once_in_a_view(void **state) {
    (void)state;
    const Commands *commands = &bare()->commands;
    int keys = 0;
    for (int i = 0; i < commands->count; i++) {
        for (const char *at = commands->items[i].row->keys; at && *at; at += strspn(at, " ")) {
            keys++;
            at += strcspn(at, " ");
        }
    }
    assert_int_equal(commands->binding_count, keys); /* each can be read, and there was room for it */
    assert_true(keys > 60);
    for (const Scene *const *scene = CATALOG.scenes; *scene; scene++) {
        for (int i = 0; i < commands->binding_count; i++) {
            const Binding *b = &commands->bindings[i];
            const char *line = line_of(*scene, b->key, b->mods);
            if (!commands_fit(&commands->items[b->command], *scene)) continue;
            assert_non_null(line);
            if (strcmp(line, b->line)) fail_msg("'%s' and '%s' have one key in %s", line, b->line, (*scene)->name);
        }
    }
}

static void test_every_command_with_a_key_has_a_help_line(void **state) {
    (void)state;
    const Commands *commands = &bare()->commands;
    for (int i = 0; i < commands->count; i++) {
        const Command *command = commands->items[i].row;
        if (!command->group) continue;
        assert_non_null(command->help);
        char keys[256];
        keys_of(bare(), &commands->items[i], keys, sizeof keys);
        if (command->keys && !keys[0]) fail_msg("%s shows no keys", command->name);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(command->name, commands->items[j].row->name);
    }
}

static void test_modifiers_are_exact(void **state) {
    (void)state;
    assert_string_equal(line_in("matrix", 'c', 0), "cmap next");
    assert_string_equal(line_in("matrix", 'c', MOD_SHIFT), "cmap previous");
    assert_string_equal(line_in("matrix", 'c', MOD_CTRL), "copy");
    assert_null(line_in("matrix", 'c', MOD_ALT));
    assert_null(line_in("matrix", 'f', MOD_ALT));
    assert_string_equal(line_in("matrix", KEY_DOWN, 0), "layer +1");
    assert_string_equal(line_in("matrix", '3', MOD_SHIFT), "solo-head 3");
}

static void test_a_key_may_mean_something_else_in_another_view(void **state) {
    (void)state;
    assert_string_equal(line_in("matrix", ' ', 0), "play");
    assert_string_equal(line_in("grid", ' ', 0), "select toggle");
    assert_string_equal(line_in("grid", 'm', 0), "mean"); /* which then says that it is for the matrix */
    Error err = {0};
    bare()->shown.scene = scene_named(bare(), "grid");
    assert_int_equal(commands_run(bare(), "mean", &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "matrix"));
    bare()->shown.scene = scene_named(bare(), "matrix");
    assert_int_equal(commands_run(bare(), "open-head", &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "grid"));
    assert_ptr_equal(scene_named(bare(), "text"), scene_named(bare(), "probabilities")); /* its name of before */
}

static void test_unknown_commands_are_named(void **state) {
    (void)state;
    App *app = mem_alloc_zeroed(1, sizeof *app);
    Error err = {0};
    assert_int_equal(program_begin(app, &CATALOG, &err), STATUS_OK);
    assert_int_equal(commands_run(app, "frobnicate 3", &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "frobnicate"));
    assert_int_equal(commands_run_script(app, "; ;\n", &err), STATUS_OK);
    /* Without a capture, commands say so instead of crashing. */
    for (int i = 0; i < app->commands.count; i++) {
        const char *name = app->commands.items[i].row->name;
        const char *needs_window[] = {"fullscreen", "ask",   "screenshot", "state", "wait", "copy-command",
                                      "key",        "wheel", "open",       "find",  "mark"};
        bool skip = false;
        for (size_t j = 0; j < BASE_COUNT(needs_window); j++)
            skip |= !strcmp(name, needs_window[j]);
        if (!skip) (void)commands_run(app, name, &err);
    }
    program_close(app);
    mem_free(app);
}

int test_commands_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_default_key_parses_and_is_bound_once_in_a_view),
        cmocka_unit_test(test_every_command_with_a_key_has_a_help_line),
        cmocka_unit_test(test_modifiers_are_exact),
        cmocka_unit_test(test_a_key_may_mean_something_else_in_another_view),
        cmocka_unit_test(test_unknown_commands_are_named),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
