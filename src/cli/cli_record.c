/* `record`: a sweep or a tour to a movie or numbered pictures, with no display. */
#include "app/window.h"
#include "cli/cli.h"
#include "features/record/record.h"
#include "session/still.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_NS UINT64_C(100000000)
#define ETA_AFTER_NS UINT64_C(1000000000)
#define DEFAULT_SIZE "1280x720"

typedef struct RecordCli {
    ViewOptions view;
    const char *sweep, *fps, *hold, *fade, *speed, *out;
    bool loop, own_range, no_caption, window, force, json, quiet;
} RecordCli;

/* ---- progress -------------------------------------------------------------------------------- */

typedef struct Terminal {
    bool shown, quiet;
    uint64_t began_ns, last_ns;
} Terminal;

static RecordVerdict report(void *user, const char *what, uint64_t done, uint64_t total) {
    Terminal *t = user;
    const Clock clock = clock_system();
    const uint64_t now = clock_now_ns(&clock);
    if (movie_interrupted()) return RECORD_END_HERE;
    if (t->quiet || now - t->last_ns < PROGRESS_NS) return RECORD_GO_ON;
    t->last_ns = now;
    t->shown = true;
    const double fraction = total > 0 ? (double)done / (double)total : 0;
    char left[48] = "";
    if (fraction > 0.02 && now - t->began_ns > ETA_AFTER_NS) {
        snprintf(left, sizeof left, ", about %.0f s left",
                 ceil((double)(now - t->began_ns) / 1e9 * (1 - fraction) / fraction));
    }
    if (total > 0)
        fprintf(stderr, "\r%-10s %3.0f %%  %llu of %llu%s\033[K", what, fraction * 100, (unsigned long long)done,
                (unsigned long long)total, left);
    else
        fprintf(stderr, "\r%s ...\033[K", what);
    return RECORD_GO_ON;
}

static void clear_line(Terminal *t) {
    if (t->shown) fprintf(stderr, "\r\033[K");
    t->shown = false;
}

/* ---- options --------------------------------------------------------------------------------- */

static Status seconds(const char *name, const char *text, double least, double most, double *out, Error *err) {
    if (!text) return STATUS_OK;
    if (text_parse_f64(text, out) && *out >= least && *out <= most) return STATUS_OK;
    return error_set(err, STATUS_USAGE, "--%s takes a number from %g to %g, not '%.60s'", name, least, most, text);
}

static Status parse(const RecordCli *o, RecordSweepParams *params, Error *err) {
    int64_t fps = 0;
    MovieOutput output;
    *params = (RecordSweepParams){.kind = record_plan_kind(o->sweep),
                                  .tour = o->sweep,
                                  .path = o->out,
                                  .replace = o->force,
                                  .loop = o->loop,
                                  .own_range = o->own_range,
                                  .no_caption = o->no_caption};
    if (params->kind == SWEEP_TOUR && !strchr(o->sweep, '.') && !file_exists(o->sweep)) {
        return error_set(err, STATUS_USAGE,
                         "--sweep takes layers, heads, tokens, steps or the path of a tour, not '%.200s'", o->sweep);
    }
    Status status = movie_output_parse(o->out, &output, err);
    if (status == STATUS_OK && o->fps) status = options_i64("fps", o->fps, 1, MOVIE_FPS_MAX, &fps, err);
    params->fps = (int)fps;
    if (status == STATUS_OK) status = seconds("hold", o->hold, 0, 3600, &params->hold, err);
    if (status == STATUS_OK) status = seconds("fade", o->fade, 0, 60, &params->fade, err);
    if (status == STATUS_OK) status = seconds("speed", o->speed, 0.01, 100, &params->speed, err);
    return status;
}

