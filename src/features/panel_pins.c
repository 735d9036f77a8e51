/* The inspector: pinned cells with their tokens, the cell in every head, and their row and column. The pin in focus is
 * shown whole, others too as far as there is room, else as one line; where there is little, the one in focus is shown
 * without its lines. */
#include "features/pins.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define LINE_H 32.0f  /* one-line form */
#define HEADS_H 24.0f /* bars */
#define CURVE_H 24.0f
#define ROW_H 18.0f
#define BRIEF_H (32.0f + 40.0f + 28.0f + HEADS_H)
#define CARD_H (32.0f + 40.0f + 20.0f + HEADS_H + 2 * (32.0f + CURVE_H + PIN_TOP * ROW_H) + 24.0f)

static void number_chip(Panel *p, int index, bool focused) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    char text[8];
    snprintf(text, sizeof text, "%d", index + 1);
    const Rect chip = {p->x, p->y - 13 * s, roundf(18 * s), roundf(18 * s)};
    draw_rect(p->pen.list, chip, 3 * s, focused ? theme->accent : theme->raised);
    draw_text_in(p->pen.list, chip, text, ui_bold(&p->pen, 11), ALIGN_CENTER,
                 focused ? theme->accent_text : theme->text);
}

/* "1  0.1234   the -> cat                 x" */
static void header(Panel *p, const Pin *pin, int index, bool with_tokens) {
    App *app = p->app;
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    char text[48], query[96], key[96], pair[224], cut[256];
    const Rect line = {p->x - 8 * s, p->y - 20 * s, p->w + 16 * s, roundf(LINE_H * s)};
    const Rect cross = {p->x + p->w - 14 * s, p->y - 16 * s, 22 * s, 24 * s};
    if (ui_hovered(&p->pen, line) && with_tokens) draw_rect(p->pen.list, line, 4 * s, theme->hover);
    ui_hit(&p->pen, line, "show this pin (Shift+P: the next one)", CURSOR_HAND, "pin show %d", index + 1);
    number_chip(p, index, index == pins_of(app)->focus);
    if (pin->known)
        words_cell(pin->value, text, sizeof text);
    else
        snprintf(text, sizeof text, "\xE2\x80\xA6");
    const TextStyle bold = ui_bold(&p->pen, 13), plain = ui_style(&p->pen, 12);
    draw_text(p->pen.list, p->x + 26 * s, p->y, text, bold, ALIGN_LEFT, theme->text);
    const float used = 26 * s + fmaxf(52 * s, draw_text_width(p->pen.fonts, text, bold)) + 10 * s;
    views_token_text(p->frame, &app->look, AXIS_QUERY, pin->query, query, sizeof query);
    views_token_text(p->frame, &app->look, AXIS_KEY, pin->key, key, sizeof key);
    snprintf(pair, sizeof pair, "%s \xE2\x86\x92 %s", query, key);
    draw_text_fit(p->pen.fonts, pair, plain, p->w - used - 22 * s, cut, sizeof cut);
    if (with_tokens) draw_text(p->pen.list, p->x + used, p->y, cut, plain, ALIGN_LEFT, theme->dim);
    draw_text(p->pen.list, p->x + p->w - 3 * s, p->y, "\xC3\x97", bold, ALIGN_CENTER,
              ui_hovered(&p->pen, cross) ? theme->text : theme->dim);
    ui_hit(&p->pen, cross, "let go of this pin", CURSOR_HAND, "pin remove %d", index + 1);
    p->y += LINE_H * s;
}

/* The cell in every head of the layer, in the heads' colours. */
static void heads(Panel *p, const Pin *pin, const LayerInfo *layer) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    float most = 0;
    int known = 0, best = 0;
    for (int i = 0; i < pin->head_count; i++) {
        if (!pin->head_known[i]) continue;
        known++;
        if (!isfinite(pin->heads[i]) || fabsf(pin->heads[i]) <= most) continue;
        most = fabsf(pin->heads[i]);
        best = i;
    }
    char text[64] = "";
    if (known < pin->head_count)
        snprintf(text, sizeof text, "%d of %d", known, pin->head_count);
    else if (most > 0)
        snprintf(text, sizeof text, "head %d  %.3g", layer->head_numbers[best], (double)pin->heads[best]);
    draw_text(p->pen.list, p->x, p->y, "by head", ui_style(&p->pen, 11), ALIGN_LEFT, theme->dim);
    draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 11), ALIGN_RIGHT, theme->dim);
    p->y += 8 * s;
    const Rect box = {p->x, p->y, p->w, HEADS_H * s};
    const float step = box.w / (float)i64_max(1, pin->head_count), gap = step > 4 * s ? fmaxf(1, roundf(s)) : 0;
    draw_rect(p->pen.list, (Rect){box.x, box.y + box.h, box.w, 1}, 0, theme->line);
    for (int i = 0; i < pin->head_count && most > 0; i++) {
        if (!pin->head_known[i] || !isfinite(pin->heads[i])) continue;
        const float h = roundf(box.h * fabsf(pin->heads[i]) / most), x = floorf(box.x + (float)i * step);
        const float w = fmaxf(1, fminf(floorf(box.x + (float)(i + 1) * step) - x - gap, 16 * s));
        draw_rect(p->pen.list, (Rect){x, box.y + box.h - h, w, h}, 0, views_head_color(layer->head_numbers[i]));
    }
    p->y += (HEADS_H + 20) * s;
}

