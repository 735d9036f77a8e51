/* The body of every kernel that has vectors of its own: a kernel_*.c defines the vector and a dozen operations on
 * it, then includes this once.
 *
 *   KernelVec, LANES     the vector and how many f32 it holds
 *   GROUP, VECS          rows and vectors of a sub-panel: GROUP * VECS accumulators + VECS + 1 must fit the registers
 *   vec_load vec_store vec_set1 vec_add vec_mul vec_max vec_min vec_fma (a * b + c)
 *   vec_exp2             of a polynomial (kernel_poly.h) and a vector
 *   vec_dot              acc + items of q * items of k
 *
 * GROUP rows x VECS vectors of accumulators: for GROUP = 6, VECS = 4 an item costs 10 loads and 24 multiply-adds. */
#include "tiles/kernel.h"

#include <math.h>

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PANEL = VECS * LANES, SUB_PANELS = KERNEL_KEYS / PANEL, COLUMN_VECS = KERNEL_KEYS / LANES };

typedef struct Accumulators {
    KernelVec at[GROUP][VECS];
} Accumulators;

static inline __attribute__((always_inline)) void dot_group(const float *q, const float *k, int depth,
                                                            Accumulators *acc) {
    KernelVec sum[GROUP][VECS];
    UNROLL for (int r = 0; r < GROUP; r++) {
        UNROLL for (int v = 0; v < VECS; v++) sum[r][v] = vec_set1(0.0f);
    }
    for (int i = 0; i < depth; i++, q += GROUP, k += PANEL) {
        KernelVec keys[VECS];
        __builtin_prefetch(k + (size_t)depth * PANEL, 0,
                           2); /* the next panel, to the second level: a tenth of the time */
        UNROLL for (int v = 0; v < VECS; v++) keys[v] = vec_load(k + v * LANES);
        UNROLL for (int r = 0; r < GROUP; r++) {
            const KernelVec query = vec_set1(q[r]);
            UNROLL for (int v = 0; v < VECS; v++) sum[r][v] = vec_dot(sum[r][v], query, keys[v]);
        }
    }
    UNROLL for (int r = 0; r < GROUP; r++) {
        UNROLL for (int v = 0; v < VECS; v++) acc->at[r][v] = sum[r][v];
    }
}

static void kernel_scores(const KernelBlock *b) {
    const KernelVec scale = vec_set1(b->scale);
    for (int sub = 0; sub < SUB_PANELS; sub++) {
        const float *k = (const float *)b->k + (size_t)sub * (size_t)b->depth * PANEL;
        for (int row = 0; row < b->rows; row += GROUP) {
            Accumulators acc;
            dot_group((const float *)b->q + (size_t)row * (size_t)b->depth, k, b->depth, &acc);
            UNROLL for (int r = 0; r < GROUP; r++) {
                float *out = b->out + (size_t)(row + r) * b->pitch + sub * PANEL;
                UNROLL for (int v = 0; v < VECS; v++) vec_store(out + v * LANES, vec_mul(acc.at[r][v], scale));
            }
        }
    }
}

static void kernel_weights(const KernelBlock *b) {
    const KernelVec scale = vec_set1(b->scale);
    for (int sub = 0; sub < SUB_PANELS; sub++) {
        const float *k = (const float *)b->k + (size_t)sub * (size_t)b->depth * PANEL;
        for (int row = 0; row < b->rows; row += GROUP) {
            Accumulators acc;
            dot_group((const float *)b->q + (size_t)row * (size_t)b->depth, k, b->depth, &acc);
            const Exp2Poly poly = exp2_poly();
            UNROLL for (int r = 0; r < GROUP; r++) {
                const KernelVec shift = vec_set1(b->shift[row + r]);
                float *out = b->out + (size_t)(row + r) * b->pitch + sub * PANEL;
                KernelVec total = vec_set1(0.0f);
                UNROLL for (int v = 0; v < VECS; v++) {
                    const KernelVec e = vec_exp2(&poly, vec_fma(acc.at[r][v], scale, shift));
                    vec_store(out + v * LANES, e);
                    total = vec_add(total, e);
                }
                if (b->sums != NULL) {
                    float *sums = b->sums + (row + r) * KERNEL_SUM_LANES;
                    vec_store(sums, vec_add(vec_load(sums), total));
                }
            }
        }
    }
}

static float kernel_exp2_sum(const float *in, float shift, float *out, size_t count) {
    float lanes[LANES], result = 0.0f;
    const Exp2Poly poly = exp2_poly();
    const KernelVec by = vec_set1(shift);
    KernelVec total = vec_set1(0.0f);
    for (size_t i = 0; i < count; i += LANES) {
        const KernelVec e = vec_exp2(&poly, vec_add(vec_load(in + i), by));
        vec_store(out + i, e);
        total = vec_add(total, e);
    }
    vec_store(lanes, total);
    for (int i = 0; i < LANES; i++) {
        result += lanes[i];
    }
    return result;
}

