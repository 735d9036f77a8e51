/* What the fuzz targets share: open bytes, then read some of every pattern as a person would who looks around. */
#ifndef FUZZ_CAPTURE_H
#define FUZZ_CAPTURE_H

#include "capture/capture.h"

#include <stdlib.h>
#include <string.h>

enum { FUZZ_SIDE = 16, FUZZ_HEADS = 3, FUZZ_LAYERS = 8 };

static inline void fuzz_require(bool condition) {
    if (!condition) abort();
}

static inline void fuzz_pattern(const Capture *capture, PatternRef ref, SourceScratch *scratch) {
    float cells[FUZZ_SIDE * FUZZ_SIDE];
    int64_t queries = 0, keys = 0;
    Probed probed = {0};
    Error err = {0};
    fuzz_require(capture_pattern_size(capture, ref, &queries, &keys, &err) == STATUS_OK);
    fuzz_require(queries > 0 && keys > 0);
    int64_t q0 = i64_max(queries - FUZZ_SIDE, 0), k0 = i64_max(keys - FUZZ_SIDE, 0);
    for (int values = VALUES_WEIGHTS; values <= VALUES_SCORES; values++) {
        (void)capture_source_rows(capture, ref, (Values)values,
                                  (Block){0, i64_min(FUZZ_SIDE, queries), 0, i64_min(FUZZ_SIDE, keys)}, cells, scratch,
                                  NULL, &err);
        (void)capture_source_rows(capture, ref, (Values)values, (Block){q0, queries, k0, keys}, cells, scratch, NULL,
                                  &err);
        (void)capture_probe(capture, ref, (Values)values, queries - 1, keys / 2, &probed, scratch, &err);
    }
}

static inline void fuzz_strip(const StripInfo *strip) {
    fuzz_require(strip->count > 0 && strip->known + strip->missing + strip->floored == strip->count);
    for (int64_t i = 0; i < strip->count; i++) {
        const StripToken *token = &strip->tokens[i];
        fuzz_require(utf8_valid(token->token->display, strlen(token->token->display)));
        fuzz_require(!(token->logprob > 0) && token->chosen < (int32_t)token->count);
        fuzz_require(capture_strip_figures(strip, i).other >= 0);
    }
}

static inline void fuzz_capture(const uint8_t *data, size_t size, const char *name) {
    CaptureOpenParams params = {.memory = data, .memory_size = size, .memory_name = name};
    Capture *capture = NULL;
    Error err = {0};
    Status status = capture_open(&params, &capture, &err);
    fuzz_require((status == STATUS_OK) == (capture != NULL));
    fuzz_require(status == STATUS_OK || err.message[0]);
    if (!capture) return;
    SourceScratch *scratch = capture_scratch_new();
    for (int set = 0; scratch && set < capture_set_count(capture); set++) {
        const SetInfo *info = capture_set(capture, set);
        for (int layer = 0; layer < info->layer_count && layer < FUZZ_LAYERS; layer++)
            for (int head = 0; head < info->layers[layer].head_count && head < FUZZ_HEADS; head++)
                fuzz_pattern(
                    capture,
                    (PatternRef){.set = set, .layer = layer, .head = head, .item = info->layers[layer].item_count - 1},
                    scratch);
        (void)capture_tokens(capture, set, 0, AXIS_QUERY);
    }
    capture_scratch_drop(scratch);
    for (int i = 0; i < capture_strip_count(capture); i++)
        fuzz_strip(capture_strip(capture, i));
    capture_close(capture);
}

#endif
