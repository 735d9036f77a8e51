/* Recording: what is drawn -> a movie or numbered pictures. Internal to app/.
 *
 *   record_live.c   the window, by the clock      \
 *   record_sweep.c  stop by stop, each frame exact - frames -> record_encoder.c (thread) -> ffmpeg | PNG files
 *   tour.c          commands with times           /
 *
 * One section for each .c file. All but the encoder's thread runs in the thread with the GL context. */
#ifndef ATTNSCOPE_APP_RECORD_H
#define ATTNSCOPE_APP_RECORD_H

#include "app/app.h"

#define RECORD_FPS_MAX 120
#define RECORD_SIDE_MAX 8192
#define RECORD_LIVE_FPS 60
#define RECORD_SWEEP_FPS 30
#define RECORD_SENTENCE 1024

/* ---- record_output.c : names -> formats, and what is on disk meanwhile ----------------------- */

typedef enum RecordFormat { RECORD_MP4, RECORD_WEBM, RECORD_GIF, RECORD_WEBP, RECORD_PNG } RecordFormat;

/* A movie is written to NAME.part and renamed when it is complete. Pictures go into their folder one by one, each
 * whole. */
typedef struct RecordOutput {
    RecordFormat format;
    char path[APP_PATH_SIZE];    /* the movie, or the folder of pictures ("." for the current one) */
    char part[APP_PATH_SIZE];    /* movies */
    char palette[APP_PATH_SIZE]; /* movies made in two steps: between them, */
    char second[APP_PATH_SIZE];  /* and what the second step writes */
    char stem[256], tail[256];   /* pictures: around the number */
    int digits;
    bool replace; /* what exists may be replaced */
    bool made_folder, reserved;
} RecordOutput;

/* "x.mp4", "x.webm", "x.gif", "x.webp", a folder, or "x-%04d.png". STATUS_USAGE for anything else. */
Status record_output_parse(const char *path, RecordOutput *out, Error *err);
bool record_output_is_movie(const char *path); /* by its name */
/* Would something be replaced? */
bool record_output_exists(const RecordOutput *output);
/* Makes sure that it can be written: a folder is made, NAME.part reserved. STATUS_USAGE when it exists and must not
 * be replaced. */
Status record_output_begin(RecordOutput *output, Error *err);
/* `from` (part or second) becomes the movie; of earlier pictures those beyond `frames` go. */
Status record_output_commit(RecordOutput *output, const char *from, uint64_t frames, Error *err);
/* Removes what is unfinished. Whole pictures stay. */
void record_output_abandon(RecordOutput *output);
void record_output_picture(const RecordOutput *output, uint64_t frame, char *out, size_t out_size);
/* Pictures instead of the movie: a folder beside it, named after it, that does not exist yet. */
Status record_output_pictures_instead(RecordOutput *output, Error *err);

/* ---- record_args.c : command lines of ffmpeg ------------------------------------------------- */

typedef struct RecordShape {
    int width, height, fps;
    bool live;           /* the encoder must keep up: fast, larger files */
    const char *comment; /* goes into the file; may be NULL */
} RecordShape;

#define RECORD_ARGS_MAX 64
typedef struct RecordArgs {
    const char *argv[RECORD_ARGS_MAX]; /* ends in NULL */
    int count;
    Arena arena;
    bool failed; /* out of memory */
} RecordArgs;
/* Raw frames on standard input -> output->part. */
void record_args_first(RecordArgs *args, const RecordOutput *output, const RecordShape *shape);
/* part -> second, run when all frames are in: step 0, 1 ... False when there is no such step. */
bool record_args_later(RecordArgs *args, const RecordOutput *output, const RecordShape *shape, int step);
void record_args_free(RecordArgs *args);

/* ---- record_encoder.c, record_png.c : frames -> file, in a thread of its own ----------------- */

