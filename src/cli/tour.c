#include "cli/tour.h"
#include "scenes/grid/grid.h"

#include <math.h>
#include <string.h>

/* Discrete moves of a whole tour: at 300 frames and 60 a second about twelve a second, as a held key repeats, and
 * three a second, as fast as somebody clicks. */
#define LAYER_MOVES 60
#define HEAD_MOVES 16
#define ZOOM_MOST 48.0      /* points a token */
#define GRID_ZOOM_MOST 96.0 /* points a cell */

static double smooth(double t) {
    return t * t * (3 - 2 * t);
}

static bool pattern_of(const TourState *state, int64_t *queries, int64_t *keys) {
    Pattern pattern;
    if (!app_pattern(state->app, &pattern)) return false;
    *queries = pattern.queries;
    *keys = pattern.keys;
    return true;
}

static void say(TourState *state, const char *line) {
    (void)commands_run(state->app, line, NULL);
}

/* ---- camera ---------------------------------------------------------------------------------- */

/* Diagonal walk at one weight a pixel, there and back. */
static void play_pan(TourState *state, double t) {
    Camera *camera = &state->app->look.matrix.camera;
    int64_t queries, keys;
    if (!pattern_of(state, &queries, &keys)) return;
    const double there = smooth(t < 0.5 ? 2 * t : 2 - 2 * t);
    camera->points_q = camera->points_k = 1.0 / (double)state->params.scale;
    camera->q = there * (double)queries;
    camera->k = there * (double)keys;
    state->app->look.matrix.fitted = false;
}

/* Overview to single weights and back, at four places. */
static void play_zoom(TourState *state, double t) {
    static const double PLACES[4][2] = {{0.31, 0.27}, {0.82, 0.78}, {0.55, 0.08}, {0.97, 0.64}};
    int64_t queries, keys;
    if (!pattern_of(state, &queries, &keys)) return;
    const int place = (int)fmin(3, floor(t * 4));
    const double local = t * 4 - place, depth = local < 0.5 ? smooth(2 * local) : smooth(2 - 2 * local);
    const float w = state->app->picture.result.plot.w / state->params.scale,
                h = state->app->picture.result.plot.h / state->params.scale;
    const Camera fit = views_camera_fit(queries, keys, fmaxf(w, 1), fmaxf(h, 1), FIT_AUTO);
    Camera *camera = &state->app->look.matrix.camera;
    camera->points_q = fit.points_q * pow(ZOOM_MOST / fit.points_q, depth);
    camera->points_k = fit.points_k * pow(ZOOM_MOST / fit.points_k, depth);
    camera->q = fit.q + (PLACES[place][0] * (double)queries - fit.q) * depth;
    camera->k = fit.k + (PLACES[place][1] * (double)keys - fit.k) * depth;
    state->app->look.matrix.fitted = false;
}

/* ---- layers and heads ------------------------------------------------------------------------ */

/* True once for each of `moves` equal parts of the tour. */
static bool next_move(TourState *state, double t, int moves) {
    const int step = (int)fmin(moves - 1, floor(t * moves)) + 1;
    if (step == state->step) return false;
    state->step = step;
    return true;
}

/* All layers up and down, again and again, in the overview. */
static void play_scrub(TourState *state, double t) {
    const App *app = state->app;
    if (!app_capture(app)) return;
    if (!app->look.matrix.fitted) scene_fit(state->app);
    if (!next_move(state, t, LAYER_MOVES)) return;
    const int layers = capture_set(app_capture(app), app->look.subject.set)->layer_count;
    if (app->look.subject.layer + 1 >= layers) state->part = 1;
    if (app->look.subject.layer == 0) state->part = 0;
    say(state, state->part ? "layer -1" : "layer +1");
}

