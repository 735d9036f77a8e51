/* The grid in the window: a focus that keys move, a selection that becomes a head set, and the mouse.
 *
 * Looking around in the grid changes neither layer nor head set of the matrix; opening a head does. */
#include "features/help.h"
#include "scenes/grid/grid.h"

#include <math.h>
#include <string.h>

#define WHEEL_STEP 1.2
#define WHEEL_FINE_STEP 1.05
#define WHEEL_PAN 48.0f /* points a notch */
#define CLICK_SLOP 4.0f /* points the hand may shake within a click */

const StateKey GRID_STATE = {.size = sizeof(GridScene), .kept = offsetof(GridScene, grid)};

GridScene *grid_of(const App *app) {
    return app_state(app, &GRID_STATE);
}

static const SetInfo *current_set(const App *app) {
    const Capture *capture = app_capture(app);
    return capture && app->look.subject.set < capture_set_count(capture) ? capture_set(capture, app->look.subject.set)
                                                                         : NULL;
}

/* Rows, columns and place of the last frame; false before there was one. */
static bool grid_place(App *app, int *rows, int *columns, GridPlace *place) {
    const SetInfo *set = current_set(app);
    if (!set || app->picture.layout.view.w <= 0) return false;
    const FrameParams params = {.scale = app->picture.layout.scale};
    const Frame frame = frame_make(app, &params);
    if (!views_grid_follow(grid_of(app)->grid, &frame, &app->look)) return false;
    const GridParams grid = {.rect = app->picture.layout.view, .bare = app->picture.layout.bare};
    *rows = set->layer_count;
    *columns = views_grid_columns(grid_of(app)->grid);
    *place = views_grid_place(&frame, &app->look, &grid);
    return true;
}

static void moved(App *app) {
    int rows, columns;
    GridPlace place;
    grid_of(app)->state.fitted = false;
    app->pace.redraw = true;
    if (grid_place(app, &rows, &columns, &place)) views_grid_clamp(&grid_of(app)->state.camera, rows, columns, &place);
}

static void reveal_focus(App *app) {
    int rows, columns;
    GridPlace place;
    GridState *grid = &grid_of(app)->state;
    app->pace.redraw = true;
    if (grid->fitted || !grid_place(app, &rows, &columns, &place)) return;
    views_grid_reveal(&grid->camera, rows, columns, &place, grid->focus.layer,
                      views_grid_column(grid_of(app)->grid, grid->focus.head));
}

/* ---- focus and selection --------------------------------------------------------------------- */

static bool same_head(GridHead a, GridHead b) {
    return a.layer == b.layer && a.head == b.head;
}

static int selected_at(const GridState *grid, GridHead head) {
    for (int i = 0; i < grid->selected_count; i++) {
        if (same_head(grid->selected[i], head)) return i;
    }
    return -1;
}

static void add_selected(App *app, GridHead head) {
    GridState *grid = &grid_of(app)->state;
    if (selected_at(grid, head) >= 0) return;
    if (grid->selected_count == GRID_SELECTED_MAX) {
        app_say(app, SAY_INFO, "%d heads are as many as a selection holds", GRID_SELECTED_MAX);
        return;
    }
    grid->selected[grid->selected_count++] = head;
}

void grid_toggle_selected(App *app, GridHead head) {
    GridState *grid = &grid_of(app)->state;
    const int at = selected_at(grid, head);
    if (at < 0) {
        add_selected(app, head);
        return;
    }
    grid->selected_count--;
    memmove(&grid->selected[at], &grid->selected[at + 1],
            (size_t)(grid->selected_count - at) * sizeof grid->selected[0]);
}

/* All heads of the rectangle between two. */
static void select_between(App *app, GridHead a, GridHead b) {
    GridState *grid = &grid_of(app)->state;
    const SetInfo *set = current_set(app);
    const int ca = views_grid_column(grid_of(app)->grid, a.head), cb = views_grid_column(grid_of(app)->grid, b.head);
    grid->selected_count = 0;
    for (int layer = (int)i64_min(a.layer, b.layer); layer <= (int)i64_max(a.layer, b.layer); layer++) {
        for (int column = (int)i64_min(ca, cb); column <= (int)i64_max(ca, cb); column++) {
            GridHead head;
            if (views_grid_head_at(grid_of(app)->grid, set, layer, column, &head)) add_selected(app, head);
            if (grid->selected_count == GRID_SELECTED_MAX) return;
        }
    }
}

/* The heads of the matrix's head set, where it names several. */
static void select_head_set(App *app) {
    const HeadSet *heads = &app->look.subject.heads;
    grid_of(app)->state.selected_count = 0;
    for (int i = 0; i < heads->count && heads->count > 1; i++)
        add_selected(app, (GridHead){app->look.subject.layer, heads->heads[i]});
}

