#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_app.h"

App *bare(void) {
    static App *app;
    Error err = {0};
    if (app) return app;
    app = mem_alloc_zeroed(1, sizeof *app);
    assert_non_null(app);
    if (program_begin(app, &CATALOG, &err) != STATUS_OK) fail_msg("%s", err.message);
    return app;
}

void test_frames_until_quiet(App *app, const FrameParams *params, int most) {
    for (int i = 0; i < most; i++) {
        bool any;
        work_take_results(app, UINT64_MAX, &any);
        frame_build(app, params);
        work_submit_wants(app, true);
        if (!any && i > 5 && app->work.wants.count == 0 && tiles_scheduler_idle(app->machine.scheduler)) return;
        clock_sleep_ns(1000000);
    }
    fail_msg("work never came to an end");
}
