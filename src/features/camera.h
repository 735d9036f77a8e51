/* The camera over the cells of one pattern. */
#ifndef ATTNSCOPE_FEATURES_CAMERA_H
#define ATTNSCOPE_FEATURES_CAMERA_H

#include "session/app.h"

/* Size of the plot in points, and of the pattern in it; false where there is none. */
bool camera_plot_size(const App *app, float *width, float *height, int64_t *queries, int64_t *keys);
/* It was moved by hand: it does not follow the window any more, and stays in its limits. */
void camera_moved(App *app);
/* "A,B" */
bool camera_parse_pair(const char *args, double *a, double *b);
/* cmd_camera.c: "Q0:Q1,K0:K1" of what is seen, with parts of tokens; false where it is fitted, or whole tokens. */
bool camera_value(const App *app, char *out, size_t out_size);
/* history.c: Backspace comes back to where it is now. */
void history_note(App *app);

extern const Property CAMERA_PROPERTIES[];
extern const Command CAMERA_COMMANDS[];

#endif
