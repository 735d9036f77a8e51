/* draw: what a frame consists of, independent of who paints it. A DrawList holds rectangles, lines, text and heatmap
 * pieces in painter's order; gpu/ replays it with GL, an exporter can replay it on cairo. Also fonts (stb_truetype),
 * colormaps and the CPU definition of the display pass. No GL, no SDL.
 *
 * Units are target pixels (not points), origin top left, y down. Colours are sRGB, straight alpha.
 *
 * One section for each .c file: list.c colormap.c display.c font.c glyph.c */
#ifndef ATTNSCOPE_DRAW_H
#define ATTNSCOPE_DRAW_H

#include "tiles/tiles.h"

typedef struct Color {
    uint8_t r, g, b, a;
} Color;
typedef struct Rect {
    float x, y, w, h;
} Rect;
#define COLOR_HEX(rgb) ((Color){(uint8_t)((rgb) >> 16), (uint8_t)((rgb) >> 8), (uint8_t)(rgb), 255})
Color color_alpha(Color c, float alpha); /* multiplies alpha */
Color color_mix(Color a, Color b, float t);
bool rect_contains(Rect r, float x, float y);
Rect rect_inset(Rect r, float by);
Rect rect_intersect(Rect a, Rect b); /* w, h >= 0 */

/* ---- colormap.c : tables generated at build -------------------------------------------------- */

typedef enum ColormapId {
    CMAP_VIRIDIS,
    CMAP_MAGMA,
    CMAP_INFERNO,
    CMAP_PLASMA,
    CMAP_CIVIDIS,
    CMAP_TURBO,
    CMAP_GREY,      /* sequential */
    CMAP_DIVERGING, /* symmetric about 0; what signed data gets */
    CMAP_COUNT
} ColormapId;
const char *draw_colormap_name(ColormapId id); /* "viridis" ... "diverging" */
bool draw_colormap_parse(const char *name, ColormapId *out);
#define COLORMAP_SIZE 256
const uint8_t (*draw_colormap_table(ColormapId id))[3]; /* [COLORMAP_SIZE][3] sRGB */
/* Maps are shown in COLORMAP_FINE steps between entries: position 0 .. COLORMAP_POSITIONS - 1, opaque colour. */
#define COLORMAP_FINE 8
#define COLORMAP_POSITIONS ((COLORMAP_SIZE - 1) * COLORMAP_FINE + 1)
Color draw_colormap_color(ColormapId id, int position);
int draw_colormap_position(float unit); /* nearest position of 0..1; outside and NaN: the nearer end, the low one */

/* ---- display.c : the CPU twin of the display shader ------------------------------------------ */

typedef enum Transform { TRANSFORM_LINEAR, TRANSFORM_SQRT, TRANSFORM_LOG } Transform;

/* Everything the display pass needs besides the texels; equal for all pieces of one matrix. */
typedef struct DisplayParams {
    ColormapId cmap;
    Channel channel;
    Transform transform;              /* of t = (v - lo) / (hi - lo); see draw_display_unit */
    float gamma;                      /* 0 counts as 1; t^(1/gamma) after the transform */
    float lo, hi;                     /* in the unit of the channel */
    bool is_signed;                   /* symmetric: t = 0.5 + 0.5 * sign(v) * f(|v| / max(|lo|, |hi|)) */
    Color masked, nonfinite, clipped; /* `clipped`: values above hi (below lo); alpha 0 = the end of the map */
    Color clipped_below;              /* for values below lo; alpha 0 = the same as `clipped` */
} DisplayParams;

/* Value of the shown channel of one texel: R, R * keys_in_texel, or G. */
float draw_display_value(const DisplayParams *params, float r, float g, float keys_in_texel);
/* Position 0..1 in the colormap; values outside the range give its ends. Linear: t. Sqrt: sqrt(t). Log: log(1 +
 * LOG_STEEPNESS t) / log(1 + LOG_STEEPNESS). */
#define DISPLAY_LOG_STEEPNESS 1000.0f
float draw_display_unit(const DisplayParams *params, float value);
/* Inverse of the above, for ticks of the colour bar. */
float draw_display_value_at(const DisplayParams *params, float unit);
/* The colour of a texel, as the shader writes it (within 1 of 255 per component). */
Color draw_display_color(const DisplayParams *params, float r, float g, float keys_in_texel);

/* ---- font.c, glyph.c : fonts by fontconfig, glyph bitmaps by stb_truetype -------------------- */

typedef struct Fonts Fonts;
typedef enum FontWeight { FONT_REGULAR, FONT_BOLD } FontWeight;

typedef struct FontsParams {
    const char *family; /* NULL: Inter, then Noto Sans, DejaVu Sans, any sans */
    const char *file;   /* this font file instead, checked thoroughly, and no other */
} FontsParams;
/* STATUS_NOT_FOUND when the system has no usable font: the sentence says what to install. */
Status draw_fonts_open(const FontsParams *params, Fonts **out, Error *err);
void draw_fonts_close(Fonts *fonts);
/* Differs between any two Fonts of the process: for caches of glyphs. Never 0. */
uint32_t draw_fonts_serial(const Fonts *fonts);
/* The family of the regular face; "" for a single file. */
const char *draw_fonts_family(const Fonts *fonts);

typedef struct TextStyle {
    float size; /* pixels: em height */
    FontWeight weight;
    bool tabular; /* digits, '+', '-' and the minus sign get equal advances, so that columns of numbers align */
} TextStyle;
float draw_text_width(Fonts *fonts, const char *text, TextStyle style);
float draw_text_ascent(Fonts *fonts, TextStyle style); /* above the baseline, positive */
float draw_text_line_height(Fonts *fonts, TextStyle style);
float draw_text_cap_height(Fonts *fonts, TextStyle style);
/* Cuts `text` so that it fits `width` and out_size (> 0), ending in an ellipsis; "" where not even that fits. out is
 * NUL-terminated; a code point is never cut. */
