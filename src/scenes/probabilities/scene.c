/* What the program has to know of the view of probabilities of tokens. */
#include "scenes/probabilities/probabilities.h"
#include "scenes/scenes.h"

static Status open(App *app, Error *err) {
    ProbabilitiesScene *scene = probabilities_of(app);
    scene->state.size = TEXT_SIZE_START;
    scene->view = views_text_new(&scene->state);
    return scene->view ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to start");
}

static void close(App *app) {
    views_text_drop(probabilities_of(app)->view);
}

static bool shows(const Capture *capture) {
    return capture_strip_count(capture) > 0;
}

static void capture_opened(App *app) {
    ProbabilitiesScene *scene = probabilities_of(app);
    views_text_forget(scene->view);
    if (!app->opened.again) scene->state = (TextState){.size = scene->state.size};
}

static void look_changed(App *app) {
    TextState *state = &probabilities_of(app)->state;
    state->item = (int)i64_clamp(state->item, 0, i64_max(1, capture_strip_count(app_capture(app))) - 1);
}

static void fit(App *app) {
    TextState *state = &probabilities_of(app)->state;
    *state = (TextState){.item = state->item, .token = state->token, .size = TEXT_SIZE_START};
}

static void leave(App *app) {
    TextState *state = &probabilities_of(app)->state;
    if (!state->locked) state->token_on = false;
}

static int item(const App *app) {
    return probabilities_of(app)->state.item;
}

static int64_t token(const App *app) {
    const ProbabilitiesScene *scene = probabilities_of(app);
    return scene->state.token_on ? scene->state.token : views_text_shown(scene->view).from;
}

/* "answer   17 tokens   item 0 of 2   probabilities, not attention" */
static void bar(const App *app, SceneSay say, void *user) {
    const StripInfo *strip = probabilities_strip(app);
    const int items = capture_strip_count(app_capture(app));
    char text[256], count[32];
    if (!strip) return;
    say(user, SAID_WARNING, "probabilities, not attention");
    say(user, SAID_NAME, strip->name);
    text_format_count(strip->count, count, sizeof count);
    snprintf(text, sizeof text, "%s token%s", count, strip->count == 1 ? "" : "s");
    say(user, SAID_REMARK, text);
    if (items > 1) {
        snprintf(text, sizeof text, "item %d of %d", item(app), items);
        say(user, SAID_REMARK, text);
    }
    say(user, SAID_REMARK, strip->form);
}

static void json(const App *app, TextBuffer *out) {
    const TextState *state = &probabilities_of(app)->state;
    const StripInfo *strip = probabilities_strip(app);
    text_append(out, "\"text\":");
    if (app->shown.scene != &PROBABILITIES || !strip) {
        text_append(out, "null,");
        return;
    }
    const TextShown shown = views_text_shown(probabilities_of(app)->view);
    const Rect profile = shown.profile;
    Rect cell;
    text_append(out, "{\"strip\":");
    text_append_json(out, strip->name);
    text_appendf(out, ",\"item\":%d,\"items\":%d,\"tokens\":%lld,\"token\":", state->item,
                 capture_strip_count(app_capture(app)), (long long)strip->count);
    if (state->token_on)
        text_appendf(out, "%lld", (long long)state->token);
    else
        text_append(out, "null");
    text_appendf(out, ",\"locked\":%s,\"size\":%g,\"shown\":[%lld,%lld],\"line\":%lld,\"lines\":%lld,\"rect\":",
                 state->locked ? "true" : "false", (double)state->size, (long long)shown.from, (long long)shown.to,
                 (long long)shown.line, (long long)shown.lines);
    if (state->token_on && views_text_rect(probabilities_of(app)->view, state->token, &cell))
        text_appendf(out, "[%g,%g,%g,%g]", (double)cell.x, (double)cell.y, (double)cell.w, (double)cell.h);
    else
        text_append(out, "null");
    text_appendf(out, ",\"profile\":[%g,%g,%g,%g]},", (double)profile.x, (double)profile.y, (double)profile.w,
                 (double)profile.h);
}

const Scene PROBABILITIES = {
    .name = "probabilities",
    .old_name = "text",
    .traits = SCENE_STRIPS | SCENE_TOKENS,
    .state = &PROBABILITIES_STATE,
    .open = open,
    .close = close,
    .shows = shows,
    .capture_opened = capture_opened,
    .look_changed = look_changed,
    .escape = probabilities_escape,
    .copy = probabilities_copy,
    .export = probabilities_export,
    .json = json,
    .words = {.hint = "probabilities of tokens",
              .where = "for probabilities of tokens: `view probabilities` shows them where there are any",
              .title = probabilities_title,
              .bar = bar},
    .drawing = {.draw = probabilities_draw,
                .panel = probabilities_panel,
                .over = probabilities_card,
                .figure = probabilities_figure},
    .mouse = {.cursor = CURSOR_ARROW,
              .press = probabilities_press,
              .drag = probabilities_drag,
              .release = probabilities_release,
              .wheel = probabilities_wheel,
              .leave = leave},
    .camera = {.pan = probabilities_pan,
               .zoom = probabilities_zoom,
               .one_to_one = probabilities_one_to_one,
               .fit = fit},
    .place = {.item = item, .go_item = probabilities_item, .token = token, .go_token = probabilities_go},
    .properties = PROBABILITIES_PROPERTIES,
};
