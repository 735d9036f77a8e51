/* The view's wants -> workers; finished tiles -> GPU; what is done while nothing happens. */
#include "session/app.h"
#include "session/chores.h"
#include "session/recompute.h"

#include <math.h>
#include <string.h>

#define PAUSE_MOST_NS UINT64_C(100000000) /* a frame that hangs must not stop the work */
#define FRUITLESS_MAX 20
#define COMPOSING_MAX 2000
#define IDLE_STEPS_MAX 1024
#define MOTION_LEAST_S 0.004 /* frames closer together tell nothing of a speed, */
#define MOTION_MOST_S 0.25   /* nor those further apart */
#define SETTLE_SLEEP_NS UINT64_C(500000)
#define BUSY_RETRY_NS UINT64_C(2000000)
#define BACKGROUND_REDRAW_NS UINT64_C(60000000)

/* ---- what is not asked for again ------------------------------------------------------------- */

/* Leaves out, from index `from` on, what has failed before; returns how many were left out. */
static int drop_failed(App *app, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < app->work.wants.count; i++) {
        if (failures_has(app, &app->work.wants.items[i].key)) continue;
        if (kept != i) app->work.wants.items[kept] = app->work.wants.items[i];
        kept++;
    }
    const int dropped = (int)(app->work.wants.count - kept);
    app->work.wants.count = kept;
    return dropped;
}

/* Everything that decides which tiles are on screen. */
static uint64_t hash_view(const App *app) {
    const Look *l = &app->look;
    const int32_t facts[] = {l->subject.set,
                             l->subject.item,
                             l->subject.step,
                             l->subject.layer,
                             (int32_t)tiles_headset_hash(&l->subject.heads),
                             (int32_t)l->subject.values,
                             (int32_t)views_variant_id(l),
                             (int32_t)l->compare,
                             (int32_t)app->opened.difference_serial};
    const Camera *c = scene_camera(app);
    const double camera[] = {c->q, c->k, c->points_q, c->points_k};
    const uint64_t scene = hash_bytes(app->shown.scene->name, strlen(app->shown.scene->name),
                                      app->opened.captures[0].serial);
    return hash_bytes(camera, sizeof camera, hash_bytes(facts, sizeof facts, scene));
}

/* Another view needs other tiles, and what did not fit before may fit now. */
static void forget_no_room(App *app) {
    if (app->work.no_room.count > 0 && app->work.no_room_view != hash_view(app)) failures_forget_no_room(app);
}

static void note_motion(App *app) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    const Camera *before = &app->motion.camera, *camera = &app->look.matrix.camera;
    const double s = (double)(now - app->motion.ns) / 1e9;
    if (s < MOTION_LEAST_S) return;
    const ViewResult *r = &app->picture.result;
    app->motion.hand.layer = app->motion.scrub_direction;
    app->motion.hand.head = app->motion.memory.last == app->motion.head  ? app->motion.hand.head
                            : app->motion.memory.last > app->motion.head ? 1
                                                                         : -1;
    app->motion.hand.q = app->motion.hand.k = app->motion.hand.zoom = 0;
    if (s < MOTION_MOST_S && before->points_q > 0 && r->plot.w > 0 && r->plot.h > 0) {
        app->motion.hand.q = (camera->q - before->q) * r->cell_h / (double)r->plot.h / s;
        app->motion.hand.k = (camera->k - before->k) * r->cell_w / (double)r->plot.w / s;
        app->motion.hand.zoom = log2(camera->points_q / before->points_q) / s;
    }
    app->motion.head = app->motion.memory.last;
    app->motion.camera = *camera;
    app->motion.ns = now;
}

static void want_bases(App *app, Frame *frame, const Look *look) {
    app->work.overviews.missing += views_want_all_bases(frame, look, app->motion.scrub_direction);
    app->work.overviews.total += views_count_bases(frame, look);
}

