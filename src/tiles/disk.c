/* The store of base tiles on disk: one folder a capture, named after its identity, one file a tile.
 *
 * The identity is a hash of what stat says of the files (path, size, time of change) and of their first bytes, where
 * every format has its header. Each tile is written to a neighbour and renamed, so readers see whole files; two
 * programs may share a folder. Space is looked after by folder, least recently opened first: a capture's tiles are
 * useful together. */
#include "tiles/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DISK_CAP (UINT64_C(2) << 30)
#define HEADER_BYTES ((size_t)64 << 10)
#define PATH_BYTES 4096
/* Space is counted anew after so many bytes written: one look through the folders. */
#define TRIM_EVERY ((uint64_t)64 << 20)
#define FOLDERS_MAX 4096
/* Cells of a pattern: 4 M are pooled in 5 ms, which is no time to wait for. */
#define WORTHWHILE_CELLS ((int64_t)4 << 20)

struct DiskStore {
    Mutex *mutex;
    char root[PATH_BYTES], folder[PATH_BYTES];
    char *paths; /* of the capture's files, each with its NUL */
    size_t path_count;
    uint64_t identity, cap, since_trim;
    bool trimming;
    DiskStats stats;
};

/* ---- identity -------------------------------------------------------------------------------- */

/* False: a file cannot be told from others; a folder and an index of shards stand for files that are not looked at
 * here. `deep`: with its first bytes. */
static bool add_file(const char *path, bool deep, uint64_t *hash) {
    FileInfo info;
    char real[PATH_MAX];
    if (file_path_info(path, &info, NULL) != STATUS_OK || info.is_directory || text_ends_with(path, ".index.json") ||
        !realpath(path, real)) {
        return false;
    }
    const uint64_t facts[] = {info.size, (uint64_t)info.mtime_ns, *hash};
    *hash = hash_bytes(facts, sizeof facts, hash_bytes(real, strlen(real), *hash));
    if (!deep) {
        return true;
    }
    File *file = NULL;
    size_t size = info.size < HEADER_BYTES ? (size_t)info.size : HEADER_BYTES;
    char *header = mem_alloc(size > 0 ? size : 1);
    bool ok = header != NULL && file_open_read(path, &file, NULL) == STATUS_OK &&
              file_read_at(file, 0, header, size, NULL) == STATUS_OK;
    if (ok) {
        *hash = hash_bytes(header, size, *hash);
    }
    file_close(file);
    mem_free(header);
    return ok;
}

/* What stat says: cheap enough to be asked before every tile is written. */
static bool shallow_identity(const DiskStore *store, uint64_t *out) {
    uint64_t hash = 0;
    const char *path = store->paths;
    for (size_t i = 0; i < store->path_count; i++, path += strlen(path) + 1) {
        if (!add_file(path, false, &hash)) {
            return false;
        }
    }
    *out = hash;
    return true;
}

static Status copy_paths(DiskStore *store, const DiskParams *params, Error *err) {
    size_t length = 1;
    for (size_t i = 0; i < params->path_count; i++) {
        length += strlen(params->paths[i]) + 1;
    }
    store->paths = mem_alloc_zeroed(length, 1);
    if (store->paths == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the disk cache");
    }
    char *at = store->paths;
    for (size_t i = 0; i < params->path_count; i++) {
        size_t n = strlen(params->paths[i]) + 1;
        memcpy(at, params->paths[i], n);
        at += n;
    }
    store->path_count = params->path_count;
    return STATUS_OK;
}

static Status place_store(DiskStore *store, const DiskParams *params, Error *err) {
    uint64_t hash = params->reading != NULL ? hash_bytes(params->reading, strlen(params->reading), 1) : 0;
    bool known = params->path_count > 0 && shallow_identity(store, &store->identity);
    for (size_t i = 0; known && i < params->path_count; i++) {
        known = add_file(params->paths[i], true, &hash);
    }
    if (!known) {
        return error_set(err, STATUS_NOT_FOUND, "these files cannot be told from others; nothing is kept on disk");
    }
    bool placed = params->folder != NULL
                      ? (size_t)snprintf(store->root, sizeof store->root, "%s", params->folder) < sizeof store->root
                      : file_xdg_path(XDG_CACHE, "tiles", store->root, sizeof store->root);
    int length = snprintf(store->folder, sizeof store->folder, "%.4000s/%016" PRIx64, store->root, hash);
    if (!placed || length < 0 || (size_t)length + 128 > sizeof store->folder) {
        return error_set(err, STATUS_NOT_FOUND, "there is no cache folder");
    }
    return STATUS_OK;
}

