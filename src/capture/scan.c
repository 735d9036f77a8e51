/* What `info` counts: every cell of a set, a strip of rows at a time.
 *
 * Of long factored sets all queries and keys are read, but not all weights are computed, which would take minutes: where
 * Q and K are finite and no score can overflow, every weight is a number, the mask is known, and the sums of some rows
 * show what there is to see. */
#include "capture/internal.h"

#define SCAN_FLOATS ((int64_t)1 << 20)  /* a strip of this many cells: 4 MB */
#define SAMPLE_CELLS ((int64_t)1 << 30) /* of a factored set: beyond, a sample of rows is computed */
#define SCORE_MAX 1e36                  /* sums of it are floats */
enum { SAMPLE_ROWS = 64, SAMPLE_BLOCKS = 8, OPERAND_ROWS = 512 };

typedef struct Scan {
    SetScan *out;
    bool any_sum;
    double most[2]; /* largest number of Q and of K */
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
        Status status = capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){q, end, 0, layer->keys}, strip,
                                            scratch, NULL, err);
        if (status != STATUS_OK) return status;
        for (int64_t r = 0; r < end - q; r++)
            scan_row(scan, strip + r * layer->keys, layer->keys);
    }
    return STATUS_OK;
}

/* ---- factored sets --------------------------------------------------------------------------- */

static Status scan_operand(const Capture *capture, PatternRef ref, Axis axis, Scan *scan, float *rows,
                           SourceScratch *scratch, Error *err) {
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    int64_t count = axis == AXIS_QUERY ? layer->queries : layer->keys;
    for (int64_t r = 0; r < count; r += OPERAND_ROWS) {
        int64_t end = i64_min(r + OPERAND_ROWS, count);
        Status status = capture_factored_rows(capture, ref, axis, (RowSpan){r, end}, rows, scratch, NULL, err);
        if (status != STATUS_OK) return status;
        for (int64_t i = 0; i < (end - r) * layer->head_dim; i++) {
            double size = fabs((double)rows[i]);
            if (!isfinite(rows[i]))
                scan->out->operands_nonfinite++;
            else if (size > scan->most[axis == AXIS_KEY])
                scan->most[axis == AXIS_KEY] = size;
        }
    }
    return STATUS_OK;
}

/* All of Q and K of a layer; heads that share keys count these once. */
static Status scan_operands(const Capture *capture, PatternRef ref, Scan *scan, SourceScratch *scratch, Error *err) {
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    int group = layer->head_count / layer->kv_heads;
    float *rows = mem_alloc((size_t)OPERAND_ROWS * (size_t)layer->head_dim * sizeof *rows);
    Status status = rows ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to read the capture");
    for (ref.item = 0; ref.item < layer->item_count && status == STATUS_OK; ref.item++) {
        for (ref.head = 0; ref.head < layer->head_count && status == STATUS_OK; ref.head++) {
            status = scan_operand(capture, ref, AXIS_QUERY, scan, rows, scratch, err);
            if (status == STATUS_OK && ref.head % group == 0)
                status = scan_operand(capture, ref, AXIS_KEY, scan, rows, scratch, err);
        }
    }
    mem_free(rows);
    return status;
}

static Status scan_factored(const Capture *capture, int set, Scan *scan, SourceScratch *scratch, Error *err) {
    const SetInfo *info = &capture->sets[set];
    double cells = 0.0, score = 0.0;
    scan->out->operands_nonfinite = 0;
    for (PatternRef ref = {.set = set}; ref.layer < info->layer_count; ref.layer++) {
        const LayerInfo *layer = &info->layers[ref.layer];
        Status status = scan_operands(capture, ref, scan, scratch, err);
        if (status != STATUS_OK) return status;
        cells += (double)layer->item_count * layer->head_count * (double)layer->queries * (double)layer->keys;
        score = fmax(score, scan->most[0] * scan->most[1] * layer->head_dim * fmax(1.0, fabs(info->scale)));
    }
    scan->out->sampled = scan->out->operands_nonfinite == 0 && score < SCORE_MAX && cells > (double)SAMPLE_CELLS;
    return STATUS_OK;
}

static Status sample_pattern(const Capture *capture, PatternRef ref, Scan *scan, float *strip, SourceScratch *scratch,
                             Error *err) {
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    Factored factored;
    int64_t masked = scan->out->masked;
    Status status = capture_factored(capture, ref, &factored, err);
    for (int64_t q = 0; status == STATUS_OK && q < layer->queries; q++) {
        int64_t lo, hi;
        capture_factored_visible(&factored, q, &lo, &hi);
        masked += layer->keys - (hi - lo);
    }
    /* In blocks: each reads all keys. */
    int64_t rows = i64_clamp(SCAN_FLOATS / layer->keys, 1, SAMPLE_ROWS / SAMPLE_BLOCKS);
    for (int64_t i = 0; i < SAMPLE_BLOCKS && status == STATUS_OK; i++) {
        int64_t q = i64_min((2 * i + 1) * layer->queries / (2 * SAMPLE_BLOCKS), layer->queries - rows);
        status = capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){q, q + rows, 0, layer->keys}, strip, scratch,
                                     NULL, err);
        for (int64_t r = 0; r < rows && status == STATUS_OK; r++)
            scan_row(scan, strip + r * layer->keys, layer->keys);
    }
    scan->out->masked = masked;
    return status;
}

Status capture_scan_set(const Capture *capture, int set, const Progress *progress, SetScan *out, Error *err) {
    const SetInfo *info = &capture->sets[set];
    Scan scan = {.out = out};
    float *strip = NULL;
    int64_t patterns = 0, done = 0, floats = 1;
    *out = (SetScan){.row_sum_min = (double)NAN, .row_sum_max = (double)NAN, .operands_nonfinite = -1};
    for (int layer = 0; layer < info->layer_count; layer++) {
        const LayerInfo *of = &info->layers[layer];
        patterns += (int64_t)of->item_count * of->head_count;
        floats = i64_max(floats, i64_clamp(SCAN_FLOATS / of->keys, 1, of->queries) * of->keys);
    }
    SourceScratch *scratch = capture_scratch_new();
    strip = mem_alloc_zeroed((size_t)floats, sizeof(float));
    Status status = scratch && strip ? STATUS_OK
                                     : error_set(err, STATUS_MEMORY, "not enough memory to read the capture");
    if (status == STATUS_OK && info->factored) status = scan_factored(capture, set, &scan, scratch, err);
    for (PatternRef ref = {.set = set, .step = info->step_count - 1};
         ref.layer < info->layer_count && status == STATUS_OK; ref.layer++) {
        const LayerInfo *layer = &info->layers[ref.layer];
        for (ref.item = 0; ref.item < layer->item_count && status == STATUS_OK; ref.item++) {
            for (ref.head = 0; ref.head < layer->head_count && status == STATUS_OK; ref.head++, done++) {
                if (progress && progress->report &&
                    !progress->report(progress->user, "reading", (double)done / (double)patterns))
                    status = error_set(err, STATUS_CANCELLED, "cancelled");
                else
                    status = (out->sampled ? sample_pattern : scan_pattern)(capture, ref, &scan, strip, scratch, err);
            }
        }
    }
    mem_free(strip);
    capture_scratch_drop(scratch);
    return status;
}
