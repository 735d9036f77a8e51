/* Pooling straight from Q and K: no row of weights ever reaches memory.
 *
 *   group    texel rows that fit a band, or one that takes several bands
 *    band      BAND_ROWS queries, packed once
 *
 *   strips   (fused_strips.c) one head, all keys of its rows asked for, normalisers unknown: one product a cell
 *   blocks   normalisers first (fused_rows.c), then blocks of KERNEL_ROWS x KERNEL_KEYS cells in the first-level
 *            cache, several heads combined cell by cell: a second product a cell, any length, any part of a pattern.
 *
 * Panels that no row of a block sees are not computed. */
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

/* A texel group: so many cells under it are pooled between two looks at the texels. */
enum { GROUP_TEXELS = 1 << 16 };

/* ---- blocks ---------------------------------------------------------------------------------- */

typedef struct Band {
    const uint32_t *queries; /* [head][band_rows][depth] */
    int64_t qa, qb;
    float *block, *combined; /* KERNEL_ROWS and band_rows of KERNEL_KEYS */
} Band;

static const uint32_t *band_queries(const Fused *f, const Band *band, int head, int64_t q) {
    return band->queries + (size_t)(head * f->band_rows + (q - band->qa)) * (size_t)f->depth;
}

static bool sees(const Fused *f, int64_t q, int rows, int64_t k) {
    KeySpan span = tiles_fused_hull(f, q, q + rows);
    return span.lo < k + KERNEL_KEYS && span.hi > k;
}

static void panel_of_one(const Fused *f, const Band *band, const uint32_t *panel, int64_t k) {
    FoldRun run = {.rows = 0};
    for (int64_t q = band->qa; q < band->qb; q += KERNEL_ROWS) {
        int rows = (int)i64_min(KERNEL_ROWS, band->qb - q);
        if (sees(f, q, rows, k)) {
            tiles_fused_cells(f, band_queries(f, band, 0, q), panel, rows, f->shift + (q - band->qa), band->block);
            if (!tiles_fused_full(f, q, rows, k)) {
                tiles_fused_mask(f, q, rows, k, band->block, KERNEL_KEYS, 0.0f);
            }
            tiles_fused_weigh(f, 0, k, band->block, rows);
            tiles_fused_fold(f, &run, band->block, KERNEL_KEYS, q, rows, k, f->factor + (q - band->qa));
        }
    }
    tiles_fused_fold_end(f, &run);
}

/* Adds one head to band->combined. */
static void combine_head(const Fused *f, const Band *band, int head, const uint32_t *panel, int64_t k) {
    HeadOp op = f->request->heads->op;
    bool extreme = (op == HEADS_MAX || op == HEADS_MIN) && head > 0;
    for (int64_t q = band->qa; q < band->qb; q += KERNEL_ROWS) {
        int rows = (int)i64_min(KERNEL_ROWS, band->qb - q);
        int64_t at = head * f->band_rows + (q - band->qa);
        float *to = band->combined + (size_t)(q - band->qa) * KERNEL_KEYS;
        if (!sees(f, q, rows, k)) {
            continue;
        }
        tiles_fused_cells(f, band_queries(f, band, head, q), panel, rows, f->shift + at, band->block);
        tiles_fused_weigh(f, head, k, band->block, rows);
        if (extreme) {
            f->kernel->extreme(band->block, KERNEL_KEYS, rows, f->factor + at, op == HEADS_MAX, to);
        } else {
            f->kernel->add(band->block, KERNEL_KEYS, rows, f->factor + at, to);
        }
    }
}

