/* What the verbs that read a capture without a window share. */
#ifndef ATTNSCOPE_CLI_CLI_COMMON_H
#define ATTNSCOPE_CLI_CLI_COMMON_H

#include "capture/capture.h"
#include "session/options.h"

/* Progress on standard error, only where that is a terminal; cli_progress_end clears the line. */
Progress cli_progress(void);
void cli_progress_end(void);
/* Files of one capture, or "demo:NAME". */
Status cli_open(const char *const *paths, size_t count, const char *axes, Capture **out, Error *err);
/* "0-5, 7" */
void cli_layer_list(const SetInfo *set, TextBuffer *out);
/* By name, and by number as in the model. STATUS_NOT_FOUND says which there are. */
Status cli_find_set(const Capture *capture, const char *name, int *set, Error *err);
Status cli_find_layer(const SetInfo *set, int64_t number, int *layer, Error *err);

#endif
