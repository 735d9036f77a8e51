/* app: the program around the views. Internal to this folder and main.c: App is not passed below app/.
 *
 *   main.c -> cli_*.c (verbs)   window: loop.c -> input.c -> commands.c -> frame.c -> panels
 *
 * One thread (the one with the GL context) owns everything here. */
#ifndef ATTNSCOPE_APP_H
#define ATTNSCOPE_APP_H

#include "app/owners.h"

typedef struct App {
    Machine machine;
    Opened opened;
    Look look;
    Picture picture;
    Message message;
    Work work;
    Pace pace;
    Motion motion;
    HeadMemory heads;
    Ui ui;
    Pointer pointer;

    GridScene grid;
    TextScene text;
    Comparison comparison;
    Selection selection;
    Reload reload;
    Chooser chooser;
    const struct Settings *settings; /* settings.h; NULL: none apply */
    Help help;
    bool status_on, card_on;
    int thumbs_scroll;
    Focus focus;
    Pins pins;
    struct Find *find;       /* find.h; NULL until first used */
    struct Palette *palette; /* palette.h; NULL until it is first opened */
    History history;
    Play play;
    const char *state_file;    /* ATTNSCOPE_STATE_FILE: rewritten after each settled frame (tests) */
    struct Recorder *recorder; /* record.h; NULL until something is recorded or a tour is played */
    bool quit;
} App;

/* ---- app.c ----------------------------------------------------------------------------------- */

typedef struct AppParams {
    PlatformMode mode;
    int width, height; /* points */
    float scale;       /* 0: 1 */
    bool light, fullscreen, no_vsync;
    size_t gpu_budget, ram_budget;
    bool disk_cache; /* keep base tiles from one run to the next */
    int workers;     /* 0: as many as cores */
    RecomputeMode recompute;
} AppParams;
Status app_open(App *app, const AppParams *params, Error *err);
void app_close(App *app);
void app_wake(void *app); /* from any thread: the loop turns once more */
/* opening.c: capture_open on a thread of its own while a window shows the progress and listens for Esc. */
Status app_read_capture(App *app, const CaptureOpenParams *params, Capture **out, Error *err);
/* Replaces the open capture; on failure the old one stays. `path` "demo:NAME" opens a built-in demo. */
Status app_open_capture(App *app, const char *const *paths, size_t count, Error *err);
/* Opens a reference beside the open capture; NULL closes it. On failure the old one stays. */
Status app_open_reference(App *app, const char *path, Error *err);
/* Refuses what is about layers and heads where the open capture has no patterns: "bench: ..." */
Status app_need_patterns(const App *app, const char *what, Error *err);
void app_say(App *app, Severity severity, const char *format, ...) BASE_PRINTF(3, 4);
const Capture *app_capture(const App *app);
/* What the open capture (0) or the reference (1) is called, for people; "" when there is none. */
const char *app_capture_name(const App *app, int which);
/* The window's title says what is shown. */
void app_title(App *app);
bool app_pattern(const App *app, const SetInfo **set, const LayerInfo **layer, int64_t *queries, int64_t *keys);
/* After a change of layer, set or head set: indices valid, range unlocked unless kept, camera kept if sizes are
 * equal. */
void app_view_changed(App *app);
void app_fit(App *app);
void app_remember_camera(App *app);
/* The matrix's camera was moved by hand: it does not follow the window any more, and stays in its limits. */
void app_camera_moved(App *app);

/* ---- frame.c: one frame into a display list -------------------------------------------------- */

typedef struct FrameParams {
    int width, height; /* pixels */
    float scale;       /* pixels per point */
    bool bare;         /* the heatmap alone */
    bool chrome;       /* panels and bars; neither bare nor chrome: a figure with title and colour bar */
    bool exact_only;
    Rect part;     /* pixels: only this part will be looked at (posters); w 0: all */
    float caption; /* points left free at the bottom, for what a recording writes there */
} FrameParams;
/* Lays out, draws into app->list, collects wants, composes what is allowed. */
void app_frame_build(App *app, const FrameParams *params);
/* The window's frame parameters. */
FrameParams app_window_params(const App *app);
/* What views are given for a frame with these parameters. */
Frame app_make_frame(App *app, const FrameParams *params);

/* ---- work.c : wants and results, idle work --------------------------------------------------- */

