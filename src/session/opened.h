/* Captures that are open. */
#ifndef ATTNSCOPE_SESSION_OPENED_H
#define ATTNSCOPE_SESSION_OPENED_H

#include "tiles/tiles.h"

#define APP_PATH_SIZE 4096

/* A capture and what belongs to its opening. */
typedef struct OpenCapture {
    Capture *capture;
    uint32_t serial;
    DiskStore *disk; /* NULL: nothing is kept */
    char path[APP_PATH_SIZE];
    char *paths; /* all that it was opened from, each with its NUL; NULL for a reference */
    size_t paths_size, path_count;
    uint64_t sign; /* of its files before they were read (watch.h) */
    bool is_demo;
    char demo_name[64];
} OpenCapture;

typedef struct Opened {
    OpenCapture captures[2]; /* the open one, the reference */
    uint32_t next_serial, difference_serial;
    bool again;    /* the same files are read again: what was set up for them stays */
    char axes[16]; /* as given by --axes; "": told from the file */
} Opened;

#endif
