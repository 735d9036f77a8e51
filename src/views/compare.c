/* The reference beside the open capture. The same view of it is a frame and a state of its own, whose indices are
 * found by what people see: name of the set, numbers of layer and heads. Everything that draws one capture draws the
 * other with them. The difference is composed from both captures' images (images.c): means are linear, so it is
 * exact at every zoom. */
#include "views/frame.h"

#include <math.h>

/* By name; captures with one set each are compared whatever it is called. */
static int reference_set(const Frame *frame, const SetInfo *set) {
    const int index = capture_set_by_name(frame->reference.capture, set->name);
    if (index >= 0) return index;
    return capture_set_count(frame->reference.capture) == 1 && capture_set_count(frame->capture) == 1 ? 0 : -1;
}

static Status find_layer(const SetInfo *set, int number, Look *ref_look, Error *err) {
    ref_look->subject.layer = capture_layer_index(set, number);
    if (ref_look->subject.layer < 0)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no layer %d in its set '%.60s'", number, set->name);
    const LayerInfo *layer = &set->layers[ref_look->subject.layer];
    if (layer->queries <= 0 || layer->keys <= 0)
        return error_set(err, STATUS_NOT_FOUND, "layer %d of the reference is empty", number);
    if (ref_look->subject.item >= layer->item_count || ref_look->subject.step >= set->step_count)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no batch item %d, step %d", ref_look->subject.item,
                         ref_look->subject.step);
    if (ref_look->subject.values == VALUES_SCORES && !set->factored && set->kind != SET_SCORES)
        return error_set(err, STATUS_NOT_FOUND, "the reference stores weights, so there are no scores of it");
    if (views_variant(ref_look).value_weighted && layer->value_heads == 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "the reference has no value vectors: `value-weighted off` compares weights");
    ResolvedHeads heads;
    Error why = {0};
    if (tiles_headset_resolve(&ref_look->subject.heads, set, layer, &heads, &why) != STATUS_OK)
        return error_set(err, STATUS_NOT_FOUND, "the reference: %s", why.message);
    return STATUS_OK;
}

Status views_reference(const Frame *frame, const Look *look, Frame *ref_frame, Look *ref_look, Error *err) {
    *ref_frame = *frame;
    *ref_look = *look;
    if (!frame->reference.capture)
        return error_set(err, STATUS_NOT_FOUND, "no reference is open: `ref PATH` opens one");
    if (look->subject.set < 0 || look->subject.set >= capture_set_count(frame->capture))
        return error_set(err, STATUS_NOT_FOUND, "there is no set %d", look->subject.set);
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    if (look->subject.layer < 0 || look->subject.layer >= set->layer_count)
        return error_set(err, STATUS_NOT_FOUND, "there is no layer of index %d", look->subject.layer);
    ref_frame->capture = frame->reference.capture;
    ref_frame->serial = frame->reference.serial;
    ref_frame->capture_index = 1;
    ref_frame->reference.capture = NULL;
    ref_look->compare = COMPARE_OFF;
    ref_look->subject.set = reference_set(frame, set);
    if (ref_look->subject.set < 0)
        return error_set(err, STATUS_NOT_FOUND, "the reference has no set called '%.60s'", set->name);
    const SetInfo *other = capture_set(frame->reference.capture, ref_look->subject.set);
    const Status status = find_layer(other, set->layers[look->subject.layer].number, ref_look, err);
    if (status != STATUS_OK) return status;
    if (frame->shown_layer == look->subject.layer) ref_frame->shown_layer = ref_look->subject.layer;
    const LayerInfo *layer = &other->layers[ref_look->subject.layer];
    if (ref_look->matrix.cursor_q >= layer->queries || ref_look->matrix.cursor_k >= layer->keys)
        ref_look->matrix.cursor_on = false;
    return STATUS_OK;
}

void views_reference_done(Frame *frame, const Frame *ref_frame) {
    frame->composing.tiles = ref_frame->composing.tiles;
}

static bool is_signed(const SetInfo *set, const Look *look) {
    return set->signed_values || look->subject.values == VALUES_SCORES;
}

Status views_comparable(const Frame *frame, const Look *look, Error *err) {
    Frame ref_frame;
    Look ref_look;
    const Status status = views_reference(frame, look, &ref_frame, &ref_look, err);
    if (status != STATUS_OK) return status;
    const SetInfo *set = capture_set(frame->capture, look->subject.set),
                  *other = capture_set(ref_frame.capture, ref_look.subject.set);
    const LayerInfo *layer = &set->layers[look->subject.layer], *other_layer = &other->layers[ref_look.subject.layer];
    if (layer->queries != other_layer->queries || layer->keys != other_layer->keys) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "a difference needs equal sizes: layer %d has %lld x %lld tokens here, %lld x %lld in the "
                         "reference; `compare side` shows both",
                         layer->number, (long long)layer->queries, (long long)layer->keys,
                         (long long)other_layer->queries, (long long)other_layer->keys);
    }
    if (is_signed(set, look) != is_signed(other, &ref_look)) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "a difference needs the same kind: this is %s, the reference %s; `compare side` shows both",
                         capture_kind_name(set->kind), capture_kind_name(other->kind));
    }
    return STATUS_OK;
}

Channel views_channel(const Look *look) {
    return look->compare == COMPARE_DIFF && look->colours.channel == CHANNEL_MAX ? CHANNEL_MEAN : look->colours.channel;
}

float views_difference_cell(float value, float reference) {
    if (isnan(value) || isnan(reference)) return NAN;
    if (isinf(value) && isinf(reference)) return CELL_MASKED;
    return (isinf(value) ? 0 : value) - (isinf(reference) ? 0 : reference);
}
