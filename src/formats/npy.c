/* The .npy header: magic, version, length, and a Python dict literal with exactly descr, fortran_order and shape.
 * The literal is read by a strict recursive-descent parser that knows only what NumPy writes: strings, True and False,
 * tuples of integers (with Python 2's L); a structured dtype is passed over. Format: numpy.lib.format, NEP 1. */
#include "formats/internal.h"

#define NPY_MAX_DIMS 64 /* NumPy 2's own limit */

typedef struct Parser {
    const char *text;
    size_t at, length;
    size_t base; /* offset of text in the .npy, for messages */
    Error *err;
} Parser;

static Status parser_fail(const Parser *parser, const char *expected) {
    char found[24] = "the end of the header";
    if (parser->at < parser->length) {
        unsigned char c = (unsigned char)parser->text[parser->at];
        if (c >= 0x20 && c < 0x7f)
            snprintf(found, sizeof(found), "'%c'", c);
        else
            snprintf(found, sizeof(found), "byte 0x%02x", c);
    }
    return error_set_at(parser->err, STATUS_FORMAT, "", (int64_t)(parser->base + parser->at),
                        "the .npy header is damaged: expected %s, found %s", expected, found);
}

static void skip_space(Parser *parser) {
    while (parser->at < parser->length && strchr(" \t\n\r", parser->text[parser->at]) && parser->text[parser->at])
        parser->at++;
}

static bool accept(Parser *parser, char c) {
    skip_space(parser);
    if (parser->at >= parser->length || parser->text[parser->at] != c) return false;
    parser->at++;
    return true;
}

/* 'text' or "text" without escapes; NumPy's own keys and descr have none. */
static Status parse_string(Parser *parser, char *out, size_t out_size) {
    skip_space(parser);
    if (parser->at >= parser->length || (parser->text[parser->at] != '\'' && parser->text[parser->at] != '"'))
        return parser_fail(parser, "a quoted string");
    char quote = parser->text[parser->at++];
    size_t length = 0;
    while (parser->at < parser->length && parser->text[parser->at] != quote) {
        char c = parser->text[parser->at];
        if (c == '\\' || (unsigned char)c < 0x20 || length + 1 >= out_size)
            return parser_fail(parser, "a short plain string");
        out[length++] = c;
        parser->at++;
    }
    if (parser->at >= parser->length) return parser_fail(parser, "a closing quote");
    parser->at++;
    out[length] = '\0';
    return STATUS_OK;
}

static Status parse_bool(Parser *parser, bool *out) {
    static const struct {
        const char *word;
        bool value;
    } WORDS[] = {{"True", true}, {"False", false}};
    skip_space(parser);
    for (size_t i = 0; i < BASE_COUNT(WORDS); i++) {
        size_t length = strlen(WORDS[i].word);
        if (parser->length - parser->at >= length && !memcmp(parser->text + parser->at, WORDS[i].word, length)) {
            parser->at += length;
            *out = WORDS[i].value;
            return STATUS_OK;
        }
    }
    return parser_fail(parser, "True or False");
}

static Status parse_dimension(Parser *parser, int64_t *out) {
    int64_t value = 0;
    bool any = false;
    skip_space(parser);
    for (; parser->at < parser->length; parser->at++, any = true) {
        char c = parser->text[parser->at];
        if (c < '0' || c > '9') break;
        if (!i64_mul(value, 10, &value) || !i64_add(value, c - '0', &value))
            return parser_fail(parser, "a dimension below 2^63");
    }
    if (!any) return parser_fail(parser, "a dimension (a number >= 0)");
    if (parser->at < parser->length && parser->text[parser->at] == 'L') parser->at++;
    *out = value;
    return STATUS_OK;
}

static Status parse_shape(Parser *parser, Tensor *tensor) {
    bool comma = false;
    int count = 0;
    if (!accept(parser, '(')) return parser_fail(parser, "a tuple for 'shape'");
    while (!accept(parser, ')')) {
        int64_t dimension = 0;
        if (count > 0 && !comma) return parser_fail(parser, "',' or ')' in 'shape'");
        if (count >= NPY_MAX_DIMS) return parser_fail(parser, "at most 64 dimensions");
        Status status = parse_dimension(parser, &dimension);
        if (status != STATUS_OK) return status;
        if (count < TENSOR_MAX_DIMS)
            tensor->shape[count] = dimension;
        else if (!i64_mul(tensor->shape[TENSOR_MAX_DIMS - 1], dimension, &tensor->shape[TENSOR_MAX_DIMS - 1]))
            return parser_fail(parser, "fewer elements");
        count++;
        comma = accept(parser, ',');
    }
    if (count == 1 && !comma) return parser_fail(parser, "',' after the only dimension");
    tensor->ndim = count;
    return STATUS_OK;
}

