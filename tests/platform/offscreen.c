/* A context without a display: really drawn to and read back, with the few functions loaded by hand. Also what a person
 * without a display is told, and waiting and waking across threads. */
#include "test_platform.h"

#include "platform/internal.h"

#ifdef ATTNSCOPE_KEEP_LOADED
#include <dlfcn.h>
#include <link.h>
#endif
#include <stdlib.h>
#include <string.h>

typedef struct Gl {
    const unsigned char *(*get_string)(unsigned name);
    void (*get_integer)(unsigned name, int *out);
    void (*clear_color)(float r, float g, float b, float a);
    void (*clear)(unsigned mask);
    void (*read_pixels)(int x, int y, int w, int h, unsigned format, unsigned type, void *out);
    unsigned (*get_error)(void);
} Gl;

enum { GL_VERSION_NAME = 0x1F02, GL_MAJOR = 0x821B, GL_MINOR = 0x821C, GL_PROFILE = 0x9126, GL_FLAGS = 0x821E };
enum { GL_COLOR_BIT = 0x4000, GL_RGBA_FORMAT = 0x1908, GL_BYTES = 0x1401, CORE_BIT = 1, DEBUG_BIT = 2 };

static void load(void *out, const char *name) {
    PlatformProc proc = platform_gl_proc(name);
    assert_non_null(proc);
    memcpy(out, &proc, sizeof(proc));
}

static Gl load_gl(void) {
    Gl gl;
    load(&gl.get_string, "glGetString");
    load(&gl.get_integer, "glGetIntegerv");
    load(&gl.clear_color, "glClearColor");
    load(&gl.clear, "glClear");
    load(&gl.read_pixels, "glReadPixels");
    load(&gl.get_error, "glGetError");
    return gl;
}

static void draw_and_read_back(const Gl *gl, int width, int height) {
    int major = 0, minor = 0, profile = 0;
    gl->get_integer(GL_MAJOR, &major);
    gl->get_integer(GL_MINOR, &minor);
    gl->get_integer(GL_PROFILE, &profile);
    assert_true(major > 3 || (major == 3 && minor >= 3));
    assert_int_equal(profile & CORE_BIT, CORE_BIT);
    gl->clear_color(1.0f, 0.4f, 0.2f, 1.0f);
    gl->clear(GL_COLOR_BIT);
    unsigned char corner[4] = {0};
    gl->read_pixels(width - 1, height - 1, 1, 1, GL_RGBA_FORMAT, GL_BYTES, corner);
    assert_int_equal(gl->get_error(), 0);
    assert_int_equal(corner[0], 255);
    assert_int_equal(corner[1], 102);
    assert_int_equal(corner[2], 51);
}

static void check_sizes(const Platform *platform, int width, int height) {
    int sizes[4] = {0};
    platform_size(platform, &sizes[0], &sizes[1], &sizes[2], &sizes[3]);
    assert_int_equal(sizes[0], width);
    assert_int_equal(sizes[1], height);
    assert_int_equal(sizes[2], width);
    assert_int_equal(sizes[3], height);
    platform_size(platform, NULL, NULL, NULL, NULL);
}

static void test_offscreen(void **state) {
    (void)state;
    assert_null(platform_gl_proc("glClear"));
    for (int turn = 0; turn < 2; turn++) { /* and again after closing */
        PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = turn ? 0 : 320, .height = turn ? 0 : 200};
        Platform *platform = NULL, *second = NULL;
        Error err = {0};
        if (platform_open(&params, &platform, &err) != STATUS_OK) {
            fail_msg("%s", err.message);
        }
        int width = turn ? 1280 : 320, height = turn ? 720 : 200;
        print_message("driver %s\n", platform_driver(platform));
        Gl gl = load_gl();
        draw_and_read_back(&gl, width, height);
        check_sizes(platform, width, height);
        assert_false(platform_is_window(platform));
        assert_int_equal(platform_open(&params, &second, &err), STATUS_USAGE);
        assert_null(second);
        /* What only a window has does nothing here, and does not crash. */
        platform_swap(platform);
        platform_set_title(platform, "x");
        platform_set_fullscreen(platform, true);
        assert_false(platform_is_fullscreen(platform));
        platform_set_clipboard(platform, "x");
        platform_set_cursor(platform, CURSOR_HAND);
        platform_text_input(platform, true);
        draw_and_read_back(&gl, width, height);
        platform_close(platform);
    }
    platform_close(NULL);
}

#ifdef ATTNSCOPE_KEEP_LOADED
enum { LIBRARIES_MAX = 256 };

typedef struct Libraries {
    char *paths[LIBRARIES_MAX];
    int count;
} Libraries;

static int note_library(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    Libraries *libraries = user;
    if (info->dlpi_name && info->dlpi_name[0] == '/' && libraries->count < LIBRARIES_MAX) {
        libraries->paths[libraries->count++] = mem_strdup(info->dlpi_name);
    }
    return 0;
}

/* What tests/sanitizers/keep_loaded.c promises: a driver is there until leaks are looked for. */
static void test_drivers_stay_loaded(void **state) {
    (void)state;
    PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = 16, .height = 16};
    Platform *platform = NULL;
    Libraries libraries = {.count = 0};
    int gone = 0;
    assert_int_equal(platform_open(&params, &platform, NULL), 0);
    dl_iterate_phdr(note_library, &libraries);
    platform_close(platform);
    assert_true(libraries.count > 0);
    for (int i = 0; i < libraries.count; i++) {
        if (!dlopen(libraries.paths[i], RTLD_LAZY | RTLD_NOLOAD)) {
            print_error("%s was unloaded\n", libraries.paths[i]);
            gone++;
        }
        mem_free(libraries.paths[i]);
    }
    assert_int_equal(gone, 0);
}
#endif

