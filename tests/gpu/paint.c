/* Shapes of the painter, by pixel. */
#include "test_gpu.h"

#include <math.h>
#include <stdlib.h>

#define W 64
#define H 48

static const Color white = {255, 255, 255, 255};

/* One list on black; gone after the test. */
typedef struct Picture {
    Gpu *gpu;
    DrawList list;
    uint8_t *rgba;
} Picture;

static Picture begin(void) {
    Picture p = {.gpu = open_gpu(0, 0)};
    draw_list_reset(&p.list, NULL);
    return p;
}

static void paint(Picture *p) {
    free(p->rgba);
    p->rgba = paint_list(p->gpu, &p->list, W, H, COLOR_HEX(0));
    draw_list_reset(&p->list, NULL);
}

static void end(Picture *p) {
    free(p->rgba);
    draw_list_free(&p->list);
    gpu_close(p->gpu);
}

/* White on black: the red channel is the coverage. */
static int at(const Picture *p, int x, int y) {
    return p->rgba[4 * (y * W + x)];
}

static double ink(const Picture *p) {
    double sum = 0;
    for (int i = 0; i < W * H; i++) {
        sum += p->rgba[4 * i];
    }
    return sum / 255;
}

static void assert_between(int value, int low, int high) {
    if (value < low || value > high) {
        print_error("%d is not in %d .. %d\n", value, low, high);
        fail();
    }
}

static void assert_box(const Picture *p, int x0, int y0, int x1, int y1) {
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            assert_int_equal(at(p, x, y), x >= x0 && x < x1 && y >= y0 && y < y1 ? 255 : 0);
        }
    }
}

static void test_rectangles_on_whole_pixels_are_crisp(void **state) {
    (void)state;
    Picture p = begin();
    draw_rect(&p.list, (Rect){5, 7, 20, 10}, 0, white);
    paint(&p);
    assert_box(&p, 5, 7, 25, 17);
    draw_rect(&p.list, (Rect){-5, -5, W + 10, 8}, 0, white);
    paint(&p);
    assert_box(&p, 0, 0, W, 3);
    draw_rect(&p.list, (Rect){3, 3, 1, 1}, 0, white);
    paint(&p);
    assert_box(&p, 3, 3, 4, 4);
    end(&p);
}

/* Large plain rectangles take another way (a clear), inside and outside of clips. */
static void test_fills(void **state) {
    (void)state;
    Picture p = begin();
    draw_rect(&p.list, (Rect){0, 0, W, H + 20}, 0, white);
    paint(&p);
    assert_box(&p, 0, 0, W, H);
    draw_clip(&p.list, (Rect){10, 20, 30, 5});
    draw_rect(&p.list, (Rect){0, 0, W + 10, H + 20}, 0, white);
    paint(&p);
    assert_box(&p, 10, 20, 40, 25);
    draw_clip(&p.list, (Rect){100, 100, 30, 5});
    draw_rect(&p.list, (Rect){0, 0, W, H + 20}, 0, white);
    draw_clip_off(&p.list);
    draw_rect(&p.list, (Rect){1, 1, 2, 2}, 0, white);
    paint(&p);
    assert_box(&p, 1, 1, 3, 3);
    draw_rect(&p.list, (Rect){-100, 40, 200, 100}, 0, white);
    paint(&p);
    assert_box(&p, 0, 40, W, H);
    end(&p);
}

static void test_fractions_are_covered_in_part(void **state) {
    (void)state;
    Picture p = begin();
    draw_rect(&p.list, (Rect){5.5f, 7.25f, 10, 10}, 0, white);
    paint(&p);
    assert_between(at(&p, 5, 12), 127, 128);
    assert_between(at(&p, 15, 12), 127, 128);
    assert_between(at(&p, 10, 7), 191, 192);
    assert_between(at(&p, 10, 17), 63, 64);
    assert_between(at(&p, 5, 7), 95, 96);
    assert_int_equal(at(&p, 10, 12), 255);
    draw_rect(&p.list, (Rect){20, 10.4f, 10, 0.2f}, 0, white); /* thinner than a pixel */
    paint(&p);
    assert_between(at(&p, 25, 10), 50, 52);
    assert_true(fabs(ink(&p) - 2) < 0.1);
    end(&p);
}

