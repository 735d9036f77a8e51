/* Kernels against f64 and against the portable one, on sizes that are multiples of nothing. */
#include "tiles/kernel.h"
#include "test_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG2_E 1.44269504088896340736

/* Every float of a range, a few bits apart: the error bound holds over all that softmax can ask for. */
static void test_exp2_error(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    assert_true(count >= 1);
    for (int i = 0; i < count; i++) {
        double worst = 0.0;
        for (float x = -125.5f; x < 126.5f; x += 0.0119f) {
            float in[16], out[16];
            for (int j = 0; j < 16; j++) {
                in[j] = x + (float)j * 0.00073f;
            }
            kernels[i]->exp2_sum(in, 0.0f, out, 16);
            for (int j = 0; j < 16; j++) {
                worst = fmax(worst, fabs((double)out[j] / exp2((double)in[j]) - 1.0));
            }
        }
        for (float x = 1e-30f; x < 1.0f; x *= 3.3f) {
            float in[16], out[16];
            for (int j = 0; j < 16; j++) {
                in[j] = j % 2 ? x : -x;
            }
            kernels[i]->exp2_sum(in, 0.0f, out, 16);
            worst = fmax(worst, fmax(fabs((double)out[0] / exp2((double)-x) - 1.0),
                                     fabs((double)out[1] / exp2((double)x) - 1.0)));
        }
        if (!(worst <= KERNEL_EXP2_ERROR)) {
            fail_msg("%s: exp2 is off by %g", kernels[i]->name, worst);
        }
    }
}

/* The exponential of weights may be another: dot products of one dimension, whose scores are the numbers themselves. */
static void test_weights_error(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        enum { DIM = 2 };
        float queries[KERNEL_ROWS * DIM], keys[KERNEL_KEYS * DIM], out[KERNEL_ROWS * KERNEL_KEYS];
        float shift[KERNEL_ROWS], packed_q[KERNEL_ROWS * DIM], packed_k[KERNEL_KEYS * DIM];
        double worst = 0.0;
        for (int step = 0; step < 400; step++) {
            for (int r = 0; r < KERNEL_ROWS; r++) {
                queries[DIM * r] = queries[DIM * r + 1] = 1.0f;
                shift[r] = (float)(5 * r - 60);
            }
            for (int k = 0; k < KERNEL_KEYS; k++) { /* two numbers that bf16 holds exactly: 9 digits behind the point */
                double at = (double)(k - 32) + (double)(step % 256) / 256.0;
                keys[DIM * k] = (float)floor(at);
                keys[DIM * k + 1] = (float)(at - floor(at));
            }
            if (step >= 256) { /* next to whole numbers, from below and above */
                for (int k = 0; k < KERNEL_KEYS; k++) {
                    keys[DIM * k] = (float)(k - 32);
                    keys[DIM * k + 1] = (float)ldexp(k % 2 ? 1.0 : -1.0, -(step - 256) / 4 - 1);
                }
            }
            tiles_kernel_pack_queries(kernels[i], queries, KERNEL_ROWS, DIM, packed_q);
            tiles_kernel_pack_keys(kernels[i], keys, KERNEL_KEYS, DIM, packed_k);
            KernelBlock block = {.q = packed_q,
                                 .k = packed_k,
                                 .depth = tiles_kernel_depth(kernels[i], DIM),
                                 .rows = KERNEL_ROWS,
                                 .scale = 1.0f,
                                 .out = out,
                                 .pitch = KERNEL_KEYS,
                                 .shift = shift};
            kernels[i]->weights(&block);
            for (int r = 0; r < KERNEL_ROWS; r++) {
                for (int k = 0; k < KERNEL_KEYS; k++) {
                    float score = keys[DIM * k] + keys[DIM * k + 1], x = score + shift[r]; /* as f32 has it */
                    float got = out[r * KERNEL_KEYS + tiles_kernel_place(kernels[i], k)];
                    worst = fmax(worst, fabs((double)got / exp2((double)x) - 1.0));
                }
            }
        }
        if (!(worst <= KERNEL_EXP2_ERROR)) {
            fail_msg("%s: weights are off by %g", kernels[i]->name, worst);
        }
    }
}

