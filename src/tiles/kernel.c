/* Which kernel runs, and how operands are packed for it. */
#include "tiles/kernel.h"
#include "tiles/tiles.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KERNEL_VARIABLE "ATTNSCOPE_KERNEL"

int tiles_kernels(const Kernel *out[KERNELS_MAX]) {
    const Kernel *const all[KERNELS_MAX] = {tiles_kernel_portable(), tiles_kernel_neon(), tiles_kernel_avx2(),
                                            tiles_kernel_avx512(), tiles_kernel_avx512_bf16()};
    int count = 0;
    for (size_t i = 0; i < BASE_COUNT(all); i++) {
        if (all[i] != NULL) {
            out[count++] = all[i];
        }
    }
    return count;
}

/* Processor time of this thread: whoever else is at work does not count. */
static double cpu_ns(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Dot products of bf16 run at twice the rate of f32 on some processors and at half of it on others, so it is measured,
 * once: the best of a few runs of some 20 us each. */
static double measure_rate(const Kernel *kernel, int64_t rounds) {
    enum { RUNS = 7 };
    double best = 0.0;
    for (int i = 0; i < RUNS; i++) {
        double start = cpu_ns();
        double operations = kernel->peak(rounds);
        double rate = operations / (cpu_ns() - start + 1.0);
        best = rate > best ? rate : best;
    }
    return best;
}

static bool bf16_pays(const Kernel *bf16, const Kernel *f32) {
    enum { UNKNOWN, YES, NO, ROUNDS = 4000 };
    static atomic_int known; /* two threads that measure at once only waste time */
    int answer = atomic_load(&known);
    if (answer == UNKNOWN) {
        answer = measure_rate(bf16, ROUNDS) > measure_rate(f32, ROUNDS) ? YES : NO;
        atomic_store(&known, answer);
    }
    return answer == YES;
}

const Kernel *tiles_kernel_choose(bool bf16) {
    const Kernel *kernels[KERNELS_MAX], *best = NULL;
    const char *asked = getenv(KERNEL_VARIABLE);
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        if (kernels[i]->bf16 && !bf16) {
            continue;
        }
        if (asked != NULL && strcmp(asked, kernels[i]->name) == 0) {
            return kernels[i];
        }
        if (!kernels[i]->bf16 || bf16_pays(kernels[i], best)) {
            best = kernels[i];
        }
    }
    return best;
}

const char *tiles_kernel_name(bool bf16) {
    return tiles_kernel_choose(bf16)->name;
}

KernelSpeed tiles_kernel_best(bool bf16) {
    enum { ROUNDS = 4000 };
    const Kernel *kernel = tiles_kernel_choose(bf16);
    return (KernelSpeed){kernel->name, kernel->bf16, measure_rate(kernel, ROUNDS)};
}

int tiles_kernel_list(KernelSpeed *out, int max) {
    const Kernel *kernels[KERNELS_MAX];
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count && i < max; i++) {
        out[i] = (KernelSpeed){.name = kernels[i]->name, .bf16 = kernels[i]->bf16};
    }
    return count < max ? count : max;
}

/* ---- packing --------------------------------------------------------------------------------- */

int tiles_kernel_depth(const Kernel *kernel, int dim) {
    return kernel->bf16 ? (dim + 1) / 2 : dim;
}

size_t tiles_kernel_panel_items(int depth) {
    return (size_t)depth * KERNEL_KEYS;
}

/* The source is bf16, so cutting off the low half is exact. */
static uint32_t pair_of(const float *row, int item, int dim) {
    uint32_t low, high = 0;
    memcpy(&low, &row[2 * item], sizeof low);
    if (2 * item + 1 < dim) {
        memcpy(&high, &row[2 * item + 1], sizeof high);
    }
    return (low >> 16) | (high & 0xffff0000u);
}

/* One row -> a column of `depth` items, `stride` items apart. */
static void scatter(const Kernel *kernel, const float *row, int dim, uint32_t *out, size_t stride) {
    if (kernel->bf16) {
        for (int i = 0; i < (dim + 1) / 2; i++) {
            out[(size_t)i * stride] = pair_of(row, i, dim);
        }
        return;
    }
    for (int i = 0; i < dim; i++) {
        memcpy(&out[(size_t)i * stride], &row[i], sizeof *out);
    }
}

void tiles_kernel_pack_keys(const Kernel *kernel, const float *rows, int row_count, int dim, void *panel) {
    size_t depth = (size_t)tiles_kernel_depth(kernel, dim), width = (size_t)kernel->panel;
    uint32_t *out = panel;
    if (row_count < KERNEL_KEYS) {
        memset(out, 0, depth * KERNEL_KEYS * sizeof *out);
    }
    for (int key = 0; key < row_count; key++) {
        size_t place = (size_t)tiles_kernel_place(kernel, key);
        uint32_t *column = out + (place / width) * depth * width + place % width;
        scatter(kernel, rows + (size_t)key * (size_t)dim, dim, column, width);
    }
}

void tiles_kernel_pack_queries(const Kernel *kernel, const float *rows, int64_t row_count, int dim, void *out) {
    size_t depth = (size_t)tiles_kernel_depth(kernel, dim), group = (size_t)kernel->group;
    for (size_t first = 0; first < (size_t)row_count; first += group) {
        uint32_t *block = (uint32_t *)out + first * depth;
        size_t count = (size_t)row_count - first < group ? (size_t)row_count - first : group;
        if (count < group) {
            memset(block, 0, depth * group * sizeof *block);
        }
        for (size_t row = 0; row < count; row++) {
            scatter(kernel, rows + (first + row) * (size_t)dim, dim, block + row, group);
        }
    }
}
