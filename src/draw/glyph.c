/* Measuring text and making glyph bitmaps.
 *
 * stb_truetype does not hint, and unhinted text of 11 to 14 pixels has grey rows at the baseline and at the tops of
 * the letters. So outlines of alphabetic scripts are fitted vertically before rasterising, in the manner of
 * FreeType's light auto-hinter: the heights that many letters share (descender, baseline, x-height, cap height,
 * ascender) move to whole pixels, their overshoots are flattened at small sizes, and everything between is stretched
 * linearly. Horizontally nothing is fitted; pens stand on quarters of a pixel. */
#include "draw/font_private.h"

#include <math.h>
#include <string.h>

#define FIT_KNOTS_MAX 10
#define FIT_SIZE_MAX 48.0f      /* pixels per em; larger text is crisp by itself */
#define OVERSHOOT_FLAT_MAX 0.6f /* pixels; larger overshoots are meant to be seen */
#define X_HEIGHT_ROUND_UP 0.4f  /* a fraction above this rounds the x-height up: small text gains legibility */
#define GLYPH_SIDE_MAX 2048     /* pixels; a larger glyph is not drawn */
#define FLATNESS 0.25f          /* pixels of curve error */
#define ELLIPSIS 0x2026u

static float style_scale(const Face *face, TextStyle style) {
    return stbtt_ScaleForMappingEmToPixels(&face->info, style.size);
}

/* ---- vertical fitting ------------------------------------------------------------------------ */

/* A monotone piecewise linear map of heights, in font units. */
typedef struct Fit {
    int count;
    float from[FIT_KNOTS_MAX], to[FIT_KNOTS_MAX];
} Fit;

static void fit_add(Fit *fit, float from, float to) {
    if (fit->count > 0 && (from <= fit->from[fit->count - 1] || to < fit->to[fit->count - 1])) {
        return;
    }
    fit->from[fit->count] = from;
    fit->to[fit->count++] = to;
}

/* The flat height moves to `pixels`; the round one with it, or onto it while the overshoot is small. */
static void fit_add_top(Fit *fit, int flat, int round, float pixels, float scale) {
    if (flat <= 0) {
        return;
    }
    float to = pixels / scale;
    fit_add(fit, (float)flat, to);
    if (round > flat) {
        float overshoot = (float)(round - flat);
        fit_add(fit, (float)round, overshoot * scale < OVERSHOOT_FLAT_MAX ? to : to + overshoot);
    }
}

static float snapped_x_height(const Face *face, float scale) {
    return floorf((float)face->x_height * scale + 1 - X_HEIGHT_ROUND_UP);
}

static void fit_make(Fit *fit, const Face *face, float scale) {
    fit->count = 0;
    if (face->descender < 0) {
        fit_add(fit, (float)face->descender, roundf((float)face->descender * scale) / scale);
    }
    if (face->base_round < 0 && (float)-face->base_round * scale < OVERSHOOT_FLAT_MAX) {
        fit_add(fit, (float)face->base_round, 0);
    }
    fit_add(fit, 0, 0);
    fit_add_top(fit, face->x_height, face->x_round, snapped_x_height(face, scale), scale);
    fit_add_top(fit, face->cap_height, face->cap_round, roundf((float)face->cap_height * scale), scale);
    fit_add_top(fit, face->ascender, 0, roundf((float)face->ascender * scale), scale);
}

static float fit_apply(const Fit *fit, float y) {
    int last = fit->count - 1;
    if (y <= fit->from[0]) {
        return y + fit->to[0] - fit->from[0];
    }
    for (int i = 0; i < last; i++) {
        if (y <= fit->from[i + 1]) {
            float t = (y - fit->from[i]) / (fit->from[i + 1] - fit->from[i]);
            return fit->to[i] + t * (fit->to[i + 1] - fit->to[i]);
        }
    }
    return y + fit->to[last] - fit->from[last];
}

