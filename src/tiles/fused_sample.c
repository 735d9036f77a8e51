/* Rows of a sample. Of each texel row as many strata as rows are looked at, and of each stratum one row, where a
 * hash says: the same every time, and no pattern of the rows (every fourth token a comma) can fall in step with it. */
#include "tiles/fused.h"

#define UNIT_53 0x1p-53 /* 53 random bits to 0 .. 1 */

int64_t tiles_fused_query(const Fused *f, int64_t row) {
    int64_t sample = f->request->sample;
    if (sample == 0) {
        return row;
    }
    int level = f->request->level.q;
    int64_t texel = row / sample, height = tiles_cells_in_texel(f->info.queries, level, texel);
    double at = (double)(row % sample) + (double)(hash_u64((uint64_t)row) >> 11) * UNIT_53;
    int64_t within = (int64_t)(at * (double)height / (double)sample);
    return (texel << level) + i64_clamp(within, 0, height - 1);
}

void tiles_fused_visible(const Fused *f, int64_t row, int64_t *lo, int64_t *hi) {
    capture_factored_visible(&f->info, tiles_fused_query(f, row), lo, hi);
}

Status tiles_fused_known(const Fused *f, int head, int64_t ra, int64_t rb, double *lse, int64_t *missing0,
                         int64_t *missing1, Error *err) {
    PatternRef ref = tiles_operand_ref(f, head);
    if (f->request->sample == 0) {
        return capture_lse_known(f->request->capture, ref, ra, rb, lse, missing0, missing1, err);
    }
    Status status = STATUS_OK;
    *missing0 = rb;
    *missing1 = ra;
    for (int64_t row = ra; status == STATUS_OK && row < rb; row++) {
        int64_t q = tiles_fused_query(f, row), first, end;
        status = capture_lse_known(f->request->capture, ref, q, q + 1, &lse[row - ra], &first, &end, err);
        if (first < end) {
            *missing0 = i64_min(*missing0, row);
            *missing1 = row + 1;
        }
    }
    return status;
}

void tiles_fused_keep(const Fused *f, int head, int64_t ra, int64_t rb, const double *lse) {
    PatternRef ref = tiles_operand_ref(f, head);
    if (f->request->sample == 0) {
        capture_lse_keep(f->request->capture, ref, ra, rb, lse);
        return;
    }
    for (int64_t row = ra; row < rb; row++) {
        int64_t q = tiles_fused_query(f, row);
        capture_lse_keep(f->request->capture, ref, q, q + 1, &lse[row - ra]);
    }
}
