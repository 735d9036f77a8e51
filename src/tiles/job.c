/* One want -> one finished tile, on the calling thread. Working memory comes from the thread's PoolScratch; only the
 * texels themselves are allocated. */
#include "tiles/internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Cells of one JOB_CELLS: 64 MiB. Read-outs and profiles are far below; a row of a million keys still fits. */
#define CELLS_MAX ((int64_t)16 * 1024 * 1024)
enum { MIPS_MAX = 16 };
/* Texels of a whole pattern that an overview is made from, a side, at most. */
enum { FINER_SIDE = TILE_SIDE << TILE_FINER_MAX };
enum { FINE_LEVEL = 4 }; /* of the query axis: never estimated */

typedef struct Job {
    const TileWant *want;
    int base_side;
    PoolScratch *scratch;
    const CancelFlag *cancel;
    TileNode *node;
    PoolRequest request;
    ResolvedHeads heads;
    int64_t queries, keys;
} Job;

static Status resolve_heads(Job *job, const SetInfo *set, const LayerInfo *layer, Error *err) {
    const TileWant *want = job->want;
    if (want->kind == JOB_COMPOSITE || want->kind == JOB_CELLS) {
        return tiles_headset_resolve(&want->heads, set, layer, &job->heads, err);
    }
    job->heads = (ResolvedHeads){.op = HEADS_MEAN, .count = 1};
    job->heads.index[0] = want->key.head;
    job->heads.weight[0] = 1.0f;
    job->heads.result_signed = set->signed_values || set->kind == SET_ATTRIBUTION;
    return STATUS_OK;
}

static Status open_job(Job *job, Error *err) {
    const TileKey *key = &job->want->key;
    const Capture *capture = job->want->capture;
    const Variant *variant = tiles_key_varied(key) ? &job->want->variant : NULL;
    if ((key->variant & ~TILE_VARIANT_EXACT) != (variant != NULL ? tiles_variant_id(variant) : 0)) {
        return error_set(err, STATUS_RANGE, "a tile's key names another variant than it comes with");
    }
    if (key->set < 0 || key->set >= capture_set_count(capture)) {
        return error_set(err, STATUS_RANGE, "the capture has no set %d", key->set);
    }
    if (key->values != VALUES_WEIGHTS && key->values != VALUES_SCORES) {
        return error_set(err, STATUS_RANGE, "neither weights nor scores: %d", key->values);
    }
    const SetInfo *set = capture_set(capture, key->set);
    if (key->layer < 0 || key->layer >= set->layer_count) {
        return error_set(err, STATUS_RANGE, "set %s has no layer index %d", set->name, key->layer);
    }
    Status status = resolve_heads(job, set, &set->layers[key->layer], err);
    if (status != STATUS_OK) {
        return status;
    }
    PatternRef ref = {key->set, key->item, key->step, key->layer, job->heads.index[0]};
    status = capture_pattern_size(capture, ref, &job->queries, &job->keys, err);
    job->request.capture = capture;
    job->request.set = key->set;
    job->request.item = key->item;
    job->request.step = key->step;
    job->request.layer = key->layer;
    job->request.values = (Values)key->values;
    job->request.heads = &job->heads;
    job->request.variant = variant;
    job->node->data.is_signed = tiles_headset_signed(&job->heads, job->request.values);
    return status;
}

/* ---- texels ---------------------------------------------------------------------------------- */

/* Sets the request's texels: those of a tile, or of the whole pattern. False where nothing of it is under them. */
static bool place_texels(Job *job, Level level, int64_t tile_y, int64_t tile_x) {
    PoolRequest *r = &job->request;
    if (level.q < 0 || level.q >= TILE_LEVELS || level.k < 0 || level.k >= TILE_LEVELS || tile_y < 0 || tile_x < 0 ||
        tile_y >= tiles_count_along(job->queries, level.q) || tile_x >= tiles_count_along(job->keys, level.k)) {
        return false;
    }
    r->level = level;
    r->y0 = tile_y * TILE_SIDE;
    r->x0 = tile_x * TILE_SIDE;
    r->height = (int)i64_min(TILE_SIDE, tiles_texels(job->queries, level.q) - r->y0);
    r->width = (int)i64_min(TILE_SIDE, tiles_texels(job->keys, level.k) - r->x0);
    return true;
}

