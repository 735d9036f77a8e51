/* Text on the picture: ink inside the measured box, in its colour, upright and turned; the glyph cache when it
 * overflows. */
#include "test_gpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define W 240
#define H 160

static const Color white = {255, 255, 255, 255};
static const TextStyle body = {.size = 13};

static Fonts *open_fonts(void) {
    Fonts *fonts = NULL;
    if (draw_fonts_open(NULL, &fonts, NULL) != STATUS_OK) {
        skip();
    }
    return fonts;
}

typedef struct Ink {
    int x0, y0, x1, y1; /* of pixels that are not black; x1, y1 exclusive */
    double sum;
} Ink;

static Ink ink_of(const uint8_t *rgba) {
    Ink ink = {W, H, 0, 0, 0};
    for (int i = 0; i < W * H; i++) {
        int x = i % W, y = i / W;
        if (rgba[4 * i] > 4) {
            ink.x0 = x < ink.x0 ? x : ink.x0;
            ink.y0 = y < ink.y0 ? y : ink.y0;
            ink.x1 = x >= ink.x1 ? x + 1 : ink.x1;
            ink.y1 = y >= ink.y1 ? y + 1 : ink.y1;
            ink.sum += rgba[4 * i] / 255.0;
        }
    }
    return ink;
}

static void test_ink_is_in_the_measured_box(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    DrawList list = {0};
    static const char *const texts[] = {"Attention", "Hxkdp, gjy", "0.1234", "Größe Ångström"};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        for (int align = ALIGN_LEFT; align <= ALIGN_RIGHT; align++) {
            float width = draw_text_width(fonts, texts[i], body);
            draw_list_reset(&list, fonts);
            draw_text(&list, 120.3f, 80, texts[i], body, (Align)align, white);
            uint8_t *rgba = paint_list(gpu, &list, W, H, COLOR_HEX(0));
            Ink ink = ink_of(rgba);
            float start = align == ALIGN_LEFT ? 120.3f : align == ALIGN_CENTER ? 120.3f - width / 2 : 120.3f - width;
            assert_true((float)ink.x0 >= start - 1 && (float)ink.x1 <= start + width + 1);
            assert_true((float)(ink.x1 - ink.x0) > width - 4);
            assert_true((float)ink.y0 >= 80 - draw_text_ascent(fonts, body) - 1);
            assert_true((float)ink.y1 <= 80 - draw_text_ascent(fonts, body) + draw_text_line_height(fonts, body) + 1);
            assert_true(ink.y0 < 72 && ink.y1 >= 80);
            free(rgba);
        }
    }
    draw_list_free(&list);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

