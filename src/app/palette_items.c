/* Which commands fit what was typed, best first: by name, by name and argument ("magma" finds "cmap magma"), by help
 * line. What was used lately counts; what belongs to another view comes last and says how to get there. */
#include "app/palette.h"

#include <stdlib.h>
#include <string.h>

#define BY_NAME 24
#define BY_LINE 8
#define AWAY (-30)

PaletteItem *palette_add(Palette *palette, PaletteKind kind, const char *query, const char *text, size_t shown) {
    FuzzyMatch match;
    void *items = palette->items;
    if (palette->count == PALETTE_ITEMS_MAX || strlen(text) >= sizeof palette->items[0].text) return NULL;
    if (!fuzzy_match(query, text + shown, &match)) return NULL;
    if (!mem_grow(&items, &palette->capacity, (size_t)palette->count + 1, sizeof palette->items[0])) return NULL;
    palette->items = items;
    PaletteItem *item = &palette->items[palette->count];
    *item = (PaletteItem){.kind = kind, .shown = shown, .order = palette->count, .match = match};
    snprintf(item->text, sizeof item->text, "%s", text);
    palette->count++;
    return item;
}

static int recency(const Palette *palette, const Command *command) {
    for (int i = 0; i < palette->history_count; i++) {
        if (!strcmp(palette->history[i], command->name)) return PALETTE_HISTORY - i;
    }
    return 0;
}

typedef struct Lines {
    Palette *palette;
    const char *query;
    const Command *command;
    bool away;
} Lines;

static void add_line(void *user, const char *value, const char *remark) {
    const Lines *lines = user;
    char text[160];
    (void)remark;
    snprintf(text, sizeof text, "%s %s", lines->command->name, value);
    PaletteItem *item = palette_add(lines->palette, ITEM_LINE, lines->query, text, 0);
    if (!item) return;
    item->command = lines->command;
    item->away = lines->away;
    item->match.score += BY_LINE + (lines->away ? AWAY : 0);
    snprintf(item->detail, sizeof item->detail, "%s", lines->command->help);
}

static void add_command(App *app, const Command *command, const char *query) {
    Palette *p = app->palette;
    const bool away = !(app_command_views(command) & (1u << app->look.kind));
    PaletteItem *item = palette_add(p, ITEM_COMMAND, query, command->name, 0);
    const bool by_name = item != NULL;
    if (!item) {
        char whole[256];
        FuzzyMatch match;
        snprintf(whole, sizeof whole, "%s %s", command->help, command->name);
        const Lines lines = {p, query, command, away};
        const int before = p->count;
        if (palette_known_values(app, command, add_line, (void *)(uintptr_t)&lines) && p->count > before) return;
        p->count = before;
        /* Letters strewn over a sentence mean nothing. */
        const int letters = (int)strlen(query);
        if (!fuzzy_match(query, whole, &match) || match.score < letters * 20) return;
        item = palette_add(p, ITEM_COMMAND, "", command->name, 0);
        if (!item) return;
        item->match.score = match.score / 2;
    }
    item->command = command;
    item->away = away;
    item->match.score += (by_name ? BY_NAME : 0) + (away ? AWAY : 0) + recency(p, command);
    if (away)
        app_command_where(app, command, item->detail, sizeof item->detail);
    else
        snprintf(item->detail, sizeof item->detail, "%s", command->help);
}

static int by_score(const void *a, const void *b) {
    const PaletteItem *x = a, *y = b;
    if (x->match.score != y->match.score) return x->match.score > y->match.score ? -1 : 1;
    return x->order - y->order;
}

void palette_sort(Palette *palette) {
    if (palette->count > 1) qsort(palette->items, (size_t)palette->count, sizeof palette->items[0], by_score);
}

void palette_commands(App *app, const char *query) {
    Palette *p = app->palette;
    for (int i = 0; i < APP_COMMAND_COUNT; i++) {
        const Command *command = &APP_COMMANDS[i];
        if (command->help && strcmp(command->name, "ask")) add_command(app, command, query);
    }
    palette_sort(p);
}
