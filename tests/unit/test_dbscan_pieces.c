/* ranks: 1
 *
 * Points in pieces of a few points beside the same table with all points at once: every element type, 1 to 5
 * dimensions, lattices whose neighbours stand at exactly epsilon, equal points, halos, neighbourhoods that do
 * not fit. */
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include "kernels/dbscan/pieces.h"
#include "tests/unit/dbscancheck.h"

/* A table that takes `most` points, on top of another. */
static const struct ps_dbscan_kernels *under;
static int64_t most, made;

static int64_t few_fits(const struct ps_dbscan_spec *spec)
{
    (void)spec;
    return most;
}

static enum ps_status few_create(const struct ps_dbscan_spec *spec, struct ps_dbscan **out)
{
    ck_assert_int_le(spec->points.n, most);
    made++;
    return under->create(spec, out);
}

static struct ps_dbscan_kernels few_of(const struct ps_dbscan_kernels *base)
{
    struct ps_dbscan_kernels few = *base;
    under = base;
    few.fits = few_fits;
    few.create = few_create;
    return few;
}

/** All steps. @param core [n] flags of the halo @param name [n] cluster number of core points @return a
 * step's failure */
static enum ps_status cluster_pieces(const struct ps_dbscan_kernels *base, const struct ps_dbscan_spec *spec,
                                     const struct result *whole, struct result *r)
{
    struct ps_dbscan_pieces *s;
    int64_t number[MAX_POINTS] = {0};
    const int64_t own = spec->own, n = spec->points.n;
    memset(r, 0xee, sizeof *r);
    made = 0;
    ck_assert_int_eq(ps_dbscan_pieces_create(base, spec, &s), PS_OK);
    ck_assert_int_eq(ps_dbscan_pieces_cut(s), n > most);
    enum ps_status rc = ps_dbscan_pieces_core(s, r->core);
    if (rc == PS_OK) ck_assert_int_eq(ps_dbscan_pieces_made(s), made);
    if (rc == PS_OK) {
        memcpy(r->core + own, whole->core + own, (size_t)(n - own));
        rc = ps_dbscan_pieces_connect(s, r->core, r->component, &r->components);
    }
    for (int64_t i = 0; rc == PS_OK && i < n; i++) {
        if (!r->core[i]) {
            ck_assert_uint_eq(r->component[i], UINT32_MAX);
            continue;
        }
        ck_assert_uint_lt(r->component[i], r->components);
        int64_t *name = number + r->component[i];
        ck_assert_msg(!*name || *name == -whole->label[i], "component %u joins clusters %d and %d",
                      r->component[i], (int)*name, (int)-whole->label[i]);
        *name = -whole->label[i];
    }
    for (uint32_t c = 0; rc == PS_OK && c < r->components; c++) ck_assert_int_gt(number[c], 0);
    if (rc == PS_OK) rc = ps_dbscan_pieces_label(s, number, r->label);
    if (rc == PS_OK && own == n && n > 0) ck_assert_uint_eq(r->components, whole->components);
    if (rc == PS_OK && own > 0) ck_assert_int_gt(ps_dbscan_pieces_work(s).cells, 0);
    ps_dbscan_pieces_destroy(s);
    return rc;
}

/** The most points that one has within epsilon, itself included. */
static int64_t crowd(const struct set *s)
{
    struct set alone = *s;
    static uint8_t core[MAX_POINTS];
    int64_t lo = 1, hi = s->spec.points.n;
    alone.spec.own = s->spec.points.n;
    while (lo < hi) { /* the largest minPoints that some point has */
        struct ps_dbscan *k;
        bool any = false;
        alone.spec.min_points = lo + (hi - lo + 1) / 2;
        ck_assert_int_eq(ps_dbscan_ref.create(&alone.spec, &k), PS_OK);
        ck_assert_int_eq(ps_dbscan_ref.core(k, core), PS_OK);
        ps_dbscan_ref.destroy(k);
        for (int64_t i = 0; i < s->spec.points.n; i++) any = any || core[i];
        if (any)
            lo = alone.spec.min_points;
        else
            hi = alone.spec.min_points - 1;
    }
    return lo;
}

/** Neighbours of which one is own, as the oracle connects them, stand in one component. */
static void check_joined(const struct ps_dbscan_spec *spec, const struct result *whole,
                         const struct result *r)
{
    static uint32_t want[MAX_POINTS], name[MAX_POINTS];
    static uint8_t core[MAX_POINTS];
    struct ps_dbscan *k;
    uint32_t components;
    memcpy(core, whole->core, sizeof core);
    ck_assert_int_eq(ps_dbscan_ref.create(spec, &k), PS_OK);
    ck_assert_int_eq(ps_dbscan_ref.connect(k, core, want, &components), PS_OK);
    ps_dbscan_ref.destroy(k);
    memset(name, 0xff, sizeof name);
    for (int64_t i = 0; i < spec->points.n; i++) {
        if (!core[i]) continue;
        if (name[want[i]] == UINT32_MAX) name[want[i]] = r->component[i];
        ck_assert_uint_eq(r->component[i], name[want[i]]);
    }
}

/** In pieces as small as they may be, and larger, by one table or the other; half of the points or all are
 * own. */
