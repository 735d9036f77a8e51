/* Pinned cells on the matrix: a ring around the cell, its number and value beside it, and a notch on both axes. The
 * ring has a dark and a light line, so that it shows on every colour. */
#include "views/marks.h"

#include <math.h>

#define RING_LEAST 8.0f
#define NOTCH 6.0f

static void notch(Frame *frame, Rect matrix, float at, bool query, Color color) {
    const float n = NOTCH * frame->scale, x = matrix.x - 1, y = matrix.y - 1;
    const float left[6] = {x - n, at - n / 2, x - n, at + n / 2, x, at};
    const float top[6] = {at - n / 2, y - n, at + n / 2, y - n, at, y};
    draw_triangle(frame->list, query ? left : top, color);
}

/* Right of the cell, or left of it where there is no room. */
static void label(Frame *frame, const ViewResult *r, Rect ring, const PinMark *mark) {
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    const TextStyle style = {.size = 11 * s, .weight = FONT_BOLD, .tabular = true};
    char text[64];
    snprintf(text, sizeof text, "%d%s%s", mark->number, mark->text[0] ? "  " : "", mark->text);
    const float w = ceilf(draw_text_width(frame->list->fonts, text, style)) + 10 * s, h = roundf(16 * s);
    Rect chip = {roundf(ring.x + ring.w + 3 * s), roundf(ring.y + ring.h / 2 - h / 2), w, h};
    if (chip.x + w > r->plot.x + r->plot.w) chip.x = roundf(ring.x - 3 * s - w);
    chip.y = (float)f64_clamp(chip.y, r->plot.y, fmaxf(r->plot.y, r->plot.y + r->plot.h - h));
    draw_rect(frame->list, chip, 3 * s, mark->focused ? theme->accent : theme->raised);
    draw_frame(frame->list, chip, 3 * s, fmaxf(1, roundf(s)), color_alpha(theme->ground, 0.6f));
    draw_text_in(frame->list, chip, text, style, ALIGN_CENTER, mark->focused ? theme->accent_text : theme->text);
}

void views_pin_marks(Frame *frame, const ViewResult *r, int64_t queries, int64_t keys, const PinMark *marks,
                     int count) {
    const Theme *theme = frame->theme;
    const float s = frame->scale, t = fmaxf(1, roundf(s));
    const Rect all = {(float)r->origin_x, (float)r->origin_y, (float)((double)keys * r->cell_w),
                      (float)((double)queries * r->cell_h)};
    const Rect matrix = rect_intersect(all, r->plot);
    for (int i = 0; i < count; i++) {
        const PinMark *mark = &marks[i];
        if (mark->query >= queries || mark->key >= keys) continue;
        const float x = (float)(r->origin_x + ((double)mark->key + 0.5) * r->cell_w);
        const float y = (float)(r->origin_y + ((double)mark->query + 0.5) * r->cell_h);
        const Color color = mark->focused ? theme->accent : theme->text;
        const bool in_x = x >= matrix.x && x <= matrix.x + matrix.w, in_y = y >= matrix.y && y <= matrix.y + matrix.h;
        if (in_y) notch(frame, matrix, y, true, color);
        if (in_x) notch(frame, matrix, x, false, color);
        if (!in_x || !in_y) continue;
        const float w = fmaxf((float)r->cell_w, RING_LEAST * s), h = fmaxf((float)r->cell_h, RING_LEAST * s);
        const Rect ring = {roundf(x - w / 2), roundf(y - h / 2), roundf(w), roundf(h)};
        draw_frame(frame->list, rect_inset(ring, -2 * t), 2 * s, t, color_alpha(COLOR_HEX(0x000000), 0.7f));
        draw_frame(frame->list, rect_inset(ring, -t), 2 * s, t, COLOR_HEX(0xFFFFFF));
        label(frame, r, ring, mark);
    }
}
