/* The program without a window: what is open, what is looked at and how, and what is done about it. App is not passed
 * below this folder. One thread (the one with the GL context) owns everything in it.
 *
 *   app/ (window, loop)  cli/ (verbs)  ->  scenes, features (catalog.h)  ->  session: commands, frames, work */
#ifndef ATTNSCOPE_SESSION_APP_H
#define ATTNSCOPE_SESSION_APP_H

#include "session/catalog.h"
#include "session/machine.h"
#include "session/opened.h"
#include "session/pace.h"

#define APP_MESSAGE_SIZE 640

typedef enum Severity { SAY_INFO, SAY_WARNING, SAY_ERROR } Severity;
typedef struct Message {
    char text[APP_MESSAGE_SIZE];
    Severity severity;
    uint64_t until_ns;
} Message;

/* Which view is shown. */
typedef struct Shown {
    const Scene *scene;
    const Scene *came_from; /* Esc goes back there; NULL: it does not */
} Shown;

struct App {
    const Catalog *catalog;
    Shown shown;
    void **states; /* of parts and scenes, in the order of the catalog */
    Machine machine;
    Opened opened;
    Look look;
    Picture picture;
    Message message;
    Work work;
    Pace pace;
    Motion motion;
    Ui ui;
    Pointer pointer;
    Commands commands;
    const struct Settings *settings; /* settings.h; NULL: none apply */
    bool quit;
};

/* ---- program.c ------------------------------------------------------------------------------- */

/* Parts, scenes and commands without a machine: nothing can be opened or drawn, but lines can be told apart. */
Status program_begin(App *app, const Catalog *catalog, Error *err);
Status program_open(App *app, const Catalog *catalog, const AppParams *params, Error *err);
void program_close(App *app);

/* ---- app.c ----------------------------------------------------------------------------------- */

void app_wake(void *app); /* from any thread: the loop turns once more */
void app_say(App *app, Severity severity, const char *format, ...) BASE_PRINTF(3, 4);
const Capture *app_capture(const App *app);
/* What the open capture (0) or the reference (1) is called, for people; "" when there is none. */
const char *app_capture_name(const App *app, int which);
/* The window's title says what is shown. */
void app_title(App *app);
/* The patterns of attention that are looked at: one for each head of the layer, queries x keys. */
typedef struct Pattern {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
} Pattern;
bool app_pattern(const App *app, Pattern *out); /* false: there is none */
/* Refuses what is about layers and heads where the open capture has no patterns: "bench: ..." */
Status app_need_patterns(const App *app, const char *what, Error *err);

/* ---- app_state.c ----------------------------------------------------------------------------- */

/* The memory of a part or scene, by its key; NULL: the catalog lists nobody who has it. */
void *app_state(const App *app, const StateKey *key);
/* One block for each part and scene; on failure none. */
Status app_states_make(App *app, Error *err);
void app_states_free(App *app);
/* What of them is kept (StateKey.kept), copied; NULL: no memory. Put back as often as needed, while the same captures are
 * open. The caller frees it (mem_free). */
void *app_states_keep(const App *app);
void app_states_put_back(App *app, const void *kept);

/* ---- captures.c, opening.c ------------------------------------------------------------------- */

/* opening.c: capture_open on a thread of its own while a window shows the progress and listens for Esc. */
Status opening_read(App *app, const CaptureOpenParams *params, Capture **out, Error *err);
/* Replaces the open capture; on failure the old one stays. `path` "demo:NAME" opens a built-in demo. */
Status captures_open(App *app, const char *const *paths, size_t count, Error *err);
/* Opens a reference beside the open capture; NULL closes it. On failure the old one stays. */
Status captures_open_reference(App *app, const char *path, Error *err);
/* Closes one of the two, with all that was made of it. */
void captures_close(App *app, int which);

/* ---- look_changed.c -------------------------------------------------------------------------- */

/* After a change of layer, set or head set: indices valid, range unlocked unless kept, camera kept if sizes are
 * equal. */
