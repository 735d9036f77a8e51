/* How far the small pictures of heads are scrolled. */
#include "features/thumbs.h"
#include "features/parts.h"

#include <math.h>

int *thumbs_scroll(const App *app) {
    return part_state(app, &THUMBS);
}

static void capture_opened(App *app) {
    if (!app->opened.again) *thumbs_scroll(app) = 0;
}

const Part THUMBS = {.name = "thumbs", .size = sizeof(int), .capture_opened = capture_opened};
