/* HDF5, where the build found libhdf5. Contiguous datasets are read in place like any other array: the library only
 * says where they lie. Chunked and compact ones are read through the library once, into a temporary file, when they
 * turn out to be needed.
 *
 * The library is not thread-safe and is asked only while a file is opened, by one thread at a time. Not followed:
 * external links, external and virtual storage (they open other files), filter plugins (they load code). */
#include "formats/internal.h"

#if !defined(ATTNSCOPE_HAVE_HDF5)

static Status hdf5_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1,
                        "found an HDF5 file, which this build cannot read (it was built without libhdf5); write its "
                        "arrays with np.savez");
}

static Status hdf5_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    (void)tensor;
    return hdf5_open(container, progress, err);
}

static void hdf5_close(void *reader) {
    (void)reader;
}

#else

#include <hdf5.h>

enum {
    HDF5_MAX_DATASETS = 65536,
    HDF5_MAX_METADATA = 256,
    HDF5_NAME_SIZE = 512,
    HDF5_MAX_TOKENS = 1 << 24,
    HDF5_MAX_TEXT = 64 << 20,
};
#define HDF5_SLAB ((hsize_t)16 << 20)        /* bytes a read */
#define HDF5_MAX_IMAGE ((uint64_t)256 << 20) /* a file that has no path is read into memory */
#define HDF5_MAX_RATIO 1032u                 /* what deflate can reach */

typedef struct Hdf5Reader {
    hid_t file;
    void *image;
    hid_t *datasets; /* by Tensor.member; those that have to be read through the library */
    size_t count, capacity;
} Hdf5Reader;

typedef struct Visitor {
    Container *container;
    Status status;
    Error *err;
} Visitor;

static atomic_flag busy = ATOMIC_FLAG_INIT;

static void enter(void) {
    while (atomic_flag_test_and_set(&busy))
        clock_sleep_ns(100000);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

static void leave(void) {
    atomic_flag_clear(&busy);
}

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to read the HDF5 file");
}

static Status damaged(const Container *container, const char *name, Error *err) {
    return error_set_at(err, STATUS_FORMAT, container->name, -1, "the HDF5 dataset '%.100s' is damaged", name);
}

/* ---- types ----------------------------------------------------------------------------------- */

static DType float_type(hid_t type) {
    static const struct {
        size_t exponent, mantissa;
        DType dtype;
    } FLOATS[] = {{5, 10, DTYPE_F16},  {8, 7, DTYPE_BF16},    {8, 23, DTYPE_F32},
                  {11, 52, DTYPE_F64}, {4, 3, DTYPE_F8_E4M3}, {5, 2, DTYPE_F8_E5M2}};
    size_t sign, exponent_at, exponent, mantissa_at, mantissa;
    if (H5Tget_fields(type, &sign, &exponent_at, &exponent, &mantissa_at, &mantissa) < 0) return DTYPE_OTHER;
    for (size_t i = 0; i < BASE_COUNT(FLOATS); i++)
        if (FLOATS[i].exponent == exponent && FLOATS[i].mantissa == mantissa &&
            H5Tget_size(type) == (size_t)dtype_size(FLOATS[i].dtype))
            return FLOATS[i].dtype;
    return DTYPE_OTHER;
}

static DType integer_type(hid_t type) {
    bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (H5Tget_size(type)) {
    case 1:
        return is_signed ? DTYPE_I8 : DTYPE_U8;
    case 2:
        return is_signed ? DTYPE_I16 : DTYPE_OTHER;
    case 4:
        return is_signed ? DTYPE_I32 : DTYPE_OTHER;
    case 8:
        return is_signed ? DTYPE_I64 : DTYPE_OTHER;
    default:
        return DTYPE_OTHER;
    }
}

