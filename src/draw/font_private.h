/* What font.c, font_check.c and glyph.c share; nobody else includes this. */
#ifndef ATTNSCOPE_DRAW_FONT_PRIVATE_H
#define ATTNSCOPE_DRAW_FONT_PRIVATE_H

#include "draw/draw.h"

#include <fontconfig/fontconfig.h>
#include <stb_truetype.h>

#define FONT_WEIGHTS 2
#define FONT_FACES_MAX 32
#define FONT_ASCII 128

/* One font file in memory, ready for stb_truetype. */
typedef struct Face {
    uint8_t *data;
    size_t size; /* of the file */
    int index;   /* in its collection */
    stbtt_fontinfo info;
    int ascent, descent, line_gap;                                                 /* font units; descent is negative */
    int x_height, x_round, cap_height, cap_round, ascender, descender, base_round; /* font units, 0 if unknown */
} Face;

enum { GLYPH_FACE_MISSING = -1, GLYPH_FACE_INVISIBLE = -2 };

/* Which glyph of which face shows a code point. */
typedef struct CodeGlyph {
    uint32_t code; /* 0: an empty place of the hash table */
    int16_t face;  /* index, or GLYPH_FACE_* */
    int16_t weight;
    int32_t glyph;
    int32_t advance; /* font units */
} CodeGlyph;

struct Fonts {
    uint32_t serial;
    Face faces[FONT_FACES_MAX];
    int face_count;
    int primary[FONT_WEIGHTS];         /* index of the face, -1: not loaded yet */
    char family[128];                  /* of the regular face */
    bool single_file;                  /* FontsParams.file: no other faces */
    FcFontSet *sorted[FONT_WEIGHTS];   /* every face of the system, best first; NULL until a code point needs it */
    int8_t *sorted_face[FONT_WEIGHTS]; /* for each of them: index in faces, SORTED_UNTRIED or SORTED_UNUSABLE */
    float digit_width[FONT_WEIGHTS];   /* of the widest digit, in ems; 0: not yet known */
    CodeGlyph ascii[FONT_WEIGHTS][FONT_ASCII];
    CodeGlyph *codes; /* hash table, open addressing */
    size_t code_capacity, code_count;
    CodeGlyph spare;   /* the answer when the table cannot grow */
    uint8_t *coverage; /* of the last glyph */
    size_t coverage_capacity;
};

/* Borrowed until the next lookup. */
const CodeGlyph *draw_font_lookup(Fonts *fonts, uint32_t code, FontWeight weight);
/* The face that measures a style. */
const Face *draw_font_primary(Fonts *fonts, FontWeight weight);
/* Looks at the tables that stb_truetype would trust. `thorough` also compares checksums and walks all outlines'
 * directories, for a file that no package manager vouches for. data[0..size) without padding. */
Status draw_font_check(const uint8_t *data, size_t size, int index, bool thorough, const char *path, Error *err);

#endif
