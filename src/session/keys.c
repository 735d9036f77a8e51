/* Which key runs which command: the rows' bindings, and those of the settings file before them. */
#include "session/app.h"
#include "session/settings_parse.h"

#include <string.h>

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

static void add_default(Commands *commands, int command, const char *name, const char *args) {
    if (commands->binding_count == BINDINGS_MAX) return;
    Binding *binding = &commands->bindings[commands->binding_count];
    const char *row = commands->items[command].row->name;
    *binding = (Binding){.command = command};
    if (!platform_key_parse(name, &binding->key, &binding->mods)) return;
    snprintf(binding->line, sizeof binding->line, "%s%s%s", row, args[0] ? " " : "", args);
    commands->binding_count++;
}

void keys_bind(App *app, const SettingsKey *keys, int count) {
    Commands *commands = &app->commands;
    commands->binding_count = 0;
    for (int i = 0; i < count && i < SETTINGS_KEYS_MAX; i++) {
        const KnownCommand *command = commands_find(app, keys[i].line, strcspn(keys[i].line, " "));
        Binding *binding = &commands->bindings[commands->binding_count++];
        *binding = (Binding){.key = keys[i].key,
                             .mods = keys[i].mods,
                             .own = true,
                             .command = command ? (int)(command - commands->items) : -1};
        snprintf(binding->line, sizeof binding->line, "%s", keys[i].line);
    }
    commands->overrides = commands->binding_count;
    for (int i = 0; i < commands->count; i++) {
        for (const char *at = commands->items[i].row->keys; at && *at;) {
            const size_t length = strcspn(at, " ");
            char name[32], args[48];
            if (split_binding(at, length, name, sizeof name, args, sizeof args)) add_default(commands, i, name, args);
            at += length;
            at += strspn(at, " ");
        }
    }
}

/* A key that was bound to nothing does nothing anywhere. */
static bool fits(const Commands *commands, const Binding *binding, const Scene *scene) {
    return binding->command < 0 || commands_fit(&commands->items[binding->command], scene);
}

/* An override of the same key holds in this scene. */
static bool is_overridden(const Commands *commands, const Binding *binding, const Scene *scene) {
    for (int i = 0; !binding->own && i < commands->overrides; i++) {
        const Binding *o = &commands->bindings[i];
        if (o->key == binding->key && o->mods == binding->mods && fits(commands, o, scene)) return true;
    }
    return false;
}

/* Overrides leave no scene in which it would do something. */
static bool is_pushed_aside(const App *app, const Binding *binding) {
    const Commands *commands = &app->commands;
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if (fits(commands, binding, *scene) && !is_overridden(commands, binding, *scene)) return false;
    }
    return true;
}

const Binding *keys_find(const App *app, int key, int mods) {
    const Commands *commands = &app->commands;
    const Binding *elsewhere = NULL;
    for (int i = 0; i < commands->binding_count; i++) {
        const Binding *b = &commands->bindings[i];
        if (b->key != key || b->mods != mods || is_pushed_aside(app, b)) continue;
        if (fits(commands, b, app->shown.scene) && !is_overridden(commands, b, app->shown.scene))
            return b->line[0] ? b : NULL;
        elsewhere = b;
    }
    return elsewhere;
}

void keys_of(const App *app, const KnownCommand *command, char *out, size_t out_size) {
    const Commands *commands = &app->commands;
    const int index = (int)(command - commands->items);
    size_t used = 0;
    bool touched = false;
    for (int i = 0; i < commands->binding_count; i++) {
        const Binding *b = &commands->bindings[i];
        touched |= b->command == index && (b->own || is_pushed_aside(app, b));
    }
    out[0] = 0;
    if (command->row->keys_shown && !touched) {
        snprintf(out, out_size, "%s", command->row->keys_shown);
        return;
    }
    for (int i = 0; i < commands->binding_count; i++) {
        char name[48];
        const Binding *b = &commands->bindings[i];
        /* "=" is "+" without Shift: an alias nobody needs to read. */
        if (b->command != index || is_pushed_aside(app, b) || (b->key == '=' && !b->own)) continue;
        platform_key_format(b->key, b->mods, name, sizeof name);
        const int length = snprintf(out + used, out_size - used, "%s%s", used ? "  " : "", name);
        if (length < 0 || (size_t)length >= out_size - used) return;
        used += (size_t)length;
    }
}
