/* `render`: a picture (.png), or the numbers the display shader colours (.npy), with no display. */
#include "app/window.h"
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "export/export.h"
#include "features/record/record.h"
#include "session/recompute.h"
#include "session/still.h"

#include <math.h>
#include <string.h>

#define JOB_TIMEOUT_NS UINT64_C(600000000000)
#define NPY_MAX_BYTES ((int64_t)8 << 30)
#define TILE_FLOATS ((size_t)TILE_SIDE * TILE_SIDE * 2)

/* Runs jobs to the end and puts what they made on the GPU. */
static Status run_jobs(App *app, size_t jobs, Error *err) {
    Status status = tiles_scheduler_want(app->machine.scheduler, app->work.wants.items, jobs, err);
    const uint64_t start = clock_now_ns(&app->machine.clock);
    for (size_t done = 0; done < jobs && status == STATUS_OK;) {
        TileData *data = tiles_scheduler_take(app->machine.scheduler);
        recompute_step(app, UINT64_MAX);
        if (!data) {
            if (clock_now_ns(&app->machine.clock) - start > JOB_TIMEOUT_NS)
                return error_set(err, STATUS_CANCELLED, "a tile was not ready in time");
            clock_sleep_ns(100000);
            continue;
        }
        status = data->status;
        if (status != STATUS_OK)
            *err = data->error;
        else
            status = gpu_tile_put(app->machine.gpu, data, err);
        tiles_data_drop(data);
        done++;
    }
    return status;
}

/* One tile of the head set in one capture, exact, composed on the GPU under *key. */
static Status tile_image(App *app, const Frame *frame, const Look *look, TilePlace at, TileKey *key, Error *err) {
    const SetInfo *set = capture_set(frame->capture, look->subject.set);
    ResolvedHeads heads;
    Status status = tiles_headset_resolve(&look->subject.heads, set, &set->layers[look->subject.layer], &heads, err);
    if (status != STATUS_OK) return status;
    *key = views_key(frame, look, look->subject.layer, -1, tiles_headset_hash(&look->subject.heads), at);
    app->work.wants.variant = views_variant(look);
    key->variant = tiles_variant_id(&app->work.wants.variant);
    const bool from_source = key->variant || tiles_headset_exactness(&heads, at.level, CHANNEL_MEAN) != EXACT ||
                             tiles_headset_exactness(&heads, at.level, CHANNEL_MAX) != EXACT;
    const bool single = heads.count == 1 && !key->variant;
    app->work.wants.count = 0;
    if (from_source && !single) {
        TileWant *want = views_want(&app->work.wants, JOB_COMPOSITE, key, frame->capture);
        if (want) want->heads = look->subject.heads;
    } else {
        for (int i = 0; i < heads.count; i++) {
            TileKey head = *key;
            head.head = heads.index[i];
            head.headset = 0;
            TileWant *want = views_want(&app->work.wants, JOB_TILE, &head, frame->capture);
            if (want) want->better_than = TILE_NO_ESTIMATE;
        }
    }
    status = run_jobs(app, app->work.wants.count, err);
    if (status == STATUS_OK && (single || !from_source)) {
        const ComposeRequest request = {
            .key = *key, .heads = &heads, .data_signed = set->signed_values || look->subject.values == VALUES_SCORES};
        status = gpu_compose(app->machine.gpu, &request, err);
    }
    return status;
}

/* One tile of what is shown of the captures. */
static Status tile_floats(App *app, const Frame *frame, TilePlace at, float *rg, int *width, int *height, Error *err) {
    const Compare compare = app->look.compare;
    Frame ref_frame;
    Look ref_look;
    TileKey keys[2], key;
    Status status = compare != COMPARE_OFF ? views_reference(frame, &app->look, &ref_frame, &ref_look, err) : STATUS_OK;
    if (status == STATUS_OK && compare != COMPARE_REF) status = tile_image(app, frame, &app->look, at, &keys[0], err);
    if (status == STATUS_OK && compare != COMPARE_OFF)
        status = tile_image(app, &ref_frame, &ref_look, at, &keys[1], err);
    key = keys[compare == COMPARE_REF ? 1 : 0];
    if (status == STATUS_OK && compare == COMPARE_DIFF) {
        GpuTileInfo info = {0};
        (void)gpu_tile_find(app->machine.gpu, &keys[0], &info);
        const ResolvedHeads both = {.op = HEADS_DIFF, .count = 2, .weight = {1, -1}, .result_signed = true};
        key.capture = 2;
        key.serial = frame->reference.difference_serial;
        const ComposeRequest request = {.key = key, .heads = &both, .sources = keys, .data_signed = info.is_signed};
        status = gpu_compose(app->machine.gpu, &request, err);
    }
    if (status == STATUS_OK) status = gpu_tile_read(app->machine.gpu, &key, 0, rg, TILE_FLOATS, width, height, err);
    return status;
}

