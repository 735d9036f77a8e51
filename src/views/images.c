/* Images of a pattern on the GPU: their keys, and making them.
 *
 * A single head is drawn straight from its tile. A head set is composed on the GPU from the tiles of its heads. The
 * difference to the reference is composed from two such images, one of each capture, whatever they are: a tile, a
 * composite, an exact composite. So each of them serves the capture alone, too, and holding a key is fast. */
#include "views/images.h"

#include <limits.h>

/* One capture's part of what is shown. */
static bool resolve_one(const Frame *frame, const Look *look, int layer, Pattern *out) {
    *out = (Pattern){0};
    if (look->subject.set < 0 || look->subject.set >= capture_set_count(frame->capture)) return false;
    out->set = capture_set(frame->capture, look->subject.set);
    if (layer < 0 || layer >= out->set->layer_count) return false;
    out->layer = &out->set->layers[layer];
    out->layer_index = layer;
    if (tiles_headset_resolve(&look->subject.heads, out->set, out->layer, &out->heads, NULL) != STATUS_OK) return false;
    out->single = out->heads.count == 1 && out->heads.weight[0] == 1.0f;
    out->headset = out->single ? 0 : tiles_headset_hash(&look->subject.heads);
    out->variant = views_variant_id(look);
    out->state = look;
    out->data_signed = out->set->signed_values || look->subject.values == VALUES_SCORES;
    out->is_signed = out->data_signed || out->heads.result_signed;
    out->base = views_base_level(frame, out->layer);
    return out->layer->queries > 0 && out->layer->keys > 0;
}

bool images_resolve(const Frame *frame, const Look *look, int layer, Pattern *out, Reference *reference) {
    if (!resolve_one(frame, look, layer, out)) return false;
    if (look->compare != COMPARE_DIFF) return true;
    Look there = *look;
    there.subject.layer = layer;
    if (views_comparable(frame, &there, NULL) != STATUS_OK ||
        views_reference(frame, &there, &reference->frame, &reference->state, NULL) != STATUS_OK ||
        !resolve_one(&reference->frame, &reference->state, reference->state.subject.layer, &reference->pattern))
        return false;
    out->reference = reference;
    out->is_signed = true;
    return true;
}

/* Of one capture's image, as it is pooled from the source. */
static TileKey image_key(const Frame *frame, const Look *look, const Pattern *pattern, TilePlace at) {
    TileKey key = views_key(frame, look, pattern->layer_index, pattern->single ? pattern->heads.index[0] : -1,
                            pattern->headset, at);
    key.variant = pattern->variant;
    return key;
}

TileKey images_pooled_key(const Frame *frame, const Look *look, const Pattern *pattern, TilePlace at) {
    TileKey key = image_key(frame, look, pattern, at);
    if (!pattern->reference) return key;
    key.capture = 2;
    key.serial = frame->reference.difference_serial;
    key.head = -1;
    key.headset = tiles_headset_hash(&look->subject.heads);
    return key;
}

TileKey images_key(const Frame *frame, const Look *look, const Pattern *pattern, TilePlace at) {
    const TileKey key = images_pooled_key(frame, look, pattern, at);
    return pattern->variant && at.level.q == 0 && at.level.k == 0 ? views_factor_key(look, &key) : key;
}

TileKey images_without_variant(TileKey key) {
    key.variant = 0;
    return key;
}

void images_source_keys(const Frame *frame, const Pattern *pattern, const TileKey *key, TileKey out[2]) {
    const Reference *reference = pattern->reference;
    const Pattern *const patterns[2] = {pattern, &reference->pattern};
    const bool from_factors = key->variant & TILE_VARIANT_FACTORS;
    for (int i = 0; i < 2; i++) {
        out[i] = *key;
        out[i].capture = i;
        out[i].serial = i ? reference->frame.serial : frame->serial;
        out[i].head = patterns[i]->single && !from_factors ? patterns[i]->heads.index[0] : -1;
        out[i].headset = from_factors ? tiles_headset_hash(&patterns[i]->state->subject.heads) : patterns[i]->headset;
        out[i].layer = patterns[i]->layer_index;
        if (patterns[i]->single) out[i].variant &= ~TILE_VARIANT_EXACT;
    }
    out[1].set = reference->state.subject.set;
}

