/* views: ways of drawing a capture. A view turns (state, frame) into a display list, and says which tiles it wants.
 * It never asks for the window's size: everything is drawn into a given rectangle at a given scale, so that windows,
 * pictures and recordings share it. No SDL, no App.
 *
 * One section for each .c file: theme.c camera.c readout.c variant.c compare.c heatmap.c wants.c prefetch.c range.c axes.c
 * matrix.c pin_marks.c minimap.c marks.c grid_layout.c grid.c grid_axes.c text_layout.c text.c
 * text_profile.c */
#ifndef ATTNSCOPE_VIEWS_H
#define ATTNSCOPE_VIEWS_H

#include "gpu/gpu.h"

/* ---- theme.c --------------------------------------------------------------------------------- */

typedef struct Theme {
    bool light;
    Color ground; /* behind the matrix */
    Color panel;  /* panels, bars */
    Color raised; /* buttons, cards, fields */
    Color hover;
    Color line; /* hairlines between regions */
    Color text, dim, faint;
    Color accent, accent_text; /* text on accent */
    Color warning, error;
    Color masked, nonfinite;
} Theme;
const Theme *views_theme(bool light);
/* Colour of values beyond the range, distinct from both ends of the map and from the ground. */
Color views_clipped_color(ColormapId cmap, bool light);
/* Of signed values below the range. */
Color views_clipped_below_color(ColormapId cmap);
/* One colour a head, from a set that colour-blind people can tell apart, repeated when there are more heads. */
Color views_head_color(int head_number);

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

/* ---- readout.c : exact values from the source, asked for and delivered later ----------------- */

/* Small store of finished JOB_CELLS results; newest kept. */
#define READOUT_SLOTS 8
typedef struct Readouts {
    TileData *slots[READOUT_SLOTS];
    uint64_t used[READOUT_SLOTS], counter;
} Readouts;
void views_readout_accept(Readouts *readouts, TileData *data); /* takes over the reference */
const TileData *views_readout_find(Readouts *readouts, const TileKey *key);
/* A store result that covers `key` (same pattern, rectangle contained); for values of one cell. */
const float *views_readout_cell(Readouts *readouts, const TileKey *key, int64_t query, int64_t key_index);
void views_readout_clear(Readouts *readouts);

/* ---- wants.c : what is asked of the workers -------------------------------------------------- */

typedef struct WantList {
    TileWant *items;
    size_t count, capacity;
    Variant variant; /* that of wants whose key names one */
} WantList;
TileWant *views_want(WantList *wants, JobKind kind, const TileKey *key, const Capture *capture); /* NULL: no memory */
void views_wants_free(WantList *wants);

/* ---- variant.c : factors of the variant on screen -------------------------------------------- */

typedef struct FactorCache FactorCache;
FactorCache *views_factors_new(void); /* NULL: no memory */
void views_factors_drop(FactorCache *cache);
void views_factors_clear(FactorCache *cache);
void views_factors_frame(FactorCache *cache);                  /* marks the start of a frame */
void views_factors_accept(FactorCache *cache, TileData *data); /* JOB_ROW_FACTORS, JOB_COLUMN_FACTORS; takes it over */

/* ---- frame: what a view is given and gives back ---------------------------------------------- */

typedef struct RangeCache RangeCache;
RangeCache *views_range_cache_new(void);
void views_range_cache_drop(RangeCache *cache);
void views_range_cache_clear(RangeCache *cache);

typedef struct Frame {
    const Capture *capture;
    uint32_t serial;       /* of this opening of the capture: part of tile keys */
    int32_t capture_index; /* the same: 0 the open one, 1 the reference */
    /* The reference, or NULL; and what tells differences to it apart from those to others. */
    const Capture *reference;
    uint32_t reference_serial, difference_serial;
    Gpu *gpu;
    DrawList *list;
    WantList *wants;
    Readouts *readouts;
    RangeCache *ranges;
    FactorCache *factors;
    const Theme *theme;
    float scale; /* target pixels per point */
    Rect part;   /* only this part of the target is looked at (posters); w 0: all. Where heads are combined its
                                tiles come from the source, so that memory does not depend on their number */
    int base_side;
    int shown_layer; /* what is on screen is combined whole, others in pieces as time allows */
    bool resting;    /* no input for a moment: bounds are worth replacing */
    bool flying;     /* layers fly by: base tiles only */
    bool exact_only; /* `wait exact`, render: head sets at pooled levels come straight from the source */
    Clock clock;
    uint64_t compose_deadline_ns; /* composing stops after this, but at least one tile is made a frame */
    int composed;                 /* tiles composed in this frame so far */
    bool (*has_failed)(const void *user, const TileKey *key); /* NULL, or: not worth asking for again */
    const void *has_failed_user;
    const HeadSet *heads_before; /* what was shown before the head set of now, or NULL */
    bool peek;                   /* only what is at hand: nothing is composed or read back */
} Frame;

