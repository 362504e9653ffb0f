#include "apps/autoencoder/spectra_parts.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/order.h"
#include "common/par/grain.h"
#include "common/par/window.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { SPLIT = -1 /* no epoch has this number */, GRAINS = 64 };

/* Random numbers of these purposes. */
static const uint32_t NOISE = 0x6e6f6973, MASK = 0x6d61736b;

enum ps_status spectra_split(const struct spectra *s, uint64_t seed, double test, double validation,
                             struct spectra_part *train, struct spectra_part *valid,
                             struct spectra_part *tested)
{
    const int64_t n = s->n - s->n_broken, tests = llround(test * (double)n),
                  valids = llround(validation * (double)n);
    PS_CHECK(tests > 0 && (valids > 0 || !(validation > 0)), PS_EUSAGE,
             "%s: of %lld samples the %s part gets none; take a larger share", s->path, (long long)n,
             tests > 0 ? "validation" : "test");
    PS_CHECK(n - tests - valids > 1, PS_EUSAGE,
             "%s: of %lld samples %lld are left for training; take smaller shares", s->path, (long long)n,
             (long long)(n - tests - valids > 0 ? n - tests - valids : 0));
    *tested = (struct spectra_part){.all = s, .seed = seed, .lo = 0, .hi = tests};
    *valid = (struct spectra_part){.all = s, .seed = seed, .lo = tests, .hi = tests + valids};
    *train = (struct spectra_part){.all = s, .seed = seed, .lo = tests + valids, .hi = n};
    return PS_OK;
}

/* Number in the file of an intact sample. */
static int64_t number(const struct spectra *s, int64_t intact)
{
    int64_t before = 0, end = s->n_broken; /* so many broken ones stand before it */
    while (before < end) {
        const int64_t middle = (before + end) / 2;
        if (s->broken[middle] - middle <= intact)
            before = middle + 1;
        else
            end = middle;
    }
    return intact + before;
}

enum ps_status spectra_keep_order(struct ps_run *run, struct spectra *s, uint64_t seed)
{
    const int64_t n = s->n - s->n_broken;
    int rank, size;
    PS_TRY(ps_agree(run->comm, ps_shared_open(s->node, n * (int64_t)sizeof *s->order, &s->order_memory)));
    MPI_Comm_rank(s->node, &rank);
    MPI_Comm_size(s->node, &size);
    const struct ps_range mine = ps_block(n, size, rank);
    int64_t *order = s->order_memory.data;
    ps_order_range(n, seed, SPLIT, mine.lo, mine.hi, order + mine.lo);
    for (int64_t i = mine.lo; i < mine.hi; i++) order[i] = number(s, order[i]);
    MPI_Barrier(s->node); /* what other ranks wrote is there */
    s->order = order;
    return PS_OK;
}

int64_t spectra_sample(const struct spectra_part *p, int64_t i)
{
    const struct spectra *s = p->all;
    if (s->order) return s->order[p->lo + i];
    return number(s, ps_order(s->n - s->n_broken, p->seed, SPLIT, p->lo + i));
}

static const float *values(const struct spectra_part *p, int64_t i)
{
    return p->all->x + spectra_sample(p, i) * p->all->bands;
}

/* Smallest and largest value of each band over the part. Collective. @param box out: [bands], [bands] */
static enum ps_status find_box(struct ps_run *run, const struct spectra_part *p, float *box)
{
    const int64_t bands = p->all->bands;
    float *lo = box, *hi = box + bands;
    const struct ps_range mine = ps_block(p->hi - p->lo, run->size, run->rank);
    for (int64_t k = 0; k < bands; k++) lo[k] = FLT_MAX, hi[k] = FLT_MAX;
    for (int64_t i = mine.lo; i < mine.hi; i++) {
        const float *x = values(p, i);
        for (int64_t k = 0; k < bands; k++) {
            if (x[k] < lo[k]) lo[k] = x[k];
            if (-x[k] < hi[k]) hi[k] = -x[k];
        }
    }
    const int rc = MPI_Allreduce(MPI_IN_PLACE, box, (int)(2 * bands), MPI_FLOAT, MPI_MIN, run->comm);
    for (int64_t k = 0; k < bands; k++) hi[k] = -hi[k];
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the spread of values was not found");
    return PS_OK;
}