static void test_rounded_corners(void **state) {
    (void)state;
    Picture p = begin();
    draw_rect(&p.list, (Rect){10, 10, 30, 20}, 8, white);
    paint(&p);
    assert_int_equal(at(&p, 10, 10), 0);
    assert_int_equal(at(&p, 39, 29), 0);
    assert_int_equal(at(&p, 25, 10), 255);
    assert_int_equal(at(&p, 10, 20), 255);
    assert_int_equal(at(&p, 9, 20), 0);
    assert_int_equal(at(&p, 14, 14), 255);
    assert_true(fabs(ink(&p) - (600 - (4 - 3.14159265) * 64)) < 2);
    draw_rect(&p.list, (Rect){10, 10, 20, 20}, 100, white); /* no rounder than a circle */
    paint(&p);
    assert_true(fabs(ink(&p) - 3.14159265 * 100) < 2);
    end(&p);
}

static void test_frames(void **state) {
    (void)state;
    Picture p = begin();
    draw_frame(&p.list, (Rect){10, 10, 20, 16}, 0, 2, white);
    paint(&p);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            bool outer = x >= 10 && x < 30 && y >= 10 && y < 26, inner = x >= 12 && x < 28 && y >= 12 && y < 24;
            assert_int_equal(at(&p, x, y), outer && !inner ? 255 : 0);
        }
    }
    draw_frame(&p.list, (Rect){10, 10, 20, 16}, 5, 1, white);
    paint(&p);
    assert_int_equal(at(&p, 10, 10), 0);
    assert_int_equal(at(&p, 20, 10), 255);
    assert_int_equal(at(&p, 20, 11), 0);
    draw_frame(&p.list, (Rect){10, 10, 6, 6}, 0, 9, white); /* wider than the rectangle: filled */
    paint(&p);
    assert_box(&p, 10, 10, 16, 16);
    end(&p);
}

static void test_lines(void **state) {
    (void)state;
    Picture p = begin();
    draw_line(&p.list, 5, 10.5f, 45, 10.5f, 1, white);
    paint(&p);
    assert_box(&p, 5, 10, 45, 11);
    draw_line(&p.list, 20, 40, 20, 8, 2, white); /* upwards, two wide */
    paint(&p);
    assert_box(&p, 19, 8, 21, 40);
    draw_line(&p.list, 8, 8, 40, 32, 3, white);
    paint(&p);
    assert_true(fabs(ink(&p) - 3 * 40) < 3);
    assert_int_equal(at(&p, 24, 20), 255);
    assert_int_equal(at(&p, 24, 26), 0);
    draw_line(&p.list, 8, 8, 40, 32, 0.5f, white); /* a hairline keeps its ink */
    paint(&p);
    assert_true(fabs(ink(&p) - 0.5 * 40) < 2);
    draw_line(&p.list, 8, 8, 8, 8, 3, white);
    paint(&p);
    assert_true(ink(&p) == 0);
    end(&p);
}

static void test_triangles(void **state) {
    (void)state;
    static const float orders[2][6] = {{10, 10, 40, 10, 10, 40}, {10, 10, 10, 40, 40, 10}};
    Picture p = begin();
    for (int i = 0; i < 2; i++) { /* both ways round */
        draw_triangle(&p.list, orders[i], white);
        paint(&p);
        assert_true(fabs(ink(&p) - 450) < 4);
        assert_int_equal(at(&p, 15, 15), 255);
        assert_int_equal(at(&p, 30, 30), 0);
        assert_int_equal(at(&p, 9, 20), 0);
    }
    draw_triangle(&p.list, (float[6]){10, 10, 20, 20, 30, 30}, white); /* no area */
    paint(&p);
    assert_true(ink(&p) == 0);
    end(&p);
}

static void test_alpha_and_order(void **state) {
    (void)state;
    Picture p = begin();
    draw_rect(&p.list, (Rect){0, 0, 20, 20}, 0, (Color){200, 100, 0, 255});
    draw_rect(&p.list, (Rect){10, 0, 20, 20}, 0, (Color){0, 0, 255, 64});
    draw_line(&p.list, 15, 0, 15, 10, 2, white);
    paint(&p);
    const uint8_t *blended = p.rgba + 4 * (15 * W + 15), *over = p.rgba + 4 * (5 * W + 15),
                  *ground = p.rgba + 4 * (5 * W + 25);
    assert_between(blended[0], 149, 151); /* 200 * 191 / 255 */
    assert_between(blended[1], 74, 76);
    assert_between(blended[2], 63, 65);
    assert_int_equal(blended[3], 255);
    assert_true(over[0] == 255 && over[1] == 255);
    assert_between(ground[2], 63, 65);
    end(&p);
}

