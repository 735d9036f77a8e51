/* json: what the parts of reading JSON share. Private to this folder. */
#ifndef ATTNSCOPE_FORMATS_JSON_H
#define ATTNSCOPE_FORMATS_JSON_H

#include "formats/internal.h"

#include <yajl/yajl_parse.h>

enum {
    JSON_MAX_DEPTH = 64,       /* levels; both readers keep their frames in arrays */
    JSON_MAX_STRING = 1 << 20, /* bytes of a text */
    JSON_MAX_NUMBER = 512,     /* characters */
};

/* ---- json_stream.c : the bytes of a file -> events, bounded ---------------------------------- */

/* Embedded in the reader, which fills the first part. */
typedef struct JsonStream {
    const Container *container;
    const yajl_callbacks *callbacks;
    void *user;
    bool several; /* values one after the other (JSON Lines), or as server-sent events; [DONE] comes as a null */
    Error *err;

    yajl_handle parser;
    uint64_t chunk;   /* where the chunk that is parsed begins */
    Status status;    /* why a callback stopped the parser */
    bool sent_events; /* a "data:" line was seen */
} JsonStream;
/* All of the container's source. */
Status json_stream_run(JsonStream *stream, const Progress *progress);
/* What a callback returns to stop the parser with an error that it has set. */
int json_stream_stop(JsonStream *stream, Status status);
int64_t json_stream_position(const JsonStream *stream);
/* Decimal text as f32, correctly rounded. */
float json_float(const char *text, size_t length);
/* Does the file begin as server-sent events do? */
bool json_sent_events(const uint8_t *head, size_t size);

/* ---- json.c : a stream of JSON -> arrays, texts ---------------------------------------------- */

/* Adds to the container every nested list of numbers as a tensor, and every text, number and flat list of texts (as
 * JSON) as metadata, named by the way to it: "attention.1.attn", "attention.1.left_text". With `gives_way`, stops with
 * STATUS_NOT_FOUND where a key says that the file holds probabilities or explanations, and no attention came before. */
Status json_read(Container *container, bool gives_way, const Progress *progress, Error *err);
/* The numbers of a tensor with one dimension, at most `room` of them, as integers; false where one is none. */
bool json_integers(const Tensor *tensor, int *out, size_t room);

/* ---- strip_read.c : the answers of APIs -> tokens with probabilities -------------------------- */

/* Fills container->strips. STATUS_NOT_FOUND where there are none, or where attention is there as well. */
Status strip_read(Container *container, const Progress *progress, Error *err);
/* strip_keys.c: keys under which APIs give probabilities, or explanations. */
bool strip_is_key(const char *key);

/* ---- explain.c : explanations of answers -> an attribution set -------------------------------- */

/* STATUS_NOT_FOUND where there are none. */
Status explain_read(Container *container, Error *err);

#endif
