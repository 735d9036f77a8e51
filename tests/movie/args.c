/* What ffmpeg is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "movie/ffmpeg.h"
#include "test_movie.h"

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

int test_args_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_lines),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
