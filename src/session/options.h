/* Command-line options after GNU conventions: --name VALUE, --name=VALUE, -o VALUE, flags, `--` ends options. */
#ifndef ATTNSCOPE_SESSION_OPTIONS_H
#define ATTNSCOPE_SESSION_OPTIONS_H

#include "base/base.h"

typedef struct Option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    const char *arg;  /* what the value is called in --help; NULL: a flag */
    const char *help;
    const char **value; /* with arg: where the value goes (borrows argv) */
    bool *flag;         /* without */
} Option;

/* Sorts argv into options and the rest. STATUS_USAGE with a sentence for an unknown option, a missing value, a value
 * for a flag or more than `rest_max` other arguments. */
Status options_parse(const Option *options, size_t option_count, int argc, char **argv, const char **rest,
                     size_t rest_max, size_t *rest_count, Error *err);
/* One line an option. */
void options_print(const Option *options, size_t option_count, FILE *out);
/* Numbers with a sentence that names the option. */
Status options_i64(const char *option, const char *text, int64_t least, int64_t most, int64_t *out, Error *err);
/* "512M", "1GiB", "65536" -> bytes. */
Status options_bytes(const char *option, const char *text, size_t *out, Error *err);
/* "1280x720"; the second for pictures, which may be larger than any window. */
Status options_size(const char *option, const char *text, int *width, int *height, Error *err);
Status options_size_within(const char *option, const char *text, int most, int *width, int *height, Error *err);

/* Exit codes of UX: 0 ok, 1 usage or start-up, 2 a file failed, 3 some failed. */
enum { EXIT_OK = 0, EXIT_USAGE = 1, EXIT_FILE = 2, EXIT_SOME = 3 };
/* Prints "attnscope: FILE: sentence" and gives the exit code that belongs to err->status. */
int options_fail(const Error *err);

#endif
