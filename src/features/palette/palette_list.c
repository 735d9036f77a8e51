/* What all files of the palette need: its state, and the list below the field: what fits, best first. */
#include "features/palette/palette.h"

#include <stdlib.h>
#include <string.h>

const StateKey PALETTE_STATE = {.size = sizeof(Palette)};

Palette *palette_of(const App *app) {
    return app_state(app, &PALETTE_STATE);
}

bool palette_is_open(const App *app) {
    return palette_of(app)->open;
}

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

static int by_score(const void *a, const void *b) {
    const PaletteItem *x = a, *y = b;
    if (x->match.score != y->match.score) return x->match.score > y->match.score ? -1 : 1;
    return x->order - y->order;
}

void palette_sort(Palette *palette) {
    if (palette->count > 1) qsort(palette->items, (size_t)palette->count, sizeof palette->items[0], by_score);
}