/* "<f4", "|V2", "<U12" ... */
static Status parse_descr(const char *descr, Tensor *tensor, Error *err) {
    static const struct {
        const char *code;
        DType dtype;
    } CODES[] = {
        {"f2", DTYPE_F16}, {"f4", DTYPE_F32}, {"f8", DTYPE_F64}, {"i1", DTYPE_I8},   {"i2", DTYPE_I16},
        {"i4", DTYPE_I32}, {"i8", DTYPE_I64}, {"u1", DTYPE_U8},  {"b1", DTYPE_BOOL}, {"V2", DTYPE_BF16},
    };
    const char *code = descr;
    int64_t size = 0;
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "%s", descr);
    if (*code && strchr("<>|=", *code)) {
        tensor->big_endian = *code == '>';
        code++;
    }
    if (*code == 'O') { /* pickled objects: of unknown size, never read; refused when somebody needs the array */
        tensor->dtype = DTYPE_OTHER;
        return STATUS_OK;
    }
    for (size_t i = 0; i < BASE_COUNT(CODES); i++) {
        if (!strcmp(code, CODES[i].code)) {
            tensor->dtype = CODES[i].dtype;
            tensor->item_size = dtype_size(tensor->dtype);
            return STATUS_OK;
        }
    }
    if (!*code || !strchr("iufcbVmMSU", *code) || !text_parse_i64(code + 1 + strcspn(code + 1, "0123456789"), &size)) {
        /* dates carry a unit: <M8[ns] */
        if (*code == 'm' || *code == 'M')
            size = 8;
        else
            return error_set(err, STATUS_FORMAT, "the .npy header is damaged: dtype '%s' does not exist", descr);
    }
    tensor->dtype = *code == 'U' || *code == 'S' ? DTYPE_UNICODE : DTYPE_OTHER;
    tensor->narrow = *code == 'S';
    if (size < 0 || size > INT32_MAX / 4)
        return error_set(err, STATUS_FORMAT, "the .npy header is damaged: dtype '%s' is too large", descr);
    tensor->item_size = (int)(*code == 'U' ? size * 4 : size);
    return STATUS_OK;
}

/* The list of a structured dtype: not read, only passed over. */
static Status skip_struct(Parser *parser, Tensor *tensor) {
    int depth = 0;
    char quote = '\0';
    tensor->dtype = DTYPE_OTHER;
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "struct");
    for (; parser->at < parser->length; parser->at++) {
        char c = parser->text[parser->at];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '[' || c == '(') {
            depth++;
        } else if ((c == ']' || c == ')') && --depth == 0) {
            parser->at++;
            return STATUS_OK;
        }
    }
    return parser_fail(parser, "']'");
}

static Status parse_dict(Parser *parser, Tensor *tensor, bool *fortran) {
    enum { DESCR = 1, FORTRAN = 2, SHAPE = 4, ALL = 7 };
    unsigned seen = 0;
    Status status = STATUS_OK;
    if (!accept(parser, '{')) return parser_fail(parser, "'{'");
    while (status == STATUS_OK && !accept(parser, '}')) {
        char key[24], text[64];
        unsigned bit = 0;
        status = parse_string(parser, key, sizeof(key));
        if (status == STATUS_OK && !accept(parser, ':')) status = parser_fail(parser, "':'");
        if (status != STATUS_OK) break;
        if (!strcmp(key, "descr")) {
            bit = DESCR;
            skip_space(parser);
            if (parser->at < parser->length && parser->text[parser->at] == '[')
                status = skip_struct(parser, tensor);
            else if ((status = parse_string(parser, text, sizeof(text))) == STATUS_OK)
                status = parse_descr(text, tensor, parser->err);
        } else if (!strcmp(key, "fortran_order")) {
            bit = FORTRAN;
            status = parse_bool(parser, fortran);
        } else if (!strcmp(key, "shape")) {
            bit = SHAPE;
            status = parse_shape(parser, tensor);
        }
        if (status == STATUS_OK && (bit == 0 || (seen & bit)))
            status = parser_fail(parser, "each of descr, fortran_order and shape once");
        seen |= bit;
        if (status == STATUS_OK && !accept(parser, ',')) {
            if (!accept(parser, '}')) return parser_fail(parser, "',' or '}'");
            break;
        }
    }
    if (status == STATUS_OK && seen != ALL) status = parser_fail(parser, "each of descr, fortran_order and shape once");
    skip_space(parser);
    if (status == STATUS_OK && parser->at != parser->length) status = parser_fail(parser, "the end of the header");
    return status;
}

