/* Where attention is computed from Q and K: by the workers, or by compute shaders for them.
 *
 * `auto` measures both once, when the first capture with Q and K is open: at once with a GPU; with software OpenGL,
 * which shares the cores with the workers, when nothing else is to do. The GPU has to be clearly faster, since tiles
 * take the way through the GL thread. */
#include "session/recompute.h"
#include "session/property.h"

#include <string.h>

#define GPU_PAYS 1.5         /* times what the workers do */
#define KERNEL_SHARE 0.7     /* of the dot-product rate is left of a kernel with softmax and pooling */
#define LEAST_OPERATIONS 4e8 /* of a tile: some 2 ms of a fast core */
#define STEP_NS UINT64_C(2000000)
#define SETTLE_STEP_NS UINT64_C(20000000)

enum { MEASURED_DIM = 64 };
static const char *const MODES[] = {"auto", "cpu", "gpu", NULL};

static void wake_loop(void *user) {
    platform_wake(((App *)user)->machine.platform);
}

static bool has_factored(const App *app) {
    for (size_t i = 0; i < BASE_COUNT(app->opened.captures); i++) {
        const Capture *capture = app->opened.captures[i].capture;
        for (int set = 0; capture && set < capture_set_count(capture); set++) {
            if (capture_set(capture, set)->factored) return true;
        }
    }
    return false;
}

static Status open_gpu(App *app, double least_operations, Error *err) {
    const DeviceParams params = {.least_operations = least_operations, .wake = wake_loop, .wake_user = app};
    return gpu_recompute_open(app->machine.gpu, app->machine.recompute.device, &params, err);
}

static void note(Recomputing *r, const char *why) {
    snprintf(r->why, sizeof r->why, "%s", why);
}

/* A driver that cannot is no failure here: then it is the processor. */
static void measure(App *app) {
    Recomputing *r = &app->machine.recompute;
    Error err = {0};
    const KernelSpeed kernel = tiles_kernel_best(false);
    r->measured = true;
    r->cpu_gflops = KERNEL_SHARE * kernel.peak * thread_core_count();
    Status status = gpu_recompute_measure(app->machine.gpu, MEASURED_DIM, &r->gpu_gflops, &err);
    if (status == STATUS_OK && r->gpu_gflops > GPU_PAYS * r->cpu_gflops) status = open_gpu(app, LEAST_OPERATIONS, &err);
    if (status != STATUS_OK) note(r, err.message);
}

Status recompute_init(App *app, RecomputeMode mode, Error *err) {
    app->machine.recompute.mode = mode;
    app->machine.recompute.device = tiles_device_new();
    if (!app->machine.recompute.device) return error_set(err, STATUS_MEMORY, "not enough memory to start");
    tiles_scheduler_use_device(app->machine.scheduler, app->machine.recompute.device);
    return STATUS_OK;
}

void recompute_close(App *app) {
    if (app->machine.gpu) gpu_recompute_close(app->machine.gpu, app->machine.recompute.device);
    tiles_device_drop(app->machine.recompute.device);
    app->machine.recompute.device = NULL;
}

void recompute_choose(App *app, bool idle) {
    Recomputing *r = &app->machine.recompute;
    if (!has_factored(app) || gpu_recompute_is_open(app->machine.gpu)) return;
    if (r->mode == RECOMPUTE_AUTO && !r->measured && (idle || !gpu_info(app->machine.gpu)->software)) measure(app);
    if (r->mode == RECOMPUTE_GPU && !r->why[0]) {
        Error err = {0};
        if (open_gpu(app, 0, &err) == STATUS_OK) return;
        note(r, err.message);
        app_say(app, SAY_WARNING, "%s; the processor computes attention", err.message);
    }
}

