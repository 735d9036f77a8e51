/* The inner loops of pooling.
 *
 * Rows are added column by column, eight at a time and as a tree, so that the compiler vectorises without being
 * allowed to reorder sums, and so that the f32 part of a sum is three additions deep (error <= 3 * 2^-24); everything
 * after that is double. A segment is first summed blindly: if every column sum is finite, no cell was masked or broken
 * and the result is kept; if every one is masked, it is skipped; otherwise the segment is done again cell by cell. Only
 * segments on a causal diagonal pay for that.
 *
 *        columns ->  |<- SEGMENT ->|
 *   row 0  . . . . . . . . . . . . .        8 rows -> sum[], max[] on the stack
 *   ...                                          -> Columns (double)   once per 8 rows
 *   row 7  . . . . . . . . . . . . .             -> TexelSums          once per texel row
 */
#include "tiles/internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SLAB_ROWS = 8, SEGMENT = 256 };

#define EXPONENT_MASK 0x7f800000u /* also the bits of +Inf */
#define MASKED_BITS 0xff800000u   /* of CELL_MASKED */

static float larger(float a, float b) {
    return a > b ? a : b;
}

static float smaller(float a, float b) {
    return a < b ? a : b;
}

void tiles_reduce_columns_reset(const Columns *columns, size_t count) {
    memset(columns->sum, 0, count * sizeof *columns->sum);
    memset(columns->bad, 0, count * sizeof *columns->bad);
    for (size_t i = 0; i < count; i++) {
        columns->max[i] = -INFINITY;
        columns->min[i] = INFINITY;
    }
}

void tiles_reduce_texels_reset(const TexelSums *texels, size_t count) {
    Columns same = {texels->sum, texels->max, texels->min, texels->bad};
    tiles_reduce_columns_reset(&same, count);
}

/* ---- rows to columns ------------------------------------------------------------------------- */

static void sum_eight(const float *restrict rows, size_t stride, size_t count, float *restrict sum,
                      float *restrict max) {
    const float *r0 = rows, *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    const float *r4 = r3 + stride, *r5 = r4 + stride, *r6 = r5 + stride, *r7 = r6 + stride;
    for (size_t i = 0; i < count; i++) {
        float a = r0[i], b = r1[i], c = r2[i], d = r3[i], e = r4[i], f = r5[i], g = r6[i], h = r7[i];
        sum[i] = ((a + b) + (c + d)) + ((e + f) + (g + h));
        max[i] = larger(larger(larger(a, b), larger(c, d)), larger(larger(e, f), larger(g, h)));
    }
}

static void sum_few(const float *restrict rows, size_t stride, int row_count, size_t count, float *restrict sum,
                    float *restrict max) {
    memcpy(sum, rows, count * sizeof *sum);
    memcpy(max, rows, count * sizeof *max);
    for (int row = 1; row < row_count; row++) {
        const float *r = rows + (size_t)row * stride;
        for (size_t i = 0; i < count; i++) {
            sum[i] += r[i];
            max[i] = larger(max[i], r[i]);
        }
    }
}

static bool all_finite(const float *values, size_t count) {
    uint32_t special = 0;
    for (size_t i = 0; i < count; i++) {
        special |= (uint32_t)((f32_bits(values[i]) & EXPONENT_MASK) == EXPONENT_MASK);
    }
    return special == 0;
}

/* A NaN would be in the sum, a finite number in the maximum. */
static bool all_masked(const float *sum, const float *max, size_t count) {
    uint32_t other = 0;
    for (size_t i = 0; i < count; i++) {
        other |= (f32_bits(sum[i]) ^ MASKED_BITS) | (f32_bits(max[i]) ^ MASKED_BITS);
    }
    return other == 0;
}

static void commit(double *restrict to_sum, float *restrict to_max, const float *restrict sum,
                   const float *restrict max, size_t count) {
    for (size_t i = 0; i < count; i++) {
        to_sum[i] += (double)sum[i];
        to_max[i] = larger(to_max[i], max[i]);
    }
}

static void lower(float *restrict to_min, const float *restrict row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        to_min[i] = smaller(to_min[i], row[i]);
    }
}

/* One row with masked or broken cells among it. Selects are bit masks: a compiler that minds floating-point traps does
 * not vectorise arithmetic under a condition. */
static void add_special(double *restrict sum, float *restrict max, float *restrict min, uint32_t *restrict bad,
                        const float *restrict row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = f32_bits(row[i]);
        uint32_t special = (bits & EXPONENT_MASK) == EXPONENT_MASK ? ~0u : 0u;
        uint32_t finite = bits & ~special;
        bad[i] |= special & (bits != MASKED_BITS ? 1u : 0u);
        sum[i] += (double)f32_from_bits(finite);
        max[i] = larger(max[i], f32_from_bits(finite | (special & MASKED_BITS)));
        min[i] = smaller(min[i], f32_from_bits(finite | (special & EXPONENT_MASK)));
    }
}

static void reduce_segment(const Columns *columns, size_t at, const float *rows, size_t stride, int row_count,
                           size_t count, bool is_signed) {
    float sum[SEGMENT], max[SEGMENT];
    if (row_count == SLAB_ROWS) {
        sum_eight(rows, stride, count, sum, max);
    } else {
        sum_few(rows, stride, row_count, count, sum, max);
    }
    if (all_finite(sum, count)) {
        commit(columns->sum + at, columns->max + at, sum, max, count);
        for (int row = 0; is_signed && row < row_count; row++) {
            lower(columns->min + at, rows + (size_t)row * stride, count);
        }
        return;
    }
    if (all_masked(sum, max, count)) {
        return;
    }
    for (int row = 0; row < row_count; row++) {
        add_special(columns->sum + at, columns->max + at, columns->min + at, columns->bad + at,
                    rows + (size_t)row * stride, count);
    }
}

