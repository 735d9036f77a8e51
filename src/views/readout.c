/* Values that people read come from the source, never from a texture: a worker reads or recomputes the cells, and this
 * store keeps the last few answers until the next frame asks for them. */
#include "views/frame.h"

#include <string.h>

static bool same_pattern(const TileKey *a, const TileKey *b) {
    return a->capture == b->capture && a->serial == b->serial && a->set == b->set && a->item == b->item &&
           a->step == b->step && a->layer == b->layer && a->head == b->head && a->headset == b->headset &&
           a->values == b->values && a->variant == b->variant;
}

void views_readout_accept(Readouts *readouts, TileData *data) {
    int slot = 0;
    for (int i = 0; i < READOUT_SLOTS; i++) {
        if (!readouts->slots[i] || tiles_key_equal(&readouts->slots[i]->key, &data->key)) {
            slot = i;
            break;
        }
        if (readouts->used[i] < readouts->used[slot]) slot = i;
    }
    tiles_data_drop(readouts->slots[slot]);
    readouts->slots[slot] = data;
    readouts->used[slot] = ++readouts->counter;
}

const TileData *views_readout_find(Readouts *readouts, const TileKey *key) {
    for (int i = 0; i < READOUT_SLOTS; i++) {
        if (readouts->slots[i] && tiles_key_equal(&readouts->slots[i]->key, key)) {
            readouts->used[i] = ++readouts->counter;
            return readouts->slots[i];
        }
    }
    return NULL;
}

const float *views_readout_cell(Readouts *readouts, const TileKey *key, int64_t query, int64_t key_index) {
    for (int i = 0; i < READOUT_SLOTS; i++) {
        const TileData *data = readouts->slots[i];
        if (!data || data->status != STATUS_OK || !same_pattern(&data->key, key)) continue;
        const int64_t row = query - data->key.y, column = key_index - data->key.x;
        if (row < 0 || row >= data->key.rows || column < 0 || column >= data->key.columns) continue;
        readouts->used[i] = ++readouts->counter;
        return (const float *)data->texels + row * data->key.columns + column;
    }
    return NULL;
}

void views_readout_clear(Readouts *readouts) {
    for (int i = 0; i < READOUT_SLOTS; i++)
        tiles_data_drop(readouts->slots[i]);
    memset(readouts, 0, sizeof *readouts);
}
