/* Where cells of the grid lie, what is hit, which mip is drawn, and which columns ragged layers get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test_views.h"
#include "views/views.h"

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static GridPlace place_of(float w, float h, float scale, double aspect) {
    return (GridPlace){.plot = {56, 40, w, h}, .scale = scale, .aspect = aspect};
}

static const struct {
    int rows, columns;
} SIZES[] = {{1, 1}, {6, 12}, {12, 6}, {32, 32}, {80, 64}, {1, 40}, {500, 3}, {2000, 2000}};

/* ---- layout ---------------------------------------------------------------------------------- */

static void test_a_fitted_grid_lies_in_whole_pixels_inside_the_plot(void **state) {
    (void)state;
    const float scales[] = {1, 1.25f, 2};
    for (size_t i = 0; i < BASE_COUNT(SIZES); i++) {
        for (size_t j = 0; j < BASE_COUNT(scales); j++) {
            const GridPlace place = place_of(801, 603, scales[j], 1);
            Camera camera;
            views_grid_fit(&camera, SIZES[i].rows, SIZES[i].columns, &place);
            views_grid_clamp(&camera, SIZES[i].rows, SIZES[i].columns, &place);
            const GridLayout l = views_grid_layout(&camera, SIZES[i].rows, SIZES[i].columns, &place);
            assert_near(l.pitch_h, round(l.pitch_h), 0);
            assert_near(l.pitch_w, l.pitch_h, 0);
            const double least = 4 * (double)scales[j];
            assert_true(l.pitch_h >= least);
            if (l.pitch_h == least) continue; /* maybe more than there is room for: scrolled */
            assert_true(l.origin_x >= (double)place.plot.x && l.origin_y >= (double)place.plot.y);
            assert_true(l.origin_x + l.pitch_w * l.columns <= (double)(place.plot.x + place.plot.w));
            assert_true(l.origin_y + l.pitch_h * l.rows <= (double)(place.plot.y + place.plot.h));
            assert_int_equal(l.row1 - l.row0, SIZES[i].rows);
            assert_int_equal(l.column1 - l.column0, SIZES[i].columns);
        }
    }
}

static void test_cells_do_not_touch_and_are_hit_where_they_are(void **state) {
    (void)state;
    const GridPlace place = place_of(900, 500, 1, 1.5);
    Camera camera;
    views_grid_fit(&camera, 6, 12, &place);
    const GridLayout l = views_grid_layout(&camera, 6, 12, &place);
    assert_true(l.gap > 0);
    for (int row = 0; row < 6; row++) {
        for (int column = 0; column < 12; column++) {
            const Rect cell = views_grid_cell(&l, row, column);
            assert_near((double)cell.w, (double)views_grid_cell(&l, 0, 0).w, 0);
            if (column < 11)
                assert_near((double)(views_grid_cell(&l, row, column + 1).x - cell.x - cell.w), (double)l.gap, 0);
            if (row < 5)
                assert_near((double)(views_grid_cell(&l, row + 1, column).y - cell.y - cell.h), (double)l.gap, 0);
            int r, c;
            const float xs[] = {cell.x, cell.x + cell.w / 2, cell.x + cell.w - 1}, ys[] = {cell.y, cell.y + cell.h - 1};
            for (int i = 0; i < 6; i++) {
                assert_true(views_grid_hit(&l, xs[i % 3], ys[i / 3], &r, &c));
                assert_int_equal(r, row);
                assert_int_equal(c, column);
            }
        }
    }
    int r, c;
    assert_false(views_grid_hit(&l, place.plot.x - 1, place.plot.y + 10, &r, &c));
    assert_false(views_grid_hit(&l, (float)(l.origin_x + 12 * l.pitch_w + 1), (float)l.origin_y, &r, &c));
    assert_false(views_grid_hit(&l, (float)l.origin_x, (float)l.origin_y - 1, &r, &c));
}