static stbtt_vertex_type to_units(float y) {
    return (stbtt_vertex_type)f64_clamp(roundf(y), INT16_MIN, INT16_MAX);
}

static void fit_outline(const Fit *fit, stbtt_vertex *vertices, int count) {
    for (int i = 0; i < count; i++) {
        stbtt_vertex *v = &vertices[i];
        v->y = to_units(fit_apply(fit, v->y));
        if (v->type == STBTT_vcurve || v->type == STBTT_vcubic) {
            v->cy = to_units(fit_apply(fit, v->cy));
        }
        if (v->type == STBTT_vcubic) {
            v->cy1 = to_units(fit_apply(fit, v->cy1));
        }
    }
}

/* Latin, Greek and Cyrillic: the scripts whose letters share the fitted heights. */
static bool is_fitted(uint32_t code, TextStyle style) {
    bool alphabetic = (code > 0x20 && code < 0x300) || (code >= 0x370 && code < 0x530) ||
                      (code >= 0x1e00 && code < 0x2000);
    return alphabetic && style.size <= FIT_SIZE_MAX;
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* The box that stands for a code point without a glyph: its hex digits from a 3 x 5 dot font, in a frame. */
enum { DOT_WIDTH = 3, DOT_HEIGHT = 5, BOX_MARGIN = 2 };

static int box_dot(TextStyle style) {
    return (int)f64_clamp(floor((double)style.size / 13), 1, 8);
}

static int box_digits(uint32_t code) {
    return code > 0xfffff ? 6 : code > 0xffff ? 5 : 4;
}

static int box_width(uint32_t code, TextStyle style) {
    return (box_digits(code) * (DOT_WIDTH + 1) - 1 + 2 * BOX_MARGIN) * box_dot(style);
}

static int box_height(TextStyle style) {
    return (DOT_HEIGHT + 2 * BOX_MARGIN) * box_dot(style);
}

static float natural_advance(Fonts *fonts, const CodeGlyph *glyph, TextStyle style) {
    if (glyph->face == GLYPH_FACE_INVISIBLE) {
        return 0;
    }
    if (glyph->face == GLYPH_FACE_MISSING) {
        return (float)(box_width(glyph->code, style) + 2 * box_dot(style));
    }
    return (float)glyph->advance * style_scale(&fonts->faces[glyph->face], style);
}

static bool is_tabular(uint32_t code) {
    return (code >= '0' && code <= '9') || code == '-' || code == '+' || code == 0x2212;
}

/* The widest digit. */
static float tabular_advance(Fonts *fonts, TextStyle style) {
    float *ems = &fonts->digit_width[style.weight];
    TextStyle em = {.size = 1, .weight = style.weight};
    if (*ems == 0) {
        for (uint32_t digit = '0'; digit <= '9'; digit++) {
            *ems = fmaxf(*ems, natural_advance(fonts, draw_font_lookup(fonts, digit, style.weight), em));
        }
    }
    return *ems * style.size;
}

float draw_glyph_advance(Fonts *fonts, uint32_t code, TextStyle style) {
    if (style.tabular && is_tabular(code)) {
        return tabular_advance(fonts, style);
    }
    return natural_advance(fonts, draw_font_lookup(fonts, code, style.weight), style);
}

float draw_glyph_shift(Fonts *fonts, uint32_t code, TextStyle style) {
    if (!style.tabular || !is_tabular(code)) {
        return 0;
    }
    float own = natural_advance(fonts, draw_font_lookup(fonts, code, style.weight), style);
    return (tabular_advance(fonts, style) - own) / 2;
}

float draw_text_width(Fonts *fonts, const char *text, TextStyle style) {
    size_t length = strlen(text);
    float width = 0;
    for (size_t at = 0; at < length;) {
        width += draw_glyph_advance(fonts, utf8_decode(text, length, &at), style);
    }
    return width;
}

float draw_text_ascent(Fonts *fonts, TextStyle style) {
    const Face *face = draw_font_primary(fonts, style.weight);
    return (float)face->ascent * style_scale(face, style);
}

float draw_text_line_height(Fonts *fonts, TextStyle style) {
    const Face *face = draw_font_primary(fonts, style.weight);
    return (float)(face->ascent - face->descent + face->line_gap) * style_scale(face, style);
}

float draw_text_cap_height(Fonts *fonts, TextStyle style) {
    const Face *face = draw_font_primary(fonts, style.weight);
    float pixels = (float)face->cap_height * style_scale(face, style);
    return style.size <= FIT_SIZE_MAX ? roundf(pixels) : pixels;
}

void draw_text_fit(Fonts *fonts, const char *text, TextStyle style, float width, char *out, size_t out_size) {
    char ellipsis[4];
    size_t ellipsis_size = utf8_encode(ELLIPSIS, ellipsis);
    float ellipsis_width = draw_glyph_advance(fonts, ELLIPSIS, style);
    size_t length = strlen(text), kept = 0, at = 0;
    float used = 0;
    bool room = true;
    while (at < length) {
        size_t start = at;
        used += draw_glyph_advance(fonts, utf8_decode(text, length, &at), style);
        if (used > width || at + 1 > out_size) {
            at = start;
            break;
        }
        room = room && used + ellipsis_width <= width && at + ellipsis_size + 1 <= out_size;
        kept = room ? at : kept; /* longest beginning that leaves room for the ellipsis */
    }
    if (at == length && length + 1 <= out_size) {
        memcpy(out, text, length + 1);
        return;
    }
    if (ellipsis_width > width || ellipsis_size + 1 > out_size) {
        out[0] = '\0';
        return;
    }
    while (kept > 0 && text[kept - 1] == ' ') {
        kept--;
    }
    memcpy(out, text, kept);
    memcpy(out + kept, ellipsis, ellipsis_size);
    out[kept + ellipsis_size] = '\0';
}

/* ---- bitmaps --------------------------------------------------------------------------------- */

static Status reserve_coverage(Fonts *fonts, int width, int height, Error *err) {
    void *coverage = fonts->coverage;
    size_t size = (size_t)width * (size_t)height;
    if (!mem_grow(&coverage, &fonts->coverage_capacity, size, 1)) {
        return error_set(err, STATUS_MEMORY, "not enough memory for a glyph");
    }
    fonts->coverage = coverage;
    memset(fonts->coverage, 0, size);
    return STATUS_OK;
}

static void fill_dots(uint8_t *coverage, int stride, int x, int y, int width, int height) {
    for (int row = y; row < y + height; row++) {
        memset(coverage + row * stride + x, 255, (size_t)width);
    }
}

/* Rows of three dots, top first, most significant bit left. */
static const uint16_t hex_dots[16] = {
    075557, 022222, 071747, 071717, 055711, 074717, 074757, 071111,
    075757, 075717, 075755, 065656, 074447, 065556, 074747, 074744,
};

static Status draw_box(Fonts *fonts, uint32_t code, TextStyle style, GlyphBitmap *out, Error *err) {
    int dot = box_dot(style), width = box_width(code, style), height = box_height(style);
    Status status = reserve_coverage(fonts, width, height, err);
    if (status != STATUS_OK) {
        return status;
    }
    fill_dots(fonts->coverage, width, 0, 0, width, dot);
    fill_dots(fonts->coverage, width, 0, height - dot, width, dot);
    fill_dots(fonts->coverage, width, 0, 0, dot, height);
    fill_dots(fonts->coverage, width, width - dot, 0, dot, height);
    int digits = box_digits(code);
    for (int i = 0; i < digits; i++) {
        uint16_t dots = hex_dots[code >> (4 * (digits - 1 - i)) & 15];
        for (int bit = 0; bit < DOT_WIDTH * DOT_HEIGHT; bit++) {
            if (dots >> (DOT_WIDTH * DOT_HEIGHT - 1 - bit) & 1) {
                int x = (BOX_MARGIN + i * (DOT_WIDTH + 1) + bit % DOT_WIDTH) * dot;
                fill_dots(fonts->coverage, width, x, (BOX_MARGIN + bit / DOT_WIDTH) * dot, dot, dot);
            }
        }
    }
    int middle = (int)lroundf(draw_text_cap_height(fonts, style) / 2);
    *out = (GlyphBitmap){
        .width = width, .height = height, .left = dot, .top = -middle - height / 2, .coverage = fonts->coverage};
    return STATUS_OK;
}

/* How a glyph stands on its pixels. */
typedef struct Placing {
    bool turned;
    float cosine, sine; /* turned: of the angle, clockwise */
    float shift_x, shift_y;
} Placing;

/* The bitmap in fonts->coverage, turned. Each pixel takes a few samples of it: this is for boxes, not for letters. */
static Status turn_bitmap(Fonts *fonts, const Placing *placing, GlyphBitmap *bitmap, Error *err) {
    enum { SAMPLES = 3 };
    int width = bitmap->width, height = bitmap->height, left = bitmap->left, top = bitmap->top;
    int reach = (int)ceil(hypot(fabs((double)left) + width, fabs((double)top) + height)) + 1, side = 2 * reach;
    uint8_t *source = mem_alloc((size_t)width * (size_t)height);
    if (!source) {
        return error_set(err, STATUS_MEMORY, "not enough memory for a glyph");
    }
    memcpy(source, fonts->coverage, (size_t)width * (size_t)height);
    Status status = reserve_coverage(fonts, side, side, err);
    for (int i = 0; status == STATUS_OK && i < side * side * SAMPLES * SAMPLES; i++) {
        int pixel = i / (SAMPLES * SAMPLES), sample = i % (SAMPLES * SAMPLES);
        float x = (float)(pixel % side - reach) + ((float)(sample % SAMPLES) + 0.5f) / SAMPLES - placing->shift_x;
        float y = (float)(pixel / side - reach) + ((float)(sample / SAMPLES) + 0.5f) / SAMPLES - placing->shift_y;
        int u = (int)floorf(x * placing->cosine + y * placing->sine) - left;
        int v = (int)floorf(y * placing->cosine - x * placing->sine) - top;
        if (u >= 0 && v >= 0 && u < width && v < height) {
            fonts->coverage[pixel] = (uint8_t)(fonts->coverage[pixel] + source[v * width + u] / (SAMPLES * SAMPLES));
        }
    }
    mem_free(source);
    *bitmap = (GlyphBitmap){.width = side, .height = side, .left = -reach, .top = -reach, .coverage = fonts->coverage};
    return status;
}

typedef struct Box {
    int x0, y0, x1, y1; /* pixels, y down */
} Box;

/* Of all points including those that steer curves, which is never too small. */
static Box outline_box(const stbtt_vertex *vertices, int count, float scale, const Placing *placing) {
    float x0 = 1e9f, y0 = 1e9f, x1 = -1e9f, y1 = -1e9f;
    for (int i = 0; i < count; i++) {
        const stbtt_vertex *v = &vertices[i];
        float xs[3] = {v->x, v->cx, v->cx1}, ys[3] = {v->y, v->cy, v->cy1};
        int points = v->type == STBTT_vcubic ? 3 : v->type == STBTT_vcurve ? 2 : 1;
        for (int p = 0; p < points; p++) {
            x0 = fminf(x0, xs[p]);
            x1 = fmaxf(x1, xs[p]);
            y0 = fminf(y0, ys[p]);
            y1 = fmaxf(y1, ys[p]);
        }
    }
    return (Box){(int)floorf(x0 * scale + placing->shift_x), (int)floorf(-y1 * scale + placing->shift_y - 0.01f),
                 (int)ceilf(x1 * scale + placing->shift_x), (int)ceilf(-y0 * scale + placing->shift_y + 0.01f)};
}

static void turn_point(const Placing *placing, stbtt_vertex_type *x, stbtt_vertex_type *y) {
    float u = *x, v = *y; /* font units, y up */
    *x = to_units(u * placing->cosine + v * placing->sine);
    *y = to_units(v * placing->cosine - u * placing->sine);
}

static void turn_outline(const Placing *placing, stbtt_vertex *vertices, int count) {
    for (int i = 0; i < count; i++) {
        stbtt_vertex *v = &vertices[i];
        turn_point(placing, &v->x, &v->y);
        if (v->type == STBTT_vcurve || v->type == STBTT_vcubic) {
            turn_point(placing, &v->cx, &v->cy);
        }
        if (v->type == STBTT_vcubic) {
            turn_point(placing, &v->cx1, &v->cy1);
        }
    }
}

static Status draw_outline(Fonts *fonts, const CodeGlyph *glyph, TextStyle style, const Placing *placing,
                           GlyphBitmap *out, Error *err) {
    const Face *face = &fonts->faces[glyph->face];
    float scale = style_scale(face, style);
    stbtt_vertex *vertices = NULL;
    Status status = STATUS_OK;
    int count = stbtt_GetGlyphShape(&face->info, glyph->glyph, &vertices);
    if (count <= 0) {
        goto done; /* a space */
    }
    if (placing->turned) {
        turn_outline(placing, vertices, count);
    } else if (is_fitted(glyph->code, style)) {
        Fit fit;
        fit_make(&fit, face, scale);
        fit_outline(&fit, vertices, count);
    }
    Box box = outline_box(vertices, count, scale, placing);
    int width = box.x1 - box.x0, height = box.y1 - box.y0;
    if (width <= 0 || height <= 0) {
        goto done;
    }
    if (width > GLYPH_SIDE_MAX || height > GLYPH_SIDE_MAX) {
        status = error_set(err, STATUS_RANGE, "a glyph of %d x %d pixels is too large", width, height);
        goto done;
    }
    status = reserve_coverage(fonts, width, height, err);
    if (status == STATUS_OK) {
        stbtt__bitmap bitmap = {.w = width, .h = height, .stride = width, .pixels = fonts->coverage};
        stbtt_Rasterize(&bitmap, FLATNESS, vertices, count, scale, scale, placing->shift_x, placing->shift_y, box.x0,
                        box.y0, 1, NULL);
        *out = (GlyphBitmap){
            .width = width, .height = height, .left = box.x0, .top = box.y0, .coverage = fonts->coverage};
    }
done:
    stbtt_FreeShape(&face->info, vertices);
    return status;
}

static Status draw_placed(Fonts *fonts, uint32_t code, TextStyle style, const Placing *placing, GlyphBitmap *out,
                          Error *err) {
    const CodeGlyph glyph = *draw_font_lookup(fonts, code, style.weight);
    memset(out, 0, sizeof *out);
    Status status = STATUS_OK;
    if (glyph.face == GLYPH_FACE_MISSING) {
        status = draw_box(fonts, glyph.code, style, out, err);
        if (status == STATUS_OK && placing->turned) {
            status = turn_bitmap(fonts, placing, out, err);
        }
    } else if (glyph.face != GLYPH_FACE_INVISIBLE) {
        status = draw_outline(fonts, &glyph, style, placing, out, err);
    }
    out->advance = draw_glyph_advance(fonts, code, style);
    return status;
}

Status draw_glyph(Fonts *fonts, uint32_t code, TextStyle style, int subpixel, GlyphBitmap *out, Error *err) {
    Placing placing = {.shift_x = (float)subpixel / 4};
    return draw_placed(fonts, code, style, &placing, out, err);
}

Status draw_glyph_turned(Fonts *fonts, uint32_t code, TextStyle style, float angle, int subpixel_x, int subpixel_y,
                         GlyphBitmap *out, Error *err) {
    Placing placing = {.turned = true,
                       .cosine = cosf(angle),
                       .sine = sinf(angle),
                       .shift_x = (float)subpixel_x / 4,
                       .shift_y = (float)subpixel_y / 4};
    return draw_placed(fonts, code, style, &placing, out, err);
}
