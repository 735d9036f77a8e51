/* The variant on screen: its factors, as workers deliver them, and the keys of its images.
 *
 *   above level 0   tiles of the variant, rebuilt from the source; until they are there, what is there without it
 *                   times the means of the factors, marked approximate
 *   level 0         tiles without variant and factors meet in the compose shader (TILE_VARIANT_FACTORS): exact
 *
 * Factors are small and many. They lie in a list that is made shorter, of what has not been used for a while, before it
 * grows. */
#include "views/frame.h"

#include <math.h>
#include <string.h>

#define FACTORS_LEAST 2048 /* kept in any case: 2 MiB */
#define FRAMES_KEPT 64     /* since the last use */

typedef struct Entry {
    TileData *data;
    uint64_t frame; /* of the last use */
} Entry;

struct FactorCache {
    Entry *entries;
    size_t count, capacity;
    uint32_t *table; /* index + 1 by hash; 0: free */
    size_t table_size, table_capacity;
    uint64_t frame;
};

/* ---- the cache ------------------------------------------------------------------------------- */

FactorCache *views_factors_new(void) {
    return mem_alloc_zeroed(1, sizeof(FactorCache));
}

void views_factors_clear(FactorCache *cache) {
    for (size_t i = 0; i < cache->count; i++)
        tiles_data_drop(cache->entries[i].data);
    cache->count = 0;
    if (cache->table) memset(cache->table, 0, cache->table_size * sizeof *cache->table);
}

void views_factors_drop(FactorCache *cache) {
    if (!cache) return;
    views_factors_clear(cache);
    mem_free(cache->entries);
    mem_free(cache->table);
    mem_free(cache);
}

void views_factors_frame(FactorCache *cache) {
    cache->frame++;
}

static size_t place_of(const FactorCache *cache, JobKind kind, const TileKey *key) {
    const size_t mask = cache->table_size - 1;
    size_t at = (size_t)hash_u64(tiles_key_hash(key) ^ (uint64_t)kind) & mask;
    for (; cache->table[at]; at = (at + 1) & mask) {
        const TileData *data = cache->entries[cache->table[at] - 1].data;
        if (data->kind == kind && tiles_key_equal(&data->key, key)) break;
    }
    return at;
}

static void shorten(FactorCache *cache) {
    size_t kept = 0;
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].frame + FRAMES_KEPT < cache->frame)
            tiles_data_drop(cache->entries[i].data);
        else
            cache->entries[kept++] = cache->entries[i];
    }
    cache->count = kept;
}

/* Room for one more entry, in a table that is at most half full. */
static bool make_room(FactorCache *cache) {
    if (cache->table_size > 0 && cache->count + 1 <= cache->table_size / 2) return true;
    if (cache->count >= FACTORS_LEAST) shorten(cache);
    size_t size = 2 * FACTORS_LEAST;
    while (size / 2 < cache->count + 1)
        size *= 2;
    void *entries = cache->entries, *table = cache->table;
    const bool ok = mem_grow(&entries, &cache->capacity, size / 2, sizeof *cache->entries) &&
                    mem_grow(&table, &cache->table_capacity, size, sizeof *cache->table);
    cache->entries = entries;
    cache->table = table;
    if (!ok) {
        cache->table_size = 0;
        views_factors_clear(cache);
        return false;
    }
    cache->table_size = size;
    memset(cache->table, 0, size * sizeof *cache->table);
    for (size_t i = 0; i < cache->count; i++) {
        const TileData *data = cache->entries[i].data;
        cache->table[place_of(cache, data->kind, &data->key)] = (uint32_t)i + 1;
    }
    return true;
}

void views_factors_accept(FactorCache *cache, TileData *data) {
    if (!make_room(cache)) {
        tiles_data_drop(data);
        return;
    }
    const size_t at = place_of(cache, data->kind, &data->key);
    if (cache->table[at]) {
        tiles_data_drop(data);
        return;
    }
    cache->entries[cache->count++] = (Entry){data, cache->frame};
    cache->table[at] = (uint32_t)cache->count;
}

static const float *find(FactorCache *cache, JobKind kind, const TileKey *key) {
    if (cache->table_size == 0) return NULL;
    const size_t at = place_of(cache, kind, key);
    if (!cache->table[at]) return NULL;
    Entry *entry = &cache->entries[cache->table[at] - 1];
    entry->frame = cache->frame;
    return entry->data->texels;
}

/* ---- factors of a tile ----------------------------------------------------------------------- */

static const float *factors_of(Frame *frame, JobKind kind, TileKey key, bool want, bool *all) {
    const bool rows = kind == JOB_ROW_FACTORS;
    *(rows ? &key.lk : &key.lq) = 0;
    *(rows ? &key.x : &key.y) = 0;
    const float *factors = find(frame->factors, kind, &key);
    if (factors) return factors;
    *all = false;
    if (want && !views_has_failed(frame, &key)) views_want(frame->wants, kind, &key, frame->capture);
    return NULL;
}

bool views_factors_find(Frame *frame, const Look *look, const ResolvedHeads *heads, const TileKey *composite, bool want,
                        TileFactors *out) {
    const Variant variant = views_variant(look);
    const bool columns = variant.value_weighted || tiles_variant_hides(&variant);
    const bool rows = variant.row_scale != ROWS_AS_STORED;
    bool all = true;
    for (int i = 0; i < heads->count && (all || want); i++) {
        TileKey key = *composite;
        key.headset = 0;
        key.variant = tiles_variant_id(&variant);
        key.head = heads->index[i];
        if (rows) out->rows[i] = factors_of(frame, JOB_ROW_FACTORS, key, want, &all);
        if (!columns) continue;
        const bool again = i > 0 && !variant.value_weighted; /* the same keys are hidden in every head */
        if (!variant.value_weighted) key.head = 0;
        out->columns[i] = again ? out->columns[0] : factors_of(frame, JOB_COLUMN_FACTORS, key, want, &all);
    }
    out->has_rows = rows;
    out->has_columns = columns;
    return all;
}
