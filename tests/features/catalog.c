/* The program that tests of features/ are about: all parts, and a scene that draws nothing. */
#include <stdio.h>

#include "features/camera.h"
#include "features/parts.h"
#include "session/recompute.h"
#include "session/rooms.h"
#include "session/settings.h"

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

static const Scene CELLS = {.name = "cells",
                            .traits = SCENE_PATTERNS | SCENE_HEADS | SCENE_CELLS | SCENE_TOKENS,
                            .words = {.hint = "", .where = "for cells", .title = title},
                            .drawing = {.draw = draw, .panel = panel}};

static void build_frame(App *app, const FrameParams *params) {
    (void)app;
    (void)params;
}

static Status draw_window(App *app, Error *err) {
    (void)app;
    (void)err;
    return STATUS_OK;
}

static const Part *const PARTS[] = {
    &COMPARE, &RECORD,    &HINT, &PALETTE, &HELP,    &FIND,    &CARD,   &MESSAGE, &STATUS,   &FOCUS,  &SELECTION,
    &PINS,    &CROSSHAIR, &PLAY, &TOUR,    &HISTORY, &WEIGHTS, &RELOAD, &CHOOSER, &PICTURES, &THUMBS, NULL,
};
static const Scene *const SCENES[] = {&CELLS, NULL};
static const Command *const COMMANDS[] = {MODEL_COMMANDS, CAMERA_COMMANDS, LOOK_COMMANDS, SETTINGS_COMMANDS, NULL};
static const Property *const PROPERTIES[] = {
    UI_PROPERTIES,     SUBJECT_PROPERTIES, SCENE_PROPERTIES,     LOOK_PROPERTIES,
    CAMERA_PROPERTIES, MACHINE_PROPERTIES, RECOMPUTE_PROPERTIES, NULL};
static const char *const GROUPS[] = {"Layers and heads", "Compare", "Camera", "Find",
                                     "Colour",           "Weights", "Window", NULL};

static const Catalog CATALOG = {.parts = PARTS,
                                .scenes = SCENES,
                                .commands = COMMANDS,
                                .properties = PROPERTIES,
                                .groups = GROUPS,
                                .build_frame = build_frame,
                                .draw_window = draw_window};
const Catalog *const ROOM = &CATALOG;
