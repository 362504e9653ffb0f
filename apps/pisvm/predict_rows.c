#include "apps/pisvm/predict_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_backend.h"
#include "common/io/number.h"
#include "common/run/err.h"

/* Numbers of a chunk; rows that are packed at once; rows of a tile in double precision. */
enum { VALUES = 1 << 22, ROWS_MIN = 256, ROWS_MAX = 8192, TILE = 16, DIGITS = 6 };

/* Two probabilities that are nearer than this may change places by an error of decision values. */
static const double near_tie = 1e-9;

static bool regression(const struct predict_job *job)
{
    return job->model->m->type >= SVM_EPSILON_SVR;
}

/** Are single-precision values of any use? They tell most signs, but neither digits nor probabilities. */
static bool signs_only(const struct predict_job *job)
{
    return !regression(job) && !job->probability && !job->decision;
}

int64_t predict_chunk_rows(const struct predict_job *job)
{
    int64_t rows = VALUES / (job->model->stride + 1) / ROWS_MIN * ROWS_MIN;
    if (rows < ROWS_MIN) rows = ROWS_MIN;
    return rows > ROWS_MAX ? ROWS_MAX : rows;
}

enum ps_status predict_chunk_make(const struct predict_job *job, struct predict_chunk *out)
{
    const struct predict_model *p = job->model;
    int64_t rows = predict_chunk_rows(job);
    if (rows > job->x.n) rows = job->x.n;
    *out = (struct predict_chunk){.room = rows};
    enum ps_status rc = ps_alloc(&out->value, rows * p->stride, sizeof(double), "decision values");
    if (rc == PS_OK) rc = ps_alloc(&out->result, rows, sizeof(double), "predictions");
    if (rc == PS_OK) rc = ps_alloc(&out->need, rows * p->check.groups, 1, "marks of rows");
    if (rc == PS_OK) rc = ps_alloc(&out->list, rows, sizeof(int64_t), "numbers of rows");
    if (rc == PS_OK && job->probability)
        rc = ps_alloc(&out->probability, rows * p->m->nclass, sizeof(double), "probabilities");
    if (rc != PS_OK) predict_chunk_free(job, out);
    return rc;
}

void predict_chunk_free(const struct predict_job *job, struct predict_chunk *c)
{
    if (c->pack) job->model->kernels->unpack(c->pack);
    free(c->value);
    free(c->result);
    free(c->probability);
    free(c->need);
    free(c->list);
    *c = (struct predict_chunk){0};
}

/* --- signs from single precision --------------------------------------------------------------------------
 */

/** All decision values of a chunk in single precision, less rho. */
static enum ps_status decide_chunk(const struct predict_job *job, struct predict_chunk *c)
{
    const struct predict_model *p = job->model;
    const struct svm_check *k = &p->check;
    int64_t n = c->hi - c->lo;
    struct ps_csr rows = job->x;
    rows.start += c->lo;
    rows.n = n;
    if (c->pack) p->kernels->unpack(c->pack);
    c->pack = NULL;
    PS_TRY(svm_backend_pack(p->kernels, &rows, NULL, n, &p->layout, &c->pack));
    memset(c->value, 0, (size_t)(n * p->stride) * sizeof *c->value);
    const struct svm_decision d = {p->kernels, p->m->function, c->pack, k->groups, p->group, p->stride};
    PS_TRY(svm_decide(&d, 0, n, c->value));
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        for (int64_t q = 0; q < k->pairs; q++) c->value[i * p->stride + q] -= p->m->rho[q];
    return PS_OK;
}

/** What is known of the votes of a row. */
struct votes {
    double *bound; /**< [groups] */
    int *sure;     /**< [groups] votes */
    int *open;     /**< [groups] pairs whose sign is open */
};

static bool is_open(const struct predict_model *p, const double *value, const struct votes *v, int a, int b,
                    int64_t pair)
{
    double bound = v->bound[a] + (b != a ? v->bound[b] : 0) + 0x1p-50 * fabs(p->m->rho[pair]);
    return !(fabs(value[pair]) > bound); /* true where a value is not a number */
}

/** Count votes. @return whether the sign of any pair is open */
static bool count_votes(const struct predict_model *p, const double *value, const struct votes *v)
{
    int n = p->check.groups;
    bool any = false;
    for (int g = 0; g < n; g++) v->sure[g] = v->open[g] = 0;
    int64_t pair = 0;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++, pair++) {
            if (is_open(p, value, v, a, b, pair)) {
                v->open[a]++;
                v->open[b]++;
                any = true;
            } else {
                v->sure[value[pair] > 0 ? a : b]++;
            }
        }
    return any;
}

