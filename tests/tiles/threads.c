/* The scheduler with its threads. Nothing here depends on how long anything takes; what a thread may or may not have
 * done yet is waited for. Meant to be run under TSan and ASan too. */
#include "test_tiles.h"

#include <stdlib.h>

enum { LAYERS = 12, HEADS = 3, SIDE = 60 };

static TileWant tile_of(const Fixture *f, uint32_t serial, int number) {
    TileWant want = {.kind = JOB_TILE, .capture = f->capture};
    want.key = (TileKey){.serial = serial, .layer = number % LAYERS, .head = number / LAYERS % HEADS};
    want.key.lq = want.key.lk = number / LAYERS / HEADS % 4;
    if (number % 5 == 0) {
        want.kind = JOB_COMPOSITE;
        want.heads = (HeadSet){.op = HEADS_MAX};
        want.key.head = -1;
        want.key.headset = tiles_headset_hash(&want.heads);
    } else if (number % 7 == 0) {
        want.kind = JOB_BASE;
        want.key.lq = want.key.lk = 0;
    } else if (number % 11 == 0) {
        want.kind = JOB_CELLS;
        want.heads = (HeadSet){.op = HEADS_MEAN};
        want.key.lq = want.key.lk = 0;
        want.key.rows = want.key.columns = SIDE;
    }
    if (number % 3 == 1) { /* whose row factors all threads share */
        want.variant = (Variant){.range_count = 1, .ranges = {{0, 1 + number % 2}}, .row_scale = ROWS_SUM};
        want.key.variant = tiles_variant_id(&want.variant);
    }
    return want;
}

static Scheduler *new_threaded(int workers, size_t budget, Clock clock, void (*wake)(void *), void *user) {
    Scheduler *s = NULL;
    Error err = {0};
    SchedulerParams params = {
        .workers = workers, .ram_budget = budget, .clock = clock, .wake = wake, .wake_user = user};
    if (tiles_scheduler_new(&params, &s, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return s;
}

static void nap(void) {
    clock_sleep_ns(200 * 1000);
}

/* Takes until nothing is left; returns how many came, all of them good. */
static int take_all(Scheduler *s) {
    int taken = 0;
    while (!tiles_scheduler_idle(s)) {
        TileData *data = tiles_scheduler_take(s);
        if (data == NULL) {
            nap();
            continue;
        }
        assert_int_equal(data->status, STATUS_OK);
        tiles_data_drop(data);
        taken++;
    }
    return taken;
}

static void count_wake(void *user) {
    atomic_fetch_add((atomic_int *)user, 1);
}

static void everything_wanted_arrives_once(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, LAYERS, HEADS, SIDE, SIDE, 1);
    atomic_int wakes = 0;
    Scheduler *s = new_threaded(3, 0, (Clock){0}, count_wake, &wakes);
    enum { COUNT = LAYERS * HEADS * 4 };
    TileWant *wants = malloc(2 * COUNT * sizeof *wants);
    for (int i = 0; i < COUNT; i++) {
        wants[i] = wants[i + COUNT] = tile_of(f, 1, i); /* each twice */
    }
    assert_int_equal(tiles_scheduler_want(s, wants, 2 * COUNT, NULL), STATUS_OK);
    int queued = tiles_scheduler_stats(s).queued;
    assert_true(queued <= COUNT);
    int taken = take_all(s);
    SchedulerStats stats = tiles_scheduler_stats(s);
    assert_true(taken <= COUNT && (uint64_t)taken == stats.jobs_done && stats.jobs_cancelled == 0);
    tiles_scheduler_drop(s);
    assert_int_equal(atomic_load(&wakes), taken);
    free(wants);
    fixture_drop(f);
}

/* A clock that another thread may move. */
static uint64_t read_clock(void *user) {
    return atomic_load((atomic_uint_fast64_t *)user);
}

/* One job that reads its pattern in many strips: a composite of many heads over a wide pattern. */
static TileWant long_job(const Fixture *f, int64_t level) {
    TileWant want = {.kind = JOB_COMPOSITE, .capture = f->capture, .heads = {.op = HEADS_MEAN}};
    want.key = (TileKey){.serial = 1, .head = -1, .headset = tiles_headset_hash(&want.heads)};
    want.key.lq = (int32_t)level;
    want.key.lk = (int32_t)level;
    return want;
}

/* Catches the job while it runs, with the pause in force; false if it was faster. */
static bool start_and_pause(Scheduler *s, const TileWant *want) {
    assert_int_equal(tiles_scheduler_want(s, want, 1, NULL), STATUS_OK);
    while (tiles_scheduler_stats(s).queued > 0) {
        /* not begun */
    }
    tiles_scheduler_yield(s, 1000000);
    return tiles_scheduler_stats(s).running == 1;
}

static void drain(Scheduler *s) {
    for (TileData *data; (data = tiles_scheduler_take(s)) != NULL;) {
        tiles_data_drop(data);
    }
}

typedef enum Ending { END_CLOCK, END_REPLACED, END_UNWANTED, END_FORGOTTEN, END_DROPPED, ENDINGS } Ending;

/* A pause ends with the clock, or with another yield; and nothing that stops a job waits for the pause. */
static void end_pause(Scheduler **s, const TileWant *want, Ending ending, atomic_uint_fast64_t *now) {
    SchedulerStats before = tiles_scheduler_stats(*s);
    switch (ending) {
    case END_CLOCK:
        atomic_fetch_add(now, 1000000);
        break;
    case END_REPLACED:
        assert_int_equal(tiles_scheduler_want(*s, want, 1, NULL), STATUS_OK); /* still wanted: goes on */
        assert_int_equal(tiles_scheduler_stats(*s).queued, 0);
        tiles_scheduler_yield(*s, 0);
        break;
    case END_UNWANTED:
        assert_int_equal(tiles_scheduler_want(*s, NULL, 0, NULL), STATUS_OK);
        break;
    case END_FORGOTTEN:
        tiles_scheduler_forget(*s, 1);
        assert_int_equal(tiles_scheduler_stats(*s).running, 0);
        break;
    default:
        tiles_scheduler_drop(*s);
        *s = NULL;
        return;
    }
    while (tiles_scheduler_stats(*s).running > 0) {
        nap();
    }
    SchedulerStats after = tiles_scheduler_stats(*s);
    uint64_t finished = after.jobs_done + after.jobs_cancelled - before.jobs_done - before.jobs_cancelled;
    assert_int_equal(finished, before.running);
    assert_true(ending > END_REPLACED || after.jobs_cancelled == before.jobs_cancelled);
}

static void a_paused_job_can_always_be_ended(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, 1, 8, 400, 1500, 1);
    atomic_uint_fast64_t now = 1;
    for (int ending = 0; ending < ENDINGS; ending++) {
        bool caught = false;
        for (int attempt = 0; attempt < 200 && !caught; attempt++) {
            Scheduler *s = new_threaded(1, 1, (Clock){read_clock, &now}, NULL, NULL);
            TileWant want = long_job(f, 3);
            caught = start_and_pause(s, &want);
            end_pause(&s, &want, (Ending)ending, &now);
            if (s != NULL) {
                drain(s);
                tiles_scheduler_drop(s);
            }
        }
        assert_true(caught);
    }
    fixture_drop(f);
}

