/* spreader: the seed spreader of Gan and Tao (2015), "DBSCAN revisited: mis-claim, un-fixability, and
 * approximation", section 5.1. A spreader drops each point uniformly within a ball about its place; after
 * every 100 points it shifts by a fixed length into a random direction; with a small probability per point it
 * restarts somewhere else, which begins a new cluster. */
#include <stdlib.h>
#include "apps/tools/generate.h"

enum { RESET = 100 };
static const double vicinity = 100, shift_per_d = 50, restarts = 10;

/** A stretch of points dropped from one place. */
struct stop {
    int64_t from; /* first point */
    double at[];  /* [d] */
};

struct walk {
    int64_t count, room;
    size_t size; /* bytes of a stop */
    char *stops; /* those that this rank needs, in order of points */
};

static void destroy(void *state)
{
    struct walk *w = state;
    if (!w) return;
    free(w->stops), free(w);
}

static struct stop *stop_at(const struct walk *w, int64_t i)
{
    return (struct stop *)(w->stops + (size_t)i * w->size);
}

static enum ps_status keep(struct walk *w, int64_t from, const double *at, int d)
{
    if (w->count == w->room) {
        int64_t room = w->room * 2 + 1024;
        char *stops = realloc(w->stops, (size_t)room * w->size);
        PS_CHECK(stops, PS_ENOMEM, "the places of the spreader: %lld bytes of memory could not be had",
                 (long long)room * (long long)w->size);
        w->stops = stops, w->room = room;
    }
    struct stop *stop = stop_at(w, w->count++);
    stop->from = from;
    for (int k = 0; k < d; k++) stop->at[k] = at[k];
    return PS_OK;
}

/** A random direction of unit length. */
static void direction(struct ps_rng r, int64_t index, uint32_t slot, int d, double *to)
{
    double sum = 0;
    for (int k = 0; k < d; k++) {
        to[k] = ps_rng_normal(r, index, slot + (uint32_t)k);
        sum += to[k] * to[k];
    }
    for (int k = 0; k < d; k++) to[k] /= sqrt(sum);
}

/** Shift the spreader; at the domain's wall it bounces, so that its vicinity stays inside. */
static void shift(const struct gen_spec *s, int64_t index, double *at)
{
    double to[GEN_MAX_D], lo = vicinity, hi = s->extent - vicinity;
    direction(gen_rng(s, GEN_WALK), index, GEN_MAX_D, s->d, to);
    for (int k = 0; k < s->d; k++) {
        at[k] += shift_per_d * s->d * to[k];
        if (at[k] < lo) at[k] = 2 * lo - at[k];
        if (at[k] > hi) at[k] = 2 * hi - at[k];
    }
}

static void restart(const struct gen_spec *s, int64_t index, double *at)
{
    for (int k = 0; k < s->d; k++)
        at[k] =
            vicinity + (s->extent - 2 * vicinity) * ps_rng_uniform(gen_rng(s, GEN_WALK), index, (uint32_t)k);
}

/** Points from one restart to the next: geometric with mean 1/chance. */
static int64_t stay(const struct gen_spec *s, int64_t index, double chance)
{
    double u = 1 - ps_rng_uniform(gen_rng(s, GEN_CHOICE), index, 0);
    if (chance >= 1) return 1;
    double steps = floor(log(u) / log1p(-chance));
    return steps < 9e18 ? 1 + (int64_t)steps : INT64_MAX;
}

/** Replay the walk up to the last of own points; it is sequential but has one step per 100 points. */
static enum ps_status create(const struct gen_spec *s, struct ps_range mine, void **state)
{
    struct walk *w;
    double at[GEN_MAX_D], chance = restarts / ((double)s->n * (1 - s->noise));
    enum ps_status rc = ps_zalloc(&w, 1, sizeof *w, "the walk of the spreader");
    *state = w;
    if (rc != PS_OK) return rc;
    PS_CHECK(s->extent > 2 * vicinity + 2 * shift_per_d * s->d, PS_EUSAGE,
             "extent = %g is too small for a spreader in %d dimensions: more than %g is needed", s->extent,
             s->d, 2 * vicinity + 2 * shift_per_d * s->d);
    w->size = sizeof(struct stop) + (size_t)s->d * sizeof(double);
    int64_t next_restart = 0;
    for (int64_t from = 0, to; from < mine.hi; from = to) {
        if (from == next_restart) {
            int64_t points = stay(s, from, chance);
            restart(s, from, at);
            next_restart = points < INT64_MAX - from ? from + points : INT64_MAX;
        } else {
            shift(s, from, at);
        }
        to = next_restart - from < RESET ? next_restart : from + RESET;
        if (to > mine.lo) PS_TRY(keep(w, from, at, s->d));
    }
    return PS_OK;
}

static void point(const struct gen_spec *s, const void *state, int64_t index, double *x)
{
    const struct walk *w = state;
    struct ps_rng r = gen_rng(s, GEN_POINT);
    if (gen_is_noise(s, index)) {
        gen_anywhere(s, r, index, x);
        return;
    }
    int64_t lo = 0, hi = w->count - 1; /* the last stop that begins at or before this point */
    while (lo < hi) {
        int64_t mid = hi - (hi - lo) / 2;
        if (stop_at(w, mid)->from <= index)
            lo = mid;
        else
            hi = mid - 1;
    }
    direction(r, index, 1, s->d, x);
    double radius = vicinity * pow(ps_rng_uniform(r, index, 0), 1.0 / s->d); /* uniform in the ball */
    for (int k = 0; k < s->d; k++) x[k] = stop_at(w, lo)->at[k] + radius * x[k];
}

const struct gen_kind gen_spreader = {
    .name = "spreader",
    .min_d = 2,
    .max_d = 16,
    .usual = {.d = 3, .noise = 1e-4, .extent = 1e5},
    .create = create,
    .point = point,
    .destroy = destroy,
};
