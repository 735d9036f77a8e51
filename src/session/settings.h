/* Settings that outlive the program: one table of names, where their values come from and go to. */
#ifndef ATTNSCOPE_SESSION_SETTINGS_H
#define ATTNSCOPE_SESSION_SETTINGS_H

#include "session/app.h"
#include "session/settings_parse.h"

/* Reads the settings file, if there is one. One that cannot be read is renamed, and *said says so; so it does about
 * lines that cannot be used. *out is then still good. */
void settings_load(const Catalog *catalog, Settings *out, char *said, size_t said_size);
/* What must be known before anything is open; then the rest, as if its commands had been given (keys_only: not that). */
void settings_start(const Catalog *catalog, const Settings *settings, AppParams *params);
void settings_apply(const Settings *settings, App *app, bool keys_only);
/* The value in the settings file, NULL where there is none. */
const char *settings_value(const App *app, const char *name);
/* Writes what is set now into the settings file; remarks, keys and unknown lines stay. */
Status settings_save(const App *app, char *path, size_t path_size, Error *err);
/* For settings_parse: names and values of this program. */
SettingsHooks settings_hooks(const Catalog *catalog);

extern const Command SETTINGS_COMMANDS[];
extern const Property MACHINE_PROPERTIES[];

#endif
