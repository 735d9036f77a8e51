/* The settings file: what is read of it, what is said about it, what is written back; key bindings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/rooms.h"
#include "session/settings.h"
#include "test_session.h"

static Settings parsed(const char *text) {
    Settings settings;
    const SettingsHooks hooks = settings_hooks(ROOM);
    settings_parse(text, strlen(text), &hooks, &settings);
    return settings;
}

static void holds(const Settings *settings, const char *name, const char *value) {
    bare()->settings = settings;
    const char *found = settings_value(bare(), name);
    bare()->settings = NULL;
    if (!value) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_string_equal(found, value);
}

static void test_names_and_values(void **state) {
    (void)state;
    const Settings s = parsed(
        "\xEF\xBB\xBF# remark\r\n  theme =light\r\ncmap=magma\n\n scale\t=\t1.25 \nrange = p99\ngpu-budget = 512M");
    assert_int_equal(s.problems, 0);
    holds(&s, "theme", "light");
    holds(&s, "cmap", "magma");
    holds(&s, "scale", "1.25");
    holds(&s, "range", "p99");
    holds(&s, "gpu-budget", "512M");
    holds(&s, "pool", NULL);
    holds(&s, "no such setting", NULL);
    holds(NULL, "theme", NULL);
    assert_int_equal(parsed("").problems, 0);
}

static void wrong(const char *text, const char *said, int problems) {
    const Settings s = parsed(text);
    if (s.problems != problems || !strstr(s.problem, said)) fail_msg("%d: %s", s.problems, s.problem);
}

static void test_wrong_lines_are_named_and_the_rest_holds(void **state) {
    (void)state;
    wrong("theme = light\nthem = dark\n", "line 2: there is no setting 'them'", 1);
    wrong("theme = pink", "line 1: 'theme' takes dark|light, not 'pink'", 1);
    wrong("\n\ntheme", "line 3: this is not 'name = value'", 1);
    wrong("= light", "line 1: this is not", 1);
    wrong("theme =", "line 1: ", 1);
    wrong("scale = 99", "'scale' cannot be '99'", 1);
    wrong("range = 0:1", "'range' cannot be", 1);
    wrong("gpu-budget = lots", "'gpu-budget' cannot be", 1);
    wrong("theme = dark\ntheme = light", "line 2: 'theme' is set in line 1 already", 1);
    wrong("[colours]\nx = y\n[keys]\nQ = nonsense", "line 1: there is no section [colours]", 2);
    const Settings s = parsed("x = 1\ntheme = light\ny\ncmap = magma");
    assert_int_equal(s.problems, 2);
    holds(&s, "theme", "light");
    holds(&s, "cmap", "magma");
    char line[3000];
    memset(line, 'a', sizeof line);
    memcpy(line, "theme = ", 8);
    line[sizeof line - 1] = 0;
    wrong(line, "line 1: ", 1);
}

static void test_key_lines(void **state) {
    (void)state;
    const Settings s = parsed("[keys]\nCtrl+K = cmap next\n= = zoom 2\nCtrl++ = fit\nF12=none\nCtrl+== = pan 0,1\n");
    assert_int_equal(s.problems, 1); /* the last one: "= pan 0,1" is no command */
    assert_int_equal(s.key_count, 4);
    assert_string_equal(s.keys[0].line, "cmap next");
    assert_true(s.keys[0].key == 'k' && s.keys[0].mods == MOD_CTRL);
    assert_true(s.keys[1].key == '=' && s.keys[1].mods == 0);
    assert_string_equal(s.keys[1].line, "zoom 2");
    assert_true(s.keys[2].mods & MOD_CTRL);
    assert_string_equal(s.keys[2].line, "fit");
    assert_string_equal(s.keys[3].line, "");
    wrong("[keys]\nHyper+K = fit", "line 2: there is no key called 'Hyper+K'", 1);
    wrong("[keys]\nk = frobnicate 3", "line 2: there is no command 'frobnicate'", 1);
    wrong("[keys]\nk = fit\nK = mean", "line 3: K is bound in line 2 already", 1);
    wrong("[keys]\nk =", "line 2: a command is missing", 1);
    char many[20000] = "[keys]\n";
    const char mods[][20] = {"", "Ctrl+", "Alt+", "Shift+", "Ctrl+Alt+", "Ctrl+Shift+"};
    size_t used = strlen(many);
    for (size_t m = 0; m < 6; m++)
        for (int c = 'a'; c <= 'z'; c++)
            used += (size_t)snprintf(many + used, sizeof many - used, "%s%c = fit\n", mods[m], c);
    const Settings full = parsed(many);
    assert_int_equal(full.key_count, SETTINGS_KEYS_MAX);
    assert_int_equal(full.problems, 6 * 26 - SETTINGS_KEYS_MAX);
}

