/* Token lists: from metadata, from arrays, from a JSON file beside the capture; then which list belongs to which
 * axis of which set. Tokens are a help, never a reason to refuse a file: what cannot be used is noted, and positions
 * are shown. */
#include "capture/internal.h"

#include <jansson.h>

#define TOKENS_MAX_BYTES ((int64_t)256 << 20)
#define TOKENS_MAX_LISTS 1024 /* two a set; the rest is not looked at */
#define TOKENS_MAX_COUNT ((size_t)16 << 20)

struct TokenSource {
    Role role;         /* ROLE_TOKENS, ROLE_Q_TOKENS, ROLE_K_TOKENS */
    const char *where; /* for notes */
    bool ids;          /* numbers, not text */
    const char *set;   /* tokens of this set only; NULL: of any */
    int64_t item_count;
    TokenList *items; /* [item_count] */
};

typedef struct Loader {
    Capture *capture;
    TokenSource *sources;
    size_t count, capacity;
    size_t total; /* tokens so far */
    bool no_memory;
} Loader;

/* ---- making a list --------------------------------------------------------------------------- */

/* Raw pieces of one list before they become tokens. */
typedef struct RawList {
    const char **texts;
    size_t *lengths;
    int64_t count;
} RawList;

static bool raw_new(Arena *arena, int64_t count, RawList *raw) {
    raw->count = count;
    raw->texts = arena_alloc(arena, (size_t)count * sizeof(char *) + 1);
    raw->lengths = arena_alloc(arena, (size_t)count * sizeof(size_t) + 1);
    return raw->texts && raw->lengths;
}

static TokenEncoding declared_encoding(const Capture *capture, const RawList *raw) {
    for (size_t i = 0; i < capture->container_count; i++) {
        const Metadata *entry = container_metadata(&capture->containers[i], "tokens.encoding");
        if (entry && text_equal_nocase(entry->value, "byte-level")) return TOKENS_BYTE_LEVEL;
        if (entry && (text_equal_nocase(entry->value, "text") || text_equal_nocase(entry->value, "utf-8")))
            return TOKENS_AS_IS;
    }
    return token_text_encoding(raw->texts, raw->lengths, raw->count);
}

static bool fill_list(Loader *loader, const RawList *raw, TokenList *out) {
    TokenEncoding encoding = declared_encoding(loader->capture, raw);
    Token *tokens = arena_alloc(&loader->capture->arena, (size_t)raw->count * sizeof(Token) + 1);
    for (int64_t i = 0; tokens && i < raw->count; i++)
        if (!token_text_make(&loader->capture->arena, raw->texts[i], raw->lengths[i], encoding, &tokens[i]))
            tokens = NULL;
    out->count = raw->count;
    out->tokens = tokens;
    loader->total += (size_t)raw->count;
    loader->no_memory |= tokens == NULL;
    return tokens != NULL;
}

/* A source with room for `items` lists; NULL (and a note, or no_memory) when it cannot be. */
static TokenSource *add_source(Loader *loader, Role role, const char *where, int64_t items) {
    if (loader->count >= TOKENS_MAX_LISTS) return NULL;
    if (!mem_grow((void **)&loader->sources, &loader->capacity, loader->count + 1, sizeof(TokenSource))) {
        loader->no_memory = true;
        return NULL;
    }
    TokenSource *source = &loader->sources[loader->count];
    *source = (TokenSource){.role = role, .item_count = items};
    source->where = arena_copy_text(&loader->capture->arena, where, strlen(where));
    source->items = arena_alloc(&loader->capture->arena, (size_t)items * sizeof(TokenList));
    if (!source->where || !source->items) {
        loader->no_memory = true;
        return NULL;
    }
    loader->count++;
    return source;
}

static void ignore(Loader *loader, const char *where, const char *why) {
    if (!capture_add_note(loader->capture, true, "tokens of %.100s are ignored: %s", where, why))
        loader->no_memory = true;
}

static bool is_token_role(Role role) {
    return role == ROLE_TOKENS || role == ROLE_Q_TOKENS || role == ROLE_K_TOKENS;
}

