#include "apps/pisvm/svm_large_run.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_large.h"
#include "apps/pisvm/svm_unit.h"
#include "common/run/log.h"

/* A large problem: own rows, and where its solution stands. */
struct problem {
    struct svm_job *job;
    const struct svm_problem *p;
    struct svm_rows rows;
    struct svm_unit unit;
    int16_t *mask;        /* [own rows] */
    struct svm_row *left; /* [own rows] targets with the fold left out */
    struct svm_cost *cost;
    struct svm_large *solver;
    struct svm_vars vars;
    struct svm_under_way now; /* its alpha, f and mark are borrowed from here and from vars */
    uint8_t *mark;            /* [2 * own rows] */
    double *coef;             /* [own rows] */
};

static void problem_free(struct problem *x)
{
    svm_large_close(x->solver);
    svm_vars_free(&x->vars);
    svm_unit_free(&x->unit);
    svm_rows_free(&x->rows);
    free(x->mask);
    free(x->left);
    free(x->cost);
    free(x->mark);
    free(x->coef);
    free(x->now.coef);
    free(x->now.decision);
    free(x->now.result);
}

static enum ps_status problem_alloc(struct problem *x)
{
    const struct svm_train_spec *spec = x->job->spec;
    const struct svm_sweep *sweep = x->job->sweep;
    const struct ps_range mine = x->now.mine;
    const int64_t own = mine.hi - mine.lo, ncost = sweep->ncost;
    const double *label = spec->data->class_of ? NULL : x->rows.label;
    PS_TRY(svm_unit_make(spec, sweep, x->p, mine.lo, mine.hi, label, &x->unit));
    PS_TRY(ps_alloc(&x->mask, own, sizeof *x->mask, "rows of a fold"));
    PS_TRY(ps_alloc(&x->left, own, sizeof *x->left, "rows of a fold"));
    PS_TRY(ps_alloc(&x->cost, ncost, sizeof *x->cost, "costs"));
    PS_TRY(ps_zalloc(&x->mark, 2 * own, 1, "marks of variables"));
    PS_TRY(ps_alloc(&x->coef, own, sizeof *x->coef, "coefficients"));
    PS_TRY(ps_zalloc(&x->now.coef, own * ncost, sizeof *x->coef, "coefficients"));
    if (sweep->probability)
        PS_TRY(ps_zalloc(&x->now.decision, own * ncost, sizeof *x->coef, "decision values"));
    PS_TRY(ps_zalloc(&x->now.result, ncost, sizeof *x->now.result, "results"));
    svm_unit_costs(spec, sweep, x->p, x->cost);
    return PS_OK;
}

/* Fetch own rows, and make the solver. Collective. */
static enum ps_status problem_open(struct svm_job *j, int pair, struct problem *x)
{
    const struct svm_train_spec *spec = j->spec;
    MPI_Comm comm = spec->run->comm;
    struct svm_want part[2];
    *x = (struct problem){.job = j, .p = &j->plan.problem[pair]};
    x->now.pair = pair;
    x->now.any = true;
    x->now.rows = svm_problem_rows(x->p);
    x->now.mine = ps_block(x->now.rows, spec->run->size, spec->run->rank);
    svm_problem_wants(x->p, x->now.mine.lo, x->now.mine.hi, part);
    PS_TRY(svm_rows_fetch(comm, spec->data, part, 2, &x->rows));
    PS_TRY(ps_agree(comm, problem_alloc(x)));
    const int sharing = spec->kernels->device ? spec->sharing : 1;
    const struct svm_large_spec large = {.comm = comm,
                                         .kernels = spec->kernels,
                                         .function = j->sweep->function,
                                         .layout = j->store.layout,
                                         .memory = spec->memory / sharing,
                                         .working = spec->working,
                                         .fresh = spec->fresh,
                                         .shrinking = spec->shrinking};
    return svm_large_open(&large, &x->rows, &x->solver);
}

