/* AVX-512 BF16: pairs of bf16, summed in f32. Products of bf16 are exact in f32, so for bf16 sources this is as good
 * as f32 (but for subnormal numbers, which the instruction takes as zeros). */
#include "tiles/kernel_type.h"

#if defined(__AVX512BF16__)
#include "tiles/kernel_avx512_vec.h"

#define KERNEL_ITEM_VALUES 2
static inline KernelVec vec_dot(KernelVec acc, KernelVec q, KernelVec k) {
    return _mm512_dpbf16_ps(acc, (__m512bh)q, (__m512bh)k);
}
#include "tiles/kernel_body.h"

const Kernel *tiles_kernel_avx512_bf16(void) {
    static const Kernel kernel = {.name = "avx512bf16", .bf16 = true, KERNEL_FUNCTIONS};
    return tiles_kernel_avx512() != NULL && __builtin_cpu_supports("avx512bf16") ? &kernel : NULL;
}
#else
const Kernel *tiles_kernel_avx512_bf16(void) {
    return NULL;
}
#endif
