/* What names a picture: the pattern that is looked at, what of its variant applies, keys of tiles and composites. */
#include "views/frame.h"

bool views_pattern(const Capture *capture, const Look *look, const SetInfo **set, const LayerInfo **layer,
                   int64_t *queries, int64_t *keys) {
    if (!capture || look->subject.set < 0 || look->subject.set >= capture_set_count(capture)) return false;
    *set = capture_set(capture, look->subject.set);
    if (look->subject.layer < 0 || look->subject.layer >= (*set)->layer_count) return false;
    *layer = &(*set)->layers[look->subject.layer];
    *queries = (*layer)->queries;
    *keys = (*layer)->keys;
    return *queries > 0 && *keys > 0;
}

TileKey views_key(const Frame *frame, const Look *look, int layer, int head, uint32_t headset, TilePlace at) {
    return (TileKey){
        .capture = frame->capture_index,
        .serial = frame->serial,
        .set = look->subject.set,
        .item = look->subject.item,
        .step = look->subject.step,
        .layer = layer,
        .head = head,
        .headset = headset,
        .values = (int32_t)look->subject.values,
        .lq = at.level.q,
        .lk = at.level.k,
        .y = at.y,
        .x = at.x,
    };
}

Level views_base_level(const Frame *frame, const LayerInfo *layer) {
    return (Level){tiles_base_level(layer->queries, frame->base_side), tiles_base_level(layer->keys, frame->base_side)};
}

Variant views_variant(const Look *look) {
    return tiles_variant_for(&look->subject.variant, look->subject.values);
}

uint32_t views_variant_id(const Look *look) {
    const Variant variant = views_variant(look);
    return tiles_variant_id(&variant);
}

bool views_key_hidden(const Frame *frame, const Look *look, int64_t key) {
    return tiles_key_hidden(frame->capture, look->subject.set, look->subject.item, &look->subject.variant, key);
}

TileKey views_factor_key(const Look *look, const TileKey *key) {
    TileKey composite = *key;
    composite.head = -1;
    composite.headset = tiles_headset_hash(&look->subject.heads);
    composite.variant = views_variant_id(look) | TILE_VARIANT_FACTORS;
    return composite;
}

TileKey views_row_key(const Frame *frame, const Look *look, int64_t query) {
    TileKey key = views_key(frame, look, look->subject.layer, -1, tiles_headset_hash(&look->subject.heads),
                            (TilePlace){.y = query});
    key.variant = views_variant_id(look);
    key.rows = 1;
    key.columns = look->subject.layer < capture_set(frame->capture, look->subject.set)->layer_count
                      ? capture_set(frame->capture, look->subject.set)->layers[look->subject.layer].keys
                      : 0;
    return key;
}
