/* Arguments: the alternatives that the command table spells out, and values that are known from what is open. */
#include "app/palette.h"

#include <string.h>

#define VALUES_MAX 256 /* layers, heads, items that are offered */

/* Alternatives in capitals stand for something; the others are to be typed as they are. */
static bool is_literal(const char *text, size_t length) {
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        if (!((text[i] >= 'a' && text[i] <= 'z') || text[i] == '-')) return false;
    }
    return true;
}

static const char *current_value(const App *app, const char *command) {
    static const char *const TRANSFORMS[] = {"linear", "sqrt", "log"}, *const POOLS[] = {"mean", "mass", "max"};
    static const char *const ASPECTS[] = {"auto", "square", "stretch"};
    if (!strcmp(command, "theme")) return app->ui.light ? "light" : "dark";
    if (!strcmp(command, "transform")) return TRANSFORMS[app->look.colours.transform];
    if (!strcmp(command, "pool")) return POOLS[app->look.colours.channel];
    if (!strcmp(command, "aspect")) return ASPECTS[app->look.matrix.fit_mode];
    if (!strcmp(command, "view")) return app_view_ui(app)->name;
    if (!strcmp(command, "values")) return app->look.subject.values == VALUES_SCORES ? "scores" : "weights";
    return NULL;
}

typedef void (*EachValue)(void *user, const char *value, const char *remark);

static void each_number(int number, bool now, EachValue each, void *user) {
    char text[32];
    snprintf(text, sizeof text, "%d", number);
    each(user, text, now ? "now" : "");
}

static void each_layer(const App *app, const SetInfo *set, EachValue each, void *user) {
    for (int i = 0; i < set->layer_count && i < VALUES_MAX; i++)
        each_number(set->layers[i].number, i == app_layer(app), each, user);
}

static void each_head(const App *app, const LayerInfo *layer, EachValue each, void *user) {
    for (int i = 0; i < layer->head_count && i < VALUES_MAX; i++)
        each_number(layer->head_numbers[i],
                    app->look.subject.heads.count > 0 &&
                        tiles_headset_contains(&app->look.subject.heads, layer->head_numbers[i]),
                    each, user);
}

static void each_set(const App *app, EachValue each, void *user) {
    const Capture *capture = app_capture(app);
    for (int i = 0; i < capture_set_count(capture); i++) {
        const SetInfo *set = capture_set(capture, i);
        char remark[64];
        snprintf(remark, sizeof remark, "%d layers%s", set->layer_count, i == app->look.subject.set ? ", now" : "");
        each(user, set->name, remark);
    }
}

static void each_literal(const App *app, const Command *command, const char *spec, size_t length, EachValue each,
                         void *user) {
    const char *now = current_value(app, command->name);
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && spec[end] != '|')
            end++;
        if (is_literal(spec + at, end - at)) {
            char text[64];
            snprintf(text, sizeof text, "%.*s", (int)(end - at), spec + at);
            each(user, text, now && !strcmp(now, text) ? "now" : "");
        }
        at = end + 1;
    }
}

/* Values that no table can spell out; true when nothing else can be typed. */
static bool each_known(const App *app, const char *name, EachValue each, void *user) {
    static const char *const RANGES[] = {"p99.9", "p99.5", "p99", "p95", "p90"};
    static const char *const HEADS[] = {"mean", "max", "min"}, *const SCALES[] = {"1", "1.25", "1.5", "2"};
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    layer = &set->layers[app_layer(app)];
    if (!strcmp(name, "layer")) each_layer(app, set, each, user);
    if (!strcmp(name, "heads")) {
        for (size_t i = 0; i < BASE_COUNT(HEADS); i++)
            each(user, HEADS[i], "of all heads");
    }
    if (!strcmp(name, "head") || !strcmp(name, "heads") || !strcmp(name, "toggle-head") || !strcmp(name, "solo-head"))
        each_head(app, layer, each, user);
    for (int i = 0; !strcmp(name, "step") && i < set->step_count && i < VALUES_MAX; i++)
        each_number(i, i == capture_step_number(set, app->look.subject.step), each, user);
    for (int i = 0; !strcmp(name, "batch") && i < set->item_count && i < VALUES_MAX; i++)
        each_number(i, i == app->look.subject.item, each, user);
    for (size_t i = 0; !strcmp(name, "range") && i < BASE_COUNT(RANGES); i++)
        each(user, RANGES[i], "percentile");
    for (size_t i = 0; !strcmp(name, "scale") && i < BASE_COUNT(SCALES); i++)
        each(user, SCALES[i], "");
    if (!strcmp(name, "set")) {
        each_set(app, each, user);
        return true;
    }
    for (int i = 0; !strcmp(name, "cmap") && i < CMAP_COUNT; i++)
        each(user, draw_colormap_name((ColormapId)i), (int)app->look.colours.cmap == i ? "now" : "");
    return !strcmp(name, "cmap");
}

bool palette_known_values(const App *app, const Command *command, EachValue each, void *user) {
    const size_t length = strlen(command->args);
    bool closed = length > 0 && !strpbrk(command->args, " []");
    for (size_t at = 0; closed && at < length;) {
        const size_t part = strcspn(command->args + at, "|");
        closed = is_literal(command->args + at, part);
        at += part + 1;
    }
    if (!strcmp(command->name, "set") || !strcmp(command->name, "cmap")) {
        each_known(app, command->name, each, user);
        closed = true;
    }
    if (closed) each_literal(app, command, command->args, length, each, user);
    return closed;
}

/* ---- the word that is being typed ------------------------------------------------------------ */

typedef struct Adding {
    Palette *palette;
    const char *query;
} Adding;

static void add_value(void *user, const char *value, const char *remark) {
    const Adding *adding = user;
    PaletteItem *item = palette_add(adding->palette, ITEM_VALUE, adding->query, value, 0);
    if (item) snprintf(item->detail, sizeof item->detail, "%s", remark);
}

/* Part of the specification that the word belongs to: from the n-th one on, as many as may be left out. A path takes
 * the rest of the line. */
static const char *spec_from(const Command *command, const char *args, size_t *word) {
    const char *spec = command->args;
    *word = 0;
    for (;;) {
        const size_t length = strcspn(spec, " ");
        const bool takes_rest = !spec[length] || (!strchr(spec, '[') && strstr(spec, "PATH"));
        const char *space = strchr(args + *word, ' ');
        if (takes_rest || !space) return spec;
        *word = (size_t)(space - args) + 1;
        spec += length + 1;
    }
}

void palette_values(App *app) {
    Palette *p = app->palette;
    const size_t start = strlen(p->command->name) + 1;
    size_t word;
    const char *spec = spec_from(p->command, p->field.text + start, &word);
    p->word = start + word;
    Adding adding = {p, p->field.text + p->word};
    if (palette_known_values(app, p->command, add_value, &adding)) {
        p->closed = true;
    } else {
        if (spec == p->command->args) each_known(app, p->command->name, add_value, &adding);
        for (bool optional = true; *spec && optional;) {
            const size_t length = strcspn(spec, " ");
            optional = spec[0] == '[';
            const size_t inner = length - (optional ? 2 : 0);
            each_literal(app, p->command, spec + (optional ? 1 : 0), inner, add_value, &adding);
            p->wants_files |= strstr(spec, "PATH") && (size_t)(strstr(spec, "PATH") - spec) < length;
            spec += length + (spec[length] == ' ' ? 1 : 0);
        }
    }
    if (adding.query[0]) palette_sort(p);
    if (p->wants_files) palette_files(app);
}
