/* Where attention is computed from Q and K (recompute.c). */
#ifndef ATTNSCOPE_SESSION_RECOMPUTE_H
#define ATTNSCOPE_SESSION_RECOMPUTE_H

#include "session/app.h"

Status recompute_parse(const char *text, RecomputeMode *out, Error *err);
/* After the scheduler and the GPU are open. */
Status recompute_init(App *app, RecomputeMode mode, Error *err);
void recompute_close(App *app); /* after the scheduler is dropped, before the GPU is closed */
/* A capture was opened, or nothing is to do (idle): measures and chooses, once. */
void recompute_choose(App *app, bool idle);
/* Goes on with what workers handed over; UINT64_MAX: nobody waits for a frame. */
void recompute_step(App *app, uint64_t budget_ns);
/* For people: "attention from Q and K  CPU, avx512;  GPU 1.9, CPU 140 GFLOP/s". */
void recompute_describe(const App *app, char *out, size_t out_size);
void recompute_json(const App *app, TextBuffer *out); /* "recompute":{...} */

extern const Property RECOMPUTE_PROPERTIES[];

#endif
