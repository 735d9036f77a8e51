/* Damaged and hostile .safetensors. */
#include "test_formats.h"

/* A file with this header and `data` zero bytes; `claim` replaces the header's size unless 0. */
static Bytes make_file(const char *json, size_t data, uint64_t claim) {
    Bytes file = {0};
    bytes_le(&file, claim ? claim : strlen(json), 8);
    bytes_text(&file, json);
    bytes_add(&file, NULL, data);
    return file;
}

static const char GOOD[] = "{\"attn.0\":{\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]},"
                           "\"attn.1\":{\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[18,36]}}";

static void test_accepted(void **state) {
    static const struct {
        const char *json;
        size_t data;
    } CASES[] = {
        {GOOD, 36},
        {" \n\t{\"attn.0\":{\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]}}   ", 18},
        {"{\"z\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"e\":{\"dtype\":\"I64\",\"shape\":[0,5],"
         "\"data_offsets\":[4,4]},\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]},"
         "\"__metadata__\":{\"a\":\"b\"}}",
         8},
        {"{\"odd\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]},\"attn.0\":{\"dtype\":\"BF16\",\"shape\":[1,"
         "1],"
         "\"data_offsets\":[2,4]}}",
         4},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Bytes file = make_file(CASES[i].json, CASES[i].data, 0);
        Container *container = open_memory(file.data, file.size, "x.safetensors", &err);
        if (!container) fail_msg("%s: %s", CASES[i].json, err.message);
        look_around(container);
        close_file(container);
        bytes_free(&file);
    }
}

#define ENTRY(fields) "{\"attn.0\":{" fields "}}"

static void test_refused(void **state) {
    static const struct {
        const char *json, *word;
        size_t data;
    } CASES[] = {
        {"{", "not valid JSON", 18},
        {"{}", "extra bytes", 18},
        {"{}{}", "not valid JSON", 0},
        {"{\"attn.0\":1}", "an object with dtype", 18},
        {"{\"a\":{},\"a\":{}}", "duplicate", 18},
        {ENTRY("\"dtype\":\"F16\",\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]"), "duplicate", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3]"), "an object with dtype", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18],\"x\":1"), "an object with dtype", 18},
        {ENTRY("\"dtype\":\"Q7\",\"shape\":[3,3],\"data_offsets\":[0,18]"), "'Q7'", 18},
        {ENTRY("\"dtype\":7,\"shape\":[3,3],\"data_offsets\":[0,18]"), "an object with dtype", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":9,\"data_offsets\":[0,18]"), "a shape", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[-3,-3],\"data_offsets\":[0,18]"), "integers >= 0", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3.0,3],\"data_offsets\":[0,18]"), "integers >= 0", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,18]"), "2^63", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[99999999999999999999],\"data_offsets\":[0,18]"), "not valid JSON", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,4],\"data_offsets\":[0,18]"), "expected 24 bytes", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[18,0]"), "begin <= end", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0]"), "begin <= end", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[-18,0]"), "begin <= end", 18},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[2,20]"), "a hole", 20},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]"), "interrupted", 17},
        {ENTRY("\"dtype\":\"F16\",\"shape\":[3,3],\"data_offsets\":[0,18]"), "extra bytes", 19},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
         "\"data_offsets\":[2,6]}}",
         "overlap", 6},
        {"{\"__metadata__\":[]}", "__metadata__", 0},
        {"{\"__metadata__\":{\"a\":1}}", "__metadata__", 0},
        {"{\"\\u0000\":{}}", "not valid JSON", 0},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Bytes file = make_file(CASES[i].json, CASES[i].data, 0);
        refuse_memory(file.data, file.size, "x.safetensors", CASES[i].word, &err);
        bytes_free(&file);
    }
}

static void test_header_sizes(void **state) {
    static const struct {
        uint64_t claim;
        const char *word;
    } CASES[] = {{UINT64_MAX, "at most 100,000,000"},
                 {UINT64_MAX - 7, "at most"},
                 {(uint64_t)1 << 63, "at most"},
                 {100000001, "at most"},
                 {100000000, "found 182"},
                 {183, "interrupted"}};
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Bytes file = make_file(GOOD, 182 - strlen(GOOD), CASES[i].claim);
        uint64_t before = mem_allocation_count();
        refuse_memory(file.data, file.size, "x.safetensors", CASES[i].word, &err);
        assert_true(mem_allocation_count() - before < 16);
        bytes_free(&file);
    }
}

static void test_every_truncation_is_refused(void **state) {
    Bytes file = make_file(GOOD, 36, 0);
    Error err;
    (void)state;
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *copy = mem_alloc(size + !size);
        assert_non_null(copy);
        memcpy(copy, file.data, size);
        Container *container = open_memory(copy, size, "x.safetensors", &err);
        if (container) fail_msg("opened after %zu of %zu bytes", size, file.size);
        mem_free(copy);
    }
    bytes_free(&file);
}

static void test_every_changed_byte_is_survived(void **state) {
    Bytes file = make_file(GOOD, 36, 0);
    Error err;
    (void)state;
    for (size_t at = 0; at < file.size; at++) {
        uint8_t old = file.data[at];
        for (int value = 0; value < 256; value += 3) {
            file.data[at] = (uint8_t)value;
            Container *container = open_memory(file.data, file.size, "x.safetensors", &err);
            if (container) look_around(container);
            close_file(container);
        }
        file.data[at] = old;
    }
    bytes_free(&file);
}

static void test_deep_nesting(void **state) {
    Bytes json = {0};
    Error err;
    (void)state;
    bytes_text(&json, "{\"a\":");
    for (int i = 0; i < 1000000; i++)
        bytes_text(&json, i % 2 ? "[" : "{\"a\":");
    bytes_add(&json, "", 1);
    Bytes file = make_file((const char *)json.data, 0, 0);
    refuse_memory(file.data, file.size, "x.safetensors", "depth", &err);
    bytes_free(&json);
    bytes_free(&file);
}

/* A header of values without end is refused before it becomes a tree thirty times its size. */
static void test_many_values(void **state) {
    Bytes json = {0};
    Error err;
    (void)state;
    bytes_text(&json, "{\"a\":[0");
    for (int i = 0; i < 2500000; i++)
        bytes_text(&json, ",0");
    bytes_text(&json, "]}");
    bytes_add(&json, "", 1);
    Bytes file = make_file((const char *)json.data, 0, 0);
    refuse_memory(file.data, file.size, "x.safetensors", "values", &err);
    bytes_free(&json);
    bytes_free(&file);
}

static void test_memory_runs_out(void **state) {
    static const char JSON[] =
        "{\"__metadata__\":{\"tokens\":\"[\\\"a\\\",\\\"b\\\"]\",\"attn.causal\":\"true\"},"
        "\"blocks.0.attn.hook_q\":{\"dtype\":\"F32\",\"shape\":[2,1,2],\"data_offsets\":[0,16]},"
        "\"blocks.0.attn.hook_k\":{\"dtype\":\"F32\",\"shape\":[2,1,2],\"data_offsets\":[16,32]}}";
    Bytes file = make_file(JSON, 32, 0);
    Error err;
    uint64_t n = 1;
    (void)state;
    for (;; n++) {
        mem_fail_after(n, true);
        Container *container = open_memory(file.data, file.size, "x.safetensors", &err);
        mem_fail_after(0, false);
        bool opened = container != NULL;
        close_file(container);
        if (opened) break;
        assert_int_equal(err.status, STATUS_MEMORY);
    }
    assert_true(n > 6);
    bytes_free(&file);
}

int test_safetensors_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_header_sizes),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("formats: safetensors", tests, NULL, NULL);
}
