/* Any processor: products through a BLAS, the rest in C that compilers vectorise. Also what the others are tested
 * against. */
#include "tiles/kernel_exp2.h"
#include "tiles/kernel_type.h"

#include <math.h>
#include <string.h>
#if defined(ATTNSCOPE_CBLAS_ACCELERATE)
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

enum { GROUP = KERNEL_ROWS, LANES = 16, EXPONENT_BITS = 23 };
/* 1.5 x 2^23: adding it rounds to a whole number in the low bits. */
#define ROUND_MAGIC 12582912.0f

static inline float exp2_one(float x) {
    float odd = x - x; /* 0, or NaN where x is not finite */
    x = x < EXP2_LOWEST ? EXP2_LOWEST : x;
    x = x > EXP2_HIGHEST ? EXP2_HIGHEST : x;
    float shifted = x + ROUND_MAGIC;
    float f = x - (shifted - ROUND_MAGIC);
    float p = EXP2_C5;
    p = p * f + EXP2_C4;
    p = p * f + EXP2_C3;
    p = p * f + EXP2_C2;
    p = p * f + EXP2_C1;
    p = p * f + EXP2_C0;
    uint32_t bits, power;
    memcpy(&power, &shifted, sizeof power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << EXPONENT_BITS;
    memcpy(&p, &bits, sizeof p);
    return p + odd;
}

static void portable_scores(const KernelBlock *b) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b->rows, KERNEL_KEYS, b->depth, b->scale, b->q, GROUP, b->k,
                KERNEL_KEYS, 0.0f, b->out, (int)b->pitch);
}

static float portable_exp2_sum(const float *in, float shift, float *out, size_t count) {
    float lanes[LANES] = {0}, result = 0.0f;
    for (size_t i = 0; i < count; i += LANES) {
        float e[LANES];
        for (size_t j = 0; j < LANES; j++) {
            e[j] = exp2_one(in[i + j] + shift);
        }
        for (size_t j = 0; j < LANES; j++) {
            out[i + j] = e[j];
            lanes[j] += e[j];
        }
    }
    for (int j = 0; j < LANES; j++) {
        result += lanes[j];
    }
    return result;
}

static void portable_weights(const KernelBlock *b) {
    portable_scores(b);
    for (int r = 0; r < b->rows; r++) {
        float *row = b->out + (size_t)r * b->pitch;
        float sum = portable_exp2_sum(row, b->shift[r], row, KERNEL_KEYS);
        if (b->sums != NULL) {
            b->sums[r * KERNEL_SUM_LANES] += sum;
        }
    }
}

static float portable_largest(const float *in, size_t count, float *smallest) {
    float max = -INFINITY, min = INFINITY;
    for (size_t i = 0; i < count; i++) {
        max = in[i] > max ? in[i] : max;
        min = in[i] < min ? in[i] : min;
    }
    *smallest = min;
    return max;
}

static void portable_columns(const float *rows, size_t pitch, int row_count, const float *factor, bool with_min,
                             bool more, KernelColumns *out) {
    for (int i = 0; i < KERNEL_KEYS && !more; i++) {
        out->sum[i] = out->max[i] = out->min[i] = rows[i] * factor[0];
    }
    for (int i = 0; i < KERNEL_KEYS && !with_min; i++) {
        out->min[i] = 0.0f; /* a number, whatever was there */
    }
    for (int r = more ? 0 : 1; r < row_count; r++) {
        const float *row = rows + (size_t)r * pitch;
        for (int i = 0; i < KERNEL_KEYS; i++) {
            float v = row[i] * factor[r];
            out->sum[i] += v;
            out->max[i] = v > out->max[i] ? v : out->max[i];
            out->min[i] = v < out->min[i] ? v : out->min[i];
        }
    }
}

static void portable_squeeze(const float *rows, size_t pitch, int row_count, float *sums, float *largest,
                             size_t out_pitch) {
    for (int r = 0; r < row_count; r++, rows += pitch, sums += out_pitch, largest += out_pitch) {
        for (int i = 0; i < KERNEL_KEYS / KERNEL_SQUEEZE; i++) {
            const float *cells = rows + i * KERNEL_SQUEEZE;
            float sum = 0.0f, max = cells[0];
            for (int j = 0; j < KERNEL_SQUEEZE; j++) {
                sum += cells[j];
                max = cells[j] > max ? cells[j] : max;
            }
            sums[i] = sum;
            largest[i] = max;
        }
    }
}

static void portable_merge(KernelColumns *c, int level, bool with_min) {
    for (int count = KERNEL_KEYS / 2; level > 0; level--, count /= 2) {
        for (int i = 0; i < count; i++) {
            c->sum[i] = c->sum[2 * i] + c->sum[2 * i + 1];
            c->max[i] = c->max[2 * i] > c->max[2 * i + 1] ? c->max[2 * i] : c->max[2 * i + 1];
            c->min[i] = !with_min ? 0.0f : c->min[2 * i] < c->min[2 * i + 1] ? c->min[2 * i] : c->min[2 * i + 1];
        }
    }
}

static void portable_add(const float *from, size_t pitch, int row_count, const float *factor, float *to) {
    for (int r = 0; r < row_count; r++, from += pitch, to += KERNEL_KEYS) {
        for (int i = 0; i < KERNEL_KEYS; i++) {
            to[i] += from[i] * factor[r];
        }
    }
}

static void portable_extreme(const float *from, size_t pitch, int row_count, const float *factor, bool larger,
                             float *to) {
    for (int r = 0; r < row_count; r++, from += pitch, to += KERNEL_KEYS) {
        for (int i = 0; i < KERNEL_KEYS; i++) {
            float a = from[i] * factor[r], b = to[i], both = a + b;
            to[i] = ((a > b) == larger ? a : b) + (both - both);
        }
    }
}

static void portable_softcap(float *in, size_t count, float inverse_cap, float out_cap) {
    for (size_t i = 0; i < count; i++) {
        float x = in[i] * inverse_cap;
        in[i] = out_cap * (tanhf(x) + (x - x));
    }
}

static double portable_peak(int64_t rounds) {
    float sum[4 * LANES];
    volatile float seen;
    for (int i = 0; i < 4 * LANES; i++) {
        sum[i] = (float)i;
    }
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < 4 * LANES; i++) {
            sum[i] = sum[i] * 0.5f + 0.25f;
        }
    }
    for (int i = 0; i < 4 * LANES; i++) {
        seen = sum[i];
    }
    (void)seen;
    return (double)rounds * 2.0 * 4 * LANES;
}

const Kernel *tiles_kernel_portable(void) {
    static const Kernel kernel = {
        .name = "portable",
        .panel = KERNEL_KEYS,
        .group = GROUP,
        .lane_bits = 0,
        .scores = portable_scores,
        .weights = portable_weights,
        .exp2_sum = portable_exp2_sum,
        .largest = portable_largest,
        .columns = portable_columns,
        .squeeze = portable_squeeze,
        .merge = portable_merge,
        .add = portable_add,
        .extreme = portable_extreme,
        .softcap = portable_softcap,
        .peak = portable_peak,
    };
    return &kernel;
}