Status tiles_disk_open(const DiskParams *params, DiskStore **out, Error *err) {
    *out = NULL;
    DiskStore *store = mem_alloc_zeroed(1, sizeof *store);
    if (store == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the disk cache");
    }
    store->cap = params->cap_bytes > 0 ? params->cap_bytes : DISK_CAP;
    store->since_trim = TRIM_EVERY; /* the first tile written counts what is there */
    store->mutex = mutex_new();
    Status status = store->mutex != NULL ? copy_paths(store, params, err)
                                         : error_set(err, STATUS_MEMORY, "not enough memory for the disk cache");
    if (status == STATUS_OK) {
        status = place_store(store, params, err);
    }
    if (status != STATUS_OK) {
        tiles_disk_close(store);
        return status;
    }
    (void)file_touch(store->folder); /* used now; it need not exist */
    *out = store;
    return STATUS_OK;
}

void tiles_disk_close(DiskStore *store) {
    if (store == NULL) {
        return;
    }
    mutex_drop(store->mutex);
    mem_free(store->paths);
    mem_free(store);
}

DiskStats tiles_disk_stats(DiskStore *store) {
    mutex_lock(store->mutex);
    DiskStats stats = store->stats;
    mutex_unlock(store->mutex);
    return stats;
}

/* ---- space ----------------------------------------------------------------------------------- */

typedef struct Folder {
    char name[64];
    int64_t used_ns;
    uint64_t bytes;
} Folder;

typedef struct Trim {
    DiskStore *store;
    Folder *folders;
    size_t count;
    char path[PATH_BYTES]; /* of the folder that is looked through */
    uint64_t bytes;
} Trim;

static bool count_file(void *user, const char *name, const FileInfo *info) {
    (void)name;
    Trim *trim = user;
    trim->bytes += info->size;
    return true;
}

static bool remove_file(void *user, const char *name, const FileInfo *info) {
    const Trim *trim = user;
    char path[PATH_BYTES + 300];
    if (!info->is_directory && snprintf(path, sizeof path, "%s/%s", trim->path, name) < (int)sizeof path) {
        (void)file_remove(path);
    }
    return true;
}

static bool add_folder(void *user, const char *name, const FileInfo *info) {
    Trim *trim = user;
    if (!info->is_directory || strlen(name) >= sizeof trim->folders->name) {
        return true;
    }
    Folder *folder = &trim->folders[trim->count++];
    snprintf(folder->name, sizeof folder->name, "%s", name);
    folder->used_ns = info->mtime_ns;
    return trim->count < FOLDERS_MAX;
}

static int oldest_first(const void *a, const void *b) {
    int64_t x = ((const Folder *)a)->used_ns, y = ((const Folder *)b)->used_ns;
    return (x > y) - (x < y);
}

static void enter(Trim *trim, const Folder *folder) {
    snprintf(trim->path, sizeof trim->path, "%.3900s/%s", trim->store->root, folder->name);
}