/* Sums of each band over the part, of squares about a centre if there is one. Collective.
 * @param work [own grains][bands] */
static enum ps_status add_bands(const struct ps_grains *g, const struct spectra_part *p, const double *centre,
                                double *work, double *sum)
{
    const int64_t bands = p->all->bands;
#pragma omp parallel for schedule(dynamic)
    for (int64_t grain = g->mine.lo; grain < g->mine.hi; grain++) {
        double *to = work + (grain - g->mine.lo) * bands;
        const struct ps_range r = ps_grain_range(g, p->hi - p->lo, grain);
        for (int64_t k = 0; k < bands; k++) to[k] = 0;
        for (int64_t i = r.lo; i < r.hi; i++) {
            const float *x = values(p, i);
            for (int64_t k = 0; k < bands; k++)
                to[k] += centre ? ((double)x[k] - centre[k]) * ((double)x[k] - centre[k]) : (double)x[k];
        }
    }
    PS_TRY(ps_grain_sum(g, work, bands, sum));
    for (int64_t k = 0; k < bands; k++) sum[k] /= (double)(p->hi - p->lo);
    return PS_OK;
}

/* Mean and variance of every band. Collective. @param mean, variance out [bands] */
static enum ps_status find_moments(struct ps_run *run, const struct spectra_part *p, double *mean,
                                   double *variance)
{
    const struct ps_grains g = ps_grains_make(run->comm, GRAINS);
    double *work;
    PS_TRY(ps_agree(run->comm,
                    ps_alloc(&work, (g.mine.hi - g.mine.lo) * p->all->bands, sizeof *work, "sums of bands")));
    enum ps_status rc = add_bands(&g, p, NULL, work, mean);
    if (rc == PS_OK) rc = add_bands(&g, p, mean, work, variance);
    free(work);
    return rc;
}

/* Mean 0 and standard deviation 1 of every band. Collective. */
static enum ps_status standardise(struct ps_run *run, const struct spectra_part *p, struct spectra_scale *s)
{
    const int64_t bands = p->all->bands;
    double *mean, *variance;
    PS_TRY(ps_agree(run->comm, ps_alloc(&mean, 2 * bands, sizeof *mean, "means of bands")));
    variance = mean + bands;
    const enum ps_status rc = find_moments(run, p, mean, variance);
    for (int64_t k = 0; rc == PS_OK && k < bands; k++) {
        s->shift[k] = (float)mean[k];
        s->factor[k] = variance[k] > 0 ? (float)(1 / sqrt(variance[k])) : 1;
    }
    free(mean);
    return rc;
}

/* Is a value of the sample too far from the mean of its band? */
static bool is_broken(const struct spectra *s, int64_t i, const double *mean, const double *variance,
                      double most)
{
    for (int64_t k = 0; k < s->bands; k++) {
        const double d = (double)s->x[i * s->bands + k] - mean[k];
        if (d * d > most * most * variance[k]) return true;
    }
    return false;
}

/* Numbers of broken samples, those of all ranks in order. Collective. @param own [own samples] work space */
static enum ps_status gather_broken(struct ps_run *run, struct spectra *s, const int64_t *own, int64_t n)
{
    const struct ps_range have = ps_window_place(run->comm, n, &s->n_broken);
    PS_TRY(ps_agree(run->comm, ps_alloc(&s->broken, s->n_broken, sizeof *s->broken, "broken samples")));
    return ps_window_fetch(run->comm, have, own, sizeof *own, (struct ps_range){0, s->n_broken}, s->broken);
}

enum ps_status spectra_leave_out(struct ps_run *run, struct spectra *s, double most)
{
    const struct spectra_part whole = {.all = s, .hi = s->n};
    const struct ps_range mine = ps_block(s->n, run->size, run->rank);
    double *mean = NULL;
    int64_t *own = NULL, n = 0;
    enum ps_status rc = ps_alloc(&mean, 2 * s->bands, sizeof *mean, "means of bands");
    if (rc == PS_OK) rc = ps_alloc(&own, mine.hi - mine.lo, sizeof *own, "broken samples");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    PS_TRY_DONE(find_moments(run, &whole, mean, mean + s->bands));
    for (int64_t i = mine.lo; i < mine.hi; i++)
        if (is_broken(s, i, mean, mean + s->bands, most)) own[n++] = i;
    rc = gather_broken(run, s, own, n);
done:
    free(mean), free(own);
    return rc;
}

