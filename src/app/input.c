/* Events -> commands and gestures. The mouse works in window units; everything here is in pixels of the frame. */
#include "app/window.h"
#include "export/export.h"
#include "features/compare.h"
#include "features/focus.h"
#include "features/thumbs.h"
#include "session/still.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

/* ---- mouse ----------------------------------------------------------------------------------- */

static bool over_view(const App *app) {
    return rect_contains(app->picture.layout.view, app->pointer.x, app->pointer.y);
}

static void drag_scrub(App *app) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    const Rect track = app->picture.layout.scrubber;
    if (track.w <= 0) return;
    const float slot = fminf(track.w / (float)pattern.set->layer_count, 72 * app->picture.layout.scale);
    const int index = (int)i64_clamp((int64_t)floorf((app->pointer.x - track.x) / slot), 0,
                                     pattern.set->layer_count - 1);
    char line[32];
    snprintf(line, sizeof line, "layer %d", pattern.set->layers[index].number);
    if (index != scene_layer(app)) commands_run_line(app, line);
}

static void set_cursor_shape(App *app) {
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    PlatformCursor shape = CURSOR_ARROW;
    if (app->pointer.drag == DRAG_PAN)
        shape = CURSOR_GRAB;
    else if (hit)
        shape = hit->cursor;
    else if (rect_contains(scene_under_mouse(app)->plot, app->pointer.x, app->pointer.y))
        shape = app->shown.scene->mouse.cursor;
    platform_set_cursor(app->machine.platform, shape);
}

static void drag_minimap(App *app) {
    const SceneMouse *mouse = &app->shown.scene->mouse;
    if (mouse->drag_minimap) mouse->drag_minimap(app);
}

static void mouse_move(App *app) {
    switch (app->pointer.drag) {
    case DRAG_PAN:
    case DRAG_SELECT:
        if (app->shown.scene->mouse.drag) app->shown.scene->mouse.drag(app);
        break;
    case DRAG_SCRUB:
        drag_scrub(app);
        break;
    case DRAG_MINIMAP:
        drag_minimap(app);
        break;
    case DRAG_NONE:
        break;
    }
    set_cursor_shape(app);
    app->pace.redraw = true;
}

/* A control that covers the whole window, such as the list of keys, lies over the mini-map. */
static bool lies_over(const App *app, const Hit *hit) {
    return hit && hit->rect.w >= app->picture.layout.window.w && hit->rect.h >= app->picture.layout.window.h;
}

static void mouse_down(App *app, const InputEvent *event) {
    app->pointer.drag_x = app->pointer.x;
    app->pointer.drag_y = app->pointer.y;
    app->pointer.camera = app->look.matrix.camera;
    (void)focus_leave(app);
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    if (event->button == BUTTON_LEFT && app->picture.layout.minimap.w > 0 &&
        rect_contains(app->picture.layout.minimap, app->pointer.x, app->pointer.y) && !lies_over(app, hit)) {
        app->pointer.drag = DRAG_MINIMAP;
        drag_minimap(app);
    } else if (event->button == BUTTON_LEFT && hit) {
        char line[sizeof hit->command];
        snprintf(line, sizeof line, "%s", hit->command);
        if ((event->mods & MOD_CTRL) && text_starts_with(line, "head ")) {
            char toggle[96];
            snprintf(toggle, sizeof toggle, "toggle-%s", line);
            commands_run_line(app, toggle);
            return;
        }
        if (text_starts_with(line, "layer ")) app->pointer.drag = DRAG_SCRUB;
        if (line[0]) commands_run_line(app, line);
    } else if (over_view(app) && app->shown.scene->mouse.press) {
        app->shown.scene->mouse.press(app, event);
    }
    app->pace.redraw = true;
}

static void mouse_up(App *app, const InputEvent *event) {
    const SceneMouse *mouse = &app->shown.scene->mouse;
    if ((app->pointer.drag == DRAG_PAN || app->pointer.drag == DRAG_SELECT) && mouse->release)
        mouse->release(app, event);
    app->pointer.drag = DRAG_NONE;
    set_cursor_shape(app);
    app->pace.redraw = true;
}

static bool wheel_of_parts(App *app, const InputEvent *event) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->wheel && (*part)->wheel(app, event)) return true;
    }
    return false;
}

