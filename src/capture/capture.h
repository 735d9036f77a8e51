/* capture: files -> Capture. Reads .npy, .npz, .safetensors, .pt, HDF5, the JSON of some tools, and folders of such
 * files, finds attention in them by name, and gives any rectangle of any pattern as f32, whether the weights are
 * stored (dense) or Q and K are (factored). The answers of APIs that give no attention are read as strips: tokens with
 * their probabilities. No threads of its own, no GL.
 *
 * A Capture is immutable once open: all functions that take `const Capture *` or a SourceScratch of their own may be
 * called from several threads at once.
 *
 * Indices and numbers: a PatternRef holds *indices* into the arrays below; LayerInfo.number and head_numbers[] hold
 * the numbers *as in the model*, which is what people see and type. */
#ifndef ATTNSCOPE_CAPTURE_H
#define ATTNSCOPE_CAPTURE_H

#include "formats/types.h"

#include <math.h>

typedef struct Capture Capture;

/* ---- vocabulary ------------------------------------------------------------------------------ */

typedef enum SetKind {
    SET_WEIGHTS,     /* softmax outputs, 0..1, a row sums to 1 */
    SET_SCORES,      /* before softmax; weights are computed from them */
    SET_ATTRIBUTION, /* signed */
} SetKind;
const char *capture_kind_name(SetKind kind); /* "weights", "scores", "attribution" */

typedef enum Axis { AXIS_QUERY, AXIS_KEY } Axis;

/* What is asked of a pattern. SCORES of a set that stores weights is STATUS_UNSUPPORTED. */
typedef enum Values { VALUES_WEIGHTS, VALUES_SCORES } Values;

/* Cells in the output of capture_source_rows:
 *   a finite number  the weight or score
 *   -INFINITY        masked (causal, window, padded key) or not captured; scores <= -6e4 count as masked too
 *   NAN              the file holds NaN or +Inf there (or -Inf in weights; in attributions that is: not captured) */
#define CELL_MASKED (-INFINITY)

typedef struct TokenList {
    int64_t count;
    const Token *tokens;
} TokenList;

typedef struct LayerInfo {
    int number; /* as in the model */
    int head_count;
    const int *head_numbers; /* [head_count], as in the model, ascending */
    int kv_heads;            /* == head_count unless grouped-query attention */
    int head_dim;            /* factored only, else 0 */
    int64_t queries, keys;   /* size of every pattern of this layer */
    int64_t visible_keys;    /* < keys when trailing keys are padding */
    DType dtype;             /* of the stored numbers */
    int item_count;          /* batch items */
    int value_heads;         /* heads of the value vectors that are stored; 0: none */
} LayerInfo;

/* The key head that a head's queries meet. */
static inline int capture_key_head(const LayerInfo *layer, int head) {
    return head / (layer->head_count / layer->kv_heads);
}

typedef struct SetInfo {
    const char *name; /* "encoder", "decoder", "cross" or as the file says */
    SetKind kind;
    bool factored;
    bool causal;        /* key k is visible to query q iff k <= q + (keys - queries) */
    bool signed_values; /* weights of this set may be negative (attribution) */
    bool above_one;     /* some sampled weight is above 1: not normalised */
    int layer_count;
    const LayerInfo *layers;    /* ascending numbers */
    int item_count, step_count; /* >= 1; steps of generate() */
    int max_heads;
    int64_t max_queries, max_keys;
    double row_sum_min, row_sum_max; /* over sampled rows (64 a pattern); NAN where no row was finite */
    int64_t nonfinite_sampled;       /* NaN or Inf cells among those rows */
    double scale;                    /* factored: the factor of Q K^T */
    bool scale_assumed;              /* not in the file: 1/sqrt(d) was taken */
} SetInfo;

/* ---- open.c, capture.c, note.c --------------------------------------------------------------- */

typedef struct CaptureOpenParams {
    const char *const
        *paths; /* one or more files of one capture; a folder or a pattern (* ? [ ]) stands for its files */
    size_t path_count;
    const void *memory; /* instead of paths: a file's bytes, borrowed until capture_close */
    size_t memory_size;
    const char *memory_name;      /* with the extension that tells the format, e.g. "demo.safetensors" */
    const char *axes;             /* NULL, or letters for an array without layer names: l b h q k, e.g. "lhqk" */
    const Format *const *formats; /* of formats.h; NULL: all that are built in; else a list that ends with NULL */
    Progress progress;
} CaptureOpenParams;

