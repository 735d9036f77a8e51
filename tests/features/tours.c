/* Tours as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "features/record/record.h"
#include "session/rooms.h"
#include "test_features.h"

static void test_any_text_is_read_or_refused(void **state) {
    (void)state;
    static const char *const WORDS[] = {"0",      "1",   "2.5",   "..",      "ease", "linear", "camera", "range",
                                        "layer",  "fit", "0:1",   "0:1,2:3", "end",  ";",      "\n",     "\n",
                                        " ",      "#",   "heads", "mean",    "-1",   "1e308",  "nan",    "quit",
                                        "labels", ":",   ",",     "1..2",    "0..9", "\t",     "\xff"};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        char text[512] = "";
        size_t length = 0;
        for (uint64_t i = 0; i < 40; i++) {
            const char *word = WORDS[hash_u64(seed * 64 + i) % BASE_COUNT(WORDS)];
            if (length + strlen(word) + 2 >= sizeof text) break;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", word,
                                       hash_u64(seed + i) % 3 ? " " : "");
        }
        RecordTour *tour = NULL;
        Error err = {0};
        const Status status = record_tour_parse(bare(), text, "t", &tour, &err);
        assert_true(status == STATUS_OK ? tour && record_tour_seconds(tour) > 0 : !tour && err.message[0]);
        record_tour_drop(tour);
    }
}

static void test_no_memory(void **state) {
    (void)state;
    bool worked = false;
    for (uint64_t n = 1; n < 60 && !worked; n++) {
        RecordTour *tour = NULL;
        Error err = {0};
        mem_fail_after(n, true);
        const Status status = record_tour_parse(bare(), "0 layer 1; heads 2\n1..2 camera fit\n3 end\n", "t", &tour,
                                                &err);
        mem_fail_after(0, false);
        worked = status == STATUS_OK;
        assert_true(worked || (status == STATUS_MEMORY && !tour));
        record_tour_drop(tour);
    }
    assert_true(worked);
}

int test_tours_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_text_is_read_or_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("tours", tests, NULL, NULL);
}
