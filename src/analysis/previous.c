/* How much a head looks at the token before: 1 for a pure previous-token head. Clark et al. 2019, "What Does BERT Look At?",
 * section 3.1.
 *
 *   previous = mean over rows of w_i,i-1
 *
 * i is the position of the query among the keys; rows whose query has no token before it (the first, unless keys come before
 * it) are not counted.
 *
 *   masked cells                      contribute 0
 *   rows with NaN, or all masked      are left out; NAN where no row is left
 *   rows that do not sum to 1         are taken as they are
 *   signed sets                       the mean as it is, which may be negative
 *   cross attention                   has no token before: NAN
 *   one token                         NAN */
#include "analysis/analysis.h"

typedef struct Previous {
    double sum;
    int64_t rows, shift;
    bool undefined;
} Previous;

static void begin(void *state, const StatisticPattern *pattern) {
    *(Previous *)state = (Previous){.shift = pattern->shift, .undefined = !pattern->one_text};
}

static void take(void *state, const StatisticRows *rows) {
    Previous *previous = state;
    for (int64_t r = 0; r < rows->count; r++) {
        const int64_t key = rows->first + r + previous->shift - 1;
        if (rows->left_out[r] || key < 0 || key >= rows->keys) continue;
        const float weight = rows->cells[r * rows->keys + key];
        previous->sum += weight == CELL_MASKED ? 0 : (double)weight;
        previous->rows++;
    }
}

static double finish(const void *state) {
    const Previous *previous = state;
    if (previous->undefined || previous->rows == 0) return (double)NAN;
    return previous->sum / (double)previous->rows;
}

const Statistic ANALYSIS_PREVIOUS = {
    .name = "previous",
    .unit = "",
    .help = "mean weight on the token before, rows from 1 on (Clark et al. 2019)",
    .size = sizeof(Previous),
    .begin = begin,
    .take = take,
    .finish = finish,
};
