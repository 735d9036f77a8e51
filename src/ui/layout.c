/* The regions of the window. */
#include "ui/ui.h"

#include <math.h>

#define TOP_H 40.0f
#define BOTTOM_H 56.0f
#define LEFT_W 176.0f
#define RIGHT_W 248.0f
/* Narrower than this, panels fold away by themselves. */
#define RIGHT_FOLD_W 860.0f
#define BESIDE_W 248.0f
#define BESIDE_FOLD_W 1100.0f /* it moves into the right panel */
#define LEFT_FOLD_W 640.0f
#define BOTTOM_FOLD_H 300.0f

static bool wants_panel(const App *app) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->drawing.wants_panel && (*part)->drawing.wants_panel(app)) return true;
    }
    return false;
}

Layout ui_layout(const App *app, const FrameParams *params) {
    const float s = params->scale, w = (float)params->width,
                h = fmaxf(1, (float)params->height - roundf(params->caption * s));
    Layout layout = {.scale = s, .window = {0, 0, w, h}, .view = {0, 0, w, h}};
    layout.bare = params->bare;
    if (params->bare) return layout;
    if (!params->chrome) {
        panel_figure_margins(s, &layout.view);
        return layout;
    }
    const float top = roundf(TOP_H * s);
    const float bottom = h / s < BOTTOM_FOLD_H || scene_has(app, SCENE_STRIPS) ? 0 : roundf(BOTTOM_H * s);
    const float left = !app->ui.panels || !scene_has(app, SCENE_HEADS) || w / s < LEFT_FOLD_W ? 0 : roundf(LEFT_W * s);
    const float right = !app->ui.panels || w / s < RIGHT_FOLD_W ? 0 : roundf(RIGHT_W * s);
    layout.top = (Rect){0, 0, w, top};
    layout.bottom = (Rect){0, h - bottom, w, bottom};
    layout.left = (Rect){0, top, left, h - top - bottom};
    layout.right = (Rect){w - right, top, right, h - top - bottom};
    const bool beside = right > 0 && w / s >= BESIDE_FOLD_W && wants_panel(app);
    layout.beside = (Rect){w - right, top, 0, h - top - bottom};
    if (beside) {
        layout.beside.w = roundf(BESIDE_W * s);
        layout.beside.x -= layout.beside.w;
    }
    layout.view = (Rect){left, top, fmaxf(1, layout.beside.x - left), fmaxf(1, h - top - bottom)};
    return layout;
}
