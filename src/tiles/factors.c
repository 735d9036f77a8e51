/* r and c of a variant, and what of them is kept.
 *
 *   column factors   hidden keys at once; norms of value vectors from the store, else read
 *   row factors      from the store; else whole rows are streamed through a strip, summed in f64:
 *
 *      q0..q1 x all keys, a chunk of columns at a time ---> sum or maximum of c_j w_ij ---> r ---> store
 *
 * The store is one table of vectors, a head and kind each, with NaN where nothing is known yet. Values are copied in and
 * out under its lock, so an entry may be evicted at any time. */
#include "tiles/internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BUCKETS = 512, LANES = 8 };
/* As in pool.c: recomputed rows get their normaliser for free when the strip has all their keys. */
enum { CHUNK_DENSE = 8192, CHUNK_FACTORED = 32768, ROWS_FACTORED = 64, ROWS_MOST = 256 };
#define STRIP_FLOATS ((int64_t)128 * 1024)

/* ---- the store ------------------------------------------------------------------------------- */

typedef struct VectorKey {
    const Capture *capture;
    PatternRef ref;
    int32_t values, scale; /* scale: RowScale, ROWS_AS_STORED for norms */
    uint32_t columns;      /* identity of the column factors */
} VectorKey;

typedef struct Vector {
    VectorKey key;
    struct Vector *next, *newer, *older;
    int64_t count;
    float values[];
} Vector;

struct FactorStore {
    Mutex *mutex;
    Vector *buckets[BUCKETS];
    Vector *newest, *oldest;
    size_t bytes, budget;
    uint64_t hits, misses;
};

static bool same_vector(const VectorKey *a, const VectorKey *b) {
    return a->capture == b->capture && a->ref.set == b->ref.set && a->ref.item == b->ref.item &&
           a->ref.step == b->ref.step && a->ref.layer == b->ref.layer && a->ref.head == b->ref.head &&
           a->values == b->values && a->scale == b->scale && a->columns == b->columns;
}

static size_t bucket_of(const VectorKey *key) {
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)key->capture);
    const int32_t facts[] = {key->ref.set,  key->ref.item, key->ref.step, key->ref.layer,
                             key->ref.head, key->values,   key->scale,    (int32_t)key->columns};
    return (size_t)hash_bytes(facts, sizeof facts, hash) % BUCKETS;
}

static size_t vector_bytes(const Vector *vector) {
    return sizeof *vector + (size_t)vector->count * sizeof(float);
}

static void unlink_vector(FactorStore *store, Vector *vector) {
    *(vector->newer != NULL ? &vector->newer->older : &store->newest) = vector->older;
    *(vector->older != NULL ? &vector->older->newer : &store->oldest) = vector->newer;
}

static void link_newest(FactorStore *store, Vector *vector) {
    vector->older = store->newest;
    vector->newer = NULL;
    *(store->newest != NULL ? &store->newest->newer : &store->oldest) = vector;
    store->newest = vector;
}

static void remove_vector(FactorStore *store, Vector *vector) {
    Vector **link = &store->buckets[bucket_of(&vector->key)];
    while (*link != vector) {
        link = &(*link)->next;
    }
    *link = vector->next;
    unlink_vector(store, vector);
    store->bytes -= vector_bytes(vector);
    mem_free(vector);
}

