#include "cli/cli_common.h"
#include "session/app.h"
#include "session/demo.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_INTERVAL_NS UINT64_C(100000000)
#define ESTIMATE_AFTER_NS UINT64_C(1000000000) /* sooner it would jump */
#define LINE_WIDTH 78

static bool report(void *user, const char *what, double fraction) {
    static uint64_t last, began; /* verbs report from one thread */
    static double before;
    Clock clock = clock_system();
    uint64_t now = clock_now_ns(&clock);
    char left[48] = "";
    (void)user;
    if (began == 0 || fraction < before) began = now; /* something new */
    before = fraction;
    if (now - last < PROGRESS_INTERVAL_NS) return true;
    last = now;
    if (fraction > 0 && now - began > ESTIMATE_AFTER_NS) {
        snprintf(left, sizeof left, ", about %.0f s left",
                 ceil((double)(now - began) / 1e9 * (1 - fraction) / fraction));
    }
    if (fraction >= 0.0)
        fprintf(stderr, "\r%-45.45s %3.0f %%%-28.28s", what, fraction * 100.0, left);
    else
        fprintf(stderr, "\r%-*.*s", LINE_WIDTH, LINE_WIDTH, what);
    return true;
}

Progress cli_progress(void) {
    return (Progress){.report = isatty(STDERR_FILENO) ? report : NULL};
}

void cli_progress_end(void) {
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
}

Status cli_open(const char *const *paths, size_t count, const char *axes, Capture **out, Error *err) {
    if (count == 1 && text_starts_with(paths[0], "demo:")) {
        const Demo *demo = demo_find(paths[0] + strlen("demo:"));
        if (!demo)
            return error_set(err, STATUS_NOT_FOUND, "there is no demo called '%.60s'", paths[0] + strlen("demo:"));
        return demo_open(demo, out, err);
    }
    CaptureOpenParams params = {.paths = paths, .path_count = count, .axes = axes, .progress = cli_progress()};
    Status status = capture_open(&params, out, err);
    cli_progress_end();
    return status;
}

void cli_layer_list(const SetInfo *set, TextBuffer *out) {
    for (int i = 0; i < set->layer_count;) {
        int first = set->layers[i].number, last = first;
        for (i++; i < set->layer_count && set->layers[i].number == last + 1; i++)
            last++;
        text_append(out, out->length ? ", " : "");
        text_appendf(out, last > first ? "%d-%d" : "%d", first, last);
    }
}

Status cli_find_set(const Capture *capture, const char *name, int *set, Error *err) {
    TextBuffer names = {0};
    *set = capture_set_by_name(capture, name);
    if (*set >= 0) return STATUS_OK;
    for (int i = 0; i < capture_set_count(capture); i++)
        text_appendf(&names, "%s%s", i ? ", " : "", capture_set(capture, i)->name);
    error_set(err, STATUS_NOT_FOUND, "there is no set '%.60s': there is %.200s", name, names.text ? names.text : "");
    text_buffer_free(&names);
    return STATUS_NOT_FOUND;
}

Status cli_find_layer(const SetInfo *set, int64_t number, int *layer, Error *err) {
    TextBuffer layers = {0};
    *layer = capture_layer_index(set, (int)number);
    if (*layer >= 0) return STATUS_OK;
    cli_layer_list(set, &layers);
    error_set(err, STATUS_NOT_FOUND, "set '%s' has no layer %lld: it has %.200s", set->name, (long long)number,
              layers.text ? layers.text : "others");
    text_buffer_free(&layers);
    return STATUS_NOT_FOUND;
}
