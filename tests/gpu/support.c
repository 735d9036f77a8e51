#include "test_gpu.h"

#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

static Platform *platform;

int context_open(void) {
    PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = 320, .height = 200};
    Error err = {0};
    if (platform_open(&params, &platform, &err) != STATUS_OK) {
        print_error("no GL context: %s\n", err.message);
        return 1;
    }
    return 0;
}

void context_close(void) {
    platform_close(platform);
    platform = NULL;
}

GpuProc context_proc(const char *name) {
    return (GpuProc)platform_gl_proc(name);
}

void check_ok(Status status, const Error *err) {
    if (status != STATUS_OK) {
        print_error("%s\n", err->message);
    }
    assert_int_equal(status, STATUS_OK);
}

Gpu *open_gpu(size_t budget, int base_side) {
    GpuParams params = {.get_proc = context_proc, .tile_budget = budget, .base_side = base_side};
    Gpu *gpu = NULL;
    Error err = {0};
    check_ok(gpu_open(&params, &gpu, &err), &err);
    return gpu;
}

static uint64_t random_state = 1;

void random_seed(uint32_t seed) {
    random_state = seed;
}

uint32_t random_u32(void) {
    random_state++;
    return (uint32_t)(hash_u64(random_state) >> 32);
}

float random_unit(void) {
    return (float)(random_u32() >> 8) / 16777216.0f;
}

void random_texels(float *rg, int count, bool is_signed) {
    for (int i = 0; i < count; i++) {
        float r = random_unit(), g = r + (1 - r) * random_unit();
        if (is_signed) {
            r = 2 * r - 1;
            g = 2 * g - 1;
        }
        if (random_u32() % 8 == 0) {
            r = 0;
            g = is_signed ? TILE_SIGNED_MASKED : TILE_MASKED;
        } else if (random_u32() % 64 == 0) {
            r = 0;
            g = is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE;
        }
        rg[2 * i] = r;
        rg[2 * i + 1] = g;
    }
}

TileKey test_key(int head, int64_t x) {
    return (TileKey){.serial = 42, .layer = 3, .head = head, .x = x};
}

Status put_base(Gpu *gpu, const TileKey *key, TileFormat format, bool is_signed, float *const *mips, int mip_count,
                int width, int height, Error *err) {
    size_t texel_size = format == TILE_RG16F ? 4 : 8;
    TileData data = {.kind = JOB_BASE,
                     .key = *key,
                     .format = format,
                     .is_signed = is_signed,
                     .width = width,
                     .height = height,
                     .mip_count = mip_count,
                     .max_value = 1};
    for (int m = 0; m < mip_count; m++) {
        data.mip_offset[m] = data.size;
        data.size += texel_size * (size_t)tiles_mip_side(width, m) * (size_t)tiles_mip_side(height, m);
    }
    uint8_t *bytes = malloc(data.size);
    assert_non_null(bytes);
    for (int m = 0; m < mip_count; m++) {
        size_t count = (size_t)tiles_mip_side(width, m) * (size_t)tiles_mip_side(height, m);
        void *out = bytes + data.mip_offset[m];
        if (format == TILE_RG16F) {
            tiles_encode_f16(mips[m], out, count);
            tiles_decode_f16(out, mips[m], count);
        } else {
            memcpy(out, mips[m], count * texel_size);
        }
    }
    data.texels = bytes;
    Status status = gpu_tile_put(gpu, &data, err);
    free(bytes);
    return status;
}

Status put_tile(Gpu *gpu, const TileKey *key, JobKind kind, TileFormat format, bool is_signed, float *rg, int width,
                int height, Error *err) {
    size_t count = (size_t)width * (size_t)height;
    TileData data = {.kind = kind,
                     .key = *key,
                     .format = format,
                     .is_signed = is_signed,
                     .width = width,
                     .height = height,
                     .mip_count = 1,
                     .texels = rg,
                     .size = 8 * count,
                     .max_value = 1};
    uint16_t *half = malloc(4 * count);
    assert_non_null(half);
    if (format == TILE_RG16F) {
        tiles_encode_f16(rg, half, count);
        tiles_decode_f16(half, rg, count);
        data.texels = half;
        data.size = 4 * count;
    }
    Status status = gpu_tile_put(gpu, &data, err);
    free(half);
    return status;
}

uint8_t *read_target(Gpu *gpu, GpuTarget *target, int width, int height) {
    Error err = {0};
    uint8_t *rgba = malloc(4 * (size_t)width * (size_t)height);
    assert_non_null(rgba);
    check_ok(gpu_target_read(gpu, target, rgba, &err), &err);
    return rgba;
}

uint8_t *paint_list(Gpu *gpu, DrawList *list, int width, int height, Color ground) {
    GpuTarget *target = NULL;
    Error err = {0};
    check_ok(gpu_target_new(gpu, width, height, &target, &err), &err);
    check_ok(gpu_paint(gpu, target, width, height, ground, list, &err), &err);
    uint8_t *rgba = read_target(gpu, target, width, height);
    gpu_target_drop(gpu, target);
    return rgba;
}