static void test_stretched_cells_fill_the_plot(void **state) {
    (void)state;
    GridPlace place = place_of(333, 222, 1, 1);
    place.stretch = true;
    Camera camera;
    views_grid_fit(&camera, 7, 5, &place);
    views_grid_clamp(&camera, 7, 5, &place);
    const GridLayout l = views_grid_layout(&camera, 7, 5, &place);
    const Rect first = views_grid_cell(&l, 0, 0), last = views_grid_cell(&l, 6, 4);
    assert_near((double)first.x, (double)place.plot.x, 1);
    assert_near((double)first.y, (double)place.plot.y, 1);
    assert_near((double)(last.x + last.w + l.gap), (double)(place.plot.x + 333), 1);
    assert_near((double)(last.y + last.h + l.gap), (double)(place.plot.y + 222), 1);
}

static void test_zoom_keeps_the_cell_under_the_hand(void **state) {
    (void)state;
    const GridPlace place = place_of(900, 600, 1, 1);
    Camera camera;
    views_grid_fit(&camera, 80, 64, &place);
    /* In the middle of what is drawn, where no edge pushes back. */
    const double x = 520, y = 290;
    for (int step = 0; step < 12; step++) {
        const GridLayout before = views_grid_layout(&camera, 80, 64, &place);
        views_grid_zoom(&camera, 1.2, &place, x, y);
        views_grid_clamp(&camera, 80, 64, &place);
        const GridLayout after = views_grid_layout(&camera, 80, 64, &place);
        /* The origin falls on whole pixels: half of one may be lost. */
        assert_near((x - after.origin_x) / after.pitch_w, (x - before.origin_x) / before.pitch_w,
                    0.6 / after.pitch_w + 0.6 / before.pitch_w);
        assert_near((y - after.origin_y) / after.pitch_h, (y - before.origin_y) / before.pitch_h,
                    0.6 / after.pitch_h + 0.6 / before.pitch_h);
        assert_near(after.pitch_h, round(after.pitch_h), 0);
    }
    /* Small turns add up, though pitches are whole pixels. */
    views_grid_fit(&camera, 80, 64, &place);
    const double start = views_grid_layout(&camera, 80, 64, &place).pitch_h;
    for (int step = 0; step < 100; step++)
        views_grid_zoom(&camera, 1.01, &place, x, y);
    assert_near(views_grid_layout(&camera, 80, 64, &place).pitch_h, round(start * pow(1.01, 100)), 1);
}

static void test_the_grid_stays_in_its_plot(void **state) {
    (void)state;
    const GridPlace place = place_of(900, 600, 1, 1);
    Camera camera;
    views_grid_fit(&camera, 32, 32, &place);
    for (int step = 0; step < 20; step++)
        views_grid_zoom(&camera, 1.3, &place, 200, 100);
    camera.q = -1e6;
    camera.k = 1e6;
    views_grid_clamp(&camera, 32, 32, &place);
    const GridLayout l = views_grid_layout(&camera, 32, 32, &place);
    assert_near(l.origin_y, (double)place.plot.y, 1);                                   /* at the top */
    assert_near(l.origin_x + 32 * l.pitch_w, (double)(place.plot.x + place.plot.w), 1); /* and at the right */
    assert_true(l.pitch_h <= (double)place.plot.h);
    GridPlace limited = place; /* overviews with no more detail than for 100 pixels */
    limited.most = 100;
    views_grid_clamp(&camera, 32, 32, &limited);
    assert_near(views_grid_layout(&camera, 32, 32, &limited).pitch_h, 100, 0);
    camera.points_q = camera.points_k = 1e-3;
    views_grid_clamp(&camera, 32, 32, &place);
    Camera fit;
    views_grid_fit(&fit, 32, 32, &place);
    assert_near(camera.points_q, fit.points_q, 1e-9);
}

static void test_reveal_scrolls_no_farther_than_needed(void **state) {
    (void)state;
    const GridPlace place = place_of(600, 400, 1, 1);
    Camera camera;
    views_grid_fit(&camera, 80, 64, &place);
    views_grid_zoom(&camera, 8, &place, 300, 200);
    views_grid_clamp(&camera, 80, 64, &place);
    const int cells[][2] = {{0, 0}, {79, 63}, {40, 2}, {3, 60}};
    for (size_t i = 0; i < BASE_COUNT(cells); i++) {
        views_grid_reveal(&camera, 80, 64, &place, cells[i][0], cells[i][1]);
        const GridLayout l = views_grid_layout(&camera, 80, 64, &place);
        const Rect cell = views_grid_cell(&l, cells[i][0], cells[i][1]);
        assert_true(cell.x >= place.plot.x - 1 && cell.y >= place.plot.y - 1);
        assert_true(cell.x + cell.w <= place.plot.x + place.plot.w + 1 &&
                    cell.y + cell.h <= place.plot.y + place.plot.h + 1);
        const Camera before = camera;
        views_grid_reveal(&camera, 80, 64, &place, cells[i][0], cells[i][1]);
        assert_near(camera.q, before.q, 1e-9);
        assert_near(camera.k, before.k, 1e-9);
    }
}

