/* Where the tokens of a strip stand, as running text.
 *
 *   |The sky over Lisbon was blue,|   a line ends before the word that does not fit, after a token with a line break,
 *   |and the wind slept.          |   or, in one long word, before the token
 *
 * A token's cell is as wide as its text; those that go on with a character of an earlier one are slivers. Everything is
 * measured once and kept, so that a frame looks at the tokens on screen only. */
#include "views/text_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SPACING 1.75f
#define CELL_MIN 7.0f /* points: room for what has no text */
#define CELL_PAD 2.0f
#define SLIVER 5.0f
#define BLANK_LINES_MAX 2
#define MARGIN 16.0f
#define PROFILE_H 96.0f
#define PROFILE_FROM_H 300.0f /* points: lower views have no room for it */

TextView *views_text_new(TextState *state) {
    TextView *text = mem_alloc_zeroed(1, sizeof *text);
    if (text) text->state = state;
    return text;
}

void views_text_drop(TextView *text) {
    if (!text) return;
    mem_free(text->x);
    mem_free(text->w);
    mem_free(text->line);
    mem_free(text->line_first);
    mem_free(text->sorted);
    mem_free(text);
}

void views_text_forget(TextView *text) {
    text->key = (TextKey){0};
    text->shown = (TextShown){0};
    text->line_count = 0;
    text->profile_columns = 0;
}

const StripInfo *views_text_strip(const Frame *frame, const TextState *state) {
    if (!frame->capture || state->item < 0 || state->item >= capture_strip_count(frame->capture)) return NULL;
    return capture_strip(frame->capture, state->item);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static bool make_room(TextView *text, size_t count) {
    return mem_grow((void **)&text->x, &text->x_capacity, count, sizeof(float)) &&
           mem_grow((void **)&text->w, &text->w_capacity, count, sizeof(float)) &&
           mem_grow((void **)&text->line, &text->line_capacity, count, sizeof(int32_t)) &&
           mem_grow((void **)&text->sorted, &text->sorted_capacity, count, sizeof(float));
}

static bool begin_line(TextView *text, int64_t first) {
    if (!mem_grow((void **)&text->line_first, &text->first_capacity, (size_t)text->line_count + 2, sizeof(int32_t)))
        return false;
    text->line_first[text->line_count++] = (int32_t)first;
    return true;
}

/* May a line begin with this token? Words do, and what is written without spaces. */
static bool begins_word(const StripToken *token) {
    const char *display = token->token->display;
    size_t at = 0;
    if (token->continues || !display[0]) return false;
    return display[0] == ' ' || utf8_decode(display, strlen(display), &at) >= 0x2e80;
}

static int line_breaks(const StripToken *token) {
    int count = 0;
    for (const char *c = token->token->raw; *c; c++)
        count += *c == '\n';
    return count;
}

static float cell_width(const TextView *text, const StripToken *token, Fonts *fonts, TextStyle style) {
    const float s = text->key.scale;
    if (token->continues && !token->token->display[0]) return roundf(SLIVER * s);
    const float width = draw_text_width(fonts, token->token->display, style) + 2 * CELL_PAD * s;
    return fminf(ceilf(fmaxf(width, CELL_MIN * s)), fmaxf(1, text->key.width));
}

/* Moves the tokens from `from` on to a line of their own; returns where the next one goes. */
static float carry_over(TextView *text, int64_t from, int64_t to) {
    float x = 0;
    for (int64_t i = from; i < to; i++) {
        text->x[i] = x;
        text->line[i] = (int32_t)text->line_count - 1;
        x += text->w[i];
    }
    return x;
}

static bool lay_out(TextView *text, Fonts *fonts) {
    const StripInfo *strip = text->key.strip;
    const TextStyle style = {.size = text->key.size};
    float x = 0;
    int64_t word = 0; /* where the line may be broken */
    text->line_count = 0;
    if (!make_room(text, (size_t)strip->count) || !begin_line(text, 0)) return false;
    for (int64_t i = 0; i < strip->count; i++) {
        const StripToken *token = &strip->tokens[i];
        const int64_t first = text->line_first[text->line_count - 1];
        text->w[i] = cell_width(text, token, fonts, style);
        if (begins_word(token) || i == first) word = i;
        if (x + text->w[i] > text->key.width && i > first) {
            if (word == first) word = i; /* one word that is longer than a line */
            if (!begin_line(text, word)) return false;
            x = carry_over(text, word, i);
        }
        text->x[i] = x;
        text->line[i] = (int32_t)text->line_count - 1;
        x += text->w[i];
        const int breaks = line_breaks(token);
        for (int n = 0; n < breaks && n <= BLANK_LINES_MAX && i + 1 < strip->count; n++) {
            if (!begin_line(text, i + 1)) return false;
            x = 0;
            word = i + 1;
        }
    }
    text->line_first[text->line_count] = (int32_t)strip->count;
    return true;
}

static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static void sort_probabilities(TextView *text) {
    const StripInfo *strip = text->key.strip;
    text->sorted_count = 0;
    for (int64_t i = 0; i < strip->count; i++)
        if (!isnan(strip->tokens[i].logprob)) text->sorted[text->sorted_count++] = expf(strip->tokens[i].logprob);
    qsort(text->sorted, (size_t)text->sorted_count, sizeof(float), compare_floats);
}

/* ---- what is on screen ----------------------------------------------------------------------- */

static int64_t last_top(const TextView *text) {
    return i64_max(0, text->line_count - text->shown.full);
}

static void show_from(TextView *text, TextState *state) {
    TextShown *shown = &text->shown;
    const int64_t visible = (int64_t)ceilf(shown->rect.h / text->line_height);
    shown->lines = text->line_count;
    shown->line_height = text->line_height;
    shown->full = i64_max(1, (int64_t)floorf(shown->rect.h / text->line_height));
    shown->line = i64_min(text->line[state->top], last_top(text));
    state->top = i64_min(text->line_first[shown->line], text->key.strip->count - 1);
    shown->from = text->line_first[shown->line];
    shown->to = text->line_first[i64_min(text->line_count, shown->line + visible)];
}

bool views_text_arrange(const Frame *frame, TextView *text, const TextParams *params) {
    TextState *state = text->state;
    const StripInfo *strip = views_text_strip(frame, state);
    const float s = frame->scale, margin = params->bare ? 0 : roundf(MARGIN * s);
    if (!strip || strip->count == 0 || !frame->list->fonts) return false;
    state->top = i64_clamp(state->top, 0, strip->count - 1);
    state->token = i64_clamp(state->token, 0, strip->count - 1);
    Rect rect = {params->rect.x + margin, params->rect.y + margin / 2, fmaxf(1, params->rect.w - 2 * margin),
                 fmaxf(1, params->rect.h - margin)};
    Rect profile = {rect.x, rect.y + rect.h, rect.w, 0};
    if (!params->bare && params->rect.h / s >= PROFILE_FROM_H) {
        profile.h = roundf(PROFILE_H * s);
        profile.y -= profile.h;
        rect.h -= profile.h;
    }
    const TextKey key = {.strip = strip,
                         .serial = frame->serial,
                         .fonts = draw_fonts_serial(frame->list->fonts),
                         .size = state->size * s,
                         .width = rect.w,
                         .scale = s};
    const TextKey *old = &text->key;
    if (old->strip != key.strip || old->serial != key.serial || old->fonts != key.fonts || old->size != key.size ||
        old->width != key.width || old->scale != key.scale) {
        const bool other = old->strip != key.strip || old->serial != key.serial;
        text->key = key;
        text->line_height = ceilf(key.size * LINE_SPACING);
        if (!lay_out(text, frame->list->fonts)) {
            views_text_forget(text);
            return false;
        }
        if (other) sort_probabilities(text);
        text->profile_columns = 0;
    }
    const int columns = (int)fminf(profile.w / fmaxf(1, roundf(s)), TEXT_PROFILE_COLUMNS);
    if (profile.h > 0 && text->profile_columns != columns) text_profile_measure(text, columns);
    text->shown.rect = rect;
    text->shown.profile = profile;
    show_from(text, state);
    return true;
}

TextShown views_text_shown(const TextView *text) {
    return text->shown;
}

/* ---- finding tokens -------------------------------------------------------------------------- */

/* The token of a line whose cell is at x, or nearest to it. */
static int64_t in_line(const TextView *text, int64_t line, float x) {
    int64_t lo = text->line_first[line], hi = text->line_first[line + 1];
    const int64_t end = hi;
    while (hi - lo > 1) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (text->x[middle] <= x)
            lo = middle;
        else
            hi = middle;
    }
    return i64_min(lo, end - 1);
}

