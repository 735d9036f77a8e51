/* The grid: every head of a set, small, in its layer's row.
 *
 * Each cell is one quad over the mip of the head's base tile whose texels cover a pixel or more; nothing is pooled or
 * composed for it. Pieces are handed to the painter texture by texture, so that a thousand of them are a few draw
 * calls. What is not there yet is a quiet box, and is wanted: nearest to the hand first, then what is out of sight. */
#include "views/grid_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 16.0f /* points */
#define LABEL_MARGIN_LEFT 64.0f
#define LABEL_MARGIN_TOP 40.0f
#define WANTS_MAX 64
#define MEASURE_NS UINT64_C(2000000)
#define PIECES_MAX ((size_t)1 << 18)
#define PAGES_MAX 64

/* ---- place ----------------------------------------------------------------------------------- */

/* Width over height of a cell: that of its pattern, up to what the matrix would not stretch either. */
static double cell_aspect(const SetInfo *set, FitMode mode) {
    if (set->max_keys <= 0 || set->max_queries <= 0) return 1;
    const double aspect = (double)set->max_keys / (double)set->max_queries;
    const bool sliver = aspect > CAMERA_SQUARE_ASPECT || aspect < 1 / CAMERA_SQUARE_ASPECT;
    return sliver && mode != FIT_SQUARE ? 1 : aspect;
}

/* Where a finer level than that of the overviews would be due, zooming ends: the matrix has it. INFINITY: never,
 * they are of single weights. */
static double most_pixels(const Frame *frame, int64_t tokens) {
    const int level = tiles_base_level(tokens, frame->base_side);
    return level > 0 ? (double)(2 * tiles_texels(tokens, level) - 1) : (double)INFINITY;
}

GridPlace views_grid_place(const Frame *frame, const Look *look, const GridParams *params) {
    const float s = frame->scale, edge = params->bare ? 0 : MARGIN * s;
    const bool labels = look->labels && !params->bare;
    const float left = labels ? fminf(LABEL_MARGIN_LEFT * s, params->rect.w * 0.25f) : edge;
    const float top = labels ? fminf(LABEL_MARGIN_TOP * s, params->rect.h * 0.25f) : edge;
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    const double aspect = cell_aspect(set, look->matrix.fit_mode);
    const double most = fmin(most_pixels(frame, set->max_queries), most_pixels(frame, set->max_keys) / aspect);
    return (GridPlace){
        .plot = {floorf(params->rect.x + left), floorf(params->rect.y + top),
                 fmaxf(1, floorf(params->rect.w - left - edge)), fmaxf(1, floorf(params->rect.h - top - edge))},
        .scale = s,
        .aspect = aspect,
        .most = isfinite(most) ? most : 0,
        .stretch = look->matrix.fit_mode == FIT_STRETCH,
    };
}

/* ---- gathering ------------------------------------------------------------------------------- */

typedef struct Gatherer {
    Frame *frame;
    Grid *grid;
    const Look *state;
    const SetInfo *set;
    const GridLayout *layout;
    ViewResult *result;
    double near_x, near_y; /* pixels: where the hand is */
    int nearest_count;     /* missing heads, nearest first */
    struct {
        double distance;
        int layer, head_index;
        bool stands_in;
    } nearest[WANTS_MAX];
} Gatherer;

static void note_missing(Gatherer *g, const GridPiece *piece) {
    const double dx = (double)piece->rect.x - g->near_x, dy = (double)piece->rect.y - g->near_y;
    const double distance = dx * dx + dy * dy;
    int at = g->nearest_count < WANTS_MAX ? g->nearest_count++ : WANTS_MAX;
    for (; at > 0 && distance < g->nearest[at - 1].distance; at--) {
        if (at < WANTS_MAX) g->nearest[at] = g->nearest[at - 1];
    }
    if (at == WANTS_MAX) return;
    g->nearest[at].distance = distance;
    g->nearest[at].layer = piece->layer;
    g->nearest[at].head_index = piece->head_index;
    g->nearest[at].stands_in = piece->page != 0;
}

/* What is wanted of a head: its base tile, of the variant on screen. */
static TileKey wanted_key(const Frame *frame, const Look *look, const LayerInfo *info, int layer, int head_index) {
    TileKey key = views_key(frame, look, layer, head_index, 0, (TilePlace){.level = views_base_level(frame, info)});
    key.variant = views_variant_id(look);
    return key;
}

