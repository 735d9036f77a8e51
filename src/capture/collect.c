/* Named arrays -> parts: the attention of one layer in one form (weights, scores, rotated Q and K, Q and K).
 *
 * What counts, file by file: names that say attention; only if there are none, plain numbered arrays; only if there
 * are none of those either, the one array that could be attention. Arrays that have the right name but a wrong shape
 * or dtype refuse the file only when nothing else in it can be opened: the sentence is about the first of them. */
#include "capture/internal.h"

#include <stdlib.h>

/* An array with the meaning of its name. */
typedef struct Named {
    const char *name;
    NameMeaning meaning;
    size_t tensor;
} Named;

typedef struct Collector {
    Capture *capture;
    const char *axes; /* --axes, or NULL */
    Parts *parts;
    Container *container;
    Named *named;       /* [tensor_count], in the order of compare_named: partners are found by search */
    bool explicit_only; /* this file has names that say attention */
    bool single;        /* this file has one array that could be attention */
    size_t skipped;     /* arrays with a problem */
    size_t model_weights;
    Error problem; /* of the first */
    Error *err;
} Collector;

static const Tensor *tensor_of(const Collector *collector, size_t index) {
    return &collector->container->tensors[index];
}

/* Notes a problem with one array. */
static void add_problem(Collector *collector, Status status, const char *sentence) {
    if (collector->skipped++ == 0)
        error_set_at(&collector->problem, status, collector->container->name, -1, "%s", sentence);
}

static void problem_shape(Collector *collector, const Tensor *tensor, const char *expected) {
    char shape[96], label[128], sentence[ERROR_MESSAGE_SIZE];
    tensor_shape_text(tensor, shape, sizeof(shape));
    tensor_label(tensor, label, sizeof(label));
    snprintf(sentence, sizeof(sentence), "expected %s, found shape %s in %s", expected, shape, label);
    add_problem(collector, STATUS_UNSUPPORTED, sentence);
}

static bool check_dtype(Collector *collector, const Tensor *tensor) {
    const char *cause = "";
    char label[128], sentence[ERROR_MESSAGE_SIZE];
    if (dtype_is_float(tensor->dtype)) return true;
    if (strchr(tensor->dtype_text, 'O'))
        cause = " (pickled Python objects, which are never read: stack arrays of one shape before saving)";
    else if (!strcmp(tensor->dtype_text, "struct"))
        cause = " (a structured array: save its fields as arrays of their own)";
    else if (strstr(tensor->dtype_text, "V1"))
        cause = " (8-bit floats, which NumPy saves without saying which: convert to float16 first, or use safetensors)";
    else if (tensor->dtype == DTYPE_I64 || tensor->dtype == DTYPE_I32)
        cause = " (token ids?)";
    tensor_label(tensor, label, sizeof(label));
    snprintf(sentence, sizeof(sentence),
             "expected floating-point attention (f16, bf16, f32, f64, f8), found dtype '%s' in %s%s",
             tensor->dtype_text, label, cause);
    add_problem(collector, STATUS_UNSUPPORTED, sentence);
    return false;
}

static const char *set_of(const Collector *collector, size_t index) {
    const char *set = tensor_of(collector, index)->set;
    return set ? set : "";
}

static Part *add_part(Collector *collector, Form form, const NameMeaning *meaning, size_t index) {
    Parts *parts = collector->parts;
    const char *name = tensor_of(collector, index)->name;
    if (!mem_grow((void **)&parts->items, &parts->capacity, parts->count + 1, sizeof(Part))) return NULL;
    Part *part = &parts->items[parts->count];
    memset(part, 0, sizeof(*part));
    part->form = form;
    part->hint = meaning->hint;
    bool prefixed = meaning->layer >= 0 && !tensor_of(collector, index)->file_named;
    part->prefix = arena_copy_text(&collector->capture->arena, name, prefixed ? meaning->prefix : 0);
    part->layer = meaning->layer;
    part->container = collector->container;
    part->tensor = index;
    part->set = set_of(collector, index);
    while (part->set[0] && strcmp(part->set, set_of(collector, part->set_rank)) != 0)
        part->set_rank++;
    part->k_tensor = part->lse_tensor = part->v_tensor = SIZE_MAX;
    if (!part->prefix) return NULL;
    parts->count++;
    return part;
}

static Status no_memory(Collector *collector) {
    return error_set(collector->err, STATUS_MEMORY, "not enough memory to open the capture");
}

/* ---- partners --------------------------------------------------------------------------------- */

