/* The right panel: the exact value under the cursor, its row's profile and strongest keys, and the colour bar. */
#include "features/compare.h"
#include "features/find.h"
#include "features/pins.h"
#include "features/selection.h"
#include "scenes/matrix/matrix.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define STRONGEST 8
#define PROFILE_H 56.0f

static void format_weight(float value, char *out, size_t out_size) {
    if (isnan(value))
        snprintf(out, out_size, "not a number");
    else if (isinf(value))
        snprintf(out, out_size, "masked");
    else if (value != 0 && fabsf(value) < 1e-4f)
        snprintf(out, out_size, "%.3e", (double)value);
    else
        snprintf(out, out_size, "%.6f", (double)value);
}

static void profile(Panel *p, const float *row, int64_t keys) {
    const float s = p->frame->scale;
    const Theme *theme = p->frame->theme;
    float least, most;
    column_profile(p, (Rect){p->x, p->y, p->w, PROFILE_H * s}, row, keys, p->app->look.matrix.cursor_k, &least, &most);
    p->y += (PROFILE_H + 8) * s;
    char high[32], extremes[64];
    text_format_count(keys - 1, high, sizeof high);
    if (least < 0)
        snprintf(extremes, sizeof extremes, "%.3g to %.3g", (double)least, (double)most);
    else
        snprintf(extremes, sizeof extremes, "max %.3g", (double)most);
    p->y += 8 * s;
    draw_text(p->pen.list, p->x, p->y, "0", ui_style(&p->pen, 11), ALIGN_LEFT, theme->dim);
    draw_text(p->pen.list, p->x + p->w / 2, p->y, extremes, ui_style(&p->pen, 11), ALIGN_CENTER, theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, high, ui_style(&p->pen, 11), ALIGN_RIGHT, theme->dim);
    p->y += 24 * s;
}

/* "reference   0.001234" */
static void value_row(Panel *p, const char *name, float value, bool shown) {
    char text[48];
    format_weight(value, text, sizeof text);
    draw_text(p->pen.list, p->x, p->y, name, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, text, shown ? ui_bold(&p->pen, 12) : ui_style(&p->pen, 12), ALIGN_RIGHT,
              shown ? p->frame->theme->accent : p->frame->theme->text);
    p->y += 20 * p->frame->scale;
}

/* The cell in both captures, and buttons for what is shown. */
static void comparison(Panel *p) {
    App *app = p->app;
    ComparedCell cell;
    const Compare shown = app->look.compare;
    if (compare_cursor(app, &cell)) {
        value_row(p, "open", cell.value, shown == COMPARE_OFF);
        value_row(p, "reference", cell.reference, shown == COMPARE_REF);
        value_row(p, "difference", cell.difference, shown == COMPARE_DIFF);
    }
    const float y = p->y - 12 * p->frame->scale, gap = 4 * p->frame->scale;
    float x = p->x;
    x += ui_button(&p->pen, x, y, "ref", shown == COMPARE_REF,
                   "the reference in its place; hold y to look at it for a moment",
                   shown == COMPARE_REF ? "compare off" : "compare ref") +
         gap;
    x += ui_button(&p->pen, x, y, "diff", shown == COMPARE_DIFF, "the difference to the reference; hold d for a moment",
                   shown == COMPARE_DIFF ? "compare off" : "compare diff") +
         gap;
    ui_button(&p->pen, x, y, "side", shown == COMPARE_SIDE, "both side by side",
              shown == COMPARE_SIDE ? "compare off" : "compare side");
    draw_text(p->pen.list, p->x + p->w, p->y + 4 * p->frame->scale, "hold y, d", ui_style(&p->pen, 11), ALIGN_RIGHT,
              p->frame->theme->dim);
    p->y += 32 * p->frame->scale;
}

/* Scores rank by value, for that is what the softmax does with them; what is signed otherwise by magnitude. */
static int strongest(const float *row, int64_t keys, bool by_value, int64_t *out) {
    int count = 0;
    for (int64_t k = 0; k < keys; k++) {
        if (!isfinite(row[k])) continue;
        const float rank = by_value ? row[k] : fabsf(row[k]);
        int at = count < STRONGEST ? count++ : STRONGEST;
        while (at > 0 && rank > (by_value ? row[out[at - 1]] : fabsf(row[out[at - 1]]))) {
            if (at < STRONGEST) out[at] = out[at - 1];
            at--;
        }
        if (at < STRONGEST) out[at] = k;
    }
    return count;
}

