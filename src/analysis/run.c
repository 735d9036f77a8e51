/* A pattern is read once, in strips of whole rows, and every statistic is fed from the same strip. Strips are as large as
 * reading likes them; statistics get them in slices that take well under 2 ms, and the cancel flag is looked at between. */
#include "analysis/analysis.h"

enum { STRIP_CELLS = 1 << 18, SLICE_CELLS = 1 << 15 };
#define STRIP_ROWS_LEAST 16 /* so many queries share what is read of the keys of a long context */

typedef struct Run {
    const AnalysisParams *params;
    StatisticPattern pattern;
    const Statistic *const *statistics;
    int count;
    void **states;
    bool reads_rows, reads_two, reads_tile; /* does any statistic need it? */
    float *cells, *other;
    bool *left_out;
    SourceScratch *scratch;
    Arena arena; /* all of the above */
} Run;

/* ---- what it is about ------------------------------------------------------------------------ */

static bool same_tokens(const TokenList *a, const TokenList *b) {
    if (a == b || !a || !b) return true;
    if (a->count != b->count) return false;
    for (int64_t i = 0; i < a->count; i++)
        if (strcmp(a->tokens[i].raw, b->tokens[i].raw) != 0) return false;
    return true;
}

/* Captures do not say it. Sizes differ in self attention only where keys were kept from before, and that is causal. */
static bool is_one_text(const StatisticPattern *pattern) {
    if (strstr(pattern->set->name, "cross")) return false;
    if (pattern->queries != pattern->keys) return pattern->set->causal && pattern->queries < pattern->keys;
    return same_tokens(pattern->query_tokens, pattern->key_tokens);
}

static Status describe(Run *run, Error *err) {
    const AnalysisParams *params = run->params;
    StatisticPattern *pattern = &run->pattern;
    int64_t queries, keys;
    Status status = capture_pattern_size(params->capture, params->ref, &pattern->queries, &pattern->keys, err);
    if (status != STATUS_OK) return status;
    if (params->other) {
        status = capture_pattern_size(params->capture, *params->other, &queries, &keys, err);
        if (status != STATUS_OK) return status;
        if (queries != pattern->queries || keys != pattern->keys)
            return error_set(err, STATUS_RANGE, "the two patterns have different sizes");
    }
    pattern->capture = params->capture;
    pattern->ref = params->ref;
    pattern->set = capture_set(params->capture, params->ref.set);
    pattern->layer = &pattern->set->layers[params->ref.layer];
    pattern->query_tokens = capture_tokens(params->capture, params->ref.set, params->ref.item, AXIS_QUERY);
    pattern->key_tokens = capture_tokens(params->capture, params->ref.set, params->ref.item, AXIS_KEY);
    pattern->shift = pattern->keys - pattern->queries;
    pattern->one_text = is_one_text(pattern);
    return STATUS_OK;
}

/* ---- statistics ------------------------------------------------------------------------------ */

/* A statistic of two heads has nothing to say of one. */
static bool is_fed(const Run *run, const Statistic *statistic) {
    return statistic->needs != STATISTIC_TWO_HEADS || run->params->other;
}

static bool begin(Run *run) {
    run->states = arena_alloc(&run->arena, (size_t)(run->count + 1) * sizeof *run->states);
    for (int i = 0; run->states && i < run->count; i++) {
        const Statistic *statistic = run->statistics[i];
        run->states[i] = arena_alloc(&run->arena, statistic->size + 1);
        if (!run->states[i]) return false;
        if (statistic->begin) statistic->begin(run->states[i], &run->pattern);
        if (!is_fed(run, statistic)) continue;
        run->reads_two |= statistic->needs == STATISTIC_TWO_HEADS;
        run->reads_tile |= statistic->needs == STATISTIC_BASE_TILE;
        run->reads_rows |= statistic->needs != STATISTIC_BASE_TILE;
    }
    return run->states != NULL;
}

static bool says_nothing(const float *row, int64_t keys) {
    bool broken = false, visible = false;
    for (int64_t k = 0; k < keys; k++) {
        broken |= isnan(row[k]) != 0;
        visible |= row[k] != CELL_MASKED;
    }
    return broken || !visible;
}

