/* A scene: one way of looking at a capture. All that the rest of the program has to know of it stands in one row, at the
 * end of the scene's own file; app/catalog.c lists the rows. Members may be NULL unless said otherwise. */
#ifndef ATTNSCOPE_SESSION_SCENE_H
#define ATTNSCOPE_SESSION_SCENE_H

#include "session/picture.h"
#include "session/property.h"

/* What commands may rely on. */
enum {
    SCENE_PATTERNS = 1, /* it shows patterns of attention */
    SCENE_HEADS = 2,    /* of one layer and head set: heads in the left panel, layers can be played */
    SCENE_CELLS = 4,    /* cells of one pattern under look.matrix.camera, with a crosshair */
    SCENE_TOKENS = 8,   /* tokens can be found and copied */
    SCENE_STRIPS = 16,  /* it shows probabilities of tokens */
};

/* One thing in the top bar; its style: a name, a remark, something to be aware of. */
typedef enum SaidAs { SAID_NAME, SAID_REMARK, SAID_WARNING } SaidAs;
typedef void (*SceneSay)(void *user, SaidAs as, const char *text);

typedef struct SceneWords {
    const char *hint;  /* of its button */
    const char *where; /* how to get to it from another one: "for the grid: g shows it" */
    /* "layer 3, head 5": one line about what is shown. Never NULL. */
    void (*title)(const App *app, char *out, size_t out_size);
    /* Within names of pictures; NULL: the scene's name. */
    void (*stem)(const App *app, char *out, size_t out_size);
    /* What the top bar says instead of layer and heads. NULL: these. */
    void (*bar)(const App *app, SceneSay say, void *user);
    bool (*range_is_share)(
        const App *app); /* ticks are shares of the range of each head: there is no one range to name */
    const char *(*range_words)(const App *app, const char **hint, const char **command); /* NULL: as elsewhere */
} SceneWords;

typedef struct SceneDrawing {
    void (*draw)(App *app, Frame *frame,
                 const FrameParams *params);          /* into layout.view; fills picture.result. Never NULL */
    void (*panel)(App *app, Frame *frame, Rect rect); /* the right panel. Never NULL */
    void (*over)(App *app, Frame *frame);             /* over the panels */
    void (*figure)(App *app, Frame *frame);           /* a colour bar of its own */
    bool (*idle)(App *app, Frame *frame); /* one small step of work; false: nothing left to do. NULL: the overviews */
    bool (*layer_range)(App *app, Frame *frame, int layer, float *hi); /* for the spark line; false: not known yet */
} SceneDrawing;

typedef struct SceneMouse {
    PlatformCursor cursor; /* over the plot */
    /* A button went down over the view; the mouse moved while pointer.drag is DRAG_PAN or DRAG_SELECT; it went up. */
    void (*press)(App *app, const InputEvent *event);
    void (*drag)(App *app);
    void (*release)(App *app, const InputEvent *event);
    void (*wheel)(App *app, const InputEvent *event);
    void (*drag_minimap)(App *app);
    void (*leave)(App *app);
    const ViewResult *(*under)(const App *app); /* the plot under the mouse; NULL: picture.result */
} SceneMouse;

typedef struct SceneCamera {
    void (*pan)(App *app, double down, double right); /* points */
    void (*zoom)(App *app, double factor);            /* about the cursor, or the middle */
    void (*one_to_one)(App *app);
    void (*fit)(App *app);
    const Camera *(*camera)(const App *app); /* decides which tiles are on screen; NULL: look.matrix.camera */
} SceneCamera;

/* Where in the capture it is. */
typedef struct ScenePlace {
    int (*layer)(const App *app); /* index that commands and the scrubber mean; NULL: look.subject.layer */
    void (*go_layer)(App *app, int layer);
    int (*head)(const App *app); /* number; NULL: that of the head set */
    void (*go_head)(App *app, int number);
    int (*item)(const App *app); /* batch item, of scenes of strips */
    void (*go_item)(App *app, int item);
    int64_t (*token)(const App *app); /* where the eye is, of scenes of strips */
    void (*go_token)(App *app, int64_t token);
} ScenePlace;

/* Finds the memory of one part or scene. It stands in the lowest of the files that need that memory; the row of the part
 * or scene, which stands in the topmost, refers to it. */
typedef struct StateKey {
    size_t size; /* of the memory, which begins as zeros */
    /* Its first bytes, values without pointers, are what it shows of the open capture, as far as commands of tours change
     * that: it can be put back. */
    size_t kept;
} StateKey;

struct Scene {
    const char *name;     /* in commands, options and the state */
    const char *old_name; /* accepted still; NULL: none */
    unsigned traits;
    const StateKey *state; /* NULL: it has none */
    Status (*open)(App *app, Error *err);
    void (*close)(App *app);
    bool (*shows)(const Capture *capture); /* is there anything for it? NULL: where there are patterns */
    void (*capture_opened)(App *app);      /* another capture: looked at from its start */
    void (*look_changed)(App *app);        /* layer, set, head set: what does not exist any more is let go */
    void (*set_changed)(App *app);         /* another set of the capture: before look_changed */
    void (*enter)(App *app);
    bool (*escape)(App *app); /* true: something was closed */
    Status (*copy)(App *app, Error *err);
    Status (*export)(App *app, const char *path, Error *err);
    void (*json)(const App *app, TextBuffer *out); /* members of the state: "name":value, */
    SceneWords words;
    SceneDrawing drawing;
    SceneMouse mouse;
    SceneCamera camera;
    ScenePlace place;
    const Command *commands;    /* ends with a row without name */
    const Property *properties; /* likewise */
};

/* ---- scenes.c --------------------------------------------------------------------------------- */

bool scene_has(const App *app, unsigned traits);            /* the one that is shown has all of them */
const Scene *scene_named(const App *app, const char *name); /* NULL: there is none */
/* Is there anything in the open capture that it could show? */
bool scene_shows(const App *app, const Scene *scene);
void scene_show(App *app, const Scene *scene);
/* Another one, where this capture has nothing for the scene that is shown. */
void scene_leave(App *app);
void scene_fit(App *app);
/* What decides which tiles are on screen. */
const Camera *scene_camera(const App *app);
/* The plot under the mouse. */
const ViewResult *scene_under_mouse(const App *app);
/* Index of the layer that commands and the scrubber mean. */
int scene_layer(const App *app);
extern const Property SCENE_PROPERTIES[];

#endif
