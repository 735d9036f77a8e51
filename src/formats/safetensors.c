/* .safetensors: u64 header size, JSON, data. The rules of the format are all checked: a size within the file and
 * below 100 MB, no duplicate keys, offsets that start at 0, leave no hole and no overlap, agree with shape and
 * dtype, and end with the file. Before the JSON is parsed its values are counted, because a tree of them takes some
 * thirty times the room of the text. Format: https://github.com/huggingface/safetensors */
#include "formats/internal.h"

#include <jansson.h>
#include <stdlib.h>

#define SAFETENSORS_MAX_HEADER 100000000u
/* A thousand layers need some 30,000 values; two million are 200 MB as a tree. */
#define SAFETENSORS_MAX_VALUES 2000000

typedef struct Extent {
    uint64_t begin, end;
    size_t tensor; /* index in the container */
} Extent;

static const struct {
    const char *name;
    DType dtype;
    int bits;
} DTYPES[] = {
    {"F16", DTYPE_F16, 16},
    {"BF16", DTYPE_BF16, 16},
    {"F32", DTYPE_F32, 32},
    {"F64", DTYPE_F64, 64},
    {"F8_E4M3", DTYPE_F8_E4M3, 8},
    {"F8_E5M2", DTYPE_F8_E5M2, 8},
    {"U8", DTYPE_U8, 8},
    {"I8", DTYPE_I8, 8},
    {"I16", DTYPE_I16, 16},
    {"I32", DTYPE_I32, 32},
    {"I64", DTYPE_I64, 64},
    {"BOOL", DTYPE_BOOL, 8},
    {"U16", DTYPE_OTHER, 16},
    {"U32", DTYPE_OTHER, 32},
    {"U64", DTYPE_OTHER, 64},
    {"C64", DTYPE_OTHER, 64},
    {"F8_E8M0", DTYPE_OTHER, 8},
    {"F8_E4M3FNUZ", DTYPE_OTHER, 8},
    {"F8_E5M2FNUZ", DTYPE_OTHER, 8},
    {"F4", DTYPE_OTHER, 4},
    {"F6_E2M3", DTYPE_OTHER, 6},
    {"F6_E3M2", DTYPE_OTHER, 6},
};

static Status read_header(Container *container, char **text, size_t *length, Error *err) {
    uint8_t prefix[8];
    uint64_t total = bytes_size(container->source), size = 0;
    if (total < sizeof(prefix))
        return error_set_at(err, STATUS_FORMAT, container->name, 0,
                            "expected the 8-byte header size of a safetensors file, found %llu bytes",
                            (unsigned long long)total);
    Status status = bytes_read(container->source, 0, prefix, sizeof(prefix), err);
    if (status != STATUS_OK) return status;
    for (int i = 7; i >= 0; i--)
        size = size << 8 | prefix[i];
    if (size > SAFETENSORS_MAX_HEADER)
        return error_set_at(err, STATUS_FORMAT, container->name, 0,
                            "expected a safetensors header of at most 100,000,000 bytes, found a size of %llu",
                            (unsigned long long)size);
    if (size > total - sizeof(prefix))
        return error_set_at(err, STATUS_FORMAT, container->name, 0,
                            "expected a safetensors header of %llu bytes, found %llu (an interrupted save or copy?)",
                            (unsigned long long)size, (unsigned long long)(total - sizeof(prefix)));
    *text = mem_alloc((size_t)size + 1);
    if (!*text) return error_set(err, STATUS_MEMORY, "not enough memory to read the safetensors header");
    *length = (size_t)size;
    return bytes_read(container->source, sizeof(prefix), *text, (size_t)size, err);
}

