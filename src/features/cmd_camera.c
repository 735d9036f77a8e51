/* Commands that move the camera, and what it shows in words. */
#include "features/camera.h"
#include "session/property.h"

#include <math.h>
#include <string.h>

static const char *const ASPECTS[] = {"auto", "square", "stretch", NULL};

static bool cmd_pan(App *app, const char *args, Error *err) {
    double down, right;
    if (!camera_parse_pair(args, &down, &right)) {
        error_set(err, STATUS_USAGE, "'pan' takes DOWN,RIGHT in points, not '%s'", args);
        return false;
    }
    if (app->shown.scene->camera.pan) app->shown.scene->camera.pan(app, down, right);
    return true;
}

static bool cmd_zoom(App *app, const char *args, Error *err) {
    double factor;
    if (!text_parse_f64(args, &factor) || !(factor > 1e-6 && factor < 1e6)) {
        error_set(err, STATUS_USAGE, "'zoom' takes a positive factor, not '%s'", args);
        return false;
    }
    if (app->shown.scene->camera.zoom) app->shown.scene->camera.zoom(app, factor);
    return true;
}

static bool cmd_fit(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    if (scene_has(app, SCENE_CELLS)) history_note(app);
    scene_fit(app);
    return true;
}

static bool cmd_one_to_one(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    if (app->shown.scene->camera.one_to_one) app->shown.scene->camera.one_to_one(app);
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

static bool set_rect(App *app, const char *args, Error *err) {
    Pattern pattern;
    int64_t r[4];
    if (!app_pattern(app, &pattern)) return false;
    if (!parse_rect(args, pattern.queries, pattern.keys, r)) {
        error_set(err, STATUS_USAGE, "'rect' takes Q0:Q1,K0:K1 within %lld queries and %lld keys, not '%s'",
                  (long long)pattern.queries, (long long)pattern.keys, args);
        return false;
    }
    history_note(app);
    float w = 1, h = 1;
    int64_t unused_q, unused_k;
    if (!camera_plot_size(app, &w, &h, &unused_q, &unused_k)) return false;
    app->look.matrix.camera = views_camera_rect((double)r[0], (double)r[1], (double)r[2], (double)r[3], w, h);
    if (app->look.matrix.fit_mode == FIT_SQUARE) {
        app->look.matrix.camera.points_q = app->look.matrix.camera.points_k = fmin(app->look.matrix.camera.points_q,
                                                                                   app->look.matrix.camera.points_k);
    }
    app->look.matrix.fitted = false;
    return true;
}

static bool set_level(App *app, const char *args, Error *err) {
    double lq, lk;
    if (!camera_parse_pair(args, &lq, &lk) || lq < 0 || lk < 0 || lq >= TILE_LEVELS || lk >= TILE_LEVELS) {
        error_set(err, STATUS_USAGE, "'level' takes LQ,LK of 0 to %d, not '%s'", TILE_LEVELS - 1, args);
        return false;
    }
    history_note(app);
    const double scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    app->look.matrix.camera.points_q = ldexp(1.0, -(int)lq) / scale;
    app->look.matrix.camera.points_k = ldexp(1.0, -(int)lk) / scale;
    app->look.matrix.fitted = false;
    return true;
}

static bool is_whole(double value) {
    return fabs(value - round(value)) < 1e-6;
}

/* What is seen, as whole tokens where it is that: then the same picture comes of a rectangle. */
static bool seen(const App *app, bool *whole, double rect[4]) {
    Pattern pattern;
    const Camera *camera = &app->look.matrix.camera;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    const Rect plot = app->picture.result.plot;
    if (app->look.matrix.fitted || !scene_has(app, SCENE_CELLS)) return false;
    if (!app_pattern(app, &pattern)) return false;
    views_camera_visible(camera, plot.w / scale, plot.h / scale, &rect[0], &rect[1], &rect[2], &rect[3]);
    *whole = is_whole(rect[0]) && is_whole(rect[1]) && is_whole(rect[2]) && is_whole(rect[3]) && rect[0] > -0.5 &&
             rect[2] > -0.5 && rect[1] < (double)pattern.queries + 0.5 && rect[3] < (double)pattern.keys + 0.5;
    const double most = (double)i64_max(pattern.queries, pattern.keys),
                 least = (double)i64_max(1, i64_min(pattern.queries, pattern.keys));
    const bool stretched = app->look.matrix.fit_mode == FIT_STRETCH ||
                           (app->look.matrix.fit_mode == FIT_AUTO && most / least > CAMERA_SQUARE_ASPECT);
    const bool square = fabs(camera->points_q - camera->points_k) < 1e-9 * camera->points_q;
    if (!*whole && !stretched && !square) *whole = true; /* cells of a shape that only a rectangle gives them */
    if (!*whole) return true;
    const double limits[4] = {(double)pattern.queries - 1, (double)pattern.queries, (double)pattern.keys - 1,
                              (double)pattern.keys};
    for (int i = 0; i < 4; i++)
        rect[i] = f64_clamp(round(rect[i]), i % 2, limits[i]);
    return true;
}

bool camera_value(const App *app, char *out, size_t out_size) {
    double r[4];
    bool whole;
    if (!seen(app, &whole, r) || whole) return false;
    snprintf(out, out_size, "%.9g:%.9g,%.9g:%.9g", r[0], r[1], r[2], r[3]);
    return true;
}

static bool get_rect(const App *app, char *out, size_t out_size) {
    double r[4];
    bool whole;
    if (!seen(app, &whole, r) || !whole) return false;
    snprintf(out, out_size, "%lld:%lld,%lld:%lld", (long long)r[0], (long long)r[1], (long long)r[2], (long long)r[3]);
    return true;
}

static bool get_nothing(const App *app, char *out, size_t out_size) {
    (void)app;
    (void)out;
    (void)out_size;
    return false;
}

static void fit_again(App *app, const char *args) {
    char value[16];
    (void)args;
    snprintf(value, sizeof value, "%s", ASPECTS[app->look.matrix.fit_mode]);
    app_say(app, SAY_INFO, "cells: %s", value);
    if (scene_has(app, SCENE_CELLS)) history_note(app);
    scene_fit(app);
}

#define SAID (PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS)

// clang-format off
const Property CAMERA_PROPERTIES[] = {
    {.command = {"rect", "Q0:Q1,K0:K1", NULL, NULL, "Camera", "show these queries and keys", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
     .kind = PROPERTY_TEXT, .where = SAID, .set = set_rect, .get = get_rect,
     .option = {.arg = "Q0:Q1,K0:K1", .help = "these queries and keys, half-open", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {"level", "LQ,LK", NULL, NULL, "Camera", "show this level, a texel a pixel", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
     .kind = PROPERTY_TEXT, .where = SAID, .set = set_level, .get = get_nothing,
     .option = {.arg = "LQ,LK", .help = "a texel stands for 2^LQ x 2^LK weights", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {"aspect", "auto|square|stretch|next", NULL, "Shift+F=next", "Camera", "square cells, or stretched to the window", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_CHOICE, .where = SAID | PROPERTY_SETTING, .initial = "auto", .choices = ASPECTS,
     .offset = PROPERTY_ENUM_AT(App, look.matrix.fit_mode), .changed = fit_again,
     .option = {.arg = "HOW", .help = "auto, square or stretch"}},
    {.command = {.name = NULL}},
};

const Command CAMERA_COMMANDS[] = {
    {"pan", "DQ,DK", cmd_pan, "h=0,-48 j=48,0 k=-48,0 l=0,48 Ctrl+h=0,-256 Ctrl+j=256,0 Ctrl+k=-256,0 Ctrl+l=0,256", "Camera", "pan, with Ctrl farther; drag does it too", "h j k l  Ctrl+", .repeats = true, .noted = NOTED_WITHOUT_CELLS},
    {"zoom", "FACTOR", cmd_zoom, "Ctrl+Up=1.25 Ctrl+Down=0.8 +=1.25 ==1.25 -=0.8", "Camera", "zoom about the cursor; the wheel does it too", "Ctrl+Up Ctrl+Down  + -", .repeats = true, .noted = NOTED_WITHOUT_CELLS},
    {"fit", "", cmd_fit, "f=", "Camera", "the whole pattern", NULL, .noted = NOTED_WITHOUT_CELLS},
    {"one-to-one", "", cmd_one_to_one, "w=", "Camera", "one weight = one pixel", NULL, .noted = NOTED_WITHOUT_CELLS},
    {.name = NULL},
};
// clang-format on
