/* Commands that choose what of the model is looked at: layer, heads, set, batch item. */
#include "app/app.h"

#include <stdlib.h>
#include <string.h>

#define PLAY_RATE_MAX 60.0

static bool need_pattern(App *app, const SetInfo **set, const LayerInfo **layer, Error *err) {
    int64_t queries, keys;
    if (app_pattern(app, set, layer, &queries, &keys)) return true;
    error_set(err, STATUS_NOT_FOUND, "no capture is open");
    return false;
}

static bool go_to_layer(App *app, int index) {
    if (index == app_layer(app)) return false;
    if (app->look.kind == VIEW_GRID) {
        view_grid_focus_layer(app, index);
        return true;
    }
    app->motion.scrub_direction = index > app->look.subject.layer ? 1 : -1;
    app->look.subject.layer = index;
    app->pace.last_layer_ns = clock_now_ns(&app->machine.clock);
    app_view_changed(app);
    return true;
}

bool cmd_layer(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (!need_pattern(app, &set, &layer, err)) return false;
    if (!strcmp(args, "first")) return go_to_layer(app, 0);
    if (!strcmp(args, "last")) return go_to_layer(app, set->layer_count - 1);
    int64_t n;
    const bool relative = args[0] == '+' || args[0] == '-';
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'layer' takes a number, +N, -N, first or last, not '%s'", args);
        return false;
    }
    if (relative) return go_to_layer(app, (int)i64_clamp(app_layer(app) + n, 0, set->layer_count - 1));
    const int index = n < 0 || n > INT32_MAX ? -1 : capture_layer_index(set, (int)n);
    if (index < 0) {
        error_set(err, STATUS_NOT_FOUND, "there is no layer %s; the set has layers %d to %d", args,
                  set->layers[0].number, set->layers[set->layer_count - 1].number);
        return false;
    }
    return go_to_layer(app, index);
}

static void use_single(App *app, int number) {
    if (app->look.kind == VIEW_GRID) {
        view_grid_focus_head(app, number);
        return;
    }
    if (!tiles_headset_single(&app->look.subject.heads)) app->heads.before_mean = app->look.subject.heads;
    app->look.subject.heads = (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {number}};
    app->heads.last = number;
    app_view_changed(app);
}

bool cmd_head(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (!need_pattern(app, &set, &layer, err)) return false;
    layer = &set->layers[app_layer(app)];
    int64_t n;
    const bool relative = args[0] == '+' || args[0] == '-';
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'head' takes a number, +1 or -1, not '%s'", args);
        return false;
    }
    if (!relative) {
        if (n < 0 || n > INT32_MAX || capture_head_index(layer, (int)n) < 0) {
            error_set(err, STATUS_NOT_FOUND, "layer %d has no head %s; it has %d heads", layer->number, args,
                      layer->head_count);
            return false;
        }
        use_single(app, (int)n);
        return true;
    }
    int index;
    if (app->look.kind == VIEW_GRID) {
        index = (int)i64_clamp(capture_head_index(layer, app->look.grid.focus.head) + n, 0, layer->head_count - 1);
    } else if (tiles_headset_single(&app->look.subject.heads)) {
        index = (int)i64_clamp(capture_head_index(layer, app->look.subject.heads.heads[0]) + n, 0,
                               layer->head_count - 1);
    } else {
        const int last = app->heads.last >= 0 ? capture_head_index(layer, app->heads.last) : -1;
        index = last >= 0 ? last : n > 0 ? 0 : layer->head_count - 1;
    }
    use_single(app, layer->head_numbers[index]);
    return true;
}

bool cmd_heads(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    HeadSet heads;
    ResolvedHeads resolved;
    if (!need_pattern(app, &set, &layer, err)) return false;
    if (tiles_headset_parse(args, &heads, err) != STATUS_OK) return false;
    if (tiles_headset_resolve(&heads, set, layer, &resolved, err) != STATUS_OK) return false;
    app->look.subject.heads = heads;
    if (tiles_headset_single(&heads)) app->heads.last = heads.heads[0];
    app_view_changed(app);
    return true;
}

bool cmd_mean(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    const HeadSet all = {.op = HEADS_MEAN};
    if (tiles_headset_equal(&app->look.subject.heads, &all)) {
        if (app->heads.last >= 0 && app->heads.before_mean.count == 0)
            use_single(app, app->heads.last);
        else if (app->heads.before_mean.count > 0)
            app->look.subject.heads = app->heads.before_mean;
        else
            return cmd_head(app, "+1", err);
    } else {
        app->heads.before_mean = app->look.subject.heads;
        app->look.subject.heads = all;
    }
    app_view_changed(app);
    return true;
}

bool cmd_toggle_head(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t n;
    if (!need_pattern(app, &set, &layer, err)) return false;
    if (!text_parse_i64(args, &n) || n < 0 || n > INT32_MAX || capture_head_index(layer, (int)n) < 0) {
        error_set(err, STATUS_NOT_FOUND, "layer %d has no head '%s'", layer->number, args);
        return false;
    }
    if (app->look.subject.heads.op == HEADS_WEIGHTED || app->look.subject.heads.op == HEADS_DIFF)
        app->look.subject.heads.op = HEADS_MEAN;
    if (!tiles_headset_toggle(&app->look.subject.heads, layer, (int)n)) return false;
    app_view_changed(app);
    return true;
}

bool cmd_solo_head(App *app, const char *args, Error *err) {
    return cmd_head(app, args, err);
}

