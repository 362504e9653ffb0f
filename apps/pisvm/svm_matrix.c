#include "apps/pisvm/svm_matrix.h"
#include <stdlib.h>

/* A lone row costs as much as LONE rows of a block, which it shares its way through the other rows with: when
 * n / LONE rows were wanted the rest is made too, and at most twice what was needed has been paid. */
enum { LONE = 4, LAZY_FROM = 512 };

/* Problems at whose cost it is found out that whole matrices cost less. */
enum { TRIALS = 8 };

/* Did rows as wanted pay in the problems before? */
static bool lazy(const struct svm_store *store, int64_t n)
{
    int64_t paid, saved;
#pragma omp atomic read
    paid = store->paid;
#pragma omp atomic read
    saved = store->saved;
    return n >= LAZY_FROM && paid <= saved + TRIALS * n;
}

enum ps_status svm_matrix_make(struct svm_store *store, const struct svm_problem *p, float *k, bool whole,
                               struct svm_matrix *out)
{
    const int64_t n = svm_problem_rows(p);
    *out = (struct svm_matrix){.store = store, .problem = p, .k = k, .stride = svm_problem_stride(p)};
    if (whole || !lazy(store, n)) {
        svm_store_matrix(store, p, k);
        return PS_OK;
    }
    enum ps_status rc = ps_alloc(&out->diagonal, n, sizeof *out->diagonal, "a diagonal");
    if (rc == PS_OK) rc = ps_zalloc(&out->place, n, sizeof *out->place, "the rows of a kernel matrix");
    if (rc == PS_OK)
        svm_store_diagonal(store, p, out->diagonal);
    else
        svm_matrix_free(out);
    return rc;
}

void svm_matrix_free(struct svm_matrix *m)
{
    if (m->place) {
        const int64_t n = svm_problem_rows(m->problem), lone = m->rows <= n / LONE ? m->rows : n / LONE;
        const int64_t paid = lone * LONE + (m->rows > lone ? n : 0);
#pragma omp atomic
        m->store->paid += paid;
#pragma omp atomic
        m->store->saved += n;
    }
    free(m->diagonal);
    free(m->place);
    *m = (struct svm_matrix){0};
}

void svm_matrix_want(void *matrix, int64_t row)
{
    struct svm_matrix *m = matrix;
    const int64_t n = svm_problem_rows(m->problem);
    if (m->place[row]) return;
    float *next = m->k + m->rows * m->stride;
    if (++m->rows > n / LONE) {
        svm_store_matrix(m->store, m->problem, m->k);
        for (int64_t i = 0; i < n; i++) m->place[i] = m->k + i * m->stride;
        return;
    }
    svm_store_row(m->store, m->problem, row, next);
    m->place[row] = next;
}
