/* View options, the same for the window, render, record and bench: the properties of the catalog as --NAME VALUE, and
 * those that no property stands for. */
#ifndef ATTNSCOPE_SESSION_VIEW_OPTIONS_H
#define ATTNSCOPE_SESSION_VIEW_OPTIONS_H

#include "session/app.h"
#include "session/options.h"
#include "session/property.h"

#define VIEW_OPTIONS_MAX 96

/* One property and what was given for it. */
typedef struct GivenProperty {
    const Property *property;
    const char *value; /* NULL: not given */
    bool flag;         /* of those without value */
} GivenProperty;

typedef struct ViewOptions {
    const Catalog *catalog;
    GivenProperty given[VIEW_OPTIONS_MAX];
    int count;
    const char *from, *axes, *exec;
    bool bare, no_labels, no_cache, help;
    bool from_read; /* the options of the picture --from are in */
} ViewOptions;

/* Nothing is given yet. */
void view_options_begin(ViewOptions *options, const Catalog *catalog);
/* Fills `out` with the table for these options; returns how many. With `of_pictures`, those alone that a picture may say:
 * what changes how a capture is looked at, nothing of files, budgets or the program. */
size_t view_options_table(ViewOptions *options, bool of_pictures, Option out[VIEW_OPTIONS_MAX]);
/* What was given for the option of this name; NULL: nothing. */
const char *view_options_value(const ViewOptions *options, const char *name);
void view_options_give(ViewOptions *options, const char *name, const char *value);
/* Options of `options` win over those of `others`. */
void view_options_merge(ViewOptions *options, const ViewOptions *others);
/* Size, scale, theme and budgets, which are needed before anything is open. */
Status view_options_start(const ViewOptions *options, AppParams *params, Error *err);
/* The rest, once the capture is open and a layout exists. */
Status view_options_apply(const ViewOptions *options, App *app, const FrameParams *frame, Error *err);

#endif
