/* Tasks of workers (tiles/tiles.h, PoolDevice) on the GPU, a little in each frame:
 *
 *   take -> upload operands in pieces -> dispatch a band of rows -> (fence) -> ... -> read back -> finish
 *
 * Hardware is never waited for: a band is sent, and looked after when its fence has passed. A software rasteriser
 * does its work in the call that waits, so there bands are waited for, and measured. How many rows a band has follows
 * from the time that the bands before took.
 *
 * Packed keys stay on the GPU as long as there is room, those used longest ago go first: the tiles and heads that
 * follow want them again. Everything lies within the tile budget, of which a part is set aside while this is open. */
#include "gpu/gpu_private.h"

#include <string.h>

#define MIB ((size_t)1 << 20)
#define LOG2_E 1.44269504088896340736
#define RESERVE_MAX (128 * MIB)
#define RESERVE_MIN (2 * MIB)
#define OPERAND_MAX (8 * MIB)
#define PIECE (256 << 10)        /* bytes uploaded between two looks at the clock */
#define BAND_NS 1.5e6            /* aim for one dispatch */
#define FIRST_NS_PER_KILOP 500.0 /* of a thousand operations, before anything was measured: a software rasteriser */
#define WAIT_NS UINT64_C(5000000000)
#define WINDOW_MAX ((int64_t)1 << 30)

enum { KEY_BUFFERS = 16, OUT_FLOATS_MAX = 2 * TILE_SIDE * TILE_SIDE };

typedef struct ComputeProgram {
    GLuint id;
    GLint depth, size, blocks, diagonal, window, causal, scale, capped, level, columns, heads, combine;
} ComputeProgram;

typedef enum TaskKind { TASK_WEIGHTS, TASK_SIGNED, TASK_SCORES, TASK_NORMALISE, TASK_KINDS } TaskKind;

typedef struct KeyBuffer {
    GLuint buffer;
    uint64_t id; /* of what it holds, once all is uploaded; 0: nothing */
    size_t bytes;
    uint64_t used;
} KeyBuffer;

typedef enum Phase { PHASE_QUERIES, PHASE_KEYS, PHASE_NUMBERS, PHASE_BANDS } Phase;

struct Recompute {
    ComputeProgram programs[TASK_KINDS];
    size_t reserved, operand_bytes, key_bytes; /* key_bytes: of all key buffers */
    GLuint queries, numbers, key_of, result, timer;
    uint64_t queries_id;
    size_t numbers_bytes, key_of_bytes, result_bytes; /* of the buffers */
    KeyBuffer keys[KEY_BUFFERS];
    uint64_t clock;
    double ns_per_kilop;
    bool measured;
    /* the task under way */
    DeviceTask *task;
    KeyBuffer *task_keys;
    Phase phase;
    size_t uploaded; /* bytes of the operand that is being uploaded */
    int next_block;  /* of rows */
    double band_kilops;
    GLsync fence; /* of the last band; 0: none */
    RecomputeStats stats;
};

static size_t operand_bytes(const DeviceTask *task, int heads, int rows) {
    return (size_t)heads * (size_t)i64_ceil_div(rows, DEVICE_BLOCK) * DEVICE_BLOCK * (size_t)task->depth *
           sizeof(float);
}

static size_t query_bytes(const DeviceTask *task) {
    return operand_bytes(task, task->heads, task->rows);
}

static size_t key_bytes(const DeviceTask *task) {
    return operand_bytes(task, task->key_heads, task->columns);
}

static int row_blocks(const DeviceTask *task) {
    return (int)i64_ceil_div(task->rows, DEVICE_BLOCK);
}

static int key_blocks(const DeviceTask *task) {
    return (int)i64_ceil_div(task->columns, DEVICE_BLOCK);
}

static size_t number_bytes(const DeviceTask *task) {
    return (size_t)task->heads * (size_t)row_blocks(task) * DEVICE_BLOCK * 2 * sizeof(float);
}

static size_t key_of_bytes(const DeviceTask *task) {
    return (size_t)task->heads * sizeof *task->key_of;
}

/* Thousands of operations of so many blocks of rows. */
static double kilops(const DeviceTask *task, double blocks) {
    return 2e-3 * DEVICE_BLOCK * blocks * (double)task->columns * task->depth * task->heads;
}

