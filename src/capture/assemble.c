/* Parts -> sets, layers and heads. Parts that the file gives to a set of its own (BertViz' all, aa, ab ...) form it;
 * others form one set a hint (encoder, decoder, cross, or "whatever it is"); where
 * their layer numbers collide, the towers of a model are told apart by the text before the layer number. Of the
 * forms that a set is there in, the one with most layers is taken, weights before scores before rotated before plain
 * Q and K. */
#include "capture/internal.h"

#include <limits.h>
#include <stdlib.h>

typedef struct Group {
    const Part **parts; /* sorted by form, layer */
    size_t count;
    bool split; /* one of several towers of this hint: named by its prefix */
} Group;

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* Of the first file that has the key. */
static const char *metadata_text(const Capture *capture, const char *key) {
    for (size_t i = 0; i < capture->container_count; i++) {
        const Metadata *entry = container_metadata(&capture->containers[i], key);
        if (entry) return entry->value;
    }
    return NULL;
}

/* False, with a warning, where the value is not a number above zero. */
static bool metadata_number(Capture *capture, const char *key, double *out) {
    const char *text = metadata_text(capture, key);
    if (!text || !text[0] || text_equal_nocase(text, "none") || text_equal_nocase(text, "null")) return false;
    if (text_parse_f64(text, out) && isfinite(*out) && *out >= 0.0) return true;
    capture_add_note(capture, true, "metadata %s is ignored: expected a number, found '%.40s'", key, text);
    return false;
}

static bool metadata_bool(Capture *capture, const char *key, bool *out) {
    const char *text = metadata_text(capture, key);
    if (!text) return false;
    *out = text_equal_nocase(text, "true") || !strcmp(text, "1");
    if (*out || text_equal_nocase(text, "false") || !strcmp(text, "0")) return true;
    capture_add_note(capture, true, "metadata %s is ignored: expected true or false, found '%.40s'", key, text);
    return false;
}

static bool metadata_kind(Capture *capture, SetKind *out) {
    const char *text = metadata_text(capture, "attn.kind");
    for (SetKind kind = SET_WEIGHTS; text && kind <= SET_ATTRIBUTION; kind++) {
        if (text_equal_nocase(text, capture_kind_name(kind))) {
            *out = kind;
            return true;
        }
    }
    if (text)
        capture_add_note(capture, true,
                         "metadata attn.kind is ignored: expected weights, scores or attribution, found '%.40s'", text);
    return false;
}

/* ---- grouping -------------------------------------------------------------------------------- */

static int compare_prefixed(const Part *a, const Part *b, bool by_prefix) {
    if (a->hint != b->hint) return a->hint < b->hint ? -1 : 1;
    if (a->set_rank != b->set_rank) return a->set_rank < b->set_rank ? -1 : 1;
    int set = strcmp(a->set, b->set);
    if (set != 0) return set;
    int prefix = by_prefix ? strcmp(a->prefix, b->prefix) : 0;
    if (prefix != 0) return prefix;
    if (a->form != b->form) return a->form < b->form ? -1 : 1;
    return a->layer < b->layer ? -1 : a->layer > b->layer;
}

static int compare_by_hint(const void *a, const void *b) {
    return compare_prefixed(*(const Part *const *)a, *(const Part *const *)b, false);
}

static int compare_by_prefix(const void *a, const void *b) {
    return compare_prefixed(*(const Part *const *)a, *(const Part *const *)b, true);
}

/* First word before the layer number that is not a word of every model: "vision" of "vision_tower.blocks.3.attn". */
static const char *find_tower(const char *prefix, size_t *length) {
    static const char *const GENERIC[] = {"blocks",      "block", "layers",  "layer",   "model",
                                          "transformer", "h",     "attn",    "arr",     "attention",
                                          "attentions",  "self",  "encoder", "decoder", "module"};
    for (const char *at = prefix; *at; at += *length, at += strspn(at, "._-/")) {
        char word[32];
        *length = strcspn(at, "._-/");
        bool generic = *length == 0;
        snprintf(word, sizeof(word), "%.*s", (int)i64_min((int64_t)*length, 31), at);
        for (size_t i = 0; i < BASE_COUNT(GENERIC); i++)
            generic |= text_equal_nocase(word, GENERIC[i]);
        if (!generic) return at;
    }
    return NULL;
}

