/* Tensors of a torch.save. A tensor is a view of a storage: offset, shape and strides in elements; views, transposes,
 * expanded dimensions and shared storages are normal. What a tensor reaches must lie inside its storage, and a storage
 * inside its entry. */
#include "formats/torch.h"

#include <stdlib.h>

#define TORCH_MAX_WORK ((size_t)1 << 26)
/* What expand() may make of a storage: a row of 65,536 shown 65,536 times. */
#define TORCH_MAX_EXPANSION 65536
enum { TORCH_MAX_WRAPPERS = 8 };

/* Both the storage classes (HalfStorage) and the dtypes (float16) say what a number is. */
static const struct {
    const char *storage, *dtype;
    DType kind;
    int size;
} DTYPES[] = {
    {"HalfStorage", "float16", DTYPE_F16, 2},
    {"BFloat16Storage", "bfloat16", DTYPE_BF16, 2},
    {"FloatStorage", "float32", DTYPE_F32, 4},
    {"DoubleStorage", "float64", DTYPE_F64, 8},
    {"Float8_e4m3fnStorage", "float8_e4m3fn", DTYPE_F8_E4M3, 1},
    {"Float8_e5m2Storage", "float8_e5m2", DTYPE_F8_E5M2, 1},
    {"ByteStorage", "uint8", DTYPE_U8, 1},
    {"CharStorage", "int8", DTYPE_I8, 1},
    {"ShortStorage", "int16", DTYPE_I16, 2},
    {"IntStorage", "int32", DTYPE_I32, 4},
    {"LongStorage", "int64", DTYPE_I64, 8},
    {"BoolStorage", "bool", DTYPE_BOOL, 1},
};

bool torch_spend(TorchFile *file, size_t values) {
    if (file->work <= TORCH_MAX_WORK) file->work += values;
    return file->work <= TORCH_MAX_WORK;
}

Status torch_overspent(const TorchFile *file) {
    return error_set_at(file->err, STATUS_UNSUPPORTED, file->container->name, -1,
                        "the pickle leads to too many values (its lists contain one another many times over)");
}

/* ---- what a tensor is made of ---------------------------------------------------------------- */

/* The call that makes the tensor, out of the calls around it (parameters, subclasses). */
typedef struct Rebuild {
    const PickleNode *callable, *arguments;
} Rebuild;

static bool find_rebuild(const PickleNode *node, Rebuild *out) {
    if (!node || node->kind != PICKLE_OBJECT) return false;
    *out = (Rebuild){node->object.callable, node->object.arguments};
    for (int i = 0; i < TORCH_MAX_WRAPPERS; i++) {
        const PickleNode *inner = pickle_item(out->arguments, 0);
        if (pickle_is(out->callable, "torch._utils._rebuild_parameter") ||
            pickle_is(out->callable, "torch._utils._rebuild_parameter_with_state") ||
            pickle_is(out->callable, "torch._utils._rebuild_device_tensor_from_cpu_tensor")) {
            if (!inner || inner->kind != PICKLE_OBJECT) return true;
            *out = (Rebuild){inner->object.callable, inner->object.arguments};
        } else if (pickle_is(out->callable, "torch._tensor._rebuild_from_type_v2") ||
                   pickle_is(out->callable, "torch._tensor._rebuild_from_type")) {
            *out = (Rebuild){inner, pickle_item(out->arguments, 2)};
        } else {
            break;
        }
    }
    static const char PREFIX[] = "torch._utils._rebuild_";
    const PickleNode *callable = out->callable;
    return callable && callable->kind == PICKLE_CLASS && callable->text.length > strlen(PREFIX) &&
           !memcmp(callable->text.bytes, PREFIX, strlen(PREFIX));
}

bool torch_is_tensor(const PickleNode *node) {
    Rebuild rebuild;
    return find_rebuild(node, &rebuild);
}

