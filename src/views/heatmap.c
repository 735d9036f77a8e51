/* From the camera to passes and wants.
 *
 *   wanted level (lq, lk) = finest whose texel covers a pixel
 *   for each visible tile, first that exists of:
 *     exact composite (head sets above level 0) -> base image's mip -> tile / composite -> nearest ancestor -> base
 *     image
 *
 * Images come from images.c. Above level 0 what a head set is composed to may be a bound (DESIGN: "What a pixel
 * means"), so at rest the exact composite is asked of the workers. It has a key of its own (TILE_VARIANT_EXACT), so
 * that bound and exact never replace each other by accident. */
#include "views/images.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VISIBLE_TILES_MAX 1024

bool views_look_signed(const SetInfo *set, const Look *look, const ResolvedHeads *heads) {
    return set->signed_values || look->subject.values == VALUES_SCORES || heads->result_signed ||
           look->compare == COMPARE_DIFF;
}

DisplayParams views_display_params(const Frame *frame, const Look *look, bool is_signed, float lo, float hi) {
    const ColormapId cmap = is_signed ? look->colours.cmap_signed : look->colours.cmap;
    return (DisplayParams){
        .cmap = cmap,
        .channel = views_channel(look),
        .transform = look->colours.transform,
        .gamma = look->colours.gamma,
        .lo = is_signed ? -fmaxf(fabsf(lo), fabsf(hi)) : lo,
        .hi = is_signed ? fmaxf(fabsf(lo), fabsf(hi)) : hi,
        .is_signed = is_signed,
        .masked = frame->theme->masked,
        .nonfinite = frame->theme->nonfinite,
        .clipped = views_clipped_color(cmap, frame->theme->light),
        /* A difference beyond the range keeps its sign. */
        .clipped_below = is_signed ? views_clipped_below_color(cmap) : (Color){0},
    };
}

/* ---- drawing --------------------------------------------------------------------------------- */

typedef struct VisibleTile {
    int64_t y, x;
    double distance;
} VisibleTile;

typedef struct Painter {
    Frame *frame;
    const Look *state;
    ViewResult *result;
    const Pattern *pattern;
    DisplayParams params;
    bool tiles_follow; /* tiles come with overviews that are on their way */
} Painter;

/* Wants better tiles where those under `key` are estimates; the picture stays meanwhile. */
static void want_better_of(Painter *painter, const Frame *frame, const Pattern *pattern, const TileKey *key,
                           JobKind kind) {
    for (int i = 0; i < pattern->heads.count; i++) {
        const TileKey head = tiles_key_of_head(key, pattern->heads.index[i]);
        GpuTileInfo info;
        if (!gpu_tile_find(frame->gpu, &head, &info) || info.estimate == 0) continue;
        TileWant *want = views_want(frame->wants, info.is_base ? JOB_BASE : kind, &head, frame->capture);
        if (want) want->better_than = info.estimate;
        painter->result->pending |= painter->result->exactness != EXACT; /* seen, not only kept in reserve */
    }
}

static void want_better(Painter *painter, const TileKey *key, JobKind kind) {
    const Pattern *pattern = painter->pattern;
    if (!pattern->reference) {
        want_better_of(painter, painter->frame, pattern, key, kind);
        return;
    }
    TileKey sources[2];
    images_source_keys(painter->frame, pattern, key, sources);
    want_better_of(painter, painter->frame, pattern, &sources[0], kind);
    want_better_of(painter, &pattern->reference->frame, &pattern->reference->pattern, &sources[1], kind);
}

static int by_distance(const void *a, const void *b) {
    const double da = ((const VisibleTile *)a)->distance, db = ((const VisibleTile *)b)->distance;
    return (da > db) - (da < db);
}

Rect views_looked_at(const Frame *frame, Rect rect) {
    return frame->part.w > 0 ? rect_intersect(rect, frame->part) : rect;
}

