/* The groups of this folder; each returns the number of failed tests. */
#ifndef TEST_APP_H
#define TEST_APP_H

#include "app/window.h"
#include "session/rooms.h"

int test_commands_group(void);
int test_record_group(void);
int test_tours_group(void);
int test_trouble_group(void);
int test_variants_group(void);
int test_guest_group(void);

/* Driving an app that was opened off screen. Each settles what it brings about and fails the test where it cannot. */
void test_must(Status status, const Error *err);
void test_settle(App *app);
void test_press(App *app, const char *key); /* "Ctrl+B" */
void test_mouse(App *app, EventType type, float x, float y);
void test_run(App *app, const char *line);
/* The state JSON has these members, strings without quotes: "view=grid layer=3". */
void test_tells(const App *app, const char *members);

#endif
