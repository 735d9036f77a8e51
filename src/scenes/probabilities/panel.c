/* The right panel beside probabilities: the token, what else the model might have taken, and what the colours mean. */
#include "features/help.h"
#include "scenes/probabilities/probabilities.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define ROW_H 22.0f
#define CARD_W 240.0f
#define CARD_ROWS 5
#define FOOT_H 128.0f

static void format_p(double p, char *out, size_t out_size) {
    if (p > 0 && p < 1e-4)
        snprintf(out, out_size, "%.1e", p);
    else
        snprintf(out, out_size, p > 0.9999 && p < 1 ? "%.6f" : "%.4f", p);
}

static void format_logprob(float logprob, char *out, size_t out_size) {
    if (isinf(logprob))
        snprintf(out, out_size, "\xE2\x88\x92\xE2\x88\x9E");
    else
        snprintf(out, out_size, logprob < 0 ? "\xE2\x88\x92%.3f" : "%.3f", fabs((double)logprob));
}

/* As people tell tokens apart: a space at the start is seen, and bytes where there is no text. */
static void token_name(const Token *token, char *out, size_t out_size) {
    const char *display = token->display;
    if (display[0] == ' ')
        snprintf(out, out_size, "\xE2\x90\xA3%.200s", display + 1);
    else
        snprintf(out, out_size, "%.200s", display[0] ? display : token->raw[0] ? token->raw : "(no text)");
}

/* "p 0.0421  ln p -3.168  4.57 bits" over two lines, with the token before it. */
static void token_head(Panel *p, const StripInfo *strip, int64_t position, const DisplayParams *display) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const StripToken *token = &strip->tokens[position];
    char text[96], number[32];
    const Rect box = {p->x, p->y - 14 * s, p->w, roundf(32 * s)};
    const Color ground = views_text_color(p->frame, display, token->logprob);
    draw_rect(p->pen.list, box, 4 * s, ground);
    char name[208];
    token_name(token->token, name, sizeof name);
    draw_text_in(p->pen.list, rect_inset(box, 8 * s), name, ui_bold(&p->pen, 16), ALIGN_LEFT,
                 isnan(token->logprob) ? theme->text : views_ink(ground));
    p->y += 42 * s;
    if (isnan(token->logprob)) {
        draw_text(p->pen.list, p->x, p->y, "no probability is given", ui_style(&p->pen, 12), ALIGN_LEFT, theme->dim);
        p->y += 22 * s;
        return;
    }
    if (token->floored) {
        draw_text(p->pen.list, p->x, p->y, "very unlikely: the API does not", ui_style(&p->pen, 12), ALIGN_LEFT,
                  theme->warning);
        draw_text(p->pen.list, p->x, p->y + 18 * s, "say how much", ui_style(&p->pen, 12), ALIGN_LEFT, theme->warning);
        p->y += 40 * s;
        return;
    }
    format_p(exp((double)token->logprob), number, sizeof number);
    draw_text(p->pen.list, p->x, p->y + 8 * s, number, ui_bold(&p->pen, 22), ALIGN_LEFT, theme->text);
    if (token->rank > 0)
        snprintf(text, sizeof text, "rank %d", (int)token->rank);
    else
        snprintf(text, sizeof text, token->count > 0 ? "beyond rank %u" : "rank not given", token->count);
    draw_text(p->pen.list, p->x + p->w, p->y + 8 * s, text, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->text);
    p->y += 30 * s;
    format_logprob(token->logprob, number, sizeof number);
    snprintf(text, sizeof text, "ln p  %s", number);
    draw_text(p->pen.list, p->x, p->y, text, ui_style(&p->pen, 12), ALIGN_LEFT, theme->dim);
    snprintf(text, sizeof text, "surprisal  %.2f bits", fabs((double)token->logprob) / log(2));
    draw_text(p->pen.list, p->x + p->w, p->y, text, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->dim);
    p->y += 22 * s;
}

