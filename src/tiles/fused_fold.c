/* A block of cells becomes sums and extremes of texels while it is still in the first-level cache.
 *
 *   rows of one texel row  -> KERNEL_KEYS columns (kernel, f32, at most KERNEL_ROWS additions)
 *   columns                -> halves, halves of halves ... up to a texel's width (f32, a tree)
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

/* Columns that stand for 2^level keys each, from key k on, to the texels of keys lo..hi-1. */
static void add_columns(const Fused *f, KernelColumns *columns, int level, int64_t q, int64_t k, int64_t lo,
                        int64_t hi) {
    KernelColumns buffers[2];
    const int level_k = f->request->level.k;
    for (int i = 0; level + i < level_k && KERNEL_KEYS >> i > 1; i++) {
        KernelColumns *halved = &buffers[i % 2];
        f->kernel->halve(columns, KERNEL_KEYS >> i, f->is_signed, halved);
        columns = halved;
    }
    int64_t row = (q / f->side - f->first_row) * f->texel_columns;
    int64_t first = k >> level_k, base = row - f->request->x0;
    for (int64_t x = lo >> level_k; x <= (hi - 1) >> level_k; x++) {
        int64_t t = base + x, c = x - first;
        f->texels.sum[t] += (double)columns->sum[c];
        f->texels.max[t] = larger(f->texels.max[t], columns->max[c]);
        if (f->is_signed) {
            f->texels.min[t] = smaller(f->texels.min[t], columns->min[c]);
        }
    }
}

/* Rows of one texel row. */
static void fold_run(const Fused *f, const float *cells, size_t pitch, int64_t q, int rows, int64_t k,
                     const float *factor) {
    KernelColumns columns;
    int64_t lo, hi;
    if (seen(f, q, rows, k, KERNEL_KEYS, &lo, &hi)) {
        f->kernel->columns(cells, pitch, rows, factor, f->is_signed, &columns);
        add_columns(f, &columns, 0, q, k, lo, hi);
    }
}

void tiles_fused_fold(const Fused *f, const float *cells, size_t pitch, int64_t q, int rows, int64_t k,
                      const float *factor) {
    const int64_t side = f->side;
    for (int64_t end = q + rows; q < end;) {
        int64_t next = i64_min(end, (q / side + 1) * side);
        fold_run(f, cells, pitch, q, (int)(next - q), k, factor);
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
            f->kernel->columns(sums, pitch, count, factor, false, &columns);
            f->kernel->columns(largest, pitch, count, factor, false, &maxima);
            memcpy(columns.max, maxima.max, sizeof columns.max);
            add_columns(f, &columns, KERNEL_SQUEEZE_LEVEL, q, k, lo, hi);
        }
        sums += (size_t)count * pitch;
        largest += (size_t)count * pitch;
        factor += count;
        q = next;
    }
}
