/* Stored numbers as they are: same bits, packed row-major, little-endian. For writing them to another file. */
#include "capture/internal.h"

#define STORED_SPAN ((int64_t)1 << 20) /* a strided row within this many bytes is read whole */

/* The fill of a plane in pieces: 0, or minus infinity where these are scores. */
static void fill_bytes(const Plane *plane, uint8_t *out) {
    static const struct {
        DType dtype;
        uint64_t bits;
    } MASKS[] = {{DTYPE_F16, 0xfc00},     {DTYPE_BF16, 0xff80},
                 {DTYPE_F32, 0xff800000}, {DTYPE_F64, UINT64_C(0xfff) << 52},
                 {DTYPE_F8_E4M3, 0xfe},   {DTYPE_F8_E5M2, 0xfc}}; /* E4M3 has no infinity: its lowest number */
    uint64_t bits = 0;
    for (size_t i = 0; i < BASE_COUNT(MASKS) && plane->fill != 0.0f; i++)
        if (MASKS[i].dtype == plane->dtype) bits = MASKS[i].bits;
    for (int i = 0; i < plane->item_size; i++)
        out[i] = (uint8_t)(bits >> (8 * i));
}

static void to_little_endian(const Plane *plane, uint8_t *bytes, int64_t count) {
    int size = plane->item_size;
    for (int64_t i = 0; i < count && plane->big_endian; i++, bytes += size) {
        for (int a = 0, b = size - 1; a < b; a++, b--) {
            uint8_t byte = bytes[a];
            bytes[a] = bytes[b];
            bytes[b] = byte;
        }
    }
}

static Status read_bytes(const Plane *plane, int64_t element, void *out, int64_t count, Error *err) {
    uint64_t offset = plane->offset + (uint64_t)element * (uint64_t)plane->item_size;
    Status status = bytes_read(plane->source, offset, out, (size_t)(count * plane->item_size), err);
    if (status != STATUS_OK && err) snprintf(err->file, sizeof(err->file), "%s", plane->file);
    return status;
}

/* `count` elements from `first` on, `stride` apart. */
static Status read_run(const Plane *plane, int64_t first, int64_t stride, int64_t count, uint8_t *out,
                       SourceScratch *scratch, Error *err) {
    int64_t size = plane->item_size, span = (count - 1) * stride + 1;
    if (stride == 1 || count == 1) return read_bytes(plane, first, out, count, err);
    if (span > STORED_SPAN / size) {
        for (int64_t i = 0; i < count; i++) {
            Status status = read_bytes(plane, first + i * stride, out + i * size, 1, err);
            if (status != STATUS_OK) return status;
        }
        return STATUS_OK;
    }
    uint8_t *bytes = capture_scratch_buffer(&scratch->bytes, (size_t)span, (size_t)size);
    if (!bytes) return error_set(err, STATUS_MEMORY, "not enough memory to read attention");
    Status status = read_bytes(plane, first, bytes, span, err);
    for (int64_t i = 0; i < count && status == STATUS_OK; i++)
        memcpy(out + i * size, bytes + i * stride * size, (size_t)size);
    return status;
}

/* Columns c0..c1-1 of row r0, from a plane that is in one place. */
static Status read_row(const Plane *plane, const PlaneRect *rect, uint8_t *out, SourceScratch *scratch, Error *err) {
    const int64_t columns = rect->c1 - rect->c0;
    int64_t first = rect->item * plane->item_stride + rect->head * plane->head_stride + rect->r0 * plane->row_stride +
                    rect->c0 * plane->column_stride;
    Status status = read_run(plane, first, plane->column_stride, columns, out, scratch, err);
    to_little_endian(plane, out, columns);
    return status;
}

static Status read_piece_row(const Plane *plane, const PlaneRect *rect, uint8_t *out, SourceScratch *scratch,
                             Error *err) {
    const int64_t row = rect->r0;
    uint8_t fill[8] = {0};
    fill_bytes(plane, fill);
    for (int64_t c = 0; c < rect->c1 - rect->c0; c++)
        memcpy(out + c * plane->item_size, fill, (size_t)plane->item_size);
    for (size_t i = 0; i < plane->piece_count; i++) {
        const PlanePiece *piece = &plane->pieces[i];
        const int64_t from = i64_max(piece->column0, rect->c0), to = i64_min(piece->column1, rect->c1);
        if (row < piece->row0 || row >= piece->row1 || from >= to) continue;
        Plane part = capture_plane_of_piece(plane, piece);
        const PlaneRect inside = {
            rect->item,         rect->head, row - piece->row0, row - piece->row0 + 1, from - piece->column0,
            to - piece->column0};
        return read_row(&part, &inside, out + (from - rect->c0) * plane->item_size, scratch, err);
    }
    return STATUS_OK;
}

Status capture_plane_read_stored(const Plane *plane, const PlaneRect *rect, uint8_t *out, size_t pitch,
                                 SourceScratch *scratch, Error *err) {
    PlaneRect row = *rect;
    for (; row.r0 < rect->r1; row.r0++) {
        uint8_t *to = out + (size_t)(row.r0 - rect->r0) * pitch;
        Status status = (plane->piece_count > 0 ? read_piece_row : read_row)(plane, &row, to, scratch, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}
