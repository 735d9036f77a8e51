/* The right panel of the grid: the head under the mouse, or else the focused one, large, with what is known about
 * it; and the same as a card beside the mouse where the panel is folded. */
#include "features/help.h"
#include "features/palette/palette.h"
#include "scenes/grid/grid.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define CARD_PICTURE 160.0f
#define CARD_PAD 12.0f
#define ROW_H 20.0f
#define PROFILE_H 40.0f
#define LAYER_LINES 3 /* of the selection */

/* The head that is talked about. */
static GridHead shown_head(const App *app) {
    return grid_of(app)->state.hover_on ? grid_of(app)->state.hover : grid_of(app)->state.focus;
}

static void row(Panel *p, const char *name, const char *value) {
    draw_text(p->pen.list, p->x, p->y, name, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, value, ui_style(&p->pen, 12), ALIGN_RIGHT, p->frame->theme->text);
    p->y += ROW_H * p->frame->scale;
}

/* "* layer 3, head 5", with the head's colour. */
static void head_name(Panel *p, GridHead head, float size) {
    const float s = p->frame->scale;
    const SetInfo *set = capture_set(p->frame->capture, p->app->look.subject.set);
    char text[64];
    const TextStyle style = ui_bold(&p->pen, size);
    const float cap = draw_text_cap_height(p->pen.fonts, style), dot = 7 * s;
    draw_rect(p->pen.list, (Rect){p->x, p->y - cap / 2 - dot / 2, dot, dot}, dot / 2, views_head_color(head.head));
    snprintf(text, sizeof text, "layer %d, head %d", set->layers[head.layer].number, head.head);
    draw_text(p->pen.list, p->x + dot + 8 * s, p->y, text, style, ALIGN_LEFT, p->frame->theme->text);
}

/* The head's picture in a square of this side, in its own shape. */
static void picture(Panel *p, GridHead head, float side) {
    const LayerInfo *layer = &capture_set(p->frame->capture, p->app->look.subject.set)->layers[head.layer];
    const Camera fit = views_camera_fit(layer->queries, layer->keys, side, side, p->app->look.matrix.fit_mode);
    /* A small pattern fills the square, though single weights would not be shown as large elsewhere. */
    const double most = fmax((double)layer->queries * fit.points_q, (double)layer->keys * fit.points_k);
    const float grow = most > 0 ? (float)((double)side / most) : 1;
    const float w = fmaxf(2, floorf((float)((double)layer->keys * fit.points_k) * grow));
    const float h = fmaxf(2, floorf((float)((double)layer->queries * fit.points_q) * grow));
    const Rect rect = {roundf(p->x + (side - w) / 2), roundf(p->y + (side - h) / 2), w, h};
    if (!views_grid_preview(p->frame, grid_of(p->app)->grid, &p->app->look, head, rect)) {
        draw_rect(p->pen.list, rect, 0, p->frame->theme->masked);
        draw_text_in(p->pen.list, rect, "being built", ui_style(&p->pen, 12), ALIGN_CENTER, p->frame->theme->dim);
    }
}

static void format_value(float value, char *out, size_t out_size) {
    snprintf(out, out_size, value != 0 && fabsf(value) < 1e-3f ? "%.2e" : "%.4g", (double)value);
}

static void figures(Panel *p, GridHead head) {
    const SetInfo *set = capture_set(p->frame->capture, p->app->look.subject.set);
    const LayerInfo *layer = &set->layers[head.layer];
    char text[64], number[32], other[32];
    GridFigures known;
    const bool is_signed = set->signed_values || p->app->look.subject.values == VALUES_SCORES;
    if (views_grid_figures(grid_of(p->app)->grid, set, head, &known)) {
        format_value(known.largest, text, sizeof text);
        row(p, is_signed ? "largest magnitude" : "largest weight", text);
        format_value(known.hi, number, sizeof number);
        snprintf(text, sizeof text, "%s%s", is_signed ? "\xC2\xB1" : "0 \xE2\x80\x93 ", number);
        row(p, "automatic range", text);
    }
    text_format_count(layer->queries, number, sizeof number);
    text_format_count(layer->keys, other, sizeof other);
    snprintf(text, sizeof text, "%s \xC3\x97 %s", number, other);
    row(p, "queries \xC3\x97 keys", text);
}

/* Where the head looks, whoever asks: its mean weight by key. */
static void profile(Panel *p, GridHead head, float bottom) {
    const float s = p->frame->scale;
    int count;
    float most;
    if (p->y + (PROFILE_H + 20) * s > bottom) return;
    const float *values = views_grid_profile(p->frame, grid_of(p->app)->grid, &p->app->look, head, &count, &most);
    if (!values) return;
    char text[48] = "";
    float least;
    const Rect box = {p->x, p->y + 12 * s, p->w, PROFILE_H * s};
    column_profile(p, box, values, count, -1, &least, &most);
    if (least < 0)
        snprintf(text, sizeof text, "%.2g to %.2g", (double)least, (double)most);
    else
        snprintf(text, sizeof text, "up to %.2g", (double)most);
    column_caption(p, "by key, mean", text);
    p->y = box.y + box.h + 24 * s;
}

/* "1, 4, 7" of the selected heads of one layer, cut where it gets long. */
static int selected_text(const App *app, int layer, char *out, size_t out_size) {
    const GridState *grid = &grid_of(app)->state;
    size_t used = 0;
    int count = 0;
    out[0] = 0;
    for (int i = 0; i < grid->selected_count; i++) {
        if (grid->selected[i].layer != layer) continue;
        if (used + 16 < out_size)
            used += (size_t)snprintf(out + used, out_size - used, "%s%d", count ? ", " : "", grid->selected[i].head);
        count++;
    }
    return count;
}

