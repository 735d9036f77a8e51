/* The state as one JSON line (what tests read) and as a command line (what people share): what is open, what is shown,
 * and then whatever properties, scenes and parts tell of themselves. */
#include "session/app.h"
#include "session/property.h"
#include "session/recompute.h"
#include "session/settings.h"

#include <math.h>
#include <string.h>

#define VALUE_SIZE 512

/* ---- JSON ------------------------------------------------------------------------------------ */

static void append_view(const App *app, const SetInfo *set, const LayerInfo *layer, TextBuffer *out) {
    char heads[512];
    double q0, q1, k0, k1;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    tiles_headset_format(&app->look.subject.heads, heads, sizeof heads);
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, &q0, &q1, &k0, &k1);
    if (!(app->look.matrix.camera.points_q > 0 &&
          app->look.matrix.camera.points_k > 0)) { /* the matrix has not been drawn yet */
        q0 = k0 = 0;
        q1 = (double)layer->queries, k1 = (double)layer->keys;
    }
    text_append(out, "\"set\":");
    text_append_json(out, set->name);
    text_appendf(out, ",\"layer\":%d,\"layer_index\":%d,\"layers\":%d,\"heads\":", layer->number,
                 app->look.subject.layer, set->layer_count);
    text_append_json(out, heads);
    text_appendf(out, ",\"head_count\":%d,\"batch\":%d,\"step\":%d,\"values\":\"%s\",\"view\":\"%s\",",
                 layer->head_count, app->look.subject.item, capture_step_number(set, app->look.subject.step),
                 app->look.subject.values == VALUES_SCORES ? "scores" : "weights", app->shown.scene->name);
    text_appendf(out, "\"tokens_q\":%lld,\"tokens_k\":%lld,", (long long)layer->queries, (long long)layer->keys);
    text_appendf(out, "\"camera\":{\"q0\":%.9g,\"k0\":%.9g,\"q1\":%.9g,\"k1\":%.9g,\"fitted\":%s},", q0, k0, q1, k1,
                 app->look.matrix.fitted ? "true" : "false");
    text_appendf(out, "\"level\":[%d,%d],\"exactness\":\"%s\",\"pending\":%s,", app->picture.result.level.q,
                 app->picture.result.level.k, words_badge(app), app->picture.result.pending ? "true" : "false");
    text_appendf(out, "\"range\":[%.9g,%.9g],", (double)app->look.colours.lo, (double)app->look.colours.hi);
    text_appendf(out, "\"plot\":[%g,%g,%g,%g],\"origin\":[%g,%g],\"cell\":[%.9g,%.9g],",
                 (double)app->picture.result.plot.x, (double)app->picture.result.plot.y,
                 (double)app->picture.result.plot.w, (double)app->picture.result.plot.h, app->picture.result.origin_x,
                 app->picture.result.origin_y, app->picture.result.cell_w, app->picture.result.cell_h);
}

/* What a capture without patterns has of the above. */
static void append_strip_view(const App *app, TextBuffer *out) {
    const Rect plot = app->picture.result.plot;
    text_appendf(out, "\"view\":\"%s\",\"exactness\":\"%s\",\"pending\":%s,\"range\":[%.9g,%.9g],",
                 app->shown.scene->name, words_badge(app), app->picture.result.pending ? "true" : "false",
                 (double)app->look.colours.lo, (double)app->look.colours.hi);
    text_appendf(out, "\"plot\":[%g,%g,%g,%g],", (double)plot.x, (double)plot.y, (double)plot.w, (double)plot.h);
}

typedef struct Telling {
    const App *app;
    TextBuffer *out;
} Telling;

/* "row_scale":"none", */
static bool append_property(void *user, const Property *property, const Scene *scene) {
    const Telling *t = user;
    char value[VALUE_SIZE], name[48];
    (void)scene;
    if (!(property->where & PROPERTY_STATE) || !property_value(t->app, property, value, sizeof value)) return true;
    snprintf(name, sizeof name, "%s", property_name(property));
    for (char *c = name; *c; c++) {
        if (*c == '-') *c = '_';
    }
    if (property->kind == PROPERTY_SWITCH) {
        words_append_bool(t->out, name, !strcmp(value, "on"));
        return true;
    }
    text_appendf(t->out, "\"%s\":", name);
    if (property->kind == PROPERTY_NUMBER)
        text_append(t->out, value);
    else
        text_append_json(t->out, value);
    text_append(t->out, ",");
    return true;
}

