/* JSON as a stream: nothing is kept but names, tokens and shapes. Numbers go to an unlinked temporary file as f32 in
 * the order in which they come, which is the row-major order of the nested lists they are in, so that 1 GB of text
 * needs no more memory than a line of it.
 *
 *   { "attention": { "all": { "attn": [ [ [ [ 0.1, ... ] ] ] ] } } }
 *                                     ^ chain: lists within lists until an object or a scalar; one tensor if it
 *                                     holds numbers
 *
 * A chain must be rectangular. What Python's json writes against the standard (NaN, Infinity) is translated before
 * the parser sees it; the same pass bounds the length of a token, since the parser would collect a gigabyte of one. */
#include "capture/json.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

enum {
    JSON_CHUNK = 256 << 10,
    JSON_MAX_DEPTH = 64,
    JSON_NAME_SIZE = 256,
    JSON_KEY_SIZE = 64,
    JSON_MAX_STRING = 1 << 20,
    JSON_MAX_NUMBER = 512, /* characters */
    JSON_MAX_TENSORS = 8192,
    JSON_MAX_METADATA = 4096,
    JSON_MAX_TEXT = 64 << 20, /* bytes of tokens and other texts */
    BYTE_ORDER_MARK = 3,
    JSON_FLOATS = 64 << 10, /* a write to the temporary file */
};

/* An object or a list that is open. */
typedef struct Frame {
    bool list;
    char key[JSON_KEY_SIZE]; /* object: of the value that comes */
    int64_t count;           /* list: elements so far */
} Frame;

/* Lists within lists. */
typedef struct Chain {
    int base;                        /* the frame of the outermost */
    int dims;                        /* depth of its numbers; 0: none yet */
    int64_t sizes[CAPTURE_MAX_DIMS]; /* -1: not known yet */
    uint64_t start;                  /* its first number, counted in the whole file */
    int64_t strings, others;
    bool broken;      /* not rectangular, and nothing that has to be */
    TextBuffer texts; /* JSON, of a flat list */
} Chain;

typedef struct Reader {
    Container *container;
    yajl_handle parser;
    Frame frames[JSON_MAX_DEPTH];
    int depth;
    Chain chains[JSON_MAX_DEPTH];
    int chain_count;
    File *file;
    float *floats;
    size_t pending;  /* in `floats` */
    uint64_t stored; /* numbers in the file and pending */
    uint64_t chunk;  /* where the chunk that is parsed begins */
    size_t texts;    /* bytes kept */
    Status status;   /* why a callback stopped the parser */
    Error *err;
} Reader;

static int stop(Reader *reader, Status status) {
    reader->status = status;
    return 0;
}

static int64_t position(const Reader *reader) {
    return (int64_t)(reader->chunk + yajl_get_bytes_consumed(reader->parser));
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

/* Decimal text as f32. The digits fit 64 bits and 10^22 is exact, so one product or quotient in f64 is off by less than
 * 2^-51 of itself; where that could not change the nearest f32, it is the answer (after Clinger 1990). Else strtod. */
static float to_float(const char *text, size_t length) {
    static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    static const double OFF = 1.0 / (double)(UINT64_C(1) << 50);
    enum { MAX_DIGITS = 19 };
    char copy[JSON_MAX_NUMBER + 1];
    uint64_t mantissa = 0;
    int exponent = 0, sign = 1, written = 0, digits = 0;
    size_t i = text[0] == '-';
    bool fraction = false;
    for (; i < length && ((text[i] >= '0' && text[i] <= '9') || text[i] == '.'); i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        digits += mantissa > 0 || text[i] != '0';
        if (digits > MAX_DIGITS) break;
        mantissa = mantissa * 10 + (uint64_t)(text[i] - '0');
        exponent -= fraction;
    }
    if (digits <= MAX_DIGITS && i < length && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (text[i] == '-' || text[i] == '+') sign = text[i++] == '-' ? -1 : 1;
        for (; i < length && written < 10000; i++)
            written = written * 10 + (text[i] - '0');
        exponent += sign * written;
    }
    if (digits <= MAX_DIGITS && exponent >= -22 && exponent <= 22) {
        double value = exponent < 0 ? (double)mantissa / POWERS[-exponent] : (double)mantissa * POWERS[exponent];
        float low = (float)(value * (1.0 - OFF)), high = (float)(value * (1.0 + OFF));
        if (low == high) return text[0] == '-' ? -low : low;
    }
    size_t size = length < JSON_MAX_NUMBER ? length : JSON_MAX_NUMBER;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return (float)strtod(copy, NULL);
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
    if (path[0] && capture_name_meaning(path).role == ROLE_NONE) return 1;
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
    if (dims > CAPTURE_MAX_DIMS) return ragged(reader, chain, "numbers more than eight lists deep");
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
    if (in_list(reader)) return add_number(reader, to_float(text, length));
    if (reader->depth == 0 || reader->container->metadata_count >= JSON_MAX_METADATA) return 1;
    path_of(reader, reader->depth, path);
    snprintf(value, sizeof(value), "%.*s", (int)length, text);
    if (!capture_container_add_metadata(reader->container, path, value, strlen(value))) return no_memory(reader);
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
    if (!capture_container_add_metadata(reader->container, path, text, length)) return no_memory(reader);
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
    for (int d = 0; d < CAPTURE_MAX_DIMS; d++)
        chain->sizes[d] = -1;
    return 1;
}

static int add_tensor(Reader *reader, Chain *chain, const char *path) {
    Container *container = reader->container;
    if (container->tensor_count >= JSON_MAX_TENSORS)
        return stop(reader, error_set_at(reader->err, STATUS_UNSUPPORTED, container->name, position(reader),
                                         "expected at most %d lists of numbers, found more", JSON_MAX_TENSORS));
    Tensor *tensor = capture_container_add(container);
    if (!tensor || !(tensor->name = arena_copy_text(&container->arena, path, strlen(path)))) return no_memory(reader);
    tensor->dtype = DTYPE_F32;
    tensor->item_size = (int)sizeof(float);
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "JSON number");
    tensor->ndim = chain->dims;
    for (int d = 0; d < chain->dims; d++)
        tensor->shape[d] = chain->sizes[d];
    tensor->offset = chain->start * sizeof(float);
    if (!capture_tensor_strides(tensor, false)) return ragged(reader, chain, "more numbers than fit");
    return 1;
}

