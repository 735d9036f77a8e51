/* Fonts of the system: one family for the interface (regular, bold) and, for code points it lacks, the best other
 * face.
 *
 *   code point --> ascii[] / codes (hash) --> face, glyph, advance
 *                     | miss
 *                     v
 *   primary face -> other weight -> faces already loaded -> fontconfig's sorted list (made once, its charsets looked
 *   through)
 *
 * Everything but the regular face is loaded when a character first needs it, because a CJK collection alone is 20 MB. */
#include "draw/font_private.h"

#include <assert.h>
#include <string.h>

#define FONT_FILE_MAX ((size_t)96 << 20)
/* stb_truetype may read this far past the end of a damaged simple glyph: instructions, then 65,536 points of 5 bytes. */
#define FONT_PADDING ((size_t)448 << 10)
#define CODES_FIRST 256
#define SORTED_UNTRIED (-1)
#define SORTED_UNUSABLE (-2)

static const char *const preferred_families[] = {"Inter", "Noto Sans", "DejaVu Sans"};

/* ---- loading one face ------------------------------------------------------------------------ */

static Status read_padded(const char *path, uint8_t **out, size_t *size, Error *err) {
    File *file = NULL;
    FileInfo info;
    uint8_t *data = NULL;
    Status status = file_open_read(path, &file, err);
    if (status == STATUS_OK) {
        status = file_info(file, &info, err);
    }
    if (status != STATUS_OK) {
        goto done;
    }
    if (info.size > FONT_FILE_MAX || info.is_directory) {
        status = error_set_at(err, STATUS_FORMAT, path, -1, "this font cannot be used: it is larger than any font");
        goto done;
    }
    *size = (size_t)info.size;
    data = mem_alloc(*size + FONT_PADDING);
    if (!data) {
        status = error_set_at(err, STATUS_MEMORY, path, -1, "not enough memory for the font");
        goto done;
    }
    memset(data + *size, 0, FONT_PADDING);
    status = file_read_at(file, 0, data, *size, err);
done:
    file_close(file);
    if (status != STATUS_OK) {
        mem_free(data);
        data = NULL;
    }
    *out = data;
    return status;
}

typedef enum BoxSide { BOX_TOP, BOX_BOTTOM } BoxSide;

static int glyph_extent(const stbtt_fontinfo *info, int code, BoxSide side) {
    int x0, y0, x1, y1;
    return stbtt_GetCodepointBox(info, code, &x0, &y0, &x1, &y1) ? (side == BOX_TOP ? y1 : y0) : 0;
}

static void measure_face(Face *face) {
    stbtt_GetFontVMetrics(&face->info, &face->ascent, &face->descent, &face->line_gap);
    face->x_height = glyph_extent(&face->info, 'x', BOX_TOP);
    face->x_round = glyph_extent(&face->info, 'o', BOX_TOP);
    face->base_round = glyph_extent(&face->info, 'o', BOX_BOTTOM);
    face->cap_height = glyph_extent(&face->info, 'H', BOX_TOP);
    face->cap_round = glyph_extent(&face->info, 'O', BOX_TOP);
    face->ascender = glyph_extent(&face->info, 'd', BOX_TOP);
    face->descender = glyph_extent(&face->info, 'p', BOX_BOTTOM);
}

