/* What is said of Q and K when a file is opened: shapes that do not fit, stored log-sum-exps, models that rotate. */
#include "test_capture.h"

enum { ROWS = 9, DIM = 4 };

typedef struct Spec {
    const char *metadata, *q_name, *k_name;
    int q_heads, k_heads, q_dim, k_dim;
    double lse_error; /* NAN: none stored */
} Spec;

static float value_at(int64_t i) {
    return (float)((double)(hash_u64((uint64_t)i) >> 11) * 0x1p-52 - 1.0);
}

static void add_floats(Bytes *bytes, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        float v = value_at(first + i);
        memcpy(&bits, &v, sizeof bits);
        bytes_le(bytes, bits, 4);
    }
}

/* Natural log-sum-exp of a causal row, scale 0.5, by the definition. */
static double true_lse(const Spec *s, int head, int row) {
    double sum = 0.0;
    int64_t k_start = (int64_t)ROWS * s->q_heads * s->q_dim;
    for (int k = 0; k <= row; k++) {
        double dot = 0.0;
        for (int i = 0; i < s->q_dim; i++)
            dot += (double)value_at(((int64_t)row * s->q_heads + head) * s->q_dim + i) *
                   (double)value_at(k_start + ((int64_t)k * s->k_heads + head * s->k_heads / s->q_heads) * s->k_dim +
                                    i);
        sum += exp(0.5 * dot);
    }
    return log(sum);
}

static void make(const Spec *s, Bytes *out) {
    char header[1024];
    int64_t q = (int64_t)ROWS * s->q_heads * s->q_dim, k = (int64_t)ROWS * s->k_heads * s->k_dim,
            lse = (int64_t)s->q_heads * ROWS;
    int n = snprintf(header, sizeof header,
                     "{\"__metadata__\":{\"attn.causal\":\"true\",\"attn.scale\":\"0.5\"%s},"
                     "\"blocks.0.attn.%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d,%d],\"data_offsets\":[0,%lld]}",
                     s->metadata, s->q_name, ROWS, s->q_heads, s->q_dim, (long long)(4 * q));
    int64_t end = 4 * q;
    if (s->k_name) {
        n += snprintf(header + n, sizeof header - (size_t)n,
                      ",\"blocks.0.attn.%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d,%d],\"data_offsets\":[%lld,%lld]}",
                      s->k_name, ROWS, s->k_heads, s->k_dim, (long long)end, (long long)(end + 4 * k));
        end += 4 * k;
    }
    if (!isnan(s->lse_error))
        n += snprintf(header + n, sizeof header - (size_t)n,
                      ",\"blocks.0.attn.lse\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%lld,%lld]}",
                      s->q_heads, ROWS, (long long)end, (long long)(end + 4 * lse));
    n += snprintf(header + n, sizeof header - (size_t)n, "}");
    bytes_le(out, (uint64_t)n, 8);
    bytes_text(out, header);
    add_floats(out, 0, q + (s->k_name ? k : 0));
    for (int64_t i = 0; i < lse && !isnan(s->lse_error); i++) {
        float v = (float)(true_lse(s, (int)(i / ROWS), (int)(i % ROWS)) + s->lse_error);
        uint32_t bits;
        memcpy(&bits, &v, sizeof bits);
        bytes_le(out, bits, 4);
    }
}

static Capture *open_spec(const Spec *s, Bytes *bytes) {
    Error err = {0};
    make(s, bytes);
    Capture *capture = open_memory(bytes->data, bytes->size, "check.safetensors", &err);
    if (!capture) fail_msg("%s", err.message);
    return capture;
}

static double row_sum(const Capture *capture) {
    float cells[ROWS];
    double sum = 0.0;
    Error err = {0};
    SourceScratch *scratch = capture_scratch_new();
    assert_int_equal(capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){ROWS - 1, ROWS, 0, ROWS},
                                         cells, scratch, NULL, &err),
                     STATUS_OK);
    for (int i = 0; i < ROWS; i++)
        sum += (double)cells[i];
    capture_scratch_drop(scratch);
    return sum;
}

static void test_stored_normalisers(void **state) {
    static const double ERRORS[] = {0.0, 0.3, -2.0, INFINITY};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(ERRORS); i++) {
        Spec spec = {"", "hook_q", "hook_k", 4, 2, DIM, DIM, ERRORS[i]};
        Bytes bytes = {0};
        Capture *capture = open_spec(&spec, &bytes);
        assert_true(has_note(capture, "log-sum-exp") == (ERRORS[i] != 0.0));
        assert_true(fabs(row_sum(capture) - 1.0) < 1e-5);
        capture_close(capture);
        bytes_free(&bytes);
    }
}

static void test_rotary_models(void **state) {
    static const struct {
        const char *model, *q, *k;
        bool warned;
    } CASES[] = {
        {",\"model\":\"meta-Llama-3\"", "hook_q", "hook_k", true},
        {",\"model\":\"meta-Llama-3\"", "hook_rot_q", "hook_rot_k", false},
        {",\"model\":\"gpt2\"", "hook_q", "hook_k", false},
        {",\"model\":\"dolphin\"", "hook_q", "hook_k", false},
        {",\"model\":\"microsoft/phi-2\"", "hook_q", "hook_k", true},
        {"", "hook_q", "hook_k", false},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        Spec spec = {CASES[i].model, CASES[i].q, CASES[i].k, 2, 2, DIM, DIM, NAN};
        Bytes bytes = {0};
        Capture *capture = open_spec(&spec, &bytes);
        assert_true(has_note(capture, "rotary") == CASES[i].warned);
        capture_close(capture);
        bytes_free(&bytes);
    }
}

static void test_shapes_that_do_not_fit(void **state) {
    static const Spec SPECS[] = {
        {"", "hook_q", "hook_k", 2, 2, DIM, DIM + 1, NAN}, /* head sizes differ */
        {"", "hook_q", "hook_k", 4, 3, DIM, DIM, NAN},     /* heads do not divide */
        {"", "hook_q", NULL, 2, 2, DIM, DIM, NAN},         /* no partner */
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(SPECS); i++) {
        Bytes bytes = {0};
        Error err = {0};
        make(&SPECS[i], &bytes);
        assert_null(open_memory(bytes.data, bytes.size, "check.safetensors", &err));
        assert_true(err.message[0] != 0);
        bytes_free(&bytes);
    }
}

int test_check_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_normalisers),
        cmocka_unit_test(test_rotary_models),
        cmocka_unit_test(test_shapes_that_do_not_fit),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
