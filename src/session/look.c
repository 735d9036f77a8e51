/* How it looks: colour, range, pool, labels, panels, theme. */
#include "session/app.h"
#include "session/options.h"
#include "session/property.h"

#include <string.h>

#define GAMMA_STEP 1.1892071f /* 2^(1/4) */
#define SCALE_LEAST 0.5
#define SCALE_MOST 4.0

/* ---- range ----------------------------------------------------------------------------------- */

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

static bool set_range(App *app, const char *args, Error *err) {
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

static bool get_range(const App *app, char *out, size_t out_size) {
    const Colours *colours = &app->look.colours;
    if (colours->range_mode == RANGE_MANUAL || colours->range_locked)
        snprintf(out, out_size, "%.6g:%.6g", (double)colours->lo, (double)colours->hi);
    else if (colours->range_mode == RANGE_PERCENTILE)
        snprintf(out, out_size, "p%g", colours->percentile);
    else
        snprintf(out, out_size, "auto");
    return true;
}

/* Numbers belong to what is open, not to the next capture. */
static bool check_range(const char *value) {
    double number;
    return !strcmp(value, "auto") ||
           (value[0] == 'p' && text_parse_f64(value + 1, &number) && number >= 0 && number <= 100);
}

static void range_values(const App *app, EachValue each, void *user) {
    static const char *const RANGES[] = {"p99.9", "p99.5", "p99", "p95", "p90"};
    (void)app;
    for (size_t i = 0; i < BASE_COUNT(RANGES); i++)
        each(user, RANGES[i], "percentile");
}

static bool cmd_lock_range(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->look.colours.range_locked = !app->look.colours.range_locked;
    app_say(app, SAY_INFO,
            app->look.colours.range_locked ? "range locked at %.4g to %.4g" : "range follows the layer and the heads",
            (double)app->look.colours.lo, (double)app->look.colours.hi);
    return true;
}

/* ---- the others ------------------------------------------------------------------------------ */

static const char *cmap_name(int value) {
    return value < CMAP_COUNT ? draw_colormap_name((ColormapId)value) : NULL;
}

static bool check_cmap(const char *value) {
    ColormapId cmap;
    return draw_colormap_parse(value, &cmap);
}

static void say_gamma(App *app, const char *args) {
    (void)args;
    app_say(app, SAY_INFO, "gamma %.2f", (double)app->look.colours.gamma);
}

static void say_pool(App *app, const char *args) {
    static const char *const SAY[] = {"mean: average weight of a block",
                                      "mass: attention of a row that falls into the block",
                                      "max: largest weight of a block"};
    if (!strcmp(args, "next")) app_say(app, SAY_INFO, "%s", SAY[app->look.colours.channel]);
}

static void scale_values(const App *app, EachValue each, void *user) {
    static const char *const SCALES[] = {"1", "1.25", "1.5", "2"};
    (void)app;
    for (size_t i = 0; i < BASE_COUNT(SCALES); i++)
        each(user, SCALES[i], "");
}

static Status early_scale(AppParams *params, const char *value, Error *err) {
    double scale;
    if (!text_parse_f64(value, &scale) || !(scale >= 0.5 && scale <= 8))
        return error_set(err, STATUS_USAGE, "--scale takes 0.5 to 8, not '%.40s'", value);
    params->scale = (float)scale;
    return STATUS_OK;
}

static bool set_theme(App *app, const char *args, Error *err) {
    if (strcmp(args, "next") && strcmp(args, "previous") && strcmp(args, "dark") && strcmp(args, "light")) {
        error_set(err, STATUS_USAGE, "'theme' takes dark, light or next, not '%.60s'", args);
        return false;
    }
    app->ui.light = args[0] == 'n' || args[0] == 'p' ? !app->ui.light : args[0] == 'l';
    return true;
}

static bool get_theme(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", app->ui.light ? "light" : "dark");
    return true;
}

static Status early_theme(AppParams *params, const char *value, Error *err) {
    if (strcmp(value, "dark") && strcmp(value, "light"))
        return error_set(err, STATUS_USAGE, "--theme takes dark or light, not '%.40s'", value);
    params->light = !strcmp(value, "light");
    return STATUS_OK;
}

static bool cmd_tiles(App *app, const char *args, Error *err) {
    (void)args;
    (void)err;
    app->look.tile_debug = !app->look.tile_debug;
    return true;
}

static const char *const TRANSFORMS[] = {"linear", "sqrt", "log", NULL};
static const char *const CHANNELS[] = {"mean", "mass", "max", NULL};
static const char *const THEMES[] = {"dark", "light", NULL};

#define EVERYWHERE (PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_SETTING | PROPERTY_STATE)

const char *look_transform_name(Transform transform) {
    return TRANSFORMS[transform];
}

const char *look_channel_name(Channel channel) {
    return CHANNELS[channel];
}

// clang-format off
const Property LOOK_PROPERTIES[] = {
    {.command = {"cmap", "NAME|next|previous", NULL, "c=next Shift+C=previous", "Colour", "next and previous colormap", NULL, .needs = 0},
     .kind = PROPERTY_CHOICE, .where = EVERYWHERE | PROPERTY_TOUR, .initial = "viridis",
     .offset = PROPERTY_ENUM_AT(App, look.colours.cmap), .choice = cmap_name, .turns = CMAP_DIVERGING, .check = check_cmap,
     .option = {.arg = "NAME", .help = "viridis, magma, inferno, plasma, cividis, turbo, grey"}},
    {.command = {"transform", "linear|sqrt|log|next", NULL, "t=next", "Colour", "linear, sqrt, log", NULL, .needs = 0},
     .kind = PROPERTY_CHOICE, .where = EVERYWHERE | PROPERTY_TOUR, .initial = "sqrt",
     .offset = PROPERTY_ENUM_AT(App, look.colours.transform), .choices = TRANSFORMS,
     .option = {.arg = "T", .help = "linear, sqrt or log"}},
    {.command = {"gamma", "G|up|down", NULL, "Shift+T=up Ctrl+T=down ]=up [=down", "Colour", "gamma", NULL, .repeats = true},
     .kind = PROPERTY_NUMBER, .where = EVERYWHERE, .initial = "1",
     .offset = PROPERTY_FLOAT_AT(App, look.colours.gamma), .least = 0.125, .most = 8, .step = (double)GAMMA_STEP, .changed = say_gamma,
     .option = {.arg = "G", .help = "gamma of the colours, after the transform"}},
    {.command = {"range", "LO:HI|auto|pNN|next|up|down", NULL, "e=next r=auto", "Colour", "percentile of the range; automatic again", NULL, .values = range_values},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_SETTING, .initial = "auto",
     .set = set_range, .get = get_range, .check = check_range,
     .option = {.arg = "LO:HI", .help = "or auto, or a percentile such as p99"}},
    {.command = {"pool", "mean|mass|max|next", NULL, "o=next", "Colour", "pooled blocks show mean, mass, max", NULL, .needs = SCENE_PATTERNS, .chooses = true},
     .kind = PROPERTY_CHOICE, .where = EVERYWHERE | PROPERTY_TOUR | PROPERTY_PATTERNS, .initial = "mean",
     .offset = PROPERTY_ENUM_AT(App, look.colours.channel), .choices = CHANNELS, .changed = say_pool,
     .option = {.arg = "HOW", .help = "mean, mass or max of a block"}},
    {.command = {"labels", "[on|off]", NULL, "v=", "Window", "token labels on, off", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_SWITCH, .where = EVERYWHERE | PROPERTY_TOUR | PROPERTY_PATTERNS, .initial = "on",
     .offset = PROPERTY_BOOL_AT(App, look.labels),
     .option = {.arg = "on|off", .help = "token labels along the axes"}},
    {.command = {.name = NULL}},
};

const Property UI_PROPERTIES[] = {
    {.command = {"panels", "[on|off]", NULL, "i=", "Window", "fold the panels", NULL, .needs = 0},
     .kind = PROPERTY_SWITCH, .where = PROPERTY_SETTING | PROPERTY_STATE, .initial = "on",
     .offset = PROPERTY_BOOL_AT(App, ui.panels)},
    {.command = {"theme", "dark|light|next", NULL, NULL, "Window", "dark or light", NULL, .needs = 0},
     .kind = PROPERTY_CHOICE, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_SETTING, .initial = "dark",
     .choices = THEMES, .set = set_theme, .get = get_theme, .early = early_theme,
     .option = {.arg = "NAME", .help = "dark or light"}},
    {.command = {"scale", "S|up|down", NULL, NULL, "Window", "size of text and panels; Ctrl+wheel on a panel does it too", NULL, .values = scale_values},
     .kind = PROPERTY_NUMBER, .where = PROPERTY_OPTION | PROPERTY_SETTING, .initial = "1",
     .offset = PROPERTY_FLOAT_AT(App, ui.scale), .least = SCALE_LEAST, .most = SCALE_MOST, .step = 1.1, .early = early_scale,
     .option = {.arg = "S", .help = "of text and panels; pictures get S times the pixels"}},
    {.command = {.name = NULL}},
};

const Command LOOK_COMMANDS[] = {
    {"lock-range", "", cmd_lock_range, "Shift+L=", "Colour", "keep the range under layer and head changes", NULL, .needs = 0},
    {"tile-debug", "", cmd_tiles, "Ctrl+Shift+T=", NULL, NULL, NULL, .needs = SCENE_PATTERNS},
    {.name = NULL},
};
// clang-format on
