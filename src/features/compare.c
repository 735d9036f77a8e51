/* The reference: which of two captures is shown, by a command that stays or while a key is held, and what the
 * crosshair's cell is in both. The view itself (set, layer, heads, camera) is one; views/compare.c finds it in the
 * reference. */
#include "features/compare.h"
#include "features/parts.h"
#include "session/property.h"

#include <math.h>
#include <string.h>

static const char *const MODES[] = {"off", "ref", "diff", "side", NULL};

static const StateKey STATE = {.size = sizeof(Comparison), .kept = offsetof(Comparison, side_result)};

Comparison *compare_of(const App *app) {
    return app_state(app, &STATE);
}

static void swap_range(App *app) {
    Look *look = &app->look;
    const RangeMode mode = look->colours.range_mode;
    const bool locked = look->colours.range_locked;
    const double percentile = look->colours.percentile;
    const float lo = look->colours.lo, hi = look->colours.hi;
    look->colours.range_mode = compare_of(app)->other_range.mode;
    look->colours.range_locked = compare_of(app)->other_range.locked;
    look->colours.percentile = compare_of(app)->other_range.percentile;
    look->colours.lo = compare_of(app)->other_range.lo;
    look->colours.hi = compare_of(app)->other_range.hi;
    compare_of(app)->other_range.mode = mode;
    compare_of(app)->other_range.locked = locked;
    compare_of(app)->other_range.percentile = percentile;
    compare_of(app)->other_range.lo = lo;
    compare_of(app)->other_range.hi = hi;
}

/* Follows the choice, the held key and the view. */
static void update(App *app) {
    const Comparison *c = compare_of(app);
    const Compare shown = !scene_has(app, SCENE_CELLS) ? COMPARE_OFF : c->held != COMPARE_OFF ? c->held : c->chosen;
    if (shown == app->look.compare) return;
    if ((shown == COMPARE_DIFF) != (app->look.compare == COMPARE_DIFF)) swap_range(app);
    app->look.compare = shown;
    app_title(app);
    app->pace.redraw = true;
}

static void reset(App *app) {
    compare_of(app)->chosen = compare_of(app)->held = COMPARE_OFF;
    update(app);
    compare_of(app)->other_range.mode = RANGE_AUTO;
    compare_of(app)->other_range.locked = false;
    compare_of(app)->other_range.percentile = TILE_AUTO_PERCENTILE;
}

/* Can it be shown of what is looked at? */
static Status check(App *app, Compare mode, Error *err) {
    if (mode == COMPARE_OFF) return STATUS_OK;
    Frame ref_frame;
    Look ref_look;
    const FrameParams params = {.scale = 1};
    const Frame frame = frame_make(app, &params);
    if (!frame.capture) return error_set(err, STATUS_NOT_FOUND, "no capture is open");
    return mode == COMPARE_DIFF ? views_comparable(&frame, &app->look, err)
                                : views_reference(&frame, &app->look, &ref_frame, &ref_look, err);
}

/* -1: not a mode. */
static int mode_of(const char *name) {
    for (int i = 0; MODES[i]; i++) {
        if (!strcmp(name, MODES[i])) return i;
    }
    return -1;
}

static bool set_compare(App *app, const char *args, Error *err) {
    int mode = mode_of(args);
    if (!strcmp(args, "next")) mode = ((int)compare_of(app)->chosen + 1) % (int)(BASE_COUNT(MODES) - 1);
    if (mode < 0) {
        error_set(err, STATUS_USAGE, "'compare' takes off, ref, diff, side or next, not '%.60s'", args);
        return false;
    }
    if (check(app, (Compare)mode, err) != STATUS_OK) return false;
    compare_of(app)->chosen = (Compare)mode;
    update(app);
    return true;
}

static bool cmd_hold(App *app, const char *args, Error *err) {
    const int mode = mode_of(args);
    if (mode < 0 || mode == COMPARE_SIDE) {
        error_set(err, STATUS_USAGE, "'hold' takes ref, diff or off, not '%.60s'", args);
        return false;
    }
    if (check(app, (Compare)mode, err) != STATUS_OK) return false;
    compare_of(app)->held = (Compare)mode;
    update(app);
    return true;
}

