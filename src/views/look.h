/* What is looked at and how: state of views, without anything drawn. */
#ifndef ATTNSCOPE_VIEWS_LOOK_H
#define ATTNSCOPE_VIEWS_LOOK_H

#include "gpu/gpu.h"

/* ---- camera.c : which rectangle of (query, key) space is on screen --------------------------- */

/* Double precision throughout. (q, k): the token coordinates in the middle of the plot; points_q/k: points per token. */
typedef struct Camera {
    double q, k;
    double points_q, points_k;
} Camera;
/* Patterns with an aspect beyond this are stretched by the default fit instead of being shown as a sliver. */
#define CAMERA_SQUARE_ASPECT 4.0
#define CAMERA_MAX_POINTS 128.0

typedef enum FitMode { FIT_AUTO, FIT_SQUARE, FIT_STRETCH } FitMode;
Camera views_camera_fit(int64_t queries, int64_t keys, float width, float height, FitMode mode);
/* Shows exactly this rectangle (half-open, tokens). */
Camera views_camera_rect(double q0, double q1, double k0, double k1, float width, float height);
/* Factor > 1 magnifies; the token under (x, y), relative to the plot's middle in points, stays there. */
void views_camera_zoom(Camera *camera, double factor_q, double factor_k, double x, double y);
/* Keeps the pattern reachable and the scale between "twice as small as fit" and CAMERA_MAX_POINTS. */
void views_camera_clamp(Camera *camera, int64_t queries, int64_t keys, float width, float height);
void views_camera_visible(const Camera *camera, float width, float height, double *q0, double *q1, double *k0,
                          double *k1);

/* ---- state of a view ------------------------------------------------------------------------- */

typedef enum RangeMode { RANGE_AUTO, RANGE_PERCENTILE, RANGE_MANUAL } RangeMode;

/* What of the open capture and the reference beside it is shown: the first alone, the reference in its place, the
 * difference (open - reference), or both side by side. */
typedef enum Compare { COMPARE_OFF, COMPARE_REF, COMPARE_DIFF, COMPARE_SIDE } Compare;

/* A cell of the grid: index of the layer, number of the head as in the model. */
typedef struct GridHead {
    int layer, head;
} GridHead;
#define GRID_SELECTED_MAX HEADSET_MAX

typedef struct GridState {
    Camera camera; /* q: layers, k: columns of heads; points_q, points_k: pitch of cells */
    bool fitted;
    bool per_head; /* every head has its own automatic range; else one for all */
    GridHead focus;
    bool hover_on;
    GridHead hover;
    int selected_count;
    GridHead selected[GRID_SELECTED_MAX];
} GridState;

#define TEXT_SIZE_START 15.0f
#define TEXT_SIZE_MIN 6.0f
#define TEXT_SIZE_MAX 96.0f

/* Probabilities of tokens, as text. */
typedef struct TextState {
    int item;      /* which strip */
    bool token_on; /* a token is under the cursor, or locked */
    bool locked;
    int64_t token;
    int64_t top; /* the line that this token is in comes first */
    float size;  /* points */
} TextState;

/* What is looked at: indices, except for heads, which go by their numbers. */
typedef struct Subject {
    int set, item, step, layer;
    HeadSet heads;
    Values values;
    Variant variant; /* as chosen; views_variant says what of it applies */
    Variant chosen;  /* its hidden keys: those that were last hidden by position */
} Subject;

/* How numbers become colours. */
typedef struct Colours {
    ColormapId cmap, cmap_signed;
    Channel channel;
    Transform transform;
    float gamma;
    RangeMode range_mode;
    bool range_locked;
    double percentile;
    float lo, hi; /* of the last frame, or as typed */
} Colours;

/* Where in the matrix one looks. */
typedef struct MatrixState {
    Camera camera;
    bool fitted; /* the camera follows the window's size */
    FitMode fit_mode;
    bool cursor_on; /* a cell is under the cursor, or locked */
    bool cursor_locked;
    int64_t cursor_q, cursor_k;
} MatrixState;

/* What is looked at and how; all of it can be said by commands and options. Zero plus views_look_init is valid. */
typedef struct Look {
    Subject subject;
    Colours colours;
    MatrixState matrix;
    Compare compare; /* the matrix only */
    bool labels;
    bool tile_debug; /* draw tile borders and levels */
} Look;
void views_look_init(Look *look);

#endif
