/* Events -> commands and gestures. The mouse works in window units; everything here is in pixels of the frame. */
#include "app/find.h"
#include "app/focus.h"
#include "app/palette.h"
#include "app/record.h"
#include "app/still.h"
#include "export/export.h"

#include <math.h>
#include <string.h>

void app_run_line(App *app, const char *line) {
    Error err = {0};
    if (app_command(app, line, &err) != STATUS_OK) {
        char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
        error_format(&err, text, sizeof text);
        app_say(app, err.status == STATUS_NOT_FOUND ? SAY_INFO : SAY_ERROR, "%s", text);
    }
}

/* ---- mouse ----------------------------------------------------------------------------------- */

static bool over_view(const App *app) {
    return rect_contains(app->picture.layout.view, app->pointer.x, app->pointer.y);
}

static void drag_scrub(App *app) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return;
    const Rect track = app->picture.layout.scrubber;
    if (track.w <= 0) return;
    const float slot = fminf(track.w / (float)set->layer_count, 72 * app->picture.layout.scale);
    const int index = (int)i64_clamp((int64_t)floorf((app->pointer.x - track.x) / slot), 0, set->layer_count - 1);
    char line[32];
    snprintf(line, sizeof line, "layer %d", set->layers[index].number);
    if (index != app_layer(app)) app_run_line(app, line);
}

static void set_cursor_shape(App *app) {
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    PlatformCursor shape = CURSOR_ARROW;
    if (app->pointer.drag == DRAG_PAN)
        shape = CURSOR_GRAB;
    else if (hit)
        shape = hit->cursor;
    else if (rect_contains(app->look.kind == VIEW_MATRIX ? view_matrix_under_mouse(app)->plot
                                                         : app->picture.result.plot,
                           app->pointer.x, app->pointer.y))
        shape = app_view_ui(app)->cursor;
    platform_set_cursor(app->machine.platform, shape);
}

static void mouse_move(App *app) {
    switch (app->pointer.drag) {
    case DRAG_PAN:
    case DRAG_SELECT:
        app_view_ui(app)->drag(app);
        break;
    case DRAG_SCRUB:
        drag_scrub(app);
        break;
    case DRAG_MINIMAP:
        view_matrix_drag_minimap(app);
        break;
    case DRAG_NONE:
        break;
    }
    set_cursor_shape(app);
    app->pace.redraw = true;
}

static void mouse_down(App *app, const InputEvent *event) {
    app->pointer.drag_x = app->pointer.x;
    app->pointer.drag_y = app->pointer.y;
    app->pointer.camera = app->look.matrix.camera;
    (void)focus_leave(app);
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    if (event->button == BUTTON_LEFT && app->picture.layout.minimap.w > 0 &&
        rect_contains(app->picture.layout.minimap, app->pointer.x, app->pointer.y) && !app->help.on) {
        app->pointer.drag = DRAG_MINIMAP;
        view_matrix_drag_minimap(app);
    } else if (event->button == BUTTON_LEFT && hit) {
        char line[sizeof hit->command];
        snprintf(line, sizeof line, "%s", hit->command);
        if ((event->mods & MOD_CTRL) && text_starts_with(line, "head ")) {
            char toggle[96];
            snprintf(toggle, sizeof toggle, "toggle-%s", line);
            app_run_line(app, toggle);
            return;
        }
        if (text_starts_with(line, "layer ")) app->pointer.drag = DRAG_SCRUB;
        if (line[0]) app_run_line(app, line);
    } else if (over_view(app)) {
        app_view_ui(app)->press(app, event);
    }
    app->pace.redraw = true;
}

static void mouse_up(App *app, const InputEvent *event) {
    if (app->pointer.drag == DRAG_PAN || app->pointer.drag == DRAG_SELECT) app_view_ui(app)->release(app, event);
    app->pointer.drag = DRAG_NONE;
    set_cursor_shape(app);
    app->pace.redraw = true;
}