void look_changed_follow(App *app);
/* Parts and the scene are told; from look_changed and where another scene is shown. */
void look_changed_tell(App *app);
void look_changed_tell_set(App *app); /* before: it is another set */

/* ---- frame.c --------------------------------------------------------------------------------- */

void frame_build(App *app, const FrameParams *params);
/* The window's frame parameters. */
FrameParams frame_window_params(const App *app);
/* What views are given for a frame with these parameters. */
Frame frame_make(App *app, const FrameParams *params);
/* The hand has rested long enough for bounds to be replaced. */
#define REST_AFTER_NS UINT64_C(120000000)
/* What painting of the last frame took, on software GL the part of a frame that is not left for composing. */
void frame_note_painted(App *app, uint64_t ns);
void work_pause(App *app);
void work_resume(App *app);
/* A frame is due at `at_ns`, unless one is due before. */
void frame_due_at(App *app, uint64_t at_ns);

/* ---- work.c, failures.c, finish.c : wants and results, idle work ----------------------------- */

/* Key of the base image of what is looked at; false while it is not there. */
bool work_base_image(App *app, TileKey *key);
/* Hands the wants of the last frame to the workers; `background` adds base tiles of other layers. */
void work_submit_wants(App *app, bool background);
/* Uploads finished tiles, at most budget_ns (at least one); true when something arrived that changes the picture. */
bool work_take_results(App *app, uint64_t budget_ns, bool *any);
/* Between frames: room on the GPU for finer tiles, a step a call; false when there is enough. */
bool work_reserve_ahead(App *app);
/* One small step of idle work (ranges of other layers); true when there was something to do. */
bool work_idle_step(App *app);
/* Builds frames until everything is exact; STATUS_CANCELLED when `timeout_ns` passed. */
Status work_settle(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* The same until the picture is exact, whatever the panels beside it wait for. */
Status work_settle_exact(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* The same until every visible tile is there as itself; it may still be an estimate or a bound. */
Status work_settle_picture(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* As work_settle, with the overviews and ranges of every layer of the set. */
Status work_settle_all(App *app, const FrameParams *params, uint64_t timeout_ns, Error *err);
/* Ends what chores have done; true when there was anything. */
bool finish_ready_chores(App *app);
/* Waits until no chore is left: for exact pictures. */
void finish_chores(App *app);
void finish_search(App *app);                          /* of those that read the capture */
bool failures_has(const App *app, const TileKey *key); /* or found no room */
void failures_note(KeySet *set, const TileKey *key);
void failures_forget(App *app);
void failures_forget_no_room(App *app);

/* ---- words.c : states in words --------------------------------------------------------------- */

/* "0.1234", "masked", "NaN" */
void words_cell(float value, char *out, size_t out_size);
/* "first key hidden, rows / visible sum"; "" where weights are shown as they are. */
void words_variant(const App *app, char *out, size_t out_size);
/* Text of the exactness badge. */
const char *words_badge(const App *app);
const char *look_transform_name(Transform transform); /* "sqrt" */
const char *look_channel_name(Channel channel);       /* "mean" */
/* Into a JSON value: masked is 0, not a number null. */
void words_append_cell(TextBuffer *out, float value);
void words_append_bool(TextBuffer *out, const char *name, bool value);
/* " --name value", quoted for a shell where need be. */
void state_append_option(TextBuffer *out, const char *name, const char *value);

/* ---- tables of commands and properties, of the files that are named in them ------------------ */

extern const Property LOOK_PROPERTIES[], UI_PROPERTIES[], SUBJECT_PROPERTIES[];
extern const Command LOOK_COMMANDS[], MODEL_COMMANDS[];

/* ---- state.c --------------------------------------------------------------------------------- */

/* The state as one JSON line. */
void state_json(const App *app, TextBuffer *out);
/* Command line that reproduces the view; copied: with all files and the scale of the screen, which pictures do not keep.
 */
void state_command_line(const App *app, TextBuffer *out);
void state_command_line_copied(const App *app, TextBuffer *out);

#endif
