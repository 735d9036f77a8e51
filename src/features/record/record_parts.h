/* What the files of recording share. */
#ifndef ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H
#define ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H

#include "features/record/record.h"

/* cmd_record.c: CAPTURE-WHAT-TIME.ending in the current folder, free of characters that file systems dislike. */
void record_default_name(const App *app, const char *what, const char *ending, char *out, size_t out_size);

/* record_live.c: of the part RECORD. */
uint64_t record_live_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
void record_live_close(App *app);                           /* completes what is being recorded */

/* record_tour.c, record_tour_write.c: of the part TOUR. */
void record_tour_tick(App *app, uint64_t now);
uint64_t record_tour_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
void record_tour_note_command(App *app, const Command *command, const char *args);

#endif
