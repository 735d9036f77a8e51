/* Glyph cache: one R8 texture with a copy in memory, filled shelf by shelf, uploaded once a frame.
 *
 * When a glyph finds no room while a list is laid out, the cache is emptied (and enlarged while it may be) and the
 * list laid out again, because the glyphs already placed moved. */
#include "gpu/gpu_private.h"

#include <math.h>
#include <string.h>

#define SIDE_FIRST 512
#define SIDE_MAX 4096
#define BORDER 1
#define PLACES_FIRST 1024
#define SIZE_STEPS 64.0f /* sizes are told apart to 1/64 pixel */
#define FULL_TURN 6.28318530717959f

/* Bits from the top: 1, size 24, turn 12, weight 1, y 2, x 2, code 21. */
static uint64_t place_key(uint32_t code, TextStyle style, GlyphPose pose) {
    uint64_t size = (uint64_t)f64_clamp(roundf(style.size * SIZE_STEPS), 0, 0xffffff);
    uint64_t turn = (uint64_t)pose.turn & (GLYPH_TURNS - 1);
    return (uint64_t)1 << 63 | size << 38 | turn << 26 | (uint64_t)style.weight << 25 | (uint64_t)pose.y << 23 |
           (uint64_t)pose.x << 21 | (code & 0x1fffff);
}

static size_t place_of(const GlyphCache *cache, uint64_t key) {
    size_t mask = cache->place_capacity - 1, at = (size_t)hash_u64(key) & mask;
    while (cache->places[at].key != 0 && cache->places[at].key != key) {
        at = (at + 1) & mask;
    }
    return at;
}

static bool reserve_places(GlyphCache *cache) {
    size_t old_capacity = cache->place_capacity;
    if (2 * (cache->place_count + 1) <= old_capacity) {
        return true;
    }
    size_t capacity = old_capacity > 0 ? 2 * old_capacity : PLACES_FIRST;
    GlyphPlace *places = mem_alloc_zeroed(capacity, sizeof *places), *old = cache->places;
    if (!places) {
        return false;
    }
    cache->places = places;
    cache->place_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != 0) {
            places[place_of(cache, old[i].key)] = old[i];
        }
    }
    mem_free(old);
    return true;
}

static void forget_glyphs(GlyphCache *cache) {
    memset(cache->pixels, 0, (size_t)cache->side * (size_t)cache->side);
    if (cache->places) {
        memset(cache->places, 0, cache->place_capacity * sizeof *cache->places);
    }
    cache->place_count = 0;
    cache->shelf_x = cache->shelf_y = cache->shelf_height = 0;
    cache->dirty_top = 0;
    cache->dirty_bottom = cache->side;
    cache->full = false;
}

/* A texture and copy of this side, empty. The old ones stay on failure. */
static bool set_side(Gpu *gpu, int side) {
    GlyphCache *cache = &gpu->glyphs;
    uint8_t *pixels = mem_alloc((size_t)side * (size_t)side);
    if (!pixels) {
        return false;
    }
    gpu_drain_errors(gpu);
    GLuint texture;
    glGenTextures(1, &texture);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, texture);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 0);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_R8, side, side, 0, GL_RED, GL_UNSIGNED_BYTE, NULL);
    if (gpu_drain_errors(gpu)) {
        glDeleteTextures(1, &texture);
        mem_free(pixels);
        return false;
    }
    glDeleteTextures(1, &cache->texture);
    mem_free(cache->pixels);
    cache->texture = texture;
    cache->pixels = pixels;
    cache->side = side;
    forget_glyphs(cache);
    return true;
}

Status gpu_text_open(Gpu *gpu, Error *err) {
    if (!set_side(gpu, SIDE_FIRST)) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the glyph cache");
    }
    return STATUS_OK;
}

void gpu_text_close(Gpu *gpu) {
    GlyphCache *cache = &gpu->glyphs;
    glDeleteTextures(1, &cache->texture);
    mem_free(cache->pixels);
    mem_free(cache->places);
    memset(cache, 0, sizeof *cache);
}

void gpu_text_begin(Gpu *gpu, Fonts *fonts) {
    GlyphCache *cache = &gpu->glyphs;
    uint32_t serial = fonts ? draw_fonts_serial(fonts) : cache->fonts_serial;
    if (serial != cache->fonts_serial) {
        forget_glyphs(cache);
        cache->fonts_serial = serial;
    }
    cache->full = false;
}

