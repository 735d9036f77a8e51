/* What the files of recording share. */
#ifndef ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H
#define ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H

#include "features/record/record.h"

/* cmd_record.c: CAPTURE-WHAT-TIME.ending in the current folder, free of characters that file systems dislike. */
void record_default_name(const App *app, const char *what, const char *ending, char *out, size_t out_size);

/* record_kept.c: which view is shown, what is looked at, and what parts and scenes keep (StateKey.kept). */
typedef struct RecordKept {
    Shown shown;
    Look look;
    HeadMemory memory;
    float scale;
    bool light, panels;
    void *states;
} RecordKept;
Status record_keep(const App *app, RecordKept *kept, Error *err);
/* As often as needed, while the same captures are open. */
void record_put_back(App *app, const RecordKept *kept);
void record_kept_free(RecordKept *kept);

/* record_live.c: of the part RECORD. */
uint64_t record_live_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
void record_live_close(App *app);                           /* completes what is being recorded */

/* record_tour.c, record_tour_write.c: of the part TOUR. */
void record_tour_tick(App *app, uint64_t now);
uint64_t record_tour_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
void record_tour_note_command(App *app, const Command *command, const char *args);

#endif
