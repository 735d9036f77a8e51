/* Marks along the axes: where something that was looked for is. However many there are, a pixel is drawn once. */
#include "views/marks.h"

#include <math.h>

#define MARK_LENGTH 4.0f
#define MARK_LEAST 2.0f

/* First span, from number `from` on, that ends behind `token`. */
static size_t first_behind(const TokenSpan *spans, size_t from, size_t count, double token) {
    size_t lo = from, hi = count;
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if ((double)spans[middle].end <= token)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

void views_marks(DrawList *list, const MarkAxis *axis, const TokenSpan *spans, size_t count, Color color) {
    if (axis->cell <= 0) return;
    const double from = axis->start, to = axis->start + axis->length;
    double drawn = -INFINITY; /* up to here */
    size_t i = first_behind(spans, 0, count, (from - axis->origin) / axis->cell);
    while (i < count) {
        double a = axis->origin + (double)spans[i].first * axis->cell;
        double b = axis->origin + (double)spans[i].end * axis->cell;
        if (a >= to) break;
        if (b - a < (double)axis->least) {
            a = (a + b - (double)axis->least) / 2;
            b = a + (double)axis->least;
        }
        a = fmax(round(fmax(a, from)), drawn);
        b = round(fmin(b, to));
        i++;
        if (b <= a) continue;
        drawn = b;
        /* Spans under what is drawn are passed over at once: a frame costs pixels, not tokens. */
        i = first_behind(spans, i, count, (drawn - axis->origin) / axis->cell);
        const Rect mark = axis->vertical ? (Rect){axis->across, (float)a, axis->thick, (float)(b - a)}
                                         : (Rect){(float)a, axis->across, (float)(b - a), axis->thick};
        draw_rect(list, mark, 0, color);
    }
}

void views_axis_marks(Frame *frame, const ViewResult *r, Axis side, const TokenSpan *spans, size_t count) {
    const float s = frame->scale;
    const bool query = side == AXIS_QUERY;
    const double edge = query ? fmax(r->origin_x, r->plot.x) : fmax(r->origin_y, r->plot.y);
    const MarkAxis axis = {.vertical = query,
                           .start = query ? r->plot.y : r->plot.x,
                           .length = query ? r->plot.h : r->plot.w,
                           .origin = query ? r->origin_y : r->origin_x,
                           .cell = query ? r->cell_h : r->cell_w,
                           .across = roundf((float)edge - (MARK_LENGTH + 1) * s),
                           .thick = roundf(MARK_LENGTH * s),
                           .least = fmaxf(1, roundf(MARK_LEAST * s))};
    views_marks(frame->list, &axis, spans, count, frame->theme->accent);
}

void views_map_marks(Frame *frame, Rect image, Axis side, int64_t tokens, const TokenSpan *spans, size_t count) {
    const float s = frame->scale;
    const bool query = side == AXIS_QUERY;
    if (image.w <= 0 || tokens <= 0) return;
    const double length = query ? image.h : image.w, start = query ? image.y : image.x;
    const MarkAxis axis = {.vertical = query,
                           .start = start,
                           .length = length,
                           .origin = start,
                           .cell = length / (double)tokens,
                           .across = roundf((query ? image.x : image.y) - 3 * s),
                           .thick = roundf(2 * s),
                           .least = fmaxf(1, roundf(s))};
    views_marks(frame->list, &axis, spans, count, frame->theme->accent);
}
