/* Row log-sum-exp: the one number a row that makes any block of softmax weights exact by itself.
 *
 * The cache is a table of pages that appear when somebody first looks at their rows:
 *
 *   LseTable (a layer) -> patterns[item * heads + head] -> pages[row / 256] -> 256 x atomic bits of a double
 *
 * A value is published with one relaxed store: it stands for itself, so two threads that compute the same row only
 * waste time. Pages and page tables are put in place with compare-and-swap. Nothing is ever evicted; a budget stops
 * growth, and rows beyond it are recomputed each time.
 *
 * exp: Cody-Waite reduction and a degree-6 polynomial (coefficients as in Cephes expf, S. Moshier), 2 ulp; written
 * so that compilers vectorise it. Sums run in 16 lanes for the same reason. */
#include "capture/internal.h"

enum { LSE_PAGE_ROWS = 256, LANES = 16, APPLY_BLOCK = 256 };

typedef struct LsePage {
    atomic_uint_least64_t bits[LSE_PAGE_ROWS];
} LsePage;

typedef struct LsePattern {
    _Atomic(LsePage *) pages[1]; /* ceil(rows / LSE_PAGE_ROWS) */
} LsePattern;

struct LseTable {
    int64_t patterns, rows, page_count;
    LseBudget *budget;
    _Atomic(_Atomic(LsePattern *) *) items; /* [patterns], allocated on first use */
};

#define EXP_LOWEST (-87.3f)     /* below: subnormal */
#define EXP_HIGHEST 88.3f       /* above: infinite */
#define MASKED_BITS 0xff800000u /* of CELL_MASKED */

/* A NaN that no computation gives: "not known yet". */
static const uint64_t LSE_UNKNOWN = 0xfff8a77e00000001u;

LseTable *capture_lse_new(int64_t patterns, int64_t rows, LseBudget *budget) {
    LseTable *table = mem_alloc_zeroed(1, sizeof(*table));
    if (!table) return NULL;
    table->patterns = patterns;
    table->rows = rows;
    table->page_count = i64_ceil_div(rows, LSE_PAGE_ROWS);
    table->budget = budget;
    return table;
}

void capture_lse_drop(LseTable *table) {
    if (!table) return;
    _Atomic(LsePattern *) *items = atomic_load(&table->items);
    for (int64_t p = 0; items && p < table->patterns; p++) {
        LsePattern *pattern = atomic_load(&items[p]);
        for (int64_t i = 0; pattern && i < table->page_count; i++)
            mem_free(atomic_load(&pattern->pages[i]));
        mem_free(pattern);
    }
    mem_free(items);
    mem_free(table);
}

/* Memory within the budget, or NULL. */
static void *budget_alloc(LseTable *table, size_t count, size_t size) {
    size_t bytes = 0;
    if (!size_mul(count, size, &bytes) || bytes > CAPTURE_LSE_CACHE_BYTES) return NULL;
    if (atomic_fetch_add(&table->budget->used, bytes) + bytes > CAPTURE_LSE_CACHE_BYTES) {
        atomic_fetch_sub(&table->budget->used, bytes);
        return NULL;
    }
    void *memory = mem_alloc_zeroed(count, size);
    if (!memory) atomic_fetch_sub(&table->budget->used, bytes);
    return memory;
}

static LsePattern *get_pattern(LseTable *table, int64_t index, bool create) {
    _Atomic(LsePattern *) *items = atomic_load(&table->items);
    if (!items && create) {
        items = budget_alloc(table, (size_t)table->patterns, sizeof(*items));
        _Atomic(LsePattern *) *expected = NULL;
        if (items && !atomic_compare_exchange_strong(&table->items, &expected, items)) {
            mem_free(items);
            atomic_fetch_sub(&table->budget->used, (size_t)table->patterns * sizeof(*items));
            items = expected;
        }
    }
    if (!items) return NULL;
    LsePattern *pattern = atomic_load(&items[index]);
    if (!pattern && create) {
        size_t pages = (size_t)table->page_count;
        pattern = budget_alloc(table, pages, sizeof(pattern->pages[0]));
        LsePattern *expected = NULL;
        if (pattern && !atomic_compare_exchange_strong(&items[index], &expected, pattern)) {
            mem_free(pattern);
            atomic_fetch_sub(&table->budget->used, pages * sizeof(pattern->pages[0]));
            pattern = expected;
        }
    }
    return pattern;
}

static LsePage *get_page(LseTable *table, int64_t index, int64_t row, bool create) {
    LsePattern *pattern = get_pattern(table, index, create);
    if (!pattern) return NULL;
    _Atomic(LsePage *) *slot = &pattern->pages[row / LSE_PAGE_ROWS];
    LsePage *page = atomic_load(slot);
    if (!page && create) {
        page = budget_alloc(table, 1, sizeof(*page));
        LsePage *expected = NULL;
        for (int i = 0; page && i < LSE_PAGE_ROWS; i++)
            atomic_init(&page->bits[i], LSE_UNKNOWN);
        if (page && !atomic_compare_exchange_strong(slot, &expected, page)) {
            mem_free(page);
            atomic_fetch_sub(&table->budget->used, sizeof(*page));
            page = expected;
        }
    }
    return page;
}

