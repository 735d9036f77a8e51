/* The crosshair: a cell that the mouse or the keyboard points at, and that can be locked. */
#include "features/crosshair.h"
#include "features/camera.h"
#include "features/compare.h"
#include "features/parts.h"
#include "session/property.h"

#include <string.h>

static bool set_cursor(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return false;
    if (!strcmp(args, "off")) {
        app->look.matrix.cursor_on = app->look.matrix.cursor_locked = false;
        return true;
    }
    double q, k;
    if (!camera_parse_pair(args, &q, &k)) {
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
        q = f64_clamp(q, 0, (double)(pattern.queries - 1));
        k = f64_clamp(k, 0, (double)(pattern.keys - 1));
    }
    if (!(q >= 0 && k >= 0 && q < (double)pattern.queries && k < (double)pattern.keys)) {
        error_set(err, STATUS_RANGE, "cell %s is outside %lld queries x %lld keys", args, (long long)pattern.queries,
                  (long long)pattern.keys);
        return false;
    }
    app->look.matrix.cursor_on = app->look.matrix.cursor_locked = true;
    app->look.matrix.cursor_q = (int64_t)q;
    app->look.matrix.cursor_k = (int64_t)k;
    return true;
}

static bool cmd_lock_cursor(App *app, const char *args, Error *err) {
    (void)args;
    if (!app->look.matrix.cursor_on) {
        error_set(err, STATUS_NOT_FOUND, "the crosshair is not on the matrix");
        return false;
    }
    app->look.matrix.cursor_locked = !app->look.matrix.cursor_locked;
    return true;
}

static bool get_cursor(const App *app, char *out, size_t out_size) {
    const MatrixState *matrix = &app->look.matrix;
    if (!matrix->cursor_locked || !scene_has(app, SCENE_CELLS)) return false;
    snprintf(out, out_size, "%lld,%lld", (long long)matrix->cursor_q, (long long)matrix->cursor_k);
    return true;
}

static bool let_go(App *app) {
    const bool was = app->look.matrix.cursor_locked;
    if (was) app->look.matrix.cursor_locked = app->look.matrix.cursor_on = false;
    return was;
}

/* The weight as it is stored, beside its variant. */
static void append_raw(const App *app, const TileKey *varied, TextBuffer *out) {
    TileKey key = *varied;
    key.variant = 0;
    const float *value = views_readout_cell((Readouts *)(uintptr_t)&app->work.readouts, &key, app->look.matrix.cursor_q,
                                            app->look.matrix.cursor_k);
    text_append(out, ",\"raw\":");
    if (value)
        words_append_cell(out, *value);
    else
        text_append(out, "null");
}

static void json(const App *app, TextBuffer *out) {
    text_append(out, "\"cursor\":");
    if (!app->look.matrix.cursor_on) {
        text_append(out, "null,");
        return;
    }
    const Frame frame = {.capture = app_capture(app), .serial = app->opened.captures[0].serial};
    const TileKey key = views_row_key(&frame, &app->look, app->look.matrix.cursor_q);
    const float *value = views_readout_cell((Readouts *)(uintptr_t)&app->work.readouts, &key, app->look.matrix.cursor_q,
                                            app->look.matrix.cursor_k);
    text_appendf(out, "{\"query\":%lld,\"key\":%lld,\"locked\":%s,\"value\":", (long long)app->look.matrix.cursor_q,
                 (long long)app->look.matrix.cursor_k, app->look.matrix.cursor_locked ? "true" : "false");
    if (value)
        words_append_cell(out, *value);
    else
        text_append(out, "null");
    ComparedCell cell;
    if (compare_cursor(app, &cell)) {
        text_append(out, ",\"reference\":");
        words_append_cell(out, cell.reference);
        text_append(out, ",\"difference\":");
        words_append_cell(out, cell.difference);
    }
    if (key.variant) append_raw(app, &key, out);
    text_append(out, "},");
}

static void want_row(App *app, Frame *frame, const TileKey *key) {
    if (key->columns <= 0 || views_readout_find(&app->work.readouts, key)) return;
    TileWant *want = views_want(&app->work.wants, JOB_CELLS, key, frame->capture);
    if (want) want->heads = app->look.subject.heads;
    app->picture.result.pending = true;
}

/* The whole row under the cursor, from the source: value, profile and strongest keys all come from it. */
bool crosshair_want_row(App *app, Frame *frame) {
    if (!app->look.matrix.cursor_on || frame->flying) return true;
    const TileKey key = views_row_key(frame, &app->look, app->look.matrix.cursor_q);
    want_row(app, frame, &key);
    if (key.variant) {
        TileKey plain = key;
        plain.variant = 0; /* as it is stored, to be named beside the variant */
        want_row(app, frame, &plain);
    }
    return key.columns <= 0 || views_readout_find(&app->work.readouts, &key);
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"cursor", "Q,K|+DQ,+DK|off", NULL, "Alt+Up=-1,+0 Alt+Down=+1,+0 Alt+Left=+0,-1 Alt+Right=+0,+1", "Camera", "move the crosshair", "Alt+arrows", .needs = SCENE_CELLS, .repeats = true, .noted = NOTED_WITHOUT_CELLS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS, .set = set_cursor, .get = get_cursor,
     .option = {.arg = "Q,K", .help = "the crosshair on this cell", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {.name = NULL}},
};

static const Command COMMANDS[] = {
    {"lock-cursor", "", cmd_lock_cursor, "x=", "Camera", "lock the crosshair", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
    {.name = NULL},
};
// clang-format on

const Part CROSSHAIR = {
    .name = "crosshair", .let_go = let_go, .json = json, .commands = COMMANDS, .properties = PROPERTIES};
