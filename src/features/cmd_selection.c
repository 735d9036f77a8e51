/* Selecting cells, and what is done with them: zooming, copying, exporting. */
#include "features/camera.h"
#include "features/parts.h"
#include "features/selection.h"

#include <math.h>
#include <string.h>

#define PROGRESS_NS UINT64_C(100000000)

static bool cmd_copy(App *app, const char *args, Error *err) {
    (void)args;
    const Scene *scene = app->shown.scene;
    if (scene->copy) return scene->copy(app, err) == STATUS_OK;
    return app_capture(app) && selection_copy(app, err) == STATUS_OK;
}

static bool cmd_export(App *app, const char *args, Error *err) {
    const Scene *scene = app->shown.scene;
    if (scene->export) return scene->export(app, args, err) == STATUS_OK;
    return selection_export(app, args, err) == STATUS_OK;
}

static bool cmd_select_cells(App *app, const char *args, Error *err) {
    Pattern pattern;
    long long q0, q1, k0, k1;
    int used = 0;
    if (!app_pattern(app, &pattern)) return false;
    selection_of(app)->anchored = false;
    if (!strcmp(args, "none")) {
        selection_of(app)->on = false;
        return true;
    }
    if (sscanf(args, "%lld:%lld,%lld:%lld%n", &q0, &q1, &k0, &k1, &used) != 4 || args[used]) {
        error_set(err, STATUS_USAGE, "'select-cells' takes Q0:Q1,K0:K1 or none, not '%.60s'", args);
        return false;
    }
    if (q0 < 0 || q1 <= q0 || q1 > pattern.queries || k0 < 0 || k1 <= k0 || k1 > pattern.keys) {
        error_set(err, STATUS_RANGE, "there are %lld queries and %lld keys: '%.60s' is not a part of them",
                  (long long)pattern.queries, (long long)pattern.keys, args);
        return false;
    }
    selection_of(app)->on = true;
    selection_of(app)->q0 = q0, selection_of(app)->q1 = q1, selection_of(app)->k0 = k0, selection_of(app)->k1 = k1;
    return true;
}

static bool cmd_zoom_selection(App *app, const char *args, Error *err) {
    (void)args;
    if (!selection_of(app)->on) {
        error_set(err, STATUS_NOT_FOUND, "nothing is selected: drag with the right button");
        return false;
    }
    float w, h;
    int64_t queries, keys;
    if (!camera_plot_size(app, &w, &h, &queries, &keys)) return false;
    history_note(app);
    app->look.matrix.camera = views_camera_rect((double)selection_of(app)->q0, (double)selection_of(app)->q1,
                                                (double)selection_of(app)->k0, (double)selection_of(app)->k1, w, h);
    selection_of(app)->on = false;
    const double least = fmin(app->look.matrix.camera.points_q, app->look.matrix.camera.points_k);
    const double most = fmax(app->look.matrix.camera.points_q, app->look.matrix.camera.points_k);
    if (app->look.matrix.fit_mode != FIT_STRETCH && most / least <= CAMERA_SQUARE_ASPECT)
        app->look.matrix.camera.points_q = app->look.matrix.camera.points_k = least;
    camera_moved(app);
    return true;
}

/* The selection grows from where it began to the crosshair. */
static void begin_extending(App *app, int64_t queries, int64_t keys) {
    Look *look = &app->look;
    if (selection_of(app)->on && selection_of(app)->anchored) return;
    if (selection_of(app)->on) {
        selection_of(app)->anchor_q = selection_of(app)->q0;
        selection_of(app)->anchor_k = selection_of(app)->k0;
        look->matrix.cursor_q = selection_of(app)->q1 - 1;
        look->matrix.cursor_k = selection_of(app)->k1 - 1;
    } else {
        if (!look->matrix.cursor_on) {
            look->matrix.cursor_q = (int64_t)look->matrix.camera.q;
            look->matrix.cursor_k = (int64_t)look->matrix.camera.k;
        }
        selection_of(app)->anchor_q = i64_clamp(look->matrix.cursor_q, 0, queries - 1);
        selection_of(app)->anchor_k = i64_clamp(look->matrix.cursor_k, 0, keys - 1);
    }
    selection_of(app)->on = selection_of(app)->anchored = true;
}

static bool cmd_extend(App *app, const char *args, Error *err) {
    Pattern pattern;
    double q, k;
    Look *look = &app->look;
    if (!app_pattern(app, &pattern)) return false;
    if (!camera_parse_pair(args, &q, &k)) {
        error_set(err, STATUS_USAGE, "'extend' takes +DQ,+DK, not '%.60s'", args);
        return false;
    }
    begin_extending(app, pattern.queries, pattern.keys);
    look->matrix.cursor_on = look->matrix.cursor_locked = true;
    look->matrix.cursor_q = (int64_t)f64_clamp((double)look->matrix.cursor_q + q, 0, (double)(pattern.queries - 1));
    look->matrix.cursor_k = (int64_t)f64_clamp((double)look->matrix.cursor_k + k, 0, (double)(pattern.keys - 1));
    selection_of(app)->anchor_q = i64_clamp(selection_of(app)->anchor_q, 0, pattern.queries - 1);
    selection_of(app)->anchor_k = i64_clamp(selection_of(app)->anchor_k, 0, pattern.keys - 1);
    selection_of(app)->q0 = i64_min(selection_of(app)->anchor_q, look->matrix.cursor_q);
    selection_of(app)->q1 = i64_max(selection_of(app)->anchor_q, look->matrix.cursor_q) + 1;
    selection_of(app)->k0 = i64_min(selection_of(app)->anchor_k, look->matrix.cursor_k);
    selection_of(app)->k1 = i64_max(selection_of(app)->anchor_k, look->matrix.cursor_k) + 1;
    return true;
}

