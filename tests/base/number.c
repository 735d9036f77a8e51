#include "test_base.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static float float_of(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static bool f16_is_nan(uint16_t h) {
    return (h & 0x7fff) > 0x7c00;
}

static void test_checked_arithmetic(void **state) {
    (void)state;
    size_t s = 0;
    int64_t i = 0;
    assert_true(size_mul(1000, 1000, &s) && s == 1000000);
    assert_true(size_mul(SIZE_MAX, 1, &s) && s == SIZE_MAX);
    assert_true(size_mul(0, SIZE_MAX, &s) && s == 0);
    assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &s));
    assert_true(size_add(SIZE_MAX - 5, 5, &s) && s == SIZE_MAX);
    assert_false(size_add(SIZE_MAX, 1, &s));
    assert_true(i64_mul(-3, 5, &i) && i == -15);
    assert_true(i64_mul(INT64_MIN, 1, &i) && i == INT64_MIN);
    assert_false(i64_mul(INT64_MIN, -1, &i));
    assert_false(i64_mul(INT64_MAX / 2 + 1, 2, &i));
    assert_false(i64_mul(1ll << 32, -(1ll << 32), &i));
    assert_true(i64_add(INT64_MAX, INT64_MIN, &i) && i == -1);
    assert_false(i64_add(INT64_MAX, 1, &i));
    assert_false(i64_add(INT64_MIN, -1, &i));
    assert_true(i64_min(-1, 2) == -1 && i64_max(-1, 2) == 2);
    assert_true(i64_clamp(5, 0, 3) == 3 && i64_clamp(-5, 0, 3) == 0 && i64_clamp(2, 0, 3) == 2);
    assert_true(i64_ceil_div(0, 7) == 0 && i64_ceil_div(7, 7) == 1 && i64_ceil_div(8, 7) == 2);
    assert_true(i64_ceil_div(INT64_MAX, 1) == INT64_MAX && i64_ceil_div(INT64_MAX, 2) == INT64_MAX / 2 + 1);
    assert_true(f64_clamp(1.5, 0, 1) == 1 && f64_clamp(-1, 0, 1) == 0 && f64_clamp(0.5, 0, 1) == 0.5);
}

static void test_f16_round_trips(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float v = f32_from_f16((uint16_t)h);
        uint16_t back = f16_from_f32(v);
        if (f16_is_nan((uint16_t)h)) {
            assert_true(isnan(v));
            assert_int_equal(back, h | 0x200); /* quiet, with its payload */
        } else {
            assert_int_equal(back, h);
        }
    }
}

/* Expected values printed by numpy.float32(v).astype(numpy.float16): ties to even, the largest value, subnormals. */
static void test_f16_known_values(void **state) {
    (void)state;
    static const struct {
        uint32_t f32;
        uint16_t f16;
    } known[] = {
        {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f800000, 0x3c00}, {0x3dcccccd, 0x2e66}, {0x477fe000, 0x7bff},
        {0x477feffd, 0x7bff}, {0x477ff000, 0x7c00}, {0x33800000, 0x0001}, {0x33000000, 0x0000}, {0x33000001, 0x0001},
        {0x387fda40, 0x03ff}, {0x3eaaaaab, 0x3555}, {0xc0200000, 0xc100}, {0x3f802000, 0x3c01}, {0x3f801000, 0x3c00},
        {0x3f803000, 0x3c02}, {0x7f800000, 0x7c00}, {0xff800000, 0xfc00}, {0x7f7fffff, 0x7c00}, {0x00000001, 0x0000},
    };
    for (size_t i = 0; i < BASE_COUNT(known); i++) {
        assert_int_equal(f16_from_f32(float_of(known[i].f32)), known[i].f16);
    }
}

/* The hashes are those of NumPy's conversions of the same inputs (FNV-1a over little-endian results, NaN as 0):
 * all 65536 halves to f32; 2^17 floats i * 0x9E3779B1; the same spread over exponents 100..143 with frequent ties. */
static void test_f16_against_numpy(void **state) {
    (void)state;
    static uint32_t wide[65536];
    for (uint32_t h = 0; h < 65536; h++) {
        wide[h] = f16_is_nan((uint16_t)h) ? 0 : bits_of(f32_from_f16((uint16_t)h));
    }
    assert_true(hash_bytes(wide, sizeof(wide), 0) == 0x00a0750411cb2745u);
    static uint16_t narrow[1 << 17], near_range[1 << 17];
    for (uint32_t i = 0; i < BASE_COUNT(narrow); i++) {
        uint32_t bits = i * 0x9E3779B1u;
        narrow[i] = isnan(float_of(bits)) ? 0 : f16_from_f32(float_of(bits));
        uint32_t mantissa = i % 2 ? bits >> 9 : (bits >> 9) & 0x7ff000u;
        near_range[i] = f16_from_f32(float_of((bits & 1) << 31 | (100 + i % 44) << 23 | mantissa));
    }
    assert_true(hash_bytes(narrow, sizeof(narrow), 0) == 0x804199213d6e2f75u);
    assert_true(hash_bytes(near_range, sizeof(near_range), 0) == 0x79215fe74003b7e7u);
}