static void wheel(App *app, const InputEvent *event) {
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    if (app->help.on) {
        app->help.scroll -= (int)lroundf(event->wheel_y * 2);
    } else if (over_view(app)) {
        app_view_ui(app)->wheel(app, event);
    } else if (hit && hit->less && !event->mods) {
        app_run_line(app, event->wheel_y > 0 ? hit->more : hit->less);
    } else if (event->mods & MOD_CTRL) {
        app_run_line(app, event->wheel_y > 0 ? "scale up" : "scale down");
    } else if (rect_contains(app->picture.layout.thumbs, app->pointer.x, app->pointer.y)) {
        app->thumbs_scroll -= (int)lroundf(event->wheel_y);
    } else if (rect_contains(app->picture.layout.bottom, app->pointer.x, app->pointer.y)) {
        app_run_line(app, event->wheel_y > 0 ? "layer -1" : "layer +1");
    }
    app->pace.redraw = true;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static void key_down(App *app, const InputEvent *event) {
    if (app->help.on && (event->key == KEY_UP || event->key == KEY_DOWN) && !event->mods) {
        app->help.scroll += event->key == KEY_DOWN ? 1 : -1;
        app->pace.redraw = true;
        return;
    }
    if (focus_key(app, event)) return;
    const char *line = app_key_command(app->look.kind, event->key, event->mods);
    /* Only motion repeats: a held 's' must not fill the folder with pictures. */
    if (!line ||
        (event->repeat && !text_starts_with(line, "layer") && !text_starts_with(line, "head ") &&
         !text_starts_with(line, "pan ") && !text_starts_with(line, "zoom ") && !text_starts_with(line, "cursor") &&
         !text_starts_with(line, "extend") && !text_starts_with(line, "token") && !text_starts_with(line, "gamma"))) {
        return;
    }
    /* What is held ends when this key goes up, whatever the modifiers are then. */
    if (text_starts_with(line, "hold ")) app->comparison.held_key = event->key;
    app_run_line(app, line);
}

static void drop_file(App *app, const InputEvent *event) {
    const char *paths[1] = {event->path};
    Error err = {0};
    if ((export_is_png(event->path) ? still_open_picture(app, event->path, &err)
                                    : app_open_capture(app, paths, 1, &err)) == STATUS_OK)
        return;
    char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
    error_format(&err, text, sizeof text);
    app_say(app, SAY_ERROR, "%s", text);
}

void app_handle_event(App *app, const InputEvent *event) {
    const bool hand = event->type != EVENT_WAKE && event->type != EVENT_NONE && event->type != EVENT_EXPOSE;
    /* A held key that repeats is a hand at rest. */
    const bool still = event->type == EVENT_KEY_DOWN && event->repeat && app->comparison.held != COMPARE_OFF &&
                       event->key == app->comparison.held_key;
    if (hand && !still) app->pace.last_input_ns = clock_now_ns(&app->machine.clock);
    if (event->type >= EVENT_MOUSE_MOVE && event->type <= EVENT_WHEEL) {
        app->pointer.x = event->x * app->ui.density;
        app->pointer.y = event->y * app->ui.density;
        app->pointer.inside = true;
    }
    /* First of all, so that no question or prompt that came up meanwhile keeps it from being let go. */
    if (event->type == EVENT_KEY_UP) compare_release(app, event->key);
    if (event->type == EVENT_FOCUS_LOST) compare_release(app, 0);
    if (record_event(app, event)) return;
    if (palette_event(app, event) || find_event(app, event)) return;
    switch (event->type) {
    case EVENT_KEY_DOWN:
        key_down(app, event);
        break;
    case EVENT_MOUSE_MOVE:
        mouse_move(app);
        break;
    case EVENT_MOUSE_DOWN:
        mouse_down(app, event);
        break;
    case EVENT_MOUSE_UP:
        mouse_up(app, event);
        break;
    case EVENT_WHEEL:
        wheel(app, event);
        break;
    case EVENT_DROP_FILE:
        drop_file(app, event);
        break;
    case EVENT_FOCUS_LOST:
        app->pointer.drag = DRAG_NONE;
        break;
    case EVENT_MOUSE_LEAVE:
        app->pointer.inside = false;
        if (!app->look.matrix.cursor_locked) app->look.matrix.cursor_on = false;
        app->look.grid.hover_on = false;
        if (!app->look.text.locked) app->look.text.token_on = false;
        app->pace.redraw = true;
        break;
    case EVENT_RESIZE:
    case EVENT_EXPOSE:
        app->pace.redraw = true;
        break;
    case EVENT_QUIT:
        app_run_line(app, "quit");
        break;
    default:
        break;
    }
}
