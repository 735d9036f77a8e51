/* Internal to views: images of a pattern on the GPU, as images.c makes them. */
#ifndef ATTNSCOPE_VIEWS_IMAGES_H
#define ATTNSCOPE_VIEWS_IMAGES_H

#include "views/frame.h"

/* One layer of one capture, with the heads that are combined. */
typedef struct Pattern {
    const SetInfo *set;
    const LayerInfo *layer;
    int layer_index;
    ResolvedHeads heads;
    bool single; /* one head with weight 1: its tiles are the image */
    uint32_t headset, variant;
    const Look *state;
    bool data_signed, is_signed;
    Level base;
    struct Reference *reference; /* NULL, or what is subtracted */
} Pattern;

typedef struct Reference {
    Frame frame;
    Look state;
    Pattern pattern;
} Reference;

/* False when there is nothing to show. `reference` is where the pattern keeps what is subtracted, if that is what is
 * shown: it must live as long. */
bool images_resolve(const Frame *frame, const Look *look, int layer, Pattern *out, Reference *reference);

/* Of what is shown, which may be the difference of two images, pooled from the source. */
TileKey images_pooled_key(const Frame *frame, const Look *look, const Pattern *pattern, TilePlace at);
/* Of the exact image: at level 0 a variant needs no tiles of its own. */
TileKey images_key(const Frame *frame, const Look *look, const Pattern *pattern, TilePlace at);
TileKey images_without_variant(TileKey key);
/* Keys of the images that a difference is made of. An exact one is made of exact ones; a tile is that by itself. */
void images_source_keys(const Frame *frame, const Pattern *pattern, const TileKey *key, TileKey out[2]);

/* Wants what is missing of the tiles under `key`; true when all are resident. */
bool images_tiles_resident(Frame *frame, const Pattern *pattern, const TileKey *key, JobKind kind, bool want);
/* True when `key` can be drawn now, composing it if need be and if there is time (else *cut_short is set). */
bool images_ready(Frame *frame, const Pattern *pattern, const TileKey *key, bool base, bool want, bool *cut_short);
/* Composes a difference whose sources are here. */
bool images_compose_difference(Frame *frame, const Pattern *pattern, const TileKey *key, const TileKey sources[2],
                               bool base, bool *cut_short);

#endif
