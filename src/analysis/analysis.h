/* analysis: numbers about heads. Pure: no GL, no threads of its own; any number of threads may run it at once.
 *
 * A statistic is a row of a table: entropy.c, distance.c and previous.c hold one each, and statistics.c names all. What
 * shows statistics (`attnscope stats`) goes by the table, so a new one is a new file and a line there.
 *
 * One section for each .c file that has more than a statistic. */
#ifndef ATTNSCOPE_ANALYSIS_H
#define ATTNSCOPE_ANALYSIS_H

#include "tiles/tiles.h"

/* ---- statistics.c : what there is ------------------------------------------------------------ */

/* The pattern that a statistic is about. Borrowed from the capture. */
typedef struct StatisticPattern {
    const Capture *capture;
    PatternRef ref;
    const SetInfo *set;
    const LayerInfo *layer;
    int64_t queries, keys;
    const TokenList *query_tokens, *key_tokens; /* NULL: none */
    /* Queries and keys are tokens of one text, so that distances mean something: key i + shift is the token of query i.
     * False for cross attention. */
    bool one_text;
    int64_t shift; /* keys - queries: keys from before the first query, as in decoding with a cache */
} StatisticPattern;

/* Some rows of it, whole ones. */
typedef struct StatisticRows {
    int64_t first, count; /* queries first .. first + count - 1 */
    int64_t keys;
    const float *cells; /* [count][keys] as capture_source_rows gives them: CELL_MASKED and NAN occur */
    const float *other; /* the same of the second head; NULL unless the statistic needs two */
    /* [count]: rows that hold NaN, and rows of which nothing is visible. They say nothing about a head, and every
     * statistic leaves them out. */
    const bool *left_out;
} StatisticRows;

/* The base tile: what an overview shows of the pattern. */
typedef struct StatisticTile {
    const float *rg; /* [height][width][2]: mean and maximum of blocks, sentinels as in tiles.h */
    int height, width;
    Level level;
    bool is_signed;
} StatisticTile;

typedef enum StatisticNeeds {
    STATISTIC_ROWS,      /* all rows, from the first to the last */
    STATISTIC_TWO_HEADS, /* the same, and those of a second pattern; NAN where there is none */
    STATISTIC_BASE_TILE, /* far cheaper where patterns are large, but blocks instead of weights */
} StatisticNeeds;

/* Defined at the end of the file that computes it. */
typedef struct Statistic {
    const char *name; /* one word, lower case: a column's title and a JSON key */
    const char *unit; /* "" for a weight or another plain number */
    const char *help; /* one line: the formula, and who says so */
    StatisticNeeds needs;
    size_t size;                                                 /* bytes of its state, which is zero before begin */
    void (*begin)(void *state, const StatisticPattern *pattern); /* NULL: nothing to prepare */
    void (*take)(void *state, const StatisticRows *rows);        /* some rows at a time, in order */
    void (*take_tile)(void *state, const StatisticTile *tile);   /* instead, for STATISTIC_BASE_TILE; once */
    double (*finish)(const void *state); /* NAN: undefined for this pattern, such as a distance in cross attention */
} Statistic;

/* All that are built in, in the order in which they are shown; NULL ends the list. */
extern const Statistic *const ANALYSIS_STATISTICS[];
int analysis_statistic_count(const Statistic *const *statistics); /* NULL: of those built in */

/* ---- run.c : a pattern through all statistics that are asked for ----------------------------- */

typedef struct AnalysisParams {
    const Capture *capture;
    PatternRef ref;
    const PatternRef *other;            /* the second of two heads, of the same size; NULL: none */
    const Statistic *const *statistics; /* NULL: those built in */
    int64_t strip_cells;                /* how much is read at once; 0: a good size */
    SourceScratch *scratch;             /* of this thread, kept from head to head; NULL: one for this call */
    const CancelFlag *cancel;           /* looked at every 2 ms; NULL: never */
} AnalysisParams;

/* Weights of one pattern, read or recomputed once for all statistics, in strips: memory does not grow with the number
 * of queries. results: a number for each statistic, in their order; NAN where it is undefined. STATUS_RANGE: no such
 * pattern, or two of different sizes; STATUS_CANCELLED, STATUS_MEMORY, and what reading the file can meet. */
Status analysis_run(const AnalysisParams *params, double *results, Error *err);

#endif
