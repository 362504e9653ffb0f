#include "apps/hpdbscan/dbscan_kdist.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/log.h"

/* LANES rows are compared with a query at once; a slab of rows stays in a core's second cache; lists of a
 * batch of queries take at most 256 MiB. */
enum { LANES = 64, SLAB_VALUES = 1 << 15, BATCH_VALUES = 1 << 25 };

/* The smallest squared distances of a query so far: at least the k smallest among `value`, in any order. */
struct nearest {
    double *value; /* [room] borrowed */
    int64_t n;
    double limit; /* what is not below is not among the k smallest */
};

struct scan {
    const struct ps_points *p;
    int64_t k, room;
    int64_t slab, slabs;  /* rows of a slab; their number */
    double *x;            /* [d][slab] coordinates of the slab, one array per dimension */
    double *rows;         /* [threads][block][d] work space of the conversion */
    double *value;        /* [batch][room] */
    struct nearest *near; /* [batch] */
};

/* Order value[] so that its k smallest come first, the largest of them last. Source: Hoare (1961), FIND. */
static void select_smallest(double *value, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1, at = k - 1;
    while (lo < hi) {
        const double pivot = value[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (value[i] < pivot) i++;
            while (pivot < value[j]) j--;
            if (i > j) break;
            const double t = value[i];
            value[i++] = value[j];
            value[j--] = t;
        }
        if (at <= j)
            hi = j;
        else if (at >= i)
            lo = i;
        else
            return;
    }
}

static void shrink(struct nearest *q, int64_t k)
{
    if (q->n < k) return;
    select_smallest(q->value, q->n, k);
    q->n = k;
    q->limit = q->value[k - 1];
}

/* Squared distances of LANES rows, and whether one is below the limit. */
static inline __attribute__((always_inline)) bool distances(const double *restrict x, int64_t stride, int d,
                                                            const double *restrict query, double limit,
                                                            double *restrict sum)
{
    int64_t below = 0;
    for (int i = 0; i < LANES; i++) {
        const double t = x[i] - query[0];
        sum[i] = t * t;
    }
    for (int k = 1; k < d; k++)
        for (int i = 0; i < LANES; i++) {
            const double t = x[k * stride + i] - query[k];
            sum[i] += t * t;
        }
    for (int i = 0; i < LANES; i++) below += sum[i] < limit;
    return below > 0;
}

static inline __attribute__((always_inline)) void
scan_query_d(const struct scan *s, int d, const double *query, int64_t n, struct nearest *q)
{
    double sum[LANES];
    for (int64_t at = 0; at < n; at += LANES) {
        if (!distances(s->x + at, s->slab, d, query, q->limit, sum)) continue;
        const int lanes = n - at < LANES ? (int)(n - at) : LANES;
        for (int i = 0; i < lanes; i++) {
            if (!(sum[i] < q->limit)) continue;
            q->value[q->n++] = sum[i];
            if (q->n == s->room) shrink(q, s->k);
        }
    }
}

static void scan_query(const struct scan *s, const double *query, int64_t n, struct nearest *q)
{
    switch (s->p->d) {
    case 2:
        scan_query_d(s, 2, query, n, q);
        break;
    case 3:
        scan_query_d(s, 3, query, n, q);
        break;
    default:
        scan_query_d(s, s->p->d, query, n, q);
    }
}

/* Rows [lo, hi), at most a block of them, into columns of the slab. */
static void transpose(const struct scan *s, int64_t lo, int64_t hi, int64_t to, double *work)
{
    const int d = s->p->d;
    const double *x = dbscan_rows_double(s->p, lo, hi, work);
    for (int k = 0; k < d; k++)
        for (int64_t i = 0; i < hi - lo; i++) s->x[k * s->slab + to + i] = x[i * d + k];
}

/* The i-th slab to look at: spread over the rows, so that files in spatial order do not lead a query through
 * ever nearer points. */
static int64_t slab_at(int64_t slabs, int64_t i)
{
    int64_t step = (int64_t)(0.618 * (double)slabs) | 1, a = step, b = slabs;
    while (b) {
        const int64_t t = a % b;
        a = b;
        b = t;
    }
    return a == 1 ? i * step % slabs : i;
}

