/* All that belongs to recording in the window. */
#include "features/parts.h"
#include "features/record/record.h"

Recorder *record_of(const App *app) {
    return part_state(app, &RECORD);
}