/* The mip chain goes into one image behind the other: mips[m + 1] follows mips[m]. */
static int build_mips(const Job *job, float *image, float *mips[MIPS_MAX]) {
    const PoolRequest *r = &job->request;
    int count = 1, height = r->height, width = r->width;
    Level level = r->level;
    mips[0] = image;
    while ((height > 1 || width > 1) && count < MIPS_MAX) {
        mips[count] = mips[count - 1] + 2 * (size_t)height * (size_t)width;
        tiles_pool_halve(mips[count - 1], height, width, job->queries, job->keys, level, job->node->data.is_signed,
                         mips[count]);
        height = tiles_mip_side(height, 1);
        width = tiles_mip_side(width, 1);
        level.q++;
        level.k++;
        count++;
    }
    return count;
}

/* Here and not on the GL thread, where reading a texture back and ranking its values would cost a frame. */
static void measure_ranges(Job *job, const float *image) {
    TileData *data = &job->node->data;
    static const Channel CHANNELS[] = {CHANNEL_MEAN, CHANNEL_MASS, CHANNEL_MAX};
    const PooledImage pooled = {image, data->height, data->width, job->keys, job->request.level.k, 0, data->is_signed};
    for (size_t i = 0; i < BASE_COUNT(CHANNELS); i++) {
        data->auto_high[CHANNELS[i]] = tiles_upper_range(&pooled, CHANNELS[i], TILE_AUTO_PERCENTILE);
    }
}

/* ---- estimates ------------------------------------------------------------------------------- */

#define SLOW_RATE 5e10  /* operations a second: below what any kernel does */
#define EXACT_S 1.0     /* for which exact work is waited */
#define TOGETHER_S 4.0  /* the same for all heads of a picture, which several workers share */
#define ESTIMATE_S 0.15 /* that a first estimate may take */

/* One row of a factored layer: its normaliser, its weights. */
static double row_seconds(const SetInfo *set, const LayerInfo *layer) {
    enum { PRODUCTS = 2 };
    return PRODUCTS * 2.0 * (double)layer->keys * layer->head_dim / SLOW_RATE * (set->causal ? 0.5 : 1.0);
}

bool tiles_exact_at_once(const SetInfo *set, const LayerInfo *layer, Level level) {
    return !set->factored || level.q <= FINE_LEVEL ||
           row_seconds(set, layer) * fmin(ldexp(TILE_SIDE, level.q), (double)layer->queries) <= EXACT_S;
}

/* How many rows of each texel row to look at; 0: all. Exact at once unless that takes more than about a second; then
 * so many rows as ESTIMATE_S allows, and each time it is asked for better, REFINE times as many, until that is a
 * good part of all. Texels of up to 16 x 16 weights are never estimated, and neither are composites and variants.
 * What is exact soon by itself is estimated once where a picture needs many of it. */
static int choose_sample(const Job *job, const SetInfo *set) {
    enum { REFINE = 16, WORTH_IT = 4 };
    const TileWant *want = job->want;
    const PoolRequest *r = &job->request;
    const LayerInfo *layer = &set->layers[r->layer];
    const double company = fmax(1.0, want->company), side = ldexp(1.0, r->level.q);
    if ((want->kind != JOB_BASE && want->kind != JOB_TILE) || r->variant != NULL) {
        return 0;
    }
    const double row_s = row_seconds(set, layer), all_s = row_s * fmin((double)r->height * side, (double)job->queries);
    const bool alone = tiles_exact_at_once(set, layer, r->level);
    if (alone &&
        (r->level.q <= FINE_LEVEL || !set->factored || want->better_than > 0 || all_s * company <= TOGETHER_S)) {
        return 0;
    }
    double sample = fmax(1.0, floor(ESTIMATE_S / company / (row_s * r->height)));
    sample = want->better_than > 0 ? fmax(sample, (double)want->better_than * REFINE) : sample;
    return sample * WORTH_IT >= side ? 0 : (int)sample;
}

/* ---- texels, and what comes with them -------------------------------------------------------- */

