/* Opens a file by what its first bytes say (names lie). Formats that people are likely to try and that are not read get a
 * sentence of their own. */
#include "formats/internal.h"

/* In the order of asking. An archive that is not torch.save's is one of arrays; a safetensors file has no magic. */
static const Format *const FORMATS[] = {&NPY_FORMAT,  &TORCH_FORMAT, &NPZ_FORMAT,
                                        &HDF5_FORMAT, &JSON_FORMAT,  &SAFETENSORS_FORMAT};

static const char ACCEPTED[] = "expected .npy, .npz, .safetensors, .pt, .h5, or JSON of BertViz, CircuitsVis, Dodrio "
                               "or an API's answer";

/* The first bytes of formats that people may try. */
static Status refuse_unknown(const Container *container, const FormatHead *head, Error *err) {
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
        if (head->size >= KNOWN[i].length && !memcmp(head->bytes, KNOWN[i].magic, KNOWN[i].length))
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

/* Formats that look alike share their reader. */
static void ask(Container *container, const Format *format) {
    if (container->format && container->format->close != format->close) container_close_reader(container);
    container->format = format;
}

static Status open_as(Container *container, const Progress *progress, Error *err) {
    uint8_t bytes[FORMAT_HEAD_SIZE];
    uint64_t total = bytes_size(container->source);
    FormatHead head = {bytes, total < sizeof(bytes) ? (size_t)total : sizeof(bytes), container->name};
    if (total == 0) return error_set_at(err, STATUS_FORMAT, container->name, 0, "%s, found an empty file", ACCEPTED);
    Status status = bytes_read(container->source, 0, bytes, head.size, err);
    for (size_t i = 0; i < BASE_COUNT(FORMATS) && status == STATUS_OK; i++) {
        bool mine = FORMATS[i]->looks_like(&head);
        if (!mine) continue;
        ask(container, FORMATS[i]);
        if (FORMATS[i]->look_inside) status = FORMATS[i]->look_inside(container, &mine, err);
        if (status == STATUS_OK && mine) return FORMATS[i]->open(container, progress, err);
    }
    return status == STATUS_OK ? refuse_unknown(container, &head, err) : status;
}

Status formats_open(ByteSource *source, const char *path, const Progress *progress, Container *out, Error *err) {
    memset(out, 0, sizeof(*out));
    out->source = source;
    out->path = path;
    out->name = file_base_name(path);
    Status status = open_as(out, progress, err);
    if (status != STATUS_OK) {
        if (err && !err->file[0]) snprintf(err->file, sizeof(err->file), "%s", out->name);
        container_close(out);
    }
    return status;
}
