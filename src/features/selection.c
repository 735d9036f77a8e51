/* Jobs about cells. Two threads of their own (chores.h): one writes, for the clipboard or a file, the other adds up the
 * selection for the panel; both at low priority. A job owns everything it touches but the capture, so selection_stop
 * comes before a capture is closed. Without a window nobody waits: a job is then done when the command returns. */
#include "features/selection.h"
#include "export/export.h"
#include "features/parts.h"
#include "session/chores.h"

#include <math.h>
#include <string.h>

#define COPY_CELLS_MAX 4000000

typedef struct Job {
    bool copies;
    SelectionSource source;
    SelectionSink sink;
    char path[APP_PATH_SIZE]; /* "" : no file */
    char variant[256];        /* for people, or "" */
    CancelFlag cancel;
    Status status;
    Error error;
} Job;

/* What App knows of them. */
struct Selections {
    Job *writing, *adding;
    Status status; /* of what was written last */
    Error error;
    TileKey stamp; /* of what is added up, or was */
    bool known;
    SelectionFigures figures;
};

const StateKey SELECTION_STATE = {.size = sizeof(Selection), .kept = offsetof(Selection, jobs)};

Selection *selection_of(const App *app) {
    return app_state(app, &SELECTION_STATE);
}

static struct Selections *selections_of(App *app) {
    if (!selection_of(app)->jobs) selection_of(app)->jobs = mem_alloc_zeroed(1, sizeof *selection_of(app)->jobs);
    return selection_of(app)->jobs;
}

/* ---- on the worker ---------------------------------------------------------------------------- */

static void job_run(void *data) {
    Job *job = data;
    Error *err = &job->error;
    job->status = job->path[0] ? file_writer_open(job->path, &job->sink.file, err) : STATUS_OK;
    if (job->status != STATUS_OK) return;
    job->status = selection_put(&job->source, &job->sink, &job->cancel, err);
    if (!job->sink.file) return;
    if (job->status == STATUS_OK)
        job->status = file_writer_commit(job->sink.file, err);
    else
        file_writer_discard(job->sink.file);
    job->sink.file = NULL;
}

static void job_free(void *data) {
    Job *job = data;
    text_buffer_free(&job->sink.text);
    mem_free(job);
}

/* ---- back on the GL thread -------------------------------------------------------------------- */

static void say_written(App *app, const Job *job) {
    const SelectionBlock *b = &job->source.block;
    const long long rows = b->q1 - b->q0, columns = b->k1 - b->k0;
    const char *colon = job->variant[0] ? ": " : "";
    if (job->status == STATUS_OK && job->copies)
        app_say(app, SAY_INFO, "copied %lld x %lld%s%s", rows, columns, colon, job->variant);
    else if (job->status == STATUS_OK)
        app_say(app, SAY_INFO, "wrote %lld x %lld cells to %s%s%s", rows, columns, job->path, colon, job->variant);
    else if (job->status == STATUS_CANCELLED)
        app_say(app, SAY_INFO, "given up: nothing was written");
    else {
        char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
        error_format(&job->error, text, sizeof text);
        app_say(app, SAY_ERROR, "%s", text);
    }
}

static void written(App *app, void *data) {
    Job *job = data;
    TextBuffer *text = &job->sink.text;
    selection_of(app)->jobs->writing = NULL;
    selection_of(app)->jobs->status = job->status;
    selection_of(app)->jobs->error = job->error;
    if (job->status == STATUS_OK && job->copies && text->length > 0) {
        text->text[--text->length] = 0; /* no line end after the last row: one cell pastes as one word */
        platform_set_clipboard(app->machine.platform, text->text);
    }
    say_written(app, job);
    job_free(job);
}

static void added_up(App *app, void *data) {
    Job *job = data;
    struct Selections *s = selection_of(app)->jobs;
    if (s->adding == job) {
        s->adding = NULL;
        s->known = job->status == STATUS_OK;
        s->figures = job->sink.figures;
    }
    job_free(job);
}

/* ---- starting --------------------------------------------------------------------------------- */

