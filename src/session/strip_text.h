/* Probabilities of tokens as text: what `probe`, the clipboard and exported files say. */
#ifndef ATTNSCOPE_SESSION_STRIP_TEXT_H
#define ATTNSCOPE_SESSION_STRIP_TEXT_H

#include "capture/capture.h"

/* A few lines for people. */
void strip_append_text(TextBuffer *out, const StripInfo *strip, int64_t position);
/* An object; `item` is the strip's number. */
void strip_append_json(TextBuffer *out, const StripInfo *strip, int item, int64_t position);
/* A line of column names, then one for each token. Tokens and alternatives are JSON, so that line breaks and tabs in them
 * do no harm; with ',' they are quoted as in CSV. */
void strip_append_table_head(TextBuffer *out, char separator);
void strip_append_table_row(TextBuffer *out, const StripInfo *strip, int64_t position, char separator);
void strip_append_table(TextBuffer *out, const StripInfo *strip, int64_t from, int64_t to, char separator);

#endif