/* Point the description at the present arrays. */
static void aim(struct problem *x, const struct svm_large_state *state)
{
    struct svm_under_way *w = &x->now;
    w->copies = x->vars.copies;
    for (int i = 0; i < w->copies; i++) {
        w->alpha[i] = x->vars.alpha + i * x->vars.n;
        w->mark[i] = x->mark + i * x->vars.n;
    }
    w->f = x->vars.f;
    w->outer = state->outer;
    w->steps = state->inner;
    w->violation = state->violation;
}

/* Between outer iterations: is it time to write a checkpoint, or to stop? Collective. */
static enum ps_status at_iteration(void *context, const struct svm_large_state *state,
                                   const struct svm_vars *v)
{
    struct problem *x = context;
    bool stop;
    (void)v;
    if (!svm_resume_due(x->job, &stop)) return PS_OK;
    PS_TRY(ps_agree(x->job->spec->run->comm, svm_large_bring(x->solver, &x->vars)));
    aim(x, state);
    PS_TRY(svm_resume_write(x->job, &x->now));
    if (!stop) return PS_OK;
    return ps_fail(PS_STOPPED,
                   "stopped in outer iteration %lld of a large problem, violation %.3g; --resume goes on",
                   (long long)state->outer, state->violation);
}

/* The variables as the checkpoint holds them. */
static void restore(struct problem *x, struct svm_under_way *from, struct svm_large_state *state)
{
    const size_t n = (size_t)x->vars.n;
    for (int i = 0; i < x->vars.copies; i++) {
        memcpy(x->vars.alpha + i * x->vars.n, from->alpha[i], n * sizeof *x->vars.alpha);
        memcpy(x->mark + i * x->vars.n, from->mark[i], n);
    }
    memcpy(x->vars.f, from->f, n * sizeof *x->vars.f);
    state->outer = from->outer;
    state->inner = from->steps;
    state->violation = from->violation;
    svm_under_way_free(from);
}

/* Make the variables for cost c: anew, from the cost before, or from the checkpoint. Collective. */
static enum ps_status begin(struct problem *x, int c, struct svm_large_state *state)
{
    const enum svm_type type = x->job->spec->type;
    MPI_Comm comm = x->job->spec->run->comm;
    struct svm_under_way *from = &x->job->way;
    bool has_start = false;
    const bool fresh = c == 0 || from->any || (type != SVM_C_SVC && type != SVM_EPSILON_SVR);
    if (fresh) svm_vars_free(&x->vars);
    PS_TRY(ps_agree(comm, fresh ? svm_vars_make(comm, &x->cost[c], x->left, x->unit.n, &x->vars, &has_start)
                                : svm_vars_recost(comm, &x->cost[c - 1], &x->cost[c], &x->vars)));
    memset(x->mark, 0, (size_t)x->unit.n * 2);
    *state = (struct svm_large_state){.mark = x->mark};
    if (!from->any) return has_start ? svm_large_start(x->solver, &x->vars) : PS_OK;
    restore(x, from, state);
    return PS_OK;
}

/* Keep what was found for cost c: a machine's coefficients, or decision values of an inner fold. */
static void keep(struct problem *x, int c, const struct svm_result *result)
{
    const int64_t ncost = x->job->sweep->ncost;
    const double scale = x->job->spec->type == SVM_NU_SVC ? result->r : 1;
    for (int64_t i = 0; i < x->unit.n; i++) {
        if (x->now.inner < 0)
            x->now.coef[i * ncost + c] = x->coef[i];
        else if (x->unit.inner[i] == x->now.inner)
            x->now.decision[i * ncost + c] = x->vars.f[i] / scale - result->rho;
    }
    if (x->now.inner < 0) x->now.result[c] = *result;
}

/* Solve for all C from x->now.cost on, fold and inner fold left out. Collective. */
static enum ps_status solve_costs(struct problem *x)
{
    const struct svm_train_spec *spec = x->job->spec;
    const struct svm_large_hook hook = {at_iteration, x};
    struct svm_large_state state;
    for (int c = x->now.cost; c < x->job->sweep->ncost; c++) {
        x->now.cost = c;
        PS_TRY(begin(x, c, &state));
        PS_TRY(svm_large_solve(x->solver, &x->vars, spec->eps, spec->max_iter, &hook, &state));
        struct svm_result result = {.iterations = state.inner, .violation = state.violation};
        PS_TRY(ps_agree(spec->run->comm,
                        svm_vars_result(spec->run->comm, &x->cost[c], &x->vars, &result, x->coef)));
        keep(x, c, &result);
    }
    x->now.cost = 0;
    return PS_OK;
}