/* ---- programs -------------------------------------------------------------------------------- */

static Status open_program(const char *directory, const char *defines, ComputeProgram *p, Error *err) {
    Status status = gpu_compute_open(directory, "recompute.comp", defines, &p->id, err);
    if (status != STATUS_OK) {
        return status;
    }
    p->depth = glGetUniformLocation(p->id, "u_depth");
    p->size = glGetUniformLocation(p->id, "u_size");
    p->blocks = glGetUniformLocation(p->id, "u_blocks");
    p->diagonal = glGetUniformLocation(p->id, "u_diagonal");
    p->window = glGetUniformLocation(p->id, "u_window");
    p->causal = glGetUniformLocation(p->id, "u_causal");
    p->scale = glGetUniformLocation(p->id, "u_scale");
    p->capped = glGetUniformLocation(p->id, "u_capped");
    p->level = glGetUniformLocation(p->id, "u_level");
    p->columns = glGetUniformLocation(p->id, "u_columns");
    p->heads = glGetUniformLocation(p->id, "u_heads");
    p->combine = glGetUniformLocation(p->id, "u_combine");
    return STATUS_OK;
}

static void drop(Recompute *r) {
    GLuint buffers[] = {r->queries, r->numbers, r->key_of, r->result};
    for (int i = 0; i < TASK_KINDS; i++) {
        glDeleteProgram(r->programs[i].id);
    }
    for (int i = 0; i < KEY_BUFFERS; i++) {
        glDeleteBuffers(1, &r->keys[i].buffer);
    }
    glDeleteBuffers((GLsizei)BASE_COUNT(buffers), buffers);
    glDeleteQueries(1, &r->timer);
    if (r->fence) {
        glDeleteSync(r->fence);
    }
    mem_free(r);
}

static Status make(Gpu *gpu, Recompute **out, Error *err) {
    static const char *const DEFINES[TASK_KINDS] = {"", "#define SIGNED\n", "#define SCORES\n", "#define NORMALISE\n"};
    *out = NULL;
    if (!GLAD_GL_VERSION_4_3) {
        return error_set(err, STATUS_UNSUPPORTED, "the graphics driver has no compute shaders (OpenGL 4.3)");
    }
    Recompute *r = mem_alloc_zeroed(1, sizeof *r);
    if (!r) {
        return error_set(err, STATUS_MEMORY, "not enough memory for compute shaders");
    }
    Status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < TASK_KINDS; i++) {
        status = open_program(gpu->shader_directory, DEFINES[i], &r->programs[i], err);
    }
    r->ns_per_kilop = FIRST_NS_PER_KILOP;
    glGenBuffers(1, &r->queries);
    glGenBuffers(1, &r->numbers);
    glGenBuffers(1, &r->key_of);
    glGenBuffers(1, &r->result);
    glGenQueries(1, &r->timer);
    if (status != STATUS_OK) {
        drop(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

/* ---- buffers --------------------------------------------------------------------------------- */

static Status no_buffers(Error *err) {
    return error_set(err, STATUS_MEMORY, "the graphics driver has no memory left for compute buffers");
}

/* A buffer of this size, its contents undefined. */
static bool allocate(Gpu *gpu, GLuint buffer, size_t bytes) {
    gpu_drain_errors(gpu);
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, buffer);
    glBufferData(GL_SHADER_STORAGE_BUFFER, (GLsizeiptr)bytes, NULL, GL_DYNAMIC_DRAW);
    return !gpu_upload_failed(gpu);
}

static bool reserve(Gpu *gpu, GLuint buffer, size_t bytes, size_t *have) {
    if (bytes <= *have) {
        return true;
    }
    *have = allocate(gpu, buffer, bytes) ? bytes : 0;
    return *have > 0;
}

static KeyBuffer *find_keys(Recompute *r, uint64_t id) {
    for (int i = 0; i < KEY_BUFFERS; i++) {
        if (r->keys[i].id == id) {
            return &r->keys[i];
        }
    }
    return NULL;
}

/* Room for keys, after those used longest ago have gone. */
static KeyBuffer *make_room(Gpu *gpu, Recompute *r, size_t bytes) {
    for (;;) {
        KeyBuffer *oldest = NULL, *vacant = NULL;
        size_t total = bytes;
        for (int i = 0; i < KEY_BUFFERS; i++) {
            KeyBuffer *k = &r->keys[i];
            total += k->bytes;
            if (k->bytes == 0) {
                vacant = k;
            } else if (!oldest || k->used < oldest->used) {
                oldest = k;
            }
        }
        if (vacant && (total <= r->key_bytes || !oldest)) {
            if (vacant->buffer == 0) {
                glGenBuffers(1, &vacant->buffer);
            }
            if (!allocate(gpu, vacant->buffer, bytes)) {
                return NULL;
            }
            vacant->bytes = bytes;
            return vacant;
        }
        glDeleteBuffers(1, &oldest->buffer);
        *oldest = (KeyBuffer){0};
    }
}

/* One piece; true when all of it is there. */
static bool upload_piece(Gpu *gpu, Recompute *r, GLuint buffer, const void *data, size_t bytes) {
    size_t left = bytes - r->uploaded, piece = left < PIECE ? left : PIECE;
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, buffer);
    glBufferSubData(GL_SHADER_STORAGE_BUFFER, (GLintptr)r->uploaded, (GLsizeiptr)piece,
                    (const uint8_t *)data + r->uploaded);
    r->uploaded += piece;
    r->stats.upload_bytes += piece;
    gpu->stats.upload_bytes += piece;
    return r->uploaded == bytes;
}

