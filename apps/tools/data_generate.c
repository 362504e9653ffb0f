/* psml-data generate: data sets of any size, the same on any number of ranks. */
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"
#include "apps/tools/data_values.h"
#include "apps/tools/generate.h"
#include "common/run/log.h"

struct params {
    ps_str kind;
    ps_str output;
    int64_t n;
    int d;
    ps_str type;
    ps_str output_dataset;
    double noise;
    double sigma;
    double extent;
    int64_t parts;
    double exponent;
    double scale;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, kind, .positional = 1, .choices = "uniform|blobs|moons|geo|scan|spreader",
             .help = "what to generate (psml-data generate spectra, digits and images are programs of their "
                     "own, see there)"),
    PS_PARAM(struct params, output, .positional = 2, .letter = 'o',
             .help = "file to write; its name's end says the format"),
    PS_PARAM(struct params, n, .def = "1000000", .letter = 'n', .range = "[1,inf)",
             .help = "number of points"),
    PS_PARAM(struct params, d, .def = "0", .letter = 'd', .range = "[0,64]",
             .help = "dimensions; 0 = the kind's own"),
    PS_PARAM(struct params, type, .def = "float32",
             .choices = "float32|float64|int8|uint8|int16|uint16|int32|uint32|int64|uint64",
             .help = "element type; integers are rounded to nearest"),
    PS_PARAM(struct params, output_dataset, .def = "DATA", .help = "name inside an HDF5 or netCDF file"),
    PS_PARAM(struct params, noise, .def = "-1", .range = "[-1,1)",
             .help = "share of points outside the clusters; -1 = the kind's own"),
    PS_PARAM(struct params, sigma, .def = "-1", .range = "[-1,inf)",
             .help =
                 "spread of a blob, of a moon's points, of the largest town (degrees), of a laser's range "
                 "(cm); -1 = the kind's own"),
    PS_PARAM(struct params, extent, .def = "0", .range = "[0,inf)",
             .help = "side of the domain of uniform, blobs, scan and spreader; 0 = the kind's own"),
    PS_PARAM(struct params, parts, .def = "0", .range = "[0,10000000]",
             .help = "number of blobs, towns or scanner stations; 0 = the kind's own"),
    PS_PARAM(struct params, exponent, .def = "0", .range = "[0,10]",
             .help = "geo: the k-th largest town has a size of k^-exponent; 0 = 0.9"),
    PS_PARAM(struct params, scale, .def = "1", .range = "(0,inf)",
             .help = "factor for all coordinates, e.g. 1e6 for degrees as whole numbers"),
};

static const struct gen_kind *const kinds[] = {&gen_uniform, &gen_blobs, &gen_moons,
                                               &gen_geo,     &gen_scan,  &gen_spreader};

static const struct gen_kind *kind_named(const char *name)
{
    size_t i = 0;
    while (i + 1 < sizeof kinds / sizeof *kinds && strcmp(kinds[i]->name, name) != 0) i++;
    return kinds[i];
}

/** The kind's defaults where the parameters leave them open. Local. */
static enum ps_status settle(const struct params *p, int64_t seed, const struct gen_kind *kind,
                             struct gen_spec *s)
{
    *s = kind->usual;
    s->n = p->n;
    s->seed = (uint64_t)seed;
    if (p->d) s->d = p->d;
    PS_CHECK(s->d >= kind->min_d && s->d <= kind->max_d, PS_EUSAGE,
             kind->min_d == kind->max_d ? "d = %d: %s has %d dimensions"
                                        : "d = %d: %s has %d to %d dimensions",
             s->d, kind->name, kind->min_d, kind->max_d);
    PS_CHECK(p->noise <= 0 || kind->usual.noise > 0 || kind == &gen_moons, PS_EUSAGE, "%s has no noise",
             kind->name);
    PS_CHECK(p->sigma < 0 || kind->usual.sigma > 0, PS_EUSAGE, "sigma = %g: %s has no such spread", p->sigma,
             kind->name);
    PS_CHECK(!p->parts || kind->usual.parts, PS_EUSAGE, "parts = %lld: %s has none to count",
             (long long)p->parts, kind->name);
    PS_CHECK(!(p->extent > 0) || kind->usual.extent > 0, PS_EUSAGE, "extent = %g: the domain of %s is fixed",
             p->extent, kind->name);
    if (p->noise >= 0) s->noise = p->noise;
    if (p->sigma >= 0) s->sigma = p->sigma;
    if (p->extent > 0) s->extent = p->extent;
    if (p->parts) s->parts = p->parts;
    if (p->exponent > 0) s->exponent = p->exponent;
    return PS_OK;
}

/** Fill own rows. Local. */
static enum ps_status fill(const struct params *p, const struct gen_spec *s, const struct gen_kind *kind,
                           const void *state, struct ps_shard *out)
{
    int64_t bad = INT64_MAX;
#pragma omp parallel for reduction(min : bad) schedule(static)
    for (int64_t i = out->mine.lo; i < out->mine.hi; i++) {
        double x[GEN_MAX_D];
        kind->point(s, state, i, x);
        for (int k = 0; k < s->d; k++) {
            double v = x[k] * p->scale;
            if (out->type != PS_F32 && out->type != PS_F64) v = nearbyint(v);
            if (!data_put(out->data, (i - out->mine.lo) * s->d + k, out->type, v) && i < bad) bad = i;
        }
    }
    PS_CHECK(bad == INT64_MAX, PS_EUSAGE, "point %lld does not fit into %s: take another type or scale",
             (long long)bad, p->type);
    return PS_OK;
}

/** Make own rows. Local. */
static enum ps_status make(const struct ps_run *run, const struct params *p, struct ps_shard *out)
{
    const struct gen_kind *kind = kind_named(p->kind);
    struct gen_spec s;
    void *state = NULL;
    enum ps_status rc;
    PS_TRY(settle(p, run->common->seed, kind, &s));
    *out = (struct ps_shard){.rows = s.n, .cols = s.d, .mine = ps_block(s.n, run->size, run->rank)};
    data_type_named(p->type, &out->type);
    PS_TRY_DONE(
        ps_alloc(&out->data, (out->mine.hi - out->mine.lo) * s.d, ps_dtype_size(out->type), "the points"));
    PS_TRY_DONE(kind->create(&s, out->mine, &state));
    rc = fill(p, &s, kind, state, out);
done:
    kind->destroy(state);
    return rc;
}

static enum ps_status run_generate(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_shard out = {0};
    enum ps_status rc = ps_agree(run->comm, make(run, p, &out));
    if (rc == PS_OK) rc = ps_shard_write(run->comm, p->output, p->output_dataset, &out);
    if (rc == PS_OK)
        ps_print(run, "%s: %lld x %lld %s\n", p->output, (long long)out.rows, (long long)out.cols, p->type);
    ps_shard_free(&out);
    return rc;
}

const struct ps_program ps_data_generate = {
    .name = "psml-data generate",
    .summary = "generate a data set: the same on any number of ranks and threads",
    .synopsis = "[options] KIND OUTPUT",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_HAS_SEED,
    .run = run_generate,
};
