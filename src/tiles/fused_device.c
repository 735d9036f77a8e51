/* Pooling from Q and K on the device.
 *
 *   band    so many texel rows that their packed queries fit a task
 *     chunk   so many keys that they fit, whole texels of them:   one task each
 *
 * Normalisers that nobody knows come from tasks of their own, over all keys that the rows see. Keys of a chunk are not
 * packed again while the device still has them. Heads of a head set go into the same task, one behind the other, with
 * the key heads that they need. What a float might not hold is left to the processor, which knows what to do with it:
 * shaders may take a NaN for anything. */
#include "tiles/device.h"
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

#define LN_2 0.69314718055994530942
#define TOKENS_MAX ((int64_t)1 << 28) /* of a position and its neighbours in an int32 */
#define DIAGONAL_MAX ((int64_t)1 << 30)

enum { PIECE_ROWS = CHUNK_KEYS, LEVEL_MAX = 24, HEADS_A_CHUNK = 4 };

typedef struct OnDevice {
    const Fused *f;
    PoolDevice *device;
    DeviceTask *task;
    size_t operand_floats;
    int64_t band, chunk; /* rows of a head */
    int heads, key_heads;
    int key_owner[HEADSET_MAX]; /* [key_heads]: a head that has it */
    float *queries, *keys, *numbers;
    double *lse; /* [head][rows of the band] */
    Status status;
    Error *err;
} OnDevice;

static int64_t blocks_of(int64_t rows) {
    return i64_ceil_div(rows, DEVICE_BLOCK);
}

/* ---- packing --------------------------------------------------------------------------------- */

static void pack_rows(const float *rows, int64_t first, int64_t count, int dim, int depth, float *out) {
    for (int64_t r = 0; r < count; r++, rows += dim) {
        float *column = out + ((first + r) / DEVICE_BLOCK * depth) * DEVICE_BLOCK + (first + r) % DEVICE_BLOCK;
        for (int i = 0; i < dim; i++) {
            column[(size_t)i * DEVICE_BLOCK] = rows[i];
        }
    }
}

