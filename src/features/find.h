/* Finding text among the tokens of both axes. */
#ifndef ATTNSCOPE_FEATURES_FIND_H
#define ATTNSCOPE_FEATURES_FIND_H

#include "session/app.h"
#include "session/field.h"
#include "session/find_text.h"

/* ---- find.c : what is looked for, and where the eye is ---------------------------------------- */

#define FIND_QUERY_SIZE 256

typedef struct Find {
    char query[FIND_QUERY_SIZE]; /* "": nothing is looked for */
    int64_t current;             /* among queries, then keys; -1: none */
    bool open;                   /* the field has the keyboard; what is above is kept (StateKey) */
    Field field;
    struct FindIndex *index;        /* the worker's */
    char searched[FIND_QUERY_SIZE]; /* `query` is another one once it was put back */
    uint32_t asked, answered;       /* of searches; equal: `hits` belong to `searched` */
    uint32_t serial;                /* what was searched */
    int set, item;
    bool both; /* the axes have the same tokens: hits[AXIS_KEY] stays empty */
    bool has_tokens;
    FindHits hits[2];
    int64_t anchor_q, anchor_k;
} Find;
extern const StateKey FIND_STATE;
Find *find_of(const App *app);

bool find_is_on(const App *app); /* something is looked for */
int64_t find_count(const App *app);
/* Looks for `query` ("": for nothing). With `go`, the first hit after where the eye is becomes current and visible. */
void find_start(App *app, const char *query, bool go, Error *err);
void find_clear(App *app);
/* To the next place, or with -1 to the one before. */
void find_step(App *app, int direction, Error *err);
/* The eye is here: what is found next comes after this. */
void find_note_anchor(App *app);
/* The n-th hit, and the axis it is on (AXIS_QUERY where it is on both). */
TokenSpan find_hit(const Find *find, int64_t n, Axis *axis);
/* Spans to mark along an axis. */
const FindHits *find_marks(const App *app, Axis axis);

/* Of the part FIND. */
Status find_open(App *app, Error *err);
void find_close(App *app);
void find_follow(App *app);  /* another set or item is looked at, or `query` was put back: it is searched */
void find_release(App *app); /* no worker reads the tokens of the capture afterwards */

/* ---- panel_find.c ---------------------------------------------------------------------------- */

void find_draw(App *app, Frame *frame);

#endif