static float kernel_largest(const float *in, size_t count, float *smallest) {
    float high[LANES], low[LANES], result = -INFINITY;
    KernelVec max = vec_set1(-INFINITY), min = vec_set1(INFINITY);
    for (size_t i = 0; i < count; i += LANES) {
        const KernelVec v = vec_load(in + i);
        max = vec_max(v, max);
        min = vec_min(v, min);
    }
    vec_store(high, max);
    vec_store(low, min);
    *smallest = INFINITY;
    for (int i = 0; i < LANES; i++) {
        result = high[i] > result ? high[i] : result;
        *smallest = low[i] < *smallest ? low[i] : *smallest;
    }
    return result;
}

/* Four vectors side by side: a chain of sums alone would wait for itself. */
static inline __attribute__((always_inline)) void columns_of(const float *rows, size_t pitch, int row_count,
                                                             const float *factor, bool with_min, KernelColumns *out) {
    enum { ABREAST = 4 };
    for (int c = 0; c < COLUMN_VECS; c += ABREAST) {
        const float *cell = rows + c * LANES;
        KernelVec sum[ABREAST], max[ABREAST], min[ABREAST];
        UNROLL for (int v = 0; v < ABREAST; v++) {
            sum[v] = vec_mul(vec_load(cell + v * LANES), vec_set1(factor[0]));
            max[v] = min[v] = sum[v];
        }
        for (int r = 1; r < row_count; r++) {
            const float *row = cell + (size_t)r * pitch;
            const KernelVec by = vec_set1(factor[r]);
            UNROLL for (int v = 0; v < ABREAST; v++) {
                const KernelVec x = vec_mul(vec_load(row + v * LANES), by);
                sum[v] = vec_add(sum[v], x);
                max[v] = vec_max(x, max[v]);
                min[v] = with_min ? vec_min(x, min[v]) : min[v];
            }
        }
        UNROLL for (int v = 0; v < ABREAST; v++) {
            vec_store(out->sum + (c + v) * LANES, sum[v]);
            vec_store(out->max + (c + v) * LANES, max[v]);
            vec_store(out->min + (c + v) * LANES, min[v]);
        }
    }
}

static void kernel_columns(const float *rows, size_t pitch, int row_count, const float *factor, bool with_min,
                           KernelColumns *out) {
    if (with_min) {
        columns_of(rows, pitch, row_count, factor, true, out);
    } else {
        columns_of(rows, pitch, row_count, factor, false, out);
    }
}

/* Neighbours of a row of `count` become one. */
static void halve_sums(const float *restrict in, float *restrict out, int count) {
    for (int i = 0; i < count / 2; i++) {
        out[i] = in[2 * i] + in[2 * i + 1];
    }
}

static void halve_max(const float *restrict in, float *restrict out, int count) {
    for (int i = 0; i < count / 2; i++) {
        out[i] = in[2 * i] > in[2 * i + 1] ? in[2 * i] : in[2 * i + 1];
    }
}

static void halve_min(const float *restrict in, float *restrict out, int count) {
    for (int i = 0; i < count / 2; i++) {
        out[i] = in[2 * i] < in[2 * i + 1] ? in[2 * i] : in[2 * i + 1];
    }
}

#ifndef KERNEL_SQUEEZE_ROWS
/* Halves of halves: compilers shuffle these well. */
static void kernel_squeeze(const float *rows, size_t pitch, int row_count, float *sums, float *largest,
                           size_t out_pitch) {
    float a[KERNEL_KEYS / 2], b[KERNEL_KEYS / 4];
    for (int r = 0; r < row_count; r++, rows += pitch, sums += out_pitch, largest += out_pitch) {
        halve_sums(rows, a, KERNEL_KEYS);
        halve_sums(a, b, KERNEL_KEYS / 2);
        halve_sums(b, a, KERNEL_KEYS / 4);
        halve_sums(a, sums, KERNEL_KEYS / 8);
        halve_max(rows, a, KERNEL_KEYS);
        halve_max(a, b, KERNEL_KEYS / 2);
        halve_max(b, a, KERNEL_KEYS / 4);
        halve_max(a, largest, KERNEL_KEYS / 8);
    }
}
#else
static void kernel_squeeze(const float *rows, size_t pitch, int row_count, float *sums, float *largest,
                           size_t out_pitch) {
    int r = 0;
    for (; r + KERNEL_SQUEEZE_STEP <= row_count; r += KERNEL_SQUEEZE_STEP) {
        KERNEL_SQUEEZE_ROWS(rows + (size_t)r * pitch, pitch, KERNEL_SQUEEZE_STEP, sums + (size_t)r * out_pitch,
                            largest + (size_t)r * out_pitch, out_pitch);
    }
    if (r < row_count) {
        KERNEL_SQUEEZE_ROWS(rows + (size_t)r * pitch, pitch, row_count - r, sums + (size_t)r * out_pitch,
                            largest + (size_t)r * out_pitch, out_pitch);
    }
}
#endif

