#include "features/pins.h"

#include <math.h>
#include <string.h>

/* A strip takes about a tenth of a second where each row's sum has to be computed from all its keys. */
#define STRIP_CELLS ((int64_t)1 << 25)
#define STRIP_ROWS_LEAST 64
#define STRIP_ROWS_MOST ((int64_t)1 << 20)
#define WANTS_MAX 64 /* heads asked for at a time */

/* ---- lines ----------------------------------------------------------------------------------- */

void pins_line_begin(PinLine *line, int64_t count) {
    memset(line, 0, sizeof *line);
    line->count = count;
    line->bin_count = (int)i64_min(count, PIN_BINS);
    for (int i = 0; i < PIN_BINS; i++)
        line->bins[i] = -1;
}

static bool comes_before(float value, int64_t at, float other, int64_t other_at) {
    const float a = fabsf(value), b = fabsf(other);
    return a > b || (a == b && at < other_at);
}

static void rank(PinLine *line, int64_t at, float value) {
    int place = line->top_count;
    while (place > 0 && comes_before(value, at, line->top_values[place - 1], line->top[place - 1]))
        place--;
    if (place == PIN_TOP) return;
    const int last = line->top_count < PIN_TOP ? line->top_count++ : PIN_TOP - 1;
    for (int i = last; i > place; i--) {
        line->top[i] = line->top[i - 1];
        line->top_values[i] = line->top_values[i - 1];
    }
    line->top[place] = at;
    line->top_values[place] = value;
}

void pins_line_take(PinLine *line, int64_t first, const float *cells, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(cells[i])) continue;
        const int64_t at = first + i;
        float *bin = &line->bins[(int64_t)((double)at * line->bin_count / (double)line->count)];
        *bin = fmaxf(*bin, fabsf(cells[i]));
        line->most = fmaxf(line->most, fabsf(cells[i]));
        rank(line, at, cells[i]);
    }
    line->done += n;
}

/* ---- the list -------------------------------------------------------------------------------- */

int pins_find(const Pins *pins, int set, int64_t query, int64_t key) {
    for (int i = 0; i < pins->count; i++) {
        const Pin *pin = &pins->items[i];
        if (pin->set == set && pin->query == query && pin->key == key) return i;
    }
    return -1;
}

bool pins_add(Pins *pins, int set, int64_t query, int64_t key) {
    if (pins->count == PINS_MAX) return false;
    pins->focus = pins->count;
    pins->items[pins->count++] = (Pin){.set = set, .query = query, .key = key};
    return true;
}

void pins_remove(Pins *pins, int index) {
    memmove(&pins->items[index], &pins->items[index + 1], (size_t)(pins->count - index - 1) * sizeof pins->items[0]);
    pins->count--;
    if (pins->focus > index || pins->focus == pins->count) pins->focus--;
    if (pins->focus < 0) pins->focus = 0;
}

void pins_keep_inside(Pins *pins, int set, int64_t queries, int64_t keys) {
    for (int i = pins->count - 1; i >= 0; i--) {
        const Pin *pin = &pins->items[i];
        if (pin->set == set && (pin->query >= queries || pin->key >= keys)) pins_remove(pins, i);
    }
}

/* ---- what is asked for ----------------------------------------------------------------------- */

void pins_follow(Pin *pin, const TileKey *row_key, const LayerInfo *layer) {
    if (tiles_key_equal(&pin->stamp, row_key)) return;
    pin->stamp = *row_key;
    pin->known = false;
    pin->head_count = layer->head_count <= HEADSET_MAX ? layer->head_count : HEADSET_MAX;
    memset(pin->head_known, 0, sizeof pin->head_known);
    pins_line_begin(&pin->row, layer->keys);
    pins_line_begin(&pin->column, layer->queries);
    pin->strip_rows = i64_clamp(STRIP_CELLS / i64_max(1, layer->keys), STRIP_ROWS_LEAST, STRIP_ROWS_MOST);
    pin->next_strip = 0;
    pin->strips = 0;
}

static HeadSet one_head(int number) {
    return (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {number}};
}

static TileKey head_key(const Pin *pin, int number) {
    const HeadSet set = one_head(number);
    TileKey key = pin->stamp;
    key.headset = tiles_headset_hash(&set);
    key.x = pin->key;
    key.columns = 1;
    return key;
}

