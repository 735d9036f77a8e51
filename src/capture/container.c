/* Opens a file by what its first bytes say (names lie), and keeps what the formats have in common: named arrays,
 * metadata, and the sources of their bytes. Formats that people are likely to try and that are not read get a sentence
 * of their own. */
#include "capture/internal.h"
#include "capture/json.h"

static const char ACCEPTED[] = "expected .npy, .npz, .safetensors, .pt, .h5, or JSON of BertViz, CircuitsVis, Dodrio "
                               "or an API's answer";

Tensor *capture_container_add(Container *container) {
    if (!mem_grow((void **)&container->tensors, &container->tensor_capacity, container->tensor_count + 1,
                  sizeof(Tensor)))
        return NULL;
    Tensor *tensor = &container->tensors[container->tensor_count++];
    memset(tensor, 0, sizeof(*tensor));
    tensor->name = "";
    tensor->member = -1;
    return tensor;
}

bool capture_container_add_metadata(Container *container, const char *key, const char *value, size_t length) {
    if (!mem_grow((void **)&container->metadata, &container->metadata_capacity, container->metadata_count + 1,
                  sizeof(Metadata)))
        return false;
    Metadata entry = {.key = arena_copy_text(&container->arena, key, strlen(key)),
                      .value = arena_copy_text(&container->arena, value, length),
                      .value_length = length};
    if (!entry.key || !entry.value) return false;
    container->metadata[container->metadata_count++] = entry;
    return true;
}

bool capture_container_note(Container *container, const char *format, ...) {
    char text[ERROR_MESSAGE_SIZE];
    va_list arguments;
    size_t at = 0;
    while (at < CAPTURE_CONTAINER_NOTES && container->notes[at])
        at++;
    if (at == CAPTURE_CONTAINER_NOTES) return true;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    container->notes[at] = arena_copy_text(&container->arena, text, strlen(text));
    return container->notes[at] != NULL;
}

const Metadata *capture_container_metadata(const Container *container, const char *key) {
    for (size_t i = 0; i < container->metadata_count; i++)
        if (!strcmp(container->metadata[i].key, key)) return &container->metadata[i];
    return NULL;
}

bool capture_tensor_strides(Tensor *tensor, bool column_major) {
    int kept = tensor->ndim < CAPTURE_MAX_DIMS ? tensor->ndim : CAPTURE_MAX_DIMS;
    int64_t count = 1;
    for (int d = 0; d < kept; d++)
        if (tensor->shape[d] == 0) count = 0;
    for (int i = 0; i < kept; i++) {
        int d = column_major ? i : kept - 1 - i;
        tensor->stride[d] = count;
        if (!i64_mul(count, tensor->shape[d], &count)) return false;
    }
    tensor->count = count;
    return true;
}

const char *capture_tensor_file(const Container *container, const Tensor *tensor) {
    return tensor->home ? tensor->home->name : container->name;
}

bool capture_container_absorb(Container *container, Container *part) {
    for (size_t i = 0; i < part->tensor_count; i++) {
        Tensor *tensor = capture_container_add(container);
        if (!tensor) return false;
        *tensor = part->tensors[i];
        tensor->home = part;
    }
    for (size_t i = 0; i < part->metadata_count; i++) {
        if (!mem_grow((void **)&container->metadata, &container->metadata_capacity, container->metadata_count + 1,
                      sizeof(Metadata)))
            return false;
        container->metadata[container->metadata_count++] = part->metadata[i];
    }
    return true;
}

void capture_tensor_shape_text(const Tensor *tensor, char *out, size_t out_size) {
    int kept = tensor->ndim < CAPTURE_MAX_DIMS ? tensor->ndim : CAPTURE_MAX_DIMS;
    size_t at = (size_t)snprintf(out, out_size, "(");
    for (int d = 0; d < kept && at < out_size; d++)
        at += (size_t)snprintf(out + at, out_size - at, d ? ", %lld" : "%lld", (long long)tensor->shape[d]);
    if (at < out_size)
        snprintf(out + at, out_size - at, tensor->ndim > kept ? ", ...)" : tensor->ndim == 1 ? ",)" : ")");
}

void capture_tensor_label(const Tensor *tensor, char *out, size_t out_size) {
    if (tensor->name[0])
        snprintf(out, out_size, "array '%.100s'", tensor->name);
    else
        snprintf(out, out_size, "the array");
}

