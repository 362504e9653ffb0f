#include "apps/pisvm/svm_small.h"
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "common/run/err.h"

/* f by columns on the device. */
static enum ps_status update_there(const struct svm_small *s, const float *const *col, const double *coef,
                                   int64_t ncol, double *f)
{
    const struct ps_device_memory *memory = s->kernels->device->memory;
    const int64_t bytes = s->n * (int64_t)sizeof *f;
    memory->put(s->f, f, bytes);
    s->kernels->update(col, coef, ncol, s->n, s->f);
    memory->get(f, s->f, bytes);
    return svm_backend_wait(s->kernels);
}

enum ps_status svm_small_start(struct svm_small_way *w)
{
    const struct svm_small *s = w->s;
    struct svm_vars *v = &w->vars;
    const float **col = NULL;
    double *coef = NULL;
    int64_t *at = NULL, ncol = 0;
    if (!w->has_start) return PS_OK;
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
    if (rc == PS_OK && s->kernels->device)
        rc = update_there(s, col, coef, ncol, v->f);
    else if (rc == PS_OK)
        s->kernels->update(col, coef, ncol, s->n, v->f);
    free(col);
    free(coef);
    free(at);
    return rc;
}

enum ps_status svm_small_open(const struct svm_small *s, int fold, struct svm_small_way *out)
{
    *out = (struct svm_small_way){.s = s};
    PS_TRY(ps_alloc(&out->row, s->n, sizeof *out->row, "the rows of a problem"));
    for (int64_t i = 0; i < s->n; i++)
        out->row[i] = (struct svm_row){s->row[i].target, s->fold && fold >= 0 && s->fold[i] == fold};
    return PS_OK;
}

void svm_small_close(struct svm_small_way *w)
{
    svm_vars_free(&w->vars);
    free(w->row);
    *w = (struct svm_small_way){0};
}

enum ps_status svm_small_prepare(struct svm_small_way *w, const struct svm_cost *cost, int c)
{
    const struct svm_small *s = w->s;
    struct svm_vars *v = &w->vars;
    w->has_start = false;
    if (c > 0 && (cost->type == SVM_C_SVC || cost->type == SVM_EPSILON_SVR)) {
        PS_TRY(svm_vars_recost(MPI_COMM_NULL, &cost[c - 1], &cost[c], v));
    } else {
        svm_vars_free(v);
        PS_TRY(svm_vars_make(MPI_COMM_NULL, &cost[c], w->row, s->n, v, &w->has_start));
    }
    w->program = (struct ps_svm_smo){.n = s->n,
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
    return PS_OK;
}

enum ps_status svm_small_result(const struct svm_small_way *w, const struct svm_cost *cost,
                                struct svm_solution *out)
{
    out->result = (struct svm_result){.iterations = w->program.iterations, .violation = w->program.violation};
    PS_TRY(svm_vars_result(MPI_COMM_NULL, cost, &w->vars, &out->result, out->coef));
    const double scale = cost->type == SVM_NU_SVC ? out->result.r : 1;
    for (int64_t i = 0; out->decision && i < w->s->n; i++)
        out->decision[i] = w->vars.f[i] / scale - out->result.rho;
    return PS_OK;
}

enum ps_status svm_small_solve(const struct svm_small *s, const struct svm_cost *cost, int ncost, int fold,
                               struct svm_solution *out)
{
    struct svm_small_way w;
    enum ps_status rc = svm_small_open(s, fold, &w);
    for (int c = 0; rc == PS_OK && c < ncost; c++) {
        PS_TRY_DONE(svm_small_prepare(&w, cost, c));
        PS_TRY_DONE(svm_small_start(&w));
        PS_CHECK_DONE(s->kernels->smo(&w.program) == PS_OK, PS_ENOMEM,
                      "no memory to solve a problem of %lld rows", (long long)s->n);
        PS_TRY_DONE(svm_small_result(&w, &cost[c], &out[c]));
    }
done:
    svm_small_close(&w);
    return rc;
}