void work_submit_wants(App *app, bool background) {
    if (!app_capture(app)) return;
    forget_no_room(app);
    (void)drop_failed(app, 0);
    app->work.visible_wants = (int)app->work.wants.count;
    if (background && capture_set_count(app_capture(app)) > 0) {
        const FrameParams params = {.scale = 1};
        Frame frame = frame_make(app, &params);
        const int before = app->work.overviews.missing;
        Frame ref_frame;
        Look ref_look;
        const bool reference = views_reference(&frame, &app->look, &ref_frame, &ref_look, NULL) == STATUS_OK;
        note_motion(app);
        if (scene_has(app, SCENE_CELLS) && app->work.no_room.count == 0) {
            /* What a held key would show, before what a moving hand might. */
            if (reference) views_want_visible(&ref_frame, &ref_look, &app->picture.result);
            views_want_around(&frame, &app->look, &app->picture.result, &app->motion.hand);
            if (reference && app->look.compare != COMPARE_OFF)
                views_want_around(&ref_frame, &ref_look, &app->picture.result, &app->motion.hand);
        }
        (void)drop_failed(app, (size_t)app->work.visible_wants);
        const size_t around = app->work.wants.count;
        app->work.overviews.missing = app->work.overviews.total = 0;
        want_bases(app, &frame, &app->look);
        if (reference) want_bases(app, &ref_frame, &ref_look);
        app->work.overviews.missing -= drop_failed(app, around);
        if (before > 0 && app->work.overviews.missing == 0) app->pace.redraw = true; /* the progress bar goes */
        if (app->work.overviews.missing > app->work.overviews.begun || app->work.overviews.missing == 0) {
            app->work.overviews.begun = app->work.overviews.missing;
            app->work.overviews.begun_ns = clock_now_ns(&app->machine.clock);
        }
    }
    Error err = {0};
    const Status status = tiles_scheduler_try_want(app->machine.scheduler, app->work.wants.items, app->work.wants.count,
                                                   &err);
    app->work.held_up = status == STATUS_CANCELLED;
    if (app->work.held_up) {
        frame_due_at(app, clock_now_ns(&app->machine.clock) + BUSY_RETRY_NS);
    } else if (status != STATUS_OK) {
        app_say(app, SAY_ERROR, "%s", err.message);
    }
}

/* Not a failure of the tile: it is asked for again as soon as something else is looked at. */
static void note_no_room(App *app, const TileKey *key, const Error *err) {
    if (app->work.no_room.count == 0) app_say(app, SAY_WARNING, "%s; raise it with --gpu-budget", err->message);
    app->work.no_room_view = hash_view(app);
    failures_note(&app->work.no_room, key);
}

/* The driver gave less than the budget allows. */
static void watch_budget(App *app) {
    const size_t budget = gpu_info(app->machine.gpu)->tile_budget;
    if (budget < app->machine.gpu_budget_seen) {
        char text[32];
        text_format_bytes(budget, text, sizeof text);
        app_say(app, SAY_WARNING, "the graphics driver has no memory left; the GPU budget is %s now", text);
    }
    app->machine.gpu_budget_seen = budget;
}

static void note_failure(App *app, const TileData *data) {
    if (data->status == STATUS_CANCELLED) return;
    failures_note(&app->work.failed, &data->key);
    char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
    error_format(&data->error, text, sizeof text);
    app_say(app, SAY_ERROR, "%s", text);
}

/* Was it asked for by a part alone? */
static bool taken_by_part(App *app, const TileData *data) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->take && (*part)->take(app, data)) return true;
    }
    return false;
}

