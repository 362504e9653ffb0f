#include "apps/pisvm/svm_solve.h"
#include <stdlib.h>
#include <string.h>

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

/* Arrays for the solutions of a fold, which stay, or of an inner fold, which have decision values. */
static enum ps_status make_room(struct svm_solve *s, bool inner, struct svm_solve_way *w)
{
    const int64_t n = s->unit.n;
    if (inner) {
        PS_TRY(ps_zalloc(&w->inner, s->sweep->ncost, sizeof *w->inner, "solutions"));
        w->out = w->inner;
    }
    for (int c = 0; c < s->sweep->ncost; c++) {
        PS_TRY(ps_alloc(&w->out[c].coef, n, sizeof *w->out[c].coef, "coefficients"));
        if (inner) PS_TRY(ps_alloc(&w->out[c].decision, n, sizeof *w->out[c].decision, "decision values"));
    }
    return PS_OK;
}

/* What machines say that saw rows of one class alone. */
static void guess(const struct svm_solve *s, const int64_t trained[2], struct svm_solution *out)
{
    for (int c = 0; c < s->sweep->ncost; c++) {
        memset(&out[c].result, 0, sizeof out[c].result);
        memset(out[c].coef, 0, (size_t)s->unit.n * sizeof *out[c].coef);
        for (int64_t i = 0; out[c].decision && i < s->unit.n; i++)
            out[c].decision[i] = svm_unit_guess(trained);
    }
}

enum ps_status svm_solve_begin(struct svm_solve *s, int i, struct svm_matrix *matrix, struct svm_solve_way *w)
{
    const int per_fold = jobs_of_fold(s), at = i / per_fold, inner = i % per_fold - 1, fold = s->fold[at];
    int64_t trained[2];
    *w = (struct svm_solve_way){.job = i, .out = s->found + (int64_t)at * s->sweep->ncost};
    PS_TRY(ps_alloc(&w->mask, s->unit.n, sizeof *w->mask, "rows of a fold"));
    PS_TRY(make_room(s, inner >= 0, w));
    svm_unit_mask(&s->unit, fold, inner, w->mask, trained);
    w->fold = fold < 0 && inner < 0 ? -1 : 0;
    w->small = (struct svm_small){.kernels = s->spec->kernels,
                                  .n = s->unit.n,
                                  .k = matrix->k,
                                  .stride = matrix->stride,
                                  .place = matrix->place,
                                  .want = matrix->place ? svm_matrix_want : NULL,
                                  .source = matrix,
                                  .diagonal = matrix->diagonal,
                                  .row = s->unit.row,
                                  .fold = w->mask,
                                  .eps = s->spec->eps,
                                  .max_iter = s->spec->max_iter};
    w->solved = svm_unit_absent(s->problem, trained);
    if (w->solved) guess(s, trained, w->out);
    return PS_OK;
}

void svm_solve_end(struct svm_solve *s, const struct svm_solve_way *w)
{
    const int per_fold = jobs_of_fold(s), inner = w->job % per_fold - 1;
    const int64_t n = s->unit.n, ncost = s->sweep->ncost;
    /* the rows that an inner fold leaves out get their decision values from the others */
    for (int64_t c = 0; inner >= 0 && c < ncost; c++) {
        double *to = s->decision + (w->job / per_fold * ncost + c) * n;
        for (int64_t i = 0; i < n; i++)
            if (s->unit.inner[i] == inner) to[i] = w->out[c].decision[i];
    }
    s->ended[w->job] = true;
}

void svm_solve_way_free(const struct svm_solve *s, struct svm_solve_way *w)
{
    for (int c = 0; w->inner && c < s->sweep->ncost; c++) {
        free(w->inner[c].coef);
        free(w->inner[c].decision);
    }
    free(w->inner);
    free(w->mask);
    *w = (struct svm_solve_way){0};
}

enum ps_status svm_solve_job(struct svm_solve *s, int i, struct svm_matrix *matrix)
{
    struct svm_solve_way w;
    if (s->ended[i]) return PS_OK;
    enum ps_status rc = svm_solve_begin(s, i, matrix, &w);
    if (rc == PS_OK && !w.solved) rc = svm_small_solve(&w.small, s->cost, s->sweep->ncost, w.fold, w.out);
    if (rc == PS_OK) svm_solve_end(s, &w);
    svm_solve_way_free(s, &w);
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