static size_t option_table(RecordCli *o, Option *table) {
    size_t n = view_options_table(&o->view, false, table);
    const Option own[] = {
        {"sweep", 0, "WHAT", "layers, heads, tokens, steps, or the path of a tour", &o->sweep, NULL},
        {"output", 'o', "OUT", "OUT.mp4, .webm, .gif, .webp, a folder, or OUT-%04d.png", &o->out, NULL},
        {"fps", 0, "N", "frames a second (30)", &o->fps, NULL},
        {"hold", 0, "S", "seconds of a stop (layers and heads 0.8, tokens 0.2, steps 0.5)", &o->hold, NULL},
        {"fade", 0, "S", "seconds of a cross-fade between stops (0)", &o->fade, NULL},
        {"speed", 0, "X", "times faster", &o->speed, NULL},
        {"loop", 0, NULL, "fade back to the first stop at the end", NULL, &o->loop},
        {"own-range", 0, NULL, "each stop in its own colour range instead of one for all", NULL, &o->own_range},
        {"no-caption", 0, NULL, "without the strip that says what is shown", NULL, &o->no_caption},
        {"window", 0, NULL, "with the panels of the window", NULL, &o->window},
        {"force", 'f', NULL, "replace what exists", NULL, &o->force},
        {"json", 0, NULL, "one JSON object about what was recorded", NULL, &o->json},
    };
    memcpy(table + n, own, sizeof own);
    return n + BASE_COUNT(own);
}

/* ---- running --------------------------------------------------------------------------------- */

static Status set_up(App *app, const RecordCli *o, AppParams *start, const char *file, FrameParams *frame, Error *err) {
    Status status = program_open(app, &CATALOG, start, err);
    if (status != STATUS_OK) return status;
    if (o->view.axes) snprintf(app->opened.axes, sizeof app->opened.axes, "%s", o->view.axes);
    if ((status = captures_open(app, &file, 1, err)) != STATUS_OK) return status;
    if ((status = app_need_patterns(app, "`record`", err)) != STATUS_OK) return status;
    *frame = frame_window_params(app);
    frame->bare = o->view.bare;
    frame->chrome = o->window && !o->view.bare;
    if (o->view.bare) {
        app->look.labels = false;
        app->look.matrix.fit_mode = FIT_STRETCH;
    } else {
        frame->width = (int)lroundf((float)frame->width * app->ui.scale);
        frame->height = (int)lroundf((float)frame->height * app->ui.scale);
        frame->caption = o->no_caption ? 0 : RECORD_CAPTION_POINTS; /* --rect is fitted into what is left */
    }
    if ((status = view_options_apply(&o->view, app, frame, err)) != STATUS_OK) return status;
    app->message.text[0] = 0;
    if (!o->view.exec) return STATUS_OK;
    frame_build(app, frame);
    return commands_run_script(app, o->view.exec, err);
}

static void print_report(const RecordSweepReport *r, bool json) {
    char text[MOVIE_SENTENCE + APP_PATH_SIZE];
    if (!json) {
        record_describe(&r->summary, 0, text, sizeof text);
        printf("%s\n", text);
        return;
    }
    TextBuffer out = {0};
    text_append(&out, "{\"file\":");
    text_append_json(&out, r->summary.path);
    text_appendf(&out,
                 ",\"frames\":%llu,\"planned\":%llu,\"fps\":%d,\"seconds\":", (unsigned long long)r->summary.frames,
                 (unsigned long long)r->total, r->summary.fps);
    text_append_json_f64(&out, (double)r->summary.frames / r->summary.fps);
    text_appendf(&out, ",\"size\":[%d,%d],\"range\":", r->summary.width, r->summary.height);
    if (r->one_range)
        text_appendf(&out, "[%.9g,%.9g]", (double)r->lo, (double)r->hi);
    else
        text_append(&out, "null");
    text_append(&out, ",\"note\":");
    text_append_json(&out, r->summary.note);
    text_appendf(&out, ",\"stops\":%s}", r->stops.text ? r->stops.text : "[]");
    puts(out.failed || !out.text ? "{}" : out.text);
    text_buffer_free(&out);
}

