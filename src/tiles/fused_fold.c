/* A block of cells becomes sums and extremes of texels while it is still in the first-level cache.
 *
 *   rows of one texel row  -> KERNEL_KEYS columns (kernel, f32, some FOLD_ROWS additions)
 *   columns                -> pairs, pairs of pairs ... up to a texel's width (kernel, f32, a tree)
 *   texels                 += (f64)
 *
 * A cell that a query does not see is 0 here, so it is left out of every sum; whether a texel sees anything at all
 * follows from the shape of the mask. */
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

static float larger(float a, float b) {
    return a > b ? a : b;
}

static float smaller(float a, float b) {
    return a < b ? a : b;
}

/* Keys lo..hi-1 of k .. k + count - 1 that some of these rows see, and that are asked for. */
static bool seen(const Fused *f, int64_t q, int rows, int64_t k, int64_t count, int64_t *lo, int64_t *hi) {
    int64_t unused;
    tiles_fused_visible(f, q, lo, &unused);
    tiles_fused_visible(f, q + rows - 1, &unused, hi);
    *lo = i64_max(i64_max(*lo, k), f->k0);
    *hi = i64_min(i64_min(*hi, k + count), f->k1);
    return *lo < *hi;
}

/* Columns of a texel's width, or of a whole row of cells, from key k on, to the texels of a row for keys lo..hi-1. */
static void add_columns(const Fused *f, const KernelColumns *columns, int64_t row, int64_t k, int64_t lo, int64_t hi) {
    const int level_k = f->request->level.k;
    int64_t first = k >> level_k, base = (row - f->first_row) * f->texel_columns - f->request->x0;
    for (int64_t x = lo >> level_k; x <= (hi - 1) >> level_k; x++) {
        int64_t t = base + x, c = x - first;
        f->texels.sum[t] += (double)columns->sum[c];
        f->texels.max[t] = larger(f->texels.max[t], columns->max[c]);
        if (f->is_signed) {
            f->texels.min[t] = smaller(f->texels.min[t], columns->min[c]);
        }
    }
}

/* How often columns that stand for 2^level keys each have to become half as many. */
static int levels_of(const Fused *f, int level) {
    return (int)i64_min(f->request->level.k - level, KERNEL_LEVELS);
}

void tiles_fused_fold_end(const Fused *f, FoldRun *run) {
    int64_t lo, hi;
    if (run->rows > 0 && seen(f, run->q, run->rows, run->k, KERNEL_KEYS, &lo, &hi)) {
        f->kernel->merge(&run->columns, levels_of(f, 0), f->is_signed);
        add_columns(f, &run->columns, run->row, run->k, lo, hi);
    }
    run->rows = 0;
}

void tiles_fused_fold(const Fused *f, FoldRun *run, const float *cells, size_t pitch, int64_t q, int rows, int64_t k,
                      const float *factor) {
    for (int64_t end = q + rows; q < end;) {
        bool more = run->rows > 0 && run->k == k && run->q + run->rows == q && q < run->row_end &&
                    run->rows < FOLD_ROWS;
        if (!more) {
            tiles_fused_fold_end(f, run);
            run->q = q;
            run->k = k;
            run->row = q / f->side;
            run->row_end = (run->row + 1) * f->side;
        }
        int64_t next = i64_min(end, run->row_end);
        f->kernel->columns(cells, pitch, (int)(next - q), factor, f->is_signed, more, &run->columns);
        run->rows += (int)(next - q);
        cells += (size_t)(next - q) * pitch;
        factor += next - q;
        q = next;
    }
}

void tiles_fused_fold_squeezed(const Fused *f, const float *sums, const float *largest, size_t pitch, int64_t q,
                               int rows, int64_t k, const float *factor) {
    const int64_t side = f->side;
    for (int64_t end = q + rows; q < end;) {
        int64_t next = i64_min(i64_min(end, (q / side + 1) * side), q + KERNEL_ROWS), lo, hi;
        int count = (int)(next - q);
        if (seen(f, q, count, k, KERNEL_KEYS * KERNEL_SQUEEZE, &lo, &hi)) {
            KernelColumns columns, maxima;
            f->kernel->columns(sums, pitch, count, factor, false, false, &columns);
            f->kernel->columns(largest, pitch, count, factor, false, false, &maxima);
            memcpy(columns.max, maxima.max, sizeof columns.max);
            /* These are in the order of keys, as all is with the portable one. */
            tiles_kernel_portable()->merge(&columns, levels_of(f, KERNEL_SQUEEZE_LEVEL), false);
            add_columns(f, &columns, q / side, k, lo, hi);
        }
        sums += (size_t)count * pitch;
        largest += (size_t)count * pitch;
        factor += count;
        q = next;
    }
}
