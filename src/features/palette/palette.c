/* The palette's state and events. Enter runs what is chosen, or what was typed; a refused line stays, with the sentence
 * below it, so that it can be mended. */
#include "features/palette/palette.h"
#include "features/parts.h"

#include <math.h>
#include <string.h>

#define PAGE 8

void palette_refresh(App *app) {
    Palette *p = palette_of(app);
    if (!p->open) return;
    const char *text = p->field.text;
    const size_t name = strcspn(text, " ");
    p->count = 0;
    p->closed = p->wants_files = false;
    p->command = text[name] == ' ' ? commands_find(app, text, name) : NULL;
    if (p->command) {
        palette_values(app);
    } else {
        p->word = 0;
        p->closed = true;
        palette_commands(app, text);
    }
    p->picked = false;
    p->scroll = 0;
    p->selected = p->closed && p->count > 0 ? 0 : -1;
    app->pace.redraw = true;
}

void palette_open(App *app, const char *text) {
    Palette *p = palette_of(app);
    p->refresh = palette_refresh;
    p->open = true;
    p->opened++;
    p->error[0] = 0;
    p->listing_wanted[0] = 0; /* a folder may have changed since */
    field_set(&p->field, text);
    platform_text_input(app->machine.platform, true);
    palette_refresh(app);
}

static void close_palette(App *app) {
    if (!palette_is_open(app)) return;
    palette_of(app)->open = false;
    platform_text_input(app->machine.platform, false);
    app->pace.redraw = true;
}

bool palette_show(App *app, bool shown) {
    const bool before = palette_is_open(app);
    palette_of(app)->open = shown;
    return before;
}

static void close(App *app) {
    Palette *p = palette_of(app);
    files_list_drop(p->listing);
    recent_drop(p->recent);
    mem_free(p->items);
}

/* ---- running --------------------------------------------------------------------------------- */

static void remember(Palette *p, const char *line) {
    char name[sizeof p->history[0]];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " "), line);
    int at = 0;
    while (at < p->history_count && strcmp(p->history[at], name))
        at++;
    if (at == p->history_count) {
        if (p->history_count < PALETTE_HISTORY)
            p->history_count++;
        else
            at--;
    }
    memmove(p->history + 1, p->history, (size_t)at * sizeof p->history[0]);
    memcpy(p->history[0], name, sizeof name);
}

static void run(App *app, const char *line) {
    Palette *p = palette_of(app);
    const unsigned opened = p->opened;
    Error err = {0};
    char copy[FIELD_SIZE];
    snprintf(copy, sizeof copy, "%s", line);
    if (commands_run(app, copy, &err) != STATUS_OK) {
        error_format(&err, p->error, sizeof p->error);
        return;
    }
    remember(p, copy);
    if (p->opened == opened) close_palette(app);
}

static bool needs_argument(const KnownCommand *command) {
    return command->row->args[0] && command->row->args[0] != '[';
}

static void complete(App *app, int index) {
    Palette *p = palette_of(app);
    if (index < 0 || index >= p->count) return;
    const PaletteItem *item = &p->items[index];
    char text[sizeof item->text + 2];
    const bool more = item->kind == ITEM_COMMAND && item->command->row->args[0];
    snprintf(text, sizeof text, "%s%s", item->text, more ? " " : "");
    field_replace(&p->field, p->word, p->field.length, text);
    p->error[0] = 0;
    palette_refresh(app);
}

