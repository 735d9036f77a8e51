/* Any capture -> the zero-config safetensors: the same numbers in the same dtype, under the names and with the
 * metadata that are read back without a question. Streamed a strip at a time, so that size does not matter.
 *
 *   encoder.L.attn.hook_pattern          decoder.L.attn.hook_rot_q, hook_rot_k, lse
 *   decoder.L.cross_attn.hook_pattern    NAME.L.attn.hook_attn_scores */
#include "capture/internal.h"

#define CONVERT_STRIP ((int64_t)4 << 20) /* bytes */
#define CONVERT_INLINE_TOKENS ((size_t)1 << 20)

typedef struct Converter {
    const Capture *capture;
    SafetensorsWriter *writer;
    const Progress *progress;
    SourceScratch *scratch;
    TextBuffer tokens; /* that are too long for the metadata */
    uint64_t written, total;
    Error *err;
} Converter;

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to write the file");
}

/* ---- names ----------------------------------------------------------------------------------- */

static void array_name(const SetInfo *set, const LayerInfo *layer, const char *leaf, char *out, size_t out_size) {
    bool cross = !strcmp(set->name, "cross");
    snprintf(out, out_size, "%.60s.%d.%s.%s", cross ? "decoder" : set->name, layer->number,
             cross ? "cross_attn" : "attn", leaf);
}

/* What one tensor of a layer is made of. */
typedef struct Output {
    const Plane *plane;
    const char *leaf;
    bool head_inside; /* [item, row, head, column], else [item, head, row, column] */
    int heads;
    int64_t rows, columns; /* columns 0: there are none (lse) */
} Output;

enum { MAX_OUTPUTS = 4 };

/* Value vectors, if any, behind the first `count`; returns how many there are then. */
static int add_values(const LayerData *of, const LayerInfo *layer, Output out[MAX_OUTPUTS], int count) {
    if (of->value_heads == 0) return count;
    out[count] = (Output){&of->v, "hook_v", true, of->value_heads, layer->keys, of->value_dim};
    return count + 1;
}

/* The tensors of a layer, in the order in which they are written. */
static int layer_outputs(const Converter *converter, int set_index, int layer_index, Output out[MAX_OUTPUTS]) {
    const SetInfo *set = capture_set(converter->capture, set_index);
    const SetData *data = &converter->capture->data[set_index];
    const LayerInfo *layer = &set->layers[layer_index];
    const LayerData *of = &data->layers[layer_index];
    if (!set->factored) {
        const char *leaf = set->kind == SET_SCORES ? "hook_attn_scores" : "hook_pattern";
        out[0] = (Output){&of->dense, leaf, false, layer->head_count, layer->queries, layer->keys};
        return add_values(of, layer, out, 1);
    }
    bool rotated = !data->unrotated;
    out[0] = (Output){&of->q,         rotated ? "hook_rot_q" : "hook_q", true, layer->head_count, layer->queries,
                      layer->head_dim};
    out[1] = (Output){&of->k, rotated ? "hook_rot_k" : "hook_k", true, layer->kv_heads, layer->keys, layer->head_dim};
    if (!of->stored_lse.source) return add_values(of, layer, out, 2);
    out[2] = (Output){&of->stored_lse, "lse", false, layer->head_count, layer->queries, 0};
    return add_values(of, layer, out, 3);
}

