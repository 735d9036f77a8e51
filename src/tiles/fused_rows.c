/* Row normalisers: log-sum-exp of every row over all the keys that it sees, streamed over key blocks, so memory does not
 * depend on the length.
 *
 *   bounded   exponents are relative to the largest score of one panel, and exponentials are summed as they come out of
 *             the kernel; where that is more than a float holds, or may be,
 *   running   scores first, with a running maximum (Milakov and Gimelshein 2018, algorithm 3) */
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

#define LN_2 0.69314718055994530942
/* Below every score, and still a number: 2^x of it is 0. */
#define HIDDEN_SCORE (-1e30f)

enum { LSE_PANELS = 4, LSE_PITCH = LSE_PANELS * KERNEL_KEYS + 16 };
enum { SUM_PANELS = 16 }; /* summed in f32 */
#define SUM_MOST 0x1p120

void tiles_fused_split(double lse, float *shift, float *factor) {
    double lse2 = lse * LOG2_E;
    if (lse == -(double)INFINITY) { /* a row that sees nothing */
        *shift = *factor = 0.0f;
        return;
    }
    double whole = nearbyint(-lse2);
    *shift = isfinite(lse) ? (float)whole : 0.0f;
    *factor = isfinite(lse) ? (float)exp2(-lse2 - whole) : NAN;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Rows qa..qb-1 of a head, packed, whose normalisers are to be found. */
typedef struct Stream {
    int head;
    int64_t qa, qb;
    const uint32_t *queries;
} Stream;

static const uint32_t *stream_queries(const Fused *f, const Stream *s, int64_t q) {
    return s->queries + (size_t)(q - s->qa) * (size_t)f->depth;
}

typedef struct RowRun {
    float max;
    double sum; /* of 2^(score - max) */
} RowRun;

/* A score of -Inf comes of numbers too large for f32, as +Inf does, and spoils the row as a NaN would. */
static void add_to_run(const Kernel *kernel, RowRun *run, float *scores, size_t count) {
    float smallest, max = kernel->largest(scores, count, &smallest);
    if (max > run->max) {
        float whole = ceilf(max); /* differences of whole numbers and scores keep their digits */
        run->sum = run->max == -INFINITY ? 0.0 : run->sum * exp2((double)run->max - (double)whole);
        run->max = whole;
    }
    float shift = run->max == -INFINITY ? 0.0f : -run->max;
    run->sum += (double)kernel->exp2_sum(scores, shift, scores, count);
    run->sum = smallest == -INFINITY ? (double)NAN : run->sum;
}

/* Panels k..end-1 (at most LSE_PANELS) for the rows of a stream. */
static void run_panels(const Fused *f, const Stream *s, const uint32_t *panels, int64_t k, int64_t end, float *scores,
                       RowRun *runs) {
    const int64_t qa = s->qa, qb = s->qb;
    size_t panel_items = tiles_kernel_panel_items(f->depth);
    for (int64_t q = qa; q < qb; q += KERNEL_ROWS) {
        int rows = (int)i64_min(KERNEL_ROWS, qb - q);
        int64_t lo, hi, unused;
        tiles_fused_visible(f, q, &lo, &unused);
        tiles_fused_visible(f, q + rows - 1, &unused, &hi);
        if (lo >= end || hi <= k) {
            continue;
        }
        size_t width = 0;
        for (int64_t at = k; at < end; at += KERNEL_KEYS, width += KERNEL_KEYS) {
            float *out = scores + width;
            tiles_fused_scores(f, stream_queries(f, s, q), panels + width / KERNEL_KEYS * panel_items, rows,
                               (float)LOG2_E, out, LSE_PITCH);
            if (!tiles_fused_full(f, q, rows, at)) {
                tiles_fused_mask(f, q, rows, at, out, LSE_PITCH, HIDDEN_SCORE);
            }
        }
        for (int r = 0; r < rows; r++) {
            tiles_fused_visible(f, q + r, &lo, &hi);
            if (lo < end && hi > k && lo < hi) {
                add_to_run(f->kernel, &runs[q - qa + r], scores + (size_t)r * LSE_PITCH, width);
            }
        }
    }
}

/* ---- bounded --------------------------------------------------------------------------------- */

int64_t tiles_fused_bound_panel(const Fused *f, int64_t q) {
    const KeySpan seen = tiles_fused_hull(f, q, q + 1);
    return seen.lo < seen.hi ? tiles_fused_panel_start(seen.hi - 1) : -1;
}

bool tiles_fused_bound(const Fused *f, const FusedBlock *b, float *cells, size_t pitch, float *shift) {
    tiles_fused_scores(f, b->queries, b->panel, b->rows, (float)LOG2_E, cells, pitch);
    tiles_fused_mask(f, b->q, b->rows, b->k, cells, pitch, -INFINITY);
    for (int r = 0; r < KERNEL_ROWS; r++) {
        float unused, max = r < b->rows ? f->kernel->largest(cells + (size_t)r * pitch, KERNEL_KEYS, &unused) : 0.0f;
        shift[r] = -ceilf(max);
        if (!isfinite(shift[r])) {
            return false;
        }
    }
    return true;
}

void tiles_fused_total(RowTotals *totals) {
    for (int r = 0; r < KERNEL_ROWS; r++) {
        for (int i = 0; i < KERNEL_SUM_LANES; i++) {
            totals->total[r] += (double)totals->lanes[r * KERNEL_SUM_LANES + i];
        }
    }
    memset(totals->lanes, 0, sizeof totals->lanes);
    totals->panels = 0;
}

bool tiles_fused_holds(double total) {
    return total > 0.0 && total < SUM_MOST;
}

void tiles_fused_exponentials(const Fused *f, const FusedBlock *b, const float *shift, float *cells, size_t pitch,
                              RowTotals *totals) {
    const bool full = tiles_fused_full(f, b->q, b->rows, b->k);
    tiles_fused_powers(f, b->queries, b->panel, b->rows, shift, cells, pitch, full ? totals->lanes : NULL);
    if (!full) {
        tiles_fused_mask(f, b->q, b->rows, b->k, cells, pitch, 0.0f);
        for (int r = 0; r < b->rows; r++) {
            for (int i = 0; i < KERNEL_KEYS; i++) {
                totals->total[r] += (double)cells[(size_t)r * pitch + (size_t)i];
            }
        }
    }
    if (++totals->panels == SUM_PANELS) {
        tiles_fused_total(totals);
    }
}

/* Room of a bounded stream: a block of cells, and of each block of rows what is known. */
typedef struct Bounded {
    float *cells;
    float shift[BAND_ROWS];
    RowTotals totals[BAND_ROWS / KERNEL_ROWS];
} Bounded;

/* Is every score a float, as far as these keys go? */
static Status bounded_keys(const Fused *f, int head, int64_t k, KeyPanels *panels, bool *fits, Error *err) {
    Status status = tiles_operand_look_around(f, err);
    status = status == STATUS_OK ? tiles_operand_keys(f, head, k, panels, err) : status;
    *fits = status == STATUS_OK && tiles_operand_bounded(f, f->largest[head], panels->largest);
    return status;
}

/* What the sums say; false where one is not finite. */
static bool finish_bounded(Bounded *b, int64_t rows, double *lse) {
    for (int64_t r = 0; r < rows; r++) {
        RowTotals *totals = &b->totals[r / KERNEL_ROWS];
        if (r % KERNEL_ROWS == 0) {
            tiles_fused_total(totals);
        }
        const double total = totals->total[r % KERNEL_ROWS];
        lse[r] = (log2(total) - (double)b->shift[r]) * LN_2;
        if (!tiles_fused_holds(total)) {
            return false;
        }
    }
    return true;
}

/* *done: false where the rows need a running maximum. */
static Status stream_bounded(const Fused *f, const Stream *s, Bounded *b, double *lse, bool *done, Error *err) {
    const int64_t qa = s->qa, qb = s->qb;
    const size_t panel_items = tiles_kernel_panel_items(f->depth);
    const KeySpan all = tiles_fused_hull(f, qa, qb);
    KeyPanels panels;
    Status status = STATUS_OK;
    *done = false;
    for (int64_t q = qa; q < qb; q += KERNEL_ROWS) {
        const int64_t k = tiles_fused_bound_panel(f, q);
        bool fits = k >= 0;
        status = fits ? bounded_keys(f, s->head, k, &panels, &fits, err) : STATUS_OK;
        const FusedBlock block = {stream_queries(f, s, q), fits ? panels.items : NULL, q, k,
                                  (int)i64_min(KERNEL_ROWS, qb - q)};
        if (!fits || !tiles_fused_bound(f, &block, b->cells, KERNEL_KEYS, b->shift + (q - qa))) {
            return status;
        }
        b->totals[(q - qa) / KERNEL_ROWS] = (RowTotals){.lanes = {0}};
    }
    for (int64_t k = tiles_fused_panel_start(all.lo), end; k < all.hi; k = end) {
        bool fits;
        status = bounded_keys(f, s->head, k, &panels, &fits, err);
        if (!fits) {
            return status;
        }
        end = i64_min(i64_min(k + LSE_PANELS * KERNEL_KEYS, panels.end), all.hi);
        for (int64_t q = qa; q < qb; q += KERNEL_ROWS) {
            const int rows = (int)i64_min(KERNEL_ROWS, qb - q);
            const KeySpan seen = tiles_fused_hull(f, q, q + rows);
            for (int64_t at = k; at < end; at += KERNEL_KEYS) {
                if (seen.lo < at + KERNEL_KEYS && seen.hi > at) {
                    const FusedBlock block = {stream_queries(f, s, q),
                                              panels.items + (size_t)((at - k) / KERNEL_KEYS) * panel_items, q, at,
                                              rows};
                    tiles_fused_exponentials(f, &block, b->shift + (q - qa), b->cells, KERNEL_KEYS,
                                             &b->totals[(q - qa) / KERNEL_ROWS]);
                }
            }
        }
    }
    *done = finish_bounded(b, qb - qa, lse);
    return STATUS_OK;
}

static Status stream_running(const Fused *f, const Stream *s, double *lse, Error *err) {
    const int64_t qa = s->qa, qb = s->qb;
    RowRun runs[BAND_ROWS];
    int64_t lo, hi, unused;
    float *scores = tiles_aligned(&f->scratch->block, KERNEL_ROWS * LSE_PITCH, sizeof *scores);
    if (scores == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
    }
    for (int64_t q = 0; q < qb - qa; q++) {
        runs[q] = (RowRun){-INFINITY, 0.0};
    }
    tiles_fused_visible(f, qa, &lo, &unused);
    tiles_fused_visible(f, qb - 1, &unused, &hi);
    for (int64_t k = lo / KERNEL_KEYS * KERNEL_KEYS, end; k < hi; k = end) {
        KeyPanels panels;
        Status status = tiles_operand_look_around(f, err);
        status = status == STATUS_OK ? tiles_operand_keys(f, s->head, k, &panels, err) : status;
        if (status != STATUS_OK) {
            return status;
        }
        end = i64_min(i64_min(k + LSE_PANELS * KERNEL_KEYS, panels.end), hi);
        run_panels(f, s, panels.items, k, end, scores, runs);
    }
    for (int64_t q = 0; q < qb - qa; q++) {
        lse[q] = runs[q].max == -INFINITY && runs[q].sum == 0.0 ? -(double)INFINITY
                                                                : ((double)runs[q].max + log2(runs[q].sum)) * LN_2;
    }
    return STATUS_OK;
}

static Status stream_lse(const Fused *f, const Stream *s, double *lse, Error *err) {
    Bounded *bounded = tiles_aligned(&f->scratch->lse, 1, sizeof *bounded);
    bool done = false;
    if (bounded == NULL ||
        !(bounded->cells = tiles_aligned(&f->scratch->block, KERNEL_ROWS * KERNEL_KEYS, sizeof *bounded->cells))) {
        return tiles_fused_no_memory(err);
    }
    Status status = stream_bounded(f, s, bounded, lse, &done, err);
    return status != STATUS_OK || done ? status : stream_running(f, s, lse, err);
}

Status tiles_fused_normalise(const Fused *f, int head, int64_t qa, int64_t qb, const uint32_t *queries, float *shift,
                             float *factor, Error *err) {
    double lse[BAND_ROWS];
    int64_t missing0, missing1;
    Status status = tiles_fused_known(f, head, qa, qb, lse, &missing0, &missing1, err);
    if (status == STATUS_OK && missing0 < missing1) {
        missing0 = qa + (missing0 - qa) / KERNEL_ROWS * KERNEL_ROWS; /* packed groups begin there */
        const Stream stream = {head, missing0, missing1, queries + (size_t)(missing0 - qa) * (size_t)f->depth};
        status = stream_lse(f, &stream, lse + (missing0 - qa), err);
        if (status == STATUS_OK) {
            tiles_fused_keep(f, head, missing0, missing1, lse + (missing0 - qa));
        }
    }
    for (int64_t q = 0; status == STATUS_OK && q < qb - qa; q++) {
        tiles_fused_split(lse[q], &shift[q], &factor[q]);
    }
    return status;
}