typedef struct RecordEncoder RecordEncoder;
typedef struct RecordEncoderParams {
    const char *path;
    bool replace;
    RecordShape shape;
    void (*wake)(void *user); /* from the thread, once it has finished or failed; may be NULL */
    void *wake_user;
} RecordEncoderParams;

typedef struct RecordSummary {
    char path[APP_PATH_SIZE]; /* what was made */
    RecordFormat format;
    uint64_t frames;
    int fps, width, height;     /* of the file */
    char note[RECORD_SENTENCE]; /* something to tell: no ffmpeg, a padded size; "" */
} RecordSummary;

/* Reserves the output and starts ffmpeg; without ffmpeg, pictures are written instead, and the note says so. */
Status record_encoder_open(const RecordEncoderParams *params, RecordEncoder **out, Error *err);
/* A frame to fill, RGBA, top row first; NULL when all are on their way (not with `wait`) or the encoder has failed. */
uint8_t *record_encoder_buffer(RecordEncoder *encoder, bool wait);
/* Hands a filled frame over, to be shown `times` times (0: gives it back unused). */
void record_encoder_put(RecordEncoder *encoder, uint8_t *frame, uint64_t times);
/* Shows the frame handed over last again. */
void record_encoder_repeat(RecordEncoder *encoder, uint64_t times);
typedef enum RecordEnd {
    RECORD_END_ALL,     /* all frames handed over are written */
    RECORD_END_CUT,     /* those that are not yet written are left out */
    RECORD_END_ABANDON, /* what was written is removed */
} RecordEnd;
/* No more frames. Returns at once; the thread finishes the file. */
void record_encoder_end(RecordEncoder *encoder, RecordEnd how);
bool record_encoder_finished(RecordEncoder *encoder); /* or failed */
uint64_t record_encoder_written(RecordEncoder *encoder);
size_t record_encoder_frame_size(const RecordEncoder *encoder);
/* Waits for the thread (after _end), tells how it went and releases everything. NULL is allowed. */
Status record_encoder_close(RecordEncoder *encoder, RecordSummary *summary, Error *err);

/* A picture as the bytes of a PNG file, fast rather than small. *bytes grows as needed and is the caller's. */
Status record_png_encode(const uint8_t *rgba, int width, int height, uint8_t **bytes, size_t *capacity, size_t *size,
                         Error *err);

/* ---- record_interrupt.c : Ctrl+C ends a recording well --------------------------------------- */

/* From now on SIGINT, SIGTERM and SIGHUP set a flag, once; a second one acts as it did before. Calls nest. */
void record_interrupt_begin(void);
void record_interrupt_end(void);
bool record_interrupted(void);
const CancelFlag *record_interrupt_flag(void);

/* ---- record_live.c : the window, by the clock ------------------------------------------------ */

typedef struct RecordLive {
    RecordEncoder *encoder; /* NULL: not recording */
    GpuTarget *target;      /* of the size that the recording began with */
    char path[APP_PATH_SIZE];
    int width, height, fps;
    bool view_only;              /* without the panels */
    uint64_t began_ns, drawn_ns; /* the recording; end of the last frame */
    uint64_t slots;              /* frames handed to the encoder; slot n is shown from n / fps on */
    uint8_t *pending;            /* covers slots from `slots` on, until the next frame comes */
    uint64_t dropped;            /* slots that show the frame before because the encoder or drawing was too slow */
    bool scaled;                 /* the window has another size now */
} RecordLive;

typedef struct RecordLiveParams {
    const char *path;
    int fps; /* 0: RECORD_LIVE_FPS */
    bool view_only, replace;
    GpuTarget *source; /* what is drawn into; NULL: the window (bench draws off screen) */
} RecordLiveParams;
/* What the person is asked; "answer yes" runs `line` or quits. */
typedef enum RecordQuestion { ASK_NOTHING, ASK_REPLACE, ASK_QUIT } RecordQuestion;

