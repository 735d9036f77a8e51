/* Has the open capture changed on disk? Files are looked at by a thread of its own, which wakes nobody while they stay
 * as they are. */
#ifndef ATTNSCOPE_SESSION_WATCH_H
#define ATTNSCOPE_SESSION_WATCH_H

#include "base/base.h"

/* ---- one look after the other; no thread ------------------------------------------------------ */

typedef enum WatchNews {
    WATCH_NOTHING,
    WATCH_CHANGED, /* something else is there now, and was the look before: whoever writes has paused */
    WATCH_GONE,    /* a file was missing twice; said once */
} WatchNews;

typedef struct WatchState {
    uint64_t known, last; /* signs: of what is open, of the look before */
    bool differs, missing, gone;
} WatchState;

/* Size, time and identity of all files behind these paths; a folder, or the folder of a pattern, stands for what is in
 * it. False when one of them is missing. */
bool watch_sign(const char *const *paths, size_t count, uint64_t *sign);
WatchNews watch_step(WatchState *state, bool there, uint64_t sign);

/* ---- the thread ------------------------------------------------------------------------------ */

typedef struct Watch Watch;
/* `wake` is called when there are news. *out is released by watch_drop. */
Status watch_new(void (*wake)(void *user), void *user, Watch **out, Error *err);
void watch_drop(Watch *watch); /* NULL is allowed */
/* Looks after these from now on, which had this sign when they were opened; count 0: after nothing. */
void watch_set(Watch *watch, const char *const *paths, size_t count, uint64_t sign);
/* Gives news once. */
WatchNews watch_take(Watch *watch);

#endif
