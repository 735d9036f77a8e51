/* A frame of the window: layout, view, panels -> display list -> screen. */
#include "app/window.h"
#include "features/focus.h"
#include "formats/formats.h"
#include "ui/ui.h"

#include <stdlib.h>
#include <string.h>

#define FRUITLESS_MAX 20
/* Bands of every composite on screen are fewer; a budget too small for them all would go on for ever. */
#define ALONE_MAX 2000
#define CUT_SHORT_NS UINT64_C(1000000)

/* When will another frame be better than this one, with no event to cause it? */
static void schedule_next_look(App *app, const Frame *frame) {
    const uint64_t now = clock_now_ns(&app->machine.clock);
    uint64_t at = 0;
    /* Bounds are replaced and detail is asked for once the hand has come to rest. */
    if (frame->flying || !frame->resting) at = now + REST_AFTER_NS;
    /* Composing was cut short: nothing is under way that would wake the loop. */
    const bool alone = app->picture.result.pending && app->work.wants.count == 0;
    app->pace.fruitless = alone && frame->composing.tiles == 0 ? app->pace.fruitless + 1 : 0;
    app->pace.alone = alone ? app->pace.alone + 1 : 0;
    if (alone && app->pace.fruitless < FRUITLESS_MAX && app->pace.alone < ALONE_MAX && frame->resting)
        at = now + CUT_SHORT_NS;
    if (at) frame_due_at(app, at);
}

static void note_heads(App *app) {
    if (tiles_headset_equal(&app->motion.heads_shown, &app->look.subject.heads)) return;
    app->motion.heads_before = app->motion.heads_shown;
    app->motion.heads_shown = app->look.subject.heads;
}

static void no_capture(App *app) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const Rect w = app->picture.layout.window;
    char endings[FORMATS_TEXT_SIZE], text[FORMATS_TEXT_SIZE + 32];
    snprintf(text, sizeof text, "Drop a capture here: %s",
             formats_endings(app->catalog->formats, endings, sizeof endings));
    draw_text_in(pen.list, (Rect){w.x + 16 * s, w.y, w.w - 32 * s, w.h}, text, ui_style(&pen, 15), ALIGN_CENTER,
                 theme->dim);
}

/* Who is asked first lies on top. */
static void draw_parts(App *app, Frame *frame) {
    const Part *const *parts = app->catalog->parts;
    int count = 0;
    if (!frame->capture && !app->message.text[0]) no_capture(app);
    while (parts[count])
        count++;
    while (count-- > 0) {
        if (parts[count]->drawing.over) parts[count]->drawing.over(app, frame);
    }
}

static void draw_beside(App *app, Frame *frame) {
    if (app->picture.layout.beside.w <= 0) return;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        const PartDrawing *drawing = &(*part)->drawing;
        if (!drawing->wants_panel || !drawing->wants_panel(app)) continue;
        drawing->panel(app, frame, app->picture.layout.beside);
        return;
    }
}

static void draw_chrome(App *app, Frame *frame) {
    const Layout *layout = &app->picture.layout;
    const SceneDrawing *scene = &app->shown.scene->drawing;
    if (layout->top.h > 0) panel_top(app, layout->top);
    if (layout->left.w > 0) panel_heads(app, frame, layout->left);
    if (layout->right.w > 0) scene->panel(app, frame, layout->right);
    draw_beside(app, frame);
    if (layout->bottom.h > 0) panel_scrubber(app, frame, layout->bottom);
    focus_draw(app);
    if (scene->over) scene->over(app, frame);
    draw_parts(app, frame);
    schedule_next_look(app, frame);
}

void window_build(App *app, const FrameParams *params) {
    const Pen pen = ui_pen(app);
    note_heads(app);
    gpu_frame_advance(app->machine.gpu);
    views_factors_frame(app->work.factors);
    draw_list_reset(pen.list, pen.fonts);
    app->work.wants.count = 0;
    app->ui.hits.count = 0;
    app->picture.layout = ui_layout(app, params);
    Frame frame = frame_make(app, params);
    if (!frame.capture) {
        memset(&app->picture.result, 0, sizeof app->picture.result);
        if (params->chrome) draw_parts(app, &frame);
        return;
    }
    app->shown.scene->drawing.draw(app, &frame, params);
    if (params->chrome)
        draw_chrome(app, &frame);
    else if (!params->bare)
        panel_figure(app, &frame);
}

static void update_density(App *app) {
    int window_w, window_h, drawable_w, drawable_h;
    platform_size(app->machine.platform, &window_w, &window_h, &drawable_w, &drawable_h);
    app->ui.density = window_w > 0 ? (float)drawable_w / (float)window_w : 1.0f;
}

/* For tests: rewritten after each settled frame. */
static void write_state_file(App *app) {
    /* Settled: complete, or whatever is missing has failed and will not come. */
    const bool settled = !app->picture.result.pending ||
                         (app->work.visible_wants == 0 && (app->work.failed.count > 0 || app->work.no_room.count > 0));
    const char *path = getenv("ATTNSCOPE_STATE_FILE");
    if (!path || !settled || !app_capture(app)) return;
    TextBuffer text = {0};
    state_json(app, &text);
    text_append(&text, "\n");
    if (!text.failed) (void)file_write_all(path, text.text, text.length, NULL);
    text_buffer_free(&text);
}

Status window_draw(App *app, Error *err) {
    const Pen pen = ui_pen(app);
    update_density(app);
    const FrameParams params = frame_window_params(app);
    const uint64_t began = clock_now_ns(&app->machine.clock);
    app->pace.redraw = false;
    app->pace.redraw_at_ns = 0;
    work_pause(app);
    window_build(app, &params);
    const uint64_t built = clock_now_ns(&app->machine.clock);
    const Theme *theme = pen.theme;
    Status status = gpu_paint(app->machine.gpu, NULL, params.width, params.height, theme->ground, pen.list, err);
    for (const Part *const *part = app->catalog->parts; status == STATUS_OK && *part; part++) {
        if ((*part)->drawing.painted) status = (*part)->drawing.painted(app, &params, began, err);
    }
    if (status == STATUS_OK) platform_swap(app->machine.platform);
    work_resume(app);
    if (status != STATUS_OK) return status;
    frame_note_painted(app, clock_now_ns(&app->machine.clock) - built);
    app->pace.frames++;
    work_submit_wants(app, true);
    write_state_file(app);
    return STATUS_OK;
}
