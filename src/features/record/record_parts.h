/* What the files of recording share. */
#ifndef ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H
#define ATTNSCOPE_FEATURES_RECORD_RECORD_PARTS_H

#include "features/record/record.h"

/* cmd_record.c: CAPTURE-WHAT-TIME.ending in the current folder, free of characters that file systems dislike. */
void record_default_name(const App *app, const char *what, const char *ending, char *out, size_t out_size);
/* True when the event was an answer, or there is a question and it must not reach anything else. */
bool record_event(App *app, const InputEvent *event);
/* Before quitting: true when something is being recorded, and the person was asked. */
bool record_asks_to_stay(App *app);
extern const Command RECORD_COMMANDS[];

/* record_tour.c, record_tour_write.c: of the part TOUR. */
void record_tour_tick(App *app, uint64_t now);
uint64_t record_tour_next_ns(const App *app, uint64_t now); /* UINT64_MAX: never */
void record_tour_note_command(App *app, const Command *command, const char *args);

#endif
