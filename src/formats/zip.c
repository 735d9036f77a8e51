/* Zip archives, for .npz and PyTorch's .pt. Stored members are read in place (minizip tells where their data begin);
 * deflated ones cannot seek, so they are inflated once, when they turn out to be needed, into memory (small) or a
 * temporary file, and never beyond the size that the directory says.
 *
 * Refused: entries that overlap (the trick of zip bombs that share data), sizes that deflate cannot reach,
 * encryption, methods other than stored and deflate. */
#include "formats/internal.h"

#include <stdlib.h>
#include <unzip.h>

enum {
    ZIP_MAX_ENTRIES = 1 << 19, /* a PyTorch file has one a tensor: 4,000 steps of 80 layers fit */
    ZIP_NAME_SIZE = 512,
    ZIP_LOCAL_HEADER = 30, /* bytes of a local header without its name (APPNOTE.TXT 4.3.7) */
    ZIP_END_RECORD = 22,
    ZIP_TAIL = ZIP_END_RECORD + 65535, /* the end record and the longest comment */
    ZIP_MAX_RATIO = 1032,              /* what deflate can reach: 258 bytes from 2 bits */
    ZIP_IN_MEMORY = 1 << 20,           /* inflated members up to this size stay in memory */
    ZIP_CHUNK = 256 << 10,
    ZIP_METHOD_STORED = 0,
    ZIP_METHOD_DEFLATED = 8,
};

/* minizip's view of a ByteSource: a position. */
typedef struct ZipStream {
    const ByteSource *source;
    uint64_t at;
    bool failed;
} ZipStream;

typedef struct ZipReader {
    ZipStream stream;
    unzFile zip;
    ZipMember *members;
    size_t count, capacity;
} ZipReader;

/* ---- minizip's file functions over a ByteSource ---------------------------------------------- */

static voidpf ZCALLBACK stream_open(voidpf opaque, const void *name, int mode) {
    (void)name;
    (void)mode;
    return opaque;
}

static uLong ZCALLBACK stream_read(voidpf opaque, voidpf stream_, void *out, uLong size) {
    ZipStream *stream = stream_;
    uint64_t total = bytes_size(stream->source);
    (void)opaque;
    uint64_t left = stream->at < total ? total - stream->at : 0;
    size_t take = size < left ? (size_t)size : (size_t)left;
    if (bytes_read(stream->source, stream->at, out, take, NULL) != STATUS_OK) {
        stream->failed = true;
        return 0;
    }
    stream->at += take;
    return (uLong)take;
}

static uLong ZCALLBACK stream_write(voidpf opaque, voidpf stream, const void *data, uLong size) {
    (void)opaque;
    (void)stream;
    (void)data;
    (void)size;
    return 0;
}

static ZPOS64_T ZCALLBACK stream_tell(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((ZipStream *)stream)->at;
}

static long ZCALLBACK stream_seek(voidpf opaque, voidpf stream_, ZPOS64_T offset, int origin) {
    ZipStream *stream = stream_;
    uint64_t total = bytes_size(stream->source);
    (void)opaque;
    uint64_t base = origin == ZLIB_FILEFUNC_SEEK_CUR ? stream->at : origin == ZLIB_FILEFUNC_SEEK_END ? total : 0;
    if (offset > total || base > total - offset) return -1;
    stream->at = base + offset;
    return 0;
}

static int ZCALLBACK stream_close(voidpf opaque, voidpf stream) {
    (void)opaque;
    (void)stream;
    return 0;
}

static int ZCALLBACK stream_error(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((ZipStream *)stream)->failed;
}

/* ---- directory ------------------------------------------------------------------------------- */

Status zip_fail(const Container *container, const char *name, const char *what, Error *err) {
    return error_set_at(err, STATUS_FORMAT, container->name, -1, "the zip entry '%.100s' %s", name, what);
}

