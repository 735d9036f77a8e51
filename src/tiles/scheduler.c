/* Workers and what they are asked for.
 *
 *   want ---> queue ---> worker: job.c ---> results ---> take
 *     |                                 \-> RAM cache
 *     '------ found there or in results: finished at once
 *
 * One lock guards everything but the work itself. Two conditions: `work` (workers wait here for a job, for the end of a
 * pause, for memory; always broadcast, because they wait for different things) and `settled` (nothing runs any more).
 *
 * A worker takes a job only when it holds an empty TileNode to put the result in, so a failed allocation inside the job
 * still yields a result that says so; while no node can be had, its jobs stay queued and it tries again shortly.
 *
 * Captures are touched between want and forget only: forget lets nothing begin and waits until nothing runs. */
#include "tiles/internal.h"

#include <assert.h>

/* The default budget: a quarter of the memory, within these. */
#define RAM_BUDGET_LEAST ((size_t)128 << 20)
#define RAM_BUDGET_MOST ((size_t)1 << 30)
#define RAM_BUDGET_PART 4
#define RESULT_COUNT_MAX 256
#define RESULT_BYTES_MAX ((size_t)64 << 20)
/* Row factors and norms of values: 32 x 32 heads of 8,192 tokens take half of it. */
#define FACTOR_BUDGET ((size_t)64 << 20)
#define NO_MEMORY_RETRY_NS ((uint64_t)20 * 1000 * 1000)
/* A pause is slept in pieces, because a replaced clock may jump. */
#define PAUSE_PIECE_NS ((uint64_t)20 * 1000 * 1000)

typedef struct Worker {
    Scheduler *scheduler;
    Thread *thread;
    PoolScratch *scratch;
    TileNode *spare; /* where the next result goes */
    TileWant job;
    CancelFlag cancel;
    bool busy, wanted;
} Worker;

/* Finished and not yet taken, in the order of finishing. */
typedef struct Results {
    TileNode *first, *last;
    size_t count, bytes;
    atomic_size_t waiting; /* count, to be read without the lock */
} Results;

struct Scheduler {
    SchedulerParams params;
    Mutex *mutex;
    Cond *work, *settled;
    Worker *workers;
    KeyHead *held; /* [worker_count] */
    int worker_count;
    bool inline_jobs; /* no threads: take runs the jobs */
    Queue queue, next_queue;
    KnownJobs known;
    Results results;
    TileCache cache;
    FactorStore *factors;
    atomic_uint_fast64_t pause_until; /* read without the lock by running jobs */
    int running, forgetting;
    struct {
        DiskStore *store; /* NULL: a free place */
        uint32_t serial;  /* of the capture it belongs to */
    } disks[SCHEDULER_DISKS_MAX];
    bool quit;
    SchedulerStats stats;
};

/* ---- results --------------------------------------------------------------------------------- */

static void push_result(Scheduler *s, TileNode *node) /* takes over one reference */
{
    node->result_next = NULL;
    *(s->results.last != NULL ? &s->results.last->result_next : &s->results.first) = node;
    s->results.last = node;
    s->results.count++;
    atomic_store_explicit(&s->results.waiting, s->results.count, memory_order_relaxed);
    s->results.bytes += node->data.size;
}

static TileNode *pop_result(Scheduler *s) {
    TileNode *node = s->results.first;
    if (node == NULL) {
        return NULL;
    }
    s->results.first = node->result_next;
    if (s->results.first == NULL) {
        s->results.last = NULL;
    }
    node->result_next = NULL;
    s->results.count--;
    atomic_store_explicit(&s->results.waiting, s->results.count, memory_order_relaxed);
    s->results.bytes -= node->data.size;
    return node;
}

static void forget_results(Scheduler *s, uint32_t serial) {
    for (size_t left = s->results.count; left > 0; left--) {
        TileNode *node = pop_result(s);
        if (node->data.key.serial == serial) {
            tiles_data_drop(&node->data);
        } else {
            push_result(s, node);
        }
    }
}

/* ---- running a job --------------------------------------------------------------------------- */

static uint64_t pause_left(Scheduler *s) {
    uint64_t until = atomic_load_explicit(&s->pause_until, memory_order_relaxed);
    if (until == 0) {
        return 0;
    }
    uint64_t now = clock_now_ns(&s->params.clock);
    return until > now ? until - now : 0;
}

static void wait_piece(Scheduler *s, uint64_t left) {
    cond_wait_for(s->work, s->mutex, left < PAUSE_PIECE_NS ? left : PAUSE_PIECE_NS);
}

