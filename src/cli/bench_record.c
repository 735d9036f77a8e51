/* `bench --record`: what recording costs.
 *
 *   sweep   frames a second of a sweep, from its first frame to the complete file, against the same encoder fed the
 *           same frames from memory: the ratio is what drawing, waiting and reading back cost
 *   tour    the same for a tour whose frames all differ
 *   live    a window's worth of frames, paced by the clock while a zoom plays, recorded as F9 does: slots without a
 *           picture of their own are dropped ones
 *
 * Sweep and encoder take turns, and the better time of each counts. Files go to a folder of their own that is
 * removed. */
#include "app/window.h"
#include "cli/bench.h"
#include "features/record/record.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 3
#define KEPT_BYTES ((size_t)768 << 20)
#define KEPT_MAX 4096
#define LIVE_SECONDS 5
#define SETTLE_NS UINT64_C(600000000000)
#define UPLOAD_BUDGET_NS UINT64_C(2000000)
#define TOUR "0..2 ease camera 0:24,0:24\n2..4 ease camera fit\n4 end\n"

/* The frames of a sweep, kept. */
typedef struct Kept {
    uint8_t *frames[KEPT_MAX];
    uint64_t times[KEPT_MAX];
    int count;
    size_t frame_size, bytes;
    bool failed;
} Kept;

typedef struct Rates {
    uint64_t frames;
    int distinct;
    double sweep, encoder; /* frames a second */
} Rates;

typedef struct LiveResult {
    int fps;
    uint64_t frames, dropped;
} LiveResult;

static uint64_t now_ns(void) {
    const Clock clock = clock_system();
    return clock_now_ns(&clock);
}

static void keep_frame(void *user, const uint8_t *frame, uint64_t times) {
    Kept *kept = user;
    if (kept->count == KEPT_MAX || kept->bytes + kept->frame_size > KEPT_BYTES ||
        !(kept->frames[kept->count] = mem_alloc(kept->frame_size))) {
        kept->failed = true;
        return;
    }
    memcpy(kept->frames[kept->count], frame, kept->frame_size);
    kept->times[kept->count++] = times;
    kept->bytes += kept->frame_size;
}

