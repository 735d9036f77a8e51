/* Recording as a part: its commands, and the questions it asks. */
#include "features/camera.h"
#include "features/palette/palette.h"
#include "features/parts.h"
#include "features/record/record_parts.h"
#include "session/property.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define DETAIL_EVERY_NS UINT64_C(200000000)
#define ETA_AFTER_NS UINT64_C(1500000000)
/* Commands are read into lines of 512 bytes: what is close to that was cut. */
#define PATH_MOST 400

/* ---- names and arguments --------------------------------------------------------------------- */

/* CAPTURE-WHAT-TIME.ending in the current folder, free of characters that file systems dislike. */
void record_default_name(const App *app, const char *what, const char *ending, char *out, size_t out_size) {
    char base[256] = "attnscope", stamp[32] = "";
    if (app_capture(app))
        snprintf(base, sizeof base, "%s",
                 app->opened.captures[0].is_demo ? app->opened.captures[0].demo_name : capture_name(app_capture(app)));
    char *dot = strrchr(base, '.');
    if (dot && dot != base) *dot = 0;
    const time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local)) strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    snprintf(out, out_size, "%.120s-%s-%s%s", base, what, stamp, ending);
    for (char *c = out; *c; c++) {
        if (strchr("/:*?\"<>|,; %", *c)) *c = c == out ? '_' : '+';
    }
}

/* Takes one word off *args. */
static bool take_word(const char **args, char *word, size_t word_size) {
    const size_t length = strcspn(*args, " ");
    if (length == 0 || length >= word_size) return false;
    memcpy(word, *args, length);
    word[length] = 0;
    return true;
}

static void skip_word(const char **args) {
    *args += strcspn(*args, " ");
    *args += strspn(*args, " ");
}

static bool parse_fps(const char *text, int *fps) {
    int64_t value;
    if (!text_parse_i64(text, &value) || value < 1 || value > MOVIE_FPS_MAX) return false;
    *fps = (int)value;
    return true;
}

static bool parse_seconds(const char *text, double *out) {
    return text_parse_f64(text, out) && *out >= 0 && *out <= 3600;
}

static bool path_fits(const char *path, Error *err) {
    if (strlen(path) <= PATH_MOST) return true;
    error_set(err, STATUS_USAGE, "a path of more than %d bytes has to be given on the command line", PATH_MOST);
    return false;
}

