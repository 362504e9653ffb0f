/* What comes out of a solved problem. Sums are exact and maxima have no order: the cut of the rows does not
 * show. */
#include <math.h>
#include "apps/pisvm/svm_type.h"
#include "common/par/exactsum.h"
#include "common/run/err.h"

/** What is gathered over the rows, side by side where y = +1 and -1 have their own constraints (nu types). A
 * variable at a bound of its own bounds rho; where some are free, rho is their mean. */
enum { OBJECTIVE, ALPHA, BOUNDS, FREE, SUMS = FREE + 2 };
enum { SV, BOUNDED, FREE_COUNT, ROWS = FREE_COUNT + 2, COUNTS = ROWS + 2 };
enum { LOWEST, MINUS_HIGHEST = LOWEST + 2, ENDS = MINUS_HIGHEST + 2 };

struct tally {
    struct ps_exact sum[SUMS];
    int64_t count[COUNTS];
    double end[ENDS]; /**< largest lower bound of rho; minus the smallest upper one */
};

static void raise_to(double *most, double x)
{
    if (x > *most) *most = x;
}

static void tally_variable(const struct svm_vars *v, int64_t at, struct tally *t)
{
    int y = v->y[at], side = v->nu && y < 0;
    double alpha = v->alpha[at], f = v->f[at < v->n ? at : at - v->n];
    double value = v->nu ? y * f + v->p[at] : f + y * v->p[at];
    if (alpha > 0) ps_exact_add(&t->sum[OBJECTIVE], alpha * (y * f + 2 * v->p[at]));
    if (v->c[at] == 0) return; /* left out */
    t->count[ROWS + (y < 0)]++;
    if (alpha > 0 && alpha < v->c[at]) {
        ps_exact_add(&t->sum[FREE + side], value);
        t->count[FREE_COUNT + side]++;
    } else if ((alpha > 0) == (v->nu || y > 0)) {
        raise_to(&t->end[LOWEST + side], value);
    } else {
        raise_to(&t->end[MINUS_HIGHEST + side], -value);
    }
}

static void tally_row(const struct svm_vars *v, int64_t i, struct tally *t, double *coef)
{
    *coef = 0;
    for (int copy = 0; copy < v->copies; copy++) {
        tally_variable(v, i + copy * v->n, t);
        *coef += v->y[i + copy * v->n] * v->alpha[i + copy * v->n];
    }
    double size = fabs(*coef);
    ps_exact_add(&t->sum[BOUNDS], v->c[i]);
    if (size == 0) return;
    ps_exact_add(&t->sum[ALPHA], size);
    t->count[SV]++;
    t->count[BOUNDED] += size >= v->c[i];
}

static enum ps_status reduce(MPI_Comm comm, struct tally *t)
{
    PS_TRY(ps_exact_reduce(comm, t->sum, SUMS));
    if (comm == MPI_COMM_NULL) return PS_OK;
    int rc = MPI_Allreduce(MPI_IN_PLACE, t->count, COUNTS, MPI_INT64_T, MPI_SUM, comm);
    if (rc == MPI_SUCCESS) rc = MPI_Allreduce(MPI_IN_PLACE, t->end, ENDS, MPI_DOUBLE, MPI_MAX, comm);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the results of a problem did not come together");
    return PS_OK;
}

/** rho of a side, as LIBSVM: the mean over free variables, else the middle between the bounds. Where a bound
 * is missing, LIBSVM's would be infinite: here it is the other. */
static double side_rho(const struct tally *t, int side)
{
    double below = t->end[LOWEST + side], above = -t->end[MINUS_HIGHEST + side];
    int64_t n = t->count[FREE_COUNT + side];
    if (n > 0) return ps_exact_value(&t->sum[FREE + side]) / (double)n;
    if (isinf(below)) return isinf(above) ? 0 : above;
    return isinf(above) ? below : (above + below) / 2;
}

/** rho and r. nu-SVC with rows of one class alone has no solution: the decision is that class. */
static void find_rho(const struct svm_cost *cost, const struct svm_vars *v, const struct tally *t,
                     struct svm_result *out)
{
    const int64_t *rows = t->count + ROWS;
    double first = side_rho(t, 0), second = side_rho(t, 1);
    out->rho = v->nu ? (first - second) / 2 : first;
    out->r = v->nu ? (first + second) / 2 : 0;
    if (cost->type != SVM_NU_SVC) return;
    if (rows[0] == 0 || rows[1] == 0) {
        out->rho = (rows[1] > 0) - (rows[0] > 0);
        out->r = 1;
    }
    if (!(out->r > 0)) out->r = 1; /* no margin: nothing to scale by */
}

enum ps_status svm_vars_result(MPI_Comm comm, const struct svm_cost *cost, const struct svm_vars *v,
                               struct svm_result *out, double *coef)
{
    struct tally t = {.end = {-INFINITY, -INFINITY, -INFINITY, -INFINITY}};
    for (int64_t i = 0; i < v->n; i++) tally_row(v, i, &t, &coef[i]);
    PS_TRY(reduce(comm, &t));
    double bounds = ps_exact_value(&t.sum[BOUNDS]);
    out->objective = ps_exact_value(&t.sum[OBJECTIVE]) / 2;
    out->nu = bounds > 0 ? ps_exact_value(&t.sum[ALPHA]) / bounds : 0;
    out->sv = t.count[SV];
    out->bounded = t.count[BOUNDED];
    find_rho(cost, v, &t, out);
    if (cost->type != SVM_NU_SVC) return PS_OK;
    out->rho /= out->r;
    out->objective /= out->r * out->r;
    for (int64_t i = 0; i < v->n; i++) coef[i] /= out->r;
    return PS_OK;
}