static void read_type(hid_t type, Tensor *tensor) {
    static const char *const CLASSES[] = {"integer",   "float",     "time", "string",          "bit field", "opaque",
                                          "structure", "reference", "enum", "variable length", "array"};
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    tensor->dtype = class == H5T_FLOAT ? float_type(type) : class == H5T_INTEGER ? integer_type(type) : DTYPE_OTHER;
    if (class == H5T_OPAQUE && size == 2) tensor->dtype = DTYPE_BF16; /* how ml_dtypes' bfloat16 arrives */
    tensor->item_size = size <= INT32_MAX ? (int)size : 0;
    tensor->big_endian = H5Tget_order(type) == H5T_ORDER_BE;
    if (tensor->dtype != DTYPE_OTHER)
        snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "%s", dtype_name(tensor->dtype));
    else
        snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "HDF5 %s",
                 class >= 0 && (size_t) class < BASE_COUNT(CLASSES) ? CLASSES[class] : "type");
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Strings of an array as JSON. Fixed ones are padded with NUL or spaces; the others are pointers that the library
 * made. */
static bool strings_json(const char *bytes, size_t count, size_t size, bool variable, TextBuffer *json) {
    TextBuffer one = {0};
    for (size_t i = 0; i < count && !json->failed && json->length < HDF5_MAX_TEXT; i++) {
        const char *text = bytes + i * size;
        size_t length = size;
        if (variable) {
            memcpy(&text, bytes + i * sizeof(char *), sizeof(char *));
            length = text ? strlen(text) : 0;
        }
        while (!variable && length > 0 && (text[length - 1] == '\0' || text[length - 1] == ' '))
            length--;
        one.length = 0;
        if (one.text) one.text[0] = '\0';
        text_append_bytes(&one, length > 0 ? text : "", length);
        text_append(json, i ? "," : "[");
        text_append_json(json, one.text ? one.text : "");
        json->failed |= one.failed;
    }
    text_append(json, "]");
    text_buffer_free(&one);
    return !json->failed;
}

/* A flat list of strings becomes metadata, as JSON. */
static Status add_strings(Container *container, const char *name, hid_t dataset, hid_t type, hid_t space, Error *err) {
    hssize_t points = H5Sget_simple_extent_npoints(space);
    bool variable = H5Tis_variable_str(type) > 0;
    size_t size = variable ? sizeof(char *) : H5Tget_size(type), total = 0;
    TextBuffer json = {0};
    Status status = STATUS_OK;
    if (points <= 0 || points > HDF5_MAX_TOKENS || H5Sget_simple_extent_ndims(space) != 1 ||
        !size_mul((size_t)points, size, &total) || total > HDF5_MAX_TEXT)
        return STATUS_OK;
    char *bytes = mem_alloc_zeroed((size_t)points, size);
    if (!bytes) return no_memory(err);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0)
        status = damaged(container, name, err);
    else if (!strings_json(bytes, (size_t)points, size, variable, &json) ||
             !container_add_metadata(container, name, json.text, json.length))
        status = no_memory(err);
    if (variable && status != STATUS_FORMAT) H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes);
    text_buffer_free(&json);
    mem_free(bytes);
    return status;
}

/* A scalar string or number of the root group. */
static herr_t on_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user) {
    Visitor *visitor = user;
    char text[HDF5_NAME_SIZE] = "", *pointer = NULL;
    double number = 0.0;
    (void)info;
    if (visitor->container->metadata_count >= HDF5_MAX_METADATA) return 1;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute),
          space = H5Aget_space(attribute);
    H5T_class_t class = H5Tget_class(type);
    bool scalar = H5Sget_simple_extent_npoints(space) == 1, found = false;
    if (scalar && class == H5T_STRING && H5Tis_variable_str(type) > 0) {
        found = H5Aread(attribute, type, &pointer) >= 0 && pointer;
        if (found) snprintf(text, sizeof(text), "%s", pointer);
        if (found) H5Dvlen_reclaim(type, space, H5P_DEFAULT, &pointer);
    } else if (scalar && class == H5T_STRING && H5Tget_size(type) < sizeof(text)) {
        found = H5Aread(attribute, type, text) >= 0;
        text[H5Tget_size(type)] = '\0';
    } else if (scalar && (class == H5T_FLOAT || class == H5T_INTEGER)) {
        found = H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) >= 0;
        snprintf(text, sizeof(text), "%.17g", number);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    if (found && utf8_valid(text, strlen(text)) &&
        !container_add_metadata(visitor->container, name, text, strlen(text)))
        visitor->status = no_memory(visitor->err);
    return visitor->status == STATUS_OK ? 0 : -1;
}

