#include "session/notes.h"

#include <stdio.h>

#include "session/recompute.h"
#include "session/rooms.h"
#include "session/settings.h"

/* ---- scenes ---------------------------------------------------------------------------------- */

static void title(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", app->shown.scene->name);
}

static void draw(App *app, Frame *frame, const FrameParams *params) {
    (void)app;
    (void)frame;
    (void)params;
}

static void panel(App *app, Frame *frame, Rect rect) {
    (void)app;
    (void)frame;
    (void)rect;
}

static bool nothing(App *app, const char *args, Error *err) {
    (void)app;
    (void)args;
    (void)err;
    return false;
}

static bool fails(App *app, const char *args, Error *err) {
    (void)app;
    error_set(err, STATUS_RANGE, "%s is too far", args);
    return false;
}

static const Command OF_LIST[] = {
    {"select", "toggle|none", nothing, "Space=toggle", "Grid of layers and heads", "selects", NULL, .needs = 0},
    {.name = NULL},
};

const Scene PIXELS = {.name = "pixels",
                      .old_name = "dots",
                      .traits = SCENE_PATTERNS | SCENE_HEADS | SCENE_CELLS,
                      .words = {.hint = "", .where = "for pixels: g shows them", .title = title},
                      .drawing = {.draw = draw, .panel = panel}};
const Scene LIST = {.name = "list",
                    .traits = SCENE_PATTERNS,
                    .words = {.hint = "", .where = "for the list", .title = title},
                    .drawing = {.draw = draw, .panel = panel},
                    .commands = OF_LIST};

/* ---- a part ---------------------------------------------------------------------------------- */

const StateKey NOTES_STATE = {.size = sizeof(Notes)};

static void command_run(App *app, const Command *command, const char *args) {
    Notes *notes = app_state(app, &NOTES_STATE);
    notes->runs++;
    snprintf(notes->run, sizeof notes->run, "%s %s", command->name, args);
}

static void scene_changed(App *app) {
    ((Notes *)app_state(app, &NOTES_STATE))->scenes++;
}

static const Command OF_NOTES[] = {
    {"reload", "", nothing, "F5=", "Window", "reads the file again", NULL, .trusted = true},
    {.name = NULL},
};

const Part NOTES = {.name = "notes",
                    .state = &NOTES_STATE,
                    .command_run = command_run,
                    .scene_changed = scene_changed,
                    .commands = OF_NOTES};

/* ---- the catalog ----------------------------------------------------------------------------- */

static const Command COMMANDS[] = {
    {"fit", "", nothing, "f=", "Camera", "the whole", NULL, .needs = 0},
    {"zoom", "FACTOR", nothing, "+=1.25", "Camera", "nearer", NULL, .needs = 0},
    {"play", "", nothing, "Space=", "Camera", "goes on", NULL, .needs = SCENE_CELLS},
    {"far", "WHERE", fails, NULL, "Camera", "too far", NULL, .needs = 0},
    {.name = NULL},
};

static void build_frame(App *app, const FrameParams *params) {
    (void)app;
    (void)params;
}

static Status draw_window(App *app, Error *err) {
    (void)app;
    (void)err;
    return STATUS_OK;
}

static const Part *const PARTS[] = {&NOTES, NULL};
static const Scene *const SCENES[] = {&PIXELS, &LIST, NULL};
static const Command *const ALL_COMMANDS[] = {MODEL_COMMANDS, LOOK_COMMANDS, SETTINGS_COMMANDS, COMMANDS, NULL};
static const Property *const PROPERTIES[] = {
    UI_PROPERTIES, SUBJECT_PROPERTIES, SCENE_PROPERTIES, LOOK_PROPERTIES, MACHINE_PROPERTIES, RECOMPUTE_PROPERTIES,
    NULL};
static const char *const GROUPS[] = {
    "Layers and heads", "Grid of layers and heads", "Camera", "Colour", "Weights", "Window", NULL};

static const Catalog CATALOG = {.parts = PARTS,
                                .scenes = SCENES,
                                .commands = ALL_COMMANDS,
                                .properties = PROPERTIES,
                                .groups = GROUPS,
                                .build_frame = build_frame,
                                .draw_window = draw_window};
const Catalog *const ROOM = &CATALOG;
