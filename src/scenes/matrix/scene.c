/* What the program has to know of the matrix. */
#include "features/compare.h"
#include "scenes/matrix/matrix.h"
#include "scenes/scenes.h"

static void title(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    char heads[160];
    out[0] = 0;
    if (!app_pattern(app, &pattern)) return;
    char compared[160];
    tiles_headset_describe(&app->look.subject.heads, pattern.layer, heads, sizeof heads);
    compare_describe(app, compared, sizeof compared);
    snprintf(out, out_size, "layer %d, %s%s%s", pattern.layer->number, heads, compared[0] ? ", " : "", compared);
}

static bool layer_range(App *app, Frame *frame, int layer, float *hi) {
    return views_auto_range(frame, &app->look, layer, app->look.colours.percentile, hi);
}

static void fit(App *app) {
    app->look.matrix.fitted = true;
}

static void leave(App *app) {
    if (!app->look.matrix.cursor_locked) app->look.matrix.cursor_on = false;
}

const Scene MATRIX = {
    .name = "matrix",
    .traits = SCENE_PATTERNS | SCENE_HEADS | SCENE_CELLS | SCENE_TOKENS,
    .words = {.hint = "one pattern: row i shows where token i looks",
              .where = "for the matrix: Enter opens the focused head",
              .title = title},
    .drawing = {.draw = matrix_draw, .panel = matrix_panel, .layer_range = layer_range},
    .mouse = {.cursor = CURSOR_CROSSHAIR,
              .press = matrix_press,
              .drag = matrix_drag,
              .release = matrix_release,
              .wheel = matrix_wheel,
              .drag_minimap = matrix_drag_minimap,
              .leave = leave,
              .under = matrix_under_mouse},
    .camera = {.pan = matrix_pan, .zoom = matrix_zoom, .one_to_one = matrix_one_to_one, .fit = fit},
};
