/* HDF5 files made by the library itself, with numbers that are known; without the library, the refusal. */
#include "test_capture.h"

#if defined(ATTNSCOPE_HAVE_HDF5)

#include <hdf5.h>

#include <stdlib.h>
#include <unistd.h>

enum { LAYERS = 3, HEADS = 2, SIDE = 40, CELLS = LAYERS * HEADS * SIDE * SIDE };

static const char PATH[] = ATTNSCOPE_BINARY_DIR "/capture-test.h5";

/* Causal rows that sum to 1, different in every layer and head. */
static float weight(int layer, int head, int q, int k) {
    int peak = (layer * 7 + head * 3 + q) % (q + 1);
    if (k > q) return 0.0f;
    return k == peak ? 0.5f + 0.5f / (float)(q + 1) : 0.5f / (float)(q + 1);
}

static float *all_weights(void) {
    float *cells = mem_alloc(CELLS * sizeof(float));
    assert_non_null(cells);
    for (int i = 0; i < CELLS; i++)
        cells[i] = weight(i / (HEADS * SIDE * SIDE), i / (SIDE * SIDE) % HEADS, i / SIDE % SIDE, i % SIDE);
    return cells;
}

/* Everything is of layer 0 to 2 in one dataset; `plist` and `type` say how. */
static void write_array(hid_t file, const char *name, hid_t type, hid_t plist) {
    hsize_t shape[] = {LAYERS, HEADS, SIDE, SIDE};
    float *cells = all_weights();
    hid_t space = H5Screate_simple(4, shape, NULL),
          dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    mem_free(cells);
}

static hid_t new_file(void) {
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void check_weights(const Capture *capture, float tolerance) {
    static float cells[SIDE * SIDE];
    Error err = {0};
    const SetInfo *set = capture_set(capture, 0);
    SourceScratch *scratch = capture_scratch_new();
    assert_int_equal(set->layer_count, LAYERS);
    assert_int_equal(set->max_heads, HEADS);
    assert_true(set->causal);
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < HEADS; head++) {
            PatternRef ref = {.layer = layer, .head = head};
            assert_int_equal(capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){0, SIDE, 0, SIDE}, cells,
                                                 scratch, NULL, &err),
                             STATUS_OK);
            for (int i = 0; i < SIDE * SIDE; i++) {
                float right = weight(layer, head, i / SIDE, i % SIDE);
                if (i % SIDE > i / SIDE)
                    assert_true(cells[i] == CELL_MASKED);
                else if (!(fabsf(cells[i] - right) <= tolerance))
                    fail_msg("layer %d head %d cell %d: %g, not %g", layer, head, i, (double)cells[i], (double)right);
            }
        }
    }
    capture_scratch_drop(scratch);
}

/* The one-line float types that HDF5 has no name for. */
static hid_t small_float(size_t size, size_t exponent, size_t mantissa, size_t bias) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 8 * size - 1, mantissa, exponent, 0, mantissa);
    H5Tset_size(type, size);
    H5Tset_ebias(type, bias);
    return type;
}

static void test_types_and_layouts(void **state) {
    hid_t half = small_float(2, 5, 10, 15), brain = small_float(2, 8, 7, 127), chunked = H5Pcreate(H5P_DATASET_CREATE),
          packed = H5Pcreate(H5P_DATASET_CREATE), early = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[] = {2, 1, 17, 9};
    (void)state;
    H5Pset_chunk(chunked, 4, chunk);
    H5Pset_chunk(packed, 4, chunk);
    H5Pset_shuffle(packed);
    H5Pset_deflate(packed, 6);
    H5Pset_alloc_time(early, H5D_ALLOC_TIME_EARLY);
    const struct {
        hid_t type, plist;
        DType dtype;
        float tolerance;
    } CASES[] = {
        {H5T_IEEE_F32LE, H5P_DEFAULT, DTYPE_F32, 0}, {H5T_IEEE_F32BE, H5P_DEFAULT, DTYPE_F32, 0},
        {H5T_IEEE_F64LE, early, DTYPE_F64, 0},       {half, H5P_DEFAULT, DTYPE_F16, 5e-4f},
        {brain, H5P_DEFAULT, DTYPE_BF16, 4e-3f},     {H5T_IEEE_F32LE, chunked, DTYPE_F32, 0},
        {H5T_IEEE_F64BE, packed, DTYPE_F64, 0},      {half, packed, DTYPE_F16, 5e-4f},
    };
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        hid_t file = new_file();
        write_array(file, "attentions", CASES[i].type, CASES[i].plist);
        H5Fclose(file);
        Capture *capture = open_path(PATH);
        assert_int_equal(capture_set(capture, 0)->layers[0].dtype, CASES[i].dtype);
        bool in_place = CASES[i].plist != chunked && CASES[i].plist != packed;
        assert_int_equal(capture->data[0].layers[0].dense.source == capture->containers[0].source, in_place);
        check_weights(capture, CASES[i].tolerance);
        capture_close(capture);
    }
}

static void write_tokens(hid_t file, const char *name, bool variable) {
    char fixed[SIDE][8] = {{0}};
    const char *pointers[SIDE];
    hsize_t count = SIDE;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, NULL);
    for (int i = 0; i < SIDE; i++) {
        snprintf(fixed[i], sizeof(fixed[i]), "t%d\xc3\xa9", i);
        pointers[i] = fixed[i];
    }
    H5Tset_size(type, variable ? H5T_VARIABLE : sizeof(fixed[0]));
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable ? (const void *)pointers : fixed) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Tclose(type);
}

