/* The display list: an array of operations in painter's order. Text lives in the list's arena; both keep their
 * memory over a reset, so that building a steady frame allocates nothing. After a failed allocation the list stays
 * valid, marked `failed`, and only lacks what did not fit. */
#include "draw/draw.h"

#include <math.h>
#include <string.h>

/* ---- colours and rectangles ------------------------------------------------------------------ */

static uint8_t to_byte(float v) {
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5f);
}

Color color_alpha(Color c, float alpha) {
    c.a = to_byte((float)c.a * alpha);
    return c;
}

Color color_mix(Color a, Color b, float t) {
    float s = 1 - t;
    return (Color){to_byte((float)a.r * s + (float)b.r * t), to_byte((float)a.g * s + (float)b.g * t),
                   to_byte((float)a.b * s + (float)b.b * t), to_byte((float)a.a * s + (float)b.a * t)};
}

bool rect_contains(Rect r, float x, float y) {
    return x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;
}

Rect rect_inset(Rect r, float by) {
    return (Rect){r.x + by, r.y + by, fmaxf(0, r.w - 2 * by), fmaxf(0, r.h - 2 * by)};
}

Rect rect_intersect(Rect a, Rect b) {
    float x0 = fmaxf(a.x, b.x), y0 = fmaxf(a.y, b.y);
    float x1 = fminf(a.x + a.w, b.x + b.w), y1 = fminf(a.y + a.h, b.y + b.h);
    return (Rect){x0, y0, fmaxf(0, x1 - x0), fmaxf(0, y1 - y0)};
}

/* ---- the list -------------------------------------------------------------------------------- */

void draw_list_reset(DrawList *list, Fonts *fonts) {
    list->count = 0;
    list->failed = false;
    list->fonts = fonts;
    arena_reset(&list->arena);
}

void draw_list_free(DrawList *list) {
    mem_free(list->ops);
    arena_free(&list->arena);
    memset(list, 0, sizeof *list);
}

/* The new operation, zeroed but for kind and rect; NULL (and `failed`) without memory. */
static DrawOp *append(DrawList *list, DrawKind kind, Rect rect) {
    void *ops = list->ops;
    if (!mem_grow(&ops, &list->capacity, list->count + 1, sizeof *list->ops)) {
        list->failed = true;
        return NULL;
    }
    list->ops = ops;
    DrawOp *op = &list->ops[list->count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->rect = rect;
    return op;
}

void draw_rect(DrawList *list, Rect rect, float radius, Color color) {
    if (rect.w <= 0 || rect.h <= 0 || color.a == 0) {
        return;
    }
    DrawOp *op = append(list, DRAW_RECT, rect);
    if (op) {
        op->radius = radius;
        op->color = color;
    }
}

void draw_frame(DrawList *list, Rect rect, float radius, float width, Color color) {
    if (rect.w <= 0 || rect.h <= 0 || width <= 0 || color.a == 0) {
        return;
    }
    DrawOp *op = append(list, DRAW_FRAME, rect);
    if (op) {
        op->radius = radius;
        op->width = width;
        op->color = color;
    }
}

void draw_line(DrawList *list, float x0, float y0, float x1, float y1, float width, Color color) {
    if (width <= 0 || color.a == 0) {
        return;
    }
    DrawOp *op = append(list, DRAW_LINE, (Rect){x0, y0, x1 - x0, y1 - y0});
    if (op) {
        op->width = width;
        op->color = color;
    }
}

void draw_triangle(DrawList *list, const float points[6], Color color) {
    DrawOp *op = append(list, DRAW_TRIANGLE, (Rect){0});
    if (op) {
        memcpy(op->points, points, sizeof op->points);
        op->color = color;
    }
}

static DrawOp *append_text(DrawList *list, float x, float y, float angle, const char *text, size_t length,
                           TextStyle style, Color color) {
    char *copy = arena_copy_text(&list->arena, text, length);
    DrawOp *op = copy ? append(list, DRAW_TEXT, (Rect){x, y, 0, 0}) : NULL;
    if (!op) {
        list->failed = true;
        return NULL;
    }
    op->text = copy;
    op->style = style;
    op->angle = angle;
    op->color = color;
    return op;
}

void draw_text(DrawList *list, float x, float y, const char *text, TextStyle style, Align align, Color color) {
    if (!text || !text[0] || color.a == 0) {
        return;
    }
    float width = align == ALIGN_LEFT || !list->fonts ? 0 : draw_text_width(list->fonts, text, style);
    float start = align == ALIGN_CENTER ? x - width / 2 : x - width;
    DrawOp *op = append_text(list, start, y, 0, text, strlen(text), style, color);
    if (op) {
        op->align = align;
        op->rect.w = width;
    }
}

void draw_text_in(DrawList *list, Rect box, const char *text, TextStyle style, Align align, Color color) {
    if (!text || !text[0] || color.a == 0 || box.w <= 0 || !list->fonts) {
        return;
    }
    size_t size = strlen(text) + 4; /* an ellipsis takes 3 bytes */
    char *cut = arena_alloc(&list->arena, size);
    if (!cut) {
        list->failed = true;
        return;
    }
    draw_text_fit(list->fonts, text, style, box.w, cut, size);
    float x = align == ALIGN_LEFT ? box.x : align == ALIGN_CENTER ? box.x + box.w / 2 : box.x + box.w;
    float baseline = roundf(box.y + (box.h + draw_text_cap_height(list->fonts, style)) / 2);
    draw_text(list, x, baseline, cut, style, align, color);
}

void draw_text_angled(DrawList *list, float x, float y, float angle, const char *text, TextStyle style, Color color) {
    if (text && text[0] && color.a > 0) {
        append_text(list, x, y, angle, text, strlen(text), style, color);
    }
}

void draw_heatmap(DrawList *list, Rect rect, const DrawHeatmap *heatmap) {
    if (rect.w <= 0 || rect.h <= 0) {
        return;
    }
    DrawOp *op = append(list, DRAW_HEATMAP, rect);
    if (op) {
        op->heatmap = *heatmap;
    }
}

void draw_colorbar(DrawList *list, Rect rect, bool vertical, const DisplayParams *params) {
    if (rect.w <= 0 || rect.h <= 0) {
        return;
    }
    DrawOp *op = append(list, DRAW_COLORBAR, rect);
    if (op) {
        op->vertical = vertical;
        op->heatmap.params = *params;
    }
}

void draw_clip(DrawList *list, Rect rect) {
    append(list, DRAW_CLIP, (Rect){rect.x, rect.y, fmaxf(0, rect.w), fmaxf(0, rect.h)});
}

void draw_clip_off(DrawList *list) {
    append(list, DRAW_CLIP, (Rect){0, 0, -1, -1});
}