/* What the two captures do not share, in one sentence; false: they match as far as one sees without reading. */
static bool say_mismatch(App *app) {
    const FrameParams params = {.scale = 1};
    const Frame frame = frame_make(app, &params);
    Frame ref_frame;
    Look ref_look;
    Error err = {0};
    if (views_comparable(&frame, &app->look, &err) != STATUS_OK ||
        views_reference(&frame, &app->look, &ref_frame, &ref_look, &err) != STATUS_OK) {
        app_say(app, SAY_WARNING, "%s", err.message);
        return true;
    }
    const SetInfo *set = capture_set(frame.capture, app->look.subject.set),
                  *other = capture_set(ref_frame.capture, ref_look.subject.set);
    const int heads = set->layers[app->look.subject.layer].head_count,
              other_heads = other->layers[ref_look.subject.layer].head_count;
    if (set->layer_count != other->layer_count)
        app_say(app, SAY_WARNING, "%d layers here, %d in the reference: those that both have are compared",
                set->layer_count, other->layer_count);
    else if (heads != other_heads)
        app_say(app, SAY_WARNING, "%d heads here, %d in the reference: means are compared over all of them", heads,
                other_heads);
    else
        return false;
    return true;
}

static bool set_ref(App *app, const char *args, Error *err) {
    if (!args[0]) {
        error_set(err, STATUS_USAGE, "'ref' takes a capture's path, or off");
        return false;
    }
    const bool off = !strcmp(args, "off");
    if (captures_open_reference(app, off ? NULL : args, err) != STATUS_OK) return false;
    if (off)
        app_say(app, SAY_INFO, "no reference");
    else if (!say_mismatch(app))
        app_say(app, SAY_INFO, "reference: %s. Hold y to see it, d for the difference to it", app_capture_name(app, 1));
    return true;
}

void compare_describe(const App *app, char *out, size_t out_size) {
    switch (app->look.compare) {
    case COMPARE_REF:
        snprintf(out, out_size, "reference: %s", app_capture_name(app, 1));
        break;
    case COMPARE_DIFF:
        snprintf(out, out_size, "difference to %s", app_capture_name(app, 1));
        break;
    case COMPARE_SIDE:
        snprintf(out, out_size, "beside %s", app_capture_name(app, 1));
        break;
    case COMPARE_OFF:
        snprintf(out, out_size, "%s", "");
        break;
    }
}

/* ---- the crosshair's cell -------------------------------------------------------------------- */

static const float *cursor_cell(const App *app, const Frame *frame, const Look *look) {
    const TileKey key = views_row_key(frame, look, app->look.matrix.cursor_q);
    return views_readout_cell((Readouts *)(uintptr_t)&app->work.readouts, &key, app->look.matrix.cursor_q,
                              app->look.matrix.cursor_k);
}

bool compare_cursor(const App *app, ComparedCell *out) {
    Frame ref_frame;
    Look ref_look;
    const Frame frame = {
        .capture = app_capture(app),
        .serial = app->opened.captures[0].serial,
        .reference = {.capture = app->opened.captures[1].capture, .serial = app->opened.captures[1].serial}};
    if (!app->look.matrix.cursor_on || views_reference(&frame, &app->look, &ref_frame, &ref_look, NULL) != STATUS_OK)
        return false;
    const float *here = cursor_cell(app, &frame, &app->look);
    const float *there = ref_look.matrix.cursor_on ? cursor_cell(app, &ref_frame, &ref_look) : NULL;
    if (!here || !there) return false;
    *out = (ComparedCell){*here, *there, views_difference_cell(*here, *there)};
    return true;
}

void compare_want_row(App *app, Frame *frame) {
    Frame ref_frame;
    Look ref_look;
    if (!app->look.matrix.cursor_on || frame->flying ||
        views_reference(frame, &app->look, &ref_frame, &ref_look, NULL) != STATUS_OK || !ref_look.matrix.cursor_on)
        return;
    const TileKey key = views_row_key(&ref_frame, &ref_look, ref_look.matrix.cursor_q);
    if (key.columns <= 0 || views_readout_find(&app->work.readouts, &key)) return;
    TileWant *want = views_want(&app->work.wants, JOB_CELLS, &key, ref_frame.capture);
    if (want) want->heads = ref_look.subject.heads;
    app->picture.result.pending = true;
}

