#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_large_run.h"
#include "apps/pisvm/svm_resume.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* Before work: where nu cannot be reached. The same on all ranks. */
static enum ps_status check_nu(const struct svm_train_spec *spec, const struct svm_sweep *sweep)
{
    const struct svm_data *d = spec->data;
    if (spec->type != SVM_NU_SVC) return PS_OK;
    for (int a = 0; a < d->nclass; a++)
        for (int b = a + 1; b < d->nclass; b++) {
            const int64_t fewer = d->count[a] < d->count[b] ? d->count[a] : d->count[b];
            const double all = (double)(d->count[a] + d->count[b]);
            PS_CHECK(sweep->cost->nu * all / 2 <= (double)fewer, PS_EUSAGE,
                     "nu = %g cannot be reached between class %d of %lld rows and class %d of %lld: at most "
                     "%g can",
                     sweep->cost->nu, d->label[a], (long long)d->count[a], d->label[b],
                     (long long)d->count[b], 2 * (double)fewer / all);
        }
    return PS_OK;
}

static void job_free(struct svm_job *j)
{
    svm_tasks_free(j->tasks);
    svm_store_close(&j->store);
    svm_plan_free(&j->plan);
    svm_machines_free(&j->held);
    svm_machines_free(&j->pieces);
    svm_under_way_free(&j->way);
    free(j->done);
}

/* Look at the data, the checkpoint, and make the plan. Collective. */
static enum ps_status job_open(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                               struct svm_job *j)
{
    struct svm_rows_cost cost;
    MPI_Comm comm = spec->run->comm;
    const int folds = sweep->folds > 0 ? sweep->folds : 1;
    *j = (struct svm_job){.spec = spec, .sweep = sweep, .saved = ps_elapsed(spec->run)};
    PS_TRY(check_nu(spec, sweep));
    PS_TRY(svm_store_open(spec, sweep, &j->store, &cost));
    PS_TRY(ps_agree(comm, ps_zalloc(&j->done, (int64_t)svm_pairs(spec->data) * folds, 1, "machines")));
    if (spec->run->common->checkpoint[0]) {
        svm_resume_tag(j);
        PS_TRY(svm_resume_read(j));
    }
    PS_TRY(ps_agree(comm, svm_plan_make(spec, sweep, &cost, j->done, &j->plan)));
    PS_TRY(svm_tasks_make(spec, sweep, &j->plan, &j->store, &j->tasks));
    if (!spec->told || !*spec->told) svm_plan_tell(spec, sweep, &j->plan);
    if (spec->told) *spec->told = true;
    return PS_OK;
}

/* Solve this round's problems; ranks meet for checkpoints and at the end. Collective. */
static enum ps_status run_round(struct svm_job *j, int round, bool *want)
{
    struct ps_run *run = j->spec->run;
    int left = 1;
    const bool later = round + 1 < j->plan.rounds || j->plan.large > 0;
    memset(want, 0, (size_t)j->plan.slots * sizeof *want);
    svm_tasks_wants(j->tasks, round, want);
    PS_TRY(svm_store_load(&j->store, j->plan.count, want));
    while (left > 0) {
        const double until = run->common->checkpoint[0] ? j->saved + SVM_SAVE_SECONDS : ps_elapsed(run) + 1e9;
        PS_TRY(ps_agree(run->comm, svm_tasks_run(j->tasks, round, until, &left)));
        MPI_Allreduce(MPI_IN_PLACE, &left, 1, MPI_INT, MPI_SUM, run->comm);
        bool stop;
        const bool due = svm_resume_due(j, &stop);
        if (left == 0 && !later) return PS_OK;
        if (due || (left > 0 && run->common->checkpoint[0])) PS_TRY(svm_resume_write(j, NULL));
        if (stop)
            return ps_fail(PS_STOPPED, "stopped with %d small problems left of this round; --resume goes on",
                           left);
    }
    return PS_OK;
}

static enum ps_status run_small(struct svm_job *j)
{
    MPI_Comm comm = j->spec->run->comm;
    bool *want = NULL;
    if (j->plan.small == 0) return PS_OK;
    enum ps_status rc = ps_agree(comm, ps_alloc(&want, j->plan.slots, sizeof *want, "wanted classes"));
    for (int round = 0; round < j->plan.rounds && rc == PS_OK; round++) rc = run_round(j, round, want);
    free(want);
    return rc;
}

/* --- results --- */

static int by_name(const void *x, const void *y)
{
    const struct svm_machine *a = x, *b = y;
    if (a->pair != b->pair) return a->pair - b->pair;
    if (a->cost != b->cost) return a->cost - b->cost;
    return a->fold - b->fold;
}

static int64_t rows_of(const struct svm_machine *m)
{
    return m->part[0].hi - m->part[0].lo + m->part[1].hi - m->part[1].lo;
}

/* All machines of this rank in one list, in order. */
static enum ps_status collect(struct svm_job *j, struct svm_machines *out)
{
    const int64_t most = j->held.n + svm_tasks_machines(j->tasks) + j->pieces.n;
    *out = (struct svm_machines){0};
    PS_TRY(ps_alloc(&out->machine, most, sizeof *out->machine, "machines"));
    struct svm_machines *const from[] = {&j->held, &j->pieces};
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < from[k]->n; i++) {
            struct svm_machine *m = &from[k]->machine[i];
            if (rows_of(m) == 0) continue; /* more ranks than rows */
            out->machine[out->n++] = *m;
            m->coef = NULL;
        }
    out->n += svm_tasks_take(j->tasks, out->machine + out->n);
    qsort(out->machine, (size_t)out->n, sizeof *out->machine, by_name);
    return PS_OK;
}

