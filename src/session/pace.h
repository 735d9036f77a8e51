/* What is asked of the workers, and what has come of it; when the next frame is due; where the hand goes. */
#ifndef ATTNSCOPE_SESSION_PACE_H
#define ATTNSCOPE_SESSION_PACE_H

#include "views/views.h"

#define KEY_SET_SLOTS 8192 /* a power of two, at most half of them used */

/* Hashes of tile keys. Full, it is taken to hold every key: whoever asks then gives up. */
typedef struct KeySet {
    int count;
    uint64_t slots[KEY_SET_SLOTS]; /* open addressing, 0: empty */
} KeySet;

/* Base tiles of all layers and heads, as they come. */
typedef struct Overviews {
    int missing, total;
    int begun;         /* how many were missing when they were begun, */
    uint64_t begun_ns; /* and when: for the estimate of the time left */
} Overviews;

typedef struct Work {
    WantList wants;
    KeySet failed;  /* their job failed: not asked for again until reload */
    KeySet no_room; /* they did not fit the GPU's budget: not asked for again in this view */
    uint64_t no_room_view;
    bool held_up;      /* a worker had the lock: the last wants have not been handed over */
    int visible_wants; /* of the last frame, without those that failed before */
    RangeCache *ranges;
    FactorCache *factors;
    Readouts readouts;
    Overviews overviews;
} Work;

/* When the next frame is due, and what the last ones took. */
typedef struct Pace {
    bool redraw;
    uint64_t redraw_at_ns; /* 0: no timer */
    uint64_t frames;
    uint64_t paint_ns, upload_ns; /* what painting took lately, uploads of this frame */
    uint64_t last_input_ns, last_layer_ns;
    int fruitless; /* frames in a row that were not complete and yet had nothing to ask for or compose */
    int alone;     /* the same, whether or not they composed */
} Pace;

/* What `mean` and `head +1` come back to. */
typedef struct HeadMemory {
    HeadSet before_mean;
    int last; /* model number of the last single head; -1: none */
} HeadMemory;

/* Where the hand goes, and what was shown before. */
typedef struct Motion {
    ViewMotion hand;
    Camera camera; /* of the frame before */
    int head;
    uint64_t ns;
    int scrub_direction;
    HeadSet heads_shown, heads_before; /* in the last frame, and before that changed */
    HeadMemory memory;
} Motion;

#endif
