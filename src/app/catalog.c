/* What attnscope is made of: the only file that names everybody. Whoever adds a view, a part, commands or properties adds
 * a row here. */
#include "app/window.h"
#include "features/camera.h"
#include "features/parts.h"
#include "scenes/scenes.h"
#include "session/recompute.h"
#include "session/settings.h"

/* Who is asked first, for events and by Esc, lies on top. */
static const Part *const PARTS[] = {
    &COMPARE, &RECORD,    &HINT, &PALETTE, &HELP,    &FIND,    &CARD,   &MESSAGE, &STATUS,   &FOCUS,  &SELECTION,
    &PINS,    &CROSSHAIR, &PLAY, &TOUR,    &HISTORY, &WEIGHTS, &RELOAD, &CHOOSER, &PICTURES, &THUMBS, NULL,
};

/* In the order of Tab; the first that has something to show is shown first. */
static const Scene *const SCENES[] = {&MATRIX, &GRID, &PROBABILITIES, NULL};

/* Of nobody's state: parts and scenes bring their own. */
static const Command *const COMMANDS[] = {
    MODEL_COMMANDS, CAMERA_COMMANDS, LOOK_COMMANDS, SETTINGS_COMMANDS, PROGRAM_COMMANDS, INPUT_COMMANDS, NULL,
};

/* Options of one order, settings and members of the state come in this order. */
static const Property *const PROPERTIES[] = {
    UI_PROPERTIES,      SUBJECT_PROPERTIES,   SCENE_PROPERTIES,
    GRID_PROPERTIES,    LOOK_PROPERTIES,      CAMERA_PROPERTIES,
    MACHINE_PROPERTIES, RECOMPUTE_PROPERTIES, NULL,
};

/* Headings of the list of keys. */
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

const Catalog CATALOG = {
    .parts = PARTS,
    .scenes = SCENES,
    .commands = COMMANDS,
    .properties = PROPERTIES,
    .groups = GROUPS,
    .build_frame = window_build,
    .draw_window = window_draw,
};
