/* JSON as a stream: nothing is kept but names, tokens and shapes. Numbers go to an unlinked temporary file as f32 in
 * the order in which they come, which is the row-major order of the nested lists they are in, so that 1 GB of text
 * needs no more memory than a line of it.
 *
 *   { "attention": { "all": { "attn": [ [ [ [ 0.1, ... ] ] ] ] } } }
 *                                     ^ chain: lists within lists until an object or a scalar; one tensor if it
 *                                     holds numbers
 *
 * A chain must be rectangular. */
#include "formats/json.h"

enum {
    JSON_NAME_SIZE = 256,
    JSON_KEY_SIZE = 64,
    JSON_MAX_TENSORS = 8192,
    JSON_MAX_METADATA = 4096,
    JSON_MAX_TEXT = 64 << 20, /* bytes of tokens and other texts */
    JSON_FLOATS = 64 << 10,   /* a write to the temporary file */
};

/* An object or a list that is open. */
typedef struct Frame {
    bool list;
    char key[JSON_KEY_SIZE]; /* object: of the value that comes */
    int64_t count;           /* list: elements so far */
} Frame;

/* Lists within lists. */
typedef struct Chain {
    int base;                       /* the frame of the outermost */
    int dims;                       /* depth of its numbers; 0: none yet */
    int64_t sizes[TENSOR_MAX_DIMS]; /* -1: not known yet */
    uint64_t start;                 /* its first number, counted in the whole file */
    int64_t strings, others;
    bool broken;      /* not rectangular, and nothing that has to be */
    TextBuffer texts; /* JSON, of a flat list */
} Chain;

typedef struct Reader {
    Container *container;
    JsonStream stream;
    Frame frames[JSON_MAX_DEPTH];
    int depth;
    Chain chains[JSON_MAX_DEPTH];
    int chain_count;
    File *file;
    float *floats;
    size_t pending;  /* in `floats` */
    uint64_t stored; /* numbers in the file and pending */
    size_t texts;    /* bytes kept */
    bool gives_way;
    Error *err;
} Reader;

static int stop(Reader *reader, Status status) {
    return json_stream_stop(&reader->stream, status);
}

static int64_t position(const Reader *reader) {
    return json_stream_position(&reader->stream);
}

static int no_memory(Reader *reader) {
    return stop(reader, error_set(reader->err, STATUS_MEMORY, "not enough memory to read the JSON text"));
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The way to the value in frame `to`. */
static void path_of(const Reader *reader, int to, char out[JSON_NAME_SIZE]) {
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < to && at < JSON_NAME_SIZE; i++) {
        const Frame *frame = &reader->frames[i];
        const char *dot = at > 0 ? "." : "";
        if (frame->list)
            at += (size_t)snprintf(out + at, JSON_NAME_SIZE - at, "%s%lld", dot, (long long)frame->count - 1);
        else
            at += (size_t)snprintf(out + at, JSON_NAME_SIZE - at, "%s%s", dot, frame->key);
    }
}

/* ---- numbers to the temporary file ----------------------------------------------------------- */

