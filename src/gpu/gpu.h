/* gpu: the only folder that sees GLAD. Owns the textures with tiles and composites, the compose and display passes
 * and the painter of display lists. OpenGL 3.3 core is the floor. Everything belongs to the thread with the GL
 * context.
 *
 * One section for each group of .c files: device.c shader.c - atlas.c tile.c - compose.c - recompute.c - target.c
 * paint.c layout.c text.c */
#ifndef ATTNSCOPE_GPU_H
#define ATTNSCOPE_GPU_H

#include "draw/draw.h"

typedef struct Gpu Gpu;

/* ---- device.c, shader.c ---------------------------------------------------------------------- */

typedef void (*GpuProc)(void);
typedef struct GpuParams {
    GpuProc (*get_proc)(const char *name); /* required */
    size_t tile_budget; /* bytes of tiles and composites; 0: half of the memory the driver tells, 1 GiB at most; 512 MiB
                             where it does not tell */
    int base_side;      /* side of base tiles: 256, 128, 64 or 32; 0: 256 */
    const char *shader_directory; /* NULL: the embedded shaders; else read from here, and gpu_reload_shaders works */
    bool debug;                   /* KHR_debug messages to the log */
} GpuParams;
/* STATUS_GPU with the driver's words when GL < 3.3 or a shader does not compile (file and line named). All programs are
 * compiled and drawn with once, so that no later frame stalls. */
Status gpu_open(const GpuParams *params, Gpu **out, Error *err);
void gpu_close(Gpu *gpu);
/* A broken shader keeps the old one and returns its message. */
Status gpu_reload_shaders(Gpu *gpu, Error *err);

typedef struct GpuInfo {
    char renderer[128], version[64];
    bool software; /* a CPU rasteriser */
    int max_texture_side, max_array_layers;
    size_t tile_budget;
} GpuInfo;
const GpuInfo *gpu_info(const Gpu *gpu);

typedef struct GpuStats {
    uint64_t uploads, upload_bytes, composes, evictions, hits, misses, draw_calls;
    size_t tile_bytes; /* of occupied slots */
    int tiles, composites;
} GpuStats;
GpuStats gpu_stats(const Gpu *gpu);

/* ---- atlas.c, tile.c : tiles and composites as layers of float texture arrays, LRU within the budget --- */

/* What a resident image is. Base tiles (JOB_BASE) are never evicted by detail or composites; everything else goes
 * least recently used first, never what was used (put, found, composed, drawn) in the current frame. When the driver
 * runs out of memory the budget shrinks to what it gave. exactness_* are those of mip 0: see tiles_headset_exactness
 * for others. */
typedef struct GpuTileInfo {
    TileFormat format;
    bool is_signed, is_base;
    bool stepped; /* made of another composite and a head; APPROXIMATE */
    int width, height, mip_count;
    Exactness exactness_mean, exactness_max; /* composites: of R and of G; tiles: EXACT */
    int estimate;       /* 0: exact; else rows looked at of each texel row, the fewest of any head of a composite */
    uint64_t age;       /* frames since it was uploaded or composed */
    float max_value;    /* composites made here: an upper bound */
    float auto_high[3]; /* base tiles: TILE_AUTO_PERCENTILE by Channel; else NAN */
    uint32_t page;      /* never 0; pieces of one page that are drawn one after another cost one draw call */
} GpuTileInfo;

/* The largest side of base tiles with which so many of them (RG16F, RG32F) with their mips take at most half of the
 * budget; the smallest there is when none does. */
int gpu_base_side_for(const Gpu *gpu, int64_t half_tiles, int64_t float_tiles);
/* 256, 128, 64 or 32. Drops all base tiles and base composites if that is another side than before. */
void gpu_set_base_side(Gpu *gpu, int side);
/* Uploads a finished JOB_TILE, JOB_BASE (tile store) or JOB_COMPOSITE (composite store, exact, replaces a bound).
 * STATUS_MEMORY when the budget is full of things this frame needs. */
Status gpu_tile_put(Gpu *gpu, const TileData *data, Error *err);
/* Looks up key.head >= 0 among tiles (detail, then base), -1 among composites; info may be NULL. Counts as use. */
bool gpu_tile_find(Gpu *gpu, const TileKey *key, GpuTileInfo *info);
/* Drops everything of one capture serial. */
void gpu_tile_forget(Gpu *gpu, uint32_t serial);
/* Marks the start of a frame for the LRU. */
void gpu_frame_advance(Gpu *gpu);
/* Between frames, on software GL: room for a screen of tiles (half: of TILE_RG16F) of so many heads, one texture a call,
 * since making one takes longer than an upload. False when there is enough, or most of the budget is in use. */
bool gpu_reserve_ahead(Gpu *gpu, int heads, bool half);
/* Tests: the driver appears to be out of memory for the next n allocations and uploads of tiles. */
void gpu_debug_fail_uploads(Gpu *gpu, int n);

/* ---- compose.c : tiles of a head set -> one composite ---------------------------------------- */

