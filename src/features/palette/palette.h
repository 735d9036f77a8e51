/* The palette: a field, and below it what fits the text: commands first, then the arguments of one. All lines come from
 * the command table and from what is open; it serves as the list of files to open, too. */
#ifndef ATTNSCOPE_FEATURES_PALETTE_H
#define ATTNSCOPE_FEATURES_PALETTE_H

#include "session/field.h"
#include "session/files.h"

#define PALETTE_ITEMS_MAX 400
#define PALETTE_HISTORY 16

typedef enum PaletteKind {
    ITEM_COMMAND, /* text is its name */
    ITEM_LINE,    /* text is a command with its argument */
    ITEM_VALUE,   /* text replaces the word that is being typed */
    ITEM_FILE,
    ITEM_FOLDER,
    ITEM_RECENT, /* a path opened before */
} PaletteKind;

typedef struct PaletteItem {
    PaletteKind kind;
    const KnownCommand *command; /* COMMAND, LINE */
    char text[1024];
    size_t shown;     /* only text + shown is read: the folder before is known */
    char detail[160]; /* at the right */
    bool away;        /* of another view; detail says how to get there */
    int order;
    FuzzyMatch match; /* of text + shown */
} PaletteItem;

typedef struct Palette {
    bool open;
    unsigned opened; /* counts, so that a command that opens it again is seen */
    Field field;
    const KnownCommand *command; /* whose arguments are being typed; NULL: a command is looked for */
    size_t word;                 /* where the word begins that items stand for; bytes */
    bool closed;                 /* the items are all there is to choose from: the first one is chosen by itself */
    bool wants_files;
    PaletteItem *items;
    size_t capacity;
    int count, selected, scroll; /* selected -1: what was typed */
    bool picked;                 /* selected by hand */
    char error[ERROR_MESSAGE_SIZE];
    char history[PALETTE_HISTORY][64]; /* newest first: names of commands */
    int history_count;
    FolderList *listing; /* last folder that was read */
    char listing_wanted[APP_PATH_SIZE];
    RecentList *recent;
    void (*refresh)(App *app); /* after a folder was read */
    /* of the last frame */
    Rect box, rows;
    float row_h;
    int rows_shown;
} Palette;
/* ---- palette_list.c : the state, and what is listed ------------------------------------------ */

extern const StateKey PALETTE_STATE;
Palette *palette_of(const App *app);
bool palette_is_open(const App *app);
PaletteItem *palette_add(Palette *palette, PaletteKind kind, const char *query, const char *text, size_t shown);
void palette_sort(Palette *palette); /* best match first */

/* ---- palette.c ------------------------------------------------------------------------------- */

/* Opens with this text typed. */
void palette_open(App *app, const char *text);
/* Takes it off the screen for a while, or brings it back; true when it was there. */
bool palette_show(App *app, bool shown);
/* Items anew for the text; after something they are made of has changed. */
void palette_refresh(App *app);

/* ---- palette_items.c, palette_values.c, palette_files.c : what fits -------------------------- */

void palette_commands(App *app, const char *query);
void palette_values(App *app);
/* Values that `command` takes; `each` is called with every one and a remark. True when there are no others. */
bool palette_known_values(const App *app, const KnownCommand *command, EachValue each, void *user);
/* Files and folders that complete the path at `word`. */
void palette_files(App *app);

/* ---- panel_palette.c ------------------------------------------------------------------------- */

void palette_draw(App *app, Frame *frame);

#endif
