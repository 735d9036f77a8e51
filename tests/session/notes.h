/* The program that tests of session/ are about: two scenes that draw nothing, a part that notes what it is told, commands
 * that do nothing. */
#ifndef TEST_SESSION_NOTES_H
#define TEST_SESSION_NOTES_H

#include "session/app.h"

/* `pixels` shows cells of a pattern, `list` is where `select` belongs. */
extern const Scene PIXELS, LIST;

/* What the part NOTES was told. */
typedef struct Notes {
    int runs;
    char run[64]; /* the last command: "name args" */
    int scenes;   /* so often another one was shown */
} Notes;
extern const StateKey NOTES_STATE;
extern const Part NOTES;

#endif
