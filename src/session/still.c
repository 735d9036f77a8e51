/* The view as a file.
 *
 * A picture larger than a target is drawn part by part: for each, a frame of the whole picture's layout is built
 * that wants only what the part shows, settled, and painted with the part's corner as origin. Parts of a strip stand
 * side by side in one buffer, whose rows go to the encoder and on to the disk; nothing else depends on the size of
 * the picture.
 *
 *   +----------+----------+----+
 *   |  part    |  part    | .. |  strip -> rows -> PNG
 *   +----------+----------+----+ */
#include "session/still.h"
#include "export/export.h"

#include <string.h>

#define SETTLE_NS UINT64_C(600000000000)
#define WHOLE_PIXELS ((int64_t)8 << 20) /* up to here a picture is one part */
#define WHOLE_SIDE 4096
#define PART_SIDE 4096
#define STRIP_BYTES ((int64_t)32 << 20)
#define STRIP_ROWS_MAX 1024
#define TEXTS_MAX 7

static Status settle(App *app, const FrameParams *frame, Error *err) {
    if (!app_capture(app)) return STATUS_OK;
    return (frame->chrome ? work_settle_all : work_settle)(app, frame, SETTLE_NS, err);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

typedef struct Poster {
    App *app;
    const StillParams *params;
    GpuTarget *target;
    uint8_t *pixels; /* of one part */
    uint8_t *strip;
    int part_w, strip_h;
    bool whole;
    Color ground;
    const ExportWriter *writer;
    ExportPixels *picture;
} Poster;

/* Paints one part and puts it into its place in the strip. */
static Status draw_part(Poster *p, GpuArea part, Error *err) {
    App *app = p->app;
    FrameParams frame = p->params->frame;
    if (!p->whole) frame.part = (Rect){(float)part.x, (float)part.y, (float)part.w, (float)part.h};
    Status status = p->params->exact ? settle(app, &frame, err) : STATUS_OK;
    if (status != STATUS_OK) return status;
    frame.exact_only = p->params->exact;
    frame_build(app, &frame);
    if (cancel_requested(app->machine.cancel)) return error_set(err, STATUS_CANCELLED, "interrupted");
    status = gpu_paint_part(app->machine.gpu, p->target, part, p->ground, &app->picture.list, err);
    if (status == STATUS_OK) status = gpu_target_read(app->machine.gpu, p->target, p->pixels, err);
    for (int y = 0; status == STATUS_OK && y < part.h; y++) {
        memcpy(p->strip + ((size_t)y * (size_t)frame.width + (size_t)part.x) * 4,
               p->pixels + (size_t)y * (size_t)p->part_w * 4, (size_t)part.w * 4);
    }
    return status;
}

static Status draw_parts(Poster *p, Error *err) {
    const FrameParams *frame = &p->params->frame;
    const int64_t columns = i64_ceil_div(frame->width, p->part_w), strips = i64_ceil_div(frame->height, p->strip_h);
    int64_t done = 0;
    for (int y = 0; y < frame->height; y += p->strip_h) {
        const int rows = frame->height - y < p->strip_h ? frame->height - y : p->strip_h;
        for (int x = 0; x < frame->width; x += p->part_w) {
            const int columns_here = frame->width - x < p->part_w ? frame->width - x : p->part_w;
            const Status status = draw_part(p, (GpuArea){x, y, columns_here, rows}, err);
            if (status != STATUS_OK) return status;
            const Progress *progress = &p->params->progress;
            if (progress->report &&
                !progress->report(progress->user, "drawing", (double)++done / (double)(columns * strips))) {
                return error_set(err, STATUS_CANCELLED, "interrupted");
            }
        }
        const Status status = export_pixels_rows(p->picture, p->strip, rows, err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static void choose_parts(Poster *p) {
    const FrameParams *frame = &p->params->frame;
    const int64_t side = i64_min(gpu_info(p->app->machine.gpu)->max_texture_side, WHOLE_SIDE);
    p->whole = (int64_t)frame->width * frame->height <= WHOLE_PIXELS && frame->width <= side && frame->height <= side;
    p->part_w = p->whole ? frame->width : (int)i64_min(frame->width, i64_min(side, PART_SIDE));
    p->strip_h = p->whole ? frame->height
                          : (int)i64_clamp(STRIP_BYTES / (4 * (int64_t)frame->width), 1,
                                           i64_min(frame->height, STRIP_ROWS_MAX));
}

#define PATH_TEXT (APP_PATH_SIZE + 16)

static size_t describe(const App *app, char title[512], char paths[2][PATH_TEXT], TextBuffer *command,
                       ExportText texts[TEXTS_MAX]) {
    still_title(app, title, 512);
    still_capture_path(app, 0, paths[0], PATH_TEXT);
    state_command_line(app, command);
    const ExportText all[TEXTS_MAX] = {{"Title", title},
                                       {"attnscope.command", command->text},
                                       {"attnscope.capture", paths[0]},
                                       {"attnscope.exactness", words_badge(app)},
                                       {"attnscope.version", ATTNSCOPE_VERSION},
                                       {"Software", "attnscope " ATTNSCOPE_VERSION},
                                       {"attnscope.reference", paths[1]}};
    memcpy(texts, all, sizeof all);
    if (!app->opened.captures[1].capture) return TEXTS_MAX - 1;
    still_capture_path(app, 1, paths[1], PATH_TEXT);
    return TEXTS_MAX;
}

/* Texts stand before the pixels, so the first part must have been settled: it says how exact the picture is. */
static Status open_picture(Poster *p, const char *path, Error *err) {
    App *app = p->app;
    char title[512], paths[2][PATH_TEXT];
    TextBuffer command = {0};
    ExportText texts[TEXTS_MAX];
    size_t count = 0;
    if (!p->params->anonymous && app_capture(app)) count = describe(app, title, paths, &command, texts);
    Status status = command.failed ? error_set(err, STATUS_MEMORY, "not enough memory for a picture") : STATUS_OK;
    const ExportPixelsParams params = {.width = p->params->frame.width,
                                       .height = p->params->frame.height,
                                       .alpha = p->params->transparent,
                                       .texts = texts,
                                       .text_count = count};
    if (status == STATUS_OK) status = p->writer->pixels(path, &params, &p->picture, err);
    text_buffer_free(&command);
    return status;
}

static Status write_pixels(App *app, const ExportWriter *writer, const char *path, const StillParams *params,
                           Error *err) {
    Poster p = {.app = app,
                .writer = writer,
                .params = params,
                .ground = params->transparent ? (Color){0} : views_theme(app->ui.light)->ground};
    choose_parts(&p);
    Status status = gpu_target_new(app->machine.gpu, p.part_w, p.strip_h, &p.target, err);
    if (status != STATUS_OK) return status;
    p.pixels = mem_alloc((size_t)p.part_w * (size_t)p.strip_h * 4);
    p.strip = mem_alloc((size_t)params->frame.width * (size_t)p.strip_h * 4);
    if (!p.pixels || !p.strip) {
        status = error_set(err, STATUS_MEMORY, "not enough memory for a picture of %d x %d", params->frame.width,
                           params->frame.height);
        goto done;
    }
    FrameParams first = params->frame;
    if (!p.whole) first.part = (Rect){0, 0, (float)p.part_w, (float)p.strip_h};
    if (params->exact)
        status = settle(app, &first, err);
    else
        frame_build(app, &first);
    if (status == STATUS_OK) status = open_picture(&p, path, err);
    if (status == STATUS_OK) status = draw_parts(&p, err);
    if (status == STATUS_OK) {
        status = export_pixels_commit(p.picture, err);
        p.picture = NULL;
    }
done:
    export_pixels_discard(p.picture);
    mem_free(p.strip);
    mem_free(p.pixels);
    gpu_target_drop(app->machine.gpu, p.target);
    return status;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static Status write_vectors(App *app, const ExportWriter *writer, const char *path, const StillParams *params,
                            Error *err) {
    FrameParams frame = params->frame;
    if (frame.width > EXPORT_VECTOR_SIDE_MAX || frame.height > EXPORT_VECTOR_SIDE_MAX) {
        return error_set(err, STATUS_RANGE,
                         "SVG and PDF are laid out on at most %d x %d pixels and stay sharp beyond; a PNG can have %d",
                         EXPORT_VECTOR_SIDE_MAX, EXPORT_VECTOR_SIDE_MAX, STILL_SIDE_MAX);
    }
    Status status = params->exact ? settle(app, &frame, err) : STATUS_OK;
    if (status != STATUS_OK) return status;
    frame.exact_only = params->exact;
    frame_build(app, &frame);
    char title[512];
    TextBuffer description = {0};
    still_title(app, title, sizeof title);
    if (!params->anonymous) {
        state_command_line(app, &description);
        text_appendf(&description, "\n%s; attnscope " ATTNSCOPE_VERSION, words_badge(app));
    }
    const ExportVectorParams vector = {.width = frame.width,
                                       .height = frame.height,
                                       .scale = app->ui.scale,
                                       .ground = params->transparent ? (Color){0} : views_theme(app->ui.light)->ground,
                                       .title = params->anonymous ? NULL : title,
                                       .description = description.text};
    if (description.failed)
        status = error_set(err, STATUS_MEMORY, "not enough memory for a picture");
    else
        status = writer->vectors(path, &vector, app->machine.gpu, &app->picture.list, err);
    text_buffer_free(&description);
    return status;
}

bool still_can_write(const char *path) {
    return export_writer(NULL, path, EXPORT_PICTURES) != NULL;
}

Status still_write(App *app, const char *path, const StillParams *params, Error *err) {
    const ExportWriter *writer = export_writer(NULL, path, EXPORT_PICTURES);
    if (!writer) writer = export_writer(NULL, ".png", EXPORT_PIXELS); /* whatever it is called */
    const FrameParams *frame = &params->frame;
    if (frame->width < 1 || frame->height < 1 || frame->width > STILL_SIDE_MAX || frame->height > STILL_SIDE_MAX) {
        return error_set(err, STATUS_USAGE, "a picture of %d x %d pixels cannot be made; 1 to %d a side can",
                         frame->width, frame->height, STILL_SIDE_MAX);
    }
    /* Better said now than after minutes of work. */
    FileWriter *probe;
    Status status = file_writer_open(path, &probe, err);
    if (status != STATUS_OK) return status;
    file_writer_discard(probe);
    status = (writer->vectors ? write_vectors : write_pixels)(app, writer, path, params, err);
    app->pace.redraw = true;
    return status;
}
