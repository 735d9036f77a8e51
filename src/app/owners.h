/* Whose is what: the state of the program by owner. App (app.h) holds one of each. */
#ifndef ATTNSCOPE_APP_OWNERS_H
#define ATTNSCOPE_APP_OWNERS_H

#include "app/parts.h"

/* What the program runs on; made once, given up last. */
typedef struct Machine {
    Platform *platform;
    Gpu *gpu;
    Fonts *fonts;
    Scheduler *scheduler;
    Chores *chores[CHORES_COUNT]; /* chores.h */
    Clock clock;
    int base_side;
    size_t gpu_budget_seen;
    bool disk_cache;
    const CancelFlag *cancel; /* ends app_settle; NULL: nothing does */
    Recomputing recompute;
} Machine;

typedef struct Opened {
    OpenCapture captures[2];
    uint32_t next_serial, difference_serial;
    char axes[16]; /* as given by --axes; "": told from the file */
} Opened;

/* The last frame. */
typedef struct Picture {
    DrawList list;
    ViewResult result;
    Layout layout;
} Picture;

typedef struct Message {
    char text[APP_MESSAGE_SIZE];
    Severity severity;
    uint64_t until_ns;
} Message;

/* Base tiles of all layers and heads, as they come. */
typedef struct Overviews {
    int missing, total;
    int begun;         /* how many were missing when they were begun, */
    uint64_t begun_ns; /* and when: for the estimate of the time left */
} Overviews;

/* What is asked of the workers, and what has come of it. */
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

/* Where the hand goes, and what was shown before. */
typedef struct Motion {
    ViewMotion hand;
    Camera camera; /* of the frame before */
    int head;
    uint64_t ns;
    int scrub_direction;
    HeadSet heads_shown, heads_before; /* in the last frame, and before that changed */
} Motion;

/* What `mean` and `head +1` come back to. */
typedef struct HeadMemory {
    HeadSet before_mean;
    int last; /* model number of the last single head; -1: none */
} HeadMemory;

typedef struct Hits {
    Hit items[APP_HITS_MAX];
    int count;
} Hits;

typedef struct Ui {
    float scale;   /* --scale, Ctrl+wheel */
    float density; /* drawable pixels per window unit */
    bool light, folded;
    Hits hits;
} Ui;

/* The mouse, in pixels. */
typedef struct Pointer {
    float x, y;
    bool inside;
    DragMode drag;
    float drag_x, drag_y; /* where it began */
    bool moved;           /* farther than a click shakes */
    Camera camera;        /* when it began */
} Pointer;

/* Cells that were chosen; anchored: grown from the anchor by the keyboard. */
typedef struct Selection {
    bool on, anchored;
    int64_t anchor_q, anchor_k;
    int64_t q0, q1, k0, k1;  /* half-open */
    struct Selections *jobs; /* selection.h; NULL until needed */
} Selection;

typedef struct Reload {
    struct Watch *watch; /* watch.h; NULL: files are not watched */
    AutoReload mode;
} Reload;

typedef struct Chooser {
    Process *process; /* chooser.h: the system's file dialog, while it is open */
    bool own;
} Chooser;

typedef struct Help {
    bool on;
    int scroll;
} Help;

typedef struct Play {
    bool on;
    double rate; /* layers a second */
    uint64_t next_ns;
} Play;

/* Cameras that Backspace goes back to. */
typedef struct History {
    Camera cameras[APP_HISTORY];
    int count;
    uint64_t ns;
} History;

typedef struct GridScene {
    Grid *grid;
    GridLayout layout; /* of the last frame */
    bool return_here;  /* the matrix was opened from the grid: Esc goes back there */
} GridScene;

typedef struct TextScene {
    TextView *view;
    bool drag_in_profile;
} TextScene;

#endif
