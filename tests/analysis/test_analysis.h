/* cmocka, the groups of this folder (each returns the number of failed tests), and captures made in memory. */
#ifndef TEST_ANALYSIS_H
#define TEST_ANALYSIS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/analysis.h"

int test_statistics_group(void);
int test_run_group(void);

/* A capture in memory. Dense: one layer, cells [head][query][key] as they are stored. Factored: Q and K of noise. */
typedef struct Fixture {
    char *bytes;
    Capture *capture;
} Fixture;

typedef struct FixtureParams {
    const char *tensor;   /* NULL: "blocks.0.attn.hook_pattern" */
    const char *metadata; /* "" or JSON members with a comma before, such as ",\"attn.kind\":\"attribution\"" */
    int heads;
    int64_t queries, keys;
    const float *cells; /* NULL: factored, causal, FIXTURE_DIM numbers a token */
} FixtureParams;

enum { FIXTURE_DIM = 8 };

void fixture_open(Fixture *fixture, const FixtureParams *params); /* fails the test if the capture does not open */
void fixture_drop(Fixture *fixture);
/* Softmax of noise: heads * queries * keys floats that the caller frees. */
float *fixture_noise(int heads, int64_t queries, int64_t keys, uint64_t seed);

#endif
