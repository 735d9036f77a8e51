/* tiles: levels, head sets, pooling, the workers and their queue, the RAM cache. No GL.
 *
 * A tile is TILE_SIDE x TILE_SIDE texels of one pattern (or of a head set: a composite) at level (lq, lk); a texel
 * stands for a block of 2^lq x 2^lk weights and holds two floats:
 *   R  sum over the block / number of in-range cells (masked cells count as 0)
 *   G  max over the block; signed data: the value of largest magnitude
 * Sentinels in G: block wholly masked or not captured, or containing NaN/Inf; see TILE_MASKED below. R is 0 then.
 *
 * One section for each .c file (disk.c: disk_file.c too); cache.c, queue.c and job.c serve scheduler.c, and reduce.c
 * serves pool.c. */
#ifndef ATTNSCOPE_TILES_H
#define ATTNSCOPE_TILES_H

#include "capture/capture.h"

#define TILE_SIDE 256
#define TILE_LEVELS 40 /* enough for 2^47 tokens */

/* Sentinels in G, unscaled in every format. */
#define TILE_MASKED (-1.0f)
#define TILE_NONFINITE (-2.0f)
#define TILE_SIGNED_MASKED (-1e38f)
#define TILE_SIGNED_NONFINITE (-2e38f)
/* RG16F tiles hold w * TILE_F16_SCALE, rounded to nearest from f32. */
#define TILE_F16_SCALE 32768.0f

/* ---- level.c : geometry of levels ------------------------------------------------------------ */

typedef struct Level {
    int q, k;
} Level;

/* Which tile of a level: row and column in tiles. */
typedef struct TilePlace {
    Level level;
    int64_t y, x;
} TilePlace;

int64_t tiles_texels(int64_t tokens, int level);      /* ceil(tokens / 2^level) */
int64_t tiles_count_along(int64_t tokens, int level); /* tiles that cover the axis */
/* Lowest level at which `tokens` needs at most `side` texels. */
int tiles_base_level(int64_t tokens, int side);
/* Finest level whose texel covers at least one pixel, given pixels per token (> 0). */
int tiles_level_for_scale(double pixels_per_token);
/* Cells of the block at texel index `texel` that exist: 2^level, fewer at the ragged edge. */
int64_t tiles_cells_in_texel(int64_t tokens, int level, int64_t texel);

/* ---- headset.c : which heads are combined, and how ------------------------------------------- */

#define HEADSET_MAX 256

typedef enum HeadOp { HEADS_MEAN, HEADS_MAX, HEADS_MIN, HEADS_WEIGHTED, HEADS_DIFF } HeadOp;

/* Heads by model number, as typed. count == 0: all heads of the layer. WEIGHTED and DIFF always list theirs. A single
 * head is MEAN with count 1. */
typedef struct HeadSet {
    HeadOp op;
    int count;
    int heads[HEADSET_MAX];
    float weights[HEADSET_MAX]; /* WEIGHTED only */
} HeadSet;

/* Heads of one layer by index, with the weight each enters with (mean: 1/n; diff: +1, -1; max, min: 1). */
typedef struct ResolvedHeads {
    HeadOp op;
    int count;
    int index[HEADSET_MAX];
    float weight[HEADSET_MAX];
    bool result_signed; /* difference, or a negative weight, or signed data: G is largest magnitude. Scores are signed
                         * whatever this says. */
} ResolvedHeads;

#define HEADSET_TEXT_SIZE 6144 /* takes the canonical text of every head set */

