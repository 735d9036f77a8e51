/* The groups of this folder; each returns the number of failed tests. */
#ifndef TEST_APP_H
#define TEST_APP_H

#include "app/window.h"

int test_commands_group(void);
int test_record_group(void);
int test_grid_group(void);
int test_tours_group(void);
int test_trouble_group(void);
int test_field_group(void);
int test_files_group(void);
int test_watch_group(void);
int test_settings_group(void);
int test_find_group(void);
int test_pins_group(void);
int test_variants_group(void);
int test_guest_group(void);

/* A program without a machine, made once: its commands can be told apart and looked up. */
App *bare(void);

/* Frames as the window makes them until nothing more is under way; fails the test after `most` of them. */
void test_frames_until_quiet(App *app, const FrameParams *params, int most);

/* Driving an app that was opened off screen. Each settles what it brings about and fails the test where it cannot. */
void test_must(Status status, const Error *err);
void test_settle(App *app);
void test_press(App *app, const char *key); /* "Ctrl+B" */
void test_mouse(App *app, EventType type, float x, float y);
void test_run(App *app, const char *line);
/* The state JSON has these members, strings without quotes: "view=grid layer=3". */
void test_tells(const App *app, const char *members);

#endif