bool cmd_all_heads(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    const HeadOp op = app->look.subject.heads.op;
    app->look.subject.heads = (HeadSet){.op = op == HEADS_MAX || op == HEADS_MIN ? op : HEADS_MEAN};
    app_view_changed(app);
    return true;
}

bool cmd_combine(App *app, const char *args, Error *err) {
    static const struct {
        const char *name;
        HeadOp op;
    } OPS[] = {{"mean", HEADS_MEAN}, {"max", HEADS_MAX}, {"min", HEADS_MIN}};
    for (size_t i = 0; i < BASE_COUNT(OPS); i++) {
        if (strcmp(args, OPS[i].name)) continue;
        /* One head alone has nothing to combine: its button means "of all heads". */
        if (tiles_headset_single(&app->look.subject.heads)) app->look.subject.heads = (HeadSet){.op = OPS[i].op};
        app->look.subject.heads.op = OPS[i].op;
        app_view_changed(app);
        return true;
    }
    error_set(err, STATUS_USAGE, "'combine' takes mean, max or min, not '%s'", args);
    return false;
}

bool cmd_set(App *app, const char *args, Error *err) {
    const Capture *capture = app_capture(app);
    if (!capture) return false;
    int index = capture_set_by_name(capture, args);
    if (!strcmp(args, "next") && capture_set_count(capture) > 0)
        index = (app->look.subject.set + 1) % capture_set_count(capture);
    if (index < 0) {
        error_set(err, STATUS_NOT_FOUND, "there is no set called '%s'", args);
        return false;
    }
    if (index == app->look.subject.set) {
        if (!strcmp(args, "next")) app_say(app, SAY_INFO, "this capture has one set of patterns");
        return true;
    }
    const int number = capture_set(capture, app->look.subject.set)->layers[app->look.subject.layer].number;
    app->look.subject.set = index;
    app->look.subject.step = 0;
    const int layer = capture_layer_index(capture_set(capture, index), number);
    app->look.subject.layer = layer >= 0 ? layer : 0;
    app->look.matrix.cursor_on = app->look.matrix.cursor_locked = false;
    app->selection.on = false;
    app->look.grid.selected_count = 0;
    app->look.matrix.fitted = app->look.grid.fitted = true;
    app_view_changed(app);
    return true;
}

/* A number of `count`, or +1 and -1 from *current; what: "batch item" ... */
static bool choose(App *app, const char *args, const char *command, const char *what, int count, int *current,
                   Error *err) {
    int64_t n;
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'%s' takes a number, +1 or -1, not '%s'", command, args);
        return false;
    }
    if (args[0] == '+' || args[0] == '-')
        n = i64_clamp(*current + i64_clamp(n, -count, count), 0, i64_max(1, count) - 1);
    if (n < 0 || n >= i64_max(1, count)) {
        error_set(err, STATUS_NOT_FOUND, "there is no %s %s; there %s %d", what, args, count == 1 ? "is" : "are",
                  count);
        return false;
    }
    if (count <= 1) app_say(app, SAY_INFO, "this capture has one %s", what);
    *current = (int)n;
    app_view_changed(app);
    return true;
}

bool cmd_batch(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (app->look.kind == VIEW_TEXT) {
        int item = app->look.text.item;
        if (!choose(app, args, "batch", "batch item", capture_strip_count(app_capture(app)), &item, err)) return false;
        view_text_item(app, item);
        return true;
    }
    return need_pattern(app, &set, &layer, err) &&
           choose(app, args, "batch", "batch item", set->item_count, &app->look.subject.item, err);
}

bool cmd_step(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (!need_pattern(app, &set, &layer, err)) return false;
    int number = capture_step_number(set, app->look.subject.step);
    if (!choose(app, args, "step", "decode step", set->step_count, &number, err)) return false;
    app->look.subject.step = capture_step_of_number(set, number);
    app_view_changed(app);
    return true;
}

bool cmd_values(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    if (!need_pattern(app, &set, &layer, err)) return false;
    Values values = !strcmp(args, "scores") ? VALUES_SCORES : VALUES_WEIGHTS;
    if (!strcmp(args, "next"))
        values = app->look.subject.values == VALUES_SCORES ? VALUES_WEIGHTS : VALUES_SCORES;
    else if (strcmp(args, "scores") && strcmp(args, "weights")) {
        error_set(err, STATUS_USAGE, "'values' takes weights or scores, not '%s'", args);
        return false;
    }
    if (values == VALUES_SCORES && !set->factored && set->kind != SET_SCORES) {
        error_set(err, STATUS_UNSUPPORTED,
                  "this set stores weights; scores are known only where Q and K, or scores, are stored");
        return false;
    }
    app->look.subject.values = values;
    app_view_changed(app);
    return true;
}

bool cmd_play(App *app, const char *args, Error *err) {
    if (args[0]) {
        double rate;
        if (!text_parse_f64(args, &rate) || rate <= 0 || rate > PLAY_RATE_MAX) {
            error_set(err, STATUS_USAGE, "'play' takes layers a second, up to %g, not '%s'", PLAY_RATE_MAX, args);
            return false;
        }
        app->play.rate = rate;
        app->play.on = false;
    }
    const SetInfo *set;
    const LayerInfo *layer;
    if (!need_pattern(app, &set, &layer, err)) return false;
    app->play.on = !app->play.on && set->layer_count > 1;
    app->play.next_ns = clock_now_ns(&app->machine.clock) + (uint64_t)(1e9 / app->play.rate);
    return true;
}
