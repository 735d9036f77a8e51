/* Commands: rows {name, arguments, handler, keys, help} that stand in the file of their handlers. Keys, the help
 * overlay, the palette, --exec, tours and tests come from them. */
#ifndef ATTNSCOPE_SESSION_COMMAND_H
#define ATTNSCOPE_SESSION_COMMAND_H

#include "base/base.h"

typedef struct App App;
typedef struct Scene Scene;
typedef struct Property Property;

/* Values that are known from what is open, for the palette. */
typedef void (*EachValue)(void *user, const char *value, const char *remark);
typedef void (*CommandValues)(const App *app, EachValue each, void *user);

/* A handler returns true when the picture changed; a failure fills err->status. `args` is never NULL. */
typedef bool (*CommandHandler)(App *app, const char *args, Error *err);
/* Whether a tour that is being written has a line of it. What frames show, such as a moving camera, is noted from there. */
typedef enum CommandNoted {
    NOTED,
    NOTED_NEVER,
    NOTED_WITHOUT_CELLS, /* not where the view shows cells (SCENE_CELLS) */
} CommandNoted;

typedef struct Command {
    const char *name, *args;
    CommandHandler handler;   /* NULL: of a property (property.h) */
    const char *keys;         /* "Down=+1 Up=-1": key=args, space separated; NULL: none */
    const char *group, *help; /* NULL: for scripts and tests, listed nowhere */
    const char *keys_shown;   /* for the help overlay, where `keys` would be too long; else NULL */
    unsigned needs;           /* traits (SCENE_...) that the view must have; rows of a scene are for that scene alone */
    bool repeats;             /* while its key is held: motion, not what fills a folder */
    bool held;                /* ends with `NAME off` when its key goes up */
    bool trusted;             /* touches files, the clipboard or the program: tours and pictures cannot say it */
    bool chooses;             /* another pattern may be shown afterwards: a recording looks for the range of all */
    bool opens;               /* its PATH is a capture: those that were opened before are offered */
    CommandNoted noted;
    CommandValues values;
    bool closed; /* nothing else than these values can be typed */
} Command;

#define COMMANDS_MAX 192
#define BINDINGS_MAX 448

/* A command as it is known to the program: its row, and the scene that it belongs to (NULL: to none alone). */
typedef struct KnownCommand {
    const Command *row;
    const Scene *scene;
    const Property *property; /* that the command sets; NULL: the row has a handler */
} KnownCommand;

typedef struct Binding {
    int key, mods;
    bool own;      /* of the settings file */
    int command;   /* index of the command; -1: none */
    char line[96]; /* "": the key does nothing */
} Binding;

/* All rows of the catalog by group, and the keys bound to them. */
typedef struct Commands {
    KnownCommand items[COMMANDS_MAX];
    int count;
    Binding bindings[BINDINGS_MAX];
    int binding_count;
    int overrides;       /* so many of the first come from the settings file */
    const Command *held; /* while its key, held_key, is down; NULL: none is */
    int held_key;
} Commands;

/* ---- commands.c ------------------------------------------------------------------------------ */

/* Gathers the rows of the catalog; from program_open. */
void commands_gather(App *app);
const KnownCommand *commands_find(const App *app, const char *name, size_t length); /* NULL: there is none */
/* Does it make sense in this scene? */
bool commands_fit(const KnownCommand *command, const Scene *scene);
/* How to get to where a command makes sense: "for the grid: g shows it". */
void commands_where(const App *app, const KnownCommand *command, char *out, size_t out_size);
/* Runs "name args". STATUS_USAGE with a sentence for an unknown command or wrong arguments. */
Status commands_run(App *app, const char *line, Error *err);
/* Runs "a; b; c". */
Status commands_run_script(App *app, const char *script, Error *err);
/* Runs a command; what goes wrong is said in the window. */
void commands_run_line(App *app, const char *line);

/* ---- keys.c ---------------------------------------------------------------------------------- */

typedef struct SettingsKey SettingsKey;
/* Keys of the settings file come before those of the rows. */
void keys_bind(App *app, const SettingsKey *keys, int count);
/* The binding of a key in the scene that is shown, else in another one; NULL: none, or it does nothing. */
const Binding *keys_find(const App *app, int key, int mods);
/* Keys bound to a command, for people: "Up / Down". */
void keys_of(const App *app, const KnownCommand *command, char *out, size_t out_size);

#endif
