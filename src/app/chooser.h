/* Choosing a file: the system's own dialog where there is one, else the palette's list. */
#ifndef ATTNSCOPE_APP_CHOOSER_H
#define ATTNSCOPE_APP_CHOOSER_H

#include "app/app.h"

void chooser_open(App *app, Error *err);
/* From the loop; chooser_next_ns: when it wants to be called again (UINT64_MAX: never). */
void chooser_tick(App *app);
uint64_t chooser_next_ns(const App *app, uint64_t now);
bool chooser_is_open(const App *app);
void chooser_close(App *app);

#endif
