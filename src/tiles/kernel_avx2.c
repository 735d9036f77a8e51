/* AVX2 and FMA: f32 items. */
#include "tiles/kernel.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#define KERNEL_ITEM_VALUES 1
typedef __m256 KernelVec;
enum { LANES = 8, GROUP = 6, VECS = 2, EXPONENT_BITS = 23 };

static inline KernelVec vec_load(const float *p) {
    return _mm256_loadu_ps(p);
}

static inline void vec_store(float *p, KernelVec v) {
    _mm256_storeu_ps(p, v);
}

static inline KernelVec vec_set1(float v) {
    return _mm256_set1_ps(v);
}

static inline KernelVec vec_add(KernelVec a, KernelVec b) {
    return _mm256_add_ps(a, b);
}

static inline KernelVec vec_mul(KernelVec a, KernelVec b) {
    return _mm256_mul_ps(a, b);
}

static inline KernelVec vec_max(KernelVec a, KernelVec b) {
    return _mm256_max_ps(a, b);
}

static inline KernelVec vec_min(KernelVec a, KernelVec b) {
    return _mm256_min_ps(a, b);
}

static inline KernelVec vec_fma(KernelVec a, KernelVec b, KernelVec c) {
    return _mm256_fmadd_ps(a, b, c);
}

#include "tiles/kernel_poly.h"

static inline KernelVec vec_dot(KernelVec acc, KernelVec q, KernelVec k) {
    return _mm256_fmadd_ps(q, k, acc);
}

/* min and max give their second operand where one is NaN; x - x makes a NaN of Inf. */
static inline KernelVec vec_exp2(const Exp2Poly *poly, KernelVec x) {
    const KernelVec odd = _mm256_sub_ps(x, x);
    x = _mm256_min_ps(vec_set1(EXP2_HIGHEST), _mm256_max_ps(vec_set1(EXP2_LOWEST), x));
    const KernelVec n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const KernelVec f = _mm256_sub_ps(x, n);
    const KernelVec p = exp2_poly_at(poly, f);
    const __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), EXPONENT_BITS);
    return vec_add(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power)), odd);
}

/* Two vectors are KERNEL_SQUEEZE keys; then neighbours within 128 bits of two of them, twice, then the two 128-bit
 * parts: `add` sums, or takes the larger. */
#define SQUEEZE(name, add)                                                                                             \
    static inline __m256 name##_pair(__m256 a, __m256 b) {                                                             \
        return add(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));                                                \
    }                                                                                                                  \
    static inline __m256 name##_row(const __m256 *v) {                                                                 \
        const __m256d x = _mm256_castps_pd(name##_pair(add(v[0], v[1]), add(v[2], v[3])));                             \
        const __m256d y = _mm256_castps_pd(name##_pair(add(v[4], v[5]), add(v[6], v[7])));                             \
        return add(_mm256_castpd_ps(_mm256_unpacklo_pd(x, y)), _mm256_castpd_ps(_mm256_unpackhi_pd(x, y)));            \
    }                                                                                                                  \
    static inline __m256 name##_parts(__m256 a, __m256 b) {                                                            \
        return add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));                            \
    }
SQUEEZE(squeeze_sum, _mm256_add_ps)
SQUEEZE(squeeze_max, _mm256_max_ps)

/* One row or two. */
static inline void squeeze_rows(const float *rows, size_t pitch, int count, float *sums, float *largest,
                                size_t out_pitch) {
    __m256 sum[2], max[2];
    for (int r = 0; r < 2; r++) {
        const float *row = rows + (size_t)(r < count ? r : 0) * pitch;
        __m256 v[8];
        for (int i = 0; i < 8; i++) {
            v[i] = _mm256_loadu_ps(row + i * LANES);
        }
        sum[r] = squeeze_sum_row(v);
        max[r] = squeeze_max_row(v);
    }
    const __m256 s = squeeze_sum_parts(sum[0], sum[1]), m = squeeze_max_parts(max[0], max[1]);
    _mm_storeu_ps(sums, _mm256_castps256_ps128(s));
    _mm_storeu_ps(largest, _mm256_castps256_ps128(m));
    if (count > 1) {
        _mm_storeu_ps(sums + out_pitch, _mm256_extractf128_ps(s, 1));
        _mm_storeu_ps(largest + out_pitch, _mm256_extractf128_ps(m, 1));
    }
}
#define KERNEL_SQUEEZE_ROWS squeeze_rows
#define KERNEL_SQUEEZE_STEP 2
#include "tiles/kernel_body.h"

const Kernel *tiles_kernel_avx2(void) {
    static const Kernel kernel = {.name = "avx2", KERNEL_FUNCTIONS};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernel : NULL;
}
#else
const Kernel *tiles_kernel_avx2(void) {
    return NULL;
}
#endif
