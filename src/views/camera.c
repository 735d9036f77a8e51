/* The camera: a centre in token coordinates and a scale for each axis, all in f64, so that a million-token pattern
 * zooms from the whole map to one weight without jitter (2^20 tokens at 128 points each need 27 bits). */
#include "views/look.h"

#include <math.h>

/* Smallest scale: the pattern at half its fitted size. */
#define MIN_FIT_FRACTION 0.5

Camera views_camera_fit(int64_t queries, int64_t keys, float width, float height, FitMode mode) {
    const double q = (double)i64_max(queries, 1), k = (double)i64_max(keys, 1);
    Camera camera = {.q = q / 2, .k = k / 2};
    const double fit_q = fmax(height, 1.0f) / q, fit_k = fmax(width, 1.0f) / k;
    const double aspect = q > k ? q / k : k / q;
    if (mode == FIT_SQUARE || (mode == FIT_AUTO && aspect <= CAMERA_SQUARE_ASPECT)) {
        camera.points_q = camera.points_k = fmin(fmin(fit_q, fit_k), CAMERA_MAX_POINTS);
    } else {
        camera.points_q = fmin(fit_q, CAMERA_MAX_POINTS);
        camera.points_k = fmin(fit_k, CAMERA_MAX_POINTS);
    }
    return camera;
}

Camera views_camera_rect(double q0, double q1, double k0, double k1, float width, float height) {
    return (Camera){
        .q = (q0 + q1) / 2,
        .k = (k0 + k1) / 2,
        .points_q = fmin(fmax(height, 1.0f) / fmax(q1 - q0, 1e-9), CAMERA_MAX_POINTS),
        .points_k = fmin(fmax(width, 1.0f) / fmax(k1 - k0, 1e-9), CAMERA_MAX_POINTS),
    };
}

void views_camera_zoom(Camera *camera, double factor_q, double factor_k, double x, double y) {
    const double token_q = camera->q + y / camera->points_q, token_k = camera->k + x / camera->points_k;
    camera->points_q *= factor_q;
    camera->points_k *= factor_k;
    camera->q = token_q - y / camera->points_q;
    camera->k = token_k - x / camera->points_k;
}

static double clamp_centre(double centre, double tokens, double visible) {
    /* A pattern smaller than the plot stays wholly in it, anywhere, so that a zoom keeps its token under the cursor. A
     * larger one may be moved until its edge meets the middle of the plot, so that corners can be looked at. */
    if (tokens <= visible) return f64_clamp(centre, tokens - visible / 2, visible / 2);
    return f64_clamp(centre, 0, tokens);
}

void views_camera_clamp(Camera *camera, int64_t queries, int64_t keys, float width, float height) {
    const double q = (double)i64_max(queries, 1), k = (double)i64_max(keys, 1);
    const double min_q = fmin(MIN_FIT_FRACTION * fmax(height, 1.0f) / q, CAMERA_MAX_POINTS);
    const double min_k = fmin(MIN_FIT_FRACTION * fmax(width, 1.0f) / k, CAMERA_MAX_POINTS);
    const double ratio = camera->points_q / camera->points_k;
    double scale_k = camera->points_k;
    /* Both axes are held back together, so that square cells stay square at the limits. */
    const double low = fmin(min_k, min_q / ratio);
    const double high = fmin(CAMERA_MAX_POINTS, CAMERA_MAX_POINTS / ratio);
    scale_k = f64_clamp(scale_k, fmin(low, high), high);
    camera->points_k = scale_k;
    camera->points_q = scale_k * ratio;
    camera->q = clamp_centre(camera->q, q, height / camera->points_q);
    camera->k = clamp_centre(camera->k, k, width / camera->points_k);
}

void views_camera_visible(const Camera *camera, float width, float height, double *q0, double *q1, double *k0,
                          double *k1) {
    const double half_q = height / camera->points_q / 2, half_k = width / camera->points_k / 2;
    *q0 = camera->q - half_q;
    *q1 = camera->q + half_q;
    *k0 = camera->k - half_k;
    *k1 = camera->k + half_k;
}
