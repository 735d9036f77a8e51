/* What stands between a file and the JSON parser.
 *
 *   chunk of the file --filter--> yajl --> callbacks of a reader
 *
 * What Python's json writes against the standard (NaN, Infinity) is translated before the parser sees it; the same pass
 * bounds the length of a token, since the parser would collect a gigabyte of one. Where a reader takes several values,
 * they may also come as server-sent events, the way APIs stream their answers: "data: {...}" a line, other fields
 * and comments dropped. Everything is incremental: a chunk may end anywhere. */
#include "formats/json.h"

#include <stdlib.h>

enum {
    JSON_CHUNK = 256 << 10,
    BYTE_ORDER_MARK = 3,
    FILTER_GROWTH = 5, /* bytes that one may become */
    FIELD_NAME = 8,    /* characters of the longest field name, "retry", and more */
};

int json_stream_stop(JsonStream *stream, Status status) {
    stream->status = status;
    return 0;
}

int64_t json_stream_position(const JsonStream *stream) {
    return (int64_t)(stream->chunk + yajl_get_bytes_consumed(stream->parser));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Decimal text as f32. The digits fit 64 bits and 10^22 is exact, so one product or quotient in f64 is off by less than
 * 2^-51 of itself; where that could not change the nearest f32, it is the answer (after Clinger 1990). Else strtod. */
float json_float(const char *text, size_t length) {
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

/* ---- the filter ------------------------------------------------------------------------------ */

/* Where between two values the filter is. */
typedef enum Field { FIELD_NONE, FIELD_NAMED, FIELD_DATA, FIELD_BRACKET, FIELD_SKIPPED } Field;

typedef struct Filter {
    bool in_string, escaped;
    size_t token;     /* bytes of the token so far */
    const char *skip; /* the rest of a word that was translated */
    unsigned char *out;
    size_t length;

    bool several, sent_events;
    int64_t depth; /* of brackets; fields of events are looked for at 0 only */
    Field field;
    char name[FIELD_NAME + 1];
    size_t name_length;
    bool stray; /* a word between values that is no field */
} Filter;

static void emit(Filter *filter, const char *bytes, size_t length) {
    memcpy(filter->out + filter->length, bytes, length);
    filter->length += length;
}

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
    if (c == '[' || c == '{') filter->depth++;
    if (c == ']' || c == '}') filter->depth--;
    bool between = c == '"' || c <= ' ' || c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}';
    filter->token = between ? 0 : filter->token + 1;
    filter->in_string = c == '"';
    if (c == 'N' || c == 'I') {
        filter->skip = c == 'N' ? "aN" : "nfinity";
        emit(filter, c == 'N' ? "null" : "1e999", c == 'N' ? 4 : 5);
        return;
    }
    filter->out[filter->length++] = c;
}

/* The name of a field is complete. */
static void end_field_name(Filter *filter) {
    static const char *const DROPPED[] = {"", "event", "id", "retry"};
    filter->name[filter->name_length] = '\0';
    filter->field = FIELD_SKIPPED;
    if (!strcmp(filter->name, "data")) {
        filter->field = FIELD_DATA;
        filter->sent_events = true;
        return;
    }
    bool known = false;
    for (size_t i = 0; i < BASE_COUNT(DROPPED); i++)
        known |= !strcmp(filter->name, DROPPED[i]);
    filter->stray |= !known;
}

/* A byte between values; true when it is not for the parser. */
static bool filter_field(Filter *filter, unsigned char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    switch (filter->field) {
    case FIELD_NONE:
        if (!letter && c != ':') return false;
        filter->field = FIELD_NAMED;
        filter->name_length = 0;
        if (c == ':') /* a comment */
            filter->field = FIELD_SKIPPED;
        else
            filter->name[filter->name_length++] = (char)c;
        return true;
    case FIELD_NAMED:
        if (c == ':')
            end_field_name(filter);
        else if (!letter || filter->name_length == FIELD_NAME)
            filter->stray = true;
        else
            filter->name[filter->name_length++] = (char)c;
        return true;
    case FIELD_DATA:
        if (c == ' ' || c == '\t') return true;
        filter->field = c == '[' ? FIELD_BRACKET : c == '\n' || c == '{' ? FIELD_NONE : FIELD_SKIPPED;
        return c != '{';
    case FIELD_BRACKET: /* "[DONE]", or a list */
        filter->field = FIELD_NONE;
        if (c == 'D') {
            filter->field = FIELD_SKIPPED;
            emit(filter, "null\n", 5);
            return true;
        }
        filter_byte(filter, '[');
        return false;
    case FIELD_SKIPPED:
    default:
        if (c == '\n') filter->field = FIELD_NONE;
        return true;
    }
}

/* ---- the stream ------------------------------------------------------------------------------ */

