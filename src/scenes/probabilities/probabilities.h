/* Probabilities of tokens, as running text. Shared by the files of this folder. */
#ifndef ATTNSCOPE_SCENES_PROBABILITIES_PROBABILITIES_H
#define ATTNSCOPE_SCENES_PROBABILITIES_PROBABILITIES_H

#include "session/app.h"

typedef struct ProbabilitiesScene {
    TextState state; /* kept, as it stands before `view` */
    TextView *view;
    bool drag_in_profile;
} ProbabilitiesScene;
extern const StateKey PROBABILITIES_STATE;
ProbabilitiesScene *probabilities_of(const App *app);

/* ---- view.c ---------------------------------------------------------------------------------- */

const StripInfo *probabilities_strip(const App *app); /* NULL: none */
void probabilities_draw(App *app, Frame *frame, const FrameParams *params);
void probabilities_press(App *app, const InputEvent *event);
void probabilities_drag(App *app);
void probabilities_release(App *app, const InputEvent *event);
void probabilities_wheel(App *app, const InputEvent *event);
void probabilities_pan(App *app, double down, double right);
void probabilities_zoom(App *app, double factor);
void probabilities_one_to_one(App *app);
void probabilities_title(const App *app, char *out, size_t out_size);
/* Locks a token and shows it; the nearest so many lines on; another strip. */
void probabilities_go(App *app, int64_t token);
void probabilities_lines(App *app, int lines);
void probabilities_item(App *app, int item);
void probabilities_resize(App *app, float size); /* points */
bool probabilities_escape(App *app);

/* ---- panel.c --------------------------------------------------------------------------------- */

void probabilities_panel(App *app, Frame *frame, Rect rect);
void probabilities_card(App *app, Frame *frame);   /* the same beside the token, where the panel is folded */
void probabilities_figure(App *app, Frame *frame); /* colour bar */

/* ---- commands.c : the locked token, or all of them, as a table ------------------------------- */

Status probabilities_copy(App *app, Error *err);
Status probabilities_export(App *app, const char *path, Error *err);
extern const Property PROBABILITIES_PROPERTIES[];

#endif
