/* What of the reference is compared with what of the open capture, and with which camera; no GL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_views.h"
#include "views/views.h"

typedef struct Made {
    uint8_t *bytes;
    Capture *capture;
} Made;

/* Weights of `layers` (numbers, ended by -1): uniform rows, `heads` x tokens x tokens, as safetensors in memory. */
static Made make(const int *layers, int heads, int tokens, const char *prefix) {
    Made made = {0};
    char header[2048] = "{";
    const size_t each = (size_t)heads * (size_t)tokens * (size_t)tokens * sizeof(float);
    size_t count = 0;
    for (; layers[count] >= 0; count++) {
        snprintf(header + strlen(header), sizeof header - strlen(header),
                 "%s\"%s%d\":{\"dtype\":\"F32\",\"shape\":[%d,%d,%d],\"data_offsets\":[%zu,%zu]}", count ? "," : "",
                 prefix, layers[count], heads, tokens, tokens, count * each, (count + 1) * each);
    }
    strcat(header, "}");
    while (strlen(header) % 8)
        strcat(header, " ");
    const uint64_t length = strlen(header);
    const size_t size = 8 + length + count * each;
    made.bytes = malloc(size);
    assert_non_null(made.bytes);
    memcpy(made.bytes, &length, 8);
    memcpy(made.bytes + 8, header, length);
    for (size_t i = 0; i < count * each / sizeof(float); i++) {
        const float weight = 1.0f / (float)tokens;
        memcpy(made.bytes + 8 + length + i * sizeof weight, &weight, sizeof weight);
    }
    const CaptureOpenParams params = {.memory = made.bytes, .memory_size = size, .memory_name = "made.safetensors"};
    Error err = {0};
    if (capture_open(&params, &made.capture, &err) != STATUS_OK) fail_msg("%s", err.message);
    return made;
}

static void drop(Made *made) {
    capture_close(made->capture);
    free(made->bytes);
}

static void test_layers_and_heads_are_found_by_number(void **state) {
    (void)state;
    Made open = make((const int[]){0, 2, 5, -1}, 4, 6, "attentions."),
         other = make((const int[]){2, 3, 5, -1}, 4, 6, "attentions.");
    const Frame frame = {.capture = open.capture,
                         .serial = 1,
                         .reference.capture = other.capture,
                         .reference.serial = 2,
                         .reference.difference_serial = 3,
                         .shown_layer = 2};
    Frame ref_frame;
    Look look, ref_view;
    Error err = {0};
    views_look_init(&look);
    look.matrix.camera = (Camera){.q = 3.25, .k = 1.5, .points_q = 17, .points_k = 23};
    look.subject.layer = 2; /* number 5 */
    look.matrix.cursor_on = true;
    look.matrix.cursor_q = 5;
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_OK);
    assert_ptr_equal(ref_frame.capture, other.capture);
    assert_int_equal(ref_frame.serial, 2);
    assert_int_equal(ref_frame.capture_index, 1);
    assert_int_equal(ref_frame.shown_layer, 2);
    assert_null(ref_frame.reference.capture); /* a reference has none */
    assert_int_equal(ref_view.subject.layer, 2);
    assert_true(ref_view.matrix.cursor_on);
    assert_memory_equal(&ref_view.matrix.camera, &look.matrix.camera, sizeof look.matrix.camera); /* linked */
    assert_int_equal(views_comparable(&frame, &look, &err), STATUS_OK);
    look.subject.layer = 1; /* number 2 */
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_OK);
    assert_int_equal(ref_view.subject.layer, 0);
    look.subject.layer = 0; /* number 0: only here */
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "no layer 0"));
    look.subject.layer = 1;
    look.subject.values = VALUES_SCORES;
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_NOT_FOUND);
    look.subject.values = VALUES_WEIGHTS;
    look.subject.item = 1;
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_NOT_FOUND);
    drop(&open);
    drop(&other);
}

static void test_sizes_and_heads_may_keep_a_difference_from_being_taken(void **state) {
    (void)state;
    Made open = make((const int[]){0, -1}, 4, 6, "attentions."), less = make((const int[]){0, -1}, 2, 6, "attentions."),
         shorter = make((const int[]){0, -1}, 4, 5, "attentions.");
    Frame frame = {.capture = open.capture, .serial = 1, .reference.capture = shorter.capture, .reference.serial = 2};
    Frame ref_frame;
    Look look, ref_view;
    Error err = {0};
    views_look_init(&look);
    look.matrix.cursor_on = true;
    look.matrix.cursor_q = 5;
    assert_int_equal(views_reference(&frame, &look, &ref_frame, &ref_view, &err), STATUS_OK);
    assert_false(ref_view.matrix.cursor_on); /* beyond its end */
    assert_int_equal(views_comparable(&frame, &look, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "6 x 6"));
    frame.reference.capture = less.capture;
    assert_int_equal(views_comparable(&frame, &look, &err), STATUS_OK); /* means of all */
    look.subject.heads = (HeadSet){.op = HEADS_MEAN, .count = 1, .heads = {3}};
    assert_int_equal(views_comparable(&frame, &look, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "the reference"));
    frame.reference.capture = NULL;
    assert_int_equal(views_comparable(&frame, &look, &err), STATUS_NOT_FOUND);
    drop(&open);
    drop(&less);
    drop(&shorter);
}

static void test_differences_of_cells(void **state) {
    (void)state;
    assert_true(views_difference_cell(0.75f, 0.25f) == 0.5f);
    assert_true(views_difference_cell(CELL_MASKED, 0.25f) == -0.25f);
    assert_true(views_difference_cell(0.25f, CELL_MASKED) == 0.25f);
    assert_true(views_difference_cell(CELL_MASKED, CELL_MASKED) == CELL_MASKED);
    assert_true(isnan(views_difference_cell(NAN, 0.25f)) && isnan(views_difference_cell(CELL_MASKED, NAN)));
    Look look;
    views_look_init(&look);
    look.colours.channel = CHANNEL_MAX;
    assert_int_equal(views_channel(&look), CHANNEL_MAX);
    look.compare = COMPARE_DIFF;
    assert_int_equal(views_channel(&look), CHANNEL_MEAN);
    look.colours.channel = CHANNEL_MASS;
    assert_int_equal(views_channel(&look), CHANNEL_MASS);
}

int test_compare_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_and_heads_are_found_by_number),
        cmocka_unit_test(test_sizes_and_heads_may_keep_a_difference_from_being_taken),
        cmocka_unit_test(test_differences_of_cells),
    };
    return cmocka_run_group_tests_name("views/compare", tests, NULL, NULL);
}
