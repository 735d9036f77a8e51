/* Which pins lie in the pattern that is shown. */
#include "features/pins.h"

const StateKey PINS_STATE = {.size = sizeof(Pins), .kept = sizeof(Pins)};

Pins *pins_of(const App *app) {
    return app_state(app, &PINS_STATE);
}

bool pins_fit(const Pin *pin, const App *app, int64_t queries, int64_t keys) {
    return pin->set == app->look.subject.set && pin->query < queries && pin->key < keys;
}

bool pins_any_shown(const App *app) {
    Pattern pattern;
    if (!scene_has(app, SCENE_CELLS) || !app_pattern(app, &pattern)) return false;
    for (int i = 0; i < pins_of(app)->count; i++) {
        if (pins_fit(&pins_of(app)->items[i], app, pattern.queries, pattern.keys)) return true;
    }
    return false;
}

bool pins_shown(const App *app, const Pin *pin) {
    Pattern pattern;
    return app_pattern(app, &pattern) && pins_fit(pin, app, pattern.queries, pattern.keys);
}