static const char *line_of(int key, int mods) {
    const Binding *binding = keys_find(bare(), key, mods);
    return binding ? binding->line : NULL;
}

static void test_overridden_keys_replace_those_of_the_table(void **state) {
    (void)state;
    char keys[160];
    const Settings s = parsed("[keys]\nc = fit\nCtrl+K = cmap next\nF5 = none\nSpace = select toggle\n");
    assert_int_equal(s.problems, 0);
    keys_bind(bare(), s.keys, s.key_count);
    assert_string_equal(line_of('c', 0), "fit");
    assert_string_equal(line_of('k', MOD_CTRL), "cmap next");
    assert_string_equal(line_of('c', MOD_SHIFT), "cmap previous");
    assert_null(line_of(KEY_F5, 0));
    assert_string_equal(line_of(' ', 0), "play"); /* select is of the grid */
    keys_of(bare(), commands_find(bare(), "cmap", 4), keys, sizeof keys);
    assert_string_equal(keys, "Ctrl+K  Shift+C");
    keys_of(bare(), commands_find(bare(), "fit", 3), keys, sizeof keys);
    assert_string_equal(keys, "c  f");
    keys_of(bare(), commands_find(bare(), "reload", 6), keys, sizeof keys);
    assert_string_equal(keys, "");
    keys_of(bare(), commands_find(bare(), "layer", 5), keys, sizeof keys);
    assert_string_equal(keys, "Up Down  Home End"); /* untouched: as the table writes it */
    keys_bind(bare(), NULL, 0);
    assert_string_equal(line_of('c', 0), "cmap next");
    assert_string_equal(line_of(KEY_F5, 0), "reload");
}

/* ---- files ----------------------------------------------------------------------------------- */

static char home[256], config[300];

static int make_home(void **state) {
    (void)state;
    snprintf(home, sizeof home, "/tmp/attnscope-settings-XXXXXX");
    if (!mkdtemp(home)) return -1;
    setenv("XDG_CONFIG_HOME", home, 1);
    snprintf(config, sizeof config, "%s/attnscope", home);
    return mkdir(config, 0700);
}

static bool remove_entry(void *user, const char *name, const FileInfo *info) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", (const char *)user, name);
    if (info->is_directory) folder_visit(path, remove_entry, path);
    return file_remove(path) || true;
}

static int remove_home(void **state) {
    (void)state;
    folder_visit(home, remove_entry, home);
    return rmdir(home);
}

static const char *in_config(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", config, name);
    return path;
}

static void put(const char *text, size_t size) {
    assert_int_equal(file_write_all(in_config("config"), text, size, NULL), STATUS_OK);
}

static void test_no_file_is_no_news(void **state) {
    (void)state;
    Settings s;
    char said[300] = "x";
    settings_load(ROOM, &s, said, sizeof said);
    assert_string_equal(said, "");
    holds(&s, "theme", NULL);
}

