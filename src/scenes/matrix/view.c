/* The matrix in the window: its camera follows the plot, its crosshair the mouse; drags pan, select and move the
 * part that the mini-map shows. */
#include "features/camera.h"
#include "features/compare.h"
#include "features/crosshair.h"
#include "features/find.h"
#include "features/pins.h"
#include "features/selection.h"
#include "scenes/matrix/matrix.h"

#include <math.h>

#define WHEEL_STEP 1.2
#define WHEEL_FINE_STEP 1.05
#define CLICK_SLOP 4.0f
#define WHEEL_PAN 48.0f /* points a notch */

#define CAPTION_H 28.0f

/* Fits into one plot; of two captures side by side, the larger pattern. */
static void fit_camera(App *app, const Frame *frame, const MatrixParams *matrix, const LayerInfo *beside) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    if (beside) {
        pattern.queries = i64_max(pattern.queries, beside->queries);
        pattern.keys = i64_max(pattern.keys, beside->keys);
    }
    const Rect plot = views_matrix_plot(frame, &app->look, matrix);
    const float width = plot.w / frame->scale, height = plot.h / frame->scale;
    if (app->look.matrix.fitted)
        app->look.matrix.camera = views_camera_fit(pattern.queries, pattern.keys, width, height,
                                                   app->look.matrix.fit_mode);
    else
        views_camera_clamp(&app->look.matrix.camera, pattern.queries, pattern.keys, width, height);
}

const ViewResult *matrix_under_mouse(const App *app) {
    const bool beside = compare_of(app)->side_result.plot.w > 0 &&
                        rect_contains(compare_of(app)->side_result.plot, app->pointer.x, app->pointer.y);
    return beside ? &compare_of(app)->side_result : &app->picture.result;
}

/* The cell under the mouse, unless it is locked. */
static void follow_mouse(App *app) {
    Pattern pattern;
    if (app->look.matrix.cursor_locked || !platform_is_window(app->machine.platform) || app->pointer.drag != DRAG_NONE)
        return;
    if (!app->pointer.inside || !app_pattern(app, &pattern)) return;
    app->look.matrix.cursor_on = views_matrix_cell(scene_under_mouse(app), pattern.queries, pattern.keys,
                                                   app->pointer.x, app->pointer.y, &app->look.matrix.cursor_q,
                                                   &app->look.matrix.cursor_k);
}

static void draw_selection(App *app, const Frame *frame, const ViewResult *r) {
    if (!selection_of(app)->on) return;
    const Rect box = {(float)(r->origin_x + (double)selection_of(app)->k0 * r->cell_w),
                      (float)(r->origin_y + (double)selection_of(app)->q0 * r->cell_h),
                      (float)((double)(selection_of(app)->k1 - selection_of(app)->k0) * r->cell_w),
                      (float)((double)(selection_of(app)->q1 - selection_of(app)->q0) * r->cell_h)};
    draw_clip(frame->list, r->plot);
    draw_rect(frame->list, box, 0, color_alpha(frame->theme->accent, 0.18f));
    draw_frame(frame->list, box, 0, fmaxf(1, roundf(1.5f * frame->scale)), frame->theme->accent);
    draw_clip_off(frame->list);
}

/* ---- the reference --------------------------------------------------------------------------- */

/* Instead of a pattern that there is not. */
static void draw_absent(App *app, Frame *frame, const MatrixParams *matrix, const char *why, ViewResult *result) {
    *result = (ViewResult){.absent = true, .plot = views_matrix_plot(frame, &app->look, matrix)};
    result->cell_w = app->look.matrix.camera.points_k * frame->scale;
    result->cell_h = app->look.matrix.camera.points_q * frame->scale;
    if (matrix->bare) return;
    const float s = frame->scale;
    const TextStyle style = {.size = 12 * s};
    char cut[APP_MESSAGE_SIZE];
    draw_text_fit(app->machine.fonts, why, style, result->plot.w - 16 * s, cut, sizeof cut);
    draw_text_in(frame->list, result->plot, cut, style, ALIGN_CENTER, frame->theme->dim);
}

