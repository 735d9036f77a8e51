/* Arguments: the alternatives that the command table spells out, and values that are known from what is open. */
#include "features/palette/palette.h"
#include "session/property.h"

#include <string.h>

/* Alternatives in capitals stand for something; the others are to be typed as they are. */
static bool is_literal(const char *text, size_t length) {
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        if (!((text[i] >= 'a' && text[i] <= 'z') || text[i] == '-')) return false;
    }
    return true;
}

/* Each alternative of a specification that is to be typed as it is. */
static void each_literal(const App *app, const KnownCommand *command, const char *spec, size_t length, EachValue each,
                         void *user) {
    char now[64];
    const bool known = command->property && command->property->kind != PROPERTY_NUMBER &&
                       property_value(app, command->property, now, sizeof now);
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && spec[end] != '|')
            end++;
        if (is_literal(spec + at, end - at)) {
            char text[64];
            snprintf(text, sizeof text, "%.*s", (int)(end - at), spec + at);
            each(user, text, known && !strcmp(now, text) ? "now" : "");
        }
        at = end + 1;
    }
}

/* Values that no specification can spell out: choices with names of their own, and what the row knows. */
static void each_known(const App *app, const KnownCommand *command, EachValue each, void *user) {
    const Property *property = command->property;
    const char *name;
    char now[64] = "";
    if (command->row->values) command->row->values(app, each, user);
    if (!property || !property->choice) return;
    (void)property_value(app, property, now, sizeof now);
    for (int i = 0; (name = property_choice(property, i)) != NULL; i++)
        each(user, name, !strcmp(name, now) ? "now" : "");
}

static bool has_own_names(const KnownCommand *command) {
    return command->property && command->property->choice;
}

bool palette_known_values(const App *app, const KnownCommand *command, EachValue each, void *user) {
    const char *args = command->row->args;
    const size_t length = strlen(args);
    bool closed = length > 0 && !strpbrk(args, " []");
    for (size_t at = 0; closed && at < length;) {
        const size_t part = strcspn(args + at, "|");
        closed = is_literal(args + at, part);
        at += part + 1;
    }
    if (!closed && (command->row->closed || has_own_names(command))) {
        each_known(app, command, each, user);
        closed = true;
    }
    if (closed) each_literal(app, command, args, length, each, user);
    return closed;
}

/* ---- the word that is being typed ------------------------------------------------------------ */

typedef struct Adding {
    Palette *palette;
    const char *query;
} Adding;

static void add_value(void *user, const char *value, const char *remark) {
    const Adding *adding = user;
    PaletteItem *item = palette_add(adding->palette, ITEM_VALUE, adding->query, value, 0);
    if (item) snprintf(item->detail, sizeof item->detail, "%s", remark);
}

/* Part of the specification that the word belongs to: from the n-th one on, as many as may be left out. A path takes
 * the rest of the line. */
static const char *spec_from(const KnownCommand *command, const char *args, size_t *word) {
    const char *spec = command->row->args;
    *word = 0;
    for (;;) {
        const size_t length = strcspn(spec, " ");
        const bool takes_rest = !spec[length] || (!strchr(spec, '[') && strstr(spec, "PATH"));
        const char *space = strchr(args + *word, ' ');
        if (takes_rest || !space) return spec;
        *word = (size_t)(space - args) + 1;
        spec += length + 1;
    }
}

void palette_values(App *app) {
    Palette *p = palette_of(app);
    const size_t start = strlen(p->command->row->name) + 1;
    size_t word;
    const char *spec = spec_from(p->command, p->field.text + start, &word);
    p->word = start + word;
    Adding adding = {p, p->field.text + p->word};
    if (palette_known_values(app, p->command, add_value, &adding)) {
        p->closed = true;
    } else {
        if (spec == p->command->row->args) each_known(app, p->command, add_value, &adding);
        for (bool optional = true; *spec && optional;) {
            const size_t length = strcspn(spec, " ");
            optional = spec[0] == '[';
            const size_t inner = length - (optional ? 2 : 0);
            each_literal(app, p->command, spec + (optional ? 1 : 0), inner, add_value, &adding);
            p->wants_files |= strstr(spec, "PATH") && (size_t)(strstr(spec, "PATH") - spec) < length;
            spec += length + (spec[length] == ' ' ? 1 : 0);
        }
    }
    if (adding.query[0]) palette_sort(p);
    if (p->wants_files) palette_files(app);
}
