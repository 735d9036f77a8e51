/* The matrix view: row i shows where token i looks.
 *
 *   +--------+---------------------+
 *   | corner | key labels          |   margins hold labels; the heatmap lies inside the plot, which the camera
 *   +--------+---------------------+   looks through. Origin and cell size are computed here in f64 and snapped to
 *   | query  | plot                |   whole pixels, so that texels of a 1:1 view fall on pixels.
 *   | labels |                     |
 *   +--------+---------------------+ */
#include "views/matrix.h"
#include "views/axes.h"

#include <math.h>
#include <string.h>

#define CELL_VALUE_MIN_W 34.0
#define CELL_VALUE_MIN_H 17.0
/* Value rectangles are asked for in steps of this many cells, so that a pan of a few pixels needs no new one. */
#define CELL_READ_STEP 8
#define CELL_READ_MAX 4096

static void margins(const Frame *frame, const Look *look, const MatrixParams *params, float *left, float *top,
                    float *right, float *bottom) {
    const float s = frame->scale;
    *left = *top = *right = *bottom = 0;
    if (params->bare) return;
    *right = *bottom = 12 * s;
    *left = *top = 12 * s;
    if (!look->labels) return;
    const bool q_tokens = frame->capture &&
                          capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_QUERY);
    const bool k_tokens = frame->capture &&
                          capture_tokens(frame->capture, look->subject.set, look->subject.item, AXIS_KEY);
    *left = fminf((q_tokens ? 96 : 56) * s, params->rect.w * 0.25f);
    *top = fminf((k_tokens ? 72 : 36) * s, params->rect.h * 0.25f);
    *right = 24 * s;
}

Rect views_matrix_plot(const Frame *frame, const Look *look, const MatrixParams *params) {
    float left, top, right, bottom;
    margins(frame, look, params, &left, &top, &right, &bottom);
    left = fmaxf(left, params->least_left);
    top = fmaxf(top, params->least_top);
    return (Rect){floorf(params->rect.x + left), floorf(params->rect.y + top),
                  fmaxf(1, floorf(params->rect.w - left - right)), fmaxf(1, floorf(params->rect.h - top - bottom))};
}

static void place(const Frame *frame, const Look *look, ViewResult *result) {
    const Camera *camera = &look->matrix.camera;
    result->cell_w = camera->points_k * frame->scale;
    result->cell_h = camera->points_q * frame->scale;
    result->origin_x = round(result->plot.x + result->plot.w / 2 - camera->k * result->cell_w);
    result->origin_y = round(result->plot.y + result->plot.h / 2 - camera->q * result->cell_h);
}

bool views_matrix_cell(const ViewResult *result, int64_t queries, int64_t keys, float x, float y, int64_t *query,
                       int64_t *key) {
    if (!rect_contains(result->plot, x, y) || result->cell_w <= 0 || result->cell_h <= 0) return false;
    const double q = floor((y - result->origin_y) / result->cell_h), k = floor((x - result->origin_x) / result->cell_w);
    if (q < 0 || k < 0 || q >= (double)queries || k >= (double)keys) return false;
    *query = (int64_t)q;
    *key = (int64_t)k;
    return true;
}

/* Visible part of the matrix in pixels. */
static Rect matrix_rect(const ViewResult *r, int64_t queries, int64_t keys) {
    const Rect all = {(float)r->origin_x, (float)r->origin_y, (float)((double)keys * r->cell_w),
                      (float)((double)queries * r->cell_h)};
    return rect_intersect(all, r->plot);
}

static void crosshair(Frame *frame, const Look *look, const ViewResult *r, Rect visible) {
    if (!look->matrix.cursor_on) return;
    const float s = frame->scale;
    const float x0 = (float)(r->origin_x + (double)look->matrix.cursor_k * r->cell_w), x1 = x0 + (float)r->cell_w;
    const float y0 = (float)(r->origin_y + (double)look->matrix.cursor_q * r->cell_h), y1 = y0 + (float)r->cell_h;
    const Color ink = color_alpha(COLOR_HEX(0xFFFFFF), 0.55f), shade = color_alpha(COLOR_HEX(0x000000), 0.35f);
    const float t = fmaxf(1, roundf(s));
    draw_clip(frame->list, visible);
    if (r->cell_h >= 4 * s && r->cell_w >= 4 * s) {
        const Rect bands[] = {{visible.x, roundf(y0) - t, visible.w, t},
                              {visible.x, roundf(y1), visible.w, t},
                              {roundf(x0) - t, visible.y, t, visible.h},
                              {roundf(x1), visible.y, t, visible.h}};
        for (size_t i = 0; i < BASE_COUNT(bands); i++)
            draw_rect(frame->list, bands[i], 0, ink);
        draw_frame(
            frame->list,
            (Rect){roundf(x0) - t, roundf(y0) - t, roundf(x1) - roundf(x0) + 2 * t, roundf(y1) - roundf(y0) + 2 * t}, 0,
            2 * t, frame->theme->accent);
    } else {
        const float cx = roundf((x0 + x1) / 2), cy = roundf((y0 + y1) / 2);
        draw_rect(frame->list, (Rect){visible.x, cy - t, visible.w, 3 * t}, 0, shade);
        draw_rect(frame->list, (Rect){cx - t, visible.y, 3 * t, visible.h}, 0, shade);
        draw_rect(frame->list, (Rect){visible.x, cy, visible.w, t}, 0, ink);
        draw_rect(frame->list, (Rect){cx, visible.y, t, visible.h}, 0, ink);
        draw_frame(frame->list, (Rect){cx - 3 * t, cy - 3 * t, 7 * t, 7 * t}, 0, t, frame->theme->accent);
    }
    draw_clip_off(frame->list);
}