static void nothing_begins_during_a_pause(void **state) {
    (void)state;
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, LAYERS, HEADS, SIDE, SIDE, 1);
    atomic_uint_fast64_t now = 1;
    Scheduler *s = new_threaded(2, 0, (Clock){read_clock, &now}, NULL, NULL);
    tiles_scheduler_yield(s, UINT64_MAX); /* saturates */
    TileWant wants[3] = {tile_of(f, 1, 1), tile_of(f, 1, 2), tile_of(f, 1, 3)};
    assert_int_equal(tiles_scheduler_want(s, wants, 3, NULL), STATUS_OK);
    for (int i = 0; i < 100; i++) {
        nap();
    }
    SchedulerStats stats = tiles_scheduler_stats(s);
    assert_true(stats.queued == 3 && stats.running == 0 && stats.jobs_done == 0);
    assert_null(tiles_scheduler_take(s));
    tiles_scheduler_yield(s, 0);
    assert_int_equal(take_all(s), 3);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

static void workers_wait_while_results_pile_up(void **state) {
    (void)state;
    enum { MANY = 110, BOUND = 256, WORKERS = 2 };
    Fixture *f = fixture_new(FIXTURE_WEIGHTS, MANY, HEADS, 4, 4, 1);
    Scheduler *s = new_threaded(WORKERS, 0, (Clock){0}, NULL, NULL);
    TileWant *wants = calloc(MANY * HEADS, sizeof *wants);
    for (int i = 0; i < MANY * HEADS; i++) {
        wants[i] = (TileWant){.kind = JOB_BASE, .capture = f->capture};
        wants[i].key = (TileKey){.serial = 1, .layer = i / HEADS, .head = i % HEADS};
    }
    assert_int_equal(tiles_scheduler_want(s, wants, MANY * HEADS, NULL), STATUS_OK);
    while (tiles_scheduler_stats(s).jobs_done < BOUND) {
        nap();
    }
    for (int i = 0; i < 50; i++) {
        nap();
    }
    assert_true(tiles_scheduler_stats(s).jobs_done < BOUND + WORKERS);
    assert_int_equal(take_all(s), MANY * HEADS);
    free(wants);
    tiles_scheduler_drop(s);
    fixture_drop(f);
}

