/* A sweep: every frame is drawn off screen at a time of its own, waits until it is exact, and goes to the encoder.
 * The clock is set, not read, so that the same sweep gives the same frames on any machine.
 *
 *   layers, heads, tokens, steps    [hold][fade][hold][fade] ... [hold] ( [fade] to the first one, with `loop` )
 *   a tour                          one picture each 1 / fps seconds
 *
 * A stop is drawn once however long it is held. Fades mix finished pictures, and only inside the plot: text that
 * dissolves into other text cannot be read, so the words change in the middle. One range of colours serves the whole
 * sweep, since otherwise the eye compares colours that mean different numbers; it is the largest of the stops'
 * automatic ranges. */
#include "features/play.h"
#include "features/record/record_parts.h"

#include <math.h>
#include <string.h>

#define SWEEP_START_NS UINT64_C(1000000000000) /* far from 0: nothing has just happened */
#define SETTLE_STEP_NS UINT64_C(100000000)
#define SETTLE_NS UINT64_C(600000000000)
#define POLL_NS UINT64_C(200000)
#define MOVIE_FRAMES_MAX INT64_C(1000000)

typedef struct Sweep {
    App *app;
    const RecordSweepParams *params;
    RecordSweepReport *report;
    MovieEncoder *encoder;
    GpuTarget *target;
    FrameParams frame;
    ManualClock clock;
    Look first;      /* what was looked at when it began, in the range of colours of all stops */
    RecordKept kept; /* how everything is found again */
    int fps;
    int64_t stops;
    uint64_t hold, fade;   /* frames */
    uint64_t sent;         /* frames handed over */
    uint64_t stop_frame;   /* first frame of the last stop */
    uint8_t *before, *now; /* for fades */
    Rect plot;
    struct {
        char text[160];
        float highest, own_high; /* of all stops so far, of this one */
        bool is_signed, unbounded;
    } range;
    RecordTour *tour;
    RecordVerdict verdict;
    uint64_t began_ns;
} Sweep;

static uint64_t real_now(void) {
    const Clock clock = clock_system();
    return clock_now_ns(&clock);
}

/* False when it is to end. Whoever shows the progress may draw a frame of another size; then ours is laid out again,
 * since cameras are fitted into it. */
static bool tick(Sweep *s, const char *what, uint64_t done, uint64_t total) {
    App *app = s->app;
    const Rect before = app->picture.layout.view;
    if (s->params->progress && s->verdict == RECORD_GO_ON)
        s->verdict = s->params->progress(s->params->progress_user, what, done, total);
    if (memcmp(&before, &app->picture.layout.view, sizeof before) != 0) frame_build(app, &s->frame);
    return s->verdict == RECORD_GO_ON;
}

static bool tick_frames(Sweep *s) {
    return tick(s, "recording", movie_encoder_written(s->encoder), s->report->total);
}

static Status ended(Sweep *s, Error *err) {
    return error_set(err, STATUS_CANCELLED,
                     s->verdict == RECORD_CANCEL ? "the recording was cancelled; nothing was kept" : "interrupted");
}

/* ---- the range ------------------------------------------------------------------------------- */

/* Waits until `ready`, which wants from the workers what it lacks; what: for the progress, NULL between frames. */
static Status wait_for(Sweep *s, bool (*ready)(Sweep *s), const char *what, Error *err) {
    App *app = s->app;
    const uint64_t start = real_now();
    for (;;) {
        bool any;
        work_take_results(app, UINT64_MAX, &any);
        gpu_frame_advance(app->machine.gpu);
        app->work.wants.count = 0;
        if (ready(s)) return STATUS_OK;
        const size_t wanted = app->work.wants.count;
        work_submit_wants(app, false);
        if (wanted > 0 && app->work.wants.count == 0 && tiles_scheduler_idle(app->machine.scheduler))
            return error_set(err, STATUS_IO, "%s", app->message.text);
        if (real_now() - start > SETTLE_NS) return error_set(err, STATUS_CANCELLED, "reading took too long");
        if (s->verdict != RECORD_GO_ON) return ended(s, err);
        clock_sleep_ns(POLL_NS);
        (void)(what ? tick(s, what, 0, 0) : tick_frames(s));
    }
}

/* The overview of what is looked at: its automatic range. */
static bool overview_is_ready(Sweep *s) {
    App *app = s->app;
    const FrameParams params = {.scale = 1, .exact_only = true};
    Frame frame = frame_make(app, &params);
    TileKey key;
    return views_base_ready(&frame, &app->look, app->look.subject.layer, true, &key) &&
           views_auto_range(&frame, &app->look, app->look.subject.layer, app->look.colours.percentile,
                            &s->range.own_high);
}

