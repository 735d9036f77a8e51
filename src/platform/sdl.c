/* SDL's video, a window and its context, for a visible window as for a driver without a display.
 *
 * SDL is quick to help in ways a viewer must refuse: it catches SIGINT, keeps the screen saver away, turns the
 * desktop's compositor off, and picks its `offscreen` driver when there is no display, after which a person waits
 * for a window that never comes. Hints and a look at the driver's name undo each of these. */
#include "platform/internal.h"

#include <stdlib.h>
#include <string.h>

/* 4.3 brings compute shaders where there are any. Some drivers give exactly the version asked for, so ask. */
const GlVersion platform_gl_versions[2] = {{4, 3}, {3, 3}};

/* Of the context that is current, wherever it came from: GL's loader asks without saying whose. */
static PlatformProc (*current_proc)(const char *name);

PlatformProc platform_gl_proc(const char *name) {
    return current_proc ? current_proc(name) : NULL;
}

void platform_use_proc(PlatformProc (*proc)(const char *name)) {
    current_proc = proc;
}

static PlatformProc sdl_proc(const char *name) {
    /* POSIX gives functions and objects one representation; C has no cast for it. */
    void *address = SDL_GL_GetProcAddress(name);
    PlatformProc proc;
    memcpy(&proc, &address, sizeof(proc));
    return proc;
}

bool platform_gl_debug_wanted(void) {
    const char *value = getenv("ATTNSCOPE_GL_DEBUG");
    return value && strcmp(value, "1") == 0;
}

static void set_hints(void) {
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
#ifdef SDL_HINT_APP_NAME
    SDL_SetHint(SDL_HINT_APP_NAME, PLATFORM_APPLICATION);
#endif
    /* The desktop finds our icon by this name; both are variables because SDL reads them as such. */
    SDL_setenv("SDL_VIDEO_X11_WMCLASS", PLATFORM_APPLICATION, 0);
    SDL_setenv("SDL_VIDEO_WAYLAND_WMCLASS", PLATFORM_APPLICATION, 0);
}

static void set_gl_attributes(GlVersion version) {
    int flags = platform_gl_debug_wanted() ? SDL_GL_CONTEXT_DEBUG_FLAG : 0;
#ifdef __APPLE__
    flags |= SDL_GL_CONTEXT_FORWARD_COMPATIBLE_FLAG;
#endif
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, version.major);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, version.minor);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_FLAGS, flags);
    SDL_GL_SetAttribute(SDL_GL_RED_SIZE, 8);
    SDL_GL_SetAttribute(SDL_GL_GREEN_SIZE, 8);
    SDL_GL_SetAttribute(SDL_GL_BLUE_SIZE, 8);
    SDL_GL_SetAttribute(SDL_GL_DEPTH_SIZE, 0);
    SDL_GL_SetAttribute(SDL_GL_STENCIL_SIZE, 0);
    SDL_GL_SetAttribute(SDL_GL_DOUBLEBUFFER, 1);
}

static bool driver_has_display(const char *driver) {
    return driver && strcmp(driver, "offscreen") != 0 && strcmp(driver, "dummy") != 0 && strcmp(driver, "evdev") != 0;
}

static Status open_window(Platform *platform, const char *title, Uint32 flags, Error *err) {
    for (size_t i = 0; i < BASE_COUNT(platform_gl_versions) && !platform->context; i++) {
        set_gl_attributes(platform_gl_versions[i]);
        if (!platform->window) {
            platform->window = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                                platform->width, platform->height, flags);
        }
        if (platform->window) {
            platform->context = SDL_GL_CreateContext(platform->window);
        }
    }
    if (!platform->window) {
        return error_set(err, STATUS_GPU, "cannot open a window with OpenGL: %s", SDL_GetError());
    }
    if (!platform->context) {
        return error_set(err, STATUS_GPU, "this system offers no OpenGL 3.3 core context: %s", SDL_GetError());
    }
    return STATUS_OK;
}

Status platform_sdl_open(Platform *platform, const char *driver, const char *title, Uint32 flags, Error *err) {
    set_hints();
    bool wants_display = platform->mode == PLATFORM_WINDOW;
#ifdef __linux__
    /* Without this folder Wayland cannot be reached, and its library would complain to the terminal by itself. */
    if (wants_display && !driver && !getenv("SDL_VIDEODRIVER") && !getenv("XDG_RUNTIME_DIR")) driver = "x11";
#endif
    SDL_SetHintWithPriority("SDL_VIDEODRIVER", driver, driver ? SDL_HINT_OVERRIDE : SDL_HINT_DEFAULT);
    if (SDL_Init(SDL_INIT_VIDEO) != 0) {
        Status status = wants_display ? STATUS_NOT_FOUND : STATUS_GPU;
        error_set(err, status, "no display was found (%s)", SDL_GetError());
        SDL_Quit();
        return status;
    }
    const char *chosen = SDL_GetCurrentVideoDriver();
    if (wants_display && !driver_has_display(chosen)) {
        SDL_Quit();
        return error_set(err, STATUS_NOT_FOUND,
                         "no display was found: neither DISPLAY nor WAYLAND_DISPLAY leads to a screen");
    }
    snprintf(platform->driver, sizeof(platform->driver), "%s", chosen ? chosen : "");
    Status status = open_window(platform, title, flags, err);
    if (status != STATUS_OK) {
        platform_sdl_close(platform);
        return status;
    }
    platform_use_proc(sdl_proc);
    return STATUS_OK;
}

void platform_sdl_close(Platform *platform) {
    for (size_t i = 0; i < BASE_COUNT(platform->cursors); i++) {
        if (platform->cursors[i]) {
            SDL_FreeCursor(platform->cursors[i]);
            platform->cursors[i] = NULL;
        }
    }
    if (platform->context) {
        SDL_GL_DeleteContext(platform->context);
        platform->context = NULL;
    }
    if (platform->window) {
        SDL_DestroyWindow(platform->window);
        platform->window = NULL;
    }
    SDL_Quit();
}
