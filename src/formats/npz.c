/* .npz: a zip of NAME.npy. A member's sizes must agree with the header of the array inside, so that a deflated one
 * is never inflated beyond header + shape x item size. */
#include "formats/internal.h"

/* Arrays of objects or structs have no item size: they are listed, and refused only where somebody needs them. */
static Status read_array(Container *container, size_t index, uint8_t *prefix, Error *err) {
    const ZipMember *member = zip_member(container, index);
    size_t size = member->size < NPY_PREFIX ? (size_t)member->size : NPY_PREFIX;
    uint64_t data_start = 0;
    Status status = zip_prefix(container, member, prefix, size, err);
    if (status != STATUS_OK) return status;
    Tensor *tensor = container_add(container);
    if (!tensor) return error_set(err, STATUS_MEMORY, "not enough memory to read the file's directory");
    status = npy_header(prefix, size, member->size, tensor, &data_start, err);
    if (status != STATUS_OK) {
        char message[ERROR_MESSAGE_SIZE];
        if (!err) return status;
        snprintf(message, sizeof(message), "%.380s (in '%.100s')", err->message, member->name);
        return error_set_at(err, status, container->name, -1, "%s", message);
    }
    if (tensor->item_size > 0 && data_start + (uint64_t)(tensor->count * tensor->item_size) != member->size)
        return zip_fail(container, member->name, "is longer than its array: the sizes contradict each other", err);
    tensor->name = arena_copy_text(&container->arena, member->name, strlen(member->name) - strlen(".npy"));
    if (!tensor->name) return error_set(err, STATUS_MEMORY, "not enough memory to read the file's directory");
    tensor->member = (int64_t)index;
    tensor->offset = data_start;
    if (member->stored) {
        tensor->source = container->source;
        tensor->offset += member->data;
    }
    return STATUS_OK;
}

static Status npz_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    Status status = zip_open(container, err);
    if (status != STATUS_OK) return status;
    uint8_t *prefix = mem_alloc(NPY_PREFIX);
    if (!prefix) return error_set(err, STATUS_MEMORY, "not enough memory to open the archive");
    for (size_t i = 0; i < zip_count(container) && status == STATUS_OK; i++)
        if (text_ends_with(zip_member(container, i)->name, ".npy")) status = read_array(container, i, prefix, err);
    mem_free(prefix);
    return status;
}

const Format NPZ_FORMAT = {
    .name = "npz",
    .endings = {".npz"},
    .folder_endings = 1,
    .place = 2,
    .misnamed = "a zip archive in an .npz file",
    .looks_like = zip_looks_like,
    .open = npz_open,
    .materialise = zip_materialise,
    .close = zip_close,
    .archive = true,
};
