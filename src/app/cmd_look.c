/* Commands that change how it looks: colour, range, pool, labels, panels, theme. */
#include "app/app.h"

#include <math.h>
#include <string.h>

#define GAMMA_STEP 1.1892071f /* 2^(1/4) */
#define GAMMA_MIN 0.125f
#define GAMMA_MAX 8.0f
#define SCALE_MIN 0.5f
#define SCALE_MAX 4.0f

/* Index of `args` in names, `next` steps on from `current`; -1 with a sentence otherwise. */
static int choose(const char *what, const char *args, const char *const *names, int count, int current, Error *err) {
    if (!strcmp(args, "next")) return (current + 1) % count;
    if (!strcmp(args, "previous")) return (current + count - 1) % count;
    for (int i = 0; i < count; i++) {
        if (!strcmp(args, names[i])) return i;
    }
    TextBuffer list = {0};
    for (int i = 0; i < count; i++)
        text_appendf(&list, "%s%s", i ? ", " : "", names[i]);
    error_set(err, STATUS_USAGE, "'%s' takes %s or next, not '%s'", what, list.text ? list.text : "", args);
    text_buffer_free(&list);
    return -1;
}

bool cmd_cmap(App *app, const char *args, Error *err) {
    const char *names[CMAP_COUNT];
    for (int i = 0; i < CMAP_COUNT; i++)
        names[i] = draw_colormap_name((ColormapId)i);
    const int sequential = CMAP_DIVERGING;
    const int index = choose("cmap", args, names,
                             !strcmp(args, "next") || !strcmp(args, "previous") ? sequential : CMAP_COUNT,
                             (int)app->look.colours.cmap % sequential, err);
    if (index < 0) return false;
    app->look.colours.cmap = (ColormapId)index;
    return true;
}

bool cmd_transform(App *app, const char *args, Error *err) {
    static const char *const NAMES[] = {"linear", "sqrt", "log"};
    const int index = choose("transform", args, NAMES, 3, (int)app->look.colours.transform, err);
    if (index < 0) return false;
    app->look.colours.transform = (Transform)index;
    return true;
}

bool cmd_gamma(App *app, const char *args, Error *err) {
    double value = app->look.colours.gamma;
    if (!strcmp(args, "up"))
        value *= GAMMA_STEP;
    else if (!strcmp(args, "down"))
        value /= GAMMA_STEP;
    else if (!text_parse_f64(args, &value) || !(value > 0)) {
        error_set(err, STATUS_USAGE, "'gamma' takes a positive number, up or down, not '%s'", args);
        return false;
    }
    app->look.colours.gamma = (float)f64_clamp(value, GAMMA_MIN, GAMMA_MAX);
    app_say(app, SAY_INFO, "gamma %.2f", (double)app->look.colours.gamma);
    return true;
}

static bool range_manual(App *app, const char *args, Error *err) {
    char copy[96];
    snprintf(copy, sizeof copy, "%s", args);
    char *colon = strchr(copy, ':');
    double lo, hi;
    if (!colon) goto wrong;
    *colon = 0;
    if (!text_parse_f64(copy, &lo) || !text_parse_f64(colon + 1, &hi) || !(hi > lo)) goto wrong;
    app->look.colours.range_mode = RANGE_MANUAL;
    app->look.colours.lo = (float)lo;
    app->look.colours.hi = (float)hi;
    return true;
wrong:
    error_set(err, STATUS_USAGE, "'range' takes LO:HI, auto, up, down or pNN (a percentile), not '%s'", args);
    return false;
}

/* The upper end a step further up or down; the same below 0 where values are signed. */
static bool range_turned(App *app, bool up) {
    const float hi = app->look.colours.hi * (up ? GAMMA_STEP : 1 / GAMMA_STEP);
    if (!(hi > app->look.colours.lo) || !(hi < 1e30f) || !(hi > 1e-30f)) return false;
    if (app->look.colours.lo == -app->look.colours.hi) app->look.colours.lo = -hi;
    app->look.colours.hi = hi;
    app->look.colours.range_mode = RANGE_MANUAL;
    app->look.colours.range_locked = false;
    app_say(app, SAY_INFO, "range up to %.3g; r makes it automatic again", (double)hi);
    return true;
}