/* The first bytes of formats that people may try. */
static Status refuse_unknown(const Container *container, const uint8_t *head, size_t size, Error *err) {
    static const struct {
        const char *magic;
        size_t length;
        const char *sentence;
    } KNOWN[] = {
        {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19", 14,
         "found a PyTorch file from before version 1.6; load it with a recent PyTorch and torch.save it again"},
        {"\x80\x02", 2,
         "found a Python pickle, which is never executed here; save arrays with np.savez or safetensors"},
        {"\x80\x03", 2,
         "found a Python pickle, which is never executed here; save arrays with np.savez or safetensors"},
        {"\x80\x04", 2,
         "found a Python pickle, which is never executed here; save arrays with np.savez or safetensors"},
        {"\x80\x05", 2,
         "found a Python pickle, which is never executed here; save arrays with np.savez or safetensors"},
        {"\x1f\x8b", 2, "found a gzip file; unpack it first"},
        {"\x28\xb5\x2f\xfd", 4, "found a zstd file; unpack it first"},
        {"\x89PNG", 4, "found a PNG picture"},
    };
    for (size_t i = 0; i < BASE_COUNT(KNOWN); i++)
        if (size >= KNOWN[i].length && !memcmp(head, KNOWN[i].magic, KNOWN[i].length))
            return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1, "%s, %s", ACCEPTED, KNOWN[i].sentence);
    if (text_ends_with(container->name, ".npy"))
        return error_set_at(err, STATUS_FORMAT, container->name, 0,
                            "expected \"\\x93NUMPY\" at the start of an .npy file, found other bytes");
    if (text_ends_with(container->name, ".npz"))
        return error_set_at(err, STATUS_FORMAT, container->name, 0,
                            "expected a zip archive in an .npz file, found other bytes");
    return error_set_at(err, STATUS_UNSUPPORTED, container->name, 0, "%s, found bytes of no format known here",
                        ACCEPTED);
}

/* A safetensors header below 100 MB has zeros in its size; text has none. */
static bool looks_like_json(const uint8_t *head, size_t size) {
    size_t at = 0;
    if (size >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) at = 3;
    while (at < size && memchr(" \t\r\n", head[at], 4))
        at++;
    return at < size && (head[at] == '{' || head[at] == '[') && !memchr(head, '\0', size < 8 ? size : 8);
}

/* A safetensors file has no magic: eight bytes of header size, then JSON, perhaps after white space. */
static bool looks_like_safetensors(const uint8_t *head, size_t size) {
    if (size < 9) return false;
    for (size_t i = 8; i < size; i++) {
        if (head[i] == '{') return true;
        if (!memchr(" \t\r\n", head[i], 4)) return false;
    }
    return true; /* nothing but white space so far */
}

static Status open_zip(Container *container, Error *err) {
    Status status = capture_zip_open(container, err);
    if (status != STATUS_OK) return status;
    return capture_torch_is(container) ? capture_torch_open(container, err) : capture_npz_open(container, err);
}

static Status open_format(Container *container, const Progress *progress, Error *err) {
    uint8_t head[64];
    uint64_t total = capture_bytes_size(container->source);
    size_t size = total < sizeof(head) ? (size_t)total : sizeof(head);
    if (total == 0) return error_set_at(err, STATUS_FORMAT, container->name, 0, "%s, found an empty file", ACCEPTED);
    Status status = capture_bytes_read(container->source, 0, head, size, err);
    if (status != STATUS_OK) return status;
    if (size >= 6 && !memcmp(head, "\x93NUMPY", 6)) return capture_npy_open(container, err);
    if (size >= 4 && (!memcmp(head, "PK\3\4", 4) || !memcmp(head, "PK\5\6", 4))) return open_zip(container, err);
    if (size >= 8 && !memcmp(head, "\x89HDF\r\n\x1a\n", 8)) return capture_hdf5_open(container, err);
    if ((looks_like_json(head, size) || json_sent_events(head, size)) &&
        !text_ends_with(container->name, ".safetensors"))
        return capture_json_open(container, progress, err);
    if (looks_like_safetensors(head, size) || text_ends_with(container->name, ".safetensors"))
        return capture_safetensors_open(container, err);
    return refuse_unknown(container, head, size, err);
}

Status capture_container_open(ByteSource *source, const char *path, const Progress *progress, Container *out,
                              Error *err) {
    memset(out, 0, sizeof(*out));
    out->source = source;
    out->path = path;
    out->name = file_base_name(path);
    Status status = open_format(out, progress, err);
    if (status != STATUS_OK) {
        if (err && !err->file[0]) snprintf(err->file, sizeof(err->file), "%s", out->name);
        capture_container_close(out);
    }
    return status;
}

Status capture_container_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    if (tensor->home) container = tensor->home;
    if (tensor->source) return STATUS_OK;
    if (container->hdf5) return capture_hdf5_materialise(container, tensor, progress, err);
    return capture_zip_inflate(container, capture_zip_member(container->zip, (size_t)tensor->member), progress,
                               &tensor->source, err);
}

void capture_container_settle(Container *container) {
    capture_zip_close(container->zip);
    capture_hdf5_close(container->hdf5);
    container->zip = NULL;
    container->hdf5 = NULL;
    for (size_t i = 0; i < container->part_count; i++)
        capture_container_settle(&container->parts[i]);
}

void capture_container_close(Container *container) {
    for (size_t i = 0; i < container->part_count; i++)
        capture_container_close(&container->parts[i]);
    mem_free(container->parts);
    capture_zip_close(container->zip);
    capture_hdf5_close(container->hdf5);
    for (size_t i = 0; i < container->owned_count; i++)
        capture_bytes_close(container->owned[i]);
    mem_free(container->owned);
    mem_free(container->tensors);
    mem_free(container->metadata);
    for (size_t i = 0; i < BASE_COUNT(container->strip_memory); i++)
        mem_free(container->strip_memory[i]);
    arena_free(&container->arena);
    capture_bytes_close(container->source);
    memset(container, 0, sizeof(*container));
}

size_t capture_json_values(const char *text, size_t length) {
    size_t values = 1;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == ',' || text[i] == '[' || text[i] == '{') {
            values++;
        }
    }
    return values;
}
