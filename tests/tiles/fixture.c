/* Captures in memory, as safetensors files made by hand, so that a test knows every number that is stored. */
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double fixture_random(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    return (double)(hash_u64(*state) >> 11) / 9007199254740992.0;
}

static bool is_factored(const Fixture *f) {
    return f->kind == FIXTURE_FACTORED || f->kind == FIXTURE_FACTORED_CAUSAL;
}

static bool is_causal(const Fixture *f) {
    return f->kind == FIXTURE_CAUSAL || f->kind == FIXTURE_FACTORED_CAUSAL;
}

float *fixture_cell(const Fixture *f, int layer, int head, int64_t query, int64_t key) {
    return f->cells + (((int64_t)layer * f->heads + head) * f->queries + query) * f->keys + key;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static float *fill_noise(size_t count, uint64_t *state) {
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(4.0 * fixture_random(state) - 2.0);
    }
    return values;
}

static double dot(const Fixture *f, int layer, int head, int64_t query, int64_t key) {
    const float *q = f->q + (((int64_t)layer * f->queries + query) * f->heads + head) * FIXTURE_DIM;
    const float *k = f->k + (((int64_t)layer * f->keys + key) * f->heads + head) * FIXTURE_DIM;
    double sum = 0.0;
    for (int i = 0; i < FIXTURE_DIM; i++) {
        sum += (double)q[i] * (double)k[i];
    }
    return sum * 0.5; /* the scale in the metadata */
}

static void softmax_row(float *row, const double *scores, int64_t keys, int64_t visible) {
    double sum = 0.0;
    for (int64_t k = 0; k < visible; k++) {
        sum += exp(scores[k]);
    }
    for (int64_t k = 0; k < keys; k++) {
        row[k] = k < visible ? (float)(exp(scores[k]) / sum) : CELL_MASKED;
    }
}

/* Noise with a wide range, as attention has: a few weights of a row carry most of its mass. */
static double noise_score(uint64_t *state) {
    double u = fixture_random(state);
    return 14.0 * u * u * u;
}

static void fill_row(Fixture *f, int layer, int head, int64_t query, double *scores, uint64_t *state) {
    float *row = fixture_cell(f, layer, head, query, 0);
    int64_t visible = is_causal(f) ? i64_clamp(query + 1 + f->keys - f->queries, 0, f->keys) : f->keys;
    for (int64_t k = 0; k < f->keys; k++) {
        scores[k] = is_factored(f) ? dot(f, layer, head, query, k) : noise_score(state);
    }
    if (f->kind == FIXTURE_ATTRIBUTION || f->kind == FIXTURE_SCORES) {
        for (int64_t k = 0; k < f->keys; k++) {
            row[k] = (float)(6.0 * fixture_random(state) - 3.5);
        }
    } else {
        softmax_row(row, scores, f->keys, visible);
    }
}

Fixture *fixture_make(FixtureKind kind, int layers, int heads, int64_t queries, int64_t keys, uint64_t seed) {
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    *f = (Fixture){.kind = kind, .layers = layers, .heads = heads, .queries = queries, .keys = keys};
    size_t positions = (size_t)layers * (size_t)heads * FIXTURE_DIM;
    f->cells = malloc((size_t)(layers * heads * queries * keys) * sizeof *f->cells);
    double *scores = malloc((size_t)keys * sizeof *scores);
    assert_true(f->cells != NULL && scores != NULL);
    if (is_factored(f)) {
        f->q = fill_noise(positions * (size_t)queries, &seed);
        f->k = fill_noise(positions * (size_t)keys, &seed);
    }
    for (int64_t i = 0; i < layers * heads * queries; i++) {
        fill_row(f, (int)(i / queries / heads), (int)(i / queries % heads), i % queries, scores, &seed);
    }
    free(scores);
    return f;
}

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct Writer {
    TextBuffer header;
    size_t offset;
} Writer;

