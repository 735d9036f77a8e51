/* Which commands fit what was typed, best first: by name, by name and argument ("magma" finds "cmap magma"), by help
 * line. What was used lately counts; what belongs to another view comes last and says how to get there. */
#include "features/palette/palette.h"

#include <stdlib.h>
#include <string.h>

#define BY_NAME 24
#define BY_LINE 8
#define AWAY (-30)

static int recency(const Palette *palette, const KnownCommand *command) {
    for (int i = 0; i < palette->history_count; i++) {
        if (!strcmp(palette->history[i], command->row->name)) return PALETTE_HISTORY - i;
    }
    return 0;
}

typedef struct Lines {
    Palette *palette;
    const char *query;
    const KnownCommand *command;
    bool away;
} Lines;

static void add_line(void *user, const char *value, const char *remark) {
    const Lines *lines = user;
    char text[160];
    (void)remark;
    snprintf(text, sizeof text, "%s %s", lines->command->row->name, value);
    PaletteItem *item = palette_add(lines->palette, ITEM_LINE, lines->query, text, 0);
    if (!item) return;
    item->command = lines->command;
    item->away = lines->away;
    item->match.score += BY_LINE + (lines->away ? AWAY : 0);
    snprintf(item->detail, sizeof item->detail, "%s", lines->command->row->help);
}

static void add_command(App *app, const KnownCommand *command, const char *query) {
    Palette *p = palette_of(app);
    const bool away = !commands_fit(command, app->shown.scene);
    PaletteItem *item = palette_add(p, ITEM_COMMAND, query, command->row->name, 0);
    const bool by_name = item != NULL;
    if (!item) {
        char whole[256];
        FuzzyMatch match;
        snprintf(whole, sizeof whole, "%s %s", command->row->help, command->row->name);
        const Lines lines = {p, query, command, away};
        const int before = p->count;
        if (palette_known_values(app, command, add_line, (void *)(uintptr_t)&lines) && p->count > before) return;
        p->count = before;
        /* Letters strewn over a sentence mean nothing. */
        const int letters = (int)strlen(query);
        if (!fuzzy_match(query, whole, &match) || match.score < letters * 20) return;
        item = palette_add(p, ITEM_COMMAND, "", command->row->name, 0);
        if (!item) return;
        item->match.score = match.score / 2;
    }
    item->command = command;
    item->away = away;
    item->match.score += (by_name ? BY_NAME : 0) + (away ? AWAY : 0) + recency(p, command);
    if (away)
        commands_where(app, command, item->detail, sizeof item->detail);
    else
        snprintf(item->detail, sizeof item->detail, "%s", command->row->help);
}

void palette_commands(App *app, const char *query) {
    Palette *p = palette_of(app);
    for (int i = 0; i < app->commands.count; i++) {
        const KnownCommand *command = &app->commands.items[i];
        if (command->row->help && strcmp(command->row->name, "ask")) add_command(app, command, query);
    }
    palette_sort(p);
}
