/* `bench`: plays a tour with the real frame code, off screen, glFinish a frame, and prints what it measured.
 *
 * Frames are paced at 60 Hz as vertical sync would pace them; the time counted is that of the work, not of the waiting.
 * The hand never rests while a tour plays, as with a real drag. */
#include "app/window.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "session/recompute.h"
#include "session/view_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_FRAMES 20
#define DEFAULT_FRAMES 300
#define FRAMES_MAX 100000
#define WAIT_S 600 /* for the exact picture after the tour */
#define WAIT_S_MAX 86400
#define NS_PER_S UINT64_C(1000000000)
#define BASES_NS UINT64_C(60000000000) /* for the overviews of all layers, before layers are switched */
#define FIRST_PICTURE_MS 60000
#define UPLOAD_BUDGET_NS UINT64_C(2000000)
#define FRAME_NS (1e9 / 60)
#define SWITCHES 40
#define GAP_USED_MS 12 /* a shorter frame leaves time before the next, which the window's loop uses, too */

/* q of 0..100 of sorted values. */
static double percentile(const double *sorted, int count, double q) {
    return count ? sorted[(int)i64_clamp((int64_t)(q / 100 * count + 0.999999) - 1, 0, count - 1)] : 0;
}

/* One frame as the window draws it. */
static Status draw_frame_now(Bench *b, FrameTime *time, Error *err) {
    App *app = b->app;
    bool any;
    const uint64_t start = clock_now_ns(&app->machine.clock);
    const clock_t cpu = clock();
    work_pause(app);
    work_take_results(app, UPLOAD_BUDGET_NS, &any);
    time->part[PART_UPLOAD] = bench_ms_since(b, start);
    frame_build(app, &b->params);
    time->part[PART_BUILD] = bench_ms_since(b, start);
    const uint64_t built = clock_now_ns(&app->machine.clock);
    const Status status = gpu_paint(app->machine.gpu, b->target, b->params.width, b->params.height,
                                    views_theme(app->ui.light)->ground, &app->picture.list, err);
    gpu_finish(app->machine.gpu);
    frame_note_painted(app, clock_now_ns(&app->machine.clock) - built);
    time->part[PART_PAINT] = bench_ms_since(b, start);
    work_submit_wants(app, true);
    time->ms = time->part[PART_SUBMIT] = bench_ms_since(b, start);
    for (int p = PART_COUNT - 1; p > 0; p--)
        time->part[p] -= time->part[p - 1];
    time->cpu_ms = (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC;
    work_resume(app);
    return status;
}

/* With a hand that moves, and the rest of a 60 Hz frame for the workers, as under vertical sync. */
static Status one_frame(Bench *b, FrameTime *time, Error *err) {
    b->app->pace.last_input_ns = clock_now_ns(&b->app->machine.clock);
    const Status status = draw_frame_now(b, time, err);
    const uint64_t drawn = clock_now_ns(&b->app->machine.clock);
    if (time->ms < GAP_USED_MS) (void)work_reserve_ahead(b->app);
    const double left_ns = FRAME_NS - (time->ms + bench_ms_since(b, drawn)) * 1e6;
    if (left_ns > 0) clock_sleep_ns((uint64_t)left_ns);
    return status;
}

/* As the window does: another frame only when something has arrived. */
static Status first_picture(Bench *b, uint64_t start, Error *err) {
    FrameTime time;
    Status status = draw_frame_now(b, &time, err);
    b->first_picture_ms = bench_ms_since(b, start);
    while (status == STATUS_OK && b->app->picture.result.missing && b->first_picture_ms < FIRST_PICTURE_MS) {
        bool any = false;
        if (work_take_results(b->app, UPLOAD_BUDGET_NS, &any) || any)
            status = draw_frame_now(b, &time, err);
        else
            clock_sleep_ns(500000);
        b->first_picture_ms = bench_ms_since(b, start);
    }
    return status;
}

static Status play_tour(Bench *b, const Tour *tour, Error *err) {
    TourState state = {.app = b->app, .params = b->params};
    uint64_t allocations = 0;
    for (int i = -WARM_UP_FRAMES; i < b->frames; i++) {
        FrameTime time;
        if (i == 0) allocations = mem_allocation_count();
        tour->play(&state, i < 0 ? (double)(i + WARM_UP_FRAMES) / WARM_UP_FRAMES : (double)i / b->frames);
        const Status status = one_frame(b, &time, err);
        if (status != STATUS_OK) return status;
        if (i < 0) continue;
        b->frame[i] = time;
        b->coarse += b->app->picture.result.coarse || b->app->picture.result.missing;
    }
    b->allocations = mem_allocation_count() - allocations;
    const uint64_t rest = clock_now_ns(&b->app->machine.clock);
    Status status = work_settle_exact(b->app, &b->params, b->wait_ns, err);
    b->time_to_exact_ms = status == STATUS_OK ? bench_ms_since(b, rest) : (double)NAN;
    const uint64_t waited = clock_now_ns(&b->app->machine.clock) - rest;
    if (status == STATUS_OK)
        status = work_settle(b->app, &b->params, waited < b->wait_ns ? b->wait_ns - waited : 0, err);
    b->time_to_settled_ms = status == STATUS_OK ? bench_ms_since(b, rest) : (double)NAN;
    /* A budget too small for one screen, or so many tokens that exact takes minutes: what the frames took is worth
     * knowing all the same. */
    return status == STATUS_MEMORY || status == STATUS_CANCELLED ? STATUS_OK : status;
}

/* Overviews first: the question is what a switch costs once they are there. */
static Status layer_switches(Bench *b, Error *err) {
    const int layers = capture_set(app_capture(b->app), b->app->look.subject.set)->layer_count;
    double ms[SWITCHES];
    int right = 0;
    scene_show(b->app, b->app->catalog->scenes[0]);
    scene_fit(b->app);
    const uint64_t start = clock_now_ns(&b->app->machine.clock);
    (void)work_settle_all(b->app, &b->params, b->wait_ns < BASES_NS ? b->wait_ns : BASES_NS, NULL);
    /* Noted when the last one came; after that everything was made exact, too. */
    const uint64_t ready = b->app->work.overviews.begun_ns;
    b->overviews_ms = b->app->work.overviews.missing > 0 ? (double)NAN
                      : ready > start                    ? (double)(ready - start) / 1e6
                                                         : 0;
    for (int i = 0; i < SWITCHES; i++) {
        FrameTime time;
        b->app->look.subject.layer = i % layers;
        look_changed_follow(b->app);
        b->app->pace.last_layer_ns = clock_now_ns(&b->app->machine.clock);
        const Status status = one_frame(b, &time, err);
        if (status != STATUS_OK) return status;
        ms[i] = time.ms;
        right += !b->app->picture.result.missing;
    }
    qsort(ms, SWITCHES, sizeof ms[0], bench_by_value);
    b->switch_p50 = percentile(ms, SWITCHES, 50);
    b->switch_p99 = percentile(ms, SWITCHES, 99);
    b->switch_right_pct = 100.0 * right / SWITCHES;
    return STATUS_OK;
}

static Status run_bench(Bench *b, AppParams *params, const ViewOptions *options, const char *file, const Tour *tour,
                        uint64_t start, Error *err) {
    App *app = b->app;
    Pattern pattern;
    Status status = program_open(app, &CATALOG, params, err);
    if (status == STATUS_OK && options->axes) snprintf(app->opened.axes, sizeof app->opened.axes, "%s", options->axes);
    if (status == STATUS_OK) status = captures_open(app, &file, 1, err);
    if (status == STATUS_OK) status = app_need_patterns(app, "`bench`", err);
    if (status != STATUS_OK) return status;
    b->params = frame_window_params(app);
    b->params.chrome = !options->bare;
    b->params.bare = options->bare;
    if ((status = view_options_apply(options, app, &b->params, err)) != STATUS_OK) return status;
    if ((status = gpu_target_new(app->machine.gpu, b->params.width, b->params.height, &b->target, err)) != STATUS_OK)
        return status;
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "the capture has no pattern to look at");
    b->queries = pattern.queries;
    b->keys = pattern.keys;
    if ((status = first_picture(b, start, err)) != STATUS_OK) return status;
    if (b->with_floors && (status = bench_measure_floors(b, file, err)) != STATUS_OK) return status;
    recompute_choose(app, true);
    while (work_reserve_ahead(app)) { /* as the window does while a person takes a first look */
    }
    if ((status = play_tour(b, tour, err)) != STATUS_OK) return status;
    return layer_switches(b, err);
}

