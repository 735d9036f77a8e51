/* Geometry of the grid: layers downward, heads to the right, every cell in a pitch that includes the gap beside it.
 *
 * Pitches are whole pixels, or cells of one row would differ by a pixel; the camera itself stays continuous, so that
 * small turns of a wheel add up. A head number has one column wherever it occurs: rows of ragged layers have holes. */
#include "views/heads.h"

#include <math.h>

#define MIN_POINTS 4.0 /* smallest pitch, unless one screen has room for no more */
#define MAX_POINTS 1024.0

/* What separates cells must not crowd out what they show: { from this pitch on, this gap }, in points. */
static const struct { float pitch, gap; } GAPS[] = {{128, 8}, {48, 4}, {20, 2}, {6, 1}, {0, 0}};

static float gap_for(double pitch, float scale) {
    size_t i = 0;
    while (pitch < (double)(GAPS[i].pitch * scale))
        i++;
    return roundf(GAPS[i].gap * scale);
}

/* Height and width of a fitted pitch in pixels. */
static void fit_pitch(int rows, int columns, double aspect, const GridPlace *place, double *pitch_h, double *pitch_w) {
    const double room_h = (double)place->plot.h / rows, room_w = (double)place->plot.w / columns;
    if (place->stretch) {
        *pitch_h = room_h;
        *pitch_w = room_w;
        return;
    }
    const double least = MIN_POINTS * (double)place->scale;
    const double h = fmin(fmin(room_h, room_w / aspect), MAX_POINTS * (double)place->scale);
    *pitch_h = fmax(floor(h), least);
    *pitch_w = fmax(floor(h * aspect), least);
}

void views_grid_fit(Camera *camera, int rows, int columns, const GridPlace *place) {
    double pitch_h, pitch_w;
    fit_pitch(rows, columns, place->aspect, place, &pitch_h, &pitch_w);
    *camera = (Camera){.q = rows / 2.0,
                       .k = columns / 2.0,
                       .points_q = pitch_h / (double)place->scale,
                       .points_k = pitch_w / (double)place->scale};
}

static double drawn_pitch(double points, const GridPlace *place) {
    const double pixels = points * (double)place->scale;
    return place->stretch ? pixels : fmax(1, round(pixels));
}

/* Smaller than the plot: anywhere wholly inside, so that a zoom keeps its cell under the cursor. Larger: no ground
 * beyond the outermost cells. */
static double clamp_centre(double centre, double count, double visible) {
    return f64_clamp(centre, fmin(visible / 2, count - visible / 2), fmax(visible / 2, count - visible / 2));
}

void views_grid_clamp(Camera *camera, int rows, int columns, const GridPlace *place) {
    double fit_h, fit_w;
    fit_pitch(rows, columns, place->aspect, place, &fit_h, &fit_w);
    const double scale = (double)place->scale, aspect = fit_w / fit_h;
    double most = fmin(MAX_POINTS * scale, fmin((double)place->plot.h, (double)place->plot.w / aspect));
    if (place->most > 0) most = fmin(most, place->most);
    most = fmax(most, fit_h);
    camera->points_q = f64_clamp(camera->points_q, fit_h / scale, most / scale);
    camera->points_k = camera->points_q * aspect;
    camera->q = clamp_centre(camera->q, rows, (double)place->plot.h / drawn_pitch(camera->points_q, place));
    camera->k = clamp_centre(camera->k, columns, (double)place->plot.w / drawn_pitch(camera->points_k, place));
}

void views_grid_zoom(Camera *camera, double factor, const GridPlace *place, double x, double y) {
    const double dx = x - (double)(place->plot.x + place->plot.w / 2),
                 dy = y - (double)(place->plot.y + place->plot.h / 2);
    const double column = camera->k + dx / drawn_pitch(camera->points_k, place);
    const double row = camera->q + dy / drawn_pitch(camera->points_q, place);
    camera->points_q *= factor;
    camera->points_k *= factor;
    camera->k = column - dx / drawn_pitch(camera->points_k, place);
    camera->q = row - dy / drawn_pitch(camera->points_q, place);
}

