/* The compose pass: the tiles of a head set -> one composite, in the atlas like a tile.
 *
 * The heads are sorted by page, in pairs, and pages of one format are taken COMPOSE_PAGES at a time (see
 * compose.frag):
 *
 *   pairs   [ page 0: heads ... | page 1: ... | page 2: ... ]   layer, factor row and weight of each
 *             `- run 0 -----------------'       `- run 1        a run is one draw; runs hand over through `passes`
 *
 * Every mip of a base composite is composed from the same mip of the heads, so that a mean stays exact. Software
 * rasterisers truncate when they render to RG16F; composites are RG32F.
 *
 * Software rasterisers need milliseconds for many heads, so a composite may be drawn in bands of rows, one a frame.
 * How large a band may be follows from what the last ones took. Mips come with the last band. */
#include "gpu/gpu_private.h"

#include <assert.h>
#include <string.h>

#define RUNS_MAX HEADSET_MAX
#define BAND_ROWS_MIN 16
/* Before anything was measured: a tile of 32 heads took 10 ms on two Zen 4 cores with llvmpipe 22.3. */
#define NS_PER_FETCH 5.0
#define MEASURED_SHARE 0.3 /* of a new measurement in the running mean */

/* What one draw takes. */
typedef struct Run {
    const TilePage *pages[COMPOSE_PAGES];
    GLint start[COMPOSE_PAGES + 1]; /* pairs of page p, counted from first_pair: start[p] .. start[p + 1] */
    int page_count, first_pair;
    float scale;
} Run;

typedef struct Job {
    const ComposeRequest *request;
    const TileSlot *slots[HEADSET_MAX]; /* by position in the head set */
    TileSlot *target;
    Run runs[RUNS_MAX];
    int run_count;
    float pairs[HEADSET_MAX][4]; /* sorted by run and page; at most one a head */
    int pair_count;
    bool factors, result_signed;
    int first_row, end_row; /* of mip 0: the band to draw */
} Job;

/* ---- planning -------------------------------------------------------------------------------- */

static TileKey source_key(const ComposeRequest *request, int position) {
    return request->sources ? request->sources[position]
                            : tiles_key_of_head(&request->key, request->heads->index[position]);
}

static Status find_heads(Gpu *gpu, Job *job, Error *err) {
    const ComposeRequest *request = job->request;
    for (int i = 0; i < request->heads->count; i++) {
        const TileKey key = source_key(request, i);
        const SlotSpace base = key.head < 0 ? SPACE_BASE_COMPOSITE : SPACE_BASE;
        TileSlot *slot = request->base ? gpu_atlas_find(gpu, &key, base) : gpu_tile_slot(gpu, &key, 0);
        if (!slot || slot->rows_missing > 0) {
            return error_set(err, STATUS_NOT_FOUND, "a tile of head index %d is not on the GPU", key.head);
        }
        gpu_atlas_touch(gpu, slot);
        job->slots[i] = slot;
        const GpuTileInfo *info = &slot->info, *first = &job->slots[0]->info;
        if (i > 0 && (info->width != first->width || info->height != first->height ||
                      (request->base && info->mip_count != first->mip_count))) {
            return error_set(err, STATUS_RANGE, "the heads' tiles have different sizes");
        }
    }
    return STATUS_OK;
}

/* Layer, factor row and weight as compose.frag reads them; small integers are exact in a float. */
static void describe_head(const Job *job, int position, float out[2]) {
    out[0] = (float)(job->slots[position]->layer | position << COMPOSE_LAYER_BITS);
    out[1] = job->request->heads->weight[position];
}

/* All heads on the page of head `first`, in pairs; an odd one enters twice, the second time with weight 0. */
static void add_page_heads(Job *job, int first, bool *done) {
    bool half = false;
    for (int i = first; i < job->request->heads->count; i++) {
        if (done[i] || job->slots[i]->page != job->slots[first]->page) {
            continue;
        }
        done[i] = true;
        float *pair = job->pairs[half ? job->pair_count - 1 : job->pair_count++];
        describe_head(job, i, half ? pair + 2 : pair);
        if (!half) {
            pair[2] = pair[0];
            pair[3] = 0;
        }
        half = !half;
    }
}

/* The run that takes another page of this format: the last, or a new one. */
static Run *open_run(Job *job, float scale) {
    Run *last = job->run_count > 0 ? &job->runs[job->run_count - 1] : NULL;
    if (last && last->scale == scale && last->page_count < COMPOSE_PAGES) {
        return last;
    }
    Run *run = &job->runs[job->run_count++];
    run->page_count = 0;
    run->scale = scale;
    run->first_pair = job->pair_count;
    return run;
}