bool images_tiles_resident(Frame *frame, const Pattern *pattern, const TileKey *key, JobKind kind, bool want) {
    bool all = true;
    for (int i = 0; i < pattern->heads.count; i++) {
        const TileKey head = tiles_key_of_head(key, pattern->heads.index[i]);
        if (gpu_tile_find(frame->gpu, &head, NULL)) continue;
        all = false;
        if (!want) return false;
        views_want(frame->wants, kind, &head, frame->capture);
    }
    return all;
}

/* Time left for composing: at least a little once a frame, so that it comes to an end; 0: none; UINT64_MAX: no limit. */
static uint64_t compose_budget(const Frame *frame) {
    const uint64_t now = clock_now_ns(&frame->clock), until = frame->composing.deadline_ns;
    if (until == UINT64_MAX) return UINT64_MAX;
    return now < until ? until - now : frame->composing.tiles == 0 ? 1 : 0;
}

/* The fewest rows that a head's tile was estimated from; INT_MAX: all are exact. */
static int estimate_of_heads(const Frame *frame, const Pattern *pattern, const TileKey *key) {
    int fewest = INT_MAX;
    if (pattern->reference) {
        TileKey keys[2];
        Pattern alone = *pattern;
        alone.reference = NULL;
        images_source_keys(frame, pattern, key, keys);
        const Reference *reference = pattern->reference;
        return (int)i64_min(estimate_of_heads(frame, &alone, &keys[0]),
                            estimate_of_heads(&reference->frame, &reference->pattern, &keys[1]));
    }
    for (int i = 0; i < pattern->heads.count; i++) {
        const TileKey head = tiles_key_of_head(key, pattern->heads.index[i]);
        GpuTileInfo info;
        if (!gpu_tile_find(frame->gpu, &head, &info)) return 0;
        if (info.estimate > 0 && info.estimate < fewest) fewest = info.estimate;
    }
    return fewest;
}

/* A composite of estimates is made anew when all its heads have become better. */
static bool outdated(const Frame *frame, const Pattern *pattern, const TileKey *key, const GpuTileInfo *info) {
    return key->head < 0 && info->estimate > 0 && estimate_of_heads(frame, pattern, key) > info->estimate;
}

static bool compose_now(Frame *frame, const ComposeRequest *request, bool *cut_short) {
    if (gpu_compose(frame->gpu, request, NULL) != STATUS_OK) return false;
    frame->composing.tiles++; /* in part at least */
    if (gpu_tile_find(frame->gpu, &request->key, NULL)) return true;
    *cut_short = true;
    return false;
}

bool images_compose_difference(Frame *frame, const Pattern *pattern, const TileKey *key, const TileKey sources[2],
                               bool base, bool *cut_short) {
    const uint64_t budget = compose_budget(frame);
    if (budget == 0) {
        *cut_short = true;
        return false;
    }
    const bool whole = budget == UINT64_MAX || (base && pattern->layer_index == frame->shown_layer);
    const ResolvedHeads both = {.op = HEADS_DIFF, .count = 2, .weight = {1, -1}, .result_signed = true};
    const ComposeRequest request = {.key = *key,
                                    .heads = &both,
                                    .sources = sources,
                                    .base = base,
                                    .data_signed = pattern->data_signed || pattern->heads.result_signed,
                                    .budget_ns = whole ? 0 : budget};
    return compose_now(frame, &request, cut_short);
}

