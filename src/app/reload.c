/* Reading the open capture again, by hand or because it has changed, at the same place in it. What cannot be read leaves
 * the picture as it is. */
#include "app/chores.h"
#include "app/files.h"
#include "app/watch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64

/* What a person has set up, by numbers of the model where layers may have come or gone. */
typedef struct Place {
    Look view;
    Comparison comparison;
    Pins pins;
    char set[64];
    int layer;
    bool selection_on, from_grid, playing;
    int last_head, history_count, thumbs_scroll;
} Place;

static void note_place(const App *app, Place *place) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    *place = (Place){.view = app->look,
                     .comparison = app->comparison,
                     .pins = app->pins,
                     .selection_on = app->selection.on,
                     .from_grid = app->grid.return_here,
                     .playing = app->play.on,
                     .last_head = app->heads.last,
                     .history_count = app->history.count,
                     .thumbs_scroll = app->thumbs_scroll};
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return; /* probabilities of tokens */
    place->layer = layer->number;
    snprintf(place->set, sizeof place->set, "%s", set->name);
}

static void back_to(App *app, const Place *place) {
    const Capture *capture = app_capture(app);
    if (capture_set_count(capture) == 0) {
        app->look.text = place->view.text;
        app_view_changed(app);
        return;
    }
    app->look = place->view;
    app_leave_view(app);
    app->comparison = place->comparison;
    app->pins = place->pins;
    for (int i = 0; i < capture_set_count(capture); i++) {
        const SetInfo *one = capture_set(capture, i);
        pins_keep_inside(&app->pins, i, one->max_queries, one->max_keys);
    }
    const int set = capture_set_by_name(capture, place->set);
    app->look.subject.set = set >= 0 ? set : 0;
    const int layer = capture_layer_index(capture_set(capture, app->look.subject.set), place->layer);
    if (layer >= 0) app->look.subject.layer = layer;
    app->grid.return_here = place->from_grid;
    app->play.on = place->playing;
    app->heads.last = place->last_head;
    app->history.count = place->history_count;
    app->thumbs_scroll = place->thumbs_scroll;
    app_view_changed(app);
    const LayerInfo *info = &capture_set(capture, app->look.subject.set)->layers[app->look.subject.layer];
    app->selection.on = place->selection_on && app->selection.q1 <= info->queries && app->selection.k1 <= info->keys;
}

static Status reload(App *app, Error *err) {
    const char *paths[FILES_MAX];
    Place place;
    size_t count = app->opened.captures[0].path_count;
    char *copy = mem_alloc(app->opened.captures[0].paths_size + 1);
    if (!copy) return error_set(err, STATUS_MEMORY, "not enough memory to read the file again");
    memcpy(copy, app->opened.captures[0].paths, app->opened.captures[0].paths_size);
    const char *at = copy;
    for (size_t i = 0; i < count; i++) {
        paths[i] = at;
        at += strlen(at) + 1;
    }
    note_place(app, &place);
    const Status status = app_open_capture(app, paths, count, err);
    if (status == STATUS_OK) back_to(app, &place);
    mem_free(copy);
    return status;
}

bool cmd_reload(App *app, const char *args, Error *err) {
    (void)args;
    if (!app_capture(app) || app->opened.captures[0].path_count == 0) return false;
    if (reload(app, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "read again: %s", capture_name(app_capture(app)));
    return true;
}

bool cmd_auto_reload(App *app, const char *args, Error *err) {
    static const char *const NAMES[] = {"on", "off", "ask"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(args, NAMES[i])) continue;
        app->reload.mode = (AutoReload)i;
        return true;
    }
    error_set(err, STATUS_USAGE, "'auto-reload' takes on, off or ask, not '%.40s'", args);
    return false;
}

/* ---- by itself ------------------------------------------------------------------------------- */

static void changed(App *app) {
    char name[256];
    Error err = {0};
    snprintf(name, sizeof name, "%s", capture_name(app_capture(app)));
    if (app->reload.mode == RELOAD_ASK) {
        app_say(app, SAY_INFO, "%s has changed: F5 reads it again", name);
    } else if (reload(app, &err) == STATUS_OK) {
        app_say(app, SAY_INFO, "%s has changed and was read again", name);
    } else {
        app_say(app, SAY_WARNING, "%s has changed and cannot be read (%s): this is what was read before", name,
                err.message);
    }
}

void reload_tick(App *app) {
    if (!app->reload.watch || !app_capture(app)) return;
    const WatchNews news = watch_take(app->reload.watch);
    if (app->reload.mode == RELOAD_OFF || news == WATCH_NOTHING) return;
    if (news == WATCH_CHANGED)
        changed(app);
    else
        app_say(app, SAY_WARNING, "%s is gone: this is what was read of it", capture_name(app_capture(app)));
}

/* ---- what was opened ------------------------------------------------------------------------- */

static void note_run(void *data) {
    char absolute[PATH_MAX], file[APP_PATH_SIZE];
    if (!realpath(data, absolute) || !recent_file(file, sizeof file)) return;
    (void)recent_note(file, absolute, NULL); /* a home that cannot be written: nothing is remembered */
}

static void note_done(App *app, void *data) {
    (void)app;
    mem_free(data);
}

void reload_watch(App *app, const char *const *paths, size_t count, uint64_t sign) {
    if (!platform_is_window(app->machine.platform)) return;
    if (!app->reload.watch && watch_new(app_wake, app, &app->reload.watch, NULL) != STATUS_OK) return;
    const bool file = !app->opened.captures[0].is_demo;
    watch_set(app->reload.watch, paths, file ? count : 0, sign);
    char *copy = file ? mem_strdup(paths[0]) : NULL;
    if (copy) (void)chores_post(app->machine.chores[CHORES_FILES], &(Chore){note_run, note_done, mem_free, copy});
}
