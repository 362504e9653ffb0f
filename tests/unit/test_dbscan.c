/* ranks: 1
 *
 * The cpu back end against the oracle: every element type, 1 to 12 dimensions, both indexes, 1 to 3 threads,
 * lattices whose neighbours stand at exactly epsilon, equal points, halos. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include "tests/unit/dbscancheck.h"

static void compare(struct set *s, const char *what)
{
    static struct result want, got;
    cluster(&ps_dbscan_ref, &s->spec, &want);
    for (int index = PS_INDEX_AUTO; index <= PS_INDEX_TREE; index++)
        for (int threads = 1; threads <= 3; threads++) {
            s->spec.index = (enum ps_dbscan_index)index;
            omp_set_num_threads(threads);
            cluster(&ps_dbscan_cpu, &s->spec, &got);
            for (int64_t i = 0; i < s->spec.points.n; i++) {
                ck_assert_msg(want.core[i] == got.core[i], "%s: core flag of point %d, index %d", what,
                              (int)i, index);
                ck_assert_msg(want.label[i] == got.label[i], "%s: label of point %d is %d, not %d, index %d",
                              what, (int)i, (int)got.label[i], (int)want.label[i], index);
            }
        }
}

START_TEST(lattices_of_every_type)
{
    static struct set s;
    uint32_t seed = 0;
    for (int type = 0; type < PS_NDTYPES; type++)
        for (int d = 1; d <= MAX_DIMS; d++) {
            char what[64];
            double eps[] = {1, 2, 5, sqrt((double)d), 0.5, 200};
            for (int e = 0; e < 6; e++) {
                int64_t n = 40 + 60 * e, min_points = 1 + 3 * (e % 3);
                fill(&s, (enum ps_dtype)type, n, d, 4, d < 4 ? 9 : 3, eps[e], min_points, ++seed);
                snprintf(what, sizeof what, "%s, %d dimensions, eps %g", ps_dtype_name((enum ps_dtype)type),
                         d, eps[e]);
                compare(&s, what);
            }
        }
}
END_TEST

START_TEST(dense_and_sparse_mixed)
{
    static struct set s;
    for (int d = 1; d <= 6; d++)
        for (uint32_t seed = 1; seed <= 4; seed++) {
            fill(&s, PS_F32, MAX_POINTS, d, 6, 12, 3, 8, 1000 * (uint32_t)d + seed);
            float *x = (float *)s.data;
            struct ps_rng r = {seed, 5};
            for (int64_t i = 0; i < MAX_POINTS * d; i++) x[i] += (float)ps_rng_uniform(r, i, 0);
            compare(&s, "dense and sparse");
        }
}
END_TEST

START_TEST(extremes)
{
    static struct set s;
    double eps[] = {5e-324, 1e-300, 1e-30, 1e30, 1e154, 1e300};
    for (int type = PS_F32; type <= PS_F64; type++)
        for (int e = 0; e < 6; e++) {
            fill(&s, (enum ps_dtype)type, 200, 3, 3, 3, 1, 4, (uint32_t)e);
            s.spec.eps = eps[e];
            compare(&s, "extreme epsilon");
        }
    fill(&s, PS_F64, 64, 2, 2, 5, 1, 2, 9);
    double *x = (double *)s.data;
    for (int i = 0; i < 32; i++) x[i] = (i % 2 ? 1 : -1) * 1.7e308;
    compare(&s, "coordinates at the end of the range");
    for (int i = 0; i < 32; i++) x[i] = (i % 2 ? -1 : 1) * (i % 3 ? 1.7e308 : 5e-324);
    s.spec.eps = 1e300; /* its square is not finite */
    compare(&s, "distances whose squares overflow");
    for (int i = 0; i < 128; i++) x[i] *= 1e-169 / 5;
    s.spec.eps = 1e-170; /* its square is 0 */
    compare(&s, "distances whose squares vanish");
}
END_TEST

