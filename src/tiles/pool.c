/* Source -> pooled texels. One loop for every level and head set:
 *
 *   group   as many whole texel rows as one strip covers, or a single one that needs several strips
 *    chunk    so many columns that a strip has some rows
 *     strip     rows x columns that fit the cache: read (or recomputed), heads combined, then reduced to columns
 *
 * Columns become texels at the end of each texel row, texels become RG at the end of the group, so working memory
 * depends on the request's width and never on the pattern. Heads are combined cell by cell before pooling: the result
 * is exact for every head set.
 *
 * What a causal mask hides entirely is not computed in factored sets. Dense sets are read there too: that they are
 * causal was told from a sample of their rows, and a weight above the diagonal of another row must not vanish. */
#include "tiles/internal.h"

#include <math.h>
#include <string.h>

/* Columns of a strip. Recomputed rows get their normaliser for free when the strip has all their keys, hence more. */
enum { CHUNK_DENSE = 8192, CHUNK_FACTORED = 32768 };
/* Rows of a recomputed strip, at least: what one matrix product takes (capture/rows.c); fewer waste converted keys. */
enum { ROWS_FACTORED = 64 };
/* Floats of a strip: 1 MiB stays in a second-level cache together with what is summed; with several heads the f64
 * accumulator takes twice the strip, so the strip is halved. */
#define STRIP_FLOATS ((int64_t)256 * 1024)
#define STRIP_FLOATS_DENSE ((int64_t)64 * 1024)
#define STRIP_FLOATS_COMBINED ((int64_t)128 * 1024)
#define MASKED_BITS 0xff800000u       /* of CELL_MASKED */
#define TEXELS_MAX ((int64_t)1 << 28) /* of one request; 2 GiB of output */

typedef struct Room {
    void *items;
    size_t capacity;
} Room;

/* A SourceScratch keeps the keys of the head it read last. Where heads are combined strip by strip, each key head gets
 * a scratch of its own while this much memory of all cores lasts; else its keys would be read anew for every strip. */
enum { SOURCES_MAX = 32 };
#define SOURCES_BYTES ((int64_t)64 << 20)

struct PoolScratch {
    SourceScratch *sources[SOURCES_MAX]; /* the first always exists */
    FusedScratch *fused;
    FactorScratch *factors;
    int cores;
    Room block, values, holes;                           /* a strip; heads combined */
    Room column_sum, column_max, column_min, column_bad; /* one chunk */
    Room texel_sum, texel_max, texel_min, texel_bad;     /* one group */
    Room row_factors, column_factors;                    /* a strip */
    Room image;                                          /* of jobs */
};

typedef struct Pool {
    const PoolRequest *request;
    PoolScratch *scratch;
    const CancelFlag *cancel;
    int64_t queries, keys;
    int64_t texel_rows, texel_columns; /* of the request that exist */
    int64_t q0, q1, k0, k1;            /* cells under them */
    int64_t chunk, strip_rows;
    bool is_signed, factored;
    bool skips_hidden;                   /* cells above the diagonal are known to be masked */
    bool plain;                          /* one head, as it is */
    SourceScratch *sources[HEADSET_MAX]; /* of each head */
    Columns columns;
    TexelSums texels;
} Pool;

/* ---- working memory -------------------------------------------------------------------------- */

PoolScratch *tiles_pool_scratch_new(void) {
    PoolScratch *scratch = mem_alloc_zeroed(1, sizeof *scratch);
    if (scratch == NULL) {
        return NULL;
    }
    scratch->cores = thread_core_count();
    scratch->sources[0] = capture_scratch_new();
    scratch->fused = tiles_fused_scratch_new();
    scratch->factors = tiles_factor_scratch_new();
    if (scratch->sources[0] == NULL || scratch->fused == NULL || scratch->factors == NULL) {
        tiles_pool_scratch_drop(scratch);
        return NULL;
    }
    return scratch;
}

