/* Stills: the view as a PNG of any size, SVG or PDF, with what is needed to open it again; and numbers as files. */
#ifndef ATTNSCOPE_SESSION_STILL_H
#define ATTNSCOPE_SESSION_STILL_H

#include "session/view_options.h"

#define STILL_SIDE_MAX 32768 /* pixels */

/* ---- still.c : the view -> a file ------------------------------------------------------------ */

typedef struct StillParams {
    FrameParams frame;
    bool exact;       /* wait until it is */
    bool transparent; /* without ground */
    bool anonymous;   /* nothing about the capture in the file */
    Progress progress;
} StillParams;
/* The format is the name's: .png (drawn part by part where it is large: memory does not depend on its size), .svg,
 * .pdf. The file appears when it is complete. */
Status still_write(App *app, const char *path, const StillParams *params, Error *err);
/* Whether the name ends in one of them. */
bool still_can_write(const char *path);

/* ---- still_view.c : what a picture says about its view --------------------------------------- */

/* One line about what is shown, for titles. */
void still_title(const App *app, char *out, size_t out_size);
/* The file the open capture (0) or the reference (1) came from, so that other folders find it; "demo:NAME". */
void still_capture_path(const App *app, int which, char *out, size_t out_size);
/* Reads the view out of a PNG: fills those of `options` that are not set, and, with `find`, says where the capture
 * is that it showed. Strings live until the next call. Only view options are taken; anything else in the picture's
 * text is STATUS_FORMAT. */
Status still_read_view(const char *picture, ViewOptions *options, const char **capture, bool find, Error *err);
/* Opens a picture's capture and view in the running program. */
Status still_open_picture(App *app, const char *picture, Error *err);

#endif
