/* Pinning cells: the command, and what is drawn of pins over the matrix. The inspector is panel_pins.c. */
#include "app/app.h"

#include <math.h>
#include <string.h>

/* ---- the command ----------------------------------------------------------------------------- */

static bool fits(const Pin *pin, const App *app, int64_t queries, int64_t keys) {
    return pin->set == app->look.subject.set && pin->query < queries && pin->key < keys;
}

static bool add(App *app, int64_t query, int64_t key, Error *err) {
    const int known = pins_find(&app->pins, app->look.subject.set, query, key);
    if (known >= 0) {
        app->pins.focus = known;
        return true;
    }
    if (pins_add(&app->pins, app->look.subject.set, query, key)) return true;
    error_set(err, STATUS_RANGE, "%d cells are pinned already; `pin remove N` makes room", PINS_MAX);
    return false;
}

/* The crosshair's cell, or no longer. */
static bool toggle(App *app, Error *err) {
    if (!app->look.matrix.cursor_on) {
        error_set(err, STATUS_NOT_FOUND, "the crosshair is not on the matrix: move over a cell, or Alt+arrows");
        return false;
    }
    const int known = pins_find(&app->pins, app->look.subject.set, app->look.matrix.cursor_q,
                                app->look.matrix.cursor_k);
    if (known < 0) return add(app, app->look.matrix.cursor_q, app->look.matrix.cursor_k, err);
    pins_remove(&app->pins, known);
    return true;
}

/* "Q,K:Q,K:..." */
static bool add_list(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    for (const char *at = args;;) {
        long long query, key;
        int used = 0;
        if (sscanf(at, "%lld,%lld%n", &query, &key, &used) != 2 || (at[used] && at[used] != ':')) {
            error_set(err, STATUS_USAGE, "'pin' takes Q,K, clear, next, show N or remove N, not '%.60s'", args);
            return false;
        }
        if (query < 0 || key < 0 || query >= queries || key >= keys) {
            error_set(err, STATUS_RANGE, "cell %lld,%lld is outside %lld queries x %lld keys", query, key,
                      (long long)queries, (long long)keys);
            return false;
        }
        if (!add(app, query, key, err)) return false;
        if (!at[used]) return true;
        at += used + 1;
    }
}

/* Where it can be seen. */
static void go_to(App *app, int index) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    double q0, q1, k0, k1;
    app->pins.focus = index;
    const Pin *pin = &app->pins.items[index];
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    if (!app_pattern(app, &set, &layer, &queries, &keys) || !fits(pin, app, queries, keys)) return;
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, &q0, &q1, &k0, &k1);
    const double q = (double)pin->query + 0.5, k = (double)pin->key + 0.5;
    if (q >= q0 && q <= q1 && k >= k0 && k <= k1) return;
    app_remember_camera(app);
    app->look.matrix.camera.q = q;
    app->look.matrix.camera.k = k;
    app_camera_moved(app);
}

/* Index of pin "N"; -1 with a sentence. */
static int number(const App *app, const char *text, Error *err) {
    int64_t n;
    if (text_parse_i64(text, &n) && n >= 1 && n <= app->pins.count) return (int)n - 1;
    error_set(err, STATUS_NOT_FOUND, "there is no pin '%.40s': there %s %d", text, app->pins.count == 1 ? "is" : "are",
              app->pins.count);
    return -1;
}

bool cmd_pin(App *app, const char *args, Error *err) {
    if (!app_capture(app)) return false;
    if (!args[0]) return toggle(app, err);
    if (!strcmp(args, "clear")) {
        app->pins.count = app->pins.focus = 0;
        return true;
    }
    if (!strcmp(args, "next")) {
        if (app->pins.count == 0) {
            error_set(err, STATUS_NOT_FOUND, "nothing is pinned: p pins the cell under the crosshair");
            return false;
        }
        go_to(app, (app->pins.focus + 1) % app->pins.count);
        return true;
    }
    const bool show = text_starts_with(args, "show "), drop = text_starts_with(args, "remove ");
    if (!show && !drop) return add_list(app, args, err);
    const int index = number(app, strchr(args, ' ') + 1, err);
    if (index < 0) return false;
    if (show)
        go_to(app, index);
    else
        pins_remove(&app->pins, index);
    return true;
}

