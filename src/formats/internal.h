/* formats, inside: what its .c files share. Nobody outside this folder includes this.
 *
 *   bytes.c        ByteSource
 *   dtype.c        names, sizes and conversion of stored numbers
 *   container.c tensor.c            what formats have in common: named arrays and metadata
 *   npy.c npz.c safetensors.c torch.c json_forms.c hdf5.c       a format each, a row of the table in formats.c
 *   zip.c pickle.c                  what .npz and .pt are made of; torch_*.c: what torch.save makes of them
 *   json_stream.c json.c            bytes -> events of JSON, bounded; events -> arrays and texts
 *   strip_*.c explain.c             the answers of APIs -> tokens with probabilities, scores of spans
 *   names.c        array name -> role, set, layer
 *   token_text.c   how tokens are shown */
#ifndef ATTNSCOPE_FORMATS_INTERNAL_H
#define ATTNSCOPE_FORMATS_INTERNAL_H

#include "formats/formats.h"

extern const Format NPY_FORMAT, NPZ_FORMAT, SAFETENSORS_FORMAT, TORCH_FORMAT, JSON_FORMAT, HDF5_FORMAT;

/* ---- npy.c ----------------------------------------------------------------------------------- */

/* NumPy caps the dict at 10,000 characters too. */
#define NPY_HEADER_MAX 10000
#define NPY_PREFIX (12 + NPY_HEADER_MAX)
/* Fills dtype, shape, strides, count from the first `size` bytes of an .npy; *data_start is where its data begin.
 * `total` is the size of the whole .npy, which must hold the data. Offsets in *err are relative to the .npy. */
Status npy_header(const uint8_t *prefix, size_t size, uint64_t total, Tensor *tensor, uint64_t *data_start, Error *err);

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
bool zip_looks_like(const FormatHead *head);
/* Reads and checks the directory into container->reader, once. Members of folders are left out. */
Status zip_open(Container *container, Error *err);
void zip_close(void *reader); /* NULL is allowed */
/* container->reader is an archive's in all that follows. */
size_t zip_count(const Container *container);
const ZipMember *zip_member(const Container *container, size_t index);
/* The first `size` bytes of a member, which has as many; a checksum is not looked at. */
Status zip_prefix(const Container *container, const ZipMember *member, void *out, size_t size, Error *err);
/* Format.materialise of a member that is deflated. */
Status zip_materialise(Container *container, Tensor *tensor, const Progress *progress, Error *err);
/* "the zip entry 'NAME' WHAT", STATUS_FORMAT. */
Status zip_fail(const Container *container, const char *name, const char *what, Error *err);

#endif
