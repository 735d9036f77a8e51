/* The matrix in the window: its camera follows the plot, its crosshair the mouse; drags pan, select and move the
 * part that the mini-map shows. */
#include "app/find.h"

#include <math.h>

#define WHEEL_STEP 1.2
#define WHEEL_FINE_STEP 1.05
#define CLICK_SLOP 4.0f
#define WHEEL_PAN 48.0f /* points a notch */

#define CAPTION_H 28.0f

/* Fits into one plot; of two captures side by side, the larger pattern. */
static void fit_camera(App *app, const Frame *frame, const MatrixParams *matrix, const LayerInfo *beside) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    if (beside) {
        queries = i64_max(queries, beside->queries);
        keys = i64_max(keys, beside->keys);
    }
    const Rect plot = views_matrix_plot(frame, &app->view, matrix);
    const float width = plot.w / frame->scale, height = plot.h / frame->scale;
    if (app->view.fitted)
        app->view.camera = views_camera_fit(queries, keys, width, height, app->view.fit_mode);
    else
        views_camera_clamp(&app->view.camera, queries, keys, width, height);
}

const ViewResult *view_matrix_under_mouse(const App *app) {
    const bool beside = app->side_result.plot.w > 0 && rect_contains(app->side_result.plot, app->mouse_x, app->mouse_y);
    return beside ? &app->side_result : &app->result;
}

/* The cell under the mouse, unless it is locked. */
static void follow_mouse(App *app) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (app->view.cursor_locked || !platform_is_window(app->platform) || app->drag != DRAG_NONE) return;
    if (!app->mouse_inside || !app_pattern(app, &set, &layer, &queries, &keys)) return;
    app->view.cursor_on = views_matrix_cell(view_matrix_under_mouse(app), queries, keys, app->mouse_x, app->mouse_y,
                                            &app->view.cursor_q, &app->view.cursor_k);
}

static void draw_selection(App *app, const Frame *frame, const ViewResult *r) {
    if (!app->selection_on) return;
    const Rect box = {(float)(r->origin_x + (double)app->sel_k0 * r->cell_w),
                      (float)(r->origin_y + (double)app->sel_q0 * r->cell_h),
                      (float)((double)(app->sel_k1 - app->sel_k0) * r->cell_w),
                      (float)((double)(app->sel_q1 - app->sel_q0) * r->cell_h)};
    draw_clip(&app->list, r->plot);
    draw_rect(&app->list, box, 0, color_alpha(frame->theme->accent, 0.18f));
    draw_frame(&app->list, box, 0, fmaxf(1, roundf(1.5f * frame->scale)), frame->theme->accent);
    draw_clip_off(&app->list);
}

static void want_row(App *app, Frame *frame, const TileKey *key) {
    if (key->columns <= 0 || views_readout_find(&app->readouts, key)) return;
    TileWant *want = views_want(&app->wants, JOB_CELLS, key, frame->capture);
    if (want) want->heads = app->view.heads;
    app->result.pending = true;
}

/* The whole row under the cursor, from the source: value, profile and strongest keys all come from it. */
bool view_matrix_want_row(App *app, Frame *frame) {
    if (!app->view.cursor_on || frame->flying) return true;
    const TileKey key = views_row_key(frame, &app->view, app->view.cursor_q);
    want_row(app, frame, &key);
    if (key.variant) {
        TileKey plain = key;
        plain.variant = 0; /* as it is stored, to be named beside the variant */
        want_row(app, frame, &plain);
    }
    return key.columns <= 0 || views_readout_find(&app->readouts, &key);
}

/* ---- the reference --------------------------------------------------------------------------- */