/* How many levels below the overview its cells are pooled to at first. */
static int choose_finer(const Job *job, Level base) {
    const int finer = (int)i64_clamp(job->want->finer, 0, TILE_FINER_MAX);
    const bool exist = base.q >= finer && base.k >= finer;
    return job->want->kind == JOB_BASE && job->request.sample == 0 && exist ? finer : 0;
}

/* One tile of the whole pattern at a level, whose image this is. Memory short: there is none. */
static void cut_tile(Job *job, const float *image, Level level, int64_t y, int64_t x, float *room, bool allow_f16) {
    const TileData *base = &job->node->data;
    const int image_width = (int)tiles_texels(job->keys, level.k);
    const int height = (int)i64_min(TILE_SIDE, tiles_texels(job->queries, level.q) - y * TILE_SIDE);
    const int width = (int)i64_min(TILE_SIDE, image_width - x * TILE_SIDE);
    TileNode *node = tiles_node_new();
    if (node == NULL) {
        return;
    }
    for (int row = 0; row < height; row++) {
        memcpy(room + 2 * (size_t)row * (size_t)width,
               image + 2 * ((size_t)(y * TILE_SIDE + row) * (size_t)image_width + (size_t)(x * TILE_SIDE)),
               2 * (size_t)width * sizeof *room);
    }
    float *const mips[1] = {room};
    node->data.kind = JOB_TILE;
    node->data.key = base->key;
    node->data.key.lq = level.q;
    node->data.key.lk = level.k;
    node->data.key.y = y;
    node->data.key.x = x;
    node->data.is_signed = base->is_signed;
    node->data.error.offset = -1;
    if (tiles_node_fill(node, mips, width, height, 1, allow_f16, NULL) != STATUS_OK) {
        tiles_data_drop(&node->data);
        return;
    }
    node->result_next = job->node->finer;
    job->node->finer = node;
}

static void cut_tiles(Job *job, const float *image, Level level, float *room, bool allow_f16) {
    for (int64_t y = 0; y < tiles_count_along(job->queries, level.q); y++) {
        for (int64_t x = 0; x < tiles_count_along(job->keys, level.k); x++) {
            cut_tile(job, image, level, y, x, room, allow_f16);
        }
    }
}

static Status run_texels(Job *job, Error *err) {
    const TileKey *key = &job->want->key;
    PoolRequest *r = &job->request;
    bool base = job->want->kind == JOB_BASE;
    Level level = {key->lq, key->lk};
    if (base) {
        level = (Level){tiles_base_level(job->queries, job->base_side), tiles_base_level(job->keys, job->base_side)};
    }
    if (!place_texels(job, level, base ? 0 : key->y, base ? 0 : key->x)) {
        return error_set(err, STATUS_RANGE, "tile %lld,%lld at level %d,%d is outside a pattern of %lld x %lld",
                         (long long)key->y, (long long)key->x, level.q, level.k, (long long)job->queries,
                         (long long)job->keys);
    }
    r->sample = choose_sample(job, capture_set(job->want->capture, key->set));
    job->node->data.estimate = r->sample;
    const int finer = choose_finer(job, level), base_width = r->width, base_height = r->height;
    if (finer > 0) {
        r->level = (Level){level.q - finer, level.k - finer};
        r->height = (int)tiles_texels(job->queries, r->level.q);
        r->width = (int)tiles_texels(job->keys, r->level.k);
    }
    /* A chain of halves takes at most twice its first image, plus a texel a mip for sides rounded up; a tile to cut. */
    size_t texels = (size_t)r->height * (size_t)r->width, tile = (size_t)TILE_SIDE * TILE_SIDE;
    size_t chain = base ? 2 * texels + (size_t)(MIPS_MAX * FINER_SIDE) : texels;
    float *image = tiles_pool_image(job->scratch, 2 * (chain + (finer > 0 ? tile : 0)));
    if (image == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory to pool a tile");
    }
    Status status = tiles_pool(r, image, job->scratch, job->cancel, err);
    if (status != STATUS_OK) {
        return status;
    }
    float *mips[MIPS_MAX] = {image};
    int mip_count = base ? build_mips(job, image, mips) : 1;
    bool allow_f16 = job->want->kind != JOB_COMPOSITE && !job->node->data.is_signed && r->variant == NULL;
    status = tiles_node_fill(job->node, mips + finer, base_width, base_height, mip_count - finer, allow_f16, err);
    if (status == STATUS_OK && finer > 0) {
        cut_tiles(job, image, r->level, image + 2 * chain, allow_f16);
        r->level = level;
    }
    if (status == STATUS_OK && base) {
        measure_ranges(job, mips[finer]);
    }
    return status;
}

