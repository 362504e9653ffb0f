#include "apps/pisvm/svm_small.h"
#include <stdlib.h>
#include "common/run/err.h"

/** f of a start that is not zero. */
static enum ps_status start(const struct svm_small *s, struct svm_vars *v)
{
    const float **col = NULL;
    double *coef = NULL;
    int64_t *at = NULL, ncol = 0;
    enum ps_status rc = ps_alloc(&col, s->n, sizeof *col, "the columns of a start");
    if (rc == PS_OK) rc = ps_alloc(&coef, s->n, sizeof *coef, "the coefficients of a start");
    if (rc == PS_OK) rc = ps_alloc(&at, s->n, sizeof *at, "the columns of a start");
    for (int64_t i = 0; rc == PS_OK && i < s->n; i++) {
        v->f[i] = 0;
        coef[ncol] = v->y[i] * v->alpha[i];
        if (v->copies == 2) coef[ncol] += v->y[i + s->n] * v->alpha[i + s->n];
        if (coef[ncol] == 0) continue;
        at[ncol++] = i;
    }
    for (int64_t i = 0; s->want && i < ncol; i++) s->want(s->source, at[i]); /* which may move others */
    for (int64_t i = 0; i < ncol; i++) col[i] = s->place ? s->place[at[i]] : s->k + at[i] * s->stride;
    if (rc == PS_OK) s->kernels->update(col, coef, ncol, s->n, v->f);
    free(col);
    free(coef);
    free(at);
    return rc;
}

/** From the start that v holds to a solution. */
static enum ps_status solve(const struct svm_small *s, const struct svm_cost *cost, struct svm_vars *v,
                            struct svm_solution *out)
{
    struct ps_svm_smo smo = {.n = s->n,
                             .copies = v->copies,
                             .nu = v->nu,
                             .k = s->k,
                             .stride = s->stride,
                             .row = s->place,
                             .want = s->want,
                             .source = s->source,
                             .diagonal = s->diagonal,
                             .y = v->y,
                             .p = v->p,
                             .c = v->c,
                             .alpha = v->alpha,
                             .f = v->f,
                             .eps = s->eps,
                             .max_iter = s->max_iter};
    PS_CHECK(s->kernels->smo(&smo) == PS_OK, PS_ENOMEM, "no memory to solve a problem of %lld rows",
             (long long)s->n);
    out->result = (struct svm_result){.iterations = smo.iterations, .violation = smo.violation};
    PS_TRY(svm_vars_result(MPI_COMM_NULL, cost, v, &out->result, out->coef));
    double scale = cost->type == SVM_NU_SVC ? out->result.r : 1;
    for (int64_t i = 0; out->decision && i < s->n; i++) out->decision[i] = v->f[i] / scale - out->result.rho;
    return PS_OK;
}

enum ps_status svm_small_solve(const struct svm_small *s, const struct svm_cost *cost, int ncost, int fold,
                               struct svm_solution *out)
{
    struct svm_vars v = {0};
    struct svm_row *row;
    bool has_start;
    enum ps_status rc = ps_alloc(&row, s->n, sizeof *row, "the rows of a problem");
    for (int64_t i = 0; rc == PS_OK && i < s->n; i++)
        row[i] = (struct svm_row){s->row[i].target, s->fold && fold >= 0 && s->fold[i] == fold};
    for (int c = 0; rc == PS_OK && c < ncost; c++) {
        if (c > 0 && (cost->type == SVM_C_SVC || cost->type == SVM_EPSILON_SVR)) {
            PS_TRY_DONE(svm_vars_recost(MPI_COMM_NULL, &cost[c - 1], &cost[c], &v));
        } else {
            svm_vars_free(&v);
            PS_TRY_DONE(svm_vars_make(MPI_COMM_NULL, &cost[c], row, s->n, &v, &has_start));
            if (has_start) PS_TRY_DONE(start(s, &v));
        }
        PS_TRY_DONE(solve(s, &cost[c], &v, &out[c]));
    }
done:
    svm_vars_free(&v);
    free(row);
    return rc;
}
