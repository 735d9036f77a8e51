/* Frames: a display list laid out (layout.c), uploaded in two streams of quads, and drawn batch by batch.
 *
 * Blending is in sRGB space with straight alpha, as every interface does. */
#include "gpu/gpu_private.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define INDEX_QUADS_FIRST 4096

typedef struct Attribute {
    GLint components;
    GLenum type;
    size_t offset;
} Attribute;

static const Attribute paint_attributes[] = {
    {2, GL_FLOAT, offsetof(PaintVertex, x)},    {4, GL_FLOAT, offsetof(PaintVertex, shape)},
    {2, GL_FLOAT, offsetof(PaintVertex, more)}, {4, GL_UNSIGNED_BYTE, offsetof(PaintVertex, color)},
    {1, GL_FLOAT, offsetof(PaintVertex, kind)},
};
static const Attribute heatmap_attributes[] = {
    {2, GL_FLOAT, offsetof(HeatmapVertex, x)},      {2, GL_FLOAT, offsetof(HeatmapVertex, u)},
    {4, GL_FLOAT, offsetof(HeatmapVertex, bounds)}, {4, GL_FLOAT, offsetof(HeatmapVertex, page)},
    {4, GL_FLOAT, offsetof(HeatmapVertex, keys)},
};

/* ---- opening --------------------------------------------------------------------------------- */

static void make_stream(GLuint *array, GLuint *buffer, GLuint indices, const Attribute *attributes, size_t count,
                        size_t stride) {
    glGenVertexArrays(1, array);
    glGenBuffers(1, buffer);
    glBindVertexArray(*array);
    glBindBuffer(GL_ARRAY_BUFFER, *buffer);
    glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, indices);
    for (size_t i = 0; i < count; i++) {
        const Attribute *a = &attributes[i];
        GLboolean normalised = a->type == GL_UNSIGNED_BYTE;
        glEnableVertexAttribArray((GLuint)i);
        glVertexAttribPointer((GLuint)i, a->components, a->type, normalised, (GLsizei)stride, (const void *)a->offset);
    }
}

/* Two triangles a quad; the corners are top left, top right, bottom left, bottom right. */
static bool reserve_indices(Painter *painter, size_t quads) {
    static const uint32_t corner[6] = {0, 1, 2, 2, 1, 3};
    if (quads <= painter->index_quads) {
        return true;
    }
    size_t capacity = painter->index_quads > 0 ? painter->index_quads : INDEX_QUADS_FIRST, count, size;
    while (capacity < quads) {
        capacity *= 2;
    }
    if (!size_mul(capacity, 6, &count) || !size_mul(count, sizeof(uint32_t), &size) || 4 * capacity > UINT32_MAX) {
        return false;
    }
    uint32_t *indices = mem_alloc(size);
    if (!indices) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        indices[i] = (uint32_t)(4 * (i / 6)) + corner[i % 6];
    }
    glBindVertexArray(0); /* or the buffer would enter whichever array is bound */
    glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, painter->index_buffer);
    glBufferData(GL_ELEMENT_ARRAY_BUFFER, (GLsizeiptr)size, indices, GL_STATIC_DRAW);
    mem_free(indices);
    painter->index_quads = capacity;
    return true;
}

static Status make_colormaps(Painter *painter, Error *err) {
    uint8_t(*texels)[4] = mem_alloc((size_t)CMAP_COUNT * COLORMAP_POSITIONS * sizeof *texels);
    if (!texels) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the colormaps");
    }
    for (int map = 0; map < CMAP_COUNT; map++) {
        for (int position = 0; position < COLORMAP_POSITIONS; position++) {
            Color c = draw_colormap_color((ColormapId)map, position);
            memcpy(texels[map * COLORMAP_POSITIONS + position], (uint8_t[4]){c.r, c.g, c.b, 255}, 4);
        }
    }
    glGenTextures(1, &painter->colormaps);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, painter->colormaps);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 0);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, COLORMAP_POSITIONS, CMAP_COUNT, 0, GL_RGBA, GL_UNSIGNED_BYTE, texels);
    mem_free(texels);
    return STATUS_OK;
}

Status gpu_painter_open(Gpu *gpu, Error *err) {
    Painter *painter = &gpu->painter;
    glGenBuffers(1, &painter->index_buffer);
    make_stream(&painter->paint_vao, &painter->paint_buffer, painter->index_buffer, paint_attributes,
                BASE_COUNT(paint_attributes), sizeof(PaintVertex));
    make_stream(&painter->heatmap_vao, &painter->heatmap_buffer, painter->index_buffer, heatmap_attributes,
                BASE_COUNT(heatmap_attributes), sizeof(HeatmapVertex));
    if (!reserve_indices(painter, INDEX_QUADS_FIRST)) {
        return error_set(err, STATUS_MEMORY, "not enough memory to draw");
    }
    return make_colormaps(painter, err);
}

