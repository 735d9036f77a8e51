/* zenity and kdialog are programs that show the desktop's file dialog and print what was chosen. They are started by
 * argument vector and asked now and then whether they have ended; the window goes on meanwhile. */
#include "app/chooser.h"
#include "app/palette.h"
#include "formats/formats.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_NS UINT64_C(100000000)
#define NOT_CHOSEN 1 /* exit code of both when the person cancels */

/* The folder that the open capture is in, with a slash at its end. */
static void start_folder(const App *app, char *out, size_t out_size) {
    char folder[PATH_MAX], absolute[PATH_MAX];
    const char *open = app->opened.captures[0].is_demo ? "" : app->opened.captures[0].path;
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(open) - open), open);
    if (!realpath(folder[0] ? folder : ".", absolute)) absolute[0] = 0;
    snprintf(out, out_size, "%s%s", absolute, absolute[0] && absolute[1] ? "/" : "");
}

static void own_list(App *app, Error *err) {
    char text[FIELD_SIZE], folder[FIELD_SIZE - 8];
    start_folder(app, folder, sizeof folder);
    snprintf(text, sizeof text, "open %s", folder);
    if (!palette_open(app, text)) error_set(err, STATUS_MEMORY, "not enough memory for the list of files");
}

static bool start(App *app, bool kde) {
    char folder[PATH_MAX], file[PATH_MAX + 16];
    start_folder(app, folder, sizeof folder);
    snprintf(file, sizeof file, "--filename=%s", folder);
    char patterns[FORMATS_TEXT_SIZE], zenity_filter[FORMATS_TEXT_SIZE + 40], kde_filter[FORMATS_TEXT_SIZE + 40];
    formats_patterns(NULL, patterns, sizeof patterns);
    snprintf(zenity_filter, sizeof zenity_filter, "--file-filter=Captures | %s *.png", patterns);
    snprintf(kde_filter, sizeof kde_filter, "Captures (%s *.png)", patterns);
    const char *const zenity[] = {"zenity", "--file-selection", "--title=Open a capture",
                                  file,     zenity_filter,      "--file-filter=All files | *",
                                  NULL};
    const char *const kdialog[] = {"kdialog",  "--title", "Open a capture", "--getopenfilename", folder,
                                   kde_filter, NULL};
    const ProcessParams params = {.keep_complaints = true, .keep_output = true};
    return process_open(kde ? kdialog : zenity, &params, &app->chooser.process, NULL) == STATUS_OK;
}

void chooser_open(App *app, Error *err) {
    if (app->chooser.process) {
        error_set(err, STATUS_NOT_FOUND, "the file dialog is open already");
        return;
    }
    const char *desktop = getenv("XDG_CURRENT_DESKTOP");
    const bool kde = desktop && strstr(desktop, "KDE");
    const bool system = platform_is_window(app->machine.platform) && !app->chooser.own;
    if (!system || (!start(app, kde) && !start(app, !kde))) own_list(app, err);
    app->pace.redraw = true;
}

bool chooser_is_open(const App *app) {
    return app->chooser.process != NULL;
}

static void open_chosen(App *app, char *path) {
    const size_t length = strlen(path);
    char line[APP_PATH_SIZE + 8];
    if (length > 0 && path[length - 1] == '\n') path[length - 1] = 0;
    if (!path[0]) return;
    snprintf(line, sizeof line, "open %s", path);
    app_run_line(app, line);
}

void chooser_tick(App *app) {
    int code = 0;
    if (!app->chooser.process || !process_ended(app->chooser.process, 0, &code)) return;
    char path[APP_PATH_SIZE] = "", why[160] = "";
    process_output(app->chooser.process, path, sizeof path);
    process_complaint(app->chooser.process, why, sizeof why);
    (void)process_close(app->chooser.process, NULL, NULL);
    app->chooser.process = NULL;
    app->pace.redraw = true;
    if (code == 0) {
        open_chosen(app, path);
    } else if (code != NOT_CHOSEN) {
        Error err = {0};
        app_say(app, SAY_WARNING, "the file dialog of the system failed%s%.120s; this is a list instead",
                why[0] ? ": " : "", why);
        own_list(app, &err);
    }
}

uint64_t chooser_next_ns(const App *app, uint64_t now) {
    return app->chooser.process ? now + LOOK_EVERY_NS : UINT64_MAX;
}

void chooser_close(App *app) {
    if (!app->chooser.process) return;
    process_kill(app->chooser.process);
    (void)process_close(app->chooser.process, NULL, NULL);
    app->chooser.process = NULL;
}

bool cmd_file_dialog(App *app, const char *args, Error *err) {
    if (strcmp(args, "system") && strcmp(args, "own")) {
        error_set(err, STATUS_USAGE, "'file-dialog' takes system or own, not '%.40s'", args);
        return false;
    }
    app->chooser.own = !strcmp(args, "own");
    return true;
}