static float luminance(Color c) {
    return 0.2126f * (float)c.r + 0.7152f * (float)c.g + 0.0722f * (float)c.b;
}

static void format_value(float value, bool wide, char *out, size_t out_size) {
    const float magnitude = fabsf(value);
    if (value == 0)
        snprintf(out, out_size, "0");
    else if (magnitude < 0.0005f)
        snprintf(out, out_size, wide ? "%.0e" : "~0", (double)value);
    else if (magnitude < 1) {
        char text[32];
        snprintf(text, sizeof text, wide ? "%.3f" : "%.2f", (double)magnitude);
        snprintf(out, out_size, "%s%s", value < 0 ? "-" : "", wide ? text : text + 1);
        if (!wide && text[0] == '1') snprintf(out, out_size, "%s1.0", value < 0 ? "-" : "");
    } else
        snprintf(out, out_size, magnitude < 100 ? "%.2f" : "%.0f", (double)value);
}

/* Cells of one capture under the plot. */
typedef struct CellBlock {
    TileKey key;
    int64_t q0, q1, k0, k1;
} CellBlock;

static bool cell_block(Frame *frame, const Look *look, const ViewResult *r, CellBlock *out) {
    const LayerInfo *layer = &capture_set(frame->capture, look->subject.set)->layers[look->subject.layer];
    const int64_t queries = layer->queries, keys = layer->keys;
    const Rect seen = views_looked_at(frame, r->plot);
    out->q0 = i64_clamp((int64_t)floor((seen.y - r->origin_y) / r->cell_h), 0, queries);
    out->q1 = i64_clamp((int64_t)ceil((seen.y + seen.h - r->origin_y) / r->cell_h), 0, queries);
    out->k0 = i64_clamp((int64_t)floor((seen.x - r->origin_x) / r->cell_w), 0, keys);
    out->k1 = i64_clamp((int64_t)ceil((seen.x + seen.w - r->origin_x) / r->cell_w), 0, keys);
    if (out->q1 <= out->q0 || out->k1 <= out->k0) return false;
    TileKey key = views_row_key(frame, look, out->q0 / CELL_READ_STEP * CELL_READ_STEP);
    key.x = out->k0 / CELL_READ_STEP * CELL_READ_STEP;
    key.rows = i64_min(i64_ceil_div(out->q1, CELL_READ_STEP) * CELL_READ_STEP, queries) - key.y;
    key.columns = i64_min(i64_ceil_div(out->k1, CELL_READ_STEP) * CELL_READ_STEP, keys) - key.x;
    out->key = key;
    if (key.rows * key.columns > CELL_READ_MAX * 4) return false;
    if (!views_readout_find(frame->readouts, &key)) {
        TileWant *want = views_want(frame->wants, JOB_CELLS, &key, frame->capture);
        if (want) want->heads = look->subject.heads;
    }
    return true;
}

static void cell_value(Frame *frame, const ViewResult *r, const DisplayParams *params, int64_t q, int64_t k,
                       float value) {
    const float s = frame->scale;
    const TextStyle style = {.size = (r->cell_w >= 46 * s ? 12 : 11) * s, .tabular = true};
    const float cap = draw_text_cap_height(frame->list->fonts, style);
    char text[24];
    if (isnan(value))
        snprintf(text, sizeof text, "NaN");
    else
        format_value(value, r->cell_w >= 46 * s, text, sizeof text);
    const float g = isnan(value) ? (params->is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE) : value;
    const Color under = draw_display_color(params, isnan(value) ? 0 : value, g, 1);
    const Color ink = luminance(under) > 120 ? COLOR_HEX(0x101418) : COLOR_HEX(0xF4F6F8);
    const float x = (float)(r->origin_x + ((double)k + 0.5) * r->cell_w);
    const float y = (float)(r->origin_y + ((double)q + 0.5) * r->cell_h) + cap / 2;
    draw_text(frame->list, x, roundf(y), text, style, ALIGN_CENTER, color_alpha(ink, value == 0 ? 0.5f : 0.95f));
}

