/* `synth`: writes a made-up capture of any size, row by row. */
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "session/synth.h"

#include <math.h>
#include <string.h>

/* A limit against typing errors, not of the format. */
#define SYNTH_MAX_BYTES ((int64_t)1 << 42)

typedef struct SynthOptions {
    const char *tokens, *layers, *heads, *kv_heads, *dim, *dtype, *seed, *out;
    bool dense, causal, bidirectional, help;
} SynthOptions;

typedef struct Synth {
    SynthParams params;
    bool dense;
    DType dtype;
    const char *path;
    SafetensorsWriter *writer;
    Progress progress;
    float *row;        /* one row of numbers */
    uint16_t *half;    /* the same, converted */
    int64_t done, all; /* rows */
} Synth;

/* ---- options --------------------------------------------------------------------------------- */

static Status parse_dtype(const char *text, DType *out, Error *err) {
    static const DType KNOWN[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32};
    for (size_t i = 0; i < BASE_COUNT(KNOWN); i++) {
        if (!strcmp(text, dtype_name(KNOWN[i]))) {
            *out = KNOWN[i];
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_USAGE, "--dtype takes f16, bf16 or f32, not '%.40s'", text);
}

static Status parse_number(const char *option, const char *text, int64_t least, int64_t most, int64_t standard,
                           int64_t *out, Error *err) {
    *out = standard;
    return text ? options_i64(option, text, least, most, out, err) : STATUS_OK;
}

static int64_t row_count(const Synth *synth) {
    const SynthParams *p = &synth->params;
    return p->layers * p->tokens * (synth->dense ? p->heads : p->heads + p->kv_heads);
}

static Status check_size(const Synth *synth, Error *err) {
    const SynthParams *p = &synth->params;
    int64_t numbers = 0, width = synth->dense ? p->tokens : p->dim;
    int64_t size = synth->dtype == DTYPE_F32 ? 4 : 2;
    if (i64_mul(row_count(synth), width, &numbers) && numbers <= SYNTH_MAX_BYTES / size) return STATUS_OK;
    return error_set(err, STATUS_USAGE, "the file would be larger than 4 TB; choose fewer tokens, layers or heads%s",
                     synth->dense ? ", or leave out --dense" : "");
}

static Status parse_synth(const SynthOptions *options, Synth *synth, Error *err) {
    int64_t layers = 0, heads = 0, kv_heads = 0, dim = 0, seed = 0;
    SynthParams *params = &synth->params;
    Status status = STATUS_OK;
    if (!options->tokens || !options->layers || !options->heads || !options->out)
        return error_set(err, STATUS_USAGE,
                         "`synth` needs --tokens, --layers, --heads and -o FILE; `attnscope synth --help` says more");
    if (options->causal && options->bidirectional)
        return error_set(err, STATUS_USAGE, "--causal and --bidirectional exclude each other");
    if ((status = parse_number("tokens", options->tokens, 1, (int64_t)1 << 24, 0, &params->tokens, err)) != STATUS_OK ||
        (status = parse_number("layers", options->layers, 1, 1024, 0, &layers, err)) != STATUS_OK ||
        (status = parse_number("heads", options->heads, 1, 1024, 0, &heads, err)) != STATUS_OK ||
        (status = parse_number("kv-heads", options->kv_heads, 1, heads, heads, &kv_heads, err)) != STATUS_OK ||
        (status = parse_number("dim", options->dim, 4, 1024, 64, &dim, err)) != STATUS_OK ||
        (status = parse_number("seed", options->seed, 0, INT64_MAX, 0, &seed, err)) != STATUS_OK ||
        (status = parse_dtype(options->dtype ? options->dtype : "f16", &synth->dtype, err)) != STATUS_OK)
        return status;
    if (heads % kv_heads != 0) return error_set(err, STATUS_USAGE, "--heads must be a multiple of --kv-heads");
    params->layers = (int)layers;
    params->heads = (int)heads;
    params->kv_heads = (int)kv_heads;
    params->dim = (int)dim;
    params->seed = (uint64_t)seed;
    params->causal = !options->bidirectional;
    synth->dense = options->dense;
    synth->path = options->out;
    synth->all = row_count(synth);
    return check_size(synth, err);
}

/* ---- writing --------------------------------------------------------------------------------- */

static Status declare(Synth *synth, const char *name, int layer, const int64_t *shape, Error *err) {
    char full[64];
    snprintf(full, sizeof(full), "blocks.%d.attn.%s", layer, name);
    return capture_writer_declare(synth->writer, full, synth->dtype, 4, shape, err);
}

static Status declare_all(Synth *synth, Error *err) {
    const SynthParams *p = &synth->params;
    const int64_t pattern[4] = {1, p->heads, p->tokens, p->tokens}, q[4] = {1, p->tokens, p->heads, p->dim},
                  k[4] = {1, p->tokens, p->kv_heads, p->dim};
    Status status = STATUS_OK;
    for (int layer = 0; layer < p->layers && status == STATUS_OK; layer++) {
        status = declare(synth, synth->dense ? "hook_pattern" : "hook_q", layer, synth->dense ? pattern : q, err);
        if (status == STATUS_OK && !synth->dense) status = declare(synth, "hook_k", layer, k, err);
    }
    return status;
}

static Status write_metadata(Synth *synth, Error *err) {
    char scale[40], kv_heads[16];
    snprintf(scale, sizeof(scale), "%.17g", 1.0 / sqrt((double)synth->params.dim));
    snprintf(kv_heads, sizeof(kv_heads), "%d", synth->params.kv_heads);
    const char *const pairs[][2] = {{"attn.schema", "1"},
                                    {"model", "synthetic"},
                                    {"attn.causal", synth->params.causal ? "true" : "false"},
                                    {"attn.scale", scale},
                                    {"attn.n_kv_heads", kv_heads}};
    size_t count = synth->dense ? 3 : BASE_COUNT(pairs);
    Status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = capture_writer_metadata(synth->writer, pairs[i][0], pairs[i][1], err);
    return status;
}

/* The row in synth->row, converted. */
static Status write_row(Synth *synth, int64_t width, Error *err) {
    const void *data = synth->row;
    size_t size = (size_t)width * (synth->dtype == DTYPE_F32 ? sizeof(float) : sizeof(uint16_t));
    if (synth->dtype == DTYPE_F16) f16_from_f32_array(synth->row, synth->half, (size_t)width);
    for (int64_t i = 0; i < width && synth->dtype == DTYPE_BF16; i++)
        synth->half[i] = bf16_from_f32(synth->row[i]);
    if (synth->dtype != DTYPE_F32) data = synth->half;
    synth->done++;
    if (synth->progress.report)
        synth->progress.report(synth->progress.user, "writing", (double)synth->done / (double)synth->all);
    return capture_writer_write(synth->writer, data, size, err);
}

static Status write_dense(Synth *synth, int layer, Error *err) {
    Status status = STATUS_OK;
    for (int head = 0; head < synth->params.heads; head++) {
        for (int64_t q = 0; q < synth->params.tokens && status == STATUS_OK; q++) {
            synth_weights_row(&synth->params, layer, head, q, synth->row);
            status = write_row(synth, synth->params.tokens, err);
        }
    }
    return status;
}

/* [position, head, d] of Q or of K: one position at a time. */
static Status write_factor(Synth *synth, int layer, bool keys, Error *err) {
    int heads = keys ? synth->params.kv_heads : synth->params.heads, dim = synth->params.dim;
    Status status = STATUS_OK;
    for (int64_t position = 0; position < synth->params.tokens; position++) {
        for (int head = 0; head < heads && status == STATUS_OK; head++) {
            if (keys)
                synth_key(&synth->params, layer, head, position, synth->row);
            else
                synth_query(&synth->params, layer, head, position, synth->row);
            status = write_row(synth, dim, err);
        }
    }
    return status;
}

static Status write_all(Synth *synth, Error *err) {
    size_t width = (size_t)(synth->dense ? synth->params.tokens : synth->params.dim);
    Status status = capture_writer_open(synth->path, &synth->writer, err);
    if (status != STATUS_OK) return status;
    synth->row = mem_alloc_zeroed(width, sizeof(*synth->row));
    synth->half = mem_alloc_zeroed(width, sizeof(*synth->half));
    if (!synth->row || !synth->half) status = error_set(err, STATUS_MEMORY, "not enough memory");
    if (status == STATUS_OK) status = write_metadata(synth, err);
    if (status == STATUS_OK) status = declare_all(synth, err);
    for (int layer = 0; layer < synth->params.layers && status == STATUS_OK; layer++) {
        if (synth->dense) {
            status = write_dense(synth, layer, err);
        } else {
            status = write_factor(synth, layer, false, err);
            if (status == STATUS_OK) status = write_factor(synth, layer, true, err);
        }
    }
    if (status == STATUS_OK)
        status = capture_writer_commit(synth->writer, err);
    else
        capture_writer_abort(synth->writer);
    mem_free(synth->row);
    mem_free(synth->half);
    cli_progress_end();
    return status;
}

int cli_synth(int argc, char **argv) {
    SynthOptions o = {0};
    Synth synth = {.progress = cli_progress()};
    const char *rest[1];
    size_t count = 0;
    Error err = {0};
    const Option options[] = {
        {"tokens", 0, "T", "queries and keys", &o.tokens, NULL},
        {"layers", 0, "L", "layers", &o.layers, NULL},
        {"heads", 0, "H", "heads a layer", &o.heads, NULL},
        {"kv-heads", 0, "K", "key heads (default: as many as heads)", &o.kv_heads, NULL},
        {"dim", 0, "D", "dimensions a head (default: 64)", &o.dim, NULL},
        {"dense", 0, NULL, "write weights instead of queries and keys", NULL, &o.dense},
        {"dtype", 0, "TYPE", "f16 (default), bf16 or f32", &o.dtype, NULL},
        {"seed", 0, "N", "another seed, other numbers (default: 0)", &o.seed, NULL},
        {"causal", 0, NULL, "a query sees itself and what is before it (default)", NULL, &o.causal},
        {"bidirectional", 0, NULL, "a query sees everything", NULL, &o.bidirectional},
        {"output", 'o', "FILE", "where to write (.safetensors)", &o.out, NULL},
        {"help", 'h', NULL, "print this", NULL, &o.help},
    };
    Status status = options_parse(options, BASE_COUNT(options), argc, argv, rest, 0, &count, &err);
    if (status == STATUS_OK && o.help) {
        printf("usage: attnscope synth --tokens T --layers L --heads H [options] -o FILE\n\n"
               "Writes a made-up capture with heads of several kinds; the same for the same seed.\n\n");
        options_print(options, BASE_COUNT(options), stdout);
        return EXIT_OK;
    }
    if (status == STATUS_OK) status = parse_synth(&o, &synth, &err);
    if (status == STATUS_OK) status = write_all(&synth, &err);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
