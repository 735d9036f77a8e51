/* capture, inside: what its .c files share. Nobody outside this folder includes this.
 *
 *   bytes.c        ByteSource
 *   dtype.c        names, sizes and conversion of stored numbers
 *   npy.c npz.c safetensors.c torch.c json.c hdf5.c       a file -> Container (named arrays + metadata)
 *   json_stream.c                   bytes -> events of JSON, bounded; json_forms.c: what arrays in JSON mean
 *   strip_read.c strip_build.c strip.c   the answers of APIs -> tokens with probabilities; explain.c: scores of spans
 *   zip.c pickle.c                  what .npz and .pt are made of
 *   inputs.c       folders, patterns and indexes -> files
 *   container.c    opens a file by what its first bytes say
 *   names.c        array name -> role, set, layer
 *   assemble.c     containers -> sets and layers; sample.c looks at some rows to tell weights, causality, padding
 *   tokens.c token_text.c           token lists and how they are shown
 *   values.c       norms of value vectors
 *   plane.c        strided reads; dense.c and factored.c: rows; lse.c: row log-sum-exp cache; rows.c: the seam */
#ifndef ATTNSCOPE_CAPTURE_INTERNAL_H
#define ATTNSCOPE_CAPTURE_INTERNAL_H

#include "capture/capture.h"

#include <math.h>
#include <string.h>

/* Attention has at most five axes (layer, batch, head, query, key); more are kept for messages only. */
#define CAPTURE_MAX_DIMS 8
/* Real models stay far below; above, a header is wrong or hostile. */
#define CAPTURE_MAX_SETS 256
#define CAPTURE_MAX_LAYERS 10000
#define CAPTURE_MAX_HEADS 10000
#define CAPTURE_MAX_ITEMS 1000000
#define CAPTURE_MAX_HEAD_DIM 65536
/* Scores at or below this are a mask (the f16 and bf16 conventions for minus infinity lie here). */
#define CAPTURE_MASK_SCORE (-6e4f)

/* ---- bytes.c --------------------------------------------------------------------------------- */

/* Takes `file` over, also on failure. */
Status capture_bytes_own_file(File *file, const char *name, ByteSource **out, Error *err);
/* Takes `memory` (mem_alloc'ed) over, also on failure. */
Status capture_bytes_own_memory(void *memory, size_t size, const char *name, ByteSource **out, Error *err);
/* Copies standard input into a temporary file. */
Status capture_bytes_open_stdin(ByteSource **out, Error *err);

/* ---- container.c ----------------------------------------------------------------------------- */

/* Some rows of a pattern that lie elsewhere than the rest: the steps of generate(). Strides are in elements. */
typedef struct PlanePiece {
    ByteSource *source; /* borrowed */
    uint64_t offset;
    int64_t row0, row1;       /* of the pattern */
    int64_t column0, column1; /* the others are not captured */
    int64_t item_stride, head_stride, row_stride, column_stride;
} PlanePiece;

/* A named array in a file. Strides are in elements. */
typedef struct Tensor {
    const char *name; /* "" for a bare .npy */
    DType dtype;
    char dtype_text[24]; /* as the file says it, for messages */
    int item_size;       /* bytes an element; DTYPE_UNICODE: 4 x characters, or 1 x with narrow */
    bool narrow;         /* DTYPE_UNICODE of single bytes (NumPy's S) */
    bool big_endian;
    int ndim; /* where it exceeds CAPTURE_MAX_DIMS, the last kept dimension is the product of the rest */
    int64_t shape[CAPTURE_MAX_DIMS];
    int64_t stride[CAPTURE_MAX_DIMS];
    int64_t count;            /* elements */
    ByteSource *source;       /* borrowed from the container; NULL: a deflated member not inflated yet */
    uint64_t offset;          /* of the first element in source */
    int64_t member;           /* index of the zip member or HDF5 dataset, else -1 */
    const PlanePiece *pieces; /* [item, head, query, key] in pieces, rows ascending; source, offset, stride unused */
    size_t piece_count;
    int64_t prompt_rows; /* rows of step 0, where each of step_count - 1 steps after it added one; else 0 */
    int step_count;
    const char *set;        /* the set it belongs to, where the file says so; else NULL */
    bool block;             /* of a larger pattern: rows need not sum to 1 */
    bool axes_known;        /* the format says what they are, which needs no note */
    bool bare;              /* the only array of its file, without a name in it */
    bool file_named;        /* the name is the file's: what stands before the layer number means nothing */
    struct Container *home; /* of a container that was absorbed; else NULL */
    const int *layer_numbers, *head_numbers; /* along those axes, ascending; NULL: 0, 1, 2 ... */
} Tensor;

