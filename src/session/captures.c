/* Opening and closing of captures, and what is looked at first. */
#include "session/app.h"
#include "session/demo.h"
#include "session/recompute.h"
#include "session/watch.h"

#include <string.h>

void captures_close(App *app, int which) {
    OpenCapture *open = &app->opened.captures[which];
    if (!open->capture) return;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->capture_closing) (*part)->capture_closing(app);
    }
    if (app->machine.scheduler) tiles_scheduler_forget(app->machine.scheduler, open->serial);
    tiles_disk_close(open->disk);
    open->disk = NULL;
    if (app->machine.gpu) gpu_tile_forget(app->machine.gpu, open->serial);
    capture_close(open->capture);
    open->capture = NULL;
    mem_free(open->paths);
    open->paths = NULL;
    open->path_count = 0;
}

static Status open_paths(App *app, const char *const *paths, size_t count, OpenCapture *open, Error *err) {
    if (count == 1 && text_starts_with(paths[0], "demo:")) {
        const Demo *demo = demo_find(paths[0] + 5);
        if (!demo)
            return error_set(err, STATUS_NOT_FOUND, "there is no demo called '%s'; `attnscope demo --list` shows them",
                             paths[0] + 5);
        open->is_demo = true;
        snprintf(open->demo_name, sizeof open->demo_name, "%s", demo->name);
        return demo_open(demo, &open->capture, err);
    }
    const CaptureOpenParams params = {.paths = paths,
                                      .path_count = count,
                                      .axes = app->opened.axes[0] ? app->opened.axes : NULL,
                                      .formats = app->catalog->formats};
    return opening_read(app, &params, &open->capture, err);
}

/* First set, lowest layer, mean of heads, fit: a picture that is right for any capture. */
static void look_at_start(App *app) {
    Look *look = &app->look;
    look->subject.set = look->subject.item = look->subject.step = look->subject.layer = 0;
    look->subject.heads = (HeadSet){.op = HEADS_MEAN};
    look->subject.values = VALUES_WEIGHTS;
    look->subject.variant = look->subject.chosen = (Variant){.hide_special = false};
    look->matrix.cursor_on = look->matrix.cursor_locked = false;
    look->colours.range_locked = false;
    if (look->colours.range_mode == RANGE_MANUAL) look->colours.range_mode = RANGE_AUTO;
    look->matrix.fitted = true;
    app->motion.memory.last = -1;
    app->shown.came_from = NULL;
}

/* What was looked at before, by names and numbers of the model: layers may have come or gone. */
typedef struct Place {
    char set[64];
    int layer;
} Place;

static Place place_now(const App *app) {
    Pattern pattern;
    Place place = {.layer = -1};
    if (!app_pattern(app, &pattern)) return place; /* probabilities of tokens */
    snprintf(place.set, sizeof place.set, "%s", pattern.set->name);
    place.layer = pattern.layer->number;
    return place;
}

static void look_at_again(App *app, const Place *place) {
    const Capture *capture = app_capture(app);
    if (capture_set_count(capture) == 0) return;
    const int set = capture_set_by_name(capture, place->set);
    app->look.subject.set = set >= 0 ? set : 0;
    const int layer = capture_layer_index(capture_set(capture, app->look.subject.set), place->layer);
    if (layer >= 0) app->look.subject.layer = layer;
}

static void tell_opened(App *app) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->capture_opened) (*part)->capture_opened(app);
    }
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if ((*scene)->capture_opened) (*scene)->capture_opened(app);
    }
    scene_leave(app);
    look_changed_follow(app);
}

static void look_at_demo(App *app, const Demo *demo) {
    const struct {
        const char *command, *value;
    } STEPS[] = {{"set", demo->set}, {"layer", demo->layer}, {"range", demo->range}};
    for (size_t i = 0; i < BASE_COUNT(STEPS); i++) {
        char line[64];
        Error err = {0};
        if (!STEPS[i].value) continue;
        snprintf(line, sizeof line, "%s %s", STEPS[i].command, STEPS[i].value);
        if (commands_run(app, line, &err) != STATUS_OK) app_say(app, SAY_WARNING, "%s", err.message);
    }
}

static void count_bases(const Capture *capture, int64_t *half, int64_t *full) {
    for (int i = 0; capture && i < capture_set_count(capture); i++) {
        const SetInfo *set = capture_set(capture, i);
        for (int l = 0; l < set->layer_count; l++) {
            *(set->signed_values || set->above_one ? full : half) += set->layers[l].head_count;
        }
    }
}

