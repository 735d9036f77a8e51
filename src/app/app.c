/* Opening and closing of the program's parts, and of captures. */
#include "app/chooser.h"
#include "app/chores.h"
#include "app/find.h"
#include "app/palette.h"
#include "app/recompute.h"
#include "app/record.h"
#include "app/selection.h"
#include "app/watch.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_NS UINT64_C(6000000000)
#define ERROR_MESSAGE_NS UINT64_C(20000000000)
#define DEFAULT_PLAY_RATE 2.0

void app_wake(void *app) {
    platform_wake(((App *)app)->machine.platform);
}

Status app_open(App *app, const AppParams *params, Error *err) {
    memset(app, 0, sizeof *app);
    app->machine.clock = clock_system();
    app->ui.scale = params->scale > 0 ? params->scale : 1.0f;
    app->ui.density = 1.0f;
    app->ui.light = params->light;
    app->machine.disk_cache = params->disk_cache;
    app->play.rate = DEFAULT_PLAY_RATE;
    app->machine.base_side = TILE_SIDE;
    app->motion.scrub_direction = 1;
    app->heads.last = -1;
    app->state_file = getenv("ATTNSCOPE_STATE_FILE");
    views_look_init(&app->look);

    const PlatformParams platform = {.mode = params->mode,
                                     .title = "attnscope",
                                     .width = params->width,
                                     .height = params->height,
                                     .fullscreen = params->fullscreen,
                                     .no_vsync = params->no_vsync};
    Status status = platform_open(&platform, &app->machine.platform, err);
    if (status != STATUS_OK) return status;
    const GpuParams gpu = {.get_proc = platform_gl_proc,
                           .tile_budget = params->gpu_budget,
                           .shader_directory = getenv("ATTNSCOPE_SHADERS"),
                           .debug = getenv("ATTNSCOPE_GL_DEBUG") != NULL};
    if ((status = gpu_open(&gpu, &app->machine.gpu, err)) != STATUS_OK) goto failed;
    const FontsParams fonts = {.file = getenv("ATTNSCOPE_FONT")};
    if ((status = draw_fonts_open(&fonts, &app->machine.fonts, err)) != STATUS_OK) goto failed;
    const SchedulerParams scheduler = {.workers = params->workers,
                                       .ram_budget = params->ram_budget,
                                       .base_side = app->machine.base_side,
                                       .wake = app_wake,
                                       .wake_user = app};
    if ((status = tiles_scheduler_new(&scheduler, &app->machine.scheduler, err)) != STATUS_OK) goto failed;
    if ((status = recompute_init(app, params->recompute, err)) != STATUS_OK) goto failed;
    for (int i = 0; i < CHORES_COUNT; i++) {
        if ((status = chores_new(app_wake, app, i >= CHORES_WRITE, &app->machine.chores[i], err)) != STATUS_OK)
            goto failed;
    }
    app->work.ranges = views_range_cache_new();
    app->work.factors = views_factors_new();
    app->grid.grid = views_grid_new();
    app->text.view = views_text_new();
    if (!app->work.ranges || !app->work.factors || !app->grid.grid || !app->text.view) {
        status = error_set(err, STATUS_MEMORY, "not enough memory to start");
        goto failed;
    }
    return STATUS_OK;
failed:
    app_close(app);
    return status;
}

