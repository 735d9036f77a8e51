/* internal: what the .c files of tiles share and no neighbour may include. */
#ifndef ATTNSCOPE_TILES_INTERNAL_H
#define ATTNSCOPE_TILES_INTERNAL_H

#include "tiles/tiles.h"

/* ---- headset.c ------------------------------------------------------------------------------- */

/* May cells of these heads be negative? */
bool tiles_headset_signed(const ResolvedHeads *heads, Values values);

/* ---- reduce.c : the inner loops of pooling --------------------------------------------------- */

/* Running sum and extremes of every column of a chunk, over the rows of one texel row. A column is visible when
 * max > -INFINITY. `min` is kept for signed data only. */
typedef struct Columns {
    double *sum;
    float *max, *min;
    uint32_t *bad; /* not 0: a NaN or Inf was seen */
} Columns;

/* The same for every texel of some texel rows. */
typedef struct TexelSums {
    double *sum;
    float *max, *min;
    uint32_t *bad;
} TexelSums;

void tiles_reduce_columns_reset(const Columns *columns, size_t count);
void tiles_reduce_texels_reset(const TexelSums *texels, size_t count);
/* Adds row_count rows of `count` cells, `stride` floats apart. */
void tiles_reduce_rows(const Columns *columns, const float *rows, size_t stride, int64_t row_count, size_t count,
                       bool is_signed);
/* Adds columns to the texels they fall into: column i belongs to texel first_texel + ((i + offset) >> level_k). */
void tiles_reduce_fold(const Columns *columns, size_t count, int level_k, size_t offset, size_t first_texel,
                       bool is_signed, const TexelSums *texels);
/* Level (0, 0): cells to RG. */
void tiles_reduce_copy(const float *cells, size_t count, bool is_signed, float *rg);
/* Texels `first` .. first + count - 1 of `texels`, which stand for `rows` rows of cells and for 2^level of `keys` keys
 * each (the last of them for the rest), from texel column x0 on. */
typedef struct TexelRow {
    size_t first;
    int64_t count, x0, keys;
    int level;
    double rows;
    bool is_signed;
} TexelRow;
/* Finished texels to RG. */
void tiles_reduce_finish(const TexelSums *texels, const TexelRow *row, float *rg);

/* ---- factors.c ------------------------------------------------------------------------------- */

typedef struct FactorScratch FactorScratch;
FactorScratch *tiles_factor_scratch_new(void); /* NULL when memory is short */
void tiles_factor_scratch_drop(FactorScratch *scratch);

typedef struct FactorWork {
    FactorScratch *scratch;
    SourceScratch *source;
    const CancelFlag *cancel;
    void (*pause)(void *user); /* as in PoolRequest */
    void *pause_user;
} FactorWork;
/* tiles_row_factors and tiles_column_factors; the pattern must exist and the ranges lie in it. */
Status tiles_factors_rows(const FactorRequest *request, int64_t q0, int64_t q1, float *out, const FactorWork *work,
                          Error *err);
Status tiles_factors_columns(const FactorRequest *request, int64_t k0, int64_t k1, float *out, const FactorWork *work,
                             Error *err);
/* The same for a row scale of SUM or MAX where the cells of the rows are at hand, as the source gave them: `keys` a row,
 * of which the others are masked. */
void tiles_factors_rows_from(const FactorRequest *request, int64_t q0, int64_t q1, int64_t keys, const float *cells,
                             const float *columns, float *out);

/* Row factors as far as the store has them: those from *missing0 to *missing1 - 1 are not all known. */
void tiles_factors_known(const FactorRequest *request, int64_t q0, int64_t q1, float *out, int64_t *missing0,
                         int64_t *missing1);
void tiles_factors_keep(const FactorRequest *request, int64_t q0, int64_t q1, const float *factors);

/* ---- pool.c ---------------------------------------------------------------------------------- */

