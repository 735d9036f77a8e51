/* Dense rows are made from scores that say what each kind of head does, plus noise. Q and K get the same structures
 * from features of the position that both sides share, so that their product has them:
 *
 *   dimensions    [ position: cos, sin pairs | content: the word here (Q), the word before (K) | noise | sink ]
 *
 *   cos, sin pairs   sum of cos(w (q + shift - k)) peaks where k = q + shift: previous token, local window
 *   content          equal where the word before k is the word at q: induction (Olsson et al. 2022)
 *   sink             1 at the first key only
 *
 * Query heads of one key head share its features and differ in how much of each they ask for. */
#include "session/synth.h"

#include <math.h>

typedef enum SynthKind {
    KIND_PREVIOUS,
    KIND_SINK,
    KIND_LOCAL,
    KIND_INDUCTION,
    KIND_UNIFORM,
    KIND_NOISE,
    KIND_COUNT
} SynthKind;

/* Which use of the hash a number belongs to. */
enum { USE_KIND = 1, USE_WORD, USE_NOISE, USE_EMBEDDING, USE_QUERY_NOISE, USE_KEY_NOISE, USE_STRENGTH };

/* The text repeats itself after this many tokens, so that induction heads have something to find. */
enum { WORD_PERIOD_MIN = 8, WORD_PERIOD_PARTS = 4, WORD_COUNT = 997 };

static uint64_t mix(uint64_t seed, uint64_t use, uint64_t a, uint64_t b, uint64_t c) {
    return hash_u64(hash_u64(hash_u64(hash_u64(seed * 0x9e3779b97f4a7c15u + use) + a) + b) + c);
}

/* -1 .. 1 */
static float noise_of(uint64_t hash) {
    return (float)((double)(hash >> 11) * 0x1p-52 - 1.0);
}

static SynthKind kind_of(const SynthParams *params, int layer, int head) {
    /* every layer has each kind in turn, from a different start */
    uint64_t start = mix(params->seed, USE_KIND, (uint64_t)layer, 0, 0);
    return (SynthKind)((start + (uint64_t)head) % KIND_COUNT);
}

static int64_t word_at(const SynthParams *params, int64_t position) {
    int64_t period = i64_max(WORD_PERIOD_MIN, params->tokens / WORD_PERIOD_PARTS);
    return (int64_t)(mix(params->seed, USE_WORD, (uint64_t)(position % period), 0, 0) % WORD_COUNT);
}

/* 0.7 .. 1.3: no two heads of a kind are quite the same. */
static float strength_of(const SynthParams *params, int layer, int head) {
    return 1.0f + 0.3f * noise_of(mix(params->seed, USE_STRENGTH, (uint64_t)layer, (uint64_t)head, 0));
}

/* ---- dense ----------------------------------------------------------------------------------- */

static float score_of(const SynthParams *params, SynthKind kind, float strength, int64_t q, int64_t k, int64_t q_word) {
    float distance = (float)(q > k ? q - k : k - q);
    switch (kind) {
    case KIND_PREVIOUS:
        return (k == q - 1 ? 8.0f : k == q ? 3.0f : 0.0f) * strength;
    case KIND_SINK:
        return (k == 0 ? 9.0f : 0.0f) * strength;
    case KIND_LOCAL:
        return (6.0f - 0.25f * distance > 0.0f ? 6.0f - 0.25f * distance : 0.0f) * strength;
    case KIND_INDUCTION:
        return (k == 0 ? 4.0f : k > 0 && k != q + 1 && word_at(params, k - 1) == q_word ? 9.0f : 0.0f) * strength;
    default:
        return 0.0f;
    }
}

void synth_weights_row(const SynthParams *params, int layer, int head, int64_t query, float *out) {
    SynthKind kind = kind_of(params, layer, head);
    float strength = strength_of(params, layer, head), noise = kind == KIND_UNIFORM ? 0.1f
                                                               : kind == KIND_NOISE ? 3.0f
                                                                                    : 0.7f;
    int64_t visible = params->causal ? query + 1 : params->tokens, q_word = word_at(params, query);
    uint64_t row = mix(params->seed, USE_NOISE, (uint64_t)layer, (uint64_t)head, (uint64_t)query);
    float max = -INFINITY;
    double sum = 0.0;
    for (int64_t k = 0; k < visible; k++) {
        out[k] = score_of(params, kind, strength, query, k, q_word) + noise * noise_of(hash_u64(row + (uint64_t)k));
        max = out[k] > max ? out[k] : max;
    }
    for (int64_t k = 0; k < visible; k++) {
        out[k] = expf(out[k] - max);
        sum += (double)out[k];
    }
    for (int64_t k = 0; k < visible; k++)
        out[k] = (float)((double)out[k] / sum);
    for (int64_t k = visible; k < params->tokens; k++)
        out[k] = 0.0f;
}

