/* The field that finds tokens; once it is left, at the foot of the view, what is still marked. */
#include "features/find.h"
#include "ui/ui.h"

#include <math.h>

#define WIDTH 376.0f

static void describe(const App *app, char *out, size_t out_size) {
    const Find *find = find_of(app);
    char count[32], current[32];
    const int64_t hits = find_count(app);
    text_format_count(hits, count, sizeof count);
    text_format_count(find->current + 1, current, sizeof current);
    if (!find->query[0])
        snprintf(out, out_size, "type a token or a phrase");
    else if (!find->has_tokens)
        snprintf(out, out_size, "no token texts here");
    else if (find->asked != find->answered)
        snprintf(out, out_size, "\xE2\x80\xA6");
    else if (hits == 0)
        snprintf(out, out_size, "none");
    else if (find->current < 0)
        snprintf(out, out_size, "%s", count);
    else
        snprintf(out, out_size, "%s of %s", current, count);
}

static void marked(App *app, const char *text) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const Rect view = app->picture.layout.view;
    const TextStyle style = ui_style(&pen, 12);
    char line[FIND_QUERY_SIZE + 96], cut[FIND_QUERY_SIZE + 96];
    snprintf(line, sizeof line, "\xE2\x80\x9C%s\xE2\x80\x9D  %s", find_of(app)->query, text);
    draw_text_fit(pen.fonts, line, style, fminf(320 * s, view.w - 56 * s), cut, sizeof cut);
    const float width = ceilf(draw_text_width(pen.fonts, cut, style) + 26 * s), h = roundf(24 * s);
    const Rect box = {roundf(view.x + view.w - width - 12 * s), roundf(view.y + view.h - h - 8 * s), width, h};
    ui_card(&pen, box);
    draw_text_in(pen.list, (Rect){box.x + 12 * s, box.y, box.w - 24 * s, box.h}, cut, style, ALIGN_LEFT, theme->text);
    ui_hit(&pen, box, "F3 next, Shift+F3 previous, Ctrl+F another, Esc clears", CURSOR_HAND, "find");
}

void find_draw(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    const Find *find = find_of(app);
    (void)frame;
    if (!scene_has(app, SCENE_TOKENS) || (!find->open && !find->query[0])) return;
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    char text[64];
    describe(app, text, sizeof text);
    if (!find->open) {
        marked(app, text);
        return;
    }
    const Rect view = app->picture.layout.view;
    const float width = roundf(fminf(WIDTH * s, fmaxf(248 * s, view.w * 0.55f))), height = roundf(72 * s);
    /* Below the labels, at the right: a causal pattern has nothing there, and its last tokens stay in sight. */
    const float top = fmaxf(view.y, app->picture.result.plot.y) + 8 * s;
    const Rect box = {roundf(view.x + view.w - width - 12 * s), roundf(fminf(top, view.y + view.h - height - 8 * s)),
                      width, height};
    ui_card(&pen, box);
    const bool none = find->query[0] && find->asked == find->answered && find_count(app) == 0;
    const float count_w = fmaxf(72 * s, draw_text_width(pen.fonts, text, ui_style(&pen, 12)) + 8 * s);
    const bool hint = !find->query[0];
    ui_field(&pen, (Rect){box.x + 8 * s, box.y + 8 * s, box.w - 16 * s - (hint ? 0 : count_w), roundf(32 * s)},
             &find->field, hint ? text : "");
    if (!hint)
        draw_text_in(pen.list, (Rect){box.x + box.w - 12 * s - count_w, box.y + 8 * s, count_w, roundf(32 * s)}, text,
                     ui_style(&pen, 12), ALIGN_RIGHT, none ? theme->error : theme->text);
    draw_text_in(pen.list, (Rect){box.x + 12 * s, box.y + 42 * s, box.w - 24 * s, 26 * s},
                 "Enter, F3 next   Shift+F3 previous   Esc leaves", ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
    ui_hit(&pen, box, NULL, CURSOR_ARROW, "%s", "");
}
