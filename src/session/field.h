/* A line of text that a person edits, and how well what was typed fits a name. No App, no drawing. */
#ifndef ATTNSCOPE_SESSION_FIELD_H
#define ATTNSCOPE_SESSION_FIELD_H

#include "platform/platform.h"

/* ---- field.c --------------------------------------------------------------------------------- */

#define FIELD_SIZE 2048

/* Always valid UTF-8, NUL-terminated; the caret lies between code points. Zero is valid and empty. */
typedef struct Field {
    char text[FIELD_SIZE];
    size_t length, caret; /* bytes */
} Field;

/* What does not fit, is not UTF-8 or is a control character is left out. */
void field_set(Field *field, const char *text);
void field_insert(Field *field, const char *text, size_t length);
/* Puts `text` in place of bytes [from, to) and the caret behind it. */
void field_replace(Field *field, size_t from, size_t to, const char *text);
/* Typing, Left, Right, Home, End, Backspace, Delete; with Ctrl by words; Ctrl+U empties. True when it was for the
 * field; *changed: the text is another one. */
bool field_event(Field *field, const InputEvent *event, bool *changed);

/* ---- fuzzy.c --------------------------------------------------------------------------------- */

#define FUZZY_TEXT_MAX 256 /* bytes of a text that are looked at */

/* Bit i: byte i of the text was matched. */
typedef struct FuzzyMatch {
    int score; /* comparable between texts for the same query; higher is better */
    uint64_t bytes[FUZZY_TEXT_MAX / 64];
} FuzzyMatch;

/* Every word of `query` must be a subsequence of `text`, whatever the case. Starts of words, letters side by side and an
 * early start count; gaps cost. An empty query matches everything with 0. */
bool fuzzy_match(const char *query, const char *text, FuzzyMatch *out);
bool fuzzy_byte_matched(const FuzzyMatch *match, size_t byte);

#endif