START_TEST(equal_points)
{
    static struct set s;
    fill(&s, PS_F32, 500, 3, 1, 1, 1, 500, 3);
    compare(&s, "all equal");
    s.spec.min_points = 501;
    compare(&s, "all equal, too few");
    fill(&s, PS_F32, 1, 2, 1, 1, 1, 1, 3);
    compare(&s, "one point");
}
END_TEST

/** Two cells along parallel diagonals: their boxes almost touch, their points stand a little more or less
 * than eps apart. */
START_TEST(facing_cells)
{
    static struct set s;
    static struct result r;
    enum { HALF = MAX_POINTS / 2 };
    for (int type = PS_I64; type <= PS_F64; type++)
        for (int apart = 0; apart <= 1; apart++) {
            double unit = type <= PS_U64   ? 1e6
                          : type == PS_F64 ? 10
                                           : 1,
                   step = (apart ? 1.01 : 0.99) / sqrt(2.0);
            struct ps_rng rng = {(uint64_t)type, 8};
            fill(&s, (enum ps_dtype)type, 2 * HALF, 2, 1, 1, 1, 5, 1);
            for (int64_t i = 0; i < 2 * HALF; i++) {
                double u = ps_rng_uniform(rng, i, 0) * 0.69, shift = i % 2 ? step : 0;
                put(&s, i, 0, unit * (u + shift));
                put(&s, i, 1, unit * (0.69 - u + shift));
            }
            s.spec.eps = unit * scale_of((enum ps_dtype)type);
            compare(&s, apart ? "facing cells, apart" : "facing cells, connected");
            cluster(&ps_dbscan_cpu, &s.spec, &r);
            ck_assert_uint_eq(r.components, apart ? 2 : 1);
        }
}
END_TEST

/** With some points as halo: flags of own points and labels are those of the whole; components never join
 * what the whole keeps apart, and join every two core neighbours of which one is an own point. */
START_TEST(halo)
{
    static struct set s;
    static struct result want, got;
    for (int d = 1; d <= 6; d++)
        for (int index = PS_INDEX_GRID; index <= PS_INDEX_TREE; index++) {
            fill(&s, PS_F32, 600, d, 5, 9, 3, 6, 77 + (uint32_t)d);
            cluster(&ps_dbscan_ref, &s.spec, &want);
            s.spec.own = 250;
            s.spec.index = (enum ps_dbscan_index)index;
            struct ps_dbscan *k;
            memset(&got, 0, sizeof got);
            ck_assert_int_eq(ps_dbscan_cpu.create(&s.spec, &k), PS_OK);
            ck_assert_int_eq(ps_dbscan_cpu.core(k, got.core), PS_OK);
            ck_assert_mem_eq(got.core, want.core, 250);
            memcpy(got.core + 250, want.core + 250, 350);
            ck_assert_int_eq(ps_dbscan_cpu.connect(k, got.core, got.component, &got.components), PS_OK);
            int64_t number[MAX_POINTS];
            for (int64_t i = 0; i < 600; i++)
                if (got.core[i]) number[got.component[i]] = -want.label[i];
            for (int64_t i = 0; i < 600; i++)
                if (got.core[i]) ck_assert_int_eq(number[got.component[i]], -want.label[i]);
            ck_assert_int_eq(ps_dbscan_cpu.label(k, number, got.label), PS_OK);
            for (int64_t i = 0; i < 250; i++) ck_assert_int_eq(got.label[i], want.label[i]);
            for (int64_t i = 0; i < 250; i++)
                for (int64_t j = 0; j < 600; j++) {
                    double sum = 0;
                    for (int c = 0; c < d; c++) {
                        double t = ps_points_at(&s.spec.points, i, c) - ps_points_at(&s.spec.points, j, c);
                        sum += t * t;
                    }
                    if (got.core[i] && got.core[j] && sum <= 9)
                        ck_assert_uint_eq(got.component[i], got.component[j]);
                }
            ps_dbscan_cpu.destroy(k);
        }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {
        lattices_of_every_type, dense_and_sparse_mixed, extremes, equal_points, facing_cells, halo, NULL};
    return mck_main(argc, argv, "dbscan", tests);
}