static void declare(Writer *w, int layer, const char *name, const int64_t shape[3]) {
    size_t size = (size_t)(shape[0] * shape[1] * shape[2]) * sizeof(float);
    text_appendf(&w->header, ",\"blocks.%d.attn.%s\":{\"dtype\":\"F32\",\"shape\":[%lld,%lld,%lld],", layer, name,
                 (long long)shape[0], (long long)shape[1], (long long)shape[2]);
    text_appendf(&w->header, "\"data_offsets\":[%zu,%zu]}", w->offset, w->offset + size);
    w->offset += size;
}

static void declare_layer(Writer *w, const Fixture *f, int layer) {
    const int64_t q_shape[3] = {f->queries, f->heads, FIXTURE_DIM};
    const int64_t k_shape[3] = {f->keys, f->heads, FIXTURE_DIM};
    const int64_t shape[3] = {f->heads, f->queries, f->keys};
    if (is_factored(f)) {
        declare(w, layer, "hook_q", q_shape);
        declare(w, layer, "hook_k", k_shape);
    } else {
        declare(w, layer, f->kind == FIXTURE_SCORES ? "hook_attn_scores" : "hook_pattern", shape);
    }
    if (f->v != NULL) {
        const int64_t v_shape[3] = {f->keys, f->value_heads, FIXTURE_DIM};
        declare(w, layer, "hook_v", v_shape);
    }
}

/* What the file holds where a cell is masked: nothing but 0 for weights, minus infinity for scores. */
static char *put_cells(char *out, const Fixture *f, int layer) {
    int64_t count = f->heads * f->queries * f->keys;
    for (int64_t i = 0; i < count; i++) {
        float v = fixture_cell(f, layer, 0, 0, 0)[i];
        v = v == CELL_MASKED && f->kind != FIXTURE_SCORES ? 0.0f : v;
        memcpy(out, &v, sizeof v);
        out += sizeof v;
    }
    return out;
}

static char *put_factors(char *out, const Fixture *f, int layer) {
    size_t row = (size_t)f->heads * FIXTURE_DIM;
    size_t q_size = (size_t)f->queries * row * sizeof(float), k_size = (size_t)f->keys * row * sizeof(float);
    memcpy(out, f->q + (size_t)layer * (size_t)f->queries * row, q_size);
    memcpy(out + q_size, f->k + (size_t)layer * (size_t)f->keys * row, k_size);
    return out + q_size + k_size;
}

void fixture_open(Fixture *f) {
    static const char *const metadata[] = {
        [FIXTURE_WEIGHTS] = "\"attn.kind\":\"weights\"",
        [FIXTURE_CAUSAL] = "\"attn.kind\":\"weights\"",
        [FIXTURE_ATTRIBUTION] = "\"attn.kind\":\"attribution\"",
        [FIXTURE_SCORES] = "\"attn.kind\":\"scores\"",
        [FIXTURE_FACTORED] = "\"attn.scale\":\"0.5\",\"attn.causal\":\"false\"",
        [FIXTURE_FACTORED_CAUSAL] = "\"attn.scale\":\"0.5\",\"attn.causal\":\"true\"",
    };
    Writer w = {{0}, 0};
    Error err = {0};
    text_appendf(&w.header, "{\"__metadata__\":{%s", metadata[f->kind]);
    text_appendf(&w.header, f->tokens != NULL ? ",\"tokens\":\"%s\"}" : "}", f->tokens);
    for (int layer = 0; layer < f->layers; layer++) {
        declare_layer(&w, f, layer);
    }
    text_append(&w.header, "}");
    assert_false(w.header.failed);
    uint64_t length = w.header.length;
    size_t size = sizeof length + w.header.length + w.offset;
    f->bytes = malloc(size);
    assert_non_null(f->bytes);
    memcpy(f->bytes, &length, sizeof length);
    memcpy(f->bytes + sizeof length, w.header.text, w.header.length);
    char *at = f->bytes + sizeof length + w.header.length;
    for (int layer = 0; layer < f->layers; layer++) {
        at = is_factored(f) ? put_factors(at, f, layer) : put_cells(at, f, layer);
        if (f->v != NULL) {
            size_t size_v = (size_t)f->keys * (size_t)f->value_heads * FIXTURE_DIM;
            memcpy(at, f->v + (size_t)layer * size_v, size_v * sizeof(float));
            at += size_v * sizeof(float);
        }
    }
    text_buffer_free(&w.header);
    CaptureOpenParams params = {.memory = f->bytes, .memory_size = size, .memory_name = "fixture.safetensors"};
    if (capture_open(&params, &f->capture, &err) != STATUS_OK) {
        fail_msg("the fixture does not open: %s", err.message);
    }
}