void recompute_step(App *app, uint64_t budget_ns) {
    Recomputing *r = &app->machine.recompute;
    Error err = {0};
    if (!r->device) return;
    const uint64_t most = budget_ns == UINT64_MAX ? SETTLE_STEP_NS : STEP_NS;
    if (gpu_recompute_step(app->machine.gpu, r->device, most, &r->busy, &err) == STATUS_OK) return;
    r->busy = false;
    note(r, err.message);
    app_say(app, SAY_WARNING, "%s; the processor computes attention from now on", err.message);
}

Status recompute_parse(const char *text, RecomputeMode *out, Error *err) {
    for (size_t i = 0; MODES[i]; i++) {
        if (!strcmp(text, MODES[i])) {
            *out = (RecomputeMode)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_USAGE, "'recompute' takes auto, cpu or gpu, not '%.40s'", text);
}

static bool set_recompute(App *app, const char *args, Error *err) {
    RecomputeMode mode = RECOMPUTE_AUTO;
    if (recompute_parse(args, &mode, err) != STATUS_OK) return false;
    gpu_recompute_close(app->machine.gpu, app->machine.recompute.device);
    app->machine.recompute.mode = mode;
    app->machine.recompute.measured = false;
    note(&app->machine.recompute, "");
    recompute_choose(app, true);
    if (!app->machine.recompute.why[0] || mode != RECOMPUTE_GPU) {
        char text[200];
        recompute_describe(app, text, sizeof text);
        app_say(app, SAY_INFO, "%s", text);
    }
    return true;
}

void recompute_describe(const App *app, char *out, size_t out_size) {
    const Recomputing *r = &app->machine.recompute;
    const bool gpu = gpu_recompute_is_open(app->machine.gpu);
    const char *kernel = tiles_kernel_name(true);
    size_t length = (size_t)snprintf(out, out_size,
                                     gpu ? "attention from Q and K  GPU" : "attention from Q and K  CPU, %s", kernel);
    if (length < out_size && r->gpu_gflops > 0)
        snprintf(out + length, out_size - length, ";  GPU %.1f, CPU %.0f GFLOP/s", r->gpu_gflops, r->cpu_gflops);
    else if (length < out_size && r->why[0])
        snprintf(out + length, out_size - length, ";  %s", r->why);
}

void recompute_json(const App *app, TextBuffer *out) {
    const Recomputing *r = &app->machine.recompute;
    text_appendf(out, "\"recompute\":{\"mode\":\"%s\",\"on\":\"%s\",\"kernel\":", MODES[r->mode],
                 gpu_recompute_is_open(app->machine.gpu) ? "gpu" : "cpu");
    text_append_json(out, tiles_kernel_name(true));
    text_appendf(out, ",\"gpu_tasks\":%llu,\"gpu_gflops\":",
                 (unsigned long long)(r->device ? tiles_device_stats(r->device).done : 0));
    text_append_json_f64(out, r->gpu_gflops > 0 ? r->gpu_gflops : (double)NAN);
    text_append(out, ",\"cpu_gflops\":");
    text_append_json_f64(out, r->measured ? r->cpu_gflops : (double)NAN);
    text_append(out, ",\"why\":");
    text_append_json(out, r->why);
    text_append(out, "}");
}

static bool get_recompute(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", MODES[app->machine.recompute.mode]);
    return true;
}

static Status early_recompute(AppParams *params, const char *value, Error *err) {
    return recompute_parse(value, &params->recompute, err);
}

const Property RECOMPUTE_PROPERTIES[] = {
    {.command = {"recompute", "auto|cpu|gpu", NULL, NULL, "Window",
                 "where attention from Q and K is computed; auto measures", NULL, .needs = 0},
     .kind = PROPERTY_CHOICE,
     .where = PROPERTY_OPTION,
     .choices = MODES,
     .set = set_recompute,
     .get = get_recompute,
     .early = early_recompute,
     .option = {.arg = "WHERE", .help = "attention from Q and K: auto (measured), cpu or gpu"}},
    {.command = {.name = NULL}},
};
