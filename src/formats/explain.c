/* Explanations of Aleph Alpha's API: for each part of an answer (target), a signed score for each part of the prompt.
 *
 *   {"explanations": [{"target": " warm", "items": [{"type": "text",   "scores": [{"start": 0, "length": 5, "score": 1.2}]},
 *                                                  {"type": "image",  "scores": [{"rect": {...}, "score": 0.3}]},
 *                                                  {"type": "target", "scores": [{"start": 0, "length": 4, ...}]}]}]}
 *
 * They become an attribution set: a row for each target, a column for each part that any target has a score for. The
 * parts of the target come last. What a target has no score for is not captured (minus infinity). Texts of the parts come
 * from the scores or from the prompt where the file has it, else a part is named by its place. */
#include "formats/json.h"

#include <jansson.h>
#include <stdlib.h>

#define EXPLAIN_MAX_BYTES ((uint64_t)64 << 20)
#define EXPLAIN_MAX_VALUES 4000000
#define EXPLAIN_MAX_CELLS ((int64_t)64 << 20)

typedef struct Score {
    bool target; /* a part of the answer that came before */
    int item;    /* of the prompt */
    int64_t start, length;
    int64_t row;
    float value;
    const char *text; /* borrowed; NULL: not given */
    const json_t *rect;
} Score;

typedef struct Explain {
    Container *container;
    const json_t *prompt;
    Score *scores;
    size_t count, capacity;
    int64_t row;
    Error *err;
} Explain;

static Status no_memory(const Explain *explain) {
    return error_set(explain->err, STATUS_MEMORY, "not enough memory to read the explanations");
}

static Status bad(const Explain *explain, const char *what) {
    return error_set_at(explain->err, STATUS_FORMAT, explain->container->name, -1,
                        "expected explanations (a target, and items with scores), found %s", what);
}

/* ---- reading --------------------------------------------------------------------------------- */

static Status add_score(Explain *explain, const json_t *json, int item, int64_t place, bool target) {
    const json_t *value = json_is_object(json) ? json_object_get(json, "score") : json;
    const json_t *start = json_object_get(json, "start"), *length = json_object_get(json, "length");
    Score score = {.target = target, .item = target ? 0 : item, .start = place, .row = explain->row};
    if (!json_is_number(value)) return bad(explain, "a score that is no number");
    if (!isfinite(json_number_value(value))) return bad(explain, "a score that is not finite");
    if ((start && !json_is_integer(start)) || (length && !json_is_integer(length)) || !start != !length)
        return bad(explain, "a start or a length that is no whole number");
    if (start) {
        score.start = json_integer_value(start);
        score.length = json_integer_value(length);
        if (score.start < 0 || score.length < 0 || score.start > INT32_MAX || score.length > INT32_MAX)
            return bad(explain, "a start or a length that is no place in a text");
    }
    score.value = (float)json_number_value(value);
    score.text = json_string_value(json_object_get(json, "text"));
    score.rect = json_object_get(json, "rect");
    if (!mem_grow((void **)&explain->scores, &explain->capacity, explain->count + 1, sizeof(Score)))
        return no_memory(explain);
    explain->scores[explain->count++] = score;
    return STATUS_OK;
}

