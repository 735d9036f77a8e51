/* The one file that names every statistic. Each is defined at the end of its own. */
#include "analysis/analysis.h"

extern const Statistic ANALYSIS_ENTROPY, ANALYSIS_DISTANCE, ANALYSIS_PREVIOUS;

const Statistic *const ANALYSIS_STATISTICS[] = {
    &ANALYSIS_ENTROPY,
    &ANALYSIS_DISTANCE,
    &ANALYSIS_PREVIOUS,
    NULL,
};

int analysis_statistic_count(const Statistic *const *statistics) {
    int count = 0;
    while ((statistics ? statistics : ANALYSIS_STATISTICS)[count])
        count++;
    return count;
}