/* ---- datasets -------------------------------------------------------------------------------- */

static Status read_space(const Container *container, const char *name, hid_t space, Tensor *tensor, Error *err) {
    hsize_t shape[H5S_MAX_RANK];
    int ndim = H5Sget_simple_extent_dims(space, shape, NULL);
    if (ndim < 0) return damaged(container, name, err);
    tensor->ndim = ndim;
    for (int d = 0; d < ndim && d < TENSOR_MAX_DIMS; d++) {
        if (shape[d] > (hsize_t)INT64_MAX) return damaged(container, name, err);
        tensor->shape[d] = (int64_t)shape[d];
    }
    return tensor_strides(tensor, false) ? STATUS_OK : damaged(container, name, err);
}

/* In place, or kept open for later. */
static Status place_data(Container *container, Tensor *tensor, hid_t dataset, Error *err) {
    Hdf5Reader *reader = container->reader;
    hid_t plist = H5Dget_create_plist(dataset);
    H5D_layout_t layout = H5Pget_layout(plist);
    int external = H5Pget_external_count(plist);
    haddr_t at = layout == H5D_CONTIGUOUS && external == 0 ? H5Dget_offset(dataset) : HADDR_UNDEF;
    uint64_t total = bytes_size(container->source);
    int64_t bytes = 0;
    H5Pclose(plist);
    if (layout == H5D_VIRTUAL || external != 0) {
        tensor->dtype = DTYPE_OTHER; /* listed, and refused where somebody needs it */
        snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "data in other files");
        return STATUS_OK;
    }
    if (!i64_mul(tensor->count, tensor->item_size, &bytes)) return damaged(container, tensor->name, err);
    if (at != HADDR_UNDEF) {
        if ((uint64_t)at > total || (uint64_t)bytes > total - (uint64_t)at)
            return error_set_at(
                err, STATUS_FORMAT, container->name, (int64_t)total,
                "expected %lld bytes of '%.80s', found the end of the file (an interrupted save or copy?)",
                (long long)bytes, tensor->name);
        tensor->source = container->source;
        tensor->offset = (uint64_t)at;
        return STATUS_OK;
    }
    uint64_t stored = H5Dget_storage_size(dataset);
    if ((uint64_t)bytes / HDF5_MAX_RATIO > stored + 1)
        return error_set_at(err, STATUS_FORMAT, container->name, -1,
                            "expected %lld bytes of '%.80s', found %llu stored, which cannot hold them",
                            (long long)bytes, tensor->name, (unsigned long long)stored);
    if (!mem_grow((void **)&reader->datasets, &reader->capacity, reader->count + 1, sizeof(hid_t)))
        return no_memory(err);
    H5Iinc_ref(dataset);
    reader->datasets[reader->count] = dataset;
    tensor->member = (int64_t)reader->count++;
    return STATUS_OK;
}

static Status add_array(Container *container, const char *name, hid_t dataset, hid_t type, hid_t space, Error *err) {
    if (container->tensor_count >= HDF5_MAX_DATASETS)
        return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1, "expected at most %d datasets, found more",
                            HDF5_MAX_DATASETS);
    Tensor *tensor = container_add(container);
    if (!tensor || !(tensor->name = arena_copy_text(&container->arena, name, strlen(name)))) return no_memory(err);
    read_type(type, tensor);
    Status status = read_space(container, name, space, tensor, err);
    if (status == STATUS_OK && tensor->dtype != DTYPE_OTHER && tensor->ndim <= TENSOR_MAX_DIMS && tensor->count > 0)
        status = place_data(container, tensor, dataset, err);
    return status;
}

