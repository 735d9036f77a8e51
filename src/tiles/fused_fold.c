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

static float larger(float a, float b) {
    return a > b ? a : b;
}

static float smaller(float a, float b) {
    return a < b ? a : b;
}

/* Rows of one texel row. */
static void fold_run(const Fused *f, const float *cells, size_t pitch, int64_t q, int rows, int64_t k,
                     const float *factor) {
    const Level level = f->request->level;
    KernelColumns buffers[2], *columns = &buffers[0];
    int64_t lo, hi, unused;
    tiles_fused_visible(f, q, &lo, &unused);
    tiles_fused_visible(f, q + rows - 1, &unused, &hi);
    lo = i64_max(i64_max(lo, k), f->k0);
    hi = i64_min(i64_min(hi, k + KERNEL_KEYS), f->k1);
    if (lo >= hi) {
        return;
    }
    f->kernel->columns(cells, pitch, rows, factor, columns);
    for (int i = 0; i < level.k && KERNEL_KEYS >> i > 1; i++) {
        KernelColumns *halved = &buffers[(i + 1) % 2];
        f->kernel->halve(columns, KERNEL_KEYS >> i, halved);
        columns = halved;
    }
    int64_t row = (q / f->side - f->first_row) * f->texel_columns;
    int64_t first = k >> level.k, base = row - f->request->x0;
    for (int64_t x = lo >> level.k; x <= (hi - 1) >> level.k; x++) {
        int64_t t = base + x, c = x - first;
        f->texels.sum[t] += (double)columns->sum[c];
        f->texels.max[t] = larger(f->texels.max[t], columns->max[c]);
        if (f->is_signed) {
            f->texels.min[t] = smaller(f->texels.min[t], columns->min[c]);
        }
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
