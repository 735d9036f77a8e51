/* What a view is given and gives back, and what all views share: images of patterns, what is wanted of the workers. */
#ifndef ATTNSCOPE_VIEWS_FRAME_H
#define ATTNSCOPE_VIEWS_FRAME_H

#include "views/look.h"

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
/* Black or white, whichever can be read on this ground (contrast of 4.5 and more on every colour). */
Color views_ink(Color ground);

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

/* What the open capture is compared with. */
typedef struct FrameReference {
    const Capture *capture; /* NULL: none is open */
    uint32_t serial;
    uint32_t difference_serial; /* tells differences to it apart from those to others */
} FrameReference;

/* How much is composed in a frame. */
typedef struct FrameComposing {
    uint64_t deadline_ns; /* no more after this, but at least one tile is made a frame */
    int tiles;            /* made so far */
} FrameComposing;

typedef struct Frame {
    const Capture *capture;
    uint32_t serial;       /* of this opening of the capture: part of tile keys */
    int32_t capture_index; /* the same: 0 the open one, 1 the reference */
    FrameReference reference;
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
    FrameComposing composing;
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

/* ---- keys.c : what names a picture ----------------------------------------------------------- */

/* The pattern that state looks at; false when indices are out of range. */
bool views_pattern(const Capture *capture, const Look *look, const SetInfo **set, const LayerInfo **layer,
                   int64_t *queries, int64_t *keys);
/* Without variant. */
TileKey views_key(const Frame *frame, const Look *look, int layer, int head, uint32_t headset, TilePlace at);
Level views_base_level(const Frame *frame, const LayerInfo *layer);
/* What of the state's variant applies to the values shown, and its identity for keys. */
Variant views_variant(const Look *look);
uint32_t views_variant_id(const Look *look);
bool views_key_hidden(const Frame *frame, const Look *look, int64_t key);
/* Key of the image of the state's heads that is composed from tiles without variant and factors. */
TileKey views_factor_key(const Look *look, const TileKey *key);
/* Key of the whole row `query` of the head set (JOB_CELLS). */
TileKey views_row_key(const Frame *frame, const Look *look, int64_t query);

/* ---- axes.c ---------------------------------------------------------------------------------- */

/* Token text as shown ("the", or the position); out NUL-terminated. */
void views_token_text(const Frame *frame, const Look *look, Axis axis, int64_t index, char *out, size_t out_size);

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

/* ---- wants.c : with a frame ------------------------------------------------------------------ */

/* Whoever wants many asks this first, so that what cannot be had does not keep the rest from being asked for. */
bool views_has_failed(const Frame *frame, const TileKey *key);

/* ---- variant.c : with a frame ---------------------------------------------------------------- */

/* Factors of each head, for the tile that `composite` names; pointers stay valid for the frame. */
typedef struct TileFactors {
    bool has_rows, has_columns;
    const float *rows[HEADSET_MAX], *columns[HEADSET_MAX];
} TileFactors;
/* False while some are missing; they are wanted then, when `want`. */
bool views_factors_find(Frame *frame, const Look *look, const ResolvedHeads *heads, const TileKey *composite, bool want,
                        TileFactors *out);

/* ---- images.c : images of a pattern on the GPU ----------------------------------------------- */

/* Makes the base image (tile or composite) of a layer resident if its tiles are there; wants them otherwise (when
 * `want`). True when it can be drawn; *key names it. */
bool views_base_ready(Frame *frame, const Look *look, int layer, bool want, TileKey *key);

/* ---- range.c --------------------------------------------------------------------------------- */

/* Upper end of the automatic range of a layer's base image: percentile of the shown channel. False: not known yet. */
bool views_auto_range(Frame *frame, const Look *look, int layer, double percentile, float *hi);
/* The same of any base image, tile or composite. */
bool views_image_range(Frame *frame, const Look *look, int layer, const TileKey *key, double percentile, float *hi);

/* ---- heatmap.c : tiles of the pattern under the camera -> passes and wants ------------------- */

bool views_look_signed(const SetInfo *set, const Look *look, const ResolvedHeads *heads);
DisplayParams views_display_params(const Frame *frame, const Look *look, bool is_signed, float lo, float hi);
/* Draws the part of the pattern inside result->plot with origin and cell size of `result`; fills level, exactness ... */
void views_heatmap(Frame *frame, const Look *look, ViewResult *result);

/* ---- overviews.c : base images of all layers ------------------------------------------------- */

/* Appends wants for the base tiles of all layers of the set, nearest first in the direction of the scrub. Returns
 * how many are missing. */
int views_want_all_bases(Frame *frame, const Look *look, int direction);
int views_count_bases(const Frame *frame, const Look *look); /* how many that are in all */

/* ---- toggle.c : one head more or less -------------------------------------------------------- */

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

#endif
