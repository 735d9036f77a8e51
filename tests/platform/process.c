#include "test_platform.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_cat_gets_everything(void **state) {
    (void)state;
    /* Larger than any pipe, so that writes are partial; what arrived is compared byte by byte. */
    enum { SIZE = 3 << 20 };
    static unsigned char data[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (unsigned char)hash_u64(i);
    }
    char path[] = "/tmp/attnscope-process-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const char *argv[] = {"sh", "-c", "cat > \"$0\"; exit 7", path, NULL};
    Process *process;
    assert_int_equal(process_start(argv, true, &process, NULL), 0);
    assert_int_equal(process_write(process, data, SIZE - 5, NULL), 0);
    assert_int_equal(process_write(process, data + SIZE - 5, 5, NULL), 0);
    int code = -1;
    assert_int_equal(process_close(process, &code, NULL), 0);
    assert_int_equal(code, 7);
    char *got;
    size_t size;
    assert_int_equal(file_read_all(path, SIZE, &got, &size, NULL), 0);
    assert_int_equal(size, SIZE);
    assert_memory_equal(got, data, SIZE);
    mem_free(got);
    unlink(path);
}

static int run(const char *const *argv) {
    Process *process;
    Error err = {0};
    if (process_start(argv, false, &process, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    int code = -1;
    assert_int_equal(process_close(process, &code, NULL), 0);
    return code;
}

static void test_output_is_kept_where_it_is_asked_for(void **state) {
    (void)state;
    const char *argv[] = {"sh", "-c", "printf 'one\\ntwo\\n'; echo three >&2; exit 5", NULL};
    const ProcessParams params = {.keep_output = true, .keep_complaints = true};
    Process *process;
    char text[64], start[5];
    int code = -1;
    assert_int_equal(process_open(argv, &params, &process, NULL), 0);
    while (!process_ended(process, 1000, &code)) {
    }
    assert_int_equal(code, 5);
    process_output(process, text, sizeof text);
    assert_string_equal(text, "one\ntwo\n");
    process_output(process, start, sizeof start); /* as much as there is room for */
    assert_string_equal(start, "one\n");
    process_complaint(process, text, sizeof text);
    assert_string_equal(text, "three");
    assert_int_equal(process_close(process, NULL, NULL), 0);
    assert_int_equal(process_start(argv, false, &process, NULL), 0);
    process_output(process, text, sizeof text); /* not kept */
    assert_string_equal(text, "");
    assert_int_equal(process_close(process, NULL, NULL), 0);
}

static void test_exit_codes(void **state) {
    (void)state;
    assert_int_equal(run((const char *[]){"true", NULL}), 0);
    assert_int_equal(run((const char *[]){"false", NULL}), 1);
    assert_int_equal(run((const char *[]){"sh", "-c", "kill -9 $$", NULL}), 128 + 9);
    /* Arguments reach the program as they are: nothing is a shell's. */
    assert_int_equal(run((const char *[]){"test", "$HOME; *", "=", "$HOME; *", NULL}), 0);
    /* Without an input the child reads an empty file and not our terminal. */
    assert_int_equal(run((const char *[]){"sh", "-c", "read line && exit 3; exit 4", NULL}), 4);
    assert_int_equal(process_close(NULL, NULL, NULL), 0);
}

static void test_missing_program(void **state) {
    (void)state;
    Process *process = (Process *)&process;
    Error err = {0};
    const char *missing[] = {"attnscope-no-such-program", NULL};
    assert_int_equal(process_start(missing, true, &process, &err), STATUS_NOT_FOUND);
    assert_null(process);
    assert_string_equal(err.message, "the program attnscope-no-such-program was not found");
    const char *not_a_program[] = {"/", NULL};
    assert_int_equal(process_start(not_a_program, false, &process, &err), STATUS_IO);
    assert_null(process);
    mem_fail_after(1, false);
    Status status = process_start(missing, true, &process, &err);
    mem_fail_after(0, false);
    assert_int_equal(status, STATUS_MEMORY);
    assert_null(process);
}

static volatile sig_atomic_t pipe_signals;

static void count_signal(int number) {
    (void)number;
    pipe_signals++;
}

static void test_write_to_one_who_left(void **state) {
    (void)state;
    struct sigaction count = {.sa_handler = count_signal}, before;
    sigaction(SIGPIPE, &count, &before);
    static const char zeros[4 << 20];
    const char *argv[] = {"true", NULL};
    Process *process;
    Error err = {0};
    assert_int_equal(process_start(argv, true, &process, NULL), 0);
    assert_int_equal(process_write(process, zeros, sizeof(zeros), &err), STATUS_IO);
    assert_string_equal(err.message, "true stopped before it had read everything");
    assert_int_equal(process_write(process, zeros, sizeof(zeros), &err), STATUS_IO);
    int code = -1;
    assert_int_equal(process_close(process, &code, NULL), 0);
    assert_int_equal(code, 0);
    assert_int_equal(pipe_signals, 0);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGPIPE), 0);
    sigaction(SIGPIPE, &before, NULL);
    assert_int_equal(process_start(argv, false, &process, NULL), 0);
    assert_int_equal(process_write(process, zeros, 1, &err), STATUS_USAGE);
    assert_int_equal(process_close(process, NULL, NULL), 0);
}