/* Of a sweep in the window. */
typedef struct RecordProgress {
    char title[RECORD_SENTENCE], detail[256];
    double fraction;
} RecordProgress;

/* All that belongs to recording in the window; made when first needed. */
typedef struct Recorder {
    RecordLive live;
    GpuTarget *source;
    RecordEncoder *finishing; /* its thread completes the file */
    uint64_t finishing_dropped;
    struct RecordLiveTour *tour;     /* being played */
    struct RecordTourWriter *writer; /* being written */
    RecordQuestion question;
    char question_name[256], question_line[APP_PATH_SIZE + 128];
    const RecordProgress *progress; /* of a sweep that is on */
    DrawList list;                  /* painted over the frame, not recorded */
} Recorder;
/* Makes it if need be; NULL without memory. */
Recorder *record_of(App *app, Error *err);
/* Ends what is under way, waits until files are complete; from app_close. */
void record_close(App *app);

Status record_live_start(App *app, const RecordLiveParams *params, Error *err);
/* The file is completed in the background; record_tick says how it went. */
void record_live_stop(App *app);
bool record_live_on(const App *app);
/* After a frame was painted and before it is shown; began_ns: when work on it began. Paints the red dot and
 * questions. */
Status record_painted(App *app, const FrameParams *params, uint64_t began_ns, Error *err);
/* From the loop: time goes on. record_next_ns: when it wants to be called again (UINT64_MAX: never). */
void record_tick(App *app, uint64_t now);
uint64_t record_next_ns(const App *app, uint64_t now);
/* "NAME: 12.3 s, 738 frames" */
void record_describe(const RecordSummary *summary, uint64_t dropped, char *out, size_t out_size);

/* ---- record_plan.c : what a sweep goes through ----------------------------------------------- */

typedef enum SweepKind { SWEEP_LAYERS, SWEEP_HEADS, SWEEP_TOKENS, SWEEP_STEPS, SWEEP_TOUR } SweepKind;
/* "layers" ...; anything else is taken for the path of a tour. */
SweepKind record_plan_kind(const char *name);
const char *record_plan_noun(SweepKind kind); /* "layer" */
/* Stops of the sweep of what is looked at; STATUS_UNSUPPORTED when there is nothing to go through. */
Status record_plan_count(App *app, SweepKind kind, int64_t *count, Error *err);
/* Looks at stop n; *first is what was looked at when the sweep began. */
Status record_plan_go(App *app, SweepKind kind, const Look *first, int64_t n, Error *err);
/* SWEEP_TOKENS: puts the crosshair on the strongest key of its row; false while the row is wanted from the workers. */
bool record_plan_row(App *app);
/* Seconds that a stop is held unless told otherwise. */
double record_plan_hold(SweepKind kind);
/* For people: "layer 3", "query 12 wabe: gyre 0.41, toves 0.22". */
void record_plan_label(App *app, SweepKind kind, char *out, size_t out_size);
/* Number of the layer or head of stop n, as in the model; -1 where stops have none. */
int record_plan_number(const App *app, SweepKind kind, int64_t n);
/* {"layer":3,"heads":"mean",...} without braces. */
void record_plan_json(const App *app, TextBuffer *out);

/* ---- record_caption.c : burnt into the frames of a sweep ------------------------------------- */

#define RECORD_CAPTION_POINTS 48.0f
typedef struct RecordCaption {
    SweepKind kind;
    char label[400], range[160];
    int64_t stop, stops; /* stops 0: a tour, of which `fraction` has passed */
    double fraction;
} RecordCaption;
/* Appends to app->list, below app->layout.window. */
void record_caption_draw(App *app, const FrameParams *params, const RecordCaption *caption);

/* ---- record_tour.c, record_tour_write.c : commands with times -------------------------------- */

