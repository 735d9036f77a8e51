/* Pinned cells: what the inspector shows of them. Every number is read or recomputed from the capture by workers
 * (JOB_CELLS), a column in strips, so that one of a long sequence shows how far it is and can be given up.
 *
 * A pin keeps figures, not lines: a profile has PIN_BINS parts and its strongest few, however many tokens there are. */
#ifndef ATTNSCOPE_FEATURES_PINS_H
#define ATTNSCOPE_FEATURES_PINS_H

#include "ui/ui.h"

#define PINS_MAX 9
#define PIN_BINS 216
#define PIN_TOP 4
#define PIN_STRIPS 16 /* of a column asked for at a time */

/* A row or a column of the pattern, as far as it was read. */
typedef struct PinLine {
    int64_t count, done; /* cells, and how many of them were read */
    int bin_count;
    float bins[PIN_BINS]; /* largest magnitude of each part; -1: nothing seen */
    float most;
    int top_count;
    int64_t top[PIN_TOP]; /* strongest first, earlier before later */
    float top_values[PIN_TOP];
} PinLine;
void pins_line_begin(PinLine *line, int64_t count);
/* Cells first .. first + n - 1, each once, in any order. */
void pins_line_take(PinLine *line, int64_t first, const float *cells, int64_t n);

typedef struct Pin {
    int set; /* index */
    int64_t query, key;
    TileKey stamp; /* of the pinned row: what the figures below are of */
    bool known;
    float value; /* CELL_MASKED, NAN or a number */
    float heads[HEADSET_MAX];
    bool head_known[HEADSET_MAX];
    int head_count;
    PinLine row, column;
    int64_t strip_rows, next_strip; /* of the column: all before this one were read, */
    unsigned strips;                /* and of those from it on those whose bit is set */
} Pin;

typedef struct Pins {
    int count, focus; /* the pin that is shown whole; numbers of people are indices + 1 */
    Pin items[PINS_MAX];
} Pins;

int pins_find(const Pins *pins, int set, int64_t query, int64_t key); /* -1: not pinned */
/* False: there are PINS_MAX. The new pin gets the focus. */
bool pins_add(Pins *pins, int set, int64_t query, int64_t key);
void pins_remove(Pins *pins, int index);
/* Those of this set outside of queries x keys go. */
void pins_keep_inside(Pins *pins, int set, int64_t queries, int64_t keys);

/* Figures of another layer, head set ... are forgotten. */
void pins_follow(Pin *pin, const TileKey *row_key, const LayerInfo *layer);
/* Wants what is missing for this pin; `lines`: also rows, columns and heads. False: nothing is missing. */
bool pins_want(Pin *pin, Frame *frame, const Look *look, bool lines);
/* Takes what it is of any pin. True: it was asked for by pins alone. */
bool pins_accept(Pins *pins, const Capture *capture, const TileData *data);

/* ---- cmd_pins.c, pins_shown.c, panel_pins.c : in the program ---------------------------------- */

extern const StateKey PINS_STATE;
Pins *pins_of(const App *app);
/* Does it lie in a pattern of these sizes of the set that is looked at? */
bool pins_fit(const Pin *pin, const App *app, int64_t queries, int64_t keys);
bool pins_any_shown(const App *app);
bool pins_shown(const App *app, const Pin *pin);
/* Marks them on the matrix and wants what they need; `lines`: also what only the inspector shows. */
void pins_draw(App *app, Frame *frame, bool lines);
/* The inspector as a panel of its own, and in a part of another. */
void panel_pins(App *app, Frame *frame, Rect rect);
void panel_pins_list(Panel *p, float bottom);

#endif
