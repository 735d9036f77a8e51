/* Cells as text, arrays and figures: read or recomputed from the source row by row by a thread of their own, so that a
 * selection of any size can be written while the window goes on. */
#ifndef ATTNSCOPE_FEATURES_SELECTION_H
#define ATTNSCOPE_FEATURES_SELECTION_H

#include "session/app.h"

/* Cells that were chosen; anchored: grown from the anchor by the keyboard. */
typedef struct Selection {
    bool on, anchored;
    int64_t anchor_q, anchor_k;
    int64_t q0, q1, k0, k1;  /* half-open */
    struct Selections *jobs; /* NULL until needed; what is above is kept (StateKey) */
} Selection;
extern const StateKey SELECTION_STATE;
Selection *selection_of(const App *app);

/* ---- selection_data.c : cells -> text, array, figures; no App --------------------------------- */

typedef struct SelectionBlock {
    int64_t q0, q1, k0, k1; /* half-open */
} SelectionBlock;

typedef enum SelectionForm { SELECTION_TSV, SELECTION_CSV, SELECTION_NPY, SELECTION_FIGURES } SelectionForm;

/* mean: the sum over all cells of the block (masked ones are 0) by their number; mass: mean x keys. */
typedef struct SelectionFigures {
    double sum;
    float most; /* of largest magnitude; CELL_MASKED: nothing is visible */
    int64_t cells, masked, nonfinite;
} SelectionFigures;

/* What is read; everything in it belongs to the job alone. */
typedef struct SelectionSource {
    PoolRequest request; /* its heads and variant are those below */
    ResolvedHeads heads;
    Variant variant;
    SelectionBlock block;
} SelectionSource;

typedef struct SelectionSink {
    SelectionForm form;
    TextBuffer text;
    FileWriter *file; /* where text and arrays go strip by strip; NULL: text stays */
    SelectionFigures figures;
    atomic_llong rows_done;
} SelectionSink;
/* Any thread. STATUS_CANCELLED within 2 ms after the flag was set. */
Status selection_put(const SelectionSource *source, SelectionSink *sink, const CancelFlag *cancel, Error *err);

/* ---- selection.c : jobs ----------------------------------------------------------------------- */

/* The selection, else the row of the locked crosshair, else the cell under the cursor, as TSV on the clipboard. In a
 * window it goes on in the background; else it is done on return. */
Status selection_copy(App *app, Error *err);
/* The selection or the row of the locked crosshair as .tsv, .csv or .npy (f32); masked cells are 0, masked scores
 * -inf. */
Status selection_export(App *app, const char *path, Error *err);
/* Being copied or exported: what, for people, and how far (0..1). */
bool selection_busy(const App *app, char *what, size_t size, double *fraction);
bool selection_adding(const App *app); /* figures are under way */
void selection_cancel(App *app);       /* of copying and exporting */
/* Figures of the selection as it is looked at; asks for them. NULL: none yet. */
const SelectionFigures *selection_figures(App *app, const Frame *frame, double *fraction);
/* The same without asking. */
const SelectionFigures *selection_figures_known(const App *app);
/* Ends what reads the capture. */
void selection_stop(App *app);
void selection_drop(App *app); /* after chores were dropped */

#endif
