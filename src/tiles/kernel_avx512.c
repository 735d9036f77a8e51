/* AVX-512F: f32 items. */
#include "tiles/kernel_type.h"

#if defined(__AVX512F__)
#include "tiles/kernel_avx512_vec.h"

#define KERNEL_ITEM_VALUES 1
static inline KernelVec vec_dot(KernelVec acc, KernelVec q, KernelVec k) {
    return _mm512_fmadd_ps(q, k, acc);
}
#include "tiles/kernel_body.h"

const Kernel *tiles_kernel_avx512(void) {
    static const Kernel kernel = {.name = "avx512", KERNEL_FUNCTIONS};
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? &kernel
               : NULL;
}
#else
const Kernel *tiles_kernel_avx512(void) {
    return NULL;
}
#endif
