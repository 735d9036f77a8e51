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
    platform_size(app->platform, &window_w, &window_h, &drawable_w, &drawable_h);
    return (FrameParams){
        .width = drawable_w, .height = drawable_h, .scale = app->ui_scale * app->density, .chrome = true};
}

static bool has_failed(const void *user, const TileKey *key) {
    return app_has_failed(user, key);
}

/* Where the CPU paints, what painting will take is not there for composing. */
static uint64_t compose_budget(const App *app) {
    const uint64_t spent = app->paint_ns + app->upload_ns;
    if (!gpu_info(app->gpu)->software) return COMPOSE_BUDGET_NS;
    return spent + COMPOSE_LEAST_NS > FRAME_GOAL_NS    ? COMPOSE_LEAST_NS
           : FRAME_GOAL_NS - spent < COMPOSE_BUDGET_NS ? FRAME_GOAL_NS - spent
                                                       : COMPOSE_BUDGET_NS;
}

void app_note_painted(App *app, uint64_t ns) {
    app->paint_ns = ns > app->paint_ns ? ns : app->paint_ns - (app->paint_ns - ns) / PAINT_SHARE;
}

Frame app_make_frame(App *app, const FrameParams *params) {
    const uint64_t now = clock_now_ns(&app->clock);
    app->wants.variant = views_variant(&app->view);
    return (Frame){
        .capture = app_capture(app),
        .serial = app->captures[0].serial,
        .reference = app->captures[1].capture,
        .reference_serial = app->captures[1].serial,
        .difference_serial = app->difference_serial,
        .gpu = app->gpu,
        .list = &app->list,
        .wants = &app->wants,
        .readouts = &app->readouts,
        .ranges = app->ranges,
        .factors = app->factors,
        .theme = views_theme(app->light),
        .scale = params->scale,
        .part = params->part,
        .base_side = app->base_side,
        .shown_layer = app->view.layer,
        .resting = params->exact_only || now - app->last_input_ns > REST_AFTER_NS,
        .flying = !params->exact_only && now - app->last_layer_ns < FLYING_NS,
        .exact_only = params->exact_only,
        .has_failed = has_failed,
        .has_failed_user = app,
        .heads_before = &app->heads_before,
        .clock = app->clock,
        .compose_deadline_ns = params->exact_only ? UINT64_MAX : now + compose_budget(app),
    };
}

/* When will another frame be better than this one, with no event to cause it? */
static void schedule_next_look(App *app, const Frame *frame) {
    const uint64_t now = clock_now_ns(&app->clock);
    uint64_t at = 0;
    /* Bounds are replaced and detail is asked for once the hand has come to rest. */
    if (frame->flying || !frame->resting) at = now + REST_AFTER_NS;
    /* Composing was cut short: nothing is under way that would wake the loop. */
    const bool alone = app->result.pending && app->wants.count == 0;
    app->fruitless = alone && frame->composed == 0 ? app->fruitless + 1 : 0;
    app->alone = alone ? app->alone + 1 : 0;
    if (alone && app->fruitless < FRUITLESS_MAX && app->alone < ALONE_MAX && frame->resting) at = now + CUT_SHORT_NS;
    /* How far a thread has got. */
    char what[APP_MESSAGE_SIZE];
    double fraction;
    const bool writing = selection_busy(app, what, sizeof what, &fraction);
    if ((writing || (selection_adding(app))) && (!at || at > now + PROGRESS_NS)) at = now + PROGRESS_NS;
    if (at && (!app->redraw_at_ns || at < app->redraw_at_ns)) app->redraw_at_ns = at;
}

static void note_heads(App *app) {
    if (tiles_headset_equal(&app->heads_shown, &app->view.heads)) return;
    app->heads_before = app->heads_shown;
    app->heads_shown = app->view.heads;
}

void app_frame_build(App *app, const FrameParams *params) {
    note_heads(app);
    gpu_frame_advance(app->gpu);
    views_factors_frame(app->factors);
    draw_list_reset(&app->list, app->fonts);
    app->wants.count = 0;
    app->hit_count = 0;
    app->layout = app_layout(app, params);
    Frame frame = app_make_frame(app, params);
    if (!frame.capture) {
        memset(&app->result, 0, sizeof app->result);
        if (params->chrome) panel_overlays(app, &frame);
        return;
    }
    const ViewUi *ui = app_view_ui(app);
    ui->draw(app, &frame, params);
    if (!params->chrome) {
        if (!params->bare) panel_figure(app, &frame);
        return;
    }
    if (app->layout.top.h > 0) panel_top(app, app->layout.top);
    if (app->layout.left.w > 0) panel_heads(app, &frame, app->layout.left);
    if (app->layout.right.w > 0) ui->panel(app, &frame, app->layout.right);
    if (app->layout.inspector.w > 0) panel_pins(app, &frame, app->layout.inspector);
    if (app->layout.bottom.h > 0) panel_scrubber(app, &frame, app->layout.bottom);
    focus_draw(app);
    if (ui->over) ui->over(app, &frame);
    panel_overlays(app, &frame);
    schedule_next_look(app, &frame);
}

/* Software GL paints with the cores that the workers compute on: they pause while a frame is painted, and work between
 * frames. */
void app_workers_pause(App *app) {
    if (gpu_info(app->gpu)->software) tiles_scheduler_yield(app->scheduler, PAUSE_MOST_NS);
}

void app_workers_resume(App *app) {
    if (gpu_info(app->gpu)->software) tiles_scheduler_yield(app->scheduler, 0);
}
