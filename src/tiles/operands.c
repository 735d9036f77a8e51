/* Packed rows of Q and K for the kernels.
 *
 * Keys are kept as long as they are likely to be wanted again: heads that share them follow each other, and so do
 * tiles of one head. All keys of a head are packed at once where the request's key heads fit the budget together,
 * else a chunk at a time. The panels used longest ago go first. */
#include "tiles/fused.h"

#include <math.h>
#include <string.h>

/* Bytes of packed keys a thread keeps: eight key heads of 8k x 128; of many threads together, and each at least. */
#define PANELS_BYTES ((size_t)40 << 20)
#define PANELS_TOTAL ((size_t)160 << 20)
#define PANELS_LEAST ((size_t)8 << 20)
enum { CACHE_LINE = 64 };
/* So that a score in powers of two is a float, too. */
#define SCORE_MAX 1e36

void *tiles_aligned(AlignedRoom *room, size_t count, size_t item_size) {
    size_t size = 0;
    if (!size_mul(count, item_size, &size) || !size_add(size, CACHE_LINE, &size)) {
        return NULL;
    }
    if (size > room->size) {
        mem_free(room->memory);
        room->memory = mem_alloc(size);
        room->size = room->memory != NULL ? size : 0;
    }
    if (room->memory == NULL) {
        return NULL;
    }
    return (char *)room->memory + (CACHE_LINE - (uintptr_t)room->memory % CACHE_LINE) % CACHE_LINE;
}

FusedScratch *tiles_fused_scratch_new(void) {
    FusedScratch *scratch = mem_alloc_zeroed(1, sizeof *scratch);
    if (scratch != NULL) {
        scratch->source = capture_scratch_new();
        scratch->factors = tiles_factor_scratch_new();
        scratch->panel_bytes = PANELS_BYTES;
    }
    if (scratch != NULL && (scratch->source == NULL || scratch->factors == NULL)) {
        tiles_fused_scratch_drop(scratch);
        scratch = NULL;
    }
    return scratch;
}

void tiles_fused_scratch_drop(FusedScratch *scratch) {
    if (scratch == NULL) {
        return;
    }
    AlignedRoom *const rooms[] = {&scratch->rows,        &scratch->queries,   &scratch->strip,     &scratch->block,
                                  &scratch->combined,    &scratch->lse,       &scratch->texel_sum, &scratch->texel_max,
                                  &scratch->normalisers, &scratch->texel_min, &scratch->texel_bad, &scratch->columns};
    for (size_t i = 0; i < BASE_COUNT(rooms); i++) {
        mem_free(rooms[i]->memory);
    }
    for (int i = 0; i < PANELS_MAX; i++) {
        mem_free(scratch->panels[i].room.memory);
    }
    if (scratch->source != NULL) {
        capture_scratch_drop(scratch->source);
    }
    tiles_factor_scratch_drop(scratch->factors);
    mem_free(scratch);
}

void tiles_fused_scratch_share(FusedScratch *scratch, int threads) {
    const int64_t part = (int64_t)PANELS_TOTAL / threads;
    scratch->panel_bytes = (size_t)i64_clamp(part, (int64_t)PANELS_LEAST, (int64_t)PANELS_BYTES);
    capture_scratch_share(scratch->source, threads);
}

void tiles_fused_scratch_use_device(FusedScratch *scratch, PoolDevice *device) {
    scratch->device = device;
}

Status tiles_operand_look_around(const Fused *f, Error *err) {
    if (f->request->pause != NULL) {
        f->request->pause(f->request->pause_user);
    }
    return cancel_requested(f->cancel) ? error_set(err, STATUS_CANCELLED, "cancelled") : STATUS_OK;
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to compute attention");
}

float tiles_operand_largest(const float *values, size_t count) {
    int32_t largest = 0; /* magnitudes as whole numbers are in the same order, and compilers find vectors for those */
    for (size_t i = 0; i < count; i++) {
        const int32_t bits = (int32_t)(f32_bits(values[i]) & INT32_MAX);
        largest = bits > largest ? bits : largest;
    }
    const float magnitude = f32_from_bits((uint32_t)largest);
    return isfinite(magnitude) ? magnitude : INFINITY;
}

