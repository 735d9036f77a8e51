/* What the grid knows of a set: which columns its heads have, and the automatic range of every head.
 *
 * A range is measured once, from the base tile on the GPU, and kept as long as what it depends on (RangeStamp)
 * stays. The range for all heads is the largest of them: no head then has more of its picture beyond the range than
 * it has by itself. */
#include "views/grid_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void views_grid_state_init(GridState *state) {
    *state = (GridState){.fitted = true, .per_head = true};
}

Grid *views_grid_new(GridState *state) {
    Grid *grid = mem_alloc_zeroed(1, sizeof *grid);
    if (grid) grid->state = state;
    return grid;
}

void views_grid_drop(Grid *grid) {
    if (!grid) return;
    mem_free(grid->numbers);
    mem_free(grid->starts);
    mem_free(grid->cells);
    mem_free(grid->pieces);
    mem_free(grid);
}

/* ---- columns --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static bool reserve(Grid *grid, const SetInfo *set) {
    size_t heads = 0;
    for (int i = 0; i < set->layer_count; i++)
        heads += (size_t)set->layers[i].head_count;
    void *numbers = grid->numbers, *starts = grid->starts, *cells = grid->cells;
    const bool ok = mem_grow(&numbers, &grid->number_capacity, heads, sizeof *grid->numbers) &&
                    mem_grow(&starts, &grid->start_capacity, (size_t)set->layer_count, sizeof *grid->starts) &&
                    mem_grow(&cells, &grid->cell_capacity, heads, sizeof *grid->cells);
    grid->numbers = numbers;
    grid->starts = starts;
    grid->cells = cells;
    grid->cell_count = heads;
    return ok;
}

static void fill_columns(Grid *grid, const SetInfo *set) {
    size_t count = 0;
    for (int i = 0; i < set->layer_count; i++) {
        const LayerInfo *layer = &set->layers[i];
        grid->starts[i] = count;
        for (int head = 0; head < layer->head_count; head++)
            grid->numbers[count++] = layer->head_numbers[head];
    }
    qsort(grid->numbers, count, sizeof *grid->numbers, by_number);
    grid->columns = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || grid->numbers[i] != grid->numbers[i - 1]) grid->numbers[grid->columns++] = grid->numbers[i];
    }
}

static bool same_patterns(const RangeStamp *a, const RangeStamp *b) {
    return a->serial == b->serial && a->set == b->set && a->item == b->item && a->step == b->step &&
           a->values == b->values && a->base_side == b->base_side;
}

static void forget_ranges(Grid *grid, const RangeStamp *now) {
    const bool same = same_patterns(&grid->stamp, now);
    for (size_t i = 0; i < grid->cell_count; i++) {
        grid->cells[i].known = false;
        if (!same) grid->cells[i] = (GridCell){0};
    }
    grid->stamp = *now;
    grid->known = 0;
}

bool views_grid_follow(Grid *grid, const Frame *frame, const Look *look) {
    if (!frame->capture || look->subject.set < 0 || look->subject.set >= capture_set_count(frame->capture))
        return false;
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    if (!grid->valid || grid->serial != frame->serial || grid->set != look->subject.set) {
        grid->valid = false;
        if (set->layer_count < 1 || !reserve(grid, set)) return false;
        fill_columns(grid, set);
        grid->serial = frame->serial;
        grid->set = look->subject.set;
        grid->valid = true;
        grid->stamp.base_side = 0; /* no ranges are known */
    }
    const RangeStamp now = {.serial = frame->serial,
                            .set = look->subject.set,
                            .item = look->subject.item,
                            .step = look->subject.step,
                            .base_side = frame->base_side,
                            .variant = views_variant_id(look),
                            .values = look->subject.values,
                            .channel = look->colours.channel,
                            .percentile = look->colours.percentile};
    const RangeStamp *old = &grid->stamp;
    if (!same_patterns(old, &now) || old->variant != now.variant || old->channel != now.channel ||
        old->percentile != now.percentile)
        forget_ranges(grid, &now);
    return grid->columns > 0;
}

int views_grid_columns(const Grid *grid) {
    return (int)grid->columns;
}

