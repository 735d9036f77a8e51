/* How far the small pictures of heads are scrolled. */
#include "features/thumbs.h"
#include "features/parts.h"

#include <math.h>

static const StateKey STATE = {.size = sizeof(int), .kept = sizeof(int)};

int *thumbs_scroll(const App *app) {
    return app_state(app, &STATE);
}

static void capture_opened(App *app) {
    if (!app->opened.again) *thumbs_scroll(app) = 0;
}

const Part THUMBS = {.name = "thumbs", .state = &STATE, .capture_opened = capture_opened};
