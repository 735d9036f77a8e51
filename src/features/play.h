/* Playing through the layers. */
#ifndef ATTNSCOPE_FEATURES_PLAY_H
#define ATTNSCOPE_FEATURES_PLAY_H

#include "session/app.h"

typedef struct Play {
    bool on;
    double rate; /* layers a second */
    uint64_t next_ns;
} Play;
Play *play_of(const App *app);

#endif
