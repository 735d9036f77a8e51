/* Tokens of a strip as running text. */
#ifndef ATTNSCOPE_VIEWS_TOKENS_H
#define ATTNSCOPE_VIEWS_TOKENS_H

#include "views/marks.h"

/* ---- text_layout.c, text.c, text_profile.c : tokens of a strip as running text --------------- */

/* Lines and places of the tokens of one strip, and its surprisal in columns; made anew only when strip, size, width or
 * fonts differ. */
typedef struct TextView TextView;
TextView *views_text_new(TextState *state); /* borrows the state; NULL: no memory */
void views_text_drop(TextView *text);       /* NULL is allowed */
/* The capture is closed: nothing is laid out any more. */
void views_text_forget(TextView *text);

typedef struct TextParams {
    Rect rect;              /* pixels */
    bool bare;              /* tokens alone */
    bool marks;             /* the token under the cursor is marked */
    const TokenSpan *found; /* what was looked for: ascending, apart */
    size_t found_count;
} TextParams;
/* The strip that the state looks at; NULL where there is none. */
const StripInfo *views_text_strip(const Frame *frame, const TextState *state);
/* Lays out, keeps the state within what there is. False: nothing to show, or no memory. */
bool views_text_arrange(const Frame *frame, TextView *text, const TextParams *params);
/* Draws what was arranged. */
void views_text_draw(Frame *frame, TextView *text, Look *look, const TextParams *params, ViewResult *result);

/* Of the last arrangement. */
typedef struct TextShown {
    Rect rect, profile;  /* pixels; profile.h 0: folded away */
    int64_t from, to;    /* tokens on screen */
    int64_t lines, line; /* all of them; the first on screen */
    int64_t full;        /* how many fit on screen whole */
    float line_height;   /* pixels */
} TextShown;
TextShown views_text_shown(const TextView *text);
int64_t views_text_hit(const TextView *text, float x, float y);            /* -1: no token there */
int64_t views_text_profile_hit(const TextView *text, float x, float y);    /* of the profile; -1: not there */
int64_t views_text_beside(const TextView *text, int64_t token, int lines); /* the nearest, so many lines on */
bool views_text_rect(const TextView *text, int64_t token, Rect *out);      /* pixels; false: not on screen */
/* So many lines on; stays within the text. */
void views_text_scroll(const TextView *text, TextState *state, int64_t lines);
/* As far as needed to see the token. */
void views_text_reveal(const TextView *text, TextState *state, int64_t token);
/* Probabilities in colour: the range of the state, 0 to 1 where it is automatic. */
DisplayParams views_text_display(const Frame *frame, const TextView *text, const Look *look);
/* The ground of a token. */
Color views_text_color(const Frame *frame, const DisplayParams *params, float logprob);

#endif
