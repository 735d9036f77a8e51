/* Tokens on grounds coloured by their probability. Colours are those of the matrix: colormap, transform, range. */
#include "views/text_private.h"

#include <math.h>
#include <string.h>

#define CELL_H 1.4f /* of the text's size */
#define BASELINE 0.98f

/* Upper end of the range up to a percentile of the probabilities. */
static float percentile_of(const TextView *text, double percentile) {
    if (text->sorted_count == 0) return 1;
    const double at = percentile / 100 * (double)(text->sorted_count - 1);
    const float value = text->sorted[(int64_t)f64_clamp(ceil(at), 0, (double)text->sorted_count - 1)];
    return value > 0 ? value : 1;
}

DisplayParams views_text_display(const Frame *frame, const TextView *text, const Look *look) {
    float lo = 0, hi = 1;
    if (look->colours.range_mode == RANGE_MANUAL || look->colours.range_locked) {
        lo = look->colours.lo;
        hi = look->colours.hi;
    } else if (look->colours.range_mode == RANGE_PERCENTILE) {
        hi = percentile_of(text, look->colours.percentile);
    }
    DisplayParams params = views_display_params(frame, look, false, lo, hi);
    params.channel = CHANNEL_MEAN;
    return params;
}

Color views_text_color(const Frame *frame, const DisplayParams *params, float logprob) {
    if (isnan(logprob)) return frame->theme->masked;
    const float p = expf(logprob);
    return draw_display_color(params, p, p, 1);
}

static void draw_token(Frame *frame, const TextView *text, const DisplayParams *params, int64_t i) {
    const StripToken *token = &text->key.strip->tokens[i];
    const TextStyle style = {.size = text->key.size};
    const float s = text->key.scale;
    Rect cell;
    if (!views_text_rect(text, i, &cell)) return;
    const float h = ceilf(text->key.size * CELL_H), hair = fmaxf(1, roundf(s));
    const Rect box = {cell.x, cell.y + roundf((cell.h - h) / 2), fmaxf(1, cell.w - hair), h};
    const Color ground = views_text_color(frame, params, token->logprob);
    const Color ink = isnan(token->logprob) ? frame->theme->text : views_ink(ground);
    draw_rect(frame->list, box, 2 * s, ground);
    if (token->floored) /* very unlikely, not how much */
        draw_rect(frame->list, (Rect){box.x, box.y + box.h - 2 * hair, box.w, 2 * hair}, 0, frame->theme->warning);
    const char *display = token->token->display;
    if (!display[0]) {
        draw_rect(frame->list, (Rect){box.x + box.w / 2 - hair, box.y + box.h / 2 - hair, 2 * hair, 2 * hair}, hair,
                  ink);
        return;
    }
    const float pad = (cell.w - draw_text_width(frame->list->fonts, display, style)) / 2;
    const float baseline = roundf(box.y + text->key.size * BASELINE);
    if (pad >= 0)
        draw_text(frame->list, box.x + pad, baseline, display, style, ALIGN_LEFT, ink);
    else
        draw_text_in(frame->list, box, display, style, ALIGN_LEFT, ink);
}

/* What was looked for, as far as it is on screen. */
static void mark_found(Frame *frame, const TextView *text, const TextParams *params) {
    const TextShown *shown = &text->shown;
    const float s = text->key.scale, hair = fmaxf(1, roundf(s));
    size_t lo = 0, hi = params->found_count; /* the first that ends behind the first token */
    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (params->found[middle].end <= shown->from)
            lo = middle + 1;
        else
            hi = middle;
    }
    for (; lo < params->found_count && params->found[lo].first < shown->to; lo++) {
        for (int64_t i = params->found[lo].first; i < params->found[lo].end; i++) {
            Rect cell;
            if (!views_text_rect(text, i, &cell)) continue;
            const float h = ceilf(text->key.size * CELL_H);
            const Rect box = {cell.x, cell.y + roundf((cell.h - h) / 2), cell.w - hair, h};
            draw_frame(frame->list, rect_inset(box, -hair), 2 * s, 2 * hair, frame->theme->text);
        }
    }
}

static void mark(Frame *frame, const TextView *text, const TextState *state) {
    Rect cell;
    const float s = text->key.scale, line = fmaxf(1, roundf(2 * s));
    if (!state->token_on || !views_text_rect(text, state->token, &cell)) return;
    const float h = ceilf(text->key.size * CELL_H), hair = fmaxf(1, roundf(s));
    const Rect box = {cell.x, cell.y + roundf((cell.h - h) / 2), cell.w - hair, h};
    draw_frame(frame->list, rect_inset(box, -line), 3 * s, line, frame->theme->accent);
    draw_frame(frame->list, box, 2 * s, hair, frame->theme->ground);
}

void views_text_draw(Frame *frame, TextView *text, Look *look, const TextParams *params, ViewResult *result) {
    const DisplayParams display = views_text_display(frame, text, look);
    const TextShown *shown = &text->shown;
    *result = (ViewResult){.exactness = EXACT, .lo = display.lo, .hi = display.hi, .range_known = true};
    result->plot = shown->rect;
    look->colours.lo = display.lo;
    look->colours.hi = display.hi;
    Rect clip = shown->rect;
    if (params->marks) { /* the frame of a token at the edge stands out */
        const float out = 4 * text->key.scale;
        clip = (Rect){clip.x - out, clip.y, clip.w + 2 * out, clip.h};
    }
    draw_clip(frame->list, clip);
    for (int64_t i = shown->from; i < shown->to; i++)
        draw_token(frame, text, &display, i);
    mark_found(frame, text, params);
    if (params->marks) mark(frame, text, text->state);
    draw_clip_off(frame->list);
    if (shown->profile.h > 0) text_profile_draw(frame, text);
}
