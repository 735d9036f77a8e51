/* What was saved: a tensor; a tuple of layers; a dict or a pickled model output with attentions, encoder_attentions,
 * decoder_attentions, cross_attentions; generate()'s steps; a cache of hooks; a tuple of such things and tokens.
 * Every tensor gets a name by its way from the root, and names.c says what the name means.
 *
 * Objects of unknown classes are walked like what they hold: their entries, else their attributes, else the
 * arguments that would have made them. The graph may share nodes and meet itself: a node on the way to itself is
 * passed over, and the number of values that are looked at is bounded (ten lists of ten of ten ... are few nodes and
 * endless visits). */
#include "formats/torch.h"

enum {
    WALK_MAX_TENSORS = 1 << 18,
    WALK_MAX_JSON = 64 << 20, /* bytes of a list of tokens */
    WALK_MAX_DEPTH = 64,
    WALK_MAX_METADATA = 256,
    WALK_NAME_SIZE = 256,
};

typedef struct Walker {
    TorchFile *file;
    int depth;
    size_t left_out;             /* tensors that are not read */
    Error problem;               /* of the first of them */
    char object[WALK_NAME_SIZE]; /* class of the first object that was taken apart */
    int64_t rows;                /* of stitched patterns */
    bool has_tokens;
} Walker;

static Status walk(Walker *walker, const char *path, PickleNode *node);

static Status no_memory(const Walker *walker) {
    return error_set(walker->file->err, STATUS_MEMORY, "not enough memory to open the capture");
}

static bool is_sequence(const PickleNode *node) {
    return node->kind == PICKLE_TUPLE || node->kind == PICKLE_LIST;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void node_name(const PickleNode *key, char *out, size_t out_size) {
    if (key->kind == PICKLE_INT) {
        snprintf(out, out_size, "%lld", (long long)key->integer);
        return;
    }
    bool text = key->kind == PICKLE_TEXT || key->kind == PICKLE_CLASS;
    if (!text || !utf8_valid(key->text.bytes, key->text.length) || memchr(key->text.bytes, '\0', key->text.length)) {
        snprintf(out, out_size, "?");
        return;
    }
    snprintf(out, out_size, "%.*s", (int)i64_min((int64_t)key->text.length, (int64_t)out_size - 1), key->text.bytes);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20) *c = '?';
}

static void child_path(const char *path, const char *name, char out[WALK_NAME_SIZE]) {
    snprintf(out, WALK_NAME_SIZE, "%s%s%s", path, path[0] ? "." : "", name);
}

static bool is_token_role(Role role) {
    return role == ROLE_TOKENS || role == ROLE_Q_TOKENS || role == ROLE_K_TOKENS;
}

