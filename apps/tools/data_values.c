#include "apps/tools/data_values.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

long double data_get(const void *data, int64_t i, enum ps_dtype type)
{
    switch (type) {
    case PS_I8:
        return ((const int8_t *)data)[i];
    case PS_U8:
        return ((const uint8_t *)data)[i];
    case PS_I16:
        return ((const int16_t *)data)[i];
    case PS_U16:
        return ((const uint16_t *)data)[i];
    case PS_I32:
        return ((const int32_t *)data)[i];
    case PS_U32:
        return ((const uint32_t *)data)[i];
    case PS_I64:
        return (long double)((const int64_t *)data)[i];
    case PS_U64:
        return (long double)((const uint64_t *)data)[i];
    case PS_F32:
        return ((const float *)data)[i];
    default:
        return ((const double *)data)[i];
    }
}

/** [from, below) of the values of an integer type; `below` is a power of two and so exact. */
static bool in_range(long double v, int bits, bool is_signed)
{
    long double below = ldexpl(1.0L, is_signed ? bits - 1 : bits), from = is_signed ? -below : 0;
    return v >= from && v < below && v == rintl(v); /* nan fails the first */
}

bool data_put(void *data, int64_t i, enum ps_dtype type, long double v)
{
    if (type < PS_F32 && !in_range(v, (int)ps_dtype_size(type) * 8, type % 2 == 0)) return false;
    switch (type) {
    case PS_I8:
        ((int8_t *)data)[i] = (int8_t)v;
        break;
    case PS_U8:
        ((uint8_t *)data)[i] = (uint8_t)v;
        break;
    case PS_I16:
        ((int16_t *)data)[i] = (int16_t)v;
        break;
    case PS_U16:
        ((uint16_t *)data)[i] = (uint16_t)v;
        break;
    case PS_I32:
        ((int32_t *)data)[i] = (int32_t)v;
        break;
    case PS_U32:
        ((uint32_t *)data)[i] = (uint32_t)v;
        break;
    case PS_I64:
        ((int64_t *)data)[i] = (int64_t)v;
        break;
    case PS_U64:
        ((uint64_t *)data)[i] = (uint64_t)v;
        break;
    case PS_F32:
        if (isfinite(v) && !isfinite((float)v)) return false;
        ((float *)data)[i] = (float)v;
        break;
    default:
        ((double *)data)[i] = (double)v;
        break;
    }
    return true;
}

bool data_type_named(const char *name, enum ps_dtype *out)
{
    for (int t = 0; t < PS_NDTYPES; t++)
        if (!strcmp(name, ps_dtype_name((enum ps_dtype)t))) {
            *out = (enum ps_dtype)t;
            return true;
        }
    return false;
}

void data_text(long double value, char out[48])
{
    if (fabsl(value) < 18446744073709551616.0L && value == rintl(value))
        snprintf(out, 48, "%.0Lf", value);
    else
        snprintf(out, 48, "%.9Lg", value);
}
