/* Variables of the five types, their starts, and the way from one C to the next. */
#include "apps/pisvm/svm_type.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/exactsum.h"
#include "common/run/err.h"

static bool regression(enum svm_type type)
{
    return type == SVM_EPSILON_SVR || type == SVM_NU_SVR;
}

static double bound(const struct svm_cost *cost, int y)
{
    switch (cost->type) {
    case SVM_C_SVC:
        return y > 0 ? cost->c_positive : cost->c_negative;
    case SVM_EPSILON_SVR:
    case SVM_NU_SVR:
        return cost->c;
    default:
        return 1;
    }
}

/** The linear term of a variable is constant + slope y target. */
struct linear {
    double constant, slope;
};

static struct linear linear_term(const struct svm_cost *cost)
{
    switch (cost->type) {
    case SVM_C_SVC:
        return (struct linear){-1, 0};
    case SVM_EPSILON_SVR:
        return (struct linear){cost->p, -1};
    case SVM_NU_SVR:
        return (struct linear){0, -1};
    default:
        return (struct linear){0, 0};
    }
}

/** Rows that are not left out, those with y = +1 and -1 apart in classification: own, before, of all ranks.
 */
struct counts {
    int64_t own[2], before[2], all[2];
};

static int side_of(const struct svm_cost *cost, const struct svm_row *row)
{
    return !regression(cost->type) && row->target < 0;
}

static enum ps_status count(MPI_Comm comm, const struct svm_cost *cost, const struct svm_row *row, int64_t n,
                            struct counts *c)
{
    *c = (struct counts){{0}, {0}, {0}};
    for (int64_t i = 0; i < n; i++) c->own[side_of(cost, &row[i])] += !row[i].left_out;
    memcpy(c->all, c->own, sizeof c->all);
    if (comm == MPI_COMM_NULL) return PS_OK;
    int rank, rc = MPI_Exscan(c->own, c->before, 2, MPI_INT64_T, MPI_SUM, comm);
    if (rc == MPI_SUCCESS) rc = MPI_Allreduce(MPI_IN_PLACE, c->all, 2, MPI_INT64_T, MPI_SUM, comm);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the rows of a problem could not be counted");
    MPI_Comm_rank(comm, &rank);
    if (rank == 0) c->before[0] = c->before[1] = 0; /* MPI leaves them undefined */
    return PS_OK;
}

/** The sum that the alpha of one side start with, which goes to the first rows; 0: no start. */
static double start_sum(const struct svm_cost *cost, const struct counts *c)
{
    double l = (double)(c->all[0] + c->all[1]);
    switch (cost->type) {
    case SVM_NU_SVC:
        return c->all[0] > 0 && c->all[1] > 0 ? cost->nu * l / 2 : 0;
    case SVM_ONE_CLASS:
        return cost->nu * l;
    case SVM_NU_SVR:
        return cost->c * cost->nu * l / 2;
    default:
        return 0;
    }
}

/** What is left of the sum for the row after k full ones: one rounding, whatever the cut. */
static double start_alpha(double sum, double full, int64_t k)
{
    double rest = fma(-(double)k, full, sum);
    return rest >= full ? full : rest > 0 ? rest : 0;
}

static void fill(const struct svm_cost *cost, const struct svm_row *row, const struct counts *c,
                 struct svm_vars *v)
{
    int64_t before[2] = {c->before[0], c->before[1]};
    double sum = start_sum(cost, c), full[2] = {bound(cost, 1), bound(cost, -1)};
    struct linear linear = linear_term(cost);
    for (int64_t i = 0; i < v->n; i++) {
        int side = side_of(cost, &row[i]);
        int64_t k = row[i].left_out ? 0 : before[side]++;
        for (int copy = 0; copy < v->copies; copy++) {
            int64_t at = i + copy * v->n;
            int negative = copy | side, y = negative ? -1 : 1;
            v->y[at] = (int8_t)y;
            v->p[at] = linear.constant + linear.slope * y * row[i].target;
            v->c[at] = row[i].left_out ? 0 : full[negative];
            v->alpha[at] = sum > 0 && !row[i].left_out ? start_alpha(sum, full[negative], k) : 0;
        }
        v->f[i] = 0;
    }
}

