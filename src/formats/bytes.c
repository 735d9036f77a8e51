/* Byte sources: a file read with positioned reads, memory, and what else has the four operations. Positioned reads need
 * no lock, cannot SIGBUS when a file shrinks, and never page-fault in the wrong thread. */
#include "formats/internal.h"

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to open the file");
}

void bytes_init(ByteSource *source, const ByteSourceOps *ops, const char *name) {
    source->ops = ops;
    snprintf(source->name, sizeof(source->name), "%s", name);
}

void bytes_close(ByteSource *source) {
    if (source) source->ops->close(source);
}

uint64_t bytes_size(const ByteSource *source) {
    return source->ops->size(source);
}

bool bytes_changed(const ByteSource *source) {
    return source->ops->changed && source->ops->changed(source);
}

Status bytes_read(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err) {
    if (size == 0) return STATUS_OK;
    const uint64_t total = source->ops->size(source);
    if (offset > total || size > total - offset)
        return error_set_at(err, STATUS_FORMAT, source->name, (int64_t)total,
                            "the file ends in the middle of its data");
    Status status = source->ops->read(source, offset, out, size, err);
    if (status != STATUS_OK && err) snprintf(err->file, sizeof(err->file), "%s", source->name);
    return status;
}

/* ---- a file ---------------------------------------------------------------------------------- */

typedef struct FileSource {
    ByteSource base; /* first */
    File *file;
    uint64_t size; /* when it was opened */
    uint64_t sign; /* file_sign, then */
    char path[];   /* "": a file without a name, which nobody else can change */
} FileSource;

static Status read_file(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err) {
    return file_read_at(((const FileSource *)source)->file, offset, out, size, err);
}

static uint64_t size_of_file(const ByteSource *source) {
    return ((const FileSource *)source)->size;
}

/* Asks for the path, not the open file: programs that save replace one by another. */
static bool file_changed(const ByteSource *source_) {
    const FileSource *source = (const FileSource *)source_;
    FileInfo info;
    if (!source->path[0]) return false;
    return file_path_info(source->path, &info, NULL) != STATUS_OK || file_sign(&info, 0) != source->sign;
}

static void close_file(ByteSource *source_) {
    FileSource *source = (FileSource *)source_;
    file_close(source->file);
    mem_free(source);
}

static const ByteSourceOps FILE_OPS = {read_file, size_of_file, file_changed, close_file};

static Status own_file(File *file, const char *name, const char *path, ByteSource **out, Error *err) {
    FileInfo info;
    FileSource *source = NULL;
    Status status = file_info(file, &info, err);
    if (status == STATUS_OK && info.is_directory)
        status = error_set_at(err, STATUS_FORMAT, name, -1, "expected a file, found a directory");
    const size_t length = strlen(path);
    if (status == STATUS_OK && !(source = mem_alloc_zeroed(1, sizeof(*source) + length + 1))) status = no_memory(err);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    bytes_init(&source->base, &FILE_OPS, name);
    source->file = file;
    source->size = info.size;
    source->sign = file_sign(&info, 0);
    memcpy(source->path, path, length + 1);
    *out = &source->base;
    return STATUS_OK;
}

Status bytes_own_file(File *file, const char *name, ByteSource **out, Error *err) {
    return own_file(file, name, "", out, err);
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
    return own_file(file, path, path, out, err);
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

/* ---- memory ---------------------------------------------------------------------------------- */

typedef struct MemorySource {
    ByteSource base; /* first */
    const uint8_t *memory;
    uint64_t size;
    void *owned; /* to free; NULL: borrowed */
} MemorySource;

static Status read_memory(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err) {
    (void)err;
    memcpy(out, ((const MemorySource *)source)->memory + offset, size);
    return STATUS_OK;
}

static uint64_t size_of_memory(const ByteSource *source) {
    return ((const MemorySource *)source)->size;
}

static void close_memory(ByteSource *source_) {
    MemorySource *source = (MemorySource *)source_;
    mem_free(source->owned);
    mem_free(source);
}

static const ByteSourceOps MEMORY_OPS = {read_memory, size_of_memory, NULL, close_memory};

static Status new_memory(const void *data, size_t size, void *owned, const char *name, ByteSource **out, Error *err) {
    MemorySource *source = mem_alloc_zeroed(1, sizeof(*source));
    *out = NULL;
    if (!source) return no_memory(err);
    bytes_init(&source->base, &MEMORY_OPS, name);
    source->memory = data;
    source->size = size;
    source->owned = owned;
    *out = &source->base;
    return STATUS_OK;
}

Status bytes_own_memory(void *memory, size_t size, const char *name, ByteSource **out, Error *err) {
    Status status = new_memory(memory, size, memory, name, out, err);
    if (status != STATUS_OK) mem_free(memory);
    return status;
}

Status bytes_open_memory(const void *data, size_t size, const char *name, ByteSource **out, Error *err) {
    return new_memory(data, size, NULL, name ? name : "memory", out, err);
}