/* No machine can be trained: rows of one class are all left out. */
static void guess(struct problem *x, const int64_t trained[2])
{
    const int64_t ncost = x->job->sweep->ncost;
    for (int64_t i = 0; i < x->unit.n; i++)
        for (int c = 0; c < ncost; c++) {
            if (x->now.inner < 0)
                x->now.coef[i * ncost + c] = 0;
            else if (x->unit.inner[i] == x->now.inner)
                x->now.decision[i * ncost + c] = svm_unit_guess(trained);
        }
    for (int c = 0; c < ncost && x->now.inner < 0; c++) memset(&x->now.result[c], 0, sizeof *x->now.result);
}

static int fold_number(const struct problem *x)
{
    return x->job->sweep->folds > 0 ? x->now.fold : -1;
}

static enum ps_status solve_inner(struct problem *x)
{
    int64_t trained[2];
    svm_unit_mask(&x->unit, fold_number(x), x->now.inner, x->mask, trained);
    for (int64_t i = 0; i < x->unit.n; i++)
        x->left[i] = (struct svm_row){x->unit.row[i].target, x->mask[i] == 0};
    MPI_Allreduce(MPI_IN_PLACE, trained, 2, MPI_INT64_T, MPI_SUM, x->job->spec->run->comm);
    if (!svm_unit_absent(x->p, trained)) return solve_costs(x);
    guess(x, trained);
    return PS_OK;
}

/* --- probabilities --- */

/* Bring n own doubles of all ranks to rank 0. Collective. @param all on rank 0 [rows] */
static enum ps_status gather(const struct problem *x, const double *own, double *all)
{
    const int size = x->job->spec->run->size;
    int *count = NULL, *start = NULL;
    MPI_Comm comm = x->job->spec->run->comm;
    enum ps_status rc = ps_alloc(&count, size, sizeof *count, "decision values");
    if (rc == PS_OK) rc = ps_alloc(&start, size, sizeof *start, "decision values");
    rc = ps_agree(comm, rc);
    for (int r = 0; r < size && rc == PS_OK; r++) {
        const struct ps_range of = ps_block(x->now.rows, size, r);
        start[r] = (int)of.lo;
        count[r] = (int)(of.hi - of.lo);
    }
    if (rc == PS_OK) MPI_Gatherv(own, (int)x->unit.n, MPI_DOUBLE, all, count, start, MPI_DOUBLE, 0, comm);
    free(count);
    free(start);
    return rc;
}

/* Rank 0 fits what the decision values of all rows say. Collective. */
static enum ps_status fit(struct problem *x, int c, double prob[2])
{
    const struct svm_job *j = x->job;
    MPI_Comm comm = j->spec->run->comm;
    const bool classes = j->spec->data->class_of != NULL, first = j->spec->run->rank == 0;
    const int64_t rows = first ? x->now.rows : 0;
    struct svm_unit all = {0};
    double *label = NULL, *decision = NULL;
    enum ps_status rc = ps_alloc(&label, rows, sizeof *label, "labels");
    if (rc == PS_OK) rc = ps_alloc(&decision, rows, sizeof *decision, "decision values");
    PS_TRY_DONE(ps_agree(comm, rc));
    if (!classes) PS_TRY_DONE(gather(x, x->rows.label, label));
    for (int64_t i = 0; i < x->unit.n; i++) x->coef[i] = x->now.decision[i * j->sweep->ncost + c];
    PS_TRY_DONE(gather(x, x->coef, decision));
    if (first) {
        rc = svm_unit_make(j->spec, j->sweep, x->p, 0, rows, classes ? NULL : label, &all);
        if (rc == PS_OK) rc = svm_unit_fit(&all, classes, fold_number(x), decision, &prob[0], &prob[1]);
    }
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Bcast(prob, 2, MPI_DOUBLE, 0, comm);
done:
    svm_unit_free(&all);
    free(label);
    free(decision);
    return rc;
}