/* Size of what is shown. */
static Status shown_size(const App *app, const Frame *frame, int64_t *queries, int64_t *keys, Error *err) {
    Pattern pattern;
    Frame ref_frame;
    Look ref_look;
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "there is no pattern to render");
    *queries = pattern.queries;
    *keys = pattern.keys;
    if (app->look.compare == COMPARE_SIDE)
        return error_set(err, STATUS_USAGE, "a .npy holds one pattern: --compare takes off, ref or diff there");
    if (app->look.compare != COMPARE_REF) return STATUS_OK;
    const Status status = views_reference(frame, &app->look, &ref_frame, &ref_look, err);
    if (status != STATUS_OK) return status;
    *queries = capture_set(ref_frame.capture, ref_look.subject.set)->layers[ref_look.subject.layer].queries;
    *keys = capture_set(ref_frame.capture, ref_look.subject.set)->layers[ref_look.subject.layer].keys;
    return STATUS_OK;
}

typedef struct Region {
    int64_t y0, y1, x0, x1; /* texels of the level's grid */
} Region;

/* "Q0:Q1,K0:K1" was already checked by the command; here it becomes whole blocks. */
static Region region_of(const App *app, const ViewOptions *options, Level level, int64_t queries, int64_t keys) {
    Region r = {0, tiles_texels(queries, level.q), 0, tiles_texels(keys, level.k)};
    const char *rect = view_options_value(options, "rect");
    if (!rect) return r;
    long long q0 = 0, q1 = queries, k0 = 0, k1 = keys;
    const char *comma = strchr(rect, ',');
    (void)app;
    if (rect[0] != ':') (void)sscanf(rect, "%lld", &q0);
    const char *colon = strchr(rect, ':');
    if (colon && colon[1] != ',') (void)sscanf(colon + 1, "%lld", &q1);
    if (comma[1] != ':') (void)sscanf(comma + 1, "%lld", &k0);
    colon = strchr(comma, ':');
    if (colon && colon[1]) (void)sscanf(colon + 1, "%lld", &k1);
    return (Region){q0 >> level.q, i64_min(((q1 - 1) >> level.q) + 1, r.y1), k0 >> level.k,
                    i64_min(((k1 - 1) >> level.k) + 1, r.x1)};
}

static Status write_npy(const char *path, const float *data, int64_t rows, int64_t columns, Error *err) {
    char header[EXPORT_NPY_HEADER_MAX];
    const size_t length = export_npy_header(rows, columns, 2, header);
    FileWriter *file;
    Status status = file_writer_open(path, &file, err);
    if (status != STATUS_OK) return status;
    (void)file_writer_write(file, header, length, NULL); /* the writer remembers a failure */
    (void)file_writer_write(file, data, (size_t)rows * (size_t)columns * 2 * sizeof *data, NULL);
    return file_writer_commit(file, err);
}

