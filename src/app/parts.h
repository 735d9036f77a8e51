/* What the owners of the program's state are made of (owners.h): captures, controls, focus, regions of the window. */
#ifndef ATTNSCOPE_APP_PARTS_H
#define ATTNSCOPE_APP_PARTS_H

#include "app/pins.h"
#include "platform/platform.h"

#define APP_PATH_SIZE 4096
#define APP_MESSAGE_SIZE 640
#define APP_HITS_MAX 1024
#define APP_HISTORY 64
#define KEY_SET_SLOTS 8192 /* a power of two, at most half of them used */

/* A capture and what belongs to its opening. captures[0] is the open one, captures[1] the reference. */
typedef struct OpenCapture {
    Capture *capture;
    uint32_t serial;
    DiskStore *disk; /* NULL: nothing is kept */
    char path[APP_PATH_SIZE];
    char *paths; /* all that it was opened from, each with its NUL; NULL for a reference */
    size_t paths_size, path_count;
    bool is_demo;
    char demo_name[64];
} OpenCapture;

typedef enum Severity { SAY_INFO, SAY_WARNING, SAY_ERROR } Severity;

/* Hashes of tile keys. Full, it is taken to hold every key: whoever asks then gives up. */
typedef struct KeySet {
    int count;
    uint64_t slots[KEY_SET_SLOTS]; /* open addressing, 0: empty */
} KeySet;

/* What the mouse can hit, in pixels of the last frame; made anew by each frame, last one wins. */
typedef struct Hit {
    Rect rect;
    char command[80]; /* run on a click */
    const char *hint; /* shown while hovered; static text */
    PlatformCursor cursor;
    const char *less, *more; /* NULL, or commands of Left and Right when it has the focus, and of the wheel; static */
} Hit;

/* What arrows and Enter act on (focus.h). */
typedef enum FocusPanel {
    FOCUS_VIEW,
    FOCUS_TOP,
    FOCUS_HEADS,
    FOCUS_RIGHT,
    FOCUS_INSPECTOR,
    FOCUS_LAYERS,
    FOCUS_COUNT
} FocusPanel;
typedef struct Focus {
    FocusPanel panel;
    char command[80]; /* "": whatever is at `rect` */
    Rect rect;        /* pixels, of the last frame */
} Focus;

typedef enum AutoReload { RELOAD_ON, RELOAD_OFF, RELOAD_ASK } AutoReload;

typedef enum DragMode { DRAG_NONE, DRAG_PAN, DRAG_SELECT, DRAG_SCRUB, DRAG_MINIMAP } DragMode;

/* What of two captures is shown, and what for. */
typedef struct Comparison {
    Compare chosen; /* by the command `compare` */
    Compare held;   /* while a key is down; COMPARE_OFF: none is */
    int held_key;
    /* Differences have a range of their own: it changes places with the state's. */
    struct {
        RangeMode mode;
        bool locked;
        double percentile;
        float lo, hi;
    } other_range;
    ViewResult side_result; /* of the reference beside the open capture; no plot: it is not shown */
    float *difference_row;  /* of compare_row */
    size_t difference_capacity;
} Comparison;

/* Rectangles of the window's regions in pixels; zero width: folded away. */
typedef struct Layout {
    float scale;
    Rect window, top, left, right, bottom, view;
    Rect inspector; /* of pins, beside the right panel */
    bool bare;
    Rect scrubber, minimap; /* filled while drawing */
    Rect thumbs;
} Layout;

/* Threads for small work; a folder that does not answer keeps nobody from searching. */
typedef struct Chores Chores;
/* The last two take as long as it takes, at low priority, and nothing waits for them. */
enum { CHORES_FILES, CHORES_SEARCH, CHORES_WRITE, CHORES_ADD, CHORES_COUNT };

/* Where attention is computed from Q and K. */
typedef enum RecomputeMode { RECOMPUTE_AUTO, RECOMPUTE_CPU, RECOMPUTE_GPU } RecomputeMode;
typedef struct Recomputing {
    RecomputeMode mode;
    PoolDevice *device;
    bool measured, busy;           /* busy: the GPU has begun what is not finished */
    double gpu_gflops, cpu_gflops; /* of all workers; 0: not measured */
    char why[ERROR_MESSAGE_SIZE];  /* the GPU does not compute; "" */
} Recomputing;

#endif