Fixture *fixture_new(FixtureKind kind, int layers, int heads, int64_t queries, int64_t keys, uint64_t seed) {
    Fixture *f = fixture_make(kind, layers, heads, queries, keys, seed);
    fixture_open(f);
    return f;
}

void fixture_drop(Fixture *f) {
    if (f->capture != NULL) {
        capture_close(f->capture);
    }
    free(f->bytes);
    free(f->cells);
    free(f->q);
    free(f->k);
    free(f->v);
    free(f->row);
    free(f->column);
    free(f);
}

/* ---- variants -------------------------------------------------------------------------------- */

void fixture_values(Fixture *f, int value_heads, uint64_t seed) {
    f->value_heads = value_heads;
    f->v = fill_noise((size_t)f->layers * (size_t)f->keys * (size_t)value_heads * FIXTURE_DIM, &seed);
}

static double column_of(const Fixture *f, const Variant *variant, const bool *special, int layer, int head,
                        int64_t key) {
    double norm = 0.0;
    for (int i = 0; i < variant->range_count; i++) {
        if (key >= variant->ranges[i].from && key < variant->ranges[i].to) {
            return (double)NAN;
        }
    }
    if (variant->hide_special && special != NULL && special[key]) {
        return (double)NAN;
    }
    if (!variant->value_weighted) {
        return 1.0;
    }
    int group = head / (f->heads / f->value_heads);
    const float *v = f->v + (((int64_t)layer * f->keys + key) * f->value_heads + group) * FIXTURE_DIM;
    for (int i = 0; i < FIXTURE_DIM; i++) {
        norm += (double)v[i] * (double)v[i];
    }
    return sqrt(norm);
}

static double row_of(const Fixture *f, const Variant *variant, int layer, int head, int64_t query) {
    const double *column = f->column + ((int64_t)layer * f->heads + head) * f->keys;
    double sum = 0.0, most = 0.0;
    int64_t visible = is_causal(f) ? i64_clamp(query + 1 + f->keys - f->queries, 0, f->keys) : f->keys;
    for (int64_t k = 0; k < f->keys; k++) {
        double v = (double)*fixture_cell(f, layer, head, query, k);
        if (isfinite(v) && !isnan(column[k])) {
            sum += fabs(v * column[k]);
            most = fmax(most, fabs(v * column[k]));
        }
    }
    switch (variant->row_scale) {
    case ROWS_SUM:
        return sum > 0.0 ? 1.0 / sum : 0.0;
    case ROWS_MAX:
        return most > 0.0 ? 1.0 / most : 0.0;
    case ROWS_UNIFORM:
        return (double)visible;
    default:
        return 1.0;
    }
}

void fixture_vary(Fixture *f, const Variant *variant, const bool *special) {
    int64_t patterns = (int64_t)f->layers * f->heads;
    free(f->row);
    free(f->column);
    f->row = malloc((size_t)(patterns * f->queries) * sizeof *f->row);
    f->column = malloc((size_t)(patterns * f->keys) * sizeof *f->column);
    assert_true(f->row != NULL && f->column != NULL);
    for (int64_t i = 0; i < patterns * f->keys; i++) {
        f->column[i] = column_of(f, variant, special, (int)(i / f->keys / f->heads), (int)(i / f->keys % f->heads),
                                 i % f->keys);
    }
    for (int64_t i = 0; i < patterns * f->queries; i++) {
        f->row[i] = row_of(f, variant, (int)(i / f->queries / f->heads), (int)(i / f->queries % f->heads),
                           i % f->queries);
    }
}

