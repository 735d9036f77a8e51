/* Tokens as one text that can be searched. */
#ifndef ATTNSCOPE_SESSION_FIND_TEXT_H
#define ATTNSCOPE_SESSION_FIND_TEXT_H

#include "views/views.h"

/* Lower case, line breaks as spaces, FIND_BOUNDARY between tokens. Zero is valid and empty. */
typedef struct FindText {
    char *bytes;
    size_t length;
    uint32_t *starts; /* [count + 1]: where tokens begin, and the end */
    int64_t count;
} FindText;
#define FIND_BOUNDARY '\x01'

/* False without memory, or where there is more text than 4 GB. */
bool find_text_build(const TokenList *tokens, FindText *out);
void find_text_free(FindText *text);

typedef struct FindHits {
    TokenSpan *items; /* ascending, apart */
    size_t count, capacity;
} FindHits;
/* Tokens in which `query` lies, whatever the case. A space in the query is a space or a boundary of tokens in the text;
 * other letters pass over boundaries. False without memory. */
bool find_text_search(const FindText *text, const char *query, FindHits *out);
void find_hits_free(FindHits *hits);
/* Simple case folding of one code point (Unicode's CaseFolding.txt, status C: Latin, Greek, Cyrillic). */
uint32_t find_fold(uint32_t code);

#endif
