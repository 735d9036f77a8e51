/* How surprising each token was, over the whole strip: largest and mean surprisal (-ln p) of the tokens in a column. */
#include "views/text_private.h"

#include <math.h>

#define TITLE_H 22.0f
#define LABEL_SIZE 11.0f

static float surprisal(const StripToken *token) {
    return isnan(token->logprob) || token->floored ? NAN : -token->logprob;
}

void text_profile_measure(TextView *text, int columns) {
    const StripInfo *strip = text->key.strip;
    text->profile_columns = columns;
    text->most_surprisal = 0;
    for (int c = 0; c < columns; c++) {
        const int64_t a = strip->count * c / columns, b = i64_max(a + 1, strip->count * (c + 1) / columns);
        double sum = 0;
        int64_t known = 0;
        float most = NAN;
        for (int64_t i = a; i < b; i++) {
            const float value = surprisal(&strip->tokens[i]);
            if (isnan(value)) continue;
            most = known++ == 0 ? value : fmaxf(most, value);
            sum += (double)value;
        }
        text->profile_max[c] = most;
        text->profile_mean[c] = known > 0 ? (float)(sum / (double)known) : NAN;
        if (known > 0) text->most_surprisal = fmaxf(text->most_surprisal, most);
    }
}

static void titles(Frame *frame, const TextView *text, Rect box) {
    const StripInfo *strip = text->key.strip;
    const TextShown *shown = &text->shown;
    const float s = frame->scale;
    const TextStyle style = {.size = LABEL_SIZE * s, .tabular = true};
    char whole[160] = "", here[96] = "", line[300], cut[300];
    int64_t known;
    const double all = capture_strip_perplexity(strip, 0, strip->count, &known);
    if (known > 0)
        snprintf(whole, sizeof whole, "mean %.3g nats, %.3g bits; perplexity %.4g", -strip->mean_logprob,
                 -strip->mean_logprob / log(2), all);
    const double part = capture_strip_perplexity(strip, shown->from, shown->to, &known);
    if (known > 0 && (shown->from > 0 || shown->to < strip->count))
        snprintf(here, sizeof here, "; of the tokens shown %.4g", part);
    snprintf(line, sizeof line, "%s%s", whole, here);
    char name[64];
    snprintf(name, sizeof name, "surprisal, \xE2\x88\x92ln p, 0 to %.3g", (double)text->most_surprisal);
    draw_text(frame->list, box.x, box.y, name, style, ALIGN_LEFT, frame->theme->dim);
    const float left = draw_text_width(frame->list->fonts, name, style) + 16 * s;
    draw_text_fit(frame->list->fonts, line, style, box.w - left, cut, sizeof cut);
    draw_text(frame->list, box.x + box.w, box.y, cut, style, ALIGN_RIGHT, frame->theme->text);
}

void text_profile_draw(Frame *frame, const TextView *text) {
    const StripInfo *strip = text->key.strip;
    const TextShown *shown = &text->shown;
    const Theme *theme = frame->theme;
    const float s = frame->scale, hair = fmaxf(1, roundf(s));
    const Rect box = {shown->profile.x, shown->profile.y + roundf((TITLE_H + 8) * s), shown->profile.w,
                      shown->profile.h - roundf((TITLE_H + 16) * s)};
    const int columns = text->profile_columns;
    const float most = fmaxf(text->most_surprisal, 1e-3f), step = box.w / (float)columns;
    draw_rect(frame->list, (Rect){shown->profile.x, shown->profile.y, shown->profile.w, hair}, 0, theme->line);
    titles(frame, text, (Rect){box.x, shown->profile.y + roundf(20 * s), box.w, 0});
    const double per = (double)box.w / (double)strip->count;
    if (shown->from > 0 || shown->to < strip->count)
        draw_rect(frame->list,
                  (Rect){box.x + (float)((double)shown->from * per), box.y - 2 * hair,
                         fmaxf(2 * hair, (float)((double)(shown->to - shown->from) * per)), box.h + 2 * hair},
                  2 * s, theme->hover);
    /* One token may be many columns wide. */
    for (int c = 0; c < columns;) {
        int end = c + 1;
        const int64_t token = strip->count * c / columns;
        while (end < columns && strip->count * end / columns == token && strip->count < columns)
            end++;
        const float value = text->profile_max[c], mean = text->profile_mean[c];
        const float x0 = floorf(box.x + (float)c * step), x1 = floorf(box.x + (float)end * step);
        const float gap = x1 - x0 > 3 * hair ? hair : 0;
        c = end;
        if (isnan(value)) continue;
        const float h = fmaxf(hair, roundf(box.h * value / most)), m = fmaxf(hair, roundf(box.h * mean / most));
        /* Not in the colours of probabilities: the low end of a map, which matters most here, may be as dark as the
         * ground. */
        if (h > m) draw_rect(frame->list, (Rect){x0, box.y + box.h - h, x1 - x0 - gap, h}, 0, theme->faint);
        draw_rect(frame->list, (Rect){x0, box.y + box.h - m, x1 - x0 - gap, m}, 0, theme->dim);
    }
    draw_rect(frame->list, (Rect){box.x, box.y + box.h, box.w, hair}, 0, theme->line);
    if (!isnan(strip->mean_logprob)) {
        const float y = roundf(box.y + box.h - box.h * (float)-strip->mean_logprob / most);
        draw_rect(frame->list, (Rect){box.x, y, box.w, hair}, 0, color_alpha(theme->text, 0.7f));
    }
    if (text->state->token_on) {
        const float x = roundf(box.x + (float)(((double)text->state->token + 0.5) * per));
        draw_rect(frame->list, (Rect){x - hair, box.y - 3 * hair, 2 * hair, box.h + 3 * hair}, 0, theme->accent);
    }
}
