/* The catalog: what the program is made of. app/catalog.c has the one of attnscope; tests hand in their own. */
#ifndef ATTNSCOPE_SESSION_CATALOG_H
#define ATTNSCOPE_SESSION_CATALOG_H

#include "session/scene.h"

typedef struct PartClock {
    void (*tick)(App *app, uint64_t now_ns);
    uint64_t (*next_ns)(const App *app, uint64_t now_ns); /* when it wants to be ticked; UINT64_MAX: never */
} PartClock;

typedef struct PartDrawing {
    void (*over)(App *app, Frame *frame);                                                  /* over the panels */
    Status (*painted)(App *app, const FrameParams *params, uint64_t began_ns, Error *err); /* before it is shown */
    bool (*wants_panel)(const App *app); /* of its own, beside the right one */
    void (*panel)(App *app, Frame *frame, Rect rect);
} PartDrawing;

/* A part: something with a state of its own that is told what happens. Members may be NULL. Parts are asked in the order
 * of the catalog, and drawn in reverse, so that who is asked first lies on top. */
typedef struct Part {
    const char *name;
    const StateKey *state; /* NULL: it has none */
    Status (*open)(App *app, Error *err);
    void (*close)(App *app);
    void (*capture_closing)(App *app);    /* before one is closed: nothing of the part reads it afterwards */
    void (*reference_changing)(App *app); /* another one is about to be opened, or none */
    void (*capture_opened)(App *app);     /* another one, looked at from its start */
    void (*set_changed)(App *app);        /* another set of the capture: before look_changed */
    void (*look_changed)(App *app);       /* layer, set, item, heads */
    void (*scene_changed)(App *app);      /* another scene is shown */
    void (*look_begins)(App *app);        /* it was set from options: nothing before it counts */
    void (*command_run)(App *app, const Command *command, const char *args); /* with success */
    bool (*event)(App *app, const InputEvent *event);                        /* true: taken */
    bool (*key)(App *app, const InputEvent *event);   /* a key that no part took, before its command is looked up */
    bool (*wheel)(App *app, const InputEvent *event); /* before the view gets it */
    PartClock clock;
    bool (*take)(App *app, const TileData *data); /* of a finished JOB_CELLS; true: it was asked for by it alone */
    PartDrawing drawing;
    /* What takes long, for people, and how far it is (0 to 1); false: nothing does. */
    bool (*busy)(const App *app, char *what, size_t size, double *fraction);
    bool (*escape)(App *app);                      /* closes what lies over the view; true: something was closed */
    bool (*let_go)(App *app);                      /* after scene and overlays: marks and motions */
    bool (*asks_to_stay)(App *app);                /* the program is to quit: true keeps it */
    void (*json)(const App *app, TextBuffer *out); /* members of the state: "name":value, */
    const Command *commands;                       /* ends with a row without name */
    const Property *properties;                    /* likewise */
} Part;

typedef struct Catalog {
    const Part *const *parts;       /* all lists end with NULL */
    const Scene *const *scenes;     /* in the order of Tab; the first one that has something to show comes first */
    const Command *const *commands; /* of nobody's state; parts and scenes bring their own */
    const Property *const *properties;
    const char *const *groups;    /* of commands, in the order of the help */
    const Format *const *formats; /* of files (formats.h); NULL: all that are built in */
    /* Lays out, draws into picture.list, collects wants, composes what is allowed. */
    void (*build_frame)(App *app, const FrameParams *params);
    /* Draws the window's frame now, swaps. */
    Status (*draw_window)(App *app, Error *err);
} Catalog;

#endif
