/* Display list -> vertices and batches, in painter's order. Everything is a quad; a shape's quad is a little larger
 * than the shape and carries what paint.frag needs to compute coverage.
 *
 * Text: texels of glyphs meet pixels one to one. Along the axes (upright, or turned by quarters) pens stand on whole
 * pixels across the line and on quarters along it; at any other angle the outlines are turned before they become
 * bitmaps, and pens stand on quarters both ways. */
#include "gpu/gpu_private.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SHAPE_RECTANGLE, SHAPE_TRIANGLE, SHAPE_GLYPH }; /* kinds of paint.frag */

#define SLANTED_SCALE 2.0f    /* glyph size of slanted text */
#define COLORBAR_MAX 16384.0f /* pixels */
#define FILL_AREA_MIN                                                                                                  \
    4096.0f /* pixels; a plain rectangle of this size is cheaper as a clear, most of all in software */
#define FILL_SIDE_MAX 65536.0f
/* Texels. A pixel's centre often falls exactly between two of them; rounding must not decide which is shown, or the
 * parts of a poster would differ along their seams. */
#define TIE (1.0f / 4096)
#define RIGHT_ANGLE_SLACK 1e-3f
#define HALF_TURN 3.14159265358979f

typedef struct Builder {
    Gpu *gpu;
    Layout *layout;
    Fonts *fonts;
    bool clipped;
    int clip[4];
} Builder;

typedef struct Point {
    float x, y;
} Point;

/* ---- batches --------------------------------------------------------------------------------- */