static void test_color_and_clip(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    DrawList list = {0};
    draw_list_reset(&list, fonts);
    draw_clip(&list, (Rect){0, 0, 60, H});
    draw_text(&list, 10, 100, "HHHHHHHHHH", (TextStyle){.size = 40, .weight = FONT_BOLD}, ALIGN_LEFT,
              (Color){200, 100, 0, 255});
    uint8_t *rgba = paint_list(gpu, &list, W, H, COLOR_HEX(0));
    int full = 0;
    for (int i = 0; i < W * H; i++) {
        assert_true(i % W < 60 || rgba[4 * i] == 0);
        full += rgba[4 * i] == 200 && rgba[4 * i + 1] == 100 && rgba[4 * i + 2] == 0;
    }
    assert_true(full > 200);
    free(rgba);
    draw_list_free(&list);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

/* Quarters of a turn show the same bitmaps, turned. */
static void test_quarter_turns(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    DrawList list = {0};
    uint8_t *pictures[4];
    for (int turn = 0; turn < 4; turn++) {
        draw_list_reset(&list, fonts);
        draw_text_angled(&list, 80, 80, (float)turn * 1.57079633f, "Token", body, white);
        pictures[turn] = paint_list(gpu, &list, W, H, COLOR_HEX(0));
    }
    assert_true(ink_of(pictures[0]).sum > 30);
    for (int y = 20; y < 140; y++) {
        for (int x = 20; x < 140; x++) {
            int u = x - 80, v = y - 80; /* a pixel of the upright picture, and where it goes */
            int expected = pictures[0][4 * (y * W + x)];
            assert_int_equal(pictures[1][4 * ((80 + u) * W + 80 - v - 1)], expected);
            assert_int_equal(pictures[2][4 * ((80 - v - 1) * W + 80 - u - 1)], expected);
            assert_int_equal(pictures[3][4 * ((80 - u - 1) * W + 80 + v)], expected);
        }
    }
    for (int turn = 0; turn < 4; turn++) {
        free(pictures[turn]);
    }
    draw_list_free(&list);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

static void test_slanted_text(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    DrawList list = {0};
    TextStyle style = {.size = 14};
    float width = draw_text_width(fonts, "attention", style);
    draw_list_reset(&list, fonts);
    draw_text(&list, 10, 30, "attention", style, ALIGN_LEFT, white);
    uint8_t *upright = paint_list(gpu, &list, W, H, COLOR_HEX(0));
    double sum = ink_of(upright).sum;
    free(upright);
    for (int step = 1; step < 12; step++) {
        float angle = (float)step * 0.5236f + 0.1f;
        draw_list_reset(&list, fonts);
        draw_text_angled(&list, 120.7f, 80.2f, angle, "attention", style, white);
        uint8_t *rgba = paint_list(gpu, &list, W, H, COLOR_HEX(0));
        assert_true(fabs(ink_of(rgba).sum / sum - 1) < 0.15);
        for (int i = 0; i < W * H; i++) { /* every inked pixel lies in the turned box */
            float x = (float)(i % W) + 0.5f - 120.7f, y = (float)(i / W) + 0.5f - 80.2f;
            float along = x * cosf(angle) + y * sinf(angle), across = y * cosf(angle) - x * sinf(angle);
            if (rgba[4 * i] > 8) {
                assert_true(along > -2 && along < width + 2 && across > -15 && across < 6);
            }
        }
        free(rgba);
    }
    draw_list_free(&list);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

/* A hundred sizes and angles fill the cache many times over; what is drawn stays right, also within one list. */
static void test_cache_overflow(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    DrawList list = {0};
    draw_list_reset(&list, fonts);
    draw_text(&list, 20, 50, "Reference 0.123", body, ALIGN_LEFT, white);
    uint8_t *reference = paint_list(gpu, &list, W, H, COLOR_HEX(0));
    for (int round = 0; round < 3; round++) {
        draw_list_reset(&list, fonts);
        draw_text(&list, 20, 50, "Reference 0.123", body, ALIGN_LEFT, white);
        for (int i = 0; i < 60; i++) { /* below the picture */
            TextStyle style = {.size = (float)(40 + i + 60 * round)};
            draw_text(&list, 0, 10000, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", style, ALIGN_LEFT,
                      white);
        }
        uint8_t *rgba = paint_list(gpu, &list, W, H, COLOR_HEX(0));
        assert_memory_equal(rgba, reference, 4 * W * H);
        free(rgba);
    }
    free(reference);
    draw_list_free(&list);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

/* Another Fonts, another cache. */
static void test_fonts_change(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    DrawList list = {0};
    uint8_t *pictures[2];
    for (int i = 0; i < 2; i++) {
        Fonts *fonts = NULL;
        FontsParams params = {.family = i ? "DejaVu Sans Mono" : NULL};
        if (draw_fonts_open(&params, &fonts, NULL) != STATUS_OK) {
            skip();
        }
        draw_list_reset(&list, fonts);
        draw_text(&list, 20, 50, "ill", (TextStyle){.size = 30}, ALIGN_LEFT, white);
        pictures[i] = paint_list(gpu, &list, W, H, COLOR_HEX(0));
        bool same = i == 1 && strcmp(draw_fonts_family(fonts), "DejaVu Sans Mono") != 0;
        draw_fonts_close(fonts);
        if (same) {
            skip(); /* that family is not installed */
        }
    }
    assert_memory_not_equal(pictures[0], pictures[1], 4 * W * H);
    free(pictures[0]);
    free(pictures[1]);
    draw_list_free(&list);
    gpu_close(gpu);
}

static void test_steady_text_allocates_nothing(void **state) {
    (void)state;
    Gpu *gpu = open_gpu(0, 0);
    Fonts *fonts = open_fonts();
    GpuTarget *target = NULL;
    Error err = {0};
    DrawList list = {0};
    check_ok(gpu_target_new(gpu, W, H, &target, &err), &err);
    uint64_t before = 0;
    for (int frame = 0; frame < 6; frame++) {
        before = frame == 3 ? mem_allocation_count() : before;
        draw_list_reset(&list, fonts);
        for (int i = 0; i < 40; i++) {
            draw_text_in(&list, (Rect){4, (float)(4 * i), 80, 16}, "layer 3 / 6 of a long name", body, ALIGN_LEFT,
                         white);
            draw_text_angled(&list, (float)(5 * i), 100, -0.785f, "token 注意", body, white);
        }
        check_ok(gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err), &err);
    }
    assert_int_equal(mem_allocation_count(), before);
    draw_list_free(&list);
    gpu_target_drop(gpu, target);
    draw_fonts_close(fonts);
    gpu_close(gpu);
}

static void test_failed_allocations(void **state) {
    (void)state;
    Fonts *fonts = open_fonts();
    draw_text_width(fonts, "Text 注意 \xf4\x8f\xbf\xb0", body);
    for (uint64_t n = 1; n < 16; n++) {
        Gpu *gpu = open_gpu(0, 0);
        DrawList list = {0};
        GpuTarget *target = NULL;
        Error err = {0};
        check_ok(gpu_target_new(gpu, W, H, &target, &err), &err);
        draw_list_reset(&list, fonts);
        draw_text(&list, 20, 50, "Text 注意 \xf4\x8f\xbf\xb0", body, ALIGN_LEFT, white);
        draw_text_angled(&list, 20, 50, 0.5f, "Text \xf4\x8f\xbf\xb0", body, white);
        for (int size = 50; size < 90; size++) {
            draw_text(&list, 20, 50, "ABCDEFGHIJ", (TextStyle){.size = (float)size}, ALIGN_LEFT, white);
        }
        mem_fail_after(n, false);
        Status status = gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err);
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || status == STATUS_MEMORY);
        check_ok(gpu_paint(gpu, target, W, H, COLOR_HEX(0), &list, &err), &err);
        uint8_t *rgba = read_target(gpu, target, W, H);
        assert_true(ink_of(rgba).sum > 100);
        free(rgba);
        draw_list_free(&list);
        gpu_target_drop(gpu, target);
        gpu_close(gpu);
    }
    draw_fonts_close(fonts);
}

int test_text_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ink_is_in_the_measured_box),
        cmocka_unit_test(test_color_and_clip),
        cmocka_unit_test(test_quarter_turns),
        cmocka_unit_test(test_slanted_text),
        cmocka_unit_test(test_cache_overflow),
        cmocka_unit_test(test_fonts_change),
        cmocka_unit_test(test_steady_text_allocates_nothing),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests_name("gpu/text", tests, NULL, NULL);
}