/* *out is released by capture_close. A refused file: STATUS_FORMAT / STATUS_UNSUPPORTED / ... and one sentence. */
Status capture_open(const CaptureOpenParams *params, Capture **out, Error *err);
void capture_close(Capture *capture);

const char *capture_name(const Capture *capture);  /* base name of the (first) file */
const char *capture_path(const Capture *capture);  /* as given */
const char *capture_model(const Capture *capture); /* "" when the file does not say */
int capture_set_count(const Capture *capture);     /* >= 1, or 0 where there are strips */
const SetInfo *capture_set(const Capture *capture, int set);
int capture_set_by_name(const Capture *capture, const char *name); /* -1 when absent */
/* Index of the layer with this model number, -1 when absent. The same for heads of one layer. */
int capture_layer_index(const SetInfo *set, int number);
int capture_head_index(const LayerInfo *layer, int number);
/* Sentences about how the file was read and what is unusual ("rows do not sum to 1 ..."). Warnings come first. */
int capture_note_count(const Capture *capture);
const char *capture_note(const Capture *capture, int note);
bool capture_note_is_warning(const Capture *capture, int note);
/* Tokens along an axis of a set's item; NULL when there are none (positions are shown then). Borrowed. */
const TokenList *capture_tokens(const Capture *capture, int set, int item, Axis axis);

/* ---- strip.c : probabilities of tokens, from APIs that give nothing else --------------------- */

int capture_strip_count(const Capture *capture);
const StripInfo *capture_strip(const Capture *capture, int strip);

/* What the alternatives of one token add up to. */
typedef struct StripFigures {
    int listed;           /* tokens with a known probability: the alternatives, and the token itself */
    double mass;          /* their sum */
    double other;         /* 1 - mass, >= 0: all tokens that are not listed */
    double entropy_least; /* nats: the rest counted as one token, so a lower bound of the entropy */
    double entropy_top;   /* nats, of the listed alone, made to add up to 1; NAN where nothing is listed */
} StripFigures;
StripFigures capture_strip_figures(const StripInfo *strip, int64_t position);
/* exp(-mean log-probability) of tokens [from, to), and of how many; NAN where none is known. */
double capture_strip_perplexity(const StripInfo *strip, int64_t from, int64_t to, int64_t *known);

/* ---- source.c : the one seam through which everything reads weights -------------------------- */

typedef struct PatternRef {
    int set, item;
    int step;        /* 0: the whole pattern; s: as it was after decode step s - 1, with later rows masked */
    int layer, head; /* indices */
} PatternRef;
/* Decode steps as people count them, 0 (the prompt) to step_count - 1 (the whole), and as PatternRef does. */
int capture_step_number(const SetInfo *set, int step);
int capture_step_of_number(const SetInfo *set, int number);

/* Working memory of one thread; reused between calls so that steady work allocates nothing. */
typedef struct SourceScratch SourceScratch;
SourceScratch *capture_scratch_new(void);                        /* NULL on failure */
void capture_scratch_share(SourceScratch *scratch, int threads); /* keeps less where so many threads have one each */
void capture_scratch_drop(SourceScratch *scratch);

/* Size of a pattern; STATUS_RANGE when the reference is outside the capture. */
Status capture_pattern_size(const Capture *capture, PatternRef ref, int64_t *queries, int64_t *keys, Error *err);

/* Rows q0..q1-1, columns k0..k1-1 of a pattern. */
typedef struct Block {
    int64_t q0, q1, k0, k1;
} Block;
/* Writes the block as f32, row-major, (q1-q0) * (k1-k0) values, reading or recomputing them.
 * Any block is exact by itself. `cancel` (may be NULL) is looked at at least every 2 ms: STATUS_CANCELLED. */
Status capture_source_rows(const Capture *capture, PatternRef ref, Values values, Block block, float *out,
                           SourceScratch *scratch, const CancelFlag *cancel, Error *err);

/* One weight or score in f64: factored sets use f32 products with f64 sums. */
typedef struct Probed {
    double value; /* 0 where masked */
    bool masked;
} Probed;
Status capture_probe(const Capture *capture, PatternRef ref, Values values, int64_t query, int64_t key, Probed *out,
                     SourceScratch *scratch, Error *err);

