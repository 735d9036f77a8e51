/* Properties: one row each, and what comes of the rows. */
#include "session/app.h"
#include "session/property.h"

#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

const char *property_name(const Property *property) {
    return property->option.name ? property->option.name : property->command.name;
}

const char *property_choice(const Property *property, int value) {
    if (property->choice) return property->choice(value);
    for (int i = 0; property->choices[i]; i++) {
        if (i == value) return property->choices[i];
    }
    return NULL;
}

static void *place_of(const App *app, const Property *property) {
    char *owner = property->owner ? property->owner(app) : (char *)(uintptr_t)app;
    return owner ? owner + property->offset : NULL;
}

bool property_value(const App *app, const Property *property, char *out, size_t out_size) {
    if (property->get) return property->get(app, out, out_size);
    if (property->set && property->kind == PROPERTY_TEXT) return false;
    const void *place = place_of(app, property);
    const char *name;
    if (!place) return false;
    switch (property->kind) {
    case PROPERTY_CHOICE:
        name = property_choice(property, *(const int *)place);
        snprintf(out, out_size, "%s", name ? name : "");
        return name != NULL;
    case PROPERTY_NUMBER:
        snprintf(out, out_size, "%g", (double)*(const float *)place);
        return true;
    case PROPERTY_SWITCH:
        snprintf(out, out_size, "%s", *(const bool *)place ? "on" : "off");
        return true;
    default:
        return false;
    }
}

bool property_each(const Catalog *catalog, PropertyEach each, void *user) {
    for (const Property *const *rows = catalog->properties; *rows; rows++) {
        for (const Property *row = *rows; row->command.name; row++) {
            if (!each(user, row, NULL)) return false;
        }
    }
    for (const Scene *const *scene = catalog->scenes; *scene; scene++) {
        for (const Property *row = (*scene)->properties; row && row->command.name; row++) {
            if (!each(user, row, *scene)) return false;
        }
    }
    for (const Part *const *part = catalog->parts; *part; part++) {
        for (const Property *row = (*part)->properties; row && row->command.name; row++) {
            if (!each(user, row, NULL)) return false;
        }
    }
    return true;
}

/* ---- setting --------------------------------------------------------------------------------- */

/* "'transform' takes linear, sqrt, log or next, not 'x'" */
static void refuse_choice(const Property *property, const char *args, Error *err) {
    TextBuffer list = {0};
    const char *name;
    for (int i = 0; (name = property_choice(property, i)) != NULL; i++)
        text_appendf(&list, "%s%s", i ? ", " : "", name);
    error_set(err, STATUS_USAGE, "'%s' takes %s or next, not '%.60s'", property->command.name,
              list.text ? list.text : "", args);
    text_buffer_free(&list);
}

static bool set_choice(const Property *property, int *place, const char *args, Error *err) {
    const char *name;
    int count = 0;
    while (property_choice(property, count))
        count++;
    const int turns = property->turns ? property->turns : count;
    if (!strcmp(args, "next") || !strcmp(args, "previous")) {
        *place = (*place % turns + (args[0] == 'n' ? 1 : turns - 1)) % turns;
        return true;
    }
    for (int i = 0; (name = property_choice(property, i)) != NULL; i++) {
        if (strcmp(args, name)) continue;
        *place = i;
        return true;
    }
    refuse_choice(property, args, err);
    return false;
}

static bool set_number(const Property *property, float *place, const char *args, Error *err) {
    double value = (double)*place;
    if (property->step > 0 && !strcmp(args, "up"))
        value *= property->step;
    else if (property->step > 0 && !strcmp(args, "down"))
        value /= property->step;
    else if (!text_parse_f64(args, &value) || !(value > 0)) {
        error_set(err, STATUS_USAGE, "'%s' takes a positive number%s, not '%.60s'", property->command.name,
                  property->step > 0 ? ", up or down" : "", args);
        return false;
    }
    *place = (float)f64_clamp(value, property->least, property->most);
    return true;
}

/* "": the other way round. */
static bool set_switch(const Property *property, bool *place, const char *args, Error *err) {
    if (args[0] && strcmp(args, "on") && strcmp(args, "off")) {
        error_set(err, STATUS_USAGE, "'%s' takes on or off, not '%.40s'", property->command.name, args);
        return false;
    }
    *place = args[0] ? !strcmp(args, "on") : !*place;
    return true;
}

static bool set_by_kind(App *app, const Property *property, const char *args, Error *err) {
    void *place = place_of(app, property);
    if (!place) return false;
    switch (property->kind) {
    case PROPERTY_CHOICE:
        return set_choice(property, place, args, err);
    case PROPERTY_NUMBER:
        return set_number(property, place, args, err);
    case PROPERTY_SWITCH:
        return set_switch(property, place, args, err);
    default:
        return false;
    }
}

bool property_command(App *app, const Property *property, const char *args, Error *err) {
    if (!(property->set ? property->set(app, args, err) : set_by_kind(app, property, args, err))) return false;
    if (property->changed) property->changed(app, args);
    return true;
}
