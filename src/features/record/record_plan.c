/* The stops of a sweep: layers, heads, query rows or decode steps of what is looked at. */
#include "features/crosshair.h"
#include "features/record/record.h"

#include <math.h>
#include <string.h>

#define TOP_KEYS 3

static const struct {
    const char *name, *noun;
    double hold;
} KINDS[] = {[SWEEP_LAYERS] = {"layers", "layer", 0.8},
             [SWEEP_HEADS] = {"heads", "head", 0.8},
             [SWEEP_TOKENS] = {"tokens", "query", 0.2},
             [SWEEP_STEPS] = {"steps", "step", 0.5},
             [SWEEP_TOUR] = {"", "", 0}};

SweepKind record_plan_kind(const char *name) {
    for (int i = 0; i < SWEEP_TOUR; i++) {
        if (!strcmp(name, KINDS[i].name)) return (SweepKind)i;
    }
    return SWEEP_TOUR;
}

const char *record_plan_noun(SweepKind kind) {
    return KINDS[kind].noun;
}
double record_plan_hold(SweepKind kind) {
    return KINDS[kind].hold;
}

/* Query rows in view: all of them unless a part was chosen. */
static void query_rows(const App *app, const Look *look, int64_t queries, int64_t *first, int64_t *count) {
    *first = 0;
    *count = queries;
    if (look->matrix.fitted || app->picture.result.plot.h <= 0 || app->picture.layout.scale <= 0) return;
    const double half = app->picture.result.plot.h / app->picture.layout.scale / look->matrix.camera.points_q / 2;
    *first = i64_clamp((int64_t)floor(look->matrix.camera.q - half + 0.5), 0, queries - 1);
    *count = i64_clamp((int64_t)floor(look->matrix.camera.q + half + 0.5), *first + 1, queries) - *first;
}

Status record_plan_count(App *app, SweepKind kind, int64_t *count, Error *err) {
    Pattern pattern;
    int64_t first;
    if (app_capture(app) && scene_has(app, SCENE_STRIPS))
        return error_set(err, STATUS_UNSUPPORTED,
                         "probabilities of tokens have no layers, heads or steps to go through");
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "no capture is open");
    if (!scene_has(app, SCENE_HEADS) && kind != SWEEP_STEPS) {
        return error_set(err, STATUS_UNSUPPORTED,
                         "the grid shows all layers and heads at once: there is nothing to go through; sweep the "
                         "matrix, or play a tour");
    }
    switch (kind) {
    case SWEEP_LAYERS:
        *count = pattern.set->layer_count;
        break;
    case SWEEP_HEADS:
        *count = pattern.layer->head_count;
        break;
    case SWEEP_TOKENS:
        query_rows(app, &app->look, pattern.queries, &first, count);
        break;
    default:
        *count = pattern.set->step_count;
        break;
    }
    if (*count < 2 && kind == SWEEP_STEPS)
        return error_set(err, STATUS_UNSUPPORTED, "this capture has one step; there is nothing to go through");
    return STATUS_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

typedef struct TopKey {
    int64_t key;
    float weight;
} TopKey;

/* The strongest keys of the row of the crosshair, once it is here (record_plan_row); how many. */
static int strongest_keys(App *app, TopKey top[TOP_KEYS]) {
    const FrameParams params = {.scale = 1};
    const Frame frame = frame_make(app, &params);
    const TileKey key = views_row_key(&frame, &app->look, app->look.matrix.cursor_q);
    const TileData *data = views_readout_find(&app->work.readouts, &key);
    const float *row = data && data->status == STATUS_OK ? data->texels : NULL;
    int found = 0;
    for (int64_t k = 0; row && k < key.columns; k++) {
        if (!isfinite(row[k])) continue;
        int at = found;
        while (at > 0 && fabsf(top[at - 1].weight) < fabsf(row[k]))
            at--;
        if (at == TOP_KEYS) continue;
        if (found < TOP_KEYS) found++;
        memmove(top + at + 1, top + at, sizeof top[0] * (size_t)(found - 1 - at));
        top[at] = (TopKey){k, row[k]};
    }
    return found;
}

bool record_plan_row(App *app) {
    TopKey top[TOP_KEYS];
    const FrameParams params = {.scale = 1, .exact_only = true};
    Frame frame = frame_make(app, &params);
    if (!crosshair_want_row(app, &frame)) return false;
    app->look.matrix.cursor_k = strongest_keys(app, top) > 0 ? top[0].key : 0;
    return true;
}