/* ---- from JSON ------------------------------------------------------------------------------- */

/* A flat JSON list of strings or ids. */
static bool json_raw(Loader *loader, Arena *arena, const json_t *list, RawList *raw, bool *ids) {
    size_t count = json_array_size(list);
    if (count > TOKENS_MAX_COUNT - loader->total || !raw_new(arena, (int64_t)count, raw)) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (json_is_string(item)) {
            raw->texts[i] = json_string_value(item);
            raw->lengths[i] = json_string_length(item);
        } else if (json_is_integer(item)) {
            *ids = true;
            raw->texts[i] = arena_format(arena, "%lld", (long long)json_integer_value(item));
            raw->lengths[i] = raw->texts[i] ? strlen(raw->texts[i]) : 0;
        } else {
            return false;
        }
        if (!raw->texts[i]) return false;
    }
    return true;
}

static void add_json_list(Loader *loader, Role role, const char *where, const json_t *list) {
    bool nested = json_array_size(list) > 0 && json_is_array(json_array_get(list, 0));
    size_t items = nested ? json_array_size(list) : 1;
    Arena arena = {0};
    if (!json_is_array(list) || json_array_size(list) == 0 || items > CAPTURE_MAX_ITEMS) {
        ignore(loader, where, "expected a list of strings, or a list of lists of them");
        return;
    }
    TokenSource *source = add_source(loader, role, where, (int64_t)items);
    for (size_t i = 0; source && i < items; i++) {
        RawList raw;
        const json_t *item = nested ? json_array_get(list, i) : list;
        if (!json_is_array(item) || !json_raw(loader, &arena, item, &raw, &source->ids)) {
            ignore(loader, where, "expected a list of strings, or a list of lists of them");
            loader->count--;
            break;
        }
        if (!fill_list(loader, &raw, &source->items[i])) break;
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* A list, or an object of lists under the names of formats/names.c. */
static void add_json(Loader *loader, Role role, const char *where, const char *text, size_t length) {
    json_error_t json_error;
    if (length > (size_t)TOKENS_MAX_BYTES || json_values(text, length) > TOKENS_MAX_COUNT) {
        ignore(loader, where, "too many");
        return;
    }
    json_t *root = json_loadb(text, length, JSON_ALLOW_NUL, &json_error), *value;
    const char *key;
    if (!root) {
        char why[240];
        snprintf(why, sizeof(why), "not valid JSON: %.160s", json_error.text);
        ignore(loader, where, why);
        return;
    }
    if (json_is_object(root)) {
        json_object_foreach(root, key, value) {
            Role key_role = names_meaning(key).role;
            if (is_token_role(key_role) && !json_is_null(value)) add_json_list(loader, key_role, where, value);
        }
    } else {
        add_json_list(loader, role, where, root);
    }
    json_decref(root);
}

/* ---- from arrays ----------------------------------------------------------------------------- */

/* One element of a string array as UTF-8; its NUL padding ends it. */
static bool unicode_text(Arena *arena, const Tensor *tensor, const uint8_t *bytes, const char **text, size_t *length) {
    size_t size = (size_t)tensor->item_size, used = 0;
    char *out = arena_alloc(arena, size + 1); /* UTF-8 takes no more than UTF-32 */
    if (!out) return false;
    if (tensor->narrow) {
        memcpy(out, bytes, size);
        used = size;
        while (used > 0 && out[used - 1] == '\0')
            used--;
    } else {
        size_t characters = size / 4, codes = 0;
        for (size_t i = 0; i < characters; i++)
            if (bytes[4 * i] | bytes[4 * i + 1] | bytes[4 * i + 2] | bytes[4 * i + 3]) codes = i + 1;
        for (size_t i = 0; i < codes; i++) {
            const uint8_t *c = bytes + 4 * i;
            uint32_t code = tensor->big_endian
                                ? (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3]
                                : (uint32_t)c[3] << 24 | (uint32_t)c[2] << 16 | (uint32_t)c[1] << 8 | c[0];
            char utf8[4];
            size_t n = utf8_encode(code, utf8);
            memcpy(out + used, utf8, n);
            used += n;
        }
    }
    *text = out;
    *length = used;
    return true;
}

static bool tensor_raw(Loader *loader, Arena *arena, const Tensor *tensor, const uint8_t *bytes, int64_t item,
                       int64_t count, RawList *raw) {
    int64_t item_stride = tensor->ndim == 2 ? tensor->stride[0] : 0;
    int64_t stride = tensor->ndim > 0 ? tensor->stride[tensor->ndim - 1] : 0;
    if ((size_t)count > TOKENS_MAX_COUNT - loader->total || !raw_new(arena, count, raw)) return false;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *element = bytes + (item * item_stride + i * stride) * tensor->item_size;
        if (tensor->dtype == DTYPE_UNICODE) {
            if (!unicode_text(arena, tensor, element, &raw->texts[i], &raw->lengths[i])) return false;
        } else {
            raw->texts[i] = arena_format(arena, "%lld",
                                         (long long)dtype_to_i64(tensor->dtype, tensor->big_endian, element));
            if (!raw->texts[i]) return false;
            raw->lengths[i] = strlen(raw->texts[i]);
        }
    }
    return true;
}

/* JSON text in a U8 array or a single string; else a list, or one list an item. */
static void add_tensor_bytes(Loader *loader, Role role, const Tensor *tensor, const uint8_t *bytes) {
    Arena arena = {0};
    RawList raw;
    bool text = tensor->dtype == DTYPE_UNICODE && tensor->ndim == 0;
    if (tensor->dtype == DTYPE_U8 && tensor->ndim == 1 && tensor->stride[0] == 1) {
        add_json(loader, role, tensor->name, (const char *)bytes, (size_t)tensor->count);
    } else if (text) {
        if (tensor_raw(loader, &arena, tensor, bytes, 0, 1, &raw))
            add_json(loader, role, tensor->name, raw.texts[0], raw.lengths[0]);
    } else if (tensor->ndim == 1 || tensor->ndim == 2) {
        int64_t items = tensor->ndim == 2 ? tensor->shape[0] : 1;
        TokenSource *source = items > CAPTURE_MAX_ITEMS ? NULL : add_source(loader, role, tensor->name, items);
        for (int64_t i = 0; source && i < items; i++) {
            if (!tensor_raw(loader, &arena, tensor, bytes, i, tensor->shape[tensor->ndim - 1], &raw)) {
                ignore(loader, tensor->name, "too many");
                loader->count--;
                break;
            }
            source->ids = tensor->dtype != DTYPE_UNICODE;
            if (!fill_list(loader, &raw, &source->items[i])) break;
            arena_reset(&arena);
        }
    } else {
        ignore(loader, tensor->name, "expected one list, or one a batch item");
    }
    arena_free(&arena);
}

/* Elements from the first to the last: more than there are where the tensor is a view. */
static bool tensor_span(const Tensor *tensor, int64_t *span) {
    *span = 1;
    for (int d = 0; d < tensor->ndim && d < TENSOR_MAX_DIMS; d++) {
        int64_t reach = 0;
        if (!i64_mul(tensor->shape[d] - 1, tensor->stride[d], &reach) || !i64_add(*span, reach, span)) return false;
    }
    return true;
}

static void add_tensor(Loader *loader, Role role, Container *container, Tensor *tensor, const Progress *progress) {
    Error error = {0};
    int64_t size = 0;
    bool readable = tensor->dtype == DTYPE_UNICODE || (!dtype_is_float(tensor->dtype) && tensor->dtype != DTYPE_OTHER);
    if (!readable || tensor->count == 0 || tensor->item_size == 0 || !tensor_span(tensor, &size) ||
        !i64_mul(size, tensor->item_size, &size) || size > TOKENS_MAX_BYTES) {
        ignore(loader, tensor->name, "expected strings or ids");
        return;
    }
    uint8_t *bytes = NULL;
    Status status = container_materialise(container, tensor, progress, &error);
    if (status == STATUS_OK && !(bytes = mem_alloc((size_t)size)))
        loader->no_memory = true;
    else if (status == STATUS_OK)
        status = bytes_read(tensor->source, tensor->offset, bytes, (size_t)size, &error);
    if (status != STATUS_OK)
        ignore(loader, tensor->name, error.message);
    else if (bytes)
        add_tensor_bytes(loader, role, tensor, bytes);
    mem_free(bytes);
}

/* ---- all places ------------------------------------------------------------------------------ */

/* NAME.tokens.json beside NAME.ext (or the index of NAME's shards), else tokens.json in the same folder. */
static void add_sidecar(Loader *loader, const char *path) {
    TextBuffer name = {0};
    static const char INDEX[] = ".safetensors.index.json";
    const char *base = file_base_name(path), *dot = strrchr(base, '.');
    if (text_ends_with(base, INDEX)) dot = base + strlen(base) - strlen(INDEX);
    char *text = NULL;
    size_t size = 0;
    Error error = {0};
    text_append_bytes(&name, path, dot ? (size_t)(dot - path) : strlen(path));
    text_append(&name, ".tokens.json");
    bool found = !name.failed && file_exists(name.text);
    if (!found && !name.failed) {
        name.length = (size_t)(base - path);
        name.text[name.length] = '\0';
        text_append(&name, "tokens.json");
        found = !name.failed && file_exists(name.text);
    }
    loader->no_memory |= name.failed;
    if (found && file_read_all(name.text, (size_t)TOKENS_MAX_BYTES, &text, &size, &error) == STATUS_OK)
        add_json(loader, ROLE_TOKENS, file_base_name(name.text), text, size);
    else if (found)
        ignore(loader, file_base_name(name.text), error.message);
    mem_free(text);
    text_buffer_free(&name);
}

static void add_container(Loader *loader, Container *container, const Progress *progress) {
    for (size_t i = 0; i < container->metadata_count; i++) {
        const Metadata *entry = &container->metadata[i];
        const char *dot = strrchr(entry->key, '.'), *set = entry->set;
        Role role = names_meaning(entry->key).role;
        if (!is_token_role(role) && dot) { /* of one set: "cross.k_tokens" */
            role = names_meaning(dot + 1).role;
            set = arena_copy_text(&loader->capture->arena, entry->key, (size_t)(dot - entry->key));
            loader->no_memory |= set == NULL;
            if (set && capture_set_by_name(loader->capture, set) < 0) set = NULL;
        }
        size_t before = loader->count;
        if (is_token_role(role)) add_json(loader, role, entry->key, entry->value, entry->value_length);
        for (size_t n = before; n < loader->count; n++)
            loader->sources[n].set = set;
    }
    for (size_t i = 0; i < container->tensor_count; i++) {
        Role role = names_meaning(container->tensors[i].name).role;
        if (is_token_role(role)) add_tensor(loader, role, container, &container->tensors[i], progress);
    }
}

/* ---- which list belongs where ---------------------------------------------------------------- */

/* Text before ids, then the order of finding; `set` NULL: of those for any set. */
static const TokenSource *find_among(const Loader *loader, const char *set, Role role, int64_t length) {
    const TokenSource *ids = NULL;
    for (size_t i = 0; i < loader->count; i++) {
        const TokenSource *source = &loader->sources[i];
        bool fits = false;
        for (int64_t item = 0; item < source->item_count && !fits; item++)
            fits = source->items[item].count == length;
        bool of_set = set ? source->set && !strcmp(source->set, set) : !source->set;
        if (source->role != role || !fits || !of_set) continue;
        if (!source->ids) return source;
        ids = ids ? ids : source;
    }
    return ids;
}

static const TokenSource *find_fitting(const Loader *loader, const char *set, Role role, int64_t length) {
    const TokenSource *own = find_among(loader, set, role, length);
    return own ? own : find_among(loader, NULL, role, length);
}

static bool assign(Loader *loader, int set_index, Axis axis) {
    Capture *capture = loader->capture;
    const SetInfo *set = &capture->sets[set_index];
    int64_t length = axis == AXIS_QUERY ? set->max_queries : set->max_keys;
    Role own = axis == AXIS_QUERY ? ROLE_Q_TOKENS : ROLE_K_TOKENS;
    if (capture->set_count > 1 && !strcmp(set->name, "encoder"))
        own = ROLE_K_TOKENS; /* beside a decoder: both axes are its input */
    if (capture->set_count > 1 && !strcmp(set->name, "decoder")) own = ROLE_Q_TOKENS;
    const Role order[] = {own, ROLE_TOKENS};
    const TokenSource *found = NULL, *candidate = NULL;
    for (size_t i = 0; i < BASE_COUNT(order) && !found; i++)
        found = find_fitting(loader, set->name, order[i], length);
    if (!found && set->max_queries == set->max_keys)
        found = find_fitting(loader, set->name, own == ROLE_Q_TOKENS ? ROLE_K_TOKENS : ROLE_Q_TOKENS, length);
    capture->tokens[set_index * 2 + (int)axis] = found;
    for (size_t i = 0; i < loader->count && !found && !candidate; i++)
        if (!(loader->sources[i].set && strcmp(loader->sources[i].set, set->name) != 0) &&
            (loader->sources[i].role == own ||
             (loader->sources[i].role == ROLE_TOKENS && set->max_queries == set->max_keys)))
            candidate = &loader->sources[i];
    if (candidate)
        return capture_add_note(capture, true,
                                "expected %lld tokens for the %s axis of set '%s', found %lld in %.100s: "
                                "positions are shown",
                                (long long)length, axis == AXIS_QUERY ? "query" : "key", set->name,
                                (long long)candidate->items[0].count, candidate->where);
    if (found && found->ids && axis == AXIS_QUERY)
        return capture_add_note(capture, false, "tokens of set '%s' are ids from %.100s", set->name, found->where);
    if (found && found->item_count == 1 && set->item_count > 1 && axis == AXIS_QUERY)
        return capture_add_note(capture, false, "one list of tokens for %d batch items: it is shown for all of them",
                                set->item_count);
    return true;
}

Status capture_tokens_load(Capture *capture, const CaptureOpenParams *params, Error *err) {
    Loader loader = {.capture = capture};
    for (size_t i = 0; i < capture->container_count && !loader.no_memory; i++)
        add_container(&loader, &capture->containers[i], &params->progress);
    for (size_t i = 0; i < capture->container_count && !params->memory && loader.count == 0 && !loader.no_memory; i++)
        if (strcmp(capture->containers[i].path, "-") != 0) add_sidecar(&loader, capture->containers[i].path);
    capture->tokens = arena_alloc(&capture->arena, (size_t)capture->set_count * 2 * sizeof(*capture->tokens));
    TokenSource *kept = arena_alloc(&capture->arena, (loader.count + 1) * sizeof(TokenSource));
    if (!capture->tokens || !kept) loader.no_memory = true;
    if (!loader.no_memory) {
        if (loader.count > 0) memcpy(kept, loader.sources, loader.count * sizeof(TokenSource));
        Loader with_kept = loader;
        with_kept.sources = kept;
        for (int set = 0; set < capture->set_count && !loader.no_memory; set++)
            loader.no_memory = !assign(&with_kept, set, AXIS_QUERY) || !assign(&with_kept, set, AXIS_KEY);
    }
    mem_free(loader.sources);
    return loader.no_memory ? error_set(err, STATUS_MEMORY, "not enough memory for the tokens") : STATUS_OK;
}

const TokenList *capture_tokens(const Capture *capture, int set, int item, Axis axis) {
    if (set < 0 || set >= capture->set_count || item < 0) return NULL;
    const TokenSource *source = capture->tokens[set * 2 + (int)axis];
    if (!source || (source->item_count > 1 && item >= source->item_count)) return NULL;
    const TokenList *list = &source->items[source->item_count > 1 ? item : 0];
    int64_t length = axis == AXIS_QUERY ? capture->sets[set].max_queries : capture->sets[set].max_keys;
    return list->count == length ? list : NULL;
}
