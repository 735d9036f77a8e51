/* Captures in memory, as safetensors files made by hand, so that a test knows every number that is stored. */
#include "test_analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double next_random(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    return (double)(hash_u64(*state) >> 11) / 9007199254740992.0;
}

float *fixture_noise(int heads, int64_t queries, int64_t keys, uint64_t seed) {
    float *cells = malloc((size_t)(heads * queries * keys) * sizeof *cells);
    assert_non_null(cells);
    for (int64_t row = 0; row < heads * queries; row++) {
        double sum = 0;
        for (int64_t k = 0; k < keys; k++) {
            cells[row * keys + k] = (float)exp(6.0 * next_random(&seed));
            sum += (double)cells[row * keys + k];
        }
        for (int64_t k = 0; k < keys; k++)
            cells[row * keys + k] = (float)((double)cells[row * keys + k] / sum);
    }
    return cells;
}

static float *noise(int64_t count, uint64_t seed) {
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(4.0 * next_random(&seed) - 2.0);
    return values;
}

static void declare(TextBuffer *header, const char *name, const int64_t shape[3], size_t *offset) {
    const size_t size = (size_t)(shape[0] * shape[1] * shape[2]) * sizeof(float);
    text_appendf(header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%lld,%lld,%lld],\"data_offsets\":[%zu,%zu]}", name,
                 (long long)shape[0], (long long)shape[1], (long long)shape[2], *offset, *offset + size);
    *offset += size;
}

void fixture_open(Fixture *fixture, const FixtureParams *params) {
    TextBuffer header = {0};
    Error err = {0};
    size_t offset = 0;
    const char *metadata = params->metadata ? params->metadata : "";
    const int64_t q[3] = {params->queries, params->heads, FIXTURE_DIM},
                  k[3] = {params->keys, params->heads, FIXTURE_DIM};
    const int64_t shape[3] = {params->heads, params->queries, params->keys};
    text_appendf(&header, "{\"__metadata__\":{\"attn.scale\":\"0.5\",\"attn.causal\":\"true\"%s}", metadata);
    if (params->cells) {
        declare(&header, params->tensor ? params->tensor : "blocks.0.attn.hook_pattern", shape, &offset);
    } else {
        declare(&header, "blocks.0.attn.hook_q", q, &offset);
        declare(&header, "blocks.0.attn.hook_k", k, &offset);
    }
    text_append(&header, "}");
    assert_false(header.failed);
    float *operands = params->cells ? NULL : noise((int64_t)(offset / sizeof(float)), 7);
    const uint64_t length = header.length;
    const size_t size = sizeof length + header.length + offset;
    fixture->bytes = malloc(size);
    assert_non_null(fixture->bytes);
    memcpy(fixture->bytes, &length, sizeof length);
    memcpy(fixture->bytes + sizeof length, header.text, header.length);
    memcpy(fixture->bytes + sizeof length + header.length, params->cells ? params->cells : operands, offset);
    free(operands);
    text_buffer_free(&header);
    const CaptureOpenParams open = {
        .memory = fixture->bytes, .memory_size = size, .memory_name = "fixture.safetensors"};
    if (capture_open(&open, &fixture->capture, &err) != STATUS_OK)
        fail_msg("the fixture does not open: %s", err.message);
}

void fixture_drop(Fixture *fixture) {
    capture_close(fixture->capture);
    free(fixture->bytes);
}
