/* The body of every kernel that has vectors of its own: a kernel_*.c defines the vector and a dozen operations on
 * it, then includes this once.
 *
 *   KernelVec, LANES     the vector and how many f32 it holds
 *   GROUP, VECS          rows and vectors of a sub-panel: GROUP * VECS accumulators + VECS + 1 must fit the registers
 *   vec_load vec_store vec_set1 vec_add vec_mul vec_max vec_min vec_fma (a * b + c)
 *   vec_exp2             of a polynomial (kernel_poly.h) and a vector; NaN of what is not finite
 *   vec_exp2_finite      with KERNEL_EXP2_FINITE: the same for scores above -Inf, of the polynomial from 0 up
 *   vec_dot              acc + items of q * items of k
 *   vec_squeeze_sum(v, count, out, pitch)  of each of four vectors, LANES / 4 lanes become one: `count` rows of four;
 *   vec_squeeze_max      the same with maxima
 *
 * GROUP rows x VECS vectors of accumulators: for GROUP = 6, VECS = 4 an item costs 10 loads and 24 multiply-adds. */
#include "tiles/kernel_type.h"

#include <math.h>

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PANEL = VECS * LANES, SUB_PANELS = KERNEL_KEYS / PANEL, COLUMN_VECS = KERNEL_KEYS / LANES };
enum { COLUMN_LEVELS = LANES == 16 ? 2 : LANES == 8 ? 3 : 4 }; /* COLUMN_VECS is 2^COLUMN_LEVELS */

#ifdef KERNEL_EXP2_FINITE
#define exp2_poly_finite exp2_poly_up
#else
#define exp2_poly_finite exp2_poly
#define vec_exp2_finite vec_exp2
#endif

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
            const Exp2Poly poly = exp2_poly_finite();
            UNROLL for (int r = 0; r < GROUP; r++) {
                const KernelVec shift = vec_set1(b->shift[row + r]);
                float *out = b->out + (size_t)(row + r) * b->pitch + sub * PANEL;
                KernelVec total = vec_set1(0.0f);
                UNROLL for (int v = 0; v < VECS; v++) {
                    const KernelVec e = vec_exp2_finite(&poly, vec_fma(acc.at[r][v], scale, shift));
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
                                                             const float *factor, bool with_min, bool more,
                                                             KernelColumns *out) {
    enum { ABREAST = 4 };
    for (int c = 0; c < COLUMN_VECS; c += ABREAST) {
        const float *cell = rows + c * LANES;
        KernelVec sum[ABREAST], max[ABREAST], min[ABREAST];
        UNROLL for (int v = 0; v < ABREAST; v++) {
            const int at = (c + v) * LANES;
            sum[v] = more ? vec_load(out->sum + at) : vec_mul(vec_load(cell + v * LANES), vec_set1(factor[0]));
            max[v] = more ? vec_load(out->max + at) : sum[v];
            min[v] = !with_min ? sum[v] : more ? vec_load(out->min + at) : sum[v];
        }
        for (int r = more ? 0 : 1; r < row_count; r++) {
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
                           bool more, KernelColumns *out) {
    if (with_min) {
        columns_of(rows, pitch, row_count, factor, true, more, out);
    } else {
        columns_of(rows, pitch, row_count, factor, false, more, out);
    }
}

/* Vectors of a row to one, whose lane l stands for the COLUMN_VECS keys from l * COLUMN_VECS on. */
static inline __attribute__((always_inline)) void squeeze_row(const float *row, KernelVec *sum, KernelVec *max) {
    *sum = *max = vec_load(row);
    UNROLL for (int c = 1; c < COLUMN_VECS; c++) {
        const KernelVec cells = vec_load(row + c * LANES);
        *sum = vec_add(*sum, cells);
        *max = vec_max(cells, *max);
    }
}

static void kernel_squeeze(const float *rows, size_t pitch, int row_count, float *sums, float *largest,
                           size_t out_pitch) {
    enum { STEP = 4 };
    for (int r = 0; r < row_count; r += STEP) {
        const int count = row_count - r < STEP ? row_count - r : STEP;
        KernelVec sum[STEP], max[STEP];
        UNROLL for (int i = 0; i < STEP; i++) {
            squeeze_row(rows + (size_t)(r + (i < count ? i : 0)) * pitch, &sum[i], &max[i]);
        }
        vec_squeeze_sum(sum, count, sums + (size_t)r * out_pitch, out_pitch);
        vec_squeeze_max(max, count, largest + (size_t)r * out_pitch, out_pitch);
    }
}

/* Vector by vector first, which leaves vectors of a quarter, say, of the lanes' keys each; then lane by lane, once they
 * are in the order of keys. */
#define KERNEL_MERGE(name, vec_join, join)                                                                             \
    static void name##_lanes(float *restrict columns, int count, int level) {                                          \
        for (; level > 0; level--, count /= 2) {                                                                       \
            for (int i = 0; i < count / 2; i++)                                                                        \
                columns[i] = join(columns[2 * i], columns[2 * i + 1]);                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_few(float *columns, int level) {                                                                \
        float cells[KERNEL_KEYS];                                                                                      \
        for (int v = 0; v < COLUMN_VECS; v++)                                                                          \
            vec_store(cells + v * LANES, vec_load(columns + v * LANES));                                               \
        for (int v = 0; v < COLUMN_VECS; v++) {                                                                        \
            for (int l = 0; l < LANES; l++)                                                                            \
                columns[l * COLUMN_VECS + v] = cells[v * LANES + l];                                                   \
        }                                                                                                              \
        name##_lanes(columns, KERNEL_KEYS, level);                                                                     \
    }                                                                                                                  \
    static inline __attribute__((always_inline)) void name(float *columns, int level) {                                \
        if (level < COLUMN_LEVELS) {                                                                                   \
            name##_few(columns, level);                                                                                \
            return;                                                                                                    \
        }                                                                                                              \
        KernelVec v[COLUMN_VECS];                                                                                      \
        UNROLL for (int i = 0; i < COLUMN_VECS; i++) v[i] = vec_load(columns + i * LANES);                             \
        UNROLL for (int n = COLUMN_VECS / 2; n > 0; n /= 2) {                                                          \
            UNROLL for (int i = 0; i < n; i++) v[i] = vec_join(v[2 * i + 1], v[2 * i]);                                \
        }                                                                                                              \
        vec_store(columns, v[0]);                                                                                      \
        name##_lanes(columns, LANES, level - COLUMN_LEVELS);                                                           \
    }
#define JOIN_SUM(a, b) ((a) + (b))
#define JOIN_MAX(a, b) ((a) > (b) ? (a) : (b))
#define JOIN_MIN(a, b) ((a) < (b) ? (a) : (b))
KERNEL_MERGE(merge_sums, vec_add, JOIN_SUM)
KERNEL_MERGE(merge_max, vec_max, JOIN_MAX)
KERNEL_MERGE(merge_min, vec_min, JOIN_MIN)

static void kernel_merge(KernelColumns *columns, int level, bool with_min) {
    merge_sums(columns->sum, level);
    merge_max(columns->max, level);
    if (with_min) {
        merge_min(columns->min, level);
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
    .panel = PANEL, .group = GROUP, .lane_bits = KERNEL_LEVELS - COLUMN_LEVELS, .scores = kernel_scores,               \
    .weights = kernel_weights, .exp2_sum = kernel_exp2_sum, .largest = kernel_largest, .columns = kernel_columns,      \
    .squeeze = kernel_squeeze, .merge = kernel_merge, .add = kernel_add, .extreme = kernel_extreme,                    \
    .softcap = kernel_softcap, .peak = kernel_peak
