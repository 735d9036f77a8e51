/* Finished tiles: their keys, their bytes and who holds them. */
#include "tiles/internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { ENCODE_CHUNK = 512 }; /* floats converted at a time, on the stack */

/* Largest magnitude that rounds to 1 in f16: above it a tile goes RG32F. Softmax in f32 may exceed 1 by an ulp. */
#define F16_WEIGHT_MAX (1.0f + 1.0f / 2048.0f)

/* ---- keys ------------------------------------------------------------------------------------ */

TileKey tiles_key_of_head(const TileKey *composite, int head) {
    TileKey key = *composite;
    key.head = head;
    key.headset = 0;
    key.variant = (key.variant & TILE_VARIANT_FACTORS) != 0 ? 0 : key.variant & ~TILE_VARIANT_EXACT;
    return key;
}

bool tiles_key_equal(const TileKey *a, const TileKey *b) {
    return a->capture == b->capture && a->serial == b->serial && a->set == b->set && a->item == b->item &&
           a->step == b->step && a->layer == b->layer && a->head == b->head && a->headset == b->headset &&
           a->variant == b->variant && a->values == b->values && a->lq == b->lq && a->lk == b->lk && a->y == b->y &&
           a->x == b->x && a->rows == b->rows && a->columns == b->columns;
}

uint64_t tiles_key_hash(const TileKey *key) {
    enum { WORDS = sizeof *key / sizeof(uint64_t) };
    static_assert(sizeof *key == 12 * sizeof(int32_t) + 4 * sizeof(int64_t), "padding would be hashed");
    uint64_t words[WORDS];
    memcpy(words, key, sizeof words);
    uint64_t hash = 0;
    for (int i = 0; i < WORDS; i++) {
        hash = hash_u64(hash ^ words[i]) + (uint64_t)i;
    }
    return hash;
}

bool tiles_job_id_equal(const JobId *a, const JobId *b) {
    return a->kind == b->kind && tiles_key_equal(&a->key, &b->key);
}

uint64_t tiles_job_id_hash(const JobId *id) {
    return hash_u64(tiles_key_hash(&id->key) ^ (uint64_t)id->kind);
}

/* ---- life ------------------------------------------------------------------------------------ */

TileNode *tiles_node_new(void) {
    TileNode *node = mem_alloc_zeroed(1, sizeof *node);
    if (node != NULL) {
        atomic_init(&node->data.references, 1);
    }
    return node;
}

void tiles_data_hold(TileData *data) {
    atomic_fetch_add_explicit(&data->references, 1, memory_order_relaxed);
}

void tiles_node_drop_finer(TileNode *node) {
    while (node->finer != NULL) {
        TileNode *next = node->finer->result_next;
        tiles_data_drop(&node->finer->data);
        node->finer = next;
    }
}

void tiles_data_drop(TileData *data) {
    if (data != NULL && atomic_fetch_sub_explicit(&data->references, 1, memory_order_acq_rel) == 1) {
        mem_free(data->texels);
        mem_free((TileNode *)data);
    }
}

bool tiles_data_satisfies(const TileData *data, const TileWant *want) {
    return data->estimate == 0 || data->estimate > want->better_than;
}

/* ---- f16 ------------------------------------------------------------------------------------- */

/* What follows looks at every texel of every tile. Compilers that mind floating-point traps find vectors only for whole
 * numbers under a condition: hence bits. */

static int32_t bits_of(float v) { /* magnitudes are in this order, and so are positive numbers */
    return (int32_t)f32_bits(v);
}

/* All bits where it is one, none where not. */
static int32_t sentinel_mask(int32_t bits) {
    return (bits == bits_of(TILE_MASKED) ? -1 : 0) | (bits == bits_of(TILE_NONFINITE) ? -1 : 0);
}