FactorStore *tiles_factors_new(size_t budget) {
    FactorStore *store = mem_alloc_zeroed(1, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    store->budget = budget;
    store->mutex = mutex_new();
    if (store->mutex == NULL) {
        mem_free(store);
        return NULL;
    }
    return store;
}

void tiles_factors_clear(FactorStore *store) {
    mutex_lock(store->mutex);
    while (store->oldest != NULL) {
        remove_vector(store, store->oldest);
    }
    mutex_unlock(store->mutex);
}

void tiles_factors_drop(FactorStore *store) {
    if (store == NULL) {
        return;
    }
    tiles_factors_clear(store);
    mutex_drop(store->mutex);
    mem_free(store);
}

FactorStats tiles_factors_stats(FactorStore *store) {
    mutex_lock(store->mutex);
    FactorStats stats = {store->bytes, store->hits, store->misses};
    mutex_unlock(store->mutex);
    return stats;
}

static Vector *find_vector(FactorStore *store, const VectorKey *key) {
    Vector *vector = store->buckets[bucket_of(key)];
    while (vector != NULL && !same_vector(&vector->key, key)) {
        vector = vector->next;
    }
    if (vector != NULL) {
        unlink_vector(store, vector);
        link_newest(store, vector);
    }
    return vector;
}

/* NULL when it does not fit: then nothing is kept. */
static Vector *add_vector(FactorStore *store, const VectorKey *key, int64_t count) {
    size_t bytes = sizeof(Vector) + (size_t)count * sizeof(float);
    Vector *vector = bytes <= store->budget ? mem_alloc(bytes) : NULL;
    if (vector == NULL) {
        return NULL;
    }
    while (store->bytes + bytes > store->budget) {
        remove_vector(store, store->oldest);
    }
    vector->key = *key;
    vector->count = count;
    for (int64_t i = 0; i < count; i++) {
        vector->values[i] = NAN;
    }
    Vector **bucket = &store->buckets[bucket_of(key)];
    vector->next = *bucket;
    *bucket = vector;
    link_newest(store, vector);
    store->bytes += bytes;
    return vector;
}

/* Values from..to-1 as far as known; *missing0..*missing1-1 is the hull of the others. */
static void load(FactorStore *store, const VectorKey *key, int64_t from, int64_t to, float *out, int64_t *missing0,
                 int64_t *missing1) {
    *missing0 = from;
    *missing1 = to;
    if (store == NULL) {
        return;
    }
    mutex_lock(store->mutex);
    const Vector *vector = find_vector(store, key);
    if (vector != NULL) {
        memcpy(out, vector->values + from, (size_t)(to - from) * sizeof *out);
        while (*missing0 < to && !isnan(out[*missing0 - from])) {
            ++*missing0;
        }
        while (*missing1 > *missing0 && !isnan(out[*missing1 - 1 - from])) {
            --*missing1;
        }
    }
    *(*missing0 < *missing1 ? &store->misses : &store->hits) += 1;
    mutex_unlock(store->mutex);
}

static void keep(FactorStore *store, const VectorKey *key, int64_t count, int64_t from, int64_t to, const float *in) {
    if (store == NULL || from >= to) {
        return;
    }
    mutex_lock(store->mutex);
    Vector *vector = find_vector(store, key);
    vector = vector != NULL ? vector : add_vector(store, key, count);
    if (vector != NULL) {
        memcpy(vector->values + from, in, (size_t)(to - from) * sizeof *in);
    }
    mutex_unlock(store->mutex);
}

/* ---- working memory -------------------------------------------------------------------------- */

enum { ROOM_CELLS, ROOM_COLUMNS, ROOMS };

struct FactorScratch {
    void *rooms[ROOMS];
    size_t capacities[ROOMS];
};

FactorScratch *tiles_factor_scratch_new(void) {
    return mem_alloc_zeroed(1, sizeof(FactorScratch));
}

void tiles_factor_scratch_drop(FactorScratch *scratch) {
    for (int i = 0; scratch != NULL && i < ROOMS; i++) {
        mem_free(scratch->rooms[i]);
    }
    mem_free(scratch);
}

static float *room_for(FactorScratch *scratch, int room, int64_t floats) {
    size_t count = floats > 0 ? (size_t)floats : 1;
    return mem_grow(&scratch->rooms[room], &scratch->capacities[room], count, sizeof(float)) ? scratch->rooms[room]
                                                                                             : NULL;
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory for the factors of a variant");
}

/* ---- columns --------------------------------------------------------------------------------- */

static void hide_range(KeyRange range, int64_t k0, int64_t k1, float *out) {
    for (int64_t k = i64_max(range.from, k0); k < i64_min(range.to, k1); k++) {
        out[k - k0] = FACTOR_HIDDEN;
    }
}

static void hide_special(const FactorRequest *r, int64_t k0, int64_t k1, float *out) {
    const TokenList *tokens = capture_tokens(r->capture, r->ref.set, r->ref.item, AXIS_KEY);
    int64_t end = tokens != NULL ? i64_min(k1, tokens->count) : k0;
    for (int64_t k = k0; k < end; k++) {
        out[k - k0] = tokens->tokens[k].special ? FACTOR_HIDDEN : out[k - k0];
    }
}

static Status norms(const FactorRequest *r, int64_t k0, int64_t k1, float *out, const FactorWork *work, Error *err) {
    const LayerInfo *layer = &capture_set(r->capture, r->ref.set)->layers[r->ref.layer];
    if (layer->value_heads == 0) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "layer %d has no value vectors: value weighting needs blocks.L.attn.hook_v", layer->number);
    }
    VectorKey key = {.capture = r->capture, .ref = r->ref};
    key.ref.head /= layer->head_count / layer->value_heads; /* heads may share their values */
    int64_t from, to;
    load(r->store, &key, k0, k1, out, &from, &to);
    if (from >= to) {
        return STATUS_OK;
    }
    Status status = capture_value_norms(r->capture, r->ref, from, to, out + (from - k0), work->source, work->cancel,
                                        err);
    if (status == STATUS_OK) {
        keep(r->store, &key, layer->keys, from, to, out + (from - k0));
    }
    return status;
}

