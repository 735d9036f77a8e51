/* Commands of the grid: selection, opening, ranges. Layers, heads, pan, zoom and fit are the same commands
 * everywhere. */
#include "scenes/grid/grid.h"

#include <stdlib.h>
#include <string.h>

static bool cmd_open_head(App *app, const char *args, Error *err) {
    (void)args;
    if (!app_capture(app)) {
        error_set(err, STATUS_NOT_FOUND, "no capture is open");
        return false;
    }
    grid_open(app);
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

static bool cmd_select(App *app, const char *args, Error *err) {
    Pattern pattern;
    GridState *grid = &grid_of(app)->state;
    if (!app_pattern(app, &pattern)) return false;
    if (!strcmp(args, "toggle")) {
        grid_toggle_selected(app, grid->focus);
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
        if (!parse_head(pattern.set, &at, &heads[count++], err)) return false;
    }
    grid->selected_count = 0;
    for (int i = 0; i < count; i++)
        grid_toggle_selected(app, heads[i]);
    if (count > 0) grid->focus = heads[count - 1];
    return true;
}

// clang-format off
const Command GRID_COMMANDS[] = {
    {"open-head", "", cmd_open_head, "Enter=", "Grid of layers and heads", "open the focused head, or the selection", "Enter", .needs = 0},
    {"select", "toggle|none|LAYER:HEAD,...", cmd_select, "Space=toggle", "Grid of layers and heads", "select it; Ctrl+click and Shift+click, too", NULL, .needs = 0},
    {.name = NULL},
};
// clang-format on
