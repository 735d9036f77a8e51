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
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!scene_has(app, SCENE_CELLS) || !app_pattern(app, &set, &layer, &queries, &keys)) return false;
    for (int i = 0; i < pins_of(app)->count; i++) {
        if (pins_fit(&pins_of(app)->items[i], app, queries, keys)) return true;
    }
    return false;
}

bool pins_shown(const App *app, const Pin *pin) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    return app_pattern(app, &set, &layer, &queries, &keys) && pins_fit(pin, app, queries, keys);
}
