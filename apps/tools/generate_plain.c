/* uniform, blobs, moons: kinds that need no state or little. */
#include <stdlib.h>
#include "apps/tools/generate.h"

static enum ps_status create_nothing(const struct gen_spec *s, struct ps_range mine, void **state)
{
    (void)s, (void)mine;
    *state = NULL;
    return PS_OK;
}

static void uniform_point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    (void)state;
    gen_anywhere(s, gen_rng(s, GEN_POINT), index, x);
}

const struct gen_kind gen_uniform = {
    .name = "uniform",
    .min_d = 1,
    .max_d = GEN_MAX_D,
    .usual = {.d = 2, .extent = 1},
    .create = create_nothing,
    .point = uniform_point,
    .destroy = free,
};

/** A blob is chosen with equal chance; its centre is a function of its number. */
static void blobs_point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    (void)state;
    struct ps_rng point = gen_rng(s, GEN_POINT);
    if (gen_is_noise(s, index)) {
        gen_anywhere(s, point, index, x);
        return;
    }
    int64_t blob = ps_rng_below(gen_rng(s, GEN_CHOICE), index, 0, s->parts);
    gen_anywhere(s, gen_rng(s, GEN_PLACE), blob, x);
    for (int k = 0; k < s->d; k++) x[k] += s->sigma * ps_rng_normal(point, index, (uint32_t)k);
}

const struct gen_kind gen_blobs = {
    .name = "blobs",
    .min_d = 1,
    .max_d = GEN_MAX_D,
    .usual = {.d = 2, .noise = 0.05, .sigma = 1, .extent = 100, .parts = 10},
    .create = create_nothing,
    .point = blobs_point,
    .destroy = free,
};

/** Two interleaved half circles of radius 1: one about (0, 0), open below, one about (1, 0.5), open above. */
static void moons_point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    (void)state;
    const double pi = 3.141592653589793;
    struct ps_rng point = gen_rng(s, GEN_POINT);
    double turn = pi * ps_rng_uniform(point, index, 2);
    bool lower = ps_rng_u64(gen_rng(s, GEN_CHOICE), index, 0) >> 63;
    x[0] = lower ? 1 - cos(turn) : cos(turn);
    x[1] = lower ? 0.5 - sin(turn) : sin(turn);
    if (gen_is_noise(s, index)) { /* anywhere in the box of the moons */
        x[0] = 3 * ps_rng_uniform(point, index, 0) - 1;
        x[1] = 1.5 * ps_rng_uniform(point, index, 1) - 0.5;
        return;
    }
    for (int k = 0; k < 2; k++) x[k] += s->sigma * ps_rng_normal(point, index, (uint32_t)k);
}

const struct gen_kind gen_moons = {
    .name = "moons",
    .min_d = 2,
    .max_d = 2,
    .usual = {.d = 2, .sigma = 0.05},
    .create = create_nothing,
    .point = moons_point,
    .destroy = free,
};
