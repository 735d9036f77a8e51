/* Frames on their way to a file.
 *
 *   caller: buffer() -> fill -> put(frame, times)
 *   thread: take item -> write `times` times -> ffmpeg's pipe, or PNG files
 *
 *        free frames  <---------------------------------------------'
 *        queue: [frame, times] [frame, times] ...   at most as many as there are frames: memory is bounded
 *
 * The frame written last is kept until the next one comes, so that it can be repeated without being copied. All file
 * and process work is the thread's, the end included: a window never waits for an encoder. A child that takes
 * nothing for a while is given up, and so is one that stops writing when all frames are in. */
#include "movie/movie.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MIN 3
#define FRAMES_MAX 12
#define FRAMES_BYTES ((size_t)96 << 20)
#define TIMEOUT_S 30
#define POLL_MS 50
#define FRAGMENTS_LEAST 4096 /* bytes: more than a header without frames */

typedef struct QueueItem {
    uint8_t *frame; /* NULL: the last one again */
    uint64_t times;
} QueueItem;

/* Room for frames, of which each is free, waits in the queue, or is with the caller or the thread. */
typedef struct FrameQueue {
    size_t frame_size;
    uint8_t *memory; /* of all of them */
    int frame_count;
    uint8_t *free[FRAMES_MAX];
    int free_count;
    QueueItem items[FRAMES_MAX + 1];
    int count;
} FrameQueue;

struct MovieEncoder {
    MovieOutput output;
    MovieShape shape;
    char comment[MOVIE_SENTENCE];
    char note[MOVIE_SENTENCE];
    void (*wake)(void *user);
    void *wake_user;
    int timeout_ms;

    Thread *thread;
    Mutex *mutex;
    Cond *changed; /* anything below */
    FrameQueue queue;
    bool ended, cut, failed, finished;
    CancelFlag abandoned;
    uint64_t written;
    Status status;
    Error error;

    /* the thread's own */
    Process *process;
    uint8_t *last;
    uint8_t *png;
    size_t png_capacity, png_size;
};

/* ---- the thread: frames ---------------------------------------------------------------------- */

static bool abandoned(const MovieEncoder *e) {
    return cancel_requested(&e->abandoned);
}

/* No more of what waits is to be written. */
static bool cut_off(MovieEncoder *e) {
    mutex_lock(e->mutex);
    const bool stop = e->cut || abandoned(e);
    mutex_unlock(e->mutex);
    return stop;
}

static void count_frame(MovieEncoder *e) {
    mutex_lock(e->mutex);
    e->written++;
    mutex_unlock(e->mutex);
}

/* Why did ffmpeg end? Its last line tells; what can be done about it is for us to say. */
static Status explain(MovieEncoder *e, int code, Error *err) {
    char said[256];
    const char *path = e->output.path;
    process_complaint(e->process, said, sizeof said);
    if (strstr(said, "No space left") || strstr(said, "File too large") || strstr(said, "Disk quota")) {
        return error_set_at(err, STATUS_IO, path, -1, "the disk is full");
    }
    if (strstr(said, "Unknown encoder") || strstr(said, "Unrecognized option") ||
        strstr(said, "Automatic encoder selection failed")) {
        return error_set_at(err, STATUS_UNSUPPORTED, path, -1,
                            "this ffmpeg cannot encode it (%s); install an ffmpeg with libx264, libvpx and libwebp, or "
                            "record to a folder of pictures",
                            said);
    }
    if (said[0]) return error_set_at(err, STATUS_IO, path, -1, "ffmpeg gave up: %s", said);
    if (code > 128)
        return error_set_at(err, STATUS_IO, path, -1, "ffmpeg was killed (signal %d) before the recording was complete",
                            code - 128);
    return error_set_at(err, STATUS_IO, path, -1, "ffmpeg ended (code %d) before the recording was complete", code);
}

static Status hung(MovieEncoder *e, Error *err) {
    process_kill(e->process);
    return error_set_at(err, STATUS_IO, e->output.path, -1,
                        "ffmpeg has hung: it did nothing for %g seconds and was ended", e->timeout_ms / 1000.0);
}

static Status write_to_process(MovieEncoder *e, Error *err) {
    const Status status = process_write_within(e->process, e->last, e->queue.frame_size, e->timeout_ms, &e->abandoned,
                                               err);
    int code = 0;
    if (status == STATUS_OK || abandoned(e)) return status;
    if (status == STATUS_CANCELLED) return hung(e, err);
    return process_ended(e->process, e->timeout_ms, &code) ? explain(e, code, err) : status;
}

