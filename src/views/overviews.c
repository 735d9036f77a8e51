/* The overviews that are asked for while nothing else is. */
#include "views/frame.h"

#include <stdlib.h>

#define BASE_WANTS_MAX 64     /* queued at a time; the queue is made anew as they arrive */
#define VARIANT_BUDGET_PART 4 /* of the GPU's budget */
#define VARIANT_REACH 2       /* layers, where the budget does not hold more */

/* How far from the layer shown tiles of a variant are made ahead: everywhere, if they take a small part of the budget. */
static int variant_reach(const Frame *frame, const SetInfo *set) {
    size_t heads = 0;
    for (int layer = 0; layer < set->layer_count; layer++)
        heads += (size_t)set->layers[layer].head_count;
    const size_t side = (size_t)frame->base_side, bytes = side * side * 2 * sizeof(float) * 4 / 3;
    return heads <= gpu_info(frame->gpu)->tile_budget / VARIANT_BUDGET_PART / bytes ? set->layer_count : VARIANT_REACH;
}

static int want_layer_bases(Frame *frame, const Look *look, int layer, uint32_t variant, int wanted) {
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    const LayerInfo *info = &set->layers[layer];
    int missing = 0;
    if (info->queries <= 0 || info->keys <= 0) return 0;
    const Level base = views_base_level(frame, info);
    for (int head = 0; head < info->head_count; head++) {
        TileKey key = views_key(frame, look, layer, head, 0, (TilePlace){.level = base});
        key.variant = variant;
        GpuTileInfo tile = {0};
        const bool here = gpu_tile_find(frame->gpu, &key, &tile);
        /* What stood in for it while another picture was made. */
        const bool stand_in = here && tile.estimate > 0 && tiles_exact_at_once(set, info, base);
        if ((here && !stand_in) || views_has_failed(frame, &key)) continue;
        if (wanted + missing++ >= BASE_WANTS_MAX) continue;
        TileWant *want = views_want(frame->wants, JOB_BASE, &key, frame->capture);
        if (want) want->better_than = tile.estimate;
    }
    return missing;
}

int views_want_all_bases(Frame *frame, const Look *look, int direction) {
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    const uint32_t variant = views_variant_id(look);
    int missing = 0, reach = variant ? variant_reach(frame, set) : 0;
    for (int turn = 0; turn < (variant ? 2 : 1); turn++) {
        for (int distance = 0; distance < 2 * set->layer_count; distance++) {
            /* 0, +1, -1, +2, -2 ... starting with the direction of the scrub */
            const int step = (distance + 1) / 2 * (((distance & 1) != 0) == (direction >= 0) ? 1 : -1);
            const int layer = look->subject.layer + step;
            if (layer < 0 || layer >= set->layer_count || (turn == 1 && abs(step) > reach)) continue;
            missing += want_layer_bases(frame, look, layer, turn == 1 ? variant : 0, missing);
        }
    }
    return missing;
}

int views_count_bases(const Frame *frame, const Look *look) {
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    const int reach = views_variant_id(look) ? variant_reach(frame, set) : -1;
    int count = 0;
    for (int layer = 0; layer < set->layer_count; layer++)
        count += set->layers[layer].head_count * (abs(layer - look->subject.layer) <= reach ? 2 : 1);
    return count;
}