/* ---- cells ----------------------------------------------------------------------------------- */

static Status run_cells(Job *job, Error *err) {
    const TileKey *key = &job->want->key;
    TileData *data = &job->node->data;
    int64_t count;
    if (key->y < 0 || key->x < 0 || key->rows < 1 || key->columns < 1 || key->rows > job->queries - key->y ||
        key->columns > job->keys - key->x) {
        return error_set(err, STATUS_RANGE, "%lld x %lld cells from %lld,%lld are outside a pattern of %lld x %lld",
                         (long long)key->rows, (long long)key->columns, (long long)key->y, (long long)key->x,
                         (long long)job->queries, (long long)job->keys);
    }
    if (!i64_mul(key->rows, key->columns, &count) || count > CELLS_MAX) {
        return error_set(err, STATUS_RANGE, "%lld x %lld cells are more than the %lld that one read-out may have",
                         (long long)key->rows, (long long)key->columns, (long long)CELLS_MAX);
    }
    size_t size = (size_t)count * sizeof(float);
    float *cells = mem_alloc(size);
    if (cells == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for %lld cells", (long long)count);
    }
    Status status = tiles_cells(&job->request, (Block){key->y, key->y + key->rows, key->x, key->x + key->columns},
                                cells, job->scratch, job->cancel, err);
    if (status != STATUS_OK) {
        mem_free(cells);
        return status;
    }
    for (int64_t i = 0; i < count; i++) {
        float v = data->is_signed ? fabsf(cells[i]) : cells[i];
        data->max_value = v <= FLT_MAX && v > data->max_value ? v : data->max_value;
    }
    data->format = TILE_R32F;
    data->width = (int)key->columns;
    data->height = (int)key->rows;
    data->mip_count = 1;
    data->size = size;
    data->texels = cells;
    return STATUS_OK;
}

static Status run_factors(Job *job, Error *err) {
    const PoolRequest *r = &job->request;
    if (r->variant == NULL) {
        return error_set(err, STATUS_RANGE, "factors of no variant");
    }
    const FactorRequest request = {.capture = r->capture,
                                   .ref = {r->set, r->item, r->step, r->layer, job->heads.index[0]},
                                   .values = r->values,
                                   .variant = r->variant,
                                   .store = r->factors};
    FactorWork work = tiles_pool_factor_work(job->scratch, job->cancel);
    work.pause = r->pause;
    work.pause_user = r->pause_user;
    if (job->want->kind == JOB_ROW_FACTORS && job->want->key.lq == 0) {
        int64_t q0 = i64_clamp(job->want->key.y, 0, job->queries / TILE_SIDE) * TILE_SIDE;
        Status status = tiles_pool_prepare_rows(&request, q0, i64_min(q0 + TILE_SIDE, job->queries), &work,
                                                job->scratch, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return tiles_job_factors(job->want, &request, &work, &job->node->data, err);
}

static Status run(Job *job, Error *err) {
    switch (job->want->kind) {
    case JOB_CELLS:
        return run_cells(job, err);
    case JOB_ROW_FACTORS:
    case JOB_COLUMN_FACTORS:
        return run_factors(job, err);
    default:
        return run_texels(job, err);
    }
}

Status tiles_job_run(const TileWant *want, int base_side, FactorStore *factors, PoolScratch *scratch,
                     const CancelFlag *cancel, void (*pause)(void *user), void *pause_user, TileNode *node) {
    Job job = {.want = want, .base_side = base_side, .scratch = scratch, .cancel = cancel, .node = node};
    TileData *data = &node->data;
    job.request.factors = factors;
    job.request.pause = pause;
    job.request.pause_user = pause_user;
    data->kind = want->kind;
    data->key = want->key;
    data->error.offset = -1;
    Status status = open_job(&job, &data->error);
    if (status == STATUS_OK) {
        status = run(&job, &data->error);
    }
    data->status = status;
    return status;
}
