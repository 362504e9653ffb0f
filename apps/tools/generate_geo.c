/* geo: where people are, as longitude and latitude: towns whose sizes follow Zipf's law, their density
 * falling off exponentially from the centre (Clark 1951, "Urban population densities"), and points spread
 * over the country. */
#include <stdlib.h>
#include "apps/tools/generate.h"

/** The country, in degrees: Europe's width and height. Towns keep away from its edge. */
static const double west = -11, east = 20, south = 35, north = 60, edge = 0.5;

struct geo {
    int64_t towns;
    double *upto;   /* [towns] share of people in towns 0 .. k */
    double *radius; /* [towns] length over which the density falls by 1/e, degrees */
};

static void destroy(void *state)
{
    struct geo *g = state;
    if (!g) return;
    free(g->upto), free(g->radius), free(g);
}

static enum ps_status create(const struct gen_spec *s, struct ps_range mine, void **state)
{
    (void)mine;
    struct geo *g;
    double sum = 0;
    enum ps_status rc = ps_zalloc(&g, 1, sizeof *g, "the towns");
    *state = g;
    if (rc != PS_OK) return rc;
    g->towns = s->parts;
    PS_TRY(ps_alloc(&g->upto, g->towns, sizeof *g->upto, "the towns"));
    PS_TRY(ps_alloc(&g->radius, g->towns, sizeof *g->radius, "the towns"));
    for (int64_t k = 0; k < g->towns; k++) {
        double size = pow((double)(k + 1), -s->exponent);
        g->upto[k] = sum += size;
        g->radius[k] =
            s->sigma * pow(size, 0.4); /* larger towns are also denser: an area grows as size^0.8 */
    }
    for (int64_t k = 0; k < g->towns; k++) g->upto[k] /= sum;
    return PS_OK;
}

/** The town in whose share u falls. */
static int64_t town_of(const struct geo *g, double u)
{
    int64_t lo = 0, hi = g->towns - 1;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (u < g->upto[mid])
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static double between(struct ps_rng r, int64_t index, uint32_t slot, double lo, double hi)
{
    return lo + (hi - lo) * ps_rng_uniform(r, index, slot);
}

static void point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    const struct geo *g = state;
    const double two_pi = 6.283185307179586;
    struct ps_rng r = gen_rng(s, GEN_POINT), place = gen_rng(s, GEN_PLACE);
    if (gen_is_noise(s, index)) {
        x[0] = between(r, index, 0, west, east);
        x[1] = between(r, index, 1, south, north);
        return;
    }
    int64_t town = town_of(g, ps_rng_uniform(gen_rng(s, GEN_CHOICE), index, 0));
    /* a density exp(-r/a) in the plane has radii of density r exp(-r/a): the sum of two exponential draws */
    double u = 1 - ps_rng_uniform(r, index, 0), v = 1 - ps_rng_uniform(r, index, 1);
    double radius = -g->radius[town] * log(u * v), turn = two_pi * ps_rng_uniform(r, index, 2);
    x[0] = between(place, town, 0, west + edge, east - edge) + radius * cos(turn);
    x[1] = between(place, town, 1, south + edge, north - edge) + radius * sin(turn);
}

const struct gen_kind gen_geo = {
    .name = "geo",
    .min_d = 2,
    .max_d = 2,
    .usual = {.d = 2, .noise = 0.05, .sigma = 0.03, .parts = 10000, .exponent = 0.9},
    .create = create,
    .point = point,
    .destroy = destroy,
};
