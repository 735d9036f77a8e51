/* Folders: looking through them, removing, touching. For caches, whose failures interest nobody: hence bool and no
 * Error. */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_visit(const char *path, bool (*visit)(void *user, const char *name, const FileInfo *info), void *user) {
    DIR *folder = opendir(path);
    if (!folder) {
        return false;
    }
    bool more = true;
    for (struct dirent *entry; more && (entry = readdir(folder)) != NULL;) {
        char full[PATH_MAX];
        FileInfo info;
        int length = snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (itself || length < 0 || (size_t)length >= sizeof(full) || file_path_info(full, &info, NULL) != STATUS_OK) {
            continue;
        }
        more = visit(user, entry->d_name, &info);
    }
    closedir(folder);
    return true;
}

bool file_remove(const char *path) {
    return remove(path) == 0;
}

bool file_rename(const char *from, const char *to) {
    return rename(from, to) == 0;
}

bool file_touch(const char *path) {
    return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}
