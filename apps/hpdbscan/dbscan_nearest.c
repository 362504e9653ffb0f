#include "apps/hpdbscan/dbscan_nearest.h"
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

void dbscan_nearest_select(double *v, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        /* the middle of three spares sorted input the worst case */
        const double a = v[lo], b = v[lo + (hi - lo) / 2], c = v[hi];
        const double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i > j) break;
            const double t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        if (k - 1 <= j)
            hi = j;
        else if (k - 1 >= i)
            lo = i;
        else
            return;
    }
}

enum { BLOCK = 512 };

/* The candidates of one query: the k smallest so far and up to a block of newer ones that are below the
 * bound. */
struct candidates {
    double bound;
    int64_t n;
    double *d2; /* [k + BLOCK] */
};

static void scan_block(const double *restrict column, int d, int64_t n, const double *query, int64_t k,
                       struct candidates *c)
{
    double d2[BLOCK];
    int below = 0;
    for (int j = 0; j < BLOCK; j++) d2[j] = 0;
    for (int a = 0; a < d; a++)
        for (int j = 0; j < BLOCK; j++) {
            const double v = column[a * BLOCK + j] - query[a];
            d2[j] += v * v;
        }
    for (int j = 0; j < BLOCK; j++) below |= d2[j] < c->bound;
    if (!below && c->n >= k) return;
    for (int64_t j = 0; j < n; j++)
        if (d2[j] < c->bound || c->n < k) c->d2[c->n++] = d2[j];
    if (c->n <= k) return;
    dbscan_nearest_select(c->d2, c->n, k);
    c->n = k;
    c->bound = c->d2[k - 1];
}

/* All rows for the queries of one thread, a block of rows at a time as columns, so that distances are a
 * vector loop. */
static bool scan_rows(const struct ps_points *p, const double *query, struct ps_range queries, int64_t k,
                      double *best)
{
    const int d = p->d;
    const int64_t n = queries.hi - queries.lo;
    struct candidates *c = calloc((size_t)n + 1, sizeof *c);
    double *work = malloc((size_t)(2 * BLOCK * d) * sizeof *work),
           *lists = malloc((size_t)(n * (k + BLOCK) + 1) * sizeof *lists);
    const bool ok = c && work && lists;
    for (int64_t q = 0; ok && q < n; q++)
        c[q] = (struct candidates){(double)INFINITY, 0, lists + q * (k + BLOCK)};
    for (int64_t at = 0; ok && at < p->n; at += BLOCK) {
        const int64_t rows = p->n - at < BLOCK ? p->n - at : BLOCK;
        const double *x = dbscan_rows_double(p, at, at + rows, work);
        double *column = work + BLOCK * d;
        for (int a = 0; a < d; a++)
            for (int64_t j = 0; j < BLOCK; j++)
                column[a * BLOCK + j] = j < rows ? x[j * d + a] : (double)INFINITY;
        for (int64_t q = 0; q < n; q++) scan_block(column, d, rows, query + (queries.lo + q) * d, k, c + q);
    }
    for (int64_t q = 0; ok && q < n; q++)
        memcpy(best + (queries.lo + q) * k, c[q].d2, (size_t)k * sizeof *best);
    free(c);
    free(work);
    free(lists);
    return ok;
}

enum ps_status dbscan_nearest(const struct ps_points *p, const double *query, int64_t queries, int64_t k,
                              double *best)
{
    bool ok = true;
    const int threads = omp_get_max_threads();
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(&& : ok)
    for (int t = 0; t < threads; t++) ok = ok && scan_rows(p, query, ps_block(queries, threads, t), k, best);
    return ok ? PS_OK
              : ps_fail(PS_ENOMEM, "no memory for the distances of %lld sampled points", (long long)queries);
}
