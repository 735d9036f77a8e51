/* Opening, and what a window can do, through documented SDL2 only (SDL3's compatibility library may be underneath). */
#include "platform/internal.h"

#define DEFAULT_WIDTH 1280
#define DEFAULT_HEIGHT 720
#define MIN_WIDTH 480
#define MIN_HEIGHT 320
#define MAX_SIDE 16384 /* what GL implementations of today can draw to */

/* One Platform at a time: SDL is global, and so is the loader's view of the current context. */
static atomic_bool is_open;

/* A default size that does not fit the screen would put the panels out of reach. */
static void fit_to_display(Platform *platform, const PlatformParams *params) {
    SDL_Rect usable;
    if (params->width > 0 || params->height > 0 || SDL_GetDisplayUsableBounds(0, &usable) != 0) {
        return;
    }
    int width = (int)i64_clamp(platform->width, MIN_WIDTH, i64_max(usable.w, MIN_WIDTH));
    int height = (int)i64_clamp(platform->height, MIN_HEIGHT, i64_max(usable.h, MIN_HEIGHT));
    if (width != platform->width || height != platform->height) {
        SDL_SetWindowSize(platform->window, width, height);
    }
}

static Status open_visible(Platform *platform, const PlatformParams *params, Error *err) {
    Uint32 flags = SDL_WINDOW_OPENGL | SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    flags |= params->fullscreen ? (Uint32)SDL_WINDOW_FULLSCREEN_DESKTOP : 0;
    Status status = platform_sdl_open(platform, NULL, params->title ? params->title : PLATFORM_APPLICATION, flags, err);
    if (status != STATUS_OK) {
        return status;
    }
    SDL_SetWindowMinimumSize(platform->window, MIN_WIDTH, MIN_HEIGHT);
    fit_to_display(platform, params);
    if (SDL_GL_SetSwapInterval(params->no_vsync ? 0 : 1) != 0) {
        log_debug("swap interval refused: %s", SDL_GetError());
    }
    SDL_StopTextInput(); /* it is on by default, and input methods would take keys */
    SDL_EventState(SDL_DROPFILE, SDL_ENABLE);
    platform->wake_event = SDL_RegisterEvents(1);
    return STATUS_OK;
}

static Status open_offscreen(Platform *platform, Error *err) {
    platform->wake_mutex = mutex_new();
    platform->wake_cond = cond_new();
    if (!platform->wake_mutex || !platform->wake_cond) {
        return error_set(err, STATUS_MEMORY, "out of memory while opening a graphics context");
    }
    Status status = platform_headless_open(platform, err);
    if (status == STATUS_OK && platform->egl) {
        platform_use_proc(platform_headless_proc);
    }
    return status;
}

Status platform_open(const PlatformParams *params, Platform **out, Error *err) {
    *out = NULL;
    if (params->width < 0 || params->height < 0 || params->width > MAX_SIDE || params->height > MAX_SIDE) {
        return error_set(err, STATUS_USAGE, "a window of %d x %d is not possible (1 to %d pixels a side)",
                         params->width, params->height, MAX_SIDE);
    }
    if (atomic_exchange(&is_open, true)) {
        return error_set(err, STATUS_USAGE, "a window or graphics context is open already");
    }
    Platform *platform = mem_alloc_zeroed(1, sizeof(*platform));
    if (!platform) {
        atomic_store(&is_open, false);
        return error_set(err, STATUS_MEMORY, "out of memory while opening a window");
    }
    platform->mode = params->mode;
    platform->width = params->width ? params->width : DEFAULT_WIDTH;
    platform->height = params->height ? params->height : DEFAULT_HEIGHT;
    bool window = params->mode == PLATFORM_WINDOW;
    Status status = window ? open_visible(platform, params, err) : open_offscreen(platform, err);
    if (status != STATUS_OK) {
        cond_drop(platform->wake_cond);
        mutex_drop(platform->wake_mutex);
        mem_free(platform);
        atomic_store(&is_open, false);
        return status;
    }
    log_debug("platform: %s, %d x %d", platform->driver, platform->width, platform->height);
    *out = platform;
    return STATUS_OK;
}

void platform_close(Platform *platform) {
    if (!platform) {
        return;
    }
    platform_use_proc(NULL);
    if (platform->window) {
        platform_sdl_close(platform);
    }
    platform_headless_close(platform);
    cond_drop(platform->wake_cond);
    mutex_drop(platform->wake_mutex);
    mem_free(platform);
    atomic_store(&is_open, false);
}

bool platform_is_window(const Platform *platform) {
    return platform->mode == PLATFORM_WINDOW;
}

const char *platform_driver(const Platform *platform) {
    return platform->driver;
}

void platform_size(const Platform *platform, int *window_w, int *window_h, int *drawable_w, int *drawable_h) {
    int sizes[4] = {platform->width, platform->height, platform->width, platform->height};
    if (platform_is_window(platform)) {
        SDL_GetWindowSize(platform->window, &sizes[0], &sizes[1]);
        SDL_GL_GetDrawableSize(platform->window, &sizes[2], &sizes[3]);
    }
    int *const outs[4] = {window_w, window_h, drawable_w, drawable_h};
    for (int i = 0; i < 4; i++) {
        if (outs[i]) {
            *outs[i] = sizes[i];
        }
    }
}

void platform_swap(Platform *platform) {
    if (platform_is_window(platform)) {
        SDL_GL_SwapWindow(platform->window);
    }
}

void platform_set_title(Platform *platform, const char *title) {
    if (platform_is_window(platform)) {
        SDL_SetWindowTitle(platform->window, title);
    }
}

void platform_set_fullscreen(Platform *platform, bool on) {
    if (platform_is_window(platform) &&
        SDL_SetWindowFullscreen(platform->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) != 0) {
        log_debug("full screen refused: %s", SDL_GetError());
    }
}

bool platform_is_fullscreen(const Platform *platform) {
    return platform_is_window(platform) &&
           (SDL_GetWindowFlags(platform->window) & SDL_WINDOW_FULLSCREEN_DESKTOP) == SDL_WINDOW_FULLSCREEN_DESKTOP;
}

void platform_set_clipboard(Platform *platform, const char *text) {
    if (platform_is_window(platform) && SDL_SetClipboardText(text) != 0) {
        log_debug("clipboard refused: %s", SDL_GetError());
    }
}

void platform_clipboard(Platform *platform, char *out, size_t out_size) {
    char *text = platform_is_window(platform) ? SDL_GetClipboardText() : NULL;
    snprintf(out, out_size, "%s", text ? text : "");
    SDL_free(text);
}

void platform_set_cursor(Platform *platform, PlatformCursor cursor) {
    static const SDL_SystemCursor shapes[PLATFORM_CURSORS] = {
        [CURSOR_ARROW] = SDL_SYSTEM_CURSOR_ARROW,         [CURSOR_HAND] = SDL_SYSTEM_CURSOR_HAND,
        [CURSOR_CROSSHAIR] = SDL_SYSTEM_CURSOR_CROSSHAIR, [CURSOR_GRAB] = SDL_SYSTEM_CURSOR_SIZEALL,
        [CURSOR_TEXT] = SDL_SYSTEM_CURSOR_IBEAM,
    };
    if (!platform_is_window(platform) || (unsigned)cursor >= PLATFORM_CURSORS) {
        return;
    }
    if (!platform->cursors[cursor]) {
        platform->cursors[cursor] = SDL_CreateSystemCursor(shapes[cursor]);
    }
    if (platform->cursors[cursor]) { /* a theme without this shape keeps the one before */
        SDL_SetCursor(platform->cursors[cursor]);
    }
}
