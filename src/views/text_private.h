/* What the files of the text view share. */
#ifndef ATTNSCOPE_VIEWS_TEXT_PRIVATE_H
#define ATTNSCOPE_VIEWS_TEXT_PRIVATE_H

#include "views/tokens.h"

#define TEXT_PROFILE_COLUMNS 4096

/* All that decides where tokens stand. */
typedef struct TextKey {
    const StripInfo *strip;
    uint32_t serial, fonts;
    float size, width, scale; /* pixels, pixels, pixels a point */
} TextKey;

struct TextView {
    TextState *state; /* borrowed */
    TextKey key;
    float *x, *w;        /* of each token, pixels from the left edge */
    int32_t *line;       /* of each token */
    int32_t *line_first; /* [line_count + 1]; a line may be empty */
    float *sorted;       /* probabilities, ascending: for percentiles */
    int64_t sorted_count;
    size_t x_capacity, w_capacity, line_capacity, first_capacity, sorted_capacity;
    int64_t line_count;
    float line_height, most_surprisal; /* pixels; nats */
    float profile_max[TEXT_PROFILE_COLUMNS], profile_mean[TEXT_PROFILE_COLUMNS];
    int profile_columns;
    TextShown shown;
};

/* text_profile.c: columns of the profile from the strip, when it is laid out. */
void text_profile_measure(TextView *text, int columns);
void text_profile_draw(Frame *frame, const TextView *text);

#endif
