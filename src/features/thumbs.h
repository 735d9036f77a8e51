/* The small pictures of heads in the left panel: how far they are scrolled. */
#ifndef ATTNSCOPE_FEATURES_THUMBS_H
#define ATTNSCOPE_FEATURES_THUMBS_H

#include "session/app.h"

int *thumbs_scroll(const App *app); /* rows */

#endif