/* Instead of a pattern that there is not. */
static void draw_absent(App *app, Frame *frame, const MatrixParams *matrix, const char *why, ViewResult *result) {
    *result = (ViewResult){.absent = true, .plot = views_matrix_plot(frame, &app->view, matrix)};
    result->cell_w = app->view.camera.points_k * frame->scale;
    result->cell_h = app->view.camera.points_q * frame->scale;
    if (matrix->bare) return;
    const float s = frame->scale;
    const TextStyle style = {.size = 12 * s};
    char cut[APP_MESSAGE_SIZE];
    draw_text_fit(app->fonts, why, style, result->plot.w - 16 * s, cut, sizeof cut);
    draw_text_in(&app->list, result->plot, cut, style, ALIGN_CENTER, frame->theme->dim);
}

/* The reference in the colours of the open capture, so that what differs is the patterns. */
static void draw_reference(App *app, Frame *frame, const MatrixParams *matrix, ViewResult *result) {
    Frame ref_frame;
    ViewState ref_state;
    Error err = {0};
    if (views_reference(frame, &app->view, &ref_frame, &ref_state, &err) != STATUS_OK) {
        draw_absent(app, frame, matrix, err.message, result);
        return;
    }
    bool known = true;
    if (app->view.range_mode != RANGE_MANUAL && !app->view.range_locked) {
        TileKey key;
        float hi = 0;
        ResolvedHeads heads;
        const SetInfo *set = capture_set(frame->capture, app->view.set);
        (void)views_base_ready(frame, &app->view, app->view.layer, true, &key);
        known = views_auto_range(frame, &app->view, app->view.layer, app->view.percentile, &hi);
        const bool is_signed = tiles_headset_resolve(&app->view.heads, set, &set->layers[app->view.layer], &heads,
                                                     NULL) == STATUS_OK &&
                               views_state_signed(set, &app->view, &heads);
        if (known) {
            app->view.lo = is_signed ? -hi : 0;
            app->view.hi = hi;
        }
    }
    ref_state.range_mode = RANGE_MANUAL;
    ref_state.lo = app->view.lo;
    ref_state.hi = app->view.hi;
    ref_frame.composed = frame->composed;
    views_matrix_draw(&ref_frame, &ref_state, matrix, result);
    views_reference_done(frame, &ref_frame);
    if (!known) result->missing = result->pending = true;
}

/* Two halves with a caption each: beside each other, or one above the other where there is more height. */
static void halves(const App *app, const Frame *frame, bool bare, Rect out[2]) {
    const Rect view = app->layout.view;
    const float top = bare ? 0 : roundf(CAPTION_H * frame->scale);
    const bool stacked = view.h > view.w;
    for (int i = 0; i < 2; i++) {
        const float w = stacked ? view.w : floorf(view.w / 2), h = stacked ? floorf(view.h / 2) : view.h;
        out[i] = (Rect){view.x + (stacked ? 0 : (float)i * w), view.y + (stacked ? (float)i * h : 0) + top, w,
                        fmaxf(1, h - top)};
    }
}

static void draw_caption(App *app, const Frame *frame, Rect half, const ViewResult *result, const char *name,
                         const char *what) {
    const float s = frame->scale;
    const TextStyle bold = {.size = 12 * s, .weight = FONT_BOLD}, plain = {.size = 12 * s};
    const float x = result->plot.x, y = half.y - 6 * s, room = half.x + half.w - x - 12 * s;
    char cut[256];
    draw_text_fit(app->fonts, name, bold, room, cut, sizeof cut);
    draw_text(&app->list, x, y, cut, bold, ALIGN_LEFT, frame->theme->text);
    const float used = draw_text_width(app->fonts, cut, bold) + 8 * s;
    if (room - used < 64 * s) return;
    draw_text_fit(app->fonts, what, plain, room - used, cut, sizeof cut);
    draw_text(&app->list, x + used, y, cut, plain, ALIGN_LEFT, frame->theme->dim);
}

/* What is true of both. */
static void merge_results(ViewResult *result, const ViewResult *other) {
    result->missing |= other->missing;
    result->coarse |= other->coarse;
    result->pending |= other->pending;
    if (result->exactness == EXACT) result->exactness = other->exactness;
    result->tiles_drawn += other->tiles_drawn;
}

