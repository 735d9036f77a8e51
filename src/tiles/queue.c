/* The queue is replaced with every call of want, in O(n): one pass over the wants with a hash set of all jobs known
 * already. Two queues and the set are kept and reused, so a steady stream of wants allocates nothing. */
#include "tiles/internal.h"

#include <string.h>

/* Jobs looked at for one that suits a worker: a layer of most models. */
enum { SEARCH_JOBS = 64 };

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
    *job = (QueuedJob){want->kind, want->key, want->capture, 0, 0, want->finer, want->company, want->better_than};
    if (has_headset(want->kind)) {
        job->heads = queue->head_count;
        queue->heads[queue->head_count++] = want->heads;
    }
    if (tiles_key_varied(&want->key)) {
        add_variant(queue, job, &want->variant);
    }
}

static KeyHead key_head_of(const QueuedJob *job) {
    const TileKey *key = &job->key;
    KeyHead none = {.key_head = -1};
    if (job->kind != JOB_BASE || job->capture == NULL || key->set < 0 || key->set >= capture_set_count(job->capture)) {
        return none;
    }
    const SetInfo *set = capture_set(job->capture, key->set);
    if (!set->factored || key->layer < 0 || key->layer >= set->layer_count) {
        return none;
    }
    return (KeyHead){key->serial, key->set, key->item, key->layer,
                     capture_key_head(&set->layers[key->layer], key->head)};
}

/* Wanted for the same reason? What is looked at stands before what may be looked at, in the same layer. */
static bool equally_urgent(const QueuedJob *a, const QueuedJob *b) {
    return a->key.variant == b->key.variant && a->key.values == b->key.values && a->key.step == b->key.step &&
           a->company == b->company && a->finer == b->finer && (a->better_than > 0) == (b->better_than > 0);
}

static bool same_layer(const KeyHead *a, const KeyHead *b) {
    return a->key_head >= 0 && b->key_head >= 0 && a->serial == b->serial && a->set == b->set && a->item == b->item &&
           a->layer == b->layer;
}

static bool same_keys(const KeyHead *a, const KeyHead *b) {
    return same_layer(a, b) && a->key_head == b->key_head;
}

static bool held_elsewhere(const KeyHead *held, int count, int self, const KeyHead *keys) {
    for (int i = 0; i < count; i++) {
        if (i != self && same_keys(&held[i], keys)) {
            return true;
        }
    }
    return false;
}

static size_t choose(const Queue *queue, const KeyHead *held, int count, int self) {
    const KeyHead first = key_head_of(&queue->jobs[queue->at]);
    size_t best = queue->at, window = queue->count - queue->at;
    bool free_found = false;
    window = window < SEARCH_JOBS ? window : SEARCH_JOBS;
    for (size_t i = queue->at; i < queue->at + window; i++) {
        const KeyHead keys = key_head_of(&queue->jobs[i]);
        if (!same_layer(&first, &keys) || !equally_urgent(&queue->jobs[queue->at], &queue->jobs[i])) {
            break;
        }
        if (same_keys(&held[self], &keys)) {
            return i;
        }
        if (!free_found && !held_elsewhere(held, count, self, &keys)) {
            free_found = true;
            best = i;
        }
    }
    return best;
}

bool tiles_queue_pop(Queue *queue, KeyHead *held, int count, int self, TileWant *out) {
    if (queue->at == queue->count) {
        return false;
    }
    const size_t chosen = choose(queue, held, count, self);
    if (chosen != queue->at) { /* those before it stay in their order */
        const QueuedJob taken = queue->jobs[chosen];
        memmove(&queue->jobs[queue->at + 1], &queue->jobs[queue->at], (chosen - queue->at) * sizeof taken);
        queue->jobs[queue->at] = taken;
    }
    held[self] = key_head_of(&queue->jobs[queue->at]);
    const QueuedJob *job = &queue->jobs[queue->at++];
    out->kind = job->kind;
    out->key = job->key;
    out->capture = job->capture;
    out->finer = job->finer;
    out->company = job->company;
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
