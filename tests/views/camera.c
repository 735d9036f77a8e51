/* The camera keeps what is under the cursor where it is, at every length. */
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

static void test_fit_keeps_cells_square_up_to_four_to_one(void **state) {
    (void)state;
    const Camera square = views_camera_fit(100, 300, 900, 600, FIT_AUTO);
    assert_near(square.points_q, square.points_k, 0);
    assert_near(square.points_k, 3, 1e-12);
    assert_near(square.q, 50, 0);
    assert_near(square.k, 150, 0);
    const Camera stretched = views_camera_fit(29, 1500, 900, 600, FIT_AUTO);
    assert_near(stretched.points_k, 900.0 / 1500, 1e-12);
    assert_near(stretched.points_q, 600.0 / 29, 1e-12);
    const Camera forced = views_camera_fit(29, 1500, 900, 600, FIT_SQUARE);
    assert_near(forced.points_q, forced.points_k, 0);
}

static void test_a_tiny_pattern_is_not_blown_up_beyond_the_limit(void **state) {
    (void)state;
    const Camera camera = views_camera_fit(1, 1, 1280, 720, FIT_AUTO);
    assert_near(camera.points_q, CAMERA_MAX_POINTS, 0);
    assert_near(camera.points_k, CAMERA_MAX_POINTS, 0);
}

static void test_zoom_keeps_the_token_under_the_cursor(void **state) {
    (void)state;
    const int64_t lengths[] = {10, 8192, 131072, 1048576, INT64_C(1) << 40};
    for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
        const double n = (double)lengths[i];
        Camera camera = views_camera_fit(lengths[i], lengths[i], 1000, 700, FIT_AUTO);
        const double x = 217.25, y = -133.5;
        const double token_k = camera.k + x / camera.points_k, token_q = camera.q + y / camera.points_q;
        while (camera.points_k < 64)
            views_camera_zoom(&camera, 1.2, 1.2, x, y);
        /* Within a hundredth of a cell after zooming from everything to single weights. */
        assert_near(camera.k + x / camera.points_k, token_k, 0.01 + n * 1e-14);
        assert_near(camera.q + y / camera.points_q, token_q, 0.01 + n * 1e-14);
    }
}

static void test_clamp_keeps_the_pattern_reachable(void **state) {
    (void)state;
    Camera camera = views_camera_fit(512, 512, 800, 600, FIT_AUTO);
    camera.points_q = camera.points_k = 1e-9;
    camera.q = -1e9;
    views_camera_clamp(&camera, 512, 512, 800, 600);
    const Camera fit = views_camera_fit(512, 512, 800, 600, FIT_AUTO);
    assert_true(camera.points_q >= fit.points_q * 0.49);
    double q0, q1, k0, k1;
    views_camera_visible(&camera, 800, 600, &q0, &q1, &k0, &k1);
    assert_true(q0 <= 1e-9 && q1 >= 512 - 1e-9); /* wholly visible */
    camera.points_q = camera.points_k = 1e9;
    camera.k = 1e9;
    views_camera_clamp(&camera, 512, 512, 800, 600);
    assert_near(camera.points_q, CAMERA_MAX_POINTS, 1e-9);
    assert_near(camera.k, 512, 1e-9);
}

static void test_clamp_keeps_cells_square(void **state) {
    (void)state;
    Camera camera = {.q = 10, .k = 10, .points_q = 1e-6, .points_k = 1e-6};
    views_camera_clamp(&camera, 300, 1100, 800, 600);
    assert_near(camera.points_q / camera.points_k, 1, 1e-9);
}

static void test_rect_and_visible_are_inverse(void **state) {
    (void)state;
    const Camera camera = views_camera_rect(100, 164, 1000, 1128, 1280, 640);
    double q0, q1, k0, k1;
    views_camera_visible(&camera, 1280, 640, &q0, &q1, &k0, &k1);
    assert_near(q0, 100, 1e-9);
    assert_near(q1, 164, 1e-9);
    assert_near(k0, 1000, 1e-9);
    assert_near(k1, 1128, 1e-9);
}

static TileData *cells(int64_t q0, int64_t k0, int64_t rows, int64_t columns, int layer) {
    TileData *data = mem_alloc_zeroed(1, sizeof *data);
    data->kind = JOB_CELLS;
    data->format = TILE_R32F;
    data->key = (TileKey){
        .serial = 1, .layer = layer, .head = -1, .headset = 7, .y = q0, .x = k0, .rows = rows, .columns = columns};
    data->size = (size_t)(rows * columns) * sizeof(float);
    data->texels = mem_alloc(data->size);
    for (int64_t i = 0; i < rows * columns; i++)
        ((float *)data->texels)[i] = (float)((q0 + i / columns) * 1000 + k0 + i % columns);
    atomic_store(&data->references, 1);
    return data;
}

static void test_readouts_find_a_cell_in_any_rectangle_of_the_same_pattern(void **state) {
    (void)state;
    Readouts store = {0};
    for (int i = 0; i < 2 * READOUT_SLOTS; i++)
        views_readout_accept(&store, cells(i * 10, 0, 10, 50, 3));
    TileKey key = {.serial = 1, .layer = 3, .head = -1, .headset = 7, .rows = 1, .columns = 50};
    const int64_t newest = 10 * (2 * READOUT_SLOTS - 1) + 5;
    const float *value = views_readout_cell(&store, &key, newest, 20);
    assert_non_null(value);
    assert_near(*value, (double)(newest * 1000 + 20), 0);
    assert_null(views_readout_cell(&store, &key, 5, 20)); /* pushed out by newer ones */
    assert_null(views_readout_cell(&store, &key, newest, 50));
    key.layer = 4;
    assert_null(views_readout_cell(&store, &key, newest, 20));
    views_readout_clear(&store);
}

static void test_head_colours_repeat_and_clipped_differs_from_the_ends(void **state) {
    (void)state;
    const Color third = views_head_color(3), eleventh = views_head_color(11);
    assert_memory_equal(&third, &eleventh, sizeof third);
    for (int i = 0; i < 2 * CMAP_COUNT; i++) {
        const ColormapId cmap = (ColormapId)(i / 2);
        const Color c = views_clipped_color(cmap, i % 2 == 1);
        for (int end = 0; end < COLORMAP_SIZE; end += COLORMAP_SIZE - 1) {
            const uint8_t *map = draw_colormap_table(cmap)[end];
            const int distance = abs(c.r - map[0]) + abs(c.g - map[1]) + abs(c.b - map[2]);
            if (distance < 60) fail_msg("clipped colour of %s is too close to its end", draw_colormap_name(cmap));
        }
    }
}

int test_camera_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_keeps_cells_square_up_to_four_to_one),
        cmocka_unit_test(test_a_tiny_pattern_is_not_blown_up_beyond_the_limit),
        cmocka_unit_test(test_zoom_keeps_the_token_under_the_cursor),
        cmocka_unit_test(test_clamp_keeps_the_pattern_reachable),
        cmocka_unit_test(test_clamp_keeps_cells_square),
        cmocka_unit_test(test_rect_and_visible_are_inverse),
        cmocka_unit_test(test_readouts_find_a_cell_in_any_rectangle_of_the_same_pattern),
        cmocka_unit_test(test_head_colours_repeat_and_clipped_differs_from_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