static void test_f16_arrays_equal_scalars(void **state) {
    (void)state;
    enum { COUNT = 65536 };
    static uint16_t halves[COUNT], back[COUNT];
    static float floats[COUNT];
    for (uint32_t h = 0; h < COUNT; h++) {
        halves[h] = (uint16_t)h;
    }
    f32_from_f16_array(halves, floats, COUNT);
    for (uint32_t h = 0; h < COUNT; h++) {
        assert_int_equal(bits_of(floats[h]), bits_of(f32_from_f16((uint16_t)h)));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t spread = i * 0x9E3779B1u;
        floats[i] = float_of(i % 2 ? spread : (spread & 0x807fffffu) | (100 + i % 44) << 23);
    }
    f16_from_f32_array(floats, back, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(back[i], f16_from_f32(floats[i]));
    }
    for (size_t count = 0; count < 20; count++) { /* every tail length, and nothing written behind it */
        float out[21];
        uint16_t out16[21];
        for (size_t i = 0; i <= 20; i++) {
            out[i] = -7;
            out16[i] = 77;
        }
        f32_from_f16_array(halves + 0x3c00, out, count);
        f16_from_f32_array(floats, out16, count);
        for (size_t i = 0; i <= 20; i++) {
            assert_true(out[i] == (i < count ? f32_from_f16((uint16_t)(0x3c00 + i)) : -7));
            assert_int_equal(out16[i], i < count ? f16_from_f32(floats[i]) : 77);
        }
    }
}

static void test_bf16(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float v = f32_from_bf16((uint16_t)h);
        assert_int_equal(bits_of(v) >> 16, h);
        assert_int_equal(bf16_from_f32(v), isnan(v) ? (h | 0x40) : h);
    }
    assert_int_equal(bf16_from_f32(float_of(0x3f808000)), 0x3f80); /* tie to even, down */
    assert_int_equal(bf16_from_f32(float_of(0x3f818000)), 0x3f82); /* tie to even, up */
    assert_int_equal(bf16_from_f32(float_of(0x3f808001)), 0x3f81);
    assert_int_equal(bf16_from_f32(float_of(0x7f7fffff)), 0x7f80); /* rounds to infinity */
    assert_int_equal(bf16_from_f32(float_of(0x7f800001)), 0x7fc0); /* a NaN whose payload would vanish stays a NaN */
}

/* Against the definition (OCP OFP8 table 2): (-1)^s 2^(e-bias) (1 + m / 2^M), subnormals 2^(1-bias) m / 2^M. */
static float f8_by_definition(int b, int mantissa_bits, int bias) {
    int mantissa = b & ((1 << mantissa_bits) - 1);
    int exponent = (b & 0x7f) >> mantissa_bits;
    double fraction = (double)mantissa / (1 << mantissa_bits);
    double v = exponent ? ldexp(1 + fraction, exponent - bias) : ldexp(fraction, 1 - bias);
    return (float)(b & 0x80 ? -v : v);
}

static void test_f8(void **state) {
    (void)state;
    for (int b = 0; b < 256; b++) {
        float e4m3 = f32_from_f8_e4m3((uint8_t)b);
        if ((b & 0x7f) == 0x7f) {
            assert_true(isnan(e4m3));
        } else {
            assert_int_equal(bits_of(e4m3), bits_of(f8_by_definition(b, 3, 7)));
        }
        float e5m2 = f32_from_f8_e5m2((uint8_t)b);
        if ((b & 0x7f) > 0x7c) {
            assert_true(isnan(e5m2));
        } else if ((b & 0x7f) == 0x7c) {
            assert_true(e5m2 == (b & 0x80 ? -INFINITY : INFINITY));
        } else {
            assert_int_equal(bits_of(e5m2), bits_of(f8_by_definition(b, 2, 15)));
        }
    }
    assert_true(f32_from_f8_e4m3(0x7e) == 448);
    assert_true(f32_from_f8_e4m3(0x01) == 0x1p-9f);
    assert_true(f32_from_f8_e5m2(0x7b) == 57344);
    assert_true(f32_from_f8_e5m2(0x01) == 0x1p-16f);
}

static void test_hashes(void **state) {
    (void)state;
    /* Test vectors of the FNV reference code, and the first output of splitmix64 seeded with 0. */
    assert_true(hash_bytes("", 0, 0) == 0xcbf29ce484222325u);
    assert_true(hash_bytes("a", 1, 0) == 0xaf63dc4c8601ec8cu);
    assert_true(hash_bytes("foobar", 6, 0) == 0x85944171f73967e8u);
    assert_true(hash_bytes("foobar", 6, 1) != hash_bytes("foobar", 6, 0));
    assert_true(hash_u64(0x9e3779b97f4a7c15u) == 0xe220a8397b1dcdafu);
}

int test_number_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checked_arithmetic),
        cmocka_unit_test(test_f16_round_trips),
        cmocka_unit_test(test_f16_known_values),
        cmocka_unit_test(test_f16_against_numpy),
        cmocka_unit_test(test_f16_arrays_equal_scalars),
        cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_f8),
        cmocka_unit_test(test_hashes),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