static void format_short(float value, char *out, size_t out_size) {
    const bool tiny = fabsf(value) < 1e-4f && value != 0;
    snprintf(out, out_size, tiny ? "%.1e" : "%.4f", (double)value);
}

static void strongest_keys(Panel *p, const float *row, int64_t keys, float bottom) {
    const float s = p->frame->scale;
    const Theme *theme = p->frame->theme;
    const bool difference = p->app->look.compare == COMPARE_DIFF;
    const bool scores = p->app->look.subject.values == VALUES_SCORES && !difference;
    int64_t best[STRONGEST];
    char text[32];
    const int count = strongest(row, keys, scores, best);
    if (count == 0 || p->y + 40 * s > bottom) return;
    column_caption(p, difference ? "largest differences" : scores ? "largest scores" : "strongest keys", NULL);
    float most = 1e-30f, value_w = 44 * s;
    for (int i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(row[best[i]]));
        format_short(row[best[i]], text, sizeof text);
        value_w = fmaxf(value_w, draw_text_width(p->pen.fonts, text, ui_style(&p->pen, 12)));
    }
    for (int i = 0; i < count && p->y + 6 * s < bottom; i++) {
        char token[128], cut[160];
        const float value = row[best[i]];
        const bool here = best[i] == p->app->look.matrix.cursor_k;
        const Rect line = {p->x - 4 * s, p->y - 13 * s, p->w + 8 * s, 18 * s};
        const float reach = fminf(1, fabsf(value) / most);
        draw_rect(p->pen.list, (Rect){line.x, line.y, roundf(line.w * reach), line.h}, 3 * s,
                  color_alpha(theme->accent, here ? 0.35f : 0.16f));
        views_token_text(p->frame, &p->app->look, AXIS_KEY, best[i], token, sizeof token);
        draw_text_fit(p->pen.fonts, token, ui_style(&p->pen, 12), p->w - value_w - 66 * s, cut, sizeof cut);
        draw_text(p->pen.list, p->x, p->y, cut, ui_style(&p->pen, 12), ALIGN_LEFT, theme->text);
        snprintf(text, sizeof text, "%lld", (long long)best[i]);
        draw_text(p->pen.list, p->x + p->w - value_w - 12 * s, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT,
                  theme->dim);
        format_short(value, text, sizeof text);
        draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->text);
        p->y += 20 * s;
    }
    p->y += 12 * s;
}

/* What the picture shows under the crosshair. */
static bool shown_value(App *app, const Frame *frame, float *value) {
    ComparedCell cell;
    if (app->look.compare == COMPARE_REF || app->look.compare == COMPARE_DIFF) {
        if (!compare_cursor(app, &cell)) return false;
        *value = app->look.compare == COMPARE_REF ? cell.reference : cell.difference;
        return true;
    }
    const TileKey key = views_row_key(frame, &app->look, app->look.matrix.cursor_q);
    const float *here = views_readout_cell(&app->work.readouts, &key, app->look.matrix.cursor_q,
                                           app->look.matrix.cursor_k);
    if (here) *value = *here;
    return here != NULL;
}

/* Beside a variant, the weight as it is stored. */
static void stored_value(Panel *p) {
    const Look *look = &p->app->look;
    char text[64] = "stored ";
    TileKey key = views_row_key(p->frame, look, look->matrix.cursor_q);
    if (!key.variant || look->compare != COMPARE_OFF) return;
    key.variant = 0;
    const float *value = views_readout_cell(&p->app->work.readouts, &key, look->matrix.cursor_q, look->matrix.cursor_k);
    if (!value) return;
    format_weight(*value, text + 7, sizeof text - 7);
    draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT, p->frame->theme->dim);
}

