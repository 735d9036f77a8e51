/* Rows of sets that store their numbers. A zero weight above the diagonal of a causal pattern, or in a padded
 * column, is shown as masked; anything else that is stored there is shown as it is, because causality and padding
 * were told from samples. */
#include "capture/internal.h"

#include <string.h>

#define EXPONENT_MASK 0x7f800000u /* also the bits of +Inf */
#define MASKED_BITS 0xff800000u   /* of CELL_MASKED */
#define NAN_BITS 0x7fc00000u

/* Selects are bit masks, so that compilers vectorise the loop: of a dense capture every cell passes here. */
static void clean_weights(float *cells, int64_t count, bool hidden, bool keep_masked) {
    uint32_t zero_becomes = hidden ? MASKED_BITS : 0;
    uint32_t kept = keep_masked ? MASKED_BITS : 0; /* else 0, which is not special anyway */
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &cells[i], sizeof bits);
        uint32_t special = (bits & EXPONENT_MASK) == EXPONENT_MASK && bits != kept ? ~0u : 0u;
        uint32_t zero = (bits & ~0x80000000u) == 0 ? zero_becomes : 0;
        bits = ((bits & ~special) | (special & NAN_BITS)) | zero;
        memcpy(&cells[i], &bits, sizeof bits);
    }
}

static float clean_score(float stored) {
    if (stored <= CAPTURE_MASK_SCORE) return CELL_MASKED;
    return isfinite(stored) ? stored : NAN;
}

/* First key at or after which a zero means masked. */
static int64_t hidden_from(const RowsRequest *request, int64_t query) {
    int64_t end = request->layer->visible_keys;
    if (request->set->causal) end = i64_min(end, query + request->layer->keys - request->layer->queries + 1);
    return i64_max(end, 0);
}

static Status read_scores(const RowsRequest *request, int64_t q0, int64_t q1, int64_t k0, int64_t k1, float *out,
                          size_t pitch, Error *err) {
    Status status = capture_plane_read(&request->data->dense,
                                       &(PlaneRect){request->ref.item, request->ref.head, q0, q1, k0, k1}, out, pitch,
                                       request->scratch, request->cancel, err);
    for (int64_t q = q0; q < q1 && status == STATUS_OK; q++) {
        int64_t lo, hi;
        float *row = out + (size_t)(q - q0) * pitch;
        capture_visible_keys(request, q, &lo, &hi);
        for (int64_t k = k0; k < k1; k++)
            row[k - k0] = k < lo || k >= hi ? CELL_MASKED : clean_score(row[k - k0]);
    }
    return status;
}

Status capture_dense_rows(const RowsRequest *request, Error *err) {
    if (request->set->kind == SET_SCORES) return capture_score_rows(request, read_scores, err);
    Status status = capture_plane_read(
        &request->data->dense,
        &(PlaneRect){request->ref.item, request->ref.head, request->q0, request->q1, request->k0, request->k1},
        request->out, request->pitch, request->scratch, request->cancel, err);
    const bool attribution = request->set->kind == SET_ATTRIBUTION; /* minus infinity: not captured */
    for (int64_t q = request->q0; q < request->q1 && status == STATUS_OK; q++) {
        float *row = request->out + (size_t)(q - request->q0) * request->pitch;
        int64_t columns = request->k1 - request->k0;
        int64_t shown = i64_clamp(hidden_from(request, q) - request->k0, 0, columns);
        clean_weights(row, shown, false, attribution);
        clean_weights(row + shown, columns - shown, true, attribution);
    }
    return status;
}

/* Softmax of one stored row in f64. */
static Status probe_softmax(const RowsRequest *request, double score, double *value, Error *err) {
    double max = -(double)INFINITY, sum = 0.0;
    int64_t keys = request->layer->keys, q = request->q0;
    float *block = capture_scratch_buffer(&request->scratch->scores, CAPTURE_KEY_BLOCK, sizeof(float));
    if (!block) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
    for (int64_t k = 0; k < keys; k += CAPTURE_KEY_BLOCK) {
        int64_t n = i64_min(CAPTURE_KEY_BLOCK, keys - k);
        Status status = read_scores(request, q, q + 1, k, k + n, block, (size_t)n, err);
        if (status != STATUS_OK) return status;
        for (int64_t i = 0; i < n; i++) {
            double s = (double)block[i];
            if (isnan(s)) {
                *value = (double)NAN;
                return STATUS_OK;
            }
            if (s > max) {
                sum *= max == -(double)INFINITY ? 0.0 : exp(max - s);
                max = s;
            }
            sum += s == -(double)INFINITY ? 0.0 : exp(s - max);
        }
    }
    *value = exp(score - max) / sum;
    return STATUS_OK;
}

Status capture_dense_probe(const RowsRequest *request, double *value, Error *err) {
    double stored = 0.0;
    int64_t lo, hi, q = request->q0, k = request->k0;
    Status status = capture_plane_read_one(&request->data->dense, request->ref.item, request->ref.head, q, k, &stored,
                                           err);
    if (status != STATUS_OK) return status;
    if (request->set->kind != SET_SCORES) {
        bool hidden = stored == 0.0 && k >= hidden_from(request, q);
        const bool absent = request->set->kind == SET_ATTRIBUTION && stored == (double)CELL_MASKED;
        *value = absent || hidden ? (double)CELL_MASKED : isfinite(stored) ? stored : (double)NAN;
        return STATUS_OK;
    }
    capture_visible_keys(request, q, &lo, &hi);
    if (k < lo || k >= hi || stored <= (double)CAPTURE_MASK_SCORE)
        *value = (double)CELL_MASKED;
    else if (!isfinite(stored))
        *value = (double)NAN;
    else if (request->values == VALUES_SCORES)
        *value = stored;
    else
        return probe_softmax(request, stored, value, err);
    return STATUS_OK;
}
