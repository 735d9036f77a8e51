/* A column of a panel that is filled from above. */
#include "ui/ui.h"

#include <math.h>
#include <string.h>

void column_caption(Panel *p, const char *text, const char *right) {
    const float s = p->frame->scale;
    draw_text(p->pen.list, p->x, p->y, text, ui_bold(&p->pen, 12), ALIGN_LEFT, p->frame->theme->text);
    if (right)
        draw_text(p->pen.list, p->x + p->w, p->y, right, ui_style(&p->pen, 12), ALIGN_RIGHT, p->frame->theme->dim);
    p->y += 20 * s;
}

/* "query   the            17" */
void column_token_row(Panel *p, const char *name, Axis axis, int64_t index) {
    const float s = p->frame->scale;
    char text[128], position[32];
    const bool tokens = capture_tokens(p->frame->capture, p->app->look.subject.set, p->app->look.subject.item, axis) !=
                        NULL;
    text_format_count(index, position, sizeof position);
    draw_text(p->pen.list, p->x, p->y, name, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, position, ui_style(&p->pen, 12), ALIGN_RIGHT, p->frame->theme->dim);
    if (tokens) {
        char cut[160];
        views_token_text(p->frame, &p->app->look, axis, index, text, sizeof text);
        draw_text_fit(p->pen.fonts, text, ui_style(&p->pen, 13), p->w - 104 * s, cut, sizeof cut);
        draw_text(p->pen.list, p->x + 48 * s, p->y, cut, ui_style(&p->pen, 13), ALIGN_LEFT, p->frame->theme->text);
    }
    p->y += 20 * s;
}

/* Largest and smallest finite value of a row; 0 counts, so that bars begin there. */
typedef struct Extent {
    float least, most;
} Extent;

static Extent extent_of(const float *row, int64_t from, int64_t to) {
    Extent extent = {0, 0};
    for (int64_t k = from; k < to; k++) {
        if (!isfinite(row[k])) continue;
        extent.most = fmaxf(extent.most, row[k]);
        extent.least = fminf(extent.least, row[k]);
    }
    return extent;
}

/* A bar from `zero` up or down. */
static void profile_bar(Panel *p, float x, float width, float zero, float height, Color color) {
    const float h = fmaxf(1, roundf(fabsf(height)));
    draw_rect(p->pen.list, (Rect){x, height > 0 ? zero - h : zero, width, h}, 0, color);
}

void column_profile(Panel *p, Rect box, const float *values, int64_t count, int64_t marked, float *least, float *most) {
    const float s = p->frame->scale;
    const Theme *theme = p->frame->theme;
    const int64_t columns = i64_min(count, (int64_t)(box.w / fmaxf(1, roundf(s))));
    const Extent all = extent_of(values, 0, count);
    const float span = all.most - all.least;
    const float zero = box.y + box.h - (span > 0 ? roundf(box.h * -all.least / span) : 0);
    draw_rect(p->pen.list, (Rect){box.x, zero, box.w, 1}, 0, theme->line);
    for (int64_t i = 0; i < columns; i++) {
        const int64_t a = count * i / columns, b = i64_max(a + 1, count * (i + 1) / columns);
        const Extent here = extent_of(values, a, b);
        const float x0 = floorf(box.x + box.w * (float)i / (float)columns),
                    x1 = floorf(box.x + box.w * (float)(i + 1) / (float)columns);
        const float width = fmaxf(1, x1 - x0 - (x1 - x0 > 3 ? 1.0f : 0.0f));
        const Color color = marked >= a && marked < b ? theme->accent : theme->dim;
        if (here.most > 0) profile_bar(p, x0, width, zero, box.h * here.most / span, color);
        if (here.least < 0) profile_bar(p, x0, width, zero, box.h * here.least / span, color);
    }
    *least = all.least;
    *most = all.most;
}