static Status declare_output(Converter *converter, const SetInfo *set, const LayerInfo *layer, const Output *output) {
    char name[160];
    int64_t outer = output->head_inside ? output->rows : output->heads,
            inner = output->head_inside ? output->heads : output->rows;
    const int64_t shape[] = {layer->item_count, outer, inner, output->columns};
    array_name(set, layer, output->leaf, name, sizeof(name));
    converter->total += (uint64_t)layer->item_count * (uint64_t)output->heads * (uint64_t)output->rows *
                        (uint64_t)i64_max(output->columns, 1) * (uint64_t)output->plane->item_size;
    return capture_writer_declare(converter->writer, name, output->plane->dtype, output->columns > 0 ? 4 : 3, shape,
                                  converter->err);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static Status write_strip(Converter *converter, const void *bytes, size_t size, const char *name) {
    const Progress *progress = converter->progress;
    Status status = capture_writer_write(converter->writer, bytes, size, converter->err);
    converter->written += size;
    if (status == STATUS_OK && progress && progress->report &&
        !progress->report(progress->user, name, (double)converter->written / (double)converter->total))
        status = error_set(converter->err, STATUS_CANCELLED, "converting was cancelled");
    return status;
}

/* Heads one after the other, rows in strips. */
static Status write_heads_outside(Converter *converter, const LayerInfo *layer, const Output *output, uint8_t *strip,
                                  int64_t rows, const char *name) {
    int64_t columns = i64_max(output->columns, 1);
    size_t pitch = (size_t)(columns * output->plane->item_size);
    for (int64_t pattern = 0; pattern < (int64_t)layer->item_count * output->heads; pattern++) {
        for (int64_t row = 0; row < output->rows; row += rows) {
            int64_t end = i64_min(row + rows, output->rows);
            Status status = capture_plane_read_stored(
                output->plane, &(PlaneRect){pattern / output->heads, pattern % output->heads, row, end, 0, columns},
                strip, pitch, converter->scratch, converter->err);
            if (status == STATUS_OK) status = write_strip(converter, strip, (size_t)(end - row) * pitch, name);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

/* Positions one after the other, each with all its heads. */
static Status write_heads_inside(Converter *converter, const LayerInfo *layer, const Output *output, uint8_t *strip,
                                 int64_t rows, const char *name) {
    size_t part = (size_t)(output->columns * output->plane->item_size), pitch = part * (size_t)output->heads;
    for (int64_t item = 0; item < layer->item_count; item++) {
        for (int64_t row = 0; row < output->rows; row += rows) {
            int64_t end = i64_min(row + rows, output->rows);
            Status status = STATUS_OK;
            for (int head = 0; head < output->heads && status == STATUS_OK; head++)
                status = capture_plane_read_stored(
                    output->plane, &(PlaneRect){item, head, row, end, 0, output->columns}, strip + (size_t)head * part,
                    pitch, converter->scratch, converter->err);
            if (status == STATUS_OK) status = write_strip(converter, strip, (size_t)(end - row) * pitch, name);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

static Status write_output(Converter *converter, const SetInfo *set, const LayerInfo *layer, const Output *output) {
    char name[160], what[200];
    int64_t row_bytes = i64_max(output->columns, 1) * output->plane->item_size *
                        (output->head_inside ? output->heads : 1);
    int64_t rows = i64_clamp(CONVERT_STRIP / row_bytes, 1, output->rows);
    array_name(set, layer, output->leaf, name, sizeof(name));
    snprintf(what, sizeof(what), "writing %s", name);
    uint8_t *strip = mem_alloc_zeroed((size_t)rows, (size_t)row_bytes);
    if (!strip) return no_memory(converter->err);
    Status status = output->head_inside ? write_heads_inside(converter, layer, output, strip, rows, what)
                                        : write_heads_outside(converter, layer, output, strip, rows, what);
    mem_free(strip);
    return status;
}

typedef Status (*OutputStep)(Converter *converter, const SetInfo *set, const LayerInfo *layer, const Output *output);

static Status each_output(Converter *converter, OutputStep step) {
    Output outputs[MAX_OUTPUTS];
    for (int s = 0; s < capture_set_count(converter->capture); s++) {
        const SetInfo *set = capture_set(converter->capture, s);
        for (int l = 0; l < set->layer_count; l++) {
            int count = layer_outputs(converter, s, l, outputs);
            for (int i = 0; i < count; i++) {
                Status status = step(converter, set, &set->layers[l], &outputs[i]);
                if (status != STATUS_OK) return status;
            }
        }
    }
    return STATUS_OK;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static Status put(Converter *converter, const char *key, const char *value) {
    return capture_writer_metadata(converter->writer, key, value, converter->err);
}

static Status put_number(Converter *converter, const char *key, double value) {
    char text[40];
    snprintf(text, sizeof(text), "%.17g", value);
    return put(converter, key, text);
}

/* The set whose causality, scale and so on the file's one set of metadata describes: self attention before cross. */
static int main_set(const Capture *capture) {
    for (int s = 0; s < capture_set_count(capture); s++) {
        const char *name = capture_set(capture, s)->name;
        if (strcmp(name, "encoder") != 0 && strcmp(name, "cross") != 0) return s;
    }
    return 0;
}

static Status put_factored(Converter *converter, const SetInfo *set, const SetData *data) {
    Status status = set->scale_assumed ? STATUS_OK : put_number(converter, "attn.scale", set->scale);
    if (status == STATUS_OK) status = put_number(converter, "attn.n_kv_heads", set->layers[0].kv_heads);
    if (status == STATUS_OK && data->window > 0) status = put_number(converter, "attn.window", (double)data->window);
    if (status == STATUS_OK && data->softcap > 0.0) status = put_number(converter, "attn.softcap", data->softcap);
    return status;
}

/* One kind for the file, where all stored patterns have it; the names tell scores from weights in any case. */
static const char *common_kind(const Capture *capture) {
    SetKind kind = SET_WEIGHTS;
    for (int s = 0, found = 0; s < capture_set_count(capture); s++) {
        const SetInfo *set = capture_set(capture, s);
        if (set->factored || (found++ > 0 && set->kind != kind)) return NULL;
        kind = set->kind;
    }
    return capture_kind_name(kind);
}

/* Of the first layer, where they are not 0, 1, 2 ... */
static Status put_head_numbers(Converter *converter) {
    TextBuffer list = {0};
    const LayerInfo *layer = &capture_set(converter->capture, 0)->layers[0];
    Status status = STATUS_OK;
    bool plain = true;
    for (int i = 0; i < layer->head_count; i++) {
        plain &= layer->head_numbers[i] == i;
        text_appendf(&list, i ? ",%d" : "%d", layer->head_numbers[i]);
    }
    if (list.failed)
        status = no_memory(converter->err);
    else if (!plain)
        status = put(converter, "attn.head_numbers", list.text);
    text_buffer_free(&list);
    return status;
}

static Status put_metadata(Converter *converter) {
    static const char *const KEPT[] = {"attn.image_grid", "tokens.encoding"};
    const Capture *capture = converter->capture;
    int index = main_set(capture);
    const SetInfo *set = capture_set(capture, index);
    const char *kind = common_kind(capture);
    Status status = put(converter, "attn.schema", "1");
    if (status == STATUS_OK && capture_model(capture)[0]) status = put(converter, "model", capture_model(capture));
    if (status == STATUS_OK && strcmp(set->name, "encoder") != 0 && strcmp(set->name, "cross") != 0)
        status = put(converter, "attn.causal", set->causal ? "true" : "false");
    if (status == STATUS_OK && kind) status = put(converter, "attn.kind", kind);
    if (status == STATUS_OK) status = put_head_numbers(converter);
    for (int s = 0; s < capture_set_count(capture) && status == STATUS_OK; s++) {
        if (!capture_set(capture, s)->factored) continue;
        status = put_factored(converter, capture_set(capture, s), &capture->data[s]);
        break;
    }
    for (size_t i = 0; i < BASE_COUNT(KEPT) && status == STATUS_OK; i++) {
        const Metadata *entry = NULL;
        for (size_t c = 0; c < capture->container_count && !entry; c++)
            entry = container_metadata(&capture->containers[c], KEPT[i]);
        if (entry) status = put(converter, KEPT[i], entry->value);
    }
    return status;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static void append_list(TextBuffer *json, const TokenList *list) {
    text_append(json, "[");
    for (int64_t i = 0; i < list->count; i++) {
        text_append(json, i ? "," : "");
        text_append_json(json, list->tokens[i].raw);
    }
    text_append(json, "]");
}

/* One list, or one an item where they differ. */
static void append_tokens(TextBuffer *json, const Capture *capture, int set, Axis axis) {
    int items = capture_set(capture, set)->item_count;
    const TokenList *first = capture_tokens(capture, set, 0, axis);
    bool same = true;
    for (int i = 1; i < items; i++)
        same &= capture_tokens(capture, set, i, axis) == first;
    if (same) {
        append_list(json, first);
        return;
    }
    text_append(json, "[");
    for (int i = 0; i < items; i++) {
        const TokenList *list = capture_tokens(capture, set, i, axis);
        text_append(json, i ? "," : "");
        append_list(json, list ? list : &(TokenList){0});
    }
    text_append(json, "]");
}

static bool same_text(const TextBuffer *a, const TextBuffer *b) {
    return a->length == b->length && a->text && b->text && !strcmp(a->text, b->text);
}

/* "tokens" where both axes of all sets have the same; else those of queries and keys. A set with lists of its own
 * (BertViz' aa, ab ...) says so in the key. */
static Status put_set_tokens(Converter *converter, int set, const char *prefix) {
    TextBuffer lists[2] = {{0}, {0}};
    char key[96];
    Status status = STATUS_OK;
    for (int axis = 0; axis < 2; axis++)
        if (capture_tokens(converter->capture, set, 0, (Axis)axis))
            append_tokens(&lists[axis], converter->capture, set, (Axis)axis);
    if (lists[0].failed || lists[1].failed) status = no_memory(converter->err);
    if (status == STATUS_OK && same_text(&lists[0], &lists[1]) && !prefix[0] &&
        lists[0].length > CONVERT_INLINE_TOKENS) {
        converter->tokens = lists[0];
        lists[0] = (TextBuffer){0};
    } else if (status == STATUS_OK && same_text(&lists[0], &lists[1])) {
        snprintf(key, sizeof(key), "%stokens", prefix);
        status = put(converter, key, lists[0].text);
    } else {
        for (int axis = 0; axis < 2 && status == STATUS_OK; axis++) {
            snprintf(key, sizeof(key), "%s%s", prefix, axis ? "k_tokens" : "q_tokens");
            if (lists[axis].length > 0) status = put(converter, key, lists[axis].text);
        }
    }
    text_buffer_free(&lists[0]);
    text_buffer_free(&lists[1]);
    return status;
}

static Status put_tokens(Converter *converter) {
    const Capture *capture = converter->capture;
    int count = capture_set_count(capture);
    if (count == 1) return put_set_tokens(converter, 0, "");
    for (int s = 0; s < count; s++) {
        char prefix[72];
        snprintf(prefix, sizeof(prefix), "%.60s.", capture_set(capture, s)->name);
        Status status = put_set_tokens(converter, s, prefix);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

Status capture_convert(const Capture *capture, const char *path, const Progress *progress, Error *err) {
    Converter converter = {.capture = capture, .progress = progress, .err = err};
    int64_t length = 0;
    Status status = capture_writer_open(path, &converter.writer, err);
    if (status != STATUS_OK) return status;
    converter.scratch = capture_scratch_new();
    if (!converter.scratch) status = no_memory(err);
    if (status == STATUS_OK) status = put_metadata(&converter);
    if (status == STATUS_OK) status = put_tokens(&converter);
    if (status == STATUS_OK) status = each_output(&converter, declare_output);
    length = (int64_t)converter.tokens.length;
    if (status == STATUS_OK && length > 0)
        status = capture_writer_declare(converter.writer, "tokens.json", DTYPE_U8, 1, &length, err);
    if (status == STATUS_OK) status = each_output(&converter, write_output);
    if (status == STATUS_OK && length > 0)
        status = capture_writer_write(converter.writer, converter.tokens.text, converter.tokens.length, err);
    if (status == STATUS_OK)
        status = capture_writer_commit(converter.writer, err);
    else
        capture_writer_abort(converter.writer);
    capture_scratch_drop(converter.scratch);
    text_buffer_free(&converter.tokens);
    return status;
}
