/* Damaged and hostile .pt, from pickles written by hand; what torch.save writes is checked against NumPy in
 * fixtures.c. */
#include "test_capture.h"

/* An archive with this pickle and one storage of 64 zero floats. */
static Bytes make_pt(const void *pickle, size_t size) {
    static const uint8_t STORAGE[256];
    ZipEntry entries[] = {
        {.name = "x/data.pkl", .data = pickle, .size = size},
        {.name = "x/data/0", .data = STORAGE, .size = sizeof(STORAGE)},
        {.name = "x/version", .data = (const uint8_t *)"3\n", .size = 2},
    };
    return make_zip(entries, BASE_COUNT(entries));
}

static void refuse_pickle(const void *pickle, size_t size, const char *word) {
    Error err;
    Bytes pt = make_pt(pickle, size);
    refuse_memory(pt.data, pt.size, "x.pt", word, &err);
    bytes_free(&pt);
}

static void refuse_text(const char *pickle, const char *word) {
    refuse_pickle(pickle, strlen(pickle), word);
}

static Capture *open_pickle(const Bytes *pickle, Bytes *pt) {
    Error err;
    *pt = make_pt(pickle->data, pickle->size);
    Capture *capture = open_memory(pt->data, pt->size, "x.pt", &err);
    if (!capture) fail_msg("%s", err.message);
    return capture;
}

/* BINGET-free protocol 2: a float tensor with these five parts as pickle text. */
static void add_tensor(Bytes *pickle, const char *class_name, int64_t elements, int64_t offset, const int64_t *shape,
                       const int64_t *strides, int ndim) {
    bytes_text(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((X\x07");
    bytes_add(pickle, NULL, 3);
    bytes_text(pickle, "storagectorch\n");
    bytes_text(pickle, class_name);
    bytes_text(pickle, "\nX\x01");
    bytes_add(pickle, NULL, 3);
    bytes_text(pickle, "0N\x8a\x08");
    bytes_le(pickle, (uint64_t)elements, 8);
    bytes_text(pickle, "tQ\x8a\x08");
    bytes_le(pickle, (uint64_t)offset, 8);
    for (int part = 0; part < 2; part++) {
        bytes_text(pickle, "(");
        for (int d = 0; d < ndim; d++) {
            bytes_text(pickle, "\x8a\x08");
            bytes_le(pickle, (uint64_t)(part ? strides : shape)[d], 8);
        }
        bytes_text(pickle, "t");
    }
    bytes_text(pickle, "\x89NtR");
}

static Bytes tensor_pickle(const char *class_name, int64_t elements, int64_t offset, const int64_t *shape,
                           const int64_t *strides, int ndim) {
    Bytes pickle = {0};
    bytes_add(&pickle, "\x80\x02", 2);
    add_tensor(&pickle, class_name, elements, offset, shape, strides, ndim);
    bytes_text(&pickle, ".");
    return pickle;
}

static void refuse_tensor(const char *class_name, int64_t elements, int64_t offset, const int64_t *shape,
                          const int64_t *strides, int ndim, const char *word) {
    Bytes pickle = tensor_pickle(class_name, elements, offset, shape, strides, ndim);
    refuse_pickle(pickle.data, pickle.size, word);
    bytes_free(&pickle);
}

static void test_a_tensor_by_hand(void **state) {
    Bytes pt, pickle = tensor_pickle("FloatStorage", 64, 0, (int64_t[]){4, 4, 4}, (int64_t[]){16, 4, 1}, 3);
    (void)state;
    Capture *capture = open_pickle(&pickle, &pt);
    assert_int_equal(capture_set(capture, 0)->max_heads, 4);
    look_around(capture);
    capture_close(capture);
    bytes_free(&pt);
    bytes_free(&pickle);
}

static void test_tensors_beyond_their_storage_are_refused(void **state) {
    const int64_t shape[] = {4, 4, 4}, strides[] = {16, 4, 1}, huge = INT64_MAX;
    (void)state;
    refuse_tensor("FloatStorage", 64, 1, shape, strides, 3, "reaches element 64");
    refuse_tensor("FloatStorage", 63, 0, shape, strides, 3, "reaches element 63");
    refuse_tensor("FloatStorage", 65, 0, shape, strides, 3, "256 bytes");
    refuse_tensor("DoubleStorage", 64, 0, shape, strides, 3, "256 bytes");
    refuse_tensor("FloatStorage", huge, 0, shape, strides, 3, "256 bytes");
    refuse_tensor("FloatStorage", -1, 0, shape, strides, 3, "no storage");
    refuse_tensor("FloatStorage", 64, -1, shape, strides, 3, "offset");
    refuse_tensor("FloatStorage", 64, huge, shape, strides, 3, "larger than any file");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){4, -4, 4}, strides, 3, "dimensions");
    refuse_tensor("FloatStorage", 64, 0, shape, (int64_t[]){16, -4, 1}, 3, "strides");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){huge, huge, huge}, (int64_t[]){0, 0, 0}, 3,
                  "larger than any file");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){4, 4, 4}, (int64_t[]){huge, huge, huge}, 3,
                  "larger than any file");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){4, 4, 5}, (int64_t[]){16, 4, 1}, 3, "reaches element 64");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){1, 1 << 20, 1 << 20}, (int64_t[]){0, 0, 0}, 3,
                  "expanded far beyond");
    refuse_tensor("ComplexFloatStorage", 8, 0, shape, strides, 3, "ComplexFloatStorage");
    refuse_tensor("LongStorage", 32, 0, (int64_t[]){4, 4}, (int64_t[]){4, 1}, 2, "int64");
    refuse_tensor("FloatStorage", 64, 0, (int64_t[]){64}, (int64_t[]){1}, 1, "2 to 5 dimensions");
}

