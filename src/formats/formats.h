/* formats: files -> Container, named arrays with metadata, whatever the format; nothing here knows what attention is but
 * by names and, for answers of APIs, probabilities. Read by capture; types.h has the words that everybody may use. */
#ifndef ATTNSCOPE_FORMATS_H
#define ATTNSCOPE_FORMATS_H

#include "formats/types.h"

#include <math.h>
#include <string.h>

/* ---- bytes.c : where bytes come from --------------------------------------------------------- */

typedef struct ByteSource ByteSource;
/* What a kind of source can do; any thread may call all but `close`, also at once. */
typedef struct ByteSourceOps {
    /* Exactly `size` bytes at `offset`; size > 0, and all of them lie within what `size` says. */
    Status (*read)(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err);
    uint64_t (*size)(const ByteSource *source); /* may grow from call to call */
    bool (*changed)(const ByteSource *source);  /* are these no longer the bytes that were opened? NULL: never */
    void (*close)(ByteSource *source);          /* releases the source itself, too */
} ByteSourceOps;
/* A kind of source is a struct that begins with this. */
struct ByteSource {
    const ByteSourceOps *ops;
    char name[ERROR_FILE_SIZE]; /* in messages */
};
void bytes_init(ByteSource *source, const ByteSourceOps *ops, const char *name);

void bytes_close(ByteSource *source); /* NULL is allowed */
uint64_t bytes_size(const ByteSource *source);
/* Asks the system where it must: a file that was replaced, or written to, has changed; so has one that is gone. */
bool bytes_changed(const ByteSource *source);
/* Exactly `size` bytes at `offset`; thread-safe. */
Status bytes_read(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err);

Status bytes_open_file(const char *path, ByteSource **out, Error *err);
/* Borrows the memory, which must outlive the source; `name` is used in messages. */
Status bytes_open_memory(const void *data, size_t size, const char *name, ByteSource **out, Error *err);
/* Takes `file` over, also on failure. */
Status bytes_own_file(File *file, const char *name, ByteSource **out, Error *err);
/* Takes `memory` (mem_alloc'ed) over, also on failure. */
Status bytes_own_memory(void *memory, size_t size, const char *name, ByteSource **out, Error *err);
/* Copies standard input into a temporary file. */
Status bytes_open_stdin(ByteSource **out, Error *err);

/* ---- dtype.c --------------------------------------------------------------------------------- */

int dtype_size(DType dtype); /* bytes; 0 where it varies */
bool dtype_is_float(DType dtype);
/* `count` packed elements -> f32. `raw` is aligned for the type and is byte-swapped in place when big_endian. */
void dtype_to_f32(DType dtype, bool big_endian, void *raw, float *out, size_t count);
double dtype_to_f64(DType dtype, bool big_endian, const void *raw);  /* one element, any alignment */
int64_t dtype_to_i64(DType dtype, bool big_endian, const void *raw); /* integers; any alignment */

/* ---- container.c ----------------------------------------------------------------------------- */

/* Attention has at most five axes (layer, batch, head, query, key); more are kept for messages only. */
#define TENSOR_MAX_DIMS 8

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
    int ndim; /* where it exceeds TENSOR_MAX_DIMS, the last kept dimension is the product of the rest */
    int64_t shape[TENSOR_MAX_DIMS];
    int64_t stride[TENSOR_MAX_DIMS];
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

#define CONTAINER_NOTES 4
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
    const Format *format; /* NULL: an index of shards, or an error before any was asked */
    void *reader;         /* the format's: an archive's directory and the like; NULL once the capture is open */
    const char *notes[CONTAINER_NOTES]; /* how the file was read; NULL after the last */
    struct Container *parts;            /* absorbed; their tensors and metadata are here too */
    size_t part_count;
    StripInfo *strips; /* in the arena */
    int strip_count;
    void *strip_memory[2]; /* what they point into */
    bool optional;         /* one of a folder's files: left out when it holds no attention */
    bool bare;             /* one array without a name (.npy) */
    uint64_t trailing;     /* bytes after the array of a bare .npy */
} Container;