/* A bar as long as the probability, the text on it, p and ln p to the right. */
static void row(Panel *p, const char *text, double chance, float logprob, Color bar, bool chosen) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const Rect line = {p->x - 4 * s, p->y - 14 * s, p->w + 8 * s, roundf(20 * s)};
    char number[32], cut[160];
    if (chance > 0)
        draw_rect(p->pen.list, (Rect){line.x, line.y, fmaxf(1, roundf(line.w * fminf(1, (float)chance))), line.h},
                  3 * s, bar);
    if (chosen) draw_frame(p->pen.list, line, 3 * s, fmaxf(1, roundf(1.5f * s)), theme->accent);
    draw_text_fit(p->pen.fonts, text, ui_style(&p->pen, 12), p->w - 120 * s, cut, sizeof cut);
    draw_text(p->pen.list, p->x, p->y, cut, ui_style(&p->pen, 12), ALIGN_LEFT, theme->text);
    if (!isnan(logprob)) {
        format_logprob(logprob, number, sizeof number);
        draw_text(p->pen.list, p->x + p->w - 58 * s, p->y, number, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->dim);
    }
    format_p(chance, number, sizeof number);
    draw_text(p->pen.list, p->x + p->w, p->y, number, ui_style(&p->pen, 12), ALIGN_RIGHT, theme->text);
    p->y += ROW_H * s;
}

/* Alternatives, then the token itself where it is none of them, then the rest. */
static void rows(Panel *p, const StripInfo *strip, int64_t position, float bottom, uint32_t most) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const StripToken *token = &strip->tokens[position];
    const StripFigures figures = capture_strip_figures(strip, position);
    const Color bar = color_alpha(theme->accent, 0.22f);
    const bool outside = token->chosen < 0 && !isnan(token->logprob);
    const int after = 1 + outside; /* rows that stand below them */
    uint32_t shown = 0;
    char text[208];
    for (; shown < token->count && shown < most && p->y + (float)after * ROW_H * s < bottom; shown++) {
        const StripAlternative *item = &strip->alternatives[token->first + shown];
        token_name(item->token, text, sizeof text);
        row(p, text, exp((double)item->logprob), item->logprob, bar, (int32_t)shown == token->chosen);
    }
    if (outside && p->y + ROW_H * s < bottom) {
        token_name(token->token, text, sizeof text);
        row(p, text, exp((double)token->logprob), token->logprob, bar, true);
    }
    if (p->y + 4 * s >= bottom || token->count == 0) return;
    double unshown = 0;
    for (uint32_t i = shown; i < token->count; i++)
        unshown += exp((double)strip->alternatives[token->first + i].logprob);
    if (shown < token->count)
        snprintf(text, sizeof text, "%u more and others", token->count - shown);
    else
        snprintf(text, sizeof text, "all other tokens");
    row(p, text, figures.other + unshown, NAN, theme->hover, false);
}

static void entropy(Panel *p, const StripInfo *strip, int64_t position, float bottom) {
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    const StripFigures figures = capture_strip_figures(strip, position);
    char text[96];
    if (isnan(figures.entropy_least) || p->y + 84 * s > bottom) return;
    p->y += 10 * s;
    column_caption(p, "entropy", NULL);
    const struct {
        const char *sign, *why;
        double nats;
    } LINES[] = {{"\xE2\x89\xA5 ", "lower bound: all others as one token", figures.entropy_least},
                 {"", "of those listed, made to add up to 1", figures.entropy_top}};
    for (size_t i = 0; i < BASE_COUNT(LINES); i++) {
        snprintf(text, sizeof text, "%s%.3f nats, %.3f bits", LINES[i].sign, LINES[i].nats, LINES[i].nats / log(2));
        draw_text(p->pen.list, p->x, p->y, text, ui_style(&p->pen, 12), ALIGN_LEFT, theme->text);
        draw_text(p->pen.list, p->x, p->y + 16 * s, LINES[i].why, ui_style(&p->pen, 11), ALIGN_LEFT, theme->dim);
        p->y += 36 * s;
    }
}

/* ---- what the colours mean ------------------------------------------------------------------- */

