/* Checked arithmetic and the small float formats. The array conversions use F16C (x86, found at run time) or the
 * AArch64 instructions; the portable code gives the same bits, NaN included (made quiet, upper payload bits kept). */
#include "base/base.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#define NUMBER_F16C 1
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#define NUMBER_NEON 1
#include <arm_neon.h>
#endif

bool size_mul(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

bool size_add(size_t a, size_t b, size_t *out) {
    if (a > SIZE_MAX - b) {
        return false;
    }
    *out = a + b;
    return true;
}

bool i64_mul(int64_t a, int64_t b, int64_t *out) {
#if defined(__GNUC__) || defined(__clang__)
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
#else
    if (a != 0 && b != 0) {
        bool same_sign = (a > 0) == (b > 0);
        if (same_sign ? (a > 0 ? a > INT64_MAX / b : a < INT64_MAX / b)
                      : (a > 0 ? b < INT64_MIN / a : a < INT64_MIN / b)) {
            return false;
        }
    }
    *out = a * b;
    return true;
#endif
}

bool i64_add(int64_t a, int64_t b, int64_t *out) {
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) {
        return false;
    }
    *out = a + b;
    return true;
}

/* IEEE 754-2008: binary32 is 1 + 8 (bias 127) + 23 bits, binary16 is 1 + 5 (bias 15) + 10 bits. */
enum { F32_MANTISSA = 23, F16_MANTISSA = 10, F32_BIAS = 127, F16_BIAS = 15 };
enum { MANTISSA_SHIFT = F32_MANTISSA - F16_MANTISSA };
static const uint32_t f32_infinity = 0x7f800000u;
static const uint32_t f32_hidden_bit = 1u << F32_MANTISSA;

/* v >> shift, to nearest, ties to even; 0 < shift < 32. */
static uint32_t shift_nearest_even(uint32_t v, unsigned shift) {
    uint32_t kept = v >> shift;
    uint32_t rest = v & ((1u << shift) - 1);
    uint32_t half = 1u << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t f16_from_f32(float v) {
    uint32_t bits = f32_bits(v);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > f32_infinity) {
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> MANTISSA_SHIFT) & 0x3ffu));
    }
    int exponent = (int)(magnitude >> F32_MANTISSA) - F32_BIAS + F16_BIAS;
    if (exponent >= 31) {
        return (uint16_t)(sign | 0x7c00u);
    }
    if (exponent > 0) { /* a carry out of the mantissa runs into the exponent, up to infinity, as it should */
        uint32_t rebased = magnitude - ((uint32_t)(F32_BIAS - F16_BIAS) << F32_MANTISSA);
        return (uint16_t)(sign | shift_nearest_even(rebased, MANTISSA_SHIFT));
    }
    if (exponent < -F16_MANTISSA) {
        return (uint16_t)sign;
    }
    uint32_t mantissa = (magnitude & (f32_hidden_bit - 1)) | f32_hidden_bit;
    return (uint16_t)(sign | shift_nearest_even(mantissa, (unsigned)(MANTISSA_SHIFT + 1 - exponent)));
}

float f32_from_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> F16_MANTISSA) & 0x1fu;
    uint32_t mantissa = h & 0x3ffu;
    if (exponent == 0x1f) {
        uint32_t quiet = mantissa ? 0x400000u : 0;
        return f32_from_bits(sign | f32_infinity | quiet | (mantissa << MANTISSA_SHIFT));
    }
    if (exponent == 0) { /* mantissa * 2^-24, exact in f32 */
        float v = (float)mantissa * 0x1p-24f;
        return sign ? -v : v;
    }
    return f32_from_bits(sign | ((exponent + F32_BIAS - F16_BIAS) << F32_MANTISSA) | (mantissa << MANTISSA_SHIFT));
}

float f32_from_bf16(uint16_t h) {
    return f32_from_bits((uint32_t)h << 16);
}

uint16_t bf16_from_f32(float v) {
    uint32_t bits = f32_bits(v);
    if ((bits & 0x7fffffffu) > f32_infinity) {
        return (uint16_t)((bits >> 16) | 0x40u);
    }
    return (uint16_t)shift_nearest_even(bits, 16);
}

/* OCP 8-bit Floating Point Specification (OFP8) rev. 1.0, section 5: E4M3 has bias 7 and no infinity. */
float f32_from_f8_e4m3(uint8_t b) {
    uint32_t sign = (uint32_t)(b & 0x80u) << 24;
    uint32_t exponent = (b >> 3) & 0xfu;
    uint32_t mantissa = b & 7u;
    if ((b & 0x7fu) == 0x7fu) {
        return f32_from_bits(sign | f32_infinity | 0x400000u);
    }
    if (exponent == 0) { /* mantissa * 2^-9 */
        float v = (float)mantissa * 0x1p-9f;
        return sign ? -v : v;
    }
    return f32_from_bits(sign | ((exponent + F32_BIAS - 7) << F32_MANTISSA) | (mantissa << (F32_MANTISSA - 3)));
}

/* E5M2 is the upper byte of a binary16. */
float f32_from_f8_e5m2(uint8_t b) {
    return f32_from_f16((uint16_t)(b << 8));
}

#if NUMBER_F16C

static bool has_f16c(void) {
    static atomic_int cached; /* 0 unknown, 1 yes, 2 no */
    int known = atomic_load_explicit(&cached, memory_order_relaxed);
    if (known == 0) {
        unsigned a, b, c = 0, d;
        __builtin_cpu_init();
        /* The builtin also asks the system whether it saves the AVX registers; clang 14 has no name for F16C. */
        bool yes = __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
        known = yes ? 1 : 2;
        atomic_store_explicit(&cached, known, memory_order_relaxed);
    }
    return known == 1;
}

__attribute__((target("avx,f16c"))) static size_t f32_from_f16_simd(const uint16_t *in, float *out, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(in + i));
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(halves));
    }
    return i;
}

__attribute__((target("avx,f16c"))) static size_t f16_from_f32_simd(const float *in, uint16_t *out, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm_storeu_si128((__m128i *)(void *)(out + i), halves);
    }
    return i;
}

#elif NUMBER_NEON

static bool has_f16c(void) {
    return true;
}

static size_t f32_from_f16_simd(const uint16_t *in, float *out, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(in + i))));
    }
    return i;
}

static size_t f16_from_f32_simd(const float *in, uint16_t *out, size_t count) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + i))));
    }
    return i;
}

#else

static bool has_f16c(void) {
    return false;
}

static size_t f32_from_f16_simd(const uint16_t *in, float *out, size_t count) {
    (void)in, (void)out, (void)count;
    return 0;
}

static size_t f16_from_f32_simd(const float *in, uint16_t *out, size_t count) {
    (void)in, (void)out, (void)count;
    return 0;
}

#endif

void f32_from_f16_array(const uint16_t *in, float *out, size_t count) {
    for (size_t i = has_f16c() ? f32_from_f16_simd(in, out, count) : 0; i < count; i++) {
        out[i] = f32_from_f16(in[i]);
    }
}

void f16_from_f32_array(const float *in, uint16_t *out, size_t count) {
    for (size_t i = has_f16c() ? f16_from_f32_simd(in, out, count) : 0; i < count; i++) {
        out[i] = f16_from_f32(in[i]);
    }
}

/* splitmix64's finaliser: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (Mix13
 * of D. Stafford). */
uint64_t hash_u64(uint64_t v) {
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
    return v ^ (v >> 31);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923); a seed of 0 gives the standard value. */
uint64_t hash_bytes(const void *data, size_t size, uint64_t seed) {
    const unsigned char *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}
