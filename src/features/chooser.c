/* zenity and kdialog are programs that show the desktop's file dialog and print what was chosen. They are started by
 * argument vector and asked now and then whether they have ended; the window goes on meanwhile. */
#include "export/export.h"
#include "features/palette/palette.h"
#include "features/parts.h"
#include "formats/formats.h"
#include "session/property.h"
#include "session/still.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_NS UINT64_C(100000000)
#define NOT_CHOSEN 1 /* exit code of both when the person cancels */

typedef enum ChooserKind { CHOOSER_SYSTEM, CHOOSER_OWN } ChooserKind;

typedef struct Chooser {
    Process *process; /* the system's file dialog, while it is open */
    ChooserKind kind;
} Chooser;

static const StateKey STATE = {.size = sizeof(Chooser)};

static Chooser *chooser_of(const App *app) {
    return app_state(app, &STATE);
}

/* The folder that the open capture is in, with a slash at its end. */
static void start_folder(const App *app, char *out, size_t out_size) {
    char folder[PATH_MAX], absolute[PATH_MAX];
    const char *open = app->opened.captures[0].is_demo ? "" : app->opened.captures[0].path;
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(open) - open), open);
    if (!realpath(folder[0] ? folder : ".", absolute)) absolute[0] = 0;
    snprintf(out, out_size, "%s%s", absolute, absolute[0] && absolute[1] ? "/" : "");
}

static void own_list(App *app) {
    char text[FIELD_SIZE], folder[FIELD_SIZE - 8];
    start_folder(app, folder, sizeof folder);
    snprintf(text, sizeof text, "open %s", folder);
    palette_open(app, text);
}

static bool start(App *app, bool kde) {
    char folder[PATH_MAX], file[PATH_MAX + 16];
    start_folder(app, folder, sizeof folder);
    snprintf(file, sizeof file, "--filename=%s", folder);
    char patterns[FORMATS_TEXT_SIZE], zenity_filter[FORMATS_TEXT_SIZE + 40], kde_filter[FORMATS_TEXT_SIZE + 40];
    formats_patterns(app->catalog->formats, patterns, sizeof patterns);
    snprintf(zenity_filter, sizeof zenity_filter, "--file-filter=Captures | %s *.png", patterns);
    snprintf(kde_filter, sizeof kde_filter, "Captures (%s *.png)", patterns);
    const char *const zenity[] = {"zenity", "--file-selection", "--title=Open a capture",
                                  file,     zenity_filter,      "--file-filter=All files | *",
                                  NULL};
    const char *const kdialog[] = {"kdialog",  "--title", "Open a capture", "--getopenfilename", folder,
                                   kde_filter, NULL};
    const ProcessParams params = {.keep_complaints = true, .keep_output = true};
    return process_open(kde ? kdialog : zenity, &params, &chooser_of(app)->process, NULL) == STATUS_OK;
}

static void choose(App *app, Error *err) {
    if (chooser_of(app)->process) {
        error_set(err, STATUS_NOT_FOUND, "the file dialog is open already");
        return;
    }
    const char *desktop = getenv("XDG_CURRENT_DESKTOP");
    const bool kde = desktop && strstr(desktop, "KDE");
    const bool system = platform_is_window(app->machine.platform) && chooser_of(app)->kind == CHOOSER_SYSTEM;
    if (!system || (!start(app, kde) && !start(app, !kde))) own_list(app);
    app->pace.redraw = true;
}

static bool is_open(const App *app) {
    return chooser_of(app)->process != NULL;
}

static void open_chosen(App *app, char *path) {
    const size_t length = strlen(path);
    char line[APP_PATH_SIZE + 8];
    if (length > 0 && path[length - 1] == '\n') path[length - 1] = 0;
    if (!path[0]) return;
    snprintf(line, sizeof line, "open %s", path);
    commands_run_line(app, line);
}

static void tick(App *app, uint64_t now) {
    (void)now;
    int code = 0;
    if (!chooser_of(app)->process || !process_ended(chooser_of(app)->process, 0, &code)) return;
    char path[APP_PATH_SIZE] = "", why[160] = "";
    process_output(chooser_of(app)->process, path, sizeof path);
    process_complaint(chooser_of(app)->process, why, sizeof why);
    (void)process_close(chooser_of(app)->process, NULL, NULL);
    chooser_of(app)->process = NULL;
    app->pace.redraw = true;
    if (code == 0) {
        open_chosen(app, path);
    } else if (code != NOT_CHOSEN) {
        app_say(app, SAY_WARNING, "the file dialog of the system failed%s%.120s; this is a list instead",
                why[0] ? ": " : "", why);
        own_list(app);
    }
}

static uint64_t next(const App *app, uint64_t now) {
    return chooser_of(app)->process ? now + LOOK_EVERY_NS : UINT64_MAX;
}

static void close(App *app) {
    if (!chooser_of(app)->process) return;
    process_kill(chooser_of(app)->process);
    (void)process_close(chooser_of(app)->process, NULL, NULL);
    chooser_of(app)->process = NULL;
}

static bool cmd_open(App *app, const char *args, Error *err) {
    char path[APP_PATH_SIZE];
    const char *const paths[1] = {path};
    if (!args[0]) {
        choose(app, err);
        return true;
    }
    files_expand(args, path, sizeof path);
    if (export_is_png(path)) return still_open_picture(app, path, err) == STATUS_OK;
    return captures_open(app, paths, 1, err) == STATUS_OK;
}

static void json(const App *app, TextBuffer *out) {
    words_append_bool(out, "choosing", is_open(app));
}

static void *state(const App *app) {
    return chooser_of(app);
}

static const char *const KINDS[] = {"system", "own", NULL};

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"file-dialog", "system|own", NULL, NULL, "Window", "what open shows: the dialog of the system, or a list", NULL, .trusted = true},
     .kind = PROPERTY_CHOICE, .where = PROPERTY_SETTING, .initial = "system",
     .owner = state, .offset = PROPERTY_ENUM_AT(Chooser, kind), .choices = KINDS},
    {.command = {.name = NULL}},
};
// clang-format on

// clang-format off
static const Command COMMANDS[] = {
    {"open", "[PATH]", cmd_open, "Ctrl+O=", "Window", "open a capture, or the view of a picture", NULL, .trusted = true, .opens = true},
    {.name = NULL},
};
// clang-format on

const Part CHOOSER = {.name = "chooser",
                      .state = &STATE,
                      .close = close,
                      .clock.tick = tick,
                      .clock.next_ns = next,
                      .json = json,
                      .commands = COMMANDS,
                      .properties = PROPERTIES};