Status tiles_factors_columns(const FactorRequest *r, int64_t k0, int64_t k1, float *out, const FactorWork *work,
                             Error *err) {
    for (int64_t k = k0; k < k1; k++) {
        out[k - k0] = 1.0f;
    }
    if (r->variant->value_weighted && r->values == VALUES_WEIGHTS) {
        Status status = norms(r, k0, k1, out, work, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (int i = 0; i < r->variant->range_count; i++) {
        hide_range(r->variant->ranges[i], k0, k1, out);
    }
    if (r->variant->hide_special) {
        hide_special(r, k0, k1, out);
    }
    return STATUS_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* What of a row is visible so far. */
typedef struct RowRun {
    double sum[LANES];
    float max;
} RowRun;

/* |c w| of one cell; masked, hidden and broken ones are 0. */
static inline float term_of(float cell, float column) {
    uint32_t bits;
    memcpy(&bits, &cell, sizeof bits);
    bits &= (bits & 0x7f800000u) == 0x7f800000u ? 0u : 0x7fffffffu;
    memcpy(&cell, &bits, sizeof bits);
    return cell * (column > 0.0f ? column : 0.0f);
}

static void add_row(RowRun *run, const float *cells, const float *columns, int64_t count) {
    int64_t i = 0;
    float best[LANES] = {0};
    for (; i + LANES <= count; i += LANES) {
        for (int64_t j = 0; j < LANES; j++) {
            float term = term_of(cells[i + j], columns[i + j]);
            run->sum[j] += (double)term;
            best[j] = term > best[j] ? term : best[j];
        }
    }
    for (; i < count; i++) {
        float term = term_of(cells[i], columns[i]);
        run->sum[0] += (double)term;
        best[0] = term > best[0] ? term : best[0];
    }
    for (int j = 0; j < LANES; j++) {
        run->max = best[j] > run->max ? best[j] : run->max;
    }
}

/* Rows of which nothing is visible stay at 0, whatever they are divided by. */
static float row_factor(const RowRun *run, RowScale scale) {
    double total = scale == ROWS_MAX ? (double)run->max : 0.0;
    for (int j = 0; j < LANES && scale == ROWS_SUM; j++) {
        total += run->sum[j];
    }
    float factor = total > 0.0 ? (float)(1.0 / total) : 0.0f;
    return isfinite(factor) ? factor : 0.0f;
}

/* How many keys the mask lets each query see. */
static Status uniform_factors(const FactorRequest *r, int64_t q0, int64_t q1, float *out, Error *err) {
    const SetInfo *set = capture_set(r->capture, r->ref.set);
    const LayerInfo *layer = &set->layers[r->ref.layer];
    Factored factored = {0};
    if (set->factored) {
        Status status = capture_factored(r->capture, r->ref, &factored, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (int64_t q = q0; q < q1; q++) {
        int64_t lo = 0, hi = layer->visible_keys;
        if (set->factored) {
            capture_factored_visible(&factored, q, &lo, &hi);
        } else if (set->causal) {
            hi = i64_clamp(q + 1 + layer->keys - layer->queries, 0, layer->keys);
        }
        out[q - q0] = (float)(hi - lo);
    }
    return STATUS_OK;
}

/* One past the last key that any query before q_end can see. */
static int64_t visible_end(const FactorRequest *r, int64_t q_end) {
    const SetInfo *set = capture_set(r->capture, r->ref.set);
    const LayerInfo *layer = &set->layers[r->ref.layer];
    return set->factored && set->causal ? i64_clamp(q_end + layer->keys - layer->queries, 0, layer->keys) : layer->keys;
}

static void add_strip(RowRun *runs, const float *cells, const float *columns, int64_t rows, int64_t count) {
    for (int64_t i = 0; i < rows; i++) {
        add_row(&runs[i], cells + i * count, columns, count);
    }
}

/* At most ROWS_MOST rows, from the source. */
static Status stream_rows(const FactorRequest *r, int64_t q0, int64_t q1, int64_t chunk, RowRun *runs,
                          const FactorWork *work, Error *err) {
    int64_t end = visible_end(r, q1);
    float *cells = room_for(work->scratch, ROOM_CELLS, (q1 - q0) * chunk);
    float *columns = room_for(work->scratch, ROOM_COLUMNS, chunk);
    if (cells == NULL || columns == NULL) {
        return no_memory(err);
    }
    for (int64_t k0 = 0; k0 < end; k0 += chunk) {
        int64_t k1 = i64_min(end, k0 + chunk);
        if (work->pause != NULL) {
            work->pause(work->pause_user);
        }
        Status status = tiles_factors_columns(r, k0, k1, columns, work, err);
        if (status == STATUS_OK) {
            status = capture_source_rows(r->capture, r->ref, r->values, (Block){q0, q1, k0, k1}, cells, work->source,
                                         work->cancel, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        add_strip(runs, cells, columns, q1 - q0, k1 - k0);
    }
    return STATUS_OK;
}

static VectorKey rows_key(const FactorRequest *r) {
    Variant columns = *r->variant;
    columns.row_scale = ROWS_AS_STORED;
    return (VectorKey){.capture = r->capture,
                       .ref = r->ref,
                       .values = (int32_t)r->values,
                       .scale = (int32_t)r->variant->row_scale,
                       .columns = tiles_variant_id(&columns)};
}

void tiles_factors_known(const FactorRequest *r, int64_t q0, int64_t q1, float *out, int64_t *missing0,
                         int64_t *missing1) {
    VectorKey key = rows_key(r);
    load(r->store, &key, q0, q1, out, missing0, missing1);
}

void tiles_factors_keep(const FactorRequest *r, int64_t q0, int64_t q1, const float *factors) {
    VectorKey key = rows_key(r);
    keep(r->store, &key, capture_set(r->capture, r->ref.set)->layers[r->ref.layer].queries, q0, q1, factors);
}

Status tiles_factors_rows(const FactorRequest *r, int64_t q0, int64_t q1, float *out, const FactorWork *work,
                          Error *err) {
    const SetInfo *set = capture_set(r->capture, r->ref.set);
    const LayerInfo *layer = &set->layers[r->ref.layer];
    RowScale scale = r->values == VALUES_WEIGHTS ? r->variant->row_scale : ROWS_AS_STORED;
    for (int64_t q = q0; q < q1 && scale == ROWS_AS_STORED; q++) {
        out[q - q0] = 1.0f;
    }
    if (scale == ROWS_AS_STORED || scale == ROWS_UNIFORM) {
        return scale == ROWS_UNIFORM ? uniform_factors(r, q0, q1, out, err) : STATUS_OK;
    }
    VectorKey key = rows_key(r);
    int64_t from, to;
    load(r->store, &key, q0, q1, out, &from, &to);
    int64_t chunk = i64_max(1, i64_min(layer->keys, set->factored ? CHUNK_FACTORED : CHUNK_DENSE));
    int64_t strip = i64_clamp(STRIP_FLOATS / chunk, set->factored ? ROWS_FACTORED : 1, ROWS_MOST);
    for (int64_t q = from; q < to; q += strip) {
        RowRun runs[ROWS_MOST] = {0};
        int64_t end = i64_min(q + strip, to);
        Status status = stream_rows(r, q, end, chunk, runs, work, err);
        if (status != STATUS_OK) {
            return status;
        }
        for (int64_t i = q; i < end; i++) {
            out[i - q0] = row_factor(&runs[i - q], scale);
        }
        keep(r->store, &key, layer->queries, q, end, out + (q - q0));
    }
    return STATUS_OK;
}

void tiles_factors_rows_from(const FactorRequest *r, int64_t q0, int64_t q1, int64_t keys, const float *cells,
                             const float *columns, float *out) {
    const LayerInfo *layer = &capture_set(r->capture, r->ref.set)->layers[r->ref.layer];
    VectorKey key = rows_key(r);
    assert(r->variant->row_scale == ROWS_SUM || r->variant->row_scale == ROWS_MAX);
    for (int64_t q = q0; q < q1; q++) {
        RowRun run = {0};
        add_row(&run, cells + (q - q0) * keys, columns, keys);
        out[q - q0] = row_factor(&run, r->variant->row_scale);
    }
    keep(r->store, &key, layer->queries, q0, q1, out);
}
