/* cmocka, the groups of this folder, and what they share. */
#ifndef TEST_FORMATS_H
#define TEST_FORMATS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/files.h"
#include "formats/internal.h"

int test_bytes_group(void);
int test_formats_group(void);
int test_names_group(void);
int test_token_text_group(void);
int test_npy_group(void);
int test_npz_group(void);
int test_safetensors_group(void);

/* ---- support.c ------------------------------------------------------------------------------- */

/* Opens bytes, and makes all arrays ready to be read; NULL where they are refused. Released by close_file. */
Container *open_memory(const void *data, size_t size, const char *name, Error *err);
void close_file(Container *container); /* NULL is allowed */
/* Must fail; the sentence must contain `word`, and is left in *err. */
Status refuse_memory(const void *data, size_t size, const char *name, const char *word, Error *err);
/* Reads the ends of every array. */
void look_around(const Container *container);

#endif
