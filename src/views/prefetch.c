/* What will be looked at next, judged by where the hand goes: tiles of the next layer, of the next head, beyond the
 * edge that the view moves to, of the level that a zoom comes to. All of it stands behind what is visible in the
 * queue, and as a whole takes no more than a part of the GPU's budget, so that it never pushes out what is on screen. */
#include "views/frame.h"

#include <math.h>

#define AROUND_TILES_MAX 64  /* queued at a time; the queue is made anew with each frame */
#define AROUND_BUDGET_PART 8 /* of the GPU's budget */
#define TILE_BYTES ((size_t)TILE_SIDE * TILE_SIDE * 4)
#define MOVING 1e-3 /* of the view a second: less is rest */

/* Tiles of a level, half-open. */
typedef struct Span {
    int64_t y0, y1, x0, x1;
} Span;

typedef struct Around {
    Frame *frame;
    const Look *state;
    const ViewResult *result;
    const LayerInfo *layer;
    ResolvedHeads heads;
    Level base;
    uint32_t variant;
    int left; /* tiles that may still be wanted */
} Around;

static Span span_of(const Around *a, Level level) {
    const ViewResult *r = a->result;
    const double span_q = ldexp(TILE_SIDE, level.q) * r->cell_h, span_k = ldexp(TILE_SIDE, level.k) * r->cell_w;
    const double top = r->plot.y - r->origin_y, left = r->plot.x - r->origin_x;
    const int64_t rows = tiles_count_along(a->layer->queries, level.q),
                  columns = tiles_count_along(a->layer->keys, level.k);
    return (Span){.y0 = i64_clamp((int64_t)floor(top / span_q), 0, rows),
                  .y1 = i64_clamp((int64_t)ceil((top + r->plot.h) / span_q), 0, rows),
                  .x0 = i64_clamp((int64_t)floor(left / span_k), 0, columns),
                  .x1 = i64_clamp((int64_t)ceil((left + r->plot.w) / span_k), 0, columns)};
}

/* Mips of the base tile show this level: there is nothing finer to fetch. */
static bool base_shows(const Around *a, Level level) {
    return level.q >= a->base.q && level.q - a->base.q == level.k - a->base.k;
}

static void want_tile(Around *a, int layer, int head, TilePlace at) {
    TileKey key = views_key(a->frame, a->state, layer, head, 0, at);
    if (at.level.q > 0 || at.level.k > 0) key.variant = a->variant; /* at level 0 factors do */
    if (a->left <= 0 || gpu_tile_find(a->frame->gpu, &key, NULL)) return;
    a->left--;
    views_want(a->frame->wants, JOB_TILE, &key, a->frame->capture);
}

static void want_span(Around *a, int layer, Level level, Span span) {
    const int64_t rows = tiles_count_along(a->layer->queries, level.q),
                  columns = tiles_count_along(a->layer->keys, level.k);
    if (base_shows(a, level)) return;
    for (int64_t y = i64_max(0, span.y0); y < i64_min(rows, span.y1) && a->left > 0; y++) {
        for (int64_t x = i64_max(0, span.x0); x < i64_min(columns, span.x1) && a->left > 0; x++) {
            for (int i = 0; i < a->heads.count; i++)
                want_tile(a, layer, a->heads.index[i], (TilePlace){level, y, x});
        }
    }
}

/* The same place in another layer: its overview, then its detail. */
static void want_layer(Around *a, int layer) {
    const SetInfo *set = capture_set(a->frame->capture, a->state->subject.set);
    if (layer < 0 || layer >= set->layer_count) return;
    const LayerInfo *info = &set->layers[layer];
    if (info->queries != a->layer->queries || info->keys != a->layer->keys) return;
    for (int i = 0; i < a->heads.count; i++) {
        TileKey key = views_key(a->frame, a->state, layer, a->heads.index[i], 0, (TilePlace){.level = a->base});
        key.variant = a->variant;
        if (a->heads.index[i] >= info->head_count) return;
        if (!gpu_tile_find(a->frame->gpu, &key, NULL)) views_want(a->frame->wants, JOB_BASE, &key, a->frame->capture);
    }
    if (!a->frame->flying) want_span(a, layer, a->result->level, span_of(a, a->result->level));
}