typedef struct Metadata {
    const char *key, *value;
    size_t value_length;
    const char *set; /* tokens of one set only; else NULL */
} Metadata;

#define CAPTURE_CONTAINER_NOTES 4
typedef struct Container {
    const char *path; /* as given; borrowed */
    const char *name; /* base name */
    ByteSource *source;
    Arena arena;
    Tensor *tensors;
    size_t tensor_count, tensor_capacity;
    Metadata *metadata;
    size_t metadata_count, metadata_capacity;
    ByteSource **owned; /* besides `source`: inflated members and the like */
    size_t owned_count, owned_capacity;
    const struct Format *format; /* NULL: an index of shards, or an error before any was asked */
    void *reader;                /* the format's: an archive's directory and the like; NULL once the capture is open */
    const char *notes[CAPTURE_CONTAINER_NOTES]; /* how the file was read; NULL after the last */
    struct Container *parts;                    /* absorbed; their tensors and metadata are here too */
    size_t part_count;
    StripInfo *strips; /* in the arena */
    int strip_count;
    void *strip_memory[2]; /* what they point into */
    bool optional;         /* one of a folder's files: left out when it holds no attention */
    bool bare;             /* one array without a name (.npy) */
    uint64_t trailing;     /* bytes after the array of a bare .npy */
} Container;

/* Reads directory and headers, no data (JSON is read whole). Takes `source` over, also on failure. */
Status capture_container_open(ByteSource *source, const char *path, const Progress *progress, Container *out,
                              Error *err);
/* Adds the tensors and metadata of one of container->parts. False when memory ran out. */
bool capture_container_absorb(Container *container, Container *part);
/* Base name of the file that the tensor is in. */
const char *capture_tensor_file(const Container *container, const Tensor *tensor);
/* Makes tensor->source valid (inflates a deflated member). */
Status capture_container_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err);
/* What container->reader holds. */
void capture_container_close_reader(Container *container);
/* Lets go of what only opening needs. */
void capture_container_settle(Container *container);
void capture_container_close(Container *container);
Tensor *capture_container_add(Container *container); /* zeroed; NULL on failure */
bool capture_container_add_metadata(Container *container, const char *key, const char *value, size_t length);
/* A sentence for the capture's notes; more than there is room for are dropped. False when memory ran out. */
bool capture_container_note(Container *container, const char *format, ...) BASE_PRINTF(2, 3);
const Metadata *capture_container_metadata(const Container *container, const char *key); /* NULL when absent */
/* Row-major strides (or column-major); sizes of zero give strides of zero. False on overflow of the element count. */
bool capture_tensor_strides(Tensor *tensor, bool column_major);
/* "(6, 6, 188, 188)" */
void capture_tensor_shape_text(const Tensor *tensor, char *out, size_t out_size);
/* "array 'NAME'" or "the array". */
void capture_tensor_label(const Tensor *tensor, char *out, size_t out_size);

/* Upper bound of the values in JSON text, without parsing it: a tree takes some thirty times the room of the text. */
size_t capture_json_values(const char *text, size_t length);

/* How a file begins. */
typedef struct FormatHead {
    const uint8_t *bytes;
    size_t size; /* > 0, and less than FORMAT_HEAD_SIZE only where the file is no longer */
    const char *name;
} FormatHead;
#define FORMAT_HEAD_SIZE 64