/* Flat lists are wanted only where they say which layers and heads these are, or hold token ids. */
static bool wants_flat(const char *path) {
    Role role = capture_name_meaning(path).role;
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
             !capture_container_add_metadata(reader->container, path, chain->texts.text, chain->texts.length)))
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
    if (chain->strings + chain->others == 0 && dim < CAPTURE_MAX_DIMS && !chain->broken) {
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
        if (chain->dims > 0) return ragged(reader, chain, "an object beside numbers");
        chain->others++;
    }
    return push_frame(reader, false) != NULL;
}

static int on_key(void *user, const unsigned char *bytes, size_t length) {
    Reader *reader = user;
    char *key = reader->frames[reader->depth - 1].key;
    snprintf(key, JSON_KEY_SIZE, "%.*s", (int)(length < JSON_KEY_SIZE ? length : JSON_KEY_SIZE - 1),
             (const char *)bytes);
    for (; *key; key++)
        if ((unsigned char)*key < 0x20 || *key == '.') *key = '_';
    return 1;
}

static int on_object_end(void *user) {
    Reader *reader = user;
    reader->depth--;
    return 1;
}

/* ---- the stream ------------------------------------------------------------------------------ */

/* Translates NaN to null and Infinity to a number beyond all others, and bounds tokens. */
typedef struct Filter {
    bool in_string, escaped;
    size_t token;     /* bytes of the token so far */
    const char *skip; /* the rest of a word that was translated */
    unsigned char *out;
    size_t length;
} Filter;

enum { FILTER_GROWTH = 5 }; /* bytes that one may become */

static void filter_byte(Filter *filter, unsigned char c) {
    if (filter->in_string) {
        filter->token++;
        if (filter->escaped)
            filter->escaped = false;
        else if (c == '\\')
            filter->escaped = true;
        else if (c == '"')
            filter->in_string = false;
        if (!filter->in_string) filter->token = 0;
        filter->out[filter->length++] = c;
        return;
    }
    if (filter->skip && *filter->skip && *filter->skip == (char)c) {
        filter->skip++;
        return;
    }
    filter->skip = NULL;
    if ((c >= '0' && c <= '9') || c == '.') {
        filter->token++;
        filter->out[filter->length++] = c;
        return;
    }
    bool between = c == '"' || c <= ' ' || c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}';
    filter->token = between ? 0 : filter->token + 1;
    filter->in_string = c == '"';
    if (c == 'N' || c == 'I') {
        const char *word = c == 'N' ? "null" : "1e999";
        filter->skip = c == 'N' ? "aN" : "nfinity";
        memcpy(filter->out + filter->length, word, strlen(word));
        filter->length += strlen(word);
        return;
    }
    filter->out[filter->length++] = c;
}

static Status too_long(const Reader *reader, const Filter *filter) {
    return error_set_at(reader->err, STATUS_FORMAT, reader->container->name, (int64_t)reader->chunk,
                        filter->in_string ? "expected texts of at most %d bytes, found a longer one"
                                          : "expected numbers of at most %d characters, found a longer one",
                        filter->in_string ? JSON_MAX_STRING : JSON_MAX_NUMBER);
}

