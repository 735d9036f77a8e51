/* A display list as SVG 1.1: text stays text (found, copied, edited), heatmaps are PNGs of one pixel a texel, all
 * else is shapes.
 *
 * Viewers lay text out with the fonts they have. The interface's faces are embedded for those that load them, and
 * alignment is kept (text-anchor), so that labels end where they should even in another font. */
#include "export/internal.h"

#include <math.h>
#include <string.h>

#define GRADIENT_STOPS 64
#define EMBEDDED_FACES 2
#define SEMIBOLD 600 /* what FONT_BOLD is: draw/font.c */

typedef struct Svg {
    FileWriter *file;
    Gpu *gpu;
    const DrawList *list;
    Rect page, clip;
    bool grouped; /* inside <g clip-path> */
    int ids;
    Status status;
    Error *err;
} Svg;

static void put(Svg *svg, const char *text, size_t length) {
    if (svg->status == STATUS_OK) svg->status = file_writer_write(svg->file, text, length, svg->err);
}

BASE_PRINTF(2, 3) static void putf(Svg *svg, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    put(svg, line, (size_t)i64_clamp(length, 0, (int64_t)sizeof line - 1));
}

/* XML 1.0 knows no control characters, and no surrogates or U+FFFE, however they are written. */
static void put_escaped(Svg *svg, const char *text) {
    const size_t length = strlen(text);
    TextBuffer out = {0};
    for (size_t at = 0; at < length;) {
        uint32_t code = utf8_decode(text, length, &at);
        char bytes[4];
        if ((code < 0x20 && code != '\n' && code != '\t') || code == 0x7f || code == 0xfffe || code == 0xffff)
            code = 0xfffd;
        if (code == '<')
            text_append(&out, "&lt;");
        else if (code == '>')
            text_append(&out, "&gt;");
        else if (code == '&')
            text_append(&out, "&amp;");
        else if (code == '"')
            text_append(&out, "&quot;");
        else
            text_append_bytes(&out, bytes, utf8_encode(code, bytes));
    }
    if (out.failed && svg->status == STATUS_OK)
        svg->status = error_set(svg->err, STATUS_MEMORY, "not enough memory to write the picture");
    if (out.text) put(svg, out.text, out.length);
    text_buffer_free(&out);
}

static void put_base64(Svg *svg, const char *bytes, size_t size) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char block[4096];
    size_t used = 0;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t v = (uint32_t)(uint8_t)bytes[i] << 16 | (left > 1 ? (uint32_t)(uint8_t)bytes[i + 1] << 8 : 0) |
                           (left > 2 ? (uint32_t)(uint8_t)bytes[i + 2] : 0);
        block[used++] = DIGITS[v >> 18];
        block[used++] = DIGITS[v >> 12 & 63];
        block[used++] = left > 1 ? DIGITS[v >> 6 & 63] : '=';
        block[used++] = left > 2 ? DIGITS[v & 63] : '=';
        if (used == sizeof block) {
            put(svg, block, used);
            used = 0;
        }
    }
    put(svg, block, used);
}

static void put_color(Svg *svg, const char *attribute, Color c) {
    putf(svg, " %s=\"#%02x%02x%02x\"", attribute, c.r, c.g, c.b);
    if (c.a < 255) putf(svg, " %s-opacity=\"%.3g\"", attribute, c.a / 255.0);
}

static void put_number(Svg *svg, const char *attribute, double v) {
    putf(svg, " %s=\"%.10g\"", attribute, round(v * 1000) / 1000);
}

static void put_box(Svg *svg, double x, double y, double w, double h) {
    put_number(svg, "x", x);
    put_number(svg, "y", y);
    put_number(svg, "width", w);
    put_number(svg, "height", h);
}

/* ---- head ------------------------------------------------------------------------------------ */

static const char *family_of(const Svg *svg) {
    const char *family = draw_fonts_family(svg->list->fonts);
    return family[0] ? family : "attnscope";
}

