/* fused: pooling straight from Q and K. Inside tiles only. fused.c and fused_strips.c have the loops,
 * fused_cells.c the cells of a block, fused_rows.c the row normalisers, fused_variant.c the factors of variants,
 * fused_fold.c what becomes of a block, fused_sample.c what a row is, operands.c the packed rows. */
#ifndef ATTNSCOPE_TILES_FUSED_H
#define ATTNSCOPE_TILES_FUSED_H

#include "tiles/internal.h"
#include "tiles/kernel.h"

/* Query rows whose packed form and normalisers are kept at a time: enough that packing keys for them costs little. */
enum { BAND_ROWS = 43 * KERNEL_ROWS, BAND_ROWS_COMBINED = 11 * KERNEL_ROWS };
/* Keys read and packed at a time. */
enum { CHUNK_KEYS = 8 * KERNEL_KEYS };

/* ---- operands.c ------------------------------------------------------------------------------ */

/* Memory that starts on a cache line. */
typedef struct AlignedRoom {
    void *memory;
    size_t size;
} AlignedRoom;
void *tiles_aligned(AlignedRoom *room, size_t count,
                    size_t item_size); /* NULL when memory is short; contents are lost */

/* Packed keys of one key head, all of them or a chunk. */
typedef struct Panels {
    uint64_t serial; /* 0: empty */
    const Kernel *kernel;
    int set, item, layer, key_head;
    int64_t k0, k1;
    uint64_t used; /* when: larger is later */
    AlignedRoom room;
    size_t bytes;
    float largest; /* tiles_operand_largest of the rows */
} Panels;

enum { PANELS_MAX = 64 };
struct FusedScratch {
    SourceScratch *source;
    FactorScratch *factors;
    Panels panels[PANELS_MAX];
    size_t panel_bytes; /* of all of them, at most */
    uint64_t clock;
    AlignedRoom rows;    /* f32 rows before packing */
    AlignedRoom queries; /* packed [head][band] */
    AlignedRoom strip;   /* exponentials of whole rows, or their sums and maxima */
    AlignedRoom block, combined, normalisers, lse;
    AlignedRoom columns; /* of a variant, [head][key] */
    AlignedRoom texel_sum, texel_max, texel_min, texel_bad;
    PoolDevice *device; /* NULL: none */
};

typedef struct Fused {
    const PoolRequest *request;
    const CancelFlag *cancel;
    FusedScratch *scratch;
    const Kernel *kernel;
    Factored info;
    int depth, key_heads; /* key heads that the request touches */
    bool single, weights, is_signed;
    int64_t side;      /* rows of a texel row: all of them, or those of the sample */
    int64_t band_rows; /* room of the band for each head */
    int64_t k0, k1;
    int64_t texel_columns, first_row; /* first_row: of the texel group */
    TexelSums texels;
    float *shift, *factor; /* [head][band_rows] */
    float *largest;        /* [head]: tiles_operand_largest of the band's queries */
    float *columns;        /* of a variant: from the first panel on; NULL without one */
    int64_t column_pitch;  /* from head to head; 0: all share one */
} Fused;

typedef struct KeyPanels {
    const uint32_t *items; /* of the panel asked for; those of keys up to end - 1 follow */
    int64_t end;
    float largest;
} KeyPanels;
/* Packed keys of this head from panel k on (a multiple of KERNEL_KEYS). Valid until the next call. */
Status tiles_operand_keys(const Fused *f, int head, int64_t k, KeyPanels *out, Error *err);
/* Queries qa..qb-1 of a head, packed, to `out`, which has room for whole blocks; *largest as below. */
Status tiles_operand_queries(const Fused *f, int head, int64_t qa, int64_t qb, uint32_t *out, float *largest,
                             Error *err);
/* Largest magnitude; Inf where there is a NaN or an Inf. */
float tiles_operand_largest(const float *values, size_t count);
/* Is every score of queries and keys of these magnitudes a number, and every sum on the way to it? */
bool tiles_operand_bounded(const Fused *f, float largest_query, float largest_key);
/* Between any two pieces of work: pauses, and sees that a job is not wanted any more. */
Status tiles_operand_look_around(const Fused *f, Error *err);

/* ---- fused_sample.c -------------------------------------------------------------------------- */

/* Everywhere in fused_*.c a row is a number without gaps: that of the query, or with a sample, sample * texel row +
 * 0 .. sample - 1. Texel row y has the rows y * side .. (y + 1) * side - 1. */
int64_t tiles_fused_query(const Fused *f, int64_t row);
/* Keys that a row sees; neither end moves to the left from row to row. */
void tiles_fused_visible(const Fused *f, int64_t row, int64_t *lo, int64_t *hi);
typedef struct KeySpan {
    int64_t lo, hi;
} KeySpan;
/* Keys that some of the rows ra..rb-1 see. */
KeySpan tiles_fused_hull(const Fused *f, int64_t ra, int64_t rb);
/* Is every cell of these rows and this panel visible? */
bool tiles_fused_full(const Fused *f, int64_t q, int rows, int64_t k);
/* First key of the panel that key k is in. */
int64_t tiles_fused_panel_start(int64_t k);
Status tiles_fused_no_memory(Error *err);
PatternRef tiles_fused_ref(const Fused *f, int head); /* head: of the request's list */
/* capture_lse_known and capture_lse_keep by row. */
Status tiles_fused_known(const Fused *f, int head, int64_t ra, int64_t rb, double *lse, int64_t *missing0,
                         int64_t *missing1, Error *err);
void tiles_fused_keep(const Fused *f, int head, int64_t ra, int64_t rb, const double *lse);

/* ---- fused_cells.c --------------------------------------------------------------------------- */

