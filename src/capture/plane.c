/* Strided reads. A plane's rows and columns may lie anywhere (C order, Fortran order, one head of an interleaved Q):
 * the axis with the smaller stride is the inner one, and is read in runs.
 *
 *   inner stride 1          one read a run; neighbouring runs that touch become one read
 *   small gaps              the span is read whole and gathered
 *   large gaps              element by element: slow, right, and cancellable
 *   stride 0                (an expanded tensor of PyTorch) one element, repeated
 *
 * A pattern in pieces (the steps of generate()) is read piece by piece; what lies outside all of them is filled. */
#include "capture/internal.h"

enum {
    READ_CHUNK = 1 << 20, /* bytes a read: 0.1 ms from the page cache */
    SPAN_LIMIT = 4096,    /* a gap below this costs less to read over than a call of its own */
};

void *capture_scratch_buffer(ScratchBuffer *buffer, size_t count, size_t item_size) {
    size_t size = 0;
    if (!size_mul(count, item_size, &size) || !size_add(size, 64, &size)) return NULL;
    if (size > buffer->size) {
        mem_free(buffer->data);
        buffer->size = 0;
        buffer->data = mem_alloc(size);
        if (!buffer->data) return NULL;
        buffer->size = size;
    }
    return buffer->data;
}

static Status cancelled(Error *err) {
    return error_set(err, STATUS_CANCELLED, "cancelled");
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to read attention");
}

/* The message of a failed read names the file, not the reader. */
static Status plane_bytes(const Plane *plane, int64_t element, void *out, size_t size, Error *err) {
    uint64_t offset = plane->offset + (uint64_t)element * (uint64_t)plane->item_size;
    Status status = bytes_read(plane->source, offset, out, size, err);
    if (status != STATUS_OK && err) snprintf(err->file, sizeof(err->file), "%s", plane->file);
    return status;
}

/* Of whom and how, below. */
typedef struct Reading {
    const Plane *plane;
    SourceScratch *scratch;
    const CancelFlag *cancel;
} Reading;

/* `count` elements from `first` on, `stride` apart, as f32. */
static Status read_run(const Reading *reading, int64_t first, int64_t stride, int64_t count, float *out, Error *err) {
    const Plane *plane = reading->plane;
    int64_t size = plane->item_size;
    if (stride == 0 && count > 1) {
        Status status = read_run(reading, first, 1, 1, out, err);
        for (int64_t i = 1; i < count && status == STATUS_OK; i++)
            out[i] = out[0];
        return status;
    }
    stride = count > 1 ? stride : 1;
    int64_t chunk = stride * size > SPAN_LIMIT ? 1 : i64_max(1, READ_CHUNK / (stride * size));
    for (int64_t at = 0; at < count; at += chunk) {
        int64_t n = i64_min(chunk, count - at);
        size_t span = (size_t)(((n - 1) * stride + 1) * size);
        uint8_t *bytes = capture_scratch_buffer(&reading->scratch->bytes, span, 1);
        if (!bytes) return no_memory(err);
        if (cancel_requested(reading->cancel)) return cancelled(err);
        Status status = plane_bytes(plane, first + at * stride, bytes, span, err);
        if (status != STATUS_OK) return status;
        if (stride > 1) /* gather in place: element i never lies before its new place */
            for (int64_t i = 1; i < n; i++)
                memmove(bytes + i * size, bytes + i * stride * size, (size_t)size);
        dtype_to_f32(plane->dtype, plane->big_endian, bytes, out + at, (size_t)n);
    }
    return STATUS_OK;
}