static void gather_head(Gatherer *g, int layer, int head_index, int column) {
    Grid *grid = g->grid;
    const LayerInfo *info = &g->set->layers[layer];
    void *pieces = grid->pieces;
    if (grid->piece_count >= PIECES_MAX || info->queries <= 0 || info->keys <= 0) return;
    if (!mem_grow(&pieces, &grid->piece_capacity, grid->piece_count + 1, sizeof *grid->pieces)) return;
    grid->pieces = pieces;
    GridPiece *piece = &grid->pieces[grid->piece_count++];
    *piece = (GridPiece){.rect = views_grid_cell(g->layout, layer, column), .layer = layer, .head_index = head_index};
    const TileKey wanted = wanted_key(g->frame, g->state, info, layer, head_index);
    TileKey key;
    GpuTileInfo tile;
    piece->stands_in = !views_grid_base(g->frame, g->state, layer, head_index, &key);
    const bool here = gpu_tile_find(g->frame->gpu, &key, &tile);
    if (here) {
        piece->page = tile.page;
        piece->width = tile.width;
        piece->height = tile.height;
        piece->mip = views_grid_mip(tile.width, tile.height, piece->rect.w, piece->rect.h, tile.mip_count);
    }
    if (!here || piece->stands_in) {
        /* A picture for a file must not leave out in silence what failed: there the message stops it. */
        piece->failed = !g->frame->exact_only && views_has_failed(g->frame, &wanted);
        if (!piece->failed) note_missing(g, piece);
    }
}

static void gather(Gatherer *g) {
    const GridLayout *l = g->layout;
    g->grid->piece_count = 0;
    for (int layer = l->row0; layer < l->row1 && l->column0 < l->column1; layer++) {
        const LayerInfo *info = &g->set->layers[layer];
        int column = l->column0;
        for (int head = views_grid_first_head(g->grid, info, l->column0); head < info->head_count; head++) {
            while (column < l->column1 && views_grid_number(g->grid, column) < info->head_numbers[head])
                column++;
            if (column >= l->column1) break;
            gather_head(g, layer, head, column);
        }
    }
}

static void want_head(Gatherer *g, const TileKey *key) {
    views_want(g->frame->wants, JOB_BASE, key, g->frame->capture);
    g->result->pending = true;
}

/* Heads out of sight, whose range counts for all; true while one of them is to come. */
static bool want_rest(Gatherer *g) {
    Frame *frame = g->frame;
    bool waiting = false;
    for (int layer = 0, wanted = 0; layer < g->set->layer_count && wanted < WANTS_MAX; layer++) {
        const LayerInfo *info = &g->set->layers[layer];
        for (int head = 0; head < info->head_count && wanted < WANTS_MAX; head++) {
            if (views_grid_cell_of(g->grid, layer, head)->known || info->queries <= 0 || info->keys <= 0) continue;
            const TileKey key = wanted_key(frame, g->state, info, layer, head);
            const bool here = gpu_tile_find(frame->gpu, &key, NULL);
            if (!here && !frame->exact_only && views_has_failed(frame, &key)) continue;
            waiting = true;
            if (here) continue;
            want_head(g, &key);
            wanted++;
        }
    }
    return waiting;
}

