/* The state of a part. */
#include "session/app.h"

void *part_state(const App *app, const Part *part) {
    const Part *const *parts = app->catalog->parts;
    for (int i = 0; app->states && parts[i]; i++) {
        if (parts[i] == part) return app->states[i];
    }
    return NULL;
}
