/* Pieces of a heatmap -> one image.
 *
 * The painter draws a piece a tile. In a page viewer neighbouring images show hairlines where their edges are
 * smoothed, so pieces of one grid are put together again: all with the same size of texel whose grids differ by
 * whole texels. */
#include "export/export.h"

#include <math.h>
#include <string.h>

#define SIZE_SLACK 1e-2                   /* texel sizes that differ by less are the same: rectangles are f32 */
#define GRID_SLACK 0.05                   /* texels */
#define SPREAD_MAX 1.5                    /* pieces far apart (small pictures of heads) are images of their own */
#define FINE 2                            /* pixels of the image to a pixel of the page, where texels are large */
#define MAGNIFIED_MAX ((int64_t)16 << 20) /* pixels */
#define TILE_FLOATS ((size_t)TILE_SIDE * TILE_SIDE * 2)

/* A grid of texels on the page: column u spans x + u * w .. x + (u + 1) * w. */
typedef struct Grid {
    double x, y, w, h;
} Grid;

typedef struct Span {
    int64_t u0, v0, u1, v1; /* texels of the grid, half-open */
} Span;

static double texel_w(const DrawOp *op) {
    return (double)op->rect.w / ((double)op->heatmap.u1 - (double)op->heatmap.u0);
}
static double texel_h(const DrawOp *op) {
    return (double)op->rect.h / ((double)op->heatmap.v1 - (double)op->heatmap.v0);
}
static bool is_empty(const DrawOp *op) {
    return !(op->heatmap.u1 > op->heatmap.u0 && op->heatmap.v1 > op->heatmap.v0);
}

static Grid grid_of(const DrawOp *op) {
    const double w = texel_w(op), h = texel_h(op);
    return (Grid){op->rect.x - op->heatmap.u0 * w, op->rect.y - op->heatmap.v0 * h, w, h};
}

/* How many texels of the grid lie before texel 0 of the piece; false: not this grid. */
static bool offset_in(const Grid *grid, const DrawOp *op, int64_t *u, int64_t *v) {
    if (is_empty(op) || fabs(texel_w(op) / grid->w - 1) > SIZE_SLACK || fabs(texel_h(op) / grid->h - 1) > SIZE_SLACK)
        return false;
    const double du = (op->rect.x - op->heatmap.u0 * grid->w - grid->x) / grid->w;
    const double dv = (op->rect.y - op->heatmap.v0 * grid->h - grid->y) / grid->h;
    *u = (int64_t)llround(du);
    *v = (int64_t)llround(dv);
    return fabs(du - (double)*u) < GRID_SLACK && fabs(dv - (double)*v) < GRID_SLACK;
}

/* What of the piece the clip shows, in texels of the grid. */
static Span span_in(const Grid *grid, const DrawOp *op, int64_t u, int64_t v, Rect clip) {
    const DrawHeatmap *heatmap = &op->heatmap;
    const double edge = GRID_SLACK;
    Span span = {u + (int64_t)floor(heatmap->u0 + edge), v + (int64_t)floor(heatmap->v0 + edge),
                 u + (int64_t)ceil(heatmap->u1 - edge), v + (int64_t)ceil(heatmap->v1 - edge)};
    const double x0 = clip.x, y0 = clip.y, x1 = x0 + clip.w, y1 = y0 + clip.h;
    span.u0 = i64_max(span.u0, (int64_t)floor((x0 - grid->x) / grid->w));
    span.v0 = i64_max(span.v0, (int64_t)floor((y0 - grid->y) / grid->h));
    span.u1 = i64_min(span.u1, (int64_t)ceil((x1 - grid->x) / grid->w));
    span.v1 = i64_min(span.v1, (int64_t)ceil((y1 - grid->y) / grid->h));
    return span;
}

static bool span_visible(const Span *span) {
    return span->u1 > span->u0 && span->v1 > span->v0;
}
static double span_area(const Span *span) {
    return (double)(span->u1 - span->u0) * (double)(span->v1 - span->v0);
}

static Span span_union(const Span *a, const Span *b) {
    return (Span){i64_min(a->u0, b->u0), i64_min(a->v0, b->v0), i64_max(a->u1, b->u1), i64_max(a->v1, b->v1)};
}

/* The piece that is largest tells the size of a texel best. */
static const DrawOp *largest_of_run(const DrawList *list, size_t at) {
    const DrawOp *best = &list->ops[at];
    for (size_t i = at; i < list->count && list->ops[i].kind == DRAW_HEATMAP; i++) {
        const DrawOp *op = &list->ops[i];
        int64_t u, v;
        const Grid grid = grid_of(op);
        if (!is_empty(op) && op->rect.w * op->rect.h > best->rect.w * best->rect.h &&
            offset_in(&grid, &list->ops[at], &u, &v))
            best = op;
    }
    return best;
}

/* Sentinels follow the data's sign, which need not be that of the colours. */
static Color texel_color(const DisplayParams *params, bool data_signed, float r, float g, float keys) {
    if (tiles_is_nonfinite(g, data_signed)) return params->nonfinite;
    if (tiles_is_masked(g, data_signed)) return params->masked;
    return draw_display_color(params, r, g, keys);
}

/* A heatmap of a run: its texels begin at (u, v) of the run's grid, and `span` of them are seen. */
typedef struct Piece {
    const DrawHeatmap *heatmap;
    int64_t u, v;
    Span span;
} Piece;

