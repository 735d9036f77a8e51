/* Child programs, started by argument vector. The child gets no descriptor of ours but its three standard ones (all
 * others are close-on-exec), the default signal actions and an empty signal mask. A child that stops reading gives
 * EPIPE here; the SIGPIPE that comes with it is caught in the writing thread alone, since handlers are not ours to
 * set. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20) /* a few video frames at once instead of 64 kB; a wish */
#define SIGNALLED 128       /* added to the signal's number, as shells do */
#define NAME_SIZE 128
#define COMPLAINT_TAIL 4096 /* bytes of standard error that are looked at */
#define BACKGROUND_NICE 10
#define WAIT_STEP_NS UINT64_C(2000000)
#define LOOK_MS 50 /* between two looks whether a write is to be given up */

extern char **environ;

struct Process {
    pid_t pid;
    int input; /* -1: none, or closed; never blocks: writers poll, so that they can give up */
    /* -1: none; unlinked files, which unlike a pipe never make the child wait for us */
    int errors, output;
    bool ended;
    int exit_code;
    char name[NAME_SIZE];
};

/* Above the standard descriptors, which the child's file actions overwrite. */
static int move_above_standard(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

static int open_pipe(int ends[2]) {
#ifdef __linux__
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
#else
    if (pipe(ends) != 0) {
        return errno;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
    for (int i = 0; i < 2; i++) {
        ends[i] = move_above_standard(ends[i]);
    }
    if (ends[0] < 0 || ends[1] < 0) {
        return EMFILE;
    }
    return 0;
}

static int set_signals(posix_spawnattr_t *attributes, bool own_group) {
    sigset_t defaults, mask;
    sigemptyset(&mask);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0);
    int code = posix_spawnattr_setsigmask(attributes, &mask);
    code = code ? code : posix_spawnattr_setsigdefault(attributes, &defaults);
    code = code || !own_group ? code : posix_spawnattr_setpgroup(attributes, 0);
    return code ? code : posix_spawnattr_setflags(attributes, (short)flags);
}

static int set_files(posix_spawn_file_actions_t *actions, int input, int output, int errors) {
    int code = input >= 0 ? posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO)
                          : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code) {
        return code;
    }
    code = output >= 0 ? posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO)
                       : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (code) {
        return code;
    }
    return errors >= 0 ? posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO)
                       : posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

/* Returns 0 or an errno value. */
static int spawn(const char *const *argv, bool own_group, int input, int output, int errors, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code) {
        return code;
    }
    code = posix_spawnattr_init(&attributes);
    if (!code) {
        code = set_signals(&attributes, own_group);
        code = code ? code : set_files(&actions, input, output, errors);
        /* The prototype predates const; the strings are not changed. */
        char *const *arguments;
        memcpy(&arguments, &argv, sizeof(arguments));
        code = code ? code : posix_spawnp(pid, argv[0], &actions, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* An unlinked file for what the child writes; -1 where none can be made: then its words are lost, nothing more. */
static int open_words(void) {
    const char *folder = getenv("TMPDIR");
    char path[512];
    int length = snprintf(path, sizeof(path), "%s/attnscope-XXXXXX", folder && folder[0] ? folder : "/tmp");
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return -1;
    }
    int fd = mkstemp(path);
    if (fd >= 0) {
        unlink(path);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, O_APPEND);
    }
    return move_above_standard(fd);
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

Status process_open(const char *const *argv, const ProcessParams *params, Process **out, Error *err) {
    *out = NULL;
    char reason[128];
    int ends[2] = {-1, -1};
    Process *process = mem_alloc_zeroed(1, sizeof(*process));
    if (!process) {
        return error_set(err, STATUS_MEMORY, "out of memory while starting %s", argv[0]);
    }
    snprintf(process->name, sizeof(process->name), "%s", file_base_name(argv[0]));
    process->errors = params->keep_complaints ? open_words() : -1;
    process->output = params->keep_output ? open_words() : -1;
    int code = params->with_input ? open_pipe(ends) : 0;
    code = code ? code : spawn(argv, params->own_group, ends[0], process->output, process->errors, &process->pid);
    close_fd(&ends[0]);
    if (code == 0) {
        /* Before it has started threads of its own, which inherit it; a wish. */
        if (params->background) setpriority(PRIO_PROCESS, (id_t)process->pid, BACKGROUND_NICE);
        process->input = ends[1];
        if (ends[1] >= 0) {
            fcntl(ends[1], F_SETFL, O_NONBLOCK);
        }
        *out = process;
        return STATUS_OK;
    }
    close_fd(&ends[1]);
    close_fd(&process->errors);
    close_fd(&process->output);
    mem_free(process);
    if (code == ENOENT) {
        return error_set(err, STATUS_NOT_FOUND, "the program %s was not found", argv[0]);
    }
    return error_set(err, STATUS_IO, "cannot start %s: %s", argv[0], error_system_text(code, reason, sizeof(reason)));
}

Status process_start(const char *const *argv, bool with_input, Process **out, Error *err) {
    const ProcessParams params = {.with_input = with_input};
    return process_open(argv, &params, out, err);
}

/* Takes the SIGPIPE that our write caused off this thread, unless one was waiting before. */
static void consume_pipe_signal(const sigset_t *pipe_only) {
    sigset_t pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) == 1) {
        int number;
        sigwait(pipe_only, &number);
    }
}

