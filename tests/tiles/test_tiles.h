/* cmocka, the groups of this folder (each returns the number of failed tests), and captures made in memory. */
#ifndef TEST_TILES_H
#define TEST_TILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiles/tiles.h"

int test_level_group(void);
int test_headset_group(void);
int test_pool_group(void);
int test_pool_special_group(void);
int test_captures_group(void);
int test_kernel_group(void);
int test_fused_group(void);
int test_device_group(void);
int test_compose_group(void);
int test_variant_group(void);
int test_stats_group(void);
int test_data_group(void);
int test_scheduler_group(void);
int test_threads_group(void);
int test_disk_group(void);

/* ---- fixture.c ------------------------------------------------------------------------------- */

typedef enum FixtureKind {
    FIXTURE_WEIGHTS,     /* softmax of noise; rows sum to 1 */
    FIXTURE_CAUSAL,      /* the same below the diagonal, 0 above */
    FIXTURE_ATTRIBUTION, /* signed */
    FIXTURE_SCORES,      /* before softmax */
    FIXTURE_FACTORED,    /* Q and K, bidirectional */
    FIXTURE_FACTORED_CAUSAL,
} FixtureKind;

/* A capture of one set in memory. Cells are [layer][head][query][key] as capture_source_rows must give them: edited
 * between fixture_make and fixture_open (dense kinds), they are what is stored. */
typedef struct Fixture {
    FixtureKind kind;
    int layers, heads;
    int64_t queries, keys;
    float *cells;
    float *q, *k;         /* factored: [layer][position][head][FIXTURE_DIM] */
    int value_heads;      /* fixture_values: */
    float *v;             /* [layer][position][value head][FIXTURE_DIM] */
    const char *tokens;   /* NULL, or a JSON list, in JSON's quotes: set between make and open */
    double *row, *column; /* fixture_vary: [layer][head][position] */
    char *bytes;
    Capture *capture;
} Fixture;

enum { FIXTURE_DIM = 8 };

Fixture *fixture_make(FixtureKind kind, int layers, int heads, int64_t queries, int64_t keys, uint64_t seed);
void fixture_open(Fixture *fixture); /* fails the test if the capture does not open */
void fixture_drop(Fixture *fixture);
float *fixture_cell(const Fixture *fixture, int layer, int head, int64_t query, int64_t key);
/* Between make and open: value vectors, shared by heads / value_heads heads each. */
void fixture_values(Fixture *fixture, int value_heads, uint64_t seed);
/* The factors that requests with a variant are to be pooled with, in f64 from the definition; NAN hides a key.
 * `special`: NULL, or which keys have special tokens. */
void fixture_vary(Fixture *fixture, const Variant *variant, const bool *special);
/* make and open in one go. */
Fixture *fixture_new(FixtureKind kind, int layers, int heads, int64_t queries, int64_t keys, uint64_t seed);

/* Uniform in [0, 1), from a state that the caller seeds. */
double fixture_random(uint64_t *state);
/* Head set text -> heads of layer 0; fails the test if it does not parse. */
ResolvedHeads fixture_heads(const Fixture *fixture, const char *text);
ResolvedHeads fixture_capture_heads(const Capture *capture, const char *text); /* of its first layer */
PoolRequest fixture_request(const Fixture *fixture, const ResolvedHeads *heads, Level level, int64_t y0, int64_t x0,
                            int height, int width);
/* The plain double loop of DESIGN.md section 3: one texel, straight from `cells`. */
void fixture_texel(const Fixture *fixture, const PoolRequest *request, int64_t y, int64_t x, double *mean, double *g);
/* Heads combined at one cell: CELL_MASKED, NAN or a number. */
double fixture_combined(const Fixture *fixture, const PoolRequest *request, int64_t query, int64_t key);

#endif