/* ---- a task ---------------------------------------------------------------------------------- */

static TaskKind kind_of(const DeviceTask *task) {
    return task->normalise   ? TASK_NORMALISE
           : !task->weights  ? TASK_SCORES
           : task->is_signed ? TASK_SIGNED
                             : TASK_WEIGHTS;
}

/* STATUS_NOT_FOUND: the keys are to be sent again. */
static Status begin_task(Gpu *gpu, Recompute *r, Error *err) {
    DeviceTask *task = r->task;
    size_t queries = query_bytes(task), keys = key_bytes(task);
    size_t out = tiles_device_out_floats(task) * sizeof(float);
    if (queries > r->operand_bytes || keys > r->operand_bytes || task->depth < 1 || task->depth % DEVICE_DEPTH != 0) {
        return error_set(err, STATUS_UNSUPPORTED, "operands of this size do not fit the GPU buffers");
    }
    r->task_keys = find_keys(r, task->keys_id);
    task->keys_gone = !r->task_keys && !task->keys;
    if (task->keys_gone) {
        return STATUS_NOT_FOUND;
    }
    r->uploaded = 0;
    r->next_block = 0;
    r->phase = r->queries_id == task->queries_id ? PHASE_KEYS : PHASE_QUERIES;
    if (!reserve(gpu, r->result, out, &r->result_bytes) ||
        !reserve(gpu, r->numbers, number_bytes(task), &r->numbers_bytes) ||
        !reserve(gpu, r->key_of, key_of_bytes(task), &r->key_of_bytes)) {
        return no_buffers(err);
    }
    if (!task->normalise) {
        const float none[2] = {0.0f, task->is_signed ? TILE_SIGNED_MASKED : TILE_MASKED};
        glBindBuffer(GL_SHADER_STORAGE_BUFFER, r->result);
        glClearBufferData(GL_SHADER_STORAGE_BUFFER, GL_RG32F, GL_RG, GL_FLOAT, none);
    }
    return STATUS_OK;
}

/* Operands, a piece at a time. */
static Status upload_some(Gpu *gpu, Recompute *r, Error *err) {
    const DeviceTask *task = r->task;
    size_t bytes = key_bytes(task);
    if (r->phase == PHASE_QUERIES) {
        if (upload_piece(gpu, r, r->queries, task->queries, query_bytes(task))) {
            r->queries_id = task->queries_id;
            r->phase = PHASE_KEYS;
            r->uploaded = 0;
        }
        return STATUS_OK;
    }
    if (r->phase == PHASE_KEYS) {
        if (!r->task_keys && !(r->task_keys = make_room(gpu, r, bytes))) {
            return no_buffers(err);
        }
        if (r->task_keys->id == task->keys_id || upload_piece(gpu, r, r->task_keys->buffer, task->keys, bytes)) {
            r->task_keys->id = task->keys_id;
            r->phase = PHASE_NUMBERS;
        }
        r->task_keys->used = ++r->clock;
        return STATUS_OK;
    }
    if (!task->normalise) {
        glBindBuffer(GL_SHADER_STORAGE_BUFFER, r->numbers);
        glBufferSubData(GL_SHADER_STORAGE_BUFFER, 0, (GLsizeiptr)number_bytes(task), task->row_numbers);
    }
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, r->key_of);
    glBufferSubData(GL_SHADER_STORAGE_BUFFER, 0, (GLsizeiptr)key_of_bytes(task), task->key_of);
    r->phase = PHASE_BANDS;
    return STATUS_OK;
}

