/* The view's wants -> workers; finished tiles -> GPU; what is done while nothing happens. */
#include "app/chores.h"
#include "app/recompute.h"

#include <math.h>
#include <string.h>

#define FRUITLESS_MAX 20
#define COMPOSING_MAX 2000
#define IDLE_STEPS_MAX 1024
#define MOTION_LEAST_S 0.004 /* frames closer together tell nothing of a speed, */
#define MOTION_MOST_S 0.25   /* nor those further apart */
#define SETTLE_SLEEP_NS UINT64_C(500000)
#define BUSY_RETRY_NS UINT64_C(2000000)
#define BACKGROUND_REDRAW_NS UINT64_C(60000000)

/* ---- what is not asked for again ------------------------------------------------------------- */

static uint64_t hash_of(const TileKey *key) {
    const uint64_t hash = tiles_key_hash(key);
    return hash ? hash : 1;
}

/* Place of the hash, or the empty one where it belongs. */
static size_t place_in(const KeySet *set, uint64_t hash) {
    size_t at = (size_t)hash & (KEY_SET_SLOTS - 1);
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (KEY_SET_SLOTS - 1);
    return at;
}

static bool set_has(const KeySet *set, uint64_t hash) {
    return set->count > 0 && (set->count >= KEY_SET_SLOTS / 2 || set->slots[place_in(set, hash)]);
}

static void set_add(KeySet *set, const TileKey *key) {
    const uint64_t hash = hash_of(key);
    if (set_has(set, hash)) return;
    set->slots[place_in(set, hash)] = hash;
    set->count++;
}

static void set_clear(KeySet *set) {
    if (set->count > 0) memset(set, 0, sizeof *set);
}

bool app_has_failed(const App *app, const TileKey *key) {
    if (app->work.failed.count == 0 && app->work.no_room.count == 0) return false;
    const uint64_t hash = hash_of(key);
    return set_has(&app->work.failed, hash) || set_has(&app->work.no_room, hash);
}

void app_forget_failures(App *app) {
    set_clear(&app->work.failed);
    set_clear(&app->work.no_room);
}

/* Leaves out, from index `from` on, what has failed before; returns how many were left out. */
static int drop_failed(App *app, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < app->work.wants.count; i++) {
        if (app_has_failed(app, &app->work.wants.items[i].key)) continue;
        if (kept != i) app->work.wants.items[kept] = app->work.wants.items[i];
        kept++;
    }
    const int dropped = (int)(app->work.wants.count - kept);
    app->work.wants.count = kept;
    return dropped;
}

/* Everything that decides which tiles are on screen. */
static uint64_t hash_view(const App *app) {
    const Look *look = &app->look;
    const int32_t facts[] = {look->subject.set,
                             look->subject.item,
                             look->subject.step,
                             look->subject.layer,
                             (int32_t)tiles_headset_hash(&look->subject.heads),
                             (int32_t)look->subject.values,
                             (int32_t)look->kind,
                             (int32_t)views_variant_id(look),
                             (int32_t)look->compare,
                             (int32_t)app->opened.difference_serial};
    const Camera *c = look->kind == VIEW_GRID ? &look->grid.camera : &look->matrix.camera;
    const double camera[] = {c->q, c->k, c->points_q, c->points_k};
    return hash_bytes(camera, sizeof camera, hash_bytes(facts, sizeof facts, app->opened.captures[0].serial));
}

/* Another view needs other tiles, and what did not fit before may fit now. */
static void forget_no_room(App *app) {
    if (app->work.no_room.count > 0 && app->work.no_room_view != hash_view(app)) set_clear(&app->work.no_room);
}

