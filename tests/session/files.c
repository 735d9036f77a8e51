/* Folders and captures opened before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/chores.h"
#include "session/files.h"
#include "test_session.h"

static char folder[256];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/attnscope-files-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static bool remove_entry(void *user, const char *name, const FileInfo *info) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", (const char *)user, name);
    if (info->is_directory) folder_visit(path, remove_entry, path);
    return file_remove(path) || true;
}

static int remove_folder(void **state) {
    (void)state;
    folder_visit(folder, remove_entry, folder);
    return rmdir(folder);
}

static void put(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write_all(path, text, strlen(text), NULL), STATUS_OK);
}

static void test_a_folder_is_listed_by_kind_and_name(void **state) {
    (void)state;
    const char *files[] = {"run10.npz", "run9.npz", "notes.txt", "Run2.PT", "x.png", ".hidden.npy", "a.tokens.json"};
    for (size_t i = 0; i < BASE_COUNT(files); i++)
        put(files[i], "12345");
    char path[512];
    snprintf(path, sizeof path, "%s/zz", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    FolderList *list = files_list(NULL, folder);
    assert_non_null(list);
    assert_false(list->failed || list->cut);
    const char *expected[] = {"zz",        ".hidden.npy", "Run2.PT",       "run9.npz",
                              "run10.npz", "x.png",       "a.tokens.json", "notes.txt"};
    assert_int_equal(list->count, BASE_COUNT(expected));
    for (size_t i = 0; i < BASE_COUNT(expected); i++)
        assert_string_equal(list->entries[i].name, expected[i]);
    assert_int_equal(list->entries[1].size, 5);
    assert_int_equal(list->entries[0].kind, FILE_FOLDER);
    assert_int_equal(list->entries[5].kind, FILE_PICTURE);
    assert_int_equal(list->entries[7].kind, FILE_OTHER);
    files_list_drop(list);
    list = files_list(NULL, "/no/such/folder");
    assert_true(list->failed && list->count == 0);
    files_list_drop(list);
}

static void test_a_home_is_expanded(void **state) {
    (void)state;
    char out[64];
    setenv("HOME", "/home/ada", 1);
    files_expand("~/x.npz", out, sizeof out);
    assert_string_equal(out, "/home/ada/x.npz");
    files_expand("~ada/x", out, sizeof out);
    assert_string_equal(out, "~ada/x");
    files_expand("/x/~/y", out, sizeof out);
    assert_string_equal(out, "/x/~/y");
}

static void test_recent_files_are_kept_newest_first(void **state) {
    (void)state;
    char file[512], path[64];
    Error err = {0};
    snprintf(file, sizeof file, "%s/new/state/recent", folder);
    RecentList *list = recent_load(file);
    assert_int_equal(list->count, 0);
    recent_drop(list);
    for (int i = 0; i < RECENT_MAX + 20; i++) {
        snprintf(path, sizeof path, "/data/%d.npz", i);
        assert_int_equal(recent_note(file, path, &err), STATUS_OK);
    }
    assert_int_equal(recent_note(file, "/data/60.npz", &err), STATUS_OK); /* again: moves to the top */
    list = recent_load(file);
    assert_int_equal(list->count, RECENT_MAX);
    assert_string_equal(list->paths[0], "/data/60.npz");
    assert_string_equal(list->paths[1], "/data/69.npz");
    for (int i = 1; i < list->count; i++)
        assert_string_not_equal(list->paths[i], "/data/60.npz");
    recent_leave_out(list, "/data/69.npz");
    assert_int_equal(list->count, RECENT_MAX - 1);
    assert_string_equal(list->paths[0], "/data/60.npz");
    assert_string_equal(list->paths[1], "/data/68.npz");
    recent_leave_out(list, "/data/69.npz");
    assert_int_equal(list->count, RECENT_MAX - 1);
    recent_drop(list);
}

