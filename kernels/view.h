/** Element types and the borrowed view of a row-major matrix that kernels take. */
#ifndef PS_VIEW_H
#define PS_VIEW_H

#include <stddef.h>
#include <stdint.h>

enum ps_dtype { PS_I8, PS_U8, PS_I16, PS_U16, PS_I32, PS_U32, PS_I64, PS_U64, PS_F32, PS_F64, PS_NDTYPES };

/** Bytes of one element. Local. */
size_t ps_dtype_size(enum ps_dtype type);

/** NumPy's name of the type ("int8" ... "float64"). Local. */
const char *ps_dtype_name(enum ps_dtype type);

/** Points as rows: [n][d], row-major, borrowed. */
struct ps_points {
    const void *data;
    int64_t n;
    int d;
    enum ps_dtype type;
};

/** Element (i, k) as double; 64-bit integers beyond 2^53 are rounded. Local. */
double ps_points_at(const struct ps_points *p, int64_t i, int k);

#endif