static int64_t strip_count(const Pin *pin) {
    return i64_ceil_div(pin->column.count, pin->strip_rows);
}

static TileKey strip_key(const Pin *pin, int64_t strip) {
    TileKey key = pin->stamp;
    key.y = strip * pin->strip_rows;
    key.x = pin->key;
    key.rows = i64_min(pin->strip_rows, pin->column.count - key.y);
    key.columns = 1;
    return key;
}

static void want_cells(Frame *frame, const TileKey *key, const HeadSet *heads) {
    TileWant *want = views_want(frame->wants, JOB_CELLS, key, frame->capture);
    if (want) want->heads = *heads;
}

static void want_heads(Pin *pin, Frame *frame, const LayerInfo *layer) {
    int wanted = 0;
    for (int i = 0; i < pin->head_count && wanted < WANTS_MAX; i++) {
        if (pin->head_known[i]) continue;
        const HeadSet head = one_head(layer->head_numbers[i]);
        const TileKey key = head_key(pin, layer->head_numbers[i]);
        want_cells(frame, &key, &head);
        wanted++;
    }
}

static void want_column(Pin *pin, Frame *frame, const Look *look) {
    for (int i = 0; i < PIN_STRIPS && pin->next_strip + i < strip_count(pin); i++) {
        const TileKey key = strip_key(pin, pin->next_strip + i);
        if (!(pin->strips & 1u << i)) want_cells(frame, &key, &look->subject.heads);
    }
}

bool pins_want(Pin *pin, Frame *frame, const Look *look, bool lines) {
    const LayerInfo *layer = &capture_set(frame->capture, look->subject.set)->layers[look->subject.layer];
    const size_t before = frame->wants->count;
    if (frame->flying) return false;
    if (pin->row.done == 0) want_cells(frame, &pin->stamp, &look->subject.heads);
    if (lines) {
        want_heads(pin, frame, layer);
        want_column(pin, frame, look);
    }
    return frame->wants->count > before;
}

/* ---- what has come --------------------------------------------------------------------------- */

static bool take_head(Pin *pin, const LayerInfo *layer, const TileData *data) {
    if (data->key.rows != 1 || data->key.columns != 1) return false;
    for (int i = 0; i < pin->head_count; i++) {
        const TileKey key = head_key(pin, layer->head_numbers[i]);
        if (!tiles_key_equal(&key, &data->key)) continue;
        pin->heads[i] = *(const float *)data->texels;
        pin->head_known[i] = true;
        return true;
    }
    return false;
}

static bool take_strip(Pin *pin, const TileData *data) {
    const int64_t strip = data->key.y / pin->strip_rows;
    const TileKey key = strip_key(pin, strip);
    const int64_t bit = strip - pin->next_strip;
    if (!tiles_key_equal(&key, &data->key) || bit < 0 || bit >= PIN_STRIPS || pin->strips & 1u << bit) return false;
    pins_line_take(&pin->column, data->key.y, data->texels, data->key.rows);
    pin->strips |= 1u << bit;
    while (pin->strips & 1) {
        pin->strips >>= 1;
        pin->next_strip++;
    }
    return true;
}

static bool take_row(Pin *pin, const TileData *data) {
    if (pin->row.done > 0 || !tiles_key_equal(&pin->stamp, &data->key)) return false;
    const float *cells = data->texels;
    pins_line_take(&pin->row, 0, cells, data->key.columns);
    pin->value = cells[pin->key];
    pin->known = true;
    return true;
}

bool pins_accept(Pins *pins, const Capture *capture, const TileData *data) {
    bool alone = false;
    for (int i = 0; i < pins->count; i++) {
        Pin *pin = &pins->items[i];
        if (pin->row.count == 0 || data->key.serial != pin->stamp.serial || data->key.layer != pin->stamp.layer ||
            data->key.set != pin->stamp.set)
            continue;
        const LayerInfo *layer = &capture_set(capture, pin->set)->layers[pin->stamp.layer];
        const bool head = take_head(pin, layer, data); /* one cell may be both */
        const bool column = data->key.columns == 1 && (take_strip(pin, data) || head);
        /* A row may be that of the crosshair, too; so may a column where there is one key. */
        alone |= column && layer->keys > 1;
        (void)take_row(pin, data);
    }
    return alone;
}
