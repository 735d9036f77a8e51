/* Finding text among the tokens of both axes. */
#ifndef ATTNSCOPE_APP_FIND_H
#define ATTNSCOPE_APP_FIND_H

#include "app/app.h"
#include "app/field.h"

/* ---- find_text.c : tokens as one text that can be searched. No App ---------------------------- */

/* Lower case, line breaks as spaces, FIND_BOUNDARY between tokens. Zero is valid and empty. */
typedef struct FindText {
    char *bytes;
    size_t length;
    uint32_t *starts; /* [count + 1]: where tokens begin, and the end */
    int64_t count;
} FindText;
#define FIND_BOUNDARY '\x01'

/* False without memory, or where there is more text than 4 GB. */
bool find_text_build(const TokenList *tokens, FindText *out);
void find_text_free(FindText *text);

typedef struct FindHits {
    TokenSpan *items; /* ascending, apart */
    size_t count, capacity;
} FindHits;
/* Tokens in which `query` lies, whatever the case. A space in the query is a space or a boundary of tokens in the text;
 * other letters pass over boundaries. False without memory. */
bool find_text_search(const FindText *text, const char *query, FindHits *out);
void find_hits_free(FindHits *hits);
/* Simple case folding of one code point (Unicode's CaseFolding.txt, status C: Latin, Greek, Cyrillic). */
uint32_t find_fold(uint32_t code);

/* ---- find.c : what is looked for, and where the eye is ---------------------------------------- */

#define FIND_QUERY_SIZE 256

typedef struct Find {
    bool open; /* the field has the keyboard */
    Field field;
    char query[FIND_QUERY_SIZE]; /* "": nothing is looked for */
    struct FindIndex *index;     /* the worker's */
    uint32_t asked, answered;    /* of searches; equal: `hits` belong to `query` */
    uint32_t serial;             /* what was searched */
    int set, item;
    bool both; /* the axes have the same tokens: hits[AXIS_KEY] stays empty */
    bool has_tokens;
    FindHits hits[2];
    int64_t current; /* among queries, then keys; -1: none */
    int64_t anchor_q, anchor_k;
} Find;

bool find_is_on(const App *app); /* something is looked for */
int64_t find_count(const App *app);
/* Looks for `query` ("": for nothing). With `go`, the first hit after where the eye is becomes current and visible. */
void find_start(App *app, const char *query, bool go, Error *err);
void find_clear(App *app);
/* After another set, item or capture came to be looked at. */
void find_follow(App *app);
/* Before a capture is closed: no worker reads its tokens afterwards. */
void find_release(App *app);
bool find_event(App *app, const InputEvent *event);
/* Spans to mark along an axis. */
const FindHits *find_marks(const App *app, Axis axis);
void find_drop(App *app);
void find_json(const App *app, TextBuffer *out);

/* ---- panel_find.c ---------------------------------------------------------------------------- */

void panel_find(App *app);

#endif