static void color_bar(Panel *p, float y, const DisplayParams *display) {
    App *app = p->app;
    const Theme *theme = p->frame->theme;
    const float s = p->frame->scale;
    p->y = y;
    const bool typed = app->look.colours.range_mode == RANGE_MANUAL || app->look.colours.range_locked;
    column_caption(p, "probability",
                   typed                                        ? "range as typed"
                   : app->look.colours.range_mode == RANGE_AUTO ? "0 to 1"
                                                                : "percentile");
    const Rect bar = {p->x, p->y - 8 * s, p->w, 14 * s};
    draw_colorbar(p->pen.list, bar, false, display);
    ui_hit(&p->pen, bar, "next colormap (c)", CURSOR_HAND, "cmap next");
    for (int i = 0; i <= 4; i++) {
        char text[32];
        const float unit = (float)i / 4, x = roundf(bar.x + unit * (bar.w - 1));
        const float value = draw_display_value_at(display, unit);
        const Align align = i == 0 ? ALIGN_LEFT : i == 4 ? ALIGN_RIGHT : ALIGN_CENTER;
        draw_rect(p->pen.list, (Rect){x, bar.y + bar.h, 1, 4 * s}, 0, theme->faint);
        snprintf(text, sizeof text, value > 0 && value < 1e-3f ? "%.0e" : "%.2g", (double)value);
        draw_text(p->pen.list, x, bar.y + bar.h + 16 * s, text, ui_style(&p->pen, 11), align, theme->dim);
        if (value > 0)
            snprintf(text, sizeof text, value < 1 ? "\xE2\x88\x92%.2g" : "%.2g", fabs(log((double)value)));
        else
            snprintf(text, sizeof text, "ln p");
        draw_text(p->pen.list, x, bar.y + bar.h + 31 * s, text, ui_style(&p->pen, 11), align, theme->dim);
    }
    const float line = bar.y + bar.h + 40 * s;
    const float x = p->x + ui_button(&p->pen, p->x, line, look_transform_name(display->transform), false,
                                     "transform: linear, sqrt, log (t)", "transform next");
    ui_button(&p->pen, x + 4 * s, line, draw_colormap_name(display->cmap), false, "next colormap (c)", "cmap next");
}

/* ---- panel and card -------------------------------------------------------------------------- */

void probabilities_panel(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    const StripInfo *strip = probabilities_strip(app);
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y, 1, rect.h}, 0, theme->line);
    if (!strip) return;
    Panel p = {
        .pen = pen, .app = app, .frame = frame, .x = rect.x + 16 * s, .y = rect.y + 24 * s, .w = rect.w - 32 * s};
    const DisplayParams display = views_text_display(frame, probabilities_of(app)->view, &app->look);
    const float bottom = rect.y + rect.h - FOOT_H * s;
    char text[64], count[32];
    if (probabilities_of(app)->state.token_on) {
        const int64_t position = probabilities_of(app)->state.token;
        text_format_count(position, count, sizeof count);
        snprintf(text, sizeof text, "token %s", count);
        column_caption(&p, text, probabilities_of(app)->state.locked ? "Esc lets go" : "click locks");
        token_head(&p, strip, position, &display);
        const StripToken *token = &strip->tokens[position];
        p.y += 10 * s;
        if (token->count > 0) {
            snprintf(text, sizeof text, "top %u", token->count);
            column_caption(&p, "what else it might have been", text);
            const float room = bottom - 100 * s > p.y + 4 * ROW_H * s ? 100 * s : 0; /* for the entropy */
            rows(&p, strip, position, bottom - room, token->count);
            entropy(&p, strip, position, bottom);
        } else {
            draw_text(pen.list, p.x, p.y, "no alternatives were asked for", ui_style(&pen, 12), ALIGN_LEFT, theme->dim);
        }
    } else {
        column_caption(&p, "under the cursor", NULL);
        draw_text(pen.list, p.x, p.y, "Move over a token, or use the", ui_style(&pen, 12), ALIGN_LEFT, theme->dim);
        draw_text(pen.list, p.x, p.y + 18 * s, "arrow keys. Colours say how probable", ui_style(&pen, 12), ALIGN_LEFT,
                  theme->dim);
        draw_text(pen.list, p.x, p.y + 36 * s, "it was, not what was looked at.", ui_style(&pen, 12), ALIGN_LEFT,
                  theme->dim);
    }
    color_bar(&p, rect.y + rect.h - 104 * s, &display);
}