/* Called by the pool between strips, without the lock. */
static void pause_job(void *user) {
    Worker *worker = user;
    Scheduler *s = worker->scheduler;
    if (pause_left(s) == 0) {
        return;
    }
    mutex_lock(s->mutex);
    uint64_t left;
    while (!s->quit && !cancel_requested(&worker->cancel) && (left = pause_left(s)) > 0) {
        wait_piece(s, left);
    }
    mutex_unlock(s->mutex);
}

static bool may_begin(const Scheduler *s) {
    return s->forgetting == 0 && s->queue.at < s->queue.count && s->results.count < RESULT_COUNT_MAX &&
           s->results.bytes < RESULT_BYTES_MAX;
}

static void begin_job(Worker *worker) {
    Scheduler *s = worker->scheduler;
    bool any = tiles_queue_pop(&s->queue, s->held, s->worker_count, (int)(worker - s->workers), &worker->job);
    assert(any);
    (void)any;
    atomic_store(&worker->cancel.set, false);
    worker->busy = true;
    s->running++;
    s->stats.cache_misses += worker->job.kind != JOB_CELLS ? 1 : 0;
}

/* Returns whether there is something new to take. */
static bool finish_job(Worker *worker, Status status) {
    Scheduler *s = worker->scheduler;
    TileNode *node = worker->spare;
    bool cancelled = cancel_requested(&worker->cancel);
    bool deliver = !cancelled && !s->quit;
    worker->busy = false;
    if (--s->running == 0) {
        cond_broadcast(s->settled);
    }
    for (TileNode *finer = node->finer; finer != NULL && status == STATUS_OK; finer = finer->result_next) {
        tiles_cache_add(&s->cache, finer);
    }
    tiles_node_drop_finer(node);
    if (status != STATUS_OK && cancelled) {
        s->stats.jobs_cancelled++;
        node->data = (TileData){.references = 1}; /* stays the worker's */
        return false;
    }
    worker->spare = NULL;
    if (status != STATUS_OK) {
        s->stats.jobs_failed++;
    } else {
        s->stats.jobs_done++;
        if (node->data.kind != JOB_CELLS) {
            tiles_cache_add(&s->cache, node); /* also when it was not wanted any more: the work is done */
        }
    }
    if (deliver) {
        push_result(s, node);
    } else {
        tiles_data_drop(&node->data);
    }
    return deliver;
}

/* The pattern of a job whose row normalisers are kept with its base tile; 0 rows: none are. */
static int64_t normalised_rows(const TileWant *job, PatternRef *ref) {
    const TileKey *key = &job->key;
    const SetInfo *set = capture_set(job->capture, key->set);
    *ref = (PatternRef){key->set, key->item, key->step, key->layer, key->head};
    return set->factored && key->values == VALUES_WEIGHTS ? set->layers[key->layer].queries : 0;
}

/* Where all of them are known. */
static DiskRows gather_rows(const TileWant *job) {
    PatternRef ref;
    DiskRows rows = {normalised_rows(job, &ref), NULL};
    int64_t missing0 = 0, missing1 = 1;
    rows.lse = rows.count > 0 ? mem_alloc((size_t)rows.count * sizeof *rows.lse) : NULL;
    if (rows.lse != NULL &&
        (capture_lse_known(job->capture, ref, 0, rows.count, rows.lse, &missing0, &missing1, NULL) != STATUS_OK ||
         missing0 < missing1)) {
        mem_free(rows.lse);
        rows.lse = NULL;
    }
    rows.count = rows.lse != NULL ? rows.count : 0;
    return rows;
}

/* From the disk, or else computed and kept there. Without the lock. */
static Status make_tile(Worker *worker, DiskStore *disk) {
    Scheduler *s = worker->scheduler;
    const TileWant *job = &worker->job;
    bool kept = disk != NULL && tiles_disk_worthwhile(job);
    PatternRef ref;
    DiskRows rows;
    if (kept && tiles_disk_load(disk, &job->key, normalised_rows(job, &ref), worker->spare, &rows)) {
        if (rows.count > 0) {
            capture_lse_keep(job->capture, ref, 0, rows.count, rows.lse);
        }
        mem_free(rows.lse);
        return STATUS_OK;
    }
    Status status = tiles_job_run(&worker->job, s->params.base_side, s->factors, worker->scratch, &worker->cancel,
                                  s->inline_jobs ? NULL : pause_job, worker, worker->spare);
    if (kept && status == STATUS_OK && worker->spare->data.estimate == 0) {
        rows = gather_rows(job);
        tiles_disk_save(disk, &worker->spare->data, &rows);
        mem_free(rows.lse);
    }
    return status;
}

