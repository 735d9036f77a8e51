/* A queue of chores, the one that runs, and those that have ended and wait for the GL thread. The lock is held for
 * moves between these lists only, never while a chore runs. */
#include "session/chores.h"

typedef struct Node {
    struct Node *next;
    Chore chore;
} Node;

typedef struct Queue {
    Node *first, *last;
} Queue;

struct Chores {
    Mutex *mutex;
    Cond *more; /* "something was queued" or "quit" */
    Thread *thread;
    Queue waiting, ended;
    bool running, quit;
    void (*wake)(void *user);
    void *user;
};

static void push(Queue *queue, Node *node) {
    node->next = NULL;
    if (queue->last)
        queue->last->next = node;
    else
        queue->first = node;
    queue->last = node;
}

static Node *pop(Queue *queue) {
    Node *node = queue->first;
    if (!node) return NULL;
    queue->first = node->next;
    if (!queue->first) queue->last = NULL;
    return node;
}

static void work(void *user) {
    Chores *chores = user;
    mutex_lock(chores->mutex);
    while (!chores->quit) {
        Node *node = pop(&chores->waiting);
        if (!node) {
            cond_wait(chores->more, chores->mutex);
            continue;
        }
        chores->running = true;
        mutex_unlock(chores->mutex);
        node->chore.run(node->chore.data);
        mutex_lock(chores->mutex);
        push(&chores->ended, node);
        chores->running = false;
        mutex_unlock(chores->mutex);
        chores->wake(chores->user);
        mutex_lock(chores->mutex);
    }
    mutex_unlock(chores->mutex);
}

Status chores_new(void (*wake)(void *user), void *user, bool low_priority, Chores **out, Error *err) {
    Chores *chores = mem_alloc_zeroed(1, sizeof *chores);
    *out = NULL;
    if (!chores) return error_set(err, STATUS_MEMORY, "not enough memory to start");
    chores->wake = wake;
    chores->user = user;
    chores->mutex = mutex_new();
    chores->more = cond_new();
    Status status = chores->mutex && chores->more ? STATUS_OK
                                                  : error_set(err, STATUS_MEMORY, "not enough memory to start");
    if (status == STATUS_OK) status = thread_start(&chores->thread, work, chores, "chores", low_priority, err);
    if (status != STATUS_OK) {
        chores_drop(chores);
        return status;
    }
    *out = chores;
    return STATUS_OK;
}

static void discard_all(Queue *queue) {
    for (Node *node; (node = pop(queue)) != NULL; mem_free(node))
        node->chore.discard(node->chore.data);
}

void chores_drop(Chores *chores) {
    if (!chores) return;
    if (chores->thread) {
        mutex_lock(chores->mutex);
        chores->quit = true;
        cond_signal(chores->more);
        mutex_unlock(chores->mutex);
        thread_join(chores->thread);
    }
    discard_all(&chores->waiting);
    discard_all(&chores->ended);
    if (chores->more) cond_drop(chores->more);
    if (chores->mutex) mutex_drop(chores->mutex);
    mem_free(chores);
}

bool chores_post(Chores *chores, const Chore *chore) {
    Node *node = mem_alloc(sizeof *node);
    if (!node) {
        chore->discard(chore->data);
        return false;
    }
    node->chore = *chore;
    mutex_lock(chores->mutex);
    push(&chores->waiting, node);
    cond_signal(chores->more);
    mutex_unlock(chores->mutex);
    return true;
}

bool chores_finish(Chores *chores, App *app) {
    bool any = false;
    for (;;) {
        mutex_lock(chores->mutex);
        Node *node = pop(&chores->ended);
        mutex_unlock(chores->mutex);
        if (!node) return any;
        node->chore.done(app, node->chore.data);
        mem_free(node);
        any = true;
    }
}

bool chores_idle(Chores *chores) {
    mutex_lock(chores->mutex);
    const bool idle = !chores->running && !chores->waiting.first && !chores->ended.first;
    mutex_unlock(chores->mutex);
    return idle;
}
