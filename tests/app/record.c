/* Recording without a window: names, files, the encoder's thread, the clock of live recordings, tours. ffmpeg is
 * played by shell scripts here, so that every byte it gets can be looked at; tests/e2e has the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "features/parts.h"
#include "features/record/record.h"
#include "scenes/grid/grid.h"
#include "test_app.h"

enum { WIDTH = 24, HEIGHT = 10, FRAME = WIDTH * HEIGHT * 4 };

typedef struct Folder {
    char path[64], name[128];
} Folder;

static int make_folder(void **state) {
    Folder *folder = calloc(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/attnscope-record-XXXXXX");
    if (!mkdtemp(folder->path)) return 1;
    *state = folder;
    return 0;
}

static int remove_folder(void **state) {
    Folder *folder = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder->path);
    unsetenv("ATTNSCOPE_FFMPEG");
    unsetenv("ATTNSCOPE_ENCODER_TIMEOUT");
    const int code = system(command);
    free(folder);
    return code;
}

static const char *in(Folder *folder, const char *name) {
    snprintf(folder->name, sizeof folder->name, "%s/%s", folder->path, name);
    return folder->name;
}

/* What stands in for ffmpeg from now on. $out is the file it is to write. */
static void play_ffmpeg(Folder *folder, const char *body) {
    char path[128], text[512];
    snprintf(path, sizeof path, "%s/ffmpeg", folder->path);
    const int length = snprintf(text, sizeof text, "#!/bin/sh\nfor out; do :; done\nout=${out#file:}\n%s\n", body);
    assert_int_equal(file_write_all(path, text, (size_t)length, NULL), STATUS_OK);
    chmod(path, 0755);
    setenv("ATTNSCOPE_FFMPEG", path, 1);
}

static MovieEncoderParams encoder_params(const char *path) {
    return (MovieEncoderParams){.path = path, .shape = {.width = WIDTH, .height = HEIGHT, .fps = 10, .live = true}};
}

static void put(MovieEncoder *encoder, uint8_t value, uint64_t times) {
    uint8_t *frame = movie_encoder_buffer(encoder, true);
    assert_non_null(frame);
    memset(frame, value, FRAME);
    movie_encoder_put(encoder, frame, times);
}

/* A file of whole frames -> the value of each; returns how many. */
static size_t frame_values(const char *path, uint8_t *values, size_t most) {
    char *bytes;
    size_t size;
    Error err = {0};
    if (file_read_all(path, 1 << 26, &bytes, &size, &err) != STATUS_OK) fail_msg("%s", err.message);
    assert_int_equal(size % FRAME, 0);
    for (size_t i = 0; i < size / FRAME; i++) {
        assert_true(i < most);
        values[i] = (uint8_t)bytes[i * FRAME];
        for (size_t at = 0; at < FRAME; at++)
            assert_int_equal((uint8_t)bytes[i * FRAME + at], values[i]);
    }
    mem_free(bytes);
    return size / FRAME;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_names(void **state) {
    Folder *folder = *state;
    MovieOutput out;
    Error err = {0};
    static const struct {
        const char *name;
        MovieFormat format;
    } GOOD[] = {{"a.mp4", MOVIE_MP4},   {"a.b.WEBM", MOVIE_WEBM}, {"/x/y.gif", MOVIE_GIF},
                {"y.webp", MOVIE_WEBP}, {"frames", MOVIE_PNG},    {"frames/", MOVIE_PNG},
                {"x.mp4/", MOVIE_PNG},  {"a-%d.png", MOVIE_PNG},  {"b/a-%04d-x.png", MOVIE_PNG},
                {"%05d.png", MOVIE_PNG}};
    for (size_t i = 0; i < BASE_COUNT(GOOD); i++) {
        assert_int_equal(movie_output_parse(GOOD[i].name, &out, &err), STATUS_OK);
        assert_int_equal(out.format, GOOD[i].format);
    }
    static const char *const BAD[] = {"",        "a.avi",     "a.png",       ".mp4x",    "a-%s.png", "a-%d%d.png",
                                      "a-%.png", "a-%0d.png", "a-%012d.png", "x.tar.gz", "%d/a.png"};
    for (size_t i = 0; i < BASE_COUNT(BAD); i++) {
        err = (Error){0};
        if (movie_output_parse(BAD[i], &out, &err) != STATUS_USAGE) fail_msg("'%s' was taken", BAD[i]);
        assert_true(err.message[0]);
    }
    char path[64], longest[5000];
    assert_int_equal(movie_output_parse("b/a-%04d-x.png", &out, &err), STATUS_OK);
    movie_output_picture(&out, 37, path, sizeof path);
    assert_string_equal(path, "b/a-0037-x.png");
    assert_int_equal(movie_output_parse("a%d.png", &out, &err), STATUS_OK);
    movie_output_picture(&out, 37, path, sizeof path);
    assert_string_equal(path, "./a37.png");
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest + sizeof longest - 5, ".mp4", 5);
    assert_int_equal(movie_output_parse(longest, &out, &err), STATUS_USAGE);
    assert_true(movie_output_is_movie("a.gif") && !movie_output_is_movie("a") && !movie_output_is_movie("a.avi"));
    mkdir(in(folder, "taken.mp4"), 0777);
    assert_int_equal(movie_output_parse(in(folder, "taken.mp4"), &out, &err), STATUS_OK);
    assert_int_equal(out.format, MOVIE_PNG);
}

