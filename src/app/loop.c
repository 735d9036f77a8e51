/* The window's loop: sleeps until an event, a finished tile or a timer; draws only when something changed. */
#include "app/window.h"

#define UPLOAD_BUDGET_NS UINT64_C(2000000)
#define GPU_LOOK_NS UINT64_C(1000000) /* between looks at what compute shaders have begun */
/* Overviews composed after one gesture: more layers than any model has. */
#define IDLE_STEPS_MAX 1024

static void sooner(uint64_t *next, uint64_t at) {
    if (at && at < *next) *next = at;
}

/* Milliseconds until something is due; -1: nothing is. */
static int time_to_next(const App *app, uint64_t now) {
    uint64_t next = UINT64_MAX;
    sooner(&next, app->pace.redraw_at_ns);
    if (app->machine.recompute.busy) sooner(&next, now + GPU_LOOK_NS);
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->clock.next_ns) sooner(&next, (*part)->clock.next_ns(app, now));
    }
    if (next == UINT64_MAX) return -1;
    return next <= now ? 0 : (int)i64_min((int64_t)((next - now + 999999) / 1000000), 60000);
}

static void tick(App *app, uint64_t now) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->clock.tick) (*part)->clock.tick(app, now);
    }
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
        (void)finish_ready_chores(app);
        tick(app, now);
        bool any = false;
        if (work_take_results(app, UPLOAD_BUDGET_NS, &any)) app->pace.redraw = true;
        if (app->pace.redraw_at_ns && now >= app->pace.redraw_at_ns) app->pace.redraw = true;
        if (app->pace.redraw) {
            const Status status = window_draw(app, err);
            if (status != STATUS_OK) return status;
            idle_work = true;
        } else {
            /* A budget too small for all overviews would have them push each other out for ever. */
            idle_work = any || (idle_steps++ < IDLE_STEPS_MAX && work_idle_step(app));
        }
    }
    return STATUS_OK;
}
