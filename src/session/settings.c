/* Settings, and that the first-launch card was closed. Nothing here is needed: a home that cannot be read or written
 * costs nothing but what it would have kept. */
#include "session/settings.h"
#include "session/options.h"
#include "session/property.h"

#include <string.h>

#define CARD_FILE "card-dismissed"
#define CONFIG_FILE "config"
#define ASIDE_MAX 1000

/* ---- the table ------------------------------------------------------------------------------- */

typedef struct Finding {
    const char *name; /* NULL: by number */
    int at, number;
    const Property *found;
} Finding;

static bool is_it(void *user, const Property *property, const Scene *scene) {
    Finding *f = user;
    (void)scene;
    if (!(property->where & PROPERTY_SETTING)) return true;
    const bool it = f->name ? !strcmp(property_name(property), f->name) : f->at == f->number;
    if (it) f->found = property;
    f->at += !it;
    return !it;
}

static const Property *setting_at(const Catalog *catalog, int number) {
    Finding finding = {.number = number};
    (void)property_each(catalog, is_it, &finding);
    return finding.found;
}

/* Settings are numbered as the catalog lists them. */
static int find_setting(const void *catalog, const char *name) {
    Finding finding = {.name = name};
    (void)property_each(catalog, is_it, &finding);
    return finding.found ? finding.at : -1;
}

static bool is_choice(const Property *property, const char *value, char *list, size_t size) {
    const char *name;
    size_t used = 0;
    bool found = false;
    for (int i = 0; (name = property_choice(property, i)) != NULL; i++) {
        found |= !strcmp(name, value);
        used += (size_t)snprintf(list + used, used < size ? size - used : 0, "%s%s", i ? "|" : "", name);
    }
    return found;
}

static bool check_value(const void *catalog, int setting, const char *value, char *why, size_t why_size) {
    const Property *property = setting_at(catalog, setting);
    const char *name = property_name(property);
    char list[160] = "on|off";
    double number;
    if (property->check ? property->check(value) : false) return true;
    if (!property->check && property->kind == PROPERTY_NUMBER && text_parse_f64(value, &number) &&
        number >= property->least && number <= property->most)
        return true;
    if (!property->check && property->kind <= PROPERTY_SWITCH && property->kind != PROPERTY_NUMBER) {
        const bool fits = property->kind == PROPERTY_SWITCH ? !strcmp(value, "on") || !strcmp(value, "off")
                                                            : is_choice(property, value, list, sizeof list);
        if (!fits) snprintf(why, why_size, "'%s' takes %s, not '%.40s'", name, list, value);
        return fits;
    }
    snprintf(why, why_size, "'%s' cannot be '%.40s'", name, value);
    return false;
}

static const Command *row_of(const Command *rows, const char *line, size_t length) {
    for (; rows && rows->name; rows++) {
        if (strlen(rows->name) == length && !memcmp(rows->name, line, length)) return rows;
    }
    return NULL;
}

typedef struct Naming {
    const char *line;
    size_t length;
} Naming;

static bool is_other(void *user, const Property *property, const Scene *scene) {
    const Naming *n = user;
    const char *name = property->command.name;
    (void)scene;
    return property->where & PROPERTY_SILENT || strlen(name) != n->length || memcmp(name, n->line, n->length);
}

static bool is_command(const Catalog *catalog, const char *line, size_t length) {
    Naming naming = {line, length};
    for (const Command *const *rows = catalog->commands; *rows; rows++) {
        if (row_of(*rows, line, length)) return true;
    }
    for (const Scene *const *scene = catalog->scenes; *scene; scene++) {
        if (row_of((*scene)->commands, line, length)) return true;
    }
    for (const Part *const *part = catalog->parts; *part; part++) {
        if (row_of((*part)->commands, line, length)) return true;
    }
    return !property_each(catalog, is_other, &naming);
}

static bool check_command(const void *catalog, const char *line, char *why, size_t why_size) {
    const size_t name = strcspn(line, " ");
    if (is_command(catalog, line, name)) return true;
    snprintf(why, why_size, "there is no command '%.*s'", (int)i64_min((int64_t)name, 60), line);
    return false;
}

SettingsHooks settings_hooks(const Catalog *catalog) {
    return (SettingsHooks){catalog, find_setting, check_value, platform_key_parse, check_command};
}

static const char *value_of(const Settings *settings, const Catalog *catalog, const char *name) {
    const int at = settings ? find_setting(catalog, name) : -1;
    return at >= 0 && at < SETTINGS_MAX && settings->values[at][0] ? settings->values[at] : NULL;
}