static void test_what_cannot_be_read_is_kept_aside(void **state) {
    (void)state;
    Settings s;
    char said[400], large[70000];
    put("theme = light\n\0x", 16);
    settings_load(ROOM, &s, said, sizeof said);
    assert_non_null(strstr(said, "it is not text"));
    assert_non_null(strstr(said, "config.bad-1"));
    holds(&s, "theme", NULL);
    assert_false(file_exists(in_config("config")));
    assert_true(file_exists(in_config("config.bad-1")));
    put("theme = \xFF\xFE", 10);
    settings_load(ROOM, &s, said, sizeof said);
    assert_true(file_exists(in_config("config.bad-1")) && file_exists(in_config("config.bad-2")));
    memset(large, '#', sizeof large);
    put(large, sizeof large);
    settings_load(ROOM, &s, said, sizeof said);
    assert_non_null(strstr(said, "config.bad-3"));
    assert_int_equal(mkdir(in_config("config"), 0700), 0);
    settings_load(ROOM, &s, said, sizeof said);
    assert_non_null(strstr(said, "it is a folder"));
    assert_true(file_exists(in_config("config.bad-4")));
    settings_load(ROOM, &s, said, sizeof said);
    assert_string_equal(said, "");
}

static void test_problems_are_said_and_the_file_stays(void **state) {
    (void)state;
    Settings s;
    char said[400];
    const char *text = "theme = light\nthem = x\ncmap = none\n";
    put(text, strlen(text));
    settings_load(ROOM, &s, said, sizeof said);
    assert_string_equal(said, "settings, line 2: there is no setting 'them'; and 1 more");
    holds(&s, "theme", "light");
    assert_true(file_exists(in_config("config")));
}

static void test_saving_keeps_what_people_wrote(void **state) {
    (void)state;
    App *app = mem_alloc_zeroed(1, sizeof *app);
    char path[APP_PATH_SIZE], *text = NULL;
    size_t size;
    Error err = {0};
    assert_int_equal(program_begin(app, ROOM, &err), STATUS_OK);
    assert_int_equal(settings_save(app, path, sizeof path, &err), STATUS_OK); /* nothing differs from the start */
    assert_int_equal(file_read_all(path, 1000, &text, &size, NULL), STATUS_OK);
    assert_string_equal(text, "");
    mem_free(text);
    const char *mine = "# mine\ntheme = dark\nthem = x\ngpu-budget = 1G\n\n[keys]\nk = fit # no remark\n";
    put(mine, strlen(mine));
    app->ui.light = true;
    app->look.colours.cmap = CMAP_MAGMA;
    app->look.labels = false;
    assert_int_equal(settings_save(app, path, sizeof path, &err), STATUS_OK);
    assert_int_equal(file_read_all(path, 1000, &text, &size, NULL), STATUS_OK);
    assert_string_equal(text, "# mine\ntheme = light\nthem = x\ngpu-budget = 1G\n\ncmap = magma\nlabels = off\n[keys]\n"
                              "k = fit # no remark\n");
    Settings s = parsed(text);
    holds(&s, "cmap", "magma");
    mem_free(text);
    app->ui.light = false; /* said before, so said again although it is what the program starts with */
    assert_int_equal(settings_save(app, path, sizeof path, &err), STATUS_OK);
    assert_int_equal(file_read_all(path, 1000, &text, &size, NULL), STATUS_OK);
    assert_non_null(strstr(text, "theme = dark\n"));
    mem_free(text);
    setenv("XDG_CONFIG_HOME", "/proc", 1);
    assert_int_not_equal(settings_save(app, path, sizeof path, &err), STATUS_OK);
    assert_true(err.message[0]);
    program_close(app);
    mem_free(app);
}

int test_settings_group(void) {
#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values),
        cmocka_unit_test(test_wrong_lines_are_named_and_the_rest_holds),
        cmocka_unit_test(test_key_lines),
        cmocka_unit_test(test_overridden_keys_replace_those_of_the_table),
        IN_HOME(test_no_file_is_no_news),
        IN_HOME(test_what_cannot_be_read_is_kept_aside),
        IN_HOME(test_problems_are_said_and_the_file_stays),
        IN_HOME(test_saving_keeps_what_people_wrote),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