#define LOG2_E 1.44269504088896340736
/* Scores of a block in powers of two, soft-capped. */
void tiles_fused_scores(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, float unit,
                        float *out, size_t pitch);
/* 2^(score + shift) of a block; sums: NULL, or as in KernelBlock. */
void tiles_fused_powers(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, const float *shift,
                        float *out, size_t pitch, float *sums);
/* Cells of a block before factors, KERNEL_KEYS apart: 2^(score + shift), or scores. */
void tiles_fused_cells(const Fused *f, const uint32_t *queries, const uint32_t *panel, int rows, const float *shift,
                       float *out);
/* Puts `value` where a query does not see a key. */
void tiles_fused_mask(const Fused *f, int64_t q, int rows, int64_t k, float *cells, size_t pitch, float value);
/* What a head's cells are multiplied by before they are combined. */
float tiles_fused_weight(const Fused *f, int head);

/* ---- fused_rows.c ---------------------------------------------------------------------------- */

/* shift and factor of queries qa..qb-1 of a head whose packed rows are at `queries`: weight = 2^(score + shift) *
 * factor, scores in powers of two. Row log-sum-exps that nobody knows yet are computed and kept. */
Status tiles_fused_normalise(const Fused *f, int head, int64_t qa, int64_t qb, const uint32_t *queries, float *shift,
                             float *factor, Error *err);
/* Sums of exponentials of some rows: f32 for a while, f64 then. Zero-initialise. */
typedef struct RowTotals {
    float lanes[KERNEL_ROWS * KERNEL_SUM_LANES];
    double total[KERNEL_ROWS];
    int panels; /* in the lanes */
} RowTotals;
/* The panel (its first key) whose scores bound the exponents of rows from q on: the last that row q sees; -1: none. */
int64_t tiles_fused_bound_panel(const Fused *f, int64_t q);
/* Some packed rows (at most KERNEL_ROWS), from row q on, and the panel from key k on. */
typedef struct FusedBlock {
    const uint32_t *queries, *panel;
    int64_t q, k;
    int rows;
} FusedBlock;
/* Shifts of the rows from that panel, through KERNEL_ROWS rows of `cells`. False where a row sees nothing of it, or
 * nothing finite. */
bool tiles_fused_bound(const Fused *f, const FusedBlock *block, float *cells, size_t pitch, float *shift);
/* Exponentials of the block to `cells`, what is hidden as 0, and their sums to `totals`. */
void tiles_fused_exponentials(const Fused *f, const FusedBlock *block, const float *shift, float *cells, size_t pitch,
                              RowTotals *totals);
void tiles_fused_total(RowTotals *totals); /* all of it to total[] */
/* Is that a sum of exponentials none of which went beyond what they can be? Kernels without an instruction that scales by
 * powers of two stop at EXP2_HIGHEST. */
bool tiles_fused_holds(double total);
/* The same from log-sum-exps. */
void tiles_fused_split(double lse, float *shift, float *factor);

/* ---- fused_strips.c -------------------------------------------------------------------------- */

/* Keys that a strip may have, at most. */
int64_t tiles_fused_strip_keys(const Fused *f);
/* Pools the rows qa..qb-1 of a single head, and keeps their normalisers. *done: how many; the first that is not needs
 * its normaliser first. */
Status tiles_fused_strips(const Fused *f, int64_t qa, int64_t qb, const uint32_t *queries, int64_t *done, Error *err);

/* ---- fused_variant.c ------------------------------------------------------------------------- */

/* Lays out the column factors of the request's variant. */
Status tiles_fused_begin_variant(Fused *f, Error *err);
/* Multiplies the cells of panel k, KERNEL_KEYS apart, by them; what is hidden becomes 0. Without a variant nothing. */
void tiles_fused_weigh(const Fused *f, int head, int64_t k, float *cells, int rows);
/* Multiplies `factor`, one for each of queries qa..qb-1 (at most BAND_ROWS), by the row factors. */
Status tiles_fused_scale_rows(const Fused *f, int head, int64_t qa, int64_t qb, float *factor, Error *err);
/* Masks the texels of texel row y (`row` of the group) that see hidden keys only. */
void tiles_fused_hide(const Fused *f, int64_t y, int64_t row);

/* ---- fused_device.c -------------------------------------------------------------------------- */

/* tiles_fused_pool on the device. False: it cannot do this, or has failed; nothing was written that the processor does
 * not write again. */
bool tiles_fused_on_device(const Fused *f, int64_t texel_rows, float *rg, Status *status, Error *err);

/* ---- fused_fold.c ---------------------------------------------------------------------------- */

/* Columns of rows of one texel row and one panel that have not reached the texels yet. */
enum { FOLD_ROWS = 4 * KERNEL_ROWS };
typedef struct FoldRun {
    int64_t q, k;
    int64_t row, row_end; /* texel row, and the first query row beyond it */
    int rows;             /* 0: none */
    KernelColumns columns;
} FoldRun;
/* Adds factor[row] * cells to the texels they fall into, some of it with the next call or the end. Masked cells are
 * zeros. */
void tiles_fused_fold(const Fused *f, FoldRun *run, const float *cells, size_t pitch, int64_t q, int rows, int64_t k,
                      const float *factor);
void tiles_fused_fold_end(const Fused *f, FoldRun *run);
/* The same from sums and maxima of KERNEL_SQUEEZE keys each, KERNEL_KEYS of them from key k on, which is a multiple of
 * their keys. */
void tiles_fused_fold_squeezed(const Fused *f, const float *sums, const float *largest, size_t pitch, int64_t q,
                               int rows, int64_t k, const float *factor);

#endif
