/* Reading the open capture again, by hand or because it has changed, at the same place in it. What cannot be read leaves
 * the picture as it is. */
#include "features/parts.h"
#include "session/chores.h"
#include "session/files.h"
#include "session/property.h"
#include "session/watch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64

typedef enum AutoReload { RELOAD_ON, RELOAD_OFF, RELOAD_ASK } AutoReload;

typedef struct Reload {
    Watch *watch; /* NULL: files are not watched */
    AutoReload mode;
} Reload;

static const StateKey STATE = {.size = sizeof(Reload)};

static Reload *reload_of(const App *app) {
    return app_state(app, &STATE);
}

static Status reload(App *app, Error *err) {
    const char *paths[FILES_MAX];
    size_t count = app->opened.captures[0].path_count;
    char *copy = mem_alloc(app->opened.captures[0].paths_size + 1);
    if (!copy) return error_set(err, STATUS_MEMORY, "not enough memory to read the file again");
    memcpy(copy, app->opened.captures[0].paths, app->opened.captures[0].paths_size);
    const char *at = copy;
    for (size_t i = 0; i < count; i++) {
        paths[i] = at;
        at += strlen(at) + 1;
    }
    app->opened.again = true; /* whoever keeps something for the capture keeps it */
    const Status status = captures_open(app, paths, count, err);
    app->opened.again = false;
    mem_free(copy);
    return status;
}

static bool cmd_reload(App *app, const char *args, Error *err) {
    (void)args;
    if (!app_capture(app) || app->opened.captures[0].path_count == 0) return false;
    if (reload(app, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "read again: %s", capture_name(app_capture(app)));
    return true;
}

/* ---- by itself ------------------------------------------------------------------------------- */

static void changed(App *app) {
    char name[256];
    Error err = {0};
    snprintf(name, sizeof name, "%s", capture_name(app_capture(app)));
    if (reload_of(app)->mode == RELOAD_ASK) {
        app_say(app, SAY_INFO, "%s has changed: F5 reads it again", name);
    } else if (reload(app, &err) == STATUS_OK) {
        app_say(app, SAY_INFO, "%s has changed and was read again", name);
    } else {
        app_say(app, SAY_WARNING, "%s has changed and cannot be read (%s): this is what was read before", name,
                err.message);
    }
}

static void tick(App *app, uint64_t now) {
    (void)now;
    if (!reload_of(app)->watch || !app_capture(app)) return;
    const WatchNews news = watch_take(reload_of(app)->watch);
    if (reload_of(app)->mode == RELOAD_OFF || news == WATCH_NOTHING) return;
    if (news == WATCH_CHANGED)
        changed(app);
    else
        app_say(app, SAY_WARNING, "%s is gone: this is what was read of it", capture_name(app_capture(app)));
}

/* ---- what was opened ------------------------------------------------------------------------- */

static void note_run(void *data) {
    char absolute[PATH_MAX], file[APP_PATH_SIZE];
    if (!realpath(data, absolute) || !recent_file(file, sizeof file)) return;
    (void)recent_note(file, absolute, NULL); /* a home that cannot be written: nothing is remembered */
}

static void note_done(App *app, void *data) {
    (void)app;
    mem_free(data);
}

static void capture_opened(App *app) {
    const OpenCapture *open = &app->opened.captures[0];
    const char *paths[FILES_MAX];
    const size_t count = open->is_demo ? 0 : open->path_count < FILES_MAX ? open->path_count : FILES_MAX;
    const char *at = open->paths;
    if (!platform_is_window(app->machine.platform)) return;
    if (!reload_of(app)->watch && watch_new(app_wake, app, &reload_of(app)->watch, NULL) != STATUS_OK) return;
    for (size_t i = 0; i < count; i++) {
        paths[i] = at;
        at += strlen(at) + 1;
    }
    watch_set(reload_of(app)->watch, paths, count, open->sign);
    char *copy = count > 0 ? mem_strdup(paths[0]) : NULL;
    if (copy) (void)chores_post(app->machine.chores[CHORES_FILES], &(Chore){note_run, note_done, mem_free, copy});
}

static void close(App *app) {
    watch_drop(reload_of(app)->watch);
}

static const char *const MODES[] = {"on", "off", "ask", NULL};

static void *state(const App *app) {
    return reload_of(app);
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"auto-reload", "on|off|ask", NULL, NULL, "Window", "read a file again when it has changed", NULL, .trusted = true},
     .kind = PROPERTY_CHOICE, .where = PROPERTY_SETTING, .initial = "on",
     .owner = state, .offset = PROPERTY_ENUM_AT(Reload, mode), .choices = MODES},
    {.command = {.name = NULL}},
};
// clang-format on

// clang-format off
static const Command COMMANDS[] = {
    {"reload", "", cmd_reload, "F5=", "Window", "read the file again", NULL, .trusted = true},
    {.name = NULL},
};
// clang-format on

const Part RELOAD = {.name = "reload",
                     .state = &STATE,
                     .close = close,
                     .capture_opened = capture_opened,
                     .clock.tick = tick,
                     .commands = COMMANDS,
                     .properties = PROPERTIES};
