/* Colours. Near-black and near-white grounds, never pure; one accent; text contrast >= 4.5:1 on its ground (dim text
 * too), faint is for marks only. */
#include "views/frame.h"

#include <math.h>

static const Theme DARK = {
    .light = false,
    .ground = {15, 17, 21, 255},
    .panel = {21, 24, 29, 255},
    .raised = {33, 37, 44, 255},
    .hover = {44, 50, 59, 255},
    .line = {40, 45, 53, 255},
    .text = {231, 234, 238, 255},
    .dim = {154, 163, 175, 255},
    .faint = {86, 94, 106, 255},
    .accent = {91, 181, 240, 255},
    .accent_text = {10, 18, 26, 255},
    .warning = {240, 184, 92, 255},
    .error = {255, 122, 110, 255},
    .masked = {27, 31, 37, 255},
    .nonfinite = {255, 0, 200, 255},
};

static const Theme LIGHT = {
    .light = true,
    .ground = {250, 250, 248, 255},
    .panel = {241, 242, 241, 255},
    .raised = {226, 229, 230, 255},
    .hover = {212, 217, 220, 255},
    .line = {216, 219, 220, 255},
    .text = {28, 32, 38, 255},
    .dim = {88, 96, 107, 255},
    .faint = {160, 167, 175, 255},
    .accent = {16, 104, 176, 255},
    .accent_text = {250, 252, 255, 255},
    .warning = {148, 88, 0, 255},
    .error = {184, 32, 24, 255},
    .masked = {226, 228, 230, 255},
    .nonfinite = {230, 0, 180, 255},
};

const Theme *views_theme(bool light) {
    return light ? &LIGHT : &DARK;
}

Color views_clipped_color(ColormapId cmap, bool light) {
    switch (cmap) {
    case CMAP_MAGMA:
    case CMAP_INFERNO:
        return COLOR_HEX(0x9BE8FF);
    case CMAP_TURBO:
        return COLOR_HEX(0xFF9FC0);
    case CMAP_GREY:
        return COLOR_HEX(0xFFCB3D);
    case CMAP_DIVERGING:
        return COLOR_HEX(0xFFE27A);
    /* Maps that end in yellow go on towards white; on light ground not all the way, for white would be the paper. */
    default:
        return light ? COLOR_HEX(0xFFF3B0) : COLOR_HEX(0xFFFFFF);
    }
}

Color views_clipped_below_color(ColormapId cmap) {
    return cmap == CMAP_DIVERGING ? COLOR_HEX(0xC4FFF0) : COLOR_HEX(0xFF6FB0);
}

Color views_head_color(int head_number) {
    /* Okabe and Ito (2008), "Color Universal Design", without black; lightened where needed on dark ground. */
    static const uint32_t SET[] = {0x56B4E9, 0xE69F00, 0x2FB98F, 0xF0E442, 0xCC79A7, 0xE8743B, 0x4C8DD6, 0xB9A3E3};
    const int count = (int)BASE_COUNT(SET);
    const int index = ((head_number % count) + count) % count;
    return COLOR_HEX(SET[index]);
}

void views_look_init(Look *look) {
    *look = (Look){
        .subject.heads = {.op = HEADS_MEAN},
        .matrix.fitted = true,
        .colours.cmap = CMAP_VIRIDIS,
        .colours.cmap_signed = CMAP_DIVERGING,
        .colours.transform = TRANSFORM_SQRT,
        .colours.gamma = 1.0f,
        .colours.percentile = TILE_AUTO_PERCENTILE,
        .labels = true,
    };
}

/* WCAG 2.2, relative luminance. */
static float luminance(Color c) {
    const uint8_t parts[3] = {c.r, c.g, c.b};
    const float weights[3] = {0.2126f, 0.7152f, 0.0722f};
    float sum = 0;
    for (int i = 0; i < 3; i++) {
        const float v = (float)parts[i] / 255;
        sum += weights[i] * (v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f));
    }
    return sum;
}

Color views_ink(Color ground) {
    const float l = luminance(ground) + 0.05f;
    return l / 0.05f > 1.05f / l ? COLOR_HEX(0x000000) : COLOR_HEX(0xFFFFFF);
}