static bool same_color(Color a, Color b) {
    return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

/* All but the range: every piece brings its own. */
static bool same_params(const DisplayParams *a, const DisplayParams *b) {
    return a->cmap == b->cmap && a->channel == b->channel && a->transform == b->transform && a->gamma == b->gamma &&
           a->is_signed == b->is_signed && same_color(a->masked, b->masked) && same_color(a->nonfinite, b->nonfinite) &&
           same_color(a->clipped, b->clipped) && same_color(a->clipped_below, b->clipped_below);
}

static bool same_clip(const Builder *builder, const PaintBatch *batch) {
    return batch->clipped == builder->clipped &&
           (!batch->clipped || memcmp(batch->clip, builder->clip, sizeof batch->clip) == 0);
}

/* An empty batch with the current clip; NULL without memory. */
static PaintBatch *new_batch(Builder *builder, BatchKind kind) {
    Layout *layout = builder->layout;
    void *batches = layout->batches;
    if (!mem_grow(&batches, &layout->batch_capacity, layout->batch_count + 1, sizeof *layout->batches)) {
        layout->failed = true;
        return NULL;
    }
    layout->batches = batches;
    PaintBatch *batch = &layout->batches[layout->batch_count++];
    memset(batch, 0, sizeof *batch);
    batch->kind = kind;
    batch->first = (kind == BATCH_HEATMAP ? layout->heatmap_count : layout->vertex_count) / 4;
    batch->clipped = builder->clipped;
    memcpy(batch->clip, builder->clip, sizeof batch->clip);
    return batch;
}

static PaintBatch *last_batch(const Builder *builder) {
    const Layout *layout = builder->layout;
    return layout->batch_count > 0 ? &layout->batches[layout->batch_count - 1] : NULL;
}

static PaintBatch *shape_batch(Builder *builder) {
    PaintBatch *last = last_batch(builder);
    return last && last->kind == BATCH_SHAPES && same_clip(builder, last) ? last : new_batch(builder, BATCH_SHAPES);
}

static PaintBatch *heatmap_batch(Builder *builder, const TileSlot *slot, const DisplayParams *params) {
    PaintBatch *last = last_batch(builder);
    if (last && last->kind == BATCH_HEATMAP && same_clip(builder, last) && last->texture == slot->page->texture &&
        last->is_signed == slot->info.is_signed && same_params(&last->params, params)) {
        return last;
    }
    PaintBatch *batch = new_batch(builder, BATCH_HEATMAP);
    if (batch) {
        batch->texture = slot->page->texture;
        batch->is_signed = slot->info.is_signed;
        batch->params = *params;
    }
    return batch;
}

/* Four vertices of the paint stream, kind and colour set; NULL without memory. */
static PaintVertex *add_quad(Builder *builder, int kind, Color color) {
    Layout *layout = builder->layout;
    void *vertices = layout->vertices;
    if (!mem_grow(&vertices, &layout->vertex_capacity, layout->vertex_count + 4, sizeof *layout->vertices)) {
        layout->failed = true;
        return NULL;
    }
    layout->vertices = vertices;
    PaintBatch *batch = shape_batch(builder);
    if (!batch) {
        return NULL;
    }
    PaintVertex *quad = &layout->vertices[layout->vertex_count];
    layout->vertex_count += 4;
    batch->count++;
    memset(quad, 0, 4 * sizeof *quad);
    for (int i = 0; i < 4; i++) {
        quad[i].color = color;
        quad[i].kind = (float)kind;
    }
    return quad;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static const Point corners[4] = {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

/* An opaque rectangle on whole pixels, large enough to be worth a batch of its own. */
static bool is_plain_fill(const DrawOp *op) {
    const Rect *r = &op->rect;
    return op->kind == DRAW_RECT && op->radius <= 0 && op->color.a == 255 && r->w * r->h >= FILL_AREA_MIN &&
           r->x == floorf(r->x) && r->y == floorf(r->y) && r->w == floorf(r->w) && r->h == floorf(r->h) &&
           fabsf(r->x) + r->w < FILL_SIDE_MAX && fabsf(r->y) + r->h < FILL_SIDE_MAX;
}

static void add_fill(Builder *builder, const DrawOp *op) {
    int rect[4] = {(int)op->rect.x, (int)op->rect.y, (int)op->rect.w, (int)op->rect.h};
    if (builder->clipped) {
        for (int axis = 0; axis < 2; axis++) {
            int from = builder->clip[axis] > rect[axis] ? builder->clip[axis] : rect[axis];
            int end = rect[axis] + rect[axis + 2], clip_end = builder->clip[axis] + builder->clip[axis + 2];
            rect[axis + 2] = (end < clip_end ? end : clip_end) - from;
            rect[axis] = from;
        }
        if (rect[2] <= 0 || rect[3] <= 0) {
            return;
        }
    }
    PaintBatch *batch = new_batch(builder, BATCH_FILL);
    if (batch) {
        batch->color = op->color;
        batch->clipped = true;
        memcpy(batch->clip, rect, sizeof batch->clip);
    }
}

static void add_rectangle(Builder *builder, const DrawOp *op) {
    PaintVertex *quad = add_quad(builder, SHAPE_RECTANGLE, op->color);
    if (!quad) {
        return;
    }
    float half_w = op->rect.w / 2, half_h = op->rect.h / 2;
    float radius = fminf(op->radius, fminf(half_w, half_h));
    for (int i = 0; i < 4; i++) {
        float x = corners[i].x * (half_w + 1), y = corners[i].y * (half_h + 1);
        quad[i].x = op->rect.x + half_w + x;
        quad[i].y = op->rect.y + half_h + y;
        quad[i].shape[0] = x;
        quad[i].shape[1] = y;
        quad[i].shape[2] = half_w;
        quad[i].shape[3] = half_h;
        quad[i].more[0] = radius;
        quad[i].more[1] = op->kind == DRAW_FRAME ? op->width : 0;
    }
}

static void add_line(Builder *builder, const DrawOp *op) {
    float length = hypotf(op->rect.w, op->rect.h);
    PaintVertex *quad = length > 0 ? add_quad(builder, SHAPE_RECTANGLE, op->color) : NULL;
    if (!quad) {
        return;
    }
    float half_length = length / 2, half_width = op->width / 2;
    Point along = {op->rect.w / length, op->rect.h / length};
    for (int i = 0; i < 4; i++) {
        float u = corners[i].x * (half_length + 1), v = corners[i].y * (half_width + 1);
        quad[i].x = op->rect.x + op->rect.w / 2 + u * along.x - v * along.y;
        quad[i].y = op->rect.y + op->rect.h / 2 + u * along.y + v * along.x;
        quad[i].shape[0] = u;
        quad[i].shape[1] = v;
        quad[i].shape[2] = half_length;
        quad[i].shape[3] = half_width;
    }
}

/* Signed distance of p inside the edge from a to b, `side` telling which side is inside. */
static float edge_distance(Point p, Point a, Point b, float side) {
    float dx = b.x - a.x, dy = b.y - a.y, length = hypotf(dx, dy);
    return length > 0 ? side * (dx * (p.y - a.y) - dy * (p.x - a.x)) / length : 0;
}

static void add_triangle(Builder *builder, const DrawOp *op) {
    Point p[3] = {{op->points[0], op->points[1]}, {op->points[2], op->points[3]}, {op->points[4], op->points[5]}};
    float area = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[1].y - p[0].y) * (p[2].x - p[0].x);
    PaintVertex *quad = area != 0 ? add_quad(builder, SHAPE_TRIANGLE, op->color) : NULL;
    if (!quad) {
        return;
    }
    float side = area > 0 ? 1 : -1;
    float x0 = fminf(p[0].x, fminf(p[1].x, p[2].x)) - 1, x1 = fmaxf(p[0].x, fmaxf(p[1].x, p[2].x)) + 1;
    float y0 = fminf(p[0].y, fminf(p[1].y, p[2].y)) - 1, y1 = fmaxf(p[0].y, fmaxf(p[1].y, p[2].y)) + 1;
    for (int i = 0; i < 4; i++) {
        Point at = {i & 1 ? x1 : x0, i & 2 ? y1 : y0};
        quad[i].x = at.x;
        quad[i].y = at.y;
        for (int edge = 0; edge < 3; edge++) {
            quad[i].shape[edge] = edge_distance(at, p[edge], p[(edge + 1) % 3], side);
        }
    }
}

/* One strip for each row or column of pixels, so that the painter needs no colormap. Strips end on whole pixels, or
 * their soft edges would let the ground shine through. */
static void add_colorbar(Builder *builder, const DrawOp *op) {
    bool vertical = op->vertical;
    float start = vertical ? op->rect.y : op->rect.x, length = vertical ? op->rect.h : op->rect.w, end = start + length;
    for (float from = start; from < end && end - start < COLORBAR_MAX;) {
        float to = fminf(floorf(from) + 1, end), unit = ((from + to) / 2 - start) / length;
        DrawOp strip = {.kind = DRAW_RECT, .rect = op->rect};
        strip.color = draw_colormap_color(op->heatmap.params.cmap, draw_colormap_position(vertical ? 1 - unit : unit));
        *(vertical ? &strip.rect.y : &strip.rect.x) = from;
        *(vertical ? &strip.rect.h : &strip.rect.w) = to - from;
        add_rectangle(builder, &strip);
        from = to;
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Light text on dark grounds looks thinner than the same text dark on light, because blending is not linear in
 * light: its half covered pixels are lifted by up to this part of coverage * (1 - coverage). */
#define LIGHT_TEXT_BOOST 0.45f

static float boost_of(Color c) {
    float luma = (0.299f * (float)c.r + 0.587f * (float)c.g + 0.114f * (float)c.b) / 255;
    return LIGHT_TEXT_BOOST * luma;
}

/* A glyph whose pen stands at (x, y) of a line that begins at origin and runs `along` an axis. */
static void add_glyph(Builder *builder, const GlyphPlace *place, Point pen, Point origin, Point along, Color color) {
    PaintVertex *quad = add_quad(builder, SHAPE_GLYPH, color);
    if (!quad) {
        return;
    }
    float boost = boost_of(color);
    for (int i = 0; i < 4; i++) {
        int tx = i & 1 ? place->width : 0, ty = i & 2 ? place->height : 0;
        float u = pen.x + (float)(place->left + tx), v = pen.y + (float)(place->top + ty);
        quad[i].x = origin.x + u * along.x - v * along.y;
        quad[i].y = origin.y + u * along.y + v * along.x;
        quad[i].shape[0] = (float)(place->x + tx);
        quad[i].shape[1] = (float)(place->y + ty);
        quad[i].more[0] = boost;
    }
}

/* Nearest quarter: the pixel, and which quarter of it. */
static float split_quarters(float at, int *quarter) {
    float quarters = floorf(at * 4 + 0.5f), whole = floorf(quarters / 4);
    *quarter = (int)(quarters - 4 * whole);
    return whole;
}

/* Upright, or turned by quarters: `along` is a unit vector of the axes. */
static void add_straight_text(Builder *builder, const DrawOp *op, Point along) {
    size_t length = strlen(op->text);
    bool upright = along.x > 0.5f;
    Point origin = {upright ? 0 : roundf(op->rect.x), roundf(op->rect.y)};
    float pen = upright ? op->rect.x : 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = utf8_decode(op->text, length, &at);
        GlyphPose pose = {0};
        float whole = split_quarters(pen + draw_glyph_shift(builder->fonts, code, op->style), &pose.x);
        const GlyphPlace *place = gpu_text_glyph(builder->gpu, builder->fonts, code, op->style, pose);
        if (place) {
            add_glyph(builder, place, (Point){whole, 0}, origin, along, op->color);
        }
        pen += draw_glyph_advance(builder->fonts, code, op->style);
    }
}

static void add_slanted_text(Builder *builder, const DrawOp *op) {
    size_t length = strlen(op->text);
    Point along = {cosf(op->angle), sinf(op->angle)};
    int turn = (int)lroundf(op->angle / (2 * HALF_TURN) * GLYPH_TURNS) & (GLYPH_TURNS - 1);
    float pen = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = utf8_decode(op->text, length, &at);
        GlyphPose pose = {.turn = turn};
        float start = pen + draw_glyph_shift(builder->fonts, code, op->style);
        Point whole;
        whole.x = split_quarters(op->rect.x + start * along.x, &pose.x);
        whole.y = split_quarters(op->rect.y + start * along.y, &pose.y);
        const GlyphPlace *place = gpu_text_glyph(builder->gpu, builder->fonts, code, op->style, pose);
        if (place) {
            add_glyph(builder, place, whole, (Point){0, 0}, (Point){1, 0}, op->color);
        }
        pen += draw_glyph_advance(builder->fonts, code, op->style);
    }
}

static void add_text(Builder *builder, const DrawOp *op) {
    if (!builder->fonts || !(op->style.size > 0)) {
        return;
    }
    float quarters = op->angle / (HALF_TURN / 2);
    if (fabsf(quarters - roundf(quarters)) < RIGHT_ANGLE_SLACK) {
        static const Point directions[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        add_straight_text(builder, op, directions[(int)lroundf(quarters) & 3]);
    } else {
        add_slanted_text(builder, op);
    }
}

/* ---- heatmaps -------------------------------------------------------------------------------- */

/* Keys in a texel of this mip; the last column may hold fewer (ragged). In texels of the tile, -1: not in this tile. */
static void set_keys(const DrawHeatmap *heatmap, float keys[4]) {
    int level = heatmap->key.lk + heatmap->mip;
    keys[0] = (float)tiles_cells_in_texel(INT64_MAX / 2, level, 0);
    keys[1] = -1;
    keys[2] = keys[0];
    int64_t last = heatmap->keys > 0 ? tiles_texels(heatmap->keys, level) - 1 : -1;
    int64_t column = last - heatmap->key.x * TILE_SIDE;
    if (last >= 0 && column >= 0 && column < TILE_SIDE) {
        keys[1] = (float)column;
        keys[2] = (float)tiles_cells_in_texel(heatmap->keys, level, last);
    }
}

static void add_heatmap(Builder *builder, const DrawOp *op) {
    const DrawHeatmap *heatmap = &op->heatmap;
    Layout *layout = builder->layout;
    const TileSlot *slot = heatmap->mip >= 0 ? gpu_tile_slot(builder->gpu, &heatmap->key, heatmap->mip) : NULL;
    if (!slot || heatmap->u1 <= heatmap->u0 || heatmap->v1 <= heatmap->v0) {
        return;
    }
    void *vertices = layout->heatmaps;
    if (!mem_grow(&vertices, &layout->heatmap_capacity, layout->heatmap_count + 4, sizeof *layout->heatmaps)) {
        layout->failed = true;
        return;
    }
    layout->heatmaps = vertices;
    PaintBatch *batch = heatmap_batch(builder, slot, &heatmap->params);
    if (!batch) {
        return;
    }
    batch->count++;
    const DisplayParams *params = &heatmap->params;
    float low = params->is_signed ? 0 : params->lo;
    float extent = params->is_signed ? fmaxf(fabsf(params->lo), fabsf(params->hi)) : params->hi - params->lo;
    float last_u = (float)tiles_mip_side(slot->info.width, heatmap->mip) - 1;
    float last_v = (float)tiles_mip_side(slot->info.height, heatmap->mip) - 1;
    HeatmapVertex vertex = {
        .bounds = {fmaxf(0, floorf(heatmap->u0)), fmaxf(0, floorf(heatmap->v0)), fminf(last_u, ceilf(heatmap->u1) - 1),
                   fminf(last_v, ceilf(heatmap->v1) - 1)},
        .page = {(float)slot->layer, (float)heatmap->mip, gpu_slot_scale(slot), low},
        .keys = {[3] = fmaxf(extent, FLT_MIN)},
    };
    set_keys(heatmap, vertex.keys);
    for (int i = 0; i < 4; i++) {
        vertex.x = i & 1 ? op->rect.x + op->rect.w : op->rect.x;
        vertex.y = i & 2 ? op->rect.y + op->rect.h : op->rect.y;
        vertex.u = (i & 1 ? heatmap->u1 : heatmap->u0) + TIE;
        vertex.v = (i & 2 ? heatmap->v1 : heatmap->v0) + TIE;
        layout->heatmaps[layout->heatmap_count++] = vertex;
    }
}

/* ---- the list -------------------------------------------------------------------------------- */

static void set_clip(Builder *builder, Rect rect) {
    builder->clipped = rect.w >= 0;
    int x0 = (int)lroundf(rect.x), y0 = (int)lroundf(rect.y);
    int x1 = (int)lroundf(rect.x + rect.w), y1 = (int)lroundf(rect.y + rect.h);
    int clip[4] = {x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0};
    memcpy(builder->clip, clip, sizeof clip);
}

static void add_op(Builder *builder, const DrawOp *op) {
    switch (op->kind) {
    case DRAW_RECT:
    case DRAW_FRAME:
        (is_plain_fill(op) ? add_fill : add_rectangle)(builder, op);
        break;
    case DRAW_LINE:
        add_line(builder, op);
        break;
    case DRAW_TEXT:
        add_text(builder, op);
        break;
    case DRAW_TRIANGLE:
        add_triangle(builder, op);
        break;
    case DRAW_HEATMAP:
        add_heatmap(builder, op);
        break;
    case DRAW_COLORBAR:
        add_colorbar(builder, op);
        break;
    case DRAW_CLIP:
        set_clip(builder, op->rect);
        break;
    }
}

/* Glyphs of text out of sight would fill the cache, and a poster's pieces are many. */
static bool is_outside(const DrawOp *op, GpuArea part) {
    float x0 = op->rect.x, y0 = op->rect.y, x1 = x0 + op->rect.w, y1 = y0 + op->rect.h;
    if (op->kind == DRAW_TEXT) { /* no glyph is wider or higher than twice its size */
        float reach = 2 * op->style.size * ((float)strlen(op->text) + 1);
        x0 = op->rect.x - reach;
        x1 = op->rect.x + reach;
        y0 = op->rect.y - (op->angle != 0 ? reach : 2 * op->style.size);
        y1 = op->rect.y + (op->angle != 0 ? reach : 2 * op->style.size);
    } else if (op->kind != DRAW_HEATMAP && op->kind != DRAW_COLORBAR) {
        return false;
    }
    return x1 < (float)part.x || y1 < (float)part.y || x0 > (float)part.x + (float)part.w ||
           y0 > (float)part.y + (float)part.h;
}

static void build_once(Gpu *gpu, const DrawList *list, GpuArea part) {
    Layout *layout = &gpu->layout;
    Builder builder = {.gpu = gpu, .layout = layout, .fonts = list->fonts};
    layout->vertex_count = layout->heatmap_count = layout->batch_count = 0;
    layout->failed = list->failed;
    gpu_text_begin(gpu, list->fonts);
    for (size_t i = 0; i < list->count; i++) {
        if (!is_outside(&list->ops[i], part)) {
            add_op(&builder, &list->ops[i]);
        }
    }
}

void gpu_layout_build(Gpu *gpu, const DrawList *list, GpuArea part) {
    build_once(gpu, list, part);
    while (gpu->glyphs.full && gpu_text_grow(gpu)) {
        build_once(gpu, list, part);
    }
    if (gpu->glyphs.full) { /* as large as it may get: what earlier frames left goes */
        gpu_text_forget(gpu);
        build_once(gpu, list, part);
    }
}

void gpu_layout_free(Layout *layout) {
    mem_free(layout->vertices);
    mem_free(layout->heatmaps);
    mem_free(layout->batches);
    memset(layout, 0, sizeof *layout);
}