/* A kind of file. The row stands at the end of the file that reads it, and in the table of formats.c. */
typedef struct Format {
    const char *name;
    /* May a file that begins so be one? Those asked later are not asked then. */
    bool (*looks_like)(const FormatHead *head);
    /* Optional, where beginnings do not tell formats apart. *mine false: others are asked, which find container->reader
     * as this leaves it where they close it alike. */
    Status (*look_inside)(Container *container, bool *mine, Error *err);
    /* Directory and headers to tensors and metadata, no data (text is read whole). */
    Status (*open)(Container *container, const Progress *progress, Error *err);
    /* Makes tensor->source valid; optional, where open does so for all. */
    Status (*materialise)(Container *container, Tensor *tensor, const Progress *progress, Error *err);
    void (*close)(void *reader); /* container->reader, which may be NULL; optional */
    bool archive;                /* of several arrays, which cannot be the shard of an index */
} Format;
extern const Format NPY_FORMAT, NPZ_FORMAT, SAFETENSORS_FORMAT, TORCH_FORMAT, JSON_FORMAT, HDF5_FORMAT;

/* NumPy caps the dict at 10,000 characters too. */
#define CAPTURE_NPY_HEADER_MAX 10000
#define CAPTURE_NPY_PREFIX (12 + CAPTURE_NPY_HEADER_MAX)
/* Fills dtype, shape, strides, count from the first `size` bytes of an .npy; *data_start is where its data begin.
 * `total` is the size of the whole .npy, which must hold the data. Offsets in *err are relative to the .npy. */
Status capture_npy_header(const uint8_t *prefix, size_t size, uint64_t total, Tensor *tensor, uint64_t *data_start,
                          Error *err);

/* ---- inputs.c -------------------------------------------------------------------------------- */

typedef struct InputFile {
    char *path;
    bool optional; /* of a folder or a pattern: not named by itself */
} InputFile;

typedef struct Inputs {
    InputFile *files;
    size_t count, capacity;
} Inputs;

/* Folders and patterns -> files. *out is released by capture_inputs_free in any case. */
Status capture_inputs_expand(const char *const *paths, size_t count, Inputs *out, Error *err);
void capture_inputs_free(Inputs *inputs);
/* An index of shards by its name? All shards in one container, which borrows `path`. */
bool capture_index_is(const char *path);
Status capture_index_open(const char *path, const Progress *progress, Container *out, Error *err);

/* ---- vllm.c: gives the queries and keys of vLLM's hooks their head axis ---------------------- */

Status capture_vllm_prepare(Capture *capture, Error *err);

/* ---- zip.c ----------------------------------------------------------------------------------- */

typedef struct ZipMember {
    const char *name; /* UTF-8, no control characters */
    uint64_t data;    /* where its bytes begin in the file */
    uint64_t size;    /* bytes, inflated */
    bool stored;
    uint64_t start, end;   /* bytes of the file it occupies, local header included */
    uint64_t directory[2]; /* minizip's position */
} ZipMember;

/* Does a file begin as an archive does? */
bool capture_zip_looks_like(const FormatHead *head);
/* Reads and checks the directory into container->reader, once. Members of folders are left out. */
Status capture_zip_open(Container *container, Error *err);
void capture_zip_close(void *reader); /* NULL is allowed */
/* container->reader is an archive's in all that follows. */
size_t capture_zip_count(const Container *container);
const ZipMember *capture_zip_member(const Container *container, size_t index);
/* The first `size` bytes of a member, which has as many; a checksum is not looked at. */
Status capture_zip_prefix(const Container *container, const ZipMember *member, void *out, size_t size, Error *err);
/* Format.materialise of a member that is deflated. */
Status capture_zip_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err);
/* "the zip entry 'NAME' WHAT", STATUS_FORMAT. */
Status capture_zip_fail(const Container *container, const char *name, const char *what, Error *err);

/* ---- dtype.c --------------------------------------------------------------------------------- */