/* A float image that lives as long as the scratch, at least `floats` long; NULL when memory is short. */
float *tiles_pool_image(PoolScratch *scratch, size_t floats);
/* What of the scratch computing factors takes. */
FactorWork tiles_pool_factor_work(PoolScratch *scratch, const CancelFlag *cancel);
/* Before row factors are asked for: factored sets have a faster way to many of them. */
Status tiles_pool_prepare_rows(const FactorRequest *request, int64_t q0, int64_t q1, const FactorWork *work,
                               PoolScratch *scratch, Error *err);

/* ---- fused.c: factored sets ------------------------------------------------------------------ */

typedef struct FusedScratch FusedScratch;
FusedScratch *tiles_fused_scratch_new(void); /* NULL when memory is short */
void tiles_fused_scratch_drop(FusedScratch *scratch);
void tiles_fused_scratch_share(FusedScratch *scratch, int threads); /* with so many others like it */
void tiles_fused_scratch_use_device(FusedScratch *scratch, PoolDevice *device);
/* The cells and texels of a request that exist. */
typedef struct FusedArea {
    int64_t k0, k1;
    int64_t texel_rows, texel_columns; /* both > 0 */
} FusedArea;
/* tiles_pool for a factored set. `rg` is filled with masked texels already. */
Status tiles_fused_pool(const PoolRequest *request, const FusedArea *area, float *rg, FusedScratch *scratch,
                        const CancelFlag *cancel, Error *err);

/* Does it take the request's variant, of keys k0..k1-1? */
bool tiles_fused_takes(const PoolRequest *request, int64_t k0, int64_t k1);

/* ---- row_factors.c --------------------------------------------------------------------------- */

/* Fills the store of the request with row factors of queries q0..q1-1, as far as it is able to. */
Status tiles_fused_row_factors(const FactorRequest *request, int64_t q0, int64_t q1, const FactorWork *work,
                               FusedScratch *scratch, Error *err);

/* ---- data.c : finished tiles ----------------------------------------------------------------- */

typedef struct JobId {
    JobKind kind;
    TileKey key;
} JobId;
bool tiles_job_id_equal(const JobId *a, const JobId *b);
uint64_t tiles_job_id_hash(const JobId *id);

/* A TileData with the links of the lists it may be on, so that neither caching nor queueing a result can fail. */
typedef struct TileNode TileNode;
struct TileNode {
    TileData data; /* first: a TileData * from here is a TileNode * */
    TileNode *result_next;
    /* Tiles that came of the same work, linked by result_next, each with one reference; while a worker has the node. */
    TileNode *finer;
    TileNode *hash_next, *newer, *older; /* of the RAM cache */
};
TileNode *tiles_node_new(void); /* one reference; NULL when memory is short */
void tiles_node_drop_finer(TileNode *node);
static inline JobId tiles_node_id(const TileNode *node) {
    return (JobId){node->data.kind, node->data.key};
}
/* Encodes `mip_count` float images (mips[m]: mip m of width x height) as f16 where the values allow, else f32. */
Status tiles_node_fill(TileNode *node, float *const *mips, int width, int height, int mip_count, bool allow_f16,
                       Error *err);

/* Is the tile what is wanted, or only an estimate that is there already? */
bool tiles_data_satisfies(const TileData *data, const TileWant *want);

/* ---- job.c : one want -> one finished tile --------------------------------------------------- */

/* Fills node->data from the want; a failure other than cancellation is kept in data.status and data.error. */
Status tiles_job_run(const TileWant *want, int base_side, FactorStore *factors, PoolScratch *scratch,
                     const CancelFlag *cancel, void (*pause)(void *user), void *pause_user, TileNode *node);

/* ---- job_factors.c : the factors of a tile row or column ------------------------------------- */

Status tiles_job_factors(const TileWant *want, const FactorRequest *request, const FactorWork *work, TileData *data,
                         Error *err);

/* ---- disk.c, disk_file.c : finished base tiles on disk --------------------------------------- */