/* Each is refused by its byte, before anything is made of it. */
static void test_forbidden_opcodes(void **state) {
    static const char *const FORBIDDEN[] = {"(ios\nsystem\n.",
                                            "(cos\nsystem\nX\1\0\0\0xo.",
                                            "\x82\1.",
                                            "\x83\1\0.",
                                            "\x84\1\0\0\0.",
                                            "Pid\n.",
                                            "\x97.",
                                            "\x98.",
                                            "\xff."};
    static const size_t SIZES[] = {13, 20, 3, 4, 6, 5, 2, 2, 2};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(FORBIDDEN); i++)
        refuse_pickle(FORBIDDEN[i], SIZES[i], "not allowed here");
}

/* os.system stays a name: the call is a node, the file says nothing else, and nothing happens. */
static void test_nothing_is_called(void **state) {
    (void)state;
    remove("/tmp/attnscope-was-here");
    refuse_text("cposix\nsystem\n(S'touch /tmp/attnscope-was-here'\ntR.", "found none");
    refuse_text("cbuiltins\nexec\n(S'1/0'\ntR}b.", "found none");
    assert_false(file_exists("/tmp/attnscope-was-here"));
}

static void test_damaged_pickles(void **state) {
    static const struct {
        const char *pickle, *word;
    } CASES[] = {
        {"", "no end"},
        {"N", "no end"},
        {".", "missing"},
        {"(.", "missing"},
        {"(0.", "missing"},
        {"t.", "mark is missing"},
        {"N\x85\x86.", "missing"},
        {"(N\x86.", "missing"},
        {"Na.", "missing"},
        {"NNa.", "no collection"},
        {"(NNu.", "missing"},
        {"}(Nu.", "without a value"},
        {"(Nd.", "without a value"},
        {"g0\n.", "never stored"},
        {"Np5000000\n.", "out of range"},
        {"Np-1\n.", "cannot be read"},
        {"Npx\n.", "cannot be read"},
        {"I1x\n.", "cannot be read"},
        {"I1", "middle of a line"},
        {"ca\n", "middle of a line"},
        {"X\xff\xff\xff\xff", "middle of a value"},
        {"S'a\n.", "quotes"},
        {"NN\x93.", "no name"},
        {"\x80\x09.", "protocol"},
        {"NR.", "missing"},
        {"N.", "found none"},
        {"I5\n.", "found none"},
        {"]}l.", "mark is missing"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_text(CASES[i].pickle, CASES[i].word);
    refuse_pickle("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", 10, "middle of a value");
    refuse_pickle("Nr\xff\xff\xff\xff.", 7, "out of range");
}

/* Lists of ten lists of ten lists ...: 20 nodes, 10^20 ways. */
static void test_memo_bomb(void **state) {
    Bytes pickle = {0};
    (void)state;
    bytes_text(&pickle, "]q");
    bytes_le(&pickle, 0, 1);
    for (int level = 1; level <= 20; level++) {
        bytes_text(&pickle, "](");
        for (int i = 0; i < 10; i++) {
            bytes_text(&pickle, "h");
            bytes_le(&pickle, (uint64_t)level - 1, 1);
        }
        bytes_text(&pickle, "eq");
        bytes_le(&pickle, (uint64_t)level, 1);
    }
    bytes_text(&pickle, ".");
    refuse_pickle(pickle.data, pickle.size, "many times over");
    bytes_free(&pickle);
}

/* Few nodes, many links: a list that holds the same long list many times over, at every place where lists are looked
 * through. */
static void test_wide_bombs(void **state) {
    enum { WIDE = 300000 };
    static const char *const INNER[] = {"N", "S'a'\n", "]", "K\x01"};
    Bytes pickle = {0};
    (void)state;
    for (size_t kind = 0; kind < BASE_COUNT(INNER); kind++) {
        for (int key = 0; key < 2; key++) {
            pickle.size = 0;
            if (key) bytes_text(&pickle, "}S'tokens'\n");
            bytes_text(&pickle, "](");
            for (int i = 0; i < WIDE; i++)
                bytes_text(&pickle, INNER[kind]);
            bytes_text(&pickle, "ep0\n0](");
            for (int i = 0; i < WIDE; i++)
                bytes_text(&pickle, "g0\n");
            bytes_text(&pickle, key ? "es." : "e.");
            Error err;
            Bytes pt = make_pt(pickle.data, pickle.size);
            Capture *capture = open_memory(pt.data, pt.size, "x.pt", &err);
            assert_null(capture);
            bytes_free(&pt);
        }
    }
    bytes_free(&pickle);
}

static void test_cycles_and_depth(void **state) {
    Bytes pickle = {0}, pt;
    const int64_t shape[] = {4, 4, 4}, strides[] = {16, 4, 1};
    (void)state;
    refuse_text("]p0\ng0\na.", "found none");
    refuse_text("}p0\nS'a'\ng0\ns.", "found none");
    refuse_text("cx\ny\n)Rp0\ng0\nb.", "found none");
    /* a dict that holds itself and a layer */
    bytes_text(&pickle, "}p0\nS'self'\ng0\nsS'attentions'\n(");
    add_tensor(&pickle, "FloatStorage", 64, 0, shape, strides, 3);
    bytes_text(&pickle, "ts.");
    Capture *capture = open_pickle(&pickle, &pt);
    assert_int_equal(capture_set(capture, 0)->layer_count, 1);
    capture_close(capture);
    bytes_free(&pt);
    pickle.size = 0;
    for (int i = 0; i < 100000; i++)
        bytes_text(&pickle, "]");
    for (int i = 1; i < 100000; i++)
        bytes_text(&pickle, "a");
    bytes_text(&pickle, ".");
    refuse_pickle(pickle.data, pickle.size, "found none");
    bytes_free(&pickle);
}

static void test_archives_that_are_something_else(void **state) {
    Error err;
    Bytes zip;
    const uint8_t *none = (const uint8_t *)"N.";
    (void)state;
    ZipEntry script[] = {{.name = "m/data.pkl", .data = none, .size = 2},
                         {.name = "m/code/m.py", .data = none, .size = 2}};
    zip = make_zip(script, 2);
    refuse_memory(zip.data, zip.size, "x.pt", "TorchScript", &err);
    bytes_free(&zip);
    ZipEntry order[] = {{.name = "m/data.pkl", .data = none, .size = 2},
                        {.name = "m/byteorder", .data = none, .size = 2}};
    zip = make_zip(order, 2);
    refuse_memory(zip.data, zip.size, "x.pt", "byte order", &err);
    bytes_free(&zip);
    Bytes pickle = tensor_pickle("FloatStorage", 64, 0, (int64_t[]){4, 4, 4}, (int64_t[]){16, 4, 1}, 3);
    uint8_t storage[256] = {0};
    ZipEntry packed[] = {{.name = "m/data.pkl", .data = pickle.data, .size = pickle.size},
                         {.name = "m/data/0", .data = storage, .size = sizeof(storage), .deflate = true}};
    zip = make_zip(packed, 2);
    refuse_memory(zip.data, zip.size, "x.pt", "compressed", &err);
    bytes_free(&zip);
    zip = make_zip(packed, 1);
    refuse_memory(zip.data, zip.size, "x.pt", "no such entry", &err);
    bytes_free(&zip);
    bytes_free(&pickle);
    static const char OLD[] = "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    refuse_memory(OLD, sizeof(OLD) - 1, "x.pt", "before version 1.6", &err);
}

static Bytes read_fixture(const char *name) {
    Bytes bytes = {0};
    char *text = NULL;
    size_t size = 0;
    Error err = {0};
    assert_int_equal(file_read_all(fixture(name), (size_t)1 << 24, &text, &size, &err), STATUS_OK);
    bytes_add(&bytes, text, size);
    mem_free(text);
    return bytes;
}

static void test_every_truncation_is_refused(void **state) {
    Error err;
    Bytes pt = read_fixture("none.pt");
    (void)state;
    for (size_t size = 0; size < pt.size; size++) {
        uint8_t *copy = mem_alloc(size + !size);
        assert_non_null(copy);
        memcpy(copy, pt.data, size);
        Capture *capture = open_memory(copy, size, "x.pt", &err);
        if (capture) fail_msg("opened after %zu of %zu bytes", size, pt.size);
        mem_free(copy);
    }
    bytes_free(&pt);
}

static void test_every_changed_byte_is_survived(void **state) {
    static const uint8_t VALUES[] = {0, 1, 0x7f, 0x80, 0xff, ')', 'R', 'Q', 't', '('};
    Error err;
    (void)state;
    Bytes source = tensor_pickle("FloatStorage", 64, 0, (int64_t[]){1, 1, 4, 4, 4}, (int64_t[]){64, 64, 16, 4, 1}, 5);
    for (size_t at = 0; at < source.size; at++) {
        uint8_t old = source.data[at];
        for (size_t i = 0; i < BASE_COUNT(VALUES); i++) {
            source.data[at] = VALUES[i];
            Bytes pt = make_pt(source.data, source.size);
            Capture *capture = open_memory(pt.data, pt.size, "x.pt", &err);
            if (capture) look_around(capture);
            capture_close(capture);
            bytes_free(&pt);
        }
        source.data[at] = old;
    }
    bytes_free(&source);
}

static void test_memory_runs_out(void **state) {
    Error err;
    (void)state;
    static const char *const FILES[] = {"generate.pt", "dict.pt", "output-object.pt"};
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        Bytes pt = read_fixture(FILES[i]);
        for (uint64_t n = 1;; n++) {
            mem_fail_after(n, true);
            Capture *capture = open_memory(pt.data, pt.size, "x.pt", &err);
            mem_fail_after(0, false);
            bool opened = capture != NULL;
            capture_close(capture);
            if (opened) break;
            assert_int_equal(err.status, STATUS_MEMORY);
        }
        bytes_free(&pt);
    }
}

static void test_what_is_said(void **state) {
    (void)state;
    Capture *capture = open_fixture("generate-output.pt");
    assert_true(has_note(capture, "7 steps") && has_note(capture, "GenerateDecoderOnlyOutput"));
    assert_non_null(capture_tokens(capture, 0, 1, AXIS_QUERY));
    assert_string_equal(capture_tokens(capture, 0, 1, AXIS_KEY)->tokens[10].raw, "22");
    capture_close(capture);
    capture = open_fixture("dict.pt");
    assert_string_equal(capture_model(capture), "tiny");
    assert_string_equal(capture_tokens(capture, 0, 0, AXIS_QUERY)->tokens[8].raw, "i");
    capture_close(capture);
    capture = open_fixture("seq2seq.pt");
    int cross = capture_set_by_name(capture, "cross");
    assert_string_equal(capture_tokens(capture, cross, 0, AXIS_QUERY)->tokens[0].raw, "a");
    assert_string_equal(capture_tokens(capture, cross, 0, AXIS_KEY)->tokens[0].raw, "u");
    capture_close(capture);
    capture = open_fixture("list.pt");
    assert_true(has_note(capture, "a list of 2 captures"));
    capture_close(capture);
    capture = open_fixture("with-tokens.pt");
    assert_non_null(capture_tokens(capture, 0, 0, AXIS_QUERY));
    capture_close(capture);
    capture = open_fixture("none.pt");
    assert_int_equal(capture_set(capture, 0)->layers[1].number, 3);
    capture_close(capture);
}

int test_torch_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tensor_by_hand),
        cmocka_unit_test(test_tensors_beyond_their_storage_are_refused),
        cmocka_unit_test(test_forbidden_opcodes),
        cmocka_unit_test(test_nothing_is_called),
        cmocka_unit_test(test_damaged_pickles),
        cmocka_unit_test(test_memo_bomb),
        cmocka_unit_test(test_wide_bombs),
        cmocka_unit_test(test_cycles_and_depth),
        cmocka_unit_test(test_archives_that_are_something_else),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_what_is_said),
    };
    return cmocka_run_group_tests_name("capture: torch", tests, NULL, NULL);
}
