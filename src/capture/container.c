/* What the formats have in common: named arrays, metadata, and the sources of their bytes. */
#include "capture/internal.h"

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

Status capture_container_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    if (tensor->home) container = tensor->home;
    if (tensor->source) return STATUS_OK;
    return container->format->materialise(container, tensor, progress, err);
}

void capture_container_close_reader(Container *container) {
    if (container->format && container->format->close) container->format->close(container->reader);
    container->reader = NULL;
}

void capture_container_settle(Container *container) {
    capture_container_close_reader(container);
    for (size_t i = 0; i < container->part_count; i++)
        capture_container_settle(&container->parts[i]);
}

void capture_container_close(Container *container) {
    for (size_t i = 0; i < container->part_count; i++)
        capture_container_close(&container->parts[i]);
    mem_free(container->parts);
    capture_container_close_reader(container);
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
