/* Which rows of the pattern a request means, and what they see. Of a sample: of each texel row as many strata as rows are looked at, and of each stratum one row, where a
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

KeySpan tiles_fused_hull(const Fused *f, int64_t ra, int64_t rb) {
    KeySpan span;
    int64_t unused;
    tiles_fused_visible(f, ra, &span.lo, &unused);
    tiles_fused_visible(f, rb - 1, &unused, &span.hi);
    return span;
}

int64_t tiles_fused_panel_start(int64_t k) {
    return k / KERNEL_KEYS * KERNEL_KEYS;
}

bool tiles_fused_full(const Fused *f, int64_t q, int rows, int64_t k) {
    int64_t lo, hi, unused;
    tiles_fused_visible(f, q, &unused, &hi);
    tiles_fused_visible(f, q + rows - 1, &lo, &unused);
    return lo <= k && hi >= k + KERNEL_KEYS;
}

Status tiles_fused_no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
}

PatternRef tiles_fused_ref(const Fused *f, int head) {
    const PoolRequest *r = f->request;
    return (PatternRef){r->set, r->item, r->step, r->layer, r->heads->index[head]};
}

Status tiles_fused_known(const Fused *f, int head, int64_t ra, int64_t rb, double *lse, int64_t *missing0,
                         int64_t *missing1, Error *err) {
    PatternRef ref = tiles_fused_ref(f, head);
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
    PatternRef ref = tiles_fused_ref(f, head);
    if (f->request->sample == 0) {
        capture_lse_keep(f->request->capture, ref, ra, rb, lse);
        return;
    }
    for (int64_t row = ra; row < rb; row++) {
        int64_t q = tiles_fused_query(f, row);
        capture_lse_keep(f->request->capture, ref, q, q + 1, &lse[row - ra]);
    }
}
