/* Commands that move the camera and the crosshair. */
#include "app/app.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool plot_size(const App *app, float *width, float *height, int64_t *queries, int64_t *keys) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (!app_pattern(app, &set, &layer, queries, keys)) return false;
    const FrameParams params = app_window_params(app);
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : params.scale;
    *width = app->picture.result.plot.w / scale;
    *height = app->picture.result.plot.h / scale;
    return *width > 0 && *height > 0;
}

void app_camera_moved(App *app) {
    float w, h;
    int64_t queries, keys;
    app->look.matrix.fitted = false;
    app->pace.redraw = true;
    if (plot_size(app, &w, &h, &queries, &keys)) views_camera_clamp(&app->look.matrix.camera, queries, keys, w, h);
}

static bool moved(App *app) {
    app_camera_moved(app);
    return true;
}

/* "A,B" */
static bool parse_pair(const char *args, double *a, double *b) {
    char copy[128];
    snprintf(copy, sizeof copy, "%s", args);
    char *comma = strchr(copy, ',');
    if (!comma) return false;
    *comma = 0;
    return text_parse_f64(copy[0] == '+' ? copy + 1 : copy, a) &&
           text_parse_f64(comma[1] == '+' ? comma + 2 : comma + 1, b);
}

bool cmd_pan(App *app, const char *args, Error *err) {
    double down, right;
    if (!parse_pair(args, &down, &right)) {
        error_set(err, STATUS_USAGE, "'pan' takes DOWN,RIGHT in points, not '%s'", args);
        return false;
    }
    app_view_ui(app)->pan(app, down, right);
    return true;
}

bool cmd_zoom(App *app, const char *args, Error *err) {
    double factor;
    if (!text_parse_f64(args, &factor) || !(factor > 1e-6 && factor < 1e6)) {
        error_set(err, STATUS_USAGE, "'zoom' takes a positive factor, not '%s'", args);
        return false;
    }
    app_view_ui(app)->zoom(app, factor);
    return true;
}

bool cmd_fit(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    if (app->look.kind == VIEW_MATRIX) app_remember_camera(app);
    app_fit(app);
    return true;
}

bool cmd_one_to_one(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app_view_ui(app)->one_to_one(app);
    return true;
}

/* "Q0:Q1,K0:K1" with optional ends. */
static bool parse_rect(const char *args, int64_t queries, int64_t keys, int64_t out[4]) {
    char copy[128];
    snprintf(copy, sizeof copy, "%s", args);
    char *comma = strchr(copy, ',');
    if (!comma) return false;
    *comma = 0;
    const int64_t limits[2] = {queries, keys};
    char *parts[2] = {copy, comma + 1};
    for (int i = 0; i < 2; i++) {
        char *colon = strchr(parts[i], ':');
        if (!colon) return false;
        *colon = 0;
        out[2 * i] = 0;
        out[2 * i + 1] = limits[i];
        if (parts[i][0] && !text_parse_i64(parts[i], &out[2 * i])) return false;
        if (colon[1] && !text_parse_i64(colon + 1, &out[2 * i + 1])) return false;
        if (out[2 * i] < 0 || out[2 * i + 1] > limits[i] || out[2 * i] >= out[2 * i + 1]) return false;
    }
    return true;
}

bool cmd_rect(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys, r[4];
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    if (!parse_rect(args, queries, keys, r)) {
        error_set(err, STATUS_USAGE, "'rect' takes Q0:Q1,K0:K1 within %lld queries and %lld keys, not '%s'",
                  (long long)queries, (long long)keys, args);
        return false;
    }
    app_remember_camera(app);
    float w = 1, h = 1;
    int64_t unused_q, unused_k;
    if (!plot_size(app, &w, &h, &unused_q, &unused_k)) return false;
    app->look.matrix.camera = views_camera_rect((double)r[0], (double)r[1], (double)r[2], (double)r[3], w, h);
    if (app->look.matrix.fit_mode == FIT_SQUARE) {
        app->look.matrix.camera.points_q = app->look.matrix.camera.points_k = fmin(app->look.matrix.camera.points_q,
                                                                                   app->look.matrix.camera.points_k);
    }
    app->look.matrix.fitted = false;
    return true;
}

bool cmd_level(App *app, const char *args, Error *err) {
    double lq, lk;
    if (!parse_pair(args, &lq, &lk) || lq < 0 || lk < 0 || lq >= TILE_LEVELS || lk >= TILE_LEVELS) {
        error_set(err, STATUS_USAGE, "'level' takes LQ,LK of 0 to %d, not '%s'", TILE_LEVELS - 1, args);
        return false;
    }
    app_remember_camera(app);
    const double scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    app->look.matrix.camera.points_q = ldexp(1.0, -(int)lq) / scale;
    app->look.matrix.camera.points_k = ldexp(1.0, -(int)lk) / scale;
    app->look.matrix.fitted = false;
    return true;
}

bool cmd_zoom_selection(App *app, const char *args, Error *err) {
    (void)args;
    if (!app->selection.on) {
        error_set(err, STATUS_NOT_FOUND, "nothing is selected: drag with the right button");
        return false;
    }
    float w, h;
    int64_t queries, keys;
    if (!plot_size(app, &w, &h, &queries, &keys)) return false;
    app_remember_camera(app);
    app->look.matrix.camera = views_camera_rect((double)app->selection.q0, (double)app->selection.q1,
                                                (double)app->selection.k0, (double)app->selection.k1, w, h);
    app->selection.on = false;
    const double least = fmin(app->look.matrix.camera.points_q, app->look.matrix.camera.points_k);
    const double most = fmax(app->look.matrix.camera.points_q, app->look.matrix.camera.points_k);
    if (app->look.matrix.fit_mode != FIT_STRETCH && most / least <= CAMERA_SQUARE_ASPECT)
        app->look.matrix.camera.points_q = app->look.matrix.camera.points_k = least;
    return moved(app);
}

