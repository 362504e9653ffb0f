/* Write odd data sets into a folder, and a line `file eps minPts rows` for each to standard output.
 * usage: odd-inputs FOLDER */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/io/shard.h"
#include "common/run/err.h"
#include "tests/tools/odd_shapes.h"

struct set {
    const char *name; /* with its file's ending */
    void (*fill)(struct points *p);
    enum ps_dtype type;
    int64_t n;
    int d;
    double eps;
    int64_t min_points;
};

static const struct set sets[] = {
    {"none.npy", uniform, PS_F64, 0, 3, 1, 2},
    {"one.npy", equal, PS_F64, 1, 2, 1, 1},
    {"one-noise.h5", equal, PS_F32, 1, 1, 1, 2},
    {"two-at-eps.npy", two, PS_F64, 2, 2, 5, 2},
    {"two-at-eps-int.npy", two, PS_I16, 2, 2, 5, 2},
    {"two-apart.npy", two_apart, PS_F64, 2, 2, 5, 2},
    {"three.npy", uniform, PS_F32, 3, 3, 0.8, 2},
    {"all-equal.npy", equal, PS_F32, 2000, 3, 0.5, 2000},
    {"all-equal-too-few.npy", equal, PS_I32, 300, 2, 0.5, 301},
    {"spot.npy", spot, PS_F64, 500, 2, 1e-3, 3},
    {"duplicates.npy", duplicates, PS_F64, 3000, 2, 1, 100},
    {"duplicates-int.npy", duplicates, PS_U8, 2000, 3, 2, 60},
    {"collinear-1d.npy", collinear, PS_F32, 500, 1, 1, 3},
    {"collinear-1d-int.npy", collinear, PS_U16, 500, 1, 1, 3},
    {"collinear-2d.npy", collinear, PS_F64, 500, 2, 5, 3},
    {"collinear-3d-int.h5", collinear, PS_I32, 500, 3, 3, 3},
    {"collinear-3d.npy", collinear, PS_F32, 500, 3, 3, 4},
    {"collinear-4d-int64.npy", collinear, PS_I64, 400, 4, 2, 2},
    {"tenths.npy", tenths, PS_F64, 1000, 1, 0.1, 2},
    {"tenths-float.npy", tenths, PS_F32, 1000, 2, 0.1, 3},
    {"lattice-2d.npy", lattice, PS_F64, 1600, 2, 1, 5},
    {"lattice-2d-int.npy", lattice, PS_I8, 1600, 2, 1, 4},
    {"lattice-3d-diagonal.npy", lattice, PS_F32, 1331, 3, 1.4142135623730951, 19},
    {"lattice-3d-short.npy", lattice, PS_F64, 1331, 3, 1.414213562373095, 19},
    {"walls.npy", walls, PS_F64, 3000, 2, 0.25, 5},
    {"walls-apart.npy", walls_apart, PS_F64, 3000, 2, 0.25, 5},
    {"eps-1e-300.npy", tiny, PS_F64, 400, 1, 1e-300, 3},
    {"eps-1e-30.npy", tiny, PS_F64, 400, 2, 1e-30, 3},
    {"eps-smallest.npy", tiny, PS_F64, 400, 1, 5e-324, 3},
    {"eps-1e-154.npy", tiny, PS_F64, 400, 2, 1e-154, 20},
    {"eps-1e30.npy", mixture, PS_F32, 1000, 2, 1e30, 3},
    {"eps-1e300.npy", mixture, PS_F64, 1000, 3, 1e300, 1000},
    {"min-points-1.npy", uniform, PS_F64, 1000, 2, 0.01, 1},
    {"min-points-1-int.npy", duplicates, PS_I16, 500, 2, 0.5, 1},
    {"min-points-beyond.npy", uniform, PS_F32, 1000, 2, 10, 1001},
    {"int8.npy", whole, PS_I8, 1200, 2, 2, 5},
    {"uint8.h5", whole, PS_U8, 1200, 2, 2, 5},
    {"int16.npy", whole, PS_I16, 1200, 3, 5, 6},
    {"uint16.h5", whole, PS_U16, 1200, 3, 5, 6},
    {"int32.npy", whole, PS_I32, 1200, 2, 2, 5},
    {"uint32.h5", whole, PS_U32, 1200, 2, 2, 5},
    {"int64.npy", whole64, PS_I64, 1200, 2, 2, 5},
    {"int64-3d.h5", whole64, PS_I64, 800, 3, 4, 6},
    {"uint64.npy", whole64, PS_U64, 1200, 2, 2, 5},
    {"uint64-1d.h5", whole64, PS_U64, 400, 1, 1, 12},
    {"int64-half.npy", whole64, PS_I64, 400, 2, 9.3e18, 250},
    {"uint64-wide.npy", whole64, PS_U64, 400, 2, 1.8446744073709552e19, 150},
    {"float-ends.npy", vast, PS_F32, 600, 2, 1.7014117e38, 20},
    {"float-ends-near.npy", vast, PS_F32, 600, 2, 1e19, 3},
    {"double-ends.npy", vast, PS_F64, 600, 2, 1e154, 5},
    {"double-ends-all.npy", vast, PS_F64, 600, 3, 1e300, 600},
    {"far-away.npy", far_away, PS_F32, 1000, 2, 2, 4},
    {"long-box.npy", flat, PS_F64, 2000, 2, 1e-3, 4},
    {"dim-1.npy", mixture, PS_F64, 600, 1, 0.2, 8},
    {"dim-2.npy", mixture, PS_F32, 600, 2, 2, 8},
    {"dim-3.npy", mixture, PS_F64, 600, 3, 4, 8},
    {"dim-4.npy", mixture, PS_F32, 600, 4, 5, 8},
    {"dim-5.npy", mixture, PS_F64, 600, 5, 6, 8},
    {"dim-6.npy", mixture, PS_F32, 600, 6, 7, 8},
    {"dim-7.npy", mixture, PS_F64, 600, 7, 8, 8},
    {"dim-8.npy", mixture, PS_F32, 600, 8, 9, 8},
    {"dim-9.npy", mixture, PS_F64, 600, 9, 9, 8},
    {"dim-10.npy", mixture, PS_F32, 600, 10, 10, 8},
    {"dim-11.npy", mixture, PS_F64, 600, 11, 10, 8},
    {"dim-12.npy", mixture, PS_F32, 600, 12, 11, 8},
    {"dim-40.npy", mixture, PS_F64, 300, 40, 25, 5},
    {"spiral.npy", spiral, PS_F64, 2500, 2, 1.2, 2},
    {"zigzag.npy", zigzag, PS_F64, 41 * 40, 2, 1, 2},
    {"zigzag-int.npy", zigzag, PS_I16, 41 * 40, 2, 1, 3},
    {"comb.npy", comb, PS_F32, 2400, 2, 1, 2},
    {"rings.npy", rings, PS_F64, 4000, 2, 0.2, 6},
    {"contested.npy", contested, PS_F64, 2800, 2, 1.77, 6},
    {"mixture-10k.npy", mixture, PS_F32, 10000, 2, 0.6, 12},
    {"mixture-20k-8d.npy", mixture, PS_F64, 20000, 8, 5, 10},
    {"mixture-50k.npy", mixture, PS_F64, 50000, 3, 0.8, 10},
    {"city.npy", city, PS_F32, 30000, 2, 2, 12},
};

