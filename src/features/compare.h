/* The open capture and the reference: which of them is shown. */
#ifndef ATTNSCOPE_FEATURES_COMPARE_H
#define ATTNSCOPE_FEATURES_COMPARE_H

#include "session/app.h"

/* What of two captures is shown, and what for. */
typedef struct Comparison {
    Compare chosen; /* by the command `compare` */
    Compare held;   /* while a key is down; COMPARE_OFF: none is */
    /* Differences have a range of their own: it changes places with that of the look. */
    struct {
        RangeMode mode;
        bool locked;
        double percentile;
        float lo, hi;
    } other_range;
    /* What is above is kept (StateKey). */
    ViewResult side_result; /* of the reference beside the open capture; no plot: it is not shown */
    float *difference_row;  /* of compare_row */
    size_t difference_capacity;
} Comparison;
Comparison *compare_of(const App *app);

/* Where differences are made of the two captures: which they are, in words. "" when one capture is shown. */
void compare_describe(const App *app, char *out, size_t out_size);
/* Cell of the crosshair in both captures. False: not read yet. */
typedef struct ComparedCell {
    float value, reference, difference;
} ComparedCell;
bool compare_cursor(const App *app, ComparedCell *out);
/* Wants the reference's row under the crosshair. */
void compare_want_row(App *app, Frame *frame);
/* The row of the crosshair as it is shown: of the open capture, of the reference, or their difference. NULL: not read
 * yet. Borrowed until the next call. */
const float *compare_row(App *app, const Frame *frame, int64_t *keys);

#endif