/* Columns lie closer together than rows: row by row, or all at once where rows touch. */
static Status read_by_rows(const Reading *reading, int64_t base, int64_t rows, int64_t columns, float *out,
                           size_t pitch, Error *err) {
    const Plane *plane = reading->plane;
    int64_t size = plane->item_size;
    bool touch = plane->column_stride == 1 && plane->row_stride == columns && (pitch == (size_t)columns || rows == 1);
    if (touch) return read_run(reading, base, 1, rows * columns, out, err);
    /* Short rows with short gaps (one head of Q): several rows a read. */
    int64_t gap = (plane->row_stride - columns) * size;
    if (plane->column_stride == 1 && plane->row_stride >= columns && gap < SPAN_LIMIT / 4 &&
        plane->row_stride * size <= READ_CHUNK) {
        int64_t group = i64_max(1, READ_CHUNK / (plane->row_stride * size));
        for (int64_t r = 0; r < rows; r += group) {
            int64_t n = i64_min(group, rows - r);
            size_t span = (size_t)(((n - 1) * plane->row_stride + columns) * size);
            uint8_t *bytes = capture_scratch_buffer(&reading->scratch->bytes, span, 1);
            if (!bytes) return no_memory(err);
            if (cancel_requested(reading->cancel)) return cancelled(err);
            Status status = plane_bytes(plane, base + r * plane->row_stride, bytes, span, err);
            if (status != STATUS_OK) return status;
            for (int64_t i = 0; i < n; i++) { /* rows keep the alignment of their elements */
                uint8_t *row = bytes + i * plane->row_stride * size;
                dtype_to_f32(plane->dtype, plane->big_endian, row, out + (size_t)(r + i) * pitch, (size_t)columns);
            }
        }
        return STATUS_OK;
    }
    for (int64_t r = 0; r < rows; r++) {
        Status status = read_run(reading, base + r * plane->row_stride, plane->column_stride, columns,
                                 out + (size_t)r * pitch, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* Rows lie closer together than columns (Fortran order): column by column. */
static Status read_by_columns(const Reading *reading, int64_t base, int64_t rows, int64_t columns, float *out,
                              size_t pitch, Error *err) {
    const Plane *plane = reading->plane;
    float *column = capture_scratch_buffer(&reading->scratch->column, (size_t)rows, sizeof(float));
    if (!column) return no_memory(err);
    for (int64_t c = 0; c < columns; c++) {
        Status status = read_run(reading, base + c * plane->column_stride, plane->row_stride, rows, column, err);
        if (status != STATUS_OK) return status;
        for (int64_t r = 0; r < rows; r++)
            out[(size_t)r * pitch + (size_t)c] = column[r];
    }
    return STATUS_OK;
}

static Status read_rectangle(const Reading *reading, const PlaneRect *rect, float *out, size_t pitch, Error *err) {
    const Plane *plane = reading->plane;
    int64_t base = rect->item * plane->item_stride + rect->head * plane->head_stride + rect->r0 * plane->row_stride +
                   rect->c0 * plane->column_stride;
    int64_t rows = rect->r1 - rect->r0, columns = rect->c1 - rect->c0;
    if (rows <= 0 || columns <= 0) return STATUS_OK;
    if (plane->row_stride < plane->column_stride && rows > 1)
        return read_by_columns(reading, base, rows, columns, out, pitch, err);
    return read_by_rows(reading, base, rows, columns, out, pitch, err);
}

int64_t capture_axis_stride(const Tensor *tensor, int axis) {
    return axis < 0 ? 0 : tensor->stride[axis];
}

Plane capture_plane_of_tensor(const Container *container, const Tensor *tensor) {
    return (Plane){
        .source = tensor->source,
        .file = tensor_file(container, tensor),
        .offset = tensor->offset,
        .dtype = tensor->dtype,
        .big_endian = tensor->big_endian,
        .item_size = tensor->item_size,
        .pieces = tensor->pieces,
        .piece_count = tensor->piece_count,
    };
}

/* [batch?, position, head, d] */
Plane capture_plane_of_vectors(const Container *container, const Tensor *tensor) {
    Plane plane = capture_plane_of_tensor(container, tensor);
    int n = tensor->ndim;
    plane.item_stride = n == 4 ? tensor->stride[0] : 0;
    plane.row_stride = tensor->stride[n - 3];
    plane.head_stride = tensor->stride[n - 2];
    plane.column_stride = tensor->stride[n - 1];
    return plane;
}

Plane capture_plane_of_piece(const Plane *plane, const PlanePiece *piece) {
    return (Plane){
        .source = piece->source,
        .file = plane->file,
        .offset = piece->offset,
        .dtype = plane->dtype,
        .big_endian = plane->big_endian,
        .item_size = plane->item_size,
        .item_stride = piece->item_stride,
        .head_stride = piece->head_stride,
        .row_stride = piece->row_stride,
        .column_stride = piece->column_stride,
    };
}

/* The first piece that ends after `row`. */
static size_t find_piece(const Plane *plane, int64_t row) {
    size_t lo = 0, hi = plane->piece_count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (plane->pieces[middle].row1 > row)
            hi = middle;
        else
            lo = middle + 1;
    }
    return lo;
}

static Status read_pieces(const Reading *reading, const PlaneRect *rect, float *out, size_t pitch, Error *err) {
    const Plane *plane = reading->plane;
    const int64_t r0 = rect->r0, r1 = rect->r1, c0 = rect->c0, c1 = rect->c1;
    for (int64_t r = r0; r < r1; r++)
        for (int64_t c = c0; c < c1; c++)
            out[(size_t)(r - r0) * pitch + (size_t)(c - c0)] = plane->fill;
    for (size_t i = find_piece(plane, r0); i < plane->piece_count && plane->pieces[i].row0 < r1; i++) {
        const PlanePiece *piece = &plane->pieces[i];
        Plane part = capture_plane_of_piece(plane, piece);
        const Reading of_part = {&part, reading->scratch, reading->cancel};
        int64_t from_row = i64_max(r0, piece->row0), to_row = i64_min(r1, piece->row1);
        int64_t from = i64_max(c0, piece->column0), to = i64_min(c1, piece->column1);
        const PlaneRect inside = {
            rect->item,         rect->head, from_row - piece->row0, to_row - piece->row0, from - piece->column0,
            to - piece->column0};
        Status status = read_rectangle(&of_part, &inside,
                                       out + (size_t)(from_row - r0) * pitch + (from < to ? from - c0 : 0), pitch, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

Status capture_plane_read(const Plane *plane, const PlaneRect *rect, float *out, size_t pitch, SourceScratch *scratch,
                          const CancelFlag *cancel, Error *err) {
    const Reading reading = {plane, scratch, cancel};
    return (plane->piece_count > 0 ? read_pieces : read_rectangle)(&reading, rect, out, pitch, err);
}

Status capture_plane_read_one(const Plane *plane, int64_t item, int64_t head, int64_t row, int64_t column, double *out,
                              Error *err) {
    uint8_t raw[8];
    if (plane->piece_count > 0) {
        size_t i = find_piece(plane, row);
        const PlanePiece *piece = &plane->pieces[i];
        *out = (double)plane->fill;
        if (i == plane->piece_count || row < piece->row0 || column < piece->column0 || column >= piece->column1)
            return STATUS_OK;
        Plane part = capture_plane_of_piece(plane, piece);
        return capture_plane_read_one(&part, item, head, row - piece->row0, column - piece->column0, out, err);
    }
    int64_t element = item * plane->item_stride + head * plane->head_stride + row * plane->row_stride +
                      column * plane->column_stride;
    Status status = plane_bytes(plane, element, raw, (size_t)plane->item_size, err);
    if (status == STATUS_OK) *out = dtype_to_f64(plane->dtype, plane->big_endian, raw);
    return status;
}