static bool says_attention(const char *name) {
    return strstr(name, "attention") && !strstr(name, "mask");
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static Status add_tensor(Walker *walker, const char *name, const PickleNode *node) {
    Tensor tensor;
    Error problem = {0};
    Container *container = walker->file->container;
    if (container->tensor_count >= WALK_MAX_TENSORS)
        return error_set_at(walker->file->err, STATUS_UNSUPPORTED, container->name, -1,
                            "expected at most %d tensors, found more", WALK_MAX_TENSORS);
    Status status = torch_read_tensor(walker->file, node, &tensor, &problem);
    if (status == STATUS_UNSUPPORTED) {
        if (walker->left_out++ == 0) walker->problem = problem;
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        if (walker->file->err) *walker->file->err = problem;
        return status;
    }
    tensor.name = arena_copy_text(&container->arena, name, strlen(name));
    Tensor *added = container_add(container);
    if (!added || !tensor.name) return no_memory(walker);
    *added = tensor;
    return STATUS_OK;
}

static void append_json_text(TextBuffer *json, const PickleNode *node) {
    text_append(json, "\"");
    for (size_t i = 0; i < node->text.length;) {
        char utf8[4];
        uint32_t code = utf8_decode(node->text.bytes, node->text.length, &i);
        if (code < 0x20 || code == '"' || code == '\\')
            text_appendf(json, "\\u%04x", (unsigned)code);
        else
            text_append_bytes(json, utf8, utf8_encode(code, utf8));
    }
    text_append(json, "\"");
}

/* A list of strings or ids, or a list of such lists; false where it is something else. */
static bool append_json_tokens(TextBuffer *json, const PickleNode *list, bool nested) {
    if (!is_sequence(list) || list->count == 0) return false;
    text_append(json, "[");
    if (json->length > WALK_MAX_JSON) return false;
    for (size_t i = 0; i < list->count && json->length <= WALK_MAX_JSON; i++) {
        const PickleNode *item = list->items[i];
        text_append(json, i ? "," : "");
        if (item->kind == PICKLE_TEXT)
            append_json_text(json, item);
        else if (item->kind == PICKLE_INT)
            text_appendf(json, "%lld", (long long)item->integer);
        else if (nested || !append_json_tokens(json, item, true))
            return false;
    }
    text_append(json, "]");
    return json->length <= WALK_MAX_JSON;
}

static Status add_tokens(Walker *walker, const char *name, const PickleNode *list) {
    TextBuffer json = {0};
    Status status = STATUS_OK;
    bool tokens = append_json_tokens(&json, list, false);
    if (json.failed || (tokens && !container_add_metadata(walker->file->container, name, json.text, json.length)))
        status = no_memory(walker);
    walker->has_tokens |= tokens;
    text_buffer_free(&json);
    return status;
}

/* A number or a short text of the outermost dict. */
static Status add_metadata(Walker *walker, const char *name, const PickleNode *value) {
    char text[WALK_NAME_SIZE];
    Container *container = walker->file->container;
    if (container->metadata_count >= WALK_MAX_METADATA) return STATUS_OK;
    if (value->kind == PICKLE_TEXT)
        node_name(value, text, sizeof(text));
    else if (value->kind == PICKLE_FLOAT)
        snprintf(text, sizeof(text), "%.17g", value->real);
    else if (value->kind == PICKLE_BOOL)
        snprintf(text, sizeof(text), "%s", value->integer ? "true" : "false");
    else
        snprintf(text, sizeof(text), "%lld", (long long)value->integer);
    return container_add_metadata(container, name, text, strlen(text)) ? STATUS_OK : no_memory(walker);
}

/* ---- sequences ------------------------------------------------------------------------------- */

typedef struct Census {
    size_t tensors, nones, texts, lists, objects, others;
    size_t layer_lists;                  /* of tensors with four dimensions, or None */
    PickleNode *layer_list, *token_list; /* the last one, the first one */
} Census;

static bool is_layer_list(Walker *walker, const PickleNode *node) {
    size_t tensors = 0;
    Tensor tensor;
    if (!torch_spend(walker->file, node->count)) return false;
    for (size_t i = 0; i < node->count; i++) {
        if (node->items[i]->kind == PICKLE_NONE) continue;
        if (!torch_is_tensor(node->items[i]) ||
            torch_read_tensor(walker->file, node->items[i], &tensor, NULL) != STATUS_OK || tensor.ndim != 4)
            return false;
        tensors++;
    }
    return tensors > 0;
}

static bool is_token_list(Walker *walker, const PickleNode *node) {
    if (!torch_spend(walker->file, node->count)) return false;
    for (size_t i = 0; i < node->count; i++)
        if (node->items[i]->kind != PICKLE_TEXT) return false;
    return node->count > 0;
}

static Census take_census(Walker *walker, const PickleNode *node) {
    Census census = {0};
    for (size_t i = 0; i < node->count; i++) {
        PickleNode *item = node->items[i];
        if (torch_is_tensor(item)) {
            census.tensors++;
        } else if (item->kind == PICKLE_NONE) {
            census.nones++;
        } else if (is_sequence(item) && is_token_list(walker, item)) {
            census.token_list = census.token_list ? census.token_list : item;
            census.texts++;
        } else if (is_sequence(item)) {
            census.lists++;
            if (!is_layer_list(walker, item)) continue;
            census.layer_lists++;
            census.layer_list = item;
        } else if (item->kind == PICKLE_DICT || item->kind == PICKLE_OBJECT) {
            census.objects++;
        } else {
            census.others++;
        }
    }
    return census;
}

static Status walk_layers(Walker *walker, const char *path, const PickleNode *node) {
    char name[WALK_NAME_SIZE], number[24];
    Status status = STATUS_OK;
    for (size_t i = 0; i < node->count && status == STATUS_OK; i++) {
        snprintf(number, sizeof(number), "%zu", i);
        child_path(path[0] ? path : "attentions", number, name);
        if (torch_is_tensor(node->items[i])) status = add_tensor(walker, name, node->items[i]);
    }
    return status;
}

/* Of several captures, the first that holds tensors. */
static Status walk_first(Walker *walker, const char *path, const PickleNode *node, size_t count) {
    size_t before = walker->file->container->tensor_count;
    Status status = STATUS_OK;
    for (size_t i = 0; i < node->count && status == STATUS_OK; i++) {
        status = walk(walker, path, node->items[i]);
        if (walker->file->container->tensor_count > before) break;
    }
    if (status == STATUS_OK && count > 1 && walker->file->container->tensor_count > before &&
        !container_note(walker->file->container, "a list of %zu captures: the first is shown", count))
        return no_memory(walker);
    return status;
}

static Status walk_sequence(Walker *walker, const char *path, const PickleNode *node) {
    Census census = take_census(walker, node);
    if (census.token_list && !walker->has_tokens) {
        Status status = add_tokens(walker, "tokens", census.token_list);
        if (status != STATUS_OK) return status;
    }
    size_t rest = node->count - census.texts - census.others;
    if (rest == 0) return STATUS_OK;
    if (census.tensors > 0 && census.tensors + census.nones == rest) return walk_layers(walker, path, node);
    if (census.lists == node->count && torch_are_steps(walker->file, node))
        return torch_stitch(walker->file, path[0] ? path : "attentions", node, &walker->rows);
    if (census.tensors > 0 && census.layer_lists == 1) /* a model output as a tuple: logits and the like, attention */
        return walk(walker, path, census.layer_list);
    if (census.tensors == 0) return walk_first(walker, path, node, census.lists + census.objects);
    return error_set_at(
        walker->file->err, STATUS_UNSUPPORTED, walker->file->container->name, -1,
        "expected a tuple of layers or a dict, found a tuple of %zu tensors and %zu other things, which "
        "does not say what is attention",
        census.tensors, node->count - census.tensors);
}

/* ---- dicts and objects ----------------------------------------------------------------------- */

/* Token ids of prompt and answer; the last one was never a query. */
static Status add_sequences(Walker *walker, const PickleNode *node, bool has_encoder) {
    Container *container = walker->file->container;
    Tensor tensor;
    if (torch_read_tensor(walker->file, node, &tensor, NULL) != STATUS_OK || tensor.ndim != 2 ||
        tensor.shape[1] < walker->rows || walker->rows == 0)
        return STATUS_OK;
    Status status = add_tensor(walker, has_encoder ? "decoder_input_ids" : "input_ids", node);
    if (status == STATUS_OK) {
        Tensor *added = &container->tensors[container->tensor_count - 1];
        added->shape[1] = walker->rows;
        added->count = added->shape[0] * walker->rows;
    }
    return status;
}

static Status walk_entry(Walker *walker, const char *path, const char *key, PickleNode *value, bool has_attention) {
    char name[WALK_NAME_SIZE];
    Role role = names_meaning(key).role;
    child_path(path, key, name);
    if (is_token_role(role) && is_sequence(value)) return add_tokens(walker, key, value);
    if (is_token_role(role) && torch_is_tensor(value)) return add_tensor(walker, key, value);
    if (value->kind >= PICKLE_BOOL && value->kind <= PICKLE_TEXT)
        return walker->depth <= 2 ? add_metadata(walker, key, value) : STATUS_OK;
    if (has_attention && !says_attention(key)) return STATUS_OK;
    return walk(walker, name, value);
}

static Status walk_dict(Walker *walker, const char *path, const PickleNode *dict) {
    char key[WALK_NAME_SIZE];
    bool has_attention = false, has_encoder = false;
    PickleNode *sequences = NULL;
    Status status = STATUS_OK;
    for (size_t i = 0; i < dict->count; i += 2) {
        node_name(dict->items[i], key, sizeof(key));
        bool holds = is_sequence(dict->items[i + 1]) || dict->items[i + 1]->kind == PICKLE_OBJECT ||
                     dict->items[i + 1]->kind == PICKLE_DICT;
        has_attention |= says_attention(key) && holds;
        has_encoder |= strstr(key, "encoder_attention") || strstr(key, "cross_attention");
        if (!strcmp(key, "sequences")) sequences = dict->items[i + 1];
    }
    for (size_t i = 0; i < dict->count && status == STATUS_OK; i += 2) {
        node_name(dict->items[i], key, sizeof(key));
        status = walk_entry(walker, path, key, dict->items[i + 1], has_attention);
    }
    if (status == STATUS_OK && sequences && has_attention && torch_is_tensor(sequences))
        status = add_sequences(walker, sequences, has_encoder);
    return status;
}

static Status walk_object(Walker *walker, const char *path, const PickleNode *node) {
    PickleNode *const parts[] = {node->object.entries, node->object.members, node->object.state,
                                 node->object.arguments};
    const Container *container = walker->file->container;
    size_t before = container->tensor_count;
    Status status = STATUS_OK;
    for (size_t i = 0; i < BASE_COUNT(parts) && status == STATUS_OK && container->tensor_count == before; i++)
        if (parts[i]) status = walk(walker, path, parts[i]);
    if (container->tensor_count > before && !walker->object[0] && node->object.callable->kind == PICKLE_CLASS) {
        node_name(node->object.callable, walker->object, sizeof(walker->object));
        if (text_starts_with(walker->object, "collections.")) walker->object[0] = '\0';
    }
    return status;
}

/* Values that a walk through the node looks at, without those inside them. */
static size_t node_size(const PickleNode *node) {
    return is_sequence(node) || node->kind == PICKLE_DICT ? node->count : 0;
}

static Status walk(Walker *walker, const char *path, PickleNode *node) {
    Status status = STATUS_OK;
    if (!torch_spend(walker->file, 1 + node_size(node))) return torch_overspent(walker->file);
    if (node->on_path || walker->depth >= WALK_MAX_DEPTH) return STATUS_OK;
    node->on_path = true;
    walker->depth++;
    if (torch_is_tensor(node))
        status = add_tensor(walker, path, node);
    else if (is_sequence(node))
        status = walk_sequence(walker, path, node);
    else if (node->kind == PICKLE_DICT)
        status = walk_dict(walker, path, node);
    else if (node->kind == PICKLE_OBJECT)
        status = walk_object(walker, path, node);
    walker->depth--;
    node->on_path = false;
    return status;
}

Status torch_walk(TorchFile *file, PickleNode *root) {
    Walker walker = {.file = file};
    Container *container = file->container;
    bool noted = true;
    container->bare = torch_is_tensor(root);
    Status status = walk(&walker, "", root);
    if (status == STATUS_OK && !torch_spend(file, 0)) status = torch_overspent(file);
    if (status != STATUS_OK) return status;
    if (walker.left_out > 0 && container->tensor_count == 0) {
        if (file->err) *file->err = walker.problem;
        return STATUS_UNSUPPORTED;
    }
    if (container->tensor_count == 0)
        return error_set_at(file->err, STATUS_UNSUPPORTED, container->name, -1,
                            "expected tensors of attention in data.pkl, found none");
    if (walker.object[0])
        noted = container_note(container, "an object of class %.120s was taken apart; nothing in it was executed",
                               walker.object);
    if (walker.left_out > 0)
        noted &= container_note(container, "%zu tensor%s left out: %s", walker.left_out,
                                walker.left_out == 1 ? " was" : "s were", walker.problem.message);
    return noted ? STATUS_OK : no_memory(&walker);
}