static void fail(const char *what)
{
    fprintf(stderr, "odd-inputs: %s\n", what);
    exit(1);
}

static void write_set(const char *folder, const struct set *set)
{
    char path[1200];
    struct points p = {set->type, set->n, set->d, set->eps, NULL};
    p.data = calloc((size_t)(p.n * p.d) + 1, ps_dtype_size(p.type));
    if (!p.data) fail("no memory");
    set->fill(&p);
    struct ps_shard s = {p.n, p.d, {0, p.n}, p.type, p.data};
    const int dot = (int)(strrchr(set->name, '.') - set->name);
    const char *ending = set->name + dot;
    snprintf(path, sizeof path, "%s/%s", folder, set->name);
    enum ps_status rc = ps_shard_write(MPI_COMM_SELF, path, "DATA", &s);
    if (rc == PS_EBACKEND) { /* built without HDF5 */
        ps_err_clear();
        ending = ".npy";
        snprintf(path, sizeof path, "%s/%.*s%s", folder, dot, set->name, ending);
        rc = ps_shard_write(MPI_COMM_SELF, path, "DATA", &s);
    }
    if (rc != PS_OK) fail(ps_err_message());
    printf("%.*s%s %.17g %lld %lld\n", dot, set->name, ending, set->eps, (long long)set->min_points,
           (long long)set->n);
    free(p.data);
}

int main(int argc, char **argv)
{
    if (argc != 2) fail("usage: odd-inputs FOLDER");
    MPI_Init(NULL, NULL);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) write_set(argv[1], &sets[i]);
    MPI_Finalize();
    return 0;
}