/* The reference in the colours of the open capture, so that what differs is the patterns. */
static void draw_reference(App *app, Frame *frame, const MatrixParams *matrix, ViewResult *result) {
    Frame ref_frame;
    Look ref_look;
    Error err = {0};
    if (views_reference(frame, &app->look, &ref_frame, &ref_look, &err) != STATUS_OK) {
        draw_absent(app, frame, matrix, err.message, result);
        return;
    }
    bool known = true;
    if (app->look.colours.range_mode != RANGE_MANUAL && !app->look.colours.range_locked) {
        TileKey key;
        float hi = 0;
        ResolvedHeads heads;
        const SetInfo *set = capture_set(frame->capture, app->look.subject.set);
        (void)views_base_ready(frame, &app->look, app->look.subject.layer, true, &key);
        known = views_auto_range(frame, &app->look, app->look.subject.layer, app->look.colours.percentile, &hi);
        const bool is_signed = tiles_headset_resolve(&app->look.subject.heads, set,
                                                     &set->layers[app->look.subject.layer], &heads,
                                                     NULL) == STATUS_OK &&
                               views_look_signed(set, &app->look, &heads);
        if (known) {
            app->look.colours.lo = is_signed ? -hi : 0;
            app->look.colours.hi = hi;
        }
    }
    ref_look.colours.range_mode = RANGE_MANUAL;
    ref_look.colours.lo = app->look.colours.lo;
    ref_look.colours.hi = app->look.colours.hi;
    ref_frame.composing.tiles = frame->composing.tiles;
    views_matrix_draw(&ref_frame, &ref_look, matrix, result);
    views_reference_done(frame, &ref_frame);
    if (!known) result->missing = result->pending = true;
}

/* Two halves with a caption each: beside each other, or one above the other where there is more height. */
static void halves(const App *app, const Frame *frame, bool bare, Rect out[2]) {
    const Rect view = app->picture.layout.view;
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
    draw_text_fit(app->machine.fonts, name, bold, room, cut, sizeof cut);
    draw_text(frame->list, x, y, cut, bold, ALIGN_LEFT, frame->theme->text);
    const float used = draw_text_width(app->machine.fonts, cut, bold) + 8 * s;
    if (room - used < 64 * s) return;
    draw_text_fit(app->machine.fonts, what, plain, room - used, cut, sizeof cut);
    draw_text(frame->list, x + used, y, cut, plain, ALIGN_LEFT, frame->theme->dim);
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
    Look ref_look;
    halves(app, frame, whole->bare, rects);
    MatrixParams left = {.rect = rects[0], .bare = whole->bare}, right = {.rect = rects[1], .bare = whole->bare};
    const bool there = views_reference(frame, &app->look, &ref_frame, &ref_look, NULL) == STATUS_OK;
    if (there) {
        /* Only one may have tokens, which take more room; one camera needs plots of one size. */
        const Rect a = views_matrix_plot(frame, &app->look, &left),
                   b = views_matrix_plot(&ref_frame, &ref_look, &right);
        left.least_left = right.least_left = fmaxf(a.x - left.rect.x, b.x - right.rect.x);
        left.least_top = right.least_top = fmaxf(a.y - left.rect.y, b.y - right.rect.y);
    }
    fit_camera(app, frame, &left,
               there ? &capture_set(ref_frame.capture, ref_look.subject.set)->layers[ref_look.subject.layer] : NULL);
    views_matrix_draw(frame, &app->look, &left, &app->picture.result);
    draw_reference(app, frame, &right, &compare_of(app)->side_result);
    merge_results(&app->picture.result, &compare_of(app)->side_result);
    if (whole->bare) return;
    draw_caption(app, frame, rects[0], &app->picture.result, app_capture_name(app, 0), "open");
    draw_caption(app, frame, rects[1], &compare_of(app)->side_result, app_capture_name(app, 1), "reference");
}

void matrix_draw(App *app, Frame *frame, const FrameParams *params) {
    const MatrixParams matrix = {.rect = app->picture.layout.view, .bare = params->bare};
    Error err = {0};
    compare_of(app)->side_result = (ViewResult){0};
    if (app->look.compare == COMPARE_SIDE) {
        draw_side(app, frame, &matrix);
    } else {
        fit_camera(app, frame, &matrix, NULL);
        if (app->look.compare == COMPARE_REF)
            draw_reference(app, frame, &matrix, &app->picture.result);
        else if (app->look.compare == COMPARE_DIFF && views_comparable(frame, &app->look, &err) != STATUS_OK)
            draw_absent(app, frame, &matrix, err.message, &app->picture.result);
        else
            views_matrix_draw(frame, &app->look, &matrix, &app->picture.result);
    }
    /* Found among the tokens of the open capture. */
    for (int axis = 0; axis < 2 && !params->bare && app->look.compare != COMPARE_REF; axis++) {
        const FindHits *hits = find_marks(app, (Axis)axis);
        views_axis_marks(frame, &app->picture.result, (Axis)axis, hits->items, hits->count);
    }
    follow_mouse(app);
    draw_selection(app, frame, &app->picture.result);
    if (compare_of(app)->side_result.plot.w > 0) draw_selection(app, frame, &compare_of(app)->side_result);
    if (!params->bare) pins_draw(app, frame, params->chrome && app->picture.layout.right.w > 0);
    if (!params->chrome) return;
    (void)crosshair_want_row(app, frame);
    compare_want_row(app, frame);
}

/* ---- mouse ----------------------------------------------------------------------------------- */