static int int_of(int64_t v) {
    return (int)i64_clamp(v, -WINDOW_MAX, WINDOW_MAX);
}

static void set_uniforms(const ComputeProgram *p, const DeviceTask *task, int first, int end) {
    /* Weights are powers of two. */
    double unit = task->normalise || task->weights ? LOG2_E : 1.0;
    bool capped = task->softcap > 0.0;
    glUseProgram(p->id);
    glUniform1i(p->depth, task->depth);
    glUniform2i(p->size, task->rows, task->columns);
    glUniform2i(p->blocks, first, end);
    glUniform1i(p->diagonal, int_of(task->diagonal));
    glUniform1i(p->window, int_of(task->window));
    glUniform1i(p->causal, task->causal);
    glUniform1i(p->capped, capped);
    glUniform2f(p->scale, (float)(capped ? task->scale / task->softcap : task->scale * unit),
                (float)(task->softcap * unit));
    if (task->normalise) {
        glUniform1i(p->columns, (int)i64_ceil_div(key_blocks(task), DEVICE_SEGMENTS));
    } else {
        glUniform2i(p->level, task->level.q, task->level.k);
        glUniform1i(p->columns, task->texel_columns);
        glUniform1i(p->heads, task->heads);
        glUniform1i(p->combine, (GLint)task->combine);
    }
}

static int groups_along(int first, int end, int level) {
    int span = level > 6 ? 1 << (level - 6) : 1;
    return (end - 1) / span - first / span + 1;
}

/* Blocks of rows that take about so long. */
static int band_blocks(const Recompute *r, double aim_ns) {
    double blocks = aim_ns / (kilops(r->task, 1.0) * r->ns_per_kilop);
    int left = row_blocks(r->task) - r->next_block;
    return blocks >= left ? left : (int)i64_max(1, (int64_t)blocks);
}

static void dispatch_band(Recompute *r, double aim_ns) {
    const DeviceTask *task = r->task;
    int first = r->next_block, end = first + band_blocks(r, aim_ns);
    /* In the order of the bindings. */
    const GLuint buffers[] = {r->queries, r->task_keys->buffer, r->numbers, r->result, r->key_of};
    for (GLuint i = 0; i < BASE_COUNT(buffers); i++) {
        glBindBufferBase(GL_SHADER_STORAGE_BUFFER, i, buffers[i]);
    }
    set_uniforms(&r->programs[kind_of(task)], task, first, end);
    glBeginQuery(GL_TIME_ELAPSED, r->timer);
    if (task->normalise) {
        glDispatchCompute((GLuint)(end - first), DEVICE_SEGMENTS, (GLuint)task->heads);
    } else {
        glDispatchCompute((GLuint)groups_along(0, key_blocks(task), task->level.k),
                          (GLuint)groups_along(first, end, task->level.q), 1);
    }
    glEndQuery(GL_TIME_ELAPSED);
    glMemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
    r->band_kilops = kilops(task, (double)(end - first));
    r->next_block = end;
    r->fence = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
}

/* Has the band passed? Then its time says how large the next may be. */
static bool band_passed(Recompute *r, uint64_t wait_ns, bool *lost) {
    if (!r->fence) {
        return true;
    }
    GLenum state = glClientWaitSync(r->fence, GL_SYNC_FLUSH_COMMANDS_BIT, wait_ns);
    *lost = state == GL_WAIT_FAILED;
    if (state == GL_TIMEOUT_EXPIRED || *lost) {
        return *lost;
    }
    glDeleteSync(r->fence);
    r->fence = 0;
    GLuint64 ns = 0;
    glGetQueryObjectui64v(r->timer, GL_QUERY_RESULT, &ns);
    if (r->band_kilops > 0 && ns > 0) {
        double measured = (double)ns / r->band_kilops;
        r->ns_per_kilop = r->measured ? (r->ns_per_kilop + measured) / 2 : measured;
        r->measured = true;
    }
    return true;
}

