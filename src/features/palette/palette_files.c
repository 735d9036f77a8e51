/* Paths as arguments: what was opened before, then the folder that was typed so far. Folders are read by a worker; until
 * it is done the list says so. */
#include "features/palette/palette.h"
#include "session/chores.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_SHOWN 6 /* while nothing is typed */

typedef struct Listing {
    char path[APP_PATH_SIZE], open[APP_PATH_SIZE]; /* open: the capture that is, "" for a demo */
    const Format *const *formats;
    FolderList *list;
    RecentList *recent;
} Listing;

static void listing_run(void *data) {
    Listing *listing = data;
    char file[APP_PATH_SIZE], absolute[PATH_MAX];
    listing->list = files_list(listing->formats, listing->path);
    if (recent_file(file, sizeof file)) listing->recent = recent_load(file);
    if (listing->recent && listing->open[0] && realpath(listing->open, absolute))
        recent_leave_out(listing->recent, absolute);
}

static void listing_discard(void *data) {
    Listing *listing = data;
    files_list_drop(listing->list);
    recent_drop(listing->recent);
    mem_free(listing);
}

static void listing_done(App *app, void *data) {
    Listing *listing = data;
    Palette *p = palette_of(app);
    if (p && listing->list && !strcmp(p->listing_wanted, listing->path)) {
        files_list_drop(p->listing);
        recent_drop(p->recent);
        p->listing = listing->list;
        p->recent = listing->recent;
        listing->list = NULL;
        listing->recent = NULL;
        if (p->wants_files && !p->picked) palette_of(app)->refresh(app);
    }
    listing_discard(data);
}

/* The folder's entries, or NULL while they are being read. */
static const FolderList *folder(App *app, const char *path) {
    Palette *p = palette_of(app);
    if (strcmp(p->listing_wanted, path)) {
        Listing *listing = mem_alloc_zeroed(1, sizeof *listing);
        if (!listing) return NULL;
        snprintf(p->listing_wanted, sizeof p->listing_wanted, "%s", path);
        listing->formats = app->catalog->formats;
        snprintf(listing->path, sizeof listing->path, "%s", path);
        if (!app->opened.captures[0].is_demo)
            snprintf(listing->open, sizeof listing->open, "%s", app->opened.captures[0].path);
        (void)chores_post(app->machine.chores[CHORES_FILES],
                          &(Chore){listing_run, listing_done, listing_discard, listing});
    }
    return p->listing && !strcmp(p->listing->path, path) ? p->listing : NULL;
}

#define TYPED 1000 /* a path that was typed to its end */

static void add_recent(Palette *p, const char *query) {
    const int most = query[0] ? RECENT_MAX : RECENT_SHOWN;
    for (int i = 0, shown = 0; p->recent && i < p->recent->count && shown < most; i++) {
        const char *path = p->recent->paths[i];
        const size_t name = (size_t)(file_base_name(path) - path);
        PaletteItem *item = palette_add(p, ITEM_RECENT, query, path, name);
        if (!item) continue;
        snprintf(item->detail, sizeof item->detail, "%.*s", (int)name, path);
        shown++;
    }
}

static void add_entry(Palette *p, const FolderEntry *entry, const char *query, const char *before) {
    char text[sizeof p->items[0].text], size[32];
    const bool is_folder = entry->kind == FILE_FOLDER;
    if (entry->name[0] == '.' && query[0] != '.') return;
    const int length = snprintf(text, sizeof text, "%s%s%s", before, entry->name, is_folder ? "/" : "");
    if (length < 0 || (size_t)length >= sizeof text) return;
    PaletteItem *item = palette_add(p, is_folder ? ITEM_FOLDER : ITEM_FILE, query, text, strlen(before));
    if (!item) return;
    text_format_bytes(entry->size, size, sizeof size);
    snprintf(item->detail, sizeof item->detail, "%s", is_folder ? "folder" : size);
    item->away = entry->kind == FILE_OTHER;
}

static void add_up(Palette *p, const char *before) {
    char up[FIELD_SIZE + 4];
    snprintf(up, sizeof up, "%s../", before);
    PaletteItem *item = palette_add(p, ITEM_FOLDER, "", up, strlen(before));
    if (item) snprintf(item->detail, sizeof item->detail, "the folder above");
}

void palette_files(App *app) {
    Palette *p = palette_of(app);
    const char *typed = p->field.text + p->word;
    const char *name = file_base_name(typed);
    char before[FIELD_SIZE], path[APP_PATH_SIZE];
    const bool opens = p->command->row->opens;
    snprintf(before, sizeof before, "%.*s", (int)(name - typed), typed);
    files_expand(before[0] ? before : ".", path, sizeof path);
    const FolderList *list = folder(app, path);
    p->closed |= opens;
    if (opens) add_recent(p, name);
    if (!list) return;
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 1 && !name[0] && strcmp(before, "/")) add_up(p, before);
        /* What cannot be opened is of use where a name is chosen for writing. */
        for (size_t i = 0; i < list->count; i++) {
            if ((list->entries[i].kind == FILE_OTHER) == (kind == 1)) add_entry(p, &list->entries[i], name, before);
        }
    }
    for (int i = 0; i < p->count; i++) {
        if (!strcmp(p->items[i].text, typed)) p->items[i].match.score += TYPED;
    }
    if (name[0]) palette_sort(p);
}