static herr_t on_object(hid_t root, const char *path, const H5O_info_t *info, void *user) {
    Visitor *visitor = user;
    char name[HDF5_NAME_SIZE];
    if (info->type != H5O_TYPE_DATASET || strlen(path) >= sizeof(name)) return 0;
    snprintf(name, sizeof(name), "%s", path);
    for (char *c = name; *c; c++)
        *c = *c == '/' ? '.' : (unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f ? '?' : *c;
    hid_t dataset = H5Dopen2(root, path, H5P_DEFAULT);
    if (dataset < 0) {
        visitor->status = damaged(visitor->container, name, visitor->err);
        return -1;
    }
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    if (type < 0 || space < 0)
        visitor->status = damaged(visitor->container, name, visitor->err);
    else if (H5Tget_class(type) == H5T_STRING)
        visitor->status = add_strings(visitor->container, name, dataset, type, space, visitor->err);
    else
        visitor->status = add_array(visitor->container, name, dataset, type, space, visitor->err);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return visitor->status == STATUS_OK ? 0 : -1;
}

/* Hard links only, so no other file is opened. */
static herr_t visit(hid_t file, Visitor *visitor) {
#if H5_VERSION_GE(1, 12, 0)
    return H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, on_object, visitor, H5O_INFO_BASIC);
#else
    return H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, on_object, visitor);
#endif
}

/* ---- the file -------------------------------------------------------------------------------- */

/* The path where that is the file, else its bytes. */
static Status open_file(Container *container, Hdf5Reader *reader, Error *err) {
    FileInfo info = {0};
    uint64_t size = bytes_size(container->source);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    Status status = STATUS_OK;
    bool there = file_path_info(container->path, &info, NULL) == STATUS_OK && info.size == size;
    if (!there && size > HDF5_MAX_IMAGE)
        status = error_set_at(err, STATUS_UNSUPPORTED, container->name, -1,
                              "expected an HDF5 file with a name, found a stream of more than 256 MB");
    if (!there && status == STATUS_OK) {
        reader->image = mem_alloc((size_t)size + 1);
        status = reader->image ? bytes_read(container->source, 0, reader->image, (size_t)size, err) : no_memory(err);
        if (status == STATUS_OK && (H5Pset_fapl_core(access, (size_t)1 << 20, 0) < 0 ||
                                    H5Pset_file_image(access, reader->image, (size_t)size) < 0))
            status = no_memory(err);
    }
    if (status == STATUS_OK) {
        reader->file = H5Fopen(there ? container->path : "image", H5F_ACC_RDONLY, access);
        if (reader->file < 0)
            status = error_set_at(err, STATUS_FORMAT, container->name, -1,
                                  "the HDF5 file is damaged or cut off: libhdf5 cannot open it");
    }
    H5Pclose(access);
    return status;
}

static Status hdf5_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    Visitor visitor = {.container = container, .err = err};
    Hdf5Reader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    container->reader = reader;
    if (!reader) return no_memory(err);
    reader->file = H5I_INVALID_HID;
    enter();
    Status status = open_file(container, reader, err);
    if (status == STATUS_OK && visit(reader->file, &visitor) < 0) {
        status = visitor.status;
        if (status == STATUS_OK)
            status = error_set_at(err, STATUS_FORMAT, container->name, -1, "the HDF5 file is damaged");
    }
    if (status == STATUS_OK) {
        hsize_t at = 0;
        hid_t root = H5Gopen2(reader->file, "/", H5P_DEFAULT);
        H5Aiterate2(root, H5_INDEX_NAME, H5_ITER_INC, &at, on_attribute, &visitor);
        H5Gclose(root);
        status = visitor.status;
    }
    leave();
    for (size_t i = 0; i < container->tensor_count && status == STATUS_OK; i++)
        if (container->tensors[i].dtype == DTYPE_BF16 &&
            !container_note(container, "two-byte opaque numbers are read as bfloat16"))
            status = no_memory(err);
    return status;
}

static void hdf5_close(void *reader_) {
    Hdf5Reader *reader = reader_;
    if (!reader) return;
    enter();
    for (size_t i = 0; i < reader->count; i++)
        H5Dclose(reader->datasets[i]);
    if (reader->file >= 0) H5Fclose(reader->file);
    leave();
    mem_free(reader->datasets);
    mem_free(reader->image);
    mem_free(reader);
}

/* ---- reading through the library ------------------------------------------------------------- */

/* Slabs in row-major order: whole along the last dimensions, some of dimension `split`, one of those before it. */
typedef struct Slabs {
    hsize_t start[TENSOR_MAX_DIMS], count[TENSOR_MAX_DIMS];
    int split;
    hsize_t step;
} Slabs;