/* ---- everything at once ---------------------------------------------------------------------- */

typedef struct Mash {
    Scheduler *scheduler;
    Fixture *fixture;
    Mutex *captures; /* held by whoever wants, and by whoever replaces the capture */
    uint32_t serial;
    atomic_bool stop;
    atomic_int taken, wrong;
} Mash;

static void mash_take(void *user) {
    Mash *mash = user;
    while (!atomic_load(&mash->stop)) {
        TileData *data = tiles_scheduler_take(mash->scheduler);
        if (data == NULL) {
            nap();
            continue;
        }
        tiles_data_hold(data);
        atomic_fetch_add(&mash->taken, 1);
        atomic_fetch_add(&mash->wrong, data->status != STATUS_OK || data->texels == NULL ? 1 : 0);
        tiles_data_drop(data);
        tiles_data_drop(data);
    }
}

static void mash_yield(void *user) {
    Mash *mash = user;
    uint64_t seed = 5;
    while (!atomic_load(&mash->stop)) {
        tiles_scheduler_yield(mash->scheduler, (uint64_t)(fixture_random(&seed) * 400e3));
        SchedulerStats stats = tiles_scheduler_stats(mash->scheduler);
        atomic_fetch_add(&mash->wrong, stats.running < 0 || stats.running > 3 || stats.queued < 0 ? 1 : 0);
        nap();
    }
}

static void mash_want(void *user) {
    Mash *mash = user;
    uint64_t seed = 17;
    TileWant wants[40];
    while (!atomic_load(&mash->stop)) {
        size_t count = (size_t)(fixture_random(&seed) * 40.0);
        mutex_lock(mash->captures);
        for (size_t i = 0; i < count; i++) {
            int number = (int)(fixture_random(&seed) * LAYERS * HEADS * 4);
            wants[i] = tile_of(mash->fixture, mash->serial, number);
        }
        Status status = tiles_scheduler_want(mash->scheduler, wants, count, NULL);
        mutex_unlock(mash->captures);
        atomic_fetch_add(&mash->wrong, status != STATUS_OK ? 1 : 0);
        nap();
    }
}

static void mashing_breaks_nothing(void **state) {
    (void)state;
    Mash mash = {.captures = mutex_new(), .serial = 1};
    Thread *threads[4];
    void (*const runs[4])(void *) = {mash_take, mash_take, mash_yield, mash_want};
    mash.fixture = fixture_new(FIXTURE_CAUSAL, LAYERS, HEADS, SIDE, SIDE, 1);
    mash.scheduler = new_threaded(3, 300 * 1000, (Clock){0}, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(thread_start(&threads[i], runs[i], &mash, "mash", false, NULL), STATUS_OK);
    }
    for (int round = 0; round < 12; round++) { /* captures are closed and opened under everybody's feet */
        int before = atomic_load(&mash.taken);
        while (atomic_load(&mash.taken) < before + 20) {
            nap();
        }
        mutex_lock(mash.captures);
        tiles_scheduler_forget(mash.scheduler, mash.serial);
        fixture_drop(mash.fixture);
        mash.fixture = fixture_new(FIXTURE_CAUSAL, LAYERS, HEADS, SIDE, SIDE, (uint64_t)round);
        mash.serial++;
        mutex_unlock(mash.captures);
    }
    atomic_store(&mash.stop, true);
    for (int i = 0; i < 4; i++) {
        thread_join(threads[i]);
    }
    assert_int_equal(atomic_load(&mash.wrong), 0);
    tiles_scheduler_drop(mash.scheduler);
    mutex_drop(mash.captures);
    fixture_drop(mash.fixture);
}

int test_threads_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_wanted_arrives_once), cmocka_unit_test(a_paused_job_can_always_be_ended),
        cmocka_unit_test(nothing_begins_during_a_pause),  cmocka_unit_test(workers_wait_while_results_pile_up),
        cmocka_unit_test(mashing_breaks_nothing),
    };
    return cmocka_run_group_tests_name("scheduler, threads", tests, NULL, NULL);
}
