/* export: pictures and numbers as files. PNG row by row with what is needed to open the view again, SVG and PDF by
 * replaying a display list, headers of .npy. No SDL, no App; the only folder that sees cairo. Files appear under
 * their names only when they are complete.
 *
 * One section for each .c file: pixels.c png.c png_text.c - heatmap.c font_woff.c svg.c pdf.c - npy.c - writers.c */
#ifndef ATTNSCOPE_EXPORT_H
#define ATTNSCOPE_EXPORT_H

#include "gpu/gpu.h"

/* ---- pixels.c : rows -> a picture of pixels -------------------------------------------------- */

/* Something to be known about a picture. */
typedef struct ExportText {
    const char *keyword; /* Latin-1, 1 to 79 characters */
    const char *text;
} ExportText;

typedef struct ExportPixelsParams {
    int width, height;
    bool alpha; /* else opaque, and the alpha of rows is not looked at */
    const ExportText *texts;
    size_t text_count;
} ExportPixelsParams;
typedef struct ExportPixels ExportPixels;
/* The next rows, top first: RGBA, width * 4 bytes each; with alpha the colours are multiplied by it, as GL leaves
 * them. */
Status export_pixels_rows(ExportPixels *pixels, const uint8_t *rgba, int rows, Error *err);
/* After the last row. Both release the picture. */
Status export_pixels_commit(ExportPixels *pixels, Error *err);
void export_pixels_discard(ExportPixels *pixels); /* leaves no trace; NULL is allowed */

/* What a kind of picture does; it is a struct that begins with ExportPixels. */
typedef struct ExportPixelsOps {
    Status (*rows)(ExportPixels *pixels, const uint8_t *rgba, int rows, Error *err);
    Status (*commit)(ExportPixels *pixels, Error *err);
    void (*discard)(ExportPixels *pixels);
} ExportPixelsOps;
struct ExportPixels {
    const ExportPixelsOps *ops;
};

/* ---- png.c ----------------------------------------------------------------------------------- */

Status export_png_open(const char *path, const ExportPixelsParams *params, ExportPixels **out, Error *err);
/* A whole picture, straight alpha, appended to `out`. */
Status export_png_memory(const uint8_t *rgba, int width, int height, TextBuffer *out, Error *err);

/* ---- png_text.c : what stands in a PNG besides its pixels ------------------------------------ */

#define EXPORT_TEXT_MAX 65536 /* bytes of one text; longer ones are not ours */
/* The text under this keyword (tEXt or uncompressed iTXt, checksum verified); *out is mem_alloc'ed. STATUS_FORMAT:
 * not a PNG, or damaged; STATUS_NOT_FOUND: no such text. Pixels are not read. */
Status export_png_text(const char *path, const char *keyword, char **out, Error *err);
bool export_is_png(const char *path); /* by its first bytes */

/* ---- heatmap.c : pieces of a heatmap -> one lossless image, a texel a block of whole pixels --- */

typedef struct ExportImage {
    int width, height;
    uint8_t *rgba;     /* straight alpha; mem_alloc'ed */
    double x, y, w, h; /* where it lies, in the list's pixels */
} ExportImage;
/* Makes one image of the heatmap operations from list->ops[*at] on that share a grid of texels and lie side by side,
 * as far as `clip` shows them, and moves *at behind them. width 0: nothing is visible. */
Status export_heatmap(Gpu *gpu, const DrawList *list, size_t *at, Rect clip, ExportImage *out, Error *err);

/* ---- font_woff.c : a font for a page --------------------------------------------------------- */

/* The outlines, metrics and character map of a font, without layout tables, as WOFF 1.0, appended to `out`. */
Status export_woff(const FontData *font, TextBuffer *out, Error *err);

/* ---- svg.c, pdf.c : a display list as vectors ------------------------------------------------ */

typedef struct ExportVectorParams {
    int width, height; /* pixels of the list */
    float scale;       /* pixels of the list to a CSS pixel (1/96 inch) of the page */
    Color ground;      /* alpha 0: transparent */
    const char *title, *description;
} ExportVectorParams;
#define EXPORT_VECTOR_SIDE_MAX 8192
/* Text stays text, in the fonts of the list: SVG embeds those of the interface and leaves others to the viewer, PDF
 * embeds all (subsets). The tiles of heatmaps must be resident. */
Status export_svg(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err);
/* STATUS_UNSUPPORTED in a build without cairo. */
Status export_pdf(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err);

/* ---- npy.c ----------------------------------------------------------------------------------- */

#define EXPORT_NPY_HEADER_MAX 256
/* Header of a C-order array of little-endian f32, NPY version 1.0; depth 0: two axes. Returns its length, a multiple
 * of 64. */
size_t export_npy_header(int64_t rows, int64_t columns, int depth, char out[EXPORT_NPY_HEADER_MAX]);

/* ---- writers.c : what is written under a name ------------------------------------------------ */

/* What a file holds. */
typedef enum ExportKind {
    EXPORT_PIXELS = 1,
    EXPORT_VECTORS = 2,
    EXPORT_PICTURES = EXPORT_PIXELS | EXPORT_VECTORS,
    EXPORT_NUMBERS = 4,  /* an array of f32; its header as of export_npy_header */
    EXPORT_TABLE = 8,    /* cells as text */
    EXPORT_CAPTURE = 16, /* all of a capture */
} ExportKind;
/* A row stands at the end of the file that writes it, and in the table of writers.c. */
typedef struct ExportWriter {
    const char *ending; /* ".png" */
    ExportKind kind;
    /* Of its kind: */
    Status (*pixels)(const char *path, const ExportPixelsParams *params, ExportPixels **out, Error *err);
    Status (*vectors)(const char *path, const ExportVectorParams *params, Gpu *gpu, const DrawList *list, Error *err);
    Status (*capture)(const Capture *capture, const char *path, const Progress *progress, Error *err);
    char separator; /* of a table's cells */
} ExportWriter;
/* Lists end with NULL; NULL for a list stands for all that are built in. `kinds`: ExportKind of those meant. */
const ExportWriter *export_writer(const ExportWriter *const *writers, const char *path, int kinds); /* NULL: none */
/* Their endings for people, ".png, .svg or .pdf". Returns out. */
const char *export_endings(const ExportWriter *const *writers, int kinds, char *out, size_t out_size);

#endif