const char *settings_value(const App *app, const char *name) {
    return value_of(app->settings, app->catalog, name);
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

void settings_load(const Catalog *catalog, Settings *out, char *said, size_t said_size) {
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
    const SettingsHooks hooks = settings_hooks(catalog);
    if (!why) settings_parse(text, size, &hooks, out);
    if (out->problems > 1)
        snprintf(said, said_size, "settings, %s; and %d more", out->problem, out->problems - 1);
    else if (out->problems == 1)
        snprintf(said, said_size, "settings, %s", out->problem);
    mem_free(text);
}

typedef struct Applying {
    const Settings *settings;
    const Catalog *catalog;
    App *app;          /* NULL: before anything is open */
    AppParams *params; /* then */
} Applying;

static bool apply_setting(void *user, const Property *property, const Scene *scene) {
    const Applying *a = user;
    (void)scene;
    if (!(property->where & PROPERTY_SETTING)) return true;
    const char *value = value_of(a->settings, a->catalog, property_name(property));
    if (!value || (property->early != NULL) != (a->params != NULL)) return true;
    Error err = {0};
    if (a->params)
        (void)property->early(a->params, value, &err);
    else /* not by its command, which may belong to a scene that is not shown yet */
        (void)property_command(a->app, property, value, &err);
    return true;
}

void settings_start(const Catalog *catalog, const Settings *settings, AppParams *params) {
    Applying applying = {.settings = settings, .catalog = catalog, .params = params};
    (void)property_each(catalog, apply_setting, &applying);
}

void settings_apply(const Settings *settings, App *app, bool keys_only) {
    keys_bind(app, settings->keys, settings->key_count);
    app->settings = settings;
    Applying applying = {.settings = settings, .catalog = app->catalog, .app = app};
    if (!keys_only) (void)property_each(app->catalog, apply_setting, &applying);
    app->message.text[0] = 0; /* nobody asked for what commands say */
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What is set now, unless it is of one capture; false for what cannot be changed while the program runs. */
static bool current_value(const App *app, const Property *property, char *out, size_t out_size) {
    if (property->where & PROPERTY_SILENT || !property_value(app, property, out, out_size)) return false;
    if (property->check && !property->check(out)) snprintf(out, out_size, "%s", property->initial);
    return true;
}

static void append_missing(const App *app, const bool *written, TextBuffer *out) {
    const Property *property;
    for (int i = 0; i < SETTINGS_MAX && (property = setting_at(app->catalog, i)) != NULL; i++) {
        char value[SETTINGS_VALUE_SIZE];
        if (written[i] || !current_value(app, property, value, sizeof value)) continue;
        if (strcmp(value, property->initial)) text_appendf(out, "%s = %s\n", property_name(property), value);
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
        const int setting = part == SETTINGS_ENTRY ? find_setting(app->catalog, name) : -1;
        if (part == SETTINGS_SECTION) {
            append_missing(app, written, out);
            sections = true;
        }
        if (setting >= 0 && !written[setting] && current_value(app, setting_at(app->catalog, setting), now, sizeof now))
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

static bool cmd_settings(App *app, const char *args, Error *err) {
    char path[APP_PATH_SIZE];
    if (strcmp(args, "save")) {
        error_set(err, STATUS_USAGE, "'settings' takes save, not '%.40s'", args);
        return false;
    }
    if (settings_save(app, path, sizeof path, err) == STATUS_OK) app_say(app, SAY_INFO, "saved %s", path);
    return true;
}

// clang-format off
const Command SETTINGS_COMMANDS[] = {
    {"settings", "save", cmd_settings, NULL, "Window", "keep theme, scale, colours and the like for next time", NULL, .trusted = true},
    {.name = NULL},
};

/* Budgets and the disk cache are decided before anything is open. */
static Status early_gpu_budget(AppParams *params, const char *value, Error *err) {
    return options_bytes("gpu-budget", value, &params->gpu_budget, err);
}

static Status early_ram_budget(AppParams *params, const char *value, Error *err) {
    return options_bytes("ram-budget", value, &params->ram_budget, err);
}

static bool check_bytes(const char *value) {
    size_t bytes;
    return options_bytes("budget", value, &bytes, NULL) == STATUS_OK;
}

static Status early_disk_cache(AppParams *params, const char *value, Error *err) {
    (void)err;
    params->disk_cache = params->disk_cache && strcmp(value, "off");
    return STATUS_OK;
}

static Status early_size(AppParams *params, const char *value, Error *err) {
    return options_size("size", value, &params->width, &params->height, err);
}

#define EARLY (PROPERTY_OPTION | PROPERTY_SILENT)
const Property MACHINE_PROPERTIES[] = {
    {.command = {.name = "size"}, .kind = PROPERTY_TEXT, .where = EARLY, .early = early_size,
     .option = {.arg = "WxH", .help = "of the window or picture"}},
    {.command = {.name = "gpu-budget"}, .kind = PROPERTY_TEXT, .where = EARLY | PROPERTY_SETTING, .early = early_gpu_budget,
     .check = check_bytes, .option = {.arg = "SIZE", .help = "GPU memory for tiles, such as 512M"}},
    {.command = {.name = "ram-budget"}, .kind = PROPERTY_TEXT, .where = EARLY | PROPERTY_SETTING, .early = early_ram_budget,
     .check = check_bytes, .option = {.arg = "SIZE", .help = "memory for finished tiles"}},
    {.command = {.name = "disk-cache"}, .kind = PROPERTY_SWITCH, .where = PROPERTY_SILENT | PROPERTY_SETTING, .early = early_disk_cache},
    {.command = {.name = NULL}},
};
// clang-format on
