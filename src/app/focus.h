/* Panels without a mouse: F6 goes from panel to panel, arrows from control to control, Enter presses one. Whatever a
 * panel registers with ui_hit can be reached. */
#ifndef ATTNSCOPE_APP_FOCUS_H
#define ATTNSCOPE_APP_FOCUS_H

#include "app/app.h"

/* The control that has the focus in this frame; NULL: the view has it. */
const Hit *focus_hit(const App *app);
/* After the panels were drawn: finds the control among this frame's, and rings it. */
void focus_draw(App *app);
/* True when the key was the focused control's. */
bool focus_key(App *app, const InputEvent *event);
/* Back to the view; false when it had the focus. */
bool focus_leave(App *app);
void focus_json(const App *app, TextBuffer *out);

#endif