/* Where the dict lies: version 1 has a 16-bit length, 2 and 3 a 32-bit one. */
static Status locate_dict(const uint8_t *prefix, size_t size, size_t *start, size_t *length, Error *err) {
    static const char MAGIC[] = "\x93NUMPY";
    if (size < 10 || memcmp(prefix, MAGIC, 6) != 0)
        return error_set_at(err, STATUS_FORMAT, "", 0,
                            "expected an .npy array, found something else or a cut-off file");
    if (prefix[6] < 1 || prefix[6] > 3 || prefix[7] != 0)
        return error_set_at(err, STATUS_UNSUPPORTED, "", 6, "expected .npy version 1, 2 or 3, found %u.%u", prefix[6],
                            prefix[7]);
    *start = prefix[6] == 1 ? 10 : 12;
    if (size < *start)
        return error_set_at(err, STATUS_FORMAT, "", (int64_t)size, "the file ends inside the .npy header");
    *length = (size_t)prefix[8] | (size_t)prefix[9] << 8;
    if (prefix[6] > 1) *length |= (size_t)prefix[10] << 16 | (size_t)prefix[11] << 24;
    if (*length > NPY_HEADER_MAX)
        return error_set_at(err, STATUS_FORMAT, "", 8, "expected an .npy header of at most %d bytes, found %zu",
                            NPY_HEADER_MAX, *length);
    if (*length > size - *start)
        return error_set_at(err, STATUS_FORMAT, "", (int64_t)size, "the file ends inside the .npy header");
    return STATUS_OK;
}

Status npy_header(const uint8_t *prefix, size_t size, uint64_t total, Tensor *tensor, uint64_t *data_start,
                  Error *err) {
    size_t start = 0, length = 0;
    int64_t bytes = 0;
    bool fortran = false;
    char shape[96];
    Status status = locate_dict(prefix, size, &start, &length, err);
    if (status != STATUS_OK) return status;
    if (prefix[6] == 3 && !utf8_valid((const char *)prefix + start, length))
        return error_set_at(err, STATUS_FORMAT, "", (int64_t)start, "the .npy header is damaged: not valid UTF-8");
    Parser parser = {.text = (const char *)prefix + start, .length = length, .base = start, .err = err};
    status = parse_dict(&parser, tensor, &fortran);
    if (status != STATUS_OK) return status;
    tensor_shape_text(tensor, shape, sizeof(shape));
    if (!tensor_strides(tensor, fortran) || !i64_mul(tensor->count, tensor->item_size, &bytes))
        return error_set_at(err, STATUS_FORMAT, "", (int64_t)start, "the shape %s is larger than any file", shape);
    *data_start = start + length;
    if (*data_start > total || (uint64_t)bytes > total - *data_start)
        return error_set_at(
            err, STATUS_FORMAT, "", (int64_t)total,
            "expected %lld bytes of data for shape %s of '%s', found %llu (an interrupted save or copy?)",
            (long long)bytes, shape, tensor->dtype_text,
            (unsigned long long)(total > *data_start ? total - *data_start : 0));
    return STATUS_OK;
}

static Status npy_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    uint64_t total = bytes_size(container->source), start = 0;
    size_t size = total < NPY_PREFIX ? (size_t)total : NPY_PREFIX;
    Tensor *tensor = container_add(container);
    uint8_t *prefix = arena_alloc(&container->arena, size + 1);
    if (!prefix || !tensor) return error_set(err, STATUS_MEMORY, "not enough memory to read the header");
    Status status = bytes_read(container->source, 0, prefix, size, err);
    if (status == STATUS_OK) status = npy_header(prefix, size, total, tensor, &start, err);
    if (status != STATUS_OK) return status;
    tensor->name = "";
    tensor->member = -1;
    tensor->source = container->source;
    tensor->offset = start;
    container->bare = true;
    container->trailing = total - start - (uint64_t)(tensor->count * tensor->item_size);
    return STATUS_OK;
}

static bool looks_like_npy(const FormatHead *head) {
    return head->size >= 6 && !memcmp(head->bytes, "\x93NUMPY", 6);
}

const Format NPY_FORMAT = {
    .name = "npy",
    .endings = {".npy"},
    .folder_endings = 1,
    .place = 1,
    .misnamed = "\"\\x93NUMPY\" at the start of an .npy file",
    .looks_like = looks_like_npy,
    .open = npy_open,
};
