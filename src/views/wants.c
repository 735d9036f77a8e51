/* What is asked of the workers. */
#include "views/frame.h"

#include <string.h>

TileWant *views_want(WantList *wants, JobKind kind, const TileKey *key, const Capture *capture) {
    if (!mem_grow((void **)&wants->items, &wants->capacity, wants->count + 1, sizeof *wants->items)) return NULL;
    TileWant *want = &wants->items[wants->count++];
    /* HeadSet is large; only composites and cells carry one, and they set it themselves. */
    want->kind = kind;
    want->key = *key;
    want->capture = capture;
    want->heads.op = HEADS_MEAN;
    want->heads.count = 0;
    want->finer = want->company = want->better_than = 0;
    if (tiles_key_varied(key)) want->variant = wants->variant;
    return want;
}

void views_wants_free(WantList *wants) {
    mem_free(wants->items);
    memset(wants, 0, sizeof *wants);
}

bool views_has_failed(const Frame *frame, const TileKey *key) {
    return frame->has_failed && frame->has_failed(frame->has_failed_user, key);
}
