/* The crosshair: a cell that the mouse or the keyboard points at. */
#ifndef ATTNSCOPE_FEATURES_CROSSHAIR_H
#define ATTNSCOPE_FEATURES_CROSSHAIR_H

#include "session/app.h"

/* The row under it, from the source: true when it is among the read-outs, else it is wanted. */
bool crosshair_want_row(App *app, Frame *frame);

#endif
