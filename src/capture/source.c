/* The one seam through which weights are read: checks a request, then dense or factored. */
#include "capture/internal.h"

static Status find_layer(const Capture *capture, PatternRef ref, const LayerInfo **out, Error *err) {
    if (ref.set < 0 || ref.set >= capture->set_count)
        return error_set(err, STATUS_RANGE, "expected a set below %d, found %d", capture->set_count, ref.set);
    const SetInfo *set = &capture->sets[ref.set];
    if (ref.layer < 0 || ref.layer >= set->layer_count)
        return error_set(err, STATUS_RANGE, "expected a layer index below %d, found %d", set->layer_count, ref.layer);
    const LayerInfo *layer = &set->layers[ref.layer];
    if (ref.head < 0 || ref.head >= layer->head_count)
        return error_set(err, STATUS_RANGE, "expected a head index below %d, found %d", layer->head_count, ref.head);
    if (ref.item < 0 || ref.item >= layer->item_count)
        return error_set(err, STATUS_RANGE, "expected a batch item below %d, found %d", layer->item_count, ref.item);
    if (ref.step < 0 || ref.step >= set->step_count)
        return error_set(err, STATUS_RANGE, "expected a step below %d, found %d", set->step_count, ref.step);
    *out = layer;
    return STATUS_OK;
}

Status capture_pattern_size(const Capture *capture, PatternRef ref, int64_t *queries, int64_t *keys, Error *err) {
    const LayerInfo *layer = NULL;
    Status status = find_layer(capture, ref, &layer, err);
    if (status == STATUS_OK) {
        *queries = layer->queries;
        *keys = layer->keys;
    }
    return status;
}

int capture_step_number(const SetInfo *set, int step) {
    return step == 0 ? set->step_count - 1 : step - 1;
}

int capture_step_of_number(const SetInfo *set, int number) {
    return number == set->step_count - 1 ? 0 : number + 1;
}

/* Rows that the step has: of the prompt, and one a step. */
static int64_t rows_at_step(const RowsRequest *request) {
    const int step = request->ref.step;
    return step == 0 ? request->layer->queries : request->data->prompt_rows + step - 1;
}

/* What is asked for must exist; fills what follows from capture, ref and values, which are there. */
static Status check_request(RowsRequest *request, Block block, Error *err) {
    const Capture *capture = request->capture;
    const PatternRef ref = request->ref;
    const LayerInfo *layer = NULL;
    Status status = find_layer(capture, ref, &layer, err);
    if (status != STATUS_OK) return status;
    const int64_t q0 = block.q0, q1 = block.q1, k0 = block.k0, k1 = block.k1;
    const SetInfo *set = &capture->sets[ref.set];
    if (q0 < 0 || q1 < q0 || q1 > layer->queries || k0 < 0 || k1 < k0 || k1 > layer->keys)
        return error_set(err, STATUS_RANGE,
                         "expected rows within 0:%lld and columns within 0:%lld, found %lld:%lld and %lld:%lld",
                         (long long)layer->queries, (long long)layer->keys, (long long)q0, (long long)q1, (long long)k0,
                         (long long)k1);
    if (k1 - k0 > INT32_MAX)
        return error_set(err, STATUS_RANGE, "expected at most 2^31 columns at a time, found %lld",
                         (long long)(k1 - k0));
    if (request->values == VALUES_SCORES && !set->factored && set->kind != SET_SCORES)
        return error_set(err, STATUS_UNSUPPORTED, "set '%s' stores %s, so there are no scores before softmax",
                         set->name, capture_kind_name(set->kind));
    request->set = set;
    request->layer = layer;
    request->set_data = &capture->data[ref.set];
    request->data = &request->set_data->layers[ref.layer];
    request->q0 = q0;
    request->q1 = q1;
    request->k0 = k0;
    request->k1 = k1;
    request->pitch = (size_t)(k1 - k0);
    return STATUS_OK;
}

Status capture_source_rows(const Capture *capture, PatternRef ref, Values values, Block block, float *out,
                           SourceScratch *scratch, const CancelFlag *cancel, Error *err) {
    RowsRequest request = {
        .capture = capture, .ref = ref, .values = values, .out = out, .scratch = scratch, .cancel = cancel};
    const int64_t q0 = block.q0, q1 = block.q1, columns = block.k1 - block.k0;
    Status status = check_request(&request, block, err);
    if (status != STATUS_OK || q0 == q1 || columns == 0) return status;
    request.q1 = i64_clamp(rows_at_step(&request), q0, q1);
    capture_fill_masked(out + (size_t)(request.q1 - q0) * request.pitch, q1 - request.q1, columns, request.pitch);
    if (request.q1 == q0) return STATUS_OK;
    if (request.set->factored) return capture_score_rows(&request, capture_factored_score, err);
    return capture_dense_rows(&request, err);
}

Status capture_probe(const Capture *capture, PatternRef ref, Values values, int64_t query, int64_t key, Probed *out,
                     SourceScratch *scratch, Error *err) {
    RowsRequest request = {.capture = capture, .ref = ref, .values = values, .scratch = scratch};
    double cell = 0.0;
    if (query < 0 || key < 0 || query == INT64_MAX || key == INT64_MAX)
        return error_set(err, STATUS_RANGE, "expected a query and a key >= 0, found %lld and %lld", (long long)query,
                         (long long)key);
    Status status = check_request(&request, (Block){query, query + 1, key, key + 1}, err);
    if (status == STATUS_OK && query >= rows_at_step(&request))
        cell = (double)CELL_MASKED;
    else if (status == STATUS_OK)
        status = request.set->factored ? capture_factored_probe(&request, &cell, err)
                                       : capture_dense_probe(&request, &cell, err);
    if (status != STATUS_OK) return status;
    out->masked = cell == (double)CELL_MASKED;
    out->value = out->masked ? 0.0 : cell;
    return STATUS_OK;
}
