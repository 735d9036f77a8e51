/* The commands of the catalog, gathered by group, and how a line becomes one of them. */
#include "session/app.h"
#include "session/property.h"

#include <string.h>

#define LINE_MAX_SIZE (APP_PATH_SIZE + 256)

/* ---- gathering ------------------------------------------------------------------------------- */

static bool of_group(const Command *row, const char *group) {
    return group ? row->group && !strcmp(row->group, group) : !row->group;
}

static void gather_rows(Commands *commands, const Command *rows, const char *group, const Scene *scene) {
    for (const Command *row = rows; row && row->name; row++) {
        if (!of_group(row, group) || commands->count == COMMANDS_MAX) continue;
        commands->items[commands->count++] = (KnownCommand){.row = row, .scene = scene};
    }
}

static void gather_properties(Commands *commands, const Property *rows, const char *group, const Scene *scene) {
    for (const Property *row = rows; row && row->command.name; row++) {
        if (row->where & PROPERTY_SILENT || !of_group(&row->command, group) || commands->count == COMMANDS_MAX)
            continue;
        commands->items[commands->count++] = (KnownCommand){.row = &row->command, .scene = scene, .property = row};
    }
}

static void gather_group(App *app, const char *group) {
    const Catalog *catalog = app->catalog;
    Commands *commands = &app->commands;
    for (const Command *const *rows = catalog->commands; *rows; rows++)
        gather_rows(commands, *rows, group, NULL);
    for (const Property *const *rows = catalog->properties; *rows; rows++)
        gather_properties(commands, *rows, group, NULL);
    for (const Scene *const *scene = catalog->scenes; *scene; scene++) {
        gather_rows(commands, (*scene)->commands, group, *scene);
        gather_properties(commands, (*scene)->properties, group, *scene);
    }
    for (const Part *const *part = catalog->parts; *part; part++) {
        gather_rows(commands, (*part)->commands, group, NULL);
        gather_properties(commands, (*part)->properties, group, NULL);
    }
}

void commands_gather(App *app) {
    app->commands.count = 0;
    for (const char *const *group = app->catalog->groups; *group; group++)
        gather_group(app, *group);
    gather_group(app, NULL);
}

const KnownCommand *commands_find(const App *app, const char *name, size_t length) {
    for (int i = 0; i < app->commands.count; i++) {
        const char *known = app->commands.items[i].row->name;
        if (strlen(known) == length && !memcmp(known, name, length)) return &app->commands.items[i];
    }
    return NULL;
}

/* ---- where a command makes sense ------------------------------------------------------------- */

bool commands_fit(const KnownCommand *command, const Scene *scene) {
    if (command->scene) return command->scene == scene;
    return (scene->traits & command->row->needs) == command->row->needs;
}

void commands_where(const App *app, const KnownCommand *command, char *out, size_t out_size) {
    const bool strips = scene_has(app, SCENE_STRIPS);
    out[0] = 0;
    if (strips && !(command->scene && command->scene->traits & SCENE_STRIPS)) {
        snprintf(out, out_size, "for patterns of attention: these are probabilities of tokens");
        return;
    }
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if (!commands_fit(command, *scene) || !(*scene)->words.where) continue;
        snprintf(out, out_size, "%s", (*scene)->words.where);
        return;
    }
}

/* ---- running --------------------------------------------------------------------------------- */

static bool run(App *app, const KnownCommand *command, const char *args, Error *err) {
    if (command->row->handler) return command->row->handler(app, args, err);
    return property_command(app, command->property, args, err);
}

Status commands_run(App *app, const char *line, Error *err) {
    Error local = {0};
    if (!err) err = &local;
    while (*line == ' ')
        line++;
    const size_t length = strcspn(line, " ");
    const char *args = line + length;
    while (*args == ' ')
        args++;
    const KnownCommand *command = commands_find(app, line, length);
    if (!command)
        return error_set(err, STATUS_USAGE, "there is no command '%.*s'", (int)i64_min((int64_t)length, 60), line);
    char copy[LINE_MAX_SIZE];
    if (strlen(args) >= sizeof copy)
        return error_set(err, STATUS_USAGE, "a command is longer than %d characters", LINE_MAX_SIZE - 1);
    snprintf(copy, sizeof copy, "%s", args);
    for (size_t end = strlen(copy); end > 0 && copy[end - 1] == ' '; end--)
        copy[end - 1] = 0;
    if (!commands_fit(command, app->shown.scene)) {
        char where[128];
        commands_where(app, command, where, sizeof where);
        return error_set(err, STATUS_NOT_FOUND, "'%s' is %s", command->row->name, where);
    }
    err->status = STATUS_OK;
    if (run(app, command, copy, err)) app->pace.redraw = true;
    for (const Part *const *part = app->catalog->parts; err->status == STATUS_OK && *part; part++) {
        if ((*part)->command_run) (*part)->command_run(app, command->row, copy);
    }
    return err->status;
}

Status commands_run_script(App *app, const char *script, Error *err) {
    while (*script) {
        const size_t length = strcspn(script, ";\n");
        char line[LINE_MAX_SIZE];
        if (length >= sizeof line)
            return error_set(err, STATUS_USAGE, "a command is longer than %d characters", LINE_MAX_SIZE - 1);
        memcpy(line, script, length);
        line[length] = 0;
        const char *start = line + strspn(line, " \t\r");
        if (*start) {
            const Status status = commands_run(app, start, err);
            if (status != STATUS_OK) return status;
        }
        script += length;
        if (*script) script++;
    }
    return STATUS_OK;
}

void commands_run_line(App *app, const char *line) {
    Error err = {0};
    if (commands_run(app, line, &err) != STATUS_OK) {
        char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
        error_format(&err, text, sizeof text);
        app_say(app, err.status == STATUS_NOT_FOUND ? SAY_INFO : SAY_ERROR, "%s", text);
    }
}