/* ---- requests and their plain answers -------------------------------------------------------- */

ResolvedHeads fixture_heads(const Fixture *f, const char *text) {
    return fixture_capture_heads(f->capture, text);
}

ResolvedHeads fixture_capture_heads(const Capture *capture, const char *text) {
    HeadSet set;
    ResolvedHeads heads = {0};
    Error err = {0};
    const SetInfo *info = capture_set(capture, 0);
    if (tiles_headset_parse(text, &set, &err) != STATUS_OK ||
        tiles_headset_resolve(&set, info, &info->layers[0], &heads, &err) != STATUS_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    return heads;
}

PoolRequest fixture_request(const Fixture *f, const ResolvedHeads *heads, Level level, int64_t y0, int64_t x0,
                            int height, int width) {
    return (PoolRequest){.capture = f->capture,
                         .values = f->kind == FIXTURE_SCORES ? VALUES_SCORES : VALUES_WEIGHTS,
                         .heads = heads,
                         .level = level,
                         .y0 = y0,
                         .x0 = x0,
                         .height = height,
                         .width = width};
}

static double choose(HeadOp op, double weight, double so_far, double v, bool first) {
    switch (op) {
    case HEADS_MAX:
        return first || v > so_far ? v : so_far;
    case HEADS_MIN:
        return first || v < so_far ? v : so_far;
    default:
        return so_far + weight * v;
    }
}

double fixture_combined(const Fixture *f, const PoolRequest *request, int64_t query, int64_t key) {
    const ResolvedHeads *heads = request->heads;
    bool visible = false, broken = false;
    double result = 0.0;
    for (int h = 0; h < heads->count; h++) {
        double v = (double)*fixture_cell(f, request->layer, heads->index[h], query, key);
        int64_t pattern = (int64_t)request->layer * f->heads + heads->index[h];
        double factor = f->row != NULL && request->variant != NULL
                            ? f->row[pattern * f->queries + query] * f->column[pattern * f->keys + key]
                            : 1.0;
        v = isnan(factor) ? (double)CELL_MASKED : v; /* hidden */
        broken = broken || isnan(v) || v == (double)INFINITY;
        visible = visible || v != (double)CELL_MASKED;
        v = v == (double)CELL_MASKED ? 0.0 : v * factor;
        double weight = heads->op == HEADS_MEAN ? 1.0 / heads->count : (double)heads->weight[h];
        result = choose(heads->op, weight, result, v, h == 0);
    }
    return broken ? (double)NAN : (visible ? result : (double)CELL_MASKED);
}

void fixture_texel(const Fixture *f, const PoolRequest *request, int64_t y, int64_t x, double *mean, double *g) {
    bool is_signed = request->heads->result_signed || request->values == VALUES_SCORES;
    bool visible = false, broken = false;
    double sum = 0.0, best = 0.0;
    int64_t cells = 0;
    for (int64_t q = y << request->level.q; q < (y + 1) << request->level.q && q < f->queries; q++) {
        for (int64_t k = x << request->level.k; k < (x + 1) << request->level.k && k < f->keys; k++) {
            double v = fixture_combined(f, request, q, k);
            cells++;
            if (isnan(v)) {
                broken = true;
            } else if (v != (double)CELL_MASKED) {
                bool better = is_signed ? fabs(v) > fabs(best) : v > best;
                best = !visible || better ? v : best;
                sum += v;
                visible = true;
            }
        }
    }
    *mean = broken || !visible ? 0.0 : sum / (double)cells;
    *g = best;
    if (broken) {
        *g = is_signed ? (double)TILE_SIGNED_NONFINITE : (double)TILE_NONFINITE;
    } else if (!visible) {
        *g = is_signed ? (double)TILE_SIGNED_MASKED : (double)TILE_MASKED;
    }
}
