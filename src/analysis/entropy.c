/* How widely a head spreads its attention: the entropy of a row, averaged over rows. 0: each token looks at one token; ln n:
 * at n tokens alike. Clark et al. 2019, "What Does BERT Look At?", section 3.2.
 *
 *   H_i = - sum_j w_ij ln w_ij         entropy = mean of H_i
 *
 *   masked cells, and weights of 0    contribute 0, the limit of w ln w
 *   rows with NaN, or all masked      are left out; NAN where no row is left
 *   rows that do not sum to 1         are taken as they are: nothing is divided by the sum, so weights above 1 count
 *                                     negatively
 *   a negative weight                 is no probability: NAN
 *   cross attention                   as any other
 *   one token                         0 */
#include "analysis/analysis.h"

typedef struct Entropy {
    double sum;
    int64_t rows;
    bool undefined;
} Entropy;

static void take(void *state, const StatisticRows *rows) {
    Entropy *entropy = state;
    for (int64_t r = 0; r < rows->count; r++) {
        if (rows->left_out[r]) continue;
        const float *row = rows->cells + r * rows->keys;
        double sum = 0;
        for (int64_t k = 0; k < rows->keys; k++) {
            if (row[k] > 0) sum -= (double)row[k] * (double)logf(row[k]);
            entropy->undefined |= row[k] < 0 && row[k] != CELL_MASKED;
        }
        entropy->sum += sum;
        entropy->rows++;
    }
}

static double finish(const void *state) {
    const Entropy *entropy = state;
    if (entropy->undefined || entropy->rows == 0) return (double)NAN;
    return entropy->sum / (double)entropy->rows;
}

const Statistic ANALYSIS_ENTROPY = {
    .name = "entropy",
    .unit = "nats",
    .help = "mean over rows of -sum_j w ln w (Clark et al. 2019)",
    .size = sizeof(Entropy),
    .take = take,
    .finish = finish,
};