/* Key of the base image of what is looked at; false while it is not there. */
bool app_base_image(App *app, TileKey *key);
/* Hands the wants of the last frame to the workers; `background` adds base tiles of other layers. */
void app_submit_wants(App *app, bool background);
/* Uploads finished tiles, at most budget_ns (at least one); true when something arrived that changes the picture. */
bool app_take_results(App *app, uint64_t budget_ns, bool *any);
/* Between frames: room on the GPU for finer tiles, a step a call; false when there is enough. */
bool app_reserve_ahead(App *app);
/* One small step of idle work (ranges of other layers); true when there was something to do. */
bool app_idle_step(App *app);
/* Builds frames until everything is exact; STATUS_CANCELLED when `timeout_ns` passed. */
Status app_settle(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* The same until the picture is exact, whatever the panels beside it wait for. */
Status app_settle_exact(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* The same until every visible tile is there as itself; it may still be an estimate or a bound. */
Status app_settle_picture(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* As app_settle, with the overviews and ranges of every layer of the set. */
Status app_settle_all(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* Ends what chores have done; true when there was anything. */
bool app_take_chores(App *app);
/* Waits until no chore is left: for exact pictures. */
void app_finish_chores(App *app);
void app_finish_search(App *app);                        /* of those that read the capture */
bool app_has_failed(const App *app, const TileKey *key); /* or found no room */
void app_forget_failures(App *app);
/* What painting of the last frame took, on software GL the part of a frame that is not left for composing. */
void app_note_painted(App *app, uint64_t ns);
void app_workers_pause(App *app);
void app_workers_resume(App *app);

/* ---- layout.c, ui.c : regions and small controls --------------------------------------------- */

Layout app_layout(const App *app, const FrameParams *params);
void ui_hit(App *app, Rect rect, const char *hint, PlatformCursor cursor, const char *command_format, ...)
    BASE_PRINTF(5, 6);
/* The control registered last can be turned up and down. */
void ui_hit_turns(App *app, const char *less, const char *more);
bool ui_hovered(const App *app, Rect rect);
const Hit *ui_hit_at(const App *app, float x, float y);
TextStyle ui_style(const App *app, float points);
TextStyle ui_bold(const App *app, float points);
/* A text button; `active` draws it in the accent colour. Returns its width in pixels. */
float ui_button(App *app, float x, float y, const char *label, bool active, const char *hint, const char *command);
void ui_card(App *app, Rect rect); /* raised panel with a shadow */

/* ---- compare.c : the reference ---------------------------------------------------------------- */

/* Follows the choice, the held key and the view. */
void compare_update(App *app);
/* Back to the open capture alone. */
void compare_reset(App *app);
/* A key went up or the focus was lost (key 0). */
void compare_release(App *app, int key);
/* Where differences are made of the two captures: which they are, in words. "" when one capture is shown. */
void compare_describe(const App *app, char *out, size_t out_size);
/* Cell of the crosshair in both captures. False: not read yet. */
typedef struct ComparedCell {
    float value, reference, difference;
} ComparedCell;
bool compare_cursor(const App *app, ComparedCell *out);
/* Wants the reference's row under the crosshair. */
void compare_want_row(App *app, Frame *frame);
/* The row of the crosshair as it is shown: of the open capture, of the reference, or their difference. NULL: not read
 * yet. Borrowed until the next call. */
const float *compare_row(App *app, const Frame *frame, int64_t *keys);

/* ---- view.c, view_matrix.c, view_grid.c : what differs between ways of looking --------------- */

typedef struct ViewUi {
    const char *name; /* in commands, options and the state */
    const char *hint;
    PlatformCursor cursor;                                           /* over the plot */
    bool has_heads;                                                  /* heads of the layer in the left panel */
    bool plays;                                                      /* through the layers */
    bool of_strips;                                                  /* probabilities of tokens, not patterns */
    void (*draw)(App *app, Frame *frame, const FrameParams *params); /* into layout.view; fills app->result */
    void (*panel)(App *app, Frame *frame, Rect rect);                /* the right panel */
    void (*over)(App *app, Frame *frame);                            /* NULL, or drawn over the panels */
    void (*figure)(App *app, Frame *frame);                          /* NULL, or a colour bar of its own */
    /* A button went down over the view; the mouse moved while app->drag is DRAG_PAN or DRAG_SELECT; the button went
     * up. */
    void (*press)(App *app, const InputEvent *event);
    void (*drag)(App *app);
    void (*release)(App *app, const InputEvent *event);
    void (*wheel)(App *app, const InputEvent *event);
    void (*pan)(App *app, double down, double right); /* points */
    void (*zoom)(App *app, double factor);            /* about the cursor, or the middle */
    void (*one_to_one)(App *app);
    bool (*idle)(App *app, Frame *frame); /* one small step of work; false: nothing left to do. NULL: the overviews */
    void (*title)(const App *app, char *out, size_t out_size);
    bool (*layer_range)(App *app, Frame *frame, int layer, float *hi); /* for the spark line; false: not known yet */
} ViewUi;
const ViewUi *app_view_ui(const App *app);
const ViewUi *app_view_at(ViewKind kind);
void app_show_view(App *app, ViewKind kind);
/* Is there anything in the capture that it could show? */
bool app_has_view(const App *app, ViewKind kind);
/* Another one, where this capture has nothing for the view that is shown. */
void app_leave_view(App *app);
/* Index of the layer that commands and the scrubber mean. */
int app_layer(const App *app);

void view_matrix_draw(App *app, Frame *frame, const FrameParams *params);
/* The row under the crosshair, from the source: true when it is among the read-outs, else it is wanted. */
bool view_matrix_want_row(App *app, Frame *frame);
/* The plot under the mouse: the open capture's, or the reference's beside it. */
const ViewResult *view_matrix_under_mouse(const App *app);
void view_matrix_press(App *app, const InputEvent *event);
void view_matrix_drag(App *app);
void view_matrix_release(App *app, const InputEvent *event);
void view_matrix_drag_minimap(App *app);
void view_matrix_wheel(App *app, const InputEvent *event);
void view_matrix_pan(App *app, double down, double right);
void view_matrix_zoom(App *app, double factor);
void view_matrix_one_to_one(App *app);
void view_matrix_title(const App *app, char *out, size_t out_size);
bool view_matrix_layer_range(App *app, Frame *frame, int layer, float *hi);

void view_grid_draw(App *app, Frame *frame, const FrameParams *params);
void view_grid_press(App *app, const InputEvent *event);
void view_grid_drag(App *app);
void view_grid_release(App *app, const InputEvent *event);
void view_grid_wheel(App *app, const InputEvent *event);
void view_grid_pan(App *app, double down, double right);
void view_grid_zoom(App *app, double factor);
void view_grid_one_to_one(App *app);
bool view_grid_idle(App *app, Frame *frame);
void view_grid_title(const App *app, char *out, size_t out_size);
bool view_grid_layer_range(App *app, Frame *frame, int layer, float *hi);
/* Focus and selection start from what the matrix shows. */
void view_grid_enter(App *app);
/* Another set or capture: what does not exist in it is let go. */
void view_grid_changed(App *app);
void view_grid_focus_layer(App *app, int layer);
void view_grid_focus_head(App *app, int head_number);
void view_grid_toggle_selected(App *app, GridHead head);
/* The focused head, or the selected heads of its layer where it is one of them. */
HeadSet view_grid_heads(const App *app);
/* Shows them in the matrix. */
void view_grid_open(App *app);
bool view_grid_escape(App *app);

/* ---- cmd_pins.c, pins.c ------------------------------------------------------------------------ */

bool app_has_pins(const App *app); /* any that lies in the pattern that is shown */
bool app_pin_shown(const App *app, const Pin *pin);
/* Marks them on the matrix and wants what they need; `lines`: also what only the inspector shows. */
void app_draw_pins(App *app, Frame *frame, bool lines);
/* "0.1234", "masked", "NaN" */
void app_format_cell(float value, char *out, size_t out_size);
void app_pins_json(const App *app, TextBuffer *out); /* "pins":[...],"pin_shown":N, */

const StripInfo *view_text_strip(const App *app); /* NULL: none */
void view_text_draw(App *app, Frame *frame, const FrameParams *params);
void view_text_press(App *app, const InputEvent *event);
void view_text_drag(App *app);
void view_text_release(App *app, const InputEvent *event);
void view_text_wheel(App *app, const InputEvent *event);
void view_text_pan(App *app, double down, double right);
void view_text_zoom(App *app, double factor);
void view_text_one_to_one(App *app);
void view_text_title(const App *app, char *out, size_t out_size);
/* Locks a token and shows it; the nearest so many lines on; another strip. */
void view_text_go(App *app, int64_t token);
void view_text_lines(App *app, int lines);
void view_text_item(App *app, int item);
void view_text_resize(App *app, float size); /* points */
bool view_text_escape(App *app);
/* cmd_text.c: the locked token, or all of them, as a table. */
Status view_text_copy(App *app, Error *err);
Status view_text_export(App *app, const char *path, Error *err);

/* ---- panels ---------------------------------------------------------------------------------- */

void panel_top(App *app, Rect rect);
void panel_heads(App *app, Frame *frame, Rect rect);
void panel_cursor(App *app, Frame *frame, Rect rect);
void panel_scrubber(App *app, Frame *frame, Rect rect);
void panel_grid(App *app, Frame *frame, Rect rect);
void panel_grid_card(App *app, Frame *frame); /* the hovered head beside the mouse, where the panel is folded */
void panel_overlays(App *app, Frame *frame);  /* message, hint, palette, card, status, help */
/* A column of the right panel that is being filled from above. */
typedef struct Panel {
    App *app;
    Frame *frame;
    float x, y, w;
} Panel;
void panel_token_row(Panel *p, const char *name, Axis axis, int64_t index);
/* The inspector as a panel of its own, and in a part of another. */
void panel_pins(App *app, Frame *frame, Rect rect);
void panel_pins_list(Panel *p, float bottom);
void panel_caption(Panel *p, const char *text, const char *right); /* right: NULL or a dim remark */
#define PANEL_COLOR_H 140.0f /* points, of the colour bar, its buttons and the legend */
void panel_color_bar(Panel *p, float y, bool is_signed);
void panel_legend(Panel *p, float y, bool is_signed);
/* Bars of the largest value of each pixel column, and of the smallest where values are negative: the extremes, 0 among
 * them. The bar of value `marked` is in the accent colour; -1: none. */
void panel_profile(Panel *p, Rect box, const float *values, int64_t count, int64_t marked, float *least, float *most);
/* Ticks are shares of the range of each head: there is no one range to name. */
bool panel_range_is_share(const App *app);
void panel_text(App *app, Frame *frame, Rect rect);
void panel_text_card(App *app, Frame *frame);   /* the same beside the token, where the panel is folded */
void panel_text_figure(App *app, Frame *frame); /* colour bar */
/* Title and colour bar of a picture without panels; the margins they take from the view. */
void panel_figure(App *app, Frame *frame);
void panel_figure_margins(float scale, Rect *view);
void panel_status(App *app);
void panel_help(App *app);
/* Text of the exactness badge. */
const char *panel_badge(const App *app);

/* ---- commands.c, keys.c ------------------------------------------------------------------------------ */

/* A handler returns true when the picture changed; a failure fills err->status. `args` is never NULL. */
typedef bool (*CommandHandler)(App *app, const char *args, Error *err);
typedef struct Command {
    const char *name, *args;
    CommandHandler handler;
    const char *keys; /* "Down=+1 Up=-1": key=args, space separated */
    const char *group, *help;
    const char *keys_shown; /* for the help overlay, where `keys` would be too long; else NULL */
} Command;
extern const Command APP_COMMANDS[];
extern const int APP_COMMAND_COUNT;

/* Views in which a command makes sense: bits (1 << ViewKind). */
unsigned app_command_views(const Command *command);
const Command *app_find_command(const char *name, size_t length); /* NULL: there is none */
/* How to get to where a command makes sense: "for the grid: g shows it". */
void app_command_where(const App *app, const Command *command, char *out, size_t out_size);
/* Runs "name args". STATUS_USAGE with a sentence for an unknown command or wrong arguments. */
Status app_command(App *app, const char *line, Error *err);
/* Runs "a; b; c". */
Status app_exec(App *app, const char *script, Error *err);
/* Command line bound to a key in this view, else in another one, or NULL. */
const char *app_key_command(ViewKind view, int key, int mods);
/* Keys bound to a command, for people: "Up / Down". */
void app_command_keys(const Command *command, char *out, size_t out_size);

/* Handlers, by file. */
#define COMMAND(name) bool name(App *app, const char *args, Error *err)
COMMAND(cmd_layer);
COMMAND(cmd_head);
COMMAND(cmd_heads);
COMMAND(cmd_mean);
COMMAND(cmd_toggle_head);
COMMAND(cmd_solo_head);
COMMAND(cmd_all_heads);
COMMAND(cmd_combine);
COMMAND(cmd_set);
COMMAND(cmd_batch);
COMMAND(cmd_step);
COMMAND(cmd_play);
COMMAND(cmd_values); /* cmd_model.c */
COMMAND(cmd_pan);
COMMAND(cmd_zoom);
COMMAND(cmd_fit);
COMMAND(cmd_one_to_one);
COMMAND(cmd_zoom_selection);
COMMAND(cmd_back);
COMMAND(cmd_rect);
COMMAND(cmd_cursor);
COMMAND(cmd_lock_cursor);
COMMAND(cmd_aspect);
COMMAND(cmd_level); /* cmd_camera.c */
COMMAND(cmd_cmap);
COMMAND(cmd_transform);
COMMAND(cmd_gamma);
COMMAND(cmd_range);
COMMAND(cmd_lock_range);
COMMAND(cmd_pool);
COMMAND(cmd_labels);
COMMAND(cmd_panels);
COMMAND(cmd_theme);
COMMAND(cmd_scale);
COMMAND(cmd_tiles);     /* cmd_look.c */
COMMAND(cmd_recompute); /* recompute.c */
COMMAND(cmd_hide);
COMMAND(cmd_row_scale);
COMMAND(cmd_value_weighted); /* cmd_variant.c */
COMMAND(cmd_view);           /* view.c */
COMMAND(cmd_select);
COMMAND(cmd_open_head);
COMMAND(cmd_grid_range); /* cmd_grid.c */
COMMAND(cmd_pin);        /* cmd_pins.c */
COMMAND(cmd_ref);
COMMAND(cmd_compare);
COMMAND(cmd_hold); /* compare.c */
COMMAND(cmd_token);
COMMAND(cmd_text_top);
COMMAND(cmd_text_size); /* cmd_text.c */
COMMAND(cmd_help);
COMMAND(cmd_status);
COMMAND(cmd_escape);
COMMAND(cmd_quit);
COMMAND(cmd_fullscreen);
COMMAND(cmd_screenshot);
COMMAND(cmd_open);
COMMAND(cmd_copy);
COMMAND(cmd_copy_command);
COMMAND(cmd_prompt);
COMMAND(cmd_wait);
COMMAND(cmd_state);
COMMAND(cmd_key);
COMMAND(cmd_wheel);
COMMAND(cmd_message);
COMMAND(cmd_export);
COMMAND(cmd_focus);       /* focus.c */
COMMAND(cmd_settings);    /* settings.c */
COMMAND(cmd_file_dialog); /* chooser.c */
COMMAND(cmd_reload);
COMMAND(cmd_auto_reload); /* reload.c */
COMMAND(cmd_find);
COMMAND(cmd_find_next);
COMMAND(cmd_find_previous); /* find.c */
COMMAND(cmd_extend);
COMMAND(cmd_select_cells); /* cmd_app.c */

/* "first key hidden, rows / visible sum"; "" where weights are shown as they are. */
void app_variant_text(const App *app, char *out, size_t out_size);

/* ---- input.c, loop.c ------------------------------------------------------------------------- */

/* Runs a command; what goes wrong is said in the window. */
void app_run_line(App *app, const char *line);
void app_handle_event(App *app, const InputEvent *event);
Status app_run(App *app, Error *err);
/* Draws the window's frame now, swaps. */
Status app_draw_window(App *app, Error *err);

/* ---- state.c, still.c, settings.c, demo.c ---------------------------------------------------- */

void app_state_json(const App *app, TextBuffer *out);
/* Command line that reproduces the view; copied: with all files and the scale of the screen, which pictures do not keep.
 */
void app_command_line(const App *app, TextBuffer *out);
void app_command_line_copied(const App *app, TextBuffer *out);
/* Draws off screen and writes a PNG, SVG or PDF, as the name says (still.h). */
Status app_write_png(App *app, const char *path, const FrameParams *params, bool exact, Error *err);
bool settings_card_dismissed(void);
void settings_dismiss_card(void);

typedef struct Demo {
    const char *name, *file, *title, *description;
    const char *set, *layer, *range; /* what to begin with, as the view options take it; NULL: as any capture */
} Demo;
/* Built-in captures; the first one is what `attnscope` opens without arguments. */
int demo_count(void);
const Demo *demo_at(int index);
const Demo *demo_find(const char *name);
Status demo_open(const Demo *demo, Capture **out, Error *err);

/* ---- record.h : recordings, sweeps and tours ------------------------------------------------- */

COMMAND(cmd_record);
COMMAND(cmd_sweep);
COMMAND(cmd_tour);
COMMAND(cmd_tour_record);
COMMAND(cmd_camera);
COMMAND(cmd_answer); /* cmd_record.c */

#endif
