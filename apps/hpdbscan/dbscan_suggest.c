#include "apps/hpdbscan/dbscan_suggest.h"
#include <math.h>
#include <stdlib.h>
#include "apps/hpdbscan/dbscan_domain.h"
#include "apps/hpdbscan/dbscan_nearest.h"
#include "common/par/exchange.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"
#include "kernels/rng.h"

/* At most so many points are sampled, and fewer where their lists of k distances would need much memory. */
enum { SAMPLE = 1000, SAMPLE_STREAM = 0x5a3e };
static const int64_t LIST_WORDS = 8000000;

/* The sample, and what is found for it. */
struct sample {
    MPI_Comm comm;
    int rank, size;
    int64_t rows, k, n;
    struct ps_points p; /* of this rank */
    int64_t first;      /* its first row */
    double *query;      /* [n][d] on every rank */
    double *best;       /* [n][least(k, rows here)] */
    double *distance;   /* [n] to the k-th point, descending in the end */
};

static int64_t listed(const struct sample *s, int rank)
{
    const struct ps_range rows = ps_block(s->rows, s->size, rank);
    return rows.hi - rows.lo < s->k ? rows.hi - rows.lo : s->k;
}

/* One row of each of n equal blocks of rows. */
static void choose(struct sample *s)
{
    const int d = s->p.d;
    for (int64_t i = 0; i < s->n; i++) {
        const struct ps_range block = ps_block(s->rows, s->n, i);
        const int64_t row =
            block.lo + ps_rng_below((struct ps_rng){1, SAMPLE_STREAM}, i, 0, block.hi - block.lo) - s->first;
        for (int k = 0; k < d; k++)
            s->query[i * d + k] = row >= 0 && row < s->p.n ? ps_points_at(&s->p, row, k) : 0;
    }
    MPI_Allreduce(MPI_IN_PLACE, s->query, (int)s->n * d, MPI_DOUBLE, MPI_SUM, s->comm);
}

/* Bring the ranks' lists of each sampled point together on the rank that has it, and select. */
static enum ps_status combine(struct sample *s)
{
    const struct ps_range mine = ps_block(s->n, s->size, s->rank);
    struct ps_exchange plan = {0};
    int64_t *count = NULL;
    double *lists = NULL, *all = NULL;
    enum ps_status rc = ps_agree(s->comm, ps_alloc(&count, s->size, sizeof *count, "lists of distances"));
    PS_TRY_DONE(rc);
    for (int r = 0; r < s->size; r++) {
        const struct ps_range theirs = ps_block(s->n, s->size, r);
        count[r] = (theirs.hi - theirs.lo) * listed(s, s->rank);
    }
    PS_TRY_DONE(ps_exchange_make(s->comm, count, &plan));
    rc = ps_alloc(&lists, plan.recv_start[s->size], sizeof *lists, "lists of distances");
    if (rc == PS_OK) rc = ps_alloc(&all, s->k * s->size, sizeof *all, "lists of distances");
    PS_TRY_DONE(ps_agree(s->comm, rc));
    PS_TRY_DONE(ps_exchange_run(&plan, s->best, lists, sizeof *lists));
    for (int64_t q = 0; q < s->n; q++) s->distance[q] = 0;
    for (int64_t q = mine.lo; q < mine.hi; q++) {
        int64_t n = 0;
        for (int r = 0; r < s->size; r++)
            for (int64_t j = 0; j < listed(s, r); j++)
                all[n++] = lists[plan.recv_start[r] + (q - mine.lo) * listed(s, r) + j];
        dbscan_nearest_select(all, n, s->k);
        s->distance[q] = sqrt(all[s->k - 1]);
    }
    MPI_Allreduce(MPI_IN_PLACE, s->distance, (int)s->n, MPI_DOUBLE, MPI_SUM, s->comm);
done:
    ps_exchange_free(&plan);
    free(count);
    free(lists);
    free(all);
    return rc;
}

