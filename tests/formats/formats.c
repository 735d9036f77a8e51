/* The table: what is asked in which order, what people are told, and a format from outside. */
#include "test_formats.h"

/* ---- a format of our own: "GUEST" and then one byte a cell of a square -------------------------- */

static int guests_closed;

static bool looks_like_guest(const FormatHead *head) {
    return head->size >= 5 && !memcmp(head->bytes, "GUEST", 5);
}

static Status open_guest(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    const uint64_t cells = bytes_size(container->source) - 5;
    if (cells != 4)
        return error_set_at(err, STATUS_FORMAT, container->name, 5, "expected 4 cells, found %d", (int)cells);
    Tensor *tensor = container_add(container);
    container->reader = mem_strdup("held until the capture is open");
    if (!tensor || !container->reader) return error_set(err, STATUS_MEMORY, "not enough memory for a guest");
    tensor->name = "attention";
    tensor->dtype = DTYPE_U8;
    tensor->item_size = 1;
    tensor->ndim = 2;
    tensor->shape[0] = tensor->shape[1] = 2;
    return tensor_strides(tensor, false) ? STATUS_OK : STATUS_FORMAT;
}

static Status materialise_guest(Container *container, Tensor *tensor, const Progress *progress, Error *err) {
    (void)progress;
    (void)err;
    tensor->source = container->source;
    tensor->offset = 5;
    return STATUS_OK;
}

static void close_guest(void *reader) {
    guests_closed += reader != NULL;
    mem_free(reader);
}

static const Format GUEST = {
    .name = "guest",
    .endings = {".guest", ".gst"},
    .folder_endings = 1,
    .place = 3,
    .misnamed = "\"GUEST\" at the start of a .guest file",
    .looks_like = looks_like_guest,
    .open = open_guest,
    .materialise = materialise_guest,
    .close = close_guest,
};

static const Format *const WITH_GUEST[] = {&NPY_FORMAT, &GUEST, &SAFETENSORS_FORMAT, NULL};

static Status open_with_guest(const char *bytes, size_t size, const char *name, Container *out, Error *err) {
    ByteSource *source = NULL;
    memset(err, 0, sizeof(*err));
    assert_int_equal(bytes_open_memory(bytes, size, name, &source, err), STATUS_OK);
    return formats_open(WITH_GUEST, source, name, NULL, out, err);
}

static void test_a_format_from_outside(void **state) {
    Container container;
    Error err;
    uint8_t cell = 0;
    (void)state;
    guests_closed = 0;
    assert_int_equal(open_with_guest("GUEST\1\2\3\4", 9, "a.guest", &container, &err), STATUS_OK);
    assert_ptr_equal(container.format, &GUEST);
    Tensor *tensor = &container.tensors[0];
    assert_null(tensor->source);
    assert_int_equal(container_materialise(&container, tensor, NULL, &err), STATUS_OK);
    assert_int_equal(bytes_read(tensor->source, tensor->offset + 2, &cell, 1, &err), STATUS_OK);
    assert_int_equal(cell, 3);
    container_settle(&container);
    assert_int_equal(guests_closed, 1);
    container_close(&container);
    assert_int_equal(guests_closed, 1);
    assert_int_equal(open_with_guest("GUEST\1", 6, "a.guest", &container, &err), STATUS_FORMAT);
    assert_string_equal(err.message, "expected 4 cells, found 1");
    assert_int_equal(open_with_guest("WHAT", 4, "a.gst", &container, &err), STATUS_FORMAT);
    assert_string_equal(err.message, "expected \"GUEST\" at the start of a .guest file, found other bytes");
    assert_int_equal(open_with_guest("WHAT", 4, "a.txt", &container, &err), STATUS_UNSUPPORTED);
    assert_string_equal(err.message, "expected .npy, .guest, .safetensors, found bytes of no format known here");
}

static void test_what_people_are_told(void **state) {
    char text[FORMATS_TEXT_SIZE];
    (void)state;
    assert_string_equal(formats_patterns(NULL, text, sizeof(text)),
                        "*.npy *.npz *.safetensors *.pt *.pth *.bin *.json *.h5 *.hdf5");
    assert_string_equal(formats_endings(NULL, text, sizeof(text)), ".npy, .npz, .safetensors, .pt, .json, .h5");
    assert_string_equal(formats_folder_endings(NULL, text, sizeof(text)), ".npy, .npz, .safetensors or .pt");
    assert_string_equal(formats_help(NULL, text, sizeof(text)),
                        ".npy, .npz, .safetensors (or the index of its shards), .pt, .pth, .json of BertViz, "
                        "CircuitsVis or Dodrio, .h5");
    assert_string_equal(formats_patterns(WITH_GUEST, text, sizeof(text)), "*.npy *.guest *.gst *.safetensors");
    assert_string_equal(formats_help(WITH_GUEST, text, 12), ".npy, .gues");
    Error err;
    (void)refuse_memory("hello there", 11, "x.txt", "", &err);
    assert_string_equal(err.message, "expected .npy, .npz, .safetensors, .pt, .h5, or JSON of BertViz, CircuitsVis, "
                                     "Dodrio or an API's answer, found bytes of no format known here");
}

static void test_names(void **state) {
    (void)state;
    assert_true(formats_know(NULL, "a.NPY") && formats_know(NULL, "a.b.hdf5") && formats_know(NULL, "x.bin"));
    assert_false(formats_know(NULL, ".npy") || formats_know(NULL, "npy") || formats_know(NULL, "a.guest"));
    assert_true(formats_know(WITH_GUEST, "a.gst") && !formats_know(WITH_GUEST, "a.npz"));
    assert_true(formats_in_folder(NULL, "a.pth") && !formats_in_folder(NULL, "a.bin"));
    assert_false(formats_in_folder(NULL, "a.NPY") || formats_in_folder(NULL, "a.json"));
    assert_true(formats_in_folder(WITH_GUEST, "a.guest") && !formats_in_folder(WITH_GUEST, "a.gst"));
}

/* Every row says what is needed to use it. */
static void test_rows_are_whole(void **state) {
    (void)state;
    for (const Format *const *format = formats_all(); *format; format++) {
        assert_true((*format)->name && (*format)->endings[0] && (*format)->looks_like && (*format)->open);
        int endings = 0;
        while ((*format)->endings[endings])
            endings++;
        assert_true(endings < (int)BASE_COUNT((*format)->endings) && (*format)->folder_endings <= endings);
        for (const Format *const *other = formats_all(); other < format; other++)
            assert_true((*format)->place != (*other)->place && strcmp((*format)->name, (*other)->name) != 0);
    }
}

int test_formats_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_format_from_outside),
        cmocka_unit_test(test_what_people_are_told),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rows_are_whole),
    };
    return cmocka_run_group_tests_name("formats: the table", tests, NULL, NULL);
}
