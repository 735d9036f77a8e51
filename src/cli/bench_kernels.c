/* `bench --kernels`: how much of what the processor can do is left when a base tile is pooled from Q and K.
 *
 * The tile is the real thing: a capture in memory, tiles_pool, one thread. Every kernel gets a bidirectional head,
 * so that each product that is counted is computed. "first" includes the row normalisers, "again" has them.
 *
 * Cores are shared with neighbours who come and go, so tiles and dot products of registers take turns, and the best of
 * many short runs of each is compared: what the processor does when nobody disturbs it. */
#include "cli/bench.h"
#include "session/options.h"
#include "tiles/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(ATTNSCOPE_CBLAS_ACCELERATE)
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif

enum { TOKENS = 4096, RUNS = 25, KERNELS = 8, GEMM_ROWS = 256, GEMM_DEPTH = 128, GEMM_RUNS = 40, HEADER_SIZE = 512 };
/* Slow kernels run less often: nanoseconds of all runs of one kind of tile. */
#define RUNS_NS 2e9

static const int DIMS[] = {128, 64, 32};

typedef struct Figures {
    double first, again, peak;
} Figures;

/* Processor time of this thread, so that whoever else is at work counts for little. */
static double cpu_ns(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A safetensors file of one head with numbers between -1 and 1. */
static char *make_file(int dim, bool bf16, size_t *size) {
    size_t count = (size_t)TOKENS * (size_t)dim, item = bf16 ? sizeof(uint16_t) : sizeof(float), data = count * item;
    char text[HEADER_SIZE];
    uint64_t length = (uint64_t)snprintf(
        text, sizeof text,
        "{\"__metadata__\":{\"attn.causal\":\"false\"},"
        "\"blocks.0.attn.hook_q\":{\"dtype\":\"%s\",\"shape\":[%d,1,%d],\"data_offsets\":[0,%zu]},"
        "\"blocks.0.attn.hook_k\":{\"dtype\":\"%s\",\"shape\":[%d,1,%d],\"data_offsets\":[%zu,%zu]}}",
        bf16 ? "BF16" : "F32", TOKENS, dim, data, bf16 ? "BF16" : "F32", TOKENS, dim, data, 2 * data);
    char *file = mem_alloc(sizeof length + length + 2 * data);
    if (!file) return NULL;
    for (size_t i = 0; i < sizeof length; i++)
        file[i] = (char)(length >> (8 * i) & 0xff);
    memcpy(file + sizeof length, text, length);
    char *out = file + sizeof length + length;
    for (size_t i = 0; i < 2 * count; i++) {
        const float value = (float)((double)(hash_u64(i) >> 11) * 0x1p-52 - 1.0);
        const uint16_t half = bf16_from_f32(value);
        memcpy(out + i * item, bf16 ? (const void *)&half : (const void *)&value, item);
    }
    *size = sizeof length + length + 2 * data;
    return file;
}

/* The best of some runs, in GFLOP/s. */
static Status measure_tile(const void *file, size_t size, int dim, bool bf16, Figures *out, Error *err) {
    const double operations = 2.0 * TOKENS * TOKENS * dim;
    static float rg[2 * TILE_SIDE * TILE_SIDE];
    ResolvedHeads heads = {.op = HEADS_MEAN, .count = 1, .weight = {1.0f}};
    Status status = STATUS_OK;
    *out = (Figures){0};
    PoolScratch *scratch = tiles_pool_scratch_new();
    if (!scratch) return error_set(err, STATUS_MEMORY, "not enough memory to measure");
    const double begin = cpu_ns();
    for (int run = 0; run < RUNS && status == STATUS_OK && (run < 2 || cpu_ns() - begin < RUNS_NS); run++) {
        out->peak = fmax(out->peak, tiles_kernel_best(bf16).peak);
        Capture *capture = NULL; /* a new one each time: row normalisers stay with it */
        const CaptureOpenParams params = {.memory = file, .memory_size = size, .memory_name = "bench.safetensors"};
        status = capture_open(&params, &capture, err);
        const int level = tiles_base_level(TOKENS, TILE_SIDE);
        PoolRequest request = {
            .capture = capture, .heads = &heads, .level = {level, level}, .height = TILE_SIDE, .width = TILE_SIDE};
        for (int again = 0; again < 2 && status == STATUS_OK; again++) {
            const double start = cpu_ns();
            status = tiles_pool(&request, rg, scratch, NULL, err);
            const double rate = operations / (cpu_ns() - start);
            double *best = again ? &out->again : &out->first;
            *best = fmax(*best, rate);
        }
        if (capture) capture_close(capture);
    }
    tiles_pool_scratch_drop(scratch);
    return status;
}

static double measure_gemm(void) {
    double best = 0;
    float *a = mem_alloc_zeroed(GEMM_ROWS * GEMM_DEPTH, sizeof *a),
          *b = mem_alloc_zeroed(GEMM_ROWS * GEMM_DEPTH, sizeof *b);
    float *c = mem_alloc_zeroed(GEMM_ROWS * GEMM_ROWS, sizeof *c);
    for (int run = 0; a && b && c && run < RUNS; run++) {
        const double start = cpu_ns();
        for (int i = 0; i < GEMM_RUNS; i++) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, GEMM_ROWS, GEMM_ROWS, GEMM_DEPTH, 1.0f, a, GEMM_DEPTH,
                        b, GEMM_DEPTH, 0.0f, c, GEMM_ROWS);
        }
        const double rate = 2.0 * GEMM_ROWS * GEMM_ROWS * GEMM_DEPTH * GEMM_RUNS / (cpu_ns() - start);
        if (rate > best) best = rate;
    }
    mem_free(a);
    mem_free(b);
    mem_free(c);
    return best;
}