/* Where the current member lies, and whether its sizes can be true. The member is open on return. */
static Status locate_member(const Container *container, const char *name, const unz_file_info64 *info,
                            ZipMember *member, Error *err) {
    ZipReader *reader = container->reader;
    uint64_t size = bytes_size(container->source);
    unz64_file_pos position;
    if (info->flag & 1) return zip_fail(container, name, "is encrypted", err);
    if (info->compression_method != ZIP_METHOD_STORED && info->compression_method != ZIP_METHOD_DEFLATED)
        return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1,
                            "expected zip entries stored or deflated, found method %lu in '%.100s'",
                            info->compression_method, name);
    if (unzGetFilePos64(reader->zip, &position) != UNZ_OK || unzOpenCurrentFile(reader->zip) != UNZ_OK)
        return zip_fail(container, name, "is damaged: its local header does not match the directory", err);
    uint64_t data = unzGetCurrentFileZStreamPos64(reader->zip);
    uint64_t header = ZIP_LOCAL_HEADER + info->size_filename;
    if (data < header || data > size || info->compressed_size > size - data)
        return zip_fail(container, name, "lies outside the file (an interrupted save or copy?)", err);
    if (info->compression_method == ZIP_METHOD_STORED && info->compressed_size != info->uncompressed_size)
        return zip_fail(container, name, "is stored, but its two sizes differ", err);
    if (info->uncompressed_size / ZIP_MAX_RATIO > info->compressed_size + 1)
        return zip_fail(container, name, "claims to be larger than deflate can make it", err);
    member->stored = info->compression_method == ZIP_METHOD_STORED;
    member->directory[0] = position.pos_in_zip_directory;
    member->directory[1] = position.num_of_file;
    member->data = data;
    member->start = data - header;
    member->end = data + info->compressed_size;
    member->size = info->uncompressed_size;
    return STATUS_OK;
}

/* A file name as UTF-8 without control characters, for messages and names. */
static void clean_name(char *name) {
    if (!utf8_valid(name, strlen(name)))
        for (char *c = name; *c; c++)
            if ((unsigned char)*c >= 0x80) *c = '?';
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20) *c = '?';
}

static Status read_member(Container *container, Error *err) {
    ZipReader *reader = container->reader;
    unz_file_info64 info;
    char name[ZIP_NAME_SIZE] = "";
    if (unzGetCurrentFileInfo64(reader->zip, &info, name, sizeof(name) - 1, NULL, 0, NULL, 0) != UNZ_OK)
        return error_set_at(err, STATUS_FORMAT, container->name, -1, "the zip directory is damaged");
    clean_name(name);
    if (info.size_filename >= sizeof(name) - 1) return zip_fail(container, name, "has a name that is too long", err);
    if (text_ends_with(name, "/")) return STATUS_OK;
    if (!mem_grow((void **)&reader->members, &reader->capacity, reader->count + 1, sizeof(ZipMember)))
        return error_set(err, STATUS_MEMORY, "not enough memory to read the file's directory");
    ZipMember *member = &reader->members[reader->count++];
    memset(member, 0, sizeof(*member));
    member->name = arena_copy_text(&container->arena, name, strlen(name));
    if (!member->name) return error_set(err, STATUS_MEMORY, "not enough memory to read the file's directory");
    Status status = locate_member(container, name, &info, member, err);
    unzCloseCurrentFile(reader->zip); /* a partial read has no CRC to check */
    return status;
}

static int compare_members(const void *a_, const void *b_) {
    const ZipMember *a = a_, *b = b_;
    return a->start < b->start ? -1 : a->start > b->start;
}

static Status check_overlap(const Container *container, Error *err) {
    const ZipReader *reader = container->reader;
    Status status = STATUS_OK;
    if (reader->count < 2) return STATUS_OK;
    ZipMember *sorted = mem_alloc(reader->count * sizeof(ZipMember));
    if (!sorted) return error_set(err, STATUS_MEMORY, "not enough memory to read the file's directory");
    memcpy(sorted, reader->members, reader->count * sizeof(ZipMember));
    qsort(sorted, reader->count, sizeof(ZipMember), compare_members);
    for (size_t i = 1; i < reader->count && status == STATUS_OK; i++)
        if (sorted[i].start < sorted[i - 1].end)
            status = error_set_at(err, STATUS_FORMAT, container->name, (int64_t)sorted[i].start,
                                  "two entries of the zip archive overlap");
    mem_free(sorted);
    return status;
}

