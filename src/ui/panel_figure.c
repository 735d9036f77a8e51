/* A picture to hand on: title above the matrix, colour bar with ticks beside it. Drawn for screenshots and `render`,
 * where no panels are. */
#include "session/property.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define TITLE_H 44.0f
#define BAR_W 84.0f
#define BAR_MAX_H 360.0f

void panel_figure_margins(float scale, Rect *view) {
    view->y += roundf(TITLE_H * scale);
    view->h = fmaxf(1, view->h - roundf(TITLE_H * scale));
    view->w = fmaxf(1, view->w - roundf(BAR_W * scale));
}

static void title(App *app, const char *set) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    char text[512], cut[640];
    app->shown.scene->words.title(app, text, sizeof text);
    const float x = 16 * s, y = roundf(28 * s);
    draw_text(pen.list, x, y, text, ui_bold(&pen, 14), ALIGN_LEFT, theme->text);
    float used = draw_text_width(pen.fonts, text, ui_bold(&pen, 14));
    words_variant(app, text, sizeof text);
    if (text[0]) {
        draw_text_fit(pen.fonts, text, ui_style(&pen, 12), app->picture.layout.window.w - used - 160 * s, cut,
                      sizeof cut);
        draw_text(pen.list, x + used + 16 * s, y, cut, ui_style(&pen, 12), ALIGN_LEFT, theme->text);
        used += 16 * s + draw_text_width(pen.fonts, cut, ui_style(&pen, 12));
    }
    const char *model = capture_model(app_capture(app));
    const char *name = app->opened.captures[0].is_demo ? app->opened.captures[0].demo_name
                                                       : capture_name(app_capture(app));
    snprintf(text, sizeof text, "%s%s%s%s%s", model, model[0] ? "   " : "", name, set[0] ? "   " : "", set);
    draw_text_fit(pen.fonts, text, ui_style(&pen, 12), app->picture.layout.window.w - used - 48 * s, cut, sizeof cut);
    draw_text(pen.list, app->picture.layout.window.w - 16 * s, y, cut, ui_style(&pen, 12), ALIGN_RIGHT, theme->dim);
}

void panel_figure(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    Pattern pattern;
    ResolvedHeads heads;
    if (app->shown.scene->drawing.figure) {
        title(app, "");
        app->shown.scene->drawing.figure(app, frame);
        return;
    }
    if (!app_pattern(app, &pattern)) return;
    title(app, pattern.set->name);
    const bool is_signed = tiles_headset_resolve(&app->look.subject.heads, pattern.set, pattern.layer, &heads, NULL) ==
                               STATUS_OK &&
                           views_look_signed(pattern.set, &app->look, &heads);
    const bool share = app->shown.scene->words.range_is_share && app->shown.scene->words.range_is_share(app);
    const DisplayParams params = share ? views_display_params(frame, &app->look, is_signed, is_signed ? -100 : 0, 100)
                                       : views_display_params(frame, &app->look, is_signed, app->look.colours.lo,
                                                              app->look.colours.hi);
    const Rect plot = app->picture.result.plot;
    const int line_count = share ? 5 : 3;
    const float h = fminf(plot.h - (float)(16 * line_count + 8) * s, BAR_MAX_H * s);
    if (h < 40 * s) return;
    const float x = app->picture.layout.view.x + app->picture.layout.view.w + 8 * s;
    const Rect bar = {roundf(x), roundf(plot.y + 8 * s), roundf(12 * s), roundf(h)};
    draw_colorbar(pen.list, bar, true, &params);
    const float tip[6] = {bar.x, bar.y - 2 * s, bar.x + bar.w, bar.y - 2 * s, bar.x + bar.w / 2, bar.y - 9 * s};
    draw_triangle(pen.list, tip, params.clipped);
    if (is_signed) {
        const float end = bar.y + bar.h;
        const float below[6] = {bar.x, end + 2 * s, bar.x + bar.w, end + 2 * s, bar.x + bar.w / 2, end + 9 * s};
        draw_triangle(pen.list, below, params.clipped_below);
    }
    for (int i = 0; i <= 4; i++) {
        char text[32];
        const float unit = (float)i / 4, value = draw_display_value_at(&params, unit);
        const float y = roundf(bar.y + (1 - unit) * (bar.h - 1));
        draw_rect(pen.list, (Rect){bar.x + bar.w, y, 4 * s, 1}, 0, theme->faint);
        if (share)
            snprintf(text, sizeof text, "%.0f %%", (double)value);
        else
            snprintf(text, sizeof text, value != 0 && fabsf(value) < 1e-3f ? "%.1e" : "%.3g", (double)value);
        draw_text(pen.list, bar.x + bar.w + 7 * s, y + 4 * s, text, ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
    }
    const char *lines[] = {look_transform_name(params.transform), look_channel_name(params.channel), words_badge(app),
                           "range", "per head"};
    for (int i = 0; i < line_count; i++) {
        draw_text(pen.list, bar.x, bar.y + bar.h + (float)((is_signed ? 28 : 20) + 16 * i) * s, lines[i],
                  ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
    }
}
