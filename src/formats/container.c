/* What the formats have in common: named arrays, metadata, and the sources of their bytes. */
#include "formats/internal.h"

Tensor *container_add(Container *container) {
    if (!mem_grow((void **)&container->tensors, &container->tensor_capacity, container->tensor_count + 1,
                  sizeof(Tensor)))
        return NULL;
    Tensor *tensor = &container->tensors[container->tensor_count++];
    memset(tensor, 0, sizeof(*tensor));
    tensor->name = "";
    tensor->member = -1;
    return tensor;
}

bool container_add_metadata(Container *container, const char *key, const char *value, size_t length) {
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

bool container_note(Container *container, const char *format, ...) {
    char text[ERROR_MESSAGE_SIZE];
    va_list arguments;
    size_t at = 0;
    while (at < CONTAINER_NOTES && container->notes[at])
        at++;
    if (at == CONTAINER_NOTES) return true;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    container->notes[at] = arena_copy_text(&container->arena, text, strlen(text));
    return container->notes[at] != NULL;
}

const Metadata *container_metadata(const Container *container, const char *key) {
    for (size_t i = 0; i < container->metadata_count; i++)
        if (!strcmp(container->metadata[i].key, key)) return &container->metadata[i];
    return NULL;
}

bool container_absorb(Container *container, Container *part) {
    for (size_t i = 0; i < part->tensor_count; i++) {
        Tensor *tensor = container_add(container);
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

Status container_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    if (tensor->home) container = tensor->home;
    if (tensor->source) return STATUS_OK;
    return container->format->materialise(container, tensor, progress, err);
}

void container_close_reader(Container *container) {
    if (container->format && container->format->close) container->format->close(container->reader);
    container->reader = NULL;
}

void container_settle(Container *container) {
    container_close_reader(container);
    for (size_t i = 0; i < container->part_count; i++)
        container_settle(&container->parts[i]);
}

void container_close(Container *container) {
    for (size_t i = 0; i < container->part_count; i++)
        container_close(&container->parts[i]);
    mem_free(container->parts);
    container_close_reader(container);
    for (size_t i = 0; i < container->owned_count; i++)
        bytes_close(container->owned[i]);
    mem_free(container->owned);
    mem_free(container->tensors);
    mem_free(container->metadata);
    for (size_t i = 0; i < BASE_COUNT(container->strip_memory); i++)
        mem_free(container->strip_memory[i]);
    arena_free(&container->arena);
    bytes_close(container->source);
    memset(container, 0, sizeof(*container));
}