static void plan_runs(Job *job) {
    static const float scales[] = {1 / TILE_F16_SCALE, 1};
    int head_count = job->request->heads->count;
    bool done[HEADSET_MAX] = {false};
    job->run_count = job->pair_count = 0;
    for (size_t s = 0; s < BASE_COUNT(scales); s++) {
        for (int first = 0; first < head_count; first++) {
            if (done[first] || gpu_slot_scale(job->slots[first]) != scales[s]) {
                continue;
            }
            Run *run = open_run(job, scales[s]);
            run->pages[run->page_count] = job->slots[first]->page;
            run->start[run->page_count++] = job->pair_count - run->first_pair;
            add_page_heads(job, first, done);
            for (int p = run->page_count; p <= COMPOSE_PAGES; p++) {
                run->start[p] = job->pair_count - run->first_pair;
            }
        }
    }
}

/* Bound on the largest weight, for ranges before anything is read back. */
static float bound_of_max(const Job *job) {
    const ResolvedHeads *heads = job->request->heads;
    float sum = 0, largest = 0;
    for (int i = 0; i < heads->count; i++) {
        float value = job->slots[i]->info.max_value;
        float weight = heads->weight[i];
        sum += (weight < 0 ? -weight : weight) * value;
        largest = value > largest ? value : largest;
    }
    return heads->op == HEADS_MAX || heads->op == HEADS_MIN || heads->op == HEADS_DIFF ? largest : sum;
}

/* Rows that the budget allows. Hardware is not waited for, so nothing is known of it: all. */
static int band_rows(const Gpu *gpu, const Job *job, int height) {
    const ComposeRequest *request = job->request;
    if (request->budget_ns == 0 || !gpu->info.software) {
        return height;
    }
    double per_fetch = gpu->composer.ns_per_fetch > 0 ? gpu->composer.ns_per_fetch : NS_PER_FETCH;
    double row_ns = per_fetch * request->heads->count * job->slots[0]->info.width;
    double rows = (double)request->budget_ns / row_ns;
    return rows >= height ? height : (int)i64_max(BAND_ROWS_MIN, (int64_t)rows);
}

static void place_band(const Gpu *gpu, Job *job, int missing) {
    int height = job->slots[0]->info.height;
    job->first_row = missing > 0 && missing < height ? height - missing : 0;
    job->end_row = (int)i64_min(height, job->first_row + band_rows(gpu, job, height));
}

Exactness gpu_difference_exactness(Exactness minuend, Exactness subtrahend) {
    if (minuend == ESTIMATE || subtrahend == ESTIMATE) {
        return ESTIMATE;
    }
    if (subtrahend == EXACT) {
        return minuend;
    }
    const Exactness turned = subtrahend == BOUND_UPPER   ? BOUND_LOWER
                             : subtrahend == BOUND_LOWER ? BOUND_UPPER
                                                         : subtrahend;
    return minuend == EXACT || minuend == turned ? turned : APPROXIMATE;
}

/* Of the composite, as far as it follows from what it is made of. */
static void note_exactness(Job *job, bool varied) {
    const ComposeRequest *request = job->request;
    const Level level = {request->key.lq, request->key.lk};
    GpuTileInfo *info = &job->target->info;
    info->exactness_mean = tiles_headset_exactness(request->heads, level, CHANNEL_MEAN);
    info->exactness_max = tiles_headset_exactness(request->heads, level, CHANNEL_MAX);
    if (varied) {
        info->exactness_mean = info->exactness_max = APPROXIMATE;
    } else if (request->sources && request->heads->op != HEADS_DIFF) {
        info->stepped = true;
        info->exactness_mean = info->exactness_max = APPROXIMATE;
    } else if (request->sources) {
        info->exactness_mean = gpu_difference_exactness(job->slots[0]->info.exactness_mean,
                                                        job->slots[1]->info.exactness_mean);
        info->exactness_max = info->exactness_mean;
    }
}

/* What is made of estimates is one; the largest of maxima that are too small is too small, too. */
static void note_estimates(Job *job) {
    GpuTileInfo *info = &job->target->info;
    const bool largest = job->request->heads->op == HEADS_MAX && !job->result_signed && !job->factors;
    for (int i = 0; i < job->request->heads->count; i++) {
        int estimate = job->slots[i]->info.estimate;
        if (estimate > 0 && (info->estimate == 0 || estimate < info->estimate)) {
            info->estimate = estimate;
            info->exactness_mean = ESTIMATE;
            info->exactness_max = largest ? BOUND_LOWER : ESTIMATE;
        }
    }
}

