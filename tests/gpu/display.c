/* The display shader against its CPU twin, draw_display_color: within 1 of 255 for every texel. */
#include "test_gpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 48

static const Color masked = {20, 24, 30, 255}, nonfinite = {255, 0, 255, 255}, clipped = {0, 255, 0, 255};

static bool near(const uint8_t *pixel, Color c) {
    return abs(pixel[0] - c.r) <= 1 && abs(pixel[1] - c.g) <= 1 && abs(pixel[2] - c.b) <= 1;
}

static void check_pixel(const uint8_t *pixel, Color c, const char *what, int x, int y) {
    if (!near(pixel, c)) {
        print_error("%s, pixel %d, %d: %d %d %d on the GPU, %d %d %d\n", what, x, y, pixel[0], pixel[1], pixel[2], c.r,
                    c.g, c.b);
        fail();
    }
}

/* Each pixel of a picture of the tile, one pixel a texel, keys in a texel given by the pattern's size. */
static void check_picture(Gpu *gpu, const DrawHeatmap *heatmap, const float *rg, int width, int height,
                          const char *what) {
    DrawList list = {0};
    int level = heatmap->key.lk + heatmap->mip;
    draw_list_reset(&list, NULL);
    draw_heatmap(&list, (Rect){0, 0, (float)width, (float)height}, heatmap);
    uint8_t *rgba = paint_list(gpu, &list, width, height, COLOR_HEX(0x808080));
    for (int i = 0; i < width * height; i++) {
        int64_t column = heatmap->key.x * TILE_SIDE + i % width;
        float keys = heatmap->keys > 0 ? (float)tiles_cells_in_texel(heatmap->keys, level, column) : ldexpf(1, level);
        Color c = draw_display_color(&heatmap->params, rg[2 * i], rg[2 * i + 1], keys);
        check_pixel(rgba + 4 * i, c, what, i % width, i / width);
    }
    free(rgba);
    draw_list_free(&list);
}

/* Values that spread over many decades, as attention does. */
static void spread_texels(float *rg, int count, bool is_signed) {
    random_texels(rg, count, is_signed);
    for (int i = 0; i < count; i++) {
        bool sentinel = tiles_is_masked(rg[2 * i + 1], is_signed) || tiles_is_nonfinite(rg[2 * i + 1], is_signed);
        float decade = powf(10, -4 * random_unit());
        rg[2 * i] *= decade;
        rg[2 * i + 1] *= sentinel ? 1 : decade;
    }
}

static void test_all_ways_to_show(void **state) {
    (void)state;
    static const float gammas[] = {0, 1, 0.6f, 2.2f};
    static float rg[2 * SIDE * SIDE];
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    random_seed(11);
    for (int kind = 0; kind < 3; kind++) { /* RG16F, RG32F, RG32F signed */
        TileKey key = test_key(kind, 0);
        key.lk = 3;
        spread_texels(rg, SIDE * SIDE, kind == 2);
        check_ok(put_tile(gpu, &key, JOB_TILE, kind == 0 ? TILE_RG16F : TILE_RG32F, kind == 2, rg, SIDE, SIDE, &err),
                 &err);
        for (int way = 0; way < 3 * 3 * 4 * 2 * 2; way++) {
            DrawHeatmap heatmap = {.key = key, .u1 = SIDE, .v1 = SIDE, .keys = SIDE * 8 - 3};
            int clip = way / 36 % 2, lifted = way / 72;
            heatmap.params = (DisplayParams){
                .cmap = (ColormapId)(way % CMAP_COUNT),
                .transform = (Transform)(way % 3),
                .channel = (Channel)(way / 3 % 3),
                .gamma = gammas[way / 9 % 4],
                .lo = kind == 2 ? -0.2f
                      : lifted  ? 0.01f
                                : 0,
                .hi = way / 3 % 3 == CHANNEL_MASS ? 2 : 0.3f,
                .is_signed = kind == 2,
                .masked = masked,
                .nonfinite = nonfinite,
                .clipped = clip ? clipped : (Color){0},
                .clipped_below = clip && way % 2 ? (Color){0, 0, 255, 255} : (Color){0},
            };
            char what[96];
            snprintf(what, sizeof what, "kind %d transform %d channel %d gamma %g clip %d", kind, way % 3, way / 3 % 3,
                     (double)gammas[way / 9 % 4], clip);
            check_picture(gpu, &heatmap, rg, SIDE, SIDE, what);
        }
    }
    gpu_close(gpu);
}

