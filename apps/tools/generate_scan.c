/* scan: a terrestrial laser scan. A scanner turns at equal angular steps, so the density of points on a
 * surface falls with the square of its distance; several stations overlap. The scene: flat ground, large
 * boxes (buildings), small boxes. Unit: centimetres. */
#include <stdlib.h>
#include "apps/tools/generate.h"

enum { BUILDINGS = 40, THINGS = 160, BOXES = BUILDINGS + THINGS, ATTEMPTS = 32 };
static const double eye = 170, reach = 8000, clearance = 100;
static const double lowest = -1.05, highest = 0.7; /* elevation of the beams, radians */

struct box {
    double lo[3], hi[3];
};

struct scan {
    struct box box[BOXES];
    int64_t stations;
    double (*station)[3]; /* [stations] */
    /* boxes within reach of each station: a beam meets no others */
    int *near_count;    /* [stations] */
    int (*near)[BOXES]; /* [stations] */
};

static void destroy(void *state)
{
    struct scan *c = state;
    if (!c) return;
    free(c->station), free(c->near_count), free(c->near), free(c);
}

static double between(struct ps_rng r, int64_t index, uint32_t slot, double lo, double hi)
{
    return lo + (hi - lo) * ps_rng_uniform(r, index, slot);
}

static struct box make_box(const struct gen_spec *s, int i)
{
    struct ps_rng r = gen_rng(s, GEN_PLACE);
    bool building = i < BUILDINGS;
    struct box b;
    for (uint32_t k = 0; k < 2; k++) {
        double half = building ? between(r, i, k, 300, 1200) : between(r, i, k, 20, 150);
        double centre = between(r, i, 4 + k, 0, s->extent);
        b.lo[k] = centre - half, b.hi[k] = centre + half;
    }
    b.lo[2] = 0;
    b.hi[2] = building ? between(r, i, 2, 400, 2000) : between(r, i, 2, 50, 200);
    return b;
}

/** Horizontal distance of a place to a box; 0 inside. */
static double away(const struct box *b, const double *at)
{
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        double gap = fmax(fmax(b->lo[k] - at[k], at[k] - b->hi[k]), 0);
        sum += gap * gap;
    }
    return sqrt(sum);
}

/** Put a station on free ground near the middle of the scene. */
static void put_station(const struct gen_spec *s, struct scan *c, int64_t i)
{
    double *at = c->station[i];
    at[2] = eye;
    for (uint32_t attempt = 0; attempt < 1000; attempt++) {
        bool is_free = true;
        for (uint32_t k = 0; k < 2; k++)
            at[k] =
                between(gen_rng(s, GEN_PLACE), BOXES + i, 2 * attempt + k, 0.2 * s->extent, 0.8 * s->extent);
        for (int b = 0; b < BOXES && is_free; b++) is_free = away(&c->box[b], at) > clearance;
        if (is_free) break;
    }
    for (int b = 0; b < BOXES; b++)
        if (away(&c->box[b], at) < reach) c->near[i][c->near_count[i]++] = b;
}

static enum ps_status create(const struct gen_spec *s, struct ps_range mine, void **state)
{
    (void)mine;
    struct scan *c;
    enum ps_status rc = ps_zalloc(&c, 1, sizeof *c, "the scene");
    *state = c;
    if (rc != PS_OK) return rc;
    c->stations = s->parts;
    PS_TRY(ps_alloc(&c->station, c->stations, sizeof *c->station, "the stations"));
    PS_TRY(ps_zalloc(&c->near_count, c->stations, sizeof *c->near_count, "the stations"));
    PS_TRY(ps_alloc(&c->near, c->stations, sizeof *c->near, "the stations"));
    for (int b = 0; b < BOXES; b++) c->box[b] = make_box(s, b);
    for (int64_t i = 0; i < c->stations; i++) put_station(s, c, i);
    return PS_OK;
}

/* Plain comparisons: fmin and fmax are calls, because they treat NaN and zeros with care. */
static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}
static inline double greater(double a, double b)
{
    return a > b ? a : b;
}

/** Where a beam enters a box (the slab method of Kay and Kajiya 1986); INFINITY where it misses. */
static inline double enters(const struct box *b, const double *at, const double *inverse)
{
    double in = 0, out = INFINITY;
    for (int k = 0; k < 3; k++) {
        double t1 = (b->lo[k] - at[k]) * inverse[k], t2 = (b->hi[k] - at[k]) * inverse[k];
        in = greater(in, lesser(t1, t2));
        out = lesser(out, greater(t1, t2));
    }
    return in <= out ? in : INFINITY;
}

/** How far a beam goes until it meets something. */
static double length_of(const struct scan *c, int64_t station, const double *dir)
{
    const double *at = c->station[station];
    double inverse[3] = {1 / dir[0], 1 / dir[1], 1 / dir[2]};
    double length = dir[2] < 0 ? -at[2] * inverse[2] : INFINITY;
    for (int i = 0; i < c->near_count[station]; i++)
        length = lesser(length, enters(&c->box[c->near[station][i]], at, inverse));
    return length;
}

static void point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    const struct scan *c = state;
    const double two_pi = 6.283185307179586;
    struct ps_rng r = gen_rng(s, GEN_POINT);
    int64_t station = ps_rng_below(gen_rng(s, GEN_CHOICE), index, 0, c->stations);
    const double *at = c->station[station];
    double length = INFINITY, dir[3] = {0, 0, -1};
    /* beams into the sky return nothing: the scanner goes on to the next */
    for (uint32_t attempt = 0; attempt < ATTEMPTS && !(length < reach); attempt++) {
        double turn = two_pi * ps_rng_uniform(r, index, 2 * attempt);
        double up = between(r, index, 2 * attempt + 1, lowest, highest);
        dir[0] = cos(up) * cos(turn), dir[1] = cos(up) * sin(turn), dir[2] = sin(up);
        length = length_of(c, station, dir);
    }
    if (!(length < reach)) dir[0] = dir[1] = 0, dir[2] = -1, length = eye;
    if (gen_is_noise(s, index)) length *= ps_rng_uniform(r, index, 2 * ATTEMPTS); /* dust, rain, birds */
    length += s->sigma * ps_rng_normal(gen_rng(s, GEN_SIGMA), index, 0);
    for (int k = 0; k < 3; k++) x[k] = at[k] + length * dir[k];
}

const struct gen_kind gen_scan = {
    .name = "scan",
    .min_d = 3,
    .max_d = 3,
    .usual = {.d = 3, .noise = 0.002, .sigma = 0.5, .extent = 15000, .parts = 5},
    .create = create,
    .point = point,
    .destroy = destroy,
};
