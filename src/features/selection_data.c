#include "export/export.h"
#include "features/selection.h"

#include <math.h>
#include <string.h>

#define STRIP_CELLS (1 << 18)
#define FACTOR_BYTES ((size_t)16 << 20)

static void append_cell(TextBuffer *out, float value) {
    if (isnan(value))
        text_append(out, "nan");
    else if (isinf(value))
        text_append(out, value < 0 ? "-inf" : "inf");
    else
        text_append_json_f32(out, value);
}

static void add_figures(SelectionFigures *figures, const float *cells, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float value = cells[i];
        if (value == CELL_MASKED)
            figures->masked++;
        else if (!isfinite(value))
            figures->nonfinite++;
        else {
            figures->sum += (double)value;
            if (isinf(figures->most) || fabsf(value) > fabsf(figures->most)) figures->most = value;
        }
    }
    figures->cells += count;
}

static Status put_strip(SelectionSink *sink, float *cells, int64_t rows, int64_t columns, float masked, Error *err) {
    const char separator = sink->form == SELECTION_CSV ? ',' : '\t';
    const bool array = sink->form == SELECTION_NPY;
    if (sink->form == SELECTION_FIGURES) {
        add_figures(&sink->figures, cells, rows * columns);
        return STATUS_OK;
    }
    for (int64_t i = 0; i < rows * columns; i++) {
        if (cells[i] == CELL_MASKED) cells[i] = masked;
        if (array) continue;
        append_cell(&sink->text, cells[i]);
        text_append_bytes(&sink->text, (i + 1) % columns ? &separator : "\n", 1);
    }
    if (sink->text.failed)
        return error_set(err, STATUS_MEMORY, "not enough memory for %lld x %lld cells", (long long)rows,
                         (long long)columns);
    if (!sink->file) return STATUS_OK;
    if (array) return file_writer_write(sink->file, cells, (size_t)(rows * columns) * sizeof *cells, err);
    const Status status = file_writer_write(sink->file, sink->text.text, sink->text.length, err);
    sink->text.length = 0;
    return status;
}

Status selection_put(const SelectionSource *source, SelectionSink *sink, const CancelFlag *cancel, Error *err) {
    const SelectionBlock *b = &source->block;
    const float masked = source->request.values == VALUES_SCORES ? -INFINITY : 0;
    const int64_t columns = b->k1 - b->k0, strip = i64_max(1, STRIP_CELLS / columns);
    float *cells = mem_alloc_zeroed((size_t)(i64_min(strip, b->q1 - b->q0) * columns), sizeof *cells);
    PoolScratch *scratch = tiles_pool_scratch_new();
    PoolRequest request = source->request;
    request.heads = &source->heads;
    request.variant = tiles_variant_id(&source->variant) ? &source->variant : NULL;
    request.factors = tiles_factors_new(FACTOR_BYTES);
    Status status = STATUS_OK;
    sink->figures.most = CELL_MASKED;
    if (!cells || !scratch || !request.factors)
        status = error_set(err, STATUS_MEMORY, "not enough memory for a row of %lld cells", (long long)columns);
    if (status == STATUS_OK && sink->file && sink->form == SELECTION_NPY) {
        char header[EXPORT_NPY_HEADER_MAX];
        status = file_writer_write(sink->file, header, export_npy_header(b->q1 - b->q0, columns, 0, header), err);
    }
    for (int64_t q = b->q0; q < b->q1 && status == STATUS_OK; q += strip) {
        const int64_t end = i64_min(q + strip, b->q1);
        status = cancel_requested(cancel)
                     ? error_set(err, STATUS_CANCELLED, "cancelled")
                     : tiles_cells(&request, (Block){q, end, b->k0, b->k1}, cells, scratch, cancel, err);
        if (status == STATUS_OK) status = put_strip(sink, cells, end - q, columns, masked, err);
        atomic_store_explicit(&sink->rows_done, end - b->q0, memory_order_relaxed);
    }
    tiles_pool_scratch_drop(scratch);
    tiles_factors_drop(request.factors);
    mem_free(cells);
    return status;
}
