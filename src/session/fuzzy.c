/* Best alignment of a word's letters with a text, by dynamic programming, as fzf and fzy do it:
 *
 *   ends[i][j]   best score of the first i + 1 letters where letter i is byte j of the text
 *   best[i][j]   the same where letter i is byte j or an earlier one, a gap since then having its price
 *
 * Greedy matching from the left would put "sc" of "select-cells" on "sele[c]t" and miss the start of a word. */
#include "session/field.h"

#include <string.h>

#define WORD_MAX 48
#define NEVER (-30000)
#define HIT 16
#define AT_START 12 /* of the text */
#define AT_WORD 9   /* after a separator, or a capital after a small letter */
#define SIDE_BY_SIDE 8
#define GAP_OPEN 3
#define GAP_MORE 1
#define REST 4 /* letters of the text beyond the query that cost a point */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static int place_bonus(const char *text, size_t at) {
    if (at == 0) return AT_START;
    if (is_letter(text[at]) && !is_letter(text[at - 1])) return AT_WORD;
    return text[at] >= 'A' && text[at] <= 'Z' && text[at - 1] >= 'a' && text[at - 1] <= 'z' ? AT_WORD : 0;
}

typedef struct Tables {
    int16_t ends[WORD_MAX][FUZZY_TEXT_MAX], best[WORD_MAX][FUZZY_TEXT_MAX];
} Tables;

static int most(int a, int b) {
    return a > b ? a : b;
}

/* NEVER with the price of some gaps is still never. */
static bool reached(int score) {
    return score > NEVER / 2;
}

static void fill(Tables *t, const char *word, size_t letters, const char *text, size_t length) {
    for (size_t i = 0; i < letters; i++) {
        int open = NEVER; /* best[i][j - 1] with its gap */
        for (size_t j = 0; j < length; j++) {
            int end = NEVER;
            if (lower(word[i]) == lower(text[j])) {
                const int place = place_bonus(text, j);
                if (i == 0)
                    end = HIT + place - (int)(j < 8 ? j : 8) / 2;
                else if (j > 0) {
                    const int apart = t->best[i - 1][j - 1] + place - GAP_OPEN;
                    const int beside = t->ends[i - 1][j - 1] + most(place, SIDE_BY_SIDE);
                    end = HIT + most(apart, beside);
                }
            }
            if (!reached(end)) end = NEVER;
            t->ends[i][j] = (int16_t)end;
            open = most(open - GAP_MORE, end);
            t->best[i][j] = (int16_t)open;
        }
    }
}

/* Marks the bytes of the best alignment, from its last letter back. */
static void trace(const Tables *t, size_t letters, size_t last, const char *text, FuzzyMatch *out) {
    size_t j = last;
    for (size_t i = letters; i-- > 0;) {
        out->bytes[j / 64] |= UINT64_C(1) << (j % 64);
        if (i == 0) return;
        const int place = place_bonus(text, j), before = t->ends[i - 1][j - 1];
        j--;
        if (reached(before) && t->ends[i][j + 1] == HIT + before + most(place, SIDE_BY_SIDE)) continue;
        const int best = t->best[i - 1][j];
        for (int gap = 0; j > 0 && t->ends[i - 1][j] - gap * GAP_MORE != best; gap++)
            j--;
    }
}

static bool match_word(const char *word, size_t letters, const char *text, size_t length, FuzzyMatch *out) {
    Tables tables;
    if (letters > WORD_MAX || letters > length) return false;
    fill(&tables, word, letters, text, length);
    int score = NEVER;
    size_t last = 0;
    for (size_t j = letters - 1; j < length; j++) {
        if (tables.ends[letters - 1][j] > score) {
            score = tables.ends[letters - 1][j];
            last = j;
        }
    }
    if (!reached(score)) return false;
    out->score += score;
    if (letters == length) out->score += AT_START; /* nothing is left over */
    out->score -= (int)(length - letters) / REST;
    trace(&tables, letters, last, text, out);
    return true;
}

bool fuzzy_match(const char *query, const char *text, FuzzyMatch *out) {
    const size_t whole = strlen(text), length = whole < FUZZY_TEXT_MAX ? whole : FUZZY_TEXT_MAX;
    *out = (FuzzyMatch){0};
    while (*query) {
        const size_t skip = strspn(query, " ");
        query += skip;
        const size_t letters = strcspn(query, " ");
        if (letters && !match_word(query, letters, text, length, out)) return false;
        query += letters;
    }
    return true;
}

bool fuzzy_byte_matched(const FuzzyMatch *match, size_t byte) {
    return byte < FUZZY_TEXT_MAX && (match->bytes[byte / 64] >> (byte % 64) & 1);
}
