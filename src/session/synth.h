/* Made-up attention with the structures of real heads: previous token, sink, local window, induction, uniform,
 * noise. The same numbers for the same parameters and seed on every machine up to rounding; any row by itself, so
 * files stream. */
#ifndef ATTNSCOPE_SESSION_SYNTH_H
#define ATTNSCOPE_SESSION_SYNTH_H

#include "base/base.h"

typedef struct SynthParams {
    int64_t tokens;
    int layers, heads, kv_heads, dim;
    bool causal;
    uint64_t seed;
} SynthParams;

/* Weights of one row: out[tokens], softmax over what is visible, 0 elsewhere. */
void synth_weights_row(const SynthParams *params, int layer, int head, int64_t query, float *out);
/* The query and key vector of a position: out[dim]. Their scores are scaled by 1 / sqrt(dim). */
void synth_query(const SynthParams *params, int layer, int head, int64_t position, float *out);
void synth_key(const SynthParams *params, int layer, int kv_head, int64_t position, float *out);

#endif