/* Index of the second of two parts for one layer in a sorted run; 0 when there are none. */
static size_t find_collision(const Part **parts, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (parts[i]->form == parts[i - 1]->form && parts[i]->layer == parts[i - 1]->layer) return i;
    return 0;
}

static void collision_error(const Part *a, const Part *b, Error *err) {
    const char *a_file = tensor_file(a->container, &a->container->tensors[a->tensor]);
    const char *b_file = tensor_file(b->container, &b->container->tensors[b->tensor]);
    if (a->container != b->container || a->container->tensors[a->tensor].home != b->container->tensors[b->tensor].home)
        error_set_at(err, STATUS_FORMAT, b_file, -1,
                     "expected files with different layers, found layer %d in both '%.100s' and '%.100s'; to compare "
                     "them, open one with --ref",
                     a->layer, a_file, b_file);
    else
        error_set_at(err, STATUS_FORMAT, a->container->name, -1,
                     "expected one array a layer, found '%.80s' and '%.80s' for layer %d",
                     a->container->tensors[a->tensor].name, b->container->tensors[b->tensor].name, a->layer);
}

/* Cuts the sorted parts of one hint into groups; returns how many, or 0 with *err set. */
static size_t cut_hint(const Part **parts, size_t count, Group *groups, Error *err) {
    size_t made = 0, unnamed = 0, length = 0, second = find_collision(parts, count);
    if (second == 0) {
        groups[0] = (Group){parts, count, false};
        return 1;
    }
    const Part *pair[2] = {parts[second - 1], parts[second]};
    qsort(parts, count, sizeof(*parts), compare_by_prefix);
    for (size_t start = 0; start < count;) {
        size_t end = start + 1;
        while (end < count && !strcmp(parts[end]->prefix, parts[start]->prefix))
            end++;
        second = find_collision(parts + start, end - start);
        if (second > 0) {
            collision_error(parts[start + second - 1], parts[start + second], err);
            return 0;
        }
        unnamed += find_tower(parts[start]->prefix, &length) == NULL;
        groups[made++] = (Group){parts + start, end - start, true};
        start = end;
    }
    if (unnamed <= 1) return made;
    collision_error(pair[0], pair[1], err); /* nothing tells the towers apart */
    return 0;
}

/* ---- one layer ------------------------------------------------------------------------------- */

static int64_t dimension(const Tensor *tensor, int axis) {
    return axis < 0 ? 1 : tensor->shape[axis];
}

static Status check_layer(const Part *part, const Tensor *tensor, int64_t items, int64_t heads, Error *err) {
    char shape[96];
    tensor_shape_text(tensor, shape, sizeof(shape));
    if (heads > CAPTURE_MAX_HEADS)
        return error_set_at(err, STATUS_UNSUPPORTED, part->container->name, -1,
                            "expected at most %d heads, found %lld in shape %s of '%.80s'", CAPTURE_MAX_HEADS,
                            (long long)heads, shape, tensor->name);
    if (items > CAPTURE_MAX_ITEMS)
        return error_set_at(err, STATUS_UNSUPPORTED, part->container->name, -1,
                            "expected at most %d batch items, found %lld in shape %s of '%.80s'", CAPTURE_MAX_ITEMS,
                            (long long)items, shape, tensor->name);
    return STATUS_OK;
}

