/* One pattern: matrix, axes, mini-map. */
#ifndef ATTNSCOPE_VIEWS_MATRIX_H
#define ATTNSCOPE_VIEWS_MATRIX_H

#include "views/frame.h"

/* ---- matrix.c -------------------------------------------------------------------------------- */

typedef struct MatrixParams {
    Rect rect;                   /* pixels */
    bool bare;                   /* the heatmap alone */
    float least_left, least_top; /* margins, so that plots beside each other have one size */
} MatrixParams;
/* Where the plot lies inside rect (pixels), so that cameras can be fitted before drawing. */
Rect views_matrix_plot(const Frame *frame, const Look *look, const MatrixParams *params);
void views_matrix_draw(Frame *frame, Look *look, const MatrixParams *params, ViewResult *result);
/* Which cell is at this pixel; false outside the pattern or the plot. */
bool views_matrix_cell(const ViewResult *result, int64_t queries, int64_t keys, float x, float y, int64_t *query,
                       int64_t *key);

/* ---- minimap.c : base images drawn small ----------------------------------------------------- */

/* Fits the layer's base image into rect (keeps cell aspect as the camera does at fit) and returns the rect used. */
Rect views_minimap(Frame *frame, const Look *look, const ViewResult *result, Rect rect);
/* One head's base tile in rect. False when it is not there yet (wanted when `want`). */
bool views_thumb(Frame *frame, const Look *look, int layer, int head_index, Rect rect, bool want);

#endif
