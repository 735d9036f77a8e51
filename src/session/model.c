/* What of the model is looked at: set, layer, heads, batch item, decode step, weights or scores. */
#include "session/app.h"
#include "session/property.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 256 /* layers, heads, items that the palette offers */

static bool need_pattern(App *app, Pattern *out, Error *err) {
    if (app_pattern(app, out)) return true;
    error_set(err, STATUS_NOT_FOUND, "no capture is open");
    return false;
}

static bool go_to_layer(App *app, int index) {
    if (index == scene_layer(app)) return false;
    if (app->shown.scene->place.go_layer) {
        app->shown.scene->place.go_layer(app, index);
        return true;
    }
    app->motion.scrub_direction = index > app->look.subject.layer ? 1 : -1;
    app->look.subject.layer = index;
    app->pace.last_layer_ns = clock_now_ns(&app->machine.clock);
    look_changed_follow(app);
    return true;
}

static bool set_layer(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!need_pattern(app, &pattern, err)) return false;
    if (!strcmp(args, "first")) return go_to_layer(app, 0);
    if (!strcmp(args, "last")) return go_to_layer(app, pattern.set->layer_count - 1);
    int64_t n;
    const bool relative = args[0] == '+' || args[0] == '-';
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'layer' takes a number, +N, -N, first or last, not '%s'", args);
        return false;
    }
    if (relative) return go_to_layer(app, (int)i64_clamp(scene_layer(app) + n, 0, pattern.set->layer_count - 1));
    const int index = n < 0 || n > INT32_MAX ? -1 : capture_layer_index(pattern.set, (int)n);
    if (index < 0) {
        error_set(err, STATUS_NOT_FOUND, "there is no layer %s; the set has layers %d to %d", args,
                  pattern.set->layers[0].number, pattern.set->layers[pattern.set->layer_count - 1].number);
        return false;
    }
    return go_to_layer(app, index);
}

static void use_single(App *app, int number) {
    if (app->shown.scene->place.go_head) {
        app->shown.scene->place.go_head(app, number);
        return;
    }
    if (!tiles_headset_single(&app->look.subject.heads)) app->motion.memory.before_mean = app->look.subject.heads;
    app->look.subject.heads = (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {number}};
    app->motion.memory.last = number;
    look_changed_follow(app);
}

static bool cmd_head(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!need_pattern(app, &pattern, err)) return false;
    pattern.layer = &pattern.set->layers[scene_layer(app)];
    int64_t n;
    const bool relative = args[0] == '+' || args[0] == '-';
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'head' takes a number, +1 or -1, not '%s'", args);
        return false;
    }
    if (!relative) {
        if (n < 0 || n > INT32_MAX || capture_head_index(pattern.layer, (int)n) < 0) {
            error_set(err, STATUS_NOT_FOUND, "layer %d has no head %s; it has %d heads", pattern.layer->number, args,
                      pattern.layer->head_count);
            return false;
        }
        use_single(app, (int)n);
        return true;
    }
    int index;
    if (app->shown.scene->place.head) {
        const int head = app->shown.scene->place.head(app);
        index = (int)i64_clamp(capture_head_index(pattern.layer, head) + n, 0, pattern.layer->head_count - 1);
    } else if (tiles_headset_single(&app->look.subject.heads)) {
        index = (int)i64_clamp(capture_head_index(pattern.layer, app->look.subject.heads.heads[0]) + n, 0,
                               pattern.layer->head_count - 1);
    } else {
        const int last = app->motion.memory.last >= 0 ? capture_head_index(pattern.layer, app->motion.memory.last) : -1;
        index = last >= 0 ? last : n > 0 ? 0 : pattern.layer->head_count - 1;
    }
    use_single(app, pattern.layer->head_numbers[index]);
    return true;
}

static bool set_heads(App *app, const char *args, Error *err) {
    Pattern pattern;
    HeadSet heads;
    ResolvedHeads resolved;
    if (!need_pattern(app, &pattern, err)) return false;
    if (tiles_headset_parse(args, &heads, err) != STATUS_OK) return false;
    if (tiles_headset_resolve(&heads, pattern.set, pattern.layer, &resolved, err) != STATUS_OK) return false;
    app->look.subject.heads = heads;
    if (tiles_headset_single(&heads)) app->motion.memory.last = heads.heads[0];
    look_changed_follow(app);
    return true;
}