/* So that the base tiles of every layer and head of both captures stay resident. */
static void choose_base_side(App *app, const Capture *capture, const Capture *reference) {
    int64_t half = 0, full = 0;
    count_bases(capture, &half, &full);
    count_bases(reference, &half, &full);
    const int side = gpu_base_side_for(app->machine.gpu, half, full);
    if (side == app->machine.base_side) return;
    app->machine.base_side = side;
    gpu_set_base_side(app->machine.gpu, app->machine.base_side);
    tiles_scheduler_set_base_side(app->machine.scheduler, app->machine.base_side);
}

static void use_disk(App *app, OpenCapture *open, const char *const *paths, size_t count) {
    if (!app->machine.disk_cache || open->is_demo || capture_set_count(open->capture) == 0) return;
    const DiskParams disk = {.paths = paths, .path_count = count, .reading = app->opened.axes};
    (void)tiles_disk_open(&disk, &open->disk, NULL); /* without one, everything is computed anew */
    tiles_scheduler_use_disk(app->machine.scheduler, open->serial, open->disk);
}

/* No difference of before is one of what is open now. */
static void new_difference(App *app) {
    if (app->opened.difference_serial) gpu_tile_forget(app->machine.gpu, app->opened.difference_serial);
    app->opened.difference_serial = ++app->opened.next_serial;
}

static Status note_paths(OpenCapture *open, const char *const *paths, size_t count, Error *err) {
    TextBuffer text = {0};
    const char end = 0;
    for (size_t i = 0; i < count; i++) {
        text_append(&text, paths[i]);
        text_append_bytes(&text, &end, 1);
    }
    if (text.failed) {
        text_buffer_free(&text);
        return error_set(err, STATUS_MEMORY, "not enough memory to open the file");
    }
    open->paths = text.text;
    open->paths_size = text.length;
    open->path_count = count;
    return STATUS_OK;
}

Status captures_open(App *app, const char *const *paths, size_t count, Error *err) {
    OpenCapture open = {.serial = ++app->opened.next_serial};
    if (count == 0) return error_set(err, STATUS_USAGE, "no file was given");
    snprintf(open.path, sizeof open.path, "%s", paths[0]);
    (void)watch_sign(paths, count, &open.sign); /* before it is read: what changes meanwhile is seen later */
    Status status = open_paths(app, paths, count, &open, err);
    if (status != STATUS_OK) return status;
    if ((status = note_paths(&open, paths, count, err)) != STATUS_OK) {
        capture_close(open.capture);
        return status;
    }
    const Place before = place_now(app);
    captures_close(app, 0);
    choose_base_side(app, open.capture, app->opened.captures[1].capture);
    use_disk(app, &open, paths, count);
    app->opened.captures[0] = open;
    new_difference(app);
    views_readout_clear(&app->work.readouts);
    views_range_cache_clear(app->work.ranges);
    views_factors_clear(app->work.factors);
    failures_forget(app);
    if (app->opened.again)
        look_at_again(app, &before);
    else
        look_at_start(app);
    tell_opened(app);
    const Demo *demo = open.is_demo && !app->opened.again ? demo_find(open.demo_name) : NULL;
    if (demo) look_at_demo(app, demo);
    if (!app->opened.again) scene_fit(app);
    for (int i = 0; i < capture_note_count(open.capture); i++) {
        if (!capture_note_is_warning(open.capture, i)) continue;
        app_say(app, SAY_WARNING, "%s", capture_note(open.capture, i));
        break;
    }
    app_title(app);
    recompute_choose(app, false);
    app->pace.redraw = true;
    return STATUS_OK;
}

/* The one that was there goes, whether or not another one comes. */
static void tell_reference(App *app) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->reference_changing) (*part)->reference_changing(app);
    }
}

Status captures_open_reference(App *app, const char *path, Error *err) {
    OpenCapture open = {.serial = ++app->opened.next_serial};
    if (!app_capture(app)) return error_set(err, STATUS_NOT_FOUND, "a reference needs an open capture");
    if (path) {
        snprintf(open.path, sizeof open.path, "%s", path);
        const Status status = open_paths(app, &path, 1, &open, err);
        if (status != STATUS_OK) return status;
    }
    if (path && (capture_set_count(app_capture(app)) == 0 || capture_set_count(open.capture) == 0)) {
        capture_close(open.capture);
        return error_set(err, STATUS_UNSUPPORTED,
                         "probabilities of tokens cannot be compared, only patterns of attention");
    }
    tell_reference(app);
    captures_close(app, 1);
    choose_base_side(app, app_capture(app), open.capture);
    if (path) use_disk(app, &open, &path, 1);
    app->opened.captures[1] = open;
    new_difference(app);
    failures_forget(app);
    recompute_choose(app, false);
    app->pace.redraw = true;
    return STATUS_OK;
}
