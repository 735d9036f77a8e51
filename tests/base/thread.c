/* Threads and clocks. Nothing here asserts how long something took, only what happened. */
#include "test_base.h"

#include <signal.h>

#define MS ((uint64_t)1000000)

typedef struct Shared {
    Mutex *mutex;
    Cond *cond;
    int64_t total; /* guarded by mutex */
    int turns;     /* guarded by mutex */
    CancelFlag cancel;
    bool interrupt_blocked;
} Shared;

static void shared_open(Shared *shared) {
    *shared = (Shared){.mutex = mutex_new(), .cond = cond_new()};
    assert_non_null(shared->mutex);
    assert_non_null(shared->cond);
}

static void shared_close(Shared *shared) {
    cond_drop(shared->cond);
    mutex_drop(shared->mutex);
}

static void add_many(void *user) {
    Shared *shared = user;
    for (int i = 0; i < 10000; i++) {
        mutex_lock(shared->mutex);
        shared->total++;
        mutex_unlock(shared->mutex);
    }
}

static void test_mutex(void **state) {
    (void)state;
    Shared shared;
    shared_open(&shared);
    Thread *threads[4];
    for (size_t i = 0; i < BASE_COUNT(threads); i++) {
        Error err = {0};
        assert_int_equal(thread_start(&threads[i], add_many, &shared, "a name longer than allowed", i % 2, &err), 0);
    }
    for (size_t i = 0; i < BASE_COUNT(threads); i++) {
        thread_join(threads[i]);
    }
    assert_true(shared.total == 40000);
    shared_close(&shared);
    thread_join(NULL);
}

static void take_turns(void *user) {
    Shared *shared = user;
    mutex_lock(shared->mutex);
    while (shared->turns < 100) {
        if (shared->turns % 2 == 1) {
            shared->turns++;
            cond_signal(shared->cond);
        } else {
            cond_wait(shared->cond, shared->mutex);
        }
    }
    mutex_unlock(shared->mutex);
}

static void test_condition(void **state) {
    (void)state;
    Shared shared;
    shared_open(&shared);
    Thread *thread;
    assert_int_equal(thread_start(&thread, take_turns, &shared, NULL, false, NULL), 0);
    mutex_lock(shared.mutex);
    while (shared.turns < 100) {
        if (shared.turns % 2 == 0) {
            shared.turns++;
            cond_broadcast(shared.cond);
        } else {
            cond_wait_for(shared.cond, shared.mutex, 10000 * MS);
        }
    }
    mutex_unlock(shared.mutex);
    thread_join(thread);
    assert_int_equal(shared.turns, 100);
    shared_close(&shared);
}

static void test_timed_wait_ends(void **state) {
    (void)state;
    Shared shared;
    shared_open(&shared);
    mutex_lock(shared.mutex);
    while (cond_wait_for(shared.cond, shared.mutex, MS)) { /* true only for a spurious wake-up: nobody signals */
    }
    while (cond_wait_for(shared.cond, shared.mutex, 0)) {
    }
    mutex_unlock(shared.mutex);
    shared_close(&shared);
}

static void wake_after_longest_wait(void *user) {
    Shared *shared = user;
    mutex_lock(shared->mutex);
    shared->turns = 1;
    cond_signal(shared->cond);
    mutex_unlock(shared->mutex);
}

static void test_longest_wait_does_not_overflow(void **state) {
    (void)state;
    Shared shared;
    shared_open(&shared);
    Thread *thread;
    mutex_lock(shared.mutex);
    assert_int_equal(thread_start(&thread, wake_after_longest_wait, &shared, "waker", false, NULL), 0);
    while (shared.turns == 0) {
        assert_true(cond_wait_for(shared.cond, shared.mutex, UINT64_MAX));
    }
    mutex_unlock(shared.mutex);
    thread_join(thread);
    shared_close(&shared);
}

static void work_until_cancelled(void *user) {
    Shared *shared = user;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    shared->interrupt_blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGSEGV) == 0;
    while (!cancel_requested(&shared->cancel)) {
        clock_sleep_ns(MS / 10);
    }
}

static void test_cancel(void **state) {
    (void)state;
    assert_false(cancel_requested(NULL));
    Shared shared;
    shared_open(&shared);
    Thread *thread;
    assert_int_equal(thread_start(&thread, work_until_cancelled, &shared, "worker", true, NULL), 0);
    atomic_store(&shared.cancel.set, true);
    thread_join(thread);
    assert_true(cancel_requested(&shared.cancel));
    assert_true(shared.interrupt_blocked);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGINT), 0); /* the starter's own mask is as before */
    shared_close(&shared);
}

static void test_thread_out_of_memory(void **state) {
    (void)state;
    Thread *thread = (Thread *)&thread;
    Error err = {0};
    mem_fail_after(1, true);
    Status status = thread_start(&thread, add_many, NULL, "x", false, &err);
    Mutex *mutex = mutex_new();
    Cond *cond = cond_new();
    mem_fail_after(0, false);
    assert_int_equal(status, STATUS_MEMORY);
    assert_int_equal(err.status, STATUS_MEMORY);
    assert_null(thread);
    assert_null(mutex);
    assert_null(cond);
    mutex_drop(NULL);
    cond_drop(NULL);
    assert_true(thread_core_count() >= 1);
}

static void test_clocks(void **state) {
    (void)state;
    ManualClock manual = {.now_ns = 5};
    Clock clock = clock_manual(&manual);
    assert_true(clock_now_ns(&clock) == 5);
    manual.now_ns += 16 * MS;
    assert_true(clock_now_ns(&clock) == 16 * MS + 5);
    Clock system = clock_system();
    uint64_t before = clock_now_ns(&system);
    clock_sleep_ns(2 * MS);
    assert_true(clock_now_ns(&system) - before >= 2 * MS); /* sleeping less than asked is a bug; more is not */
}

int test_thread_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex),           cmocka_unit_test(test_condition),
        cmocka_unit_test(test_timed_wait_ends), cmocka_unit_test(test_longest_wait_does_not_overflow),
        cmocka_unit_test(test_cancel),          cmocka_unit_test(test_thread_out_of_memory),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