void tiles_pool_scratch_drop(PoolScratch *scratch) {
    if (scratch == NULL) {
        return;
    }
    Room *const rooms[] = {&scratch->block,       &scratch->values,        &scratch->holes,      &scratch->column_sum,
                           &scratch->column_max,  &scratch->column_min,    &scratch->column_bad, &scratch->texel_sum,
                           &scratch->texel_max,   &scratch->texel_min,     &scratch->texel_bad,  &scratch->image,
                           &scratch->row_factors, &scratch->column_factors};
    for (size_t i = 0; i < BASE_COUNT(rooms); i++) {
        mem_free(rooms[i]->items);
    }
    for (int i = 0; i < SOURCES_MAX && scratch->sources[i] != NULL; i++) {
        capture_scratch_drop(scratch->sources[i]);
    }
    tiles_fused_scratch_drop(scratch->fused);
    tiles_factor_scratch_drop(scratch->factors);
    mem_free(scratch);
}

static void *room_for(Room *room, size_t count, size_t item_size) {
    /* Each room holds one type only, so that its capacity counts items. */
    return mem_grow(&room->items, &room->capacity, count > 0 ? count : 1, item_size) ? room->items : NULL;
}

void tiles_pool_scratch_share(PoolScratch *scratch, int threads) {
    tiles_fused_scratch_share(scratch->fused, threads);
}

void tiles_pool_use_device(PoolScratch *scratch, PoolDevice *device) {
    tiles_fused_scratch_use_device(scratch->fused, device);
}

float *tiles_pool_image(PoolScratch *scratch, size_t floats) {
    return room_for(&scratch->image, floats, sizeof(float));
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to pool a tile");
}

static Status make_columns(Pool *pool, Error *err) {
    PoolScratch *s = pool->scratch;
    size_t count = (size_t)pool->chunk;
    pool->columns = (Columns){.sum = room_for(&s->column_sum, count, sizeof(double)),
                              .max = room_for(&s->column_max, count, sizeof(float)),
                              .min = room_for(&s->column_min, count, sizeof(float)),
                              .bad = room_for(&s->column_bad, count, sizeof(uint32_t))};
    const Columns *c = &pool->columns;
    return c->sum != NULL && c->max != NULL && c->min != NULL && c->bad != NULL ? STATUS_OK : no_memory(err);
}

static Status make_texels(Pool *pool, size_t count, Error *err) {
    PoolScratch *s = pool->scratch;
    pool->texels = (TexelSums){.sum = room_for(&s->texel_sum, count, sizeof(double)),
                               .max = room_for(&s->texel_max, count, sizeof(float)),
                               .min = room_for(&s->texel_min, count, sizeof(float)),
                               .bad = room_for(&s->texel_bad, count, sizeof(uint32_t))};
    const TexelSums *t = &pool->texels;
    return t->sum != NULL && t->max != NULL && t->min != NULL && t->bad != NULL ? STATUS_OK : no_memory(err);
}

/* ---- cells: reading and combining heads ------------------------------------------------------ */

/* In these loops a masked cell is split by bit masks into a value of 0 and a hole of -Inf, and arithmetic stands
 * outside of conditions: compilers then vectorise them without -ffast-math. Adding a hole makes a cell masked again;
 * adding v - v (0, or NaN where v is Inf or NaN) makes it broken. */
static float split(float cell, float *hole) {
    uint32_t bits;
    memcpy(&bits, &cell, sizeof bits);
    uint32_t masked = bits == MASKED_BITS ? ~0u : 0u, hole_bits = bits & masked;
    bits &= ~masked;
    memcpy(hole, &hole_bits, sizeof bits);
    memcpy(&cell, &bits, sizeof bits);
    return cell;
}

/* The first head of a set. `values`: masked cells are 0; `holes`: -Inf where every head so far is masked. */
static void begin_combined(double *restrict values, float *restrict holes, const float *restrict cells, size_t count,
                           double weight) {
    for (size_t i = 0; i < count; i++) {
        double v = (double)split(cells[i], &holes[i]);
        values[i] = weight * v + (v - v);
    }
}

static void combine_sum(double *restrict values, float *restrict holes, const float *restrict cells, size_t count,
                        double weight) {
    for (size_t i = 0; i < count; i++) {
        float hole;
        double v = (double)split(cells[i], &hole);
        values[i] += weight * v + (v - v);
        holes[i] = holes[i] > hole ? holes[i] : hole;
    }
}

