/* The text of a settings file:
 *
 *   # a remark
 *   theme = light
 *   [keys]
 *   Ctrl+K = cmap next
 *   F12 = none
 *
 * Only base is used: what settings, keys and commands there are is asked of whoever calls, so that this can be fuzzed. */
#ifndef ATTNSCOPE_SESSION_SETTINGS_PARSE_H
#define ATTNSCOPE_SESSION_SETTINGS_PARSE_H

#include "base/base.h"

#define SETTINGS_MAX 48
#define SETTINGS_VALUE_SIZE 64
#define SETTINGS_KEYS_MAX 128
#define SETTINGS_FILE_MAX ((size_t)64 << 10)

typedef struct SettingsKey {
    int key, mods;
    int at;        /* line of the file */
    char line[96]; /* command; "": none */
} SettingsKey;

typedef struct Settings {
    char values[SETTINGS_MAX][SETTINGS_VALUE_SIZE]; /* "": not in the file */
    SettingsKey keys[SETTINGS_KEYS_MAX];
    int key_count;
    int problems;
    char problem[320]; /* the first: "line 3: there is no setting 'them'" */
} Settings;

/* Those that refuse something fill `why`. */
typedef struct SettingsHooks {
    const void *user;
    int (*find)(const void *user, const char *name); /* index below SETTINGS_MAX; -1: there is no such setting */
    bool (*check)(const void *user, int setting, const char *value, char *why, size_t why_size);
    bool (*key)(const char *name, int *key, int *mods);
    bool (*command)(const void *user, const char *line, char *why, size_t why_size);
} SettingsHooks;

/* Lines that cannot be used are counted; the others hold. Of lines about the same thing the first one holds. */
void settings_parse(const char *text, size_t length, const SettingsHooks *hooks, Settings *out);

typedef enum SettingsPart { SETTINGS_NOTHING, SETTINGS_SECTION, SETTINGS_ENTRY, SETTINGS_WRONG } SettingsPart;
/* Takes one line apart (without its end): a section's name, or name and value, trimmed. In the section `keys`, '=' may be
 * the key's name. */
SettingsPart settings_split(const char *line, size_t length, bool keys, char *name, size_t name_size, char *value,
                            size_t value_size);

#endif
