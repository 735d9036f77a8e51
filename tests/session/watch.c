/* When a file counts as changed, and what is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/watch.h"
#include "test_session.h"

static void test_a_change_counts_once_it_is_quiet(void **state) {
    (void)state;
    WatchState s = {.known = 1, .last = 1};
    assert_int_equal(watch_step(&s, true, 1), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 2), WATCH_NOTHING); /* being written */
    assert_int_equal(watch_step(&s, true, 3), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 3), WATCH_CHANGED);
    assert_int_equal(watch_step(&s, true, 3), WATCH_NOTHING); /* said once */
    assert_int_equal(watch_step(&s, true, 4), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 3), WATCH_NOTHING); /* back to what is open */
    assert_int_equal(watch_step(&s, true, 4), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 4), WATCH_CHANGED);
}

static void test_a_file_that_is_gone_is_said_once(void **state) {
    (void)state;
    WatchState s = {.known = 1, .last = 1};
    assert_int_equal(watch_step(&s, false, 0), WATCH_NOTHING); /* perhaps it is being replaced */
    assert_int_equal(watch_step(&s, true, 2), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 2), WATCH_CHANGED);
    assert_int_equal(watch_step(&s, false, 0), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, false, 0), WATCH_GONE);
    assert_int_equal(watch_step(&s, false, 0), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 2), WATCH_NOTHING); /* the same again */
    assert_int_equal(watch_step(&s, false, 0), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, false, 0), WATCH_GONE);
    assert_int_equal(watch_step(&s, true, 5), WATCH_NOTHING);
    assert_int_equal(watch_step(&s, true, 5), WATCH_CHANGED);
}

static char folder[256];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/attnscope-watch-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static bool remove_entry(void *user, const char *name, const FileInfo *info) {
    char path[1024];
    (void)info;
    snprintf(path, sizeof path, "%s/%s", (const char *)user, name);
    return file_remove(path) || true;
}

static int remove_folder(void **state) {
    (void)state;
    folder_visit(folder, remove_entry, folder);
    return rmdir(folder);
}

static const char *in_folder(const char *name) {
    static char paths[4][512];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static uint64_t sign_of(const char *path) {
    uint64_t sign;
    assert_true(watch_sign(&path, 1, &sign));
    return sign;
}

static void test_signs_follow_files(void **state) {
    (void)state;
    uint64_t sign, both;
    assert_int_equal(file_write_all(in_folder("a.npy"), "abc", 3, NULL), STATUS_OK);
    assert_int_equal(file_write_all(in_folder("b.npy"), "abc", 3, NULL), STATUS_OK);
    const uint64_t a = sign_of(in_folder("a.npy")), all = sign_of(folder);
    assert_true(a == sign_of(in_folder("a.npy")) && all == sign_of(folder));
    const char *const pair[] = {in_folder("a.npy"), in_folder("b.npy")};
    assert_true(watch_sign(pair, 2, &both));
    const uint64_t pattern = sign_of(in_folder("*.npy")), index = sign_of(in_folder("a.npy"));
    assert_int_equal(truncate(in_folder("b.npy"), 1), 0);
    assert_true(a == sign_of(in_folder("a.npy")) && index == a);
    assert_true(all != sign_of(folder));
    assert_true(pattern != sign_of(in_folder("*.npy")));
    assert_true(watch_sign(pair, 2, &sign) && sign != both);
    /* Replaced by another of the same size and time. */
    assert_int_equal(file_write_all(in_folder("a.npy"), "xyz", 3, NULL), STATUS_OK);
    assert_true(a != sign_of(in_folder("a.npy")));
    assert_int_equal(file_write_all(in_folder("m.index.json"), "{}", 2, NULL), STATUS_OK);
    const uint64_t shards = sign_of(in_folder("m.index.json"));
    assert_int_equal(truncate(in_folder("b.npy"), 0), 0);
    assert_true(shards != sign_of(in_folder("m.index.json")));
    assert_true(file_remove(in_folder("b.npy")));
    assert_false(watch_sign(pair, 2, &sign));
    const char *const none[] = {"/no/such/*.npy"};
    assert_false(watch_sign(none, 1, &sign));
}

static void wake(void *user) {
    atomic_store((atomic_bool *)user, true);
}

static void test_the_thread_gives_news(void **state) {
    (void)state;
    atomic_bool woken = false;
    Watch *watch = NULL;
    Error err = {0};
    const char *const paths[] = {in_folder("c.npy")};
    assert_int_equal(file_write_all(paths[0], "abc", 3, NULL), STATUS_OK);
    assert_int_equal(watch_new(wake, &woken, &watch, &err), STATUS_OK);
    uint64_t sign;
    assert_true(watch_sign(paths, 1, &sign));
    watch_set(watch, paths, 1, sign);
    assert_int_equal(watch_take(watch), WATCH_NOTHING);
    assert_int_equal(truncate(paths[0], 1), 0);
    while (!atomic_load(&woken))
        clock_sleep_ns(5000000);
    assert_int_equal(watch_take(watch), WATCH_CHANGED);
    assert_int_equal(watch_take(watch), WATCH_NOTHING);
    watch_set(watch, NULL, 0, 0);
    watch_drop(watch);
    watch_drop(NULL);
}

int test_watch_group(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_counts_once_it_is_quiet),
        cmocka_unit_test(test_a_file_that_is_gone_is_said_once),
        IN_FOLDER(test_signs_follow_files),
        IN_FOLDER(test_the_thread_gives_news),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