enum ps_status svm_vars_make(MPI_Comm comm, const struct svm_cost *cost, const struct svm_row *row, int64_t n,
                             struct svm_vars *out, bool *has_start)
{
    struct counts c;
    *out = (struct svm_vars){.n = n,
                             .copies = regression(cost->type) ? 2 : 1,
                             .nu = cost->type == SVM_NU_SVC || cost->type == SVM_NU_SVR};
    PS_TRY(count(comm, cost, row, n, &c));
    int64_t fewer = c.all[0] < c.all[1] ? c.all[0] : c.all[1], vars = out->copies * n;
    PS_CHECK(start_sum(cost, &c) <= (double)fewer || cost->type != SVM_NU_SVC, PS_EUSAGE,
             "nu = %g is infeasible: with classes of %lld and %lld rows it is at most %g", cost->nu,
             (long long)c.all[0], (long long)c.all[1], 2 * (double)fewer / (double)(c.all[0] + c.all[1]));
    enum ps_status rc = ps_alloc(&out->y, vars, sizeof *out->y, "the labels of a problem");
    if (rc == PS_OK) rc = ps_alloc(&out->p, vars, sizeof *out->p, "the linear terms of a problem");
    if (rc == PS_OK) rc = ps_alloc(&out->c, vars, sizeof *out->c, "the bounds of a problem");
    if (rc == PS_OK) rc = ps_alloc(&out->alpha, vars, sizeof *out->alpha, "the variables of a problem");
    if (rc == PS_OK) rc = ps_alloc(&out->f, n, sizeof *out->f, "the gradient of a problem");
    if (rc != PS_OK) {
        svm_vars_free(out);
        return rc;
    }
    fill(cost, row, &c, out);
    *has_start = start_sum(cost, &c) > 0;
    return PS_OK;
}

void svm_vars_free(struct svm_vars *v)
{
    free(v->y);
    free(v->p);
    free(v->c);
    free(v->alpha);
    free(v->f);
    *v = (struct svm_vars){0};
}

/** The factor of least objective between 1 and `most`: the objective along alpha is t^2 / 2 quadratic + t
 * linear. */
static double best_factor(double most, double linear, double quadratic)
{
    if (most <= 1) return most;
    double t = quadratic > 0 ? -linear / quadratic : linear < 0 ? most : 1;
    return t < 1 ? 1 : t > most ? most : t;
}

enum ps_status svm_vars_recost(MPI_Comm comm, const struct svm_cost *from, const struct svm_cost *to,
                               struct svm_vars *v)
{
    enum { LINEAR, QUADRATIC, SUMS };
    struct ps_exact sum[SUMS] = {{{0}}};
    double grow[2] = {bound(to, 1) / bound(from, 1), bound(to, -1) / bound(from, -1)};
    for (int64_t at = 0; at < v->copies * v->n; at++) {
        if (v->alpha[at] == 0) continue;
        ps_exact_add(&sum[LINEAR], v->p[at] * v->alpha[at]);
        ps_exact_add(&sum[QUADRATIC], v->y[at] * v->alpha[at] * v->f[at < v->n ? at : at - v->n]);
    }
    PS_TRY(ps_exact_reduce(comm, sum, SUMS));
    double t = best_factor(grow[0] < grow[1] ? grow[0] : grow[1], ps_exact_value(&sum[LINEAR]),
                           ps_exact_value(&sum[QUADRATIC])),
           full[2] = {bound(to, 1), bound(to, -1)};
    for (int64_t at = 0; at < v->copies * v->n; at++) {
        if (v->c[at] == 0) continue; /* left out */
        double c = full[v->y[at] < 0], moved = v->alpha[at] * t;
        bool stays_bounded = v->alpha[at] >= v->c[at] && t == grow[v->y[at] < 0];
        v->alpha[at] = stays_bounded || moved > c ? c : moved;
        v->c[at] = c;
    }
    for (int64_t i = 0; i < v->n; i++) v->f[i] *= t;
    return PS_OK;
}