/* Extremes over the heads, where a masked head counts as 0 as soon as another is visible. `sign` -1: the smallest. */
static void combine_extreme(double *restrict values, float *restrict holes, const float *restrict cells, size_t count,
                            double sign) {
    for (size_t i = 0; i < count; i++) {
        float hole;
        double v = (double)split(cells[i], &hole);
        double a = values[i] * sign, b = v * sign;
        values[i] = (a > b ? a : b) * sign + (a - a) + (b - b);
        holes[i] = holes[i] > hole ? holes[i] : hole;
    }
}

static void finish_combined(const double *restrict values, const float *restrict holes, size_t count,
                            float *restrict out) {
    for (size_t i = 0; i < count; i++) {
        float v = (float)values[i];
        out[i] = v + (v - v) + holes[i];
    }
}

/* One past the last key that any query before q_end can see. */
static int64_t visible_end(const Pool *pool, int64_t q_end) {
    return pool->skips_hidden ? i64_clamp(q_end + pool->keys - pool->queries, 0, pool->keys) : pool->keys;
}

static void apply_factors(float *restrict cells, size_t count, float row, const float *restrict column) {
    for (size_t i = 0; i < count; i++) {
        float hole;
        float v = split(cells[i], &hole) * (row * column[i]);
        v = v + (v - v) + hole;
        cells[i] = column[i] < 0.0f ? CELL_MASKED : v;
    }
}

/* The factors of this block, which the source has just filled: where it has all keys of its rows, they need no second
 * reading. */
static Status find_factors(const Pool *pool, int head, const Block *b, const float *cells, float *rows, float *columns,
                           Error *err) {
    const PoolRequest *r = pool->request;
    const FactorRequest request = {.capture = r->capture,
                                   .ref = {r->set, r->item, r->step, r->layer, r->heads->index[head]},
                                   .values = r->values,
                                   .variant = r->variant,
                                   .store = r->factors};
    const FactorWork work = {.scratch = pool->scratch->factors,
                             .source = pool->sources[head],
                             .cancel = pool->cancel,
                             .pause = r->pause,
                             .pause_user = r->pause_user};
    RowScale scale = r->variant->row_scale;
    Status status = tiles_factors_columns(&request, b->k0, b->k1, columns, &work, err);
    if (status != STATUS_OK) {
        return status;
    }
    if ((scale == ROWS_SUM || scale == ROWS_MAX) && r->values == VALUES_WEIGHTS && b->k0 == 0 &&
        b->k1 >= visible_end(pool, b->q1)) {
        tiles_factors_rows_from(&request, b->q0, b->q1, b->k1, cells, columns, rows);
        return STATUS_OK;
    }
    return tiles_factors_rows(&request, b->q0, b->q1, rows, &work, err);
}

static Status apply_variant(const Pool *pool, int head, const Block *b, float *cells, Error *err) {
    size_t width = (size_t)(b->k1 - b->k0);
    float *rows = room_for(&pool->scratch->row_factors, (size_t)(b->q1 - b->q0), sizeof *rows);
    float *columns = room_for(&pool->scratch->column_factors, width, sizeof *columns);
    if (rows == NULL || columns == NULL) {
        return no_memory(err);
    }
    Status status = find_factors(pool, head, b, cells, rows, columns, err);
    for (int64_t q = b->q0; q < b->q1 && status == STATUS_OK; q++) {
        apply_factors(cells + (size_t)(q - b->q0) * width, width, rows[q - b->q0], columns);
    }
    return status;
}

static Status read_head(const Pool *pool, int head, const Block *b, float *out, Error *err) {
    const PoolRequest *r = pool->request;
    PatternRef ref = {r->set, r->item, r->step, r->layer, r->heads->index[head]};
    Status status = capture_source_rows(r->capture, ref, r->values, *b, out, pool->sources[head], pool->cancel, err);
    return status == STATUS_OK && r->variant != NULL ? apply_variant(pool, head, b, out, err) : status;
}

/* Between any two blocks is where a job pauses and sees that it is not wanted any more. */
static Status look_around(const Pool *pool, Error *err) {
    if (pool->request->pause != NULL) {
        pool->request->pause(pool->request->pause_user);
    }
    return cancel_requested(pool->cancel) ? error_set(err, STATUS_CANCELLED, "cancelled") : STATUS_OK;
}