static int compare_named(const void *a_, const void *b_) {
    const Named *a = a_, *b = b_;
    if (a->meaning.role != b->meaning.role) return a->meaning.role < b->meaning.role ? -1 : 1;
    if (a->meaning.layer != b->meaning.layer) return a->meaning.layer < b->meaning.layer ? -1 : 1;
    if (a->meaning.hint != b->meaning.hint) return a->meaning.hint < b->meaning.hint ? -1 : 1;
    size_t a_prefix = a->meaning.layer >= 0 ? a->meaning.prefix : 0,
           b_prefix = b->meaning.layer >= 0 ? b->meaning.prefix : 0;
    if (a_prefix != b_prefix) return a_prefix < b_prefix ? -1 : 1;
    return strncmp(a->name, b->name, a_prefix);
}

/* The array of `role` that belongs to the same layer of the same tower as `query`; SIZE_MAX when absent. */
static size_t find_partner(const Collector *collector, const NameMeaning *query, const char *query_name, Role role) {
    Named key = {.name = query_name, .meaning = *query};
    key.meaning.role = role;
    const Named *found = bsearch(&key, collector->named, collector->container->tensor_count, sizeof(Named),
                                 compare_named);
    return found ? found->tensor : SIZE_MAX;
}

/* ---- dense ----------------------------------------------------------------------------------- */

/* Letters l b h q k, one a dimension. */
static bool axes_valid(const char *axes) {
    for (const char *c = axes; *c; c++)
        if (!strchr("lbhqk", *c) || strchr(c + 1, *c)) return false;
    return strchr(axes, 'q') && strchr(axes, 'k');
}

static int axis_of(const char *axes, char letter) {
    const char *at = strchr(axes, letter);
    return at ? (int)(at - axes) : -1;
}

static const char *default_axes(int ndim, bool numbered) {
    static const char *const NUMBERED[] = {"qk", "hqk", "bhqk"}, *const PLAIN[] = {"qk", "hqk", "lhqk", "lbhqk"};
    if (ndim < 2 || ndim > (numbered ? 4 : 5)) return NULL;
    return numbered ? NUMBERED[ndim - 2] : PLAIN[ndim - 2];
}

static bool note_axes(Collector *collector, const Tensor *tensor, const char *axes, int layer) {
    char shape[96], label[128], text[64] = "";
    for (const char *c = axes; *c; c++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", c == axes ? "" : ", ",
                 *c == 'l'   ? "layer"
                 : *c == 'b' ? "batch"
                 : *c == 'h' ? "head"
                 : *c == 'q' ? "query"
                             : "key");
    tensor_shape_text(tensor, shape, sizeof(shape));
    tensor_label(tensor, label, sizeof(label));
    if (strchr(axes, 'l')) return capture_add_note(collector->capture, false, "%s %s read as [%s]", label, shape, text);
    return capture_add_note(collector->capture, false, "%s %s read as [%s] of layer %d", label, shape, text, layer);
}

static Status add_dense(Collector *collector, const NameMeaning *meaning, size_t index) {
    const Tensor *tensor = tensor_of(collector, index);
    NameMeaning numbered = *meaning;
    int file_layer = names_file_layer(tensor_file(collector->container, tensor));
    bool has_number = meaning->layer >= 0;
    const char *axes = default_axes(tensor->ndim, has_number);
    if (tensor->piece_count > 0)
        axes = "bhqk"; /* stitched so by their reader */
    else if (collector->axes && tensor->ndim == (int)strlen(collector->axes) &&
             !(has_number && strchr(collector->axes, 'l')))
        axes = collector->axes;
    else if (collector->axes && !has_number)
        axes = NULL;
    if (!check_dtype(collector, tensor)) return STATUS_OK;
    if (!axes) {
        char expected[64];
        snprintf(expected, sizeof(expected), "%s dimensions for --axes %s", "as many",
                 collector->axes ? collector->axes : "");
        problem_shape(collector, tensor,
                      collector->axes && !has_number ? expected
                      : has_number                   ? "an array of attention with 2 to 4 dimensions"
                                                     : "an array of attention with 2 to 5 dimensions");
        return STATUS_OK;
    }
    if (tensor->count == 0) {
        problem_shape(collector, tensor, "at least one query and one key");
        return STATUS_OK;
    }
    int layer_axis = axis_of(axes, 'l');
    int64_t layers = layer_axis < 0 ? 1 : tensor->shape[layer_axis];
    if (layers > CAPTURE_MAX_LAYERS) {
        problem_shape(collector, tensor, "at most 10,000 layers");
        return STATUS_OK;
    }
    for (int64_t layer = 0; layer < layers; layer++) {
        if (!has_number) numbered.layer = layers == 1 && file_layer >= 0 ? file_layer : (int)layer;
        if (layer_axis >= 0 && tensor->layer_numbers) numbered.layer = tensor->layer_numbers[layer];
        numbered.prefix = has_number ? meaning->prefix : 0;
        Part *part = add_part(collector, meaning->role == ROLE_SCORES ? FORM_SCORES : FORM_PATTERN, &numbered, index);
        if (!part) return no_memory(collector);
        part->axes[PART_ITEM] = axis_of(axes, 'b');
        part->axes[PART_HEAD] = axis_of(axes, 'h');
        part->axes[PART_QUERY] = axis_of(axes, 'q');
        part->axes[PART_KEY] = axis_of(axes, 'k');
        part->element_offset = layer_axis < 0 ? 0 : layer * tensor->stride[layer_axis];
        if (has_number) part->v_tensor = find_partner(collector, meaning, tensor->name, ROLE_V);
    }
    if (!has_number && !tensor->axes_known && !note_axes(collector, tensor, axes, numbered.layer))
        return no_memory(collector);
    return STATUS_OK;
}