static DiskStore *disk_of(const Scheduler *s, uint32_t serial) {
    for (size_t i = 0; i < BASE_COUNT(s->disks); i++) {
        if (s->disks[i].store != NULL && s->disks[i].serial == serial) {
            return s->disks[i].store;
        }
    }
    return NULL;
}

/* With the lock held; gives it up while the job runs and while the consumer is woken. */
static void run_job(Worker *worker) {
    Scheduler *s = worker->scheduler;
    begin_job(worker);
    DiskStore *disk = disk_of(s, worker->job.key.serial);
    mutex_unlock(s->mutex);
    Status status = make_tile(worker, disk);
    mutex_lock(s->mutex);
    bool news = finish_job(worker, status);
    if (news && !s->inline_jobs && s->params.wake != NULL) {
        mutex_unlock(s->mutex);
        s->params.wake(s->params.wake_user);
        mutex_lock(s->mutex);
    }
}

static bool have_spare(Worker *worker) {
    if (worker->spare == NULL) {
        worker->spare = tiles_node_new();
    }
    return worker->spare != NULL;
}

static void work(void *user) {
    Worker *worker = user;
    Scheduler *s = worker->scheduler;
    mutex_lock(s->mutex);
    while (!s->quit) {
        uint64_t left;
        if (!may_begin(s)) {
            cond_wait(s->work, s->mutex);
        } else if ((left = pause_left(s)) > 0) {
            wait_piece(s, left);
        } else if (!have_spare(worker)) {
            cond_wait_for(s->work, s->mutex, NO_MEMORY_RETRY_NS);
        } else {
            run_job(worker);
        }
    }
    mutex_unlock(s->mutex);
}

/* ---- life ------------------------------------------------------------------------------------ */

