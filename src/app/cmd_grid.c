/* Commands of the grid: selection, opening, ranges. Layers, heads, pan, zoom and fit are the same commands
 * everywhere. */
#include "app/app.h"

#include <stdlib.h>
#include <string.h>

bool cmd_open_head(App *app, const char *args, Error *err) {
    (void)args;
    if (!app_capture(app)) {
        error_set(err, STATUS_NOT_FOUND, "no capture is open");
        return false;
    }
    view_grid_open(app);
    return true;
}

bool cmd_grid_range(App *app, const char *args, Error *err) {
    bool *per_head = &app->look.grid.per_head;
    if (!strcmp(args, "next"))
        *per_head = !*per_head;
    else if (!strcmp(args, "common") || !strcmp(args, "head"))
        *per_head = !strcmp(args, "head");
    else {
        error_set(err, STATUS_USAGE, "'grid-range' takes common, head or next, not '%s'", args);
        return false;
    }
    return true;
}

/* "LAYER:HEAD", numbers as in the model; *at moves behind it and its comma. */
static bool parse_head(const SetInfo *set, const char **at, GridHead *out, Error *err) {
    char text[48];
    int64_t layer = -1, head = -1;
    const size_t length = strcspn(*at, ",");
    snprintf(text, sizeof text, "%.*s", (int)i64_min((int64_t)length, 40), *at);
    *at += length + ((*at)[length] == ',');
    char *colon = strchr(text, ':');
    if (colon) {
        *colon = 0;
        if (!text_parse_i64(text, &layer) || !text_parse_i64(colon + 1, &head)) layer = head = -1;
        *colon = ':';
    }
    const int index = layer >= 0 && layer <= INT32_MAX ? capture_layer_index(set, (int)layer) : -1;
    if (index >= 0 && head >= 0 && head <= INT32_MAX && capture_head_index(&set->layers[index], (int)head) >= 0) {
        *out = (GridHead){index, (int)head};
        return true;
    }
    error_set(err, STATUS_NOT_FOUND, "there is no layer and head '%s'; 'select' takes LAYER:HEAD,..., toggle or none",
              text);
    return false;
}

bool cmd_select(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    GridState *grid = &app->look.grid;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    if (!strcmp(args, "toggle")) {
        view_grid_toggle_selected(app, grid->focus);
        return true;
    }
    GridHead heads[GRID_SELECTED_MAX];
    int count = 0;
    const bool none = !strcmp(args, "none");
    for (const char *at = args; !none && (*at || at == args);) {
        if (count == GRID_SELECTED_MAX) {
            error_set(err, STATUS_RANGE, "%d heads are as many as a selection holds", GRID_SELECTED_MAX);
            return false;
        }
        if (!parse_head(set, &at, &heads[count++], err)) return false;
    }
    grid->selected_count = 0;
    for (int i = 0; i < count; i++)
        view_grid_toggle_selected(app, heads[i]);
    if (count > 0) grid->focus = heads[count - 1];
    return true;
}
