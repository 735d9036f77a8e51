/* All tokens in a row, folded, with a mark between any two:
 *
 *   "Twas" " bri" "llig" "," -> twas^ bri^llig^,
 *
 * so that "brillig" is found although a boundary lies in it, and "twas brillig" although tokenisers keep the space with
 * one neighbour, the other or neither. */
#include "session/find_text.h"

#include <string.h>

uint32_t find_fold(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0xA0 || c == 0x21B5 || c == 0x21E5 || c == 0x240D) return ' '; /* no-break space; how line breaks show */
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;
    if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c % 2 ? c + 1 : c;
    if (c == 0x178) return 0xFF;
    if (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) return c + 32;
    if (c == 0x3C2) return 0x3C3; /* final sigma */
    if (c >= 0x410 && c <= 0x42F) return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    if ((c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F)) return c | 1;
    if (c >= 0x1E00 && c <= 0x1E95) return c | 1;
    if (c >= 0x1EA0 && c <= 0x1EFF) return c | 1;
    return c;
}

static void append_folded(TextBuffer *out, const char *text) {
    const size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        uint32_t code = find_fold(utf8_decode(text, length, &at));
        if (code < ' ') code = ' ';
        text_append_bytes(out, bytes, utf8_encode(code, bytes));
    }
}

bool find_text_build(const TokenList *tokens, FindText *out) {
    TextBuffer text = {0};
    const char boundary = FIND_BOUNDARY;
    *out = (FindText){.count = tokens->count};
    out->starts = mem_alloc_zeroed((size_t)tokens->count + 1, sizeof out->starts[0]);
    for (int64_t i = 0; out->starts && i < tokens->count && text.length < UINT32_MAX; i++) {
        const Token *token = &tokens->tokens[i];
        out->starts[i] = (uint32_t)text.length;
        if (token->space_before && token->display[0] != ' ') text_append(&text, " ");
        append_folded(&text, token->display);
        text_append_bytes(&text, &boundary, 1);
    }
    if (!out->starts || text.failed || text.length >= UINT32_MAX) {
        text_buffer_free(&text);
        find_text_free(out);
        return false;
    }
    out->starts[tokens->count] = (uint32_t)text.length;
    out->bytes = text.text;
    out->length = text.length;
    return true;
}

void find_text_free(FindText *text) {
    mem_free(text->bytes);
    mem_free(text->starts);
    *text = (FindText){0};
}

void find_hits_free(FindHits *hits) {
    mem_free(hits->items);
    *hits = (FindHits){0};
}

static bool parts(char c) {
    return c == ' ' || c == FIND_BOUNDARY;
}

/* Does the query begin at `at`? Then *first and *last are the bytes of its first and last letter. */
static bool matches(const FindText *text, size_t at, const char *query, size_t *first, size_t *last) {
    bool any = false;
    for (const char *q = query; *q; q++) {
        if (*q == ' ') {
            if (at > 0 && at < text->length && !parts(text->bytes[at]) && !parts(text->bytes[at - 1])) return false;
            while (at < text->length && parts(text->bytes[at]))
                at++;
            continue;
        }
        while (any && at < text->length && text->bytes[at] == FIND_BOUNDARY)
            at++;
        if (at >= text->length || text->bytes[at] != *q) return false;
        if (!any) *first = at;
        any = true;
        *last = at++;
    }
    return any;
}

static int64_t token_of(const FindText *text, size_t byte) {
    int64_t lo = 0, hi = text->count; /* starts[lo] <= byte < starts[hi] */
    while (hi - lo > 1) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (text->starts[middle] <= byte)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

static bool add_hit(FindHits *hits, TokenSpan span) {
    void *items = hits->items;
    /* Twice in the same tokens is once; one that begins in the last token of the hit before goes with it. */
    if (hits->count > 0 && hits->items[hits->count - 1].end > span.first) {
        TokenSpan *before = &hits->items[hits->count - 1];
        before->end = i64_max(before->end, span.end);
        return true;
    }
    if (!mem_grow(&items, &hits->capacity, hits->count + 1, sizeof span)) return false;
    hits->items = items;
    hits->items[hits->count++] = span;
    return true;
}

/* Folded, runs of spaces as one. */
static bool fold_query(const char *query, TextBuffer *out) {
    TextBuffer folded = {0};
    append_folded(&folded, query);
    for (size_t i = 0; i < folded.length; i++) {
        const bool again = folded.text[i] == ' ' && i > 0 && folded.text[i - 1] == ' ';
        if (!again) text_append_bytes(out, folded.text + i, 1);
    }
    out->failed |= folded.failed;
    text_buffer_free(&folded);
    return !out->failed;
}

bool find_text_search(const FindText *text, const char *query, FindHits *out) {
    TextBuffer folded = {0};
    bool ok = fold_query(query, &folded);
    const char *wanted = folded.text ? folded.text : "";
    out->count = 0;
    /* Trailing spaces are on their way to a next word. */
    for (size_t end = folded.length; end > 0 && folded.text[end - 1] == ' '; end--)
        folded.text[end - 1] = 0;
    const char *letter = wanted[0] == ' ' ? wanted + 1 : wanted;
    for (size_t at = 0; ok && *letter && at < text->length;) {
        const char *next = memchr(text->bytes + at, *letter, text->length - at);
        size_t first = 0, last = 0;
        if (!next) break;
        at = (size_t)(next - text->bytes);
        const bool fits = (letter == wanted || at == 0 || parts(text->bytes[at - 1])) &&
                          matches(text, at, letter, &first, &last);
        if (fits) ok = add_hit(out, (TokenSpan){token_of(text, first), token_of(text, last) + 1});
        at = fits ? last + 1 : at + 1;
    }
    text_buffer_free(&folded);
    return ok;
}