int64_t views_text_hit(const TextView *text, float x, float y) {
    const TextShown *shown = &text->shown;
    if (!text->key.strip || !rect_contains(shown->rect, x, y)) return -1;
    const int64_t line = shown->line + (int64_t)floorf((y - shown->rect.y) / text->line_height);
    if (line >= text->line_count || text->line_first[line] == text->line_first[line + 1]) return -1;
    const int64_t token = in_line(text, line, x - shown->rect.x);
    return x - shown->rect.x < text->x[token] + text->w[token] ? token : -1;
}

int64_t views_text_profile_hit(const TextView *text, float x, float y) {
    const Rect box = text->shown.profile;
    if (!text->key.strip || box.h <= 0 || !rect_contains(box, x, y)) return -1;
    return i64_clamp((int64_t)((double)((x - box.x) / box.w) * (double)text->key.strip->count), 0,
                     text->key.strip->count - 1);
}

int64_t views_text_beside(const TextView *text, int64_t token, int lines) {
    const int step = lines < 0 ? -1 : 1;
    int64_t line = text->line[token];
    for (int n = lines; n != 0; n -= step) {
        int64_t next = line + step;
        while (next >= 0 && next < text->line_count && text->line_first[next] == text->line_first[next + 1])
            next += step; /* empty */
        if (next < 0 || next >= text->line_count) break;
        line = next;
    }
    if (line == text->line[token]) return token;
    return in_line(text, line, text->x[token] + text->w[token] / 2);
}

bool views_text_rect(const TextView *text, int64_t token, Rect *out) {
    const TextShown *shown = &text->shown;
    if (!text->key.strip || token < shown->from || token >= shown->to) return false;
    *out = (Rect){shown->rect.x + text->x[token],
                  shown->rect.y + (float)(text->line[token] - shown->line) * text->line_height, text->w[token],
                  text->line_height};
    return true;
}

void views_text_scroll(const TextView *text, TextState *state, int64_t lines) {
    if (!text->key.strip || text->line_count == 0) return;
    const int64_t line = i64_clamp(text->shown.line + lines, 0, last_top(text));
    state->top = i64_min(text->line_first[line], text->key.strip->count - 1);
}

void views_text_reveal(const TextView *text, TextState *state, int64_t token) {
    if (!text->key.strip || token < 0 || token >= text->key.strip->count) return;
    const int64_t line = text->line[token];
    if (line < text->shown.line)
        views_text_scroll(text, state, line - text->shown.line);
    else if (line >= text->shown.line + text->shown.full)
        views_text_scroll(text, state, line - text->shown.line - text->shown.full + 1);
}