GridLayout views_grid_layout(const Camera *camera, int rows, int columns, const GridPlace *place) {
    GridLayout layout = {.plot = place->plot, .rows = rows, .columns = columns};
    layout.pitch_w = drawn_pitch(camera->points_k, place);
    layout.pitch_h = drawn_pitch(camera->points_q, place);
    layout.gap = gap_for(fmin(layout.pitch_w, layout.pitch_h), place->scale);
    layout.origin_x = round((double)(place->plot.x + place->plot.w / 2) - camera->k * layout.pitch_w);
    layout.origin_y = round((double)(place->plot.y + place->plot.h / 2) - camera->q * layout.pitch_h);
    const double left = ((double)place->plot.x - layout.origin_x) / layout.pitch_w;
    const double top = ((double)place->plot.y - layout.origin_y) / layout.pitch_h;
    const double right = left + (double)place->plot.w / layout.pitch_w,
                 bottom = top + (double)place->plot.h / layout.pitch_h;
    layout.column0 = (int)f64_clamp(floor(left), 0, columns);
    layout.column1 = (int)f64_clamp(ceil(right), 0, columns);
    layout.row0 = (int)f64_clamp(floor(top), 0, rows);
    layout.row1 = (int)f64_clamp(ceil(bottom), 0, rows);
    return layout;
}

Rect views_grid_cell(const GridLayout *layout, int row, int column) {
    const double x0 = round(layout->origin_x + column * layout->pitch_w),
                 y0 = round(layout->origin_y + row * layout->pitch_h);
    const double x1 = round(layout->origin_x + (column + 1) * layout->pitch_w);
    const double y1 = round(layout->origin_y + (row + 1) * layout->pitch_h);
    return (Rect){(float)x0, (float)y0, fmaxf(1, (float)(x1 - x0) - layout->gap),
                  fmaxf(1, (float)(y1 - y0) - layout->gap)};
}

bool views_grid_hit(const GridLayout *layout, float x, float y, int *row, int *column) {
    if (!rect_contains(layout->plot, x, y) || layout->pitch_w <= 0 || layout->pitch_h <= 0) return false;
    const double r = floor(((double)y - layout->origin_y) / layout->pitch_h);
    const double c = floor(((double)x - layout->origin_x) / layout->pitch_w);
    if (r < 0 || c < 0 || r >= layout->rows || c >= layout->columns) return false;
    *row = (int)r;
    *column = (int)c;
    return true;
}

void views_grid_reveal(Camera *camera, int rows, int columns, const GridPlace *place, int row, int column) {
    const double half_h = (double)place->plot.h / drawn_pitch(camera->points_q, place) / 2;
    const double half_w = (double)place->plot.w / drawn_pitch(camera->points_k, place) / 2;
    if (2 * half_h >= 1) camera->q = f64_clamp(camera->q, row + 1 - half_h, row + half_h);
    if (2 * half_w >= 1) camera->k = f64_clamp(camera->k, column + 1 - half_w, column + half_w);
    views_grid_clamp(camera, rows, columns, place);
}

int views_grid_mip(int width, int height, float pixels_w, float pixels_h, int mip_count) {
    int mip = 0;
    while (mip + 1 < mip_count &&
           ((float)tiles_mip_side(width, mip) > pixels_w || (float)tiles_mip_side(height, mip) > pixels_h))
        mip++;
    return mip;
}

int views_grid_label_step(double pitch, float room) {
    static const int ROUND[] = {1, 2, 5};
    int step = 1;
    for (int decade = 1; decade <= 10000000; decade *= 10) {
        for (size_t i = 0; i < BASE_COUNT(ROUND); i++) {
            step = decade * ROUND[i];
            if (step * pitch >= (double)room) return step;
        }
    }
    return step;
}