static Status measure_kernel(const KernelSpeed *kernel, bool bf16, Error *err) {
    Status status = STATUS_OK;
    setenv("ATTNSCOPE_KERNEL", kernel->name, 1);
    printf("%-12s %6s", kernel->name, bf16 ? "bf16" : "f32");
    for (size_t i = 0; i < BASE_COUNT(DIMS) && status == STATUS_OK; i++) {
        size_t size = 0;
        Figures figures = {0};
        char *file = make_file(DIMS[i], bf16, &size);
        status = file ? measure_tile(file, size, DIMS[i], bf16, &figures, err)
                      : error_set(err, STATUS_MEMORY, "not enough memory to measure");
        mem_free(file);
        if (status == STATUS_OK) {
            printf("  %6.1f %6.1f (%3.0f%%) %6.1f (%3.0f%%)", figures.peak, figures.first,
                   100 * figures.first / figures.peak, figures.again, 100 * figures.again / figures.peak);
            fflush(stdout);
        }
    }
    printf("\n");
    return status;
}

/* Compute shaders, where there are any: blocks of a tile whose normalisers are known. */
static Status measure_shaders(Error *err) {
    const PlatformParams params = {.mode = PLATFORM_OFFSCREEN, .width = 64, .height = 64};
    Platform *platform = NULL;
    Gpu *gpu = NULL;
    double rate = 0;
    Status status = platform_open(&params, &platform, err);
    const GpuParams gpu_params = {.get_proc = platform_gl_proc, .shader_directory = getenv("ATTNSCOPE_SHADERS")};
    if (status == STATUS_OK) status = gpu_open(&gpu_params, &gpu, err);
    if (status == STATUS_OK) printf("%-12s %6s", "shader", "f32");
    for (size_t i = 0; i < BASE_COUNT(DIMS) && status == STATUS_OK; i++) {
        status = gpu_recompute_measure(gpu, DIMS[i], &rate, err);
        if (status == STATUS_OK) printf("  %6s %13s %6.1f       ", "", "", rate);
    }
    if (status == STATUS_OK) printf("\n\nThe shader ran on %s.\n", gpu_info(gpu)->renderer);
    if (gpu) gpu_close(gpu);
    if (platform) platform_close(platform);
    return status;
}

int bench_kernels(void) {
    KernelSpeed kernels[KERNELS];
    Error err = {0};
    Status status = STATUS_OK;
#if defined(ATTNSCOPE_CBLAS_OPENBLAS)
    openblas_set_num_threads(1);
#endif
    printf("GFLOP/s of one thread; a base tile of %d x %d weights from Q and K: softmax and pooling included.\n"
           "sgemm %d x %d x %d: %.1f\n\n"
           "kernel       source",
           TOKENS, TOKENS, GEMM_ROWS, GEMM_ROWS, GEMM_DEPTH, measure_gemm());
    for (size_t i = 0; i < BASE_COUNT(DIMS); i++)
        printf("    d=%-3d  first         again      ", DIMS[i]);
    printf("\n");
    const int count = tiles_kernel_list(kernels, KERNELS);
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = measure_kernel(&kernels[i], kernels[i].bf16, &err);
    if (status != STATUS_OK) return options_fail(&err);
    if (measure_shaders(&err) != STATUS_OK) printf("\nno shader: %s\n", err.message);
    return EXIT_OK;
}
