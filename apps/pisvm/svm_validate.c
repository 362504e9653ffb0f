#include "apps/pisvm/svm_validate.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include "apps/pisvm/svm_decide.h"
#include "apps/pisvm/svm_validate_decide.h"
#include "common/par/exactsum.h"
#include "common/run/timer.h"

/* Pieces whose values are held at a time, whatever the memory: each batch streams all support vectors again.
 */
enum { BATCH_MIN = 64 };

/* Bytes of their values at most where memory is a device's: they come back to the host, which has less. */
static const int64_t BACK = (int64_t)4 << 30;

/* What all ranks know of a machine. */
enum { RHO, PROB_A, PROB_B, STEPS, FACTS };

/* Sums over a regression's predictions v and labels y. */
enum { SQUARE_ERROR, SUM_V, SUM_Y, SUM_VV, SUM_YY, SUM_VY, SUMS };

/* Predictions that are being judged. */
struct judge {
    const struct svm_decider *d;
    double *fact;             /* [folds][ncost][pairs][FACTS] */
    double *value;            /* of a batch of pieces, */
    struct svm_places places; /* where svm_decider_places says */
    double *work;             /* [threads][room] */
    int64_t room;
    bool likely;          /* the class of the largest probability is meant, not that of most votes */
    int64_t *hits;        /* [ncost] right predictions; regression: those that are not finite */
    struct ps_exact *sum; /* [ncost][SUMS] regression */
};

static enum ps_status judge_make(const struct svm_decider *d, int64_t batch, struct judge *out)
{
    const int64_t ncost = d->sweep->ncost, nclass = d->spec->data->nclass;
    *out = (struct judge){.d = d, .likely = d->sweep->probability && svm_has_classes(d->spec->type)};
    out->room = d->pairs + (out->likely ? 2 * d->pairs + nclass + nclass * (nclass + 1) : 0);
    enum ps_status rc = ps_alloc(&out->fact, d->held->folds * ncost * d->pairs * FACTS, sizeof *out->fact,
                                 "machines of all folds");
    if (rc == PS_OK)
        rc = ps_alloc(&out->value, batch * SVM_PIECE * ncost * d->pairs, sizeof *out->value,
                      "decision values");
    if (rc == PS_OK)
        rc = ps_alloc(&out->work, out->room * omp_get_max_threads(), sizeof *out->work, "probabilities");
    if (rc == PS_OK) rc = ps_zalloc(&out->hits, ncost, sizeof *out->hits, "right predictions");
    if (rc == PS_OK) rc = ps_zalloc(&out->sum, ncost * SUMS, sizeof *out->sum, "sums of errors");
    return ps_agree(d->spec->run->comm, rc);
}

static void judge_free(struct judge *j)
{
    free(j->fact);
    free(j->value);
    free(j->work);
    free(j->hits);
    free(j->sum);
}

/* --- machines --- */

static double *fact_of(const struct judge *j, int fold, int cost)
{
    return j->fact + ((int64_t)fold * j->d->sweep->ncost + cost) * j->d->pairs * FACTS;
}

/* Tell all ranks of all machines. Collective. */
static void share_facts(struct judge *j)
{
    const struct svm_decider *d = j->d;
    const int fold = d->sweep->ncost * d->pairs * FACTS;
    for (int64_t i = 0; i < (int64_t)d->held->folds * fold; i++) j->fact[i] = -(double)INFINITY;
    for (int64_t i = 0; i < d->machines->n; i++) {
        const struct svm_machine *m = &d->machines->machine[i];
        double *fact = fact_of(j, m->fold, m->cost) + (int64_t)m->pair * FACTS;
        fact[RHO] = m->result.rho;
        fact[PROB_A] = m->prob_a;
        fact[PROB_B] = m->prob_b;
        fact[STEPS] = (double)m->result.iterations;
    }
    /* a machine that several ranks hold is the same on each: the largest is it */
    for (int f = 0; f < d->held->folds; f++)
        MPI_Allreduce(MPI_IN_PLACE, fact_of(j, f, 0), fold, MPI_DOUBLE, MPI_MAX, d->spec->run->comm);
}

/* Where a fold keeps no row of a class, nothing was learnt of it: its pairs are always won by the other. */
static enum ps_status settle_absent(struct judge *j, int fold, int cost)
{
    const int nclass = svm_has_classes(j->d->spec->type) ? j->d->spec->data->nclass : 0;
    const int64_t *kept = j->d->held->trained + (int64_t)fold * nclass;
    double *fact = fact_of(j, fold, cost);
    for (int a = 0; a < nclass; a++)
        for (int b = a + 1; b < nclass; b++, fact += FACTS) {
            if (kept[a] == 0 || kept[b] == 0) {
                fact[RHO] = kept[a] > 0 ? -(double)INFINITY : (double)INFINITY;
                fact[PROB_A] = -1;
                fact[PROB_B] = 0;
            }
            PS_CHECK(kept[a] == 0 || kept[b] == 0 || fact[STEPS] >= 0, PS_EINTERNAL,
                     "no machine was trained for classes %d and %d, fold %d", a, b, fold);
        }
    return PS_OK;
}