static bool cmd_mean(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    const HeadSet all = {.op = HEADS_MEAN};
    if (tiles_headset_equal(&app->look.subject.heads, &all)) {
        if (app->motion.memory.last >= 0 && app->motion.memory.before_mean.count == 0)
            use_single(app, app->motion.memory.last);
        else if (app->motion.memory.before_mean.count > 0)
            app->look.subject.heads = app->motion.memory.before_mean;
        else
            return cmd_head(app, "+1", err);
    } else {
        app->motion.memory.before_mean = app->look.subject.heads;
        app->look.subject.heads = all;
    }
    look_changed_follow(app);
    return true;
}

static bool cmd_toggle_head(App *app, const char *args, Error *err) {
    Pattern pattern;
    int64_t n;
    if (!need_pattern(app, &pattern, err)) return false;
    if (!text_parse_i64(args, &n) || n < 0 || n > INT32_MAX || capture_head_index(pattern.layer, (int)n) < 0) {
        error_set(err, STATUS_NOT_FOUND, "layer %d has no head '%s'", pattern.layer->number, args);
        return false;
    }
    if (app->look.subject.heads.op == HEADS_WEIGHTED || app->look.subject.heads.op == HEADS_DIFF)
        app->look.subject.heads.op = HEADS_MEAN;
    if (!tiles_headset_toggle(&app->look.subject.heads, pattern.layer, (int)n)) return false;
    look_changed_follow(app);
    return true;
}

static bool cmd_solo_head(App *app, const char *args, Error *err) {
    return cmd_head(app, args, err);
}

static bool cmd_all_heads(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    const HeadOp op = app->look.subject.heads.op;
    app->look.subject.heads = (HeadSet){.op = op == HEADS_MAX || op == HEADS_MIN ? op : HEADS_MEAN};
    look_changed_follow(app);
    return true;
}

static bool cmd_combine(App *app, const char *args, Error *err) {
    static const struct {
        const char *name;
        HeadOp op;
    } OPS[] = {{"mean", HEADS_MEAN}, {"max", HEADS_MAX}, {"min", HEADS_MIN}};
    for (size_t i = 0; i < BASE_COUNT(OPS); i++) {
        if (strcmp(args, OPS[i].name)) continue;
        /* One head alone has nothing to combine: its button means "of all heads". */
        if (tiles_headset_single(&app->look.subject.heads)) app->look.subject.heads = (HeadSet){.op = OPS[i].op};
        app->look.subject.heads.op = OPS[i].op;
        look_changed_follow(app);
        return true;
    }
    error_set(err, STATUS_USAGE, "'combine' takes mean, max or min, not '%s'", args);
    return false;
}

static bool set_set(App *app, const char *args, Error *err) {
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
    app->look.matrix.fitted = true;
    look_changed_tell_set(app);
    look_changed_follow(app);
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
    look_changed_follow(app);
    return true;
}

static bool set_batch(App *app, const char *args, Error *err) {
    Pattern pattern;
    const ScenePlace *place = &app->shown.scene->place;
    if (place->item) {
        int item = place->item(app);
        if (!choose(app, args, "batch", "batch item", capture_strip_count(app_capture(app)), &item, err)) return false;
        place->go_item(app, item);
        return true;
    }
    return need_pattern(app, &pattern, err) &&
           choose(app, args, "batch", "batch item", pattern.set->item_count, &app->look.subject.item, err);
}

static bool set_step(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!need_pattern(app, &pattern, err)) return false;
    int number = capture_step_number(pattern.set, app->look.subject.step);
    if (!choose(app, args, "step", "decode step", pattern.set->step_count, &number, err)) return false;
    app->look.subject.step = capture_step_of_number(pattern.set, number);
    look_changed_follow(app);
    return true;
}

