/* What recording paints over the window's frame, so that it is seen but not recorded: the red dot with time and
 * dropped frames, a question, the progress of a sweep. */
#include "features/record/record.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define BADGE_H 24.0f
#define CARD_W 440.0f
#define DOT COLOR_HEX(0xE5484D)

/* Over the frame: into a list of its own. */
static Pen begin(App *app, Recorder *recorder) {
    Pen pen = ui_pen(app);
    pen.list = &recorder->list;
    if (pen.scale <= 0) pen.scale = 1;
    return pen;
}

/* ---- the red dot ----------------------------------------------------------------------------- */

static void badge_text(const App *app, const RecordLive *live, char *out, size_t out_size) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    const unsigned seconds = (unsigned)((now - live->began_ns) / UINT64_C(1000000000));
    char late[48] = "";
    if (live->dropped) snprintf(late, sizeof late, "   %llu dropped", (unsigned long long)live->dropped);
    snprintf(out, out_size, "%u:%02u%s%s", seconds / 60, seconds % 60, late, live->scaled ? "   scaled" : "");
}

static void badge(const App *app, const Pen *p, const Recorder *recorder) {
    const float s = p->scale;
    char text[128] = "saving ...";
    const bool on = recorder->live.encoder != NULL;
    if (on) badge_text(app, &recorder->live, text, sizeof text);
    const TextStyle style = ui_bold(p, 12);
    const float width = roundf(draw_text_width(p->fonts, text, style) + (on ? 36 : 24) * s);
    /* In the corner of the view: bars and panels keep their places. */
    const Rect view = app->picture.layout.view;
    const Rect box = {roundf(view.x + view.w - 12 * s - width), roundf(view.y + 8 * s), width, roundf(BADGE_H * s)};
    draw_rect(p->list, box, box.h / 2, on ? DOT : p->theme->raised);
    if (on)
        draw_rect(p->list, (Rect){box.x + 10 * s, box.y + box.h / 2 - 4 * s, 8 * s, 8 * s}, 4 * s, COLOR_HEX(0xFFFFFF));
    draw_text_in(p->list, (Rect){box.x + (on ? 24 : 12) * s, box.y, box.w - 12 * s, box.h}, text, style, ALIGN_LEFT,
                 on ? COLOR_HEX(0xFFFFFF) : p->theme->text);
    if (on) ui_hit(p, box, "recording; click or F9 to stop", CURSOR_HAND, "record");
}

/* ---- questions ------------------------------------------------------------------------------- */

static float button(const Pen *p, float right, float y, const char *label, bool strong, const char *command) {
    const float s = p->scale;
    const TextStyle style = ui_style(p, 12);
    const float width = roundf(draw_text_width(p->fonts, label, style) + 24 * s);
    const Rect rect = {right - width, y, width, roundf(28 * s)};
    const bool hovered = ui_hovered(p, rect);
    draw_rect(p->list, rect, 4 * s, strong ? p->theme->accent : hovered ? p->theme->hover : p->theme->raised);
    draw_text_in(p->list, rect, label, style, ALIGN_CENTER, strong ? p->theme->accent_text : p->theme->text);
    ui_hit(p, rect, NULL, CURSOR_HAND, "%s", command);
    return rect.x;
}

static Rect card_box(const Pen *p, Rect window, float height) {
    const float width = fminf(CARD_W * p->scale, window.w - 16 * p->scale);
    return (Rect){roundf((window.w - width) / 2), roundf(fmaxf(8 * p->scale, window.h * 0.3f - height * p->scale / 2)),
                  roundf(width), roundf(height * p->scale)};
}

static void question(const Pen *p, Rect window, const Recorder *recorder) {
    const float s = p->scale;
    const bool quit = recorder->question == ASK_QUIT;
    char title[400], cut[400];
    if (quit)
        snprintf(title, sizeof title, "A recording is on");
    else
        snprintf(title, sizeof title, "%s exists already", recorder->question_name);
    const Rect box = card_box(p, window, 124);
    ui_hit(p, window, NULL, CURSOR_ARROW, "%s", ""); /* nothing behind it can be clicked */
    ui_card(p, box);
    draw_text_fit(p->fonts, title, ui_bold(p, 14), box.w - 40 * s, cut, sizeof cut);
    draw_text(p->list, box.x + 20 * s, box.y + 34 * s, cut, ui_bold(p, 14), ALIGN_LEFT, p->theme->text);
    draw_text_fit(p->fonts, quit ? "Quitting ends it; what was recorded is saved." : "The recording would replace it.",
                  ui_style(p, 13), box.w - 40 * s, cut, sizeof cut);
    draw_text(p->list, box.x + 20 * s, box.y + 58 * s, cut, ui_style(p, 13), ALIGN_LEFT, p->theme->dim);
    const float y = box.y + box.h - 44 * s;
    const float x = button(p, box.x + box.w - 20 * s, y, quit ? "Save and quit  (Enter)" : "Replace  (Enter)", true,
                           "answer yes");
    (void)button(p, x - 8 * s, y, quit ? "Go on  (Esc)" : "Keep it  (Esc)", false, "answer no");
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

static void progress(const Pen *p, Rect window, const RecordProgress *now) {
    const float s = p->scale;
    const Rect box = card_box(p, window, 112);
    char cut[MOVIE_SENTENCE];
    ui_hit(p, window, NULL, CURSOR_ARROW, "%s", "");
    ui_card(p, box);
    draw_text_fit(p->fonts, now->title, ui_bold(p, 13), box.w - 40 * s, cut, sizeof cut);
    draw_text(p->list, box.x + 20 * s, box.y + 30 * s, cut, ui_bold(p, 13), ALIGN_LEFT, p->theme->text);
    const Rect track = {box.x + 20 * s, roundf(box.y + 46 * s), box.w - 40 * s, roundf(6 * s)};
    draw_rect(p->list, track, track.h / 2, p->theme->raised);
    draw_rect(p->list,
              (Rect){track.x, track.y, fmaxf(track.h, track.w * (float)f64_clamp(now->fraction, 0, 1)), track.h},
              track.h / 2, p->theme->accent);
    draw_text_fit(p->fonts, now->detail, ui_style(p, 12), box.w - 40 * s, cut, sizeof cut);
    draw_text(p->list, box.x + 20 * s, box.y + 74 * s, cut, ui_style(p, 12), ALIGN_LEFT, p->theme->text);
    draw_text(p->list, box.x + 20 * s, box.y + 96 * s, "Esc cancels", ui_style(p, 11), ALIGN_LEFT, p->theme->dim);
}

void panel_record(App *app, Recorder *recorder) {
    const Pen p = begin(app, recorder);
    if (recorder->live.encoder || recorder->finishing) badge(app, &p, recorder);
    if (recorder->progress)
        progress(&p, app->picture.layout.window, recorder->progress);
    else if (recorder->question != ASK_NOTHING)
        question(&p, app->picture.layout.window, recorder);
}
