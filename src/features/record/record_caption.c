/* The strip below the picture of a sweep: where in the sweep this is, and which range of colours holds.
 *
 *   [====][====][####][    ][    ][    ]      a mark a stop, with its number; a plain bar where there are too many
 *      0     1     2     3     4     5
 *   query 12 ...                              one colour range for all 6 layers: 0 to 0.0433
 *
 * The title above the picture already names layer and heads: the strip repeats them only where numbers do not fit. */
#include "features/record/record.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define MARGIN 16.0f
#define MARK_H 3.0f
#define MARK_GAP 3.0f
#define MARK_MIN_W 6.0f
#define NUMBER_MIN_W 20.0f

static void bar(App *app, Rect track, double fraction) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    draw_rect(pen.list, track, track.h / 2, theme->raised);
    draw_rect(pen.list,
              (Rect){track.x, track.y, fmaxf(track.h, roundf(track.w * (float)f64_clamp(fraction, 0, 1))), track.h},
              track.h / 2, theme->accent);
}

/* True when the stops' numbers stand below the marks. */
static bool marks(App *app, Rect track, const RecordCaption *caption) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale, slot = caption->stops > 0 ? track.w / (float)caption->stops : 0;
    if (slot < MARK_MIN_W * s) {
        bar(app, track, caption->stops > 0 ? (double)(caption->stop + 1) / (double)caption->stops : caption->fraction);
        return false;
    }
    const bool numbered = slot >= NUMBER_MIN_W * s && record_plan_number(app, caption->kind, 0) >= 0;
    for (int64_t i = 0; i < caption->stops; i++) {
        const bool current = i == caption->stop;
        const float x0 = roundf(track.x + (float)i * slot),
                    x1 = roundf(track.x + (float)(i + 1) * slot - (i + 1 < caption->stops ? MARK_GAP * s : 0));
        draw_rect(pen.list, (Rect){x0, track.y, fmaxf(1, x1 - x0), track.h}, track.h / 2,
                  current             ? theme->accent
                  : i < caption->stop ? theme->faint
                                      : theme->raised);
        if (!numbered) continue;
        char number[16];
        snprintf(number, sizeof number, "%d", record_plan_number(app, caption->kind, i));
        draw_text(pen.list, (x0 + x1) / 2, roundf(track.y + 17 * s), number,
                  current ? ui_bold(&pen, 12) : ui_style(&pen, 12), ALIGN_CENTER, current ? theme->text : theme->dim);
    }
    return numbered;
}

void record_caption_draw(App *app, const FrameParams *params, const RecordCaption *caption) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = params->scale, top = app->picture.layout.window.h, width = (float)params->width;
    const Rect strip = {0, top, width, (float)params->height - top};
    if (strip.h < 1) return;
    if (params->chrome) draw_rect(pen.list, strip, 0, theme->panel);
    const bool numbered = marks(
        app, (Rect){MARGIN * s, roundf(top + 4 * s), width - 2 * MARGIN * s, roundf(MARK_H * s)}, caption);
    const TextStyle bold = ui_bold(&pen, 12), plain = ui_style(&pen, 12);
    const float y = roundf(top + (numbered ? 39 : 28) * s), room = width - 2 * MARGIN * s;
    char cut[400];
    float used = 0;
    /* What is looked at comes first; the range gets what is left. */
    if (!numbered) {
        draw_text_fit(pen.fonts, caption->label, bold, room, cut, sizeof cut);
        used = draw_text_width(pen.fonts, cut, bold) + 24 * s;
        draw_text(pen.list, MARGIN * s, y, cut, bold, ALIGN_LEFT, theme->text);
    }
    draw_text_fit(pen.fonts, caption->range, plain, fmaxf(0, room - used), cut, sizeof cut);
    draw_text(pen.list, width - MARGIN * s, y, cut, plain, ALIGN_RIGHT, theme->dim);
}