static bool set_values(App *app, const char *args, Error *err) {
    Pattern pattern;
    if (!need_pattern(app, &pattern, err)) return false;
    Values values = !strcmp(args, "scores") ? VALUES_SCORES : VALUES_WEIGHTS;
    if (!strcmp(args, "next"))
        values = app->look.subject.values == VALUES_SCORES ? VALUES_WEIGHTS : VALUES_SCORES;
    else if (strcmp(args, "scores") && strcmp(args, "weights")) {
        error_set(err, STATUS_USAGE, "'values' takes weights or scores, not '%s'", args);
        return false;
    }
    if (values == VALUES_SCORES && !pattern.set->factored && pattern.set->kind != SET_SCORES) {
        error_set(err, STATUS_UNSUPPORTED,
                  "this set stores weights; scores are known only where Q and K, or scores, are stored");
        return false;
    }
    app->look.subject.values = values;
    look_changed_follow(app);
    return true;
}

/* ---- as options and in words ----------------------------------------------------------------- */

static bool get_set(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return false;
    snprintf(out, out_size, "%s", pattern.set->name);
    return true;
}

static bool get_layer(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return false;
    snprintf(out, out_size, "%d", pattern.layer->number);
    return true;
}

static bool get_heads(const App *app, char *out, size_t out_size) {
    tiles_headset_format(&app->look.subject.heads, out, out_size);
    return true;
}

static bool get_batch(const App *app, char *out, size_t out_size) {
    const ScenePlace *place = &app->shown.scene->place;
    snprintf(out, out_size, "%d", place->item ? place->item(app) : app->look.subject.item);
    return true;
}

static bool get_step(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    if (!app_pattern(app, &pattern) || app->look.subject.step == 0) return false;
    snprintf(out, out_size, "%d", capture_step_number(pattern.set, app->look.subject.step));
    return true;
}

static bool get_values(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", app->look.subject.values == VALUES_SCORES ? "scores" : "weights");
    return true;
}

/* ---- values for the palette ------------------------------------------------------------------ */

static void each_number(int number, bool now, EachValue each, void *user) {
    char text[32];
    snprintf(text, sizeof text, "%d", number);
    each(user, text, now ? "now" : "");
}

static void layer_values(const App *app, EachValue each, void *user) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    for (int i = 0; i < pattern.set->layer_count && i < VALUES_MAX; i++)
        each_number(pattern.set->layers[i].number, i == scene_layer(app), each, user);
}

static void head_values(const App *app, EachValue each, void *user) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    pattern.layer = &pattern.set->layers[scene_layer(app)];
    const HeadSet *heads = &app->look.subject.heads;
    for (int i = 0; i < pattern.layer->head_count && i < VALUES_MAX; i++)
        each_number(pattern.layer->head_numbers[i],
                    heads->count > 0 && tiles_headset_contains(heads, pattern.layer->head_numbers[i]), each, user);
}

static void heads_values(const App *app, EachValue each, void *user) {
    static const char *const OPS[] = {"mean", "max", "min"};
    for (size_t i = 0; i < BASE_COUNT(OPS); i++)
        each(user, OPS[i], "of all heads");
    head_values(app, each, user);
}

static void set_values_offered(const App *app, EachValue each, void *user) {
    const Capture *capture = app_capture(app);
    for (int i = 0; capture && i < capture_set_count(capture); i++) {
        const SetInfo *set = capture_set(capture, i);
        char remark[64];
        snprintf(remark, sizeof remark, "%d layers%s", set->layer_count, i == app->look.subject.set ? ", now" : "");
        each(user, set->name, remark);
    }
}

static void step_values(const App *app, EachValue each, void *user) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    for (int i = 0; i < pattern.set->step_count && i < VALUES_MAX; i++)
        each_number(i, i == capture_step_number(pattern.set, app->look.subject.step), each, user);
}

static void batch_values(const App *app, EachValue each, void *user) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    for (int i = 0; i < pattern.set->item_count && i < VALUES_MAX; i++)
        each_number(i, i == app->look.subject.item, each, user);
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define SAID (PROPERTY_OPTION | PROPERTY_PICTURE)
#define PATTERN (SAID | PROPERTY_PATTERNS)
#define GROUP "Layers and heads"

