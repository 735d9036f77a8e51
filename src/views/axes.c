/* Token labels and positions along both axes of the matrix.
 *
 * Labels appear where a cell is high (wide) enough for a line of text, else positions at round steps. The key axis is
 * slanted 45 degrees upwards from the middle of its column, so that long tokens need little height. */
#include "views/axes.h"

#include <math.h>
#include <string.h>

#define LABEL_MIN_POINTS 12.5
#define POSITION_GAP_Q 26.0
#define POSITION_GAP_K 40.0
/* Narrower columns have no mark: there may be a million of them. */
#define HIDDEN_MIN_PIXELS 2.0
#define SLANT 0.7853982f /* pi / 4 */

void views_token_text(const Frame *frame, const Look *look, Axis axis, int64_t index, char *out, size_t out_size) {
    const TokenList *tokens = capture_tokens(frame->capture, look->subject.set, look->subject.item, axis);
    if (!tokens || index < 0 || index >= tokens->count) {
        snprintf(out, out_size, "%lld", (long long)index);
        return;
    }
    snprintf(out, out_size, "%s", tokens->tokens[index].display);
}

static TextStyle label_style(const Frame *frame) {
    return (TextStyle){.size = 12 * frame->scale, .tabular = true};
}

/* 1, 2, 5, 10, 20 ... tokens, so that marks are at least `gap` points apart. */
static int64_t position_step(double points_per_token, double gap) {
    static const int64_t ROUND[] = {1, 2, 5};
    for (int64_t decade = 1; decade < INT64_MAX / 100; decade *= 10) {
        for (size_t i = 0; i < BASE_COUNT(ROUND); i++) {
            if ((double)(decade * ROUND[i]) * points_per_token >= gap) return decade * ROUND[i];
        }
    }
    return INT64_MAX / 2;
}

static bool token_labels(const Frame *frame, const Look *look, Axis axis, double pixels) {
    return look->labels && pixels >= LABEL_MIN_POINTS * frame->scale &&
           capture_tokens(frame->capture, look->subject.set, look->subject.item, axis);
}

/* A mark that was asked for is not worth drawing where it would meet the highlighted one. */
static bool near_cursor(const Look *look, Axis axis, int64_t index, double cell, double gap) {
    if (!look->matrix.cursor_on) return false;
    const int64_t cursor = axis == AXIS_QUERY ? look->matrix.cursor_q : look->matrix.cursor_k;
    return fabs((double)(index - cursor)) * cell < gap;
}

static void query_label(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t index, bool token,
                        bool chip) {
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    char text[128], cut[160];
    const TextStyle style = label_style(frame);
    const bool special =
        token &&
        capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_QUERY)->tokens[index].special;
    if (token)
        views_token_text(frame, look, AXIS_QUERY, index, text, sizeof text);
    else
        snprintf(text, sizeof text, "%lld", (long long)index);
    const float right = fmaxf(area.x + area.w, (float)r->origin_x) - 6 * s;
    draw_text_fit(frame->list->fonts, text, style, right - area.x - 4 * s, cut, sizeof cut);
    float middle = (float)(r->origin_y + ((double)index + 0.5) * r->cell_h);
    const float half = 9 * s;
    if (chip) {
        middle = (float)f64_clamp(middle, area.y + half, area.y + area.h - half);
        const float width = draw_text_width(frame->list->fonts, cut, style);
        draw_rect(frame->list, (Rect){right - width - 5 * s, middle - half, width + 10 * s, 2 * half}, 3 * s,
                  theme->accent);
    }
    const float baseline = middle + draw_text_cap_height(frame->list->fonts, style) / 2;
    if (!chip && (middle < area.y || middle > area.y + area.h)) return;
    const Color color = chip ? theme->accent_text : token && !special ? theme->text : theme->dim;
    draw_text(frame->list, right, roundf(baseline), cut, style, ALIGN_RIGHT, color);
}

/* Hidden keys are struck out. */
static void strike(Frame *frame, float x, float y, float angle, float width) {
    const float t = fmaxf(1, roundf(frame->scale)), lift = 4 * frame->scale;
    const float x0 = x + lift * sinf(angle), y0 = y - lift * cosf(angle);
    draw_line(frame->list, x0, y0, x0 + width * cosf(angle), y0 + width * sinf(angle), t, frame->theme->dim);
}