/* ---- stops ----------------------------------------------------------------------------------- */

Status record_plan_go(App *app, SweepKind kind, const Look *first, int64_t n, Error *err) {
    Pattern pattern;
    int64_t query, count;
    if (!app_pattern(app, &pattern)) return error_set(err, STATUS_NOT_FOUND, "no capture is open");
    switch (kind) {
    case SWEEP_LAYERS:
        app->look.subject.layer = (int)n;
        app->look.subject.heads = first->subject.heads; /* as far as this layer has them */
        break;
    case SWEEP_HEADS:
        app->look.subject.heads = (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {pattern.layer->head_numbers[n]}};
        break;
    case SWEEP_TOKENS:
        query_rows(app, first, pattern.queries, &query, &count);
        app->look.matrix.cursor_on = app->look.matrix.cursor_locked = true;
        app->look.matrix.cursor_q = query + n;
        app->look.matrix.cursor_k = 0;
        return STATUS_OK;
    default:
        app->look.subject.step = capture_step_of_number(pattern.set, (int)n);
        break;
    }
    look_changed_follow(app);
    return STATUS_OK;
}

static void token_text(App *app, Axis axis, int64_t index, char *out, size_t out_size) {
    const FrameParams params = {.scale = 1};
    const Frame frame = frame_make(app, &params);
    views_token_text(&frame, &app->look, axis, index, out, out_size);
}

static void query_label(App *app, char *out, size_t out_size) {
    TopKey top[TOP_KEYS];
    const int found = strongest_keys(app, top);
    char text[96];
    TextBuffer label = {0};
    token_text(app, AXIS_QUERY, app->look.matrix.cursor_q, text, sizeof text);
    text_appendf(&label, "query %lld  %s  \xE2\x86\x92  ", (long long)app->look.matrix.cursor_q, text);
    for (int i = 0; i < found; i++) {
        token_text(app, AXIS_KEY, top[i].key, text, sizeof text);
        text_appendf(&label, "%s%s %.2f", i ? ",  " : "", text, (double)top[i].weight);
    }
    snprintf(out, out_size, "%s", label.text && !label.failed ? label.text : "");
    text_buffer_free(&label);
}

void record_plan_label(App *app, SweepKind kind, char *out, size_t out_size) {
    Pattern pattern;
    char heads[160];
    out[0] = 0;
    if (!app_pattern(app, &pattern)) return;
    tiles_headset_describe(&app->look.subject.heads, pattern.layer, heads, sizeof heads);
    switch (kind) {
    case SWEEP_HEADS:
        snprintf(out, out_size, "%s of %d", heads, pattern.layer->head_count);
        break;
    case SWEEP_TOKENS:
        query_label(app, out, out_size);
        break;
    case SWEEP_STEPS:
        snprintf(out, out_size, "step %d of %d", capture_step_number(pattern.set, app->look.subject.step),
                 pattern.set->step_count);
        break;
    default:
        snprintf(out, out_size, "layer %d, %s", pattern.layer->number, heads);
        break;
    }
}

int record_plan_number(const App *app, SweepKind kind, int64_t n) {
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return -1;
    if (kind == SWEEP_LAYERS && n < pattern.set->layer_count) return pattern.set->layers[n].number;
    if (kind == SWEEP_HEADS && n < pattern.layer->head_count) return pattern.layer->head_numbers[n];
    return -1;
}

void record_plan_json(const App *app, TextBuffer *out) {
    Pattern pattern;
    char heads[HEADSET_TEXT_SIZE];
    if (!app_pattern(app, &pattern)) return;
    tiles_headset_format(&app->look.subject.heads, heads, sizeof heads);
    text_append(out, "\"set\":");
    text_append_json(out, pattern.set->name);
    text_appendf(out, ",\"layer\":%d,\"heads\":", pattern.layer->number);
    text_append_json(out, heads);
    text_appendf(out, ",\"step\":%d,\"query\":", capture_step_number(pattern.set, app->look.subject.step));
    if (app->look.matrix.cursor_locked)
        text_appendf(out, "%lld", (long long)app->look.matrix.cursor_q);
    else
        text_append(out, "null");
}
