/* Commands of the program itself, and what scripts and tests use. */
#include "app/window.h"

#include <string.h>

#define SETTLE_NS UINT64_C(600000000000)

/* What lies over the view first, then what the view has, then marks and motions, then the way back. */
static bool close_one(App *app) {
    const Scene *scene = app->shown.scene, *before = app->shown.came_from;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->escape && (*part)->escape(app)) return true;
    }
    if (scene->escape && scene->escape(app)) return true;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->let_go && (*part)->let_go(app)) return true;
    }
    app->shown.came_from = NULL;
    if (before) scene_show(app, before);
    return before != NULL;
}

static bool cmd_escape(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    (void)close_one(app);
    app->message.text[0] = 0;
    return true;
}

static bool cmd_quit(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->asks_to_stay && (*part)->asks_to_stay(app)) return true;
    }
    app->quit = true;
    return false;
}

static bool cmd_fullscreen(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    platform_set_fullscreen(app->machine.platform, !platform_is_fullscreen(app->machine.platform));
    return true;
}

/* ---- clipboard ------------------------------------------------------------------------------- */

static bool cmd_copy_command(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    TextBuffer text = {0};
    state_command_line_copied(app, &text);
    if (text.text && !text.failed) {
        platform_set_clipboard(app->machine.platform, text.text);
        app_say(app, SAY_INFO, "copied: %s", text.text);
    }
    text_buffer_free(&text);
    return true;
}

/* ---- for scripts and tests ------------------------------------------------------------------- */

static bool cmd_wait(App *app, const char *args, Error *err) {
    const bool exact = !strcmp(args, "exact");
    if (!exact && strcmp(args, "picture")) {
        error_set(err, STATUS_USAGE, "'wait' takes exact or picture, not '%s'", args);
        return false;
    }
    const FrameParams params = frame_window_params(app);
    (exact ? work_settle : work_settle_picture)(app, &params, SETTLE_NS, err);
    return true;
}

static bool cmd_state(App *app, const char *args, Error *err) {
    TextBuffer text = {0};
    state_json(app, &text);
    text_append(&text, "\n");
    if (text.failed)
        error_set(err, STATUS_MEMORY, "not enough memory for the state");
    else if (args[0])
        file_write_all(args, text.text, text.length, err);
    else {
        fputs(text.text, stdout);
        fflush(stdout);
    }
    text_buffer_free(&text);
    return false;
}

static bool cmd_message(App *app, const char *args, Error *err) {
    (void)err;
    app_say(app, SAY_INFO, "%s", args);
    return true;
}

// clang-format off
const Command PROGRAM_COMMANDS[] = {
    {"fullscreen", "", cmd_fullscreen, "F11=", "Window", "full screen", NULL, .trusted = true},
    {"copy-command", "", cmd_copy_command, "Ctrl+Shift+C=", "Window", "copy the command line of this view", NULL, .trusted = true},
    {"escape", "", cmd_escape, "Escape=", "Window", "close what is open on top", "Esc", .trusted = true},
    {"quit", "", cmd_quit, "q= Ctrl+Q=", "Window", "quit", NULL, .trusted = true},
    {"wait", "exact|picture", cmd_wait, NULL, NULL, NULL, NULL, .trusted = true},
    {"state", "[PATH]", cmd_state, NULL, NULL, NULL, NULL, .trusted = true},
    {"message", "TEXT", cmd_message, NULL, NULL, NULL, NULL, .needs = 0},
    {.name = NULL},
};
// clang-format on
