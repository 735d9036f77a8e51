/* Combining pooled texels: heads side by side (the CPU twin of the compose shader), and neighbours into a coarser
 * level. What a composite of pooled texels says of a head set may be a bound (DESIGN.md section 3); pool.c is the exact
 * way.
 *
 * The shader must agree with tiles_compose to rounding. For one texel, h running over the heads in order, all in f32:
 *   column_factor_h[x] < 0 (hidden) makes head h masked there, whatever its texel
 *   any G_h nonfinite             -> (0, nonfinite)
 *   every G_h masked              -> (0, masked)
 *   otherwise, with f_h = row_factor_h[y] * column_factor_h[x] (1 without factors), r_h = R_h f_h and g_h = G_h f_h,
 *   both 0 where head h is masked:
 *     mean, weighted, difference  -> R = sum w_h r_h, G = sum w_h g_h, added in the order of the heads
 *     max / min                   -> R = max / min r_h, G = max / min g_h
 *     G = R instead if the result is signed and there is more than one head
 * Sentinels read are those of the data, sentinels written those of the result. */
#include "tiles/internal.h"

#include <math.h>

typedef struct Texel {
    float r, g;
} Texel;

typedef struct Compose {
    const ResolvedHeads *heads;
    const float *const *tiles;
    const float *const *row_factors;
    const float *const *col_factors;
    bool data_signed, result_signed;
} Compose;

static float factor_at(const float *const *factors, int head, int at) {
    return factors != NULL && factors[head] != NULL ? factors[head][at] : 1.0f;
}

static Texel combine(const ResolvedHeads *heads, int head, Texel sum, Texel v) {
    float w = heads->weight[head];
    switch (heads->op) {
    case HEADS_MAX:
        return head == 0 ? v : (Texel){fmaxf(sum.r, v.r), fmaxf(sum.g, v.g)};
    case HEADS_MIN:
        return head == 0 ? v : (Texel){fminf(sum.r, v.r), fminf(sum.g, v.g)};
    default:
        return (Texel){sum.r + w * v.r, sum.g + w * v.g};
    }
}

static Texel compose_texel(const Compose *compose, size_t texel, int x, int y) {
    const ResolvedHeads *heads = compose->heads;
    Texel sum = {0.0f, 0.0f};
    bool visible = false;
    for (int head = 0; head < heads->count; head++) {
        Texel v = {compose->tiles[head][2 * texel], compose->tiles[head][2 * texel + 1]};
        float column = factor_at(compose->col_factors, head, x);
        bool hidden = column < 0.0f;
        if (!hidden && tiles_is_nonfinite(v.g, compose->data_signed)) {
            return (Texel){0.0f, compose->result_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE};
        }
        if (hidden || tiles_is_masked(v.g, compose->data_signed)) {
            v = (Texel){0.0f, 0.0f};
        } else {
            float factor = factor_at(compose->row_factors, head, y) * column;
            v = (Texel){v.r * factor, v.g * factor};
            visible = true;
        }
        sum = combine(heads, head, sum, v);
    }
    if (!visible) {
        return (Texel){0.0f, compose->result_signed ? TILE_SIGNED_MASKED : TILE_MASKED};
    }
    if (heads->count > 1 && compose->result_signed) {
        sum.g = sum.r;
    }
    return sum;
}

void tiles_compose(const ResolvedHeads *heads, const float *const *tiles, int width, int height, bool data_signed,
                   const float *const *row_factors, const float *const *col_factors, float *out) {
    Compose compose = {heads, tiles, row_factors, col_factors, data_signed, data_signed || heads->result_signed};
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            size_t texel = (size_t)y * (size_t)width + (size_t)x;
            Texel result = compose_texel(&compose, texel, x, y);
            out[2 * texel] = result.r;
            out[2 * texel + 1] = result.g;
        }
    }
}

/* ---- halving: up to 2 x 2 texels into one ---------------------------------------------------- */

typedef struct Halving {
    const float *in;
    int height, width;
    int64_t queries, keys;
    Level level;
    bool is_signed;
} Halving;

static Texel halve_texel(const Halving *h, int y, int x) {
    double sum = 0.0, cells = 0.0;
    float best = 0.0f;
    bool visible = false;
    for (int j = 2 * y; j < 2 * y + 2 && j < h->height; j++) {
        double cells_q = (double)tiles_cells_in_texel(h->queries, h->level.q, j);
        for (int i = 2 * x; i < 2 * x + 2 && i < h->width; i++) {
            const float *texel = h->in + 2 * ((size_t)j * (size_t)h->width + (size_t)i);
            double count = cells_q * (double)tiles_cells_in_texel(h->keys, h->level.k, i);
            float g = texel[1];
            if (tiles_is_nonfinite(g, h->is_signed)) {
                return (Texel){0.0f, g};
            }
            cells += count;
            if (tiles_is_masked(g, h->is_signed)) {
                continue;
            }
            sum += count * (double)texel[0];
            /* Positive wins a tie of magnitudes, as in pooling. */
            bool better = !h->is_signed ? g > best : fabsf(g) > fabsf(best) || (fabsf(g) == fabsf(best) && g > best);
            best = !visible || better ? g : best;
            visible = true;
        }
    }
    if (!visible) {
        return (Texel){0.0f, h->is_signed ? TILE_SIGNED_MASKED : TILE_MASKED};
    }
    return (Texel){(float)(sum / cells), best};
}

void tiles_pool_halve(const float *in, int height, int width, int64_t queries, int64_t keys, Level level,
                      bool is_signed, float *out) {
    Halving halving = {in, height, width, queries, keys, level, is_signed};
    int out_height = tiles_mip_side(height, 1), out_width = tiles_mip_side(width, 1);
    for (int y = 0; y < out_height; y++) {
        for (int x = 0; x < out_width; x++) {
            Texel result = halve_texel(&halving, y, x);
            *out++ = result.r;
            *out++ = result.g;
        }
    }
}