static Status flush(Reader *reader) {
    Status status = STATUS_OK;
    if (reader->pending == 0) return STATUS_OK;
    if (!reader->file) status = file_open_temporary(NULL, &reader->file, reader->err);
    if (status == STATUS_OK)
        status = file_write_at(reader->file, (reader->stored - reader->pending) * sizeof(float), reader->floats,
                               reader->pending * sizeof(float), reader->err);
    reader->pending = 0;
    return status;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Every value passes here first: counts it in its list. */
static void begin_value(Reader *reader) {
    if (reader->depth > 0 && reader->frames[reader->depth - 1].list) reader->frames[reader->depth - 1].count++;
}

static bool in_list(const Reader *reader) {
    return reader->depth > 0 && reader->frames[reader->depth - 1].list;
}

/* Attention must be rectangular; other lists are passed over when they are not. */
static int ragged(Reader *reader, Chain *chain, const char *what) {
    char path[JSON_NAME_SIZE], place[JSON_KEY_SIZE + 64] = "";
    path_of(reader, chain->base, path);
    if (path[0]) snprintf(place, sizeof(place), " in '%.100s'", path);
    chain->broken = true;
    if (path[0] && names_meaning(path).role == ROLE_NONE) return 1;
    return stop(reader, error_set_at(reader->err, STATUS_FORMAT, reader->container->name, position(reader),
                                     "expected lists of equal depth and length%s, found %s", place, what));
}

static int add_number(Reader *reader, float value) {
    begin_value(reader);
    if (!in_list(reader)) return 1;
    Chain *chain = &reader->chains[reader->chain_count - 1];
    int dims = reader->depth - chain->base;
    if (chain->broken) return 1;
    if (chain->strings + chain->others > 0 && dims == 1) return 1; /* a list of this and that: not ours */
    if (chain->strings + chain->others > 0 || (chain->dims != 0 && chain->dims != dims))
        return ragged(reader, chain, "a number beside something else");
    if (dims > TENSOR_MAX_DIMS) return ragged(reader, chain, "numbers more than eight lists deep");
    if (chain->dims == 0) chain->start = reader->stored;
    chain->dims = dims;
    if (reader->pending == JSON_FLOATS) {
        Status status = flush(reader);
        if (status != STATUS_OK) return stop(reader, status);
    }
    reader->floats[reader->pending++] = value;
    reader->stored++;
    return 1;
}

static int on_number(void *user, const char *text, size_t length) {
    Reader *reader = user;
    char path[JSON_NAME_SIZE], value[64];
    if (in_list(reader)) return add_number(reader, json_float(text, length));
    if (reader->depth == 0 || reader->container->metadata_count >= JSON_MAX_METADATA) return 1;
    path_of(reader, reader->depth, path);
    snprintf(value, sizeof(value), "%.*s", (int)length, text);
    if (!container_add_metadata(reader->container, path, value, strlen(value))) return no_memory(reader);
    return 1;
}

static int on_null(void *user) {
    Reader *reader = user;
    return in_list(reader) ? add_number(reader, NAN) : 1;
}

static int on_boolean(void *user, int value) {
    Reader *reader = user;
    return in_list(reader) ? add_number(reader, value ? 1.0f : 0.0f) : 1;
}

static void append_string(TextBuffer *json, const char *text, size_t length) {
    text_append(json, "\"");
    for (size_t from = 0, i = 0; i <= length; i++) {
        if (i < length && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
        text_append_bytes(json, text + from, i - from);
        if (i < length) text_appendf(json, "\\u%04x", (unsigned)(unsigned char)text[i]);
        from = i + 1;
    }
    text_append(json, "\"");
}

static int on_string(void *user, const unsigned char *bytes, size_t length) {
    Reader *reader = user;
    const char *text = (const char *)bytes;
    char path[JSON_NAME_SIZE];
    begin_value(reader);
    reader->texts += length + 8;
    if (reader->texts > JSON_MAX_TEXT)
        return stop(reader, error_set_at(reader->err, STATUS_UNSUPPORTED, reader->container->name, position(reader),
                                         "expected at most 64 MB of texts beside the numbers, found more"));
    if (in_list(reader)) {
        Chain *chain = &reader->chains[reader->chain_count - 1];
        if (chain->broken) return 1;
        if (chain->dims > 1) return ragged(reader, chain, "a text beside numbers");
        if (reader->depth - chain->base > 1) {
            chain->others++;
            return 1;
        }
        text_append(&chain->texts, chain->strings++ ? "," : "[");
        append_string(&chain->texts, text, length);
        return chain->texts.failed ? no_memory(reader) : 1;
    }
    if (reader->depth == 0 || reader->container->metadata_count >= JSON_MAX_METADATA) return 1;
    path_of(reader, reader->depth, path);
    if (!container_add_metadata(reader->container, path, text, length)) return no_memory(reader);
    return 1;
}

/* ---- lists and objects ----------------------------------------------------------------------- */

static Frame *push_frame(Reader *reader, bool list) {
    if (reader->depth == JSON_MAX_DEPTH) {
        stop(reader, error_set_at(reader->err, STATUS_FORMAT, reader->container->name, position(reader),
                                  "expected JSON at most %d levels deep, found more", JSON_MAX_DEPTH));
        return NULL;
    }
    Frame *frame = &reader->frames[reader->depth++];
    frame->list = list;
    frame->key[0] = '\0';
    frame->count = 0;
    return frame;
}

static int on_list(void *user) {
    Reader *reader = user;
    bool inner = in_list(reader);
    begin_value(reader);
    if (!push_frame(reader, true)) return 0;
    if (inner) return 1;
    Chain *chain = &reader->chains[reader->chain_count++];
    memset(chain, 0, sizeof(*chain));
    chain->base = reader->depth - 1;
    for (int d = 0; d < TENSOR_MAX_DIMS; d++)
        chain->sizes[d] = -1;
    return 1;
}

static int add_tensor(Reader *reader, Chain *chain, const char *path) {
    Container *container = reader->container;
    if (container->tensor_count >= JSON_MAX_TENSORS)
        return stop(reader, error_set_at(reader->err, STATUS_UNSUPPORTED, container->name, position(reader),
                                         "expected at most %d lists of numbers, found more", JSON_MAX_TENSORS));
    Tensor *tensor = container_add(container);
    if (!tensor || !(tensor->name = arena_copy_text(&container->arena, path, strlen(path)))) return no_memory(reader);
    tensor->dtype = DTYPE_F32;
    tensor->item_size = (int)sizeof(float);
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "JSON number");
    tensor->ndim = chain->dims;
    for (int d = 0; d < chain->dims; d++)
        tensor->shape[d] = chain->sizes[d];
    tensor->offset = chain->start * sizeof(float);
    if (!tensor_strides(tensor, false)) return ragged(reader, chain, "more numbers than fit");
    return 1;
}

/* Flat lists are wanted only where they say which layers and heads these are, or hold token ids. */
static bool wants_flat(const char *path) {
    Role role = names_meaning(path).role;
    const char *dot = strrchr(path, '.'), *leaf = dot ? dot + 1 : path;
    return role == ROLE_TOKENS || role == ROLE_Q_TOKENS || role == ROLE_K_TOKENS || !strcmp(leaf, "include_layers") ||
           !strcmp(leaf, "include_heads");
}

static int finish_chain(Reader *reader, Chain *chain) {
    char path[JSON_NAME_SIZE];
    int going = 1;
    path_of(reader, chain->base, path);
    if (chain->strings > 0 && chain->others == 0 && chain->dims == 0 && !chain->broken) {
        text_append(&chain->texts, "]");
        if (chain->texts.failed ||
            (reader->container->metadata_count < JSON_MAX_METADATA &&
             !container_add_metadata(reader->container, path, chain->texts.text, chain->texts.length)))
            going = no_memory(reader);
    } else if (chain->strings == 0 && !chain->broken && (chain->dims > 1 || (chain->dims == 1 && wants_flat(path)))) {
        going = add_tensor(reader, chain, path);
    } else if (chain->dims > 0 && reader->stored - chain->start <= reader->pending) {
        reader->pending -= (size_t)(reader->stored - chain->start); /* not wanted, and not written yet */
        reader->stored = chain->start;
    }
    text_buffer_free(&chain->texts);
    reader->chain_count--;
    return going;
}

static int on_list_end(void *user) {
    Reader *reader = user;
    Chain *chain = &reader->chains[reader->chain_count - 1];
    int dim = reader->depth - 1 - chain->base;
    int64_t count = reader->frames[reader->depth - 1].count;
    if (chain->strings + chain->others == 0 && dim < TENSOR_MAX_DIMS && !chain->broken) {
        char what[96] = "an empty list beside numbers";
        bool beside = chain->dims > 0 && dim >= chain->dims;
        bool differs = chain->sizes[dim] >= 0 && chain->sizes[dim] != count;
        if (differs && !beside)
            snprintf(what, sizeof(what), "%lld and then %lld elements in dimension %d", (long long)chain->sizes[dim],
                     (long long)count, dim + 1);
        if ((beside || differs) && !ragged(reader, chain, what)) return 0;
        chain->sizes[dim] = count;
    }
    if (dim == 0 && !finish_chain(reader, chain)) return 0;
    reader->depth--;
    return 1;
}

static int on_object(void *user) {
    Reader *reader = user;
    begin_value(reader);
    if (in_list(reader)) {
        Chain *chain = &reader->chains[reader->chain_count - 1];
        if (chain->dims > 0 && !ragged(reader, chain, "an object beside numbers")) return 0;
        chain->others++;
    }
    return push_frame(reader, false) != NULL;
}

/* Attention that has come so far: lists within lists, kept or being read. */
static bool any_numbers(const Reader *reader) {
    bool any = false;
    for (size_t i = 0; i < reader->container->tensor_count; i++)
        any |= reader->container->tensors[i].ndim > 1;
    for (int i = 0; i < reader->chain_count; i++)
        any |= reader->chains[i].dims > 1;
    return any;
}

static int on_key(void *user, const unsigned char *bytes, size_t length) {
    Reader *reader = user;
    char *key = reader->frames[reader->depth - 1].key;
    snprintf(key, JSON_KEY_SIZE, "%.*s", (int)(length < JSON_KEY_SIZE ? length : JSON_KEY_SIZE - 1),
             (const char *)bytes);
    for (; *key; key++)
        if ((unsigned char)*key < 0x20 || *key == '.') *key = '_';
    if (reader->gives_way && strip_is_key(reader->frames[reader->depth - 1].key) && !any_numbers(reader))
        return stop(reader, error_set(reader->err, STATUS_NOT_FOUND, "the file holds probabilities"));
    return 1;
}

static int on_object_end(void *user) {
    Reader *reader = user;
    reader->depth--;
    return 1;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The temporary file becomes the source of all tensors. */
static Status own_numbers(Reader *reader) {
    Container *container = reader->container;
    ByteSource *numbers = NULL;
    if (!reader->file) return STATUS_OK;
    if (!mem_grow((void **)&container->owned, &container->owned_capacity, container->owned_count + 1,
                  sizeof(ByteSource *)))
        return error_set(reader->err, STATUS_MEMORY, "not enough memory to read the JSON text");
    Status status = bytes_own_file(reader->file, container->name, &numbers, reader->err);
    reader->file = NULL;
    if (status != STATUS_OK) return status;
    container->owned[container->owned_count++] = numbers;
    for (size_t i = 0; i < container->tensor_count; i++)
        container->tensors[i].source = numbers;
    return STATUS_OK;
}

Status json_read(Container *container, bool gives_way, const Progress *progress, Error *err) {
    static const yajl_callbacks CALLBACKS = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_object,
        .yajl_map_key = on_key,
        .yajl_end_map = on_object_end,
        .yajl_start_array = on_list,
        .yajl_end_array = on_list_end,
    };
    Status status = STATUS_OK;
    Reader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    if (reader) reader->floats = mem_alloc(JSON_FLOATS * sizeof(float));
    if (!reader || !reader->floats) {
        status = error_set(err, STATUS_MEMORY, "not enough memory to read the JSON text");
        goto done;
    }
    reader->container = container;
    reader->err = err;
    reader->gives_way = gives_way;
    reader->stream = (JsonStream){.container = container, .callbacks = &CALLBACKS, .user = reader, .err = err};
    status = json_stream_run(&reader->stream, progress);
    if (status == STATUS_OK) status = flush(reader);
    if (status == STATUS_OK) status = own_numbers(reader);
done:
    for (int i = 0; reader && i < reader->chain_count; i++)
        text_buffer_free(&reader->chains[i].texts);
    if (reader) {
        file_close(reader->file);
        mem_free(reader->floats);
    }
    mem_free(reader);
    return status;
}

bool json_integers(const Tensor *tensor, int *out, size_t room) {
    float value = 0.0f;
    if (tensor->ndim != 1 || !tensor->source) return false;
    for (int64_t i = 0; i < tensor->count && (size_t)i < room; i++) {
        if (bytes_read(tensor->source, tensor->offset + (uint64_t)i * sizeof(value), &value, sizeof(value), NULL) !=
                STATUS_OK ||
            !(value >= 0.0f && value < 16777216.0f) || value != floorf(value))
            return false;
        out[i] = (int)value;
    }
    return true;
}

size_t json_values(const char *text, size_t length) {
    size_t values = 1;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == ',' || text[i] == '[' || text[i] == '{') {
            values++;
        }
    }
    return values;
}