/* ---- in the program -------------------------------------------------------------------------- */

static void append_figures(const App *app, TextBuffer *out) {
    const SelectionFigures *f = selection_figures_known(app);
    char what[APP_MESSAGE_SIZE];
    double fraction = 1;
    text_append(out, "\"selection_figures\":");
    if (f) {
        const double mean = f->sum / (double)i64_max(1, f->cells);
        text_append(out, "{\"mean\":");
        text_append_json_f64(out, f->nonfinite ? (double)NAN : mean);
        text_append(out, ",\"mass\":");
        text_append_json_f64(out, f->nonfinite ? (double)NAN
                                               : mean * (double)(selection_of(app)->k1 - selection_of(app)->k0));
        text_append(out, ",\"largest\":");
        words_append_cell(out, f->most);
        text_appendf(out, ",\"masked\":%lld},", (long long)f->masked);
    } else {
        text_append(out, "null,");
    }
    words_append_bool(out, "writing", selection_busy(app, what, sizeof what, &fraction));
}

static void json(const App *app, TextBuffer *out) {
    const Selection *s = selection_of(app);
    if (s->on)
        text_appendf(out, "\"selection\":[%lld,%lld,%lld,%lld],", (long long)s->q0, (long long)s->q1, (long long)s->k0,
                     (long long)s->k1);
    else
        text_append(out, "\"selection\":null,");
    append_figures(app, out);
}

static void clear(App *app) {
    selection_of(app)->on = selection_of(app)->anchored = false;
}

static void hide(App *app) {
    selection_of(app)->on = false;
}

/* After the same file was read again it stays, as far as it is inside. */
static void capture_opened(App *app) {
    if (!app->opened.again) clear(app);
}

static void look_changed(App *app) {
    Pattern pattern;
    Selection *s = selection_of(app);
    if (app->opened.again && app_pattern(app, &pattern) && (s->q1 > pattern.queries || s->k1 > pattern.keys))
        clear(app);
}

/* How far a thread has got. */
static void over(App *app, Frame *frame) {
    char what[APP_MESSAGE_SIZE];
    double fraction;
    (void)frame;
    if (selection_busy(app, what, sizeof what, &fraction) || selection_adding(app))
        frame_due_at(app, clock_now_ns(&app->machine.clock) + PROGRESS_NS);
}

static bool escape(App *app) {
    char what[APP_MESSAGE_SIZE];
    double fraction;
    if (!selection_busy(app, what, sizeof what, &fraction)) return false;
    selection_cancel(app);
    return true;
}

static bool let_go(App *app) {
    const bool was = selection_of(app)->on;
    hide(app);
    return was;
}

// clang-format off
static const Command COMMANDS[] = {
    {"extend", "+DQ,+DK", cmd_extend, "Alt+Shift+Up=-1,+0 Alt+Shift+Down=+1,+0 Alt+Shift+Left=+0,-1 Alt+Shift+Right=+0,+1", "Camera", "grow the selection from the crosshair", "Alt+Shift+arrows", .needs = SCENE_CELLS, .repeats = true, .noted = NOTED_WITHOUT_CELLS},
    {"select-cells", "Q0:Q1,K0:K1|none", cmd_select_cells, NULL, "Camera", "select these cells; a drag with the right button does it too", NULL, .needs = SCENE_PATTERNS},
    {"zoom-selection", "", cmd_zoom_selection, "z=", "Camera", "zoom to what the right button selected", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
    {"copy", "", cmd_copy, "Ctrl+C=", "Window", "copy the value, row or selection as TSV", NULL, .needs = SCENE_TOKENS, .trusted = true},
    {"export", "PATH", cmd_export, NULL, "Window", "the selection or the locked row to PATH: .tsv, .csv or .npy", NULL, .trusted = true},
    {.name = NULL},
};
// clang-format on

const Part SELECTION = {.name = "selection",
                        .state = &SELECTION_STATE,
                        .close = selection_drop,
                        .capture_closing = selection_stop,
                        .capture_opened = capture_opened,
                        .set_changed = hide,
                        .look_changed = look_changed,
                        .scene_changed = hide,
                        .drawing = {.over = over},
                        .busy = selection_busy,
                        .escape = escape,
                        .let_go = let_go,
                        .json = json,
                        .commands = COMMANDS};