static void test_odd_lines_of_the_recent_file_are_passed_over(void **state) {
    (void)state;
    char file[512];
    Error err = {0};
    snprintf(file, sizeof file, "%s/recent", folder);
    put("recent", "relative.npz\n\n/a\xFF.npz\n/good.npz\n/good.npz\n/last.npz");
    RecentList *list = recent_load(file);
    assert_int_equal(list->count, 2);
    assert_string_equal(list->paths[0], "/good.npz");
    assert_string_equal(list->paths[1], "/last.npz");
    recent_drop(list);
    /* What cannot be a line is not written, and costs nothing of what is there. */
    assert_int_equal(recent_note(file, "/two\nlines.npz", &err), STATUS_OK);
    assert_int_equal(recent_note(file, "relative.npz", &err), STATUS_OK);
    list = recent_load(file);
    assert_int_equal(list->count, 2);
    recent_drop(list);
    assert_int_not_equal(recent_note("/proc/recent", "/x.npz", &err), STATUS_OK);
    assert_true(err.message[0]);
}

static void test_recent_files_without_memory(void **state) {
    (void)state;
    char file[512];
    snprintf(file, sizeof file, "%s/recent", folder);
    put("recent", "/a.npz\n/b.npz\n");
    for (uint64_t n = 1; n < 12; n++) {
        Error err = {0};
        mem_fail_after(n, true);
        const Status status = recent_note(file, "/c.npz", &err);
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || err.message[0]);
        RecentList *list = recent_load(file);
        assert_non_null(list);
        assert_true(list->count >= 1); /* never emptied */
        recent_drop(list);
    }
}

/* ---- chores ---------------------------------------------------------------------------------- */

typedef struct Count {
    int ran, done, discarded;
} Count;

static void count_run(void *data) {
    ((Count *)data)->ran++;
}

static void count_done(App *app, void *data) {
    (void)app;
    ((Count *)data)->done++;
}

static void count_discard(void *data) {
    ((Count *)data)->discarded++;
}

static void wake(void *user) {
    atomic_fetch_add((atomic_int *)user, 1);
}

static void test_chores_run_in_order_and_end_on_the_callers_thread(void **state) {
    (void)state;
    atomic_int wakes = 0;
    Chores *chores = NULL;
    Count counts[20] = {0};
    assert_int_equal(chores_new(wake, &wakes, false, &chores, NULL), STATUS_OK);
    for (size_t i = 0; i < BASE_COUNT(counts); i++)
        assert_true(chores_post(chores, &(Chore){count_run, count_done, count_discard, &counts[i]}));
    while (!chores_idle(chores))
        (void)chores_finish(chores, NULL);
    for (size_t i = 0; i < BASE_COUNT(counts); i++) {
        assert_int_equal(counts[i].ran, 1);
        assert_int_equal(counts[i].done, 1);
        assert_int_equal(counts[i].discarded, 0);
    }
    assert_false(chores_finish(chores, NULL));
    /* What is left at the end is discarded exactly once, run or not. */
    Count late[5] = {0};
    for (size_t i = 0; i < BASE_COUNT(late); i++)
        assert_true(chores_post(chores, &(Chore){count_run, count_done, count_discard, &late[i]}));
    chores_drop(chores);
    for (size_t i = 0; i < BASE_COUNT(late); i++)
        assert_int_equal(late[i].discarded, 1);
    assert_true(atomic_load(&wakes) >= (int)BASE_COUNT(counts));
}

int test_files_group(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_a_folder_is_listed_by_kind_and_name),
        cmocka_unit_test(test_a_home_is_expanded),
        IN_FOLDER(test_recent_files_are_kept_newest_first),
        IN_FOLDER(test_odd_lines_of_the_recent_file_are_passed_over),
        IN_FOLDER(test_recent_files_without_memory),
        cmocka_unit_test(test_chores_run_in_order_and_end_on_the_callers_thread),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
