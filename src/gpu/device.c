/* Opening: load GL, ask what it can do, build the programs, and draw once with each in every format, because drivers
 * compile for good only when they first draw (software GL: 26 to 140 ms each the first time on a machine, a few from
 * its cache). */
#include "gpu/gpu_private.h"

#include <string.h>

#define MIB ((size_t)1 << 20)
#define BUDGET_MAX (1024 * MIB)
#define BUDGET_UNKNOWN (512 * MIB)
#define WARM_SERIAL UINT32_MAX
#define WARM_VARIANTS_NS 150000000ull

/* ---- what the driver says -------------------------------------------------------------------- */

/* Total memory of the GPU in bytes, 0 if the driver does not tell. */
static size_t video_memory(void) {
    GLint kib[4] = {0};
    if (GLAD_GL_NVX_gpu_memory_info) {
        glGetIntegerv(GL_GPU_MEMORY_INFO_TOTAL_AVAILABLE_MEMORY_NVX, kib);
    } else if (GLAD_GL_ATI_meminfo) {
        glGetIntegerv(GL_TEXTURE_FREE_MEMORY_ATI, kib);
    }
    return kib[0] > 0 ? (size_t)kib[0] * 1024 : 0;
}

static bool is_software(const char *renderer) {
    static const char *const names[] = {"llvmpipe", "softpipe", "swrast", "SwiftShader", "Software Rasterizer"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (strstr(renderer, names[i])) {
            return true;
        }
    }
    return false;
}

static void copy_gl_text(GLenum name, char *out, size_t out_size) {
    const char *text = (const char *)glGetString(name);
    snprintf(out, out_size, "%s", text ? text : "unknown");
}

static void read_info(Gpu *gpu, const GpuParams *params) {
    GpuInfo *info = &gpu->info;
    copy_gl_text(GL_RENDERER, info->renderer, sizeof info->renderer);
    copy_gl_text(GL_VERSION, info->version, sizeof info->version);
    info->software = is_software(info->renderer);
    glGetIntegerv(GL_MAX_TEXTURE_SIZE, &info->max_texture_side);
    glGetIntegerv(GL_MAX_ARRAY_TEXTURE_LAYERS, &info->max_array_layers);
    size_t memory = info->software ? 0 : video_memory();
    size_t half = memory / 2 < BUDGET_MAX ? memory / 2 : BUDGET_MAX;
    info->tile_budget = params->tile_budget > 0 ? params->tile_budget : memory > 0 ? half : BUDGET_UNKNOWN;
}

static void GLAD_API_PTR log_message(GLenum source, GLenum type, GLuint id, GLenum severity, GLsizei length,
                                     const GLchar *message, const void *user) {
    (void)source, (void)length, (void)user;
    if (severity != GL_DEBUG_SEVERITY_NOTIFICATION) {
        log_debug("gpu: %s %u: %s", type == GL_DEBUG_TYPE_ERROR ? "error" : "message", id, message);
    }
}

static void enable_debug(void) {
    if (GLAD_GL_KHR_debug && glDebugMessageCallback) {
        glEnable(GL_DEBUG_OUTPUT);
        glEnable(GL_DEBUG_OUTPUT_SYNCHRONOUS);
        glDebugMessageCallback(log_message, NULL);
    }
}

/* ---- warming up ------------------------------------------------------------------------------ */

static const TileKey warm_key = {.serial = WARM_SERIAL};

static Status warm_compose(Gpu *gpu, JobKind kind, bool variants, Error *err) {
    static const float factor[TILE_SIDE] = {1};
    const float *factors[] = {factor};
    uint16_t texel[2] = {0};
    TileData data = {.kind = kind,
                     .key = warm_key,
                     .format = TILE_RG16F,
                     .width = 1,
                     .height = 1,
                     .mip_count = 1,
                     .size = sizeof texel,
                     .texels = texel};
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1}};
    ComposeRequest request = {.key = warm_key, .heads = &heads, .base = kind == JOB_BASE};
    request.key.head = -1;
    request.row_factors = variants ? factors : NULL;
    Status status = gpu_tile_put(gpu, &data, err);
    return status == STATUS_OK ? gpu_compose(gpu, &request, err) : status;
}

/* A rectangle, and heatmaps of the tile and the composite, into the target or the window. */
static Status warm_paint(Gpu *gpu, GpuTarget *target, bool variants, DrawList *list, Error *err) {
    static const Rect pixel = {0, 0, 1, 1};
    DrawHeatmap heatmap = {.key = warm_key, .u1 = 1, .v1 = 1};
    heatmap.params = (DisplayParams){.hi = 1, .masked = COLOR_HEX(0), .nonfinite = COLOR_HEX(0)};
    heatmap.params.transform = variants ? TRANSFORM_LOG : TRANSFORM_LINEAR;
    draw_list_reset(list, NULL);
    draw_rect(list, pixel, 0, COLOR_HEX(0));
    draw_heatmap(list, pixel, &heatmap);
    heatmap.key.head = -1;
    draw_heatmap(list, pixel, &heatmap);
    return gpu_paint(gpu, target, 1, 1, COLOR_HEX(0), list, err);
}

