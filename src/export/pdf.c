/* A display list as PDF, by cairo: glyphs of the painter's fonts, in subsets, with the text they stand for, so that
 * pages look like the window and can still be searched.
 *
 * Digits keep their own widths: readers of PDF take the gaps that equal widths leave beside a 1 for spaces between
 * words. */
#include "export/internal.h"

#if ATTNSCOPE_HAVE_CAIRO

#include <cairo-ft.h>
#include <cairo-pdf.h>
#include <math.h>
#include <string.h>

#define FACES_MAX 32
#define POINTS_PER_PIXEL 0.75 /* 72 / 96: what CSS calls a pixel */
#define GRADIENT_STOPS 64
#define QUARTER_TURN 1.57079632679490

typedef struct Pdf {
    FileWriter *file;
    cairo_surface_t *surface;
    cairo_t *cr;
    Gpu *gpu;
    const DrawList *list;
    Rect page, clip;
    cairo_font_face_t *faces[FACES_MAX];
    cairo_glyph_t *glyphs;
    cairo_text_cluster_t *clusters;
    size_t glyph_capacity, cluster_capacity;
    Status status;
    Error *err;
} Pdf;

static cairo_status_t write_bytes(void *user, const unsigned char *data, unsigned size) {
    Pdf *pdf = user;
    if (pdf->status == STATUS_OK) pdf->status = file_writer_write(pdf->file, data, size, pdf->err);
    return pdf->status == STATUS_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static void set_color(Pdf *pdf, Color c) {
    cairo_set_source_rgba(pdf->cr, c.r / 255.0, c.g / 255.0, c.b / 255.0, c.a / 255.0);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void box_path(cairo_t *cr, double x, double y, double w, double h, double radius) {
    const double r = fmax(0, fmin(radius, fmin(w, h) / 2));
    if (r <= 0) {
        cairo_rectangle(cr, x, y, w, h);
        return;
    }
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + w - r, y + r, r, -QUARTER_TURN, 0);
    cairo_arc(cr, x + w - r, y + h - r, r, 0, QUARTER_TURN);
    cairo_arc(cr, x + r, y + h - r, r, QUARTER_TURN, 2 * QUARTER_TURN);
    cairo_arc(cr, x + r, y + r, r, 2 * QUARTER_TURN, 3 * QUARTER_TURN);
    cairo_close_path(cr);
}

static void draw_box(Pdf *pdf, const DrawOp *op) {
    const bool frame = op->kind == DRAW_FRAME;
    const double inset = frame ? op->width / 2 : 0;
    set_color(pdf, op->color);
    box_path(pdf->cr, op->rect.x + inset, op->rect.y + inset, fmax(0, op->rect.w - 2 * inset),
             fmax(0, op->rect.h - 2 * inset), op->radius - inset);
    if (frame) {
        cairo_set_line_width(pdf->cr, op->width);
        cairo_stroke(pdf->cr);
    } else {
        cairo_fill(pdf->cr);
    }
}

static void draw_segment(Pdf *pdf, const DrawOp *op) {
    set_color(pdf, op->color);
    cairo_move_to(pdf->cr, op->rect.x, op->rect.y);
    cairo_line_to(pdf->cr, op->rect.x + op->rect.w, op->rect.y + op->rect.h);
    cairo_set_line_width(pdf->cr, op->width);
    cairo_stroke(pdf->cr);
}

static void draw_polygon(Pdf *pdf, const DrawOp *op) {
    set_color(pdf, op->color);
    for (int i = 0; i < 6; i += 2)
        cairo_line_to(pdf->cr, op->points[i], op->points[i + 1]);
    cairo_close_path(pdf->cr);
    cairo_fill(pdf->cr);
}

static void draw_bar(Pdf *pdf, const DrawOp *op) {
    const Rect *r = &op->rect;
    cairo_pattern_t *gradient = op->vertical ? cairo_pattern_create_linear(0, r->y + r->h, 0, r->y)
                                             : cairo_pattern_create_linear(r->x, 0, r->x + r->w, 0);
    for (int i = 0; i <= GRADIENT_STOPS; i++) {
        const float unit = (float)i / GRADIENT_STOPS;
        const Color c = draw_colormap_color(op->heatmap.params.cmap, draw_colormap_position(unit));
        cairo_pattern_add_color_stop_rgb(gradient, unit, c.r / 255.0, c.g / 255.0, c.b / 255.0);
    }
    cairo_set_source(pdf->cr, gradient);
    cairo_rectangle(pdf->cr, r->x, r->y, r->w, r->h);
    cairo_fill(pdf->cr);
    cairo_pattern_destroy(gradient);
}

static void set_clip(Pdf *pdf, Rect rect) {
    cairo_reset_clip(pdf->cr);
    pdf->clip = pdf->page;
    if (rect.w < 0) return;
    const float x0 = roundf(rect.x), y0 = roundf(rect.y), x1 = roundf(rect.x + rect.w), y1 = roundf(rect.y + rect.h);
    pdf->clip = rect_intersect(pdf->page, (Rect){x0, y0, x1 - x0, y1 - y0});
    cairo_rectangle(pdf->cr, pdf->clip.x, pdf->clip.y, pdf->clip.w, pdf->clip.h);
    cairo_clip(pdf->cr);
}

/* ---- heatmaps -------------------------------------------------------------------------------- */

static void paint_image(Pdf *pdf, const ExportImage *image) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, image->width, image->height);
    uint8_t *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    if (!data) {
        pdf->status = error_set(pdf->err, STATUS_MEMORY, "not enough memory for an image of %d x %d", image->width,
                                image->height);
        cairo_surface_destroy(surface);
        return;
    }
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            const uint8_t *c = image->rgba + ((size_t)y * (size_t)image->width + (size_t)x) * 4;
            const uint32_t a = c[3], pixel = a << 24 | (c[0] * a / 255) << 16 | (c[1] * a / 255) << 8 | c[2] * a / 255;
            memcpy(data + (size_t)y * (size_t)stride + (size_t)x * 4, &pixel, 4);
        }
    }
    cairo_surface_mark_dirty(surface);
    cairo_save(pdf->cr);
    cairo_translate(pdf->cr, image->x, image->y);
    cairo_scale(pdf->cr, image->w / image->width, image->h / image->height);
    cairo_set_source_surface(pdf->cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(pdf->cr), CAIRO_FILTER_NEAREST);
    cairo_paint(pdf->cr);
    cairo_restore(pdf->cr);
    cairo_surface_destroy(surface);
}

