/* capture, inside: what its .c files share. Nobody outside this folder includes this.
 *
 *   open.c         files -> containers -> sets; inputs.c: folders, patterns and indexes -> files
 *   collect.c      containers -> parts: which arrays are the attention of which layer
 *   assemble.c     parts -> sets and layers; sample.c looks at some rows to tell weights, causality, padding
 *   tokens.c       token lists; strip.c: strips; vllm.c, check.c: what two sources need besides
 *   values.c       norms of value vectors
 *   plane.c        strided reads; stored.c: without conversion; heads.c: with neighbours
 *   source.c       the seam: dense.c or factored.c; rows.c: softmax over scores; lse.c: row log-sum-exp cache
 *   operands.c     Q, K and normalisers for those who multiply themselves
 *   scan.c convert.c write.c        what `info` counts; any capture as safetensors
 *   note.c         sentences about how a capture was read */
#ifndef ATTNSCOPE_CAPTURE_INTERNAL_H
#define ATTNSCOPE_CAPTURE_INTERNAL_H

#include "capture/capture.h"
#include "formats/formats.h"

/* Real models stay far below; above, a header is wrong or hostile. */
#define CAPTURE_MAX_SETS 256
#define CAPTURE_MAX_LAYERS 10000
#define CAPTURE_MAX_HEADS 10000
#define CAPTURE_MAX_ITEMS 1000000
#define CAPTURE_MAX_HEAD_DIM 65536
/* Scores at or below this are a mask (the f16 and bf16 conventions for minus infinity lie here). */
#define CAPTURE_MASK_SCORE (-6e4f)

/* ---- inputs.c -------------------------------------------------------------------------------- */

typedef struct InputFile {
    char *path;
    bool optional; /* of a folder or a pattern: not named by itself */
} InputFile;

typedef struct Inputs {
    InputFile *files;
    size_t count, capacity;
} Inputs;

/* params->paths, folders and patterns -> files. *out is released by capture_inputs_free in any case. */
Status capture_inputs_expand(const CaptureOpenParams *params, Inputs *out, Error *err);
void capture_inputs_free(Inputs *inputs);
/* An index of shards by its name? All shards in one container, which borrows `path`. */
bool capture_index_is(const char *path);
Status capture_index_open(const char *path, const CaptureOpenParams *params, Container *out, Error *err);

/* ---- vllm.c: gives the queries and keys of vLLM's hooks their head axis ---------------------- */

Status capture_vllm_prepare(Capture *capture, Error *err);

/* ---- plane.c --------------------------------------------------------------------------------- */

/* Where the numbers of one kind of a layer lie. Strides in elements. */
typedef struct Plane {
    ByteSource *source; /* NULL: absent */
    const char *file;
    uint64_t offset;
    DType dtype;
    bool big_endian;
    int item_size;
    int64_t item_stride, head_stride, row_stride, column_stride;
    const PlanePiece *pieces; /* instead of one place; cells outside all of them are `fill` */
    size_t piece_count;
    float fill;
} Plane;

/* Rows r0..r1-1, columns c0..c1-1 of (item, head). */
typedef struct PlaneRect {
    int64_t item, head, r0, r1, c0, c1;
} PlaneRect;
/* As f32, row-major; row r starts at out + (r - r0) * pitch. */
Status capture_plane_read(const Plane *plane, const PlaneRect *rect, float *out, size_t pitch, SourceScratch *scratch,
                          const CancelFlag *cancel, Error *err);
/* One element in f64. */
Status capture_plane_read_one(const Plane *plane, int64_t item, int64_t head, int64_t row, int64_t column, double *out,
                              Error *err);

/* Along an axis of the tensor, 0 for axis -1. */
int64_t capture_axis_stride(const Tensor *tensor, int axis);
/* Where a tensor lies, without strides; and with them, of vectors [batch?, position, head, d]. */
Plane capture_plane_of_tensor(const Container *container, const Tensor *tensor);
Plane capture_plane_of_vectors(const Container *container, const Tensor *tensor);
/* The plane that a piece is. */
Plane capture_plane_of_piece(const Plane *plane, const PlanePiece *piece);
/* stored.c: the same as it is stored, little-endian; rows `pitch` bytes apart. */
Status capture_plane_read_stored(const Plane *plane, const PlaneRect *rect, uint8_t *out, size_t pitch,
                                 SourceScratch *scratch, Error *err);

/* heads.c: rows of one head of Q or K as f32, read with those of its neighbours where these will be asked for soon. */
typedef struct HeadRequest {
    uint64_t serial; /* of the capture */
    PatternRef ref;
    Axis axis;
    int64_t head, head_count; /* of this plane */
    int64_t rows, dim;        /* of one head of it */
} HeadRequest;
typedef struct HeadRows HeadRows;
Status capture_heads_read(const Plane *plane, const HeadRequest *request, int64_t r0, int64_t r1, float *out,
                          SourceScratch *scratch, const CancelFlag *cancel, Error *err);
