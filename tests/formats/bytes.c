/* Byte sources: those of the program, and kinds from outside. */
#include "test_formats.h"

#include <stdlib.h>
#include <unistd.h>

/* A source that counts its reads, can be made to fail, and grows. */
typedef struct Counting {
    ByteSource base;
    const char *text;
    uint64_t size;
    int *reads, *closed;
    bool fails, changed;
} Counting;

static Status counting_read(const ByteSource *source, uint64_t offset, void *out, size_t size, Error *err) {
    const Counting *counting = (const Counting *)source;
    ++*counting->reads;
    if (counting->fails) return error_set(err, STATUS_IO, "the line is dead");
    memcpy(out, counting->text + offset, size);
    return STATUS_OK;
}

static uint64_t counting_size(const ByteSource *source) {
    return ((const Counting *)source)->size;
}

static bool counting_changed(const ByteSource *source) {
    return ((const Counting *)source)->changed;
}

static void counting_close(ByteSource *source) {
    ++*((Counting *)source)->closed;
    mem_free(source);
}

static const ByteSourceOps COUNTING = {counting_read, counting_size, counting_changed, counting_close};

static Counting *counting_new(const char *text, size_t size, int *reads, int *closed) {
    Counting *counting = mem_alloc_zeroed(1, sizeof(*counting));
    assert_non_null(counting);
    bytes_init(&counting->base, &COUNTING, "the line");
    counting->text = text;
    counting->size = size;
    counting->reads = reads;
    counting->closed = closed;
    *reads = *closed = 0;
    return counting;
}

static void test_a_source_from_outside(void **state) {
    int reads, closed;
    char out[8] = "";
    Error err = {0};
    (void)state;
    Counting *counting = counting_new("abcdefgh", 4, &reads, &closed);
    ByteSource *source = &counting->base;
    assert_int_equal(bytes_read(source, 1, out, 3, &err), STATUS_OK);
    assert_string_equal(out, "bcd");
    assert_int_equal(bytes_read(source, 9, out, 0, &err), STATUS_OK);
    assert_int_equal(reads, 1);
    /* what is not there is not asked for */
    assert_int_equal(bytes_read(source, 2, out, 3, &err), STATUS_FORMAT);
    assert_string_equal(err.file, "the line");
    assert_int_equal(bytes_read(source, UINT64_MAX, out, 2, &err), STATUS_FORMAT);
    assert_int_equal(reads, 1);
    /* it grows */
    counting->size = 8;
    assert_int_equal(bytes_size(source), 8);
    assert_int_equal(bytes_read(source, 4, out, 4, &err), STATUS_OK);
    assert_string_equal(out, "efgh");
    /* its own words, its name */
    counting->fails = true;
    memset(&err, 0, sizeof(err));
    assert_int_equal(bytes_read(source, 0, out, 1, &err), STATUS_IO);
    assert_string_equal(err.message, "the line is dead");
    assert_string_equal(err.file, "the line");
    assert_false(bytes_changed(source));
    counting->changed = true;
    assert_true(bytes_changed(source));
    bytes_close(source);
    assert_int_equal(closed, 1);
    bytes_close(NULL);
}

/* A format takes any source, reads what it needs, and closes it, also when it refuses. */
static void test_formats_read_any_source(void **state) {
    Bytes npy = {0};
    int reads, closed;
    Error err = {0};
    Container container;
    (void)state;
    bytes_npy(&npy, "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 100)}", 40000);
    Counting *counting = counting_new((const char *)npy.data, npy.size, &reads, &closed);
    assert_int_equal(formats_open(NULL, &counting->base, "x.npy", NULL, &container, &err), STATUS_OK);
    assert_int_equal(reads, 2); /* how it begins, and its header */
    assert_int_equal(container.tensors[0].shape[1], 100);
    container_close(&container);
    assert_int_equal(closed, 1);
    counting = counting_new((const char *)npy.data, npy.size - 1, &reads, &closed);
    assert_int_equal(formats_open(NULL, &counting->base, "x.npy", NULL, &container, &err), STATUS_FORMAT);
    assert_int_equal(closed, 1);
    bytes_free(&npy);
}

static void test_memory(void **state) {
    char out[4] = "", *owned = mem_strdup("xyz");
    ByteSource *source = NULL;
    Error err = {0};
    (void)state;
    assert_int_equal(bytes_open_memory("abc", 3, NULL, &source, &err), STATUS_OK);
    assert_int_equal(bytes_read(source, 1, out, 2, &err), STATUS_OK);
    assert_string_equal(out, "bc");
    assert_int_equal(bytes_read(source, 1, out, 3, &err), STATUS_FORMAT);
    assert_string_equal(err.file, "memory");
    assert_false(bytes_changed(source));
    bytes_close(source);
    assert_int_equal(bytes_own_memory(owned, 3, "name", &source, &err), STATUS_OK);
    assert_int_equal(bytes_size(source), 3);
    bytes_close(source);
    owned = mem_strdup("xyz");
    mem_fail_after(1, false);
    assert_int_equal(bytes_own_memory(owned, 3, "name", &source, &err), STATUS_MEMORY); /* freed all the same */
    mem_fail_after(0, false);
}

static void test_a_file_that_changes(void **state) {
    char path[] = "/tmp/attnscope-bytes-XXXXXX", other[sizeof(path) + 4], out[4] = "";
    ByteSource *source = NULL;
    Error err = {0};
    (void)state;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "abc", 3), 3);
    assert_int_equal(bytes_open_file(path, &source, &err), STATUS_OK);
    assert_false(bytes_changed(source));
    assert_int_equal(write(descriptor, "de", 2), 2); /* written to: larger */
    close(descriptor);
    assert_true(bytes_changed(source));
    assert_int_equal(bytes_size(source), 3); /* what was opened */
    bytes_close(source);
    assert_int_equal(bytes_open_file(path, &source, &err), STATUS_OK);
    assert_int_equal(bytes_size(source), 5);
    snprintf(other, sizeof(other), "%s.new", path); /* replaced by another */
    assert_int_equal(file_write_all(other, "ABCDE", 5, &err), STATUS_OK);
    assert_int_equal(rename(other, path), 0);
    assert_true(bytes_changed(source));
    assert_int_equal(bytes_read(source, 0, out, 3, &err), STATUS_OK); /* the old one is still read */
    assert_string_equal(out, "abc");
    bytes_close(source);
    assert_int_equal(bytes_open_file(path, &source, &err), STATUS_OK);
    assert_false(bytes_changed(source));
    assert_int_equal(unlink(path), 0);
    assert_true(bytes_changed(source));
    bytes_close(source);
    assert_int_equal(bytes_open_file("/tmp", &source, &err), STATUS_FORMAT);
    assert_null(source);
}

int test_bytes_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_source_from_outside),
        cmocka_unit_test(test_formats_read_any_source),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_file_that_changes),
    };
    return cmocka_run_group_tests_name("formats: byte sources", tests, NULL, NULL);
}