/* ---- mips ------------------------------------------------------------------------------------ */

/* As the painter samples: nearest, at pixel centres. */
static bool every_texel_is_hit(int texels, int pixels) {
    bool hit[TILE_SIDE] = {0};
    for (int i = 0; i < pixels; i++)
        hit[(int)floor((i + 0.5) / pixels * texels)] = true;
    for (int i = 0; i < texels; i++) {
        if (!hit[i]) return false;
    }
    return true;
}

static void test_every_texel_of_the_chosen_mip_hits_a_pixel(void **state) {
    (void)state;
    const int sides[] = {1, 2, 3, 29, 47, 128, 149, 188, 255, 256};
    for (size_t i = 0; i < BASE_COUNT(sides); i++) {
        for (size_t j = 0; j < BASE_COUNT(sides); j++) {
            for (int pixels = 1; pixels <= 300; pixels += pixels < 40 ? 1 : 7) {
                const int mip = views_grid_mip(sides[i], sides[j], (float)pixels, (float)(pixels + 1) / 2, 9);
                const int w = tiles_mip_side(sides[i], mip), h = tiles_mip_side(sides[j], mip), rows = (pixels + 1) / 2;
                if (!every_texel_is_hit(w, pixels) || !every_texel_is_hit(h, rows)) {
                    fail_msg("mip %d of %d x %d loses texels in %d x %d pixels", mip, sides[i], sides[j], pixels, rows);
                }
                /* and it is the finest such one */
                if (mip > 0) {
                    const int fine_w = tiles_mip_side(sides[i], mip - 1), fine_h = tiles_mip_side(sides[j], mip - 1);
                    assert_false(every_texel_is_hit(fine_w, pixels) && every_texel_is_hit(fine_h, rows));
                }
            }
        }
    }
    assert_int_equal(views_grid_mip(256, 256, 1, 1, 3), 2); /* no more mips than there are */
}