static Status parse_header(const Container *container, const char *text, size_t length, json_t **root, Error *err) {
    json_error_t json_error;
    if (json_values(text, length) > SAFETENSORS_MAX_VALUES)
        return error_set_at(err, STATUS_FORMAT, container->name, 8,
                            "expected at most %d values in the safetensors header, found more", SAFETENSORS_MAX_VALUES);
    *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &json_error);
    if (!*root)
        return error_set_at(err, STATUS_FORMAT, container->name, 8 + (int64_t)i64_max(json_error.position, 0),
                            "the safetensors header is not valid JSON: %.160s", json_error.text);
    if (!json_is_object(*root))
        return error_set_at(err, STATUS_FORMAT, container->name, 8, "expected a JSON object as safetensors header");
    return STATUS_OK;
}

static Status read_metadata(Container *container, json_t *object, Error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return error_set_at(err, STATUS_FORMAT, container->name, 8, "expected an object as __metadata__");
    json_object_foreach(object, key, value) {
        if (!json_is_string(value))
            return error_set_at(err, STATUS_FORMAT, container->name, 8,
                                "expected a string as __metadata__ value of '%.100s'", key);
        if (!container_add_metadata(container, key, json_string_value(value), json_string_length(value)))
            return error_set(err, STATUS_MEMORY, "not enough memory to read the safetensors header");
    }
    return STATUS_OK;
}

static Status entry_fail(const Container *container, const char *name, const char *expected, Error *err) {
    return error_set_at(err, STATUS_FORMAT, container->name, 8, "expected %s for tensor '%.100s'", expected, name);
}

static Status read_shape(const Container *container, const char *name, const json_t *shape, Tensor *tensor,
                         Error *err) {
    if (!json_is_array(shape) || json_array_size(shape) > 64)
        return entry_fail(container, name, "a shape of at most 64 dimensions", err);
    tensor->ndim = (int)json_array_size(shape);
    for (int d = 0; d < tensor->ndim; d++) {
        const json_t *item = json_array_get(shape, (size_t)d);
        int64_t dimension = json_is_integer(item) ? json_integer_value(item) : -1;
        if (dimension < 0) return entry_fail(container, name, "dimensions that are integers >= 0", err);
        if (d < TENSOR_MAX_DIMS)
            tensor->shape[d] = dimension;
        else if (!i64_mul(tensor->shape[TENSOR_MAX_DIMS - 1], dimension, &tensor->shape[TENSOR_MAX_DIMS - 1]))
            return entry_fail(container, name, "fewer elements", err);
    }
    if (!tensor_strides(tensor, false)) return entry_fail(container, name, "fewer elements than 2^63", err);
    return STATUS_OK;
}

static Status read_entry(Container *container, const char *name, const json_t *entry, Extent *extent, Error *err) {
    const json_t *dtype = json_object_get(entry, "dtype"), *offsets = json_object_get(entry, "data_offsets");
    const char *dtype_text = json_string_value(dtype);
    int64_t bits = 0;
    size_t i = 0;
    Tensor *tensor = container_add(container);
    if (!tensor || !(tensor->name = arena_copy_text(&container->arena, name, strlen(name))))
        return error_set(err, STATUS_MEMORY, "not enough memory to read the safetensors header");
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !dtype_text)
        return entry_fail(container, name, "an object with dtype, shape and data_offsets", err);
    while (i < BASE_COUNT(DTYPES) && strcmp(DTYPES[i].name, dtype_text) != 0)
        i++;
    if (i == BASE_COUNT(DTYPES))
        return error_set_at(err, STATUS_UNSUPPORTED, container->name, 8,
                            "expected a dtype such as F16, BF16, F32 or F64, found '%.32s' for tensor '%.100s'",
                            dtype_text, name);
    tensor->dtype = DTYPES[i].dtype;
    tensor->item_size = DTYPES[i].bits / 8;
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "%s", dtype_text);
    Status status = read_shape(container, name, json_object_get(entry, "shape"), tensor, err);
    if (status != STATUS_OK) return status;
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return entry_fail(container, name, "data_offsets [begin, end] with 0 <= begin <= end", err);
    extent->begin = (uint64_t)json_integer_value(begin);
    extent->end = (uint64_t)json_integer_value(end);
    extent->tensor = container->tensor_count - 1;
    if (!i64_mul(tensor->count, DTYPES[i].bits, &bits) || (uint64_t)((bits + 7) / 8) != extent->end - extent->begin)
        return error_set_at(
            err, STATUS_FORMAT, container->name, 8,
            "expected %lld bytes for tensor '%.100s' by its shape and dtype, found data_offsets of %llu bytes",
            (long long)((bits + 7) / 8), name, (unsigned long long)(extent->end - extent->begin));
    return STATUS_OK;
}

