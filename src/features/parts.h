/* Parts whose state is nobody else's: the catalog lists them. */
#ifndef ATTNSCOPE_FEATURES_PARTS_H
#define ATTNSCOPE_FEATURES_PARTS_H

#include "session/app.h"

extern const Part COMPARE, RECORD, HINT, PALETTE, HELP, FIND, CARD, MESSAGE, STATUS, FOCUS, SELECTION, PINS, CROSSHAIR,
    PLAY, TOUR, HISTORY, RELOAD, CHOOSER, PICTURES, WEIGHTS, THUMBS;

#endif