static void draw_side(App *app, Frame *frame, const MatrixParams *whole) {
    Rect rects[2];
    Frame ref_frame;
    ViewState ref_state;
    halves(app, frame, whole->bare, rects);
    MatrixParams left = {.rect = rects[0], .bare = whole->bare}, right = {.rect = rects[1], .bare = whole->bare};
    const bool there = views_reference(frame, &app->view, &ref_frame, &ref_state, NULL) == STATUS_OK;
    if (there) {
        /* Only one may have tokens, which take more room; one camera needs plots of one size. */
        const Rect a = views_matrix_plot(frame, &app->view, &left),
                   b = views_matrix_plot(&ref_frame, &ref_state, &right);
        left.least_left = right.least_left = fmaxf(a.x - left.rect.x, b.x - right.rect.x);
        left.least_top = right.least_top = fmaxf(a.y - left.rect.y, b.y - right.rect.y);
    }
    fit_camera(app, frame, &left,
               there ? &capture_set(ref_frame.capture, ref_state.set)->layers[ref_state.layer] : NULL);
    views_matrix_draw(frame, &app->view, &left, &app->result);
    draw_reference(app, frame, &right, &app->side_result);
    merge_results(&app->result, &app->side_result);
    if (whole->bare) return;
    draw_caption(app, frame, rects[0], &app->result, app_capture_name(app, 0), "open");
    draw_caption(app, frame, rects[1], &app->side_result, app_capture_name(app, 1), "reference");
}

void view_matrix_draw(App *app, Frame *frame, const FrameParams *params) {
    const MatrixParams matrix = {.rect = app->layout.view, .bare = params->bare};
    Error err = {0};
    app->side_result = (ViewResult){0};
    if (app->view.compare == COMPARE_SIDE) {
        draw_side(app, frame, &matrix);
    } else {
        fit_camera(app, frame, &matrix, NULL);
        if (app->view.compare == COMPARE_REF)
            draw_reference(app, frame, &matrix, &app->result);
        else if (app->view.compare == COMPARE_DIFF && views_comparable(frame, &app->view, &err) != STATUS_OK)
            draw_absent(app, frame, &matrix, err.message, &app->result);
        else
            views_matrix_draw(frame, &app->view, &matrix, &app->result);
    }
    /* Found among the tokens of the open capture. */
    for (int axis = 0; axis < 2 && !params->bare && app->view.compare != COMPARE_REF; axis++) {
        const FindHits *hits = find_marks(app, (Axis)axis);
        views_axis_marks(frame, &app->result, (Axis)axis, hits->items, hits->count);
    }
    follow_mouse(app);
    draw_selection(app, frame, &app->result);
    if (app->side_result.plot.w > 0) draw_selection(app, frame, &app->side_result);
    if (!params->bare) app_draw_pins(app, frame, params->chrome && app->layout.right.w > 0);
    if (!params->chrome) return;
    (void)view_matrix_want_row(app, frame);
    compare_want_row(app, frame);
}

/* ---- mouse ----------------------------------------------------------------------------------- */

/* Token coordinates under the mouse, clamped to the pattern. */
static bool token_at(const App *app, float x, float y, double *q, double *k) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    const ViewResult *r = view_matrix_under_mouse(app);
    if (!app_pattern(app, &set, &layer, &queries, &keys) || r->cell_w <= 0) return false;
    *q = f64_clamp((y - r->origin_y) / r->cell_h, 0, (double)queries);
    *k = f64_clamp((x - r->origin_x) / r->cell_w, 0, (double)keys);
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
    app->sel_anchored = false;
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
    const Rect plot = view_matrix_under_mouse(app)->plot;
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
    char compared[160];
    tiles_headset_describe(&app->view.heads, layer, heads, sizeof heads);
    compare_describe(app, compared, sizeof compared);
    snprintf(out, out_size, "layer %d, %s%s%s", layer->number, heads, compared[0] ? ", " : "", compared);
}

bool view_matrix_layer_range(App *app, Frame *frame, int layer, float *hi) {
    return views_auto_range(frame, &app->view, layer, app->view.percentile, hi);
}