static void release_kept(Kept *kept) {
    for (int i = 0; i < kept->count; i++)
        mem_free(kept->frames[i]);
    *kept = (Kept){0};
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

static Status measure_sweep(App *app, RecordSweepParams *params, double *rate, uint64_t *frames, Error *err) {
    RecordSweepReport report;
    const Status status = record_sweep(app, params, &report, err);
    text_buffer_free(&report.stops);
    if (status != STATUS_OK) return status;
    if (report.summary.format != MOVIE_MP4)
        return error_set(err, STATUS_NOT_FOUND, "ffmpeg was not found, and there is nothing to compare with");
    *frames = report.summary.frames;
    const double measured = (double)report.summary.frames / ((double)report.encoding_ns / 1e9);
    if (measured > *rate) *rate = measured;
    return STATUS_OK;
}

static Status measure_encoder(const Kept *kept, const RecordSweepParams *sweep, double *rate, Error *err) {
    const MovieEncoderParams params = {
        .path = sweep->path,
        .replace = true,
        .shape = {.width = sweep->frame.width, .height = sweep->frame.height, .fps = sweep->fps}};
    MovieEncoder *encoder;
    MovieSummary summary;
    const Status status = movie_encoder_open(&params, &encoder, err);
    if (status != STATUS_OK) return status;
    const uint64_t start = now_ns();
    for (int i = 0; i < kept->count; i++) {
        uint8_t *frame = movie_encoder_buffer(encoder, true);
        if (!frame) break;
        memcpy(frame, kept->frames[i], kept->frame_size);
        movie_encoder_put(encoder, frame, kept->times[i]);
    }
    movie_encoder_end(encoder, MOVIE_END_ALL);
    const Status closed = movie_encoder_close(encoder, &summary, err);
    if (closed != STATUS_OK) return closed;
    const double measured = (double)summary.frames / ((double)(now_ns() - start) / 1e9);
    if (measured > *rate) *rate = measured;
    return STATUS_OK;
}

static Status compare(App *app, RecordSweepParams *params, Rates *rates, Error *err) {
    Kept *kept = mem_alloc_zeroed(1, sizeof *kept);
    if (!kept) return error_set(err, STATUS_MEMORY, "not enough memory to compare");
    kept->frame_size = (size_t)params->frame.width * (size_t)params->frame.height * 4;
    double unmeasured = 0;
    params->watch = keep_frame;
    params->watch_user = kept;
    Status status = measure_sweep(app, params, &unmeasured, &rates->frames, err);
    params->watch = NULL;
    if (status == STATUS_OK && kept->failed)
        status = error_set(err, STATUS_MEMORY, "its frames do not fit into memory; choose a smaller --size");
    for (int i = 0; i < ROUNDS && status == STATUS_OK; i++) {
        status = measure_encoder(kept, params, &rates->encoder, err);
        if (status == STATUS_OK) status = measure_sweep(app, params, &rates->sweep, &rates->frames, err);
    }
    rates->distinct = kept->count;
    release_kept(kept);
    mem_free(kept);
    return status;
}

/* ---- live ------------------------------------------------------------------------------------ */

static Status one_live_frame(Bench *b, Error *err) {
    App *app = b->app;
    bool any;
    const uint64_t began = clock_now_ns(&app->machine.clock);
    app->pace.last_input_ns = began;
    work_pause(app);
    work_take_results(app, UPLOAD_BUDGET_NS, &any);
    frame_build(app, &b->params);
    Status status = gpu_paint(app->machine.gpu, b->target, b->params.width, b->params.height,
                              views_theme(app->ui.light)->ground, &app->picture.list, err);
    if (status == STATUS_OK) status = record_painted(app, &b->params, began, err);
    work_submit_wants(app, true);
    work_resume(app);
    record_tick(app, clock_now_ns(&app->machine.clock));
    return status;
}

/* Waits for the next vertical blank of a display of `fps`; a frame that takes longer misses some. */
static void wait_for_blank(uint64_t start, int fps) {
    const uint64_t passed = now_ns() - start, slot = passed * (uint64_t)fps / UINT64_C(1000000000);
    const uint64_t next = start + (slot + 1) * UINT64_C(1000000000) / (uint64_t)fps;
    const uint64_t now = now_ns();
    if (next > now) clock_sleep_ns(next - now);
}

static Status measure_live(Bench *b, const char *heads, const char *path, LiveResult *result, Error *err) {
    App *app = b->app;
    TourState state = {.app = app, .params = b->params};
    const Tour *tour = tour_find("zoom");
    char line[64];
    snprintf(line, sizeof line, "heads %s", heads);
    Status status = commands_run(app, line, err);
    scene_fit(app);
    if (status == STATUS_OK) status = work_settle_all(app, &b->params, SETTLE_NS, err);
    const RecordLiveParams params = {.path = path, .fps = result->fps, .replace = true, .source = b->target};
    if (status == STATUS_OK) status = record_live_start(app, &params, err);
    if (status != STATUS_OK) return status;
    const uint64_t start = now_ns();
    for (double t = 0; t < 1 && status == STATUS_OK; t = (double)(now_ns() - start) / (LIVE_SECONDS * 1e9)) {
        tour->play(&state, t);
        status = one_live_frame(b, err);
        wait_for_blank(start, result->fps);
    }
    result->dropped = record_of(app)->live.dropped;
    record_live_stop(app);
    MovieSummary summary = {0};
    const Status closed = movie_encoder_close(record_of(app)->finishing, &summary, err);
    record_of(app)->finishing = NULL;
    result->frames = summary.frames;
    scene_fit(app);
    return status == STATUS_OK ? closed : status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void print(const App *app, const Bench *b, const Rates *sweep, const Rates *tour, const LiveResult *one,
                  const LiveResult *mean, bool json) {
    if (json) {
        TextBuffer out = {0};
        text_append(&out, "{\"renderer\":");
        text_append_json(&out, gpu_info(app->machine.gpu)->renderer);
        text_appendf(&out,
                     ",\"size\":[%d,%d],\"sweep\":{\"frames\":%llu,\"pictures\":%d,\"fps\":%.1f,\"encoder_fps\":%.1f,"
                     "\"ratio\":%.3f},",
                     b->params.width, b->params.height, (unsigned long long)sweep->frames, sweep->distinct,
                     sweep->sweep, sweep->encoder, sweep->sweep / sweep->encoder);
        text_appendf(
            &out, "\"tour\":{\"frames\":%llu,\"pictures\":%d,\"fps\":%.1f,\"encoder_fps\":%.1f,\"ratio\":%.3f},",
            (unsigned long long)tour->frames, tour->distinct, tour->sweep, tour->encoder, tour->sweep / tour->encoder);
        text_appendf(&out, "\"live\":{\"one_head\":{\"fps\":%d,\"frames\":%llu,\"dropped\":%llu},", one->fps,
                     (unsigned long long)one->frames, (unsigned long long)one->dropped);
        text_appendf(&out, "\"mean\":{\"fps\":%d,\"frames\":%llu,\"dropped\":%llu}}}", mean->fps,
                     (unsigned long long)mean->frames, (unsigned long long)mean->dropped);
        puts(out.failed ? "{}" : out.text);
        text_buffer_free(&out);
        return;
    }
    printf("%s, %d x %d\n", gpu_info(app->machine.gpu)->renderer, b->params.width, b->params.height);
    printf(
        "sweep of layers   %7.1f frames a second, the encoder alone %7.1f: ratio %.2f  (%llu frames of %d pictures)\n",
        sweep->sweep, sweep->encoder, sweep->sweep / sweep->encoder, (unsigned long long)sweep->frames,
        sweep->distinct);
    printf("tour, all differ  %7.1f frames a second, the encoder alone %7.1f: ratio %.2f  (%llu frames)\n", tour->sweep,
           tour->encoder, tour->sweep / tour->encoder, (unsigned long long)tour->frames);
    printf("live, one head    %d of %d s at %d a second: %llu dropped\n", LIVE_SECONDS, LIVE_SECONDS, one->fps,
           (unsigned long long)one->dropped);
    printf("live, mean        %d of %d s at %d a second: %llu dropped\n", LIVE_SECONDS, LIVE_SECONDS, mean->fps,
           (unsigned long long)mean->dropped);
}

static Status measure(Bench *b, const char *folder, bool json, Error *err) {
    App *app = b->app;
    char movie[APP_PATH_SIZE + 32], tour_path[APP_PATH_SIZE + 32], head[16] = "mean";
    snprintf(movie, sizeof movie, "%s/bench.mp4", folder);
    snprintf(tour_path, sizeof tour_path, "%s/tour.txt", folder);
    Rates sweep = {0}, tour = {0};
    LiveResult one = {.fps = MOVIE_LIVE_FPS}, mean = {.fps = MOVIE_LIVE_FPS / 2};
    RecordSweepParams params = {.kind = SWEEP_LAYERS,
                                .tour = tour_path,
                                .path = movie,
                                .replace = true,
                                .fps = MOVIE_SWEEP_FPS,
                                .frame = b->params};
    params.frame.chrome = false;
    Pattern pattern;
    if (app_pattern(app, &pattern)) snprintf(head, sizeof head, "%d", pattern.layer->head_numbers[0]);
    Status status = work_settle_all(app, &params.frame, SETTLE_NS, err);
    if (status == STATUS_OK) status = compare(app, &params, &sweep, err);
    if (status == STATUS_OK) status = file_write_all(tour_path, TOUR, strlen(TOUR), err);
    params.kind = SWEEP_TOUR;
    if (status == STATUS_OK) status = compare(app, &params, &tour, err);
    if (status == STATUS_OK) status = measure_live(b, head, movie, &one, err);
    if (status == STATUS_OK) status = measure_live(b, "mean", movie, &mean, err);
    if (status == STATUS_OK) print(app, b, &sweep, &tour, &one, &mean, json);
    unlink(movie);
    unlink(tour_path);
    return status;
}

int bench_record(const ViewOptions *options, AppParams *start, const char *file, bool json) {
    Error err = {0};
    Bench b = {.app = mem_alloc_zeroed(1, sizeof(App))};
    const char *temporary = getenv("TMPDIR");
    char folder[APP_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/attnscope-bench-XXXXXX", temporary && temporary[0] ? temporary : "/tmp");
    if (!mkdtemp(folder)) folder[0] = 0;
    Status status = !b.app      ? error_set(&err, STATUS_MEMORY, "not enough memory to start")
                    : folder[0] ? STATUS_OK
                                : error_set(&err, STATUS_IO, "cannot make a folder for temporary files");
    if (status == STATUS_OK) status = program_open(b.app, &CATALOG, start, &err);
    if (status == STATUS_OK) status = captures_open(b.app, &file, 1, &err);
    if (status == STATUS_OK) status = app_need_patterns(b.app, "`bench`", &err);
    if (status == STATUS_OK) {
        b.params = frame_window_params(b.app);
        status = view_options_apply(options, b.app, &b.params, &err);
    }
    if (status == STATUS_OK)
        status = gpu_target_new(b.app->machine.gpu, b.params.width, b.params.height, &b.target, &err);
    if (status == STATUS_OK) status = measure(&b, folder, json, &err);
    if (b.target) gpu_target_drop(b.app->machine.gpu, b.target);
    if (b.app) program_close(b.app);
    mem_free(b.app);
    if (folder[0]) rmdir(folder);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