/* Columns become wider, in the order of keys. */
static void test_merge(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    uint64_t seed = 21;
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        for (int level = 0; level <= KERNEL_LEVELS; level++) {
            float cells[3][KERNEL_KEYS];
            KernelColumns columns;
            for (int k = 0; k < KERNEL_KEYS; k++) {
                int place = tiles_kernel_place(kernels[i], k);
                assert_in_range(place, 0, KERNEL_KEYS - 1);
                for (int c = 0; c < 3; c++) {
                    cells[c][k] = (float)fixture_random(&seed) - 0.5f;
                }
                columns.sum[place] = cells[0][k];
                columns.max[place] = cells[1][k];
                columns.min[place] = cells[2][k];
            }
            kernels[i]->merge(&columns, level, true);
            for (int t = 0; t < KERNEL_KEYS >> level; t++) {
                double sum = 0.0;
                float max = -INFINITY, min = INFINITY;
                for (int k = t << level; k < (t + 1) << level; k++) {
                    sum += (double)cells[0][k];
                    max = fmaxf(max, cells[1][k]);
                    min = fminf(min, cells[2][k]);
                }
                assert_true(fabs((double)columns.sum[t] - sum) < 1e-5);
                assert_float_equal(columns.max[t], max, 0.0f);
                assert_float_equal(columns.min[t], min, 0.0f);
            }
        }
    }
}

static void test_exp2_ends(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        float in[16] = {-127.0f, -1e4f, -1e30f, -INFINITY, INFINITY, NAN, 0.0f, 1.0f, -1.0f}, out[16];
        kernels[i]->exp2_sum(in, 0.0f, out, 16);
        assert_true(out[0] >= 0.0f && out[0] < 2e-38f);
        assert_true(out[1] >= 0.0f && out[1] < 2e-38f);
        assert_true(out[2] >= 0.0f && out[2] < 2e-38f);
        assert_true(isnan(out[3]) && isnan(out[4]) && isnan(out[5])); /* a score that is no number spoils its row */
        assert_float_equal(out[6], 1.0f, 2e-7f);
        assert_float_equal(out[7], 2.0f, 4e-7f);
        assert_float_equal(out[8], 0.5f, 1e-7f);
        float smallest, values[16] = {3.0f, NAN, -7.0f, 5.0f};
        assert_float_equal(kernels[i]->largest(values, 16, &smallest), 5.0f, 0.0f);
        assert_float_equal(smallest, -7.0f, 0.0f);
        float big[16] = {200.0f}; /* overflow is never a small number */
        kernels[i]->exp2_sum(big, 0.0f, out, 16);
        assert_true(out[0] > 1e38f);
    }
}

static float *noise(size_t count, bool bf16, uint64_t *seed) {
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)(4.0 * fixture_random(seed) - 2.0);
        out[i] = bf16 ? f32_from_bf16(bf16_from_f32(out[i])) : out[i];
    }
    return out;
}

static uint32_t *aligned_items(size_t count) {
    uint32_t *items = aligned_alloc(64, (count * sizeof *items + 63) / 64 * 64);
    assert_non_null(items);
    memset(items, 0xff, count * sizeof *items); /* NaN: what is not written must not be read */
    return items;
}

