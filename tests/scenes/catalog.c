/* The program that tests of scenes/ are about: all scenes and parts, and frames of nothing but scene and panel. */
#include "features/camera.h"
#include "features/parts.h"
#include "scenes/scenes.h"
#include "session/recompute.h"
#include "session/rooms.h"
#include "session/settings.h"
#include "ui/ui.h"

static void build_frame(App *app, const FrameParams *params) {
    gpu_frame_advance(app->machine.gpu);
    views_factors_frame(app->work.factors);
    draw_list_reset(&app->picture.list, app->machine.fonts);
    app->work.wants.count = 0;
    app->ui.hits.count = 0;
    app->picture.layout = ui_layout(app, params);
    Frame frame = frame_make(app, params);
    const SceneDrawing *scene = &app->shown.scene->drawing;
    scene->draw(app, &frame, params);
    if (params->chrome && app->picture.layout.right.w > 0) scene->panel(app, &frame, app->picture.layout.right);
    if (params->chrome && scene->over) scene->over(app, &frame);
    if (!params->chrome && !params->bare) panel_figure(app, &frame);
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
static const Scene *const SCENES[] = {&MATRIX, &GRID, &PROBABILITIES, NULL};
static const Command *const COMMANDS[] = {MODEL_COMMANDS, CAMERA_COMMANDS, LOOK_COMMANDS, SETTINGS_COMMANDS, NULL};
static const Property *const PROPERTIES[] = {
    UI_PROPERTIES,      SUBJECT_PROPERTIES,   SCENE_PROPERTIES,
    GRID_PROPERTIES,    LOOK_PROPERTIES,      CAMERA_PROPERTIES,
    MACHINE_PROPERTIES, RECOMPUTE_PROPERTIES, NULL,
};
static const char *const GROUPS[] = {
    "Layers and heads",
    "Compare",
    "Grid of layers and heads",
    "Probabilities of tokens",
    "Camera",
    "Find",
    "Colour",
    "Weights",
    "Window",
    NULL,
};

static const Catalog CATALOG = {.parts = PARTS,
                                .scenes = SCENES,
                                .commands = COMMANDS,
                                .properties = PROPERTIES,
                                .groups = GROUPS,
                                .build_frame = build_frame,
                                .draw_window = draw_window};
const Catalog *const ROOM = &CATALOG;