static void test_a_movie_is_reserved_named_and_removed(void **state) {
    Folder *folder = *state;
    MovieOutput out, other;
    Error err = {0};
    assert_int_equal(movie_output_parse(in(folder, "x.mp4"), &out, &err), STATUS_OK);
    assert_int_equal(movie_output_begin(&out, &err), STATUS_OK);
    assert_true(file_exists(out.part) && !file_exists(out.path));
    /* Two at once do not write one file. */
    assert_int_equal(movie_output_parse(in(folder, "x.mp4"), &other, &err), STATUS_OK);
    assert_int_equal(movie_output_begin(&other, &err), STATUS_USAGE);
    movie_output_abandon(&other);
    assert_true(file_exists(out.part));
    /* Nothing written: nothing kept. */
    assert_int_equal(movie_output_commit(&out, out.part, 1, &err), STATUS_IO);
    assert_true(!file_exists(out.part) && !file_exists(out.path));
    assert_int_equal(movie_output_begin(&out, &err), STATUS_OK);
    assert_int_equal(file_write_all(out.part, "movie", 5, &err), STATUS_OK);
    assert_int_equal(movie_output_commit(&out, out.part, 1, &err), STATUS_OK);
    assert_true(file_exists(out.path) && !file_exists(out.part));
    /* It exists now. */
    assert_true(movie_output_exists(&out));
    assert_int_equal(movie_output_begin(&out, &err), STATUS_USAGE);
    out.replace = true;
    assert_int_equal(movie_output_begin(&out, &err), STATUS_OK);
    movie_output_abandon(&out);
    assert_true(file_exists(out.path) && !file_exists(out.part));
    /* One that appears meanwhile is not replaced, and the recording is not lost. */
    unlink(out.path);
    out.replace = false;
    assert_int_equal(movie_output_begin(&out, &err), STATUS_OK);
    assert_int_equal(file_write_all(out.part, "movie", 5, &err), STATUS_OK);
    assert_int_equal(file_write_all(out.path, "other", 5, &err), STATUS_OK);
    assert_int_equal(movie_output_commit(&out, out.part, 1, &err), STATUS_IO);
    assert_true(file_exists(out.part));
}

/* ---- the encoder ----------------------------------------------------------------------------- */

static void test_every_frame_reaches_the_process_as_often_as_asked(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    MovieSummary summary;
    Error err = {0};
    uint8_t values[64];
    play_ffmpeg(folder, "exec cat > \"$out\"");
    const MovieEncoderParams params = encoder_params(in(folder, "x.webm"));
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    put(encoder, 10, 1);
    put(encoder, 20, 3);
    movie_encoder_repeat(encoder, 2);
    put(encoder, 30, 1);
    uint8_t *unused = movie_encoder_buffer(encoder, true);
    movie_encoder_put(encoder, unused, 0);
    while (movie_encoder_written(encoder) < 7)
        usleep(1000);
    movie_encoder_repeat(encoder, 4); /* the queue is empty: the frame written last is still there */
    movie_encoder_end(encoder, MOVIE_END_ALL);
    assert_int_equal(movie_encoder_close(encoder, &summary, &err), STATUS_OK);
    assert_int_equal(summary.frames, 11);
    const uint8_t wanted[11] = {10, 20, 20, 20, 20, 20, 30, 30, 30, 30, 30};
    assert_int_equal(frame_values(in(folder, "x.webm"), values, sizeof values), 11);
    assert_memory_equal(values, wanted, sizeof wanted);
}

