#include "session/settings_parse.h"

#include <string.h>

#define NAME_SIZE 64
#define VALUE_SIZE 256

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **text, size_t *length) {
    while (*length > 0 && is_blank((*text)[0])) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && is_blank((*text)[*length - 1]))
        (*length)--;
}

static bool copy(const char *text, size_t length, char *out, size_t out_size) {
    trim(&text, &length);
    if (length >= out_size) return false;
    memcpy(out, text, length);
    out[length] = 0;
    return true;
}

/* Where the sign between name and value is; `length` where there is none. */
static size_t find_sign(const char *line, size_t length, bool keys) {
    for (size_t at = 0; at < length; at++) {
        if (line[at] != '=') continue;
        size_t before = at;
        while (before > 0 && is_blank(line[before - 1]))
            before--;
        /* "= = zoom 1.25", "Ctrl+= = fit": the first one is the key */
        if (keys && (before == 0 || line[at - 1] == '+')) continue;
        return at;
    }
    return length;
}

SettingsPart settings_split(const char *line, size_t length, bool keys, char *name, size_t name_size, char *value,
                            size_t value_size) {
    trim(&line, &length);
    if (length == 0 || line[0] == '#') return SETTINGS_NOTHING;
    if (line[0] == '[' && line[length - 1] == ']')
        return copy(line + 1, length - 2, name, name_size) ? SETTINGS_SECTION : SETTINGS_WRONG;
    const size_t sign = find_sign(line, length, keys);
    if (sign == length || !copy(line, sign, name, name_size) || !name[0] ||
        !copy(line + sign + 1, length - sign - 1, value, value_size))
        return SETTINGS_WRONG;
    return SETTINGS_ENTRY;
}

typedef struct Reader {
    const SettingsHooks *hooks;
    Settings *out;
    int line;
    bool keys, skip;        /* in [keys]; in a section that means nothing here */
    int seen[SETTINGS_MAX]; /* lines */
} Reader;

static void problem(Reader *r, const char *format, ...) BASE_PRINTF(2, 3);
static void problem(Reader *r, const char *format, ...) {
    if (r->out->problems++ > 0) return;
    va_list args;
    va_start(args, format);
    const int used = snprintf(r->out->problem, sizeof r->out->problem, "line %d: ", r->line);
    vsnprintf(r->out->problem + used, sizeof r->out->problem - (size_t)used, format, args);
    va_end(args);
}

static void read_setting(Reader *r, const char *name, const char *value) {
    char why[160] = "";
    const int setting = r->hooks->find(r->hooks->user, name);
    if (setting < 0 || setting >= SETTINGS_MAX) {
        problem(r, "there is no setting '%s'", name);
    } else if (r->seen[setting]) {
        problem(r, "'%s' is set in line %d already", name, r->seen[setting]);
    } else if (!value[0] || strlen(value) >= SETTINGS_VALUE_SIZE ||
               !r->hooks->check(r->hooks->user, setting, value, why, sizeof why)) {
        problem(r, "%s", why[0] ? why : "a value is missing, or too long");
    } else {
        r->seen[setting] = r->line;
        snprintf(r->out->values[setting], SETTINGS_VALUE_SIZE, "%s", value);
    }
}

static void read_key(Reader *r, const char *name, const char *line) {
    char why[160] = "";
    SettingsKey key = {.at = r->line};
    const bool none = !strcmp(line, "none");
    if (!r->hooks->key(name, &key.key, &key.mods)) {
        problem(r, "there is no key called '%s'", name);
        return;
    }
    for (int i = 0; i < r->out->key_count; i++) {
        if (r->out->keys[i].key != key.key || r->out->keys[i].mods != key.mods) continue;
        problem(r, "%s is bound in line %d already", name, r->out->keys[i].at);
        return;
    }
    if (!line[0] || strlen(line) >= sizeof key.line) {
        problem(r, "a command is missing, or too long");
    } else if (!none && !r->hooks->command(r->hooks->user, line, why, sizeof why)) {
        problem(r, "%s", why);
    } else if (r->out->key_count == SETTINGS_KEYS_MAX) {
        problem(r, "more than %d keys are bound", SETTINGS_KEYS_MAX);
    } else {
        snprintf(key.line, sizeof key.line, "%s", none ? "" : line);
        r->out->keys[r->out->key_count++] = key;
    }
}

static void read_line(Reader *r, const char *line, size_t length) {
    char name[NAME_SIZE] = "", value[VALUE_SIZE] = "";
    switch (settings_split(line, length, r->keys, name, sizeof name, value, sizeof value)) {
    case SETTINGS_NOTHING:
        break;
    case SETTINGS_SECTION:
        r->keys = !strcmp(name, "keys");
        r->skip = !r->keys;
        if (r->skip) problem(r, "there is no section [%s], only [keys]", name);
        break;
    case SETTINGS_ENTRY:
        if (r->skip) break;
        if (r->keys)
            read_key(r, name, value);
        else
            read_setting(r, name, value);
        break;
    case SETTINGS_WRONG:
        if (!r->skip) problem(r, "this is not 'name = value'");
        break;
    }
}

void settings_parse(const char *text, size_t length, const SettingsHooks *hooks, Settings *out) {
    memset(out, 0, sizeof *out);
    Reader reader = {.hooks = hooks, .out = out};
    size_t at = length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
    while (at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end ? (size_t)(end - text) - at : length - at;
        reader.line++;
        read_line(&reader, text + at, line);
        at += line + 1;
    }
}
