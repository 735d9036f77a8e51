/* Queries and keys from hooks on vLLM's attention: arrays model__layers__L__self_attn__attn__q and __k of shape
 * [batch?, position, head * d], padded, beside a qk.json that says what the shape does not: head_dim,
 * num_key_value_heads, attention_multiplier (the factor of Q K^T) and seq_lens. They are given a head axis here, and
 * are then like all others. */
#include "capture/internal.h"

#include <jansson.h>

enum { QK_MAX_BYTES = 1 << 20 };

static const char QK_FILE[] = "qk.json";

static bool is_vllm(const Tensor *tensor, bool *key) {
    *key = text_ends_with(tensor->name, "__k");
    return strstr(tensor->name, "__attn__") && (*key || text_ends_with(tensor->name, "__q"));
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
}

/* *root is NULL when there is no such file. */
static Status load_sidecar(const char *path, json_t **root, Error *err) {
    json_error_t json_error;
    TextBuffer name = {0};
    char *text = NULL;
    size_t size = 0;
    Status status = STATUS_OK;
    *root = NULL;
    text_append_bytes(&name, path, (size_t)(file_base_name(path) - path));
    text_append(&name, QK_FILE);
    if (name.failed)
        status = no_memory(err);
    else if (file_exists(name.text))
        status = file_read_all(name.text, QK_MAX_BYTES, &text, &size, err);
    if (status == STATUS_OK && text && !(*root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error)))
        status = error_set_at(err, STATUS_FORMAT, QK_FILE, -1, "not valid JSON: %.160s", json_error.text);
    mem_free(text);
    text_buffer_free(&name);
    return status;
}

/* The longest of seq_lens, or `limit`. */
static int64_t longest(const json_t *lengths, int64_t limit, bool *differ) {
    int64_t most = 0;
    for (size_t i = 0; i < json_array_size(lengths); i++) {
        int64_t length = json_integer_value(json_array_get(lengths, i));
        *differ |= i > 0 && length != json_integer_value(json_array_get(lengths, 0));
        most = i64_max(most, length);
    }
    return most > 0 ? i64_min(most, limit) : limit;
}

static Status add_head_axis(const Container *container, const json_t *root, bool key, Tensor *tensor, bool *differ,
                            Error *err) {
    char shape[96];
    int last = tensor->ndim - 1;
    int64_t dim = json_integer_value(json_object_get(root, "head_dim"));
    int64_t kv_heads = json_integer_value(json_object_get(root, "num_key_value_heads"));
    tensor_shape_text(tensor, shape, sizeof(shape));
    if (dim <= 0)
        return error_set_at(err, STATUS_FORMAT, container->name, -1,
                            "expected a qk.json with head_dim beside '%.80s' of shape %s, found none", tensor->name,
                            shape);
    if (tensor->shape[last] % dim != 0 || (key && kv_heads > 0 && tensor->shape[last] != kv_heads * dim))
        return error_set_at(err, STATUS_FORMAT, container->name, -1,
                            "expected %lld key heads of %lld dimensions, as qk.json says, found shape %s in '%.80s'",
                            (long long)kv_heads, (long long)dim, shape, tensor->name);
    tensor->shape[last + 1] = dim;
    tensor->stride[last + 1] = tensor->stride[last];
    tensor->shape[last] /= dim;
    tensor->stride[last] *= dim;
    tensor->ndim++;
    tensor->shape[last - 1] = longest(json_object_get(root, "seq_lens"), tensor->shape[last - 1], differ);
    tensor->count = 1;
    for (int d = 0; d < tensor->ndim; d++)
        tensor->count *= tensor->shape[d];
    return STATUS_OK;
}

static Status add_scale(Container *container, const json_t *root, Error *err) {
    char text[40];
    const json_t *scale = json_object_get(root, "attention_multiplier");
    if (!json_is_number(scale) || container_metadata(container, "attn.scale")) return STATUS_OK;
    snprintf(text, sizeof(text), "%.17g", json_number_value(scale));
    return container_add_metadata(container, "attn.scale", text, strlen(text)) ? STATUS_OK : no_memory(err);
}

static Status prepare(Capture *capture, Container *container, Error *err) {
    json_t *root = NULL;
    bool found = false, differ = false, key = false;
    Status status = STATUS_OK;
    for (size_t i = 0; i < container->tensor_count && status == STATUS_OK; i++) {
        Tensor *tensor = &container->tensors[i];
        if (!is_vllm(tensor, &key) || (tensor->ndim != 2 && tensor->ndim != 3) || tensor->count == 0) continue;
        if (!found) status = load_sidecar(container->path, &root, err);
        found = true;
        if (status == STATUS_OK) status = add_head_axis(container, root, key, tensor, &differ, err);
    }
    if (status == STATUS_OK && found) status = add_scale(container, root, err);
    if (status == STATUS_OK && differ &&
        !capture_add_note(capture, false,
                          "batch items differ in length (seq_lens of qk.json): the shorter ones are padded"))
        status = no_memory(err);
    if (root) json_decref(root);
    return status;
}

Status capture_vllm_prepare(Capture *capture, Error *err) {
    Status status = STATUS_OK;
    for (size_t i = 0; i < capture->container_count && status == STATUS_OK; i++)
        status = prepare(capture, &capture->containers[i], err);
    return status;
}
