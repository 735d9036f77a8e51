/* One finished base tile as a file:
 *
 *   DiskHeader | texels (TileData.size bytes) | log-sum-exps of the pattern's rows (f64), where they were computed
 *
 * Numbers are in the machine's order, which the magic number tells. Everything in the header is checked against what
 * the key allows before a byte is allocated; the checksum covers all. */
#include "tiles/internal.h"

#include <string.h>

#define DISK_MAGIC UINT64_C(0x31454c4954534e41)
/* Raised when pooling or the layout changes: files of another version are not read. */
#define DISK_VERSION 2

typedef struct DiskHeader {
    uint64_t magic, checksum; /* of all that follows */
    TileKey key;              /* serial and capture 0 */
    uint32_t version, format, is_signed, width, height, mip_count;
    uint64_t size, rows;
    uint64_t mip_offset[16];
    float auto_high[3], max_value;
} DiskHeader;

#define CHECKSUM_SEED UINT64_C(0x9e3779b97f4a7c15)

/* Four lanes of 64-bit words: a base tile in some 50 us, where a byte-wise hash takes half a millisecond. */
static uint64_t checksum(const void *data, size_t size, uint64_t seed) {
    const unsigned char *bytes = data;
    uint64_t lanes[4] = {seed, seed ^ 1, seed ^ 2, seed ^ 3};
    size_t at = 0;
    for (; at + 32 <= size; at += 32) {
        for (size_t lane = 0; lane < 4; lane++) {
            uint64_t word;
            memcpy(&word, bytes + at + 8 * lane, 8);
            lanes[lane] = (lanes[lane] ^ word) * UINT64_C(0xff51afd7ed558ccd);
            lanes[lane] ^= lanes[lane] >> 29;
        }
    }
    uint64_t rest = hash_bytes(bytes + at, size - at, seed);
    for (size_t lane = 0; lane < 4; lane++) {
        rest = hash_u64(rest ^ lanes[lane]);
    }
    return rest;
}

static uint64_t header_checksum(const DiskHeader *header, const void *texels, const DiskRows *rows) {
    const size_t skipped = offsetof(DiskHeader, key);
    uint64_t sum = checksum((const unsigned char *)header + skipped, sizeof *header - skipped, CHECKSUM_SEED);
    sum = checksum(texels, (size_t)header->size, sum);
    return rows->count > 0 ? checksum(rows->lse, (size_t)rows->count * sizeof *rows->lse, sum) : sum;
}

static TileKey without_serial(const TileKey *key) {
    TileKey same = *key;
    same.capture = 0;
    same.serial = 0;
    return same;
}

/* Sizes and offsets must be what tiles_node_fill would have made of width, height and format. */
static bool plausible(const DiskHeader *h) {
    if (h->width < 1 || h->width > TILE_SIDE || h->height < 1 || h->height > TILE_SIDE || h->mip_count < 1 ||
        h->mip_count > BASE_COUNT(h->mip_offset) || h->format > TILE_RG32F) {
        return false;
    }
    uint64_t size = 0, texel_size = h->format == TILE_RG16F ? 4 : 8;
    for (uint32_t mip = 0; mip < h->mip_count; mip++) {
        if (h->mip_offset[mip] != size) {
            return false;
        }
        size += (uint64_t)tiles_mip_side((int)h->width, (int)mip) * (uint64_t)tiles_mip_side((int)h->height, (int)mip) *
                texel_size;
    }
    return size == h->size;
}

static void fill_node(TileNode *node, const DiskHeader *h, const TileKey *key, void *texels) {
    TileData *data = &node->data;
    data->kind = JOB_BASE;
    data->key = *key;
    data->format = (TileFormat)h->format;
    data->is_signed = h->is_signed != 0;
    data->status = STATUS_OK;
    data->error.offset = -1;
    data->width = (int)h->width;
    data->height = (int)h->height;
    data->mip_count = (int)h->mip_count;
    for (uint32_t mip = 0; mip < h->mip_count; mip++) {
        data->mip_offset[mip] = (size_t)h->mip_offset[mip];
    }
    data->size = (size_t)h->size;
    data->texels = texels;
    memcpy(data->auto_high, h->auto_high, sizeof data->auto_high);
    data->max_value = h->max_value;
}

bool tiles_disk_file_read(const char *path, const TileKey *key, int64_t rows_expected, TileNode *node, DiskRows *rows,
                          bool *damaged) {
    File *file = NULL;
    FileInfo info;
    DiskHeader header;
    void *texels = NULL;
    *damaged = false;
    *rows = (DiskRows){0, NULL};
    if (file_open_read(path, &file, NULL) != STATUS_OK) {
        return false;
    }
    const TileKey wanted = without_serial(key);
    bool ok = file_info(file, &info, NULL) == STATUS_OK && info.size > sizeof header &&
              file_read_at(file, 0, &header, sizeof header, NULL) == STATUS_OK && header.magic == DISK_MAGIC &&
              header.version == DISK_VERSION && tiles_key_equal(&header.key, &wanted) && plausible(&header) &&
              (header.rows == 0 || header.rows == (uint64_t)rows_expected) &&
              info.size == sizeof header + header.size + header.rows * sizeof *rows->lse;
    *damaged = !ok;
    if (ok) {
        texels = mem_alloc((size_t)header.size);
        rows->lse = header.rows > 0 ? mem_alloc((size_t)header.rows * sizeof *rows->lse) : NULL;
        ok = texels != NULL && (header.rows == 0 || rows->lse != NULL);
        rows->count = ok ? (int64_t)header.rows : 0;
    }
    if (ok) {
        ok = file_read_at(file, sizeof header, texels, (size_t)header.size, NULL) == STATUS_OK &&
             (rows->count == 0 || file_read_at(file, sizeof header + header.size, rows->lse,
                                               (size_t)rows->count * sizeof *rows->lse, NULL) == STATUS_OK) &&
             header_checksum(&header, texels, rows) == header.checksum;
        *damaged = !ok;
    }
    file_close(file);
    if (ok) {
        fill_node(node, &header, key, texels);
    } else {
        mem_free(texels);
        mem_free(rows->lse);
        *rows = (DiskRows){0, NULL};
    }
    return ok;
}

Status tiles_disk_file_write(const char *path, const TileData *data, const DiskRows *rows, Error *err) {
    const size_t rows_size = (size_t)rows->count * sizeof *rows->lse;
    unsigned char *bytes = mem_alloc_zeroed(1, sizeof(DiskHeader) + data->size + rows_size);
    if (bytes == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory to keep a tile on disk");
    }
    DiskHeader header;
    memset(&header, 0, sizeof header);
    header.magic = DISK_MAGIC;
    header.key = without_serial(&data->key);
    header.version = DISK_VERSION;
    header.format = (uint32_t)data->format;
    header.is_signed = data->is_signed ? 1 : 0;
    header.width = (uint32_t)data->width;
    header.height = (uint32_t)data->height;
    header.mip_count = (uint32_t)data->mip_count;
    header.size = data->size;
    header.rows = (uint64_t)rows->count;
    memcpy(header.auto_high, data->auto_high, sizeof header.auto_high);
    header.max_value = data->max_value;
    for (int mip = 0; mip < data->mip_count; mip++) {
        header.mip_offset[mip] = data->mip_offset[mip];
    }
    header.checksum = header_checksum(&header, data->texels, rows);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, data->texels, data->size);
    if (rows_size > 0) {
        memcpy(bytes + sizeof header + data->size, rows->lse, rows_size);
    }
    Status status = file_write_all(path, bytes, sizeof header + data->size + rows_size, err);
    mem_free(bytes);
    return status;
}
