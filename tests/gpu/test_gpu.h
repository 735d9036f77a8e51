/* cmocka, the groups of this folder (each returns the number of failed tests), and what they share. */
#ifndef TEST_GPU_H
#define TEST_GPU_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gpu/gpu.h"

int test_device_group(void);
int test_atlas_group(void);
int test_compose_group(void);
int test_difference_group(void);
int test_toggle_group(void);
int test_display_group(void);
int test_paint_group(void);
int test_text_group(void);
int test_recompute_group(void);

/* ---- support.c: one context off screen for the process --------------------------------------- */

int context_open(void); /* 0, or a message was printed */
void context_close(void);
GpuProc context_proc(const char *name);
/* A Gpu with this budget (0: the default) and base side; fails the test if there is none. */
Gpu *open_gpu(size_t budget, int base_side);

uint32_t random_u32(void);
float random_unit(void); /* 0 .. 1 */
void random_seed(uint32_t seed);

/* Random weights (signed: in -1..1) with about one masked texel in 8 and one nonfinite in 64; count texels. */
void random_texels(float *rg, int count, bool is_signed);

/* A tile made of these texels, uploaded. RG16F texels are rounded in place, so that rg is what the GPU holds. */
Status put_tile(Gpu *gpu, const TileKey *key, JobKind kind, TileFormat format, bool is_signed, float *rg, int width,
                int height, Error *err);
/* The same for a base tile: mips[m] are tiles_mip_side(width, m) x ... texels. */
Status put_base(Gpu *gpu, const TileKey *key, TileFormat format, bool is_signed, float *const *mips, int mip_count,
                int width, int height, Error *err);
TileKey test_key(int head, int64_t x);
void check_ok(Status status, const Error *err);

/* The target's pixels; free() them. */
uint8_t *read_target(Gpu *gpu, GpuTarget *target, int width, int height);
/* Paints the list on black (or `ground`) and reads the picture. */
uint8_t *paint_list(Gpu *gpu, DrawList *list, int width, int height, Color ground);

#endif