/* Scores and weights of a block against f64 dot products. */
static void check_products(const Kernel *kernel, int rows, int keys, int dim, uint64_t *seed) {
    int depth = tiles_kernel_depth(kernel, dim);
    float *q = noise((size_t)(rows * dim), kernel->bf16, seed), *k = noise((size_t)(keys * dim), kernel->bf16, seed);
    uint32_t *packed_q = aligned_items((size_t)(KERNEL_ROWS * depth)),
             *packed_k = aligned_items((size_t)(KERNEL_KEYS * depth));
    float out[KERNEL_ROWS * KERNEL_KEYS], shift[KERNEL_ROWS] = {0}, sums[KERNEL_ROWS * KERNEL_SUM_LANES] = {0};
    tiles_kernel_pack_queries(kernel, q, rows, dim, packed_q);
    tiles_kernel_pack_keys(kernel, k, keys, dim, packed_k);
    KernelBlock block = {.q = packed_q,
                         .k = packed_k,
                         .depth = depth,
                         .rows = rows,
                         .scale = 0.25f,
                         .out = out,
                         .pitch = KERNEL_KEYS,
                         .shift = shift,
                         .sums = sums};
    for (int pass = 0; pass < 2; pass++) {
        (pass == 0 ? kernel->scores : kernel->weights)(&block);
        for (int r = 0; r < rows; r++) {
            double row_sum = 0.0, got_sum = 0.0;
            for (int c = 0; c < KERNEL_KEYS; c++) {
                double dot = 0.0, size = 0.0;
                for (int i = 0; i < dim && c < keys; i++) {
                    double term = (double)q[r * dim + i] * (double)k[c * dim + i];
                    dot += term;
                    size += fabs(term);
                }
                double expected = pass == 0 ? 0.25 * dot : exp2(0.25 * dot + (double)shift[r]);
                double allowed = 3e-7 * (1.0 + 0.25 * size + fabs((double)shift[r])) * (pass == 0 ? 1.0 : expected);
                row_sum += expected;
                double got = (double)out[r * KERNEL_KEYS + tiles_kernel_place(kernel, c)];
                if (!(fabs(got - expected) <= allowed)) {
                    fail_msg("%s: %d x %d x %d, pass %d, cell %d,%d: %.9g for %.9g", kernel->name, rows, keys, dim,
                             pass, r, c, got, expected);
                }
            }
            for (int i = 0; i < KERNEL_SUM_LANES; i++) {
                got_sum += (double)sums[r * KERNEL_SUM_LANES + i];
            }
            assert_true(pass == 0 || fabs(got_sum - row_sum) <= 3e-6 * row_sum * sqrt(1.0 + dim));
            shift[r] = (float)(r - 3);
        }
    }
    free(q);
    free(k);
    free(packed_q);
    free(packed_k);
}

static void test_products(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    uint64_t seed = 5;
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        static const int sizes[][3] = {{24, 64, 128}, {1, 1, 1}, {7, 63, 33}, {6, 64, 2}, {23, 17, 257}, {13, 40, 80}};
        for (size_t s = 0; s < BASE_COUNT(sizes); s++) {
            check_products(kernels[i], sizes[s][0], sizes[s][1], sizes[s][2], &seed);
        }
        for (int fuzz = 0; fuzz < 40; fuzz++) {
            int rows = 1 + (int)(fixture_random(&seed) * KERNEL_ROWS),
                keys = 1 + (int)(fixture_random(&seed) * KERNEL_KEYS);
            check_products(kernels[i], rows, keys, 1 + (int)(fixture_random(&seed) * 150), &seed);
        }
    }
}

