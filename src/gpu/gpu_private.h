/* What the files of gpu/ share; nobody else includes this. */
#ifndef ATTNSCOPE_GPU_PRIVATE_H
#define ATTNSCOPE_GPU_PRIVATE_H

#include "gpu/gpu.h"

#include <glad/gl.h>

/* ---- shader.c -------------------------------------------------------------------------------- */

/* As in compose.frag. More pages in one pass cost every pass of a software rasteriser, also where it has fewer. */
#define COMPOSE_PAGES 4
#define COMPOSE_PAIRS (HEADSET_MAX / 2 + COMPOSE_PAGES)
#define COMPOSE_LAYER_BITS 11

typedef struct ComposeProgram {
    GLuint id;
    GLint heads, start, mip, op, factor_offset, first, last, g_is_r, scale, sentinel_in, sentinel_out;
} ComposeProgram;

typedef struct DisplayProgram {
    GLuint id;
    GLint frame, colormap, channel, transform, inverse_gamma, is_signed, sentinel, masked, nonfinite, clipped,
        clipped_below;
} DisplayProgram;

typedef struct PaintProgram {
    GLuint id;
    GLint frame;
} PaintProgram;

/* What is rarely needed stands in variants of its own: software rasterisers run both sides of every branch. */
typedef struct Programs {
    ComposeProgram compose[2]; /* [1]: with row and column factors */
    DisplayProgram display[2]; /* [1]: with logarithm and gamma */
    PaintProgram paint;
} Programs;

/* All programs or none: *out is untouched on failure. */
Status gpu_programs_open(const char *shader_directory, Programs *out, Error *err);
void gpu_programs_close(Programs *programs);
/* A compute shader, GLSL 4.30. `defines`: lines that choose a variant. */
Status gpu_compute_open(const char *shader_directory, const char *name, const char *defines, GLuint *out, Error *err);

/* ---- atlas.c --------------------------------------------------------------------------------- */

/* Composites have pages of their own because a texture must not be read while one of its layers is rendered to; so
 * have composites of composites. */
typedef enum PageKind {
    PAGE_DETAIL16,
    PAGE_BASE16,
    PAGE_DETAIL32,
    PAGE_BASE32,
    PAGE_COMPOSITE,
    PAGE_BASE_COMPOSITE,
    PAGE_DIFFERENCE,
    PAGE_BASE_DIFFERENCE,
    PAGE_KINDS
} PageKind;
typedef enum SlotSpace { SPACE_TILE, SPACE_BASE, SPACE_COMPOSITE, SPACE_BASE_COMPOSITE } SlotSpace;

/* One layer of a page. */
typedef struct TileSlot {
    TileKey key;
    GpuTileInfo info;
    SlotSpace space;
    bool occupied;
    bool from_source; /* a composite that came from a worker */
    int rows_missing; /* a composite that is drawn in pieces: not to be shown yet */
    int layer;
    uint64_t frame; /* of the last use */
    uint64_t born;  /* frame in which it was filled */
    struct TilePage *page;
    struct TileSlot *newer, *older; /* the LRU list of its kind; older also links a page's free slots */
} TileSlot;

/* One texture array. */
typedef struct TilePage {
    GLuint texture;
    PageKind kind;
    int layers, used;
    size_t bytes;
    uint64_t frame; /* of the last use of any slot */
    TileSlot *free_slots;
    TileSlot slots[];
} TilePage;

typedef struct Atlas {
    TilePage **pages;
    size_t page_count, page_capacity;
    TileSlot **table; /* hash table of occupied slots, open addressing, at most half full */
    size_t table_size, slot_count;
    TileSlot *newest[PAGE_KINDS], *oldest[PAGE_KINDS];
    size_t allocated; /* bytes of all pages */
    uint64_t frame;
    int fail_uploads;
} Atlas;

void gpu_atlas_close(Gpu *gpu);
TileSlot *gpu_atlas_find(Gpu *gpu, const TileKey *key, SlotSpace space); /* NULL; does not count as use */
void gpu_atlas_touch(Gpu *gpu, TileSlot *slot);
/* The slot of this key, emptied or made, in a page of this kind; counts as use. Evicts within the rules. */
Status gpu_atlas_reserve(Gpu *gpu, const TileKey *key, SlotSpace space, PageKind kind, TileSlot **out, Error *err);
void gpu_atlas_release(Gpu *gpu, TileSlot *slot);
/* A part of the budget for something else; pages go for it. False: what is needed now takes too much. */
bool gpu_atlas_set_aside(Gpu *gpu, size_t bytes);
void gpu_atlas_give_back(Gpu *gpu, size_t bytes);
/* Whether the driver ran out of memory since the last look (or gpu_debug_fail_uploads says so). */
bool gpu_upload_failed(Gpu *gpu);
int gpu_atlas_side(const Gpu *gpu, PageKind kind);
float gpu_slot_scale(const TileSlot *slot); /* texel -> weight */

/* ---- tile.c ---------------------------------------------------------------------------------- */

/* Image that a key means: detail first where mip is 0, else the base image. Counts as use. */
TileSlot *gpu_tile_slot(Gpu *gpu, const TileKey *key, int mip);