/* Two children with pipes: the second must not hold the first one's pipe open, or closing it would hang. */
static void test_pipes_are_not_inherited(void **state) {
    (void)state;
    const char *argv[] = {"cat", NULL};
    Process *first, *second;
    int code = -1;
    assert_int_equal(process_start(argv, true, &first, NULL), 0);
    assert_int_equal(process_start(argv, true, &second, NULL), 0);
    assert_int_equal(process_write(first, "x", 1, NULL), 0);
    assert_int_equal(process_close(first, &code, NULL), 0);
    assert_int_equal(code, 0);
    assert_int_equal(process_close(second, &code, NULL), 0);
    assert_int_equal(code, 0);
    int low = dup(0), later;
    close(low);
    assert_int_equal(process_start(argv, true, &first, NULL), 0);
    assert_int_equal(process_close(first, NULL, NULL), 0);
    later = dup(0);
    assert_int_equal(low, later); /* nothing leaked */
    close(later);
}

static void start_child(void *user) {
    int *code = user;
    const char *argv[] = {"sh", "-c", "kill -TERM $$; sleep 5; exit 1", NULL};
    Process *process;
    if (process_start(argv, false, &process, NULL) == STATUS_OK) {
        process_close(process, code, NULL);
    }
}

/* Workers block SIGTERM; their children must not. */
static void test_started_from_a_worker(void **state) {
    (void)state;
    int code = -1;
    Thread *thread;
    assert_int_equal(thread_start(&thread, start_child, &code, "starter", false, NULL), 0);
    thread_join(thread);
    assert_int_equal(code, 128 + SIGTERM);
}

static const ProcessParams piped = {.with_input = true, .own_group = true, .keep_complaints = true};

/* A child that does not read: writing gives up, and so does waiting; killing ends it. */
static void test_one_who_hangs(void **state) {
    (void)state;
    static const char zeros[4 << 20];
    const char *argv[] = {"sleep", "1000", NULL};
    Process *process;
    Error err = {0};
    assert_int_equal(process_open(argv, &piped, &process, &err), STATUS_OK);
    assert_int_equal(process_write_within(process, zeros, sizeof(zeros), 50, NULL, &err), STATUS_CANCELLED);
    assert_string_equal(err.message, "sleep has read nothing for 0.05 seconds");
    const CancelFlag given_up = {true};
    assert_int_equal(process_write_within(process, zeros, sizeof(zeros), -1, &given_up, &err), STATUS_CANCELLED);
    assert_string_equal(err.message, "writing to sleep was given up");
    process_end_input(process);
    assert_int_equal(process_write(process, zeros, 1, &err), STATUS_USAGE);
    int code = -1;
    assert_false(process_ended(process, 20, &code));
    assert_int_equal(code, -1);
    process_kill(process);
    assert_true(process_ended(process, 10000, &code));
    assert_int_equal(code, 128 + SIGKILL);
    process_kill(process); /* harmless: its number may be someone else's by now */
    code = -1;
    assert_int_equal(process_close(process, &code, NULL), 0);
    assert_int_equal(code, 128 + SIGKILL);
}

static void test_complaints(void **state) {
    (void)state;
    char text[64], small[6];
    Process *process;
    int code = -1;
    const char *argv[] = {"sh", "-c", "echo first >&2; echo 'the last line' >&2; exit 3", NULL};
    assert_int_equal(process_open(argv, &piped, &process, NULL), STATUS_OK);
    assert_true(process_ended(process, 10000, &code));
    assert_int_equal(code, 3);
    process_complaint(process, text, sizeof(text));
    assert_string_equal(text, "the last line");
    process_complaint(process, small, sizeof(small));
    assert_string_equal(small, "the l");
    assert_int_equal(process_close(process, NULL, NULL), 0);
    const char *quiet[] = {"true", NULL};
    assert_int_equal(process_open(quiet, &piped, &process, NULL), STATUS_OK);
    assert_true(process_ended(process, 10000, NULL));
    process_complaint(process, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(process_close(process, NULL, NULL), 0);
    /* More than any pipe holds: a file never makes the child wait. */
    const char *loud[] = {"sh", "-c", "yes complaint | head -c 300000 >&2; echo done >&2", NULL};
    assert_int_equal(process_open(loud, &piped, &process, NULL), STATUS_OK);
    assert_true(process_ended(process, 20000, &code));
    assert_int_equal(code, 0);
    process_complaint(process, text, sizeof(text));
    assert_string_equal(text, "done");
    assert_int_equal(process_close(process, NULL, NULL), 0);
}

static void test_own_group(void **state) {
    (void)state;
    /* The child compares the group of its parent (us) with its own. */
    const char *script = "test $(ps -o pgid= -p $$) != $(ps -o pgid= -p $PPID)";
    const char *argv[] = {"sh", "-c", script, NULL};
    Process *process;
    int code = -1;
    assert_int_equal(process_open(argv, &piped, &process, NULL), STATUS_OK);
    assert_int_equal(process_close(process, &code, NULL), 0);
    assert_int_equal(code, 0);
    assert_int_equal(process_start(argv, false, &process, NULL), STATUS_OK);
    assert_int_equal(process_close(process, &code, NULL), 0);
    assert_int_equal(code, 1);
}

int test_process_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cat_gets_everything),
        cmocka_unit_test(test_output_is_kept_where_it_is_asked_for),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_write_to_one_who_left),
        cmocka_unit_test(test_pipes_are_not_inherited),
        cmocka_unit_test(test_started_from_a_worker),
        cmocka_unit_test(test_one_who_hangs),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_own_group),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
