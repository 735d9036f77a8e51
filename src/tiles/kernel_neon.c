/* NEON on 64-bit ARM, where every processor has it: f32 items. */
#include "tiles/kernel_type.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>

#define KERNEL_ITEM_VALUES 1
typedef float32x4_t KernelVec;
enum { LANES = 4, GROUP = 6, VECS = 4, EXPONENT_BITS = 23 };

static inline KernelVec vec_load(const float *p) {
    return vld1q_f32(p);
}

static inline void vec_store(float *p, KernelVec v) {
    vst1q_f32(p, v);
}

static inline KernelVec vec_set1(float v) {
    return vdupq_n_f32(v);
}

static inline KernelVec vec_add(KernelVec a, KernelVec b) {
    return vaddq_f32(a, b);
}

static inline KernelVec vec_mul(KernelVec a, KernelVec b) {
    return vmulq_f32(a, b);
}

/* A NaN loses, as kernel_type.h says. */
static inline KernelVec vec_max(KernelVec a, KernelVec b) {
    return vmaxnmq_f32(a, b);
}

static inline KernelVec vec_min(KernelVec a, KernelVec b) {
    return vminnmq_f32(a, b);
}

static inline KernelVec vec_fma(KernelVec a, KernelVec b, KernelVec c) {
    return vfmaq_f32(c, a, b);
}

#include "tiles/kernel_poly.h"

static inline KernelVec vec_dot(KernelVec acc, KernelVec q, KernelVec k) {
    return vfmaq_f32(acc, q, k);
}

/* x - x makes a NaN of Inf and keeps NaN. */
static inline KernelVec vec_exp2(const Exp2Poly *poly, KernelVec x) {
    const KernelVec odd = vsubq_f32(x, x);
    x = vminnmq_f32(vec_set1(EXP2_HIGHEST), vmaxnmq_f32(vec_set1(EXP2_LOWEST), x));
    const KernelVec n = vrndnq_f32(x), f = vsubq_f32(x, n);
    const KernelVec p = exp2_poly_at(poly, f);
    const int32x4_t power = vshlq_n_s32(vcvtnq_s32_f32(n), EXPONENT_BITS);
    return vec_add(vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), power)), odd);
}

/* A lane is KERNEL_SQUEEZE keys already. */
static inline void vec_squeeze_sum(const float32x4_t *v, int count, float *out, size_t pitch) {
    for (int r = 0; r < count; r++) {
        vst1q_f32(out + (size_t)r * pitch, v[r]);
    }
}

static inline void vec_squeeze_max(const float32x4_t *v, int count, float *out, size_t pitch) {
    vec_squeeze_sum(v, count, out, pitch);
}

#include "tiles/kernel_body.h"

const Kernel *tiles_kernel_neon(void) {
    static const Kernel kernel = {.name = "neon", KERNEL_FUNCTIONS};
    return &kernel;
}
#else
const Kernel *tiles_kernel_neon(void) {
    return NULL;
}
#endif