/* Returns 0 or an errno value (ETIMEDOUT: nothing was taken in time; ECANCELED: the flag is set). SIGPIPE is blocked by
 * the caller. */
static int write_fully(int fd, const unsigned char *from, size_t size, int timeout_ms, const CancelFlag *cancel) {
    int waited_ms = 0;
    while (size > 0) {
        ssize_t put = write(fd, from, size);
        if (put >= 0) {
            from += put;
            size -= (size_t)put;
            waited_ms = 0;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return errno;
        }
        if (cancel_requested(cancel)) {
            return ECANCELED;
        }
        int left_ms = timeout_ms < 0 ? LOOK_MS : timeout_ms - waited_ms;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int ready = poll(&wait, 1, left_ms < LOOK_MS ? left_ms : LOOK_MS);
        if (ready < 0 && errno != EINTR) {
            return errno;
        }
        if (ready == 0 && timeout_ms >= 0 && (waited_ms += LOOK_MS) >= timeout_ms) {
            return ETIMEDOUT;
        }
    }
    return 0;
}

Status process_write_within(Process *process, const void *data, size_t size, int timeout_ms, const CancelFlag *cancel,
                            Error *err) {
    if (process->input < 0) {
        return error_set(err, STATUS_USAGE, "%s was started without an input", process->name);
    }
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    int code = write_fully(process->input, data, size, timeout_ms, cancel);
    if (code == EPIPE && !was_pending) {
        consume_pipe_signal(&pipe_only);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == EPIPE) {
        return error_set(err, STATUS_IO, "%s stopped before it had read everything", process->name);
    }
    if (code == ECANCELED) {
        return error_set(err, STATUS_CANCELLED, "writing to %s was given up", process->name);
    }
    if (code == ETIMEDOUT) {
        return error_set(err, STATUS_CANCELLED, "%s has read nothing for %g seconds", process->name,
                         timeout_ms / 1000.0);
    }
    if (code) {
        char reason[128];
        return error_set(err, STATUS_IO, "cannot write to %s: %s", process->name,
                         error_system_text(code, reason, sizeof(reason)));
    }
    return STATUS_OK;
}

Status process_write(Process *process, const void *data, size_t size, Error *err) {
    return process_write_within(process, data, size, -1, NULL, err);
}

void process_end_input(Process *process) {
    close_fd(&process->input);
}

/* Waits as waitpid does; false when the child still runs (WNOHANG) or cannot be waited for. */
static bool reap(Process *process, int options) {
    int state = 0;
    pid_t got;
    do {
        got = waitpid(process->pid, &state, options);
    } while (got < 0 && errno == EINTR);
    if (got == process->pid) {
        process->ended = true;
        process->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : SIGNALLED + WTERMSIG(state);
    }
    return process->ended;
}

bool process_ended(Process *process, int timeout_ms, int *exit_code) {
    Clock clock = clock_system();
    uint64_t start = clock_now_ns(&clock), timeout_ns = (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000;
    while (!process->ended && !reap(process, WNOHANG) && clock_now_ns(&clock) - start < timeout_ns) {
        clock_sleep_ns(WAIT_STEP_NS);
    }
    if (process->ended && exit_code) {
        *exit_code = process->exit_code;
    }
    return process->ended;
}

void process_complaint(const Process *process, char *out, size_t out_size) {
    char tail[COMPLAINT_TAIL + 1];
    out[0] = 0;
    off_t size = process->errors < 0 ? 0 : lseek(process->errors, 0, SEEK_END);
    if (size <= 0) {
        return;
    }
    ssize_t got = pread(process->errors, tail, COMPLAINT_TAIL, size > COMPLAINT_TAIL ? size - COMPLAINT_TAIL : 0);
    while (got > 0 && (unsigned char)tail[got - 1] <= ' ') {
        got--;
    }
    if (got <= 0) {
        return;
    }
    tail[got] = 0;
    const char *line = strrchr(tail, '\n');
    snprintf(out, out_size, "%s", line ? line + 1 : tail);
}

void process_output(const Process *process, char *out, size_t out_size) {
    const ssize_t got = process->output < 0 ? 0 : pread(process->output, out, out_size - 1, 0);
    out[got > 0 ? got : 0] = 0;
}

void process_kill(Process *process) {
    if (!process->ended) {
        kill(process->pid, SIGKILL);
    }
}

Status process_close(Process *process, int *exit_code, Error *err) {
    if (!process) {
        return STATUS_OK;
    }
    close_fd(&process->input);
    close_fd(&process->errors);
    close_fd(&process->output);
    Status status = STATUS_OK;
    if (!process->ended && !reap(process, 0)) {
        char reason[128];
        status = error_set(err, STATUS_IO, "cannot wait for %s: %s", process->name,
                           error_system_text(errno, reason, sizeof(reason)));
    } else if (exit_code) {
        *exit_code = process->exit_code;
    }
    mem_free(process);
    return status;
}
