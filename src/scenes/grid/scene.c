/* What the program has to know of the grid. */
#include "scenes/grid/grid.h"
#include "scenes/scenes.h"
#include "session/property.h"

#include <string.h>

static Status open(App *app, Error *err) {
    GridScene *scene = grid_of(app);
    views_grid_state_init(&scene->state);
    scene->grid = views_grid_new(&scene->state);
    return scene->grid ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to start");
}

static void close(App *app) {
    views_grid_drop(grid_of(app)->grid);
}

static void fit(App *app) {
    grid_of(app)->state.fitted = true;
}

static void capture_opened(App *app) {
    GridState *state = &grid_of(app)->state;
    if (app->opened.again) return;
    state->fitted = true;
    state->focus = (GridHead){0};
    state->selected_count = 0;
}

static void set_changed(App *app) {
    grid_of(app)->state.selected_count = 0;
    grid_of(app)->state.fitted = true;
}

static int layer(const App *app) {
    return grid_of(app)->state.focus.layer;
}

static int head(const App *app) {
    return grid_of(app)->state.focus.head;
}

static const Camera *camera(const App *app) {
    return &grid_of(app)->state.camera;
}

static void leave(App *app) {
    grid_of(app)->state.hover_on = false;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void bar(const App *app, SceneSay say, void *user) {
    char text[256];
    grid_title(app, text, sizeof text);
    say(user, SAID_NAME, text);
}

static bool range_is_share(const App *app) {
    const Colours *colours = &app->look.colours;
    return grid_of(app)->state.per_head && colours->range_mode != RANGE_MANUAL && !colours->range_locked;
}

static const char *range_words(const App *app, const char **hint, const char **command) {
    *hint = "one range for all heads, or one for each (n)";
    *command = "grid-range next";
    return grid_of(app)->state.per_head ? "each head its own range" : "one range for all heads";
}

static void append_head(const SetInfo *set, GridHead head, TextBuffer *out) {
    text_appendf(out, "[%d,%d]", set->layers[head.layer].number, head.head);
}

/* Heads are [layer, head], as numbered in the model. */
static void json(const App *app, TextBuffer *out) {
    const GridState *grid = &grid_of(app)->state;
    const GridLayout *l = &grid_of(app)->layout;
    const Capture *capture = app_capture(app);
    if (!capture || capture_set_count(capture) == 0) return;
    text_append(out, "\"grid\":");
    if (app->shown.scene != &GRID) {
        text_append(out, "null,");
        return;
    }
    const SetInfo *set = capture_set(capture, app->look.subject.set);
    text_append(out, "{\"focus\":");
    append_head(set, grid->focus, out);
    text_append(out, ",\"hover\":");
    if (grid->hover_on)
        append_head(set, grid->hover, out);
    else
        text_append(out, "null");
    text_append(out, ",\"selection\":[");
    for (int i = 0; i < grid->selected_count; i++) {
        text_append(out, i ? "," : "");
        append_head(set, grid->selected[i], out);
    }
    text_appendf(out, "],\"range\":\"%s\",\"rows\":%d,\"columns\":%d,\"fitted\":%s,\"gap\":%g,",
                 grid->per_head ? "head" : "common", l->rows, l->columns, grid->fitted ? "true" : "false",
                 (double)l->gap);
    text_appendf(out, "\"visible\":[%d,%d,%d,%d]},", l->row0, l->row1, l->column0, l->column1);
}

/* ---- range ----------------------------------------------------------------------------------- */

static bool set_range(App *app, const char *args, Error *err) {
    bool *per_head = &grid_of(app)->state.per_head;
    if (!strcmp(args, "next"))
        *per_head = !*per_head;
    else if (!strcmp(args, "common") || !strcmp(args, "head"))
        *per_head = !strcmp(args, "head");
    else {
        error_set(err, STATUS_USAGE, "'grid-range' takes common, head or next, not '%.60s'", args);
        return false;
    }
    return true;
}

static bool get_range(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", grid_of(app)->state.per_head ? "head" : "common");
    return app->shown.scene == &GRID;
}

// clang-format off
const Property GRID_PROPERTIES[] = {
    {.command = {"grid-range", "common|head|next", NULL, "n=next", "Grid of layers and heads", "one range for all heads, or one for each", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS, .initial = "head", .set = set_range, .get = get_range,
     .option = {.arg = "HOW", .help = "common: one range for all heads of the grid; head: one for each"}},
    {.command = {.name = NULL}},
};
// clang-format on

const Scene GRID = {
    .name = "grid",
    .traits = SCENE_PATTERNS,
    .state = &GRID_STATE,
    .open = open,
    .close = close,
    .capture_opened = capture_opened,
    .set_changed = set_changed,
    .look_changed = grid_changed,
    .enter = grid_enter,
    .escape = grid_escape,
    .json = json,
    .words = {.hint = "every layer and head, small (g)",
              .where = "for the grid: g shows it",
              .title = grid_title,
              .bar = bar,
              .range_is_share = range_is_share,
              .range_words = range_words},
    .drawing =
        {.draw = grid_draw, .panel = grid_panel, .over = grid_card, .idle = grid_idle, .layer_range = grid_layer_range},
    .mouse = {.cursor = CURSOR_HAND,
              .press = grid_press,
              .drag = grid_drag,
              .release = grid_release,
              .wheel = grid_wheel,
              .leave = leave},
    .camera = {.pan = grid_pan, .zoom = grid_zoom, .one_to_one = grid_one_to_one, .fit = fit, .camera = camera},
    .place = {.layer = layer, .go_layer = grid_focus_layer, .head = head, .go_head = grid_focus_head},
    .commands = GRID_COMMANDS,
};
