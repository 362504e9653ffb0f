#include "kernels/view.h"
#include <math.h>

static const struct {
    size_t size;
    const char *name;
} types[PS_NDTYPES] = {
    [PS_I8] = {1, "int8"},     [PS_U8] = {1, "uint8"},    [PS_I16] = {2, "int16"}, [PS_U16] = {2, "uint16"},
    [PS_I32] = {4, "int32"},   [PS_U32] = {4, "uint32"},  [PS_I64] = {8, "int64"}, [PS_U64] = {8, "uint64"},
    [PS_F32] = {4, "float32"}, [PS_F64] = {8, "float64"},
};

size_t ps_dtype_size(enum ps_dtype type)
{
    return types[type].size;
}

const char *ps_dtype_name(enum ps_dtype type)
{
    return types[type].name;
}

double ps_points_at(const struct ps_points *p, int64_t i, int k)
{
    size_t at = (size_t)i * (size_t)p->d + (size_t)k;
    switch (p->type) {
    case PS_I8:
        return ((const int8_t *)p->data)[at];
    case PS_U8:
        return ((const uint8_t *)p->data)[at];
    case PS_I16:
        return ((const int16_t *)p->data)[at];
    case PS_U16:
        return ((const uint16_t *)p->data)[at];
    case PS_I32:
        return ((const int32_t *)p->data)[at];
    case PS_U32:
        return ((const uint32_t *)p->data)[at];
    case PS_I64:
        return (double)((const int64_t *)p->data)[at];
    case PS_U64:
        return (double)((const uint64_t *)p->data)[at];
    case PS_F32:
        return (double)((const float *)p->data)[at];
    case PS_F64:
        return ((const double *)p->data)[at];
    case PS_NDTYPES:
        break;
    }
    return (double)NAN;
}