/* Removes whole captures, least recently opened first, but not this one. Returns the bytes that remain. */
static uint64_t trim_folders(DiskStore *store) {
    Trim *trim = mem_alloc_zeroed(1, sizeof *trim);
    uint64_t total = 0;
    if (trim == NULL) {
        return 0;
    }
    trim->store = store;
    trim->folders = mem_alloc_zeroed(FOLDERS_MAX, sizeof *trim->folders);
    if (trim->folders != NULL && folder_visit(store->root, add_folder, trim)) {
        for (size_t i = 0; i < trim->count; i++) {
            enter(trim, &trim->folders[i]);
            trim->bytes = 0;
            folder_visit(trim->path, count_file, trim);
            trim->folders[i].bytes = trim->bytes;
            total += trim->bytes;
        }
        qsort(trim->folders, trim->count, sizeof *trim->folders, oldest_first);
        for (size_t i = 0; i < trim->count && total > store->cap; i++) {
            enter(trim, &trim->folders[i]);
            if (strcmp(trim->path, store->folder) != 0) {
                folder_visit(trim->path, remove_file, trim);
                (void)file_remove(trim->path);
                total -= trim->folders[i].bytes;
            }
        }
    }
    mem_free(trim->folders);
    mem_free(trim);
    return total;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

bool tiles_disk_worthwhile(const TileWant *want) {
    const TileKey *key = &want->key;
    if (want->kind != JOB_BASE || key->variant != 0 || key->set < 0 || key->set >= capture_set_count(want->capture)) {
        return false;
    }
    const SetInfo *set = capture_set(want->capture, key->set);
    if (key->layer < 0 || key->layer >= set->layer_count) {
        return false;
    }
    const LayerInfo *layer = &set->layers[key->layer];
    int64_t cells;
    return !i64_mul(layer->queries, layer->keys, &cells) || cells >= WORTHWHILE_CELLS;
}

static void tile_path(const DiskStore *store, const TileKey *key, char *out, size_t out_size) {
    snprintf(out, out_size, "%s/%d-%d-%d-%d-%d-%d-%d-%d.tile", store->folder, key->set, key->item, key->step,
             key->values, key->layer, key->head, key->lq, key->lk);
}

bool tiles_disk_load(DiskStore *store, const TileKey *key, int64_t rows_expected, TileNode *node, DiskRows *rows) {
    char path[PATH_BYTES + 128];
    bool damaged;
    tile_path(store, key, path, sizeof path);
    bool found = tiles_disk_file_read(path, key, rows_expected, node, rows, &damaged);
    if (damaged) {
        (void)file_remove(path);
    }
    mutex_lock(store->mutex);
    store->stats.hits += found ? 1 : 0;
    store->stats.misses += found ? 0 : 1;
    store->stats.damaged += damaged ? 1 : 0;
    mutex_unlock(store->mutex);
    return found;
}

static void stop(DiskStore *store, const char *reason) {
    mutex_lock(store->mutex);
    if (!store->stats.stopped) {
        store->stats.stopped = true;
        snprintf(store->stats.reason, sizeof store->stats.reason, "%.199s", reason);
        log_debug("disk cache: nothing is written any more: %s", reason);
    }
    mutex_unlock(store->mutex);
}

/* Whether to write now; the one who is told so first in a while makes room, too. */
static bool may_save(DiskStore *store, uint64_t size, bool *trim) {
    mutex_lock(store->mutex);
    bool may = !store->stats.stopped;
    store->since_trim += size;
    *trim = may && store->since_trim >= TRIM_EVERY && !store->trimming;
    if (*trim) {
        store->trimming = true;
        store->since_trim = 0;
    }
    mutex_unlock(store->mutex);
    return may;
}

void tiles_disk_save(DiskStore *store, const TileData *data, const DiskRows *rows) {
    char path[PATH_BYTES + 128];
    Error err = {0};
    uint64_t now;
    bool trim;
    if (!may_save(store, data->size + (uint64_t)rows->count * sizeof *rows->lse, &trim)) {
        return;
    }
    if (trim) {
        bool full = trim_folders(store) > store->cap;
        mutex_lock(store->mutex);
        store->trimming = false;
        mutex_unlock(store->mutex);
        if (full) {
            stop(store, "this capture alone fills the disk cache");
            return;
        }
    }
    /* A file that was rewritten since it was opened: what was computed may belong to either. */
    if (!shallow_identity(store, &now) || now != store->identity) {
        stop(store, "the capture's file has changed since it was opened");
        return;
    }
    Status status = file_make_directories(store->folder, &err);
    if (status == STATUS_OK) {
        tile_path(store, &data->key, path, sizeof path);
        status = tiles_disk_file_write(path, data, rows, &err);
    }
    if (status != STATUS_OK) {
        stop(store, err.message);
        return;
    }
    mutex_lock(store->mutex);
    store->stats.stored++;
    mutex_unlock(store->mutex);
}