static Status panel_of_several(const Fused *f, const Band *band, int64_t k, Error *err) {
    FoldRun run = {.rows = 0};
    float ones[KERNEL_ROWS];
    for (int r = 0; r < KERNEL_ROWS; r++) {
        ones[r] = 1.0f;
    }
    memset(band->combined, 0, (size_t)f->band_rows * KERNEL_KEYS * sizeof *band->combined);
    for (int head = 0; head < f->request->heads->count; head++) {
        KeyPanels panel;
        Status status = tiles_operand_look_around(f, err);
        status = status == STATUS_OK ? tiles_operand_keys(f, head, k, &panel, err) : status;
        if (status != STATUS_OK) {
            return status;
        }
        combine_head(f, band, head, panel.items, k);
    }
    for (int64_t q = band->qa; q < band->qb; q += KERNEL_ROWS) {
        int rows = (int)i64_min(KERNEL_ROWS, band->qb - q);
        float *cells = band->combined + (size_t)(q - band->qa) * KERNEL_KEYS;
        if (sees(f, q, rows, k)) {
            if (!tiles_fused_full(f, q, rows, k)) {
                tiles_fused_mask(f, q, rows, k, cells, KERNEL_KEYS, 0.0f);
            }
            tiles_fused_fold(f, &run, cells, KERNEL_KEYS, q, rows, k, ones);
        }
    }
    tiles_fused_fold_end(f, &run);
    return STATUS_OK;
}

/* Shifts and factors of all heads, the weights they are combined with included. */
static Status normalise_band(const Fused *f, const Band *band, Error *err) {
    Status status = STATUS_OK;
    for (int head = 0; status == STATUS_OK && head < f->request->heads->count; head++) {
        float *shift = f->shift + head * f->band_rows, *factor = f->factor + head * f->band_rows;
        for (int64_t i = 0; i < f->band_rows; i++) {
            shift[i] = 0.0f;
            factor[i] = 1.0f;
        }
        if (f->weights) {
            status = tiles_fused_normalise(f, head, band->qa, band->qb, band_queries(f, band, head, band->qa), shift,
                                           factor, err);
        }
        if (status == STATUS_OK && f->columns != NULL) {
            status = tiles_fused_scale_rows(f, head, band->qa, band->qb, factor, err);
        }
        float weight = tiles_fused_weight(f, head);
        for (int64_t i = 0; i < band->qb - band->qa; i++) {
            factor[i] *= weight;
        }
    }
    return status;
}

static Status pool_blocks(const Fused *f, Band *band, Error *err) {
    Status status = normalise_band(f, band, err);
    KeySpan keys = tiles_fused_hull(f, band->qa, band->qb);
    band->block = tiles_aligned(&f->scratch->block, KERNEL_ROWS * KERNEL_KEYS, sizeof *band->block);
    if (status == STATUS_OK && band->block == NULL) {
        return tiles_fused_no_memory(err);
    }
    keys.lo = tiles_fused_panel_start(i64_max(keys.lo, f->k0));
    keys.hi = i64_min(keys.hi, f->k1);
    for (int64_t k = keys.lo; status == STATUS_OK && k < keys.hi; k += KERNEL_KEYS) {
        KeyPanels panel;
        if (f->single) {
            status = tiles_operand_look_around(f, err);
            status = status == STATUS_OK ? tiles_operand_keys(f, 0, k, &panel, err) : status;
            if (status == STATUS_OK) {
                panel_of_one(f, band, panel.items, k);
            }
        } else {
            status = panel_of_several(f, band, k, err);
        }
    }
    return status;
}

/* ---- bands ----------------------------------------------------------------------------------- */

/* Do the strips do for these rows? All they see is asked for, as it is, in one piece, and some normaliser is not
 * known. */
static Status wants_strips(const Fused *f, int64_t qa, int64_t qb, bool *out, Error *err) {
    double lse[BAND_ROWS];
    int64_t missing0, missing1;
    KeySpan keys = tiles_fused_hull(f, qa, qb);
    *out = false;
    if (!f->single || !f->weights || f->columns != NULL || keys.lo < f->k0 || keys.hi > f->k1 ||
        keys.hi - tiles_fused_panel_start(keys.lo) > tiles_fused_strip_keys(f)) {
        return STATUS_OK;
    }
    Status status = tiles_fused_known(f, 0, qa, qb, lse, &missing0, &missing1, err);
    *out = status == STATUS_OK && missing0 < missing1;
    return status;
}