void draw_text_fit(Fonts *fonts, const char *text, TextStyle style, float width, char *out, size_t out_size);

/* For painters: one glyph as 8-bit coverage. A code point that no font has is drawn as a small box with its hex
 * digits. */
typedef struct GlyphBitmap {
    int width, height, left, top; /* left/top: offset of the bitmap from the pen on the baseline, y down */
    float advance;
    const uint8_t *coverage; /* borrowed until the next call */
} GlyphBitmap;
/* `subpixel`: pen position within the pixel in quarters, 0..3. An empty bitmap (a space) has coverage NULL. */
Status draw_glyph(Fonts *fonts, uint32_t code, TextStyle style, int subpixel, GlyphBitmap *out, Error *err);
/* The same, turned by `angle` (radians, clockwise) about a pen at quarters x, y of its pixel; not fitted to pixel
 * rows. */
Status draw_glyph_turned(Fonts *fonts, uint32_t code, TextStyle style, float angle, int subpixel_x, int subpixel_y,
                         GlyphBitmap *out, Error *err);
float draw_glyph_advance(Fonts *fonts, uint32_t code, TextStyle style);
/* How far right of the pen a glyph stands that is centred in a tabular cell; 0 for all others. */
float draw_glyph_shift(Fonts *fonts, uint32_t code, TextStyle style);

/* For exporters that embed fonts: where the glyph of a code point lies. */
enum { FONT_GLYPH_MISSING = -1, FONT_GLYPH_INVISIBLE = -2 };
typedef struct FontGlyph {
    int face;  /* for draw_font_data, or FONT_GLYPH_*: a box is drawn, nothing is drawn */
    int glyph; /* number in the font */
} FontGlyph;
FontGlyph draw_font_glyph(Fonts *fonts, uint32_t code, FontWeight weight);
typedef struct FontData {
    const uint8_t *data; /* borrowed, lives as long as the fonts */
    size_t size;
    int index; /* in a collection */
} FontData;
bool draw_font_data(const Fonts *fonts, int face, FontData *out); /* false: no such face */

/* ---- list.c : the display list --------------------------------------------------------------- */

typedef enum Align { ALIGN_LEFT, ALIGN_CENTER, ALIGN_RIGHT } Align;

typedef enum DrawKind {
    DRAW_RECT,
    DRAW_FRAME,
    DRAW_LINE,
    DRAW_TEXT,
    DRAW_TRIANGLE,
    DRAW_HEATMAP,
    DRAW_COLORBAR,
    DRAW_CLIP
} DrawKind;

/* One piece of a heatmap: texels [u0,u1) x [v0,v1) (fractions allowed) of a resident tile or composite, drawn into rect
 * with nearest sampling. */
typedef struct DrawHeatmap {
    TileKey key;          /* head >= 0: a tile; head == -1: a composite. Not resident: nothing is drawn */
    int mip;              /* base tiles and base composites only */
    float u0, v0, u1, v1; /* texels of that mip */
    int64_t keys;         /* of the pattern, for mass at the ragged edge */
    DisplayParams params;
} DrawHeatmap;

typedef struct DrawOp {
    DrawKind kind;
    Rect rect;    /* RECT, FRAME, HEATMAP, COLORBAR, CLIP (w < 0: clip off). LINE: from (x, y) to (x + w, y + h) */
    float radius; /* RECT, FRAME: corners */
    float width;  /* FRAME, LINE: stroke, drawn inside the FRAME's rect, centred on the LINE */
    Color color;
    float points[6];  /* TRIANGLE */
    const char *text; /* TEXT: owned by the list's arena */
    TextStyle style;
    Align align; /* TEXT: how it was asked for; rect.x is its start whatever this says, rect.w its width or 0 */
    float angle; /* TEXT: radians, clockwise positive, about its origin (rect.x, rect.y = pen start on the baseline) */
    bool vertical;       /* COLORBAR: low end at the bottom */
    DrawHeatmap heatmap; /* HEATMAP; COLORBAR uses heatmap.params */
} DrawOp;

typedef struct DrawList {
    DrawOp *ops;
    size_t count, capacity;
    Arena arena;
    Fonts *fonts; /* borrowed; for measuring and aligning */
    bool failed;  /* an allocation failed: the list is incomplete */
} DrawList;

void draw_list_reset(DrawList *list, Fonts *fonts); /* keeps memory */
void draw_list_free(DrawList *list);
void draw_rect(DrawList *list, Rect rect, float radius, Color color);
void draw_frame(DrawList *list, Rect rect, float radius, float width, Color color);
void draw_line(DrawList *list, float x0, float y0, float x1, float y1, float width, Color color);
void draw_triangle(DrawList *list, const float points[6], Color color);
/* Text is copied. Alignment: ALIGN_LEFT x is the start; CENTER, RIGHT accordingly; y is the baseline. */
void draw_text(DrawList *list, float x, float y, const char *text, TextStyle style, Align align, Color color);
/* In a box: vertically centred by cap height, cut with an ellipsis to the width. */
void draw_text_in(DrawList *list, Rect box, const char *text, TextStyle style, Align align, Color color);
void draw_text_angled(DrawList *list, float x, float y, float angle, const char *text, TextStyle style, Color color);
void draw_heatmap(DrawList *list, Rect rect, const DrawHeatmap *heatmap);
void draw_colorbar(DrawList *list, Rect rect, bool vertical, const DisplayParams *params);
void draw_clip(DrawList *list, Rect rect);
void draw_clip_off(DrawList *list);

#endif
