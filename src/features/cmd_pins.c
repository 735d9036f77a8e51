/* Pinning cells: the command, and what is drawn of pins over the matrix. The inspector is panel_pins.c. */
#include "features/camera.h"
#include "features/compare.h"
#include "features/parts.h"
#include "features/pins.h"
#include "session/property.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

/* ---- the command ----------------------------------------------------------------------------- */

static bool add(App *app, int64_t query, int64_t key, Error *err) {
    const int known = pins_find(pins_of(app), app->look.subject.set, query, key);
    if (known >= 0) {
        pins_of(app)->focus = known;
        return true;
    }
    if (pins_add(pins_of(app), app->look.subject.set, query, key)) return true;
    error_set(err, STATUS_RANGE, "%d cells are pinned already; `pin remove N` makes room", PINS_MAX);
    return false;
}

/* The crosshair's cell, or no longer. */
static bool toggle(App *app, Error *err) {
    if (!app->look.matrix.cursor_on) {
        error_set(err, STATUS_NOT_FOUND, "the crosshair is not on the matrix: move over a cell, or Alt+arrows");
        return false;
    }
    const int known = pins_find(pins_of(app), app->look.subject.set, app->look.matrix.cursor_q,
                                app->look.matrix.cursor_k);
    if (known < 0) return add(app, app->look.matrix.cursor_q, app->look.matrix.cursor_k, err);
    pins_remove(pins_of(app), known);
    return true;
}

/* "Q,K:Q,K:..." */
static bool add_list(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return false;
    for (const char *at = args;;) {
        long long query, key;
        int used = 0;
        if (sscanf(at, "%lld,%lld%n", &query, &key, &used) != 2 || (at[used] && at[used] != ':')) {
            error_set(err, STATUS_USAGE, "'pin' takes Q,K, clear, next, show N or remove N, not '%.60s'", args);
            return false;
        }
        if (query < 0 || key < 0 || query >= pattern.queries || key >= pattern.keys) {
            error_set(err, STATUS_RANGE, "cell %lld,%lld is outside %lld queries x %lld keys", query, key,
                      (long long)pattern.queries, (long long)pattern.keys);
            return false;
        }
        if (!add(app, query, key, err)) return false;
        if (!at[used]) return true;
        at += used + 1;
    }
}

/* Where it can be seen. */
static void go_to(App *app, int index) {
    Pattern pattern;
    double q0, q1, k0, k1;
    pins_of(app)->focus = index;
    const Pin *pin = &pins_of(app)->items[index];
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    if (!app_pattern(app, &pattern) || !pins_fit(pin, app, pattern.queries, pattern.keys)) return;
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, &q0, &q1, &k0, &k1);
    const double q = (double)pin->query + 0.5, k = (double)pin->key + 0.5;
    if (q >= q0 && q <= q1 && k >= k0 && k <= k1) return;
    history_note(app);
    app->look.matrix.camera.q = q;
    app->look.matrix.camera.k = k;
    camera_moved(app);
}

/* Index of pin "N"; -1 with a sentence. */
static int number(const App *app, const char *text, Error *err) {
    int64_t n;
    if (text_parse_i64(text, &n) && n >= 1 && n <= pins_of(app)->count) return (int)n - 1;
    error_set(err, STATUS_NOT_FOUND, "there is no pin '%.40s': there %s %d", text,
              pins_of(app)->count == 1 ? "is" : "are", pins_of(app)->count);
    return -1;
}

static bool set_pin(App *app, const char *args, Error *err) {
    if (!app_capture(app)) return false;
    if (!args[0]) return toggle(app, err);
    if (!strcmp(args, "clear")) {
        pins_of(app)->count = pins_of(app)->focus = 0;
        return true;
    }
    if (!strcmp(args, "next")) {
        if (pins_of(app)->count == 0) {
            error_set(err, STATUS_NOT_FOUND, "nothing is pinned: p pins the cell under the crosshair");
            return false;
        }
        go_to(app, (pins_of(app)->focus + 1) % pins_of(app)->count);
        return true;
    }
    const bool show = text_starts_with(args, "show "), drop = text_starts_with(args, "remove ");
    if (!show && !drop) return add_list(app, args, err);
    const int index = number(app, strchr(args, ' ') + 1, err);
    if (index < 0) return false;
    if (show)
        go_to(app, index);
    else
        pins_remove(pins_of(app), index);
    return true;
}