static Status fill_dense(const Part *part, LayerInfo *info, LayerData *data, Error *err) {
    const Tensor *tensor = &part->container->tensors[part->tensor];
    int64_t items = dimension(tensor, part->axes[PART_ITEM]), heads = dimension(tensor, part->axes[PART_HEAD]);
    Status status = check_layer(part, tensor, items, heads, err);
    if (status != STATUS_OK) return status;
    info->item_count = (int)items;
    info->head_count = info->kv_heads = (int)heads;
    info->queries = dimension(tensor, part->axes[PART_QUERY]);
    info->keys = info->visible_keys = dimension(tensor, part->axes[PART_KEY]);
    info->dtype = tensor->dtype;
    data->dense = capture_plane_of_tensor(part->container, tensor);
    data->dense.offset += (uint64_t)part->element_offset * (uint64_t)tensor->item_size;
    data->dense.item_stride = capture_axis_stride(tensor, part->axes[PART_ITEM]);
    data->dense.head_stride = capture_axis_stride(tensor, part->axes[PART_HEAD]);
    data->dense.row_stride = capture_axis_stride(tensor, part->axes[PART_QUERY]);
    data->dense.column_stride = capture_axis_stride(tensor, part->axes[PART_KEY]);
    data->prompt_rows = tensor->prompt_rows;
    data->step_count = tensor->step_count;
    return STATUS_OK;
}

/* [batch?, head, position], used only where it fits Q. */
static void fill_lse(Capture *capture, const Part *part, const LayerInfo *info, LayerData *data) {
    const Tensor *lse = &part->container->tensors[part->lse_tensor];
    int n = lse->ndim;
    if ((n != 2 && n != 3) || !dtype_is_float(lse->dtype) || (n == 3 ? lse->shape[0] : 1) != info->item_count ||
        lse->shape[n - 2] != info->head_count || lse->shape[n - 1] != info->queries) {
        capture_add_note(capture, true, "'%.80s' is ignored: expected [batch, head, position] of its queries",
                         lse->name);
        return;
    }
    data->stored_lse = capture_plane_of_tensor(part->container, lse);
    data->stored_lse.item_stride = n == 3 ? lse->stride[0] : 0;
    data->stored_lse.head_stride = lse->stride[n - 2];
    data->stored_lse.row_stride = lse->stride[n - 1];
    data->stored_lse.column_stride = 1;
}

static Status fill_factored(Capture *capture, const Part *part, LayerInfo *info, LayerData *data, Error *err) {
    const Tensor *q = &part->container->tensors[part->tensor], *k = &part->container->tensors[part->k_tensor];
    int n = q->ndim, m = k->ndim;
    int64_t items = n == 4 ? q->shape[0] : 1;
    Status status = check_layer(part, q, items, q->shape[n - 2], err);
    if (status != STATUS_OK) return status;
    info->item_count = (int)items;
    info->head_count = (int)q->shape[n - 2];
    info->kv_heads = (int)k->shape[m - 2];
    info->head_dim = (int)q->shape[n - 1];
    info->queries = q->shape[n - 3];
    info->keys = info->visible_keys = k->shape[m - 3];
    info->dtype = q->dtype;
    data->q = capture_plane_of_vectors(part->container, q);
    data->k = capture_plane_of_vectors(part->container, k);
    if (part->lse_tensor != SIZE_MAX) fill_lse(capture, part, info, data);
    return STATUS_OK;
}

/* "3,9": what `convert` writes where some heads of a model were kept; fitting and ascending, else NULL. */
static const int *listed_heads(Capture *capture, int count) {
    const char *at = capture->head_list;
    int *numbers = at ? arena_alloc(&capture->arena, (size_t)count * sizeof(int)) : NULL;
    for (int i = 0; numbers && i < count; i++) {
        char *end = NULL;
        long value = strtol(at, &end, 10);
        if (end == at || value < 0 || value >= INT_MAX || (i > 0 && value <= numbers[i - 1]) ||
            *end != (i + 1 < count ? ',' : '\0'))
            return NULL;
        numbers[i] = (int)value;
        at = end + 1;
    }
    return numbers;
}

/* Numbers 0..count-1; one array serves all layers with as many heads. */
static const int *number_heads(Capture *capture, const int *stored, const LayerInfo *previous, int count) {
    if (stored) return stored;
    if (previous && previous->head_count == count) return previous->head_numbers;
    const int *listed = listed_heads(capture, count);
    if (listed) return listed;
    int *numbers = arena_alloc(&capture->arena, (size_t)count * sizeof(int));
    for (int i = 0; numbers && i < count; i++)
        numbers[i] = i;
    return numbers;
}