static void write_attributes(hid_t file) {
    const char *text = "a model";
    double number = 0.25;
    hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t model = H5Acreate2(file, "model", type, space, H5P_DEFAULT, H5P_DEFAULT);
    hid_t scale = H5Acreate2(file, "attn.scale", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(model, type, &text) >= 0 && H5Awrite(scale, H5T_NATIVE_DOUBLE, &number) >= 0);
    H5Aclose(model);
    H5Aclose(scale);
    H5Tclose(type);
    H5Sclose(space);
}

static void test_groups_tokens_and_attributes(void **state) {
    (void)state;
    for (int variable = 0; variable < 2; variable++) {
        hsize_t shape[] = {HEADS, SIDE, SIDE};
        float *cells = all_weights();
        hid_t file = new_file(), group = H5Gcreate2(file, "attentions", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        hid_t space = H5Screate_simple(3, shape, NULL);
        for (int layer = 0; layer < LAYERS; layer++) {
            char name[8];
            snprintf(name, sizeof(name), "%d", layer);
            hid_t dataset = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                     cells + (size_t)layer * HEADS * SIDE * SIDE);
            H5Dclose(dataset);
        }
        write_tokens(file, "tokens", variable);
        write_attributes(file);
        H5Sclose(space);
        H5Gclose(group);
        H5Fclose(file);
        mem_free(cells);
        Capture *capture = open_path(PATH);
        check_weights(capture, 0);
        assert_string_equal(capture_model(capture), "a model");
        assert_string_equal(capture_tokens(capture, 0, 0, AXIS_KEY)->tokens[39].raw, "t39\xc3\xa9");
        capture_close(capture);
    }
}

static void test_bytes_without_a_path(void **state) {
    char *bytes = NULL;
    size_t size = 0;
    Error err = {0};
    hid_t file = new_file();
    (void)state;
    write_array(file, "attentions", H5T_IEEE_F32LE, H5P_DEFAULT);
    H5Fclose(file);
    assert_int_equal(file_read_all(PATH, (size_t)1 << 24, &bytes, &size, &err), STATUS_OK);
    Capture *capture = open_memory(bytes, size, "x.h5", &err);
    if (!capture) fail_msg("%s", err.message);
    check_weights(capture, 0);
    capture_close(capture);
    for (size_t cut = 8; cut < size; cut += size / 23) {
        capture = open_memory(bytes, cut, "x.h5", &err);
        assert_null(capture);
    }
    mem_free(bytes);
}

/* Data in other files would have to be opened: they are not. */
static void test_other_files_are_not_opened(void **state) {
    Error err;
    hsize_t shape[] = {SIDE, SIDE};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, NULL), file = new_file();
    (void)state;
    H5Pset_external(plist, "/etc/hostname", 0, H5F_UNLIMITED);
    hid_t dataset = H5Dcreate2(file, "attentions", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Fclose(file);
    refuse_path(PATH, "data in other files", &err);
    file = new_file();
    H5Lcreate_external("/etc/hostname", "x", file, "attentions", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    refuse_path(PATH, "found none", &err);
    H5Sclose(space);
    H5Pclose(plist);
}

/* A terabyte that no chunk was written of. */
static void test_claims_are_checked(void **state) {
    Error err;
    hsize_t shape[] = {1 << 20, 1 << 20}, chunk[] = {64, 64}, few[] = {4, 4};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, NULL), file = new_file();
    (void)state;
    H5Pset_chunk(plist, 2, chunk);
    H5Dclose(H5Dcreate2(file, "attentions", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Fclose(file);
    refuse_path(PATH, "cannot hold them", &err);
    file = new_file();
    hid_t small = H5Screate_simple(2, few, NULL);
    H5Dclose(H5Dcreate2(file, "attentions", H5T_STD_I32LE, small, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    refuse_path(PATH, "token ids", &err);
    file = new_file();
    H5Fclose(file);
    refuse_path(PATH, "found none", &err);
    refuse_memory("\x89HDF\r\n\x1a\n and then nothing", 25, "x.h5", "damaged", &err);
    H5Sclose(small);
    H5Sclose(space);
    H5Pclose(plist);
}

static void test_memory_runs_out(void **state) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = new_file();
    hsize_t chunk[] = {1, 1, 40, 40};
    (void)state;
    H5Pset_chunk(plist, 4, chunk);
    write_array(file, "attentions", H5T_IEEE_F32LE, plist);
    write_tokens(file, "tokens", true);
    H5Fclose(file);
    H5Pclose(plist);
    open_without_memory(PATH);
    unlink(PATH);
}

int test_hdf5_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_and_layouts),    cmocka_unit_test(test_groups_tokens_and_attributes),
        cmocka_unit_test(test_bytes_without_a_path), cmocka_unit_test(test_other_files_are_not_opened),
        cmocka_unit_test(test_claims_are_checked),   cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("capture: HDF5", tests, NULL, NULL);
}

#else

static void test_the_refusal_says_why(void **state) {
    Error err;
    (void)state;
    refuse_memory("\x89HDF\r\n\x1a\n and so on", 18, "x.h5", "built without libhdf5", &err);
}

int test_hdf5_group(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_refusal_says_why)};
    return cmocka_run_group_tests_name("capture: HDF5", tests, NULL, NULL);
}

#endif