/* What is on screen, for badges, state and read-outs. */
typedef struct ViewResult {
    Level level;
    bool absent;         /* there is nothing to show, and never will be: the reference has no such pattern */
    bool missing;        /* something has nothing to show yet */
    bool coarse;         /* something is drawn from a coarser level */
    Exactness exactness; /* of the shown channel where not coarse */
    bool pending;        /* a later frame will look better: work is wanted or composing was cut short */
    float lo, hi;        /* range in use */
    bool range_known;
    Rect plot;                 /* pixels: where the matrix is, for hit tests */
    double origin_x, origin_y; /* pixels: corner of cell (0, 0) */
    double cell_w, cell_h;     /* pixels */
    int tiles_drawn;
} ViewResult;

/* The part of `rect` that this frame looks at. */
Rect views_looked_at(const Frame *frame, Rect rect);

/* ---- compare.c : the open capture and the reference ------------------------------------------ */

/* The frame and state that show in the reference what `state` shows of the open capture: set by name, layer and heads
 * by number. STATUS_NOT_FOUND with a sentence when there is no such pattern, or no reference. Bookkeeping of the frame
 * (composing) is not shared: see views_reference_done. */
Status views_reference(const Frame *frame, const Look *look, Frame *ref_frame, Look *ref_look, Error *err);
/* After work with the reference's frame: what it composed counts in `frame`. */
void views_reference_done(Frame *frame, const Frame *ref_frame);
/* Can the difference of what `state` shows be taken? Patterns must be of one kind and size. */
Status views_comparable(const Frame *frame, const Look *look, Error *err);
/* The channel that is shown: differences have no maximum of their own. */
Channel views_channel(const Look *look);
/* Difference of two cells as read: masked counts as 0 where the other side is visible. CELL_MASKED, NAN or a number. */
float views_difference_cell(float value, float reference);

/* ---- variant.c: with a frame ----------------------------------------------------------------- */

/* What of the state's variant applies to the values shown, and its identity for keys. */
Variant views_variant(const Look *look);
uint32_t views_variant_id(const Look *look);
bool views_key_hidden(const Frame *frame, const Look *look, int64_t key);
/* Key of the image of the state's heads that is composed from tiles without variant and factors. */
TileKey views_factor_key(const Look *look, const TileKey *key);
/* Factors of each head, for the tile that `composite` names; pointers stay valid for the frame. */
typedef struct TileFactors {
    bool has_rows, has_columns;
    const float *rows[HEADSET_MAX], *columns[HEADSET_MAX];
} TileFactors;
/* False while some are missing; they are wanted then, when `want`. */
bool views_factors_find(Frame *frame, const Look *look, const ResolvedHeads *heads, const TileKey *composite, bool want,
                        TileFactors *out);

/* ---- heatmap.c : tiles of the pattern under the camera -> passes and wants ------------------- */

/* The pattern that state looks at; false when indices are out of range. */
bool views_pattern(const Capture *capture, const Look *look, const SetInfo **set, const LayerInfo **layer,
                   int64_t *queries, int64_t *keys);
/* Without variant. */
TileKey views_key(const Frame *frame, const Look *look, int layer, int head, uint32_t headset, Level level, int64_t y,
                  int64_t x);
Level views_base_level(const Frame *frame, const LayerInfo *layer);
bool views_look_signed(const SetInfo *set, const Look *look, const ResolvedHeads *heads);
DisplayParams views_display_params(const Frame *frame, const Look *look, bool is_signed, float lo, float hi);
/* Draws the part of the pattern inside result->plot with origin and cell size of `result`; fills level, exactness ... */
void views_heatmap(Frame *frame, const Look *look, ViewResult *result);
/* Makes the base image (tile or composite) of a layer resident if its tiles are there; wants them otherwise (when
 * `want`). True when it can be drawn; *key names it. */
bool views_base_ready(Frame *frame, const Look *look, int layer, bool want, TileKey *key);
/* ---- wants.c : overviews --------------------------------------------------------------------- */

/* Whoever wants many asks this first, so that what cannot be had does not keep the rest from being asked for. */
bool views_has_failed(const Frame *frame, const TileKey *key);
/* Appends wants for the base tiles of all layers of the set, nearest first in the direction of the scrub. Returns
 * how many are missing. */
int views_want_all_bases(Frame *frame, const Look *look, int direction);
int views_count_bases(const Frame *frame, const Look *look); /* how many that are in all */

/* ---- toggle.c : one head more or less ------------------------------------------------------------ */

/* When the mean before (frame->heads_before) had one head more or less than `heads`, and its image of this place and the
 * head's tile are on the GPU: their keys, and the weights that make `key` of them. */
