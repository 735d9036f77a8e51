/* What is looked at while something else takes the app for its own: a tour may go anywhere, to another view, too. */
#include "features/record/record_parts.h"

Status record_keep(const App *app, RecordKept *kept, Error *err) {
    *kept = (RecordKept){.shown = app->shown,
                         .look = app->look,
                         .memory = app->motion.memory,
                         .scale = app->ui.scale,
                         .light = app->ui.light,
                         .panels = app->ui.panels,
                         .states = app_states_keep(app)};
    return kept->states ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to record");
}

void record_put_back(App *app, const RecordKept *kept) {
    const bool elsewhere = app->shown.scene != kept->shown.scene;
    app->shown = kept->shown;
    app->look = kept->look;
    app->motion.memory = kept->memory;
    app->ui.scale = kept->scale;
    app->ui.light = kept->light;
    app->ui.panels = kept->panels;
    /* Who is told finds everything as it was, and may yet let go what belonged to the view that is left. */
    app_states_put_back(app, kept->states);
    for (const Part *const *part = app->catalog->parts; elsewhere && *part; part++) {
        if ((*part)->scene_changed) (*part)->scene_changed(app);
    }
    look_changed_follow(app);
    app_states_put_back(app, kept->states);
}

void record_kept_free(RecordKept *kept) {
    mem_free(kept->states);
    kept->states = NULL;
}