/* Tiles of the level under the plot, nearest to the cursor (or the middle) first. */
static int visible_tiles(const Painter *painter, Level level, VisibleTile *out) {
    const ViewResult *r = painter->result;
    const LayerInfo *layer = painter->pattern->layer;
    const double span_q = ldexp(TILE_SIDE, level.q), span_k = ldexp(TILE_SIDE, level.k);
    const Rect seen = views_looked_at(painter->frame, r->plot);
    if (seen.w <= 0 || seen.h <= 0) return 0;
    const double q0 = (seen.y - r->origin_y) / r->cell_h, q1 = (seen.y + seen.h - r->origin_y) / r->cell_h;
    const double k0 = (seen.x - r->origin_x) / r->cell_w, k1 = (seen.x + seen.w - r->origin_x) / r->cell_w;
    const int64_t y_end = tiles_count_along(layer->queries, level.q), x_end = tiles_count_along(layer->keys, level.k);
    const int64_t y0 = i64_clamp((int64_t)floor(q0 / span_q), 0, y_end),
                  y1 = i64_clamp((int64_t)ceil(q1 / span_q), 0, y_end);
    const int64_t x0 = i64_clamp((int64_t)floor(k0 / span_k), 0, x_end),
                  x1 = i64_clamp((int64_t)ceil(k1 / span_k), 0, x_end);
    const bool cursor = painter->state->matrix.cursor_on;
    const double focus_q = cursor ? (double)painter->state->matrix.cursor_q : (q0 + q1) / 2;
    const double focus_k = cursor ? (double)painter->state->matrix.cursor_k : (k0 + k1) / 2;
    int count = 0;
    for (int64_t y = y0; y < y1; y++) {
        for (int64_t x = x0; x < x1 && count < VISIBLE_TILES_MAX; x++) {
            const double dq = (((double)y + 0.5) * span_q - focus_q) / span_q;
            const double dk = (((double)x + 0.5) * span_k - focus_k) / span_k;
            out[count++] = (VisibleTile){y, x, dq * dq + dk * dk};
        }
    }
    qsort(out, (size_t)count, sizeof *out, by_distance);
    return count;
}

/* Draws the image under `key` (at mip `mip`) over the token rectangle of that tile. */
static void paint_piece(Painter *painter, const TileKey *key, int mip, TilePlace at) {
    const ViewResult *r = painter->result;
    const LayerInfo *layer = painter->pattern->layer;
    const double span_q = ldexp(TILE_SIDE, at.level.q), span_k = ldexp(TILE_SIDE, at.level.k);
    const double q0 = (double)at.y * span_q, q1 = fmin(q0 + span_q, (double)layer->queries);
    const double k0 = (double)at.x * span_k, k1 = fmin(k0 + span_k, (double)layer->keys);
    const double texel_q = ldexp(1.0, key->lq + mip), texel_k = ldexp(1.0, key->lk + mip);
    const double tile_q = (double)key->y * TILE_SIDE, tile_k = (double)key->x * TILE_SIDE;
    const Rect rect = {(float)(r->origin_x + k0 * r->cell_w), (float)(r->origin_y + q0 * r->cell_h),
                       (float)((k1 - k0) * r->cell_w), (float)((q1 - q0) * r->cell_h)};
    const DrawHeatmap heatmap = {
        .key = *key,
        .mip = mip,
        .u0 = (float)(k0 / texel_k - tile_k),
        .u1 = (float)(k1 / texel_k - tile_k),
        .v0 = (float)(q0 / texel_q - tile_q),
        .v1 = (float)(q1 / texel_q - tile_q),
        .keys = layer->keys,
        .params = painter->params,
    };
    draw_heatmap(painter->frame->list, rect, &heatmap);
    painter->result->tiles_drawn++;
    if (painter->state->tile_debug) {
        char label[80];
        GpuTileInfo info = {0};
        (void)gpu_tile_find(painter->frame->gpu, key, &info);
        snprintf(label, sizeof label, "L%d,%d  %lld,%lld  age %llu", key->lq + mip, key->lk + mip, (long long)at.y,
                 (long long)at.x, (unsigned long long)info.age);
        draw_frame(painter->frame->list, rect, 0, 1, painter->frame->theme->warning);
        const TextStyle style = {.size = 11 * painter->frame->scale};
        draw_text(painter->frame->list, rect.x + 4, rect.y + 14 * painter->frame->scale, label, style, ALIGN_LEFT,
                  painter->frame->theme->warning);
    }
}