/* ---- compose.c ------------------------------------------------------------------------------- */

#define FACTOR_WIDTH (2 * TILE_SIDE) /* all mips of a factor vector side by side */

typedef struct Composer {
    GLuint framebuffer, empty_array;
    GLuint row_factors, col_factors; /* [head][factor] */
    GLuint passes[2];                /* what one pass hands to the next; 0 until needed */
    float *factor_rows;              /* [HEADSET_MAX][FACTOR_WIDTH], NULL until needed */
    double ns_per_fetch;             /* software rasterisers: measured */
} Composer;
Status gpu_composer_open(Gpu *gpu, Error *err);
void gpu_composer_close(Gpu *gpu);

/* ---- text.c ---------------------------------------------------------------------------------- */

typedef struct GlyphPlace {
    uint64_t key; /* 0: an empty place of the table */
    int16_t x, y, width, height, left, top;
} GlyphPlace;

typedef struct GlyphCache {
    GLuint texture;
    int side;
    uint8_t *pixels; /* side * side, what the texture holds after gpu_text_upload */
    int shelf_x, shelf_y, shelf_height;
    int dirty_top, dirty_bottom; /* rows not yet uploaded */
    bool full;                   /* a glyph found no room since the last gpu_text_begin */
    uint32_t fonts_serial;
    GlyphPlace *places;
    size_t place_capacity, place_count;
} GlyphCache;
Status gpu_text_open(Gpu *gpu, Error *err);
void gpu_text_close(Gpu *gpu);
/* Before a list is laid out. */
void gpu_text_begin(Gpu *gpu, Fonts *fonts);
/* Which bitmap of a glyph: pen in quarters of its pixel; `turn` 0 or, for slanted text, its angle in GLYPH_TURNS of
 * a turn. */
#define GLYPH_TURNS 4096
typedef struct GlyphPose {
    int x, y, turn;
} GlyphPose;
/* NULL: no ink, or no room (then cache.full). Borrowed until the next call. */
const GlyphPlace *gpu_text_glyph(Gpu *gpu, Fonts *fonts, uint32_t code, TextStyle style, GlyphPose pose);
/* After cache.full: a larger, empty cache. False when it cannot grow. */
bool gpu_text_grow(Gpu *gpu);
void gpu_text_forget(Gpu *gpu); /* empties it */
void gpu_text_upload(Gpu *gpu);

/* ---- layout.c : display list -> vertices ----------------------------------------------------- */

typedef struct PaintVertex {
    float x, y, shape[4], more[2];
    Color color;
    float kind;
} PaintVertex;

typedef struct HeatmapVertex {
    float x, y, u, v, bounds[4], page[4], keys[4]; /* as in display.vert */
} HeatmapVertex;

typedef enum BatchKind { BATCH_SHAPES, BATCH_HEATMAP, BATCH_FILL } BatchKind;

/* What one call draws: a run of quads, or a rectangle to clear. */
typedef struct PaintBatch {
    BatchKind kind;
    size_t first, count; /* quads, in the stream of the kind */
    bool clipped;
    int clip[4];          /* x, y, w, h; target pixels, origin top left. FILL: the rectangle */
    Color color;          /* FILL */
    GLuint texture;       /* HEATMAP: page, */
    bool is_signed;       /* sentinels of the data, */
    DisplayParams params; /* and how to show it */
} PaintBatch;

typedef struct Layout {
    PaintVertex *vertices;
    HeatmapVertex *heatmaps;
    PaintBatch *batches;
    size_t vertex_count, vertex_capacity, heatmap_count, heatmap_capacity, batch_count, batch_capacity;
    bool failed; /* an allocation failed */
} Layout;
/* Leaves out text and heatmaps that surely lie outside `part`. */
void gpu_layout_build(Gpu *gpu, const DrawList *list, GpuArea part);
void gpu_layout_free(Layout *layout);

/* ---- paint.c --------------------------------------------------------------------------------- */

typedef struct Painter {
    GLuint paint_vao, paint_buffer, heatmap_vao, heatmap_buffer, index_buffer;
    size_t index_quads;
    GLuint colormaps;
} Painter;
Status gpu_painter_open(Gpu *gpu, Error *err);
void gpu_painter_close(Gpu *gpu);

/* ---- target.c -------------------------------------------------------------------------------- */

struct GpuTarget {
    GLuint texture, framebuffer;
    int width, height;
};

/* ---- recompute.c ----------------------------------------------------------------------------- */

typedef struct Recompute Recompute;

/* ---- device.c -------------------------------------------------------------------------------- */

struct Gpu {
    GpuInfo info;
    GpuStats stats;
    char *shader_directory;
    int base_side;
    Programs programs;
    Atlas atlas;
    Composer composer;
    GlyphCache glyphs;
    Layout layout;
    Painter painter;
    Recompute *recompute; /* NULL: not open */
};

/* ---- errors.c -------------------------------------------------------------------------------- */

/* Reads away all pending GL errors; true if one of them was out of memory. */
bool gpu_drain_errors(Gpu *gpu);

#endif
