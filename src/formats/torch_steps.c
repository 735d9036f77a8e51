/* generate(output_attentions=True) returns tuple[step][layer]: step 0 is the prompt, each later step adds rows. They
 * become one pattern a layer, whose rows lie where the steps are stored:
 *
 *   keys ->     0      P          N        with a cache: step 0 is P x P, step s adds row P - 1 + s of P + s keys
 *   queries 0   [ step 0 ]                 with a sliding cache: the row holds the last keys only
 *           P   [ step 1  ]                without a cache: each step is the whole square so far, and the last one
 *               counts [ step 2   ]               cross attention: each step adds rows of the same keys
 *           N
 *
 * Rows and columns that no step holds are not captured. */
#include "formats/torch.h"

enum {
    STEPS_MAX_PIECES = 1 << 21, /* 26,000 steps of 80 layers */
    STEPS_MAX_LAYERS = 10000,
};

/* How far the steps have come; all layers grow alike. */
typedef struct Growth {
    bool started, cross, square; /* square: step 0 was, so keys are queries */
    int64_t queries, keys;       /* of the step before */
    int64_t rows;                /* so far */
    int64_t row0;                /* of this step */
    int64_t prompt;              /* rows of step 0 */
} Growth;

static bool grow(Growth *growth, int64_t queries, int64_t keys) {
    bool again = growth->started && queries > 1 && queries == growth->queries + 1 &&
                 (keys == growth->keys || keys == growth->keys + 1);
    bool slid = queries == 1 && growth->square && keys <= growth->keys; /* a sliding cache holds the last keys only */
    bool more = keys - growth->keys == queries || (queries == 1 && keys == growth->keys) || slid;
    if (growth->started && !again && !more) return false;
    if (!growth->started) {
        growth->square = queries == keys && !growth->cross;
        growth->prompt = queries;
    }
    growth->started = true;
    growth->row0 = again ? 0 : growth->rows;
    growth->queries = queries;
    growth->keys = keys;
    return i64_add(growth->row0, queries, &growth->rows);
}

static const PickleNode *tensor_at(const PickleNode *steps, size_t step, size_t layer) {
    const PickleNode *node = pickle_item(pickle_item(steps, step), layer);
    return torch_is_tensor(node) ? node : NULL;
}

static bool is_layer_list(TorchFile *file, const PickleNode *node) {
    size_t tensors = 0;
    if (node->kind != PICKLE_TUPLE && node->kind != PICKLE_LIST) return false;
    if (!torch_spend(file, node->count)) return false;
    for (size_t i = 0; i < node->count; i++) {
        if (torch_is_tensor(node->items[i]))
            tensors++;
        else if (node->items[i]->kind != PICKLE_NONE)
            return false;
    }
    return tensors > 0;
}

/* The first tensor of a step. */
static Status read_first(const TorchFile *file, const PickleNode *steps, size_t step, Tensor *out, Error *err) {
    const PickleNode *layers = pickle_item(steps, step);
    for (size_t i = 0; i < layers->count; i++)
        if (torch_is_tensor(layers->items[i])) return torch_read_tensor(file, layers->items[i], out, err);
    return error_set(err, STATUS_FORMAT, "no tensor");
}

bool torch_are_steps(TorchFile *file, const PickleNode *steps) {
    Growth growth = {0};
    Tensor tensor;
    int64_t items = 0, heads = 0;
    if (steps->count < 2) return false;
    for (size_t i = 0; i < steps->count; i++)
        if (!is_layer_list(file, steps->items[i])) return false;
    for (size_t i = 0; i < steps->count; i++) {
        if (read_first(file, steps, i, &tensor, NULL) != STATUS_OK || tensor.ndim != 4) return false;
        if (i > 0 && (tensor.shape[0] != items || tensor.shape[1] != heads)) return false;
        if (!grow(&growth, tensor.shape[2], tensor.shape[3])) return false;
        items = tensor.shape[0];
        heads = tensor.shape[1];
    }
    return true;
}

static Status bad_step(const TorchFile *file, size_t step, size_t layer, const Tensor *tensor) {
    char shape[96];
    tensor_shape_text(tensor, shape, sizeof(shape));
    return error_set_at(file->err, STATUS_UNSUPPORTED, file->container->name, -1,
                        "expected steps of generate() that continue one another, found shape %s of %s in step %zu, "
                        "layer %zu",
                        shape, tensor->dtype_text, step, layer);
}

