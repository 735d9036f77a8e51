/* platform: the only folder that sees SDL and the window system. A Platform is one OpenGL 3.3 core context, either in
 * a window or off screen, plus its input. All functions belong to the thread that opened it unless stated.
 *
 * One section for each .c file: window.c headless.c input.c process.c */
#ifndef ATTNSCOPE_PLATFORM_H
#define ATTNSCOPE_PLATFORM_H

#include "base/base.h"

typedef struct Platform Platform;

/* ---- window.c, sdl.c : a window, or a context without one (headless.c) ----------------------- */

typedef enum PlatformMode {
    PLATFORM_WINDOW,    /* a visible window; STATUS_NOT_FOUND when there is no display */
    PLATFORM_OFFSCREEN, /* never a window: a GPU's EGL device first, else EGL surfaceless, else SDL's offscreen driver */
} PlatformMode;

typedef struct PlatformParams {
    PlatformMode mode;
    const char *title;
    int width, height; /* window units (points), not pixels; 0: 1280 x 720 */
    bool fullscreen;
    bool no_vsync;
} PlatformParams;

/* Opens and makes its context current in this thread; one at a time. SDL silently picking `offscreen` or `dummy` when a
 * window was asked for counts as "no display". The context is 4.3 core or better where there is one, else 3.3 core;
 * ATTNSCOPE_GL_DEBUG=1 asks for a debug context. *out is released by platform_close. */
Status platform_open(const PlatformParams *params, Platform **out, Error *err);
void platform_close(Platform *platform);
/* Address of a GL function, for the loader; NULL when unknown or while no Platform is open. */
typedef void (*PlatformProc)(void);
PlatformProc platform_gl_proc(const char *name);

bool platform_is_window(const Platform *platform);
const char *platform_driver(const Platform *platform); /* "x11", "wayland", "offscreen", "egl-device" ... */
/* Window units and drawable pixels; they differ on high-density screens. Off screen both are what was asked for. */
void platform_size(const Platform *platform, int *window_w, int *window_h, int *drawable_w, int *drawable_h);
void platform_swap(Platform *platform);
void platform_set_title(Platform *platform, const char *title);
void platform_set_fullscreen(Platform *platform, bool on);
bool platform_is_fullscreen(const Platform *platform);
void platform_set_clipboard(Platform *platform, const char *text);
/* Its text, at most out_size - 1 bytes, "" when there is none. */
void platform_clipboard(Platform *platform, char *out, size_t out_size);

typedef enum PlatformCursor { CURSOR_ARROW, CURSOR_HAND, CURSOR_CROSSHAIR, CURSOR_GRAB, CURSOR_TEXT } PlatformCursor;
void platform_set_cursor(Platform *platform, PlatformCursor cursor);

/* ---- input.c : events, independent of SDL's numbering ---------------------------------------- */

typedef enum EventType {
    EVENT_NONE,
    EVENT_KEY_DOWN, /* key, mods, repeat */
    EVENT_KEY_UP,
    EVENT_TEXT,       /* text[]: only while text input is on */
    EVENT_MOUSE_MOVE, /* x, y, buttons held */
    EVENT_MOUSE_DOWN, /* button, clicks */
    EVENT_MOUSE_UP,
    EVENT_WHEEL, /* wheel_x, wheel_y in notches (fractions on touchpads); x, y of the cursor */
    EVENT_RESIZE,
    EVENT_EXPOSE,    /* window content must be drawn again */
    EVENT_DROP_FILE, /* path[]: a file dropped on the window */
    EVENT_FOCUS_LOST,
    EVENT_FOCUS_GAINED,
    EVENT_MOUSE_LEAVE,
    EVENT_WAKE, /* platform_wake was called */
    EVENT_QUIT, /* window closed */
} EventType;

enum { MOD_SHIFT = 1, MOD_CTRL = 2, MOD_ALT = 4, MOD_SUPER = 8 };
enum { BUTTON_LEFT = 1, BUTTON_MIDDLE = 2, BUTTON_RIGHT = 3 };

