/* Layers x heads of base tiles. */
#ifndef ATTNSCOPE_VIEWS_HEADS_H
#define ATTNSCOPE_VIEWS_HEADS_H

#include "views/frame.h"

/* ---- grid_layout.c : where the cells of the grid lie ----------------------------------------- */

/* What the grid is fitted into. */
typedef struct GridPlace {
    Rect plot;     /* pixels */
    float scale;   /* pixels a point */
    double aspect; /* width of a cell over its height */
    bool stretch;  /* cells fill the plot, whatever the aspect */
    double most;   /* pixels: height of a pitch beyond which overviews have no more to show; 0: no limit */
} GridPlace;

typedef struct GridLayout {
    Rect plot;
    int rows, columns;
    double origin_x, origin_y; /* pixels: corner of the first cell */
    double pitch_w, pitch_h;   /* pixels: a cell and the gap beside it */
    float gap;
    int row0, row1, column0, column1; /* what the plot shows, half-open */
} GridLayout;

void views_grid_fit(Camera *camera, int rows, int columns, const GridPlace *place);
/* Not smaller than fitted, not larger than the plot, no ground beyond the edges. */
void views_grid_clamp(Camera *camera, int rows, int columns, const GridPlace *place);
/* The place under (x, y), pixels, stays there. */
void views_grid_zoom(Camera *camera, double factor, const GridPlace *place, double x, double y);
/* Scrolls as far as needed to show this cell whole. */
void views_grid_reveal(Camera *camera, int rows, int columns, const GridPlace *place, int row, int column);
GridLayout views_grid_layout(const Camera *camera, int rows, int columns, const GridPlace *place);
Rect views_grid_cell(const GridLayout *layout, int row, int column); /* without the gap */
/* Which cell is at this pixel; the gap belongs to the cell before it. */
bool views_grid_hit(const GridLayout *layout, float x, float y, int *row, int *column);
/* Finest mip of width x height texels of which every texel covers at least a pixel. */
int views_grid_mip(int width, int height, float pixels_w, float pixels_h, int mip_count);
/* Every how many cells a label of `room` pixels fits: 1, 2, 5, 10 ... */
int views_grid_label_step(double pitch, float room);

/* ---- grid.c, grid_axes.c : layers x heads of base tiles -------------------------------------- */

/* What is known about the heads of one set: columns, ranges. Follows the state by itself. */
typedef struct Grid Grid;
Grid *views_grid_new(GridState *state); /* borrows the state; NULL: no memory */
void views_grid_state_init(GridState *state);
void views_grid_drop(Grid *grid); /* NULL is allowed */
/* Columns for the set that the state looks at; false without a set or memory. */
bool views_grid_follow(Grid *grid, const Frame *frame, const Look *look);
int views_grid_columns(const Grid *grid);
int views_grid_column(const Grid *grid, int head_number); /* -1: no layer has it */
/* The head of this layer in the column, or nearest to it. */
int views_grid_nearest_head(const Grid *grid, const SetInfo *set, int layer, int column);
/* False where the layer has no head in this column. */
bool views_grid_head_at(const Grid *grid, const SetInfo *set, int layer, int column, GridHead *out);

typedef struct GridParams {
    Rect rect;  /* pixels */
    bool bare;  /* cells alone */
    bool rings; /* focus, selection and hover are marked */
} GridParams;
/* Where cells may be drawn: rect without the margins for labels. The state's set must exist. */
GridPlace views_grid_place(const Frame *frame, const Look *look, const GridParams *params);
/* Fits or clamps the camera and lays the cells out; false when there is nothing to draw. */
bool views_grid_arrange(const Frame *frame, Grid *grid, const Look *look, const GridParams *params, GridLayout *layout);
/* Draws what was arranged, wants what is missing, nearest to the hand first. */
void views_grid_draw(Frame *frame, Grid *grid, Look *look, const GridParams *params, const GridLayout *layout,
                     ViewResult *result);
/* One head large; false when it is not there yet. */
bool views_grid_preview(Frame *frame, Grid *grid, const Look *look, GridHead head, Rect rect);
/* Measures one more head's range; true when there was one to measure. */
bool views_grid_idle(Frame *frame, Grid *grid, const Look *look);

/* Figures of one head, from its base tile. */
typedef struct GridFigures {
    float hi;      /* upper end of its automatic range */
    float largest; /* largest weight (signed data: magnitude); exact */
} GridFigures;
/* Mean weight by key, over all queries, in `count` equal parts of the keys (largest texel of each part); *most: the
 * largest. Kept until another head is asked for. NULL: not there yet. */
#define GRID_PROFILE 256
const float *views_grid_profile(Frame *frame, Grid *grid, const Look *look, GridHead head, int *count, float *most);
bool views_grid_figures(const Grid *grid, const SetInfo *set, GridHead head, GridFigures *out);
/* Largest upper end among the heads of a layer; false while none is known. */
bool views_grid_layer_range(const Grid *grid, const SetInfo *set, int layer, float *hi);

#endif
