/* What is not asked for again: jobs that failed, tiles that found no room. */
#include "session/app.h"

#include <string.h>

static uint64_t hash_of(const TileKey *key) {
    const uint64_t hash = tiles_key_hash(key);
    return hash ? hash : 1;
}

/* Place of the hash, or the empty one where it belongs. */
static size_t place_in(const KeySet *set, uint64_t hash) {
    size_t at = (size_t)hash & (KEY_SET_SLOTS - 1);
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (KEY_SET_SLOTS - 1);
    return at;
}

static bool set_has(const KeySet *set, uint64_t hash) {
    return set->count > 0 && (set->count >= KEY_SET_SLOTS / 2 || set->slots[place_in(set, hash)]);
}

void failures_note(KeySet *set, const TileKey *key) {
    const uint64_t hash = hash_of(key);
    if (set_has(set, hash)) return;
    set->slots[place_in(set, hash)] = hash;
    set->count++;
}

static void set_clear(KeySet *set) {
    if (set->count > 0) memset(set, 0, sizeof *set);
}

bool failures_has(const App *app, const TileKey *key) {
    if (app->work.failed.count == 0 && app->work.no_room.count == 0) return false;
    const uint64_t hash = hash_of(key);
    return set_has(&app->work.failed, hash) || set_has(&app->work.no_room, hash);
}

void failures_forget(App *app) {
    set_clear(&app->work.failed);
    set_clear(&app->work.no_room);
}

void failures_forget_no_room(App *app) {
    set_clear(&app->work.no_room);
}
