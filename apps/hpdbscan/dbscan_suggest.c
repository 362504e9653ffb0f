#include "apps/hpdbscan/dbscan_suggest.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_domain.h"
#include "apps/hpdbscan/dbscan_kdist.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"
#include "kernels/rng.h"

/* At most SAMPLE points are sampled; fewer, but LEAST, where more would take more than WORK products of
 * points, sampled points and dimensions, or more than COORDINATES for the sample. */
enum { SAMPLE = 2000, LEAST = 200, COORDINATES = 1 << 24, SAMPLE_STREAM = 0x5a3e };
static const double WORK = 2e11;

/* The sample, and what is found for it. */
struct sample {
    struct ps_points p; /* of this rank */
    int64_t first;      /* its first row */
    int64_t rows, k, n; /* points of all ranks; the neighbour; sampled points */
    double *query;      /* [n][d], equal on all ranks */
    double *distance;   /* [n], ascending in the end */
};

static int64_t sample_size(int64_t rows, int d)
{
    const double affordable = WORK / ((double)rows * d);
    int64_t n = affordable < SAMPLE ? (int64_t)affordable : SAMPLE;
    if (n < LEAST) n = LEAST;
    if (n > COORDINATES / d) n = COORDINATES / d;
    return n < 1 ? 1 : n < rows ? n : rows;
}

/* One row of each of n equal blocks of rows: a rank's part of the sample is contiguous. */
static int64_t sampled_row(const struct ps_run *run, const struct sample *s, int64_t i)
{
    const struct ps_range block = ps_block(s->rows, s->n, i);
    const struct ps_rng rng = {(uint64_t)run->common->seed, SAMPLE_STREAM};
    return block.lo + ps_rng_below(rng, i, 0, block.hi - block.lo);
}

/* Every rank gets the coordinates of the whole sample. Collective. */
static enum ps_status choose(const struct ps_run *run, struct sample *s)
{
    const int d = s->p.d;
    int *counts = NULL, *starts = NULL, mine = 0;
    double *own = NULL;
    enum ps_status rc = ps_alloc(&own, s->n * d, sizeof *own, "sampled points");
    if (rc == PS_OK) rc = ps_alloc(&counts, run->size, sizeof *counts, "sampled points");
    if (rc == PS_OK) rc = ps_alloc(&starts, run->size, sizeof *starts, "sampled points");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t row = sampled_row(run, s, i) - s->first;
        if (row < 0 || row >= s->p.n) continue;
        for (int k = 0; k < d; k++) own[mine + k] = ps_points_at(&s->p, row, k);
        mine += d;
    }
    MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, run->comm);
    for (int r = 0, at = 0; r < run->size; r++) starts[r] = at, at += counts[r];
    MPI_Allgatherv(own, mine, MPI_DOUBLE, s->query, counts, starts, MPI_DOUBLE, run->comm);
done:
    free(own);
    free(counts);
    free(starts);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int64_t dbscan_suggest_elbow(const double *y, int64_t n)
{
    int64_t at = 0;
    double most = 0;
    if (n < 3 || !(y[n - 1] > y[0])) return n < 1 ? 0 : n - 1;
    for (int64_t i = 1; i < n - 1; i++) {
        const double below = (double)i / (double)(n - 1) - (y[i] - y[0]) / (y[n - 1] - y[0]);
        if (below > most) most = below, at = i;
    }
    return most > 0 ? at : n - 1;
}

/* The elbow of what is positive and not among the largest hundredth; 0 where all distances are. */
static double elbow(const struct sample *s)
{
    int64_t from = 0, to = s->n;
    while (from < to && !(s->distance[from] > 0)) from++;
    if (to - s->n / 100 > from) to -= s->n / 100;
    while (to > from + 1 && isinf(s->distance[to - 1])) to--;
    if (from == to) return 0;
    return s->distance[from + dbscan_suggest_elbow(s->distance + from, to - from)];
}

/* Three digits, rounded up: coordinates on a lattice have neighbours at exactly that distance. */
static double round_up(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.2e", x);
    if (strtod(text, NULL) < x) snprintf(text, sizeof text, "%.2e", x + 0.5 * pow(10, floor(log10(x)) - 2));
    const double y = strtod(text, NULL);
    return y >= x && isfinite(y) ? y : x;
}

static double core_share(const struct sample *s, double epsilon)
{
    int64_t n = 0;
    while (n < s->n && s->distance[n] <= epsilon) n++;
    return (double)n / (double)s->n;
}