static int compare_extents(const void *a_, const void *b_) {
    const Extent *a = a_, *b = b_;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

/* Each tensor begins where the last one ended, and the last one ends with the file. */
static Status place_tensors(Container *container, Extent *extents, size_t count, size_t header_length, Error *err) {
    uint64_t base = 8 + (uint64_t)header_length, at = 0;
    uint64_t size = bytes_size(container->source) - base;
    if (count > 0) qsort(extents, count, sizeof(*extents), compare_extents);
    for (size_t i = 0; i < count; i++) {
        Tensor *tensor = &container->tensors[extents[i].tensor];
        if (extents[i].begin != at)
            return error_set_at(err, STATUS_FORMAT, container->name, -1,
                                "expected tensor '%.100s' to begin at data offset %llu, found %llu (%s)", tensor->name,
                                (unsigned long long)at, (unsigned long long)extents[i].begin,
                                extents[i].begin < at ? "tensors overlap" : "a hole between tensors");
        at = extents[i].end;
        if (at > size) break;
        tensor->source = container->source;
        tensor->offset = base + extents[i].begin;
    }
    if (at != size)
        return error_set_at(err, STATUS_FORMAT, container->name, (int64_t)(base + size),
                            "expected %llu bytes of tensor data, found %llu (%s)", (unsigned long long)at,
                            (unsigned long long)size,
                            at > size ? "an interrupted save or copy?" : "extra bytes at the end");
    return STATUS_OK;
}

static Status safetensors_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    char *text = NULL;
    size_t length = 0, count = 0;
    json_t *root = NULL, *entry;
    const char *name;
    Extent *extents = NULL;
    Status status = read_header(container, &text, &length, err);
    if (status == STATUS_OK) status = parse_header(container, text, length, &root, err);
    if (status != STATUS_OK) goto done;
    extents = mem_alloc_zeroed(json_object_size(root) + 1, sizeof(*extents));
    if (!extents) {
        status = error_set(err, STATUS_MEMORY, "not enough memory to read the safetensors header");
        goto done;
    }
    json_object_foreach(root, name, entry) {
        if (!strcmp(name, "__metadata__"))
            status = read_metadata(container, entry, err);
        else
            status = read_entry(container, name, entry, &extents[count++], err);
        if (status != STATUS_OK) goto done;
    }
    status = place_tensors(container, extents, count, length, err);
done:
    if (root) json_decref(root);
    mem_free(extents);
    mem_free(text);
    return status;
}

/* No magic: eight bytes of header size, then JSON, perhaps after white space. */
static bool looks_like_safetensors(const FormatHead *head) {
    if (text_ends_with(head->name, ".safetensors")) return true;
    if (head->size < 9) return false;
    for (size_t i = 8; i < head->size; i++) {
        if (head->bytes[i] == '{') return true;
        if (!memchr(" \t\r\n", head->bytes[i], 4)) return false;
    }
    return true; /* nothing but white space so far */
}

const Format SAFETENSORS_FORMAT = {
    .name = "safetensors",
    .endings = {".safetensors"},
    .folder_endings = 1,
    .place = 3,
    .help = ".safetensors (or the index of its shards)",
    .looks_like = looks_like_safetensors,
    .open = safetensors_open,
};