/* Both images, then their difference. */
static bool difference_ready(Frame *frame, const Pattern *pattern, const TileKey *key, bool base, bool want,
                             bool *cut_short) {
    Reference *reference = pattern->reference;
    TileKey sources[2];
    Pattern alone = *pattern;
    alone.reference = NULL;
    images_source_keys(frame, pattern, key, sources);
    bool ready = images_ready(frame, &alone, &sources[0], base, want, cut_short);
    reference->frame.composing.tiles = frame->composing.tiles;
    ready &= images_ready(&reference->frame, &reference->pattern, &sources[1], base, want, cut_short);
    views_reference_done(frame, &reference->frame);
    return ready && images_compose_difference(frame, pattern, key, sources, base, cut_short);
}

/* The image before a head was added or taken away, and that head: where both are here. */
static bool toggle_now(Frame *frame, const Pattern *pattern, const TileKey *key, bool base) {
    TileKey sources[2];
    ResolvedHeads step;
    if (frame->resting || compose_budget(frame) == 0) return false;
    if (!views_toggle(frame, pattern->set, pattern->layer, &pattern->heads, key, sources, &step)) return false;
    const ComposeRequest request = {
        .key = *key, .heads = &step, .sources = sources, .base = base, .data_signed = pattern->data_signed};
    if (gpu_compose(frame->gpu, &request, NULL) != STATUS_OK) return false;
    frame->composing.tiles++;
    return true;
}

bool images_ready(Frame *frame, const Pattern *pattern, const TileKey *key, bool base, bool want, bool *cut_short) {
    GpuTileInfo info;
    const bool here = gpu_tile_find(frame->gpu, key, &info);
    const bool replace = here && info.stepped && frame->resting;
    if (replace && compose_budget(frame) == 0) *cut_short = true;
    if (here && (compose_budget(frame) == 0 || !(replace || outdated(frame, pattern, key, &info)))) return true;
    if (pattern->reference) return difference_ready(frame, pattern, key, base, want, cut_short);
    const JobKind kind = base ? JOB_BASE : JOB_TILE;
    const bool from_factors = key->variant & TILE_VARIANT_FACTORS;
    TileFactors factors = {.has_rows = false};
    bool ready = images_tiles_resident(frame, pattern, key, kind, want);
    if (from_factors) ready &= views_factors_find(frame, pattern->state, &pattern->heads, key, want, &factors);
    if (!here && !pattern->variant && toggle_now(frame, pattern, key, base)) return true;
    if (!ready || key->head >= 0) return replace;
    const uint64_t budget = compose_budget(frame);
    if (budget == 0) {
        *cut_short = true;
        return false;
    }
    /* The base image of the layer is what makes a switch right in the same frame: it comes first, and whole. */
    const bool whole = budget == UINT64_MAX || replace || (base && pattern->layer_index == frame->shown_layer);
    const ComposeRequest request = {.key = *key,
                                    .heads = &pattern->heads,
                                    .base = base,
                                    .data_signed = pattern->data_signed,
                                    .row_factors = factors.has_rows ? factors.rows : NULL,
                                    .col_factors = factors.has_columns ? factors.columns : NULL,
                                    .budget_ns = whole ? 0 : budget};
    return compose_now(frame, &request, cut_short);
}

bool views_base_ready(Frame *frame, const Look *look, int layer, bool want, TileKey *key) {
    Pattern pattern;
    Reference reference;
    bool cut_short = false;
    if (!images_resolve(frame, look, layer, &pattern, &reference)) return false;
    *key = images_pooled_key(frame, look, &pattern, (TilePlace){.level = pattern.base});
    const bool stands_in = pattern.variant && !frame->exact_only;
    if (images_ready(frame, &pattern, key, true, want && !stands_in, &cut_short)) return true;
    if (!stands_in) return false;
    /* Factors take a small part of the time that tiles of the variant take: they are asked for first. */
    const TileKey pooled = *key;
    *key = views_factor_key(look, key);
    const bool nearly = images_ready(frame, &pattern, key, true, want, &cut_short);
    if (want) (void)images_ready(frame, &pattern, &pooled, true, true, &cut_short);
    if (nearly) return true;
    *key = images_without_variant(pooled);
    return images_ready(frame, &pattern, key, true, false, &cut_short);
}