static Status read_block(const Pool *pool, const Block *b, float *out, Error *err) {
    Status status = look_around(pool, err);
    if (status != STATUS_OK || pool->plain) {
        return status != STATUS_OK ? status : read_head(pool, 0, b, out, err);
    }
    const ResolvedHeads *heads = pool->request->heads;
    size_t count = (size_t)(b->q1 - b->q0) * (size_t)(b->k1 - b->k0);
    double *values = room_for(&pool->scratch->values, count, sizeof *values);
    float *holes = room_for(&pool->scratch->holes, count, sizeof *holes);
    if (values == NULL || holes == NULL) {
        return no_memory(err);
    }
    for (int head = 0; head < heads->count; head++) {
        status = head > 0 ? look_around(pool, err) : STATUS_OK;
        status = status == STATUS_OK ? read_head(pool, head, b, out, err) : status;
        if (status != STATUS_OK) {
            return status;
        }
        bool extreme = heads->op == HEADS_MAX || heads->op == HEADS_MIN;
        double weight = heads->op == HEADS_MEAN ? 1.0 / heads->count : (double)heads->weight[head];
        if (head == 0) {
            begin_combined(values, holes, out, count, extreme ? 1.0 : weight);
        } else if (extreme) {
            combine_extreme(values, holes, out, count, heads->op == HEADS_MAX ? 1.0 : -1.0);
        } else {
            combine_sum(values, holes, out, count, weight);
        }
    }
    finish_combined(values, holes, count, out);
    return STATUS_OK;
}

/* ---- the request ----------------------------------------------------------------------------- */

static void share_sources(Pool *pool, const LayerInfo *layer) {
    PoolScratch *scratch = pool->scratch;
    const ResolvedHeads *heads = pool->request->heads;
    int64_t limit = 1, used = 0;
    int group = layer->kv_heads > 0 ? layer->head_count / layer->kv_heads : 1;
    group = group > 0 ? group : 1; /* heads that share their keys */
    if (pool->factored) {
        int64_t key_bytes = i64_max(1, pool->keys * layer->head_dim * (int64_t)sizeof(float));
        limit = i64_clamp(SOURCES_BYTES / scratch->cores / key_bytes, 1, SOURCES_MAX);
    }
    for (int i = 0; i < heads->count; i++) {
        bool same_keys = i > 0 && heads->index[i] / group == heads->index[i - 1] / group;
        if (i > 0 && !same_keys && used + 1 < limit) {
            SourceScratch **next = &scratch->sources[used + 1];
            *next = *next != NULL ? *next : capture_scratch_new();
            used += *next != NULL ? 1 : 0;
        }
        pool->sources[i] = scratch->sources[used];
    }
}

