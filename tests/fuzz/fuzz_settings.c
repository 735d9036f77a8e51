/* The settings file: whatever it holds, what comes out is within bounds, and a line is problem or setting. Names of keys
 * and commands stand for those of the program, which needs SDL. */
#include "session/settings_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find(const void *user, const char *name) {
    (void)user;
    static const char *const NAMES[] = {"theme", "cmap", "scale"};
    for (int i = 0; i < 3; i++) {
        if (!strcmp(NAMES[i], name)) return i;
    }
    return -1;
}

static bool check(const void *user, int setting, const char *value, char *why, size_t why_size) {
    (void)user;
    if (setting < 0 || setting > 2 || !value[0] || strlen(value) >= SETTINGS_VALUE_SIZE) abort();
    if (value[0] != 'x') return true;
    snprintf(why, why_size, "'%s' is wrong", value);
    return false;
}

static bool key(const char *name, int *out, int *mods) {
    if (!name[0]) abort();
    *out = (unsigned char)name[strlen(name) - 1];
    *mods = strncmp(name, "Ctrl+", 5) ? 0 : 1;
    return name[0] != '?';
}

static bool command(const void *user, const char *line, char *why, size_t why_size) {
    (void)user;
    if (!line[0]) abort();
    snprintf(why, why_size, "there is no command '%s'", line);
    return line[0] != '?';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const SettingsHooks HOOKS = {NULL, find, check, key, command};
    static Settings settings;
    char *text = malloc(size ? size : 1); /* no byte behind the end */
    if (!text) return 0;
    memcpy(text, data, size);
    settings_parse(text, size, &HOOKS, &settings);
    if (settings.key_count < 0 || settings.key_count > SETTINGS_KEYS_MAX) abort();
    if ((settings.problems > 0) != (settings.problem[0] != 0)) abort();
    for (int i = 0; i < SETTINGS_MAX; i++) {
        if (!memchr(settings.values[i], 0, SETTINGS_VALUE_SIZE)) abort();
    }
    for (int i = 0; i < settings.key_count; i++) {
        if (!memchr(settings.keys[i].line, 0, sizeof settings.keys[i].line)) abort();
    }
    free(text);
    return 0;
}