static void draw_pieces(Pdf *pdf, size_t *at) {
    ExportImage image;
    pdf->status = export_heatmap(pdf->gpu, pdf->list, at, pdf->clip, &image, pdf->err);
    if (pdf->status != STATUS_OK || image.width == 0) return;
    paint_image(pdf, &image);
    mem_free(image.rgba);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void done_face(void *face) {
    FT_Done_Face(face);
}

/* cairo keeps fonts in caches of its own, so FreeType's library lives as long as the program, and a face as long as
 * cairo's. NULL: FreeType cannot use the face. */
static cairo_font_face_t *face_for(Pdf *pdf, int face) {
    static FT_Library library;
    static const cairo_user_data_key_t key;
    FontData font;
    FT_Face ft;
    if (face < 0 || face >= FACES_MAX || !draw_font_data(pdf->list->fonts, face, &font)) return NULL;
    if (pdf->faces[face]) return pdf->faces[face];
    if ((!library && FT_Init_FreeType(&library) != 0) ||
        FT_New_Memory_Face(library, font.data, (FT_Long)font.size, font.index, &ft) != 0)
        return NULL;
    cairo_font_face_t *made = cairo_ft_font_face_create_for_ft_face(ft, FT_LOAD_NO_HINTING);
    if (cairo_font_face_set_user_data(made, &key, ft, done_face) != CAIRO_STATUS_SUCCESS) {
        cairo_font_face_destroy(made);
        FT_Done_Face(ft);
        return NULL;
    }
    return pdf->faces[face] = made;
}

/* A box with a code point's hex digits: its rows of dots as rectangles. */
static void draw_missing(Pdf *pdf, uint32_t code, TextStyle style, double x) {
    GlyphBitmap bitmap;
    if (draw_glyph(pdf->list->fonts, code, style, 0, &bitmap, NULL) != STATUS_OK || !bitmap.coverage) return;
    for (int row = 0; row < bitmap.height; row++) {
        const uint8_t *line = bitmap.coverage + row * bitmap.width;
        for (int from = 0, to; from < bitmap.width; from = to) {
            for (to = from + 1; to < bitmap.width && line[to] == line[from];)
                to++;
            if (line[from]) cairo_rectangle(pdf->cr, x + bitmap.left + from, bitmap.top + row, to - from, 1);
        }
    }
    cairo_fill(pdf->cr);
}

/* Glyphs [0, count) of one face, with the text they stand for. */
static void show_run(Pdf *pdf, int face, TextStyle style, const char *text, size_t bytes, size_t count) {
    cairo_font_face_t *font = count > 0 ? face_for(pdf, face) : NULL;
    if (!font) return;
    cairo_set_font_face(pdf->cr, font);
    cairo_set_font_size(pdf->cr, style.size);
    cairo_show_text_glyphs(pdf->cr, text, (int)bytes, pdf->glyphs, (int)count, pdf->clusters, (int)count, 0);
}

static bool reserve_glyphs(Pdf *pdf, size_t count) {
    void *glyphs = pdf->glyphs, *clusters = pdf->clusters;
    const bool ok = mem_grow(&glyphs, &pdf->glyph_capacity, count, sizeof *pdf->glyphs) &&
                    mem_grow(&clusters, &pdf->cluster_capacity, count, sizeof *pdf->clusters);
    pdf->glyphs = glyphs;
    pdf->clusters = clusters;
    if (!ok) pdf->status = error_set(pdf->err, STATUS_MEMORY, "not enough memory to write the picture");
    return ok;
}

static void draw_words(Pdf *pdf, const DrawOp *op) {
    Fonts *fonts = pdf->list->fonts;
    const TextStyle style = {.size = op->style.size, .weight = op->style.weight};
    const size_t length = strlen(op->text);
    size_t count = 0, run_start = 0;
    int run_face = FONT_GLYPH_MISSING;
    const double slack = op->align == ALIGN_LEFT ? 0 : (double)(op->rect.w - draw_text_width(fonts, op->text, style));
    double pen = op->align == ALIGN_CENTER ? slack / 2 : slack;
    if (!utf8_valid(op->text, length) || !reserve_glyphs(pdf, length + 1)) return;
    cairo_save(pdf->cr);
    cairo_translate(pdf->cr, op->rect.x, op->rect.y);
    cairo_rotate(pdf->cr, op->angle);
    set_color(pdf, op->color);
    for (size_t at = 0; at < length;) {
        const size_t start = at;
        const uint32_t code = utf8_decode(op->text, length, &at);
        const FontGlyph glyph = draw_font_glyph(fonts, code, op->style.weight);
        if (glyph.face != run_face) {
            show_run(pdf, run_face, style, op->text + run_start, start - run_start, count);
            run_face = glyph.face;
            run_start = start;
            count = 0;
        }
        if (glyph.face >= 0) {
            pdf->glyphs[count] = (cairo_glyph_t){(unsigned long)glyph.glyph, pen, 0};
            pdf->clusters[count++] = (cairo_text_cluster_t){(int)(at - start), 1};
        } else if (glyph.face == FONT_GLYPH_MISSING) {
            draw_missing(pdf, code, style, pen);
        }
        pen += (double)draw_glyph_advance(fonts, code, style);
    }
    show_run(pdf, run_face, style, op->text + run_start, length - run_start, count);
    cairo_restore(pdf->cr);
}

/* ---- the list -------------------------------------------------------------------------------- */

static void replay(Pdf *pdf) {
    for (size_t i = 0; i < pdf->list->count && pdf->status == STATUS_OK;) {
        const DrawOp *op = &pdf->list->ops[i];
        if (op->kind == DRAW_HEATMAP) {
            draw_pieces(pdf, &i);
            continue;
        }
        i++;
        switch (op->kind) {
        case DRAW_RECT:
        case DRAW_FRAME:
            draw_box(pdf, op);
            break;
        case DRAW_LINE:
            draw_segment(pdf, op);
            break;
        case DRAW_TRIANGLE:
            draw_polygon(pdf, op);
            break;
        case DRAW_TEXT:
            draw_words(pdf, op);
            break;
        case DRAW_COLORBAR:
            draw_bar(pdf, op);
            break;
        case DRAW_CLIP:
            set_clip(pdf, op->rect);
            break;
        case DRAW_HEATMAP:
            break;
        }
    }
}

static void begin(Pdf *pdf, const ExportVectorParams *params) {
    const double scale = POINTS_PER_PIXEL / params->scale;
    pdf->surface = cairo_pdf_surface_create_for_stream(write_bytes, pdf, params->width * scale, params->height * scale);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATOR, "attnscope " ATTNSCOPE_VERSION);
    if (params->title && utf8_valid(params->title, strlen(params->title)))
        cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_TITLE, params->title);
    if (params->description && utf8_valid(params->description, strlen(params->description))) {
        cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_SUBJECT, params->description);
    }
    pdf->cr = cairo_create(pdf->surface);
    cairo_scale(pdf->cr, scale, scale);
    if (params->ground.a > 0) {
        set_color(pdf, params->ground);
        cairo_paint(pdf->cr);
    }
}