static void test_every_map_from_end_to_end(void **state) {
    (void)state;
    static float rg[2 * TILE_SIDE * 2];
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    TileKey key = test_key(0, 0);
    for (int i = 0; i < TILE_SIDE * 2; i++) {
        rg[2 * i] = rg[2 * i + 1] = (float)i / (TILE_SIDE * 2 - 1);
    }
    check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG32F, false, rg, TILE_SIDE, 2, &err), &err);
    for (int map = 0; map < CMAP_COUNT; map++) {
        DrawHeatmap heatmap = {.key = key, .u1 = TILE_SIDE, .v1 = 2, .params = {.cmap = (ColormapId)map, .hi = 1}};
        check_picture(gpu, &heatmap, rg, TILE_SIDE, 2, draw_colormap_name((ColormapId)map));
    }
    gpu_close(gpu);
}

static void test_empty_ranges(void **state) {
    (void)state;
    static const float ranges[][2] = {{0, 0}, {0.5f, 0.5f}, {1, 0}};
    float rg[] = {0, 0, 0.25f, 0.25f, 0.5f, 0.5f, 0.75f, 0.75f};
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    TileKey key = test_key(0, 0);
    check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG32F, false, rg, 4, 1, &err), &err);
    for (size_t i = 0; i < BASE_COUNT(ranges); i++) {
        DrawHeatmap heatmap = {.key = key, .u1 = 4, .v1 = 1, .params = {.lo = ranges[i][0], .hi = ranges[i][1]}};
        heatmap.params.clipped = i == 1 ? clipped : (Color){0};
        check_picture(gpu, &heatmap, rg, 4, 1, "empty range");
    }
    gpu_close(gpu);
}

/* Mips of base tiles and their composites, and mass in their ragged last column. */
static void test_mips(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 64);
    Error err = {0};
    const int64_t keys = 233; /* level 2: 59 texels */
    int width = (int)tiles_texels(keys, 2), height = 20, mips = 6;
    float *texels[6];
    TileKey key = {.serial = 42, .lq = 2, .lk = 2};
    random_seed(13);
    for (int m = 0; m < mips; m++) {
        int count = tiles_mip_side(width, m) * tiles_mip_side(height, m);
        texels[m] = malloc(8 * (size_t)count);
        assert_non_null(texels[m]);
        spread_texels(texels[m], count, false);
    }
    check_ok(put_base(gpu, &key, TILE_RG16F, false, texels, mips, width, height, &err), &err);
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
    ComposeRequest request = {.key = key, .heads = &heads, .base = true};
    request.key.head = -1;
    check_ok(gpu_compose(gpu, &request, &err), &err);
    for (int composite = 0; composite < 2; composite++) {
        for (int m = 0; m < mips; m++) {
            int w = tiles_mip_side(width, m), h = tiles_mip_side(height, m);
            DrawHeatmap heatmap = {
                .key = composite ? request.key : key, .mip = m, .u1 = (float)w, .v1 = (float)h, .keys = keys};
            heatmap.params = (DisplayParams){.channel = CHANNEL_MASS,
                                             .hi = 4,
                                             .transform = TRANSFORM_SQRT,
                                             .masked = masked,
                                             .nonfinite = nonfinite};
            check_picture(gpu, &heatmap, texels[m], w, h, "mip");
        }
    }
    for (int m = 0; m < mips; m++) {
        free(texels[m]);
    }
    gpu_close(gpu);
}

/* The ragged column lies in the second tile of the row. */
static void test_mass_in_the_second_tile(void **state) {
    (void)state;
    static float rg[2 * TILE_SIDE];
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    for (int64_t x = 0; x < 2; x++) {
        TileKey key = test_key(0, x);
        key.lk = 4;
        int width = x == 0 ? TILE_SIDE : 40;
        spread_texels(rg, width, false);
        check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG32F, false, rg, width, 1, &err), &err);
        DrawHeatmap heatmap = {.key = key, .u1 = (float)width, .v1 = 1, .keys = 16 * (TILE_SIDE + 40) - 9};
        heatmap.params = (DisplayParams){.channel = CHANNEL_MASS, .hi = 8, .masked = masked, .nonfinite = nonfinite};
        check_picture(gpu, &heatmap, rg, width, 1, "mass");
    }
    gpu_close(gpu);
}

/* Nearest sampling of fractional pieces: every pixel shows the texel its centre lies in, at any zoom, and
 * neighbouring pieces leave no gap. */