void gpu_painter_close(Gpu *gpu) {
    Painter *painter = &gpu->painter;
    GLuint buffers[] = {painter->paint_buffer, painter->heatmap_buffer, painter->index_buffer};
    GLuint arrays[] = {painter->paint_vao, painter->heatmap_vao};
    glDeleteBuffers((GLsizei)BASE_COUNT(buffers), buffers);
    glDeleteVertexArrays((GLsizei)BASE_COUNT(arrays), arrays);
    glDeleteTextures(1, &painter->colormaps);
    memset(painter, 0, sizeof *painter);
}

/* ---- drawing --------------------------------------------------------------------------------- */

typedef struct Frame {
    int width, height;
    int x, y;     /* pixel of the list that is the frame's upper left one */
    bool flipped; /* the window: row 0 of GL is the bottom */
    float project[4];
} Frame;

static void upload_stream(GLuint buffer, const void *data, size_t size) {
    if (size > 0) {
        glBindBuffer(GL_ARRAY_BUFFER, buffer);
        glBufferData(GL_ARRAY_BUFFER, (GLsizeiptr)size, data, GL_STREAM_DRAW); /* orphans what is in flight */
    }
}

static void set_color(GLint location, Color c) {
    glUniform4f(location, (float)c.r / 255, (float)c.g / 255, (float)c.b / 255, (float)c.a / 255);
}

static void set_scissor(const Frame *frame, const PaintBatch *batch) {
    if (!batch->clipped) {
        glDisable(GL_SCISSOR_TEST);
        return;
    }
    int top = batch->clip[1] - frame->y, y = frame->flipped ? frame->height - top - batch->clip[3] : top;
    glEnable(GL_SCISSOR_TEST);
    glScissor(batch->clip[0] - frame->x, y, batch->clip[2], batch->clip[3]);
}

/* The variant that these parameters need. */
static const DisplayProgram *display_program(const Gpu *gpu, const PaintBatch *batch) {
    bool has_gamma = batch->params.gamma > 0 && batch->params.gamma != 1;
    return &gpu->programs.display[has_gamma || batch->params.transform == TRANSFORM_LOG];
}

static void use_display(const Gpu *gpu, const PaintBatch *batch) {
    const DisplayParams *params = &batch->params;
    const DisplayProgram *program = display_program(gpu, batch);
    glBindTexture(GL_TEXTURE_2D_ARRAY, batch->texture);
    glUniform1i(program->colormap, (GLint)params->cmap);
    glUniform1i(program->channel, params->channel == CHANNEL_MAX ? 2 : params->channel == CHANNEL_MASS ? 1 : 0);
    glUniform1i(program->transform, params->transform == TRANSFORM_LOG    ? 2
                                    : params->transform == TRANSFORM_SQRT ? 1
                                                                          : 0);
    glUniform1f(program->inverse_gamma, params->gamma > 0 ? 1 / params->gamma : 1);
    glUniform1i(program->is_signed, params->is_signed);
    glUniform2f(program->sentinel, batch->is_signed ? TILE_SIGNED_MASKED : TILE_MASKED,
                batch->is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE);
    set_color(program->masked, params->masked);
    set_color(program->nonfinite, params->nonfinite);
    set_color(program->clipped, params->clipped);
    set_color(program->clipped_below, params->clipped_below.a > 0 ? params->clipped_below : params->clipped);
}

/* Binds the program and the stream that a batch needs; *bound is the program in use. */
static void bind_program(const Gpu *gpu, const Frame *frame, const PaintBatch *batch, GLuint *bound) {
    bool is_heatmap = batch->kind == BATCH_HEATMAP;
    const DisplayProgram *display = display_program(gpu, batch);
    GLuint program = is_heatmap ? display->id : gpu->programs.paint.id;
    if (program != *bound) {
        glUseProgram(program);
        glBindVertexArray(is_heatmap ? gpu->painter.heatmap_vao : gpu->painter.paint_vao);
        glUniform4fv(is_heatmap ? display->frame : gpu->programs.paint.frame, 1, frame->project);
        *bound = program;
    }
}

/* A heatmap without transparent colours; blending costs software rasterisers a fifth of its time. */
static bool is_opaque(const DisplayParams *params) {
    return params->masked.a == 255 && params->nonfinite.a == 255 &&
           (params->clipped.a == 255 || params->clipped.a == 0) &&
           (params->clipped_below.a == 255 || params->clipped_below.a == 0);
}

static void set_blending(bool on) {
    if (on) {
        glEnable(GL_BLEND);
    } else {
        glDisable(GL_BLEND);
    }
}