static Status find_tour(const char *name, const Tour **out, Error *err) {
    char names[256];
    tour_names(names, sizeof names);
    *out = tour_find(name);
    return *out ? STATUS_OK : error_set(err, STATUS_USAGE, "there is no tour '%.60s'; there are %s", name, names);
}

static void print_help(const Option *table, size_t count) {
    printf("usage: attnscope bench FILE [--tour NAME] [--frames N] [--wait S] [--floors] [--json] [view "
           "options]\n\ntours:\n");
    for (int i = 0; i < tour_count(); i++)
        printf("  %-8s %s\n", tour_at(i)->name, tour_at(i)->help);
    printf("\n");
    options_print(table, count, stdout);
}

int cli_bench(int argc, char **argv) {
    const Clock clock = clock_system();
    const uint64_t start = clock_now_ns(&clock);
    ViewOptions options;
    view_options_begin(&options, &CATALOG);
    Option table[VIEW_OPTIONS_MAX + 9];
    size_t n = view_options_table(&options, false, table);
    const char *name = "pan", *frames = NULL, *wait = NULL, *file = NULL;
    const Tour *tour = NULL;
    Bench b = {0};
    AppParams params = {.mode = PLATFORM_OFFSCREEN, .no_vsync = true};
    bool json = false, kernels = false, record = false;
    table[n++] = (Option){"kernels", 0, NULL, "measure the products of Q and K instead", NULL, &kernels};
    table[n++] = (Option){"tour", 0, "NAME", "what to play (pan)", &name, NULL};
    table[n++] = (Option){"floors", 0, NULL, "measure what the machine can do at best, too", NULL, &b.with_floors};
    table[n++] = (Option){"disk-cache", 0, NULL, "keep overviews on disk as the window does", NULL, &params.disk_cache};
    table[n++] = (Option){"record", 0, NULL, "measure recording instead", NULL, &record};
    table[n++] = (Option){"frames", 0, "N", "frames of the tour (300)", &frames, NULL};
    table[n++] = (Option){
        "wait", 0, "S", "seconds to wait at most until all is exact after the tour (600); 0: do not", &wait, NULL};
    table[n++] = (Option){"json", 0, NULL, "one JSON object", NULL, &json};
    size_t count = 0;
    Error err = {0};
    int64_t frame_count = DEFAULT_FRAMES, wait_s = WAIT_S;
    Status status = options_parse(table, n, argc, argv, &file, 1, &count, &err);
    if (status == STATUS_OK && options.help) {
        print_help(table, n);
        return EXIT_OK;
    }
    if (status == STATUS_OK && kernels) return bench_kernels();
    if (status == STATUS_OK && count == 0) status = error_set(&err, STATUS_USAGE, "`bench` needs a file, or demo:NAME");
    if (status == STATUS_OK) status = find_tour(name, &tour, &err);
    if (status == STATUS_OK && frames) status = options_i64("frames", frames, 1, FRAMES_MAX, &frame_count, &err);
    if (status == STATUS_OK && wait) status = options_i64("wait", wait, 0, WAIT_S_MAX, &wait_s, &err);
    b.wait_ns = (uint64_t)wait_s * NS_PER_S;
    if (status == STATUS_OK) status = view_options_start(&options, &params, &err);
    if (status != STATUS_OK) return options_fail(&err);
    if (record) return bench_record(&options, &params, file, json);
    b.app = mem_alloc_zeroed(1, sizeof(App));
    b.frames = (int)frame_count;
    b.frame = mem_alloc_zeroed((size_t)frame_count, sizeof *b.frame);
    if (!b.app || !b.frame)
        status = error_set(&err, STATUS_MEMORY, "not enough memory to start");
    else
        status = run_bench(&b, &params, &options, file, tour, start, &err);
    if (status == STATUS_OK) bench_report(&b, tour->name, json);
    if (b.target) gpu_target_drop(b.app->machine.gpu, b.target);
    if (b.app) program_close(b.app);
    mem_free(b.app);
    mem_free(b.frame);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