static Status make_workers(Scheduler *s, int count, Error *err) {
    s->workers = mem_alloc_zeroed((size_t)count, sizeof *s->workers);
    s->held = mem_alloc_zeroed((size_t)count, sizeof *s->held); /* of serial 0, which is no capture's */
    if (s->workers == NULL || s->held == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the workers");
    }
    for (int i = 0; i < count; i++) {
        Worker *worker = &s->workers[i];
        worker->scheduler = s;
        worker->scratch = tiles_pool_scratch_new();
        s->worker_count++; /* from here on it is released by drop */
        if (worker->scratch == NULL || !have_spare(worker)) {
            return error_set(err, STATUS_MEMORY, "not enough memory for the workers");
        }
        tiles_pool_scratch_share(worker->scratch, count);
        if (!s->inline_jobs) {
            Status status = thread_start(&worker->thread, work, worker, "tiles", true, err);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

static size_t default_budget(void) {
    const uint64_t part = mem_machine_bytes() / RAM_BUDGET_PART;
    return part < RAM_BUDGET_LEAST ? RAM_BUDGET_LEAST : part > RAM_BUDGET_MOST ? RAM_BUDGET_MOST : (size_t)part;
}

Status tiles_scheduler_new(const SchedulerParams *params, Scheduler **out, Error *err) {
    *out = NULL;
    Scheduler *s = mem_alloc_zeroed(1, sizeof *s);
    if (s == NULL) {
        return error_set(err, STATUS_MEMORY, "not enough memory for the workers");
    }
    s->params = *params;
    s->inline_jobs = params->workers < 0;
    s->params.ram_budget = params->ram_budget > 0 ? params->ram_budget : default_budget();
    s->params.base_side = params->base_side > 0 && params->base_side < TILE_SIDE ? params->base_side : TILE_SIDE;
    if (params->clock.now_ns == NULL) {
        s->params.clock = clock_system();
    }
    atomic_init(&s->pause_until, 0);
    atomic_init(&s->results.waiting, 0);
    s->mutex = mutex_new();
    s->work = cond_new();
    s->settled = cond_new();
    s->factors = tiles_factors_new(FACTOR_BUDGET);
    Status status = tiles_cache_init(&s->cache, s->params.ram_budget, err);
    if (status == STATUS_OK && (s->mutex == NULL || s->work == NULL || s->settled == NULL || s->factors == NULL)) {
        status = error_set(err, STATUS_MEMORY, "not enough memory for the workers");
    }
    if (status == STATUS_OK) {
        int count = s->inline_jobs ? 1 : (params->workers > 0 ? params->workers : thread_core_count());
        status = make_workers(s, count, err);
    }
    if (status != STATUS_OK) {
        tiles_scheduler_drop(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

static void cancel_running(Scheduler *s) {
    for (int i = 0; i < s->worker_count; i++) {
        if (s->workers[i].busy) {
            atomic_store(&s->workers[i].cancel.set, true);
        }
    }
    cond_broadcast(s->work);
}

static void stop_workers(Scheduler *s) {
    mutex_lock(s->mutex);
    s->quit = true;
    cancel_running(s);
    mutex_unlock(s->mutex);
    for (int i = 0; i < s->worker_count; i++) {
        thread_join(s->workers[i].thread);
    }
}

void tiles_scheduler_drop(Scheduler *s) {
    if (s == NULL) {
        return;
    }
    if (s->worker_count > 0) {
        stop_workers(s);
    }
    for (int i = 0; i < s->worker_count; i++) {
        tiles_pool_scratch_drop(s->workers[i].scratch);
        tiles_data_drop(s->workers[i].spare != NULL ? &s->workers[i].spare->data : NULL);
    }
    for (TileNode *node = pop_result(s); node != NULL; node = pop_result(s)) {
        tiles_data_drop(&node->data);
    }
    tiles_cache_clear(&s->cache);
    tiles_queue_free(&s->queue);
    tiles_queue_free(&s->next_queue);
    tiles_known_free(&s->known);
    tiles_factors_drop(s->factors);
    cond_drop(s->settled);
    cond_drop(s->work);
    mutex_drop(s->mutex);
    mem_free(s->workers);
    mem_free(s->held);
    mem_free(s);
}

/* ---- want ------------------------------------------------------------------------------------ */

static void note_known(Scheduler *s) {
    for (int i = 0; i < s->worker_count; i++) {
        Worker *worker = &s->workers[i];
        worker->wanted = false;
        /* One that is being cancelled will bring no result, so it does not count. */
        if (worker->busy && !cancel_requested(&worker->cancel)) {
            int place = i;
            tiles_known_add(&s->known, worker->job.kind, &worker->job.key, &place);
        }
    }
    for (const TileNode *node = s->results.first; node != NULL; node = node->result_next) {
        int place = JOB_FINISHED;
        tiles_known_add(&s->known, node->data.kind, &node->data.key, &place);
    }
}

static void add_want(Scheduler *s, const TileWant *want) {
    int place = JOB_QUEUED;
    if (!tiles_known_add(&s->known, want->kind, &want->key, &place)) {
        if (place >= 0) {
            s->workers[place].wanted = true;
        }
        return;
    }
    JobId id = {want->kind, want->key};
    TileNode *cached = want->kind != JOB_CELLS ? tiles_cache_find(&s->cache, &id) : NULL;
    if (cached != NULL && tiles_data_satisfies(&cached->data, want)) {
        s->stats.cache_hits++;
        tiles_data_hold(&cached->data);
        push_result(s, cached);
    } else {
        tiles_queue_add(&s->next_queue, want);
    }
}

static Status want_locked(Scheduler *s, const TileWant *wants, size_t count, Error *err) {
    size_t known = count + (size_t)s->worker_count + s->results.count;
    if (!tiles_queue_reserve(&s->next_queue, wants, count) || !tiles_known_reserve(&s->known, known)) {
        return error_set(err, STATUS_MEMORY, "not enough memory to queue %zu tiles", count);
    }
    note_known(s);
    for (size_t i = 0; i < count; i++) {
        add_want(s, &wants[i]);
    }
    for (int i = 0; i < s->worker_count; i++) {
        if (s->workers[i].busy && !s->workers[i].wanted) {
            atomic_store(&s->workers[i].cancel.set, true);
        }
    }
    Queue replaced = s->queue;
    s->queue = s->next_queue;
    s->next_queue = replaced;
    cond_broadcast(s->work);
    return STATUS_OK;
}

Status tiles_scheduler_want(Scheduler *s, const TileWant *wants, size_t count, Error *err) {
    mutex_lock(s->mutex);
    Status status = want_locked(s, wants, count, err);
    mutex_unlock(s->mutex);
    return status;
}

Status tiles_scheduler_try_want(Scheduler *s, const TileWant *wants, size_t count, Error *err) {
    if (!mutex_try_lock(s->mutex)) {
        return error_set(err, STATUS_CANCELLED, "the workers are busy");
    }
    Status status = want_locked(s, wants, count, err);
    mutex_unlock(s->mutex);
    return status;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static TileData *take_locked(Scheduler *s) {
    Worker *self = &s->workers[0];
    while (s->inline_jobs && s->results.first == NULL && !self->busy && may_begin(s) && have_spare(self)) {
        run_job(self);
    }
    bool was_full = s->results.count >= RESULT_COUNT_MAX || s->results.bytes >= RESULT_BYTES_MAX;
    TileNode *node = pop_result(s);
    if (was_full) {
        cond_broadcast(s->work);
    }
    return node != NULL ? &node->data : NULL;
}

TileData *tiles_scheduler_take(Scheduler *s) {
    mutex_lock(s->mutex);
    TileData *data = take_locked(s);
    mutex_unlock(s->mutex);
    return data;
}

TileData *tiles_scheduler_try_take(Scheduler *s) {
    if (!mutex_try_lock(s->mutex)) {
        return NULL;
    }
    TileData *data = take_locked(s);
    mutex_unlock(s->mutex);
    return data;
}

size_t tiles_scheduler_waiting(Scheduler *s) {
    return atomic_load_explicit(&s->results.waiting, memory_order_relaxed);
}

void tiles_scheduler_yield(Scheduler *s, uint64_t duration_ns) {
    uint64_t now = clock_now_ns(&s->params.clock);
    uint64_t until = duration_ns == 0 ? 0 : duration_ns > UINT64_MAX - now ? UINT64_MAX : now + duration_ns;
    /* Workers run at low priority: one that was put aside with the lock in its hands would hold up the caller, so a
     * pause that only grows longer is said without the lock, and nobody is woken to hear it. */
    if (atomic_exchange(&s->pause_until, until) <= until) {
        return;
    }
    bool locked = mutex_try_lock(s->mutex);
    cond_broadcast(s->work); /* who misses it, having looked just before, sleeps no longer than PAUSE_PIECE_NS */
    if (locked) {
        mutex_unlock(s->mutex);
    }
}

bool tiles_scheduler_idle(Scheduler *s) {
    mutex_lock(s->mutex);
    bool idle = s->queue.at == s->queue.count && s->running == 0 && s->results.first == NULL;
    mutex_unlock(s->mutex);
    return idle;
}

/* The place of this capture, or a free one. Without either the capture's tiles are computed, which is only slower. */
static void use_disk(Scheduler *s, uint32_t serial, DiskStore *store) {
    size_t at = BASE_COUNT(s->disks);
    for (size_t i = BASE_COUNT(s->disks); i-- > 0;) {
        if (s->disks[i].store == NULL) {
            at = i;
        }
    }
    for (size_t i = 0; i < BASE_COUNT(s->disks); i++) {
        if (s->disks[i].store != NULL && s->disks[i].serial == serial) {
            at = i;
        }
    }
    if (at < BASE_COUNT(s->disks)) {
        s->disks[at].store = store;
        s->disks[at].serial = serial;
    }
}

void tiles_scheduler_forget(Scheduler *s, uint32_t serial) {
    mutex_lock(s->mutex);
    s->forgetting++;
    s->queue.at = s->queue.count;
    cancel_running(s);
    while (s->running > 0) {
        cond_wait(s->settled, s->mutex);
    }
    forget_results(s, serial);
    tiles_factors_clear(s->factors); /* by capture, which is about to be closed */
    tiles_cache_forget(&s->cache, serial);
    use_disk(s, serial, NULL);
    s->forgetting--;
    cond_broadcast(s->work); /* another thread may have wanted something meanwhile */
    mutex_unlock(s->mutex);
}

void tiles_scheduler_use_disk(Scheduler *s, uint32_t serial, DiskStore *store) {
    mutex_lock(s->mutex);
    use_disk(s, serial, store);
    mutex_unlock(s->mutex);
}

void tiles_scheduler_use_device(Scheduler *s, PoolDevice *device) {
    for (int i = 0; i < s->worker_count && !s->inline_jobs; i++) {
        tiles_pool_use_device(s->workers[i].scratch, device);
    }
}

void tiles_scheduler_set_base_side(Scheduler *s, int side) {
    mutex_lock(s->mutex);
    s->forgetting++;
    cancel_running(s);
    while (s->running > 0) {
        cond_wait(s->settled, s->mutex);
    }
    s->params.base_side = side > 0 && side < TILE_SIDE ? side : TILE_SIDE;
    s->forgetting--;
    cond_broadcast(s->work);
    mutex_unlock(s->mutex);
}

SchedulerStats tiles_scheduler_stats(Scheduler *s) {
    mutex_lock(s->mutex);
    SchedulerStats stats = s->stats;
    stats.cache_evictions = s->cache.evictions;
    stats.cache_bytes = s->cache.bytes;
    stats.factors = tiles_factors_stats(s->factors);
    stats.queued = (int)i64_min((int64_t)(s->queue.count - s->queue.at), INT32_MAX);
    stats.running = s->running;
    mutex_unlock(s->mutex);
    return stats;
}
