/* The queue is replaced with every call of want, in O(n): one pass over the wants with a hash set of all jobs known
 * already. Two queues and the set are kept and reused, so a steady stream of wants allocates nothing. */
#include "tiles/internal.h"

#include <string.h>

static bool has_headset(JobKind kind) {
    return kind == JOB_COMPOSITE || kind == JOB_CELLS;
}

bool tiles_queue_reserve(Queue *queue, const TileWant *wants, size_t count) {
    size_t head_sets = 0, variants = 0;
    for (size_t i = 0; i < count; i++) {
        head_sets += has_headset(wants[i].kind) ? 1 : 0;
        variants += tiles_key_varied(&wants[i].key) ? 1 : 0;
    }
    void *jobs = queue->jobs, *heads = queue->heads, *room = queue->variants;
    bool ok = (count == 0 || mem_grow(&jobs, &queue->capacity, count, sizeof *queue->jobs)) &&
              (head_sets == 0 || mem_grow(&heads, &queue->head_capacity, head_sets, sizeof *queue->heads)) &&
              (variants == 0 || mem_grow(&room, &queue->variant_capacity, variants, sizeof *queue->variants));
    queue->jobs = jobs;
    queue->heads = heads;
    queue->variants = room;
    queue->at = queue->count = queue->head_count = queue->variant_count = 0;
    return ok;
}

/* Wants of one view share one variant, so that the last one is mostly it. */
static void add_variant(Queue *queue, QueuedJob *job, const Variant *variant) {
    const Variant *last = queue->variant_count > 0 ? &queue->variants[queue->variant_count - 1] : NULL;
    if (last == NULL || tiles_variant_id(last) != tiles_variant_id(variant)) {
        queue->variants[queue->variant_count++] = *variant;
    }
    job->variant = queue->variant_count - 1;
}

void tiles_queue_add(Queue *queue, const TileWant *want) {
    QueuedJob *job = &queue->jobs[queue->count++];
    *job = (QueuedJob){want->kind, want->key, want->capture, 0, 0, want->better_than};
    if (has_headset(want->kind)) {
        job->heads = queue->head_count;
        queue->heads[queue->head_count++] = want->heads;
    }
    if (tiles_key_varied(&want->key)) {
        add_variant(queue, job, &want->variant);
    }
}

bool tiles_queue_pop(Queue *queue, TileWant *out) {
    if (queue->at == queue->count) {
        return false;
    }
    const QueuedJob *job = &queue->jobs[queue->at++];
    out->kind = job->kind;
    out->key = job->key;
    out->capture = job->capture;
    out->better_than = job->better_than;
    if (has_headset(job->kind)) {
        out->heads = queue->heads[job->heads];
    }
    out->variant = tiles_key_varied(&job->key) ? queue->variants[job->variant] : (Variant){0};
    return true;
}

void tiles_queue_free(Queue *queue) {
    mem_free(queue->jobs);
    mem_free(queue->heads);
    mem_free(queue->variants);
    *queue = (Queue){0};
}

/* ---- known jobs: open addressing, at most half full ------------------------------------------ */

bool tiles_known_reserve(KnownJobs *known, size_t count) {
    size_t capacity = 64;
    while (capacity / 2 < count) {
        capacity *= 2;
    }
    if (capacity > known->capacity) {
        KnownJob *slots = mem_alloc_zeroed(capacity, sizeof *slots);
        if (slots == NULL) {
            return false;
        }
        mem_free(known->slots);
        known->slots = slots;
        known->capacity = capacity;
        return true;
    }
    memset(known->slots, 0, known->capacity * sizeof *known->slots);
    return true;
}

bool tiles_known_add(KnownJobs *known, JobKind kind, const TileKey *key, int *place) {
    JobId id = {kind, *key};
    size_t at = (size_t)tiles_job_id_hash(&id) & (known->capacity - 1);
    for (; known->slots[at].key != NULL; at = (at + 1) & (known->capacity - 1)) {
        if (known->slots[at].kind == kind && tiles_key_equal(known->slots[at].key, key)) {
            *place = known->slots[at].place;
            return false;
        }
    }
    known->slots[at] = (KnownJob){key, kind, *place};
    return true;
}

void tiles_known_free(KnownJobs *known) {
    mem_free(known->slots);
    *known = (KnownJobs){0};
}