/* Fonts are read until the surface is finished, and the surface writes until then. */
static void finish(Pdf *pdf) {
    const cairo_status_t drawn = cairo_status(pdf->cr);
    cairo_destroy(pdf->cr);
    cairo_surface_finish(pdf->surface);
    const cairo_status_t written = cairo_surface_status(pdf->surface);
    cairo_surface_destroy(pdf->surface);
    if (pdf->status == STATUS_OK && (drawn != CAIRO_STATUS_SUCCESS || written != CAIRO_STATUS_SUCCESS)) {
        pdf->status = error_set(pdf->err, STATUS_MEMORY, "cairo could not make the PDF: %s",
                                cairo_status_to_string(drawn ? drawn : written));
    }
    for (int i = 0; i < FACES_MAX; i++) {
        if (pdf->faces[i]) cairo_font_face_destroy(pdf->faces[i]);
    }
}

Status export_pdf(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err) {
    const Rect page = {0, 0, (float)params->width, (float)params->height};
    Pdf pdf = {.gpu = gpu, .list = list, .page = page, .clip = page, .err = err};
    if (list->failed) return error_set(err, STATUS_MEMORY, "not enough memory for all of this picture");
    pdf.status = file_writer_open(path, &pdf.file, err);
    if (pdf.status != STATUS_OK) return pdf.status;
    begin(&pdf, params);
    replay(&pdf);
    finish(&pdf);
    mem_free(pdf.glyphs);
    mem_free(pdf.clusters);
    if (pdf.status == STATUS_OK) return file_writer_commit(pdf.file, err);
    file_writer_discard(pdf.file);
    return pdf.status;
}

#else

Status export_pdf(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err) {
    (void)params, (void)gpu, (void)list;
    return error_set_at(err, STATUS_UNSUPPORTED, path, -1,
                        "this attnscope was built without cairo, so it cannot write PDF; .svg and .png work");
}

#endif

const ExportWriter PDF_WRITER = {.ending = ".pdf", .kind = EXPORT_VECTORS, .vectors = export_pdf};
