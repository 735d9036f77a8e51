/* The state as one JSON line (what tests read) and as a command line (what people share). */
#include "app/chooser.h"
#include "app/find.h"
#include "app/focus.h"
#include "app/palette.h"
#include "app/recompute.h"
#include "app/selection.h"
#include "app/settings.h"

#include <math.h>
#include <string.h>

static const char *const TRANSFORMS[] = {"linear", "sqrt", "log"};
static const char *const CHANNELS[] = {"mean", "mass", "max"};
static const char *const ASPECTS[] = {"auto", "square", "stretch"};

static const char *const COMPARES[] = {"off", "ref", "diff", "side"};

static void append_bool(TextBuffer *out, const char *name, bool value) {
    text_appendf(out, "\"%s\":%s,", name, value ? "true" : "false");
}

/* Masked is 0, not a number null. */
static void append_cell(TextBuffer *out, float value) {
    if (isinf(value))
        text_append(out, "0");
    else
        text_append_json_f32(out, value);
}

/* The weight as it is stored, beside its variant. */
static void append_raw(const App *app, const TileKey *varied, TextBuffer *out) {
    TileKey key = *varied;
    key.variant = 0;
    const float *value = views_readout_cell((Readouts *)(uintptr_t)&app->work.readouts, &key, app->look.matrix.cursor_q,
                                            app->look.matrix.cursor_k);
    text_append(out, ",\"raw\":");
    if (value)
        append_cell(out, *value);
    else
        text_append(out, "null");
}

static void append_cursor(const App *app, TextBuffer *out) {
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
        append_cell(out, *value);
    else
        text_append(out, "null");
    ComparedCell cell;
    if (compare_cursor(app, &cell)) {
        text_append(out, ",\"reference\":");
        append_cell(out, cell.reference);
        text_append(out, ",\"difference\":");
        append_cell(out, cell.difference);
    }
    if (key.variant) append_raw(app, &key, out);
    text_append(out, "},");
}

static void append_variant(const App *app, TextBuffer *out) {
    char hidden[VARIANT_TEXT_SIZE];
    const Variant *variant = &app->look.subject.variant;
    tiles_variant_format_hide(variant, hidden, sizeof hidden);
    text_append(out, "\"hide\":");
    text_append_json(out, hidden);
    text_appendf(out, ",\"row_scale\":\"%s\",", tiles_row_scale_name(variant->row_scale));
    append_bool(out, "value_weighted", variant->value_weighted);
}

static void append_view(const App *app, const SetInfo *set, const LayerInfo *layer, TextBuffer *out) {
    char heads[512];
    double q0, q1, k0, k1;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    tiles_headset_format(&app->look.subject.heads, heads, sizeof heads);
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, &q0, &q1, &k0, &k1);
    if (!(app->look.matrix.camera.points_q > 0 &&
          app->look.matrix.camera.points_k > 0)) { /* the matrix has not been drawn yet */
        q0 = k0 = 0;
        q1 = (double)layer->queries, k1 = (double)layer->keys;
    }
    text_append(out, "\"set\":");
    text_append_json(out, set->name);
    text_appendf(out, ",\"layer\":%d,\"layer_index\":%d,\"layers\":%d,\"heads\":", layer->number,
                 app->look.subject.layer, set->layer_count);
    text_append_json(out, heads);
    text_appendf(out, ",\"head_count\":%d,\"batch\":%d,\"step\":%d,\"values\":\"%s\",\"view\":\"%s\",",
                 layer->head_count, app->look.subject.item, capture_step_number(set, app->look.subject.step),
                 app->look.subject.values == VALUES_SCORES ? "scores" : "weights", app_view_ui(app)->name);
    text_appendf(out, "\"tokens_q\":%lld,\"tokens_k\":%lld,", (long long)layer->queries, (long long)layer->keys);
    text_appendf(out, "\"camera\":{\"q0\":%.9g,\"k0\":%.9g,\"q1\":%.9g,\"k1\":%.9g,\"fitted\":%s},", q0, k0, q1, k1,
                 app->look.matrix.fitted ? "true" : "false");
    text_appendf(out, "\"level\":[%d,%d],\"exactness\":\"%s\",\"pending\":%s,", app->picture.result.level.q,
                 app->picture.result.level.k, panel_badge(app), app->picture.result.pending ? "true" : "false");
    text_appendf(out, "\"range\":[%.9g,%.9g],", (double)app->look.colours.lo, (double)app->look.colours.hi);
    text_appendf(out, "\"plot\":[%g,%g,%g,%g],\"origin\":[%g,%g],\"cell\":[%.9g,%.9g],",
                 (double)app->picture.result.plot.x, (double)app->picture.result.plot.y,
                 (double)app->picture.result.plot.w, (double)app->picture.result.plot.h, app->picture.result.origin_x,
                 app->picture.result.origin_y, app->picture.result.cell_w, app->picture.result.cell_h);
    const ViewResult *side = &app->comparison.side_result;
    if (side->plot.w > 0)
        text_appendf(out, "\"beside\":{\"plot\":[%g,%g,%g,%g],\"origin\":[%g,%g]},", (double)side->plot.x,
                     (double)side->plot.y, (double)side->plot.w, (double)side->plot.h, side->origin_x, side->origin_y);
    else
        text_append(out, "\"beside\":null,");
}

