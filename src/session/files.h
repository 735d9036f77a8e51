/* Files as people look for them: folders read by a worker, captures opened before. */
#ifndef ATTNSCOPE_SESSION_FILES_H
#define ATTNSCOPE_SESSION_FILES_H

#include "session/app.h"

/* ---- files.c --------------------------------------------------------------------------------- */

typedef enum FileClass { FILE_FOLDER, FILE_CAPTURE, FILE_PICTURE, FILE_OTHER } FileClass;

typedef struct FolderEntry {
    const char *name;
    uint64_t size;
    FileClass kind;
} FolderEntry;

#define FOLDER_ENTRIES_MAX 8192

typedef struct FolderList {
    char path[APP_PATH_SIZE];
    bool failed, cut; /* cannot be read; there are more entries than are kept */
    const Format *const *formats;
    FolderEntry *entries; /* folders, captures, pictures, others; by name within */
    size_t count, capacity;
    Arena arena;
} FolderList;

/* Reads the folder: for a worker. Captures are what `formats` know (NULL: those built in). NULL without memory. */
FolderList *files_list(const Format *const *formats, const char *path);
void files_list_drop(FolderList *list); /* NULL is allowed */
/* "~/x" -> "$HOME/x"; anything else as it is. */
void files_expand(const char *path, char *out, size_t out_size);

/* ---- recent.c : captures opened before, newest first ----------------------------------------- */

#define RECENT_MAX 50

typedef struct RecentList {
    int count;
    char *paths[RECENT_MAX]; /* absolute */
} RecentList;

/* A missing or odd file gives a shorter or empty list. For a worker. NULL without memory. */
RecentList *recent_load(const char *file);
void recent_leave_out(RecentList *list, const char *path);
void recent_drop(RecentList *list); /* NULL is allowed */
/* Puts `path` first in the stored list, atomically. For a worker. */
Status recent_note(const char *file, const char *path, Error *err);
/* Where the list is kept; false without a home. */
bool recent_file(char *out, size_t out_size);

#endif