/* `whole`: a folder is meant itself, not what is in it. */
static void accept(App *app, bool whole) {
    Palette *p = palette_of(app);
    const bool chosen = p->selected >= 0 && p->selected < p->count;
    if (!chosen) {
        if (p->field.length > 0) run(app, p->field.text);
        return;
    }
    const PaletteItem *item = &p->items[p->selected];
    if ((item->kind == ITEM_FOLDER && !whole) || (item->kind == ITEM_COMMAND && needs_argument(item->command))) {
        complete(app, p->selected);
        return;
    }
    field_replace(&p->field, p->word, p->field.length, item->text);
    run(app, p->field.text);
    if (p->open) {
        char error[sizeof p->error];
        memcpy(error, p->error, sizeof error);
        palette_refresh(app);
        memcpy(p->error, error, sizeof error);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static void show_selected(Palette *p) {
    const int rows = p->rows_shown > 0 ? p->rows_shown : 1;
    if (p->selected >= 0 && p->selected < p->scroll) p->scroll = p->selected;
    if (p->selected >= p->scroll + rows) p->scroll = p->selected - rows + 1;
}

static void select_item(Palette *p, int index) {
    p->selected = (int)i64_clamp(index, p->closed ? 0 : -1, p->count - 1);
    p->picked = true;
    show_selected(p);
}

static int item_at(const App *app) {
    const Palette *p = palette_of(app);
    if (p->row_h <= 0 || !rect_contains(p->rows, app->pointer.x, app->pointer.y)) return -1;
    const int index = p->scroll + (int)floorf((app->pointer.y - p->rows.y) / p->row_h);
    return index < p->count ? index : -1;
}

static void mouse(App *app, const InputEvent *event) {
    Palette *p = palette_of(app);
    const int index = item_at(app);
    if (event->type == EVENT_MOUSE_MOVE) {
        platform_set_cursor(app->machine.platform, index >= 0 ? CURSOR_HAND : CURSOR_ARROW);
        if (index >= 0) p->selected = index;
    } else if (event->type == EVENT_WHEEL) {
        p->scroll -= (int)lroundf(event->wheel_y * 3);
    } else if (event->type == EVENT_MOUSE_DOWN && event->button == BUTTON_LEFT) {
        if (index >= 0) {
            p->selected = index;
            accept(app, event->mods & MOD_CTRL);
        } else if (!rect_contains(p->box, app->pointer.x, app->pointer.y)) {
            close_palette(app);
        }
    }
}

static void key(App *app, const InputEvent *event) {
    Palette *p = palette_of(app);
    bool changed = false;
    switch (event->key) {
    case KEY_ESCAPE:
        close_palette(app);
        return;
    case KEY_ENTER:
        accept(app, event->mods & MOD_CTRL);
        return;
    case KEY_TAB:
        complete(app, p->selected >= 0 ? p->selected : 0);
        return;
    case KEY_UP:
    case KEY_DOWN:
        select_item(p, p->selected + (event->key == KEY_DOWN ? 1 : -1));
        return;
    case KEY_PAGE_UP:
    case KEY_PAGE_DOWN:
        select_item(p, p->selected + (event->key == KEY_PAGE_DOWN ? PAGE : -PAGE));
        return;
    default:
        break;
    }
    if ((event->mods & MOD_CTRL) && event->key == 'v') {
        char pasted[FIELD_SIZE];
        platform_clipboard(app->machine.platform, pasted, sizeof pasted);
        field_insert(&p->field, pasted, strlen(pasted));
        changed = true;
    } else if (!field_event(&p->field, event, &changed)) {
        return;
    }
    if (!changed) return;
    p->error[0] = 0;
    palette_refresh(app);
}

static bool take_event(App *app, const InputEvent *event) {
    if (!palette_is_open(app)) return false;
    switch (event->type) {
    case EVENT_TEXT:
    case EVENT_KEY_DOWN:
        key(app, event);
        break;
    case EVENT_MOUSE_MOVE:
    case EVENT_MOUSE_DOWN:
    case EVENT_WHEEL:
        mouse(app, event);
        break;
    case EVENT_KEY_UP:
    case EVENT_MOUSE_UP:
        break;
    default:
        return false;
    }
    app->pace.redraw = true;
    return true;
}

static void json(const App *app, TextBuffer *out) {
    const Palette *p = palette_of(app);
    if (!palette_is_open(app)) {
        text_append(out, "\"palette\":null,");
        return;
    }
    text_append(out, "\"palette\":{\"text\":");
    text_append_json(out, p->field.text);
    text_appendf(out, ",\"caret\":%zu,\"selected\":%d,\"count\":%d,\"items\":[", p->field.caret, p->selected, p->count);
    for (int i = 0; i < p->count && i < 20; i++) {
        text_append(out, i ? "," : "");
        text_append_json(out, p->items[i].text + p->items[i].shown);
    }
    text_append(out, "],\"error\":");
    text_append_json(out, p->error);
    text_append(out, "},");
}

static bool cmd_prompt(App *app, const char *args, Error *err) {
    char text[FIELD_SIZE];
    /* A command's name alone asks for its arguments. */
    const bool whole = commands_find(app, args, strlen(args)) != NULL;
    snprintf(text, sizeof text, "%s%s", args, whole ? " " : "");
    (void)err;
    palette_open(app, text);
    return true;
}

// clang-format off
static const Command COMMANDS[] = {
    {"ask", "COMMAND", cmd_prompt, "Shift+H=heads Ctrl+P=", "Layers and heads", "type a head set; find any command", NULL, .trusted = true},
    {.name = NULL},
};
// clang-format on

const Part PALETTE = {.name = "palette",
                      .state = &PALETTE_STATE,
                      .close = close,
                      .event = take_event,
                      .drawing = {.over = palette_draw},
                      .json = json,
                      .commands = COMMANDS};
