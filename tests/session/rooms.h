/* What tests of the rooms share, from session/ up to app/: a program made of the catalog that each executable brings, so
 * that a room is tested with itself and what lies below it. */
#ifndef TEST_ROOMS_H
#define TEST_ROOMS_H

#include "session/app.h"

/* Of this executable. */
extern const Catalog *const ROOM;

/* A program without a machine, made once: its commands can be told apart and looked up. */
App *bare(void);

/* Frames as the window makes them until nothing more is under way; fails the test after `most` of them. */
void test_frames_until_quiet(App *app, const FrameParams *params, int most);

/* A made-up capture of stored weights (f16, causal) at `path`. */
void test_write_dense(const char *path, int64_t tokens, int layers, int heads);

#endif