/* ---- factored -------------------------------------------------------------------------------- */

static bool check_factor(Collector *collector, const Tensor *tensor) {
    if (!check_dtype(collector, tensor)) return false;
    if (tensor->ndim != 3 && tensor->ndim != 4)
        problem_shape(collector, tensor, "queries and keys as [batch, position, head, d] or [position, head, d]");
    else if (tensor->count == 0)
        problem_shape(collector, tensor, "at least one position, head and dimension");
    else if (tensor->shape[tensor->ndim - 1] > CAPTURE_MAX_HEAD_DIM)
        problem_shape(collector, tensor, "at most 65,536 dimensions a head");
    else
        return true;
    return false;
}

static bool check_pair(Collector *collector, const Tensor *q, const Tensor *k) {
    char sentence[ERROR_MESSAGE_SIZE], q_shape[96], k_shape[96];
    int n = q->ndim, m = k->ndim;
    int64_t q_items = n == 4 ? q->shape[0] : 1, k_items = m == 4 ? k->shape[0] : 1;
    const char *what = NULL;
    if (q_items != k_items)
        what = "as many batch items in Q as in K";
    else if (q->shape[n - 1] != k->shape[m - 1])
        what = "as many dimensions a head in Q as in K";
    else if (k->shape[m - 2] > q->shape[n - 2] || q->shape[n - 2] % k->shape[m - 2] != 0)
        what = "a number of query heads that is a multiple of the key heads";
    if (!what) return true;
    tensor_shape_text(q, q_shape, sizeof(q_shape));
    tensor_shape_text(k, k_shape, sizeof(k_shape));
    snprintf(sentence, sizeof(sentence), "expected %s, found shapes %s in '%.80s' and %s in '%.80s'", what, q_shape,
             q->name, k_shape, k->name);
    add_problem(collector, STATUS_UNSUPPORTED, sentence);
    return false;
}

