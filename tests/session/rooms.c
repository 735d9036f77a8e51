#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "session/rooms.h"
#include "session/synth.h"

App *bare(void) {
    static App *app;
    Error err = {0};
    if (app) return app;
    app = mem_alloc_zeroed(1, sizeof *app);
    assert_non_null(app);
    if (program_begin(app, ROOM, &err) != STATUS_OK) fail_msg("%s", err.message);
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

void test_write_dense(const char *path, int64_t tokens, int layers, int heads) {
    const SynthParams params = {.tokens = tokens, .layers = layers, .heads = heads, .causal = true};
    const int64_t shape[4] = {1, heads, tokens, tokens};
    float *row = malloc((size_t)tokens * sizeof *row);
    uint16_t *half = malloc((size_t)tokens * sizeof *half);
    SafetensorsWriter *writer;
    assert_true(row && half);
    assert_int_equal(capture_writer_open(path, &writer, NULL), STATUS_OK);
    assert_int_equal(capture_writer_metadata(writer, "attn.schema", "1", NULL), STATUS_OK);
    assert_int_equal(capture_writer_metadata(writer, "attn.causal", "true", NULL), STATUS_OK);
    for (int layer = 0; layer < layers; layer++) {
        char name[64];
        snprintf(name, sizeof name, "blocks.%d.attn.hook_pattern", layer);
        assert_int_equal(capture_writer_declare(writer, name, DTYPE_F16, 4, shape, NULL), STATUS_OK);
    }
    for (int64_t i = 0; i < layers * heads * tokens; i++) {
        synth_weights_row(&params, (int)(i / tokens / heads), (int)(i / tokens % heads), i % tokens, row);
        f16_from_f32_array(row, half, (size_t)tokens);
        assert_int_equal(capture_writer_write(writer, half, (size_t)tokens * sizeof *half, NULL), STATUS_OK);
    }
    assert_int_equal(capture_writer_commit(writer, NULL), STATUS_OK);
    free(row);
    free(half);
}
