/* export, inside: what its .c files share. Nobody outside this folder includes this. */
#ifndef ATTNSCOPE_EXPORT_INTERNAL_H
#define ATTNSCOPE_EXPORT_INTERNAL_H

#include "export/export.h"

extern const ExportWriter PNG_WRITER, SVG_WRITER, PDF_WRITER, NPY_WRITER;

#endif
