/* Files made by hand in memory, truthful or not; for the tests of formats and of capture. */
#ifndef TEST_FORMATS_FILES_H
#define TEST_FORMATS_FILES_H

#include "base/base.h"

/* A growing file in memory. */
typedef struct Bytes {
    uint8_t *data;
    size_t size, capacity;
} Bytes;
void bytes_add(Bytes *bytes, const void *data, size_t size);
void bytes_text(Bytes *bytes, const char *text);
void bytes_le(Bytes *bytes, uint64_t value, int size);
void bytes_free(Bytes *bytes);
/* A version 1 .npy with this dict and `data_size` zero bytes. */
void bytes_npy(Bytes *bytes, const char *dict, size_t data_size);

/* One entry; zero is the truth, anything else replaces it. */
typedef struct ZipEntry {
    const char *name;
    const uint8_t *data;
    size_t size;
    bool deflate;
    uint64_t lie_size, lie_compressed, lie_offset;
    uint32_t lie_crc, flags, method;
    size_t offset, compressed; /* filled in */
    uint32_t crc;
} ZipEntry;
/* A zip of these entries. */
Bytes make_zip(ZipEntry *entries, size_t count);

#endif
