/* A look at some rows of every pattern when a file is opened: are these weights or scores, is it causal, which
 * trailing keys are padding, do rows sum to 1. At most 64 rows a pattern, evenly spread with the first and the last,
 * and at most SAMPLE_BUDGET bytes in all, so that opening 1,024 patterns of 8k tokens costs tens of milliseconds;
 * with too many patterns for even two rows each, some patterns are passed over. */
#include "capture/internal.h"

enum {
    SAMPLE_ROWS = 64,
    SAMPLE_MIN_ROWS = 2,
    SAMPLE_MAX_PATTERNS = 16384,
    SAMPLE_STRIDED_COST = 1024, /* bytes that reading one far element costs as much as */
    SAMPLE_FACTORED_LAYERS = 16,
};
#define SAMPLE_BUDGET ((int64_t)32 << 20)
/* Key numbers read to look at rows of a factored set. */
#define SAMPLE_FACTORED_BUDGET ((int64_t)1 << 20)
/* Noise below zero that is still a weight, when rows sum to 1. */
#define SAMPLE_NEGATIVE_NOISE (-1e-4f)
#define SAMPLE_ABOVE_ONE 1.001f

typedef struct Sample {
    double sum_min, sum_max;
    int64_t rows, finite_rows, off_rows, zero_rows;
    int64_t cells, nonfinite;
    float min, max; /* of finite cells */
    bool minus_inf;
    bool upper, upper_nonzero; /* cells above the diagonal exist; one of them is not 0 */
    bool upper_unmasked;       /* one of them is above CAPTURE_MASK_SCORE */
    bool lower_nonzero;
    double tolerance;
} Sample;

/* What the columns of one layer hold. */
typedef struct LayerSample {
    int64_t last_nonzero, last_unmasked; /* column + 1 */
    int64_t rows;                        /* looked at in each pattern */
} LayerSample;

static double sum_tolerance(DType dtype) {
    switch (dtype) {
    case DTYPE_F16:
        return 5e-3;
    case DTYPE_BF16:
        return 3e-2;
    case DTYPE_F8_E4M3:
    case DTYPE_F8_E5M2:
        return 0.2;
    default:
        return 1e-3;
    }
}

/* Sum, least and largest of a row that is finite throughout, in lanes that compilers vectorise. False where it is
 * not. */
static bool finite_row(const float *row, int64_t keys, double *sum, float *min, float *max) {
    enum { LANES = 8 };
    double sums[LANES] = {0};
    float least[LANES], most[LANES], poison[LANES] = {0}; /* x * 0 is NaN where x is not finite, and stays so */
    int64_t k = 0;
    for (int j = 0; j < LANES; j++) {
        least[j] = INFINITY;
        most[j] = -INFINITY;
    }
    for (; k + LANES <= keys; k += LANES) {
        for (int j = 0; j < LANES; j++)
            sums[j] += (double)row[k + j];
        for (int j = 0; j < LANES; j++)
            poison[j] += row[k + j] * 0.0f;
        for (int j = 0; j < LANES; j++)
            least[j] = row[k + j] < least[j] ? row[k + j] : least[j];
        for (int j = 0; j < LANES; j++)
            most[j] = row[k + j] > most[j] ? row[k + j] : most[j];
    }
    for (int j = 0; k < keys; k++, j++) {
        sums[j] += (double)row[k];
        poison[j] += row[k] * 0.0f;
        least[j] = row[k] < least[j] ? row[k] : least[j];
        most[j] = row[k] > most[j] ? row[k] : most[j];
    }
    *sum = 0.0;
    bool finite = true;
    for (int j = 0; j < LANES; j++) {
        *sum += sums[j];
        finite &= poison[j] == 0.0f;
        *min = least[j] < *min ? least[j] : *min;
        *max = most[j] > *max ? most[j] : *max;
    }
    return finite;
}

/* The same, cell by cell, of a row with cells that are not finite; they are counted. */
static void odd_row(Sample *sample, const float *row, int64_t keys) {
    for (int64_t k = 0; k < keys; k++) {
        float v = row[k];
        if (isfinite(v)) {
            sample->min = v < sample->min ? v : sample->min;
            sample->max = v > sample->max ? v : sample->max;
        } else {
            sample->minus_inf |= v == -INFINITY;
            sample->nonfinite += v != -INFINITY;
        }
    }
}