static Status pool_band(const Fused *f, int64_t qa, int64_t qb, Error *err) {
    int heads = f->request->heads->count;
    KeySpan keys = tiles_fused_hull(f, qa, qb);
    if (i64_max(keys.lo, f->k0) >= i64_min(keys.hi, f->k1)) {
        return STATUS_OK;
    }
    uint32_t *queries = tiles_aligned(&f->scratch->queries, (size_t)(heads * f->band_rows) * (size_t)f->depth,
                                      sizeof *queries);
    if (queries == NULL) {
        return tiles_fused_no_memory(err);
    }
    Band band = {.queries = queries, .qa = qa, .qb = qb, .combined = f->scratch->combined.memory};
    if (!f->single) {
        band.combined = tiles_aligned(&f->scratch->combined, (size_t)f->band_rows * KERNEL_KEYS, sizeof(float));
        if (band.combined == NULL) {
            return tiles_fused_no_memory(err);
        }
    }
    for (int head = 0; head < heads; head++) {
        Status status = tiles_operand_look_around(f, err);
        size_t offset = (size_t)(head * f->band_rows) * (size_t)f->depth;
        status = status == STATUS_OK ? tiles_operand_queries(f, head, qa, qb, queries + offset, &f->largest[head], err)
                                     : status;
        if (status != STATUS_OK) {
            return status;
        }
    }
    bool strips;
    int64_t done = 0;
    Status status = wants_strips(f, qa, qb, &strips, err);
    if (status == STATUS_OK && strips) {
        status = tiles_fused_strips(f, qa, qb, queries, &done, err);
    }
    if (status != STATUS_OK || qa + done >= qb) {
        return status;
    }
    band.qa += done;
    band.queries += (size_t)done * (size_t)f->depth; /* done > 0: a single head */
    return pool_blocks(f, &band, err);
}

/* A texel that no row of the sample sees, and another row may, is nearly nothing, but not masked. */
static void show_unseen(const Fused *f, int64_t y, int64_t row) {
    const PoolRequest *r = f->request;
    int64_t first = y << r->level.q, last = first + tiles_cells_in_texel(f->info.queries, r->level.q, y) - 1;
    int64_t lo, hi, unused;
    capture_factored_visible(&f->info, first, &lo, &unused);
    capture_factored_visible(&f->info, last, &unused, &hi);
    for (int64_t x = 0; lo < hi && x < f->texel_columns; x++) {
        size_t texel = (size_t)(row * f->texel_columns + x);
        bool inside = r->x0 + x >= lo >> r->level.k && r->x0 + x <= (hi - 1) >> r->level.k;
        if (inside && f->texels.max[texel] == -INFINITY) {
            f->texels.max[texel] = f->texels.min[texel] = 0.0f;
        }
    }
}

static void finish_group(const Fused *f, int64_t ty, int64_t rows, float *rg) {
    const PoolRequest *r = f->request;
    for (int64_t y = 0; y < rows; y++) {
        TexelRow row = {.first = (size_t)(y * f->texel_columns),
                        .count = f->texel_columns,
                        .x0 = r->x0,
                        .keys = f->info.keys,
                        .level = r->level.k,
                        .rows = (double)tiles_cells_in_texel(f->info.queries, r->level.q, r->y0 + ty + y),
                        .is_signed = f->is_signed};
        if (r->sample > 0) {
            row.rows = (double)r->sample;
            show_unseen(f, r->y0 + ty + y, y);
        }
        if (f->columns != NULL && tiles_variant_hides(r->variant)) {
            tiles_fused_hide(f, r->y0 + ty + y, y);
        }
        for (size_t texel = row.first; texel < row.first + (size_t)row.count; texel++) {
            f->texels.bad[texel] = isfinite(f->texels.sum[texel]) ? 0u : 1u;
        }
        tiles_reduce_finish(&f->texels, &row, rg + 2 * (size_t)(ty + y) * (size_t)r->width);
    }
}

