/* Opening a capture reads headers and sample rows, which on a slow disk takes seconds in which a single read may hang:
 * so a thread of its own does it, while the window goes on showing how far it is and listens for Esc. */
#include "session/app.h"

#include <string.h>

#define PROGRESS_AFTER_NS UINT64_C(200000000) /* most files open before anybody could read a message */
#define PROGRESS_EVERY_NS UINT64_C(50000000)

typedef struct Opening {
    CaptureOpenParams params;
    Capture *capture;
    Status status;
    Error error;
    atomic_bool given_up;
    Mutex *mutex;
    Cond *ended;
    /* under the mutex */
    bool done;
    char what[128];
    double fraction;
} Opening;

static bool note_progress(void *user, const char *what, double fraction) {
    Opening *o = user;
    mutex_lock(o->mutex);
    snprintf(o->what, sizeof o->what, "%s", what);
    o->fraction = fraction;
    mutex_unlock(o->mutex);
    return !atomic_load(&o->given_up);
}

static void run(void *user) {
    Opening *o = user;
    const Status status = capture_open(&o->params, &o->capture, &o->error);
    mutex_lock(o->mutex);
    o->status = status;
    o->done = true;
    cond_broadcast(o->ended);
    mutex_unlock(o->mutex);
}

/* Draws how far it is; false when the user does not want to wait. */
static bool show_progress(App *app, const Opening *o) {
    InputEvent event;
    while (platform_poll(app->machine.platform, &event)) {
        if (event.type == EVENT_QUIT) app->quit = true;
        if (event.type == EVENT_QUIT || (event.type == EVENT_KEY_DOWN && event.key == KEY_ESCAPE)) return false;
    }
    char what[sizeof o->what];
    mutex_lock(o->mutex);
    memcpy(what, o->what, sizeof what);
    const double fraction = o->fraction;
    mutex_unlock(o->mutex);
    if (fraction >= 0)
        app_say(app, SAY_INFO, "%s  %d %%  (Esc cancels)", what, (int)(fraction * 100));
    else
        app_say(app, SAY_INFO, "%s  (Esc cancels)", what);
    (void)app->catalog->draw_window(app, NULL);
    return true;
}

static void wait_and_show(App *app, Opening *o) {
    uint64_t pause = PROGRESS_AFTER_NS;
    for (;;) {
        mutex_lock(o->mutex);
        while (!o->done && cond_wait_for(o->ended, o->mutex, pause)) {
        }
        const bool done = o->done;
        mutex_unlock(o->mutex);
        if (done) return;
        if (!atomic_load(&o->given_up) && !show_progress(app, o)) atomic_store(&o->given_up, true);
        pause = PROGRESS_EVERY_NS;
    }
}

Status opening_read(App *app, const CaptureOpenParams *params, Capture **out, Error *err) {
    Thread *thread = NULL;
    if (!app->machine.platform || !platform_is_window(app->machine.platform)) return capture_open(params, out, err);
    Opening o = {.params = *params, .what = "opening", .fraction = -1, .mutex = mutex_new(), .ended = cond_new()};
    o.params.progress = (Progress){note_progress, &o};
    Status status = o.mutex && o.ended ? thread_start(&thread, run, &o, "opening", false, err)
                                       : error_set(err, STATUS_MEMORY, "not enough memory to open a file");
    if (status == STATUS_OK) {
        wait_and_show(app, &o);
        thread_join(thread);
        status = o.status;
        *out = o.capture;
        if (status != STATUS_OK && err) *err = o.error;
    }
    if (o.ended) cond_drop(o.ended);
    if (o.mutex) mutex_drop(o.mutex);
    return status;
}