/* Adds a face; *index says which. */
static Status load_face(Fonts *fonts, const char *path, int collection_index, bool thorough, int *index, Error *err) {
    if (fonts->face_count == FONT_FACES_MAX) {
        return error_set(err, STATUS_MEMORY, "more than %d fonts are in use", FONT_FACES_MAX);
    }
    Face *face = &fonts->faces[fonts->face_count];
    memset(face, 0, sizeof *face);
    size_t size = 0;
    Status status = read_padded(path, &face->data, &size, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = draw_font_check(face->data, size, collection_index, thorough, path, err);
    if (status != STATUS_OK) {
        goto done;
    }
    int offset = stbtt_GetFontOffsetForIndex(face->data, collection_index);
    if (offset < 0 || !stbtt_InitFont(&face->info, face->data, offset)) {
        status = error_set_at(err, STATUS_FORMAT, path, -1, "this font cannot be used: stb_truetype refuses it");
        goto done;
    }
    face->size = size;
    face->index = collection_index;
    measure_face(face);
    *index = fonts->face_count++;
done:
    if (status != STATUS_OK) {
        mem_free(face->data);
        face->data = NULL;
    }
    return status;
}

/* ---- fontconfig ------------------------------------------------------------------------------ */

/* Outlines that stb_truetype reads, in shapes and not in colour bitmaps. */
static bool is_usable_pattern(const FcPattern *pattern) {
    FcChar8 *format = NULL;
    FcBool outline = FcFalse, color = FcFalse;
    FcPatternGetBool(pattern, FC_OUTLINE, 0, &outline);
    FcPatternGetBool(pattern, FC_COLOR, 0, &color);
    if (!outline || color || FcPatternGetString(pattern, FC_FONTFORMAT, 0, &format) != FcResultMatch) {
        return false;
    }
    return strcmp((const char *)format, "TrueType") == 0 || strcmp((const char *)format, "CFF") == 0;
}

static FcPattern *make_pattern(const char *family, FontWeight weight) {
    FcPattern *pattern = FcPatternCreate();
    if (!pattern) {
        return NULL;
    }
    if (family) {
        FcPatternAddString(pattern, FC_FAMILY, (const FcChar8 *)family);
    }
    FcPatternAddInteger(pattern, FC_WEIGHT, weight == FONT_BOLD ? FC_WEIGHT_DEMIBOLD : FC_WEIGHT_REGULAR);
    FcPatternAddInteger(pattern, FC_SLANT, FC_SLANT_ROMAN);
    FcPatternAddInteger(pattern, FC_WIDTH, FC_WIDTH_NORMAL);
    FcPatternAddBool(pattern, FC_OUTLINE, FcTrue);
    FcPatternAddBool(pattern, FC_VARIABLE, FcFalse); /* stb_truetype shows only the default instance */
    FcConfigSubstitute(NULL, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    return pattern;
}

static bool pattern_has_family(const FcPattern *pattern, const char *family) {
    FcChar8 *name = NULL;
    for (int i = 0; FcPatternGetString(pattern, FC_FAMILY, i, &name) == FcResultMatch; i++) {
        if (text_equal_nocase((const char *)name, family)) {
            return true;
        }
    }
    return false;
}

static Status load_pattern(Fonts *fonts, const FcPattern *pattern, int *index, Error *err) {
    FcChar8 *path = NULL;
    int face_index = 0;
    if (!is_usable_pattern(pattern) || FcPatternGetString(pattern, FC_FILE, 0, &path) != FcResultMatch) {
        return error_set(err, STATUS_NOT_FOUND, "the font has no outlines that can be read");
    }
    FcPatternGetInteger(pattern, FC_INDEX, 0, &face_index);
    return load_face(fonts, (const char *)path, face_index & 0xffff, false, index, err);
}

/* Loads the face of this family and weight; with `exact` nothing that fontconfig would put in its place. */
static Status load_family(Fonts *fonts, const char *family, FontWeight weight, bool exact, int *index, Error *err) {
    Status status = STATUS_NOT_FOUND;
    FcResult result;
    FcPattern *wanted = make_pattern(family, weight);
    FcPattern *match = wanted ? FcFontMatch(NULL, wanted, &result) : NULL;
    if (match && (!exact || pattern_has_family(match, family))) {
        status = load_pattern(fonts, match, index, err);
        FcChar8 *name = NULL;
        if (status == STATUS_OK && weight == FONT_REGULAR &&
            FcPatternGetString(match, FC_FAMILY, 0, &name) == FcResultMatch) {
            snprintf(fonts->family, sizeof fonts->family, "%s", (const char *)name);
        }
    }
    if (match) {
        FcPatternDestroy(match);
    }
    if (wanted) {
        FcPatternDestroy(wanted);
    }
    return status;
}

static Status load_regular(Fonts *fonts, const char *family, Error *err) {
    int *index = &fonts->primary[FONT_REGULAR];
    if (!FcInit()) {
        return error_set(err, STATUS_NOT_FOUND, "fontconfig has no configuration; install fontconfig and a font");
    }
    if (family && load_family(fonts, family, FONT_REGULAR, true, index, NULL) == STATUS_OK) {
        return STATUS_OK;
    }
    for (size_t i = 0; !family && i < BASE_COUNT(preferred_families); i++) {
        if (load_family(fonts, preferred_families[i], FONT_REGULAR, true, index, NULL) == STATUS_OK) {
            return STATUS_OK;
        }
    }
    Status status = load_family(fonts, "sans-serif", FONT_REGULAR, false, index, NULL);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return error_set(err, status == STATUS_MEMORY ? status : STATUS_NOT_FOUND,
                     status == STATUS_MEMORY
                         ? "not enough memory for a font"
                         : "no font was found; install one (Debian: fonts-inter or fonts-dejavu-core)");
}

Status draw_fonts_open(const FontsParams *params, Fonts **out, Error *err) {
    *out = NULL;
    Fonts *fonts = mem_alloc_zeroed(1, sizeof *fonts);
    if (!fonts) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the fonts");
    }
    static atomic_uint last_serial;
    fonts->serial = atomic_fetch_add(&last_serial, 1) + 1;
    fonts->primary[FONT_REGULAR] = fonts->primary[FONT_BOLD] = -1;
    Status status;
    if (params && params->file) {
        fonts->single_file = true;
        status = load_face(fonts, params->file, 0, true, &fonts->primary[FONT_REGULAR], err);
        fonts->primary[FONT_BOLD] = fonts->primary[FONT_REGULAR];
    } else {
        status = load_regular(fonts, params ? params->family : NULL, err);
    }
    if (status != STATUS_OK) {
        draw_fonts_close(fonts);
        return status;
    }
    *out = fonts;
    return STATUS_OK;
}

void draw_fonts_close(Fonts *fonts) {
    if (!fonts) {
        return;
    }
    for (int i = 0; i < fonts->face_count; i++) {
        mem_free(fonts->faces[i].data);
    }
    for (int weight = 0; weight < FONT_WEIGHTS; weight++) {
        if (fonts->sorted[weight]) {
            FcFontSetDestroy(fonts->sorted[weight]);
        }
        mem_free(fonts->sorted_face[weight]);
    }
    mem_free(fonts->codes);
    mem_free(fonts->coverage);
    mem_free(fonts);
}

uint32_t draw_fonts_serial(const Fonts *fonts) {
    return fonts->serial;
}

const char *draw_fonts_family(const Fonts *fonts) {
    return fonts->family;
}

const Face *draw_font_primary(Fonts *fonts, FontWeight weight) {
    int *index = &fonts->primary[weight];
    if (*index < 0 && load_family(fonts, fonts->family, weight, true, index, NULL) != STATUS_OK) {
        *index = fonts->primary[FONT_REGULAR]; /* a family without a bold face stays regular */
    }
    return &fonts->faces[*index];
}

/* ---- code point -> glyph --------------------------------------------------------------------- */

/* Characters that take no room and leave no ink: joiners, direction marks, variation selectors, byte order mark. */
static bool is_invisible(uint32_t code) {
    return code == 0xad || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x2064) || (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff;
}

static bool try_face(Fonts *fonts, int face, CodeGlyph *entry) {
    const Face *f = &fonts->faces[face];
    int glyph = stbtt_FindGlyphIndex(&f->info, (int)entry->code);
    if (glyph == 0) {
        return false;
    }
    int advance = 0, bearing = 0;
    stbtt_GetGlyphHMetrics(&f->info, glyph, &advance, &bearing);
    entry->face = (int16_t)face;
    entry->glyph = glyph;
    entry->advance = advance;
    return true;
}

static bool sort_system_fonts(Fonts *fonts, FontWeight weight) {
    if (fonts->sorted[weight]) {
        return true;
    }
    FcResult result;
    FcPattern *wanted = make_pattern(NULL, weight);
    FcFontSet *set = wanted ? FcFontSort(NULL, wanted, FcFalse, NULL, &result) : NULL;
    if (wanted) {
        FcPatternDestroy(wanted);
    }
    if (!set) {
        return false;
    }
    fonts->sorted_face[weight] = mem_alloc((size_t)set->nfont + 1);
    if (!fonts->sorted_face[weight]) {
        FcFontSetDestroy(set);
        return false;
    }
    memset(fonts->sorted_face[weight], SORTED_UNTRIED, (size_t)set->nfont + 1);
    fonts->sorted[weight] = set;
    return true;
}

static bool try_system(Fonts *fonts, FontWeight weight, CodeGlyph *entry) {
    if (!sort_system_fonts(fonts, weight)) {
        return false;
    }
    FcFontSet *set = fonts->sorted[weight];
    for (int i = 0; i < set->nfont; i++) {
        int8_t *face = &fonts->sorted_face[weight][i];
        FcCharSet *charset = NULL;
        if (*face == SORTED_UNUSABLE || FcPatternGetCharSet(set->fonts[i], FC_CHARSET, 0, &charset) != FcResultMatch ||
            !FcCharSetHasChar(charset, entry->code)) {
            continue;
        }
        if (*face == SORTED_UNTRIED) {
            int index = SORTED_UNUSABLE;
            Status status = load_pattern(fonts, set->fonts[i], &index, NULL);
            *face = (int8_t)(status == STATUS_MEMORY ? SORTED_UNTRIED : index);
        }
        if (*face >= 0 && try_face(fonts, *face, entry)) {
            return true;
        }
    }
    return false;
}

static void resolve(Fonts *fonts, uint32_t code, FontWeight weight, CodeGlyph *entry) {
    *entry = (CodeGlyph){.code = code, .face = GLYPH_FACE_MISSING, .weight = (int16_t)weight};
    if (is_invisible(code)) {
        entry->face = GLYPH_FACE_INVISIBLE;
        return;
    }
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
        return; /* control characters are shown by number */
    }
    draw_font_primary(fonts, weight);
    if (try_face(fonts, fonts->primary[weight], entry) || fonts->single_file) {
        return;
    }
    if (!try_system(fonts, weight, entry)) {
        try_face(fonts, fonts->primary[FONT_REGULAR], entry);
    }
}

