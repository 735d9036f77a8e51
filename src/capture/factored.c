/* Scores from Q and K: softcap(scale * Q K^T) with the causal and window mask, a strip of rows against a block of
 * keys at a time (BLAS sgemm, f32). Memory is bounded by strip and block; the keys of the head looked at last stay
 * in the scratch when they are small enough, since neighbouring tiles want them again. A softcap c is c * tanh(s /
 * c) (Gemma Team 2024, 2). */
#include "capture/internal.h"

#if defined(ATTNSCOPE_CBLAS_ACCELERATE)
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

/* Floats of K kept in a thread's scratch: 16 MB, which holds 8k keys of 512 dimensions or 128k keys of 32. */
#define FACTORED_HOLD_FLOATS ((int64_t)4 << 20)

static int64_t kv_head(const RowsRequest *request) {
    return capture_key_head(request->layer, request->ref.head);
}

/* f32 rows of keys k0..k1-1, borrowed from the scratch until the next call. */
static Status hold_keys(const RowsRequest *request, int64_t k0, int64_t k1, const float **out, Error *err) {
    SourceScratch *scratch = request->scratch;
    int64_t dim = request->layer->head_dim, keys = request->layer->keys, head = kv_head(request);
    bool same = scratch->held.serial == request->capture->serial && scratch->held.set == request->ref.set &&
                scratch->held.layer == request->ref.layer && scratch->held.item == request->ref.item &&
                scratch->held.head == head;
    if (!same || scratch->held.k0 > k0 || scratch->held.k1 < k1) {
        int64_t from = k0, to = k1;
        if (keys <= FACTORED_HOLD_FLOATS / dim) {
            from = 0;
            to = keys;
        }
        scratch->held.serial = 0; /* nothing, until the read has succeeded */
        float *rows = capture_scratch_buffer(&scratch->k, (size_t)(to - from) * (size_t)dim, sizeof(float));
        if (!rows) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
        Status status = capture_plane_read(&request->data->k, &(PlaneRect){request->ref.item, head, from, to, 0, dim},
                                           rows, (size_t)dim, scratch, request->cancel, err);
        if (status != STATUS_OK) return status;
        scratch->held.serial = request->capture->serial;
        scratch->held.set = request->ref.set;
        scratch->held.layer = request->ref.layer;
        scratch->held.item = request->ref.item;
        scratch->held.head = head;
        scratch->held.k0 = from;
        scratch->held.k1 = to;
    }
    *out = (const float *)scratch->k.data + (size_t)(k0 - scratch->held.k0) * (size_t)dim;
    return STATUS_OK;
}

static void cap_scores(float *row, int64_t count, float cap) {
    for (int64_t i = 0; i < count; i++)
        row[i] = cap * tanhf(row[i] / cap);
}

Status capture_factored_score(const RowsRequest *request, int64_t q0, int64_t q1, int64_t k0, int64_t k1, float *out,
                              size_t pitch, Error *err) {
    const float *k_rows = NULL;
    int dim = request->layer->head_dim, rows = (int)(q1 - q0), columns = (int)(k1 - k0);
    float *q_rows = capture_scratch_buffer(&request->scratch->q, (size_t)rows * (size_t)dim, sizeof(float));
    if (!q_rows) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
    Status status = capture_plane_read(&request->data->q,
                                       &(PlaneRect){request->ref.item, request->ref.head, q0, q1, 0, dim}, q_rows,
                                       (size_t)dim, request->scratch, request->cancel, err);
    if (status == STATUS_OK) status = hold_keys(request, k0, k1, &k_rows, err);
    if (status != STATUS_OK) return status;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, dim, (float)request->data->scale, q_rows, dim,
                k_rows, dim, 0.0f, out, (int)pitch);
    for (int64_t q = q0; q < q1; q++) {
        int64_t lo, hi;
        float *row = out + (size_t)(q - q0) * pitch;
        if (request->set_data->softcap > 0.0) cap_scores(row, columns, (float)request->set_data->softcap);
        capture_visible_keys(request, q, &lo, &hi);
        lo = i64_clamp(lo - k0, 0, columns);
        hi = i64_clamp(hi - k0, lo, columns);
        for (int64_t i = 0; i < lo; i++)
            row[i] = CELL_MASKED;
        for (int64_t i = lo; i < hi; i++)
            row[i] = isfinite(row[i]) ? row[i] : NAN;
        for (int64_t i = hi; i < columns; i++)
            row[i] = CELL_MASKED;
    }
    return STATUS_OK;
}

/* ---- one value in f64 ------------------------------------------------------------------------ */

static double dot_f64(const float *a, const float *b, int64_t n) {
    double sums[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++)
            sums[j] += (double)a[i + j] * (double)b[i + j];
    for (; i < n; i++)
        sums[0] += (double)a[i] * (double)b[i];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

static double score_f64(const RowsRequest *request, const float *q_row, const float *k_row) {
    double cap = request->set_data->softcap;
    double score = request->data->scale * dot_f64(q_row, k_row, request->layer->head_dim);
    if (cap > 0.0) score = cap * tanh(score / cap);
    return isfinite(score) ? score : (double)NAN;
}

Status capture_factored_probe(const RowsRequest *request, double *value, Error *err) {
    int64_t lo, hi, q = request->q0, key = request->k0, dim = request->layer->head_dim;
    double max = -(double)INFINITY, sum = 0.0, wanted = (double)NAN;
    const float *k_rows = NULL;
    capture_visible_keys(request, q, &lo, &hi);
    if (key < lo || key >= hi) {
        *value = (double)CELL_MASKED;
        return STATUS_OK;
    }
    if (request->values == VALUES_SCORES) {
        lo = key;
        hi = key + 1;
    }
    float *q_row = capture_scratch_buffer(&request->scratch->q, (size_t)dim, sizeof(float));
    if (!q_row) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
    Status status = capture_plane_read(&request->data->q,
                                       &(PlaneRect){request->ref.item, request->ref.head, q, q + 1, 0, dim}, q_row,
                                       (size_t)dim, request->scratch, NULL, err);
    for (int64_t k = lo; k < hi && status == STATUS_OK; k += CAPTURE_KEY_BLOCK) {
        int64_t n = i64_min(CAPTURE_KEY_BLOCK, hi - k);
        status = hold_keys(request, k, k + n, &k_rows, err);
        for (int64_t i = 0; i < n && status == STATUS_OK; i++) {
            double score = score_f64(request, q_row, k_rows + i * dim);
            wanted = k + i == key ? score : wanted;
            if (score > max) {
                sum *= max == -(double)INFINITY ? 0.0 : exp(max - score);
                max = score;
            }
            sum += exp(score - max); /* NaN poisons the row, as softmax does */
        }
    }
    if (status == STATUS_OK) *value = request->values == VALUES_SCORES ? wanted : exp(wanted - max) / sum;
    return status;
}
