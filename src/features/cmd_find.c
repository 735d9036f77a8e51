/* Finding as a part: the field that is typed into, and the commands. */
#include "features/find.h"
#include "features/parts.h"
#include "session/property.h"

#include <string.h>

/* ---- field ----------------------------------------------------------------------------------- */

static void close_field(App *app) {
    find_of(app)->open = false;
    platform_text_input(app->machine.platform, false);
}

static void typed(App *app) {
    Error err = {0};
    char query[FIND_QUERY_SIZE];
    Field *field = &find_of(app)->field;
    while (field->length >= sizeof query) { /* as much as can be looked for */
        const InputEvent back = {.type = EVENT_KEY_DOWN, .key = KEY_BACKSPACE};
        bool changed;
        (void)field_event(field, &back, &changed);
    }
    snprintf(query, sizeof query, "%s", field->text);
    find_start(app, query, true, &err);
}

static bool typing(App *app, const InputEvent *event) {
    if (!find_of(app)->open || (event->type != EVENT_TEXT && event->type != EVENT_KEY_DOWN)) return false;
    const bool key = event->type == EVENT_KEY_DOWN;
    const bool back = event->key == KEY_UP || (event->mods & MOD_SHIFT);
    bool changed = false;
    Error err = {0};
    if (key && event->key == KEY_ESCAPE) {
        close_field(app);
    } else if (key &&
               (event->key == KEY_ENTER || event->key == KEY_UP || event->key == KEY_DOWN || event->key == KEY_F3)) {
        find_step(app, back ? -1 : 1, &err); /* the count beside the field says why not */
    } else if (key && (event->mods & MOD_CTRL) && event->key == 'v') {
        char pasted[FIND_QUERY_SIZE];
        platform_clipboard(app->machine.platform, pasted, sizeof pasted);
        field_insert(&find_of(app)->field, pasted, strlen(pasted));
        changed = true;
    } else {
        (void)field_event(&find_of(app)->field, event, &changed);
    }
    if (changed) typed(app);
    app->pace.redraw = true;
    return true;
}

/* ---- commands -------------------------------------------------------------------------------- */

static bool cmd_find(App *app, const char *args, Error *err) {
    if (args[0]) {
        find_start(app, args, true, err);
        if (find_of(app)->open) field_set(&find_of(app)->field, args);
        return true;
    }
    (void)err;
    field_set(&find_of(app)->field, find_of(app)->query);
    find_note_anchor(app);
    find_of(app)->open = true;
    platform_text_input(app->machine.platform, true);
    return true;
}

static bool cmd_find_next(App *app, const char *args, Error *err) {
    (void)args;
    find_step(app, 1, err);
    return true;
}

static bool cmd_find_previous(App *app, const char *args, Error *err) {
    (void)args;
    find_step(app, -1, err);
    return true;
}

static void json(const App *app, TextBuffer *out) {
    const Find *find = find_of(app);
    if (!find->open && !find->query[0]) {
        text_append(out, "\"find\":null,");
        return;
    }
    text_append(out, "\"find\":{\"query\":");
    text_append_json(out, find->query);
    text_appendf(
        out, ",\"open\":%s,\"searching\":%s,\"count\":%lld,\"current\":%lld,\"axis\":", find->open ? "true" : "false",
        find->asked != find->answered ? "true" : "false", (long long)find_count(app), (long long)find->current + 1);
    Axis axis = AXIS_QUERY;
    const bool is_current = find->current >= 0 && find->current < find_count(app); /* put back, it waits for its hits */
    const TokenSpan span = is_current ? find_hit(find, find->current, &axis) : (TokenSpan){0};
    if (is_current)
        text_appendf(out, "\"%s\",\"tokens\":[%lld,%lld]},",
                     find->both           ? "both"
                     : axis == AXIS_QUERY ? "query"
                                          : "key",
                     (long long)span.first, (long long)span.end);
    else
        text_append(out, "null,\"tokens\":null},");
}

static bool let_go(App *app) {
    const bool was = find_is_on(app);
    if (was) find_clear(app);
    return was;
}

/* Marks alone, where the eye stays. Nothing that has it is no mistake of the command line. */
static bool set_marks(App *app, const char *args, Error *err) {
    find_start(app, args, false, err);
    if (err->status == STATUS_NOT_FOUND) err->status = STATUS_OK;
    return true;
}

static bool get_marks(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", find_of(app)->query);
    return find_is_on(app);
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"mark", "TEXT", NULL, NULL, NULL, NULL, NULL, .needs = SCENE_TOKENS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE, .set = set_marks, .get = get_marks,
     .option = {.name = "find", .arg = "TEXT", .help = "mark the tokens that have this text", .order = PROPERTY_OF_SCENE}},
    {.command = {.name = NULL}},
};
// clang-format on

// clang-format off
static const Command COMMANDS[] = {
    {"find", "[TEXT]", cmd_find, "Ctrl+F= /=", "Find", "find a token or a phrase along both axes", NULL, .needs = SCENE_TOKENS},
    {"find-next", "", cmd_find_next, "F3=", "Find", "next place", NULL, .needs = SCENE_TOKENS},
    {"find-previous", "", cmd_find_previous, "Shift+F3=", "Find", "previous place", NULL, .needs = SCENE_TOKENS},
    {.name = NULL},
};
// clang-format on

const Part FIND = {.name = "find",
                   .state = &FIND_STATE,
                   .open = find_open,
                   .close = find_close,
                   .capture_closing = find_release,
                   .look_changed = find_follow,
                   .scene_changed = find_follow,
                   .event = typing,
                   .drawing = {.over = find_draw},
                   .let_go = let_go,
                   .json = json,
                   .commands = COMMANDS,
                   .properties = PROPERTIES};
