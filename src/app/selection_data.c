/* Exact cells, read or recomputed from the source row by row, so that a selection of any size can be written. */
#include "app/still.h"
#include "export/export.h"

#include <math.h>
#include <string.h>

#define COPY_CELLS_MAX 4000000
#define STRIP_CELLS (1 << 18)
#define FACTOR_BYTES ((size_t)16 << 20)

typedef struct Block {
    int64_t q0, q1, k0, k1; /* half-open */
} Block;

typedef struct Sink {
    char separator; /* 0: the floats themselves */
    TextBuffer *text;
    FileWriter *file; /* where the text goes once a strip is done; NULL: it stays */
} Sink;

static Status selected_block(const App *app, bool single_cell, Block *out, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys))
        return error_set(err, STATUS_NOT_FOUND, "there is no pattern to take cells from");
    const ViewState *view = &app->view;
    if (app->selection_on) {
        *out = (Block){i64_clamp(app->sel_q0, 0, queries), i64_clamp(app->sel_q1, 0, queries),
                       i64_clamp(app->sel_k0, 0, keys), i64_clamp(app->sel_k1, 0, keys)};
        if (out->q1 > out->q0 && out->k1 > out->k0) return STATUS_OK;
        return error_set(err, STATUS_NOT_FOUND, "the selection lies outside this pattern");
    }
    if (view->cursor_on && view->cursor_locked) {
        *out = (Block){view->cursor_q, view->cursor_q + 1, 0, keys};
        return STATUS_OK;
    }
    if (view->cursor_on && single_cell) {
        *out = (Block){view->cursor_q, view->cursor_q + 1, view->cursor_k, view->cursor_k + 1};
        return STATUS_OK;
    }
    return error_set(err, STATUS_NOT_FOUND, "nothing is chosen: %slock a row with x, or drag with the right button",
                     single_cell ? "move over a cell, " : "");
}

static void append_cell(const Sink *sink, float value) {
    if (isnan(value))
        text_append(sink->text, "nan");
    else if (isinf(value))
        text_append(sink->text, value < 0 ? "-inf" : "inf");
    else
        text_append_json_f32(sink->text, value);
}

static Status put_strip(const Sink *sink, float *cells, int64_t rows, int64_t columns, float masked, Error *err) {
    for (int64_t i = 0; i < rows * columns; i++) {
        if (cells[i] == CELL_MASKED) cells[i] = masked;
        if (!sink->separator) continue;
        append_cell(sink, cells[i]);
        text_append_bytes(sink->text, (i + 1) % columns ? &sink->separator : "\n", 1);
    }
    if (sink->text->failed)
        return error_set(err, STATUS_MEMORY, "not enough memory for %lld x %lld cells", (long long)rows,
                         (long long)columns);
    if (!sink->file) return STATUS_OK;
    if (!sink->separator) return file_writer_write(sink->file, cells, (size_t)(rows * columns) * sizeof *cells, err);
    const Status status = file_writer_write(sink->file, sink->text->text, sink->text->length, err);
    sink->text->length = 0;
    return status;
}

static Status put_block(const App *app, const Block *block, const Sink *sink, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    ResolvedHeads heads;
    if (!app_pattern(app, &set, &layer, &queries, &keys))
        return error_set(err, STATUS_NOT_FOUND, "there is no pattern to take cells from");
    Status status = tiles_headset_resolve(&app->view.heads, set, layer, &heads, err);
    if (status != STATUS_OK) return status;
    const Variant variant = views_variant(&app->view);
    FactorStore *factors = tiles_factors_new(FACTOR_BYTES);
    const PoolRequest request = {.capture = app_capture(app),
                                 .set = app->view.set,
                                 .item = app->view.item,
                                 .step = app->view.step,
                                 .layer = app->view.layer,
                                 .values = app->view.values,
                                 .heads = &heads,
                                 .variant = tiles_variant_id(&variant) ? &variant : NULL,
                                 .factors = factors};
    const float masked = app->view.values == VALUES_SCORES ? -INFINITY : 0;
    const int64_t columns = block->k1 - block->k0, strip = i64_max(1, STRIP_CELLS / columns);
    float *cells = mem_alloc_zeroed((size_t)(i64_min(strip, block->q1 - block->q0) * columns), sizeof *cells);
    PoolScratch *scratch = tiles_pool_scratch_new();
    if (!cells || !scratch || !factors)
        status = error_set(err, STATUS_MEMORY, "not enough memory for a row of %lld cells", (long long)columns);
    for (int64_t q = block->q0; q < block->q1 && status == STATUS_OK; q += strip) {
        const int64_t end = i64_min(q + strip, block->q1);
        status = tiles_cells(&request, q, end, block->k0, block->k1, cells, scratch, app->cancel, err);
        if (status == STATUS_OK) status = put_strip(sink, cells, end - q, columns, masked, err);
    }
    tiles_pool_scratch_drop(scratch);
    tiles_factors_drop(factors);
    mem_free(cells);
    return status;
}

Status selection_copy(const App *app, TextBuffer *out, int64_t *rows, int64_t *columns, Error *err) {
    Block block;
    Status status = selected_block(app, true, &block, err);
    if (status != STATUS_OK) return status;
    *rows = block.q1 - block.q0;
    *columns = block.k1 - block.k0;
    if (*rows * *columns > COPY_CELLS_MAX) {
        return error_set(err, STATUS_RANGE,
                         "the selection has more than %d cells; the command `export` writes them to a file",
                         COPY_CELLS_MAX);
    }
    const Sink sink = {.separator = '\t', .text = out};
    status = put_block(app, &block, &sink, err);
    /* No line end after the last row: one cell pastes as one word. */
    if (status == STATUS_OK && out->length > 0) out->text[--out->length] = 0;
    return status;
}

Status selection_export(const App *app, const char *path, int64_t *rows, int64_t *columns, Error *err) {
    const bool npy = text_ends_with(path, ".npy"), csv = text_ends_with(path, ".csv");
    if (!npy && !csv && !text_ends_with(path, ".tsv")) {
        return error_set(err, STATUS_USAGE, "'export' takes a name that ends in .tsv, .csv or .npy, not '%.200s'",
                         path);
    }
    Block block;
    TextBuffer text = {0};
    Sink sink = {.separator = npy ? 0 : csv ? ',' : '\t', .text = &text};
    Status status = selected_block(app, false, &block, err);
    if (status != STATUS_OK || (status = file_writer_open(path, &sink.file, err)) != STATUS_OK) return status;
    *rows = block.q1 - block.q0;
    *columns = block.k1 - block.k0;
    if (npy) {
        char header[EXPORT_NPY_HEADER_MAX];
        status = file_writer_write(sink.file, header, export_npy_header(*rows, *columns, 0, header), err);
    }
    if (status == STATUS_OK) status = put_block(app, &block, &sink, err);
    text_buffer_free(&text);
    if (status == STATUS_OK) return file_writer_commit(sink.file, err);
    file_writer_discard(sink.file);
    return status;
}
