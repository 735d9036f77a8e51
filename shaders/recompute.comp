// Blocks of softmax weights (or SCORES) from Q and K, heads combined cell by cell, pooled to texels (SIGNED: with the
// value of largest magnitude); NORMALISE: row maxima and sums instead.
// tiles/tiles.h, DeviceTask, says what is asked; tiles/device_twin.c is the twin on the CPU.
//
// 16 x 16 invocations share a block of 64 queries x 64 keys, 4 x 4 cells each. Operands come 16 dimensions at a time:
//   [head][block of 64 rows][dimension][16 x vec4 of rows]  ->  shared memory  ->  registers

layout(local_size_x = 16, local_size_y = 16) in;

layout(std430, binding = 0) readonly buffer Queries { vec4 queries[]; };
layout(std430, binding = 1) readonly buffer Keys { vec4 keys[]; };
layout(std430, binding = 2) readonly buffer RowNumbers { vec2 row_numbers[]; }; // shift and factor
layout(std430, binding = 3) buffer Result { vec2 result[]; };
layout(std430, binding = 4) readonly buffer KeyOf { int key_of[]; }; // the key head of each head

uniform int u_depth;
uniform ivec2 u_size;    // rows and columns of the task
uniform ivec2 u_blocks;  // this call: first block of rows, and the one behind its last
uniform int u_diagonal, u_window; // window 0: none
uniform bool u_causal;
uniform vec2 u_scale;    // of products; softcap: what tanh is given of them, and what it is multiplied by
uniform bool u_capped;
uniform ivec2 u_level;
uniform int u_heads, u_combine; // 0 sum, 1 largest, 2 smallest
uniform int u_columns;   // texels of a row; NORMALISE: blocks of keys in a segment

const int BLOCK = 64, STEP = 16;
const float HIDDEN = -1e30;

shared vec4 s_queries[STEP][16], s_keys[STEP][16];
shared float s_sum[2048], s_best[2048]; // of 4 x 4 cells or, at fine levels, of fewer

// 2^x to 2.5e-7: the polynomial of tiles/kernel_exp2.h; the built-in function may be off by many times that.
float exp2_of(float x) {
    x = clamp(x, -126.0, 127.0);
    float n = floor(x + 0.5), f = x - n;
    float p = 1.32779393e-3;
    p = p * f + 9.67575796e-3;
    p = p * f + 5.55070974e-2;
    p = p * f + 0.240221143;
    p = p * f + 0.693146944;
    p = p * f + 1.00000012;
    return p * intBitsToFloat((int(n) + 127) << 23);
}

// As in tiles/kernel_body.h.
float tanh_of(float x) {
    float z = x * x;
    float p = -5.70498872745e-3;
    p = p * z + 2.06390887954e-2;
    p = p * z - 5.37397155531e-2;
    p = p * z + 1.33314422036e-1;
    p = p * z - 3.33332819422e-1;
    p = p * z * x + x;
    float far = 1.0 - 2.0 / (exp2_of(min(abs(x), 10.0) * 2.88539008) + 1.0);
    return abs(x) < 0.625 ? p : (x < 0.0 ? -far : far);
}

// Keys that a query sees.
ivec2 visible(int row) {
    int d = row + u_diagonal;
    int low = u_window == 0 ? 0 : u_causal ? d - u_window + 1 : d - u_window / 2;
    int high = u_causal ? d + 1 : u_window == 0 ? u_size.y : d + u_window / 2 + 1;
    return ivec2(max(low, 0), row < u_size.x ? min(high, u_size.y) : 0);
}

// Does any query of these rows see any key of this block?
bool any_visible(int row_block, int key_block) {
    int last = min((row_block + 1) * BLOCK, u_size.x) - 1;
    return visible(row_block * BLOCK).x < (key_block + 1) * BLOCK && visible(last).y > key_block * BLOCK;
}

// Four rows and four keys of this invocation: cells[i] is a row.
void products(int head, int row_block, int key_block, out vec4 cells[4]) {
    int at = int(gl_LocalInvocationIndex);
    ivec2 place = ivec2(gl_LocalInvocationID.xy), blocks = (u_size + BLOCK - 1) / BLOCK;
    int query_row = (head * blocks.x + row_block) * u_depth, key_row = (key_of[head] * blocks.y + key_block) * u_depth;
    for (int i = 0; i < 4; i++) {
        cells[i] = vec4(0.0);
    }
    for (int first = 0; first < u_depth; first += STEP) {
        barrier();
        s_queries[at / 16][at % 16] = queries[(query_row + first) * 16 + at];
        s_keys[at / 16][at % 16] = keys[(key_row + first) * 16 + at];
        barrier();
        for (int i = 0; i < STEP; i++) {
            vec4 q = s_queries[i][place.y], k = s_keys[i][place.x];
            cells[0] += q.x * k;
            cells[1] += q.y * k;
            cells[2] += q.z * k;
            cells[3] += q.w * k;
        }
    }
    for (int i = 0; i < 4; i++) {
        cells[i] *= u_scale.x;
        if (u_capped) {
            cells[i] = u_scale.y * vec4(tanh_of(cells[i].x), tanh_of(cells[i].y), tanh_of(cells[i].z),
                                        tanh_of(cells[i].w));
        }
    }
    barrier(); // shared memory is free again
}