/* Not that of a composite that is read: a texture is not drawn into while it is. */
static PageKind target_kind(const Job *job) {
    const ComposeRequest *request = job->request;
    bool other = request->sources != NULL;
    for (int i = 0; request->sources && request->heads->op != HEADS_DIFF && i < request->heads->count; i++) {
        const PageKind from = job->slots[i]->page->kind;
        other &= from != PAGE_DIFFERENCE && from != PAGE_BASE_DIFFERENCE;
    }
    return other           ? (request->base ? PAGE_BASE_DIFFERENCE : PAGE_DIFFERENCE)
           : request->base ? PAGE_BASE_COMPOSITE
                           : PAGE_COMPOSITE;
}

static Status reserve_target(Gpu *gpu, Job *job, Error *err) {
    const ComposeRequest *request = job->request;
    const GpuTileInfo *first = &job->slots[0]->info;
    SlotSpace space = request->base ? SPACE_BASE_COMPOSITE : SPACE_COMPOSITE;
    PageKind kind = target_kind(job);
    const TileSlot *begun = gpu_atlas_find(gpu, &request->key, space);
    place_band(gpu, job, begun ? begun->rows_missing : 0);
    Status status = gpu_atlas_reserve(gpu, &request->key, space, kind, &job->target, err);
    if (status != STATUS_OK) {
        return status;
    }
    Level level = {request->key.lq, request->key.lk};
    bool varied = job->factors && (level.q > 0 || level.k > 0);
    job->target->info = (GpuTileInfo){
        .format = TILE_RG32F,
        .is_signed = job->result_signed,
        .is_base = request->base,
        .width = first->width,
        .height = first->height,
        .mip_count = request->base ? first->mip_count : 1,
        .max_value = bound_of_max(job),
        .auto_high = {NAN, NAN, NAN},
    };
    job->target->rows_missing = first->height - job->end_row;
    note_exactness(job, varied);
    note_estimates(job);
    return STATUS_OK;
}

/* ---- factors --------------------------------------------------------------------------------- */

static int factor_offset(int mip) {
    int offset = 0;
    for (int m = 0; m < mip; m++) {
        offset += TILE_SIDE >> m;
    }
    return offset;
}

/* One head's factors and, after them, their means for each mip; what is hidden counts as 0, and hides where there is
 * nothing else. */
static void fill_factor_row(float *row, const float *factors, int size, int mip_count) {
    for (int mip = 0; mip < mip_count; mip++) {
        float *out = row + factor_offset(mip);
        int side = tiles_mip_side(size, mip), block = 1 << mip;
        for (int i = 0; i < side; i++) {
            int end = (int)i64_min((int64_t)(i + 1) * block, size);
            double sum = 0;
            bool visible = false;
            for (int j = i * block; j < end; j++) {
                double factor = factors ? (double)factors[j] : 1;
                visible |= factor >= 0;
                sum += factor > 0 ? factor : 0;
            }
            out[i] = visible ? (float)(sum / (end - i * block)) : FACTOR_HIDDEN;
        }
    }
}

static void upload_factors(Gpu *gpu, const Job *job, GLuint texture, const float *const *factors, int size) {
    int count = job->request->heads->count, mips = job->target->info.mip_count;
    float *rows = gpu->composer.factor_rows;
    for (int i = 0; i < count; i++) {
        fill_factor_row(rows + (size_t)i * FACTOR_WIDTH, factors ? factors[i] : NULL, size, mips);
    }
    glBindTexture(GL_TEXTURE_2D, texture);
    glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, FACTOR_WIDTH, count, GL_RED, GL_FLOAT, rows);
}

/* The factor textures get their full size when factors are first used. */
static Status prepare_factors(Gpu *gpu, const Job *job, Error *err) {
    Composer *composer = &gpu->composer;
    const ComposeRequest *request = job->request;
    if (!job->factors) {
        return STATUS_OK;
    }
    if (!composer->factor_rows) {
        composer->factor_rows = mem_alloc_zeroed((size_t)HEADSET_MAX * FACTOR_WIDTH, sizeof(float));
        if (!composer->factor_rows) {
            return error_set(err, STATUS_MEMORY, "not enough memory for row and column factors");
        }
        GLuint textures[] = {composer->row_factors, composer->col_factors};
        for (size_t i = 0; i < BASE_COUNT(textures); i++) {
            glBindTexture(GL_TEXTURE_2D, textures[i]);
            glTexImage2D(GL_TEXTURE_2D, 0, GL_R32F, FACTOR_WIDTH, HEADSET_MAX, 0, GL_RED, GL_FLOAT, NULL);
        }
    }
    upload_factors(gpu, job, composer->row_factors, request->row_factors, job->target->info.height);
    upload_factors(gpu, job, composer->col_factors, request->col_factors, job->target->info.width);
    return STATUS_OK;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static GLuint make_texture(GLenum format, int width, int height) {
    GLuint texture;
    glGenTextures(1, &texture);
    glBindTexture(GL_TEXTURE_2D, texture);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 0);
    GLenum layout = format == GL_RGBA32F ? GL_RGBA : GL_RED;
    glTexImage2D(GL_TEXTURE_2D, 0, (GLint)format, width, height, 0, layout, GL_FLOAT, NULL);
    return texture;
}

