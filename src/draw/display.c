/* The display pass in C: what shaders/display.frag does with one texel. The order of tests and every formula is the
 * shader's; change both together (tests/gpu compares them). */
#include "draw/draw.h"

#include <float.h>
#include <math.h>

float draw_display_value(const DisplayParams *params, float r, float g, float keys_in_texel) {
    switch (params->channel) {
    case CHANNEL_MASS:
        return r * keys_in_texel;
    case CHANNEL_MAX:
        return g;
    case CHANNEL_MEAN:
        break;
    }
    return r;
}

static float effective_gamma(const DisplayParams *params) {
    return params->gamma > 0 ? params->gamma : 1;
}

static float apply_transform(const DisplayParams *params, float t) {
    float f = t;
    if (params->transform == TRANSFORM_SQRT) {
        f = sqrtf(t);
    } else if (params->transform == TRANSFORM_LOG) {
        f = logf(1 + DISPLAY_LOG_STEEPNESS * t) / logf(1 + DISPLAY_LOG_STEEPNESS);
    }
    float gamma = effective_gamma(params);
    return gamma != 1 && f > 0 ? powf(f, 1 / gamma) : f;
}

static float invert_transform(const DisplayParams *params, float f) {
    float gamma = effective_gamma(params);
    float t = gamma != 1 && f > 0 ? powf(f, gamma) : f;
    if (params->transform == TRANSFORM_SQRT) {
        return t * t;
    }
    if (params->transform == TRANSFORM_LOG) {
        return (expf(t * logf(1 + DISPLAY_LOG_STEEPNESS)) - 1) / DISPLAY_LOG_STEEPNESS;
    }
    return t;
}

/* Size of the range on one side of its low end (signed data: of 0); never 0, so that an empty range puts everything
 * above its low end at the top. */
static float range_extent(const DisplayParams *params) {
    float extent = params->is_signed ? fmaxf(fabsf(params->lo), fabsf(params->hi)) : params->hi - params->lo;
    return fmaxf(extent, FLT_MIN);
}

/* How far the value stands above the low end; signed data: from 0. */
static float range_magnitude(const DisplayParams *params, float value) {
    return params->is_signed ? fabsf(value) : value - params->lo;
}

float draw_display_unit(const DisplayParams *params, float value) {
    float t = range_magnitude(params, value) / range_extent(params);
    float f = apply_transform(params, t > 0 ? fminf(t, 1) : 0);
    if (params->is_signed) {
        return value < 0 ? 0.5f - 0.5f * f : 0.5f + 0.5f * f;
    }
    return f;
}

float draw_display_value_at(const DisplayParams *params, float unit) {
    float clamped = unit > 0 ? (unit < 1 ? unit : 1) : 0;
    if (params->is_signed) {
        float side = clamped - 0.5f;
        float magnitude = invert_transform(params, 2 * fabsf(side)) * range_extent(params);
        return side < 0 ? -magnitude : magnitude;
    }
    return params->lo + invert_transform(params, clamped) * fmaxf(params->hi - params->lo, 0);
}

Color draw_display_color(const DisplayParams *params, float r, float g, float keys_in_texel) {
    if (tiles_is_nonfinite(g, params->is_signed)) {
        return params->nonfinite;
    }
    if (tiles_is_masked(g, params->is_signed)) {
        return params->masked;
    }
    float value = draw_display_value(params, r, g, keys_in_texel);
    if (params->clipped.a > 0) {
        float magnitude = range_magnitude(params, value);
        if (magnitude > range_extent(params) || magnitude < 0) {
            const bool below = params->is_signed ? value < 0 : magnitude < 0;
            return below && params->clipped_below.a > 0 ? params->clipped_below : params->clipped;
        }
    }
    return draw_colormap_color(params->cmap, draw_colormap_position(draw_display_unit(params, value)));
}