bool capture_lse_get(LseTable *table, int64_t pattern, int64_t row, double *out) {
    LsePage *page = get_page(table, pattern, row, false);
    uint64_t bits = page ? atomic_load_explicit(&page->bits[row % LSE_PAGE_ROWS], memory_order_relaxed) : LSE_UNKNOWN;
    if (bits == LSE_UNKNOWN) return false;
    memcpy(out, &bits, sizeof(bits));
    return true;
}

void capture_lse_put(LseTable *table, int64_t pattern, int64_t row, double value) {
    LsePage *page = get_page(table, pattern, row, true);
    uint64_t bits;
    if (isnan(value)) value = (double)NAN;
    memcpy(&bits, &value, sizeof(bits));
    if (page) atomic_store_explicit(&page->bits[row % LSE_PAGE_ROWS], bits, memory_order_relaxed);
}

/* ---- exp and sums ---------------------------------------------------------------------------- */

/* exp(x) for x in EXP_LOWEST..EXP_HIGHEST; NaN gives NaN. */
static inline float exp_f32(float x) {
    const float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const float round_magic = 12582912.0f; /* 1.5 x 2^23: adding it rounds to an integer in the low bits */
    float shifted = x * log2_e + round_magic;
    float n = shifted - round_magic;
    float r = x - n * ln2_high - n * ln2_low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits << 23) + 0x3f800000u; /* the low bits of `shifted` are n: 2^n as a float */
    float power;
    memcpy(&power, &bits, sizeof(power));
    return p * power;
}

/* exp(in - shift) * factor; what is below EXP_LOWEST counts as EXP_LOWEST, which is as good as 0. A loop for each
 * bound: compilers do not vectorise the two in one. */
static void exp_array(const float *in, float shift, float factor, float *restrict out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float x = in[i] - shift;
        out[i] = x < EXP_LOWEST ? EXP_LOWEST : x;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = out[i] > EXP_HIGHEST ? EXP_HIGHEST : out[i];
    for (size_t i = 0; i < count; i++)
        out[i] = exp_f32(out[i]) * factor;
}

static float lanes_max(const float *values, size_t count) {
    float best[LANES], result = -INFINITY;
    size_t i = 0;
    for (int j = 0; j < LANES; j++)
        best[j] = -INFINITY;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            best[j] = values[i + (size_t)j] > best[j] ? values[i + (size_t)j] : best[j];
    for (; i < count; i++)
        result = values[i] > result ? values[i] : result;
    for (int j = 0; j < LANES; j++)
        result = best[j] > result ? best[j] : result;
    return result;
}

static double lanes_sum(const float *values, size_t count) {
    float sums[LANES] = {0};
    double result = 0.0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            sums[j] += values[i + (size_t)j];
    for (; i < count; i++)
        result += (double)values[i];
    for (int j = 0; j < LANES; j++)
        result += (double)sums[j];
    return result;
}

void capture_lse_add(LseRun *run, const float *scores, size_t count, float *spare) {
    /* f32 lanes keep 1e-6 only over runs of the length of `spare` */
    for (size_t at = 0; at < count && !run->nan; at += CAPTURE_LSE_SPARE) {
        size_t n = count - at < CAPTURE_LSE_SPARE ? count - at : CAPTURE_LSE_SPARE;
        const float *block = scores + at;
        float max = lanes_max(block, n); /* NaN loses every comparison: found by the sum below */
        if (max > run->max) {
            run->sum = run->max == -INFINITY ? 0.0 : run->sum * exp((double)run->max - (double)max);
            run->max = max;
        }
        float shift = run->max == -INFINITY ? 0.0f : run->max;
        exp_array(block, shift, 1.0f, spare, n);
        double sum = lanes_sum(spare, n);
        run->nan |= isnan(sum);
        run->sum += sum;
    }
}

double capture_lse_result(const LseRun *run) {
    if (run->nan) return (double)NAN;
    return run->max == -INFINITY ? -(double)INFINITY : (double)run->max + log(run->sum);
}

void capture_lse_apply(float *cells, size_t count, double lse) {
    if (isnan(lse) || lse == -(double)INFINITY) {
        for (size_t i = 0; i < count; i++)
            cells[i] = cells[i] == CELL_MASKED ? CELL_MASKED : NAN;
        return;
    }
    /* exp(s - lse) = exp(s - top) * exp(top - lse): the difference to a rounded lse would cost digits */
    float top = (float)lse;
    float factor = (float)exp((double)top - lse);
    for (size_t at = 0; at < count; at += APPLY_BLOCK) {
        size_t n = count - at < APPLY_BLOCK ? count - at : APPLY_BLOCK;
        uint32_t cell_bits[APPLY_BLOCK], weight_bits[APPLY_BLOCK];
        float weights[APPLY_BLOCK];
        exp_array(cells + at, top, factor, weights, n);
        memcpy(cell_bits, cells + at, n * sizeof(float));
        memcpy(weight_bits, weights, n * sizeof(float));
        for (size_t i = 0; i < n; i++)
            weight_bits[i] = cell_bits[i] == MASKED_BITS ? MASKED_BITS : weight_bits[i];
        memcpy(cells + at, weight_bits, n * sizeof(float));
    }
}
