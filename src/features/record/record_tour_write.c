/* Writes a tour while somebody works in the window: commands as they are run, and the camera as frames show it,
 * since mice move it without commands. Layers are noted as they are seen for the same reason. */
#include "features/record/record_parts.h"
#include "session/property.h"

#include <math.h>
#include <string.h>

/* A moving camera is noted this often; in between it is interpolated, along a logarithm as zooms are. */
#define SAMPLE_S 0.1
/* A camera that has not been drawn elsewhere for this long stood still. */
#define REST_S 0.15
#define LAST_S 1.0 /* the last picture stays */
#define NOTES_MOST ((size_t)4 << 20)

typedef struct RecordTourWriter {
    TextBuffer text;
    char path[APP_PATH_SIZE];
    uint64_t began_ns;
    Camera camera;         /* as noted last */
    double sampled, moved; /* seconds: when it was noted; when it was last seen to move */
    int layer;
    bool cursor_locked;
    bool fitted;
    int64_t cursor_q, cursor_k;
} RecordTourWriter;

bool record_tour_writing(const App *app) {
    return record_of(app)->writer != NULL;
}

static double seconds_now(const App *app, uint64_t now) {
    return (double)(now - record_of(app)->writer->began_ns) / 1e9;
}

static void visible(const App *app, double *q0, double *q1, double *k0, double *k1) {
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, q0, q1, k0, k1);
}

typedef struct Starting {
    const App *app;
    TextBuffer *out;
} Starting;

static bool start_with(void *user, const Property *property, const Scene *scene) {
    const Starting *s = user;
    char value[128];
    if (scene && scene != s->app->shown.scene) return true; /* its commands are refused elsewhere */
    if (property->where & PROPERTY_TOUR && property_value(s->app, property, value, sizeof value))
        text_appendf(s->out, "0 %s %s\n", property->command.name, value);
    return true;
}

/* Everything that later lines build upon, in absolute terms. */
static void note_start(App *app, RecordTourWriter *w) {
    Pattern pattern;
    char heads[HEADSET_TEXT_SIZE];
    const Look *look = &app->look;
    if (!app_pattern(app, &pattern)) return;
    tiles_headset_format(&look->subject.heads, heads, sizeof heads);
    text_appendf(&w->text, "# attnscope tour of %s\n0 view %s\n0 set %s\n0 layer %d\n", capture_name(app_capture(app)),
                 app->shown.scene->name, pattern.set->name, pattern.layer->number);
    /* A list of heads may be longer than a line of a tour; then the tour begins with the heads of whoever plays it. */
    if (strlen(heads) < 400) text_appendf(&w->text, "0 heads %s\n", heads);
    Starting starting = {app, &w->text};
    (void)property_each(app->catalog, start_with, &starting);
    if (look->colours.range_mode == RANGE_MANUAL || look->colours.range_locked)
        text_appendf(&w->text, "0 range %.6g:%.6g\n", (double)look->colours.lo, (double)look->colours.hi);
    if (look->matrix.fitted)
        text_append(&w->text, "0 fit\n");
    else {
        double q0, q1, k0, k1;
        visible(app, &q0, &q1, &k0, &k1);
        text_appendf(&w->text, "0 camera %.6g:%.6g,%.6g:%.6g\n", q0, q1, k0, k1);
    }
    w->camera = look->matrix.camera;
    w->layer = look->subject.layer;
    w->fitted = look->matrix.fitted;
}

Status record_tour_write_start(App *app, const char *path, Error *err) {
    if (!app_capture(app)) return error_set(err, STATUS_NOT_FOUND, "no capture is open");
    Recorder *recorder = record_of(app);
    RecordTourWriter *w = mem_alloc_zeroed(1, sizeof *w);
    if (!w) return error_set(err, STATUS_MEMORY, "not enough memory to note a tour");
    snprintf(w->path, sizeof w->path, "%s", path);
    w->began_ns = clock_now_ns(&app->machine.clock);
    recorder->writer = w;
    note_start(app, w);
    return STATUS_OK;
}