/* To [0, 1], band by band or all alike. @param box as find_box leaves it */
static void fit_box(const float *box, int64_t bands, bool each, float smallest, double range,
                    struct spectra_scale *s)
{
    for (int64_t k = 0; k < bands; k++) {
        const double side = each ? (double)box[bands + k] - (double)box[k] : range;
        s->shift[k] = each ? box[k] : smallest;
        s->factor[k] = side > 0 ? (float)(1 / side) : 1;
    }
}

enum ps_status spectra_scale_find(struct ps_run *run, const struct spectra_part *from,
                                  enum spectra_scaling kind, struct spectra_scale *out)
{
    const int64_t bands = from->all->bands;
    float *box = NULL, smallest = FLT_MAX, largest = -FLT_MAX;
    *out = (struct spectra_scale){.range = 0};
    enum ps_status rc = ps_alloc(&box, 2 * bands, sizeof *box, "the spread of bands");
    if (rc == PS_OK) rc = ps_zalloc(&out->shift, bands, sizeof *out->shift, "the scaling");
    if (rc == PS_OK) rc = ps_alloc(&out->factor, bands, sizeof *out->factor, "the scaling");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    PS_TRY_DONE(find_box(run, from, box));
    for (int64_t k = 0; k < bands; k++) {
        smallest = fminf(smallest, box[k]);
        largest = fmaxf(largest, box[bands + k]);
        out->factor[k] = 1;
    }
    out->range = (double)largest - (double)smallest;
    if (kind == SPECTRA_STANDARD)
        PS_TRY_DONE(standardise(run, from, out));
    else if (kind != SPECTRA_PLAIN)
        fit_box(box, bands, kind == SPECTRA_MINMAX_BANDS, smallest, out->range, out);
done:
    free(box);
    if (rc != PS_OK) spectra_scale_free(out);
    return rc;
}

void spectra_scale_free(struct spectra_scale *s)
{
    free(s->shift), free(s->factor);
    *s = (struct spectra_scale){.range = 0};
}

void spectra_scaled(const struct spectra *s, const struct spectra_scale *scale, int64_t sample, float *x)
{
    const float *v = s->x + sample * s->bands;
    for (int64_t k = 0; k < s->bands; k++) x[k] = (v[k] - scale->shift[k]) * scale->factor[k];
}

void spectra_unscale(const struct spectra_scale *scale, int64_t bands, float *y)
{
    for (int64_t k = 0; k < bands; k++) y[k] = y[k] / scale->factor[k] + scale->shift[k];
}

/* What training adds to a sample is a function of seed, epoch, sample and band. */
static void disturb(const struct spectra_part *p, const struct ps_draw *draw, int64_t sample, float *x)
{
    const uint64_t seed = draw->seed + 0x9e3779b97f4a7c15u * (uint64_t)draw->epoch; /* epochs lie far apart */
    const struct ps_rng noise = {seed, NOISE}, mask = {seed, MASK};
    for (int64_t k = 0; p->noise > 0 && k < p->all->bands; k++)
        x[k] += (float)(p->noise * ps_rng_normal(noise, sample, (uint32_t)k));
    for (int64_t k = 0; p->mask > 0 && k < p->all->bands; k++)
        if (ps_rng_uniform(mask, sample, (uint32_t)k) < p->mask) x[k] = 0;
}

static enum ps_status load(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    const struct spectra_part *p = s->data;
    const int64_t sample = spectra_sample(p, i);
    spectra_scaled(p->all, p->scale, sample, x);
    if (target) memcpy(target, x, (size_t)p->all->bands * sizeof *x);
    if (draw->training) disturb(p, draw, sample, x);
    return PS_OK;
}

struct ps_source spectra_source(const struct spectra_part *p, const char *name)
{
    return (struct ps_source){.n = p->hi - p->lo, .name = name, .data = p, .load = load};
}