static Exactness worse(Exactness a, Exactness b) {
    if (a == EXACT) return b;
    if (b == EXACT || a == b) return a;
    if (a == ESTIMATE || b == ESTIMATE) return ESTIMATE;
    return a == APPROXIMATE || b == APPROXIMATE ? APPROXIMATE : BOUND_BOTH;
}

static void note_exactness(Painter *painter, const TileKey *key) {
    GpuTileInfo info;
    if (!gpu_tile_find(painter->frame->gpu, key, &info)) return;
    const bool max = views_channel(painter->state) == CHANNEL_MAX;
    painter->result->exactness = worse(painter->result->exactness, max ? info.exactness_max : info.exactness_mean);
}

/* What stands in for the variant until it is there. */
static void note_stand_in(Painter *painter) {
    painter->result->exactness = worse(painter->result->exactness, APPROXIMATE);
    painter->result->pending = true;
}

/* Without the variant, or only nearly with it: one whose factors are means. */
static bool stands_in(const Painter *painter, const TileKey *key, int mip) {
    const bool means = (key->variant & TILE_VARIANT_FACTORS) && (mip > 0 || key->lq > 0 || key->lk > 0);
    return painter->pattern->variant && (key->variant == 0 || means);
}

/* What there is of this place without tiles of the variant. */
static bool paint_stand_in(Painter *painter, const TileKey *key, TilePlace at) {
    Frame *frame = painter->frame;
    bool cut_short = false;
    if (frame->exact_only || painter->pattern->reference) return false;
    const TileKey plain = images_without_variant(images_pooled_key(frame, painter->state, painter->pattern, at));
    const TileKey nearly = views_factor_key(painter->state, key);
    const bool ready = (at.level.q > 0 || at.level.k > 0) &&
                       images_tiles_resident(frame, painter->pattern, &nearly, JOB_TILE, false) &&
                       images_ready(frame, painter->pattern, &nearly, false, true, &cut_short);
    if (!ready && !gpu_tile_find(frame->gpu, &plain, NULL)) return false;
    paint_piece(painter, ready ? &nearly : &plain, 0, at);
    note_stand_in(painter);
    return true;
}

/* Nearest resident ancestor, else the base image, else nothing. */
static void paint_ancestor(Painter *painter, const TileKey *base, TilePlace at) {
    const Pattern *pattern = painter->pattern;
    painter->result->coarse = true;
    for (int up = 1; at.level.q + up <= pattern->base.q || at.level.k + up <= pattern->base.k; up++) {
        const Level coarser = {(int)i64_max(at.level.q, i64_min(at.level.q + up, pattern->base.q)),
                               (int)i64_max(at.level.k, i64_min(at.level.k + up, pattern->base.k))};
        TileKey key = images_pooled_key(
            painter->frame, painter->state, pattern,
            (TilePlace){coarser, at.y >> (coarser.q - at.level.q), at.x >> (coarser.k - at.level.k)});
        if (gpu_tile_find(painter->frame->gpu, &key, NULL)) {
            note_exactness(painter, &key);
            paint_piece(painter, &key, 0, at);
            return;
        }
    }
    if (base && stands_in(painter, base, 0)) note_stand_in(painter);
    if (base) {
        note_exactness(painter, base);
        paint_piece(painter, base, 0, at);
    } else {
        painter->result->missing = true;
    }
}

/* Mip of the base image that shows `level`, or -1. */
static int base_mip(const Painter *painter, Level level) {
    const Level base = painter->pattern->base;
    const int mip = level.q - base.q;
    return mip >= 0 && mip == level.k - base.k ? mip : -1;
}