/* Adds the piece of one step to a layer's pattern, whose first piece fixed dtype, items and heads. */
static Status add_piece(const TorchFile *file, const PickleNode *steps, size_t step, size_t layer, const Growth *growth,
                        Tensor *pattern, PlanePiece *pieces) {
    const PickleNode *node = tensor_at(steps, step, layer);
    Tensor tensor;
    if (!node) return STATUS_OK;
    Status status = torch_read_tensor(file, node, &tensor, file->err);
    if (status != STATUS_OK) return status;
    if (tensor.ndim != 4 || tensor.shape[2] != growth->queries || tensor.count == 0)
        return bad_step(file, step, layer, &tensor);
    if (pattern->ndim == 0) {
        *pattern = tensor;
    } else if (tensor.dtype != pattern->dtype || tensor.shape[0] != pattern->shape[0] ||
               tensor.shape[1] != pattern->shape[1]) {
        return bad_step(file, step, layer, &tensor);
    }
    int64_t keys = tensor.shape[3], column0 = growth->square ? i64_max(growth->rows - keys, 0) : 0;
    if (growth->row0 == 0) pattern->piece_count = 0;
    pieces[pattern->piece_count++] = (PlanePiece){
        .source = tensor.source,
        .offset = tensor.offset,
        .row0 = growth->row0,
        .row1 = growth->rows,
        .column0 = column0,
        .column1 = column0 + keys,
        .item_stride = tensor.stride[0],
        .head_stride = tensor.stride[1],
        .row_stride = tensor.stride[2],
        .column_stride = tensor.stride[3],
    };
    pattern->shape[3] = i64_max(pattern->shape[3], column0 + keys);
    return STATUS_OK;
}

static Status stitch_layer(TorchFile *file, const char *name, const PickleNode *steps, size_t layer, int64_t *rows) {
    Container *container = file->container;
    bool self = text_ends_with(name, "attentions") && !strstr(name, "cross");
    Growth growth = {.cross = strstr(name, "cross") != NULL};
    Tensor pattern = {0}, first;
    PlanePiece *pieces = arena_alloc(&container->arena, steps->count * sizeof(*pieces));
    if (!pieces) return error_set(file->err, STATUS_MEMORY, "not enough memory to open the capture");
    for (size_t step = 0; step < steps->count; step++) {
        Status status = read_first(file, steps, step, &first, file->err);
        if (status == STATUS_OK && (first.ndim != 4 || !grow(&growth, first.shape[2], first.shape[3])))
            status = bad_step(file, step, layer, &first);
        if (status == STATUS_OK) status = add_piece(file, steps, step, layer, &growth, &pattern, pieces);
        if (status != STATUS_OK) return status;
    }
    if (pattern.piece_count == 0) return STATUS_OK; /* None at every step */
    pattern.shape[2] = growth.rows;
    if (self)
        pattern.shape[3] = i64_min(pattern.shape[3], growth.rows); /* a static cache is longer than what was said */
    if (growth.square) pattern.shape[3] = growth.rows;
    for (size_t i = 0; i < pattern.piece_count; i++)
        pieces[i].column1 = i64_min(pieces[i].column1, pattern.shape[3]);
    pattern.pieces = pieces;
    if (growth.rows - growth.prompt == (int64_t)steps->count - 1 && steps->count <= STEPS_MAX_PIECES) {
        pattern.prompt_rows = growth.prompt;
        pattern.step_count = (int)steps->count;
    }
    pattern.name = arena_format(&container->arena, "%s.%zu", name, layer);
    if (!tensor_strides(&pattern, false))
        return error_set_at(file->err, STATUS_FORMAT, container->name, -1, "the steps of generate() are too large");
    Tensor *added = container_add(container);
    if (!added || !pattern.name) return error_set(file->err, STATUS_MEMORY, "not enough memory to open the capture");
    *added = pattern;
    *rows = growth.rows;
    return STATUS_OK;
}

Status torch_stitch(TorchFile *file, const char *name, const PickleNode *steps, int64_t *rows) {
    size_t layers = 0;
    for (size_t i = 0; i < steps->count; i++)
        layers = steps->items[i]->count > layers ? steps->items[i]->count : layers;
    if (layers > STEPS_MAX_LAYERS)
        return error_set_at(file->err, STATUS_UNSUPPORTED, file->container->name, -1,
                            "expected at most %d layers, found %zu", STEPS_MAX_LAYERS, layers);
    if (steps->count > STEPS_MAX_PIECES / layers)
        return error_set_at(file->err, STATUS_UNSUPPORTED, file->container->name, -1,
                            "expected at most %d tensors of generate(), found %zu steps of %zu layers",
                            STEPS_MAX_PIECES, steps->count, layers);
    for (size_t layer = 0; layer < layers; layer++) {
        Status status = stitch_layer(file, name, steps, layer, rows);
        if (status != STATUS_OK) return status;
    }
    if (!container_note(file->container, "'%.60s': %zu steps of generate() are stitched into one pattern a layer", name,
                        steps->count))
        return error_set(file->err, STATUS_MEMORY, "not enough memory to open the capture");
    return STATUS_OK;
}