const float *compare_row(App *app, const Frame *frame, int64_t *keys) {
    Frame ref_frame;
    Look ref_look;
    const TileKey key = views_row_key(frame, &app->look, app->look.matrix.cursor_q);
    const TileData *here = views_readout_find(&app->work.readouts, &key), *there = NULL;
    const bool two = app->look.compare == COMPARE_REF || app->look.compare == COMPARE_DIFF;
    if (two && views_reference(frame, &app->look, &ref_frame, &ref_look, NULL) == STATUS_OK) {
        const TileKey ref_key = views_row_key(&ref_frame, &ref_look, app->look.matrix.cursor_q);
        there = views_readout_find(&app->work.readouts, &ref_key);
    }
    const TileData *shown = app->look.compare == COMPARE_REF ? there : here;
    if (!shown || shown->status != STATUS_OK) return NULL;
    *keys = shown->key.columns;
    if (app->look.compare != COMPARE_DIFF) return shown->texels;
    if (!there || there->status != STATUS_OK || there->key.columns != *keys ||
        !mem_grow((void **)&compare_of(app)->difference_row, &compare_of(app)->difference_capacity, (size_t)*keys,
                  sizeof(float)))
        return NULL;
    for (int64_t k = 0; k < *keys; k++)
        compare_of(app)->difference_row[k] = views_difference_cell(((const float *)here->texels)[k],
                                                                   ((const float *)there->texels)[k]);
    return compare_of(app)->difference_row;
}

/* ---- in the program -------------------------------------------------------------------------- */

static void capture_opened(App *app) {
    if (!app->opened.again) reset(app);
}

static void scene_changed(App *app) {
    compare_of(app)->side_result = (ViewResult){0};
    update(app);
}

static void close(App *app) {
    mem_free(compare_of(app)->difference_row);
}

static void json(const App *app, TextBuffer *out) {
    const ViewResult *side = &compare_of(app)->side_result;
    if (side->plot.w > 0)
        text_appendf(out, "\"beside\":{\"plot\":[%g,%g,%g,%g],\"origin\":[%g,%g]},", (double)side->plot.x,
                     (double)side->plot.y, (double)side->plot.w, (double)side->plot.h, side->origin_x, side->origin_y);
    else
        text_append(out, "\"beside\":null,");
}

static bool get_compare(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", MODES[app->look.compare]);
    return true;
}

static bool get_ref(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", app->opened.captures[1].path);
    return app->opened.captures[1].capture != NULL;
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"ref", "PATH|off", NULL, NULL, "Compare", "open a reference beside the capture; close it", NULL, .needs = SCENE_PATTERNS, .trusted = true},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS, .set = set_ref, .get = get_ref,
     .option = {.arg = "FILE", .help = "a reference to compare with: hold y to see it, d for the difference", .order = PROPERTY_FIRST}},
    {.command = {"compare", "off|ref|diff|side|next", NULL, NULL, "Compare", "the reference, the difference to it, or both side by side", NULL, .needs = SCENE_HEADS},
     .kind = PROPERTY_CHOICE, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_STATE, .initial = "off",
     .choices = MODES, .set = set_compare, .get = get_compare,
     .option = {.arg = "HOW", .help = "with --ref: off, ref, diff or side (by side)"}},
    {.command = {.name = NULL}},
};
// clang-format on

// clang-format off
static const Command COMMANDS[] = {
    {"hold", "ref|diff|off", cmd_hold, "y=ref d=diff", "Compare", "hold y: show the reference; hold d: the difference to it", "y  d (hold)", .needs = SCENE_HEADS, .held = true},
    {.name = NULL},
};
// clang-format on

const Part COMPARE = {.name = "compare",
                      .state = &STATE,
                      .close = close,
                      .reference_changing = reset,
                      .capture_opened = capture_opened,
                      .look_changed = update,
                      .scene_changed = scene_changed,
                      .json = json,
                      .commands = COMMANDS,
                      .properties = PROPERTIES};