bool cmd_back(App *app, const char *args, Error *err) {
    (void)args;
    if (app->history.count == 0) {
        error_set(err, STATUS_NOT_FOUND, "this is the first camera");
        return false;
    }
    app->look.matrix.camera = app->history.cameras[--app->history.count];
    app->history.ns = 0;
    return moved(app);
}

bool cmd_aspect(App *app, const char *args, Error *err) {
    static const char *const NAMES[] = {"auto", "square", "stretch"};
    int mode = -1;
    for (int i = 0; i < 3; i++) {
        if (!strcmp(args, NAMES[i])) mode = i;
    }
    if (!strcmp(args, "next")) mode = ((int)app->look.matrix.fit_mode + 1) % 3;
    if (mode < 0) {
        error_set(err, STATUS_USAGE, "'aspect' takes auto, square or stretch, not '%s'", args);
        return false;
    }
    app->look.matrix.fit_mode = (FitMode)mode;
    app_say(app, SAY_INFO, "cells: %s", NAMES[mode]);
    return cmd_fit(app, "", err);
}

bool cmd_cursor(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    if (!strcmp(args, "off")) {
        app->look.matrix.cursor_on = app->look.matrix.cursor_locked = false;
        return true;
    }
    double q, k;
    if (!parse_pair(args, &q, &k)) {
        error_set(err, STATUS_USAGE, "'cursor' takes QUERY,KEY or off, not '%s'", args);
        return false;
    }
    if (args[0] == '+' || args[0] == '-') {
        if (!app->look.matrix.cursor_on) {
            q = app->look.matrix.camera.q;
            k = app->look.matrix.camera.k;
        } else {
            q += (double)app->look.matrix.cursor_q;
            k += (double)app->look.matrix.cursor_k;
        }
        q = f64_clamp(q, 0, (double)(queries - 1));
        k = f64_clamp(k, 0, (double)(keys - 1));
    }
    if (!(q >= 0 && k >= 0 && q < (double)queries && k < (double)keys)) {
        error_set(err, STATUS_RANGE, "cell %s is outside %lld queries x %lld keys", args, (long long)queries,
                  (long long)keys);
        return false;
    }
    app->look.matrix.cursor_on = app->look.matrix.cursor_locked = true;
    app->look.matrix.cursor_q = (int64_t)q;
    app->look.matrix.cursor_k = (int64_t)k;
    return true;
}

/* The selection grows from where it began to the crosshair. */
static void begin_extending(App *app, int64_t queries, int64_t keys) {
    Look *look = &app->look;
    if (app->selection.on && app->selection.anchored) return;
    if (app->selection.on) {
        app->selection.anchor_q = app->selection.q0;
        app->selection.anchor_k = app->selection.k0;
        look->matrix.cursor_q = app->selection.q1 - 1;
        look->matrix.cursor_k = app->selection.k1 - 1;
    } else {
        if (!look->matrix.cursor_on) {
            look->matrix.cursor_q = (int64_t)look->matrix.camera.q;
            look->matrix.cursor_k = (int64_t)look->matrix.camera.k;
        }
        app->selection.anchor_q = i64_clamp(look->matrix.cursor_q, 0, queries - 1);
        app->selection.anchor_k = i64_clamp(look->matrix.cursor_k, 0, keys - 1);
    }
    app->selection.on = app->selection.anchored = true;
}

bool cmd_extend(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    double q, k;
    Look *look = &app->look;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    if (!parse_pair(args, &q, &k)) {
        error_set(err, STATUS_USAGE, "'extend' takes +DQ,+DK, not '%.60s'", args);
        return false;
    }
    begin_extending(app, queries, keys);
    look->matrix.cursor_on = look->matrix.cursor_locked = true;
    look->matrix.cursor_q = (int64_t)f64_clamp((double)look->matrix.cursor_q + q, 0, (double)(queries - 1));
    look->matrix.cursor_k = (int64_t)f64_clamp((double)look->matrix.cursor_k + k, 0, (double)(keys - 1));
    app->selection.anchor_q = i64_clamp(app->selection.anchor_q, 0, queries - 1);
    app->selection.anchor_k = i64_clamp(app->selection.anchor_k, 0, keys - 1);
    app->selection.q0 = i64_min(app->selection.anchor_q, look->matrix.cursor_q);
    app->selection.q1 = i64_max(app->selection.anchor_q, look->matrix.cursor_q) + 1;
    app->selection.k0 = i64_min(app->selection.anchor_k, look->matrix.cursor_k);
    app->selection.k1 = i64_max(app->selection.anchor_k, look->matrix.cursor_k) + 1;
    return true;
}

bool cmd_lock_cursor(App *app, const char *args, Error *err) {
    (void)args;
    if (!app->look.matrix.cursor_on) {
        error_set(err, STATUS_NOT_FOUND, "the crosshair is not on the matrix");
        return false;
    }
    app->look.matrix.cursor_locked = !app->look.matrix.cursor_locked;
    return true;
}
