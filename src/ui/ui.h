/* What panels are made of: small controls, columns, the colour bar, the regions of the window. Immediate mode: drawing a
 * control also registers where it can be hit. One section for each .c file. */
#ifndef ATTNSCOPE_UI_UI_H
#define ATTNSCOPE_UI_UI_H

#include "session/app.h"
#include "session/field.h"

/* ---- layout.c : the regions of the window ---------------------------------------------------- */

Layout ui_layout(const App *app, const FrameParams *params);

/* ---- ui.c : controls ------------------------------------------------------------------------- */

/* What panels draw with, and where they say what can be pressed. For one frame. */
typedef struct Pen {
    DrawList *list;
    Fonts *fonts;
    const Theme *theme;
    float scale; /* pixels a point */
    Hits *hits;
    const Pointer *pointer;
} Pen;
Pen ui_pen(App *app);

void ui_hit(const Pen *pen, Rect rect, const char *hint, PlatformCursor cursor, const char *command_format, ...)
    BASE_PRINTF(5, 6);
/* The control registered last can be turned up and down. */
void ui_hit_turns(const Pen *pen, const char *less, const char *more);
bool ui_hovered(const Pen *pen, Rect rect);
const Hit *ui_hit_at(const App *app, float x, float y);
TextStyle ui_style(const Pen *pen, float points);
TextStyle ui_bold(const Pen *pen, float points);
/* A text button; `active` draws it in the accent colour. Returns its width in pixels. */
float ui_button(const Pen *pen, float x, float y, const char *label, bool active, const char *hint,
                const char *command);
void ui_card(const Pen *pen, Rect rect); /* raised panel with a shadow */

/* ---- field_ui.c ------------------------------------------------------------------------------ */

/* A field with its caret; `ghost` stands dim behind the text. */
void ui_field(const Pen *pen, Rect rect, const Field *field, const char *ghost);

/* ---- column.c : a column of a panel that is filled from above -------------------------------- */

typedef struct Panel {
    Pen pen;
    App *app;
    Frame *frame;
    float x, y, w;
} Panel;
void column_caption(Panel *p, const char *text, const char *right); /* right: NULL or a dim remark */
/* "query   the            17" */
void column_token_row(Panel *p, const char *name, Axis axis, int64_t index);
/* Bars of the largest value of each pixel column, and of the smallest where values are negative: the extremes, 0 among
 * them. The bar of value `marked` is in the accent colour; -1: none. */
void column_profile(Panel *p, Rect box, const float *values, int64_t count, int64_t marked, float *least, float *most);

/* ---- panel_color.c : the colour bar, its buttons and the legend ------------------------------ */

#define PANEL_COLOR_H 140.0f /* points */
void panel_color_bar(Panel *p, float y, bool is_signed);
void panel_legend(Panel *p, float y, bool is_signed);

/* ---- panel_figure.c : title and colour bar of a picture without panels ----------------------- */

void panel_figure(App *app, Frame *frame);
/* The margins they take from the view. */
void panel_figure_margins(float scale, Rect *view);

#endif
