/* Stored numbers: names, sizes, conversion to f32. */
#include "formats/internal.h"

static const struct {
    const char *name;
    int size;
    bool is_float;
} DTYPES[] = {
    [DTYPE_F16] = {"f16", 2, true},          [DTYPE_BF16] = {"bf16", 2, true},
    [DTYPE_F32] = {"f32", 4, true},          [DTYPE_F64] = {"f64", 8, true},
    [DTYPE_F8_E4M3] = {"f8_e4m3", 1, true},  [DTYPE_F8_E5M2] = {"f8_e5m2", 1, true},
    [DTYPE_U8] = {"u8", 1, false},           [DTYPE_I8] = {"i8", 1, false},
    [DTYPE_I16] = {"i16", 2, false},         [DTYPE_I32] = {"i32", 4, false},
    [DTYPE_I64] = {"i64", 8, false},         [DTYPE_BOOL] = {"bool", 1, false},
    [DTYPE_UNICODE] = {"unicode", 0, false}, [DTYPE_OTHER] = {"other", 0, false},
};

const char *dtype_name(DType dtype) {
    return (size_t)dtype < BASE_COUNT(DTYPES) ? DTYPES[dtype].name : "other";
}

int dtype_size(DType dtype) {
    return DTYPES[dtype].size;
}

bool dtype_is_float(DType dtype) {
    return DTYPES[dtype].is_float;
}

static void swap_bytes(uint8_t *raw, int size, size_t count) {
    for (size_t i = 0; i < count; i++, raw += size) {
        for (int a = 0, b = size - 1; a < b; a++, b--) {
            uint8_t byte = raw[a];
            raw[a] = raw[b];
            raw[b] = byte;
        }
    }
}

void dtype_to_f32(DType dtype, bool big_endian, void *raw, float *out, size_t count) {
    int size = dtype_size(dtype);
    if (big_endian && size > 1) swap_bytes(raw, size, count);
    switch (dtype) {
    case DTYPE_F16:
        f32_from_f16_array(raw, out, count);
        break;
    case DTYPE_BF16:
        for (size_t i = 0; i < count; i++)
            out[i] = f32_from_bf16(((const uint16_t *)raw)[i]);
        break;
    case DTYPE_F32:
        memcpy(out, raw, count * sizeof(float));
        break;
    case DTYPE_F64:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)((const double *)raw)[i];
        break;
    case DTYPE_F8_E4M3:
        for (size_t i = 0; i < count; i++)
            out[i] = f32_from_f8_e4m3(((const uint8_t *)raw)[i]);
        break;
    case DTYPE_F8_E5M2:
        for (size_t i = 0; i < count; i++)
            out[i] = f32_from_f8_e5m2(((const uint8_t *)raw)[i]);
        break;
    default: /* opening refuses anything else as attention */
        for (size_t i = 0; i < count; i++)
            out[i] = (float)dtype_to_i64(dtype, false, (const uint8_t *)raw + i * (size_t)size);
        break;
    }
}

double dtype_to_f64(DType dtype, bool big_endian, const void *raw) {
    union {
        uint8_t bytes[8];
        double f64;
    } copy;
    float value = 0;
    memcpy(copy.bytes, raw, (size_t)dtype_size(dtype));
    if (dtype == DTYPE_F64) {
        if (big_endian) swap_bytes(copy.bytes, 8, 1);
        return copy.f64;
    }
    dtype_to_f32(dtype, big_endian, copy.bytes, &value, 1);
    return value;
}

int64_t dtype_to_i64(DType dtype, bool big_endian, const void *raw) {
    uint64_t bits = 0;
    const uint8_t *bytes = raw;
    int size = dtype_size(dtype);
    for (int i = 0; i < size; i++)
        bits |= (uint64_t)bytes[big_endian ? size - 1 - i : i] << (8 * i);
    switch (dtype) {
    case DTYPE_I8:
        return (int8_t)bits;
    case DTYPE_I16:
        return (int16_t)bits;
    case DTYPE_I32:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}
