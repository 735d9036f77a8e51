#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "session/rooms.h"
#include "test_app.h"

#define SETTLE_NS UINT64_C(60000000000)

const Catalog *const ROOM = &CATALOG;

/* ---- driving ----------------------------------------------------------------------------------- */

void test_must(Status status, const Error *err) {
    if (status != STATUS_OK) fail_msg("%s", err->message);
}

void test_settle(App *app) {
    Error err = {0};
    const FrameParams params = frame_window_params(app);
    test_must(work_settle(app, &params, SETTLE_NS, &err), &err);
}

void test_press(App *app, const char *key) {
    InputEvent event = {.type = EVENT_KEY_DOWN};
    assert_true(platform_key_parse(key, &event.key, &event.mods));
    app_handle_event(app, &event);
    test_settle(app);
}

void test_mouse(App *app, EventType type, float x, float y) {
    const InputEvent event = {.type = type, .button = BUTTON_LEFT, .x = x, .y = y, .wheel_y = 1, .clicks = 1};
    app_handle_event(app, &event);
    test_settle(app);
}

void test_run(App *app, const char *line) {
    Error err = {0};
    test_must(commands_run(app, line, &err), &err);
    test_settle(app);
}

void test_tells(const App *app, const char *members) {
    TextBuffer json = {0};
    char copy[256], number[128], text[128], *rest = NULL;
    state_json(app, &json);
    snprintf(copy, sizeof copy, "%s", members);
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(name, '=');
        *value++ = 0;
        snprintf(number, sizeof number, "\"%s\":%s,", name, value);
        snprintf(text, sizeof text, "\"%s\":\"%s\",", name, value);
        if (!strstr(json.text, number) && !strstr(json.text, text)) fail_msg("no %s in %s", text, json.text);
    }
    text_buffer_free(&json);
}