void tiles_reduce_rows(const Columns *columns, const float *rows, size_t stride, int64_t row_count, size_t count,
                       bool is_signed) {
    for (int64_t row = 0; row < row_count; row += SLAB_ROWS) {
        const float *slab = rows + (size_t)row * stride;
        int slab_rows = (int)i64_min(SLAB_ROWS, row_count - row);
        for (size_t at = 0; at < count; at += SEGMENT) {
            size_t length = count - at < SEGMENT ? count - at : SEGMENT;
            reduce_segment(columns, at, slab + at, stride, slab_rows, length, is_signed);
        }
    }
}

/* ---- columns to texels ----------------------------------------------------------------------- */

void tiles_reduce_fold(const Columns *columns, size_t count, int level_k, size_t offset, size_t first_texel,
                       bool is_signed, const TexelSums *texels) {
    size_t side = (size_t)1 << level_k;
    size_t texel = first_texel + (offset >> level_k);
    size_t end = side - (offset & (side - 1)); /* first column of the next texel */
    for (size_t i = 0; i < count; texel++, end += side) {
        size_t stop = end < count ? end : count;
        double sum = texels->sum[texel];
        float max = texels->max[texel], min = texels->min[texel];
        uint32_t bad = texels->bad[texel];
        for (; i < stop; i++) {
            sum += columns->sum[i];
            max = larger(max, columns->max[i]);
            bad |= columns->bad[i];
            min = is_signed ? smaller(min, columns->min[i]) : min;
        }
        texels->sum[texel] = sum;
        texels->max[texel] = max;
        texels->min[texel] = min;
        texels->bad[texel] = bad;
    }
}

/* ---- to RG ----------------------------------------------------------------------------------- */

/* A stray value that happens to equal a sentinel gives way by one bit. */
static float keep_off_sentinels(float g, bool is_signed) {
    return tiles_is_masked(g, is_signed) || tiles_is_nonfinite(g, is_signed) ? nextafterf(g, 0.0f) : g;
}

void tiles_reduce_copy(const float *cells, size_t count, bool is_signed, float *rg) {
    float masked_g = is_signed ? TILE_SIGNED_MASKED : TILE_MASKED;
    float broken_g = is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE;
    uint32_t collisions = 0;
    for (size_t i = 0; i < count; i++) {
        float v = cells[i];
        bool finite = fabsf(v) <= FLT_MAX;
        rg[2 * i] = finite ? v : 0.0f;
        rg[2 * i + 1] = finite ? v : (v == CELL_MASKED ? masked_g : broken_g);
        collisions |= (uint32_t)(v == masked_g) | (uint32_t)(v == broken_g);
    }
    for (size_t i = 0; collisions != 0 && i < count; i++) {
        if (fabsf(cells[i]) <= FLT_MAX) {
            rg[2 * i + 1] = keep_off_sentinels(rg[2 * i + 1], is_signed);
        }
    }
}

static void finish_one(const TexelSums *texels, size_t texel, double per_cell, bool is_signed, float rg[2]) {
    float max = texels->max[texel], min = texels->min[texel];
    rg[0] = 0.0f;
    if (texels->bad[texel] != 0) {
        rg[1] = is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE;
    } else if (max == -INFINITY) {
        rg[1] = is_signed ? TILE_SIGNED_MASKED : TILE_MASKED;
    } else {
        rg[0] = (float)(texels->sum[texel] * per_cell);
        rg[1] = keep_off_sentinels(is_signed && -min > max ? min : max, is_signed);
    }
}

/* Texels that have the same number of cells each, without a sign. As finish_one, without branches; false where a number is
 * met that a sentinel is, and all has to be done with care. */
static bool finish_many(const double *restrict sum, const float *restrict max, const uint32_t *restrict bad,
                        size_t count, double per_cell, float *restrict rg) {
    uint32_t collisions = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t broken = bad[i] != 0 ? ~0u : 0u, masked = max[i] == -INFINITY ? ~0u : 0u, none = broken | masked;
        uint32_t mean = f32_bits((float)(sum[i] * per_cell)), most = f32_bits(max[i]);
        collisions |= ~none & ((max[i] == TILE_MASKED ? 1u : 0u) | (max[i] == TILE_NONFINITE ? 1u : 0u));
        most = (most & ~none) | (broken & f32_bits(TILE_NONFINITE)) | (masked & ~broken & f32_bits(TILE_MASKED));
        rg[2 * i] = f32_from_bits(mean & ~none);
        rg[2 * i + 1] = f32_from_bits(most);
    }
    return collisions == 0;
}

/* Divisions are slow, and nearly all texels have the same number of cells. */
void tiles_reduce_finish(const TexelSums *texels, const TexelRow *row, float *rg) {
    const double whole = 1.0 / (row->rows * (double)tiles_cells_in_texel(row->keys, row->level, 0));
    const int64_t last = i64_clamp(tiles_texels(row->keys, row->level) - 1 - row->x0, 0, row->count);
    const size_t at = row->first;
    if (row->is_signed || !finish_many(texels->sum + at, texels->max + at, texels->bad + at, (size_t)last, whole, rg)) {
        for (int64_t x = 0; x < last; x++) {
            finish_one(texels, at + (size_t)x, whole, row->is_signed, rg + 2 * x);
        }
    }
    for (int64_t x = last; x < row->count; x++) {
        double cells = row->rows * (double)tiles_cells_in_texel(row->keys, row->level, row->x0 + x);
        finish_one(texels, at + (size_t)x, 1.0 / cells, row->is_signed, rg + 2 * x);
    }
}