/* Is the image that heads are composed to at this level only a bound of what is shown? */
static bool is_bounded(const Painter *painter, const Pattern *pattern, Level level) {
    if (pattern->single) return false;
    if (painter->frame->part.w > 0) return true;
    return (level.q > 0 || level.k > 0) &&
           tiles_headset_exactness(&pattern->heads, level, views_channel(painter->state)) != EXACT;
}

/* True when the exact composite of one capture is here; wants it otherwise (when `want`). */
static bool exact_here(Painter *painter, const Frame *frame, const TileKey *exact, bool want) {
    if (gpu_tile_find(frame->gpu, exact, NULL)) return true;
    if (!want) return false;
    TileWant *wish = views_want(frame->wants, JOB_COMPOSITE, exact, frame->capture);
    if (wish) wish->heads = painter->state->subject.heads;
    return false;
}

/* The same for what is shown, which may be a difference: composed here from exact images. */
static bool exact_ready(Painter *painter, const TileKey *exact, bool want) {
    Frame *frame = painter->frame;
    const Pattern *pattern = painter->pattern;
    bool cut_short = false;
    if (!pattern->reference) return exact_here(painter, frame, exact, want);
    if (gpu_tile_find(frame->gpu, exact, NULL)) return true;
    TileKey sources[2];
    Pattern alone = *pattern;
    alone.reference = NULL;
    images_source_keys(frame, pattern, exact, sources);
    Reference *reference = pattern->reference;
    const bool first = pattern->single ? images_ready(frame, &alone, &sources[0], false, want, &cut_short)
                                       : exact_here(painter, frame, &sources[0], want);
    const bool second = reference->pattern.single
                            ? images_ready(&reference->frame, &reference->pattern, &sources[1], false, want, &cut_short)
                            : exact_here(painter, &reference->frame, &sources[1], want);
    return first && second && images_compose_difference(frame, pattern, exact, sources, false, &cut_short);
}

/* `base`: the base image, or NULL. */
static void paint_tile(Painter *painter, const TileKey *base, TilePlace at) {
    Frame *frame = painter->frame;
    const Pattern *pattern = painter->pattern;
    TileKey key = images_key(frame, painter->state, pattern, at);
    bool want_exact = false;
    if (is_bounded(painter, pattern, at.level) ||
        (pattern->reference && is_bounded(painter, &pattern->reference->pattern, at.level))) {
        TileKey exact = images_pooled_key(frame, painter->state, pattern, at);
        exact.variant |= TILE_VARIANT_EXACT;
        want_exact = frame->resting || frame->exact_only;
        if (exact_ready(painter, &exact, want_exact)) {
            paint_piece(painter, &exact, 0, at);
            return;
        }
        painter->result->pending |= want_exact;
    }
    const int mip = base_mip(painter, at.level);
    GpuTileInfo info;
    if (base && mip >= 0 && gpu_tile_find(frame->gpu, base, &info) && mip < info.mip_count) {
        note_exactness(painter, base);
        if (stands_in(painter, base, mip)) note_stand_in(painter);
        paint_piece(painter, base, mip, at);
        return;
    }
    bool cut_short = false;
    /* Where the exact composite is on its way, tiles of every head would be work for nothing. */
    const bool want_tiles = !frame->flying && !(want_exact && frame->exact_only) && mip < 0 && !painter->tiles_follow;
    /* Factors take a small part of the time that tiles of the variant take: they are asked for first. */
    const bool factors_first = pattern->variant && !pattern->reference && !frame->exact_only &&
                               !(key.variant & TILE_VARIANT_FACTORS);
    if (images_ready(frame, pattern, &key, false, want_tiles && !factors_first, &cut_short)) {
        note_exactness(painter, &key);
        paint_piece(painter, &key, 0, at);
        return;
    }
    painter->result->pending = true;
    const bool painted = pattern->variant && paint_stand_in(painter, &key, at);
    if (factors_first && want_tiles) (void)images_tiles_resident(frame, pattern, &key, JOB_TILE, true);
    if (!painted) paint_ancestor(painter, base, at);
}

