/* Softmax over scores, because stored scores and Q K^T need the same thing:
 *
 *   for each strip of 64 rows:   scores of the wanted columns -> out
 *                                row log-sum-exp: from the cache, else stored in the file, else from `out` when it
 *                                holds all visible keys, else by streaming over key blocks
 *                                out = exp(out - lse)
 *
 * so memory is a strip times a key block whatever the length of the sequence. */
#include "capture/internal.h"

SourceScratch *capture_scratch_new(void) {
    return mem_alloc_zeroed(1, sizeof(SourceScratch));
}

void capture_scratch_share(SourceScratch *scratch, int threads) {
    scratch->threads = threads;
}

void capture_scratch_drop(SourceScratch *scratch) {
    if (!scratch) return;
    mem_free(scratch->bytes.data);
    mem_free(scratch->q.data);
    mem_free(scratch->k.data);
    mem_free(scratch->scores.data);
    mem_free(scratch->spare.data);
    mem_free(scratch->column.data);
    capture_heads_drop(scratch->heads);
    mem_free(scratch);
}

void capture_visible_keys(const RowsRequest *request, int64_t query, int64_t *lo, int64_t *hi) {
    int64_t diagonal = query + request->layer->keys - request->layer->queries;
    int64_t window = request->set_data->window;
    *lo = 0;
    *hi = request->layer->keys;
    if (request->set_data->causal_mask) *hi = i64_clamp(diagonal + 1, 0, *hi);
    if (window > 0 && request->set_data->causal_mask) {
        *lo = i64_clamp(diagonal - window + 1, 0, *hi);
    } else if (window > 0) {
        *lo = i64_clamp(diagonal - window / 2, 0, *hi);
        *hi = i64_clamp(diagonal + window / 2 + 1, *lo, *hi);
    }
}

/* ---- softmax --------------------------------------------------------------------------------- */

static int64_t pattern_index(const RowsRequest *request) {
    return (int64_t)request->ref.item * request->layer->head_count + request->ref.head;
}

/* Hull of the visible keys of rows q0..q1-1. */
static void visible_hull(const RowsRequest *request, int64_t q0, int64_t q1, int64_t *lo, int64_t *hi) {
    int64_t first_lo, first_hi, last_lo, last_hi;
    capture_visible_keys(request, q0, &first_lo, &first_hi);
    capture_visible_keys(request, q1 - 1, &last_lo, &last_hi);
    *lo = i64_min(first_lo, last_lo); /* both ends only move to the right from row to row */
    *hi = i64_max(first_hi, last_hi);
}

Status capture_stream_lse(const RowsRequest *request, ScoreBlock score, int64_t q0, int64_t q1, double *lse,
                          Error *err) {
    LseRun runs[CAPTURE_ROW_STRIP];
    int64_t lo, hi, rows = q1 - q0;
    SourceScratch *scratch = request->scratch;
    float *block = capture_scratch_buffer(&scratch->scores, CAPTURE_ROW_STRIP * CAPTURE_KEY_BLOCK, sizeof(float));
    float *spare = capture_scratch_buffer(&scratch->spare, CAPTURE_LSE_SPARE, sizeof(float));
    if (!block || !spare) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
    visible_hull(request, q0, q1, &lo, &hi);
    for (int64_t r = 0; r < rows; r++)
        runs[r] = LSE_RUN_EMPTY;
    for (int64_t k = lo; k < hi; k += CAPTURE_KEY_BLOCK) {
        int64_t n = i64_min(CAPTURE_KEY_BLOCK, hi - k);
        if (cancel_requested(request->cancel)) return error_set(err, STATUS_CANCELLED, "cancelled");
        Status status = score(request, q0, q1, k, k + n, block, (size_t)n, err);
        if (status != STATUS_OK) return status;
        for (int64_t r = 0; r < rows; r++)
            capture_lse_add(&runs[r], block + r * n, (size_t)n, spare);
    }
    for (int64_t r = 0; r < rows; r++)
        lse[r] = capture_lse_result(&runs[r]);
    return STATUS_OK;
}

