/* What views are given for a frame, and how long it may take. */
#include "session/app.h"

#include <string.h>

#define COMPOSE_BUDGET_NS UINT64_C(4000000)
#define COMPOSE_LEAST_NS UINT64_C(1000000)
#define FRAME_GOAL_NS UINT64_C(14000000) /* of a frame of 60 Hz, with something to spare */
#define PAINT_SHARE 8                    /* a shorter painting counts for so little of what is expected */
#define FLYING_NS UINT64_C(100000000)

FrameParams frame_window_params(const App *app) {
    int window_w, window_h, drawable_w, drawable_h;
    platform_size(app->machine.platform, &window_w, &window_h, &drawable_w, &drawable_h);
    return (FrameParams){
        .width = drawable_w, .height = drawable_h, .scale = app->ui.scale * app->ui.density, .chrome = true};
}

static bool has_failed(const void *user, const TileKey *key) {
    return failures_has(user, key);
}

/* Where the CPU paints, what painting will take is not there for composing. */
static uint64_t compose_budget(const App *app) {
    const uint64_t spent = app->pace.paint_ns + app->pace.upload_ns;
    if (!gpu_info(app->machine.gpu)->software) return COMPOSE_BUDGET_NS;
    return spent + COMPOSE_LEAST_NS > FRAME_GOAL_NS    ? COMPOSE_LEAST_NS
           : FRAME_GOAL_NS - spent < COMPOSE_BUDGET_NS ? FRAME_GOAL_NS - spent
                                                       : COMPOSE_BUDGET_NS;
}

void frame_note_painted(App *app, uint64_t ns) {
    app->pace.paint_ns = ns > app->pace.paint_ns ? ns : app->pace.paint_ns - (app->pace.paint_ns - ns) / PAINT_SHARE;
}

Frame frame_make(App *app, const FrameParams *params) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    app->work.wants.variant = views_variant(&app->look);
    return (Frame){
        .capture = app_capture(app),
        .serial = app->opened.captures[0].serial,
        .reference = {.capture = app->opened.captures[1].capture,
                      .serial = app->opened.captures[1].serial,
                      .difference_serial = app->opened.difference_serial},
        .gpu = app->machine.gpu,
        .list = &app->picture.list,
        .wants = &app->work.wants,
        .readouts = &app->work.readouts,
        .ranges = app->work.ranges,
        .factors = app->work.factors,
        .theme = views_theme(app->ui.light),
        .scale = params->scale,
        .part = params->part,
        .base_side = app->machine.base_side,
        .shown_layer = app->look.subject.layer,
        .resting = params->exact_only || now - app->pace.last_input_ns > REST_AFTER_NS,
        .flying = !params->exact_only && now - app->pace.last_layer_ns < FLYING_NS,
        .exact_only = params->exact_only,
        .has_failed = has_failed,
        .has_failed_user = app,
        .heads_before = &app->motion.heads_before,
        .clock = app->machine.clock,
        .composing.deadline_ns = params->exact_only ? UINT64_MAX : now + compose_budget(app),
    };
}

void frame_build(App *app, const FrameParams *params) {
    app->catalog->build_frame(app, params);
}

void frame_due_at(App *app, uint64_t at_ns) {
    if (!app->pace.redraw_at_ns || app->pace.redraw_at_ns > at_ns) app->pace.redraw_at_ns = at_ns;
}
