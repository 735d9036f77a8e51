/* platform's own: what its .c files share. Nobody outside this folder includes it. */
#ifndef ATTNSCOPE_PLATFORM_INTERNAL_H
#define ATTNSCOPE_PLATFORM_INTERNAL_H

#include "platform/platform.h"

#ifndef SDL_MAIN_HANDLED
#define SDL_MAIN_HANDLED /* our main is main */
#endif
#include <SDL.h>

#define PLATFORM_APPLICATION "attnscope"
#define PLATFORM_CURSORS (CURSOR_TEXT + 1)

/* A window, or an SDL window of a driver without a display, has `window` and `context`; an EGL context has `egl`. */
struct Platform {
    PlatformMode mode;
    int width, height; /* as asked; off screen that is the size */
    SDL_Window *window;
    SDL_GLContext context;
    struct PlatformEgl *egl;
    char driver[32];
    SDL_Cursor *cursors[PLATFORM_CURSORS]; /* made when first used */
    bool text_input;
    int keys_before_text; /* key presses in SDL's queue that came before text input was on: no text follows them */
    /* Mouse and modifiers as of the event last translated: SDL's own state runs ahead of its queue. */
    int mouse_x, mouse_y, mods;
    unsigned buttons;

    uint32_t wake_event;      /* SDL's number for our own event (window) */
    Mutex *wake_mutex;        /* off screen: waiting without SDL */
    Cond *wake_cond;          /* "wake_pending was set" */
    atomic_bool wake_pending; /* a wake that was not delivered yet */
};

/* ---- sdl.c ----------------------------------------------------------------------------------- */

/* GL versions to ask for, best first; the last one is the floor. */
typedef struct GlVersion {
    int major, minor;
} GlVersion;
extern const GlVersion platform_gl_versions[2];
bool platform_gl_debug_wanted(void);

/* Fills window, context and driver. `driver` NULL: SDL's choice. On failure nothing is left open. */
Status platform_sdl_open(Platform *platform, const char *driver, const char *title, Uint32 window_flags, Error *err);
void platform_sdl_close(Platform *platform);
/* What platform_gl_proc asks from now on; NULL: nobody. platform_sdl_open says it for its context. */
void platform_use_proc(PlatformProc (*proc)(const char *name));

/* ---- headless.c ------------------------------------------------------------------------------ */

/* Fills egl and driver (or window, context and driver), by whatever works without a display. */
Status platform_headless_open(Platform *platform, Error *err);
void platform_headless_close(Platform *platform);
PlatformProc platform_headless_proc(const char *name);

/* ---- input.c --------------------------------------------------------------------------------- */

/* One SDL event in our terms; false for what has no meaning here. Takes a dropped file's name. */
bool platform_translate(Platform *platform, const SDL_Event *event, InputEvent *out);

#endif