/* ---- Q and K --------------------------------------------------------------------------------- */

typedef struct Layout {
    int pairs, content, noise; /* first dimension of each part after the pairs */
    int sink;                  /* the last one */
} Layout;

static Layout layout_of(int dim) {
    Layout layout = {.pairs = dim / 4, .content = 2 * (dim / 4), .sink = dim - 1};
    layout.noise = layout.content + (layout.sink - layout.content) / 2;
    return layout;
}

/* Radians a token, from 3 (neighbours are opposite) down to a ten-thousandth of that. */
static double frequency(int pair, int pairs) {
    return 3.0 * pow(1e-4, (double)pair / (double)pairs);
}

static void fill_position(const Layout *layout, double position, double scale, float *out) {
    for (int i = 0; i < layout->pairs; i++) {
        double angle = frequency(i, layout->pairs) * position;
        out[2 * i] = (float)(scale * cos(angle));
        out[2 * i + 1] = (float)(scale * sin(angle));
    }
}

/* The embedding of a word: signs, so that equal words have a product of exactly the number of dimensions. */
static void fill_word(const SynthParams *params, const Layout *layout, int64_t word, float scale, float *out) {
    for (int i = layout->content; i < layout->noise; i++)
        out[i] = mix(params->seed, USE_EMBEDDING, (uint64_t)word, (uint64_t)i, 0) & 1 ? scale : -scale;
}

void synth_query(const SynthParams *params, int layer, int head, int64_t position, float *out) {
    Layout layout = layout_of(params->dim);
    SynthKind kind = kind_of(params, layer, head);
    float strength = strength_of(params, layer, head), unit = sqrtf((float)params->dim);
    int words = layout.noise - layout.content, noises = layout.sink - layout.noise;
    double shift = kind == KIND_PREVIOUS ? -1.0 : 0.0;
    double peak = kind == KIND_PREVIOUS ? 40.0 : kind == KIND_LOCAL ? 12.0 : 0.0;
    float noise = kind == KIND_UNIFORM ? 0.1f : kind == KIND_NOISE ? 4.0f : 0.5f;
    for (int i = 0; i < params->dim; i++)
        out[i] = 0.0f;
    if (layout.pairs > 0)
        fill_position(&layout, (double)position + shift, peak * (double)(strength * unit) / layout.pairs, out);
    if (words > 0) {
        float scale = (kind == KIND_INDUCTION ? 10.0f : 0.0f) * strength * unit / (float)words;
        fill_word(params, &layout, word_at(params, position), scale, out);
    }
    uint64_t row = mix(params->seed, USE_QUERY_NOISE, (uint64_t)layer, (uint64_t)head, (uint64_t)position);
    for (int i = layout.noise; i < layout.sink; i++)
        out[i] = noise * unit * sqrtf(3.0f / (float)noises) * noise_of(hash_u64(row + (uint64_t)i));
    out[layout.sink] = unit * strength * (kind == KIND_SINK ? 9.0f : kind == KIND_INDUCTION ? 4.0f : 0.0f);
}

void synth_key(const SynthParams *params, int layer, int kv_head, int64_t position, float *out) {
    Layout layout = layout_of(params->dim);
    fill_position(&layout, (double)position, 1.0, out);
    fill_word(params, &layout, position > 0 ? word_at(params, position - 1) : -1, 1.0f, out);
    uint64_t row = mix(params->seed, USE_KEY_NOISE, (uint64_t)layer, (uint64_t)kv_head, (uint64_t)position);
    for (int i = layout.noise; i < layout.sink; i++)
        out[i] = noise_of(hash_u64(row + (uint64_t)i));
    out[layout.sink] = position == 0 ? 1.0f : 0.0f;
}