static Status read_result(Gpu *gpu, Recompute *r, Error *err) {
    gpu_drain_errors(gpu);
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, r->result);
    glGetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0, (GLsizeiptr)(tiles_device_out_floats(r->task) * sizeof(float)),
                       r->task->out);
    return glGetError() == GL_NO_ERROR ? STATUS_OK
                                       : error_set(err, STATUS_GPU, "the driver failed to compute attention");
}

/* One step of the task. *done: it is finished, with the status that is returned. *waits: for the GPU. */
static Status step_task(Gpu *gpu, Recompute *r, double aim_ns, bool *done, bool *waits, Error *err) {
    bool lost = false;
    *done = *waits = false;
    if (r->phase != PHASE_BANDS) {
        return upload_some(gpu, r, err);
    }
    /* A software rasteriser computes while somebody waits. */
    if (!band_passed(r, gpu->info.software ? WAIT_NS : 0, &lost)) {
        *waits = true;
        return STATUS_OK;
    }
    if (lost) {
        return error_set(err, STATUS_GPU, "the graphics driver was lost while it computed attention");
    }
    if (r->next_block < row_blocks(r->task)) {
        dispatch_band(r, aim_ns);
        return STATUS_OK;
    }
    *done = true;
    return read_result(gpu, r, err);
}

/* ---- the device ------------------------------------------------------------------------------ */

