/* The window's loop: sleeps until an event, a finished tile or a timer; draws only when something changed. */
#include "app/chooser.h"
#include "app/record.h"
#include "app/watch.h"

#include <string.h>

#define UPLOAD_BUDGET_NS UINT64_C(2000000)
#define GPU_LOOK_NS UINT64_C(1000000) /* between looks at what compute shaders have begun */
/* Overviews composed after one gesture: more layers than any model has. */
#define IDLE_STEPS_MAX 1024

static void update_density(App *app) {
    int window_w, window_h, drawable_w, drawable_h;
    platform_size(app->machine.platform, &window_w, &window_h, &drawable_w, &drawable_h);
    app->ui.density = window_w > 0 ? (float)drawable_w / (float)window_w : 1.0f;
}

static void write_state_file(App *app) {
    /* Settled: complete, or whatever is missing has failed and will not come. */
    const bool settled = !app->picture.result.pending ||
                         (app->work.visible_wants == 0 && (app->work.failed.count > 0 || app->work.no_room.count > 0));
    if (!app->state_file || !settled || !app_capture(app)) return;
    TextBuffer text = {0};
    app_state_json(app, &text);
    text_append(&text, "\n");
    if (!text.failed) (void)file_write_all(app->state_file, text.text, text.length, NULL);
    text_buffer_free(&text);
}

Status app_draw_window(App *app, Error *err) {
    update_density(app);
    const FrameParams params = app_window_params(app);
    const uint64_t began = clock_now_ns(&app->machine.clock);
    app->pace.redraw = false;
    app->pace.redraw_at_ns = 0;
    app_workers_pause(app);
    app_frame_build(app, &params);
    const uint64_t built = clock_now_ns(&app->machine.clock);
    const Theme *theme = views_theme(app->ui.light);
    Status status = gpu_paint(app->machine.gpu, NULL, params.width, params.height, theme->ground, &app->picture.list,
                              err);
    if (status == STATUS_OK) status = record_painted(app, &params, began, err);
    if (status == STATUS_OK) platform_swap(app->machine.platform);
    app_workers_resume(app);
    if (status != STATUS_OK) return status;
    app_note_painted(app, clock_now_ns(&app->machine.clock) - built);
    app->pace.frames++;
    app_submit_wants(app, true);
    write_state_file(app);
    return STATUS_OK;
}

static void advance_play(App *app, uint64_t now) {
    if (!app->play.on || now < app->play.next_ns) return;
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    app->play.next_ns = now + (uint64_t)(1e9 / app->play.rate);
    app->look.subject.layer = (app->look.subject.layer + 1) % set->layer_count;
    app->motion.scrub_direction = 1;
    app->pace.last_layer_ns = now;
    app_view_changed(app);
}

/* Milliseconds until something is due; -1: nothing is. */
static int time_to_next(const App *app, uint64_t now) {
    uint64_t next = UINT64_MAX;
    if (app->play.on && app->play.next_ns < next) next = app->play.next_ns;
    if (app->pace.redraw_at_ns && app->pace.redraw_at_ns < next) next = app->pace.redraw_at_ns;
    if (app->message.text[0] && app->message.until_ns < next) next = app->message.until_ns;
    if (app->machine.recompute.busy) next = now + GPU_LOOK_NS < next ? now + GPU_LOOK_NS : next;
    const uint64_t chooser = chooser_next_ns(app, now);
    if (chooser < next) next = chooser;
    const uint64_t record = record_next_ns(app, now);
    if (record < next) next = record;
    if (next == UINT64_MAX) return -1;
    return next <= now ? 0 : (int)i64_min((int64_t)((next - now + 999999) / 1000000), 60000);
}

/* True when a person did something. */
static bool handle_events(App *app, int timeout_ms) {
    InputEvent event;
    if (!platform_wait(app->machine.platform, timeout_ms, &event)) return false;
    bool hand = false;
    do {
        hand |= event.type != EVENT_WAKE;
        app_handle_event(app, &event);
    } while (!app->quit && platform_poll(app->machine.platform, &event));
    return hand;
}

Status app_run(App *app, Error *err) {
    app->pace.redraw = true;
    bool idle_work = true;
    int idle_steps = 0;
    while (!app->quit) {
        const uint64_t before = clock_now_ns(&app->machine.clock);
        const int timeout = app->pace.redraw ? 0 : idle_work ? 0 : time_to_next(app, before);
        if (handle_events(app, timeout)) idle_steps = 0;
        if (app->quit) break;
        const uint64_t now = clock_now_ns(&app->machine.clock);
        advance_play(app, now);
        record_tick(app, now);
        (void)app_take_chores(app);
        reload_tick(app);
        chooser_tick(app);
        bool any = false;
        if (app_take_results(app, UPLOAD_BUDGET_NS, &any)) app->pace.redraw = true;
        if (app->pace.redraw_at_ns && now >= app->pace.redraw_at_ns) app->pace.redraw = true;
        if (app->message.text[0] && now >= app->message.until_ns) {
            app->message.text[0] = 0;
            app->pace.redraw = true;
        }
        if (app->pace.redraw) {
            const Status status = app_draw_window(app, err);
            if (status != STATUS_OK) return status;
            idle_work = true;
        } else {
            /* A budget too small for all overviews would have them push each other out for ever. */
            idle_work = any || (idle_steps++ < IDLE_STEPS_MAX && app_idle_step(app));
        }
    }
    return STATUS_OK;
}