static void note_motion(App *app) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    const Camera *before = &app->motion.camera, *camera = &app->look.matrix.camera;
    const double s = (double)(now - app->motion.ns) / 1e9;
    if (s < MOTION_LEAST_S) return;
    const ViewResult *r = &app->picture.result;
    app->motion.hand.layer = app->motion.scrub_direction;
    app->motion.hand.head = app->heads.last == app->motion.head  ? app->motion.hand.head
                            : app->heads.last > app->motion.head ? 1
                                                                 : -1;
    app->motion.hand.q = app->motion.hand.k = app->motion.hand.zoom = 0;
    if (s < MOTION_MOST_S && before->points_q > 0 && r->plot.w > 0 && r->plot.h > 0) {
        app->motion.hand.q = (camera->q - before->q) * r->cell_h / (double)r->plot.h / s;
        app->motion.hand.k = (camera->k - before->k) * r->cell_w / (double)r->plot.w / s;
        app->motion.hand.zoom = log2(camera->points_q / before->points_q) / s;
    }
    app->motion.head = app->heads.last;
    app->motion.camera = *camera;
    app->motion.ns = now;
}

static void want_bases(App *app, Frame *frame, const Look *look) {
    app->work.overviews.missing += views_want_all_bases(frame, look, app->motion.scrub_direction);
    app->work.overviews.total += views_count_bases(frame, look);
}

