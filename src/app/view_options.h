/* View options, the same for the window, render and bench. Each is a command of the table with its argument. */
#ifndef ATTNSCOPE_APP_VIEW_OPTIONS_H
#define ATTNSCOPE_APP_VIEW_OPTIONS_H

#include "app/app.h"
#include "app/options.h"

typedef struct ViewOptions {
    const char *set, *layer, *head, *batch, *step, *values, *rect, *level, *pool, *transform, *range, *cmap, *size,
        *scale, *theme;
    const char *labels, *find, *cursor, *camera;
    const char *gamma, *aspect, *from, *view, *grid_range, *ref, *compare, *pin, *hide, *row_scale;
    const char *token, *text_size, *text_top;
    const char *gpu_budget, *ram_budget, *recompute, *axes, *exec;
    bool value_weighted, bare, no_labels, no_cache, help;
    bool from_read; /* the options of the picture --from are in */
} ViewOptions;

#define VIEW_OPTIONS_MAX 56
/* Fills `out` with the table for these options; returns how many. */
size_t view_options_table(ViewOptions *options, Option out[VIEW_OPTIONS_MAX]);
/* Size, scale, theme and budgets, which are needed before anything is open. */
Status view_options_start(const ViewOptions *options, AppParams *params, Error *err);
/* The rest, once the capture is open and a layout exists. --rect and --level come last. */
Status view_options_apply(const ViewOptions *options, App *app, const FrameParams *frame, Error *err);

#endif
