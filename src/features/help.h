/* The list of keys over the window. */
#ifndef ATTNSCOPE_FEATURES_HELP_H
#define ATTNSCOPE_FEATURES_HELP_H

#include "session/app.h"

typedef struct Help {
    bool on;
    int scroll;
} Help;
Help *help_of(const App *app);

#endif