/* The parser's own words, without their full stop. */
static Status parse_failed(Reader *reader, yajl_status result) {
    char words[160];
    if (result == yajl_status_client_canceled) return reader->status;
    unsigned char *text = yajl_get_error(reader->parser, 0, NULL, 0);
    snprintf(words, sizeof(words), "%s", text ? (const char *)text : "a parse error");
    if (text) yajl_free_error(reader->parser, text);
    words[strcspn(words, ".\n")] = '\0';
    return error_set_at(reader->err, STATUS_FORMAT, reader->container->name, position(reader), "not valid JSON: %s",
                        words);
}

static Status parse_chunk(Reader *reader, Filter *filter, const unsigned char *bytes, size_t size) {
    filter->length = 0;
    for (size_t i = 0; i < size; i++) {
        filter_byte(filter, bytes[i]);
        if (filter->token > (filter->in_string ? JSON_MAX_STRING : JSON_MAX_NUMBER)) return too_long(reader, filter);
    }
    yajl_status result = yajl_parse(reader->parser, filter->out, filter->length);
    return result == yajl_status_ok ? STATUS_OK : parse_failed(reader, result);
}

static Status parse_all(Reader *reader, unsigned char *chunk, Filter *filter, const Progress *progress) {
    const ByteSource *source = reader->container->source;
    uint64_t total = capture_bytes_size(source);
    if (chunk[0] == 0xef) reader->chunk = BYTE_ORDER_MARK;
    while (reader->chunk < total) {
        size_t size = total - reader->chunk < JSON_CHUNK ? (size_t)(total - reader->chunk) : JSON_CHUNK;
        Status status = capture_bytes_read(source, reader->chunk, chunk, size, reader->err);
        if (status == STATUS_OK) status = parse_chunk(reader, filter, chunk, size);
        if (status != STATUS_OK) return status;
        reader->chunk += size;
        if (progress && progress->report &&
            !progress->report(progress->user, "reading JSON", (double)reader->chunk / (double)total))
            return error_set_at(reader->err, STATUS_CANCELLED, reader->container->name, -1, "opening was cancelled");
    }
    yajl_status result = yajl_complete_parse(reader->parser);
    if (result != yajl_status_ok) return parse_failed(reader, result);
    return flush(reader);
}

/* The temporary file becomes the source of all tensors. */
static Status own_numbers(Reader *reader) {
    Container *container = reader->container;
    ByteSource *numbers = NULL;
    if (!reader->file) return STATUS_OK;
    if (!mem_grow((void **)&container->owned, &container->owned_capacity, container->owned_count + 1,
                  sizeof(ByteSource *)))
        return error_set(reader->err, STATUS_MEMORY, "not enough memory to read the JSON text");
    Status status = capture_bytes_own_file(reader->file, container->name, &numbers, reader->err);
    reader->file = NULL;
    if (status != STATUS_OK) return status;
    container->owned[container->owned_count++] = numbers;
    for (size_t i = 0; i < container->tensor_count; i++)
        container->tensors[i].source = numbers;
    return STATUS_OK;
}

Status json_read(Container *container, const Progress *progress, Error *err) {
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
    Filter filter = {0};
    Reader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    unsigned char *chunk = mem_alloc(JSON_CHUNK);
    filter.out = mem_alloc((size_t)JSON_CHUNK * FILTER_GROWTH);
    if (reader) reader->floats = mem_alloc(JSON_FLOATS * sizeof(float));
    if (reader && reader->floats) reader->parser = yajl_alloc(&CALLBACKS, NULL, reader);
    if (!reader || !reader->floats || !chunk || !filter.out || !reader->parser) {
        status = error_set(err, STATUS_MEMORY, "not enough memory to read the JSON text");
        goto done;
    }
    reader->container = container;
    reader->err = err;
    status = capture_bytes_read(container->source, 0, chunk, 1, err);
    if (status == STATUS_OK) status = parse_all(reader, chunk, &filter, progress);
    if (status == STATUS_OK) status = own_numbers(reader);
done:
    for (int i = 0; reader && i < reader->chain_count; i++)
        text_buffer_free(&reader->chains[i].texts);
    if (reader && reader->parser) yajl_free(reader->parser);
    if (reader) {
        file_close(reader->file);
        mem_free(reader->floats);
    }
    mem_free(reader);
    mem_free(chunk);
    mem_free(filter.out);
    return status;
}

bool json_integers(const Tensor *tensor, int *out, size_t room) {
    float value = 0.0f;
    if (tensor->ndim != 1 || !tensor->source) return false;
    for (int64_t i = 0; i < tensor->count && (size_t)i < room; i++) {
        if (capture_bytes_read(tensor->source, tensor->offset + (uint64_t)i * sizeof(value), &value, sizeof(value),
                               NULL) != STATUS_OK ||
            !(value >= 0.0f && value < 16777216.0f) || value != floorf(value))
            return false;
        out[i] = (int)value;
    }
    return true;
}