static void test_debug_context(void **state) {
    (void)state;
    setenv("ATTNSCOPE_GL_DEBUG", "1", 1);
    PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = 16, .height = 16};
    Platform *platform = NULL;
    assert_int_equal(platform_open(&params, &platform, NULL), 0);
    unsetenv("ATTNSCOPE_GL_DEBUG");
    Gl gl = load_gl();
    int flags = 0;
    gl.get_integer(GL_FLAGS, &flags);
    assert_int_equal(flags & DEBUG_BIT, DEBUG_BIT);
    platform_close(platform);
}

/* The way through SDL, which other machines take, opened past EGL. */
static void test_sdl_offscreen(void **state) {
    (void)state;
    Platform platform = {.mode = PLATFORM_OFFSCREEN, .width = 64, .height = 48};
    Error err = {0};
    if (platform_sdl_open(&platform, "offscreen", "test", SDL_WINDOW_OPENGL | SDL_WINDOW_HIDDEN, &err) != STATUS_OK) {
        print_message("this SDL cannot: %s\n", err.message);
        assert_null(platform.window);
        assert_null(platform.context);
        skip();
    }
    assert_string_equal(platform.driver, "offscreen");
    Gl gl = load_gl();
    draw_and_read_back(&gl, 64, 48);
    platform_sdl_close(&platform);
    assert_null(platform.window);
}

static void test_no_display(void **state) {
    (void)state;
    char *display = getenv("DISPLAY") ? mem_strdup(getenv("DISPLAY")) : NULL;
    char *wayland = getenv("WAYLAND_DISPLAY") ? mem_strdup(getenv("WAYLAND_DISPLAY")) : NULL;
    char *runtime = getenv("XDG_RUNTIME_DIR") ? mem_strdup(getenv("XDG_RUNTIME_DIR")) : NULL;
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    unsetenv("XDG_RUNTIME_DIR"); /* Wayland's default socket lies there */
    static const char *const drivers[] = {"x11", "offscreen", "dummy"};
    for (size_t i = 0; i < BASE_COUNT(drivers); i++) {
        setenv("SDL_VIDEODRIVER", drivers[i], 1);
        PlatformParams params = {.mode = PLATFORM_WINDOW};
        Platform *platform = (Platform *)&params;
        Error err = {0};
        assert_int_equal(platform_open(&params, &platform, &err), STATUS_NOT_FOUND);
        assert_null(platform);
        assert_true(text_starts_with(err.message, "no display was found"));
    }
    unsetenv("SDL_VIDEODRIVER");
    const char *const names[] = {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"};
    char *const values[] = {display, wayland, runtime};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (values[i]) {
            setenv(names[i], values[i], 1);
            mem_free(values[i]);
        }
    }
}

static void test_wrong_sizes_and_no_memory(void **state) {
    (void)state;
    PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = -1, .height = 10};
    Platform *platform = (Platform *)&params;
    Error err = {0};
    assert_int_equal(platform_open(&params, &platform, &err), STATUS_USAGE);
    assert_null(platform);
    params.width = 1 << 20;
    assert_int_equal(platform_open(&params, &platform, &err), STATUS_USAGE);
    params.width = 10;
    for (uint64_t n = 1; n <= 3; n++) { /* the Platform, its mutex, its condition */
        mem_fail_after(n, false);
        Status status = platform_open(&params, &platform, &err);
        mem_fail_after(0, false);
        assert_int_equal(status, STATUS_MEMORY);
        assert_null(platform);
    }
    assert_int_equal(platform_open(&params, &platform, &err), 0);
    platform_close(platform);
}

static void wake_many(void *user) {
    for (int i = 0; i < 100; i++) {
        platform_wake(user);
    }
}

static void test_wait_and_wake(void **state) {
    (void)state;
    PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = 16, .height = 16};
    Platform *platform = NULL;
    InputEvent event;
    assert_int_equal(platform_open(&params, &platform, NULL), 0);
    assert_false(platform_poll(platform, &event));
    assert_false(platform_wait(platform, 0, &event));
    assert_false(platform_wait(platform, 2, &event));
    assert_int_equal(event.type, EVENT_NONE);
    wake_many(platform);
    assert_true(platform_wait(platform, -1, &event));
    assert_int_equal(event.type, EVENT_WAKE);
    assert_false(platform_poll(platform, &event)); /* a hundred calls, one event */
    Thread *thread;
    assert_int_equal(thread_start(&thread, wake_many, platform, "waker", false, NULL), 0);
    assert_true(platform_wait(platform, -1, &event));
    assert_int_equal(event.type, EVENT_WAKE);
    thread_join(thread);
    platform_close(platform);
}

int test_offscreen_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offscreen),
#ifdef ATTNSCOPE_KEEP_LOADED
        cmocka_unit_test(test_drivers_stay_loaded),
#endif
        cmocka_unit_test(test_debug_context),       cmocka_unit_test(test_sdl_offscreen),
        cmocka_unit_test(test_no_display),          cmocka_unit_test(test_wrong_sizes_and_no_memory),
        cmocka_unit_test(test_wait_and_wake),
    };
    return cmocka_run_group_tests_name("offscreen", tests, NULL, NULL);
}