Status gpu_recompute_open(Gpu *gpu, PoolDevice *device, const DeviceParams *open, Error *err) {
    Recompute *r = NULL;
    if (gpu->recompute) {
        return STATUS_OK;
    }
    Status status = make(gpu, &r, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t budget = gpu->info.tile_budget;
    r->reserved = budget / 8 < RESERVE_MAX ? budget / 8 : RESERVE_MAX;
    if (r->reserved < RESERVE_MIN) {
        drop(r);
        return error_set(err, STATUS_MEMORY, "the GPU budget is too small to compute attention there");
    }
    /* Result and row numbers take less than a quarter: they are smaller than what they belong to. */
    r->operand_bytes = r->reserved / 4 < OPERAND_MAX ? r->reserved / 4 : OPERAND_MAX;
    r->key_bytes = r->reserved - 2 * r->operand_bytes;
    if (!gpu_atlas_set_aside(gpu, r->reserved)) {
        drop(r);
        return error_set(err, STATUS_MEMORY, "the GPU budget has no room to compute attention there");
    }
    if (!allocate(gpu, r->queries, r->operand_bytes)) {
        gpu_atlas_give_back(gpu, r->reserved);
        drop(r);
        return no_buffers(err);
    }
    r->stats.bytes = r->reserved;
    gpu->recompute = r;
    DeviceParams params = *open;
    params.operand_bytes = r->operand_bytes;
    tiles_device_open(device, &params);
    return STATUS_OK;
}

void gpu_recompute_close(Gpu *gpu, PoolDevice *device) {
    Recompute *r = gpu->recompute;
    if (!r) {
        return;
    }
    if (device) {
        tiles_device_open(device, NULL);
        if (r->task) {
            tiles_device_finish(device, r->task, STATUS_UNSUPPORTED);
        }
    }
    gpu_atlas_give_back(gpu, r->reserved);
    gpu->recompute = NULL;
    drop(r);
}

bool gpu_recompute_is_open(const Gpu *gpu) {
    return gpu->recompute != NULL;
}

RecomputeStats gpu_recompute_stats(const Gpu *gpu) {
    return gpu->recompute ? gpu->recompute->stats : (RecomputeStats){0};
}

static void finish(Recompute *r, PoolDevice *device, Status status) {
    if (r->task_keys && r->task_keys->id != r->task->keys_id) {
        r->task_keys->id = 0; /* half uploaded */
    }
    if (r->fence) {
        glDeleteSync(r->fence);
        r->fence = 0;
    }
    r->stats.tasks += status == STATUS_OK ? 1 : 0;
    tiles_device_finish(device, r->task, status);
    r->task = NULL;
    r->task_keys = NULL;
}

Status gpu_recompute_step(Gpu *gpu, PoolDevice *device, uint64_t budget_ns, bool *busy, Error *err) {
    Recompute *r = gpu->recompute;
    const Clock clock = clock_system();
    const uint64_t start = clock_now_ns(&clock);
    *busy = false;
    while (r) {
        if (!r->task) {
            if (!(r->task = tiles_device_take(device))) {
                return STATUS_OK;
            }
            Status status = begin_task(gpu, r, err);
            if (status == STATUS_NOT_FOUND || status == STATUS_UNSUPPORTED) {
                finish(r, device, status);
                continue;
            }
            if (status != STATUS_OK) {
                gpu_recompute_close(gpu, device);
                return status;
            }
        }
        *busy = true;
        if (!tiles_device_wanted(device, r->task)) {
            finish(r, device, STATUS_CANCELLED);
            continue;
        }
        bool done, waits;
        const uint64_t gone = clock_now_ns(&clock) - start;
        if (gone > budget_ns) {
            return STATUS_OK;
        }
        const double left = (double)(budget_ns - gone);
        Status status = step_task(gpu, r, left < BAND_NS ? left : BAND_NS, &done, &waits, err);
        if (status != STATUS_OK) {
            gpu_recompute_close(gpu, device);
            return status;
        }
        if (done) {
            finish(r, device, STATUS_OK);
        }
        if (waits) {
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

/* ---- how fast it is -------------------------------------------------------------------------- */

/* A band with everything that belongs to it, waited for: the second one of its size, in ns. */
static Status time_trial(Gpu *gpu, Recompute *r, DeviceTask *task, double *ns, Error *err) {
    const Clock clock = clock_system();
    r->task = task;
    Status status = begin_task(gpu, r, err);
    while (status == STATUS_OK && r->phase != PHASE_BANDS) {
        status = upload_some(gpu, r, err);
    }
    for (int run = 0; run < 2 && status == STATUS_OK; run++) {
        bool lost = false;
        r->next_block = 0;
        glFinish();
        const uint64_t start = clock_now_ns(&clock);
        dispatch_band(r, 1e18);
        if (!band_passed(r, WAIT_NS, &lost) || lost) {
            status = error_set(err, STATUS_GPU, "the graphics driver did not finish a small tile");
        }
        glFinish();
        *ns = (double)(clock_now_ns(&clock) - start);
    }
    return status == STATUS_OK ? read_result(gpu, r, err) : status;
}

Status gpu_recompute_measure(Gpu *gpu, int dim, double *gflops, Error *err) {
    Recompute *r = NULL;
    /* Software: 2 Mflop for d = 64. Else enough to keep a large GPU busy for a moment. */
    const int tokens = gpu->info.software ? 128 : 4096;
    DeviceTask task = {.weights = true,
                       .heads = 1,
                       .key_heads = 1,
                       .depth = (int)i64_ceil_div(dim, DEVICE_DEPTH) * DEVICE_DEPTH,
                       .rows = tokens,
                       .columns = tokens,
                       .queries_id = 1,
                       .keys_id = 1,
                       .scale = 1.0 / dim,
                       .level = {4, 4},
                       .texel_rows = tokens / 16,
                       .texel_columns = tokens / 16};
    Status status = make(gpu, &r, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t floats = (size_t)tokens * (size_t)task.depth;
    float *operand = mem_alloc(floats * sizeof *operand),
          *numbers = mem_alloc_zeroed(2 * (size_t)tokens, sizeof *numbers);
    float *out = mem_alloc(tiles_device_out_floats(&task) * sizeof *out);
    double ns = 0;
    r->operand_bytes = r->key_bytes = floats * sizeof *operand;
    if (!operand || !numbers || !out || !allocate(gpu, r->queries, r->operand_bytes)) {
        status = error_set(err, STATUS_MEMORY, "not enough memory to measure");
    }
    for (size_t i = 0; i < floats && status == STATUS_OK; i++) {
        operand[i] = (float)(hash_u64(i) >> 40) * 0x1p-24f;
    }
    task.queries = task.keys = operand;
    task.row_numbers = numbers;
    task.out = out;
    if (status == STATUS_OK) {
        status = time_trial(gpu, r, &task, &ns, err);
    }
    *gflops = ns > 0 ? 2.0 * tokens * tokens * dim / ns : 0;
    mem_free(operand);
    mem_free(numbers);
    mem_free(out);
    drop(r);
    return status;
}