static bool row_is_ready(Sweep *s) {
    return record_plan_row(s->app);
}

static Status widen_range(void *user, Error *err) {
    Sweep *s = user;
    App *app = s->app;
    Pattern pattern;
    ResolvedHeads heads;
    if (app->look.colours.range_mode == RANGE_MANUAL || app->look.colours.range_locked) {
        s->range.unbounded = true;
        return STATUS_OK;
    }
    const Status status = wait_for(s, overview_is_ready, "overviews", err);
    if (status != STATUS_OK) return status;
    s->range.highest = fmaxf(s->range.highest, s->range.own_high);
    if (app_pattern(app, &pattern) &&
        tiles_headset_resolve(&app->look.subject.heads, pattern.set, pattern.layer, &heads, NULL) == STATUS_OK) {
        s->range.is_signed |= views_look_signed(pattern.set, &app->look, &heads);
    }
    return STATUS_OK;
}

/* The largest automatic range of all stops; query rows of one pattern share theirs. */
static Status common_range(Sweep *s, Error *err) {
    App *app = s->app;
    Status status = STATUS_OK;
    if (s->tour) {
        status = widen_range(s, err);
        if (status == STATUS_OK) status = record_tour_patterns(app, s->tour, widen_range, s, err);
        record_put_back(app, &s->kept);
    } else if (s->params->kind == SWEEP_TOKENS) {
        status = widen_range(s, err);
    } else {
        for (int64_t i = 0; i < s->stops && status == STATUS_OK && tick(s, "ranges", (uint64_t)i, (uint64_t)s->stops);
             i++) {
            status = record_plan_go(app, s->params->kind, &s->first, i, err);
            if (status == STATUS_OK) status = widen_range(s, err);
        }
        app->look = s->first;
    }
    if (status == STATUS_OK && s->verdict != RECORD_GO_ON) status = ended(s, err);
    return status;
}

