/* `probe`: exact values. One cell is computed in f64; ranges are read in strips of rows, so that any size streams. */
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "session/strip_text.h"
#include "tiles/tiles.h"

#include <math.h>
#include <string.h>

enum { PROBE_STRIP_CELLS = 1 << 20, PROBE_FILES_MAX = 1024 };
#define PROBE_FACTOR_BYTES ((size_t)32 << 20)

typedef struct Range {
    int64_t from, to; /* half-open; to < 0: up to the end */
    bool single;
} Range;

typedef struct ProbeOptions {
    const char *set, *layer, *head, *query, *key, *batch, *step, *values, *hide, *row_scale, *axes, *ref;
    bool value_weighted, json, help;
} ProbeOptions;

/* What is asked, once it is known to exist. */
typedef struct Probe {
    const Capture *capture;
    const SetInfo *set;
    const LayerInfo *layer;
    PatternRef ref;
    Values values;
    HeadSet head_set;
    ResolvedHeads heads;
    Range query, key;
    SourceScratch *scratch;
    Variant variant; /* as it applies to these values */
    bool varied;
    PoolScratch *factor_scratch; /* where varied */
    FactorStore *factors;
} Probe;

/* ---- arguments ------------------------------------------------------------------------------- */

/* "7", "3:9", ":9", "3:", ":" */
static Status parse_range(const char *option, const char *text, Range *out, Error *err) {
    char from[32] = "";
    const char *colon = strchr(text, ':');
    *out = (Range){.from = 0, .to = -1, .single = colon == NULL};
    bool ok = !colon || (size_t)(colon - text) < sizeof(from);
    snprintf(from, sizeof(from), "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
    if (ok && from[0]) ok = text_parse_i64(from, &out->from) && out->from >= 0;
    if (ok && colon && colon[1]) ok = text_parse_i64(colon + 1, &out->to) && out->to > out->from;
    if (!ok || (!colon && !text[0]))
        return error_set(err, STATUS_USAGE, "--%s takes a position or a half-open range such as 3:9, not '%.60s'",
                         option, text);
    if (!colon) out->to = out->from + 1;
    return STATUS_OK;
}

static Status fit_range(const char *what, Range *range, int64_t count, Error *err) {
    if (range->to < 0) range->to = count;
    if (range->from < range->to && range->to <= count) return STATUS_OK;
    if (range->single)
        return error_set(err, STATUS_RANGE, "there is no %s %lld: they go from 0 to %lld", what, (long long)range->from,
                         (long long)count - 1);
    return error_set(err, STATUS_RANGE, "there are no %s positions %lld:%lld: they go from 0 to %lld", what,
                     (long long)range->from, (long long)range->to, (long long)count - 1);
}

static Status parse_values(const char *text, Values *out, Error *err) {
    *out = VALUES_WEIGHTS;
    if (!text || !strcmp(text, "weights")) return STATUS_OK;
    *out = VALUES_SCORES;
    if (!strcmp(text, "scores")) return STATUS_OK;
    return error_set(err, STATUS_USAGE, "--values takes weights or scores, not '%.60s'", text);
}

static Status parse_variant(const ProbeOptions *options, Probe *probe, Error *err) {
    Variant variant = {.value_weighted = options->value_weighted};
    Status status = STATUS_OK;
    if (options->hide) status = tiles_variant_parse_hide(options->hide, &variant, err);
    if (status == STATUS_OK && options->row_scale)
        status = tiles_row_scale_parse(options->row_scale, &variant.row_scale, err);
    probe->variant = tiles_variant_for(&variant, probe->values);
    probe->varied = tiles_variant_id(&probe->variant) != 0;
    return status;
}

/* All that can be wrong without the file. */
static Status parse_options(const ProbeOptions *options, Probe *probe, int64_t *layer, Error *err) {
    int64_t number = 0;
    Status status = STATUS_OK;
    *layer = -1;
    if (!options->query)
        return error_set(err, STATUS_USAGE, "`probe` needs --query and --key; `attnscope probe --help` says more");
    if ((status = parse_range("query", options->query, &probe->query, err)) != STATUS_OK) return status;
    if (options->key && (status = parse_range("key", options->key, &probe->key, err)) != STATUS_OK) return status;
    if ((status = parse_values(options->values, &probe->values, err)) != STATUS_OK) return status;
    if ((status = parse_variant(options, probe, err)) != STATUS_OK) return status;
    if (options->layer && (status = options_i64("layer", options->layer, 0, INT32_MAX, layer, err)) != STATUS_OK)
        return status;
    if (options->batch && (status = options_i64("batch", options->batch, 0, INT32_MAX, &number, err)) != STATUS_OK)
        return status;
    probe->ref.item = (int)number;
    number = 0;
    if (options->step && (status = options_i64("step", options->step, 0, INT32_MAX, &number, err)) != STATUS_OK)
        return status;
    probe->ref.step = options->step ? (int)number : -1;
    return tiles_headset_parse(options->head ? options->head : "mean", &probe->head_set, err);
}

static Status find_pattern(const ProbeOptions *options, int64_t layer, Probe *probe, Error *err) {
    Status status = options->set ? cli_find_set(probe->capture, options->set, &probe->ref.set, err) : STATUS_OK;
    if (status != STATUS_OK) return status;
    probe->set = capture_set(probe->capture, probe->ref.set);
    if (layer >= 0) status = cli_find_layer(probe->set, layer, &probe->ref.layer, err);
    if (status != STATUS_OK) return status;
    probe->layer = &probe->set->layers[probe->ref.layer];
    if (probe->ref.item >= probe->layer->item_count)
        return error_set(err, STATUS_RANGE, "there is no batch item %d: there %s %d", probe->ref.item,
                         probe->layer->item_count == 1 ? "is" : "are", probe->layer->item_count);
    if (probe->ref.step >= probe->set->step_count)
        return error_set(err, STATUS_RANGE, "there is no step %d: there %s %d", probe->ref.step,
                         probe->set->step_count == 1 ? "is" : "are", probe->set->step_count);
    probe->ref.step = probe->ref.step < 0 ? 0 : capture_step_of_number(probe->set, probe->ref.step);
    status = fit_range("query", &probe->query, probe->layer->queries, err);
    if (status == STATUS_OK) status = fit_range("key", &probe->key, probe->layer->keys, err);
    if (status != STATUS_OK) return status;
    return tiles_headset_resolve(&probe->head_set, probe->set, probe->layer, &probe->heads, err);
}

/* ---- combining heads ------------------------------------------------------------------------- */

/* Rules of DESIGN section 3: NaN wins, masked counts as 0, all masked is masked. Start from cell_start. */
typedef struct Cell {
    double value;
    bool any_visible, nan, started;
} Cell;

static void cell_add(Cell *cell, HeadOp op, double weight, double value) {
    bool masked = value == (double)CELL_MASKED;
    double v = masked ? 0.0 : value;
    cell->nan |= isnan(value);
    cell->any_visible |= !masked;
    if (op == HEADS_MAX)
        cell->value = cell->started ? fmax(cell->value, v) : v;
    else if (op == HEADS_MIN)
        cell->value = cell->started ? fmin(cell->value, v) : v;
    else
        cell->value += weight * v;
    cell->started = true;
}

/* CELL_MASKED, NAN or a number. */
static double cell_result(const Cell *cell) {
    if (cell->nan) return (double)NAN;
    return cell->any_visible ? cell->value : (double)CELL_MASKED;
}

/* Masked counts as 0 where the other is visible. */
static Cell cell_minus(const Cell *cell, const Cell *other) {
    return (Cell){.value = (cell->any_visible ? cell->value : 0) - (other->any_visible ? other->value : 0),
                  .any_visible = cell->any_visible || other->any_visible,
                  .nan = cell->nan || other->nan};
}

static double value_minus(double value, double other) {
    const double masked = (double)CELL_MASKED;
    if (value == masked && other == masked) return masked;
    return (value == masked ? 0 : value) - (other == masked ? 0 : other);
}

/* Of head i, in f64: 1/n as f32 would cost digits of a mean. */
static double head_weight(const ResolvedHeads *heads, int i) {
    return heads->op == HEADS_MEAN ? 1.0 / heads->count : (double)heads->weight[i];
}

/* Factors of the head that probe->ref names. */
static Status find_factors(const Probe *probe, int64_t q0, int64_t q1, float *rows, float *columns, Error *err) {
    const FactorRequest request = {.capture = probe->capture,
                                   .ref = probe->ref,
                                   .values = probe->values,
                                   .variant = &probe->variant,
                                   .store = probe->factors};
    Status status = tiles_row_factors(&request, q0, q1, rows, probe->factor_scratch, NULL, err);
    if (status != STATUS_OK) return status;
    return tiles_column_factors(&request, probe->key.from, probe->key.to, columns, probe->factor_scratch, NULL, err);
}

static double vary(double value, float row, float column) {
    if (column < 0) return (double)CELL_MASKED;
    return value == (double)CELL_MASKED ? value : value * (double)row * (double)column;
}

/* *raw: without the variant. */
static Status probe_cell(Probe *probe, double *out, double *raw, Error *err) {
    Cell cell = {0}, plain = {0};
    for (int i = 0; i < probe->heads.count; i++) {
        float row = 1, column = 1;
        Probed probed = {0};
        probe->ref.head = probe->heads.index[i];
        Status status = capture_probe(probe->capture, probe->ref, probe->values, probe->query.from, probe->key.from,
                                      &probed, probe->scratch, err);
        if (status == STATUS_OK && probe->varied)
            status = find_factors(probe, probe->query.from, probe->query.to, &row, &column, err);
        if (status != STATUS_OK) return status;
        const double value = probed.masked ? (double)CELL_MASKED : probed.value;
        cell_add(&plain, probe->heads.op, head_weight(&probe->heads, i), value);
        cell_add(&cell, probe->heads.op, head_weight(&probe->heads, i),
                 probe->varied ? vary(value, row, column) : value);
    }
    *out = cell_result(&cell);
    *raw = cell_result(&plain);
    return STATUS_OK;
}

typedef struct Strip {
    float *cells; /* rows x columns */
    float *row_factors, *key_factors;
    Cell *sums;
} Strip;

static Status probe_strip(Probe *probe, int64_t q0, int64_t q1, const Strip *strip, Error *err) {
    int64_t columns = probe->key.to - probe->key.from;
    size_t count = (size_t)((q1 - q0) * columns);
    Cell *cells = strip->sums;
    memset(cells, 0, count * sizeof(*cells));
    for (int i = 0; i < probe->heads.count; i++) {
        probe->ref.head = probe->heads.index[i];
        Status status = capture_source_rows(probe->capture, probe->ref, probe->values,
                                            (Block){q0, q1, probe->key.from, probe->key.to}, strip->cells,
                                            probe->scratch, NULL, err);
        if (status == STATUS_OK && probe->varied)
            status = find_factors(probe, q0, q1, strip->row_factors, strip->key_factors, err);
        if (status != STATUS_OK) return status;
        for (size_t c = 0; c < count; c++) {
            size_t row = c / (size_t)columns, column = c % (size_t)columns;
            double value = (double)strip->cells[c];
            if (probe->varied) value = vary(value, strip->row_factors[row], strip->key_factors[column]);
            cell_add(&cells[c], probe->heads.op, head_weight(&probe->heads, i), value);
        }
    }
    return STATUS_OK;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* A number as JSON; masked is 0, NaN is `nan`. One head comes from f32 and needs no more digits than that. */
static void append_value(TextBuffer *out, double value, bool as_f32, const char *nan_text) {
    if (isnan(value))
        text_append(out, nan_text);
    else if (value == (double)CELL_MASKED)
        text_append(out, "0");
    else if (as_f32)
        text_append_json_f32(out, (float)value);
    else
        text_append_json_f64(out, value);
}

static Status flush(TextBuffer *out, Error *err) {
    bool failed = out->failed;
    bool written = failed || !out->text || fputs(out->text, stdout) >= 0;
    out->length = 0;
    if (out->text) out->text[0] = '\0';
    if (failed) return error_set(err, STATUS_MEMORY, "not enough memory");
    return written ? STATUS_OK : error_set(err, STATUS_IO, "standard output could not be written");
}

static void append_strip(TextBuffer *out, const Probe *probe, const Cell *cells, int64_t rows, bool json, bool first) {
    int64_t columns = probe->key.to - probe->key.from;
    bool as_f32 = probe->heads.count == 1 && probe->heads.weight[0] == 1.0f && !probe->varied;
    for (int64_t r = 0; r < rows; r++) {
        if (json) text_append(out, first && r == 0 ? "[" : ",[");
        for (int64_t c = 0; c < columns; c++) {
            if (c > 0) text_append(out, json ? "," : "\t");
            append_value(out, cell_result(&cells[r * columns + c]), as_f32, json ? "null" : "nan");
        }
        text_append(out, json ? "]" : "\n");
    }
}

static void strip_free(const Strip *strip) {
    mem_free(strip->cells);
    mem_free(strip->row_factors);
    mem_free(strip->key_factors);
    mem_free(strip->sums);
}

static Status strip_new(int64_t rows, int64_t columns, Strip *out, Error *err) {
    *out = (Strip){.cells = mem_alloc_zeroed((size_t)(rows * columns), sizeof(*out->cells)),
                   .row_factors = mem_alloc_zeroed((size_t)rows, sizeof(*out->row_factors)),
                   .key_factors = mem_alloc_zeroed((size_t)columns, sizeof(*out->key_factors)),
                   .sums = mem_alloc_zeroed((size_t)(rows * columns), sizeof(*out->sums))};
    if (out->cells && out->row_factors && out->key_factors && out->sums) return STATUS_OK;
    return error_set(err, STATUS_MEMORY, "not enough memory");
}

/* Cells of the table that is printed: of `probe`, or, with `minus`, what they are more than its. */
static Status print_table(Probe *probe, Probe *minus, bool json, Error *err) {
    TextBuffer out = {0};
    int64_t columns = probe->key.to - probe->key.from;
    int64_t strip = i64_clamp(PROBE_STRIP_CELLS / columns, 1, probe->query.to - probe->query.from);
    Strip room = {0}, other = {0};
    Status status = strip_new(strip, columns, &room, err);
    if (status == STATUS_OK && minus) status = strip_new(strip, columns, &other, err);
    for (int64_t q = probe->query.from; q < probe->query.to && status == STATUS_OK; q += strip) {
        int64_t end = i64_min(q + strip, probe->query.to);
        status = probe_strip(probe, q, end, &room, err);
        if (status == STATUS_OK && minus) status = probe_strip(minus, q, end, &other, err);
        if (status != STATUS_OK) break;
        for (int64_t i = 0; minus && i < (end - q) * columns; i++)
            room.sums[i] = cell_minus(&room.sums[i], &other.sums[i]);
        append_strip(&out, probe, room.sums, end - q, json, q == probe->query.from);
        status = flush(&out, err);
    }
    text_buffer_free(&out);
    strip_free(&room);
    strip_free(&other);
    return status;
}

static Status print_ranges(Probe *probe, Probe *reference, bool json, Error *err) {
    static const char *const HEADS[] = {"{\"values\":[", "],\"reference\":[", "],\"difference\":["};
    if (reference && !json)
        return error_set(err, STATUS_USAGE, "a table has room for one array: ranges with --ref need --json");
    Status status = STATUS_OK;
    for (int i = 0; i < (reference ? 3 : 1) && status == STATUS_OK; i++) {
        if (json) fputs(HEADS[i], stdout);
        status = print_table(i == 1 ? reference : probe, i == 2 ? reference : NULL, json, err);
    }
    if (json) fputs("]}\n", stdout);
    return status;
}

static const Token *token_at(const Probe *probe, Axis axis, int64_t position) {
    const TokenList *list = capture_tokens(probe->capture, probe->ref.set, probe->ref.item, axis);
    return list && position < list->count ? &list->tokens[position] : NULL;
}

static bool is_hidden(const Probe *probe) {
    return tiles_key_hidden(probe->capture, probe->ref.set, probe->ref.item, &probe->variant, probe->key.from);
}

/* `there`: NULL, or the value in the reference. */
static void append_cell_json(TextBuffer *out, const Probe *probe, const char *heads, double value, double raw,
                             const double *there) {
    const Token *query = token_at(probe, AXIS_QUERY, probe->query.from),
                *key = token_at(probe, AXIS_KEY, probe->key.from);
    text_append(out, "{\"set\":");
    text_append_json(out, probe->set->name);
    text_appendf(out, ",\"layer\":%d,\"head\":", probe->layer->number);
    if (tiles_headset_single(&probe->head_set))
        text_append(out, heads);
    else
        text_append_json(out, heads);
    text_appendf(out, ",\"query\":%lld,\"key\":%lld,\"value\":", (long long)probe->query.from,
                 (long long)probe->key.from);
    append_value(out, value, false, "null");
    if (there) {
        text_append(out, ",\"reference\":");
        append_value(out, *there, false, "null");
        text_append(out, ",\"difference\":");
        append_value(out, value_minus(value, *there), false, "null");
    }
    if (probe->varied) {
        text_append(out, ",\"raw\":");
        append_value(out, raw, false, "null");
        text_appendf(out, ",\"hidden\":%s", is_hidden(probe) ? "true" : "false");
    }
    text_appendf(out, ",\"masked\":%s,\"query_token\":", raw == (double)CELL_MASKED ? "true" : "false");
    text_append_json(out, query ? query->raw : NULL);
    text_append(out, ",\"key_token\":");
    text_append_json(out, key ? key->raw : NULL);
    text_append(out, "}\n");
}

/* " (hidden, raw 0.81)", " (raw 0.04)", " (masked)" or nothing */
static void append_remark(TextBuffer *out, const Probe *probe, double raw) {
    if (raw == (double)CELL_MASKED)
        text_append(out, " (masked)");
    else if (probe->varied) {
        text_append(out, is_hidden(probe) ? " (hidden, raw " : " (raw ");
        append_value(out, raw, false, "nan");
        text_append(out, ")");
    }
}

static void append_cell_text(TextBuffer *out, const Probe *probe, const char *heads, double value, double raw,
                             const double *there) {
    const Token *query = token_at(probe, AXIS_QUERY, probe->query.from),
                *key = token_at(probe, AXIS_KEY, probe->key.from);
    append_value(out, value, false, "nan");
    append_remark(out, probe, raw);
    if (there) {
        text_append(out, "\nreference ");
        append_value(out, *there, false, "nan");
        text_append(out, "\ndifference ");
        append_value(out, value_minus(value, *there), false, "nan");
    }
    text_appendf(out, "\n%s, layer %d, head %s, query %lld", probe->set->name, probe->layer->number, heads,
                 (long long)probe->query.from);
    if (query) text_appendf(out, " '%s'", query->display);
    text_appendf(out, ", key %lld", (long long)probe->key.from);
    if (key) text_appendf(out, " '%s'", key->display);
    text_append(out, "\n");
}

static Status print_cell(Probe *probe, Probe *reference, bool json, Error *err) {
    TextBuffer out = {0};
    char heads[HEADSET_MAX * 8];
    double value = 0.0, raw = 0.0, there = 0.0, there_raw = 0.0;
    Status status = probe_cell(probe, &value, &raw, err);
    if (status == STATUS_OK && reference) status = probe_cell(reference, &there, &there_raw, err);
    const double *beside = reference ? &there : NULL;
    tiles_headset_format(&probe->head_set, heads, sizeof(heads));
    if (status == STATUS_OK) {
        if (json)
            append_cell_json(&out, probe, heads, value, raw, beside);
        else
            append_cell_text(&out, probe, heads, value, raw, beside);
        status = flush(&out, err);
    }
    text_buffer_free(&out);
    return status;
}

/* ---- probabilities of tokens ----------------------------------------------------------------- */

static Status probe_tokens(const ProbeOptions *options, Probe *probe, Error *err) {
    const int count = capture_strip_count(probe->capture), item = probe->ref.item;
    TextBuffer out = {0};
    if (options->key || options->layer || options->head || options->set)
        return error_set(err, STATUS_USAGE,
                         "these are probabilities of tokens: --query and --batch choose them, there are no layers, "
                         "heads or keys");
    if (item >= count)
        return error_set(err, STATUS_RANGE, "there is no batch item %d: there %s %d", item, count == 1 ? "is" : "are",
                         count);
    const StripInfo *strip = capture_strip(probe->capture, item);
    Status status = fit_range("query", &probe->query, strip->count, err);
    if (status != STATUS_OK) return status;
    const int64_t from = probe->query.from, to = probe->query.to;
    if (!options->json) {
        if (probe->query.single)
            strip_append_text(&out, strip, from);
        else
            strip_append_table(&out, strip, from, to, '\t');
        status = flush(&out, err);
    }
    if (options->json && !probe->query.single) text_append(&out, "{\"tokens\":[");
    for (int64_t i = from; options->json && status == STATUS_OK && i < to; i++) {
        if (i > from) text_append(&out, ",");
        strip_append_json(&out, strip, item, i);
        status = flush(&out, err);
    }
    if (options->json) text_append(&out, probe->query.single ? "\n" : "]}\n");
    if (status == STATUS_OK) status = flush(&out, err);
    text_buffer_free(&out);
    return status;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static Status make_room(Probe *probe, Error *err) {
    probe->scratch = capture_scratch_new();
    bool there = probe->scratch != NULL;
    if (there && probe->varied) {
        probe->factor_scratch = tiles_pool_scratch_new();
        probe->factors = tiles_factors_new(PROBE_FACTOR_BYTES);
        there = probe->factor_scratch && probe->factors;
    }
    return there ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory");
}

static void release(Probe *probe, Capture *capture) {
    tiles_factors_drop(probe->factors);
    tiles_pool_scratch_drop(probe->factor_scratch);
    capture_scratch_drop(probe->scratch);
    capture_close(capture);
}

/* The same cells of the reference: set by name, layer and heads by number. */
static Status open_reference(const ProbeOptions *options, const Probe *probe, Probe *out, Capture **capture,
                             Error *err) {
    int64_t layer;
    Error why = {0};
    ProbeOptions same = *options;
    same.set = probe->set->name;
    Status status = parse_options(options, out, &layer, err);
    if (status == STATUS_OK) status = cli_open(&options->ref, 1, options->axes, capture, err);
    if (status != STATUS_OK) return status;
    out->capture = *capture;
    if (capture_set_count(*capture) == 1 && capture_set_count(probe->capture) == 1) same.set = NULL;
    status = find_pattern(&same, probe->layer->number, out, &why);
    if (status != STATUS_OK) return error_set(err, status, "the reference: %s", why.message);
    out->query = probe->query; /* an open end is that of the first file */
    out->key = probe->key;
    if (out->query.to > out->layer->queries || out->key.to > out->layer->keys)
        return error_set(err, STATUS_RANGE, "the reference has %lld queries and %lld keys only",
                         (long long)out->layer->queries, (long long)out->layer->keys);
    return make_room(out, err);
}

static Status run(const ProbeOptions *options, const char *const *files, size_t count, Error *err) {
    Probe probe = {0}, there = {0};
    Capture *capture = NULL, *other = NULL;
    int64_t layer = -1;
    Status status = parse_options(options, &probe, &layer, err);
    if (status == STATUS_OK) status = cli_open(files, count, options->axes, &capture, err);
    probe.capture = capture;
    const bool strips = status == STATUS_OK && capture_strip_count(capture) > 0 &&
                        (capture_set_count(capture) == 0 || !options->key);
    if (strips) {
        status = options->ref ? error_set(err, STATUS_USAGE, "--ref compares attention, not probabilities of tokens")
                              : probe_tokens(options, &probe, err);
        goto done;
    }
    if (status == STATUS_OK && !options->key)
        status = error_set(err, STATUS_USAGE, "`probe` needs --query and --key; `attnscope probe --help` says more");
    if (status == STATUS_OK) status = find_pattern(options, layer, &probe, err);
    if (status == STATUS_OK) status = make_room(&probe, err);
    if (status == STATUS_OK && options->ref) status = open_reference(options, &probe, &there, &other, err);
    Probe *reference = options->ref ? &there : NULL;
    if (status == STATUS_OK)
        status = probe.query.single && probe.key.single ? print_cell(&probe, reference, options->json, err)
                                                        : print_ranges(&probe, reference, options->json, err);
    if (status == STATUS_OK && fflush(stdout) != 0)
        status = error_set(err, STATUS_IO, "standard output could not be written");
done:
    release(&probe, capture);
    release(&there, other);
    return status;
}

int cli_probe(int argc, char **argv) {
    ProbeOptions probe = {0};
    const char *files[PROBE_FILES_MAX];
    size_t count = 0;
    Error err = {0};
    const Option options[] = {
        {"set", 0, "NAME", "encoder, decoder, cross ... (default: the first)", &probe.set, NULL},
        {"layer", 0, "L", "layer, as numbered in the model (default: the lowest)", &probe.layer, NULL},
        {"head", 0, "SET", "5, mean, mean:0-7,9, max, min:..., w:0*0.5,3*0.5, diff:3,5 (default: mean)", &probe.head,
         NULL},
        {"query", 0, "I", "position, or half-open range I0:I1", &probe.query, NULL},
        {"key", 0, "J", "position, or half-open range J0:J1", &probe.key, NULL},
        {"batch", 0, "N", "batch item (default: 0)", &probe.batch, NULL},
        {"step", 0, "N", "decode step (default: the last)", &probe.step, NULL},
        {"values", 0, "WHAT", "weights (default) or scores", &probe.values, NULL},
        {"hide", 0, "KEYS", "first, special, positions such as 0,5-9: these keys count as 0", &probe.hide, NULL},
        {"row-scale", 0, "HOW", "divide rows by their visible sum or max, or multiply them: uniform", &probe.row_scale,
         NULL},
        {"value-weighted", 0, NULL, "times the norm of the key's value vector", NULL, &probe.value_weighted},
        {"ref", 0, "FILE", "a reference: its value and the difference to it, too", &probe.ref, NULL},
        {"axes", 0, "LETTERS", "how to read an array without layer names, for example lhqk", &probe.axes, NULL},
        {"json", 0, NULL, "print JSON", NULL, &probe.json},
        {"help", 'h', NULL, "print this", NULL, &probe.help},
    };
    Status status = options_parse(options, BASE_COUNT(options), argc, argv, files, PROBE_FILES_MAX, &count, &err);
    if (status == STATUS_OK && probe.help) {
        printf("usage: attnscope probe FILE... --layer L --head SET --query I --key J [--json]\n"
               "       attnscope probe FILE --query I [--json]      of an API's log-probabilities\n\n"
               "Exact weights, read or recomputed from the file. A range for either position gives a table\n"
               "(tab-separated, or JSON). A masked cell is 0, and so is a hidden one; of a single cell the weight as "
               "it is stored\n"
               "stands beside its variant. Of a file with probabilities of tokens, and no attention: the token, its\n"
               "probability and the alternatives.\n\n");
        options_print(options, BASE_COUNT(options), stdout);
        return EXIT_OK;
    }
    if (status == STATUS_OK && count == 0)
        status = error_set(&err, STATUS_USAGE, "`probe` needs a file; `attnscope probe --help` says more");
    if (status == STATUS_OK) status = run(&probe, files, count, &err);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