bool work_take_results(App *app, uint64_t budget_ns, bool *any) {
    recompute_step(app, budget_ns);
    const uint64_t start = clock_now_ns(&app->machine.clock);
    bool visible = false;
    *any = false;
    TileData *data;
    while ((data = tiles_scheduler_try_take(app->machine.scheduler)) != NULL) {
        *any = true;
        /* The grid shows any layer's; it is drawn when several have come. */
        const bool here = scene_has(app, SCENE_CELLS) &&
                          (data->key.capture ? app->look.compare != COMPARE_OFF
                                             : data->key.layer == app->look.subject.layer);
        if (data->key.serial != app->opened.captures[data->key.capture ? 1 : 0].serial) {
            tiles_data_drop(data);
        } else if (data->status != STATUS_OK) {
            note_failure(app, data);
            tiles_data_drop(data);
            visible = true;
        } else if (data->kind == JOB_CELLS && taken_by_part(app, data)) {
            tiles_data_drop(data); /* many come one after another: drawn several at a time */
        } else if (data->kind == JOB_CELLS) {
            views_readout_accept(&app->work.readouts, data);
            visible = true;
        } else if (data->kind == JOB_ROW_FACTORS || data->kind == JOB_COLUMN_FACTORS) {
            visible |= here;
            views_factors_accept(app->work.factors, data);
        } else {
            Error err = {0};
            const Status status = gpu_tile_put(app->machine.gpu, data, &err);
            if (status == STATUS_MEMORY)
                note_no_room(app, &data->key, &err);
            else if (status != STATUS_OK)
                note_failure(app, &(TileData){.status = err.status, .error = err, .key = data->key});
            visible |= here;
            tiles_data_drop(data);
        }
        if (clock_now_ns(&app->machine.clock) - start > budget_ns) break;
    }
    app->pace.upload_ns = clock_now_ns(&app->machine.clock) - start;
    watch_budget(app);
    if (tiles_scheduler_waiting(app->machine.scheduler) > 0) {
        /* A worker had the lock, or time was up; nobody will wake the loop for these a second time. */
        frame_due_at(app, clock_now_ns(&app->machine.clock) + BUSY_RETRY_NS);
    }
    if (*any && !visible) {
        frame_due_at(app, clock_now_ns(&app->machine.clock) + BACKGROUND_REDRAW_NS);
    }
    return visible;
}

bool work_base_image(App *app, TileKey *key) {
    const FrameParams params = {.scale = 1};
    Frame frame = frame_make(app, &params);
    frame.wants = &(WantList){0};
    return frame.capture && views_base_ready(&frame, &app->look, app->look.subject.layer, false, key);
}

bool work_reserve_ahead(App *app) {
    const FrameParams params = {.scale = 1};
    Frame frame = frame_make(app, &params);
    return scene_has(app, SCENE_CELLS) && frame.capture && views_reserve_ahead(&frame, &app->look);
}

bool work_idle_step(App *app) {
    const Capture *capture = app_capture(app);
    if (!capture) return false;
    if (work_reserve_ahead(app)) return true;
    recompute_choose(app, true);
    const FrameParams params = {.scale = 1};
    Frame frame = frame_make(app, &params);
    frame.wants = &(WantList){0};
    const SceneDrawing *drawing = &app->shown.scene->drawing;
    if (capture_set_count(capture) == 0) return false;
    if (drawing->idle) {
        const bool more = drawing->idle(app, &frame);
        if (more && !app->pace.redraw_at_ns)
            app->pace.redraw_at_ns = clock_now_ns(&app->machine.clock) + BACKGROUND_REDRAW_NS;
        return more;
    }
    const SetInfo *set = capture_set(capture, app->look.subject.set);
    for (int layer = 0; layer < set->layer_count; layer++) {
        float hi;
        const int composed = frame.composing.tiles;
        TileKey key;
        if (views_base_ready(&frame, &app->look, layer, false, &key)) {
            views_auto_range(&frame, &app->look, layer, app->look.colours.percentile, &hi);
        }
        if (frame.composing.tiles != composed) {
            if (!app->pace.redraw_at_ns)
                app->pace.redraw_at_ns = clock_now_ns(&app->machine.clock) + BACKGROUND_REDRAW_NS;
            return true;
        }
    }
    return false;
}

/* Nothing has come and something is under way: another frame would only take time from the workers. */
static bool nothing_new(App *app, bool any, bool first) {
    if (first || any || app->work.held_up || cancel_requested(app->machine.cancel) ||
        tiles_scheduler_idle(app->machine.scheduler))
        return false;
    clock_sleep_ns(SETTLE_SLEEP_NS);
    return true;
}

