/** Vectors of double precision in as many lanes as the machine has. */
#ifndef PS_SVM_DOUBLE_LANES_H
#define PS_SVM_DOUBLE_LANES_H

#include "kernels/lanes.h"

enum { PS_DOUBLES = PS_LANES / 2 };

typedef double ps_vd __attribute__((vector_size(8 * PS_DOUBLES)));

static inline ps_vd ps_vd_all(double x)
{
    return x - (ps_vd){0};
}

static inline ps_vd ps_vd_load(const double *p)
{
    ps_vd v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void ps_vd_store(double *p, ps_vd v)
{
    memcpy(p, &v, sizeof v);
}

/** a b + c, rounded once where the machine does that in one instruction. */
static inline ps_vd ps_vd_fma(ps_vd a, ps_vd b, ps_vd c)
{
#if defined(__AVX512F__)
    return (ps_vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__) && defined(__FMA__)
    return (ps_vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return a * b + c;
#endif
}

#endif