/* Steps of all machines of one C. */
static double steps_of(const struct judge *j, int cost)
{
    double steps = 0;
    for (int f = 0; f < j->d->held->folds; f++) {
        const double *fact = fact_of(j, f, cost);
        for (int p = 0; p < j->d->pairs; p++)
            if (fact[p * FACTS + STEPS] > 0) steps += fact[p * FACTS + STEPS];
    }
    return steps;
}

/* --- predictions --- */

/* The class by probabilities: so LIBSVM predicts where they are asked for. */
static int likely(int nclass, int pairs, const double *value, const double *fact, double *work)
{
    double *a = work, *b = a + pairs, *p = b + pairs;
    int best = 0;
    for (int k = 0; k < pairs; k++) {
        a[k] = fact[k * FACTS + PROB_A];
        b[k] = fact[k * FACTS + PROB_B];
    }
    svm_probability(nclass, value, a, b, p + nclass, p);
    for (int c = 1; c < nclass; c++)
        if (p[c] > p[best]) best = c;
    return best;
}

/* Right predictions in a piece. */
static int64_t judge_classes(const struct judge *j, int64_t piece, int cost, const double *value)
{
    const struct svm_decider *d = j->d;
    const int nclass = d->spec->data->nclass, pairs = d->pairs, ncost = d->sweep->ncost;
    const double *fact = fact_of(j, d->held->fold[piece], cost);
    double *v = j->work + j->room * omp_get_thread_num();
    int64_t hits = 0;
    for (int i = 0; i < d->held->rows[piece]; i++) {
        for (int k = 0; k < pairs; k++)
            v[k] = value[((int64_t)k * ncost + cost) * j->places.column + i] - fact[k * FACTS + RHO];
        const int c = j->likely ? likely(nclass, pairs, v, fact, v + pairs) : svm_vote(nclass, v, NULL);
        hits += c == d->spec->data->class_of[d->held->row[piece * SVM_PIECE + i]];
    }
    return hits;
}

static int64_t judge_one_class(const struct judge *j, int64_t piece, int cost, const double *value)
{
    const struct svm_held *h = j->d->held;
    const double rho = fact_of(j, h->fold[piece], cost)[RHO];
    int64_t hits = 0;
    for (int i = 0; i < h->rows[piece]; i++) {
        const bool inside = value[cost * j->places.column + i] - rho > 0;
        hits += inside == (j->d->spec->data->x.label[h->row[piece * SVM_PIECE + i]] > 0);
    }
    return hits;
}

/* Adds to the sums; what is not finite is counted instead. */
static int64_t judge_values(const struct judge *j, int64_t piece, int cost, const double *value)
{
    const struct svm_held *h = j->d->held;
    const double rho = fact_of(j, h->fold[piece], cost)[RHO];
    struct ps_exact *sum = j->sum + (int64_t)cost * SUMS;
    int64_t wild = 0;
    for (int i = 0; i < h->rows[piece]; i++) {
        const double y = j->d->spec->data->x.label[h->row[piece * SVM_PIECE + i]];
        const double v = value[cost * j->places.column + i] - rho;
        const double term[SUMS] = {(v - y) * (v - y), v, y, v * v, y * y, v * y};
        bool finite = true;
        for (int k = 0; k < SUMS; k++) finite = finite && isfinite(term[k]);
        wild += !finite;
        for (int k = 0; k < SUMS && finite; k++) ps_exact_add(&sum[k], term[k]);
    }
    return wild;
}

/* Judge pieces [lo, hi), whose values are there. */
static void judge_batch(struct judge *j, int64_t lo, int64_t hi)
{
    const struct svm_decider *d = j->d;
    const enum svm_type type = d->spec->type;
    for (int cost = 0; cost < d->sweep->ncost; cost++) {
        int64_t hits = 0;
#pragma omp parallel for schedule(static) reduction(+ : hits) if (svm_has_classes(type))
        for (int64_t p = lo; p < hi; p++) {
            const double *value = j->value + (p - lo) * j->places.piece;
            hits += svm_has_classes(type)   ? judge_classes(j, p, cost, value)
                    : type == SVM_ONE_CLASS ? judge_one_class(j, p, cost, value)
                                            : judge_values(j, p, cost, value);
        }
        j->hits[cost] += hits;
    }
}

/* --- worth --- */