/* ---- operands.c : Q, K and row normalisers, for those who multiply themselves ---------------- */

/* A pattern of a factored set: weight = softmax over visible keys of softcap(scale * q . k). */
typedef struct Factored {
    uint64_t serial; /* tells captures apart, also after one was closed */
    int64_t queries, keys;
    int dim;
    int key_head; /* heads of one key_head share their K */
    double scale;
    double softcap; /* 0: none; else c * tanh(s / c) */
    bool causal;
    int64_t window; /* 0: none */
    bool bf16;      /* all of Q and K is stored as bf16 */
} Factored;
/* STATUS_UNSUPPORTED for dense sets. */
Status capture_factored(const Capture *capture, PatternRef ref, Factored *out, Error *err);
/* Keys [*lo, *hi) that a query may see. Neither end moves to the left from one query to the next. */
void capture_factored_visible(const Factored *factored, int64_t query, int64_t *lo, int64_t *hi);
typedef struct RowSpan {
    int64_t r0, r1;
} RowSpan;
/* Rows r0..r1-1 of Q or K as f32, `dim` floats each. */
Status capture_factored_rows(const Capture *capture, PatternRef ref, Axis axis, RowSpan span, float *out,
                             SourceScratch *scratch, const CancelFlag *cancel, Error *err);
/* Natural log-sum-exp of rows q0..q1-1 as far as computed before or stored in the file; *missing0..*missing1-1 is the
 * hull of the others. NAN: a score of the row is not finite; -INFINITY: it sees nothing. The reference must be valid. */
Status capture_lse_known(const Capture *capture, PatternRef ref, int64_t q0, int64_t q1, double *lse, int64_t *missing0,
                         int64_t *missing1, Error *err);
void capture_lse_keep(const Capture *capture, PatternRef ref, int64_t q0, int64_t q1, const double *lse);

/* ---- values.c : value vectors ---------------------------------------------------------------- */

/* Euclidean norms of the value vectors v_j of keys k0..k1-1, as the head of `ref` sees them (heads may share them).
 * STATUS_UNSUPPORTED where none are stored. NAN: the file holds NaN or Inf there. */
Status capture_value_norms(const Capture *capture, PatternRef ref, int64_t k0, int64_t k1, float *out,
                           SourceScratch *scratch, const CancelFlag *cancel, Error *err);

/* ---- scan.c : what `info` counts (reads everything) ------------------------------------------ */

typedef struct SetScan {
    double row_sum_min, row_sum_max;
    int64_t nonfinite, masked, negative, above_one;
    int64_t operands_nonfinite; /* NaN and Inf in Q and K; -1: the weights are stored */
    bool
        sampled; /* row sums are of some rows of each pattern: Q and K of so many weights, all finite, that the rest is known */
} SetScan;
Status capture_scan_set(const Capture *capture, int set, const Progress *progress, SetScan *out, Error *err);

/* ---- write.c : the zero-config form ---------------------------------------------------------- */

/* Streams a safetensors file: declare all tensors, then write their data in order. Written to a temporary neighbour,
 * renamed by commit, removed by abort. */
typedef struct SafetensorsWriter SafetensorsWriter;
Status capture_writer_open(const char *path, SafetensorsWriter **out, Error *err);
Status capture_writer_metadata(SafetensorsWriter *writer, const char *key, const char *value, Error *err);
Status capture_writer_declare(SafetensorsWriter *writer, const char *name, DType dtype, int ndim, const int64_t *shape,
                              Error *err);
/* Bytes of the declared tensors, in the order of declaration, in any number of pieces. */
Status capture_writer_write(SafetensorsWriter *writer, const void *data, size_t size, Error *err);
Status capture_writer_commit(SafetensorsWriter *writer, Error *err); /* releases the writer in any case */
void capture_writer_abort(SafetensorsWriter *writer);

/* ---- convert.c : any capture in that form ---------------------------------------------------- */

/* Writes all sets to `path` (replaced only when everything is written): numbers in their dtype, tokens, metadata. */
Status capture_convert(const Capture *capture, const char *path, const Progress *progress, Error *err);

#endif