void capture_heads_drop(HeadRows *heads); /* NULL is allowed */

/* Growing buffers; one a purpose, so that steady work allocates nothing. */
typedef struct ScratchBuffer {
    void *data;
    size_t size;
} ScratchBuffer;
/* NULL on failure. Contents are not kept. */
void *capture_scratch_buffer(ScratchBuffer *buffer, size_t count, size_t item_size);

struct SourceScratch {
    ScratchBuffer bytes;  /* raw bytes read */
    ScratchBuffer q, k;   /* f32 query rows; f32 key rows */
    ScratchBuffer scores; /* rows x key block */
    ScratchBuffer spare;  /* exponentials of one row */
    ScratchBuffer column; /* plane.c: one column */
    HeadRows *heads;      /* heads.c: NULL until it is needed */
    int threads;          /* that have a scratch; 0: one */
    struct {              /* which key rows `k` holds */
        uint64_t serial;
        int set, layer;
        int64_t item, head, k0, k1;
    } held;
};

/* ---- lse.c ----------------------------------------------------------------------------------- */

/* Log-sum-exp of rows, one table a layer; filled as rows are looked at, from any thread. */
typedef struct LseTable LseTable;
#define CAPTURE_LSE_CACHE_BYTES ((size_t)256 << 20) /* a capture; beyond, rows are recomputed each time */
typedef struct LseBudget {
    atomic_size_t used;
} LseBudget;
LseTable *capture_lse_new(int64_t patterns, int64_t rows, LseBudget *budget); /* NULL on failure */
void capture_lse_drop(LseTable *table);
bool capture_lse_get(LseTable *table, int64_t pattern, int64_t row, double *out);
void capture_lse_put(LseTable *table, int64_t pattern, int64_t row, double value); /* best effort */

/* Running log-sum-exp of one row. Start from {-INFINITY, 0, false}. */
typedef struct LseRun {
    float max;
    double sum; /* of exp(score - max) */
    bool nan;
} LseRun;
#define LSE_RUN_EMPTY ((LseRun){-INFINITY, 0.0, false})
/* Adds scores; CELL_MASKED does not count, NaN poisons. `spare` holds CAPTURE_LSE_SPARE floats. */
#define CAPTURE_LSE_SPARE 1024
void capture_lse_add(LseRun *run, const float *scores, size_t count, float *spare);
double capture_lse_result(const LseRun *run); /* -INFINITY: nothing visible; NAN: poisoned */
/* Scores -> weights in place: exp(score - lse). Masked cells stay masked. */
void capture_lse_apply(float *cells, size_t count, double lse);

/* ---- source.c, rows.c, dense.c, factored.c --------------------------------------------------- */

typedef struct LayerData {
    Plane dense;      /* weights or scores */
    Plane q, k;       /* factored */
    Plane stored_lse; /* optional; rows only */
    Plane v;          /* optional: value vectors */
    int value_heads;  /* of v, */
    int64_t value_dim;
    double scale;        /* factored */
    LseTable *lse;       /* scores and factored sets */
    int64_t prompt_rows; /* as of Tensor */
    int step_count;
} LayerData;

typedef struct SetData {
    LayerData *layers; /* beside SetInfo.layers */
    bool
        causal_mask; /* cells above the diagonal are masked whatever is stored (factored; scores whose file says causal) */
    double softcap; /* 0: none */
    bool unrotated; /* factored: hook_q and hook_k, not hook_rot_q and hook_rot_k */
    int64_t window; /* 0: none; else keys k with q + off - k < window (causal), |q + off - k| <= window / 2 */
} SetData;

typedef struct TokenSource TokenSource;

typedef struct Note {
    const char *text;
    bool warning;
} Note;

struct Capture {
    uint64_t serial;
    Arena arena;
    Container *containers;
    size_t container_count;
    const char *name, *path, *model;
    const char *head_list; /* metadata attn.head_numbers, or NULL */
    SetInfo *sets;
    SetData *data;
    int set_count;
    const StripInfo **strips; /* of all containers */
    int strip_count;
    Note *notes;
    size_t note_count, note_capacity;
    const TokenSource **tokens; /* [set * 2 + axis], NULL where positions are shown */
    LseBudget lse_budget;
};

/* A call of capture_source_rows after its checks. */
typedef struct RowsRequest {
    const Capture *capture;
    const SetInfo *set;
    const LayerInfo *layer;
    const SetData *set_data;
    LayerData *data;
    PatternRef ref;
    Values values;
    int64_t q0, q1, k0, k1;
    float *out;
    size_t pitch; /* floats from row to row of out */
    SourceScratch *scratch;
    const CancelFlag *cancel;
} RowsRequest;