/* "5", "mean", "mean:0-7,9", "max", "max:...", "min:...", "w:0*0.5,3*0.5", "diff:3,5". STATUS_USAGE with a sentence. */
Status tiles_headset_parse(const char *text, HeadSet *out, Error *err);
void tiles_headset_format(const HeadSet *set, char *out, size_t out_size); /* canonical text, parses back */
/* For people: "mean of 12 heads", "head 5", "max of 3 heads", "head 3 - head 5". */
void tiles_headset_describe(const HeadSet *set, const LayerInfo *layer, char *out, size_t out_size);
bool tiles_headset_equal(const HeadSet *a, const HeadSet *b);
uint32_t tiles_headset_hash(const HeadSet *set);
bool tiles_headset_single(const HeadSet *set); /* one head, shown as it is */
bool tiles_headset_contains(const HeadSet *set, int head_number);
/* Adds or removes one head (turning "all" into a list first); the last head is never removed (returns false). */
bool tiles_headset_toggle(HeadSet *set, const LayerInfo *layer, int head_number);
/* STATUS_NOT_FOUND names the head and the heads there are. */
Status tiles_headset_resolve(const HeadSet *set, const SetInfo *info, const LayerInfo *layer, ResolvedHeads *out,
                             Error *err);

/* What a composite of this head set is, per channel, at a level above 0 (DESIGN.md section 3); at level (0,0) exact. */
/* ESTIMATE: means of a sample of the rows; the maximum of the same tile is a BOUND_LOWER. */
typedef enum Exactness { EXACT, BOUND_UPPER, BOUND_LOWER, BOUND_BOTH, APPROXIMATE, ESTIMATE } Exactness;
typedef enum Channel { CHANNEL_MEAN, CHANNEL_MASS, CHANNEL_MAX } Channel;
Exactness tiles_headset_exactness(const ResolvedHeads *heads, Level level, Channel channel);

/* ---- variant.c : hidden keys, row scale, value weighting ------------------------------------- */

/* r of the variant w' = r_i * c_j * w. SUM: 1 / sum of what is visible of the row (after c); MAX: 1 / its largest; where
 * nothing is visible, 0. UNIFORM: the number of keys that the mask lets the query see (i + 1 where causal), so that 1 is
 * what uniform attention gives. */
typedef enum RowScale { ROWS_AS_STORED, ROWS_SUM, ROWS_MAX, ROWS_UNIFORM } RowScale;

typedef struct KeyRange {
    int64_t from, to; /* half-open */
} KeyRange;

#define VARIANT_RANGES_MAX 16 /* their text fits a command */

/* Zero: as captured. Hidden keys are out of the picture (masked) and count as 0 in the pooling. value_weighted: c_j is
 * the norm of the value vector of key j. */
typedef struct Variant {
    bool hide_special; /* keys whose token is special */
    int range_count;
    KeyRange ranges[VARIANT_RANGES_MAX]; /* other hidden keys; ascending, apart, zero behind the last */
    RowScale row_scale;
    bool value_weighted;
} Variant;

bool tiles_variant_hides(const Variant *variant);
/* Identity for TileKey.variant: 0 for none. Of lists of keys a hash of 25 bits enters. */
uint32_t tiles_variant_id(const Variant *variant);
/* Scores are hidden only: they are neither scaled nor weighted. */
Variant tiles_variant_for(const Variant *variant, Values values);
bool tiles_key_hidden(const Capture *capture, int set, int item, const Variant *variant, int64_t key);
/* "none", or "first", "special", "5", "7-9" (inclusive) with commas between; the rest of *out stays. STATUS_USAGE. */
#define VARIANT_TEXT_SIZE (VARIANT_RANGES_MAX * 44)
Status tiles_variant_parse_hide(const char *text, Variant *out, Error *err);
void tiles_variant_format_hide(const Variant *variant, char *out, size_t out_size); /* canonical, parses back */
const char *tiles_row_scale_name(RowScale scale); /* "none", "sum", "max", "uniform" */
Status tiles_row_scale_parse(const char *text, RowScale *out, Error *err);

/* ---- factors.c : r and c of a variant -------------------------------------------------------- */

/* A column factor that hides its key; the others are >= 0. */
#define FACTOR_HIDDEN (-1.0f)

/* Row factors and norms computed so far, kept for all threads within a budget, least recently used out first. */
typedef struct FactorStore FactorStore;
FactorStore *tiles_factors_new(size_t budget); /* bytes; NULL when memory is short */
void tiles_factors_drop(FactorStore *store);   /* NULL is allowed */
void tiles_factors_clear(FactorStore *store);  /* before a capture is closed */
typedef struct FactorStats {
    size_t bytes;
    uint64_t hits, misses; /* stretches asked for: known as a whole, or not */
} FactorStats;
FactorStats tiles_factors_stats(FactorStore *store);

