/* What the two AVX-512 kernels have in common. */
#include <immintrin.h>

typedef __m512 KernelVec;
enum { LANES = 16, GROUP = 6, VECS = 4 };

static inline KernelVec vec_load(const float *p) {
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, KernelVec v) {
    _mm512_storeu_ps(p, v);
}

static inline KernelVec vec_set1(float v) {
    return _mm512_set1_ps(v);
}

static inline KernelVec vec_add(KernelVec a, KernelVec b) {
    return _mm512_add_ps(a, b);
}

static inline KernelVec vec_mul(KernelVec a, KernelVec b) {
    return _mm512_mul_ps(a, b);
}

static inline KernelVec vec_max(KernelVec a, KernelVec b) {
    return _mm512_max_ps(a, b);
}

static inline KernelVec vec_min(KernelVec a, KernelVec b) {
    return _mm512_min_ps(a, b);
}

static inline KernelVec vec_fma(KernelVec a, KernelVec b, KernelVec c) {
    return _mm512_fmadd_ps(a, b, c);
}

#include "tiles/kernel_poly.h"

/* vscalefps under- and overflows as a product would, but takes NaN * 2^-Inf for 0: hence x - f, which is the same
 * number as n or NaN, as Inf - Inf is. */
static inline KernelVec vec_exp2(const Exp2Poly *poly, KernelVec x) {
    const KernelVec n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const KernelVec f = _mm512_sub_ps(x, n);
    const KernelVec p = exp2_poly_at(poly, f);
    return _mm512_scalef_ps(p, _mm512_sub_ps(x, f));
}

/* Neighbours within 128 bits of two vectors, twice, then the four 128-bit parts: `add` sums, or takes the larger. */
#define SQUEEZE(name, add)                                                                                             \
    static inline __m512 name##_pair(__m512 a, __m512 b) {                                                             \
        return add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));                                                \
    }                                                                                                                  \
    static inline __m512 name##_four(const __m512 *v) {                                                                \
        const __m512d x = _mm512_castps_pd(name##_pair(v[0], v[1])), y = _mm512_castps_pd(name##_pair(v[2], v[3]));    \
        return add(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));            \
    }                                                                                                                  \
    static inline __m512 name##_parts(__m512 a, __m512 b) {                                                            \
        return add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));                                \
    }
SQUEEZE(squeeze_sum, _mm512_add_ps)
SQUEEZE(squeeze_max, _mm512_max_ps)

/* Up to four rows of four vectors: lane 4 r + v of a result is what became of vector v of row r. */
static inline void squeeze_rows(const float *rows, size_t pitch, int count, float *sums, float *largest,
                                size_t out_pitch) {
    __m512 sum[4], max[4];
    for (int r = 0; r < 4; r++) {
        const float *row = rows + (size_t)(r < count ? r : 0) * pitch;
        const __m512 v[4] = {_mm512_loadu_ps(row), _mm512_loadu_ps(row + LANES), _mm512_loadu_ps(row + 2 * LANES),
                             _mm512_loadu_ps(row + 3 * LANES)};
        sum[r] = squeeze_sum_four(v);
        max[r] = squeeze_max_four(v);
    }
    const __m512 s = squeeze_sum_parts(squeeze_sum_parts(sum[0], sum[1]), squeeze_sum_parts(sum[2], sum[3]));
    const __m512 m = squeeze_max_parts(squeeze_max_parts(max[0], max[1]), squeeze_max_parts(max[2], max[3]));
    float lanes[2][LANES];
    if (count == 4) {
        _mm_storeu_ps(sums, _mm512_castps512_ps128(s));
        _mm_storeu_ps(sums + out_pitch, _mm512_extractf32x4_ps(s, 1));
        _mm_storeu_ps(sums + 2 * out_pitch, _mm512_extractf32x4_ps(s, 2));
        _mm_storeu_ps(sums + 3 * out_pitch, _mm512_extractf32x4_ps(s, 3));
        _mm_storeu_ps(largest, _mm512_castps512_ps128(m));
        _mm_storeu_ps(largest + out_pitch, _mm512_extractf32x4_ps(m, 1));
        _mm_storeu_ps(largest + 2 * out_pitch, _mm512_extractf32x4_ps(m, 2));
        _mm_storeu_ps(largest + 3 * out_pitch, _mm512_extractf32x4_ps(m, 3));
        return;
    }
    _mm512_storeu_ps(lanes[0], s);
    _mm512_storeu_ps(lanes[1], m);
    for (int r = 0; r < count; r++) {
        for (size_t i = 0; i < 4; i++) {
            sums[(size_t)r * out_pitch + i] = lanes[0][(size_t)r * 4 + i];
            largest[(size_t)r * out_pitch + i] = lanes[1][(size_t)r * 4 + i];
        }
    }
}
#define KERNEL_SQUEEZE_ROWS squeeze_rows
#define KERNEL_SQUEEZE_STEP 4
