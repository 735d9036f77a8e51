/* A look at a font file before stb_truetype, which trusts every offset it reads, gets it (OpenType specification
 * 1.9, "The OpenType Font File" and the chapters of the tables). What is inside glyphs can at most read a bounded
 * distance past its table; the loader pads the file for that. */
#include "draw/font_private.h"

#include <string.h>

#define TAG(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define TABLES_MAX 256
#define COMPOSITE_DEPTH_MAX 6

typedef struct Bytes {
    const uint8_t *data;
    size_t size;
} Bytes;

typedef struct Sfnt {
    Bytes file, cmap, head, hhea, hmtx, maxp, loca, glyf, cff;
    uint32_t glyph_count;
    bool long_loca;
} Sfnt;

static uint32_t u16_at(Bytes b, size_t at) {
    return at + 2 <= b.size ? (uint32_t)b.data[at] << 8 | b.data[at + 1] : 0;
}

static uint32_t u32_at(Bytes b, size_t at) {
    return u16_at(b, at) << 16 | u16_at(b, at + 2);
}

/* Sum of the table as big-endian words, the last padded with zeros (OpenType, "Calculating Checksums"). */
static uint32_t table_checksum(Bytes table, bool is_head) {
    uint32_t sum = 0;
    for (size_t at = 0; at < table.size; at += 4) {
        uint32_t word = 0;
        for (size_t i = 0; i < 4; i++) {
            word = word << 8 | (at + i < table.size ? table.data[at + i] : 0);
        }
        sum += is_head && at == 8 ? 0 : word; /* checkSumAdjustment counts as 0 */
    }
    return sum;
}

static Bytes *table_slot(Sfnt *sfnt, uint32_t tag) {
    switch (tag) {
    case TAG('c', 'm', 'a', 'p'):
        return &sfnt->cmap;
    case TAG('h', 'e', 'a', 'd'):
        return &sfnt->head;
    case TAG('h', 'h', 'e', 'a'):
        return &sfnt->hhea;
    case TAG('h', 'm', 't', 'x'):
        return &sfnt->hmtx;
    case TAG('m', 'a', 'x', 'p'):
        return &sfnt->maxp;
    case TAG('l', 'o', 'c', 'a'):
        return &sfnt->loca;
    case TAG('g', 'l', 'y', 'f'):
        return &sfnt->glyf;
    case TAG('C', 'F', 'F', ' '):
        return &sfnt->cff;
    default:
        return NULL;
    }
}

/* NULL, or what is wrong. */
static const char *read_directory(Sfnt *sfnt, int index, bool thorough) {
    size_t start = 0;
    if (u32_at(sfnt->file, 0) == TAG('t', 't', 'c', 'f')) {
        if (index < 0 || (uint32_t)index >= u32_at(sfnt->file, 8)) {
            return "the collection has no such face";
        }
        start = u32_at(sfnt->file, 12 + 4 * (size_t)index);
    }
    uint32_t version = u32_at(sfnt->file, start);
    if (version != 0x00010000u && version != TAG('O', 'T', 'T', 'O') && version != TAG('t', 'r', 'u', 'e')) {
        return "it is not a TrueType or OpenType file";
    }
    uint32_t tables = u16_at(sfnt->file, start + 4);
    if (tables == 0 || tables > TABLES_MAX || start + 12 + 16 * (size_t)tables > sfnt->file.size) {
        return "its table directory is cut off";
    }
    for (uint32_t i = 0; i < tables; i++) {
        size_t at = start + 12 + 16 * (size_t)i;
        uint32_t tag = u32_at(sfnt->file, at);
        size_t offset = u32_at(sfnt->file, at + 8), length = u32_at(sfnt->file, at + 12);
        if (offset > sfnt->file.size || length > sfnt->file.size - offset) {
            return "a table lies outside the file";
        }
        Bytes table = {sfnt->file.data + offset, length};
        if (thorough && table_checksum(table, tag == TAG('h', 'e', 'a', 'd')) != u32_at(sfnt->file, at + 4)) {
            return "a checksum does not match";
        }
        Bytes *slot = table_slot(sfnt, tag);
        if (slot) {
            *slot = table;
        }
    }
    return NULL;
}

