/* The reference beside the open capture. The same view of it is a frame and a state of its own, whose indices are
 * found by what people see: name of the set, numbers of layer and heads. Everything that draws one capture draws the
 * other with them. The difference is composed from both captures' images (heatmap.c): means are linear, so it is
 * exact at every zoom. */
#include "views/views.h"

#include <math.h>

/* By name; captures with one set each are compared whatever it is called. */
static int reference_set(const Frame *frame, const SetInfo *set) {
    const int index = capture_set_by_name(frame->reference, set->name);
    if (index >= 0) return index;
    return capture_set_count(frame->reference) == 1 && capture_set_count(frame->capture) == 1 ? 0 : -1;
}

static Status find_layer(const SetInfo *set, int number, ViewState *ref_state, Error *err) {
    ref_state->layer = capture_layer_index(set, number);
    if (ref_state->layer < 0)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no layer %d in its set '%.60s'", number, set->name);
    const LayerInfo *layer = &set->layers[ref_state->layer];
    if (layer->queries <= 0 || layer->keys <= 0)
        return error_set(err, STATUS_NOT_FOUND, "layer %d of the reference is empty", number);
    if (ref_state->item >= layer->item_count || ref_state->step >= set->step_count)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no batch item %d, step %d", ref_state->item,
                         ref_state->step);
    if (ref_state->values == VALUES_SCORES && !set->factored && set->kind != SET_SCORES)
        return error_set(err, STATUS_NOT_FOUND, "the reference stores weights, so there are no scores of it");
    if (views_variant(ref_state).value_weighted && layer->value_heads == 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "the reference has no value vectors: `value-weighted off` compares weights");
    ResolvedHeads heads;
    Error why = {0};
    if (tiles_headset_resolve(&ref_state->heads, set, layer, &heads, &why) != STATUS_OK)
        return error_set(err, STATUS_NOT_FOUND, "the reference: %s", why.message);
    return STATUS_OK;
}

Status views_reference(const Frame *frame, const ViewState *state, Frame *ref_frame, ViewState *ref_state, Error *err) {
    *ref_frame = *frame;
    *ref_state = *state;
    if (!frame->reference) return error_set(err, STATUS_NOT_FOUND, "no reference is open: `ref PATH` opens one");
    if (state->set < 0 || state->set >= capture_set_count(frame->capture))
        return error_set(err, STATUS_NOT_FOUND, "there is no set %d", state->set);
    const SetInfo *set = capture_set(frame->capture, state->set);
    if (state->layer < 0 || state->layer >= set->layer_count)
        return error_set(err, STATUS_NOT_FOUND, "there is no layer of index %d", state->layer);
    ref_frame->capture = frame->reference;
    ref_frame->serial = frame->reference_serial;
    ref_frame->capture_index = 1;
    ref_frame->reference = NULL;
    ref_state->compare = COMPARE_OFF;
    ref_state->set = reference_set(frame, set);
    if (ref_state->set < 0)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no set called '%.60s'", set->name);
    const SetInfo *other = capture_set(frame->reference, ref_state->set);
    const Status status = find_layer(other, set->layers[state->layer].number, ref_state, err);
    if (status != STATUS_OK) return status;
    if (frame->shown_layer == state->layer) ref_frame->shown_layer = ref_state->layer;
    const LayerInfo *layer = &other->layers[ref_state->layer];
    if (ref_state->cursor_q >= layer->queries || ref_state->cursor_k >= layer->keys) ref_state->cursor_on = false;
    return STATUS_OK;
}

void views_reference_done(Frame *frame, const Frame *ref_frame) {
    frame->composed = ref_frame->composed;
}

static bool is_signed(const SetInfo *set, const ViewState *state) {
    return set->signed_values || state->values == VALUES_SCORES;
}

Status views_comparable(const Frame *frame, const ViewState *state, Error *err) {
    Frame ref_frame;
    ViewState ref_state;
    const Status status = views_reference(frame, state, &ref_frame, &ref_state, err);
    if (status != STATUS_OK) return status;
    const SetInfo *set = capture_set(frame->capture, state->set),
                  *other = capture_set(ref_frame.capture, ref_state.set);
    const LayerInfo *layer = &set->layers[state->layer], *other_layer = &other->layers[ref_state.layer];
    if (layer->queries != other_layer->queries || layer->keys != other_layer->keys) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "a difference needs equal sizes: layer %d has %lld x %lld tokens here, %lld x %lld in the "
                         "reference; `compare side` shows both",
                         layer->number, (long long)layer->queries, (long long)layer->keys,
                         (long long)other_layer->queries, (long long)other_layer->keys);
    }
    if (is_signed(set, state) != is_signed(other, &ref_state)) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "a difference needs the same kind: this is %s, the reference %s; `compare side` shows both",
                         capture_kind_name(set->kind), capture_kind_name(other->kind));
    }
    return STATUS_OK;
}

Channel views_channel(const ViewState *state) {
    return state->compare == COMPARE_DIFF && state->channel == CHANNEL_MAX ? CHANNEL_MEAN : state->channel;
}

float views_difference_cell(float value, float reference) {
    if (isnan(value) || isnan(reference)) return NAN;
    if (isinf(value) && isinf(reference)) return CELL_MASKED;
    return (isinf(value) ? 0 : value) - (isinf(reference) ? 0 : reference);
}