static int tell(const RecordCli *o, const RecordSweepReport *r) {
    print_report(r, o->json);
    if (r->summary.note[0]) fprintf(stderr, "attnscope: %s\n", r->summary.note);
    if (!r->ended_early) return r->summary.format == MOVIE_PNG && movie_output_is_movie(o->out) ? EXIT_SOME : EXIT_OK;
    fprintf(stderr, "attnscope: interrupted after %llu of %llu frames; what was recorded until then is complete\n",
            (unsigned long long)r->summary.frames, (unsigned long long)r->total);
    return EXIT_SOME;
}

static int run(const RecordCli *o, AppParams *start, RecordSweepParams *params, const char *file) {
    Error err = {0};
    RecordSweepReport result = {0};
    Terminal terminal = {.quiet = !isatty(STDERR_FILENO)};
    const Clock clock = clock_system();
    App *app = mem_alloc_zeroed(1, sizeof *app);
    if (!app) error_set(&err, STATUS_MEMORY, "not enough memory to start");
    movie_interrupt_begin();
    Status status = app ? set_up(app, o, start, file, &params->frame, &err) : STATUS_MEMORY;
    terminal.began_ns = clock_now_ns(&clock);
    params->progress = report;
    params->progress_user = &terminal;
    if (status == STATUS_OK) status = record_sweep(app, params, &result, &err);
    clear_line(&terminal);
    if (app) program_close(app);
    mem_free(app);
    movie_interrupt_end();
    const int code = status == STATUS_OK ? tell(o, &result) : options_fail(&err);
    text_buffer_free(&result.stops);
    return code;
}

static void print_help(const Option *table, size_t count) {
    printf(
        "usage: attnscope record FILE --sweep layers|heads|tokens|steps|TOUR.txt [options] -o OUT\n\n"
        "Draws every frame exactly and hands it to ffmpeg; OUT may also be a folder for PNG pictures, which needs no "
        "ffmpeg.\n"
        "One colour range holds for the whole recording: the largest of the automatic ones, unless --range or "
        "--own-range says otherwise.\n"
        "Ctrl+C ends a recording early; the file plays. FILE may be demo:NAME. docs/recording.md describes tours.\n\n");
    options_print(table, count, stdout);
}

int cli_record(int argc, char **argv) {
    RecordCli o = {0};
    Option table[VIEW_OPTIONS_MAX + 16];
    view_options_begin(&o.view, &CATALOG);
    const size_t n = option_table(&o, table);
    const char *file = NULL, *pictured = NULL;
    size_t count = 0;
    Error err = {0};
    AppParams start = {.mode = PLATFORM_OFFSCREEN, .disk_cache = true};
    RecordSweepParams params;
    Status status = options_parse(table, n, argc, argv, &file, 1, &count, &err);
    if (status == STATUS_OK && o.view.help) {
        print_help(table, n);
        return EXIT_OK;
    }
    if (status == STATUS_OK && o.view.from) status = still_read_view(o.view.from, &o.view, &pictured, count == 0, &err);
    if (status == STATUS_OK && count == 0 && pictured) file = pictured;
    if (status == STATUS_OK && !file) {
        status = error_set(&err, STATUS_USAGE, "`record` needs a file, or demo:NAME, or --from PICTURE.png");
    }
    if (status == STATUS_OK && !o.sweep)
        status = error_set(&err, STATUS_USAGE,
                           "`record` needs --sweep layers, heads, tokens, steps or the path of a tour");
    if (status == STATUS_OK && !o.out)
        status = error_set(&err, STATUS_USAGE, "`record` needs -o OUT.mp4, or .webm, .gif, .webp, or a folder");
    if (status == STATUS_OK) status = parse(&o, &params, &err);
    if (!view_options_value(&o.view, "size")) view_options_give(&o.view, "size", DEFAULT_SIZE);
    if (status == STATUS_OK) status = view_options_start(&o.view, &start, &err);
    return status == STATUS_OK ? run(&o, &start, &params, file) : options_fail(&err);
}
