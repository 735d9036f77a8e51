/* Texts of a PNG (ISO 15948, section 11.3.4), read without libpng: pictures come from anywhere, and their pixels are
 * no business of who wants to know how they were made. Chunks are skipped by their lengths; only the wanted one is
 * read and checked. */
#include "export/export.h"

#include <string.h>
#include <zlib.h>

#define CHUNK_FRAME 12 /* length, type, checksum */
#define CHUNKS_MAX 65536
#define KEYWORD_MAX 79
#define ITXT_FIELDS 2 /* compression flag and method, after the keyword's NUL */

static const uint8_t SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool export_is_png(const char *path) {
    File *file = NULL;
    uint8_t start[sizeof SIGNATURE];
    const bool is = file_open_read(path, &file, NULL) == STATUS_OK &&
                    file_read_at(file, 0, start, sizeof start, NULL) == STATUS_OK &&
                    !memcmp(start, SIGNATURE, sizeof start);
    file_close(file);
    return is;
}

/* Where the text begins in the `size` bytes after the keyword's NUL; -1: compressed or cut short. */
static int64_t text_offset(const uint8_t *at, size_t size, bool international) {
    if (!international) return 0;
    if (size < ITXT_FIELDS || at[0] != 0) return -1;
    size_t offset = ITXT_FIELDS;
    for (int field = 0; field < 2; field++) { /* language, translated keyword */
        const uint8_t *nul = memchr(at + offset, 0, size - offset);
        if (!nul) return -1;
        offset = (size_t)(nul - at) + 1;
    }
    return (int64_t)offset;
}

/* The chunk's data, if it is this keyword's; *out stays NULL otherwise. */
static Status take_text(const File *file, uint64_t offset, uint32_t length, const char *path, const char *keyword,
                        char **out, Error *err) {
    const size_t keyword_size = strlen(keyword) + 1;
    uint8_t start[KEYWORD_MAX + 1];
    if (length < keyword_size || length > EXPORT_TEXT_MAX) return STATUS_OK;
    Status status = file_read_at(file, offset + 8, start, keyword_size, err);
    if (status != STATUS_OK || memcmp(start, keyword, keyword_size)) return status;
    uint8_t *chunk = mem_alloc((size_t)length + CHUNK_FRAME + 1);
    if (!chunk) return error_set_at(err, STATUS_MEMORY, path, -1, "not enough memory to read the picture");
    status = file_read_at(file, offset, chunk, (size_t)length + CHUNK_FRAME, err);
    if (status != STATUS_OK) goto done;
    const uint8_t *data = chunk + 8;
    const size_t size = length - keyword_size;
    const int64_t from = text_offset(data + keyword_size, size, chunk[4] == 'i');
    if (big_endian(data + length) != (uint32_t)crc32(0, chunk + 4, length + 4) || from < 0 ||
        memchr(data + keyword_size + from, 0, size - (size_t)from)) {
        status = error_set_at(err, STATUS_FORMAT, path, (int64_t)offset, "the text '%s' in the picture is damaged",
                              keyword);
        goto done;
    }
    *out = mem_alloc(size - (size_t)from + 1);
    if (!*out) {
        status = error_set_at(err, STATUS_MEMORY, path, -1, "not enough memory to read the picture");
        goto done;
    }
    memcpy(*out, data + keyword_size + from, size - (size_t)from);
    (*out)[size - (size_t)from] = 0;
done:
    mem_free(chunk);
    return status;
}

Status export_png_text(const char *path, const char *keyword, char **out, Error *err) {
    *out = NULL;
    File *file = NULL;
    FileInfo info;
    uint8_t head[8];
    Status status = file_open_read(path, &file, err);
    if (status == STATUS_OK) status = file_info(file, &info, err);
    if (status != STATUS_OK) goto done;
    if (info.size < sizeof head || file_read_at(file, 0, head, sizeof head, NULL) != STATUS_OK ||
        memcmp(head, SIGNATURE, sizeof head)) {
        status = error_set_at(err, STATUS_FORMAT, path, -1, "this is not a PNG");
        goto done;
    }
    uint64_t at = sizeof SIGNATURE;
    for (int i = 0; i < CHUNKS_MAX && status == STATUS_OK && !*out && at + CHUNK_FRAME <= info.size; i++) {
        status = file_read_at(file, at, head, sizeof head, err);
        if (status != STATUS_OK) break;
        const uint32_t length = big_endian(head);
        if (length > INT32_MAX || length + (uint64_t)CHUNK_FRAME > info.size - at) {
            status = error_set_at(err, STATUS_FORMAT, path, (int64_t)at,
                                  "the picture is damaged: a chunk reaches beyond its end");
            break;
        }
        if (!memcmp(head + 4, "IEND", 4)) break;
        if (!memcmp(head + 4, "tEXt", 4) || !memcmp(head + 4, "iTXt", 4))
            status = take_text(file, at, length, path, keyword, out, err);
        at += length + (uint64_t)CHUNK_FRAME;
    }
    if (status == STATUS_OK && !*out) {
        status = error_set_at(err, STATUS_NOT_FOUND, path, -1,
                              "the picture does not say which view it shows; it was not made by attnscope, or another "
                              "program removed the text");
    }
done:
    file_close(file);
    return status;
}