static void want(Gatherer *g) {
    for (int i = 0; i < g->nearest_count; i++) {
        const int layer = g->nearest[i].layer;
        const TileKey key = wanted_key(g->frame, g->state, &g->set->layers[layer], layer, g->nearest[i].head_index);
        want_head(g, &key);
        g->result->missing |= !g->nearest[i].stands_in;
    }
    const bool complete = g->grid->state->per_head || g->grid->known == g->grid->cell_count;
    if (g->nearest_count < WANTS_MAX && !complete && want_rest(g)) g->result->pending = true;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static bool in_time(const Gatherer *g, uint64_t until) {
    return g->frame->exact_only || clock_now_ns(&g->frame->clock) < until;
}

/* Measures what is visible, then, for a range for all, the rest, as long as there is time. */
static void measure(Gatherer *g) {
    Grid *grid = g->grid;
    const uint64_t until = clock_now_ns(&g->frame->clock) + MEASURE_NS;
    for (size_t i = 0; i < grid->piece_count; i++) {
        const GridPiece *piece = &grid->pieces[i];
        if (!piece->page || views_grid_cell_of(grid, piece->layer, piece->head_index)->known) continue;
        if (!in_time(g, until)) {
            g->result->pending = true;
            return;
        }
        views_grid_measure(g->frame, grid, g->state, piece->layer, piece->head_index);
    }
    for (int layer = 0; layer < g->set->layer_count && !g->grid->state->per_head && grid->known < grid->cell_count;
         layer++) {
        for (int head = 0; head < g->set->layers[layer].head_count; head++) {
            if (views_grid_measure(g->frame, grid, g->state, layer, head) && !in_time(g, until)) return;
        }
    }
}

static void choose_range(const Gatherer *g, Look *look, bool is_signed) {
    ViewResult *r = g->result;
    r->lo = look->colours.lo;
    r->hi = look->colours.hi;
    r->range_known = true;
    if (look->colours.range_mode == RANGE_MANUAL || look->colours.range_locked) return;
    r->hi = views_grid_common(g->grid);
    r->range_known = r->hi > 0;
    r->lo = is_signed ? -r->hi : 0;
    if (!r->range_known) return;
    look->colours.lo = r->lo;
    look->colours.hi = r->hi;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static bool uses_own_range(const Grid *grid, const Look *look) {
    return grid->state->per_head && look->colours.range_mode != RANGE_MANUAL && !look->colours.range_locked;
}

/* False where the range is not known yet. */
static bool params_of(const Grid *grid, const Look *look, int layer, int head_index, bool range_known,
                      DisplayParams *params) {
    if (!uses_own_range(grid, look)) return range_known;
    const GridCell *cell = views_grid_cell_of(grid, layer, head_index);
    params->hi = cell->hi;
    params->lo = params->is_signed ? -cell->hi : 0;
    return cell->hi > 0;
}

static TileKey piece_key(const Gatherer *g, const GridPiece *piece) {
    TileKey key = wanted_key(g->frame, g->state, &g->set->layers[piece->layer], piece->layer, piece->head_index);
    if (piece->stands_in) key.variant = 0;
    return key;
}

static void draw_piece(Gatherer *g, const GridPiece *piece, DisplayParams params) {
    const LayerInfo *info = &g->set->layers[piece->layer];
    if (!params_of(g->grid, g->state, piece->layer, piece->head_index, g->result->range_known, &params)) return;
    /* Whole texels, also at the ragged edge: half a texel might miss its pixel. */
    const DrawHeatmap heatmap = {
        .key = piece_key(g, piece),
        .mip = piece->mip,
        .u1 = (float)tiles_mip_side(piece->width, piece->mip),
        .v1 = (float)tiles_mip_side(piece->height, piece->mip),
        .keys = info->keys,
        .params = params,
    };
    draw_heatmap(g->frame->list, piece->rect, &heatmap);
    g->result->tiles_drawn++;
    if (piece->stands_in) g->result->exactness = APPROXIMATE;
    /* Large cells of few heads, where a texel covers pixels of a finer level. */
    const TileKey *key = &heatmap.key;
    g->result->coarse |= (key->lq > 0 && piece->rect.h >= (float)(2 * piece->height)) ||
                         (key->lk > 0 && piece->rect.w >= (float)(2 * piece->width));
}

static bool has_picture(const Gatherer *g, const GridPiece *piece) {
    DisplayParams unused = {0};
    return piece->page &&
           params_of(g->grid, g->state, piece->layer, piece->head_index, g->result->range_known, &unused);
}

static void draw_placeholder(const Frame *frame, const GridPiece *piece) {
    const Rect r = piece->rect;
    draw_rect(frame->list, r, 0, frame->theme->masked);
    if (!piece->failed) return;
    const float inset = fminf(r.w, r.h) * 0.3f, t = fmaxf(1, roundf(frame->scale));
    draw_line(frame->list, r.x + inset, r.y + inset, r.x + r.w - inset, r.y + r.h - inset, t, frame->theme->error);
    draw_line(frame->list, r.x + r.w - inset, r.y + inset, r.x + inset, r.y + r.h - inset, t, frame->theme->error);
}

/* Placeholders first, then the pieces of one texture after the other. */
static void draw_pieces(Gatherer *g, const DisplayParams *params) {
    const Grid *grid = g->grid;
    uint32_t pages[PAGES_MAX];
    int page_count = 0;
    for (size_t i = 0; i < grid->piece_count; i++) {
        const GridPiece *piece = &grid->pieces[i];
        if (!has_picture(g, piece)) {
            draw_placeholder(g->frame, piece);
            continue;
        }
        int at = 0;
        while (at < page_count && pages[at] != piece->page)
            at++;
        if (at < page_count) continue;
        if (page_count == PAGES_MAX) page_count--; /* more than that many textures: the last ones change places */
        pages[page_count++] = piece->page;
    }
    for (int page = 0; page < page_count; page++) {
        for (size_t i = 0; i < grid->piece_count; i++) {
            if (grid->pieces[i].page == pages[page]) draw_piece(g, &grid->pieces[i], *params);
        }
    }
}

static void ring(Frame *frame, const Grid *grid, const GridLayout *layout, GridHead head, float out, float width,
                 Color color) {
    const int column = views_grid_column(grid, head.head);
    if (head.layer < 0 || head.layer >= layout->rows || column < 0) return;
    const Rect cell = views_grid_cell(layout, head.layer, column);
    draw_frame(frame->list, rect_inset(cell, -out), 0, width, color);
}

static bool same_head(GridHead a, GridHead b) {
    return a.layer == b.layer && a.head == b.head;
}

static void draw_rings(Frame *frame, const Grid *grid, const GridLayout *layout) {
    const GridState *g = grid->state;
    const float t = fmaxf(1, roundf(frame->scale)), out = layout->gap >= 2 * t ? 2 * t : t;
    draw_clip(frame->list, rect_inset(layout->plot, -4 * t));
    if (g->hover_on && !same_head(g->hover, g->focus)) ring(frame, grid, layout, g->hover, t, t, frame->theme->text);
    const bool several = g->selected_count > 1;
    for (int i = 0; several && i < g->selected_count; i++) {
        ring(frame, grid, layout, g->selected[i], out, 2 * t, frame->theme->accent);
    }
    if (several)
        ring(frame, grid, layout, g->focus, out + t, t, frame->theme->text);
    else
        ring(frame, grid, layout, g->focus, out, 2 * t, frame->theme->accent);
    draw_clip_off(frame->list);
}

static void place_hand(Gatherer *g) {
    const GridState *grid = g->grid->state;
    const GridLayout *l = g->layout;
    const GridHead head = grid->hover_on ? grid->hover : grid->focus;
    const int column = views_grid_column(g->grid, head.head);
    g->near_x = (double)(l->plot.x + l->plot.w / 2);
    g->near_y = (double)(l->plot.y + l->plot.h / 2);
    if (column < l->column0 || column >= l->column1 || head.layer < l->row0 || head.layer >= l->row1) return;
    const Rect cell = views_grid_cell(l, head.layer, column);
    g->near_x = (double)cell.x;
    g->near_y = (double)cell.y;
}

bool views_grid_arrange(const Frame *frame, Grid *grid, const Look *look, const GridParams *params,
                        GridLayout *layout) {
    memset(layout, 0, sizeof *layout);
    if (!views_grid_follow(grid, frame, look)) return false;
    const int rows = capture_set(frame->capture, look->subject.set)->layer_count, columns = (int)grid->columns;
    const GridPlace place = views_grid_place(frame, look, params);
    if (grid->state->fitted) views_grid_fit(&grid->state->camera, rows, columns, &place);
    views_grid_clamp(&grid->state->camera, rows, columns, &place);
    *layout = views_grid_layout(&grid->state->camera, rows, columns, &place);
    return true;
}

void views_grid_draw(Frame *frame, Grid *grid, Look *look, const GridParams *params, const GridLayout *layout,
                     ViewResult *result) {
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    *result = (ViewResult){.exactness = EXACT,
                           .plot = layout->plot,
                           .origin_x = layout->origin_x,
                           .origin_y = layout->origin_y,
                           .cell_w = layout->pitch_w,
                           .cell_h = layout->pitch_h};
    Gatherer g = {.frame = frame, .grid = grid, .state = look, .set = set, .layout = layout, .result = result};
    place_hand(&g);
    gather(&g);
    measure(&g);
    want(&g);
    const bool is_signed = set->signed_values || look->subject.values == VALUES_SCORES;
    choose_range(&g, look, is_signed);
    if (grid->piece_count > 0) {
        const GridPiece *first = &grid->pieces[0];
        const Level base = views_base_level(frame, &set->layers[first->layer]);
        result->level = (Level){base.q + first->mip, base.k + first->mip};
    }
    const DisplayParams display = views_display_params(frame, look, is_signed, result->lo, result->hi);
    draw_clip(frame->list, layout->plot);
    draw_pieces(&g, &display);
    draw_clip_off(frame->list);
    if (params->bare) return;
    views_grid_axes(frame, grid, look, layout, params->rings);
    if (!params->rings) return;
    draw_rings(frame, grid, layout);
    views_grid_scroll_marks(frame, layout);
}

bool views_grid_preview(Frame *frame, Grid *grid, const Look *look, GridHead head, Rect rect) {
    if (!views_grid_follow(grid, frame, look)) return false;
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    if (head.layer < 0 || head.layer >= set->layer_count) return false;
    const LayerInfo *info = &set->layers[head.layer];
    const int index = capture_head_index(info, head.head);
    if (index < 0) return false;
    TileKey key;
    GpuTileInfo tile;
    (void)views_grid_base(frame, look, head.layer, index, &key);
    if (!gpu_tile_find(frame->gpu, &key, &tile)) return false;
    views_grid_measure(frame, grid, look, head.layer, index);
    DisplayParams params = views_display_params(frame, look, tile.is_signed, look->colours.lo, look->colours.hi);
    if (!params_of(grid, look, head.layer, index, look->colours.hi > look->colours.lo, &params)) return false;
    const int mip = views_grid_mip(tile.width, tile.height, rect.w, rect.h, tile.mip_count);
    const DrawHeatmap heatmap = {.key = key,
                                 .mip = mip,
                                 .u1 = (float)tiles_mip_side(tile.width, mip),
                                 .v1 = (float)tiles_mip_side(tile.height, mip),
                                 .keys = info->keys,
                                 .params = params};
    draw_heatmap(frame->list, rect, &heatmap);
    return true;
}
