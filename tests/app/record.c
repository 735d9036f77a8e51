/* Tours through the whole program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/record/record.h"
#include "scenes/grid/grid.h"
#include "test_app.h"

enum { WIDTH = 24, HEIGHT = 10 };

typedef struct Stage {
    App app;
    ManualClock clock;
    FrameParams params;
} Stage;

static void open_scene(Stage *scene) {
    Error err = {0};
    const AppParams params = {.mode = PLATFORM_OFFSCREEN, .width = WIDTH, .height = HEIGHT, .workers = 1};
    if (program_open(&scene->app, &CATALOG, &params, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->clock.now_ns = UINT64_C(5000000000);
    scene->app.machine.clock = clock_manual(&scene->clock);
    scene->params = frame_window_params(&scene->app);
}

static void close_scene(Stage *scene) {
    program_close(&scene->app);
    free(scene);
}

static void test_a_zoom_goes_at_a_steady_rate_and_keeps_its_fixed_point(void **state) {
    (void)state;
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    RecordTour *tour;
    open_scene(scene);
    App *app = &scene->app;
    const char *demo[] = {"demo:jabberwocky"};
    if (captures_open(app, demo, 1, &err) != STATUS_OK) fail_msg("%s", err.message);
    scene->params.width = scene->params.height = 400;
    scene->params.bare = true;
    scene->params.chrome = false;
    frame_build(app, &scene->params);
    /* From 64 tokens to 4 about a point that is not the middle: at half the time 16 are in view, and where the two
     * rectangles have the same place on the screen, that token stays. */
    assert_int_equal(commands_run(app, "camera 0:64,0:64", &err), STATUS_OK);
    assert_int_equal(record_tour_parse(bare(), "0..2 linear camera 15:19,15:19\n3 end\n", "t", &tour, &err), STATUS_OK);
    RecordTourPlayer *player = record_tour_player_new(tour);
    const double edge_start = 0, edge_end = 15, width_start = 64, width_end = 4;
    const double fixed = (edge_start * width_end - edge_end * width_start) / (width_end - width_start);
    double before = 64;
    for (int i = 0; i <= 30; i++) {
        double q0, q1, k0, k1;
        assert_int_equal(record_tour_play(app, player, i / 10.0, &err), STATUS_OK);
        views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / app->picture.layout.scale,
                             app->picture.result.plot.h / app->picture.layout.scale, &q0, &q1, &k0, &k1);
        const double t = fmin(1, i / 20.0), wanted = 64 * pow(4.0 / 64, t);
        assert_true(fabs(k1 - k0 - wanted) < 1e-6 * wanted && fabs(q1 - q0 - wanted) < 1e-6 * wanted);
        assert_true((fixed - k0) / (k1 - k0) - fixed / 64 < 1e-6 && (fixed - k0) / (k1 - k0) - fixed / 64 > -1e-6);
        assert_true(k1 - k0 <= before + 1e-9);
        before = k1 - k0;
    }
    record_tour_player_drop(player);
    record_tour_drop(tour);
    close_scene(scene);
}

/* What is seen and chosen, as far as anybody outside can tell. */
static void remember(Stage *scene, TextBuffer *out) {
    App *app = &scene->app;
    Error err = {0};
    if (work_settle(app, &scene->params, UINT64_C(60000000000), &err) != STATUS_OK) fail_msg("%s", err.message);
    state_json(app, out);
    const char *machine = strstr(out->text, "\"recompute\":"); /* from there on: what it took, not what is seen */
    assert_non_null(machine);
    out->length = (size_t)(machine - out->text);
    text_appendf(out, "%d %.9g %.9g", grid_of(app)->state.selected_count, grid_of(app)->state.camera.q,
                 grid_of(app)->state.camera.points_q);
    assert_false(out->failed);
}

/* A tour that goes to another view and moves within it is recorded: everything is found as it was. */
static void test_a_recorded_tour_leaves_everything_as_it_was(void **state) {
    char folder[] = "/tmp/attnscope-tour-XXXXXX", command[64];
    (void)state;
    static const char TEXT[] = "0 view matrix; find the; layer 1; head +1; pin 3,2; theme light; select-cells 1:4,2:5\n"
                               "0..0.2 linear camera 2:9,1:8\n"
                               "0.2 pin clear; view grid; layer 3; head +1; select toggle; zoom 2; pan 40,30\n"
                               "0.3 grid-range common; view matrix; back; find-next; view grid; layer 0\n0.4 end\n";
    static const char *const FROM[] = {
        "view matrix; layer 2; heads mean; fit",
        "view matrix; layer 2; heads 1; camera 4:20,3:19; pin 5,4; select-cells 2:6,1:3; "
        "find he; find-next; theme light",
        "view grid; layer 2; head +1; select toggle; zoom 3; grid-range head"};
    Stage *scene = calloc(1, sizeof *scene);
    Error err = {0};
    open_scene(scene);
    App *app = &scene->app;
    char path[128], frames[128];
    const char *demo[] = {"demo:jabberwocky"};
    if (captures_open(app, demo, 1, &err) != STATUS_OK) fail_msg("%s", err.message);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tour.txt", folder);
    snprintf(frames, sizeof frames, "%s/frames", folder);
    assert_int_equal(file_write_all(path, TEXT, strlen(TEXT), NULL), STATUS_OK);
    scene->params.width = 500;
    scene->params.height = 400;
    for (size_t i = 0; i < BASE_COUNT(FROM); i++) {
        TextBuffer before = {0}, after = {0};
        RecordSweepParams params = {.kind = SWEEP_TOUR, .tour = path, .path = frames, .replace = true, .fps = 20};
        RecordSweepReport report;
        frame_build(app, &scene->params);
        if (commands_run_script(app, FROM[i], &err) != STATUS_OK) fail_msg("%s", err.message);
        remember(scene, &before);
        params.frame = scene->params;
        if (record_sweep(app, &params, &report, &err) != STATUS_OK) fail_msg("%s", err.message);
        assert_int_equal(report.summary.frames, 8);
        text_buffer_free(&report.stops);
        finish_chores(app);
        remember(scene, &after);
        size_t same = 0;
        while (after.text[same] && after.text[same] == before.text[same])
            same++;
        if (after.text[same] || before.text[same])
            fail_msg("from '%s': %.80s, and was %.80s", FROM[i], after.text + same, before.text + same);
        text_buffer_free(&before);
        text_buffer_free(&after);
    }
    close_scene(scene);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void test_tours_do_not_reach_files(void **state) {
    (void)state;
    static const char *const NEVER[] = {"open", "screenshot", "state", "record", "sweep", "tour",   "tour-record",
                                        "quit", "key",        "wheel", "ask",    "copy",  "export", "answer"};
    int allowed = 0;
    for (int i = 0; i < bare()->commands.count; i++) {
        const Command *command = bare()->commands.items[i].row;
        const bool may = record_tour_allows(command);
        allowed += may;
        for (size_t j = 0; j < BASE_COUNT(NEVER); j++) {
            if (may && !strcmp(command->name, NEVER[j])) fail_msg("a tour may run '%s'", command->name);
        }
    }
    assert_true(allowed > 20);
}

int test_record_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_zoom_goes_at_a_steady_rate_and_keeps_its_fixed_point),
        cmocka_unit_test(test_a_recorded_tour_leaves_everything_as_it_was),
        cmocka_unit_test(test_tours_do_not_reach_files),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
