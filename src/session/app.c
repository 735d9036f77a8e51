/* What everything in these rooms asks of App: what is open, and a line for people. */
#include "session/app.h"

#include <stdarg.h>

#define MESSAGE_NS UINT64_C(6000000000)
#define ERROR_MESSAGE_NS UINT64_C(20000000000)

void app_wake(void *app) {
    platform_wake(((App *)app)->machine.platform);
}

const Capture *app_capture(const App *app) {
    return app->opened.captures[0].capture;
}

const char *app_capture_name(const App *app, int which) {
    const OpenCapture *open = &app->opened.captures[which];
    if (!open->capture) return "";
    return open->is_demo ? open->demo_name : capture_name(open->capture);
}

void app_title(App *app) {
    char title[2 * APP_PATH_SIZE + 32];
    if (!app_capture(app) || !platform_is_window(app->machine.platform)) return;
    if (app->look.compare == COMPARE_OFF)
        snprintf(title, sizeof title, "%s - attnscope", app_capture_name(app, 0));
    else if (app->look.compare == COMPARE_REF)
        snprintf(title, sizeof title, "%s (reference) - attnscope", app_capture_name(app, 1));
    else
        snprintf(title, sizeof title,
                 app->look.compare == COMPARE_DIFF ? "%s minus %s - attnscope" : "%s beside %s - attnscope",
                 app_capture_name(app, 0), app_capture_name(app, 1));
    platform_set_title(app->machine.platform, title);
}

bool app_pattern(const App *app, Pattern *out) {
    return views_pattern(app_capture(app), &app->look, &out->set, &out->layer, &out->queries, &out->keys);
}

void app_say(App *app, Severity severity, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(app->message.text, sizeof app->message.text, format, args);
    va_end(args);
    app->message.severity = severity;
    app->message.until_ns = clock_now_ns(&app->machine.clock) + (severity == SAY_INFO ? MESSAGE_NS : ERROR_MESSAGE_NS);
    app->pace.redraw = true;
}

Status app_need_patterns(const App *app, const char *what, Error *err) {
    const Capture *capture = app_capture(app);
    if (capture && capture_set_count(capture) > 0) return STATUS_OK;
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s is for patterns of attention; this file holds probabilities of tokens", what);
}
