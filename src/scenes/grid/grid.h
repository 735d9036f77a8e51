/* The grid: every layer and head, small. Shared by the files of this folder. */
#ifndef ATTNSCOPE_SCENES_GRID_GRID_H
#define ATTNSCOPE_SCENES_GRID_GRID_H

#include "session/app.h"

typedef struct GridScene {
    GridState state; /* kept, as it stands before `grid` */
    Grid *grid;
    GridLayout layout; /* of the last frame */
} GridScene;
extern const StateKey GRID_STATE;
GridScene *grid_of(const App *app);

/* ---- view.c ---------------------------------------------------------------------------------- */

void grid_draw(App *app, Frame *frame, const FrameParams *params);
void grid_press(App *app, const InputEvent *event);
void grid_drag(App *app);
void grid_release(App *app, const InputEvent *event);
void grid_wheel(App *app, const InputEvent *event);
void grid_pan(App *app, double down, double right);
void grid_zoom(App *app, double factor);
void grid_one_to_one(App *app);
bool grid_idle(App *app, Frame *frame);
void grid_title(const App *app, char *out, size_t out_size);
bool grid_layer_range(App *app, Frame *frame, int layer, float *hi);
/* Focus and selection start from what the matrix shows. */
void grid_enter(App *app);
/* Another set or capture: what does not exist in it is let go. */
void grid_changed(App *app);
void grid_focus_layer(App *app, int layer);
void grid_focus_head(App *app, int head_number);
void grid_toggle_selected(App *app, GridHead head);
/* The focused head, or the selected heads of its layer where it is one of them. */
HeadSet grid_heads(const App *app);
/* Shows them in the matrix. */
void grid_open(App *app);
bool grid_escape(App *app);

/* ---- panel.c --------------------------------------------------------------------------------- */

void grid_panel(App *app, Frame *frame, Rect rect);
void grid_card(App *app, Frame *frame); /* the hovered head beside the mouse, where the panel is folded */

/* ---- commands.c ------------------------------------------------------------------------------ */

extern const Command GRID_COMMANDS[];

#endif