enum { QUANTILES = 11, BAR = 40 };
static const double percent[QUANTILES] = {1, 2, 5, 10, 25, 50, 75, 90, 95, 98, 99};

static void print_curve(const struct ps_run *run, const struct sample *s, const double *quantile)
{
    char bar[BAR + 1];
    const double most = quantile[QUANTILES - 1];
    ps_print(run,
             "distance to the nearest %lld points, itself included, of %lld sampled points among %lld:\n",
             (long long)s->k, (long long)s->n, (long long)s->rows);
    ps_print(run, "  share of points  distance\n");
    for (int i = 0; i < QUANTILES; i++) {
        const int length = most > 0 && isfinite(most) ? (int)ceil(BAR * quantile[i] / most) : 0;
        memset(bar, '#', BAR);
        bar[length] = 0;
        ps_print(run, "  %11.0f %%  %-11.4g  %s\n", percent[i], quantile[i], bar);
    }
}

static void report(struct ps_run *run, const struct sample *s)
{
    double quantile[QUANTILES];
    for (int i = 0; i < QUANTILES; i++)
        quantile[i] = s->distance[(int64_t)ceil(percent[i] / 100 * (double)s->n) - 1];
    const double bend = elbow(s), epsilon = bend > 0 ? round_up(bend) : 0, share = core_share(s, epsilon);
    print_curve(run, s, quantile);
    if (epsilon > 0)
        ps_print(run, "suggested epsilon: %.6g (elbow of the curve; %.1f %% would be core points)\n", epsilon,
                 100 * share);
    else
        ps_print(run,
                 "no suggestion: every sampled point has %lld equal ones, so any epsilon makes it a core "
                 "point; a larger minPoints or the data without duplicates tells more\n",
                 (long long)s->k);
    if (s->n < SAMPLE && s->n < s->rows)
        ps_info(run, "sampled %lld points instead of %d to limit the number of distances\n", (long long)s->n,
                SAMPLE);
    if (s->k <= 2)
        ps_info(run, "minPoints is %lld: twice the number of dimensions, or more for noisy data, is usual\n",
                (long long)s->k);
    ps_record_begin(run, "result");
    ps_record_int(run, "points", s->rows);
    ps_record_int(run, "sampled", s->n);
    ps_record_nums(run, "share_percent", percent, QUANTILES);
    ps_record_nums(run, "distance", quantile, QUANTILES);
    ps_record_num(run, "suggested_epsilon", epsilon);
    ps_record_num(run, "core_share", share);
    ps_record_num(run, "seconds", ps_elapsed(run));
    ps_record_end(run);
}

static enum ps_status measure(struct ps_run *run, struct sample *s)
{
    enum ps_status rc = ps_alloc(&s->query, s->n * s->p.d, sizeof *s->query, "sampled points");
    if (rc == PS_OK) rc = ps_alloc(&s->distance, s->n, sizeof *s->distance, "sampled points");
    PS_TRY(ps_agree(run->comm, rc));
    ps_phase(run, "sample");
    PS_TRY(choose(run, s));
    ps_phase(run, "distances");
    ps_phase_count(run, "distances", s->n * s->p.n);
    PS_TRY(dbscan_kdist(run, &s->p, s->query, s->n, s->k, s->distance));
    qsort(s->distance, (size_t)s->n, sizeof *s->distance, ascending);
    return PS_OK;
}

enum ps_status dbscan_suggest(struct ps_run *run, const char *name, const struct ps_shard *in,
                              int64_t min_points)
{
    struct sample s = {.first = in->mine.lo, .rows = in->rows, .k = min_points};
    struct dbscan_domain domain;
    s.p = (struct ps_points){in->data, in->mine.hi - in->mine.lo, (int)in->cols, in->type};
    PS_CHECK(min_points <= in->rows, PS_EINPUT,
             "%s: %lld points are fewer than minPoints = %lld: none can be a core point", name,
             (long long)in->rows, (long long)min_points);
    ps_phase(run, "domain");
    PS_TRY(dbscan_domain_make(run->comm, &s.p, s.first, name, &domain));
    dbscan_domain_free(&domain);
    s.n = sample_size(s.rows, s.p.d);
    enum ps_status rc = measure(run, &s);
    if (rc == PS_OK) report(run, &s);
    free(s.query);
    free(s.distance);
    return rc;
}