static void want_neighbour_heads(Around *a, int direction) {
    if (a->heads.count != 1 || direction == 0) return;
    const int head = a->heads.index[0] + direction;
    if (head < 0 || head >= a->layer->head_count) return;
    const int kept = a->heads.index[0];
    a->heads.index[0] = head;
    want_span(a, a->state->subject.layer, a->result->level, span_of(a, a->result->level));
    a->heads.index[0] = kept;
}

static void want_edges(Around *a, const ViewMotion *motion) {
    const Level level = a->result->level;
    const Span s = span_of(a, level);
    const Span below = {s.y1, s.y1 + 1, s.x0 - 1, s.x1 + 1}, above = {s.y0 - 1, s.y0, s.x0 - 1, s.x1 + 1};
    const Span right = {s.y0, s.y1, s.x1, s.x1 + 1}, left = {s.y0, s.y1, s.x0 - 1, s.x0};
    /* First where the view moves to, the faster axis before the other; then the rest of the ring. */
    const bool rows_first = fabs(motion->q) >= fabs(motion->k);
    for (int turn = 0; turn < 2; turn++) {
        const bool rows = (turn == 0) == rows_first;
        const double speed = rows ? motion->q : motion->k;
        if (fabs(speed) > MOVING)
            want_span(a, a->state->subject.layer, level, rows ? (speed > 0 ? below : above) : speed > 0 ? right : left);
    }
    const Span ring[] = {below, above, right, left};
    for (size_t i = 0; i < BASE_COUNT(ring); i++)
        want_span(a, a->state->subject.layer, level, ring[i]);
}

static void want_zoom(Around *a, const ViewMotion *motion) {
    Level level = a->result->level;
    if (fabs(motion->zoom) < MOVING) return;
    const int step = motion->zoom > 0 ? -1 : 1;
    level.q = (int)i64_max(0, level.q + step);
    level.k = (int)i64_max(0, level.k + step);
    Span s = span_of(a, level);
    if (step < 0) { /* what will be in the middle */
        const int64_t rows = s.y1 - s.y0, columns = s.x1 - s.x0;
        s = (Span){s.y0 + rows / 4, s.y1 - rows / 4, s.x0 + columns / 4, s.x1 - columns / 4};
    }
    want_span(a, a->state->subject.layer, level, s);
}

static bool begin(Around *a, Frame *frame, const Look *look, const ViewResult *result) {
    const SetInfo *set;
    int64_t queries, keys;
    *a = (Around){.frame = frame, .state = look, .result = result};
    if (!views_pattern(frame->capture, look, &set, &a->layer, &queries, &keys) || result->cell_w <= 0 ||
        result->cell_h <= 0)
        return false;
    if (tiles_headset_resolve(&look->subject.heads, set, a->layer, &a->heads, NULL) != STATUS_OK) return false;
    const size_t room = gpu_info(frame->gpu)->tile_budget / AROUND_BUDGET_PART / TILE_BYTES;
    a->left = (int)i64_min(AROUND_TILES_MAX, (int64_t)room);
    a->base = views_base_level(frame, a->layer);
    a->variant = views_variant_id(look);
    return true;
}

void views_want_visible(Frame *frame, const Look *look, const ViewResult *result) {
    Around a;
    if (!frame->flying && begin(&a, frame, look, result))
        want_span(&a, look->subject.layer, result->level, span_of(&a, result->level));
}

void views_want_around(Frame *frame, const Look *look, const ViewResult *result, const ViewMotion *motion) {
    Around a;
    if (!begin(&a, frame, look, result)) return;
    const int direction = motion->layer < 0 ? -1 : 1;
    want_layer(&a, look->subject.layer + direction);
    if (frame->flying) return;
    want_neighbour_heads(&a, motion->head);
    want_zoom(&a, motion);
    want_edges(&a, motion);
    want_layer(&a, look->subject.layer - direction);
}

bool views_reserve_ahead(Frame *frame, const Look *look) {
    const SetInfo *set;
    const LayerInfo *layer;
    ResolvedHeads heads;
    int64_t queries, keys;
    if (!views_pattern(frame->capture, look, &set, &layer, &queries, &keys)) return false;
    if (tiles_headset_resolve(&look->subject.heads, set, layer, &heads, NULL) != STATUS_OK) return false;
    const Level base = views_base_level(frame, layer);
    const bool base_is_all = base.q == 0 && base.k == 0;
    return !base_is_all && gpu_reserve_ahead(frame->gpu, heads.count, !views_look_signed(set, look, &heads));
}