static void cursor_section(Panel *p) {
    App *app = p->app;
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    float value;
    char text[48] = "\xE2\x80\xA6";
    if (!app->look.matrix.cursor_on) {
        column_caption(p, "under the cursor", NULL);
        draw_text(p->pen.list, p->x, p->y, "Move over the matrix:", ui_style(&p->pen, 12), ALIGN_LEFT, theme->dim);
        draw_text(p->pen.list, p->x, p->y + 18 * s, "row i shows where token i looks.", ui_style(&p->pen, 12),
                  ALIGN_LEFT, theme->dim);
        p->y += 48 * s;
        return;
    }
    column_caption(p, app->look.matrix.cursor_locked ? "locked cell" : "under the cursor",
                   app->look.matrix.cursor_locked ? "x unlocks" : "x locks");
    if (shown_value(app, p->frame, &value)) {
        if (views_key_hidden(p->frame, &app->look, app->look.matrix.cursor_k))
            snprintf(text, sizeof text, "hidden");
        else
            format_weight(value, text, sizeof text);
    }
    p->y += 10 * s;
    draw_text(p->pen.list, p->x, p->y, text, ui_bold(&p->pen, 22), ALIGN_LEFT, theme->text);
    stored_value(p);
    p->y += 28 * s;
    column_token_row(p, "query", AXIS_QUERY, app->look.matrix.cursor_q);
    column_token_row(p, "key", AXIS_KEY, app->look.matrix.cursor_k);
}

static void figure_row(Panel *p, const char *name, const char *value) {
    draw_text(p->pen.list, p->x, p->y, name, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, value, ui_style(&p->pen, 12), ALIGN_RIGHT, p->frame->theme->text);
    p->y += 20 * p->frame->scale;
}

/* What the selected cells add up to: of the open capture, from the source. */
static void selection_section(Panel *p) {
    App *app = p->app;
    if (!selection_of(app)->on) return;
    const int64_t rows = selection_of(app)->q1 - selection_of(app)->q0,
                  columns = selection_of(app)->k1 - selection_of(app)->k0;
    double fraction;
    char size[64], queries[32], keys[32], text[48] = "\xE2\x80\xA6";
    const SelectionFigures *f = selection_figures(app, p->frame, &fraction);
    text_format_count(rows, queries, sizeof queries);
    text_format_count(columns, keys, sizeof keys);
    snprintf(size, sizeof size, "%s \xC3\x97 %s cells", queries, keys);
    /* Figures are those of the open capture, whatever the picture shows. */
    const bool other = app->look.compare == COMPARE_REF || app->look.compare == COMPARE_DIFF;
    column_caption(p, other ? "selection, open" : "selection", size);
    const bool broken = f && f->nonfinite > 0;
    const double mean = f ? f->sum / (double)i64_max(1, f->cells) : 0;
    if (f)
        format_weight(broken ? NAN : (float)mean, text, sizeof text);
    else if (fraction > 0)
        snprintf(text, sizeof text, "%.0f %%", floor(fraction * 100));
    figure_row(p, "mean", text);
    if (f) format_weight(broken ? NAN : (float)(mean * (double)columns), text, sizeof text);
    figure_row(p, "mass of a query", text);
    if (f) format_weight(f->most, text, sizeof text);
    figure_row(p, "largest", text);
    p->y += 12 * p->frame->scale;
}

static void row_section(Panel *p, float bottom) {
    const float s = p->frame->scale;
    int64_t keys;
    const float *row = p->app->look.matrix.cursor_on ? compare_row(p->app, p->frame, &keys) : NULL;
    if (!row || p->y + 94 * s > bottom) return;
    column_caption(p, "this row",
                   p->app->look.compare == COMPARE_DIFF           ? "difference by key"
                   : p->app->look.subject.values == VALUES_SCORES ? "score by key"
                                                                  : "weight by key");
    p->y -= 6 * s;
    profile(p, row, keys);
    strongest_keys(p, row, keys, bottom);
}

void matrix_panel(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y, 1, rect.h}, 0, theme->line);
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    Panel p = {
        .pen = pen, .app = app, .frame = frame, .x = rect.x + 16 * s, .y = rect.y + 24 * s, .w = rect.w - 32 * s};
    const float bar_top = rect.y + rect.h - PANEL_COLOR_H * s;
    cursor_section(&p);
    if (frame->reference.capture) comparison(&p);
    p.y += 12 * s;
    selection_section(&p);
    if (pins_any_shown(app) && app->picture.layout.beside.w <= 0)
        panel_pins_list(&p, bar_top - 16 * s);
    else
        row_section(&p, bar_top - 16 * s);
    ResolvedHeads heads;
    const bool is_signed = tiles_headset_resolve(&app->look.subject.heads, pattern.set, pattern.layer, &heads, NULL) ==
                               STATUS_OK &&
                           views_look_signed(pattern.set, &app->look, &heads);
    panel_color_bar(&p, bar_top, is_signed);
    panel_legend(&p, rect.y + rect.h - 14 * s, is_signed);
}
