/* A few small controls. Immediate mode: drawing a control also registers where it can be
 * hit. */
#include "ui/ui.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void ui_hit(App *app, Rect rect, const char *hint, PlatformCursor cursor, const char *command_format, ...) {
    if (app->ui.hits.count == APP_HITS_MAX) return;
    Hit *hit = &app->ui.hits.items[app->ui.hits.count++];
    hit->rect = rect;
    hit->hint = hint;
    hit->cursor = cursor;
    hit->less = hit->more = NULL;
    va_list args;
    va_start(args, command_format);
    vsnprintf(hit->command, sizeof hit->command, command_format, args);
    va_end(args);
}

void ui_hit_turns(App *app, const char *less, const char *more) {
    if (app->ui.hits.count == 0) return;
    app->ui.hits.items[app->ui.hits.count - 1].less = less;
    app->ui.hits.items[app->ui.hits.count - 1].more = more;
}

const Hit *ui_hit_at(const App *app, float x, float y) {
    for (int i = app->ui.hits.count - 1; i >= 0; i--) {
        if (rect_contains(app->ui.hits.items[i].rect, x, y)) return &app->ui.hits.items[i];
    }
    return NULL;
}

bool ui_hovered(const App *app, Rect rect) {
    return app->pointer.inside && app->pointer.drag == DRAG_NONE && rect_contains(rect, app->pointer.x, app->pointer.y);
}

TextStyle ui_style(const App *app, float points) {
    return (TextStyle){.size = points * app->picture.layout.scale, .tabular = true};
}

TextStyle ui_bold(const App *app, float points) {
    return (TextStyle){.size = points * app->picture.layout.scale, .weight = FONT_BOLD, .tabular = true};
}

float ui_button(App *app, float x, float y, const char *label, bool active, const char *hint, const char *command) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const TextStyle style = ui_style(app, 12);
    const Rect rect = {x, y, roundf(draw_text_width(app->machine.fonts, label, style) + 16 * s), roundf(24 * s)};
    const bool hovered = ui_hovered(app, rect);
    const Color fill = active ? theme->accent : hovered ? theme->hover : theme->raised;
    draw_rect(&app->picture.list, rect, 4 * s, fill);
    draw_text_in(&app->picture.list, rect, label, style, ALIGN_CENTER, active ? theme->accent_text : theme->text);
    ui_hit(app, rect, hint, CURSOR_HAND, "%s", command);
    return rect.w;
}

void ui_card(App *app, Rect rect) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    for (int i = 3; i >= 1; i--) {
        const float spread = (float)i * 3 * s;
        const Rect shadow = {rect.x - spread, rect.y - spread + 4 * s, rect.w + 2 * spread, rect.h + 2 * spread};
        draw_rect(&app->picture.list, shadow, 8 * s + spread,
                  color_alpha(COLOR_HEX(0x000000), app->ui.light ? 0.05f : 0.16f));
    }
    draw_rect(&app->picture.list, rect, 8 * s, theme->panel);
    draw_frame(&app->picture.list, rect, 8 * s, fmaxf(1, roundf(s)), theme->line);
}
