/* Where tokens stand as text, what is hit, how it scrolls; and that it can be read on every colour. */
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

typedef struct Scene {
    Capture *capture;
    Fonts *fonts;
    DrawList list;
    TextView *text;
    Look state;
    TextState text_state;
    Frame frame;
    TextParams params;
} Scene;

/* `count` tokens of several lengths, with line breaks, an empty line and a character in two pieces. */
static char *make_answer(int count) {
    TextBuffer out = {0};
    text_append(&out, "{\"choices\":[{\"logprobs\":{\"content\":[");
    for (int i = 0; i < count; i++) {
        char token[64];
        snprintf(token, sizeof token, i % 3 ? " word%d" : "part%d", i * 7919 % 1000);
        if (i % 29 == 28) snprintf(token, sizeof token, i % 2 ? "\\n" : ".\\n\\n");
        text_appendf(&out, "%s{\"token\":\"%s\",\"logprob\":-%d.5", i ? "," : "", token, i % 6);
        if (i % 41 == 40) text_append(&out, ",\"bytes\":[226,152]");
        if (i % 41 == 0 && i > 0) text_append(&out, ",\"bytes\":[131]");
        text_append(&out, "}");
    }
    text_append(&out, "]}}]}");
    assert_false(out.failed);
    return out.text;
}

