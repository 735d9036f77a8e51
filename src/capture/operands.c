/* The seam below the seam: rows of Q and K and the row normalisers, for those who multiply themselves
 * (tiles/fused.c). */
#include "capture/internal.h"

Status capture_factored(const Capture *capture, PatternRef ref, Factored *out, Error *err) {
    int64_t queries, keys;
    Status status = capture_pattern_size(capture, ref, &queries, &keys, err);
    if (status != STATUS_OK) return status;
    const SetInfo *set = &capture->sets[ref.set];
    if (!set->factored) return error_set(err, STATUS_UNSUPPORTED, "set '%s' stores weights, not Q and K", set->name);
    const LayerInfo *layer = &set->layers[ref.layer];
    const SetData *data = &capture->data[ref.set];
    const LayerData *layer_data = &data->layers[ref.layer];
    *out = (Factored){
        .serial = capture->serial,
        .queries = queries,
        .keys = keys,
        .dim = layer->head_dim,
        .key_head = capture_key_head(layer, ref.head),
        .scale = layer_data->scale,
        .softcap = data->softcap,
        .causal = data->causal_mask,
        .window = data->window,
        .bf16 = layer_data->q.dtype == DTYPE_BF16 && layer_data->k.dtype == DTYPE_BF16,
    };
    return STATUS_OK;
}

void capture_factored_visible(const Factored *factored, int64_t query, int64_t *lo, int64_t *hi) {
    int64_t diagonal = query + factored->keys - factored->queries;
    int64_t window = factored->window;
    *lo = 0;
    *hi = factored->keys;
    if (factored->causal) *hi = i64_clamp(diagonal + 1, 0, *hi);
    if (window > 0 && factored->causal) {
        *lo = i64_clamp(diagonal - window + 1, 0, *hi);
    } else if (window > 0) {
        *lo = i64_clamp(diagonal - window / 2, 0, *hi);
        *hi = i64_clamp(diagonal + window / 2 + 1, *lo, *hi);
    }
}

Status capture_factored_rows(const Capture *capture, PatternRef ref, Axis axis, RowSpan span, float *out,
                             SourceScratch *scratch, const CancelFlag *cancel, Error *err) {
    Factored factored = {0};
    const int64_t r0 = span.r0, r1 = span.r1;
    Status status = capture_factored(capture, ref, &factored, err);
    if (status != STATUS_OK) return status;
    const LayerData *data = &capture->data[ref.set].layers[ref.layer];
    const Plane *plane = axis == AXIS_QUERY ? &data->q : &data->k;
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    const bool queries = axis == AXIS_QUERY;
    int64_t count = queries ? factored.queries : factored.keys;
    if (r0 < 0 || r1 < r0 || r1 > count)
        return error_set(err, STATUS_RANGE, "expected rows within 0:%lld, found %lld:%lld", (long long)count,
                         (long long)r0, (long long)r1);
    const HeadRequest request = {.serial = capture->serial,
                                 .ref = ref,
                                 .axis = axis,
                                 .head = queries ? ref.head : factored.key_head,
                                 .head_count = queries ? layer->head_count : layer->kv_heads,
                                 .rows = count,
                                 .dim = factored.dim};
    return capture_heads_read(plane, &request, r0, r1, out, scratch, cancel, err);
}

static int64_t pattern_of(const Capture *capture, PatternRef ref) {
    return (int64_t)ref.item * capture->sets[ref.set].layers[ref.layer].head_count + ref.head;
}

Status capture_lse_known(const Capture *capture, PatternRef ref, int64_t q0, int64_t q1, double *lse, int64_t *missing0,
                         int64_t *missing1, Error *err) {
    const LayerData *data = &capture->data[ref.set].layers[ref.layer];
    *missing0 = q1;
    *missing1 = q0;
    for (int64_t q = q0; q < q1; q++) {
        double *value = &lse[q - q0];
        if (capture_lse_get(data->lse, pattern_of(capture, ref), q, value)) continue;
        if (data->stored_lse.source) {
            Status status = capture_plane_read_one(&data->stored_lse, ref.item, ref.head, q, 0, value, err);
            if (status != STATUS_OK) return status;
            if (*value == (double)INFINITY) *value = (double)NAN;
            capture_lse_put(data->lse, pattern_of(capture, ref), q, *value);
            continue;
        }
        *missing0 = i64_min(*missing0, q);
        *missing1 = q + 1;
    }
    return STATUS_OK;
}

void capture_lse_keep(const Capture *capture, PatternRef ref, int64_t q0, int64_t q1, const double *lse) {
    for (int64_t q = q0; q < q1; q++)
        capture_lse_put(capture->data[ref.set].layers[ref.layer].lse, pattern_of(capture, ref), q, lse[q - q0]);
}
