/* Signals that ask a program to end, as a flag that long work looks at. The handler is given back after the first
 * signal, so that a second Ctrl+C ends a program that does not listen. */
#include "movie/movie.h"

#include <signal.h>

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[BASE_COUNT(SIGNALS)];
static CancelFlag flag;
static int depth;

static void on_signal(int number) {
    (void)number;
    atomic_store(&flag.set, true); /* lock-free: async-signal-safe */
}

void movie_interrupt_begin(void) {
    if (depth++ > 0) return;
    atomic_store(&flag.set, false);
    for (size_t i = 0; i < BASE_COUNT(SIGNALS); i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        sigaction(SIGNALS[i], NULL, &before[i]);
        /* nohup and the like: what is ignored stays ignored. */
        if (before[i].sa_handler != SIG_IGN) sigaction(SIGNALS[i], &action, NULL);
    }
}

void movie_interrupt_end(void) {
    if (depth == 0 || --depth > 0) return;
    for (size_t i = 0; i < BASE_COUNT(SIGNALS); i++)
        sigaction(SIGNALS[i], &before[i], NULL);
}

bool movie_interrupted(void) {
    return atomic_load(&flag.set);
}
const CancelFlag *movie_interrupt_flag(void) {
    return &flag;
}