void grid_enter(App *app) {
    GridState *grid = &grid_of(app)->state;
    const SetInfo *set = current_set(app);
    if (!set) return;
    const LayerInfo *layer = &set->layers[app->look.subject.layer];
    int head = layer->head_numbers[0];
    if (app->motion.memory.last >= 0 && capture_head_index(layer, app->motion.memory.last) >= 0)
        head = app->motion.memory.last;
    if (app->look.subject.heads.count > 0) head = app->look.subject.heads.heads[0];
    grid->focus = (GridHead){app->look.subject.layer, head};
    grid->hover_on = false;
    select_head_set(app);
    reveal_focus(app);
}

void grid_changed(App *app) {
    GridState *grid = &grid_of(app)->state;
    const SetInfo *set = current_set(app);
    if (!set) return;
    const bool lost = grid->focus.layer >= set->layer_count ||
                      capture_head_index(&set->layers[grid->focus.layer], grid->focus.head) < 0;
    if (lost) grid->focus = (GridHead){0, set->layers[0].head_numbers[0]};
    grid->hover_on = false;
    int kept = 0;
    for (int i = 0; i < grid->selected_count; i++) {
        const GridHead head = grid->selected[i];
        if (head.layer < set->layer_count && capture_head_index(&set->layers[head.layer], head.head) >= 0)
            grid->selected[kept++] = head;
    }
    grid->selected_count = kept;
}

void grid_focus_layer(App *app, int layer) {
    const SetInfo *set = current_set(app);
    int rows, columns;
    GridPlace place;
    if (!set || !grid_place(app, &rows, &columns, &place)) return;
    GridState *grid = &grid_of(app)->state;
    const int column = (int)i64_max(0, views_grid_column(grid_of(app)->grid, grid->focus.head));
    grid->focus = (GridHead){layer, views_grid_nearest_head(grid_of(app)->grid, set, layer, column)};
    reveal_focus(app);
}

void grid_focus_head(App *app, int head) {
    grid_of(app)->state.focus.head = head;
    reveal_focus(app);
}

/* ---- opening --------------------------------------------------------------------------------- */

HeadSet grid_heads(const App *app) {
    const GridState *grid = &grid_of(app)->state;
    HeadSet heads = {.op = HEADS_MEAN};
    for (int i = 0; i < grid->selected_count; i++) {
        if (grid->selected[i].layer == grid->focus.layer) heads.heads[heads.count++] = grid->selected[i].head;
    }
    if (heads.count == 0 || selected_at(grid, grid->focus) < 0) {
        heads.count = 1;
        heads.heads[0] = grid->focus.head;
    }
    return heads;
}

void grid_open(App *app) {
    const HeadSet heads = grid_heads(app);
    if (heads.count > 1 && grid_of(app)->state.selected_count > heads.count) {
        app_say(app, SAY_INFO, "a head set belongs to one layer: heads of other layers are left out");
    }
    app->look.subject.layer = grid_of(app)->state.focus.layer;
    app->look.subject.heads = heads;
    if (heads.count == 1) app->motion.memory.last = heads.heads[0];
    const Scene *here = app->shown.scene;
    scene_show(app, app->catalog->scenes[0]);
    app->shown.came_from = here;
    look_changed_follow(app);
}

