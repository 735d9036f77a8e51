/* Marks on pictures of tokens: what was looked for, pins. */
#ifndef ATTNSCOPE_VIEWS_MARKS_H
#define ATTNSCOPE_VIEWS_MARKS_H

#include "views/frame.h"

/* ---- marks.c : where something that was looked for is ---------------------------------------- */

/* Tokens first to end - 1. */
typedef struct TokenSpan {
    int64_t first, end;
} TokenSpan;

/* A strip beside a picture of the tokens; pixels. */
typedef struct MarkAxis {
    bool vertical;
    double start, length;       /* of the strip */
    double origin, cell;        /* where token 0 begins; size of one */
    float across, thick, least; /* the strip's place on the other axis, its width; least length of a mark */
} MarkAxis;
/* Spans ascend and lie apart. */
void views_marks(DrawList *list, const MarkAxis *axis, const TokenSpan *spans, size_t count, Color color);
/* Along the edge of the matrix. */
void views_axis_marks(Frame *frame, const ViewResult *r, Axis side, const TokenSpan *spans, size_t count);
/* Along the edge of the mini-map, `image`, of so many tokens. */
void views_map_marks(Frame *frame, Rect image, Axis side, int64_t tokens, const TokenSpan *spans, size_t count);

/* ---- pin_marks.c ----------------------------------------------------------------------------- */

typedef struct PinMark {
    int64_t query, key;
    int number;
    bool focused;
    char text[24]; /* beside the number; may be "" */
} PinMark;
/* Over the matrix that `result` laid out. */
void views_pin_marks(Frame *frame, const ViewResult *result, int64_t queries, int64_t keys, const PinMark *marks,
                     int count);

#endif
