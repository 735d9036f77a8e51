/* Formats alone: any bytes, told by how they begin, to arrays; then the ends of each. Not libhdf5, which is not ours. */
#include "formats/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const Tensor *tensor) {
    uint8_t cell[8];
    Error err = {0};
    const size_t size = (size_t)tensor->item_size;
    if (size == 0 || size > sizeof(cell) || tensor->count == 0 || tensor->piece_count > 0) return;
    (void)bytes_read(tensor->source, tensor->offset, cell, size, &err);
    int64_t last = 0;
    for (int d = 0; d < tensor->ndim && d < TENSOR_MAX_DIMS; d++)
        last += (tensor->shape[d] - 1) * tensor->stride[d];
    if (tensor->ndim > TENSOR_MAX_DIMS) return; /* strides of those beyond are not kept */
    if (bytes_read(tensor->source, tensor->offset + (uint64_t)last * size, cell, size, &err) != STATUS_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const Format *const OURS[] = {&NPY_FORMAT,  &TORCH_FORMAT,       &NPZ_FORMAT,
                                         &JSON_FORMAT, &SAFETENSORS_FORMAT, NULL};
    ByteSource *source = NULL;
    Container container;
    Error err = {0};
    if (bytes_open_memory(data, size, "fuzz", &source, &err) != STATUS_OK) return 0;
    if (formats_open(OURS, source, "fuzz", NULL, &container, &err) != STATUS_OK) {
        if (!err.message[0]) abort();
        return 0;
    }
    for (size_t i = 0; i < container.tensor_count; i++)
        if (container_materialise(&container, &container.tensors[i], NULL, &err) == STATUS_OK)
            look_at(&container.tensors[i]);
    container_settle(&container);
    container_close(&container);
    return 0;
}
