/* Damaged and hostile .npz, from a zip writer of our own that can lie. */
#include "test_formats.h"

/* Weights of 4 layers of 2 heads of 6 tokens that sum to 1. */
static Bytes make_npy(void) {
    Bytes npy = {0};
    bytes_npy(&npy, "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 6, 6), }", 0);
    for (int i = 0; i < 4 * 2 * 36; i++) {
        float value = 1.0f / 6.0f;
        bytes_add(&npy, &value, sizeof(value));
    }
    return npy;
}

static ZipEntry entry_of(const char *name, const Bytes *npy, bool deflate) {
    return (ZipEntry){.name = name, .data = npy->data, .size = npy->size, .deflate = deflate};
}

static void refuse_zip(ZipEntry *entries, size_t count, const char *word) {
    Error err;
    Bytes zip = make_zip(entries, count);
    (void)refuse_memory(zip.data, zip.size, "x.npz", word, &err);
    bytes_free(&zip);
}

static void test_stored_and_deflated(void **state) {
    Bytes npy = make_npy();
    Error err;
    (void)state;
    for (int deflate = 0; deflate < 2; deflate++) {
        ZipEntry entry = entry_of("attentions.npy", &npy, deflate);
        Bytes zip = make_zip(&entry, 1);
        Container *container = open_memory(zip.data, zip.size, "x.npz", &err);
        if (!container) fail_msg("%s", err.message);
        assert_int_equal(container->tensor_count, 1);
        assert_int_equal(container->tensors[0].shape[0], 4);
        look_around(container);
        close_file(container);
        bytes_free(&zip);
    }
    bytes_free(&npy);
}

static void test_every_truncation_is_refused(void **state) {
    Bytes npy = make_npy();
    Error err;
    (void)state;
    for (int deflate = 0; deflate < 2; deflate++) {
        ZipEntry entry = entry_of("attentions.npy", &npy, deflate);
        Bytes zip = make_zip(&entry, 1);
        for (size_t size = 0; size < zip.size; size++) {
            uint8_t *copy = mem_alloc(size + !size);
            assert_non_null(copy);
            memcpy(copy, zip.data, size);
            Container *container = open_memory(copy, size, "x.npz", &err);
            if (container) fail_msg("opened after %zu of %zu bytes", size, zip.size);
            mem_free(copy);
        }
        bytes_free(&zip);
    }
    bytes_free(&npy);
}

static void test_every_changed_byte_is_survived(void **state) {
    static const uint8_t VALUES[] = {0, 1, 0x7f, 0x80, 0xff};
    Bytes npy = make_npy();
    Error err;
    (void)state;
    for (int deflate = 0; deflate < 2; deflate++) {
        ZipEntry entry = entry_of("attentions.npy", &npy, deflate);
        Bytes zip = make_zip(&entry, 1);
        for (size_t at = 0; at < zip.size; at++) {
            uint8_t old = zip.data[at];
            for (size_t i = 0; i < BASE_COUNT(VALUES); i++) {
                zip.data[at] = VALUES[i];
                Container *container = open_memory(zip.data, zip.size, "x.npz", &err);
                if (container) look_around(container);
                close_file(container);
            }
            zip.data[at] = old;
        }
        bytes_free(&zip);
    }
    bytes_free(&npy);
}

static void test_lies_are_refused(void **state) {
    Bytes npy = make_npy(), text = {0};
    (void)state;
    bytes_text(&text, "not an array");
    ZipEntry stored = entry_of("attentions.npy", &npy, false), packed = entry_of("attentions.npy", &npy, true), entry;
    entry = stored;
    entry.lie_size = npy.size + 4;
    refuse_zip(&entry, 1, "two sizes differ");
    entry = stored;
    entry.lie_size = entry.lie_compressed = npy.size - 4;
    refuse_zip(&entry, 1, "bytes of data");
    entry = stored;
    entry.lie_size = entry.lie_compressed = 0x7fffffff;
    refuse_zip(&entry, 1, "lies outside the file");
    entry = packed;
    entry.lie_size = npy.size - 1;
    refuse_zip(&entry, 1, "bytes of data");
    entry = packed;
    entry.lie_size = npy.size + 1;
    refuse_zip(&entry, 1, "cannot be inflated");
    entry = packed;
    entry.lie_size = 0x7fffffff;
    refuse_zip(&entry, 1, "deflate can make it");
    entry = packed;
    entry.lie_crc = 12345;
    refuse_zip(&entry, 1, "checksum");
    entry = packed;
    entry.flags = 1;
    refuse_zip(&entry, 1, "encrypted");
    entry = packed;
    entry.method = 12;
    refuse_zip(&entry, 1, "method 12");
    entry = stored;
    entry.lie_offset = 7;
    refuse_zip(&entry, 1, "local header");
    entry = entry_of("attentions.npy", &text, false);
    refuse_zip(&entry, 1, "attentions.npy");
    entry = entry_of("archive/data.pkl", &text, false);
    refuse_zip(&entry, 1, "pickle");
    refuse_zip(NULL, 0, "no directory");
    bytes_free(&npy);
    bytes_free(&text);
}

/* Two entries over the same bytes: how zip bombs share their data. */
static void test_overlapping_entries_are_refused(void **state) {
    Bytes npy = make_npy();
    (void)state;
    ZipEntry entry = entry_of("attn_0.npy", &npy, false);
    Error err;
    Bytes twice = make_zip(&entry, 1);
    /* the directory names the only member twice */
    size_t directory = twice.size - 22 - 46 - strlen("attn_0.npy");
    Bytes overlap = {0};
    bytes_add(&overlap, twice.data, twice.size - 22);
    bytes_add(&overlap, twice.data + directory, 46 + strlen("attn_0.npy"));
    bytes_add(&overlap, "PK\5\6\0\0\0\0\2\0\2\0", 12);
    bytes_le(&overlap, 2 * (46 + strlen("attn_0.npy")), 4);
    bytes_le(&overlap, directory, 4);
    bytes_le(&overlap, 0, 2);
    refuse_memory(overlap.data, overlap.size, "x.npz", "overlap", &err);
    bytes_free(&twice);
    bytes_free(&overlap);
    bytes_free(&npy);
}

static void test_memory_runs_out(void **state) {
    Bytes npy = make_npy();
    Error err;
    uint64_t n = 1;
    (void)state;
    ZipEntry entry = entry_of("attentions.npy", &npy, true);
    Bytes zip = make_zip(&entry, 1);
    for (;; n++) {
        mem_fail_after(n, true);
        Container *container = open_memory(zip.data, zip.size, "x.npz", &err);
        mem_fail_after(0, false);
        bool opened = container != NULL;
        close_file(container);
        if (opened) break;
        assert_int_equal(err.status, STATUS_MEMORY);
    }
    assert_true(n > 8);
    bytes_free(&zip);
    bytes_free(&npy);
}

int test_npz_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_and_deflated),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_overlapping_entries_are_refused),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("formats: npz", tests, NULL, NULL);
}
