/* Pictures of the view and of the window, into the current folder. */
#include "features/parts.h"
#include "session/still.h"

#include <string.h>
#include <time.h>

/* CAPTURE-layerL-HEADS-TIME.png in the current folder, free of characters that file systems dislike. */
static void picture_name(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    char heads[128] = "", base[256], stamp[32];
    tiles_headset_format(&app->look.subject.heads, heads, sizeof heads);
    snprintf(base, sizeof base, "%s",
             app->opened.captures[0].is_demo ? app->opened.captures[0].demo_name : capture_name(app_capture(app)));
    char *dot = strrchr(base, '.');
    if (dot && dot != base) *dot = 0;
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    const int number = app_pattern(app, &pattern) ? pattern.layer->number : 0;
    if (scene_has(app, SCENE_HEADS))
        snprintf(out, out_size, "%.120s-layer%d-%.60s-%s.png", base, number, heads, stamp);
    else
        snprintf(out, out_size, "%.120s-%s-%s.png", base, app->shown.scene->name, stamp);
    for (char *c = out; *c; c++) {
        if (strchr("/:*?\"<>|,; ", *c)) *c = c == out ? '_' : '+';
    }
}

static bool cmd_screenshot(App *app, const char *args, Error *err) {
    if (!app_capture(app)) return false;
    const bool window = text_starts_with(args, "window");
    const char *path = strchr(args, ' ');
    char name[512];
    if (path)
        snprintf(name, sizeof name, "%s", path + 1);
    else if (args[0] && strcmp(args, "view") && strcmp(args, "window"))
        snprintf(name, sizeof name, "%s", args);
    else
        picture_name(app, name, sizeof name);
    FrameParams params = frame_window_params(app);
    if (!window) {
        /* The view alone, as a figure, of the window's height. */
        params.chrome = false;
        if (app->picture.layout.view.w > 0) params.width = (int)app->picture.layout.view.w;
    }
    app->message.text[0] = 0;
    const StillParams still = {.frame = params, .exact = true};
    if (still_write(app, name, &still, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "saved %s", name);
    return true;
}

// clang-format off
static const Command COMMANDS[] = {
    {"screenshot", "[view|window] [PATH]", cmd_screenshot, "s=view Ctrl+S=view Ctrl+Shift+S=window Shift+S=window", "Window", "picture of the view, .png, .svg or .pdf; with Shift of the window", "s  Ctrl+S  Shift+S", .trusted = true},
    {.name = NULL},
};
// clang-format on

const Part PICTURES = {.name = "pictures", .commands = COMMANDS};
