/* A GL context without a display. In this order, the first that works:
 *
 *   1. EGL on a device (EGL_EXT_platform_device): reaches a GPU on a machine without X or Wayland. Software devices are
 *      skipped here; the next way is quicker for them.
 *   2. EGL surfaceless (EGL_MESA_platform_surfaceless): Mesa, about 40 ms with llvmpipe.
 *   3. SDL's `offscreen` driver, and on macOS a hidden window.
 *
 * Each context gets a pixel buffer of the size asked for, so that framebuffer 0 exists as it does in a window. */
#include "platform/internal.h"

#include <dlfcn.h>
#include <string.h>

#if ATTNSCOPE_HAVE_EGL

#define EGL_NO_X11 1
#include <EGL/egl.h>
#include <EGL/eglext.h>

#define MAX_DEVICES 32
#define MAX_CONFIGS 128
#define PBUFFER_SIDE_MAX 4096 /* pictures are drawn into targets of their own, whatever size was asked for */

struct PlatformEgl {
    EGLDisplay display;
    EGLContext context;
    EGLSurface surface;
};

/* Extension strings are lists of words; "EGL_A" must not match "EGL_A_B". */
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at && (at = strstr(at, word)); at += length) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == 0)) {
            return true;
        }
    }
    return false;
}

PlatformProc platform_headless_proc(const char *name) {
    PlatformProc proc = (PlatformProc)eglGetProcAddress(name);
    if (!proc) {
        /* Before EGL 1.5 the functions of GL 1.1 may come from the library only. */
        void *address = dlsym(RTLD_DEFAULT, name);
        memcpy(&proc, &address, sizeof(proc));
    }
    return proc;
}

static bool is_software_renderer(void) {
    typedef const unsigned char *(*GetString)(unsigned name);
    const unsigned gl_renderer = 0x1F01; /* GL_RENDERER */
    GetString get_string = (GetString)platform_headless_proc("glGetString");
    const char *renderer = get_string ? (const char *)get_string(gl_renderer) : NULL;
    return !renderer || strstr(renderer, "llvmpipe") || strstr(renderer, "softpipe") || strstr(renderer, "swrast");
}

/* EGL sorts deeper colours first; 8 bits are what a window has. */
static bool choose_config(EGLDisplay display, EGLConfig *out) {
    static const EGLint wanted[] = {EGL_SURFACE_TYPE,
                                    EGL_PBUFFER_BIT,
                                    EGL_RENDERABLE_TYPE,
                                    EGL_OPENGL_BIT,
                                    EGL_RED_SIZE,
                                    8,
                                    EGL_GREEN_SIZE,
                                    8,
                                    EGL_BLUE_SIZE,
                                    8,
                                    EGL_NONE};
    EGLConfig configs[MAX_CONFIGS];
    EGLint count = 0;
    if (!eglChooseConfig(display, wanted, configs, MAX_CONFIGS, &count) || count < 1) {
        return false;
    }
    *out = configs[0];
    for (EGLint i = 0; i < count; i++) {
        EGLint red = 0;
        if (eglGetConfigAttrib(display, configs[i], EGL_RED_SIZE, &red) && red == 8) {
            *out = configs[i];
            break;
        }
    }
    return true;
}

static EGLContext create_context(EGLDisplay display, EGLConfig config) {
    EGLContext context = EGL_NO_CONTEXT;
    for (size_t i = 0; i < BASE_COUNT(platform_gl_versions) && context == EGL_NO_CONTEXT; i++) {
        const EGLint wanted[] = {
            EGL_CONTEXT_MAJOR_VERSION_KHR,
            platform_gl_versions[i].major,
            EGL_CONTEXT_MINOR_VERSION_KHR,
            platform_gl_versions[i].minor,
            EGL_CONTEXT_OPENGL_PROFILE_MASK_KHR,
            EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT_KHR,
            EGL_CONTEXT_FLAGS_KHR,
            platform_gl_debug_wanted() ? EGL_CONTEXT_OPENGL_DEBUG_BIT_KHR : 0,
            EGL_NONE,
        };
        context = eglCreateContext(display, config, EGL_NO_CONTEXT, wanted);
    }
    return context;
}

