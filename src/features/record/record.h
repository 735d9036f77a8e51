/* Recording: what is drawn -> a movie or numbered pictures. The frames go to movie/.
 *
 *   record_live.c   the window, by the clock      \
 *   record_sweep.c  stop by stop, each frame exact - frames -> encoder.c (thread) -> ffmpeg | PNG files
 *   record_tour.c   commands with times           /
 *
 * One section for each .c file. All but the encoder's thread runs in the thread with the GL context. */
#ifndef ATTNSCOPE_FEATURES_RECORD_H
#define ATTNSCOPE_FEATURES_RECORD_H

#include "movie/movie.h"
#include "session/app.h"

/* ---- record_live.c : the window, by the clock ------------------------------------------------ */

typedef struct RecordLive {
    MovieEncoder *encoder; /* NULL: not recording */
    GpuTarget *target;     /* of the size that the recording began with */
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
    int fps; /* 0: MOVIE_LIVE_FPS */
    bool view_only, replace;
    GpuTarget *source; /* what is drawn into; NULL: the window (bench draws off screen) */
} RecordLiveParams;
/* What the person is asked; "answer yes" runs `line` or quits. */
typedef enum RecordQuestion { ASK_NOTHING, ASK_REPLACE, ASK_QUIT } RecordQuestion;

/* Of a sweep in the window. */
typedef struct RecordProgress {
    char title[MOVIE_SENTENCE], detail[256];
    double fraction;
} RecordProgress;

/* All that belongs to recording in the window. */
typedef struct Recorder {
    RecordLive live;
    GpuTarget *source;
    MovieEncoder *finishing; /* its thread completes the file */
    uint64_t finishing_dropped;
    struct RecordLiveTour *tour;     /* being played */
    struct RecordTourWriter *writer; /* being written */
    RecordQuestion question;
    char question_name[256], question_line[APP_PATH_SIZE + 128];
    const RecordProgress *progress; /* of a sweep that is on */
    DrawList list;                  /* painted over the frame, not recorded */
} Recorder;
extern const StateKey RECORD_STATE;
Recorder *record_of(const App *app);

Status record_live_start(App *app, const RecordLiveParams *params, Error *err);
/* The file is completed in the background; record_tick says how it went. */
void record_live_stop(App *app);
bool record_live_on(const App *app);
/* After a frame was painted and before it is shown; began_ns: when work on it began. Paints the red dot and
 * questions. */
Status record_painted(App *app, const FrameParams *params, uint64_t began_ns, Error *err);
/* Brings a live recording up to this time, for who has no loop (bench). */
void record_tick(App *app, uint64_t now);
/* "NAME: 12.3 s, 738 frames" */
void record_describe(const MovieSummary *summary, uint64_t dropped, char *out, size_t out_size);

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
Status record_tour_load(const App *app, const char *path, RecordTour **out, Error *err);
Status record_tour_parse(const App *app, const char *text, const char *name, RecordTour **out, Error *err);
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
/* May a tour run this command? Tours come from other people: none that touches files, the clipboard or the program. */
bool record_tour_allows(const Command *command);

/* Writes down what is done in the window, until stopped; the file is written then. */
Status record_tour_write_start(App *app, const char *path, Error *err);
Status record_tour_write_stop(App *app, Error *err);
bool record_tour_writing(const App *app);
/* From record_painted: the camera is here now. */
void record_tour_note_frame(App *app, uint64_t now);
void record_tour_write_drop(App *app); /* without writing */

/* ---- record_sweep.c : frame by frame, each exact --------------------------------------------- */

typedef enum RecordVerdict { RECORD_GO_ON, RECORD_END_HERE, RECORD_CANCEL } RecordVerdict;
typedef struct RecordSweepParams {
    SweepKind kind;
    const char *tour; /* SWEEP_TOUR: path */
    const char *path;
    bool replace;
    int fps;           /* 0: MOVIE_SWEEP_FPS */
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
    MovieSummary summary;
    uint64_t total; /* frames that were planned */
    bool ended_early;
    bool one_range;
    float lo, hi;
    TextBuffer stops;     /* JSON array */
    uint64_t encoding_ns; /* from the first frame to the complete file */
} RecordSweepReport;
/* The view is afterwards as it was before. STATUS_CANCELLED after RECORD_CANCEL, with nothing kept. */
Status record_sweep(App *app, const RecordSweepParams *params, RecordSweepReport *report, Error *err);

/* ---- panel_record.c -------------------------------------------------------------------------- */

/* What is painted over the window's frame: red dot, time, dropped frames; a question; progress of a sweep. */
void panel_record(App *app, Recorder *recorder);

#endif
