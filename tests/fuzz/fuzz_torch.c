/* A .pt is a zip around a pickle. What begins like a zip is opened as it is; anything else is taken for the pickle,
 * in an archive with three storages, so that the fuzzer need not learn checksums and directories first. */
#include "fuzz_capture.h"

#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STORAGE_SIZE = 4096, ENTRIES = 5, HEADERS = 4096, MAX_PICKLE = 1 << 16 };

typedef struct Zip {
    uint8_t bytes[MAX_PICKLE + 3 * STORAGE_SIZE + HEADERS];
    size_t size;
} Zip;

static void put(Zip *zip, uint64_t value, int size) {
    for (int i = 0; i < size; i++)
        zip->bytes[zip->size++] = (uint8_t)(value >> (8 * i));
}

static void put_bytes(Zip *zip, const void *data, size_t size) {
    if (size > 0) memcpy(zip->bytes + zip->size, data, size);
    zip->size += size;
}

/* What local header and directory have in common (APPNOTE.TXT 4.3.7, 4.3.12). */
static void put_fields(Zip *zip, const void *data, size_t size, const char *name) {
    put(zip, 20, 2);
    put(zip, 0, 8);
    put(zip, crc32(0, data, (uInt)size), 4);
    put(zip, size, 4);
    put(zip, size, 4);
    put(zip, strlen(name), 2);
    put(zip, 0, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t storage[STORAGE_SIZE];
    static Zip zip;
    static const char *const NAMES[ENTRIES] = {"x/data.pkl", "x/byteorder", "x/data/0", "x/data/1", "x/data/2"};
    const void *parts[ENTRIES] = {data, "little", storage, storage, storage};
    size_t sizes[ENTRIES] = {size, 6, STORAGE_SIZE, STORAGE_SIZE, STORAGE_SIZE}, offsets[ENTRIES];
    if (size > MAX_PICKLE) return 0;
    if (size > 1 && data[0] == 'P' && data[1] == 'K') {
        fuzz_capture(data, size, "fuzz.pt");
        return 0;
    }
    for (size_t i = 0; i < STORAGE_SIZE; i++)
        storage[i] = (uint8_t)(i * 37);
    zip.size = 0;
    for (int i = 0; i < ENTRIES; i++) {
        offsets[i] = zip.size;
        put_bytes(&zip, "PK\3\4", 4);
        put_fields(&zip, parts[i], sizes[i], NAMES[i]);
        put_bytes(&zip, NAMES[i], strlen(NAMES[i]));
        put_bytes(&zip, parts[i], sizes[i]);
    }
    size_t directory = zip.size;
    for (int i = 0; i < ENTRIES; i++) {
        put_bytes(&zip, "PK\1\2\x14\0", 6);
        put_fields(&zip, parts[i], sizes[i], NAMES[i]);
        put(&zip, 0, 8);
        put(&zip, 0, 2);
        put(&zip, offsets[i], 4);
        put_bytes(&zip, NAMES[i], strlen(NAMES[i]));
    }
    size_t end = zip.size;
    put_bytes(&zip, "PK\5\6\0\0\0\0", 8);
    put(&zip, ENTRIES, 2);
    put(&zip, ENTRIES, 2);
    put(&zip, end - directory, 4);
    put(&zip, directory, 4);
    put(&zip, 0, 2);
    fuzz_capture(zip.bytes, zip.size, "fuzz.pt");
    return 0;
}
