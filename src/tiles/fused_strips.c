/* Rows whose normalisers nobody knows yet, in one product a cell. The exponentials of a row are kept until its sum is
 * known:
 *
 *   whole     as they are, KERNEL_ROWS rows in the second-level cache
 *   squeezed  as sums and maxima of KERNEL_SQUEEZE keys each, where texels are at least as wide: an eighth of the room,
 *             so there are more rows, and each panel of keys is read from afar so much more seldom (8,192 tokens of 128
 *             dimensions: 192 rows; half as fast again)
 *
 * Exponents need a bound first: the largest score of the last panel that the first row sees. Should a row exceed it by
 * nearly as much as a float holds (an attention sink far away), or hold a NaN, its sum tells, and the rows go the other
 * way. So do rows whose scores may not be floats, since the kernels take -Inf for nothing. */
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

#define LN_2 0.69314718055994530942

/* Keys of a strip, at most, and floats of it: 1.6 MB, so that they stay in the second-level cache. */
enum { WHOLE_KEYS = 16384, STRIP_PAD = 16, WHOLE_FLOATS = KERNEL_ROWS * (WHOLE_KEYS + STRIP_PAD) };
enum {
    CHUNK_SQUEEZED = KERNEL_KEYS * KERNEL_SQUEEZE, /* keys that are folded together */
    SQUEEZED_KEYS = 1 << 17,
    SQUEEZED_FLOATS = 192 * (8192 / KERNEL_SQUEEZE + STRIP_PAD), /* of sums, and as many of maxima */
    /* Of longer sequences so many rows all the same: reading keys anew costs more than a cache missed. */
    SQUEEZED_ROWS_LEAST = 4 * KERNEL_ROWS,
    LOOK_PANELS = 16
};

static bool squeezes(const Fused *f) {
    return f->request->level.k >= KERNEL_SQUEEZE_LEVEL;
}

int64_t tiles_fused_strip_keys(const Fused *f) {
    return squeezes(f) ? SQUEEZED_KEYS : WHOLE_KEYS - KERNEL_KEYS;
}

/* ---- whole ----------------------------------------------------------------------------------- */

typedef struct Strip {
    const uint32_t *queries;
    int64_t q;
    int rows;
    KeySpan keys; /* whole panels */
    float *cells;
    size_t pitch;
    float shift[KERNEL_ROWS], factor[KERNEL_ROWS];
} Strip;

static const uint32_t *panel_at(const Fused *f, const uint32_t *first, const Strip *s, int64_t k) {
    return first + (size_t)((k - s->keys.lo) / KERNEL_KEYS) * tiles_kernel_panel_items(f->depth);
}

/* Exponentials of whole rows, and what their sums say. False: see above. */
static bool fill_strip(const Fused *f, Strip *s, const uint32_t *panels) {
    RowTotals totals = {.lanes = {0}};
    double lse[KERNEL_ROWS];
    FusedBlock block = {.queries = s->queries, .q = s->q, .k = tiles_fused_bound_panel(f, s->q), .rows = s->rows};
    if (block.k < 0) {
        return false;
    }
    block.panel = panel_at(f, panels, s, block.k);
    if (!tiles_fused_bound(f, &block, s->cells, s->pitch, s->shift)) {
        return false;
    }
    for (int64_t k = s->keys.lo; k < s->keys.hi; k += KERNEL_KEYS) {
        block.k = k;
        block.panel = panel_at(f, panels, s, k);
        tiles_fused_exponentials(f, &block, s->shift, s->cells + (k - s->keys.lo), s->pitch, &totals);
    }
    tiles_fused_total(&totals);
    for (int r = 0; r < s->rows; r++) {
        lse[r] = (log2(totals.total[r]) - (double)s->shift[r]) * LN_2;
        s->factor[r] = (float)(1.0 / totals.total[r]);
        if (!tiles_fused_holds(totals.total[r])) {
            return false;
        }
    }
    tiles_fused_keep(f, 0, s->q, s->q + s->rows, lse);
    return true;
}

