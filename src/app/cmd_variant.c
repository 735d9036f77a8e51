/* Commands about variants: hidden keys, row scale, value weighting. */
#include "app/app.h"

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

bool cmd_hide(App *app, const char *args, Error *err) {
    Variant hidden = {.hide_special = false};
    if (!app_capture(app)) return false;
    if (!strcmp(args, "next"))
        hidden = next_hiding(app);
    else if (!strcmp(args, "selection")) {
        if (!app->selection.on) {
            error_set(err, STATUS_NOT_FOUND, "nothing is selected: drag with the right button over the keys to hide");
            return false;
        }
        hidden.range_count = 1;
        hidden.ranges[0] = (KeyRange){app->selection.k0, app->selection.k1};
    } else if (tiles_variant_parse_hide(args, &hidden, err) != STATUS_OK) {
        return false;
    }
    note_chosen(app, &hidden);
    use_hiding(app, &hidden);
    say_hidden(app);
    app_view_changed(app);
    return true;
}

bool cmd_row_scale(App *app, const char *args, Error *err) {
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
    app_view_changed(app);
    return true;
}

bool cmd_value_weighted(App *app, const char *args, Error *err) {
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    const bool on = !args[0] ? !app->look.subject.variant.value_weighted : !strcmp(args, "on");
    if (args[0] && strcmp(args, "on") && strcmp(args, "off")) {
        error_set(err, STATUS_USAGE, "'value-weighted' takes on or off, or nothing to change it, not '%s'", args);
        return false;
    }
    if (!app_pattern(app, &set, &layer, &queries, &keys)) return false;
    if (on && layer->value_heads == 0) {
        error_set(err, STATUS_UNSUPPORTED, "layer %d has no value vectors: the file would need blocks.L.attn.hook_v",
                  layer->number);
        return false;
    }
    app->look.subject.variant.value_weighted = on;
    app_say(app, SAY_INFO, on ? "weights times the norm of each value vector" : "weights as they are");
    app_view_changed(app);
    return true;
}

void app_variant_text(const App *app, char *out, size_t out_size) {
    static const char *const SCALES[] = {
        [ROWS_SUM] = "rows / visible sum", [ROWS_MAX] = "rows / visible max", [ROWS_UNIFORM] = "relative to uniform"};
    const Variant variant = views_variant(&app->look);
    char hidden[VARIANT_TEXT_SIZE];
    TextBuffer text = {0};
    tiles_variant_format_hide(&variant, hidden, sizeof hidden);
    if (!strcmp(hidden, "first"))
        text_append(&text, "first key hidden");
    else if (tiles_variant_hides(&variant)) {
        for (const char *c = hidden; *c; c++)
            text_append(&text, *c == ',' ? ", " : (char[2]){*c, 0});
        text_append(&text, " hidden");
    }
    if (variant.row_scale != ROWS_AS_STORED)
        text_appendf(&text, "%s%s", text.length ? ", " : "", SCALES[variant.row_scale]);
    if (variant.value_weighted) text_appendf(&text, "%svalue-weighted", text.length ? ", " : "");
    snprintf(out, out_size, "%s", text.text ? text.text : "");
    text_buffer_free(&text);
}