/* minizip takes an end record that is cut off. The record is 22 bytes and a comment (APPNOTE.TXT 4.3.16). */
static Status check_end(const Container *container, Error *err) {
    uint64_t total = bytes_size(container->source);
    size_t size = total < ZIP_TAIL ? (size_t)total : ZIP_TAIL;
    bool found = false;
    uint8_t *tail = mem_alloc(size + 1);
    if (!tail) return error_set(err, STATUS_MEMORY, "not enough memory to open the archive");
    Status status = bytes_read(container->source, total - size, tail, size, err);
    for (size_t at = size >= ZIP_END_RECORD ? size - ZIP_END_RECORD + 1 : 0; at > 0 && status == STATUS_OK; at--) {
        const uint8_t *end = tail + at - 1;
        size_t comment = (size_t)end[20] | (size_t)end[21] << 8;
        found |= !memcmp(end, "PK\5\6", 4) && comment <= size - ZIP_END_RECORD - (at - 1);
    }
    mem_free(tail);
    if (status == STATUS_OK && !found)
        return error_set_at(err, STATUS_FORMAT, container->name, (int64_t)total,
                            "the zip archive has no directory at its end (an interrupted save or copy?)");
    return status;
}

bool zip_looks_like(const FormatHead *head) {
    return head->size >= 4 && (!memcmp(head->bytes, "PK\3\4", 4) || !memcmp(head->bytes, "PK\5\6", 4));
}

Status zip_open(Container *container, Error *err) {
    zlib_filefunc64_def functions = {stream_open, stream_read,  stream_write, stream_tell,
                                     stream_seek, stream_close, stream_error, NULL};
    unz_global_info64 global;
    if (container->reader) return STATUS_OK;
    Status status = check_end(container, err);
    if (status != STATUS_OK) return status;
    ZipReader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    container->reader = reader;
    if (!reader) return error_set(err, STATUS_MEMORY, "not enough memory to open the archive");
    reader->stream.source = container->source;
    functions.opaque = &reader->stream;
    reader->zip = unzOpen2_64(container->name, &functions);
    if (!reader->zip || unzGetGlobalInfo64(reader->zip, &global) != UNZ_OK)
        return error_set_at(err, STATUS_FORMAT, container->name, (int64_t)bytes_size(container->source),
                            "the zip archive has no directory at its end (an interrupted save or copy?)");
    if (global.number_entry > ZIP_MAX_ENTRIES)
        return error_set_at(err, STATUS_FORMAT, container->name, -1,
                            "expected at most %d entries in the archive, found %llu", ZIP_MAX_ENTRIES,
                            (unsigned long long)global.number_entry);
    int result = unzGoToFirstFile(reader->zip);
    while (result == UNZ_OK) {
        status = read_member(container, err);
        if (status != STATUS_OK) return status;
        result = unzGoToNextFile(reader->zip);
    }
    if (result != UNZ_END_OF_LIST_OF_FILE && global.number_entry > 0)
        return error_set_at(err, STATUS_FORMAT, container->name, -1, "the zip directory is damaged");
    return check_overlap(container, err);
}

void zip_close(void *reader_) {
    ZipReader *reader = reader_;
    if (!reader) return;
    if (reader->zip) {
        unzCloseCurrentFile(reader->zip);
        unzClose(reader->zip);
    }
    mem_free(reader->members);
    mem_free(reader);
}

size_t zip_count(const Container *container) {
    return ((const ZipReader *)container->reader)->count;
}

