/* f from scratch. */
#include <stdlib.h>
#include "apps/pisvm/svm_apply.h"
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_front.h"
#include "apps/pisvm/svm_shrink.h"
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"

/* Rows with a coefficient that travel at once. */
enum { CHUNK = 2048 };

/* Own rows with a coefficient. */
struct sum {
    int64_t n, all;      /* own ones; of all */
    int64_t *number;     /* [own rows] all arrays owned */
    double *coef;        /* [own rows] */
    int64_t *number_all; /* [CHUNK] of a chunk */
    double *coef_all;    /* [CHUNK] */
    int64_t *at;         /* [CHUNK] 0, 1, 2 ... */
    int64_t *start;      /* [size + 1] */
    int *part;           /* [2 size] */
    struct ps_svm_pack *pack;
};

static void sum_free(const struct svm_large *s, struct sum *m)
{
    free(m->number);
    free(m->coef);
    free(m->number_all);
    free(m->coef_all);
    free(m->at);
    free(m->start);
    free(m->part);
    if (m->pack) s->spec.kernels->unpack(m->pack);
}

static enum ps_status sum_open(const struct svm_large *s, const struct svm_vars *v, const int64_t *row,
                               int64_t n, struct sum *m)
{
    PS_TRY(ps_alloc(&m->number, s->n, sizeof *m->number, "rows with coefficients"));
    PS_TRY(ps_alloc(&m->coef, s->n, sizeof *m->coef, "coefficients"));
    PS_TRY(ps_alloc(&m->number_all, CHUNK, sizeof *m->number_all, "rows with coefficients"));
    PS_TRY(ps_alloc(&m->coef_all, CHUNK, sizeof *m->coef_all, "coefficients"));
    PS_TRY(ps_alloc(&m->at, CHUNK, sizeof *m->at, "rows with coefficients"));
    PS_TRY(ps_alloc(&m->start, (int64_t)s->size + 1, sizeof *m->start, "counts of rows"));
    PS_TRY(ps_alloc(&m->part, 2 * (int64_t)s->size, sizeof *m->part, "counts of rows"));
    PS_TRY(svm_backend_pack(s->spec.kernels, &s->own, row, n, &s->spec.layout, &m->pack));
    for (int64_t k = 0; k < CHUNK; k++) m->at[k] = k;
    for (int64_t i = 0; i < s->n; i++) {
        double coef = v->y[i] * v->alpha[i];
        if (v->copies == 2) coef += v->y[i + s->n] * v->alpha[i + s->n];
        if (coef == 0) continue;
        m->number[m->n] = s->first + i;
        m->coef[m->n++] = coef;
    }
    return PS_OK;
}

/* Bring rows [lo, hi) of all with a coefficient to all ranks. Collective. */
static enum ps_status bring(struct svm_large *s, struct sum *m, int64_t lo, int64_t hi, struct svm_working *w)
{
    int64_t from = 0;
    for (int r = 0; r < s->size; r++) {
        const int64_t a = m->start[r] > lo ? m->start[r] : lo,
                      b = m->start[r + 1] < hi ? m->start[r + 1] : hi;
        m->part[r] = b > a ? (int)(b - a) : 0;
        m->part[s->size + r] = b > a ? (int)(a - lo) : 0;
        if (r == s->rank) from = b > a ? a - m->start[r] : 0;
    }
    int ok = MPI_Allgatherv(m->number + from, m->part[s->rank], MPI_INT64_T, m->number_all, m->part,
                            m->part + s->size, MPI_INT64_T, s->spec.comm);
    if (ok == MPI_SUCCESS)
        ok = MPI_Allgatherv(m->coef + from, m->part[s->rank], MPI_DOUBLE, m->coef_all, m->part,
                            m->part + s->size, MPI_DOUBLE, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "rows with coefficients could not be gathered");
    return svm_working_fetch(s, m->number_all, hi - lo, w);
}

/* Add a chunk to f of rows. Collective. */
static enum ps_status add_chunk(struct svm_large *s, struct sum *m, struct svm_working *w, int64_t lo,
                                const struct svm_target *to, double *f)
{
    const int64_t hi = lo + CHUNK < m->all ? lo + CHUNK : m->all;
    PS_TRY(bring(s, m, lo, hi, w));
    const struct svm_change change = {.rows = w, .n = hi - lo, .at = m->at, .coef = m->coef_all};
    s->applied += (hi - lo) * s->total;
    return ps_agree(s->spec.comm, svm_apply(s, &change, to, NULL, 0, f));
}

enum ps_status svm_sum(struct svm_large *s, struct svm_vars *v, const int64_t *row, int64_t n)
{
    struct sum m = {0};
    struct svm_working w = {0};
    enum ps_status rc = ps_agree(s->spec.comm, sum_open(s, v, row, n, &m));
    if (rc != PS_OK) goto done;
    const int ok = MPI_Allgather(&m.n, 1, MPI_INT64_T, m.start + 1, 1, MPI_INT64_T, s->spec.comm);
    PS_CHECK_DONE(ok == MPI_SUCCESS, PS_EMPI, "rows with coefficients could not be counted");
    m.start[0] = 0;
    for (int r = 0; r < s->size; r++) m.start[r + 1] += m.start[r];
    m.all = m.start[s->size];
    const struct svm_target to = {.n = n, .row = row, .pack = m.pack};
    for (int64_t k = 0; k < n; k++) v->f[row[k]] = 0;
    if (s->spec.kernels->device) svm_front_send_f(s, v);
    for (int64_t lo = 0; lo < m.all; lo += CHUNK) PS_TRY_DONE(add_chunk(s, &m, &w, lo, &to, v->f));
    if (s->spec.kernels->device) rc = ps_agree(s->spec.comm, svm_front_bring_f(s, v));
done:
    svm_working_free(&w);
    sum_free(s, &m);
    return rc;
}