static void feed(Run *run, const StatisticRows *rows) {
    for (int64_t r = 0; r < rows->count; r++) {
        run->left_out[r] = says_nothing(rows->cells + r * rows->keys, rows->keys) ||
                           (rows->other && says_nothing(rows->other + r * rows->keys, rows->keys));
    }
    for (int i = 0; i < run->count; i++) {
        const Statistic *statistic = run->statistics[i];
        if (statistic->needs != STATISTIC_BASE_TILE && is_fed(run, statistic)) statistic->take(run->states[i], rows);
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static Status cancelled(Error *err) {
    return error_set(err, STATUS_CANCELLED, "cancelled");
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory for the statistics of a head");
}

static Status read_strip(const Run *run, PatternRef ref, int64_t q0, int64_t q1, float *out, Error *err) {
    return capture_source_rows(run->params->capture, ref, VALUES_WEIGHTS, (Block){q0, q1, 0, run->pattern.keys}, out,
                               run->scratch, run->params->cancel, err);
}

static Status stream_rows(Run *run, Error *err) {
    const AnalysisParams *params = run->params;
    const int64_t queries = run->pattern.queries, keys = run->pattern.keys;
    const int64_t strip = params->strip_cells > 0
                              ? i64_clamp(params->strip_cells / keys, 1, queries)
                              : i64_clamp(STRIP_CELLS / keys, i64_min(STRIP_ROWS_LEAST, queries), queries);
    const int64_t slice = i64_max(1, SLICE_CELLS / keys);
    const size_t bytes = (size_t)(strip * keys) * sizeof(float);
    run->cells = arena_alloc(&run->arena, bytes);
    run->other = run->reads_two ? arena_alloc(&run->arena, bytes) : NULL;
    run->left_out = arena_alloc(&run->arena, (size_t)slice * sizeof(bool));
    if (!run->cells || (run->reads_two && !run->other) || !run->left_out) return no_memory(err);
    for (int64_t q0 = 0; q0 < queries; q0 += strip) {
        const int64_t q1 = i64_min(q0 + strip, queries);
        Status status = read_strip(run, params->ref, q0, q1, run->cells, err);
        if (status == STATUS_OK && run->reads_two) status = read_strip(run, *params->other, q0, q1, run->other, err);
        if (status != STATUS_OK) return status;
        for (int64_t q = q0; q < q1; q += slice) {
            const int64_t at = (q - q0) * keys;
            if (cancel_requested(params->cancel)) return cancelled(err);
            feed(run, &(StatisticRows){.first = q,
                                       .count = i64_min(slice, q1 - q),
                                       .keys = keys,
                                       .cells = run->cells + at,
                                       .other = run->other ? run->other + at : NULL,
                                       .left_out = run->left_out});
        }
    }
    return STATUS_OK;
}

/* ---- the base tile --------------------------------------------------------------------------- */

static Status take_tile(Run *run, Error *err) {
    const StatisticPattern *pattern = &run->pattern;
    const Level level = {tiles_base_level(pattern->queries, TILE_SIDE), tiles_base_level(pattern->keys, TILE_SIDE)};
    const bool is_signed = pattern->set->signed_values;
    const ResolvedHeads head = {
        .op = HEADS_MEAN, .count = 1, .index = {pattern->ref.head}, .weight = {1}, .result_signed = is_signed};
    const PoolRequest request = {.capture = pattern->capture,
                                 .set = pattern->ref.set,
                                 .item = pattern->ref.item,
                                 .step = pattern->ref.step,
                                 .layer = pattern->ref.layer,
                                 .values = VALUES_WEIGHTS,
                                 .heads = &head,
                                 .level = level,
                                 .height = (int)tiles_texels(pattern->queries, level.q),
                                 .width = (int)tiles_texels(pattern->keys, level.k)};
    float *rg = arena_alloc(&run->arena, (size_t)request.height * (size_t)request.width * 2 * sizeof *rg);
    PoolScratch *scratch = rg ? tiles_pool_scratch_new() : NULL;
    Status status = scratch ? tiles_pool(&request, rg, scratch, run->params->cancel, err) : no_memory(err);
    const StatisticTile tile = {rg, request.height, request.width, level, is_signed};
    for (int i = 0; status == STATUS_OK && i < run->count; i++)
        if (run->statistics[i]->needs == STATISTIC_BASE_TILE) run->statistics[i]->take_tile(run->states[i], &tile);
    tiles_pool_scratch_drop(scratch);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

Status analysis_run(const AnalysisParams *params, double *results, Error *err) {
    Run run = {.params = params,
               .statistics = params->statistics ? params->statistics : ANALYSIS_STATISTICS,
               .count = analysis_statistic_count(params->statistics),
               .scratch = params->scratch};
    Status status = describe(&run, err);
    if (status == STATUS_OK && !begin(&run)) status = no_memory(err);
    if (status == STATUS_OK && !run.scratch && !(run.scratch = capture_scratch_new())) status = no_memory(err);
    if (status == STATUS_OK && run.reads_rows) status = stream_rows(&run, err);
    if (status == STATUS_OK && run.reads_tile) status = take_tile(&run, err);
    for (int i = 0; status == STATUS_OK && i < run.count; i++) {
        const Statistic *statistic = run.statistics[i];
        results[i] = is_fed(&run, statistic) ? statistic->finish(run.states[i]) : (double)NAN;
    }
    if (!params->scratch) capture_scratch_drop(run.scratch);
    arena_free(&run.arena);
    return status;
}
