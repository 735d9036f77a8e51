/* A property: one thing that can be set, in one row. The row gives the command (NAME VALUE|next|up|down), the option
 * --NAME, the settings' check and save, the state JSON, the command line that reproduces a view, the values that the
 * palette offers, and where a tour starts. Rows stand where what they set is at home, and are listed in the catalog, or
 * by the part or scene whose state they set. */
#ifndef ATTNSCOPE_SESSION_PROPERTY_H
#define ATTNSCOPE_SESSION_PROPERTY_H

#include "session/command.h"

struct AppParams;

typedef enum PropertyKind { PROPERTY_CHOICE, PROPERTY_NUMBER, PROPERTY_SWITCH, PROPERTY_TEXT } PropertyKind;

/* Where it can be said, and where it is told. */
enum {
    PROPERTY_OPTION = 1,   /* --NAME of the window, render, record, bench */
    PROPERTY_PICTURE = 2,  /* in the reproducing command line, which pictures carry: it may come from anybody */
    PROPERTY_SETTING = 4,  /* in the settings file */
    PROPERTY_STATE = 8,    /* in the state JSON */
    PROPERTY_TOUR = 16,    /* where a tour begins */
    PROPERTY_SILENT = 32,  /* no command: it cannot be changed while the program runs */
    PROPERTY_PATTERNS = 64 /* said only of scenes of patterns */
};

/* When options are applied: in this order, and as their rows stand within it. */
typedef enum PropertyOrder {
    PROPERTY_LOOK,  /* how it looks */
    PROPERTY_FIRST, /* decides what all others mean */
    PROPERTY_SUBJECT,
    PROPERTY_SCENE,
    PROPERTY_OF_SCENE,    /* of the scene that was chosen */
    PROPERTY_WITH_LAYOUT, /* needs a frame that was laid out */
} PropertyOrder;

typedef struct PropertyOption {
    const char *name; /* NULL: that of the command */
    char letter;      /* 0: none */
    const char *arg;  /* what its value is called; NULL: a flag, which means `on` */
    const char *help;
    PropertyOrder order;
} PropertyOption;

struct Property {
    Command command; /* its handler is NULL; args name the values: "linear|sqrt|log|next" */
    PropertyKind kind;
    unsigned where;
    PropertyOption option;
    /* What is set: within App, or within the state that `owner` gives. */
    size_t offset;
    void *(*owner)(const App *app);
    const char *const *choices;       /* CHOICE: names of the values 0, 1 ... of an enum; ends with NULL */
    const char *(*choice)(int value); /* instead: NULL past the last */
    int turns;                        /* CHOICE: `next` goes through so many of the first; 0: all */
    double least, most, step;         /* NUMBER: limits; factor of up and down */
    const char *initial;              /* what holds without settings; as such it is not told */
    /* NULL: by kind. `set` gets what stands behind the name; `get` false: there is nothing to tell. */
    bool (*set)(App *app, const char *args, Error *err);
    bool (*get)(const App *app, char *out, size_t out_size);
    /* SETTING, where `set` takes what is no setting, such as numbers of one capture. */
    bool (*check)(const char *value);
    void (*changed)(App *app, const char *args); /* after it was set: says so, or draws conclusions */
    Status (*early)(struct AppParams *params, const char *value, Error *err); /* before anything is open */
};

/* Offsets that do not compile for a field of another type. */
#define PROPERTY_ENUM_AT(type, member)                                                                                 \
    (offsetof(type, member) + 0 * sizeof(char[sizeof(((type *)0)->member) == sizeof(int) ? 1 : -1]))
#define PROPERTY_FLOAT_AT(type, member) (offsetof(type, member) + 0 * _Generic(((type *)0)->member, float : 1))
#define PROPERTY_BOOL_AT(type, member) (offsetof(type, member) + 0 * _Generic(((type *)0)->member, bool : 1))

/* ---- properties.c ------------------------------------------------------------------------------ */

/* The command of a property; true when the picture changed. */
bool property_command(App *app, const Property *property, const char *args, Error *err);
/* Its value as a command takes it; false: there is nothing to tell. */
bool property_value(const App *app, const Property *property, char *out, size_t out_size);
/* Name of a choice; NULL past the last. */
const char *property_choice(const Property *property, int value);
/* Name of the option, which the settings and the state have too (the state with _ for -). */
const char *property_name(const Property *property);
/* Calls `each` for all properties of the catalog, in its order, until one returns false; false: one did. */
typedef bool (*PropertyEach)(void *user, const Property *property, const Scene *scene);
struct Catalog;
bool property_each(const struct Catalog *catalog, PropertyEach each, void *user);

#endif