static Status render_npy(App *app, const ViewOptions *options, const char *out, Error *err) {
    int64_t queries = 0, keys = 0;
    long long lq, lk;
    /* The command "level" has refused what is not LQ,LK. */
    if (sscanf(view_options_value(options, "level"), "%lld,%lld", &lq, &lk) != 2)
        return error_set(err, STATUS_USAGE, "--level takes LQ,LK");
    const FrameParams params = {.scale = 1};
    const Frame frame = frame_make(app, &params);
    Status status = shown_size(app, &frame, &queries, &keys, err);
    if (status != STATUS_OK) return status;
    const Level level = {(int)lq, (int)lk};
    const Region r = region_of(app, options, level, queries, keys);
    const int64_t rows = r.y1 - r.y0, columns = r.x1 - r.x0;
    int64_t cells;
    if (!i64_mul(rows, columns, &cells) || cells > NPY_MAX_BYTES / 8) {
        return error_set(err, STATUS_RANGE,
                         "%lld x %lld blocks are more than 8 GiB; choose a coarser --level or a smaller --rect",
                         (long long)rows, (long long)columns);
    }
    float *data = mem_alloc_zeroed((size_t)cells, 2 * sizeof *data),
          *tile = mem_alloc_zeroed(TILE_FLOATS, sizeof *tile);
    if (!data || !tile)
        status = error_set(err, STATUS_MEMORY, "not enough memory for %lld x %lld blocks", (long long)rows,
                           (long long)columns);
    for (int64_t y = r.y0 / TILE_SIDE; status == STATUS_OK && y * TILE_SIDE < r.y1; y++) {
        for (int64_t x = r.x0 / TILE_SIDE; status == STATUS_OK && x * TILE_SIDE < r.x1; x++) {
            int width = 0, height = 0;
            gpu_frame_advance(app->machine.gpu);
            status = tile_floats(app, &frame, (TilePlace){level, y, x}, tile, &width, &height, err);
            for (int64_t ty = 0; status == STATUS_OK && ty < height; ty++) {
                const int64_t row = y * TILE_SIDE + ty, first = i64_max(r.x0, x * TILE_SIDE),
                              last = i64_min(r.x1, x * TILE_SIDE + width);
                if (row < r.y0 || row >= r.y1 || first >= last) continue;
                memcpy(data + ((row - r.y0) * columns + first - r.x0) * 2,
                       tile + (ty * width + first - x * TILE_SIDE) * 2, (size_t)(last - first) * 2 * sizeof *data);
            }
        }
    }
    if (status == STATUS_OK) status = write_npy(out, data, rows, columns, err);
    mem_free(data);
    mem_free(tile);
    return status;
}

typedef struct Job {
    AppParams start;
    ViewOptions options;
    const char *file, *out;
    int width, height; /* points */
    bool window, transparent, anonymous;
} Job;

/* The picture's size in pixels; text and panels are --scale times as large, and so is a picture that has them. */
static Status frame_of(const App *app, const Job *job, FrameParams *frame, Error *err) {
    const double scale = job->options.bare ? 1 : (double)app->ui.scale;
    const double width = round(job->width * scale), height = round(job->height * scale);
    if (width < 1 || height < 1 || width > STILL_SIDE_MAX || height > STILL_SIDE_MAX) {
        return error_set(err, STATUS_USAGE,
                         "--size %dx%d times --scale %g is %.0fx%.0f pixels; 1 to %d a side can be made", job->width,
                         job->height, scale, width, height, STILL_SIDE_MAX);
    }
    *frame = frame_window_params(app);
    frame->width = (int)width;
    frame->height = (int)height;
    frame->bare = job->options.bare;
    frame->chrome = job->window && !job->options.bare;
    return STATUS_OK;
}

static Status render(App *app, const Job *job, Error *err) {
    const ViewOptions *options = &job->options;
    FrameParams frame;
    Status status = program_open(app, &CATALOG, &job->start, err);
    if (status != STATUS_OK) return status;
    app->machine.cancel = movie_interrupt_flag();
    if (options->axes) snprintf(app->opened.axes, sizeof app->opened.axes, "%s", options->axes);
    if ((status = captures_open(app, &job->file, 1, err)) != STATUS_OK) return status;
    if (export_writer(NULL, job->out, EXPORT_NUMBERS) && capture_set_count(app_capture(app)) == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "a .npy holds blocks of a pattern; `probe --query :` writes probabilities of tokens");
    if ((status = frame_of(app, job, &frame, err)) != STATUS_OK) return status;
    if (options->bare) {
        app->look.labels = false;
        /* The heatmap alone fills its picture, whatever the aspect; cells are square only if asked for. */
        app->look.matrix.fit_mode = FIT_STRETCH;
    }
    if ((status = view_options_apply(options, app, &frame, err)) != STATUS_OK) return status;
    app->message.text[0] = 0;
    if (options->exec) {
        frame_build(app, &frame);
        if ((status = commands_run_script(app, options->exec, err)) != STATUS_OK) return status;
    }
    if (export_writer(NULL, job->out, EXPORT_NUMBERS)) return render_npy(app, options, job->out, err);
    const StillParams still = {.frame = frame,
                               .exact = true,
                               .transparent = job->transparent,
                               .anonymous = job->anonymous,
                               .progress = cli_progress()};
    status = still_write(app, job->out, &still, err);
    cli_progress_end();
    return status;
}

