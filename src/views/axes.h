/* Internal to views: the axes of the matrix. Areas are in pixels. */
#ifndef ATTNSCOPE_VIEWS_AXES_H
#define ATTNSCOPE_VIEWS_AXES_H

#include "views/frame.h"

void views_query_axis(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t queries);
void views_key_axis(Frame *frame, const Look *look, const ViewResult *r, Rect area, int64_t keys);
/* A mark over each hidden key. */
void views_hidden_marks(Frame *frame, const Look *look, const ViewResult *r, Rect visible, int64_t keys);
/* The two tokens under the cursor, on the accent colour, over the axes. */
void views_cursor_labels(Frame *frame, const Look *look, const ViewResult *r, Rect query_area, Rect key_area);

#endif
