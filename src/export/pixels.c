#include "export/export.h"

Status export_pixels_rows(ExportPixels *pixels, const uint8_t *rgba, int rows, Error *err) {
    return pixels->ops->rows(pixels, rgba, rows, err);
}

Status export_pixels_commit(ExportPixels *pixels, Error *err) {
    return pixels->ops->commit(pixels, err);
}

void export_pixels_discard(ExportPixels *pixels) {
    if (pixels) pixels->ops->discard(pixels);
}