/* The focused layer first: its heads are what would be opened. */
static void selected_lines(Panel *p) {
    App *app = p->app;
    const SetInfo *set = capture_set(p->frame->capture, app->look.subject.set);
    const int focus = grid_of(app)->state.focus.layer;
    int lines = 0, left = 0;
    for (int i = -1; i < set->layer_count; i++) {
        const int layer = i < 0 ? focus : i;
        if (i == focus) continue;
        char text[160], line[200], cut[240];
        const int count = selected_text(app, layer, text, sizeof text);
        if (count == 0) continue;
        if (lines == LAYER_LINES) {
            left += count;
            continue;
        }
        snprintf(line, sizeof line, "layer %d:  %s", set->layers[layer].number, text);
        draw_text_fit(p->pen.fonts, line, ui_style(&p->pen, 12), p->w, cut, sizeof cut);
        draw_text(p->pen.list, p->x, p->y, cut, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->text);
        p->y += ROW_H * p->frame->scale;
        lines++;
    }
    if (left == 0) return;
    char more[48];
    snprintf(more, sizeof more, "and %d in other layers", left);
    draw_text(p->pen.list, p->x, p->y, more, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
    p->y += ROW_H * p->frame->scale;
}

/* What Enter would open. */
static void selection(Panel *p, float bottom) {
    App *app = p->app;
    const float s = p->frame->scale;
    const GridState *grid = &grid_of(app)->state;
    const bool several = grid->selected_count > 1;
    char text[160];
    if (several && p->y + (2 + LAYER_LINES) * ROW_H * s + 24 * s < bottom) {
        snprintf(text, sizeof text, "%d heads", grid->selected_count);
        column_caption(p, "selected", text);
        selected_lines(p);
    }
    if (p->y + 16 * s > bottom) return;
    if (grid->hover_on && !several) {
        draw_text(p->pen.list, p->x, p->y, "a double click opens it", ui_style(&p->pen, 12), ALIGN_LEFT,
                  p->frame->theme->dim);
        return;
    }
    const HeadSet heads = grid_heads(app);
    if (heads.count > 1)
        snprintf(text, sizeof text, "open the mean of %d", heads.count);
    else
        snprintf(text, sizeof text, "open head %d", heads.heads[0]);
    (void)ui_button(&p->pen, p->x, roundf(p->y - 8 * s), text, false,
                    "in the matrix: Enter, or a double click on a head; Esc comes back", "open-head");
}

void grid_panel(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y, 1, rect.h}, 0, theme->line);
    if (grid_of(app)->layout.rows == 0) return;
    Panel p = {
        .pen = pen, .app = app, .frame = frame, .x = rect.x + 16 * s, .y = rect.y + 24 * s, .w = rect.w - 32 * s};
    const float color_top = rect.y + rect.h - PANEL_COLOR_H * s;
    const GridHead head = shown_head(app);
    const SetInfo *set = capture_set(frame->capture, app->look.subject.set);
    head_name(&p, head, 13);
    draw_text(pen.list, p.x + p.w, p.y, grid_of(app)->state.hover_on ? "hovered" : "focused", ui_style(&pen, 12),
              ALIGN_RIGHT, theme->dim);
    p.y += 16 * s;
    const float side = fminf(p.w, color_top - p.y - 24 * s);
    if (side > 48 * s) {
        picture(&p, head, floorf(side));
        p.y += floorf(side) + 24 * s;
    }
    if (p.y + 3 * ROW_H * s < color_top - 16 * s) {
        figures(&p, head);
        p.y += 12 * s;
        if (grid_of(app)->state.selected_count < 2) profile(&p, head, color_top - 64 * s);
        selection(&p, color_top - 24 * s);
    }
    panel_color_bar(&p, color_top, set->signed_values || app->look.subject.values == VALUES_SCORES);
    panel_legend(&p, rect.y + rect.h - 14 * s, set->signed_values || app->look.subject.values == VALUES_SCORES);
}

void grid_card(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    if (app->picture.layout.right.w > 0 || !grid_of(app)->state.hover_on || help_of(app)->on || palette_is_open(app))
        return;
    const float s = frame->scale;
    const GridHead head = grid_of(app)->state.hover;
    const Rect view = app->picture.layout.view;
    const float side = floorf(fminf(CARD_PICTURE * s, view.h - 88 * s));
    if (side < 32 * s) return;
    const float w = side + 2 * CARD_PAD * s, h = side + (2 * CARD_PAD + 44) * s;
    /* Beside the mouse, on the side with more room; above or below so that it stays inside. */
    const bool left = app->pointer.x > view.x + view.w / 2;
    const float x = left ? app->pointer.x - 20 * s - w : app->pointer.x + 20 * s;
    const float y = (float)f64_clamp((double)(app->pointer.y - h / 2), (double)(view.y + 8 * s),
                                     (double)fmaxf(view.y + 8 * s, view.y + view.h - h - 8 * s));
    const Rect card = {roundf((float)f64_clamp((double)x, (double)(view.x + 8 * s),
                                               (double)fmaxf(view.x + 8 * s, view.x + view.w - w - 8 * s))),
                       roundf(y), roundf(w), roundf(h)};
    ui_card(&pen, card);
    Panel p = {.pen = pen, .app = app, .frame = frame, .x = card.x + CARD_PAD * s, .y = card.y + 24 * s, .w = side};
    head_name(&p, head, 12);
    p.y += 12 * s;
    picture(&p, head, side);
    p.y += side + 20 * s;
    GridFigures known;
    if (!views_grid_figures(grid_of(app)->grid, capture_set(frame->capture, app->look.subject.set), head, &known))
        return;
    char number[32];
    format_value(known.largest, number, sizeof number);
    row(&p, "largest", number);
}