bool cmd_range(App *app, const char *args, Error *err) {
    static const double STEPS[] = {100, 99.5, 99, 95, 90};
    if (!strcmp(args, "auto")) {
        app->look.colours.range_mode = RANGE_AUTO;
        app->look.colours.percentile = TILE_AUTO_PERCENTILE;
        app->look.colours.range_locked = false;
        return true;
    }
    double percentile;
    if (!strcmp(args, "up") || !strcmp(args, "down")) return range_turned(app, args[0] == 'u');
    if (!strcmp(args, "next")) {
        size_t at = 0;
        while (at < BASE_COUNT(STEPS) && STEPS[at] >= app->look.colours.percentile)
            at++;
        percentile = STEPS[at % BASE_COUNT(STEPS)];
    } else if (args[0] == 'p') {
        if (!text_parse_f64(args + 1, &percentile) || percentile < 0 || percentile > 100) {
            error_set(err, STATUS_USAGE, "a percentile lies between 0 and 100, as in p99.5, not '%s'", args);
            return false;
        }
    } else {
        return range_manual(app, args, err);
    }
    app->look.colours.range_mode = RANGE_PERCENTILE;
    app->look.colours.percentile = percentile;
    app->look.colours.range_locked = false;
    app_say(app, SAY_INFO, "range up to the %g percentile", percentile);
    return true;
}

bool cmd_lock_range(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->look.colours.range_locked = !app->look.colours.range_locked;
    app_say(app, SAY_INFO,
            app->look.colours.range_locked ? "range locked at %.4g to %.4g" : "range follows the layer and the heads",
            (double)app->look.colours.lo, (double)app->look.colours.hi);
    return true;
}

bool cmd_pool(App *app, const char *args, Error *err) {
    static const char *const NAMES[] = {"mean", "mass", "max"};
    static const char *const SAY[] = {"mean: average weight of a block",
                                      "mass: attention of a row that falls into the block",
                                      "max: largest weight of a block"};
    const int index = choose("pool", args, NAMES, 3, (int)app->look.colours.channel, err);
    if (index < 0) return false;
    app->look.colours.channel = (Channel)index;
    if (!strcmp(args, "next")) app_say(app, SAY_INFO, "%s", SAY[index]);
    return true;
}

/* "": the other way round. */
static bool switched(const char *what, const char *args, bool *value, Error *err) {
    if (args[0] && strcmp(args, "on") && strcmp(args, "off")) {
        error_set(err, STATUS_USAGE, "'%s' takes on or off, not '%.40s'", what, args);
        return false;
    }
    *value = args[0] ? !strcmp(args, "on") : !*value;
    return true;
}

bool cmd_labels(App *app, const char *args, Error *err) {
    return switched("labels", args, &app->look.labels, err);
}

bool cmd_panels(App *app, const char *args, Error *err) {
    bool shown = !app->ui.folded;
    if (!switched("panels", args, &shown, err)) return false;
    app->ui.folded = !shown;
    return true;
}

bool cmd_theme(App *app, const char *args, Error *err) {
    static const char *const NAMES[] = {"dark", "light"};
    const int index = choose("theme", args, NAMES, 2, app->ui.light ? 1 : 0, err);
    if (index < 0) return false;
    app->ui.light = index == 1;
    return true;
}

bool cmd_scale(App *app, const char *args, Error *err) {
    double value = app->ui.scale;
    if (!strcmp(args, "up"))
        value *= 1.1;
    else if (!strcmp(args, "down"))
        value /= 1.1;
    else if (!text_parse_f64(args, &value) || !(value > 0)) {
        error_set(err, STATUS_USAGE, "'scale' takes a positive number, up or down, not '%s'", args);
        return false;
    }
    app->ui.scale = (float)f64_clamp(value, SCALE_MIN, SCALE_MAX);
    return true;
}

bool cmd_tiles(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->look.tile_debug = !app->look.tile_debug;
    return true;
}
