/* Row factors of factored sets. They need whole rows, before the request begins that they scale: these are themselves
 * pooled from Q and K, one texel a row, whose mean gives the sum, and whose maximum the maximum. */
#include "tiles/fused.h"

#include <math.h>

enum { ROWS_AT_A_TIME = 1024 };

static float factor_from(const float rg[2], RowScale scale, int64_t keys) {
    bool visible = !tiles_is_masked(rg[1], false) && !tiles_is_nonfinite(rg[1], false);
    double total = visible ? scale == ROWS_SUM ? (double)rg[0] * (double)keys : (double)rg[1] : 0.0;
    float factor = total > 0.0 ? (float)(1.0 / total) : 0.0f;
    return isfinite(factor) ? factor : 0.0f;
}

Status tiles_fused_row_factors(const FactorRequest *r, int64_t q0, int64_t q1, const FactorWork *work,
                               FusedScratch *scratch, Error *err) {
    float rg[2 * ROWS_AT_A_TIME], factors[ROWS_AT_A_TIME];
    const LayerInfo *layer = &capture_set(r->capture, r->ref.set)->layers[r->ref.layer];
    const ResolvedHeads head = {.op = HEADS_MEAN, .count = 1, .index = {r->ref.head}, .weight = {1.0f}};
    RowScale scale = r->variant->row_scale;
    Variant columns = *r->variant;
    columns.row_scale = ROWS_AS_STORED;
    PoolRequest one = {.capture = r->capture,
                       .set = r->ref.set,
                       .item = r->ref.item,
                       .step = r->ref.step,
                       .layer = r->ref.layer,
                       .values = r->values,
                       .heads = &head,
                       .level = {0, tiles_base_level(layer->keys, 1)},
                       .width = 1,
                       .variant = tiles_variant_id(&columns) != 0 ? &columns : NULL,
                       .factors = r->store,
                       .pause = work->pause,
                       .pause_user = work->pause_user};
    if ((scale != ROWS_SUM && scale != ROWS_MAX) || r->values != VALUES_WEIGHTS || r->store == NULL ||
        !tiles_fused_takes(&one, 0, layer->keys)) {
        return STATUS_OK;
    }
    for (int64_t q = q0; q < q1; q += ROWS_AT_A_TIME) {
        int64_t from, to;
        tiles_factors_known(r, q, i64_min(q1, q + ROWS_AT_A_TIME), factors, &from, &to);
        if (from >= to) {
            continue;
        }
        for (int64_t i = 0; i < to - from; i++) {
            rg[2 * i] = 0.0f;
            rg[2 * i + 1] = TILE_MASKED;
        }
        one.y0 = from;
        one.height = (int)(to - from);
        const FusedArea area = {0, layer->keys, to - from, 1};
        Status status = tiles_fused_pool(&one, &area, rg, scratch, work->cancel, err);
        if (status != STATUS_OK) {
            return status;
        }
        for (int64_t i = 0; i < to - from; i++) {
            factors[i] = factor_from(rg + 2 * i, scale, layer->keys);
        }
        tiles_factors_keep(r, from, to, factors);
    }
    return STATUS_OK;
}
