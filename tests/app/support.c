#include "test_app.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

static int pin(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    (void)user;
    if (info->dlpi_name && info->dlpi_name[0]) (void)dlopen(info->dlpi_name, RTLD_NOLOAD | RTLD_LAZY | RTLD_NODELETE);
    return 0;
}

void test_keep_drivers_loaded(void) {
    dl_iterate_phdr(pin, NULL);
}
