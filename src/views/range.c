/* Automatic ranges: a percentile of the base image of a layer, read back once and remembered. Direct-mapped: a
 * collision costs one more read-back, never a wrong number, because the full key is compared. */
#include "views/frame.h"

#include <math.h>
#include <string.h>

#define RANGE_SLOTS 2048
#define READ_FLOATS ((size_t)TILE_SIDE * TILE_SIDE * 2)

typedef struct RangeSlot {
    bool used;
    TileKey key;
    Channel channel;
    double percentile;
    float hi;
} RangeSlot;

struct RangeCache {
    RangeSlot slots[RANGE_SLOTS];
    float texels[READ_FLOATS];
};

RangeCache *views_range_cache_new(void) {
    return mem_alloc_zeroed(1, sizeof(RangeCache));
}
void views_range_cache_drop(RangeCache *cache) {
    mem_free(cache);
}
void views_range_cache_clear(RangeCache *cache) {
    memset(cache->slots, 0, sizeof cache->slots);
}

/* Nothing visible, or all zero: any range will do, but it must not be empty. */
static float usable_range(float percentile, const GpuTileInfo *info) {
    if (isfinite(percentile) && percentile > 0) return percentile;
    return info->max_value > 0 ? info->max_value : 1.0f;
}

bool views_auto_range(Frame *frame, const Look *look, int layer, double percentile, float *hi) {
    TileKey key;
    if (!views_base_ready(frame, look, layer, false, &key)) return false;
    /* What stands in for a variant will do for the picture on screen, until it has the variant itself. */
    if (key.variant != views_variant_id(look) && layer != look->subject.layer) return false;
    return views_image_range(frame, look, layer, &key, percentile, hi);
}

bool views_image_range(Frame *frame, const Look *look, int layer, const TileKey *key, double percentile, float *hi) {
    GpuTileInfo info;
    const Channel channel = views_channel(look);
    if (!gpu_tile_find(frame->gpu, key, &info)) return false;
    /* A head's base tile brings its range along, made by the worker; composites are read back. */
    if (key->head >= 0 && percentile == TILE_AUTO_PERCENTILE && !isnan(info.auto_high[channel])) {
        *hi = usable_range(info.auto_high[channel], &info);
        return true;
    }
    RangeCache *cache = frame->ranges;
    const uint64_t hash = hash_u64(tiles_key_hash(key) ^ (uint64_t)channel * 31 ^ (uint64_t)(percentile * 1e6));
    RangeSlot *slot = &cache->slots[hash % RANGE_SLOTS];
    if (slot->used && slot->channel == channel && slot->percentile == percentile && tiles_key_equal(&slot->key, key)) {
        *hi = slot->hi;
        return true;
    }
    if (frame->peek) return false;
    int width = 0, height = 0;
    if (gpu_tile_read(frame->gpu, key, 0, cache->texels, READ_FLOATS, &width, &height, NULL) != STATUS_OK) return false;
    const int64_t keys = capture_set(frame->capture, look->subject.set)->layers[layer].keys;
    const float value = tiles_upper_range(
        &(PooledImage){cache->texels, height, width, keys, key->lk, 0, info.is_signed}, channel, percentile);
    *hi = usable_range(value, &info);
    *slot = (RangeSlot){.used = true, .key = *key, .channel = channel, .percentile = percentile, .hi = *hi};
    return true;
}
