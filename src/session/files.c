#include "session/files.h"
#include "formats/formats.h"

#include <stdlib.h>
#include <string.h>

static FileClass class_of(const Format *const *formats, const char *name, bool is_folder) {
    if (is_folder) return FILE_FOLDER;
    if (text_ends_with(name, ".tokens.json") || !strcmp(name, "tokens.json")) return FILE_OTHER;
    if (formats_know(formats, name)) return FILE_CAPTURE;
    return text_ends_with(name, ".png") ? FILE_PICTURE : FILE_OTHER;
}

void files_expand(const char *path, char *out, size_t out_size) {
    const char *home = getenv("HOME");
    if (home && path[0] == '~' && (path[1] == '/' || !path[1]))
        snprintf(out, out_size, "%s%s", home, path + 1);
    else
        snprintf(out, out_size, "%s", path);
}

static bool add_entry(void *user, const char *name, const FileInfo *info) {
    FolderList *list = user;
    void *entries = list->entries;
    if (list->count == FOLDER_ENTRIES_MAX ||
        !mem_grow(&entries, &list->capacity, list->count + 1, sizeof list->entries[0])) {
        list->cut = true;
        return false;
    }
    list->entries = entries;
    const size_t length = strlen(name);
    if (!utf8_valid(name, length)) return true; /* could not be typed, nor shown */
    const FolderEntry entry = {.name = arena_copy_text(&list->arena, name, length),
                               .size = info->size,
                               .kind = class_of(list->formats, name, info->is_directory)};
    if (entry.name) list->entries[list->count++] = entry;
    return true;
}

/* "run9" before "run10". */
static int compare_names(const char *a, const char *b) {
    while (*a && *b) {
        if (*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9') {
            const size_t zeros_a = strspn(a, "0"), zeros_b = strspn(b, "0");
            a += zeros_a;
            b += zeros_b;
            const size_t digits_a = strspn(a, "0123456789"), digits_b = strspn(b, "0123456789");
            if (digits_a != digits_b) return digits_a < digits_b ? -1 : 1;
            const int order = memcmp(a, b, digits_a);
            if (order) return order;
            a += digits_a;
            b += digits_b;
        } else {
            const int x = *a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : (unsigned char)*a;
            const int y = *b >= 'A' && *b <= 'Z' ? *b - 'A' + 'a' : (unsigned char)*b;
            if (x != y) return x - y;
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int compare_entries(const void *a, const void *b) {
    const FolderEntry *x = a, *y = b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : compare_names(x->name, y->name);
}

FolderList *files_list(const Format *const *formats, const char *path) {
    FolderList *list = mem_alloc_zeroed(1, sizeof *list);
    if (!list) return NULL;
    list->formats = formats;
    snprintf(list->path, sizeof list->path, "%s", path);
    list->failed = !folder_visit(path, add_entry, list);
    if (list->count > 1) qsort(list->entries, list->count, sizeof list->entries[0], compare_entries);
    return list;
}

void files_list_drop(FolderList *list) {
    if (!list) return;
    arena_free(&list->arena);
    mem_free(list->entries);
    mem_free(list);
}
