/* Writes safetensors as a stream: all tensors are declared first, so the header is known before any data. The file is
 * written beside its place and renamed, so nobody ever sees half of it. */
#include "capture/internal.h"

#include <errno.h>
#include <unistd.h>

struct SafetensorsWriter {
    FILE *stream; /* opened with the first data or by commit */
    char *path, *temporary;
    TextBuffer metadata, tensors; /* JSON members, joined by commas */
    uint64_t declared, written;   /* bytes of data */
};

static const char *safetensors_dtype(DType dtype) {
    switch (dtype) {
    case DTYPE_F16:
        return "F16";
    case DTYPE_BF16:
        return "BF16";
    case DTYPE_F32:
        return "F32";
    case DTYPE_F64:
        return "F64";
    case DTYPE_F8_E4M3:
        return "F8_E4M3";
    case DTYPE_F8_E5M2:
        return "F8_E5M2";
    case DTYPE_U8:
        return "U8";
    case DTYPE_I32:
        return "I32";
    case DTYPE_I64:
        return "I64";
    default:
        return NULL;
    }
}

static Status write_failed(const SafetensorsWriter *writer, Error *err) {
    return error_set_at(err, STATUS_IO, writer->path, -1, "could not be written: %s", strerror(errno));
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to write the file");
}

Status capture_writer_open(const char *path, SafetensorsWriter **out, Error *err) {
    TextBuffer temporary = {0};
    *out = NULL;
    SafetensorsWriter *writer = mem_alloc_zeroed(1, sizeof(*writer));
    if (!writer) return no_memory(err);
    text_appendf(&temporary, "%s.part-%ld", path, (long)getpid());
    writer->path = mem_strdup(path);
    writer->temporary = temporary.failed ? NULL : mem_strdup(temporary.text);
    text_buffer_free(&temporary);
    if (!writer->path || !writer->temporary) {
        capture_writer_abort(writer);
        return no_memory(err);
    }
    writer->stream = fopen(writer->temporary, "wbx");
    if (!writer->stream) {
        Status status = write_failed(writer, err);
        mem_free(writer->temporary);
        writer->temporary = NULL; /* not ours to remove */
        capture_writer_abort(writer);
        return status;
    }
    *out = writer;
    return STATUS_OK;
}

Status capture_writer_metadata(SafetensorsWriter *writer, const char *key, const char *value, Error *err) {
    TextBuffer *json = &writer->metadata;
    text_append(json, json->length ? "," : "");
    text_append_json(json, key);
    text_append(json, ":");
    text_append_json(json, value);
    return json->failed ? no_memory(err) : STATUS_OK;
}

Status capture_writer_declare(SafetensorsWriter *writer, const char *name, DType dtype, int ndim, const int64_t *shape,
                              Error *err) {
    TextBuffer *json = &writer->tensors;
    int64_t bytes = dtype_size(dtype), end = 0;
    const char *stored = safetensors_dtype(dtype);
    if (!stored)
        return error_set_at(err, STATUS_UNSUPPORTED, writer->path, -1, "dtype %s cannot be written to safetensors",
                            dtype_name(dtype));
    text_append(json, ",");
    text_append_json(json, name);
    text_appendf(json, ":{\"dtype\":\"%s\",\"shape\":[", stored);
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0 || !i64_mul(bytes, shape[d], &bytes))
            return error_set_at(err, STATUS_RANGE, writer->path, -1, "tensor '%.80s' is too large", name);
        text_appendf(json, d ? ",%lld" : "%lld", (long long)shape[d]);
    }
    if (!i64_add((int64_t)writer->declared, bytes, &end))
        return error_set_at(err, STATUS_RANGE, writer->path, -1, "tensor '%.80s' is too large", name);
    text_appendf(json, "],\"data_offsets\":[%llu,%lld]}", (unsigned long long)writer->declared, (long long)end);
    writer->declared = (uint64_t)end;
    return json->failed ? no_memory(err) : STATUS_OK;
}

/* The header is padded with spaces so that data begin at a multiple of 8. */
static Status write_header(SafetensorsWriter *writer, Error *err) {
    TextBuffer json = {0};
    uint8_t prefix[8];
    text_append(&json, "{\"__metadata__\":{");
    text_append(&json, writer->metadata.text ? writer->metadata.text : "");
    text_append(&json, "}");
    text_append(&json, writer->tensors.text ? writer->tensors.text : "");
    text_append(&json, "}");
    while (!json.failed && json.length % 8 != 0)
        text_append(&json, " ");
    if (json.failed) {
        text_buffer_free(&json);
        return no_memory(err);
    }
    for (int i = 0; i < 8; i++)
        prefix[i] = (uint8_t)((uint64_t)json.length >> (8 * i));
    bool ok = fwrite(prefix, 1, sizeof(prefix), writer->stream) == sizeof(prefix) &&
              fwrite(json.text, 1, json.length, writer->stream) == json.length;
    text_buffer_free(&json);
    return ok ? STATUS_OK : write_failed(writer, err);
}

Status capture_writer_write(SafetensorsWriter *writer, const void *data, size_t size, Error *err) {
    if (size > writer->declared - writer->written)
        return error_set_at(err, STATUS_RANGE, writer->path, -1, "more data than the tensors that were declared");
    if (writer->written == 0 && size > 0) {
        Status status = write_header(writer, err);
        if (status != STATUS_OK) return status;
    }
    if (size > 0 && fwrite(data, 1, size, writer->stream) != size) return write_failed(writer, err);
    writer->written += size;
    return STATUS_OK;
}

Status capture_writer_commit(SafetensorsWriter *writer, Error *err) {
    Status status = STATUS_OK;
    if (writer->written != writer->declared)
        status = error_set_at(err, STATUS_RANGE, writer->path, -1, "expected %llu bytes of data, got %llu",
                              (unsigned long long)writer->declared, (unsigned long long)writer->written);
    if (status == STATUS_OK && writer->declared == 0) status = write_header(writer, err);
    if (status == STATUS_OK && (fflush(writer->stream) != 0 || fsync(fileno(writer->stream)) != 0))
        status = write_failed(writer, err);
    if (status == STATUS_OK) {
        FILE *stream = writer->stream;
        writer->stream = NULL;
        if (fclose(stream) != 0 || rename(writer->temporary, writer->path) != 0) {
            status = write_failed(writer, err);
        } else {
            mem_free(writer->temporary);
            writer->temporary = NULL;
        }
    }
    capture_writer_abort(writer);
    return status;
}

void capture_writer_abort(SafetensorsWriter *writer) {
    if (!writer) return;
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary) unlink(writer->temporary);
    mem_free(writer->path);
    mem_free(writer->temporary);
    text_buffer_free(&writer->metadata);
    text_buffer_free(&writer->tensors);
    mem_free(writer);
}
