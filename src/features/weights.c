/* How weights are varied: hidden keys, row scale, value weighting. */
#include "features/parts.h"
#include "features/selection.h"
#include "session/property.h"

#include <string.h>

static bool hides_same(const Variant *a, const Variant *b) {
    Variant x = *a, y = *b;
    x.row_scale = y.row_scale = ROWS_AS_STORED;
    x.value_weighted = y.value_weighted = false;
    return tiles_variant_id(&x) == tiles_variant_id(&y);
}

static bool any_special(const App *app) {
    const TokenList *tokens = capture_tokens(app_capture(app), app->look.subject.set, app->look.subject.item, AXIS_KEY);
    for (int64_t i = 0; tokens && i < tokens->count; i++) {
        if (tokens->tokens[i].special) return true;
    }
    return false;
}

static Variant hiding(const char *text) {
    Variant variant = {.hide_special = false};
    (void)tiles_variant_parse_hide(text, &variant, NULL);
    return variant;
}

/* None, the first key, special tokens where there are any, those chosen by position where there are any. */
static Variant next_hiding(const App *app) {
    const Variant stops[] = {hiding("none"), hiding("first"), hiding("special"), app->look.subject.chosen};
    const bool there[] = {true, true, any_special(app), tiles_variant_hides(&app->look.subject.chosen)};
    int at = 0;
    for (int i = 0; i < (int)BASE_COUNT(stops); i++) {
        if (there[i] && hides_same(&stops[i], &app->look.subject.variant)) at = i;
    }
    do {
        at = (at + 1) % (int)BASE_COUNT(stops);
    } while (!there[at]);
    return stops[at];
}

static void say_hidden(App *app) {
    const Variant *variant = &app->look.subject.variant;
    char text[VARIANT_TEXT_SIZE];
    tiles_variant_format_hide(variant, text, sizeof text);
    if (!tiles_variant_hides(variant))
        app_say(app, SAY_INFO, "no keys are hidden");
    else if (!strcmp(text, "special"))
        app_say(app, SAY_INFO, any_special(app) ? "special tokens are hidden" : "there are no special tokens to hide");
    else
        app_say(app, SAY_INFO, "hidden: %s", !strcmp(text, "first") ? "the first key" : text);
}

static void use_hiding(App *app, const Variant *hidden) {
    Variant *variant = &app->look.subject.variant;
    variant->hide_special = hidden->hide_special;
    variant->range_count = hidden->range_count;
    memcpy(variant->ranges, hidden->ranges, sizeof variant->ranges);
}

/* Chosen: what the key goes back to, besides none, first and special. */
static void note_chosen(App *app, const Variant *hidden) {
    const Variant known[] = {hiding("none"), hiding("first"), hiding("special")};
    for (size_t i = 0; i < BASE_COUNT(known); i++) {
        if (hides_same(&known[i], hidden)) return;
    }
    app->look.subject.chosen = *hidden;
}

static bool set_hide(App *app, const char *args, Error *err) {
    Variant hidden = {.hide_special = false};
    if (!app_capture(app)) return false;
    if (!strcmp(args, "next"))
        hidden = next_hiding(app);
    else if (!strcmp(args, "selection")) {
        if (!selection_of(app)->on) {
            error_set(err, STATUS_NOT_FOUND, "nothing is selected: drag with the right button over the keys to hide");
            return false;
        }
        hidden.range_count = 1;
        hidden.ranges[0] = (KeyRange){selection_of(app)->k0, selection_of(app)->k1};
    } else if (tiles_variant_parse_hide(args, &hidden, err) != STATUS_OK) {
        return false;
    }
    note_chosen(app, &hidden);
    use_hiding(app, &hidden);
    say_hidden(app);
    look_changed_follow(app);
    return true;
}

static bool set_row_scale(App *app, const char *args, Error *err) {
    static const char *const SAY[] = {[ROWS_AS_STORED] = "rows as they are",
                                      [ROWS_SUM] = "rows divided by their visible sum",
                                      [ROWS_MAX] = "rows divided by their visible maximum",
                                      [ROWS_UNIFORM] = "rows relative to uniform attention: 1 is uniform"};
    RowScale scale = (RowScale)((app->look.subject.variant.row_scale + 1) % (ROWS_UNIFORM + 1));
    if (strcmp(args, "next") && tiles_row_scale_parse(args, &scale, err) != STATUS_OK) return false;
    app->look.subject.variant.row_scale = scale;
    if (app->look.subject.values == VALUES_SCORES)
        app_say(app, SAY_INFO, "%s; scores are shown as they are", SAY[scale]);
    else
        app_say(app, SAY_INFO, "%s", SAY[scale]);
    look_changed_follow(app);
    return true;
}

static bool set_value_weighted(App *app, const char *args, Error *err) {
    Pattern pattern;
    const bool on = !args[0] ? !app->look.subject.variant.value_weighted : !strcmp(args, "on");
    if (args[0] && strcmp(args, "on") && strcmp(args, "off")) {
        error_set(err, STATUS_USAGE, "'value-weighted' takes on or off, or nothing to change it, not '%s'", args);
        return false;
    }
    if (!app_pattern(app, &pattern)) return false;
    if (on && pattern.layer->value_heads == 0) {
        error_set(err, STATUS_UNSUPPORTED, "layer %d has no value vectors: the file would need blocks.L.attn.hook_v",
                  pattern.layer->number);
        return false;
    }
    app->look.subject.variant.value_weighted = on;
    app_say(app, SAY_INFO, on ? "weights times the norm of each value vector" : "weights as they are");
    look_changed_follow(app);
    return true;
}

static bool get_hide(const App *app, char *out, size_t out_size) {
    tiles_variant_format_hide(&app->look.subject.variant, out, out_size);
    return true;
}

static bool get_row_scale(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", tiles_row_scale_name(app->look.subject.variant.row_scale));
    return true;
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"hide", "none|first|special|selection|KEYS|next", NULL, "b=next", "Weights", "hide the first key, special tokens, chosen keys", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_STATE | PROPERTY_PATTERNS, .initial = "none", .set = set_hide, .get = get_hide,
     .option = {.arg = "KEYS", .help = "first, special, positions such as 0,5-9: these keys count as 0"}},
    {.command = {"row-scale", "none|sum|max|uniform|next", NULL, "u=next", "Weights", "rows as they are, by sum, max, uniform", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_STATE | PROPERTY_PATTERNS, .initial = "none", .set = set_row_scale, .get = get_row_scale,
     .option = {.arg = "HOW", .help = "rows as they are: none; over their visible sum or max; uniform"}},
    {.command = {"value-weighted", "[on|off]", NULL, NULL, "Weights", "weights times the norm of the key's value vector", NULL, .needs = SCENE_PATTERNS},
     .kind = PROPERTY_SWITCH, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_STATE | PROPERTY_PATTERNS, .initial = "off", .set = set_value_weighted,
     .offset = PROPERTY_BOOL_AT(App, look.subject.variant.value_weighted),
     .option = {.help = "times the norm of the key's value vector"}},
    {.command = {.name = NULL}},
};
// clang-format on

const Part WEIGHTS = {.name = "weights", .properties = PROPERTIES};