static Status fill(Gpu *gpu, const Piece *piece, const Span *all, float *texels, ExportImage *image, Error *err) {
    const DrawHeatmap *heatmap = piece->heatmap;
    const Span *span = &piece->span;
    GpuTileInfo info = {0};
    int width = 0, height = 0;
    if (!gpu_tile_find(gpu, &heatmap->key, &info)) return STATUS_OK; /* as the painter: nothing is drawn */
    const Status status = gpu_tile_read(gpu, &heatmap->key, heatmap->mip, texels, TILE_FLOATS, &width, &height, err);
    if (status != STATUS_OK) return status;
    const int level = heatmap->key.lk + heatmap->mip;
    for (int64_t y = span->v0; y < span->v1; y++) {
        for (int64_t x = span->u0; x < span->u1; x++) {
            const int64_t tx = i64_clamp(x - piece->u, 0, width - 1), ty = i64_clamp(y - piece->v, 0, height - 1);
            const float *texel = texels + (ty * width + tx) * 2;
            const int64_t column = heatmap->key.x * TILE_SIDE + tx;
            const float keys = (float)tiles_cells_in_texel(heatmap->keys > 0 ? heatmap->keys : INT64_MAX / 2, level,
                                                           column);
            const Color c = texel_color(&heatmap->params, info.is_signed, texel[0], texel[1], keys);
            memcpy(image->rgba + ((y - all->v0) * image->width + x - all->u0) * 4, (uint8_t[4]){c.r, c.g, c.b, c.a}, 4);
        }
    }
    return STATUS_OK;
}

static int magnification(double texel, int64_t pixels) {
    int64_t by = texel < 2 ? 1 : (int64_t)ceil(FINE * texel);
    while (by > 1 && pixels > MAGNIFIED_MAX / by)
        by--;
    return (int)by;
}

/* Many viewers smooth images whatever a page asks for. Where a texel is several pixels large it becomes a block of
 * pixels, so that only the outermost can blur; such images hold the same numbers, and compress to little more. */
static Status magnify(const Grid *grid, ExportImage *image, Error *err) {
    const int by_x = magnification(grid->w, (int64_t)image->width * image->height);
    const int by_y = magnification(grid->h, (int64_t)image->width * image->height * by_x);
    if (by_x == 1 && by_y == 1) return STATUS_OK;
    const int width = image->width * by_x, height = image->height * by_y;
    uint8_t *large = mem_alloc((size_t)width * (size_t)height * 4);
    if (!large) return error_set(err, STATUS_MEMORY, "not enough memory for an image of %d x %d", width, height);
    for (int y = 0; y < height; y++) {
        uint8_t *row = large + (size_t)y * (size_t)width * 4;
        const uint8_t *from = image->rgba + (size_t)(y / by_y) * (size_t)image->width * 4;
        if (y % by_y) {
            memcpy(row, row - (size_t)width * 4, (size_t)width * 4);
            continue;
        }
        for (int x = 0; x < width; x++)
            memcpy(row + x * 4, from + x / by_x * 4, 4);
    }
    mem_free(image->rgba);
    image->rgba = large;
    image->width = width;
    image->height = height;
    return STATUS_OK;
}

Status export_heatmap(Gpu *gpu, const DrawList *list, size_t *at, Rect clip, ExportImage *out, Error *err) {
    memset(out, 0, sizeof *out);
    const size_t first = *at;
    size_t end = first;
    if (is_empty(&list->ops[first])) {
        *at = first + 1;
        return STATUS_OK;
    }
    const Grid grid = grid_of(largest_of_run(list, first));
    Span all = {0};
    double covered = 0;
    for (int64_t u, v;
         end < list->count && list->ops[end].kind == DRAW_HEATMAP && offset_in(&grid, &list->ops[end], &u, &v); end++) {
        const Span piece = span_in(&grid, &list->ops[end], u, v, clip);
        if (!span_visible(&piece)) continue;
        const Span grown = covered > 0 ? span_union(&all, &piece) : piece;
        if (covered > 0 && span_area(&grown) > SPREAD_MAX * (covered + span_area(&piece)) && end - first < 2) break;
        all = grown;
        covered += span_area(&piece);
    }
    *at = end > first ? end : first + 1;
    if (covered <= 0) return STATUS_OK;
    if (all.u1 - all.u0 > EXPORT_VECTOR_SIDE_MAX * 2 || all.v1 - all.v0 > EXPORT_VECTOR_SIDE_MAX * 2) {
        return error_set(err, STATUS_RANGE,
                         "the heatmap has %lld x %lld texels, too many for one image; choose a smaller --size or a PNG",
                         (long long)(all.v1 - all.v0), (long long)(all.u1 - all.u0));
    }
    *out = (ExportImage){.width = (int)(all.u1 - all.u0),
                         .height = (int)(all.v1 - all.v0),
                         .x = grid.x + (double)all.u0 * grid.w,
                         .y = grid.y + (double)all.v0 * grid.h,
                         .w = (double)(all.u1 - all.u0) * grid.w,
                         .h = (double)(all.v1 - all.v0) * grid.h};
    out->rgba = mem_alloc_zeroed((size_t)out->width * (size_t)out->height, 4);
    float *texels = mem_alloc(TILE_FLOATS * sizeof *texels);
    Status status = out->rgba && texels ? STATUS_OK
                                        : error_set(err, STATUS_MEMORY, "not enough memory for an image of %d x %d",
                                                    out->width, out->height);
    for (size_t i = first; i < *at && status == STATUS_OK; i++) {
        Piece piece = {.heatmap = &list->ops[i].heatmap};
        if (!offset_in(&grid, &list->ops[i], &piece.u, &piece.v)) continue;
        piece.span = span_in(&grid, &list->ops[i], piece.u, piece.v, clip);
        if (span_visible(&piece.span)) status = fill(gpu, &piece, &all, texels, out, err);
    }
    mem_free(texels);
    if (status == STATUS_OK) status = magnify(&grid, out, err);
    if (status != STATUS_OK) {
        mem_free(out->rgba);
        memset(out, 0, sizeof *out);
    }
    return status;
}
