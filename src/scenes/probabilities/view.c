/* Probabilities of tokens in the window: a token that keys and the mouse move to, and scrolling. */
#include "features/find.h"
#include "features/help.h"
#include "scenes/probabilities/probabilities.h"
#include "scenes/scenes.h"

#include <math.h>
#include <string.h>

#define WHEEL_LINES 3
#define WHEEL_STEP 1.1
#define CLICK_SLOP 4.0f /* points the hand may shake within a click */

const StateKey PROBABILITIES_STATE = {.size = sizeof(ProbabilitiesScene), .kept = offsetof(ProbabilitiesScene, view)};

ProbabilitiesScene *probabilities_of(const App *app) {
    return app_state(app, &PROBABILITIES_STATE);
}

const StripInfo *probabilities_strip(const App *app) {
    const Frame frame = {.capture = app_capture(app)};
    return views_text_strip(&frame, &probabilities_of(app)->state);
}

/* The token under the mouse, unless one is locked. */
static void follow_mouse(App *app) {
    TextState *state = &probabilities_of(app)->state;
    if (state->locked || !platform_is_window(app->machine.platform) || app->pointer.drag != DRAG_NONE ||
        help_of(app)->on)
        return;
    if (!app->pointer.inside) return;
    const int64_t token = views_text_hit(probabilities_of(app)->view, app->pointer.x, app->pointer.y);
    state->token_on = token >= 0;
    if (token >= 0) state->token = token;
}

void probabilities_draw(App *app, Frame *frame, const FrameParams *params) {
    const FindHits *found = find_marks(app, AXIS_QUERY);
    const TextParams text = {.rect = app->picture.layout.view,
                             .bare = params->bare,
                             .marks = !params->bare,
                             .found = found->items,
                             .found_count = found->count};
    app->picture.result = (ViewResult){.exactness = EXACT};
    if (!views_text_arrange(frame, probabilities_of(app)->view, &text)) return;
    follow_mouse(app);
    views_text_draw(frame, probabilities_of(app)->view, &app->look, &text, &app->picture.result);
}

void probabilities_title(const App *app, char *out, size_t out_size) {
    const StripInfo *strip = probabilities_strip(app);
    char count[32];
    text_format_count(strip ? strip->count : 0, count, sizeof count);
    const TextShown shown = views_text_shown(probabilities_of(app)->view);
    int used = snprintf(out, out_size, "%s: probabilities of %s tokens, not attention", strip ? strip->name : "",
                        count);
    if (strip && used > 0 && (size_t)used < out_size && shown.to - shown.from < strip->count && shown.to > shown.from)
        snprintf(out + used, out_size - (size_t)used, "; %lld to %lld are shown", (long long)shown.from,
                 (long long)shown.to - 1);
}

/* Lines and places of the strip that is looked at now, which may be another than that of the last frame. */
static bool arranged(App *app) {
    const FrameParams params = {.scale = app->picture.layout.scale};
    const Frame frame = frame_make(app, &params);
    const TextParams text = {.rect = app->picture.layout.view, .bare = app->picture.layout.bare};
    return app->picture.layout.scale > 0 && views_text_arrange(&frame, probabilities_of(app)->view, &text);
}

/* ---- what commands do ------------------------------------------------------------------------ */

void probabilities_go(App *app, int64_t token) {
    const StripInfo *strip = probabilities_strip(app);
    if (!strip) return;
    TextState *state = &probabilities_of(app)->state;
    state->token = i64_clamp(token, 0, strip->count - 1);
    state->token_on = state->locked = true;
    if (arranged(app)) views_text_reveal(probabilities_of(app)->view, state, state->token);
    app->pace.redraw = true;
}

void probabilities_lines(App *app, int lines) {
    const TextState *state = &probabilities_of(app)->state;
    if (!arranged(app)) return;
    const TextShown shown = views_text_shown(probabilities_of(app)->view);
    if (!state->token_on)
        probabilities_go(app, shown.from);
    else
        probabilities_go(app, views_text_beside(probabilities_of(app)->view, state->token, lines));
}

void probabilities_item(App *app, int item) {
    TextState *state = &probabilities_of(app)->state;
    if (item != state->item) {
        state->top = state->token = 0;
        state->token_on = state->locked = false;
    }
    state->item = item;
    look_changed_tell(app);
    app->pace.redraw = true;
}

