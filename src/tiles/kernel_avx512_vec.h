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

/* vscalefps rounds its power down by itself and vreduceps is what that leaves over, 0 .. 1; of -Inf it is 0, and so is
 * the result. Three operations of twelve fewer. */
static inline KernelVec vec_exp2_finite(const Exp2Poly *poly, KernelVec x) {
    const KernelVec f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    return _mm512_scalef_ps(exp2_poly_at(poly, f), x);
}
#define KERNEL_EXP2_FINITE

/* Of each of four rows the lanes of a 128-bit part become one, and a part holds the four rows then: out go rows. */
static inline void squeeze_store(__m512 parts, int count, float *out, size_t pitch) {
    const __m512 rows = _mm512_permutexvar_ps(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                              parts);
    _mm_storeu_ps(out, _mm512_castps512_ps128(rows));
    if (count > 1) {
        _mm_storeu_ps(out + pitch, _mm512_extractf32x4_ps(rows, 1));
    }
    if (count > 2) {
        _mm_storeu_ps(out + 2 * pitch, _mm512_extractf32x4_ps(rows, 2));
    }
    if (count > 3) {
        _mm_storeu_ps(out + 3 * pitch, _mm512_extractf32x4_ps(rows, 3));
    }
}

#define SQUEEZE(name, add)                                                                                             \
    static inline __m512 name##_pair(__m512 a, __m512 b) {                                                             \
        return add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));                                                \
    }                                                                                                                  \
    static inline void name(const __m512 *v, int count, float *out, size_t pitch) {                                    \
        const __m512d x = _mm512_castps_pd(name##_pair(v[0], v[1])), y = _mm512_castps_pd(name##_pair(v[2], v[3]));    \
        const __m512 parts = add(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)),                                           \
                                 _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));                                          \
        squeeze_store(parts, count, out, pitch);                                                                       \
    }
SQUEEZE(vec_squeeze_sum, _mm512_add_ps)
SQUEEZE(vec_squeeze_max, _mm512_max_ps)