typedef struct PoolScratch PoolScratch; /* working memory of one thread */

typedef struct FactorRequest {
    const Capture *capture;
    PatternRef ref;
    Values values;
    const Variant *variant;
    FactorStore *store; /* NULL: nothing is kept */
} FactorRequest;
/* r of queries q0..q1-1, from whole rows of the source where not known yet: streamed, so that memory does not depend on
 * their length. NaN and Inf do not count. */
Status tiles_row_factors(const FactorRequest *request, int64_t q0, int64_t q1, float *out, PoolScratch *scratch,
                         const CancelFlag *cancel, Error *err);
/* c of keys k0..k1-1. STATUS_UNSUPPORTED: value weighting without value vectors. */
Status tiles_column_factors(const FactorRequest *request, int64_t k0, int64_t k1, float *out, PoolScratch *scratch,
                            const CancelFlag *cancel, Error *err);

/* ---- pool.c : source -> pooled texels -------------------------------------------------------- */

typedef struct PoolRequest {
    const Capture *capture;
    int set, item, step, layer; /* indices */
    Values values;
    const ResolvedHeads *heads; /* combined before pooling, so the result is exact for every head set */
    Level level;
    int64_t y0, x0;            /* first texel of the level's grid */
    int height, width;         /* texels; those beyond the pattern are written as masked */
    const Variant *variant;    /* NULL: none. Applied to every cell of every head before heads are combined */
    FactorStore *factors;      /* for its factors; NULL: none are kept */
    int sample;                /* factored sets: look at so many rows of each texel row only; 0: all */
    void (*pause)(void *user); /* NULL, or called before each strip; may block */
    void *pause_user;
} PoolRequest;

PoolScratch *tiles_pool_scratch_new(void);
void tiles_pool_scratch_drop(PoolScratch *scratch);
/* What it keeps from one call to the next shrinks where so many threads have one each. Before it is used. */
void tiles_pool_scratch_share(PoolScratch *scratch, int threads);

/* rg: height * width * 2 floats, row-major. Streams the source in strips that fit the cache. */
Status tiles_pool(const PoolRequest *request, float *rg, PoolScratch *scratch, const CancelFlag *cancel, Error *err);
/* One cell or texel of result_signed data: which sentinels apply. */
static inline bool tiles_is_masked(float g, bool is_signed) {
    return g == (is_signed ? TILE_SIGNED_MASKED : TILE_MASKED);
}
static inline bool tiles_is_nonfinite(float g, bool is_signed) {
    return g == (is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE);
}
/* Halves both axes of a pooled image (exact: weighs by cell counts). in: h*w*2, out: ceil(h/2)*ceil(w/2)*2.
 * `queries`, `keys`: size of the pattern; `level`: of the input; both sides are halved. */
void tiles_pool_halve(const float *in, int height, int width, int64_t queries, int64_t keys, Level level,
                      bool is_signed, float *out);
/* Cells of a rectangle at level 0, heads combined: (q1-q0)*(k1-k0) floats with CELL_MASKED / NAN as in
 * capture_source_rows. Level and texels of the request are not looked at. */
Status tiles_cells(const PoolRequest *request, Block block, float *out, PoolScratch *scratch, const CancelFlag *cancel,
                   Error *err);

/* ---- kernel.c : products of Q and K ---------------------------------------------------------- */

/* Factored sets are pooled by the fastest kernel that runs here; the environment's ATTNSCOPE_KERNEL names another. */
typedef struct KernelSpeed {
    const char *name;
    bool bf16;   /* takes bf16 sources only */
    double peak; /* GFLOP/s of dot products of registers, measured by the call */
} KernelSpeed;
const char *tiles_kernel_name(bool bf16); /* of the one that numbers of this kind get */
/* The same; its rate is measured, some 100 us. */
KernelSpeed tiles_kernel_best(bool bf16);
/* Those that run here, slowest first, not measured; returns how many. */
int tiles_kernel_list(KernelSpeed *out, int max);