/* Mean squared error and squared correlation, as LIBSVM defines them. */
static void fit_of(const struct ps_exact *sum, int64_t n, int64_t wild, struct svm_worth *out)
{
    double s[SUMS];
    const double rows = (double)n;
    for (int k = 0; k < SUMS; k++) s[k] = ps_exact_value(&sum[k]);
    const double both = rows * s[SUM_VY] - s[SUM_V] * s[SUM_Y];
    const double v = rows * s[SUM_VV] - s[SUM_V] * s[SUM_V], y = rows * s[SUM_YY] - s[SUM_Y] * s[SUM_Y];
    out->mse = wild ? (double)INFINITY : s[SQUARE_ERROR] / rows;
    out->correlation2 = wild ? (double)NAN : both * both / (v * y);
}

/* Add up the ranks' findings. Collective. */
static enum ps_status conclude(struct judge *j, struct svm_worth *out)
{
    const struct svm_decider *d = j->d;
    const int ncost = d->sweep->ncost;
    const bool values = d->spec->type == SVM_EPSILON_SVR || d->spec->type == SVM_NU_SVR;
    MPI_Allreduce(MPI_IN_PLACE, j->hits, ncost, MPI_INT64_T, MPI_SUM, d->spec->run->comm);
    if (values) PS_TRY(ps_exact_reduce(d->spec->run->comm, j->sum, ncost * SUMS));
    for (int c = 0; c < ncost; c++) {
        out[c] = (struct svm_worth){0};
        if (values)
            fit_of(j->sum + (int64_t)c * SUMS, d->spec->data->x.rows, j->hits[c], &out[c]);
        else
            out[c].accuracy = 100.0 * (double)j->hits[c] / (double)d->spec->data->x.rows;
    }
    return PS_OK;
}

/* Share the seconds among the C: those of training by the steps of their machines, which come on top of
 * kernel values that all use, those of voting equally. */
static void share_seconds(const struct judge *j, double training, double voting, struct svm_worth *out)
{
    const int ncost = j->d->sweep->ncost;
    double all = 0;
    for (int c = 0; c < ncost; c++) all += steps_of(j, c);
    for (int c = 0; c < ncost; c++)
        out[c].seconds = voting / ncost + training * (all > 0 ? steps_of(j, c) / all : 1.0 / ncost);
}

/* Own rows, a batch of pieces after the other: as many on all ranks. */
static enum ps_status predict(struct judge *j, int64_t batch, int64_t batches)
{
    const int64_t n = j->d->held->pieces;
    share_facts(j);
    for (int f = 0; f < j->d->held->folds; f++)
        for (int c = 0; c < j->d->sweep->ncost; c++) PS_TRY(settle_absent(j, f, c));
    for (int64_t b = 0; b < batches; b++) {
        const int64_t lo = b * batch < n ? b * batch : n, hi = lo + batch < n ? lo + batch : n;
        j->places = svm_decider_places(j->d, hi - lo);
        PS_TRY(svm_decider_run(j->d, lo, hi, j->value));
        judge_batch(j, lo, hi);
    }
    return PS_OK;
}

/* Predict with machines that are trained. */
static enum ps_status vote(const struct svm_decider *d, double began, double trained, struct svm_worth *out)
{
    const int64_t piece = (int64_t)d->sweep->ncost * d->pairs * SVM_PIECE * (int64_t)sizeof(double);
    const bool back = d->spec->kernels->device && d->spec->memory > BACK;
    const int64_t n = d->held->pieces, fit = (back ? BACK : d->spec->memory) / piece,
                  batch = fit > BATCH_MIN ? fit : BATCH_MIN;
    int64_t batches = (n + batch - 1) / batch;
    struct judge j;
    MPI_Allreduce(MPI_IN_PLACE, &batches, 1, MPI_INT64_T, MPI_MAX, d->spec->run->comm);
    enum ps_status rc = judge_make(d, batch < n ? batch : n, &j);
    if (rc == PS_OK) rc = predict(&j, batch, batches);
    if (rc == PS_OK) rc = conclude(&j, out);
    if (rc == PS_OK) {
        share_seconds(&j, trained - began, MPI_Wtime() - trained, out);
        MPI_Bcast(out, d->sweep->ncost * (int)sizeof *out, MPI_BYTE, 0, d->spec->run->comm);
    }
    judge_free(&j);
    return rc;
}

enum ps_status svm_validate(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                            struct svm_worth *out)
{
    struct svm_train_spec quiet = *spec;
    struct svm_machines machines = {0};
    struct svm_held held = {0};
    struct svm_decider d = {0};
    quiet.quiet = true;
    const double began = MPI_Wtime();
    PS_TRY(svm_train(&quiet, sweep, &machines));
    const double trained = MPI_Wtime();
    ps_phase(spec->run, "vote");
    enum ps_status rc = svm_held_make(&quiet, sweep->folds, &held);
    if (rc == PS_OK) rc = svm_decider_make(&quiet, sweep, &machines, &held, &d);
    if (rc == PS_OK) rc = vote(&d, began, trained, out);
    svm_decider_free(&d);
    svm_held_free(&held);
    svm_machines_free(&machines);
    return rc;
}