static void append_head(const SetInfo *set, GridHead head, TextBuffer *out) {
    text_appendf(out, "[%d,%d]", set->layers[head.layer].number, head.head);
}

/* Heads are [layer, head], as numbered in the model. */
static void append_grid(const App *app, const SetInfo *set, TextBuffer *out) {
    const GridState *grid = &app->look.grid;
    const GridLayout *l = &app->grid.layout;
    text_append(out, "\"grid\":");
    if (app->look.kind != VIEW_GRID) {
        text_append(out, "null,");
        return;
    }
    text_append(out, "{\"focus\":");
    append_head(set, grid->focus, out);
    text_append(out, ",\"hover\":");
    if (grid->hover_on)
        append_head(set, grid->hover, out);
    else
        text_append(out, "null");
    text_append(out, ",\"selection\":[");
    for (int i = 0; i < grid->selected_count; i++) {
        text_append(out, i ? "," : "");
        append_head(set, grid->selected[i], out);
    }
    text_appendf(out, "],\"range\":\"%s\",\"rows\":%d,\"columns\":%d,\"fitted\":%s,\"gap\":%g,",
                 grid->per_head ? "head" : "common", l->rows, l->columns, grid->fitted ? "true" : "false",
                 (double)l->gap);
    text_appendf(out, "\"visible\":[%d,%d,%d,%d]},", l->row0, l->row1, l->column0, l->column1);
}

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
        text_append_json_f64(out, f->nonfinite ? (double)NAN : mean * (double)(app->selection.k1 - app->selection.k0));
        text_append(out, ",\"largest\":");
        append_cell(out, f->most);
        text_appendf(out, ",\"masked\":%lld},", (long long)f->masked);
    } else {
        text_append(out, "null,");
    }
    append_bool(out, "writing", selection_busy(app, what, sizeof what, &fraction));
}

/* What a capture without patterns has of the above. */
static void append_strip_view(const App *app, TextBuffer *out) {
    const Rect plot = app->picture.result.plot;
    text_appendf(out, "\"view\":\"%s\",\"exactness\":\"%s\",\"pending\":%s,\"range\":[%.9g,%.9g],",
                 app_view_ui(app)->name, panel_badge(app), app->picture.result.pending ? "true" : "false",
                 (double)app->look.colours.lo, (double)app->look.colours.hi);
    text_appendf(out, "\"plot\":[%g,%g,%g,%g],", (double)plot.x, (double)plot.y, (double)plot.w, (double)plot.h);
}