/* Made before any texture is bound for drawing, because making binds. */
static void prepare_passes(Composer *composer, const Job *job) {
    for (size_t i = 0; job->run_count > 1 && i < BASE_COUNT(composer->passes); i++) {
        if (composer->passes[i] == 0) {
            composer->passes[i] = make_texture(GL_RGBA32F, TILE_SIDE, TILE_SIDE);
        }
    }
}

/* Where run `index` writes, and what it goes on from. */
static Status bind_run_target(Gpu *gpu, const Job *job, int index, int mip, Error *err) {
    Composer *composer = &gpu->composer;
    bool last = index == job->run_count - 1;
    if (last) {
        glFramebufferTextureLayer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, job->target->page->texture, mip,
                                  job->target->layer);
    } else {
        glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, composer->passes[index % 2], 0);
    }
    glActiveTexture(GL_TEXTURE0 + COMPOSE_PAGES + 2);
    glBindTexture(GL_TEXTURE_2D, index > 0 ? composer->passes[(index + 1) % 2] : composer->row_factors);
    if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) {
        return error_set(err, STATUS_GPU, "the driver cannot draw into float textures");
    }
    return STATUS_OK;
}

/* Unused units get the first page too: the set of formats, which software rasterisers compile into the shader, stays. */
static void bind_pages(const Run *run) {
    for (int p = 0; p < COMPOSE_PAGES; p++) {
        glActiveTexture(GL_TEXTURE0 + (GLenum)p);
        glBindTexture(GL_TEXTURE_2D_ARRAY, run->pages[p < run->page_count ? p : 0]->texture);
    }
}

static const ComposeProgram *program_of(const Gpu *gpu, const Job *job) {
    return &gpu->programs.compose[job->factors];
}

static Status draw_run(Gpu *gpu, const Job *job, int index, int mip, Error *err) {
    const ComposeProgram *program = program_of(gpu, job);
    const Run *run = &job->runs[index];
    Status status = bind_run_target(gpu, job, index, mip, err);
    if (status != STATUS_OK) {
        return status;
    }
    bind_pages(run);
    int end = index + 1 < job->run_count ? job->runs[index + 1].first_pair : job->pair_count;
    glUniform4fv(program->heads, end - run->first_pair, job->pairs[run->first_pair]);
    glUniform1iv(program->start, COMPOSE_PAGES + 1, run->start);
    glUniform1i(program->mip, mip);
    glUniform1i(program->factor_offset, factor_offset(mip));
    glUniform1i(program->first, index == 0);
    glUniform1i(program->last, index == job->run_count - 1);
    glUniform1f(program->scale, run->scale);
    int width = tiles_mip_side(job->target->info.width, mip), height = tiles_mip_side(job->target->info.height, mip);
    glViewport(0, 0, width, height);
    glScissor(0, mip == 0 ? job->first_row : 0, width, mip == 0 ? job->end_row - job->first_row : height);
    glDrawArrays(GL_TRIANGLES, 0, 3);
    gpu->stats.draw_calls++;
    return STATUS_OK;
}

static void set_sentinels(GLint location, bool is_signed) {
    glUniform2f(location, is_signed ? TILE_SIGNED_MASKED : TILE_MASKED,
                is_signed ? TILE_SIGNED_NONFINITE : TILE_NONFINITE);
}

static void begin_drawing(Gpu *gpu, const Job *job) {
    const ComposeProgram *program = program_of(gpu, job);
    const ComposeRequest *request = job->request;
    const ResolvedHeads *heads = request->heads;
    Composer *composer = &gpu->composer;
    glActiveTexture(GL_TEXTURE0 + COMPOSE_PAGES);
    glBindTexture(GL_TEXTURE_2D, composer->row_factors);
    glActiveTexture(GL_TEXTURE0 + COMPOSE_PAGES + 1);
    glBindTexture(GL_TEXTURE_2D, composer->col_factors);
    glUseProgram(program->id);
    glUniform1i(program->op, heads->op == HEADS_MAX ? 1 : heads->op == HEADS_MIN ? 2 : 0);
    glUniform1i(program->g_is_r, heads->count > 1 && job->result_signed);
    set_sentinels(program->sentinel_in, request->data_signed);
    set_sentinels(program->sentinel_out, job->result_signed);
    glBindFramebuffer(GL_FRAMEBUFFER, composer->framebuffer);
    glBindVertexArray(gpu->composer.empty_array);
    glDisable(GL_BLEND);
    glEnable(GL_SCISSOR_TEST);
}

