/* Tours: scripted camera, layer and head moves, for benchmarks and recordings. A tour is a function of t in 0..1,
 * and moves things through the commands that keys run, so that it costs what a hand would cost. */
#ifndef ATTNSCOPE_CLI_TOUR_H
#define ATTNSCOPE_CLI_TOUR_H

#include "session/app.h"

/* What a tour remembers from frame to frame. Zero plus app and params. */
typedef struct TourState {
    App *app;
    FrameParams params;
    int step, part; /* of the tour's discrete moves; counted from 1 */
} TourState;

typedef struct Tour {
    const char *name, *help;
    void (*play)(TourState *state, double t);
} Tour;

int tour_count(void);
const Tour *tour_at(int index);
/* NULL: no such tour. */
const Tour *tour_find(const char *name);
/* "pan, zoom, scrub ..." */
void tour_names(char *out, size_t out_size);

#endif