/* ---- compose.c : the CPU twin of the compose shader ------------------------------------------ */

/* heads[i]: pooled RG of one head, count texels. row_factor/col_factor: NULL, or per head factors of this tile,
 * [head][TILE_SIDE]; the result is the variant r * c * w (applied to R and G of visible texels); FACTOR_HIDDEN masks.
 * Rules (DESIGN.md section 3): any nonfinite gives nonfinite; all masked gives masked; masked heads count as 0;
 * mean, weighted >= 0: sum w R, sum w G; max, min: of R and of G; difference, negative weights, signed data with more
 * than one head: G = R. One head: as it is (times its weight if WEIGHTED). */
void tiles_compose(const ResolvedHeads *heads, const float *const *tiles, int width, int height, bool data_signed,
                   const float *const *row_factors, const float *const *col_factors, float *out);

/* ---- stats.c : ranges ------------------------------------------------------------------------ */

/* Upper end of automatic ranges. */
#define TILE_AUTO_PERCENTILE 99.5
/* A pooled image: rg[height][width][2], of texel columns from x0 on. */
typedef struct PooledImage {
    const float *rg;
    int height, width;
    int64_t keys; /* of the pattern */
    int level_k;
    int64_t x0;
    bool is_signed;
} PooledImage;
/* p in 0..100 of the shown channel over unmasked, finite texels, linearly interpolated as numpy.percentile does by
 * default; mass multiplies by keys per texel. Allocates nothing.
 * `ignore_column`: -1, or a key whose texel is left out. NAN when nothing is visible. Signed data: of |v|. */
float tiles_percentile(const PooledImage *image, Channel channel, double p, int64_t ignore_column);
/* Upper end of a range: that percentile of a whole level. TILE_AUTO_PERCENTILE of fewer than 200 values is the largest of
 * them: what stands out in a short text must not lie beyond the range. */
float tiles_upper_range(const PooledImage *image, Channel channel, double p);

/* ---- data.c : finished tiles ----------------------------------------------------------------- */

typedef enum JobKind {
    JOB_TILE,      /* one head, one tile: TileData RG16F (or RG32F) */
    JOB_BASE,      /* one head, the base tile with its mip chain */
    JOB_COMPOSITE, /* a head set, one tile, exact from the source: RG32F */
    JOB_CELLS,     /* level 0 values of a rectangle of a head set, f32: read-outs, profiles, numbers in cells */
    /* Factors of one head's variant, f32, one for each texel of tile row `y` at lq, or of tile column `x` at lk. Above
     * level 0 means: of all keys of a texel (FACTOR_HIDDEN where all are hidden), of some of its rows. */
    JOB_ROW_FACTORS,
    JOB_COLUMN_FACTORS,
} JobKind;

/* Set in TileKey.variant of a JOB_COMPOSITE that stands beside the composite of the same key made from tiles (a bound
 * above level 0). */
#define TILE_VARIANT_EXACT 0x80000000u
/* Set in TileKey.variant of a composite made from tiles without variant and factors: exact at level 0, approximate
 * above. */
#define TILE_VARIANT_FACTORS 0x40000000u

/* Everything that determines the result; compared field by field, hashed whole. Zero-initialise. */
typedef struct TileKey {
    /* 0 the open one, 1 the reference, 2 composites of both: their difference; the generation of opening is in
     * `serial` */
    int32_t capture;
    uint32_t serial;
    int32_t set, item, step, layer;
    int32_t head;     /* index, or -1 for a head set */
    uint32_t headset; /* tiles_headset_hash, 0 for one head */
    uint32_t variant; /* tiles_variant_id, 0: none */
    int32_t values;   /* Values */
    int32_t lq, lk;
    int64_t y, x;          /* tile coordinates at that level; JOB_CELLS: q0, k0 */
    int64_t rows, columns; /* JOB_CELLS only */
} TileKey;
/* Is a TileWant of this key in need of its variant? */
static inline bool tiles_key_varied(const TileKey *key) {
    return (key->variant & ~(TILE_VARIANT_EXACT | TILE_VARIANT_FACTORS)) != 0;
}
/* Of the tile of one head below a composite. */
TileKey tiles_key_of_head(const TileKey *composite, int head);
bool tiles_key_equal(const TileKey *a, const TileKey *b);
uint64_t tiles_key_hash(const TileKey *key);