static Status fill_layer(Capture *capture, const Part *part, const LayerInfo *previous, LayerInfo *info,
                         LayerData *data, const Progress *progress, Error *err) {
    bool factored = part->form >= FORM_ROTATED;
    Tensor *tensors = part->container->tensors;
    Status status = container_materialise(part->container, &tensors[part->tensor], progress, err);
    if (status == STATUS_OK && factored)
        status = container_materialise(part->container, &tensors[part->k_tensor], progress, err);
    if (status == STATUS_OK && part->lse_tensor != SIZE_MAX)
        status = container_materialise(part->container, &tensors[part->lse_tensor], progress, err);
    if (status == STATUS_OK && part->v_tensor != SIZE_MAX)
        status = container_materialise(part->container, &tensors[part->v_tensor], progress, err);
    if (status != STATUS_OK) return status;
    info->number = part->layer;
    status = factored ? fill_factored(capture, part, info, data, err) : fill_dense(part, info, data, err);
    if (status != STATUS_OK) return status;
    if (part->v_tensor != SIZE_MAX) capture_fill_values(capture, part, info, data);
    info->head_numbers = number_heads(capture, tensors[part->tensor].head_numbers, previous, info->head_count);
    data->lse = capture_lse_new((int64_t)info->item_count * info->head_count, info->queries, &capture->lse_budget);
    return info->head_numbers && data->lse ? STATUS_OK : no_memory(err);
}

/* ---- one set --------------------------------------------------------------------------------- */

static int compare_layer(const void *a_, const void *b_) {
    const Part *a = *(const Part *const *)a_, *b = *(const Part *const *)b_;
    return a->layer < b->layer ? -1 : a->layer > b->layer;
}

/* The form with most layers, the earlier one of equals; parts are sorted by form. */
static void choose_form(const Group *group, const Part ***first, size_t *count, size_t *left_out) {
    size_t best = 0;
    for (size_t start = 0; start < group->count;) {
        size_t end = start + 1;
        while (end < group->count && group->parts[end]->form == group->parts[start]->form)
            end++;
        if (end - start > best) {
            best = end - start;
            *first = group->parts + start;
        }
        start = end;
    }
    *count = best;
    *left_out = 0;
    for (size_t i = 0; i < group->count; i++)
        *left_out += !bsearch(&group->parts[i], *first, best, sizeof(**first), compare_layer);
}

static const char *unique_name(Capture *capture, int index, const char *name) {
    const char *unique = name;
    for (int n = 2, other = 0; unique && other < index; other++) {
        if (!strcmp(capture->sets[other].name, unique)) {
            unique = arena_format(&capture->arena, "%s-%d", name, n++);
            other = -1;
        }
    }
    return unique;
}

static const char *name_set(Capture *capture, int index, const Group *group) {
    static const char *const HINTS[] = {[HINT_ENCODER] = "encoder", [HINT_DECODER] = "decoder", [HINT_CROSS] = "cross"};
    const SetInfo *set = &capture->sets[index];
    SetHint hint = group->parts[0]->hint;
    size_t length = 0;
    const char *tower = group->split ? find_tower(group->parts[0]->prefix, &length) : NULL;
    const char *name = tower ? arena_copy_text(&capture->arena, tower, length) : NULL;
    if (group->parts[0]->set[0]) return unique_name(capture, index, group->parts[0]->set);
    bool cross = true;
    for (int i = 0; i < set->layer_count; i++)
        cross &= set->layers[i].queries != set->layers[i].keys;
    if (tower && !name) return NULL;
    if (!name) name = hint != HINT_NONE ? HINTS[hint] : set->causal ? "decoder" : cross ? "cross" : "encoder";
    return unique_name(capture, index, name);
}