void state_json(const App *app, TextBuffer *out) {
    Pattern pattern;
    text_append(out, "{\"file\":");
    text_append_json(out, app->opened.captures[0].capture ? app->opened.captures[0].path : NULL);
    text_append(out, ",\"reference\":");
    text_append_json(out, app->opened.captures[1].capture ? app->opened.captures[1].path : NULL);
    text_append(out, ",");
    if (app_pattern(app, &pattern))
        append_view(app, pattern.set, pattern.layer, out);
    else if (app_capture(app))
        append_strip_view(app, out);
    Telling telling = {app, out};
    (void)property_each(app->catalog, append_property, &telling);
    words_append_bool(out, "range_locked", app->look.colours.range_locked);
    words_append_bool(out, "fullscreen", platform_is_fullscreen(app->machine.platform));
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if ((*scene)->json) (*scene)->json(app, out);
    }
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->json) (*part)->json(app, out);
    }
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    recompute_json(app, out);
    text_append(out, ",\"message\":");
    text_append_json(out, app->message.text);
    text_appendf(out, ",\"frames\":%llu,\"uploads\":%llu,\"composes\":%llu}", (unsigned long long)app->pace.frames,
                 (unsigned long long)gpu.uploads, (unsigned long long)gpu.composes);
}

/* ---- command line ---------------------------------------------------------------------------- */

/* Quotes for a POSIX shell where needed. */
static void append_word(TextBuffer *out, const char *word) {
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
    if (word[0] && strspn(word, plain) == strlen(word)) {
        text_append(out, word);
        return;
    }
    text_append(out, "'");
    for (; *word; word++) {
        if (*word == '\'')
            text_append(out, "'\\''");
        else
            text_append_bytes(out, word, 1);
    }
    text_append(out, "'");
}

void state_append_option(TextBuffer *out, const char *name, const char *value) {
    text_appendf(out, " --%s ", name);
    append_word(out, value);
}

/* What differs from what a program without settings begins with, or is set by settings. */
static bool append_option(void *user, const Property *property, const Scene *scene) {
    const Telling *t = user;
    char value[VALUE_SIZE];
    const char *name = property_name(property);
    if (!(property->where & PROPERTY_PICTURE) || (scene && scene != t->app->shown.scene)) return true;
    if (property->where & PROPERTY_PATTERNS && scene_has(t->app, SCENE_STRIPS)) return true;
    if (!property_value(t->app, property, value, sizeof value)) return true;
    if (property->initial && !strcmp(value, property->initial) &&
        !(property->where & PROPERTY_SETTING && settings_value(t->app, name)))
        return true;
    if (property->option.arg)
        state_append_option(t->out, name, value);
    else
        text_appendf(t->out, " --%s", name);
    return true;
}

/* `copied`: by a person, who has all the files and a screen; else for a picture. */
static void command_line(const App *app, bool copied, TextBuffer *out) {
    if (app->opened.captures[0].is_demo)
        text_appendf(out, "attnscope demo %s", app->opened.captures[0].demo_name);
    else {
        /* A name that looks like an option is one only without a folder. */
        text_append(out, app->opened.captures[0].path[0] == '-' ? "attnscope ./" : "attnscope ");
        append_word(out, app->opened.captures[0].path);
        const char *path = app->opened.captures[0].paths;
        for (size_t i = 1; copied && path && i < app->opened.captures[0].path_count; i++) {
            path += strlen(path) + 1;
            text_append(out, path[0] == '-' ? " ./" : " ");
            append_word(out, path);
        }
    }
    if (!scene_shows(app, app->shown.scene)) return;
    Telling telling = {app, out};
    (void)property_each(app->catalog, append_option, &telling);
    if (app->opened.axes[0]) state_append_option(out, "axes", app->opened.axes);
}

void state_command_line(const App *app, TextBuffer *out) {
    command_line(app, false, out);
}

void state_command_line_copied(const App *app, TextBuffer *out) {
    command_line(app, true, out);
    if (app->ui.scale != 1 || settings_value(app, "scale")) text_appendf(out, " --scale %.4g", (double)app->ui.scale);
}