/* From the cache or the file; *missing0..*missing1 is the hull of rows that neither has. */
static Status known_lse(const RowsRequest *request, int64_t q0, int64_t q1, double *lse, int64_t *missing0,
                        int64_t *missing1, Error *err) {
    const Plane *stored = &request->data->stored_lse;
    *missing0 = q1;
    *missing1 = q0;
    for (int64_t q = q0; q < q1; q++) {
        if (capture_lse_get(request->data->lse, pattern_index(request), q, &lse[q - q0])) continue;
        if (stored->source) {
            Status status = capture_plane_read_one(stored, request->ref.item, request->ref.head, q, 0, &lse[q - q0],
                                                   err);
            if (status != STATUS_OK) return status;
            if (lse[q - q0] == (double)INFINITY) lse[q - q0] = (double)NAN;
            capture_lse_put(request->data->lse, pattern_index(request), q, lse[q - q0]);
            continue;
        }
        *missing0 = i64_min(*missing0, q);
        *missing1 = q + 1;
    }
    return STATUS_OK;
}

/* lse of rows q0..q1-1, whose scores of columns k0..k1-1 are in `cells` already. */
static Status strip_lse(const RowsRequest *request, ScoreBlock score, int64_t q0, int64_t q1, const float *cells,
                        double *lse, Error *err) {
    int64_t missing0, missing1, lo, hi;
    Status status = known_lse(request, q0, q1, lse, &missing0, &missing1, err);
    if (status != STATUS_OK || missing0 >= missing1) return status;
    visible_hull(request, missing0, missing1, &lo, &hi);
    if (request->k0 <= lo && request->k1 >= hi) {
        int64_t n = i64_max(hi - lo, 0);
        float *spare = capture_scratch_buffer(&request->scratch->spare, CAPTURE_LSE_SPARE, sizeof(float));
        if (!spare) return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
        for (int64_t q = missing0; q < missing1; q++) {
            LseRun run = LSE_RUN_EMPTY;
            capture_lse_add(&run, cells + (size_t)(q - q0) * request->pitch + (lo - request->k0), (size_t)n, spare);
            lse[q - q0] = capture_lse_result(&run);
        }
    } else {
        status = capture_stream_lse(request, score, missing0, missing1, lse + (missing0 - q0), err);
    }
    for (int64_t q = missing0; q < missing1 && status == STATUS_OK; q++)
        capture_lse_put(request->data->lse, pattern_index(request), q, lse[q - q0]);
    return status;
}

void capture_fill_masked(float *cells, int64_t rows, int64_t columns, size_t pitch) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            cells[(size_t)r * pitch + (size_t)c] = CELL_MASKED;
}

/* Scores of one strip; key blocks that none of its rows sees are only filled. */
static Status score_strip(const RowsRequest *request, ScoreBlock score, int64_t q0, int64_t q1, float *cells,
                          Error *err) {
    int64_t lo, hi;
    visible_hull(request, q0, q1, &lo, &hi);
    lo = i64_clamp(lo, request->k0, request->k1);
    hi = i64_clamp(hi, lo, request->k1);
    capture_fill_masked(cells, q1 - q0, lo - request->k0, request->pitch);
    capture_fill_masked(cells + (hi - request->k0), q1 - q0, request->k1 - hi, request->pitch);
    for (int64_t k = lo; k < hi; k += CAPTURE_KEY_BLOCK) {
        int64_t end = i64_min(k + CAPTURE_KEY_BLOCK, hi);
        if (cancel_requested(request->cancel)) return error_set(err, STATUS_CANCELLED, "cancelled");
        Status status = score(request, q0, q1, k, end, cells + (k - request->k0), request->pitch, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

Status capture_score_rows(const RowsRequest *request, ScoreBlock score, Error *err) {
    double lse[CAPTURE_ROW_STRIP];
    for (int64_t q = request->q0; q < request->q1; q += CAPTURE_ROW_STRIP) {
        int64_t end = i64_min(q + CAPTURE_ROW_STRIP, request->q1);
        float *cells = request->out + (size_t)(q - request->q0) * request->pitch;
        Status status = score_strip(request, score, q, end, cells, err);
        if (status == STATUS_OK && request->values == VALUES_WEIGHTS)
            status = strip_lse(request, score, q, end, cells, lse, err);
        if (status != STATUS_OK) return status;
        for (int64_t r = 0; r < end - q && request->values == VALUES_WEIGHTS; r++)
            capture_lse_apply(cells + (size_t)r * request->pitch, request->pitch, lse[r]);
    }
    return STATUS_OK;
}