static Status pool_whole(const Fused *f, int64_t qa, int64_t qb, const uint32_t *queries, int64_t *done, Error *err) {
    Strip s = {0};
    s.cells = tiles_aligned(&f->scratch->strip, WHOLE_FLOATS, sizeof *s.cells);
    if (s.cells == NULL) {
        return tiles_fused_no_memory(err);
    }
    for (*done = 0; qa + *done < qb; *done += s.rows) {
        KeyPanels panels;
        s.q = qa + *done;
        s.rows = (int)i64_min(KERNEL_ROWS, qb - s.q);
        s.queries = queries + (size_t)*done * (size_t)f->depth;
        s.keys = tiles_fused_hull(f, s.q, s.q + s.rows);
        if (s.keys.lo >= s.keys.hi) {
            return STATUS_OK;
        }
        s.keys.lo = tiles_fused_panel_start(s.keys.lo);
        s.keys.hi = tiles_fused_panel_start(s.keys.hi + KERNEL_KEYS - 1);
        s.pitch = (size_t)(s.keys.hi - s.keys.lo) + STRIP_PAD;
        Status status = tiles_operand_look_around(f, err);
        status = status == STATUS_OK ? tiles_operand_keys(f, 0, s.keys.lo, &panels, err) : status;
        if (status != STATUS_OK || tiles_fused_panel_start(panels.end + KERNEL_KEYS - 1) < s.keys.hi ||
            !tiles_operand_bounded(f, f->largest[0], panels.largest) || !fill_strip(f, &s, panels.items)) {
            return status;
        }
        FoldRun run = {.rows = 0};
        for (int64_t k = s.keys.lo; k < s.keys.hi; k += KERNEL_KEYS) {
            tiles_fused_fold(f, &run, s.cells + (k - s.keys.lo), s.pitch, s.q, s.rows, k, s.factor);
        }
        tiles_fused_fold_end(f, &run);
    }
    return STATUS_OK;
}

/* ---- squeezed -------------------------------------------------------------------------------- */

typedef struct Squeezed {
    const uint32_t *queries, *panels; /* panels: from keys.lo on */
    int64_t q;
    int rows;
    KeySpan keys; /* whole chunks; panels beyond the last key do not exist */
    float *sums, *largest;
    size_t pitch;
    float *block;          /* KERNEL_ROWS x KERNEL_KEYS */
    float *shift, *factor; /* [rows rounded up] */
} Squeezed;

static const uint32_t *squeezed_panel(const Fused *f, const Squeezed *s, int64_t k) {
    return s->panels + (size_t)((k - s->keys.lo) / KERNEL_KEYS) * tiles_kernel_panel_items(f->depth);
}

/* Sums and maxima of the rows of one block over one panel; zeros where none of them sees it. */
static void squeeze_block(const Fused *f, const Squeezed *s, int row, int rows, int64_t k) {
    size_t at = (size_t)row * s->pitch + (size_t)(k - s->keys.lo) / KERNEL_SQUEEZE;
    KeySpan keys = tiles_fused_hull(f, s->q + row, s->q + row + rows);
    if (keys.lo >= k + KERNEL_KEYS || keys.hi <= k) {
        for (int r = 0; r < rows; r++) {
            memset(s->sums + at + (size_t)r * s->pitch, 0, KERNEL_KEYS / KERNEL_SQUEEZE * sizeof *s->sums);
            memset(s->largest + at + (size_t)r * s->pitch, 0, KERNEL_KEYS / KERNEL_SQUEEZE * sizeof *s->largest);
        }
        return;
    }
    tiles_fused_cells(f, s->queries + (size_t)row * (size_t)f->depth, squeezed_panel(f, s, k), rows, s->shift + row,
                      s->block);
    if (!tiles_fused_full(f, s->q + row, rows, k)) {
        tiles_fused_mask(f, s->q + row, rows, k, s->block, KERNEL_KEYS, 0.0f);
    }
    f->kernel->squeeze(s->block, KERNEL_KEYS, rows, s->sums + at, s->largest + at, s->pitch);
}

static double sum_of(const float *values, size_t count) {
    float lanes[KERNEL_SUM_LANES] = {0};
    double sum = 0.0;
    for (size_t i = 0; i < count; i += KERNEL_SUM_LANES) {
        for (size_t j = 0; j < KERNEL_SUM_LANES; j++) {
            lanes[j] += values[i + j];
        }
    }
    for (size_t j = 0; j < KERNEL_SUM_LANES; j++) {
        sum += (double)lanes[j];
    }
    return sum;
}

/* What the sums of whole rows say. False: one is not finite. */
static bool normalise_squeezed(const Fused *f, const Squeezed *s) {
    double lse[BAND_ROWS];
    for (int r = 0; r < s->rows; r++) {
        double total = sum_of(s->sums + (size_t)r * s->pitch, (size_t)(s->keys.hi - s->keys.lo) / KERNEL_SQUEEZE);
        lse[r] = (log2(total) - (double)s->shift[r]) * LN_2;
        s->factor[r] = (float)(1.0 / total);
        if (!tiles_fused_holds(total)) {
            return false;
        }
    }
    tiles_fused_keep(f, 0, s->q, s->q + s->rows, lse);
    return true;
}

