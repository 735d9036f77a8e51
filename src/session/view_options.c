#include "session/view_options.h"

#include <string.h>

/* ---- the table ------------------------------------------------------------------------------- */

static bool add(void *user, const Property *property, const Scene *scene) {
    ViewOptions *o = user;
    (void)scene;
    if (property->where & PROPERTY_OPTION && o->count < VIEW_OPTIONS_MAX)
        o->given[o->count++] = (GivenProperty){.property = property};
    return true;
}

void view_options_begin(ViewOptions *options, const Catalog *catalog) {
    *options = (ViewOptions){.catalog = catalog};
    (void)property_each(catalog, add, options);
}

size_t view_options_table(ViewOptions *o, bool of_pictures, Option out[VIEW_OPTIONS_MAX]) {
    const struct {
        Option option;
        bool of_pictures;
    } OTHERS[] = {
        {{"from", 0, "PICTURE", "the view of a PNG that attnscope wrote; options given besides win", &o->from, NULL},
         false},
        {{"bare", 0, NULL, "the heatmap alone", NULL, &o->bare}, true},
        {{"no-labels", 0, NULL, "without token labels", NULL, &o->no_labels}, true},
        {{"axes", 0, "LETTERS", "axes of an array without layer names, such as lhqk", &o->axes, NULL}, true},
        {{"no-cache", 0, NULL, "keep no overviews on disk, and use none", NULL, &o->no_cache}, false},
        {{"exec", 0, "COMMANDS", "run these commands, separated by ';'", &o->exec, NULL}, false},
        {{"help", 'h', NULL, "this text", NULL, &o->help}, false},
    };
    size_t n = 0;
    for (int i = 0; i < o->count && n < VIEW_OPTIONS_MAX - BASE_COUNT(OTHERS); i++) {
        GivenProperty *given = &o->given[i];
        const PropertyOption *option = &given->property->option;
        if (of_pictures && !(given->property->where & PROPERTY_PICTURE)) continue;
        out[n++] = (Option){.name = property_name(given->property),
                            .letter = option->letter,
                            .arg = option->arg,
                            .help = option->help,
                            .value = option->arg ? &given->value : NULL,
                            .flag = option->arg ? NULL : &given->flag};
    }
    for (size_t i = 0; i < BASE_COUNT(OTHERS); i++) {
        if (!of_pictures || OTHERS[i].of_pictures) out[n++] = OTHERS[i].option;
    }
    return n;
}

static const GivenProperty *find(const ViewOptions *o, const char *name) {
    for (int i = 0; i < o->count; i++) {
        if (!strcmp(property_name(o->given[i].property), name)) return &o->given[i];
    }
    return NULL;
}

const char *view_options_value(const ViewOptions *options, const char *name) {
    const GivenProperty *given = find(options, name);
    return !given ? NULL : given->flag ? "on" : given->value;
}

void view_options_give(ViewOptions *options, const char *name, const char *value) {
    const GivenProperty *given = find(options, name);
    if (given) options->given[given - options->given].value = value;
}

void view_options_merge(ViewOptions *options, const ViewOptions *others) {
    for (int i = 0; i < options->count && i < others->count; i++) {
        GivenProperty *ours = &options->given[i];
        if (!ours->value) ours->value = others->given[i].value;
        ours->flag |= others->given[i].flag;
    }
    if (!options->axes) options->axes = others->axes;
    options->bare |= others->bare;
    options->no_labels |= others->no_labels;
}

/* ---- applying -------------------------------------------------------------------------------- */

Status view_options_start(const ViewOptions *o, AppParams *params, Error *err) {
    for (int i = 0; i < o->count; i++) {
        const GivenProperty *given = &o->given[i];
        if (!given->value || !given->property->early) continue;
        const Status status = given->property->early(params, given->value, err);
        if (status != STATUS_OK) return status;
    }
    if (o->no_cache) params->disk_cache = false;
    return STATUS_OK;
}

static Status apply(App *app, const GivenProperty *given, Error *err) {
    const char *value = given->flag ? "on" : given->value;
    char line[512];
    if (!value || given->property->early) return STATUS_OK;
    if (strlen(value) > 400)
        return error_set(err, STATUS_USAGE, "the value of --%s is too long", property_name(given->property));
    snprintf(line, sizeof line, "%s %s", given->property->command.name, value);
    return commands_run(app, line, err);
}

static bool any(const ViewOptions *o, PropertyOrder order) {
    for (int i = 0; i < o->count; i++) {
        if (o->given[i].value && o->given[i].property->option.order == order) return true;
    }
    return false;
}

static Status apply_all(const ViewOptions *o, App *app, PropertyOrder order, Error *err) {
    Status status = STATUS_OK;
    for (int i = 0; i < o->count && status == STATUS_OK; i++) {
        if (o->given[i].property->option.order == order) status = apply(app, &o->given[i], err);
    }
    return status;
}

/* Batch items are of the strips then. */
static Status apply_scene_of_strips(const ViewOptions *o, App *app, Error *err) {
    const char *name = view_options_value(o, "view");
    const Scene *scene = name ? scene_named(app, name) : NULL;
    if (!scene || !(scene->traits & SCENE_STRIPS)) return STATUS_OK;
    return apply_all(o, app, PROPERTY_SCENE, err);
}

Status view_options_apply(const ViewOptions *o, App *app, const FrameParams *frame, Error *err) {
    static const PropertyOrder ORDER[] = {PROPERTY_SUBJECT, PROPERTY_LOOK, PROPERTY_SCENE, PROPERTY_OF_SCENE};
    const Message said = app->message;
    Status status = apply_scene_of_strips(o, app, err);
    if (status == STATUS_OK) status = apply_all(o, app, PROPERTY_FIRST, err);
    app->message = said; /* what an option opens is seen; what was said of the capture stays */
    for (size_t i = 0; i < BASE_COUNT(ORDER) && status == STATUS_OK; i++)
        status = apply_all(o, app, ORDER[i], err);
    if (status != STATUS_OK) return status;
    if (o->from && !o->from_read)
        return error_set(err, STATUS_USAGE, "--from is for the window, `render` and `record`");
    if (o->no_labels) app->look.labels = false;
    if (any(o, PROPERTY_WITH_LAYOUT)) { /* rectangles are fitted into a plot, lines are known when there is a layout */
        frame_build(app, frame);
        if ((status = apply_all(o, app, PROPERTY_WITH_LAYOUT, err)) != STATUS_OK) return status;
    }
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->look_begins) (*part)->look_begins(app);
    }
    return STATUS_OK;
}
