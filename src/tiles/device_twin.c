/* What a device computes, cell by cell: the twin that shaders are compared with. */
#include "tiles/device.h"

#include <math.h>

#define LOG2_E 1.44269504088896340736

size_t tiles_device_out_floats(const DeviceTask *task) {
    size_t rows = (size_t)i64_ceil_div(task->rows, DEVICE_BLOCK) * DEVICE_BLOCK;
    return 2 * (task->normalise ? DEVICE_SEGMENTS * rows : (size_t)task->texel_rows * (size_t)task->texel_columns);
}

static bool sees(const DeviceTask *task, int64_t row, int64_t key) {
    int64_t d = row + task->diagonal;
    if (task->causal) {
        return key <= d && (task->window == 0 || key > d - task->window);
    }
    return task->window == 0 || (key >= d - task->window / 2 && key <= d + task->window / 2);
}

static double score_of(const DeviceTask *task, int row, int key) {
    const float *q = task->queries + (size_t)(row / DEVICE_BLOCK * task->depth * DEVICE_BLOCK + row % DEVICE_BLOCK);
    const float *k = task->keys + (size_t)(key / DEVICE_BLOCK * task->depth * DEVICE_BLOCK + key % DEVICE_BLOCK);
    double dot = 0.0;
    for (int i = 0; i < task->depth; i++) {
        dot += (double)q[i * DEVICE_BLOCK] * (double)k[i * DEVICE_BLOCK];
    }
    double score = task->scale * dot;
    return task->softcap > 0.0 ? task->softcap * tanh(score / task->softcap) : score;
}

/* All of a row in the first segment. */
static void normalise_row(const DeviceTask *task, int row, float *out) {
    int64_t rows = i64_ceil_div(task->rows, DEVICE_BLOCK) * DEVICE_BLOCK;
    double max = (double)DEVICE_HIDDEN, sum = 0.0;
    for (int pass = 0; pass < 2 && row < task->rows; pass++) {
        for (int key = 0; key < task->columns; key++) {
            if (sees(task, row, key)) {
                double x = score_of(task, row, key) * LOG2_E;
                max = pass == 0 ? fmax(max, x) : max;
                sum += pass == 0 ? 0.0 : exp2(x - max);
            }
        }
    }
    for (int s = 0; s < DEVICE_SEGMENTS; s++) {
        out[2 * (s * rows + row)] = s == 0 ? (float)max : DEVICE_HIDDEN;
        /* the sum goes with the maximum as it is stored */
        out[2 * (s * rows + row) + 1] = s == 0 ? (float)(sum * exp2(max - (double)(float)max)) : 0.0f;
    }
}

static void texel_of(const DeviceTask *task, int y, int x, float out[2]) {
    float masked = task->weights ? TILE_MASKED : TILE_SIGNED_MASKED, best = masked;
    double sum = 0.0;
    int64_t q1 = i64_min(task->rows, (int64_t)(y + 1) << task->level.q);
    int64_t k1 = i64_min(task->columns, (int64_t)(x + 1) << task->level.k);
    for (int64_t q = (int64_t)y << task->level.q; q < q1; q++) {
        for (int64_t k = (int64_t)x << task->level.k; k < k1; k++) {
            if (!sees(task, q, k)) {
                continue;
            }
            double score = score_of(task, (int)q, (int)k);
            const float *number = task->row_numbers + 2 * q;
            double cell = task->weights ? exp2(score * LOG2_E + (double)number[0]) * (double)number[1] : score;
            float v = (float)cell;
            bool better = fabsf(v) > fabsf(best) || (fabsf(v) == fabsf(best) && v > best);
            best = best == masked || better ? v : best;
            sum += cell;
        }
    }
    out[0] = (float)sum;
    out[1] = best;
}

void tiles_device_twin(const DeviceTask *task, float *out) {
    int64_t rows = i64_ceil_div(task->rows, DEVICE_BLOCK) * DEVICE_BLOCK;
    for (int row = 0; row < rows && task->normalise; row++) {
        normalise_row(task, row, out);
    }
    for (int y = 0; y < task->texel_rows && !task->normalise; y++) {
        for (int x = 0; x < task->texel_columns; x++) {
            texel_of(task, y, x, out + 2 * (y * task->texel_columns + x));
        }
    }
}