/* One row into the statistics; `diagonal` is the last key that a causal query may see. */
static void add_row(Sample *sample, LayerSample *layer, const float *row, int64_t keys, int64_t diagonal) {
    double sum = 0.0;
    float min = sample->min, max = sample->max;
    int64_t last_nonzero = keys, last_unmasked = keys;
    bool finite = finite_row(row, keys, &sum, &min, &max);
    while (last_nonzero > 0 && row[last_nonzero - 1] == 0.0f)
        last_nonzero--;
    while (last_unmasked > 0 && row[last_unmasked - 1] <= CAPTURE_MASK_SCORE)
        last_unmasked--;
    sample->rows++;
    sample->cells += keys;
    sample->upper |= diagonal + 1 < keys;
    sample->upper_nonzero |= last_nonzero > diagonal + 1;
    sample->upper_unmasked |= last_unmasked > diagonal + 1;
    sample->lower_nonzero |= last_nonzero > 0;
    layer->last_nonzero = i64_max(layer->last_nonzero, last_nonzero);
    layer->last_unmasked = i64_max(layer->last_unmasked, last_unmasked);
    if (!finite) {
        odd_row(sample, row, keys);
        return;
    }
    sample->min = min;
    sample->max = max;
    if (last_nonzero == 0) {
        sample->zero_rows++; /* a padded query: no row sum to speak of */
        return;
    }
    sample->sum_min = sample->finite_rows == 0 || sum < sample->sum_min ? sum : sample->sum_min;
    sample->sum_max = sample->finite_rows == 0 || sum > sample->sum_max ? sum : sample->sum_max;
    sample->finite_rows++;
    sample->off_rows += fabs(sum - 1.0) > sample->tolerance;
}

/* Bytes that one row costs, as if all of it were read. */
static int64_t row_cost(const LayerInfo *layer, const LayerData *data) {
    int64_t step = data->dense.column_stride * data->dense.item_size;
    return layer->keys * i64_min(step, SAMPLE_STRIDED_COST);
}

typedef struct Plan {
    int64_t rows, step; /* rows a pattern, every step-th pattern */
} Plan;

static Plan make_plan(const SetInfo *set, const SetData *data) {
    int64_t patterns = 0, bytes = 0;
    for (int i = 0; i < set->layer_count; i++) {
        int64_t n = (int64_t)set->layers[i].item_count * set->layers[i].head_count, cost = 0;
        patterns += n;
        if (!i64_mul(n, row_cost(&set->layers[i], &data->layers[i]), &cost) || !i64_add(bytes, cost, &bytes))
            bytes = INT64_MAX;
    }
    Plan plan = {.rows = i64_clamp(SAMPLE_BUDGET / i64_max(bytes, 1), 0, SAMPLE_ROWS), .step = 1};
    if (plan.rows < SAMPLE_MIN_ROWS) {
        plan.rows = SAMPLE_MIN_ROWS;
        plan.step = i64_ceil_div(bytes, SAMPLE_BUDGET / SAMPLE_MIN_ROWS);
    }
    plan.step = i64_max(plan.step, i64_ceil_div(patterns, SAMPLE_MAX_PATTERNS));
    return plan;
}

static Status sample_pattern(const LayerInfo *layer, const LayerData *data, int64_t pattern, int64_t rows,
                             Sample *sample, LayerSample *of_layer, SourceScratch *scratch, Error *err) {
    float *row = capture_scratch_buffer(&scratch->scores, (size_t)layer->keys, sizeof(float));
    if (!row) return error_set(err, STATUS_MEMORY, "not enough memory to look at the capture");
    for (int64_t i = 0; i < rows; i++) {
        int64_t q = rows > 1 ? i * (layer->queries - 1) / (rows - 1) : layer->queries - 1;
        Status status = capture_plane_read(
            &data->dense,
            &(PlaneRect){pattern / layer->head_count, pattern % layer->head_count, q, q + 1, 0, layer->keys}, row,
            (size_t)layer->keys, scratch, NULL, err);
        if (status != STATUS_OK) return status;
        add_row(sample, of_layer, row, layer->keys, q + layer->keys - layer->queries);
    }
    return STATUS_OK;
}