static void test_labels_stand_at_round_steps(void **state) {
    (void)state;
    assert_int_equal(views_grid_label_step(80, 24), 1);
    assert_int_equal(views_grid_label_step(24, 24), 1);
    assert_int_equal(views_grid_label_step(23, 24), 2);
    assert_int_equal(views_grid_label_step(7, 24), 5);
    assert_int_equal(views_grid_label_step(4, 24), 10);
    assert_true(views_grid_label_step(1e-6, 24) > 1000000);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Layers 0, 2 and 5 with 4, 2 and 3 heads of 8 x 8 weights, in the form of safetensors. */
static size_t ragged_capture(uint8_t *out, size_t capacity) {
    static const int LAYERS[] = {0, 2, 5}, HEADS[] = {4, 2, 3};
    char header[1024] = "{";
    size_t used = 1, offset = 0;
    for (int i = 0; i < 3; i++) {
        const size_t bytes = (size_t)HEADS[i] * 64 * sizeof(float);
        used += (size_t)snprintf(
            header + used, sizeof header - used,
            "%s\"blocks.%d.attn.hook_pattern\":{\"dtype\":\"F32\",\"shape\":[%d,8,8],\"data_offsets\":[%zu,%zu]}",
            i ? "," : "", LAYERS[i], HEADS[i], offset, offset + bytes);
        offset += bytes;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    while (used % 8)
        header[used++] = ' ';
    assert_true(8 + used + offset <= capacity);
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(used >> (8 * i));
    memcpy(out + 8, header, used);
    for (size_t i = 0; i < offset / sizeof(float); i++) {
        const float weight = 0.125f;
        memcpy(out + 8 + used + i * sizeof(float), &weight, sizeof weight);
    }
    return 8 + used + offset;
}

static void test_ragged_layers_share_columns(void **state) {
    (void)state;
    static uint8_t bytes[16384];
    const CaptureOpenParams params = {
        .memory = bytes, .memory_size = ragged_capture(bytes, sizeof bytes), .memory_name = "x.safetensors"};
    Capture *capture = NULL;
    Error err = {0};
    if (capture_open(&params, &capture, &err) != STATUS_OK) fail_msg("%s", err.message);
    const SetInfo *set = capture_set(capture, 0);
    assert_int_equal(set->layer_count, 3);
    assert_int_equal(set->layers[2].number, 5);

    GridState grid_state = {.fitted = true};
    Grid *grid = views_grid_new(&grid_state);
    Look look;
    views_look_init(&look);
    const Frame frame = {.capture = capture, .serial = 1, .base_side = TILE_SIDE};
    assert_true(views_grid_follow(grid, &frame, &look));
    assert_int_equal(views_grid_columns(grid), 4);
    assert_int_equal(views_grid_column(grid, 3), 3);
    assert_int_equal(views_grid_column(grid, 4), -1);
    GridHead head;
    assert_true(views_grid_head_at(grid, set, 0, 3, &head));
    assert_true(head.layer == 0 && head.head == 3);
    assert_false(views_grid_head_at(grid, set, 1, 3, &head)); /* a hole */
    assert_true(views_grid_head_at(grid, set, 2, 2, &head));
    assert_false(views_grid_head_at(grid, set, 3, 0, &head));
    assert_false(views_grid_head_at(grid, set, 0, -1, &head));
    assert_int_equal(views_grid_nearest_head(grid, set, 1, 3), 1);
    assert_int_equal(views_grid_nearest_head(grid, set, 0, 3), 3);
    /* Nothing is built: no figures, no range. */
    GridFigures figures;
    float hi;
    assert_false(views_grid_figures(grid, set, (GridHead){0, 0}, &figures));
    assert_false(views_grid_layer_range(grid, set, 0, &hi));

    /* Steady frames allocate nothing; another opening is looked at anew. */
    const uint64_t allocations = mem_allocation_count();
    for (int i = 0; i < 10; i++)
        assert_true(views_grid_follow(grid, &frame, &look));
    assert_int_equal(mem_allocation_count(), allocations);
    look.subject.set = 1;
    assert_false(views_grid_follow(grid, &frame, &look));
    views_grid_drop(grid);
    capture_close(capture);
}

static void test_no_memory_for_the_columns_is_no_grid(void **state) {
    (void)state;
    static uint8_t bytes[16384];
    const CaptureOpenParams params = {
        .memory = bytes, .memory_size = ragged_capture(bytes, sizeof bytes), .memory_name = "x.safetensors"};
    Capture *capture = NULL;
    assert_int_equal(capture_open(&params, &capture, NULL), STATUS_OK);
    Look look;
    views_look_init(&look);
    const Frame frame = {.capture = capture, .serial = 1, .base_side = TILE_SIDE};
    GridState grid_state = {.fitted = true};
    for (uint64_t n = 1; n <= 4; n++) {
        mem_fail_after(n, true);
        Grid *grid = views_grid_new(&grid_state);
        const bool ok = grid && views_grid_follow(grid, &frame, &look);
        mem_fail_after(0, false);
        assert_false(ok);
        if (grid) assert_true(views_grid_follow(grid, &frame, &look)); /* and later there is */
        views_grid_drop(grid);
    }
    capture_close(capture);
}

int test_grid_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fitted_grid_lies_in_whole_pixels_inside_the_plot),
        cmocka_unit_test(test_cells_do_not_touch_and_are_hit_where_they_are),
        cmocka_unit_test(test_stretched_cells_fill_the_plot),
        cmocka_unit_test(test_zoom_keeps_the_cell_under_the_hand),
        cmocka_unit_test(test_the_grid_stays_in_its_plot),
        cmocka_unit_test(test_reveal_scrolls_no_farther_than_needed),
        cmocka_unit_test(test_every_texel_of_the_chosen_mip_hits_a_pixel),
        cmocka_unit_test(test_labels_stand_at_round_steps),
        cmocka_unit_test(test_ragged_layers_share_columns),
        cmocka_unit_test(test_no_memory_for_the_columns_is_no_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