/* What pooling and plain cells have in common: sizes, signs, which heads. */
static Status pool_open(Pool *pool, const PoolRequest *request, PoolScratch *scratch, const CancelFlag *cancel,
                        Error *err) {
    const ResolvedHeads *heads = request->heads;
    *pool = (Pool){.request = request, .scratch = scratch, .cancel = cancel};
    if (heads->count < 1 || heads->count > HEADSET_MAX) {
        return error_set(err, STATUS_USAGE, "a head set of %d heads cannot be pooled", heads->count);
    }
    for (int i = 0; i < heads->count; i++) {
        PatternRef ref = {request->set, request->item, request->step, request->layer, heads->index[i]};
        Status status = capture_pattern_size(request->capture, ref, &pool->queries, &pool->keys, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    pool->is_signed = tiles_headset_signed(heads, request->values);
    const SetInfo *set = capture_set(request->capture, request->set);
    pool->factored = set->factored;
    pool->skips_hidden = set->factored && set->causal;
    share_sources(pool, &set->layers[request->layer]);
    pool->plain = heads->count == 1 && heads->op != HEADS_DIFF &&
                  (heads->op != HEADS_WEIGHTED || heads->weight[0] == 1.0f);
    return STATUS_OK;
}

static int64_t rows_of_strip(const Pool *pool, int64_t columns) {
    int64_t floats = !pool->factored ? STRIP_FLOATS_DENSE : pool->plain ? STRIP_FLOATS : STRIP_FLOATS_COMBINED;
    int64_t rows = floats / columns;
    return i64_max(rows, pool->factored && columns <= CHUNK_FACTORED ? ROWS_FACTORED : 1);
}

static Status place(Pool *pool, Error *err) {
    const PoolRequest *r = pool->request;
    if (r->level.q < 0 || r->level.q >= TILE_LEVELS || r->level.k < 0 || r->level.k >= TILE_LEVELS || r->y0 < 0 ||
        r->x0 < 0 || r->height < 0 || r->width < 0 || (int64_t)r->height * r->width > TEXELS_MAX) {
        return error_set(err, STATUS_RANGE, "no such tile: %d x %d texels at level %d,%d", r->height, r->width,
                         r->level.q, r->level.k);
    }
    pool->texel_rows = i64_clamp(tiles_texels(pool->queries, r->level.q) - r->y0, 0, r->height);
    pool->texel_columns = i64_clamp(tiles_texels(pool->keys, r->level.k) - r->x0, 0, r->width);
    if (pool->texel_rows == 0 || pool->texel_columns == 0) {
        return STATUS_OK;
    }
    /* In range by now, so that the shifts stay below the number of tokens plus one block. */
    pool->q0 = r->y0 << r->level.q;
    pool->k0 = r->x0 << r->level.k;
    pool->q1 = i64_min(pool->queries, (r->y0 + pool->texel_rows) << r->level.q);
    pool->k1 = i64_min(pool->keys, (r->x0 + pool->texel_columns) << r->level.k);
    pool->chunk = i64_min(pool->factored ? CHUNK_FACTORED : CHUNK_DENSE, pool->k1 - pool->k0);
    pool->strip_rows = i64_min(rows_of_strip(pool, pool->chunk), pool->q1 - pool->q0);
    return STATUS_OK;
}

/* ---- pooling --------------------------------------------------------------------------------- */

/* Texel row by texel row of a strip: rows to columns, and to texels where a texel row ends. */
static void reduce_strip(const Pool *pool, const float *block, int64_t r0, int64_t r1, int64_t c0, int64_t c1,
                         int64_t first_row) {
    const PoolRequest *r = pool->request;
    int64_t side = (int64_t)1 << r->level.q;
    size_t stride = (size_t)(c1 - c0);
    while (r0 < r1) {
        int64_t row_end = i64_min(pool->q1, (r0 / side + 1) * side);
        int64_t end = i64_min(r1, row_end);
        int64_t seen = i64_min(c1, visible_end(pool, end)) - c0;
        if (seen > 0) {
            tiles_reduce_rows(&pool->columns, block, stride, end - r0, (size_t)seen, pool->is_signed);
            if (end == row_end) {
                size_t texel = (size_t)(r0 / side - first_row) * (size_t)pool->texel_columns;
                tiles_reduce_fold(&pool->columns, (size_t)seen, r->level.k, (size_t)(c0 - pool->k0), texel,
                                  pool->is_signed, &pool->texels);
                tiles_reduce_columns_reset(&pool->columns, (size_t)seen);
            }
        }
        block += (size_t)(end - r0) * stride;
        r0 = end;
    }
}

/* Texel rows ty .. ty + rows - 1 of the request, ty counted from its first. */
static Status pool_group(Pool *pool, float *block, int64_t ty, int64_t rows, float *rg, Error *err) {
    const PoolRequest *r = pool->request;
    size_t texel_count = (size_t)rows * (size_t)pool->texel_columns;
    int64_t qa = (r->y0 + ty) << r->level.q;
    int64_t qb = i64_min(pool->q1, (r->y0 + ty + rows) << r->level.q);
    tiles_reduce_texels_reset(&pool->texels, texel_count);
    for (int64_t c0 = pool->k0; c0 < pool->k1; c0 += pool->chunk) {
        int64_t chunk_end = i64_min(pool->k1, c0 + pool->chunk);
        tiles_reduce_columns_reset(&pool->columns, (size_t)(chunk_end - c0));
        for (int64_t r0 = qa; r0 < qb; r0 += pool->strip_rows) {
            int64_t r1 = i64_min(qb, r0 + pool->strip_rows);
            /* Later rows see more, so a strip that sees nothing has no earlier one to fold. */
            int64_t c1 = i64_min(chunk_end, visible_end(pool, r1));
            if (c1 <= c0) {
                continue;
            }
            Status status = read_block(pool, &(Block){r0, r1, c0, c1}, block, err);
            if (status != STATUS_OK) {
                return status;
            }
            reduce_strip(pool, block, r0, r1, c0, c1, r->y0 + ty);
        }
    }
    for (int64_t y = 0; y < rows; y++) {
        const TexelRow row = {.first = (size_t)(y * pool->texel_columns),
                              .count = pool->texel_columns,
                              .x0 = r->x0,
                              .keys = pool->keys,
                              .level = r->level.k,
                              .rows = (double)tiles_cells_in_texel(pool->queries, r->level.q, r->y0 + ty + y),
                              .is_signed = pool->is_signed};
        tiles_reduce_finish(&pool->texels, &row, rg + 2 * (size_t)(ty + y) * (size_t)r->width);
    }
    return STATUS_OK;
}

static Status pool_blocks(Pool *pool, float *block, float *rg, Error *err) {
    int64_t group = i64_clamp(pool->strip_rows >> pool->request->level.q, 1, pool->texel_rows);
    Status status = make_columns(pool, err);
    if (status == STATUS_OK) {
        status = make_texels(pool, (size_t)(group * pool->texel_columns), err);
    }
    for (int64_t ty = 0; status == STATUS_OK && ty < pool->texel_rows; ty += group) {
        status = pool_group(pool, block, ty, i64_min(group, pool->texel_rows - ty), rg, err);
    }
    return status;
}

/* Level (0, 0): a texel is a cell. */
static Status pool_cells(Pool *pool, float *block, float *rg, Error *err) {
    const PoolRequest *r = pool->request;
    for (int64_t r0 = pool->q0; r0 < pool->q1; r0 += pool->strip_rows) {
        int64_t r1 = i64_min(pool->q1, r0 + pool->strip_rows);
        int64_t seen = i64_min(pool->k1, visible_end(pool, r1));
        for (int64_t c0 = pool->k0; c0 < seen; c0 += pool->chunk) {
            int64_t c1 = i64_min(seen, c0 + pool->chunk);
            Status status = read_block(pool, &(Block){r0, r1, c0, c1}, block, err);
            if (status != STATUS_OK) {
                return status;
            }
            for (int64_t row = r0; row < r1; row++) {
                float *out = rg + 2 * ((size_t)(row - pool->q0) * (size_t)r->width + (size_t)(c0 - pool->k0));
                tiles_reduce_copy(block + (row - r0) * (c1 - c0), (size_t)(c1 - c0), pool->is_signed, out);
            }
        }
    }
    return STATUS_OK;
}

Status tiles_pool_prepare_rows(const FactorRequest *request, int64_t q0, int64_t q1, const FactorWork *work,
                               PoolScratch *scratch, Error *err) {
    bool factored = capture_set(request->capture, request->ref.set)->factored;
    return factored ? tiles_fused_row_factors(request, q0, q1, work, scratch->fused, err) : STATUS_OK;
}

/* Of all heads of a factored set, before its cells. */
static Status prepare_rows(const Pool *pool, Error *err) {
    const PoolRequest *r = pool->request;
    Status status = STATUS_OK;
    FactorWork work = tiles_pool_factor_work(pool->scratch, pool->cancel);
    work.pause = r->pause;
    work.pause_user = r->pause_user;
    for (int i = 0; status == STATUS_OK && i < r->heads->count; i++) {
        const FactorRequest request = {.capture = r->capture,
                                       .ref = {r->set, r->item, r->step, r->layer, r->heads->index[i]},
                                       .values = r->values,
                                       .variant = r->variant,
                                       .store = r->factors};
        status = tiles_pool_prepare_rows(&request, pool->q0, pool->q1, &work, pool->scratch, err);
    }
    return status;
}

Status tiles_pool(const PoolRequest *request, float *rg, PoolScratch *scratch, const CancelFlag *cancel, Error *err) {
    Pool pool;
    Status status = pool_open(&pool, request, scratch, cancel, err);
    if (status == STATUS_OK) {
        status = place(&pool, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    float masked = pool.is_signed ? TILE_SIGNED_MASKED : TILE_MASKED;
    size_t texels = (size_t)request->height * (size_t)request->width;
    for (size_t i = 0; i < texels; i++) {
        rg[2 * i] = 0.0f;
        rg[2 * i + 1] = masked;
    }
    if (pool.texel_rows == 0 || pool.texel_columns == 0) {
        return STATUS_OK;
    }
    if (pool.factored && request->variant != NULL && (status = prepare_rows(&pool, err)) != STATUS_OK) {
        return status;
    }
    if (pool.factored && tiles_fused_takes(request, pool.k0, pool.k1)) {
        FusedArea area = {pool.k0, pool.k1, pool.texel_rows, pool.texel_columns};
        return tiles_fused_pool(request, &area, rg, scratch->fused, cancel, err);
    }
    float *block = room_for(&scratch->block, (size_t)(pool.strip_rows * pool.chunk), sizeof *block);
    if (block == NULL) {
        return no_memory(err);
    }
    bool every_cell = request->level.q == 0 && request->level.k == 0;
    return every_cell ? pool_cells(&pool, block, rg, err) : pool_blocks(&pool, block, rg, err);
}

Status tiles_cells(const PoolRequest *request, Block block, float *out, PoolScratch *scratch, const CancelFlag *cancel,
                   Error *err) {
    const int64_t q0 = block.q0, q1 = block.q1, k0 = block.k0, k1 = block.k1;
    Pool pool;
    Status status = pool_open(&pool, request, scratch, cancel, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (q0 < 0 || q1 < q0 || q1 > pool.queries || k0 < 0 || k1 < k0 || k1 > pool.keys) {
        return error_set(err, STATUS_RANGE, "rows %lld:%lld, columns %lld:%lld are outside a pattern of %lld x %lld",
                         (long long)q0, (long long)q1, (long long)k0, (long long)k1, (long long)pool.queries,
                         (long long)pool.keys);
    }
    if (k0 == k1) {
        return STATUS_OK;
    }
    int64_t rows = rows_of_strip(&pool, k1 - k0);
    for (int64_t r0 = q0; status == STATUS_OK && r0 < q1; r0 += rows) {
        int64_t r1 = i64_min(q1, r0 + rows);
        status = read_block(&pool, &(Block){r0, r1, k0, k1}, out + (r0 - q0) * (k1 - k0), err);
    }
    return status;
}

/* ---- factors, for those who do not pool ------------------------------------------------------ */

FactorWork tiles_pool_factor_work(PoolScratch *scratch, const CancelFlag *cancel) {
    return (FactorWork){.scratch = scratch->factors, .source = scratch->sources[0], .cancel = cancel};
}

static Status check_span(const FactorRequest *r, Axis axis, int64_t from, int64_t to, Error *err) {
    int64_t queries, keys;
    Status status = capture_pattern_size(r->capture, r->ref, &queries, &keys, err);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t count = axis == AXIS_QUERY ? queries : keys;
    if (from < 0 || to < from || to > count) {
        return error_set(err, STATUS_RANGE, "%lld:%lld is outside a pattern of %lld x %lld", (long long)from,
                         (long long)to, (long long)queries, (long long)keys);
    }
    return STATUS_OK;
}

Status tiles_row_factors(const FactorRequest *request, int64_t q0, int64_t q1, float *out, PoolScratch *scratch,
                         const CancelFlag *cancel, Error *err) {
    const FactorWork work = tiles_pool_factor_work(scratch, cancel);
    Status status = check_span(request, AXIS_QUERY, q0, q1, err);
    if (status == STATUS_OK) {
        status = tiles_pool_prepare_rows(request, q0, q1, &work, scratch, err);
    }
    return status == STATUS_OK ? tiles_factors_rows(request, q0, q1, out, &work, err) : status;
}

Status tiles_column_factors(const FactorRequest *request, int64_t k0, int64_t k1, float *out, PoolScratch *scratch,
                            const CancelFlag *cancel, Error *err) {
    const FactorWork work = tiles_pool_factor_work(scratch, cancel);
    Status status = check_span(request, AXIS_KEY, k0, k1, err);
    return status == STATUS_OK ? tiles_factors_columns(request, k0, k1, out, &work, err) : status;
}