bool tiles_operand_bounded(const Fused *f, float largest_query, float largest_key) {
    return (double)largest_query * (double)largest_key * f->info.dim * fmax(1.0, fabs(f->info.scale)) < SCORE_MAX;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool holds(const Panels *p, const Fused *f, int key_head, int64_t k) {
    const PoolRequest *r = f->request;
    return p->serial == f->info.serial && p->kernel == f->kernel && p->set == r->set && p->item == r->item &&
           p->layer == r->layer && p->key_head == key_head && k >= p->k0 && k < p->k1;
}

static void empty(Panels *p) {
    mem_free(p->room.memory);
    *p = (Panels){0};
}

/* A free place, after others have made room for `bytes`. */
static Panels *make_place(FusedScratch *scratch, size_t bytes) {
    for (;;) {
        Panels *oldest = NULL, *vacant = NULL;
        size_t total = bytes;
        for (int i = 0; i < PANELS_MAX; i++) {
            Panels *p = &scratch->panels[i];
            total += p->bytes;
            if (p->serial == 0) {
                vacant = p;
            } else if (oldest == NULL || p->used < oldest->used) {
                oldest = p;
            }
        }
        if (oldest == NULL || (vacant != NULL && total <= scratch->panel_bytes)) {
            return vacant;
        }
        if (oldest->bytes == bytes) {
            oldest->serial = 0; /* its memory is just what is needed */
            return oldest;
        }
        empty(oldest);
    }
}

static Status pack_keys(const Fused *f, int head, Panels *p, uint32_t *out, Error *err) {
    size_t panel = tiles_kernel_panel_items(f->depth), dim = (size_t)f->info.dim;
    float *rows = tiles_aligned(&f->scratch->rows, CHUNK_KEYS * dim, sizeof *rows);
    if (rows == NULL) {
        return no_memory(err);
    }
    p->largest = 0.0f;
    for (int64_t k = p->k0; k < p->k1; k += CHUNK_KEYS) {
        int64_t end = i64_min(k + CHUNK_KEYS, p->k1);
        Status status = tiles_operand_look_around(f, err);
        if (status == STATUS_OK) {
            status = capture_factored_rows(f->request->capture, tiles_fused_ref(f, head), AXIS_KEY, (RowSpan){k, end},
                                           rows, f->scratch->source, f->cancel, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        p->largest = fmaxf(p->largest, tiles_operand_largest(rows, (size_t)(end - k) * dim));
        for (int64_t at = k; at < end; at += KERNEL_KEYS, out += panel) {
            tiles_kernel_pack_keys(f->kernel, rows + (size_t)(at - k) * dim, (int)i64_min(KERNEL_KEYS, end - at),
                                   f->info.dim, out);
        }
    }
    return STATUS_OK;
}

static uint32_t *items_of(Panels *p) {
    return tiles_aligned(&p->room, 0, 1);
}

Status tiles_operand_keys(const Fused *f, int head, int64_t k, KeyPanels *out, Error *err) {
    FusedScratch *s = f->scratch;
    Factored info = {0};
    size_t panel = tiles_kernel_panel_items(f->depth);
    Status status = capture_factored(f->request->capture, tiles_fused_ref(f, head), &info, err);
    if (status != STATUS_OK) {
        return status;
    }
    Panels *p = NULL;
    for (int i = 0; i < PANELS_MAX && p == NULL; i++) {
        p = holds(&s->panels[i], f, info.key_head, k) ? &s->panels[i] : NULL;
    }
    if (p == NULL) {
        int64_t panels = i64_ceil_div(info.keys, KERNEL_KEYS);
        int64_t fit = (int64_t)(s->panel_bytes / (panel * sizeof(uint32_t))) / f->key_heads;
        bool whole = panels <= fit && f->key_heads <= PANELS_MAX;
        int64_t k0 = whole ? 0 : k / CHUNK_KEYS * CHUNK_KEYS;
        int64_t k1 = whole ? info.keys : i64_min(k0 + CHUNK_KEYS, info.keys);
        size_t count = (size_t)i64_ceil_div(k1 - k0, KERNEL_KEYS) * panel;
        p = make_place(s, count * sizeof(uint32_t));
        uint32_t *items = p != NULL ? tiles_aligned(&p->room, count, sizeof *items) : NULL;
        if (items == NULL) {
            return no_memory(err);
        }
        *p = (Panels){.kernel = f->kernel,
                      .set = f->request->set,
                      .item = f->request->item,
                      .layer = f->request->layer,
                      .key_head = info.key_head,
                      .k0 = k0,
                      .k1 = k1,
                      .room = p->room,
                      .bytes = count * sizeof(uint32_t)};
        status = pack_keys(f, head, p, items, err);
        if (status != STATUS_OK) {
            return status;
        }
        p->serial = info.serial;
    }
    p->used = ++s->clock;
    *out = (KeyPanels){items_of(p) + (size_t)((k - p->k0) / KERNEL_KEYS) * panel, p->k1, p->largest};
    return STATUS_OK;
}

/* ---- queries --------------------------------------------------------------------------------- */

static Status read_queries(const Fused *f, int head, int64_t ra, int64_t rb, float *out, Error *err) {
    const PoolRequest *r = f->request;
    PatternRef ref = tiles_fused_ref(f, head);
    if (r->sample == 0) {
        return capture_factored_rows(r->capture, ref, AXIS_QUERY, (RowSpan){ra, rb}, out, f->scratch->source, f->cancel,
                                     err);
    }
    Status status = STATUS_OK;
    for (int64_t row = ra; status == STATUS_OK && row < rb; row++, out += f->info.dim) {
        int64_t q = tiles_fused_query(f, row);
        status = capture_factored_rows(r->capture, ref, AXIS_QUERY, (RowSpan){q, q + 1}, out, f->scratch->source,
                                       f->cancel, err);
    }
    return status;
}

Status tiles_operand_queries(const Fused *f, int head, int64_t qa, int64_t qb, uint32_t *out, float *largest,
                             Error *err) {
    size_t dim = (size_t)f->info.dim;
    enum { PIECE = 8 * KERNEL_ROWS };
    float *rows = tiles_aligned(&f->scratch->rows, CHUNK_KEYS * dim, sizeof *rows);
    if (rows == NULL) {
        return no_memory(err);
    }
    *largest = 0.0f;
    for (int64_t q = qa; q < qb; q += PIECE) {
        int64_t end = i64_min(q + PIECE, qb);
        Status status = read_queries(f, head, q, end, rows, err);
        if (status != STATUS_OK) {
            return status;
        }
        *largest = fmaxf(*largest, tiles_operand_largest(rows, (size_t)(end - q) * dim));
        tiles_kernel_pack_queries(f->kernel, rows, end - q, f->info.dim, out + (size_t)(q - qa) * (size_t)f->depth);
    }
    return STATUS_OK;
}