static void open_scene(Scene *scene, int count, float width, float height) {
    Error err = {0};
    memset(scene, 0, sizeof *scene);
    char *answer = make_answer(count);
    const CaptureOpenParams params = {.memory = answer, .memory_size = strlen(answer), .memory_name = "a.json"};
    if (capture_open(&params, &scene->capture, &err) != STATUS_OK) fail_msg("%s", err.message);
    mem_free(answer);
    const FontsParams fonts = {0};
    if (draw_fonts_open(&fonts, &scene->fonts, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->text = views_text_new(&scene->text_state);
    assert_non_null(scene->text);
    views_look_init(&scene->state);
    scene->text_state = (TextState){.size = TEXT_SIZE_START};
    draw_list_reset(&scene->list, scene->fonts);
    scene->frame = (Frame){.capture = scene->capture,
                           .serial = 1,
                           .list = &scene->list,
                           .theme = views_theme(false),
                           .scale = 1,
                           .clock = clock_system()};
    scene->params = (TextParams){.rect = {20, 40, width, height}, .marks = true};
    assert_true(views_text_arrange(&scene->frame, scene->text, &scene->params));
}

static void close_scene(Scene *scene) {
    views_text_drop(scene->text);
    draw_list_free(&scene->list);
    draw_fonts_close(scene->fonts);
    capture_close(scene->capture);
}

static TextShown arrange(Scene *scene) {
    assert_true(views_text_arrange(&scene->frame, scene->text, &scene->params));
    return views_text_shown(scene->text);
}

static void test_every_token_has_its_place(void **state) {
    enum { COUNT = 700 };
    Scene scene;
    (void)state;
    open_scene(&scene, COUNT, 611, 8000);
    const TextShown shown = arrange(&scene);
    assert_int_equal(shown.from, 0);
    assert_int_equal(shown.to, COUNT);
    Rect before = {0};
    const StripInfo *strip = views_text_strip(&scene.frame, &scene.text_state);
    for (int64_t i = 0; i < COUNT; i++) {
        Rect cell;
        assert_true(views_text_rect(scene.text, i, &cell));
        assert_true(cell.w > 0 && cell.x >= shown.rect.x && cell.x + cell.w <= shown.rect.x + shown.rect.w);
        assert_int_equal(views_text_hit(scene.text, cell.x + cell.w / 2, cell.y + cell.h / 2), i);
        if (i > 0) { /* reading order, without overlaps */
            const bool same = cell.y == before.y;
            assert_true(same ? cell.x == before.x + before.w : cell.y > before.y && cell.x == shown.rect.x);
            const bool broke = strchr(strip->tokens[i - 1].token->raw, '\n') != NULL;
            assert_true(!broke || !same);
        }
        before = cell;
    }
    assert_int_equal(views_text_hit(scene.text, shown.rect.x - 1, shown.rect.y + 4), -1);
    close_scene(&scene);
}

/* Words are not torn: a line begins with a word, or after a line break, or in the middle of one longer than a line. */
static void test_lines_break_between_words(void **state) {
    enum { COUNT = 700 };
    Scene scene;
    int torn = 0;
    (void)state;
    open_scene(&scene, COUNT, 611, 8000);
    const StripInfo *strip = views_text_strip(&scene.frame, &scene.text_state);
    for (int64_t i = 1; i < COUNT; i++) {
        Rect before, cell;
        assert_true(views_text_rect(scene.text, i - 1, &before) && views_text_rect(scene.text, i, &cell));
        if (cell.y == before.y || strchr(strip->tokens[i - 1].token->raw, '\n')) continue;
        torn += strip->tokens[i].token->display[0] != ' ';
    }
    assert_int_equal(torn, 0);
    close_scene(&scene);
}

static void test_scrolling(void **state) {
    enum { COUNT = 3000 };
    Scene scene;
    (void)state;
    open_scene(&scene, COUNT, 500, 400);
    TextShown shown = arrange(&scene);
    assert_true(shown.lines > 3 * shown.full && shown.to < COUNT);
    views_text_scroll(scene.text, &scene.text_state, -5);
    assert_int_equal(arrange(&scene).line, 0);
    views_text_scroll(scene.text, &scene.text_state, 7);
    shown = arrange(&scene);
    assert_int_equal(shown.line, 7);
    views_text_scroll(scene.text, &scene.text_state, 1000000);
    shown = arrange(&scene);
    assert_int_equal(shown.line, shown.lines - shown.full);
    assert_int_equal(shown.to, COUNT);
    for (int64_t token = 0; token < COUNT; token += 97) {
        Rect cell;
        views_text_reveal(scene.text, &scene.text_state, token);
        shown = arrange(&scene);
        assert_true(views_text_rect(scene.text, token, &cell));
        assert_true(cell.y >= shown.rect.y && cell.y + cell.h <= shown.rect.y + shown.rect.h + 0.5f);
        const int64_t down = views_text_beside(scene.text, token, 1), up = views_text_beside(scene.text, token, -1);
        assert_true(down >= token && up <= token && down < COUNT && up >= 0);
    }
    /* Another width: the line of the same token stays on top. */
    views_text_reveal(scene.text, &scene.text_state, 1500);
    const int64_t top = arrange(&scene).from;
    scene.params.rect.w = 800;
    shown = arrange(&scene);
    assert_true(shown.from <= top && shown.to > top);
    close_scene(&scene);
}

static void test_a_steady_frame_allocates_nothing(void **state) {
    Scene scene;
    ViewResult result;
    (void)state;
    open_scene(&scene, 20000, 900, 700);
    uint64_t before = 0;
    for (int frame = 0; frame < 6; frame++) {
        if (frame == 3) before = mem_allocation_count();
        draw_list_reset(&scene.list, scene.fonts);
        scene.text_state.token_on = true;
        scene.text_state.token = frame;
        arrange(&scene);
        views_text_draw(&scene.frame, scene.text, &scene.state, &scene.params, &result);
        assert_false(scene.list.failed);
        assert_true(scene.list.count > 100 && scene.list.count < 20000); /* what is on screen, not all of it */
    }
    assert_int_equal(mem_allocation_count(), before);
    close_scene(&scene);
}

static double luminance(Color c) {
    const double parts[3] = {c.r / 255.0, c.g / 255.0, c.b / 255.0}, weights[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++)
        sum += weights[i] * (parts[i] <= 0.04045 ? parts[i] / 12.92 : pow((parts[i] + 0.055) / 1.055, 2.4));
    return sum;
}

static void test_text_can_be_read_on_every_colour(void **state) {
    (void)state;
    for (int map = 0; map < CMAP_COUNT; map++) {
        for (int position = 0; position < COLORMAP_POSITIONS; position++) {
            const Color ground = draw_colormap_color((ColormapId)map, position);
            const double a = luminance(ground), b = luminance(views_ink(ground));
            assert_true((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05) >= 4.5);
        }
    }
}

static void test_colours_follow_range_and_transform(void **state) {
    Scene scene;
    (void)state;
    open_scene(&scene, 50, 900, 700);
    DisplayParams display = views_text_display(&scene.frame, scene.text, &scene.state);
    assert_true(display.lo == 0 && display.hi == 1);
    Color half = views_text_color(&scene.frame, &display, logf(0.25f)); /* sqrt(0.25) */
    Color wanted = draw_colormap_color(CMAP_VIRIDIS, draw_colormap_position(0.5f));
    assert_memory_equal(&half, &wanted, sizeof half);
    scene.state.colours.transform = TRANSFORM_LINEAR;
    scene.state.colours.range_mode = RANGE_MANUAL;
    scene.state.colours.hi = 0.5f;
    display = views_text_display(&scene.frame, scene.text, &scene.state);
    half = views_text_color(&scene.frame, &display, logf(0.25f));
    assert_memory_equal(&half, &wanted, sizeof half);
    const Color beyond = views_text_color(&scene.frame, &display, 0);
    assert_memory_equal(&beyond, &display.clipped, sizeof beyond);
    const Color unknown = views_text_color(&scene.frame, &display, NAN);
    assert_memory_equal(&unknown, &scene.frame.theme->masked, sizeof unknown);
    scene.state.colours.range_mode = RANGE_PERCENTILE;
    scene.state.colours.percentile = 100;
    display = views_text_display(&scene.frame, scene.text, &scene.state);
    assert_true(fabsf(display.hi - expf(-0.5f)) < 1e-6f);
    close_scene(&scene);
}

int test_text_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_token_has_its_place),
        cmocka_unit_test(test_lines_break_between_words),
        cmocka_unit_test(test_scrolling),
        cmocka_unit_test(test_a_steady_frame_allocates_nothing),
        cmocka_unit_test(test_text_can_be_read_on_every_colour),
        cmocka_unit_test(test_colours_follow_range_and_transform),
    };
    return cmocka_run_group_tests_name("views: text", tests, NULL, NULL);
}