static Status write_picture(MovieEncoder *e, Error *err) {
    char path[MOVIE_PATH_SIZE + 600];
    movie_output_picture(&e->output, e->written, path, sizeof path);
    return file_write_all(path, e->png, e->png_size, err);
}

static Status write_item(MovieEncoder *e, const QueueItem *item, Error *err) {
    Status status = STATUS_OK;
    if (item->frame) {
        if (e->last) {
            mutex_lock(e->mutex);
            e->queue.free[e->queue.free_count++] = e->last;
            cond_broadcast(e->changed);
            mutex_unlock(e->mutex);
        }
        e->last = item->frame;
        if (e->output.format == MOVIE_PNG) {
            status = movie_png_encode(e->last, e->shape.width, e->shape.height, &e->png, &e->png_capacity, &e->png_size,
                                      err);
        }
    }
    for (uint64_t i = 0; i < item->times && status == STATUS_OK && e->last && !cut_off(e); i++) {
        status = e->output.format == MOVIE_PNG ? write_picture(e, err) : write_to_process(e, err);
        if (status == STATUS_OK) count_frame(e);
    }
    return status;
}

/* False when there will be no more. */
static bool take_item(MovieEncoder *e, QueueItem *item) {
    mutex_lock(e->mutex);
    while (e->queue.count == 0 && !e->ended)
        cond_wait(e->changed, e->mutex);
    const bool more = e->queue.count > 0 && !e->cut && !abandoned(e);
    if (more) {
        *item = e->queue.items[0];
        memmove(e->queue.items, e->queue.items + 1, sizeof e->queue.items[0] * (size_t)--e->queue.count);
    }
    mutex_unlock(e->mutex);
    return more;
}

/* ---- the thread: the end --------------------------------------------------------------------- */

static uint64_t size_of(const char *path) {
    FileInfo info;
    return file_path_info(path, &info, NULL) == STATUS_OK ? info.size : 0;
}

/* Waits for the child as long as the file it writes grows. */
static Status wait_for_process(MovieEncoder *e, const char *file, Error *err) {
    const Clock clock = clock_system();
    uint64_t since = clock_now_ns(&clock), size = size_of(file);
    int code = 0;
    while (!process_ended(e->process, POLL_MS, &code)) {
        const uint64_t now_size = size_of(file), now = clock_now_ns(&clock);
        if (now_size != size) since = now;
        size = now_size;
        if (abandoned(e)) {
            process_kill(e->process);
            return STATUS_CANCELLED;
        }
        if (now - since > (uint64_t)e->timeout_ms * 1000000) return hung(e, err);
    }
    return code == 0 ? STATUS_OK : explain(e, code, err);
}

static Status run_later_step(MovieEncoder *e, const MovieArgs *args, const char *file, Error *err) {
    const ProcessParams params = {.own_group = true, .keep_complaints = true};
    if (args->failed) return error_set(err, STATUS_MEMORY, "not enough memory to run ffmpeg");
    (void)process_close(e->process, NULL, NULL);
    e->process = NULL;
    Status status = process_open(args->argv, &params, &e->process, err);
    if (status == STATUS_OK) status = wait_for_process(e, file, err);
    return status;
}

static Status finish_movie(MovieEncoder *e, Error *err) {
    process_end_input(e->process);
    Status status = wait_for_process(e, e->output.part, err);
    if (status != STATUS_OK) return status;
    MovieArgs args;
    const char *result = e->output.part;
    for (int step = 0; movie_args_later(&args, &e->output, &e->shape, step); step++) {
        status = run_later_step(e, &args, e->output.second, err);
        movie_args_free(&args);
        /* A movie in fragments is complete as it is; packing it anew only makes it handier. */
        if (status != STATUS_OK && status != STATUS_CANCELLED && e->output.format == MOVIE_MP4) break;
        if (status != STATUS_OK) return status;
        result = e->output.second;
    }
    return movie_output_commit(&e->output, result, e->written, err);
}

/* What happened in the window cannot be recorded again: fragments that play are kept, and the sentence says where. */
static bool keeps_fragments(MovieEncoder *e, Error *err) {
    if (!e->shape.live || e->output.format != MOVIE_MP4 || size_of(e->output.part) < FRAGMENTS_LEAST) return false;
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "; what was recorded until then plays: %s",
             file_base_name(e->output.part));
    return true;
}

