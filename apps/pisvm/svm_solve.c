#include "apps/pisvm/svm_solve.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_small.h"

/* Jobs of one fold: its own solution, then inner folds. */
static int jobs_of_fold(const struct svm_solve *s)
{
    return s->sweep->probability ? 1 + SVM_INNER : 1;
}

enum ps_status svm_solve_open(struct svm_solve *s)
{
    const int ncost = s->sweep->ncost;
    const int64_t n = svm_problem_rows(s->problem), places = (int64_t)s->folds * ncost;
    s->jobs = s->folds * jobs_of_fold(s);
    enum ps_status rc = svm_unit_make(s->spec, s->sweep, s->problem, 0, n, s->label, &s->unit);
    if (rc == PS_OK) rc = ps_alloc(&s->cost, ncost, sizeof *s->cost, "costs");
    if (rc == PS_OK) rc = ps_zalloc(&s->found, places, sizeof *s->found, "solutions");
    if (rc == PS_OK) rc = ps_zalloc(&s->ended, s->jobs, 1, "jobs");
    if (rc == PS_OK && s->sweep->probability)
        rc = ps_alloc(&s->decision, places * n, sizeof *s->decision, "decision values");
    if (rc != PS_OK) {
        s->jobs = 0;
        return rc;
    }
    svm_unit_costs(s->spec, s->sweep, s->problem, s->cost);
    for (int i = 0; i < s->jobs; i++)
        s->ended[i] = s->machine[(int64_t)(i / jobs_of_fold(s)) * ncost].coef != NULL;
    return PS_OK;
}

void svm_solve_free(struct svm_solve *s)
{
    for (int64_t i = 0; s->found && i < (int64_t)s->folds * s->sweep->ncost; i++) free(s->found[i].coef);
    free(s->found);
    free(s->cost);
    free(s->decision);
    free(s->ended);
    svm_unit_free(&s->unit);
}

/* Solve for all C with the rows of a mask left out. */
static enum ps_status solve(const struct svm_solve *s, struct svm_matrix *matrix, const int16_t *mask,
                            const int64_t trained[2], struct svm_solution *out)
{
    const struct svm_small small = {.kernels = s->spec->kernels,
                                    .n = s->unit.n,
                                    .k = matrix->k,
                                    .stride = matrix->stride,
                                    .place = matrix->place,
                                    .want = matrix->place ? svm_matrix_want : NULL,
                                    .source = matrix,
                                    .diagonal = matrix->diagonal,
                                    .row = s->unit.row,
                                    .fold = mask,
                                    .eps = s->spec->eps,
                                    .max_iter = s->spec->max_iter};
    if (!svm_unit_absent(s->problem, trained))
        return svm_small_solve(&small, s->cost, s->sweep->ncost, mask ? 0 : -1, out);
    for (int c = 0; c < s->sweep->ncost; c++) {
        memset(&out[c].result, 0, sizeof out[c].result);
        memset(out[c].coef, 0, (size_t)s->unit.n * sizeof *out[c].coef);
        for (int64_t i = 0; out[c].decision && i < s->unit.n; i++)
            out[c].decision[i] = svm_unit_guess(trained);
    }
    return PS_OK;
}

static enum ps_status own_fold(struct svm_solve *s, struct svm_matrix *matrix, int at, int16_t *mask)
{
    const int fold = s->fold[at], ncost = s->sweep->ncost;
    struct svm_solution *out = s->found + (int64_t)at * ncost;
    int64_t trained[2];
    svm_unit_mask(&s->unit, fold, -1, mask, trained);
    for (int c = 0; c < ncost; c++)
        PS_TRY(ps_alloc(&out[c].coef, s->unit.n, sizeof *out[c].coef, "coefficients"));
    return solve(s, matrix, fold < 0 ? NULL : mask, trained, out);
}

/* The rows that an inner fold leaves out get their decision values from the others. */
static enum ps_status inner_fold(struct svm_solve *s, struct svm_matrix *matrix, int at, int inner,
                                 int16_t *mask, struct svm_solution *out)
{
    const int fold = s->fold[at], ncost = s->sweep->ncost;
    const int64_t n = s->unit.n;
    int64_t trained[2];
    svm_unit_mask(&s->unit, fold, inner, mask, trained);
    for (int c = 0; c < ncost; c++) {
        PS_TRY(ps_alloc(&out[c].coef, n, sizeof *out[c].coef, "coefficients"));
        PS_TRY(ps_alloc(&out[c].decision, n, sizeof *out[c].decision, "decision values"));
    }
    PS_TRY(solve(s, matrix, mask, trained, out));
    for (int c = 0; c < ncost; c++) {
        double *to = s->decision + ((int64_t)at * ncost + c) * n;
        for (int64_t i = 0; i < n; i++)
            if (s->unit.inner[i] == inner) to[i] = out[c].decision[i];
    }
    return PS_OK;
}

enum ps_status svm_solve_job(struct svm_solve *s, int i, struct svm_matrix *matrix)
{
    const int per_fold = jobs_of_fold(s), ncost = s->sweep->ncost;
    int16_t *mask = NULL;
    struct svm_solution *work = NULL;
    if (s->ended[i]) return PS_OK;
    enum ps_status rc = ps_alloc(&mask, s->unit.n, sizeof *mask, "rows of a fold");
    if (rc == PS_OK) rc = ps_zalloc(&work, ncost, sizeof *work, "solutions");
    if (rc == PS_OK && i % per_fold == 0) rc = own_fold(s, matrix, i / per_fold, mask);
    if (rc == PS_OK && i % per_fold > 0)
        rc = inner_fold(s, matrix, i / per_fold, i % per_fold - 1, mask, work);
    for (int c = 0; work && c < ncost; c++) {
        free(work[c].coef);
        free(work[c].decision);
    }
    free(work);
    free(mask);
    s->ended[i] = rc == PS_OK;
    return rc;
}

static enum ps_status fill_machine(struct svm_solve *s, int at, int c)
{
    const int64_t place = (int64_t)at * s->sweep->ncost + c;
    struct svm_machine *m = &s->machine[place];
    if (m->coef) return PS_OK;
    m->result = s->found[place].result;
    svm_problem_wants(s->problem, 0, s->unit.n, m->part);
    if (s->sweep->probability)
        PS_TRY(svm_unit_fit(&s->unit, s->problem->slot[1] >= 0, s->fold[at], s->decision + place * s->unit.n,
                            &m->prob_a, &m->prob_b));
    m->coef = s->found[place].coef;
    s->found[place].coef = NULL;
    return PS_OK;
}

enum ps_status svm_solve_close(struct svm_solve *s)
{
    const int per_fold = jobs_of_fold(s);
    for (int at = 0; at < s->folds; at++) {
        bool all = true;
        for (int i = 0; i < per_fold; i++) all = all && s->ended[at * per_fold + i];
        for (int c = 0; all && c < s->sweep->ncost; c++) PS_TRY(fill_machine(s, at, c));
    }
    return PS_OK;
}