typedef enum TileFormat {
    TILE_RG16F, /* scaled by TILE_F16_SCALE, sentinels unscaled */
    TILE_RG32F, /* unscaled */
    TILE_R32F,  /* JOB_CELLS, factors */
} TileFormat;

/* A finished job. Reference counted because the RAM cache and the consumer may both hold it. */
typedef struct TileData {
    JobKind kind;
    TileKey key;
    TileFormat format;
    bool is_signed;
    Status status; /* not OK: `error` says why and there are no texels */
    Error error;
    int estimate;          /* 0: exact; else how many rows of each texel row were looked at */
    int width, height;     /* of mip 0: texels that exist (<= TILE_SIDE) */
    int mip_count;         /* 1, or the whole chain down to 1 x 1 for JOB_BASE */
    size_t mip_offset[16]; /* bytes from texels */
    size_t size;           /* bytes of texels */
    void *texels;
    float auto_high[3]; /* JOB_BASE: TILE_AUTO_PERCENTILE of mip 0 by Channel, as tiles_upper_range; else NAN */
    float max_value;    /* largest visible G (cells: value), of its magnitude where signed; 0 if none */
    atomic_int references;
} TileData;
void tiles_data_hold(TileData *data);
void tiles_data_drop(TileData *data);  /* NULL is allowed */
int tiles_mip_side(int side, int mip); /* max(1, ceil(side / 2^mip)) */
/* rg f32 -> scaled f16, keeping sentinels; count texels. Unsigned tiles only: values in 0 .. 1. */
void tiles_encode_f16(const float *rg, uint16_t *out, size_t count);
void tiles_decode_f16(const uint16_t *in, float *rg, size_t count);

/* ---- device.c : products of Q and K on a GPU that another thread owns ------------------------ */

/* Where workers leave tasks and wait for what becomes of them. What nobody takes within a second, is refused or fails,
 * a worker does itself, so that a GPU may go at any time. */
typedef struct PoolDevice PoolDevice;

/* Operands are packed in blocks of 64 rows, [head][block][depth][64], with zeros for rows and dimensions that do not
 * exist. */
enum { DEVICE_BLOCK = 64, DEVICE_DEPTH = 16, DEVICE_SEGMENTS = 8 };
/* Below every score; the maximum of a row that sees nothing. */
#define DEVICE_HIDDEN (-1e30f)

/* How the cells of several heads become one. */
typedef enum DeviceCombine { DEVICE_SUM, DEVICE_LARGEST, DEVICE_SMALLEST } DeviceCombine;

/* A rectangle of one pattern, or of several that are combined: queries 0 .. rows - 1 and keys 0 .. columns - 1 of the
 * task; query r sees the keys lo <= k < hi with d = r + diagonal:  causal: d - window < k <= d;  else d - window / 2 <= k <= d + window / 2. Scores
 * are softcap(scale * q . k). All numbers are finite, and no score overflows. */