static void append_text(const App *app, TextBuffer *out) {
    const TextState *state = &app->look.text;
    const StripInfo *strip = view_text_strip(app);
    text_append(out, "\"text\":");
    if (app->look.kind != VIEW_TEXT || !strip) {
        text_append(out, "null,");
        return;
    }
    const TextShown shown = views_text_shown(app->text.view);
    const Rect profile = shown.profile;
    Rect cell;
    text_append(out, "{\"strip\":");
    text_append_json(out, strip->name);
    text_appendf(out, ",\"item\":%d,\"items\":%d,\"tokens\":%lld,\"token\":", state->item,
                 capture_strip_count(app_capture(app)), (long long)strip->count);
    if (state->token_on)
        text_appendf(out, "%lld", (long long)state->token);
    else
        text_append(out, "null");
    text_appendf(out, ",\"locked\":%s,\"size\":%g,\"shown\":[%lld,%lld],\"line\":%lld,\"lines\":%lld,\"rect\":",
                 state->locked ? "true" : "false", (double)state->size, (long long)shown.from, (long long)shown.to,
                 (long long)shown.line, (long long)shown.lines);
    if (state->token_on && views_text_rect(app->text.view, state->token, &cell))
        text_appendf(out, "[%g,%g,%g,%g]", (double)cell.x, (double)cell.y, (double)cell.w, (double)cell.h);
    else
        text_append(out, "null");
    text_appendf(out, ",\"profile\":[%g,%g,%g,%g]},", (double)profile.x, (double)profile.y, (double)profile.w,
                 (double)profile.h);
}

void app_state_json(const App *app, TextBuffer *out) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    text_append(out, "{\"file\":");
    text_append_json(out, app->opened.captures[0].capture ? app->opened.captures[0].path : NULL);
    text_append(out, ",\"reference\":");
    text_append_json(out, app->opened.captures[1].capture ? app->opened.captures[1].path : NULL);
    text_appendf(out, ",\"compare\":\"%s\",", COMPARES[app->look.compare]);
    if (app_pattern(app, &set, &layer, &queries, &keys))
        append_view(app, set, layer, out);
    else if (app_capture(app))
        append_strip_view(app, out);
    append_text(app, out);
    text_appendf(out, "\"transform\":\"%s\",\"pool\":\"%s\",\"cmap\":\"%s\",\"gamma\":%g,",
                 TRANSFORMS[app->look.colours.transform], CHANNELS[app->look.colours.channel],
                 draw_colormap_name(app->look.colours.cmap), (double)app->look.colours.gamma);
    append_variant(app, out);
    append_bool(out, "range_locked", app->look.colours.range_locked);
    append_bool(out, "labels", app->look.labels);
    append_bool(out, "panels", !app->ui.folded);
    append_bool(out, "fullscreen", platform_is_fullscreen(app->machine.platform));
    append_bool(out, "help", app->help.on);
    palette_json(app, out);
    focus_json(app, out);
    find_json(app, out);
    append_bool(out, "card", app->card_on);
    append_bool(out, "status", app->status_on);
    append_bool(out, "playing", app->play.on);
    append_bool(out, "choosing", chooser_is_open(app));
    append_cursor(app, out);
    if (app_pattern(app, &set, &layer, &queries, &keys)) append_grid(app, set, out);
    if (app->selection.on) {
        text_appendf(out, "\"selection\":[%lld,%lld,%lld,%lld],", (long long)app->selection.q0,
                     (long long)app->selection.q1, (long long)app->selection.k0, (long long)app->selection.k1);
    } else {
        text_append(out, "\"selection\":null,");
    }
    append_figures(app, out);
    app_pins_json(app, out);
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    recompute_json(app, out);
    text_append(out, ",\"message\":");
    text_append_json(out, app->message.text);
    text_appendf(out, ",\"frames\":%llu,\"uploads\":%llu,\"composes\":%llu}", (unsigned long long)app->pace.frames,
                 (unsigned long long)gpu.uploads, (unsigned long long)gpu.composes);
}

static void append_text_options(const App *app, TextBuffer *out) {
    const TextState *state = &app->look.text;
    text_append(out, " --view text");
    if (state->item) text_appendf(out, " --batch %d", state->item);
    if (state->size != TEXT_SIZE_START) text_appendf(out, " --text-size %.6g", (double)state->size);
    if (state->token_on) text_appendf(out, " --token %lld", (long long)state->token);
    if (state->top > 0) text_appendf(out, " --text-top %lld", (long long)state->top);
}