static void kernel_halve(const KernelColumns *in, int count, bool with_min, KernelColumns *out) {
    halve_sums(in->sum, out->sum, count);
    halve_max(in->max, out->max, count);
    if (with_min) {
        halve_min(in->min, out->min, count);
    }
}

static void kernel_add(const float *from, size_t pitch, int row_count, const float *factor, float *to) {
    for (int r = 0; r < row_count; r++, from += pitch, to += KERNEL_KEYS) {
        const KernelVec by = vec_set1(factor[r]);
        UNROLL for (int c = 0; c < COLUMN_VECS; c++) {
            vec_store(to + c * LANES, vec_fma(vec_load(from + c * LANES), by, vec_load(to + c * LANES)));
        }
    }
}

/* A NaN on either side stays: x - x is 0 for every number and NaN for the rest. */
static void kernel_extreme(const float *from, size_t pitch, int row_count, const float *factor, bool larger,
                           float *to) {
    for (int r = 0; r < row_count; r++, from += pitch, to += KERNEL_KEYS) {
        const KernelVec by = vec_set1(factor[r]), minus = vec_set1(-1.0f);
        UNROLL for (int c = 0; c < COLUMN_VECS; c++) {
            const KernelVec a = vec_mul(vec_load(from + c * LANES), by), b = vec_load(to + c * LANES);
            const KernelVec both = vec_add(a, b), nothing = vec_fma(both, minus, both);
            vec_store(to + c * LANES, vec_add(larger ? vec_max(a, b) : vec_min(a, b), nothing));
        }
    }
}

/* tanh as in Cephes tanhf (S. Moshier): a polynomial near 0, 1 - 2 / (e^2x + 1) beyond. */
static void kernel_softcap(float *in, size_t count, float inverse_cap, float out_cap) {
    const float near_limit = 0.625f, two_log2_e = 2.88539008f, far_limit = 10.0f;
    const Exp2Poly poly = exp2_poly();
    for (size_t i = 0; i < count; i += LANES) {
        float e[LANES];
        for (size_t j = 0; j < LANES; j++) {
            float x = fabsf(in[i + j] * inverse_cap);
            e[j] = x > far_limit ? far_limit * two_log2_e : x * two_log2_e;
        }
        vec_store(e, vec_exp2(&poly, vec_load(e)));
        for (size_t j = 0; j < LANES; j++) {
            float x = in[i + j] * inverse_cap, z = x * x;
            float p = -5.70498872745e-3f;
            p = p * z + 2.06390887954e-2f;
            p = p * z - 5.37397155531e-2f;
            p = p * z + 1.33314422036e-1f;
            p = p * z - 3.33332819422e-1f;
            p = p * z * x + x;
            float far = copysignf(1.0f - 2.0f / (e[j] + 1.0f), x);
            float v = fabsf(x) < near_limit ? p : far;
            in[i + j] = out_cap * (v + (x - x)); /* what is not finite becomes NaN */
        }
    }
}

static double kernel_peak(int64_t rounds) {
    KernelVec sum[GROUP][VECS], query = vec_set1(0.25f), keys[VECS];
    volatile float seen;
    float lanes[LANES];
    for (int v = 0; v < VECS; v++) {
        keys[v] = vec_set1(0.5f + (float)v);
        for (int r = 0; r < GROUP; r++) {
            sum[r][v] = vec_set1((float)(r + v));
        }
    }
    for (int64_t i = 0; i < rounds; i++) {
        UNROLL for (int r = 0; r < GROUP; r++) {
            UNROLL for (int v = 0; v < VECS; v++) sum[r][v] = vec_dot(sum[r][v], query, keys[v]);
        }
    }
    for (int r = 0; r < GROUP; r++) {
        for (int v = 0; v < VECS; v++) {
            vec_store(lanes, sum[r][v]);
            seen = lanes[0]; /* so that nobody leaves the loop out */
        }
    }
    (void)seen;
    return (double)rounds * GROUP * VECS * LANES * 2 * KERNEL_ITEM_VALUES;
}

#define KERNEL_FUNCTIONS                                                                                               \
    .panel = PANEL, .group = GROUP, .scores = kernel_scores, .weights = kernel_weights, .exp2_sum = kernel_exp2_sum,   \
    .largest = kernel_largest, .columns = kernel_columns, .squeeze = kernel_squeeze, .halve = kernel_halve,            \
    .add = kernel_add, .extreme = kernel_extreme, .softcap = kernel_softcap, .peak = kernel_peak