bool views_toggle(Frame *frame, const SetInfo *set, const LayerInfo *layer, const ResolvedHeads *heads,
                  const TileKey *key, TileKey sources[2], ResolvedHeads *step);

/* ---- prefetch.c : what will be looked at next ------------------------------------------------ */

/* Where the hand goes. */
typedef struct ViewMotion {
    int layer, head;   /* direction of the last step: -1, 0, 1 */
    double q, k, zoom; /* views a second; zoom: doublings a second */
} ViewMotion;
/* Wants what `result` shows, of another capture: a key shows it at once. */
void views_want_visible(Frame *frame, const Look *look, const ViewResult *result);
/* Wants tiles behind those that are visible. Call after drawing, before views_want_all_bases. */
void views_want_around(Frame *frame, const Look *look, const ViewResult *result, const ViewMotion *motion);

/* Between frames: room on the GPU for finer tiles, a step a call. False when there is enough. */
bool views_reserve_ahead(Frame *frame, const Look *look);

/* ---- range.c --------------------------------------------------------------------------------- */

/* Upper end of the automatic range of a layer's base image: percentile of the shown channel. False: not known yet. */
bool views_auto_range(Frame *frame, const Look *look, int layer, double percentile, float *hi);
/* The same of any base image, tile or composite. */
bool views_image_range(Frame *frame, const Look *look, int layer, const TileKey *key, double percentile, float *hi);

/* ---- matrix.c, axes.c ------------------------------------------------------------------------ */

typedef struct MatrixParams {
    Rect rect;                   /* pixels */
    bool bare;                   /* the heatmap alone */
    float least_left, least_top; /* margins, so that plots beside each other have one size */
} MatrixParams;
/* Where the plot lies inside rect (pixels), so that cameras can be fitted before drawing. */
Rect views_matrix_plot(const Frame *frame, const Look *look, const MatrixParams *params);
void views_matrix_draw(Frame *frame, Look *look, const MatrixParams *params, ViewResult *result);
/* Token text as shown ("the", or the position); out NUL-terminated. */
void views_token_text(const Frame *frame, const Look *look, Axis axis, int64_t index, char *out, size_t out_size);
/* Which cell is at this pixel; false outside the pattern or the plot. */
bool views_matrix_cell(const ViewResult *result, int64_t queries, int64_t keys, float x, float y, int64_t *query,
                       int64_t *key);
/* Key of the whole row `query` of the head set (JOB_CELLS). */
TileKey views_row_key(const Frame *frame, const Look *look, int64_t query);

/* ---- pin_marks.c ------------------------------------------------------------------------------ */

typedef struct PinMark {
    int64_t query, key;
    int number;
    bool focused;
    char text[24]; /* beside the number; may be "" */
} PinMark;
/* Over the matrix that `result` laid out. */
void views_pin_marks(Frame *frame, const ViewResult *result, int64_t queries, int64_t keys, const PinMark *marks,
                     int count);

/* ---- minimap.c : base images drawn small ----------------------------------------------------- */

/* Fits the layer's base image into rect (keeps cell aspect as the camera does at fit) and returns the rect used. */
Rect views_minimap(Frame *frame, const Look *look, const ViewResult *result, Rect rect);
/* One head's base tile in rect. False when it is not there yet (wanted when `want`). */
bool views_thumb(Frame *frame, const Look *look, int layer, int head_index, Rect rect, bool want);

/* ---- marks.c : where something that was looked for is ----------------------------------------- */

/* Tokens first to end - 1. */
typedef struct TokenSpan {
    int64_t first, end;
} TokenSpan;

/* A strip beside a picture of the tokens; pixels. */
typedef struct MarkAxis {
    bool vertical;
    double start, length;       /* of the strip */
    double origin, cell;        /* where token 0 begins; size of one */
    float across, thick, least; /* the strip's place on the other axis, its width; least length of a mark */
} MarkAxis;
/* Spans ascend and lie apart. */
void views_marks(DrawList *list, const MarkAxis *axis, const TokenSpan *spans, size_t count, Color color);
/* Along the edge of the matrix. */
void views_axis_marks(Frame *frame, const ViewResult *r, Axis side, const TokenSpan *spans, size_t count);
/* Along the edge of the mini-map, `image`, of so many tokens. */
void views_map_marks(Frame *frame, Rect image, Axis side, int64_t tokens, const TokenSpan *spans, size_t count);

/* ---- grid_layout.c : where the cells of the grid lie ----------------------------------------- */

/* What the grid is fitted into. */
typedef struct GridPlace {
    Rect plot;     /* pixels */
    float scale;   /* pixels a point */
    double aspect; /* width of a cell over its height */
    bool stretch;  /* cells fill the plot, whatever the aspect */
    double most;   /* pixels: height of a pitch beyond which overviews have no more to show; 0: no limit */
} GridPlace;