/* How far below the overview the level is that is looked at, where one reading makes both; else 0. */
static int finer_than_base(const Frame *frame, const Pattern *pattern, Level level) {
    const int finer = pattern->base.q - level.q;
    return frame->flying || finer < 1 || finer > TILE_FINER_MAX || pattern->base.k - level.k != finer ? 0 : finer;
}

/* Are overviews on their way that bring the tiles of this level along? */
static bool tiles_follow(const Frame *frame, const Pattern *pattern, const TileKey *base, Level level) {
    GpuTileInfo info = {0};
    if (finer_than_base(frame, pattern, level) == 0 || !gpu_tile_find(frame->gpu, base, &info) || info.estimate == 0 ||
        !tiles_exact_at_once(pattern->set, pattern->layer, pattern->base)) {
        return false;
    }
    for (int i = 0; i < pattern->heads.count; i++) {
        const TileKey head = tiles_key_of_head(base, pattern->heads.index[i]);
        if (views_has_failed(frame, &head)) return false;
    }
    return true;
}

/* Of the overviews that are asked for, from `first` on: what comes with them, and how many make the picture. */
static void describe_bases(Frame *frame, const Pattern *pattern, Level level, size_t first) {
    const int finer = finer_than_base(frame, pattern, level);
    for (size_t i = first; i < frame->wants->count; i++) {
        TileWant *want = &frame->wants->items[i];
        if (want->kind != JOB_BASE) continue;
        want->finer = finer;
        want->company = frame->exact_only ? 0 : pattern->heads.count;
    }
}

void views_heatmap(Frame *frame, const Look *look, ViewResult *result) {
    Pattern pattern;
    Reference reference;
    result->exactness = EXACT;
    if (!frame->capture || !images_resolve(frame, look, look->subject.layer, &pattern, &reference)) {
        result->missing = true;
        return;
    }
    TileKey base_key;
    const Level level = {tiles_level_for_scale(result->cell_h), tiles_level_for_scale(result->cell_w)};
    const size_t wanted = frame->wants->count;
    const bool base_here = views_base_ready(frame, look, look->subject.layer, true, &base_key);
    if (!base_here) result->pending = true;
    result->level = level;

    result->lo = look->colours.lo;
    result->hi = look->colours.hi;
    result->range_known = true;
    if (look->colours.range_mode != RANGE_MANUAL && !look->colours.range_locked) {
        float hi = 0;
        result->range_known = views_auto_range(frame, look, look->subject.layer, look->colours.percentile, &hi);
        if (result->range_known) {
            result->lo = pattern.is_signed ? -hi : 0;
            result->hi = hi;
        }
    }
    Painter painter = {.frame = frame, .state = look, .result = result, .pattern = &pattern};
    painter.tiles_follow = base_here && tiles_follow(frame, &pattern, &base_key, level);
    painter.params = views_display_params(frame, look, pattern.is_signed, result->lo, result->hi);
    if (!result->range_known) {
        /* Without a range colours would flash; the ground is shown for the few milliseconds until the base is there. */
        result->missing = true;
        result->pending = true;
    }
    static VisibleTile tiles[VISIBLE_TILES_MAX]; /* GL thread only */
    const int count = visible_tiles(&painter, level, tiles);
    draw_clip(frame->list, result->plot);
    for (int i = 0; i < count && result->range_known; i++)
        paint_tile(&painter, base_here ? &base_key : NULL, (TilePlace){level, tiles[i].y, tiles[i].x});
    for (int i = 0; i < count && result->exactness != EXACT; i++) {
        const TileKey key = images_key(frame, look, &pattern, (TilePlace){level, tiles[i].y, tiles[i].x});
        want_better(&painter, &key, JOB_TILE);
    }
    if (base_here) want_better(&painter, &base_key, JOB_BASE);
    describe_bases(frame, &pattern, level, wanted);
    draw_clip_off(frame->list);
}
