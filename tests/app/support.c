#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <link.h>

#include "test_app.h"

static int pin(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    (void)user;
    if (info->dlpi_name && info->dlpi_name[0]) (void)dlopen(info->dlpi_name, RTLD_NOLOAD | RTLD_LAZY | RTLD_NODELETE);
    return 0;
}

void test_keep_drivers_loaded(void) {
    dl_iterate_phdr(pin, NULL);
}

void test_frames_until_quiet(App *app, const FrameParams *params, int most) {
    for (int i = 0; i < most; i++) {
        bool any;
        app_take_results(app, UINT64_MAX, &any);
        app_frame_build(app, params);
        app_submit_wants(app, true);
        if (!any && i > 5 && app->work.wants.count == 0 && tiles_scheduler_idle(app->machine.scheduler)) return;
        clock_sleep_ns(1000000);
    }
    fail_msg("work never came to an end");
}
