/* What the control under the mouse, or with the focus, does. */
#include "features/focus.h"
#include "features/help.h"
#include "features/palette/palette.h"
#include "features/parts.h"
#include "ui/ui.h"

#include <math.h>

static void over(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    if (app->pointer.drag != DRAG_NONE || help_of(app)->on || palette_is_open(app)) return;
    const Hit *focused = focus_hit(app);
    const Hit *hit = focused ? focused : app->pointer.inside ? ui_hit_at(app, app->pointer.x, app->pointer.y) : NULL;
    if (!hit || !hit->hint) return;
    const float at_x = focused ? hit->rect.x : app->pointer.x,
                at_y = focused ? hit->rect.y + hit->rect.h : app->pointer.y;
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const TextStyle style = ui_style(&pen, 12);
    char cut[256];
    draw_text_fit(pen.fonts, hit->hint, style, app->picture.layout.window.w - 32 * s, cut, sizeof cut);
    const float width = ceilf(draw_text_width(pen.fonts, cut, style)) + 18 * s;
    float x = at_x + 14 * s, y = at_y + (focused ? 8 * s : 18 * s);
    x = (float)f64_clamp(x, 4, fmaxf(4, app->picture.layout.window.w - width - 4 * s));
    const bool above = focused ? hit->rect.y > 64 * s : y + 24 * s > app->picture.layout.window.h;
    if (above) y = (focused ? hit->rect.y : at_y) - 32 * s;
    ui_card(&pen, (Rect){roundf(x), roundf(y), roundf(width), roundf(24 * s)});
    draw_text_in(pen.list, (Rect){x + 8 * s, y, width - 16 * s, 24 * s}, cut, style, ALIGN_LEFT, theme->text);
}

const Part HINT = {.name = "hint", .drawing = {.over = over}};