/* *pooled: false where the rows have to go the other way. */
static Status squeeze_rows(const Fused *f, const Squeezed *s, bool *pooled, Error *err) {
    *pooled = false;
    for (int row = 0; row < s->rows; row += KERNEL_ROWS) {
        const int64_t bound = tiles_fused_bound_panel(f, s->q + row);
        if (bound < 0) {
            return STATUS_OK;
        }
        const FusedBlock block = {s->queries + (size_t)row * (size_t)f->depth, squeezed_panel(f, s, bound), s->q + row,
                                  bound, (int)i64_min(KERNEL_ROWS, s->rows - row)};
        if (!tiles_fused_bound(f, &block, s->block, KERNEL_KEYS, s->shift + row)) {
            return STATUS_OK;
        }
    }
    int64_t panels = 0;
    for (int64_t k = s->keys.lo; k < s->keys.hi; k += KERNEL_KEYS) {
        Status status = panels++ % LOOK_PANELS == 0 ? tiles_operand_look_around(f, err) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
        for (int row = 0; row < s->rows; row += KERNEL_ROWS) {
            squeeze_block(f, s, row, (int)i64_min(KERNEL_ROWS, s->rows - row), k);
        }
    }
    if (!normalise_squeezed(f, s)) {
        return STATUS_OK;
    }
    for (int64_t k = s->keys.lo; k < s->keys.hi; k += CHUNK_SQUEEZED) {
        size_t at = (size_t)(k - s->keys.lo) / KERNEL_SQUEEZE;
        tiles_fused_fold_squeezed(f, s->sums + at, s->largest + at, s->pitch, s->q, s->rows, k, s->factor);
    }
    *pooled = true;
    return STATUS_OK;
}

/* Rows that fit, whole blocks of them. */
static int64_t rows_that_fit(const Fused *f, size_t pitch) {
    int64_t rows = (int64_t)(SQUEEZED_FLOATS / pitch) / KERNEL_ROWS * KERNEL_ROWS;
    return i64_clamp(rows, SQUEEZED_ROWS_LEAST, f->band_rows);
}

static Status pool_squeezed(const Fused *f, int64_t qa, int64_t qb, const uint32_t *queries, int64_t *done,
                            Error *err) {
    Squeezed s = {.shift = f->shift, .factor = f->factor};
    bool pooled = true;
    s.block = tiles_aligned(&f->scratch->block, KERNEL_ROWS * KERNEL_KEYS, sizeof *s.block);
    for (*done = 0; pooled && qa + *done < qb; *done += pooled ? s.rows : 0) {
        KeyPanels panels = {0};
        s.q = qa + *done;
        s.queries = queries + (size_t)*done * (size_t)f->depth;
        s.keys = tiles_fused_hull(f, s.q, qb);
        s.pitch = (size_t)i64_ceil_div(s.keys.hi, CHUNK_SQUEEZED) * KERNEL_KEYS -
                  (size_t)(s.keys.lo / CHUNK_SQUEEZED) * KERNEL_KEYS + STRIP_PAD;
        s.rows = (int)i64_min(rows_that_fit(f, s.pitch), qb - s.q);
        s.keys = tiles_fused_hull(f, s.q, s.q + s.rows);
        if (s.keys.lo >= s.keys.hi) {
            return STATUS_OK;
        }
        int64_t last = s.keys.hi;
        s.keys.lo = s.keys.lo / CHUNK_SQUEEZED * CHUNK_SQUEEZED;
        s.keys.hi = i64_ceil_div(s.keys.hi, CHUNK_SQUEEZED) * CHUNK_SQUEEZED;
        size_t floats = (size_t)i64_max(SQUEEZED_FLOATS, (int64_t)s.pitch * SQUEEZED_ROWS_LEAST);
        s.sums = tiles_aligned(&f->scratch->strip, 2 * floats, sizeof *s.sums);
        if (s.sums == NULL || s.block == NULL) {
            return tiles_fused_no_memory(err);
        }
        s.largest = s.sums + floats;
        Status status = tiles_operand_look_around(f, err);
        status = status == STATUS_OK ? tiles_operand_keys(f, 0, s.keys.lo, &panels, err) : status;
        if (status == STATUS_OK &&
            (panels.end < i64_min(last, f->info.keys) || !tiles_operand_bounded(f, f->largest[0], panels.largest))) {
            return STATUS_OK; /* not all keys at once: a second product it is */
        }
        s.panels = panels.items;
        status = status == STATUS_OK ? squeeze_rows(f, &s, &pooled, err) : status;
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

Status tiles_fused_strips(const Fused *f, int64_t qa, int64_t qb, const uint32_t *queries, int64_t *done, Error *err) {
    return (squeezes(f) ? pool_squeezed : pool_whole)(f, qa, qb, queries, done, err);
}
