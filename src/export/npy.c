/* NPY 1.0: magic, version, length, a Python dictionary padded so that the data is aligned (numpy.lib.format). */
#include "export/internal.h"

#include <string.h>

#define ALIGNMENT 64
#define PREFIX 10 /* magic, version, length of what follows */

size_t export_npy_header(int64_t rows, int64_t columns, int depth, char out[EXPORT_NPY_HEADER_MAX]) {
    char shape[64], text[EXPORT_NPY_HEADER_MAX];
    if (depth > 0)
        snprintf(shape, sizeof shape, "(%lld, %lld, %d)", (long long)rows, (long long)columns, depth);
    else
        snprintf(shape, sizeof shape, "(%lld, %lld)", (long long)rows, (long long)columns);
    const int used = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
    const size_t total = ((size_t)used + PREFIX + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(out, ' ', total);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((total - PREFIX) & 255);
    out[9] = (char)((total - PREFIX) >> 8);
    memcpy(out + PREFIX, text, (size_t)used);
    out[total - 1] = '\n';
    return total;
}

const ExportWriter NPY_WRITER = {.ending = ".npy", .kind = EXPORT_NUMBERS};
