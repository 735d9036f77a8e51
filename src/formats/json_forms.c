/* The JSON that tools for looking at attention embed in their pages:
 *
 *   BertViz      attention: {all: {attn, left_text, right_text}, aa: ..., ab: ...}, or a list of the same with names
 *                (encoder, decoder, cross); beside it include_layers and include_heads where only some were kept
 *   CircuitsVis  {tokens, attention: [head][query][key]}
 *   Dodrio       [layer][head][query][key] and nothing else
 *
 * The last two need nothing but the general rules for names. */
#include "formats/json.h"

static const char ATTN[] = "attn";

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to read the JSON text");
}

static const char *leaf_of(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* "attention.all.attn" -> "attention.all"; false where the name is none of BertViz'. */
static bool group_of(const Tensor *tensor, char *out, size_t out_size) {
    const char *leaf = leaf_of(tensor->name);
    if (strcmp(leaf, ATTN) != 0 || tensor->ndim != 4) return false;
    snprintf(out, out_size, "%.*s", leaf > tensor->name ? (int)(leaf - tensor->name - 1) : 0, tensor->name);
    return true;
}

static const Metadata *group_text(const Container *container, const char *group, const char *leaf) {
    char key[320];
    snprintf(key, sizeof(key), "%s%s%s", group, group[0] ? "." : "", leaf);
    return container_metadata(container, key);
}

/* The numbers of a list beside the attention, where it fits an axis. */
static const int *axis_numbers(Container *container, const char *leaf, int64_t size, Error *err, Status *status) {
    for (size_t i = 0; i < container->tensor_count; i++) {
        const Tensor *tensor = &container->tensors[i];
        if (strcmp(leaf_of(tensor->name), leaf) != 0 || tensor->ndim != 1 || tensor->shape[0] != size) continue;
        int *numbers = arena_alloc(&container->arena, (size_t)size * sizeof(int));
        if (!numbers) {
            *status = no_memory(err);
            return NULL;
        }
        if (!json_integers(tensor, numbers, (size_t)size)) return NULL;
        for (int64_t n = 1; n < size; n++)
            if (numbers[n] <= numbers[n - 1]) return NULL;
        return numbers;
    }
    return NULL;
}

/* A list of ids becomes text, so that all tokens are metadata. */
static Status move_ids(Container *container, const Tensor *tensor, Error *err) {
    TextBuffer json = {0};
    size_t count = (size_t)tensor->count;
    Status status = STATUS_OK;
    int *ids = mem_alloc_zeroed(count + 1, sizeof(int));
    if (!ids) return no_memory(err);
    if (json_integers(tensor, ids, count)) {
        text_append(&json, "[");
        for (size_t i = 0; i < count; i++)
            text_appendf(&json, i ? ",%d" : "%d", ids[i]);
        text_append(&json, "]");
        if (json.failed || !container_add_metadata(container, tensor->name, json.text, json.length))
            status = no_memory(err);
    }
    text_buffer_free(&json);
    mem_free(ids);
    return status;
}

/* Encoder, decoder and cross are sets of every model; all, aa, ab ... are BertViz' own. */
static const char *set_name(const Container *container, const char *group, bool *standard) {
    static const char *const STANDARD[] = {"encoder", "decoder", "cross"};
    const Metadata *name = group_text(container, group, "name");
    const char *leaf = leaf_of(group);
    bool number = leaf[strspn(leaf, "0123456789")] == '\0';
    const char *text = name && name->value[0] ? name->value : number || !strcmp(leaf, "attention") ? NULL : leaf;
    *standard = false;
    for (size_t i = 0; text && i < BASE_COUNT(STANDARD); i++) {
        if (!text_equal_nocase(text, STANDARD[i])) continue;
        *standard = true;
        return STANDARD[i];
    }
    return text;
}

static bool is_block(const char *set) {
    static const char *const BLOCKS[] = {"aa", "ab", "ba", "bb"};
    for (size_t i = 0; i < BASE_COUNT(BLOCKS); i++)
        if (!strcmp(set, BLOCKS[i])) return true;
    return false;
}

static Status add_tokens(Container *container, const char *group, const char *leaf, const char *key, const char *set,
                         Error *err) {
    const Metadata *texts = group_text(container, group, leaf);
    if (!texts) return STATUS_OK;
    Metadata copy = *texts; /* adding may move the list */
    if (!container_add_metadata(container, key, copy.value, copy.value_length)) return no_memory(err);
    container->metadata[container->metadata_count - 1].set = set;
    return STATUS_OK;
}

static Status make_set(Container *container, size_t index, const char *group, bool alone, Error *err) {
    Tensor *tensor = &container->tensors[index];
    bool standard = false;
    Status status = STATUS_OK;
    const char *set = set_name(container, group, &standard);
    char name[320];
    snprintf(name, sizeof(name), "%s%sattentions", standard ? set : "", standard ? "_" : "");
    tensor->layer_numbers = axis_numbers(container, "include_layers", tensor->shape[0], err, &status);
    if (status == STATUS_OK)
        tensor->head_numbers = axis_numbers(container, "include_heads", tensor->shape[1], err, &status);
    if (status != STATUS_OK) return status;
    tensor->axes_known = true;
    tensor->name = arena_copy_text(&container->arena, name, strlen(name));
    if (!tensor->name) return no_memory(err);
    if (set && !standard && !alone) {
        char *copy = arena_format(&container->arena, "%.40s", set);
        if (!copy) return no_memory(err);
        for (char *c = copy; *c; c++)
            if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f) *c = '_';
        tensor->set = copy;
        tensor->block = is_block(set);
    }
    status = add_tokens(container, group, "left_text", "q_tokens", standard ? set : tensor->set, err);
    if (status == STATUS_OK)
        status = add_tokens(container, group, "right_text", "k_tokens", standard ? set : tensor->set, err);
    return status;
}

