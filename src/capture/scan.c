/* What `info` counts: every cell of a set, a strip of rows at a time. */
#include "capture/internal.h"

#define SCAN_FLOATS ((int64_t)1 << 20) /* a strip of this many cells: 4 MB */

typedef struct Scan {
    SetScan *out;
    bool any_sum;
} Scan;

static void scan_row(Scan *scan, const float *row, int64_t keys) {
    double sum = 0.0;
    int64_t visible = 0, nonfinite = 0;
    for (int64_t k = 0; k < keys; k++) {
        float v = row[k];
        if (v == CELL_MASKED) continue;
        visible++;
        if (isnan(v)) {
            nonfinite++;
            continue;
        }
        sum += (double)v;
        scan->out->negative += v < 0.0f;
        scan->out->above_one += v > 1.0f;
    }
    scan->out->masked += keys - visible;
    scan->out->nonfinite += nonfinite;
    if (visible == 0 || nonfinite > 0) return;
    scan->out->row_sum_min = !scan->any_sum || sum < scan->out->row_sum_min ? sum : scan->out->row_sum_min;
    scan->out->row_sum_max = !scan->any_sum || sum > scan->out->row_sum_max ? sum : scan->out->row_sum_max;
    scan->any_sum = true;
}

static Status scan_pattern(const Capture *capture, PatternRef ref, Scan *scan, float *strip, SourceScratch *scratch,
                           Error *err) {
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    int64_t rows = i64_clamp(SCAN_FLOATS / layer->keys, 1, layer->queries);
    for (int64_t q = 0; q < layer->queries; q += rows) {
        int64_t end = i64_min(q + rows, layer->queries);
        Status status = capture_source_rows(capture, ref, VALUES_WEIGHTS, q, end, 0, layer->keys, strip, scratch, NULL,
                                            err);
        if (status != STATUS_OK) return status;
        for (int64_t r = 0; r < end - q; r++)
            scan_row(scan, strip + r * layer->keys, layer->keys);
    }
    return STATUS_OK;
}

Status capture_scan_set(const Capture *capture, int set, const Progress *progress, SetScan *out, Error *err) {
    const SetInfo *info = &capture->sets[set];
    Scan scan = {.out = out};
    float *strip = NULL;
    int64_t patterns = 0, done = 0, floats = 1;
    *out = (SetScan){.row_sum_min = (double)NAN, .row_sum_max = (double)NAN};
    for (int layer = 0; layer < info->layer_count; layer++) {
        const LayerInfo *of = &info->layers[layer];
        patterns += (int64_t)of->item_count * of->head_count;
        floats = i64_max(floats, i64_clamp(SCAN_FLOATS / of->keys, 1, of->queries) * of->keys);
    }
    SourceScratch *scratch = capture_scratch_new();
    strip = mem_alloc_zeroed((size_t)floats, sizeof(float));
    Status status = scratch && strip ? STATUS_OK
                                     : error_set(err, STATUS_MEMORY, "not enough memory to read the capture");
    for (PatternRef ref = {.set = set, .step = info->step_count - 1};
         ref.layer < info->layer_count && status == STATUS_OK; ref.layer++) {
        const LayerInfo *layer = &info->layers[ref.layer];
        for (ref.item = 0; ref.item < layer->item_count && status == STATUS_OK; ref.item++) {
            for (ref.head = 0; ref.head < layer->head_count && status == STATUS_OK; ref.head++, done++) {
                if (progress && progress->report &&
                    !progress->report(progress->user, "reading", (double)done / (double)patterns))
                    status = error_set(err, STATUS_CANCELLED, "cancelled");
                else
                    status = scan_pattern(capture, ref, &scan, strip, scratch, err);
            }
        }
    }
    mem_free(strip);
    capture_scratch_drop(scratch);
    return status;
}