/* ---- over the matrix ------------------------------------------------------------------------- */

void pins_draw(App *app, Frame *frame, bool lines) {
    Pattern pattern;
    PinMark marks[PINS_MAX];
    int count = 0;
    if (!app_pattern(app, &pattern)) return;
    for (int i = 0; i < pins_of(app)->count; i++) {
        Pin *pin = &pins_of(app)->items[i];
        if (!pins_fit(pin, app, pattern.queries, pattern.keys)) continue;
        const TileKey row = views_row_key(frame, &app->look, pin->query);
        pins_follow(pin, &row, pattern.layer);
        (void)pins_want(pin, frame, &app->look, lines);
        marks[count] = (PinMark){pin->query, pin->key, i + 1, i == pins_of(app)->focus, ""};
        /* Elsewhere the picture is not of these numbers. */
        const bool same = app->look.compare == COMPARE_OFF || app->look.compare == COMPARE_SIDE;
        if (same && pin->known) words_cell(pin->value, marks[count].text, sizeof marks[count].text);
        count++;
    }
    views_pin_marks(frame, &app->picture.result, pattern.queries, pattern.keys, marks, count);
    for (int i = 0; i < count; i++)
        marks[i].text[0] = 0;
    if (compare_of(app)->side_result.plot.w > 0 && !compare_of(app)->side_result.absent)
        views_pin_marks(frame, &compare_of(app)->side_result, pattern.queries, pattern.keys, marks, count);
}

static void json(const App *app, TextBuffer *out) {
    text_append(out, "\"pins\":[");
    for (int i = 0; i < pins_of(app)->count; i++) {
        const Pin *pin = &pins_of(app)->items[i];
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
    text_appendf(out, "],\"pin_shown\":%d,", pins_of(app)->count ? pins_of(app)->focus + 1 : 0);
}

/* ---- in the program -------------------------------------------------------------------------- */

static bool get_pins(const App *app, char *out, size_t out_size) {
    size_t used = 0;
    for (int i = 0; i < pins_of(app)->count && used < out_size; i++) {
        const Pin *pin = &pins_of(app)->items[i];
        if (pin->set != app->look.subject.set) continue;
        used += (size_t)snprintf(out + used, out_size - used, "%s%lld,%lld", used ? ":" : "", (long long)pin->query,
                                 (long long)pin->key);
    }
    return used > 0;
}

static void capture_opened(App *app) {
    const Capture *capture = app_capture(app);
    if (!app->opened.again) pins_of(app)->count = pins_of(app)->focus = 0;
    for (int i = 0; i < capture_set_count(capture); i++) {
        const SetInfo *set = capture_set(capture, i);
        pins_keep_inside(pins_of(app), i, set->max_queries, set->max_keys);
    }
}

static bool take(App *app, const TileData *data) {
    return pins_accept(pins_of(app), app_capture(app), data);
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"pin", "[Q,K|clear|next|show N|remove N]", NULL, "p= Shift+P=next", "Camera", "pin the cell under the crosshair, or let go of it; the next pin", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS, .set = set_pin, .get = get_pins,
     .option = {.arg = "Q,K", .help = "mark this cell with its value; more of them as Q,K:Q,K"}},
    {.command = {.name = NULL}},
};
// clang-format on

const Part PINS = {.name = "pins",
                   .state = &PINS_STATE,
                   .capture_opened = capture_opened,
                   .take = take,
                   .drawing = {.wants_panel = pins_any_shown, .panel = panel_pins},
                   .json = json,
                   .properties = PROPERTIES};
