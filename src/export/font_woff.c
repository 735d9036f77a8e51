/* OpenType -> WOFF 1.0 (W3C Recommendation, 2012): the tables that a browser needs to draw text, each deflated.
 * Layout tables are left out, because the text was laid out without them; most of a modern font is layout. Fonts
 * were checked when they were opened (draw/font_check.c), but every offset is checked again here. */
#include "export/export.h"

#include <string.h>
#include <zlib.h>

#define TABLES_MAX 16
#define SFNT_HEADER 12
#define SFNT_ENTRY 16
#define WOFF_HEADER 44
#define WOFF_ENTRY 20

typedef struct Table {
    char tag[4];
    uint32_t checksum, offset, length;
} Table;

static const char WANTED[][5] = {"CFF ", "OS/2", "cmap", "cvt ", "fpgm", "glyf", "head",
                                 "hhea", "hmtx", "loca", "maxp", "name", "post", "prep"};

static uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint16_t read_u16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_u32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void append_u32(TextBuffer *out, uint32_t v) {
    uint8_t bytes[4];
    put_u32(bytes, v);
    text_append_bytes(out, (const char *)bytes, sizeof bytes);
}

static void append_u16(TextBuffer *out, unsigned v) {
    text_append_bytes(out, (const char[2]){(char)(v >> 8), (char)v}, 2);
}

static bool is_wanted(const uint8_t *tag) {
    for (size_t i = 0; i < BASE_COUNT(WANTED); i++) {
        if (!memcmp(WANTED[i], tag, 4)) return true;
    }
    return false;
}

/* Wanted tables in the order of the directory, which is by tag; 0: no font of one face. */
static int read_directory(const FontData *font, Table tables[TABLES_MAX]) {
    if (font->size < SFNT_HEADER || !memcmp(font->data, "ttcf", 4)) return 0;
    const int count = read_u16(font->data + 4);
    int kept = 0;
    for (int i = 0; i < count && kept < TABLES_MAX; i++) {
        const size_t at = SFNT_HEADER + (size_t)i * SFNT_ENTRY;
        if (at + SFNT_ENTRY > font->size) return 0;
        const uint8_t *entry = font->data + at;
        Table table = {.checksum = read_u32(entry + 4), .offset = read_u32(entry + 8), .length = read_u32(entry + 12)};
        if (!is_wanted(entry)) continue;
        if (table.offset > font->size || table.length > font->size - table.offset) return 0;
        memcpy(table.tag, entry, 4);
        tables[kept++] = table;
    }
    return kept;
}

/* Appends the table's bytes, deflated where that is shorter, padded to 4; returns how many count. */
static uint32_t append_table(const FontData *font, const Table *table, TextBuffer *out) {
    uLongf packed = compressBound(table->length);
    uint8_t *bytes = mem_alloc(packed > 0 ? packed : 1);
    if (!bytes) {
        out->failed = true;
        return 0;
    }
    const uint8_t *from = font->data + table->offset;
    uint32_t size = table->length;
    if (compress2(bytes, &packed, from, table->length, Z_BEST_COMPRESSION) == Z_OK && packed < table->length) {
        size = (uint32_t)packed;
        from = bytes;
    }
    text_append_bytes(out, (const char *)from, size);
    text_append_bytes(out, "\0\0\0", (4 - size % 4) % 4);
    mem_free(bytes);
    return size;
}

Status export_woff(const FontData *font, TextBuffer *out, Error *err) {
    Table tables[TABLES_MAX];
    const int count = read_directory(font, tables);
    if (count == 0) return error_set(err, STATUS_UNSUPPORTED, "this font cannot be embedded");
    uint32_t total = SFNT_HEADER + (uint32_t)count * SFNT_ENTRY;
    for (int i = 0; i < count; i++)
        total += (tables[i].length + 3) & ~UINT32_C(3);
    const size_t start = out->length;
    text_append_bytes(out, "wOFF", 4);
    text_append_bytes(out, (const char *)font->data, 4); /* flavour */
    append_u32(out, 0);                                  /* length, below */
    append_u16(out, (unsigned)count);
    append_u16(out, 0);
    append_u32(out, total);
    for (int i = 0; i < 6; i++)
        append_u32(out, i == 0 ? 0x00010000 : 0); /* version; no metadata, no private data */
    const size_t directory = out->length;
    for (int i = 0; i < count * WOFF_ENTRY / 4; i++)
        append_u32(out, 0);
    for (int i = 0; i < count && !out->failed; i++) {
        const size_t offset = out->length - start;
        const uint32_t size = append_table(font, &tables[i], out);
        uint8_t *entry = (uint8_t *)out->text + directory + (size_t)i * WOFF_ENTRY;
        memcpy(entry, tables[i].tag, 4);
        put_u32(entry + 4, (uint32_t)offset);
        put_u32(entry + 8, size);
        put_u32(entry + 12, tables[i].length);
        put_u32(entry + 16, tables[i].checksum);
    }
    if (out->failed) return error_set(err, STATUS_MEMORY, "not enough memory to embed a font");
    put_u32((uint8_t *)out->text + start + 8, (uint32_t)(out->length - start));
    return STATUS_OK;
}