static Status add_items(Explain *explain, const json_t *items) {
    size_t i, n;
    json_t *item, *json;
    if (!json_is_array(items)) return bad(explain, "a target without items");
    json_array_foreach(items, i, item) {
        const char *type = json_string_value(json_object_get(item, "type"));
        const json_t *scores = json_object_get(item, "scores");
        if (!json_is_array(scores)) return bad(explain, "an item without scores");
        json_array_foreach(scores, n, json) {
            const Status status = add_score(explain, json, (int)i64_min((int64_t)i, INT32_MAX), (int64_t)n,
                                            type && !strcmp(type, "target"));
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

static Status add_rows(Explain *explain, const json_t *list) {
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        if (!json_is_object(entry)) return bad(explain, "something else in the list");
        explain->row = (int64_t)i;
        const Status status = add_items(explain, json_object_get(entry, "items"));
        if (status != STATUS_OK) return status;
    }
    return explain->count > 0 ? STATUS_OK : bad(explain, "no score");
}

/* ---- columns --------------------------------------------------------------------------------- */

static int compare_places(const Score *a, const Score *b) {
    if (a->target != b->target) return a->target ? 1 : -1;
    if (a->item != b->item) return a->item < b->item ? -1 : 1;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return a->length < b->length ? -1 : a->length > b->length;
}

static int compare_scores(const void *a_, const void *b_) {
    const Score *a = a_, *b = b_;
    const int places = compare_places(a, b);
    return places != 0 ? places : a->row < b->row ? -1 : a->row > b->row;
}

/* The item of the prompt as text: a text, or a list of {"type": "text", "data": ...}. */
static const char *prompt_text(const Explain *explain, int item) {
    if (json_is_string(explain->prompt)) return item == 0 ? json_string_value(explain->prompt) : NULL;
    const json_t *part = json_array_get(explain->prompt, (size_t)item);
    return json_is_string(part) ? json_string_value(part) : json_string_value(json_object_get(part, "data"));
}

/* Characters [start, start + length) of a text; NULL where it is shorter. */
static const char *text_part(const char *text, int64_t start, int64_t length, size_t *bytes) {
    const size_t size = strlen(text);
    size_t at = 0;
    for (int64_t i = 0; i < start && at < size; i++)
        utf8_decode(text, size, &at);
    const size_t from = at;
    for (int64_t i = 0; i < length; i++) {
        if (at >= size) return NULL;
        utf8_decode(text, size, &at);
    }
    *bytes = at - from;
    return text + from;
}

static void append_label(TextBuffer *out, const Explain *explain, const Score *score, const char *answer) {
    char place[96];
    size_t bytes = 0;
    const char *whole = score->target ? answer : prompt_text(explain, score->item);
    const char *part = score->length > 0 && whole ? text_part(whole, score->start, score->length, &bytes) : NULL;
    if (score->rect)
        snprintf(place, sizeof(place), "image %.2f,%.2f", json_number_value(json_object_get(score->rect, "left")),
                 json_number_value(json_object_get(score->rect, "top")));
    else if (score->length > 0)
        snprintf(place, sizeof(place), "%s%lld:%lld", score->target ? "target " : "", (long long)score->start,
                 (long long)(score->start + score->length));
    else
        snprintf(place, sizeof(place), "%lld", (long long)score->start);
    TextBuffer label = {0};
    if (score->text)
        text_append(&label, score->text);
    else if (part)
        text_append_bytes(&label, part, bytes);
    text_append_json(out, label.length > 0 ? label.text : place);
    out->failed |= label.failed;
    text_buffer_free(&label);
}

/* What the targets say together: offsets of later targets' items count in it. */
static bool append_targets(const json_t *list, TextBuffer *rows, TextBuffer *answer) {
    size_t i;
    json_t *entry;
    text_append(rows, "[");
    json_array_foreach(list, i, entry) {
        char number[24];
        const char *target = json_string_value(json_object_get(entry, "target"));
        snprintf(number, sizeof(number), "target %zu", i);
        if (i) text_append(rows, ",");
        text_append_json(rows, target && target[0] ? target : number);
        if (target) text_append(answer, target);
    }
    text_append(rows, "]");
    return !rows->failed && !answer->failed;
}

/* ---- the set --------------------------------------------------------------------------------- */

static Status add_set(Explain *explain, float *cells, int64_t rows, int64_t columns) {
    Container *container = explain->container;
    ByteSource *source = NULL;
    const size_t size = (size_t)(rows * columns) * sizeof(float);
    if (!mem_grow((void **)&container->owned, &container->owned_capacity, container->owned_count + 1,
                  sizeof(ByteSource *))) {
        mem_free(cells);
        return no_memory(explain);
    }
    Status status = bytes_own_memory(cells, size, container->name, &source, explain->err);
    if (status != STATUS_OK) return status;
    container->owned[container->owned_count++] = source;
    Tensor *tensor = container_add(container);
    if (!tensor) return no_memory(explain);
    tensor->name = "explanations.weights";
    tensor->set = "explanations";
    tensor->axes_known = true;
    tensor->dtype = DTYPE_F32;
    tensor->item_size = (int)sizeof(float);
    snprintf(tensor->dtype_text, sizeof(tensor->dtype_text), "JSON number");
    tensor->ndim = 2;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    tensor->source = source;
    return tensor_strides(tensor, false) ? STATUS_OK : no_memory(explain);
}

static bool add_text(Container *container, const char *key, const char *value, size_t length) {
    return container_add_metadata(container, key, value, length);
}

static Status fill(Explain *explain, const json_t *list) {
    TextBuffer row_names = {0}, column_names = {0}, answer = {0};
    int64_t rows = (int64_t)json_array_size(list), columns = 0, cells = 0;
    float *values = NULL;
    Status status = STATUS_OK;
    qsort(explain->scores, explain->count, sizeof(Score), compare_scores);
    if (!append_targets(list, &row_names, &answer)) status = no_memory(explain);
    text_append(&column_names, "[");
    for (size_t i = 0; i < explain->count; i++) {
        if (i > 0 && compare_places(&explain->scores[i - 1], &explain->scores[i]) == 0) continue;
        if (columns++) text_append(&column_names, ",");
        append_label(&column_names, explain, &explain->scores[i], answer.text);
    }
    text_append(&column_names, "]");
    if (column_names.failed) status = no_memory(explain);
    if (status == STATUS_OK && (!i64_mul(rows, columns, &cells) || cells > EXPLAIN_MAX_CELLS))
        status = error_set_at(explain->err, STATUS_UNSUPPORTED, explain->container->name, -1,
                              "expected at most %lld scores, found %lld targets x %lld parts",
                              (long long)EXPLAIN_MAX_CELLS, (long long)rows, (long long)columns);
    if (status == STATUS_OK && !(values = mem_alloc((size_t)cells * sizeof(float)))) status = no_memory(explain);
    for (int64_t i = 0; status == STATUS_OK && i < cells; i++)
        values[i] = -INFINITY;
    int64_t column = -1;
    for (size_t i = 0; status == STATUS_OK && i < explain->count; i++) {
        column += i == 0 || compare_places(&explain->scores[i - 1], &explain->scores[i]) != 0;
        values[explain->scores[i].row * columns + column] = explain->scores[i].value;
    }
    Container *container = explain->container;
    if (status == STATUS_OK) status = add_set(explain, values, rows, columns);
    if (status == STATUS_OK &&
        (!add_text(container, "q_tokens", row_names.text, row_names.length) ||
         !add_text(container, "k_tokens", column_names.text, column_names.length) ||
         !add_text(container, "tokens.encoding", "text", 4) || !add_text(container, "attn.causal", "false", 5) ||
         !add_text(container, "attn.kind", "attribution", 11) ||
         !container_note(container, "these are signed scores that explain an answer (target by part of the "
                                    "prompt), not attention")))
        status = no_memory(explain);
    text_buffer_free(&row_names);
    text_buffer_free(&column_names);
    text_buffer_free(&answer);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static Status load(Container *container, json_t **root, Error *err) {
    json_error_t json_error;
    const uint64_t size = bytes_size(container->source);
    if (size > EXPLAIN_MAX_BYTES) return error_set(err, STATUS_NOT_FOUND, "too large for explanations");
    char *text = mem_alloc((size_t)size);
    if (!text) return error_set(err, STATUS_MEMORY, "not enough memory to read the explanations");
    Status status = bytes_read(container->source, 0, text, (size_t)size, err);
    if (status == STATUS_OK && json_values(text, (size_t)size) > EXPLAIN_MAX_VALUES)
        status = error_set_at(err, STATUS_UNSUPPORTED, container->name, -1,
                              "expected explanations with at most %d values, found more", EXPLAIN_MAX_VALUES);
    if (status == STATUS_OK && !(*root = json_loadb(text, (size_t)size, JSON_ALLOW_NUL, &json_error)))
        status = error_set_at(err, STATUS_FORMAT, container->name, json_error.position, "not valid JSON: %.160s",
                              json_error.text);
    mem_free(text);
    return status;
}

Status explain_read(Container *container, Error *err) {
    Explain explain = {.container = container, .err = err};
    json_t *root = NULL;
    Status status = load(container, &root, err);
    if (status != STATUS_OK) return status;
    const json_t *list = json_object_get(root, "explanations"), *request = json_object_get(root, "request");
    const char *model = json_string_value(json_object_get(root, "model"));
    if (!model) model = json_string_value(json_object_get(root, "model_version"));
    explain.prompt = json_object_get(root, "prompt") ? json_object_get(root, "prompt")
                                                     : json_object_get(request, "prompt");
    if (!json_is_array(list) || json_array_size(list) == 0 || !json_object_get(json_array_get(list, 0), "items"))
        status = error_set(err, STATUS_NOT_FOUND, "there are no explanations");
    if (status == STATUS_OK) status = add_rows(&explain, list);
    if (status == STATUS_OK) status = fill(&explain, list);
    if (status == STATUS_OK && model && !add_text(container, "model", model, strlen(model)))
        status = no_memory(&explain);
    mem_free(explain.scores);
    json_decref(root);
    return status;
}
