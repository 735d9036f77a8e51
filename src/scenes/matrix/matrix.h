/* The matrix: one pattern, queries from top to bottom, keys from left to right. Shared by the files of this folder. */
#ifndef ATTNSCOPE_SCENES_MATRIX_MATRIX_H
#define ATTNSCOPE_SCENES_MATRIX_MATRIX_H

#include "session/app.h"

/* view.c */
void matrix_draw(App *app, Frame *frame, const FrameParams *params);
/* The plot under the mouse: the open capture's, or the reference's beside it. */
const ViewResult *matrix_under_mouse(const App *app);
void matrix_press(App *app, const InputEvent *event);
void matrix_drag(App *app);
void matrix_release(App *app, const InputEvent *event);
void matrix_drag_minimap(App *app);
void matrix_wheel(App *app, const InputEvent *event);
void matrix_pan(App *app, double down, double right);
void matrix_zoom(App *app, double factor);
void matrix_one_to_one(App *app);

/* panel.c: the crosshair's cell, its row, colours; the mini-map. */
void matrix_panel(App *app, Frame *frame, Rect rect);

#endif
