/* One frame: layout, view, panels -> display list. */
#include "app/focus.h"
#include "app/selection.h"

#include <string.h>

#define COMPOSE_BUDGET_NS UINT64_C(4000000)
#define COMPOSE_LEAST_NS UINT64_C(1000000)
#define FRAME_GOAL_NS UINT64_C(14000000) /* of a frame of 60 Hz, with something to spare */
#define PAINT_SHARE 8                    /* a shorter painting counts for so little of what is expected */
#define REST_AFTER_NS UINT64_C(120000000)
#define FLYING_NS UINT64_C(100000000)
#define FRUITLESS_MAX 20
/* Bands of every composite on screen are fewer; a budget too small for them all would go on for ever. */
#define ALONE_MAX 2000
#define PROGRESS_NS UINT64_C(100000000)
#define PAUSE_MOST_NS UINT64_C(100000000) /* a frame that hangs must not stop the work */
#define CUT_SHORT_NS UINT64_C(1000000)

FrameParams app_window_params(const App *app) {
    int window_w, window_h, drawable_w, drawable_h;
    platform_size(app->machine.platform, &window_w, &window_h, &drawable_w, &drawable_h);
    return (FrameParams){
        .width = drawable_w, .height = drawable_h, .scale = app->ui.scale * app->ui.density, .chrome = true};
}

static bool has_failed(const void *user, const TileKey *key) {
    return app_has_failed(user, key);
}

/* Where the CPU paints, what painting will take is not there for composing. */
static uint64_t compose_budget(const App *app) {
    const uint64_t spent = app->pace.paint_ns + app->pace.upload_ns;
    if (!gpu_info(app->machine.gpu)->software) return COMPOSE_BUDGET_NS;
    return spent + COMPOSE_LEAST_NS > FRAME_GOAL_NS    ? COMPOSE_LEAST_NS
           : FRAME_GOAL_NS - spent < COMPOSE_BUDGET_NS ? FRAME_GOAL_NS - spent
                                                       : COMPOSE_BUDGET_NS;
}

void app_note_painted(App *app, uint64_t ns) {
    app->pace.paint_ns = ns > app->pace.paint_ns ? ns : app->pace.paint_ns - (app->pace.paint_ns - ns) / PAINT_SHARE;
}

Frame app_make_frame(App *app, const FrameParams *params) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    app->work.wants.variant = views_variant(&app->look);
    return (Frame){
        .capture = app_capture(app),
        .serial = app->opened.captures[0].serial,
        .reference = app->opened.captures[1].capture,
        .reference_serial = app->opened.captures[1].serial,
        .difference_serial = app->opened.difference_serial,
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
        .compose_deadline_ns = params->exact_only ? UINT64_MAX : now + compose_budget(app),
    };
}

/* When will another frame be better than this one, with no event to cause it? */
static void schedule_next_look(App *app, const Frame *frame) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    uint64_t at = 0;
    /* Bounds are replaced and detail is asked for once the hand has come to rest. */
    if (frame->flying || !frame->resting) at = now + REST_AFTER_NS;
    /* Composing was cut short: nothing is under way that would wake the loop. */
    const bool alone = app->picture.result.pending && app->work.wants.count == 0;
    app->pace.fruitless = alone && frame->composed == 0 ? app->pace.fruitless + 1 : 0;
    app->pace.alone = alone ? app->pace.alone + 1 : 0;
    if (alone && app->pace.fruitless < FRUITLESS_MAX && app->pace.alone < ALONE_MAX && frame->resting)
        at = now + CUT_SHORT_NS;
    /* How far a thread has got. */
    char what[APP_MESSAGE_SIZE];
    double fraction;
    const bool writing = selection_busy(app, what, sizeof what, &fraction);
    if ((writing || (selection_adding(app))) && (!at || at > now + PROGRESS_NS)) at = now + PROGRESS_NS;
    if (at && (!app->pace.redraw_at_ns || at < app->pace.redraw_at_ns)) app->pace.redraw_at_ns = at;
}

static void note_heads(App *app) {
    if (tiles_headset_equal(&app->motion.heads_shown, &app->look.subject.heads)) return;
    app->motion.heads_before = app->motion.heads_shown;
    app->motion.heads_shown = app->look.subject.heads;
}

void app_frame_build(App *app, const FrameParams *params) {
    note_heads(app);
    gpu_frame_advance(app->machine.gpu);
    views_factors_frame(app->work.factors);
    draw_list_reset(&app->picture.list, app->machine.fonts);
    app->work.wants.count = 0;
    app->ui.hits.count = 0;
    app->picture.layout = app_layout(app, params);
    Frame frame = app_make_frame(app, params);
    if (!frame.capture) {
        memset(&app->picture.result, 0, sizeof app->picture.result);
        if (params->chrome) panel_overlays(app, &frame);
        return;
    }
    const ViewUi *ui = app_view_ui(app);
    ui->draw(app, &frame, params);
    if (!params->chrome) {
        if (!params->bare) panel_figure(app, &frame);
        return;
    }
    if (app->picture.layout.top.h > 0) panel_top(app, app->picture.layout.top);
    if (app->picture.layout.left.w > 0) panel_heads(app, &frame, app->picture.layout.left);
    if (app->picture.layout.right.w > 0) ui->panel(app, &frame, app->picture.layout.right);
    if (app->picture.layout.inspector.w > 0) panel_pins(app, &frame, app->picture.layout.inspector);
    if (app->picture.layout.bottom.h > 0) panel_scrubber(app, &frame, app->picture.layout.bottom);
    focus_draw(app);
    if (ui->over) ui->over(app, &frame);
    panel_overlays(app, &frame);
    schedule_next_look(app, &frame);
}

/* Software GL paints with the cores that the workers compute on: they pause while a frame is painted, and work between
 * frames. */
void app_workers_pause(App *app) {
    if (gpu_info(app->machine.gpu)->software) tiles_scheduler_yield(app->machine.scheduler, PAUSE_MOST_NS);
}

void app_workers_resume(App *app) {
    if (gpu_info(app->machine.gpu)->software) tiles_scheduler_yield(app->machine.scheduler, 0);
}
