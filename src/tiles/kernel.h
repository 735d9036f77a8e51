/* kernel: which kernels run here, and operands packed for them. Inside tiles only. */
#ifndef ATTNSCOPE_TILES_KERNEL_H
#define ATTNSCOPE_TILES_KERNEL_H

#include "tiles/kernel_type.h"

/* Those that run here, slowest first. */
enum { KERNELS_MAX = 5 };
int tiles_kernels(const Kernel *out[KERNELS_MAX]);
/* The best for numbers of this kind; ATTNSCOPE_KERNEL=name asks for another (a name that does not run here, or bf16 for
 * numbers that are not, gives the best). */
const Kernel *tiles_kernel_choose(bool bf16);

/* Place of a key, 0 <= key < KERNEL_KEYS, in a row of cells. */
static inline int tiles_kernel_place(const Kernel *kernel, int key) {
    const int vector_bits = KERNEL_LEVELS - kernel->lane_bits;
    return ((key & ((1 << vector_bits) - 1)) << kernel->lane_bits) + (key >> vector_bits);
}

size_t tiles_kernel_panel_items(int depth); /* 4-byte items of a packed panel */
int tiles_kernel_depth(const Kernel *kernel, int dim);
/* `rows` (at most KERNEL_KEYS) rows of `dim` f32 -> one panel; missing keys are zeros. */
void tiles_kernel_pack_keys(const Kernel *kernel, const float *rows, int row_count, int dim, void *panel);
/* Any number of rows -> groups; the last group is filled with zeros. Takes room for i64_ceil_div(rows, group) *
 * group. */
void tiles_kernel_pack_queries(const Kernel *kernel, const float *rows, int64_t row_count, int dim, void *out);

#endif