static void close_capture(App *app, OpenCapture *open) {
    if (!open->capture) return;
    find_release(app);
    selection_stop(app);
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

void app_close(App *app) {
    record_close(app);
    selection_stop(app);
    chooser_close(app);
    watch_drop(app->reload.watch);
    for (int i = 0; i < CHORES_COUNT; i++)
        chores_drop(app->machine.chores[i]);
    palette_drop(app);
    find_drop(app);
    selection_drop(app);
    for (int i = 0; i < 2; i++)
        close_capture(app, &app->opened.captures[i]);
    tiles_scheduler_drop(app->machine.scheduler);
    recompute_close(app);
    views_readout_clear(&app->work.readouts);
    views_range_cache_drop(app->work.ranges);
    views_factors_drop(app->work.factors);
    views_grid_drop(app->grid.grid);
    views_text_drop(app->text.view);
    views_wants_free(&app->work.wants);
    mem_free(app->comparison.difference_row);
    draw_list_free(&app->picture.list);
    if (app->machine.fonts) draw_fonts_close(app->machine.fonts);
    if (app->machine.gpu) gpu_close(app->machine.gpu);
    if (app->machine.platform) platform_close(app->machine.platform);
    memset(app, 0, sizeof *app);
}

const Capture *app_capture(const App *app) {
    return app->opened.captures[0].capture;
}

const char *app_capture_name(const App *app, int which) {
    const OpenCapture *open = &app->opened.captures[which];
    if (!open->capture) return "";
    return open->is_demo ? open->demo_name : capture_name(open->capture);
}

void app_title(App *app) {
    char title[2 * APP_PATH_SIZE + 32];
    if (!app_capture(app) || !platform_is_window(app->machine.platform)) return;
    if (app->look.compare == COMPARE_OFF)
        snprintf(title, sizeof title, "%s - attnscope", app_capture_name(app, 0));
    else if (app->look.compare == COMPARE_REF)
        snprintf(title, sizeof title, "%s (reference) - attnscope", app_capture_name(app, 1));
    else
        snprintf(title, sizeof title,
                 app->look.compare == COMPARE_DIFF ? "%s minus %s - attnscope" : "%s beside %s - attnscope",
                 app_capture_name(app, 0), app_capture_name(app, 1));
    platform_set_title(app->machine.platform, title);
}

bool app_pattern(const App *app, const SetInfo **set, const LayerInfo **layer, int64_t *queries, int64_t *keys) {
    return views_pattern(app_capture(app), &app->look, set, layer, queries, keys);
}

Status app_need_patterns(const App *app, const char *what, Error *err) {
    if (app_has_view(app, VIEW_MATRIX)) return STATUS_OK;
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s is for patterns of attention; this file holds probabilities of tokens", what);
}

void app_say(App *app, Severity severity, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(app->message.text, sizeof app->message.text, format, args);
    va_end(args);
    app->message.severity = severity;
    app->message.until_ns = clock_now_ns(&app->machine.clock) + (severity == SAY_INFO ? MESSAGE_NS : ERROR_MESSAGE_NS);
    app->pace.redraw = true;
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
    const CaptureOpenParams params = {
        .paths = paths, .path_count = count, .axes = app->opened.axes[0] ? app->opened.axes : NULL};
    return app_read_capture(app, &params, &open->capture, err);
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
    app->selection.on = app->selection.anchored = false;
    app->history.count = 0;
    app_forget_failures(app);
    app->heads.last = -1;
    app->thumbs_scroll = 0;
    app->play.on = false;
    app->grid.return_here = false;
    compare_reset(app);
    app->pins.count = app->pins.focus = 0;
    look->matrix.fitted = look->grid.fitted = true;
    look->grid.focus = (GridHead){0};
    look->grid.selected_count = 0;
    look->text = (TextState){.size = look->text.size};
    app_leave_view(app);
    view_grid_changed(app);
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
        if (app_command(app, line, &err) != STATUS_OK) app_say(app, SAY_WARNING, "%s", err.message);
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

Status app_open_capture(App *app, const char *const *paths, size_t count, Error *err) {
    OpenCapture open = {.serial = ++app->opened.next_serial};
    if (count == 0) return error_set(err, STATUS_USAGE, "no file was given");
    snprintf(open.path, sizeof open.path, "%s", paths[0]);
    uint64_t sign; /* before it is read: what changes meanwhile is seen later */
    (void)watch_sign(paths, count, &sign);
    Status status = open_paths(app, paths, count, &open, err);
    if (status != STATUS_OK) return status;
    if ((status = note_paths(&open, paths, count, err)) != STATUS_OK) {
        capture_close(open.capture);
        return status;
    }
    close_capture(app, &app->opened.captures[0]);
    choose_base_side(app, open.capture, app->opened.captures[1].capture);
    use_disk(app, &open, paths, count);
    app->opened.captures[0] = open;
    reload_watch(app, paths, count, sign);
    new_difference(app);
    views_readout_clear(&app->work.readouts);
    views_range_cache_clear(app->work.ranges);
    views_text_forget(app->text.view);
    views_factors_clear(app->work.factors);
    look_at_start(app);
    const Demo *demo = open.is_demo ? demo_find(open.demo_name) : NULL;
    if (demo) look_at_demo(app, demo);
    app_fit(app);
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

Status app_open_reference(App *app, const char *path, Error *err) {
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
    compare_reset(app);
    close_capture(app, &app->opened.captures[1]);
    choose_base_side(app, app_capture(app), open.capture);
    if (path) use_disk(app, &open, &path, 1);
    app->opened.captures[1] = open;
    new_difference(app);
    app_forget_failures(app);
    recompute_choose(app, false);
    app->pace.redraw = true;
    return STATUS_OK;
}

void app_fit(App *app) {
    if (app->look.kind == VIEW_GRID)
        app->look.grid.fitted = true;
    else if (app->look.kind == VIEW_TEXT)
        app->look.text = (TextState){
            .item = app->look.text.item, .token = app->look.text.token, .size = TEXT_SIZE_START};
    else
        app->look.matrix.fitted = true;
    app->pace.redraw = true;
}

void app_remember_camera(App *app) {
    /* Moves within half a second of each other are one gesture: one step of Backspace undoes it. */
    const uint64_t now = clock_now_ns(&app->machine.clock);
    const bool same_gesture = app->history.count > 0 && now - app->history.ns < UINT64_C(500000000);
    app->history.ns = now;
    if (same_gesture) return;
    if (app->history.count == APP_HISTORY) {
        memmove(app->history.cameras, app->history.cameras + 1, sizeof app->history.cameras[0] * (APP_HISTORY - 1));
        app->history.count--;
    }
    app->history.cameras[app->history.count++] = app->look.matrix.camera;
}

void app_view_changed(App *app) {
    const Capture *capture = app_capture(app);
    if (!capture) return;
    Look *look = &app->look;
    app->pace.redraw = true;
    look->text.item = (int)i64_clamp(look->text.item, 0, i64_max(1, capture_strip_count(capture)) - 1);
    if (capture_set_count(capture) == 0) {
        find_follow(app);
        return;
    }
    look->subject.set = (int)i64_clamp(look->subject.set, 0, capture_set_count(capture) - 1);
    const SetInfo *set = capture_set(capture, look->subject.set);
    look->subject.layer = (int)i64_clamp(look->subject.layer, 0, set->layer_count - 1);
    look->subject.item = (int)i64_clamp(look->subject.item, 0, i64_max(1, set->item_count) - 1);
    look->subject.step = (int)i64_clamp(look->subject.step, 0, set->step_count - 1);
    const LayerInfo *layer = &set->layers[look->subject.layer];
    view_grid_changed(app);
    if (look->subject.variant.value_weighted && layer->value_heads == 0) {
        look->subject.variant.value_weighted = false;
        app_say(app, SAY_INFO, "layer %d has no value vectors: showing weights without them", layer->number);
    }
    ResolvedHeads heads;
    if (tiles_headset_resolve(&look->subject.heads, set, layer, &heads, NULL) != STATUS_OK) {
        /* Another layer or set may lack a head: its mean is always there. */
        look->subject.heads = (HeadSet){.op = HEADS_MEAN};
        app_say(app, SAY_INFO, "this layer has other heads: showing the mean of all");
    }
    if (look->matrix.cursor_on && (look->matrix.cursor_q >= layer->queries || look->matrix.cursor_k >= layer->keys)) {
        look->matrix.cursor_on = look->matrix.cursor_locked = false;
    }
    find_follow(app);
    app->pace.redraw = true;
}
