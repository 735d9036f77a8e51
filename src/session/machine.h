/* What the program runs on: window, GPU, fonts, workers, threads for small work, clock. */
#ifndef ATTNSCOPE_SESSION_MACHINE_H
#define ATTNSCOPE_SESSION_MACHINE_H

#include "platform/platform.h"
#include "views/views.h"

/* Threads for small work; a folder that does not answer keeps nobody from searching. */
typedef struct Chores Chores;
/* The last two take as long as it takes, at low priority, and nothing waits for them. */
enum { CHORES_FILES, CHORES_SEARCH, CHORES_WRITE, CHORES_ADD, CHORES_COUNT };

/* Where attention is computed from Q and K. */
typedef enum RecomputeMode { RECOMPUTE_AUTO, RECOMPUTE_CPU, RECOMPUTE_GPU } RecomputeMode;
typedef struct Recomputing {
    RecomputeMode mode;
    PoolDevice *device;
    bool measured, busy;           /* busy: the GPU has begun what is not finished */
    double gpu_gflops, cpu_gflops; /* of all workers; 0: not measured */
    char why[ERROR_MESSAGE_SIZE];  /* the GPU does not compute; "" */
} Recomputing;

/* Made once, given up last. */
typedef struct Machine {
    Platform *platform;
    Gpu *gpu;
    Fonts *fonts;
    Scheduler *scheduler;
    Chores *chores[CHORES_COUNT]; /* chores.h */
    Clock clock;
    int base_side;
    size_t gpu_budget_seen;
    bool disk_cache;
    const CancelFlag *cancel; /* ends work_settle; NULL: nothing does */
    Recomputing recompute;
} Machine;

typedef struct AppParams {
    PlatformMode mode;
    int width, height; /* points */
    float scale;       /* 0: 1 */
    bool light, fullscreen, no_vsync;
    size_t gpu_budget, ram_budget;
    bool disk_cache; /* keep base tiles from one run to the next */
    int workers;     /* 0: as many as cores */
    RecomputeMode recompute;
} AppParams;

#endif
