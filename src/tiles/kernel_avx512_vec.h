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
