/* Settings, and that the first-launch card was closed. Nothing here is needed: a home that cannot be read or written
 * costs nothing but what it would have kept. */
#include "app/settings.h"
#include "app/options.h"

#include <string.h>

#define CARD_FILE "card-dismissed"
#define CONFIG_FILE "config"
#define ASIDE_MAX 1000

static const char *const TRANSFORMS[] = {"linear", "sqrt", "log"};
static const char *const POOLS[] = {"mean", "mass", "max"};
static const char *const RELOADS[] = {"on", "off", "ask"};
static const char *const ASPECTS[] = {"auto", "square", "stretch"};

/* ---- the table ------------------------------------------------------------------------------- */

typedef struct Setting {
    const char *name, *choices; /* choices NULL: see check_value */
    const char *initial;        /* what holds without a file */
    bool early;                 /* settings_start has it */
} Setting;

static const Setting SETTINGS[] = {
    {"theme", "dark|light", "dark", true},
    {"scale", NULL, "1", true},
    {"cmap", NULL, "viridis", false},
    {"transform", "linear|sqrt|log", "sqrt", false},
    {"gamma", NULL, "1", false},
    {"range", NULL, "auto", false},
    {"pool", "mean|mass|max", "mean", false},
    {"aspect", "auto|square|stretch", "auto", false},
    {"labels", "on|off", "on", false},
    {"panels", "on|off", "on", false},
    {"auto-reload", "on|off|ask", "on", false},
    {"file-dialog", "system|own", "system", false},
    {"gpu-budget", NULL, NULL, true},
    {"ram-budget", NULL, NULL, true},
    {"disk-cache", "on|off", "on", true},
};
_Static_assert(BASE_COUNT(SETTINGS) <= SETTINGS_MAX, "Settings has room for all");

static int find_setting(const char *name) {
    for (size_t i = 0; i < BASE_COUNT(SETTINGS); i++) {
        if (!strcmp(SETTINGS[i].name, name)) return (int)i;
    }
    return -1;
}

static bool is_choice(const char *choices, const char *value) {
    const size_t length = strlen(value);
    while (*choices) {
        const size_t part = strcspn(choices, "|");
        if (part == length && !memcmp(choices, value, part)) return true;
        choices += part + (choices[part] == '|');
    }
    return false;
}

static bool check_value(int setting, const char *value, char *why, size_t why_size) {
    const Setting *s = &SETTINGS[setting];
    ColormapId cmap;
    double number;
    size_t bytes;
    if (s->choices) {
        if (is_choice(s->choices, value)) return true;
        snprintf(why, why_size, "'%s' takes %s, not '%.40s'", s->name, s->choices, value);
        return false;
    }
    if (!strcmp(s->name, "cmap") && draw_colormap_parse(value, &cmap)) return true;
    if (!strcmp(s->name, "scale") && text_parse_f64(value, &number) && number >= 0.5 && number <= 4) return true;
    if (!strcmp(s->name, "gamma") && text_parse_f64(value, &number) && number >= 0.125 && number <= 8) return true;
    if (!strcmp(s->name, "range") &&
        (!strcmp(value, "auto") ||
         (value[0] == 'p' && text_parse_f64(value + 1, &number) && number >= 0 && number <= 100)))
        return true;
    if (text_ends_with(s->name, "-budget") && options_bytes(s->name, value, &bytes, NULL) == STATUS_OK) return true;
    snprintf(why, why_size, "'%s' cannot be '%.40s'", s->name, value);
    return false;
}

static bool check_command(const char *line, char *why, size_t why_size) {
    const size_t name = strcspn(line, " ");
    if (app_find_command(line, name)) return true;
    snprintf(why, why_size, "there is no command '%.*s'", (int)i64_min((int64_t)name, 60), line);
    return false;
}

const SettingsHooks *settings_hooks(void) {
    static const SettingsHooks HOOKS = {find_setting, check_value, platform_key_parse, check_command};
    return &HOOKS;
}