static Slabs plan_slabs(const Tensor *tensor) {
    Slabs slabs = {.split = tensor->ndim - 1};
    hsize_t row = (hsize_t)tensor->item_size;
    while (slabs.split > 0 && row * (hsize_t)tensor->shape[slabs.split] <= HDF5_SLAB)
        row *= (hsize_t)tensor->shape[slabs.split--];
    if (slabs.split < 0) slabs.split = 0;
    slabs.step = HDF5_SLAB / row > 0 ? HDF5_SLAB / row : 1;
    for (int d = 0; d < tensor->ndim; d++)
        slabs.count[d] = d < slabs.split ? 1 : (hsize_t)tensor->shape[d];
    return slabs;
}

/* To the next slab; false after the last. */
static bool next_slab(Slabs *slabs, const Tensor *tensor) {
    slabs->start[slabs->split] += slabs->step;
    for (int d = slabs->split; slabs->start[d] >= (hsize_t)tensor->shape[d]; d--) {
        if (d == 0) return false;
        slabs->start[d] = 0;
        slabs->start[d - 1]++;
    }
    return true;
}

static Status copy_slabs(const Container *container, const Tensor *tensor, hid_t dataset, File *file,
                         const Progress *progress, Error *err) {
    char what[128];
    Slabs slabs = plan_slabs(tensor);
    uint64_t at = 0, total = (uint64_t)tensor->count * (uint64_t)tensor->item_size;
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    Status status = STATUS_OK;
    uint8_t *bytes = mem_alloc((size_t)(total < HDF5_SLAB ? total : HDF5_SLAB) + (size_t)tensor->item_size);
    if (!bytes) status = no_memory(err);
    snprintf(what, sizeof(what), "reading %.100s", tensor->name);
    for (bool more = true; more && status == STATUS_OK; more = next_slab(&slabs, tensor)) {
        hsize_t left = (hsize_t)tensor->shape[slabs.split] - slabs.start[slabs.split], points = 1;
        slabs.count[slabs.split] = slabs.step < left ? slabs.step : left;
        for (int d = 0; d < tensor->ndim; d++)
            points *= slabs.count[d];
        hid_t memory = H5Screate_simple(1, &points, NULL);
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, slabs.start, NULL, slabs.count, NULL) < 0 ||
            H5Dread(dataset, type, memory, space, H5P_DEFAULT, bytes) < 0)
            status = damaged(container, tensor->name, err);
        H5Sclose(memory);
        size_t size = (size_t)points * (size_t)tensor->item_size;
        if (status == STATUS_OK) status = file_write_at(file, at, bytes, size, err);
        at += size;
        if (status == STATUS_OK && progress && progress->report &&
            !progress->report(progress->user, what, (double)at / (double)total))
            status = error_set_at(err, STATUS_CANCELLED, container->name, -1, "opening was cancelled");
    }
    H5Sclose(space);
    H5Tclose(type);
    mem_free(bytes);
    return status;
}

static Status hdf5_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    File *file = NULL;
    ByteSource *source = NULL;
    if (!mem_grow((void **)&container->owned, &container->owned_capacity, container->owned_count + 1,
                  sizeof(ByteSource *)))
        return no_memory(err);
    Status status = file_open_temporary(NULL, &file, err);
    if (status != STATUS_OK) return status;
    enter();
    status = copy_slabs(container, tensor, ((const Hdf5Reader *)container->reader)->datasets[tensor->member], file,
                        progress, err);
    leave();
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    status = bytes_own_file(file, container->name, &source, err);
    if (status != STATUS_OK) return status;
    container->owned[container->owned_count++] = source;
    tensor->source = source;
    tensor->offset = 0;
    return STATUS_OK;
}

#endif

static bool looks_like_hdf5(const FormatHead *head) {
    return head->size >= 8 && !memcmp(head->bytes, "\x89HDF\r\n\x1a\n", 8);
}

const Format HDF5_FORMAT = {
    .name = "hdf5",
    .endings = {".h5", ".hdf5"},
    .place = 6,
    .help = ".h5",
    .looks_like = looks_like_hdf5,
    .open = hdf5_open,
    .materialise = hdf5_materialise,
    .close = hdf5_close,
};