static Status sample_dense(const SetInfo *set, const SetData *data, Sample *sample, LayerSample *layers,
                           const Progress *progress, Error *err) {
    Plan plan = make_plan(set, data);
    int64_t due = 0;
    Status status = STATUS_OK;
    SourceScratch *scratch = capture_scratch_new();
    if (!scratch) return error_set(err, STATUS_MEMORY, "not enough memory to look at the capture");
    for (int i = 0; i < set->layer_count && status == STATUS_OK; i++) {
        const LayerInfo *layer = &set->layers[i];
        int64_t patterns = (int64_t)layer->item_count * layer->head_count;
        sample->tolerance = sum_tolerance(layer->dtype);
        layers[i].rows = i64_min(plan.rows, layer->queries);
        if (progress && progress->report &&
            !progress->report(progress->user, "looking at rows", (double)i / (double)set->layer_count))
            status = error_set(err, STATUS_CANCELLED, "opening was cancelled");
        for (; due < patterns && status == STATUS_OK; due += plan.step)
            status = sample_pattern(layer, &data->layers[i], due, layers[i].rows, sample, &layers[i], scratch, err);
        due -= patterns;
    }
    capture_scratch_drop(scratch);
    return status;
}

/* ---- what the rows say ----------------------------------------------------------------------- */

static void decide_kind(Capture *capture, SetInfo *set, const SampleHints *hints, const Sample *sample) {
    bool sums_to_one = sample->finite_rows > 0 && sample->off_rows == 0;
    if (hints->kind_known) return;
    if (hints->scores_by_name && !(sums_to_one && sample->min >= 0.0f && !sample->minus_inf)) {
        set->kind = SET_SCORES;
    } else if (hints->scores_by_name) {
        set->kind = SET_WEIGHTS;
        capture_add_note(capture, false, "named scores, but all rows sum to 1: read as weights");
    } else if (sample->minus_inf || (sample->min < 0.0f && !(sums_to_one && sample->min >= SAMPLE_NEGATIVE_NOISE))) {
        set->kind = SET_SCORES;
        capture_add_note(capture, true, "%s values occur: read as scores before softmax",
                         sample->minus_inf ? "infinite" : "negative");
    }
}

static void decide_causal(SetInfo *set, const SampleHints *hints, const Sample *sample) {
    bool square_or_cached = true; /* a cache of earlier keys makes Tk > Tq */
    for (int i = 0; i < set->layer_count; i++)
        square_or_cached &= set->layers[i].keys >= set->layers[i].queries;
    if (!hints->causal_known && sample->upper && sample->lower_nonzero && square_or_cached)
        set->causal = set->kind == SET_SCORES ? !sample->upper_unmasked : !sample->upper_nonzero;
}

/* Trailing columns that nobody attends to, if at least two of the rows looked at could have. */
static void decide_padding(Capture *capture, SetInfo *set, LayerInfo *layers, const LayerSample *samples) {
    bool noted = false;
    if (set->kind == SET_ATTRIBUTION) return; /* a score of zero says something */
    for (int i = 0; i < set->layer_count; i++) {
        LayerInfo *layer = &layers[i];
        int64_t last = set->kind == SET_SCORES ? samples[i].last_unmasked : samples[i].last_nonzero;
        int64_t could_see = samples[i].rows;
        if (set->causal) { /* rows spread evenly: those at or after the first padded key */
            int64_t from = last - (layer->keys - layer->queries);
            could_see = (int64_t)((double)samples[i].rows * (double)(layer->queries - from) / (double)layer->queries);
        }
        if (last <= 0 || last >= layer->keys || could_see < 2) continue;
        layer->visible_keys = last;
        if (!noted)
            capture_add_note(capture, false, "keys %lld to %lld receive no attention in layer %d: taken for padding",
                             (long long)last, (long long)layer->keys - 1, layer->number);
        noted = true;
    }
}