static void test_clip(void **state) {
    (void)state;
    Picture p = begin();
    draw_clip(&p.list, (Rect){10, 12, 8, 6});
    draw_rect(&p.list, (Rect){0, 0, 40, 40}, 3, white);
    paint(&p);
    assert_box(&p, 10, 12, 18, 18);
    draw_clip(&p.list, (Rect){10, 12, 8, 6});
    draw_clip(&p.list, (Rect){20, 20, 0, 5}); /* nothing fits */
    draw_rect(&p.list, (Rect){0, 0, 40, 40}, 3, white);
    draw_clip_off(&p.list);
    draw_rect(&p.list, (Rect){2, 2, 3, 3}, 0, white);
    paint(&p);
    assert_box(&p, 2, 2, 5, 5);
    draw_clip(&p.list, (Rect){9.6f, 11.4f, 8.2f, 6.8f}); /* edges go to the nearest pixel */
    draw_rect(&p.list, (Rect){0, 0, 40, 40}, 3, white);
    paint(&p);
    assert_box(&p, 10, 11, 18, 18);
    end(&p);
}

static void test_colorbars(void **state) {
    (void)state;
    Picture p = begin();
    for (int map = 0; map < CMAP_COUNT; map++) {
        DisplayParams params = {.cmap = (ColormapId)map};
        draw_colorbar(&p.list, (Rect){4, 4, 50, 3}, false, &params);
        draw_colorbar(&p.list, (Rect){4, 10.25f, 5, 30}, true, &params);
        paint(&p);
        for (int i = 0; i < 50; i++) {
            Color c = draw_colormap_color((ColormapId)map, draw_colormap_position(((float)i + 0.5f) / 50));
            assert_memory_equal(p.rgba + 4 * (5 * W + 4 + i), &c, 4);
        }
        for (int i = 1; i < 29; i++) { /* low end at the bottom; no gaps at fractions */
            Color c = draw_colormap_color((ColormapId)map, draw_colormap_position(1 - ((float)i + 0.25f) / 30));
            const uint8_t *pixel = p.rgba + 4 * ((10 + i) * W + 6);
            assert_true(abs(pixel[0] - c.r) <= 1 && abs(pixel[1] - c.g) <= 1 && abs(pixel[2] - c.b) <= 1);
        }
    }
    end(&p);
}

/* Every kind of shape, a heatmap and a clip. */
static void build_all(Gpu *gpu, DrawList *list) {
    static float rg[2 * 16 * 16];
    Error err = {0};
    TileKey key = test_key(0, 0);
    DisplayParams params = {.cmap = CMAP_TURBO, .hi = 1, .masked = {9, 9, 9, 255}, .nonfinite = {255, 0, 255, 255}};
    DrawHeatmap heatmap = {.key = key, .u1 = 16, .v1 = 16, .params = params};
    random_seed(23);
    random_texels(rg, 256, false);
    check_ok(put_tile(gpu, &key, JOB_TILE, TILE_RG16F, false, rg, 16, 16, &err), &err);
    draw_rect(list, (Rect){3, 3, 50, 40}, 6, (Color){40, 80, 120, 255});
    draw_rect(list, (Rect){0, 30, W, H}, 0, (Color){90, 20, 20, 255});
    draw_heatmap(list, (Rect){10, 10, 32, 24}, &heatmap);
    draw_frame(list, (Rect){9, 9, 34, 26}, 3, 1, white);
    draw_line(list, 2, 45, 60, 5, 1.5f, (Color){0, 255, 0, 200});
    draw_clip(list, (Rect){20, 20, 30, 20});
    draw_triangle(list, (float[6]){15, 15, 50, 30, 20, 45}, (Color){255, 255, 0, 128});
    draw_rect(list, (Rect){0, 24, W, 80}, 0, (Color){20, 90, 20, 255});
    draw_clip_off(list);
    draw_colorbar(list, (Rect){2, 40, 40, 4}, false, &params);
}

/* A picture painted in parts is the picture. */
static void test_parts(void **state) {
    (void)state;
    enum { PART = 20 };
    Picture p = begin();
    Error err = {0};
    GpuTarget *target = NULL;
    build_all(p.gpu, &p.list);
    free(p.rgba);
    p.rgba = paint_list(p.gpu, &p.list, W, H, COLOR_HEX(0x102030));
    check_ok(gpu_target_new(p.gpu, PART, PART, &target, &err), &err);
    for (int y = 0; y + PART <= H; y += 14) {
        for (int x = 0; x + PART <= W; x += 11) {
            GpuArea part = {x, y, PART, PART};
            check_ok(gpu_paint_part(p.gpu, target, part, COLOR_HEX(0x102030), &p.list, &err), &err);
            uint8_t *rgba = read_target(p.gpu, target, PART, PART);
            for (int i = 0; i < 4 * PART * PART; i++) {
                int whole = p.rgba[4 * ((y + i / 4 / PART) * W + x + i / 4 % PART) + i % 4];
                assert_true(abs(rgba[i] - whole) <= 1);
            }
            free(rgba);
        }
    }
    gpu_target_drop(p.gpu, target);
    end(&p);
}