static void key_label(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t index, bool token,
                      bool chip) {
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    char text[128], cut[160];
    const TextStyle style = label_style(frame);
    const bool special =
        token && capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_KEY)->tokens[index].special;
    if (token)
        views_token_text(frame, look, AXIS_KEY, index, text, sizeof text);
    else
        snprintf(text, sizeof text, "%lld", (long long)index);
    const bool hidden = views_key_hidden(frame, look, index);
    const float bottom = fmaxf(area.y + area.h, (float)r->origin_y) - 6 * s;
    const float cap = draw_text_cap_height(frame->list->fonts, style);
    const float x = (float)(r->origin_x + ((double)index + 0.5) * r->cell_w);
    const Color color = chip ? theme->accent_text : token && !special ? theme->text : theme->dim;
    if (chip || !token) {
        draw_text_fit(frame->list->fonts, text, style, 140 * s, cut, sizeof cut);
        const float width = draw_text_width(frame->list->fonts, cut, style);
        float left = x - width / 2;
        if (chip) {
            left = (float)f64_clamp(left, area.x + 5 * s, fmaxf(area.x + 5 * s, area.x + area.w - width - 5 * s));
            draw_rect(frame->list, (Rect){left - 5 * s, bottom - 15 * s, width + 10 * s, 18 * s}, 3 * s, theme->accent);
        } else if (x < area.x || x > area.x + area.w) {
            return;
        }
        draw_text(frame->list, left, roundf(bottom - 6 * s + cap / 2), cut, style, ALIGN_LEFT, color);
        return;
    }
    if (x < r->plot.x || x > r->plot.x + r->plot.w) return;
    /* The slanted line may use the height of the margin and the width up to its right edge. */
    const float room = fminf((bottom - area.y - 4 * s) * 1.25f, (area.x + area.w - x) * 1.41f);
    if (room < 12 * s) return;
    draw_text_fit(frame->list->fonts, text, style, room, cut, sizeof cut);
    draw_text_angled(frame->list, x + cap / 2 * 0.7f, bottom, -SLANT, cut, style, hidden ? theme->faint : color);
    if (hidden) strike(frame, x + cap / 2 * 0.7f, bottom, -SLANT, draw_text_width(frame->list->fonts, cut, style));
}

typedef void (*LabelPainter)(Frame *, const Look *, const ViewResult *, Rect, int64_t, bool, bool);

/* One axis: `start` and `length` are the plot's extent along it, `origin` where index 0 begins, in pixels. */
static void axis_labels(Frame *frame, const Look *look, const ViewResult *r, Rect area, Axis axis, int64_t count) {
    const bool query = axis == AXIS_QUERY;
    const double cell = query ? r->cell_h : r->cell_w, origin = query ? r->origin_y : r->origin_x;
    const double start = query ? r->plot.y : r->plot.x, length = query ? r->plot.h : r->plot.w;
    const LabelPainter label = query ? query_label : key_label;
    const bool token = token_labels(frame, look, axis, cell);
    const int64_t step = token ? 1 : position_step(cell / frame->scale, query ? POSITION_GAP_Q : POSITION_GAP_K);
    const int64_t first = i64_max(0, (int64_t)floor((start - origin) / cell) / step * step);
    const int64_t last = i64_min(count - 1, (int64_t)ceil((start + length - origin) / cell));
    /* A position under the highlighted label would only be half visible. */
    const double gap = token ? 0.5 : (query ? 20.0 : 48.0) * frame->scale;
    for (int64_t i = first; i <= last; i += step) {
        if (!near_cursor(look, axis, i, cell, gap)) label(frame, look, r, area, i, token, false);
    }
}

void views_query_axis(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t queries) {
    if (look->labels) axis_labels(frame, look, r, area, AXIS_QUERY, queries);
}

void views_key_axis(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t keys) {
    if (look->labels) axis_labels(frame, look, r, area, AXIS_KEY, keys);
}

void views_hidden_marks(Frame *frame, const Look *look, const ViewResult *r, Rect visible, int64_t keys) {
    const float t = 2 * fmaxf(1, roundf(frame->scale));
    if (!tiles_variant_hides(&look->subject.variant) || r->cell_w < HIDDEN_MIN_PIXELS) return;
    const int64_t first = i64_clamp((int64_t)floor((visible.x - r->origin_x) / r->cell_w), 0, keys);
    const int64_t end = i64_clamp((int64_t)ceil((visible.x + visible.w - r->origin_x) / r->cell_w), 0, keys);
    for (int64_t k = first; k < end; k++) {
        if (!views_key_hidden(frame, look, k)) continue;
        const float x0 = fmaxf(visible.x, (float)(r->origin_x + (double)k * r->cell_w));
        const float x1 = fminf(visible.x + visible.w, (float)(r->origin_x + (double)(k + 1) * r->cell_w));
        draw_rect(frame->list, (Rect){roundf(x0), visible.y - 2 * t, roundf(x1) - roundf(x0), t}, 0,
                  frame->theme->warning);
    }
}

void views_cursor_labels(Frame *frame, const Look *look, const ViewResult *r, Rect query_area, Rect key_area) {
    if (!look->labels || !look->matrix.cursor_on) return;
    const bool q_tokens = capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_QUERY) != NULL;
    const bool k_tokens = capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_KEY) != NULL;
    query_label(frame, look, r, query_area, look->matrix.cursor_q, q_tokens, true);
    key_label(frame, look, r, key_area, look->matrix.cursor_k, k_tokens, true);
}