/* Keys are Unicode code points of the unshifted symbol for printable keys ('a', '0', '/', '[') and the values below
 * for others. Letters come from the key symbol (from the scancode where the layout has no Latin letters), digits from
 * the scancode. */
enum {
    KEY_ESCAPE = 0x110000,
    KEY_ENTER,
    KEY_TAB,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_INSERT,
    KEY_UP,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_F1,
    KEY_F2,
    KEY_F3,
    KEY_F4,
    KEY_F5,
    KEY_F6,
    KEY_F7,
    KEY_F8,
    KEY_F9,
    KEY_F10,
    KEY_F11,
    KEY_F12,
};

#define EVENT_TEXT_SIZE 32
#define EVENT_PATH_SIZE 4096

typedef struct InputEvent {
    EventType type;
    int key, mods; /* mods also valid for mouse events */
    bool repeat;
    float x, y; /* window units, origin top left */
    int button, clicks;
    unsigned buttons;       /* bit (1 << BUTTON_x) while held */
    float wheel_x, wheel_y; /* up and right positive */
    char text[EVENT_TEXT_SIZE];
    char path[EVENT_PATH_SIZE];
} InputEvent;

/* Next event, or false when none waits. */
bool platform_poll(Platform *platform, InputEvent *out);
/* Waits for an event at most timeout_ms (-1: for ever); false when the time ran out. Burns no CPU. */
bool platform_wait(Platform *platform, int timeout_ms, InputEvent *out);
/* From any thread: makes platform_wait return with EVENT_WAKE (coalesced). */
void platform_wake(Platform *platform);
void platform_text_input(Platform *platform, bool on); /* off at start */

/* "Ctrl+Shift+C", "Up", "F9", "/" <-> key and mods. Parsing ignores case ("ctrl+up"). */
bool platform_key_parse(const char *name, int *key, int *mods);
void platform_key_format(int key, int mods, char *out, size_t out_size);

/* ---- process.c : child programs by argv, never through a shell ------------------------------- */

typedef struct Process Process;
typedef struct ProcessParams {
    bool with_input;      /* a pipe to its standard input; else that is empty */
    bool own_group;       /* Ctrl+C in our terminal does not reach it */
    bool keep_complaints; /* what it says on standard error is kept for process_complaint; else discarded */
    bool keep_output;     /* the same for standard output and process_output */
    bool background;      /* at low priority: it takes the time that we leave */
} ProcessParams;
/* Starts argv[0] (searched in PATH). *out is released by process_close.
 * STATUS_NOT_FOUND when there is no such program. */
Status process_open(const char *const *argv, const ProcessParams *params, Process **out, Error *err);
/* The same with a pipe when `with_input`, and nothing else. */
Status process_start(const char *const *argv, bool with_input, Process **out, Error *err);
Status process_write(Process *process, const void *data, size_t size, Error *err); /* no SIGPIPE */
/* STATUS_CANCELLED when it has taken nothing for timeout_ms (-1: waits for ever), or when it takes nothing and the flag is
 * set (NULL: never); some of the data may have gone. */
Status process_write_within(Process *process, const void *data, size_t size, int timeout_ms, const CancelFlag *cancel,
                            Error *err);
/* No more input: it sees the end of it. */
void process_end_input(Process *process);
/* True once it has ended; waits for that at most timeout_ms. Its exit code (128 + signal) is then in *exit_code. */
bool process_ended(Process *process, int timeout_ms, int *exit_code);
/* The last line that it wrote to standard error, "" when there is none. */
void process_complaint(const Process *process, char *out, size_t out_size);
/* The beginning of what it wrote to standard output, once it has ended. */
void process_output(const Process *process, char *out, size_t out_size);
void process_kill(Process *process); /* SIGKILL; process_close is still due */
/* Closes the pipe, waits, gives the exit code. */
Status process_close(Process *process, int *exit_code, Error *err);

#endif