static void describe_sums(Capture *capture, SetInfo *set, const SampleHints *hints, const Sample *sample) {
    if (sample->nonfinite > 0 || (sample->minus_inf && set->kind == SET_WEIGHTS)) {
        set->nonfinite_sampled = sample->nonfinite;
        capture_add_note(capture, true, "%lld of %lld sampled values are NaN or infinite", (long long)sample->nonfinite,
                         (long long)sample->cells);
    }
    if (set->kind == SET_SCORES) { /* weights are computed here, so they sum to 1 */
        set->row_sum_min = set->row_sum_max = sample->rows > sample->nonfinite ? 1.0 : (double)NAN;
        return;
    }
    set->signed_values = set->kind == SET_ATTRIBUTION;
    set->above_one = sample->max > SAMPLE_ABOVE_ONE;
    set->row_sum_min = sample->finite_rows > 0 ? sample->sum_min : (double)NAN;
    set->row_sum_max = sample->finite_rows > 0 ? sample->sum_max : (double)NAN;
    if (sample->zero_rows > 0)
        capture_add_note(capture, false, "%lld of %lld sampled rows are all zero (padded queries?)",
                         (long long)sample->zero_rows, (long long)sample->rows);
    if (set->kind == SET_WEIGHTS && sample->off_rows > 0 && hints->block && sample->sum_max < 1.0 + sample->tolerance)
        capture_add_note(capture, false, "set '%s' is part of a larger pattern: its rows sum to %.4g to %.4g",
                         hints->block, sample->sum_min, sample->sum_max);
    else if (set->kind == SET_WEIGHTS && sample->off_rows > 0)
        capture_add_note(capture, true, "rows do not sum to 1: %lld of %lld sampled sums are off, from %.4g to %.4g",
                         (long long)sample->off_rows, (long long)sample->finite_rows, sample->sum_min, sample->sum_max);
}

/* ---- factored -------------------------------------------------------------------------------- */

/* Recomputes the last row of the first head; a stored log-sum-exp that contradicts it is not used. */
static Status sample_factored_layer(Capture *capture, int set, int index, SourceScratch *scratch, Error *err) {
    SetInfo *info = &capture->sets[set];
    LayerData *data = &capture->data[set].layers[index];
    const LayerInfo *layer = &info->layers[index];
    double lse = 0.0, stored = 0.0;
    RowsRequest request = {
        .capture = capture,
        .set = info,
        .layer = layer,
        .set_data = &capture->data[set],
        .data = data,
        .ref = {.set = set, .layer = index},
        .scratch = scratch,
    };
    Status status = capture_stream_lse(&request, capture_factored_score, layer->queries - 1, layer->queries, &lse, err);
    if (status == STATUS_OK && data->stored_lse.source)
        status = capture_plane_read_one(&data->stored_lse, 0, 0, layer->queries - 1, 0, &stored, err);
    if (status != STATUS_OK) return status;
    info->nonfinite_sampled += isnan(lse);
    if (data->stored_lse.source && !(fabs(stored - lse) < 0.02) && !isnan(lse)) {
        capture_add_note(capture, true, "the stored log-sum-exp of layer %d is ignored: %.6g where Q and K give %.6g",
                         layer->number, stored, lse);
        data->stored_lse.source = NULL;
    }
    return STATUS_OK;
}

static Status sample_factored(Capture *capture, int set, Error *err) {
    SetInfo *info = &capture->sets[set];
    int64_t left = SAMPLE_FACTORED_BUDGET;
    int step = info->layer_count / SAMPLE_FACTORED_LAYERS + 1;
    Status status = STATUS_OK;
    SourceScratch *scratch = capture_scratch_new();
    if (!scratch) return error_set(err, STATUS_MEMORY, "not enough memory to look at the capture");
    for (int i = 0; i < info->layer_count && status == STATUS_OK; i += step) {
        left -= info->layers[i].keys * info->layers[i].head_dim;
        if (left < 0) break;
        status = sample_factored_layer(capture, set, i, scratch, err);
    }
    capture_scratch_drop(scratch);
    info->row_sum_min = info->row_sum_max = 1.0; /* softmax is ours */
    if (status == STATUS_OK && info->nonfinite_sampled > 0)
        capture_add_note(capture, true, "queries or keys hold NaN or infinite values");
    return status;
}

Status capture_sample_set(Capture *capture, int index, const SampleHints *hints, const Progress *progress, Error *err) {
    SetInfo *set = &capture->sets[index];
    Sample sample = {.min = INFINITY, .max = -INFINITY};
    if (set->factored) return sample_factored(capture, index, err);
    LayerSample *layers = mem_alloc_zeroed((size_t)set->layer_count, sizeof(*layers));
    if (!layers) return error_set(err, STATUS_MEMORY, "not enough memory to look at the capture");
    Status status = sample_dense(set, &capture->data[index], &sample, layers, progress, err);
    if (status == STATUS_OK) {
        decide_kind(capture, set, hints, &sample);
        decide_causal(set, hints, &sample);
        decide_padding(capture, set, (LayerInfo *)set->layers, layers);
        describe_sums(capture, set, hints, &sample);
    }
    mem_free(layers);
    return status;
}
