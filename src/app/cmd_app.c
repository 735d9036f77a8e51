/* Commands of the program itself: files, pictures, clipboard, help, and what scripts and tests use. */
#include "app/chooser.h"
#include "app/find.h"
#include "app/focus.h"
#include "app/palette.h"
#include "app/record.h"
#include "app/selection.h"
#include "app/settings.h"
#include "app/still.h"
#include "export/export.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_NS UINT64_C(600000000000)

bool cmd_help(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->help.on = !app->help.on;
    app->help.scroll = 0;
    return true;
}

bool cmd_status(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->status_on = !app->status_on;
    return true;
}

bool cmd_escape(App *app, const char *args, Error *err) {
    char what[APP_MESSAGE_SIZE];
    double fraction;
    (void)args;
    (void)err;
    if (app->help.on)
        app->help.on = false;
    else if (app->card_on) {
        app->card_on = false;
        settings_dismiss_card();
    } else if (app->status_on)
        app->status_on = false;
    else if (focus_leave(app)) {
        /* the view has the keys again */
    } else if (app->look.kind == VIEW_GRID)
        (void)view_grid_escape(app);
    else if (selection_busy(app, what, sizeof what, &fraction))
        selection_cancel(app);
    else if (app->look.kind == VIEW_TEXT && view_text_escape(app)) {
    } else if (find_is_on(app))
        find_clear(app);
    else if (app->selection.on)
        app->selection.on = false;
    else if (app->look.matrix.cursor_locked)
        app->look.matrix.cursor_locked = app->look.matrix.cursor_on = false;
    else if (app->play.on)
        app->play.on = false;
    else if (record_tour_playing(app))
        record_tour_stop(app);
    else if (app->grid.return_here) {
        app->grid.return_here = false;
        app_show_view(app, VIEW_GRID);
    }
    app->message.text[0] = 0;
    return true;
}

bool cmd_quit(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    if (record_asks_to_stay(app)) return true;
    app->quit = true;
    return false;
}

bool cmd_fullscreen(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    platform_set_fullscreen(app->machine.platform, !platform_is_fullscreen(app->machine.platform));
    return true;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* CAPTURE-layerL-HEADS-TIME.png in the current folder, free of characters that file systems dislike. */
static void picture_name(const App *app, char *out, size_t out_size) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    char heads[128] = "", base[256], stamp[32];
    tiles_headset_format(&app->look.subject.heads, heads, sizeof heads);
    snprintf(base, sizeof base, "%s",
             app->opened.captures[0].is_demo ? app->opened.captures[0].demo_name : capture_name(app_capture(app)));
    char *dot = strrchr(base, '.');
    if (dot && dot != base) *dot = 0;
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    const int number = app_pattern(app, &set, &layer, &queries, &keys) ? layer->number : 0;
    if (app->look.kind == VIEW_MATRIX)
        snprintf(out, out_size, "%.120s-layer%d-%.60s-%s.png", base, number, heads, stamp);
    else
        snprintf(out, out_size, "%.120s-%s-%s.png", base, app_view_ui(app)->name, stamp);
    for (char *c = out; *c; c++) {
        if (strchr("/:*?\"<>|,; ", *c)) *c = c == out ? '_' : '+';
    }
}

