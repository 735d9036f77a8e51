/* Names of movies and folders of pictures; a file appears whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "movie/ffmpeg.h"
#include "test_movie.h"

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
    mkdir(ffmpeg_in(folder, "taken.mp4"), 0777);
    assert_int_equal(movie_output_parse(ffmpeg_in(folder, "taken.mp4"), &out, &err), STATUS_OK);
    assert_int_equal(out.format, MOVIE_PNG);
}

static void test_a_movie_is_reserved_named_and_removed(void **state) {
    Folder *folder = *state;
    MovieOutput out, other;
    Error err = {0};
    assert_int_equal(movie_output_parse(ffmpeg_in(folder, "x.mp4"), &out, &err), STATUS_OK);
    assert_int_equal(movie_output_begin(&out, &err), STATUS_OK);
    assert_true(file_exists(out.part) && !file_exists(out.path));
    /* Two at once do not write one file. */
    assert_int_equal(movie_output_parse(ffmpeg_in(folder, "x.mp4"), &other, &err), STATUS_OK);
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

int test_output_group(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_names),
        IN_FOLDER(test_a_movie_is_reserved_named_and_removed),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
