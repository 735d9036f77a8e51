/* The program without a window: its machine, its parts and scenes, opened in order and closed in reverse. */
#include "session/app.h"
#include "session/chores.h"
#include "session/recompute.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening --------------------------------------------------------------------------------- */

static Status open_machine(App *app, const AppParams *params, Error *err) {
    const PlatformParams platform = {.mode = params->mode,
                                     .title = "attnscope",
                                     .width = params->width,
                                     .height = params->height,
                                     .fullscreen = params->fullscreen,
                                     .no_vsync = params->no_vsync};
    Status status = platform_open(&platform, &app->machine.platform, err);
    if (status != STATUS_OK) return status;
    const GpuParams gpu = {.get_proc = platform_gl_proc,
                           .tile_budget = params->gpu_budget,
                           .shader_directory = getenv("ATTNSCOPE_SHADERS"),
                           .debug = getenv("ATTNSCOPE_GL_DEBUG") != NULL};
    if ((status = gpu_open(&gpu, &app->machine.gpu, err)) != STATUS_OK) return status;
    const FontsParams fonts = {.file = getenv("ATTNSCOPE_FONT")};
    if ((status = draw_fonts_open(&fonts, &app->machine.fonts, err)) != STATUS_OK) return status;
    const SchedulerParams scheduler = {.workers = params->workers,
                                       .ram_budget = params->ram_budget,
                                       .base_side = app->machine.base_side,
                                       .wake = app_wake,
                                       .wake_user = app};
    if ((status = tiles_scheduler_new(&scheduler, &app->machine.scheduler, err)) != STATUS_OK) return status;
    if ((status = recompute_init(app, params->recompute, err)) != STATUS_OK) return status;
    for (int i = 0; i < CHORES_COUNT; i++) {
        if ((status = chores_new(app_wake, app, i >= CHORES_WRITE, &app->machine.chores[i], err)) != STATUS_OK)
            return status;
    }
    app->work.ranges = views_range_cache_new();
    app->work.factors = views_factors_new();
    if (!app->work.ranges || !app->work.factors) return error_set(err, STATUS_MEMORY, "not enough memory to start");
    return STATUS_OK;
}

static Status open_parts(App *app, Error *err) {
    Status status = STATUS_OK;
    for (const Part *const *part = app->catalog->parts; status == STATUS_OK && *part; part++) {
        if ((*part)->open) status = (*part)->open(app, err);
    }
    for (const Scene *const *scene = app->catalog->scenes; status == STATUS_OK && *scene; scene++) {
        if ((*scene)->open) status = (*scene)->open(app, err);
    }
    return status;
}

Status program_begin(App *app, const Catalog *catalog, Error *err) {
    memset(app, 0, sizeof *app);
    app->catalog = catalog;
    app->shown.scene = catalog->scenes[0];
    app->machine.clock = clock_system();
    app->machine.base_side = TILE_SIDE;
    app->ui.scale = app->ui.density = 1.0f;
    app->ui.panels = true;
    app->motion.scrub_direction = 1;
    app->motion.memory.last = -1;
    views_look_init(&app->look);
    Status status = app_states_make(app, err);
    if (status == STATUS_OK) status = open_parts(app, err);
    if (status != STATUS_OK) {
        program_close(app);
        return status;
    }
    commands_gather(app);
    keys_bind(app, NULL, 0);
    return STATUS_OK;
}

Status program_open(App *app, const Catalog *catalog, const AppParams *params, Error *err) {
    Status status = program_begin(app, catalog, err);
    if (status != STATUS_OK) return status;
    if (params->scale > 0) app->ui.scale = params->scale;
    app->ui.light = params->light;
    app->machine.disk_cache = params->disk_cache;
    if ((status = open_machine(app, params, err)) != STATUS_OK) program_close(app);
    return status;
}

static void close_parts(App *app) {
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->close && app->states) (*part)->close(app);
    }
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if ((*scene)->close && app->states) (*scene)->close(app);
    }
    app_states_free(app);
}

void program_close(App *app) {
    if (!app->catalog) return; /* it was never opened, or is closed */
    /* Who reads a capture is stopped first; then the threads that worked for the parts; then the parts. */
    for (int i = 0; i < 2; i++)
        captures_close(app, i);
    for (int i = 0; i < CHORES_COUNT; i++)
        chores_drop(app->machine.chores[i]);
    close_parts(app);
    tiles_scheduler_drop(app->machine.scheduler);
    recompute_close(app);
    views_readout_clear(&app->work.readouts);
    views_range_cache_drop(app->work.ranges);
    views_factors_drop(app->work.factors);
    views_wants_free(&app->work.wants);
    draw_list_free(&app->picture.list);
    if (app->machine.fonts) draw_fonts_close(app->machine.fonts);
    if (app->machine.gpu) gpu_close(app->machine.gpu);
    if (app->machine.platform) platform_close(app->machine.platform);
    memset(app, 0, sizeof *app);
}