/* First of the ascending numbers that is not below `number`. */
static int lower_bound(const int *numbers, int count, int number) {
    int low = 0, high = count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int views_grid_column(const Grid *grid, int head_number) {
    const int at = lower_bound(grid->numbers, (int)grid->columns, head_number);
    return at < (int)grid->columns && grid->numbers[at] == head_number ? at : -1;
}

int views_grid_number(const Grid *grid, int column) {
    return grid->numbers[column];
}

int views_grid_first_head(const Grid *grid, const LayerInfo *layer, int column) {
    return lower_bound(layer->head_numbers, layer->head_count, grid->numbers[column]);
}

bool views_grid_head_at(const Grid *grid, const SetInfo *set, int layer, int column, GridHead *out) {
    if (layer < 0 || layer >= set->layer_count || column < 0 || column >= (int)grid->columns) return false;
    const LayerInfo *info = &set->layers[layer];
    const int index = views_grid_first_head(grid, info, column);
    if (index >= info->head_count || info->head_numbers[index] != grid->numbers[column]) return false;
    *out = (GridHead){layer, grid->numbers[column]};
    return true;
}

int views_grid_nearest_head(const Grid *grid, const SetInfo *set, int layer, int column) {
    const LayerInfo *info = &set->layers[layer];
    const int after = views_grid_first_head(grid, info, column);
    if (after >= info->head_count) return info->head_numbers[info->head_count - 1];
    if (after == 0) return info->head_numbers[0];
    const int here = grid->numbers[column], next = info->head_numbers[after], before = info->head_numbers[after - 1];
    return next - here <= here - before ? next : before;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

GridCell *views_grid_cell_of(const Grid *grid, int layer, int head_index) {
    return &grid->cells[grid->starts[layer] + (size_t)head_index];
}

bool views_grid_base(const Frame *frame, const Look *look, int layer, int head_index, TileKey *key) {
    const LayerInfo *info = &capture_set(frame->capture, look->subject.set)->layers[layer];
    *key = views_key(frame, look, layer, head_index, 0, (TilePlace){.level = views_base_level(frame, info)});
    const uint32_t variant = views_variant_id(look);
    if (!variant) return true;
    key->variant = variant;
    if (gpu_tile_find(frame->gpu, key, NULL)) return true;
    TileKey plain = *key;
    plain.variant = 0;
    if (gpu_tile_find(frame->gpu, &plain, NULL)) *key = plain;
    return false;
}

bool views_grid_measure(Frame *frame, Grid *grid, const Look *look, int layer, int head_index) {
    GridCell *cell = views_grid_cell_of(grid, layer, head_index);
    if (cell->known) return false;
    const LayerInfo *info = &capture_set(frame->capture, look->subject.set)->layers[layer];
    TileKey key;
    GpuTileInfo tile;
    int width, height;
    const bool whole = views_grid_base(frame, look, layer, head_index, &key);
    if (!gpu_tile_find(frame->gpu, &key, &tile)) return false;
    if (!whole && cell->hi > 0) return false; /* what was known will do until the variant is there */
    float hi = look->colours.percentile == TILE_AUTO_PERCENTILE ? tile.auto_high[look->colours.channel]
                                                                : NAN; /* found by the worker */
    if (isnan(hi)) {
        if (gpu_tile_read(frame->gpu, &key, 0, grid->texels, BASE_COUNT(grid->texels), &width, &height, NULL) !=
            STATUS_OK) {
            return false;
        }
        hi = tiles_upper_range(&(PooledImage){grid->texels, height, width, info->keys, key.lk, 0, tile.is_signed},
                               look->colours.channel, look->colours.percentile);
    }
    /* As for one pattern (range.c): nothing visible, or all zero, must not give an empty range. */
    if (!isfinite(hi) || hi <= 0) hi = tile.max_value > 0 ? tile.max_value : 1.0f;
    *cell = (GridCell){.known = whole, .hi = hi, .largest = tile.max_value};
    grid->known += whole ? 1 : 0;
    return true;
}

float views_grid_common(const Grid *grid) {
    float hi = 0;
    for (size_t i = 0; i < grid->cell_count; i++)
        hi = fmaxf(hi, grid->cells[i].hi);
    return hi;
}

bool views_grid_idle(Frame *frame, Grid *grid, const Look *look) {
    if (!views_grid_follow(grid, frame, look)) return false;
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    for (int layer = 0; layer < set->layer_count && grid->known < grid->cell_count; layer++) {
        for (int head = 0; head < set->layers[layer].head_count; head++) {
            if (views_grid_measure(frame, grid, look, layer, head)) return true;
        }
    }
    return false;
}

/* R is a mean over a block: rows of blocks weigh as many queries as exist in them. */
static void fill_profile(Grid *grid, const LayerInfo *info, const TileKey *key, int width, int height, bool is_signed) {
    grid->profile_count = width;
    grid->profile_most = 0;
    for (int x = 0; x < width; x++) {
        double sum = 0;
        for (int y = 0; y < height; y++) {
            const float *texel = grid->texels + 2 * ((size_t)y * (size_t)width + (size_t)x);
            if (tiles_is_masked(texel[1], is_signed) || tiles_is_nonfinite(texel[1], is_signed)) continue;
            sum += (double)texel[0] * (double)tiles_cells_in_texel(info->queries, key->lq, y);
        }
        grid->profile[x] = (float)(sum / (double)info->queries);
        grid->profile_most = fmaxf(grid->profile_most, fabsf(grid->profile[x]));
    }
}

const float *views_grid_profile(Frame *frame, Grid *grid, const Look *look, GridHead head, int *count, float *most) {
    const LayerInfo *info = &capture_set(frame->capture, look->subject.set)->layers[head.layer];
    const int index = capture_head_index(info, head.head);
    if (index < 0) return NULL;
    TileKey key;
    (void)views_grid_base(frame, look, head.layer, index, &key);
    if (!grid->profile_known || !tiles_key_equal(&key, &grid->profile_key)) {
        GpuTileInfo tile;
        int width, height;
        grid->profile_known = false;
        if (!gpu_tile_find(frame->gpu, &key, &tile) || tile.width > GRID_PROFILE) return NULL;
        if (gpu_tile_read(frame->gpu, &key, 0, grid->texels, BASE_COUNT(grid->texels), &width, &height, NULL) !=
            STATUS_OK) {
            return NULL;
        }
        fill_profile(grid, info, &key, width, height, tile.is_signed);
        grid->profile_key = key;
        grid->profile_known = true;
    }
    *count = grid->profile_count;
    *most = grid->profile_most;
    return grid->profile;
}

bool views_grid_figures(const Grid *grid, const SetInfo *set, GridHead head, GridFigures *out) {
    const int index = capture_head_index(&set->layers[head.layer], head.head);
    if (index < 0) return false;
    const GridCell *cell = views_grid_cell_of(grid, head.layer, index);
    *out = (GridFigures){.hi = cell->hi, .largest = cell->largest};
    return cell->known;
}

bool views_grid_layer_range(const Grid *grid, const SetInfo *set, int layer, float *hi) {
    *hi = 0;
    for (int head = 0; grid->valid && head < set->layers[layer].head_count; head++) {
        *hi = fmaxf(*hi, views_grid_cell_of(grid, layer, head)->hi);
    }
    return *hi > 0;
}