static void close_display(struct PlatformEgl *egl) {
    eglMakeCurrent(egl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    if (egl->surface != EGL_NO_SURFACE) {
        eglDestroySurface(egl->display, egl->surface);
    }
    if (egl->context != EGL_NO_CONTEXT) {
        eglDestroyContext(egl->display, egl->context);
    }
    eglTerminate(egl->display);
    eglReleaseThread();
}

/* Opens a current context on the display; on failure the display is closed again. */
static bool open_display(EGLDisplay display, int width, int height, struct PlatformEgl *out) {
    *out = (struct PlatformEgl){.display = display, .context = EGL_NO_CONTEXT, .surface = EGL_NO_SURFACE};
    if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL)) {
        return false;
    }
    EGLConfig config;
    if (eglBindAPI(EGL_OPENGL_API) && choose_config(display, &config)) {
        const EGLint size[] = {EGL_WIDTH, (EGLint)i64_min(width, PBUFFER_SIDE_MAX), EGL_HEIGHT,
                               (EGLint)i64_min(height, PBUFFER_SIDE_MAX), EGL_NONE};
        out->context = create_context(display, config);
        out->surface = eglCreatePbufferSurface(display, config, size);
        if (out->context != EGL_NO_CONTEXT && eglMakeCurrent(display, out->surface, out->surface, out->context)) {
            return true;
        }
    }
    close_display(out);
    return false;
}

static bool open_gpu_device(const char *extensions, Platform *platform, struct PlatformEgl *out) {
    if (!has_word(extensions, "EGL_EXT_platform_device") ||
        !(has_word(extensions, "EGL_EXT_device_enumeration") || has_word(extensions, "EGL_EXT_device_base"))) {
        return false;
    }
    PFNEGLQUERYDEVICESEXTPROC query_devices = (PFNEGLQUERYDEVICESEXTPROC)eglGetProcAddress("eglQueryDevicesEXT");
    PFNEGLQUERYDEVICESTRINGEXTPROC query_string = (PFNEGLQUERYDEVICESTRINGEXTPROC)eglGetProcAddress(
        "eglQueryDeviceStringEXT");
    PFNEGLGETPLATFORMDISPLAYEXTPROC get_display = (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress(
        "eglGetPlatformDisplayEXT");
    EGLDeviceEXT devices[MAX_DEVICES];
    EGLint count = 0;
    if (!query_devices || !query_string || !get_display || !query_devices(MAX_DEVICES, devices, &count)) {
        return false;
    }
    for (EGLint i = 0; i < count; i++) {
        if (has_word(query_string(devices[i], EGL_EXTENSIONS), "EGL_MESA_device_software")) {
            continue;
        }
        EGLDisplay display = get_display(EGL_PLATFORM_DEVICE_EXT, devices[i], NULL);
        if (!open_display(display, platform->width, platform->height, out)) {
            continue;
        }
        if (!is_software_renderer()) {
            return true;
        }
        close_display(out);
    }
    return false;
}

static bool open_surfaceless(const char *extensions, Platform *platform, struct PlatformEgl *out) {
    PFNEGLGETPLATFORMDISPLAYEXTPROC get_display = (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress(
        "eglGetPlatformDisplayEXT");
    if (!has_word(extensions, "EGL_MESA_platform_surfaceless") || !get_display) {
        return false;
    }
    EGLDisplay display = get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    return open_display(display, platform->width, platform->height, out);
}

static bool open_egl(Platform *platform) {
    struct PlatformEgl egl;
    const char *extensions = eglQueryString(EGL_NO_DISPLAY, EGL_EXTENSIONS);
    const char *driver = "egl-device";
    if (!open_gpu_device(extensions, platform, &egl)) {
        driver = "egl-surfaceless";
        if (!open_surfaceless(extensions, platform, &egl)) {
            return false;
        }
    }
    platform->egl = mem_alloc(sizeof(*platform->egl));
    if (!platform->egl) {
        close_display(&egl);
        return false;
    }
    *platform->egl = egl;
    snprintf(platform->driver, sizeof(platform->driver), "%s", driver);
    return true;
}

void platform_headless_close(Platform *platform) {
    if (platform->egl) {
        close_display(platform->egl);
        mem_free(platform->egl);
        platform->egl = NULL;
    }
}

#else

PlatformProc platform_headless_proc(const char *name) {
    (void)name;
    return NULL;
}

static bool open_egl(Platform *platform) {
    (void)platform;
    return false;
}

void platform_headless_close(Platform *platform) {
    (void)platform;
}

#endif

Status platform_headless_open(Platform *platform, Error *err) {
    if (open_egl(platform)) {
        return STATUS_OK;
    }
    const Uint32 flags = SDL_WINDOW_OPENGL | SDL_WINDOW_HIDDEN;
    Error inner = {0};
    Status status = platform_sdl_open(platform, "offscreen", PLATFORM_APPLICATION, flags, &inner);
#ifdef __APPLE__
    if (status != STATUS_OK) {
        status = platform_sdl_open(platform, NULL, PLATFORM_APPLICATION, flags, &inner);
    }
#endif
    if (status != STATUS_OK) {
        return error_set(err, STATUS_GPU,
                         "no way to draw without a display was found (EGL, or SDL's offscreen driver: %s)",
                         inner.message);
    }
    return STATUS_OK;
}
