/* Damaged and hostile .npy. */
#include "test_formats.h"

static const char GOOD[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";

static void refuse_dict(const char *dict, size_t data, const char *word) {
    Bytes file = {0};
    Error err;
    bytes_npy(&file, dict, data);
    (void)refuse_memory(file.data, file.size, "x.npy", word, &err);
    bytes_free(&file);
}

static void accept_dict(const char *dict, size_t data) {
    Bytes file = {0};
    Error err;
    bytes_npy(&file, dict, data);
    Container *container = open_memory(file.data, file.size, "x.npy", &err);
    if (!container) fail_msg("%s: %s", dict, err.message);
    look_around(container);
    close_file(container);
    bytes_free(&file);
}

static void test_every_truncation_is_refused(void **state) {
    Bytes file = {0};
    Error err;
    (void)state;
    bytes_npy(&file, GOOD, 24);
    for (size_t size = 0; size < file.size; size++) {
        /* a copy of exactly this size, so that a sanitizer sees every read beyond it */
        uint8_t *copy = mem_alloc(size + !size);
        assert_non_null(copy);
        memcpy(copy, file.data, size);
        Container *container = open_memory(copy, size, "x.npy", &err);
        if (container) fail_msg("opened after %zu of %zu bytes", size, file.size);
        mem_free(copy);
    }
    bytes_free(&file);
}

static void test_every_changed_byte_is_survived(void **state) {
    Bytes file = {0};
    Error err;
    (void)state;
    bytes_npy(&file, GOOD, 24);
    for (size_t at = 0; at < file.size; at++) {
        uint8_t old = file.data[at];
        for (int value = 0; value < 256; value += at < 10 + sizeof(GOOD) ? 1 : 51) {
            file.data[at] = (uint8_t)value;
            Container *container = open_memory(file.data, file.size, "x.npy", &err);
            if (container) look_around(container);
            close_file(container);
        }
        file.data[at] = old;
    }
    bytes_free(&file);
}

static void test_accepted_headers(void **state) {
    (void)state;
    accept_dict(GOOD, 24);
    accept_dict("{'descr':'<f4','fortran_order':False,'shape':(2,3)}", 24);
    accept_dict("  {\"shape\": (2L, 3L), \"fortran_order\": True, \"descr\": \"<f4\"}  \n", 24);
    accept_dict("{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3,), }", 24);
    accept_dict(GOOD, 25); /* more data than the array: ignored, with a note */
    accept_dict("{'descr': '|V2', 'fortran_order': False, 'shape': (2, 3), }", 12);
}

static void test_refused_headers(void **state) {
    static const struct {
        const char *dict, *word;
    } CASES[] = {
        {"", "expected '{'"},
        {"{}", "each of descr"},
        {"{'descr': '<f4', 'fortran_order': False}", "each of descr"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2, 3)}", "once"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "once"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x", "end of the header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}", "a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6)}", "','"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "',' or ')'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}", "dimension"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2.0, 3)}", "',' or ')'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999)}", "below 2^63"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", "True or False"},
        {"{'descr': '<f4', 'fortran_order': false, 'shape': (2, 3)}", "True or False"},
        {"{'descr': f4, 'fortran_order': False, 'shape': (2, 3)}", "quoted string"},
        {"{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}", "'"},
        {"{'descr': '<q9', 'fortran_order': False, 'shape': (2, 3)}", "does not exist"},
        {"{'descr': '', 'fortran_order': False, 'shape': (2, 3)}", "does not exist"},
        {"{'descr': '<U999999999999', 'fortran_order': False, 'shape': (2, 3)}", "too large"},
        {"{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (2, 3)}", "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3)}", "expected 36 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", "larger than any file"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1)}", "expected 4398046511104 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_dict(CASES[i].dict, 24, CASES[i].word);
}

static void test_versions_and_lengths(void **state) {
    Bytes file = {0};
    Error err;
    (void)state;
    bytes_npy(&file, GOOD, 24);
    for (int version = 0; version < 256; version++) {
        file.data[6] = (uint8_t)version;
        Container *container = open_memory(file.data, file.size, "x.npy", &err);
        assert_int_equal(container != NULL, version == 1);
        close_file(container);
    }
    file.data[6] = 1;
    file.data[9] = 0xff; /* a header of 65 kB in a file of 100 bytes */
    refuse_memory(file.data, file.size, "x.npy", "at most 10000", &err);
    bytes_free(&file);
    bytes_add(&file, "\x93NUMPY\x02\x00", 8); /* version 2 with a header of 4 GB */
    bytes_le(&file, 0xffffffffu, 4);
    refuse_memory(file.data, file.size, "x.npy", "at most 10000", &err);
    bytes_free(&file);
}

/* A dimension cannot make the program allocate what the file does not hold. */
static void test_a_header_allocates_nothing(void **state) {
    Bytes file = {0};
    Error err;
    (void)state;
    bytes_npy(&file, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000)}", 100);
    uint64_t before = mem_allocation_count();
    refuse_memory(file.data, file.size, "x.npy", "expected 4000000000000 bytes", &err);
    assert_true(mem_allocation_count() - before < 32);
    bytes_free(&file);
}

static void test_other_formats_are_named(void **state) {
    static const struct {
        const char *bytes, *name, *word;
        size_t size;
    } CASES[] = {
        {"", "x.npy", "empty file", 0},
        {"\x89HDF\r\n\x1a\n", "x.h5", "HDF5", 8},
        {"\x80\x04\x95....", "x.pkl", "pickle", 7},
        {"\x1f\x8b\x08....", "x.npy.gz", "gzip", 7},
        {"[1, 2, 3]", "x.json", "JSON", 9},
        {"hello there", "x.npy", "NUMPY", 11},
        {"hello there", "x.npz", "zip", 11},
        {"hello there", "x.txt", "no format known", 11},
        {"x", "x", "no format known", 1},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_memory(CASES[i].bytes, CASES[i].size, CASES[i].name, CASES[i].word, &err);
}

/* Opening fails cleanly whichever allocation fails. */
static void test_memory_runs_out(void **state) {
    Bytes file = {0};
    Error err;
    (void)state;
    bytes_npy(&file, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 2, 2)}", 96);
    uint64_t n = 1;
    for (;; n++) {
        mem_fail_after(n, true);
        Container *container = open_memory(file.data, file.size, "x.npy", &err);
        mem_fail_after(0, false);
        bool opened = container != NULL;
        close_file(container);
        if (opened) break;
        assert_int_equal(err.status, STATUS_MEMORY);
    }
    assert_true(n > 3);
    bytes_free(&file);
}

int test_npy_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_accepted_headers),
        cmocka_unit_test(test_refused_headers),
        cmocka_unit_test(test_versions_and_lengths),
        cmocka_unit_test(test_a_header_allocates_nothing),
        cmocka_unit_test(test_other_formats_are_named),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("formats: npy", tests, NULL, NULL);
}
