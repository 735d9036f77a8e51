/* json: what the two halves of reading JSON share. Private to this folder. */
#ifndef ATTNSCOPE_CAPTURE_JSON_H
#define ATTNSCOPE_CAPTURE_JSON_H

#include "capture/internal.h"

/* ---- json.c : a stream of JSON -> arrays, texts ---------------------------------------------- */

/* Adds to the container every nested list of numbers as a tensor, and every text, number and flat list of texts (as
 * JSON) as metadata, named by the way to it: "attention.1.attn", "attention.1.left_text". */
Status json_read(Container *container, const Progress *progress, Error *err);
/* The numbers of a tensor with one dimension, at most `room` of them, as integers; false where one is none. */
bool json_integers(const Tensor *tensor, int *out, size_t room);

/* ---- json_forms.c : what they mean ----------------------------------------------------------- */

/* BertViz' groups become sets with names, tokens and layer numbers of their own; other forms are named by their keys. */
Status json_interpret(Container *container, Error *err);

#endif