bool gpu_text_grow(Gpu *gpu) {
    int side = gpu->glyphs.side, limit = gpu->info.max_texture_side < SIDE_MAX ? gpu->info.max_texture_side : SIDE_MAX;
    return side < limit && set_side(gpu, 2 * side < limit ? 2 * side : limit);
}

void gpu_text_forget(Gpu *gpu) {
    forget_glyphs(&gpu->glyphs);
}

/* Room for width x height texels, borders included; false if there is none. */
static bool place_on_shelf(GlyphCache *cache, int width, int height, int *x, int *y) {
    if (cache->shelf_x + width > cache->side) {
        cache->shelf_y += cache->shelf_height;
        cache->shelf_x = cache->shelf_height = 0;
    }
    if (width > cache->side || cache->shelf_y + height > cache->side) {
        return false;
    }
    *x = cache->shelf_x;
    *y = cache->shelf_y;
    cache->shelf_x += width;
    cache->shelf_height = height > cache->shelf_height ? height : cache->shelf_height;
    return true;
}

static bool add_glyph(GlyphCache *cache, const GlyphBitmap *bitmap, GlyphPlace *place) {
    int x, y;
    if (!bitmap->coverage) {
        return true;
    }
    if (!place_on_shelf(cache, bitmap->width + 2 * BORDER, bitmap->height + 2 * BORDER, &x, &y)) {
        cache->full = true;
        return false;
    }
    place->x = (int16_t)(x + BORDER);
    place->y = (int16_t)(y + BORDER);
    place->width = (int16_t)bitmap->width;
    place->height = (int16_t)bitmap->height;
    place->left = (int16_t)bitmap->left;
    place->top = (int16_t)bitmap->top;
    for (int row = 0; row < bitmap->height; row++) {
        memcpy(cache->pixels + (size_t)(place->y + row) * (size_t)cache->side + place->x,
               bitmap->coverage + (size_t)row * (size_t)bitmap->width, (size_t)bitmap->width);
    }
    if (cache->dirty_bottom <= cache->dirty_top) {
        cache->dirty_top = cache->dirty_bottom = place->y;
    }
    cache->dirty_top = place->y < cache->dirty_top ? place->y : cache->dirty_top;
    int bottom = place->y + place->height;
    cache->dirty_bottom = bottom > cache->dirty_bottom ? bottom : cache->dirty_bottom;
    return true;
}

const GlyphPlace *gpu_text_glyph(Gpu *gpu, Fonts *fonts, uint32_t code, TextStyle style, GlyphPose pose) {
    GlyphCache *cache = &gpu->glyphs;
    uint64_t key = place_key(code, style, pose);
    if (cache->place_capacity > 0) {
        const GlyphPlace *known = &cache->places[place_of(cache, key)];
        if (known->key != 0) {
            return known->width > 0 ? known : NULL;
        }
    }
    GlyphBitmap bitmap;
    GlyphPlace place = {.key = key};
    Status status = pose.turn == 0 ? draw_glyph(fonts, code, style, pose.x, &bitmap, NULL)
                                   : draw_glyph_turned(fonts, code, style, (float)pose.turn * FULL_TURN / GLYPH_TURNS,
                                                       pose.x, pose.y, &bitmap, NULL);
    if (status != STATUS_OK || !reserve_places(cache) || !add_glyph(cache, &bitmap, &place)) {
        return NULL;
    }
    GlyphPlace *slot = &cache->places[place_of(cache, key)];
    *slot = place;
    cache->place_count++;
    return slot->width > 0 ? slot : NULL;
}

void gpu_text_upload(Gpu *gpu) {
    GlyphCache *cache = &gpu->glyphs;
    int rows = cache->dirty_bottom - cache->dirty_top;
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, cache->texture);
    if (rows > 0) {
        glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, cache->dirty_top, cache->side, rows, GL_RED, GL_UNSIGNED_BYTE,
                        cache->pixels + (size_t)cache->dirty_top * (size_t)cache->side);
        cache->dirty_top = cache->dirty_bottom = 0;
    }
}