static void test_the_queue_is_bounded_and_can_be_given_up(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    Error err = {0};
    play_ffmpeg(folder, "exec sleep 1000");
    /* Frames larger than any pipe, so that the very first blocks. */
    MovieEncoderParams params = encoder_params(in(folder, "x.webm"));
    params.shape.width = params.shape.height = 1024;
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    uint8_t *frame;
    int taken = 0;
    for (; (frame = movie_encoder_buffer(encoder, false)) != NULL; taken++) {
        assert_true(taken < 100);
        movie_encoder_put(encoder, frame, 5);
        for (int i = 0; i < 1000; i++)
            movie_encoder_repeat(encoder, 1);
    }
    assert_true(taken >= 3);
    assert_false(movie_encoder_finished(encoder));
    movie_encoder_end(encoder, MOVIE_END_ABANDON);
    setenv("ATTNSCOPE_ENCODER_TIMEOUT", "0.2", 1);
    (void)movie_encoder_close(encoder, NULL, &err);
    assert_false(file_exists(in(folder, "x.webm")) || file_exists(in(folder, "x.webm.part")));
}

static void test_cutting_leaves_whole_frames(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    MovieSummary summary;
    Error err = {0};
    static uint8_t values[100000];
    play_ffmpeg(folder, "exec cat > \"$out\"");
    const MovieEncoderParams params = encoder_params(in(folder, "x.webm"));
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    put(encoder, 1, UINT64_MAX / 2); /* for ever */
    while (movie_encoder_written(encoder) < 5)
        usleep(1000);
    movie_encoder_end(encoder, MOVIE_END_CUT);
    assert_int_equal(movie_encoder_close(encoder, &summary, &err), STATUS_OK);
    assert_true(summary.frames >= 5 && summary.frames < sizeof values);
    assert_int_equal(frame_values(in(folder, "x.webm"), values, sizeof values), summary.frames);
}

static void read_png(const char *path, uint8_t *rgb) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, path)) fail_msg("%s: %s", path, image.message);
    assert_true(image.width == WIDTH && image.height == HEIGHT);
    image.format = PNG_FORMAT_RGB;
    assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
}

static void test_pictures(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    MovieSummary summary;
    Error err = {0};
    uint8_t rgb[WIDTH * HEIGHT * 3], original[FRAME];
    const MovieEncoderParams params = encoder_params(in(folder, "frames/"));
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    for (size_t i = 0; i < FRAME; i++)
        original[i] = (uint8_t)hash_u64(i);
    uint8_t *frame = movie_encoder_buffer(encoder, true);
    memcpy(frame, original, FRAME);
    movie_encoder_put(encoder, frame, 2);
    put(encoder, 77, 1);
    movie_encoder_end(encoder, MOVIE_END_ALL);
    assert_int_equal(movie_encoder_close(encoder, &summary, &err), STATUS_OK);
    assert_int_equal(summary.frames, 3);
    for (int n = 0; n < 2; n++) {
        read_png(in(folder, n ? "frames/frame-00001.png" : "frames/frame-00000.png"), rgb);
        for (size_t i = 0; i < WIDTH * HEIGHT; i++)
            assert_memory_equal(rgb + 3 * i, original + 4 * i, 3); /* alpha is left out */
    }
    read_png(in(folder, "frames/frame-00002.png"), rgb);
    assert_int_equal(rgb[100], 77);
    assert_false(file_exists(in(folder, "frames/frame-00003.png")));
}

static void test_a_recording_without_frames_is_none(void **state) {
    Folder *folder = *state;
    static const char *const NAMES[] = {"x.webm", "frames/"};
    play_ffmpeg(folder, "exec cat > \"$out\"");
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        MovieEncoder *encoder;
        Error err = {0};
        const MovieEncoderParams params = encoder_params(in(folder, NAMES[i]));
        assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
        movie_encoder_end(encoder, MOVIE_END_ALL);
        assert_int_equal(movie_encoder_close(encoder, NULL, &err), STATUS_CANCELLED);
        assert_false(file_exists(in(folder, "x.webm")) || file_exists(in(folder, "x.webm.part")) ||
                     file_exists(in(folder, "frames")));
    }
}