/* Compare all rows with a batch of queries. */
static void scan_rows(const struct scan *s, const double *query, int64_t batch, struct ps_progress *progress,
                      int64_t base)
{
    const int64_t block = dbscan_rows_block(s->p->d);
#pragma omp parallel
    for (int64_t i = 0; i < s->slabs; i++) {
        const int64_t lo = slab_at(s->slabs, i) * s->slab,
                      hi = lo + s->slab < s->p->n ? lo + s->slab : s->p->n;
        double *work = s->rows + omp_get_thread_num() * block * s->p->d;
#pragma omp for schedule(static)
        for (int64_t at = lo; at < hi; at += block)
            transpose(s, at, at + block < hi ? at + block : hi, at - lo, work);
#pragma omp for schedule(dynamic, 8)
        for (int64_t q = 0; q < batch; q++) scan_query(s, query + q * s->p->d, hi - lo, s->near + q);
#pragma omp master
        ps_progress_at(progress, base + (hi - lo) * batch * (i + 1));
    }
}

static int64_t count_up_to(const struct nearest *q, double limit)
{
    int64_t n = 0;
    for (int64_t i = 0; i < q->n; i++) n += q->value[i] <= limit;
    return n;
}

/* The k-th smallest of all ranks' lists. Doubles that are not negative are ordered as their bits are. */
static void bisect(MPI_Comm comm, const struct nearest *near, int64_t batch, int64_t k, int64_t *count,
                   uint64_t *lo, double *out)
{
    uint64_t *hi = lo + batch;
    const double infinity = (double)INFINITY;
    for (int64_t q = 0; q < batch; q++) {
        lo[q] = 0;
        memcpy(hi + q, &infinity, sizeof *hi);
    }
    for (int bit = 0; bit < 63; bit++) {
#pragma omp parallel for schedule(static)
        for (int64_t q = 0; q < batch; q++) {
            const uint64_t mid = lo[q] + (hi[q] - lo[q]) / 2;
            memcpy(out + q, &mid, sizeof mid);
            count[q] = count_up_to(near + q, out[q]);
        }
        MPI_Allreduce(MPI_IN_PLACE, count, (int)batch, MPI_INT64_T, MPI_SUM, comm);
        for (int64_t q = 0; q < batch; q++) {
            if (lo[q] == hi[q]) continue;
            const uint64_t mid = lo[q] + (hi[q] - lo[q]) / 2;
            if (count[q] >= k)
                hi[q] = mid;
            else
                lo[q] = mid + 1;
        }
    }
    memcpy(out, lo, (size_t)batch * sizeof *out);
    for (int64_t q = 0; q < batch; q++) out[q] = sqrt(out[q]);
}

enum ps_status dbscan_kdist(struct ps_run *run, const struct ps_points *p, const double *query, int64_t m,
                            int64_t k, double *dist)
{
    struct scan s = {.p = p, .k = k};
    struct ps_progress progress;
    int64_t *count = NULL, most = p->n;
    uint64_t *bits = NULL;
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, run->comm);
    s.room = 2 * k + 256 < most + 1 ? 2 * k + 256 : most + 1;
    s.slab = p->d < SLAB_VALUES / LANES ? SLAB_VALUES / p->d / LANES * LANES : LANES;
    s.slabs = (p->n + s.slab - 1) / s.slab;
    int64_t batch = BATCH_VALUES / s.room < m ? BATCH_VALUES / s.room : m;
    if (batch < 1) batch = 1;
    enum ps_status rc = ps_zalloc(&s.x, s.slab * p->d, sizeof *s.x, "coordinates");
    if (rc == PS_OK)
        rc = ps_alloc(&s.rows, omp_get_max_threads() * dbscan_rows_block(p->d) * p->d, sizeof *s.rows,
                      "coordinates");
    if (rc == PS_OK) rc = ps_alloc(&s.value, batch * s.room, sizeof *s.value, "distances to neighbours");
    if (rc == PS_OK) rc = ps_alloc(&s.near, batch, sizeof *s.near, "distances to neighbours");
    if (rc == PS_OK) rc = ps_alloc(&count, batch, sizeof *count, "distances to neighbours");
    if (rc == PS_OK) rc = ps_alloc(&bits, 2 * batch, sizeof *bits, "distances to neighbours");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    ps_progress_begin(&progress, run, "distances", "pairs", p->n * m);
    for (int64_t at = 0; at < m; at += batch) {
        const int64_t now = m - at < batch ? m - at : batch;
        for (int64_t q = 0; q < now; q++)
            s.near[q] = (struct nearest){s.value + q * s.room, 0, (double)INFINITY};
        scan_rows(&s, query + at * p->d, now, &progress, at * p->n);
        for (int64_t q = 0; q < now; q++) shrink(s.near + q, k);
        bisect(run->comm, s.near, now, k, count, bits, dist + at);
    }
    ps_progress_end(&progress);
done:
    free(s.x);
    free(s.rows);
    free(s.value);
    free(s.near);
    free(count);
    free(bits);
    return rc;
}