/* Is there something at the path that must be asked about? */
static bool would_replace(const char *path) {
    MovieOutput output;
    return movie_output_parse(path, &output, NULL) == STATUS_OK && movie_output_exists(&output);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void ask(App *app, RecordQuestion question, const char *name, const char *line) {
    Recorder *r = record_of(app);
    r->question = question;
    snprintf(r->question_name, sizeof r->question_name, "%s", name);
    snprintf(r->question_line, sizeof r->question_line, "%s", line);
    app->pace.redraw = true;
}

static bool asks_to_stay(App *app) {
    Recorder *r = record_of(app);
    if (!r->live.encoder || r->question == ASK_QUIT) return false; /* who asks twice means it */
    ask(app, ASK_QUIT, "", "");
    return true;
}

static bool cmd_answer(App *app, const char *args, Error *err) {
    Recorder *r = record_of(app);
    if (r->question == ASK_NOTHING) {
        error_set(err, STATUS_NOT_FOUND, "nothing was asked");
        return false;
    }
    const RecordQuestion question = r->question;
    r->question = ASK_NOTHING;
    if (strcmp(args, "yes")) return true;
    if (question == ASK_QUIT) {
        record_live_stop(app);
        app->quit = true;
    } else {
        char line[sizeof r->question_line];
        snprintf(line, sizeof line, "%s", r->question_line);
        (void)commands_run(app, line, err);
    }
    return true;
}

static bool take_event(App *app, const InputEvent *event) {
    if (record_of(app)->question == ASK_NOTHING) return false;
    switch (event->type) {
    case EVENT_KEY_DOWN:
        if (event->key == KEY_ENTER || event->key == 'y')
            commands_run_line(app, "answer yes");
        else if (event->key == KEY_ESCAPE || event->key == 'n')
            commands_run_line(app, "answer no");
        return true;
    case EVENT_TEXT:
    case EVENT_WHEEL:
    case EVENT_DROP_FILE:
        return true;
    case EVENT_MOUSE_DOWN:
        return event->button != BUTTON_LEFT;
    default:
        return false;
    }
}

/* ---- live ------------------------------------------------------------------------------------ */

static bool cmd_record(App *app, const char *args, Error *err) {
    if (record_live_on(app)) {
        record_live_stop(app);
        return true;
    }
    if (!app->machine.platform || !platform_is_window(app->machine.platform)) {
        error_set(
            err, STATUS_UNSUPPORTED,
            "there is no window to record; `attnscope record FILE --sweep layers -o OUT.mp4` records without one");
        return false;
    }
    RecordLiveParams params = {0};
    char name[512], word[64], line[APP_PATH_SIZE];
    const char *rest = args;
    for (; take_word(&rest, word, sizeof word); skip_word(&rest)) {
        if (!strcmp(word, "view"))
            params.view_only = true;
        else if (!strcmp(word, "window"))
            params.view_only = false;
        else if (!strcmp(word, "replace"))
            params.replace = true;
        else if (!text_starts_with(word, "fps=") || !parse_fps(word + 4, &params.fps))
            break;
    }
    if (text_starts_with(rest, "fps=")) {
        error_set(err, STATUS_USAGE, "fps=N takes 1 to %d", MOVIE_FPS_MAX);
        return false;
    }
    params.path = rest;
    if (!rest[0]) {
        record_default_name(app, "recording", ".mp4", name, sizeof name);
        params.path = name;
    }
    if (!path_fits(params.path, err)) return false;
    if (!params.replace && would_replace(params.path)) {
        snprintf(line, sizeof line, "record replace %s", args);
        ask(app, ASK_REPLACE, params.path, line);
        return true;
    }
    return record_live_start(app, &params, err) == STATUS_OK;
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

typedef struct WindowSweep {
    App *app;
    RecordProgress progress;
    Clock clock; /* the system's: the app's stands still */
    uint64_t began_ns, drawn_ns;
} WindowSweep;

static void describe_progress(WindowSweep *w, const char *what, uint64_t done, uint64_t total, uint64_t now) {
    char left[64] = "";
    const double fraction = total > 0 ? (double)done / (double)total : 0;
    if (fraction > 0.02 && now - w->began_ns > ETA_AFTER_NS) {
        const double seconds = (double)(now - w->began_ns) / 1e9 * (1 - fraction) / fraction;
        snprintf(left, sizeof left, ",  about %.0f s left", ceil(seconds));
    }
    w->progress.fraction = fraction;
    char count[32], all[32];
    text_format_count((int64_t)done, count, sizeof count);
    text_format_count((int64_t)total, all, sizeof all);
    if (total > 0)
        snprintf(w->progress.detail, sizeof w->progress.detail, "%s,  %s of %s%s", what, count, all, left);
    else
        snprintf(w->progress.detail, sizeof w->progress.detail, "%s", what);
}

/* Draws the window with the progress over it, and looks for Esc. */
static RecordVerdict window_progress(void *user, const char *what, uint64_t done, uint64_t total) {
    WindowSweep *w = user;
    App *app = w->app;
    const uint64_t now = clock_now_ns(&w->clock);
    if (now - w->drawn_ns < DETAIL_EVERY_NS) return RECORD_GO_ON;
    w->drawn_ns = now;
    InputEvent event;
    while (platform_poll(app->machine.platform, &event)) {
        if (event.type == EVENT_KEY_DOWN && event.key == KEY_ESCAPE) return RECORD_CANCEL;
        if (event.type == EVENT_QUIT) {
            app->quit = true;
            return RECORD_CANCEL;
        }
    }
    if (movie_interrupted()) {
        app->quit = true;
        return RECORD_END_HERE;
    }
    describe_progress(w, what, done, total, now);
    const FrameParams params = frame_window_params(app);
    frame_build(app, &params);
    if (gpu_paint(app->machine.gpu, NULL, params.width, params.height, views_theme(app->ui.light)->ground,
                  &app->picture.list, NULL) == STATUS_OK &&
        record_painted(app, &params, now, NULL) == STATUS_OK) {
        platform_swap(app->machine.platform);
    }
    return RECORD_GO_ON;
}

static bool parse_sweep_word(const char *word, RecordSweepParams *params, bool *window) {
    if (!strcmp(word, "replace")) return params->replace = true;
    if (!strcmp(word, "loop")) return params->loop = true;
    if (!strcmp(word, "own-range")) return params->own_range = true;
    if (!strcmp(word, "window")) return *window = true;
    if (text_starts_with(word, "fps=")) return parse_fps(word + 4, &params->fps);
    if (text_starts_with(word, "hold=")) return parse_seconds(word + 5, &params->hold);
    if (text_starts_with(word, "fade=")) return parse_seconds(word + 5, &params->fade);
    return text_starts_with(word, "speed=") && text_parse_f64(word + 6, &params->speed) && params->speed >= 0.01 &&
           params->speed <= 100;
}

static void tell_sweep(App *app, const RecordSweepReport *report) {
    char text[APP_MESSAGE_SIZE];
    record_describe(&report->summary, 0, text, sizeof text);
    const char *note = report->summary.note;
    app_say(app, note[0] ? SAY_WARNING : SAY_INFO, "saved %s%s%s", text, note[0] ? "; " : "", note);
}

static bool run_sweep(App *app, RecordSweepParams *params, Error *err) {
    Recorder *r = record_of(app);
    WindowSweep window = {.app = app, .clock = clock_system()};
    window.began_ns = clock_now_ns(&window.clock);
    snprintf(window.progress.title, sizeof window.progress.title, "Recording %s", params->path);
    params->progress = window_progress;
    params->progress_user = &window;
    RecordSweepReport report;
    const bool palette = palette_show(app, false); /* out of the way; there again when something is wrong */
    if (platform_is_window(app->machine.platform))
        r->progress = &window.progress;
    else
        params->progress = NULL;
    movie_interrupt_begin();
    const Status status = record_sweep(app, params, &report, err);
    movie_interrupt_end();
    r->progress = NULL;
    if (status == STATUS_OK) tell_sweep(app, &report);
    if (status == STATUS_OK && report.ended_early) fprintf(stderr, "attnscope: interrupted; %s\n", app->message.text);
    text_buffer_free(&report.stops);
    (void)palette_show(app, palette);
    app->pace.redraw = true;
    if (status != STATUS_CANCELLED) return status == STATUS_OK;
    /* Somebody pressed Esc: that is no mistake. */
    app_say(app, SAY_INFO, "%s", err->message);
    *err = (Error){0};
    return true;
}

static bool cmd_sweep(App *app, const char *args, Error *err) {
    RecordSweepParams params = {.kind = SWEEP_LAYERS, .fade = 0};
    char name[512], word[512], what[512] = "layers", line[APP_PATH_SIZE];
    bool window = false;
    const char *rest = args;
    if (record_live_on(app)) {
        error_set(err, STATUS_USAGE, "a recording is on; F9 ends it");
        return false;
    }
    if (!app_capture(app)) {
        error_set(err, STATUS_NOT_FOUND, "no capture is open");
        return false;
    }
    if (take_word(&rest, what, sizeof what)) {
        skip_word(&rest);
        params.kind = record_plan_kind(what);
        params.tour = what;
        if (params.kind == SWEEP_TOUR && !file_exists(what)) {
            error_set(err, STATUS_USAGE,
                      "'sweep' takes layers, heads, tokens, steps or the path of a tour, not '%.200s'", what);
            return false;
        }
    }
    while (take_word(&rest, word, sizeof word) && parse_sweep_word(word, &params, &window))
        skip_word(&rest);
    params.path = rest;
    if (!rest[0]) {
        record_default_name(app, params.kind == SWEEP_TOUR ? "tour" : what, ".mp4", name, sizeof name);
        params.path = name;
    }
    if (!path_fits(params.path, err)) return false;
    if (!params.replace && platform_is_window(app->machine.platform) && would_replace(params.path)) {
        snprintf(line, sizeof line, "sweep %s replace %s", what, args + strcspn(args, " "));
        ask(app, ASK_REPLACE, params.path, line);
        return true;
    }
    params.frame = frame_window_params(app);
    params.frame.chrome = window;
    return run_sweep(app, &params, err);
}

// clang-format off
static const Command COMMANDS[] = {
    {"record", "[view|window] [fps=N] [PATH]", cmd_record, "F9=", "Window", "record the window; again to stop", NULL, .trusted = true},
    {"sweep", "[layers|heads|tokens|steps|TOUR.txt] [fps=N] [hold=S] [fade=S] [PATH]", cmd_sweep, "Shift+F9=layers", "Window", "record all layers, every frame exact", NULL, .needs = SCENE_PATTERNS, .trusted = true},
    {"answer", "yes|no", cmd_answer, NULL, NULL, NULL, NULL, .trusted = true},
    {.name = NULL},
};
// clang-format on

const Part RECORD = {.name = "record",
                     .state = &RECORD_STATE,
                     .close = record_live_close,
                     .event = take_event,
                     .clock.tick = record_tick,
                     .clock.next_ns = record_live_next_ns,
                     .drawing = {.painted = record_painted},
                     .asks_to_stay = asks_to_stay,
                     .commands = COMMANDS};