void app_submit_wants(App *app, bool background) {
    if (!app_capture(app)) return;
    forget_no_room(app);
    (void)drop_failed(app, 0);
    app->work.visible_wants = (int)app->work.wants.count;
    if (background && capture_set_count(app_capture(app)) > 0) {
        const FrameParams params = {.scale = 1};
        Frame frame = app_make_frame(app, &params);
        const int before = app->work.overviews.missing;
        Frame ref_frame;
        Look ref_look;
        const bool reference = views_reference(&frame, &app->look, &ref_frame, &ref_look, NULL) == STATUS_OK;
        note_motion(app);
        if (app->look.kind == VIEW_MATRIX && app->work.no_room.count == 0) {
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
        const uint64_t at = clock_now_ns(&app->machine.clock) + BUSY_RETRY_NS;
        if (!app->pace.redraw_at_ns || app->pace.redraw_at_ns > at) app->pace.redraw_at_ns = at;
    } else if (status != STATUS_OK) {
        app_say(app, SAY_ERROR, "%s", err.message);
    }
}

/* Not a failure of the tile: it is asked for again as soon as something else is looked at. */
static void note_no_room(App *app, const TileKey *key, const Error *err) {
    if (app->work.no_room.count == 0) app_say(app, SAY_WARNING, "%s; raise it with --gpu-budget", err->message);
    app->work.no_room_view = hash_view(app);
    set_add(&app->work.no_room, key);
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
    set_add(&app->work.failed, &data->key);
    char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
    error_format(&data->error, text, sizeof text);
    app_say(app, SAY_ERROR, "%s", text);
}

bool app_take_results(App *app, uint64_t budget_ns, bool *any) {
    recompute_step(app, budget_ns);
    const uint64_t start = clock_now_ns(&app->machine.clock);
    bool visible = false;
    *any = false;
    TileData *data;
    while ((data = tiles_scheduler_try_take(app->machine.scheduler)) != NULL) {
        *any = true;
        /* The grid shows any layer's; it is drawn when several have come. */
        const bool here = app->look.kind == VIEW_MATRIX &&
                          (data->key.capture ? app->look.compare != COMPARE_OFF
                                             : data->key.layer == app->look.subject.layer);
        if (data->key.serial != app->opened.captures[data->key.capture ? 1 : 0].serial) {
            tiles_data_drop(data);
        } else if (data->status != STATUS_OK) {
            note_failure(app, data);
            tiles_data_drop(data);
            visible = true;
        } else if (data->kind == JOB_CELLS && pins_accept(&app->pins, app_capture(app), data)) {
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
        const uint64_t at = clock_now_ns(&app->machine.clock) + BUSY_RETRY_NS;
        if (!app->pace.redraw_at_ns || app->pace.redraw_at_ns > at) app->pace.redraw_at_ns = at;
    }
    if (*any && !visible) {
        const uint64_t at = clock_now_ns(&app->machine.clock) + BACKGROUND_REDRAW_NS;
        if (!app->pace.redraw_at_ns || app->pace.redraw_at_ns > at) app->pace.redraw_at_ns = at;
    }
    return visible;
}

bool app_take_chores(App *app) {
    bool any = false;
    for (int i = 0; i < CHORES_COUNT; i++)
        any |= chores_finish(app->machine.chores[i], app);
    app->pace.redraw |= any;
    return any;
}

static void finish(App *app, Chores *chores) {
    while (!chores_idle(chores)) {
        if (!app_take_chores(app)) clock_sleep_ns(SETTLE_SLEEP_NS);
    }
}

void app_finish_chores(App *app) {
    for (int i = 0; i < CHORES_WRITE; i++)
        finish(app, app->machine.chores[i]);
}

void app_finish_search(App *app) {
    finish(app, app->machine.chores[CHORES_SEARCH]);
}

bool app_base_image(App *app, TileKey *key) {
    const FrameParams params = {.scale = 1};
    Frame frame = app_make_frame(app, &params);
    frame.wants = &(WantList){0};
    return frame.capture && views_base_ready(&frame, &app->look, app->look.subject.layer, false, key);
}

bool app_reserve_ahead(App *app) {
    const FrameParams params = {.scale = 1};
    Frame frame = app_make_frame(app, &params);
    return app->look.kind == VIEW_MATRIX && frame.capture && views_reserve_ahead(&frame, &app->look);
}

bool app_idle_step(App *app) {
    const Capture *capture = app_capture(app);
    if (!capture) return false;
    if (app_reserve_ahead(app)) return true;
    recompute_choose(app, true);
    const FrameParams params = {.scale = 1};
    Frame frame = app_make_frame(app, &params);
    frame.wants = &(WantList){0};
    const ViewUi *ui = app_view_ui(app);
    if (capture_set_count(capture) == 0) return false;
    if (ui->idle) {
        const bool more = ui->idle(app, &frame);
        if (more && !app->pace.redraw_at_ns)
            app->pace.redraw_at_ns = clock_now_ns(&app->machine.clock) + BACKGROUND_REDRAW_NS;
        return more;
    }
    const SetInfo *set = capture_set(capture, app->look.subject.set);
    for (int layer = 0; layer < set->layer_count; layer++) {
        float hi;
        const int composed = frame.composed;
        TileKey key;
        if (views_base_ready(&frame, &app->look, layer, false, &key)) {
            views_auto_range(&frame, &app->look, layer, app->look.colours.percentile, &hi);
        }
        if (frame.composed != composed) {
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

Status app_settle_all(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    const Clock clock = clock_system();
    const uint64_t start = clock_now_ns(&clock);
    app->work.wants.count = 0;
    for (bool first = true;; first = false) {
        bool any;
        const bool late = clock_now_ns(&clock) - start > timeout_ns;
        app_take_results(app, UINT64_MAX, &any);
        if (!late && nothing_new(app, any, first)) continue;
        app->work.wants.count = 0;
        app_submit_wants(app, true);
        if (app->work.overviews.missing == 0 || app->work.failed.count > 0 || app->work.no_room.count > 0) break;
        if (late) return error_set(err, STATUS_CANCELLED, "the overviews were not ready in time");
        clock_sleep_ns(200000);
    }
    for (int i = 0; i < IDLE_STEPS_MAX && app_idle_step(app); i++) {
    }
    return app_settle(app, params, timeout_ns, err);
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
    app_finish_chores(app);
    /* Frames in a row that asked for nothing and yet are not complete. Where a frame has little time to compose, many of
     * them go by before a screen of many heads is. */
    int fruitless = app->pace.fruitless = 0;
    const int fruitless_most = exact.exact_only ? FRUITLESS_MAX : COMPOSING_MAX;
    for (bool first = true;; first = false) {
        bool any;
        const bool late = clock_now_ns(&clock) - start > timeout_ns;
        app_take_results(app, UINT64_MAX, &any);
        if (!late && nothing_new(app, any, first)) continue;
        app_frame_build(app, &exact);
        const size_t wanted = app->work.wants.count;
        app_submit_wants(app, false);
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

Status app_settle(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_ALL, err);
}

Status app_settle_exact(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_EXACT, err);
}

Status app_settle_picture(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err) {
    return settle(app, params, timeout_ns, UNTIL_PICTURE, err);
}