/* Quotes for a POSIX shell where needed. */
static void append_word(TextBuffer *out, const char *word) {
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
    if (word[0] && strspn(word, plain) == strlen(word)) {
        text_append(out, word);
        return;
    }
    text_append(out, "'");
    for (; *word; word++) {
        if (*word == '\'')
            text_append(out, "'\\''");
        else
            text_append_bytes(out, word, 1);
    }
    text_append(out, "'");
}

static bool is_whole(double value) {
    return fabs(value - round(value)) < 1e-6;
}

/* What is seen, so that the same picture comes of it: as whole tokens where it is that. */
static void append_camera(const App *app, int64_t queries, int64_t keys, TextBuffer *out) {
    double q0, q1, k0, k1;
    const Camera *camera = &app->look.matrix.camera;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    views_camera_visible(camera, app->picture.result.plot.w / scale, app->picture.result.plot.h / scale, &q0, &q1, &k0,
                         &k1);
    const bool whole = is_whole(q0) && is_whole(q1) && is_whole(k0) && is_whole(k1) && q0 > -0.5 && k0 > -0.5 &&
                       q1 < (double)queries + 0.5 && k1 < (double)keys + 0.5;
    const double most = (double)i64_max(queries, keys), least = (double)i64_max(1, i64_min(queries, keys));
    const bool stretched = app->look.matrix.fit_mode == FIT_STRETCH ||
                           (app->look.matrix.fit_mode == FIT_AUTO && most / least > CAMERA_SQUARE_ASPECT);
    const bool square = fabs(camera->points_q - camera->points_k) < 1e-9 * camera->points_q;
    if (!whole && (stretched || square))
        text_appendf(out, " --camera %.9g:%.9g,%.9g:%.9g", q0, q1, k0, k1);
    else /* also cells of a shape that only a rectangle gives them */
        text_appendf(out, " --rect %lld:%lld,%lld:%lld", (long long)f64_clamp(round(q0), 0, (double)queries - 1),
                     (long long)f64_clamp(round(q1), 1, (double)queries),
                     (long long)f64_clamp(round(k0), 0, (double)keys - 1),
                     (long long)f64_clamp(round(k1), 1, (double)keys));
}

/* Which pattern, and how it is read. */
static void append_pattern_options(const App *app, TextBuffer *out) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    char heads[HEADSET_TEXT_SIZE], hidden[VARIANT_TEXT_SIZE];
    const Look *look = &app->look;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    tiles_headset_format(&look->subject.heads, heads, sizeof heads);
    text_append(out, " --set ");
    append_word(out, set->name);
    text_appendf(out, " --layer %d --head ", layer->number);
    append_word(out, heads);
    if (look->kind != VIEW_MATRIX) text_appendf(out, " --view %s", app_view_ui(app)->name);
    if (look->kind == VIEW_GRID && !look->grid.per_head) text_append(out, " --grid-range common");
    if (app->opened.captures[1].capture) {
        text_append(out, " --ref ");
        append_word(out, app->opened.captures[1].path);
        if (look->compare != COMPARE_OFF) text_appendf(out, " --compare %s", COMPARES[look->compare]);
    }
    for (int i = 0, n = 0; i < app->pins.count; i++) {
        const Pin *pin = &app->pins.items[i];
        if (pin->set == look->subject.set)
            text_appendf(out, "%s%lld,%lld", n++ ? ":" : " --pin ", (long long)pin->query, (long long)pin->key);
    }
    if (look->subject.item) text_appendf(out, " --batch %d", look->subject.item);
    if (look->subject.step) text_appendf(out, " --step %d", capture_step_number(set, look->subject.step));
    if (look->subject.values == VALUES_SCORES) text_append(out, " --values scores");
    if (!look->matrix.fitted && look->kind == VIEW_MATRIX) append_camera(app, queries, keys, out);
    if (look->colours.channel != CHANNEL_MEAN || settings_value(app->settings, "pool"))
        text_appendf(out, " --pool %s", CHANNELS[look->colours.channel]);
    tiles_variant_format_hide(&look->subject.variant, hidden, sizeof hidden);
    if (tiles_variant_hides(&look->subject.variant)) text_appendf(out, " --hide %s", hidden);
    if (look->subject.variant.row_scale != ROWS_AS_STORED)
        text_appendf(out, " --row-scale %s", tiles_row_scale_name(look->subject.variant.row_scale));
    if (look->subject.variant.value_weighted) text_append(out, " --value-weighted");
    if (look->matrix.fit_mode != FIT_AUTO || settings_value(app->settings, "aspect"))
        text_appendf(out, " --aspect %s", ASPECTS[look->matrix.fit_mode]);
    if (!look->labels)
        text_append(out, " --no-labels");
    else if (settings_value(app->settings, "labels"))
        text_append(out, " --labels on");
    if (look->matrix.cursor_locked && look->kind == VIEW_MATRIX)
        text_appendf(out, " --cursor %lld,%lld", (long long)look->matrix.cursor_q, (long long)look->matrix.cursor_k);
}

