/* The thread that encodes: what reaches ffmpeg or a folder of pictures, and what is left after trouble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "movie/ffmpeg.h"
#include "test_movie.h"

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

static void test_every_frame_reaches_the_process_as_often_as_asked(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    MovieSummary summary;
    Error err = {0};
    uint8_t values[64];
    ffmpeg_play(folder, "exec cat > \"$out\"");
    const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.webm"));
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
    assert_int_equal(frame_values(ffmpeg_in(folder, "x.webm"), values, sizeof values), 11);
    assert_memory_equal(values, wanted, sizeof wanted);
}

static void test_the_queue_is_bounded_and_can_be_given_up(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    Error err = {0};
    ffmpeg_play(folder, "exec sleep 1000");
    /* Frames larger than any pipe, so that the very first blocks. */
    MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.webm"));
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
    assert_false(file_exists(ffmpeg_in(folder, "x.webm")) || file_exists(ffmpeg_in(folder, "x.webm.part")));
}

static void test_cutting_leaves_whole_frames(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    MovieSummary summary;
    Error err = {0};
    static uint8_t values[100000];
    ffmpeg_play(folder, "exec cat > \"$out\"");
    const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.webm"));
    assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
    put(encoder, 1, UINT64_MAX / 2); /* for ever */
    while (movie_encoder_written(encoder) < 5)
        usleep(1000);
    movie_encoder_end(encoder, MOVIE_END_CUT);
    assert_int_equal(movie_encoder_close(encoder, &summary, &err), STATUS_OK);
    assert_true(summary.frames >= 5 && summary.frames < sizeof values);
    assert_int_equal(frame_values(ffmpeg_in(folder, "x.webm"), values, sizeof values), summary.frames);
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
    const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "frames/"));
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
        read_png(ffmpeg_in(folder, n ? "frames/frame-00001.png" : "frames/frame-00000.png"), rgb);
        for (size_t i = 0; i < WIDTH * HEIGHT; i++)
            assert_memory_equal(rgb + 3 * i, original + 4 * i, 3); /* alpha is left out */
    }
    read_png(ffmpeg_in(folder, "frames/frame-00002.png"), rgb);
    assert_int_equal(rgb[100], 77);
    assert_false(file_exists(ffmpeg_in(folder, "frames/frame-00003.png")));
}

static void test_a_recording_without_frames_is_none(void **state) {
    Folder *folder = *state;
    static const char *const NAMES[] = {"x.webm", "frames/"};
    ffmpeg_play(folder, "exec cat > \"$out\"");
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++) {
        MovieEncoder *encoder;
        Error err = {0};
        const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, NAMES[i]));
        assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
        movie_encoder_end(encoder, MOVIE_END_ALL);
        assert_int_equal(movie_encoder_close(encoder, NULL, &err), STATUS_CANCELLED);
        assert_false(file_exists(ffmpeg_in(folder, "x.webm")) || file_exists(ffmpeg_in(folder, "x.webm.part")) ||
                     file_exists(ffmpeg_in(folder, "frames")));
    }
}

static void test_a_failure_wakes_whoever_waits(void **state) {
    Folder *folder = *state;
    MovieEncoder *encoder;
    Error err = {0};
    ffmpeg_play(folder, "echo 'it hurts' >&2; exit 1");
    const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.webm"));
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
    ffmpeg_play(folder, "head -c 20000 > \"$out\"; echo 'No space left on device' >&2; exit 1");
    for (int live = 0; live < 2; live++) {
        MovieEncoder *encoder;
        Error err = {0};
        MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.mp4"));
        params.shape.live = live;
        assert_int_equal(movie_encoder_open(&params, &encoder, &err), STATUS_OK);
        uint8_t *frame;
        while ((frame = movie_encoder_buffer(encoder, true)) != NULL)
            movie_encoder_put(encoder, frame, 1000);
        movie_encoder_end(encoder, MOVIE_END_ALL);
        assert_int_equal(movie_encoder_close(encoder, NULL, &err), STATUS_IO);
        assert_string_equal(err.message, live ? "the disk is full; what was recorded until then plays: x.mp4.part"
                                              : "the disk is full");
        assert_int_equal(file_exists(ffmpeg_in(folder, "x.mp4.part")), live);
        assert_false(file_exists(ffmpeg_in(folder, "x.mp4")));
    }
}

static void test_no_memory(void **state) {
    Folder *folder = *state;
    ffmpeg_play(folder, "exec cat > \"$out\"");
    bool worked = false;
    for (uint64_t n = 1; n < 60 && !worked; n++) {
        MovieEncoder *encoder = NULL;
        Error err = {0};
        const MovieEncoderParams params = encoder_params(ffmpeg_in(folder, "x.gif"));
        mem_fail_after(n, true);
        const Status status = movie_encoder_open(&params, &encoder, &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && err.message[0] && !encoder));
        if (worked) {
            movie_encoder_end(encoder, MOVIE_END_ABANDON);
            (void)movie_encoder_close(encoder, NULL, NULL);
        }
        assert_false(file_exists(ffmpeg_in(folder, "x.gif.part")));
    }
    assert_true(worked);
}

int test_encoder_group(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_every_frame_reaches_the_process_as_often_as_asked),
        IN_FOLDER(test_the_queue_is_bounded_and_can_be_given_up),
        IN_FOLDER(test_cutting_leaves_whole_frames),
        IN_FOLDER(test_pictures),
        IN_FOLDER(test_a_recording_without_frames_is_none),
        IN_FOLDER(test_a_failure_wakes_whoever_waits),
        IN_FOLDER(test_fragments_of_a_live_recording_are_kept_when_the_encoder_fails),
        IN_FOLDER(test_no_memory),
    };
    return cmocka_run_group_tests_name("encoder", tests, NULL, NULL);
}