/* Heads out of the mean and into it again, one head, all, the largest, the mean. */
static void play_heads(TourState *state, double t) {
    App *app = state->app;
    Pattern pattern;
    char line[64];
    if (!app_pattern(app, &pattern)) return;
    if (!app->look.matrix.fitted) scene_fit(app);
    if (!next_move(state, t, HEAD_MOVES)) return;
    const int first = pattern.layer->head_numbers[0],
              other = pattern.layer->head_numbers[pattern.layer->head_count / 2];
    switch (state->step % 8) {
    case 1:
        snprintf(line, sizeof line, "toggle-head %d", first);
        break;
    case 2:
        snprintf(line, sizeof line, "toggle-head %d", other);
        break;
    case 3:
        snprintf(line, sizeof line, "toggle-head %d", first);
        break;
    case 4:
        snprintf(line, sizeof line, "head %d", other);
        break;
    case 5:
        snprintf(line, sizeof line, "head +1");
        break;
    case 6:
        snprintf(line, sizeof line, "heads max");
        break;
    case 7:
        snprintf(line, sizeof line, "heads diff:%d,%d", first, other == first ? first : other);
        break;
    default:
        snprintf(line, sizeof line, "heads mean");
        break;
    }
    say(state, line);
}

/* A quarter each of the others, with a layer of its own. */
static void play_mixed(TourState *state, double t) {
    static void (*const PARTS[4])(TourState *, double) = {play_scrub, play_zoom, play_heads, play_pan};
    const int part = (int)fmin(3, floor(t * 4));
    if (t * 4 - part < 0.02) state->step = 0;
    PARTS[part](state, t * 4 - part);
}

/* ---- grid ------------------------------------------------------------------------------------ */

/* The whole grid, nearer, a walk across it and back, and out again. */
static void play_grid(TourState *state, double t) {
    App *app = state->app;
    if (!app_capture(app)) return;
    if (strcmp(app->shown.scene->name, "grid") != 0) say(state, "view grid");
    const GridLayout *layout = &grid_of(app)->layout;
    if (layout->rows == 0) return;
    const GridPlace place = {.plot = layout->plot, .scale = state->params.scale, .aspect = 1};
    GridState *grid = &grid_of(app)->state;
    Camera fit;
    views_grid_fit(&fit, layout->rows, layout->columns, &place);
    const double depth = smooth(fmin(1, 4 * fmin(t, 1 - t))), walk = smooth(f64_clamp(2 * fabs(2 * t - 1) - 0.5, 0, 1));
    grid->camera.points_q = fit.points_q * pow(fmax(1, GRID_ZOOM_MOST / fit.points_q), depth);
    grid->camera.points_k = fit.points_k * pow(fmax(1, GRID_ZOOM_MOST / fit.points_k), depth);
    grid->camera.q = walk * layout->rows;
    grid->camera.k = walk * layout->columns;
    grid->fitted = false;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const Tour TOURS[] = {
    {"pan", "a diagonal walk at one weight a pixel", play_pan},
    {"zoom", "overview to single weights and back, at four places", play_zoom},
    {"scrub", "all layers up and down, in the overview", play_scrub},
    {"heads", "heads in and out of the mean, one head, max, difference", play_heads},
    {"grid", "every layer and head: nearer, across and out again", play_grid},
    {"mixed", "a quarter each of scrub, zoom, heads and pan", play_mixed},
};

int tour_count(void) {
    return (int)BASE_COUNT(TOURS);
}

const Tour *tour_at(int index) {
    return &TOURS[index];
}

const Tour *tour_find(const char *name) {
    for (size_t i = 0; i < BASE_COUNT(TOURS); i++) {
        if (!strcmp(name, TOURS[i].name)) return &TOURS[i];
    }
    return NULL;
}

void tour_names(char *out, size_t out_size) {
    size_t length = 0;
    out[0] = 0;
    for (size_t i = 0; i < BASE_COUNT(TOURS) && length < out_size; i++) {
        length += (size_t)snprintf(out + length, out_size - length, "%s%s", i > 0 ? ", " : "", TOURS[i].name);
    }
}