typedef struct GridLayout {
    Rect plot;
    int rows, columns;
    double origin_x, origin_y; /* pixels: corner of the first cell */
    double pitch_w, pitch_h;   /* pixels: a cell and the gap beside it */
    float gap;
    int row0, row1, column0, column1; /* what the plot shows, half-open */
} GridLayout;

void views_grid_fit(Camera *camera, int rows, int columns, const GridPlace *place);
/* Not smaller than fitted, not larger than the plot, no ground beyond the edges. */
void views_grid_clamp(Camera *camera, int rows, int columns, const GridPlace *place);
/* The place under (x, y), pixels, stays there. */
void views_grid_zoom(Camera *camera, double factor, const GridPlace *place, double x, double y);
/* Scrolls as far as needed to show this cell whole. */
void views_grid_reveal(Camera *camera, int rows, int columns, const GridPlace *place, int row, int column);
GridLayout views_grid_layout(const Camera *camera, int rows, int columns, const GridPlace *place);
Rect views_grid_cell(const GridLayout *layout, int row, int column); /* without the gap */
/* Which cell is at this pixel; the gap belongs to the cell before it. */
bool views_grid_hit(const GridLayout *layout, float x, float y, int *row, int *column);
/* Finest mip of width x height texels of which every texel covers at least a pixel. */
int views_grid_mip(int width, int height, float pixels_w, float pixels_h, int mip_count);
/* Every how many cells a label of `room` pixels fits: 1, 2, 5, 10 ... */
int views_grid_label_step(double pitch, float room);

/* ---- grid.c, grid_axes.c : layers x heads of base tiles -------------------------------------- */

/* What is known about the heads of one set: columns, ranges. Follows the state by itself. */
typedef struct Grid Grid;
Grid *views_grid_new(GridState *state); /* borrows the state; NULL: no memory */
void views_grid_state_init(GridState *state);
void views_grid_drop(Grid *grid); /* NULL is allowed */
/* Columns for the set that the state looks at; false without a set or memory. */
bool views_grid_follow(Grid *grid, const Frame *frame, const Look *look);
int views_grid_columns(const Grid *grid);
int views_grid_column(const Grid *grid, int head_number); /* -1: no layer has it */
/* The head of this layer in the column, or nearest to it. */
int views_grid_nearest_head(const Grid *grid, const SetInfo *set, int layer, int column);
/* False where the layer has no head in this column. */
bool views_grid_head_at(const Grid *grid, const SetInfo *set, int layer, int column, GridHead *out);

typedef struct GridParams {
    Rect rect;  /* pixels */
    bool bare;  /* cells alone */
    bool rings; /* focus, selection and hover are marked */
} GridParams;
/* Where cells may be drawn: rect without the margins for labels. The state's set must exist. */
GridPlace views_grid_place(const Frame *frame, const Look *look, const GridParams *params);
/* Fits or clamps the camera and lays the cells out; false when there is nothing to draw. */
bool views_grid_arrange(const Frame *frame, Grid *grid, const Look *look, const GridParams *params, GridLayout *layout);
/* Draws what was arranged, wants what is missing, nearest to the hand first. */
void views_grid_draw(Frame *frame, Grid *grid, Look *look, const GridParams *params, const GridLayout *layout,
                     ViewResult *result);
/* One head large; false when it is not there yet. */
bool views_grid_preview(Frame *frame, Grid *grid, const Look *look, GridHead head, Rect rect);
/* Measures one more head's range; true when there was one to measure. */
bool views_grid_idle(Frame *frame, Grid *grid, const Look *look);

/* Figures of one head, from its base tile. */
typedef struct GridFigures {
    float hi;      /* upper end of its automatic range */
    float largest; /* largest weight (signed data: magnitude); exact */
} GridFigures;
/* Mean weight by key, over all queries, in `count` equal parts of the keys (largest texel of each part); *most: the
 * largest. Kept until another head is asked for. NULL: not there yet. */
#define GRID_PROFILE 256
const float *views_grid_profile(Frame *frame, Grid *grid, const Look *look, GridHead head, int *count, float *most);
bool views_grid_figures(const Grid *grid, const SetInfo *set, GridHead head, GridFigures *out);
/* Largest upper end among the heads of a layer; false while none is known. */
bool views_grid_layer_range(const Grid *grid, const SetInfo *set, int layer, float *hi);

/* ---- text_layout.c, text.c, text_profile.c : tokens of a strip as running text ---------------- */

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
/* Black or white, whichever can be read on this ground (contrast of 4.5 and more on every colour). */
Color views_ink(Color ground);
/* The ground of a token. */
Color views_text_color(const Frame *frame, const DisplayParams *params, float logprob);

#endif
