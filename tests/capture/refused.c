/* What formats read and capture refuses, or does not believe. */
#include "test_capture.h"

static void test_arrays_that_are_no_attention(void **state) {
    static const struct {
        const char *dict, *word;
    } CASES[] = {
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3)}", "floating-point"},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2, 1)}", "floating-point"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "2 to 5 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,6)}", "2 to 5 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", "at least one query"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 0)}", "at least one query"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3)}", "pickled"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}", "structured"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Bytes file = {0};
        Error err;
        bytes_npy(&file, CASES[i].dict, 24);
        (void)refuse_memory(file.data, file.size, "x.npy", CASES[i].word, &err);
        bytes_free(&file);
    }
}

static void test_an_archive_without_arrays(void **state) {
    ZipEntry entry = {.name = "notes.txt", .data = (const uint8_t *)"not an array", .size = 12};
    Error err;
    (void)state;
    Bytes zip = make_zip(&entry, 1);
    (void)refuse_memory(zip.data, zip.size, "x.npz", "none", &err);
    bytes_free(&zip);
}

/* Values that are legal in a file and rare in life. */
static void test_odd_values(void **state) {
    static const uint32_t BITS[] = {0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000,
                                    0x00000001, 0x80000000, 0xbf800000, 0x7f7fffff};
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(BITS); i++) {
        Bytes file = {0};
        bytes_npy(&file, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3)}", 0);
        for (int j = 0; j < 9; j++)
            bytes_le(&file, j % 2 ? BITS[i] : 0x3e800000u, 4);
        Capture *capture = open_memory(file.data, file.size, "x.npy", &err);
        assert_non_null(capture);
        look_around(capture);
        capture_close(capture);
        bytes_free(&file);
    }
}

/* 64 MB of zeros in 64 kB, honest about it: not attention's fault, but nothing is inflated for a dtype that is
 * refused. */
static void test_a_bomb_is_not_inflated_for_nothing(void **state) {
    Bytes npy = {0};
    Error err;
    (void)state;
    bytes_npy(&npy, "{'descr': '|u1', 'fortran_order': False, 'shape': (8192, 8192), }", (size_t)64 << 20);
    ZipEntry entry = {.name = "attentions.npy", .data = npy.data, .size = npy.size, .deflate = true};
    Bytes zip = make_zip(&entry, 1);
    assert_true(zip.size < 100000);
    uint64_t before = mem_allocation_count();
    refuse_memory(zip.data, zip.size, "x.npz", "floating-point", &err);
    assert_true(mem_allocation_count() - before < 64);
    bytes_free(&zip);
    bytes_free(&npy);
}

/* A file with this header and `data` zero bytes; `claim` replaces the header's size unless 0. */
static Bytes make_file(const char *json, size_t data, uint64_t claim) {
    Bytes file = {0};
    bytes_le(&file, claim ? claim : strlen(json), 8);
    bytes_text(&file, json);
    bytes_add(&file, NULL, data);
    return file;
}

/* Many arrays must not take time that grows with their square. */
static void test_many_tensors(void **state) {
    Bytes json = {0};
    char entry[160];
    Error err;
    (void)state;
    bytes_text(&json, "{");
    for (int i = 0; i < 40000; i++) {
        snprintf(entry, sizeof(entry),
                 "%s\"blocks.%d.attn.hook_%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "",
                 i / 2, i % 2 ? "q" : "k");
        bytes_text(&json, entry);
    }
    bytes_text(&json, "}");
    bytes_add(&json, "", 1);
    Bytes file = make_file((const char *)json.data, 0, 0);
    refuse_memory(file.data, file.size, "x.safetensors", "floating-point", &err);
    bytes_free(&json);
    bytes_free(&file);
}

static void test_metadata_is_not_believed(void **state) {
    static const struct {
        const char *pair, *note;
    } CASES[] = {
        {"\"attn.scale\":\"huge\"", "attn.scale"},
        {"\"attn.scale\":\"nan\"", "attn.scale"},
        {"\"attn.causal\":\"maybe\"", "attn.causal"},
        {"\"attn.n_kv_heads\":\"9\"", "attn.n_kv_heads"},
        {"\"attn.softcap\":\"-1\"", "attn.softcap"},
        {"\"attn.window\":\"1e99\"", "attn.causal"},
        {"\"tokens\":\"[\"", "tokens"},
        {"\"tokens\":\"[[[1]]]\"", "tokens"},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        char json[512];
        snprintf(json, sizeof(json),
                 "{\"__metadata__\":{%s},\"blocks.0.attn.hook_q\":{\"dtype\":\"F32\",\"shape\":[2,1,2],\"data_"
                 "offsets\":[0,16]},"
                 "\"blocks.0.attn.hook_k\":{\"dtype\":\"F32\",\"shape\":[2,1,2],\"data_offsets\":[16,32]}}",
                 CASES[i].pair);
        Bytes file = make_file(json, 32, 0);
        Capture *capture = open_memory(file.data, file.size, "x.safetensors", &err);
        if (!capture) fail_msg("%s: %s", CASES[i].pair, err.message);
        if (!has_note(capture, CASES[i].note)) fail_msg("no note about %s", CASES[i].pair);
        look_around(capture);
        capture_close(capture);
        bytes_free(&file);
    }
}

int test_refused_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_that_are_no_attention),
        cmocka_unit_test(test_an_archive_without_arrays),
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_a_bomb_is_not_inflated_for_nothing),
        cmocka_unit_test(test_many_tensors),
        cmocka_unit_test(test_metadata_is_not_believed),
    };
    return cmocka_run_group_tests_name("capture: refused", tests, NULL, NULL);
}