int64_t dbscan_suggest_elbow(const double *y, int64_t n)
{
    int64_t at = 0;
    double most = 0;
    if (n < 3 || !(y[0] > y[n - 1])) return 0;
    for (int64_t i = 1; i < n - 1; i++) {
        const double below = 1 - (double)i / (double)(n - 1) - (y[i] - y[n - 1]) / (y[0] - y[n - 1]);
        if (below > most) most = below, at = i;
    }
    return at;
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The bend is looked for without the outermost twentieth, whose few outliers would stretch the curve's scale.
 */
static double report(struct ps_run *run, const struct sample *s)
{
    static const int percents[] = {1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99};
    const int64_t skip = s->n / 20, at = skip + dbscan_suggest_elbow(s->distance + skip, s->n - skip);
    ps_print(run, "distance to the %lld%s point, itself counted, of %lld sampled points among all %lld:\n",
             (long long)s->k,
             s->k == 2   ? "nd"
             : s->k == 3 ? "rd"
                         : "th",
             (long long)s->n, (long long)s->rows);
    ps_print(run, "  epsilon       core points\n");
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
        ps_print(run, "  %-12.6g  %3d %%\n", s->distance[s->n - 1 - (s->n - 1) * percents[i] / 100],
                 percents[i]);
    ps_print(run, "the curve bends most at %.6g, where %.0f %% are core points\n", s->distance[at],
             100.0 * (double)(s->n - at) / (double)s->n);
    ps_print(run, "suggested epsilon: %.6g\n", s->distance[at]);
    return s->distance[at];
}

static enum ps_status measure(struct ps_run *run, struct sample *s)
{
    enum ps_status rc = ps_alloc(&s->query, s->n * s->p.d, sizeof *s->query, "sampled points");
    if (rc == PS_OK) rc = ps_alloc(&s->distance, s->n, sizeof *s->distance, "sampled points");
    if (rc == PS_OK)
        rc = ps_alloc(&s->best, s->n * listed(s, s->rank), sizeof *s->best, "lists of distances");
    PS_TRY(ps_agree(s->comm, rc));
    choose(s);
    ps_phase(run, "scan");
    if (s->p.n > 0) rc = dbscan_nearest(&s->p, s->query, s->n, listed(s, s->rank), s->best);
    ps_phase_count(run, "distances", s->n * s->p.n);
    PS_TRY(ps_agree(s->comm, rc));
    return combine(s);
}

enum ps_status dbscan_suggest(struct ps_run *run, const char *name, const struct ps_shard *in,
                              int64_t min_points)
{
    struct sample s = {
        .comm = run->comm, .rank = run->rank, .size = run->size, .rows = in->rows, .k = min_points};
    struct dbscan_domain domain;
    s.p = (struct ps_points){in->data, in->mine.hi - in->mine.lo, (int)in->cols, in->type};
    s.first = in->mine.lo;
    PS_CHECK(min_points <= in->rows, PS_EINPUT,
             "%s: %lld points are fewer than minPoints = %lld: none can be a core point", name,
             (long long)in->rows, (long long)min_points);
    ps_phase(run, "domain");
    PS_TRY(dbscan_domain_make(run->comm, &s.p, s.first, name, &domain));
    dbscan_domain_free(&domain);
    s.n = LIST_WORDS / s.k < SAMPLE ? LIST_WORDS / s.k : SAMPLE;
    s.n = s.n < 1 ? 1 : s.n > s.rows ? s.rows : s.n;
    enum ps_status rc = measure(run, &s);
    if (rc == PS_OK) {
        qsort(s.distance, (size_t)s.n, sizeof *s.distance, descending);
        const double epsilon = report(run, &s);
        ps_record_begin(run, "result");
        ps_record_num(run, "suggested_epsilon", epsilon);
        ps_record_int(run, "sampled", s.n);
        ps_record_end(run);
    }
    free(s.query);
    free(s.best);
    free(s.distance);
    return rc;
}