static size_t code_place(const Fonts *fonts, uint32_t code, FontWeight weight) {
    size_t mask = fonts->code_capacity - 1;
    size_t at = (size_t)hash_u64((uint64_t)weight << 32 | code) & mask;
    while (fonts->codes[at].code != 0 &&
           (fonts->codes[at].code != code || fonts->codes[at].weight != (int16_t)weight)) {
        at = (at + 1) & mask;
    }
    return at;
}

/* Keeps the table at most half full. */
static bool reserve_code(Fonts *fonts) {
    if (fonts->code_capacity > 0 && 2 * (fonts->code_count + 1) <= fonts->code_capacity) {
        return true;
    }
    CodeGlyph *old = fonts->codes;
    size_t old_capacity = fonts->code_capacity, capacity = old_capacity > 0 ? 2 * old_capacity : CODES_FIRST;
    CodeGlyph *codes = mem_alloc_zeroed(capacity, sizeof *codes);
    if (!codes) {
        return false;
    }
    fonts->codes = codes;
    fonts->code_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].code != 0) {
            codes[code_place(fonts, old[i].code, (FontWeight)old[i].weight)] = old[i];
        }
    }
    mem_free(old);
    return true;
}

const CodeGlyph *draw_font_lookup(Fonts *fonts, uint32_t code, FontWeight weight) {
    assert((unsigned)weight < FONT_WEIGHTS);
    if (code == 0) {
        code = 0xfffd; /* 0 marks empty places; no text contains it */
    }
    if (code < FONT_ASCII) {
        CodeGlyph *entry = &fonts->ascii[weight][code];
        if (entry->code == 0) {
            resolve(fonts, code, weight, entry);
        }
        return entry;
    }
    if (fonts->code_capacity > 0) {
        const CodeGlyph *entry = &fonts->codes[code_place(fonts, code, weight)];
        if (entry->code != 0) {
            return entry;
        }
    }
    resolve(fonts, code, weight, &fonts->spare);
    if (!reserve_code(fonts)) {
        return &fonts->spare;
    }
    CodeGlyph *entry = &fonts->codes[code_place(fonts, code, weight)];
    *entry = fonts->spare;
    fonts->code_count++;
    return entry;
}

/* ---- for exporters --------------------------------------------------------------------------- */

FontGlyph draw_font_glyph(Fonts *fonts, uint32_t code, FontWeight weight) {
    const CodeGlyph *glyph = draw_font_lookup(fonts, code, weight);
    if (glyph->face >= 0) {
        return (FontGlyph){.face = glyph->face, .glyph = glyph->glyph};
    }
    return (FontGlyph){.face = glyph->face == GLYPH_FACE_INVISIBLE ? FONT_GLYPH_INVISIBLE : FONT_GLYPH_MISSING};
}

bool draw_font_data(const Fonts *fonts, int face, FontData *out) {
    if (face < 0 || face >= fonts->face_count) {
        return false;
    }
    const Face *f = &fonts->faces[face];
    *out = (FontData){.data = f->data, .size = f->size, .index = f->index};
    return true;
}
