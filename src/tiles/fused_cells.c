/* Cells of one block: products of packed rows, their powers of two, and what is hidden. */
#include "tiles/fused.h"

void tiles_fused_scores(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, float unit,
                        float *out, size_t pitch) {
    bool capped = f->info.softcap > 0.0;
    KernelBlock block = {.q = queries, .k = panel, .depth = f->depth, .rows = rows, .out = out, .pitch = pitch};
    block.scale = (float)(capped ? f->info.scale : f->info.scale * (double)unit);
    f->kernel->scores(&block);
    for (int r = 0; capped && r < rows; r++) {
        f->kernel->softcap(out + (size_t)r * pitch, KERNEL_KEYS, (float)(1.0 / f->info.softcap),
                           (float)(f->info.softcap * (double)unit));
    }
}

void tiles_fused_powers(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, const float *shift,
                        float *out, size_t pitch, float *sums) {
    if (f->info.softcap > 0.0) {
        tiles_fused_scores(f, queries, panel, rows, (float)LOG2_E, out, pitch);
        for (int r = 0; r < rows; r++) {
            float *row = out + (size_t)r * pitch;
            const float sum = f->kernel->exp2_sum(row, shift[r], row, KERNEL_KEYS);
            if (sums != NULL) {
                sums[r * KERNEL_SUM_LANES] += sum;
            }
        }
        return;
    }
    KernelBlock block = {.q = queries,
                         .k = panel,
                         .depth = f->depth,
                         .rows = rows,
                         .scale = (float)(f->info.scale * LOG2_E),
                         .shift = shift,
                         .out = out,
                         .pitch = pitch,
                         .sums = sums};
    f->kernel->weights(&block);
}

void tiles_fused_cells(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, const float *shift,
                       float *out) {
    if (!f->weights) {
        tiles_fused_scores(f, queries, panel, rows, 1.0f, out, KERNEL_KEYS);
    } else {
        tiles_fused_powers(f, queries, panel, rows, shift, out, KERNEL_KEYS, NULL);
    }
}

void tiles_fused_mask(const Fused *f, int64_t q, int rows, int64_t k, float *cells, size_t pitch, float value) {
    for (int r = 0; r < rows; r++, cells += pitch) {
        int64_t lo, hi;
        tiles_fused_visible(f, q + r, &lo, &hi);
        lo = i64_clamp(lo - k, 0, KERNEL_KEYS);
        hi = i64_clamp(hi - k, lo, KERNEL_KEYS);
        for (int i = 0; i < (int)lo; i++) {
            cells[tiles_kernel_place(f->kernel, i)] = value;
        }
        for (int i = (int)hi; i < KERNEL_KEYS; i++) {
            cells[tiles_kernel_place(f->kernel, i)] = value;
        }
    }
}

float tiles_fused_weight(const Fused *f, int head) {
    const ResolvedHeads *heads = f->request->heads;
    bool extreme = heads->op == HEADS_MAX || heads->op == HEADS_MIN;
    return f->single || extreme ? 1.0f : heads->op == HEADS_MEAN ? (float)(1.0 / heads->count) : heads->weight[head];
}
