/* Opens a file by what its first bytes say (names lie). Formats that people are likely to try and that are not read get a
 * sentence of their own. */
#include "formats/internal.h"

/* In the order of asking. An archive that is not torch.save's is one of arrays; a safetensors file has no magic. */
static const Format *const FORMATS[] = {&NPY_FORMAT,  &TORCH_FORMAT,       &NPZ_FORMAT, &HDF5_FORMAT,
                                        &JSON_FORMAT, &SAFETENSORS_FORMAT, NULL};

const Format *const *formats_all(void) {
    return FORMATS;
}

/* ---- names, and what people are told --------------------------------------------------------- */

static bool ends_nocase(const char *name, const char *ending) {
    const size_t length = strlen(name), tail = strlen(ending);
    return length > tail && text_equal_nocase(name + length - tail, ending);
}

bool formats_know(const Format *const *formats, const char *name) {
    for (formats = formats ? formats : FORMATS; *formats; formats++)
        for (const char *const *ending = (*formats)->endings; *ending; ending++)
            if (ends_nocase(name, *ending)) return true;
    return false;
}

bool formats_in_folder(const Format *const *formats, const char *name) {
    for (formats = formats ? formats : FORMATS; *formats; formats++)
        for (int i = 0; i < (*formats)->folder_endings; i++)
            if (text_ends_with(name, (*formats)->endings[i])) return true;
    return false;
}

/* The format after `last` (NULL: the first) in lists for people; equal places are in the order of asking. */
static const Format *next_shown(const Format *const *formats, const Format *last) {
    const Format *next = NULL;
    bool passed = false;
    for (; *formats; formats++) {
        const Format *format = *formats;
        const bool after = !last || format->place > last->place || (format->place == last->place && passed);
        if (format != last && after && (!next || format->place < next->place)) next = format;
        passed |= format == last;
    }
    return next;
}

static void put(char *out, size_t out_size, const char *separator, const char *text) {
    const size_t length = strlen(out);
    snprintf(out + length, out_size - length, "%s%s", length > 0 ? separator : "", text);
}

const char *formats_patterns(const Format *const *formats, char *out, size_t out_size) {
    out[0] = '\0';
    formats = formats ? formats : FORMATS;
    for (const Format *format = NULL; (format = next_shown(formats, format));)
        for (const char *const *ending = format->endings; *ending; ending++) {
            put(out, out_size, " ", "*");
            put(out, out_size, "", *ending);
        }
    return out;
}

const char *formats_endings(const Format *const *formats, char *out, size_t out_size) {
    out[0] = '\0';
    formats = formats ? formats : FORMATS;
    for (const Format *format = NULL; (format = next_shown(formats, format));)
        put(out, out_size, ", ", format->endings[0]);
    return out;
}

const char *formats_folder_endings(const Format *const *formats, char *out, size_t out_size) {
    const char *held = NULL; /* one behind, since the last is joined by "or" */
    out[0] = '\0';
    formats = formats ? formats : FORMATS;
    for (const Format *format = NULL; (format = next_shown(formats, format));) {
        if (format->folder_endings == 0) continue;
        if (held) put(out, out_size, ", ", held);
        held = format->endings[0];
    }
    if (held) put(out, out_size, " or ", held);
    return out;
}

const char *formats_help(const Format *const *formats, char *out, size_t out_size) {
    out[0] = '\0';
    formats = formats ? formats : FORMATS;
    for (const Format *format = NULL; (format = next_shown(formats, format));) {
        if (format->help) put(out, out_size, ", ", format->help);
        for (const char *const *ending = format->endings; !format->help && *ending; ending++)
            put(out, out_size, ", ", *ending);
    }
    return out;
}

/* "expected .npy, .npz, or JSON of ...": those that have a phrase of their own come last. */
static const char *accepted(const Format *const *formats, char *out, size_t out_size) {
    const char *phrase = NULL;
    out[0] = '\0';
    for (const Format *format = NULL; (format = next_shown(formats, format));)
        if (!format->called) put(out, out_size, ", ", format->endings[0]);
    for (const Format *format = NULL; (format = next_shown(formats, format));) {
        if (!format->called) continue;
        if (phrase) put(out, out_size, ", ", phrase);
        phrase = format->called;
    }
    if (phrase) put(out, out_size, ", or ", phrase);
    return out;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The first bytes of formats that people may try. */
static Status refuse_unknown(const Format *const *formats, const Container *container, const FormatHead *head,
                             Error *err) {
    char known[FORMATS_TEXT_SIZE];
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
            return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1, "expected %s, %s",
                                accepted(formats, known, sizeof(known)), KNOWN[i].sentence);
    for (size_t i = 0; formats[i]; i++)
        for (const char *const *ending = formats[i]->endings; formats[i]->misnamed && *ending; ending++)
            if (text_ends_with(container->name, *ending))
                return error_set_at(err, STATUS_FORMAT, container->name, 0, "expected %s, found other bytes",
                                    formats[i]->misnamed);
    return error_set_at(err, STATUS_UNSUPPORTED, container->name, 0, "expected %s, found bytes of no format known here",
                        accepted(formats, known, sizeof(known)));
}

/* Formats that look alike share their reader. */
static void ask(Container *container, const Format *format) {
    if (container->format && container->format->close != format->close) container_close_reader(container);
    container->format = format;
}

static Status open_as(const Format *const *formats, Container *container, const Progress *progress, Error *err) {
    char known[FORMATS_TEXT_SIZE];
    uint8_t bytes[FORMAT_HEAD_SIZE];
    uint64_t total = bytes_size(container->source);
    FormatHead head = {bytes, total < sizeof(bytes) ? (size_t)total : sizeof(bytes), container->name};
    if (total == 0)
        return error_set_at(err, STATUS_FORMAT, container->name, 0, "expected %s, found an empty file",
                            accepted(formats, known, sizeof(known)));
    Status status = bytes_read(container->source, 0, bytes, head.size, err);
    for (size_t i = 0; formats[i] && status == STATUS_OK; i++) {
        bool mine = formats[i]->looks_like(&head);
        if (!mine) continue;
        ask(container, formats[i]);
        if (formats[i]->look_inside) status = formats[i]->look_inside(container, &mine, err);
        if (status == STATUS_OK && mine) return formats[i]->open(container, progress, err);
    }
    return status == STATUS_OK ? refuse_unknown(formats, container, &head, err) : status;
}

Status formats_open(const Format *const *formats, ByteSource *source, const char *path, const Progress *progress,
                    Container *out, Error *err) {
    memset(out, 0, sizeof(*out));
    out->source = source;
    out->path = path;
    out->name = file_base_name(path);
    Status status = open_as(formats ? formats : FORMATS, out, progress, err);
    if (status != STATUS_OK) {
        if (err && !err->file[0]) snprintf(err->file, sizeof(err->file), "%s", out->name);
        container_close(out);
    }
    return status;
}
