/* Panels without a mouse: F6 goes from panel to panel, arrows from control to control, Enter presses one. Whatever a
 * panel registers with ui_hit can be reached. */
#ifndef ATTNSCOPE_FEATURES_FOCUS_H
#define ATTNSCOPE_FEATURES_FOCUS_H

#include "session/app.h"

/* What arrows and Enter act on. */
typedef enum FocusPanel {
    FOCUS_VIEW,
    FOCUS_TOP,
    FOCUS_HEADS,
    FOCUS_RIGHT,
    FOCUS_INSPECTOR,
    FOCUS_LAYERS,
    FOCUS_COUNT
} FocusPanel;
typedef struct Focus {
    FocusPanel panel;
    char command[80]; /* "": whatever is at `rect` */
    Rect rect;        /* pixels, of the last frame */
} Focus;
Focus *focus_of(const App *app);

/* The control that has the focus in this frame; NULL: the view has it. */
const Hit *focus_hit(const App *app);
/* After the panels were drawn: finds the control among this frame's, and rings it. */
void focus_draw(App *app);
/* Back to the view; false when it had the focus. */
bool focus_leave(App *app);

#endif