/* What can be said before anything is opened. */
static Status check(Job *job, Error *err) {
    char endings[128];
    export_endings(NULL, EXPORT_PICTURES | EXPORT_NUMBERS, endings, sizeof endings);
    if (!job->out) return error_set(err, STATUS_USAGE, "`render` needs -o OUT%s", endings);
    const bool npy = export_writer(NULL, job->out, EXPORT_NUMBERS) != NULL;
    if (!npy && !still_can_write(job->out)) {
        return error_set(err, STATUS_USAGE, "-o takes a name that ends in %s, not '%.200s'", endings, job->out);
    }
    job->width = 1280;
    job->height = 720;
    const char *size = view_options_value(&job->options, "size");
    if (size) {
        const Status status = options_size_within("size", size, STILL_SIDE_MAX, &job->width, &job->height, err);
        if (status != STATUS_OK) return status;
        view_options_give(&job->options, "size",
                          NULL); /* the context's window, which nobody sees, need not be as large */
    }
    if (!job->file && !job->options.from)
        return error_set(err, STATUS_USAGE, "`render` needs a file, or --from PICTURE.png");
    if (job->options.from) {
        const char *capture = NULL;
        const Status status = still_read_view(job->options.from, &job->options, &capture, !job->file, err);
        if (status != STATUS_OK) return status;
        if (!job->file) job->file = capture;
    }
    if (npy && !view_options_value(&job->options, "level"))
        return error_set(err, STATUS_USAGE, "a .npy needs --level LQ,LK: which blocks are pooled");
    return view_options_start(&job->options, &job->start, err);
}

int cli_render(int argc, char **argv) {
    Job job = {.start = {.mode = PLATFORM_OFFSCREEN}};
    Option table[VIEW_OPTIONS_MAX + 4];
    view_options_begin(&job.options, &CATALOG);
    size_t n = view_options_table(&job.options, false, table);
    table[n++] = (Option){"output", 'o', "OUT", "OUT.png, OUT.svg, OUT.pdf or OUT.npy", &job.out, NULL};
    table[n++] = (Option){"window", 0, NULL, "with the panels of the window", NULL, &job.window};
    table[n++] = (Option){"transparent", 0, NULL, "without ground, for slides and pages", NULL, &job.transparent};
    table[n++] = (Option){"no-metadata", 0, NULL, "nothing about the capture in the file", NULL, &job.anonymous};
    size_t count = 0;
    Error err = {0};
    Status status = options_parse(table, n, argc, argv, &job.file, 1, &count, &err);
    if (status == STATUS_OK && job.options.help) {
        printf("usage: attnscope render FILE [options] -o OUT.png|OUT.svg|OUT.pdf|OUT.npy\n\n"
               "FILE may be demo:NAME, or left out after --from PICTURE.png. Pictures may have up to %d pixels a side "
               "(PNG).\n"
               "A .npy holds f32 [rows, columns, 2]: mean and max of the blocks of --level.\n\n",
               STILL_SIDE_MAX);
        options_print(table, n, stdout);
        return EXIT_OK;
    }
    if (status == STATUS_OK) status = check(&job, &err);
    if (status != STATUS_OK) return options_fail(&err);
    App *app = mem_alloc_zeroed(1, sizeof *app);
    if (!app)
        status = error_set(&err, STATUS_MEMORY, "not enough memory to start");
    else {
        movie_interrupt_begin();
        status = render(app, &job, &err);
        movie_interrupt_end();
        program_close(app);
        mem_free(app);
    }
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}
