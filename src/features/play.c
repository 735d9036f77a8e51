/* Playing through the layers, one after the other. */
#include "features/play.h"
#include "features/parts.h"

#define RATE_AT_START 2.0
#define RATE_MOST 60.0

static const StateKey STATE = {.size = sizeof(Play), .kept = sizeof(Play)};

Play *play_of(const App *app) {
    return app_state(app, &STATE);
}

static bool cmd_play(App *app, const char *args, Error *err) {
    if (args[0]) {
        double rate;
        if (!text_parse_f64(args, &rate) || rate <= 0 || rate > RATE_MOST) {
            error_set(err, STATUS_USAGE, "'play' takes layers a second, up to %g, not '%s'", RATE_MOST, args);
            return false;
        }
        play_of(app)->rate = rate;
        play_of(app)->on = false;
    }
    Pattern pattern;
    if (!app_pattern(app, &pattern)) {
        error_set(err, STATUS_NOT_FOUND, "no capture is open");
        return false;
    }
    play_of(app)->on = !play_of(app)->on && pattern.set->layer_count > 1;
    play_of(app)->next_ns = clock_now_ns(&app->machine.clock) + (uint64_t)(1e9 / play_of(app)->rate);
    return true;
}

static void tick(App *app, uint64_t now) {
    if (!play_of(app)->on || now < play_of(app)->next_ns) return;
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    play_of(app)->next_ns = now + (uint64_t)(1e9 / play_of(app)->rate);
    app->look.subject.layer = (app->look.subject.layer + 1) % set->layer_count;
    app->motion.scrub_direction = 1;
    app->pace.last_layer_ns = now;
    look_changed_follow(app);
}

static uint64_t next(const App *app, uint64_t now) {
    (void)now;
    return play_of(app)->on ? play_of(app)->next_ns : UINT64_MAX;
}

static Status open(App *app, Error *err) {
    (void)err;
    play_of(app)->rate = RATE_AT_START;
    return STATUS_OK;
}

static bool stop(App *app) {
    const bool was = play_of(app)->on;
    play_of(app)->on = false;
    return was;
}

static void scene_changed(App *app) {
    (void)stop(app);
}

static void capture_opened(App *app) {
    if (!app->opened.again) (void)stop(app);
}

static void json(const App *app, TextBuffer *out) {
    words_append_bool(out, "playing", play_of(app)->on);
}

// clang-format off
static const Command COMMANDS[] = {
    {"play", "[RATE]", cmd_play, "Space=", "Layers and heads", "play through the layers, pause", NULL, .needs = SCENE_HEADS, .noted = NOTED_NEVER},
    {.name = NULL},
};
// clang-format on

const Part PLAY = {.name = "play",
                   .state = &STATE,
                   .open = open,
                   .capture_opened = capture_opened,
                   .scene_changed = scene_changed,
                   .clock.tick = tick,
                   .clock.next_ns = next,
                   .let_go = stop,
                   .json = json,
                   .commands = COMMANDS};