static void test_a_failure_wakes_whoever_waits(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    Error err = {0};
    play_ffmpeg(folder, "echo 'it hurts' >&2; exit 1");
    const MovieEncoderParams params = encoder_params(in(folder, "x.webm"));
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    uint8_t *frame;
    while ((frame = movie_encoder_buffer(encoder, true)) != NULL)
        movie_encoder_put(encoder, frame, 1000);
    assert_true(movie_encoder_finished(encoder));
    movie_encoder_repeat(encoder, 3); /* harmless */
    movie_encoder_end(encoder, MOVIE_END_ALL);
    assert_int_equal(movie_encoder_close(encoder, NULL, &err), STATUS_IO);
    assert_string_equal(err.message, "ffmpeg gave up: it hurts");
}

/* What happened in the window cannot be recorded again. */
static void test_fragments_of_a_live_recording_are_kept_when_the_encoder_fails(void **state) {
    Folder *folder = *state;
    play_ffmpeg(folder, "head -c 20000 > \"$out\"; echo 'No space left on device' >&2; exit 1");
    for (int live = 0; live < 2; live++) {
        MovieEncoder *encoder;
        Error err = {0};
        MovieEncoderParams params = encoder_params(in(folder, "x.mp4"));
        params.shape.live = live;
        assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
        uint8_t *frame;
        while ((frame = movie_encoder_buffer(encoder, true)) != NULL)
            movie_encoder_put(encoder, frame, 1000);
        movie_encoder_end(encoder, MOVIE_END_ALL);
        assert_int_equal(movie_encoder_close(encoder, NULL, &err), STATUS_IO);
        assert_string_equal(err.message, live ? "the disk is full; what was recorded until then plays: x.mp4.part"
                                              : "the disk is full");
        assert_int_equal(file_exists(in(folder, "x.mp4.part")), live);
        assert_false(file_exists(in(folder, "x.mp4")));
    }
}

static void test_no_memory(void **state) {
    Folder *folder = *state;
    play_ffmpeg(folder, "exec cat > \"$out\"");
    bool worked = false;
    for (uint64_t n = 1; n < 60 && !worked; n++) {
        MovieEncoder *encoder = NULL;
        Error err = {0};
        const MovieEncoderParams params = encoder_params(in(folder, "x.gif"));
        mem_fail_after(n, true);
        const Status status = movie_encoder_open(&params, &encoder, &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && err.message[0] && !encoder));
        if (worked) {
            movie_encoder_end(encoder, MOVIE_END_ABANDON);
            (void)movie_encoder_close(encoder, NULL, NULL);
        }
        assert_false(file_exists(in(folder, "x.gif.part")));
    }
    assert_true(worked);
    worked = false;
    for (uint64_t n = 1; n < 60 && !worked; n++) {
        RecordTour *tour = NULL;
        Error err = {0};
        mem_fail_after(n, true);
        const Status status = record_tour_parse(bare(), "0 layer 1; heads 2\n1..2 camera fit\n3 end\n", "t", &tour,
                                                &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && !tour));
        record_tour_drop(tour);
    }
    assert_true(worked);
}

static void test_command_lines(void **state) {
    (void)state;
    static const char *const NAMES[] = {"a b.mp4", "-x.webm", "c:d.gif", "e.webp"};
    const MovieShape shape = {.width = 1280, .height = 720, .fps = 30, .comment = "$(rm -rf /); `x`"};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        MovieOutput output;
        MovieArgs args;
        char wanted[64];
        assert_int_equal(movie_output_parse(NAMES[i], &output, NULL), STATUS_OK);
        movie_args_first(&args, &output, &shape);
        assert_false(args.failed);
        assert_null(args.argv[args.count]);
        snprintf(wanted, sizeof wanted, "file:%s.part", NAMES[i]);
        assert_string_equal(args.argv[args.count - 1], wanted);
        bool rate = false;
        for (int a = 0; a + 1 < args.count; a++)
            rate |= !strcmp(args.argv[a], "-framerate") && !strcmp(args.argv[a + 1], "30");
        assert_true(rate);
        movie_args_free(&args);
        int steps = 0;
        for (; movie_args_later(&args, &output, &shape, steps); steps++) {
            assert_false(args.failed);
            movie_args_free(&args);
        }
        assert_int_equal(steps, output.format == MOVIE_WEBM ? 0 : output.format == MOVIE_GIF ? 2 : 1);
    }
}

