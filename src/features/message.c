/* What the program says, at the foot of the view: messages, and how far long work is. */
#include "features/parts.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define ETA_AFTER_TILES 8
#define ETA_AFTER_S 1.0

static const char *progress_text(const App *app, char *out, size_t out_size, double *fraction) {
    *fraction = -1;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if (!(*part)->busy || !(*part)->busy(app, out, out_size, fraction)) continue;
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

static void over(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const bool said = app->message.text[0] && clock_now_ns(&app->machine.clock) < app->message.until_ns;
    char text[APP_MESSAGE_SIZE];
    double fraction = -1;
    const char *shown = said ? app->message.text : progress_text(app, text, sizeof text, &fraction);
    if (!shown) return;
    const TextStyle style = ui_style(&pen, 12);
    const Rect view = app->picture.layout.view;
    char cut[APP_MESSAGE_SIZE];
    draw_text_fit(pen.fonts, shown, style, view.w - 56 * s, cut, sizeof cut);
    const float width = ceilf(draw_text_width(pen.fonts, cut, style)) + 30 * s;
    const Rect box = {roundf(view.x + 12 * s), roundf(view.y + view.h - 40 * s), roundf(width), roundf(28 * s)};
    ui_card(&pen, box);
    if (fraction >= 0)
        draw_rect(pen.list, (Rect){box.x, box.y + box.h - 3 * s, box.w * (float)fraction, 3 * s}, 1.5f * s,
                  theme->accent);
    const Color color = !said || app->message.severity == SAY_INFO ? theme->text
                        : app->message.severity == SAY_WARNING     ? theme->warning
                                                                   : theme->error;
    draw_text_in(pen.list, (Rect){box.x + 14 * s, box.y, box.w - 28 * s, box.h}, cut, style, ALIGN_LEFT, color);
}

static void tick(App *app, uint64_t now) {
    if (!app->message.text[0] || now < app->message.until_ns) return;
    app->message.text[0] = 0;
    app->pace.redraw = true;
}

static uint64_t next(const App *app, uint64_t now) {
    (void)now;
    return app->message.text[0] ? app->message.until_ns : UINT64_MAX;
}

const Part MESSAGE = {.name = "message", .clock.tick = tick, .clock.next_ns = next, .drawing = {.over = over}};