static Status selected_block(const App *app, bool single_cell, SelectionBlock *out, Error *err) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "there is no pattern to take cells from");
    const Look *look = &app->look;
    if (selection_of(app)->on) {
        *out = (SelectionBlock){
            i64_clamp(selection_of(app)->q0, 0, pattern.queries), i64_clamp(selection_of(app)->q1, 0, pattern.queries),
            i64_clamp(selection_of(app)->k0, 0, pattern.keys), i64_clamp(selection_of(app)->k1, 0, pattern.keys)};
        if (out->q1 > out->q0 && out->k1 > out->k0) return STATUS_OK;
        return error_set(err, STATUS_NOT_FOUND, "the selection lies outside this pattern");
    }
    if (look->matrix.cursor_on && look->matrix.cursor_locked) {
        *out = (SelectionBlock){look->matrix.cursor_q, look->matrix.cursor_q + 1, 0, pattern.keys};
        return STATUS_OK;
    }
    if (look->matrix.cursor_on && single_cell) {
        *out = (SelectionBlock){look->matrix.cursor_q, look->matrix.cursor_q + 1, look->matrix.cursor_k,
                                look->matrix.cursor_k + 1};
        return STATUS_OK;
    }
    return error_set(err, STATUS_NOT_FOUND, "nothing is chosen: %slock a row with x, or drag with the right button",
                     single_cell ? "move over a cell, " : "");
}

static Status make_job(const App *app, const SelectionBlock *block, SelectionForm form, Job **out, Error *err) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "there is no pattern to take cells from");
    Job *job = mem_alloc_zeroed(1, sizeof *job);
    if (!job) return error_set(err, STATUS_MEMORY, "not enough memory to read cells");
    const Status status = tiles_headset_resolve(&app->look.subject.heads, pattern.set, pattern.layer,
                                                &job->source.heads, err);
    if (status != STATUS_OK) {
        mem_free(job);
        return status;
    }
    job->source.block = *block;
    job->source.request = (PoolRequest){.capture = app_capture(app),
                                        .set = app->look.subject.set,
                                        .item = app->look.subject.item,
                                        .step = app->look.subject.step,
                                        .layer = app->look.subject.layer,
                                        .values = app->look.subject.values};
    job->source.variant = views_variant(&app->look);
    words_variant(app, job->variant, sizeof job->variant);
    job->sink.form = form;
    *out = job;
    return STATUS_OK;
}

/* Until nothing is left of it; an interrupt gives it up. */
static void finish(App *app, int queue, Job *const *running) {
    while (!chores_idle(app->machine.chores[queue])) {
        if (*running && cancel_requested(app->machine.cancel)) atomic_store(&(*running)->cancel.set, true);
        if (!chores_finish(app->machine.chores[queue], app)) clock_sleep_ns(200000);
    }
}

static Status write_job(App *app, Job *job, Error *err) {
    struct Selections *s = selections_of(app);
    if (!s || s->writing) {
        job_free(job);
        return s ? error_set(err, STATUS_NOT_FOUND, "cells are being written already; Esc gives that up")
                 : error_set(err, STATUS_MEMORY, "not enough memory to read cells");
    }
    s->writing = job;
    if (!chores_post(app->machine.chores[CHORES_WRITE], &(Chore){job_run, written, job_free, job})) {
        s->writing = NULL;
        return error_set(err, STATUS_MEMORY, "not enough memory to read cells");
    }
    if (platform_is_window(app->machine.platform)) return STATUS_OK;
    finish(app, CHORES_WRITE, &s->writing);
    if (s->status != STATUS_OK && err) *err = s->error;
    return s->status;
}

Status selection_copy(App *app, Error *err) {
    SelectionBlock block;
    int64_t cells;
    Job *job = NULL;
    Status status = selected_block(app, true, &block, err);
    if (status != STATUS_OK) return status;
    if (!i64_mul(block.q1 - block.q0, block.k1 - block.k0, &cells) || cells > COPY_CELLS_MAX) {
        return error_set(err, STATUS_RANGE,
                         "the selection has more than %d cells; the command `export` writes them to a file",
                         COPY_CELLS_MAX);
    }
    status = make_job(app, &block, SELECTION_TSV, &job, err);
    if (status != STATUS_OK) return status;
    job->copies = true;
    return write_job(app, job, err);
}

