/* Rows of several heads at once. Q and K are stored [position][head][dimension]: one head is short rows far apart, each of
 * them a call to read it, and whoever asked for one head mostly asks for its neighbours next (heads that share keys, the
 * overviews of a layer). So neighbours are read together, as they are stored, and stay with the thread's scratch:
 *
 *   position    0   h0 h1 h2 h3 | h4 h5 h6 h7 | ...
 *               1   h0 h1 h2 h3 | h4 ...                a slot: CHUNK_ROWS rows of one group of heads
 *
 * A group is as many heads as fit GROUP_BYTES for all positions, so that the next head finds its rows here. Long sequences
 * have groups of one, which are read as ever. */
#include "capture/internal.h"

enum { CHUNK_ROWS = 256, ROW_BYTES = 4096, FEW_ROWS = 16 };
/* One group of all positions, of many threads together; a thread keeps two: one of queries, one of keys. */
#define GROUP_BYTES ((int64_t)8 << 20)
#define GROUP_TOTAL ((int64_t)32 << 20)

typedef struct HeadSlot {
    uint64_t serial; /* of the capture; 0: empty */
    int set, layer;
    Axis axis;
    int64_t item, first_head, chunk;
    uint64_t used; /* when: larger is later */
    uint8_t *bytes;
    size_t size;
} HeadSlot;

enum { SLOTS_MAX = 256 };
struct HeadRows {
    HeadSlot slots[SLOTS_MAX];
    size_t bytes;
    uint64_t clock;
};

void capture_heads_drop(HeadRows *heads) {
    for (int i = 0; heads && i < SLOTS_MAX; i++)
        mem_free(heads->slots[i].bytes);
    mem_free(heads);
}

static int64_t group_bytes(const SourceScratch *scratch) {
    return i64_min(GROUP_BYTES, GROUP_TOTAL / i64_max(1, scratch->threads));
}

/* Heads read together; 1: as they are. */
static int64_t group_size(const Plane *plane, const HeadRequest *r, int64_t most) {
    int64_t head_bytes = r->dim * plane->item_size, group = 1;
    bool beside = plane->piece_count == 0 && plane->column_stride == 1 && plane->head_stride == r->dim &&
                  plane->row_stride >= r->head_count * r->dim && head_bytes > 0;
    while (beside && group < r->head_count && 2 * group * head_bytes <= ROW_BYTES &&
           2 * group * head_bytes * r->rows <= most)
        group *= 2;
    return group;
}

/* A slot of this size: an empty one, or the one used longest ago. */
static HeadSlot *make_slot(HeadRows *heads, size_t size, size_t most) {
    while (size <= most) {
        HeadSlot *oldest = NULL, *vacant = NULL;
        for (int i = 0; i < SLOTS_MAX; i++) {
            HeadSlot *slot = &heads->slots[i];
            if (!slot->bytes)
                vacant = slot;
            else if (!oldest || slot->used < oldest->used)
                oldest = slot;
        }
        if (vacant && heads->bytes + size <= most) {
            vacant->bytes = mem_alloc(size);
            vacant->size = vacant->bytes ? size : 0;
            heads->bytes += vacant->size;
            return vacant->bytes ? vacant : NULL;
        }
        if (!oldest) return NULL;
        if (oldest->size == size) return oldest;
        mem_free(oldest->bytes);
        heads->bytes -= oldest->size;
        *oldest = (HeadSlot){0};
    }
    return NULL;
}

static Status fill_slot(const Plane *plane, const HeadRequest *r, int64_t first_head, int64_t group, int64_t row,
                        HeadSlot *slot, SourceScratch *scratch, Error *err) {
    const int64_t columns = group * r->dim, end = i64_min(row + CHUNK_ROWS, r->rows);
    if (plane->row_stride == columns) /* rows touch: one long row */
        return capture_plane_read_stored(plane,
                                         &(PlaneRect){r->ref.item, first_head, row, row + 1, 0, (end - row) * columns},
                                         slot->bytes, slot->size, scratch, err);
    return capture_plane_read_stored(plane, &(PlaneRect){r->ref.item, first_head, row, end, 0, columns}, slot->bytes,
                                     (size_t)(columns * plane->item_size), scratch, err);
}

/* The slot with this chunk of a group; NULL and STATUS_OK: there is no memory for one. */
static Status find_slot(const Plane *plane, const HeadRequest *r, int64_t first_head, int64_t group, int64_t chunk,
                        SourceScratch *scratch, const HeadSlot **out, Error *err) {
    HeadRows *heads = scratch->heads;
    *out = NULL;
    for (int i = 0; i < SLOTS_MAX; i++) {
        HeadSlot *s = &heads->slots[i];
        if (s->serial == r->serial && s->set == r->ref.set && s->layer == r->ref.layer && s->axis == r->axis &&
            s->item == r->ref.item && s->first_head == first_head && s->chunk == chunk) {
            s->used = ++heads->clock;
            *out = s;
            return STATUS_OK;
        }
    }
    const int64_t rows = i64_min(CHUNK_ROWS, r->rows - chunk * CHUNK_ROWS);
    HeadSlot *slot = make_slot(heads, (size_t)(rows * group * r->dim * plane->item_size),
                               2 * (size_t)group_bytes(scratch));
    if (!slot) return STATUS_OK;
    slot->serial = 0;
    Status status = fill_slot(plane, r, first_head, group, chunk * CHUNK_ROWS, slot, scratch, err);
    if (status != STATUS_OK) return status;
    slot->serial = r->serial;
    slot->set = r->ref.set;
    slot->layer = r->ref.layer;
    slot->axis = r->axis;
    slot->item = r->ref.item;
    slot->first_head = first_head;
    slot->chunk = chunk;
    slot->used = ++heads->clock;
    *out = slot;
    return STATUS_OK;
}

Status capture_heads_read(const Plane *plane, const HeadRequest *r, int64_t r0, int64_t r1, float *out,
                          SourceScratch *scratch, const CancelFlag *cancel, Error *err) {
    const int64_t group = group_size(plane, r, group_bytes(scratch)), first_head = r->head / group * group;
    const int64_t count = i64_min(group, r->head_count - first_head), dim = r->dim;
    if (group > 1 && r1 - r0 >= FEW_ROWS && !scratch->heads)
        scratch->heads = mem_alloc_zeroed(1, sizeof *scratch->heads);
    if (group < 2 || r1 - r0 < FEW_ROWS || !scratch->heads)
        return capture_plane_read(plane, &(PlaneRect){r->ref.item, r->head, r0, r1, 0, dim}, out, (size_t)dim, scratch,
                                  cancel, err);
    for (int64_t row = r0, end; row < r1; row = end) {
        const HeadSlot *slot;
        end = i64_min(r1, (row / CHUNK_ROWS + 1) * CHUNK_ROWS);
        if (cancel_requested(cancel)) return error_set(err, STATUS_CANCELLED, "cancelled");
        Status status = find_slot(plane, r, first_head, count, row / CHUNK_ROWS, scratch, &slot, err);
        if (status == STATUS_OK && !slot)
            status = capture_plane_read(plane, &(PlaneRect){r->ref.item, r->head, row, end, 0, dim},
                                        out + (row - r0) * dim, (size_t)dim, scratch, cancel, err);
        if (status != STATUS_OK) return status;
        for (int64_t i = row; slot && i < end; i++) {
            const int64_t at = (i % CHUNK_ROWS * count + (r->head - first_head)) * dim * plane->item_size;
            dtype_to_f32(plane->dtype, false, slot->bytes + at, out + (i - r0) * dim, (size_t)dim);
        }
    }
    return STATUS_OK;
}
