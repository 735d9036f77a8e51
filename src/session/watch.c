/* A change counts once two looks a second apart agree on it: a file that is being written differs from look to look, and
 * one that is replaced may be missing in between. */
#include "session/watch.h"

#include <string.h>

#define WATCH_PATH_SIZE 4096

#define LOOK_EVERY_NS UINT64_C(1000000000)
#define PATHS_MAX 64

static bool is_pattern(const char *path) {
    return strpbrk(path, "*?[") != NULL;
}

/* In no order: a sum. */
static bool add_entry(void *user, const char *name, const FileInfo *info) {
    uint64_t *sum = user;
    if (!info->is_directory) *sum += file_sign(info, hash_bytes(name, strlen(name), 0));
    return true;
}

bool watch_sign(const char *const *paths, size_t count, uint64_t *sign) {
    bool there = true;
    *sign = 0;
    for (size_t i = 0; i < count; i++) {
        char folder[WATCH_PATH_SIZE];
        FileInfo info = {0};
        uint64_t one = 0;
        const bool index = text_ends_with(paths[i], ".index.json"), pattern = is_pattern(paths[i]);
        snprintf(folder, sizeof folder, "%s", paths[i]);
        if (pattern || index) { /* what it stands for lies beside it */
            snprintf(folder, sizeof folder, "%.*s.", (int)(file_base_name(paths[i]) - paths[i]), paths[i]);
        }
        const bool exists = file_path_info(pattern ? folder : paths[i], &info, NULL) == STATUS_OK;
        if (exists && (info.is_directory || index)) {
            there &= folder_visit(folder, add_entry, &one);
        } else if (exists) {
            one = file_sign(&info, 0);
        }
        there &= exists;
        *sign = hash_u64(*sign + one);
    }
    return there;
}

WatchNews watch_step(WatchState *state, bool there, uint64_t sign) {
    if (!there) {
        const bool again = state->missing;
        state->missing = true;
        state->differs = false;
        if (!again || state->gone) return WATCH_NOTHING;
        state->gone = true;
        return WATCH_GONE;
    }
    state->missing = state->gone = false;
    if (sign == state->known) {
        state->differs = false;
        return WATCH_NOTHING;
    }
    const bool quiet = state->differs && sign == state->last;
    state->differs = !quiet;
    state->last = sign;
    if (!quiet) return WATCH_NOTHING;
    state->known = sign;
    return WATCH_CHANGED;
}

/* ---- the thread ------------------------------------------------------------------------------ */

struct Watch {
    Mutex *mutex;
    Cond *told; /* "other paths" or "quit" */
    Thread *thread;
    bool quit;
    char *paths; /* one after the other, each with its NUL */
    size_t count, size;
    unsigned generation; /* of the paths */
    WatchState state;
    WatchNews news;
    void (*wake)(void *user);
    void *user;
};

static size_t split(const char *joined, size_t count, const char *out[PATHS_MAX]) {
    for (size_t i = 0; i < count; i++) {
        out[i] = joined;
        joined += strlen(joined) + 1;
    }
    return count;
}

/* One look, without the lock while files are asked. */
static void look(Watch *watch) {
    const char *paths[PATHS_MAX];
    const unsigned generation = watch->generation;
    const size_t size = watch->size, count = watch->count;
    char *copy = count ? mem_alloc(size) : NULL;
    if (!copy) return;
    memcpy(copy, watch->paths, size);
    mutex_unlock(watch->mutex);
    uint64_t sign;
    const bool there = watch_sign(paths, split(copy, count, paths), &sign);
    mem_free(copy);
    mutex_lock(watch->mutex);
    if (watch->generation != generation) return;
    const WatchNews news = watch_step(&watch->state, there, sign);
    if (news == WATCH_NOTHING) return;
    watch->news = news;
    watch->wake(watch->user);
}

static void run(void *user) {
    Watch *watch = user;
    mutex_lock(watch->mutex);
    while (!watch->quit) {
        if (watch->count == 0)
            cond_wait(watch->told, watch->mutex);
        else if (!cond_wait_for(watch->told, watch->mutex, LOOK_EVERY_NS))
            look(watch);
    }
    mutex_unlock(watch->mutex);
}

Status watch_new(void (*wake)(void *user), void *user, Watch **out, Error *err) {
    Watch *watch = mem_alloc_zeroed(1, sizeof *watch);
    *out = NULL;
    if (!watch) return error_set(err, STATUS_MEMORY, "not enough memory to watch files");
    watch->wake = wake;
    watch->user = user;
    watch->mutex = mutex_new();
    watch->told = cond_new();
    Status status = watch->mutex && watch->told ? STATUS_OK
                                                : error_set(err, STATUS_MEMORY, "not enough memory to watch files");
    if (status == STATUS_OK) status = thread_start(&watch->thread, run, watch, "watch", true, err);
    if (status != STATUS_OK) {
        watch_drop(watch);
        return status;
    }
    *out = watch;
    return STATUS_OK;
}

void watch_drop(Watch *watch) {
    if (!watch) return;
    if (watch->thread) {
        mutex_lock(watch->mutex);
        watch->quit = true;
        cond_signal(watch->told);
        mutex_unlock(watch->mutex);
        thread_join(watch->thread);
    }
    if (watch->told) cond_drop(watch->told);
    if (watch->mutex) mutex_drop(watch->mutex);
    mem_free(watch->paths);
    mem_free(watch);
}

void watch_set(Watch *watch, const char *const *paths, size_t count, uint64_t sign) {
    TextBuffer joined = {0};
    const char end = 0;
    if (count > PATHS_MAX) count = 0;
    for (size_t i = 0; i < count; i++) {
        text_append(&joined, paths[i]);
        text_append_bytes(&joined, &end, 1);
    }
    if (joined.failed) count = 0; /* then a change goes unseen; F5 is still there */
    mutex_lock(watch->mutex);
    char *old = watch->paths;
    watch->paths = joined.text;
    watch->size = joined.length;
    watch->count = count;
    watch->generation++;
    watch->state = (WatchState){.known = sign, .last = sign};
    watch->news = WATCH_NOTHING;
    cond_signal(watch->told);
    mutex_unlock(watch->mutex);
    mem_free(old);
}

WatchNews watch_take(Watch *watch) {
    mutex_lock(watch->mutex);
    const WatchNews news = watch->news;
    watch->news = WATCH_NOTHING;
    mutex_unlock(watch->mutex);
    return news;
}
