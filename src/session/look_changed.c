/* What follows from a change of what is looked at. */
#include "session/app.h"

void look_changed_tell(App *app) {
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if ((*scene)->look_changed) (*scene)->look_changed(app);
    }
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->look_changed) (*part)->look_changed(app);
    }
}

void look_changed_tell_set(App *app) {
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if ((*scene)->set_changed) (*scene)->set_changed(app);
    }
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->set_changed) (*part)->set_changed(app);
    }
}

void look_changed_follow(App *app) {
    const Capture *capture = app_capture(app);
    if (!capture) return;
    Look *look = &app->look;
    app->pace.redraw = true;
    if (capture_set_count(capture) == 0) {
        look_changed_tell(app);
        return;
    }
    look->subject.set = (int)i64_clamp(look->subject.set, 0, capture_set_count(capture) - 1);
    const SetInfo *set = capture_set(capture, look->subject.set);
    look->subject.layer = (int)i64_clamp(look->subject.layer, 0, set->layer_count - 1);
    look->subject.item = (int)i64_clamp(look->subject.item, 0, i64_max(1, set->item_count) - 1);
    look->subject.step = (int)i64_clamp(look->subject.step, 0, set->step_count - 1);
    const LayerInfo *layer = &set->layers[look->subject.layer];
    if (look->subject.variant.value_weighted && layer->value_heads == 0) {
        look->subject.variant.value_weighted = false;
        app_say(app, SAY_INFO, "layer %d has no value vectors: showing weights without them", layer->number);
    }
    ResolvedHeads heads;
    if (tiles_headset_resolve(&look->subject.heads, set, layer, &heads, NULL) != STATUS_OK) {
        /* Another layer or set may lack a head: its mean is always there. */
        look->subject.heads = (HeadSet){.op = HEADS_MEAN};
        app_say(app, SAY_INFO, "this layer has other heads: showing the mean of all");
    }
    if (look->matrix.cursor_on && (look->matrix.cursor_q >= layer->queries || look->matrix.cursor_k >= layer->keys)) {
        look->matrix.cursor_on = look->matrix.cursor_locked = false;
    }
    look_changed_tell(app);
    app->pace.redraw = true;
}