static void curve(Panel *p, const PinLine *line, int64_t here) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const Rect box = {p->x, p->y, p->w, CURVE_H * s};
    draw_rect(p->pen.list, (Rect){box.x, box.y + box.h, box.w, 1}, 0, theme->line);
    const int at = line->count > 0 ? (int)((double)here * line->bin_count / (double)line->count) : 0;
    const float step = box.w / (float)i64_max(1, line->bin_count);
    for (int i = 0; i < line->bin_count && line->most > 0; i++) {
        if (line->bins[i] <= 0 && i != at) continue;
        const float h = fmaxf(1, roundf(box.h * fmaxf(0, line->bins[i]) / line->most));
        const float x0 = floorf(box.x + (float)i * step), x1 = floorf(box.x + (float)(i + 1) * step);
        draw_rect(p->pen.list, (Rect){x0, box.y + box.h - h, fmaxf(1, x1 - x0 - (x1 - x0 > 3 ? 1 : 0)), h}, 0,
                  i == at ? theme->accent : theme->dim);
    }
    p->y += CURVE_H * s;
}

/* A row or a column: how far it was read, its curve, its strongest cells. */
static void line_of(Panel *p, const Pin *pin, Axis axis) {
    App *app = p->app;
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const bool row = axis == AXIS_KEY; /* a row goes over keys */
    const PinLine *line = row ? &pin->row : &pin->column;
    const int64_t here = row ? pin->key : pin->query;
    char text[64], token[96], cut[128];
    draw_text(p->pen.list, p->x, p->y, row ? "where this query looks" : "who looks at this key", ui_style(&p->pen, 11),
              ALIGN_LEFT, theme->dim);
    const double fraction = line->count > 0 ? (double)line->done / (double)line->count : 0;
    if (fraction < 1) {
        snprintf(text, sizeof text, "%.0f %%", floor(fraction * 100));
        draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 11), ALIGN_RIGHT, theme->accent);
    }
    p->y += 8 * s;
    curve(p, line, here);
    if (fraction < 1)
        draw_rect(p->pen.list, (Rect){p->x, p->y, roundf(p->w * (float)fraction), fmaxf(1, roundf(2 * s))}, 0,
                  theme->accent);
    p->y += 16 * s;
    for (int i = 0; i < PIN_TOP; i++, p->y += ROW_H * s) {
        if (i >= line->top_count) continue;
        views_token_text(p->frame, &app->look, axis, line->top[i], token, sizeof token);
        draw_text_fit(p->pen.fonts, token, ui_style(&p->pen, 12), p->w - 116 * s, cut, sizeof cut);
        draw_text(p->pen.list, p->x, p->y, cut, ui_style(&p->pen, 12), ALIGN_LEFT,
                  line->top[i] == here ? theme->accent : theme->text);
        snprintf(text, sizeof text, "%lld", (long long)line->top[i]);
        draw_text(p->pen.list, p->x + p->w - 56 * s, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->dim);
        words_cell(line->top_values[i], text, sizeof text);
        draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->text);
    }
    p->y += 4 * s;
}

typedef enum CardForm { CARD_LINE, CARD_BRIEF, CARD_WHOLE } CardForm;

static void card(Panel *p, const Pin *pin, int index, const LayerInfo *layer, CardForm form) {
    header(p, pin, index, form == CARD_LINE);
    if (form == CARD_LINE) return;
    p->y -= 4 * p->frame->scale;
    column_token_row(p, "query", AXIS_QUERY, pin->query);
    column_token_row(p, "key", AXIS_KEY, pin->key);
    p->y += 4 * p->frame->scale;
    heads(p, pin, layer);
    if (form == CARD_BRIEF) return;
    line_of(p, pin, AXIS_KEY);
    line_of(p, pin, AXIS_QUERY);
    p->y += 12 * p->frame->scale;
}

void panel_pins_list(Panel *p, float bottom) {
    App *app = p->app;
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    char text[48];
    const float s = p->frame->scale;
    /* Figures are those of the open capture, whatever the picture shows. */
    const bool other = app->look.compare == COMPARE_REF || app->look.compare == COMPARE_DIFF;
    column_caption(p, "pinned", other ? "of the open capture" : "p pins, Shift+P next");
    p->y += 4 * s;
    int shown = 0;
    for (int i = 0; i < pins_of(app)->count; i++)
        shown += pins_shown(app, &pins_of(app)->items[i]);
    float room = bottom - p->y - (float)shown * LINE_H * s;
    for (int i = 0; i < pins_of(app)->count; i++) {
        const Pin *pin = &pins_of(app)->items[i];
        if (!pins_shown(app, pin)) continue;
        /* The one in focus has the first claim on the room. */
        const bool focused = i == pins_of(app)->focus;
        const float more = (CARD_H - LINE_H) * s, claimed = pins_of(app)->focus > i ? more : 0;
        CardForm form = room >= more + claimed ? CARD_WHOLE : CARD_LINE;
        if (focused && form == CARD_LINE && room >= (BRIEF_H - LINE_H) * s) form = CARD_BRIEF;
        room -= form == CARD_WHOLE ? more : form == CARD_BRIEF ? (BRIEF_H - LINE_H) * s : 0;
        if (p->y > bottom) {
            snprintf(text, sizeof text, "%d more", shown);
            draw_text(p->pen.list, p->x, p->y, text, ui_style(&p->pen, 12), ALIGN_LEFT, p->frame->theme->dim);
            break;
        }
        card(p, pin, i, pattern.layer, form);
        shown--;
    }
}

void panel_pins(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y, 1, rect.h}, 0, theme->line);
    Panel p = {
        .pen = pen, .app = app, .frame = frame, .x = rect.x + 16 * s, .y = rect.y + 24 * s, .w = rect.w - 32 * s};
    panel_pins_list(&p, rect.y + rect.h - 8 * s);
}
