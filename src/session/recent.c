/* Captures opened before: one absolute path a line, newest first, in the XDG state folder. Several programs may write;
 * each reads the list again first, and the last one's order stands. */
#include "session/files.h"

#include <string.h>

#define FILE_MAX_BYTES ((size_t)RECENT_MAX * 2 * APP_PATH_SIZE)

bool recent_file(char *out, size_t out_size) {
    return file_xdg_path(XDG_STATE, "recent", out, out_size);
}

void recent_drop(RecentList *list) {
    if (!list) return;
    for (int i = 0; i < list->count; i++)
        mem_free(list->paths[i]);
    mem_free(list);
}

void recent_leave_out(RecentList *list, const char *path) {
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        if (strcmp(list->paths[i], path))
            list->paths[kept++] = list->paths[i];
        else
            mem_free(list->paths[i]);
    }
    list->count = kept;
}

static bool is_known(const RecentList *list, const char *path) {
    for (int i = 0; i < list->count; i++) {
        if (!strcmp(list->paths[i], path)) return true;
    }
    return false;
}

/* Paths that cannot be a line of the file, or cannot be shown, are not kept. */
static bool is_usable(const char *path) {
    const size_t length = strlen(path);
    return path[0] == '/' && length < APP_PATH_SIZE && !strpbrk(path, "\r\n") && utf8_valid(path, length);
}

static void add(RecentList *list, const char *path) {
    if (list->count == RECENT_MAX || !is_usable(path) || is_known(list, path)) return;
    char *copy = mem_strdup(path);
    if (copy) list->paths[list->count++] = copy;
}

static void add_stored(RecentList *list, const char *file) {
    char *text = NULL;
    size_t size = 0;
    if (!file_exists(file) || file_read_all(file, FILE_MAX_BYTES, &text, &size, NULL) != STATUS_OK) return;
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        add(list, line);
        line = end ? end + 1 : NULL;
    }
    mem_free(text);
}

RecentList *recent_load(const char *file) {
    RecentList *list = mem_alloc_zeroed(1, sizeof *list);
    if (list) add_stored(list, file);
    return list;
}

Status recent_note(const char *file, const char *path, Error *err) {
    char folder[APP_PATH_SIZE];
    TextBuffer text = {0};
    Status status = STATUS_OK;
    RecentList *list = mem_alloc_zeroed(1, sizeof *list);
    if (!list) return error_set(err, STATUS_MEMORY, "not enough memory for the list of recent files");
    add(list, path);
    if (list->count == 0) goto done;
    add_stored(list, file);
    for (int i = 0; i < list->count; i++)
        text_appendf(&text, "%s\n", list->paths[i]);
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(file) - file), file);
    if (text.failed)
        status = error_set(err, STATUS_MEMORY, "not enough memory for the list of recent files");
    else if ((status = file_make_directories(folder, err)) == STATUS_OK)
        status = file_write_all(file, text.text, text.length, err);
done:
    text_buffer_free(&text);
    recent_drop(list);
    return status;
}
