/* `stats`: what heads do, in numbers: a row for each layer and head, a column for each statistic of src/analysis. */
#include "analysis/analysis.h"
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "movie/movie.h"

enum { STATS_FILES_MAX = 1024, STATS_COLUMN = 15 };

typedef struct StatsOptions {
    const char *set, *layer, *head, *axes;
    bool json, help;
} StatsOptions;

/* The heads that are asked for, and what came of them. */
typedef struct HeadTable {
    const Capture *capture;
    PatternRef *heads;
    size_t count, capacity;
    int columns;
    double *numbers; /* [count][columns] */
} HeadTable;

/* ---- which heads ----------------------------------------------------------------------------- */

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory");
}

static Status add_head(HeadTable *table, PatternRef ref, Error *err) {
    if (!mem_grow((void **)&table->heads, &table->capacity, table->count + 1, sizeof *table->heads))
        return no_memory(err);
    table->heads[table->count++] = ref;
    return STATUS_OK;
}

/* Heads of one layer; none where it lacks the one that is asked for, *why says so. */
static Status add_layer(HeadTable *table, PatternRef ref, int64_t head, Error *why, Error *err) {
    const SetInfo *set = capture_set(table->capture, ref.set);
    const LayerInfo *layer = &set->layers[ref.layer];
    ResolvedHeads one;
    const HeadSet wanted = {.op = HEADS_MEAN, .count = 1, .heads = {(int)head}};
    if (head >= 0) {
        if (tiles_headset_resolve(&wanted, set, layer, &one, why) != STATUS_OK) return STATUS_OK;
        ref.head = one.index[0];
        return add_head(table, ref, err);
    }
    Status status = STATUS_OK;
    for (ref.head = 0; ref.head < layer->head_count && status == STATUS_OK; ref.head++)
        status = add_head(table, ref, err);
    return status;
}

/* A layer or head need not be in every set and layer, but somewhere. */
static Status choose_heads(HeadTable *table, const StatsOptions *options, int64_t layer, int64_t head, Error *err) {
    int first = 0, end = capture_set_count(table->capture);
    Error why = {0};
    Status status = options->set ? cli_find_set(table->capture, options->set, &first, err) : STATUS_OK;
    if (options->set) end = first + 1;
    for (PatternRef ref = {.set = first}; ref.set < end && status == STATUS_OK; ref.set++) {
        const SetInfo *set = capture_set(table->capture, ref.set);
        int from = 0, to = set->layer_count;
        if (layer >= 0) {
            if (cli_find_layer(set, layer, &from, &why) != STATUS_OK) continue;
            to = from + 1;
        }
        for (ref.layer = from; ref.layer < to && status == STATUS_OK; ref.layer++)
            status = add_layer(table, ref, head, &why, err);
    }
    if (status == STATUS_OK && table->count == 0) status = error_set(err, why.status, "%s", why.message);
    return status;
}

