/* The memory of parts and scenes: App.states has one block for each row of the catalog, those of parts first. */
#include "session/app.h"

#include <string.h>

/* Goes through the blocks. */
typedef struct Walk {
    const Part *const *part;
    const Scene *const *scene;
} Walk;

static Walk walk_begin(const App *app) {
    return (Walk){app->catalog->parts, app->catalog->scenes};
}

/* Key of the next block; NULL: whoever has it needs no memory. False: there are no more. */
static bool walk_next(Walk *walk, const StateKey **key) {
    if (*walk->part)
        *key = (*walk->part++)->state;
    else if (*walk->scene)
        *key = (*walk->scene++)->state;
    else
        return false;
    return true;
}

void *app_state(const App *app, const StateKey *key) {
    const StateKey *found;
    Walk walk = walk_begin(app);
    for (size_t i = 0; app->states && walk_next(&walk, &found); i++) {
        if (found == key) return app->states[i];
    }
    return NULL;
}

Status app_states_make(App *app, Error *err) {
    const StateKey *key;
    size_t count = 0;
    for (Walk walk = walk_begin(app); walk_next(&walk, &key);)
        count++;
    bool ok = (app->states = mem_alloc_zeroed(count + 1, sizeof *app->states)) != NULL;
    Walk walk = walk_begin(app);
    for (size_t i = 0; ok && walk_next(&walk, &key); i++)
        ok = (app->states[i] = mem_alloc_zeroed(1, (key ? key->size : 0) + 1)) != NULL;
    if (ok) return STATUS_OK;
    app_states_free(app);
    return error_set(err, STATUS_MEMORY, "not enough memory to start");
}

void app_states_free(App *app) {
    for (size_t i = 0; app->states && app->states[i]; i++)
        mem_free(app->states[i]);
    mem_free(app->states);
    app->states = NULL;
}

/* ---- kept ------------------------------------------------------------------------------------ */

void *app_states_keep(const App *app) {
    const StateKey *key;
    size_t total = 0;
    for (Walk walk = walk_begin(app); walk_next(&walk, &key);)
        total += key ? key->kept : 0;
    uint8_t *kept = mem_alloc(total + 1);
    Walk walk = walk_begin(app);
    for (size_t i = 0, at = 0; kept && walk_next(&walk, &key); i++) {
        if (!key || !key->kept) continue;
        memcpy(kept + at, app->states[i], key->kept);
        at += key->kept;
    }
    return kept;
}

void app_states_put_back(App *app, const void *kept) {
    const StateKey *key;
    const uint8_t *from = kept;
    Walk walk = walk_begin(app);
    for (size_t i = 0; walk_next(&walk, &key); i++) {
        if (!key || !key->kept) continue;
        memcpy(app->states[i], from, key->kept);
        from += key->kept;
    }
}
