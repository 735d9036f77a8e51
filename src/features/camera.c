/* The camera over the cells of one pattern. */
#include "features/camera.h"

#include <string.h>

bool camera_plot_size(const App *app, float *width, float *height, int64_t *queries, int64_t *keys) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return false;
    *queries = pattern.queries;
    *keys = pattern.keys;
    const FrameParams params = frame_window_params(app);
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : params.scale;
    *width = app->picture.result.plot.w / scale;
    *height = app->picture.result.plot.h / scale;
    return *width > 0 && *height > 0;
}

void camera_moved(App *app) {
    float w, h;
    int64_t queries, keys;
    app->look.matrix.fitted = false;
    app->pace.redraw = true;
    if (camera_plot_size(app, &w, &h, &queries, &keys))
        views_camera_clamp(&app->look.matrix.camera, queries, keys, w, h);
}

/* "A,B" */
bool camera_parse_pair(const char *args, double *a, double *b) {
    char copy[128];
    snprintf(copy, sizeof copy, "%s", args);
    char *comma = strchr(copy, ',');
    if (!comma) return false;
    *comma = 0;
    return text_parse_f64(copy[0] == '+' ? copy + 1 : copy, a) &&
           text_parse_f64(comma[1] == '+' ? comma + 2 : comma + 1, b);
}
