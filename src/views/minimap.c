/* The base image of the layer, small, with the visible rectangle; and one head's base tile as a thumbnail. Both use the
 * mip of the base whose texels come closest to a pixel from above. */
#include "views/matrix.h"

#include <math.h>

static int mip_for(float texels, float pixels, int mip_count) {
    int mip = 0;
    while (mip + 1 < mip_count && texels / (float)(1 << (mip + 1)) >= pixels)
        mip++;
    return mip;
}

/* Draws the whole base image under `key`, which is what `state` shows of the layer, into rect. */
static bool paint_base(Frame *frame, const Look *look, int layer, const TileKey *key, Rect rect) {
    GpuTileInfo info;
    float hi = 0;
    if (!gpu_tile_find(frame->gpu, key, &info)) return false;
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    const LayerInfo *layer_info = &set->layers[layer];
    if (!views_image_range(frame, look, layer, key, look->colours.percentile, &hi)) return false;
    const int mip = mip_for((float)info.width, rect.w, info.mip_count);
    const int mip_q = mip_for((float)info.height, rect.h, info.mip_count);
    const int use = mip < mip_q ? mip : mip_q;
    const DrawHeatmap heatmap = {
        .key = *key,
        .mip = use,
        .u1 = (float)((double)layer_info->keys / ldexp(1.0, key->lk + use)),
        .v1 = (float)((double)layer_info->queries / ldexp(1.0, key->lq + use)),
        .keys = layer_info->keys,
        .params = views_display_params(frame, look, info.is_signed, info.is_signed ? -hi : 0, hi),
    };
    draw_heatmap(frame->list, rect, &heatmap);
    return true;
}

/* The difference of one head, composed as time allows. */
static bool difference_thumb(Frame *frame, const Look *one, int layer, Rect rect, bool want) {
    const int shown_layer = frame->shown_layer;
    TileKey key;
    frame->shown_layer = -1; /* only the picture is composed whole at once */
    const bool ready = views_base_ready(frame, one, layer, want, &key) && paint_base(frame, one, layer, &key, rect);
    frame->shown_layer = shown_layer;
    return ready;
}

static bool head_thumb(Frame *frame, const Look *one, int layer, int head_index, Rect rect, bool want) {
    const LayerInfo *info = &capture_set(frame->capture, one->subject.set)->layers[layer];
    TileKey key = views_key(frame, one, layer, head_index, 0, (TilePlace){.level = views_base_level(frame, info)});
    key.variant = views_variant_id(one);
    if (!gpu_tile_find(frame->gpu, &key, NULL)) {
        if (want) views_want(frame->wants, JOB_BASE, &key, frame->capture);
        if (key.variant == 0) return false;
        key.variant = 0; /* until the variant is there */
        if (!gpu_tile_find(frame->gpu, &key, NULL)) return false;
    }
    return paint_base(frame, one, layer, &key, rect);
}

bool views_thumb(Frame *frame, const Look *look, int layer, int head_index, Rect rect, bool want) {
    const LayerInfo *info = &capture_set(frame->capture, look->subject.set)->layers[layer];
    if (head_index < 0 || head_index >= info->head_count) return false;
    Look one = *look, ref_look;
    Frame ref_frame;
    one.subject.layer = layer;
    one.subject.heads = (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {info->head_numbers[head_index]}};
    if (look->compare == COMPARE_DIFF) return difference_thumb(frame, &one, layer, rect, want);
    if (look->compare == COMPARE_REF) {
        if (views_reference(frame, &one, &ref_frame, &ref_look, NULL) != STATUS_OK) return false;
        const LayerInfo *there = &capture_set(ref_frame.capture, ref_look.subject.set)->layers[ref_look.subject.layer];
        head_index = capture_head_index(there, info->head_numbers[head_index]);
        const bool ready = head_thumb(&ref_frame, &ref_look, ref_look.subject.layer, head_index, rect, want);
        views_reference_done(frame, &ref_frame);
        return ready;
    }
    return head_thumb(frame, &one, layer, head_index, rect, want);
}

static bool paint_minimap(Frame *frame, const Look *look, Rect image) {
    TileKey key;
    if (look->compare == COMPARE_REF) {
        Frame ref_frame;
        Look ref_look;
        if (views_reference(frame, look, &ref_frame, &ref_look, NULL) != STATUS_OK) return false;
        const bool ready = paint_minimap(&ref_frame, &ref_look, image);
        views_reference_done(frame, &ref_frame);
        return ready;
    }
    return views_base_ready(frame, look, look->subject.layer, false, &key) &&
           paint_base(frame, look, look->subject.layer, &key, image);
}

Rect views_minimap(Frame *frame, const Look *look, const ViewResult *result, Rect rect) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!views_pattern(frame->capture, look, &set, &layer, &queries, &keys)) return (Rect){0};
    const Camera fit = views_camera_fit(queries, keys, rect.w, rect.h, look->matrix.fit_mode);
    const float w = floorf((float)((double)keys * fit.points_k)), h = floorf((float)((double)queries * fit.points_q));
    const Rect image = {floorf(rect.x + (rect.w - w) / 2), floorf(rect.y + (rect.h - h) / 2), fmaxf(w, 2), fmaxf(h, 2)};
    if (!paint_minimap(frame, look, image)) draw_rect(frame->list, image, 0, frame->theme->masked);
    const double k0 = (result->plot.x - result->origin_x) / result->cell_w, k1 = k0 + result->plot.w / result->cell_w;
    const double q0 = (result->plot.y - result->origin_y) / result->cell_h, q1 = q0 + result->plot.h / result->cell_h;
    const Rect seen = {image.x + (float)(k0 / (double)keys) * image.w,
                       image.y + (float)(q0 / (double)queries) * image.h, (float)((k1 - k0) / (double)keys) * image.w,
                       (float)((q1 - q0) / (double)queries) * image.h};
    Rect box = rect_intersect(seen, image);
    const float least = 5 * frame->scale;
    if (box.w < least) box = (Rect){box.x - (least - box.w) / 2, box.y, least, box.h};
    if (box.h < least) box = (Rect){box.x, box.y - (least - box.h) / 2, box.w, least};
    draw_frame(frame->list, box, 0, fmaxf(1, roundf(1.5f * frame->scale)), COLOR_HEX(0xFFFFFF));
    draw_frame(frame->list, rect_inset(box, -1), 0, 1, COLOR_HEX(0x101418));
    return image;
}