void probabilities_resize(App *app, float size) {
    TextState *state = &probabilities_of(app)->state;
    Rect cell;
    if (arranged(app)) {
        /* What is looked at stays: the token if it is on screen, else the first line. */
        const TextShown shown = views_text_shown(probabilities_of(app)->view);
        const bool keep = state->token_on && shown.line > 0 &&
                          views_text_rect(probabilities_of(app)->view, state->token, &cell);
        state->top = keep ? state->token : shown.from;
    }
    state->size = (float)f64_clamp(size, TEXT_SIZE_MIN, TEXT_SIZE_MAX);
    app->pace.redraw = true;
}

bool probabilities_escape(App *app) {
    TextState *state = &probabilities_of(app)->state;
    const bool was = state->locked;
    state->locked = state->token_on = false;
    return was;
}

/* ---- mouse ----------------------------------------------------------------------------------- */

static void go_to_profile(App *app) {
    const Rect box = views_text_shown(probabilities_of(app)->view).profile;
    const float x = (float)f64_clamp((double)app->pointer.x, (double)box.x, (double)(box.x + box.w - 1));
    const int64_t token = views_text_profile_hit(probabilities_of(app)->view, x, box.y + 1);
    if (token >= 0) probabilities_go(app, token);
}

void probabilities_press(App *app, const InputEvent *event) {
    (void)event;
    app->pointer.drag = DRAG_PAN;
    app->pointer.moved = false;
    app->pointer.camera.q = (double)views_text_shown(probabilities_of(app)->view).line;
    probabilities_of(app)->drag_in_profile = views_text_profile_hit(probabilities_of(app)->view, app->pointer.x,
                                                                    app->pointer.y) >= 0;
    if (probabilities_of(app)->drag_in_profile) go_to_profile(app);
}

void probabilities_drag(App *app) {
    const TextShown shown = views_text_shown(probabilities_of(app)->view);
    const float dx = app->pointer.x - app->pointer.drag_x, dy = app->pointer.y - app->pointer.drag_y;
    if (!app->pointer.moved && fabsf(dx) + fabsf(dy) < CLICK_SLOP * app->picture.layout.scale) return;
    app->pointer.moved = true;
    app->pace.redraw = true;
    if (probabilities_of(app)->drag_in_profile)
        go_to_profile(app);
    else if (shown.line_height > 0)
        views_text_scroll(probabilities_of(app)->view, &probabilities_of(app)->state,
                          (int64_t)app->pointer.camera.q - (int64_t)lroundf(dy / shown.line_height) - shown.line);
}

/* A click locks the token, a second one on the same lets it go. */
void probabilities_release(App *app, const InputEvent *event) {
    TextState *state = &probabilities_of(app)->state;
    if (app->pointer.moved || probabilities_of(app)->drag_in_profile || event->button != BUTTON_LEFT) return;
    const int64_t token = views_text_hit(probabilities_of(app)->view, app->pointer.x, app->pointer.y);
    const bool again = token >= 0 && state->locked && state->token == token;
    state->token_on = token >= 0;
    state->locked = token >= 0 && !again;
    if (token >= 0) state->token = token;
}

void probabilities_wheel(App *app, const InputEvent *event) {
    if (event->mods & MOD_CTRL) {
        char line[64];
        snprintf(line, sizeof line, "zoom %.9g", pow(WHEEL_STEP, (double)event->wheel_y));
        commands_run_line(app, line);
        return;
    }
    if (arranged(app))
        views_text_scroll(probabilities_of(app)->view, &probabilities_of(app)->state,
                          -(int64_t)lroundf(event->wheel_y * WHEEL_LINES));
}

/* ---- camera ---------------------------------------------------------------------------------- */

void probabilities_pan(App *app, double down, double right) {
    if (!arranged(app)) return;
    const TextShown shown = views_text_shown(probabilities_of(app)->view);
    const double points = shown.line_height > 0 && app->picture.layout.scale > 0
                              ? (double)(shown.line_height / app->picture.layout.scale)
                              : 1;
    (void)right;
    if (down == 0) return;
    views_text_scroll(probabilities_of(app)->view, &probabilities_of(app)->state,
                      down > 0 ? i64_max(1, llround(down / points)) : i64_min(-1, llround(down / points)));
    app->pace.redraw = true;
}

void probabilities_zoom(App *app, double factor) {
    probabilities_resize(app, (float)((double)probabilities_of(app)->state.size * factor));
}

void probabilities_one_to_one(App *app) {
    probabilities_resize(app, TEXT_SIZE_START);
}
