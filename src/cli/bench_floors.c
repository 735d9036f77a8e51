/* Floors: the least that any program would need for such frames on this machine, in the state it is in right now.
 * Figures of a busy or slower machine become comparable as multiples of them. The best of several tries is what the
 * machine can do. */
#include "cli/bench.h"

#include <math.h>
#include <string.h>

#define TRIES 9
#define COPY_BYTES ((size_t)64 << 20)
#define READ_BYTES ((size_t)128 << 20)
#define READ_PIECE ((size_t)1 << 20)

static double least(double a, double b) {
    return a <= 0 || b < a ? b : a;
}

static Status time_frame(Bench *b, bool heatmap, double *best, Error *err) {
    App *app = b->app;
    TileKey key;
    const uint64_t start = clock_now_ns(&app->machine.clock);
    draw_list_reset(&app->picture.list, app->machine.fonts);
    if (heatmap && work_base_image(app, &key)) {
        Pattern pattern = {0};
        (void)app_pattern(app, &pattern);
        const DrawHeatmap image = {.key = key,
                                   .u1 = (float)ldexp((double)pattern.keys, -key.lk),
                                   .v1 = (float)ldexp((double)pattern.queries, -key.lq),
                                   .keys = pattern.keys,
                                   .params = {.cmap = CMAP_VIRIDIS, .transform = TRANSFORM_SQRT, .hi = 1}};
        draw_heatmap(&app->picture.list, (Rect){0, 0, (float)b->params.width, (float)b->params.height}, &image);
    }
    const Status status = gpu_paint(app->machine.gpu, b->target, b->params.width, b->params.height, COLOR_HEX(0x101418),
                                    &app->picture.list, err);
    gpu_finish(app->machine.gpu);
    *best = least(*best, bench_ms_since(b, start));
    return status;
}

static void time_memory(Bench *b) {
    char *from = mem_alloc_zeroed(2, COPY_BYTES);
    if (!from) return;
    const uint64_t before = clock_now_ns(&b->app->machine.clock);
    memset(from, 1, 2 * COPY_BYTES); /* so that every page exists */
    b->floors.fresh_gbs = 2 * (double)COPY_BYTES / bench_ms_since(b, before) / 1e6;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const uint64_t start = clock_now_ns(&b->app->machine.clock);
        memcpy(from + COPY_BYTES, from, COPY_BYTES);
        from[0] = from[2 * COPY_BYTES - 1];
        best = least(best, bench_ms_since(b, start));
    }
    b->floors.memcpy_gbs = (double)COPY_BYTES / best / 1e6;
    mem_free(from);
}

/* The second reading comes from the page cache. Built-in demos have no file. */
static void time_reads(Bench *b, const char *path) {
    File *file = NULL;
    FileInfo info;
    char *piece = mem_alloc(READ_PIECE);
    if (piece && file_open_read(path, &file, NULL) == STATUS_OK && file_info(file, &info, NULL) == STATUS_OK) {
        const uint64_t size = info.size < READ_BYTES ? info.size : READ_BYTES;
        double best = 0;
        for (int i = 0; i < 3; i++) {
            const uint64_t start = clock_now_ns(&b->app->machine.clock);
            for (uint64_t at = 0; at < size; at += READ_PIECE) {
                const size_t n = (size_t)(size - at < READ_PIECE ? size - at : READ_PIECE);
                if (file_read_at(file, at, piece, n, NULL) != STATUS_OK) break;
            }
            best = least(best, bench_ms_since(b, start));
        }
        b->floors.read_gbs = (double)size / best / 1e6;
    }
    file_close(file);
    mem_free(piece);
}

Status bench_measure_floors(Bench *b, const char *file, Error *err) {
    Status status = STATUS_OK;
    work_pause(b->app);
    for (int i = 0; i < TRIES && status == STATUS_OK; i++) {
        status = time_frame(b, false, &b->floors.clear_ms, err);
        if (status == STATUS_OK) status = time_frame(b, true, &b->floors.one_fetch_ms, err);
    }
    time_memory(b);
    time_reads(b, file);
    work_resume(b->app);
    return status;
}
