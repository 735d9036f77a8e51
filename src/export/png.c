/* PNG by libpng, row by row, into a file (which appears when complete) or into memory. libpng reports errors by
 * longjmp: every function that calls it sets the jump anew, and nothing is allocated between the jump and its
 * landing. */
#include "export/internal.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

#define LEVEL 6
#define LEVEL_LARGE 3 /* a third of the time for a few per cent more bytes */
#define LARGE_PIXELS ((int64_t)16 << 20)
#define BUFFER_SIZE ((size_t)256 << 10)

typedef struct ExportPng {
    ExportPixels base; /* first */
    png_structp png;
    png_infop info;
    FileWriter *file;
    TextBuffer *memory; /* instead of a file */
    uint8_t *row;
    bool alpha, premultiplied;
    int width, height, written;
    Error error; /* of the first failed write */
} ExportPng;

static void write_bytes(png_structp png, png_bytep data, png_size_t size) {
    ExportPng *out = png_get_io_ptr(png);
    if (out->memory) {
        text_append_bytes(out->memory, (const char *)data, size);
        if (!out->memory->failed) return;
        error_set(&out->error, STATUS_MEMORY, "not enough memory for a picture");
    } else if (file_writer_write(out->file, data, size, &out->error) == STATUS_OK) {
        return;
    }
    png_error(png, "write");
}

static void flush_nothing(png_structp png) {
    (void)png;
}
static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}
static void jump_back(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static Status failure(const ExportPng *out, Error *err) {
    if (out->error.status != STATUS_OK) {
        if (err) *err = out->error;
        return out->error.status;
    }
    return error_set(err, STATUS_MEMORY, "not enough memory for a picture of %d x %d", out->width, out->height);
}

static void release(ExportPng *out) {
    if (out->png) png_destroy_write_struct(&out->png, out->info ? &out->info : NULL);
    mem_free(out->row);
    mem_free(out);
}

/* UTF-8 as iTXt; a path of other bytes as they are. */
static void set_texts(ExportPng *out, const ExportPixelsParams *params) {
    for (size_t i = 0; i < params->text_count; i++) {
        const ExportText *text = &params->texts[i];
        const size_t length = strlen(text->text);
        const bool utf8 = utf8_valid(text->text, length);
        png_text chunk = {.compression = utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE,
                          .key = (png_charp)(uintptr_t)text->keyword,
                          .text = (png_charp)(uintptr_t)text->text,
                          .text_length = utf8 ? 0 : length,
                          .itxt_length = utf8 ? length : 0};
        png_set_text(out->png, out->info, &chunk, 1);
    }
}

static Status begin(ExportPng *out, const ExportPixelsParams *params, Error *err) {
    out->width = params->width;
    out->height = params->height;
    out->alpha = params->alpha;
    out->row = mem_alloc_zeroed((size_t)params->width, 4);
    out->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, jump_back, ignore_warning);
    out->info = out->png ? png_create_info_struct(out->png) : NULL;
    if (!out->row || !out->info || setjmp(png_jmpbuf(out->png))) return failure(out, err);
    const bool large = (int64_t)params->width * params->height > LARGE_PIXELS;
    png_set_write_fn(out->png, out, write_bytes, flush_nothing);
    png_set_IHDR(out->png, out->info, (png_uint_32)params->width, (png_uint_32)params->height, 8,
                 params->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB(out->png, out->info, PNG_sRGB_INTENT_PERCEPTUAL);
    png_set_compression_level(out->png, large ? LEVEL_LARGE : LEVEL);
    png_set_compression_buffer_size(out->png, BUFFER_SIZE);
    if (large) png_set_filter(out->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP); /* cells are many rows high */
    set_texts(out, params);
    png_write_info(out->png, out->info);
    return STATUS_OK;
}

static uint8_t divided(uint8_t value, uint8_t alpha) {
    const int v = (2 * 255 * value + alpha) / (2 * alpha);
    return (uint8_t)(v < 255 ? v : 255);
}

static void convert_row(const ExportPng *png, const uint8_t *in) {
    uint8_t *out = png->row;
    for (int x = 0; x < png->width; x++, in += 4) {
        if (!png->alpha) {
            memcpy(out, in, 3);
            out += 3;
            continue;
        }
        const uint8_t a = in[3];
        const bool plain = a == 255 || !png->premultiplied;
        for (int c = 0; c < 3; c++)
            out[c] = plain ? in[c] : a == 0 ? 0 : divided(in[c], a);
        out[3] = a;
        out += 4;
    }
}

static Status write_rows(ExportPixels *pixels, const uint8_t *rgba, int rows, Error *err) {
    ExportPng *png = (ExportPng *)pixels;
    if (setjmp(png_jmpbuf(png->png))) return failure(png, err);
    for (int y = 0; y < rows && png->written < png->height; y++, png->written++) {
        convert_row(png, rgba + (size_t)y * (size_t)png->width * 4);
        png_write_row(png->png, png->row);
    }
    return STATUS_OK;
}

static Status end(ExportPng *png, Error *err) {
    if (setjmp(png_jmpbuf(png->png))) return failure(png, err);
    png_write_end(png->png, png->info);
    return STATUS_OK;
}

static Status commit(ExportPixels *pixels, Error *err) {
    ExportPng *png = (ExportPng *)pixels;
    Status status = end(png, err);
    if (status == STATUS_OK)
        status = file_writer_commit(png->file, err);
    else
        file_writer_discard(png->file);
    release(png);
    return status;
}

static void discard(ExportPixels *pixels) {
    ExportPng *png = (ExportPng *)pixels;
    file_writer_discard(png->file);
    release(png);
}

static const ExportPixelsOps OPS = {write_rows, commit, discard};

Status export_png_open(const char *path, const ExportPixelsParams *params, ExportPixels **out, Error *err) {
    *out = NULL;
    ExportPng *png = mem_alloc_zeroed(1, sizeof *png);
    if (!png) return error_set(err, STATUS_MEMORY, "not enough memory for a picture");
    png->base.ops = &OPS;
    png->premultiplied = true;
    Status status = file_writer_open(path, &png->file, err);
    if (status == STATUS_OK) status = begin(png, params, err);
    if (status != STATUS_OK) {
        discard(&png->base);
        return status;
    }
    *out = &png->base;
    return STATUS_OK;
}

Status export_png_memory(const uint8_t *rgba, int width, int height, TextBuffer *out, Error *err) {
    ExportPng *png = mem_alloc_zeroed(1, sizeof *png);
    if (!png) return error_set(err, STATUS_MEMORY, "not enough memory for a picture");
    png->memory = out;
    const ExportPixelsParams params = {.width = width, .height = height, .alpha = true};
    Status status = begin(png, &params, err);
    if (status == STATUS_OK) status = write_rows(&png->base, rgba, height, err);
    if (status == STATUS_OK) status = end(png, err);
    release(png);
    return status;
}

const ExportWriter PNG_WRITER = {.ending = ".png", .kind = EXPORT_PIXELS, .pixels = export_png_open};
