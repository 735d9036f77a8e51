/* AVX2 and FMA: f32 items. */
#include "tiles/kernel_type.h"

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

/* Two neighbours become one, of two rows at a time. */
#define SQUEEZE(name, add)                                                                                             \
    static inline void name##_two(__m256 a, __m256 b, float *to_a, float *to_b) {                                      \
        const __m256 parts = add(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));                        \
        const __m256d rows = _mm256_permute4x64_pd(_mm256_castps_pd(parts), 0xd8);                                     \
        _mm_storeu_ps(to_b, _mm256_extractf128_ps(_mm256_castpd_ps(rows), 1));                                         \
        _mm_storeu_ps(to_a, _mm256_castps256_ps128(_mm256_castpd_ps(rows)));                                           \
    }                                                                                                                  \
    static inline void name(const __m256 *v, int count, float *out, size_t pitch) {                                    \
        name##_two(v[0], v[1], out, count > 1 ? out + pitch : out);                                                    \
        if (count > 2) {                                                                                               \
            name##_two(v[2], v[3], out + 2 * pitch, count > 3 ? out + 3 * pitch : out + 2 * pitch);                    \
        }                                                                                                              \
    }
SQUEEZE(vec_squeeze_sum, _mm256_add_ps)
SQUEEZE(vec_squeeze_max, _mm256_max_ps)

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