/* The primary face of each weight that the list uses. */
static void put_fonts(Svg *svg) {
    int faces[EMBEDDED_FACES] = {-1, -1};
    for (size_t i = 0; i < svg->list->count; i++) {
        const DrawOp *op = &svg->list->ops[i];
        if (op->kind == DRAW_TEXT)
            faces[op->style.weight == FONT_BOLD] = draw_font_glyph(svg->list->fonts, 'n', op->style.weight).face;
    }
    for (int bold = 0; bold < EMBEDDED_FACES && svg->status == STATUS_OK; bold++) {
        FontData font;
        TextBuffer woff = {0};
        if (faces[bold] < 0 || !draw_font_data(svg->list->fonts, faces[bold], &font)) continue;
        const Status status = export_woff(&font, &woff, svg->err);
        if (status == STATUS_OK) {
            putf(svg, "@font-face{font-family:\"%.120s\";font-weight:%d;src:url(data:font/woff;base64,", family_of(svg),
                 bold ? SEMIBOLD : 400);
            put_base64(svg, woff.text, woff.length);
            putf(svg, ")}\n");
        } else if (status != STATUS_UNSUPPORTED) { /* collections stay with the viewer */
            svg->status = status;
        }
        text_buffer_free(&woff);
    }
}

static void put_head(Svg *svg, const ExportVectorParams *params) {
    putf(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
              "xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\"");
    put_number(svg, "width", (double)params->width / (double)params->scale);
    put_number(svg, "height", (double)params->height / (double)params->scale);
    putf(svg, " viewBox=\"0 0 %d %d\">\n<title>", params->width, params->height);
    put_escaped(svg, params->title ? params->title : "attention");
    putf(svg, "</title>\n<desc>");
    put_escaped(svg, params->description ? params->description : "");
    putf(svg, "</desc>\n<style>\n");
    put_fonts(svg);
    putf(svg,
         "text{font-family:\"%.120s\",\"DejaVu "
         "Sans\",sans-serif;font-kerning:none;font-variant-ligatures:none;white-space:pre}\n"
         "image{image-rendering:optimizeSpeed;image-rendering:pixelated}\n</style>\n",
         family_of(svg));
    if (params->ground.a > 0) {
        putf(svg, "<rect width=\"%d\" height=\"%d\"", params->width, params->height);
        put_color(svg, "fill", params->ground);
        putf(svg, "/>\n");
    }
}

/* ---- operations ------------------------------------------------------------------------------ */

static void put_rect(Svg *svg, const DrawOp *op) {
    const bool frame = op->kind == DRAW_FRAME;
    const double inset = frame ? op->width / 2 : 0;
    putf(svg, "<rect");
    put_box(svg, op->rect.x + inset, op->rect.y + inset, fmax(0, op->rect.w - 2 * inset),
            fmax(0, op->rect.h - 2 * inset));
    if (op->radius > inset) put_number(svg, "rx", op->radius - inset);
    if (frame) {
        putf(svg, " fill=\"none\"");
        put_number(svg, "stroke-width", op->width);
    }
    put_color(svg, frame ? "stroke" : "fill", op->color);
    putf(svg, "/>\n");
}

static void put_line(Svg *svg, const DrawOp *op) {
    putf(svg, "<line");
    put_number(svg, "x1", op->rect.x);
    put_number(svg, "y1", op->rect.y);
    put_number(svg, "x2", op->rect.x + op->rect.w);
    put_number(svg, "y2", op->rect.y + op->rect.h);
    put_number(svg, "stroke-width", op->width);
    put_color(svg, "stroke", op->color);
    putf(svg, "/>\n");
}

static void put_triangle(Svg *svg, const DrawOp *op) {
    putf(svg, "<polygon points=\"%.7g,%.7g %.7g,%.7g %.7g,%.7g\"", (double)op->points[0], (double)op->points[1],
         (double)op->points[2], (double)op->points[3], (double)op->points[4], (double)op->points[5]);
    put_color(svg, "fill", op->color);
    putf(svg, "/>\n");
}

static void put_text(Svg *svg, const DrawOp *op) {
    static const char *const ANCHORS[] = {"start", "middle", "end"};
    const double anchor = op->align == ALIGN_CENTER ? op->rect.w / 2 : op->align == ALIGN_RIGHT ? op->rect.w : 0;
    putf(svg, "<text xml:space=\"preserve\"");
    put_number(svg, "x", op->rect.x + anchor);
    put_number(svg, "y", op->rect.y);
    put_number(svg, "font-size", op->style.size);
    if (op->align != ALIGN_LEFT) putf(svg, " text-anchor=\"%s\"", ANCHORS[op->align]);
    if (op->style.weight == FONT_BOLD) putf(svg, " font-weight=\"%d\"", SEMIBOLD);
    if (op->angle != 0) {
        putf(svg, " transform=\"rotate(%.7g %.7g %.7g)\"", (double)op->angle * 180 / 3.14159265358979,
             (double)op->rect.x, (double)op->rect.y);
    }
    put_color(svg, "fill", op->color);
    putf(svg, ">");
    put_escaped(svg, op->text);
    putf(svg, "</text>\n");
}

