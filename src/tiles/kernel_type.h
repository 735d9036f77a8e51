/* kernel_type: what a kernel is, products of query and key rows and what follows them, for one family of processors
 * each; who makes one includes this, who uses them kernel.h. Inside tiles only.
 *
 * A kernel takes packed operands of 4-byte items: one f32 of a row, or two neighbouring bf16 of it. `depth` counts
 * items.
 *
 *   keys     panels of KERNEL_KEYS:  [panel][sub-panel of kernel->panel places][depth][place]  a panel stays in L1
 *   queries  groups of kernel->group rows:  [group][depth][row]                                read once a panel
 *
 * Keys of a panel are spread over vectors, so that neighbours meet by adding vectors, not by shuffling lanes. With
 * `lanes` numbers in a vector and n = KERNEL_KEYS / lanes vectors, lane l of vector v is key l * n + v, at place
 * v * lanes + l of every row of KERNEL_KEYS cells below:
 *
 *   16 lanes    v0: key 0 4 8 ... 60    v1: 1 5 9 ... 61    v2: 2 6 10 ... 62    v3: 3 7 11 ... 63
 *
 * Softmax is computed in powers of two: 2^(scale * dot + shift[row]), with whole numbers as shifts, so that nothing
 * is lost where scores are large; what is left of a row's normaliser is a factor that pooling applies. */
#ifndef ATTNSCOPE_TILES_KERNEL_TYPE_H
#define ATTNSCOPE_TILES_KERNEL_TYPE_H

#include "base/base.h"

/* Keys of a panel; rows of a block, a multiple of every kernel->group. */
enum { KERNEL_KEYS = 64, KERNEL_ROWS = 24, KERNEL_SUM_LANES = 16 };
/* Neighbouring keys that `squeeze` makes one of. */
enum { KERNEL_SQUEEZE = 16, KERNEL_SQUEEZE_LEVEL = 4 };
/* KERNEL_KEYS is 2^KERNEL_LEVELS. */
enum { KERNEL_LEVELS = 6 };

/* Largest relative error of a kernel's exp2 against the true one, over results that are normal numbers. */
#define KERNEL_EXP2_ERROR 2.5e-7

typedef struct KernelBlock {
    const void *q;   /* packed, from a group's start; rows up to the end of the group are read */
    const void *k;   /* one packed panel */
    int depth, rows; /* rows: 1 .. KERNEL_ROWS */
    float scale;
    const float *shift; /* [KERNEL_ROWS]; weights only */
    float *out;         /* rows (rounded up to the group) of KERNEL_KEYS, `pitch` floats apart */
    size_t pitch;
    float *sums; /* NULL, or [KERNEL_ROWS][KERNEL_SUM_LANES]: parts of row sums are added to it; weights only */
} KernelBlock;

/* Columns of some rows, by place: sum, max and min of factor[row] * rows[row][column]. */
typedef struct KernelColumns {
    float sum[KERNEL_KEYS], max[KERNEL_KEYS], min[KERNEL_KEYS];
} KernelColumns;

typedef struct Kernel {
    const char *name;
    bool bf16; /* items are pairs of bf16; else f32 */
    int panel, group;
    int lane_bits;                            /* lanes are 2^lane_bits, see above; 0: keys are in their own order */
    void (*scores)(const KernelBlock *block); /* out = scale * dot */
    /* out = 2^(scale * dot + shift). A score of NaN gives NaN, of Inf NaN or Inf, of -Inf NaN or 0: who cannot be sure of
     * the latter takes scores and exp2_sum. */
    void (*weights)(const KernelBlock *block);
    /* out[i] = 2^(in[i] + shift), not finite: NaN; count a multiple of 16, in place allowed; returns their sum. */
    float (*exp2_sum)(const float *in, float shift, float *out, size_t count);
    float (*largest)(const float *in, size_t count, float *smallest); /* count a multiple of 16; NaN is skipped */
    /* with_min false: min is left undefined. more: these rows join those that are in `out` already. */
    void (*columns)(const float *rows, size_t pitch, int row_count, const float *factor, bool with_min, bool more,
                    KernelColumns *out);
    /* Sums and maxima of KERNEL_SQUEEZE neighbours of each row of KERNEL_KEYS, in the order of keys; rows of results are
     * out_pitch apart. */
    void (*squeeze)(const float *rows, size_t pitch, int row_count, float *sums, float *largest, size_t out_pitch);
    /* 2^level neighbours become one, 0 <= level <= KERNEL_LEVELS: KERNEL_KEYS >> level columns in the order of keys. */
    void (*merge)(KernelColumns *columns, int level, bool with_min);
    /* to[i] += factor * from[i] over KERNEL_KEYS columns of each row; or the larger, or the smaller of both. */
    void (*add)(const float *from, size_t pitch, int row_count, const float *factor, float *to);
    void (*extreme)(const float *from, size_t pitch, int row_count, const float *factor, bool larger, float *to);
    /* in[i] = out_cap * tanh(in[i] * inverse_cap) */
    void (*softcap)(float *in, size_t count, float inverse_cap, float out_cap);
    /* Dot products of registers, nothing else: what the processor can do. Returns floating-point operations. */
    double (*peak)(int64_t rounds);
} Kernel;

/* NULL where it was not built in, or this processor has not got the instructions. */
const Kernel *tiles_kernel_portable(void);
const Kernel *tiles_kernel_avx2(void);
const Kernel *tiles_kernel_avx512(void);
const Kernel *tiles_kernel_avx512_bf16(void);
const Kernel *tiles_kernel_neon(void);

#endif