typedef struct DeviceTask {
    bool normalise;               /* row normalisers; else texels */
    const float *queries, *keys;  /* packed; keys NULL: those that came with keys_id before */
    uint64_t queries_id, keys_id; /* the same number: the same contents; never 0 */
    int heads, key_heads;         /* in `queries` and in `keys` */
    int32_t key_of[HEADSET_MAX];  /* [heads]: which of the key heads is that of a head */
    DeviceCombine combine;
    int depth; /* a multiple of DEVICE_DEPTH */
    int rows, columns;
    int64_t diagonal, window; /* window 0: none */
    bool causal, weights;     /* weights: 2^(score * log2 e + shift) * factor; else score * factor */
    bool is_signed;           /* the maximum is the value of largest magnitude */
    double scale, softcap;    /* softcap 0: none */
    Level level;
    int texel_rows, texel_columns; /* query r is in texel row r >> level.q */
    const float *row_numbers;      /* texels: [heads][rows rounded up to a block] of shift and factor */
    /* texels: [texel_rows][texel_columns] of sum and maximum, masked where no cell is seen; normalise:
     * [heads][DEVICE_SEGMENTS][rows rounded up] of m and the sum of 2^(score * log2 e - m) */
    float *out;
    bool keys_gone; /* set by the owner with STATUS_NOT_FOUND: keys_id is not there any more */
} DeviceTask;
size_t tiles_device_out_floats(const DeviceTask *task);
/* The CPU twin: what the owner has to compute, in f64 where it is cheap. Keys must be there. */
void tiles_device_twin(const DeviceTask *task, float *out);

typedef struct DeviceParams {
    size_t operand_bytes;     /* of packed queries, and of packed keys, in one task at most; 0: closed */
    double least_operations;  /* tiles of fewer are not worth the way */
    void (*wake)(void *user); /* called from a worker when there is a task; may be NULL */
    void *wake_user;
} DeviceParams;

PoolDevice *tiles_device_new(void);         /* closed; NULL on failure */
void tiles_device_drop(PoolDevice *device); /* after the scheduler; NULL is allowed */
/* From now on tasks are taken (params NULL: not any more, and those that wait are refused). */
void tiles_device_open(PoolDevice *device, const DeviceParams *params);
/* The next task, or NULL; never waits. It stays valid until it is finished. */
DeviceTask *tiles_device_take(PoolDevice *device);
bool tiles_device_wanted(PoolDevice *device, const DeviceTask *task); /* false: its job was cancelled */
void tiles_device_finish(PoolDevice *device, DeviceTask *task, Status status);

typedef struct DeviceStats {
    uint64_t done, refused; /* tasks */
} DeviceStats;
DeviceStats tiles_device_stats(PoolDevice *device);

/* Factored sets without variant are pooled there while it is open. For the scratch of one thread; NULL: no device. */
void tiles_pool_use_device(PoolScratch *scratch, PoolDevice *device);

/* ---- disk.c : base tiles kept from one run to the next --------------------------------------- */

/* <folder>/<identity of the capture>/<key>.tile. Damaged files are ignored and removed; when something cannot be
 * written the store says so once (in its stats) and only reads from then on. All functions may be called from
 * several threads. */
typedef struct DiskStore DiskStore;

typedef struct DiskParams {
    const char *folder;       /* NULL: "tiles" in the XDG cache folder */
    uint64_t cap_bytes;       /* of all captures together; 0: 2 GiB. What was used least recently goes */
    const char *const *paths; /* the files of the capture */
    size_t path_count;
    const char *reading; /* what else determines how the files are read (axes), or NULL */
} DiskParams;
/* STATUS_NOT_FOUND: the files have no identity (standard input), or there is no cache folder. Creates nothing yet. */
Status tiles_disk_open(const DiskParams *params, DiskStore **out, Error *err);
void tiles_disk_close(DiskStore *store); /* NULL is allowed */

typedef struct DiskStats {
    uint64_t hits, misses, stored, damaged;
    bool stopped;     /* nothing is written any more: */
    char reason[200]; /* why, or "" */
} DiskStats;
DiskStats tiles_disk_stats(DiskStore *store);

/* ---- scheduler.c : workers ------------------------------------------------------------------- */

enum { TILE_FINER_MAX = 2 };
/* Is the overview of one head at this level computed at once, or estimated first? Dense sets never are estimated. */
bool tiles_exact_at_once(const SetInfo *set, const LayerInfo *layer, Level level);
/* For better_than: no estimate will do. */
#define TILE_NO_ESTIMATE INT32_MAX

