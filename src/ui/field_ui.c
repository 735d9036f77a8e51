/* A field of text, drawn. */
#include "ui/ui.h"

#include <math.h>
#include <string.h>

void ui_field(const Pen *pen, Rect rect, const Field *field, const char *ghost) {
    const Theme *theme = pen->theme;
    const float s = pen->scale;
    const TextStyle style = ui_style(pen, 14);
    char head[FIELD_SIZE];
    draw_rect(pen->list, rect, 4 * s, theme->raised);
    draw_frame(pen->list, rect, 4 * s, fmaxf(1, roundf(1.5f * s)), theme->accent);
    const Rect inner = {rect.x + 10 * s, rect.y, rect.w - 20 * s, rect.h};
    memcpy(head, field->text, field->caret);
    head[field->caret] = 0;
    const float caret = draw_text_width(pen->fonts, head, style);
    const float shift = fmaxf(0, caret - inner.w + 2 * s);
    const float baseline = roundf(rect.y + rect.h / 2 + draw_text_cap_height(pen->fonts, style) / 2);
    draw_clip(pen->list, inner);
    draw_text(pen->list, inner.x - shift, baseline, field->text, style, ALIGN_LEFT, theme->text);
    if (ghost && ghost[0]) {
        const float end = draw_text_width(pen->fonts, field->text, style);
        draw_text(pen->list, inner.x - shift + end + 6 * s, baseline, ghost, style, ALIGN_LEFT, theme->dim);
    }
    draw_rect(pen->list,
              (Rect){roundf(inner.x - shift + caret), rect.y + 7 * s, fmaxf(1, roundf(1.5f * s)), rect.h - 14 * s}, 0,
              theme->accent);
    draw_clip_off(pen->list);
}
