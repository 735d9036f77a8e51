/* Who writes a file, told by its name. Text of cells is put together by those who have them, and a capture by capture. */
#include "export/internal.h"

#include <string.h>

static const ExportWriter TSV_WRITER = {.ending = ".tsv", .kind = EXPORT_TABLE, .separator = '\t'};
static const ExportWriter CSV_WRITER = {.ending = ".csv", .kind = EXPORT_TABLE, .separator = ','};
static const ExportWriter SAFETENSORS_WRITER = {
    .ending = ".safetensors", .kind = EXPORT_CAPTURE, .capture = capture_convert};

/* In the order in which people are told of them. */
static const ExportWriter *const WRITERS[] = {&PNG_WRITER, &SVG_WRITER, &PDF_WRITER,         &TSV_WRITER,
                                              &CSV_WRITER, &NPY_WRITER, &SAFETENSORS_WRITER, NULL};

const ExportWriter *export_writer(const ExportWriter *const *writers, const char *path, int kinds) {
    for (writers = writers ? writers : WRITERS; *writers; writers++)
        if (((int)(*writers)->kind & kinds) && text_ends_with(path, (*writers)->ending)) return *writers;
    return NULL;
}

static void put(char *out, size_t out_size, const char *separator, const char *text) {
    const size_t length = strlen(out);
    snprintf(out + length, out_size - length, "%s%s", length > 0 ? separator : "", text);
}

const char *export_endings(const ExportWriter *const *writers, int kinds, char *out, size_t out_size) {
    const char *held = NULL; /* one behind, since the last is joined by "or" */
    out[0] = '\0';
    for (writers = writers ? writers : WRITERS; *writers; writers++) {
        if (!((int)(*writers)->kind & kinds)) continue;
        if (held) put(out, out_size, ", ", held);
        held = (*writers)->ending;
    }
    if (held) put(out, out_size, " or ", held);
    return out;
}
