/* Cameras that Backspace goes back to. */
#include "features/camera.h"
#include "features/parts.h"

#include <string.h>

#define HISTORY_MAX 64

typedef struct History {
    Camera cameras[HISTORY_MAX];
    int count;
    uint64_t ns;
} History;

static const StateKey STATE = {.size = sizeof(History), .kept = sizeof(History)};

static History *history_of(const App *app) {
    return app_state(app, &STATE);
}

void history_note(App *app) {
    /* Moves within half a second of each other are one gesture: one step of Backspace undoes it. */
    const uint64_t now = clock_now_ns(&app->machine.clock);
    const bool same_gesture = history_of(app)->count > 0 && now - history_of(app)->ns < UINT64_C(500000000);
    history_of(app)->ns = now;
    if (same_gesture) return;
    if (history_of(app)->count == HISTORY_MAX) {
        memmove(history_of(app)->cameras, history_of(app)->cameras + 1,
                sizeof history_of(app)->cameras[0] * (HISTORY_MAX - 1));
        history_of(app)->count--;
    }
    history_of(app)->cameras[history_of(app)->count++] = app->look.matrix.camera;
}

static bool cmd_back(App *app, const char *args, Error *err) {
    (void)args;
    if (history_of(app)->count == 0) {
        error_set(err, STATUS_NOT_FOUND, "this is the first camera");
        return false;
    }
    app->look.matrix.camera = history_of(app)->cameras[--history_of(app)->count];
    history_of(app)->ns = 0;
    camera_moved(app);
    return true;
}

static void forget(App *app) {
    history_of(app)->count = 0;
}

static void capture_opened(App *app) {
    if (!app->opened.again) forget(app);
}

// clang-format off
static const Command COMMANDS[] = {
    {"back", "", cmd_back, "Backspace=", "Camera", "previous camera", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
    {.name = NULL},
};
// clang-format on

const Part HISTORY = {
    .name = "history", .state = &STATE, .capture_opened = capture_opened, .look_begins = forget, .commands = COMMANDS};
