/* How far a head looks: the mean distance of query and key, each pair counted by its weight. Vig and Belinkov 2019, "Analyzing
 * the Structure of Attention in a Transformer Language Model", section 4.2.
 *
 *   distance = sum_ij w_ij |i - j| / sum_ij w_ij
 *
 * i is the position of the query among the keys, which start earlier when a cache of keys was decoded from.
 *
 *   masked cells                      contribute 0 to both sums
 *   rows with NaN, or all masked      are left out; NAN where no row is left or all weights are 0
 *   rows that do not sum to 1         are taken as they are: a row counts by its sum
 *   signed sets                       negative weights could cancel the sum: NAN
 *   cross attention                   queries and keys have no distance: NAN
 *   one token                         0 */
#include "analysis/analysis.h"

typedef struct Distance {
    double far, total;
    int64_t shift;
    bool undefined;
} Distance;

static void begin(void *state, const StatisticPattern *pattern) {
    *(Distance *)state = (Distance){.shift = pattern->shift, .undefined = !pattern->one_text};
}

static void take(void *state, const StatisticRows *rows) {
    Distance *distance = state;
    for (int64_t r = 0; r < rows->count && !distance->undefined; r++) {
        if (rows->left_out[r]) continue;
        const float *row = rows->cells + r * rows->keys;
        const int64_t own = rows->first + r + distance->shift;
        for (int64_t k = 0; k < rows->keys; k++) {
            if (row[k] == CELL_MASKED) continue;
            distance->far += (double)row[k] * (double)(k < own ? own - k : k - own);
            distance->total += (double)row[k];
            distance->undefined |= row[k] < 0;
        }
    }
}

static double finish(const void *state) {
    const Distance *distance = state;
    return distance->undefined || distance->total <= 0 ? (double)NAN : distance->far / distance->total;
}

const Statistic ANALYSIS_DISTANCE = {
    .name = "distance",
    .unit = "tokens",
    .help = "sum w |i - j| / sum w over all cells (Vig and Belinkov 2019)",
    .size = sizeof(Distance),
    .begin = begin,
    .take = take,
    .finish = finish,
};