typedef struct ComposeRequest {
    TileKey key;                /* of the composite: head -1, headset, level, y, x */
    const ResolvedHeads *heads; /* their tiles (tiles_key_of_head) must be resident */
    /* NULL, or what takes the place of each head's tile: a tile, or a composite (head -1). How exact a difference is
     * follows from how exact they are: see gpu_difference_exactness. A weighted sum of a composite and a tile is
     * marked `stepped`, and replaced when it is composed without sources. */
    const TileKey *sources;
    bool base; /* compose the base tiles, all mips */
    bool data_signed;
    /* NULL, or per head NULL or [TILE_SIDE]: a factor for each texel of mip 0, coarser mips take its means;
     * FACTOR_HIDDEN among column factors masks. Exact at level 0; at pooled levels the composite is marked APPROXIMATE.
     * The key then has TILE_VARIANT_FACTORS. */
    const float *const *row_factors, *const *col_factors;
    uint64_t budget_ns; /* 0: whole. Else as many rows as this time allows on a software rasteriser, at least a few; the
                           composite is found once further calls have drawn the rest */
} ComposeRequest;
/* STATUS_NOT_FOUND when a head's tile is not resident. The composite is then found under request->key. A composite that
 * came exact from the source (gpu_tile_put) is never replaced by a bound: then nothing is done. */
Status gpu_compose(Gpu *gpu, const ComposeRequest *request, Error *err);
/* Of R of a difference of two images, and so of its G. */
Exactness gpu_difference_exactness(Exactness minuend, Exactness subtrahend);
/* Reads one mip of a resident tile or composite back as f32 RG, unscaled: width * height * 2 floats, row-major, top
 * first. */
Status gpu_tile_read(Gpu *gpu, const TileKey *key, int mip, float *rg, size_t capacity_floats, int *width, int *height,
                     Error *err);

/* ---- recompute.c : tiles from Q and K by compute shaders (GL 4.3) ----------------------------- */

/* Compiles, reserves a part of the tile budget for operands, and opens the device to workers; `open` says what they
 * should know besides (operand_bytes is filled in). STATUS_UNSUPPORTED: this driver has no compute shaders. */
Status gpu_recompute_open(Gpu *gpu, PoolDevice *device, const DeviceParams *open, Error *err);
/* Closes the device (NULL: there is none any more), refuses what was begun, and gives the memory back. */
void gpu_recompute_close(Gpu *gpu, PoolDevice *device);
bool gpu_recompute_is_open(const Gpu *gpu);
/* Goes on with what workers handed over for about so long; the rest of it is done by further calls. *busy: there is
 * something to go on with. A failure has closed the device, and says why. */
Status gpu_recompute_step(Gpu *gpu, PoolDevice *device, uint64_t budget_ns, bool *busy, Error *err);
/* Billions of floating-point operations a second, softmax and pooling included, of a small tile that was made up.
 * Opens nothing, and needs no device. */
Status gpu_recompute_measure(Gpu *gpu, int dim, double *gflops, Error *err);
typedef struct RecomputeStats {
    uint64_t tasks, upload_bytes;
    size_t bytes; /* reserved of the tile budget */
} RecomputeStats;
RecomputeStats gpu_recompute_stats(const Gpu *gpu);

/* ---- target.c, paint.c, layout.c, text.c : frames -------------------------------------------- */

typedef struct GpuTarget GpuTarget; /* an RGBA8 framebuffer off screen */
Status gpu_target_new(Gpu *gpu, int width, int height, GpuTarget **out, Error *err);
void gpu_target_drop(Gpu *gpu, GpuTarget *target);
/* RGBA, top row first, width * height * 4 bytes. */
Status gpu_target_read(Gpu *gpu, GpuTarget *target, uint8_t *rgba, Error *err);

/* Paints a list into the target (NULL: the window's framebuffer) of width x height pixels, after clearing to `ground`.
 * STATUS_MEMORY: the picture is incomplete. */
Status gpu_paint(Gpu *gpu, GpuTarget *target, int width, int height, Color ground, DrawList *list, Error *err);
/* The same without clearing: on top of what was painted last. */
Status gpu_paint_over(Gpu *gpu, GpuTarget *target, int width, int height, DrawList *list, Error *err);

/* Pixels, origin top left. */
typedef struct GpuArea {
    int x, y, w, h;
} GpuArea;
/* gpu_paint for a picture larger than its target: paints the part of it that `part` names into the upper left
 * corner. What a transparent ground (alpha 0) gives has its colours multiplied by alpha. */
Status gpu_paint_part(Gpu *gpu, GpuTarget *target, GpuArea part, Color ground, DrawList *list, Error *err);
/* RGBA of a part of what was painted into `source` (NULL: the window, before its buffers are swapped) of source_height
 * pixels, top row first, part.w * part.h * 4 bytes. */
Status gpu_read_part(Gpu *gpu, GpuTarget *source, int source_height, GpuArea part, uint8_t *rgba, Error *err);
/* Copies a part of what was painted into `source` (NULL: the window, before its buffers are swapped) of
 * source_height pixels into the whole target. A part of another size is scaled to fit, keeping its aspect, between
 * bars of colour `bars`. */
Status gpu_target_copy(Gpu *gpu, GpuTarget *target, GpuTarget *source, int source_height, GpuArea part, Color bars,
                       Error *err);
/* Waits until everything sent is done (bench). */
void gpu_finish(Gpu *gpu);

#endif
