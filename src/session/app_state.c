/* The memory of parts and scenes: App.states has one block for each row of the catalog, those of parts first. */
#include "session/app.h"

void *app_state(const App *app, const StateKey *key) {
    size_t at = 0;
    if (!app->states) return NULL;
    for (const Part *const *part = app->catalog->parts; *part; part++, at++) {
        if ((*part)->state == key) return app->states[at];
    }
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++, at++) {
        if ((*scene)->state == key) return app->states[at];
    }
    return NULL;
}

static void *new_block(const StateKey *key) {
    return mem_alloc_zeroed(1, (key ? key->size : 0) + 1);
}

Status app_states_make(App *app, Error *err) {
    const Catalog *catalog = app->catalog;
    size_t count = 0, at = 0;
    for (const Part *const *part = catalog->parts; *part; part++)
        count++;
    for (const Scene *const *scene = catalog->scenes; *scene; scene++)
        count++;
    bool ok = (app->states = mem_alloc_zeroed(count + 1, sizeof *app->states)) != NULL;
    for (const Part *const *part = catalog->parts; ok && *part; part++)
        ok = (app->states[at++] = new_block((*part)->state)) != NULL;
    for (const Scene *const *scene = catalog->scenes; ok && *scene; scene++)
        ok = (app->states[at++] = new_block((*scene)->state)) != NULL;
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
