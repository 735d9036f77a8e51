/* The first card: what a newcomer can do. */
#ifndef ATTNSCOPE_FEATURES_CARD_H
#define ATTNSCOPE_FEATURES_CARD_H

#include "session/app.h"

/* Shows it, unless somebody has closed it once. */
void card_show(App *app);

#endif