Status selection_export(App *app, const char *path, Error *err) {
    const ExportWriter *writer = export_writer(NULL, path, EXPORT_NUMBERS | EXPORT_TABLE);
    SelectionBlock block;
    Job *job = NULL;
    if (!writer) {
        char endings[128];
        return error_set(err, STATUS_USAGE, "'export' takes a name that ends in %s, not '%.200s'",
                         export_endings(NULL, EXPORT_NUMBERS | EXPORT_TABLE, endings, sizeof endings), path);
    }
    const SelectionForm form = writer->kind == EXPORT_NUMBERS ? SELECTION_NPY
                               : writer->separator == ','     ? SELECTION_CSV
                                                              : SELECTION_TSV;
    Status status = selected_block(app, false, &block, err);
    if (status == STATUS_OK) status = make_job(app, &block, form, &job, err);
    if (status != STATUS_OK) return status;
    snprintf(job->path, sizeof job->path, "%s", path);
    return write_job(app, job, err);
}

bool selection_busy(const App *app, char *what, size_t size, double *fraction) {
    const Job *job = selection_of(app)->jobs ? selection_of(app)->jobs->writing : NULL;
    if (!job) return false;
    const SelectionBlock *b = &job->source.block;
    *fraction = (double)atomic_load_explicit(&job->sink.rows_done, memory_order_relaxed) / (double)(b->q1 - b->q0);
    snprintf(what, size, job->copies ? "reading %lld x %lld cells%s" : "writing %lld x %lld cells to %s",
             (long long)(b->q1 - b->q0), (long long)(b->k1 - b->k0), job->path);
    return true;
}

bool selection_adding(const App *app) {
    return selection_of(app)->jobs && selection_of(app)->jobs->adding;
}

void selection_cancel(App *app) {
    if (selection_of(app)->jobs && selection_of(app)->jobs->writing)
        atomic_store(&selection_of(app)->jobs->writing->cancel.set, true);
}

/* ---- figures ---------------------------------------------------------------------------------- */

static void give_up_adding(App *app) {
    struct Selections *s = selection_of(app)->jobs;
    if (s->adding) atomic_store(&s->adding->cancel.set, true);
    s->adding = NULL; /* whatever it brings is not of now */
}

const SelectionFigures *selection_figures(App *app, const Frame *frame, double *fraction) {
    struct Selections *s = selections_of(app);
    SelectionBlock block;
    *fraction = 0;
    if (!s || !selection_of(app)->on || selected_block(app, false, &block, NULL) != STATUS_OK) return NULL;
    TileKey stamp = views_row_key(frame, &app->look, block.q0);
    stamp.x = block.k0;
    stamp.rows = block.q1 - block.q0;
    stamp.columns = block.k1 - block.k0;
    if (tiles_key_equal(&stamp, &s->stamp)) {
        if (s->adding)
            *fraction = (double)atomic_load_explicit(&s->adding->sink.rows_done, memory_order_relaxed) /
                        (double)stamp.rows;
        return s->known ? &s->figures : NULL;
    }
    s->known = false;
    give_up_adding(app);
    /* While the hand moves each frame has another selection. */
    if (app->pointer.drag == DRAG_SELECT || frame->flying) return NULL;
    s->stamp = stamp;
    if (make_job(app, &block, SELECTION_FIGURES, &s->adding, NULL) != STATUS_OK) return NULL;
    Job *job = s->adding;
    if (!chores_post(app->machine.chores[CHORES_ADD], &(Chore){job_run, added_up, job_free, job})) s->adding = NULL;
    if (!platform_is_window(app->machine.platform)) finish(app, CHORES_ADD, &s->adding);
    return s->known ? &s->figures : NULL;
}

const SelectionFigures *selection_figures_known(const App *app) {
    return selection_of(app)->on && selection_of(app)->jobs && selection_of(app)->jobs->known
               ? &selection_of(app)->jobs->figures
               : NULL;
}

/* ---- the end ---------------------------------------------------------------------------------- */

void selection_stop(App *app) {
    struct Selections *s = selection_of(app)->jobs;
    if (!s) return;
    selection_cancel(app);
    give_up_adding(app);
    for (int queue = CHORES_WRITE; queue <= CHORES_ADD; queue++) {
        if (app->machine.chores[queue]) finish(app, queue, &s->writing);
    }
    s->stamp = (TileKey){0};
    s->known = false;
}

void selection_drop(App *app) {
    mem_free(selection_of(app)->jobs);
    selection_of(app)->jobs = NULL;
}