/* "torch.HalfStorage" -> "HalfStorage". */
static void class_leaf(const PickleNode *node, char *out, size_t out_size) {
    const char *bytes = "something else";
    size_t length = strlen(bytes);
    if (node && node->kind == PICKLE_CLASS) {
        bytes = node->text.bytes;
        length = node->text.length;
        for (size_t i = 0; i < node->text.length; i++) {
            if (node->text.bytes[i] != '.') continue;
            bytes = node->text.bytes + i + 1;
            length = node->text.length - i - 1;
        }
    }
    if (!utf8_valid(bytes, length)) length = 0;
    snprintf(out, out_size, "%.*s", (int)i64_min((int64_t)length, (int64_t)out_size - 1), bytes);
}

static Status left_out(const TorchFile *file, const PickleNode *node, Error *err) {
    char what[64];
    class_leaf(node, what, sizeof(what));
    return error_set_at(err, STATUS_UNSUPPORTED, file->container->name, -1,
                        "expected plain tensors of floats or integers, found '%s'", what);
}

static Status bad_tensor(const TorchFile *file, const char *what, Error *err) {
    return error_set_at(err, STATUS_FORMAT, file->container->name, -1, "a tensor in data.pkl is damaged: %s", what);
}

/* ---- storage --------------------------------------------------------------------------------- */

static int compare_member(const void *name, const void *member) {
    return strcmp(name, (*(const ZipMember *const *)member)->name);
}

const ZipMember *torch_member(const TorchFile *file, const char *name) {
    const ZipMember *const *found = bsearch(name, file->members, file->member_count, sizeof(*file->members),
                                            compare_member);
    return found ? *found : NULL;
}

/* ('storage', class, key, device, elements). An untyped storage counts bytes; its tensors say their dtype. */
static Status read_storage(const TorchFile *file, const PickleNode *storage, const PickleNode *dtype, Tensor *out,
                           uint64_t *elements, Error *err) {
    char kind[64], name[600];
    const PickleNode *id = storage && storage->kind == PICKLE_PERSISTENT ? storage->object.arguments : NULL;
    const PickleNode *class = pickle_item(id, 1), *key = pickle_item(id, 2), *count = pickle_item(id, 4);
    if (!pickle_is(pickle_item(id, 0), "storage") || !class || class->kind != PICKLE_CLASS || !key ||
        key->kind != PICKLE_TEXT || key->text.length > 64 || !count || count->kind != PICKLE_INT || count->integer < 0)
        return bad_tensor(file, "it has no storage", err);
    class_leaf(class, kind, sizeof(kind));
    bool untyped = !strcmp(kind, "UntypedStorage") || !strcmp(kind, "_UntypedStorage");
    if (untyped) class_leaf(dtype, kind, sizeof(kind));
    size_t i = 0;
    while (i < BASE_COUNT(DTYPES) && strcmp(untyped ? DTYPES[i].dtype : DTYPES[i].storage, kind) != 0)
        i++;
    if (i == BASE_COUNT(DTYPES)) return left_out(file, untyped ? dtype : class, err);
    out->dtype = DTYPES[i].kind;
    out->item_size = DTYPES[i].size;
    out->big_endian = file->big_endian;
    snprintf(out->dtype_text, sizeof(out->dtype_text), "%s", DTYPES[i].dtype);
    snprintf(name, sizeof(name), "%s/data/%.*s", file->root, (int)key->text.length, key->text.bytes);
    const ZipMember *member = torch_member(file, name);
    if (!member)
        return error_set_at(err, STATUS_FORMAT, file->container->name, -1,
                            "expected the storage '%.100s' in the archive, found no such entry", name);
    if (!member->stored)
        return error_set_at(err, STATUS_UNSUPPORTED, file->container->name, -1,
                            "expected stored tensors, as torch.save writes them, found '%.100s' compressed: unpack the "
                            "archive, and pack it again with zip -0",
                            name);
    *elements = untyped ? (uint64_t)count->integer / (uint64_t)out->item_size : (uint64_t)count->integer;
    if (*elements > member->size / (uint64_t)out->item_size)
        return error_set_at(err, STATUS_FORMAT, file->container->name, (int64_t)member->data,
                            "expected %lld %s in the storage '%.100s', found an entry of %llu bytes",
                            (long long)count->integer, untyped ? "bytes" : kind, name,
                            (unsigned long long)member->size);
    out->source = file->container->source;
    out->offset = member->data;
    return STATUS_OK;
}