static Status warm_programs(Gpu *gpu, GpuTarget *target, bool variants, Error *err) {
    static const JobKind kinds[] = {JOB_BASE, JOB_TILE};
    DrawList list = {0};
    Status status = STATUS_OK;
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
    bool window = glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE;
    for (size_t i = 0; status == STATUS_OK && i < BASE_COUNT(kinds); i++) {
        gpu_frame_advance(gpu);
        status = warm_compose(gpu, kinds[i], variants, err);
        if (status == STATUS_OK) {
            status = warm_paint(gpu, target, variants, &list, err);
        }
        if (status == STATUS_OK && window) {
            status = warm_paint(gpu, NULL, variants, &list, err);
        }
    }
    draw_list_free(&list);
    return status;
}

/* The variants follow only where the driver has them in its cache: on a machine's very first start they would cost the
 * first picture a second, and may never be used. */
static Status warm_up(Gpu *gpu, Error *err) {
    Clock clock = clock_system();
    uint64_t start = clock_now_ns(&clock);
    GpuTarget *target = NULL;
    Status status = gpu_target_new(gpu, 1, 1, &target, err);
    if (status == STATUS_OK) {
        status = warm_programs(gpu, target, false, err);
    }
    if (status == STATUS_OK && clock_now_ns(&clock) - start < WARM_VARIANTS_NS) {
        status = warm_programs(gpu, target, true, err);
    }
    gpu_tile_forget(gpu, WARM_SERIAL);
    gpu_target_drop(gpu, target);
    memset(&gpu->stats, 0, sizeof gpu->stats);
    return status == STATUS_MEMORY ? STATUS_OK : status; /* a very small budget only makes the first frame slower */
}

/* ---- opening --------------------------------------------------------------------------------- */

static Status check_base_side(int side, int *out, Error *err) {
    *out = side == 0 ? TILE_SIDE : side;
    bool known = *out == 256 || *out == 128 || *out == 64 || *out == 32;
    return known ? STATUS_OK
                 : error_set(err, STATUS_RANGE, "base tiles of side %d; 256, 128, 64 and 32 are possible", side);
}

static Status load_gl(const GpuParams *params, Error *err) {
    if (!gladLoadGL((GLADloadfunc)params->get_proc)) {
        return error_set(err, STATUS_GPU, "the graphics driver offers no OpenGL");
    }
    if (!GLAD_GL_VERSION_3_3) {
        const char *version = (const char *)glGetString(GL_VERSION);
        return error_set(err, STATUS_GPU, "OpenGL 3.3 is needed, and the driver offers %s", version ? version : "less");
    }
    return STATUS_OK;
}

Status gpu_open(const GpuParams *params, Gpu **out, Error *err) {
    *out = NULL;
    Status status = load_gl(params, err);
    if (status != STATUS_OK) {
        return status;
    }
    Gpu *gpu = mem_alloc_zeroed(1, sizeof *gpu);
    if (!gpu) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the graphics");
    }
    gpu->atlas.frame = 1;
    read_info(gpu, params);
    status = check_base_side(params->base_side, &gpu->base_side, err);
    if (status == STATUS_OK && params->shader_directory &&
        !(gpu->shader_directory = mem_strdup(params->shader_directory))) {
        status = error_set(err, STATUS_MEMORY, "not enough memory for the graphics");
    }
    if (params->debug) {
        enable_debug();
    }
    if (status == STATUS_OK) {
        status = gpu_programs_open(gpu->shader_directory, &gpu->programs, err);
    }
    if (status == STATUS_OK) {
        status = gpu_composer_open(gpu, err);
    }
    if (status == STATUS_OK) {
        status = gpu_text_open(gpu, err);
    }
    if (status == STATUS_OK) {
        status = gpu_painter_open(gpu, err);
    }
    if (status == STATUS_OK) {
        status = warm_up(gpu, err);
    }
    if (status != STATUS_OK) {
        gpu_close(gpu);
        return status;
    }
    *out = gpu;
    return STATUS_OK;
}

void gpu_close(Gpu *gpu) {
    if (!gpu) {
        return;
    }
    gpu_recompute_close(gpu, NULL);
    gpu_atlas_close(gpu);
    gpu_composer_close(gpu);
    gpu_text_close(gpu);
    gpu_painter_close(gpu);
    gpu_layout_free(&gpu->layout);
    gpu_programs_close(&gpu->programs);
    mem_free(gpu->shader_directory);
    mem_free(gpu);
}

const GpuInfo *gpu_info(const Gpu *gpu) {
    return &gpu->info;
}

GpuStats gpu_stats(const Gpu *gpu) {
    return gpu->stats;
}
