/* Ends of the small work: what chores have done is taken over. */
#include "session/app.h"
#include "session/chores.h"

#define SETTLE_SLEEP_NS UINT64_C(500000)

bool finish_ready_chores(App *app) {
    bool any = false;
    for (int i = 0; i < CHORES_COUNT; i++)
        any |= chores_finish(app->machine.chores[i], app);
    app->pace.redraw |= any;
    return any;
}

static void finish(App *app, Chores *chores) {
    while (!chores_idle(chores)) {
        if (!finish_ready_chores(app)) clock_sleep_ns(SETTLE_SLEEP_NS);
    }
}

void finish_chores(App *app) {
    for (int i = 0; i < CHORES_WRITE; i++)
        finish(app, app->machine.chores[i]);
}

void finish_search(App *app) {
    finish(app, app->machine.chores[CHORES_SEARCH]);
}