Status work_settle_all(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    const Clock clock = clock_system();
    const uint64_t start = clock_now_ns(&clock);
    app->work.wants.count = 0;
    for (bool first = true;; first = false) {
        bool any;
        const bool late = clock_now_ns(&clock) - start > timeout_ns;
        work_take_results(app, UINT64_MAX, &any);
        if (!late && nothing_new(app, any, first)) continue;
        app->work.wants.count = 0;
        work_submit_wants(app, true);
        if (app->work.overviews.missing == 0 || app->work.failed.count > 0 || app->work.no_room.count > 0) break;
        if (late) return error_set(err, STATUS_CANCELLED, "the overviews were not ready in time");
        clock_sleep_ns(200000);
    }
    for (int i = 0; i < IDLE_STEPS_MAX && work_idle_step(app); i++) {
    }
    return work_settle(app, params, timeout_ns, err);
}

typedef enum Until { UNTIL_ALL, UNTIL_EXACT, UNTIL_PICTURE } Until;

static bool settled(const ViewResult *r, Until until) {
    if (r->missing || r->coarse || until == UNTIL_ALL) return false;
    return until == UNTIL_PICTURE || (!r->pending && r->exactness == EXACT);
}

static Status settle(App *app, const FrameParams *params, uint64_t timeout_ns, Until until, Error *err) {
    const Clock clock = clock_system(); /* real work takes real time, whatever clock drives the animation */
    const uint64_t start = clock_now_ns(&clock);
    FrameParams exact = *params;
    exact.exact_only = until != UNTIL_PICTURE;
    finish_chores(app);
    /* Frames in a row that asked for nothing and yet are not complete. Where a frame has little time to compose, many of
     * them go by before a screen of many heads is. */
    int fruitless = app->pace.fruitless = 0;
    const int fruitless_most = exact.exact_only ? FRUITLESS_MAX : COMPOSING_MAX;
    for (bool first = true;; first = false) {
        bool any;
        const bool late = clock_now_ns(&clock) - start > timeout_ns;
        work_take_results(app, UINT64_MAX, &any);
        if (!late && nothing_new(app, any, first)) continue;
        frame_build(app, &exact);
        const size_t wanted = app->work.wants.count;
        work_submit_wants(app, false);
        /* Everything still asked for has failed: the message says why, and waiting will not help. */
        const bool stuck = app->work.wants.count == 0 && tiles_scheduler_idle(app->machine.scheduler);
        if (wanted == 0 && !app->picture.result.pending) return STATUS_OK;
        if (settled(&app->picture.result, until)) return STATUS_OK;
        if (stuck && wanted > 0)
            return error_set(err, app->work.no_room.count > 0 ? STATUS_MEMORY : STATUS_IO, "%s", app->message.text);
        if (cancel_requested(app->machine.cancel)) return error_set(err, STATUS_CANCELLED, "interrupted");
        fruitless = stuck ? fruitless + 1 : 0;
        if (fruitless > fruitless_most || (stuck && app->pace.fruitless > FRUITLESS_MAX)) {
            return error_set(err, STATUS_MEMORY,
                             "the tiles of this picture do not fit the GPU budget; raise it with --gpu-budget");
        }
        if (late) return error_set(err, STATUS_CANCELLED, "the picture was not exact in time");
        if (app->work.wants.count > 0) clock_sleep_ns(200000);
    }
}

Status work_settle(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_ALL, err);
}

Status work_settle_exact(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_EXACT, err);
}

Status work_settle_picture(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_PICTURE, err);
}

/* Software GL paints with the cores that the workers compute on: they pause while a frame is painted, and work between
 * frames. */
void work_pause(App *app) {
    if (gpu_info(app->machine.gpu)->software) tiles_scheduler_yield(app->machine.scheduler, PAUSE_MOST_NS);
}

void work_resume(App *app) {
    if (gpu_info(app->machine.gpu)->software) tiles_scheduler_yield(app->machine.scheduler, 0);
}