int capture_dtype_size(DType dtype); /* bytes; 0 where it varies */
bool capture_dtype_is_float(DType dtype);
/* `count` packed elements -> f32. `raw` is aligned for the type and is byte-swapped in place when big_endian. */
void capture_dtype_to_f32(DType dtype, bool big_endian, void *raw, float *out, size_t count);
double capture_dtype_to_f64(DType dtype, bool big_endian, const void *raw);  /* one element, any alignment */
int64_t capture_dtype_to_i64(DType dtype, bool big_endian, const void *raw); /* integers; any alignment */

/* ---- names.c --------------------------------------------------------------------------------- */

typedef enum Role {
    ROLE_NONE,
    ROLE_PATTERN,
    ROLE_SCORES,
    ROLE_Q,
    ROLE_K,
    ROLE_ROT_Q,
    ROLE_ROT_K,
    ROLE_LSE,
    ROLE_V,
    ROLE_TOKENS, /* both axes */
    ROLE_Q_TOKENS,
    ROLE_K_TOKENS,
    ROLE_MODEL_WEIGHT, /* ends in .weight or .bias: a checkpoint, not a capture */
} Role;

typedef enum SetHint { HINT_NONE, HINT_ENCODER, HINT_DECODER, HINT_CROSS } SetHint;

typedef struct NameMeaning {
    Role role;
    SetHint hint;
    int layer;          /* -1: no number in the name */
    bool sure;          /* the number stands alone or after a word like "layer": it is no part of a name */
    size_t prefix;      /* characters before the layer number: tells towers of a model apart */
    bool explicit_name; /* a hook or a name that says attention; false: a plain numbered array */
} NameMeaning;

NameMeaning capture_name_meaning(const char *name);
/* encoder, decoder or cross as a word of a file's name. */
SetHint capture_name_file_hint(const char *file_name);
/* N of "layerN" in a file's name, -1 when absent. */
int capture_name_file_layer(const char *file_name);

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

/* Rows r0..r1-1, columns c0..c1-1 of (item, head) as f32, row-major; row r starts at out + (r - r0) * pitch. */
Status capture_plane_read(const Plane *plane, int64_t item, int64_t head, int64_t r0, int64_t r1, int64_t c0,
                          int64_t c1, float *out, size_t pitch, SourceScratch *scratch, const CancelFlag *cancel,
                          Error *err);
/* One element in f64. */
Status capture_plane_read_one(const Plane *plane, int64_t item, int64_t head, int64_t row, int64_t column, double *out,
                              Error *err);

/* Along an axis of the tensor, 0 for axis -1. */
int64_t capture_tensor_stride(const Tensor *tensor, int axis);
/* Where a tensor lies, without strides; and with them, of vectors [batch?, position, head, d]. */
Plane capture_plane_of_tensor(const Container *container, const Tensor *tensor);
Plane capture_plane_of_vectors(const Container *container, const Tensor *tensor);
/* The plane that a piece is. */
Plane capture_plane_of_piece(const Plane *plane, const PlanePiece *piece);
/* stored.c: rows r0..r1-1, columns 0..columns-1 as they are stored, little-endian; rows `pitch` bytes apart. */
Status capture_plane_read_stored(const Plane *plane, int64_t item, int64_t head, int64_t r0, int64_t r1,
                                 int64_t columns, uint8_t *out, size_t pitch, SourceScratch *scratch, Error *err);

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

/* ---- rows ------------------------------------------------------------------------------------ */

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

/* How tokens of a list are written. */
typedef enum TokenEncoding { TOKENS_AS_IS, TOKENS_BYTE_LEVEL, TOKENS_WORDPIECE } TokenEncoding;
TokenEncoding capture_token_encoding(const char *const *raw, const size_t *lengths, int64_t count);
/* Fills *out from `length` bytes as the file has them. False when memory ran out. */
bool capture_token_make(Arena *arena, const char *bytes, size_t length, TokenEncoding encoding, Token *out);

#endif
