/* The status panel: machine, budgets, work, overviews. */
#include "features/parts.h"
#include "session/recompute.h"
#include "ui/ui.h"

#include <math.h>

typedef struct StatusPanel {
    bool on;
} StatusPanel;

static const StateKey STATE = {.size = sizeof(StatusPanel), .kept = sizeof(StatusPanel)};

static StatusPanel *status_of(const App *app) {
    return app_state(app, &STATE);
}

static bool cmd_status(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    status_of(app)->on = !status_of(app)->on;
    return true;
}

static void over(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    if (!status_of(app)->on) return;
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const GpuInfo *info = gpu_info(app->machine.gpu);
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    const SchedulerStats jobs = tiles_scheduler_stats(app->machine.scheduler);
    char lines[14][200], a[32], b[32];
    int n = 0;
    snprintf(lines[n++], sizeof lines[0], "%s", info->renderer);
    snprintf(lines[n++], sizeof lines[0], "OpenGL %s, display %s", info->version,
             platform_driver(app->machine.platform));
    text_format_bytes(gpu.tile_bytes, a, sizeof a);
    text_format_bytes(info->tile_budget, b, sizeof b);
    snprintf(lines[n++], sizeof lines[0], "GPU tiles  %s of %s,  %d tiles, %d composites", a, b, gpu.tiles,
             gpu.composites);
    text_format_bytes(gpu.upload_bytes, a, sizeof a);
    snprintf(lines[n++], sizeof lines[0], "uploads  %llu, %s;  composed  %llu;  evicted  %llu",
             (unsigned long long)gpu.uploads, a, (unsigned long long)gpu.composes, (unsigned long long)gpu.evictions);
    snprintf(lines[n++], sizeof lines[0], "GPU look-ups  hits %llu, misses %llu", (unsigned long long)gpu.hits,
             (unsigned long long)gpu.misses);
    text_format_bytes(jobs.cache_bytes, a, sizeof a);
    snprintf(lines[n++], sizeof lines[0], "RAM tiles  %s,  hits %llu, misses %llu, evicted %llu", a,
             (unsigned long long)jobs.cache_hits, (unsigned long long)jobs.cache_misses,
             (unsigned long long)jobs.cache_evictions);
    if (jobs.factors.bytes > 0) {
        text_format_bytes(jobs.factors.bytes, a, sizeof a);
        snprintf(lines[n++], sizeof lines[0], "factors of rows and keys  %s,  hits %llu, misses %llu", a,
                 (unsigned long long)jobs.factors.hits, (unsigned long long)jobs.factors.misses);
    }
    snprintf(lines[n++], sizeof lines[0], "jobs  %llu done, %d running, %d queued, %llu cancelled, %llu failed",
             (unsigned long long)jobs.jobs_done, jobs.running, jobs.queued, (unsigned long long)jobs.jobs_cancelled,
             (unsigned long long)jobs.jobs_failed);
    snprintf(lines[n++], sizeof lines[0], "overviews  %d of %d heads, of side %d",
             app->work.overviews.total - app->work.overviews.missing, app->work.overviews.total,
             app->machine.base_side);
    if (app->opened.captures[0].disk) {
        const DiskStats disk = tiles_disk_stats(app->opened.captures[0].disk);
        snprintf(lines[n++], sizeof lines[0], "disk cache  %llu read, %llu written%s%.90s",
                 (unsigned long long)disk.hits, (unsigned long long)disk.stored, disk.stopped ? ";  stopped: " : "",
                 disk.reason);
    }
    recompute_describe(app, lines[n++], sizeof lines[0]);
    snprintf(lines[n++], sizeof lines[0], "level  2^%d x 2^%d weights a texel,  %d tiles drawn",
             app->picture.result.level.q, app->picture.result.level.k, app->picture.result.tiles_drawn);
    const Rect view = app->picture.layout.view;
    float width = 0;
    for (int i = 0; i < n; i++)
        width = fmaxf(width, draw_text_width(pen.fonts, lines[i], ui_style(&pen, 12)));
    const Rect box = {roundf(view.x + 16 * s), roundf(view.y + 16 * s),
                      roundf(fminf(width + 32 * s, app->picture.layout.window.w - 16 * s)),
                      roundf((float)n * 20 * s + 24 * s)};
    ui_card(&pen, box);
    for (int i = 0; i < n; i++) {
        char cut[192];
        draw_text_fit(pen.fonts, lines[i], ui_style(&pen, 12), box.w - 32 * s, cut, sizeof cut);
        draw_text(pen.list, box.x + 16 * s, box.y + (26 + (float)i * 20) * s, cut, ui_style(&pen, 12), ALIGN_LEFT,
                  i < 2 ? theme->dim : theme->text);
    }
}

static bool escape(App *app) {
    const bool was = status_of(app)->on;
    status_of(app)->on = false;
    return was;
}

static void json(const App *app, TextBuffer *out) {
    words_append_bool(out, "status", status_of(app)->on);
}

// clang-format off
static const Command COMMANDS[] = {
    {"status", "", cmd_status, "Shift+I=", "Window", "status and budgets", NULL, .noted = NOTED_NEVER},
    {.name = NULL},
};
// clang-format on

const Part STATUS = {
    .name = "status", .state = &STATE, .drawing = {.over = over}, .escape = escape, .json = json, .commands = COMMANDS};