static void put_colorbar(Svg *svg, const DrawOp *op) {
    const int id = svg->ids++;
    putf(svg,
         op->vertical ? "<linearGradient id=\"i%d\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">"
                      : "<linearGradient id=\"i%d\">",
         id);
    for (int i = 0; i <= GRADIENT_STOPS; i++) {
        const float unit = (float)i / GRADIENT_STOPS;
        const Color c = draw_colormap_color(op->heatmap.params.cmap, draw_colormap_position(unit));
        putf(svg, "<stop offset=\"%.6g\" stop-color=\"#%02x%02x%02x\"/>", (double)unit, c.r, c.g, c.b);
    }
    putf(svg, "</linearGradient>\n<rect");
    put_box(svg, op->rect.x, op->rect.y, op->rect.w, op->rect.h);
    putf(svg, " fill=\"url(#i%d)\"/>\n", id);
}

static void put_clip(Svg *svg, Rect rect) {
    if (svg->grouped) putf(svg, "</g>\n");
    svg->grouped = rect.w >= 0;
    svg->clip = svg->page;
    if (!svg->grouped) return;
    const double x0 = round(rect.x), y0 = round(rect.y), x1 = round(rect.x + rect.w), y1 = round(rect.y + rect.h);
    const int id = svg->ids++;
    svg->clip = rect_intersect(svg->page, (Rect){(float)x0, (float)y0, (float)(x1 - x0), (float)(y1 - y0)});
    putf(svg, "<clipPath id=\"i%d\"><rect", id);
    put_box(svg, x0, y0, x1 - x0, y1 - y0);
    putf(svg, "/></clipPath>\n<g clip-path=\"url(#i%d)\">\n", id);
}

static void put_heatmap(Svg *svg, size_t *at) {
    ExportImage image;
    TextBuffer png = {0};
    svg->status = export_heatmap(svg->gpu, svg->list, at, svg->clip, &image, svg->err);
    if (svg->status != STATUS_OK || image.width == 0) return;
    svg->status = export_png_memory(image.rgba, image.width, image.height, &png, svg->err);
    putf(svg, "<image preserveAspectRatio=\"none\"");
    put_box(svg, image.x, image.y, image.w, image.h);
    putf(svg, " xlink:href=\"data:image/png;base64,");
    if (svg->status == STATUS_OK) put_base64(svg, png.text, png.length);
    putf(svg, "\"/>\n");
    text_buffer_free(&png);
    mem_free(image.rgba);
}

static void put_list(Svg *svg) {
    for (size_t i = 0; i < svg->list->count && svg->status == STATUS_OK;) {
        const DrawOp *op = &svg->list->ops[i];
        if (op->kind == DRAW_HEATMAP) {
            put_heatmap(svg, &i);
            continue;
        }
        i++;
        switch (op->kind) {
        case DRAW_RECT:
        case DRAW_FRAME:
            put_rect(svg, op);
            break;
        case DRAW_LINE:
            put_line(svg, op);
            break;
        case DRAW_TRIANGLE:
            put_triangle(svg, op);
            break;
        case DRAW_TEXT:
            put_text(svg, op);
            break;
        case DRAW_COLORBAR:
            put_colorbar(svg, op);
            break;
        case DRAW_CLIP:
            put_clip(svg, op->rect);
            break;
        case DRAW_HEATMAP:
            break;
        }
    }
    if (svg->grouped) putf(svg, "</g>\n");
}

Status export_svg(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err) {
    const Rect page = {0, 0, (float)params->width, (float)params->height};
    Svg svg = {.gpu = gpu, .list = list, .page = page, .clip = page, .err = err};
    if (list->failed) return error_set(err, STATUS_MEMORY, "not enough memory for all of this picture");
    svg.status = file_writer_open(path, &svg.file, err);
    if (svg.status != STATUS_OK) return svg.status;
    put_head(&svg, params);
    put_list(&svg);
    putf(&svg, "</svg>\n");
    if (svg.status == STATUS_OK) return file_writer_commit(svg.file, err);
    file_writer_discard(svg.file);
    return svg.status;
}

const ExportWriter SVG_WRITER = {.ending = ".svg", .kind = EXPORT_VECTORS, .vectors = export_svg};