// clang-format off
/* Options are applied in this order: what a set has decides what follows. */
const Property SUBJECT_PROPERTIES[] = {
    {.command = {"set", "NAME|next", NULL, "Shift+G=next", GROUP, "next set: encoder, decoder, cross", NULL, .needs = SCENE_PATTERNS, .values = set_values_offered, .closed = true, .chooses = true},
     .kind = PROPERTY_TEXT, .where = PATTERN, .set = set_set, .get = get_set,
     .option = {.arg = "NAME", .help = "encoder, decoder, cross ... as `info` lists them", .order = PROPERTY_SUBJECT}},
    {.command = {"values", "weights|scores|next", NULL, NULL, GROUP, "weights or scores before softmax", NULL, .needs = SCENE_PATTERNS, .chooses = true},
     .kind = PROPERTY_TEXT, .where = PATTERN, .initial = "weights", .set = set_values, .get = get_values,
     .option = {.arg = "KIND", .help = "weights or scores", .order = PROPERTY_SUBJECT}},
    {.command = {"batch", "N|+1|-1", NULL, "PageUp=-1 PageDown=+1", GROUP, "batch item", "PgUp PgDn", .values = batch_values, .chooses = true},
     .kind = PROPERTY_TEXT, .where = SAID, .initial = "0", .set = set_batch, .get = get_batch,
     .option = {.arg = "N", .help = "batch item", .order = PROPERTY_SUBJECT}},
    {.command = {"step", "N|+1|-1", NULL, "Shift+PageUp=-1 Shift+PageDown=+1", GROUP, "what generate() had so far: the decode step", "Shift+PgUp PgDn", .needs = SCENE_PATTERNS, .values = step_values, .chooses = true},
     .kind = PROPERTY_TEXT, .where = PATTERN, .set = set_step, .get = get_step,
     .option = {.arg = "N", .help = "decode step of generate(): the pattern as it was then", .order = PROPERTY_SUBJECT}},
    {.command = {"layer", "N|+N|-N|first|last", NULL, "Up=-1 Down=+1 Shift+Up=-4 Shift+Down=+4 Home=first End=last", GROUP, "layer back and on; with Shift by 4; first, last", "Up Down  Home End", .needs = SCENE_PATTERNS, .repeats = true, .values = layer_values, .chooses = true, .noted = NOTED_NEVER},
     .kind = PROPERTY_TEXT, .where = PATTERN, .set = set_layer, .get = get_layer,
     .option = {.letter = 'l', .arg = "L", .help = "layer, by its number in the model", .order = PROPERTY_SUBJECT}},
    {.command = {"heads", "SET", NULL, NULL, GROUP, "a head set: 5, mean:0-7,9, max, min:1,2, w:0*0.5,3*0.5, diff:3,5", NULL, .needs = SCENE_HEADS, .values = heads_values, .chooses = true},
     .kind = PROPERTY_TEXT, .where = PATTERN, .set = set_heads, .get = get_heads,
     .option = {.name = "head", .arg = "SET", .help = "5, mean, mean:0-7,9, max, min:1,2, w:0*0.5,3*0.5, diff:3,5", .order = PROPERTY_SUBJECT}},
    {.command = {.name = NULL}},
};

const Command MODEL_COMMANDS[] = {
    {"head", "N|+1|-1", cmd_head, "Left=-1 Right=+1", "Layers and heads", "previous and next head", NULL, .needs = SCENE_PATTERNS, .repeats = true, .values = head_values, .chooses = true},
    {"mean", "", cmd_mean, "m=", "Layers and heads", "mean of all heads and back", NULL, .needs = SCENE_HEADS, .chooses = true},
    {"toggle-head", "N", cmd_toggle_head, "0=0 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9", "Layers and heads", "add or remove heads 0-9", "0-9", .needs = SCENE_HEADS, .values = head_values, .chooses = true},
    {"solo-head", "N", cmd_solo_head, "Shift+0=0 Shift+1=1 Shift+2=2 Shift+3=3 Shift+4=4 Shift+5=5 Shift+6=6 Shift+7=7 Shift+8=8 Shift+9=9", "Layers and heads", "one of heads 0-9 alone", "Shift+0-9", .needs = SCENE_HEADS, .values = head_values, .chooses = true},
    {"all-heads", "", cmd_all_heads, "a=", "Layers and heads", "every head, same combination", NULL, .needs = SCENE_HEADS, .chooses = true},
    {"combine", "mean|max|min", cmd_combine, NULL, "Layers and heads", "how the chosen heads are combined", NULL, .needs = SCENE_HEADS, .chooses = true},
    {.name = NULL},
};
// clang-format on
