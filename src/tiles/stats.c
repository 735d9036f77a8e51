/* Percentiles of a pooled image, by linear interpolation between the two nearest of the sorted values at
 * p / 100 * (n - 1), which is numpy.percentile's default.
 *
 * Nothing is sorted and nothing allocated: visible values are mapped to integers of the same order, a band of rows
 * at a time, and the wanted rank is found digit by digit, counting the values that share the digits found so far. After
 * the first digit these are mostly so few that they fit one band, and the image is not looked at again; else each digit
 * is one more pass over it. */
#include "tiles/tiles.h"

#include <math.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, BAND = 16384 };
static const int SHIFTS[] = {21, 10, 0}; /* digits of 11, 11 and 10 bits */

typedef struct Sample {
    PooledImage image;
    Channel channel;
    int64_t ignored_x; /* column of texels left out, relative to x0; outside 0..width-1: none */
} Sample;

static bool value_at(const Sample *s, int y, int x, float *out) {
    const PooledImage *image = &s->image;
    const float *texel = image->rg + 2 * ((size_t)y * (size_t)image->width + (size_t)x);
    if (x == s->ignored_x || tiles_is_masked(texel[1], image->is_signed) ||
        tiles_is_nonfinite(texel[1], image->is_signed)) {
        return false;
    }
    float v = s->channel == CHANNEL_MAX ? texel[1] : texel[0];
    if (s->channel == CHANNEL_MASS) {
        v *= (float)tiles_cells_in_texel(image->keys, image->level_k, image->x0 + x);
    }
    v = image->is_signed ? fabsf(v) : v;
    *out = v;
    return isfinite(v);
}

/* Order-preserving: negative numbers are inverted, others get the top bit. */
static uint32_t rank_bits(float v) {
    const uint32_t bits = f32_bits(v);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float value_of_bits(uint32_t ranked) {
    return f32_from_bits(ranked & 0x80000000u ? ranked & 0x7fffffffu : ~ranked);
}

/* Calls each() with the ranked bits of the visible values, in bands that fit the stack. */
static void for_each_band(const Sample *s, void (*each)(const uint32_t *ranked, size_t count, void *user), void *user) {
    uint32_t band[BAND];
    size_t count = 0;
    for (int y = 0; y < s->image.height; y++) {
        for (int x = 0; x < s->image.width; x++) {
            float v;
            if (!value_at(s, y, x, &v)) continue;
            band[count++] = rank_bits(v);
            if (count == BAND) {
                each(band, count, user);
                count = 0;
            }
        }
    }
    each(band, count, user);
}

typedef struct Selection {
    uint32_t prefix, known; /* the digits found so far, and which bits they are */
    int shift;
    int64_t counts[DIGITS];
    int64_t total, at_most; /* values in all; values not above `prefix` */
    uint32_t next;          /* smallest value above `prefix` */
    uint32_t few[BAND];     /* values that share the first digit */
    size_t few_count;       /* beyond BAND: they do not fit */
} Selection;

static void count_digits(const uint32_t *ranked, size_t count, void *user) {
    Selection *selection = user;
    selection->total += (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        if ((ranked[i] & selection->known) == selection->prefix) {
            selection->counts[ranked[i] >> selection->shift & (DIGITS - 1)]++;
        }
    }
}

/* What shares the first digit, and the smallest value beyond. */
static void collect(const uint32_t *ranked, size_t count, void *user) {
    Selection *selection = user;
    const uint32_t last = selection->prefix | ~selection->known;
    for (size_t i = 0; i < count; i++) {
        if ((ranked[i] & selection->known) == selection->prefix) {
            if (selection->few_count < BAND) selection->few[selection->few_count] = ranked[i];
            selection->few_count++;
        } else if (ranked[i] > last && ranked[i] < selection->next) {
            selection->next = ranked[i];
        }
    }
}

static void find_next(const uint32_t *ranked, size_t count, void *user) {
    Selection *selection = user;
    for (size_t i = 0; i < count; i++) {
        if (ranked[i] <= selection->prefix)
            selection->at_most++;
        else if (ranked[i] < selection->next)
            selection->next = ranked[i];
    }
}

/* Each of the values that are still in question, and maybe others. */
static void for_each_left(const Sample *s, Selection *selection, void (*each)(const uint32_t *, size_t, void *)) {
    if (selection->few_count > 0 && selection->few_count <= BAND) {
        each(selection->few, selection->few_count, selection);
    } else {
        for_each_band(s, each, selection);
    }
}

/* The digit of the value of this rank among those that share the digits before; returns its rank among those that share
 * this one, too. */
static int64_t find_digit(Selection *selection, bool last, int64_t rank) {
    uint32_t found = 0;
    const uint32_t digits = last ? DIGITS / 2 : DIGITS;
    if (last) { /* it has ten bits; its counts were folded by eleven */
        for (uint32_t i = 0; i < digits; i++)
            selection->counts[i] += selection->counts[i + digits];
    }
    while (found < digits - 1 && rank >= selection->counts[found])
        rank -= selection->counts[found++];
    selection->prefix |= found << selection->shift;
    selection->known |= (digits - 1) << selection->shift;
    return rank;
}

/* The value of rank p, once the first digits are counted. */
static float select_value(const Sample *sample, Selection *selection, double p) {
    if (selection->total == 0) return NAN;
    const double at = f64_clamp(p, 0.0, 100.0) / 100.0 * (double)(selection->total - 1);
    int64_t rank = find_digit(selection, false, (int64_t)floor(at));
    const int64_t below = (int64_t)floor(at) - rank; /* values with a lower first digit */
    for_each_band(sample, collect, selection);
    const bool few = selection->few_count <= BAND;
    for (size_t digit = 1; digit < BASE_COUNT(SHIFTS); digit++) {
        selection->shift = SHIFTS[digit];
        memset(selection->counts, 0, sizeof selection->counts);
        for_each_left(sample, selection, count_digits);
        rank = find_digit(selection, digit + 1 == BASE_COUNT(SHIFTS), rank);
    }
    const double low = (double)value_of_bits(selection->prefix), fraction = at - floor(at);
    if (fraction == 0.0) return (float)low;
    for_each_left(sample, selection, find_next);
    const bool same = selection->at_most + (few ? below : 0) > (int64_t)floor(at) + 1;
    const double high = same ? low : (double)value_of_bits(selection->next);
    return (float)(low + (high - low) * fraction);
}

static void count_first_digits(const Sample *sample, Selection *selection) {
    selection->prefix = selection->known = 0;
    selection->shift = SHIFTS[0];
    memset(selection->counts, 0, sizeof selection->counts);
    selection->total = selection->at_most = 0;
    selection->next = UINT32_MAX;
    selection->few_count = 0;
    for_each_band(sample, count_digits, selection);
}

float tiles_percentile(const PooledImage *image, Channel channel, double p, int64_t ignore_column) {
    Sample sample = {*image, channel, -1};
    Selection selection;
    if (ignore_column >= 0 && ignore_column < image->keys) {
        sample.ignored_x = (ignore_column >> image->level_k) - image->x0;
    }
    if (isnan(p)) return NAN;
    count_first_digits(&sample, &selection);
    return select_value(&sample, &selection, p);
}

float tiles_upper_range(const PooledImage *image, Channel channel, double p) {
    const Sample sample = {*image, channel, -1};
    Selection selection;
    if (isnan(p)) return NAN;
    count_first_digits(&sample, &selection);
    const bool few = p == TILE_AUTO_PERCENTILE && (double)selection.total * (100 - TILE_AUTO_PERCENTILE) < 100;
    return select_value(&sample, &selection, few ? 100 : p);
}