static Status draw_all(Gpu *gpu, const Job *job, Error *err) {
    Status status = STATUS_OK;
    int mips = job->target->rows_missing > 0 ? 1 : job->target->info.mip_count;
    begin_drawing(gpu, job);
    for (int mip = 0; status == STATUS_OK && mip < mips; mip++) {
        for (int run = 0; status == STATUS_OK && run < job->run_count; run++) {
            status = draw_run(gpu, job, run, mip, err);
        }
    }
    glDisable(GL_SCISSOR_TEST);
    return status;
}

/* Software rasterisers draw when they are waited for; the wait would come anyway, with the frame. */
static void measure(Gpu *gpu, const Job *job, const Clock *clock, uint64_t start) {
    if (!gpu->info.software) {
        return;
    }
    glFinish();
    double texels = (double)(job->end_row - job->first_row) * job->target->info.width;
    texels += job->target->rows_missing == 0 && job->target->info.mip_count > 1
                  ? (double)job->target->info.height * job->target->info.width / 3
                  : 0;
    double ns = (double)(clock_now_ns(clock) - start) / (texels * job->request->heads->count);
    double *mean = &gpu->composer.ns_per_fetch;
    *mean = *mean > 0 ? *mean + MEASURED_SHARE * (ns - *mean) : ns;
}

Status gpu_compose(Gpu *gpu, const ComposeRequest *request, Error *err) {
    assert(request->heads->count >= 1 && request->heads->count <= HEADSET_MAX);
    Job job; /* 24 kB; the parts in use are filled by find_heads and plan_runs */
    job.request = request;
    job.factors = request->row_factors || request->col_factors;
    job.result_signed = request->data_signed || request->heads->result_signed;
    const Clock clock = clock_system();
    uint64_t start = clock_now_ns(&clock);
    TileSlot *known = request->base ? NULL : gpu_atlas_find(gpu, &request->key, SPACE_COMPOSITE);
    if (known && known->from_source) {
        gpu_atlas_touch(gpu, known);
        return STATUS_OK;
    }
    Status status = find_heads(gpu, &job, err);
    if (status == STATUS_OK) {
        status = reserve_target(gpu, &job, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    plan_runs(&job);
    gpu_drain_errors(gpu);
    glActiveTexture(GL_TEXTURE0);
    prepare_passes(&gpu->composer, &job);
    status = prepare_factors(gpu, &job, err);
    if (status == STATUS_OK) {
        status = draw_all(gpu, &job, err);
        measure(gpu, &job, &clock, start);
    }
    glActiveTexture(GL_TEXTURE0);
    if (status == STATUS_OK && gpu_drain_errors(gpu)) {
        status = error_set(err, STATUS_MEMORY, "the graphics driver has no memory left to combine heads");
    }
    if (status != STATUS_OK) {
        gpu_atlas_release(gpu, job.target);
    }
    gpu->stats.composes += status == STATUS_OK && job.target->rows_missing == 0;
    return status;
}

Status gpu_composer_open(Gpu *gpu, Error *err) {
    Composer *composer = &gpu->composer;
    gpu_drain_errors(gpu);
    glGenFramebuffers(1, &composer->framebuffer);
    glGenVertexArrays(1, &composer->empty_array);
    composer->row_factors = make_texture(GL_R32F, 1, 1);
    composer->col_factors = make_texture(GL_R32F, 1, 1);
    return gpu_drain_errors(gpu) ? error_set(err, STATUS_MEMORY, "the graphics driver has no memory left") : STATUS_OK;
}

void gpu_composer_close(Gpu *gpu) {
    Composer *composer = &gpu->composer;
    glDeleteFramebuffers(1, &composer->framebuffer);
    glDeleteVertexArrays(1, &composer->empty_array);
    GLuint textures[] = {composer->row_factors, composer->col_factors, composer->passes[0], composer->passes[1]};
    glDeleteTextures((GLsizei)BASE_COUNT(textures), textures);
    mem_free(composer->factor_rows);
    memset(composer, 0, sizeof *composer);
}