static const char *check_metrics(Sfnt *sfnt) {
    if (sfnt->head.size < 54 || sfnt->hhea.size < 36 || sfnt->maxp.size < 6) {
        return "a required table is missing";
    }
    sfnt->glyph_count = u16_at(sfnt->maxp, 4);
    sfnt->long_loca = u16_at(sfnt->head, 50) == 1;
    uint32_t metrics = u16_at(sfnt->hhea, 34), units = u16_at(sfnt->head, 18);
    if (units < 16 || units > 16384 || sfnt->glyph_count == 0 || metrics == 0 || metrics > sfnt->glyph_count) {
        return "its metrics make no sense";
    }
    if (sfnt->hmtx.size < 4 * (size_t)metrics + 2 * (size_t)(sfnt->glyph_count - metrics)) {
        return "its advance widths are cut off";
    }
    return NULL;
}

static const char *check_cmap(const Sfnt *sfnt) {
    uint32_t subtables = u16_at(sfnt->cmap, 2);
    if (sfnt->cmap.size < 4 + 8 * (size_t)subtables || subtables == 0) {
        return "its character map is cut off";
    }
    for (uint32_t i = 0; i < subtables; i++) {
        size_t at = u32_at(sfnt->cmap, 4 + 8 * (size_t)i + 4);
        if (at > sfnt->cmap.size || sfnt->cmap.size - at < 6) {
            return "its character map is cut off";
        }
        Bytes sub = {sfnt->cmap.data + at, sfnt->cmap.size - at};
        uint32_t format = u16_at(sub, 0);
        size_t needed = 6;
        if (format == 0) {
            needed = 262;
        } else if (format == 4) {
            needed = 16 + 4 * (size_t)u16_at(sub, 6);
        } else if (format == 6) {
            needed = 10 + 2 * (size_t)u16_at(sub, 8);
        } else if (format == 12 || format == 13) {
            needed = 16 + 12 * (size_t)u32_at(sub, 12);
        }
        if (needed > sub.size) {
            return "its character map is cut off";
        }
    }
    return NULL;
}

static size_t glyph_offset(const Sfnt *sfnt, uint32_t glyph) {
    return sfnt->long_loca ? u32_at(sfnt->loca, 4 * (size_t)glyph) : 2 * (size_t)u16_at(sfnt->loca, 2 * (size_t)glyph);
}

/* Composite glyphs name other glyphs; stb_truetype follows them without a limit. */
static bool composite_ends(const Sfnt *sfnt, uint32_t glyph, int depth) {
    enum { WORDS = 1, SCALE = 8, MORE = 32, SCALE_XY = 64, MATRIX = 128 };
    if (glyph >= sfnt->glyph_count || depth > COMPOSITE_DEPTH_MAX) {
        return false;
    }
    size_t at = glyph_offset(sfnt, glyph), end = glyph_offset(sfnt, glyph + 1);
    if (at == end || u16_at(sfnt->glyf, at) < 0x8000u) {
        return true;
    }
    uint32_t flags = MORE;
    for (at += 10; flags & MORE;) {
        if (at + 6 > end) {
            return false;
        }
        flags = u16_at(sfnt->glyf, at);
        if (!composite_ends(sfnt, u16_at(sfnt->glyf, at + 2), depth + 1)) {
            return false;
        }
        at += flags & WORDS ? 8 : 6;
        at += flags & SCALE ? 2 : flags & SCALE_XY ? 4 : flags & MATRIX ? 8 : 0;
    }
    return true;
}

static const char *check_outlines(const Sfnt *sfnt, bool thorough) {
    if (sfnt->glyf.size == 0) {
        return sfnt->cff.size >= 4 ? NULL : "it has no outlines";
    }
    if (sfnt->loca.size < ((size_t)sfnt->glyph_count + 1) * (sfnt->long_loca ? 4 : 2)) {
        return "its glyph index is cut off";
    }
    for (uint32_t glyph = 0; thorough && glyph < sfnt->glyph_count; glyph++) {
        size_t at = glyph_offset(sfnt, glyph), end = glyph_offset(sfnt, glyph + 1);
        if (end < at || end > sfnt->glyf.size || !composite_ends(sfnt, glyph, 0)) {
            return "its outlines are damaged";
        }
    }
    return glyph_offset(sfnt, sfnt->glyph_count) <= sfnt->glyf.size ? NULL : "its outlines are cut off";
}

Status draw_font_check(const uint8_t *data, size_t size, int index, bool thorough, const char *path, Error *err) {
    Sfnt sfnt = {.file = {data, size}};
    const char *wrong = read_directory(&sfnt, index, thorough);
    wrong = wrong ? wrong : check_metrics(&sfnt);
    wrong = wrong ? wrong : check_cmap(&sfnt);
    wrong = wrong ? wrong : check_outlines(&sfnt, thorough);
    if (wrong) {
        return error_set_at(err, STATUS_FORMAT, path, -1, "this font cannot be used: %s", wrong);
    }
    return STATUS_OK;
}
