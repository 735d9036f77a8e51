/* Colormaps: 256 sRGB entries each, made at build time by tools/gen-colormaps.py in the order of ColormapId.
 *
 * Between entries colours are interpolated in COLORMAP_FINE integer steps. Both the display shader (which fetches
 * from a texture filled by draw_colormap_color) and its CPU twin round to the same fine positions; as no map changes
 * by more than COLORMAP_FINE from one entry to the next, neighbouring fine positions differ by 1 of 255 at most, so
 * a last-bit difference in a logarithm never shows. */
#include "draw/draw.h"

#include <assert.h>

extern const uint8_t attnscope_colormaps[CMAP_COUNT][COLORMAP_SIZE][3];

static const char *const names[CMAP_COUNT] = {
    [CMAP_VIRIDIS] = "viridis", [CMAP_MAGMA] = "magma", [CMAP_INFERNO] = "inferno", [CMAP_PLASMA] = "plasma",
    [CMAP_CIVIDIS] = "cividis", [CMAP_TURBO] = "turbo", [CMAP_GREY] = "grey",       [CMAP_DIVERGING] = "diverging",
};

const char *draw_colormap_name(ColormapId id) {
    assert((unsigned)id < CMAP_COUNT);
    return names[id];
}

bool draw_colormap_parse(const char *name, ColormapId *out) {
    for (int i = 0; i < CMAP_COUNT; i++) {
        if (text_equal_nocase(name, names[i])) {
            *out = (ColormapId)i;
            return true;
        }
    }
    if (text_equal_nocase(name, "gray")) {
        *out = CMAP_GREY;
        return true;
    }
    return false;
}

const uint8_t (*draw_colormap_table(ColormapId id))[3] {
    assert((unsigned)id < CMAP_COUNT);
    return attnscope_colormaps[id];
}

Color draw_colormap_color(ColormapId id, int position) {
    assert(position >= 0 && position < COLORMAP_POSITIONS);
    const uint8_t(*table)[3] = draw_colormap_table(id);
    int entry = position / COLORMAP_FINE;
    int part = position % COLORMAP_FINE;
    int next = part > 0 ? entry + 1 : entry;
    uint8_t rgb[3];
    for (int c = 0; c < 3; c++) {
        int sum = table[entry][c] * (COLORMAP_FINE - part) + table[next][c] * part;
        rgb[c] = (uint8_t)((sum + COLORMAP_FINE / 2) / COLORMAP_FINE);
    }
    return (Color){rgb[0], rgb[1], rgb[2], 255};
}

int draw_colormap_position(float unit) {
    float clamped = unit > 0 ? (unit < 1 ? unit : 1) : 0; /* NaN gives 0 */
    return (int)(clamped * (float)(COLORMAP_POSITIONS - 1) + 0.5f);
}
