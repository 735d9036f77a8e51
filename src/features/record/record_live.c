/* The window's frames -> encoder, at a constant rate whatever the drawing does.
 *
 *   slots   |  0  |  1  |  2  |  3  |  4  |        slot n is shown from n / fps on; a frame covers the slots from
 *           the time
 *   painted    a     b           c     d           it was painted until the next one: a b b c d
 *
 * A frame painted less than half a slot early takes the next slot, so that the jitter of vertical sync costs
 * nothing; two frames in one slot: the later one stays. When the encoder has no room a slot repeats the frame before
 * and counts as dropped, and so do slots that passed while drawing took too long. The red dot is painted after the
 * frame was read. */
#include "features/record/record_parts.h"

#include <math.h>
#include <string.h>

/* A frame is handed over after this, even if no other has come: nothing piles up while the window rests. */
#define FLUSH_PER_S 4
/* Frames that follow each other within so many slots belong to one motion: then a slot without a picture was missed. */
#define MOTION_SLOTS 1.5
#define TICK_NS UINT64_C(250000000)

bool record_live_on(const App *app) {
    return record_of(app)->live.encoder != NULL;
}

void record_describe(const MovieSummary *summary, uint64_t dropped, char *out, size_t out_size) {
    char count[32], late[64] = "";
    text_format_count((int64_t)summary->frames, count, sizeof count);
    if (dropped) snprintf(late, sizeof late, ", %llu dropped", (unsigned long long)dropped);
    snprintf(out, out_size, "%s%s: %.2f s, %s frame%s of %d x %d at %d a second%s", summary->path,
             summary->format == MOVIE_PNG ? "/" : "", (double)summary->frames / summary->fps, count,
             summary->frames == 1 ? "" : "s", summary->width, summary->height, summary->fps, late);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void wake(void *user) {
    platform_wake(user);
}

static void starting_size(const App *app, const RecordLiveParams *params, int *width, int *height) {
    const FrameParams window = frame_window_params(app);
    *width = window.width;
    *height = window.height;
    if (params->view_only && app->picture.layout.view.w >= 1) {
        *width = (int)app->picture.layout.view.w;
        *height = (int)app->picture.layout.view.h;
    }
}

Status record_live_start(App *app, const RecordLiveParams *params, Error *err) {
    Recorder *r = record_of(app);
    if (r->live.encoder) return error_set(err, STATUS_USAGE, "a recording is on; F9 ends it");
    if (r->finishing) return error_set(err, STATUS_USAGE, "the last recording is still being saved");
    RecordLive live = {.fps = params->fps ? params->fps : MOVIE_LIVE_FPS, .view_only = params->view_only};
    starting_size(app, params, &live.width, &live.height);
    if (live.width > MOVIE_SIDE_MAX || live.height > MOVIE_SIDE_MAX) {
        return error_set(err, STATUS_RANGE, "recordings have at most %d pixels a side", MOVIE_SIDE_MAX);
    }
    TextBuffer comment = {0};
    state_command_line(app, &comment);
    const MovieEncoderParams encoder = {.path = params->path,
                                        .replace = params->replace,
                                        .wake = wake,
                                        .wake_user = app->machine.platform,
                                        .shape = {.width = live.width,
                                                  .height = live.height,
                                                  .fps = live.fps,
                                                  .live = true,
                                                  .comment = comment.failed ? NULL : comment.text}};
    Status status = gpu_target_new(app->machine.gpu, live.width, live.height, &live.target, err);
    if (status == STATUS_OK) status = movie_encoder_open(&encoder, &live.encoder, err);
    text_buffer_free(&comment);
    if (status != STATUS_OK) {
        gpu_target_drop(app->machine.gpu, live.target);
        return status;
    }
    snprintf(live.path, sizeof live.path, "%s", params->path);
    live.began_ns = live.drawn_ns = clock_now_ns(&app->machine.clock);
    r->live = live;
    r->source = params->source;
    movie_interrupt_begin();
    app->pace.redraw = true;
    return STATUS_OK;
}

static uint64_t slot_at(const RecordLive *live, uint64_t now) {
    const uint64_t passed = now > live->began_ns ? now - live->began_ns : 0;
    return (uint64_t)((double)passed * live->fps / 1e9);
}

/* The slots before `slot` are settled: they show what is pending, or the frame before. */
static void settle_slots(RecordLive *live, uint64_t slot) {
    if (slot <= live->slots) return;
    if (live->pending)
        movie_encoder_put(live->encoder, live->pending, slot - live->slots);
    else if (live->slots > 0)
        movie_encoder_repeat(live->encoder, slot - live->slots);
    else
        return; /* nothing to show yet */
    live->pending = NULL;
    live->slots = slot;
}

void record_live_stop(App *app) {
    if (!record_live_on(app)) return;
    Recorder *r = record_of(app);
    RecordLive *live = &r->live;
    const uint64_t slot = slot_at(live, clock_now_ns(&app->machine.clock));
    settle_slots(live, slot > live->slots || !live->pending ? slot : live->slots + 1);
    if (live->pending) movie_encoder_put(live->encoder, live->pending, 0);
    movie_encoder_end(live->encoder, MOVIE_END_ALL);
    r->finishing = live->encoder;
    r->finishing_dropped = live->dropped;
    gpu_target_drop(app->machine.gpu, live->target);
    memset(live, 0, sizeof *live);
    movie_interrupt_end();
    app->pace.redraw = true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Which slot does a frame painted now take? */
static uint64_t slot_for_frame(const RecordLive *live, uint64_t now) {
    const double at = (double)(now - live->began_ns) * live->fps / 1e9;
    if (live->slots == 0 && !live->pending) return 0;
    if (!live->pending) return at >= (double)live->slots ? (uint64_t)at : live->slots;
    if (at < (double)live->slots + 0.5) return live->slots;
    const uint64_t slot = (uint64_t)at;
    return slot > live->slots ? slot : live->slots + 1;
}

static Status read_frame(App *app, const FrameParams *params, uint8_t *out, Error *err) {
    Recorder *r = record_of(app);
    RecordLive *live = &r->live;
    GpuArea part = {0, 0, params->width, params->height};
    if (live->view_only && app->picture.layout.view.w >= 1) {
        const Rect view = app->picture.layout.view;
        part = (GpuArea){(int)view.x, (int)view.y, (int)view.w, (int)view.h};
    }
    live->scaled = part.w != live->width || part.h != live->height;
    if (!live->scaled) return gpu_read_part(app->machine.gpu, r->source, params->height, part, out, err);
    const Status status = gpu_target_copy(app->machine.gpu, live->target, r->source, params->height, part,
                                          views_theme(app->ui.light)->ground, err);
    return status == STATUS_OK ? gpu_target_read(app->machine.gpu, live->target, out, err) : status;
}

static Status capture_frame(App *app, const FrameParams *params, uint64_t began_ns, Error *err) {
    RecordLive *live = &record_of(app)->live;
    const uint64_t now = clock_now_ns(&app->machine.clock), before = live->slots;
    const uint64_t slot = slot_for_frame(live, now);
    const bool in_motion = (double)(began_ns - live->drawn_ns) * live->fps / 1e9 < MOTION_SLOTS;
    if (in_motion && live->pending && slot > before + 1) live->dropped += slot - before - 1;
    settle_slots(live, slot);
    if (!live->pending) live->pending = movie_encoder_buffer(live->encoder, false);
    Status status = STATUS_OK;
    if (live->pending)
        status = read_frame(app, params, live->pending, err);
    else
        live->dropped++;
    live->drawn_ns = clock_now_ns(&app->machine.clock);
    return status;
}

Status record_painted(App *app, const FrameParams *params, uint64_t began_ns, Error *err) {
    Recorder *r = record_of(app);
    Status status = r->live.encoder ? capture_frame(app, params, began_ns, err) : STATUS_OK;
    record_tour_note_frame(app, clock_now_ns(&app->machine.clock));
    if (status != STATUS_OK || r->source) return status;
    draw_list_reset(&r->list, app->machine.fonts);
    panel_record(app, r);
    return r->list.count > 0 ? gpu_paint_over(app->machine.gpu, NULL, params->width, params->height, &r->list, err)
                             : STATUS_OK;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void tell_finished(App *app) {
    Recorder *r = record_of(app);
    MovieSummary summary = {0};
    Error err = {0};
    const Status status = movie_encoder_close(r->finishing, &summary, &err);
    r->finishing = NULL;
    char text[APP_MESSAGE_SIZE];
    if (status == STATUS_OK) {
        record_describe(&summary, r->finishing_dropped, text, sizeof text);
        app_say(app, summary.note[0] ? SAY_WARNING : SAY_INFO, "saved %s%s%s", text, summary.note[0] ? "; " : "",
                summary.note);
    } else {
        error_format(&err, text, sizeof text);
        app_say(app, SAY_ERROR, "the recording has ended: %s", text);
    }
}

void record_tick(App *app, uint64_t now) {
    Recorder *r = record_of(app);
    RecordLive *live = &r->live;
    if (live->encoder && movie_encoder_finished(live->encoder)) record_live_stop(app); /* it has failed */
    if (live->encoder && movie_interrupted()) {
        record_live_stop(app);
        app->quit = true;
    }
    if (live->encoder) {
        const uint64_t slot = slot_at(live, now);
        if (slot >= live->slots + (uint64_t)i64_max(1, live->fps / FLUSH_PER_S)) settle_slots(live, slot);
        /* The time on screen goes on. */
        if (now - live->drawn_ns >= TICK_NS * 2) app->pace.redraw = true;
    }
    if (r->finishing && movie_encoder_finished(r->finishing)) tell_finished(app);
}

uint64_t record_live_next_ns(const App *app, uint64_t now) {
    return record_live_on(app) ? now + TICK_NS : UINT64_MAX;
}

void record_live_close(App *app) {
    Recorder *r = record_of(app);
    record_live_stop(app);
    if (r->finishing) {
        tell_finished(app);
        fprintf(stderr, "attnscope: %s\n", app->message.text);
    }
    draw_list_free(&r->list);
}