enum { STEPS, NU, OBJECTIVE, RHO, SV, BOUNDED, R, VIOLATION, NUMBERS };

/* Bring the results of all machines of one fold -1 to rank 0. Collective.
 * @param out on rank 0 [pairs][ncost][NUMBERS] */
static enum ps_status gather_results(const struct svm_job *j, const struct svm_machines *m, double **out)
{
    MPI_Comm comm = j->spec->run->comm;
    const int64_t n = (int64_t)j->plan.pairs * j->sweep->ncost;
    PS_TRY(ps_agree(comm, ps_zalloc(out, n * NUMBERS, sizeof **out, "results")));
    for (int64_t i = 0; i < m->n; i++) {
        const struct svm_machine *x = &m->machine[i];
        const struct svm_result *r = &x->result;
        double *to = *out + ((int64_t)x->pair * j->sweep->ncost + x->cost) * NUMBERS;
        if (x->part[0].lo != 0 || x->part[0].hi == 0) continue; /* another rank has the first row */
        const double all[NUMBERS] = {(double)r->iterations, r->nu, r->objective, r->rho, (double)r->sv,
                                     (double)r->bounded,    r->r,  r->violation};
        memcpy(to, all, sizeof all);
    }
    const int first = j->spec->run->rank == 0;
    MPI_Reduce(first ? MPI_IN_PLACE : *out, *out, (int)(n * NUMBERS), MPI_DOUBLE, MPI_SUM, 0, comm);
    return PS_OK;
}

/* The lines that LIBSVM prints of a binary problem. */
static void print_problem(const struct svm_train_spec *spec, const double *r)
{
    const struct ps_run *run = spec->run;
    ps_print(run, "optimization finished, #iter = %.0f\n", r[STEPS]);
    if (spec->type == SVM_C_SVC || spec->type == SVM_EPSILON_SVR) ps_print(run, "nu = %f\n", r[NU]);
    if (spec->type == SVM_NU_SVC) ps_print(run, "C = %f\n", 1 / r[R]);
    if (spec->type == SVM_NU_SVR) ps_print(run, "epsilon = %f\n", -r[R]);
    ps_print(run, "obj = %f, rho = %f\n", r[OBJECTIVE], r[RHO]);
    ps_print(run, "nSV = %.0f, nBSV = %.0f\n", r[SV], r[BOUNDED]);
}

static void record_results(const struct svm_job *j, const double *result, double *column)
{
    static const struct {
        const char *name;
        int at;
    } columns[] = {{"iterations", STEPS}, {"objective", OBJECTIVE}, {"rho", RHO}, {"nsv", SV}};
    struct ps_run *run = j->spec->run;
    const int n = j->plan.pairs * j->sweep->ncost;
    ps_record_begin(run, "trained");
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        for (int i = 0; i < n; i++) column[i] = result[(int64_t)i * NUMBERS + columns[k].at];
        ps_record_nums(run, columns[k].name, column, n);
    }
    ps_record_end(run);
}

/* Print and record the binary problems of a sweep without folds. Collective. */
static enum ps_status tell_results(const struct svm_job *j, const struct svm_machines *m)
{
    struct ps_run *run = j->spec->run;
    const int n = j->plan.pairs * j->sweep->ncost;
    double *result = NULL, *column = NULL;
    if (j->sweep->folds > 0) return PS_OK;
    enum ps_status rc = gather_results(j, m, &result);
    if (rc == PS_OK) rc = ps_agree(run->comm, ps_alloc(&column, n, sizeof *column, "results"));
    for (int i = 0; i < n && rc == PS_OK && !j->spec->quiet; i++)
        print_problem(j->spec, result + (int64_t)i * NUMBERS);
    if (rc == PS_OK) record_results(j, result, column);
    free(result);
    free(column);
    return rc;
}

/* Say how many machines did not reach the tolerance. Collective. */
static void tell_unfinished(const struct svm_job *j, const struct svm_machines *m)
{
    struct ps_run *run = j->spec->run;
    int64_t n = 0;
    double worst = 0;
    for (int64_t i = 0; i < m->n; i++) {
        const struct svm_machine *x = &m->machine[i];
        if (x->part[0].lo != 0 || x->part[0].hi == 0 || x->result.violation < j->spec->eps) continue;
        n++;
        if (x->result.violation > worst) worst = x->result.violation;
    }
    MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_SUM, run->comm);
    MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, run->comm);
    if (n > 0)
        ps_warn(run,
                "%lld of the problems ended before the tolerance -e %g was reached (largest violation %.3g): "
                "scale the data to [0, 1], take a smaller -c, or allow more steps by --max-iter",
                (long long)n, j->spec->eps, worst);
}

enum ps_status svm_train(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                         struct svm_machines *out)
{
    struct svm_job j;
    *out = (struct svm_machines){0};
    ps_phase(spec->run, "plan");
    enum ps_status rc = job_open(spec, sweep, &j);
    ps_phase(spec->run, "small problems");
    if (rc == PS_OK) rc = run_small(&j);
    ps_phase(spec->run, "large problems");
    if (rc == PS_OK) rc = svm_large_run(&j);
    ps_phase(spec->run, "results");
    if (rc == PS_OK) rc = ps_agree(spec->run->comm, collect(&j, out));
    if (rc == PS_OK) rc = tell_results(&j, out);
    if (rc == PS_OK) tell_unfinished(&j, out);
    job_free(&j);
    if (rc != PS_OK) svm_machines_free(out);
    return rc;
}