/** Mark the classes of pairs that must be computed again: those that are open and of a class that might win.
 * @return whether there are any */
static bool mark_contested(const struct predict_model *p, const double *value, const struct votes *v,
                           uint8_t *need)
{
    int n = p->check.groups, best = 0, rivals = 0;
    for (int g = 1; g < n; g++)
        if (v->sure[g] > v->sure[best]) best = g;
    for (int g = 0; g < n; g++) {
        int most = v->sure[g] + v->open[g];
        rivals += g != best && (most > v->sure[best] || (most == v->sure[best] && g < best));
    }
    for (int g = 0; g < n; g++) need[g] = 0;
    if (!rivals) return false;
    bool any = false;
    int64_t pair = 0;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++, pair++) {
            bool may_win =
                v->sure[a] + v->open[a] >= v->sure[best] || v->sure[b] + v->open[b] >= v->sure[best];
            if (!may_win || !is_open(p, value, v, a, b, pair)) continue;
            need[a] = need[b] = 1;
            any = true;
        }
    return any;
}

/** Does a row need values in double precision? Marks which. */
static bool is_contested(const struct predict_job *job, int64_t row, const double *value,
                         const struct votes *v, uint8_t *need)
{
    const struct predict_model *p = job->model;
    struct predict_reach reach = predict_reach_of(p, &job->x, row);
    for (int g = 0; g < p->check.groups; g++) v->bound[g] = predict_group_bound(p, &reach, value, g);
    if (p->m->type == SVM_ONE_CLASS) return (need[0] = is_open(p, value, v, 0, 0, 0));
    return count_votes(p, value, v) && mark_contested(p, value, v, need);
}

/** List the rows that need more, with their marks moved to the front.
 * @return PS_OK; PS_ENOMEM */
static enum ps_status find_contested(const struct predict_job *job, struct predict_chunk *c, int64_t *found)
{
    const struct predict_model *p = job->model;
    int64_t groups = p->check.groups;
    bool missing = false;
#pragma omp parallel reduction(|| : missing)
    {
        double *bound = malloc((size_t)groups * sizeof *bound);
        int *votes = malloc(2 * (size_t)groups * sizeof *votes);
        struct votes v = {bound, votes, votes + groups};
        missing = !bound || !votes;
#pragma omp for schedule(dynamic, 256)
        for (int64_t i = c->lo; i < c->hi; i++)
            c->list[i - c->lo] = !missing && is_contested(job, i, c->value + (i - c->lo) * p->stride, &v,
                                                          c->need + (i - c->lo) * groups);
        free(bound);
        free(votes);
    }
    PS_CHECK(!missing, PS_ENOMEM, "no memory for the votes of a row");
    *found = 0;
    for (int64_t i = 0; i < c->hi - c->lo; i++) {
        if (!c->list[i]) continue;
        memmove(c->need + *found * groups, c->need + i * groups, (size_t)groups);
        c->list[(*found)++] = c->lo + i;
    }
    return PS_OK;
}

/* --- values from double precision -------------------------------------------------------------------------
 */

/** One thread's work space. */
struct work {
    double *check, *value, *probability;
};

static bool work_make(const struct predict_job *job, struct work *w)
{
    const struct svm_check *c = &job->model->check;
    int64_t n = job->model->m->nclass;
    w->check = calloc((size_t)svm_check_work(c) + 8, sizeof(double));
    w->value = malloc((size_t)(TILE * c->pairs + 1) * sizeof(double));
    w->probability = malloc((size_t)(n * (n + 1)) * sizeof(double));
    return w->check && w->value && w->probability;
}

static void work_free(struct work *w)
{
    free(w->check);
    free(w->value);
    free(w->probability);
}

/** May rounding to the digits that are printed depend on the error? */
static bool digits_open(double value, double bound)
{
    char low[PS_NUMBER_TEXT], high[PS_NUMBER_TEXT];
    ps_number_format_g(value - bound, DIGITS, low);
    ps_number_format_g(value + bound, DIGITS, high);
    return strcmp(low, high) != 0;
}

/** Take the values of one row over, those that the bound leaves open from LIBSVM's own arithmetic. */
static void settle_row(const struct predict_job *job, int64_t row, const uint8_t *need, const double *from,
                       double *value, struct predict_counts *count)
{
    const struct svm_check *c = &job->model->check;
    int64_t pair = 0, entries = job->x.start[row + 1] - job->x.start[row];
    double norm2 = 0;
    for (int64_t e = job->x.start[row]; e < job->x.start[row + 1]; e++)
        norm2 += job->x.value[e] * job->x.value[e];
    for (int a = 0; a < c->groups; a++)
        for (int b = job->model->m->count ? a + 1 : a; b < c->groups; b++, pair++) {
            if (need && !(need[a] && need[b])) continue;
            double bound = svm_check_bound(c, sqrt(norm2), entries, a, b);
            bool open = regression(job) ? digits_open(from[pair], bound) : !(fabs(from[pair]) > bound);
            value[pair] = open ? svm_check_exact(c, &job->x, row, a, b) : from[pair];
            count->exact += open;
            count->doubled++;
        }
}