static Status settle_range(Sweep *s, Error *err) {
    App *app = s->app;
    const bool own = s->params->own_range || (s->tour && record_tour_sets_range(s->tour));
    const bool given = app->look.colours.range_mode == RANGE_MANUAL || app->look.colours.range_locked;
    if (given || own) {
        if (given)
            snprintf(s->range.text, sizeof s->range.text, "colour range %.3g to %.3g", (double)app->look.colours.lo,
                     (double)app->look.colours.hi);
        return STATUS_OK;
    }
    const Status status = common_range(s, err);
    if (status != STATUS_OK || s->range.unbounded) return status;
    app->look.colours.range_mode = RANGE_MANUAL;
    app->look.colours.lo = s->range.is_signed ? -s->range.highest : 0;
    app->look.colours.hi = s->range.highest;
    s->first = app->look;
    s->report->one_range = true;
    s->report->lo = app->look.colours.lo;
    s->report->hi = app->look.colours.hi;
    if (s->tour || s->params->kind == SWEEP_TOKENS) {
        snprintf(s->range.text, sizeof s->range.text, "one colour range throughout: %.3g to %.3g",
                 (double)app->look.colours.lo, (double)app->look.colours.hi);
    } else {
        snprintf(s->range.text, sizeof s->range.text, "one colour range for all %lld %ss: %.3g to %.3g",
                 (long long)s->stops, record_plan_noun(s->params->kind), (double)app->look.colours.lo,
                 (double)app->look.colours.hi);
    }
    return STATUS_OK;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint64_t frame_time(const Sweep *s, uint64_t frame) {
    return frame * UINT64_C(1000000000) / (uint64_t)s->fps;
}

/* Builds app->list, exact. */
static Status settle(Sweep *s, Error *err) {
    const uint64_t start = real_now();
    for (;;) {
        const Status status = work_settle(s->app, &s->frame, SETTLE_STEP_NS, err);
        if (status != STATUS_CANCELLED || real_now() - start > SETTLE_NS) return status;
        if (!tick_frames(s)) return ended(s, err);
    }
}

static void add_caption(Sweep *s, int64_t stop) {
    RecordCaption caption = {.kind = s->params->kind, .stop = stop, .stops = s->tour ? 0 : s->stops};
    if (s->frame.caption <= 0) return;
    if (s->tour) caption.fraction = (double)(s->sent + 1) / (double)s->report->total;
    record_plan_label(s->app, s->params->kind, caption.label, sizeof caption.label);
    if (s->range.text[0])
        snprintf(caption.range, sizeof caption.range, "%s", s->range.text);
    else if (s->params->own_range && !s->tour) {
        snprintf(caption.range, sizeof caption.range, "each %s in its own colour range: %.3g to %.3g",
                 record_plan_noun(s->params->kind), (double)s->app->look.colours.lo, (double)s->app->look.colours.hi);
    } else
        snprintf(caption.range, sizeof caption.range, "colour range %.3g to %.3g", (double)s->app->look.colours.lo,
                 (double)s->app->look.colours.hi);
    record_caption_draw(s->app, &s->frame, &caption);
}

/* What is looked at now -> pixels. */
static Status draw_frame_exact(Sweep *s, int64_t stop, uint8_t *out, Error *err) {
    App *app = s->app;
    s->clock.now_ns = SWEEP_START_NS + frame_time(s, s->sent);
    Status status = settle(s, err);
    if (status != STATUS_OK) return status;
    add_caption(s, stop);
    work_pause(app);
    status = gpu_paint(app->machine.gpu, s->target, s->frame.width, s->frame.height, views_theme(app->ui.light)->ground,
                       &app->picture.list, err);
    if (status == STATUS_OK) status = gpu_target_read(app->machine.gpu, s->target, out, err);
    work_resume(app);
    s->plot = app->picture.result.plot;
    return status;
}

/* A frame of the encoder's, waited for. */
static Status next_buffer(Sweep *s, uint8_t **out, Error *err) {
    *out = movie_encoder_buffer(s->encoder, false);
    while (!*out && !movie_encoder_finished(s->encoder)) {
        if (!tick_frames(s)) return ended(s, err);
        clock_sleep_ns(POLL_NS);
        *out = movie_encoder_buffer(s->encoder, false);
    }
    /* Its own sentence comes when it is closed. */
    return *out ? STATUS_OK : error_set(err, STATUS_IO, "the encoder has failed");
}

static void send_frame(Sweep *s, uint8_t *frame, uint64_t times) {
    if (s->began_ns == 0) s->began_ns = real_now();
    if (s->params->watch) s->params->watch(s->params->watch_user, frame, times);
    movie_encoder_put(s->encoder, frame, times);
    s->sent += times;
}

static Status send_copy(Sweep *s, const uint8_t *pixels, uint64_t times, Error *err) {
    uint8_t *frame;
    const Status status = next_buffer(s, &frame, err);
    if (status != STATUS_OK) return status;
    memcpy(frame, pixels, movie_encoder_frame_size(s->encoder));
    send_frame(s, frame, times);
    return STATUS_OK;
}

/* out = a + (b - a) * weight / 256, bytes. */
static void mix(const uint8_t *restrict a, const uint8_t *restrict b, unsigned weight, uint8_t *restrict out,
                size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((a[i] * (256 - weight) + b[i] * weight + 128) >> 8);
}

static Status send_fade(Sweep *s, const uint8_t *from, const uint8_t *to, Error *err) {
    const int width = s->frame.width, height = s->frame.height;
    const int x0 = (int)f64_clamp(s->plot.x, 0, width), x1 = (int)f64_clamp(s->plot.x + s->plot.w, x0, width);
    const int y0 = (int)f64_clamp(s->plot.y, 0, height), y1 = (int)f64_clamp(s->plot.y + s->plot.h, y0, height);
    for (uint64_t i = 1; i <= s->fade; i++) {
        uint8_t *frame;
        const Status status = next_buffer(s, &frame, err);
        if (status != STATUS_OK) return status;
        const double t = (double)i / (double)(s->fade + 1), eased = t * t * (3 - 2 * t);
        memcpy(frame, t < 0.5 ? from : to, movie_encoder_frame_size(s->encoder));
        for (int y = y0; y < y1; y++) {
            const size_t at = ((size_t)y * (size_t)width + (size_t)x0) * 4;
            mix(from + at, to + at, (unsigned)lround(eased * 256), frame + at, (size_t)(x1 - x0) * 4);
        }
        send_frame(s, frame, 1);
    }
    return STATUS_OK;
}

static void note_stop(Sweep *s) {
    TextBuffer *out = &s->report->stops;
    text_appendf(out, "%s{\"frame\":%llu,\"frames\":%llu,", out->length > 1 ? "," : "", (unsigned long long)s->sent,
                 (unsigned long long)s->hold);
    record_plan_json(s->app, out);
    text_append(out, "}");
}

static Status one_stop(Sweep *s, int64_t i, bool again, Error *err) {
    uint8_t *frame = s->now;
    Status status = record_plan_go(s->app, s->params->kind, &s->first, i, err);
    if (status == STATUS_OK && s->params->kind == SWEEP_TOKENS) status = wait_for(s, row_is_ready, NULL, err);
    if (status == STATUS_OK && s->fade == 0) status = next_buffer(s, &frame, err);
    if (status != STATUS_OK) return status;
    status = draw_frame_exact(s, i, frame, err);
    if (status == STATUS_OK && s->fade > 0 && s->sent > 0) status = send_fade(s, s->before, s->now, err);
    if (status != STATUS_OK) {
        if (s->fade == 0) movie_encoder_put(s->encoder, frame, 0);
        return status;
    }
    if (again) return STATUS_OK;
    note_stop(s);
    if (s->fade == 0)
        send_frame(s, frame, s->hold);
    else
        status = send_copy(s, frame, s->hold, err);
    uint8_t *spare = s->before;
    s->before = s->now;
    s->now = spare;
    return status;
}

static Status play_stops(Sweep *s, Error *err) {
    Status status = STATUS_OK;
    for (int64_t i = 0; i < s->stops && status == STATUS_OK; i++) {
        status = one_stop(s, i, false, err);
        if (status == STATUS_OK && !tick_frames(s)) status = ended(s, err);
    }
    if (status == STATUS_OK && s->params->loop && s->fade > 0) status = one_stop(s, 0, true, err);
    return status;
}

static Status play_tour(Sweep *s, Error *err) {
    RecordTourPlayer *player = record_tour_player_new(s->tour);
    const double speed = s->params->speed > 0 ? s->params->speed : 1;
    Status status = player ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to play the tour");
    s->hold = 1;
    while (status == STATUS_OK && s->sent < s->report->total) {
        uint8_t *frame;
        if ((status = next_buffer(s, &frame, err)) != STATUS_OK) break;
        status = record_tour_play(s->app, player, (double)s->sent / s->fps * speed, err);
        if (status == STATUS_OK) status = draw_frame_exact(s, 0, frame, err);
        if (status != STATUS_OK) {
            movie_encoder_put(s->encoder, frame, 0);
            break;
        }
        note_stop(s);
        send_frame(s, frame, 1);
        if (!tick_frames(s)) status = ended(s, err);
    }
    record_tour_player_drop(player);
    return status;
}

/* ---- from begin to end ----------------------------------------------------------------------- */

static Status plan_frames(Sweep *s, Error *err) {
    const RecordSweepParams *p = s->params;
    const double speed = p->speed > 0 ? p->speed : 1;
    if (s->tour) {
        s->report->total = (uint64_t)fmax(1, round(record_tour_seconds(s->tour) / speed * s->fps));
    } else {
        const Status status = record_plan_count(s->app, p->kind, &s->stops, err);
        if (status != STATUS_OK) return status;
        const double hold = p->hold > 0 ? p->hold : record_plan_hold(p->kind);
        s->hold = (uint64_t)fmax(1, round(hold / speed * s->fps));
        s->fade = (uint64_t)fmax(0, round(p->fade / speed * s->fps));
        const uint64_t stops = (uint64_t)s->stops;
        s->report->total = stops * s->hold + (p->loop ? stops : stops - 1) * s->fade;
    }
    if (s->report->total > (uint64_t)MOVIE_FRAMES_MAX) {
        return error_set(err, STATUS_RANGE, "the recording would have %llu frames; a million are allowed",
                         (unsigned long long)s->report->total);
    }
    return STATUS_OK;
}

static Status open_encoder(Sweep *s, Error *err) {
    TextBuffer comment = {0};
    state_command_line(s->app, &comment);
    const MovieEncoderParams encoder = {.path = s->params->path,
                                        .replace = s->params->replace,
                                        .shape = {.width = s->frame.width,
                                                  .height = s->frame.height,
                                                  .fps = s->fps,
                                                  .comment = comment.failed ? NULL : comment.text}};
    const Status status = movie_encoder_open(&encoder, &s->encoder, err);
    text_buffer_free(&comment);
    if (status != STATUS_OK || s->fade == 0) return status;
    s->before = mem_alloc(movie_encoder_frame_size(s->encoder));
    s->now = mem_alloc(movie_encoder_frame_size(s->encoder));
    return s->before && s->now ? STATUS_OK
                               : error_set(err, STATUS_MEMORY, "not enough memory to fade between pictures");
}

static Status check_size(const FrameParams *frame, Error *err) {
    if (frame->width <= MOVIE_SIDE_MAX && frame->height <= MOVIE_SIDE_MAX) return STATUS_OK;
    return error_set(err, STATUS_RANGE, "recordings have at most %d pixels a side", MOVIE_SIDE_MAX);
}

/* Everything before the first frame. */
static Status prepare(Sweep *s, Error *err) {
    App *app = s->app;
    Status status = check_size(&s->frame, err);
    if (status == STATUS_OK && s->params->kind == SWEEP_TOUR)
        status = record_tour_load(app, s->params->tour, &s->tour, err);
    app->machine.clock = clock_manual(&s->clock);
    s->clock.now_ns = SWEEP_START_NS;
    app->message.text[0] = 0;
    /* A layout: parts of patterns are fitted into it. */
    if (status == STATUS_OK) frame_build(app, &s->frame);
    if (status == STATUS_OK) status = plan_frames(s, err);
    if (status == STATUS_OK)
        status = gpu_target_new(app->machine.gpu, s->frame.width, s->frame.height, &s->target, err);
    if (status == STATUS_OK) status = open_encoder(s, err);
    if (status == STATUS_OK) status = settle_range(s, err);
    /* Panels show the overviews of all layers. */
    if (status == STATUS_OK && s->frame.chrome) status = work_settle_all(app, &s->frame, SETTLE_NS, err);
    return status;
}

/* The thread completes the file; the caller is kept informed, and may still cancel. */
static Status close_encoder(Sweep *s, Status status, Error *err) {
    const RecordSweepParams *p = s->params;
    if (!s->encoder) return status;
    const bool failed = movie_encoder_finished(s->encoder); /* before its end was asked for: its sentence tells why */
    const bool keep = status == STATUS_OK || (s->verdict == RECORD_END_HERE && s->sent > 0);
    movie_encoder_end(s->encoder, !keep                           ? MOVIE_END_ABANDON
                                  : s->verdict == RECORD_END_HERE ? MOVIE_END_CUT
                                                                  : MOVIE_END_ALL);
    while (!movie_encoder_finished(s->encoder)) {
        const uint64_t written = movie_encoder_written(s->encoder);
        const RecordVerdict verdict = p->progress ? p->progress(p->progress_user, "saving", written, s->report->total)
                                                  : RECORD_GO_ON;
        if (verdict == RECORD_END_HERE && s->verdict == RECORD_GO_ON) {
            s->verdict = RECORD_END_HERE;
            movie_encoder_end(s->encoder, MOVIE_END_CUT);
        }
        if (verdict == RECORD_CANCEL) {
            s->verdict = RECORD_CANCEL;
            movie_encoder_end(s->encoder, MOVIE_END_ABANDON);
        }
        clock_sleep_ns(POLL_NS * 5);
    }
    Error closing = {0};
    const Status closed = movie_encoder_close(s->encoder, &s->report->summary, &closing);
    s->encoder = NULL;
    if (s->began_ns) s->report->encoding_ns = real_now() - s->began_ns;
    s->report->ended_early = keep && s->verdict == RECORD_END_HERE && s->report->summary.frames < s->report->total;
    if (s->verdict == RECORD_CANCEL) return ended(s, err);
    if (!keep && !failed) return status;
    if (closed != STATUS_OK && err) *err = closing;
    return closed;
}

Status record_sweep(App *app, const RecordSweepParams *params, RecordSweepReport *report, Error *err) {
    memset(report, 0, sizeof *report);
    Sweep s = {.app = app,
               .params = params,
               .report = report,
               .frame = params->frame,
               .first = app->look,
               .fps = params->fps ? params->fps : MOVIE_SWEEP_FPS};
    const Clock clock = app->machine.clock;
    Status status = record_keep(app, &s.kept, err);
    if (status != STATUS_OK) return status;
    s.frame.exact_only = true;
    s.frame.caption = params->frame.bare || params->no_caption ? 0 : RECORD_CAPTION_POINTS;
    play_of(app)->on = false;
    text_append(&report->stops, "[");
    status = prepare(&s, err);
    if (status == STATUS_OK) status = s.tour ? play_tour(&s, err) : play_stops(&s, err);
    status = close_encoder(&s, status, err);
    text_append(&report->stops, "]");
    if (status == STATUS_OK && report->stops.failed)
        status = error_set(err, STATUS_MEMORY, "not enough memory to list the stops");
    gpu_target_drop(app->machine.gpu, s.target);
    record_tour_drop(s.tour);
    mem_free(s.before);
    mem_free(s.now);
    app->machine.clock = clock;
    app->message.text[0] = 0;
    record_put_back(app, &s.kept);
    record_kept_free(&s.kept);
    return status;
}
