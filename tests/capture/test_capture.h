/* cmocka, the groups of this folder, and what they share. */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/internal.h"
#include "formats/files.h"

int test_fixtures_group(void);
int test_refused_group(void);
int test_tokens_group(void);
int test_rows_group(void);
int test_captures_group(void);
int test_writer_group(void);
int test_torch_group(void);
int test_json_group(void);
int test_convert_group(void);
int test_hdf5_group(void);
int test_inputs_group(void);
int test_check_group(void);
int test_strip_group(void);

/* ---- support.c ------------------------------------------------------------------------------- */

/* Runs make_fixtures.py with a Python that has NumPy. False, with a message, when there is none. */
bool make_fixtures(void);
/* "FOLDER/name" of the fixtures; a few calls may be alive at once. */
const char *fixture(const char *name);
/* Opens or fails the test with the sentence. */
Capture *open_path(const char *path);
Capture *open_fixture(const char *name);
Capture *open_fixtures(const char *names); /* up to four of one capture, "a+b" */
/* Opens with the first allocation failing, the second, and so on until it opens: each time STATUS_MEMORY, no capture. */
void open_without_memory(const char *path);
/* Must fail; the sentence must contain `word`, and is left in *err. */
Status refuse_memory(const void *data, size_t size, const char *name, const char *word, Error *err);
Status refuse_path(const char *path, const char *word, Error *err);
/* Opens bytes; NULL where they are refused. */
Capture *open_memory(const void *data, size_t size, const char *name, Error *err);
/* Reads some of every pattern, as a person would who looks around; all must come back or fail cleanly. */
void look_around(const Capture *capture);
bool has_note(const Capture *capture, const char *word);

#endif