/* Scale, softcap, window and causality of Q and K: from the metadata, else what is usual, with a warning. */
static void fill_factored_set(Capture *capture, int index, SetHint hint, bool causal_known, bool causal) {
    SetInfo *set = &capture->sets[index];
    SetData *data = &capture->data[index];
    double value = 0.0;
    bool square = true;
    for (int i = 0; i < set->layer_count; i++)
        square &= set->layers[i].queries == set->layers[i].keys;
    bool self = hint != HINT_CROSS && hint != HINT_ENCODER;
    set->causal = self && (causal_known ? causal : square);
    data->causal_mask = set->causal;
    if (self && !causal_known)
        capture_add_note(capture, true, "the file does not say attn.causal: %s attention is assumed",
                         set->causal ? "causal" : "bidirectional");
    set->scale_assumed = !metadata_number(capture, "attn.scale", &set->scale);
    if (set->scale_assumed) {
        set->scale = 1.0 / sqrt((double)set->layers[0].head_dim);
        capture_add_note(capture, true, "the file does not say attn.scale: 1/sqrt(%d) is assumed",
                         set->layers[0].head_dim);
    }
    for (int i = 0; i < set->layer_count; i++)
        data->layers[i].scale = set->scale_assumed ? 1.0 / sqrt((double)set->layers[i].head_dim) : set->scale;
    if (metadata_number(capture, "attn.softcap", &value)) data->softcap = value;
    if (metadata_number(capture, "attn.window", &value) && value >= 1.0 && value < 9e15) data->window = (int64_t)value;
    if (metadata_number(capture, "attn.n_kv_heads", &value) && value != (double)set->layers[0].kv_heads)
        capture_add_note(capture, true, "metadata attn.n_kv_heads is %g, but there are %d key heads", value,
                         set->layers[0].kv_heads);
}

static void summarise_layers(SetInfo *set) {
    set->item_count = set->step_count = 1;
    for (int i = 0; i < set->layer_count; i++) {
        const LayerInfo *layer = &set->layers[i];
        set->item_count = layer->item_count > set->item_count ? layer->item_count : set->item_count;
        set->max_heads = layer->head_count > set->max_heads ? layer->head_count : set->max_heads;
        set->max_queries = i64_max(set->max_queries, layer->queries);
        set->max_keys = i64_max(set->max_keys, layer->keys);
    }
}

/* A set can be seen as it was after each step of generate() when all its layers grew alike. */
static void count_steps(SetInfo *set, const SetData *data) {
    const LayerData *first = &data->layers[0];
    for (int i = 0; i < set->layer_count; i++) {
        const LayerData *layer = &data->layers[i];
        if (layer->prompt_rows != first->prompt_rows || layer->step_count != first->step_count) return;
    }
    if (first->prompt_rows > 0) set->step_count = first->step_count;
}

static Status build_set(Capture *capture, const Group *group, const Progress *progress, Error *err) {
    int index = capture->set_count;
    const Part **parts = NULL;
    size_t count = 0, left_out = 0;
    bool causal = false;
    SetInfo *set = &capture->sets[index];
    SetData *data = &capture->data[index];
    SampleHints hints = {0};
    choose_form(group, &parts, &count, &left_out);
    if (count > CAPTURE_MAX_LAYERS)
        return error_set_at(err, STATUS_UNSUPPORTED, parts[0]->container->name, -1,
                            "expected at most %d layers, found %zu", CAPTURE_MAX_LAYERS, count);
    LayerInfo *layers = arena_alloc(&capture->arena, count * sizeof(LayerInfo));
    data->layers = arena_alloc(&capture->arena, count * sizeof(LayerData));
    if (!layers || !data->layers) return no_memory(err);
    set->layers = layers;
    set->factored = parts[0]->form >= FORM_ROTATED;
    capture->set_count = index + 1; /* from here on capture_close releases the set */
    for (size_t i = 0; i < count; i++) {
        set->layer_count = (int)i + 1;
        Status status = fill_layer(capture, parts[i], i ? &layers[i - 1] : NULL, &layers[i], &data->layers[i], progress,
                                   err);
        if (status != STATUS_OK) return status;
    }
    summarise_layers(set);
    SetHint hint = parts[0]->hint;
    hints.causal_known = metadata_bool(capture, "attn.causal", &causal) && hint != HINT_CROSS && hint != HINT_ENCODER;
    hints.kind_known = !set->factored && metadata_kind(capture, &set->kind);
    hints.scores_by_name = parts[0]->form == FORM_SCORES;
    if (parts[0]->container->tensors[parts[0]->tensor].block) hints.block = parts[0]->set;
    data->unrotated = parts[0]->form == FORM_QK;
    if (set->factored)
        fill_factored_set(capture, index, hint, hints.causal_known, causal);
    else if (hints.causal_known)
        set->causal = data->causal_mask = causal;
    Status status = capture_sample_set(capture, index, &hints, progress, err);
    if (status != STATUS_OK) return status;
    for (int i = 0; i < set->layer_count && set->kind == SET_SCORES; i++)
        data->layers[i].dense.fill = CELL_MASKED; /* where the pieces of a pattern leave gaps */
    count_steps(set, data);                       /* the last step is the whole, which is what was sampled */
    set->name = name_set(capture, index, group);
    if (left_out > 0 && !capture_add_note(capture, true,
                                          "set '%s': %zu arrays of other layers are there in another form only "
                                          "and are left out",
                                          set->name, left_out))
        return no_memory(err);
    return set->name ? STATUS_OK : no_memory(err);
}