static Status fill(HeadTable *table, const CancelFlag *cancel, Error *err) {
    const Progress progress = cli_progress();
    SourceScratch *scratch = capture_scratch_new();
    table->columns = analysis_statistic_count(NULL);
    table->numbers = mem_alloc_zeroed(table->count * (size_t)table->columns, sizeof *table->numbers);
    Status status = scratch && table->numbers ? STATUS_OK : no_memory(err);
    for (size_t i = 0; i < table->count && status == STATUS_OK; i++) {
        const AnalysisParams params = {
            .capture = table->capture, .ref = table->heads[i], .scratch = scratch, .cancel = cancel};
        if (progress.report) progress.report(progress.user, "reading", (double)i / (double)table->count);
        status = analysis_run(&params, table->numbers + i * (size_t)table->columns, err);
    }
    cli_progress_end();
    capture_scratch_drop(scratch);
    return status == STATUS_CANCELLED ? error_set(err, status, "interrupted") : status;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void write_json(TextBuffer *out, const HeadTable *table) {
    for (size_t i = 0; i < table->count; i++) {
        const PatternRef ref = table->heads[i];
        const SetInfo *set = capture_set(table->capture, ref.set);
        const LayerInfo *layer = &set->layers[ref.layer];
        text_append(out, i ? ",\n{\"set\":" : "[{\"set\":");
        text_append_json(out, set->name);
        text_appendf(out, ",\"layer\":%d,\"head\":%d", layer->number, layer->head_numbers[ref.head]);
        for (int c = 0; c < table->columns; c++) {
            text_appendf(out, ",\"%s\":", ANALYSIS_STATISTICS[c]->name);
            text_append_json_f64(out, table->numbers[i * (size_t)table->columns + (size_t)c]);
        }
        text_append(out, "}");
    }
    text_append(out, "]\n");
}

/* "entropy/nats": one word, so that the table reads as columns elsewhere, too. */
static void write_title(TextBuffer *out, const Statistic *statistic) {
    char title[64];
    snprintf(title, sizeof title, "%s%s%s", statistic->name, statistic->unit[0] ? "/" : "", statistic->unit);
    text_appendf(out, " %*s", STATS_COLUMN, title);
}

static void write_text(TextBuffer *out, const HeadTable *table) {
    text_appendf(out, "%-10s %5s %5s", "set", "layer", "head");
    for (int c = 0; c < table->columns; c++)
        write_title(out, ANALYSIS_STATISTICS[c]);
    text_append(out, "\n");
    for (size_t i = 0; i < table->count; i++) {
        const PatternRef ref = table->heads[i];
        const SetInfo *set = capture_set(table->capture, ref.set);
        const LayerInfo *layer = &set->layers[ref.layer];
        text_appendf(out, "%-10s %5d %5d", set->name, layer->number, layer->head_numbers[ref.head]);
        for (int c = 0; c < table->columns; c++) {
            const double number = table->numbers[i * (size_t)table->columns + (size_t)c];
            if (isnan(number)) /* its sign, which printf shows, says nothing */
                text_appendf(out, " %*s", STATS_COLUMN, "nan");
            else
                text_appendf(out, " %*.6g", STATS_COLUMN, number);
        }
        text_append(out, "\n");
    }
}

static Status print_table(const HeadTable *table, bool json, Error *err) {
    TextBuffer out = {0};
    Status status = STATUS_OK;
    (json ? write_json : write_text)(&out, table);
    if (out.failed)
        status = no_memory(err);
    else if (fputs(out.text, stdout) < 0 || fflush(stdout) != 0)
        status = error_set(err, STATUS_IO, "standard output could not be written");
    text_buffer_free(&out);
    return status;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static Status run(const StatsOptions *options, const char *const *files, size_t count, Error *err) {
    HeadTable table = {0};
    Capture *capture = NULL;
    int64_t layer = -1, head = -1;
    Status status = STATUS_OK;
    if (options->layer) status = options_i64("layer", options->layer, 0, INT32_MAX, &layer, err);
    if (status == STATUS_OK && options->head) status = options_i64("head", options->head, 0, INT32_MAX, &head, err);
    if (status == STATUS_OK) status = cli_open(files, count, options->axes, &capture, err);
    table.capture = capture;
    if (status == STATUS_OK && capture_set_count(capture) == 0)
        status = error_set(err, STATUS_UNSUPPORTED,
                           "probabilities of tokens have no heads to count; `info` sums them up");
    if (status == STATUS_OK) status = choose_heads(&table, options, layer, head, err);
    movie_interrupt_begin();
    if (status == STATUS_OK) status = fill(&table, movie_interrupt_flag(), err);
    movie_interrupt_end();
    if (status == STATUS_OK) status = print_table(&table, options->json, err);
    mem_free(table.heads);
    mem_free(table.numbers);
    capture_close(capture);
    return status;
}

static void print_help(const Option *options, size_t count) {
    printf(
        "usage: attnscope stats FILE... [--set S] [--layer N] [--head N] [--json]\n\n"
        "What heads do, in numbers: a row for each layer and head. Weights are read or recomputed, all of them, of "
        "the\n"
        "first batch item. nan: undefined there, such as a distance in cross attention. Rows with NaN, and rows that\n"
        "see nothing, are left out.\n\n");
    for (int i = 0; i < analysis_statistic_count(NULL); i++) {
        const Statistic *statistic = ANALYSIS_STATISTICS[i];
        printf("  %-12s %s%s%s\n", statistic->name, statistic->help, statistic->unit[0] ? ", in " : "",
               statistic->unit);
    }
    printf("\n");
    options_print(options, count, stdout);
}

int cli_stats(int argc, char **argv) {
    StatsOptions stats = {0};
    const char *files[STATS_FILES_MAX];
    size_t count = 0;
    Error err = {0};
    const Option options[] = {
        {"set", 0, "S", "encoder, decoder, cross ... (default: all)", &stats.set, NULL},
        {"layer", 0, "N", "one layer, as numbered in the model (default: all)", &stats.layer, NULL},
        {"head", 0, "N", "one head of each layer (default: all)", &stats.head, NULL},
        {"axes", 0, "LETTERS", "how to read an array without layer names, for example lhqk", &stats.axes, NULL},
        {"json", 0, NULL, "print JSON", NULL, &stats.json},
        {"help", 'h', NULL, "print this", NULL, &stats.help},
    };
    Status status = options_parse(options, BASE_COUNT(options), argc, argv, files, STATS_FILES_MAX, &count, &err);
    if (status == STATUS_OK && stats.help) {
        print_help(options, BASE_COUNT(options));
        return EXIT_OK;
    }
    if (status == STATUS_OK && count == 0)
        status = error_set(&err, STATUS_USAGE, "`stats` needs a file; `attnscope stats --help` says more");
    if (status == STATUS_OK) status = run(&stats, files, count, &err);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
