/* What holds of every scene, whatever it draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "session/demo.h"
#include "session/rooms.h"
#include "test_scenes.h"

#define SETTLE_NS UINT64_C(60000000000)

static void expect_scene(App *app, const Scene *scene) {
    Error err = {0};
    char title[300] = "";
    TextBuffer json = {0};
    FrameParams params = frame_window_params(app);
    scene_show(app, scene);
    assert_ptr_equal(app->shown.scene, scene);
    for (int look = 0; look < 3; look++) { /* a window, a figure, bare */
        params.chrome = look == 0;
        params.bare = look == 2;
        if (work_settle(app, &params, SETTLE_NS, &err) != STATUS_OK) fail_msg("%s: %s", scene->name, err.message);
        assert_true(app->picture.list.count > 0 && !app->picture.list.failed);
        assert_false(app->picture.result.missing || app->picture.result.pending);
    }
    scene->words.title(app, title, sizeof title);
    assert_true(title[0]);
    if (scene->json) {
        scene->json(app, &json);
        assert_true(json.length > 2 && json.text[0] == '"' && json.text[json.length - 1] == ',');
    }
    text_buffer_free(&json);
    if (scene->mouse.leave) scene->mouse.leave(app);
}

static const char CHAT[] =
    "{\"choices\": [{\"index\": 0, \"message\": {\"content\": \"Hi yo\"}, \"logprobs\": {\"content\": ["
    "{\"token\": \"Hi\", \"logprob\": -0.5, \"top_logprobs\": [{\"token\": \"Oh\", \"logprob\": -2.5}]},"
    "{\"token\": \" yo\", \"logprob\": -1.5, \"top_logprobs\": []}]}}]}";

/* What each of the scenes has something to show of is drawn by it. */
static void draw_capture(App *app, const char *path, int *shown) {
    Error err = {0};
    if (captures_open(app, &path, 1, &err) != STATUS_OK) fail_msg("%s: %s", path, err.message);
    for (int s = 0; ROOM->scenes[s]; s++) {
        if (!scene_shows(app, ROOM->scenes[s])) continue;
        expect_scene(app, ROOM->scenes[s]);
        shown[s]++;
    }
}

static void test_every_scene_draws_what_it_shows(void **state) {
    (void)state;
    App *app = calloc(1, sizeof *app);
    Error err = {0};
    int shown[8] = {0};
    char path[100];
    const AppParams params = {.mode = PLATFORM_OFFSCREEN, .width = 1000, .height = 700, .no_vsync = true};
    if (program_open(app, ROOM, &params, &err) != STATUS_OK) fail_msg("%s", err.message);
    for (int i = 0; i < demo_count(); i++) {
        snprintf(path, sizeof path, "demo:%s", demo_at(i)->name);
        draw_capture(app, path, shown);
    }
    snprintf(path, sizeof path, "/tmp/attnscope-scenes-%ld.json", (long)getpid());
    assert_int_equal(file_write_all(path, CHAT, sizeof CHAT - 1, NULL), STATUS_OK);
    draw_capture(app, path, shown);
    unlink(path);
    for (int s = 0; ROOM->scenes[s]; s++)
        assert_true(shown[s] > 0);
    program_close(app);
    free(app);
}

static void test_without_a_capture(void **state) {
    (void)state;
    for (const Scene *const *scene = ROOM->scenes; *scene; scene++) {
        Error err = {0};
        bare()->shown.scene = *scene;
        assert_false(scene_shows(bare(), *scene));
        if ((*scene)->copy) assert_int_not_equal((*scene)->copy(bare(), &err), STATUS_OK);
        if ((*scene)->mouse.leave) (*scene)->mouse.leave(bare());
    }
    bare()->shown.scene = ROOM->scenes[0];
}

int test_scenes_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scene_draws_what_it_shows),
        cmocka_unit_test(test_without_a_capture),
    };
    return cmocka_run_group_tests_name("scenes", tests, NULL, NULL);
}