/* --- machines --- */

/* All C of one fold are solved: own parts of the machines. Collective. */
static enum ps_status finish(struct problem *x)
{
    struct svm_job *j = x->job;
    const int64_t ncost = j->sweep->ncost;
    for (int c = 0; c < ncost; c++) {
        struct svm_machine *m = &j->pieces.machine[j->pieces.n];
        double prob[2] = {0, 0};
        if (j->sweep->probability) PS_TRY(fit(x, c, prob));
        *m = (struct svm_machine){.pair = x->now.pair,
                                  .a = x->p->a,
                                  .b = x->p->b,
                                  .cost = c,
                                  .fold = fold_number(x),
                                  .result = x->now.result[c],
                                  .prob_a = prob[0],
                                  .prob_b = prob[1]};
        svm_problem_wants(x->p, x->now.mine.lo, x->now.mine.hi, m->part);
        PS_TRY(ps_agree(j->spec->run->comm, ps_alloc(&m->coef, x->unit.n, sizeof *m->coef, "coefficients")));
        for (int64_t i = 0; i < x->unit.n; i++) m->coef[i] = x->now.coef[i * ncost + c];
        j->pieces.n++;
    }
    j->done[(int64_t)x->now.pair * j->plan.folds + x->now.fold] = 1;
    return PS_OK;
}

/* Take up what the checkpoint holds of this problem. */
static void take_up(struct problem *x, const struct svm_under_way *from)
{
    const size_t values = (size_t)(x->unit.n * x->job->sweep->ncost);
    x->now.fold = from->fold;
    x->now.inner = from->inner;
    x->now.cost = from->cost;
    memcpy(x->now.coef, from->coef, values * sizeof *x->now.coef);
    if (x->now.decision) memcpy(x->now.decision, from->decision, values * sizeof *x->now.decision);
    memcpy(x->now.result, from->result, (size_t)x->job->sweep->ncost * sizeof *x->now.result);
}

static enum ps_status solve_pair(struct svm_job *j, int pair)
{
    const int inners = j->sweep->probability ? SVM_INNER : 0;
    struct problem x;
    int left = 0;
    for (int f = 0; f < j->plan.folds; f++) left += !j->done[(int64_t)pair * j->plan.folds + f];
    if (left == 0) return PS_OK;
    enum ps_status rc = problem_open(j, pair, &x);
    for (int f = 0; f < j->plan.folds && rc == PS_OK; f++) {
        if (j->done[(int64_t)pair * j->plan.folds + f]) continue;
        x.now.fold = f;
        x.now.inner = -1;
        x.now.cost = 0;
        if (j->way.any) take_up(&x, &j->way);
        for (; x.now.inner < inners && rc == PS_OK; x.now.inner++) rc = solve_inner(&x);
        if (rc == PS_OK) rc = finish(&x);
    }
    problem_free(&x);
    return rc;
}

enum ps_status svm_large_run(struct svm_job *j)
{
    const int64_t most = (int64_t)j->plan.large * j->plan.folds * j->sweep->ncost;
    struct ps_progress progress;
    int ended = 0;
    if (j->plan.large == 0) return PS_OK;
    enum ps_status rc = ps_zalloc(&j->pieces.machine, most, sizeof *j->pieces.machine, "machines");
    PS_TRY(ps_agree(j->spec->run->comm, rc));
    ps_progress_begin(&progress, j->spec->run, "training", "large problems", j->plan.large);
    /* the one that was under way goes first */
    if (j->way.any) rc = solve_pair(j, j->way.pair);
    for (int pair = 0; pair < j->plan.pairs && rc == PS_OK; pair++) {
        if (!j->plan.problem[pair].large) continue;
        rc = solve_pair(j, pair);
        ps_progress_at(&progress, ++ended);
    }
    ps_progress_end(&progress);
    return rc;
}