/* Pairs of R and G; only G has sentinels. */
void tiles_encode_f16(const float *rg, uint16_t *out, size_t count) {
    float scaled[ENCODE_CHUNK];
    for (size_t left = 2 * count; left > 0;) {
        size_t n = left < ENCODE_CHUNK ? left : ENCODE_CHUNK;
        for (int i = 0; i < (int)n; i++) { /* G has the odd places */
            int32_t bits = bits_of(rg[i]), keep = sentinel_mask(bits) & -(i & 1);
            scaled[i] = f32_from_bits((uint32_t)((bits & keep) | (bits_of(rg[i] * TILE_F16_SCALE) & ~keep)));
        }
        f16_from_f32_array(scaled, out, n);
        rg += n;
        out += n;
        left -= n;
    }
}

void tiles_decode_f16(const uint16_t *in, float *rg, size_t count) {
    f32_from_f16_array(in, rg, 2 * count);
    for (size_t i = 0; i < 2 * count; i += 2) {
        float g = rg[i + 1];
        bool sentinel = tiles_is_masked(g, false) || tiles_is_nonfinite(g, false);
        rg[i] *= 1.0f / TILE_F16_SCALE;
        rg[i + 1] = sentinel ? g : g * (1.0f / TILE_F16_SCALE);
    }
}

/* Sentinels aside, is every number in 0 .. 1? A stray negative would meet the sentinels once it is scaled. */
static bool fits_f16(const float *rg, size_t count) {
    const int32_t most = bits_of(F16_WEIGHT_MAX); /* positive numbers are in the order of their bits */
    int32_t others = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t r = bits_of(rg[2 * i]) & INT32_MAX, g = bits_of(rg[2 * i + 1]);
        int32_t negative = g < 0 && g != INT32_MIN ? -1 : 0, large = (g & INT32_MAX) > most || r > most ? -1 : 0;
        others |= (negative | large) & ~sentinel_mask(g);
    }
    return others == 0;
}

static float largest_visible(const float *rg, size_t count, bool is_signed) {
    int32_t largest = 0; /* unsigned sentinels are negative numbers there */
    for (size_t i = 0; i < count && !is_signed; i++) {
        int32_t bits = bits_of(rg[2 * i + 1]);
        largest = bits > largest ? bits : largest;
    }
    for (size_t i = 0; i < count && is_signed; i++) {
        int32_t bits = bits_of(rg[2 * i + 1]);
        bits = bits == bits_of(TILE_SIGNED_MASKED) || bits == bits_of(TILE_SIGNED_NONFINITE) ? 0 : bits & INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    return f32_from_bits((uint32_t)largest);
}

Status tiles_node_fill(TileNode *node, float *const *mips, int width, int height, int mip_count, bool allow_f16,
                       Error *err) {
    TileData *data = &node->data;
    size_t texels = (size_t)width * (size_t)height;
    assert(mip_count <= (int)BASE_COUNT(data->mip_offset));
    data->format = allow_f16 && fits_f16(mips[0], texels) ? TILE_RG16F : TILE_RG32F;
    size_t texel_size = data->format == TILE_RG16F ? 2 * sizeof(uint16_t) : 2 * sizeof(float);
    size_t size = 0;
    for (int mip = 0; mip < mip_count; mip++) {
        data->mip_offset[mip] = size;
        size += (size_t)tiles_mip_side(width, mip) * (size_t)tiles_mip_side(height, mip) * texel_size;
    }
    data->texels = mem_alloc(size);
    if (data->texels == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for a tile of %zu bytes", size);
    }
    for (int mip = 0; mip < mip_count; mip++) {
        size_t count = (size_t)tiles_mip_side(width, mip) * (size_t)tiles_mip_side(height, mip);
        unsigned char *out = (unsigned char *)data->texels + data->mip_offset[mip];
        if (data->format == TILE_RG16F) {
            tiles_encode_f16(mips[mip], (uint16_t *)(void *)out, count);
        } else {
            memcpy(out, mips[mip], count * texel_size);
        }
    }
    data->width = width;
    data->height = height;
    data->mip_count = mip_count;
    data->size = size;
    data->max_value = largest_visible(mips[0], texels, data->is_signed);
    for (size_t i = 0; i < BASE_COUNT(data->auto_high); i++)
        data->auto_high[i] = NAN;
    return STATUS_OK;
}
