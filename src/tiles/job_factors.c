/* The factors of a tile row or column, for the compose shader. At level 0 they are exact. Above, they serve a picture
 * that is only approximate until its tiles are rebuilt, and so does a sample of the rows: with four of each texel it
 * comes in a small part of the time that the tiles take. */
#include "tiles/internal.h"

enum { SAMPLED_ROWS = 4, KEYS_AT_A_TIME = 16384 };

typedef struct FactorJob {
    const FactorRequest *request;
    const FactorWork *work;
    int64_t tokens;
    int level;
    int64_t first; /* texel */
    int count;     /* texels */
} FactorJob;

static Status texel_of_rows(const FactorJob *job, int64_t q0, int64_t rows, float *out, Error *err) {
    float factors[SAMPLED_ROWS];
    int64_t sampled = i64_min(rows, SAMPLED_ROWS);
    double sum = 0.0;
    for (int64_t i = 0; i < sampled; i++) {
        int64_t q = q0 + (2 * i + 1) * rows / (2 * sampled);
        Status status = tiles_factors_rows(job->request, q, q + 1, &factors[i], job->work, err);
        if (status != STATUS_OK) {
            return status;
        }
        sum += (double)factors[i];
    }
    *out = (float)(sum / (double)sampled);
    return STATUS_OK;
}

static Status row_texels(const FactorJob *job, float *out, Error *err) {
    if (job->level == 0) {
        return tiles_factors_rows(job->request, job->first, job->first + job->count, out, job->work, err);
    }
    for (int i = 0; i < job->count; i++) {
        int64_t q0 = (job->first + i) << job->level;
        int64_t rows = tiles_cells_in_texel(job->tokens, job->level, job->first + i);
        Status status = texel_of_rows(job, q0, rows, &out[i], err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static Status texel_of_keys(const FactorJob *job, int64_t k0, int64_t keys, float *piece, float *out, Error *err) {
    double sum = 0.0;
    bool visible = false;
    for (int64_t k = k0; k < k0 + keys; k += KEYS_AT_A_TIME) {
        int64_t end = i64_min(k + KEYS_AT_A_TIME, k0 + keys);
        Status status = tiles_factors_columns(job->request, k, end, piece, job->work, err);
        if (status != STATUS_OK) {
            return status;
        }
        for (int64_t i = 0; i < end - k; i++) {
            visible = visible || !(piece[i] < 0.0f);
            sum += piece[i] < 0.0f ? 0.0 : (double)piece[i];
        }
    }
    *out = visible ? (float)(sum / (double)keys) : FACTOR_HIDDEN;
    return STATUS_OK;
}

static Status column_texels(const FactorJob *job, float *out, Error *err) {
    float piece[KEYS_AT_A_TIME];
    for (int i = 0; i < job->count; i++) {
        int64_t k0 = (job->first + i) << job->level;
        int64_t keys = tiles_cells_in_texel(job->tokens, job->level, job->first + i);
        Status status = texel_of_keys(job, k0, keys, piece, &out[i], err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

Status tiles_job_factors(const TileWant *want, const FactorRequest *request, const FactorWork *work, TileData *data,
                         Error *err) {
    bool rows = want->kind == JOB_ROW_FACTORS;
    const LayerInfo *layer = &capture_set(request->capture, request->ref.set)->layers[request->ref.layer];
    FactorJob job = {request, work, rows ? layer->queries : layer->keys, rows ? want->key.lq : want->key.lk, 0, 0};
    int64_t tile = rows ? want->key.y : want->key.x;
    if (job.level < 0 || job.level >= TILE_LEVELS || tile < 0 || tile >= tiles_count_along(job.tokens, job.level)) {
        return error_set(err, STATUS_RANGE, "there are no factors of tile %lld at level %d", (long long)tile,
                         job.level);
    }
    job.first = tile * TILE_SIDE;
    job.count = (int)i64_min(TILE_SIDE, tiles_texels(job.tokens, job.level) - job.first);
    float *factors = mem_alloc((size_t)job.count * sizeof *factors);
    if (factors == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the factors of a variant");
    }
    Status status = rows ? row_texels(&job, factors, err) : column_texels(&job, factors, err);
    if (status != STATUS_OK) {
        mem_free(factors);
        return status;
    }
    data->format = TILE_R32F;
    data->width = job.count;
    data->height = 1;
    data->mip_count = 1;
    data->size = (size_t)job.count * sizeof *factors;
    data->texels = factors;
    return STATUS_OK;
}
