/* What lies over everything: messages, hover hints, the palette, the first-launch card, status and help. */
#include "app/find.h"
#include "app/focus.h"
#include "app/palette.h"
#include "app/selection.h"
#include "formats/formats.h"

#include <math.h>
#include <string.h>

#define ETA_AFTER_TILES 8
#define ETA_AFTER_S 1.0

static const char *progress_text(const App *app, char *out, size_t out_size, double *fraction) {
    *fraction = -1;
    if (selection_busy(app, out, out_size, fraction)) {
        const size_t used = strlen(out);
        snprintf(out + used, out_size - used, "  %.0f %%  (Esc gives up)", floor(*fraction * 100));
        return out;
    }
    if (app->work.overviews.missing > 0 && app->work.overviews.total > 0) {
        *fraction = 1.0 - (double)app->work.overviews.missing / app->work.overviews.total;
        const int done = app->work.overviews.begun - app->work.overviews.missing;
        const double elapsed = (double)(clock_now_ns(&app->machine.clock) - app->work.overviews.begun_ns) / 1e9;
        const double left = done > 0 ? elapsed * app->work.overviews.missing / done : 0;
        char when[48] = "";
        /* The first few tell little: the nearest layer may come from memory, the others from a disk. */
        if (done >= ETA_AFTER_TILES && elapsed > ETA_AFTER_S) {
            if (left < 90)
                snprintf(when, sizeof when, ",  about %.0f s left", ceil(left));
            else
                snprintf(when, sizeof when, ",  about %.0f min left", ceil(left / 60));
        }
        snprintf(out, out_size, "building overviews  %d of %d%s",
                 app->work.overviews.total - app->work.overviews.missing, app->work.overviews.total, when);
        return out;
    }
    return NULL;
}

static void message(App *app) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const bool said = app->message.text[0] && clock_now_ns(&app->machine.clock) < app->message.until_ns;
    char text[APP_MESSAGE_SIZE];
    double fraction = -1;
    const char *shown = said ? app->message.text : progress_text(app, text, sizeof text, &fraction);
    if (!shown) return;
    const TextStyle style = ui_style(app, 12);
    const Rect view = app->picture.layout.view;
    char cut[APP_MESSAGE_SIZE];
    draw_text_fit(app->machine.fonts, shown, style, view.w - 56 * s, cut, sizeof cut);
    const float width = ceilf(draw_text_width(app->machine.fonts, cut, style)) + 30 * s;
    const Rect box = {roundf(view.x + 12 * s), roundf(view.y + view.h - 40 * s), roundf(width), roundf(28 * s)};
    ui_card(app, box);
    if (fraction >= 0)
        draw_rect(&app->picture.list, (Rect){box.x, box.y + box.h - 3 * s, box.w * (float)fraction, 3 * s}, 1.5f * s,
                  theme->accent);
    const Color color = !said || app->message.severity == SAY_INFO ? theme->text
                        : app->message.severity == SAY_WARNING     ? theme->warning
                                                                   : theme->error;
    draw_text_in(&app->picture.list, (Rect){box.x + 14 * s, box.y, box.w - 28 * s, box.h}, cut, style, ALIGN_LEFT,
                 color);
}

static void hint(App *app) {
    if (app->pointer.drag != DRAG_NONE || app->help.on || palette_is_open(app)) return;
    const Hit *focused = focus_hit(app);
    const Hit *hit = focused ? focused : app->pointer.inside ? ui_hit_at(app, app->pointer.x, app->pointer.y) : NULL;
    if (!hit || !hit->hint) return;
    const float at_x = focused ? hit->rect.x : app->pointer.x,
                at_y = focused ? hit->rect.y + hit->rect.h : app->pointer.y;
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const TextStyle style = ui_style(app, 12);
    char cut[256];
    draw_text_fit(app->machine.fonts, hit->hint, style, app->picture.layout.window.w - 32 * s, cut, sizeof cut);
    const float width = ceilf(draw_text_width(app->machine.fonts, cut, style)) + 18 * s;
    float x = at_x + 14 * s, y = at_y + (focused ? 8 * s : 18 * s);
    x = (float)f64_clamp(x, 4, fmaxf(4, app->picture.layout.window.w - width - 4 * s));
    const bool above = focused ? hit->rect.y > 64 * s : y + 24 * s > app->picture.layout.window.h;
    if (above) y = (focused ? hit->rect.y : at_y) - 32 * s;
    ui_card(app, (Rect){roundf(x), roundf(y), roundf(width), roundf(24 * s)});
    draw_text_in(&app->picture.list, (Rect){x + 8 * s, y, width - 16 * s, 24 * s}, cut, style, ALIGN_LEFT, theme->text);
}

static void first_card(App *app) {
    if (!app->card_on || app->help.on || palette_is_open(app)) return;
    static const char *const LINES[][2] = {
        {"Zoom", "wheel, or Ctrl+Up and Ctrl+Down; drag pans; f fits"},
        {"Layers", "Up and Down, or the scrubber below; Space plays"},
        {"Heads", "Left and Right for one; m for the mean; g shows all"},
        {"Read", "move over a cell: its exact weight and both tokens"},
        {"Help", "? lists every key;  drop a file here to open it"},
    };
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const Rect view = app->picture.layout.view;
    const float width = fminf(420 * s, app->picture.layout.window.w - 16 * s);
    const float height = (float)BASE_COUNT(LINES) * 22 * s + 84 * s;
    const Rect box = {roundf(view.x + view.w - width - 16 * s), roundf(view.y + 16 * s), roundf(width), roundf(height)};
    ui_card(app, box);
    draw_text(&app->picture.list, box.x + 20 * s, box.y + 30 * s, "Row i shows where token i looks", ui_bold(app, 14),
              ALIGN_LEFT, theme->text);
    float y = box.y + 58 * s;
    for (size_t i = 0; i < BASE_COUNT(LINES); i++) {
        char cut[128];
        draw_text(&app->picture.list, box.x + 20 * s, y, LINES[i][0], ui_style(app, 12), ALIGN_LEFT, theme->accent);
        draw_text_fit(app->machine.fonts, LINES[i][1], ui_style(app, 12), box.w - 104 * s, cut, sizeof cut);
        draw_text(&app->picture.list, box.x + 84 * s, y, cut, ui_style(app, 12), ALIGN_LEFT, theme->text);
        y += 22 * s;
    }
    draw_text(&app->picture.list, box.x + 20 * s, box.y + box.h - 14 * s, "Esc closes this card for good",
              ui_style(app, 11), ALIGN_LEFT, theme->dim);
    ui_hit(app, box, NULL, CURSOR_ARROW, "escape");
}

static void no_capture(App *app) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const Rect w = app->picture.layout.window;
    char endings[FORMATS_TEXT_SIZE], text[FORMATS_TEXT_SIZE + 32];
    snprintf(text, sizeof text, "Drop a capture here: %s", formats_endings(NULL, endings, sizeof endings));
    draw_text_in(&app->picture.list, (Rect){w.x + 16 * s, w.y, w.w - 32 * s, w.h}, text, ui_style(app, 15),
                 ALIGN_CENTER, theme->dim);
}

void panel_overlays(App *app, Frame *frame) {
    if (!frame->capture && !app->message.text[0]) no_capture(app);
    if (app->status_on) panel_status(app);
    message(app);
    first_card(app);
    panel_find(app);
    if (app->help.on) panel_help(app);
    panel_palette(app);
    hint(app);
}
