/* One row for each way of looking at a capture. What is outside of this table (bars, palette, scrubber, recording)
 * serves all of them. */
#include "app/app.h"

#include <string.h>

static const ViewUi VIEWS[VIEW_KIND_COUNT] = {
    [VIEW_MATRIX] = {.name = "matrix",
                     .hint = "one pattern: row i shows where token i looks",
                     .cursor = CURSOR_CROSSHAIR,
                     .has_heads = true,
                     .plays = true,
                     .draw = view_matrix_draw,
                     .panel = panel_cursor,
                     .press = view_matrix_press,
                     .drag = view_matrix_drag,
                     .release = view_matrix_release,
                     .wheel = view_matrix_wheel,
                     .pan = view_matrix_pan,
                     .zoom = view_matrix_zoom,
                     .one_to_one = view_matrix_one_to_one,
                     .title = view_matrix_title,
                     .layer_range = view_matrix_layer_range},
    [VIEW_GRID] = {.name = "grid",
                   .hint = "every layer and head, small (g)",
                   .cursor = CURSOR_HAND,
                   .draw = view_grid_draw,
                   .panel = panel_grid,
                   .over = panel_grid_card,
                   .press = view_grid_press,
                   .drag = view_grid_drag,
                   .release = view_grid_release,
                   .wheel = view_grid_wheel,
                   .pan = view_grid_pan,
                   .zoom = view_grid_zoom,
                   .one_to_one = view_grid_one_to_one,
                   .idle = view_grid_idle,
                   .title = view_grid_title,
                   .layer_range = view_grid_layer_range},
    [VIEW_TEXT] = {.name = "text",
                   .hint = "probabilities of tokens",
                   .cursor = CURSOR_ARROW,
                   .of_strips = true,
                   .draw = view_text_draw,
                   .panel = panel_text,
                   .over = panel_text_card,
                   .figure = panel_text_figure,
                   .press = view_text_press,
                   .drag = view_text_drag,
                   .release = view_text_release,
                   .wheel = view_text_wheel,
                   .pan = view_text_pan,
                   .zoom = view_text_zoom,
                   .one_to_one = view_text_one_to_one,
                   .title = view_text_title},
};

const ViewUi *app_view_ui(const App *app) {
    return &VIEWS[app->look.kind];
}

const ViewUi *app_view_at(ViewKind kind) {
    return &VIEWS[kind];
}

int app_layer(const App *app) {
    return app->look.kind == VIEW_GRID ? app->look.grid.focus.layer : app->look.subject.layer;
}

bool app_has_view(const App *app, ViewKind kind) {
    const Capture *capture = app_capture(app);
    if (!capture) return false;
    return VIEWS[kind].of_strips ? capture_strip_count(capture) > 0 : capture_set_count(capture) > 0;
}

void app_leave_view(App *app) {
    for (int i = 0; i < VIEW_KIND_COUNT && !app_has_view(app, app->look.kind); i++)
        app->look.kind = (ViewKind)i;
}

void app_show_view(App *app, ViewKind kind) {
    if (kind == app->look.kind) return;
    if (kind == VIEW_GRID) view_grid_enter(app);
    app->look.kind = kind;
    app->comparison.side_result = (ViewResult){0};
    compare_update(app);
    app->play.on = false;
    app->pointer.drag = DRAG_NONE;
    app->selection.on = false;
    if (!app->look.matrix.cursor_locked) app->look.matrix.cursor_on = false;
    app->pace.redraw = true;
}

/* The next view that this capture has something for. */
static bool turn_view(App *app, int step, Error *err) {
    for (int i = 1; i < VIEW_KIND_COUNT; i++) {
        const int kind = ((int)app->look.kind + step * i + VIEW_KIND_COUNT * VIEW_KIND_COUNT) % VIEW_KIND_COUNT;
        if (!app_has_view(app, (ViewKind)kind)) continue;
        app->grid.return_here = false;
        app_show_view(app, (ViewKind)kind);
        return true;
    }
    error_set(err, STATUS_NOT_FOUND, "this capture has one view");
    return false;
}

bool cmd_view(App *app, const char *args, Error *err) {
    if (!strcmp(args, "next") || !strcmp(args, "previous")) return turn_view(app, args[0] == 'n' ? 1 : -1, err);
    for (int i = 0; i < VIEW_KIND_COUNT; i++) {
        if (strcmp(args, VIEWS[i].name)) continue;
        if (!app_has_view(app, (ViewKind)i)) {
            error_set(err, STATUS_NOT_FOUND, "'%s' shows %s, and this capture has none", args,
                      VIEWS[i].of_strips ? "probabilities of tokens" : "patterns of attention");
            return false;
        }
        app->grid.return_here = false;
        app_show_view(app, (ViewKind)i);
        return true;
    }
    error_set(err, STATUS_USAGE, "'view' takes matrix, grid, text, next or previous, not '%s'", args);
    return false;
}