static void wheel(App *app, const InputEvent *event) {
    const Hit *hit = ui_hit_at(app, app->pointer.x, app->pointer.y);
    if (wheel_of_parts(app, event)) {
        /* what lies over the view has it */
    } else if (over_view(app)) {
        if (app->shown.scene->mouse.wheel) app->shown.scene->mouse.wheel(app, event);
    } else if (hit && hit->less && !event->mods) {
        commands_run_line(app, event->wheel_y > 0 ? hit->more : hit->less);
    } else if (event->mods & MOD_CTRL) {
        commands_run_line(app, event->wheel_y > 0 ? "scale up" : "scale down");
    } else if (rect_contains(app->picture.layout.thumbs, app->pointer.x, app->pointer.y)) {
        *thumbs_scroll(app) -= (int)lroundf(event->wheel_y);
    } else if (rect_contains(app->picture.layout.bottom, app->pointer.x, app->pointer.y)) {
        commands_run_line(app, event->wheel_y > 0 ? "layer -1" : "layer +1");
    }
    app->pace.redraw = true;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static bool key_of_parts(App *app, const InputEvent *event) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->key && (*part)->key(app, event)) return true;
    }
    return false;
}

static void key_down(App *app, const InputEvent *event) {
    if (key_of_parts(app, event)) return;
    const Binding *binding = keys_find(app, event->key, event->mods);
    const Command *row = binding && binding->command >= 0 ? app->commands.items[binding->command].row : NULL;
    /* Only motion repeats: a held 's' must not fill the folder with pictures. */
    if (!row || (event->repeat && !row->repeats)) return;
    /* What is held ends when this key goes up, whatever the modifiers are then. */
    if (row->held) {
        app->commands.held = row;
        app->commands.held_key = event->key;
    }
    commands_run_line(app, binding->line);
}

/* A key went up, or the focus was lost (key 0). */
static void let_go(App *app, int key) {
    const Command *row = app->commands.held;
    char line[64];
    if (!row || (key && key != app->commands.held_key)) return;
    app->commands.held = NULL;
    snprintf(line, sizeof line, "%s off", row->name);
    commands_run_line(app, line);
}

static void drop_file(App *app, const InputEvent *event) {
    const char *paths[1] = {event->path};
    Error err = {0};
    if ((export_is_png(event->path) ? still_open_picture(app, event->path, &err)
                                    : captures_open(app, paths, 1, &err)) == STATUS_OK)
        return;
    char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
    error_format(&err, text, sizeof text);
    app_say(app, SAY_ERROR, "%s", text);
}

void app_handle_event(App *app, const InputEvent *event) {
    const bool hand = event->type != EVENT_WAKE && event->type != EVENT_NONE && event->type != EVENT_EXPOSE;
    /* A held key that repeats is a hand at rest. */
    const bool still = event->type == EVENT_KEY_DOWN && event->repeat && app->commands.held &&
                       event->key == app->commands.held_key;
    if (hand && !still) app->pace.last_input_ns = clock_now_ns(&app->machine.clock);
    if (event->type >= EVENT_MOUSE_MOVE && event->type <= EVENT_WHEEL) {
        app->pointer.x = event->x * app->ui.density;
        app->pointer.y = event->y * app->ui.density;
        app->pointer.inside = true;
    }
    /* First of all, so that no question or prompt that came up meanwhile keeps it from being let go. */
    if (event->type == EVENT_KEY_UP) let_go(app, event->key);
    if (event->type == EVENT_FOCUS_LOST) let_go(app, 0);
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->event && (*part)->event(app, event)) return;
    }
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
        for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
            if ((*scene)->mouse.leave) (*scene)->mouse.leave(app);
        }
        app->pace.redraw = true;
        break;
    case EVENT_RESIZE:
    case EVENT_EXPOSE:
        app->pace.redraw = true;
        break;
    case EVENT_QUIT:
        commands_run_line(app, "quit");
        break;
    default:
        break;
    }
}

/* ---- for scripts and tests ------------------------------------------------------------------- */

static bool cmd_key(App *app, const char *args, Error *err) {
    int key, mods;
    if (!platform_key_parse(args, &key, &mods)) {
        error_set(err, STATUS_USAGE, "there is no key called '%s'", args);
        return false;
    }
    const InputEvent event = {.type = EVENT_KEY_DOWN, .key = key, .mods = mods};
    app_handle_event(app, &event);
    return true;
}

static bool cmd_wheel(App *app, const char *args, Error *err) {
    double notches;
    if (!text_parse_f64(args, &notches)) {
        error_set(err, STATUS_USAGE, "'wheel' takes a number of notches, not '%s'", args);
        return false;
    }
    const InputEvent event = {.type = EVENT_WHEEL,
                              .wheel_y = (float)notches,
                              .x = (app->picture.result.plot.x + app->picture.result.plot.w / 2) / app->ui.density,
                              .y = (app->picture.result.plot.y + app->picture.result.plot.h / 2) / app->ui.density};
    app_handle_event(app, &event);
    return true;
}

// clang-format off
const Command INPUT_COMMANDS[] = {
    {"key", "NAME", cmd_key, NULL, NULL, NULL, NULL, .trusted = true},
    {"wheel", "N", cmd_wheel, NULL, NULL, NULL, NULL, .trusted = true},
    {.name = NULL},
};
// clang-format on