static void finish(MovieEncoder *e, Status status, Error *err) {
    const bool stop = abandoned(e);
    if (status == STATUS_OK && !stop && e->written == 0)
        status = error_set(err, STATUS_CANCELLED, "the recording has no frames: nothing was kept");
    if (status == STATUS_OK && !stop) {
        status = e->output.format == MOVIE_PNG ? movie_output_commit(&e->output, NULL, e->written, err)
                                               : finish_movie(e, err);
    }
    if (e->process) {
        if (status != STATUS_OK || stop) process_kill(e->process);
        (void)process_close(e->process, NULL, NULL);
        e->process = NULL;
    }
    if ((status != STATUS_OK || stop) && !(status != STATUS_OK && !stop && keeps_fragments(e, err)))
        movie_output_abandon(&e->output);
    mutex_lock(e->mutex);
    e->status = status;
    e->error = *err;
    e->failed = status != STATUS_OK;
    e->finished = true;
    cond_broadcast(e->changed);
    mutex_unlock(e->mutex);
    if (e->wake) e->wake(e->wake_user);
}

static void run(void *user) {
    MovieEncoder *e = user;
    QueueItem item;
    Error err = {0};
    Status status = STATUS_OK;
    while (status == STATUS_OK && take_item(e, &item))
        status = write_item(e, &item, &err);
    finish(e, status, &err);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void note(MovieEncoder *e, const char *format, ...) BASE_PRINTF(2, 3);
static void note(MovieEncoder *e, const char *format, ...) {
    const size_t used = strlen(e->note);
    va_list args;
    va_start(args, format);
    if (used + 2 < sizeof e->note) {
        if (used) memcpy(e->note + used, "; ", 3);
        const size_t at = strlen(e->note);
        vsnprintf(e->note + at, sizeof e->note - at, format, args);
    }
    va_end(args);
}

static int timeout_ms(void) {
    const char *text = getenv("ATTNSCOPE_ENCODER_TIMEOUT");
    double seconds;
    if (text && text_parse_f64(text, &seconds) && seconds >= 0.1 && seconds <= 86400) return (int)(seconds * 1000);
    return TIMEOUT_S * 1000;
}

static Status start_process(MovieEncoder *e, Error *err) {
    /* While a hand moves, painting goes first: the queue takes up what the encoder is late. */
    const ProcessParams params = {
        .with_input = true, .own_group = true, .keep_complaints = true, .background = e->shape.live};
    MovieArgs args;
    movie_args_first(&args, &e->output, &e->shape);
    Status status = args.failed ? error_set(err, STATUS_MEMORY, "not enough memory to run ffmpeg")
                                : process_open(args.argv, &params, &e->process, err);
    movie_args_free(&args);
    if (status != STATUS_NOT_FOUND) return status;
    char movie[MOVIE_PATH_SIZE];
    snprintf(movie, sizeof movie, "%s", e->output.path);
    status = movie_output_pictures_instead(&e->output, err);
    if (status != STATUS_OK) return status;
    note(e,
         "ffmpeg was not found, so pictures go to %s/; install ffmpeg (apt install ffmpeg, dnf install ffmpeg-free, "
         "brew install ffmpeg) to record "
         "movies, or later: ffmpeg -framerate %d -i %s/%s%%0%dd%s %s",
         e->output.path, e->shape.fps, e->output.path, e->output.stem, e->output.digits, e->output.tail, movie);
    return STATUS_OK;
}

static Status allocate(MovieEncoder *e, Error *err) {
    size_t total;
    e->queue.frame_size = (size_t)e->shape.width * (size_t)e->shape.height * 4;
    e->queue.frame_count = (int)i64_clamp((int64_t)(FRAMES_BYTES / e->queue.frame_size), FRAMES_MIN, FRAMES_MAX);
    if (!size_mul(e->queue.frame_size, (size_t)e->queue.frame_count, &total) || !(e->queue.memory = mem_alloc(total)) ||
        !(e->mutex = mutex_new()) || !(e->changed = cond_new())) {
        return error_set(err, STATUS_MEMORY, "not enough memory to record %d x %d", e->shape.width, e->shape.height);
    }
    if (e->shape.live) memset(e->queue.memory, 0, total); /* a page's first use takes time that no frame has left */
    for (int i = 0; i < e->queue.frame_count; i++)
        e->queue.free[e->queue.free_count++] = e->queue.memory + (size_t)i * e->queue.frame_size;
    return STATUS_OK;
}

static void release(MovieEncoder *e) {
    if (e->process) {
        process_kill(e->process);
        (void)process_close(e->process, NULL, NULL);
    }
    if (e->mutex) mutex_drop(e->mutex);
    if (e->changed) cond_drop(e->changed);
    mem_free(e->png);
    mem_free(e->queue.memory);
    mem_free(e);
}

Status movie_encoder_open(const MovieEncoderParams *params, MovieEncoder **out, Error *err) {
    *out = NULL;
    MovieEncoder *e = mem_alloc_zeroed(1, sizeof *e);
    if (!e) return error_set(err, STATUS_MEMORY, "not enough memory to record");
    e->shape = params->shape;
    if (params->shape.comment) {
        snprintf(e->comment, sizeof e->comment, "%s", params->shape.comment);
        e->shape.comment = e->comment;
    }
    e->wake = params->wake;
    e->wake_user = params->wake_user;
    e->timeout_ms = timeout_ms();
    Status status = movie_output_parse(params->path, &e->output, err);
    e->output.replace = params->replace;
    if (status == STATUS_OK) status = allocate(e, err);
    if (status == STATUS_OK) status = movie_output_begin(&e->output, err);
    if (status == STATUS_OK && e->output.format != MOVIE_PNG) status = start_process(e, err);
    const int width = e->shape.width, height = e->shape.height;
    if (status == STATUS_OK && e->output.format == MOVIE_MP4 && ((width | height) & 1)) {
        note(e, "%d x %d was padded to %d x %d: H.264 has even sizes", width, height, (width + 1) & ~1,
             (height + 1) & ~1);
    }
    if (status == STATUS_OK && e->output.format == MOVIE_GIF && e->shape.fps > 50)
        note(e, "a GIF shows at most 50 frames a second");
    if (status == STATUS_OK) status = thread_start(&e->thread, run, e, "encoder", false, err);
    if (status != STATUS_OK) {
        movie_output_abandon(&e->output);
        release(e);
        return status;
    }
    *out = e;
    return STATUS_OK;
}

/* ---- the caller's side ----------------------------------------------------------------------- */

uint8_t *movie_encoder_buffer(MovieEncoder *e, bool wait) {
    mutex_lock(e->mutex);
    while (wait && e->queue.free_count == 0 && !e->finished)
        cond_wait(e->changed, e->mutex);
    uint8_t *frame = e->queue.free_count > 0 && !e->finished ? e->queue.free[--e->queue.free_count] : NULL;
    mutex_unlock(e->mutex);
    return frame;
}

void movie_encoder_put(MovieEncoder *e, uint8_t *frame, uint64_t times) {
    mutex_lock(e->mutex);
    if (times == 0)
        e->queue.free[e->queue.free_count++] = frame;
    else
        e->queue.items[e->queue.count++] = (QueueItem){frame, times};
    cond_broadcast(e->changed);
    mutex_unlock(e->mutex);
}

void movie_encoder_repeat(MovieEncoder *e, uint64_t times) {
    if (times == 0) return;
    mutex_lock(e->mutex);
    if (e->queue.count > 0)
        e->queue.items[e->queue.count - 1].times += times;
    else
        e->queue.items[e->queue.count++] = (QueueItem){NULL, times};
    cond_broadcast(e->changed);
    mutex_unlock(e->mutex);
}

void movie_encoder_end(MovieEncoder *e, MovieEnd how) {
    mutex_lock(e->mutex);
    e->ended = true;
    e->cut |= how == MOVIE_END_CUT;
    if (how == MOVIE_END_ABANDON) atomic_store(&e->abandoned.set, true);
    cond_broadcast(e->changed);
    mutex_unlock(e->mutex);
}

bool movie_encoder_finished(MovieEncoder *e) {
    mutex_lock(e->mutex);
    const bool finished = e->finished;
    mutex_unlock(e->mutex);
    return finished;
}

uint64_t movie_encoder_written(MovieEncoder *e) {
    mutex_lock(e->mutex);
    const uint64_t written = e->written;
    mutex_unlock(e->mutex);
    return written;
}

size_t movie_encoder_frame_size(const MovieEncoder *e) {
    return e->queue.frame_size;
}

Status movie_encoder_close(MovieEncoder *e, MovieSummary *summary, Error *err) {
    if (!e) return STATUS_OK;
    thread_join(e->thread);
    const Status status = e->status;
    if (status != STATUS_OK && err) *err = e->error;
    if (summary) {
        const bool pads = e->output.format == MOVIE_MP4;
        *summary = (MovieSummary){.format = e->output.format,
                                  .frames = e->written,
                                  .fps = e->shape.fps,
                                  .width = pads ? (e->shape.width + 1) & ~1 : e->shape.width,
                                  .height = pads ? (e->shape.height + 1) & ~1 : e->shape.height};
        snprintf(summary->path, sizeof summary->path, "%s", e->output.path);
        snprintf(summary->note, sizeof summary->note, "%s", e->note);
    }
    release(e);
    return status;
}
