#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/files.h"

#include <string.h>
#include <zlib.h>

void bytes_add(Bytes *bytes, const void *data, size_t size) {
    assert_true(mem_grow((void **)&bytes->data, &bytes->capacity, bytes->size + size + 1, 1));
    if (size > 0 && data)
        memcpy(bytes->data + bytes->size, data, size);
    else if (size > 0)
        memset(bytes->data + bytes->size, 0, size);
    bytes->size += size;
}

void bytes_text(Bytes *bytes, const char *text) {
    bytes_add(bytes, text, strlen(text));
}

void bytes_le(Bytes *bytes, uint64_t value, int size) {
    for (int i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        bytes_add(bytes, &byte, 1);
    }
}

void bytes_free(Bytes *bytes) {
    mem_free(bytes->data);
    *bytes = (Bytes){0};
}

void bytes_npy(Bytes *bytes, const char *dict, size_t data_size) {
    bytes_add(bytes, "\x93NUMPY\x01\x00", 8);
    bytes_le(bytes, strlen(dict), 2);
    bytes_text(bytes, dict);
    bytes_add(bytes, NULL, data_size);
}

static Bytes deflated(const uint8_t *data, size_t size) {
    Bytes out = {0};
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&stream, (uLong)size);
    bytes_add(&out, NULL, bound);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out.data;
    stream.avail_out = (uInt)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* Fields shared by the local header and the directory (APPNOTE.TXT 4.3.7, 4.3.12). */
static void add_fields(Bytes *zip, const ZipEntry *entry) {
    bytes_le(zip, 20, 2);
    bytes_le(zip, entry->flags, 2);
    bytes_le(zip, entry->method ? entry->method : entry->deflate ? 8 : 0, 2);
    bytes_le(zip, 0, 4);
    bytes_le(zip, entry->lie_crc ? entry->lie_crc : entry->crc, 4);
    bytes_le(zip, entry->lie_compressed ? entry->lie_compressed : entry->compressed, 4);
    bytes_le(zip, entry->lie_size ? entry->lie_size : entry->size, 4);
    bytes_le(zip, strlen(entry->name), 2);
    bytes_le(zip, 0, 2);
}

Bytes make_zip(ZipEntry *entries, size_t count) {
    Bytes zip = {0};
    for (size_t i = 0; i < count; i++) {
        ZipEntry *entry = &entries[i];
        Bytes packed = {0};
        if (entry->deflate)
            packed = deflated(entry->data, entry->size);
        else
            bytes_add(&packed, entry->data, entry->size);
        entry->offset = zip.size;
        entry->compressed = packed.size;
        entry->crc = (uint32_t)crc32(0, entry->data, (uInt)entry->size);
        bytes_add(&zip, "PK\3\4", 4);
        add_fields(&zip, entry);
        bytes_text(&zip, entry->name);
        bytes_add(&zip, packed.data, packed.size);
        bytes_free(&packed);
    }
    size_t directory = zip.size;
    for (size_t i = 0; i < count; i++) {
        bytes_add(&zip, "PK\1\2", 4);
        bytes_le(&zip, 20, 2);
        add_fields(&zip, &entries[i]);
        bytes_add(&zip, NULL, 10);
        bytes_le(&zip, entries[i].lie_offset ? entries[i].lie_offset : entries[i].offset, 4);
        bytes_text(&zip, entries[i].name);
    }
    size_t end = zip.size;
    bytes_add(&zip, "PK\5\6", 4);
    bytes_le(&zip, 0, 4);
    bytes_le(&zip, count, 2);
    bytes_le(&zip, count, 2);
    bytes_le(&zip, end - directory, 4);
    bytes_le(&zip, directory, 4);
    bytes_le(&zip, 0, 2);
    return zip;
}
