/* Which key runs which command: the table's bindings, and those of the settings file before them. */
#include "app/settings.h"

#include <string.h>

#define BINDINGS_MAX (320 + SETTINGS_KEYS_MAX)

typedef struct Binding {
    int key, mods;
    unsigned views; /* bits; 0: pushed aside by an override */
    bool own;       /* of the settings file */
    const Command *command;
    char line[96]; /* "": the key does nothing */
} Binding;

static Binding bindings[BINDINGS_MAX];
static int binding_count;

/* "Ctrl+Up=1.25" -> key name, arguments; the separator is the last '=' that is not the key itself ("==1.25"). */
static bool split_binding(const char *text, size_t length, char *name, size_t name_size, char *args, size_t args_size) {
    size_t at = 1;
    while (at < length && text[at] != '=')
        at++;
    if (at >= length || at >= name_size || length - at > args_size) return false;
    memcpy(name, text, at);
    name[at] = 0;
    memcpy(args, text + at + 1, length - at - 1);
    args[length - at - 1] = 0;
    return true;
}

static void add_default(const Command *command, const char *name, const char *args, int overrides) {
    if (binding_count == BINDINGS_MAX) return;
    Binding *binding = &bindings[binding_count];
    *binding = (Binding){.views = app_command_views(command), .command = command};
    if (!platform_key_parse(name, &binding->key, &binding->mods)) return;
    snprintf(binding->line, sizeof binding->line, "%s%s%s", command->name, args[0] ? " " : "", args);
    for (int i = 0; i < overrides; i++) {
        if (bindings[i].key == binding->key && bindings[i].mods == binding->mods) binding->views &= ~bindings[i].views;
    }
    binding_count++;
}

void app_override_keys(const SettingsKey *keys, int count) {
    binding_count = 0;
    for (int i = 0; i < count && i < SETTINGS_KEYS_MAX; i++) {
        const Command *command = app_find_command(keys[i].line, strcspn(keys[i].line, " "));
        Binding *binding = &bindings[binding_count++];
        *binding = (Binding){.key = keys[i].key, .mods = keys[i].mods, .own = true, .command = command};
        binding->views = command ? app_command_views(command) : ~0u;
        snprintf(binding->line, sizeof binding->line, "%s", keys[i].line);
    }
    const int overrides = binding_count;
    for (int i = 0; i < APP_COMMAND_COUNT; i++) {
        for (const char *at = APP_COMMANDS[i].keys; at && *at;) {
            const size_t length = strcspn(at, " ");
            char name[32], args[48];
            if (split_binding(at, length, name, sizeof name, args, sizeof args))
                add_default(&APP_COMMANDS[i], name, args, overrides);
            at += length;
            at += strspn(at, " ");
        }
    }
}

const char *app_key_command(ViewKind view, int key, int mods) {
    const char *elsewhere = NULL;
    if (binding_count == 0) app_override_keys(NULL, 0);
    for (int i = 0; i < binding_count; i++) {
        const Binding *b = &bindings[i];
        if (b->key != key || b->mods != mods || !b->views) continue;
        if (b->views & (1u << view)) return b->line[0] ? b->line : NULL;
        elsewhere = b->line;
    }
    return elsewhere;
}

void app_command_keys(const Command *command, char *out, size_t out_size) {
    size_t used = 0;
    bool touched = false;
    if (binding_count == 0) app_override_keys(NULL, 0);
    for (int i = 0; i < binding_count; i++)
        touched |= bindings[i].command == command && (bindings[i].own || !bindings[i].views);
    out[0] = 0;
    if (command->keys_shown && !touched) {
        snprintf(out, out_size, "%s", command->keys_shown);
        return;
    }
    for (int i = 0; i < binding_count; i++) {
        char name[48];
        const Binding *b = &bindings[i];
        /* "=" is "+" without Shift: an alias nobody needs to read. */
        if (b->command != command || !b->views || (b->key == '=' && !b->own)) continue;
        platform_key_format(b->key, b->mods, name, sizeof name);
        const int length = snprintf(out + used, out_size - used, "%s%s", used ? "  " : "", name);
        if (length < 0 || (size_t)length >= out_size - used) return;
        used += (size_t)length;
    }
}
