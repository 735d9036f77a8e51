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

#endif
