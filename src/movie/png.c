/* PNG frames. A recording writes many of them: fast compression, and memory that is used again. */
#include "movie/movie.h"

#include <png.h>
#include <string.h>

/* RGB without alpha; what the framebuffer has there means nothing. */
static void pack_rgb(const uint8_t *rgba, uint8_t *rgb, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) {
        rgb[3 * i] = rgba[4 * i];
        rgb[3 * i + 1] = rgba[4 * i + 1];
        rgb[3 * i + 2] = rgba[4 * i + 2];
    }
}

static size_t png_capacity(int width, int height) {
    const png_image image = {.width = (png_uint_32)width, .height = (png_uint_32)height, .format = PNG_FORMAT_RGB};
    return PNG_IMAGE_PNG_SIZE_MAX(image) + (size_t)width * (size_t)height * 3;
}

Status movie_png_encode(const uint8_t *rgba, int width, int height, uint8_t **bytes, size_t *capacity, size_t *size,
                        Error *err) {
    const size_t pixels = (size_t)width * (size_t)height, most = png_capacity(width, height);
    if (!mem_grow((void **)bytes, capacity, most, 1)) {
        return error_set(err, STATUS_MEMORY, "not enough memory for a picture of %d x %d", width, height);
    }
    /* The packed pixels stand behind the room for the file. */
    uint8_t *rgb = *bytes + (most - pixels * 3);
    pack_rgb(rgba, rgb, pixels);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST};
    png_alloc_size_t used = most - pixels * 3;
    if (!png_image_write_to_memory(&image, *bytes, &used, 0, rgb, 0, NULL)) {
        return error_set(err, STATUS_MEMORY, "a picture of %d x %d could not be encoded: %.100s", width, height,
                         image.message);
    }
    *size = used;
    return STATUS_OK;
}
