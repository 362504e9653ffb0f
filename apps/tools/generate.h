/** Kinds of generated data sets. A point is a function of (seed, index) alone, so any number of ranks writes
 * the same file. */
#ifndef GENERATE_H
#define GENERATE_H

#include <math.h>
#include "common/par/block.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { GEN_MAX_D = 64 };

/** What the numbers of a random stream are for; a new use takes a new number, or files change. */
enum gen_stream { GEN_POINT = 1, GEN_PLACE = 2, GEN_NOISE = 3, GEN_WALK = 4, GEN_CHOICE = 5, GEN_SIGMA = 6 };

/** What to generate; the kind's own defaults are filled in before its functions see it. */
struct gen_spec {
    int64_t n;
    int d;
    uint64_t seed;
    double noise;    /**< share of points that belong to no cluster */
    double sigma;    /**< spread of a cluster, or of a measurement */
    double extent;   /**< side of the domain */
    int64_t parts;   /**< blobs, towns, boxes, stations: what the kind is made of */
    double exponent; /**< of Zipf's law */
};

/** A kind of data set. */
struct gen_kind {
    const char *name;
    int min_d, max_d;      /**< dimensions it can have; equal: it has no choice */
    struct gen_spec usual; /**< its defaults */

    /** Prepare for the points of `mine`. Local. PS_OK; PS_ENOMEM; PS_EUSAGE (settings that contradict each
     * other) */
    enum ps_status (*create)(const struct gen_spec *spec, struct ps_range mine, void **state);

    /** Point `index` of `mine`; thread-safe. @param x out [d] */
    void (*point)(const struct gen_spec *spec, const void *state, int64_t index, double *x);

    void (*destroy)(void *state);
};

extern const struct gen_kind gen_uniform, gen_blobs, gen_moons, gen_geo, gen_scan, gen_spreader;

/** The random sequence for one use. */
static inline struct ps_rng gen_rng(const struct gen_spec *s, enum gen_stream stream)
{
    return (struct ps_rng){.seed = s->seed, .stream = (uint32_t)stream};
}

/** Is point `index` noise? */
static inline bool gen_is_noise(const struct gen_spec *s, int64_t index)
{
    return s->noise > 0 && ps_rng_uniform(gen_rng(s, GEN_NOISE), index, 0) < s->noise;
}

/** Uniform in [0, extent)^d. */
static inline void gen_anywhere(const struct gen_spec *s, struct ps_rng r, int64_t index, double *x)
{
    for (int k = 0; k < s->d; k++) x[k] = s->extent * ps_rng_uniform(r, index, (uint32_t)k);
}

#endif
