/* Internal to views: what the files of the grid share. */
#ifndef ATTNSCOPE_VIEWS_GRID_PRIVATE_H
#define ATTNSCOPE_VIEWS_GRID_PRIVATE_H

#include "views/heads.h"

/* What is known of one head. */
typedef struct GridCell {
    bool known;
    float
        hi; /* 0: never known; where not `known`, that of another channel or percentile, better than none for the moment */
    float largest;
} GridCell;

/* Everything a head's automatic range depends on. */
typedef struct RangeStamp {
    uint32_t serial;
    int set, item, step, base_side;
    uint32_t variant;
    Values values;
    Channel channel;
    double percentile;
} RangeStamp;

/* A visible head. */
typedef struct GridPiece {
    Rect rect;
    int layer, head_index, mip, width, height; /* width, height: of mip 0 */
    uint32_t page;                             /* 0: not resident */
    bool failed;                               /* and will not be */
    bool stands_in;                            /* without the variant, which is to come */
} GridPiece;

/* Cells lie one after another, layer by layer: head i of layer l is cells[starts[l] + i]. */
struct Grid {
    GridState *state; /* borrowed */
    bool valid;
    uint32_t serial;
    int set;
    int *numbers; /* of the columns, ascending */
    size_t columns, number_capacity;
    size_t *starts;
    size_t start_capacity;
    GridCell *cells;
    size_t cell_count, cell_capacity;
    RangeStamp stamp;
    size_t known;
    GridPiece *pieces;
    size_t piece_count, piece_capacity;
    bool profile_known;
    TileKey profile_key;
    int profile_count;
    float profile[GRID_PROFILE], profile_most;
    float texels[(size_t)TILE_SIDE * TILE_SIDE * 2];
};

/* grid_table.c */
/* The head's base tile, of the variant where it is there; true when it is, or when there is none to wait for. */
bool views_grid_base(const Frame *frame, const Look *look, int layer, int head_index, TileKey *key);
int views_grid_number(const Grid *grid, int column);
/* Index of the layer's first head at or right of the column; head_count if there is none. */
int views_grid_first_head(const Grid *grid, const LayerInfo *layer, int column);
/* Upper end of the range for all heads; 0: not known. */
float views_grid_common(const Grid *grid);
GridCell *views_grid_cell_of(const Grid *grid, int layer, int head_index);
/* Reads the head's base tile back if its range is not known; true when it is known now and was not before. */
bool views_grid_measure(Frame *frame, Grid *grid, const Look *look, int layer, int head_index);

/* grid_axes.c */
void views_grid_axes(Frame *frame, const Grid *grid, const Look *look, const GridLayout *layout, bool chips);
/* Beside the plot: which part of the grid is seen. */
void views_grid_scroll_marks(Frame *frame, const GridLayout *layout);

#endif
