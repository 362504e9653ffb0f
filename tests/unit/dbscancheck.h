/** Sets of points with many ties, and clustering of them. */
#ifndef DBSCANCHECK_H
#define DBSCANCHECK_H

#include <string.h>
#include "kernels/dbscan/dbscan_kernels.h"
#include "kernels/rng.h"
#include "tests/unit/mpicheck.h"

enum { MAX_POINTS = 900, MAX_DIMS = 12 };

struct set {
    struct ps_dbscan_spec spec;
    char data[MAX_POINTS * MAX_DIMS * 8];
};

struct result {
    uint8_t core[MAX_POINTS];
    uint32_t component[MAX_POINTS], components;
    int64_t label[MAX_POINTS];
};

static inline void put(struct set *s, int64_t i, int k, double v)
{
    int64_t at = i * s->spec.points.d + k;
    switch (s->spec.points.type) {
    case PS_I8:
        ((int8_t *)s->data)[at] = (int8_t)v;
        break;
    case PS_U8:
        ((uint8_t *)s->data)[at] = (uint8_t)(v + 100);
        break;
    case PS_I16:
        ((int16_t *)s->data)[at] = (int16_t)(v * 7);
        break;
    case PS_U16:
        ((uint16_t *)s->data)[at] = (uint16_t)(v * 7 + 30000);
        break;
    case PS_I32:
        ((int32_t *)s->data)[at] = (int32_t)(v * 1e6);
        break;
    case PS_U32:
        ((uint32_t *)s->data)[at] = (uint32_t)(v * 1e6 + 2e9);
        break;
    case PS_I64:
        ((int64_t *)s->data)[at] = INT64_MAX - 4000000 + (int64_t)v;
        break;
    case PS_U64:
        ((uint64_t *)s->data)[at] = (UINT64_C(1) << 63) + (uint64_t)(int64_t)v;
        break;
    case PS_F32:
        ((float *)s->data)[at] = (float)v;
        break;
    default:
        ((double *)s->data)[at] = v * 0.1;
        break;
    }
}

static inline double scale_of(enum ps_dtype type)
{
    if (type == PS_I16 || type == PS_U16) return 7;
    if (type == PS_I32 || type == PS_U32) return 1e6;
    return type == PS_F64 ? 0.1 : 1;
}

/** Integer lattice points in `groups` boxes of side `side`, so that ties and equal points abound. */
static inline void fill(struct set *s, enum ps_dtype type, int64_t n, int d, int groups, int side, double eps,
                        int64_t min_points, uint32_t seed)
{
    struct ps_rng where = {seed, 1}, centre = {seed, 2};
    s->spec = (struct ps_dbscan_spec){.points = {.data = s->data, .n = n, .d = d, .type = type},
                                      .own = n,
                                      .eps = eps * scale_of(type),
                                      .min_points = min_points};
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < d; k++) {
            double c = (double)ps_rng_below(centre, ps_rng_below(where, i, 99, groups), (uint32_t)k, 90) - 45;
            put(s, i, k, c + (double)ps_rng_below(where, i, (uint32_t)k, side));
        }
}

/** All steps; clusters are numbered by their first core point. */
static inline void cluster(const struct ps_dbscan_kernels *kernels, const struct ps_dbscan_spec *spec,
                           struct result *r)
{
    int64_t number[MAX_POINTS] = {0}, clusters = 0;
    struct ps_dbscan *s;
    memset(r, 0, sizeof *r);
    ck_assert_int_eq(kernels->create(spec, &s), PS_OK);
    ck_assert_int_eq(kernels->core(s, r->core), PS_OK);
    ck_assert_int_eq(kernels->connect(s, r->core, r->component, &r->components), PS_OK);
    for (int64_t i = 0; i < spec->points.n; i++) {
        if (!r->core[i]) {
            ck_assert_uint_eq(r->component[i], UINT32_MAX);
            continue;
        }
        ck_assert_uint_lt(r->component[i], r->components);
        if (!number[r->component[i]]) number[r->component[i]] = ++clusters;
    }
    ck_assert_int_eq(clusters, r->components);
    ck_assert_int_eq(kernels->label(s, number, r->label), PS_OK);
    kernels->destroy(s);
}

#endif