static void compare(struct set *s, const char *what)
{
    static struct result want, got;
    const struct ps_dbscan_kernels *const bases[] = {&ps_dbscan_ref, &ps_dbscan_cpu};
    const int64_t n = s->spec.points.n, least = crowd(s);
    const int64_t mosts[] = {least, (3 * least + n) / 4, (least + n) / 2, n - 1, n};
    cluster(&ps_dbscan_ref, &s->spec, &want);
    for (int m = 0; m < 5; m++) {
        const struct ps_dbscan_kernels few = few_of(bases[(m + n / 20) % 2]);
        most = mosts[m];
        if (most < least) continue;
        s->spec.own = m < 2 ? n / 2 : n;
        ck_assert_msg(cluster_pieces(&few, &s->spec, &want, &got) == PS_OK, "%s: at most %d of %d points",
                      what, (int)most, (int)n);
        ck_assert_int_eq(made > 1, n > most);
        ck_assert_mem_eq(got.core, want.core, n);
        check_joined(&s->spec, &want, &got);
        for (int64_t i = 0; i < s->spec.own; i++)
            ck_assert_msg(want.label[i] == got.label[i],
                          "%s: label of point %d is %d, not %d, at most %d of %d points, %d own", what,
                          (int)i, (int)got.label[i], (int)want.label[i], (int)most, (int)n, (int)s->spec.own);
    }
    s->spec.own = n;
}

START_TEST(lattices_of_every_type)
{
    static struct set s;
    uint32_t seed = 0;
    omp_set_num_threads(1);
    for (int type = 0; type < PS_NDTYPES; type++)
        for (int d = 1; d <= 5; d++) {
            char what[64];
            const double eps[] = {1, 2, sqrt((double)d), 0.5, 5};
            for (int e = 0; e < 5; e++) {
                fill(&s, (enum ps_dtype)type, 40 + 30 * e, d, 4, d < 4 ? 9 : 3, eps[e], 1 + 3 * (e % 3),
                     ++seed);
                snprintf(what, sizeof what, "%s, %d dimensions, eps %g", ps_dtype_name((enum ps_dtype)type),
                         d, eps[e]);
                compare(&s, what);
            }
        }
}
END_TEST

/** Neighbours whose distance is epsilon only as rounded, or just not: a cut must leave none of them out. */
START_TEST(rounding)
{
    static struct set s;
    for (int d = 1; d <= 3; d++)
        for (uint32_t seed = 1; seed <= 4; seed++) {
            fill(&s, PS_F64, 200, d, 1, 40 / d, 1, 3, seed);
            double *x = (double *)s.data;
            for (int64_t i = 0; i < 200 * d; i++) x[i] += (double)(seed % 2) * 1e3 / 3;
            for (int ulps = -1; ulps <= 1; ulps++) {
                s.spec.eps = 0.1;
                omp_set_num_threads(d == 2 && seed == 1 ? 2 : 1);
                if (ulps) s.spec.eps = nextafter(0.1, ulps);
                compare(&s, "a lattice of tenths");
            }
        }
}
END_TEST

START_TEST(extremes)
{
    static struct set s;
    const double eps[] = {5e-324, 1e-300, 1, 1e150, 1e300};
    for (int e = 0; e < 5; e++) {
        fill(&s, PS_F64, 100, 2, 2, 5, 1, 2, (uint32_t)e);
        double *x = (double *)s.data;
        for (int i = 0; i < 50; i++) x[i] = (i % 2 ? 1 : -1) * (i % 3 ? 1.7e308 : 5e-324);
        s.spec.eps = eps[e];
        compare(&s, "coordinates at the ends of the range");
    }
    for (int type = PS_I64; type <= PS_U64; type++) {
        fill(&s, (enum ps_dtype)type, 120, 2, 3, 6, 1, 3, 5);
        int64_t *x = (int64_t *)s.data;
        for (int i = 0; i < 60; i++)
            x[i] = type == PS_I64 ? (i % 2 ? INT64_MIN : INT64_MAX - i % 5) : (i % 2 ? 0 : -1 - i % 5);
        compare(&s, "64-bit integers at the ends of the range");
    }
}
END_TEST

START_TEST(equal_points)
{
    static struct set s;
    static struct result whole, got;
    const struct ps_dbscan_kernels few = few_of(&ps_dbscan_cpu);
    fill(&s, PS_F32, 300, 3, 3, 1, 1, 100, 3); /* three places */
    compare(&s, "three places");
    fill(&s, PS_F32, 300, 3, 1, 3, 9, 200, 3); /* one neighbourhood */
    compare(&s, "one neighbourhood");
    most = 299;
    cluster(&ps_dbscan_ref, &s.spec, &whole);
    ck_assert_int_eq(cluster_pieces(&few, &s.spec, &whole, &got), PS_EBACKEND);
    fill(&s, PS_F32, 300, 2, 1, 1, 1, 4, 3); /* one point, many times */
    ck_assert_int_eq(cluster_pieces(&few, &s.spec, &whole, &got), PS_EBACKEND);
    most = 0;
    struct ps_dbscan_pieces *none;
    ck_assert_int_eq(ps_dbscan_pieces_create(&few, &s.spec, &none), PS_ENOMEM);
}
END_TEST

START_TEST(nothing_own)
{
    static struct set s;
    static struct result whole, got;
    const struct ps_dbscan_kernels few = few_of(&ps_dbscan_cpu);
    fill(&s, PS_F64, 100, 2, 4, 5, 1, 3, 7);
    cluster(&ps_dbscan_ref, &s.spec, &whole);
    s.spec.own = 0;
    most = 10;
    ck_assert_int_eq(cluster_pieces(&few, &s.spec, &whole, &got), PS_OK);
    s.spec.points.n = 0;
    ck_assert_int_eq(cluster_pieces(&few, &s.spec, &whole, &got), PS_OK);
    ck_assert_uint_eq(got.components, 0);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {lattices_of_every_type, rounding, extremes, equal_points, nothing_own, NULL};
    return mck_main(argc, argv, "dbscan_pieces", tests);
}