/* The token beside itself, where the panel is folded. */
void probabilities_card(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    const float s = frame->scale;
    const StripInfo *strip = probabilities_strip(app);
    Rect cell;
    if (app->picture.layout.right.w > 0 || !strip || !probabilities_of(app)->state.token_on || help_of(app)->on) return;
    if (!views_text_rect(probabilities_of(app)->view, probabilities_of(app)->state.token, &cell)) return;
    const StripToken *token = &strip->tokens[probabilities_of(app)->state.token];
    const uint32_t listed = token->count < CARD_ROWS ? token->count : CARD_ROWS;
    const float extra = token->chosen < 0 && !isnan(token->logprob) ? 1 : 0;
    const float height = (110 + (listed > 0 ? ((float)listed + 1 + extra) * ROW_H : 0)) * s;
    const Rect view = app->picture.layout.view;
    float y = cell.y + cell.h + 6 * s;
    if (y + height > view.y + view.h) y = fmaxf(view.y + 4 * s, cell.y - height - 6 * s);
    if (y < cell.y + cell.h && y + height > cell.y && cell.x + cell.w + CARD_W * s + 8 * s < view.x + view.w)
        cell.x += cell.w + 8 * s; /* neither above nor below: beside */
    const Rect box = {
        roundf((float)f64_clamp((double)cell.x, (double)(view.x + 4 * s),
                                fmax((double)(view.x + 4 * s), (double)(view.x + view.w - (CARD_W + 4) * s)))),
        roundf(y), roundf(CARD_W * s), roundf(height)};
    const DisplayParams display = views_text_display(frame, probabilities_of(app)->view, &app->look);
    ui_card(&pen, box);
    Panel p = {.pen = pen, .app = app, .frame = frame, .x = box.x + 14 * s, .y = box.y + 26 * s, .w = box.w - 28 * s};
    token_head(&p, strip, probabilities_of(app)->state.token, &display);
    if (listed > 0) rows(&p, strip, probabilities_of(app)->state.token, box.y + box.h, CARD_ROWS);
}

/* Colour bar of a picture without panels, in p and ln p. */
void probabilities_figure(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    const DisplayParams display = views_text_display(frame, probabilities_of(app)->view, &app->look);
    const Rect view = app->picture.layout.view;
    const float h = fminf(view.h - 96 * s, 300 * s);
    if (!probabilities_strip(app) || h < 40 * s) return;
    const Rect bar = {roundf(view.x + view.w + 4 * s), roundf(view.y + 24 * s), roundf(12 * s), roundf(h)};
    draw_text(pen.list, bar.x, bar.y - 10 * s, "p, ln p", ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
    draw_colorbar(pen.list, bar, true, &display);
    for (int i = 0; i <= 4; i++) {
        char text[48];
        const float unit = (float)i / 4, value = draw_display_value_at(&display, unit);
        const float y = roundf(bar.y + (1 - unit) * (bar.h - 1));
        draw_rect(pen.list, (Rect){bar.x + bar.w, y, 4 * s, 1}, 0, theme->faint);
        snprintf(text, sizeof text, value > 0 && value < 1e-3f ? "%.0e" : "%.2g", (double)value);
        draw_text(pen.list, bar.x + bar.w + 7 * s, y + 4 * s, text, ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
        if (value <= 0 || value >= 1) continue;
        snprintf(text, sizeof text, "ln %s%.2g", value < 1 ? "\xE2\x88\x92" : "", fabs(log((double)value)));
        draw_text(pen.list, bar.x + bar.w + 7 * s, y + 19 * s, text, ui_style(&pen, 11), ALIGN_LEFT, theme->dim);
    }
    draw_text(pen.list, bar.x, bar.y + bar.h + 20 * s, look_transform_name(display.transform), ui_style(&pen, 11),
              ALIGN_LEFT, theme->dim);
}