/* Token coordinates under the mouse, clamped to the pattern. */
static bool token_at(const App *app, float x, float y, double *q, double *k) {
    Pattern pattern;
    const ViewResult *r = scene_under_mouse(app);
    if (!app_pattern(app, &pattern) || r->cell_w <= 0) return false;
    *q = f64_clamp((y - r->origin_y) / r->cell_h, 0, (double)pattern.queries);
    *k = f64_clamp((x - r->origin_x) / r->cell_w, 0, (double)pattern.keys);
    return true;
}

void matrix_drag_minimap(App *app) {
    Pattern pattern;
    const Rect map = app->picture.layout.minimap;
    if (map.w <= 0 || !app_pattern(app, &pattern)) return;
    history_note(app);
    app->look.matrix.fitted = false;
    app->look.matrix.camera.k = f64_clamp((app->pointer.x - map.x) / map.w, 0, 1) * (double)pattern.keys;
    app->look.matrix.camera.q = f64_clamp((app->pointer.y - map.y) / map.h, 0, 1) * (double)pattern.queries;
    app->pace.redraw = true;
}

static void drag_select(App *app) {
    double q0, k0, q1, k1;
    if (!token_at(app, app->pointer.drag_x, app->pointer.drag_y, &q0, &k0) ||
        !token_at(app, app->pointer.x, app->pointer.y, &q1, &k1))
        return;
    selection_of(app)->on = true;
    selection_of(app)->anchored = false;
    selection_of(app)->q0 = (int64_t)floor(fmin(q0, q1));
    selection_of(app)->q1 = i64_max(selection_of(app)->q0 + 1, (int64_t)ceil(fmax(q0, q1)));
    selection_of(app)->k0 = (int64_t)floor(fmin(k0, k1));
    selection_of(app)->k1 = i64_max(selection_of(app)->k0 + 1, (int64_t)ceil(fmax(k0, k1)));
    app->pace.redraw = true;
}

static void drag_pan(App *app) {
    const float scale = app->picture.layout.scale;
    const double dx = (app->pointer.x - app->pointer.drag_x) / scale,
                 dy = (app->pointer.y - app->pointer.drag_y) / scale;
    if (app->look.matrix.fitted && fabs(dx) + fabs(dy) < CLICK_SLOP) return;
    app->look.matrix.fitted = false;
    app->look.matrix.camera.k = app->pointer.camera.k - dx / app->look.matrix.camera.points_k;
    app->look.matrix.camera.q = app->pointer.camera.q - dy / app->look.matrix.camera.points_q;
    app->pace.redraw = true;
}

void matrix_press(App *app, const InputEvent *event) {
    if (event->button == BUTTON_RIGHT) {
        selection_of(app)->on = false;
        app->pointer.drag = DRAG_SELECT;
    } else {
        history_note(app);
        app->pointer.drag = DRAG_PAN;
    }
}

void matrix_drag(App *app) {
    if (app->pointer.drag == DRAG_PAN)
        drag_pan(app);
    else
        drag_select(app);
}

void matrix_release(App *app, const InputEvent *event) {
    (void)event;
    if (app->pointer.drag == DRAG_SELECT && selection_of(app)->on)
        app_say(app, SAY_INFO, "z zooms to the selection, Ctrl+C copies it");
}

void matrix_wheel(App *app, const InputEvent *event) {
    if (event->mods & MOD_SHIFT) {
        history_note(app);
        app->look.matrix.camera.k -= event->wheel_y * WHEEL_PAN / app->look.matrix.camera.points_k;
        app->look.matrix.fitted = false;
        return;
    }
    char line[64];
    snprintf(line, sizeof line, "zoom %.9g",
             pow(event->mods & MOD_CTRL ? WHEEL_FINE_STEP : WHEEL_STEP, (double)event->wheel_y));
    commands_run_line(app, line);
}

/* ---- camera ---------------------------------------------------------------------------------- */

void matrix_pan(App *app, double down, double right) {
    history_note(app);
    app->look.matrix.camera.q += down / app->look.matrix.camera.points_q;
    app->look.matrix.camera.k += right / app->look.matrix.camera.points_k;
    camera_moved(app);
}

void matrix_zoom(App *app, double factor) {
    history_note(app);
    const Rect plot = scene_under_mouse(app)->plot;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    double x = 0, y = 0;
    if (app->pointer.inside && rect_contains(plot, app->pointer.x, app->pointer.y)) {
        x = (double)((app->pointer.x - (plot.x + plot.w / 2)) / scale);
        y = (double)((app->pointer.y - (plot.y + plot.h / 2)) / scale);
    }
    views_camera_zoom(&app->look.matrix.camera, factor, factor, x, y);
    camera_moved(app);
}

void matrix_one_to_one(App *app) {
    history_note(app);
    app->look.matrix.camera.points_q = app->look.matrix.camera.points_k =
        1.0 / (double)(app->picture.layout.scale > 0 ? app->picture.layout.scale : 1);
    camera_moved(app);
}
