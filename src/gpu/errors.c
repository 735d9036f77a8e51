/* What GL has to complain of. */
#include "gpu/gpu_private.h"

bool gpu_drain_errors(Gpu *gpu) {
    (void)gpu;
    bool exhausted = false;
    /* A lost context reports errors for ever; no driver queues more than a few. */
    for (int i = 0; i < 16; i++) {
        GLenum error = glGetError();
        if (error == GL_NO_ERROR) {
            break;
        }
        exhausted = exhausted || error == GL_OUT_OF_MEMORY;
        if (error != GL_OUT_OF_MEMORY) {
            log_debug("gpu: GL error 0x%x", error);
        }
    }
    return exhausted;
}