static void test_sampling(void **state) {
    (void)state;
    enum { W = 160, H = 90 };
    static float rg[2 * SIDE * SIDE];
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    TileKey key = test_key(0, 0);
    random_seed(17);
    random_texels(rg, SIDE * SIDE, false);
    check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG32F, false, rg, SIDE, SIDE, &err), &err);
    for (int view = 0; view < 30; view++) {
        double u0 = 20 * (double)random_unit(), v0 = 20 * (double)random_unit();
        double zoom = 1.1 + 9 * (double)random_unit(), u1 = u0 + W / zoom, v1 = v0 + H / zoom;
        if (u1 > SIDE || v1 > SIDE) {
            continue;
        }
        DrawHeatmap heatmap = {.key = key, .params = {.hi = 1, .masked = masked, .nonfinite = nonfinite}};
        DrawList list = {0};
        draw_list_reset(&list, NULL);
        float cut = floorf((float)(u0 + u1) / 2); /* two pieces that meet between two texels */
        float seam = (float)((cut - u0) * zoom);
        heatmap.u0 = (float)u0, heatmap.u1 = cut, heatmap.v0 = (float)v0, heatmap.v1 = (float)v1;
        draw_heatmap(&list, (Rect){0, 0, seam, H}, &heatmap);
        heatmap.u0 = cut, heatmap.u1 = (float)u1;
        draw_heatmap(&list, (Rect){seam, 0, W - seam, H}, &heatmap);
        uint8_t *rgba = paint_list(gpu, &list, W, H, (Color){1, 2, 3, 255});
        for (int i = 0; i < W * H; i++) {
            double u = u0 + (i % W + 0.5) / zoom, v = v0 + (double)(i / W + 0.5) / zoom;
            bool on_edge = fabs(u - round(u)) < 1e-3 || fabs(v - round(v)) < 1e-3; /* either neighbour is right */
            int texel = (int)v * SIDE + (int)u;
            if (!on_edge) {
                Color c = draw_display_color(&heatmap.params, rg[2 * texel], rg[2 * texel + 1], 1);
                check_pixel(rgba + 4 * i, c, "sampling", i % W, i / W);
            }
        }
        free(rgba);
        draw_list_free(&list);
    }
    gpu_close(gpu);
}

/* Transparent colours let the ground through; a tile that is not there leaves it alone; the last operation is on top. */
static void test_blending_and_order(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Error err = {0};
    float rg[] = {0, TILE_MASKED, 1, 1};
    TileKey key = test_key(0, 0);
    check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG16F, false, rg, 2, 1, &err), &err);
    DrawHeatmap heatmap = {
        .key = key, .u1 = 2, .v1 = 1, .params = {.cmap = CMAP_GREY, .hi = 1, .masked = {255, 0, 0, 128}}};
    heatmap.params.nonfinite = nonfinite;
    DrawList list = {0};
    draw_list_reset(&list, NULL);
    draw_rect(&list, (Rect){0, 0, 30, 10}, 1, COLOR_HEX(0x0000ff));
    draw_heatmap(&list, (Rect){0, 0, 20, 10}, &heatmap);
    draw_rect(&list, (Rect){15, 0, 2, 10}, 0, COLOR_HEX(0x00ff00));
    heatmap.key = test_key(5, 5);
    draw_heatmap(&list, (Rect){0, 0, 30, 10}, &heatmap);
    heatmap.key = key;
    heatmap.mip = 3;
    draw_heatmap(&list, (Rect){0, 0, 30, 10}, &heatmap);
    uint8_t *rgba = paint_list(gpu, &list, 30, 10, COLOR_HEX(0));
    const uint8_t *row = rgba + 4 * 30 * 5;
    assert_true(near(row + 4 * 5, (Color){128, 0, 127, 255}));
    assert_true(near(row + 4 * 12, (Color){255, 255, 255, 255}));
    assert_true(near(row + 4 * 16, (Color){0, 255, 0, 255}));
    assert_true(near(row + 4 * 25, (Color){0, 0, 255, 255}));
    free(rgba);
    draw_list_free(&list);
    gpu_close(gpu);
}

int test_display_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ways_to_show),
        cmocka_unit_test(test_every_map_from_end_to_end),
        cmocka_unit_test(test_empty_ranges),
        cmocka_unit_test(test_mips),
        cmocka_unit_test(test_mass_in_the_second_tile),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_blending_and_order),
    };
    return cmocka_run_group_tests_name("gpu/display", tests, NULL, NULL);
}
