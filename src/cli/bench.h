/* What the files of `bench` share. */
#ifndef ATTNSCOPE_CLI_BENCH_H
#define ATTNSCOPE_CLI_BENCH_H

#include "cli/tour.h"
#include "session/view_options.h"

/* Parts of a frame, in the order in which they happen. */
typedef enum FramePart { PART_UPLOAD, PART_BUILD, PART_PAINT, PART_SUBMIT, PART_COUNT } FramePart;

typedef struct FrameTime {
    double ms, part[PART_COUNT];
    double cpu_ms; /* of all threads of the process: what a busy machine does not change */
} FrameTime;

/* What the machine can do at best, measured in the same run; 0: not measured. */
typedef struct BenchFloors {
    double clear_ms, one_fetch_ms; /* a frame of the bench's size */
    double memcpy_gbs, read_gbs;   /* 1e9 bytes a second; of the file, from the page cache */
    double fresh_gbs;              /* memory written for the first time */
} BenchFloors;

typedef struct Bench {
    App *app;
    GpuTarget *target;
    FrameParams params;
    int64_t queries, keys;
    FrameTime *frame; /* [frames] */
    int frames, coarse;
    double overviews_ms; /* until those of all layers were there, after the tour; NAN: not in time */
    uint64_t wait_ns;    /* for the exact picture after the tour, at most */
    double first_picture_ms;
    /* Of the picture; with the panels beside it. NAN: not within that time, or not at all with this budget. */
    double time_to_exact_ms, time_to_settled_ms;
    double switch_p50, switch_p99, switch_right_pct;
    uint64_t allocations; /* in the frames of the tour */
    bool with_floors;
    BenchFloors floors;
} Bench;

double bench_ms_since(const Bench *bench, uint64_t start);
int bench_by_value(const void *a, const void *b);

/* bench_floors.c */
Status bench_measure_floors(Bench *bench, const char *file, Error *err);

/* bench_kernels.c: measures and prints; the exit code. */
int bench_kernels(void);

/* bench_report.c: prints what was measured. */
/* bench_record.c: what recording costs; the exit code. */
int bench_record(const ViewOptions *options, AppParams *start, const char *file, bool json);
void bench_report(const Bench *bench, const char *tour, bool json);

#endif
