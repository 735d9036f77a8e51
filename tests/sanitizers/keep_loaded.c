/* In executables under AddressSanitizer no library is unloaded. The check for leaks comes last: it would take what an
 * unloaded driver's variables pointed to for lost, and could not name the driver, so that lsan.supp would not apply.
 * An example is what Mesa notes of the caches of AMD processors, once in each process that loads it.
 *
 * Calls from libraries (libEGL closes drivers) come here too, because the executable is searched first. A library
 * to preload would do the same, but every program that a test starts would inherit it, and ps hangs with libasan before
 * it. Loading is left alone: where dlopen looks depends on who calls it. */
#include <dlfcn.h>

__attribute__((visibility("default"))) int dlclose(void *handle) {
    (void)handle;
    return 0;
}
