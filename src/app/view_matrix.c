/* The matrix in the window: its camera follows the plot, its crosshair the mouse; drags pan, select and move the
 * part that the mini-map shows. */
#include "app/find.h"

#include <math.h>

#define WHEEL_STEP 1.2
#define WHEEL_FINE_STEP 1.05
#define CLICK_SLOP 4.0f
#define WHEEL_PAN 48.0f /* points a notch */

static void fit_camera(App *app, const Frame *frame, const MatrixParams *matrix) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    const Rect plot = views_matrix_plot(frame, &app->view, matrix);
    const float width = plot.w / frame->scale, height = plot.h / frame->scale;
    if (app->view.fitted)
        app->view.camera = views_camera_fit(queries, keys, width, height, app->view.fit_mode);
    else
        views_camera_clamp(&app->view.camera, queries, keys, width, height);
}

/* The cell under the mouse, unless it is locked. */
static void follow_mouse(App *app) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (app->view.cursor_locked || !platform_is_window(app->platform) || app->drag != DRAG_NONE) return;
    if (!app->mouse_inside || !app_pattern(app, &set, &layer, &queries, &keys)) return;
    app->view.cursor_on = views_matrix_cell(&app->result, queries, keys, app->mouse_x, app->mouse_y,
                                            &app->view.cursor_q, &app->view.cursor_k);
}

static void draw_selection(App *app, const Frame *frame) {
    if (!app->selection_on) return;
    const ViewResult *r = &app->result;
    const Rect box = {(float)(r->origin_x + (double)app->sel_k0 * r->cell_w),
                      (float)(r->origin_y + (double)app->sel_q0 * r->cell_h),
                      (float)((double)(app->sel_k1 - app->sel_k0) * r->cell_w),
                      (float)((double)(app->sel_q1 - app->sel_q0) * r->cell_h)};
    draw_clip(&app->list, r->plot);
    draw_rect(&app->list, box, 0, color_alpha(frame->theme->accent, 0.18f));
    draw_frame(&app->list, box, 0, fmaxf(1, roundf(1.5f * frame->scale)), frame->theme->accent);
    draw_clip_off(&app->list);
}

/* The whole row under the cursor, from the source: value, profile and strongest keys all come from it. */
static void want_cursor_row(App *app, Frame *frame) {
    if (!app->view.cursor_on || frame->flying) return;
    const TileKey key = views_row_key(frame, &app->view, app->view.cursor_q);
    if (key.columns <= 0 || views_readout_find(&app->readouts, &key)) return;
    TileWant *want = views_want(&app->wants, JOB_CELLS, &key, frame->capture);
    if (want) want->heads = app->view.heads;
    app->result.pending = true;
}

void view_matrix_draw(App *app, Frame *frame, const FrameParams *params) {
    const MatrixParams matrix = {.rect = app->layout.view, .bare = params->bare};
    fit_camera(app, frame, &matrix);
    views_matrix_draw(frame, &app->view, &matrix, &app->result);
    for (int axis = 0; axis < 2 && !params->bare; axis++) {
        const FindHits *hits = find_marks(app, (Axis)axis);
        views_axis_marks(frame, &app->result, (Axis)axis, hits->items, hits->count);
    }
    follow_mouse(app);
    draw_selection(app, frame);
    if (params->chrome) want_cursor_row(app, frame);
}

/* ---- mouse ----------------------------------------------------------------------------------- */

/* Token coordinates under the mouse, clamped to the pattern. */
static bool token_at(const App *app, float x, float y, double *q, double *k) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys) || app->result.cell_w <= 0) return false;
    *q = f64_clamp((y - app->result.origin_y) / app->result.cell_h, 0, (double)queries);
    *k = f64_clamp((x - app->result.origin_x) / app->result.cell_w, 0, (double)keys);
    return true;
}

void view_matrix_drag_minimap(App *app) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    const Rect map = app->layout.minimap;
    if (map.w <= 0 || !app_pattern(app, &set, &layer, &queries, &keys)) return;
    app_remember_camera(app);
    app->view.fitted = false;
    app->view.camera.k = f64_clamp((app->mouse_x - map.x) / map.w, 0, 1) * (double)keys;
    app->view.camera.q = f64_clamp((app->mouse_y - map.y) / map.h, 0, 1) * (double)queries;
    app->redraw = true;
}