/* At high zoom the numbers stand in the cells, read from the source; of a difference, from both. */
static void cell_values(Frame *frame, const Look *look, const ViewResult *r, const DisplayParams *params) {
    const float s = frame->scale;
    if (r->cell_w < CELL_VALUE_MIN_W * s || r->cell_h < CELL_VALUE_MIN_H * s) return;
    const bool difference = look->compare == COMPARE_DIFF;
    Frame ref_frame;
    Look ref_look;
    CellBlock block, other = {0};
    if (!cell_block(frame, look, r, &block)) return;
    if (difference && (views_reference(frame, look, &ref_frame, &ref_look, NULL) != STATUS_OK ||
                       !cell_block(&ref_frame, &ref_look, r, &other)))
        return;
    draw_clip(frame->list, r->plot);
    for (int64_t q = block.q0; q < block.q1; q++) {
        for (int64_t k = block.k0; k < block.k1; k++) {
            const float *here = views_readout_cell(frame->readouts, &block.key, q, k);
            const float *there = difference ? views_readout_cell(frame->readouts, &other.key, q, k) : NULL;
            if (!here || (difference && !there)) continue;
            const float value = difference ? views_difference_cell(*here, *there) : *here;
            if (!isinf(value)) cell_value(frame, r, params, q, k, value);
        }
    }
    draw_clip_off(frame->list);
}

/* Left out where it would not fit beside what is left of the view. */
static void corner(Frame *frame, const Look *look, Rect query_area, Rect key_area, float left_edge) {
    if (!look->labels || query_area.w < 48 * frame->scale || key_area.h < 30 * frame->scale) return;
    const float s = frame->scale;
    const TextStyle style = {.size = 11 * s};
    const float right = query_area.x + query_area.w - 6 * s, bottom = key_area.y + key_area.h - 6 * s;
    const float width = draw_text_width(frame->list->fonts, "queries \xE2\x86\x93", style);
    if (right - width < left_edge) return;
    draw_text(frame->list, right, bottom - 14 * s, "keys \xE2\x86\x92", style, ALIGN_RIGHT, frame->theme->dim);
    draw_text(frame->list, right, bottom, "queries \xE2\x86\x93", style, ALIGN_RIGHT, frame->theme->dim);
}

void views_matrix_draw(Frame *frame, Look *look, const MatrixParams *params, ViewResult *result) {
    memset(result, 0, sizeof *result);
    result->plot = views_matrix_plot(frame, look, params);
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!views_pattern(frame->capture, look, &set, &layer, &queries, &keys)) {
        result->missing = true;
        return;
    }
    place(frame, look, result);
    views_heatmap(frame, look, result);
    if (result->range_known) {
        look->colours.lo = result->lo;
        look->colours.hi = result->hi;
    }
    if (params->bare) return;

    ResolvedHeads heads;
    const bool resolved = tiles_headset_resolve(&look->subject.heads, set, layer, &heads, NULL) == STATUS_OK;
    const bool is_signed = resolved && views_look_signed(set, look, &heads);
    const DisplayParams display = views_display_params(frame, look, is_signed, result->lo, result->hi);
    if (result->range_known && !frame->flying) cell_values(frame, look, result, &display);
    const Rect visible = matrix_rect(result, queries, keys);
    /* Labels stand at the edge of the matrix, which may lie inside the plot. */
    const float left = fmaxf(result->plot.x, visible.x), top = fmaxf(result->plot.y, visible.y);
    const float label_w = result->plot.x - params->rect.x, label_h = result->plot.y - params->rect.y;
    const Rect query_area = {left - label_w, result->plot.y, label_w, result->plot.h};
    const Rect key_area = {result->plot.x, top - label_h, result->plot.w + 20 * frame->scale, label_h};
    views_query_axis(frame, look, result, query_area, queries);
    views_key_axis(frame, look, result, key_area, keys);
    views_hidden_marks(frame, look, result, visible, keys);
    corner(frame, look, query_area, (Rect){left, key_area.y, 1, key_area.h}, params->rect.x);
    crosshair(frame, look, result, visible);
    views_cursor_labels(frame, look, result, query_area, key_area);
}