static Status too_long(const JsonStream *stream, const Filter *filter) {
    return error_set_at(stream->err, STATUS_FORMAT, stream->container->name, (int64_t)stream->chunk,
                        filter->in_string ? "expected texts of at most %d bytes, found a longer one"
                                          : "expected numbers of at most %d characters, found a longer one",
                        filter->in_string ? JSON_MAX_STRING : JSON_MAX_NUMBER);
}

/* The parser's own words, without their full stop. */
static Status parse_failed(JsonStream *stream, yajl_status result) {
    char words[160];
    if (result == yajl_status_client_canceled) return stream->status;
    unsigned char *text = yajl_get_error(stream->parser, 0, NULL, 0);
    snprintf(words, sizeof(words), "%s", text ? (const char *)text : "a parse error");
    if (text) yajl_free_error(stream->parser, text);
    words[strcspn(words, ".\n")] = '\0';
    return error_set_at(stream->err, STATUS_FORMAT, stream->container->name, json_stream_position(stream),
                        "not valid JSON: %s", words);
}

static Status parse_chunk(JsonStream *stream, Filter *filter, const unsigned char *bytes, size_t size) {
    filter->length = 0;
    for (size_t i = 0; i < size; i++) {
        if (filter->several && filter->depth <= 0 && !filter->in_string && filter_field(filter, bytes[i])) {
            if (!filter->stray) continue;
            return error_set_at(stream->err, STATUS_FORMAT, stream->container->name,
                                (int64_t)(stream->chunk + (uint64_t)i),
                                "not valid JSON: expected an object, a list or a line of events between values");
        }
        filter_byte(filter, bytes[i]);
        if (filter->token > (filter->in_string ? JSON_MAX_STRING : JSON_MAX_NUMBER)) return too_long(stream, filter);
    }
    stream->sent_events = filter->sent_events;
    yajl_status result = yajl_parse(stream->parser, filter->out, filter->length);
    return result == yajl_status_ok ? STATUS_OK : parse_failed(stream, result);
}

static Status parse_all(JsonStream *stream, unsigned char *chunk, Filter *filter, const Progress *progress) {
    const ByteSource *source = stream->container->source;
    uint64_t total = bytes_size(source);
    Status status = bytes_read(source, 0, chunk, 1, stream->err);
    if (status != STATUS_OK) return status;
    stream->chunk = chunk[0] == 0xef ? BYTE_ORDER_MARK : 0;
    while (stream->chunk < total) {
        size_t size = total - stream->chunk < JSON_CHUNK ? (size_t)(total - stream->chunk) : JSON_CHUNK;
        status = bytes_read(source, stream->chunk, chunk, size, stream->err);
        if (status == STATUS_OK) status = parse_chunk(stream, filter, chunk, size);
        if (status != STATUS_OK) return status;
        stream->chunk += size;
        if (progress && progress->report &&
            !progress->report(progress->user, "reading JSON", (double)stream->chunk / (double)total))
            return error_set_at(stream->err, STATUS_CANCELLED, stream->container->name, -1, "opening was cancelled");
    }
    yajl_status result = yajl_complete_parse(stream->parser);
    return result == yajl_status_ok ? STATUS_OK : parse_failed(stream, result);
}

Status json_stream_run(JsonStream *stream, const Progress *progress) {
    Status status;
    Filter filter = {.several = stream->several};
    unsigned char *chunk = mem_alloc(JSON_CHUNK);
    filter.out = mem_alloc((size_t)JSON_CHUNK * FILTER_GROWTH + FILTER_GROWTH);
    stream->parser = yajl_alloc(stream->callbacks, NULL, stream->user);
    if (!chunk || !filter.out || !stream->parser) {
        status = error_set(stream->err, STATUS_MEMORY, "not enough memory to read the JSON text");
    } else {
        if (stream->several) yajl_config(stream->parser, yajl_allow_multiple_values, 1);
        status = parse_all(stream, chunk, &filter, progress);
    }
    if (stream->parser) yajl_free(stream->parser);
    stream->parser = NULL;
    mem_free(chunk);
    mem_free(filter.out);
    return status;
}

bool json_sent_events(const uint8_t *head, size_t size) {
    static const char *const FIELDS[] = {"data:", "event:", "id:", "retry:", ":"};
    size_t at = size >= BYTE_ORDER_MARK && !memcmp(head, "\xef\xbb\xbf", BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : 0;
    while (at < size && memchr(" \t\r\n", head[at], 4))
        at++;
    for (size_t i = 0; i < BASE_COUNT(FIELDS); i++) {
        size_t length = strlen(FIELDS[i]);
        if (size - at > length && !memcmp(head + at, FIELDS[i], length)) return true;
    }
    return false;
}
