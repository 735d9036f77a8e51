/* Built-in captures (demo.c); the first one is what `attnscope` opens without arguments. */
#ifndef ATTNSCOPE_SESSION_DEMO_H
#define ATTNSCOPE_SESSION_DEMO_H

#include "capture/capture.h"

typedef struct Demo {
    const char *name, *file, *title, *description;
    const char *set, *layer, *range; /* what to begin with, as the view options take it; NULL: as any capture */
} Demo;
int demo_count(void);
const Demo *demo_at(int index);
const Demo *demo_find(const char *name);
Status demo_open(const Demo *demo, Capture **out, Error *err);

#endif