static void test_paint_over_and_copy(void **state) {
    (void)state;
    Picture p = begin();
    Error err = {0};
    GpuTarget *target = NULL, *copy = NULL;
    build_all(p.gpu, &p.list);
    check_ok(gpu_target_new(p.gpu, W, H, &target, &err), &err);
    check_ok(gpu_target_new(p.gpu, 30, 24, &copy, &err), &err);
    check_ok(gpu_paint(p.gpu, target, W, H, COLOR_HEX(0x102030), &p.list, &err), &err);
    uint8_t *before = read_target(p.gpu, target, W, H);
    draw_list_reset(&p.list, NULL);
    draw_rect(&p.list, (Rect){5, 6, 7, 8}, 0, white);
    check_ok(gpu_paint_over(p.gpu, target, W, H, &p.list, &err), &err);
    p.rgba = read_target(p.gpu, target, W, H);
    for (int i = 0; i < W * H; i++) {
        bool inside = i % W >= 5 && i % W < 12 && i / W >= 6 && i / W < 14;
        assert_memory_equal(p.rgba + 4 * i, inside ? (const uint8_t *)&white : before + 4 * i, 4);
    }
    GpuArea part = {8, 12, 30, 24};
    check_ok(gpu_target_copy(p.gpu, copy, target, H, part, COLOR_HEX(0), &err), &err);
    uint8_t *copied = read_target(p.gpu, copy, 30, 24);
    for (int y = 0; y < 24; y++) {
        assert_memory_equal(copied + 4 * 30 * y, p.rgba + 4 * ((12 + y) * W + 8), 4 * 30);
    }
    uint8_t *direct = malloc(30 * 24 * 4);
    check_ok(gpu_read_part(p.gpu, target, H, part, direct, &err), &err);
    assert_memory_equal(direct, copied, 30 * 24 * 4);
    assert_int_equal(gpu_read_part(p.gpu, target, H, (GpuArea){0, H - 1, 3, 2}, direct, &err), STATUS_RANGE);
    free(direct);
    free(copied);
    free(before);
    gpu_target_drop(p.gpu, target);
    gpu_target_drop(p.gpu, copy);
    end(&p);
}

/* After the first frames nothing is allocated; a list that lacks something is painted and reported. */
static void test_steady_frames_and_failures(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    GpuTarget *target = NULL;
    Error err = {0};
    DrawList list = {0};
    check_ok(gpu_target_new(gpu, W, H, &target, &err), &err);
    draw_list_reset(&list, NULL);
    for (int i = 0; i < 5000; i++) {
        draw_rect(&list, (Rect){(float)(i % W), (float)(i / W % H), 1, 1}, 0, white);
        if (i % 100 == 0) {
            draw_clip(&list, (Rect){0, 0, (float)i, (float)i});
        }
    }
    bool whole = false;
    for (uint64_t n = 1; n < 60 && !whole; n++) {
        mem_fail_after(n, false);
        Status status = gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err);
        mem_fail_after(0, false);
        whole = status == STATUS_OK;
        assert_true(whole || status == STATUS_MEMORY);
    }
    assert_true(whole);
    uint64_t before = mem_allocation_count();
    for (int i = 0; i < 3; i++) {
        check_ok(gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err), &err);
    }
    assert_int_equal(mem_allocation_count(), before);
    list.failed = true;
    assert_int_equal(gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err), STATUS_MEMORY);
    draw_list_free(&list);
    gpu_target_drop(gpu, target);
    gpu_close(gpu);
}

int test_paint_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rectangles_on_whole_pixels_are_crisp),
        cmocka_unit_test(test_fills),
        cmocka_unit_test(test_fractions_are_covered_in_part),
        cmocka_unit_test(test_rounded_corners),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_triangles),
        cmocka_unit_test(test_alpha_and_order),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_colorbars),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_paint_over_and_copy),
        cmocka_unit_test(test_steady_frames_and_failures),
    };
    return cmocka_run_group_tests_name("gpu/paint", tests, NULL, NULL);
}
