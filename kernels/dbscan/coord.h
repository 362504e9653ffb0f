/** How coordinates are held, and what single precision can say of a distance. Shared by back ends of C and of
 * C++. */
#ifndef PS_DBSCAN_COORD_H
#define PS_DBSCAN_COORD_H

#include <float.h>
#include <math.h>
#include "kernels/view.h"

/** Single precision where the input converts exactly, double, or 64-bit integers. */
enum ps_coord { PS_COORD_F32, PS_COORD_F64, PS_COORD_I64, PS_NCOORDS };

/** Single precision holds the type exactly, and eps squared and the bound around it stay far from its limits.
 * Local. */
static inline enum ps_coord ps_coord_of(enum ps_dtype type, double eps)
{
    switch (type) {
    case PS_I64:
    case PS_U64:
        return PS_COORD_I64;
    case PS_I32:
    case PS_U32:
    case PS_F64:
        return PS_COORD_F64;
    default:
        return eps > 0x1p-50 && eps < 0x1p50 ? PS_COORD_F32 : PS_COORD_F64;
    }
}

/** Squared distances that make points neighbours, and what a sum in single precision tells of one: surely a
 * neighbour up to `in`, none beyond `maybe`. */
struct ps_eps2 {
    double exact;
    float in, maybe;
};

/** Each of d + 2 roundings of a sum of squared differences errs by 2^-24 of it at most. Local. */
static inline struct ps_eps2 ps_eps2_of(enum ps_coord coord, int d, double eps)
{
    const double bound = (d + 4) * 0x1p-23, exact = eps * eps;
    struct ps_eps2 e = {exact, (float)(exact * (1 - bound)), (float)(exact * (1 + bound))};
    if (coord == PS_COORD_F32) {
        e.in = nextafterf(e.in, 0);
        e.maybe = nextafterf(e.maybe, FLT_MAX);
    }
    return e;
}

#endif