/* One wish, most urgent first in the array handed to tiles_scheduler_want. Owned and copied by the scheduler. */
typedef struct TileWant {
    JobKind kind;
    TileKey key;
    const Capture *capture; /* must stay open until tiles_scheduler_forget or _drop */
    HeadSet heads;          /* JOB_COMPOSITE, JOB_CELLS; the others take key.head */
    Variant variant;        /* where key.variant is not 0 */
    /* JOB_BASE: the tiles so many levels below come of the same cells, into the cache; 0: none, at most TILE_FINER_MAX.
     * A wish: estimates have none. */
    int finer;
    int company; /* JOB_BASE: of so many is one picture made, so that an estimate may do where one alone is exact soon */
    int better_than; /* 0: an estimate will do where exact work takes long; else a better one than this, or exact */
} TileWant;

typedef struct SchedulerParams {
    int workers;       /* 0: thread_core_count(); -1: none, tiles_scheduler_take runs the next job itself (tests) */
    size_t ram_budget; /* bytes of finished tiles kept; 0: a quarter of the memory, 1 GiB at the most */
    int base_side;     /* 0: TILE_SIDE */
    void (*wake)(void *user); /* called from a worker when something is ready; may be NULL */
    void *wake_user;
    Clock clock; /* zero: the system's */
} SchedulerParams;

typedef struct SchedulerStats {
    uint64_t jobs_done, jobs_cancelled, jobs_failed, cache_hits, cache_misses, cache_evictions;
    size_t cache_bytes;
    FactorStats factors;
    int queued, running;
} SchedulerStats;

typedef struct Scheduler Scheduler;
Status tiles_scheduler_new(const SchedulerParams *params, Scheduler **out, Error *err);
void tiles_scheduler_drop(Scheduler *scheduler); /* cancels, joins; NULL is allowed */
/* Replaces the queue. Jobs that run and are still wanted go on; others are cancelled at their next look at the flag.
 * Results already finished and not yet taken stay. Wants found in the RAM cache are finished at once. A want whose
 * result waits to be taken is not run again. STATUS_MEMORY: the old queue stays. */
Status tiles_scheduler_want(Scheduler *scheduler, const TileWant *wants, size_t count, Error *err);
/* The same, but never waits for a worker that was put aside with the lock in its hands (workers run at low priority,
 * and a busy machine may keep one from going on for many frames): STATUS_CANCELLED then, and the old queue stays. */
Status tiles_scheduler_try_want(Scheduler *scheduler, const TileWant *wants, size_t count, Error *err);
/* Next finished job, or NULL. The caller drops it. Failed jobs come too (status), once for each want call that names
 * them anew after having been taken. Workers begin no job while 64 MiB or 256 results wait. */
TileData *tiles_scheduler_take(Scheduler *scheduler);
/* The same without waiting for a lock: NULL may also mean that it was held. */
TileData *tiles_scheduler_try_take(Scheduler *scheduler);
/* Workers pause until this long after the call (a hand moves; software GL needs the cores). Each call replaces the one
 * before: 0 lets them go on at once. */
void tiles_scheduler_yield(Scheduler *scheduler, uint64_t duration_ns);
size_t tiles_scheduler_waiting(Scheduler *scheduler); /* results not yet taken; takes no lock */
bool tiles_scheduler_idle(Scheduler *scheduler);      /* nothing queued, running or waiting to be taken */
/* Cancels all, waits for running jobs, drops results and cached tiles of this capture serial (before capture_close). */
void tiles_scheduler_forget(Scheduler *scheduler, uint32_t serial);
/* Base tiles of this capture serial are looked for in `store` before they are computed, and written to it
 * afterwards. The store is borrowed until forget(serial). One store a capture, of SCHEDULER_DISKS_MAX; NULL: none. */
#define SCHEDULER_DISKS_MAX 4
void tiles_scheduler_use_disk(Scheduler *scheduler, uint32_t serial, DiskStore *store);
/* Before anything is wanted. Schedulers that run jobs inside take have no use for one. */
void tiles_scheduler_use_device(Scheduler *scheduler, PoolDevice *device);
/* Cancels what runs, which has to be wanted anew. */
void tiles_scheduler_set_base_side(Scheduler *scheduler, int side);
SchedulerStats tiles_scheduler_stats(Scheduler *scheduler);

#endif
