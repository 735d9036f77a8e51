/* A few small controls. Immediate mode: drawing a control also registers where it can be
 * hit. */
#include "ui/ui.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

Pen ui_pen(App *app) {
    return (Pen){.list = &app->picture.list,
                 .fonts = app->machine.fonts,
                 .theme = views_theme(app->ui.light),
                 .scale = app->picture.layout.scale,
                 .hits = &app->ui.hits,
                 .pointer = &app->pointer};
}

void ui_hit(const Pen *pen, Rect rect, const char *hint, PlatformCursor cursor, const char *command_format, ...) {
    if (pen->hits->count == APP_HITS_MAX) return;
    Hit *hit = &pen->hits->items[pen->hits->count++];
    hit->rect = rect;
    hit->hint = hint;
    hit->cursor = cursor;
    hit->less = hit->more = NULL;
    va_list args;
    va_start(args, command_format);
    vsnprintf(hit->command, sizeof hit->command, command_format, args);
    va_end(args);
}

void ui_hit_turns(const Pen *pen, const char *less, const char *more) {
    if (pen->hits->count == 0) return;
    pen->hits->items[pen->hits->count - 1].less = less;
    pen->hits->items[pen->hits->count - 1].more = more;
}

const Hit *ui_hit_at(const App *app, float x, float y) {
    for (int i = app->ui.hits.count - 1; i >= 0; i--) {
        if (rect_contains(app->ui.hits.items[i].rect, x, y)) return &app->ui.hits.items[i];
    }
    return NULL;
}

bool ui_hovered(const Pen *pen, Rect rect) {
    return pen->pointer->inside && pen->pointer->drag == DRAG_NONE &&
           rect_contains(rect, pen->pointer->x, pen->pointer->y);
}

TextStyle ui_style(const Pen *pen, float points) {
    return (TextStyle){.size = points * pen->scale, .tabular = true};
}

TextStyle ui_bold(const Pen *pen, float points) {
    return (TextStyle){.size = points * pen->scale, .weight = FONT_BOLD, .tabular = true};
}

float ui_button(const Pen *pen, float x, float y, const char *label, bool active, const char *hint,
                const char *command) {
    const Theme *theme = pen->theme;
    const float s = pen->scale;
    const TextStyle style = ui_style(pen, 12);
    const Rect rect = {x, y, roundf(draw_text_width(pen->fonts, label, style) + 16 * s), roundf(24 * s)};
    const bool hovered = ui_hovered(pen, rect);
    const Color fill = active ? theme->accent : hovered ? theme->hover : theme->raised;
    draw_rect(pen->list, rect, 4 * s, fill);
    draw_text_in(pen->list, rect, label, style, ALIGN_CENTER, active ? theme->accent_text : theme->text);
    ui_hit(pen, rect, hint, CURSOR_HAND, "%s", command);
    return rect.w;
}

void ui_card(const Pen *pen, Rect rect) {
    const Theme *theme = pen->theme;
    const float s = pen->scale;
    for (int i = 3; i >= 1; i--) {
        const float spread = (float)i * 3 * s;
        const Rect shadow = {rect.x - spread, rect.y - spread + 4 * s, rect.w + 2 * spread, rect.h + 2 * spread};
        draw_rect(pen->list, shadow, 8 * s + spread, color_alpha(COLOR_HEX(0x000000), theme->light ? 0.05f : 0.16f));
    }
    draw_rect(pen->list, rect, 8 * s, theme->panel);
    draw_frame(pen->list, rect, 8 * s, fmaxf(1, roundf(s)), theme->line);
}
