/** Elements of arrays of float or double. */
#ifndef PS_NN_REAL_H
#define PS_NN_REAL_H

#include <stddef.h>
#include <stdint.h>

/** Element i. @param real bytes of an element */
static inline double ps_nn_real_get(size_t real, const void *p, int64_t i)
{
    return real == sizeof(float) ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static inline void ps_nn_real_set(size_t real, void *p, int64_t i, double v)
{
    if (real == sizeof(float))
        ((float *)p)[i] = (float)v;
    else
        ((double *)p)[i] = v;
}

#endif