static void clear(Color c) {
    glClearColor((float)c.r / 255, (float)c.g / 255, (float)c.b / 255, (float)c.a / 255);
    glClear(GL_COLOR_BUFFER_BIT);
}

static void draw_batches(Gpu *gpu, const Frame *frame) {
    const Layout *layout = &gpu->layout;
    GLuint bound = 0;
    glActiveTexture(GL_TEXTURE1);
    glBindTexture(GL_TEXTURE_2D, gpu->painter.colormaps);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, gpu->glyphs.texture);
    for (size_t i = 0; i < layout->batch_count; i++) {
        const PaintBatch *batch = &layout->batches[i];
        gpu->stats.draw_calls++;
        set_scissor(frame, batch);
        if (batch->kind == BATCH_FILL) {
            clear(batch->color);
            continue;
        }
        bind_program(gpu, frame, batch, &bound);
        if (batch->kind == BATCH_HEATMAP) {
            use_display(gpu, batch);
        }
        set_blending(batch->kind == BATCH_SHAPES || !is_opaque(&batch->params));
        glDrawElements(GL_TRIANGLES, (GLsizei)(6 * batch->count), GL_UNSIGNED_INT,
                       (const void *)(6 * batch->first * sizeof(uint32_t)));
    }
}

/* False where the context has no window. */
static bool begin_frame(const Frame *frame, GLuint framebuffer, const Color *ground) {
    glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
    if (framebuffer == 0 && glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) {
        return false;
    }
    glViewport(0, 0, frame->width, frame->height);
    glDisable(GL_SCISSOR_TEST);
    glDisable(GL_DEPTH_TEST);
    glDisable(GL_CULL_FACE);
    glBlendFuncSeparate(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA, GL_ONE, GL_ONE_MINUS_SRC_ALPHA);
    if (ground) {
        clear(*ground);
    }
    return true;
}

/* ground NULL: on top of what is there. */
static Status paint(Gpu *gpu, GpuTarget *target, GpuArea part, const Color *ground, DrawList *list, Error *err) {
    Layout *layout = &gpu->layout;
    Painter *painter = &gpu->painter;
    int width = part.w, height = part.h;
    Frame frame = {.width = width, .height = height, .x = part.x, .y = part.y, .flipped = !target};
    if (width < 1 || height < 1 || (target && (width > target->width || height > target->height))) {
        return error_set(err, STATUS_RANGE, "a frame of %d x %d pixels does not fit its target", width, height);
    }
    float direction = frame.flipped ? -1 : 1;
    float scale_x = 2 / (float)width, scale_y = direction * 2 / (float)height;
    memcpy(frame.project,
           (float[4]){scale_x, scale_y, -1 - scale_x * (float)part.x, -direction - scale_y * (float)part.y},
           sizeof frame.project);
    gpu_layout_build(gpu, list, part);
    size_t quads = (layout->vertex_count > layout->heatmap_count ? layout->vertex_count : layout->heatmap_count) / 4;
    if (!reserve_indices(painter, quads)) {
        return error_set(err, STATUS_MEMORY, "not enough memory to draw this frame");
    }
    gpu_text_upload(gpu);
    upload_stream(painter->paint_buffer, layout->vertices, layout->vertex_count * sizeof *layout->vertices);
    upload_stream(painter->heatmap_buffer, layout->heatmaps, layout->heatmap_count * sizeof *layout->heatmaps);
    if (!begin_frame(&frame, target ? target->framebuffer : 0, ground)) {
        return error_set(err, STATUS_GPU, "there is no window to draw into");
    }
    draw_batches(gpu, &frame);
    glDisable(GL_SCISSOR_TEST);
    if (gpu_drain_errors(gpu)) {
        return error_set(err, STATUS_MEMORY, "the graphics driver has no memory left to draw this frame");
    }
    if (layout->failed) {
        return error_set(err, STATUS_MEMORY, "not enough memory to draw all of this frame");
    }
    return STATUS_OK;
}

Status gpu_paint(Gpu *gpu, GpuTarget *target, int width, int height, Color ground, DrawList *list, Error *err) {
    return paint(gpu, target, (GpuArea){0, 0, width, height}, &ground, list, err);
}

Status gpu_paint_part(Gpu *gpu, GpuTarget *target, GpuArea part, Color ground, DrawList *list, Error *err) {
    return paint(gpu, target, part, &ground, list, err);
}

Status gpu_paint_over(Gpu *gpu, GpuTarget *target, int width, int height, DrawList *list, Error *err) {
    return paint(gpu, target, (GpuArea){0, 0, width, height}, NULL, list, err);
}

void gpu_finish(Gpu *gpu) {
    (void)gpu;
    glFinish();
}