static void drag_select(App *app) {
    double q0, k0, q1, k1;
    if (!token_at(app, app->drag_x, app->drag_y, &q0, &k0) || !token_at(app, app->mouse_x, app->mouse_y, &q1, &k1))
        return;
    app->selection_on = true;
    app->sel_q0 = (int64_t)floor(fmin(q0, q1));
    app->sel_q1 = i64_max(app->sel_q0 + 1, (int64_t)ceil(fmax(q0, q1)));
    app->sel_k0 = (int64_t)floor(fmin(k0, k1));
    app->sel_k1 = i64_max(app->sel_k0 + 1, (int64_t)ceil(fmax(k0, k1)));
    app->redraw = true;
}

static void drag_pan(App *app) {
    const float scale = app->layout.scale;
    const double dx = (app->mouse_x - app->drag_x) / scale, dy = (app->mouse_y - app->drag_y) / scale;
    if (app->view.fitted && fabs(dx) + fabs(dy) < CLICK_SLOP) return;
    app->view.fitted = false;
    app->view.camera.k = app->drag_camera.k - dx / app->view.camera.points_k;
    app->view.camera.q = app->drag_camera.q - dy / app->view.camera.points_q;
    app->redraw = true;
}

void view_matrix_press(App *app, const InputEvent *event) {
    if (event->button == BUTTON_RIGHT) {
        app->selection_on = false;
        app->drag = DRAG_SELECT;
    } else {
        app_remember_camera(app);
        app->drag = DRAG_PAN;
    }
}

void view_matrix_drag(App *app) {
    if (app->drag == DRAG_PAN)
        drag_pan(app);
    else
        drag_select(app);
}

void view_matrix_release(App *app, const InputEvent *event) {
    (void)event;
    if (app->drag == DRAG_SELECT && app->selection_on)
        app_say(app, SAY_INFO, "z zooms to the selection, Ctrl+C copies it");
}

void view_matrix_wheel(App *app, const InputEvent *event) {
    if (event->mods & MOD_SHIFT) {
        app_remember_camera(app);
        app->view.camera.k -= event->wheel_y * WHEEL_PAN / app->view.camera.points_k;
        app->view.fitted = false;
        return;
    }
    char line[64];
    snprintf(line, sizeof line, "zoom %.9g",
             pow(event->mods & MOD_CTRL ? WHEEL_FINE_STEP : WHEEL_STEP, (double)event->wheel_y));
    app_run_line(app, line);
}

/* ---- camera ---------------------------------------------------------------------------------- */

void view_matrix_pan(App *app, double down, double right) {
    app_remember_camera(app);
    app->view.camera.q += down / app->view.camera.points_q;
    app->view.camera.k += right / app->view.camera.points_k;
    app_camera_moved(app);
}

void view_matrix_zoom(App *app, double factor) {
    app_remember_camera(app);
    const Rect plot = app->result.plot;
    const float scale = app->layout.scale > 0 ? app->layout.scale : 1;
    double x = 0, y = 0;
    if (app->mouse_inside && rect_contains(plot, app->mouse_x, app->mouse_y)) {
        x = (double)((app->mouse_x - (plot.x + plot.w / 2)) / scale);
        y = (double)((app->mouse_y - (plot.y + plot.h / 2)) / scale);
    }
    views_camera_zoom(&app->view.camera, factor, factor, x, y);
    app_camera_moved(app);
}

void view_matrix_one_to_one(App *app) {
    app_remember_camera(app);
    app->view.camera.points_q = app->view.camera.points_k = 1.0 /
                                                            (double)(app->layout.scale > 0 ? app->layout.scale : 1);
    app_camera_moved(app);
}

/* ---- what else depends on the view ----------------------------------------------------------- */

void view_matrix_title(const App *app, char *out, size_t out_size) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    char heads[160];
    out[0] = 0;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    tiles_headset_describe(&app->view.heads, layer, heads, sizeof heads);
    snprintf(out, out_size, "layer %d, %s", layer->number, heads);
}

bool view_matrix_layer_range(App *app, Frame *frame, int layer, float *hi) {
    return views_auto_range(frame, &app->view, layer, app->view.percentile, hi);
}