/* BertViz' groups become sets with names, tokens and layer numbers of their own; other forms are named by their keys. */
static Status interpret(Container *container, Error *err) {
    char group[256];
    size_t groups = 0, kept = 0;
    Status status = STATUS_OK;
    for (size_t i = 0; i < container->tensor_count; i++)
        groups += group_of(&container->tensors[i], group, sizeof(group));
    for (size_t i = 0; i < container->tensor_count && status == STATUS_OK; i++) {
        if (container->tensors[i].ndim == 1)
            status = strstr(container->tensors[i].name, "include_") ? STATUS_OK
                                                                    : move_ids(container, &container->tensors[i], err);
        else if (group_of(&container->tensors[i], group, sizeof(group)))
            status = make_set(container, i, group, groups == 1, err);
    }
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < container->tensor_count; i++) { /* BertViz' queries and keys are of the same layers */
        const Tensor *tensor = &container->tensors[i];
        bool wanted = groups > 0 ? text_ends_with(tensor->name, "attentions") && tensor->ndim == 4 : tensor->ndim > 1;
        if (wanted) container->tensors[kept++] = *tensor;
    }
    container->tensor_count = kept;
    container->bare = kept == 1 && !container->tensors[0].name[0];
    if (kept == 0)
        return error_set_at(
            err, STATUS_UNSUPPORTED, container->name, -1,
            "expected attention as nested lists of numbers in the JSON text (of BertViz, CircuitsVis, Dodrio), or "
            "log-probabilities of an API's answer, found none");
    return STATUS_OK;
}

/* What a reader that failed has left behind. */
static void start_anew(Container *container) {
    container->tensor_count = container->metadata_count = 0;
    memset(container->notes, 0, sizeof(container->notes));
}

/* Probabilities, or explanations; STATUS_NOT_FOUND: neither. */
static Status open_answers(Container *container, const Progress *progress, Error *err) {
    start_anew(container);
    Status status = strip_read(container, progress, err);
    if (status != STATUS_NOT_FOUND) return status;
    start_anew(container);
    return explain_read(container, err);
}

/* Several values one after the other: whoever expects one fails at the second. */
static bool stopped_between_values(const Error *err) {
    return strstr(err->message, "trailing garbage") != NULL;
}

static Status json_open(Container *container, const Progress *progress, Error *err) {
    uint8_t head[64];
    Error first = {0};
    uint64_t size = bytes_size(container->source);
    size_t length = size < sizeof(head) ? (size_t)size : sizeof(head);
    Status status = bytes_read(container->source, 0, head, length, err);
    if (status != STATUS_OK) return status;
    if (json_sent_events(head, length)) {
        status = strip_read(container, progress, err);
        if (status != STATUS_NOT_FOUND) return status;
        return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1,
                            "expected log-probabilities in the events of a streamed answer, found none");
    }
    status = json_read(container, true, progress, &first);
    if (status == STATUS_NOT_FOUND || (status == STATUS_FORMAT && stopped_between_values(&first))) {
        const bool gave_way = status == STATUS_NOT_FOUND;
        status = open_answers(container, progress, err);
        if (status != STATUS_NOT_FOUND && (gave_way || status != STATUS_FORMAT)) return status;
        start_anew(container);
        if (gave_way)
            status = json_read(container, false, progress, &first);
        else
            status = STATUS_FORMAT;
    }
    if (status != STATUS_OK) {
        if (err) *err = first;
        return status;
    }
    return interpret(container, err);
}

/* A safetensors header below 100 MB has zeros in its size; text has none. */
static bool looks_like_json(const FormatHead *head) {
    const uint8_t *bytes = head->bytes;
    const size_t size = head->size;
    size_t at = 0;
    if (text_ends_with(head->name, ".safetensors")) return false;
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) at = 3;
    while (at < size && memchr(" \t\r\n", bytes[at], 4))
        at++;
    const bool text = !memchr(bytes, '\0', size < 8 ? size : 8);
    return (at < size && (bytes[at] == '{' || bytes[at] == '[') && text) || json_sent_events(bytes, size);
}

const Format JSON_FORMAT = {
    .name = "json",
    .endings = {".json"},
    .place = 5,
    .called = "JSON of BertViz, CircuitsVis, Dodrio or an API's answer",
    .help = ".json of BertViz, CircuitsVis or Dodrio",
    .looks_like = looks_like_json,
    .open = json_open,
};
