/* The last frame, and what of it the hand can reach. */
#ifndef ATTNSCOPE_SESSION_PICTURE_H
#define ATTNSCOPE_SESSION_PICTURE_H

#include "platform/platform.h"
#include "views/views.h"

#define APP_HITS_MAX 1024

typedef struct FrameParams {
    int width, height; /* pixels */
    float scale;       /* pixels per point */
    bool bare;         /* the heatmap alone */
    bool chrome;       /* panels and bars; neither bare nor chrome: a figure with title and colour bar */
    bool exact_only;
    Rect part;     /* pixels: only this part will be looked at (posters); w 0: all */
    float caption; /* points left free at the bottom, for what a recording writes there */
} FrameParams;

/* Rectangles of the window's regions in pixels; zero width: folded away. */
typedef struct Layout {
    float scale;
    Rect window, top, left, right, bottom, view;
    Rect beside; /* of a part that has a panel of its own, beside the right one */
    bool bare;
    Rect scrubber, minimap; /* filled while drawing */
    Rect thumbs;
} Layout;

typedef struct Picture {
    DrawList list;
    ViewResult result;
    Layout layout;
} Picture;

/* What the mouse can hit, in pixels of the last frame; made anew by each frame, last one wins. */
typedef struct Hit {
    Rect rect;
    char command[80]; /* run on a click */
    const char *hint; /* shown while hovered; static text */
    PlatformCursor cursor;
    const char *less, *more; /* NULL, or commands of Left and Right when it has the focus, and of the wheel; static */
} Hit;

typedef struct Hits {
    Hit items[APP_HITS_MAX];
    int count;
} Hits;

typedef struct Ui {
    float scale;   /* --scale, Ctrl+wheel */
    float density; /* drawable pixels per window unit */
    bool light, panels;
    Hits hits;
} Ui;

typedef enum DragMode { DRAG_NONE, DRAG_PAN, DRAG_SELECT, DRAG_SCRUB, DRAG_MINIMAP } DragMode;

/* The mouse, in pixels. */
typedef struct Pointer {
    float x, y;
    bool inside;
    DragMode drag;
    float drag_x, drag_y; /* where it began */
    bool moved;           /* farther than a click shakes */
    Camera camera;        /* when it began */
} Pointer;

#endif