/* Rows first..end-1 of one head, after those of the heads before. */
static bool pack_head(OnDevice *d, Axis axis, int head, int64_t first, int64_t end, float *out) {
    const Fused *f = d->f;
    const int dim = f->info.dim, depth = d->task->depth;
    float most = 0.0f;
    float *rows = tiles_aligned(&f->scratch->rows, (size_t)PIECE_ROWS * (size_t)dim, sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    memset(out, 0, (size_t)(blocks_of(end - first) * DEVICE_BLOCK * depth) * sizeof *out);
    for (int64_t at = first; at < end; at += PIECE_ROWS) {
        int64_t count = i64_min(PIECE_ROWS, end - at);
        d->status = tiles_operand_look_around(f, d->err);
        if (d->status == STATUS_OK) {
            d->status = capture_factored_rows(f->request->capture, tiles_fused_ref(f, head), axis,
                                              (RowSpan){at, at + count}, rows, f->scratch->source, f->cancel, d->err);
        }
        if (d->status != STATUS_OK) {
            return false;
        }
        most = fmaxf(most, tiles_operand_largest(rows, (size_t)(count * dim)));
        pack_rows(rows, at - first, count, dim, depth, out);
    }
    /* Each side by itself: keys that the device has are not seen again with other queries. */
    return tiles_operand_bounded(f, most, most);
}

static bool pack(OnDevice *d, Axis axis, int64_t first, int64_t end, float *out) {
    const int64_t room = blocks_of(end - first) * DEVICE_BLOCK * d->task->depth;
    const bool queries = axis == AXIS_QUERY;
    for (int i = 0; i < (queries ? d->heads : d->key_heads); i++) {
        if (!pack_head(d, axis, queries ? i : d->key_owner[i], first, end, out + i * room)) {
            return false;
        }
    }
    return true;
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static int key_head_of(const OnDevice *d, int head) {
    const PoolRequest *r = d->f->request;
    const LayerInfo *layer = &capture_set(r->capture, r->set)->layers[r->layer];
    return capture_key_head(layer, r->heads->index[head]);
}

/* The same keys have the same number as long as the capture is open. */
static uint64_t keys_id(const OnDevice *d, int64_t k0, int64_t k1) {
    const PoolRequest *r = d->f->request;
    const int64_t facts[] = {(int64_t)d->f->info.serial, r->set, r->item, r->layer, k0, k1};
    uint64_t id = hash_bytes(facts, sizeof facts, 1);
    for (int i = 0; i < d->key_heads; i++) {
        id = hash_u64(id + (uint64_t)(key_head_of(d, d->key_owner[i]) + 1));
    }
    return id != 0 ? id : 1;
}

/* Keys k0..k1-1 against the queries that are packed. */
static bool run_task(OnDevice *d, int64_t q0, int64_t q1, int64_t k0, int64_t k1, bool normalise) {
    const Fused *f = d->f;
    DeviceTask *task = d->task;
    task->normalise = normalise;
    task->rows = (int)(q1 - q0);
    task->columns = (int)(k1 - k0);
    task->diagonal = i64_clamp(q0 + f->info.keys - f->info.queries - k0, -DIAGONAL_MAX, DIAGONAL_MAX);
    task->texel_rows = (int)(((q1 - q0 - 1) >> task->level.q) + 1);
    task->texel_columns = (int)(((k1 - k0 - 1) >> task->level.k) + 1);
    task->keys = NULL;
    task->keys_id = keys_id(d, k0, k1);
    task->out = tiles_device_room(task, DEVICE_OUT, tiles_device_out_floats(task));
    if (task->out == NULL) {
        return false;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        Status status = tiles_device_run(d->device, task, f->cancel);
        if (status == STATUS_OK) {
            return true;
        }
        if (status == STATUS_CANCELLED) {
            d->status = error_set(d->err, STATUS_CANCELLED, "cancelled");
        }
        if (status != STATUS_NOT_FOUND || !pack(d, AXIS_KEY, k0, k1, d->keys)) {
            return false;
        }
        task->keys = d->keys;
    }
    return false;
}

static void visible(const Fused *f, int64_t q0, int64_t q1, int64_t *lo, int64_t *hi) {
    int64_t unused;
    capture_factored_visible(&f->info, q0, lo, &unused);
    capture_factored_visible(&f->info, q1 - 1, &unused, hi);
}

typedef struct RowSum {
    double max, sum;
} RowSum;

static void add_sum(RowSum *run, double max, double sum) {
    if (max <= (double)DEVICE_HIDDEN / 10.0) {
        return;
    }
    if (max > run->max) {
        run->sum *= run->max == -(double)INFINITY ? 0.0 : exp2(run->max - max);
        run->max = max;
    }
    run->sum += sum * exp2(max - run->max);
}

/* What tasks found, with the sums that are there. */
static void add_parts(const OnDevice *d, int64_t rows, RowSum *sums) {
    const int64_t room = blocks_of(rows) * DEVICE_BLOCK;
    for (int head = 0; head < d->heads; head++) {
        for (int64_t i = 0; i < rows; i++) {
            for (int s = 0; s < DEVICE_SEGMENTS; s++) {
                const float *part = d->task->out + 2 * ((head * DEVICE_SEGMENTS + s) * room + i);
                add_sum(&sums[head * rows + i], (double)part[0], (double)part[1]);
            }
        }
    }
}

/* Log-sum-exps of the rows q0..q1-1 to d->lse: known, or of all heads from the device. */
static bool normalise(OnDevice *d, int64_t q0, int64_t q1) {
    const Fused *f = d->f;
    const int64_t rows = q1 - q0;
    int64_t missing0, missing1, lo, hi;
    bool missing = false;
    for (int head = 0; head < d->heads && d->status == STATUS_OK; head++) {
        d->status = capture_lse_known(f->request->capture, tiles_fused_ref(f, head), q0, q1, d->lse + head * rows,
                                      &missing0, &missing1, d->err);
        missing = missing || missing0 < missing1;
    }
    if (d->status != STATUS_OK || !missing) {
        return d->status == STATUS_OK;
    }
    RowSum *sums = tiles_aligned(&f->scratch->lse, (size_t)(d->heads * rows), sizeof *sums);
    if (sums == NULL) {
        return false;
    }
    for (int64_t i = 0; i < d->heads * rows; i++) {
        sums[i] = (RowSum){-(double)INFINITY, 0.0};
    }
    visible(f, q0, q1, &lo, &hi);
    for (int64_t k = lo / d->chunk * d->chunk; k < hi; k += d->chunk) {
        if (!run_task(d, q0, q1, k, i64_min(k + d->chunk, f->info.keys), true)) {
            return false;
        }
        add_parts(d, rows, sums);
    }
    for (int64_t i = 0; i < d->heads * rows; i++) {
        d->lse[i] = sums[i].sum > 0.0 ? (sums[i].max + log2(sums[i].sum)) * LN_2 : -(double)INFINITY;
    }
    for (int head = 0; head < d->heads; head++) {
        capture_lse_keep(f->request->capture, tiles_fused_ref(f, head), q0, q1, d->lse + head * rows);
    }
    return true;
}

static bool split_rows(OnDevice *d, int64_t q0, int64_t q1) {
    const int64_t rows = q1 - q0, room = blocks_of(rows) * DEVICE_BLOCK;
    for (int head = 0; head < d->heads; head++) {
        const float weight = tiles_fused_weight(d->f, head);
        for (int64_t i = 0; i < room; i++) {
            float *number = d->numbers + 2 * (head * room + i);
            number[0] = 0.0f;
            number[1] = 1.0f;
            if (d->f->weights && i < rows) {
                tiles_fused_split(d->lse[head * rows + i], &number[0], &number[1]);
                if (!isfinite(number[1])) {
                    return false;
                }
            }
            number[1] *= weight;
        }
    }
    return true;
}

/* ---- texels ---------------------------------------------------------------------------------- */

/* What a task found -> the texels of the request, whose first is at (y, x). */
static bool finish_texels(const OnDevice *d, int64_t y, int64_t x, float *rg) {
    const Fused *f = d->f;
    const DeviceTask *task = d->task;
    const PoolRequest *r = f->request;
    const int64_t count = i64_min(task->texel_columns, f->texel_columns - x);
    double *sum = tiles_aligned(&f->scratch->texel_sum, (size_t)count, sizeof *sum);
    float *g = tiles_aligned(&f->scratch->texel_max, (size_t)count, sizeof *g);
    uint32_t *bad = tiles_aligned(&f->scratch->texel_bad, (size_t)count, sizeof *bad);
    if (sum == NULL || g == NULL || bad == NULL) {
        return false;
    }
    const TexelSums texels = {sum, g, g, bad};
    for (int64_t ty = 0; ty < task->texel_rows; ty++) {
        const TexelRow row = {.count = count,
                              .x0 = r->x0 + x,
                              .keys = f->info.keys,
                              .level = r->level.k,
                              .rows = (double)tiles_cells_in_texel(f->info.queries, r->level.q, r->y0 + y + ty),
                              .is_signed = f->is_signed};
        for (int64_t tx = 0; tx < count; tx++) {
            const float *found = task->out + 2 * (ty * task->texel_columns + tx);
            sum[tx] = (double)found[0];
            g[tx] = tiles_is_masked(found[1], f->is_signed) ? -INFINITY : found[1];
            bad[tx] = 0;
        }
        tiles_reduce_finish(&texels, &row, rg + 2 * ((y + ty) * r->width + x));
    }
    return true;
}

static bool pool_band_on_device(OnDevice *d, int64_t q0, int64_t q1, float *rg) {
    const Fused *f = d->f;
    const PoolRequest *r = f->request;
    int64_t lo, hi;
    visible(f, q0, q1, &lo, &hi);
    lo = i64_max(lo, f->k0);
    hi = i64_min(hi, f->k1);
    if (lo >= hi) {
        return true; /* masked texels are there already */
    }
    d->task->queries_id = tiles_device_id(d->device);
    if (!pack(d, AXIS_QUERY, q0, q1, d->queries) || (f->weights && !normalise(d, q0, q1)) || !split_rows(d, q0, q1)) {
        return false;
    }
    for (int64_t k = lo / d->chunk * d->chunk; k < hi; k += d->chunk) {
        int64_t from = i64_max(k, f->k0), end = i64_min(k + d->chunk, i64_min(f->k1, f->info.keys));
        if (!run_task(d, q0, q1, from, end, false)) {
            return false;
        }
        if (!finish_texels(d, (q0 >> r->level.q) - r->y0, (from >> r->level.k) - r->x0, rg)) {
            return false;
        }
    }
    return true;
}

/* Operations that the tile asks for, or less. */
static double operations(const Fused *f, int64_t q0, int64_t q1) {
    int64_t lo, hi, last_lo, last_hi;
    capture_factored_visible(&f->info, q0, &lo, &hi);
    capture_factored_visible(&f->info, q1 - 1, &last_lo, &last_hi);
    double first = (double)i64_max(0, i64_min(hi, f->k1) - i64_max(lo, f->k0));
    double last = (double)i64_max(0, i64_min(last_hi, f->k1) - i64_max(last_lo, f->k0));
    return 2.0 * f->info.dim * f->request->heads->count * (double)(q1 - q0) * (first + last) / 2.0;
}

static bool suits(const Fused *f, const DeviceParams *params, int64_t q0, int64_t q1) {
    const PoolRequest *r = f->request;
    return params->operand_bytes > 0 && r->sample == 0 && r->level.q <= LEVEL_MAX && r->level.k <= LEVEL_MAX &&
           f->info.queries <= TOKENS_MAX && f->info.keys <= TOKENS_MAX && q0 % DEVICE_BLOCK == 0 &&
           (r->x0 << r->level.k) % DEVICE_BLOCK == 0 && operations(f, q0, q1) >= params->least_operations;
}

/* The largest multiple of `unit` rows of so many heads within the floats of an operand. */
static int64_t rows_of_operand(const OnDevice *d, int heads, int64_t unit) {
    return (int64_t)(d->operand_floats / (size_t)d->task->depth) / heads / unit * unit;
}

/* Which key heads the heads need. */
static void find_keys(OnDevice *d) {
    d->heads = d->f->request->heads->count;
    for (int head = 0; head < d->heads; head++) {
        int key = 0;
        while (key < d->key_heads && key_head_of(d, d->key_owner[key]) != key_head_of(d, head)) {
            key++;
        }
        if (key == d->key_heads) {
            d->key_owner[d->key_heads++] = head;
        }
        d->task->key_of[head] = key;
    }
}

static bool prepare(OnDevice *d) {
    const Fused *f = d->f;
    DeviceTask *task = d->task;
    const Level level = f->request->level;
    task->depth = (int)i64_ceil_div(f->info.dim, DEVICE_DEPTH) * DEVICE_DEPTH;
    task->level = level;
    task->causal = f->info.causal;
    task->window = f->info.window;
    task->weights = f->weights;
    task->is_signed = f->is_signed;
    task->heads = d->heads;
    task->key_heads = d->key_heads;
    task->combine = f->request->heads->op == HEADS_MAX   ? DEVICE_LARGEST
                    : f->request->heads->op == HEADS_MIN ? DEVICE_SMALLEST
                                                         : DEVICE_SUM;
    task->scale = f->info.scale;
    task->softcap = f->info.softcap;
    d->band = rows_of_operand(d, d->heads, i64_max(DEVICE_BLOCK, (int64_t)1 << level.q));
    /* A dispatch computes all heads of a block of rows and a chunk: many heads with few keys get shorter ones. */
    const int sharing = (int)i64_max(d->key_heads, d->heads / HEADS_A_CHUNK);
    d->chunk = rows_of_operand(d, sharing, i64_max(DEVICE_BLOCK, (int64_t)1 << level.k));
    d->queries = tiles_device_room(task, DEVICE_QUERIES, d->operand_floats);
    d->keys = tiles_device_room(task, DEVICE_KEYS, d->operand_floats);
    d->numbers = tiles_device_room(task, DEVICE_NUMBERS, 2 * (size_t)d->heads * (size_t)(d->band + DEVICE_BLOCK));
    d->lse = tiles_aligned(&f->scratch->normalisers, (size_t)d->heads * (size_t)d->band, sizeof *d->lse);
    task->queries = d->queries;
    task->row_numbers = d->numbers;
    return d->band > 0 && d->chunk > 0 && d->queries && d->keys && d->numbers && d->lse;
}

bool tiles_fused_on_device(const Fused *f, int64_t texel_rows, float *rg, Status *status, Error *err) {
    OnDevice d = {.f = f, .device = f->scratch->device, .err = err};
    const PoolRequest *r = f->request;
    if (d.device == NULL) {
        return false;
    }
    const DeviceParams params = tiles_device_params(d.device);
    int64_t q0 = r->y0 << r->level.q, q1 = i64_min(f->info.queries, (r->y0 + texel_rows) << r->level.q);
    if (!suits(f, &params, q0, q1) || (d.task = tiles_device_begin(d.device)) == NULL) {
        return false;
    }
    d.operand_floats = params.operand_bytes / sizeof(float);
    find_keys(&d);
    bool done = prepare(&d);
    for (int64_t q = q0; done && q < q1; q += d.band) {
        done = pool_band_on_device(&d, q, i64_min(q + d.band, q1), rg);
    }
    tiles_device_end(d.device, d.task);
    *status = d.status;
    return done || d.status != STATUS_OK;
}
