/* The program with a window: what it is made of, its frames, its loop. */
#ifndef ATTNSCOPE_APP_WINDOW_H
#define ATTNSCOPE_APP_WINDOW_H

#include "session/app.h"

/* catalog.c: the parts, scenes, commands and properties of this program. */
extern const Catalog CATALOG;

/* loop.c: until the window is closed. */
Status app_run(App *app, Error *err);

/* input.c */
void app_handle_event(App *app, const InputEvent *event);
extern const Command INPUT_COMMANDS[];

/* window.c */
void window_build(App *app, const FrameParams *params);
Status window_draw(App *app, Error *err);

/* commands.c */
extern const Command PROGRAM_COMMANDS[];

/* panel_bars.c, panel_heads.c */
void panel_top(App *app, Rect rect);
void panel_scrubber(App *app, Frame *frame, Rect rect);
void panel_heads(App *app, Frame *frame, Rect rect);

#endif