/* ---- live: slots by the clock ---------------------------------------------------------------- */

typedef struct Stage {
    App app;
    ManualClock clock;
    GpuTarget *target;
    FrameParams params;
} Stage;

static void open_scene(Stage *scene) {
    Error err = {0};
    const AppParams params = {.mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .workers = 1};
    if (app_open(&scene->app, &CATALOG, &params, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->clock.now_ns = UINT64_C(5000000000);
    scene->app.machine.clock = clock_manual(&scene->clock);
    scene->params = frame_window_params(&scene->app);
    assert_int_equal(gpu_target_new(scene->app.machine.gpu, 64, 64, &scene->target, &err), STATUS_OK);
}

static void close_scene(Stage *scene) {
    gpu_target_drop(scene->app.machine.gpu, scene->target);
    app_close(&scene->app);
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

/* Values of a file of WIDTH x HEIGHT frames whose alpha is 255. */
static size_t live_values(const char *path, uint8_t *values, size_t most) {
    char *bytes;
    size_t size;
    assert_int_equal(file_read_all(path, 1 << 26, &bytes, &size, NULL), STATUS_OK);
    assert_int_equal(size % FRAME, 0);
    for (size_t i = 0; i < size / FRAME && i < most; i++)
        values[i] = (uint8_t)bytes[i * FRAME];
    mem_free(bytes);
    return size / FRAME;
}

static void test_frames_take_the_slots_of_their_time(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    uint8_t values[64];
    play_ffmpeg(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, in(folder, "x.webm"));
    paint_at(scene, 10, 2, 10);
    paint_at(scene, 100, 2, 20);
    paint_at(scene, 350, 2, 30); /* nothing happened for a while: the second stays */
    paint_at(scene, 360, 2, 40); /* more than half a slot after the last one's beginning: the next one */
    paint_at(scene, 410, 2, 50); /* the slot is taken, and this is later: it replaces the last one */
    paint_at(scene, 1000, 2, 60);
    assert_int_equal(record_of(&scene->app)->live.dropped, 0);
    assert_int_equal(stop_live(scene, 1200), 12);
    const uint8_t wanted[12] = {10, 20, 20, 30, 50, 50, 50, 50, 50, 50, 60, 60};
    assert_int_equal(live_values(in(folder, "x.webm"), values, sizeof values), 12);
    assert_memory_equal(values, wanted, sizeof wanted);
    close_scene(scene);
}

static void test_jitter_costs_nothing_and_slow_drawing_counts(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    uint8_t values[64];
    play_ffmpeg(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, in(folder, "x.webm"));
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
    assert_int_equal(live_values(in(folder, "x.webm"), values, sizeof values), 9);
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
    play_ffmpeg(folder, body);
    open_scene(scene);
    start_live(scene, in(folder, "x.webm"));
    /* The pipe itself takes many small frames: so many are painted that queue and pipe are full. */
    const int paints = 2000;
    for (int i = 0; i < paints; i++)
        paint_at(scene, (uint64_t)i * 100 + 5, 2, (uint8_t)(i % 250));
    const uint64_t dropped = record_of(&scene->app)->live.dropped;
    assert_true(dropped > 0 && dropped < (uint64_t)paints);
    assert_int_equal(file_write_all(in(folder, "go"), "", 0, NULL), STATUS_OK);
    /* None is lost to the clock: the movie is as long as the recording. */
    assert_int_equal(stop_live(scene, (uint64_t)paints * 100), paints);
    assert_int_equal(live_values(in(folder, "x.webm"), values, sizeof values), paints);
    assert_true(values[0] == 0 && values[1] == 1);
    close_scene(scene);
}

static void test_a_window_at_rest_hands_its_frame_over(void **state) {
    Folder *folder = *state;
    Stage *scene = calloc(1, sizeof *scene);
    play_ffmpeg(folder, "exec cat > \"$out\"");
    open_scene(scene);
    start_live(scene, in(folder, "x.webm"));
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

/* ---- tours ----------------------------------------------------------------------------------- */

static void test_a_zoom_goes_at_a_steady_rate_and_keeps_its_fixed_point(void **state) {
    (void)state;
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    RecordTour *tour;
    open_scene(scene);
    App *app = &scene->app;
    const char *demo[] = {"demo:jabberwocky"};
    if (captures_open(app, demo, 1, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->params.width = scene->params.height = 400;
    scene->params.bare = true;
    scene->params.chrome = false;
    frame_build(app, &scene->params);
    /* From 64 tokens to 4 about a point that is not the middle: at half the time 16 are in view, and where the two
     * rectangles have the same place on the screen, that token stays. */
    assert_int_equal(commands_run(app, "camera 0:64,0:64", &err), STATUS_OK);
    assert_int_equal(record_tour_parse(bare(), "0..2 linear camera 15:19,15:19\n3 end\n", "t", &tour, &err), STATUS_OK);
    RecordTourPlayer *player = record_tour_player_new(tour);
    const double edge_start = 0, edge_end = 15, width_start = 64, width_end = 4;
    const double fixed = (edge_start * width_end - edge_end * width_start) / (width_end - width_start);
    double before = 64;
    for (int i = 0; i <= 30; i++) {
        double q0, q1, k0, k1;
        assert_int_equal(record_tour_play(app, player, i / 10.0, &err), STATUS_OK);
        views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / app->picture.layout.scale,
                             app->picture.result.plot.h / app->picture.layout.scale, &q0, &q1, &k0, &k1);
        const double t = fmin(1, i / 20.0), wanted = 64 * pow(4.0 / 64, t);
        assert_true(fabs(k1 - k0 - wanted) < 1e-6 * wanted && fabs(q1 - q0 - wanted) < 1e-6 * wanted);
        assert_true((fixed - k0) / (k1 - k0) - fixed / 64 < 1e-6 && (fixed - k0) / (k1 - k0) - fixed / 64 > -1e-6);
        assert_true(k1 - k0 <= before + 1e-9);
        before = k1 - k0;
    }
    record_tour_player_drop(player);
    record_tour_drop(tour);
    close_scene(scene);
}

/* What is seen and chosen, as far as anybody outside can tell. */
static void remember(Stage *scene, TextBuffer *out) {
    App *app = &scene->app;
    Error err = {0};
    if (work_settle(app, &scene->params, UINT64_C(60000000000), &err) != STATUS_OK) fail_msg("%s", err.message);
    state_json(app, out);
    const char *machine = strstr(out->text, "\"recompute\":"); /* from there on: what it took, not what is seen */
    assert_non_null(machine);
    out->length = (size_t)(machine - out->text);
    text_appendf(out, "%d %.9g %.9g", grid_of(app)->state.selected_count, grid_of(app)->state.camera.q,
                 grid_of(app)->state.camera.points_q);
    assert_false(out->failed);
}

/* A tour that goes to another view and moves within it is recorded: everything is found as it was. */
static void test_a_recorded_tour_leaves_everything_as_it_was(void **state) {
    Folder *folder = *state;
    static const char TEXT[] = "0 view matrix; find the; layer 1; head +1; pin 3,2; theme light; select-cells 1:4,2:5\n"
                               "0..0.2 linear camera 2:9,1:8\n"
                               "0.2 pin clear; view grid; layer 3; head +1; select toggle; zoom 2; pan 40,30\n"
                               "0.3 grid-range common; view matrix; back; find-next; view grid; layer 0\n0.4 end\n";
    static const char *const FROM[] = {
        "view matrix; layer 2; heads mean; fit",
        "view matrix; layer 2; heads 1; camera 4:20,3:19; pin 5,4; select-cells 2:6,1:3; "
        "find he; find-next; theme light",
        "view grid; layer 2; head +1; select toggle; zoom 3; grid-range head"};
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    open_scene(scene);
    App *app = &scene->app;
    char path[128];
    const char *demo[] = {"demo:jabberwocky"};
    if (captures_open(app, demo, 1, &err) != STATUS_OK) fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s", in(folder, "tour.txt"));
    assert_int_equal(file_write_all(path, TEXT, strlen(TEXT), NULL), STATUS_OK);
    scene->params.width = 500;
    scene->params.height = 400;
    for (size_t i = 0; i < BASE_COUNT(FROM); i++) {
        TextBuffer before = {0}, after = {0};
        RecordSweepParams params = {
            .kind = SWEEP_TOUR, .tour = path, .path = in(folder, "frames"), .replace = true, .fps = 20};
        RecordSweepReport report;
        frame_build(app, &scene->params);
        if (commands_run_script(app, FROM[i], &err) != STATUS_OK) fail_msg("%s", err.message);
        remember(scene, &before);
        params.frame = scene->params;
        if (record_sweep(app, &params, &report, &err) != STATUS_OK) fail_msg("%s", err.message);
        assert_int_equal(report.summary.frames, 8);
        text_buffer_free(&report.stops);
        finish_chores(app);
        remember(scene, &after);
        size_t same = 0;
        while (after.text[same] && after.text[same] == before.text[same])
            same++;
        if (after.text[same] || before.text[same])
            fail_msg("from '%s': %.80s, and was %.80s", FROM[i], after.text + same, before.text + same);
        text_buffer_free(&before);
        text_buffer_free(&after);
    }
    close_scene(scene);
}

static void test_any_text_is_read_or_refused(void **state) {
    (void)state;
    static const char *const WORDS[] = {"0",      "1",   "2.5",   "..",      "ease", "linear", "camera", "range",
                                        "layer",  "fit", "0:1",   "0:1,2:3", "end",  ";",      "\n",     "\n",
                                        " ",      "#",   "heads", "mean",    "-1",   "1e308",  "nan",    "quit",
                                        "labels", ":",   ",",     "1..2",    "0..9", "\t",     "\xff"};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        char text[512] = "";
        size_t length = 0;
        for (uint64_t i = 0; i < 40; i++) {
            const char *word = WORDS[hash_u64(seed * 64 + i) % BASE_COUNT(WORDS)];
            if (length + strlen(word) + 2 >= sizeof text) break;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", word,
                                       hash_u64(seed + i) % 3 ? " " : "");
        }
        RecordTour *tour = NULL;
        Error err = {0};
        const Status status = record_tour_parse(bare(), text, "t", &tour, &err);
        assert_true(status == STATUS_OK ? tour && record_tour_seconds(tour) > 0 : !tour && err.message[0]);
        record_tour_drop(tour);
    }
}

static void test_tours_do_not_reach_files(void **state) {
    (void)state;
    static const char *const NEVER[] = {"open", "screenshot", "state", "record", "sweep", "tour",   "tour-record",
                                        "quit", "key",        "wheel", "ask",    "copy",  "export", "answer"};
    int allowed = 0;
    for (int i = 0; i < bare()->commands.count; i++) {
        const Command *command = bare()->commands.items[i].row;
        const bool may = record_tour_allows(command);
        allowed += may;
        for (size_t j = 0; j < BASE_COUNT(NEVER); j++) {
            if (may && !strcmp(command->name, NEVER[j])) fail_msg("a tour may run '%s'", command->name);
        }
    }
    assert_true(allowed > 20);
}

int test_record_group(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_names),
        IN_FOLDER(test_a_movie_is_reserved_named_and_removed),
        IN_FOLDER(test_every_frame_reaches_the_process_as_often_as_asked),
        IN_FOLDER(test_the_queue_is_bounded_and_can_be_given_up),
        IN_FOLDER(test_cutting_leaves_whole_frames),
        IN_FOLDER(test_pictures),
        IN_FOLDER(test_a_recording_without_frames_is_none),
        IN_FOLDER(test_a_failure_wakes_whoever_waits),
        IN_FOLDER(test_fragments_of_a_live_recording_are_kept_when_the_encoder_fails),
        IN_FOLDER(test_no_memory),
        cmocka_unit_test(test_command_lines),
        IN_FOLDER(test_frames_take_the_slots_of_their_time),
        IN_FOLDER(test_jitter_costs_nothing_and_slow_drawing_counts),
        IN_FOLDER(test_an_encoder_that_is_too_slow_drops_frames_and_keeps_time),
        IN_FOLDER(test_a_window_at_rest_hands_its_frame_over),
        cmocka_unit_test(test_a_zoom_goes_at_a_steady_rate_and_keeps_its_fixed_point),
        IN_FOLDER(test_a_recorded_tour_leaves_everything_as_it_was),
        cmocka_unit_test(test_any_text_is_read_or_refused),
        cmocka_unit_test(test_tours_do_not_reach_files),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
