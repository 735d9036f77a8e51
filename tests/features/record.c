/* The clock of live recordings: which frame gets which slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "features/parts.h"
#include "features/record/record.h"
#include "movie/ffmpeg.h"
#include "session/rooms.h"
#include "test_features.h"

typedef struct Stage {
    App app;
    ManualClock clock;
    GpuTarget *target;
    FrameParams params;
} Stage;

static void open_scene(Stage *scene) {
    Error err = {0};
    const AppParams params = {.mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .workers = 1};
    if (program_open(&scene->app, ROOM, &params, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->clock.now_ns = UINT64_C(5000000000);
    scene->app.machine.clock = clock_manual(&scene->clock);
    scene->params = frame_window_params(&scene->app);
    assert_int_equal(gpu_target_new(scene->app.machine.gpu, 64, 64, &scene->target, &err), STATUS_OK);
}

static void close_scene(Stage *scene) {
    gpu_target_drop(scene->app.machine.gpu, scene->target);
    program_close(&scene->app);
    free(scene);
}

static void start_live(Stage *scene, const char *path) {
    Error err = {0};
    const RecordLiveParams params = {.path = path, .fps = 10, .source = scene->target};
    if (record_live_start(&scene->app, &params, &err) != STATUS_OK) fail_msg("%s", err.message);
}

/* A frame of one grey that took `ms` to draw is painted at this time of the recording. */
static void paint_at(Stage *scene, uint64_t ms_since_start, uint64_t ms, uint8_t grey) {
    Error err = {0};
    DrawList list = {0};
    draw_list_reset(&list, scene->app.machine.fonts);
    const uint64_t began = UINT64_C(5000000000) + (ms_since_start - ms) * 1000000;
    record_tick(&scene->app, began);
    scene->clock.now_ns = UINT64_C(5000000000) + ms_since_start * 1000000;
    assert_int_equal(
        gpu_paint(scene->app.machine.gpu, scene->target, 64, 64, (Color){grey, grey, grey, 255}, &list, &err),
        STATUS_OK);
    assert_int_equal(record_painted(&scene->app, &scene->params, began, &err), STATUS_OK);
    draw_list_free(&list);
}

static uint64_t stop_live(Stage *scene, uint64_t ms_since_start) {
    MovieSummary summary = {0};
    Error err = {0};
    scene->clock.now_ns = UINT64_C(5000000000) + ms_since_start * 1000000;
    record_live_stop(&scene->app);
    MovieEncoder *finishing = record_of(&scene->app)->finishing;
    record_of(&scene->app)->finishing = NULL;
    if (movie_encoder_close(finishing, &summary, &err) != STATUS_OK) fail_msg("%s", err.message);
    return summary.frames;
}

static void test_frames_take_the_slots_of_their_time(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    uint8_t values[64];
    ffmpeg_play(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, ffmpeg_in(folder, "x.webm"));
    paint_at(scene, 10, 2, 10);
    paint_at(scene, 100, 2, 20);
    paint_at(scene, 350, 2, 30); /* nothing happened for a while: the second stays */
    paint_at(scene, 360, 2, 40); /* more than half a slot after the last one's beginning: the next one */
    paint_at(scene, 410, 2, 50); /* the slot is taken, and this is later: it replaces the last one */
    paint_at(scene, 1000, 2, 60);
    assert_int_equal(record_of(&scene->app)->live.dropped, 0);
    assert_int_equal(stop_live(scene, 1200), 12);
    const uint8_t wanted[12] = {10, 20, 20, 30, 50, 50, 50, 50, 50, 50, 60, 60};
    assert_int_equal(ffmpeg_frames(ffmpeg_in(folder, "x.webm"), values, sizeof values), 12);
    assert_memory_equal(values, wanted, sizeof wanted);
    close_scene(scene);
}

static void test_jitter_costs_nothing_and_slow_drawing_counts(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    uint8_t values[64];
    ffmpeg_play(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, ffmpeg_in(folder, "x.webm"));
    /* A display whose frames come a little early and a little late: each gets a slot of its own. */
    static const uint64_t TIMES[] = {5, 99, 201, 298, 402, 499};
    for (size_t i = 0; i < BASE_COUNT(TIMES); i++)
        paint_at(scene, TIMES[i], 5, (uint8_t)(10 * (i + 1)));
    assert_int_equal(record_of(&scene->app)->live.dropped, 0);
    /* Drawing that takes three slots while something moves: two slots repeat the frame before. */
    paint_at(scene, 805, 300, 70);
    assert_int_equal(record_of(&scene->app)->live.dropped, 2);
    assert_int_equal(stop_live(scene, 900), 9);
    const uint8_t wanted[9] = {10, 20, 30, 40, 50, 60, 60, 60, 70};
    assert_int_equal(ffmpeg_frames(ffmpeg_in(folder, "x.webm"), values, sizeof values), 9);
    assert_memory_equal(values, wanted, sizeof wanted);
    close_scene(scene);
}

static void test_an_encoder_that_is_too_slow_drops_frames_and_keeps_time(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    uint8_t values[256];
    /* It reads nothing until a file says so. */
    char body[256];
    snprintf(body, sizeof body, "while [ ! -e %s/go ]; do sleep 0.05; done; exec cat > \"$out\"", folder->path);
    ffmpeg_play(folder, body);
    open_scene(scene);
    start_live(scene, ffmpeg_in(folder, "x.webm"));
    /* The pipe itself takes many small frames: so many are painted that queue and pipe are full. */
    const int paints = 2000;
    for (int i = 0; i < paints; i++)
        paint_at(scene, (uint64_t)i * 100 + 5, 2, (uint8_t)(i % 250));
    const uint64_t dropped = record_of(&scene->app)->live.dropped;
    assert_true(dropped > 0 && dropped < (uint64_t)paints);
    assert_int_equal(file_write_all(ffmpeg_in(folder, "go"), "", 0, NULL), STATUS_OK);
    /* None is lost to the clock: the movie is as long as the recording. */
    assert_int_equal(stop_live(scene, (uint64_t)paints * 100), paints);
    assert_int_equal(ffmpeg_frames(ffmpeg_in(folder, "x.webm"), values, sizeof values), paints);
    assert_true(values[0] == 0 && values[1] == 1);
    close_scene(scene);
}

static void test_a_window_at_rest_hands_its_frame_over(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    ffmpeg_play(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, ffmpeg_in(folder, "x.webm"));
    paint_at(scene, 5, 2, 10);
    for (uint64_t ms = 100; ms <= 3000; ms += 100) {
        scene->clock.now_ns = UINT64_C(5000000000) + ms * 1000000;
        record_tick(&scene->app, scene->clock.now_ns);
    }
    while (movie_encoder_written(record_of(&scene->app)->live.encoder) < 20)
        usleep(1000);
    assert_true(RECORD.clock.next_ns(&scene->app, scene->clock.now_ns) < UINT64_MAX);
    assert_int_equal(stop_live(scene, 3000), 30);
    assert_int_equal(RECORD.clock.next_ns(&scene->app, scene->clock.now_ns), UINT64_MAX);
    close_scene(scene);
}

int test_record_group(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_frames_take_the_slots_of_their_time),
        IN_FOLDER(test_jitter_costs_nothing_and_slow_drawing_counts),
        IN_FOLDER(test_an_encoder_that_is_too_slow_drops_frames_and_keeps_time),
        IN_FOLDER(test_a_window_at_rest_hands_its_frame_over),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
