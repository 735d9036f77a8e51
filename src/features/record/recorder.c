/* All that belongs to recording in the window. */
#include "features/parts.h"
#include "features/record/record.h"

const StateKey RECORD_STATE = {.size = sizeof(Recorder)};

Recorder *record_of(const App *app) {
    return app_state(app, &RECORD_STATE);
}