/* What is done with blocks, against plain loops. */
static void test_block_loops(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    uint64_t seed = 9;
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        enum { ROWS = 11, PITCH = KERNEL_KEYS + 9 };
        float *cells = noise(ROWS * PITCH, false, &seed), *to = noise(ROWS * KERNEL_KEYS, false, &seed);
        float *factor = noise(ROWS, false, &seed), added[ROWS * KERNEL_KEYS], larger[ROWS * KERNEL_KEYS],
              smaller[ROWS * KERNEL_KEYS];
        KernelColumns columns;
        kernels[i]->columns(cells, PITCH, 4, factor, true, false, &columns);
        kernels[i]->columns(cells + 4 * PITCH, PITCH, ROWS - 4, factor + 4, true, true, &columns);
        memcpy(added, to, sizeof added);
        memcpy(larger, to, sizeof larger);
        memcpy(smaller, to, sizeof smaller);
        larger[3] = smaller[4] = cells[PITCH + 5] = NAN;
        kernels[i]->add(cells, PITCH, ROWS, factor, added);
        kernels[i]->extreme(cells, PITCH, ROWS, factor, true, larger);
        kernels[i]->extreme(cells, PITCH, ROWS, factor, false, smaller);
        assert_true(isnan(larger[3]) && isnan(smaller[4]) && isnan(larger[KERNEL_KEYS + 5]) &&
                    isnan(smaller[KERNEL_KEYS + 5]));
        for (int c = 10; c < KERNEL_KEYS; c++) {
            double sum = 0.0;
            float max = -INFINITY, min = INFINITY;
            for (int r = 0; r < ROWS; r++) {
                float v = cells[r * PITCH + c] * factor[r], old = to[r * KERNEL_KEYS + c];
                sum += (double)v;
                max = fmaxf(max, v);
                min = fminf(min, v);
                assert_float_equal(added[r * KERNEL_KEYS + c], old + v, 1e-6f);
                assert_float_equal(larger[r * KERNEL_KEYS + c], fmaxf(old, v), 0.0f);
                assert_float_equal(smaller[r * KERNEL_KEYS + c], fminf(old, v), 0.0f);
            }
            assert_true(fabs((double)columns.sum[c] - sum) < 1e-5);
            assert_float_equal(columns.max[c], max, 0.0f);
            assert_float_equal(columns.min[c], min, 0.0f);
        }
        for (int rows = 1; rows <= ROWS; rows++) {
            enum { SQUEEZED = KERNEL_KEYS / KERNEL_SQUEEZE, OUT_PITCH = SQUEEZED + 3 };
            float sums[ROWS * OUT_PITCH], largest[ROWS * OUT_PITCH];
            cells[PITCH + 5] = 0.5f;
            for (int j = 0; j < ROWS * OUT_PITCH; j++) {
                sums[j] = largest[j] = 77.0f;
            }
            kernels[i]->squeeze(cells, PITCH, rows, sums, largest, OUT_PITCH);
            for (int j = 0; j < ROWS * OUT_PITCH; j++) {
                int r = j / OUT_PITCH, at = j % OUT_PITCH;
                double sum = 0.0;
                float max = -INFINITY;
                for (int c = 0; at < SQUEEZED && r < rows && c < KERNEL_SQUEEZE; c++) {
                    float cell = cells[r * PITCH + tiles_kernel_place(kernels[i], at * KERNEL_SQUEEZE + c)];
                    sum += (double)cell;
                    max = fmaxf(max, cell);
                }
                bool written = at < SQUEEZED && r < rows;
                assert_true(fabs((double)sums[j] - (written ? sum : 77.0)) < 1e-5);
                assert_float_equal(largest[j], written ? max : 77.0f, 0.0f);
            }
        }
        free(cells);
        free(to);
        free(factor);
    }
}

static void test_softcap(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        for (double at = -400.0; at < 400.0; at += 0.37) {
            float values[16];
            for (int j = 0; j < 16; j++) {
                values[j] = (float)(at * (j % 2 ? 1.0 : 0.001) + 0.01 * j);
            }
            float before[16];
            memcpy(before, values, sizeof before);
            kernels[i]->softcap(values, 16, 1.0f / 50.0f, (float)(50.0 * LOG2_E));
            for (int j = 0; j < 16; j++) {
                double expected = 50.0 * LOG2_E * tanh((double)before[j] / 50.0);
                assert_true(fabs((double)values[j] - expected) <= 3e-7 * fabs(expected) + 1e-9);
            }
        }
        float odd[16] = {NAN, INFINITY, -INFINITY};
        kernels[i]->softcap(odd, 16, 1.0f, 1.0f);
        assert_true(isnan(odd[0]) && isnan(odd[1]) && isnan(odd[2]));
    }
}

static void test_choice(void **state) {
    const Kernel *kernels[KERNELS_MAX];
    (void)state;
    int count = tiles_kernels(kernels);
    for (int i = 0; i < count; i++) {
        setenv("ATTNSCOPE_KERNEL", kernels[i]->name, 1);
        assert_ptr_equal(tiles_kernel_choose(true), kernels[i]);
        assert_true(!tiles_kernel_choose(false)->bf16);
        assert_true(kernels[i]->bf16 || tiles_kernel_choose(false) == kernels[i]);
        assert_true(KERNEL_ROWS % kernels[i]->group == 0 && KERNEL_KEYS % kernels[i]->panel == 0);
    }
    setenv("ATTNSCOPE_KERNEL", "no such kernel", 1);
    assert_non_null(tiles_kernel_choose(true));
    unsetenv("ATTNSCOPE_KERNEL");
}

int test_kernel_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp2_error),    cmocka_unit_test(test_exp2_ends), cmocka_unit_test(test_products),
        cmocka_unit_test(test_block_loops),   cmocka_unit_test(test_softcap),   cmocka_unit_test(test_choice),
        cmocka_unit_test(test_weights_error), cmocka_unit_test(test_merge),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