/* What is kept beside the base tile of a factored pattern: log-sum-exps of all its rows; count 0: nothing. */
typedef struct DiskRows {
    int64_t count;
    double *lse; /* mem_free */
} DiskRows;
/* False: not there, or damaged (then *damaged). Fills everything of node->data but `references`. *rows: those of a file
 * that has `rows_expected` of them. */
bool tiles_disk_file_read(const char *path, const TileKey *key, int64_t rows_expected, TileNode *node, DiskRows *rows,
                          bool *damaged);
Status tiles_disk_file_write(const char *path, const TileData *data, const DiskRows *rows, Error *err);

bool tiles_disk_load(DiskStore *store, const TileKey *key, int64_t rows_expected, TileNode *node, DiskRows *rows);
void tiles_disk_save(DiskStore *store, const TileData *data, const DiskRows *rows);
/* Patterns that are computed faster than read are not kept. */
bool tiles_disk_worthwhile(const TileWant *want);

/* ---- cache.c : finished tiles in RAM, least recently used out first; the caller locks -------- */

typedef struct TileCache {
    TileNode **buckets;
    size_t bucket_count; /* a power of two */
    TileNode *newest, *oldest;
    size_t count, bytes, budget;
    uint64_t evictions;
} TileCache;

Status tiles_cache_init(TileCache *cache, size_t budget, Error *err);
void tiles_cache_clear(TileCache *cache);                      /* drops all and releases the table */
TileNode *tiles_cache_find(TileCache *cache, const JobId *id); /* borrowed; becomes the newest */
void tiles_cache_add(TileCache *cache, TileNode *node);        /* takes a reference of its own */
void tiles_cache_forget(TileCache *cache, uint32_t serial);

/* ---- queue.c : what is wanted and not yet begun; the caller locks ---------------------------- */

/* Head sets are 2 KB and only composites and cells have one, so they stand aside. */
typedef struct QueuedJob {
    JobKind kind;
    TileKey key;
    const Capture *capture;
    size_t heads;   /* index into heads[]; kinds with a head set only */
    size_t variant; /* index into variants[]; where key.variant is not 0 */
    int finer, company, better_than;
} QueuedJob;

typedef struct Queue {
    QueuedJob *jobs; /* [at .. count) are still to do, most urgent first */
    size_t at, count, capacity;
    HeadSet *heads;
    size_t head_count, head_capacity;
    Variant *variants; /* jobs that follow each other mostly share theirs */
    size_t variant_count, variant_capacity;
} Queue;

bool tiles_queue_reserve(Queue *queue, const TileWant *wants, size_t count); /* empties it; false: memory */
void tiles_queue_add(Queue *queue, const TileWant *want);                    /* within what was reserved */
/* What a worker's scratch has of the job before: packed keys of one head of K, rows of its neighbours. */
typedef struct KeyHead {
    uint32_t serial;
    int32_t set, item, layer;
    int key_head; /* -1: of none */
} KeyHead;
/* The next job for worker `self` of the `count` that hold something. Overviews of one layer are equally urgent: there a
 * worker goes on with heads that share the keys it holds, or begins with some that nobody holds. */
bool tiles_queue_pop(Queue *queue, KeyHead *held, int count, int self, TileWant *out);
void tiles_queue_free(Queue *queue);

/* Which jobs are known during one call of want, and where they are. Keys are borrowed for that long. */
enum JobPlace { JOB_QUEUED = -2, JOB_FINISHED = -1 }; /* 0 and above: running, the worker's number */
typedef struct KnownJob {
    const TileKey *key; /* NULL: free */
    JobKind kind;
    int place;
} KnownJob;
typedef struct KnownJobs {
    KnownJob *slots;
    size_t capacity;
} KnownJobs;

bool tiles_known_reserve(KnownJobs *known, size_t count); /* empties it; false: memory */
/* Adds the job with this place if it is new (true); otherwise *place becomes where it already is (false). */
bool tiles_known_add(KnownJobs *known, JobKind kind, const TileKey *key, int *place);
void tiles_known_free(KnownJobs *known);

#endif
