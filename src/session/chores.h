/* Chores: small work off the GL thread whose end the window waits for, such as listing a folder or searching tokens. */
#ifndef ATTNSCOPE_SESSION_CHORES_H
#define ATTNSCOPE_SESSION_CHORES_H

#include "session/machine.h"

typedef struct App App;

typedef struct Chore {
    void (*run)(void *data);            /* on the worker; touches nothing but *data */
    void (*done)(App *app, void *data); /* on the GL thread, afterwards; takes over *data */
    void (*discard)(void *data);        /* instead of `done` when the program ends first */
    void *data;
} Chore;

/* One thread; chores are done in their order. *out is released by chores_drop. `wake` is called by the worker. */
Status chores_new(void (*wake)(void *user), void *user, bool low_priority, Chores **out, Error *err);
/* Waits for the chore that runs; discards the rest. NULL is allowed. */
void chores_drop(Chores *chores);
/* False without memory: the chore was discarded. */
bool chores_post(Chores *chores, const Chore *chore);
/* Calls `done` for what has ended; true when there was any. */
bool chores_finish(Chores *chores, App *app);
/* Nothing is waiting, running or ended and not yet finished. */
bool chores_idle(Chores *chores);

#endif