#ifdef NORMALISE

void main() {
    ivec2 place = ivec2(gl_LocalInvocationID.xy);
    int row_block = u_blocks.x + int(gl_WorkGroupID.x), segment = int(gl_WorkGroupID.y), head = int(gl_WorkGroupID.z);
    int end = min((segment + 1) * u_columns, (u_size.y + BLOCK - 1) / BLOCK);
    int row = row_block * BLOCK + place.y * 4;
    vec4 top = vec4(HIDDEN), sum = vec4(0.0);
    for (int key_block = segment * u_columns; key_block < end; key_block++) {
        vec4 cells[4];
        if (!any_visible(row_block, key_block)) {
            continue;
        }
        products(head, row_block, key_block, cells);
        for (int i = 0; i < 4; i++) {
            ivec2 seen = visible(row + i);
            int key = key_block * BLOCK + place.x * 4;
            float largest = top[i];
            for (int j = 0; j < 4; j++) {
                cells[i][j] = key + j >= seen.x && key + j < seen.y ? cells[i][j] : HIDDEN;
                largest = max(largest, cells[i][j]);
            }
            if (largest > HIDDEN) {
                sum[i] *= exp2_of(top[i] - largest);
                top[i] = largest;
                for (int j = 0; j < 4; j++) {
                    sum[i] += cells[i][j] > HIDDEN ? exp2_of(cells[i][j] - largest) : 0.0;
                }
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        s_best[(place.y * 4 + i) * 16 + place.x] = top[i];
        s_sum[(place.y * 4 + i) * 16 + place.x] = sum[i];
    }
    barrier();
    int at = int(gl_LocalInvocationIndex);
    if (at < BLOCK) {
        float largest = HIDDEN, total = 0.0;
        for (int i = 0; i < 16; i++) {
            largest = max(largest, s_best[at * 16 + i]);
        }
        for (int i = 0; i < 16; i++) {
            total += s_sum[at * 16 + i] > 0.0 ? s_sum[at * 16 + i] * exp2_of(s_best[at * 16 + i] - largest) : 0.0;
        }
        int rows = (u_size.x + BLOCK - 1) / BLOCK * BLOCK;
        result[(head * int(gl_NumWorkGroups.y) + segment) * rows + row_block * BLOCK + at] = vec2(largest, total);
    }
}

#else

#if defined(SCORES) || defined(SIGNED)
const float MASKED = -1e38;
float best_of(float a, float b) {
    if (a == MASKED || b == MASKED) {
        return a == MASKED ? b : a;
    }
    return abs(b) > abs(a) || (abs(b) == abs(a) && b > a) ? b : a;
}
#else
const float MASKED = -1.0;
float best_of(float a, float b) {
    return max(a, b);
}
#endif

// Cells of a block, all heads together: what is hidden counts as nothing, and has no maximum.
void block_cells(int row_block, int key_block, out vec4 cells[4], out vec4 best[4]) {
    ivec2 place = ivec2(gl_LocalInvocationID.xy);
    int rows = (u_size.x + BLOCK - 1) / BLOCK * BLOCK, row = row_block * BLOCK + place.y * 4;
    for (int head = 0; head < u_heads; head++) {
        vec4 one[4];
        products(head, row_block, key_block, one);
        for (int i = 0; i < 4; i++) {
            vec2 number = row_numbers[head * rows + row + i];
#ifndef SCORES
            for (int j = 0; j < 4; j++) {
                one[i][j] = exp2_of(one[i][j] + number.x);
            }
#endif
            one[i] *= number.y;
            cells[i] = head == 0 ? one[i] : u_combine == 0 ? cells[i] + one[i]
                     : u_combine == 1 ? max(cells[i], one[i]) : min(cells[i], one[i]);
        }
    }
    for (int i = 0; i < 4; i++) {
        int key = key_block * BLOCK + place.x * 4;
        ivec2 seen = visible(row + i);
        for (int j = 0; j < 4; j++) {
            bool shown = key + j >= seen.x && key + j < seen.y;
            best[i][j] = shown ? cells[i][j] : MASKED;
            cells[i][j] = shown ? cells[i][j] : 0.0;
        }
    }
}

// Only one invocation of one group has to do with a texel.
void add_to_texel(int row_block, int key_block, int row, int column, float sum, float best) {
    int y = (row_block * BLOCK + row) >> u_level.x, x = (key_block * BLOCK + column) >> u_level.y;
    if (x < u_columns && row_block * BLOCK + row < u_size.x) {
        vec2 old = result[y * u_columns + x];
        result[y * u_columns + x] = vec2(old.x + sum, best_of(old.y, best));
    }
}

// From registers to texels: 4 x 4 cells, or the part of them that is in one texel, then all of a texel in this block.
void reduce(int row_block, int key_block, vec4 cells[4], vec4 best[4]) {
    ivec2 place = ivec2(gl_LocalInvocationID.xy);
    int at = int(gl_LocalInvocationIndex);
    ivec2 own = min(ivec2(4), ivec2(1) << u_level);           // cells of a texel within 4 x 4
    ivec2 texel = min(ivec2(BLOCK), ivec2(1) << min(u_level, ivec2(6))); // and within the block
    if (own == ivec2(1)) {
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                add_to_texel(row_block, key_block, place.y * 4 + i, place.x * 4 + j, cells[i][j], best[i][j]);
            }
        }
        return;
    }
    ivec2 grid = BLOCK / own; // rows, columns of what the invocations hand over
    for (int i = 0; i < 4; i += own.x) {
        for (int j = 0; j < 4; j += own.y) {
            float sum = 0.0, largest = MASKED;
            for (int r = 0; r < own.x; r++) {
                for (int c = 0; c < own.y; c++) {
                    sum += cells[i + r][j + c];
                    largest = best_of(largest, best[i + r][j + c]);
                }
            }
            int slot = (place.y * 4 + i) / own.x * grid.y + (place.x * 4 + j) / own.y;
            s_sum[slot] = sum;
            s_best[slot] = largest;
        }
    }
    barrier();
    ivec2 merge = texel / own, count = BLOCK / texel;
    for (int i = at; i < grid.x * count.y; i += 256) { // along the keys, into the first of each texel
        int slot = i / count.y * grid.y + i % count.y * merge.y;
        for (int c = 1; c < merge.y; c++) {
            s_sum[slot] += s_sum[slot + c];
            s_best[slot] = best_of(s_best[slot], s_best[slot + c]);
        }
    }
    barrier();
    for (int i = at; i < count.x * count.y; i += 256) { // along the queries
        int y = i / count.y, x = i % count.y;
        float sum = 0.0, largest = MASKED;
        for (int r = 0; r < merge.x; r++) {
            int slot = (y * merge.x + r) * grid.y + x * merge.y;
            sum += s_sum[slot];
            largest = best_of(largest, s_best[slot]);
        }
        add_to_texel(row_block, key_block, y * texel.x, x * texel.y, sum, largest);
    }
    barrier();
}