static Status pool_groups(Fused *f, int64_t texel_rows, float *rg, Error *err) {
    const PoolRequest *r = f->request;
    FusedScratch *s = f->scratch;
    int64_t group = i64_clamp(f->band_rows / f->side, 1, texel_rows);
    int64_t row_end = r->sample > 0 ? INT64_MAX : f->info.queries;
    group = i64_clamp(GROUP_TEXELS / f->texel_columns, 1, group);
    size_t count = (size_t)(group * f->texel_columns);
    f->texels = (TexelSums){.sum = tiles_aligned(&s->texel_sum, count, sizeof(double)),
                            .max = tiles_aligned(&s->texel_max, count, sizeof(float)),
                            .min = tiles_aligned(&s->texel_min, count, sizeof(float)),
                            .bad = tiles_aligned(&s->texel_bad, count, sizeof(uint32_t))};
    if (f->texels.sum == NULL || f->texels.max == NULL || f->texels.min == NULL || f->texels.bad == NULL) {
        return tiles_fused_no_memory(err);
    }
    Status status = STATUS_OK;
    for (int64_t ty = 0; status == STATUS_OK && ty < texel_rows; ty += group) {
        int64_t rows = i64_min(group, texel_rows - ty);
        int64_t end = i64_min(row_end, (r->y0 + ty + rows) * f->side);
        f->first_row = r->y0 + ty;
        tiles_reduce_texels_reset(&f->texels, (size_t)(rows * f->texel_columns));
        for (int64_t q = f->first_row * f->side; status == STATUS_OK && q < end; q += f->band_rows) {
            status = pool_band(f, q, i64_min(end, q + f->band_rows), err);
        }
        if (status == STATUS_OK) {
            finish_group(f, ty, rows, rg);
        }
    }
    return status;
}

static int count_key_heads(const PoolRequest *request, const LayerInfo *layer) {
    int count = 0, last = -1;
    for (int i = 0; i < request->heads->count; i++) {
        const int key_head = capture_key_head(layer, request->heads->index[i]);
        count += key_head != last ? 1 : 0;
        last = key_head;
    }
    return count;
}

Status tiles_fused_pool(const PoolRequest *request, const FusedArea *area, float *rg, FusedScratch *scratch,
                        const CancelFlag *cancel, Error *err) {
    const ResolvedHeads *heads = request->heads;
    Fused f = {.request = request, .cancel = cancel, .scratch = scratch};
    Status status = capture_factored(request->capture, tiles_fused_ref(&f, 0), &f.info, err);
    if (status != STATUS_OK) {
        return status;
    }
    f.kernel = tiles_kernel_choose(f.info.bf16);
    f.depth = tiles_kernel_depth(f.kernel, f.info.dim);
    f.key_heads = count_key_heads(request, &capture_set(request->capture, request->set)->layers[request->layer]);
    f.single = heads->count == 1 && heads->op != HEADS_DIFF;
    f.single = f.single && (heads->op != HEADS_WEIGHTED || heads->weight[0] == 1.0f);
    f.weights = request->values == VALUES_WEIGHTS;
    f.is_signed = tiles_headset_signed(heads, request->values);
    f.side = request->sample > 0 ? request->sample : (int64_t)1 << request->level.q;
    f.k0 = area->k0;
    f.k1 = area->k1;
    f.texel_columns = area->texel_columns;
    if (request->variant == NULL && tiles_fused_on_device(&f, area->texel_rows, rg, &status, err)) {
        return status;
    }
    f.band_rows = f.single ? BAND_ROWS : BAND_ROWS_COMBINED;
    size_t rows = (size_t)(heads->count * f.band_rows);
    f.shift = tiles_aligned(&scratch->normalisers, 2 * rows + (size_t)heads->count, sizeof(float));
    if (f.shift == NULL) {
        return tiles_fused_no_memory(err);
    }
    f.factor = f.shift + rows;
    f.largest = f.factor + rows;
    if (request->variant != NULL && (status = tiles_fused_begin_variant(&f, err)) != STATUS_OK) {
        return status;
    }
    return pool_groups(&f, area->texel_rows, rg, err);
}