const char *settings_value(const Settings *settings, const char *name) {
    const int at = settings ? find_setting(name) : -1;
    return at >= 0 && settings->values[at][0] ? settings->values[at] : NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Out of the way, so that a new one can be written, and nothing of it is lost. */
static bool keep_aside(const char *path, char *name, size_t name_size) {
    char aside[APP_PATH_SIZE + 16];
    for (int n = 1; n < ASIDE_MAX; n++) {
        FileInfo info;
        snprintf(aside, sizeof aside, "%s.bad-%d", path, n);
        if (file_path_info(aside, &info, NULL) == STATUS_OK) continue;
        snprintf(name, name_size, "%s", file_base_name(aside));
        return file_rename(path, aside);
    }
    return false;
}

static void say_unreadable(const char *path, const char *why, char *said, size_t said_size) {
    char name[64];
    if (keep_aside(path, name, sizeof name))
        snprintf(said, said_size, "settings not readable (%s): kept as %s, defaults are used", why, name);
    else
        snprintf(said, said_size, "settings not readable (%s): defaults are used; the file is %s", why, path);
}

void settings_load(Settings *out, char *said, size_t said_size) {
    char path[APP_PATH_SIZE], *text = NULL;
    size_t size = 0;
    FileInfo info;
    Error err = {0};
    memset(out, 0, sizeof *out);
    said[0] = 0;
    if (!file_xdg_path(XDG_CONFIG, CONFIG_FILE, path, sizeof path)) return;
    if (file_path_info(path, &info, NULL) != STATUS_OK) return; /* the usual case */
    const char *why = info.is_directory               ? "it is a folder"
                      : info.size > SETTINGS_FILE_MAX ? "it is larger than 64 kB"
                                                      : NULL;
    if (!why && file_read_all(path, SETTINGS_FILE_MAX, &text, &size, &err) != STATUS_OK) why = err.message;
    if (!why && (memchr(text, 0, size) || !utf8_valid(text, size))) why = "it is not text";
    if (why && err.status != STATUS_MEMORY) say_unreadable(path, why, said, said_size);
    if (!why) settings_parse(text, size, settings_hooks(), out);
    if (out->problems > 1)
        snprintf(said, said_size, "settings, %s; and %d more", out->problem, out->problems - 1);
    else if (out->problems == 1)
        snprintf(said, said_size, "settings, %s", out->problem);
    mem_free(text);
}

void settings_start(const Settings *settings, AppParams *params) {
    double scale;
    const char *value;
    if ((value = settings_value(settings, "theme"))) params->light = !strcmp(value, "light");
    if ((value = settings_value(settings, "scale")) && text_parse_f64(value, &scale)) params->scale = (float)scale;
    if ((value = settings_value(settings, "gpu-budget")))
        (void)options_bytes("gpu-budget", value, &params->gpu_budget, NULL);
    if ((value = settings_value(settings, "ram-budget")))
        (void)options_bytes("ram-budget", value, &params->ram_budget, NULL);
    if ((value = settings_value(settings, "disk-cache")) && !strcmp(value, "off")) params->disk_cache = false;
}

void settings_apply(const Settings *settings, App *app, bool keys_only) {
    app_override_keys(settings->keys, settings->key_count);
    app->settings = settings;
    for (size_t i = 0; i < BASE_COUNT(SETTINGS); i++) {
        char line[SETTINGS_VALUE_SIZE + 32];
        if (keys_only || SETTINGS[i].early || !settings->values[i][0]) continue;
        snprintf(line, sizeof line, "%s %s", SETTINGS[i].name, settings->values[i]);
        (void)app_command(app, line, NULL);
    }
    app->message.text[0] = 0; /* nobody asked for what commands say */
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What is set now; false for what cannot be changed while the program runs. */
static bool current_value(const App *app, const char *name, char *out, size_t out_size) {
    const Look *look = &app->look;
    const struct {
        const char *name, *value;
    } WORDS[] = {
        {"theme", app->ui.light ? "light" : "dark"},
        {"cmap", draw_colormap_name(look->colours.cmap)},
        {"transform", TRANSFORMS[look->colours.transform]},
        {"pool", POOLS[look->colours.channel]},
        {"aspect", ASPECTS[look->matrix.fit_mode]},
        {"labels", look->labels ? "on" : "off"},
        {"panels", app->ui.folded ? "off" : "on"},
        {"auto-reload", RELOADS[app->reload.mode]},
        {"file-dialog", app->chooser.own ? "own" : "system"},
    };
    for (size_t i = 0; i < BASE_COUNT(WORDS); i++) {
        if (strcmp(WORDS[i].name, name)) continue;
        snprintf(out, out_size, "%s", WORDS[i].value);
        return true;
    }
    if (!strcmp(name, "scale")) {
        snprintf(out, out_size, "%.4g", (double)app->ui.scale);
    } else if (!strcmp(name, "gamma")) {
        snprintf(out, out_size, "%.4g", (double)look->colours.gamma);
    } else if (!strcmp(name, "range")) { /* numbers belong to what is open, not to the next capture */
        if (look->colours.range_mode == RANGE_PERCENTILE)
            snprintf(out, out_size, "p%g", look->colours.percentile);
        else
            snprintf(out, out_size, "auto");
    } else {
        return false;
    }
    return true;
}

static void append_missing(const App *app, const bool *written, TextBuffer *out) {
    for (size_t i = 0; i < BASE_COUNT(SETTINGS); i++) {
        char value[SETTINGS_VALUE_SIZE];
        if (written[i] || !current_value(app, SETTINGS[i].name, value, sizeof value)) continue;
        if (strcmp(value, SETTINGS[i].initial)) text_appendf(out, "%s = %s\n", SETTINGS[i].name, value);
    }
}

/* The text that settings_save writes for a file that holds `old`. */
static bool merge(const App *app, const char *old, size_t length, TextBuffer *out) {
    bool written[SETTINGS_MAX] = {false}, sections = false;
    for (size_t at = 0; at < length;) {
        char name[64] = "", value[256] = "", now[SETTINGS_VALUE_SIZE];
        const char *end = memchr(old + at, '\n', length - at);
        const size_t size = end ? (size_t)(end - old) - at : length - at;
        const SettingsPart part = sections
                                      ? SETTINGS_NOTHING
                                      : settings_split(old + at, size, false, name, sizeof name, value, sizeof value);
        const int setting = part == SETTINGS_ENTRY ? find_setting(name) : -1;
        if (part == SETTINGS_SECTION) {
            append_missing(app, written, out);
            sections = true;
        }
        if (setting >= 0 && !written[setting] && current_value(app, name, now, sizeof now))
            text_appendf(out, "%s = %s\n", name, now);
        else {
            text_append_bytes(out, old + at, size);
            text_append(out, "\n");
        }
        if (setting >= 0) written[setting] = true;
        at += size + 1;
    }
    if (!sections) append_missing(app, written, out);
    return !out->failed;
}

Status settings_save(const App *app, char *path, size_t path_size, Error *err) {
    char folder[APP_PATH_SIZE], *old = NULL;
    size_t size = 0;
    TextBuffer text = {0};
    FileInfo info;
    Status status = STATUS_OK;
    if (!file_xdg_path(XDG_CONFIG, CONFIG_FILE, path, path_size))
        return error_set(err, STATUS_NOT_FOUND, "there is no home folder to keep settings in");
    if (file_path_info(path, &info, NULL) == STATUS_OK)
        status = file_read_all(path, SETTINGS_FILE_MAX, &old, &size, err);
    if (status == STATUS_OK && !merge(app, old ? old : "", size, &text))
        status = error_set(err, STATUS_MEMORY, "not enough memory to save the settings");
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(path) - path), path);
    if (status == STATUS_OK) status = file_make_directories(folder, err);
    if (status == STATUS_OK) status = file_write_all(path, text.text ? text.text : "", text.length, err);
    text_buffer_free(&text);
    mem_free(old);
    return status;
}

bool cmd_settings(App *app, const char *args, Error *err) {
    char path[APP_PATH_SIZE];
    if (strcmp(args, "save")) {
        error_set(err, STATUS_USAGE, "'settings' takes save, not '%.40s'", args);
        return false;
    }
    if (settings_save(app, path, sizeof path, err) == STATUS_OK) app_say(app, SAY_INFO, "saved %s", path);
    return true;
}

/* ---- the card -------------------------------------------------------------------------------- */

bool settings_card_dismissed(void) {
    char path[APP_PATH_SIZE];
    return file_xdg_path(XDG_STATE, CARD_FILE, path, sizeof path) && file_exists(path);
}

void settings_dismiss_card(void) {
    char path[APP_PATH_SIZE], directory[APP_PATH_SIZE];
    if (!file_xdg_path(XDG_STATE, CARD_FILE, path, sizeof path)) return;
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (!slash) return;
    *slash = 0;
    if (file_make_directories(directory, NULL) == STATUS_OK) (void)file_write_all(path, "", 0, NULL);
}