/** Listed rows [lo, hi), at most TILE of them. */
static void settle_tile(const struct predict_job *job, struct predict_chunk *c, bool all, int64_t lo,
                        int64_t hi, const struct work *w, struct predict_counts *count)
{
    const struct predict_model *p = job->model;
    const uint8_t *need = all ? NULL : c->need + lo * p->check.groups;
    struct svm_check_rows rows = {&job->x, c->list + lo, need, w->value, p->check.pairs};
    svm_check_values(&p->check, &rows, 0, hi - lo, w->check);
    for (int64_t i = lo; i < hi; i++)
        settle_row(job, c->list[i], need ? need + (i - lo) * p->check.groups : NULL,
                   w->value + (i - lo) * p->check.pairs, c->value + (c->list[i] - c->lo) * p->stride, count);
}

static int best_of(int n, const double *p)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/** Probabilities of a row. @return the most probable class */
static int row_probability(const struct predict_job *job, int64_t row, double *value, double *prob,
                           const struct work *w, struct predict_counts *count)
{
    const struct svm_model *m = job->model->m;
    int n = m->nclass, tied = 0;
    svm_probability(n, value, m->prob_a, m->prob_b, w->probability, prob);
    int best = best_of(n, prob);
    for (int i = 0; i < n; i++) tied += i != best && !(prob[best] - prob[i] > near_tie);
    if (!tied) return best;
    int64_t pair = 0;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++)
            value[pair++] = svm_check_exact(&job->model->check, &job->x, row, a, b);
    count->exact += pair;
    svm_probability(n, value, m->prob_a, m->prob_b, w->probability, prob);
    return best_of(n, prob);
}

/** What follows from the values of a row. */
static void conclude(const struct predict_job *job, struct predict_chunk *c, int64_t i, const struct work *w,
                     struct predict_counts *count)
{
    const struct svm_model *m = job->model->m;
    double *value = c->value + i * job->model->stride;
    if (regression(job))
        c->result[i] = value[0];
    else if (m->type == SVM_ONE_CLASS)
        c->result[i] = value[0] > 0 ? 1 : -1;
    else if (job->probability)
        c->result[i] =
            m->label[row_probability(job, c->lo + i, value, c->probability + i * m->nclass, w, count)];
    else
        c->result[i] = m->label[svm_vote(m->nclass, value, NULL)];
}

/** Listed rows in double precision, then conclusions of all. */
static enum ps_status settle(const struct predict_job *job, struct predict_chunk *c, bool all, int64_t found)
{
    bool missing = false;
    int64_t doubled = 0, exact = 0, tiles = (found + TILE - 1) / TILE;
#pragma omp parallel reduction(|| : missing) reduction(+ : doubled, exact)
    {
        struct work w;
        struct predict_counts count = {0};
        missing = !work_make(job, &w);
#pragma omp for schedule(dynamic)
        for (int64_t t = 0; t < tiles; t++)
            if (!missing)
                settle_tile(job, c, all, t * TILE, (t + 1) * TILE < found ? (t + 1) * TILE : found, &w,
                            &count);
#pragma omp for schedule(dynamic, 64)
        for (int64_t i = 0; i < c->hi - c->lo; i++)
            if (!missing) conclude(job, c, i, &w, &count);
        work_free(&w);
        doubled += count.doubled;
        exact += count.exact;
    }
    c->counts.doubled += doubled;
    c->counts.exact += exact;
    PS_CHECK(!missing, PS_ENOMEM, "no memory for predictions");
    return PS_OK;
}

enum ps_status predict_rows(const struct predict_job *job, int64_t lo, int64_t hi, struct predict_chunk *c)
{
    bool all = !signs_only(job);
    int64_t found = hi - lo;
    c->lo = lo;
    c->hi = hi;
    c->counts.values += (hi - lo) * job->model->check.pairs;
    if (all) {
        for (int64_t i = 0; i < found; i++) c->list[i] = lo + i;
    } else {
        PS_TRY(decide_chunk(job, c));
        PS_TRY(find_contested(job, c, &found));
    }
    return settle(job, c, all, found);
}
