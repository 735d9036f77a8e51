/* The help overlay, made from the commands that have keys. */
#include "features/help.h"
#include "features/parts.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define ROW_H 20.0f
#define COLUMN_W 430.0f
#define HELP_LINES_MAX 160

static const StateKey STATE = {.size = sizeof(Help), .kept = sizeof(Help)};

Help *help_of(const App *app) {
    return app_state(app, &STATE);
}

static bool cmd_help(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    help_of(app)->on = !help_of(app)->on;
    help_of(app)->scroll = 0;
    return true;
}

/* A line of the overlay: a heading (keys == NULL) or a command. */
typedef struct HelpLine {
    const char *heading;
    const KnownCommand *command;
} HelpLine;

static int help_lines(const App *app, HelpLine *out) {
    int count = 0;
    const char *group = NULL;
    for (int i = 0; i < app->commands.count && count < HELP_LINES_MAX - 3; i++) {
        const KnownCommand *command = &app->commands.items[i];
        char keys[8];
        if (!command->row->help) continue;
        keys_of(app, command, keys, sizeof keys);
        if (!keys[0]) continue;
        if (!group || strcmp(group, command->row->group)) {
            group = command->row->group;
            if (count > 0) out[count++] = (HelpLine){.heading = ""}; /* air above a heading */
            out[count++] = (HelpLine){.heading = group};
        }
        out[count++] = (HelpLine){.command = command};
    }
    return count;
}

static void help_line(App *app, const HelpLine *line, float x, float y, float width) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    if (line->heading) {
        draw_text(pen.list, x, y, line->heading, ui_bold(&pen, 12), ALIGN_LEFT, theme->accent);
        return;
    }
    char keys[160], cut[256];
    keys_of(app, line->command, keys, sizeof keys);
    const float key_w = 150 * s;
    draw_text_fit(pen.fonts, keys, ui_style(&pen, 12), key_w - 12 * s, cut, sizeof cut);
    draw_text(pen.list, x, y, cut, ui_style(&pen, 12), ALIGN_LEFT, theme->text);
    draw_text_fit(pen.fonts, line->command->row->help, ui_style(&pen, 12), width - key_w - 16 * s, cut, sizeof cut);
    draw_text(pen.list, x + key_w, y, cut, ui_style(&pen, 12), ALIGN_LEFT, theme->dim);
}

static void over(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    if (!help_of(app)->on) return;
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    HelpLine lines[HELP_LINES_MAX];
    const int count = help_lines(app, lines);
    const Rect w = app->picture.layout.window;
    draw_rect(pen.list, w, 0, color_alpha(theme->ground, 0.72f));
    const int columns = (int)i64_clamp((int64_t)((w.w - 48 * s) / (COLUMN_W * s)), 1, 2);
    const float width = fminf(w.w - 16 * s, (float)columns * COLUMN_W * s + 48 * s);
    const int per_column = (count + columns - 1) / columns;
    const float height = fminf(w.h - 16 * s, (float)per_column * ROW_H * s + 76 * s);
    const Rect box = {roundf(w.x + (w.w - width) / 2), roundf(w.y + (w.h - height) / 2), roundf(width), roundf(height)};
    ui_card(&pen, box);
    draw_text(pen.list, box.x + 24 * s, box.y + 32 * s, "Keys", ui_bold(&pen, 15), ALIGN_LEFT, theme->text);
    draw_text(pen.list, box.x + box.w - 24 * s, box.y + 32 * s, "Esc closes", ui_style(&pen, 12), ALIGN_RIGHT,
              theme->dim);
    const int fit = (int)i64_max(1, (int64_t)((box.h - 68 * s) / (ROW_H * s)));
    const int most = (int)i64_max(0, per_column - fit);
    help_of(app)->scroll = (int)i64_clamp(help_of(app)->scroll, 0, most);
    const float column_w = (box.w - 48 * s) / (float)columns;
    for (int column = 0; column < columns; column++) {
        /* A column does not begin with the air above a heading. */
        const int first = column * per_column;
        const int skip = help_of(app)->scroll == 0 && first < count && lines[first].heading && !lines[first].heading[0];
        for (int row = 0; row < fit; row++) {
            const int line = first + row + skip + help_of(app)->scroll;
            if (row + skip + help_of(app)->scroll >= per_column || line >= count) break;
            help_line(app, &lines[line], box.x + 24 * s + (float)column * column_w,
                      box.y + (62 + (float)row * ROW_H) * s, column_w);
        }
    }
    if (most > 0) {
        const float track = box.h - 68 * s, h = track * (float)fit / (float)per_column;
        draw_rect(pen.list,
                  (Rect){box.x + box.w - 10 * s,
                         box.y + 48 * s + (track - h) * (float)help_of(app)->scroll / (float)most, 4 * s, h},
                  2 * s, theme->faint);
    }
    ui_hit(&pen, w, NULL, CURSOR_ARROW, "help");
}

static bool key(App *app, const InputEvent *event) {
    if (!help_of(app)->on || (event->key != KEY_UP && event->key != KEY_DOWN) || event->mods) return false;
    help_of(app)->scroll += event->key == KEY_DOWN ? 1 : -1;
    app->pace.redraw = true;
    return true;
}

static bool wheel(App *app, const InputEvent *event) {
    if (!help_of(app)->on) return false;
    help_of(app)->scroll -= (int)lroundf(event->wheel_y * 2);
    return true;
}

static bool escape(App *app) {
    const bool was = help_of(app)->on;
    help_of(app)->on = false;
    return was;
}

static void json(const App *app, TextBuffer *out) {
    words_append_bool(out, "help", help_of(app)->on);
}

// clang-format off
static const Command COMMANDS[] = {
    {"help", "", cmd_help, "?= F1=", "Window", "this list", NULL, .noted = NOTED_NEVER},
    {.name = NULL},
};
// clang-format on

const Part HELP = {.name = "help",
                   .state = &STATE,
                   .key = key,
                   .wheel = wheel,
                   .drawing = {.over = over},
                   .escape = escape,
                   .json = json,
                   .commands = COMMANDS};