bool cmd_screenshot(App *app, const char *args, Error *err) {
    if (!app_capture(app)) return false;
    const bool window = text_starts_with(args, "window");
    const char *path = strchr(args, ' ');
    char name[512];
    if (path)
        snprintf(name, sizeof name, "%s", path + 1);
    else if (args[0] && strcmp(args, "view") && strcmp(args, "window"))
        snprintf(name, sizeof name, "%s", args);
    else
        picture_name(app, name, sizeof name);
    FrameParams params = app_window_params(app);
    if (!window) {
        /* The view alone, as a figure, of the window's height. */
        params.chrome = false;
        if (app->picture.layout.view.w > 0) params.width = (int)app->picture.layout.view.w;
    }
    app->message.text[0] = 0;
    const StillParams still = {.frame = params, .exact = true};
    if (still_write(app, name, &still, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "saved %s", name);
    return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

bool cmd_open(App *app, const char *args, Error *err) {
    char path[APP_PATH_SIZE];
    const char *const paths[1] = {path};
    if (!args[0]) {
        chooser_open(app, err);
        return true;
    }
    files_expand(args, path, sizeof path);
    if (export_is_png(path)) return still_open_picture(app, path, err) == STATUS_OK;
    return app_open_capture(app, paths, 1, err) == STATUS_OK;
}

/* ---- clipboard ------------------------------------------------------------------------------- */

bool cmd_copy(App *app, const char *args, Error *err) {
    (void)args;
    if (app->look.kind == VIEW_TEXT) return view_text_copy(app, err) == STATUS_OK;
    return app_capture(app) && selection_copy(app, err) == STATUS_OK;
}

bool cmd_export(App *app, const char *args, Error *err) {
    if (app->look.kind == VIEW_TEXT) return view_text_export(app, args, err) == STATUS_OK;
    return selection_export(app, args, err) == STATUS_OK;
}

bool cmd_select_cells(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    long long q0, q1, k0, k1;
    int used = 0;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    app->selection.anchored = false;
    if (!strcmp(args, "none")) {
        app->selection.on = false;
        return true;
    }
    if (sscanf(args, "%lld:%lld,%lld:%lld%n", &q0, &q1, &k0, &k1, &used) != 4 || args[used]) {
        error_set(err, STATUS_USAGE, "'select-cells' takes Q0:Q1,K0:K1 or none, not '%.60s'", args);
        return false;
    }
    if (q0 < 0 || q1 <= q0 || q1 > queries || k0 < 0 || k1 <= k0 || k1 > keys) {
        error_set(err, STATUS_RANGE, "there are %lld queries and %lld keys: '%.60s' is not a part of them",
                  (long long)queries, (long long)keys, args);
        return false;
    }
    app->selection.on = true;
    app->selection.q0 = q0, app->selection.q1 = q1, app->selection.k0 = k0, app->selection.k1 = k1;
    return true;
}

bool cmd_copy_command(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    TextBuffer text = {0};
    app_command_line_copied(app, &text);
    if (text.text && !text.failed) {
        platform_set_clipboard(app->machine.platform, text.text);
        app_say(app, SAY_INFO, "copied: %s", text.text);
    }
    text_buffer_free(&text);
    return true;
}

/* ---- palette --------------------------------------------------------------------------------- */

bool cmd_prompt(App *app, const char *args, Error *err) {
    char text[FIELD_SIZE];
    /* A command's name alone asks for its arguments. */
    const bool whole = app_find_command(args, strlen(args)) != NULL;
    snprintf(text, sizeof text, "%s%s", args, whole ? " " : "");
    if (!palette_open(app, text)) error_set(err, STATUS_MEMORY, "not enough memory for the palette");
    return true;
}

/* ---- for scripts and tests ------------------------------------------------------------------- */

bool cmd_wait(App *app, const char *args, Error *err) {
    const bool exact = !strcmp(args, "exact");
    if (!exact && strcmp(args, "picture")) {
        error_set(err, STATUS_USAGE, "'wait' takes exact or picture, not '%s'", args);
        return false;
    }
    const FrameParams params = app_window_params(app);
    (exact ? app_settle : app_settle_picture)(app, &params, SETTLE_NS, err);
    return true;
}

bool cmd_state(App *app, const char *args, Error *err) {
    TextBuffer text = {0};
    app_state_json(app, &text);
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

bool cmd_key(App *app, const char *args, Error *err) {
    int key, mods;
    if (!platform_key_parse(args, &key, &mods)) {
        error_set(err, STATUS_USAGE, "there is no key called '%s'", args);
        return false;
    }
    const InputEvent event = {.type = EVENT_KEY_DOWN, .key = key, .mods = mods};
    app_handle_event(app, &event);
    return true;
}

bool cmd_wheel(App *app, const char *args, Error *err) {
    double notches;
    if (!text_parse_f64(args, &notches)) {
        error_set(err, STATUS_USAGE, "'wheel' takes a number of notches, not '%s'", args);
        return false;
    }
    const InputEvent event = {.type = EVENT_WHEEL,
                              .wheel_y = (float)notches,
                              .x = (app->picture.result.plot.x + app->picture.result.plot.w / 2) / app->ui.density,
                              .y = (app->picture.result.plot.y + app->picture.result.plot.h / 2) / app->ui.density};
    app_handle_event(app, &event);
    return true;
}

bool cmd_message(App *app, const char *args, Error *err) {
    (void)err;
    app_say(app, SAY_INFO, "%s", args);
    return true;
}