// A group has all cells of its texels in this call: 64 x 64 of them, or a texel that is larger.
void main() {
    ivec2 span = ivec2(1) << max(u_level - 6, ivec2(0)); // blocks of a group
    int first_row = (u_blocks.x / span.x + int(gl_WorkGroupID.y)) * span.x;
    int row_end = min(first_row + span.x, u_blocks.y);
    int first_key = int(gl_WorkGroupID.x) * span.y;
    int key_end = min(first_key + span.y, (u_size.y + BLOCK - 1) / BLOCK);
    bool whole = u_level.x >= 6 && u_level.y >= 6; // one texel: its blocks are added up before they are reduced
    vec4 sum[4], best[4];
    for (int i = 0; i < 4; i++) {
        sum[i] = vec4(0.0);
        best[i] = vec4(MASKED);
    }
    for (int row_block = max(first_row, u_blocks.x); row_block < row_end; row_block++) {
        for (int key_block = first_key; key_block < key_end; key_block++) {
            vec4 cells[4], largest[4];
            if (!any_visible(row_block, key_block)) {
                continue;
            }
            block_cells(row_block, key_block, cells, largest);
            if (!whole) {
                reduce(row_block, key_block, cells, largest);
                continue;
            }
            for (int i = 0; i < 4; i++) {
                sum[i] += cells[i];
                for (int j = 0; j < 4; j++) {
                    best[i][j] = best_of(best[i][j], largest[i][j]);
                }
            }
        }
    }
    if (whole) {
        reduce(max(first_row, u_blocks.x), first_key, sum, best);
    }
}

#endif