/* Scores of rows q0..q1-1 (at most CAPTURE_ROW_STRIP), keys k0..k1-1; CELL_MASKED and NAN as in capture.h. */
#define CAPTURE_ROW_STRIP 64
#define CAPTURE_KEY_BLOCK 1024
typedef Status (*ScoreBlock)(const RowsRequest *request, int64_t q0, int64_t q1, int64_t k0, int64_t k1, float *out,
                             size_t pitch, Error *err);
/* Scores, or their softmax, of the whole request by way of `score`. */
Status capture_score_rows(const RowsRequest *request, ScoreBlock score, Error *err);
/* Exact row log-sum-exps of at most CAPTURE_ROW_STRIP rows, from all their keys (no cache, no stored values). */
Status capture_stream_lse(const RowsRequest *request, ScoreBlock score, int64_t q0, int64_t q1, double *lse,
                          Error *err);
/* Keys [*lo, *hi) that query q may see; the others are masked whatever is stored. */
void capture_visible_keys(const RowsRequest *request, int64_t query, int64_t *lo, int64_t *hi);

/* CELL_MASKED into rows x columns cells, rows `pitch` floats apart. */
void capture_fill_masked(float *cells, int64_t rows, int64_t columns, size_t pitch);

Status capture_dense_rows(const RowsRequest *request, Error *err);
Status capture_factored_score(const RowsRequest *request, int64_t q0, int64_t q1, int64_t k0, int64_t k1, float *out,
                              size_t pitch, Error *err);
/* The cell (q0, k0) in f64: CELL_MASKED, NAN or a number. */
Status capture_dense_probe(const RowsRequest *request, double *value, Error *err);
Status capture_factored_probe(const RowsRequest *request, double *value, Error *err);

/* ---- note.c ---------------------------------------------------------------------------------- */

/* False when memory ran out. */
bool capture_add_note(Capture *capture, bool warning, const char *format, ...) BASE_PRINTF(3, 4);

/* ---- collect.c ------------------------------------------------------------------------------- */

/* In order of preference where a file has several for the same layers. */
typedef enum Form { FORM_PATTERN, FORM_SCORES, FORM_ROTATED, FORM_QK, FORM_COUNT } Form;

enum { PART_ITEM, PART_HEAD, PART_QUERY, PART_KEY, PART_AXES };

/* The attention of one layer in one form. */
typedef struct Part {
    Form form;
    SetHint hint;
    const char *prefix; /* of the array's name, before the layer number */
    const char *set;    /* of the tensor; "" where the file does not say */
    size_t set_rank;    /* orders the sets as the file does */
    int layer;
    Container *container;
    size_t tensor;          /* index in container: dense, or Q */
    size_t k_tensor;        /* factored */
    size_t lse_tensor;      /* factored; SIZE_MAX: none */
    size_t v_tensor;        /* value vectors; SIZE_MAX: none */
    int axes[PART_AXES];    /* dense: which dimension of the tensor, -1: absent */
    int64_t element_offset; /* dense: of this layer within the tensor */
} Part;

typedef struct Parts {
    Part *items;
    size_t count, capacity;
} Parts;

/* Finds the attention in all containers. No attention: an error that says why. Releases nothing on failure. */
Status capture_collect(Capture *capture, const char *axes, Parts *parts, Error *err);

/* ---- assemble.c, sample.c, tokens.c ---------------------------------------------------------- */

Status capture_assemble(Capture *capture, const CaptureOpenParams *params, Error *err);
/* Kind, causality, padding and row sums of set `index` from some of its rows; see SetInfo. */
typedef struct SampleHints {
    bool kind_known, causal_known; /* the file says so: not detected */
    bool scores_by_name;
    const char *block; /* name of a set whose rows need not sum to 1, else NULL */
} SampleHints;
Status capture_sample_set(Capture *capture, int index, const SampleHints *hints, const Progress *progress, Error *err);
/* values.c: takes the value vectors of a part where they fit its pattern; else says so. */
void capture_fill_values(Capture *capture, const Part *part, LayerInfo *info, LayerData *data);
Status capture_tokens_load(Capture *capture, const CaptureOpenParams *params, Error *err);

/* ---- strip.c: the strips of all containers. True when there is nothing else. --------------------- */

Status capture_strips_gather(Capture *capture, Error *err);
bool capture_strips_only(const Capture *capture);

/* ---- check.c: warns where a model rotates Q and K, and what is stored is not rotated. The model's name is known. */
Status capture_check_rotation(Capture *capture, Error *err);

#endif
