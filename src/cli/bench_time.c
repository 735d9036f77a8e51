/* Times and percentiles of measurements. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "session/recompute.h"
#include "session/view_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_ms_since(const Bench *b, uint64_t start) {
    return (double)(clock_now_ns(&b->app->machine.clock) - start) / 1e6;
}

int bench_by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
