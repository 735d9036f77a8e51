/* Byte sources: a file read with positioned reads, or memory. Positioned reads need no lock, cannot SIGBUS when a file
 * shrinks, and never page-fault in the wrong thread. */
#include "formats/internal.h"

struct ByteSource {
    File *file; /* NULL: memory */
    const uint8_t *memory;
    void *owned; /* memory to free */
    uint64_t size;
    char name[ERROR_FILE_SIZE];
};

static Status bytes_new(const char *name, ByteSource **out, Error *err) {
    ByteSource *source = mem_alloc_zeroed(1, sizeof(*source));
    if (!source) return error_set(err, STATUS_MEMORY, "not enough memory to open the file");
    snprintf(source->name, sizeof(source->name), "%s", name);
    *out = source;
    return STATUS_OK;
}

Status bytes_own_file(File *file, const char *name, ByteSource **out, Error *err) {
    FileInfo info;
    ByteSource *source = NULL;
    Status status = file_info(file, &info, err);
    if (status == STATUS_OK && info.is_directory)
        status = error_set_at(err, STATUS_FORMAT, name, -1, "expected a file, found a directory");
    if (status == STATUS_OK) status = bytes_new(name, &source, err);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    source->file = file;
    source->size = info.size;
    *out = source;
    return STATUS_OK;
}

Status bytes_open_file(const char *path, ByteSource **out, Error *err) {
    File *file = NULL;
    FileInfo info;
    *out = NULL;
    /* Looked at first: opening a directory or a pipe fails in ways that no one understands, or waits for ever. */
    Status status = file_path_info(path, &info, err);
    if (status == STATUS_OK && info.is_directory)
        return error_set_at(err, STATUS_FORMAT, path, -1, "expected a file, found a directory");
    if (status == STATUS_OK) status = file_open_read(path, &file, err);
    if (status != STATUS_OK) return status;
    return bytes_own_file(file, path, out, err);
}

Status bytes_own_memory(void *memory, size_t size, const char *name, ByteSource **out, Error *err) {
    Status status = bytes_open_memory(memory, size, name, out, err);
    if (status != STATUS_OK) {
        mem_free(memory);
        return status;
    }
    (*out)->owned = memory;
    return STATUS_OK;
}

Status bytes_open_memory(const void *data, size_t size, const char *name, ByteSource **out, Error *err) {
    ByteSource *source = NULL;
    *out = NULL;
    Status status = bytes_new(name ? name : "memory", &source, err);
    if (status != STATUS_OK) return status;
    source->memory = data;
    source->size = size;
    *out = source;
    return STATUS_OK;
}

Status bytes_open_stdin(ByteSource **out, Error *err) {
    enum { CHUNK = 1 << 20 };
    File *file = NULL;
    uint64_t size = 0;
    *out = NULL;
    uint8_t *chunk = mem_alloc(CHUNK);
    if (!chunk) return error_set(err, STATUS_MEMORY, "not enough memory to read standard input");
    Status status = file_open_temporary(NULL, &file, err);
    while (status == STATUS_OK) {
        size_t got = fread(chunk, 1, CHUNK, stdin);
        if (got == 0) break;
        status = file_write_at(file, size, chunk, got, err);
        size += got;
    }
    if (status == STATUS_OK && ferror(stdin))
        status = error_set_at(err, STATUS_IO, "-", -1, "standard input could not be read");
    mem_free(chunk);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    return bytes_own_file(file, "-", out, err);
}

void bytes_close(ByteSource *source) {
    if (!source) return;
    file_close(source->file);
    mem_free(source->owned);
    mem_free(source);
}

uint64_t bytes_size(const ByteSource *source) {
    return source->size;
}

Status bytes_read(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err) {
    if (size == 0) return STATUS_OK;
    if (offset > source->size || size > source->size - offset)
        return error_set_at(err, STATUS_FORMAT, source->name, (int64_t)source->size,
                            "the file ends in the middle of its data");
    if (source->file) {
        Status status = file_read_at(source->file, offset, out, size, err);
        if (status != STATUS_OK && err) snprintf(err->file, sizeof(err->file), "%s", source->name);
        return status;
    }
    memcpy(out, source->memory + offset, size);
    return STATUS_OK;
}
