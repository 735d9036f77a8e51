/* Controls are made anew by each frame, so the focus is kept as a panel, a command and a place: the control with the
 * same command that is nearest to the place has it, else whichever is nearest. */
#include "features/focus.h"
#include "features/help.h"
#include "features/parts.h"
#include "features/thumbs.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define ACROSS 4.0f /* how much worse it is to be off the line of an arrow than far along it */

static const char *const NAMES[] = {NULL, "top", "heads", "right", "inspector", "layers"};

static const StateKey STATE = {.size = sizeof(Focus), .kept = sizeof(Focus)};

Focus *focus_of(const App *app) {
    return app_state(app, &STATE);
}

static Rect panel_rect(const App *app, FocusPanel panel) {
    const Layout *l = &app->picture.layout;
    switch (panel) {
    case FOCUS_TOP:
        return l->top;
    case FOCUS_HEADS:
        return l->left;
    case FOCUS_RIGHT:
        return l->right;
    case FOCUS_INSPECTOR:
        return l->beside;
    case FOCUS_LAYERS:
        return l->bottom;
    default:
        return (Rect){0};
    }
}

static bool belongs(const App *app, const Hit *hit, FocusPanel panel) {
    const Rect rect = panel_rect(app, panel);
    const float x = hit->rect.x + hit->rect.w / 2, y = hit->rect.y + hit->rect.h / 2;
    return rect.w > 0 && rect.h > 0 && hit->command[0] && rect_contains(rect, x, y);
}

static float distance(Rect a, Rect b) {
    return hypotf(a.x + a.w / 2 - b.x - b.w / 2, a.y + a.h / 2 - b.y - b.h / 2);
}

static void take(App *app, const Hit *hit) {
    snprintf(focus_of(app)->command, sizeof focus_of(app)->command, "%s", hit->command);
    focus_of(app)->rect = hit->rect;
    app->pace.redraw = true;
}

const Hit *focus_hit(const App *app) {
    const Hit *best = NULL;
    bool same = false;
    if (focus_of(app)->panel == FOCUS_VIEW) return NULL;
    for (int i = 0; i < app->ui.hits.count; i++) {
        const Hit *hit = &app->ui.hits.items[i];
        if (!belongs(app, hit, focus_of(app)->panel)) continue;
        const bool equal = !strcmp(hit->command, focus_of(app)->command);
        if (best && same && !equal) continue;
        if (!best || (equal && !same) ||
            distance(hit->rect, focus_of(app)->rect) < distance(best->rect, focus_of(app)->rect))
            best = hit;
        same |= equal;
    }
    return best;
}

/* Where a panel is entered: what is looked at now, else its first control. */
static const Hit *entrance(const App *app, FocusPanel panel) {
    const Hit *first = NULL;
    char now[32] = "";
    Pattern pattern;
    if (app_pattern(app, &pattern)) {
        if (panel == FOCUS_LAYERS) snprintf(now, sizeof now, "layer %d", pattern.set->layers[scene_layer(app)].number);
        if (panel == FOCUS_HEADS && tiles_headset_single(&app->look.subject.heads))
            snprintf(now, sizeof now, "head %d", app->look.subject.heads.heads[0]);
    }
    for (int i = 0; i < app->ui.hits.count; i++) {
        const Hit *hit = &app->ui.hits.items[i];
        if (!belongs(app, hit, panel)) continue;
        if (!strcmp(hit->command, now)) return hit;
        /* From above, then from the left. */
        if (!first || hit->rect.y + hit->rect.h <= first->rect.y ||
            (hit->rect.y < first->rect.y + first->rect.h && hit->rect.x < first->rect.x))
            first = hit;
    }
    return first;
}

bool focus_leave(App *app) {
    const bool had = focus_of(app)->panel != FOCUS_VIEW;
    *focus_of(app) = (Focus){0};
    app->pace.redraw |= had;
    return had;
}

