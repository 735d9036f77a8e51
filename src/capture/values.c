/* Value vectors, of which only the norms are wanted: a head that looks at a key whose value is small takes little from
 * it (Kobayashi et al. 2020, "Attention is Not Only a Weight"). They come as [batch?, position, head, d], in as many
 * heads as the keys have or fewer. */
#include "capture/internal.h"

enum { NORM_FLOATS = 1 << 16 }; /* read at a time */

void capture_fill_values(Capture *capture, const Part *part, LayerInfo *info, LayerData *data) {
    const Tensor *v = &part->container->tensors[part->v_tensor];
    int n = v->ndim;
    bool fits = (n == 3 || n == 4) && dtype_is_float(v->dtype) && v->count > 0 &&
                (n == 4 ? v->shape[0] : 1) == info->item_count && v->shape[n - 3] == info->keys &&
                v->shape[n - 2] <= info->head_count && info->head_count % v->shape[n - 2] == 0 &&
                v->shape[n - 1] <= CAPTURE_MAX_HEAD_DIM;
    if (!fits) {
        char shape[96];
        tensor_shape_text(v, shape, sizeof(shape));
        capture_add_note(
            capture, true,
            "'%.80s' is ignored: expected values as [batch, position, head, d] of its keys, found shape %s", v->name,
            shape);
        return;
    }
    data->v = capture_plane_of_vectors(part->container, v);
    data->value_dim = v->shape[n - 1];
    info->value_heads = data->value_heads = (int)v->shape[n - 2];
}

static float norm_of(const float *vector, int64_t dim) {
    double sum = 0.0;
    for (int64_t i = 0; i < dim; i++)
        sum += (double)vector[i] * (double)vector[i];
    return isfinite(sum) ? (float)sqrt(sum) : NAN;
}

Status capture_value_norms(const Capture *capture, PatternRef ref, int64_t k0, int64_t k1, float *out,
                           SourceScratch *scratch, const CancelFlag *cancel, Error *err) {
    int64_t queries, keys;
    Status status = capture_pattern_size(capture, ref, &queries, &keys, err);
    if (status != STATUS_OK) return status;
    const LayerInfo *layer = &capture->sets[ref.set].layers[ref.layer];
    const LayerData *data = &capture->data[ref.set].layers[ref.layer];
    if (data->value_heads == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "layer %d has no value vectors: value weighting needs blocks.L.attn.hook_v", layer->number);
    if (k0 < 0 || k1 < k0 || k1 > keys)
        return error_set(err, STATUS_RANGE, "expected keys within 0:%lld, found %lld:%lld", (long long)keys,
                         (long long)k0, (long long)k1);
    int64_t dim = data->value_dim, piece = i64_max(1, NORM_FLOATS / dim);
    int64_t head = ref.head / (layer->head_count / data->value_heads);
    float *rows = capture_scratch_buffer(&scratch->scores, (size_t)(piece * dim), sizeof(float));
    if (!rows) return error_set(err, STATUS_MEMORY, "not enough memory for value vectors");
    for (int64_t k = k0; k < k1; k += piece) {
        int64_t end = i64_min(k + piece, k1);
        if (cancel_requested(cancel)) return error_set(err, STATUS_CANCELLED, "cancelled");
        status = capture_plane_read(&data->v, &(PlaneRect){ref.item, head, k, end, 0, dim}, rows, (size_t)dim, scratch,
                                    cancel, err);
        if (status != STATUS_OK) return status;
        for (int64_t i = k; i < end; i++)
            out[i - k0] = norm_of(rows + (i - k) * dim, dim);
    }
    return STATUS_OK;
}