void record_tour_note_command(App *app, const Command *command, const char *args) {
    if (!record_tour_writing(app) || !record_tour_allows(command) || !command->group) return;
    RecordTourWriter *w = record_of(app)->writer;
    if (command->noted == NOTED_NEVER || (command->noted == NOTED_WITHOUT_CELLS && scene_has(app, SCENE_CELLS))) return;
    if (w->text.length < NOTES_MOST)
        text_appendf(&w->text, "%.3f %s%s%s\n", seconds_now(app, clock_now_ns(&app->machine.clock)), command->name,
                     args[0] ? " " : "", args);
}

static bool same_camera(const Camera *a, const Camera *b) {
    return a->q == b->q && a->k == b->k && a->points_q == b->points_q && a->points_k == b->points_k;
}

static void note_camera(App *app, RecordTourWriter *w, double now) {
    const Look *look = &app->look;
    if (look->matrix.fitted) {
        if (!w->fitted) text_appendf(&w->text, "%.3f fit\n", now);
        w->fitted = true;
        w->camera = look->matrix.camera;
        w->sampled = w->moved = now;
        return;
    }
    if (same_camera(&w->camera, &look->matrix.camera)) {
        if (now - w->moved > REST_S) w->sampled = now; /* the next move begins here */
        return;
    }
    w->moved = now;
    if (now - w->sampled < SAMPLE_S) return;
    double q0, q1, k0, k1;
    visible(app, &q0, &q1, &k0, &k1);
    const double from = fmax(w->sampled, now - 2 * SAMPLE_S);
    text_appendf(&w->text, "%.3f..%.3f linear camera %.6g:%.6g,%.6g:%.6g\n", from, now, q0, q1, k0, k1);
    w->camera = look->matrix.camera;
    w->fitted = false;
    w->sampled = now;
}

void record_tour_note_frame(App *app, uint64_t now) {
    Pattern pattern;
    if (!record_tour_writing(app) || !app_pattern(app, &pattern)) return;
    RecordTourWriter *w = record_of(app)->writer;
    const Look *look = &app->look;
    const double seconds = seconds_now(app, now);
    if (w->text.length >= NOTES_MOST) return;
    if (look->subject.layer != w->layer) text_appendf(&w->text, "%.3f layer %d\n", seconds, pattern.layer->number);
    w->layer = look->subject.layer;
    if (look->matrix.cursor_locked &&
        (!w->cursor_locked || look->matrix.cursor_q != w->cursor_q || look->matrix.cursor_k != w->cursor_k)) {
        text_appendf(&w->text, "%.3f cursor %lld,%lld\n", seconds, (long long)look->matrix.cursor_q,
                     (long long)look->matrix.cursor_k);
    } else if (!look->matrix.cursor_locked && w->cursor_locked) {
        text_appendf(&w->text, "%.3f cursor off\n", seconds);
    }
    w->cursor_locked = look->matrix.cursor_locked;
    w->cursor_q = look->matrix.cursor_q;
    w->cursor_k = look->matrix.cursor_k;
    if (scene_has(app, SCENE_CELLS)) note_camera(app, w, seconds);
}

void record_tour_write_drop(App *app) {
    if (!record_tour_writing(app)) return;
    text_buffer_free(&record_of(app)->writer->text);
    mem_free(record_of(app)->writer);
    record_of(app)->writer = NULL;
}

Status record_tour_write_stop(App *app, Error *err) {
    if (!record_tour_writing(app)) return STATUS_OK;
    RecordTourWriter *w = record_of(app)->writer;
    const double now = seconds_now(app, clock_now_ns(&app->machine.clock));
    w->sampled = fmin(w->sampled, now - SAMPLE_S);
    record_tour_note_frame(app, clock_now_ns(&app->machine.clock)); /* where the camera came to rest */
    text_appendf(&w->text, "%.3f end\n", now + LAST_S);
    const Status status = w->text.failed ? error_set(err, STATUS_MEMORY, "not enough memory for the tour")
                                         : file_write_all(w->path, w->text.text, w->text.length, err);
    if (status == STATUS_OK)
        app_say(app, SAY_INFO, "saved %s: a tour of %.1f s; 'tour %s' plays it, 'sweep %s' records it", w->path, now,
                w->path, w->path);
    record_tour_write_drop(app);
    return status;
}