static Status add_factored(Collector *collector, const NameMeaning *meaning, size_t index) {
    char sentence[ERROR_MESSAGE_SIZE];
    bool rotated = meaning->role == ROLE_ROT_Q;
    const Tensor *q = tensor_of(collector, index);
    NameMeaning numbered = *meaning;
    size_t partner = find_partner(collector, meaning, q->name, rotated ? ROLE_ROT_K : ROLE_K);
    if (!check_factor(collector, q)) return STATUS_OK;
    if (partner == SIZE_MAX) {
        snprintf(sentence, sizeof(sentence), "expected keys beside the queries '%.100s', found none", q->name);
        add_problem(collector, STATUS_FORMAT, sentence);
        return STATUS_OK;
    }
    if (!check_factor(collector, tensor_of(collector, partner)) ||
        !check_pair(collector, q, tensor_of(collector, partner)))
        return STATUS_OK;
    if (meaning->layer < 0) {
        int file_layer = names_file_layer(tensor_file(collector->container, q));
        numbered.layer = file_layer >= 0 ? file_layer : 0;
        numbered.prefix = 0;
    }
    Part *part = add_part(collector, rotated ? FORM_ROTATED : FORM_QK, &numbered, index);
    if (!part) return no_memory(collector);
    part->k_tensor = partner;
    part->lse_tensor = find_partner(collector, meaning, q->name, ROLE_LSE);
    part->v_tensor = find_partner(collector, meaning, q->name, ROLE_V);
    return STATUS_OK;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static bool could_be_attention(const Tensor *tensor) {
    return dtype_is_float(tensor->dtype) && tensor->ndim >= 2 && tensor->ndim <= 5;
}

static bool is_attention(Role role) {
    return role != ROLE_NONE && role != ROLE_MODEL_WEIGHT && role != ROLE_TOKENS && role != ROLE_Q_TOKENS &&
           role != ROLE_K_TOKENS && role != ROLE_V;
}

/* What the file's names say, before any of its arrays is looked at. */
static Status survey(Collector *collector) {
    size_t candidates = 0, count = collector->container->tensor_count;
    collector->explicit_only = false;
    collector->named = mem_alloc_zeroed(count + 1, sizeof(Named));
    if (!collector->named) return no_memory(collector);
    for (size_t i = 0; i < count; i++) {
        const Tensor *tensor = tensor_of(collector, i);
        NameMeaning meaning = names_meaning(tensor->name);
        collector->named[i] = (Named){tensor->name, meaning, i};
        collector->model_weights += meaning.role == ROLE_MODEL_WEIGHT;
        collector->explicit_only |= is_attention(meaning.role) && meaning.explicit_name;
        candidates += could_be_attention(tensor) && meaning.role != ROLE_MODEL_WEIGHT;
    }
    qsort(collector->named, count, sizeof(Named), compare_named);
    collector->single = collector->container->bare || (candidates == 1 && !collector->explicit_only);
    return STATUS_OK;
}

static Status collect_tensor(Collector *collector, NameMeaning meaning, size_t index) {
    const Tensor *tensor = tensor_of(collector, index);
    bool only = collector->single && (collector->container->bare || could_be_attention(tensor));
    if ((only || (tensor->bare && !collector->explicit_only)) && meaning.role == ROLE_NONE)
        meaning.role = ROLE_PATTERN;
    else if (!is_attention(meaning.role) || (collector->explicit_only && !meaning.explicit_name))
        return STATUS_OK;
    if (meaning.hint == HINT_NONE && meaning.layer < 0)
        meaning.hint = names_file_hint(tensor_file(collector->container, tensor));
    switch (meaning.role) {
    case ROLE_PATTERN:
    case ROLE_SCORES:
        return add_dense(collector, &meaning, index);
    case ROLE_Q:
    case ROLE_ROT_Q:
        return add_factored(collector, &meaning, index);
    default: /* keys, log-sum-exps and values come with their queries or patterns */
        return STATUS_OK;
    }
}

static Status nothing_found(const Collector *collector) {
    const Container *container = collector->container;
    if (collector->skipped > 0) {
        if (collector->err) *collector->err = collector->problem;
        return collector->problem.status;
    }
    if (collector->model_weights > 0)
        return error_set_at(
            collector->err, STATUS_UNSUPPORTED, container->name, -1,
            "expected attention, found the parameters of a model (such as '%.80s'); run the model and save "
            "its attention (output_attentions=True), or its queries and keys",
            container->tensors[0].name);
    if (container->tensor_count == 0)
        return error_set_at(collector->err, STATUS_FORMAT, container->name, -1,
                            "expected arrays of attention, found none");
    return error_set_at(
        collector->err, STATUS_UNSUPPORTED, container->name, -1,
        "expected an array of attention (named like attentions or blocks.0.attn.hook_pattern), found %zu "
        "other array%s such as '%.80s'",
        container->tensor_count, container->tensor_count == 1 ? "" : "s", container->tensors[0].name);
}

static Status collect_file(Collector *collector) {
    size_t before = collector->parts->count;
    collector->skipped = collector->model_weights = 0;
    Status status = survey(collector);
    for (size_t i = 0; i < collector->container->tensor_count && status == STATUS_OK; i++)
        status = collect_tensor(collector, collector->named[i].meaning, collector->named[i].tensor);
    mem_free(collector->named);
    collector->named = NULL;
    if (status != STATUS_OK) return status;
    if (collector->parts->count == before) return nothing_found(collector);
    if (collector->skipped > 0 &&
        !capture_add_note(collector->capture, true, "%zu array%s left out: %s", collector->skipped,
                          collector->skipped == 1 ? " was" : "s were", collector->problem.message))
        return no_memory(collector);
    return STATUS_OK;
}

Status capture_collect(Capture *capture, const char *axes, Parts *parts, Error *err) {
    Collector collector = {.capture = capture, .axes = axes, .parts = parts, .err = err};
    Error ignored = {0}, first = {.status = STATUS_FORMAT};
    size_t left_out = 0;
    if (!err) collector.err = err = &ignored;
    if (axes && !axes_valid(axes))
        return error_set(
            err, STATUS_USAGE,
            "expected --axes of the letters l b h q k (layer, batch, head, query, key), each once at most, with q "
            "and k, found '%s'",
            axes);
    for (size_t i = 0; i < capture->container_count; i++) {
        collector.container = &capture->containers[i];
        if (collector.container->strip_count > 0) continue; /* probabilities */
        Status status = collect_file(&collector);
        if (status == STATUS_OK) continue;
        if (status == STATUS_MEMORY || !collector.container->optional) return status;
        if (left_out++ == 0) first = *err;
        if (!capture_add_note(capture, true, "'%.100s' is left out: %s", collector.container->name, err->message))
            return no_memory(&collector);
    }
    if (parts->count > 0) return STATUS_OK;
    *err = first;
    return first.status;
}