bool grid_escape(App *app) {
    GridState *grid = &grid_of(app)->state;
    if (grid->selected_count > 1) {
        grid->selected_count = 0;
        return true;
    }
    app->shown.came_from = NULL;
    scene_show(app, app->catalog->scenes[0]);
    return true;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void follow_mouse(App *app) {
    GridState *grid = &grid_of(app)->state;
    int row, column;
    grid->hover_on = false;
    if (!platform_is_window(app->machine.platform) || !app->pointer.inside || app->pointer.drag != DRAG_NONE ||
        help_of(app)->on)
        return;
    if (!views_grid_hit(&grid_of(app)->layout, app->pointer.x, app->pointer.y, &row, &column)) return;
    grid->hover_on = views_grid_head_at(grid_of(app)->grid, current_set(app), row, column, &grid->hover);
}

void grid_draw(App *app, Frame *frame, const FrameParams *params) {
    const GridParams grid = {.rect = app->picture.layout.view, .bare = params->bare, .rings = params->chrome};
    app->picture.result = (ViewResult){.missing = true};
    if (!views_grid_arrange(frame, grid_of(app)->grid, &app->look, &grid, &grid_of(app)->layout)) return;
    follow_mouse(app);
    views_grid_draw(frame, grid_of(app)->grid, &app->look, &grid, &grid_of(app)->layout, &app->picture.result);
}

bool grid_idle(App *app, Frame *frame) {
    return views_grid_idle(frame, grid_of(app)->grid, &app->look);
}

void grid_title(const App *app, char *out, size_t out_size) {
    const SetInfo *set = current_set(app);
    const int heads = set->max_heads;
    snprintf(out, out_size, "%d layer%s \xC3\x97 %d head%s", set->layer_count, set->layer_count == 1 ? "" : "s", heads,
             heads == 1 ? "" : "s");
}

bool grid_layer_range(App *app, Frame *frame, int layer, float *hi) {
    (void)frame;
    return views_grid_layer_range(grid_of(app)->grid, current_set(app), layer, hi);
}

/* ---- mouse ----------------------------------------------------------------------------------- */

static bool head_under_mouse(const App *app, GridHead *head) {
    int row, column;
    return views_grid_hit(&grid_of(app)->layout, app->pointer.x, app->pointer.y, &row, &column) &&
           views_grid_head_at(grid_of(app)->grid, current_set(app), row, column, head);
}

static void click(App *app, int mods) {
    GridState *grid = &grid_of(app)->state;
    GridHead head;
    if (!head_under_mouse(app, &head)) {
        if (!(mods & (MOD_CTRL | MOD_SHIFT))) grid->selected_count = 0;
        return;
    }
    if (mods & MOD_SHIFT) {
        select_between(app, grid->focus, head); /* the focus stays: it is where the rectangle begins */
        return;
    }
    if (mods & MOD_CTRL) {
        /* A focus that was clicked or moved to before counts as chosen. */
        if (grid->selected_count == 0) add_selected(app, grid->focus);
        grid_toggle_selected(app, head);
    } else {
        grid->selected_count = 0;
        add_selected(app, head);
    }
    grid->focus = head;
}

void grid_press(App *app, const InputEvent *event) {
    GridHead head;
    if (event->button == BUTTON_LEFT && event->clicks == 2 && !event->mods && head_under_mouse(app, &head)) {
        grid_of(app)->state.focus = head;
        grid_of(app)->state.selected_count = 0;
        grid_open(app);
        return;
    }
    app->pointer.drag = DRAG_PAN;
    app->pointer.moved = false;
    app->pointer.camera = grid_of(app)->state.camera;
}

void grid_drag(App *app) {
    GridState *grid = &grid_of(app)->state;
    const float dx = app->pointer.x - app->pointer.drag_x, dy = app->pointer.y - app->pointer.drag_y;
    if (!app->pointer.moved && fabsf(dx) + fabsf(dy) < CLICK_SLOP * app->picture.layout.scale) return;
    app->pointer.moved = true;
    if (grid_of(app)->layout.pitch_w <= 0) return;
    grid->camera.k = app->pointer.camera.k - (double)dx / grid_of(app)->layout.pitch_w;
    grid->camera.q = app->pointer.camera.q - (double)dy / grid_of(app)->layout.pitch_h;
    moved(app);
}

void grid_release(App *app, const InputEvent *event) {
    if (!app->pointer.moved && event->button == BUTTON_LEFT) click(app, event->mods);
}

void grid_wheel(App *app, const InputEvent *event) {
    if (event->mods & MOD_SHIFT) {
        grid_pan(app, 0, -(double)(event->wheel_y * WHEEL_PAN));
        return;
    }
    char line[64];
    snprintf(line, sizeof line, "zoom %.9g",
             pow(event->mods & MOD_CTRL ? WHEEL_FINE_STEP : WHEEL_STEP, (double)event->wheel_y));
    commands_run_line(app, line);
}

/* ---- camera ---------------------------------------------------------------------------------- */

void grid_pan(App *app, double down, double right) {
    Camera *camera = &grid_of(app)->state.camera;
    if (camera->points_q <= 0 || camera->points_k <= 0) return;
    camera->q += down / camera->points_q;
    camera->k += right / camera->points_k;
    moved(app);
}

void grid_zoom(App *app, double factor) {
    int rows, columns;
    GridPlace place;
    if (!grid_place(app, &rows, &columns, &place)) return;
    const Rect plot = place.plot;
    double x = (double)(plot.x + plot.w / 2), y = (double)(plot.y + plot.h / 2);
    if (app->pointer.inside && rect_contains(plot, app->pointer.x, app->pointer.y)) {
        x = (double)app->pointer.x;
        y = (double)app->pointer.y;
    }
    views_grid_zoom(&grid_of(app)->state.camera, factor, &place, x, y);
    moved(app);
}

/* One texel of the overviews a pixel. */
void grid_one_to_one(App *app) {
    const SetInfo *set = current_set(app);
    Camera *camera = &grid_of(app)->state.camera;
    if (!set || app->picture.layout.scale <= 0 || camera->points_q <= 0) return;
    const LayerInfo *layer = &set->layers[grid_of(app)->state.focus.layer];
    const int64_t texels = tiles_texels(layer->queries, tiles_base_level(layer->queries, app->machine.base_side));
    const double factor = (double)texels / (double)app->picture.layout.scale / camera->points_q;
    camera->points_q *= factor;
    camera->points_k *= factor;
    moved(app);
    reveal_focus(app);
}