/* ---- view ------------------------------------------------------------------------------------ */

static bool read_dimension(const PickleNode *list, size_t index, int64_t *out) {
    const PickleNode *item = pickle_item(list, index);
    if (!item || item->kind != PICKLE_INT || item->integer < 0) return false;
    *out = item->integer;
    return true;
}

/* Shape and strides; the last element that they reach must lie in the storage. */
static Status read_view(const TorchFile *file, const Rebuild *rebuild, uint64_t elements, Tensor *out, Error *err) {
    const PickleNode *offset = pickle_item(rebuild->arguments, 1), *shape = pickle_item(rebuild->arguments, 2),
                     *strides = pickle_item(rebuild->arguments, 3);
    int64_t last = 0, place = 0;
    if (shape && shape->kind == PICKLE_OBJECT) /* torch.Size((2, 3)) */
        shape = pickle_item(shape->object.arguments, 0);
    if (!offset || offset->kind != PICKLE_INT || offset->integer < 0 || !shape || !strides ||
        shape->count != strides->count || shape->count > 64)
        return bad_tensor(file, "expected an offset, a shape and as many strides", err);
    last = offset->integer;
    out->ndim = (int)shape->count;
    out->count = 1;
    for (size_t d = 0; d < shape->count; d++) {
        int64_t size = 0, stride = 0, reach = 0;
        if (!read_dimension(shape, d, &size) || !read_dimension(strides, d, &stride))
            return bad_tensor(file, "expected dimensions and strides that are integers >= 0", err);
        if (size <= 1) stride = 1; /* any number may stand there */
        if (!i64_mul(out->count, size, &out->count) || !i64_mul(i64_max(size - 1, 0), stride, &reach) ||
            !i64_add(last, reach, &last))
            return bad_tensor(file, "it is larger than any file", err);
        if (d < TENSOR_MAX_DIMS) {
            out->shape[d] = size;
            out->stride[d] = stride;
        } else {
            out->shape[TENSOR_MAX_DIMS - 1] *= size > 0; /* only its number of dimensions will be looked at */
        }
    }
    if (out->count > 0 && (uint64_t)last >= elements) {
        char text[96];
        tensor_shape_text(out, text, sizeof(text));
        return error_set_at(err, STATUS_FORMAT, file->container->name, (int64_t)out->offset,
                            "a tensor of shape %s reaches element %lld of a storage of %llu", text, (long long)last,
                            (unsigned long long)elements);
    }
    if (out->count > 0 && (uint64_t)out->count / TORCH_MAX_EXPANSION > elements)
        return bad_tensor(file, "it is expanded far beyond its storage", err);
    if (out->count > 0 && !i64_mul(offset->integer, out->item_size, &place))
        return bad_tensor(file, "it is larger than any file", err);
    out->offset += (uint64_t)place;
    return STATUS_OK;
}

Status torch_read_tensor(const TorchFile *file, const PickleNode *node, Tensor *out, Error *err) {
    Rebuild rebuild;
    uint64_t elements = 0;
    memset(out, 0, sizeof(*out));
    out->name = "";
    out->member = -1;
    if (!find_rebuild(node, &rebuild)) return bad_tensor(file, "it is none", err);
    bool v3 = pickle_is(rebuild.callable, "torch._utils._rebuild_tensor_v3");
    if (!v3 && !pickle_is(rebuild.callable, "torch._utils._rebuild_tensor_v2") &&
        !pickle_is(rebuild.callable, "torch._utils._rebuild_tensor"))
        return left_out(file, rebuild.callable, err);
    Status status = read_storage(file, pickle_item(rebuild.arguments, 0), v3 ? pickle_item(rebuild.arguments, 6) : NULL,
                                 out, &elements, err);
    return status == STATUS_OK ? read_view(file, &rebuild, elements, out, err) : status;
}