static bool cmd_focus(App *app, const char *args, Error *err) {
    const bool next = !strcmp(args, "next");
    if (!next && strcmp(args, "previous") && strcmp(args, "view")) {
        error_set(err, STATUS_USAGE, "'focus' takes next, previous or view, not '%.40s'", args);
        return false;
    }
    if (!strcmp(args, "view")) return focus_leave(app);
    int panel = (int)focus_of(app)->panel;
    for (int i = 0; i < FOCUS_COUNT; i++) {
        panel = (panel + (next ? 1 : FOCUS_COUNT - 1)) % FOCUS_COUNT;
        const Hit *hit = panel == FOCUS_VIEW ? NULL : entrance(app, (FocusPanel)panel);
        if (panel != FOCUS_VIEW && !hit) continue; /* folded away, or nothing in it */
        *focus_of(app) = (Focus){.panel = (FocusPanel)panel};
        if (hit) take(app, hit);
        return true;
    }
    return false;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The nearest control in the direction of an arrow; one of the two is 0. */
static const Hit *neighbour(const App *app, const Hit *from, int dx, int dy) {
    const Hit *best = NULL;
    float least = INFINITY;
    const float x = from->rect.x + from->rect.w / 2, y = from->rect.y + from->rect.h / 2;
    for (int i = 0; i < app->ui.hits.count; i++) {
        const Hit *hit = &app->ui.hits.items[i];
        if (hit == from || !belongs(app, hit, focus_of(app)->panel)) continue;
        const float right = hit->rect.x + hit->rect.w / 2 - x, down = hit->rect.y + hit->rect.h / 2 - y;
        const float along = right * (float)dx + down * (float)dy;
        /* Controls that overlap across the arrow are on its line, however wide they are. */
        const float apart =
            dx ? fmaxf(hit->rect.y - from->rect.y - from->rect.h, from->rect.y - hit->rect.y - hit->rect.h)
               : fmaxf(hit->rect.x - from->rect.x - from->rect.w, from->rect.x - hit->rect.x - hit->rect.w);
        const float off = fmaxf(0, apart),
                    slack = 0.05f * fabsf(dx ? hit->rect.y - from->rect.y : hit->rect.x - from->rect.x);
        if (along <= 1 || (off > 0 && off > along)) continue;
        const float cost = along + ACROSS * off + slack;
        if (cost < least) {
            least = cost;
            best = hit;
        }
    }
    return best;
}

static void move(App *app, const Hit *from, int key) {
    const int dx = key == KEY_LEFT ? -1 : key == KEY_RIGHT ? 1 : 0, dy = key == KEY_UP ? -1 : key == KEY_DOWN ? 1 : 0;
    if (dx && from->less) { /* a control with a range of its own */
        commands_run_line(app, dx < 0 ? from->less : from->more);
        return;
    }
    const Hit *to = neighbour(app, from, dx, dy);
    if (to) {
        take(app, to);
        /* The scrubber follows the hand. */
        if (text_starts_with(to->command, "layer ")) commands_run_line(app, focus_of(app)->command);
    } else if (dy && rect_contains(app->picture.layout.thumbs, from->rect.x + 1, from->rect.y + 1)) {
        *thumbs_scroll(app) += dy;
        focus_of(app)->command[0] = 0; /* what comes to stand there */
        app->pace.redraw = true;
    }
}

static void press(App *app, const Hit *hit, bool add) {
    char line[sizeof hit->command + 8];
    snprintf(line, sizeof line, "%s%s", add && text_starts_with(hit->command, "head ") ? "toggle-" : "", hit->command);
    commands_run_line(app, line);
}

static bool key(App *app, const InputEvent *event) {
    const Hit *hit = help_of(app)->on ? NULL : focus_hit(app);
    const bool ctrl = event->mods == MOD_CTRL;
    if (!hit || (event->mods && !ctrl)) return false;
    switch (event->key) {
    case KEY_UP:
    case KEY_DOWN:
    case KEY_LEFT:
    case KEY_RIGHT:
        if (ctrl) return false;
        move(app, hit, event->key);
        return true;
    case KEY_ENTER:
    case ' ':
        if (!event->repeat) press(app, hit, ctrl);
        return true;
    default:
        return false;
    }
}

/* ---- drawing --------------------------------------------------------------------------------- */

void focus_draw(App *app) {
    const Pen pen = ui_pen(app);
    if (focus_of(app)->panel == FOCUS_VIEW) return;
    const Hit *hit = focus_hit(app);
    if (!hit) { /* its panel was folded, or has nothing to press any more */
        (void)focus_leave(app);
        return;
    }
    if (!focus_of(app)->command[0]) snprintf(focus_of(app)->command, sizeof focus_of(app)->command, "%s", hit->command);
    focus_of(app)->rect = hit->rect;
    const Theme *theme = pen.theme;
    const float s = pen.scale, line = fmaxf(1, roundf(2 * s));
    const Rect ring = rect_intersect(rect_inset(hit->rect, -3 * s), rect_inset(app->picture.layout.window, 1));
    draw_frame(pen.list, rect_inset(ring, line), 5 * s, fmaxf(1, roundf(s)), theme->ground);
    draw_frame(pen.list, ring, 6 * s, line, theme->accent);
}

static void json(const App *app, TextBuffer *out) {
    if (focus_of(app)->panel == FOCUS_VIEW) {
        text_append(out, "\"focus\":null,");
        return;
    }
    text_appendf(out, "\"focus\":{\"panel\":\"%s\",\"command\":", NAMES[focus_of(app)->panel]);
    text_append_json(out, focus_of(app)->command);
    text_append(out, "},");
}

// clang-format off
static const Command COMMANDS[] = {
    {"focus", "next|previous|view", cmd_focus, "F6=next Shift+F6=previous", "Window", "next panel: arrows, Enter; Esc leaves", NULL, .needs = 0},
    {.name = NULL},
};
// clang-format on

const Part FOCUS = {
    .name = "focus", .state = &STATE, .key = key, .escape = focus_leave, .json = json, .commands = COMMANDS};
