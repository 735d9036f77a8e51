/* Named arrays: strides, and what messages call them. */
#include "formats/internal.h"

bool tensor_strides(Tensor *tensor, bool column_major) {
    int kept = tensor->ndim < TENSOR_MAX_DIMS ? tensor->ndim : TENSOR_MAX_DIMS;
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

const char *tensor_file(const Container *container, const Tensor *tensor) {
    return tensor->home ? tensor->home->name : container->name;
}

void tensor_shape_text(const Tensor *tensor, char *out, size_t out_size) {
    int kept = tensor->ndim < TENSOR_MAX_DIMS ? tensor->ndim : TENSOR_MAX_DIMS;
    size_t at = (size_t)snprintf(out, out_size, "(");
    for (int d = 0; d < kept && at < out_size; d++)
        at += (size_t)snprintf(out + at, out_size - at, d ? ", %lld" : "%lld", (long long)tensor->shape[d]);
    if (at < out_size)
        snprintf(out + at, out_size - at, tensor->ndim > kept ? ", ...)" : tensor->ndim == 1 ? ",)" : ")");
}

void tensor_label(const Tensor *tensor, char *out, size_t out_size) {
    if (tensor->name[0])
        snprintf(out, out_size, "array '%.100s'", tensor->name);
    else
        snprintf(out, out_size, "the array");
}