/* Adds the tensors and metadata of one of container->parts. False when memory ran out. */
bool container_absorb(Container *container, Container *part);
/* Makes tensor->source valid (inflates a deflated member). */
Status container_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err);
/* What container->reader holds. */
void container_close_reader(Container *container);
/* Lets go of what only opening needs. */
void container_settle(Container *container);
void container_close(Container *container);
Tensor *container_add(Container *container); /* zeroed; NULL on failure */
bool container_add_metadata(Container *container, const char *key, const char *value, size_t length);
/* A sentence for the capture's notes; more than there is room for are dropped. False when memory ran out. */
bool container_note(Container *container, const char *format, ...) BASE_PRINTF(2, 3);
const Metadata *container_metadata(const Container *container, const char *key); /* NULL when absent */

/* ---- tensor.c -------------------------------------------------------------------------------- */

/* Base name of the file that the tensor is in. */
const char *tensor_file(const Container *container, const Tensor *tensor);
/* Row-major strides (or column-major); sizes of zero give strides of zero. False on overflow of the element count. */
bool tensor_strides(Tensor *tensor, bool column_major);
/* "(6, 6, 188, 188)" */
void tensor_shape_text(const Tensor *tensor, char *out, size_t out_size);
/* "array 'NAME'" or "the array". */
void tensor_label(const Tensor *tensor, char *out, size_t out_size);

/* ---- formats.c ------------------------------------------------------------------------------- */

/* How a file begins. */
typedef struct FormatHead {
    const uint8_t *bytes;
    size_t size; /* > 0, and less than FORMAT_HEAD_SIZE only where the file is no longer */
    const char *name;
} FormatHead;
#define FORMAT_HEAD_SIZE 64

/* A kind of file. The row stands at the end of the file that reads it, and in the table of formats.c. */
struct Format {
    const char *name;       /* "npy" */
    const char *endings[4]; /* ".npy", one to three; the first stands for the format in lists */
    int folder_endings;     /* so many of them, from the first on, are what is looked for in a folder */
    int place;              /* in lists for people, ascending */
    const char *called;     /* in the sentence of what is read, at its end, instead of the first ending; else NULL */
    const char *help;       /* in the help, instead of the endings; else NULL */
    const char *misnamed;   /* what a file that ends so but does not look like one should have been; NULL: anything */
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
};

/* Lists of formats end with NULL, in the order of asking; NULL for a list stands for all that are built in. */
const Format *const *formats_all(void);
/* Reads directory and headers, no data (JSON is read whole). Takes `source` over, also on failure. */
Status formats_open(const Format *const *formats, ByteSource *source, const char *path, const Progress *progress,
                    Container *out, Error *err);
/* Does a file's name end as one of them does (in any case)? As those do that are looked for in folders? */
bool formats_know(const Format *const *formats, const char *name);
bool formats_in_folder(const Format *const *formats, const char *name);
/* For people, into `out`: "*.npy *.npz ..."; ".npy, .npz ..." (the first ending of each); ".npy, .npz or .pt" (of those in
 * folders); what the help says of them. Returns out. */
const char *formats_patterns(const Format *const *formats, char *out, size_t out_size);
const char *formats_endings(const Format *const *formats, char *out, size_t out_size);
const char *formats_folder_endings(const Format *const *formats, char *out, size_t out_size);
const char *formats_help(const Format *const *formats, char *out, size_t out_size);
#define FORMATS_TEXT_SIZE 320 /* room for any of these */

/* ---- json.c ---------------------------------------------------------------------------------- */

/* Upper bound of the values in JSON text, without parsing it: a tree takes some thirty times the room of the text. */
size_t json_values(const char *text, size_t length);

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

NameMeaning names_meaning(const char *name);
/* encoder, decoder or cross as a word of a file's name. */
SetHint names_file_hint(const char *file_name);
/* N of "layerN" in a file's name, -1 when absent. */
int names_file_layer(const char *file_name);

/* ---- token_text.c ---------------------------------------------------------------------------- */

/* How tokens of a list are written. */
typedef enum TokenEncoding { TOKENS_AS_IS, TOKENS_BYTE_LEVEL, TOKENS_WORDPIECE } TokenEncoding;
TokenEncoding token_text_encoding(const char *const *raw, const size_t *lengths, int64_t count);
/* Fills *out from `length` bytes as the file has them. False when memory ran out. */
bool token_text_make(Arena *arena, const char *bytes, size_t length, TokenEncoding encoding, Token *out);

#endif
