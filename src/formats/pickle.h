/* pickle: the data in a Python pickle, as a tree of nodes. Nothing is executed: a class is a name, a call is a node
 * that holds the name and the arguments. Private to this folder. */
#ifndef ATTNSCOPE_FORMATS_PICKLE_H
#define ATTNSCOPE_FORMATS_PICKLE_H

#include "formats/internal.h"

typedef enum PickleKind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_BYTES,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_SET,
    PICKLE_DICT,
    PICKLE_CLASS,      /* text: "module.name" */
    PICKLE_OBJECT,     /* what calling something would have made */
    PICKLE_PERSISTENT, /* arguments: what names a thing outside the pickle (a storage of torch) */
    PICKLE_OTHER,      /* an integer beyond 64 bits */
} PickleKind;

typedef struct PickleNode PickleNode;
struct PickleNode {
    PickleKind kind;
    bool on_path; /* for walkers: meets itself */
    size_t count; /* of items; a dict's are key, value, key, value ... */
    size_t room;  /* for items */
    PickleNode **items;
    union {
        int64_t integer; /* and bool */
        double real;
        struct { /* borrowed from the pickle's bytes; no NUL at the end */
            const char *bytes;
            size_t length;
        } text;
        struct { /* all but `callable` and `arguments` may be NULL */
            const PickleNode *callable;
            PickleNode *arguments;
            PickleNode *state;   /* of BUILD */
            PickleNode *entries; /* a dict: of SETITEMS */
            PickleNode *members; /* a list: of APPENDS */
        } object;
    };
};

/* Reads a pickle of protocol 0 to 5 that needs nothing but data. Nodes live in `arena` and borrow from `bytes`.
 * Nodes may be shared and may contain themselves. `base` is where the bytes begin in the file, for messages. */
Status pickle_parse(const uint8_t *bytes, size_t size, uint64_t base, const char *file, Arena *arena, PickleNode **root,
                    Error *err);

bool pickle_is(const PickleNode *node, const char *text); /* text or class of exactly these characters */
/* Tuple or list with at least `index` + 1 items, else NULL. */
PickleNode *pickle_item(const PickleNode *node, size_t index);

#endif