typedef struct RecordTour RecordTour;
/* STATUS_FORMAT names the line. */
Status record_tour_load(const char *path, RecordTour **out, Error *err);
Status record_tour_parse(const char *text, const char *name, RecordTour **out, Error *err);
void record_tour_drop(RecordTour *tour); /* NULL is allowed */
double record_tour_seconds(const RecordTour *tour);
/* Does it say anything of the range of colours itself? */
bool record_tour_sets_range(const RecordTour *tour);
/* Runs, without regard to time, what chooses patterns: `each` is called after every change; its failure ends it. */
Status record_tour_patterns(App *app, const RecordTour *tour, Status (*each)(void *user, Error *err), void *user,
                            Error *err);

typedef struct RecordTourPlayer RecordTourPlayer;
RecordTourPlayer *record_tour_player_new(const RecordTour *tour); /* borrows the tour; NULL without memory */
void record_tour_player_drop(RecordTourPlayer *player);
/* Brings the app to `seconds` after the start; time never goes back. A layout must exist (a frame was built). */
Status record_tour_play(App *app, RecordTourPlayer *player, double seconds, Error *err);
/* In the window, by its clock. */
Status record_tour_start(App *app, const char *path, Error *err);
void record_tour_stop(App *app);
bool record_tour_playing(const App *app);
void record_tour_tick(App *app, uint64_t now);
uint64_t record_tour_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
/* May a tour run this command? Tours come from other people: none that touches files, the clipboard or the program. */
bool record_tour_allows(const Command *command);

/* Writes down what is done in the window, until stopped; the file is written then. */
Status record_tour_write_start(App *app, const char *path, Error *err);
Status record_tour_write_stop(App *app, Error *err);
bool record_tour_writing(const App *app);
/* From app_command: this command was run. From record_painted: the camera is here now. */
void record_tour_note_command(App *app, const Command *command, const char *args);
void record_tour_note_frame(App *app, uint64_t now);
void record_tour_write_drop(App *app); /* without writing */

/* ---- record_sweep.c : frame by frame, each exact --------------------------------------------- */

typedef enum RecordVerdict { RECORD_GO_ON, RECORD_END_HERE, RECORD_CANCEL } RecordVerdict;
typedef struct RecordSweepParams {
    SweepKind kind;
    const char *tour; /* SWEEP_TOUR: path */
    const char *path;
    bool replace;
    int fps;           /* 0: RECORD_SWEEP_FPS */
    double hold, fade; /* seconds of a stop (0: its kind's) and between two */
    double speed;      /* 0: 1 */
    bool loop;         /* fades back to the first stop */
    bool own_range;    /* each stop in its own range of colours */
    bool no_caption;
    FrameParams frame;
    /* Often; `total` 0: not known yet. */
    RecordVerdict (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
    void *progress_user;
    /* For measurements: gets every distinct frame as it goes to the encoder; may be NULL. */
    void (*watch)(void *user, const uint8_t *frame, uint64_t times);
    void *watch_user;
} RecordSweepParams;

typedef struct RecordSweepReport {
    RecordSummary summary;
    uint64_t total; /* frames that were planned */
    bool ended_early;
    bool one_range;
    float lo, hi;
    TextBuffer stops;     /* JSON array */
    uint64_t encoding_ns; /* from the first frame to the complete file */
} RecordSweepReport;
/* The view is afterwards as it was before. STATUS_CANCELLED after RECORD_CANCEL, with nothing kept. */
Status record_sweep(App *app, const RecordSweepParams *params, RecordSweepReport *report, Error *err);

/* ---- cmd_record.c : commands and questions --------------------------------------------------- */

/* Before quitting: true when something is being recorded, and the person was asked. */
bool record_asks_to_stay(App *app);
/* True when the event was an answer, or there is a question and it must not reach anything else. */
bool record_event(App *app, const InputEvent *event);

/* ---- panel_record.c -------------------------------------------------------------------------- */

/* What is painted over the window's frame: red dot, time, dropped frames; a question; progress of a sweep. */
void panel_record(App *app, Recorder *recorder);

#endif
