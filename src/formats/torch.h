/* torch: what the parts of reading a torch.save share. Private to this folder. */
#ifndef ATTNSCOPE_FORMATS_TORCH_H
#define ATTNSCOPE_FORMATS_TORCH_H

#include "formats/pickle.h"

typedef struct TorchFile {
    Container *container;
    const ZipMember **members; /* sorted by name */
    size_t member_count;
    const char *root; /* the archive's folder, without its slash */
    bool big_endian;
    Arena nodes;
    size_t work; /* values looked at so far */
    Error *err;
} TorchFile;

/* ---- torch_tensor.c: tensors and storages ---------------------------------------------------- */

/* A pickle may lead to the same few values endlessly often. False when more were looked at than any honest file has;
 * torch_overspent is the error for that. */
bool torch_spend(TorchFile *file, size_t values);
Status torch_overspent(const TorchFile *file);
/* The archive's member of this name, NULL when absent. */
const ZipMember *torch_member(const TorchFile *file, const char *name);
/* Does the node stand for a tensor, readable or not? */
bool torch_is_tensor(const PickleNode *node);
/* Shape, strides, dtype and place; checked against the storage's entry. STATUS_UNSUPPORTED with *err set: a kind of
 * tensor that is not read (sparse, quantised, complex). */
Status torch_read_tensor(const TorchFile *file, const PickleNode *node, Tensor *out, Error *err);

/* ---- torch_walk.c: structure ----------------------------------------------------------------- */

/* Adds the tensors, token lists and metadata of what was saved to the container. */
Status torch_walk(TorchFile *file, PickleNode *root);

/* ---- torch_steps.c: generate() --------------------------------------------------------------- */

/* tuple[step][layer], as generate() returns attention: a list of lists of tensors or None whose shapes grow like
 * that? */
bool torch_are_steps(TorchFile *file, const PickleNode *steps);
/* Stitches the steps into one pattern a layer, named NAME.LAYER; *rows is how many queries they have. */
Status torch_stitch(TorchFile *file, const char *name, const PickleNode *steps, int64_t *rows);

#endif