/* How values become colours. */
static void append_color_options(const App *app, TextBuffer *out) {
    const Look *look = &app->look;
    if (look->colours.transform != TRANSFORM_SQRT || settings_value(app->settings, "transform"))
        text_appendf(out, " --transform %s", TRANSFORMS[look->colours.transform]);
    if (look->colours.range_mode == RANGE_MANUAL || look->colours.range_locked)
        text_appendf(out, " --range %.6g:%.6g", (double)look->colours.lo, (double)look->colours.hi);
    else if (look->colours.range_mode == RANGE_PERCENTILE)
        text_appendf(out, " --range p%g", look->colours.percentile);
    else if (settings_value(app->settings, "range"))
        text_append(out, " --range auto");
    if (look->colours.cmap != CMAP_VIRIDIS || settings_value(app->settings, "cmap"))
        text_appendf(out, " --cmap %s", draw_colormap_name(look->colours.cmap));
    if (look->colours.gamma != 1 || settings_value(app->settings, "gamma"))
        text_appendf(out, " --gamma %g", (double)look->colours.gamma);
}

/* `copied`: by a person, who has all the files and a screen; else for a picture. */
static void command_line(const App *app, bool copied, TextBuffer *out) {
    if (app->opened.captures[0].is_demo)
        text_appendf(out, "attnscope demo %s", app->opened.captures[0].demo_name);
    else {
        /* A name that looks like an option is one only without a folder. */
        text_append(out, app->opened.captures[0].path[0] == '-' ? "attnscope ./" : "attnscope ");
        append_word(out, app->opened.captures[0].path);
        const char *path = app->opened.captures[0].paths;
        for (size_t i = 1; copied && path && i < app->opened.captures[0].path_count; i++) {
            path += strlen(path) + 1;
            text_append(out, path[0] == '-' ? " ./" : " ");
            append_word(out, path);
        }
    }
    if (!app_has_view(app, app->look.kind)) return;
    if (app_view_ui(app)->of_strips)
        append_text_options(app, out);
    else
        append_pattern_options(app, out);
    append_color_options(app, out);
    if (find_is_on(app)) {
        text_append(out, " --find ");
        append_word(out, app->find->query);
    }
    if (app->opened.axes[0]) {
        text_append(out, " --axes ");
        append_word(out, app->opened.axes);
    }
    if (app->ui.light || settings_value(app->settings, "theme"))
        text_appendf(out, " --theme %s", app->ui.light ? "light" : "dark");
}

void app_command_line(const App *app, TextBuffer *out) {
    command_line(app, false, out);
}

void app_command_line_copied(const App *app, TextBuffer *out) {
    command_line(app, true, out);
    if (app->ui.scale != 1 || settings_value(app->settings, "scale"))
        text_appendf(out, " --scale %.4g", (double)app->ui.scale);
}
