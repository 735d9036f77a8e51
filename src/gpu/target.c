/* Framebuffers off screen. Row 0 of the texture is the top row of the picture, so reading needs no flip. */
#include "gpu/gpu_private.h"

#include <string.h>

Status gpu_target_new(Gpu *gpu, int width, int height, GpuTarget **out, Error *err) {
    *out = NULL;
    int side = gpu->info.max_texture_side;
    if (width < 1 || height < 1 || width > side || height > side) {
        return error_set(err, STATUS_RANGE,
                         "a picture of %d x %d pixels cannot be drawn at once; this GPU stops at %d a side", width,
                         height, side);
    }
    GpuTarget *target = mem_alloc_zeroed(1, sizeof *target);
    if (!target) {
        return error_set(err, STATUS_MEMORY, "not enough memory for a picture");
    }
    target->width = width;
    target->height = height;
    gpu_drain_errors(gpu);
    glGenTextures(1, &target->texture);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, target->texture);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 0);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
    glGenFramebuffers(1, &target->framebuffer);
    glBindFramebuffer(GL_FRAMEBUFFER, target->framebuffer);
    glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, target->texture, 0);
    bool exhausted = gpu_drain_errors(gpu);
    if (exhausted || glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) {
        gpu_target_drop(gpu, target);
        return error_set(err, exhausted ? STATUS_MEMORY : STATUS_GPU,
                         "the graphics driver cannot make a picture of %d x %d", width, height);
    }
    *out = target;
    return STATUS_OK;
}

void gpu_target_drop(Gpu *gpu, GpuTarget *target) {
    (void)gpu;
    if (target) {
        glDeleteFramebuffers(1, &target->framebuffer);
        glDeleteTextures(1, &target->texture);
        mem_free(target);
    }
}

Status gpu_target_read(Gpu *gpu, GpuTarget *target, uint8_t *rgba, Error *err) {
    gpu_drain_errors(gpu);
    glBindFramebuffer(GL_FRAMEBUFFER, target->framebuffer);
    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    glReadPixels(0, 0, target->width, target->height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
    if (glGetError() != GL_NO_ERROR) {
        return error_set(err, STATUS_GPU, "the driver failed to read the picture back");
    }
    return STATUS_OK;
}

static Status check_part(GpuArea part, int height, Error *err) {
    if (part.w < 1 || part.h < 1 || part.x < 0 || part.y < 0 || part.y + part.h > height) {
        return error_set(err, STATUS_RANGE, "a part of %d x %d pixels lies outside the picture", part.w, part.h);
    }
    return STATUS_OK;
}

/* Rows of a window come bottom first. */
static void turn_over(uint8_t *rgba, size_t row, int height) {
    uint8_t spare[4096];
    for (int top = 0, bottom = height - 1; top < bottom; top++, bottom--) {
        uint8_t *a = rgba + (size_t)top * row, *b = rgba + (size_t)bottom * row;
        for (size_t at = 0; at < row; at += sizeof spare) {
            size_t n = row - at < sizeof spare ? row - at : sizeof spare;
            memcpy(spare, a + at, n);
            memcpy(a + at, b + at, n);
            memcpy(b + at, spare, n);
        }
    }
}

Status gpu_read_part(Gpu *gpu, GpuTarget *source, int source_height, GpuArea part, uint8_t *rgba, Error *err) {
    Status status = check_part(part, source_height, err);
    if (status != STATUS_OK) {
        return status;
    }
    gpu_drain_errors(gpu);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, source ? source->framebuffer : 0);
    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    glReadPixels(part.x, source ? part.y : source_height - part.y - part.h, part.w, part.h, GL_RGBA, GL_UNSIGNED_BYTE,
                 rgba);
    if (glGetError() != GL_NO_ERROR) {
        return error_set(err, STATUS_GPU, "the driver failed to read the picture back");
    }
    if (!source) {
        turn_over(rgba, (size_t)part.w * 4, part.h);
    }
    return STATUS_OK;
}

/* The largest area of the part's aspect in the middle of the target. */
static GpuArea fit_into(const GpuTarget *target, GpuArea part) {
    GpuArea area = {0, 0, target->width, target->height};
    if ((int64_t)part.w * target->height > (int64_t)part.h * target->width) {
        area.h = (int)i64_max(1, (int64_t)part.h * target->width / part.w);
    } else {
        area.w = (int)i64_max(1, (int64_t)part.w * target->height / part.h);
    }
    area.x = (target->width - area.w) / 2;
    area.y = (target->height - area.h) / 2;
    return area;
}

Status gpu_target_copy(Gpu *gpu, GpuTarget *target, GpuTarget *source, int source_height, GpuArea part, Color bars,
                       Error *err) {
    Status status = check_part(part, source_height, err);
    if (status != STATUS_OK) {
        return status;
    }
    gpu_drain_errors(gpu);
    GpuArea to = fit_into(target, part);
    bool scaled = to.w != part.w || to.h != part.h;
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, target->framebuffer);
    glDisable(GL_SCISSOR_TEST);
    if (to.w < target->width || to.h < target->height) {
        glClearColor((float)bars.r / 255, (float)bars.g / 255, (float)bars.b / 255, 1);
        glClear(GL_COLOR_BUFFER_BIT);
    }
    /* Row 0 of a window is its bottom, of a target its top. */
    int top = source ? part.y : source_height - part.y;
    int bottom = source ? part.y + part.h : source_height - part.y - part.h;
    glBindFramebuffer(GL_READ_FRAMEBUFFER, source ? source->framebuffer : 0);
    glBlitFramebuffer(part.x, top, part.x + part.w, bottom, to.x, to.y, to.x + to.w, to.y + to.h, GL_COLOR_BUFFER_BIT,
                      scaled ? GL_LINEAR : GL_NEAREST);
    glBindFramebuffer(GL_FRAMEBUFFER, target->framebuffer);
    if (glGetError() != GL_NO_ERROR) {
        return error_set(err, STATUS_GPU, "the driver failed to copy the picture");
    }
    return STATUS_OK;
}