const ZipMember *zip_member(const Container *container, size_t index) {
    return &((const ZipReader *)container->reader)->members[index];
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool open_member(const ZipReader *reader, const ZipMember *member) {
    unz64_file_pos position = {member->directory[0], member->directory[1]};
    return unzGoToFilePos64(reader->zip, &position) == UNZ_OK && unzOpenCurrentFile(reader->zip) == UNZ_OK;
}

Status zip_prefix(const Container *container, const ZipMember *member, void *out, size_t size, Error *err) {
    ZipReader *reader = container->reader;
    Status status = STATUS_OK;
    if (member->stored) return bytes_read(container->source, member->data, out, size, err);
    if (!open_member(reader, member)) return zip_fail(container, member->name, "cannot be found any more", err);
    for (size_t have = 0; have < size && status == STATUS_OK;) {
        size_t left = size - have;
        int got = unzReadCurrentFile(reader->zip, (uint8_t *)out + have, left < ZIP_CHUNK ? (unsigned)left : ZIP_CHUNK);
        if (got <= 0) status = zip_fail(container, member->name, "is damaged: its data cannot be inflated", err);
        have += got > 0 ? (size_t)got : 0;
    }
    unzCloseCurrentFile(reader->zip);
    return status;
}

typedef struct Sink {
    uint8_t *memory; /* or file */
    File *file;
    uint64_t at;
} Sink;

static Status sink_write(Sink *sink, const void *data, size_t size, Error *err) {
    Status status = STATUS_OK;
    if (sink->memory)
        memcpy(sink->memory + sink->at, data, size);
    else
        status = file_write_at(sink->file, sink->at, data, size, err);
    sink->at += size;
    return status;
}

/* Inflates the open member into the sink, exactly as many bytes as it should have. */
static Status inflate_all(const Container *container, const ZipMember *member, Sink *sink, const Progress *progress,
                          uint8_t *chunk, Error *err) {
    char what[128];
    snprintf(what, sizeof(what), "inflating %.100s", member->name);
    while (sink->at < member->size) {
        uint64_t left = member->size - sink->at;
        int got = unzReadCurrentFile(((ZipReader *)container->reader)->zip, chunk,
                                     left < ZIP_CHUNK ? (unsigned)left : ZIP_CHUNK);
        if (got <= 0) return zip_fail(container, member->name, "is damaged: its data cannot be inflated", err);
        Status status = sink_write(sink, chunk, (size_t)got, err);
        if (status != STATUS_OK) return status;
        if (progress && progress->report &&
            !progress->report(progress->user, what, (double)sink->at / (double)member->size))
            return error_set_at(err, STATUS_CANCELLED, container->name, -1, "opening was cancelled");
    }
    uint8_t extra;
    if (unzReadCurrentFile(((ZipReader *)container->reader)->zip, &extra, 1) != 0)
        return zip_fail(container, member->name, "inflates to more than its directory says", err);
    if (unzCloseCurrentFile(((ZipReader *)container->reader)->zip) == UNZ_CRCERROR)
        return zip_fail(container, member->name, "is damaged: its checksum does not match", err);
    return STATUS_OK;
}

static Status no_memory(const ZipMember *member, Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to inflate '%.100s'", member->name);
}

/* All of a member, checksum included; *out belongs to the container. */
static Status zip_inflate(Container *container, const ZipMember *member, const Progress *progress, ByteSource **out,
                          Error *err) {
    Sink sink = {0};
    Status status = STATUS_OK;
    uint8_t *chunk = mem_alloc(ZIP_CHUNK);
    if (!chunk || !mem_grow((void **)&container->owned, &container->owned_capacity, container->owned_count + 1,
                            sizeof(ByteSource *)))
        status = no_memory(member, err);
    if (status == STATUS_OK && member->size <= ZIP_IN_MEMORY) {
        sink.memory = mem_alloc((size_t)member->size + 1);
        if (!sink.memory) status = no_memory(member, err);
    } else if (status == STATUS_OK) {
        status = file_open_temporary(NULL, &sink.file, err);
    }
    if (status == STATUS_OK && !open_member(container->reader, member))
        status = zip_fail(container, member->name, "cannot be found any more", err);
    if (status == STATUS_OK) status = inflate_all(container, member, &sink, progress, chunk, err);
    mem_free(chunk);
    if (status != STATUS_OK) {
        unzCloseCurrentFile(((ZipReader *)container->reader)->zip);
        mem_free(sink.memory);
        file_close(sink.file);
        return status;
    }
    if (sink.memory)
        status = bytes_own_memory(sink.memory, (size_t)member->size, container->name, out, err);
    else
        status = bytes_own_file(sink.file, container->name, out, err);
    if (status == STATUS_OK) container->owned[container->owned_count++] = *out;
    return status;
}

Status zip_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    const ZipMember *member = zip_member(container, (size_t)tensor->member);
    return zip_inflate(container, member, progress, &tensor->source, err);
}
