/* What a device computes, cell by cell: the twin that shaders are compared with. */
#include "tiles/device.h"

#include <math.h>

#define LOG2_E 1.44269504088896340736

static int64_t rows_of(const DeviceTask *task) {
    return i64_ceil_div(task->rows, DEVICE_BLOCK) * DEVICE_BLOCK;
}

size_t tiles_device_out_floats(const DeviceTask *task) {
    return 2 * (task->normalise ? (size_t)task->heads * DEVICE_SEGMENTS * (size_t)rows_of(task)
                                : (size_t)task->texel_rows * (size_t)task->texel_columns);
}

static bool sees(const DeviceTask *task, int64_t row, int64_t key) {
    int64_t d = row + task->diagonal;
    if (task->causal) {
        return key <= d && (task->window == 0 || key > d - task->window);
    }
    return task->window == 0 || (key >= d - task->window / 2 && key <= d + task->window / 2);
}

/* Where row `row` of an operand's head begins; its dimensions are DEVICE_BLOCK apart. */
static const float *row_at(const DeviceTask *task, const float *operand, int head, int64_t row_count, int row) {
    int64_t block = head * i64_ceil_div(row_count, DEVICE_BLOCK) + row / DEVICE_BLOCK;
    return operand + block * task->depth * DEVICE_BLOCK + row % DEVICE_BLOCK;
}

static double score_of(const DeviceTask *task, int head, int row, int key) {
    const float *q = row_at(task, task->queries, head, task->rows, row);
    const float *k = row_at(task, task->keys, task->key_of[head], task->columns, key);
    double dot = 0.0;
    for (int i = 0; i < task->depth; i++) {
        dot += (double)q[i * DEVICE_BLOCK] * (double)k[i * DEVICE_BLOCK];
    }
    double score = task->scale * dot;
    return task->softcap > 0.0 ? task->softcap * tanh(score / task->softcap) : score;
}

/* All of a row in the first segment. */
static void normalise_row(const DeviceTask *task, int head, int row, float *out) {
    int64_t rows = rows_of(task);
    double max = (double)DEVICE_HIDDEN, sum = 0.0;
    for (int pass = 0; pass < 2 && row < task->rows; pass++) {
        for (int key = 0; key < task->columns; key++) {
            if (sees(task, row, key)) {
                double x = score_of(task, head, row, key) * LOG2_E;
                max = pass == 0 ? fmax(max, x) : max;
                sum += pass == 0 ? 0.0 : exp2(x - max);
            }
        }
    }
    for (int s = 0; s < DEVICE_SEGMENTS; s++) {
        float *part = out + 2 * ((head * DEVICE_SEGMENTS + s) * rows + row);
        part[0] = s == 0 ? (float)max : DEVICE_HIDDEN;
        /* the sum goes with the maximum as it is stored */
        part[1] = s == 0 ? (float)(sum * exp2(max - (double)(float)max)) : 0.0f;
    }
}

static double cell_of(const DeviceTask *task, int row, int key) {
    double cell = 0.0;
    for (int head = 0; head < task->heads; head++) {
        const float *number = task->row_numbers + 2 * (head * rows_of(task) + row);
        double v = score_of(task, head, row, key);
        v = (task->weights ? exp2(v * LOG2_E + (double)number[0]) : v) * (double)number[1];
        cell = head == 0                          ? v
               : task->combine == DEVICE_LARGEST  ? fmax(cell, v)
               : task->combine == DEVICE_SMALLEST ? fmin(cell, v)
                                                  : cell + v;
    }
    return cell;
}

static void texel_of(const DeviceTask *task, int y, int x, float out[2]) {
    float masked = task->is_signed ? TILE_SIGNED_MASKED : TILE_MASKED, best = masked;
    double sum = 0.0;
    int64_t q1 = i64_min(task->rows, (int64_t)(y + 1) << task->level.q);
    int64_t k1 = i64_min(task->columns, (int64_t)(x + 1) << task->level.k);
    for (int64_t q = (int64_t)y << task->level.q; q < q1; q++) {
        for (int64_t k = (int64_t)x << task->level.k; k < k1; k++) {
            if (!sees(task, q, k)) {
                continue;
            }
            double cell = cell_of(task, (int)q, (int)k);
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
    for (int head = 0; head < task->heads && task->normalise; head++) {
        for (int row = 0; row < rows_of(task); row++) {
            normalise_row(task, head, row, out);
        }
    }
    for (int y = 0; y < task->texel_rows && !task->normalise; y++) {
        for (int x = 0; x < task->texel_columns; x++) {
            texel_of(task, y, x, out + 2 * (y * task->texel_columns + x));
        }
    }
}