/* ---- all ------------------------------------------------------------------------------------- */

static Status build_sets(Capture *capture, const Part **order, Group *groups, size_t count, const Progress *progress,
                         Error *err) {
    size_t group_count = 0;
    qsort(order, count, sizeof(*order), compare_by_hint);
    for (size_t start = 0; start < count;) {
        size_t end = start + 1;
        while (end < count && order[end]->hint == order[start]->hint && !strcmp(order[end]->set, order[start]->set))
            end++;
        size_t made = cut_hint(order + start, end - start, groups + group_count, err);
        if (made == 0) return STATUS_FORMAT;
        group_count += made;
        start = end;
    }
    if (group_count > CAPTURE_MAX_SETS)
        return error_set_at(err, STATUS_UNSUPPORTED, order[0]->container->name, -1,
                            "expected at most %d sets of layers, found %zu", CAPTURE_MAX_SETS, group_count);
    capture->sets = arena_alloc(&capture->arena, group_count * sizeof(SetInfo));
    capture->data = arena_alloc(&capture->arena, group_count * sizeof(SetData));
    if (!capture->sets || !capture->data) return no_memory(err);
    for (size_t i = 0; i < group_count; i++) {
        Status status = build_set(capture, &groups[i], progress, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static void add_container_notes(Capture *capture) {
    for (size_t i = 0; i < capture->container_count; i++) {
        const Container *container = &capture->containers[i];
        for (size_t n = 0; n < CONTAINER_NOTES && container->notes[n]; n++)
            capture_add_note(capture, false, "%s", container->notes[n]);
        if (container->bare && container->trailing > 0)
            capture_add_note(capture, true, "%llu bytes after the array of '%s' are ignored",
                             (unsigned long long)container->trailing, container->name);
    }
}

Status capture_assemble(Capture *capture, const CaptureOpenParams *params, Error *err) {
    Parts parts = {0};
    const Part **order = NULL;
    Group *groups = NULL;
    const char *model = metadata_text(capture, "model");
    capture->model = model ? model : "";
    if (capture_strips_only(capture)) {
        add_container_notes(capture);
        return STATUS_OK;
    }
    Status status = capture_collect(capture, params->axes, &parts, err);
    if (status != STATUS_OK) goto done;
    capture->head_list = metadata_text(capture, "attn.head_numbers");
    order = mem_alloc_zeroed(parts.count, sizeof(*order));
    groups = mem_alloc_zeroed(parts.count, sizeof(*groups));
    if (!order || !groups) {
        status = no_memory(err);
        goto done;
    }
    for (size_t i = 0; i < parts.count; i++)
        order[i] = &parts.items[i];
    status = build_sets(capture, order, groups, parts.count, &params->progress, err);
    if (status == STATUS_OK) status = capture_check_rotation(capture, err);
    if (status == STATUS_OK) add_container_notes(capture);
done:
    mem_free(parts.items);
    mem_free(order);
    mem_free(groups);
    return status;
}
