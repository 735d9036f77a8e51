/* A folder for a recording, and an ffmpeg that shell scripts play, so that every byte it gets can be looked at;
 * tests/e2e has the real one. */
#ifndef TEST_FFMPEG_H
#define TEST_FFMPEG_H

#include <stdint.h>

#include "movie/movie.h"

enum { WIDTH = 24, HEIGHT = 10, FRAME = WIDTH * HEIGHT * 4 };

typedef struct Folder {
    char path[64], name[128];
} Folder;

/* Set-up and teardown of a test: *state is its folder, the environment as it was. */
int ffmpeg_make_folder(void **state);
int ffmpeg_remove_folder(void **state);
/* A path in the folder, until the next call. */
const char *ffmpeg_in(Folder *folder, const char *name);
/* What stands in for ffmpeg from now on. $out is the file it is to write. */
void ffmpeg_play(Folder *folder, const char *body);
/* A file of frames -> the first byte of each, at most `most`; returns how many frames there are. */
size_t ffmpeg_frames(const char *path, uint8_t *values, size_t most);

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, ffmpeg_make_folder, ffmpeg_remove_folder)

#endif