/* ---- over the matrix ------------------------------------------------------------------------- */

bool app_has_pins(const App *app) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (app->look.kind != VIEW_MATRIX || !app_pattern(app, &set, &layer, &queries, &keys)) return false;
    for (int i = 0; i < app->pins.count; i++) {
        if (fits(&app->pins.items[i], app, queries, keys)) return true;
    }
    return false;
}

bool app_pin_shown(const App *app, const Pin *pin) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    return app_pattern(app, &set, &layer, &queries, &keys) && fits(pin, app, queries, keys);
}

void app_format_cell(float value, char *out, size_t out_size) {
    if (isnan(value))
        snprintf(out, out_size, "NaN");
    else if (isinf(value))
        snprintf(out, out_size, "masked");
    else if (value != 0 && fabsf(value) < 1e-3f)
        snprintf(out, out_size, "%.1e", (double)value);
    else
        snprintf(out, out_size, "%.4f", (double)value);
}

void app_draw_pins(App *app, Frame *frame, bool lines) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    PinMark marks[PINS_MAX];
    int count = 0;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    for (int i = 0; i < app->pins.count; i++) {
        Pin *pin = &app->pins.items[i];
        if (!fits(pin, app, queries, keys)) continue;
        const TileKey row = views_row_key(frame, &app->look, pin->query);
        pins_follow(pin, &row, layer);
        (void)pins_want(pin, frame, &app->look, lines);
        marks[count] = (PinMark){pin->query, pin->key, i + 1, i == app->pins.focus, ""};
        /* Elsewhere the picture is not of these numbers. */
        const bool same = app->look.compare == COMPARE_OFF || app->look.compare == COMPARE_SIDE;
        if (same && pin->known) app_format_cell(pin->value, marks[count].text, sizeof marks[count].text);
        count++;
    }
    views_pin_marks(frame, &app->picture.result, queries, keys, marks, count);
    for (int i = 0; i < count; i++)
        marks[i].text[0] = 0;
    if (app->comparison.side_result.plot.w > 0 && !app->comparison.side_result.absent)
        views_pin_marks(frame, &app->comparison.side_result, queries, keys, marks, count);
}

void app_pins_json(const App *app, TextBuffer *out) {
    text_append(out, "\"pins\":[");
    for (int i = 0; i < app->pins.count; i++) {
        const Pin *pin = &app->pins.items[i];
        text_appendf(out, "%s{\"query\":%lld,\"key\":%lld,\"value\":", i ? "," : "", (long long)pin->query,
                     (long long)pin->key);
        text_append_json_f32(out, !pin->known ? NAN : isinf(pin->value) ? 0 : pin->value);
        text_append(out, ",\"head_values\":[");
        for (int h = 0; h < pin->head_count; h++) {
            text_append(out, h ? "," : "");
            text_append_json_f32(out, !pin->head_known[h] ? NAN : isinf(pin->heads[h]) ? 0 : pin->heads[h]);
        }
        const PinLine *lines[] = {&pin->row, &pin->column};
        for (int l = 0; l < 2; l++) {
            text_appendf(out, "],\"%s\":[", l ? "top_queries" : "top_keys");
            for (int t = 0; t < lines[l]->top_count; t++) {
                text_appendf(out, "%s[%lld,", t ? "," : "", (long long)lines[l]->top[t]);
                text_append_json_f32(out, lines[l]->top_values[t]);
                text_append(out, "]");
            }
        }
        text_appendf(out, "],\"read\":[%lld,%lld]}", (long long)pin->row.done, (long long)pin->column.done);
    }
    text_appendf(out, "],\"pin_shown\":%d,", app->pins.count ? app->pins.focus + 1 : 0);
}
